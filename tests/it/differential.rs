//! The tape against a second reader: a small tree builder over the events of `saphyr-parser`, with a scalar
//! resolution of its own. Where both accept a text, they must read the same values.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test reads its fixtures and may panic"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assize::yaml::{Limits, parse};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use crate::yaml_suite;

/// The documents as the tape has them; none if it refuses any of the text. Null documents are left out, since
/// the tape counts empty ones and does not keep them.
fn by_tape(text: &str) -> Option<Vec<Value>> {
    let (tape, problems) = parse(text.as_bytes().to_vec(), &Arc::from("text.yaml"), &Limits::default());
    if !problems.is_empty() || tape.documents.iter().any(|document| !document.faults.is_empty()) {
        return None;
    }
    let values = tape.documents.iter().map(|document| tape.root(document).to_value());
    Some(values.filter(|value| !value.is_null()).collect())
}

/// The same by the second reader.
fn by_events(text: &str) -> Option<Vec<Value>> {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), left: MOST_VALUES };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            Event::DocumentStart(_) => {
                reader.anchors.clear();
                let first = reader.next()?;
                let value = reader.value(first)?;
                let Event::DocumentEnd = reader.next()? else { return None };
                if !value.is_null() {
                    documents.push(value);
                }
            }
            Event::StreamEnd => return Some(documents),
            Event::StreamStart => {}
            _ => return None,
        }
    }
}

/// Values, aliases expanded, beyond which the second reader gives up: a chance bomb would stop the test.
const MOST_VALUES: usize = 20_000;

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: HashMap<usize, Value>,
    left: usize,
}

/// A key of a mapping: its text, and whether it is a merge key.
struct Key {
    text: String,
    merges: bool,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<Event<'t>> {
        self.parser.next_event()?.ok().map(|(event, _)| event)
    }

    fn value(&mut self, event: Event<'t>) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (resolve(&text, style, tag.as_deref())?, anchor),
            Event::SequenceStart(anchor, tag) => {
                keeps_kind(tag.as_deref(), "seq")?;
                (self.list()?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                keeps_kind(tag.as_deref(), "map")?;
                (self.map()?, anchor)
            }
            Event::Alias(anchor) => {
                // Missing while the value is still being read: an alias within the value that it names.
                let value = self.anchors.get(&anchor)?.clone();
                self.left = self.left.checked_sub(weight(&value))?;
                return Some(value);
            }
            _ => return None,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Some(value)
    }

    fn list(&mut self) -> Option<Value> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Some(Value::Array(list)),
                event => list.push(self.value(event)?),
            }
        }
    }

    fn map(&mut self) -> Option<Value> {
        let mut own = Map::new();
        let mut merged = Map::new();
        let mut has_merged = false;
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                event => self.key(event)?,
            };
            let event = self.next()?;
            let value = self.value(event)?;
            if key.merges {
                // A second merge key is a second equal key.
                if std::mem::replace(&mut has_merged, true) {
                    return None;
                }
                let sources = if let Value::Array(sources) = value { sources } else { vec![value] };
                for source in sources {
                    let Value::Object(source) = source else { return None };
                    for (name, value) in source {
                        merged.entry(name).or_insert(value);
                    }
                }
            } else if own.insert(key.text, value).is_some() {
                return None;
            }
        }
        // `<<` in quotes beside a real one: the tape takes the two for equal keys.
        if has_merged && own.contains_key("<<") {
            return None;
        }
        merged.extend(own);
        Some(Value::Object(merged))
    }

    /// A key is the text that is written, whatever it would be as a value: `1: x` has the key "1".
    fn key(&mut self, event: Event<'t>) -> Option<Key> {
        self.left = self.left.checked_sub(1)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = resolve(&text, style, tag.as_deref())?;
                let is_plain = matches!(style, ScalarStyle::Plain);
                let key = Key { merges: is_plain && tag.is_none() && text == "<<", text: text.into_owned() };
                if anchor != 0 {
                    self.anchors.insert(anchor, value);
                }
                Some(key)
            }
            // The text of a value that is no text is lost here, so only text is compared.
            Event::Alias(anchor) => match self.anchors.get(&anchor)? {
                Value::String(text) => Some(Key { merges: false, text: text.clone() }),
                _ => None,
            },
            _ => None,
        }
    }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(weight).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(|value| 1 + weight(value)).sum::<usize>(),
        _ => 1,
    }
}

