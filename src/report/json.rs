//! `json` and `jsonl`, version 1: `schemas/output.schema.json` describes both.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use super::comparison::{Cause, ChangeSort, Comparison, FindingChange, Side};
use super::escape::{Layout, write_json_value};
use super::{Report, RuleInfo};
use crate::finding::{Finding, Fingerprint, Identity, Location, Status};
use crate::problem::Problem;
use crate::waive::{BaselineOutcome, EntryState, WaiverOutcome};

/// The version of the format; it changes only when a reader could break.
const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonReport<'a> {
    version: u32,
    run: JsonRun<'a>,
    summary: JsonSummary<'a>,
    findings: Vec<JsonFinding<'a>>,
    problems: Vec<JsonProblem<'a>>,
    rules: Vec<JsonRule<'a>>,
    not_selected: Vec<JsonNotSelected<'a>>,
    not_evaluated: Vec<JsonSkipped<'a>>,
    waivers: Vec<JsonWaiver<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<JsonBaseline<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<JsonComparison<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonComparison<'a> {
    base: JsonSide<'a>,
    head: JsonSide<'a>,
    counts: JsonCounts,
    fixed: Vec<JsonFinding<'a>>,
    events: Vec<JsonFinding<'a>>,
    resources: Vec<JsonResourceChange<'a>>,
    gate: Vec<JsonGateChange<'a>>,
    persisting_problems: Vec<JsonProblem<'a>>,
}

#[derive(Serialize)]
struct JsonSide<'a> {
    name: &'a str,
    commit: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonCounts {
    new: u64,
    persisting: u64,
    fixed: u64,
    events: u64,
    resources: u64,
    gate: u64,
    persisting_problems: u64,
}

#[derive(Serialize)]
struct JsonCause<'a> {
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<JsonLocation<'a>>,
}

#[derive(Serialize)]
struct JsonResourceChange<'a> {
    change: &'static str,
    resource: JsonResource<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<JsonResource<'a>>,
    location: Option<JsonLocation<'a>>,
    fields: Vec<JsonFieldChange<'a>>,
}

#[derive(Serialize)]
struct JsonFieldChange<'a> {
    path: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonGateChange<'a> {
    change: &'static str,
    name: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
    effect: &'static str,
    location: Option<JsonLocation<'a>>,
    fingerprint: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonBaseline<'a> {
    file: &'a str,
    digest: String,
    entries: u64,
    holding: u64,
    not_judged: u64,
    lapsed: Vec<JsonEntry<'a>>,
    stale: Vec<JsonEntry<'a>>,
}

#[derive(Serialize)]
struct JsonEntry<'a> {
    rule: &'a str,
    resource: &'a str,
    severity: &'static str,
    reason: &'static str,
    fingerprint: String,
    location: JsonLocation<'a>,
}

#[derive(Serialize)]
struct JsonBudget {
    severity: &'static str,
    open: u64,
    max: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonWaiver<'a> {
    waiver: JsonResource<'a>,
    location: JsonLocation<'a>,
    state: &'static str,
    defects: &'a [String],
    waiver_type: Option<&'static str>,
    rules: &'a [String],
    reason: &'a str,
    approved_by: Option<&'a str>,
    expires: Option<&'a str>,
    ticket: Option<&'a str>,
    findings: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonRun<'a> {
    tool: &'static str,
    tool_version: &'a str,
    as_of: &'a str,
    config: Option<&'a str>,
    fail_on: Option<&'static str>,
    max: BTreeMap<&'static str, u64>,
    owners: &'a [String],
    codeowners: Option<&'a str>,
    estate: JsonRevision,
    roles: Option<&'a BTreeSet<String>>,
    policies: JsonPolicies,
}

#[derive(Serialize)]
struct JsonRevision {
    commit: Option<String>,
    tree: Option<String>,
}

