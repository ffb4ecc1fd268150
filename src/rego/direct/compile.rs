//! From the parsed text to a program: names become places, and what is not understood becomes a part that is unsure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use regex::{Regex, RegexBuilder};
use regorus::Value;
use regorus::unstable::{
    ArithOp, AssignOp, BinOp, BoolOp, Expr, ExprRef, Literal, LiteralStmt, Query, Rule, RuleBody, RuleHead,
    Span,
};
use serde_json::Value as Json;

use super::call::{BuiltIn, Own};
use super::once::{self, Join, Marked};
use super::value::{Val, set_of};
use super::{Sure, Unsure};
use crate::finding::Identity;
use crate::rego::DENY;
use crate::rego::definition::{imported, rule_name};
use crate::rego::module::{Parsed, dotted};
use crate::rego::uses::Names;
use crate::rego::world::is_kind;
use crate::schema::PathSet;

/// Bytes that a pattern may take, as in regorus: greater ones are for that to refuse.
const PATTERN: usize = 100 << 10;

/// What a text does, as far as it is understood.
#[derive(Debug)]
pub(in crate::rego) struct Program {
    pub(super) rules: Vec<Definition>,
    pub(super) deny: usize,
    /// What has one value for all resources of a run.
    pub(super) once: Marked,
    /// The kinds of the estate that it names.
    pub(super) kinds: Vec<EstateKind>,
    pub(super) reads: OtherReads,
}

/// A kind of the estate, and what is read of its documents.
#[derive(Debug)]
pub(super) struct EstateKind {
    pub(super) name: Box<str>,
    pub(super) reads: Option<PathSet>,
}

/// What is read of other documents.
#[derive(Debug, Default)]
pub(super) struct OtherReads {
    /// By kind, with what is read of any.
    kinds: Vec<(String, PathSet)>,
    any: Option<PathSet>,
}

impl OtherReads {
    fn new(others: &BTreeMap<String, PathSet>) -> Self {
        let any = others.get("*").cloned();
        let kinds = others.iter().filter(|(kind, _)| *kind != "*").map(|(kind, set)| {
            let mut set = set.clone();
            if let Some(any) = &any {
                set.add(any);
            }
            (kind.clone(), set)
        });
        Self { kinds: kinds.collect(), any }
    }

    /// Of the kind of a resource; none if nothing is known to be read of it.
    pub(super) fn of(&self, identity: &Identity) -> Sure<Option<&PathSet>> {
        let mut found = self.kinds.iter().filter(|(kind, _)| is_kind(identity, kind));
        match (found.next(), found.next()) {
            (Some((_, set)), None) => Ok(Some(set)),
            (None, _) => Ok(self.any.as_ref()),
            // With the group and without.
            (Some(_), Some(_)) => Err(Unsure),
        }
    }

    /// Of a kind as it is written.
    pub(super) fn of_written(&self, written: &str) -> Option<&PathSet> {
        let of_kind = self.kinds.iter().find(|(kind, _)| kind == written).map(|(_, set)| set);
        of_kind.or(self.any.as_ref())
    }
}

/// A rule or a function, with all that the text says of it.
#[derive(Debug)]
pub(super) enum Definition {
    /// One value.
    Complete { clauses: Vec<Clause>, default: Option<Part> },
    /// The set of all values that the clauses yield.
    Set(Vec<Clause>),
    /// A value for arguments.
    Function { clauses: Vec<Clause>, arity: usize },
    /// Not understood.
    Unknown,
}

/// One head with its bodies, of which the first that holds counts.
#[derive(Debug)]
pub(super) struct Clause {
    pub(super) arguments: Vec<Argument>,
    pub(super) bodies: Vec<Body>,
    /// Places for names.
    pub(super) slots: usize,
}