enum Meaning<'t> {
    Resolve,
    Text,
    Core(&'t str),
}

fn meaning(tag: Option<&Tag>) -> Option<Meaning<'_>> {
    let Some(tag) = tag else { return Some(Meaning::Resolve) };
    let whole = format!("{}{}", tag.handle, tag.suffix);
    if whole == "!" {
        return Some(Meaning::Text);
    }
    // A verbatim tag stands whole in one of the two parts.
    let suffix = whole.strip_prefix("tag:yaml.org,2002:")?.len();
    tag.suffix.get(tag.suffix.len().checked_sub(suffix)?..).map(Meaning::Core)
}

fn keeps_kind(tag: Option<&Tag>, name: &str) -> Option<()> {
    match meaning(tag)? {
        Meaning::Core(core) => (core == name).then_some(()),
        Meaning::Resolve | Meaning::Text => Some(()),
    }
}

/// The value of a scalar by the core schema (YAML 1.2.2, section 10.3.2); none for what must be refused.
fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Value> {
    let written = || Value::from(text);
    let is_plain = matches!(style, ScalarStyle::Plain);
    match meaning(tag)? {
        Meaning::Text | Meaning::Core("str") => Some(written()),
        Meaning::Resolve if !is_plain => Some(written()),
        Meaning::Resolve => null(text)
            .or_else(|| truth(text))
            .or_else(|| whole(text).map(Value::from))
            .map_or_else(|| if is_number(text) { fraction(text) } else { Some(written()) }, Some),
        Meaning::Core("null") => null(text),
        Meaning::Core("bool") => truth(text),
        Meaning::Core("int") => whole(text).map(Value::from),
        Meaning::Core("float") => fraction(text),
        Meaning::Core(_) => None,
    }
}

fn null(text: &str) -> Option<Value> {
    ["", "~", "null", "Null", "NULL"].contains(&text).then_some(Value::Null)
}

fn truth(text: &str) -> Option<Value> {
    let is_one_of = |words: [&str; 3]| words.contains(&text);
    if is_one_of(["true", "True", "TRUE"]) {
        return Some(Value::Bool(true));
    }
    is_one_of(["false", "False", "FALSE"]).then_some(Value::Bool(false))
}

/// Digits of a base, at least one, and nothing else.
fn digits(text: &str, base: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(base))
}

/// An integer that fits into 64 bits.
fn whole(text: &str) -> Option<serde_json::Number> {
    for (prefix, base) in [("0o", 8), ("0x", 16)] {
        if let Some(rest) = text.strip_prefix(prefix).filter(|rest| digits(rest, base)) {
            return u64::from_str_radix(rest, base).ok().map(Into::into);
        }
    }
    if !digits(text.strip_prefix(['+', '-']).unwrap_or(text), 10) {
        return None;
    }
    let number: i128 = text.parse().ok()?;
    u64::try_from(number).map(Into::into).or_else(|_| i64::try_from(number).map(Into::into)).ok()
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, or one of the names; integers too.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if [".inf", ".Inf", ".INF"].contains(&unsigned) || [".nan", ".NaN", ".NAN"].contains(&text) {
        return true;
    }
    for (prefix, base) in [("0o", 8), ("0x", 16)] {
        if text.strip_prefix(prefix).is_some_and(|rest| digits(rest, base)) {
            return true;
        }
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", after)) => digits(after, 10),
        Some((before, after)) => digits(before, 10) && (after.is_empty() || digits(after, 10)),
        None => digits(mantissa, 10),
    };
    let is_exponent = |exponent: &str| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), 10);
    is_mantissa && exponent.is_none_or(is_exponent)
}

/// A finite number; none for one that must be refused.
fn fraction(text: &str) -> Option<Value> {
    if !is_number(text) {
        return None;
    }
    text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
}

/// What became of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Agreed,
    /// Only one of the two accepts the text.
    OneSided,
    Refused,
}

/// # Errors
/// Both accept the text and read different values.
fn compare(text: &str) -> Result<Outcome, String> {
    match (by_tape(text), by_events(text)) {
        (Some(tape), Some(events)) if tape == events => Ok(Outcome::Agreed),
        (Some(tape), Some(events)) => {
            let show = |values: Vec<Value>| Value::Array(values).to_string();
            Err(format!("{text:?}\n  tape   {}\n  events {}", show(tape), show(events)))
        }
        (None, None) => Ok(Outcome::Refused),
        _ => Ok(Outcome::OneSided),
    }
}

