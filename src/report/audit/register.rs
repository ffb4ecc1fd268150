//! The registers of the page: waivers, evidence, controls, populations, what was left out, problems.

use std::collections::BTreeMap;

use super::html::{badge, h};
use super::past::Past;
use super::{Audit, decision_word};
use crate::outcome::{EvidenceOutcome, RequirementOutcome};
use crate::waive::{WaiverOutcome, WaiverState};

/// The sections after the frameworks: anchor and title.
pub(super) const SECTIONS: [(&str, &str); 8] = [
    ("findings", "Findings"),
    ("waivers", "Waivers"),
    ("evidence", "Evidence"),
    ("controls", "Controls"),
    ("populations", "Populations"),
    ("left-out", "Left out"),
    ("problems", "Problems"),
    ("identity", "Run identity"),
];

/// Rows of a register that the page shows; the others are counted.
pub(super) const MOST_ROWS: usize = 2_000;

/// A link to a row of a register, if that is on the page.
fn link(section: char, at: usize, name: &str) -> String {
    if at < MOST_ROWS { format!("<a href=\"#{section}-{at}\">{}</a>", h(name)) } else { h(name) }
}

/// What supports a requirement beside its rules: controls, evidence, waivers.
pub(super) fn supports(audit: &Audit, each: &RequirementOutcome, out: &mut String) {
    let Audit { report, outcomes, .. } = audit;
    let mut list = String::new();
    for (at, control) in each.controls.iter().filter_map(|at| Some((at, outcomes.controls.get(*at)?))) {
        let control = &control.control;
        let operators = if control.operators.is_empty() { "nobody" } else { &control.operators.join(", ") };
        let frequency = control.frequency.as_deref().unwrap_or("no frequency declared");
        list.push_str(&format!(
            "<li>{}: {}, carried out by {}, {}</li>",
            link('c', *at, &control.identity.to_string()),
            h(&control.status),
            h(operators),
            h(frequency)
        ));
    }
    for (at, evidence) in each.evidence.iter().filter_map(|at| Some((at, outcomes.evidence.get(*at)?))) {
        list.push_str(&format!(
            "<li>{}: {}</li>",
            link('e', *at, &evidence.evidence.identity.to_string()),
            validity(evidence)
        ));
    }
    for (at, waiver) in each.waivers.iter().filter_map(|at| Some((at, report.waivers.get(*at)?))) {
        list.push_str(&format!(
            "<li>{} until {}</li>",
            link('w', *at, &waiver.identity.to_string()),
            h(waiver.expires.as_deref().unwrap_or("no date"))
        ));
    }
    if !list.is_empty() {
        out.push_str(&format!("<ul>{list}</ul>\n"));
    }
}

fn validity(evidence: &EvidenceOutcome) -> String {
    if evidence.is_valid() {
        let until = h(evidence.until.as_deref().unwrap_or_default());
        format!("<span class=\"s valid\">valid</span> until {until}")
    } else {
        "<span class=\"s invalid\">evidences nothing</span>".to_owned()
    }
}

/// Writes all of them.
pub(super) fn registers(past: &Past<'_>, anchors: &BTreeMap<String, String>, out: &mut String) {
    let audit = past.audit;
    waivers(audit, out);
    evidence(audit, anchors, out);
    controls(audit, anchors, out);
    populations(past, out);
    left_out(audit, out);
    problems(audit, out);
}

/// The beginning of a section, which stays open.
pub(super) fn heading(section: &str, title: &str, out: &mut String) {
    out.push_str(&format!(
        "<section id=\"{section}\" tabindex=\"-1\" aria-labelledby=\"h-{section}\">\n<h2 id=\"h-{section}\">{title}</h2>\n"
    ));
}

/// A register of one section; rows are cells in HTML, with an id or none.
fn register(section: &str, title: &str, columns: &[&str], rows: &[(String, Vec<String>)], out: &mut String) {
    heading(section, title, out);
    if rows.is_empty() {
        out.push_str("<p>None.</p>\n</section>\n");
        return;
    }
    let rows: Vec<(String, Option<&str>, Vec<String>)> =
        rows.iter().map(|(id, cells)| (id.clone(), None, cells.clone())).collect();
    table(columns, &rows, out);
    out.push_str("</section>\n");
}

