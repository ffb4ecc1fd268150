//! What a period shows beside its rules: who was judged for each requirement and control, what became of each waiver, and
//! what commits did to what judges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::check::CheckRequest;
use super::gate::{Gate, gate_changes};
use super::history::{History, Instant, Step};
use super::ledger::{Controls, Delta, GroupFacts, RuleFacts, WaiverFacts, digest, place};
use super::period::seconds_of;
use super::policies::{Beside, Policies, PolicyError, load};
use super::touched::changed_paths;
use crate::load::{CONFIG_FILE, ChangedPath, Commit, Source as _};
use crate::report::{GateEvent, Mark, WaiverPeriod, WaiverStretch};

/// The requirements and controls for which others are judged than before, given what a step changes of the rules.
pub(super) fn changed_groups(
    step: &Step<'_, '_>,
    former: &BTreeMap<String, RuleFacts>,
    delta: &Delta,
    controls: &Controls,
    known: &BTreeMap<String, GroupFacts>,
) -> Vec<(String, GroupFacts)> {
    let is_new = |(name, facts): &&(String, RuleFacts)| {
        let known = former.get(name);
        known.is_none_or(|known| known.matches != facts.matches || known.requirements != facts.requirements)
    };
    let changed: BTreeSet<&str> = delta
        .rules
        .iter()
        .filter(is_new)
        .map(|(name, _)| name.as_str())
        .chain(delta.dropped.iter().map(String::as_str))
        .collect();
    let are_rules_known =
        |name: &String, rules: &[String]| known.get(name).is_some_and(|group| group.rules == rules);
    let are_controls_known = controls.iter().all(|(name, (_, rules))| are_rules_known(name, rules))
        && known.keys().filter(|name| !name.contains(':')).all(|name| controls.contains_key(name));
    if changed.is_empty() && are_controls_known {
        return Vec::new();
    }
    let all = &step.policies.rules.rules;
    let places: HashMap<&str, u32> = (0_u32..)
        .zip(all)
        .filter(|(_, rule)| !rule.uses.change)
        .map(|(at, rule)| (&*rule.name, at))
        .collect();
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for rule in step.report.rules.iter().filter(|rule| places.contains_key(&*rule.name)) {
        for requirement in &rule.requirements {
            groups.entry(requirement).or_default().push(rule.name.to_string());
        }
    }
    for (name, (_, rules)) in controls {
        groups.insert(name, rules.clone());
    }
    let nobody = || GroupFacts { population: digest(&[]), ..GroupFacts::default() };
    let is_gone =
        |(name, facts): &(&String, &GroupFacts)| !groups.contains_key(name.as_str()) && **facts != nobody();
    let gone: Vec<(String, GroupFacts)> =
        known.iter().filter(is_gone).map(|(name, _)| (name.clone(), nobody())).collect();
    let facts_of = |name: &str| {
        let now = delta.rules.iter().find(|(each, _)| each == name).map(|(_, facts)| facts);
        now.or_else(|| former.get(name))
    };
    let mut found = gone;
    for (name, rules) in groups {
        let is_same = known.get(name).is_some_and(|group| group.rules == rules);
        if is_same && !rules.iter().any(|rule| changed.contains(rule.as_str())) {
            continue;
        }
        let (count, population) = match rules.as_slice() {
            // Of most the one rule says it already.
            [rule] if facts_of(rule).is_some_and(|facts| facts.matches.count > 0) => facts_of(rule)
                .map(|facts| (facts.matches.count, facts.population.clone()))
                .unwrap_or_default(),
            rules => {
                let wanted = rules.iter().filter_map(|rule| places.get(rule.as_str()).copied()).collect();
                let population = step.replay.population(&wanted);
                (population.len() as u64, digest(&population))
            }
        };
        found.push((name.to_owned(), GroupFacts { rules, count, population }));
    }
    found
}

/// What became of each waiver.
#[derive(Default)]
pub(super) struct Waivers(BTreeMap<String, WaiverPeriod>);

