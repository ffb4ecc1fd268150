//! `markdown`: the report as a text, for a wiki or a ticket. Long registers are cut, and say so.

use std::io::{self, Write};

use super::{Audit, identity_rows, limits_of};
use crate::finding::Status;
use crate::outcome::{FrameworkOutcome, State};
use crate::report::escape::{for_markdown, prose};
use crate::report::word::{plural, totals};

/// Characters of a text.
const LONGEST: usize = 600;
/// Findings, and lines of a register, that are listed.
const MOST: usize = 1_000;

fn m(text: &str) -> String {
    for_markdown(text, LONGEST)
}

/// In a cell of a table a bar would end it, within code spans as well, and parsers disagree on what a backslash before it
/// does: a broken bar stands for it.
fn cell(text: &str) -> String {
    m(text).replace('|', "¦")
}

/// Writes the report.
///
/// # Errors
/// Those of the writer.
pub fn write_audit_markdown(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    let report = &audit.report;
    text.push_str("# What the declared estate says of its requirements\n\n");
    text.push_str(&format!("As of {}: {}.\n\n", m(&report.run.as_of), totals(report)));
    if !report.problems.is_empty() {
        text.push_str(&format!(
            "**This report is incomplete**: {}, listed below, and what could not be checked may hold more than is told here.\n\n",
            plural(report.problems.len() as u64, "problem")
        ));
    }
    text.push_str("| framework |");
    text.extend(State::ALL.iter().map(|state| format!(" {} |", state.label())));
    text.push_str(&format!("\n| --- |{}\n", " ---: |".repeat(State::ALL.len())));
    for framework in &audit.outcomes.frameworks {
        text.push_str(&format!("| {} |", cell(&framework.title)));
        text.extend(framework.counts().iter().map(|(_, count)| format!(" {count} |")));
        text.push('\n');
    }
    text.push_str("\nA requirement that only has parts is counted by its parts.\n\n");
    for state in State::ALL {
        text.push_str(&format!("- **{}**: {}\n", state.label(), state.meaning()));
    }
    for framework in &audit.outcomes.frameworks {
        self::framework(audit, framework, &mut text);
    }
    findings(audit, &mut text);
    registers(audit, &mut text);
    text.push_str("\n## Run identity\n\n");
    for (name, value) in identity_rows(report) {
        text.push_str(&format!("- {name}: {}\n", m(&value)));
    }
    out.write_all(text.as_bytes())
}

fn framework(audit: &Audit, framework: &FrameworkOutcome, out: &mut String) {
    let limits = limits_of(&framework.id);
    out.push_str(&format!("\n## {} ({})\n\n", m(&framework.title), m(&framework.version)));
    out.push_str(&format!("It proves: {}\n\nIt does not prove: {}\n\n", limits.proves, limits.does_not));
    out.push_str(
        "| requirement | | outcome | why | judged | findings |\n| --- | --- | --- | --- | ---: | ---: |\n",
    );
    for each in &framework.requirements {
        let parts: Vec<String> =
            each.parts.iter().map(|(state, count)| format!("{count} {}", state.label())).collect();
        let mut why: Vec<String> = each.reasons.iter().map(|reason| cell(reason)).collect();
        if !parts.is_empty() {
            why.push(format!("parts: {}", parts.join(", ")));
        }
        for (rule, reason) in &each.left_out {
            why.push(cell(&format!("{rule} took no part: {reason}")));
        }
        for waiver in each.waivers.iter().filter_map(|at| audit.report.waivers.get(*at)) {
            why.push(cell(&format!(
                "{} until {}",
                waiver.identity,
                waiver.expires.as_deref().unwrap_or("no date")
            )));
        }
        for evidence in each.evidence.iter().filter_map(|at| audit.outcomes.evidence.get(*at)) {
            let name = &evidence.evidence.identity;
            why.push(match &evidence.until {
                Some(until) if evidence.is_valid() => cell(&format!("{name} until {until}")),
                _ => cell(&format!("{name} evidences nothing")),
            });
        }
        let count = if each.rules.is_empty() { String::new() } else { each.population.count.to_string() };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {count} | {} |\n",
            cell(&each.id),
            cell(&each.title),
            each.state.label(),
            why.join("; "),
            each.findings
        ));
    }
}

