//! `check --rev`: the estate of a commit.

use std::fs;

use git2::Repository;
use serde_json::{Value, json};

use super::{Repo, SEEN, config, exists, pack, seen, skipped, without_origin};
use crate::determinism::estate::generate;
use crate::scene::{DAY, Scene, finish, problem_lines};

/// The same findings, fingerprints, problems, tallies, waivers and what was left out.
#[track_caller]
fn same(scene: &Scene) -> Value {
    let tree = scene.report(&[]);
    let commit = scene.report(&["--rev", "HEAD"]);
    assert_eq!(tree["run"]["estate"], json!({"commit": null, "tree": null}));
    assert_eq!(commit["run"]["policies"]["digest"], tree["run"]["policies"]["digest"]);
    assert_eq!(without_origin(commit.clone()), without_origin(tree));
    commit
}

#[test]
fn a_clean_tree_is_its_commit() {
    let repo = Repo::of(Scene::new().with_clinic());
    let head = repo.commit("Begin");
    let report = same(&repo.scene);
    assert!(report["findings"].as_array().unwrap().len() > 20);
    let tree = repo.git.find_commit(head).unwrap().tree_id().to_string();
    assert_eq!(report["run"]["estate"], json!({"commit": head.to_string(), "tree": tree}));
    assert_eq!(report["run"]["policies"]["commit"], head.to_string());
    assert_eq!(report["run"]["policies"]["from"], "estate");
    let human = repo.scene.run(&["check", "--rev", "HEAD", "--as-of", DAY]).stdout;
    let line =
        format!("Estate: commit {:.12} (tree {tree:.12}); policies: the same, sha256 ", head.to_string());
    assert!(human.contains(&line), "{human}");
    // Snippets come from the commit: what stands in the work tree now is another text.
    repo.write("estate/data/processing.yaml", "# gone\n");
    assert_eq!(repo.scene.run(&["check", "--rev", "HEAD", "--as-of", DAY]).stdout, human);
    // Loose or packed, hashed or not.
    pack(&repo.git);
    let run = |more: &[&str]| {
        let all = [&["check", "--rev", "HEAD", "-o", "jsonl", "--as-of", DAY], more].concat();
        repo.scene.run(&all).stdout
    };
    assert_eq!(run(&["--threads", "1"]), run(&["--verify-objects", "--threads", "8"]));
    assert!(run(&[]).lines().next().unwrap().contains(&head.to_string()));
}

#[test]
fn a_generated_estate_is_its_commit() {
    let repo = Repo::new();
    for file in generate(500, 3) {
        repo.write(&file.path, &file.text);
    }
    repo.commit("Begin");
    same(&repo.scene);
}

#[test]
fn everything_that_a_tree_may_hold_is_told_alike() {
    let repo = Repo::seeing();
    repo.write(".gitignore", "ignored.yaml\n").write("ignored.yaml", &config("ignored"));
    repo.write("chart/Chart.yaml", "name: c\n").write("chart/templates/t.yaml", "a: {{ b }}\n");
    repo.write("prod/kustomization.yaml", "patches: [{path: patch.yaml}]\n")
        .write("prod/patch.yaml", &config("p"));
    repo.write("broken.yaml", "apiVersion: v1\nkind: [\n").write("deep/er/a.yaml", &config("a"));
    repo.write("large.yaml", &format!("# {}\n", "x".repeat(5_000)));
    let mut index = repo.git.index().unwrap();
    index.add_path(std::path::Path::new("ignored.yaml")).unwrap();
    index.write().unwrap();
    drop(index);
    #[cfg(unix)]
    for (target, name) in [
        ("deep/er/a.yaml", "link.yaml"),
        ("deep", "folder"),
        ("note", "note.md"),
        ("/etc", "out"),
        ("folder/er", "chain"),
    ] {
        std::os::unix::fs::symlink(target, repo.scene.folder.join(name)).unwrap();
    }
    repo.commit("Begin");
    let report = same(&repo.scene);
    assert_eq!(seen(&report), ["deep/er/a.yaml a", "ignored.yaml ignored"]);
    assert_eq!(report["problems"][0]["code"], "invalid-yaml");
    #[cfg(unix)]
    assert_eq!(
        skipped(&report),
        [
            "chain: symbolic link",
            "chart/templates/t.yaml: Helm template",
            "folder: symbolic link",
            "link.yaml: symbolic link",
            "out: symbolic link",
            "prod/patch.yaml: Kustomize patch",
        ]
    );
    let limited = ["--max-file-size", "4k"];
    let too_large = "large.yaml:1:1 file-too-large: has 5003 bytes, the limit is 4096";
    for arguments in [&limited[..], &["--max-file-size", "4k", "--rev", "HEAD"]] {
        let lines = problem_lines(&repo.report(arguments));
        assert!(lines.iter().any(|line| line == too_large), "{lines:?}");
    }
}

