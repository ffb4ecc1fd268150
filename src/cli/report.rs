//! `assize report`.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::args::{Common, OriginArguments, ReportArguments, ReportFormat, ReportOutput};
use super::check::{Progress, as_of, bounds, distinct_files, exit_code, watch_rules};
use super::period::{approvals, cache, day, history, tell, whole_history};
use super::place::Place;
use super::{Failure, output};
use crate::date::Moment;
use crate::exit::Exit;
use crate::load::{LoadError, verify_objects};
use crate::policy::{Approvals, BaselineChoice, Selection};
use crate::report::{
    Audit, Births, OSCAL_FILES, Sources, write_audit_csv, write_audit_html, write_audit_json,
    write_audit_markdown, write_audit_oscal, write_audit_xlsx,
};
use crate::run::{
    BlameRequest, Cache, CheckRequest, History, PeriodPolicies, PeriodRequest, PolicyError, audit, blame,
    period,
};

pub(super) fn run(arguments: &ReportArguments, common: &Common) -> Result<Exit, Failure> {
    let outputs = if arguments.population.is_some() { &[] } else { arguments.output.as_slice() };
    distinct_files(outputs.iter().map(|output| output.file.as_deref()))?;
    let is_workbook = |output: &ReportOutput| output.format == ReportFormat::Xlsx && output.file.is_none();
    if outputs.iter().any(is_workbook) && io::stdout().is_terminal() {
        return Err(Failure::Plain("a workbook is no text; name a file: -o xlsx=report.xlsx".to_owned()));
    }
    watch_rules();
    let span = span(arguments)?;
    let mut request = CheckRequest {
        selection: Selection { frameworks: arguments.framework.clone(), ..Selection::default() },
        limits: bounds(&arguments.limits),
        as_of: match &span {
            Some(span) => span.to.text().to_owned(),
            None => as_of(arguments.as_of.as_deref())?,
        },
        fail_on: arguments.fail_on.map(super::args::FailOn::threshold),
        allow_empty: arguments.allow_empty,
        outputs: outputs.iter().flat_map(files).collect(),
        threads: common.threads,
        ..CheckRequest::default()
    };
    verify_objects(arguments.origin.verify_objects);
    // Nobody has approved what merely stood, now or before.
    request.selection.baseline = BaselineChoice::None;
    let Some(approvals) = approvals(&arguments.approvals, common)? else { return Ok(Exit::Problems) };
    let past = PastRequest::new(arguments, span.as_ref(), &request, approvals)?;
    let origin = match &past {
        Some(past) => &past.origin,
        None => &arguments.origin,
    };
    let place = Place::open(origin, Path::new("."))?;
    if place.work_tree().is_none() {
        // What the run writes is no file of a commit, whatever it is called.
        request.outputs.clear();
    }
    let progress = Progress::new(common);
    let done = |done, total| progress.tell(done, total);
    let judged = audit(&place.sources(), &request, &done).and_then(|mut audit| {
        if let Some(past) = &past {
            past.add_to(&mut audit, span.as_ref(), &place, &request, &done)?;
        }
        Ok(audit)
    });
    let audit = match judged {
        Ok(audit) => audit,
        Err(PolicyError::Load(error)) => return Err(error.into()),
        Err(PolicyError::Configuration(problems)) => {
            progress.end();
            output::problems_in(&mut |file| place.snippet(file), &problems, common)?;
            return Ok(Exit::Problems);
        }
    };
    progress.end();
    tell(past.as_ref().and_then(|past| past.cache.as_ref()), common)?;
    if let Some(name) = &arguments.population {
        let lines = audit
            .population(name)
            .ok_or_else(|| Failure::Plain(format!("no rule or requirement of this run is called {name}")))?;
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        output::to_stdout(text.as_bytes())?;
    }
    let written = output::each(outputs, |output| write(output, &audit, &mut |file| place.snippet(file)));
    if !audit.report.problems.is_empty() {
        output::problems_in(&mut |file| place.snippet(file), &audit.report.problems, common)?;
    }
    written?;
    // What could not be judged at some time is no pass either.
    Ok(if audit.is_complete() { exit_code(&audit.report) } else { Exit::Problems })
}

/// The first and the last day of a period.
struct Span {
    from: Moment,
    to: Moment,
}

/// The period that is asked for, if one is.
fn span(arguments: &ReportArguments) -> Result<Option<Span>, Failure> {
    let Some(from) = &arguments.from else { return Ok(None) };
    let from = day("--from", from)?;
    let to = match (&arguments.to, &arguments.as_of) {
        (Some(to), Some(other)) if to != other => {
            let message =
                format!("--to {to} and --as-of {other}: the report is of the end of the period; give one");
            return Err(Failure::Plain(message));
        }
        (Some(to), _) => day("--to", to)?,
        (None, clock) => day("--as-of", &as_of(clock.as_deref())?)?,
    };
    if to.is_certainly_before(&from) {
        return Err(Failure::Plain(format!("--to {} lies before --from {}", to.text(), from.text())));
    }
    Ok(Some(Span { from, to }))
}

