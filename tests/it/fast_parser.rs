//! The fast parser against the general one: whatever the text, tape and problems are the same to the last byte.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test reads its fixtures and may panic"
)]

use std::path::Path;
use std::sync::Arc;

use assize::yaml::{Limits, parse};

use crate::determinism::estate;
use crate::differential::{Random, collect, grow, mutate};
use crate::scene::Scene;
use crate::yaml_suite;

/// How many bytes the fast parser reads.
///
/// # Errors
/// The two differ.
fn compare(text: &str, name: &str, limits: &Limits) -> Result<usize, String> {
    let file = Arc::from(name);
    let (mut fast, fast_problems) = parse(text.as_bytes().to_vec(), &file, limits);
    let (strict, problems) = parse(text.as_bytes().to_vec(), &file, &Limits { strict: true, ..*limits });
    assert_eq!(strict.fast_bytes, 0);
    let bytes = std::mem::take(&mut fast.fast_bytes);
    if fast == strict && fast_problems == problems {
        return Ok(bytes);
    }
    Err(format!("{text:?} {limits:?}\n  fast {fast:?} {fast_problems:?}\n  strict {strict:?} {problems:?}"))
}

/// What was compared.
#[derive(Debug, Default)]
struct Count {
    texts: usize,
    /// Texts that the fast parser reads to their end.
    whole: usize,
    bytes: usize,
    fast_bytes: usize,
    wrong: Vec<String>,
}

impl Count {
    fn add(&mut self, text: &str, name: &str, limits: &Limits) {
        self.texts += 1;
        match compare(text, name, limits) {
            Ok(bytes) => {
                self.bytes += text.len();
                self.fast_bytes += bytes;
                self.whole += usize::from(bytes == text.len());
            }
            Err(difference) => self.wrong.push(difference),
        }
    }

    #[track_caller]
    fn no_difference(&self) {
        let some: Vec<&str> = self.wrong.iter().take(5).map(String::as_str).collect();
        assert!(some.is_empty(), "{} of {} texts:\n{}", self.wrong.len(), self.texts, some.join("\n"));
    }
}

#[test]
fn the_suite_gives_the_same_tapes() {
    let mut count = Count::default();
    for case in yaml_suite::cases() {
        count.add(&case.yaml, "case.yaml", &Limits::default());
        count.add(&case.yaml.replace('\n', "\r\n"), "case.yaml", &Limits::default());
    }
    count.no_difference();
    assert!(count.whole > 180, "the fast parser reads only {} of {}", count.whole, count.texts);
}

#[test]
fn our_own_files_give_the_same_tapes() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["policies", "examples", "schemas", "tests/fixtures"] {
        collect(&top.join(folder), &mut files);
    }
    assert!(files.len() > 400, "only {} files", files.len());
    let mut count = Count::default();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        count.add(&text, "own.yaml", &Limits::default());
    }
    count.no_difference();
    assert!(count.fast_bytes * 100 > count.bytes * 97, "{} of {} bytes", count.fast_bytes, count.bytes);
}

/// Scalars that are written on one line, for any place.
const SCALARS: [&str; 36] = [
    "a",
    "b c",
    "null",
    "~",
    "true",
    "False",
    "0",
    "-1",
    "+7",
    "0x1f",
    "0o7",
    "010",
    "1.5",
    "1e3",
    "yes",
    "off",
    "12:30",
    "2026-11-20",
    "a:b",
    "a#b",
    "http://c:80/d?e=f#g",
    "-x",
    "--- y",
    "...",
    "é ü",
    "'q''q'",
    "''",
    "\"\"",
    "\"d\\n\\u00e9\\ud83d\\ude00\"",
    "\"a: b # c\"",
    "'[x]'",
    "\"\\x41\\\\\"",
    "<<",
    "18446744073709551615",
    "<=",
    "=",
];

/// Scalars that only a block takes.
const BLOCK_SCALARS: [&str; 6] = ["a, b", "{{ x", "b] c", "x  \t y", "::/0", "a{b}[c]"];

/// What may stand at the end of a line.
const ENDS: [&str; 8] = ["", "", "", "", " ", "  # comment", " #", "\t# c: d"];

/// A text of all that the fast parser reads; now and then a thing that it does not.
struct Writer<'r> {
    random: &'r mut Random,
    text: String,
}

