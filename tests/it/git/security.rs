//! What a pull request from a stranger tries: the claims of SECURITY.md that no other test proves. The base is a commit, the
//! head another one, as the Action compares them.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Repo;
use crate::scene::{DAY, Outcome, Scene};

const STORE: &str = "apiVersion: assize.dev/v1
kind: DataStore
metadata: {name: a}
spec: {type: relational, classification: restricted}
";

/// Stores are restricted.
const RULE: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: own-class, title: Stores are restricted}
spec:
  severity: high
  rationale: It is tested.
  remediation: Repair it.
  match: {kinds: [DataStore]}
  schema: {x-has: {spec.classification: restricted}}
";

const FORMATS: [&str; 10] =
    ["human", "json", "jsonl", "sarif", "junit", "github", "gitlab", "markdown", "csv", "summary"];

fn repo() -> Repo {
    let repo = Repo::of(Scene::new());
    repo.write("assize.yaml", "version: 1\nframeworks: []\nestate: ['estate/**']\n");
    repo.write("policies/own.yaml", RULE).write("estate/a.yaml", STORE);
    repo.commit("Begin");
    repo
}

/// Commits what lies there, and compares.
fn judge(repo: &Repo) -> (Outcome, Value) {
    repo.commit("Change");
    let outcome = repo.scene.run(&["diff", "HEAD~1...", "HEAD", "--as-of", DAY, "-o", "json"]);
    let report = serde_json::from_str(&outcome.stdout).unwrap_or(Value::Null);
    (outcome, report)
}

fn new_findings(report: &Value) -> Vec<&str> {
    let all = report["findings"].as_array().unwrap().iter();
    all.filter(|each| each["state"] == "new").map(|each| each["rule"].as_str().unwrap()).collect()
}

fn lowered() -> String {
    STORE.replace("restricted", "public")
}

#[test]
fn a_harmless_change_passes() {
    let repo = repo();
    repo.write("estate/b.yaml", &STORE.replace("name: a", "name: b"));
    let (outcome, report) = judge(&repo);
    assert_eq!((outcome.code, new_findings(&report)), (0, Vec::new()), "{}", outcome.stderr);
}

/// Files that tell git and other programs what to leave out hide nothing that is committed.
#[test]
fn files_of_git_hide_nothing() {
    for (file, text) in [
        (".gitignore", "*.yaml\n"),
        ("estate/.gitignore", "*\n"),
        (".ignore", "estate\n"),
        (".gitattributes", "*.yaml export-ignore -diff binary filter=other\n"),
    ] {
        let repo = repo();
        repo.write("estate/a.yaml", &lowered());
        repo.commit("Lower it");
        repo.write(file, text);
        repo.commit("Hide it");
        let outcome = repo.scene.run(&["diff", "HEAD~2...", "HEAD", "--as-of", DAY, "-o", "json"]);
        let report = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((outcome.code, new_findings(&report)), (1, vec!["own-class"]), "{file}");
    }
}

/// A configuration that is gone, or one that lies nearer to where the gate runs, is not the one that judges.
#[test]
fn the_configuration_is_that_of_the_base() {
    let repo = repo();
    repo.write("estate/a.yaml", &lowered()).remove("assize.yaml");
    let (outcome, report) = judge(&repo);
    assert_eq!((outcome.code, new_findings(&report)), (1, vec!["own-class"]), "{}", outcome.stderr);

    for config in ["version: 1\nframeworks: []\n", "version: 1\nestate: ['none/**']\n"] {
        let repo = self::repo();
        repo.write("estate/a.yaml", &lowered()).write("estate/assize.yaml", config);
        repo.commit("Change");
        let mut command = repo.scene.command(&["diff", "HEAD~1...", "HEAD", "--as-of", DAY]);
        let outcome = crate::scene::finish(command.current_dir(repo.scene.folder.join("estate")));
        assert_ne!(outcome.code, 0, "{}", outcome.stdout);
    }
}

/// Kinds are those of the base: a change that permits itself a value has no permission yet.
#[test]
fn kinds_are_those_of_the_base() {
    let kind = "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"type\": \"object\", \"properties\": {\"spec\": {\"type\": \"object\", \"properties\": {\"masts\": {\"type\": \"integer\", \"maximum\": 3}}, \"additionalProperties\": false}}}";
    let ship = "apiVersion: assize.dev/v1\nkind: Ship\nmetadata: {name: s}\nspec: {masts: 3}\n";
    let repo = repo();
    repo.write("schemas/kinds/Ship.schema.json", kind).write("estate/ship.yaml", ship);
    repo.commit("Have a ship");
    repo.write("schemas/kinds/Ship.schema.json", &kind.replace(", \"maximum\": 3", ""));
    repo.write("estate/ship.yaml", &ship.replace("masts: 3", "masts: 300"));
    let (outcome, report) = judge(&repo);
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
    assert_eq!(report["problems"][0]["code"], "invalid-resource");
}

