//! `check`: every file of the estate, every resource, every rule that can apply.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use globset::GlobSet;
use rayon::prelude::*;

use super::exclusions::exclusions;
use super::policies::{Policies, PolicyError, distinct, glob_set, has_known_extension, load_policies};
use crate::estate::{Candidate, DocumentMapping, Expectation, KindName, classify};
use crate::evaluate::{FileContext, Outcome, Tally, evaluate, panic_text};
use crate::finding::{Finding, Identity, Location, OWN_GROUP, Resource, Severity};
use crate::load::{Entry, Listing, LoadError, Root, Skipped};
use crate::plan::Plan;
use crate::policy::Selection;
use crate::problem::{Code, Problem};
use crate::report::{Counts, Report, RuleInfo, RunInfo};
use crate::yaml::{self, parse};

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
    /// Threads; 0: one a core.
    pub threads: usize,
}

/// The threshold where neither command line nor configuration says one.
const DEFAULT_THRESHOLD: Severity = Severity::Low;

/// Stack of an evaluating thread: an overflow cannot be caught, so there is plenty.
const STACK: usize = 64 << 20;

/// Files are handed to threads in batches of about so many bytes.
const BATCH: u64 = 512 << 10;

/// What one batch of files yields.
#[derive(Default)]
struct BatchResult {
    outcome: Outcome,
    seen: Vec<Arc<Resource>>,
    counts: Counts,
}

/// Runs a check. `progress` is told the bytes that are done and those that there are.
///
/// # Errors
/// What keeps the run from beginning; everything else is a problem in the report.
pub fn check(
    root: &Root,
    request: &CheckRequest,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Report, PolicyError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).stack_size(STACK).build();
    let pool = pool.map_err(|error| {
        PolicyError::Load(LoadError { message: format!("cannot start threads: {error}"), help: None })
    })?;
    pool.install(|| {
        let policies = load_policies(root, &request.selection, request.threads)?;
        Ok(Check::new(root, request, &policies).run(progress))
    })
}

struct Check<'r> {
    root: &'r Root,
    request: &'r CheckRequest,
    policies: &'r Policies,
    plan: Plan<'r>,
    estate: Option<GlobSet>,
    exclude: GlobSet,
    documents: GlobSet,
}

impl<'r> Check<'r> {
    fn new(root: &'r Root, request: &'r CheckRequest, policies: &'r Policies) -> Self {
        let config = &policies.config;
        let globs = |list: &[String]| glob_set(list.iter().map(String::as_str));
        Self {
            root,
            request,
            policies,
            plan: Plan::new(&policies.rules, &policies.kinds, request.selection.kind_patterns()),
            estate: config.estate.as_deref().map(globs),
            exclude: globs(&config.exclude),
            documents: glob_set(config.documents.iter().map(|entry| entry.path.as_str())),
        }
    }

