//! A cache of a history makes a run quicker, and never says anything else.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Random, Repo, edit_at_random};
use crate::scene::{Outcome, Scene};

/// 2026-11-01, midnight.
const BEGIN: i64 = 1_793_491_200;
const DAY: i64 = 86_400;

const PERIOD: [&str; 5] = ["period", "--from", "2026-11-01", "--to", "2026-11-06"];
const OUTPUT: [&str; 2] = ["-o", "json"];

struct History {
    repo: Repo,
    random: Random,
    round: usize,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut history = Self { repo: Repo::of(Scene::new().with_clinic()), random: Random(seed), round: 0 };
        for _ in 0..4 {
            history.commit();
        }
        history
    }

    fn commit(&mut self) {
        if self.round > 0 {
            let files = super::files_below(&self.repo.scene.folder.join("estate"), "estate");
            edit_at_random(&self.repo, &mut self.random, &files, self.round);
        }
        let seconds = BEGIN + i64::try_from(self.round).unwrap() * DAY + 3_600;
        self.repo.commit_at(seconds, "Anna", "Change");
        self.round += 1;
    }

    fn run(&self, more: &[&str]) -> Outcome {
        self.repo.scene.run(&[&PERIOD[..], &OUTPUT, more].concat())
    }

    /// What is found without a cache.
    fn truth(&self) -> Outcome {
        self.run(&[])
    }

    fn cached(&self) -> Outcome {
        self.run(&["--cache"])
    }

    fn segments(&self) -> Vec<PathBuf> {
        let cache = self.repo.scene.folder.join(".git/assize-cache");
        let mut files: Vec<PathBuf> = Vec::new();
        for environment in fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path()) {
            if environment.is_dir() {
                files.extend(fs::read_dir(environment).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        files.sort();
        files
    }
}

fn assert_same(one: &Outcome, truth: &Outcome) {
    assert_eq!(one.code, truth.code, "{}", one.stderr);
    let line = one.stdout.lines().zip(truth.stdout.lines()).position(|(one, truth)| one != truth);
    assert!(one.stdout == truth.stdout, "they differ from line {line:?} on");
}

#[test]
fn a_run_with_a_cache_says_what_one_without_says() {
    let mut history = History::new(1);
    let truth = history.truth();
    for _ in 0..2 {
        let cached = history.cached();
        assert_same(&cached, &truth);
        assert_eq!(cached.stderr, "");
        assert_eq!(history.segments().len(), 1, "the second run learns nothing");
    }
    // What comes later is judged, and learnt.
    history.commit();
    assert_same(&history.cached(), &history.truth());
    assert_eq!(history.segments().len(), 2);
    // Part of the period, and more than it.
    for (from, to) in [("2026-11-03", "2026-11-05"), ("2026-10-30", "2026-11-10")] {
        let period = ["period", "--from", from, "--to", to, "-o", "json", "--sample", "5", "--seed", "a"];
        let truth = history.repo.scene.run(&period);
        for _ in 0..2 {
            assert_same(&history.repo.scene.run(&[&period[..], &["--cache"]].concat()), &truth);
        }
    }
    // Other rules are another run.
    let narrow = ["--rule", "unowned-asset", "--policies", "each"];
    let truth = history.run(&narrow);
    for _ in 0..2 {
        assert_same(&history.run(&[&narrow[..], &["--cache"]].concat()), &truth);
    }
}

#[test]
fn births_are_the_same_with_a_cache() {
    let history = History::new(2);
    let blame = |more: &[&str]| {
        let outcome =
            history.repo.scene.run(&[&["blame", "--as-of", "2026-11-06", "-o", "json"], more].concat());
        assert_eq!(outcome.stderr, "");
        outcome
    };
    let truth = blame(&[]);
    for _ in 0..2 {
        assert_same(&blame(&["--cache=kept"]), &truth);
    }
    assert!(history.repo.scene.folder.join("kept/CACHEDIR.TAG").exists());
}

#[test]
fn a_damaged_cache_is_told_and_everything_judged() {
    let history = History::new(3);
    let truth = history.truth();
    history.cached();
    let segment = history.segments().remove(0);
    let whole = fs::read(&segment).unwrap();
    for damaged in [&whole[..whole.len() - 1], &whole[..20], &[], &[&whole[..], b"\n"].concat()] {
        fs::write(&segment, damaged).unwrap();
        let cached = history.cached();
        assert_same(&cached, &truth);
        assert_eq!(cached.stderr, "note: a file of the cache is damaged; what it held was judged anew\n");
    }
}

#[test]
fn a_cache_that_lies_is_found_out_at_the_end() {
    let history = History::new(4);
    let truth = history.truth();
    history.cached();
    let segment = history.segments().remove(0);
    // A finding gets another fingerprint, and the file the digest that fits.
    let mut bytes = fs::read(&segment).unwrap();
    let needle = b"\"fingerprint\":\"v1:";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap() + needle.len();
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    let end = bytes.len() - 64;
    let content = end - b"sha256:".len();
    let digest: String = Sha256::digest(&bytes[..content]).iter().map(|byte| format!("{byte:02x}")).collect();
    bytes[end..].copy_from_slice(digest.as_bytes());
    fs::write(&segment, &bytes).unwrap();
    let cached = history.cached();
    assert_same(&cached, &truth);
    assert!(cached.stderr.contains("says something else than judging it anew"), "{}", cached.stderr);
    // The next run finds what is true.
    let cached = history.cached();
    assert_same(&cached, &truth);
    assert_eq!(cached.stderr, "");
}

#[test]
fn a_cache_that_cannot_be_written_is_told_and_changes_nothing() {
    let history = History::new(5);
    let truth = history.truth();
    history.repo.scene.write("taken", "");
    let cached = history.run(&["--cache=taken"]);
    assert_same(&cached, &truth);
    assert!(cached.stderr.starts_with("note: cannot write the cache: "), "{}", cached.stderr);
    assert_eq!(cached.stderr.lines().count(), 1);
}

#[test]
fn a_run_that_is_killed_leaves_a_cache_that_can_be_used() {
    let history = History::new(6);
    let truth = history.truth();
    let arguments = [&PERIOD[..], &OUTPUT, &["--cache"]].concat();
    for delay in [50, 150, 300, 450, 600] {
        let mut command = history.repo.scene.command(&arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    for _ in 0..2 {
        assert_same(&history.cached(), &truth);
    }
}

#[test]
fn processes_at_once_share_a_cache() {
    let history = History::new(7);
    let truth = history.truth();
    let arguments = [&PERIOD[..], &OUTPUT, &["--cache"]].concat();
    let start = || {
        let mut command = history.repo.scene.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..3).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap() == truth.stdout, "they differ");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
    assert_same(&history.cached(), &truth);
}
