//! Files that the program writes are whole or not there: when it is ended half-way, when the disk is full, and whatever
//! stands at their places.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test reads files, and may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::scene::{DAY, Outcome, Scene, finish};

/// All files and folders below a folder, from it.
fn tree(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            found.insert(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

/// An estate with so many findings that their report takes a while to write.
fn large(resources: usize) -> Scene {
    let estate: String = (0..resources)
        .map(|number| {
            format!(
                "---\napiVersion: assize.dev/v1\nkind: Application\nmetadata: {{name: app-{number}}}\nspec: {{type: cots, custom: false, exposure: internal}}\n"
            )
        })
        .collect();
    Scene::new().with("assize.yaml", "version: 1\nestate: ['estate/**']\n").with("estate/all.yaml", &estate)
}

/// The clinic, as it was committed on 2026-11-01.
fn clinic() -> Scene {
    let scene = Scene::new().with_clinic();
    let repository = scene.init();
    let mut index = repository.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::new("a", "a@example.org", &git2::Time::new(1_793_491_200, 0)).unwrap();
    repository.commit(Some("HEAD"), &author, &author, "Begin", &tree, &[]).unwrap();
    drop(tree);
    scene
}

/// Runs the program where no file may have more than so many blocks of 512 bytes.
fn limited(scene: &Scene, blocks: u32, arguments: &[&str]) -> Outcome {
    let mut command = Command::new("/bin/sh");
    command.args([
        "-c",
        "ulimit -f \"$0\" && exec \"$@\"",
        &blocks.to_string(),
        env!("CARGO_BIN_EXE_assize"),
    ]);
    command.args(arguments).current_dir(&scene.folder).env_clear().stdin(Stdio::null());
    finish(&mut command)
}

fn drafts(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().filter(|path| path.contains(".tmp")).collect()
}

/// Ends a run as soon as its draft is there and has so many bytes; gives back whether it was in time.
fn end_when(scene: &Scene, signal: &str, bytes: u64) -> bool {
    let arguments = ["check", "--as-of", DAY, "-o", "json=report.json"];
    let mut child = scene.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
    let draft = scene.folder.join(format!(".assize-{}-0.tmp", child.id()));
    while child.try_wait().unwrap().is_none() {
        if fs::metadata(&draft).is_ok_and(|draft| draft.len() >= bytes) {
            let kill = ["-c", "kill -s \"$0\" \"$1\"", signal, &child.id().to_string()];
            // It may have come to its end meanwhile.
            let _ = Command::new("/bin/sh").args(kill).stderr(Stdio::null()).status().unwrap();
            break;
        }
        std::thread::yield_now();
    }
    child.wait().unwrap().code().is_none()
}

#[test]
fn ended_half_way_the_old_report_stays() {
    let scene = large(300);
    let report = scene.folder.join("report.json");
    let mut in_time = 0;
    for (round, bytes) in [0, 1, 70_000, 200_000, 500_000, 900_000, 1_200_000].into_iter().enumerate() {
        for signal in ["INT", "TERM"] {
            let former = "of another day";
            if round % 2 == 0 {
                fs::write(&report, former).unwrap();
            } else {
                drop(fs::remove_file(&report));
            }
            let is_ended = end_when(&scene, signal, bytes);
            in_time += u32::from(is_ended);
            assert_eq!(drafts(&scene.folder), Vec::<String>::new(), "{signal} after {bytes} bytes");
            match fs::read_to_string(&report) {
                Ok(text) if text == former => assert!(round % 2 == 0 && is_ended),
                Ok(text) => {
                    let report: Value = serde_json::from_str(&text).unwrap();
                    assert!(report["findings"].as_array().unwrap().len() > 3_000);
                }
                Err(_) => assert!(round % 2 == 1 && is_ended),
            }
        }
        // Nobody can clean up after this one, but what it leaves is called by no report's name.
        end_when(&scene, "KILL", bytes);
        for draft in drafts(&scene.folder) {
            fs::remove_file(scene.folder.join(draft)).unwrap();
        }
        let text = fs::read_to_string(&report).unwrap_or_else(|_| "{}".to_owned());
        assert!(text == "of another day" || serde_json::from_str::<Value>(&text).is_ok());
    }
    assert!(in_time > 0, "no run was ended half-way");
}

#[test]
fn a_report_that_grows_too_large_leaves_the_others() {
    let scene = large(300).with("old.sarif", "of another day");
    let outputs =
        ["-o", "json=large.json", "-o", "summary=small.txt", "-o", "sarif=old.sarif", "-o", "csv=large.csv"];
    let outcome = limited(&scene, 64, &[&["check", "--as-of", DAY], &outputs[..]].concat());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let paths = ["large.json", "old.sarif", "large.csv"];
    assert_eq!(lines.len(), paths.len(), "{}", outcome.stderr);
    for (line, path) in lines.iter().zip(paths) {
        assert!(line.starts_with(&format!("error: cannot write: {path}: File too large")), "{line}");
    }
    assert_eq!(scene.read("old.sarif"), "of another day");
    assert!(scene.read("small.txt").starts_with("fail"), "{}", scene.read("small.txt"));
    let expected = ["assize.yaml", "estate", "estate/all.yaml", "old.sarif", "small.txt"];
    assert!(tree(&scene.folder).iter().eq(expected), "{:?}", tree(&scene.folder));
}

#[test]
fn a_full_disk_is_told_by_every_command() {
    let scene = clinic();
    let before = tree(&scene.folder);
    let cases: [&[&str]; 18] = [
        &["check", "-o", "human=f"],
        &["check", "-o", "json=f"],
        &["check", "-o", "jsonl=f"],
        &["check", "-o", "sarif=f"],
        &["check", "-o", "junit=f"],
        &["check", "-o", "github=f"],
        &["check", "-o", "gitlab=f"],
        &["check", "-o", "markdown=f"],
        &["check", "-o", "csv=f"],
        &["check", "-o", "summary=f"],
        &["diff", "HEAD", "-o", "json=f"],
        &["report", "-o", "html=f,xlsx=g,json=h,markdown=i,csv=j"],
        &["report", "-o", "oscal=folder"],
        &["baseline", "-o", "f"],
        &["period", "--from", "2026-11-01", "--to", "2026-11-02", "-o", "markdown=f"],
        &["blame", "--as-of", "2026-11-02", "-o", "json=f"],
        &["test", "unowned-asset", "--coverage=lcov=f"],
        &["init", "new"],
    ];
    for arguments in cases {
        let outcome = limited(&scene, 0, arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stderr.contains("error: cannot write: "), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(": File too large"), "{arguments:?}: {}", outcome.stderr);
        let is_file = |path: &&String| !scene.folder.join(path).is_dir();
        let after = tree(&scene.folder);
        assert_eq!(after.difference(&before).filter(is_file).count(), 0, "{arguments:?}: {after:?}");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_told_and_leaves_nothing() {
    let scene = clinic();
    let arguments = ["period", "--from", "2026-11-01", "--to", "2026-11-02", "-o", "json"];
    let plain = scene.run(&arguments);
    let cached = limited(&scene, 0, &[&arguments[..], &["--cache=kept"]].concat());
    assert!(cached.stderr.contains("note: cannot write the cache: "), "{}", cached.stderr);
    assert_eq!((cached.code, &cached.stdout), (plain.code, &plain.stdout));
    let is_file = |path: &String| path.starts_with("kept/") && !scene.folder.join(path).is_dir();
    assert_eq!(tree(&scene.folder).into_iter().filter(is_file).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn pipes_and_devices_are_written_in_place() {
    let scene = large(1);
    let check = |output: &str| scene.run(&["check", "--as-of", DAY, "-o", output]);
    assert!(check("json=/dev/stdout").stdout.starts_with('{'));
    assert_eq!(check("json=/dev/null").stderr, "");
    assert!(Path::new("/dev/stdout").exists() && Path::new("/dev/null").exists());
    let made = Command::new("mkfifo").arg(scene.folder.join("pipe")).status().unwrap();
    assert!(made.success());
    let pipe = scene.folder.join("pipe");
    let reader = std::thread::spawn(move || fs::read_to_string(pipe).unwrap());
    assert_eq!(check("json=pipe").stderr, "");
    assert!(serde_json::from_str::<Value>(&reader.join().unwrap()).is_ok());
    let before = tree(&scene.folder);
    std::os::unix::fs::symlink("target.json", scene.folder.join("link.json")).unwrap();
    assert_eq!(check("json=link.json").stderr, "");
    assert!(scene.folder.join("link.json").is_symlink());
    assert!(serde_json::from_str::<Value>(&scene.read("target.json")).is_ok());
    assert_eq!(tree(&scene.folder).len(), before.len() + 2);
}
