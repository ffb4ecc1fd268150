//! Commits as estates: what is read straight from git's objects. Repositories are built by libgit2, objects that it would
//! not write by hand, so that no git has to be installed; the configuration of the machine is overruled.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test reads files and the clock itself, and may panic"
)]

mod approvals;
mod baseline;
mod cache;
mod commits;
mod diff;
mod history;
mod period;
mod policies;
mod report;
mod roles;
mod security;
mod stat;
#[cfg(not(windows))]
mod year;

use std::fs;
use std::path::Path;

use git2::{ObjectType, Oid, Repository};
use serde_json::Value;

use crate::scene::Scene;

/// A rule that has something to say about every resource, so that findings tell which there are.
const SEEN: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: seen, title: Nothing is seen}
spec:
  severity: info
  rationale: Tests want to know.
  remediation: None.
  match: {kinds: ['*']}
  schema: {required: [unheard-of]}
";

fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// The files below a folder, from its parent, in order.
fn files_below(folder: &Path, name: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path(), &name));
        } else {
            files.push(name);
        }
    }
    files.sort();
    files
}

/// A sequence of numbers that is the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Edits some files of an estate: what people do, and what they should not.
fn edit_at_random(repo: &Repo, random: &mut Random, files: &[String], round: usize) {
    for _ in 0..=random.below(4) {
        let file = &files[random.below(files.len())];
        if !repo.scene.folder.join(file).exists() {
            continue;
        }
        let text = repo.scene.read(file);
        let mut documents: Vec<&str> = text.split("\n---\n").collect();
        let at = random.below(documents.len());
        let changed;
        match random.below(6) {
            0 if documents.len() > 1 => drop(documents.remove(at)),
            1 => documents.reverse(),
            2 => {
                changed = documents[at].replace("true", "false");
                documents[at] = &changed;
            }
            3 => {
                changed = documents[at].replace("2026", "2024");
                documents[at] = &changed;
            }
            4 => {
                changed = documents[at].replace("active", "departed");
                documents[at] = &changed;
            }
            _ => {
                repo.remove(file);
                repo.write(&format!("estate/moved-{round}.yaml"), &text);
                continue;
            }
        }
        let text = documents.join("\n---\n");
        repo.write(file, &text);
    }
}

/// A folder with a repository.
struct Repo {
    scene: Scene,
    git: Repository,
}

impl Repo {
    fn new() -> Self {
        Self::of(Scene::new())
    }

    /// With a rule that sees everything.
    fn seeing() -> Self {
        Self::of(Scene::new().with("assize.yaml", "version: 1\n").with("policies/seen.yaml", SEEN))
    }

    fn of(scene: Scene) -> Self {
        let mut options = git2::RepositoryInitOptions::new();
        let options = options.external_template(false).initial_head("main");
        let git = Repository::init_opts(&scene.folder, options).unwrap();
        let mut config = git.config().unwrap();
        config.set_str("core.autocrlf", "false").unwrap();
        config.set_str("core.excludesFile", "/dev/null").unwrap();
        config.set_str("init.defaultBranch", "main").unwrap();
        Self { scene, git }
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        self.scene.write(path, text);
        self
    }

    fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.scene.folder.join(path)).unwrap();
        self
    }

    /// Commits everything that is not ignored, on top of what is checked out.
    fn commit(&self, message: &str) -> Oid {
        let mut index = self.git.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        self.commit_tree(index.write_tree().unwrap(), message)
    }

    fn commit_tree(&self, tree: Oid, message: &str) -> Oid {
        let parents: Vec<Oid> = self.git.head().ok().and_then(|head| head.target()).into_iter().collect();
        let id = self.commit_on(tree, message, &parents);
        let head = self.git.find_reference("HEAD").unwrap();
        let name = head.symbolic_target().ok().flatten().unwrap_or("refs/heads/main").to_owned();
        self.git.reference(&name, id, true, "test").unwrap();
        id
    }

    /// Commits everything, as of so many seconds after 1970.
    fn commit_at(&self, seconds: i64, who: &str, message: &str) -> Oid {
        let mut index = self.git.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = self.git.find_tree(index.write_tree().unwrap()).unwrap();
        let who = git2::Signature::new(who, "who@example.org", &git2::Time::new(seconds, 0)).unwrap();
        let parent = self.git.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        self.git.commit(Some("HEAD"), &who, &who, message, &tree, &parents).unwrap()
    }

    /// A commit that no branch names, written by hand: libgit2 would look at the tree.
    fn commit_on(&self, tree: Oid, message: &str, parents: &[Oid]) -> Oid {
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let who = "Anna <anna@example.org> 1700000000 +0100";
        self.put(
            ObjectType::Commit,
            format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}\n"),
        )
    }

    fn put(&self, kind: ObjectType, bytes: impl AsRef<[u8]>) -> Oid {
        self.git.odb().unwrap().write(kind, bytes.as_ref()).unwrap()
    }

    fn blob(&self, text: &str) -> Oid {
        self.put(ObjectType::Blob, text)
    }

    /// A tree of exactly these entries, in this order.
    fn tree(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.put(ObjectType::Tree, bytes)
    }

    /// The tree of what is checked out with further entries at its end.
    fn tree_with(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
        let head = self.git.head().unwrap().peel_to_tree().unwrap();
        let mut all: Vec<(String, Vec<u8>, Oid)> = Vec::new();
        for entry in &head {
            all.push((format!("{:o}", entry.filemode()), entry.name_bytes().to_vec(), entry.id()));
        }
        all.extend(entries.iter().map(|(mode, name, id)| ((*mode).to_owned(), name.to_vec(), *id)));
        let key = |(mode, name, _): &(String, Vec<u8>, Oid)| {
            let mut name = name.clone();
            if mode == "40000" {
                name.push(b'/');
            }
            name
        };
        all.sort_by_key(key);
        let all: Vec<_> = all.iter().map(|(mode, name, id)| (mode.as_str(), name.as_slice(), *id)).collect();
        self.tree(&all)
    }

    /// Removes a loose object, as a partial clone lacks it.
    fn lose(&self, id: Oid) {
        let hex = id.to_string();
        let (folder, file) = hex.split_at(2);
        let path = self.git.commondir().join("objects").join(folder).join(file);
        fs::remove_file(path).unwrap();
    }

    fn report(&self, arguments: &[&str]) -> Value {
        self.scene.report(arguments)
    }

    fn seen(&self, arguments: &[&str]) -> Vec<String> {
        seen(&self.report(&[arguments, &["--allow-empty"]].concat()))
    }

    /// What a run says that does not begin: its code and its standard error.
    fn refusal(&self, arguments: &[&str]) -> (i32, String) {
        let outcome = self.scene.run(&[&["check"], arguments].concat());
        assert_eq!(outcome.stdout, "");
        (outcome.code, outcome.stderr)
    }
}

/// "file name" of every resource that the rule has seen.
fn seen(report: &Value) -> Vec<String> {
    let text = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let findings = report.get("findings").unwrap().as_array().unwrap();
    let findings = findings.iter().filter(|finding| text(finding, "/rule") == "seen");
    findings
        .map(|each| format!("{} {}", text(each, "/location/file"), text(each, "/resource/name")))
        .collect()
}

/// What is listed as not evaluated, as "file: reason".
fn skipped(report: &Value) -> Vec<String> {
    let text = |value: &Value, key: &str| value.get(key).unwrap().as_str().unwrap().to_owned();
    let list = report.get("notEvaluated").unwrap().as_array().unwrap();
    list.iter().map(|each| format!("{}: {}", text(each, "file"), text(each, "reason"))).collect()
}

/// The report without what says where it comes from.
fn without_origin(mut report: Value) -> Value {
    report
        .get_mut("run")
        .unwrap()
        .as_object_mut()
        .unwrap()
        .retain(|key, _| key != "estate" && key != "policies");
    report
}

/// Packs every object, as a clone has them.
fn pack(git: &Repository) {
    let mut builder = git.packbuilder().unwrap();
    let mut walk = git.revwalk().unwrap();
    walk.push_glob("refs/*").unwrap();
    builder.insert_walk(&mut walk).unwrap();
    builder.write(&git.commondir().join("objects/pack"), 0).unwrap();
    for entry in fs::read_dir(git.commondir().join("objects")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().len() == 2 {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

fn exists(scene: &Scene, path: &str) -> bool {
    Path::new(&scene.folder).join(path).exists()
}
