//! The conformance cases of the vocabulary: one document of kind Thing, others around it, and what comes out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fmt::Write as _;
use std::sync::Arc;

use assize::date::Moment;
use assize::estate::{Directions, Gathered, Inventory, identity_of};
use assize::finding::{Location, Resource};
use assize::run::load_policies;
use assize::schema::{
    Body, Description, PathSet, ResourceId, RunContext, Scope, Strictness, check_vocabulary, expand,
    substitute,
};
use assize::yaml::{Limits, NodeRef, Tape, parse};

fn outcome(case: NodeRef<'_>, kinds: &assize::estate::KindLibrary) -> &'static str {
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
    if let Some(spec) = case.get("spec") {
        thing["spec"] = spec.to_value();
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
    match (judgement.failures.is_empty(), judgement.is_undecided) {
        (false, _) => "fail",
        (true, true) => "undecided",
        (true, false) => "pass",
    }
}

fn gather(tape: &Tape, kinds: &assize::estate::KindLibrary) -> Gathered {
    let mut gathered = Gathered::default();
    for document in &tape.documents {
        let root = tape.root(document);
        let identity = identity_of(root, None, "unnamed").unwrap();
        let schema = kinds.get(&assize::estate::KindName::of(&identity));
        let references = schema.map(|schema| schema.references()).unwrap_or_default();
        let resource = Resource { identity, uid: None, location: Location::start_of("case.yaml") };
        gathered.add(Arc::new(resource), root, references, Some(&PathSet::All));
    }
    gathered
}

#[test]
fn all_cases_hold() {
    let folder = tempfile::tempdir().unwrap();
    let root = assize::load::Root::discover(folder.path()).unwrap();
    let kinds = load_policies(&root, &assize::policy::Selection::default(), 1).unwrap().kinds;
    let text = include_str!("../fixtures/vocabulary.cases.yaml");
    let (tape, problems) = parse(text.into(), &Arc::from("cases.yaml"), &Limits::default());
    assert_eq!(problems, []);
    let cases: Vec<_> = tape.root(&tape.documents[0]).elements().collect();
    assert_eq!(cases.len(), 55);
    for case in cases {
        let name = case.get("name").unwrap().text();
        assert_eq!(outcome(case, &kinds), case.get("expect").unwrap().text(), "{name}");
    }
}
