//! What replaying a history costs: `cargo bench --bench period [-- COMMITS RESOURCES [FOLDER]]`, by default 10,000 commits over 1,000
//! resources. With a folder, the repository is only written there, for a profiler.
//!
//! The estate is that of `estate/`, from a fixed seed; every commit edits one file as people do, spread over 300 days, so that each holds a
//! content that no other has. Whole runs are processes of their own. `git fast-import` writes the repository to a temporary folder.

#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a benchmark writes files and prints what it measures"
)]

mod estate;

use std::env;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SEED: u64 = 20_261_120;
/// 2026-01-01 in seconds.
const BEGIN: u64 = 1_767_225_600;
/// The first and the last day.
const PERIOD: [&str; 2] = ["2026-01-01", "2026-10-27"];
const SECONDS: u64 = 300 * 86_400;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let size = |at: usize| arguments.get(at).and_then(|argument| argument.parse().ok());
    let (commits, resources) = (size(0).unwrap_or(10_000), size(1).unwrap_or(1_000));
    let files = estate::generate(resources, SEED);
    let write = |folder: &Path| write(folder, &files, commits).expect("git writes a repository");
    if let Some(folder) = arguments.get(2) {
        write(Path::new(folder));
        return;
    }
    let folder = env::temp_dir().join(format!("assize-bench-period-{}", std::process::id()));
    write(&folder);
    println!("\n### {commits} commits of {resources} resources in {} files, two threads\n", files.len());
    println!("| | time | a commit |\n| --- | --- | --- |");
    let each = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3 / commits as f64);
    for (name, more) in [
        ("`period`", &[][..]),
        ("`period --cache`, the first run", &["--cache"]),
        ("`period --cache`, again", &["--cache"]),
    ] {
        let time = period(&folder, more);
        println!("| {name} | {:.2} s | {} |", time.as_secs_f64(), each(time));
    }
    drop(fs::remove_dir_all(&folder));
}

fn period(folder: &Path, more: &[&str]) -> Duration {
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.args(["period", "--from", PERIOD[0], "--to", PERIOD[1], "-o", "json"]).args(more);
    let status = command.current_dir(folder).env_clear().stdout(Stdio::null()).status();
    assert!(matches!(status.expect("the program runs").code(), Some(0 | 1)), "there is no problem");
    start.elapsed()
}

/// Writes the repository: the estate, then commits that edit one file each.
fn write(folder: &Path, files: &[estate::EstateFile], commits: usize) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(folder);
        command
    };
    let done = git(&["init", "-q", "-b", "main"]).status()?.success();
    let mut import = git(&["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let mut stream = BufWriter::new(import.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?);
    let mut random = SEED;
    let step = SECONDS / (commits as u64 + 1);
    for number in 0..=commits {
        let seconds = BEGIN + step * number as u64;
        writeln!(
            stream,
            "commit refs/heads/main\ncommitter A <a@example.org> {seconds} +0000\ndata 6\nChange"
        )?;
        if number == 0 {
            for file in files {
                put(&mut stream, &file.path, &file.text)?;
            }
            continue;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = usize::try_from(random >> 33).unwrap_or_default();
        let Some(file) = files.get(drawn % files.len()) else { continue };
        put(&mut stream, &file.path, &edited(&file.text, number, drawn / files.len()))?;
    }
    drop(stream);
    let imported = import.wait()?.success();
    let checked_out = git(&["reset", "-q", "--hard", "main"]).status()?.success();
    if done && imported && checked_out { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
}

fn put(stream: &mut impl Write, path: &str, text: &str) -> io::Result<()> {
    writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len())
}

/// One of the ten resources gets another title; every third time one also gets another owner, and every third time a record
/// of one becomes two years older.
fn edited(text: &str, number: usize, drawn: usize) -> String {
    let mut edited = replaced(text, "\n  title: ", drawn, |_| format!("Edit {number} "));
    match drawn % 3 {
        0 => edited = replaced(&edited, "\n  owner: ", drawn, |_| "Team:archive-00000-team-1 ".to_owned()),
        1 => edited = replaced(&edited, "On: ", drawn, |date| date.replacen("2026", "2024", 1)),
        _ => {}
    }
    edited
}

/// A text with another value behind one of the places of a key. What is anchored, quoted or in braces stays, for others use it.
fn replaced(text: &str, key: &str, drawn: usize, change: impl Fn(&str) -> String) -> String {
    let plain = |at: &usize| {
        let rest = text.get(at + key.len()..).unwrap_or_default();
        rest.chars().next().is_some_and(|first| !"&*'\"|>{[\n".contains(first))
    };
    let places: Vec<usize> = text.match_indices(key).map(|(at, _)| at).filter(plain).collect();
    let Some(start) = places.get(drawn % places.len().max(1)).map(|at| at + key.len()) else {
        return text.to_owned();
    };
    let (before, rest) = text.split_at(start);
    let (value, after) = rest.split_at(rest.find(['\n', '#', ',', '}']).unwrap_or(rest.len()));
    format!("{before}{}{after}", change(value))
}
