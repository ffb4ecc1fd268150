//! `assize check`.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::args::{CheckArguments, Common, Format, Grouping, LimitArguments, Output, SelectionArguments};
use super::place::Place;
use super::{Failure, baseline, output};
use crate::date::Moment;
use crate::exit::Exit;
use crate::load::{Root, verify_objects};
use crate::policy::{BaselineChoice, Selection};
use crate::rego::Watch;
use crate::report::{GroupBy, Report, Sources};
use crate::run::{Buffer, CheckRequest, Limits, PolicyError, StandardInput, check};
use crate::yaml;

pub(super) fn run(arguments: &CheckArguments, common: &Common) -> Result<Exit, Failure> {
    distinct_outputs(&arguments.output)?;
    watch_rules();
    let mut request = request(arguments, common)?;
    verify_objects(arguments.origin.verify_objects);
    let start = match &request.standard_input {
        Some(input) => Some(Path::new(&input.file).parent().map_or(Path::new("."), existing_folder)),
        None => arguments.paths.first().map(AsRef::as_ref),
    };
    let place = Place::open(&arguments.origin, start.unwrap_or_else(|| Path::new(".")))?;
    if let Some(file) = &arguments.gate.baseline {
        request.outputs.push(file.clone());
        match baseline::read(file, place.work_tree())? {
            Ok(baseline) => request.selection.baseline = BaselineChoice::Given(Arc::new(baseline)),
            Err(problems) => {
                output::problems_in(&mut |file| place.snippet(file), &problems, common)?;
                return Ok(Exit::Problems);
            }
        }
    }
    match (&mut request.standard_input, place.work_tree()) {
        (Some(input), Some(root)) => input.file = from_top(root, &input.file)?,
        (Some(_), None) => {
            return Err(Failure::Plain(
                "standard input (`-`) is no part of a commit; leave out --rev".to_owned(),
            ));
        }
        // What the run writes is no file of a commit, whatever it is called.
        (None, None) => request.outputs.clear(),
        (None, Some(_)) => {}
    }
    let progress = Progress::new(common);
    let report = match check(&place.sources(), &request, &|done, total| progress.tell(done, total)) {
        Ok(report) => report,
        Err(PolicyError::Load(error)) => return Err(error.into()),
        Err(PolicyError::Configuration(problems)) => {
            progress.end();
            output::problems_in(&mut |file| place.snippet(file), &problems, common)?;
            return Ok(Exit::Problems);
        }
    };
    progress.end();
    let standard_input = request.standard_input;
    let mut sources = |file: &str| match &standard_input {
        Some(input) if input.file == file => {
            Some((String::from_utf8(input.bytes.clone()).ok()?, file.to_owned()))
        }
        _ => place.snippet(file),
    };
    finish(&report, &arguments.output, arguments.gate.group_by, common, &mut sources)
}

/// Refuses two formats for one place.
pub(super) fn distinct_outputs(outputs: &[Output]) -> Result<(), Failure> {
    distinct_files(outputs.iter().map(|output| output.file.as_deref()))
}

/// The same of the files alone; none is standard output.
pub(super) fn distinct_files<'o>(outputs: impl Iterator<Item = Option<&'o Path>>) -> Result<(), Failure> {
    let (files, stdout): (Vec<_>, Vec<_>) = outputs.partition(Option::is_some);
    if stdout.len() > 1 {
        return Err(Failure::Plain(
            "two formats go to standard output; give one a file: -o json=report.json".to_owned(),
        ));
    }
    let mut files: Vec<&Path> = files.into_iter().flatten().collect();
    files.sort();
    if let Some([file, _]) = files.windows(2).find(|pair| pair.first() == pair.last()) {
        return Err(Failure::Plain(format!("two formats go to {}", file.display())));
    }
    Ok(())
}

