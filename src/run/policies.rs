//! Reads the configuration, the kinds and the policies of a run.

use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rayon::prelude::*;

use super::sources::Sources;
use crate::estate::{KindLibrary, KindName};
use crate::finding::{Location, OWN_GROUP};
use crate::load::{CONFIG_FILE, LoadError, SkipReason, Source};
use crate::policy::{
    Baseline, BaselineChoice, BuiltinPolicy, Config, DigestBuilder, PolicyDigest, PolicySource, RuleSet,
    Selection, build, builtin_kind_schemas, builtin_policies, left_framework, parse_baseline, parse_config,
    rego_header,
};
use crate::problem::{Code, Problem};
use crate::yaml::{Limits, Tape, parse};

/// Where rules and frameworks of a repository are looked for.
const POLICIES: &str = "policies/**";
/// Where schemas of kinds are looked for.
const SCHEMAS: &str = "schemas/kinds";
/// Files of policies and schemas are small; larger ones are a mistake.
const POLICY_SIZE: u64 = 16 << 20;
/// A baseline takes some 300 bytes a finding.
const BASELINE_SIZE: u64 = 256 << 20;

/// Everything that judges an estate.
#[derive(Debug)]
pub struct Policies {
    /// The configuration.
    pub config: Config,
    /// The rules.
    pub rules: RuleSet,
    /// The kinds.
    pub kinds: KindLibrary,
    /// The files that hold rules and frameworks.
    pub policy_files: GlobSet,
    /// What tells these policies from all others.
    pub digest: PolicyDigest,
    /// How many files they were read from, the configuration among them; none of the library's.
    pub files: usize,
    /// What could not be used of it.
    pub problems: Vec<Problem>,
    /// The baseline, if there is one.
    pub baseline: Option<Arc<Baseline>>,
}

impl Policies {
    /// Kinds and no rules, for callers that bring their own.
    pub fn of_kinds(kinds: KindLibrary) -> Self {
        Self {
            config: Config::default(),
            rules: RuleSet::default(),
            kinds,
            policy_files: GlobSet::empty(),
            digest: PolicyDigest::default(),
            files: 0,
            problems: Vec::new(),
            baseline: None,
        }
    }

    /// Whether a file, from the folder of the configuration, is where these policies come from.
    pub(super) fn are_in(&self, path: &str) -> bool {
        let own = self.config.schemas.clone();
        let folders = own.unwrap_or_else(|| vec![SCHEMAS.to_owned()]);
        self.policy_files.is_match(path) || kind_file(path, &folders).is_some()
    }
}

/// Why there are no policies to judge by.
#[derive(Debug)]
pub enum PolicyError {
    /// The configuration cannot be used.
    Configuration(Vec<Problem>),
    /// There is no place to run.
    Load(LoadError),
}

/// A set of globs in which `*` stays within one folder.
pub(super) fn glob_set<'g>(globs: impl IntoIterator<Item = &'g str>) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    // The configuration has refused malformed ones.
    for glob in
        globs.into_iter().filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok())
    {
        builder.add(glob);
    }
    builder.build().unwrap_or_default()
}

/// The files of the estate, where the configuration says which.
pub(super) fn estate_globs(config: &Config) -> Option<GlobSet> {
    config.estate.as_deref().map(|list| glob_set(list.iter().map(|(glob, _)| glob.as_str())))
}

/// Which globs of the estate match none of the paths; the set holds all of them.
pub(super) fn unmatched_globs<'p>(
    config: &Config,
    set: &GlobSet,
    paths: impl IntoIterator<Item = &'p str>,
) -> Vec<Problem> {
    let globs = config.estate.as_deref().unwrap_or_default();
    let mut is_matched = vec![false; globs.len()];
    let mut matches = Vec::new();
    for path in paths {
        set.matches_into(path, &mut matches);
        for at in &matches {
            if let Some(is_matched) = is_matched.get_mut(*at) {
                *is_matched = true;
            }
        }
    }
    let unmatched = globs.iter().zip(is_matched).filter(|(_, is_matched)| !is_matched);
    let problem = |((glob, place), _): (&(String, Location), bool)| {
        let message = format!("no YAML or JSON file matches {glob}");
        Problem::new(Code::UnmatchedGlob, message).at(place.clone())
    };
    unmatched.map(problem).collect()
}