#[derive(Serialize)]
struct JsonPolicies {
    from: &'static str,
    commit: Option<String>,
    tree: Option<String>,
    digest: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonSummary<'a> {
    files: u64,
    bytes: u64,
    resources: u64,
    kinds: &'a BTreeMap<String, u64>,
    other_documents: u64,
    other_files: u64,
    not_evaluated: u64,
    rules: u64,
    pairs: u64,
    findings: BTreeMap<&'static str, u64>,
    waived: u64,
    suppressed: u64,
    baselined: u64,
    budgets: Vec<JsonBudget>,
    other_owners: u64,
    problems: u64,
    frameworks: Vec<JsonFramework>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonFramework {
    framework: String,
    rules: u64,
    findings: u64,
    requirements: u64,
    requirements_with_findings: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonFinding<'a> {
    rule: &'a str,
    severity: &'static str,
    status: &'static str,
    message: &'a str,
    resource: JsonResource<'a>,
    location: JsonLocation<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<JsonRelated<'a>>,
    requirements: &'a [String],
    owners: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sensitive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<JsonCause<'a>>,
    fingerprint: String,
}

#[derive(Serialize)]
pub(super) struct JsonResource<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonLocation<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    path: &'a str,
}

#[derive(Serialize)]
struct JsonRelated<'a> {
    label: &'a str,
    location: JsonLocation<'a>,
}

#[derive(Serialize)]
pub(super) struct JsonProblem<'a> {
    code: &'static str,
    message: &'a str,
    location: Option<JsonLocation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<JsonRelated<'a>>,
    help: &'a str,
    fingerprint: String,
}

#[derive(Serialize)]
pub(super) struct JsonRule<'a> {
    rule: &'a str,
    title: &'a str,
    severity: &'static str,
    requirements: &'a [String],
    related: &'a [String],
    matched: u64,
    passed: u64,
    failed: u64,
    waived: u64,
    suppressed: u64,
    baselined: u64,
    errors: u64,
}

#[derive(Serialize)]
pub(super) struct JsonNotSelected<'a> {
    pub(super) rule: &'a str,
    pub(super) reason: &'a str,
    pub(super) state: &'static str,
}

#[derive(Serialize)]
pub(super) struct JsonSkipped<'a> {
    file: &'a str,
    reason: &'static str,
}

pub(super) fn run(report: &Report) -> JsonRun<'_> {
    let policies = report.run.policies;
    JsonRun {
        tool: "assize",
        tool_version: report.run.version,
        as_of: &report.run.as_of,
        config: report.run.config.as_deref(),
        fail_on: report.run.fail_on.map(crate::finding::Severity::name),
        max: report.run.max.iter().map(|(severity, most)| (severity.name(), *most)).collect(),
        owners: &report.ownership.only,
        codeowners: report.ownership.codeowners.as_deref(),
        estate: JsonRevision {
            commit: report.run.estate.map(|revision| revision.commit.to_string()),
            tree: report.run.estate.map(|revision| revision.tree.to_string()),
        },
        roles: report.run.roles.known(),
        policies: JsonPolicies {
            from: if policies.is_elsewhere { "elsewhere" } else { "estate" },
            commit: policies.revision.map(|revision| revision.commit.to_string()),
            tree: policies.revision.map(|revision| revision.tree.to_string()),
            digest: policies.digest.to_string(),
        },
    }
}

