//! One version of an estate after the other under the same policies: what does not change is judged once.
//!
//! Files are known by path and blob, so that a content which comes back costs nothing. From one version to the next,
//! only those pairs of resource and joined rule are asked again that a difference can reach; from one day to the next,
//! only rules that read the clock. The report of each step is that of a check, but for lines, and days that messages count, where
//! nothing else has changed: these may be of an earlier step.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::alter::{Alteration, alteration, can_see};
use super::batches::Role;
use super::check::{Check, CheckRequest, Gleaned};
use super::first_pass::{BatchResult, Meter, State};
use super::policies::Policies;
use super::reach::{ANYWHERE, FAR, distances, reach};
use super::second_pass::Seen;
use super::sources::Sources;
use crate::date::Moment;
use crate::estate::{Inventory, KindName};
use crate::evaluate::{Admitted, Around, FileContext, Outcome, Phase, Tally, evaluate};
use crate::finding::{Finding, Fingerprint, Identity, Resource};
use crate::load::{Entry, ObjectId, Source};
use crate::outcome::{Declared, population_line};
use crate::policy::{Check as RuleCheck, Rule};
use crate::report::Report;
use crate::schema::{self, ResourceId, RunContext};

/// A file by content, as it stands at a path.
type FileKey = (Arc<str>, ObjectId);

/// What a file yields on its own.
struct FileResult {
    /// Without tallies, which are few.
    result: BatchResult,
    tallies: Vec<(u32, Tally)>,
    /// For each of its resources, the rules that matched it.
    matched: Vec<Vec<u32>>,
    /// A number for the name of each.
    names: Vec<u64>,
}

/// What joined rules say of one resource.
struct Joined {
    tallies: Vec<(u32, Tally)>,
    findings: Vec<Finding>,
    /// The day, counted from 1970, on which a schema that reads the clock can say something else.
    until: i64,
    /// What is not known by rule; if there is anything, all rules are asked again.
    rest: Option<Box<Outcome>>,
}

impl Default for Joined {
    fn default() -> Self {
        Self { tallies: Vec::new(), findings: Vec::new(), until: i64::MAX, rest: None }
    }
}

/// A version that was judged.
struct Version {
    tree: ObjectId,
    as_of: Moment,
    files: Vec<(FileKey, Role, Arc<FileResult>)>,
    seen: Seen,
    gleaned: Gleaned,
    joined: Vec<Arc<Joined>>,
    /// A number for the name of each resource, for populations.
    names: Vec<u64>,
}

/// The replay of a history.
pub(super) struct Replay<'r> {
    template: Check<'r>,
    memo: HashMap<FileKey, Arc<FileResult>>,
    /// For each rule, whether it reads the clock, and how.
    clock: Vec<Clock>,
    given_up: BTreeSet<u32>,
    exhausted: Vec<u64>,
    last: Option<Version>,
}

/// How a rule reads the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// Not at all.
    Never,
    /// By bounds of a schema, which tell for how long they hold.
    Bounds,
    /// As it likes.
    Freely,
}

impl Clock {
    fn of(rule: &Rule) -> Self {
        match rule.reads_clock() {
            false => Self::Never,
            true if rule.uses.clock => Self::Freely,
            true => Self::Bounds,
        }
    }
}

/// What a step is to be judged by, besides its source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction<'a> {
    /// The tree, which tells contents apart.
    pub(super) tree: ObjectId,
    /// The clock.
    pub(super) as_of: &'a Moment,
    /// Whether the same files stand there as at the step before, whatever is in them.
    pub(super) has_same_paths: bool,
    /// Whether lines, and days that messages count, must be those of the step itself: they may be older where nothing
    /// else has changed.
    pub(super) is_exact: bool,
}

/// How many resources a rule matches, and a number that tells their set from others within a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Matches {
    pub(super) count: u64,
    pub(super) set: u64,
}

