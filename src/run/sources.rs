//! Where a run reads from; and the waivers of a place that policies come from, when that is not the estate.

use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use hashbrown::DefaultHashBuilder;
use rayon::prelude::*;

use super::check::{Limits, could_hold_resource};
use super::exclusions::exclusions;
use super::policies::{Policies, estate_globs, glob_set, has_known_extension};
use crate::estate::{Candidate, Expectation, KindName, classify};
use crate::evaluate::{FileContext, admit};
use crate::load::{CONFIG_FILE, Entry, ObjectId, Source};
use crate::plan::Plan;
use crate::policy::{Waiver, read_waiver};
use crate::problem::{Code, Problem};
use crate::yaml::parse;

/// Where a run reads from.
#[derive(Clone, Copy)]
pub struct Sources<'s> {
    /// What is judged.
    pub estate: &'s dyn Source,
    /// Where rules, kinds, frameworks, the configuration and the waivers come from; none: from the estate.
    pub policies: Option<(&'s dyn Source, Relation)>,
}

impl<'s, S: Source> From<&'s S> for Sources<'s> {
    fn from(estate: &'s S) -> Self {
        Self { estate, policies: None }
    }
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let policies = self.policies.map(|(source, relation)| (source.base(), relation));
        formatter
            .debug_struct("Sources")
            .field("estate", &self.estate.base())
            .field("policies", &policies)
            .finish()
    }
}

/// What the policies' source is to the estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Another commit of the same repository: its waivers count where the configuration has the estate.
    SameRepository,
    /// Another folder or repository: its waivers count wherever they stand.
    Elsewhere,
}

/// Tells two versions of a file apart within a run; nobody else sees it.
pub(super) fn digest_of(bytes: &[u8]) -> u64 {
    static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);
    HASHER.hash_one(bytes)
}

/// Whether a file could hold a resource of a kind: a look at its bytes, since most hold none.
pub(super) fn could_hold(kind: &str, bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, kind.as_bytes()).is_some()
}

/// Blobs that were read in this run and hold no waiver.
#[derive(Debug, Default)]
pub(super) struct Waiverless(RwLock<HashSet<ObjectId>>);

impl Waiverless {
    pub(super) fn add(&self, blob: ObjectId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(blob);
    }

    fn contains(&self, blob: ObjectId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&blob)
    }
}

/// The waivers of a source, in the order of its files; those that are known to hold none are not read.
pub(super) fn waivers_of(
    source: &dyn Source,
    relation: Relation,
    policies: &Policies,
    plan: &Plan<'_>,
    limits: &Limits,
    threads: usize,
    waiverless: Option<&Waiverless>,
) -> (Vec<Waiver>, Vec<Problem>) {
    let globs = |list: &[String]| glob_set(list.iter().map(String::as_str));
    let config = &policies.config;
    let exclude = globs(&config.exclude);
    let estate = estate_globs(config).filter(|_| relation == Relation::SameRepository);
    let wanted = |path: &str| {
        let Some(inner) = source.from_base(path) else { return false };
        has_known_extension(path)
            && inner != CONFIG_FILE
            && !exclude.is_match(inner)
            && estate.as_ref().is_none_or(|estate| estate.is_match(inner))
    };
    let folders = [source.base().to_owned()];
    let (mut listing, mut problems) = source.list(&folders, &wanted, threads);
    if waiverless.is_some() {
        source.identify(&mut listing.entries);
    }
    let excluded = exclusions(source, &folders, &listing.entries);
    let read = |entry: &Entry| read_file(source, entry, plan, limits);
    let holds_none =
        |entry: &Entry| waiverless.zip(entry.blob).is_some_and(|(known, blob)| known.contains(blob));
    let is_read = |entry: &&Entry| !excluded.contains_key(&entry.path) && !holds_none(entry);
    let entries: Vec<&Entry> = listing.entries.iter().filter(is_read).collect();
    let results: Vec<_> = entries.into_par_iter().map(read).collect();
    let mut waivers = Vec::new();
    for (found, more) in results {
        waivers.extend(found);
        problems.extend(more);
    }
    (waivers, problems)
}

fn read_file(
    source: &dyn Source,
    entry: &Entry,
    plan: &Plan<'_>,
    limits: &Limits,
) -> (Vec<Waiver>, Vec<Problem>) {
    let bytes = match source.read(entry, limits.file_size) {
        Ok(bytes) if could_hold("Waiver", &bytes) => bytes,
        Ok(_) => return (Vec::new(), Vec::new()),
        Err(problem) => return (Vec::new(), vec![*problem]),
    };
    let file = &entry.path;
    let (mut tape, mut problems) = parse(bytes, file, &limits.yaml);
    if !problems.is_empty() && !could_hold_resource(&problems, tape.source()) {
        return (Vec::new(), Vec::new());
    }
    let classified = classify(&mut tape, file, None, Expectation::Anything);
    let is_waiver = |candidate: &&Candidate| KindName::of(&candidate.identity).is("Waiver");
    if classified.candidates.iter().any(|candidate| is_waiver(&candidate)) {
        problems.extend(classified.problems);
    }
    let text = || std::borrow::Cow::Borrowed(tape.source());
    let path = source.from_base(file).unwrap_or(file);
    let mut context = FileContext::new(file, path, &text);
    let mut waivers = Vec::new();
    for candidate in classified.candidates.iter().filter(is_waiver) {
        let kind = plan.for_kind(&KindName::of(&candidate.identity));
        let admitted = admit(plan, &kind, candidate, &tape, &mut context, &mut problems);
        if !admitted.is_sound {
            continue;
        }
        let resource = Arc::clone(&admitted.resource);
        match read_waiver(admitted.root, &resource.identity, &resource.location) {
            Ok(waiver) => waivers.push(waiver),
            Err(error) => {
                let node = error.node.map_or(admitted.root, |node| tape.node(node));
                let problem = Problem::new(Code::InvalidWaiver, error.message);
                problems.push(problem.at(context.location(node, "")));
            }
        }
    }
    (waivers, problems)
}