#[test]
fn the_suite_reads_the_same() {
    let mut wrong = Vec::new();
    let mut agreed = 0;
    let mut one_sided = Vec::new();
    for case in yaml_suite::cases() {
        match compare(&case.yaml) {
            Ok(Outcome::Agreed) => agreed += 1,
            Ok(Outcome::OneSided) => one_sided.push(case.id),
            Ok(Outcome::Refused) => {}
            Err(difference) => wrong.push(format!("{}: {difference}", case.id)),
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(agreed > 250, "too little is compared: {agreed}");
    // A flow sequence that goes on further left than its block, which the parser of the tape lets pass.
    assert_eq!(one_sided, ["9C9N"]);
}

#[test]
fn our_own_files_read_the_same() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["policies", "examples", "schemas"] {
        collect(&top.join(folder), &mut files);
    }
    assert!(files.len() > 150, "only {} files", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        // One kind a line: saphyr-parser takes the beginning of a mapping of more than 1,024 characters for a key, and refuses.
        let is_long = file.ends_with("schemas/resource.schema.json");
        let expected = if is_long { Outcome::OneSided } else { Outcome::Agreed };
        assert_eq!(compare(&text), Ok(expected), "{}", file.display());
    }
}

/// The YAML and JSON files below a folder.
pub(crate) fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|e| *e == extension))
        {
            files.push(path);
        }
    }
}

/// A text that both accept and read differently, for a reason that we know.
type Explains = fn(&str) -> bool;

/// Why the two may differ, and which texts that explains.
const KNOWN: [(&str, Explains); 2] = [
    ("saphyr-parser reads `---` and `...` as content of a block scalar that stands at column 1", |text| {
        let mut lines = text.lines();
        lines.any(|line| line.contains(['|', '>']))
            && lines.any(|line| line.starts_with("---") || line.starts_with("..."))
    }),
    ("saphyr-parser takes blanks at the very end for one more line of a block scalar", |text| {
        let last = text.rsplit('\n').next().unwrap_or_default();
        text.contains(['|', '>']) && !last.is_empty() && last.trim_matches(' ').is_empty()
    }),
];

/// A generator of numbers that is the same everywhere (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// What goes between the lines of a mutated text.
const PIECES: [&str; 64] = [
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "- ",
    "? ",
    ": ",
    ":",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    " # c\n",
    "&a ",
    "*a ",
    "*a : ",
    "&b ",
    "*b",
    "!!str ",
    "!!int ",
    "!!float ",
    "! ",
    "|\n  ",
    "|-\n ",
    ">\n  ",
    ">+\n ",
    "|2\n",
    "\"",
    "'",
    "\\n",
    "\\x41",
    "\\",
    "''",
    "---\n",
    "--- ",
    "...\n",
    "%YAML 1.2\n",
    "<<: *a\n",
    "<<: {x: 1}\n",
    "null",
    "~",
    "true",
    "0x1F",
    "0o17",
    "-0",
    "+12",
    "1e3",
    ".5",
    "1.",
    "1_000",
    ".inf",
    "010",
    "yes",
    "é",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{1f600}",
    "a: ",
    "=",
];

/// Scalars for whole texts.
const SCALARS: [&str; 40] = [
    "a",
    "b",
    "null",
    "~",
    "",
    "true",
    "False",
    "0",
    "-1",
    "+7",
    "0x1f",
    "0o7",
    "0o8",
    "010",
    "1.5",
    "-.5",
    "1.",
    "1e3",
    "1E-2",
    ".e5",
    "12e",
    "- x",
    "a:b",
    "a#b",
    "a #b",
    "'q''q'",
    "\"d\\n\\u00e9\"",
    "!!str 1",
    "!!int '3'",
    "! 12",
    "!!null ''",
    "&a x",
    "*a",
    "*b",
    "<<",
    "x y\n   z",
    "18446744073709551615",
    "-9223372036854775808",
    "é ü",
    "\"\"",
];