impl<'r> Replay<'r> {
    /// A replay under some policies. `any` is a source of the estate's; each step has its own.
    pub(super) fn new(any: &'r dyn Source, request: &'r CheckRequest, policies: &'r Policies) -> Self {
        let beginning = Moment::parse("1970-01-01").expect("it is a date");
        let sources = Sources { estate: any, policies: None };
        let mut template = Check::new(&sources, request, policies, beginning).following();
        template.plan = template.plan.with_clock_apart();
        let rules = &policies.rules.rules;
        Self {
            template,
            memo: HashMap::new(),
            clock: rules.iter().map(Clock::of).collect(),
            given_up: BTreeSet::new(),
            exhausted: vec![0; rules.len()],
            last: None,
        }
    }

    /// Judges a version as of a day.
    pub(super) fn step(
        &mut self,
        source: &dyn Source,
        instruction: &Instruction<'_>,
    ) -> (Report, Arc<Inventory>) {
        let Self { template, memo, clock, given_up, exhausted, last } = self;
        let Instruction { tree, as_of, is_exact, .. } = *instruction;
        let check = on(template, source, as_of);
        let last_version = last.take();
        let mut rules_reach: Vec<u8> = vec![0; clock.len()];
        let is_later = last_version.as_ref().is_some_and(|last| last.as_of != *as_of);
        let (mut version, mut carried) = match last_version {
            Some(last) if last.tree == tree => {
                let carried = last.joined.iter().map(|joined| Some((Arc::clone(joined), FAR))).collect();
                (Version { as_of: as_of.clone(), ..last }, carried)
            }
            last => {
                let files = files(&check, memo);
                enter(&check, instruction, files, last, &mut rules_reach)
            }
        };
        if is_exact {
            carried.fill(None);
        }
        if is_later {
            let free = rules_reach.iter_mut().zip(&*clock).filter(|(_, clock)| **clock == Clock::Freely);
            free.for_each(|(reach, _)| *reach = ANYWHERE);
        }
        version.joined = joined(&check, &version, &carried, (rules_reach, clock), given_up);
        // A rule that reaches its bounds again and again is not asked for ever.
        for rest in version.joined.iter().filter_map(|joined| joined.rest.as_ref()) {
            for (rule, (count, _)) in &rest.exhausted {
                if let Some(known) = exhausted.get_mut(*rule as usize) {
                    *known += count;
                    if *known >= super::check::PATIENCE {
                        given_up.insert(*rule);
                    }
                }
            }
        }
        let rules = check.policies.rules.rules.len();
        let mut sum = Outcome::new(rules);
        for joined in &version.joined {
            add(&mut sum, &joined.tallies);
            sum.findings.extend(joined.findings.iter().cloned());
            if let Some(rest) = &joined.rest {
                sum.problems.extend(rest.problems.iter().cloned());
                sum.masked.extend(rest.masked.iter().cloned());
                sum.rule_problems.extend(rest.rule_problems.iter().cloned());
                for (rule, count) in &rest.undecided {
                    *sum.undecided.entry(*rule).or_default() += count;
                }
                for (rule, (count, left)) in &rest.exhausted {
                    let entry = sum.exhausted.entry(*rule).or_default();
                    (entry.0, entry.1) = (entry.0 + count, entry.1 + left);
                }
            }
        }
        let report = check.conclude(&version.seen, version.gleaned.clone(), vec![sum]);
        let inventory = Arc::clone(&version.seen.inventory);
        *last = Some(version);
        (report, inventory)
    }

    /// The check of another version by the same policies.
    pub(super) fn check<'s>(&'s self, source: &'s dyn Source, as_of: &Moment) -> Check<'s> {
        on(&self.template, source, as_of)
    }

    /// Documents of the last step that tell of requirements.
    pub(super) fn declared(&self) -> &[Declared] {
        self.last.as_ref().map_or(&[], |version| &version.gleaned.declared)
    }

    /// Whom each rule matched at the last step.
    pub(super) fn matches(&self) -> Vec<Matches> {
        let mut matches = vec![Matches::default(); self.clock.len()];
        self.each_match(|rule, at, version| {
            if let Some(entry) = matches.get_mut(rule as usize) {
                entry.count += 1;
                entry.set = entry.set.wrapping_add(version.names.get(at).copied().unwrap_or_default());
            }
        });
        matches
    }

