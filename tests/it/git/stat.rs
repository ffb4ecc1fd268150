//! Which files of a work tree are known to be as the index has them, without a look at their content.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use assize::load::{Entry, ObjectId, Root, Source as _};
use git2::{IndexEntryExtendedFlag, IndexEntryFlag};

use super::Repo;

const TEXT: &str = "a: 1\n";

/// A repository whose files are older than its index, and known.
fn repo() -> Repo {
    let repo = Repo::new();
    let names = ["assumed", "changed", "plain", "racy", "same-size", "skipped", "staged", "touched"];
    for name in names {
        repo.write(&format!("{name}.yaml"), TEXT);
        age(&repo, &format!("{name}.yaml"), 100);
    }
    repo.write("sub/deep.yaml", TEXT);
    repo.commit("First");
    repo
}

fn age(repo: &Repo, path: &str, seconds: u64) {
    let file = fs::File::options().write(true).open(repo.scene.folder.join(path)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

/// Lets the index be younger than every file that it has now.
fn settle(repo: &Repo) {
    let index = fs::File::options().write(true).open(repo.scene.folder.join(".git/index")).unwrap();
    index.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
}

fn known(repo: &Repo) -> BTreeMap<String, Option<ObjectId>> {
    let root = Root::discover(&repo.scene.folder).unwrap();
    let (listing, problems) = root.list(&[String::new()], &|path: &str| path.contains(".yaml"), 1);
    assert_eq!(problems, []);
    let mut entries = listing.entries;
    assert!(entries.iter().all(|entry| entry.blob.is_none()), "a listing looks at nothing");
    root.identify(&mut entries);
    for Entry { path, blob, .. } in &entries {
        // Whatever is known is true.
        let bytes = fs::read(repo.scene.folder.join(&**path)).unwrap();
        assert!(blob.is_none() || *blob == ObjectId::of_blob(&bytes), "{path}");
    }
    entries.into_iter().map(|entry| (entry.path.to_string(), entry.blob)).collect()
}

/// The names of files that are not known.
fn unknown(repo: &Repo) -> Vec<String> {
    known(repo).into_iter().filter(|(_, blob)| blob.is_none()).map(|(path, _)| path).collect()
}

#[cfg(unix)]
#[test]
fn unchanged_files_are_known() {
    let repo = repo();
    settle(&repo);
    assert_eq!(unknown(&repo), Vec::<String>::new());
    assert_eq!(known(&repo)["sub/deep.yaml"], ObjectId::of_blob(TEXT.as_bytes()));
    // A linked work tree has an index of its own.
    let other = crate::scene::Scene::new();
    let folder = other.folder.join("linked");
    repo.git.worktree("linked", &folder, None).unwrap();
    let linked = Root::discover(&folder).unwrap();
    let (mut listing, _) = linked.list(&[String::new()], &|_: &str| true, 1);
    let index =
        fs::File::options().write(true).open(repo.scene.folder.join(".git/worktrees/linked/index")).unwrap();
    index.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
    linked.identify(&mut listing.entries);
    assert!(
        listing
            .entries
            .iter()
            .filter(|entry| entry.path.ends_with(".yaml"))
            .all(|entry| entry.blob.is_some())
    );
}

#[cfg(unix)]
#[test]
fn what_has_changed_or_could_have_is_not_known() {
    let repo = repo();
    settle(&repo);
    repo.write("changed.yaml", "a: 1\nb: 2\n")
        .write("same-size.yaml", "a: 2\n")
        .write("untracked.yaml", TEXT);
    // The time of the last change is put back; that of the last change of status cannot be.
    let before = fs::metadata(repo.scene.folder.join("touched.yaml")).unwrap().modified().unwrap();
    repo.write("touched.yaml", "a: 3\n");
    fs::File::options()
        .write(true)
        .open(repo.scene.folder.join("touched.yaml"))
        .unwrap()
        .set_modified(before)
        .unwrap();
    assert_eq!(unknown(&repo), ["changed.yaml", "same-size.yaml", "touched.yaml", "untracked.yaml"]);
}

#[cfg(unix)]
#[test]
fn entries_as_young_as_the_index_are_not_known() {
    let repo = repo();
    let index = repo.scene.folder.join(".git/index");
    let modified = fs::metadata(repo.scene.folder.join("sub/deep.yaml")).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&index).unwrap().set_modified(modified).unwrap();
    assert_eq!(unknown(&repo), ["sub/deep.yaml"], "the others are a hundred seconds old");
    fs::File::options()
        .write(true)
        .open(&index)
        .unwrap()
        .set_modified(modified - Duration::from_secs(500))
        .unwrap();
    assert_eq!(unknown(&repo).len(), 9);
}

#[cfg(unix)]
#[test]
fn entries_that_git_does_not_look_at_are_not_known() {
    let repo = repo();
    let mut index = repo.git.index().unwrap();
    let mut mark = |path: &str, flags: u16, extended: u16| {
        let mut entry = index.get_path(Path::new(path), 0).unwrap();
        entry.flags |= flags;
        entry.flags_extended |= extended;
        index.add(&entry).unwrap();
    };
    mark("assumed.yaml", IndexEntryFlag::VALID.bits(), 0);
    let extended = IndexEntryFlag::EXTENDED.bits();
    mark("skipped.yaml", extended, IndexEntryExtendedFlag::SKIP_WORKTREE.bits());
    mark("staged.yaml", extended, IndexEntryExtendedFlag::INTENT_TO_ADD.bits());
    index.write().unwrap();
    settle(&repo);
    assert_eq!(unknown(&repo), ["assumed.yaml", "skipped.yaml", "staged.yaml"]);
    // What a sparse checkout leaves out is told, and what somebody has deleted is not there.
    fs::remove_file(repo.scene.folder.join("skipped.yaml")).unwrap();
    fs::remove_file(repo.scene.folder.join("plain.yaml")).unwrap();
    let report = repo.report(&["--allow-empty"]);
    assert_eq!(super::skipped(&report), ["skipped.yaml: not checked out"]);
}

#[cfg(unix)]
#[test]
fn what_a_filter_could_have_written_is_not_known() {
    let repo = repo();
    repo.write("crlf.yaml", "a: 1\r\nb: 2\r\n").write("pointer.yaml", TEXT);
    repo.write(".gitattributes", "*.yaml text=auto\n");
    repo.commit("Second");
    settle(&repo);
    // The blob has other line ends than the file, and nobody has changed it since.
    assert_eq!(unknown(&repo), ["crlf.yaml"]);
    repo.git.config().unwrap().set_str("filter.lfs.smudge", "git-lfs smudge -- %f").unwrap();
    assert_eq!(unknown(&repo).len(), 11, "any small file could be a pointer's");
    let long = format!("# {}\n", "x".repeat(2_000));
    repo.write("long.yaml", &long).commit("Third");
    settle(&repo);
    assert_eq!(known(&repo)["long.yaml"], ObjectId::of_blob(long.as_bytes()));
    repo.git.config().unwrap().set_str("filter.rot13.smudge", "tr a-z n-za-m").unwrap();
    assert_eq!(known(&repo)["long.yaml"], None, "it may be as long as before");
    for key in ["filter.rot13.smudge", "filter.lfs.smudge"] {
        repo.git.config().unwrap().remove(key).unwrap();
    }
    assert!(known(&repo)["long.yaml"].is_some());
    repo.write(".git/info/attributes", "*.yaml working-tree-encoding=IBM-1047\n");
    assert_eq!(known(&repo)["long.yaml"], None, "a code page of one byte a character");
}
