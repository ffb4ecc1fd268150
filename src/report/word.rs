//! Words and numbers that several formats share.

use super::Report;
use crate::finding::{Severity, Status};
use crate::waive::{BaselineOutcome, EntryState};

/// `1 rule`, `2 rules`.
pub(super) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

/// `1 file is`, `2 files are`.
pub(super) fn plural_are(count: u64, noun: &str) -> String {
    if count == 1 { format!("{count} {noun} is") } else { format!("{count} {noun}s are") }
}

/// With its first letter as a capital.
pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// ` (1 critical, 2 high)` of so many of each severity; nothing for none.
pub(super) fn by_severity(counts: &[(Severity, u64)]) -> String {
    let some = counts.iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = some.map(|(severity, count)| format!("{count} {severity}")).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// How a run ends in one word. What could not be checked comes first: it is never a pass.
pub(super) fn verdict(report: &Report) -> &'static str {
    match (report.problems.is_empty(), report.fails()) {
        (false, _) => "incomplete",
        (true, true) => "failed",
        (true, false) => "passed",
    }
}

/// The findings, problems and exceptions of a run in one fragment.
pub(super) fn totals(report: &Report) -> String {
    let new = report.new_by_severity();
    let count = new.iter().map(|(_, count)| count).sum();
    let severities = by_severity(&new);
    let mut parts = Vec::new();
    match &report.comparison {
        None if count == 0 => parts.push("no findings".to_owned()),
        None => parts.push(format!("{}{severities}", plural(count, "finding"))),
        Some(comparison) => {
            parts.push(match count {
                0 => "no new findings".to_owned(),
                count => format!("{}{severities}", plural(count, "new finding")),
            });
            parts.push(format!("{} fixed", comparison.fixed.len()));
            parts.push(format!("{} persisting", report.persisting_findings().count()));
            if !comparison.events.is_empty() {
                parts.push(plural(comparison.events.len() as u64, "event"));
            }
            if !comparison.gate.is_empty() {
                parts.push(plural(comparison.gate.len() as u64, "gate change"));
            }
        }
    }
    let is_compared = report.comparison.is_some();
    parts.push(match report.problems.len() {
        0 if is_compared => "no new problems".to_owned(),
        0 => "no problems".to_owned(),
        count if is_compared => plural(count as u64, "new problem"),
        count => plural(count as u64, "problem"),
    });
    match report.comparison.iter().map(|comparison| comparison.old_problems.len()).sum() {
        0_usize => {}
        count => parts.push(plural(count as u64, "problem") + " as before"),
    }
    for status in [Status::Waived, Status::Suppressed, Status::Baselined] {
        match report.count(status) {
            0 => {}
            count => parts.push(format!("{count} {}", status.name())),
        }
    }
    match stale(report) {
        0 => {}
        count => parts.push(format!("{count} stale in the baseline")),
    }
    parts.extend(report.budgets().map(|(severity, open, most)| format!("{severity}: {open} of {most}")));
    match report.ownership.left_out {
        0 => {}
        count => parts.push(format!("{count} of other owners not shown")),
    }
    parts.join(", ")
}

/// Entries of the baseline that hold nothing any more.
pub(super) fn stale(report: &Report) -> u64 {
    let outcome = report.baseline.as_ref();
    outcome.map_or(0, |outcome| outcome.count(|state| matches!(state, EntryState::Stale(_))))
}

/// What became of entries of the baseline that no longer hold: `plain-store on DataStore/a is stale: the finding is gone`.
pub(super) fn baseline_notes(report: &Report) -> Vec<String> {
    let told = report.baseline.iter().flat_map(BaselineOutcome::told);
    told.map(|(entry, state)| format!("{} on {} {}", entry.rule, entry.resource, state.sentence())).collect()
}

/// What was checked, in one fragment: `273 resources in 31 files against 1 rule (3 pairs), as of 2026-11-20`; and how
/// many rules are for roles that the estate does not have.
pub(super) fn population(report: &Report) -> String {
    let absent = match report.not_by_role().count() {
        0 => String::new(),
        count => format!("; {} not applicable by role", plural(count as u64, "rule")),
    };
    format!(
        "{} in {} against {} ({}), as of {}{absent}",
        plural(report.counts.resources(), "resource"),
        plural(report.counts.files, "file"),
        plural(report.rules.len() as u64, "rule"),
        plural(report.counts.pairs, "pair"),
        report.run.as_of
    )
}
