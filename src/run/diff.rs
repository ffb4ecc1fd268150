//! `diff`: two versions of an estate, each evaluated whole, and what became of findings between them.
//!
//! Both sides are judged by the base's rules, configuration and waivers unless the request says otherwise, so that a
//! change cannot switch off its own gate. The cause of each finding is worked out by evaluating, not guessed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::both::{Evaluated, evaluate_both};
use super::changed::{Changed, changed_files};
use super::check::{Check, CheckRequest, ORGANIZATION, in_pool};
use super::events::{Change, events};
use super::gate::{Gate, gate_changes, roles_changes, sort};
use super::policies::{Beside, Policies, PolicyError, load};
use super::sources::{Relation, Sources, Waiverless, waivers_of};
use crate::compare::{Difference, differences};
use crate::date::Moment;
use crate::estate::Inventory;
use crate::finding::{Finding, Fingerprint, Identity, Location, Status};
use crate::load::{CommitInfo, Entry, Source};
use crate::plan::Plan;
use crate::policy::Waiver;
use crate::problem::{Code, Problem};
use crate::report::{
    Cause, Comparison, Event, FindingChange, Fixed, GateChange, GateEffect, Report, ResourceChange, Side,
    State,
};
use crate::schema::{Inventory as _, ResourceId};

/// Which policies judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JudgedBy {
    /// Those of the base judge both sides.
    #[default]
    Base,
    /// Those of the head judge both sides: for work on the rules themselves.
    Head,
    /// Each side is judged by its own.
    Each,
}

/// Which findings fail a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateScope {
    /// Those that were not there before.
    #[default]
    New,
    /// All that there are.
    All,
}

/// What is compared.
pub struct DiffSources<'s> {
    /// The version before.
    pub base: &'s dyn Source,
    /// The version after.
    pub head: &'s dyn Source,
    /// The base again, as the place that policies come from.
    pub base_policies: &'s dyn Source,
    /// The head likewise.
    pub head_policies: &'s dyn Source,
    /// Policies from elsewhere, which then judge both sides.
    pub policies: Option<(&'s dyn Source, Relation)>,
    /// What the sides are called.
    pub names: (Side, Side),
    /// The commits from the base to the head, oldest first.
    pub commits: Vec<CommitInfo>,
}

impl std::fmt::Debug for DiffSources<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DiffSources").field("names", &self.names).finish_non_exhaustive()
    }
}

/// How it is compared.
#[derive(Clone, Debug, Default)]
pub struct DiffRequest {
    /// As for a check; `as_of` is the clock of the head.
    pub check: CheckRequest,
    /// The clock of the base.
    pub base_as_of: String,
    /// Which policies judge.
    pub judged_by: JudgedBy,
    /// Which findings fail the run.
    pub gate: GateScope,
    /// Whether the gate's own changes are told and do not fail the run.
    pub allow_gate_changes: bool,
}

/// One evaluation.
struct Evaluation {
    report: Report,
    inventory: Arc<Inventory>,
    counting: HashSet<Fingerprint>,
}

impl From<Evaluated> for Evaluation {
    fn from((report, inventory): Evaluated) -> Self {
        let counting = counting(&report);
        Self { report, inventory, counting }
    }
}

/// Which of the two versions.
#[derive(Clone, Copy)]
enum Of {
    Base,
    Head,
}

