//! `json`, version 1: `schemas/report.schema.json` describes it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::past::{Oldest, Past};
use super::remark::{Remark, remarks};
use super::{Audit, limits_of, names};
use crate::outcome::{
    ControlOutcome, Decision, EvidenceOutcome, FrameworkOutcome, Judged, Population, RequirementOutcome,
    State,
};
use crate::policy::Absence;
use crate::report::escape::{Layout, write_json_value};
use crate::report::json::{
    JsonFinding, JsonLocation, JsonNotSelected, JsonProblem, JsonResource, JsonRule, JsonRun, JsonSkipped,
    JsonSummary, JsonWaiver, findings, location, not_evaluated, not_selected, problem, resource, rule, run,
    summary, waiver,
};
use crate::report::{Birth, Period};

/// The version of the format; it changes only when a reader could break.
const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonAudit<'a> {
    version: u32,
    run: JsonRun<'a>,
    is_complete: bool,
    states: Vec<JsonState>,
    summary: JsonSummary<'a>,
    frameworks: Vec<JsonFramework<'a>>,
    rules: Vec<JsonJudgedRule<'a>>,
    findings: Vec<JsonFinding<'a>>,
    waivers: Vec<JsonWaiver<'a>>,
    evidence: Vec<JsonEvidence<'a>>,
    controls: Vec<JsonControl<'a>>,
    problems: Vec<JsonProblem<'a>>,
    not_selected: Vec<JsonNotSelected<'a>>,
    not_evaluated: Vec<JsonSkipped<'a>>,
    births: JsonBirths<'a>,
    period: Option<&'a Period>,
    remarks: Vec<JsonRemark<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonBirths<'a> {
    is_known: bool,
    source: String,
    notes: &'a [String],
    findings: &'a [Birth],
}

#[derive(Serialize)]
struct JsonRemark<'a> {
    sort: &'static str,
    severity: Option<&'static str>,
    name: &'a str,
    resource: &'a str,
    from: &'a str,
    to: Option<&'a str>,
    days: Option<i64>,
    commit: Option<&'a str>,
    who: Option<&'a str>,
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonOldest<'a> {
    rule: &'a str,
    resource: JsonResource<'a>,
    fingerprint: String,
    since: &'a str,
    since_before: bool,
}

fn remark(remark: &Remark) -> JsonRemark<'_> {
    JsonRemark {
        sort: remark.sort.name(),
        severity: remark.severity,
        name: &remark.name,
        resource: &remark.resource,
        from: &remark.from,
        to: remark.to.as_deref(),
        days: remark.days,
        commit: remark.commit.as_deref(),
        who: remark.who.as_deref(),
        text: &remark.text,
    }
}

fn oldest<'a>(oldest: &Oldest<'a>) -> JsonOldest<'a> {
    JsonOldest {
        rule: oldest.rule,
        resource: resource(&oldest.finding.resource.identity),
        fingerprint: oldest.print.to_string(),
        since: oldest.since.date,
        since_before: oldest.since.is_before,
    }
}

#[derive(Serialize)]
struct JsonState {
    state: &'static str,
    label: &'static str,
    meaning: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonFramework<'a> {
    framework: &'a str,
    title: &'a str,
    authority: &'a str,
    version: &'a str,
    notice: &'a str,
    proves: String,
    does_not_prove: String,
    outcomes: BTreeMap<&'static str, u64>,
    requirements: Vec<JsonRequirement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonRequirement<'a> {
    requirement: &'a str,
    title: &'a str,
    parent: Option<&'a str>,
    level: Option<&'a str>,
    group: Option<&'a str>,
    implementation: Option<&'a str>,
    automatable: Option<&'a str>,
    state: &'static str,
    own_state: Option<&'static str>,
    reasons: &'a [String],
    parts: BTreeMap<&'static str, u64>,
    rules: Vec<&'a str>,
    left_out: Vec<JsonNotSelected<'a>>,
    population: JsonPopulation<'a>,
    resources: JsonJudged,
    findings: u64,
    waivers: Vec<String>,
    evidence: Vec<String>,
    evidence_until: Option<&'a str>,
    controls: Vec<String>,
    oldest: Option<JsonOldest<'a>>,
}

