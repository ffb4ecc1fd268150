//! Which findings an exception covers: waivers, ignores in comments where they are allowed, and the baseline.
//!
//! Input: findings, the exceptions of the run, what the configuration demands of them. Output: the status
//! of each finding, and of each exception whether it counts, why not, and how much it covers. What it does not do:
//! it decides nothing about what a finding is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::date::Moment;
use crate::evaluate::Tally;
use crate::finding::{Finding, Fingerprint, Identity, Location, Resource, Status};
use crate::policy::{Baseline, BaselineEntry, InlineIgnore, Rule, Waiver, WaiverPolicy, rule_digest};
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

/// What became of the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineOutcome {
    /// The baseline.
    pub baseline: Arc<Baseline>,
    /// What became of each of its entries, in their order.
    pub states: Vec<EntryState>,
}

impl BaselineOutcome {
    /// The entries of which something is to be told: those that lapsed and those that are stale.
    pub fn told(&self) -> impl Iterator<Item = (&BaselineEntry, EntryState)> {
        let pairs = self.baseline.entries.iter().zip(self.states.iter().copied());
        pairs.filter(|(_, state)| !matches!(state, EntryState::Holds | EntryState::NotJudged))
    }

    /// How many entries are in a state.
    pub fn count(&self, is_meant: impl Fn(EntryState) -> bool) -> u64 {
        self.states.iter().filter(|state| is_meant(**state)).count() as u64
    }
}

/// What became of an entry of the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryState {
    /// Its finding is there, and nothing about it changed.
    Holds,
    /// Nobody looked: the rule or the resource took no part in the run, or could not be judged.
    NotJudged,
    /// Its finding is there and counts again.
    Lapsed(Lapse),
    /// There is nothing left for it to hold.
    Stale(Gone),
}

/// Why a finding counts again that the baseline holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lapse {
    /// The resource says something else.
    ResourceChanged,
    /// The rule demands something else.
    RuleChanged,
    /// A finding of the rule weighs more.
    SeverityRaised,
    /// There are more findings of this fingerprint.
    MoreFindings,
}

/// What an entry of the baseline has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gone {
    /// The resource keeps the rule.
    Finding,
    /// The resource is no more.
    Resource,
    /// The rule is no more.
    Rule,
}

impl EntryState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::NotJudged => "not-judged",
            Self::Lapsed(Lapse::ResourceChanged) => "resource-changed",
            Self::Lapsed(Lapse::RuleChanged) => "rule-changed",
            Self::Lapsed(Lapse::SeverityRaised) => "severity-raised",
            Self::Lapsed(Lapse::MoreFindings) => "more-findings",
            Self::Stale(Gone::Finding) => "finding-gone",
            Self::Stale(Gone::Resource) => "resource-gone",
            Self::Stale(Gone::Rule) => "rule-gone",
        }
    }

    /// A lower-case sentence without its stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::NotJudged => "took no part in this run",
            Self::Lapsed(Lapse::ResourceChanged) => "counts again: the resource changed",
            Self::Lapsed(Lapse::RuleChanged) => "counts again: the rule demands something else",
            Self::Lapsed(Lapse::SeverityRaised) => "counts again: the rule weighs more",
            Self::Lapsed(Lapse::MoreFindings) => "counts again: there are more such findings",
            Self::Stale(Gone::Finding) => "is stale: the finding is gone",
            Self::Stale(Gone::Resource) => "is stale: the resource is gone",
            Self::Stale(Gone::Rule) => "is stale: the rule is gone",
        }
    }
}

/// The baseline, with what is needed to tell what became of its entries.
#[derive(Debug)]
pub struct BaselineInForce<'r> {
    /// The baseline.
    pub baseline: &'r Arc<Baseline>,
    /// For each finding its fingerprint, and those that it has by former names of its rule.
    pub fingerprints: Vec<Vec<Fingerprint>>,
    /// By resource, as reports name it: whether it was judged.
    pub resources: HashMap<String, bool>,
    /// Whether the run has seen every resource, so that one it has not seen is no more.
    pub is_whole: bool,
    /// Names of rules that are known and took no part.
    pub not_selected: BTreeSet<String>,
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
    /// The baseline, if there is one.
    pub baseline: Option<BaselineInForce<'r>>,
}

/// What became of the exceptions of a run.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Of each waiver, in the order of their places.
    pub waivers: Vec<WaiverOutcome>,
    /// Of the baseline.
    pub baseline: Option<BaselineOutcome>,
    /// Ignores that cannot count.
    pub problems: Vec<Problem>,
}

