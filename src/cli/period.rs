//! `assize period` and `assize blame`: what history has to say.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::BoolishValueParser;

use super::args::{Common, LimitArguments, SelectionArguments, split_output};
use super::check::{Progress, as_of, bounds, distinct_files, selection, watch_rules};
use super::place::{policies, repository};
use super::{Failure, output};
use crate::date::Moment;
use crate::exit::Exit;
use crate::load::Source;
use crate::policy::{Approvals, parse_approvals};
use crate::report::{Blame, Period};
use crate::run::{
    BlameRequest, Cache, CheckRequest, History, PeriodPolicies, PeriodRequest, PolicyError, blame, period,
};

/// Bytes of a file of approvals.
const LARGEST: u64 = 256 << 20;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize period --from 2026-01-01 --to 2026-06-30
  assize period --from 2026-01-01 --to 2026-06-30 --framework hipaa -o markdown=half-year.md -o json=half-year.json
  assize period --from 2026-01-01 --to 2026-06-30 --policies each
  assize period --from 2026-01-01 --to 2026-06-30 --sample 25 --seed 2026-h1
  assize period --from 2026-01-01 --to 2026-06-30 --approvals approvals.json

Each commit of the branch is judged as of its day, and so is each day between, since some rules read the clock.
Waivers are those of each commit. Days and times are in UTC.
Git proves what stood in a commit, not who approved it. A commit is recorded where a Change of the estate (at the end) names
it and somebody else approved that no later than the commit, imported where a file of --approvals says so, else unproven.
Exit codes: 0 everything could be checked all the time, 2 something could not.")]
pub(super) struct PeriodArguments {
    /// The first day
    #[arg(long, value_name = "DATE")]
    from: String,
    /// The last day [default: today, in UTC]
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// The branch or commit at whose end the history is read
    #[arg(long, value_name = "REV", default_value = "HEAD", env = "ASSIZE_REV")]
    rev: String,
    /// Which policies judge: those at the end of the period, those of each commit, or those of a folder or clone
    #[arg(long, value_name = "end|each|FOLDER[@REV]", default_value = "end")]
    policies: String,
    /// Draw so many resources and so many commits, to be looked at by hand
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// The seed of the draw: the same seed draws the same
    #[arg(long, value_name = "TEXT", default_value = "", requires = "sample")]
    seed: String,
    /// A file that says who approved which commits, as `assize schema approvals` describes it; may be repeated
    #[arg(long, value_name = "FILE")]
    approvals: Vec<PathBuf>,
    /// Output format, and a file to write it to: human, json, markdown, csv (deviations); may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_delimiter = ',', default_value = "human", value_parser = parse_output)]
    output: Vec<Output>,
    #[command(flatten)]
    selection: SelectionArguments,
    /// A commit or day on which nothing is evaluated is all right
    #[arg(long, env = "ASSIZE_ALLOW_EMPTY", value_parser = BoolishValueParser::new())]
    allow_empty: bool,
    /// Keep what is learnt of the history for the next run, in this folder [default: assize-cache in the git folder]
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    cache: Option<CachePlace>,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize blame                        all findings that count
  assize blame unencrypted-data-store those of a rule
  assize blame DataStore/shop-db      those of a resource
  assize blame a7d60375a8d0ea27       one, by the beginning of its fingerprint

History is evaluated, not read: a finding is born with the first commit since which it holds without a gap, by the
policies of each commit, as of its day.
Exit codes: 0 everything could be checked all the time, 2 something could not.")]
pub(super) struct BlameArguments {
    /// A rule, a resource, or a fingerprint [default: all findings]
    #[arg(value_name = "FINGERPRINT|RULE|RESOURCE")]
    of: Option<String>,
    /// The branch or commit at whose end the history is read
    #[arg(long, value_name = "REV", default_value = "HEAD", env = "ASSIZE_REV")]
    rev: String,
    /// The clock of the run: 2026-11-20 [default: today, in UTC]
    #[arg(long, value_name = "DATE", env = "ASSIZE_AS_OF")]
    as_of: Option<String>,
    /// Output format, and a file to write it to: human, json, csv; may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_delimiter = ',', default_value = "human", value_parser = parse_output)]
    output: Vec<Output>,
    #[command(flatten)]
    selection: SelectionArguments,
    /// A commit or day on which nothing is evaluated is all right
    #[arg(long, env = "ASSIZE_ALLOW_EMPTY", value_parser = BoolishValueParser::new())]
    allow_empty: bool,
    /// Keep what is learnt of the history for the next run, in this folder [default: assize-cache in the git folder]
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    cache: Option<CachePlace>,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(Clone, Debug)]
struct Output {
    format: Format,
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Human,
    Json,
    Markdown,
    Csv,
}

fn parse_output(text: &str) -> Result<Output, String> {
    let (name, file) = split_output(text)?;
    let format = match name {
        "human" => Format::Human,
        "json" => Format::Json,
        "markdown" => Format::Markdown,
        "csv" => Format::Csv,
        other => return Err(format!("there is no format {other}; known: human, json, markdown, csv")),
    };
    Ok(Output { format, file })
}

/// Where a cache is.
#[derive(Clone, Debug)]
pub(super) enum CachePlace {
    /// In the folder of git.
    Own,
    /// There.
    Folder(PathBuf),
}

impl From<String> for CachePlace {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::Own } else { Self::Folder(text.into()) }
    }
}

