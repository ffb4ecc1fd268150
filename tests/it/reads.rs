//! What is kept of documents for joined rules is enough: whole documents say the same.

use crate::determinism::estate;
use crate::scene::{Scene, problem_lines};

fn check(scene: &Scene) {
    let report = scene.report(&["--verify-reads"]);
    let told: Vec<String> =
        problem_lines(&report).into_iter().filter(|line| line.contains("internal-error")).collect();
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn on_the_clinic() {
    check(&Scene::new().with_clinic());
}

#[test]
fn on_an_estate_of_a_thousand_resources() {
    let scene = Scene::new();
    for file in estate::generate(1000, 7) {
        scene.write(&file.path, &file.text);
    }
    check(&scene);
}

/// A foreign kind of the same name has other fields: a reference of one is not held to those of the other.
#[test]
fn a_foreign_kind_is_not_taken_for_one_of_ours_by_its_name() {
    let schema = |field: &str, kind: &str| {
        format!(
            r#"{{"type": "object", "properties": {{"spec": {{"type": "object", "properties": {{"{field}": {{"type": "string", "x-ref": ["{kind}"]}}}}}}}}}}"#
        )
    };
    let team = "apiVersion: assize.dev/v1\nkind: Team\nmetadata: {name: it}\nspec: {}\n---\n";
    let thing = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: one}\nspec: {b: it}\n";
    let scene = Scene::new()
        .with("assize.yaml", "version: 1\n")
        .with("schemas/kinds/Thing.schema.json", &schema("a", "Team"))
        .with("schemas/kinds/example.org/Thing.schema.json", &schema("b", "Vendor"))
        .with("estate/things.yaml", &format!("{team}{thing}"));
    let report = scene.report(&["--rule", "unresolved-reference"]);
    let said: Vec<_> =
        report["findings"].as_array().into_iter().flatten().map(|each| &each["message"]).collect();
    assert_eq!(said, ["spec.b names it, but no Vendor is called so"], "{report:#}");
}

/// Its own fields are followed by their own names, and those of ours by theirs.
#[test]
fn references_of_a_foreign_kind_are_those_of_its_own_fields() {
    let schema = |field: &str| {
        format!(
            r#"{{"type": "object", "properties": {{"spec": {{"type": "object", "properties": {{"first": {{"type": "string", "x-ref": ["Vendor"]}}, "{field}": {{"type": "string", "x-ref": ["Team"]}}}}}}}}}}"#
        )
    };
    let rule = |name: &str, rego: &str| {
        format!(
            "apiVersion: assize.dev/v1\nkind: Rule\nmetadata: {{name: {name}, title: A test}}\nspec:\n  severity: low\n  \
             rationale: A test.\n  remediation: None.\n  match: {{kinds: [Team]}}\n  {rego}\n"
        )
    };
    let pointed = "rego: |\n    deny contains {\"msg\": msg} if {\n      some kind in [\"Thing\"]\n      some thing in data.referrers[kind]\n      \
                   msg := sprintf(\"%s by %s\", [thing.id, thing.field])\n    }";
    let scene = Scene::new()
        .with("assize.yaml", "version: 1\n")
        .with("schemas/kinds/Thing.schema.json", &schema("a"))
        .with("schemas/kinds/example.org/Thing.schema.json", &schema("b"))
        .with("policies/pointed.yaml", &rule("pointed", pointed))
        .with(
            "policies/counted.yaml",
            &rule("counted", "schema: {not: {x-referrers: {from: Thing, field: spec.b}}}"),
        )
        .with(
            "estate/team.yaml",
            "apiVersion: assize.dev/v1\nkind: Team\nmetadata: {name: it}\nspec: {type: team}\n",
        )
        .with(
            "estate/ours.yaml",
            "apiVersion: assize.dev/v1\nkind: Thing\nmetadata: {name: ours}\nspec: {a: it}\n",
        )
        .with(
            "estate/theirs.yaml",
            "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: theirs}\nspec: {b: it}\n",
        );
    let report = scene.report(&["--rule", "pointed", "--rule", "counted", "--rule", "unresolved-reference"]);
    let said: Vec<_> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|each| (each["rule"].as_str().unwrap(), each["message"].as_str().unwrap()))
        .collect();
    let (counted, pointed): (Vec<_>, Vec<_>) = said.into_iter().partition(|(rule, _)| *rule == "counted");
    assert_eq!(counted.len(), 1, "{report:#}");
    let both = "Thing/ours by spec.a; example.org/Thing/theirs by spec.b";
    assert_eq!(pointed, [("pointed", both)], "{report:#}");
}