/// A table whose rows can be searched; each has an id or none, a severity or none, and cells in HTML.
pub(super) fn table(columns: &[&str], rows: &[(String, Option<&str>, Vec<String>)], out: &mut String) {
    out.push_str("<div class=\"wide\"><table><thead><tr>");
    out.extend(columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")));
    out.push_str("</tr></thead><tbody>\n");
    for (id, severity, cells) in rows.iter().take(MOST_ROWS) {
        let id = if id.is_empty() { String::new() } else { format!(" id=\"{id}\" tabindex=\"-1\"") };
        let severity = severity.map(|name| format!(" data-severity=\"{name}\"")).unwrap_or_default();
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        out.push_str(&format!("<tr data-row{id}{severity}>{cells}</tr>\n"));
    }
    out.push_str("</tbody></table></div>\n");
    if rows.len() > MOST_ROWS {
        let left = rows.len() - MOST_ROWS;
        out.push_str(&format!("<p><b>{left} more</b>; the formats json, csv and xlsx have all.</p>\n"));
    }
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| h(text)).collect::<Vec<_>>().join("; ")
}

fn place(location: &crate::finding::Location) -> String {
    format!("<span class=\"k\">{}:{}</span>", h(&location.file), location.line)
}

fn requirements(list: &[crate::policy::RequirementRef], anchors: &BTreeMap<String, String>) -> String {
    let link = |each: &crate::policy::RequirementRef| {
        let name = each.to_string();
        match anchors.get(&name) {
            Some(anchor) => format!("<a href=\"#{anchor}\">{}</a>", h(&name)),
            None => h(&name),
        }
    };
    list.iter().map(link).collect::<Vec<_>>().join(", ")
}

/// What stands beside who approved a waiver: commits of the period that did something to it, and that nobody is proven to
/// have approved.
fn unproven(audit: &Audit, waiver: &str) -> String {
    let period = audit.period.iter().flat_map(|period| &period.waivers);
    let commits = period.filter(|each| each.waiver == waiver).flat_map(|each| &each.unproven_commits);
    let ids: Vec<String> = commits.map(|id| h(id.get(..12).unwrap_or(id))).collect();
    if ids.is_empty() {
        return String::new();
    }
    format!("<br>as it says; nobody is proven to have approved <code>{}</code>", ids.join(", "))
}

fn waivers(audit: &Audit, out: &mut String) {
    let row = |(at, waiver): (usize, &WaiverOutcome)| {
        let state = match waiver.state {
            WaiverState::InForce => "in force",
            WaiverState::Unverified => "in force, its approver unverified",
            WaiverState::Void => "waives nothing",
        };
        let cells = vec![
            h(&waiver.identity.to_string()),
            format!("<span class=\"s {}\">{state}</span>", waiver.state.name()),
            list(&waiver.rules),
            h(waiver.sort.unwrap_or_default()),
            h(&waiver.reason),
            format!(
                "{}{}",
                h(waiver.approved_by.as_deref().unwrap_or("nobody")),
                unproven(audit, &waiver.identity.to_string())
            ),
            h(waiver.expires.as_deref().unwrap_or("never")),
            waiver.findings.to_string(),
            list(&waiver.defects),
            place(&waiver.location),
        ];
        (format!("w-{at}"), cells)
    };
    let rows: Vec<_> = audit.report.waivers.iter().enumerate().map(row).collect();
    let columns = [
        "Waiver",
        "State",
        "Rules",
        "Type",
        "Reason",
        "Approved by",
        "Expires",
        "Findings",
        "Defects",
        "Place",
    ];
    register("waivers", "Waivers", &columns, &rows, out);
}