/// Whether a file is YAML or JSON by its name.
pub(super) fn has_known_extension(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Loads configuration, kinds and rules from where the estate stands as well.
///
/// # Errors
/// A configuration that cannot be used: a gate must not run on half of one.
pub fn load_policies(
    root: &dyn Source,
    selection: &Selection,
    threads: usize,
) -> Result<Policies, PolicyError> {
    load(root, selection, threads, Beside::Judged)
}

/// Whether what stands beside the rules is judged as a part of the estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// It is, so whatever is wrong with it is told there.
    Judged,
    /// Nobody looks at it but for rules.
    Unseen,
}

pub(super) fn load(
    root: &dyn Source,
    selection: &Selection,
    threads: usize,
    beside: Beside,
) -> Result<Policies, PolicyError> {
    let mut digest = DigestBuilder::default();
    let config = match root.config() {
        None => Config::default(),
        Some(path) => read_config(root, path, &mut digest)?,
    }
    .with_known_documents();
    let policy_globs = config.policies.clone().unwrap_or_else(|| vec![POLICIES.to_owned()]);
    let policy_files = glob_set(policy_globs.iter().map(String::as_str));
    let schema_folders = config.schemas.clone().unwrap_or_else(|| vec![SCHEMAS.to_owned()]);
    let mut folders: Vec<String> = policy_globs.iter().map(|glob| literal_prefix(glob).to_owned()).collect();
    folders.extend(schema_folders.iter().cloned());
    let folders = distinct(folders.into_iter().map(|folder| root.below_base(&folder)).collect());
    let wanted = |path: &str| {
        (has_known_extension(path) || is_rego(path))
            && root
                .from_base(path)
                .is_some_and(|path| policy_files.is_match(path) || kind_file(path, &schema_folders).is_some())
    };
    let (listing, mut problems) = root.list(&folders, &wanted, threads);
    // A rule that is not loaded finds nothing: that must be said.
    problems.extend(listing.skipped.iter().map(|skipped| {
        let message = match skipped.reason {
            SkipReason::NotCheckedOut => "it is not checked out, and so not loaded".to_owned(),
            reason => format!("what stands behind a {} is not loaded", reason.name()),
        };
        Problem::new(Code::MisplacedRule, message).at(Location::start_of(&skipped.path))
    }));
    let mut kinds = builtin_kinds();
    let mut sources = Vec::new();
    for entry in &listing.entries {
        let file = &entry.path;
        let (tape, found) = match root.read(entry, POLICY_SIZE) {
            Ok(bytes) if is_rego(file) => {
                digest.add(root.from_base(file).unwrap_or_default(), &bytes);
                if let Ok(text) = String::from_utf8(bytes) {
                    sources.push(rego_source(file, text, false, &mut problems));
                } else {
                    let message = "the file is not UTF-8 text";
                    problems.push(Problem::new(Code::InvalidEncoding, message).at(Location::start_of(file)));
                }
                continue;
            }
            Ok(bytes) => parse(bytes, file, &Limits::default()),
            Err(problem) => {
                problems.push(*problem);
                continue;
            }
        };
        problems.extend(found);
        let path = root.from_base(file).unwrap_or_default();
        if is_builtin_copy(path, &tape) {
            continue;
        }
        digest.add(path, tape.source().as_bytes());
        if let Some(name) = kind_file(path, &schema_folders) {
            add_kind(&mut kinds, &name, &tape, file, &mut problems);
        } else {
            let (file, tape) = (Arc::clone(file), Arc::new(tape));
            sources.push(PolicySource { file, tape, is_builtin: false, rego: None, framework: None });
        }
    }
    let builtin = builtin_sources(selection.with_examples, kinds.keeps_library());
    sources.splice(0..0, builtin);
    let estate = estate_globs(&config);
    let is_estate = |path: &str| {
        let path = root.from_base(path).unwrap_or(path);
        beside == Beside::Unseen || estate.as_ref().is_none_or(|estate| estate.is_match(path))
    };
    if beside == Beside::Unseen {
        problems.extend(sources.iter().flat_map(|source| misspelt(source, &kinds)));
    }
    let (rules, found) = build(&sources, &config, selection, &kinds, &is_estate);
    problems.extend(found);
    let files = digest.len();
    let baseline = baseline(root, &config, &selection.baseline)?;
    Ok(Policies { config, rules, kinds, policy_files, digest: digest.finish(), files, problems, baseline })
}