/// Writes the formats, and says how the run ends.
pub(super) fn finish(
    report: &Report,
    outputs: &[Output],
    group_by: Grouping,
    common: &Common,
    sources: &mut Sources<'_>,
) -> Result<Exit, Failure> {
    let group_by = match group_by {
        Grouping::File => GroupBy::File,
        Grouping::Owner => GroupBy::Owner,
        Grouping::Rule => GroupBy::Rule,
    };
    let written = output::each(outputs, |output| {
        output::write(output, report, group_by, common, sources).map_err(Failure::from)
    });
    if outputs.iter().any(|output| output.format == Format::Github) {
        output::job_summary(report)?;
    }
    written?;
    Ok(exit_code(report))
}

/// How a run ends.
pub(super) fn exit_code(report: &Report) -> Exit {
    let mut exit = Exit::Clean;
    if report.fails() {
        exit = exit.max(Exit::Findings);
    }
    if !report.problems.is_empty() {
        exit = exit.max(Exit::Problems);
    }
    exit
}

fn request(arguments: &CheckArguments, common: &Common) -> Result<CheckRequest, Failure> {
    let is_input = |path: &PathBuf| path == Path::new("-");
    let standard_input = if arguments.paths.iter().any(is_input) {
        if arguments.paths.len() > 1 {
            return Err(Failure::Plain(
                "`-` stands for standard input and goes with no other path".to_owned(),
            ));
        }
        let mut bytes = Vec::new();
        let limit = arguments.limits.max_file_size;
        io::stdin()
            .lock()
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::Plain(format!("cannot read standard input: {error}")))?;
        if bytes.len() as u64 > limit {
            return Err(Failure::Plain(format!(
                "standard input has more than {limit} bytes; raise --max-file-size"
            )));
        }
        Some(StandardInput { file: arguments.stdin_filename.replace('\\', "/"), bytes })
    } else {
        None
    };
    Ok(CheckRequest {
        paths: if standard_input.is_some() { Vec::new() } else { arguments.paths.clone() },
        standard_input,
        selection: selection(&arguments.selection),
        limits: bounds(&arguments.limits),
        as_of: as_of(arguments.as_of.as_deref())?,
        fail_on: arguments.fail_on.map(super::args::FailOn::threshold),
        max: arguments.gate.max.iter().copied().collect(),
        owners: arguments.gate.owner.clone(),
        with_digests: false,
        allow_empty: arguments.allow_empty,
        verify_reads: arguments.verify_reads,
        with_population: false,
        is_last: true,
        outputs: {
            let files = arguments.output.iter().filter_map(|output| output.file.clone());
            files.chain(output::job_summary_file()).collect()
        },
        // Other formats want to see all findings at once.
        buffer: arguments
            .output
            .iter()
            .all(|output| output.format.is_one_by_one())
            .then(|| Buffer { findings: arguments.buffer_findings, folder: scratch_folder() }),
        threads: common.threads,
    })
}

/// Where files may be larger than memory, while `/tmp` often is memory (Filesystem Hierarchy Standard 3.0, 5.15).
const LARGE: &str = "/var/tmp";

/// Where to put what does not fit into memory: the folder that `TMPDIR` names, else one for large files.
#[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
fn scratch_folder() -> PathBuf {
    let named = std::env::var("TMPDIR").ok().filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let large = || Some(PathBuf::from(LARGE)).filter(|folder| folder.is_dir());
    named.or_else(large).unwrap_or_else(std::env::temp_dir)
}

/// The rules and kinds that are asked for.
pub(super) fn selection(arguments: &SelectionArguments) -> Selection {
    Selection {
        frameworks: arguments.framework.clone(),
        rules: arguments.rule.clone(),
        kinds: arguments.kind.clone(),
        with_examples: false,
        with_changes: false,
        baseline: BaselineChoice::Configured,
    }
}

