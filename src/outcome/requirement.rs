//! The outcome of a requirement, and how the outcomes of its parts roll up into that of the whole.
//!
//! A whole has the worst of its own outcome and those of its parts, by the order of [`State`], and tells how many parts
//! have which: a better outcome never covers a worse one.

use std::collections::{BTreeMap, BTreeSet};

use super::applies::not_applicable;
use super::control::ControlOutcome;
use super::evidence::EvidenceOutcome;
use super::population::{Population, Resources, Verdict};
use super::{Evaluated, FrameworkOutcome, State};
use crate::finding::{Finding, Status};
use crate::policy::{Framework, Requirement, RequirementRef};

/// What is known of one requirement.
#[derive(Clone, Debug)]
pub struct RequirementOutcome {
    /// Its number or name within the framework.
    pub id: String,
    /// What it asks, in our own words.
    pub title: String,
    /// The place of the one that it is a part of, in the list of the framework.
    pub parent: Option<usize>,
    /// How deep it stands; 0 at the top.
    pub depth: usize,
    /// What sort of entry it is in its framework.
    pub level: Option<String>,
    /// The chapter it stands in.
    pub group: Option<String>,
    /// HIPAA: standard, required or addressable.
    pub implementation: Option<String>,
    /// Whether declared YAML can hold the evidence: yes, partly or no.
    pub automatable: Option<String>,
    /// Its own outcome; none if it has parts, and neither rules, evidence nor controls itself.
    pub own: Option<State>,
    /// The worst of its own outcome and those of its parts.
    pub state: State,
    /// Why its own outcome is what it is, and what else should be known.
    pub reasons: Vec<String>,
    /// Its parts of all depths that have an outcome of their own, by state, worst first.
    pub parts: Vec<(State, u64)>,
    /// The rules that test it, by index.
    pub rules: Vec<u32>,
    /// Rules that would, and take no part in the run: their names, and why.
    pub left_out: Vec<(String, String)>,
    /// What its rules were judged on.
    pub population: Population,
    /// What became of these resources.
    pub judged: Judged,
    /// Findings that count, of its rules.
    pub findings: u64,
    /// The waivers that cover findings of its rules, by their place in the report.
    pub waivers: Vec<usize>,
    /// The evidence that supports it, valid or not, by its place.
    pub evidence: Vec<usize>,
    /// The controls that serve it, by their place.
    pub controls: Vec<usize>,
    /// The first day after which some of its valid evidence does not count any more.
    pub evidence_until: Option<String>,
}

/// What became of the resources of a population; each counts once, by the worst of all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Without a finding.
    pub passed: u64,
    /// With a finding that counts.
    pub failed: u64,
    /// With findings, all of them waived.
    pub waived: u64,
    /// With findings, some suppressed in the text and none that counts.
    pub suppressed: u64,
    /// That could not be judged by a rule, and fail none.
    pub errors: u64,
}

/// What a control decides about a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// That something else stands in its place, or that an addressable item is declined.
    Otherwise,
    /// That it does not concern the organisation.
    NotApplicable,
}

impl ControlOutcome {
    /// What it decides, if it decides anything and may.
    pub fn decision(&self) -> Option<Decision> {
        match self.control.status.as_str() {
            _ if !self.decides() => None,
            "replaced" => Some(Decision::Otherwise),
            "not-applicable" if self.control.is_addressable => Some(Decision::Otherwise),
            "not-applicable" => Some(Decision::NotApplicable),
            _ => None,
        }
    }
}

/// The worst state of some requirements; none if no framework of the report has them.
pub(super) fn worst_of(frameworks: &[FrameworkOutcome], requirements: &[RequirementRef]) -> Option<State> {
    let found = requirements.iter().filter_map(|each| {
        let framework = frameworks.iter().find(|framework| *framework.id == *each.framework)?;
        framework.requirements.iter().find(|entry| *entry.id == *each.id).map(|entry| entry.state)
    });
    found.min()
}

