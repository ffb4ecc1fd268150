//! `diff` with a baseline, budgets and owners: the base's baseline counts, and what the head adds to it is told.

use serde_json::Value;

use super::Repo;
use crate::scene::{DAY, Outcome, Scene};

const CONFIG: &str = "version: 1\nframeworks: []\nbaseline: baseline.yaml\nestate: [estate/**]\n";

const RULE: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: own-class, title: A title}
spec:
  severity: high
  rationale: It is tested.
  remediation: Repair it.
  match: {kinds: [DataStore]}
  schema: {x-has: {spec.classification: {enum: [restricted]}}}
";

fn store(name: &str, classification: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata: {{name: {name}, annotations: {{assize.dev/owner: team-{name}}}}}\nspec: {{type: object, classification: {classification}}}\n"
    )
}

/// Two stores with findings, both in the baseline.
fn repo() -> Repo {
    let repo = Repo::of(Scene::new());
    repo.write("assize.yaml", CONFIG)
        .write("policies/own.yaml", RULE)
        .write("baseline.yaml", "version: 1\nfindings: []\n");
    repo.write("estate/a.yaml", &store("a", "internal")).write("estate/b.yaml", &store("b", "internal"));
    baseline(&repo, &[]);
    repo.commit("Begin");
    repo
}