fn findings(audit: &Audit, out: &mut String) {
    let report = &audit.report;
    out.push_str("\n## Findings\n\n");
    if report.findings.is_empty() {
        out.push_str("None.\n");
    }
    for (finding, _, _) in report.all_findings().take(MOST) {
        let Some(rule) = report.rule(finding) else { continue };
        let status = if finding.status == Status::Fail {
            String::new()
        } else {
            format!(" ({}, {})", finding.status.name(), m(finding.exception.as_deref().unwrap_or_default()))
        };
        let place = format!("{}:{}", finding.location.file, finding.location.line);
        out.push_str(&format!(
            "- **{}** {} {}: {} — {}{status}\n",
            rule.severity,
            m(&rule.name),
            m(&finding.resource.identity.to_string()),
            m(&finding.message),
            m(&place)
        ));
    }
    if report.findings.len() > MOST {
        let left = (report.findings.len() - MOST) as u64;
        out.push_str(&format!(
            "\n{} more; the formats json, csv and xlsx have all.\n",
            plural(left, "finding")
        ));
    }
}

fn registers(audit: &Audit, out: &mut String) {
    let Audit { report, outcomes } = audit;
    let mut section = |title: &str, lines: Vec<String>| {
        out.push_str(&format!("\n## {title}\n\n"));
        if lines.is_empty() {
            out.push_str("None.\n");
        }
        out.extend(lines.iter().take(MOST).map(|line| format!("- {line}\n")));
        if lines.len() > MOST {
            out.push_str(&format!(
                "\n{} more; the formats json, csv and xlsx have all.\n",
                lines.len() - MOST
            ));
        }
    };
    let defects = |defects: &[String]| defects.iter().map(|defect| m(defect)).collect::<Vec<_>>().join("; ");
    let waivers = report.waivers.iter().map(|waiver| {
        let expires = waiver.expires.as_deref().unwrap_or("no date");
        let findings = plural(waiver.findings, "finding");
        let base = format!(
            "{}: {}, until {}, {findings}",
            m(&waiver.identity.to_string()),
            waiver.state.name(),
            m(expires)
        );
        if waiver.defects.is_empty() { base } else { format!("{base}; {}", defects(&waiver.defects)) }
    });
    section("Waivers", waivers.collect());
    let evidence = outcomes.evidence.iter().map(|outcome| {
        let name = m(&outcome.evidence.identity.to_string());
        match &outcome.until {
            Some(until) if outcome.is_valid() => format!("{name}: valid until {}", m(until)),
            _ => format!("{name} evidences nothing: {}", defects(&outcome.defects)),
        }
    });
    section("Evidence", evidence.collect());
    let controls = outcomes.controls.iter().map(|outcome| {
        let control = &outcome.control;
        let state = outcome.state.map_or("of no framework here", State::label);
        let operators =
            if control.operators.is_empty() { "nobody".to_owned() } else { control.operators.join(", ") };
        let frequency = control.frequency.as_deref().unwrap_or("no frequency");
        let base = format!(
            "{}: {state}; declared {}, carried out by {}, {}",
            m(&control.identity.to_string()),
            m(&control.status),
            m(&operators),
            m(frequency)
        );
        if outcome.defects.is_empty() { base } else { format!("{base}; {}", defects(&outcome.defects)) }
    });
    section("Controls", controls.collect());
    let populations = report.rules.iter().zip(&outcomes.populations);
    let populations = populations.filter(|(_, population)| population.count > 0).map(|(rule, population)| {
        format!("{}: {}, `{}`", m(&rule.name), plural(population.count, "resource"), population.digest)
    });
    section("Populations", populations.collect());
    let rules = report.not_selected.iter().map(|each| format!("{}: {}", m(&each.rule), m(&each.reason)));
    let files = report.skipped.iter().map(|each| format!("{}: {}", m(&each.path), each.reason.name()));
    section("Left out", rules.chain(files).collect());
    let problems = report.problems.iter().map(|problem| {
        let place = problem
            .location
            .as_ref()
            .map(|place| format!(" — {}", m(&format!("{}:{}", place.file, place.line))));
        format!(
            "{}: {}{}. {}",
            problem.code,
            m(&problem.message),
            place.unwrap_or_default(),
            prose(problem.remedy(), LONGEST)
        )
    });
    section("Problems", problems.collect());
}
