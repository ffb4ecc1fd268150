//! The baseline: what is needed to tell whether its entries hold, and `assize baseline`, which writes one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::check::{Check, CheckRequest, check_with};
use super::first_pass::State;
use super::policies::PolicyError;
use super::sources::Sources;
use crate::compare::digest_of_meaning;
use crate::estate::{Inventory, SensitiveField};
use crate::evaluate::Admitted;
use crate::finding::{Finding, Fingerprint, Identity, Location, Status};
use crate::plan::KindPlan;
use crate::policy::{Baseline, BaselineChoice, BaselineEntry, Rule, rule_digest};
use crate::report::Report;
use crate::schema::PathSet;
use crate::waive::{BaselineInForce, EntryState};

/// What is done with a baseline that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaselineMode {
    /// Every finding that stands is in it afterwards.
    Write,
    /// Nothing is added; what no longer holds is taken out.
    Update,
}

/// A baseline to write.
#[derive(Debug)]
pub struct NewBaseline {
    /// Its entries, in no particular order.
    pub entries: Vec<BaselineEntry>,
    /// How many of them were in the former one.
    pub kept: u64,
    /// How many of the former one are not in it, since they lapsed or are stale.
    pub removed: u64,
    /// Findings that no baseline can hold: a rule that is sensitive looks at the whole of their resource.
    pub left_out: u64,
    /// The run that it comes from.
    pub report: Report,
}

