//! The example of the clinic: what a person sees of it, and that exactly the planted violations are found.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::scene::{DAY, Scene, finding_lines, problem_lines};

const README: &str = include_str!("../../examples/clinic/README.md");

#[test]
fn what_a_person_sees() {
    let scene = Scene::new().with_clinic();
    let outcome = scene.run(&["check", ".", "--as-of", DAY]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    insta::assert_snapshot!("human", outcome.stdout);
}

#[test]
fn the_findings() {
    let report = Scene::new().with_clinic().report(&[]);
    assert_eq!(problem_lines(&report), Vec::<String>::new());
    insta::assert_snapshot!("findings", finding_lines(&report).join("\n"));
}

#[test]
fn the_planted_violations_are_found_and_nothing_else() {
    let report = Scene::new().with_clinic().report(&[]);
    let text = |value: &serde_json::Value, pointer: &str| {
        value.pointer(pointer).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    let rules: BTreeSet<String> =
        report["rules"].as_array().unwrap().iter().map(|rule| text(rule, "/rule")).collect();
    let planted: BTreeSet<String> = planted();
    assert!(planted.len() > 30, "the table of the README is not read");
    let expected: BTreeSet<String> = planted
        .into_iter()
        .filter(|line| line.rsplit(' ').next().is_some_and(|rule| rules.contains(rule)))
        .collect();
    let found: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| text(finding, "/status") == "fail")
        .map(|finding| {
            let resource = format!("{}/{}", text(finding, "/resource/kind"), text(finding, "/resource/name"));
            format!("{} {resource} {}", text(finding, "/location/file"), text(finding, "/rule"))
        })
        .collect();
    assert_eq!(found.len(), expected.len(), "one finding for each row: {found:#?}");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

/// The rows of the table, as "file resource rule".
fn planted() -> BTreeSet<String> {
    README
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            match cells.as_slice() {
                ["", number, file, resource, rule, ..] if number.parse::<u32>().is_ok() => {
                    Some(format!("{file} {resource} {rule}"))
                }
                _ => None,
            }
        })
        .collect()
}

#[test]
fn the_digests_are_those_of_the_linked_files() {
    let scene = Scene::new().with_clinic();
    let mut seen = 0;
    for file in ["documents", "policies", "procedures"] {
        for document in scene.read(&format!("estate/governance/{file}.yaml")).split("---\n") {
            let value = |key: &str| {
                document.lines().find_map(|line| line.strip_prefix(&format!("  {key}: "))).unwrap_or_default()
            };
            let digest: String = Sha256::digest(scene.read(value("path")))
                .iter()
                .fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
            assert_eq!(value("digest"), digest, "{}", value("path"));
            seen += 1;
        }
    }
    assert_eq!(seen, 38);
}
