//! What lies between commits: changed paths, the merge base, the default branch, the commits of a branch.

use std::collections::BTreeMap;

use assize::load::{ChangedPath, EntryKind, ObjectId, Repository};
use git2::Oid;

use super::{Repo, config};

fn id(id: Oid) -> ObjectId {
    ObjectId::from_bytes(id.as_bytes()).unwrap()
}

fn opened(repo: &Repo) -> Repository {
    Repository::discover(&repo.scene.folder).unwrap().unwrap()
}

/// "path: old -> new", each with the first letter of what it is.
fn written(changes: &[ChangedPath]) -> Vec<String> {
    let side = |side: Option<(EntryKind, ObjectId)>| match side {
        None => "-".to_owned(),
        Some((kind, id)) => format!("{kind:?} {}", id.to_string().get(..4).unwrap()),
    };
    let all = changes.iter();
    all.map(|each| {
        format!("{}: {} -> {}", String::from_utf8_lossy(&each.path), side(each.old), side(each.new))
    })
    .collect()
}

#[test]
fn changed_paths() {
    let repo = Repo::new();
    let blobs = ["one", "two", "three"].map(|text| repo.blob(text));
    let [one, two, _] = blobs;
    let short = |id: Oid| id.to_string().get(..4).unwrap().to_owned();
    let module = Oid::from_bytes(&[7; 20]).unwrap();
    let same = repo.tree(&[("100644", b"x", one)]);
    let before = repo.tree(&[
        ("100644", b"a", one),
        ("40000", b"a.d", repo.tree(&[("100644", b"x", one), ("100644", b"y", one)])),
        ("100644", b"becomes-link", one),
        ("40000", b"becomes.file", repo.tree(&[("100644", b"z", two)])),
        ("100644", b"executable", one),
        ("40000", b"gone", repo.tree(&[("40000", b"deep", same)])),
        ("160000", b"module", module),
        ("40000", b"same", same),
        ("100644", b"x\xff", one),
    ]);
    let after = repo.tree(&[
        ("100644", b"a", two),
        ("40000", b"a.d", repo.tree(&[("100644", b"x", one), ("100644", b"z", one)])),
        ("120000", b"becomes-link", one),
        ("100644", b"becomes.file", two),
        ("100755", b"executable", one),
        ("160000", b"module", one),
        ("40000", b"same", same),
        ("100644", b"x\xff", two),
    ]);
    let opened = opened(&repo);
    let (old, new) = (Some(id(before)), Some(id(after)));
    let (one, two, seven) = (short(one), short(two), "0707");
    let forward = [
        format!("a: File {one} -> File {two}"),
        format!("a.d/y: File {one} -> -"),
        format!("a.d/z: - -> File {one}"),
        format!("becomes-link: File {one} -> Link {one}"),
        format!("becomes.file: - -> File {two}"),
        format!("becomes.file/z: File {two} -> -"),
        format!("gone/deep/x: File {one} -> -"),
        format!("module: Submodule {seven} -> Submodule {one}"),
        format!("x\u{fffd}: File {one} -> File {two}"),
    ];
    assert_eq!(written(&opened.changed_paths(old, new).unwrap()), forward);
    assert_eq!(opened.changed_paths(old, old).unwrap(), []);
    let mut backward = opened.changed_paths(new, old).unwrap();
    for change in &mut backward {
        std::mem::swap(&mut change.old, &mut change.new);
    }
    backward.sort_by(|one, other| one.path.cmp(&other.path));
    assert_eq!(written(&backward), forward);
    let all = opened.changed_paths(None, new).unwrap();
    assert_eq!(all.len(), 9);
    assert!(all.iter().all(|change| change.old.is_none() && change.new.is_some()));
    repo.lose(same);
    let again = Repository::discover(&repo.scene.folder).unwrap().unwrap();
    let error = again.changed_paths(None, new).unwrap_err();
    assert_eq!(error.message, format!("tree {same} is not in this clone"));
}

/// The files of a tree, by libgit2.
fn files(repo: &Repo, tree: Oid) -> BTreeMap<Vec<u8>, Oid> {
    let mut all = BTreeMap::new();
    let tree = repo.git.find_tree(tree).unwrap();
    tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
        if entry.kind() == Some(git2::ObjectType::Blob) {
            all.insert([folder.as_bytes(), entry.name_bytes()].concat(), entry.id());
        }
        git2::TreeWalkResult::Ok
    })
    .unwrap();
    all
}