pub(super) fn day(flag: &str, text: &str) -> Result<Moment, Failure> {
    let day = Moment::parse(text).filter(|moment| moment.day() == *moment);
    day.ok_or_else(|| Failure::Plain(format!("{flag} {text:?} should be a day: 2026-11-20")))
}

/// The history of a commit, as far as a day.
pub(super) fn history(rev: &str, to: &Moment) -> Result<History, Failure> {
    let mut history = whole_history(rev)?;
    history.end_with(to);
    Ok(history)
}

/// The history of a commit.
pub(super) fn whole_history(rev: &str) -> Result<History, Failure> {
    let start = Path::new(".");
    let repository = repository(start)?;
    let head = repository.resolve(rev)?.commit;
    Ok(History::read(&repository, start, head)?)
}

fn request(
    selected: &SelectionArguments,
    limits: &LimitArguments,
    to: &Moment,
    allow_empty: bool,
    common: &Common,
) -> CheckRequest {
    CheckRequest {
        selection: selection(selected),
        limits: bounds(limits),
        as_of: to.text().to_owned(),
        allow_empty,
        threads: common.threads,
        ..CheckRequest::default()
    }
}

fn write_all(
    outputs: &[Output],
    write: &dyn Fn(Format, &mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    output::each(outputs, |output| {
        match &output.file {
            None => {
                let mut bytes = Vec::new();
                write(output.format, &mut bytes)?;
                output::to_stdout(&bytes)?;
            }
            Some(path) => output::to_file(path, &mut |out| write(output.format, out))?,
        }
        Ok(())
    })
}

pub(super) fn run(arguments: &PeriodArguments, common: &Common) -> Result<Exit, Failure> {
    distinct_files(arguments.output.iter().map(|output| output.file.as_deref()))?;
    watch_rules();
    let from = day("--from", &arguments.from)?;
    let to = day("--to", &as_of(arguments.to.as_deref())?)?;
    if to.is_certainly_before(&from) {
        return Err(Failure::Plain(format!("--to {} lies before --from {}", to.text(), from.text())));
    }
    let Some(approvals) = approvals(&arguments.approvals, common)? else { return Ok(Exit::Problems) };
    let history = history(&arguments.rev, &to)?;
    let cache = cache(arguments.cache.as_ref(), &history);
    let place: Box<dyn Source>;
    let judged_by = match arguments.policies.as_str() {
        "end" => PeriodPolicies::End,
        "each" => PeriodPolicies::Each,
        other => {
            place = policies(other, None)?;
            PeriodPolicies::Place(&*place)
        }
    };
    let request = PeriodRequest {
        check: request(&arguments.selection, &arguments.limits, &to, arguments.allow_empty, common),
        from,
        to,
        policies: judged_by,
        sample: arguments.sample.map(|size| (size, arguments.seed.clone())),
        approvals: &approvals,
        cache: cache.as_ref(),
    };
    let progress = Progress::new(common);
    let result = period(&history, &request, &|done, total| progress.tell(done, total));
    progress.end();
    tell(cache.as_ref(), common)?;
    let Some(period) = told(result, common)? else { return Ok(Exit::Problems) };
    write_all(&arguments.output, &|format, out| match format {
        Format::Human => period.write_human(out),
        Format::Json => period.write_json(out),
        Format::Markdown => period.write_markdown(out),
        Format::Csv => period.write_csv(out),
    })?;
    Ok(if Period::is_checked(&period) { Exit::Clean } else { Exit::Problems })
}

pub(super) fn run_blame(arguments: &BlameArguments, common: &Common) -> Result<Exit, Failure> {
    distinct_files(arguments.output.iter().map(|output| output.file.as_deref()))?;
    if arguments.output.iter().any(|output| output.format == Format::Markdown) {
        return Err(Failure::Plain("there is no format markdown here; known: human, json, csv".to_owned()));
    }
    watch_rules();
    let to = day("--as-of", &as_of(arguments.as_of.as_deref())?)?;
    let history = history(&arguments.rev, &to)?;
    let cache = cache(arguments.cache.as_ref(), &history);
    let request = BlameRequest {
        check: request(&arguments.selection, &arguments.limits, &to, arguments.allow_empty, common),
        as_of: to,
        of: arguments.of.clone(),
        cache: cache.as_ref(),
    };
    let progress = Progress::new(common);
    let result = blame(&history, &request, &|done, total| progress.tell(done, total));
    progress.end();
    tell(cache.as_ref(), common)?;
    let Some(blame) = told(result, common)? else { return Ok(Exit::Problems) };
    write_all(&arguments.output, &|format, out| match format {
        Format::Json => blame.write_json(out),
        Format::Csv => blame.write_csv(out),
        Format::Human | Format::Markdown => blame.write_human(out),
    })?;
    Ok(if Blame::is_checked(&blame) { Exit::Clean } else { Exit::Problems })
}

/// Reads files of approvals; none if one cannot be used, which is told.
pub(super) fn approvals(files: &[PathBuf], common: &Common) -> Result<Option<Vec<Approvals>>, Failure> {
    let mut found = Vec::new();
    for file in files {
        let refuse = |reason: String| Failure::Plain(format!("{}: {reason}", file.display()));
        let mut bytes = Vec::new();
        let opened = fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
        opened.map_err(|error| refuse(format!("the approvals cannot be read: {error}")))?;
        if bytes.len() as u64 > LARGEST {
            return Err(refuse(format!("the file of approvals has more than {LARGEST} bytes")));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let name = file.to_string_lossy().replace('\\', "/");
        match parse_approvals(bytes, &name.into()) {
            Ok(approvals) => found.push(approvals),
            Err(problems) => {
                output::problems_in(&mut |_| Some((text.clone(), String::new())), &problems, common)?;
                return Ok(None);
            }
        }
    }
    Ok(Some(found))
}

/// The cache that the command line names: none, that of the repository, or another folder.
pub(super) fn cache(place: Option<&CachePlace>, history: &History) -> Option<Cache> {
    place.map(|place| {
        output::leave_nothing_behind();
        Cache::at(match place {
            CachePlace::Own => history.repository.data().join("assize-cache"),
            CachePlace::Folder(folder) => folder.clone(),
        })
    })
}

/// Says what went wrong with a cache.
pub(super) fn tell(cache: Option<&Cache>, common: &Common) -> Result<(), Failure> {
    if common.quiet {
        return Ok(());
    }
    let notes = cache.into_iter().flat_map(Cache::notes);
    notes.into_iter().try_for_each(|note| output::to_stderr(&format!("note: {note}\n"))).map_err(Into::into)
}

/// The result; none if the configuration has problems, which are shown.
fn told<T>(result: Result<T, PolicyError>, common: &Common) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(PolicyError::Load(error)) => Err(error.into()),
        Err(PolicyError::Configuration(problems)) => {
            output::problems_in(&mut |_| None, &problems, common)?;
            Ok(None)
        }
    }
}