    /// Who was matched at the last step by one of these rules.
    pub(super) fn population(&self, rules: &BTreeSet<u32>) -> Vec<Identity> {
        let mut places = BTreeSet::new();
        self.each_match(|rule, at, _| {
            if rules.contains(&rule) {
                places.insert(at);
            }
        });
        let last = self.last.iter();
        let resource = |at: usize| {
            let id = ResourceId(u32::try_from(at).unwrap_or(u32::MAX));
            last.clone().find_map(|version| version.seen.inventory.resource(id))
        };
        places.into_iter().filter_map(resource).map(|resource| resource.identity.clone()).collect()
    }

    fn each_match(&self, mut visit: impl FnMut(u32, usize, &Version)) {
        let Some(version) = &self.last else { return };
        let mut start = 0;
        for (_, _, file) in &version.files {
            for (at, rules) in file.matched.iter().enumerate() {
                for rule in rules {
                    visit(*rule, start + at, version);
                }
            }
            start += file.result.states.len();
        }
        for (at, joined) in version.joined.iter().enumerate() {
            let matched = joined.tallies.iter().filter(|(_, tally)| tally.matched > 0);
            matched.for_each(|(rule, _)| visit(*rule, at, version));
        }
    }
}

/// Takes a version in; gives the joined results that come with it from the last one, and how near each is to a
/// difference.
#[expect(clippy::type_complexity, reason = "one result and one distance a resource")]
fn enter(
    check: &Check<'_>,
    instruction: &Instruction<'_>,
    (files, listed): (Vec<(FileKey, Role, Arc<FileResult>)>, super::check::Listed),
    last: Option<Version>,
    rules_reach: &mut [u8],
) -> (Version, Vec<Option<(Arc<Joined>, u8)>>) {
    let (seen, mut gleaned) = check.glean(files.iter().map(|(_, _, file)| file.result.clone()), listed);
    let mut sum = Outcome::new(check.policies.rules.rules.len());
    for (_, _, file) in &files {
        add(&mut sum, &file.tallies);
    }
    gleaned.outcomes.push(sum);
    let names = files.iter().flat_map(|(_, _, file)| &file.names).copied().collect();
    let count = seen.states.len();
    let Instruction { tree, as_of, .. } = *instruction;
    let version = Version { tree, as_of: as_of.clone(), files, seen, gleaned, joined: Vec::new(), names };
    // Which rules bind is another question then, and findings come to light that were made long before.
    let last = last.filter(|last| last.gleaned.roles == version.gleaned.roles);
    let Some(last) = last else { return (version, vec![None; count]) };
    let twins = twins(check, &last, &version);
    let (mut before, mut after) = (vec![true; last.seen.states.len()], vec![true; count]);
    // Those of which only the content differs, and what is common to both.
    let (mut altered, mut common) = (Vec::new(), Vec::new());
    for (one, other, alteration) in twins {
        match alteration {
            Alteration::Quiet => {
                if let (Some(one), Some(other)) = (before.get_mut(one), after.get_mut(other)) {
                    (*one, *other) = (false, false);
                }
                common.push((one, other));
            }
            Alteration::Content(fields) => altered.push((place(one), place(other), fields)),
            Alteration::Whole => {}
        }
    }
    // Of what kinds those are that differ as a whole: any rule that looks there may see it.
    let (mut olds, mut news) = (before.clone(), after.clone());
    for (one, other, _) in &altered {
        if let (Some(one), Some(other)) = (olds.get_mut(one.0 as usize), news.get_mut(other.0 as usize)) {
            (*one, *other) = (false, false);
        }
    }
    let kinds = kinds_of(&last.seen, &olds).chain(kinds_of(&version.seen, &news)).collect::<BTreeSet<_>>();
    for (reached, rule) in rules_reach.iter_mut().zip(&check.policies.rules.rules) {
        if !rule.is_joined {
            // It only reads the clock besides.
            continue;
        }
        if matches!(rule.check, RuleCheck::LinkedFileMissing) {
            *reached = if instruction.has_same_paths { 0 } else { ANYWHERE };
            continue;
        }
        let visible = altered.iter().filter(|(one, other, fields)| {
            can_see(rule, fields, (&last.seen, *one), (&version.seen, *other))
        });
        let visible = visible.filter_map(|(_, other, _)| version.seen.inventory.resource(*other));
        let mut kinds = kinds.clone();
        kinds.extend(visible.map(|resource| resource.identity.qualified_kind()));
        *reached = if kinds.is_empty() { 0 } else { reach(rule, &kinds) };
    }
    let (_, near) = distances((&last.seen, &before), (&version.seen, &after), &common, rules_reach);
    let mut carried = vec![None; count];
    for (one, other) in common {
        let joined = last.joined.get(one).cloned();
        let distance = near.get(other).copied().unwrap_or(0);
        if let Some(entry) = carried.get_mut(other) {
            *entry = joined.map(|joined| (joined, distance));
        }
    }
    (version, carried)
}