/// All that an evaluation can be made of: first what is the base's, then what is the head's.
struct Judge<'j> {
    sources: &'j DiffSources<'j>,
    places: [(&'j dyn Source, Relation); 2],
    policies: [&'j Policies; 2],
    clocks: [&'j Moment; 2],
    requests: [CheckRequest; 2],
    approved: [OnceLock<(Vec<Waiver>, Vec<Problem>)>; 2],
    waiverless: &'j Waiverless,
}

impl Judge<'_> {
    /// An estate by some policies and a clock.
    fn check(&self, policies: Of, clock: Of, estate: Of) -> Check<'_> {
        fn pick<T>(of: Of, [base, head]: &[T; 2]) -> &T {
            match of {
                Of::Base => base,
                Of::Head => head,
            }
        }
        // Where both are the same, so are the waivers that they approve.
        let [one, other] = self.policies;
        let policies = if std::ptr::eq(one, other) { Of::Base } else { policies };
        let estate = *pick(estate, &[self.sources.base, self.sources.head]);
        let sources = Sources { estate, policies: Some(*pick(policies, &self.places)) };
        let (request, as_of) = (pick(clock, &self.requests), *pick(clock, &self.clocks));
        let in_force = match policies {
            Of::Base => one,
            Of::Head => other,
        };
        let check = Check::new(&sources, request, in_force, as_of.clone());
        let approved = Some(pick(policies, &self.approved));
        Check { approved, waiverless: Some(self.waiverless), ..check.following() }
    }
}

/// Compares two versions.
///
/// # Errors
/// What keeps a run from beginning.
pub fn diff(
    sources: &DiffSources<'_>,
    request: &DiffRequest,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Report, PolicyError> {
    in_pool(&request.check, |as_of| diff_in_pool(sources, request, &as_of, progress))
}

/// The same, in the threads of a run that goes on.
pub(super) fn diff_in_pool(
    sources: &DiffSources<'_>,
    request: &DiffRequest,
    as_of: &Moment,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Report, PolicyError> {
    let as_of = as_of.clone();
    let mut check = request.check.clone();
    check.selection.with_changes = true;
    let base_as_of = Moment::parse(&request.base_as_of).unwrap_or_else(|| as_of.clone());
    let load_from = |source: &dyn Source| load(source, &check.selection, check.threads, Beside::Unseen);
    let of_base = (sources.base_policies, Relation::SameRepository);
    let of_head = (sources.head_policies, Relation::SameRepository);
    let (base_place, head_place) = match (sources.policies, request.judged_by) {
        (Some(place), _) => (place, place),
        (None, JudgedBy::Base) => (of_base, of_base),
        (None, JudgedBy::Head) => (of_head, of_head),
        (None, JudgedBy::Each) => (of_base, of_head),
    };
    let base_policies = load_from(base_place.0)?;
    let own_policies;
    let head_policies = if request.judged_by == JudgedBy::Each && sources.policies.is_none() {
        own_policies = load_from(head_place.0)?;
        &own_policies
    } else {
        &base_policies
    };
    let waiverless = Waiverless::default();
    let at = |clock: &Moment| CheckRequest { as_of: clock.text().to_owned(), ..check.clone() };
    let judge = Judge {
        sources,
        places: [base_place, head_place],
        policies: [&base_policies, head_policies],
        clocks: [&base_as_of, &as_of],
        requests: [at(&base_as_of), at(&as_of)],
        approved: [OnceLock::new(), OnceLock::new()],
        waiverless: &waiverless,
    };
    let (before, after) =
        (judge.check(Of::Base, Of::Base, Of::Base), judge.check(Of::Head, Of::Head, Of::Head));
    let (mut of_base, mut of_head) = (before.list(), after.list());
    for (source, listed) in [(sources.base, &mut of_base), (sources.head, &mut of_head)] {
        let mut entries: Vec<Entry> = listed.entries.iter().map(|(entry, _)| entry.clone()).collect();
        source.identify(&mut entries);
        for ((known, _), entry) in listed.entries.iter_mut().zip(entries) {
            known.blob = entry.blob;
        }
    }
    let changed = changed_files(&before, &after, &of_base, &of_head);
    let policies_differ = !std::ptr::eq(&raw const base_policies, head_policies);
    let clocks_differ = base_as_of != as_of;
    let evaluate = |check: &Check<'_>| Evaluation::from(check.run(progress));
    let mut partial = Vec::new();
    let (base, head) = if policies_differ || clocks_differ {
        if policies_differ {
            partial.push((Factor::Policies, evaluate(&judge.check(Of::Head, Of::Base, Of::Base))));
        }
        if clocks_differ {
            partial.push((Factor::Clock, evaluate(&judge.check(Of::Base, Of::Head, Of::Base))));
        }
        let estate = judge.check(Of::Base, Of::Base, Of::Head);
        let listed = (of_base, estate.list());
        let (base, estate) = evaluate_both(&before, &estate, listed, progress);
        partial.push((Factor::Estate, estate.into()));
        (base.into(), evaluate(&after))
    } else {
        let (base, head) = evaluate_both(&before, &after, (of_base, of_head), progress);
        (Evaluation::from(base), Evaluation::from(head))
    };

    let found = differences(&changed.base.versions, &changed.head.versions);
    let mut gate = if sources.policies.is_none() {
        let theirs = load_from(sources.head_policies);
        gate(sources, request, &check, &base_policies, theirs, &changed, &as_of, &waiverless)?
    } else {
        (Vec::new(), Vec::new())
    };
    if let Some(mut change) =
        roles_changes(&base.report.run.roles, &head.report.run.roles, place_of_organization(&found))
    {
        if request.allow_gate_changes {
            change.effect = GateEffect::Noted;
        }
        gate.0.push(change);
        sort(&mut gate.0);
    }
    let plan = Plan::new(&head_policies.rules, &head_policies.kinds, Vec::new());
    let causes = Causes { differences: &found, base: &base, head: &head, partial, plan };
    let (changes, fixed) = causes.all(request.gate);
    let mut head = head;
    let change = Change {
        base: sources.base,
        head: sources.head,
        commits: &sources.commits,
        changed: &changed,
        found: &found,
        former: &base.inventory,
        inventory: &head.inventory,
        as_of: &as_of,
    };
    let (events, problems) = events(&change, head_policies, &base.report.run.roles, &mut head.report);
    let mut report = finish(sources, &base, head, changes, fixed, events, problems, found, gate);
    report.keep_owners();
    Ok(report)
}

fn counting(report: &Report) -> HashSet<Fingerprint> {
    let pairs = report.findings.iter().zip(&report.fingerprints);
    pairs.filter(|(finding, _)| finding.status == Status::Fail).map(|(_, print)| *print).collect()
}

#[expect(clippy::too_many_arguments, reason = "everything that was worked out comes together here")]
fn finish(
    sources: &DiffSources<'_>,
    base: &Evaluation,
    head: Evaluation,
    changes: Vec<FindingChange>,
    fixed: Vec<(Finding, Fingerprint, Arc<str>, Option<Cause>)>,
    events: Vec<Event>,
    more: Vec<Problem>,
    found: Vec<Difference>,
    (gate, gate_problems): (Vec<GateChange>, Vec<Problem>),
) -> Report {
    let mut report = head.report;
    // A rule that is gone in the head still has findings that are fixed.
    let fixed = fixed
        .into_iter()
        .map(|(mut finding, fingerprint, rule, cause)| {
            let known = report.rules.iter().position(|known| known.name == rule);
            let at = known.unwrap_or_else(|| {
                report.rules.extend(base.report.rules.iter().find(|known| known.name == rule).cloned());
                report.rules.len().saturating_sub(1)
            });
            finding.rule = u32::try_from(at).unwrap_or(u32::MAX);
            Fixed { finding, fingerprint, cause }
        })
        .collect();
    // A problem that moves with its file is no news; one that comes a second time is.
    let says = |problem: &Problem| {
        let path = problem.location.as_ref().map(|location| location.path.clone());
        (problem.code, path, problem.message.clone())
    };
    let mut known: HashMap<_, usize> = HashMap::new();
    for problem in &base.report.problems {
        *known.entry(says(problem)).or_default() += 1;
    }
    let (old_problems, new): (Vec<Problem>, Vec<Problem>) =
        report.problems.into_iter().partition(|problem| match known.get_mut(&says(problem)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        });
    report.problems = new;
    report.problems.extend(more);
    report.problems.extend(gate_problems);
    let (base_side, head_side) = sources.names.clone();
    report.comparison = Some(Comparison {
        base: base_side,
        head: head_side,
        changes,
        fixed,
        events,
        resources: found.into_iter().map(|difference| difference.change).collect(),
        gate,
        old_problems,
    });
    report
}

/// Where the first Organization that differs stands.
fn place_of_organization(found: &[Difference]) -> Option<Location> {
    let is_one = |change: &ResourceChange| crate::estate::KindName::of(&change.identity).is(ORGANIZATION);
    let mut changed = found.iter().map(|difference| &difference.change).filter(|change| is_one(change));
    changed.find_map(|change| change.location.clone())
}

/// What alone is changed in an evaluation between the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Factor {
    Policies,
    Clock,
    Estate,
}

struct Causes<'c> {
    differences: &'c [Difference],
    base: &'c Evaluation,
    head: &'c Evaluation,
    /// Evaluations of the base with one thing of the head.
    partial: Vec<(Factor, Evaluation)>,
    plan: Plan<'c>,
}

type FixedFinding = (Finding, Fingerprint, Arc<str>, Option<Cause>);

impl Causes<'_> {
    fn all(&self, gate: GateScope) -> (Vec<FindingChange>, Vec<FixedFinding>) {
        let seen: HashSet<&Fingerprint> = self.base.report.fingerprints.iter().collect();
        let changes = self
            .head
            .report
            .findings
            .iter()
            .zip(&self.head.report.fingerprints)
            .map(|(finding, print)| {
                let counted = self.base.counting.contains(print);
                let is_old = if finding.status == Status::Fail { counted } else { seen.contains(print) };
                let cause = (!is_old).then(|| self.cause(self.head, finding, print, true));
                // Where everything counts, what persists fails as well.
                let state = if is_old && gate == GateScope::New { State::Persisting } else { State::New };
                FindingChange { state, cause }
            })
            .collect();
        let fixed = self
            .base
            .report
            .findings
            .iter()
            .zip(&self.base.report.fingerprints)
            .filter(|(_, print)| self.base.counting.contains(print) && !self.head.counting.contains(print))
            .filter_map(|(finding, print)| {
                let rule = Arc::clone(&self.base.report.rule(finding)?.name);
                Some((finding.clone(), *print, rule, Some(self.cause(self.base, finding, print, false))))
            })
            .collect();
        (changes, fixed)
    }

    /// Why a finding of one side is not a finding of the other one. `came`: it is the head's.
    fn cause(&self, side: &Evaluation, finding: &Finding, print: &Fingerprint, came: bool) -> Cause {
        // It is there on the other side, and something covers it.
        let other = if came { self.base } else { self.head };
        let covered =
            other.report.findings.iter().zip(&other.report.fingerprints).find(|(_, one)| *one == print);
        // What the baseline held there and not here has a cause of its own.
        let covered = covered.filter(|(finding, _)| finding.status != Status::Baselined);
        let exception = covered.and_then(|(finding, _)| finding.exception.as_deref()).map(str::to_owned);
        let with =
            |factor: Factor| self.partial.iter().find(|(known, _)| *known == factor).map(|(_, one)| one);
        let decides = |factor| with(factor).is_some_and(|one| one.counting.contains(print) == came);
        if let Some(name) = exception {
            return match (came, decides(Factor::Clock)) {
                (true, true) => Cause::WaiverLapsed(name),
                (true, false) => Cause::WaiverWent(name),
                (false, _) => Cause::WaiverCame(name),
            };
        }
        if decides(Factor::Policies) && !decides(Factor::Estate) {
            return Cause::RuleChanged;
        }
        if decides(Factor::Clock) && !decides(Factor::Estate) {
            return Cause::ClockPassed;
        }
        // The rule is for roles that the other side does not have.
        let rule = side.report.rule(finding);
        if rule.is_some_and(|rule| other.report.not_by_role().any(|absent| absent.rule == rule.name)) {
            return Cause::RolesChanged(place_of_organization(self.differences));
        }
        let identity = &finding.resource.identity;
        let is_own = |difference: &&Difference| {
            difference.change.identity == *identity
                || matches!(&difference.change.sort, crate::report::ChangeSort::Renamed { from } if from == identity)
        };
        if self.differences.iter().any(|difference| is_own(&difference)) {
            return Cause::ResourceChanged;
        }
        let reached = self.reached(side, other, finding);
        reached.map_or(Cause::EstateChanged, |difference| Cause::ReachedChanged {
            resource: difference.change.identity.clone(),
            location: difference.change.location.clone().filter(|_| difference.after.is_some()),
        })
    }

    /// The nearest resource that changed, over references in both directions on either side; else the first of a
    /// kind that the rule reads.
    fn reached(&self, side: &Evaluation, other: &Evaluation, finding: &Finding) -> Option<&Difference> {
        let changed: HashMap<&Identity, &Difference> =
            self.differences.iter().map(|difference| (&difference.change.identity, difference)).collect();
        let mut seen: BTreeSet<Identity> = BTreeSet::new();
        let mut next = vec![finding.resource.identity.clone()];
        for _ in 0..FARTHEST {
            let mut found = Vec::new();
            for identity in std::mem::take(&mut next) {
                for inventory in [&side.inventory, &other.inventory] {
                    found.extend(neighbours(inventory, &identity));
                }
            }
            found.sort_unstable();
            found.dedup();
            found.retain(|identity| seen.insert(identity.clone()));
            if let Some(difference) = found.iter().find_map(|identity| changed.get(identity)) {
                return Some(difference);
            }
            if seen.len() > MOST_SEEN {
                break;
            }
            next = found;
        }
        let rule = side.report.rule(finding)?;
        let reads = &self.plan.rules.rule(&rule.name)?.reads.others;
        self.differences.iter().find(|difference| {
            let kind = difference.change.identity.qualified_kind();
            reads.contains_key(&kind) || reads.contains_key("*")
        })
    }
}

