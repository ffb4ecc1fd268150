//! A fresh folder with files in it, outside of every repository, and the program run there with a cleared environment.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test reads files itself, and may panic"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

/// The day of the clinic and of the generated estate.
pub(crate) const DAY: &str = "2026-11-20";

/// A folder that is removed with this value.
#[derive(Debug)]
pub(crate) struct Scene {
    /// Absolute, without links.
    pub(crate) folder: PathBuf,
}

/// How a run of the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Scene {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("assize-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder: folder.canonicalize().unwrap() }
    }

    /// The same with one more file.
    pub(crate) fn with(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// The same with the example of the clinic as its content.
    pub(crate) fn with_clinic(self) -> Self {
        self.with_example("clinic")
    }

    /// The same with an example of the repository as its content.
    pub(crate) fn with_example(self, name: &str) -> Self {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), &self.folder);
        self
    }

    /// Writes a file, and the folders that it needs.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).unwrap()
    }

    /// Makes a repository of the folder, in which nothing is tracked yet.
    pub(crate) fn init(&self) -> git2::Repository {
        // Not even the templates of this machine.
        let options = &mut git2::RepositoryInitOptions::new();
        git2::Repository::init_opts(&self.folder, options.external_template(false)).unwrap()
    }

    /// Makes a repository with everything that is not ignored in its one commit.
    pub(crate) fn commit(&self) {
        let repository = self.init();
        let mut index = repository.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = git2::Signature::new("a", "a@example.org", &git2::Time::new(0, 0)).unwrap();
        repository.commit(Some("HEAD"), &author, &author, "Begin", &tree, &[]).unwrap();
    }

    /// A run of the program that has not begun.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
        command.args(arguments).current_dir(&self.folder).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        finish(&mut self.command(arguments))
    }

    /// Runs the program and gives it something to read.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        finish_with_input(&mut self.command(arguments), input)
    }

    /// Runs `check` on the day of the examples with these further arguments; gives the report of the json format.
    pub(crate) fn report(&self, arguments: &[&str]) -> Value {
        let all = [&["check", "-o", "json", "--as-of", DAY], arguments].concat();
        let outcome = self.run(&all);
        serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("no report ({error}): {}{}", outcome.stdout, outcome.stderr))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // A folder that stays behind is no reason to fail.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Outcome {
    outcome(&command.output().unwrap())
}

/// Runs a command to its end and gives it something to read.
pub(crate) fn finish_with_input(command: &mut Command, input: &str) -> Outcome {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends before it reads says why by itself.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    outcome(&child.wait_with_output().unwrap())
}

fn outcome(output: &std::process::Output) -> Outcome {
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The findings of a report, one line each: place, rule, resource, path, message.
pub(crate) fn finding_lines(report: &Value) -> Vec<String> {
    let text = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let list = report.get("findings").unwrap().as_array().unwrap();
    list.iter()
        .map(|finding| {
            format!(
                "{} {} {}/{} {}: {}",
                place(finding.get("location").unwrap()),
                text(finding, "/rule"),
                text(finding, "/resource/kind"),
                text(finding, "/resource/name"),
                text(finding, "/location/path"),
                text(finding, "/message"),
            )
        })
        .collect()
}

/// The problems of a report, one line each: place, code, message.
pub(crate) fn problem_lines(report: &Value) -> Vec<String> {
    let text = |value: &Value, key: &str| value.get(key).unwrap().as_str().unwrap().to_owned();
    let list = report.get("problems").unwrap().as_array().unwrap();
    list.iter()
        .map(|problem| {
            let place = match problem.get("location").unwrap() {
                Value::Null => "-".to_owned(),
                location => place(location),
            };
            format!("{place} {}: {}", text(problem, "code"), text(problem, "message"))
        })
        .collect()
}

fn place(location: &Value) -> String {
    let number = |key: &str| location.get(key).unwrap().as_u64().unwrap();
    format!("{}:{}:{}", location.get("file").unwrap().as_str().unwrap(), number("line"), number("column"))
}
