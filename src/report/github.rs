//! `github`: workflow commands, which GitHub Actions shows as annotations, and the summary of a job.
//!
//! GitHub shows ten annotations of a sort for a step and keeps the rest in the log: the worst come first. In a
//! comparison only what is new is annotated; the summary has the rest.

use std::io::{self, Write};

use super::comparison::GateEffect;
use super::escape::{cut, for_command, for_command_property, one_line};
use super::summary::summary_line;
use super::{Report, markdown, word};
use crate::finding::{Finding, Location, Severity, Status};

/// Commands that are written; the rest is counted.
const MOST: usize = 1_000;

/// A log cuts longer lines.
const LONGEST: usize = 2_000;

/// Bytes that GitHub takes as the summary of a step.
const LONGEST_SUMMARY: usize = 1 << 20;

struct Command<'a> {
    level: &'static str,
    place: Option<&'a Location>,
    title: String,
    message: String,
}

/// Writes the commands, and a last line that says how the run ends.
///
/// # Errors
/// Those of the writer.
pub fn write_github(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut commands: Vec<Command<'_>> = Vec::new();
    for problem in &report.problems {
        commands.push(Command {
            level: "error",
            place: problem.location.as_ref(),
            title: format!("could not be checked: {}", problem.code),
            message: format!("{}\n{}", problem.message, problem.remedy()),
        });
    }
    for change in report.comparison.iter().flat_map(|comparison| &comparison.gate) {
        commands.push(Command {
            level: if change.effect == GateEffect::Fails { "error" } else { "notice" },
            place: change.location.as_ref(),
            title: format!("gate: {}", change.sort.name()),
            message: change.sentence(),
        });
    }
    let events = report.comparison.iter().flat_map(|comparison| &comparison.events);
    let events = events.map(|event| &event.finding).filter(|finding| finding.status == Status::Fail);
    let mut found: Vec<&Finding> = events.chain(report.new_findings().map(|(finding, _)| finding)).collect();
    found.sort_by_key(|finding| report.rule(finding).map(|rule| std::cmp::Reverse(rule.severity)));
    commands.extend(found.into_iter().filter_map(|finding| {
        let rule = report.rule(finding)?;
        Some(Command {
            level: match rule.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low | Severity::Info => "notice",
            },
            place: Some(&finding.location),
            title: format!("{}: {}", rule.severity, rule.name),
            message: format!("{}: {}\n{}", finding.resource.identity, finding.message, rule.remediation),
        })
    }));
    let notes = word::baseline_notes(report);
    if let Some((first, others)) = notes.split_first() {
        let more = match others.len() {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        commands.push(Command {
            level: "notice",
            place: None,
            title: "entries of the baseline that no longer hold".to_owned(),
            message: format!("{first}{more}"),
        });
    }
    for command in commands.iter().take(MOST) {
        command.write(out)?;
    }
    if commands.len() > MOST {
        let more = word::plural((commands.len() - MOST) as u64, "more annotation");
        writeln!(out, "::warning::{more} left out; the formats json, jsonl and csv have everything")?;
    }
    // As a command, so that the line cannot be taken for another one.
    writeln!(out, "::notice title=assize::{}", for_command(&summary_line(report)))
}

impl Command<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "::{} ", self.level)?;
        if let Some(Location { file, line, column, end_line, end_column, path: _ }) = self.place {
            write!(out, "file={},line={line},endLine={end_line},", for_command_property(file))?;
            // GitHub takes columns only of a place on one line.
            if line == end_line {
                write!(out, "col={column},endColumn={end_column},")?;
            }
        }
        let title = for_command_property(&one_line(&self.title, LONGEST));
        writeln!(out, "title={title}::{}", for_command(&cut(&self.message, LONGEST)))
    }
}

/// Writes the summary of a job, in Markdown.
///
/// # Errors
/// Those of the writer.
pub fn write_job_summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    markdown::write_within(report, LONGEST_SUMMARY, out)
}
