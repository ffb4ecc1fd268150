//! `assize init`: what it writes works as it stands, and nothing that exists is touched.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test reads files, and may panic")]

use std::fs;
use std::path::Path;

use serde::Deserialize as _;

use crate::scene::{Scene, finding_lines, problem_lines};

/// All files below a folder, from it.
fn files(folder: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(folder, &path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn what_it_writes_works_as_it_stands() {
    let scene = Scene::new();
    let outcome = scene.run(&["init"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    for file in files(&scene.folder, "") {
        assert!(outcome.stdout.contains(&format!("wrote ./{file}\n")), "{file} is not named");
    }
    let report = scene.report(&[]);
    assert_eq!(problem_lines(&report), Vec::<String>::new());
    let expected = "estate/shop.yaml:13:21 live-application-on-test-store Application/web-shop spec.uses[1]: spec.uses[1] names DataStore/catalogue-copy, where spec.environment is test, should be production or shared";
    assert_eq!(finding_lines(&report), [expected]);
    // On any day.
    assert_eq!(scene.run(&["check"]).code, 1);
    let outcome = scene.run(&["test", "policies", "--mutate"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("3 rules, 8 examples passed, 0 failed"), "{}", outcome.stdout);
    // Repaired, it passes.
    let shop =
        scene.read("estate/shop.yaml").replace("uses: [catalogue, catalogue-copy]", "uses: [catalogue]");
    scene.write("estate/shop.yaml", &shop);
    assert_eq!(scene.run(&["check"]).code, 0);
}

#[test]
fn schema_lines_name_what_is_there() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["init", "new/place"]).code, 0);
    let folder = scene.folder.join("new/place");
    let mut seen = 0;
    for file in files(&folder, "").iter().filter(|file| Path::new(file).extension().unwrap() == "yaml") {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let Some(rest) = text.strip_prefix("# yaml-language-server: $schema=") else { continue };
        let schema = folder.join(file).parent().unwrap().join(rest.lines().next().unwrap());
        let schema: serde_json::Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let document = serde_json::Value::deserialize(document).unwrap();
            assert!(jsonschema::is_valid(&schema, &document), "{file}");
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn nothing_is_overwritten() {
    let scene =
        Scene::new().with("assize.yaml", "mine\n").with("policies/team-without-contact.yaml", "mine\n");
    let outcome = scene.run(&["init"]);
    let expected = "error: assize.yaml, policies/team-without-contact.yaml exist already, and nothing was written; name an empty folder: assize init <DIR>\n";
    assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (2, "", expected));
    assert_eq!(files(&scene.folder, ""), ["assize.yaml", "policies/team-without-contact.yaml"]);
    assert_eq!(scene.read("assize.yaml"), "mine\n");
    // A file stands where a folder has to be: nothing is begun.
    let outcome = scene.run(&["init", "assize.yaml"]);
    assert_eq!((outcome.code, files(&scene.folder, "").len()), (2, 2));
    scene.write("other/estate", "mine");
    let outcome = scene.run(&["init", "other"]);
    assert_eq!((outcome.code, files(&scene.folder, "other")), (2, vec!["other/estate".to_owned()]));
}
