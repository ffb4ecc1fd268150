//! What a text says that is the same for every resource of a run: worked out once, and kept with the [`World`].
//!
//! A rule that looks through `data.estate` for each resource takes time in the square of the estate. Most of what it
//! looks for depends on nothing of the resource: that becomes a [`Part::Once`], or a rule of which `once` is known. Where
//! it looks for those with a text that the resource gives, the loop has an [`Index`] by that text.
//!
//! [`World`]: crate::rego::World

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use regorus::unstable::BoolOp;

use super::call::Own;
use super::compile::{Clause, Definition, EstateKind, Part, Statement};
use super::run::{NOTHING, Run};
use super::value::{Members, Val};
use super::{Sure, Unsure};
use crate::date::Moment;
use crate::schema::{Inventory, PathSet, ResourceId};

/// What was worked out of the texts of a run: by policy and moment, a place for each number of its program.
#[derive(Debug, Default)]
pub(in crate::rego) struct Kept(RwLock<HashMap<u64, Vec<(Moment, Places)>>>);

/// The places of one program.
pub(super) type Places = Arc<[OnceLock<Once>]>;

/// What is kept of a part.
#[derive(Debug)]
pub(super) enum Once {
    /// Its value, if it has one.
    Value(Option<Val<'static>>),
    /// Where each text is found.
    Index(Index),
    /// The resources of a kind.
    Members(Arc<Members>),
    /// Nothing: it cannot be told, or it cannot be kept.
    Nothing,
}

/// Positions of members by the text that they have at a place, in order.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_text: HashMap<Box<str>, Vec<u32>>,
    /// Those that have something there that is no text.
    others: Vec<u32>,
}

impl Index {
    pub(super) fn add(&mut self, value: &Val<'_>, position: u32) {
        match value.text() {
            Some(text) => match self.by_text.get_mut(text) {
                Some(known) => known.push(position),
                None => drop(self.by_text.insert(text.into(), vec![position])),
            },
            None => self.others.push(position),
        }
    }

    /// Those that may have the text there, in order.
    pub(super) fn find(&self, text: &str) -> Vec<u32> {
        let mut found = self.by_text.get(text).cloned().unwrap_or_default();
        if !self.others.is_empty() {
            found.extend(&self.others);
            found.sort_unstable();
        }
        found
    }
}

impl Kept {
    /// So many places for a policy at this moment.
    pub(super) fn places(&self, policy: u64, count: usize, as_of: &Moment) -> Places {
        let find = |kept: &HashMap<u64, Vec<(Moment, Places)>>| {
            let found = kept.get(&policy)?.iter().find(|(moment, _)| moment == as_of);
            found.map(|(_, places)| Arc::clone(places))
        };
        if let Some(known) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = find(&kept) {
            return known;
        }
        let places: Places = (0..count).map(|_| OnceLock::new()).collect();
        kept.entry(policy).or_default().push((as_of.clone(), Arc::clone(&places)));
        places
    }
}

/// On which values a text comes back to the same.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// It depends on the resource, or it is not understood.
    is_own: bool,
    /// It looks at the estate as a whole.
    has_estate: bool,
    /// It takes more than to look something up.
    is_work: bool,
    /// Names from outside that it has.
    slots: BTreeSet<usize>,
}

impl Facts {
    fn add(&mut self, other: Self) {
        self.is_own |= other.is_own;
        self.has_estate |= other.has_estate;
        self.is_work |= other.is_work;
        self.slots.extend(other.slots);
    }

    /// Whether it is the same for every resource of a run, and takes work.
    fn is_once(&self) -> bool {
        !self.is_own && self.has_estate && self.is_work && self.slots.is_empty()
    }
}

/// What is the same for every resource.
#[derive(Debug)]
pub(super) struct Marked {
    /// Of each rule, whether its value is, and worth keeping.
    pub(super) rules: Vec<bool>,
    /// How many places there are for what is kept: rules have the first, and kinds of the estate those after them.
    pub(super) places: usize,
}