    fn run(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Report {
        let mut problems = self.policies.problems.clone();
        let mut skipped = Vec::new();
        let results = if let Some(input) = &self.request.standard_input {
            let mut result = self.batch_result();
            self.text(&input.file.as_str().into(), input.bytes.clone(), true, &mut result);
            vec![result]
        } else {
            let entries = self.entries(&mut skipped, &mut problems);
            let total = entries.iter().map(|(entry, _)| entry.size).sum();
            let done = std::sync::atomic::AtomicU64::new(0);
            let run_batch = |batch: &[(Entry, bool)]| {
                let mut result = self.batch_result();
                for (entry, is_named) in batch {
                    self.file(entry, *is_named, &mut result);
                    let before = done.fetch_add(entry.size, std::sync::atomic::Ordering::Relaxed);
                    progress(before + entry.size, total);
                }
                result
            };
            batches(&entries).into_par_iter().map(run_batch).collect()
        };
        self.assemble(results, problems, skipped)
    }

    fn batch_result(&self) -> BatchResult {
        BatchResult { outcome: Outcome::new(self.policies.rules.rules.len()), ..BatchResult::default() }
    }

    /// The files to evaluate, and for each whether the command line names it.
    fn entries(&self, skipped: &mut Vec<Skipped>, problems: &mut Vec<Problem>) -> Vec<(Entry, bool)> {
        let mut folders = Vec::new();
        let mut named = Vec::new();
        for path in &self.request.paths {
            let Some(relative) = self.root.relative(path) else {
                let shown = path.to_string_lossy();
                problems.push(match path.symlink_metadata() {
                    Ok(_) => Problem::new(Code::OutsideRoot, format!("{shown} leads out of the repository")),
                    Err(_) => Problem::new(Code::UnreadableFile, format!("{shown} does not exist")),
                });
                continue;
            };
            match path.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(relative),
                Ok(metadata) => named.push(Entry { path: relative.into(), size: metadata.len() }),
                Err(_) => {
                    problems.push(Problem::new(Code::UnreadableFile, format!("{relative} cannot be read")));
                }
            }
        }
        if self.request.paths.is_empty() {
            folders.push(self.root.base.clone());
        }
        let wanted = |path: &str| {
            let from_base = self.root.from_base(path).unwrap_or(path);
            has_known_extension(path) || self.documents.is_match(from_base)
        };
        let folders = distinct(folders);
        let (listing, found) = self.root.list(&folders, &wanted, self.request.threads);
        problems.extend(found);
        let excluded = exclusions(self.root, &folders, &listing.entries);
        let Listing { entries, skipped: links } = listing;
        let is_estate = |path: &str| self.is_estate(path);
        skipped.extend(links.into_iter().filter(|each| is_estate(&each.path)));
        let mut files = BTreeMap::new();
        for entry in entries.into_iter().filter(|entry| is_estate(&entry.path)) {
            match excluded.get(&entry.path) {
                Some(reason) => skipped.push(Skipped { path: entry.path, reason: *reason }),
                None => drop(files.insert(entry.path.clone(), (entry, false))),
            }
        }
        // What the command line names is checked whatever the configuration says.
        for entry in named {
            drop(files.insert(entry.path.clone(), (entry, true)));
        }
        skipped.sort();
        files.into_values().collect()
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

    fn file(&self, entry: &Entry, is_named: bool, result: &mut BatchResult) {
        match self.root.read(&entry.path, self.request.limits.file_size) {
            Ok(bytes) => self.text(&entry.path, bytes, is_named, result),
            Err(problem) => result.outcome.problems.push(*problem),
        }
    }

    /// Evaluates the text of a file; a panic on the way is a problem of that file.
    fn text(&self, file: &Arc<str>, bytes: Vec<u8>, is_named: bool, result: &mut BatchResult) {
        let before = (result.outcome.findings.len(), result.outcome.problems.len(), result.seen.len());
        let caught = catch_unwind(AssertUnwindSafe(|| self.documents(file, bytes, is_named, result)));
        if let Err(panic) = caught {
            result.outcome.findings.truncate(before.0);
            result.outcome.problems.truncate(before.1);
            result.seen.truncate(before.2);
            let problem = Problem::new(Code::InternalError, panic_text(&*panic)).at(Location::start_of(file));
            result.outcome.problems.push(problem);
        }
    }

    fn documents(&self, file: &Arc<str>, bytes: Vec<u8>, is_named: bool, result: &mut BatchResult) {
        result.counts.files += 1;
        result.counts.bytes += bytes.len() as u64;
        let path = self.root.from_base(file).unwrap_or(file);
        let mapping = self.mapping(path);
        let is_declared = self.estate.as_ref().is_some_and(|estate| estate.is_match(path));
        let (mut tape, found) = parse(bytes, file, &self.request.limits.yaml);
        if !found.is_empty() {
            // A file that nobody declared, and that could not hold a resource whatever was meant, is none.
            if is_declared || is_named || mapping.is_some() || could_hold_resource(&found, tape.source()) {
                result.outcome.problems.extend(found);
            } else {
                result.counts.other_files += 1;
            }
        }
        let expectation = if is_declared { Expectation::Resources } else { Expectation::Anything };
        let classified = classify(&mut tape, file, mapping.as_ref(), expectation);
        result.counts.other_documents += classified.others as u64;
        result.outcome.problems.extend(classified.problems);
        let mut context = FileContext::new(file, path, &tape);
        for candidate in &classified.candidates {
            self.candidate(candidate, &mut context, result);
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

    fn candidate(&self, candidate: &Candidate, context: &mut FileContext<'_>, result: &mut BatchResult) {
        let identity = &candidate.identity;
        let is_rule = &*identity.group == OWN_GROUP && &*identity.kind == "Rule";
        let is_catalogue = &*identity.group == OWN_GROUP
            && &*identity.kind == "Framework"
            && context.tape.node(candidate.node).at(["spec", "requirements"]).is_some();
        if (is_rule || is_catalogue) && !self.policies.policy_files.is_match(&*context.path) {
            let node = context.tape.node(candidate.anchor);
            let message =
                format!("{} {} is not loaded from here", identity.kind.to_lowercase(), identity.name);
            let problem = Problem::new(Code::MisplacedRule, message);
            result.outcome.problems.push(problem.at(context.location(node, "")));
        }
        if is_rule {
            return;
        }
        let kind = self.plan.for_kind(&KindName::of(identity));
        if !kind.is_selected {
            return;
        }
        *result.counts.kinds.entry(identity.qualified_kind()).or_default() += 1;
        let resource = evaluate(&self.plan, &kind, candidate, context, &mut result.outcome);
        result.seen.push(resource);
    }

    fn assemble(
        &self,
        results: Vec<BatchResult>,
        mut problems: Vec<Problem>,
        skipped: Vec<Skipped>,
    ) -> Report {
        let rules = &self.policies.rules.rules;
        let mut tallies = vec![Tally::default(); rules.len()];
        let mut counts = Counts::default();
        let mut findings: Vec<Finding> = Vec::new();
        let mut seen: Vec<Arc<Resource>> = Vec::new();
        for result in results {
            findings.extend(result.outcome.findings);
            problems.extend(result.outcome.problems);
            seen.extend(result.seen);
            counts.pairs += result.outcome.pairs;
            counts.files += result.counts.files;
            counts.bytes += result.counts.bytes;
            counts.other_documents += result.counts.other_documents;
            counts.other_files += result.counts.other_files;
            for (kind, count) in result.counts.kinds {
                *counts.kinds.entry(kind).or_default() += count;
            }
            for (tally, more) in tallies.iter_mut().zip(&result.outcome.tallies) {
                tally.add(more);
            }
        }
        // Rules of the library and schemas of kinds compile when they are first needed.
        for rule in rules
            .iter()
            .filter(|rule| rule.origin.is_builtin && !self.policies.config.rules.contains_key(&*rule.name))
        {
            problems.extend(rule.compile_problems().iter().cloned());
        }
        for kind in self.policies.kinds.iter() {
            let is_told = |problem: &Problem| {
                problem.code == Code::InvalidKindSchema
                    && problem.location.as_ref().is_some_and(|location| location.file == kind.file)
            };
            if let Some(error) = kind.error().filter(|_| !problems.iter().any(is_told)) {
                let message = format!("{}: {}", kind.name, error.message);
                problems
                    .push(Problem::new(Code::InvalidKindSchema, message).at(Location::start_of(&kind.file)));
            }
        }
        let shared = self.duplicates(&mut seen, &mut problems);
        if counts.pairs == 0 && !self.request.allow_empty {
            let message = format!(
                "{} in {} files were checked against {} rules, and no rule applied",
                match counts.resources() {
                    1 => "1 resource".to_owned(),
                    count => format!("{count} resources"),
                },
                counts.files,
                rules.len(),
            );
            problems.push(Problem::new(Code::NothingEvaluated, message));
        }
        let order = |finding: &Finding| (finding.location.clone(), finding.rule, finding.key.clone());
        findings.sort_by_cached_key(order);
        problems.sort_by(|one, other| {
            (&one.location, one.code, &one.message).cmp(&(&other.location, other.code, &other.message))
        });
        problems.dedup();
        let rules: Vec<RuleInfo> = rules
            .iter()
            .zip(tallies)
            .map(|(rule, tally)| RuleInfo {
                name: Arc::clone(&rule.name),
                title: rule.title.clone(),
                severity: rule.severity,
                rationale: rule.rationale.clone(),
                remediation: rule.remediation.clone(),
                requirements: rule.requirements.iter().map(ToString::to_string).collect(),
                tally,
            })
            .collect();
        let fingerprints = findings
            .iter()
            .map(|finding| {
                let rule = rules.get(finding.rule as usize).map_or("", |rule| &rule.name);
                let path =
                    shared.contains(&finding.resource.identity).then_some(&*finding.resource.location.file);
                finding.fingerprint(rule, path)
            })
            .collect();
        Report {
            run: RunInfo {
                version: env!("CARGO_PKG_VERSION"),
                as_of: self.request.as_of.clone(),
                config: self.root.config.clone(),
                fail_on: self
                    .request
                    .fail_on
                    .unwrap_or(Some(self.policies.config.fail_on.unwrap_or(DEFAULT_THRESHOLD))),
                allow_empty: self.request.allow_empty,
            },
            rules,
            findings,
            fingerprints,
            problems,
            not_selected: self.policies.rules.not_selected.clone(),
            skipped,
            counts,
        }
    }

    /// Reports identities that stand twice. Those of foreign kinds are legal (overlays), and given back, since
    /// only their path tells them apart.
    fn duplicates(&self, seen: &mut [Arc<Resource>], problems: &mut Vec<Problem>) -> HashSet<Identity> {
        seen.sort_by(|one, other| (&one.identity, &one.location).cmp(&(&other.identity, &other.location)));
        let mut shared = HashSet::new();
        for group in seen.chunk_by(|one, other| one.identity == other.identity) {
            let [first, others @ ..] = group else { continue };
            if others.is_empty() {
                continue;
            }
            let kind = KindName::of(&first.identity);
            if !kind.is_own() && self.policies.kinds.get(&kind).is_none() {
                shared.insert(first.identity.clone());
                continue;
            }
            for other in others {
                let message = format!("{} is declared twice", other.identity);
                let problem = Problem::new(Code::DuplicateResource, message).at(other.location.clone());
                problems.push(problem.with_related(first.location.clone(), "first here"));
            }
        }
        shared
    }
}

/// Cuts the files into batches of about equal bytes, in order, so that their results are in order as well.
fn batches(entries: &[(Entry, bool)]) -> Vec<&[(Entry, bool)]> {
    let mut batches = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|(entry, _)| {
            let before = bytes;
            // An empty file still costs a system call or two.
            bytes += entry.size + 256;
            before < BATCH
        });
        let (batch, after) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = after;
    }
    batches
}

/// Whether a text that does not parse could have been meant to hold a resource. Files that cannot be read as
/// text at all, and those that break a limit, could hold anything.
fn could_hold_resource(problems: &[Problem], source: &str) -> bool {
    let is_syntax = |problem: &Problem| matches!(problem.code, Code::InvalidYaml | Code::ControlCharacter);
    !problems.iter().all(is_syntax) || (source.contains("apiVersion") && source.contains("kind"))
}
