//! A fresh folder with files in it, outside of every repository, and the program run there with a cleared environment.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test reads files itself, and may panic"
)]

use std::fs;
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

    /// The same with a copy of a folder of this project.
    pub(crate) fn with_copy_of(self, folder: &str) -> Self {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &self.folder);
        self
    }

    /// Writes a file, and the folders that it needs.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
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
