//! What is sensitive is in no format: neither its value nor its line.

use crate::scene::{DAY, Scene, finding_lines, problem_lines};

const FORMATS: &str = "json=out.json,jsonl=out.jsonl,sarif=out.sarif,junit=out.xml,github=out.txt,gitlab=gitlab.json,markdown=out.md,csv=out.csv,summary=summary.txt";
const FILES: [&str; 10] = [
    "out.json",
    "out.jsonl",
    "out.sarif",
    "out.xml",
    "out.txt",
    "gitlab.json",
    "out.md",
    "out.csv",
    "summary.txt",
    "job.md",
];

/// Everything that is written about a scene, the human format first.
fn written(scene: &Scene) -> Vec<(String, String)> {
    let mut command = scene.command(&["check", "estate", "--as-of", DAY, "-o", "human", "-o", FORMATS]);
    command.env("GITHUB_STEP_SUMMARY", scene.folder.join("job.md"));
    let outcome = crate::scene::finish(&mut command);
    assert_eq!(outcome.stderr, "");
    let mut all = vec![("human".to_owned(), outcome.stdout)];
    all.extend(FILES.map(|file| (file.to_owned(), scene.read(file))));
    all
}

#[track_caller]
fn hides(scene: &Scene, secrets: &[&str]) {
    for (format, text) in written(scene) {
        for secret in secrets {
            let around = text.find(secret).map(|at| text.get(at.saturating_sub(200)..at + 50));
            assert!(around.is_none(), "{format} shows {secret}: {around:?}");
        }
    }
}

fn rule(name: &str, kind: &str, rest: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1\nkind: Rule\nmetadata: {{name: {name}, title: A rule of the house}}\nspec:\n  severity: low\n  rationale: r\n  remediation: r\n  match: {{kinds: [{kind}]}}\n{rest}"
    )
}

const SECRET: &str = "apiVersion: assize.dev/v1
kind: Secret
metadata:
  name: api
spec:
  owner: 17
  value: hunter2
  store: nowhere
";

#[test]
fn a_marked_field() {
    let scene = Scene::new().with("estate/secret.yaml", &SECRET.replace("  owner: 17\n", ""));
    hides(&scene, &["hunter2"]);
    let report = scene.report(&["estate", "--rule", "secret-value-recorded"]);
    let [line] = &*finding_lines(&report) else { panic!("{report:#}") };
    assert_eq!(
        line,
        "estate/secret.yaml:6:10 secret-value-recorded Secret/api spec.value: spec.value breaks the rule \"No secret value is recorded\"; the value is (not shown)"
    );
    assert_eq!(report["findings"][0]["sensitive"], true);
    // Nor can it be guessed from a hash of its line, or of lines near it.
    let sarif: serde_json::Value = serde_json::from_str(&scene.read("out.sarif")).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let line = result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap();
        let hash = &result["partialFingerprints"]["primaryLocationLineHash"];
        // It covers the line and what follows.
        assert_eq!(hash.is_null(), line <= 6, "{result:#}");
    }
}

#[test]
fn a_marked_field_of_a_wrong_type_and_its_neighbours() {
    // The schema of the kind speaks of the value, and a problem next to it would show its line.
    let scene = Scene::new().with("estate/secret.yaml", &SECRET.replace("hunter2", "4711471147"));
    hides(&scene, &["4711471147"]);
    let problems = problem_lines(&scene.report(&["estate"]));
    let expected = [
        "estate/secret.yaml:6:10 invalid-resource: Secret/api: spec.owner is 17, should be text",
        "estate/secret.yaml:7:10 invalid-resource: Secret/api: spec.value breaks the schema of its kind; the value is (not shown)",
    ];
    assert!(expected.iter().all(|line| problems.iter().any(|problem| problem == line)), "{problems:#?}");
    let human = &written(&scene)[0].1;
    assert!(human.contains("7 │ (not shown)"), "{human}");
}

#[test]
fn a_marked_field_that_is_no_value_at_all() {
    for value in ["4711471147114711471147", "!!int hunter2", "!secret hunter2"] {
        let scene = Scene::new().with("estate/secret.yaml", &SECRET.replace("hunter2", value));
        hides(&scene, &["4711", "hunter2"]);
        assert!(!problem_lines(&scene.report(&["estate"])).is_empty(), "{value}");
    }
}

#[test]
fn a_secret_of_kubernetes() {
    let scene = Scene::new().with(
        "estate/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: api\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"data\": \"hunter2\"}'\ndata:\n  switch: yes\n  block: |\n    hunter3\n    hunter4\nstringData: {a: 0o4711, b: hunter5}\n",
    );
    let report = scene.report(&["estate", "--rule", "ambiguous-scalar", "--fail-on", "never"]);
    assert!(!finding_lines(&report).is_empty());
    hides(&scene, &["hunter", "4711"]);
}

