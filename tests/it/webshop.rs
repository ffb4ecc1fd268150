//! The example of the web shop: the packs for Kubernetes, workflows of GitHub and Backstage find what is planted in
//! manifests that were not written for assize, and nothing else.

use std::collections::BTreeSet;

use crate::planted::check_planted;
use crate::scene::{Scene, problem_lines};

const README: &str = include_str!("../../examples/webshop-k8s/README.md");

#[test]
fn the_planted_violations_are_found_and_nothing_else() {
    let report = Scene::new().with_example("webshop-k8s").report(&[]);
    assert_eq!(problem_lines(&report), Vec::<String>::new());
    check_planted(README, 38, &report);
}

#[test]
fn every_rule_of_the_table_is_one_of_the_library() {
    let report = Scene::new().with_example("webshop-k8s").report(&[]);
    let rules: BTreeSet<&str> =
        report["rules"].as_array().unwrap().iter().filter_map(|rule| rule["rule"].as_str()).collect();
    let table: BTreeSet<&str> = README
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| #"))
        .filter_map(|line| line.split('`').nth(5))
        .collect();
    assert!(table.len() > 30, "the table of the README is not read");
    assert_eq!(table.difference(&rules).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn workflows_count_only_where_the_configuration_says_what_they_are() {
    let scene = Scene::new().with_example("webshop-k8s");
    scene.write("assize.yaml", "version: 1\nestate: [\"k8s/**\", \"catalog/**\"]\n");
    let report = scene.report(&[]);
    let kinds = report["summary"]["kinds"].as_object().unwrap();
    assert!(kinds.contains_key("apps/Deployment") && !kinds.contains_key("GithubWorkflow"), "{kinds:?}");
}

#[test]
fn what_is_secret_is_not_shown() {
    let scene = Scene::new().with_example("webshop-k8s");
    for format in ["human", "json", "sarif", "markdown", "csv"] {
        let outcome = scene.run(&["check", ".", "-o", format]);
        assert!(outcome.stdout.contains("secret-in-environment"), "{format}");
        for secret in ["Winter-2025", "wsk-5f1c"] {
            assert!(!outcome.stdout.contains(secret), "{format} shows {secret}");
        }
    }
}
