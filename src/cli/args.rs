//! What can be typed.

use super::period::{BlameArguments, CachePlace, PeriodArguments};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::estate::Pattern;
use crate::finding::Severity;

/// Checks an IT estate declared in YAML against rules that cite PCI-DSS, HIPAA, GDPR, COBIT and ITIL.
#[derive(Debug, Parser)]
#[command(
    name = "assize",
    version,
    arg_required_else_help = true,
    after_help = "\
Exit codes: 0 clean, 1 findings at or above the threshold, 2 something could not be checked."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct Common {
    /// When to use colours and links; `NO_COLOR` is honoured
    #[arg(long, global = true, value_enum, default_value = "auto", env = "ASSIZE_COLOR")]
    pub(super) color: Color,
    /// Threads; 0 takes one a core
    #[arg(long, global = true, default_value_t = 0, env = "ASSIZE_THREADS", value_name = "N")]
    pub(super) threads: usize,
    /// Print nothing but findings and problems
    #[arg(short, long, global = true, env = "ASSIZE_QUIET", value_parser = BoolishValueParser::new())]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the estate, or parts of it, against the rules
    Check(Box<CheckArguments>),
    /// Write down the findings that stand, which then fail no gate
    Baseline(Box<BaselineArguments>),
    /// Compare two versions: findings that are new, fixed or persisting, and why
    Diff(Box<DiffArguments>),
    /// Replay a stretch of history: what held for how long, and what did not
    Period(Box<PeriodArguments>),
    /// Tell since when findings hold, which commits brought them, and why
    Blame(Box<BlameArguments>),
    /// Report to an auditor: the outcome of each requirement, and what it rests on
    Report(Box<ReportArguments>),
    /// Write a small estate with rules of its own, to begin with
    Init(InitArguments),
    /// Run the examples that rules carry
    Test(TestArguments),
    /// List what there is
    List(ListArguments),
    /// Explain a rule, a requirement, a kind or a problem code
    Explain(ExplainArguments),
    /// Print a JSON Schema: of a kind, or of a document of assize
    Schema(SchemaArguments),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  assize completions bash > ~/.local/share/bash-completion/completions/assize"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize check                                  the whole estate around the current folder
  assize check estate/data                      a folder or a file
  assize check -o json=report.json -o human     a report for a program, and one for you
  assize check -o sarif=assize.sarif -o github  for code scanning, and annotations of a workflow
  assize check --framework pci-dss-4.0.1        only rules that serve one framework
  assize check --fail-on high                   exit code 1 from high upwards
  assize check --rev v1.2 --as-of 2026-06-30    a release, as it stood, on a day
  assize check --policies ../central@main       by the rules of another repository
  assize check --baseline baseline.yaml         only what is not in the baseline fails
  assize check --max high=3 --max medium=20     up to so many open findings are all right
  assize check --owner web-shop                 the findings that one owner answers for
  cat a.yaml | assize check - --stdin-filename estate/a.yaml")]
pub(super) struct CheckArguments {
    /// Files and folders; `-` for standard input; none for the whole estate
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// The path that standard input is taken to have
    #[arg(long, value_name = "PATH", default_value = "standard-input.yaml")]
    pub(super) stdin_filename: String,
    /// Output format, and a file to write it to: human, json, jsonl, sarif, junit, github, gitlab, markdown, csv,
    /// summary; may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]", env = "ASSIZE_OUTPUT", value_delimiter = ',', default_value = "human", value_parser = parse_output)]
    pub(super) output: Vec<Output>,
    /// Least severity that gives exit code 1 [default: that of assize.yaml, else low]
    #[arg(long, value_name = "SEVERITY", env = "ASSIZE_FAIL_ON", value_enum)]
    pub(super) fail_on: Option<FailOn>,
    #[command(flatten)]
    pub(super) gate: GateArguments,
    #[command(flatten)]
    pub(super) origin: OriginArguments,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    /// The clock of the run: 2026-11-20, or 2026-11-20T08:00:00Z [default: today, in UTC]
    #[arg(long, value_name = "DATE", env = "ASSIZE_AS_OF")]
    pub(super) as_of: Option<String>,
    /// Evaluate once more with whole documents, and tell where that says something else
    #[arg(long, env = "ASSIZE_VERIFY_READS", value_parser = BoolishValueParser::new())]
    pub(super) verify_reads: bool,
    /// A run that evaluates nothing is all right
    #[arg(long, env = "ASSIZE_ALLOW_EMPTY", value_parser = BoolishValueParser::new())]
    pub(super) allow_empty: bool,
    /// Findings to keep in memory; more wait on disk (in TMPDIR, else /var/tmp) where all formats are jsonl, csv or summary
    #[arg(long, value_name = "N", default_value_t = 250_000, env = "ASSIZE_BUFFER_FINDINGS")]
    pub(super) buffer_findings: usize,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize diff                                   what you changed since the default branch, uncommitted edits included
  assize diff origin/main... HEAD               what a branch changes, for a pull request
  assize diff v1.0 v2.0                         two releases
  assize diff v1.0 v2.0 --base-as-of 2026-01-01 each on its own day
  assize diff -o markdown=comment.md -o github  a comment, and annotations

Both sides are judged by the base's rules, configuration and waivers, so that a change cannot switch off its own
gate; what it does to the gate is told, and fails the run.
Exit codes: 0 nothing new, 1 new findings at or above the threshold, or a weaker gate, 2 new problems.")]
pub(super) struct DiffArguments {
    /// The version before; `A...` is what A and the version after have in common [default: that of the default branch]
    #[arg(value_name = "BASE")]
    pub(super) base: Option<String>,
    /// The version after [default: the work tree]
    #[arg(value_name = "HEAD")]
    pub(super) head: Option<String>,
    /// Which findings fail the run: new ones, or all
    #[arg(long, value_enum, default_value = "new", env = "ASSIZE_GATE")]
    pub(super) gate: Gate,
    /// Whose rules, configuration and waivers judge: base, head, each (its own), or a folder or clone
    #[arg(long, value_name = "base|head|each|FOLDER[@REV]", default_value = "base", env = "ASSIZE_POLICIES")]
    pub(super) policies: String,
    /// Tell what the change does to the gate, and do not fail because of it
    #[arg(long, env = "ASSIZE_ALLOW_GATE_CHANGES", value_parser = BoolishValueParser::new())]
    pub(super) allow_gate_changes: bool,
    /// The clock of the base [default: that of the head]
    #[arg(long, value_name = "DATE", env = "ASSIZE_BASE_AS_OF")]
    pub(super) base_as_of: Option<String>,
    /// Output format, and a file to write it to, as for `check`; may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]", env = "ASSIZE_OUTPUT", value_delimiter = ',', default_value = "human", value_parser = parse_output)]
    pub(super) output: Vec<Output>,
    /// Least severity that gives exit code 1 [default: that of assize.yaml, else low]
    #[arg(long, value_name = "SEVERITY", env = "ASSIZE_FAIL_ON", value_enum)]
    pub(super) fail_on: Option<FailOn>,
    #[command(flatten)]
    pub(super) findings: GateArguments,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    /// The clock of the run: 2026-11-20, or 2026-11-20T08:00:00Z [default: today, in UTC]
    #[arg(long, value_name = "DATE", env = "ASSIZE_AS_OF")]
    pub(super) as_of: Option<String>,
    /// A run that evaluates nothing is all right
    #[arg(long, env = "ASSIZE_ALLOW_EMPTY", value_parser = BoolishValueParser::new())]
    pub(super) allow_empty: bool,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize report -o html=report.html             one page that needs no network, to read and to print
  assize report -o xlsx=report.xlsx -o json=report.json
  assize report --framework hipaa               of one framework
  assize report --rev v1.2 --as-of 2026-06-30   of a release, as it stood, on a day
  assize report -o oscal=oscal                  a folder with five documents of OSCAL
  assize report --rev HEAD --births             with the birth of each finding: since when, by which commit, why
  assize report --from 2026-01-01 --to 2026-06-30 -o html=half-year.html
                                                the state at the end of a period, and what of it held for how long
  assize report --population gdpr:32 | sha256sum
                                                the list behind a population, and its digest

The same inputs give the same bytes, in every format.
A period is replayed from history, as by `assize period`: each commit as of its day, and each day between. --policies
says which policies judge it: end, those of its last commit (the default); each, those of each commit; or another place.
Exit codes: as of `check`; 2 also where something could not be judged at some time of the period. A report is written in
any case.")]
pub(super) struct ReportArguments {
    /// Only this framework; may be repeated [default: those of assize.yaml, else all]
    #[arg(long, value_name = "FRAMEWORK", env = "ASSIZE_FRAMEWORK", value_delimiter = ',')]
    pub(super) framework: Vec<String>,
    /// Output format, and a file to write it to: markdown, json, csv, html, xlsx, oscal (a folder); may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_delimiter = ',', default_value = "markdown", value_parser = parse_report_output)]
    pub(super) output: Vec<ReportOutput>,
    /// Print the resources that a rule, or a requirement as FRAMEWORK:ID, was judged on, and nothing else
    #[arg(long, value_name = "RULE|REQUIREMENT")]
    pub(super) population: Option<String>,
    /// Least severity that gives exit code 1 [default: that of assize.yaml, else low]
    #[arg(long, value_name = "SEVERITY", env = "ASSIZE_FAIL_ON", value_enum)]
    pub(super) fail_on: Option<FailOn>,
    /// The first day of a period; the report is then of the commit at its end, and of the time before
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<String>,
    /// The last day of the period [default: that of --as-of]
    #[arg(long, value_name = "DATE", requires = "from")]
    pub(super) to: Option<String>,
    /// A file that says who approved which commits of the period, as `assize schema approvals` describes it; may be repeated
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(super) approvals: Vec<PathBuf>,
    /// Tell since when each finding holds, which commit brought it and why, by replaying the whole history; of a commit
    /// [default: yes with a period, else no]
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    pub(super) births: Option<bool>,
    /// Keep what is learnt of the history for the next run, in this folder [default: assize-cache in the git folder]
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(super) cache: Option<CachePlace>,
    #[command(flatten)]
    pub(super) origin: OriginArguments,
    /// The clock of the run: 2026-11-20, or 2026-11-20T08:00:00Z [default: today, in UTC]
    #[arg(long, value_name = "DATE", env = "ASSIZE_AS_OF")]
    pub(super) as_of: Option<String>,
    /// A run that evaluates nothing is all right
    #[arg(long, env = "ASSIZE_ALLOW_EMPTY", value_parser = BoolishValueParser::new())]
    pub(super) allow_empty: bool,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
}

/// A format of reports and where it goes; none is standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportOutput {
    pub(super) format: ReportFormat,
    pub(super) file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportFormat {
    Markdown,
    Json,
    Csv,
    Html,
    Xlsx,
    Oscal,
}

fn parse_report_output(text: &str) -> Result<ReportOutput, String> {
    let (name, file) = split_output(text)?;
    let format = match name {
        "markdown" => ReportFormat::Markdown,
        "json" => ReportFormat::Json,
        "csv" => ReportFormat::Csv,
        "html" => ReportFormat::Html,
        "xlsx" => ReportFormat::Xlsx,
        "oscal" => ReportFormat::Oscal,
        other => {
            return Err(format!("there is no format {other}; known: markdown, json, csv, html, xlsx, oscal"));
        }
    };
    if format == ReportFormat::Oscal && file.is_none() {
        return Err("oscal is five documents; name a folder for them: -o oscal=FOLDER".to_owned());
    }
    Ok(ReportOutput { format, file })
}

/// Which findings fail a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Gate {
    /// Those that were not there before
    New,
    /// All that there are
    All,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Gate")]
pub(super) struct GateArguments {
    /// Findings that this file holds do not fail the run, as long as their resource, their rule and its severity are what
    /// they were; `assize baseline` writes it. `diff` reads it from the base, so that a change cannot add to it
    /// [default: that of assize.yaml]
    #[arg(long, value_name = "FILE", env = "ASSIZE_BASELINE")]
    pub(super) baseline: Option<PathBuf>,
    /// The run fails only with more open findings of exactly this severity than N, whatever --fail-on says of it
    /// (but never with `--fail-on never`); in `diff` only if there is a new one as well. May be repeated
    /// [default: those of assize.yaml]
    #[arg(long, value_name = "SEVERITY=N", env = "ASSIZE_MAX", value_delimiter = ',', value_parser = parse_budget)]
    pub(super) max: Vec<(Severity, u64)>,
    /// Show and count only findings of this owner, written as reports write it: `spec.owner` of the resource, else what
    /// CODEOWNERS says of its file. The exit code counts these alone, and every problem. May be repeated
    #[arg(long, value_name = "OWNER", env = "ASSIZE_OWNER", value_delimiter = ',')]
    pub(super) owner: Vec<String>,
    /// How the human format puts findings together
    #[arg(long, value_enum, default_value = "file", env = "ASSIZE_GROUP_BY")]
    pub(super) group_by: Grouping,
}

/// How findings are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Grouping {
    File,
    Owner,
    Rule,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize baseline -o baseline.yaml             every finding that stands; what a waiver covers stays out
  assize baseline estate/data                  of a part; what the file holds of the rest stays as it is
  assize baseline --update                     take out what no longer holds, and add nothing

Where FILE is there already, it must be a baseline. With problems nothing is written.
An entry stops to hold, and its finding counts again, when the resource says something else (the order of keys and of
named list elements means nothing), when the rule demands something else, or when the rule weighs more than then.
A value that is sensitive is in no digest: if it alone changes, the entry holds.
Exit codes: 0 written, 2 something could not be checked, and nothing is written.")]
pub(super) struct BaselineArguments {
    /// Files and folders; none for the whole estate
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// The file to write, `-` for standard output [default: that of assize.yaml, else standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Take out entries that no longer hold, and add nothing
    #[arg(long)]
    pub(super) update: bool,
    #[command(flatten)]
    pub(super) origin: OriginArguments,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    /// The clock of the run: 2026-11-20, or 2026-11-20T08:00:00Z [default: today, in UTC]
    #[arg(long, value_name = "DATE", env = "ASSIZE_AS_OF")]
    pub(super) as_of: Option<String>,
    /// A run that evaluates nothing is all right
    #[arg(long, env = "ASSIZE_ALLOW_EMPTY", value_parser = BoolishValueParser::new())]
    pub(super) allow_empty: bool,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Origin")]
pub(super) struct OriginArguments {
    /// Check this commit, straight from git's objects, instead of the work tree: v1.2, HEAD~3, origin/main …
    #[arg(long, value_name = "REV", env = "ASSIZE_REV")]
    pub(super) rev: Option<String>,
    /// Take rules, kinds, frameworks, waivers and assize.yaml from this folder or clone; those of the estate do not count
    #[arg(long, value_name = "FOLDER[@REV]", env = "ASSIZE_POLICIES")]
    pub(super) policies: Option<String>,
    /// The same, from this commit; without --policies a commit of the estate's own repository
    #[arg(long, value_name = "REV", env = "ASSIZE_POLICIES_REV")]
    pub(super) policies_rev: Option<String>,
    /// Compute the hash of every git object that is read, and refuse what does not have its id
    #[arg(long, env = "ASSIZE_VERIFY_OBJECTS", value_parser = BoolishValueParser::new())]
    pub(super) verify_objects: bool,
}

#[derive(Debug, Args)]
pub(super) struct SelectionArguments {
    /// Only rules that serve this framework; may be repeated
    #[arg(long, value_name = "FRAMEWORK", env = "ASSIZE_FRAMEWORK", value_delimiter = ',')]
    pub(super) framework: Vec<String>,
    /// Only this rule; may be repeated
    #[arg(long, value_name = "RULE", env = "ASSIZE_RULE", value_delimiter = ',')]
    pub(super) rule: Vec<String>,
    /// Only resources of this kind (`DataStore`, apps/Deployment, */Deployment); may be repeated
    #[arg(long, value_name = "KIND", env = "ASSIZE_KIND", value_delimiter = ',', value_parser = parse_kind)]
    pub(super) kind: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArguments {
    /// Bytes of a file, with k, M or G
    #[arg(long, value_name = "BYTES", default_value = "256M", env = "ASSIZE_MAX_FILE_SIZE", value_parser = parse_size)]
    pub(super) max_file_size: u64,
    /// Documents of a file
    #[arg(long, value_name = "N", default_value_t = 200_000, env = "ASSIZE_MAX_DOCUMENTS")]
    pub(super) max_documents: usize,
    /// Values and keys of a file
    #[arg(long, value_name = "N", default_value_t = 8_000_000, env = "ASSIZE_MAX_NODES")]
    pub(super) max_nodes: usize,
    /// Levels of nesting
    #[arg(long, value_name = "N", default_value_t = 128, env = "ASSIZE_MAX_DEPTH", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) max_depth: u16,
    /// Values and keys of a file that come from aliases
    #[arg(long, value_name = "N", default_value_t = 1_000_000, env = "ASSIZE_MAX_ALIAS_NODES")]
    pub(super) max_alias_nodes: usize,
    /// Read the estate by the general YAML parser alone, never by the fast one: it takes longer and should read the same
    #[arg(long, env = "ASSIZE_STRICT_PARSER", value_parser = BoolishValueParser::new())]
    pub(super) strict_parser: bool,
}

/// An output format and where it goes; none is standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Human,
    Json,
    Jsonl,
    Sarif,
    Junit,
    Github,
    Gitlab,
    Markdown,
    Csv,
    Summary,
}

impl Format {
    /// Whether it shows one finding after the other, and looks back at none.
    pub(super) fn is_one_by_one(self) -> bool {
        matches!(self, Self::Jsonl | Self::Csv | Self::Summary)
    }

    /// Every format by its name.
    const ALL: [(&'static str, Self); 10] = [
        ("human", Self::Human),
        ("json", Self::Json),
        ("jsonl", Self::Jsonl),
        ("sarif", Self::Sarif),
        ("junit", Self::Junit),
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("markdown", Self::Markdown),
        ("csv", Self::Csv),
        ("summary", Self::Summary),
    ];
}

fn parse_output(text: &str) -> Result<Output, String> {
    let (name, file) = split_output(text)?;
    let format = Format::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
    let Some(format) = format else {
        let known: Vec<&str> = Format::ALL.iter().map(|(known, _)| *known).collect();
        return Err(format!("there is no format {name}; known: {}", known.join(", ")));
    };
    Ok(Output { format, file })
}

/// A format of coverage and where it goes; none is standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CoverageOutput {
    pub(super) format: CoverageFormat,
    pub(super) file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CoverageFormat {
    Text,
    Json,
    Lcov,
}

fn parse_coverage(text: &str) -> Result<CoverageOutput, String> {
    let (name, file) = split_output(text)?;
    let format = match name {
        "text" => CoverageFormat::Text,
        "json" => CoverageFormat::Json,
        "lcov" => CoverageFormat::Lcov,
        other => return Err(format!("there is no format {other}; known: text, json, lcov")),
    };
    Ok(CoverageOutput { format, file })
}

/// `FORMAT[=FILE]`.
pub(super) fn split_output(text: &str) -> Result<(&str, Option<PathBuf>), String> {
    match text.split_once('=') {
        Some((_, "")) => Err("the file name is empty".to_owned()),
        Some((name, file)) => Ok((name, Some(PathBuf::from(file)))),
        None => Ok((text, None)),
    }
}

/// `high=3`.
fn parse_budget(text: &str) -> Result<(Severity, u64), String> {
    let parts = text.split_once('=').and_then(|(name, most)| {
        let severity = Severity::ALL.into_iter().find(|severity| severity.name() == name)?;
        Some((severity, most.parse().ok()?))
    });
    parts.ok_or_else(|| "write a severity and a number: high=3".to_owned())
}

fn parse_kind(text: &str) -> Result<String, String> {
    let known = Pattern::parse(text).map(|_| text.to_owned());
    known.ok_or_else(|| "write Kind, group/Kind, */Kind or *".to_owned())
}

fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.as_bytes() {
        [.., b'k' | b'K'] => (text.get(..text.len() - 1), 1_u64 << 10),
        [.., b'M'] => (text.get(..text.len() - 1), 1 << 20),
        [.., b'G'] => (text.get(..text.len() - 1), 1 << 30),
        _ => (Some(text), 1),
    };
    let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write a number, with k, M or G".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Info,
    /// Findings never fail the run; problems still do
    Never,
}

impl FailOn {
    pub(super) fn threshold(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize init               in the current folder
  assize init compliance    in a new one")]
pub(super) struct InitArguments {
    /// The folder to write to; what stands there already is never touched
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) folder: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize test                           the built-in rules, and those of this repository
  assize test unowned-asset             one rule
  assize test policies/access           rules of a folder or a file
  assize test --coverage policies       what their examples do not exercise
  assize test --coverage=lcov=lcov.info --coverage=json=coverage.json
  assize test --mutate policies         what their examples would not notice")]
pub(super) struct TestArguments {
    /// Break the rules on purpose, and list the changes that no example notices
    #[arg(long)]
    pub(super) mutate: bool,
    /// List the keywords of rules that no example exercises in both directions; as text, json or lcov, to a file
    /// where one is given; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]", num_args = 0..=1, require_equals = true, default_missing_value = "text", value_parser = parse_coverage)]
    pub(super) coverage: Vec<CoverageOutput>,
    /// Only these rules, and those whose file is, or lies in, one of these; none for all
    #[arg(value_name = "RULE|PATH")]
    pub(super) targets: Vec<PathBuf>,
    /// Only this rule; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) rule: Vec<String>,
    /// Look at the rules, kinds and frameworks of this folder or clone instead of those around the current folder
    #[arg(long, value_name = "FOLDER[@REV]")]
    pub(super) policies: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize list rules --framework gdpr
  assize list requirements --framework hipaa
  assize list kinds -o json")]
pub(super) struct ListArguments {
    /// What to list
    #[arg(value_enum)]
    pub(super) what: Listed,
    /// Only what belongs to this framework; may be repeated
    #[arg(long, value_name = "FRAMEWORK", value_delimiter = ',')]
    pub(super) framework: Vec<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) output: ListFormat,
    /// Look at the rules, kinds and frameworks of this folder or clone instead of those around the current folder
    #[arg(long, value_name = "FOLDER[@REV]")]
    pub(super) policies: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Listed {
    Rules,
    Frameworks,
    Requirements,
    Kinds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize explain unowned-asset
  assize explain pci-dss-4.0.1:3.5.1
  assize explain DataStore
  assize explain duplicate-key")]
pub(super) struct ExplainArguments {
    /// A rule, a requirement, a kind or a problem code
    pub(super) name: String,
    /// Look at the rules, kinds and frameworks of this folder or clone instead of those around the current folder
    #[arg(long, value_name = "FOLDER[@REV]")]
    pub(super) policies: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assize schema Rule
  assize schema assize.yaml
  assize schema DataStore > DataStore.schema.json")]
pub(super) struct SchemaArguments {
    /// A kind, Rule, Framework, resource (all kinds), assize.yaml, baseline, output or vocabulary
    pub(super) name: String,
}