/// Evaluates, and makes a baseline of the findings that stand. What the run did not look at stays as it was in the
/// former one.
///
/// # Errors
/// What keeps a run from beginning.
pub fn baseline(
    sources: &Sources<'_>,
    request: &CheckRequest,
    former: Option<Arc<Baseline>>,
    mode: BaselineMode,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<NewBaseline, PolicyError> {
    let mut request = request.clone();
    request.with_digests = true;
    request.selection.baseline = former.map_or(BaselineChoice::None, BaselineChoice::Given);
    check_with(sources, &request, progress, |report, policies| {
        let rules = &policies.rules;
        let mut kept = Vec::new();
        let mut gone = 0_u64;
        if let Some(outcome) = &report.baseline {
            for (entry, state) in outcome.baseline.entries.iter().zip(&outcome.states) {
                match (state, mode) {
                    (EntryState::NotJudged, _) | (EntryState::Holds, BaselineMode::Update) => {
                        kept.push(entry.clone());
                    }
                    // It is made anew of its finding.
                    (EntryState::Holds, BaselineMode::Write) => {}
                    (EntryState::Lapsed(_) | EntryState::Stale(_), _) => gone += 1,
                }
            }
        }
        let mut new: BTreeMap<Fingerprint, BaselineEntry> = BTreeMap::new();
        let mut left_out = 0;
        let stands = |status| matches!(status, Status::Fail | Status::Baselined);
        let findings = report.findings.iter().zip(&report.fingerprints);
        for (finding, print) in
            findings.filter(|(finding, _)| mode == BaselineMode::Write && stands(finding.status))
        {
            let rule = report.rule(finding).and_then(|rule| rules.rule(&rule.name));
            let Some((rule, digest)) = rule.zip(finding.resource.digest()) else {
                left_out += 1;
                continue;
            };
            let entry = new.entry(*print).or_insert_with(|| BaselineEntry {
                fingerprint: *print,
                rule: rule.name.to_string(),
                severity: rule.severity,
                resource: finding.resource.identity.to_string(),
                count: 0,
                resource_digest: *digest,
                rule_digest: rule_digest(rule),
                location: Location::start_of(""),
            });
            entry.count += 1;
        }
        let entries = report.baseline.iter().flat_map(|outcome| &outcome.baseline.entries);
        let known: BTreeSet<Fingerprint> = entries.map(|entry| entry.fingerprint).collect();
        let again = new.keys().filter(|print| known.contains(print)).count() as u64;
        let count = kept.len() as u64 + again;
        // What was taken out and is there again was not taken out.
        let removed = gone.min(known.len() as u64 - count);
        kept.retain(|entry| !new.contains_key(&entry.fingerprint));
        kept.extend(new.into_values());
        NewBaseline { entries: kept, kept: count, removed, left_out, report }
    })
}

impl Check<'_> {
    /// Whether this is the file of the baseline, from the folder of the configuration. It need not hold resources; what it
    /// holds of them is judged all the same.
    pub(super) fn is_baseline_file(&self, path: &str) -> bool {
        let configured = self.policies.config.baseline.as_ref().map(|(path, _)| path);
        let named = match &self.request.selection.baseline {
            BaselineChoice::At(path) => Some(path),
            _ => None,
        };
        configured.into_iter().chain(named).any(|known| known == path)
    }

    /// Whether an entry of the baseline is about a resource.
    pub(super) fn is_baselined(&self, identity: &Identity) -> bool {
        !self.baselined.is_empty() && self.baselined.contains(identity.to_string().as_str())
    }

    /// Sets the digest of a resource. `found` are its findings of local rules. A value that nobody should see is no part of
    /// it; where a rule that is sensitive looks at everything, there is none.
    pub(super) fn digest(&self, admitted: &Admitted<'_>, kind: &KindPlan, found: &[Finding]) {
        let mut masked: Vec<Vec<String>> = kind.sensitive.iter().map(SensitiveField::keys).collect();
        let rule = |index: u32| self.policies.rules.rules.get(index as usize);
        let is_sensitive = |rule: &&Rule| rule.is_sensitive;
        for finding in found.iter().filter(|finding| rule(finding.rule).as_ref().is_some_and(is_sensitive)) {
            let Some(keys) = keys_of(&finding.key) else { return };
            masked.push(keys);
        }
        for rule in kind.joined.iter().filter_map(|applicable| rule(applicable.rule)).filter(is_sensitive) {
            if !all_paths(&rule.reads.own, &mut Vec::new(), &mut masked) {
                return;
            }
        }
        let digest = digest_of_meaning(&admitted.root.to_value(), &masked);
        if let Some(rare) = &admitted.resource.rare {
            // It is set once.
            let _is_first = rare.digest.set(digest);
        }
    }

    /// The baseline with what tells what became of its entries.
    pub(super) fn baseline_in_force(
        &self,
        findings: &[Finding],
        inventory: &Inventory,
        states: &[State],
        fingerprint: &dyn Fn(&Finding, &str) -> Fingerprint,
    ) -> Option<BaselineInForce<'_>> {
        let baseline = self.policies.baseline.as_ref()?;
        let set = &self.policies.rules;
        let prints = |finding: &Finding| {
            let rule = set.rules.get(finding.rule as usize);
            let names = rule.into_iter().flat_map(|rule| {
                std::iter::once(&*rule.name).chain(rule.formerly.iter().map(String::as_str))
            });
            names.map(|name| fingerprint(finding, name)).collect()
        };
        let mut resources = HashMap::new();
        for ((_, resource), state) in inventory.resources().zip(states) {
            if self.is_baselined(&resource.identity) {
                let is_judged = resources.entry(resource.identity.to_string()).or_insert(true);
                *is_judged &= state.is_sound && state.is_evaluated;
            }
        }
        Some(BaselineInForce {
            baseline,
            fingerprints: findings.iter().map(prints).collect(),
            resources,
            is_whole: self.request.paths.is_empty() && self.request.standard_input.is_none(),
            not_selected: set.not_selected.iter().map(|rule| rule.rule.to_string()).collect(),
        })
    }
}

/// The keys of a JSON Pointer, positions of lists left out; none if it says something else, or nothing.
fn keys_of(pointer: &str) -> Option<Vec<String>> {
    let parts = pointer.strip_prefix('/')?.split('/');
    let keys = parts.filter(|part| part.parse::<usize>().is_err());
    let keys: Vec<String> = keys.map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    (!keys.is_empty()).then_some(keys)
}

/// Adds the paths of a set; says no if it is everything.
fn all_paths(set: &PathSet, keys: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> bool {
    match set {
        PathSet::All if keys.is_empty() => false,
        PathSet::Keys(inner) if !inner.is_empty() => inner.iter().all(|(key, inner)| {
            keys.push(key.clone());
            let is_part = all_paths(inner, keys, paths);
            keys.pop();
            is_part
        }),
        PathSet::All | PathSet::Keys(_) => {
            if !keys.is_empty() {
                paths.push(keys.clone());
            }
            true
        }
    }
}
