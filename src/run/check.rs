//! `check`: every file of the estate, every resource, every rule that can apply.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use globset::GlobSet;
use rayon::prelude::*;

use super::batches::{FIRST_BATCHES, FIRST_FILES, MOST_BATCHES, MOST_FILES, Role, batches, blocks};
use super::exclusions::exclusions;
use super::policies::{
    Beside, Policies, PolicyError, estate_globs, glob_set, has_known_extension, load, unmatched_globs,
};
use super::sources::{Relation, Sources, could_hold_waiver, digest_of, waivers_of};
use crate::date::Moment;
use crate::estate::{
    Candidate, Directions, DocumentMapping, Expectation, Gathered, Inventory, KindName, classify,
};
use crate::evaluate::{Admitted, Around, FileContext, Outcome, Phase, admit, evaluate, panic_text};
use crate::finding::{Location, Resource, Severity};
use crate::load::{Entry, LoadError, Located, SkipReason, Skipped, Source};
use crate::plan::{Plan, Projection};
use crate::policy::{InlineIgnore, Rule, Selection, Waiver, inline_ignores, read_waiver};
use crate::problem::{Code, Problem};
use crate::rego::World;
use crate::report::{Counts, Report};
use crate::schema::{self, ResourceId, RunContext};
use crate::waive::Exceptions;
use crate::yaml::{self, Tape, parse};

/// How much a run takes in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a file.
    pub file_size: u64,
    /// What a file may hold.
    pub yaml: yaml::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_size: 256 << 20, yaml: yaml::Limits::default() }
    }
}

/// A document given on standard input.
#[derive(Clone, Debug)]
pub struct StandardInput {
    /// The path that it is taken to have.
    pub file: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct CheckRequest {
    /// Files and folders; empty: the whole estate.
    pub paths: Vec<PathBuf>,
    /// A document to check instead.
    pub standard_input: Option<StandardInput>,
    /// Which rules and kinds.
    pub selection: Selection,
    /// Limits.
    pub limits: Limits,
    /// The clock of the run.
    pub as_of: String,
    /// Threshold of the command line, before that of the configuration.
    pub fail_on: Option<Option<Severity>>,
    /// Whether a run that evaluates nothing is all right.
    pub allow_empty: bool,
    /// Whether to evaluate once more with whole documents, and to report where that says something else.
    pub verify_reads: bool,
    /// Files that the run will write, which are no input.
    pub outputs: Vec<PathBuf>,
    /// Threads; 0: one a core.
    pub threads: usize,
}

/// The threshold where neither command line nor configuration says one.
pub(super) const DEFAULT_THRESHOLD: Severity = Severity::Low;

/// Stack of an evaluating thread: an overflow cannot be caught, so there is plenty.
const STACK: usize = 64 << 20;

/// A rule that reaches a bound on so many resources is given up.
pub(super) const PATIENCE: u64 = 10;

/// What one batch of files yields.
#[derive(Default)]
struct BatchResult {
    outcome: Outcome,
    gathered: Gathered,
    /// One a resource that was gathered.
    states: Vec<State>,
    waivers: Vec<Waiver>,
    ignores: Vec<InlineIgnore>,
    skipped: Vec<Skipped>,
    /// Files with their digests, to see whether they are the same when they are read again.
    digests: Vec<(Arc<str>, u64)>,
    counts: Counts,
}

/// What is known of a resource after the first pass.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) is_sound: bool,
    pub(super) is_evaluated: bool,
}

