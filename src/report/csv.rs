//! `csv`: one row a finding, problem or change, for spreadsheets (RFC 4180, with a header).
//!
//! Every row has every column. What a spreadsheet would take for a formula gets an apostrophe in front.

use std::io::{self, Write};

use super::Report;
use super::escape::for_csv;
use crate::finding::{Finding, Fingerprint, Location, Resource};
use crate::waive::BaselineOutcome;

const COLUMNS: [&str; 22] = [
    "type",
    "state",
    "status",
    "severity",
    "rule",
    "title",
    "message",
    "group",
    "kind",
    "namespace",
    "name",
    "file",
    "line",
    "column",
    "end_line",
    "end_column",
    "path",
    "requirements",
    "exception",
    "cause",
    "fingerprint",
    "owners",
];

/// Characters of a cell; spreadsheets take 32,767.
const LONGEST_CELL: usize = 32_000;

/// The cells of a row; what is not said stays empty.
#[derive(Default)]
struct Row {
    sort: &'static str,
    state: &'static str,
    status: &'static str,
    severity: &'static str,
    rule: String,
    title: String,
    message: String,
    resource: [String; 4],
    place: [String; 6],
    requirements: String,
    exception: String,
    cause: String,
    fingerprint: String,
    owners: String,
}

/// Writes the report. The first row has the type `run` and says how the run ends: a table that is empty would look
/// like a clean one.
///
/// # Errors
/// Those of the writer.
pub fn write_csv(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(COLUMNS.join(",").as_bytes())?;
    out.write_all(b"\r\n")?;
    let run = Row {
        sort: "run",
        status: super::word::verdict(report),
        message: super::summary::summary_line(report),
        ..Row::default()
    };
    run.write(out)?;
    for problem in &report.problems {
        let row = Row {
            sort: "problem",
            rule: problem.code.to_string(),
            title: problem.code.summary().to_owned(),
            message: problem.message.clone(),
            place: problem.location.as_ref().map(place).unwrap_or_default(),
            fingerprint: problem.fingerprint().to_string(),
            ..Row::default()
        };
        row.write(out)?;
    }
    report.each_finding(&mut |found, print, change| {
        let mut row = finding(report, found, print);
        row.sort = "finding";
        row.state = change.map_or("", |change| change.state.name());
        row.cause =
            change.and_then(|change| change.cause.as_ref()).map(super::Cause::sentence).unwrap_or_default();
        row.write(out)
    })?;
    for (entry, state) in report.baseline.iter().flat_map(BaselineOutcome::told) {
        let row = Row {
            sort: "baseline",
            status: state.name(),
            severity: entry.severity.name(),
            rule: entry.rule.clone(),
            message: format!("{} on {} {}", entry.rule, entry.resource, state.sentence()),
            place: place(&entry.location),
            fingerprint: entry.fingerprint.to_string(),
            ..Row::default()
        };
        row.write(out)?;
    }
    let Some(comparison) = &report.comparison else { return Ok(()) };
    for fixed in &comparison.fixed {
        let mut row = finding(report, &fixed.finding, &fixed.fingerprint);
        (row.sort, row.state) = ("finding", "fixed");
        row.cause = fixed.cause.as_ref().map(super::Cause::sentence).unwrap_or_default();
        row.write(out)?;
    }
    for event in &comparison.events {
        let mut row = finding(report, &event.finding, &event.fingerprint);
        row.sort = "event";
        row.write(out)?;
    }
    for change in &comparison.gate {
        let row = Row {
            sort: "gate",
            status: change.effect.name(),
            rule: change.sort.name().to_owned(),
            message: change.sentence(),
            place: change.location.as_ref().map(place).unwrap_or_default(),
            fingerprint: change.fingerprint().to_string(),
            ..Row::default()
        };
        row.write(out)?;
    }
    for change in &comparison.resources {
        let row = |message: String, path: &str| {
            let mut place = change.location.as_ref().map(place).unwrap_or_default();
            if let Some(last) = place.last_mut() {
                path.clone_into(last);
            }
            Row {
                sort: "resource",
                state: change.sort.name(),
                message,
                resource: identity(&change.identity),
                place,
                ..Row::default()
            }
        };
        if change.fields.is_empty() || matches!(change.sort, super::ChangeSort::Renamed { .. }) {
            row(change.sentence(), "").write(out)?;
        }
        for field in &change.fields {
            row(field.sentence(), &field.path).write(out)?;
        }
    }
    Ok(())
}

impl Row {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let [group, kind, namespace, name] = &self.resource;
        let [file, line, column, end_line, end_column, path] = &self.place;
        let cells: [&str; COLUMNS.len()] = [
            self.sort,
            self.state,
            self.status,
            self.severity,
            &self.rule,
            &self.title,
            &self.message,
            group,
            kind,
            namespace,
            name,
            file,
            line,
            column,
            end_line,
            end_column,
            path,
            &self.requirements,
            &self.exception,
            &self.cause,
            &self.fingerprint,
            &self.owners,
        ];
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            out.write_all(for_csv(cell, LONGEST_CELL).as_bytes())?;
        }
        out.write_all(b"\r\n")
    }
}

fn finding(report: &Report, finding: &Finding, print: &Fingerprint) -> Row {
    let rule = report.rule(finding);
    let Resource { identity: who, owner: _, location: _, rare: _ } = &*finding.resource;
    Row {
        status: finding.status.name(),
        severity: rule.map_or("", |rule| rule.severity.name()),
        rule: rule.map(|rule| rule.name.to_string()).unwrap_or_default(),
        title: rule.map(|rule| rule.title.clone()).unwrap_or_default(),
        message: finding.message.to_string(),
        resource: identity(who),
        place: place(&finding.location),
        requirements: rule.map(|rule| rule.requirements.join(" ")).unwrap_or_default(),
        exception: finding.exception.as_deref().unwrap_or_default().to_owned(),
        fingerprint: print.to_string(),
        owners: finding.owners.join(" "),
        ..Row::default()
    }
}

fn identity(identity: &crate::finding::Identity) -> [String; 4] {
    [&identity.group, &identity.kind, &identity.namespace, &identity.name].map(ToString::to_string)
}

fn place(location: &Location) -> [String; 6] {
    let Location { file, line, column, end_line, end_column, path } = location;
    [
        file.to_string(),
        line.to_string(),
        column.to_string(),
        end_line.to_string(),
        end_column.to_string(),
        path.to_string(),
    ]
}
