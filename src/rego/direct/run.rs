//! A program at work on one resource.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, OnceLock};

use regorus::Value;
use regorus::unstable::{ArithOp, BinOp, BoolOp};

use super::call::{Own, filtered, has_text, to_values, union};
use super::compile::{Argument, Clause, Definition, Part, Program, Statement, object_of};
use super::once::Once;
use super::value::{Budget, Entry, Val, element_of, read_of, set_of};
use super::{Sure, Unsure};
use crate::finding::Identity;
use crate::rego::function::{self, Call};
use crate::rego::machine::Judged;
use crate::rego::uses::Names;
use crate::schema::{Inventory, PathSet, ResourceId};
use crate::yaml::Kind;

/// Statements and elements of one evaluation; whoever needs more goes to the machine, which counts them as well.
const STEPS: u32 = 200_000;

/// Fewer elements are gone through rather than looked up.
const INDEXED: usize = 32;

/// What a call costs, besides what it gives.
const CALL: usize = 10;

/// So many answers of functions an evaluation keeps; they are gone through one by one.
const ANSWERS: usize = 16;

/// Nothing is read.
pub(super) static NOTHING: LazyLock<PathSet> = LazyLock::new(PathSet::default);

pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) judged: &'a Judged<'a>,
    reads: Option<&'a PathSet>,
    pub(super) call: Call<'a>,
    /// What is kept for the run.
    pub(super) places: &'a [OnceLock<Once>],
    /// What names mean, of each clause that is open.
    pub(super) stack: Vec<Val<'a>>,
    /// Where those of the innermost begin.
    pub(super) base: usize,
    rules: Vec<Rule<'a>>,
    /// What functions gave for texts: they are asked for the same again and again.
    answers: Vec<Answer<'a>>,
    pub(super) steps: u32,
    /// So many it may take.
    pub(super) limit: u32,
    /// How many lists are being made: their order is that of what they go through.
    pub(super) lists: u32,
}

/// What is known of a rule.
enum Rule<'a> {
    Unasked,
    /// Its value, if it has one.
    Known(Option<Val<'a>>),
}

/// What a function gave, if anything.
struct Answer<'a> {
    function: usize,
    arguments: Vec<Val<'a>>,
    value: Option<Val<'a>>,
}

/// Takes a key and a value, and says whether to go on.
type Visit<'v, 'a> = &'v mut dyn FnMut(&mut Run<'a>, Val<'a>, Val<'a>) -> Sure<bool>;

/// What `deny` is.
pub(super) fn deny<'a>(
    program: &'a Program,
    judged: &'a Judged<'a>,
    reads: Option<&'a PathSet>,
    call: Call<'a>,
    places: &'a [OnceLock<Once>],
) -> Sure<Value> {
    let rules = program.rules.iter().map(|_| Rule::Unasked).collect();
    let mut run = Run {
        program,
        judged,
        reads,
        call,
        places,
        stack: Vec::new(),
        base: 0,
        rules,
        answers: Vec::new(),
        steps: 0,
        limit: STEPS,
        lists: 0,
    };
    let Some(Definition::Set(clauses)) = program.rules.get(program.deny) else { return Err(Unsure) };
    let mut denials = BTreeSet::new();
    for clause in clauses {
        run.yields(clause, &mut |_, value| {
            let mut budget = Budget::DENIAL;
            denials.insert(value.to_value(&mut budget)?);
            Ok(())
        })?;
    }
    Ok(Value::from(denials))
}

impl<'a> Run<'a> {
    pub(super) fn step(&mut self) -> Sure<()> {
        self.charge(1)
    }

    fn charge(&mut self, steps: usize) -> Sure<()> {
        self.steps = self.steps.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        if self.steps > self.limit { Err(Unsure) } else { Ok(()) }
    }

