//! Second pass: rules that look at other documents, from what was kept of these.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::batches::{FIRST_FILES, MOST_FILES, MOST_PARTS, SMALLEST_PART, blocks};
use super::check::{Check, PATIENCE};
use super::first_pass::State;
use super::sources::digest_of;
use crate::estate::{Inventory, KindName};
use crate::evaluate::{Admitted, Around, FileContext, Outcome, Phase, evaluate, gather_tallies};
use crate::finding::{Location, Resource, share_texts};
use crate::problem::{Code, Problem};
use crate::rego::World;
use crate::schema::{self, ResourceId, RunContext};

/// All resources of an estate, as the first pass has seen them.
pub(super) struct Seen {
    pub(super) inventory: Arc<Inventory>,
    pub(super) world: Arc<World>,
    /// One a resource.
    pub(super) states: Vec<State>,
    /// Files with their digests.
    pub(super) digests: HashMap<Arc<str>, u64>,
}

impl Seen {
    pub(super) fn new(
        inventory: Inventory,
        is_whole: bool,
        states: Vec<State>,
        digests: HashMap<Arc<str>, u64>,
    ) -> Self {
        let inventory = Arc::new(inventory);
        let world = World::new(Arc::clone(&inventory) as Arc<_>).with_whole_documents(is_whole);
        let world = Arc::new(world);
        Self { inventory, world, states, digests }
    }
}

/// Which pairs of resource and rule are evaluated, where two estates are that have most in common.
#[derive(Clone, Copy)]
pub(super) struct Part<'p> {
    /// How many references each resource is away from one that differs.
    pub(super) distances: &'p [u8],
    /// Whether those pairs are meant that no difference can reach, or the others.
    pub(super) is_common: bool,
    /// From how far a rule, by index, can see a difference.
    pub(super) reach: &'p Arc<[u8]>,
}

impl Check<'_> {
    /// Joined rules, from what was kept of the documents.
    pub(super) fn second_pass(&self, seen: &Seen, part: Option<Part<'_>>) -> Vec<Outcome> {
        let Seen { inventory, world, states, digests } = seen;
        let mut around = Around {
            run: RunContext { as_of: self.as_of.clone(), inventory: Some(&**inventory) },
            world: Arc::clone(world),
            is_whole: self.plan.is_whole(),
            given_up: BTreeSet::new(),
            part: part.map(|part| (part.is_common, Arc::clone(part.reach))),
        };
        let resources: Vec<_> =
            inventory.resources().zip(states).filter(|(_, state)| state.is_evaluated).collect();
        let files: Vec<_> = resources
            .chunk_by(|((_, one), _), ((_, other), _)| one.location.file == other.location.file)
            .flat_map(|file| file.chunks(file.len().div_ceil(MOST_PARTS).max(SMALLEST_PART)))
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
                let before = outcome.findings.len();
                for ((id, resource), state) in file {
                    let kind = self.plan.for_kind(&KindName::of(&resource.identity));
                    if kind.joined.is_empty() {
                        continue;
                    }
                    let root = schema::Inventory::document(&**inventory, *id);
                    let distances = part.map(|part| part.distances);
                    let distance = distances.and_then(|all| all.get(id.0 as usize)).copied().unwrap_or(0);
                    let admitted = Admitted {
                        resource: Arc::clone(resource),
                        root,
                        is_sound: state.is_sound,
                        id: Some(*id),
                        distance,
                    };
                    evaluate(&self.plan, &kind, Phase::Joined, &admitted, around, &mut context, &mut outcome);
                }
                drop(context);
                share_texts(outcome.findings.get_mut(before..).unwrap_or_default());
                if let Some(spool) = &self.spool {
                    spool.relieve_of_many(&mut outcome.findings);
                }
                outcome.problems.extend(trouble.into_inner().map(|problem| *problem));
                outcome
            };
        let mut outcomes = Vec::new();
        for block in blocks(&files, FIRST_FILES, MOST_FILES) {
            let nothing = || self.outcome();
            let fold = block.par_iter().fold(nothing, |outcome, file| judge_file(outcome, file, &around));
            let mut of_block: Vec<Outcome> = fold.collect();
            if let Some(spool) = &self.spool {
                for outcome in &mut of_block {
                    spool.relieve(&mut outcome.findings);
                }
            }
            outcomes.extend(of_block);
            gather_tallies(outcomes.iter_mut());
            around.given_up = self.given_up(&outcomes);
        }
        outcomes
    }

    /// The rules that reached a bound too often to go on with them: what they have not been asked yet is an error.
    pub(super) fn given_up<'o>(&self, outcomes: impl IntoIterator<Item = &'o Outcome>) -> BTreeSet<u32> {
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
    pub(super) fn read_again(&self, file: &str, digest: Option<u64>) -> Result<String, Box<Problem>> {
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
}