pub(super) fn summary(report: &Report) -> JsonSummary<'_> {
    JsonSummary {
        files: report.counts.files,
        bytes: report.counts.bytes,
        resources: report.counts.resources(),
        kinds: &report.counts.kinds,
        other_documents: report.counts.other_documents,
        other_files: report.counts.other_files,
        not_evaluated: report.skipped.len() as u64,
        rules: report.rules.len() as u64,
        pairs: report.counts.pairs,
        findings: report
            .by_severity()
            .into_iter()
            .map(|(severity, count)| (severity.name(), count))
            .collect(),
        waived: report.count(Status::Waived),
        suppressed: report.count(Status::Suppressed),
        baselined: report.count(Status::Baselined),
        budgets: report
            .budgets()
            .map(|(severity, open, max)| JsonBudget { severity: severity.name(), open, max })
            .collect(),
        other_owners: report.ownership.left_out,
        problems: report.problems.len() as u64,
        frameworks: report
            .by_framework()
            .into_iter()
            .map(|(framework, summary)| JsonFramework {
                framework,
                rules: summary.rules,
                findings: summary.findings,
                requirements: summary.requirements,
                requirements_with_findings: summary.requirements_with_findings,
            })
            .collect(),
    }
}

pub(super) fn location(location: &Location) -> JsonLocation<'_> {
    let Location { file, line, column, end_line, end_column, path } = location;
    JsonLocation { file, line: *line, column: *column, end_line: *end_line, end_column: *end_column, path }
}

pub(super) fn resource(identity: &Identity) -> JsonResource<'_> {
    let Identity { group, kind, namespace, name } = identity;
    JsonResource { group, kind, namespace, name }
}

fn finding<'a>(
    report: &'a Report,
    finding: &'a Finding,
    fingerprint: &Fingerprint,
    state: Option<&'static str>,
    cause: Option<&'a Cause>,
) -> Option<JsonFinding<'a>> {
    let rule = report.rule(finding)?;
    Some(JsonFinding {
        rule: &rule.name,
        severity: rule.severity.name(),
        status: finding.status.name(),
        message: &finding.message,
        resource: resource(&finding.resource.identity),
        location: location(&finding.location),
        related: finding
            .related
            .as_deref()
            .map(|(place, label)| JsonRelated { label, location: location(place) }),
        requirements: &rule.requirements,
        owners: &finding.owners,
        exception: finding.exception.as_deref(),
        sensitive: finding.is_sensitive,
        state,
        cause: cause.map(|cause| JsonCause {
            cause: cause.name(),
            subject: cause.subject(),
            location: cause.location().map(location),
        }),
        fingerprint: fingerprint.to_string(),
    })
}

fn fixed(report: &Report) -> impl Iterator<Item = JsonFinding<'_>> {
    let fixed = report.comparison.iter().flat_map(|comparison| &comparison.fixed);
    fixed.filter_map(|each| {
        finding(report, &each.finding, &each.fingerprint, Some("fixed"), each.cause.as_ref())
    })
}

fn events(report: &Report) -> impl Iterator<Item = JsonFinding<'_>> {
    let events = report.comparison.iter().flat_map(|comparison| &comparison.events);
    events.filter_map(|each| finding(report, &each.finding, &each.fingerprint, None, None))
}

fn resource_changes(report: &Report) -> impl Iterator<Item = JsonResourceChange<'_>> {
    let changes = report.comparison.iter().flat_map(|comparison| &comparison.resources);
    changes.map(|change| JsonResourceChange {
        change: change.sort.name(),
        resource: resource(&change.identity),
        was: match &change.sort {
            ChangeSort::Renamed { from } => Some(resource(from)),
            _ => None,
        },
        location: change.location.as_ref().map(location),
        fields: change
            .fields
            .iter()
            .map(|field| JsonFieldChange {
                path: &field.path,
                old: field.old.as_deref(),
                new: field.new.as_deref(),
            })
            .collect(),
    })
}

fn gate_changes(report: &Report) -> impl Iterator<Item = JsonGateChange<'_>> {
    let changes = report.comparison.iter().flat_map(|comparison| &comparison.gate);
    changes.map(|change| JsonGateChange {
        change: change.sort.name(),
        name: &change.name,
        from: change.from.as_deref(),
        to: change.to.as_deref(),
        effect: change.effect.name(),
        location: change.location.as_ref().map(location),
        fingerprint: change.fingerprint().to_string(),
    })
}