/// The outcomes of a framework.
pub(super) fn of_framework(
    framework: &Framework,
    evaluated: &Evaluated<'_>,
    resources: &Resources,
    controls: &[ControlOutcome],
    evidence: &[EvidenceOutcome],
) -> FrameworkOutcome {
    let order = in_order(&framework.requirements);
    let places: BTreeMap<usize, usize> =
        order.iter().enumerate().map(|(to, (from, ..))| (*from, to)).collect();
    let material = Material::new(framework, evaluated, resources, controls, evidence);
    let mut requirements: Vec<RequirementOutcome> = Vec::with_capacity(order.len());
    let has_parts: BTreeSet<usize> = order.iter().filter_map(|(_, parent, _)| *parent).collect();
    // By place: why it, or what it is a part of, does not concern the organisation.
    let mut outside: Vec<Option<String>> = Vec::with_capacity(order.len());
    for (from, parent, depth) in &order {
        let Some(entry) = framework.requirements.get(*from) else { continue };
        let parent = parent.and_then(|parent| places.get(&parent)).copied();
        let above = parent.and_then(|parent| outside.get(parent)).cloned().flatten();
        let reason = above.clone().or_else(|| not_applicable(entry, evaluated));
        requirements.push(material.outcome(
            entry,
            parent,
            *depth,
            has_parts.contains(from),
            reason.as_deref(),
        ));
        // What stands in the place of a requirement may be a part of it.
        outside.push(if entry.superseded_by.is_some() { above } else { reason });
    }
    roll_up(&mut requirements);
    FrameworkOutcome {
        id: framework.id.clone(),
        title: framework.title.clone(),
        authority: framework.authority.clone(),
        version: framework.version.clone(),
        notice: framework.notice.clone(),
        requirements,
    }
}

/// Each entry after the one that it is a part of: its place in the document, that of its parent, and its depth. Entries
/// that are parts of each other in a circle stand at the top.
fn in_order(entries: &[Requirement]) -> Vec<(usize, Option<usize>, usize)> {
    let places: BTreeMap<&str, usize> =
        entries.iter().enumerate().rev().map(|(at, entry)| (entry.id.as_str(), at)).collect();
    let parent = |entry: &Requirement| entry.parent.as_deref().and_then(|parent| places.get(parent)).copied();
    let mut parts: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        parts.entry(parent(entry)).or_default().push(at);
    }
    let mut order = Vec::with_capacity(entries.len());
    let mut seen = BTreeSet::new();
    let tops = parts.get(&None).cloned().unwrap_or_default();
    for start in tops.into_iter().chain(0..entries.len()) {
        let mut stack = vec![(start, None, 0)];
        while let Some((at, above, depth)) = stack.pop() {
            if !seen.insert(at) {
                continue;
            }
            order.push((at, above, depth));
            let below = parts.get(&Some(at)).into_iter().flatten().rev();
            stack.extend(below.map(|part| (*part, Some(at), depth + 1)));
        }
    }
    order
}

/// Puts the outcomes of parts into those of their wholes.
fn roll_up(requirements: &mut [RequirementOutcome]) {
    let mut parts: Vec<BTreeMap<State, u64>> = vec![BTreeMap::new(); requirements.len()];
    // Parts stand after their wholes, so that a walk from the end meets them first.
    for at in (0..requirements.len()).rev() {
        let below = parts.get(at).cloned().unwrap_or_default();
        let Some(entry) = requirements.get_mut(at) else { continue };
        let worst = below.keys().copied().chain(entry.own).min();
        entry.state = worst.unwrap_or(State::Uncovered);
        entry.parts = below.iter().map(|(state, count)| (*state, *count)).collect();
        if let Some(counts) = entry.parent.and_then(|parent| parts.get_mut(parent)) {
            for (state, count) in below.into_iter().chain(entry.own.map(|own| (own, 1))) {
                *counts.entry(state).or_default() += count;
            }
        }
    }
}

/// What a framework's requirements are judged from, by requirement.
struct Material<'m> {
    framework: &'m Framework,
    resources: &'m Resources,
    controls: &'m [ControlOutcome],
    evidence: &'m [EvidenceOutcome],
    rules: BTreeMap<&'m str, Vec<u32>>,
    left_out: BTreeMap<&'m str, Vec<(String, String)>>,
    /// By rule: findings that count, and waivers that cover others.
    findings: Vec<(u64, BTreeSet<usize>)>,
    /// By rule: resources that it matched.
    matched: Vec<u64>,
}