/// Runs a check. `progress` is told the bytes that are done and those that there are.
///
/// # Errors
/// What keeps the run from beginning; everything else is a problem in the report.
pub fn check(
    sources: &Sources<'_>,
    request: &CheckRequest,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Report, PolicyError> {
    in_pool(request, |as_of| {
        let (source, beside) = match sources.policies {
            Some((source, _)) => (source, Beside::Unseen),
            None => (sources.estate, Beside::Judged),
        };
        let policies = load(source, &request.selection, request.threads, beside)?;
        if policies.files == 0 && sources.policies.is_some_and(|(_, from)| from == Relation::Elsewhere) {
            // A path that is misspelt must not judge by the built-in library alone.
            return Err(failure("the policies' source holds neither assize.yaml nor rules".to_owned()));
        }
        let (mut report, _) = Check::new(sources, request, &policies, as_of.clone()).run(progress);
        if request.verify_reads {
            let mut whole = Check::new(sources, request, &policies, as_of);
            whole.plan = whole.plan.with_projection(Projection::Everything);
            let (other, _) = whole.run(&|_, _| ());
            report.problems.extend(disagreements(&report, &other));
        }
        Ok(report)
    })
}

fn failure(message: String) -> PolicyError {
    PolicyError::Load(LoadError { message, help: None })
}

/// Does the work of a run in threads of its own, with the clock of the request.
pub(super) fn in_pool<T: Send>(
    request: &CheckRequest,
    work: impl FnOnce(Moment) -> Result<T, PolicyError> + Send,
) -> Result<T, PolicyError> {
    let as_of =
        Moment::parse(&request.as_of).ok_or_else(|| failure(format!("{:?} is no date", request.as_of)))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).stack_size(STACK).build();
    let pool = pool.map_err(|error| failure(format!("cannot start threads: {error}")))?;
    pool.install(|| work(as_of))
}

pub(super) struct Check<'r> {
    pub(super) root: &'r dyn Source,
    /// Where the policies come from, if not from there.
    pub(super) elsewhere: Option<(&'r dyn Source, Relation)>,
    pub(super) request: &'r CheckRequest,
    pub(super) policies: &'r Policies,
    pub(super) plan: Plan<'r>,
    pub(super) estate: Option<GlobSet>,
    pub(super) exclude: GlobSet,
    pub(super) documents: GlobSet,
    pub(super) as_of: Moment,
    /// Whether a rule of the run looks at other documents.
    pub(super) is_joined: bool,
    /// Whether references are kept by who names, whatever the rules ask for.
    pub(super) is_followed: bool,
    /// The run as local rules see it: without an inventory.
    pub(super) alone: Around<'static>,
}

impl<'r> Check<'r> {
    pub(super) fn new(
        sources: &Sources<'r>,
        request: &'r CheckRequest,
        policies: &'r Policies,
        as_of: Moment,
    ) -> Self {
        let config = &policies.config;
        let globs = |list: &[String]| glob_set(list.iter().map(String::as_str));
        Self {
            root: sources.estate,
            elsewhere: sources.policies,
            request,
            policies,
            plan: Plan::new(&policies.rules, &policies.kinds, request.selection.kind_patterns())
                .with_files(sources.estate),
            estate: estate_globs(config),
            exclude: globs(&config.exclude),
            documents: glob_set(config.documents.iter().map(|entry| entry.path.as_str())),
            alone: Around {
                run: RunContext { as_of: as_of.clone(), inventory: None },
                world: Arc::new(World::empty()),
                is_whole: false,
                given_up: BTreeSet::new(),
            },
            as_of,
            is_joined: policies.rules.rules.iter().any(|rule| rule.is_joined),
            is_followed: false,
        }
    }

    /// The same, with an inventory whose references can be followed in both directions.
    pub(super) fn following(self) -> Self {
        Self { is_joined: true, is_followed: true, ..self }
    }

    /// The files of the estate.
    pub(super) fn estate_entries(&self) -> Vec<Entry> {
        self.entries(&mut Vec::new(), &mut Vec::new()).into_iter().map(|(entry, _)| entry).collect()
    }

