//! What an estate may hold to harm the program that reads it. Each case lies beside one good resource whose
//! finding must still be reported, in a process of its own under a limit of memory, and must end in time.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

mod characters;
#[cfg(unix)]
mod files;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A run takes a second or two where nothing is wrong; beyond this it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Memory of a run in MiB, most of it address space that is only reserved. A case that needs more says so.
const MEMORY: u32 = 900;

/// The rule that finds something in the good resource.
const RULE: &str = "unowned-asset";
const GOOD: &str = "estate/good.yaml";

/// An application whose owner is missing, which is the finding.
fn application(name: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1\nkind: Application\nmetadata: {{name: {name}}}\nspec: {{type: cots, custom: false, exposure: internal}}\n"
    )
}

/// A repository with the good resource.
struct Estate {
    folder: TempDir,
}

impl Estate {
    fn new() -> Self {
        let estate = Self::without_git();
        git2::Repository::init(estate.root()).unwrap();
        estate
    }

    fn without_git() -> Self {
        let estate = Self { folder: tempfile::tempdir().unwrap() };
        estate.put("assize.yaml", "version: 1\nestate: ['estate/**']\n");
        estate.put(GOOD, application("good"));
        estate
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn check(&self, megabytes: u32, paths: &[&str]) -> Outcome {
        self.run(bounded(Path::new(env!("CARGO_BIN_EXE_assize")), megabytes), paths)
    }

    /// Runs the program and reads its report; the human format is written as well, since it reads the files
    /// of the estate once more.
    fn run(&self, mut command: Command, paths: &[&str]) -> Outcome {
        let human = self.folder.path().join("report.txt");
        let errors = self.folder.path().join("errors.txt");
        command.args(["check", "--threads", "1", "--as-of", "2026-11-20", "--rule", RULE]);
        command.args(["-o", "json", "-o"]).arg(format!("human={}", human.display())).args(paths);
        command.current_dir(self.root()).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(&errors).unwrap());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let result = stdout.read_to_end(&mut bytes).map(|_| bytes);
            sender.send(result)
        });
        let Ok(bytes) = receiver.recv_timeout(PATIENCE) else {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the run does not end");
        };
        reader.join().unwrap().unwrap();
        let status = child.wait().unwrap();
        let said: String = String::from_utf8_lossy(&read(&errors)).chars().take(2_000).collect();
        let report: Value = serde_json::from_slice(&bytes.unwrap())
            .unwrap_or_else(|error| panic!("{status}, no report ({error}); standard error:\n{said}"));
        let files = |key: &str, name: &str| -> Vec<(String, String)> {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let list = report[key].as_array().unwrap().iter();
            list.map(|each| (text(&each[name]), text(&each["location"]["file"]))).collect()
        };
        let mut problems = BTreeMap::new();
        for problem in files("problems", "code") {
            *problems.entry(problem).or_default() += 1;
        }
        let findings = files("findings", "rule").into_iter().map(|(_, file)| file).collect();
        Outcome { exit: status.code(), problems, findings, report }
    }
}

/// The program under a limit of memory. Only Linux keeps `ulimit -v`; elsewhere the cases run without it.
fn bounded(program: &Path, megabytes: u32) -> Command {
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", &(megabytes * 1024).to_string()]).arg(program);
        command
    } else {
        Command::new(program)
    };
    if cfg!(unix) {
        command.env_clear();
    }
    command
}

fn read(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

struct Outcome {
    exit: Option<i32>,
    /// How often each code is reported in each file.
    problems: BTreeMap<(String, String), usize>,
    /// The files with findings.
    findings: BTreeSet<String>,
    report: Value,
}

impl Outcome {
    /// That these and no other problems are reported, the exit code is theirs, and the good resource is judged.
    #[track_caller]
    fn expect(&self, problems: &[(&str, &str)]) {
        let expected: BTreeSet<(&str, &str)> = problems.iter().copied().collect();
        let found: BTreeSet<(&str, &str)> =
            self.problems.keys().map(|(code, file)| (code.as_str(), file.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(self.exit, Some(if problems.is_empty() { 1 } else { 2 }));
        assert!(self.findings.contains(GOOD), "{:?}", self.findings);
    }

    /// What the report says it passed over.
    fn skipped(&self) -> BTreeSet<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = self.report["notEvaluated"].as_array().unwrap().iter();
        list.map(|each| (text(&each["reason"]), text(&each["file"]))).collect()
    }
}

/// Checks one hostile file of this name, and that it gives problems with these codes and no others.
#[track_caller]
fn check_named(name: &str, bytes: impl AsRef<[u8]>, megabytes: u32, codes: &[&str]) -> Outcome {
    let estate = Estate::new();
    let file = format!("estate/{name}");
    estate.put(&file, bytes);
    let outcome = estate.check(megabytes, &[]);
    let expected: Vec<(&str, &str)> = codes.iter().map(|code| (*code, file.as_str())).collect();
    outcome.expect(&expected);
    outcome
}

#[track_caller]
fn check(bytes: impl AsRef<[u8]>, codes: &[&str]) -> Outcome {
    check_named("hostile.yaml", bytes, MEMORY, codes)
}