impl<'m> Material<'m> {
    fn new(
        framework: &'m Framework,
        evaluated: &'m Evaluated<'_>,
        resources: &'m Resources,
        controls: &'m [ControlOutcome],
        evidence: &'m [EvidenceOutcome],
    ) -> Self {
        let is_ours = |reference: &&RequirementRef| *reference.framework == *framework.id;
        let mut rules: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (index, rule) in (0_u32..).zip(evaluated.rules) {
            for reference in rule.requirements.iter().filter(is_ours) {
                let list = rules.entry(&*reference.id).or_default();
                if list.last() != Some(&index) {
                    list.push(index);
                }
            }
        }
        let mut left_out: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for each in evaluated.not_selected {
            for reference in each.requirements.iter().filter(is_ours) {
                let entry = (each.rule.to_string(), each.reason.clone());
                left_out.entry(&*reference.id).or_default().push(entry);
            }
        }
        Self {
            framework,
            resources,
            controls,
            evidence,
            rules,
            left_out,
            findings: findings_by_rule(evaluated),
            matched: evaluated.tallies.iter().map(|tally| tally.matched).collect(),
        }
    }

    fn outcome(
        &self,
        entry: &Requirement,
        parent: Option<usize>,
        depth: usize,
        has_parts: bool,
        not_applicable: Option<&str>,
    ) -> RequirementOutcome {
        let rules = self.rules.get(entry.id.as_str()).cloned().unwrap_or_default();
        let (population, counts) = self.resources.of_all(&rules);
        let count = |verdict: Verdict| counts.get(verdict as usize).copied().unwrap_or_default();
        let judged = Judged {
            passed: count(Verdict::Passed),
            failed: count(Verdict::Failed),
            waived: count(Verdict::Waived),
            suppressed: count(Verdict::Suppressed),
            errors: count(Verdict::Error),
        };
        let of_rules = rules.iter().filter_map(|rule| self.findings.get(*rule as usize));
        let mut waivers = BTreeSet::new();
        let mut findings = 0;
        for (counting, waived_by) in of_rules {
            findings += counting;
            waivers.extend(waived_by.iter().copied());
        }
        let serves = |control: &ControlOutcome| control.serves(&self.framework.id, &entry.id);
        let controls = places(self.controls, serves);
        let supports = |evidence: &EvidenceOutcome| {
            let mut requirements = evidence.requirements.iter();
            requirements.any(|each| *each.framework == *self.framework.id && *each.id == *entry.id)
        };
        let evidence = places(self.evidence, supports);
        let valid: Vec<&EvidenceOutcome> =
            evidence.iter().filter_map(|at| self.evidence.get(*at)).filter(|each| each.is_valid()).collect();
        let evidence_until = valid.iter().filter_map(|each| each.until.clone()).min();
        let mut outcome = RequirementOutcome {
            id: entry.id.clone(),
            title: entry.title.clone(),
            parent,
            depth,
            level: entry.level.clone(),
            group: entry.group.clone(),
            implementation: entry.implementation.clone(),
            automatable: entry.automatable.clone(),
            own: None,
            state: State::Uncovered,
            reasons: Vec::new(),
            parts: Vec::new(),
            left_out: self.left_out.get(entry.id.as_str()).cloned().unwrap_or_default(),
            population,
            judged,
            findings,
            waivers: waivers.into_iter().collect(),
            evidence_until,
            rules,
            evidence,
            controls,
        };
        let is_heading = has_parts
            && outcome.rules.is_empty()
            && outcome.evidence.is_empty()
            && outcome.controls.is_empty()
            && outcome.left_out.is_empty();
        if let Some(reason) = not_applicable {
            outcome.reasons.push(reason.to_owned());
            outcome.own = (!is_heading).then_some(State::NotApplicable);
        } else if !is_heading {
            let has_evidence = !valid.is_empty();
            outcome.own = Some(self.own(&mut outcome, has_evidence));
        }
        outcome
    }