/// Exceptions on their way through the findings of a run.
#[derive(Debug)]
pub struct Application<'e> {
    exceptions: &'e Exceptions<'e>,
    rules: &'e [Rule],
    /// In the order in which they stand in `exceptions`: who is covered, and what became of it.
    waivers: Vec<(&'e Waiver, HashSet<&'e Identity>, WaiverOutcome)>,
    /// By file and line that they are about.
    ignores: HashMap<(&'e str, u32), Vec<&'e InlineIgnore>>,
    baseline: Option<BaselineOutcome>,
    problems: Vec<Problem>,
}

impl Exceptions<'_> {
    /// Begins to apply them; `resources` are all of the run.
    pub fn over<'e>(&'e self, rules: &'e [Rule], resources: &[&'e Arc<Resource>]) -> Application<'e> {
        let counted = self.waivers.iter().map(|waiver| (waiver, true));
        let all = counted.chain(self.uncounted.iter().map(|waiver| (waiver, false)));
        let waivers = all.map(|(waiver, is_counted)| {
            let covered: HashSet<&Identity> = resources
                .iter()
                .map(|resource| &resource.identity)
                .filter(|one| waiver.covers(one))
                .collect();
            let outcome = self.judge(waiver, is_counted, covered.len() as u64);
            (waiver, covered, outcome)
        });
        let mut application = Application {
            exceptions: self,
            rules,
            waivers: waivers.collect(),
            ignores: HashMap::new(),
            baseline: None,
            problems: Vec::new(),
        };
        if self.policy.inline {
            application.read_ignores();
        }
        application
    }

    /// Whether a waiver counts, with no finding covered as yet.
    fn judge(&self, waiver: &Waiver, is_counted: bool, covered: u64) -> WaiverOutcome {
        let mut defects = waiver.defects(self.policy, self.as_of, covered);
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
        WaiverOutcome {
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
            findings: 0,
        }
    }
}

impl Application<'_> {
    /// Sets the status of findings and moves their resources from failed to waived, suppressed or baselined. What somebody
    /// has decided about comes before what merely stood. All findings of a resource come at once; where there is a
    /// baseline, all findings do.
    pub fn apply(&mut self, findings: &mut [Finding], tallies: &mut [Tally]) {
        for (waiver, covered, outcome) in &mut self.waivers {
            let name: Arc<str> = waiver.identity.to_string().into();
            for finding in findings.iter_mut().filter(|finding| covered.contains(&finding.resource.identity))
            {
                let Some(rule) = self.rules.get(finding.rule as usize) else { continue };
                if !waiver.concerns(&rule.name, &rule.formerly, &finding.location.path) {
                    continue;
                }
                outcome.findings += 1;
                if outcome.state != WaiverState::Void && finding.status == Status::Fail {
                    finding.status = Status::Waived;
                    finding.exception = Some(Arc::clone(&name));
                }
            }
        }
        self.suppress(findings);
        if let Some(baseline) = &self.exceptions.baseline {
            self.baseline = Some(baseline.apply(findings, tallies, self.rules));
        }
        move_tallies(findings, tallies);
    }

    /// What became of each exception.
    pub fn end(self) -> Outcomes {
        let mut waivers: Vec<WaiverOutcome> =
            self.waivers.into_iter().map(|(_, _, outcome)| outcome).collect();
        waivers.sort_by(|one, other| one.location.cmp(&other.location));
        Outcomes { waivers, baseline: self.baseline, problems: self.problems }
    }

    /// Finds the line of each ignore in a comment, and what is wrong with it.
    fn read_ignores(&mut self) {
        let known: BTreeSet<&str> = self.rules.iter().map(|rule| &*rule.name).collect();
        for ignore in &self.exceptions.ignores {
            let place =
                Location { line: ignore.line, end_line: ignore.line, ..Location::start_of(&ignore.file) };
            if ignore.rule.is_empty() || ignore.reason.is_empty() {
                let message = "an ignore should say a rule and a reason: `# assize:ignore <rule>: <reason>`";
                self.problems.push(Problem::new(Code::InvalidIgnore, message).at(place));
                continue;
            }
            if !known.contains(ignore.rule.as_str()) {
                let message = format!("no rule that takes part is called {}", ignore.rule);
                self.problems.push(Problem::new(Code::InvalidIgnore, message).at(place));
                continue;
            }
            let line = ignore.line + u32::from(ignore.is_alone);
            self.ignores.entry((&ignore.file, line)).or_default().push(ignore);
        }
    }

    /// Applies the ignores in comments.
    fn suppress(&self, findings: &mut [Finding]) {
        if self.ignores.is_empty() {
            return;
        }
        for finding in findings.iter_mut().filter(|finding| finding.status == Status::Fail) {
            let Some(rule) = self.rules.get(finding.rule as usize) else { continue };
            let here = self.ignores.get(&(&*finding.location.file, finding.location.line));
            if let Some(ignore) = here.into_iter().flatten().find(|ignore| *ignore.rule == *rule.name) {
                finding.status = Status::Suppressed;
                finding.exception = Some(ignore.reason.as_str().into());
            }
        }
    }
}

