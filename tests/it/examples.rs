//! `assize test`: which rules it runs, what it says of an example that fails, and coverage.

use serde_json::Value;

use crate::scene::Scene;

const RULE: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: few, title: There are few}
spec:
  severity: low
  rationale: r
  remediation: r
  match:
    kinds: [core/ConfigMap]
    where: {required: [data]}
  schema:
    properties:
      data: {maxProperties: 2, required: [a, b]}
  examples:
    - name: many
      resource:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: x}
        data:
          a: 1
          c: 2
          d: 3
      expect:
        - {path: data, message: at most 3}
        - {path: data.b}
        - {path: data.z}
";

fn scene() -> Scene {
    Scene::new()
        .with("policies/few.yaml", RULE)
        .with("policies/more.yaml", &RULE.replace("name: few", "name: more"))
}

#[test]
fn an_example_that_fails_shows_both_sides() {
    let outcome = scene().run(&["test", "few"]);
    let expected = r#"few: example "many" fails (policies/few.yaml:15:7)
  + data: data has 3 keys, should have at most 2 (line 20)
  - data: …at most 3… (line 25)
    data.b: data.b is missing (line 20)
  - data.z (line 27)
(- expected, did not come; + came, not expected; as expected where there is no sign)
1 rule, 0 examples passed, 1 failed
"#;
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, expected));
}

#[test]
fn rules_are_chosen_by_name_and_by_path() {
    let scene = scene();
    let count = |arguments: &[&str]| {
        let outcome = scene.run(&[&["test"], arguments].concat());
        outcome.stdout.lines().last().unwrap().to_owned()
    };
    assert_eq!(count(&["few"]), "1 rule, 0 examples passed, 1 failed");
    assert_eq!(count(&["few", "policies/more.yaml"]), "2 rules, 0 examples passed, 2 failed");
    assert_eq!(count(&["policies"]), "2 rules, 0 examples passed, 2 failed");
    assert!(count(&["few", "unowned-asset"]).starts_with("2 rules, "));
    // Both must hold.
    assert_eq!(count(&["policies", "--rule", "more"]), "1 rule, 0 examples passed, 1 failed");
    let outcome = scene.run(&["test", "fwe"]);
    let expected = "error: fwe is neither a rule nor a path; did you mean few?\n";
    assert_eq!((outcome.code, outcome.stderr.as_str()), (2, expected));
}

#[test]
fn coverage_in_every_format() {
    let scene = Scene::new().with(
        "policies/few.yaml",
        &RULE.replace("at most 3", "at most 2").replace("        - {path: data.z}\n", ""),
    );
    let outcome = scene.run(&["test", "policies", "--coverage"]);
    let expected = "1 rule, 1 examples passed, 0 failed
policies/few.yaml:10: few: /match/where/required/0 never fails
policies/few.yaml:13: few: /schema/properties/data/maxProperties never holds
policies/few.yaml:13: few: /schema/properties/data/required/0 never fails
policies/few.yaml:13: few: /schema/properties/data/required/1 never holds
coverage: 4 of 8 directions exercised (50.0%); 1 rule, 0 without examples
";
    assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (0, expected, ""));

    let outcome = scene.run(&["test", "policies", "--coverage=json", "--coverage=lcov=lcov.info"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, "1 rule, 1 examples passed, 0 failed\n"));
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&document["summary"]["directions"], &document["summary"]["exercised"]),
        (&8.into(), &4.into())
    );
    let schema: Value = serde_json::from_str(assize::policy::builtin_schema("coverage").unwrap()).unwrap();
    assert!(jsonschema::is_valid(&schema, &document), "{document:#}");
    let lcov = scene.read("lcov.info");
    assert!(lcov.starts_with("TN:\nSF:policies/few.yaml\nBRDA:10,0,0,1\nBRDA:10,0,1,0\n"), "{lcov}");
    assert!(lcov.contains("\nDA:10,1\nDA:13,1\n"), "{lcov}");

    for (arguments, message) in [
        (&["--coverage=xml"][..], "there is no format xml; known: text, json, lcov"),
        (&["--coverage=lcov="], "the file name is empty"),
        (&["--coverage", "--coverage=json"], "two formats go to standard output"),
    ] {
        let outcome = scene.run(&[&["test", "policies"], arguments].concat());
        assert_eq!(outcome.code, 2);
        assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
    }
}

/// What is removed is not among what is left, for coverage as for the verdict.
#[test]
fn coverage_sees_what_a_removal_leaves() {
    let rule = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: last-team-removed, title: One team stays}
spec:
  severity: low
  rationale: r
  remediation: r
  match: {kinds: [Team]}
  rego: |
    deny contains \"the last team was removed\" if {
      not input.after
      not is_one_left
    }

    is_one_left if count(data.estate.Team) > 0
  examples:
    - name: the last one
      before: {apiVersion: assize.dev/v1, kind: Team, metadata: {name: shop}, spec: {type: team}}
      expect: [{path: ''}]
    - name: one of two
      before: {apiVersion: assize.dev/v1, kind: Team, metadata: {name: shop}, spec: {type: team}}
      others: [{apiVersion: assize.dev/v1, kind: Team, metadata: {name: clinic}, spec: {type: team}}]
      expect: []
";
    let scene = Scene::new().with("policies/last-team-removed.yaml", rule);
    let outcome = scene.run(&["test", "last-team-removed", "--coverage"]);
    assert!(outcome.stdout.starts_with("1 rule, 2 examples passed, 0 failed\ncov"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("(100.0%)"), "{}", outcome.stdout);
}

/// A rule that does not compile is a problem, whatever is asked beside.
#[test]
fn coverage_hides_no_problem() {
    let scene = Scene::new().with("policies/few.yaml", &RULE.replace("maxProperties", "maxProprties"));
    let outcome = scene.run(&["test", "policies", "--coverage"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
    assert!(outcome.stderr.contains("did you mean `maxProperties`?"), "{}", outcome.stderr);
}