fn place(at: usize) -> ResourceId {
    ResourceId(u32::try_from(at).unwrap_or(u32::MAX))
}

fn kinds_of<'v>(seen: &'v Seen, differs: &'v [bool]) -> impl Iterator<Item = String> + 'v {
    let differing = seen.inventory.resources().zip(differs).filter(|(_, differs)| **differs);
    differing.map(|((_, resource), _)| resource.identity.qualified_kind())
}

/// Resources that stand in both versions, by their places in each, and how they differ: those of files that are the same,
/// and those of one name in files of one path.
fn twins(check: &Check<'_>, last: &Version, version: &Version) -> Vec<(usize, usize, Alteration)> {
    let mut known: HashMap<(&str, bool), (usize, &ObjectId, &FileResult)> = HashMap::new();
    let mut start = 0;
    for ((path, blob), role, file) in &last.files {
        known.insert((path, *role == Role::Context), (start, blob, file));
        start += file.result.states.len();
    }
    let mut twins = Vec::new();
    let mut start = 0;
    for ((path, blob), role, file) in &version.files {
        let length = file.result.states.len();
        let here = start;
        start += length;
        let Some((old, old_blob, former)) = known.get(&(&**path, *role == Role::Context)) else { continue };
        if blob == *old_blob {
            twins.extend((0..length).map(|at| (old + at, here + at, Alteration::Quiet)));
            continue;
        }
        // Comments that suppress findings know them by their lines, and a baseline by the whole document.
        let is_by_line = !former.result.ignores.is_empty() || !file.result.ignores.is_empty();
        let mut names: HashMap<u64, Option<usize>> = HashMap::new();
        for (at, name) in former.names.iter().enumerate() {
            // Two of one name are not told apart.
            names.entry(*name).and_modify(|place| *place = None).or_insert(Some(old + at));
        }
        for (at, name) in file.names.iter().enumerate() {
            let Some(Some(one)) = names.get(name).copied() else { continue };
            let other = here + at;
            let is_alone = file.names.iter().filter(|twin| *twin == name).count() == 1;
            let mut alteration = if is_alone {
                alteration((&last.seen, place(one)), (&version.seen, place(other)))
            } else {
                Alteration::Whole
            };
            if alteration == Alteration::Quiet && (is_by_line || !check.baselined.is_empty()) {
                // Others see no difference; it is asked itself.
                alteration = Alteration::Content(Vec::new());
            }
            twins.push((one, other, alteration));
        }
    }
    twins
}