/// The file of the baseline that the configuration beside an estate names, from its folder.
///
/// # Errors
/// A configuration that cannot be used.
pub fn configured_baseline(sources: &Sources<'_>) -> Result<Option<String>, PolicyError> {
    let source = sources.estate;
    let Some(path) = source.config().filter(|_| sources.policies.is_none()) else { return Ok(None) };
    let config = read_config(source, path, &mut DigestBuilder::default())?;
    Ok(config.baseline.map(|(path, _)| path))
}

fn read_config(root: &dyn Source, path: &str, digest: &mut DigestBuilder) -> Result<Config, PolicyError> {
    let bytes =
        root.read_path(path, POLICY_SIZE).map_err(|problem| PolicyError::Configuration(vec![*problem]))?;
    digest.add(CONFIG_FILE, &bytes);
    parse_config(bytes, &Arc::from(path)).map_err(PolicyError::Configuration)
}

/// The baseline that counts. What is wrong with it ends the run: without it, nobody knows what stood.
fn baseline(
    root: &dyn Source,
    config: &Config,
    choice: &BaselineChoice,
) -> Result<Option<Arc<Baseline>>, PolicyError> {
    let (path, place) = match (choice, &config.baseline) {
        (BaselineChoice::Given(baseline), _) => return Ok(Some(Arc::clone(baseline))),
        (BaselineChoice::None, _) | (BaselineChoice::Configured, None) => return Ok(None),
        (BaselineChoice::At(path), _) => (path, None),
        (BaselineChoice::Configured, Some((path, place))) => (path, Some(place)),
    };
    let path = root.below_base(path);
    let refuse = |problem: Problem| PolicyError::Configuration(vec![problem]);
    let found = root.find(&path).map_err(|problem| refuse(*problem))?;
    let Some(entry) = found else {
        // One that is named on the command line may come with the change that is judged.
        let Some(place) = place else { return Ok(None) };
        let message = format!("{path} does not exist, or is no plain file");
        let problem = Problem::new(Code::InvalidBaseline, message).at(place.clone());
        return Err(refuse(problem.with_help(format!("write it: `assize baseline -o {path}`"))));
    };
    let bytes = root.read(&entry, BASELINE_SIZE).map_err(|problem| refuse(*problem))?;
    let baseline = parse_baseline(bytes, &entry.path).map_err(PolicyError::Configuration)?;
    Ok(Some(Arc::new(baseline)))
}

/// Documents among rules that look like ours and have a kind that nobody knows: a rule that is not loaded finds
/// nothing, and here nobody else would tell.
fn misspelt(source: &PolicySource, kinds: &KindLibrary) -> Vec<Problem> {
    // The header of a file of Rego is no document.
    if source.is_builtin || source.rego.is_some() {
        return Vec::new();
    }
    let locator = crate::policy::Locator::new(&source.file, &source.tape);
    let mut problems = Vec::new();
    for document in &source.tape.documents {
        let root = source.tape.root(document);
        let text = |key: &str| root.get(key).map_or("", |node| node.text());
        let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
        let kind = KindName { group: group.into(), kind: text("kind").into() };
        let is_foreign = !text("apiVersion").is_empty() && !kind.is_own();
        if is_foreign || kind.is("Rule") || (kind.is_own() && kinds.get(&kind).is_some()) {
            continue;
        }
        let first = root.members().next().map_or(root, |(key, _)| key);
        let node = root.get("kind").unwrap_or(first).index();
        let message = "the document is neither a Rule nor a Framework of assize.dev/v1";
        problems.push(locator.problem(Code::InvalidRule, node, message));
    }
    problems
}

/// A file of the built-in library, letter by letter, under its own path: the library's own repository, or a
/// copy for reading.
fn is_builtin_copy(path: &str, tape: &Tape) -> bool {
    let policies = builtin_policies().iter().map(|file| (file.path, file.text));
    let schemas = builtin_kind_schemas().map(|(_, path, text)| (path, text));
    policies.chain(schemas).any(|(known, text)| known == path && text == tape.source())
}

