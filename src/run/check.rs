//! `check`: every file of the estate, every resource, every rule that can apply.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use globset::GlobSet;

use super::batches::Role;
use super::exclusions::exclusions;
use super::first_pass::BatchResult;
use super::policies::{
    Beside, Policies, PolicyError, estate_globs, glob_set, has_known_extension, load, unmatched_globs,
};
use super::second_pass::Seen;
use super::sources::{Relation, Sources, Waiverless, waivers_of};
use super::spool::Spool;
use crate::date::Moment;
use crate::estate::{Candidate, Directions, Expectation, Inventory, KindName, classify};
use crate::evaluate::{Around, Outcome};
use crate::finding::Severity;
use crate::load::{Entry, LoadError, Located, SkipReason, Skipped, Source};
use crate::outcome::Declared;
use crate::plan::{Plan, Projection};
use crate::policy::{InlineIgnore, Roles, Rule, Selection, Waiver};
use crate::problem::{Code, Problem};
use crate::rego::World;
use crate::report::{Counts, Report};
use crate::schema::RunContext;
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

/// Room for findings.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// So many may be in memory.
    pub findings: usize,
    /// The folder where a file without a name takes the others.
    pub folder: PathBuf,
}

/// What to check.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
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
    /// Budgets of the command line, before those of the configuration.
    pub max: BTreeMap<Severity, u64>,
    /// Only findings of these owners are shown and counted; empty: all are.
    pub owners: Vec<String>,
    /// Whether a baseline is to be written, so that every resource needs its digest.
    pub with_digests: bool,
    /// Whether a run that evaluates nothing is all right.
    pub allow_empty: bool,
    /// Whether to evaluate once more with whole documents, and to report where that says something else.
    pub verify_reads: bool,
    /// Whether to keep who was matched by which rule, and the documents that tell of requirements: for a report.
    pub with_population: bool,
    /// Whether the program ends when the report is written: then nothing is taken apart that ends with it.
    pub is_last: bool,
    /// Where findings wait that are too many for memory, unless a baseline asks for all at once; none: all are kept.
    pub buffer: Option<Buffer>,
    /// Files that the run will write, which are no input.
    pub outputs: Vec<PathBuf>,
    /// Threads; 0: one a core.
    pub threads: usize,
}

/// The threshold where neither command line nor configuration says one.
pub(super) const DEFAULT_THRESHOLD: Severity = Severity::Low;

/// Stack of an evaluating thread: an overflow cannot be caught, so there is plenty.
const STACK: usize = 64 << 20;

/// The kind that states the roles of whom the estate belongs to.
pub(super) const ORGANIZATION: &str = "Organization";

/// A rule that reaches a bound on so many resources is given up.
pub(super) const PATIENCE: u64 = 10;

/// Runs a check. `progress` is told the bytes that are done and those that there are.
///
/// # Errors
/// What keeps the run from beginning; everything else is a problem in the report.
pub fn check(
    sources: &Sources<'_>,
    request: &CheckRequest,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Report, PolicyError> {
    check_with(sources, request, progress, |report, _| report)
}

/// The same, with a look at the policies that judged.
pub(super) fn check_with<T: Send>(
    sources: &Sources<'_>,
    request: &CheckRequest,
    progress: &(dyn Fn(u64, u64) + Sync),
    finish: impl FnOnce(Report, &Policies) -> T + Send,
) -> Result<T, PolicyError> {
    in_pool(request, |as_of| {
        let policies = policies_of(sources, request)?;
        let (mut report, inventory) = Check::new(sources, request, &policies, as_of.clone()).run(progress);
        if request.verify_reads {
            let mut whole = Check::new(sources, request, &policies, as_of);
            whole.plan = whole.plan.with_projection(Projection::Everything);
            let (other, _) = whole.run(&|_, _| ());
            report.problems.extend(disagreements(&report, &other));
        }
        report.keep_owners();
        let finished = finish(report, &policies);
        if request.is_last {
            std::mem::forget((policies, inventory));
        }
        Ok(finished)
    })
}

/// The policies that judge an estate.
pub(super) fn policies_of(sources: &Sources<'_>, request: &CheckRequest) -> Result<Policies, PolicyError> {
    let (source, beside) = match sources.policies {
        Some((source, _)) => (source, Beside::Unseen),
        None => (sources.estate, Beside::Judged),
    };
    let policies = load(source, &request.selection, request.threads, beside)?;
    if policies.files == 0 && sources.policies.is_some_and(|(_, from)| from == Relation::Elsewhere) {
        // A path that is misspelt must not judge by the built-in library alone.
        return Err(failure("the policies' source holds neither assize.yaml nor rules".to_owned()));
    }
    Ok(policies)
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
    /// The resources that the baseline is about, as reports name them.
    pub(super) baselined: HashSet<&'r str>,
    /// The run as local rules see it: without an inventory.
    pub(super) alone: Around<'static>,
    /// The waivers of `elsewhere`, kept for other checks that ask for them.
    pub(super) approved: Option<&'r OnceLock<(Vec<Waiver>, Vec<Problem>)>>,
    /// Blobs that hold no waiver, where somebody will ask.
    pub(super) waiverless: Option<&'r Waiverless>,
    /// Where findings go that are too many for memory.
    pub(super) spool: Option<Spool>,
}

/// The files of an estate.
#[derive(Clone, Default)]
pub(super) struct Listed {
    pub(super) entries: Vec<(Entry, Role)>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) problems: Vec<Problem>,
}