#[test]
fn a_sensitive_rule() {
    let check = "  sensitive: true\n  schema: {properties: {data: {properties: {pin: {maxLength: 3}, list: {items: {maxLength: 3}}}}}}\n";
    let scene = Scene::new()
        .with("assize.yaml", "version: 1\n")
        .with("policies/long-pin.yaml", &rule("long-pin", "core/ConfigMap", check))
        // A rule that is not sensitive points at the line below.
        .with(
            "policies/loud.yaml",
            &rule("loud", "core/ConfigMap", "  schema: {properties: {data: {properties: {note: {const: quiet}}}}}\n"),
        )
        .with(
            "estate/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  list: [hunter2]\n  note: loud\n  pin: hunter3\n",
        );
    hides(&scene, &["hunter2", "hunter3"]);
    let lines = finding_lines(&scene.report(&["estate"]));
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("data.note is loud, should be quiet")), "{lines:#?}");
    // The same list with another value has the same fingerprint: no digest of the value is in it.
    let print = |scene: &Scene| scene.report(&["estate"])["findings"][0]["fingerprint"].clone();
    let before = print(&scene);
    let text = scene.read("estate/map.yaml");
    scene.write("estate/map.yaml", &text.replace("hunter2", "hunter9"));
    assert_eq!(print(&scene), before);
}

#[test]
fn another_document_that_a_rule_looks_into() {
    let joined = "  schema: {properties: {data: {properties: {secret: {x-ref: {to: [Secret], must: {properties: {spec: {properties: {value: {const: x}}}}}}}}}}}\n";
    let scene = Scene::new()
        .with("assize.yaml", "version: 1\n")
        .with("policies/joined.yaml", &rule("joined", "core/ConfigMap", joined))
        .with(
            "policies/unique.yaml",
            &rule(
                "unique",
                "Secret",
                "  schema: {properties: {spec: {properties: {value: {x-unique: true}}}}}\n",
            ),
        )
        .with(
            "estate/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {secret: api}\n",
        )
        .with("estate/one.yaml", &SECRET.replace("  owner: 17\n", ""))
        .with("estate/other.yaml", &SECRET.replace("  owner: 17\n", "").replace("name: api", "name: other"));
    hides(&scene, &["hunter2"]);
    let lines = finding_lines(&scene.report(&["estate", "--rule", "joined", "--rule", "unique"]));
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines.iter().all(|line| line.ends_with("the value is (not shown)")), "{lines:#?}");
}

#[test]
fn rules_in_rego() {
    let own = "  rego: |\n    package house.own\n    deny contains {\"msg\": sprintf(\"it is %v\", [input.spec.value]), \"path\": [\"spec\", \"value\"]}\n";
    let estate = "  rego: |\n    package house.all\n    deny contains msg if {\n      some secret in data.estate.Secret\n      msg := sprintf(\"somebody has %v\", [secret.spec.value])\n    }\n";
    let failing = "  rego: |\n    package house.failing\n    deny contains \"x\" if assize.date.is_before(input.spec.value, \"2026-01-01\")\n";
    let scene = Scene::new()
        .with("assize.yaml", "version: 1\n")
        .with("policies/own.yaml", &rule("own", "Secret", own))
        .with("policies/all.yaml", &rule("all", "core/ConfigMap", estate))
        .with("policies/failing.yaml", &rule("failing", "Secret", failing))
        .with("estate/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {}\n")
        .with("estate/one.yaml", &SECRET.replace("  owner: 17\n", ""));
    hides(&scene, &["hunter2"]);
    let report = scene.report(&["estate", "--rule", "own", "--rule", "all", "--rule", "failing"]);
    let lines = finding_lines(&report);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines.iter().all(|line| line.ends_with("the value is (not shown)")), "{lines:#?}");
    let problems = problem_lines(&report);
    assert!(
        problems.iter().any(|line| line.ends_with("rule failing on Secret/api: (not shown)")),
        "{problems:#?}"
    );
}

#[test]
fn what_is_not_sensitive_is_shown_as_ever() {
    let scene = Scene::new()
        .with("estate/secret.yaml", &SECRET.replace("  value: hunter2\n", "").replace("17", "jane"));
    let report = scene.report(&["estate", "--rule", "unresolved-reference"]);
    let lines = finding_lines(&report);
    assert!(lines.iter().any(|line| line.contains("spec.store names nowhere")), "{lines:#?}");
    assert!(report["findings"][0].get("sensitive").is_none());
}