/// What joined rules say of each resource: as before, or asked again.
fn joined(
    check: &Check<'_>,
    version: &Version,
    carried: &[Option<(Arc<Joined>, u8)>],
    (rules_reach, clock): (Vec<u8>, &[Clock]),
    given_up: &BTreeSet<u32>,
) -> Vec<Arc<Joined>> {
    let Seen { inventory, world, states, .. } = &version.seen;
    // Where bounds on the clock are due, their rules are asked wherever a difference is.
    let due_reach = rules_reach.iter().zip(clock);
    let due_reach: Arc<[u8]> =
        due_reach.map(|(reach, clock)| if *clock == Clock::Bounds { ANYWHERE } else { *reach }).collect();
    let rules_reach: Arc<[u8]> = rules_reach.into();
    let today = day_of(&version.as_of);
    let around = |part| Around {
        run: RunContext { as_of: check.as_of.clone(), inventory: Some(&**inventory) },
        world: Arc::clone(world),
        is_whole: false,
        given_up: given_up.clone(),
        part,
    };
    let whole = around(None);
    let partly = around(Some((false, Arc::clone(&rules_reach))));
    let partly_due = around(Some((false, Arc::clone(&due_reach))));
    // How far the rules of a kind see.
    let mut sights: HashMap<KindName, (Arc<crate::plan::KindPlan>, u8)> = HashMap::new();
    for (_, resource) in inventory.resources() {
        sights.entry(KindName::of(&resource.identity)).or_insert_with_key(|kind| {
            let plan = check.plan.for_kind(kind);
            let sight = plan.joined.iter().filter_map(|each| rules_reach.get(each.rule as usize)).max();
            let sight = sight.copied().unwrap_or(0);
            (plan, sight)
        });
    }
    let nothing: Arc<Joined> = Arc::default();
    let judge = |((id, resource), state): ((ResourceId, &Arc<Resource>), &State)| {
        let Some((kind, sight)) = sights.get(&KindName::of(&resource.identity)) else {
            return Arc::clone(&nothing);
        };
        if kind.joined.is_empty() || !state.is_evaluated {
            return Arc::clone(&nothing);
        }
        let before = carried.get(id.0 as usize).and_then(Option::as_ref);
        match before {
            Some((joined, distance)) if distance > sight && today < joined.until => Arc::clone(joined),
            Some((joined, distance)) if joined.rest.is_none() => {
                let is_due = today >= joined.until;
                let (around, reach) =
                    if is_due { (&partly_due, &due_reach) } else { (&partly, &rules_reach) };
                let asked = |rule: &u32| *distance <= reach.get(*rule as usize).copied().unwrap_or(ANYWHERE);
                let mut new = ask(check, &version.seen, around, kind, (id, resource), *state, *distance);
                if !is_due {
                    new.until = new.until.min(joined.until);
                }
                new.tallies.extend(joined.tallies.iter().filter(|(rule, _)| !asked(rule)));
                let kept = joined.findings.iter().filter(|finding| !asked(&finding.rule));
                new.findings.extend(kept.cloned());
                Arc::new(new)
            }
            _ => Arc::new(ask(check, &version.seen, &whole, kind, (id, resource), *state, 0)),
        }
    };
    let resources: Vec<_> = inventory.resources().zip(states).collect();
    resources.into_par_iter().map(judge).collect()
}

/// The same check of another version.
fn on<'s>(template: &'s Check<'_>, source: &'s dyn Source, as_of: &Moment) -> Check<'s> {
    let mut alone = template.alone.clone();
    alone.run.as_of = as_of.clone();
    Check {
        root: source,
        elsewhere: None,
        request: template.request,
        policies: template.policies,
        plan: template.plan.over(source),
        estate: template.estate.clone(),
        exclude: template.exclude.clone(),
        documents: template.documents.clone(),
        as_of: as_of.clone(),
        is_joined: template.is_joined,
        is_followed: template.is_followed,
        spool: None,
        alone,
        approved: None,
        waiverless: None,
        // What a baseline forgives is no less true.
        baselined: template.baselined.clone(),
    }
}

/// A number for a name, the same in every build: the first bytes of the SHA-256 of its line.
fn number_of(identity: &Identity) -> u64 {
    let [first, second, third, fourth, fifth, sixth, seventh, eighth, ..] =
        Fingerprint::of(&[&population_line(identity)]).bytes();
    u64::from_le_bytes([first, second, third, fourth, fifth, sixth, seventh, eighth])
}

/// The day of a moment, counted from 1970.
fn day_of(moment: &Moment) -> i64 {
    moment.day().nanoseconds().map_or(0, |nanoseconds| nanoseconds.div_euclid(86_400_000_000_000))
}

fn add(sum: &mut Outcome, tallies: &[(u32, Tally)]) {
    for (rule, tally) in tallies {
        if let Some(known) = sum.tallies.get_mut(*rule as usize) {
            known.add(tally);
        }
    }
}