/// What the passes have found, besides the resources.
#[derive(Clone, Default)]
pub(super) struct Gleaned {
    pub(super) outcomes: Vec<Outcome>,
    /// Documents that tell of requirements, where the request asks for them.
    pub(super) declared: Vec<Declared>,
    pub(super) roles: Roles,
    pub(super) counts: Counts,
    waivers: Vec<Waiver>,
    ignores: Vec<InlineIgnore>,
    pub(super) problems: Vec<Problem>,
    pub(super) skipped: Vec<Skipped>,
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
                .with_files(sources.estate)
                .with_digests(request.with_digests || policies.baseline.is_some()),
            estate: estate_globs(config),
            exclude: globs(&config.exclude),
            documents: glob_set(config.documents.iter().map(|entry| entry.path.as_str())),
            alone: Around {
                run: RunContext { as_of: as_of.clone(), inventory: None },
                world: Arc::new(World::empty()),
                is_whole: false,
                given_up: BTreeSet::new(),
                part: None,
            },
            approved: None,
            waiverless: None,
            // What compares runs, or looks through findings more than once, wants them in memory.
            spool: request
                .buffer
                .clone()
                .filter(|_| policies.baseline.is_none() && !request.verify_reads)
                .map(Spool::new),
            as_of,
            is_joined: policies.rules.rules.iter().any(|rule| rule.is_joined),
            is_followed: false,
            baselined: policies
                .baseline
                .iter()
                .flat_map(|baseline| &baseline.entries)
                .map(|entry| &*entry.resource)
                .collect(),
        }
    }

    /// Budgets: of each severity that of the command line, else that of the configuration.
    pub(super) fn budgets(&self) -> BTreeMap<Severity, u64> {
        let mut max = self.policies.config.max.clone();
        max.extend(&self.request.max);
        max
    }

    /// The same, with an inventory whose references can be followed in both directions.
    pub(super) fn following(self) -> Self {
        Self { is_joined: true, is_followed: true, ..self }
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
        let listed = self.list();
        let results = self.first_pass(&listed.entries, progress);
        let (seen, gleaned) = self.glean(results, listed);
        let joined = self.second_pass(&seen, None);
        (self.conclude(&seen, gleaned, joined), seen.inventory)
    }

    /// An outcome to begin with.
    pub(super) fn outcome(&self) -> Outcome {
        let rules = self.policies.rules.rules.len();
        if self.request.with_population { Outcome::with_population(rules) } else { Outcome::new(rules) }
    }

    /// The files to read, and what for, with what is to be said of the others.
    pub(super) fn list(&self) -> Listed {
        let mut listed = Listed { problems: self.policies.problems.clone(), ..Listed::default() };
        listed.entries = self.entries(&mut listed.skipped, &mut listed.problems);
        listed
    }

    /// Puts the results of all files together.
    pub(super) fn glean(
        &self,
        results: impl IntoIterator<Item = BatchResult>,
        listed: Listed,
    ) -> (Seen, Gleaned) {
        let mut gleaned =
            Gleaned { problems: listed.problems, skipped: listed.skipped, ..Gleaned::default() };
        let mut batches = Vec::new();
        let mut states = Vec::new();
        let mut digests = HashMap::new();
        for result in results {
            digests.extend(result.digests);
            gleaned.waivers.extend(result.waivers);
            gleaned.skipped.extend(result.skipped);
            gleaned.ignores.extend(result.ignores);
            gleaned.roles.add(result.roles);
            gleaned.declared.extend(result.declared);
            gleaned.outcomes.push(result.outcome);
            gleaned.counts.add(result.counts);
            batches.push(result.gathered);
            states.extend(result.states);
        }
        let inventory = if self.is_joined {
            let follows = |rule: &Rule| {
                let is_resolver = matches!(rule.check, crate::policy::Check::UnresolvedReference);
                is_resolver || rule.uses.walks || !rule.uses.references.is_empty()
            };
            let is_followed = self.is_followed || self.policies.rules.rules.iter().any(follows);
            let directions = if is_followed { Directions::Both } else { Directions::Incoming };
            Inventory::new(batches, &self.policies.kinds, directions)
        } else {
            Inventory::of_resources(batches)
        };
        (Seen::new(inventory, self.plan.is_whole(), states, digests), gleaned)
    }

    /// The report on all passes.
    pub(super) fn conclude(&self, seen: &Seen, mut gleaned: Gleaned, joined: Vec<Outcome>) -> Report {
        gleaned.outcomes.extend(joined);
        let policy = &self.policies.config.waivers;
        let own = std::mem::take(&mut gleaned.waivers);
        let (waivers, uncounted) = self.counted(own, &mut gleaned.problems);
        let ignores = std::mem::take(&mut gleaned.ignores);
        let exceptions =
            Exceptions { policy, waivers, uncounted, ignores, as_of: &self.as_of, baseline: None };
        gleaned.skipped.sort();
        gleaned.skipped.dedup();
        self.assemble(gleaned, seen, exceptions)
    }

    /// The waivers that count, and those of the estate that do not: where the policies come from elsewhere, so do the
    /// approvals.
    fn counted(&self, waivers: Vec<Waiver>, problems: &mut Vec<Problem>) -> (Vec<Waiver>, Vec<Waiver>) {
        let Some((source, relation)) = self.elsewhere else { return (waivers, Vec::new()) };
        let CheckRequest { limits, threads, .. } = self.request;
        let read =
            || waivers_of(source, relation, self.policies, &self.plan, limits, *threads, self.waiverless);
        let (counted, found) = match self.approved {
            Some(kept) => kept.get_or_init(read).clone(),
            None => read(),
        };
        problems.extend(found);
        let is_new = |waiver: &Waiver| counted.iter().all(|other| other.identity != waiver.identity);
        let uncounted = waivers.into_iter().filter(is_new).collect();
        (counted, uncounted)
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
    pub(super) fn is_elsewhere(&self) -> bool {
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