    /// The outcome of a requirement by itself; the reasons are added to it.
    fn own(&self, outcome: &mut RequirementOutcome, has_evidence: bool) -> State {
        let Judged { passed, failed, waived, suppressed, errors } = outcome.judged;
        let controls: Vec<&ControlOutcome> =
            outcome.controls.iter().filter_map(|at| self.controls.get(*at)).collect();
        let mut reasons = Vec::new();
        for control in &controls {
            if control.control.status == "failed" {
                reasons.push(format!("{} is declared as failed", control.control.identity));
            }
        }
        let has_failed = !reasons.is_empty();
        if failed > 0 {
            reasons.push(format!("{failed} of {} fail", resources(outcome.population.count)));
        }
        if suppressed > 0 {
            let all = resources(outcome.population.count);
            reasons.push(format!(
                "{suppressed} of {all} have findings that a comment suppresses, and nobody has approved that"
            ));
        }
        if errors > 0 {
            reasons.push(format!("{errors} of {} could not be judged", resources(outcome.population.count)));
        }
        if waived > 0 {
            reasons.push(format!(
                "{waived} of {} have findings, all waived",
                resources(outcome.population.count)
            ));
        }
        let judged_nothing =
            outcome.rules.iter().filter(|rule| self.matched.get(**rule as usize) == Some(&0)).count();
        let is_partly = judged_nothing > 0 && judged_nothing < outcome.rules.len();
        let mut state = match outcome.population.count {
            _ if has_failed || failed > 0 || suppressed > 0 => State::NotSatisfied,
            _ if errors > 0 => State::Error,
            0 if outcome.rules.is_empty() => State::Uncovered,
            0 => State::NotEvaluated,
            _ if waived > 0 => State::Waived,
            _ => State::Satisfied,
        };
        match state {
            State::Uncovered if outcome.left_out.is_empty() => reasons.push("no rule tests it".to_owned()),
            State::Uncovered => reasons.push("no rule that takes part tests it".to_owned()),
            State::NotEvaluated => {
                reasons.push(format!("{} matched nothing", rules(outcome.rules.len())));
            }
            State::Satisfied if passed == 1 => {
                reasons.push("the 1 resource that it applies to passes".to_owned());
            }
            State::Satisfied => reasons.push(format!("all {passed} resources that it applies to pass")),
            _ => {}
        }
        if is_partly {
            let all = outcome.rules.len();
            reasons.push(format!("{judged_nothing} of {all} rules matched nothing"));
        }
        let decision = controls.iter().find_map(|control| Some((control, control.decision()?)));
        let is_open = matches!(state, State::Uncovered | State::NotEvaluated);
        if let Some((control, decision)) = decision {
            let name = &control.control.identity;
            let why = control.control.reason.as_deref().unwrap_or_default();
            match decision {
                Decision::Otherwise if is_open || state == State::Waived => {
                    state = State::Decided;
                    reasons.push(format!("{name}: {why}"));
                }
                Decision::NotApplicable if is_open => {
                    state = State::NotApplicable;
                    reasons.push(format!("{name}: {why}"));
                }
                Decision::Otherwise => {
                    reasons.push(format!("{name} decides otherwise, which changes nothing here"));
                }
                Decision::NotApplicable => {
                    reasons
                        .push(format!("{name} declares it not applicable, yet resources are judged by it"));
                }
            }
        }
        if has_evidence && matches!(state, State::Uncovered | State::NotEvaluated) {
            state = State::Evidenced;
        }
        outcome.reasons = reasons;
        state
    }
}

fn resources(count: u64) -> String {
    if count == 1 { "1 resource".to_owned() } else { format!("{count} resources") }
}

fn rules(count: usize) -> String {
    if count == 1 { "its 1 rule".to_owned() } else { format!("its {count} rules") }
}

fn places<T>(list: &[T], wanted: impl Fn(&T) -> bool) -> Vec<usize> {
    list.iter().enumerate().filter(|(_, each)| wanted(each)).map(|(at, _)| at).collect()
}

/// By rule: findings that count, and the waivers that cover others, by their place.
fn findings_by_rule(evaluated: &Evaluated<'_>) -> Vec<(u64, BTreeSet<usize>)> {
    let waivers: BTreeMap<String, usize> =
        evaluated.waivers.iter().enumerate().map(|(at, waiver)| (waiver.identity.to_string(), at)).collect();
    let mut list: Vec<(u64, BTreeSet<usize>)> = vec![(0, BTreeSet::new()); evaluated.rules.len()];
    for Finding { rule, status, exception, .. } in evaluated.findings {
        let Some((counting, waived_by)) = list.get_mut(*rule as usize) else { continue };
        match status {
            Status::Fail | Status::Baselined => *counting += 1,
            Status::Waived => {
                waived_by.extend(exception.as_deref().and_then(|name| waivers.get(name)).copied());
            }
            Status::Suppressed => {}
        }
    }
    list
}