/// What cannot be judged ends the run with 2, also where the resource had a finding before.
#[test]
fn what_cannot_be_judged_is_no_pass() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    for (text, code) in [
        (STORE.replace("spec: {", "spec: ["), "invalid-yaml"),
        (STORE.replace("DataStore", "DataStoer"), "unknown-kind"),
        (STORE.replace("classification", "clasification"), "invalid-resource"),
        (STORE.replace("classification: restricted", "classification: confidental"), "invalid-resource"),
        (STORE.replace("restricted}", "restricted, classification: restricted}"), "duplicate-key"),
        (format!("{STORE}---\n{STORE}"), "duplicate-resource"),
        (pointer.to_owned(), "lfs-pointer"),
    ] {
        let repo = repo();
        repo.write("estate/a.yaml", &lowered());
        repo.commit("Have a finding");
        repo.write("estate/a.yaml", &text);
        let (outcome, report) = judge(&repo);
        assert_eq!(outcome.code, 2, "{text}: {}", outcome.stdout);
        let problems = report["problems"].as_array().unwrap();
        let codes: Vec<_> = problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect();
        assert!(codes.contains(&code), "{text}: {codes:?}");
    }
    let repo = repo();
    let changed = lowered();
    repo.write("estate/a.yaml", &changed);
    repo.commit("Change");
    let blob = repo.blob(&changed);
    repo.lose(blob);
    let outcome = repo.scene.run(&["diff", "HEAD~1...", "HEAD", "--as-of", DAY, "-o", "json"]);
    assert_eq!(outcome.code, 2, "{}{}", outcome.stdout, outcome.stderr);
}

/// What the base marks as sensitive stays hidden, also where its old and its new value differ, and where the change
/// takes the mark away.
#[test]
fn nothing_sensitive_is_unveiled() {
    let kind = "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"type\": \"object\", \"properties\": {\"spec\": {\"type\": \"object\", \"properties\": {\"combination\": {\"type\": \"string\", \"x-sensitive\": true}}}}}";
    let safe = "apiVersion: assize.dev/v1\nkind: Safe\nmetadata: {name: s}\nspec: {combination: hunter2}\n";
    let secret = "apiVersion: assize.dev/v1\nkind: Secret\nmetadata: {name: s}\nspec: {type: password, value: hunter3}\n";
    let repo = repo();
    repo.write("schemas/kinds/Safe.schema.json", kind).write("estate/safe.yaml", safe);
    repo.write("estate/secret.yaml", secret);
    repo.commit("Have secrets");
    repo.write("schemas/kinds/Safe.schema.json", &kind.replace(", \"x-sensitive\": true", ""));
    repo.write("estate/safe.yaml", &safe.replace("hunter2", "hunter4"));
    repo.write("estate/secret.yaml", &secret.replace("hunter3", "hunter5"));
    repo.commit("Unveil them");
    for format in FORMATS {
        let outcome = repo.scene.run(&["diff", "HEAD~1...", "HEAD", "--as-of", DAY, "-o", format]);
        assert!(!outcome.stdout.is_empty(), "{format}: {}", outcome.stderr);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!said.contains("hunter"), "{format}: {said}");
        // It has looked at them.
        let told = ["Safe/s changed", "Secret/s changed"].iter().all(|change| said.contains(change));
        assert!(told || format != "human", "{said}");
    }
}

/// Rules that a change brings are read, so that their mistakes are told, and never run.
#[test]
fn rules_of_the_change_do_not_run() {
    let rule = |body: &str| {
        let head = RULE.replace("own-class", "theirs");
        let head = head.split("  schema:").next().unwrap().to_owned();
        format!("{head}  rego: |\n    {body}\n")
    };
    let endless = "deny contains \"x\" if {\n      r := numbers.range(1, 3000)\n      count({[a, b, c] | some a in r; some b in r; some c in r}) < 0\n    }";
    for (body, code) in
        [("deny contains \"seen\"", 0), (endless, 0), ("deny contains \"x\" if http.send({})", 2)]
    {
        let repo = repo();
        repo.write("policies/theirs.yaml", &rule(body));
        let begun = Instant::now();
        let (outcome, report) = judge(&repo);
        assert_eq!(outcome.code, code, "{body}: {}", outcome.stdout);
        assert_eq!(new_findings(&report), Vec::<&str>::new(), "{body}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{body}");
    }
}

/// A comparison leaves the repository as it was, byte for byte.
#[test]
fn a_comparison_writes_nothing() {
    let repo = repo();
    repo.write("estate/a.yaml", &lowered());
    repo.commit("Change");
    let state = || {
        let mut all = Vec::new();
        let mut folders = vec![repo.scene.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    all.push((path.clone(), fs::read(path).unwrap()));
                }
            }
        }
        all.sort();
        all
    };
    let before = state();
    for arguments in [&["diff", "HEAD~1...", "HEAD"][..], &["diff", "HEAD~1"]] {
        assert_eq!(repo.scene.run(arguments).code, 1);
    }
    assert!(state() == before, "the repository is as it was");
}