/// So many references are followed from a resource to one that changed, and so many resources looked at.
const FARTHEST: usize = 4;
const MOST_SEEN: usize = 10_000;

fn neighbours(inventory: &Inventory, identity: &Identity) -> Vec<Identity> {
    let Some(id) = inventory.find(&identity.to_string()) else { return Vec::new() };
    let outgoing = inventory.outgoing(id).into_iter().filter_map(|(_, target)| target);
    let incoming = inventory.incoming(id).into_iter().map(|(from, ..)| from);
    let ids: BTreeSet<ResourceId> = outgoing.chain(incoming).collect();
    ids.into_iter().filter_map(|id| inventory.identity(id).cloned()).collect()
}

/// What the change does to the gate, and what of the head's gate cannot be used.
#[expect(clippy::too_many_arguments, reason = "it looks at both sides and all that was asked for")]
fn gate(
    sources: &DiffSources<'_>,
    request: &DiffRequest,
    check: &CheckRequest,
    base: &Policies,
    head: Result<Policies, PolicyError>,
    changed: &Changed,
    as_of: &Moment,
    waiverless: &Waiverless,
) -> Result<(Vec<GateChange>, Vec<Problem>), PolicyError> {
    let own;
    let base = if request.judged_by == JudgedBy::Head {
        own = load(sources.base_policies, &check.selection, check.threads, Beside::Unseen)?;
        &own
    } else {
        base
    };
    let head = match head {
        Ok(head) => head,
        // A head whose configuration cannot be read would judge nothing once it is merged.
        Err(PolicyError::Configuration(problems)) => return Ok((Vec::new(), problems)),
        Err(error) => return Err(error),
    };
    let waivers = |source: &dyn Source, policies: &Policies| -> Vec<Waiver> {
        let plan = Plan::new(&policies.rules, &policies.kinds, Vec::new());
        waivers_of(
            source,
            Relation::SameRepository,
            policies,
            &plan,
            &check.limits,
            check.threads,
            Some(waiverless),
        )
        .0
    };
    let old = waivers(sources.base, base);
    let new = waivers(sources.head, &head);
    let mut changes = gate_changes(
        &Gate { policies: base, waivers: &old, ignores: &changed.base.ignores },
        &Gate { policies: &head, waivers: &new, ignores: &changed.head.ignores },
        as_of,
    );
    if request.allow_gate_changes || request.judged_by != JudgedBy::Base {
        for change in changes.iter_mut().filter(|change| change.effect == GateEffect::Fails) {
            change.effect = GateEffect::Noted;
        }
    }
    // What of the head's policies cannot be used is new if the base's could.
    let known: HashSet<(Code, String)> =
        base.problems.iter().map(|problem| (problem.code, problem.message.clone())).collect();
    let is_new = |problem: &Problem| !known.contains(&(problem.code, problem.message.clone()));
    let problems = if request.judged_by == JudgedBy::Base {
        head.problems.iter().filter(|problem| is_new(problem)).cloned().collect()
    } else {
        Vec::new()
    };
    Ok((changes, problems))
}
