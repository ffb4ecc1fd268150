//! The code keeps what ARCHITECTURE.md and CONTRIBUTING.md say about it: who may use whom, where crates are at home.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads files itself, and may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");
const MANIFEST: &str = include_str!("../../Cargo.toml");

/// The most lines that a source file may have.
const LONGEST: usize = 800;

/// A source file of the library.
struct Source {
    /// Path from the top of the project, with `/`.
    path: String,
    /// The module it belongs to: a file or folder of `src/`.
    module: String,
    text: String,
}

impl Source {
    /// The text without lines that are comments.
    fn code(&self) -> String {
        let lines = self.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect("src", &mut files);
    files.sort();
    assert!(files.len() > 40, "{files:?}");
    files
        .into_iter()
        .map(|path| {
            let below = path.strip_prefix("src/").unwrap();
            let module = below.split(['/', '.']).next().unwrap().to_owned();
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
            Source { path, module, text }
        })
        .collect()
}

fn collect(folder: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&path, files);
        } else if is_rust(&path) {
            files.push(path);
        }
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The words in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows of the table with this first heading: the word of the first column, those of the second.
fn table(heading: &str) -> Vec<(String, BTreeSet<String>)> {
    let rows = ARCHITECTURE.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |")));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let rows = rows.map(|line| {
        let mut cells = line.split('|').skip(1);
        let name = quoted(cells.next().unwrap()).pop().unwrap();
        (name, quoted(cells.next().unwrap()).into_iter().collect())
    });
    rows.collect()
}

/// The identifier that a text begins with.
fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The modules that code names as `crate::module`, also within braces.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let is_macro = code.get(..at).is_some_and(|before| before.ends_with('$'));
        let rest = code.get(at + "crate::".len()..).unwrap_or_default();
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut starts = true;
            for (at, character) in list.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => starts = true,
                    c if starts && depth == 0 && !c.is_whitespace() => {
                        used.insert(identifier(list.get(at..).unwrap_or_default()).to_owned());
                        starts = false;
                    }
                    _ => {}
                }
            }
        } else if !is_macro {
            used.insert(identifier(rest).to_owned());
        }
    }
    used
}

/// Whether code names a crate, as `name::`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default();
        !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && !before.ends_with("::")
    }) || code.contains(&format!("use {name};"))
}

fn modules() -> BTreeSet<String> {
    let all = sources().into_iter().map(|source| source.module);
    all.filter(|module| module != "lib" && module != "main").collect()
}

#[test]
fn modules_use_what_the_table_says() {
    let rows = table("module");
    let listed: BTreeSet<String> = rows.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(listed, modules(), "the table of ARCHITECTURE.md lists the modules of src/");
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let code = source.code();
        let uses = used_modules(&code).into_iter().filter(|name| *name != source.module);
        used.entry(source.module.clone()).or_default().extend(uses);
        assert!(!code.contains("super::super::"), "{}: say `crate::` instead", source.path);
    }
    for (module, allowed) in &rows {
        assert_eq!(
            used.get(module),
            Some(allowed),
            "{module}: what it uses (left), what the table says (right)"
        );
    }
    let mut above: BTreeSet<&str> = BTreeSet::new();
    for (module, allowed) in &rows {
        let below: Vec<&String> = allowed.iter().filter(|name| !above.contains(name.as_str())).collect();
        assert_eq!(below, Vec::<&String>::new(), "{module} uses modules that stand below it");
        above.insert(module);
    }
}

#[test]
fn outside_crates_stay_at_home() {
    let rows: BTreeMap<String, BTreeSet<String>> = table("crate").into_iter().collect();
    let names: BTreeSet<String> = dependencies();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), names, "the table lists the dependencies");
    for (name, homes) in &rows {
        let identifier = name.replace('-', "_");
        let used: BTreeSet<String> = sources()
            .into_iter()
            .filter(|source| names_crate(&source.code(), &identifier))
            .map(|source| source.module)
            .collect();
        assert_eq!(&used, homes, "{name}: where it is used (left), what the table says (right)");
    }
}

/// The names under `[dependencies]`, for any platform.
fn dependencies() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut is_wanted = false;
    for line in MANIFEST.lines() {
        if line.starts_with('[') {
            is_wanted = line.ends_with("dependencies]") && !line.contains("dev-dependencies");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| is_wanted && !line.starts_with('#')) {
            names.insert(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn the_paths_of_the_architecture_exist() {
    let sources = sources();
    let mut seen = 0;
    for word in quoted(&without_fences(ARCHITECTURE)) {
        let is_path = word.contains('/') && !word.contains(|c: char| " *<>{}:|".contains(c));
        if is_path {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&word).exists(), "{word}");
        } else if is_rust(&word) {
            let ending = format!("/{word}");
            assert!(sources.iter().any(|source| source.path.ends_with(&ending)), "{word}");
        }
        seen += usize::from(is_path);
    }
    assert!(seen > 10, "{seen}");
}

/// Blocks of code hold no words in backticks, but their fences would upset the count of these.
fn without_fences(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

#[test]
fn modules_say_what_they_are() {
    for source in sources() {
        let is_told = source.text.starts_with("//! ") || source.path.ends_with("/tests.rs");
        assert!(is_told, "{} does not open with `//!`", source.path);
    }
}

#[test]
fn no_source_is_too_long() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines; split it", source.path);
    }
}

#[test]
fn how_uses_are_found() {
    let code = "use crate::a::{b, c};\nuse crate::{d::e, f::{g, h}, i};\nlet x = crate::j::k();\n$crate::l";
    let found: Vec<String> = used_modules(code).into_iter().collect();
    assert_eq!(found, ["a", "d", "f", "i", "j"]);
    assert!(names_crate("use clap::Parser;", "clap") && names_crate("x: clap::Arg", "clap"));
    assert!(!names_crate("my_clap::x; crate::clap::y; clap_complete::z", "clap"));
}
