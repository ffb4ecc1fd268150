//! The tape against the YAML test suite: what must fail fails, and what has a JSON form has that form.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads its fixtures and may panic"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use assize::yaml::{Limits, parse};
use serde::Deserialize;
use serde_json::Value;

/// One case of the suite; `tests/fixtures/yaml-test-suite/NOTICE` says what the fields mean.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) fail: bool,
    pub(crate) yaml: String,
    pub(crate) json: Option<Vec<Value>>,
}

/// Every case, in the order of the files.
pub(crate) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/yaml-test-suite");
    let read = |number: usize| -> Vec<Case> {
        let text = std::fs::read_to_string(folder.join(format!("cases-{number}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let cases: Vec<Case> = (1..=8).flat_map(read).collect();
    assert_eq!(cases.len(), 402, "the suite is not whole");
    cases
}

/// Cases that the tape refuses or accepts on purpose, by what it says of them. A case that is listed and
/// departs in another way, or agrees, fails the test.
const DEVIATIONS: &[(&str, &[&str])] = &[
    // JSON has no lists and mappings as keys, so no rule could name what they map.
    (
        "refused: unsupported-key",
        &[
            "4FJ6", "6BFJ", "6PBE", "9MMW", "KK5P", "LX3P", "M2N8-00", "M2N8-01", "M5DY", "Q9WF", "RZP5",
            "SBG9", "V9D5", "X38W", "XW4D",
        ],
    ),
    // A tag outside the core schema changes what a value means, and nobody has told us how.
    (
        "refused: unsupported-tag",
        &[
            "2XXW", "565N", "5TYM", "6CK3", "6WLZ", "7FWL", "9WXW", "C4HZ", "CC74", "CUP7", "J7PZ", "M5C3",
            "P76L", "UGM3", "Z67P", "Z9M4",
        ],
    ),
    // Two empty keys are two equal keys; the suite gives this case no JSON.
    ("refused: duplicate-key", &["2JQS"]),
    // A flow sequence that goes on further left than its block: granit-parser lets it pass, and it can mean
    // nothing else.
    ("accepted", &["9C9N"]),
];

/// How the tape departs from a case: in the words of the list, and in full; none if it agrees.
fn deviation(case: &Case) -> Option<(String, String)> {
    let (tape, problems) = parse(case.yaml.clone().into_bytes(), &Arc::from("case.yaml"), &Limits::default());
    if case.fail {
        return problems.is_empty().then(|| ("accepted".to_owned(), String::new()));
    }
    let problem = problems.first().map(|problem| (problem.code, problem.message.clone()));
    let mut faults = tape.documents.iter().flat_map(|document| &document.faults);
    let fault = faults.next().map(|fault| (fault.code, fault.message.clone()));
    if let Some((code, message)) = problem.or(fault) {
        return Some((format!("refused: {code}"), message));
    }
    let expected = case.json.as_ref()?;
    let count = tape.documents.len() + tape.empty_documents as usize;
    if count != expected.len() {
        let detail = format!("{count} documents, should be {}", expected.len());
        return Some(("another number of documents".to_owned(), detail));
    }
    // Empty documents are counted, not kept, so null stands for nothing here.
    let is_something = |value: &Value| !value.is_null();
    let found: Vec<Value> = tape.documents.iter().map(|document| tape.root(document).to_value()).collect();
    let found: Vec<&Value> = found.iter().filter(|value| is_something(value)).collect();
    let expected: Vec<&Value> = expected.iter().filter(|value| is_something(value)).collect();
    (found != expected).then(|| ("another value".to_owned(), format!("is {found:?}, should be {expected:?}")))
}

#[test]
fn the_tape_agrees_with_the_suite() {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for (how, ids) in DEVIATIONS {
        for id in *ids {
            assert_eq!(known.insert(id, how), None, "{id} is listed twice");
        }
    }
    let mut wrong = Vec::new();
    for case in cases() {
        let label = format!("{} ({})", case.id, case.name);
        match (deviation(&case), known.remove(case.id.as_str())) {
            (Some((how, _)), Some(listed)) if how == listed => {}
            (Some((how, detail)), _) => wrong.push(format!("{label} {how}: {detail}")),
            (None, Some(listed)) => wrong.push(format!("{label} agrees now; strike it from {listed:?}")),
            (None, None) => {}
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(known.is_empty(), "listed and not in the suite: {known:?}");
}