#[derive(Serialize)]
struct JsonPopulation<'a> {
    count: u64,
    digest: &'a str,
}

#[derive(Serialize)]
struct JsonJudged {
    passed: u64,
    failed: u64,
    waived: u64,
    suppressed: u64,
    errors: u64,
}

#[derive(Serialize)]
struct JsonJudgedRule<'a> {
    #[serde(flatten)]
    rule: JsonRule<'a>,
    population: Option<JsonPopulation<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonEvidence<'a> {
    evidence: JsonResource<'a>,
    location: JsonLocation<'a>,
    is_valid: bool,
    defects: &'a [String],
    evidence_type: &'a str,
    requirements: Vec<String>,
    artefact: Option<&'a str>,
    digest: Option<&'a str>,
    collected_on: Option<&'a str>,
    collected_by: Option<&'a str>,
    reviewed_on: Option<&'a str>,
    reviewed_by: Option<&'a str>,
    period: Option<JsonPeriod<'a>>,
    until: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonPeriod<'a> {
    from: &'a str,
    to: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonControl<'a> {
    control: JsonResource<'a>,
    location: JsonLocation<'a>,
    status: &'a str,
    requirements: Vec<String>,
    state: Option<&'static str>,
    decision: Option<&'static str>,
    reason: Option<&'a str>,
    alternative: Option<&'a str>,
    defects: &'a [String],
    operators: &'a [String],
    accountable: &'a [String],
    frequency: Option<&'a str>,
    population: Option<&'a str>,
    rules: &'a [String],
}

fn population(population: &Population) -> JsonPopulation<'_> {
    JsonPopulation { count: population.count, digest: &population.digest }
}

fn counts(counts: impl IntoIterator<Item = (State, u64)>) -> BTreeMap<&'static str, u64> {
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(state, count)| (state.name(), count)).collect()
}

fn framework<'a>(past: &Past<'a>, framework: &'a FrameworkOutcome) -> JsonFramework<'a> {
    let limits = limits_of(&framework.id);
    JsonFramework {
        framework: &framework.id,
        title: &framework.title,
        authority: &framework.authority,
        version: &framework.version,
        notice: &framework.notice,
        proves: limits.proves,
        does_not_prove: limits.does_not,
        outcomes: counts(framework.counts()),
        requirements: framework.requirements.iter().map(|each| requirement(past, framework, each)).collect(),
    }
}

fn requirement<'a>(
    past: &Past<'a>,
    framework: &'a FrameworkOutcome,
    each: &'a RequirementOutcome,
) -> JsonRequirement<'a> {
    let audit = past.audit;
    let Audit { report, outcomes, .. } = audit;
    let parent = each.parent.and_then(|parent| framework.requirements.get(parent));
    let Judged { passed, failed, waived, suppressed, errors } = each.judged;
    JsonRequirement {
        requirement: &each.id,
        title: &each.title,
        parent: parent.map(|parent| parent.id.as_str()),
        level: each.level.as_deref(),
        group: each.group.as_deref(),
        implementation: each.implementation.as_deref(),
        automatable: each.automatable.as_deref(),
        state: each.state.name(),
        own_state: each.own.map(State::name),
        reasons: &each.reasons,
        parts: counts(each.parts.iter().copied()),
        rules: audit.rules_of(each).map(|rule| &*rule.name).collect(),
        left_out: each
            .left_out
            .iter()
            .map(|(rule, reason)| {
                let known = audit.report.not_selected.iter().find(|known| *known.rule == **rule);
                let state = known.map_or(Absence::NotSelected, |known| known.absence).name();
                JsonNotSelected { rule, reason, state }
            })
            .collect(),
        population: population(&each.population),
        resources: JsonJudged { passed, failed, waived, suppressed, errors },
        findings: each.findings,
        waivers: names(&each.waivers, &report.waivers, |waiver| waiver.identity.to_string()),
        evidence: names(&each.evidence, &outcomes.evidence, |one| one.evidence.identity.to_string()),
        evidence_until: each.evidence_until.as_deref(),
        controls: names(&each.controls, &outcomes.controls, |one| one.control.identity.to_string()),
        oldest: past.oldest(each).map(oldest),
    }
}