impl Writer<'_> {
    fn chance(&mut self, of: usize) -> bool {
        self.random.below(of) == 0
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pick(&mut self, of: &[&str]) {
        let text = self.random.pick(of);
        self.put(text);
    }

    fn end(&mut self) {
        self.pick(&ENDS);
        self.put("\n");
        while self.chance(12) {
            self.pick(&["\n", "   \n", "# comment\n", "      # comment\n", "\n\n"]);
        }
    }

    fn pad(&mut self, column: usize) {
        self.put(&" ".repeat(column));
    }

    fn document(&mut self) {
        self.pick(&["", "", "---\n", "---\n", "--- # c\n", "...\n---\n"]);
        match self.random.below(12) {
            0 => {}
            1 => {
                self.flow(3, 0);
                self.end();
            }
            2..=5 => self.list(3, 0),
            _ => self.map(3, 0),
        }
        self.pick(&["", "", "", "...\n", "... # c\n"]);
    }

    fn map(&mut self, depth: usize, column: usize) {
        for position in 0..=self.random.below(4) {
            if position > 0 {
                self.pad(column);
            }
            let key = ["k", "l-m", "'n'", "\"o p\"", "1"][position];
            let key = if self.chance(100) { self.random.pick(&SCALARS) } else { key };
            self.put(key);
            self.pick(&["", "", "", "", "", " "]);
            self.put(":");
            self.value(depth, column, true);
        }
    }

    fn list(&mut self, depth: usize, column: usize) {
        for position in 0..=self.random.below(3) {
            if position > 0 {
                self.pad(column);
            }
            self.put("-");
            self.element(depth, column);
        }
    }

    /// What follows a dash.
    fn element(&mut self, depth: usize, column: usize) {
        let gap = if self.chance(8) { self.random.below(4) } else { 0 };
        match self.random.below(8) {
            0..=2 if depth > 0 => {
                self.pad(gap + 1);
                self.map(depth - 1, column + 2 + gap);
            }
            3 if depth > 0 => {
                self.pad(gap + 1);
                self.list(depth - 1, column + 2 + gap);
            }
            _ => self.value(depth, column, false),
        }
    }

    /// What follows a colon or a dash, to the end of the line or lines.
    fn value(&mut self, depth: usize, column: usize, is_key: bool) {
        let below = column + 1 + self.random.below(3);
        match self.random.below(if depth > 0 { 14 } else { 9 }) {
            0..=2 => {
                self.put(" ");
                if self.chance(5) {
                    self.pick(&BLOCK_SCALARS);
                } else {
                    self.pick(&SCALARS);
                }
                self.end();
            }
            3 => {
                self.put(" one");
                for _ in 0..=self.random.below(2) {
                    self.pick(&["\n", "  \n", "\n\n", "\n  \n\n"]);
                    self.pad(below);
                    self.pick(&["two", "- three", "five:six  seven", "'eight"]);
                }
                self.end();
            }
            4 => {
                let quote = self.random.pick(&["'", "\""]);
                self.put(&format!(" {quote}one "));
                for _ in 0..self.random.below(3) {
                    self.pick(&["\n", "  \n", "\n\n", " \t\n  \n"]);
                    self.pad(below);
                    self.pick(&["two", "# three", "four: ", " "]);
                }
                if quote == "\"" {
                    self.pick(&["", "\\\n  ", "\\t  \n   ", "\\ \\\n\n    x"]);
                }
                self.put(quote);
                self.end();
            }
            5 => self.block_scalar(column),
            6 => {
                self.put(" ");
                self.flow(2, below);
                self.end();
            }
            7 => {
                self.end();
                if self.chance(3) {
                    self.pad(below);
                    self.pick(&SCALARS);
                    self.end();
                }
            }
            8 if self.chance(20) => {
                self.pick(&[" &a x", " *a", " !!str y", "\tz", " ? q", " a: b", " - a"]);
                self.end();
            }
            8..=11 if depth > 0 => {
                self.end();
                self.pad(below);
                self.map(depth - 1, below);
            }
            12 if is_key && depth > 0 => {
                self.end();
                self.pad(column);
                self.list(depth - 1, column);
            }
            13 if depth > 0 => {
                self.end();
                self.pad(below);
                self.list(depth - 1, below);
            }
            _ => {
                self.put(" x");
                self.end();
            }
        }
    }

    fn block_scalar(&mut self, column: usize) {
        let indent = 1 + self.random.below(4);
        self.put(" ");
        self.pick(&["|", ">"]);
        let sign = self.random.pick(&["", "", "-", "+"]);
        let digit = if self.chance(3) { indent.to_string() } else { String::new() };
        let header = if self.chance(2) { format!("{sign}{digit}") } else { format!("{digit}{sign}") };
        self.put(&header);
        self.pick(&ENDS);
        self.put("\n");
        for _ in 0..self.random.below(6) {
            if self.chance(4) {
                let spaces = self.random.below(column + indent + 2);
                self.pad(spaces);
                self.put("\n");
                continue;
            }
            self.pad(column + indent);
            self.pick(&["one", "  two", "# three", "- four: [", "\tfive", "six  ", "---"]);
            self.put("\n");
        }
    }

    /// Spaces or a line break within a flow collection.
    fn space(&mut self, column: usize) {
        match self.random.below(8) {
            0 => {
                self.pick(&["\n", " # comment\n", "\n\n"]);
                self.pad(column);
            }
            1 => self.pick(&["", "", "  ", "\t"]),
            _ => self.put(" "),
        }
    }

    fn flow(&mut self, depth: usize, column: usize) {
        let is_map = self.chance(2);
        self.put(if is_map { "{" } else { "[" });
        for position in 0..self.random.below(4) {
            self.space(column);
            let is_pair = !is_map && self.chance(6);
            if is_map || is_pair {
                self.put(["k", "'l'", "\"m\"", "n o"][position]);
                self.pick(&[": ", ": ", " : ", ":\n "]);
                if self.chance(30) {
                    self.text.pop();
                }
                self.space(column);
            }
            match self.random.below(8) {
                0 | 1 if depth > 0 => self.flow(depth - 1, column),
                2 if is_map || is_pair => {}
                _ => self.pick(&SCALARS),
            }
            self.pick(&["", "", " ", "\n  "]);
            self.put(",");
        }
        if self.text.ends_with(',') && !self.chance(4) {
            self.text.pop();
        }
        self.space(column);
        self.put(if is_map { "}" } else { "]" });
    }
}