#[test]
fn changed_paths_of_random_edits() {
    let repo = Repo::new();
    let mut state = 11_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let names = ["a", "a.b", "a-b", "a0", "b", "ab", "z"];
    let mut content: BTreeMap<String, u64> = BTreeMap::new();
    let mut trees: Vec<Oid> = Vec::new();
    for _ in 0..60 {
        for _ in 0..=random(6) {
            let mut pick = || names[usize::try_from(random(7)).unwrap()];
            let path = [pick(), pick(), pick()][..=usize::from(pick() > "a0")].join("/");
            let is_folder = |other: &String| {
                other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
            };
            content.retain(|other, _| !is_folder(other));
            match random(3) {
                0 => drop(content.remove(&path)),
                _ => drop(content.insert(path, random(4))),
            }
        }
        let mut index = git2::Index::new().unwrap();
        for (path, number) in &content {
            let zero = git2::IndexTime::new(0, 0);
            let entry = git2::IndexEntry {
                ctime: zero,
                mtime: zero,
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id: repo.blob(&number.to_string()),
                flags: 0,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            };
            index.add(&entry).unwrap();
        }
        trees.push(index.write_tree_to(&repo.git).unwrap());
    }
    let opened = opened(&repo);
    let mut seen = 0;
    for pair in trees.windows(2) {
        let (before, after) = (files(&repo, pair[0]), files(&repo, pair[1]));
        let mut expected = BTreeMap::new();
        for path in before.keys().chain(after.keys()) {
            let (old, new) = (before.get(path).copied().map(id), after.get(path).copied().map(id));
            if old != new {
                expected.insert(path.clone(), (old, new));
            }
        }
        let found = opened.changed_paths(Some(id(pair[0])), Some(id(pair[1]))).unwrap();
        let blob = |side: Option<(EntryKind, ObjectId)>| side.map(|(_, id)| id);
        let count = found.len();
        let found: BTreeMap<_, _> =
            found.into_iter().map(|each| (each.path, (blob(each.old), blob(each.new)))).collect();
        assert_eq!(found.len(), count, "no path twice");
        assert_eq!(found, expected);
        seen += count;
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn the_commits_of_a_branch() {
    let repo = Repo::new();
    let first = repo.write("a", "1").commit("First");
    let second = repo.write("a", "2").commit("Second\n\ntext\n\nReviewed-by: Ben <ben@example.org>");
    let tree = repo.git.find_commit(first).unwrap().tree_id();
    let side = repo.commit_on(tree, "Side", &[first]);
    let merge = repo.commit_on(tree, "Merge", &[second, side]);
    let opened = opened(&repo);
    let walked = |from: Oid| -> Vec<ObjectId> {
        opened.first_parents(id(from)).unwrap().map(|commit| commit.unwrap().revision.commit).collect()
    };
    assert_eq!(walked(merge), [merge, second, first].map(id));
    assert_eq!(walked(side), [side, first].map(id));
    let commit = opened.commit(id(second)).unwrap();
    assert_eq!(commit.trailers(), [("Reviewed-by".to_owned(), "Ben <ben@example.org>".to_owned())]);
    assert_eq!(
        (commit.author.name.as_str(), commit.author.seconds, commit.author.offset),
        ("Anna", 1_700_000_000, 60)
    );
    assert!(!commit.has_signature && !commit.is_boundary);
    assert_eq!(opened.merge_base(id(second), id(side)).unwrap(), Some(id(first)));
    let alone = repo.commit_on(tree, "Alone", &[]);
    assert_eq!(opened.merge_base(id(alone), id(side)).unwrap(), None);
    let message = opened.commit(id(tree)).unwrap_err().message;
    assert_eq!(message, format!("the commit {tree} makes no sense"));
}

#[test]
fn a_history_that_is_cut_does_not_begin_there() {
    let repo = Repo::new();
    let first = repo.write("a", "1").commit("First");
    let second = repo.write("a", "2").commit("Second");
    let third = repo.write("a", "3").commit("Third");
    let tree = repo.git.find_commit(first).unwrap().tree_id();
    let side = repo.commit_on(tree, "Side", &[first]);
    repo.write(".git/shallow", &format!("{second}\n{side}\n"));
    repo.lose(first);
    let shallow = opened(&repo);
    assert!(shallow.is_shallow().unwrap());
    let commits: Vec<_> = shallow.first_parents(id(third)).unwrap().map(Result::unwrap).collect();
    let told: Vec<_> = commits.iter().map(|commit| (commit.revision.commit, commit.is_boundary)).collect();
    assert_eq!(told, [(id(third), false), (id(second), true)]);
    assert_eq!(commits[1].parents, [id(first)], "it has a parent, which is not here");
    let error = shallow.merge_base(id(third), id(side)).unwrap_err();
    assert!(error.message.starts_with("this clone is shallow: "), "{}", error.message);
    assert!(error.help.unwrap().contains("fetch-depth: 0"));
    // The same without the mark is damage, not a beginning.
    std::fs::remove_file(repo.scene.folder.join(".git/shallow")).unwrap();
    let damaged: Vec<_> =
        opened(&repo).first_parents(id(third)).unwrap().map(|commit| commit.is_ok()).collect();
    assert_eq!(damaged, [true, true, false]);
}

#[test]
fn the_default_branch() {
    let repo = Repo::new();
    let opened = opened(&repo);
    let error = opened.default_branch().unwrap_err();
    assert!(error.message.starts_with("cannot tell which branch is the default one"), "{}", error.message);
    let first = repo.write("a.yaml", &config("a")).commit("First");
    let name = || opened.default_branch().unwrap().name;
    assert_eq!(name(), "main");
    repo.git.reference("refs/remotes/origin/master", first, false, "test").unwrap();
    repo.git.config().unwrap().set_str("init.defaultBranch", "trunk").unwrap();
    assert_eq!(name(), "main");
    repo.git.reference("refs/heads/trunk", first, false, "test").unwrap();
    assert_eq!(name(), "trunk");
    repo.git.reference("refs/remotes/origin/trunk", first, false, "test").unwrap();
    assert_eq!(name(), "origin/trunk");
    repo.git
        .reference_symbolic("refs/remotes/origin/HEAD", "refs/remotes/origin/develop", false, "test")
        .unwrap();
    assert_eq!(name(), "origin/trunk", "what origin/HEAD names was never fetched");
    let second = repo.write("b.yaml", &config("b")).commit("Second");
    repo.git.reference("refs/remotes/origin/develop", second, false, "test").unwrap();
    assert_eq!(name(), "origin/develop");
    assert_eq!(opened.default_branch().unwrap().revision.commit, id(second));
}
