//! What reading from git costs: a commit against a work tree, two commits that hardly differ, unchanged files by
//! their stat data, a walk through history. `cargo bench --bench git [-- whole|diff|unchanged|history]`; everything is generated from fixed seeds in temporary folders.

#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark writes files and prints what it measures"
)]

#[path = "estate/mod.rs"]
mod estate;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use assize::load::{Commit, Listing, ObjectId, Repository, Root, Source};

/// Resources of the estate.
const RESOURCES: usize = 100_000;
/// Files of the work tree whose stat data is looked at.
const FILES: usize = 76_000;
/// Files and commits of the history.
const HISTORY: (usize, usize) = (2_000, 200);
const SEED: u64 = 1;
const REPETITIONS: usize = 5;

fn main() {
    let parts: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    // libgit2 begins with it, the program without.
    assize::load::verify_objects(false);
    for (part, measure) in
        [("whole", whole as fn()), ("diff", diff), ("unchanged", unchanged), ("history", history)]
    {
        if is_wanted(part) {
            measure();
        }
    }
}

/// The least time of several runs.
fn best<T>(mut act: impl FnMut() -> T) -> Duration {
    let run = |_| {
        let start = Instant::now();
        std::hint::black_box(act());
        start.elapsed()
    };
    (0..REPETITIONS).map(run).min().unwrap_or_default()
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

struct Folder {
    path: PathBuf,
    git: git2::Repository,
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("assize-bench-{name}-{}", std::process::id()));
        let mut options = git2::RepositoryInitOptions::new();
        let options = options.external_template(false).initial_head("main");
        let git = git2::Repository::init_opts(&path, options).expect("a temporary folder can be written");
        Self { path, git }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&self.path)).expect("a temporary folder can be written");
        fs::write(path, text).expect("a temporary folder can be written");
    }

    fn commit(&self) -> git2::Oid {
        let commit = || {
            let mut index = self.git.index()?;
            index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
            index.write()?;
            let tree = self.git.find_tree(index.write_tree()?)?;
            let who = git2::Signature::new("a", "a@example.org", &git2::Time::new(0, 0))?;
            let parent = self.git.head().ok().and_then(|head| head.peel_to_commit().ok());
            let parents: Vec<_> = parent.iter().collect();
            self.git.commit(Some("HEAD"), &who, &who, "Change", &tree, &parents)
        };
        commit().expect("a temporary repository can be written")
    }

    /// Packs every object, as a clone has them.
    fn pack(&self) {
        let pack = || {
            let mut builder = self.git.packbuilder()?;
            let mut walk = self.git.revwalk()?;
            walk.push_head()?;
            builder.insert_walk(&mut walk)?;
            builder.write(&self.path.join(".git/objects/pack"), 0)
        };
        pack().expect("a temporary repository can be packed");
        for number in 0..256 {
            drop(fs::remove_dir_all(self.path.join(format!(".git/objects/{number:02x}"))));
        }
    }

    fn commit_source(&self) -> Commit {
        let repository = Repository::discover(&self.path).ok().flatten().expect("it was just written");
        Commit::around(Arc::new(repository), "HEAD", &self.path).expect("there is a commit")
    }

    fn root(&self) -> Root {
        Root::discover(&self.path).expect("it was just written")
    }
}

fn is_wanted(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "yaml")
}

fn list(source: &dyn Source) -> Listing {
    source.list(&[String::new()], &is_wanted, 0).0
}

fn read_all(source: &dyn Source, listing: &Listing) -> usize {
    listing.entries.iter().filter_map(|entry| source.read(entry, 1 << 30).ok()).map(|bytes| bytes.len()).sum()
}

fn whole() {
    let folder = Folder::new("commit");
    for file in estate::generate(RESOURCES, SEED) {
        folder.write(&file.path, &file.text);
    }
    folder.commit();
    folder.pack();
    println!("\n### {RESOURCES} resources, packed, one thread unless said\n");
    println!("| | work tree | commit |\n| --- | --- | --- |");
    let (root, commit) = (folder.root(), folder.commit_source());
    let (files, blobs) = (list(&root), list(&commit));
    assert_eq!(files.entries.len(), blobs.entries.len(), "the tree is clean");
    let listed = (best(|| list(&folder.root())), best(|| list(&folder.commit_source())));
    println!(
        "| open and list {} files | {} | {} |",
        files.entries.len(),
        milliseconds(listed.0),
        milliseconds(listed.1)
    );
    let read = (best(|| read_all(&root, &files)), best(|| read_all(&commit, &blobs)));
    println!("| read them | {} | {} |", milliseconds(read.0), milliseconds(read.1));
    assize::load::verify_objects(true);
    let verified = best(|| read_all(&commit, &blobs));
    assize::load::verify_objects(false);
    println!("| read them and compute their hashes | | {} |", milliseconds(verified));
    for threads in ["1", "2"] {
        let run = |more: &[&str]| best(|| check(&folder.path, threads, more));
        let (tree, commit) = (run(&[]), run(&["--rev", "HEAD"]));
        println!("| whole `check`, {threads} threads | {} | {} |", milliseconds(tree), milliseconds(commit));
        let policies = (run(&["--policies-rev", "HEAD"]), run(&["--rev", "HEAD", "--policies-rev", "HEAD"]));
        let (tree, commit) = (milliseconds(policies.0), milliseconds(policies.1));
        println!("| the same with `--policies-rev HEAD` | {tree} | {commit} |");
    }
}

