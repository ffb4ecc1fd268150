//! Where findings and problems point, and files that are not what they were when they were listed.

use std::fs;

use assize::load::{Root, Source as _};
use assize::problem::Code;
use assize::run::{CheckRequest, Sources, check};

use crate::scene::{DAY, Scene, finding_lines, problem_lines};

/// Persons who left own nothing; a store says so by an alias.
const RULE: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: owner-left, title: Owners are there}
spec:
  severity: high
  rationale: r
  remediation: r
  match: {kinds: [DataStore]}
  at: spec
  schema: {properties: {owner: {x-ref: {must: {x-has: {status: active}}}}}}
";

const ESTATE: &str = "apiVersion: assize.dev/v1
kind: Person
metadata: {name: anna}
spec: {type: employee, status: left, start: 2020-01-01}
---
apiVersion: assize.dev/v1
kind: DataStore
metadata:
  name: a
  annotations: {who: &who 'Person:anna'}
spec:
  type: file
  owner: *who
";

fn scene() -> Scene {
    Scene::new()
        .with("assize.yaml", "version: 1\nestate: ['estate/**']\n")
        .with("policies/owner-left.yaml", RULE)
}

#[test]
fn a_misspelt_key_is_pointed_at_itself() {
    let store = "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata: {name: a}\nspec:\n  type: file\n  ownr: anna\n";
    let scene = scene().with("estate/a.yaml", store);
    let expected = "estate/a.yaml:6:3 invalid-resource: DataStore/a: spec.ownr is not expected here; did you mean owner?";
    assert_eq!(problem_lines(&scene.report(&["--rule", "owner-left"])), [expected]);
    let outcome = scene.run(&["check", "--rule", "owner-left"]);
    assert!(outcome.stdout.contains("   ·   ────\n"), "four characters are underlined: {}", outcome.stdout);
}

#[test]
fn joined_rules_tell_where_an_alias_is_used() {
    let report = scene().with("estate/a.yaml", ESTATE).report(&["--rule", "owner-left"]);
    let line = "estate/a.yaml:10:27 owner-left DataStore/a spec.owner: spec.owner names Person/anna, where spec.status is left, should be active";
    assert_eq!(finding_lines(&report), [line]);
    let related = &report["findings"][0]["related"];
    assert_eq!(
        (related["label"].as_str(), related["location"]["line"].as_u64()),
        (Some("used here"), Some(13))
    );
}

#[test]
fn each_glob_of_the_estate_matches_something() {
    let config = "version: 1\nestate: ['estate/**', 'k8s/**', 'docs/**']\nexclude: ['k8s/old/**']\n";
    let scene = scene().with("assize.yaml", config).with("estate/a.yaml", ESTATE).with("docs/a.md", "a");
    let expected = [
        "assize.yaml:2:23 unmatched-glob: no YAML or JSON file matches k8s/**",
        "assize.yaml:2:33 unmatched-glob: no YAML or JSON file matches docs/**",
    ];
    assert_eq!(problem_lines(&scene.report(&[])), expected);
    assert_eq!(scene.run(&["check", "--fail-on", "never"]).code, 2);
    // A part is checked for itself, and what may be empty may be.
    assert_eq!(problem_lines(&scene.report(&["estate"])), Vec::<String>::new());
    assert_eq!(problem_lines(&scene.report(&["--allow-empty"])), Vec::<String>::new());
    // What matches is left out on purpose.
    scene.write("k8s/old/a.yaml", "a: 1\n");
    assert_eq!(problem_lines(&scene.report(&[])), expected[1..]);
}

#[test]
fn a_file_that_changes_between_the_passes_is_a_problem() {
    let scene = scene().with("estate/a.yaml", ESTATE);
    let root = Root::discover(&scene.folder).unwrap();
    let request = CheckRequest { as_of: DAY.to_owned(), threads: 1, ..CheckRequest::default() };
    let codes = |rewrite: Option<&str>| {
        scene.write("estate/a.yaml", ESTATE);
        // The first pass is done when all bytes are.
        let between = |done: u64, total: u64| {
            if let Some(text) = rewrite.filter(|_| done == total) {
                fs::write(scene.folder.join("estate/a.yaml"), text).unwrap();
            }
        };
        let report = check(&Sources::from(&root), &request, &between).unwrap();
        report.problems.into_iter().map(|problem| problem.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(None), []);
    assert_eq!(codes(Some(ESTATE)), []);
    assert_eq!(codes(Some(&format!("# one more line\n{ESTATE}"))), [Code::FileChanged]);
    assert_eq!(codes(Some(&ESTATE.replace("left", "gone"))), [Code::FileChanged], "of the same length");
}

#[cfg(unix)]
#[test]
fn a_folder_that_becomes_a_link_is_not_followed() {
    let elsewhere = Scene::new().with("a.yaml", "secret: 1\n");
    let scene = scene().with("estate/a.yaml", ESTATE);
    let root = Root::discover(&scene.folder).unwrap();
    assert_eq!(root.read_path("estate/a.yaml", 1000).unwrap(), ESTATE.as_bytes());
    fs::rename(scene.folder.join("estate"), scene.folder.join("old")).unwrap();
    std::os::unix::fs::symlink(&elsewhere.folder, scene.folder.join("estate")).unwrap();
    let problem = root.read_path("estate/a.yaml", 1000).unwrap_err();
    assert_eq!(problem.code, Code::UnreadableFile, "{problem:?}");
    // A link within the repository is none either.
    fs::remove_file(scene.folder.join("estate")).unwrap();
    std::os::unix::fs::symlink("old", scene.folder.join("estate")).unwrap();
    assert_eq!(root.read_path("estate/a.yaml", 1000).unwrap_err().code, Code::UnreadableFile);
    assert_eq!(root.read_path("old/a.yaml", 1000).unwrap(), ESTATE.as_bytes());
}