#[test]
fn written_texts_give_the_same_tapes() {
    let mut random = Random(20_261_121);
    let mut count = Count::default();
    for round in 0..6_000 {
        let mut writer = Writer { random: &mut random, text: String::new() };
        for _ in 0..=writer.random.below(3) {
            writer.document();
        }
        let mut text = writer.text;
        if round % 5 == 0 {
            text = text.replace('\n', "\r\n");
        }
        if round % 7 == 0 {
            text.truncate(text.trim_end().len());
        }
        if round % 50 == 0 {
            text.insert(0, '\u{feff}');
        }
        count.add(&text, if round % 9 == 0 { "text.json" } else { "text.yaml" }, &Limits::default());
        if round % 10 == 0 {
            let limits = Limits {
                depth: 1 + random.below(4),
                nodes: random.below(30),
                documents: random.below(4),
                ..Limits::default()
            };
            count.add(&text, "text.yaml", &limits);
        }
        // A slip of the hand in a text that both may read.
        let slip = mutate(&mut random, &[&text]);
        count.add(&slip, "text.yaml", &Limits::default());
    }
    count.no_difference();
    assert!(count.whole > 4_000, "the fast parser reads only {} of {} texts", count.whole, count.texts);
    assert!(count.fast_bytes * 100 > count.bytes * 25, "{} of {} bytes", count.fast_bytes, count.bytes);
}

#[test]
fn mutated_texts_give_the_same_tapes() {
    let cases = yaml_suite::cases();
    let mut files = Vec::new();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    collect(&top.join("policies/incidents"), &mut files);
    collect(&top.join("examples"), &mut files);
    files.sort();
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let lines: Vec<Vec<&str>> = texts.iter().map(|text| text.split_inclusive('\n').collect()).collect();
    let real: Vec<String> = lines.iter().flat_map(|lines| lines.chunks(10)).map(<[&str]>::concat).collect();
    let mut seeds: Vec<&str> = real.iter().map(String::as_str).collect();
    seeds.extend(cases.iter().map(|case| &*case.yaml).filter(|yaml| yaml.len() < 400));
    let mut random = Random(20_261_122);
    let mut count = Count::default();
    for round in 0..8_000 {
        let text = if round % 4 == 0 {
            let mut text = random.pick(&["", "", "---", "# c\n"]).to_owned();
            grow(&mut random, 3, 0, &mut text);
            text
        } else {
            mutate(&mut random, &seeds)
        };
        count.add(&text, "text.yaml", &Limits::default());
    }
    count.no_difference();
    assert!(count.whole > 1_500, "the fast parser reads only {} of {} texts", count.whole, count.texts);
}

#[test]
fn a_whole_run_says_the_same() {
    let scene = Scene::new().with_clinic();
    for file in estate::generate(400, 7) {
        scene.write(&file.path, &file.text);
    }
    scene.write(
        "estate/broken.yaml",
        "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: [\n---\na: 1\na: 2\n",
    );
    let fast = scene.report(&[]);
    assert!(
        !fast["findings"].as_array().unwrap().is_empty() && !fast["problems"].as_array().unwrap().is_empty()
    );
    assert_eq!(fast, scene.report(&["--strict-parser"]));
}