#[derive(Debug)]
pub(super) enum Argument {
    Slot(usize),
    Any,
    Exactly(Val<'static>),
}

#[derive(Debug)]
pub(super) struct Body {
    pub(super) query: Vec<Statement>,
    pub(super) value: Part,
}

#[derive(Debug)]
pub(super) enum Statement {
    /// `name := part`.
    Bind(usize, Part),
    /// `some key, value in part`.
    Some {
        key: Option<usize>,
        value: Option<usize>,
        of: Part,
        /// What the next statement asks of an element, if that can be looked up.
        join: Option<Join>,
    },
    Holds(Part),
    Fails(Part),
    Every {
        key: Option<usize>,
        value: Option<usize>,
        of: Part,
        query: Vec<Statement>,
    },
    Unknown,
}

/// What has a value.
#[derive(Debug)]
pub(super) enum Part {
    Constant(Val<'static>),
    Slot(usize),
    Input,
    References,
    Referrers,
    Estate,
    Own,
    Clock,
    Rule(usize),
    /// The resources of a kind of the estate, by its place among those of the program.
    Kind(usize),
    /// The same for all resources of a run.
    Once(usize, Box<Part>),
    Member(Box<Part>, Box<str>),
    At(Box<Part>, Box<Part>),
    Call(usize, Vec<Part>),
    Asked(Own, Vec<Part>),
    BuiltIn(BuiltIn, Vec<Part>),
    /// `regex.match` with a pattern that stands in the text.
    Matches(Box<Regex>, Box<Part>),
    Compare(BoolOp, Box<Part>, Box<Part>),
    Arithmetic(ArithOp, Box<Part>, Box<Part>),
    Sets(BinOp, Box<Part>, Box<Part>),
    In(Box<Part>, Box<Part>),
    List(Vec<Part>),
    Set(Vec<Part>),
    Object(Vec<(Part, Part)>),
    EachOfList(Box<Part>, Vec<Statement>),
    EachOfSet(Box<Part>, Vec<Statement>),
    Unknown,
}

/// The program of some texts, the first of which is the rule's own; none if that denies nothing.
pub(super) fn program(
    modules: &[Parsed],
    params: &BTreeMap<String, Json>,
    answered: &BTreeMap<&'static str, usize>,
    others: &BTreeMap<String, PathSet>,
    estate: &Names,
) -> Option<Program> {
    let mut names: HashMap<String, usize> = HashMap::new();
    for parsed in modules {
        for rule in &parsed.module.policy {
            let name = format!("{}.{}", parsed.package, rule_name(rule)?);
            let next = names.len();
            names.entry(name).or_insert(next);
        }
    }
    let deny = *names.get(&format!("{}.{DENY}", modules.first()?.package))?;
    let params = params.iter().map(|(name, param)| {
        Some((Val::Shared(name.as_str().into()), Val::of_value(&Value::from(param.clone())).ok()?))
    });
    let params = object_of(params.collect::<Option<_>>()?)?;
    let mut rules: Vec<Option<Definition>> = (0..names.len()).map(|_| None).collect();
    for parsed in modules {
        for rule in &parsed.module.policy {
            let at = *names.get(&format!("{}.{}", parsed.package, rule_name(rule)?))?;
            let mut scope = Scope {
                parsed,
                names: &names,
                answered,
                params: &params,
                slots: Vec::new(),
                later: Vec::new(),
                count: 0,
            };
            let known = rules.get_mut(at)?;
            *known = Some(add(known.take(), scope.rule(rule)));
        }
    }
    let mut rules: Vec<Definition> =
        rules.into_iter().map(|rule| rule.unwrap_or(Definition::Unknown)).collect();
    let reads = OtherReads::new(others);
    let names = match estate {
        Names::All => BTreeSet::new(),
        Names::Some(names) => names.clone(),
    };
    let kind = |name: String| EstateKind { reads: reads.of_written(&name).cloned(), name: name.into() };
    let kinds: Vec<EstateKind> = names.into_iter().map(kind).collect();
    let once = once::mark(&mut rules, &kinds);
    Some(Program { rules, deny, once, kinds, reads })
}

/// A definition with one clause more.
fn add(known: Option<Definition>, more: Definition) -> Definition {
    match (known, more) {
        (None, more) => more,
        (
            Some(Definition::Complete { mut clauses, default }),
            Definition::Complete { clauses: more, default: other },
        ) => {
            if default.is_some() && other.is_some() {
                return Definition::Unknown;
            }
            clauses.extend(more);
            Definition::Complete { clauses, default: default.or(other) }
        }
        (Some(Definition::Set(mut clauses)), Definition::Set(more)) => {
            clauses.extend(more);
            Definition::Set(clauses)
        }
        (
            Some(Definition::Function { mut clauses, arity }),
            Definition::Function { clauses: more, arity: other },
        ) if arity == other => {
            clauses.extend(more);
            Definition::Function { clauses, arity }
        }
        _ => Definition::Unknown,
    }
}

/// One clause while it is read.
struct Scope<'m> {
    parsed: &'m Parsed,
    names: &'m HashMap<String, usize>,
    answered: &'m BTreeMap<&'static str, usize>,
    params: &'m Val<'static>,
    /// Names that are bound, the innermost last.
    slots: Vec<(&'m str, usize)>,
    /// Names that a statement further down binds: until then they mean nothing here.
    later: Vec<BTreeSet<&'m str>>,
    count: usize,
}

impl<'m> Scope<'m> {
    fn rule(&mut self, rule: &'m Rule) -> Definition {
        match rule {
            Rule::Default { refr, args, value, .. } => {
                if !args.is_empty() || !matches!(refr.as_ref(), Expr::Var { .. }) {
                    return Definition::Unknown;
                }
                Definition::Complete { clauses: Vec::new(), default: Some(self.part(value)) }
            }
            Rule::Spec { head, bodies, .. } => match head {
                RuleHead::Compr { refr, assign, .. } => {
                    if !matches!(refr.as_ref(), Expr::Var { .. }) {
                        return Definition::Unknown;
                    }
                    let value = assign.as_ref().map(|assign| &assign.value);
                    Definition::Complete { clauses: vec![self.clause(&[], value, bodies)], default: None }
                }
                RuleHead::Set { refr, key: Some(key), .. } => {
                    if !matches!(refr.as_ref(), Expr::Var { .. }) {
                        return Definition::Unknown;
                    }
                    Definition::Set(vec![self.clause(&[], Some(key), bodies)])
                }
                RuleHead::Set { .. } => Definition::Unknown,
                RuleHead::Func { args, assign, .. } => {
                    let value = assign.as_ref().map(|assign| &assign.value);
                    let clause = self.clause(args, value, bodies);
                    if clause.arguments.len() != args.len() {
                        return Definition::Unknown;
                    }
                    Definition::Function { clauses: vec![clause], arity: args.len() }
                }
            },
        }
    }