fn sides<'a>(report: &'a Report, comparison: &'a Comparison) -> (JsonSide<'a>, JsonSide<'a>, JsonCounts) {
    let side = |side: &'a Side| JsonSide { name: &side.name, commit: side.commit.as_deref() };
    let counts = JsonCounts {
        new: report.new_findings().count() as u64,
        persisting: report.persisting_findings().count() as u64,
        fixed: comparison.fixed.len() as u64,
        events: comparison.events.len() as u64,
        resources: comparison.resources.len() as u64,
        gate: comparison.gate.len() as u64,
        persisting_problems: comparison.old_problems.len() as u64,
    };
    (side(&comparison.base), side(&comparison.head), counts)
}

fn comparison<'a>(report: &'a Report, comparison: &'a Comparison) -> JsonComparison<'a> {
    let (base, head, counts) = sides(report, comparison);
    JsonComparison {
        base,
        head,
        counts,
        fixed: fixed(report).collect(),
        events: events(report).collect(),
        resources: resource_changes(report).collect(),
        gate: gate_changes(report).collect(),
        persisting_problems: comparison.old_problems.iter().map(problem).collect(),
    }
}

pub(super) fn waiver(waiver: &WaiverOutcome) -> JsonWaiver<'_> {
    JsonWaiver {
        waiver: resource(&waiver.identity),
        location: location(&waiver.location),
        state: waiver.state.name(),
        defects: &waiver.defects,
        waiver_type: waiver.sort,
        rules: &waiver.rules,
        reason: &waiver.reason,
        approved_by: waiver.approved_by.as_deref(),
        expires: waiver.expires.as_deref(),
        ticket: waiver.ticket.as_deref(),
        findings: waiver.findings,
    }
}

fn baseline(outcome: &BaselineOutcome) -> JsonBaseline<'_> {
    let entries = |is_meant: fn(EntryState) -> bool| {
        let told = outcome.told().filter(|(_, state)| is_meant(*state));
        told.map(|(entry, state)| JsonEntry {
            rule: &entry.rule,
            resource: &entry.resource,
            severity: entry.severity.name(),
            reason: state.name(),
            fingerprint: entry.fingerprint.to_string(),
            location: location(&entry.location),
        })
        .collect()
    };
    JsonBaseline {
        file: &outcome.baseline.file,
        digest: outcome.baseline.digest.to_string(),
        entries: outcome.states.len() as u64,
        holding: outcome.count(|state| state == EntryState::Holds),
        not_judged: outcome.count(|state| state == EntryState::NotJudged),
        lapsed: entries(|state| matches!(state, EntryState::Lapsed(_))),
        stale: entries(|state| matches!(state, EntryState::Stale(_))),
    }
}

pub(super) fn problem(problem: &Problem) -> JsonProblem<'_> {
    JsonProblem {
        code: problem.code.name(),
        message: &problem.message,
        location: problem.location.as_ref().map(location),
        related: problem
            .related
            .as_ref()
            .map(|(place, label)| JsonRelated { label, location: location(place) }),
        help: problem.remedy(),
        fingerprint: problem.fingerprint().to_string(),
    }
}

pub(super) fn rule(rule: &RuleInfo) -> JsonRule<'_> {
    JsonRule {
        rule: &rule.name,
        title: &rule.title,
        severity: rule.severity.name(),
        requirements: &rule.requirements,
        related: &rule.related,
        matched: rule.tally.matched,
        passed: rule.tally.passed,
        failed: rule.tally.failed,
        waived: rule.tally.waived,
        suppressed: rule.tally.suppressed,
        baselined: rule.tally.baselined,
        errors: rule.tally.errors,
    }
}

fn with_change<'a>(
    report: &'a Report,
    each: &'a Finding,
    print: &Fingerprint,
    change: Option<&'a FindingChange>,
) -> Option<JsonFinding<'a>> {
    let state = change.map(|change| change.state.name());
    finding(report, each, print, state, change.and_then(|change| change.cause.as_ref()))
}