fn is_rego(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension == "rego")
}

/// A file of Rego, its header read as YAML.
fn rego_source(file: &Arc<str>, text: String, is_builtin: bool, problems: &mut Vec<Problem>) -> PolicySource {
    let (tape, found) = parse(rego_header(&text).into_bytes(), file, &Limits::default());
    problems.extend(found);
    let (file, tape) = (Arc::clone(file), Arc::new(tape));
    PolicySource { file, tape, is_builtin, rego: Some(text.into()), framework: None }
}

/// The files of the library. Where nobody reads examples, and the kinds are those that the pack knows, frameworks are
/// left until somebody looks.
fn builtin_sources(with_examples: bool, keeps_kinds: bool) -> Vec<PolicySource> {
    let parse_one = |policy: &BuiltinPolicy| {
        let text = if with_examples { policy.text } else { policy.without_examples() };
        let file: Arc<str> = policy.path.into();
        if is_rego(&file) {
            return rego_source(&file, text.to_string(), true, &mut Vec::new());
        }
        if let Some(name) = left_framework(&file).filter(|_| !with_examples && keeps_kinds) {
            let tape = Arc::default();
            return PolicySource { file, tape, is_builtin: true, rego: None, framework: Some(name) };
        }
        // The library is tested with the program, so it has no problems of syntax.
        let (tape, _) = parse(text.as_bytes().to_vec(), &file, &Limits::default());
        PolicySource { file, tape: Arc::new(tape), is_builtin: true, rego: None, framework: None }
    };
    builtin_policies().par_iter().map(parse_one).collect()
}

fn builtin_kinds() -> KindLibrary {
    let group: Arc<str> = OWN_GROUP.into();
    KindLibrary::of_library(builtin_kind_schemas().map(|(kind, path, text)| {
        (KindName { group: Arc::clone(&group), kind: kind.into() }, Arc::from(path), text)
    }))
}

/// The kind whose schema a file holds: `<folder>/<Kind>.schema.json`, `<folder>/<group>/<Kind>.schema.yaml`.
fn kind_file(path: &str, folders: &[String]) -> Option<KindName> {
    let rest = folders
        .iter()
        .find_map(|folder| path.strip_prefix(folder.trim_end_matches('/'))?.strip_prefix('/'))?;
    let stem = rest.rsplit_once('.')?.0.strip_suffix(".schema")?;
    let is_name = !stem.is_empty() && stem.matches('/').count() <= 1;
    is_name.then(|| KindName::parse(stem))
}

fn add_kind(
    kinds: &mut KindLibrary,
    name: &KindName,
    tape: &Tape,
    file: &Arc<str>,
    problems: &mut Vec<Problem>,
) {
    let Some(document) = tape.documents.first() else {
        problems
            .push(Problem::new(Code::InvalidKindSchema, "the file is empty").at(Location::start_of(file)));
        return;
    };
    for fault in &document.faults {
        let lines = crate::yaml::LineIndex::new(tape.source());
        problems
            .push(Problem::new(fault.code, fault.message.clone()).at(lines.location(file, fault.span, "")));
    }
    let root = tape.root(document);
    kinds.add(name.clone(), root.to_value(), Arc::clone(file));
    if let Some(Err(error)) = kinds.get(name).map(|schema| schema.body().map(drop)) {
        let locator = crate::policy::Locator::new(file, tape);
        problems.push(locator.schema(Code::InvalidKindSchema, root.index(), error.clone()));
    }
}

/// The folders of a glob before its first wildcard.
fn literal_prefix(glob: &str) -> &str {
    let wild = glob.find(['*', '?', '[', '{']).unwrap_or(glob.len());
    glob.get(..wild).and_then(|literal| literal.rsplit_once('/')).map_or("", |(folder, _)| folder)
}

/// Folders without those that lie in another one.
fn distinct(mut folders: Vec<String>) -> Vec<String> {
    folders.sort();
    folders.dedup();
    let all = folders.clone();
    let lies_in = |folder: &str, other: &str| {
        folder != other
            && (other.is_empty() || folder.strip_prefix(other).is_some_and(|rest| rest.starts_with('/')))
    };
    folders.retain(|folder| !all.iter().any(|other| lies_in(folder, other)));
    folders
}
