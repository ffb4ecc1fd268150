//! `gitlab`: a Code Quality report, which GitLab shows in merge requests.
//!
//! GitLab compares the reports of two branches itself, by fingerprint: all findings that count are there, whether new
//! or not, and none that is waived. Problems are blockers, and so is what makes the gate fail.

use std::io::{self, Write};

use serde::Serialize;

use super::comparison::GateEffect;
use super::escape::{Layout, one_line, write_json_value};
use super::{Report, RuleInfo};
use crate::finding::{Finding, Fingerprint, Location, Severity, Status};

const LONGEST: usize = 1_000;

/// <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>
#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Place<'a>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the report.
///
/// # Errors
/// Those of the writer.
pub fn write_gitlab(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let config = Location::start_of(report.run.config.as_deref().unwrap_or("assize.yaml"));
    let mut issues = Vec::new();
    for problem in &report.problems {
        issues.push(Issue {
            description: one_line(
                &format!("could not be checked: {} ({})", problem.message, problem.remedy()),
                LONGEST,
            ),
            check_name: format!("problem/{}", problem.code),
            fingerprint: problem.fingerprint().to_string(),
            severity: "blocker",
            location: place(problem.location.as_ref().unwrap_or(&config)),
        });
    }
    for change in report.comparison.iter().flat_map(|comparison| &comparison.gate) {
        issues.push(Issue {
            description: one_line(&change.sentence(), LONGEST),
            check_name: format!("gate/{}", change.sort.name()),
            fingerprint: change.fingerprint().to_string(),
            severity: if change.effect == GateEffect::Fails { "blocker" } else { "info" },
            location: place(change.location.as_ref().unwrap_or(&config)),
        });
    }
    let events = report.comparison.iter().flat_map(|comparison| &comparison.events);
    let events = events.map(|event| (&event.finding, &event.fingerprint));
    let findings = report.all_findings().map(|(finding, print, _)| (finding, print));
    for (finding, print) in events.chain(findings).filter(|(finding, _)| finding.status == Status::Fail) {
        if let Some(rule) = report.rule(finding) {
            issues.push(issue(rule, finding, print));
        }
    }
    write_json_value(&issues, out, Layout::Indented)?;
    out.write_all(b"\n")
}

fn issue<'a>(rule: &RuleInfo, finding: &'a Finding, print: &Fingerprint) -> Issue<'a> {
    Issue {
        description: one_line(&format!("{}: {}", finding.resource.identity, finding.message), LONGEST),
        check_name: rule.name.to_string(),
        fingerprint: print.to_string(),
        severity: match rule.severity {
            Severity::Critical => "critical",
            Severity::High => "major",
            Severity::Medium => "minor",
            Severity::Low | Severity::Info => "info",
        },
        location: place(&finding.location),
    }
}

fn place(location: &Location) -> Place<'_> {
    Place { path: &location.file, lines: Lines { begin: location.line, end: location.end_line } }
}