    /// Fewer arguments than there are: one of them is not understood.
    fn clause(&mut self, args: &'m [ExprRef], value: Option<&'m ExprRef>, bodies: &'m [RuleBody]) -> Clause {
        let mut arguments = Vec::new();
        for argument in args {
            arguments.extend(match argument.as_ref() {
                Expr::Var { span, .. } if span.text() == "_" => Some(Argument::Any),
                Expr::Var { span, .. } if self.slot(span.text()).is_none() => {
                    Some(Argument::Slot(self.bind(span.text())))
                }
                _ => match self.part(argument) {
                    Part::Constant(value) => Some(Argument::Exactly(value)),
                    _ => None,
                },
            });
        }
        let mut made = Vec::new();
        if bodies.is_empty() {
            made.push(Body { query: Vec::new(), value: self.value(value) });
        }
        for (position, body) in bodies.iter().enumerate() {
            let value = if position == 0 { value } else { body.assign.as_ref().map(|assign| &assign.value) };
            let bound = self.slots.len();
            let query = self.query(&body.query);
            let value = self.value(value);
            self.slots.truncate(bound);
            self.later.pop();
            made.push(Body { query, value });
        }
        Clause { arguments, bodies: made, slots: self.count }
    }

    fn value(&mut self, value: Option<&'m ExprRef>) -> Part {
        value.map_or(Part::Constant(Val::Bool(true)), |value| self.part(value))
    }