fn check(folder: &Path, threads: &str, more: &[&str]) {
    let arguments: Vec<&str> = ["check"].iter().chain(more).copied().collect();
    assize(folder, threads, &arguments);
}

/// Files that the second commit changes.
const CHANGED: usize = 10;

fn diff() {
    let folder = Folder::new("diff");
    let files = estate::generate(RESOURCES, SEED);
    for file in &files {
        folder.write(&file.path, &file.text);
    }
    folder.commit();
    // Resources are edited as people do: a few files, all over the tree.
    for file in files.iter().step_by(files.len() / CHANGED).take(CHANGED) {
        folder.write(&file.path, &file.text.replacen("\n  title: ", "\n  title: Changed # ", 1));
    }
    folder.commit();
    folder.pack();
    println!("\n### {RESOURCES} resources, {CHANGED} of {} files changed, packed\n", files.len());
    println!("| | 1 thread | 2 threads |\n| --- | --- | --- |");
    let runs: [(&str, &[&str]); 3] = [
        ("`check --rev HEAD`", &["check", "--rev", "HEAD"]),
        ("`diff HEAD~1 HEAD`", &["diff", "HEAD~1", "HEAD"]),
        ("`diff HEAD~1`, a work tree", &["diff", "HEAD~1"]),
    ];
    for (name, arguments) in runs {
        let time = |threads: &str| milliseconds(best(|| assize(&folder.path, threads, arguments)));
        println!("| {name} | {} | {} |", time("1"), time("2"));
    }
}

fn assize(folder: &Path, threads: &str, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.args(arguments).args(["-o", "json", "--as-of", "2026-11-20", "--threads", threads]);
    let status = command.current_dir(folder).env_clear().stdout(Stdio::null()).status();
    assert!(matches!(status.expect("the program runs").code(), Some(0 | 1)), "there is no problem");
}

fn unchanged() {
    let folder = Folder::new("stat");
    for number in 0..FILES {
        let path = format!("d{}/e{}/f{number}.yaml", number % 40, number % 2_000);
        folder.write(
            &path,
            &format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\n{}",
                "# text\n".repeat(100)
            ),
        );
    }
    folder.commit();
    folder.pack();
    let index = File::options().write(true).open(folder.path.join(".git/index"));
    let time = SystemTime::now() + Duration::from_secs(10);
    index.and_then(|index| index.set_modified(time)).expect("there is an index");
    let root = folder.root();
    let mut listing = list(&root);
    println!("\n### a work tree of {FILES} files, one thread but for the listing\n");
    println!("| | time |\n| --- | --- |");
    println!("| list | {} |", milliseconds(best(|| list(&folder.root()))));
    println!("| blob ids from stat data | {} |", milliseconds(best(|| root.identify(&mut listing.entries))));
    let known = listing.entries.iter().filter(|entry| entry.blob.is_some()).count();
    assert_eq!(known, FILES, "nothing has changed");
    println!("| read all of it | {} |", milliseconds(best(|| read_all(&root, &listing))));
    let hash = || {
        listing.entries.iter().filter_map(|entry| ObjectId::of_blob(&root.read(entry, 1 << 30).ok()?)).count()
    };
    println!("| read and hash all of it | {} |", milliseconds(best(hash)));
}

fn history() {
    let (files, commits) = HISTORY;
    let folder = Folder::new("history");
    let name = |number: usize| format!("team{}/app{}/f{number}.yaml", number % 20, number % 400);
    for number in 0..files {
        folder.write(&name(number), &format!("a: {number}\n"));
    }
    folder.commit();
    let mut state = SEED;
    for commit in 0..commits {
        for _ in 0..5 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = usize::try_from(state >> 33).unwrap_or_default() % files;
            folder.write(&name(number), &format!("a: {number}\nb: {commit}\n"));
        }
        folder.commit();
    }
    folder.pack();
    let repository = Repository::discover(&folder.path).ok().flatten().expect("it was just written");
    let head = repository.resolve("HEAD").expect("there is a commit");
    let walk =
        || repository.first_parents(head.commit).map(|walk| walk.filter_map(Result::ok).collect::<Vec<_>>());
    let walked = walk().expect("it was just written");
    assert_eq!(walked.len(), commits + 1);
    let pairs: Vec<_> = walked
        .windows(2)
        .filter_map(|pair| Some((pair.get(1)?.revision.tree, pair.first()?.revision.tree)))
        .collect();
    let mut changes = 0;
    let lockstep = best(|| {
        changes = 0;
        for (old, new) in &pairs {
            changes += repository.changed_paths(Some(*old), Some(*new)).map_or(0, |changes| changes.len());
        }
    });
    let mut deltas = 0;
    let expanded = best(|| {
        deltas = 0;
        for (old, new) in &pairs {
            let tree =
                |id: &ObjectId| git2::Oid::from_bytes(id.bytes()).and_then(|id| folder.git.find_tree(id));
            let (old, new) = (tree(old).ok(), tree(new).ok());
            let diff = folder.git.diff_tree_to_tree(old.as_ref(), new.as_ref(), None);
            deltas += diff.map_or(0, |diff| diff.deltas().len());
        }
    });
    assert_eq!(changes, deltas, "both see the same");
    let each = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3 / commits as f64);
    println!("\n### {commits} commits of {files} files, {changes} changed paths, one thread\n");
    println!("| | a commit |\n| --- | --- |");
    println!("| walk the first parents | {} |", each(best(walk)));
    println!("| changed paths | {} |", each(lockstep));
    println!("| the same by libgit2's diff of trees | {} |", each(expanded));
}
