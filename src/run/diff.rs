//! `diff`: two versions of an estate, each evaluated whole, and what became of findings between them.
//!
//! Both sides are judged by the base's rules, configuration and waivers unless the request says otherwise, so that a
//! change cannot switch off its own gate. The cause of each finding is worked out by evaluating, not guessed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::both::{Evaluated, evaluate_both};
use super::check::{Check, CheckRequest, Listed, ORGANIZATION, in_pool};
use super::gate::{Gate, gate_changes, roles_changes, sort};
use super::policies::{Beside, Policies, PolicyError, load};
use super::sources::{Relation, Sources, Waiverless, waivers_of};
use crate::compare::{Difference, Version, differences};
use crate::date::Moment;
use crate::estate::Inventory;
use crate::evaluate::{FileContext, Tally, denied};
use crate::finding::{Finding, Fingerprint, Identity, Location, Resource, Status};
use crate::load::{CommitInfo, Entry, ObjectId, Source};
use crate::plan::Plan;
use crate::policy::{InlineIgnore, Rule, Waiver, inline_ignores};
use crate::problem::{Code, Problem};
use crate::rego::{Document, Judged, World};
use crate::report::{
    Cause, Comparison, Event, FindingChange, Fixed, GateChange, GateEffect, Report, ResourceChange, Side,
    State,
};
use crate::schema::{Inventory as _, ResourceId, RunContext, Scope};
use crate::yaml::Tape;

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
        let check = Check::new(&sources, request, *pick(policies, &self.policies), as_of.clone());
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
    let mut check = request.check.clone();
    check.selection.with_changes = true;
    in_pool(&check, |as_of| {
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
        let (events, problems) = events(sources, head_policies, &changed, &found, &base, &mut head, &as_of);
        Ok(finish(sources, &base, head, changes, fixed, events, problems, found, gate))
    })
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

/// The files of one side that differ, parsed.
#[derive(Default)]
struct ChangedSide {
    tapes: Vec<Tape>,
    versions: Vec<Version>,
    /// For each version, its tape and root.
    roots: Vec<(usize, u32)>,
    ignores: Vec<InlineIgnore>,
}

struct Changed {
    base: ChangedSide,
    head: ChangedSide,
}

fn changed_files(before: &Check<'_>, after: &Check<'_>, of_base: &Listed, of_head: &Listed) -> Changed {
    let by_path = |listed: &Listed| -> BTreeMap<Arc<str>, Entry> {
        listed.entries.iter().map(|(entry, _)| (Arc::clone(&entry.path), entry.clone())).collect()
    };
    let (old, new) = (by_path(of_base), by_path(of_head));
    let paths: BTreeSet<&Arc<str>> = old.keys().chain(new.keys()).collect();
    let paths: Vec<&Arc<str>> = paths.into_iter().collect();
    let limits = &before.request.limits;
    let compared = paths.into_par_iter().filter_map(|path| {
        let (one, other) = (old.get(path), new.get(path));
        let same = one.zip(other).is_some_and(|(one, other)| one.blob.is_some() && one.blob == other.blob);
        if same {
            return None;
        }
        let read = |source: &dyn Source, entry: Option<&Entry>| source.read(entry?, limits.file_size).ok();
        let (one, other) = (read(before.root, one), read(after.root, other));
        // What could not be compared without reading may be the same after all.
        let same = one.as_deref().zip(other.as_deref()).is_some_and(|(one, other)| {
            one == other
                || ObjectId::of_blob(one)
                    .zip(ObjectId::of_blob(other))
                    .is_some_and(|(one, other)| one == other)
        });
        (!same).then(|| (Arc::clone(path), one, other))
    });
    let compared: Vec<_> = compared.collect();
    let mut changed = Changed { base: ChangedSide::default(), head: ChangedSide::default() };
    for (path, one, other) in compared {
        if let Some(bytes) = one {
            changed.base.add(before, &path, bytes);
        }
        if let Some(bytes) = other {
            changed.head.add(after, &path, bytes);
        }
    }
    changed
}

impl ChangedSide {
    fn add(&mut self, check: &Check<'_>, path: &Arc<str>, bytes: Vec<u8>) {
        let (tape, candidates) = check.candidates(path, bytes);
        self.ignores.extend(inline_ignores(tape.source(), path));
        let text = || std::borrow::Cow::Borrowed(tape.source());
        let mut context = FileContext::new(path, path, &text);
        for candidate in candidates {
            let kind = crate::estate::KindName::of(&candidate.identity);
            let schema = check.policies.kinds.get(&kind).map(|schema| &schema.schema);
            let masked = crate::estate::sensitive_fields(&kind, schema);
            self.versions.push(Version {
                identity: candidate.identity.clone(),
                uid: candidate.uid.clone(),
                location: context.location(tape.node(candidate.anchor), ""),
                document: tape.node(candidate.node).to_value(),
                masked: masked.iter().map(crate::estate::SensitiveField::keys).collect(),
            });
            self.roots.push((self.tapes.len(), candidate.node));
        }
        self.tapes.push(tape);
    }

    fn root(&self, at: usize) -> Option<crate::yaml::NodeRef<'_>> {
        let (tape, node) = self.roots.get(at)?;
        Some(self.tapes.get(*tape)?.node(*node))
    }
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

