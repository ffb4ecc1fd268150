//! Streams and files.

use std::fs;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

use super::args::{Color, Common, Format, Output};
use super::{Failure, complain};
use crate::load::{Draft, Source};
use crate::problem::Problem;
use crate::report::{
    GroupBy, Human, Report, Sources, for_terminal, render_problems, write_csv, write_github, write_gitlab,
    write_job_summary, write_json, write_jsonl, write_junit, write_markdown, write_sarif, write_summary,
};

/// Columns where there is no terminal to ask.
const WIDTH: usize = 120;

/// How the human format is drawn on a stream.
pub(super) fn human(common: &Common, is_terminal: bool, group_by: GroupBy) -> Human {
    let color = match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && !has_variable("NO_COLOR") && !is_dumb(),
    };
    let width = terminal_size::terminal_size()
        .filter(|_| is_terminal)
        .map_or(WIDTH, |(width, _)| usize::from(width.0));
    let links = color && is_terminal && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
    Human { color, links, width: width.clamp(40, 160), quiet: common.quiet, group_by }
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
fn has_variable(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|value| value == "dumb")
}

/// The text of a file, read again for its snippets, and its absolute path.
pub(super) fn snippet(source: &dyn Source, top: Option<&Path>, file: &str) -> Option<(String, String)> {
    let text = String::from_utf8(source.read_path(file, u64::from(u32::MAX)).ok()?).ok()?;
    let path = top.map(|top| top.join(file).to_string_lossy().into_owned());
    Some((text, path.unwrap_or_default()))
}

/// Problems on standard error, for commands that have no report.
pub(super) fn problems_in(
    sources: &mut dyn FnMut(&str) -> Option<(String, String)>,
    problems: &[Problem],
    common: &Common,
) -> io::Result<()> {
    let mut text = Vec::new();
    render_problems(&human(common, io::stderr().is_terminal(), GroupBy::File), problems, sources, &mut text)?;
    io::stderr().lock().write_all(&text)
}

/// Writes text to standard output; a reader that has gone away is no error.
pub(super) fn to_stdout(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    forgive_closed(out.write_all(text).and_then(|()| out.flush()))
}

/// Writes text to standard error.
pub(super) fn to_stderr(text: &str) -> io::Result<()> {
    io::stderr().lock().write_all(for_terminal(text).as_bytes())
}

fn forgive_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a report in one format.
pub(super) fn write(
    output: &Output,
    report: &Report,
    group_by: GroupBy,
    common: &Common,
    sources: &mut Sources<'_>,
) -> io::Result<()> {
    if report.spooled.is_some() && !output.format.is_one_by_one() {
        // Never a report that shows none of them.
        return Err(io::Error::other("the findings wait on disk, and this format needs them in memory"));
    }
    let mut format = |out: &mut dyn Write, is_terminal: bool| match output.format {
        Format::Human => human(common, is_terminal, group_by).write(report, sources, out),
        Format::Json => write_json(report, out),
        Format::Jsonl => write_jsonl(report, out),
        Format::Sarif => write_sarif(report, sources, out),
        Format::Junit => write_junit(report, out),
        Format::Github => write_github(report, out),
        Format::Gitlab => write_gitlab(report, out),
        Format::Markdown => write_markdown(report, out),
        Format::Csv => write_csv(report, out),
        Format::Summary => write_summary(report, out),
    };
    match &output.file {
        None => {
            let stdout = io::stdout();
            let is_terminal = stdout.is_terminal();
            let mut out = BufWriter::new(stdout.lock());
            forgive_closed(format(&mut out, is_terminal).and_then(|()| out.flush()))
        }
        Some(path) => to_file(path, &mut |out| format(out, false)),
    }
}

/// Adds the summary of a job to the file that GitHub Actions names, if it names one.
pub(super) fn job_summary(report: &Report) -> io::Result<()> {
    let Some(path) = job_summary_file() else { return Ok(()) };
    let written = fs::OpenOptions::new().append(true).create(true).open(&path).and_then(|file| {
        let mut out = BufWriter::new(file);
        write_job_summary(report, &mut out)?;
        out.flush()
    });
    written.map_err(|error| {
        io::Error::other(format!("{}, as GITHUB_STEP_SUMMARY says: {error}", path.display()))
    })
}

/// The file for the summary of a job, which is no input of the run.
#[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
pub(super) fn job_summary_file() -> Option<PathBuf> {
    std::env::var("GITHUB_STEP_SUMMARY").ok().filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Writes a file, whole or not at all.
pub(super) fn to_file(
    path: &Path,
    format: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    draft(path, format).and_then(|draft| finish(path, draft))
}

/// Writes files, all of them or none.
pub(super) fn to_files<P: AsRef<Path>>(
    paths: &[P],
    format: &mut dyn FnMut(usize, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let drafts = paths.iter().enumerate().map(|(at, path)| draft(path.as_ref(), &mut |out| format(at, out)));
    let drafts: Vec<Draft> = drafts.collect::<io::Result<_>>()?;
    paths.iter().zip(drafts).try_for_each(|(path, draft)| finish(path.as_ref(), draft))
}

fn draft(path: &Path, format: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<Draft> {
    leave_nothing_behind();
    let written = Draft::begin(path).and_then(|mut draft| {
        let mut out = BufWriter::with_capacity(64 << 10, &mut draft);
        format(&mut out)?;
        out.flush()?;
        drop(out);
        Ok(draft)
    });
    written.map_err(|error| named(path, &error))
}

fn finish(path: &Path, draft: Draft) -> io::Result<()> {
    draft.finish().map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

/// Writes each output, also where another one could not be written: all that fail are told.
pub(super) fn each<T>(
    outputs: &[T],
    mut write: impl FnMut(&T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = None;
    for failure in outputs.iter().filter_map(|output| write(output).err()) {
        if let Some(earlier) = failed.replace(failure) {
            complain(&earlier);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Sees to it that files which are not whole yet go when a signal ends the process.
pub(super) fn leave_nothing_behind() {
    static BEGUN: Once = Once::new();
    #[cfg(unix)]
    BEGUN.call_once(signals::remove_drafts_at_the_end);
    // Elsewhere they stay behind, under names of their own.
    #[cfg(not(unix))]
    BEGUN.call_once(|| ());
}

#[cfg(unix)]
pub(super) mod signals {
    //! What signals do: their default, after a look at what is unfinished.

    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag;
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use crate::load::remove_drafts;

    /// A file that grows beyond what the system allows is an error of its writer, not the end of the process.
    pub(in crate::cli) fn survive_large_files() {
        // Where that is not possible, the signal ends the process, as it did.
        drop(flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))));
    }

    pub(super) fn remove_drafts_at_the_end() {
        let ends = [SIGINT, SIGTERM];
        let Ok(mut signals) = Signals::new(ends) else { return };
        let wait = move || {
            for signal in &mut signals {
                let _none_is_finished = remove_drafts();
                drop(emulate_default_handler(signal));
            }
        };
        if std::thread::Builder::new().name("signals".to_owned()).spawn(wait).is_err() {
            // Without a thread to spare, the process must end all the same.
            for signal in ends {
                drop(flag::register_conditional_default(signal, Arc::new(AtomicBool::new(true))));
            }
        }
    }
}