    fn slot(&self, name: &str) -> Option<usize> {
        self.slots.iter().rev().find(|(known, _)| *known == name).map(|(_, slot)| *slot)
    }

    fn bind(&mut self, name: &'m str) -> usize {
        let slot = self.count;
        self.count += 1;
        self.slots.push((name, slot));
        if let Some(later) = self.later.last_mut() {
            later.remove(name);
        }
        slot
    }

    /// The statements of a query. What they bind stays bound, and the caller takes it away, `later` included.
    fn query(&mut self, query: &'m Query) -> Vec<Statement> {
        let mut later = BTreeSet::new();
        for statement in &query.stmts {
            declared(statement, &mut later);
        }
        self.later.push(later);
        query.stmts.iter().map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, statement: &'m LiteralStmt) -> Statement {
        if !statement.with_mods.is_empty() {
            return Statement::Unknown;
        }
        match &statement.literal {
            Literal::SomeVars { .. } => Statement::Unknown,
            Literal::SomeIn { key, value, collection, .. } => {
                let of = self.part(collection);
                let names = key.iter().chain([value]);
                if !names.into_iter().all(|name| self.is_new_name(name)) {
                    return Statement::Unknown;
                }
                let key = key.as_ref().and_then(|key| self.pattern(key));
                Statement::Some { key, value: self.pattern(value), of, join: None }
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                    let part = self.part(rhs);
                    match lhs.as_ref() {
                        Expr::Var { span, .. } if span.text() != "_" && self.is_new_name(lhs) => {
                            Statement::Bind(self.bind(span.text()), part)
                        }
                        _ => Statement::Unknown,
                    }
                }
                _ => Statement::Holds(self.part(expr)),
            },
            Literal::NotExpr { expr, .. } => Statement::Fails(self.part(expr)),
            Literal::Every { key, value, domain, query, .. } => {
                let of = self.part(domain);
                let bound = self.slots.len();
                let mut name = |text: &'m str| (text != "_").then(|| self.bind(text));
                let key = key.as_ref().and_then(|key| name(key.text()));
                let value = name(value.text());
                let query = self.query(query);
                self.later.pop();
                self.slots.truncate(bound);
                Statement::Every { key, value, of, query }
            }
        }
    }

    /// Whether a pattern is a name that is not bound yet: one that is would be compared, or hidden.
    fn is_new_name(&self, pattern: &ExprRef) -> bool {
        match pattern.as_ref() {
            Expr::Var { span, .. } => span.text() == "_" || self.slot(span.text()).is_none(),
            _ => false,
        }
    }

    fn pattern(&mut self, pattern: &'m ExprRef) -> Option<usize> {
        match pattern.as_ref() {
            Expr::Var { span, .. } if span.text() != "_" => Some(self.bind(span.text())),
            _ => None,
        }
    }

    fn parts(&mut self, exprs: &'m [ExprRef]) -> Vec<Part> {
        exprs.iter().map(|expr| self.part(expr)).collect()
    }

    fn boxed(&mut self, expr: &'m ExprRef) -> Box<Part> {
        Box::new(self.part(expr))
    }