impl BaselineInForce<'_> {
    /// Sets the status of the findings that the baseline holds.
    fn apply(&self, findings: &mut [Finding], tallies: &[Tally], rules: &[Rule]) -> BaselineOutcome {
        let entries = &self.baseline.entries;
        let by_print: HashMap<Fingerprint, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.fingerprint, at)).collect();
        let mut held: Vec<Vec<usize>> = vec![Vec::new(); entries.len()];
        for (at, prints) in self.fingerprints.iter().enumerate() {
            let entry = prints.iter().find_map(|print| by_print.get(print));
            if let Some(held) = entry.and_then(|entry| held.get_mut(*entry)) {
                held.push(at);
            }
        }
        let mut demands = HashMap::new();
        let mut states = Vec::new();
        for (entry, held) in entries.iter().zip(held) {
            let mut lapse = None;
            for finding in held.iter().filter_map(|at| findings.get(*at)) {
                let Some(rule) = rules.get(finding.rule as usize) else { continue };
                let demand = demands.entry(finding.rule).or_insert_with(|| rule_digest(rule));
                // What was not asked for cannot be known to be the same.
                let is_same =
                    finding.resource.digest().is_some_and(|digest| *digest == entry.resource_digest);
                let found = if !is_same {
                    Lapse::ResourceChanged
                } else if *demand != entry.rule_digest {
                    Lapse::RuleChanged
                } else if rule.severity > entry.severity {
                    Lapse::SeverityRaised
                } else if held.len() as u64 > entry.count {
                    Lapse::MoreFindings
                } else {
                    continue;
                };
                // What a waiver covers does not count again.
                if finding.status == Status::Fail {
                    lapse = lapse.or(Some(found));
                }
            }
            states.push(match (held.is_empty(), lapse) {
                (true, _) => self.without_finding(entry, tallies, rules),
                (false, Some(lapse)) => EntryState::Lapsed(lapse),
                (false, None) => EntryState::Holds,
            });
            if lapse.is_some() {
                continue;
            }
            for at in held {
                if let Some(finding) = findings.get_mut(at).filter(|finding| finding.status == Status::Fail) {
                    finding.status = Status::Baselined;
                    finding.exception = Some(Arc::clone(&self.baseline.file));
                }
            }
        }
        BaselineOutcome { baseline: Arc::clone(self.baseline), states }
    }

    /// What an entry is whose finding is not there. In doubt nobody looked.
    fn without_finding(&self, entry: &BaselineEntry, tallies: &[Tally], rules: &[Rule]) -> EntryState {
        let has_name = |rule: &Rule| *rule.name == *entry.rule || rule.formerly.contains(&entry.rule);
        let Some(at) = rules.iter().position(has_name) else {
            let is_known = self.not_selected.contains(&entry.rule);
            return if is_known { EntryState::NotJudged } else { EntryState::Stale(Gone::Rule) };
        };
        match self.resources.get(&entry.resource) {
            // Where a rule has errors, it is not told on which resources.
            Some(true) if tallies.get(at).is_some_and(|tally| tally.errors == 0) => {
                EntryState::Stale(Gone::Finding)
            }
            None if self.is_whole => EntryState::Stale(Gone::Resource),
            Some(_) | None => EntryState::NotJudged,
        }
    }
}

/// A resource counts as failed while one finding counts; else as baselined if one is, as waived if one is waived, and
/// as suppressed last.
fn move_tallies(findings: &[Finding], tallies: &mut [Tally]) {
    let key = |finding: &Finding| (finding.rule, Arc::as_ptr(&finding.resource));
    // Most findings count, and then nothing moves: only pairs with another one are looked at.
    let mut worst: HashMap<(u32, *const Resource), Status> = findings
        .iter()
        .filter(|each| each.status != Status::Fail)
        .map(|each| (key(each), each.status))
        .collect();
    if worst.is_empty() {
        return;
    }
    for finding in findings {
        if let Some(status) = worst.get_mut(&key(finding)) {
            *status = (*status).min(finding.status);
        }
    }
    for ((rule, _), status) in worst_sorted(worst) {
        let Some(tally) = tallies.get_mut(rule as usize) else { continue };
        match status {
            Status::Fail => continue,
            Status::Waived => tally.waived += 1,
            Status::Suppressed => tally.suppressed += 1,
            Status::Baselined => tally.baselined += 1,
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
