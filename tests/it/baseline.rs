//! The baseline, budgets and owners: what fails a run that has findings, and what no longer does.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use crate::scene::{DAY, Outcome, Scene};

/// A rule on one field, and one that is sensitive.
fn rules(severity: &str, classes: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: Rule
metadata: {{name: own-class, title: A title}}
spec:
  severity: {severity}
  rationale: It is tested.
  remediation: Repair it.
  match: {{kinds: [DataStore]}}
  schema: {{x-has: {{spec.classification: {{enum: {classes}}}}}}}
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {{name: own-note, title: A title}}
spec:
  severity: high
  sensitive: true
  rationale: It is tested.
  remediation: Repair it.
  match: {{kinds: [DataStore]}}
  schema: {{properties: {{metadata: {{properties: {{annotations: {{properties: {{note: {{pattern: '^x'}}}}}}}}}}}}}}
"
    )
}

fn store(name: &str, more: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: DataStore
metadata: {{name: {name}, annotations: {{note: xyz}}}}
spec:
  type: object
  classification: internal
  dataCategories: [personal, phi]{more}
---
"
    )
}

const CONFIG: &str = "version: 1\nframeworks: []\nestate: [estate/**]\n";

/// Three stores with a finding each.
fn scene() -> Scene {
    Scene::new()
        .with("assize.yaml", CONFIG)
        .with("policies/own.yaml", &rules("medium", "[restricted]"))
        .with("estate/stores.yaml", &(store("a", "") + &store("b", "") + &store("c", "\n  owner: anna")))
        .with("estate/people.yaml", &(["anna", "ben"].map(person).concat() + TEAM))
}

const TEAM: &str =
    "apiVersion: assize.dev/v1\nkind: Team\nmetadata: {name: anna}\nspec: {type: team, lead: anna}\n---\n";