    fn part(&mut self, expr: &'m ExprRef) -> Part {
        match expr.as_ref() {
            Expr::String { value, .. }
            | Expr::RawString { value, .. }
            | Expr::Number { value, .. }
            | Expr::Bool { value, .. }
            | Expr::Null { value, .. } => constant(value),
            Expr::Var { span, .. } => self.name(span.text()),
            Expr::Array { items, .. } => {
                let parts = self.parts(items);
                match constants(&parts) {
                    Some(values) => Part::Constant(Val::List(values.into())),
                    None => Part::List(parts),
                }
            }
            Expr::Set { items, .. } => {
                let parts = self.parts(items);
                match constants(&parts).and_then(|values| set_of(values).ok()) {
                    Some(set) => Part::Constant(set),
                    None => Part::Set(parts),
                }
            }
            Expr::Object { fields, .. } => {
                let mut parts: Vec<(Part, Part)> = Vec::new();
                for (_, key, value) in fields {
                    parts.push((self.part(key), self.part(value)));
                }
                constant_object(&parts).map_or(Part::Object(parts), Part::Constant)
            }
            Expr::ArrayCompr { term, query, .. } => {
                let (term, query) = self.each(term, query);
                Part::EachOfList(Box::new(term), query)
            }
            Expr::SetCompr { term, query, .. } => {
                let (term, query) = self.each(term, query);
                Part::EachOfSet(Box::new(term), query)
            }
            Expr::Call { fcn, params, .. } => self.call(fcn, params),
            Expr::RefDot { refr, field, .. } => self.member(refr, field.0.text()),
            Expr::RefBrack { refr, index, .. } => match self.part(index) {
                Part::Constant(Val::Shared(key)) => self.member(refr, &key),
                index => Part::At(self.boxed(refr), Box::new(index)),
            },
            Expr::BinExpr { op, lhs, rhs, .. } => {
                let op = match op {
                    BinOp::Union => BinOp::Union,
                    BinOp::Intersection => BinOp::Intersection,
                };
                Part::Sets(op, self.boxed(lhs), self.boxed(rhs))
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                Part::Compare(op.clone(), self.boxed(lhs), self.boxed(rhs))
            }
            Expr::ArithExpr { op, lhs, rhs, .. } => {
                Part::Arithmetic(op.clone(), self.boxed(lhs), self.boxed(rhs))
            }
            Expr::Membership { key: None, value, collection, .. } => {
                Part::In(self.boxed(value), self.boxed(collection))
            }
            // Unification, other comprehensions, and what is rare.
            _ => Part::Unknown,
        }
    }

    /// A comprehension: what it binds ends with it.
    fn each(&mut self, term: &'m ExprRef, query: &'m Query) -> (Part, Vec<Statement>) {
        let bound = self.slots.len();
        let query = self.query(query);
        let term = self.part(term);
        self.later.pop();
        self.slots.truncate(bound);
        (term, query)
    }

    fn name(&mut self, name: &str) -> Part {
        if let Some(slot) = self.slot(name) {
            return Part::Slot(slot);
        }
        if self.later.iter().any(|later| later.contains(name)) {
            return Part::Unknown;
        }
        match name {
            "input" => Part::Input,
            name => match self.names.get(&format!("{}.{name}", self.parsed.package)) {
                Some(rule) => Part::Rule(*rule),
                None => Part::Unknown,
            },
        }
    }

    /// Whether a name is not that of a variable.
    fn is_free(&self, name: &str) -> bool {
        self.slot(name).is_none() && !self.later.iter().any(|later| later.contains(name))
    }

    /// The member of a value; `data` is no value of its own, nor is a library.
    fn member(&mut self, of: &'m ExprRef, key: &str) -> Part {
        if let Some(name) = dotted(of)
            && name.split('.').next().is_some_and(|first| self.is_free(first))
            && let Some(rule) = self.function(&format!("{name}.{key}"))
        {
            return Part::Rule(rule);
        }
        let is_data =
            matches!(of.as_ref(), Expr::Var { span, .. } if span.text() == "data") && self.is_free("data");
        if is_data {
            return match key {
                "params" => Part::Constant(self.params.clone()),
                "references" => Part::References,
                "referrers" => Part::Referrers,
                "estate" => Part::Estate,
                "self" => Part::Own,
                "asOf" => Part::Clock,
                _ => Part::Unknown,
            };
        }
        match self.part(of) {
            Part::Constant(object) => match object.member(key) {
                Ok(Some(value)) => Part::Constant(value),
                _ => Part::Member(Box::new(Part::Constant(object)), key.into()),
            },
            of => Part::Member(Box::new(of), key.into()),
        }
    }

