//! `assize report`.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::args::{Common, ReportArguments, ReportFormat, ReportOutput};
use super::check::{Progress, as_of, bounds, distinct_files, exit_code, watch_rules};
use super::place::Place;
use super::{Failure, output};
use crate::exit::Exit;
use crate::load::verify_objects;
use crate::policy::Selection;
use crate::report::{
    Audit, OSCAL_FILES, Sources, write_audit_csv, write_audit_html, write_audit_json, write_audit_markdown,
    write_audit_oscal, write_audit_xlsx,
};
use crate::run::{CheckRequest, PolicyError, audit};

pub(super) fn run(arguments: &ReportArguments, common: &Common) -> Result<Exit, Failure> {
    let outputs = if arguments.population.is_some() { &[] } else { arguments.output.as_slice() };
    distinct_files(outputs.iter().map(|output| output.file.as_deref()))?;
    let is_workbook = |output: &ReportOutput| output.format == ReportFormat::Xlsx && output.file.is_none();
    if outputs.iter().any(is_workbook) && io::stdout().is_terminal() {
        return Err(Failure::Plain("a workbook is no text; name a file: -o xlsx=report.xlsx".to_owned()));
    }
    watch_rules();
    let mut request = CheckRequest {
        selection: Selection { frameworks: arguments.framework.clone(), ..Selection::default() },
        limits: bounds(&arguments.limits),
        as_of: as_of(arguments.as_of.as_deref())?,
        fail_on: arguments.fail_on.map(super::args::FailOn::threshold),
        allow_empty: arguments.allow_empty,
        outputs: outputs.iter().flat_map(files).collect(),
        threads: common.threads,
        ..CheckRequest::default()
    };
    verify_objects(arguments.origin.verify_objects);
    let place = Place::open(&arguments.origin, Path::new("."))?;
    if place.work_tree().is_none() {
        // What the run writes is no file of a commit, whatever it is called.
        request.outputs.clear();
    }
    let progress = Progress::new(common);
    let audit = match audit(&place.sources(), &request, &|done, total| progress.tell(done, total)) {
        Ok(audit) => audit,
        Err(PolicyError::Load(error)) => return Err(error.into()),
        Err(PolicyError::Configuration(problems)) => {
            progress.end();
            output::problems_in(&mut |file| place.snippet(file), &problems, common)?;
            return Ok(Exit::Problems);
        }
    };
    progress.end();
    if let Some(name) = &arguments.population {
        let lines = audit
            .population(name)
            .ok_or_else(|| Failure::Plain(format!("no rule or requirement of this run is called {name}")))?;
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        output::to_stdout(text.as_bytes())?;
    }
    for output in outputs {
        write(output, &audit, &mut |file| place.snippet(file))?;
    }
    if !audit.report.problems.is_empty() {
        output::problems_in(&mut |file| place.snippet(file), &audit.report.problems, common)?;
    }
    Ok(exit_code(&audit.report))
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
        for name in OSCAL_FILES {
            output::to_file(&folder.join(name), &mut |out| write_audit_oscal(audit, name, out))?;
        }
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