/// Marks what is the same for every resource, beside so many kinds of the estate.
pub(super) fn mark(rules: &mut [Definition], kinds: &[EstateKind]) -> Marked {
    let mut marking = Marking {
        known: rules.iter().map(|_| None).collect(),
        rules: rules.iter_mut().map(|rule| Some(std::mem::replace(rule, Definition::Unknown))).collect(),
        kinds,
        next: rules.len() + kinds.len(),
    };
    for at in 0..rules.len() {
        marking.definition(at);
    }
    for (rule, marked) in rules.iter_mut().zip(marking.rules) {
        *rule = marked.unwrap_or(Definition::Unknown);
    }
    let known = marking.known.into_iter();
    let once: Vec<bool> = known.map(|facts| facts.is_some_and(|facts| facts.is_once())).collect();
    let is_empty = !once.contains(&true) && marking.next == rules.len();
    Marked { rules: once, places: if is_empty { 0 } else { marking.next } }
}

struct Marking<'k> {
    rules: Vec<Option<Definition>>,
    known: Vec<Option<Facts>>,
    kinds: &'k [EstateKind],
    next: usize,
}

impl Marking<'_> {
    fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// What is known of a rule or a function; of one that is being followed, nothing good.
    fn definition(&mut self, at: usize) -> Facts {
        if let Some(Some(known)) = self.known.get(at) {
            return known.clone();
        }
        let unknown = Facts { is_own: true, ..Facts::default() };
        let Some(mut definition) = self.rules.get_mut(at).and_then(Option::take) else { return unknown };
        let mut facts = Facts { is_work: true, ..Facts::default() };
        match &mut definition {
            Definition::Complete { clauses, default } => {
                self.clauses(clauses, &mut facts);
                if let Some(default) = default {
                    facts.add(self.statement_part(default));
                }
            }
            Definition::Set(clauses) | Definition::Function { clauses, .. } => {
                self.clauses(clauses, &mut facts);
            }
            Definition::Unknown => facts = unknown,
        }
        facts.slots.clear();
        if let (Some(rule), Some(known)) = (self.rules.get_mut(at), self.known.get_mut(at)) {
            *rule = Some(definition);
            *known = Some(facts.clone());
        }
        facts
    }

    fn clauses(&mut self, clauses: &mut [Clause], facts: &mut Facts) {
        for body in clauses.iter_mut().flat_map(|clause| &mut clause.bodies) {
            facts.add(self.query(&mut body.query));
            facts.add(self.statement_part(&mut body.value));
        }
    }

    /// A query, without the names that it binds itself.
    fn query(&mut self, query: &mut [Statement]) -> Facts {
        let mut facts = Facts::default();
        let mut bound = BTreeSet::new();
        for at in 0..query.len() {
            let Some((statement, rest)) = query.get_mut(at..).and_then(<[_]>::split_first_mut) else { break };
            match statement {
                Statement::Bind(slot, part) => {
                    facts.add(self.statement_part(part));
                    bound.insert(*slot);
                }
                Statement::Some { key, value, of, join } => {
                    let of = self.statement_part(of);
                    let names: BTreeSet<usize> = key.iter().chain(value.iter()).copied().collect();
                    if !of.is_own && of.has_estate && of.slots.is_empty() {
                        *join = self.join(&names, rest);
                    }
                    facts.add(of);
                    bound.extend(names);
                }
                Statement::Holds(part) | Statement::Fails(part) => facts.add(self.statement_part(part)),
                Statement::Every { key, value, of, query } => {
                    facts.add(self.statement_part(of));
                    let mut inner = self.query(query);
                    for name in key.iter().chain(value.iter()) {
                        inner.slots.remove(name);
                    }
                    facts.add(inner);
                }
                Statement::Unknown => facts.is_own = true,
            }
        }
        facts.slots.retain(|slot| !bound.contains(slot));
        facts
    }

    /// Whether the statement after a loop asks for a text that an element has, and on which side that stands.
    fn join(&mut self, names: &BTreeSet<usize>, rest: &mut [Statement]) -> Option<Join> {
        let Some(Statement::Holds(Part::Compare(BoolOp::Eq, one, other))) = rest.first_mut() else {
            return None;
        };
        let (first, second) = (self.part(one), self.part(other));
        let is_found = |facts: &Facts| {
            !facts.is_own && !facts.slots.is_empty() && facts.slots.iter().all(|slot| names.contains(slot))
        };
        let is_sought = |facts: &Facts| !facts.slots.iter().any(|slot| names.contains(slot));
        let is_left = is_found(&first) && is_sought(&second);
        let is_right = is_found(&second) && is_sought(&first);
        (is_left || is_right).then(|| Join { number: self.number(), is_left })
    }

    /// A part that is come to again and again: what is the same every time is marked.
    fn statement_part(&mut self, part: &mut Part) -> Facts {
        let facts = self.part(part);
        self.mark(part, &facts);
        facts
    }

    fn mark(&mut self, part: &mut Part, facts: &Facts) {
        if facts.is_once() && !matches!(part, Part::Rule(_) | Part::Once(..)) {
            let number = self.number();
            let marked = std::mem::replace(part, Part::Unknown);
            *part = Part::Once(number, Box::new(marked));
        }
    }

    fn part(&mut self, part: &mut Part) -> Facts {
        let mut facts = Facts::default();
        if let Part::Member(of, key) = part
            && matches!(**of, Part::Estate)
            && let Some(at) = self.kinds.iter().position(|kind| *kind.name == **key)
        {
            *part = Part::Kind(at);
        }
        match part {
            Part::Constant(_) | Part::Clock => {}
            Part::Slot(slot) => drop(facts.slots.insert(*slot)),
            Part::Input | Part::References | Part::Referrers | Part::Own | Part::Unknown => {
                facts.is_own = true;
            }
            Part::Estate | Part::Kind(_) => facts.has_estate = true,
            Part::Rule(at) => facts = self.definition(*at),
            Part::EachOfList(term, query) | Part::EachOfSet(term, query) => {
                facts.is_work = true;
                let mut bound = BTreeSet::new();
                bind(query, &mut bound);
                facts.add(self.query(query));
                facts.add(self.statement_part(term));
                facts.slots.retain(|slot| !bound.contains(slot));
            }
            part => {
                let (of, is_work) = match part {
                    Part::Call(at, _) => (self.definition(*at), true),
                    Part::Asked(own, _) => (Facts { is_own: !is_of_estate(*own), ..Facts::default() }, true),
                    _ => (Facts::default(), false),
                };
                facts.add(of);
                facts.is_work |= is_work;
                let inner: Vec<Facts> = children(part).into_iter().map(|child| self.part(child)).collect();
                for inner in &inner {
                    facts.add(inner.clone());
                }
                // Of what is the same as a whole, the parts need no place of their own.
                if !facts.is_once() {
                    for (child, facts) in children(part).into_iter().zip(inner) {
                        self.mark(child, &facts);
                    }
                }
            }
        }
        facts
    }
}

