//! The conformance cases of the vocabulary: one document of kind Thing, others around it, and what comes out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fmt::Write as _;
use std::sync::Arc;

use assize::date::Moment;
use assize::estate::{Directions, Gathered, Inventory, Keep, KindLibrary, identity_of};
use assize::finding::{Location, Resource};
use assize::run::load_policies;
use assize::schema::{
    Body, Description, PathSet, ResourceId, RunContext, Scope, Strictness, check_vocabulary, expand,
    substitute,
};
use assize::yaml::{Limits, NodeRef, Tape, parse};

/// What a case comes to, and what is said about it.
pub(crate) fn outcome(case: NodeRef<'_>, kinds: &KindLibrary) -> (&'static str, Vec<String>) {
    let at: Arc<[String]> = Arc::from(["spec".to_owned()]);
    let parameters = case.get("params").map(|params| params.to_value());
    let parameters = parameters.and_then(|params| params.as_object().cloned()).unwrap_or_default();
    let schema = substitute(&case.get("schema").unwrap().to_value(), &parameters).unwrap();
    check_vocabulary(&schema).unwrap();
    let body = Body::compile(expand(&schema, Strictness::Asserting), Description::Speaks, &at).unwrap();
    // The documents of the case, completed by what it leaves out.
    let mut text = String::new();
    let mut document = |value: serde_json::Value| {
        let mut value = value;
        value["apiVersion"] = "assize.dev/v1".into();
        writeln!(text, "---\n{value}").unwrap();
    };
    let mut thing = serde_json::json!({"kind": "Thing", "metadata": {"name": "t"}});
    for part in ["metadata", "spec"] {
        if let Some(given) = case.get(part) {
            thing[part] = given.to_value();
        }
    }
    document(thing);
    case.get("others")
        .into_iter()
        .flat_map(|others| others.elements())
        .for_each(|other| document(other.to_value()));
    let (tape, problems) = parse(text.into_bytes(), &Arc::from("case.yaml"), &Limits::default());
    assert_eq!(problems, []);
    let inventory = Inventory::new(vec![gather(&tape, kinds)], kinds, Directions::Incoming);
    let clock = case.get("asOf").map_or("2026-11-20", |as_of| as_of.text());
    let run = RunContext { as_of: Moment::parse(clock).unwrap(), inventory: Some(&inventory) };
    let root = assize::schema::Inventory::document(&inventory, ResourceId(0));
    let scope = Scope::new(root, &at, Some(ResourceId(0)), &run);
    let judgement = body.failures(&scope, &at);
    assert_eq!(
        body.holds(&scope),
        judgement.failures.is_empty() && !judgement.is_undecided,
        "the quick answer is the long one"
    );
    let word = match (judgement.failures.is_empty(), judgement.is_undecided) {
        (false, _) => "fail",
        (true, true) => "undecided",
        (true, false) => "pass",
    };
    (word, judgement.failures.into_iter().map(|failure| failure.message).collect())
}

/// The built-in kinds.
pub(crate) fn builtin_kinds() -> KindLibrary {
    let folder = tempfile::tempdir().unwrap();
    let root = assize::load::Root::discover(folder.path()).unwrap();
    load_policies(&root, &assize::policy::Selection::default(), 1).unwrap().kinds
}

fn gather(tape: &Tape, kinds: &KindLibrary) -> Gathered {
    let mut gathered = Gathered::default();
    for document in &tape.documents {
        let root = tape.root(document);
        let identity = identity_of(root, None, "unnamed").unwrap();
        let schema = kinds.get(&assize::estate::KindName::of(&identity));
        let references = schema.map(|schema| schema.references()).unwrap_or_default();
        let resource = Resource::new(identity, Location::start_of("case.yaml"));
        gathered.add(Arc::new(resource), root, references, Some(&Keep::of(&PathSet::All)));
    }
    gathered
}

#[test]
fn all_cases_hold() {
    let kinds = builtin_kinds();
    let text = include_str!("../fixtures/vocabulary.cases.yaml");
    let (tape, problems) = parse(text.into(), &Arc::from("cases.yaml"), &Limits::default());
    assert_eq!(problems, []);
    let cases: Vec<_> = tape.root(&tape.documents[0]).elements().collect();
    assert_eq!(cases.len(), 60);
    for case in cases {
        let name = case.get("name").unwrap().text();
        assert_eq!(outcome(case, &kinds).0, case.get("expect").unwrap().text(), "{name}");
    }
}
