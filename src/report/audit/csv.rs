//! `csv`: one row a requirement, control, waiver, evidence, rule, finding or problem (RFC 4180, with a header); over a period
//! also a row a remark, deviation, change of a population, week, change and commit.
//!
//! Every row has every column. What a spreadsheet would take for a formula gets an apostrophe in front.

use std::io::{self, Write};

use super::past::{Past, Since};
use super::remark::remarks;
use super::{Audit, identity_rows, names};
use crate::finding::Location;
use crate::outcome::State;
use crate::report::escape::for_csv;
use crate::report::period::DAY;
use crate::report::{Held, Mark, Period};

const COLUMNS: [&str; 41] = [
    "type",
    "framework",
    "id",
    "title",
    "state",
    "own_state",
    "reasons",
    "parent",
    "rules",
    "population",
    "digest",
    "passed",
    "failed",
    "waived",
    "suppressed",
    "errors",
    "findings",
    "severity",
    "resource",
    "message",
    "requirements",
    "until",
    "file",
    "line",
    "since",
    "since_before",
    "commit",
    "author",
    "cause",
    "reopened",
    "age_days",
    "due",
    "overdue",
    "to",
    "days",
    "share_percent",
    "failing_days",
    "longest_gap_days",
    "mean_repair_days",
    "opened",
    "closed",
];

/// Characters of a cell; spreadsheets take 32,767.
const LONGEST_CELL: usize = 32_000;