/// An equality after a loop over the estate, for which there is an [`Index`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Join {
    pub(super) number: usize,
    /// Whether what the element has stands on the left.
    pub(super) is_left: bool,
}

/// Whether a function of ours gives the same whoever is judged.
fn is_of_estate(own: Own) -> bool {
    match own {
        Own::References | Own::Referrers => true,
        Own::Answered(name) => name.starts_with("assize.date.") || name.starts_with("assize.duration."),
    }
}

/// The names that the statements of a query bind.
fn bind(query: &[Statement], bound: &mut BTreeSet<usize>) {
    for statement in query {
        match statement {
            Statement::Bind(slot, _) => drop(bound.insert(*slot)),
            Statement::Some { key, value, .. } => bound.extend(key.iter().chain(value)),
            _ => {}
        }
    }
}

/// The parts of a part that are worked out each time that it is.
fn children(part: &mut Part) -> Vec<&mut Part> {
    match part {
        Part::Member(of, _) | Part::Matches(_, of) | Part::Once(_, of) => vec![&mut **of],
        Part::At(one, other)
        | Part::Compare(_, one, other)
        | Part::Arithmetic(_, one, other)
        | Part::Sets(_, one, other)
        | Part::In(one, other) => vec![&mut **one, &mut **other],
        Part::Call(_, parts)
        | Part::Asked(_, parts)
        | Part::BuiltIn(_, parts)
        | Part::List(parts)
        | Part::Set(parts) => parts.iter_mut().collect(),
        Part::Object(parts) => parts.iter_mut().flat_map(|(key, value)| [key, value]).collect(),
        Part::Constant(_)
        | Part::Slot(_)
        | Part::Input
        | Part::References
        | Part::Referrers
        | Part::Estate
        | Part::Kind(_)
        | Part::Own
        | Part::Clock
        | Part::Rule(_)
        | Part::EachOfList(..)
        | Part::EachOfSet(..)
        | Part::Unknown => Vec::new(),
    }
}

