//! `diff` where roles change: of the estate's organizations, of rules, and of requirements.

use serde_json::Value;

use super::Repo;
use super::diff::{diff, gate, told};
use crate::scene::Scene;

const CONFIG: &str = "version: 1\nframeworks: []\n";

/// A rule over what stands, one over changes, both for merchants, and a framework.
const POLICIES: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: own-store, title: A title}
spec:
  severity: high
  rationale: It is tested.
  remediation: Repair it.
  roles: [merchant]
  match: {kinds: [DataStore]}
  schema: {x-has: {spec.type: {const: graph}}}
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: own-roles, title: Nobody lays down a role}
spec:
  severity: high
  rationale: It is tested.
  remediation: Repair it.
  roles: [merchant]
  match: {kinds: [Organization]}
  rego: |
    deny contains {\"msg\": role} if {
      some role in input.before.spec.roles
      not role in input.after.spec.roles
    }
---
apiVersion: assize.dev/v1
kind: Framework
metadata: {name: own-frame, title: A fictional framework}
spec:
  authority: Nobody
  version: \"1\"
  requirements:
    - {id: a, title: One}
    - {id: b, title: Two}
";

const STORE: &str = "apiVersion: assize.dev/v1
kind: DataStore
metadata: {name: a}
spec: {type: relational, classification: internal}
";

fn organization(roles: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: Organization
metadata: {{name: o}}
spec: {{legalName: A fictional company, country: IE, roles: {roles}, establishedInEu: true, riskAppetite: 4}}
"
    )
}

fn repo(roles: &str) -> Repo {
    let repo = Repo::of(Scene::new());
    repo.write("assize.yaml", CONFIG).write("policies/own.yaml", POLICIES);
    repo.write("estate/a.yaml", STORE).write("estate/o.yaml", &organization(roles));
    repo.commit("Begin");
    repo
}

fn events(report: &Value) -> Vec<(&str, &str)> {
    let list = report["comparison"]["events"].as_array().unwrap().iter();
    list.map(|each| (each["rule"].as_str().unwrap(), each["message"].as_str().unwrap())).collect()
}

/// Findings vanish with the role, and that fails the run although nothing new is found.
#[test]
fn a_role_that_goes_is_a_change_of_the_gate() {
    let repo = repo("[controller, merchant]");
    repo.write("estate/o.yaml", &organization("[controller]"));
    let (code, report) = diff(&repo, &[]);
    assert_eq!(code, 1);
    assert_eq!(gate(&report), ["scope-narrowed roles fails"]);
    let change = &report["comparison"]["gate"][0];
    assert_eq!((&change["from"], &change["to"]), (&"controller, merchant".into(), &"controller".into()));
    assert_eq!(change["location"]["file"], "estate/o.yaml");
    assert_eq!(told(&report), ["fixed own-store a roles-changed"]);
    let absent =
        report["notSelected"].as_array().unwrap().iter().filter(|each| each["state"] == "not-applicable");
    assert_eq!(absent.map(|each| &each["rule"]).collect::<Vec<_>>(), ["own-store"]);
    // A rule over changes that binds in the base judges the change that would escape it.
    assert_eq!(events(&report), [("own-roles", "merchant")]);
    let (code, report) = diff(&repo, &["--allow-gate-changes"]);
    assert_eq!((code, gate(&report)), (1, vec!["scope-narrowed roles noted".to_owned()]));
    // Whoever judges: the roles are the estate's.
    for judge in ["head", "each"] {
        assert_eq!(gate(&diff(&repo, &["--policies", judge]).1), ["scope-narrowed roles fails"], "{judge}");
    }
}

#[test]
fn a_role_that_comes_brings_findings_and_is_no_change_of_the_gate() {
    let repo = repo("[controller]");
    repo.write("estate/o.yaml", &organization("[controller, merchant]"));
    let (code, report) = diff(&repo, &[]);
    assert_eq!(
        (code, gate(&report), told(&report)),
        (1, vec![], vec!["new own-store a roles-changed".to_owned()])
    );
}

/// Where the roles were not known everything applied; where they are not known any more, everything does again.
#[test]
fn roles_that_become_known_narrow_the_gate() {
    let repo = repo("[controller]");
    repo.remove("estate/o.yaml");
    let (_, report) = diff(&repo, &[]);
    assert_eq!((gate(&report), told(&report)), (vec![], vec!["new own-store a roles-changed".to_owned()]));
    repo.commit("Remove it");
    repo.write("estate/o.yaml", &organization("[controller]"));
    let (code, report) = diff(&repo, &["HEAD"]);
    assert_eq!((code, gate(&report)), (1, vec!["scope-narrowed roles fails".to_owned()]));
    assert_eq!(report["comparison"]["gate"][0]["from"], "any");
}

/// Policies from elsewhere do not change with the estate, but its roles do.
#[test]
fn policies_from_elsewhere_see_the_roles_change() {
    let repo = repo("[controller, merchant]");
    let elsewhere = Scene::new().with("assize.yaml", CONFIG).with("policies/own.yaml", POLICIES);
    repo.write("estate/o.yaml", &organization("[controller]"));
    let folder = elsewhere.folder.to_str().unwrap();
    let (code, report) = diff(&repo, &["--policies", folder]);
    assert_eq!((code, gate(&report)), (1, vec!["scope-narrowed roles fails".to_owned()]));
}

#[test]
fn rules_and_requirements_that_bind_fewer_are_told() {
    let cases = [
        (
            "  roles: [merchant]\n  match: {kinds: [DataStore]",
            "  roles: [processor]\n  match: {kinds: [DataStore]",
            "own-store",
        ),
        ("{id: a, title: One}", "{id: a, title: One, roles: [merchant]}", "own-frame:a"),
        ("{id: a, title: One}", "{id: a, title: One, inForce: 2030-01-01}", "own-frame:a"),
        ("{id: a, title: One}", "{id: a, title: One, supersededBy: b}", "own-frame:a"),
        ("    - {id: a, title: One}\n", "", "own-frame:a"),
    ];
    for (from, to, name) in cases {
        let repo = repo("[controller, merchant]");
        assert!(POLICIES.contains(from));
        repo.write("policies/own.yaml", &POLICIES.replace(from, to));
        let (code, report) = diff(&repo, &[]);
        assert_eq!((code, gate(&report)), (1, vec![format!("scope-narrowed {name} fails")]), "{to}");
        // The other way round more binds than before.
        repo.commit("Narrow it");
        repo.write("policies/own.yaml", POLICIES);
        let expected =
            if name == "own-store" { vec![format!("scope-narrowed {name} fails")] } else { vec![] };
        assert_eq!(gate(&diff(&repo, &["HEAD"]).1), expected, "{to}");
    }
}