fn person(name: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1\nkind: Person\nmetadata: {{name: {name}}}\nspec: {{type: employee, status: active, start: \"2020-01-01\"}}\n---\n"
    )
}

fn write_baseline(scene: &Scene, arguments: &[&str]) -> String {
    let all = [&["baseline", "--as-of", DAY], arguments].concat();
    let Outcome { code, stderr, .. } = scene.run(&all);
    assert_eq!(code, 0, "{stderr}");
    stderr
}

/// The exit code, `rule name status` of each finding, and `rule resource reason` of each entry that does not hold.
fn checked(scene: &Scene, arguments: &[&str]) -> (i32, Vec<String>, Vec<String>) {
    let all = [&["check", "-o", "json", "--as-of", DAY], arguments].concat();
    let Outcome { code, stdout, stderr } = scene.run(&all);
    assert!(!stdout.is_empty(), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    for rule in report["rules"].as_array().unwrap() {
        let of = |key: &str| rule[key].as_u64().unwrap();
        let parts = ["passed", "failed", "waived", "suppressed", "baselined", "errors"];
        assert_eq!(of("matched"), parts.iter().map(|part| of(part)).sum::<u64>(), "{rule}");
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().unwrap().iter().map(|each| {
        format!("{} {} {}", text(&each["rule"]), text(&each["resource"]["name"]), text(&each["status"]))
    });
    let entries =
        ["lapsed", "stale"].iter().flat_map(|key| report["baseline"][key].as_array().into_iter().flatten());
    let entries = entries.map(|entry| {
        format!("{} {} {}", text(&entry["rule"]), text(&entry["resource"]), text(&entry["reason"]))
    });
    (code, findings.collect(), entries.collect())
}

const BASELINED: [&str; 3] = ["own-class a baselined", "own-class b baselined", "own-class c baselined"];

#[test]
fn what_a_baseline_holds_does_not_fail() {
    for scene in [scene(), Scene::new().with_clinic()] {
        let before = checked(&scene, &[]);
        assert!(before.0 == 1 && before.1.iter().any(|line| line.ends_with(" fail")));
        write_baseline(&scene, &["-o", "baseline.yaml"]);
        let (code, findings, entries) = checked(&scene, &["--baseline", "baseline.yaml"]);
        assert_eq!((code, entries), (0, vec![]));
        let expected: Vec<String> = before.1.iter().map(|line| line.replace(" fail", " baselined")).collect();
        assert_eq!(findings, expected);
        // Written once more it is the same, and so it is by any number of threads.
        let text = scene.read("baseline.yaml");
        write_baseline(&scene, &["-o", "baseline.yaml", "--threads", "1"]);
        assert_eq!(scene.read("baseline.yaml"), text);
        write_baseline(&scene, &["-o", "baseline.yaml", "--update", "--threads", "3"]);
        assert_eq!(scene.read("baseline.yaml"), text);
        let to_stdout = scene.run(&["baseline", "--as-of", DAY, "-o", "-"]);
        assert_eq!(to_stdout.stdout, text);
    }
}

#[test]
fn the_file_fits_its_schema() {
    let scene = scene();
    write_baseline(&scene, &["-o", "baseline.yaml"]);
    let schema: Value = serde_json::from_str(&scene.run(&["schema", "baseline"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = scene.read("baseline.yaml");
    let (tape, problems) =
        assize::yaml::parse(text.into_bytes(), &"b".into(), &assize::yaml::Limits::default());
    assert_eq!(problems, []);
    let document = tape.root(&tape.documents[0]).to_value();
    let complaints: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(complaints, Vec::<String>::new());
    assert_eq!(document["findings"].as_array().unwrap().len(), 3);
}

/// Each format says that the findings are there and do not count.
#[test]
fn every_format_says_so() {
    let scene = scene();
    write_baseline(&scene, &["-o", "baseline.yaml"]);
    scene.write("estate/stores.yaml", &(store("a", "") + &store("b", "")));
    for (format, mark) in [
        (
            "human",
            "baseline.yaml: 2 of 3 entries hold.\n  own-class on DataStore/c is stale: the resource is gone\n",
        ),
        ("json", "\"status\": \"baselined\""),
        ("jsonl", "\"status\":\"baselined\""),
        ("sarif", "\"justification\":\"baseline.yaml holds it"),
        ("junit", "<skipped message=\"baselined: "),
        ("github", "2 baselined, 1 stale in the baseline"),
        ("gitlab", "[]"),
        ("markdown", "(baselined: baseline.yaml)"),
        ("csv", "finding,,baselined,medium,own-class,"),
        ("summary", "passed: no findings, no problems, 2 baselined, 1 stale in the baseline"),
    ] {
        let outcome = scene.run(&["check", "--as-of", DAY, "--baseline", "baseline.yaml", "-o", format]);
        assert!(outcome.stdout.contains(mark), "{format}: {}", outcome.stdout);
        assert_eq!(outcome.code, 0, "{format}");
    }
}

#[test]
fn an_entry_holds_while_nothing_means_something_else() {
    let scene = scene();
    write_baseline(&scene, &["-o", "baseline.yaml"]);
    let held = || checked(&scene, &["--baseline", "baseline.yaml"]);
    // Moved, reordered and written otherwise.
    scene.write("estate/stores.yaml", &store("b", ""));
    scene.write(
        "estate/deep/c.yaml",
        &store("c", "\n  owner: anna").replace("[personal, phi]", "\n    - personal\n    - \"phi\""),
    );
    scene.write(
        "estate/a.json",
        &json!({"spec": {"dataCategories": ["personal", "phi"], "classification": "internal", "type": "object"},
            "metadata": {"annotations": {"note": "xyz"}, "name": "a"}, "kind": "DataStore", "apiVersion": "assize.dev/v1"})
        .to_string(),
    );
    let (code, mut findings, entries) = held();
    findings.sort();
    assert_eq!((code, findings, entries), (0, BASELINED.map(str::to_owned).to_vec(), vec![]));
    // One word more.
    scene.write("estate/stores.yaml", &store("b", "\n  owner: anna"));
    let (code, findings, entries) = held();
    assert_eq!((code, entries), (1, vec!["own-class DataStore/b resource-changed".to_owned()]));
    assert!(
        findings.contains(&"own-class b fail".to_owned())
            && findings.contains(&"own-class c baselined".to_owned())
    );
    // And back.
    scene.write("estate/stores.yaml", &store("b", ""));
    assert_eq!(held().0, 0);
}

#[test]
fn an_entry_lapses_with_its_rule() {
    let scene = scene();
    write_baseline(&scene, &["-o", "baseline.yaml"]);
    let reasons = |severity: &str, classes: &str| {
        scene.write("policies/own.yaml", &rules(severity, classes));
        let (code, _, entries) = checked(&scene, &["--baseline", "baseline.yaml"]);
        let mut reasons: Vec<String> =
            entries.iter().map(|entry| entry.rsplit(' ').next().unwrap().to_owned()).collect();
        reasons.dedup();
        (code, reasons)
    };
    assert_eq!(reasons("high", "[restricted]"), (1, vec!["severity-raised".to_owned()]));
    assert_eq!(reasons("low", "[restricted]"), (0, vec![]), "what weighs less is still held");
    assert_eq!(reasons("medium", "[restricted, confidential]"), (1, vec!["rule-changed".to_owned()]));
    // Other words of it mean nothing.
    let text = rules("medium", "[restricted]").replace("It is tested.", "It is well tested.");
    scene.write("policies/own.yaml", &text);
    assert_eq!(checked(&scene, &["--baseline", "baseline.yaml"]).0, 0);
    // A new name is told by the rule.
    scene.write(
        "policies/own.yaml",
        &text.replace("name: own-class", "name: own-classes").replacen(
            "spec:\n",
            "spec:\n  formerly: [own-class]\n",
            1,
        ),
    );
    assert_eq!(checked(&scene, &["--baseline", "baseline.yaml"]).0, 0);
    // A severity that the configuration sets counts as well.
    scene.write("policies/own.yaml", &rules("medium", "[restricted]"));
    scene.write("assize.yaml", &format!("{CONFIG}rules: {{own-class: {{severity: critical}}}}\n"));
    let (code, _, entries) = checked(&scene, &["--baseline", "baseline.yaml"]);
    assert_eq!((code, entries.len()), (1, 3));
}

#[test]
fn more_findings_than_an_entry_holds_count() {
    let scene = scene();
    write_baseline(&scene, &["-o", "baseline.yaml"]);
    let text = scene.read("baseline.yaml");
    // Equal elements of a list have one fingerprint.
    scene.write(
        "estate/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {list: [a, a]}\n",
    );
    let rule =
        rules("medium", "[restricted]").replace("kinds: [DataStore]", "kinds: [core/ConfigMap]").replace(
            "{x-has: {spec.classification: {enum: [restricted]}}}",
            "{properties: {data: {properties: {list: {items: {const: b}}}}}}",
        );
    scene.write("policies/own.yaml", &rule);
    let (_, findings, _) = checked(&scene, &[]);
    assert_eq!(findings, ["own-class m fail", "own-class m fail"]);
    write_baseline(&scene, &["-o", "two.yaml"]);
    assert_eq!(checked(&scene, &["--baseline", "two.yaml"]).0, 0);
    let two = scene.read("two.yaml");
    assert!(two.contains("    count: 2\n") && !text.contains("count:"), "{two}");
    scene.write("one.yaml", &two.replace("    count: 2\n", ""));
    let (code, findings, entries) = checked(&scene, &["--baseline", "one.yaml"]);
    assert_eq!((code, findings.len()), (1, 2));
    assert!(findings.iter().all(|line| line.ends_with(" fail")), "{findings:?}");
    assert_eq!(entries, ["own-class core/ConfigMap/m more-findings"]);
}

#[test]
fn stale_entries_are_told_and_taken_out() {
    let scene = scene();
    write_baseline(&scene, &["-o", "baseline.yaml"]);
    let (_, _, entries) =
        checked(&scene, &["--baseline", "baseline.yaml", "--kind", "Person", "--allow-empty"]);
    assert_eq!(entries, Vec::<String>::new());
    let repaired = store("a", "").replace("internal", "restricted");
    let changed = store("b", "\n  owner: anna");
    scene.write("estate/stores.yaml", &(repaired + &changed + &store("d", "")));
    let (code, findings, entries) = checked(&scene, &["--baseline", "baseline.yaml"]);
    assert_eq!((code, findings), (1, vec!["own-class b fail".to_owned(), "own-class d fail".to_owned()]));
    assert_eq!(
        entries,
        [
            "own-class DataStore/b resource-changed",
            "own-class DataStore/a finding-gone",
            "own-class DataStore/c resource-gone",
        ]
    );
    // Of a part nothing is said about the rest, and what nobody looked at stays.
    let (_, _, entries) = checked(&scene, &["--baseline", "baseline.yaml", "estate/people.yaml"]);
    assert_eq!(entries, Vec::<String>::new());
    for part in [&["--rule", "own-note"][..], &["estate/people.yaml"]] {
        let text = scene.read("baseline.yaml");
        let said = write_baseline(&scene, &[&["-o", "baseline.yaml", "--update"], part].concat());
        assert!(said.contains("3 entries; 0 new, 0 removed"), "{part:?} {said}");
        write_baseline(&scene, &[&["-o", "baseline.yaml"], part].concat());
        assert_eq!(scene.read("baseline.yaml"), text, "{part:?}");
    }
    let said = write_baseline(&scene, &["-o", "baseline.yaml", "--update"]);
    assert_eq!(said, "baseline.yaml: 0 entries; 0 new, 3 removed\n");
    assert_eq!(checked(&scene, &["--baseline", "baseline.yaml"]).0, 1);
    let said = write_baseline(&scene, &["-o", "baseline.yaml"]);
    assert_eq!(said, "baseline.yaml: 2 entries; 2 new, 0 removed\n");
    assert_eq!(checked(&scene, &["--baseline", "baseline.yaml"]).0, 0);
}

#[test]
fn a_resource_that_cannot_be_judged_makes_nothing_stale() {
    let scene = scene();
    write_baseline(&scene, &["-o", "baseline.yaml"]);
    let text = scene.read("baseline.yaml");
    scene.write("estate/stores.yaml", &store("a", "\n  typo: 1"));
    let (code, findings, entries) = checked(&scene, &["--baseline", "baseline.yaml"]);
    assert_eq!((code, findings), (2, vec![]));
    assert_eq!(entries, ["own-class DataStore/b resource-gone", "own-class DataStore/c resource-gone"]);
    for more in [&[][..], &["--update"]] {
        let arguments = [&["baseline", "--as-of", DAY, "-o", "baseline.yaml"], more].concat();
        let Outcome { code, stderr, .. } = scene.run(&arguments);
        assert_eq!(code, 2);
        assert!(stderr.contains("invalid-resource") && stderr.contains("nothing is written"), "{stderr}");
        assert_eq!(scene.read("baseline.yaml"), text);
    }
}

#[test]
fn what_cannot_be_used_ends_the_run() {
    let scene = scene();
    write_baseline(&scene, &["-o", "good.yaml"]);
    let good = scene.read("good.yaml");
    for (text, expected) in [
        ("findings: [", "invalid-yaml"),
        ("version: 2\nfindings: {}\n", "version 2 is not known, should be 1"),
        ("version: 1\nestate: []\n", "unknown key `estate`"),
        (&*store("a", ""), "is no baseline: it has no `version`"),
        (&format!("{good}---\n{good}"), "more than one document"),
        (&good.replace("severity: medium", "severity: odd"), "unknown value `odd`"),
        (&good.replace("sha256:", "md5:"), "should be `sha256:` and 64"),
        (&format!("{good}{}", good.split_once("findings:\n").unwrap().1), "stands twice"),
    ] {
        scene.write("b.yaml", text);
        let runs = [
            &["check", "--baseline", "b.yaml"][..],
            &["baseline", "-o", "b.yaml"],
            &["baseline", "--update", "-o", "b.yaml"],
        ];
        for arguments in runs {
            let Outcome { code, stdout, stderr } = scene.run(arguments);
            assert_eq!((code, &*stdout), (2, ""), "{arguments:?} {text}");
            assert!(
                stderr.contains(expected) && stderr.contains("b.yaml:"),
                "{arguments:?} {text}: {stderr}"
            );
            assert_eq!(scene.read("b.yaml"), text);
        }
    }
    let missing = scene.run(&["check", "--baseline", "none.yaml"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("none.yaml: the baseline cannot be read"), "{}", missing.stderr);
    let nothing = scene.run(&["baseline", "--update"]);
    assert!(nothing.code == 2 && nothing.stderr.contains("no baseline to bring up to date"));
}

#[test]
fn the_configuration_names_it() {
    let scene = scene();
    scene.write("assize.yaml", &format!("{CONFIG}baseline: ci/baseline.yaml\n"));
    let missing = scene.run(&["check", "--as-of", DAY]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("assize.yaml:4:11")
            && missing.stderr.contains("ci/baseline.yaml does not exist"),
        "{}",
        missing.stderr
    );
    scene.write("ci/.keep", "");
    write_baseline(&scene, &[]);
    assert_eq!(checked(&scene, &[]).0, 0);
    scene.write("estate/stores.yaml", "");
    write_baseline(&scene, &["--update", "--allow-empty"]);
    assert!(scene.read("ci/baseline.yaml").ends_with("version: 1\nfindings: []\n"));
}

/// What is waived is somebody's decision, and no debt.
#[test]
fn waivers_come_first() {
    let scene = scene();
    scene.write(
        "estate/w.yaml",
        "apiVersion: assize.dev/v1
kind: Waiver
metadata: {name: w}
spec:
  rules: [own-class]
  resources: ['DataStore:a']
  type: risk-acceptance
  reason: It is so
  requestedBy: anna
  approvedBy: ben
  approvedOn: 2026-11-01
  expires: 2026-12-01
",
    );
    write_baseline(&scene, &["-o", "b.yaml"]);
    let (code, findings, _) = checked(&scene, &["--baseline", "b.yaml"]);
    assert_eq!((code, &*findings[0], &*findings[1]), (0, "own-class a waived", "own-class b baselined"));
    assert!(!scene.read("b.yaml").contains("DataStore/a\n"));
    // Once it has lapsed, nothing holds the finding.
    let later = scene.run(&["check", "--baseline", "b.yaml", "--as-of", "2027-01-01", "-o", "summary"]);
    assert!(later.code == 1 && later.stdout.contains("1 finding (1 medium)"), "{}", later.stdout);
}

/// A digest of a short secret gives it away to whoever tries them all.
#[test]
fn no_digest_is_made_of_what_is_secret() {
    let scene = scene();
    let secret = |value: &str| store("s", "").replace("note: xyz", &format!("note: {value}"));
    let written = |value: &str| {
        scene.write("estate/s.yaml", &secret(value));
        write_baseline(&scene, &["-o", "b.yaml"]);
        scene.read("b.yaml")
    };
    let first = written("hunter1");
    assert!(first.contains("rule: own-note\n    resource: DataStore/s\n"), "{first}");
    assert_eq!(written("hunter2"), first);
    assert_eq!(checked(&scene, &["--baseline", "b.yaml"]).0, 0);
    // Where a rule that is sensitive looks at everything, no entry can be made.
    let joined = rules("medium", "[restricted]").replace(
        "schema: {properties: {metadata: {properties: {annotations: {properties: {note: {pattern: '^x'}}}}}}}",
        "rego: |\n    deny contains {\"msg\": \"no\", \"key\": \"k\"} if { some s in data.estate.DataStore; s.metadata.name == input.metadata.name; json.marshal(input) != \"\" }",
    );
    scene.write("policies/own.yaml", &joined);
    let said = write_baseline(&scene, &["-o", "c.yaml"]);
    assert!(said.contains("left out, since a sensitive rule looks at the whole of their resource"), "{said}");
    let (code, findings, _) = checked(&scene, &["--baseline", "c.yaml"]);
    assert!(code == 1 && findings.iter().all(|line| line.ends_with(" fail")), "{findings:?}");
}

#[test]
fn references_that_name_nothing_are_held_with_what_they_leave_open() {
    let scene = scene();
    scene.write("estate/c.yaml", &store("e", "\n  owner: nobody-there"));
    let rule = "  schema: {x-has: {spec.owner: {x-ref: {to: Team, must: {x-has: {spec.lead: {}}}}}}}";
    scene.write(
        "policies/owner.yaml",
        &format!(
            "apiVersion: assize.dev/v1\nkind: Rule\nmetadata: {{name: own-owner, title: A title}}\nspec:\n  severity: high\n  rationale: r\n  remediation: r\n  match: {{kinds: [DataStore], where: {{x-has: {{spec.owner: {{}}}}}}}}\n{rule}\n"
        ),
    );
    let (code, findings, _) = checked(&scene, &[]);
    assert!(code == 1 && findings.contains(&"unresolved-reference e fail".to_owned()), "{findings:?}");
    write_baseline(&scene, &["-o", "b.yaml"]);
    assert_eq!(checked(&scene, &["--baseline", "b.yaml"]).0, 0);
    // Another one is no part of that.
    scene.write("estate/f.yaml", &store("f", "\n  owner: nobody-else"));
    assert_eq!(checked(&scene, &["--baseline", "b.yaml"]).0, 1);
    // Nor does a finding that is not asked for tell of it.
    assert_eq!(checked(&scene, &["--baseline", "b.yaml", "--rule", "own-owner"]).0, 2);
}

#[test]
fn budgets_are_kept_exactly() {
    let scene = scene();
    let code = |arguments: &[&str]| checked(&scene, arguments).0;
    assert_eq!(code(&["--max", "medium=3"]), 0);
    assert_eq!(code(&["--max", "medium=2"]), 1);
    assert_eq!(code(&["--max", "high=9"]), 1, "a budget speaks of its severity alone");
    assert_eq!(code(&["--max", "medium=2", "--fail-on", "high"]), 1, "whatever the threshold");
    assert_eq!(code(&["--max", "medium=2", "--fail-on", "never"]), 0);
    scene.write("assize.yaml", &format!("{CONFIG}max: {{medium: 3}}\n"));
    assert_eq!((code(&[]), code(&["--max", "medium=2"])), (0, 1));
    for (format, mark) in [
        ("summary", "passed: 3 findings (3 medium), no problems, medium: 3 of 3;"),
        ("human", "3 findings (3 medium), no problems, medium: 3 of 3."),
        ("json", "\"open\": 3,\n        \"max\": 3"),
        ("sarif", "medium: 3 of 3"),
        ("markdown", "medium: 3 of 3"),
        ("github", "medium: 3 of 3"),
        ("csv", "medium: 3 of 3"),
    ] {
        let outcome = scene.run(&["check", "--as-of", DAY, "-o", format]);
        assert!(outcome.stdout.contains(mark), "{format}: {}", outcome.stdout);
    }
    // What the baseline holds is not open.
    write_baseline(&scene, &["-o", "b.yaml"]);
    assert_eq!(code(&["--baseline", "b.yaml", "--max", "medium=0"]), 0);
    let wrong = scene.run(&["check", "--max", "hihg=3"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("high=3"), "{}", wrong.stderr);
}

#[test]
fn owners() {
    let scene = scene();
    scene.write("CODEOWNERS", "* @all\n/estate/ @org/data ann@example.org # both\n");
    let report = scene.report(&[]);
    let of = |report: &Value| -> Vec<String> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .map(|each| format!("{} {}", each["resource"]["name"], each["owners"]).replace('"', ""))
            .collect()
    };
    let data = "[@org/data,ann@example.org]";
    assert_eq!(of(&report), [format!("a {data}"), format!("b {data}"), "c [anna]".to_owned()]);
    assert_eq!(report["run"]["codeowners"], "CODEOWNERS");

    let anna = scene.report(&["--owner", "anna"]);
    assert_eq!(of(&anna), ["c [anna]"]);
    assert_eq!(
        (&anna["summary"]["otherOwners"], &anna["summary"]["findings"]["medium"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(anna["rules"], report["rules"], "what was checked stays");
    let code = |arguments: &[&str]| checked(&scene, arguments).0;
    assert_eq!((code(&["--owner", "anna"]), code(&["--owner", "ben"])), (1, 0));
    assert_eq!((code(&["--owner", "anna", "--max", "medium=1"]), code(&["--max", "medium=1"])), (0, 1));
    let said = scene.run(&["check", "--as-of", DAY, "--owner", "ben", "-o", "summary"]).stdout;
    assert!(said.starts_with("passed: no findings, no problems, 3 of other owners not shown"), "{said}");

    for (by, headings) in [
        ("owner", vec!["== owner @org/data, ann@example.org (2 findings)", "== owner anna (1 finding)"]),
        ("rule", vec!["== rule own-class (3 findings)"]),
        ("file", vec![]),
    ] {
        let text = scene.run(&["check", "--as-of", DAY, "--group-by", by]).stdout;
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("==")).collect();
        assert_eq!(found, headings, "{by}");
        assert_eq!(text.matches("medium[own-class]").count(), 3, "{by}");
    }
    for (format, mark) in [
        ("sarif", "\"owners\":\"@org/data ann@example.org\""),
        ("markdown", "owned by anna"),
        ("csv", ",'@org/data ann@example.org"),
        ("jsonl", "\"owners\":[\"anna\"]"),
    ] {
        let text = scene.run(&["check", "--as-of", DAY, "-o", format]).stdout.replace("\"'@", "'@");
        assert!(text.contains(mark), "{format}: {text}");
    }
}

/// A line that cannot be read hides no finding of whoever asks for theirs.
#[test]
fn lines_of_codeowners_that_cannot_be_read() {
    let scene = scene();
    scene.write(".github/CODEOWNERS", "* @all\n/estate/ data\n");
    scene.write("CODEOWNERS", "* @other\n");
    let text = scene.run(&["check", "--as-of", DAY]).stdout;
    assert!(text.contains(".github/CODEOWNERS:2 counts for nothing: \"data\" is no owner"), "{text}");
    let (code, findings, _) = checked(&scene, &["--owner", "@all"]);
    assert_eq!((code, findings.len()), (2, 2));
    assert_eq!(checked(&scene, &[]).0, 1);
    scene.write(".github/CODEOWNERS", &"# much\n".repeat(600_000));
    assert_eq!(checked(&scene, &["--owner", "@all"]).0, 2);
}