fn evidence(audit: &Audit, anchors: &BTreeMap<String, String>, out: &mut String) {
    let row = |(at, outcome): (usize, &EvidenceOutcome)| {
        let each = &outcome.evidence;
        let on_by = |on: &Option<String>, by: &Option<String>| {
            let parts = [by.as_deref(), on.as_deref()];
            parts.into_iter().flatten().map(h).collect::<Vec<_>>().join(", ")
        };
        let period =
            each.period.as_ref().map_or(String::new(), |(from, to)| format!("{} to {}", h(from), h(to)));
        let cells = vec![
            h(&each.identity.to_string()),
            validity(outcome),
            list(&outcome.defects),
            requirements(&outcome.requirements, anchors),
            format!(
                "{}<br><code>{}</code>",
                h(each.artefact.as_deref().unwrap_or_default()),
                h(each.digest.as_deref().unwrap_or_default())
            ),
            on_by(&each.collected_on, &each.collected_by),
            on_by(&each.reviewed_on, &each.reviewed_by),
            period,
            place(&each.location),
        ];
        (format!("e-{at}"), cells)
    };
    let rows: Vec<_> = audit.outcomes.evidence.iter().enumerate().map(row).collect();
    let columns =
        ["Evidence", "State", "Defects", "Supports", "Artefact", "Collected", "Examined", "Period", "Place"];
    register("evidence", "Evidence", &columns, &rows, out);
}

fn controls(audit: &Audit, anchors: &BTreeMap<String, String>, out: &mut String) {
    let rows: Vec<_> = audit
        .outcomes
        .controls
        .iter()
        .enumerate()
        .map(|(at, outcome)| {
            let each = &outcome.control;
            let decision = outcome.decision().map(decision_word).unwrap_or_default();
            let cells = vec![
                h(&each.identity.to_string()),
                requirements(&outcome.requirements, anchors),
                outcome.state.map(badge).unwrap_or_default(),
                h(&each.status),
                [decision, &h(each.reason.as_deref().unwrap_or_default())].join(" "),
                list(&each.operators),
                list(&each.accountable),
                h(each.frequency.as_deref().unwrap_or_default()),
                h(each.population.as_deref().unwrap_or_default()),
                list(&outcome.defects),
                place(&each.location),
            ];
            (format!("c-{at}"), cells)
        })
        .collect();
    let columns = [
        "Control",
        "Requirements",
        "Outcome",
        "Declared",
        "Decision",
        "Operator",
        "Accountable",
        "Frequency",
        "Population",
        "Defects",
        "Place",
    ];
    register("controls", "Controls", &columns, &rows, out);
}

fn populations(past: &Past<'_>, out: &mut String) {
    let audit = past.audit;
    let rules = audit.report.rules.iter().zip(&audit.outcomes.populations);
    let rows: Vec<_> = rules
        .map(|(rule, population)| {
            let tally = rule.tally;
            let mut cells = vec![format!("<code>{}</code>", h(&rule.name))];
            let counts =
                [tally.matched, tally.passed, tally.failed, tally.waived, tally.suppressed, tally.errors];
            cells.extend(counts.map(|count| count.to_string()));
            cells.push(format!("<code>{}</code>", population.digest));
            if let Some(period) = &audit.period {
                let changes = past.rule(&rule.name).map_or(&[][..], |rule| &rule.population);
                cells.push(super::course::population(period, changes, &rule.name));
            }
            (String::new(), cells)
        })
        .collect();
    let mut columns =
        vec!["Rule", "Judged", "Pass", "Fail", "Waived", "Suppressed", "Errors", "Digest of the list"];
    columns.extend(audit.period.as_ref().map(|_| "Over the period"));
    register("populations", "Populations by rule", &columns, &rows, out);
}

fn left_out(audit: &Audit, out: &mut String) {
    let report = &audit.report;
    let rules = report.not_selected.iter().map(|each| {
        let cells = vec!["rule".to_owned(), format!("<code>{}</code>", h(&each.rule)), h(&each.reason)];
        (String::new(), cells)
    });
    let files = report
        .skipped
        .iter()
        .map(|each| (String::new(), vec!["file".to_owned(), h(&each.path), h(each.reason.name())]));
    let rows: Vec<_> = rules.chain(files).collect();
    register("left-out", "Rules and files that took no part", &["What", "Name", "Why"], &rows, out);
}

fn problems(audit: &Audit, out: &mut String) {
    let rows: Vec<_> = audit
        .report
        .problems
        .iter()
        .map(|problem| {
            let cells = vec![
                format!("<code>{}</code>", problem.code.name()),
                h(&problem.message),
                h(problem.remedy()),
                problem.location.as_ref().map(place).unwrap_or_default(),
            ];
            (String::new(), cells)
        })
        .collect();
    register(
        "problems",
        "Problems: what could not be checked",
        &["Code", "Problem", "Remedy", "Place"],
        &rows,
        out,
    );
}