impl Waivers {
    /// Takes in what stands from a step on.
    pub(super) fn see(&mut self, all: &[WaiverFacts], mark: &Mark) {
        let mut present: BTreeSet<String> = BTreeSet::new();
        for each in all {
            let name = each.waiver.clone();
            let now = WaiverStretch {
                state: each.state.name(),
                expires: each.expires.clone(),
                approved_by: each.approved_by.clone(),
                defects: each.defects.clone(),
                from: mark.clone(),
                to: None,
            };
            // Two of one name are an error of the estate, and the first speaks.
            if !present.insert(name.clone()) {
                continue;
            }
            let known = self.0.entry(name).or_insert_with_key(|name| WaiverPeriod {
                waiver: name.clone(),
                rules: Vec::new(),
                reason: String::new(),
                stretches: Vec::new(),
                unproven_commits: Vec::new(),
            });
            known.rules.clone_from(&each.rules);
            known.reason.clone_from(&each.reason);
            let says_the_same = known.stretches.last().is_some_and(|last| {
                let is_open = last.to.is_none();
                is_open && WaiverStretch { from: now.from.clone(), ..last.clone() } == now
            });
            if !says_the_same {
                end(&mut known.stretches, mark);
                known.stretches.push(now);
            }
        }
        for (_, known) in self.0.iter_mut().filter(|(name, _)| !present.contains(*name)) {
            end(&mut known.stretches, mark);
        }
    }

    pub(super) fn finish(&mut self) -> Vec<WaiverPeriod> {
        std::mem::take(&mut self.0).into_values().collect()
    }
}

fn end(stretches: &mut [WaiverStretch], mark: &Mark) {
    if let Some(last) = stretches.last_mut().filter(|last| last.to.is_none()) {
        last.to = Some(mark.clone());
    }
}

/// What commits of a period did to rules and configuration, and which of them touched a file of these. A version whose
/// configuration cannot be used is a problem of the period, and is compared with nothing.
///
/// # Errors
/// A commit that cannot be read.
pub(super) fn gate_events(
    history: &History,
    instants: &[Instant],
    request: &CheckRequest,
) -> Result<(Vec<GateEvent>, BTreeSet<usize>), PolicyError> {
    let mut events = Vec::new();
    let mut touched = BTreeSet::new();
    // Those of the commit before, if they are known already: none within if they cannot be used.
    let mut known: Option<Option<Policies>> = None;
    let mut now = i64::MIN;
    for instant in instants {
        let midnight = seconds_of(&instant.day);
        let (false, Some(commit)) = (instant.is_tick, history.commits.get(instant.commit)) else {
            now = now.max(midnight);
            continue;
        };
        now = now.max(midnight).max(commit.committer.seconds);
        let changed = changed_paths(history, instant.commit).map_err(PolicyError::Load)?;
        let Some(before) = instant.commit.checked_sub(1) else {
            // The first commit has nothing to be compared with; whatever judges, it brought.
            let own = policies_at(history, instant.commit, request)?;
            let source = history.source(instant.commit).map_err(PolicyError::Load)?;
            if changed.iter().any(|changed| is_policy(&source, own.as_ref(), changed)) {
                touched.insert(instant.commit);
            }
            known = Some(own);
            continue;
        };
        if changed.is_empty() {
            continue;
        }
        let base = match known.take() {
            Some(policies) => policies,
            None => policies_at(history, before, request)?,
        };
        let source = history.source(instant.commit).map_err(PolicyError::Load)?;
        if !changed.iter().any(|changed| is_policy(&source, base.as_ref(), changed)) {
            known = Some(base);
            continue;
        }
        touched.insert(instant.commit);
        let head = policies_at(history, instant.commit, request)?;
        if let (Some(base), Some(head)) = (&base, &head) {
            let gate = |policies| Gate { policies, waivers: &[], ignores: &[] };
            let changes = gate_changes(&gate(base), &gate(head), &instant.day);
            events.extend(changes.into_iter().map(|change| GateEvent {
                at: Mark {
                    date: instant.day.text().to_owned(),
                    commit: Some(commit.revision.commit.to_string()),
                    seconds: now,
                },
                committer: commit.committer.name.clone(),
                sort: change.sort.name(),
                name: change.name,
                was: change.from,
                became: change.to,
                place: change.location.as_ref().map(place),
            }));
        }
        known = Some(head);
    }
    Ok((events, touched))
}

/// Whether a file is one of the configuration or of the policies; where these are not known, any may be.
fn is_policy(source: &Commit, policies: Option<&Policies>, changed: &ChangedPath) -> bool {
    let path = String::from_utf8_lossy(&changed.path);
    let below = source.from_base(&path);
    path.rsplit('/').next() == Some(CONFIG_FILE)
        || below.is_some_and(|path| policies.is_none_or(|policies| policies.are_in(path)))
}

/// The policies of a commit; none if its configuration cannot be used.
fn policies_at(
    history: &History,
    at: usize,
    request: &CheckRequest,
) -> Result<Option<Policies>, PolicyError> {
    let source = history.source(at).map_err(PolicyError::Load)?;
    match load(&source, &request.selection, request.threads, Beside::Judged) {
        Ok(policies) => Ok(Some(policies)),
        Err(PolicyError::Configuration(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