/// Commits as rules over changes see them, oldest first.
fn commits(commits: &[CommitInfo]) -> Value {
    let person =
        |signature: &crate::load::Signature| json!({"name": signature.name, "email": signature.email});
    let one = |commit: &CommitInfo| {
        let mut trailers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in commit.trailers() {
            trailers.entry(key).or_default().push(value);
        }
        json!({
            "id": commit.revision.commit.to_string(),
            "author": person(&commit.author),
            "committer": person(&commit.committer),
            "seconds": commit.committer.seconds,
            "message": commit.message,
            "trailers": trailers,
            "signed": commit.has_signature,
            "parents": commit.parents.len(),
        })
    };
    Value::Array(commits.iter().map(one).collect())
}

/// The place of a rule in the report of the head, put there if it binds in the base alone.
fn place_of_rule(head: &mut Report, base: &Report, rule: &Rule) -> u32 {
    let of = |report: &Report| report.rules.iter().position(|known| known.name == rule.name);
    let at = of(head).unwrap_or_else(|| {
        head.rules.extend(of(base).and_then(|at| base.rules.get(at)).cloned());
        head.not_selected.retain(|absent| absent.rule != rule.name);
        head.rules.len().saturating_sub(1)
    });
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What rules over changes deny.
fn events(
    sources: &DiffSources<'_>,
    policies: &Policies,
    changed: &Changed,
    found: &[Difference],
    base: &Evaluation,
    head: &mut Evaluation,
    as_of: &Moment,
) -> (Vec<Event>, Vec<Problem>) {
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    // A change of the roles themselves escapes no rule that binds on either side.
    let roles = [base.report.run.roles.clone(), head.report.run.roles.clone()];
    let binds = |rule: &&Rule| roles.iter().any(|roles| roles.bind(&rule.roles));
    let rules = policies.rules.rules.iter().filter(|rule| rule.uses.change).filter(binds);
    let place = |rule| (place_of_rule(&mut head.report, &base.report, rule), rule);
    let rules: Vec<(u32, &Rule)> = rules.map(place).collect();
    if rules.is_empty() {
        return (events, problems);
    }
    let commits = commits(&sources.commits);
    let world = Arc::new(World::new(Arc::clone(&head.inventory) as Arc<_>));
    let former = Arc::new(World::new(Arc::clone(&base.inventory) as Arc<_>));
    let run = RunContext { as_of: as_of.clone(), inventory: Some(&*head.inventory) };
    for difference in found {
        let before = difference.before.and_then(|at| changed.base.root(at));
        let after = difference.after.and_then(|at| changed.head.root(at));
        let Some(root) = after.or(before) else { continue };
        let identity = &difference.change.identity;
        let kind = crate::estate::KindName::of(identity);
        let document = Document::of_change(before, after, &commits);
        let Some(location) = difference.change.location.clone() else { continue };
        let resource =
            Arc::new(Resource { identity: identity.clone(), uid: None, location: location.clone() });
        let tape = root.tape();
        let text = || std::borrow::Cow::Borrowed(tape.source());
        let source = if after.is_some() { sources.head } else { sources.base };
        let path = source.from_base(&location.file).unwrap_or(&location.file).to_owned();
        let mut context = FileContext::new(&location.file, &path, &text);
        let id = head.inventory.find(&identity.to_string());
        for (index, rule) in &rules {
            let Ok(compiled) = rule.compiled(&policies.kinds, &policies.rules.assigned_kinds) else {
                continue;
            };
            let scope = Scope::new(root, &rule.at, id, &run);
            let applies = rule.matches.iter().zip(&compiled.conditions).any(|(each, condition)| {
                each.matches_kind(&kind)
                    && each.selects(root, &identity.namespace, &path)
                    && condition.as_ref().is_none_or(|condition| condition.holds(&scope))
            });
            let Some(policy) = compiled.rego.as_ref().filter(|_| applies) else { continue };
            let mut nothing = Tally::default();
            // What is counted are changes.
            let tally =
                head.report.rules.get_mut(*index as usize).map_or(&mut nothing, |rule| &mut rule.tally);
            tally.matched += 1;
            let judged = Judged {
                root,
                document: &document,
                identity,
                resource: id,
                world: &world,
                base: Some(&former),
                as_of,
            };
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| policy.evaluate(&judged)));
            let denials = match caught {
                Ok(Ok(denials)) => denials,
                Ok(Err(error)) => {
                    let message =
                        format!("rule {} on the change of {identity}: {}", rule.name, error.message);
                    problems.push(Problem::new(Code::RuleFailed, message).at(location.clone()));
                    continue;
                }
                Err(panic) => {
                    tally.errors += 1;
                    let reason = crate::evaluate::panic_text(&*panic);
                    let message = format!("rule {} on the change of {identity}: {reason}", rule.name);
                    problems.push(Problem::new(Code::RulePanicked, message).at(location.clone()));
                    continue;
                }
            };
            *(if denials.is_empty() { &mut tally.passed } else { &mut tally.failed }) += 1;
            for failure in denied(rule, denials, root) {
                let place = failure.path.to_string();
                let finding = Finding {
                    rule: *index,
                    status: Status::Fail,
                    exception: None,
                    is_sensitive: rule.is_sensitive,
                    message: if rule.is_sensitive {
                        rule.title.as_str().into()
                    } else {
                        failure.message.into()
                    },
                    resource: Arc::clone(&resource),
                    location: match failure.anchor {
                        Some(anchor) => context.location(anchor, &place),
                        None => location.clone(),
                    },
                    related: None,
                    key: failure.key.unwrap_or_else(|| failure.path.stable_key(root)).into(),
                };
                let fingerprint = finding.fingerprint(&rule.name, None);
                events.push(Event { finding, fingerprint });
            }
        }
    }
    events.sort_by(|one, other| {
        let key =
            |event: &Event| (event.finding.location.clone(), event.finding.rule, event.finding.key.clone());
        key(one).cmp(&key(other))
    });
    (events, problems)
}