fn evidence(outcome: &EvidenceOutcome) -> JsonEvidence<'_> {
    let each = &outcome.evidence;
    JsonEvidence {
        evidence: resource(&each.identity),
        location: location(&each.location),
        is_valid: outcome.is_valid(),
        defects: &outcome.defects,
        evidence_type: &each.sort,
        requirements: outcome.requirements.iter().map(ToString::to_string).collect(),
        artefact: each.artefact.as_deref(),
        digest: each.digest.as_deref(),
        collected_on: each.collected_on.as_deref(),
        collected_by: each.collected_by.as_deref(),
        reviewed_on: each.reviewed_on.as_deref(),
        reviewed_by: each.reviewed_by.as_deref(),
        period: each.period.as_ref().map(|(from, to)| JsonPeriod { from, to }),
        until: outcome.until.as_deref(),
    }
}

fn control(outcome: &ControlOutcome) -> JsonControl<'_> {
    let each = &outcome.control;
    JsonControl {
        control: resource(&each.identity),
        location: location(&each.location),
        status: &each.status,
        requirements: outcome.requirements.iter().map(ToString::to_string).collect(),
        state: outcome.state.map(State::name),
        decision: outcome.decision().map(|decision| match decision {
            Decision::Otherwise => "otherwise",
            Decision::NotApplicable => "not-applicable",
        }),
        reason: each.reason.as_deref(),
        alternative: each.alternative.as_deref(),
        defects: &outcome.defects,
        operators: &each.operators,
        accountable: &each.accountable,
        frequency: each.frequency.as_deref(),
        population: each.population.as_deref(),
        rules: &each.rules,
    }
}

/// Writes the report as one JSON document, indented.
///
/// # Errors
/// Those of the writer.
pub fn write_audit_json(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let Audit { report, outcomes, .. } = audit;
    let past = Past::new(audit);
    let remarks = remarks(audit);
    let births = audit.births.known();
    let mut populations = outcomes.populations.iter();
    let state =
        |state: State| JsonState { state: state.name(), label: state.label(), meaning: state.meaning() };
    let document = JsonAudit {
        version: VERSION,
        run: run(report),
        is_complete: audit.is_complete(),
        states: State::ALL.into_iter().map(state).collect(),
        summary: summary(report),
        frameworks: outcomes.frameworks.iter().map(|each| framework(&past, each)).collect(),
        rules: report
            .rules
            .iter()
            .map(|each| JsonJudgedRule { rule: rule(each), population: populations.next().map(population) })
            .collect(),
        findings: findings(report).collect(),
        waivers: report.waivers.iter().map(waiver).collect(),
        evidence: outcomes.evidence.iter().map(evidence).collect(),
        controls: outcomes.controls.iter().map(control).collect(),
        problems: report.problems.iter().map(problem).collect(),
        not_selected: not_selected(report).collect(),
        not_evaluated: not_evaluated(report).collect(),
        births: JsonBirths {
            is_known: births.is_some(),
            source: audit.births.sentence(),
            notes: audit.births.notes(),
            findings: births.map_or(&[], |blame| &blame.findings),
        },
        period: audit.period.as_ref(),
        remarks: remarks.iter().map(remark).collect(),
    };
    write_json_value(&document, out, Layout::Indented)?;
    out.write_all(b"\n")
}
