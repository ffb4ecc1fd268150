//! Which findings an exception covers: waivers, and ignores in comments where they are allowed.
//!
//! Input: findings, the waivers and ignores of the run, what the configuration demands of them. Output: the status
//! of each finding, and of each exception whether it counts, why not, and how much it covers. What it does not do:
//! it decides nothing about what a finding is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::date::Moment;
use crate::evaluate::Tally;
use crate::finding::{Finding, Identity, Location, Resource, Status};
use crate::policy::{InlineIgnore, Rule, Waiver, WaiverPolicy};
use crate::problem::{Code, Problem};

/// What became of a waiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverOutcome {
    /// Who it is.
    pub identity: Identity,
    /// Where it stands.
    pub location: Location,
    /// The rules that it is about.
    pub rules: Vec<String>,
    /// What kind of exception it is, if it says.
    pub sort: Option<&'static str>,
    /// Why.
    pub reason: String,
    /// Who approved, if it says.
    pub approved_by: Option<String>,
    /// The last day on which it counts, if it says.
    pub expires: Option<String>,
    /// Where it is tracked, if it says.
    pub ticket: Option<String>,
    /// What became of it.
    pub state: WaiverState,
    /// Why it waives nothing; empty if it counts.
    pub defects: Vec<String>,
    /// The findings that it waives; of one that counts for nothing, those that it would.
    pub findings: u64,
}

/// Whether a waiver counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiverState {
    /// It counts.
    InForce,
    /// It counts, and no list of approvers says that its approver may approve.
    Unverified,
    /// It waives nothing.
    Void,
}

impl WaiverState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Unverified => "unverified",
            Self::Void => "void",
        }
    }
}

/// The exceptions of a run.
#[derive(Debug)]
pub struct Exceptions<'r> {
    /// What the configuration demands.
    pub policy: &'r WaiverPolicy,
    /// Documents of kind Waiver.
    pub waivers: Vec<Waiver>,
    /// Those of an estate whose waivers come from elsewhere: they waive nothing, and are told.
    pub uncounted: Vec<Waiver>,
    /// Exceptions in comments.
    pub ignores: Vec<InlineIgnore>,
    /// The clock.
    pub as_of: &'r Moment,
}

impl Exceptions<'_> {
    /// Sets the status of findings and moves their resources from failed to waived or suppressed. Gives what became
    /// of each waiver, in the order of their places, and problems of ignores that cannot count.
    pub fn apply(
        &self,
        findings: &mut [Finding],
        tallies: &mut [Tally],
        rules: &[Rule],
        resources: &[&Arc<Resource>],
    ) -> (Vec<WaiverOutcome>, Vec<Problem>) {
        let mut outcomes = Vec::new();
        let counted = self.waivers.iter().map(|waiver| (waiver, true));
        for (waiver, is_counted) in counted.chain(self.uncounted.iter().map(|waiver| (waiver, false))) {
            let covered: HashSet<&Identity> = resources
                .iter()
                .map(|resource| &resource.identity)
                .filter(|one| waiver.covers(one))
                .collect();
            let mut defects = waiver.defects(self.policy, self.as_of, covered.len() as u64);
            if !is_counted {
                defects.insert(
                    0,
                    "it stands in the estate, and waivers come from where the policies come from".to_owned(),
                );
            }
            let state = match (defects.is_empty(), self.policy.approvers.is_some()) {
                (false, _) => WaiverState::Void,
                (true, true) => WaiverState::InForce,
                (true, false) => WaiverState::Unverified,
            };
            let name: Arc<str> = waiver.identity.to_string().into();
            let mut count = 0;
            for finding in findings.iter_mut().filter(|finding| covered.contains(&finding.resource.identity))
            {
                let Some(rule) = rules.get(finding.rule as usize) else { continue };
                if !waiver.concerns(&rule.name, &rule.formerly, &finding.location.path) {
                    continue;
                }
                count += 1;
                if state != WaiverState::Void && finding.status == Status::Fail {
                    finding.status = Status::Waived;
                    finding.exception = Some(Arc::clone(&name));
                }
            }
            outcomes.push(WaiverOutcome {
                identity: waiver.identity.clone(),
                location: waiver.location.clone(),
                rules: waiver.rules.clone(),
                sort: waiver.sort.map(crate::policy::WaiverType::name),
                reason: waiver.reason.clone(),
                approved_by: waiver.approved_by.clone(),
                expires: waiver.expires.clone(),
                ticket: waiver.ticket.clone(),
                state,
                defects,
                findings: count,
            });
        }
        let problems = if self.policy.inline { self.suppress(findings, rules) } else { Vec::new() };
        move_tallies(findings, tallies);
        outcomes.sort_by(|one, other| one.location.cmp(&other.location));
        (outcomes, problems)
    }

    /// Applies the ignores in comments.
    fn suppress(&self, findings: &mut [Finding], rules: &[Rule]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let known: BTreeSet<&str> = rules.iter().map(|rule| &*rule.name).collect();
        let mut by_line: HashMap<(&str, u32), Vec<&InlineIgnore>> = HashMap::new();
        for ignore in &self.ignores {
            let place =
                Location { line: ignore.line, end_line: ignore.line, ..Location::start_of(&ignore.file) };
            if ignore.rule.is_empty() || ignore.reason.is_empty() {
                let message = "an ignore should say a rule and a reason: `# assize:ignore <rule>: <reason>`";
                problems.push(Problem::new(Code::InvalidIgnore, message).at(place));
                continue;
            }
            if !known.contains(ignore.rule.as_str()) {
                let message = format!("no rule that takes part is called {}", ignore.rule);
                problems.push(Problem::new(Code::InvalidIgnore, message).at(place));
                continue;
            }
            let line = ignore.line + u32::from(ignore.is_alone);
            by_line.entry((&ignore.file, line)).or_default().push(ignore);
        }
        for finding in findings.iter_mut().filter(|finding| finding.status == Status::Fail) {
            let Some(rule) = rules.get(finding.rule as usize) else { continue };
            let here = by_line.get(&(&*finding.location.file, finding.location.line));
            if let Some(ignore) = here.into_iter().flatten().find(|ignore| *ignore.rule == *rule.name) {
                finding.status = Status::Suppressed;
                finding.exception = Some(ignore.reason.as_str().into());
            }
        }
        problems
    }
}

/// A resource counts as failed while one finding counts; else as waived if one is waived.
fn move_tallies(findings: &[Finding], tallies: &mut [Tally]) {
    let mut worst: HashMap<(u32, *const Resource), Status> = HashMap::new();
    for finding in findings {
        let key = (finding.rule, Arc::as_ptr(&finding.resource));
        let entry = worst.entry(key).or_insert(finding.status);
        *entry = (*entry).min(finding.status);
    }
    for ((rule, _), status) in worst_sorted(worst) {
        let Some(tally) = tallies.get_mut(rule as usize) else { continue };
        match status {
            Status::Fail => continue,
            Status::Waived => tally.waived += 1,
            Status::Suppressed => tally.suppressed += 1,
        }
        tally.failed -= 1;
    }
}

/// Counting does not depend on the order; the lint that guards output does not know that.
fn worst_sorted(worst: HashMap<(u32, *const Resource), Status>) -> Vec<((u32, *const Resource), Status)> {
    let mut list: Vec<_> = worst.into_iter().collect();
    list.sort_unstable_by_key(|((rule, _), status)| (*rule, *status));
    list
}
