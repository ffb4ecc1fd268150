//! `linked-file-missing`: paths that documents name, and what the repository holds.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use crate::scene::{Scene, finding_lines, problem_lines};

/// A kind of this repository with a file, a list of files or folders, and a document of it.
fn scene(file: &str, any: &[&str]) -> Scene {
    let schema = r#"{"type": "object", "properties": {"spec": {"properties": {
        "file": {"type": "string", "x-file": true},
        "any": {"items": {"type": "string", "x-file": {"folder": true}}}}}}}"#;
    let list: Vec<String> = any.iter().map(|path| format!("{path:?}")).collect();
    Scene::new().with("assize.yaml", "version: 1\n").with("schemas/kinds/Thing.schema.json", schema).with(
        "estate/thing.yaml",
        &format!(
            "apiVersion: assize.dev/v1\nkind: Thing\nmetadata: {{name: t}}\nspec: {{file: {file:?}, any: [{}]}}\n",
            list.join(", ")
        ),
    )
}

/// What the rule says, without what is the same in every line.
fn said(scene: &Scene) -> Vec<String> {
    let report = scene.report(&["--rule", "linked-file-missing", "estate"]);
    assert_eq!(problem_lines(&report), Vec::<String>::new());
    let lines = finding_lines(&report).into_iter();
    lines.map(|line| line.split_once(": ").unwrap().1.to_owned()).collect()
}

#[track_caller]
fn check(scene: &Scene, expected: &[&str]) {
    assert_eq!(said(scene), expected);
}

#[test]
fn what_is_there_and_what_is_not() {
    let whole = scene("docs/a.md", &["docs", "docs/", "./docs/../docs/a.md", "https://example.org/b.md"]);
    check(&whole.with("docs/a.md", "a"), &[]);
    let broken = scene("docs/b.md", &["nowhere", "empty"]).with("docs/a.md", "a");
    fs::create_dir(broken.folder.join("empty")).unwrap();
    let no_such =
        |field: &str, path: &str| format!("{field} names {path}, but the repository holds no such file");
    let expected = [
        no_such("spec.file", "docs/b.md"),
        no_such("spec.any[0]", "nowhere"),
        no_such("spec.any[1]", "empty"),
    ];
    assert_eq!(said(&broken), expected);
    let folder = scene("docs", &[]).with("docs/a.md", "a");
    check(&folder, &["spec.file names the folder \"docs\", should name a file"]);
    check(&scene("", &[]), &["spec.file names the folder \"\", should name a file"]);
}

#[test]
fn the_place_is_that_of_the_value() {
    let report = scene("docs/b.md", &[]).report(&["--rule", "linked-file-missing"]);
    let line = "estate/thing.yaml:4:14 linked-file-missing Thing/t spec.file: spec.file names docs/b.md, but the repository holds no such file";
    assert_eq!(finding_lines(&report), [line]);
}

#[test]
fn paths_that_are_none_of_the_repository() {
    for path in ["/etc/hosts", "C:/a.md", "\\\\host\\a.md", "~/a.md"] {
        let expected =
            format!("spec.file names {path}, an absolute path, should begin at the folder of assize.yaml");
        check(&scene(path, &[]), &[&expected]);
    }
    for path in ["../a.md", "docs/../../a.md"] {
        let expected =
            format!("spec.file names {path}, which leads out of the repository, should name a file in it");
        check(&scene(path, &[]).with("docs/a.md", "a"), &[&expected]);
    }
}