    /// What a call or an operation gave, for which there must be room.
    fn made(&mut self, value: Option<Val<'a>>) -> Sure<Option<Val<'a>>> {
        match &value {
            Some(Val::Shared(text)) => self.charge(CALL + text.len() / 16)?,
            Some(Val::List(list) | Val::Set(list) | Val::Bag(list)) => self.charge(CALL + list.len())?,
            Some(Val::Object(members)) => self.charge(CALL + members.len())?,
            _ => self.charge(CALL)?,
        }
        Ok(value)
    }

    pub(super) fn set(&mut self, slot: usize, value: Val<'a>) {
        if let Some(place) = self.stack.get_mut(self.base + slot) {
            *place = value;
        }
    }

    /// Does something with places for the names of a clause.
    fn within<T>(&mut self, clause: &'a Clause, act: impl FnOnce(&mut Self) -> Sure<T>) -> Sure<T> {
        let (base, end) = (self.base, self.stack.len());
        self.base = end;
        self.stack.extend(std::iter::repeat_with(|| Val::Null).take(clause.slots));
        let result = act(self)?;
        self.stack.truncate(end);
        self.base = base;
        Ok(result)
    }

    /// All values that a clause of a set yields.
    fn yields(
        &mut self,
        clause: &'a Clause,
        take: &mut dyn FnMut(&mut Self, Val<'a>) -> Sure<()>,
    ) -> Sure<()> {
        let [body] = clause.bodies.as_slice() else { return Err(Unsure) };
        self.within(clause, |run| {
            run.solve(&body.query, &mut |run| {
                if let Some(value) = run.value(&body.value)? {
                    take(run, value)?;
                }
                Ok(true)
            })?;
            Ok(())
        })
    }

    /// The value of a clause, if it has one.
    fn clause(&mut self, clause: &'a Clause, arguments: &[Val<'a>]) -> Sure<Option<Val<'a>>> {
        self.within(clause, |run| {
            for (argument, given) in clause.arguments.iter().zip(arguments) {
                match argument {
                    Argument::Slot(slot) => run.set(*slot, given.clone()),
                    Argument::Any => {}
                    Argument::Exactly(value) if value.is(given)? => {}
                    Argument::Exactly(_) => return Ok(None),
                }
            }
            for body in &clause.bodies {
                let mut found: Option<Val<'a>> = None;
                let is_constant = matches!(body.value, Part::Constant(_));
                run.solve(&body.query, &mut |run| {
                    let Some(value) = run.value(&body.value)? else { return Ok(true) };
                    match &found {
                        None => found = Some(value),
                        Some(known) if known.is(&value)? => {}
                        // Two values for one name are an error.
                        Some(_) => return Err(Unsure),
                    }
                    Ok(!is_constant)
                })?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            Ok(None)
        })
    }

    /// The value that some clauses agree on.
    fn agreed(&mut self, clauses: &'a [Clause], arguments: &[Val<'a>]) -> Sure<Option<Val<'a>>> {
        let mut found: Option<Val<'a>> = None;
        for clause in clauses {
            let could_say_more = |known: &Val<'a>| {
                !clause.bodies.iter().all(|body| match &body.value {
                    Part::Constant(value) => value.is(known) == Ok(true),
                    _ => false,
                })
            };
            if !found.as_ref().is_none_or(could_say_more) {
                continue;
            }
            let Some(value) = self.clause(clause, arguments)? else { continue };
            match &found {
                None => found = Some(value),
                Some(known) if known.is(&value)? => {}
                Some(_) => return Err(Unsure),
            }
        }
        Ok(found)
    }

    fn rule(&mut self, at: usize) -> Sure<Option<Val<'a>>> {
        if let Some(Rule::Known(known)) = self.rules.get(at) {
            return Ok(known.clone());
        }
        let value = match self.program.once.rules.get(at) {
            Some(true) => self.once(at, |run| run.ruled(at))?,
            _ => self.ruled(at)?,
        };
        if let Some(place) = self.rules.get_mut(at) {
            *place = Rule::Known(value.clone());
        }
        Ok(value)
    }

    /// The value of a rule, worked out.
    fn ruled(&mut self, at: usize) -> Sure<Option<Val<'a>>> {
        let program = self.program;
        Ok(match program.rules.get(at) {
            Some(Definition::Complete { clauses, default }) => match (self.agreed(clauses, &[])?, default) {
                (None, Some(default)) => self.value(default)?,
                (value, _) => value,
            },
            Some(Definition::Set(clauses)) => {
                let mut values = Vec::new();
                // The order of a set is its own.
                let lists = std::mem::take(&mut self.lists);
                for clause in clauses {
                    self.yields(clause, &mut |_, value| {
                        values.push(value);
                        Ok(())
                    })?;
                }
                self.lists = lists;
                Some(set_of(values)?)
            }
            _ => return Err(Unsure),
        })
    }

    /// Comes by for each way in which all statements hold, until told to stop; gives whether it was not.
    fn solve(
        &mut self,
        query: &'a [Statement],
        found: &mut dyn FnMut(&mut Self) -> Sure<bool>,
    ) -> Sure<bool> {
        let Some((first, rest)) = query.split_first() else { return found(self) };
        self.step()?;
        match first {
            Statement::Unknown => Err(Unsure),
            Statement::Bind(slot, part) => match self.value(part)? {
                Some(value) => {
                    self.set(*slot, value);
                    self.solve(rest, found)
                }
                None => Ok(true),
            },
            Statement::Holds(part) => match self.value(part)? {
                Some(value) if value.holds() => self.solve(rest, found),
                _ => Ok(true),
            },
            Statement::Fails(part) => match self.value(part)? {
                Some(value) if value.holds() => Ok(true),
                _ => self.solve(rest, found),
            },
            Statement::Some { key, value, of, join } => {
                let Some(of) = self.value(of)? else { return Ok(true) };
                if let (Some(join), Val::Members(members, reads)) = (join, &of)
                    && members.by_id.len() >= INDEXED
                {
                    let looked_up = self.joined(*join, (*key, *value), (members, *reads), rest)?;
                    if let Some(positions) = looked_up {
                        for position in positions {
                            self.step()?;
                            let Some(member) = members.by_id.get(position as usize) else { continue };
                            self.name_member((*key, *value), member, *reads)?;
                            if !self.solve(rest, found)? {
                                return Ok(false);
                            }
                        }
                        return Ok(true);
                    }
                }
                self.each(&of, key.is_some(), &mut |run, at, element| {
                    if let Some(slot) = key {
                        run.set(*slot, at);
                    }
                    if let Some(slot) = value {
                        run.set(*slot, element);
                    }
                    run.solve(rest, found)
                })
            }
            Statement::Every { key, value, of, query } => {
                let Some(of) = self.value(of)? else { return Err(Unsure) };
                let is_all = self.each(&of, key.is_some(), &mut |run, at, element| {
                    if let Some(slot) = key {
                        run.set(*slot, at);
                    }
                    if let Some(slot) = value {
                        run.set(*slot, element);
                    }
                    // The statements end at the first way in which they hold.
                    run.solve(query, &mut |_| Ok(false)).map(|is_none| !is_none)
                })?;
                if is_all { self.solve(rest, found) } else { Ok(true) }
            }
        }
    }

    /// Visits the elements of a list or a set, or the members of a mapping.
    fn each(&mut self, of: &Val<'a>, with_keys: bool, visit: Visit<'_, 'a>) -> Sure<bool> {
        let position = |at: usize| i64::try_from(at).map(Val::Int).map_err(|_| Unsure);
        match of {
            Val::Node(node, reads) if node.kind() == Kind::List => {
                for (at, element) in node.elements().enumerate() {
                    self.step()?;
                    if !visit(self, position(at)?, element_of(element, *reads))? {
                        return Ok(false);
                    }
                }
            }
            Val::Node(node, reads) => {
                let mut members: Vec<_> = node.members().map(|(key, value)| (key.text(), value)).collect();
                if self.lists > 0 {
                    members.sort_unstable_by_key(|(key, _)| *key);
                }
                for (key, value) in members {
                    self.step()?;
                    let value = match reads {
                        Some(reads) => match read_of(reads, key) {
                            Some(reads) => Val::of_node(value, Some(reads)),
                            None => continue,
                        },
                        None => Val::of_node(value, None),
                    };
                    if !visit(self, Val::Text(key), value)? {
                        return Ok(false);
                    }
                }
            }
            Val::Entries(entries) => {
                for (at, entry) in entries.iter().enumerate() {
                    self.step()?;
                    if !visit(self, position(at)?, Val::Entry(entry.0, entry.1))? {
                        return Ok(false);
                    }
                }
            }
            Val::Members(members, reads) => {
                let inventory = self.inventory()?;
                for (_, resource) in &members.by_id {
                    self.step()?;
                    let document = Val::of_node(inventory.document(*resource), *reads);
                    if !visit(self, self.id(*resource)?, document)? {
                        return Ok(false);
                    }
                }
            }
            Val::List(list) => {
                for (at, element) in list.iter().enumerate() {
                    self.step()?;
                    if !visit(self, position(at)?, element.clone())? {
                        return Ok(false);
                    }
                }
            }
            Val::Bag(_) if self.lists > 0 => return Err(Unsure),
            Val::Set(set) | Val::Bag(set) => {
                if with_keys {
                    return Err(Unsure);
                }
                for element in set.iter() {
                    self.step()?;
                    if !visit(self, Val::Null, element.clone())? {
                        return Ok(false);
                    }
                }
            }
            Val::Object(members) => {
                for (key, value) in members.iter() {
                    self.step()?;
                    if !visit(self, key.clone(), value.clone())? {
                        return Ok(false);
                    }
                }
            }
            _ => return Err(Unsure),
        }
        Ok(true)
    }

    fn values(&mut self, parts: &'a [Part]) -> Sure<Option<Vec<Val<'a>>>> {
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            let Some(value) = self.value(part)? else { return Ok(None) };
            values.push(value);
        }
        Ok(Some(values))
    }

    fn both(&mut self, one: &'a Part, other: &'a Part) -> Sure<Option<(Val<'a>, Val<'a>)>> {
        let Some(one) = self.value(one)? else { return Ok(None) };
        Ok(self.value(other)?.map(|other| (one, other)))
    }

    /// The value of a part; nothing where it is undefined.
    pub(super) fn value(&mut self, part: &'a Part) -> Sure<Option<Val<'a>>> {
        let uses = self.call.asked;
        let resource = self.judged.resource;
        Ok(match part {
            Part::Constant(value) => Some(value.clone()),
            Part::Slot(slot) => Some(self.stack.get(self.base + slot).ok_or(Unsure)?.clone()),
            Part::Input => Some(Val::of_node(self.judged.root, self.reads)),
            Part::References if !uses.references.is_empty() => Some(Val::References(resource, true)),
            Part::Referrers if !uses.referrers.is_empty() => Some(Val::Referrers(resource)),
            Part::Estate if matches!(uses.estate, Names::Some(_)) => Some(Val::Estate),
            Part::Own if uses.identity => Some(match resource {
                Some(resource) if self.judged.world.inventory().is_some() => self.id(resource)?,
                _ => Val::of_value(&self.judged.world.own_id(resource, self.judged.identity))?,
            }),
            Part::Clock if uses.clock => Some(Val::Text(self.judged.as_of.text())),
            Part::References | Part::Referrers | Part::Estate | Part::Own | Part::Clock | Part::Unknown => {
                return Err(Unsure);
            }
            Part::Rule(at) => self.rule(*at)?,
            Part::Kind(at) => Some(self.estate_kind(*at)?),
            Part::Once(number, part) => self.once(*number, |run| run.value(part))?,
            Part::Member(of, key) => match self.value(of)? {
                Some(of) => self.member(&of, key)?,
                None => None,
            },
            Part::At(of, key) => match self.both(of, key)? {
                Some((of, key)) => self.at(&of, &key)?,
                None => None,
            },
            Part::Call(function, parts) => match self.values(parts)? {
                Some(arguments) => self.function(*function, arguments)?,
                None => None,
            },
            Part::BuiltIn(function, parts) => match self.values(parts)? {
                Some(arguments) => {
                    let value = function.call(&arguments)?;
                    self.made(value)?
                }
                None => None,
            },
            Part::Matches(pattern, of) => match self.value(of)? {
                Some(of) => Some(Val::Bool(pattern.is_match(of.text().ok_or(Unsure)?))),
                None => None,
            },
            Part::Compare(op, one, other) => match self.both(one, other)? {
                Some((one, other)) => Some(Val::Bool(match op {
                    BoolOp::Eq => one.is(&other)?,
                    BoolOp::Ne => !one.is(&other)?,
                    BoolOp::Lt => one.order(&other)? == Ordering::Less,
                    BoolOp::Le => one.order(&other)? != Ordering::Greater,
                    BoolOp::Gt => one.order(&other)? == Ordering::Greater,
                    BoolOp::Ge => one.order(&other)? != Ordering::Less,
                })),
                None => None,
            },
            part => self.rare(part)?,
        })
    }

    /// The same for parts that are seldom met, apart since they need room of their own.
    #[inline(never)]
    fn rare(&mut self, part: &'a Part) -> Sure<Option<Val<'a>>> {
        Ok(match part {
            Part::Asked(own, parts) => {
                let value = match parts.as_slice() {
                    [part] => match self.value(part)? {
                        Some(argument) => self.asked(*own, std::slice::from_ref(&argument))?,
                        None => return Ok(None),
                    },
                    parts => match self.values(parts)? {
                        Some(arguments) => self.asked(*own, &arguments)?,
                        None => return Ok(None),
                    },
                };
                self.made(value)?
            }
            Part::Arithmetic(op, one, other) => match (op, self.both(one, other)?) {
                (_, None) => None,
                (ArithOp::Sub, Some((one @ (Val::Set(_) | Val::Bag(_)), other))) => {
                    self.made(Some(filtered(&one, &other, false)?))?
                }
                (op, Some((Val::Int(one), Val::Int(other)))) => {
                    let result = match op {
                        ArithOp::Add => one.checked_add(other),
                        ArithOp::Sub => one.checked_sub(other),
                        ArithOp::Mul => one.checked_mul(other),
                        ArithOp::Div | ArithOp::Mod => None,
                    };
                    Some(Val::Int(result.ok_or(Unsure)?))
                }
                _ => return Err(Unsure),
            },
            Part::Sets(op, one, other) => match (op, self.both(one, other)?) {
                (_, None) => None,
                (BinOp::Union, Some((one, other))) => self.made(Some(union(&one, &other)?))?,
                (BinOp::Intersection, Some((one, other))) => {
                    self.made(Some(filtered(&one, &other, true)?))?
                }
            },
            Part::In(value, of) => match self.both(value, of)? {
                Some((value, of)) => {
                    if let Some(is_there) = has_text(&of, &value) {
                        return Ok(Some(Val::Bool(is_there)));
                    }
                    // Where a value stands does not matter.
                    let lists = std::mem::take(&mut self.lists);
                    let is_none = self.each(&of, false, &mut |_, _, element| Ok(!element.is(&value)?))?;
                    self.lists = lists;
                    Some(Val::Bool(!is_none))
                }
                None => None,
            },
            Part::List(parts) => self.values(parts)?.map(|values| Val::List(values.into())),
            Part::Set(parts) => self.values(parts)?.map(set_of).transpose()?,
            Part::Object(parts) => {
                let mut members = Vec::with_capacity(parts.len());
                for (key, value) in parts {
                    let Some((key, value)) = self.both(key, value)? else { return Ok(None) };
                    key.text().ok_or(Unsure)?;
                    members.push((key, value));
                }
                Some(object_of(members).ok_or(Unsure)?)
            }
            Part::EachOfList(term, query) => {
                self.lists += 1;
                let values = self.terms(term, query)?;
                self.lists -= 1;
                Some(Val::List(values.into()))
            }
            Part::EachOfSet(term, query) => {
                let lists = std::mem::take(&mut self.lists);
                let values = self.terms(term, query)?;
                self.lists = lists;
                Some(set_of(values)?)
            }
            _ => return Err(Unsure),
        })
    }

    /// What a function of the text gives.
    fn function(&mut self, at: usize, arguments: Vec<Val<'a>>) -> Sure<Option<Val<'a>>> {
        let program = self.program;
        let Some(Definition::Function { clauses, arity }) = program.rules.get(at) else { return Err(Unsure) };
        if *arity != arguments.len() {
            return Err(Unsure);
        }
        if arguments.iter().any(|argument| argument.text().is_none()) {
            return self.agreed(clauses, &arguments);
        }
        let is_known = |answer: &&Answer<'a>| {
            let mut both = answer.arguments.iter().zip(&arguments);
            answer.function == at && both.all(|(one, other)| one.text() == other.text())
        };
        if let Some(answer) = self.answers.iter().find(is_known) {
            return Ok(answer.value.clone());
        }
        let value = self.agreed(clauses, &arguments)?;
        if self.answers.len() < ANSWERS {
            self.answers.push(Answer { function: at, arguments, value: value.clone() });
        }
        Ok(value)
    }

    fn terms(&mut self, term: &'a Part, query: &'a [Statement]) -> Sure<Vec<Val<'a>>> {
        let mut values = Vec::new();
        self.solve(query, &mut |run| {
            values.extend(run.value(term)?);
            Ok(true)
        })?;
        Ok(values)
    }

    pub(super) fn inventory(&self) -> Sure<&'a dyn Inventory> {
        let world: &'a crate::rego::World = self.judged.world;
        world.inventory().ok_or(Unsure)
    }

    /// The identity of a resource.
    pub(super) fn id(&self, resource: ResourceId) -> Sure<Val<'a>> {
        let world: &'a crate::rego::World = self.judged.world;
        let text = world.id_text(world.inventory().ok_or(Unsure)?, resource).ok_or(Unsure)?;
        Ok(Val::Id(resource, text))
    }

    /// The member of a value.
    fn member(&mut self, of: &Val<'a>, key: &str) -> Sure<Option<Val<'a>>> {
        match of {
            Val::Entry(entry, identity) => self.part_of(*entry, identity, key),
            Val::References(from, is_own) => self.references(*from, *is_own, key),
            Val::Referrers(target) => self.referrers(*target, key),
            Val::Estate => {
                let known = self.program.kinds.binary_search_by(|kind| (*kind.name).cmp(key));
                self.estate_kind(known.map_err(|_| Unsure)?).map(Some)
            }
            Val::Members(members, reads) => {
                let Some(resource) = members.find(key) else { return Ok(None) };
                Ok(Some(Val::of_node(self.inventory()?.document(resource), *reads)))
            }
            of => of.member(key),
        }
    }

    /// What stands at a key or a position.
    fn at(&mut self, of: &Val<'a>, key: &Val<'a>) -> Sure<Option<Val<'a>>> {
        if let (Val::Members(members, reads), Val::Id(resource, _)) = (of, key)
            && members.has(*resource)
        {
            return Ok(Some(Val::of_node(self.inventory()?.document(*resource), *reads)));
        }
        if let Some(key) = key.text() {
            return self.member(of, key);
        }
        let Val::Int(position) = key else { return Err(Unsure) };
        let Ok(position) = usize::try_from(*position) else { return Err(Unsure) };
        match of {
            Val::Entries(entries) => {
                Ok(entries.get(position).map(|(entry, identity)| Val::Entry(*entry, identity)))
            }
            of => of.elements().map(|mut elements| elements.nth(position)).ok_or(Unsure),
        }
    }

    /// Part of an entry, as the world makes it for the engines.
    fn part_of(&mut self, entry: Entry<'a>, identity: &'a Identity, key: &str) -> Sure<Option<Val<'a>>> {
        let uses = self.call.asked;
        let world = self.judged.world;
        let inventory = self.inventory()?;
        let names = uses.entries.names.then_some(identity);
        Ok(match key {
            "id" => Some(self.id(entry.other)?),
            "field" => Some(Val::Text(entry.field)),
            "document" if uses.entries.documents => Some(self.document(inventory, entry, identity)?),
            "path" if uses.places => {
                let place = world.place(inventory, entry.holder, entry.field, entry.position as usize);
                place.map_err(|_| Unsure)?.as_ref().map(Val::of_value).transpose()?
            }
            "kind" => names.map(|identity| Val::Shared(identity.qualified_kind().into())),
            "namespace" => names.map(|identity| Val::Text(&identity.namespace)),
            "name" => names.map(|identity| Val::Text(&identity.name)),
            "document" | "path" => None,
            _ => return Err(Unsure),
        })
    }

    fn document(&self, inventory: &'a dyn Inventory, entry: Entry<'a>, identity: &Identity) -> Sure<Val<'a>> {
        let is_whole = self.judged.world.is_whole();
        let program = self.program;
        let reads = if is_whole { None } else { program.reads.of(identity)? };
        if reads.is_none() && !is_whole {
            // What the rule reads is told by the kinds that a field takes: of other kinds, all that is kept.
            let is_expected = !entry.is_outgoing || inventory.takes(entry.holder, entry.field, entry.other);
            if is_expected {
                return Ok(Val::Object(Arc::new([])));
            }
        }
        Ok(Val::of_node(inventory.document(entry.other), reads.filter(|reads| **reads != PathSet::All)))
    }

    /// What a resource points at in a field; nothing if it has no reference there.
    fn references(&mut self, from: Option<ResourceId>, is_own: bool, field: &str) -> Sure<Option<Val<'a>>> {
        let uses = self.call.asked;
        let fields = if is_own { &uses.references } else { &uses.walked };
        let Some(from) = from.filter(|_| fields.contains(field)) else { return Ok(None) };
        let inventory = self.inventory()?;
        let Some((field, targets)) = inventory.outgoing_in(from, field) else { return Ok(None) };
        let mut entries = Vec::with_capacity(targets.len());
        // Those that name nothing have a place too.
        for (position, target) in (0_u32..).zip(targets) {
            let Some(other) = target else { continue };
            let identity = inventory.identity(other).ok_or(Unsure)?;
            entries.push((Entry { other, holder: from, field, position, is_outgoing: true }, identity));
        }
        Ok(Some(Val::Entries(entries.into())))
    }

    /// Those of a kind that point at a resource; nothing if there are none.
    fn referrers(&mut self, target: Option<ResourceId>, kind: &str) -> Sure<Option<Val<'a>>> {
        let Some(target) = target.filter(|_| self.call.asked.referrers.contains(kind)) else {
            return Ok(None);
        };
        let inventory = self.inventory()?;
        let incoming = inventory.incoming_of(target, kind);
        if incoming.is_empty() {
            return Ok(None);
        }
        let mut entries = Vec::with_capacity(incoming.len());
        for (from, field, position) in incoming {
            let position = u32::try_from(position).map_err(|_| Unsure)?;
            let identity = inventory.identity(from).ok_or(Unsure)?;
            entries
                .push((Entry { other: from, holder: from, field, position, is_outgoing: false }, identity));
        }
        Ok(Some(Val::Entries(entries.into())))
    }

    /// What a function of ours gives.
    fn asked(&mut self, own: Own, arguments: &[Val<'a>]) -> Sure<Option<Val<'a>>> {
        let of = || {
            let id = arguments.first().ok_or(Unsure)?;
            if let Val::Id(resource, _) = id
                && self.inventory()?.is_found(*resource)
            {
                return Ok(Some(*resource));
            }
            Ok(self.judged.world.find(id.text().ok_or(Unsure)?))
        };
        match own {
            Own::References => Ok(Some(Val::References(of()?, false))),
            Own::Referrers => Ok(Some(Val::Referrers(of()?))),
            Own::Answered(name) => {
                let values = to_values(arguments)?;
                match function::answer(name, &values, &self.call).map_err(|_| Unsure)? {
                    Value::Undefined => Ok(None),
                    value => Ok(Some(Val::of_value(&value)?)),
                }
            }
        }
    }
}