    fn call(&mut self, fcn: &'m ExprRef, params: &'m [ExprRef]) -> Part {
        let Some(name) = dotted(fcn) else { return Part::Unknown };
        let mut parts = self.parts(params);
        if let Some(function) = self.function(&name) {
            return Part::Call(function, parts);
        }
        if let Some(own) = Own::named(&name, parts.len()) {
            return Part::Asked(own, parts);
        }
        if let ("regex.match", [Part::Constant(pattern), _]) = (name.as_str(), parts.as_slice())
            && let Some(Ok(pattern)) =
                pattern.text().map(|pattern| RegexBuilder::new(pattern).size_limit(PATTERN).build())
            && let Some(of) = parts.pop()
        {
            return Part::Matches(Box::new(pattern), Box::new(of));
        }
        let built_in = BuiltIn::named(&name, parts.len()).filter(|_| !self.answered.contains_key(&*name));
        built_in.map_or(Part::Unknown, |built_in| Part::BuiltIn(built_in, parts))
    }

    /// The function or the rule of these texts that a name means.
    fn function(&self, name: &str) -> Option<usize> {
        if let Some(known) = self.names.get(&format!("{}.{name}", self.parsed.package)) {
            return Some(*known);
        }
        if let Some(known) = name.strip_prefix("data.").and_then(|full| self.names.get(full)) {
            return Some(*known);
        }
        let (alias, rest) = name.split_once('.')?;
        let target = imported(&self.parsed.module, alias).and_then(dotted)?;
        self.names.get(&format!("{}.{rest}", target.strip_prefix("data.")?)).copied()
    }
}

/// The names that a statement binds, for those that come before it.
fn declared<'m>(statement: &'m LiteralStmt, names: &mut BTreeSet<&'m str>) {
    fn all<'m>(pattern: &'m ExprRef, names: &mut BTreeSet<&'m str>) {
        match pattern.as_ref() {
            Expr::Var { span, .. } => {
                names.insert(span.text());
            }
            Expr::Array { items, .. } => items.iter().for_each(|item| all(item, names)),
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| all(value, names)),
            _ => {}
        }
    }
    match &statement.literal {
        Literal::SomeVars { vars, .. } => names.extend(vars.iter().map(Span::text)),
        Literal::SomeIn { key, value, .. } => key.iter().chain([value]).for_each(|name| all(name, names)),
        Literal::Expr { expr, .. } => {
            if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                all(lhs, names);
            }
        }
        Literal::NotExpr { .. } | Literal::Every { .. } => {}
    }
}

fn constant(value: &Value) -> Part {
    Val::of_value(value).map_or(Part::Unknown, Part::Constant)
}

/// The values, if all are constant.
fn constants(parts: &[Part]) -> Option<Vec<Val<'static>>> {
    let value = |part: &Part| match part {
        Part::Constant(value) => Some(value.clone()),
        _ => None,
    };
    parts.iter().map(value).collect()
}

fn constant_object(parts: &[(Part, Part)]) -> Option<Val<'static>> {
    let members = parts.iter().map(|(key, value)| match (key, value) {
        (Part::Constant(key), Part::Constant(value)) => {
            key.text()?;
            Some((key.clone(), value.clone()))
        }
        _ => None,
    });
    object_of(members.collect::<Option<_>>()?)
}

/// An object of members, each of another key.
pub(super) fn object_of<'a>(mut members: Vec<(Val<'a>, Val<'a>)>) -> Option<Val<'a>> {
    members.sort_by(|(one, _), (other, _)| one.text().cmp(&other.text()));
    let is_twice =
        members.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one.text() == other.text()));
    (!is_twice).then(|| Val::Object(members.into()))
}
