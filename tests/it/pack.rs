//! What a run takes from the pack of the library (`src/policy/library.json`), and what sets it aside. That the pack says
//! what the rules say is held by `reference`, which also writes it; the program must then be built once more.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use assize::load::Root;
use assize::policy::Selection;
use assize::run::{Policies, load_policies};

use crate::scene::Scene;

#[test]
fn the_pack_of_the_program_is_current() {
    let scene = Scene::new();
    let root = Root::discover(&scene.folder).unwrap();
    let policies =
        load_policies(&root, &Selection { with_changes: true, ..Selection::default() }, 1).unwrap();
    let unknown = policies.rules.rules.iter().filter(|rule| !rule.is_engine() && !rule.is_known());
    let unknown: Vec<&str> = unknown.map(|rule| &*rule.name).collect();
    assert!(unknown.is_empty(), "the pack is not that of this library: {unknown:?}");
}

/// How many rules of the library are taken from the pack in a repository with this file: schemas, and texts of Rego.
fn known_beside(path: &str, text: &str) -> (usize, usize, Policies) {
    let scene = Scene::new().with(path, text);
    let root = Root::discover(&scene.folder).unwrap();
    let policies = load_policies(&root, &Selection::default(), 1).unwrap();
    let known = |is_rego: bool| {
        let rules = policies.rules.rules.iter().filter(|rule| rule.is_known());
        rules.filter(|rule| rule.check.rego().is_some() == is_rego).count()
    };
    (known(false), known(true), policies)
}

#[test]
fn what_could_change_the_answer_sets_the_pack_aside() {
    let (schemas, texts, _) = known_beside("README.md", "");
    assert!(schemas > 200 && texts > 50, "{schemas} {texts}");
    // A kind of the repository's own: texts of Rego may look at all kinds.
    let (found, in_rego, _) = known_beside("schemas/kinds/Ship.schema.json", "{\"type\": \"object\"}");
    assert_eq!((found, in_rego), (schemas, 0));
    // A kind of the library that is changed: fields may be gone.
    let (found, in_rego, _) =
        known_beside("schemas/kinds/Person.schema.json", "{\"properties\": {\"x\": {}}}");
    assert_eq!((found, in_rego), (0, 0));
    // A library of the package that texts name.
    let package = "package assize.policies\n\nextra(x) if x\n";
    let (found, in_rego, policies) = known_beside("policies/lib.rego", package);
    assert_eq!(found, schemas);
    let names = |text: &str| text.contains("data.assize.policies");
    let named =
        policies.rules.rules.iter().filter(|rule| rule.check.rego().is_some_and(|text| names(&text.text)));
    assert!(in_rego > 0 && in_rego + named.count() <= texts && in_rego < texts, "{in_rego} of {texts}");
    // A rule that the configuration sets, even to what it is.
    let config = "version: 1\nrules: {no-lawful-basis: {severity: low}}\n";
    let (found, in_rego, policies) = known_beside("assize.yaml", config);
    assert_eq!((found, in_rego), (schemas - 1, texts));
    assert!(!policies.rules.rule("no-lawful-basis").unwrap().is_known());
}
