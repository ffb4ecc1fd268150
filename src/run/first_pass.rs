//! First pass: each file is read, parsed and judged by the rules that read one document; then it is dropped.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::batches::{FIRST_BATCHES, MOST_BATCHES, MOST_PARTS, Role, SMALLEST_PART, batches, blocks};
use super::check::{Check, ORGANIZATION, could_hold_resource};
use super::sources::{could_hold, digest_of};
use super::spool::Spool;
use crate::estate::{Candidate, DocumentMapping, Expectation, Gathered, KindName, classify};
use crate::evaluate::{Around, FileContext, Outcome, Phase, admit, evaluate, gather_tallies, panic_text};
use crate::finding::{Location, share_texts};
use crate::load::{Entry, SkipReason, Skipped};
use crate::outcome::Declared;
use crate::policy::{InlineIgnore, Roles, Waiver, inline_ignores, read_waiver};
use crate::problem::{Code, Problem};
use crate::report::Counts;
use crate::yaml::{Tape, parse};

/// What one batch of files yields.
#[derive(Clone, Debug, Default)]
pub(super) struct BatchResult {
    pub(super) outcome: Outcome,
    pub(super) gathered: Gathered,
    /// One a resource that was gathered.
    pub(super) states: Vec<State>,
    pub(super) waivers: Vec<Waiver>,
    pub(super) declared: Vec<Declared>,
    pub(super) ignores: Vec<InlineIgnore>,
    pub(super) roles: Roles,
    pub(super) skipped: Vec<Skipped>,
    /// Files with their digests, to see whether they are the same when they are read again.
    pub(super) digests: Vec<(Arc<str>, u64)>,
    pub(super) counts: Counts,
}

impl BatchResult {
    /// Nothing more comes: takes no more memory than it needs.
    fn settle(&mut self, spool: Option<&Spool>) {
        if let Some(spool) = spool {
            spool.relieve(&mut self.outcome.findings);
        }
        self.gathered.settle();
        self.outcome.findings.shrink_to_fit();
        self.states.shrink_to_fit();
    }
}

/// What is known of a resource after the first pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) is_sound: bool,
    pub(super) is_evaluated: bool,
}

/// Tells how far a run is: the bytes that are done, and all.
pub(super) struct Meter<'p> {
    progress: &'p (dyn Fn(u64, u64) + Sync),
    done: AtomicU64,
    total: u64,
}

impl<'p> Meter<'p> {
    pub(super) fn new(progress: &'p (dyn Fn(u64, u64) + Sync), total: u64) -> Self {
        Self { progress, done: AtomicU64::new(0), total }
    }

    fn add(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        (self.progress)(before + bytes, self.total);
    }
}