/// The tallies that hold anything.
fn few(outcome: &mut Outcome) -> Vec<(u32, Tally)> {
    let tallies = std::mem::take(&mut outcome.tallies);
    (0_u32..).zip(tallies).filter(|(_, tally)| tally.matched > 0).collect()
}

/// The files of a version, each with its results: known ones, or new.
fn files(
    check: &Check<'_>,
    memo: &mut HashMap<FileKey, Arc<FileResult>>,
) -> (Vec<(FileKey, Role, Arc<FileResult>)>, super::check::Listed) {
    let mut listed = check.list();
    let entries: Vec<(Entry, Role)> = std::mem::take(&mut listed.entries);
    let around = check.around();
    let meter = Meter::new(&|_, _| (), 0);
    let key = |entry: &Entry| Some((Arc::clone(&entry.path), entry.blob?));
    let unknown: Vec<&(Entry, Role)> =
        entries.iter().filter(|(entry, _)| key(entry).is_none_or(|key| !memo.contains_key(&key))).collect();
    let judged: Vec<_> = unknown
        .into_par_iter()
        .filter_map(|each| {
            Some((key(&each.0)?, file_result(check.batch(std::slice::from_ref(each), &around, &meter))))
        })
        .collect();
    memo.extend(judged);
    let of = |(entry, role): (Entry, Role)| {
        let key = key(&entry)?;
        let result = Arc::clone(memo.get(&key)?);
        Some((key, role, result))
    };
    (entries.into_iter().filter_map(of).collect(), listed)
}

fn file_result(mut result: BatchResult) -> Arc<FileResult> {
    let tallies = few(&mut result.outcome);
    let places: HashMap<*const Resource, usize> =
        result.gathered.resources.iter().enumerate().map(|(at, each)| (Arc::as_ptr(each), at)).collect();
    let mut matched = vec![Vec::new(); result.states.len()];
    for (resource, pairs) in result.outcome.matched.take().iter().flat_map(crate::evaluate::Matched::iter) {
        if let Some(list) = places.get(&Arc::as_ptr(resource)).and_then(|at| matched.get_mut(*at)) {
            list.extend(pairs.map(|(rule, _)| rule));
        }
    }
    let names = result.gathered.resources.iter().map(|resource| number_of(&resource.identity)).collect();
    Arc::new(FileResult { result, tallies, matched, names })
}

/// Asks joined rules about one resource.
fn ask(
    check: &Check<'_>,
    seen: &Seen,
    around: &Around<'_>,
    kind: &crate::plan::KindPlan,
    (id, resource): (ResourceId, &Arc<Resource>),
    state: State,
    distance: u8,
) -> Joined {
    let name = &resource.location.file;
    let path = check.root.from_base(name).unwrap_or(name);
    let trouble = OnceCell::new();
    let text = || match check.read_again(name, seen.digests.get(name).copied()) {
        Ok(text) => Cow::Owned(text),
        Err(problem) => {
            drop(trouble.set(problem));
            Cow::Borrowed("")
        }
    };
    let mut context = FileContext::new(name, path, &text);
    let mut outcome = Outcome::new(check.policies.rules.rules.len());
    let root = schema::Inventory::document(&*seen.inventory, id);
    let admitted =
        Admitted { resource: Arc::clone(resource), root, is_sound: state.is_sound, id: Some(id), distance };
    let ((), days) = schema::watch(|| {
        evaluate(&check.plan, kind, Phase::Joined, &admitted, around, &mut context, &mut outcome);
    });
    drop(context);
    outcome.problems.extend(trouble.into_inner().map(|problem| *problem));
    let tallies = few(&mut outcome);
    let findings = std::mem::take(&mut outcome.findings);
    let is_plain = outcome.problems.is_empty()
        && outcome.masked.is_empty()
        && outcome.exhausted.is_empty()
        && outcome.rule_problems.is_empty()
        && outcome.undecided.is_empty();
    let until = if days == u32::MAX { i64::MAX } else { day_of(&check.as_of) + i64::from(days) };
    Joined { tallies, findings, until, rest: (!is_plain).then(|| Box::new(outcome)) }
}