/// The cells of a row by their column; what is not said stays empty.
struct Row(Vec<(&'static str, String)>);

impl Row {
    fn new(sort: &str) -> Self {
        Self(vec![("type", sort.to_owned())])
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers give texts and numbers alike")]
    fn with(mut self, column: &'static str, value: impl ToString) -> Self {
        self.0.push((column, value.to_string()));
        self
    }

    fn at(self, location: &Location) -> Self {
        self.with("file", &location.file).with("line", location.line)
    }

    /// Since when, as far as that is known.
    fn since(self, since: Option<Since<'_>>) -> Self {
        let Some(since) = since else { return self };
        let row = self.with("since", since.date).with("since_before", since.is_before);
        let Some(birth) = since.birth else { return row };
        row.with("commit", &birth.by.commit)
            .with("author", &birth.by.name)
            .with("cause", &birth.cause)
            .with("reopened", birth.reopened)
            .with("age_days", birth.age_days)
            .with("due", birth.due.as_deref().unwrap_or_default())
            .with("overdue", birth.is_overdue)
    }

    /// From and to when; nothing for what is open.
    fn between(self, from: &Mark, to: Option<&Mark>) -> Self {
        self.with("since", &from.date)
            .with("commit", from.commit.as_deref().unwrap_or_default())
            .with("to", to.map_or("", |to| to.date.as_str()))
    }

    /// How long something held; nothing without a period.
    fn held(self, held: Option<&Held>) -> Self {
        let Some(held) = held else { return self };
        let share = held.share.map(|share| format!("{}.{:02}", share / 100, share % 100));
        self.with("share_percent", share.unwrap_or_default())
            .with("failing_days", held.failing_seconds / DAY)
            .with("longest_gap_days", held.longest_gap_seconds / DAY)
            .with(
                "mean_repair_days",
                held.mean_repair_seconds.map(|mean| (mean / DAY).to_string()).unwrap_or_default(),
            )
            .with("opened", held.opened)
            .with("closed", held.closed)
    }

    fn counts(self, judged: [u64; 5]) -> Self {
        let columns = ["passed", "failed", "waived", "suppressed", "errors"];
        columns.into_iter().zip(judged).fold(self, |row, (column, count)| row.with(column, count))
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let cell = |column: &&str| {
            let value =
                self.0.iter().find(|(name, _)| name == column).map_or("", |(_, value)| value.as_str());
            for_csv(value, LONGEST_CELL)
        };
        let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
        out.write_all(cells.join(",").as_bytes())?;
        out.write_all(b"\r\n")
    }
}

/// Writes the report. The first rows have the type `run` and say what it follows from.
///
/// # Errors
/// Those of the writer.
pub fn write_audit_csv(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let Audit { report, outcomes, .. } = audit;
    let past = Past::new(audit);
    out.write_all(COLUMNS.join(",").as_bytes())?;
    out.write_all(b"\r\n")?;
    let completeness = if audit.is_complete() { "complete" } else { "incomplete" };
    Row::new("run").with("id", "state").with("message", completeness).write(out)?;
    for (name, value) in identity_rows(audit) {
        Row::new("run").with("id", name).with("message", value).write(out)?;
    }
    for framework in &outcomes.frameworks {
        for each in &framework.requirements {
            let parent = each.parent.and_then(|parent| framework.requirements.get(parent));
            let rules: Vec<&str> = audit.rules_of(each).map(|rule| &*rule.name).collect();
            let judged = each.judged;
            Row::new("requirement")
                .with("framework", &framework.id)
                .with("id", &each.id)
                .with("title", &each.title)
                .with("state", each.state.name())
                .with("own_state", each.own.map_or("", State::name))
                .with("reasons", each.reasons.join("; "))
                .with("parent", parent.map_or("", |parent| parent.id.as_str()))
                .with("rules", rules.join(" "))
                .with("population", each.population.count)
                .with("digest", &each.population.digest)
                .counts([judged.passed, judged.failed, judged.waived, judged.suppressed, judged.errors])
                .with("findings", each.findings)
                .with("until", each.evidence_until.as_deref().unwrap_or_default())
                .since(past.oldest(each).map(|oldest| Since { birth: None, ..oldest.since }))
                .held(past.requirement(&framework.id, &each.id).map(|group| &group.held))
                .write(out)?;
        }
    }
    for (rule, population) in report.rules.iter().zip(&outcomes.populations) {
        let tally = rule.tally;
        Row::new("rule")
            .with("id", &rule.name)
            .with("title", &rule.title)
            .with("severity", rule.severity)
            .with("requirements", rule.requirements.join(" "))
            .with("population", population.count)
            .with("digest", &population.digest)
            .counts([tally.passed, tally.failed, tally.waived, tally.suppressed, tally.errors])
            .held(past.rule(&rule.name).map(|rule| &rule.held))
            .write(out)?;
    }
    for (finding, print, _) in report.all_findings() {
        let Some(rule) = report.rule(finding) else { continue };
        Row::new("finding")
            .with("id", print)
            .with("title", &rule.title)
            .with("state", finding.status.name())
            .with("reasons", finding.exception.as_deref().unwrap_or_default())
            .with("rules", &rule.name)
            .with("severity", rule.severity)
            .with("resource", &finding.resource.identity)
            .with("message", &finding.message)
            .with("requirements", rule.requirements.join(" "))
            .at(&finding.location)
            .since(past.since(&rule.name, print))
            .write(out)?;
    }
    for waiver in &report.waivers {
        Row::new("waiver")
            .with("id", &waiver.identity)
            .with("state", waiver.state.name())
            .with("reasons", waiver.defects.join("; "))
            .with("rules", waiver.rules.join(" "))
            .with("findings", waiver.findings)
            .with("message", &waiver.reason)
            .with("until", waiver.expires.as_deref().unwrap_or_default())
            .at(&waiver.location)
            .write(out)?;
    }
    for outcome in &outcomes.evidence {
        let places: Vec<usize> = (0..outcome.requirements.len()).collect();
        Row::new("evidence")
            .with("id", &outcome.evidence.identity)
            .with("state", if outcome.is_valid() { "valid" } else { "invalid" })
            .with("reasons", outcome.defects.join("; "))
            .with("requirements", names(&places, &outcome.requirements, ToString::to_string).join(" "))
            .with("message", outcome.evidence.artefact.as_deref().unwrap_or_default())
            .with("digest", outcome.evidence.digest.as_deref().unwrap_or_default())
            .with("until", outcome.until.as_deref().unwrap_or_default())
            .at(&outcome.evidence.location)
            .write(out)?;
    }
    for outcome in &outcomes.controls {
        let control = &outcome.control;
        let places: Vec<usize> = (0..outcome.requirements.len()).collect();
        Row::new("control")
            .with("id", &control.identity)
            .with("title", control.operators.join(" "))
            .with("state", outcome.state.map_or("", State::name))
            .with("own_state", &control.status)
            .with("reasons", outcome.defects.join("; "))
            .with("rules", control.rules.join(" "))
            .with("requirements", names(&places, &outcome.requirements, ToString::to_string).join(" "))
            .with("message", control.reason.as_deref().unwrap_or_default())
            .at(&control.location)
            .held(past.control(&control.identity.to_string()).map(|group| &group.held))
            .write(out)?;
    }
    for each in &report.not_selected {
        Row::new("left-out").with("id", &each.rule).with("message", &each.reason).write(out)?;
    }
    for each in &report.skipped {
        Row::new("left-out").with("file", &each.path).with("message", each.reason.name()).write(out)?;
    }
    for problem in &report.problems {
        let row = Row::new("problem").with("id", problem.code).with("message", &problem.message);
        let row = match &problem.location {
            Some(location) => row.at(location),
            None => row,
        };
        row.write(out)?;
    }
    match &audit.period {
        Some(period) => self::period(audit, period, out),
        None => Ok(()),
    }
}

/// The rows that a period adds.
fn period(audit: &Audit, period: &Period, out: &mut dyn Write) -> io::Result<()> {
    for remark in remarks(audit) {
        Row::new("remark")
            .with("id", &remark.name)
            .with("state", remark.sort.name())
            .with("severity", remark.severity.unwrap_or_default())
            .with("resource", &remark.resource)
            .with("message", &remark.text)
            .with("since", &remark.from)
            .with("commit", remark.commit.as_deref().unwrap_or_default())
            .with("author", remark.who.as_deref().unwrap_or_default())
            .with("to", remark.to.as_deref().unwrap_or_default())
            .with("days", remark.days.map(|days| days.to_string()).unwrap_or_default())
            .write(out)?;
    }
    for each in &period.deviations {
        let last = each.stretches.last();
        Row::new("deviation")
            .with("id", &each.fingerprint)
            .with("state", last.map_or("", |stretch| stretch.status))
            .with("reasons", last.and_then(|stretch| stretch.exception.as_deref()).unwrap_or_default())
            .with("rules", &each.rule)
            .with("severity", each.severity)
            .with("resource", &each.resource)
            .with("message", &each.message)
            .between(&each.from, each.to.as_ref())
            .with("since_before", each.since_before)
            .with("days", each.seconds / DAY)
            .write(out)?;
    }
    let requirements = period.requirements.iter().map(|each| ("requirement", &each.id, &each.population));
    let controls = period.controls.iter().map(|each| ("control", &each.id, &each.population));
    let rules = period.rules.iter().map(|each| ("rule", &each.rule, &each.population));
    for (sort, name, changes) in requirements.chain(controls).chain(rules) {
        for change in changes {
            Row::new("population")
                .with("id", name)
                .with("own_state", sort)
                .with("population", change.count)
                .with("digest", &change.digest)
                .between(&change.from, None)
                .write(out)?;
        }
    }
    for week in &period.weeks {
        Row::new("week")
            .with("since", &week.from)
            .with("opened", week.opened)
            .with("closed", week.closed)
            .with("findings", week.open)
            .write(out)?;
    }
    for event in &period.events {
        Row::new("change")
            .with("id", &event.rule)
            .with("state", "denied")
            .with("severity", event.severity)
            .with("resource", &event.resource)
            .with("message", &event.message)
            .between(&event.at, None)
            .with("author", &event.committer)
            .write(out)?;
    }
    for event in &period.gate {
        Row::new("change")
            .with("id", &event.name)
            .with("state", event.sort)
            .with("message", event.text())
            .between(&event.at, None)
            .with("author", &event.committer)
            .write(out)?;
    }
    for each in &period.commit_approvals {
        Row::new("commit")
            .with("id", &each.commit)
            .with("title", &each.subject)
            .with("state", each.approval.state.name())
            .with("reasons", each.approval.reasons.join("; "))
            .with("resource", each.touches.join(", "))
            .with("message", each.words())
            .with("since", &each.date)
            .with("commit", &each.commit)
            .with("author", &each.author)
            .write(out)?;
    }
    for each in &period.problems {
        Row::new("not-judged")
            .with("id", each.code)
            .with("message", &each.message)
            .between(&each.from, each.to.as_ref())
            .write(out)?;
    }
    Ok(())
}