impl Check<'_> {
    /// The results of all files, in their order.
    pub(super) fn first_pass(
        &self,
        entries: &[(Entry, Role)],
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Vec<BatchResult> {
        let meter = Meter::new(progress, entries.iter().map(|(entry, _)| entry.size).sum());
        let mut around = self.around();
        let mut results: Vec<BatchResult> = Vec::new();
        for block in blocks(&batches(entries), FIRST_BATCHES, MOST_BATCHES) {
            let of_block: Vec<Vec<BatchResult>> =
                block.par_iter().map(|batch| self.batch_in_parts(batch, &around, &meter)).collect();
            results.extend(of_block.into_iter().flatten());
            gather_tallies(results.iter_mut().map(|result| &mut result.outcome));
            around.given_up = self.given_up(results.iter().map(|result| &result.outcome));
        }
        if let Some(input) = &self.request.standard_input {
            let mut result = self.batch_result();
            let (file, bytes) = (Arc::from(input.file.as_str()), input.bytes.clone());
            self.text(&file, bytes, Role::Named, &around, &mut result, None);
            results.push(result);
        }
        results
    }

    /// What local rules see besides their document.
    pub(super) fn around(&self) -> Around<'static> {
        Around { is_whole: self.plan.is_whole(), ..self.alone.clone() }
    }

    pub(super) fn batch(
        &self,
        batch: &[(Entry, Role)],
        around: &Around<'_>,
        meter: &Meter<'_>,
    ) -> BatchResult {
        let mut result = self.batch_result();
        for (entry, role) in batch {
            self.file(entry, *role, around, &mut result, None);
            meter.add(entry.size);
        }
        result.settle(self.spool.as_ref());
        result
    }

    /// The same, and the resources of a large file are work for several threads.
    fn batch_in_parts(
        &self,
        batch: &[(Entry, Role)],
        around: &Around<'_>,
        meter: &Meter<'_>,
    ) -> Vec<BatchResult> {
        let mut results = Vec::new();
        let mut result = self.batch_result();
        for (entry, role) in batch {
            let mut parts = Vec::new();
            self.file(entry, *role, around, &mut result, Some(&mut parts));
            if !parts.is_empty() {
                result.settle(self.spool.as_ref());
                results.push(std::mem::replace(&mut result, self.batch_result()));
                results.extend(parts);
            }
            meter.add(entry.size);
        }
        result.settle(self.spool.as_ref());
        results.push(result);
        results
    }

    fn batch_result(&self) -> BatchResult {
        BatchResult { outcome: self.outcome(), ..BatchResult::default() }
    }

    /// What a file yields is added to the result; where there may be `parts`, those of many resources are work for several
    /// threads.
    fn file(
        &self,
        entry: &Entry,
        role: Role,
        around: &Around<'_>,
        result: &mut BatchResult,
        parts: Option<&mut Vec<BatchResult>>,
    ) {
        match self.root.read(entry, self.request.limits.file_size) {
            Ok(bytes) => {
                let holds_waiver = could_hold("Waiver", &bytes);
                if let Some((known, blob)) = self.waiverless.zip(entry.blob).filter(|_| !holds_waiver) {
                    known.add(blob);
                }
                // Waivers and roles count whatever part of the estate is checked.
                let counts_anyway = holds_waiver || could_hold(ORGANIZATION, &bytes);
                if role != Role::Context || self.is_joined || counts_anyway {
                    self.text(&entry.path, bytes, role, around, result, parts);
                }
            }
            Err(problem) => {
                // Nobody knows what it holds.
                result.roles.doubt();
                if role != Role::Context {
                    result.outcome.problems.push(*problem);
                }
            }
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
        parts: Option<&mut Vec<BatchResult>>,
    ) {
        if self.is_joined {
            result.digests.push((Arc::clone(file), digest_of(&bytes)));
        }
        let Outcome { findings, problems, rule_problems, .. } = &result.outcome;
        let before = (findings.len(), problems.len(), rule_problems.len());
        let caught =
            catch_unwind(AssertUnwindSafe(|| self.documents(file, bytes, role, around, result, parts)));
        if let Err(panic) = caught {
            result.outcome.findings.truncate(before.0);
            result.outcome.problems.truncate(before.1);
            result.outcome.rule_problems.truncate(before.2);
            result.roles.doubt();
            if let Some(matched) = &mut result.outcome.matched {
                matched.forget_open();
            }
            let problem = Problem::new(Code::InternalError, panic_text(&*panic)).at(Location::start_of(file));
            result.outcome.problems.push(problem);
        }
        share_texts(result.outcome.findings.get_mut(before.0..).unwrap_or_default());
    }

    fn documents(
        &self,
        file: &Arc<str>,
        bytes: Vec<u8>,
        role: Role,
        around: &Around<'_>,
        result: &mut BatchResult,
        parts: Option<&mut Vec<BatchResult>>,
    ) {
        let size = bytes.len() as u64;
        let path = self.root.from_base(file).unwrap_or(file);
        let mapping = self.mapping(path);
        let is_baseline = self.is_baseline_file(path);
        let is_declared = !is_baseline && self.estate.as_ref().is_some_and(|estate| estate.is_match(path));
        let (mut tape, broken) = parse(bytes, file, &self.request.limits.yaml);
        let expectation = if is_declared { Expectation::Resources } else { Expectation::Anything };
        let classified = classify(&mut tape, file, mapping.as_ref(), expectation);
        let is_whole = broken.is_empty() && classified.problems.is_empty();
        if !is_whole && could_hold(ORGANIZATION, tape.source().as_bytes()) {
            result.roles.doubt();
        }
        if role != Role::Context {
            result.counts.files += 1;
            result.counts.bytes += size;
            result.counts.other_documents += if is_baseline { 0 } else { classified.others as u64 };
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
        let candidates = &classified.candidates;
        let of_part = |candidates: &[Candidate], result: &mut BatchResult| {
            let mut context = FileContext::new(file, path, &text);
            for candidate in candidates {
                self.candidate(candidate, role, &tape, around, &mut context, result);
            }
        };
        let Some(parts) = parts.filter(|_| candidates.len() > SMALLEST_PART) else {
            return of_part(candidates, result);
        };
        let size = candidates.len().div_ceil(MOST_PARTS).max(SMALLEST_PART);
        let judged = candidates.par_chunks(size).map(|candidates| {
            let mut part = self.batch_result();
            of_part(candidates, &mut part);
            share_texts(&mut part.outcome.findings);
            part.settle(self.spool.as_ref());
            part
        });
        *parts = judged.collect();
    }

    pub(super) fn mapping(&self, path: &str) -> Option<DocumentMapping> {
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
        if kind.name.is(ORGANIZATION) {
            if admitted.is_sound {
                result.roles.add_organization(admitted.root);
            } else {
                result.roles.doubt();
            }
        }
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
        if self.request.with_population {
            result.declared.extend(Declared::read(&admitted));
        }
        if is_evaluated {
            *result.counts.kinds.entry(identity.qualified_kind()).or_default() += 1;
            let before = result.outcome.findings.len();
            evaluate(&self.plan, &kind, Phase::Local, &admitted, around, context, &mut result.outcome);
            let found = result.outcome.findings.get(before..).unwrap_or_default();
            if self.request.with_digests || self.is_baselined(identity) {
                self.digest(&admitted, &kind, found);
            }
        }
    }
}