/// The same for what is worked out once a run: so many, and so many more for each resource.
const STEPS_ONCE: u32 = 10_000_000;
const STEPS_ONCE_A_RESOURCE: u32 = 100;

impl<'a> Run<'a> {
    /// What is the same for all resources of the run: worked out for the first that asks, while others wait.
    pub(super) fn once(
        &mut self,
        number: usize,
        work: impl Fn(&mut Self) -> Sure<Option<Val<'a>>>,
    ) -> Sure<Option<Val<'a>>> {
        let kept = self.kept(number, |run| {
            let value = work(run)?;
            let kept = value.as_ref().map(|value| value.kept().ok_or(Unsure)).transpose()?;
            Ok(Once::Value(kept))
        })?;
        match kept {
            Once::Value(value) => Ok(value.clone()),
            _ => work(self),
        }
    }

    /// What is kept at a place of the program, for which there is more room than for one evaluation.
    fn kept(&mut self, number: usize, make: impl FnOnce(&mut Self) -> Sure<Once>) -> Sure<&'a Once> {
        let place: &'a OnceLock<Once> = self.places.get(number).ok_or(Unsure)?;
        Ok(place.get_or_init(|| {
            let count = self.judged.world.inventory().map_or(0, Inventory::count);
            let more = STEPS_ONCE_A_RESOURCE.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
            let before = (self.steps, self.limit, self.lists, self.stack.len(), self.base);
            (self.steps, self.limit) = (0, STEPS_ONCE.saturating_add(more));
            let made = make(self).unwrap_or(Once::Nothing);
            (self.steps, self.limit, self.lists) = (before.0, before.1, before.2);
            // What gave up in the middle left its names.
            self.stack.truncate(before.3);
            self.base = before.4;
            made
        }))
    }

    /// The resources of a kind of the estate that the text names.
    pub(super) fn estate_kind(&mut self, at: usize) -> Sure<Val<'a>> {
        let program = self.program;
        let kind = program.kinds.get(at).ok_or(Unsure)?;
        let kept = self.kept(program.rules.len() + at, |run| {
            Ok(Once::Members(run.judged.world.members(run.inventory()?, &kind.name)))
        })?;
        let Once::Members(members) = kept else { return Err(Unsure) };
        let reads = match &kind.reads {
            _ if self.judged.world.is_whole() => None,
            Some(reads) => Some(reads).filter(|reads| **reads != PathSet::All),
            None => Some(&*NOTHING),
        };
        Ok(Val::Members(members, reads))
    }

    /// Where the elements stand of which the next statement may hold, in order; none if that cannot be looked up.
    pub(super) fn joined(
        &mut self,
        join: Join,
        names: (Option<usize>, Option<usize>),
        (members, reads): (&Members, Option<&'a PathSet>),
        rest: &'a [Statement],
    ) -> Sure<Option<Vec<u32>>> {
        let Some(Statement::Holds(Part::Compare(BoolOp::Eq, left, right))) = rest.first() else {
            return Ok(None);
        };
        let (has, sought) = if join.is_left { (left, right) } else { (right, left) };
        // What is undefined is equal to nothing.
        let Some(sought) = self.value(sought)? else { return Ok(Some(Vec::new())) };
        let Some(text) = sought.text() else { return Ok(None) };
        let place = self.kept(join.number, |run| {
            let mut index = Index::default();
            for (position, member) in (0..).zip(&members.by_id) {
                run.step()?;
                run.name_member(names, member, reads)?;
                if let Some(value) = run.value(has)? {
                    index.add(&value, position);
                }
            }
            Ok(Once::Index(index))
        })?;
        Ok(match place {
            Once::Index(index) => Some(index.find(text)),
            _ => None,
        })
    }

    /// Gives a loop over the resources of a kind one of them.
    pub(super) fn name_member(
        &mut self,
        (key, value): (Option<usize>, Option<usize>),
        (_, resource): &(Arc<str>, ResourceId),
        reads: Option<&'a PathSet>,
    ) -> Sure<()> {
        if let Some(slot) = key {
            let id = self.id(*resource)?;
            self.set(slot, id);
        }
        if let Some(slot) = value {
            let document = self.inventory()?.document(*resource);
            self.set(slot, Val::of_node(document, reads));
        }
        Ok(())
    }
}
