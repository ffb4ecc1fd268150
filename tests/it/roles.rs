//! Roles: rules and requirements that bind only some organizations, and frameworks that say so.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use crate::scene::{Scene, problem_lines};

/// What is undecided is left to the problem of this name.
const CONFIG: &str = "version: 1
frameworks: []
rules: {unresolved-reference: {enabled: false, reason: It is tested elsewhere.}}
";

const STORES: &str = "apiVersion: assize.dev/v1
kind: DataStore
metadata: {name: a}
spec: {type: relational, classification: internal, owner: Person:nobody}
---
apiVersion: assize.dev/v1
kind: DataStore
metadata: {name: b}
spec: {type: relational, classification: internal, owner: Person:anna}
---
apiVersion: assize.dev/v1
kind: Person
metadata: {name: anna}
spec: {type: employee, status: left, start: \"2020-01-01\"}
";

fn rule(name: &str, roles: &str, body: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: Rule
metadata: {{name: {name}, title: A title}}
spec:
  severity: high
  rationale: It is tested.
  remediation: Repair it.
  roles: {roles}
  match: {{kinds: [DataStore]}}
  {body}
"
    )
}

const NO_GRAPH: &str = "schema: {x-has: {spec.type: {const: graph}}}";

fn organization(name: &str, roles: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: Organization
metadata: {{name: {name}}}
spec: {{legalName: A fictional company, country: IE, roles: {roles}, establishedInEu: true, riskAppetite: 4}}
"
    )
}

