//! The example of the clinic: what a person sees of it, and that exactly the planted violations are found.

use sha2::{Digest as _, Sha256};

use crate::planted::check_planted;
use crate::scene::{DAY, Scene, finding_lines, problem_lines};

const README: &str = include_str!("../../examples/clinic/README.md");

#[test]
fn what_a_person_sees() {
    let scene = Scene::new().with_clinic();
    let outcome = scene.run(&["check", ".", "--as-of", DAY]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    // The digest of the policies is that of the library as well, whose every word counts.
    let (before, after) = outcome.stdout.split_once("policies: the same, sha256 ").unwrap();
    let digest = after.get(..12).unwrap();
    assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    insta::assert_snapshot!("human", format!("{before}policies: the same, sha256 ...{}", &after[12..]));
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
    check_planted(README, 31, &report);
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