#[test]
fn what_git_does_not_hold_does_not_count() {
    let scene = scene("build/a.md", &["build", "build/kept.md", "docs", "docs/b.md", "inner/c.md", "inner"])
        .with(".gitignore", "/build/\n!/build/new.md\ndocs/*\n!docs/b.md\n")
        .with("build/a.md", "a")
        .with("docs/b.md", "b")
        .with("docs/.gitignore", "b.md\n")
        .with("inner/c.md", "c");
    let repository = scene.init();
    git2::Repository::init(scene.folder.join("inner")).unwrap();
    let ignored = |field: &str, path: &str| {
        format!("{field} names {path}, which git ignores, should name a file that the repository holds")
    };
    let none =
        |field: &str, path: &str| format!("{field} names {path}, but the repository holds no such file");
    let expected = [
        ignored("spec.file", "build/a.md"),
        ignored("spec.any[0]", "build"),
        none("spec.any[1]", "build/kept.md"),
        none("spec.any[2]", "docs"),
        ignored("spec.any[3]", "docs/b.md"),
        none("spec.any[4]", "inner/c.md"),
        none("spec.any[5]", "inner"),
    ];
    assert_eq!(said(&scene), expected);
    // What is tracked is held, whatever is ignored; what is deleted is not.
    scene.write("build/kept.md", "k");
    let mut index = repository.index().unwrap();
    for path in ["build/a.md", "build/kept.md", "docs/b.md"] {
        index.add_path(Path::new(path)).unwrap();
    }
    index.write().unwrap();
    fs::remove_file(scene.folder.join("docs/b.md")).unwrap();
    let expected = [
        none("spec.any[2]", "docs"),
        none("spec.any[3]", "docs/b.md"),
        none("spec.any[4]", "inner/c.md"),
        none("spec.any[5]", "inner"),
    ];
    assert_eq!(said(&scene), expected);
}

#[test]
fn paths_begin_at_the_folder_of_the_configuration() {
    let outer = Scene::new();
    let inner = scene("docs/a.md", &["../docs/b.md", "docs/b.md"]).with("docs/a.md", "a");
    outer.write("docs/b.md", "b");
    fs::rename(&inner.folder, outer.folder.join("clinic")).unwrap();
    drop(outer.init());
    let report = outer.report(&["clinic/estate", "--rule", "linked-file-missing"]);
    let line = "clinic/estate/thing.yaml:4:49 linked-file-missing Thing/t spec.any[1]: spec.any[1] names docs/b.md, but the repository holds no such file";
    assert_eq!(finding_lines(&report), [line]);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let scene = scene("link.md", &["folder/a.md", "docs"]).with("docs/a.md", "a");
    std::os::unix::fs::symlink("docs/a.md", scene.folder.join("link.md")).unwrap();
    std::os::unix::fs::symlink("docs", scene.folder.join("folder")).unwrap();
    let link = |field: &str, path: &str| {
        format!("{field} names {path}, a symbolic link, should name the file itself")
    };
    assert_eq!(said(&scene), [link("spec.file", "link.md"), link("spec.any[0]", "folder/a.md")]);
}

/// A commit holds what it holds, whatever stands in the work tree.
#[test]
fn a_commit_answers_for_itself() {
    let scene = scene("docs/a.md", &["docs", "new.md", "../a.md", "docs/a.md/x"]).with("docs/a.md", "a");
    scene.commit();
    scene.write("new.md", "n");
    let none =
        |field: &str, path: &str| format!("{field} names {path}, but the repository holds no such file");
    let outside = "spec.any[2] names ../a.md, which leads out of the repository, should name a file in it";
    assert_eq!(said(&scene), [outside.to_owned(), none("spec.any[3]", "docs/a.md/x")]);
    fs::remove_dir_all(scene.folder.join("docs")).unwrap();
    let report = scene.report(&["--rule", "linked-file-missing", "--rev", "HEAD"]);
    let messages: Vec<String> =
        finding_lines(&report).iter().map(|line| line.split_once(": ").unwrap().1.to_owned()).collect();
    assert_eq!(
        messages,
        [none("spec.any[1]", "new.md"), outside.to_owned(), none("spec.any[3]", "docs/a.md/x")]
    );
}

#[test]
fn a_mark_that_says_nothing_is_a_problem() {
    let schema = r#"{"properties": {"spec": {"properties": {"file": {"x-file": "yes"}}}}}"#;
    let scene = scene("a", &[]).with("schemas/kinds/Thing.schema.json", schema);
    let expected = "schemas/kinds/Thing.schema.json:1:1 invalid-kind-schema: `x-file` is \"yes\", should be true or {\"folder\": true}";
    assert_eq!(problem_lines(&scene.report(&["--rule", "linked-file-missing"])), [expected]);
}