#[test]
fn any_revision() {
    let repo = Repo::seeing();
    let first = repo.write("a.yaml", &config("a")).commit("First");
    repo.remove("a.yaml").write("b.yaml", &config("b"));
    let second = repo.commit("Second, with a word");
    let commit = repo.git.find_object(first, None).unwrap();
    let who = git2::Signature::new("a", "a@example.org", &git2::Time::new(0, 0)).unwrap();
    repo.git.tag("v1", &commit, &who, "the first", false).unwrap();
    repo.git.tag_lightweight("plain", &commit, false).unwrap();
    repo.git.branch("topic", &repo.git.find_commit(first).unwrap(), false).unwrap();
    let hex = first.to_string();
    for name in [
        "HEAD~1",
        "HEAD^",
        "@~",
        "v1",
        "plain",
        "topic",
        "refs/tags/v1",
        &hex,
        hex.get(..10).unwrap(),
        ":/First",
    ] {
        assert_eq!(repo.seen(&["--rev", name]), ["a.yaml a"], "{name}");
    }
    for name in ["HEAD", "main", "@", &second.to_string()] {
        assert_eq!(repo.seen(&["--rev", name]), ["b.yaml b"], "{name}");
    }
    let mut command = repo.scene.command(&["check", "-o", "json", "--as-of", DAY]);
    let outcome = finish(command.env("ASSIZE_REV", "v1"));
    assert_eq!(seen(&serde_json::from_str(&outcome.stdout).unwrap()), ["a.yaml a"]);
    repo.git.set_head_detached(first).unwrap();
    assert_eq!(repo.seen(&["--rev", "HEAD"]), ["a.yaml a"]);
}