/// What is asked of the time before.
struct PastRequest {
    history: History,
    /// What the state is judged from: the commit at the end.
    origin: OriginArguments,
    judged_by: Judges,
    with_births: bool,
    as_of: Moment,
    approvals: Vec<Approvals>,
    cache: Option<Cache>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Judges {
    End,
    Each,
    Elsewhere,
}

impl PastRequest {
    /// None if nothing is asked.
    fn new(
        arguments: &ReportArguments,
        span: Option<&Span>,
        request: &CheckRequest,
        approvals: Vec<Approvals>,
    ) -> Result<Option<Self>, Failure> {
        let origin = &arguments.origin;
        let with_births = arguments.births.unwrap_or(span.is_some());
        if span.is_none() && !with_births {
            return Ok(None);
        }
        let as_of = match span {
            Some(span) => span.to.clone(),
            None => day("--as-of", &request.as_of)?,
        };
        if span.is_none() && origin.rev.is_none() {
            let help = "name it with --rev, such as --rev HEAD; a work tree has no history";
            return Err(Failure::Load(LoadError {
                message: "births are of the findings of a commit".to_owned(),
                help: Some(help.to_owned()),
            }));
        }
        let rev = origin.rev.as_deref().unwrap_or("HEAD");
        let judged_by = match (origin.policies.as_deref(), &origin.policies_rev) {
            (Some("each"), None) if span.is_some() => Judges::Each,
            (Some("end"), None) if span.is_some() => Judges::End,
            (None, None) => Judges::End,
            _ => Judges::Elsewhere,
        };
        let history = match span {
            Some(_) => history(rev, &as_of)?,
            None => whole_history(rev)?,
        };
        let (Some(commit), Some(last_day)) = (history.commits.last(), history.days.last()) else {
            let message = format!("no commit of {rev} lies before {} or in the period", as_of.text());
            return Err(Failure::Plain(message));
        };
        let end = commit.revision.commit.to_string();
        if as_of.is_certainly_before(last_day) {
            let message = format!(
                "births cannot be told as of {}: the commit is of {}, and counts from then on",
                as_of.text(),
                last_day.text()
            );
            return Err(Failure::Plain(message));
        }
        let is_elsewhere = judged_by == Judges::Elsewhere;
        let origin = OriginArguments {
            rev: Some(end),
            policies: origin.policies.clone().filter(|_| is_elsewhere),
            policies_rev: origin.policies_rev.clone(),
            verify_objects: origin.verify_objects,
        };
        let cache = cache(arguments.cache.as_ref(), &history);
        Ok(Some(Self { history, origin, judged_by, with_births, as_of, approvals, cache }))
    }

    /// Replays what is asked.
    fn add_to(
        &self,
        audit: &mut Audit,
        span: Option<&Span>,
        place: &Place,
        request: &CheckRequest,
        tell: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), PolicyError> {
        let check = CheckRequest { outputs: Vec::new(), ..request.clone() };
        let sources = place.sources();
        if let Some(span) = span {
            let policies = match (self.judged_by, sources.policies) {
                (Judges::Elsewhere, Some((source, _))) => PeriodPolicies::Place(source),
                (Judges::Each, _) => PeriodPolicies::Each,
                _ => PeriodPolicies::End,
            };
            let asked = PeriodRequest {
                check: check.clone(),
                from: span.from.clone(),
                to: span.to.clone(),
                policies,
                sample: None,
                approvals: &self.approvals,
                cache: self.cache.as_ref(),
            };
            audit.set_period(period(&self.history, &asked, tell)?);
        }
        audit.births = match self.judged_by {
            _ if !self.with_births => Births::NotAsked,
            Judges::Elsewhere => Births::Elsewhere,
            Judges::End | Judges::Each => {
                let asked =
                    BlameRequest { check, as_of: self.as_of.clone(), of: None, cache: self.cache.as_ref() };
                Births::Known(blame(&self.history, &asked, tell)?)
            }
        };
        Ok(())
    }
}

/// The files that an output writes.
fn files(output: &ReportOutput) -> Vec<PathBuf> {
    let Some(file) = &output.file else { return Vec::new() };
    match output.format {
        ReportFormat::Oscal => OSCAL_FILES.iter().map(|name| file.join(name)).collect(),
        _ => vec![file.clone()],
    }
}

fn write(output: &ReportOutput, audit: &Audit, sources: &mut Sources<'_>) -> Result<(), Failure> {
    if let (ReportFormat::Oscal, Some(folder)) = (output.format, &output.file) {
        let failed = |error: io::Error| io::Error::other(format!("{}: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(failed)?;
        // They name each other, so that those of two runs do not go together.
        let names = OSCAL_FILES.map(|name| (name, folder.join(name)));
        let paths: Vec<&PathBuf> = names.iter().map(|(_, path)| path).collect();
        output::to_files(&paths, &mut |at, out| {
            names.get(at).map_or(Ok(()), |(name, _)| write_audit_oscal(audit, name, out))
        })?;
        return Ok(());
    }
    let mut bytes = Vec::new();
    match output.format {
        ReportFormat::Json => write_audit_json(audit, &mut bytes)?,
        ReportFormat::Html => write_audit_html(audit, sources, &mut bytes)?,
        ReportFormat::Markdown => write_audit_markdown(audit, &mut bytes)?,
        ReportFormat::Csv => write_audit_csv(audit, &mut bytes)?,
        ReportFormat::Xlsx => write_audit_xlsx(audit, &mut bytes)?,
        // It goes to a folder, as above; the arguments allow nothing else.
        ReportFormat::Oscal => {}
    }
    match &output.file {
        None => output::to_stdout(&bytes)?,
        Some(path) => output::to_file(path, &mut |out| out.write_all(&bytes))?,
    }
    Ok(())
}