/// A local rule for merchants, a joined one that cannot be decided on one store, one that has no result, one for all.
fn scene() -> Scene {
    let owner = "schema: {x-has: {spec.owner: {x-ref: {to: Person, must: {x-has: {spec.status: active}}}}}}";
    let broken = "rego: |
    deny contains {\"msg\": x} if x := assize.date.add(input.spec.type, \"P1D\")";
    let rules = [
        rule("own-local", "[merchant]", NO_GRAPH),
        rule("own-joined", "[merchant, service-provider]", owner),
        rule("own-broken", "[merchant]", broken),
        rule("own-all", "[]", NO_GRAPH),
    ];
    Scene::new()
        .with("assize.yaml", CONFIG)
        .with("policies/own.yaml", &rules.join("---\n"))
        .with("estate/a.yaml", STORES)
}

const ALL: [&str; 4] = ["own-all", "own-broken", "own-joined", "own-local"];
const FOR_MERCHANTS: [&str; 3] = ["own-broken", "own-joined", "own-local"];

/// The rules of a list of the report that are not the program's.
fn own(list: &Value, is_meant: impl Fn(&Value) -> bool) -> Vec<String> {
    let list = list.as_array().unwrap().iter().filter(|each| is_meant(each));
    let names = list.map(|each| each["rule"].as_str().unwrap().to_owned());
    names.filter(|name| name.starts_with("own-")).collect()
}

/// The rules that took part, and those that do not bind.
fn rules(report: &Value) -> (Vec<String>, Vec<String>) {
    let is_absent = |rule: &Value| rule["state"] == "not-applicable";
    (own(&report["rules"], |_| true), own(&report["notSelected"], is_absent))
}

fn codes(report: &Value) -> Vec<&str> {
    report["problems"].as_array().unwrap().iter().map(|each| each["code"].as_str().unwrap()).collect()
}

#[test]
fn without_roles_every_rule_applies() {
    let report = scene().report(&[]);
    assert_eq!(report["run"]["roles"], Value::Null);
    assert_eq!(rules(&report), (ALL.map(str::to_owned).to_vec(), vec![]));
    assert_eq!(codes(&report), ["undecided", "rule-failed", "rule-failed"]);
    let found = own(&report["findings"], |_| true);
    assert_eq!(found, ["own-all", "own-local", "own-all", "own-local", "own-joined"]);
}

/// Findings, tallies and problems of rules for other roles are gone, and the rules are listed with the reason.
#[test]
fn rules_for_other_roles_are_not_applicable() {
    let scene = scene().with("estate/o.yaml", &organization("o", "[controller, processor]"));
    let report = scene.report(&[]);
    assert_eq!(report["run"]["roles"], json!(["controller", "processor"]));
    assert_eq!(rules(&report), (vec!["own-all".into()], FOR_MERCHANTS.map(str::to_owned).to_vec()));
    let absent = report["notSelected"].as_array().unwrap().iter().find(|rule| rule["rule"] == "own-local");
    assert_eq!(absent.unwrap()["reason"], "binds a merchant; the estate states controller, processor");
    assert_eq!(problem_lines(&report), Vec::<String>::new());
    assert_eq!(own(&report["findings"], |_| true), ["own-all", "own-all"]);
    let matched = report["rules"].as_array().unwrap().iter().map(|rule| rule["matched"].as_u64().unwrap());
    assert_eq!(report["summary"]["pairs"], matched.sum::<u64>());
    let human = scene.run(&["check", "--as-of", "2026-11-20"]).stdout;
    assert!(human.contains("3 rules not applicable by role"), "{human}");
    let line = "Not applicable by role: own-joined (binds a merchant or service-provider; the estate states controller, processor).";
    assert!(human.contains(line), "{human}");
}

#[test]
fn the_roles_of_several_organizations_count_together() {
    let scene = scene().with("estate/o.yaml", &organization("o", "[controller]"));
    scene.write("estate/p.yaml", &organization("p", "[service-provider]"));
    let report = scene.report(&[]);
    assert_eq!(report["run"]["roles"], json!(["controller", "service-provider"]));
    assert_eq!(rules(&report).0, ["own-all", "own-joined"]);
    // Of one document too, and wherever it stands when only a part is checked.
    let report = scene.report(&["estate/a.yaml", "--rule", "own-local", "--rule", "own-all"]);
    assert_eq!(rules(&report), (vec!["own-all".into()], vec!["own-local".into()]));
}

/// Whatever cannot be read could state any role.
#[test]
fn in_doubt_every_rule_applies() {
    let sound = organization("o", "[controller]");
    let cases = [
        ("a field that is not there", sound.replace("country", "land")),
        ("a role that is none", sound.replace("[controller]", "[contoller]")),
        ("no role", organization("o", "[]")),
        ("a key that stands twice", sound.replace("spec:", "spec: {}\nspec:")),
        ("no YAML", sound.replace("spec: {", "spec: {{")),
        ("no name", sound.replace("{name: o}", "{}")),
    ];
    for (what, text) in cases {
        let scene = scene().with("estate/o.yaml", &text);
        let (bind, absent) = rules(&scene.report(&[]));
        assert_eq!((bind, absent), (ALL.map(str::to_owned).to_vec(), vec![]), "{what}");
        if what == "no role" {
            continue;
        }
        // Beside a sound one as well, and when only another part is checked.
        scene.write("estate/p.yaml", &organization("p", "[controller]"));
        assert_eq!(rules(&scene.report(&[])).1, Vec::<String>::new(), "{what}");
        let arguments = ["estate/a.yaml", "--rule", "own-local"];
        assert_eq!(rules(&scene.report(&arguments)).1, Vec::<String>::new(), "{what}");
    }
}

/// If nothing is left to check, the run must not pass.
#[test]
fn an_estate_to_which_no_rule_applies_is_no_pass() {
    let scene = scene().with("estate/o.yaml", &organization("o", "[controller]"));
    let report = scene.report(&["--rule", "own-local"]);
    assert_eq!(codes(&report), ["nothing-evaluated"]);
}

/// A misspelt role would let a rule apply to nobody.
#[test]
fn a_role_that_nobody_can_have_is_a_problem_and_gates_nothing() {
    let scene = scene().with("estate/o.yaml", &organization("o", "[controller]"));
    scene.write("policies/own.yaml", &rule("own-local", "[mercahnt]", NO_GRAPH));
    let report = scene.report(&[]);
    let problems = problem_lines(&report);
    let expected = "policies/own.yaml:8:11 invalid-rule: rule own-local: \"mercahnt\" is no role";
    assert!(problems.len() == 1 && problems.iter().all(|line| line.starts_with(expected)), "{problems:?}");
    assert_eq!(rules(&report), (vec!["own-local".into()], vec![]));
}

/// An exception for a rule that does not bind waives nothing, and is no mistake.
#[test]
fn a_waiver_of_a_rule_that_does_not_bind_waives_nothing() {
    let scene = scene().with("estate/o.yaml", &organization("o", "[controller]"));
    scene.write(
        "waivers/a.yaml",
        "apiVersion: assize.dev/v1
kind: Waiver
metadata: {name: w}
spec: {rules: [own-local], resources: [DataStore:a], reason: It is replaced in spring, approvedBy: ben, expires: \"2027-01-01\", type: risk-acceptance}
",
    );
    let report = scene.report(&[]);
    assert_eq!(report["waivers"][0]["findings"], 0, "{:#}", report["waivers"]);
}

fn framework(entries: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: Framework
metadata: {{name: own-frame, title: A fictional framework}}
spec:
  authority: Nobody
  version: \"1\"
  urlTemplate: https://example.org/{{id}}
  requirements:
{entries}"
    )
}

fn citing(requirements: &str) -> String {
    rule("own-all", "[]", NO_GRAPH).replace("  roles: []", &format!("  requirements: {requirements}"))
}

#[test]
fn what_a_framework_says_of_its_requirements_is_shown() {
    let entries = "    - {id: a, title: One, roles: [merchant], inForce: 2027-01-01, testable: none, reason: It takes a judgement.}
    - {id: b, title: Two, supersededBy: a, url: https://example.org/of-its-own, testable: evidence}
";
    let scene = scene().with("policies/frame.yaml", &framework(entries));
    let text = scene.run(&["explain", "own-frame:a"]).stdout;
    for line in [
        "for roles: merchant",
        "in force from: 2027-01-01",
        "official text: https://example.org/a",
        "can be met by: none",
        "reason: It takes a judgement.",
    ] {
        assert!(text.lines().any(|each| each == line), "{line}: {text}");
    }
    let text = scene.run(&["explain", "own-frame:b"]).stdout;
    for line in
        ["superseded by: a", "official text: https://example.org/of-its-own", "can be met by: evidence"]
    {
        assert!(text.lines().any(|each| each == line), "{line}: {text}");
    }
}

#[test]
fn a_superseded_requirement_is_told_unless_its_successor_is_cited() {
    let entries = "    - {id: a, title: One}\n    - {id: b, title: Two, supersededBy: a}\n";
    let scene = Scene::new()
        .with("assize.yaml", CONFIG)
        .with("estate/a.yaml", STORES)
        .with("policies/frame.yaml", &framework(entries))
        .with("policies/own.yaml", &citing("[\"own-frame:b\"]"));
    let expected = "policies/own.yaml:8:18 superseded-requirement: rule own-all: cites own-frame:b, which own-frame:a supersedes";
    assert_eq!(problem_lines(&scene.report(&[])), [expected]);
    scene.write("policies/own.yaml", &citing("[\"own-frame:b\", \"own-frame:a\"]"));
    assert_eq!(problem_lines(&scene.report(&[])), Vec::<String>::new());
}

#[test]
fn mistakes_in_a_framework_are_told_at_their_place() {
    let cases = [
        ("{id: a, title: One, supersededBy: z}", "requirement a is superseded by z, which is not there"),
        ("{id: a, title: One, supersededBy: a}", "requirement a is superseded by a, which is itself"),
        (
            "{id: a, title: One, testable: none}",
            "requirement a can be met by nothing, and no `reason` says why",
        ),
        ("{id: a, title: One, inForce: soon}", "\"soon\" is no date"),
        (
            "{id: a, title: One, roles: [mercahnt]}",
            "\"mercahnt\" is no role of an Organization, should be one of",
        ),
        ("{id: a, title: One, testable: perhaps}", "perhaps"),
        ("{id: a, title: One, parent: z}", "requirement a names a parent z that is not there"),
    ];
    for (entry, message) in cases {
        let scene = scene().with("policies/frame.yaml", &framework(&format!("    - {entry}\n")));
        let lines = problem_lines(&scene.report(&["--rule", "own-all"]));
        let is_told = |line: &String| line.starts_with("policies/frame.yaml:9:") && line.contains(message);
        assert!(lines.iter().any(is_told), "{entry}: {lines:?}");
    }
    let template = framework("    - {id: a, title: One}\n").replace("{id}\n", "\n");
    let lines = problem_lines(&scene().with("policies/frame.yaml", &template).report(&["--rule", "own-all"]));
    assert!(
        lines.iter().any(|line| line.contains("should hold {id} or {section}, where the id goes")),
        "{lines:?}"
    );
}

/// What has no catalogue here is shown as such and never looked up.
#[test]
fn related_requirements_are_kept_and_shown() {
    let scene = scene();
    scene.write(
        "policies/own.yaml",
        &citing("[]").replace("  requirements: []", "  related: [\"iso27001-2022:A.5.9\", \"soc2:CC6.1\"]"),
    );
    let report = scene.report(&[]);
    let rule = report["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "own-all").unwrap();
    assert_eq!(rule["related"], json!(["iso27001-2022:A.5.9", "soc2:CC6.1"]));
    assert_eq!((rule["requirements"].clone(), codes(&report)), (json!([]), vec![]));
    let text = scene.run(&["explain", "own-all"]).stdout;
    assert!(text.contains("Related, not checked: iso27001-2022:A.5.9, soc2:CC6.1\n"), "{text}");
    scene.write("policies/own.yaml", &citing("[]").replace("  requirements: []", "  related: [A.5.9]"));
    let lines = problem_lines(&scene.report(&[]));
    assert!(
        lines.iter().any(|line| line.contains("\"A.5.9\" should be `<framework>:<requirement>`")),
        "{lines:?}"
    );
}

/// What does not bind is not applicable to an auditor either; what a rule for other roles would say counts nowhere.
#[test]
fn the_outcome_of_a_requirement_knows_roles_days_and_successors() {
    let entries = "    - {id: a, title: For merchants, roles: [merchant]}
    - {id: b, title: For everybody}
    - {id: c, title: Former, supersededBy: d}
    - {id: d, title: Its successor, parent: c}
    - {id: e, title: To come, inForce: 2030-01-01}
    - {id: f, title: For controllers, roles: [controller, processor], inForce: 2026-11-20}
";
    let all = "[\"own-frame:a\", \"own-frame:b\", \"own-frame:c\", \"own-frame:d\", \"own-frame:e\", \"own-frame:f\"]";
    let local = rule("own-local", "[merchant]", NO_GRAPH)
        .replace("  roles", "  requirements: [\"own-frame:b\"]\n  roles");
    let scene = Scene::new()
        .with("assize.yaml", CONFIG)
        .with("estate/a.yaml", STORES)
        .with("estate/o.yaml", &organization("o", "[controller]"))
        .with("policies/frame.yaml", &framework(entries))
        // By name it comes before the other, whose place in the report changes with it.
        .with("policies/own.yaml", &format!("{}---\n{local}", citing(all).replace("own-all", "own-zeal")));
    let outcome = scene.run(&["report", "--framework", "own-frame", "-o", "json", "--as-of", "2026-11-20"]);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let list = report["frameworks"][0]["requirements"].as_array().unwrap();
    let told: Vec<(&str, &str, &str, u64)> = list
        .iter()
        .map(|each| {
            let text = |key: &str| each[key].as_str().unwrap();
            let reason = each["reasons"][0].as_str().unwrap();
            (text("requirement"), text("ownState"), reason, each["population"]["count"].as_u64().unwrap())
        })
        .collect();
    let failing = "2 of 2 resources fail";
    assert_eq!(
        told,
        [
            ("a", "not-applicable", "binds a merchant; the estate states controller", 2),
            ("b", "not-satisfied", failing, 2),
            ("c", "not-applicable", "superseded by d", 2),
            ("d", "not-satisfied", failing, 2),
            ("e", "not-applicable", "binds from 2030-01-01", 2),
            ("f", "not-satisfied", failing, 2),
        ]
    );
    let absent = &list.iter().find(|each| each["requirement"] == "b").unwrap()["leftOut"][0];
    assert_eq!((&absent["rule"], &absent["state"]), (&json!("own-local"), &json!("not-applicable")));
}