    /// The resources of a text.
    pub(super) fn candidates(&self, file: &Arc<str>, bytes: Vec<u8>) -> (Tape, Vec<Candidate>) {
        let path = self.root.from_base(file).unwrap_or(file);
        let mapping = self.mapping(path);
        let (mut tape, _) = parse(bytes, file, &self.request.limits.yaml);
        let classified = classify(&mut tape, file, mapping.as_ref(), Expectation::Anything);
        let is_policy = |candidate: &Candidate| KindName::of(&candidate.identity).is("Rule");
        let candidates =
            classified.candidates.into_iter().filter(|candidate| !is_policy(candidate)).collect();
        (tape, candidates)
    }

    pub(super) fn run(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> (Report, Arc<Inventory>) {
        let mut problems = self.policies.problems.clone();
        let mut skipped = Vec::new();
        let entries = self.entries(&mut skipped, &mut problems);
        let total = entries.iter().map(|(entry, _)| entry.size).sum();
        let done = AtomicU64::new(0);
        let run_batch = |batch: &[(Entry, Role)], around: &Around<'_>| {
            let mut result = self.batch_result();
            for (entry, role) in batch {
                self.file(entry, *role, around, &mut result);
                let before = done.fetch_add(entry.size, Ordering::Relaxed);
                progress(before + entry.size, total);
            }
            result
        };
        let mut around = Around { is_whole: self.plan.is_whole(), ..self.alone.clone() };
        let mut results: Vec<BatchResult> = Vec::new();
        for block in blocks(&batches(&entries), FIRST_BATCHES, MOST_BATCHES) {
            let of_block: Vec<BatchResult> =
                block.par_iter().map(|batch| run_batch(batch, &around)).collect();
            results.extend(of_block);
            let outcomes = results.iter().map(|result| &result.outcome);
            around.given_up = self.given_up(outcomes);
        }
        if let Some(input) = &self.request.standard_input {
            let mut result = self.batch_result();
            self.text(&input.file.as_str().into(), input.bytes.clone(), Role::Named, &around, &mut result);
            results.push(result);
        }
        let mut outcomes = Vec::new();
        let mut batches = Vec::new();
        let mut states = Vec::new();
        let mut counts = Counts::default();
        let mut waivers = Vec::new();
        let mut ignores = Vec::new();
        let mut digests = HashMap::new();
        for result in results {
            digests.extend(result.digests);
            waivers.extend(result.waivers);
            skipped.extend(result.skipped);
            ignores.extend(result.ignores);
            outcomes.push(result.outcome);
            batches.push(result.gathered);
            states.extend(result.states);
            counts.add(result.counts);
        }
        let inventory = Arc::new(if self.is_joined {
            let follows = |rule: &Rule| rule.uses.walks || !rule.uses.references.is_empty();
            let is_followed = self.is_followed || self.policies.rules.rules.iter().any(follows);
            let directions = if is_followed { Directions::Both } else { Directions::Incoming };
            Inventory::new(batches, &self.policies.kinds, directions)
        } else {
            Inventory::of_resources(batches)
        });
        outcomes.extend(self.second_pass(&inventory, &states, &digests));
        let policy = &self.policies.config.waivers;
        let (waivers, uncounted) = self.counted(waivers, &mut problems);
        let exceptions = Exceptions { policy, waivers, uncounted, ignores, as_of: &self.as_of };
        skipped.sort();
        skipped.dedup();
        let report = self.assemble(outcomes, &inventory, &states, &exceptions, counts, problems, skipped);
        (report, inventory)
    }

    /// The waivers that count, and those of the estate that do not: where the policies come from elsewhere, so do the
    /// approvals.
    fn counted(&self, waivers: Vec<Waiver>, problems: &mut Vec<Problem>) -> (Vec<Waiver>, Vec<Waiver>) {
        let Some((source, relation)) = self.elsewhere else { return (waivers, Vec::new()) };
        let CheckRequest { limits, threads, .. } = self.request;
        let (counted, found) = waivers_of(source, relation, self.policies, &self.plan, limits, *threads);
        problems.extend(found);
        let is_new = |waiver: &Waiver| counted.iter().all(|other| other.identity != waiver.identity);
        let uncounted = waivers.into_iter().filter(is_new).collect();
        (counted, uncounted)
    }

