//! What is worked out of the library's rules before the program is built, so that a run need not.
//!
//! `library.json` holds for each rule what it reads, whether it looks at other documents, and what compiling its text of
//! Rego finds out, with digests of what that was worked out from: the rule's file up to its examples, all texts of Rego,
//! and the schemas of all kinds. The build (`build.rs`) compares the digests and leaves out what is not as it was; such
//! a rule goes the normal way, as do rules of the repository's own, rules whose parameters are set, and those of the
//! library beside kinds or libraries of the repository's own that could change the answer.
//!
//! A rule whose entry holds was looked at when the pack was written: `assize test`, and whoever else reads the examples,
//! looks again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::library::{builtin_policies, packed, surroundings};
use super::packed::Packed;
use super::rego::RegoText;
use super::rule::Rule;
use super::rule_set::RuleSet;
use crate::estate::KindLibrary;
use crate::rego::{Library, texts_behind};

/// What is known of a rule of the library whose parameters are as they are written.
pub(super) fn known(rule: &Rule, kinds: &KindLibrary) -> Option<Packed> {
    let is_as_it_was = match rule.check.rego() {
        Some(text) => kinds.is_builtin() && !is_intruded(text),
        None => kinds.keeps_library(),
    };
    if !rule.origin.is_builtin || !is_as_it_was {
        return None;
    }
    Packed::from_json(packed(&rule.name)?)
        .filter(|packed| packed.prepared.is_some() == rule.check.rego().is_some())
}

/// A library of Rego that was looked at when the pack was written.
pub(super) fn library(file: &Arc<str>, text: &Arc<str>) -> Option<Library> {
    let packed: Value = serde_json::from_str(packed(file)?).ok()?;
    Some(Library::known(file, text, packed.get("package")?.as_str()?))
}

/// The name of the framework in a file of the library, if it can be left until somebody looks.
pub fn left_framework(file: &str) -> Option<&'static str> {
    packed(file)?.strip_prefix("{\"framework\":\"")?.strip_suffix("\"}")
}

/// Whether a library of the repository's own stands behind a text.
fn is_intruded(text: &RegoText) -> bool {
    !text.libraries.iter().all(|library| library.is_builtin)
        && !texts_behind(&text.text, &text.libraries).iter().all(|library| library.is_builtin)
}

/// The content of `library.json` for a rule set that was read with the library's kinds and examples, so that everything
/// is looked at; none for a rule that cannot be compiled.
pub fn pack(rules: &RuleSet, kinds: &KindLibrary) -> String {
    let digest =
        |path: &str| builtin_policies().iter().find(|file| file.path == path).map_or("", |file| file.digest);
    let built_in = rules.rules.iter().filter(|rule| rule.origin.is_builtin && !rule.is_engine());
    let entry = |rule: &Rule| {
        let mut found = rule.follow(kinds);
        if rule.check.rego().is_some() {
            found.prepared = Some(rule.compiled(kinds, &[]).ok()?.rego.as_ref()?.prepared()?);
        }
        Some((rule.origin.file.to_string(), rule.name.to_string(), found.to_json()))
    };
    let mut entries: Vec<_> = built_in.clone().filter_map(entry).collect();
    if let Some(text) = built_in.clone().find_map(|rule| rule.check.rego()) {
        entries.extend(text.libraries.iter().filter(|library| library.is_builtin).map(|library| {
            (library.file.to_string(), library.file.to_string(), json!({"package": library.package}))
        }));
    }
    entries.extend(rules.frameworks.values().filter(|framework| !digest(&framework.file).is_empty()).map(
        |framework| {
            (framework.file.to_string(), framework.file.to_string(), json!({"framework": framework.id}))
        },
    ));
    // A line an entry, so that a change of one is a change of one line; `build.rs` reads them line by line.
    let lines = entries
        .iter()
        .map(|(file, name, packed)| format!("[{file:?}, {:?}, {name:?}, {packed}]", digest(file)));
    let lines: Vec<String> = lines.collect();
    format!("{{\"surroundings\": {:?}, \"entries\": [\n{}\n]}}\n", surroundings(), lines.join(",\n"))
}