#[test]
fn revisions_that_name_nothing() {
    let repo = Repo::seeing();
    let refused = |name: &str| {
        let (code, stderr) = repo.refusal(&["--rev", name]);
        assert_eq!(code, 2);
        stderr.lines().next().unwrap().to_owned()
    };
    assert_eq!(refused("HEAD"), r#"error: "HEAD" names nothing: no commit is checked out yet"#);
    let head = repo.write("a.yaml", &config("a")).commit("First");
    assert_eq!(refused("nowhere"), r#"error: there is no revision "nowhere""#);
    assert_eq!(refused("HEAD~7"), r#"error: there is no revision "HEAD~7""#);
    assert_eq!(refused("main..HEAD"), r#"error: "main..HEAD" is a range, should be one revision"#);
    let tree = repo.git.find_commit(head).unwrap().tree_id().to_string();
    assert!(refused(&tree).starts_with(&format!("error: {tree:?} names no commit: ")), "{}", refused(&tree));
    let (code, stderr) = Repo { scene: Scene::new(), git: Repository::open(&repo.scene.folder).unwrap() }
        .refusal(&["--rev", "HEAD"]);
    assert!(code == 2 && stderr.starts_with("error: there is no repository around "), "{stderr}");
    let input = repo.scene.run_with_input(&["check", "-", "--rev", "HEAD"], "a: 1\n");
    assert_eq!((input.code, input.stdout.as_str()), (2, ""));
    assert!(input.stderr.contains("standard input (`-`) is no part of a commit"), "{}", input.stderr);
}

#[test]
fn bare_repositories_and_linked_work_trees() {
    let repo = Repo::seeing();
    repo.write("x/a.yaml", &config("a")).write("b.yaml", &config("b")).commit("First");
    let other = Scene::new();
    let path = other.folder.join("bare.git");
    git2::build::RepoBuilder::new().bare(true).clone(repo.scene.folder.to_str().unwrap(), &path).unwrap();
    let run = |folder: &str, arguments: &[&str]| {
        let all = [&["check", "-o", "json", "--as-of", DAY], arguments].concat();
        finish(other.command(&all).current_dir(other.folder.join(folder)))
    };
    let report = |folder: &str, arguments: &[&str]| -> Value {
        let outcome = run(folder, arguments);
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| Value::from(outcome.stderr))
    };
    let both = ["b.yaml b", "x/a.yaml a"];
    assert_eq!(seen(&report("bare.git", &["--rev", "HEAD"])), both);
    assert_eq!(seen(&report("", &["bare.git", "--rev", "main"])), both);
    assert_eq!(seen(&report("bare.git", &["x", "--rev", "HEAD"])), both[1..]);
    assert_eq!(seen(&report("", &["bare.git/x/a.yaml", "--rev", "HEAD"])), both[1..]);
    assert_eq!(without_origin(report("bare.git", &["--rev", "HEAD"])), without_origin(repo.report(&[])));
    let refused = run("bare.git", &[]);
    assert!(
        refused.code == 2 && refused.stderr.contains("help: name a commit: --rev HEAD"),
        "{}",
        refused.stderr
    );

    let linked = other.folder.join("linked");
    repo.write("c.yaml", &config("c"));
    repo.commit("Second");
    let first = repo.git.revparse_single("HEAD~1").unwrap();
    let branch = repo.git.branch("old", &first.peel_to_commit().unwrap(), false).unwrap();
    let mut options = git2::WorktreeAddOptions::new();
    repo.git.worktree("linked", &linked, Some(options.reference(Some(branch.get())))).unwrap();
    assert_eq!(seen(&report("linked", &["--rev", "HEAD"])), both);
    assert_eq!(seen(&report("linked", &[])), both);
    assert_eq!(seen(&report("linked", &["--rev", "main"])), ["b.yaml b", "c.yaml c", "x/a.yaml a"]);
    assert!(!exists(&other, "linked/c.yaml"), "nothing is checked out");
}

#[test]
fn the_base_is_that_of_the_commit() {
    let repo = Repo::new();
    repo.write("infra/assize.yaml", "version: 1\nestate: ['estate/**']\n")
        .write("infra/policies/seen.yaml", SEEN);
    repo.write("infra/estate/a.yaml", &config("a")).write("estate/b.yaml", &config("b")).commit("First");
    repo.remove("infra/assize.yaml").write("assize.yaml", "version: 1\npolicies: ['infra/policies/**']\n");
    repo.write("infra/deep/er/c.yaml", &config("c")).commit("Second");
    let run = |folder: &str, revision: &str| {
        let arguments = ["check", "-o", "json", "--as-of", DAY, "--rev", revision];
        let outcome = finish(repo.scene.command(&arguments).current_dir(repo.scene.folder.join(folder)));
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        (seen(&report), report["run"]["config"].clone())
    };
    let first = (vec!["infra/estate/a.yaml a".to_owned()], Value::from("infra/assize.yaml"));
    assert_eq!(run("infra/deep/er", "HEAD~1"), first, "a folder that the commit does not have");
    assert_eq!(run("infra", "HEAD~1"), first);
    let (all, config) = run("infra", "HEAD");
    assert_eq!((all.len(), config), (3, Value::from("assize.yaml")));
    assert_eq!(run("", "HEAD~1").1, Value::Null, "no configuration stands above the current folder");
}

#[test]
fn parts_of_a_commit() {
    let repo = Repo::seeing();
    repo.write("x/a.yaml", &config("a")).write("x/old.yaml", &config("old")).write("b.yaml", &config("b"));
    repo.commit("First");
    repo.remove("x/old.yaml").write("x/new.yaml", &config("new"));
    assert_eq!(repo.seen(&["x", "--rev", "HEAD"]), ["x/a.yaml a", "x/old.yaml old"]);
    assert_eq!(repo.seen(&["x/old.yaml", "b.yaml", "--rev", "HEAD"]), ["b.yaml b", "x/old.yaml old"]);
    let lines = |path: &str| problem_lines(&repo.report(&[path, "--rev", "HEAD", "--allow-empty"]));
    let head = repo.git.head().unwrap().target().unwrap().to_string();
    let gone = format!("- unreadable-file: x/new.yaml does not exist in the commit {head:.12}");
    assert_eq!(lines("x/new.yaml"), [gone]);
    let outside = problem_lines(&repo.report(&["x", "x/../..", "--rev", "HEAD"]));
    assert_eq!(outside, ["- outside-root: x/../.. leads out of the repository"]);
    // A report that the run writes is no file of the commit.
    let output = format!("json={}", repo.scene.folder.join("b.yaml").display());
    let outcome = repo.scene.run(&["check", "--rev", "HEAD", "-o", "jsonl", "-o", &output, "--as-of", DAY]);
    assert!(outcome.stdout.contains(r#""file":"b.yaml""#), "{}", outcome.stdout);
}

#[test]
fn what_only_a_tree_can_hold() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a")).commit("First");
    let (blob, other) = (repo.blob(&config("z")), repo.blob(&config("y")));
    let link = repo.blob("a.yaml");
    let away = repo.blob("../../etc");
    let loops = repo.blob("round");
    let module = git2::Oid::from_bytes(&[7; 20]).unwrap();
    let inner = repo.tree(&[("100644", b"\xfe.yaml", blob), ("100644", b"plain.txt", blob)]);
    let tree = repo.tree_with(&[
        ("100644", b"\xff.yaml", blob),
        ("100755", b"executable.yaml", blob),
        ("120000", b"link.yaml", link),
        ("120000", b"away", away),
        ("120000", b"round", loops),
        ("160000", b"module", module),
        ("40000", b"odd \xff", inner),
    ]);
    repo.commit_tree(tree, "Odd");
    let report = repo.report(&["--rev", "HEAD"]);
    assert_eq!(seen(&report), ["a.yaml a", "executable.yaml z"]);
    let links =
        ["away: symbolic link", "link.yaml: symbolic link", "module: submodule", "round: symbolic link"];
    assert_eq!(skipped(&report), links);
    let named = |name: &str| format!("{name}:1:1 path-not-utf8: {name:?} is not UTF-8");
    assert_eq!(problem_lines(&report), [named("odd \u{fffd}/\u{fffd}.yaml"), named("\u{fffd}.yaml")]);

    // What no checkout could hold hides nothing.
    let malformed = [
        repo.tree_with(&[("100644", b"sub/a.yaml", other)]),
        repo.tree_with(&[("100644", b"..", other)]),
        repo.tree_with(&[("100644", b"a.yaml", other)]),
        repo.tree_with(&[("100644", b"", other)]),
    ];
    for tree in malformed {
        repo.commit_tree(tree, "Malformed");
        let outcome = repo.scene.run(&["check", "--rev", "HEAD", "--fail-on", "never"]);
        assert_eq!(outcome.code, 2, "{}", outcome.stdout);
    }
}

#[test]
fn a_tree_that_names_itself_over_and_over() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a")).commit("First");
    let mut tree = repo.tree(&[("100644", b"x.txt", repo.blob("x"))]);
    for _ in 0..12 {
        let names: Vec<String> = (0..8).map(|number| format!("d{number}")).collect();
        let entries: Vec<_> = names.iter().map(|name| ("40000", name.as_bytes(), tree)).collect();
        tree = repo.tree(&entries);
    }
    repo.commit_tree(repo.tree_with(&[("40000", b"bomb", tree)]), "Wide");
    let wide = problem_lines(&repo.report(&["--rev", "HEAD"]));
    assert_eq!(wide, ["- unreadable-folder: the commit holds more than 4000000 files and folders"]);
    for _ in 0..600 {
        tree = repo.tree(&[("40000", b"d", tree)]);
    }
    repo.git.set_head("refs/heads/main").unwrap();
    repo.commit_tree(repo.tree(&[("40000", b"bomb", tree)]), "Deep");
    let deep = problem_lines(&repo.report(&["--rev", "HEAD", "--allow-empty"]));
    assert_eq!(deep, ["- unreadable-folder: the commit nests folders more deeply than 512"]);
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

#[test]
fn pointers_of_git_lfs_are_never_clean() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a")).write("big.yaml", POINTER).write("image.png", POINTER).commit("First");
    let told = "big.yaml:1:1 lfs-pointer: the content is with Git LFS, and only a pointer to it stands here";
    for arguments in [&[][..], &["--rev", "HEAD"], &["big.yaml"]] {
        assert_eq!(problem_lines(&repo.report(&[arguments, &["--allow-empty"]].concat())), [told]);
    }
    repo.write("big.yaml", "a: 1\n").write("policies/more.yaml", POINTER).commit("Second");
    assert!(
        problem_lines(&repo.report(&["--rev", "HEAD"]))[0].starts_with("policies/more.yaml:1:1 lfs-pointer")
    );
}

#[test]
fn objects_that_are_not_there_are_never_clean() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a"))
        .write("sub/b.yaml", &config("b"))
        .write("c.txt", "no matter")
        .commit("First");
    let tree = repo.git.head().unwrap().peel_to_tree().unwrap();
    let id = |path: &str| tree.get_path(std::path::Path::new(path)).unwrap().id();
    repo.lose(id("c.txt"));
    assert_eq!(problem_lines(&repo.report(&["--rev", "HEAD"])), Vec::<String>::new());
    repo.lose(id("a.yaml"));
    let blob = format!("a.yaml:1:1 missing-object: its content (blob {}) is not in this clone", id("a.yaml"));
    let report = repo.report(&["--rev", "HEAD"]);
    assert_eq!(problem_lines(&report), std::slice::from_ref(&blob));
    assert_eq!(seen(&report), ["sub/b.yaml b"]);
    repo.lose(id("sub"));
    let folder = format!("sub:1:1 missing-object: the folder (tree {}) is not in this clone", id("sub"));
    assert_eq!(problem_lines(&repo.report(&["--rev", "HEAD", "--allow-empty"])), [blob, folder]);
    repo.lose(id("policies/seen.yaml"));
    let lines = problem_lines(&repo.report(&["--rev", "HEAD", "--allow-empty"]));
    assert!(lines.iter().any(|line| line.starts_with("policies/seen.yaml:1:1 missing-object")), "{lines:?}");
    repo.lose(tree.id());
    let (code, stderr) = repo.refusal(&["--rev", "HEAD"]);
    assert!(code == 2 && stderr.contains("is not in this clone"), "{stderr}");
}

#[test]
fn objects_that_lie_are_found_out_on_demand() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a")).write("b.yaml", &config("b")).commit("First");
    let tree = repo.git.head().unwrap().peel_to_tree().unwrap();
    let path = |name: &str| {
        let hex = tree.get_name(name).unwrap().id().to_string();
        repo.scene.folder.join(".git/objects").join(&hex[..2]).join(&hex[2..])
    };
    let bytes = fs::read(path("b.yaml")).unwrap();
    fs::remove_file(path("a.yaml")).unwrap();
    fs::write(path("a.yaml"), bytes).unwrap();
    let lines = problem_lines(&repo.report(&["--rev", "HEAD", "--verify-objects"]));
    assert!(
        lines[0].starts_with("a.yaml:1:1 unreadable-file: cannot read it: object hash mismatch"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 1);
}

#[test]
fn shallow_clones_say_what_to_fetch() {
    let repo = Repo::seeing();
    for name in ["a", "b", "c"] {
        repo.write(&format!("{name}.yaml"), &config(name)).commit(name);
    }
    let boundary = repo.git.revparse_single("HEAD~1").unwrap().id();
    let lost = repo.git.revparse_single("HEAD~2").unwrap().id();
    repo.write(".git/shallow", &format!("{boundary}\n"));
    repo.lose(lost);
    assert_eq!(repo.seen(&["--rev", "HEAD~1"]), ["a.yaml a", "b.yaml b"]);
    let help = |name: &str| {
        let (code, stderr) = repo.refusal(&["--rev", name]);
        let said = format!("error: {name:?} is not in this clone, whose history is cut (it is shallow)\n");
        assert!(code == 2 && stderr.starts_with(&said), "{stderr}");
        stderr.lines().nth(1).unwrap().to_owned()
    };
    let deeper = "help: fetch more of it: fetch-depth: 3 (git fetch --depth=3), or all: fetch-depth: 0 (git fetch --unshallow)";
    assert_eq!(help("HEAD~2"), deeper);
    assert_eq!(help("@^^"), deeper);
    let all = "help: fetch the whole history: fetch-depth: 0 (git fetch --unshallow --tags)";
    assert_eq!(help("v1.0"), all);
    assert_eq!(help(&lost.to_string()), all);
}

#[test]
fn forms_of_repositories_that_cannot_be_read() {
    for (setting, said) in [
        ("objectformat = sha256", "names its objects by SHA-256, which cannot be read here"),
        ("refstorage = reftable", "keeps its references in reftables, which cannot be read here"),
        ("partialclone = origin", "is a partial clone of an old form, which cannot be read here"),
        ("unheardof = true", "unsupported extension name extensions.unheardof"),
    ] {
        let repo = Repo::seeing();
        repo.write("a.yaml", &config("a")).commit("First");
        let text = format!("[core]\n\trepositoryformatversion = 1\n[extensions]\n\t{setting}\n");
        repo.write(".git/config", &text);
        for arguments in [&[][..], &["--rev", "HEAD"]] {
            let (code, stderr) = repo.refusal(arguments);
            assert!(code == 2 && stderr.contains(said), "{setting}: {stderr}");
        }
    }
}

#[test]
fn replaced_objects_are_as_they_were_and_borrowed_ones_are_found() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a")).commit("First");
    let old = repo.git.head().unwrap().peel_to_tree().unwrap().get_name("a.yaml").unwrap().id();
    let new = repo.blob(&config("other"));
    repo.git.reference(&format!("refs/replace/{old}"), new, false, "test").unwrap();
    assert_eq!(repo.seen(&["--rev", "HEAD"]), ["a.yaml a"]);

    let borrower = Repo::new();
    let objects = repo.scene.folder.join(".git/objects");
    borrower.write(".git/objects/info/alternates", &format!("{}\n", objects.display()));
    let head = repo.git.head().unwrap().target().unwrap();
    borrower.write(".git/refs/heads/main", &format!("{head}\n"));
    assert_eq!(borrower.seen(&["--rev", "main"]), ["a.yaml a"]);
}

#[cfg(unix)]
#[test]
fn a_folder_of_rules_behind_a_link_is_told() {
    let repo = Repo::new();
    repo.write("assize.yaml", "version: 1\nestate: ['estate/**']\n").write("estate/a.yaml", &config("a"));
    repo.write("elsewhere/seen.yaml", SEEN);
    std::os::unix::fs::symlink("elsewhere", repo.scene.folder.join("policies")).unwrap();
    repo.commit("First");
    let told = ["policies:1:1 misplaced-rule: what stands behind a symbolic link is not loaded"];
    for arguments in [&["--allow-empty"][..], &["--allow-empty", "--rev", "HEAD"]] {
        let report = repo.report(arguments);
        assert_eq!((problem_lines(&report), seen(&report)), (told.map(str::to_owned).to_vec(), Vec::new()));
    }
}

#[test]
fn nothing_is_written() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a")).commit("First");
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
    assert_eq!(repo.seen(&["--rev", "HEAD", "--policies-rev", "HEAD"]), ["a.yaml a"]);
    assert_eq!(repo.seen(&[]), ["a.yaml a"]);
    assert!(state() == before, "the repository is as it was");
}
