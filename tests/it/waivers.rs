//! Waivers: what counts, what waives nothing and why, and how reports say so.

use serde_json::Value;

use crate::scene::Scene;

const WAIVER: &str = "apiVersion: assize.dev/v1
kind: Waiver
metadata: {name: w}
spec:
  rules: [no-colour]
  resources: ['Person:anna']
  type: risk-acceptance
  reason: she likes it so
  requestedBy: bob
  approvedBy: eve
  approvedOn: 2026-11-01
  expires: 2026-12-01
  ticket: T-1
";

const RULE: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: no-colour, title: A colour is named}
spec:
  severity: high
  rationale: Tests want one.
  remediation: Name one.
  match: {kinds: [Person]}
  schema: {x-has: {metadata.labels.colour: {}, metadata.labels.size: {}}}
";

fn person(name: &str, more: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1\nkind: Person\nmetadata: {{name: {name}{more}}}\nspec: {{type: employee, status: active, start: 2020-01-01}}\n"
    )
}

fn scene(configuration: &str, waiver: &str) -> Scene {
    Scene::new()
        .with("assize.yaml", &format!("version: 1\nframeworks: []\n{configuration}"))
        .with("policies/no-colour.yaml", RULE)
        .with("anna.yaml", &person("anna", ", labels: {size: l}"))
        .with("ben.yaml", &person("ben", ", labels: {colour: red}"))
        .with("w.yaml", waiver)
}

/// "rule kind/name path: status" of each finding of the rule, and "state: defects (findings)" of each waiver.
fn told(scene: &Scene) -> (Vec<String>, Vec<String>) {
    let report = scene.report(&["--rule", "no-colour"]);
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or("?").to_owned()
    };
    let list = |key: &str| report.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let findings = list("findings");
    let findings = findings.iter().map(|finding| {
        format!(
            "{} {}: {}",
            text(finding, "/resource/name"),
            text(finding, "/location/path"),
            text(finding, "/status")
        )
    });
    let waivers = list("waivers");
    let waivers = waivers.iter().map(|waiver| {
        let defects = waiver.get("defects").and_then(Value::as_array).cloned().unwrap_or_default();
        let defects: Vec<_> = defects.iter().filter_map(Value::as_str).collect();
        format!(
            "{}: {} ({})",
            text(waiver, "/state"),
            defects.join("; "),
            waiver.get("findings").unwrap_or(&Value::Null)
        )
    });
    (findings.collect(), waivers.collect())
}

const COUNTS: [&str; 2] = ["anna metadata.labels.colour: waived", "ben metadata.labels.size: fail"];
const COUNTS_NOT: [&str; 2] = ["anna metadata.labels.colour: fail", "ben metadata.labels.size: fail"];

#[track_caller]
fn check(configuration: &str, waiver: &str, findings: &[&str], waivers: &[&str]) {
    let (found, told) = told(&scene(configuration, waiver));
    assert_eq!(found, findings, "{waiver}");
    assert_eq!(told, waivers, "{waiver}");
}

#[test]
fn a_waiver_covers_what_it_names() {
    check("waivers: {approvers: [eve]}\n", WAIVER, &COUNTS, &["in-force:  (1)"]);
    check("", WAIVER, &COUNTS, &["unverified:  (1)"]);
    let selector = WAIVER.replace("resources: ['Person:anna']", "selector: {kinds: [Person], names: ['a*']}");
    check("", &selector, &COUNTS, &["unverified:  (1)"]);
    let elsewhere = WAIVER.replace("  type:", "  paths: ['metadata.labels.size']\n  type:");
    check("", &elsewhere, &COUNTS_NOT, &["unverified:  (0)"]);
    let other = WAIVER.replace("Person:anna", "Person:prod/anna");
    check("", &other, &COUNTS_NOT, &["unverified:  (0)"]);
}

#[test]
fn a_waiver_that_lacks_something_waives_nothing() {
    let void = |configuration: &str, waiver: &str, defect: &str| {
        check(configuration, waiver, &COUNTS_NOT, &[&format!("void: {defect} (1)")]);
    };
    void("", &WAIVER.replace("  approvedBy: eve\n", ""), "nobody has approved it");
    void("", &WAIVER.replace("bob", "'Person:eve'"), "eve has approved what eve asked for");
    void("waivers: {approvers: [zoe]}\n", WAIVER, "eve is not among `waivers.approvers`");
    void("", &WAIVER.replace("  expires: 2026-12-01\n", ""), "it never expires");
    void("", &WAIVER.replace("2026-12-01", "2026-11-19"), "it expired on 2026-11-19");
    void("", &WAIVER.replace("2026-11-01", "2026-11-21"), "it begins on 2026-11-21");
    let short = "waivers: {max_age: P29D}\n";
    void(short, WAIVER, "it lasts longer than P29D from its approval (`waivers.max_age`)");
    let wide = WAIVER.replace("'Person:anna'", "'Person:anna', 'Person:ben'");
    let (found, told) = told(&scene("waivers: {max_resources: 1}\n", &wide));
    assert_eq!(found, COUNTS_NOT);
    assert_eq!(told, ["void: it covers 2 resources, `waivers.max_resources` is 1 (2)"]);
}

#[test]
fn the_gate_and_the_tallies_know_of_waivers() {
    let scene = scene("", WAIVER);
    let code = |arguments: &[&str]| {
        let all = [&["check", "--as-of", "2026-11-20", "--rule", "no-colour"], arguments].concat();
        scene.run(&all).code
    };
    assert_eq!(code(&["anna.yaml"]), 0);
    assert_eq!(code(&["ben.yaml"]), 1);
    let report = scene.report(&["--rule", "no-colour"]);
    let tally = report.pointer("/rules/0").cloned().unwrap_or_default();
    let counts =
        ["matched", "passed", "failed", "waived", "errors"].map(|key| tally.get(key).and_then(Value::as_u64));
    assert_eq!(counts, [Some(2), Some(0), Some(1), Some(1), Some(0)]);
    let shown = scene.run(&["check", "--as-of", "2026-12-02", "--rule", "no-colour"]).stdout;
    assert!(shown.contains("Waiver/w waives nothing: it expired on 2026-12-01."), "{shown}");
}

#[test]
fn comments_count_only_where_they_are_allowed() {
    let ignored = person("anna", ", labels: {size: l}")
        .replace("metadata:", "# assize:ignore no-colour: a test\nmetadata:");
    let with = |configuration: &str, text: &str| {
        let scene = scene(configuration, WAIVER);
        scene.write("w.yaml", "# nothing\n");
        scene.write("anna.yaml", text);
        scene.report(&["--rule", "no-colour"])
    };
    let status = |report: &Value| report.pointer("/findings/0/status").cloned().unwrap_or_default();
    assert_eq!(status(&with("", &ignored)), "fail");
    let allowed = with("waivers: {inline: true}\n", &ignored);
    assert_eq!(status(&allowed), "suppressed");
    assert_eq!(allowed.pointer("/findings/0/exception"), Some(&Value::from("a test")));
    let nameless = with("waivers: {inline: true}\n", &ignored.replace(": a test", ""));
    assert_eq!(status(&nameless), "fail");
    assert_eq!(nameless.pointer("/problems/0/code"), Some(&Value::from("invalid-ignore")));
}