/// A text of nested collections in either style; may be invalid, since scalars and aliases come by chance.
pub(crate) fn grow(random: &mut Random, depth: usize, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match random.below(if depth == 0 { 2 } else { 7 }) {
        0 | 1 => {
            text.push_str(random.pick(&SCALARS));
            text.push('\n');
        }
        2 => {
            if random.below(4) == 0 {
                text.push_str("&b ");
            }
            text.push('\n');
            for position in 0..=random.below(4) {
                let key = ["k", "l", "m", "'n'", "0"][position];
                let key = if random.below(12) == 0 { random.pick(&SCALARS) } else { key };
                text.push_str(&format!("{pad} {key}: "));
                grow(random, depth - 1, indent + 2, text);
            }
        }
        3 => {
            text.push('\n');
            for _ in 0..=random.below(3) {
                text.push_str(&format!("{pad} - "));
                grow(random, depth - 1, indent + 3, text);
            }
        }
        4 => {
            flow(random, depth, text);
            text.push('\n');
        }
        5 => {
            let header = random.pick(&["|", ">", "|-", ">-", "|+", ">+", "|1"]);
            text.push_str(&format!("{header}\n{pad} one\n{pad}  two\n\n{pad} three\n"));
        }
        _ => {
            text.push_str(&format!("\n{pad} <<: "));
            match random.below(3) {
                0 => text.push_str("{x: 1, y: [2]}"),
                1 => text.push_str("*b"),
                _ => text.push_str("[{x: 1}, {x: 2, z: &a 3}]"),
            }
            text.push_str(&format!("\n{pad} x: "));
            grow(random, depth - 1, indent + 2, text);
        }
    }
}

fn flow(random: &mut Random, depth: usize, text: &mut String) {
    match random.below(if depth == 0 { 1 } else { 3 }) {
        0 => text.push_str(random.pick(&SCALARS)),
        1 => {
            text.push('[');
            for _ in 0..random.below(4) {
                flow(random, depth - 1, text);
                text.push_str(random.pick(&[", ", ",", " ,\n  "]));
            }
            text.push(']');
        }
        _ => {
            text.push('{');
            for position in 0..random.below(4) {
                let key = ["k", "l", "\"m\"", "n"][position];
                text.push_str(key);
                text.push_str(random.pick(&[": ", ": ", " : ", ":", ""]));
                flow(random, depth - 1, text);
                text.push_str(", ");
            }
            text.push('}');
        }
    }
}

/// A text of the suite with something put in, taken out, or said twice.
pub(crate) fn mutate(random: &mut Random, seeds: &[&str]) -> String {
    let mut text = random.pick(seeds).to_owned();
    for _ in 0..=random.below(3) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let from = places[random.below(places.len())];
        let to = places[random.below(places.len())].clamp(from, from + 12);
        let to = if text.is_char_boundary(to) { to } else { from };
        match random.below(5) {
            0 | 1 => text.insert_str(from, random.pick(&PIECES)),
            2 => text.replace_range(from..to, ""),
            3 => {
                let again = text[from..to].to_owned();
                text.insert_str(to, &again);
            }
            _ => {
                let other = random.pick(seeds);
                text.push_str(random.pick(&["", "\n", "---\n", "...\n"]));
                text.push_str(other);
            }
        }
    }
    text
}

#[test]
fn generated_texts_read_the_same() {
    let cases = yaml_suite::cases();
    let seeds: Vec<&str> = cases.iter().map(|case| &*case.yaml).filter(|yaml| yaml.len() < 300).collect();
    let mut random = Random(20_261_120);
    let mut wrong = Vec::new();
    let mut counts = [0_usize; 3];
    let mut known = [0_usize; KNOWN.len()];
    for round in 0..20_000 {
        let text = if round % 2 == 0 {
            mutate(&mut random, &seeds)
        } else {
            let mut text = random.pick(&["", "", "---", "%YAML 1.2\n---", "# c\n"]).to_owned();
            grow(&mut random, 3, 0, &mut text);
            text
        };
        match compare(&text) {
            Ok(outcome) => counts[outcome as usize] += 1,
            Err(difference) => match KNOWN.iter().position(|(_, explains)| explains(&text)) {
                Some(position) => known[position] += 1,
                None => wrong.push(difference),
            },
        }
    }
    assert!(wrong.is_empty(), "{} texts, counts {counts:?}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(counts[Outcome::Agreed as usize] > 8_000, "too little is compared: {counts:?}");
    assert!(counts[Outcome::OneSided as usize] < 300, "the two accept different languages: {counts:?}");
    for ((reason, _), count) in KNOWN.iter().zip(known) {
        assert!(count > 0, "no text differs any more in this way: {reason}");
    }
}