/// The limits of a run.
pub(super) fn bounds(limits: &LimitArguments) -> Limits {
    Limits {
        file_size: limits.max_file_size,
        yaml: yaml::Limits {
            depth: usize::from(limits.max_depth),
            nodes: limits.max_nodes,
            alias_nodes: limits.max_alias_nodes,
            documents: limits.max_documents,
            strict: limits.strict_parser,
        },
    }
}

/// The nearest folder around a path that exists; the path itself need not.
pub(super) fn existing_folder(path: &Path) -> &Path {
    path.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

/// The path that standard input is taken to have, from the top of the repository as every other path.
fn from_top(root: &Root, path: &str) -> Result<String, Failure> {
    let folder = Path::new(path).parent().map_or(Path::new("."), existing_folder);
    let rest = Path::new(path).strip_prefix(folder).unwrap_or(Path::new(path));
    let names = rest.components().map(|component| match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let names: Option<Vec<&str>> = names.collect();
    let found = root.relative(folder).zip(names.filter(|names| !names.is_empty()));
    let (above, names) = found.ok_or_else(|| {
        Failure::Plain(format!("--stdin-filename {path} should name a file within the repository"))
    })?;
    Ok(if above.is_empty() { names.join("/") } else { format!("{above}/{}", names.join("/")) })
}

/// The clock of the run: read here, once, and passed down.
pub(super) fn as_of(given: Option<&str>) -> Result<String, Failure> {
    let Some(text) = given else {
        let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        return Ok(today.to_string());
    };
    if Moment::parse(text).is_some() {
        return Ok(text.to_owned());
    }
    Err(Failure::Plain(format!("--as-of {text:?} should be 2026-11-20 or 2026-11-20T08:00:00Z")))
}

/// So many seconds an evaluation of one rule on one resource may take. Steps and memory bound it long before; what
/// they do not bound cannot be stopped but by ending the run.
const PATIENCE: u32 = 60;

/// Ends the program with exit code 2 if a rule never comes back.
pub(super) fn watch_rules() {
    let watch = || {
        let mut watch = Watch::default();
        loop {
            std::thread::sleep(Duration::from_secs(1));
            if let Some(rule) = watch.look(PATIENCE) {
                let message = format!("rule {rule} has not come to an end on one resource for {PATIENCE} s");
                super::complain(&Failure::Plain(message));
                #[expect(
                    clippy::exit,
                    clippy::disallowed_methods,
                    reason = "the thread that hangs cannot be stopped"
                )]
                std::process::exit(Exit::Problems as i32);
            }
        }
    };
    // Without a thread to spare nobody watches, and the run is none the worse.
    drop(std::thread::Builder::new().name("watch".to_owned()).spawn(watch));
}

/// A bar for long work, where somebody watches.
pub(super) struct Progress {
    bar: Mutex<Option<ProgressBar>>,
    is_wanted: bool,
}

/// Less than this is done before a bar could be read.
const LONG_WORK: u64 = 32 << 20;

impl Progress {
    pub(super) fn new(common: &Common) -> Self {
        Self { bar: Mutex::new(None), is_wanted: !common.quiet && io::stderr().is_terminal() }
    }

    pub(super) fn tell(&self, done: u64, total: u64) {
        if !self.is_wanted || total < LONG_WORK {
            return;
        }
        let Ok(mut bar) = self.bar.lock() else { return };
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        bar.set_position(done);
    }

    pub(super) fn end(&self) {
        if let Ok(Some(bar)) = self.bar.lock().as_deref() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Arguments, Command};

    fn limits(more: &[&str]) -> yaml::Limits {
        let line = ["assize", "check"].iter().chain(more);
        match Arguments::try_parse_from(line).unwrap().command {
            Command::Check(arguments) => bounds(&arguments.limits).yaml,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn limits_of_the_parser() {
        assert!(!limits(&[]).strict && limits(&["--strict-parser"]).strict);
        assert_eq!(limits(&["--max-nodes", "7"]).nodes, 7);
    }
}