pub(super) fn findings(report: &Report) -> impl Iterator<Item = JsonFinding<'_>> {
    report.all_findings().filter_map(|(each, print, change)| with_change(report, each, print, change))
}

pub(super) fn not_selected(report: &Report) -> impl Iterator<Item = JsonNotSelected<'_>> {
    report.not_selected.iter().map(|each| JsonNotSelected {
        rule: &each.rule,
        reason: &each.reason,
        state: each.absence.name(),
    })
}

pub(super) fn not_evaluated(report: &Report) -> impl Iterator<Item = JsonSkipped<'_>> {
    report.skipped.iter().map(|each| JsonSkipped { file: &each.path, reason: each.reason.name() })
}

/// Writes the whole report as one JSON document, indented.
///
/// # Errors
/// Those of the writer.
pub fn write_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = JsonReport {
        version: VERSION,
        run: run(report),
        summary: summary(report),
        findings: findings(report).collect(),
        problems: report.problems.iter().map(problem).collect(),
        rules: report.rules.iter().map(rule).collect(),
        not_selected: not_selected(report).collect(),
        not_evaluated: not_evaluated(report).collect(),
        waivers: report.waivers.iter().map(waiver).collect(),
        baseline: report.baseline.as_ref().map(baseline),
        comparison: report.comparison.as_ref().map(|each| comparison(report, each)),
    };
    write_json_value(&document, out, Layout::Indented)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Line<'a, T> {
    #[serde(rename = "type")]
    sort: &'a str,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize)]
struct Header<'a> {
    version: u32,
    run: JsonRun<'a>,
}

#[derive(Serialize)]
struct Footer<'a> {
    summary: JsonSummary<'a>,
}

#[derive(Serialize)]
struct Sides<'a> {
    base: JsonSide<'a>,
    head: JsonSide<'a>,
    counts: JsonCounts,
}

/// Writes one JSON object a line: the run, each finding, problem and rule, what was left out, what a comparison has
/// to say, the summary. The last line tells that the output is whole.
///
/// # Errors
/// Those of the writer.
pub fn write_jsonl(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    fn line<T: Serialize>(out: &mut dyn Write, sort: &str, content: T) -> io::Result<()> {
        write_json_value(&Line { sort, content }, out, Layout::Compact)?;
        out.write_all(b"\n")
    }
    line(out, "run", Header { version: VERSION, run: run(report) })?;
    report.each_finding(&mut |each, print, change| {
        with_change(report, each, print, change).map_or(Ok(()), |each| line(out, "finding", each))
    })?;
    report.problems.iter().try_for_each(|each| line(out, "problem", problem(each)))?;
    report.rules.iter().try_for_each(|each| line(out, "rule", rule(each)))?;
    not_selected(report).try_for_each(|each| line(out, "notSelected", each))?;
    not_evaluated(report).try_for_each(|each| line(out, "notEvaluated", each))?;
    report.waivers.iter().try_for_each(|each| line(out, "waiver", waiver(each)))?;
    report.baseline.iter().try_for_each(|each| line(out, "baseline", baseline(each)))?;
    if let Some(comparison) = &report.comparison {
        let (base, head, counts) = sides(report, comparison);
        line(out, "comparison", Sides { base, head, counts })?;
        fixed(report).try_for_each(|each| line(out, "fixed", each))?;
        events(report).try_for_each(|each| line(out, "event", each))?;
        resource_changes(report).try_for_each(|each| line(out, "resourceChange", each))?;
        gate_changes(report).try_for_each(|each| line(out, "gateChange", each))?;
        comparison.old_problems.iter().try_for_each(|each| line(out, "persistingProblem", problem(each)))?;
    }
    line(out, "summary", Footer { summary: summary(report) })
}