fn baseline(repo: &Repo, arguments: &[&str]) {
    let outcome = repo.scene.run(&[&["baseline", "--as-of", DAY], arguments].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

/// The exit code, the counting findings that are new, those that are fixed, and the changes of the gate.
fn told(repo: &Repo, arguments: &[&str]) -> (i32, Vec<String>, Vec<String>, Vec<String>) {
    let all = [&["diff", "-o", "json", "--as-of", DAY], arguments].concat();
    let Outcome { code, stdout, stderr } = repo.scene.run(&all);
    assert!(!stdout.is_empty(), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line =
        |each: &Value| format!("{} {}", text(&each["resource"]["name"]), text(&each["cause"]["cause"]));
    let list = |value: &Value| value.as_array().unwrap().clone();
    let new = list(&report["findings"]);
    let new = new.iter().filter(|each| each["state"] == "new" && each["status"] == "fail").map(line);
    let fixed = list(&report["comparison"]["fixed"]);
    let gate = list(&report["comparison"]["gate"]);
    let gate = gate.iter().map(|each| {
        format!(
            "{} {} {} {}",
            text(&each["change"]),
            text(&each["name"]),
            text(&each["to"]),
            text(&each["effect"])
        )
    });
    (code, new.collect(), fixed.iter().map(line).collect(), gate.collect())
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn what_the_baseline_holds_is_neither_new_nor_fixed() {
    let repo = repo();
    assert_eq!(told(&repo, &[]), (0, nothing(), nothing(), nothing()));
    assert_eq!(told(&repo, &["--gate", "all"]).0, 0);
    // It changes and still fails: it counts.
    repo.write("estate/a.yaml", &store("a", "public"));
    assert_eq!(told(&repo, &[]), (1, vec!["a resource-changed".to_owned()], nothing(), nothing()));
    // It is repaired: nothing counted before.
    repo.write("estate/a.yaml", &store("a", "restricted"));
    assert_eq!(told(&repo, &[]), (0, nothing(), nothing(), nothing()));
    let text = repo.scene.run(&["diff", "--as-of", DAY]).stdout;
    assert!(text.contains("own-class on DataStore/a is stale: the finding is gone"), "{text}");
    // Taking the entry out is no weaker gate.
    baseline(&repo, &["--update"]);
    assert_eq!(told(&repo, &[]), (0, nothing(), nothing(), nothing()));
}

#[test]
fn a_change_cannot_add_to_its_own_baseline() {
    let repo = repo();
    repo.write("estate/c.yaml", &store("c", "internal"));
    repo.write("estate/b.yaml", &store("b", "public"));
    baseline(&repo, &[]);
    let added =
        "baseline-added policies:/baseline.yaml own-class on DataStore/b, own-class on DataStore/c fails";
    let new = vec!["b resource-changed".to_owned(), "c resource-changed".to_owned()];
    assert_eq!(told(&repo, &[]), (1, new.clone(), nothing(), vec![added.to_owned()]));
    // What is told only still counts for nothing yet.
    let allowed = told(&repo, &["--allow-gate-changes"]);
    assert_eq!((allowed.0, allowed.1), (1, new));
    // Whoever works on the gate asks for it.
    let own = told(&repo, &["--policies", "head"]);
    assert_eq!((own.0, own.1), (0, nothing()));
    // A baseline that is named for the first time holds nothing before.
    repo.write("estate/b.yaml", &store("b", "internal")).remove("estate/c.yaml");
    baseline(&repo, &["-o", "other.yaml"]);
    repo.write("assize.yaml", &CONFIG.replace("baseline.yaml", "other.yaml"));
    let (code, _, _, gate) = told(&repo, &[]);
    assert_eq!((code, gate), (0, nothing()), "the same entries in another file");
}

#[test]
fn the_command_line_names_a_file_of_the_base() {
    let repo = repo();
    repo.write("assize.yaml", &CONFIG.replace("baseline: baseline.yaml\n", "")).write("ci/x.yaml", "a: 1\n");
    repo.commit("Without it");
    assert_eq!(told(&repo, &["--gate", "all"]).0, 1);
    let named = ["--gate", "all", "--baseline", "baseline.yaml"];
    assert_eq!(told(&repo, &named).0, 0);
    repo.write("estate/c.yaml", &store("c", "internal"));
    baseline(&repo, &["-o", "baseline.yaml"]);
    let (code, new, _, gate) = told(&repo, &["--baseline", "baseline.yaml"]);
    assert_eq!((code, new, gate.len()), (1, vec!["c resource-changed".to_owned()], 1));
    // One that the head alone has.
    baseline(&repo, &["-o", "ci/new.yaml"]);
    let (code, new, _, gate) = told(&repo, &["--baseline", "ci/new.yaml"]);
    assert_eq!((code, new, gate.len()), (1, vec!["c resource-changed".to_owned()], 1), "{gate:?}");
    // One from elsewhere is what it is.
    let elsewhere = Scene::new().with("b.yaml", &repo.scene.read("ci/new.yaml"));
    let path = elsewhere.folder.join("b.yaml");
    let (code, new, _, gate) = told(&repo, &["--baseline", path.to_str().unwrap()]);
    assert_eq!((code, new, gate), (0, nothing(), nothing()));
    let missing = repo.scene.run(&["diff", "--baseline", "none.yaml"]);
    assert!(missing.code == 2 && missing.stderr.contains("neither version has it"), "{}", missing.stderr);
}

/// The file is part of the estate as far as it holds resources, so that none can hide there.
#[test]
fn nothing_hides_in_the_file_of_the_baseline() {
    let repo = repo();
    let config = CONFIG.replace("[estate/**]", "['**']");
    repo.write("assize.yaml", &config);
    repo.commit("Everything is estate");
    assert_eq!(told(&repo, &[]).0, 0);
    assert_eq!(repo.scene.run(&["check", "--as-of", DAY]).code, 0);
    repo.write("assize.yaml", &config.replace("baseline: baseline.yaml\n", ""));
    repo.write("baseline.yaml", &store("c", "internal"));
    let (code, new, _, _) = told(&repo, &["--allow-gate-changes"]);
    assert_eq!((code, new), (1, vec!["c resource-changed".to_owned()]));
}

#[test]
fn a_baseline_that_cannot_be_read_ends_the_run() {
    let repo = repo();
    repo.write("baseline.yaml", "version: 9\n");
    let outcome = repo.scene.run(&["diff", "--as-of", DAY, "-o", "json"]);
    assert!(
        outcome.code == 2 && outcome.stdout.contains("version 9 is not known, should be 1"),
        "{}",
        outcome.stdout
    );
    repo.commit("Broken");
    for arguments in [&["diff", "HEAD"][..], &["check"], &["check", "--rev", "HEAD"]] {
        let outcome = repo.scene.run(arguments);
        assert_eq!(outcome.code, 2);
        assert!(outcome.stderr.contains("version 9 is not known"), "{arguments:?} {}", outcome.stderr);
    }
}

#[test]
fn a_commit_has_its_own_baseline() {
    let repo = repo();
    repo.remove("baseline.yaml").write("assize.yaml", &CONFIG.replace("baseline: baseline.yaml\n", ""));
    assert_eq!(repo.scene.run(&["check", "--as-of", DAY]).code, 1);
    assert_eq!(repo.scene.run(&["check", "--as-of", DAY, "--rev", "HEAD"]).code, 0);
    assert_eq!(repo.scene.run(&["check", "--as-of", DAY, "--policies-rev", "HEAD"]).code, 0);
}

#[test]
fn budgets_of_the_base() {
    let repo = repo();
    let config = CONFIG.replace("baseline: baseline.yaml", "max: {high: 2}");
    repo.write("assize.yaml", &config);
    repo.commit("Budget");
    repo.write("estate/c.yaml", &store("c", "internal"));
    let new = vec!["c resource-changed".to_owned()];
    assert_eq!(told(&repo, &[]), (1, new.clone(), nothing(), nothing()));
    // For one that comes another one goes.
    repo.write("estate/a.yaml", &store("a", "restricted"));
    assert_eq!(told(&repo, &[]), (0, new, vec!["a resource-changed".to_owned()], nothing()));
    // Whoever is beyond it already does not fail for what was there.
    assert_eq!(told(&repo, &["--max", "high=0"]).0, 1);
    repo.remove("estate/c.yaml");
    assert_eq!(told(&repo, &["--max", "high=0"]).0, 0);
    for (max, fail_on, expected) in [
        ("max: {high: 3}", "", vec!["threshold-raised max.high 3 fails"]),
        ("max: {high: 1}", "", vec![]),
        ("max: {high: 2, medium: 4}", "", vec!["threshold-raised max.medium 4 fails"]),
        ("max: {}", "", vec![]),
        (
            "max: {}",
            "fail_on: critical\n",
            vec!["threshold-raised fail_on critical fails", "threshold-raised max.high any number fails"],
        ),
        ("max: {high: 2, info: 0}", "", vec![]),
    ] {
        repo.write("assize.yaml", &format!("{}{fail_on}", config.replace("max: {high: 2}", max)));
        let (code, _, _, gate) = told(&repo, &[]);
        assert_eq!(
            (gate, code),
            (expected.iter().map(|line| (*line).to_owned()).collect(), i32::from(!expected.is_empty())),
            "{max}"
        );
    }
}

#[test]
fn owners_of_both_sides() {
    let repo = repo();
    repo.write("estate/a.yaml", &store("a", "public")).write("estate/b.yaml", &store("b", "public"));
    let a = vec!["a resource-changed".to_owned()];
    assert_eq!(told(&repo, &["--owner", "team-a"]), (1, a, nothing(), nothing()));
    assert_eq!(told(&repo, &["--owner", "team-c"]), (0, nothing(), nothing(), nothing()));
    // What it does to the gate concerns everybody.
    repo.write("assize.yaml", &format!("{CONFIG}fail_on: critical\n"));
    assert_eq!(told(&repo, &["--owner", "team-c"]).0, 1);
}
