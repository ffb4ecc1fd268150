//! What the library's texts of Rego ask of their surroundings, worked out before the program is built.
//!
//! Following a text through takes longer than anything else at the start of a run, and for the library it comes out the
//! same each time. `library.json` holds it for each rule, with digests of what it was worked out from: the text, the
//! libraries behind it, and the schemas of all kinds. Where one of these is not as it was, for a rule of the repository's
//! own, or one of the library beside kinds or libraries of the repository's own, the text is followed through as ever.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::library::builtin_kind_schemas;
use super::rego::RegoText;
use super::rule_set::RuleSet;
use crate::estate::KindLibrary;
use crate::rego::{Uses, texts_behind};

/// The name of a rule, the digest of its texts, and what they ask for.
type Packed = BTreeMap<String, (String, Value)>;

static PACK: LazyLock<Packed> = LazyLock::new(|| {
    let read = || -> Option<Packed> {
        let pack: Value = serde_json::from_str(include_str!("library.json")).ok()?;
        if pack.get("kinds")?.as_str()? != digest_of_kinds() {
            return None;
        }
        let rules = pack.get("rules")?.as_object()?.iter();
        let rule = |(name, rule): (&String, &Value)| {
            Some((name.clone(), (rule.get("texts")?.as_str()?.to_owned(), rule.get("uses")?.clone())))
        };
        rules.map(rule).collect()
    };
    // Without it a run is slower, and the same.
    read().unwrap_or_default()
});

/// What the text of a rule of the library asks for, if that is known.
pub(super) fn uses(rule: &str, text: &RegoText, kinds: &KindLibrary) -> Option<Uses> {
    if !kinds.is_builtin() {
        return None;
    }
    let (digest, uses) = PACK.get(rule)?;
    (*digest == digest_of_texts(text)).then(|| Uses::from_json(uses))?
}

/// The content of `library.json` for a rule set that was read with the library's kinds: what following the texts of its
/// built-in rules through finds now.
pub fn pack(rules: &RuleSet, kinds: &KindLibrary) -> String {
    let built_in = rules.rules.iter().filter(|rule| rule.origin.is_builtin);
    let packed = built_in.filter_map(|rule| {
        let text = rule.check.rego()?;
        let uses = text.follow(rule, kinds).to_json();
        Some(format!("{}: {}", json!(&*rule.name), json!({"texts": digest_of_texts(text), "uses": uses})))
    });
    // A line a rule, so that a change of one is a change of one line.
    let packed: Vec<String> = packed.collect();
    format!("{{\"kinds\": {:?}, \"rules\": {{\n{}\n}}}}\n", digest_of_kinds(), packed.join(",\n"))
}

fn digest_of_kinds() -> String {
    digest(builtin_kind_schemas().flat_map(|(_, path, text)| [path, text]))
}

fn digest_of_texts(text: &RegoText) -> String {
    let behind = texts_behind(&text.text, &text.libraries);
    digest(
        std::iter::once(&*text.text)
            .chain(behind.into_iter().flat_map(|library| [&*library.package, &*library.text])),
    )
}

/// Of texts one after the other, each with its length.
fn digest<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