    /// Joined rules, from what was kept of the documents.
    fn second_pass(
        &self,
        inventory: &Arc<Inventory>,
        states: &[State],
        digests: &HashMap<Arc<str>, u64>,
    ) -> Vec<Outcome> {
        let mut around = Around {
            run: RunContext { as_of: self.as_of.clone(), inventory: Some(&**inventory) },
            world: Arc::new(World::new(Arc::clone(inventory) as Arc<_>)),
            is_whole: self.plan.is_whole(),
            given_up: BTreeSet::new(),
        };
        let resources: Vec<_> =
            inventory.resources().zip(states).filter(|(_, state)| state.is_evaluated).collect();
        let files: Vec<_> = resources
            .chunk_by(|((_, one), _), ((_, other), _)| one.location.file == other.location.file)
            .collect();
        let judge_file =
            |mut outcome: Outcome, file: &[((ResourceId, &Arc<Resource>), &State)], around: &Around<'_>| {
                let Some(((_, first), _)) = file.first() else { return outcome };
                let name = &first.location.file;
                let path = self.root.from_base(name).unwrap_or(name);
                let trouble = OnceCell::new();
                let text = || match self.read_again(name, digests.get(name).copied()) {
                    Ok(text) => Cow::Owned(text),
                    Err(problem) => {
                        drop(trouble.set(problem));
                        Cow::Borrowed("")
                    }
                };
                let mut context = FileContext::new(name, path, &text);
                for ((id, resource), state) in file {
                    let kind = self.plan.for_kind(&KindName::of(&resource.identity));
                    if kind.joined.is_empty() {
                        continue;
                    }
                    let root = schema::Inventory::document(&**inventory, *id);
                    let resource = Arc::clone(resource);
                    let admitted = Admitted { resource, root, is_sound: state.is_sound, id: Some(*id) };
                    evaluate(&self.plan, &kind, Phase::Joined, &admitted, around, &mut context, &mut outcome);
                }
                drop(context);
                outcome.problems.extend(trouble.into_inner().map(|problem| *problem));
                outcome
            };
        let mut outcomes = Vec::new();
        for block in blocks(&files, FIRST_FILES, MOST_FILES) {
            let nothing = || Outcome::new(self.policies.rules.rules.len());
            let fold = block.par_iter().fold(nothing, |outcome, file| judge_file(outcome, file, &around));
            let of_block: Vec<Outcome> = fold.collect();
            outcomes.extend(of_block);
            around.given_up = self.given_up(&outcomes);
        }
        outcomes
    }

    /// The rules that reached a bound too often to go on with them: what they have not been asked yet is an error.
    fn given_up<'o>(&self, outcomes: impl IntoIterator<Item = &'o Outcome>) -> BTreeSet<u32> {
        if self.policies.rules.rules.iter().all(|rule| rule.check.rego().is_none()) {
            return BTreeSet::new();
        }
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        for (rule, (count, _)) in outcomes.into_iter().flat_map(|outcome| &outcome.exhausted) {
            *counts.entry(*rule).or_default() += count;
        }
        counts.into_iter().filter(|(_, count)| *count >= PATIENCE).map(|(rule, _)| rule).collect()
    }

    /// The text of a file, for the places of its findings.
    fn read_again(&self, file: &str, digest: Option<u64>) -> Result<String, Box<Problem>> {
        let input = self.request.standard_input.as_ref().filter(|input| input.file == file);
        let bytes = match input {
            Some(input) => input.bytes.clone(),
            None => self.root.read_path(file, self.request.limits.file_size)?,
        };
        let is_same = digest.is_none_or(|digest| digest == digest_of(&bytes));
        String::from_utf8(bytes).ok().filter(|_| is_same).ok_or_else(|| {
            let message = "changed during the run, so that the places of its findings are not known";
            Box::new(Problem::new(Code::FileChanged, message).at(Location::start_of(file)))
        })
    }

    fn batch_result(&self) -> BatchResult {
        BatchResult { outcome: Outcome::new(self.policies.rules.rules.len()), ..BatchResult::default() }
    }

    /// The files to read, and what for.
    fn entries(&self, skipped: &mut Vec<Skipped>, problems: &mut Vec<Problem>) -> Vec<(Entry, Role)> {
        let mut folders = Vec::new();
        let mut files = BTreeMap::new();
        for path in &self.request.paths {
            match self.root.locate(path) {
                Ok(Located::Folder(folder)) => folders.push(folder),
                // What the command line names is checked whatever the configuration says.
                Ok(Located::File(entry)) => {
                    drop(files.insert(Arc::clone(&entry.path), (entry, Role::Named)));
                }
                Err(problem) => problems.push(*problem),
            }
        }
        let is_narrowed = !self.request.paths.is_empty() || self.request.standard_input.is_some();
        // Waivers may stand anywhere, and joined rules look at any document, whatever part is checked.
        let listed = vec![self.root.base().to_owned()];
        let wanted = |path: &str| {
            let from_base = self.root.from_base(path).unwrap_or(path);
            has_known_extension(path) || self.documents.is_match(from_base)
        };
        let (listing, found) = self.root.list(&listed, &wanted, self.request.threads);
        let excluded = exclusions(self.root, &listed, &listing.entries);
        let is_chosen = |path: &str| {
            !is_narrowed
                || folders.iter().any(|folder| folder.is_empty() || Path::new(path).starts_with(folder))
        };
        // What a glob should have named and does not would go unchecked.
        if let Some(set) = self.estate.as_ref().filter(|_| !is_narrowed && !self.request.allow_empty) {
            let paths = listing.entries.iter().filter_map(|entry| self.root.from_base(&entry.path));
            problems.extend(unmatched_globs(&self.policies.config, set, paths));
        }
        // What lies outside of the part that is checked is context, and silent.
        let is_told =
            |problem: &Problem| problem.location.as_ref().is_none_or(|place| is_chosen(&place.file));
        problems.extend(found.into_iter().filter(is_told));
        let input = self.request.standard_input.as_ref().map(|input| input.file.as_str());
        let links = listing.skipped.into_iter();
        skipped.extend(links.filter(|each| self.is_estate(&each.path) && is_chosen(&each.path)));
        for entry in listing.entries.into_iter().filter(|entry| self.is_estate(&entry.path)) {
            match excluded.get(&entry.path) {
                Some(reason) if is_chosen(&entry.path) => {
                    skipped.push(Skipped { path: entry.path, reason: *reason });
                }
                Some(_) => {}
                None if Some(&*entry.path) == input => {}
                None => {
                    let role = if is_chosen(&entry.path) { Role::Listed } else { Role::Context };
                    files.entry(Arc::clone(&entry.path)).or_insert((entry, role));
                }
            }
        }
        for output in &self.request.outputs {
            if let Ok(Located::File(output)) = self.root.locate(output) {
                files.remove(&output.path);
            }
        }
        if let Some(config) = self.root.config().filter(|_| self.is_elsewhere()) {
            skipped.push(Skipped { path: config.into(), reason: SkipReason::OtherPolicies });
        }
        files.into_values().collect()
    }

    pub(super) fn policy_source(&self) -> &dyn Source {
        self.elsewhere.map_or(self.root, |(source, _)| source)
    }

    /// Whether rules, kinds and the configuration of the estate itself are passed over.
    fn is_elsewhere(&self) -> bool {
        self.elsewhere.is_some_and(|(_, relation)| relation == Relation::Elsewhere)
    }

    fn is_estate(&self, path: &str) -> bool {
        let Some(path) = self.root.from_base(path) else { return false };
        let is_own_file = path == crate::load::CONFIG_FILE
            || path.ends_with(".schema.json")
            || path.ends_with(".schema.yaml");
        !is_own_file
            && !self.exclude.is_match(path)
            && self
                .estate
                .as_ref()
                .is_none_or(|estate| estate.is_match(path) || self.documents.is_match(path))
    }

    fn file(&self, entry: &Entry, role: Role, around: &Around<'_>, result: &mut BatchResult) {
        match self.root.read(entry, self.request.limits.file_size) {
            Ok(bytes) if role == Role::Context && !self.is_joined && !could_hold_waiver(&bytes) => {
                drop(bytes);
            }
            Ok(bytes) => self.text(&entry.path, bytes, role, around, result),
            Err(problem) if role != Role::Context => result.outcome.problems.push(*problem),
            Err(_) => {}
        }
    }

    /// Evaluates the text of a file; a panic on the way is a problem of that file.
    fn text(
        &self,
        file: &Arc<str>,
        bytes: Vec<u8>,
        role: Role,
        around: &Around<'_>,
        result: &mut BatchResult,
    ) {
        if self.is_joined {
            result.digests.push((Arc::clone(file), digest_of(&bytes)));
        }
        let before = (result.outcome.findings.len(), result.outcome.problems.len());
        let caught = catch_unwind(AssertUnwindSafe(|| self.documents(file, bytes, role, around, result)));
        if let Err(panic) = caught {
            result.outcome.findings.truncate(before.0);
            result.outcome.problems.truncate(before.1);
            let problem = Problem::new(Code::InternalError, panic_text(&*panic)).at(Location::start_of(file));
            result.outcome.problems.push(problem);
        }
    }

    fn documents(
        &self,
        file: &Arc<str>,
        bytes: Vec<u8>,
        role: Role,
        around: &Around<'_>,
        result: &mut BatchResult,
    ) {
        let size = bytes.len() as u64;
        let path = self.root.from_base(file).unwrap_or(file);
        let mapping = self.mapping(path);
        let is_declared = self.estate.as_ref().is_some_and(|estate| estate.is_match(path));
        let (mut tape, broken) = parse(bytes, file, &self.request.limits.yaml);
        let expectation = if is_declared { Expectation::Resources } else { Expectation::Anything };
        let classified = classify(&mut tape, file, mapping.as_ref(), expectation);
        if role != Role::Context {
            result.counts.files += 1;
            result.counts.bytes += size;
            result.counts.other_documents += classified.others as u64;
            let is_meant = is_declared || role == Role::Named || mapping.is_some();
            // A file that nobody declared, and that could not hold a resource whatever was meant, is none.
            if broken.is_empty() || is_meant || could_hold_resource(&broken, tape.source()) {
                result.outcome.problems.extend(broken);
            } else {
                result.counts.other_files += 1;
            }
            result.outcome.problems.extend(classified.problems);
        }
        let text = || Cow::Borrowed(tape.source());
        if self.policies.config.waivers.inline && role != Role::Context {
            result.ignores.extend(inline_ignores(tape.source(), file));
        }
        let mut context = FileContext::new(file, path, &text);
        for candidate in &classified.candidates {
            self.candidate(candidate, role, &tape, around, &mut context, result);
        }
    }

    fn mapping(&self, path: &str) -> Option<DocumentMapping> {
        let matches = self.documents.matches(path);
        if matches.is_empty() {
            return None;
        }
        let mut mapping = DocumentMapping::default();
        for entry in matches.into_iter().filter_map(|at| self.policies.config.documents.get(at)) {
            // The first entry that says something wins.
            mapping.kind = mapping.kind.or_else(|| entry.kind.clone());
            mapping.dialect = mapping.dialect.or(entry.dialect);
        }
        Some(mapping)
    }

    fn candidate(
        &self,
        candidate: &Candidate,
        role: Role,
        tape: &Tape,
        around: &Around<'_>,
        context: &mut FileContext<'_>,
        result: &mut BatchResult,
    ) {
        let identity = &candidate.identity;
        let kind = KindName::of(identity);
        let is_evaluated = role != Role::Context;
        let is_rule = kind.is("Rule");
        let is_catalogue =
            kind.is("Framework") && tape.node(candidate.node).at(["spec", "requirements"]).is_some();
        let is_policy = (is_rule || is_catalogue) && is_evaluated;
        if is_policy && self.is_elsewhere() {
            let path = Arc::clone(&context.file);
            result.skipped.push(Skipped { path, reason: SkipReason::OtherPolicies });
        } else if is_policy && !self.policies.policy_files.is_match(&*context.path) {
            let node = tape.node(candidate.anchor);
            let message =
                format!("{} {} is not loaded from here", identity.kind.to_lowercase(), identity.name);
            let problem = Problem::new(Code::MisplacedRule, message).at(context.location(node, ""));
            result.outcome.problems.push(problem);
        }
        if is_rule {
            return;
        }
        let kind = self.plan.for_kind(&kind);
        let is_evaluated = is_evaluated && kind.is_selected;
        let mut unheard = Vec::new();
        let problems = if is_evaluated { &mut result.outcome.problems } else { &mut unheard };
        let admitted = admit(&self.plan, &kind, candidate, tape, context, problems);
        result.outcome.masked.extend(admitted.secrets(&kind, context));
        let schema = kind.schema.as_ref().filter(|_| self.is_joined);
        let references = schema.map(|schema| schema.references()).unwrap_or_default();
        result.gathered.add(Arc::clone(&admitted.resource), admitted.root, references, kind.keep.as_ref());
        result.states.push(State { is_sound: admitted.is_sound, is_evaluated });
        if kind.name.is("Waiver") && admitted.is_sound {
            match read_waiver(admitted.root, &admitted.resource.identity, &admitted.resource.location) {
                Ok(waiver) => result.waivers.push(waiver),
                Err(error) => {
                    let node = error.node.map_or(admitted.root, |node| tape.node(node));
                    let problem =
                        Problem::new(Code::InvalidWaiver, error.message).at(context.location(node, ""));
                    result.outcome.problems.push(problem);
                }
            }
        }
        if is_evaluated {
            *result.counts.kinds.entry(identity.qualified_kind()).or_default() += 1;
            evaluate(&self.plan, &kind, Phase::Local, &admitted, around, context, &mut result.outcome);
        }
    }
}

/// Where two reports that should be equal are not.
fn disagreements(one: &Report, other: &Report) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (first, second) in one.rules.iter().zip(&other.rules).filter(|(one, other)| one.tally != other.tally)
    {
        let message = format!(
            "rule {}: {:?} from what it reads, {:?} from whole documents",
            first.name, first.tally, second.tally
        );
        problems.push(Problem::new(Code::InternalError, message));
    }
    let texts = |report: &Report| -> Vec<_> {
        let findings = report.findings.iter().zip(&report.fingerprints);
        findings.map(|(each, print)| (each.location.clone(), each.message.clone(), *print)).collect()
    };
    if problems.is_empty() && texts(one) != texts(other) {
        problems.push(Problem::new(Code::InternalError, "findings differ from those of whole documents"));
    }
    problems
}

/// Whether a text that does not parse could have been meant to hold a resource. Files that cannot be read as
/// text at all, and those that break a limit, could hold anything.
pub(super) fn could_hold_resource(problems: &[Problem], source: &str) -> bool {
    let is_syntax = |problem: &Problem| matches!(problem.code, Code::InvalidYaml | Code::ControlCharacter);
    !problems.iter().all(is_syntax) || (source.contains("apiVersion") && source.contains("kind"))
}
