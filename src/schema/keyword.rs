//! The keywords of assize beyond `x-has`: predicates on the value where they stand.
//!
//! Absent asserts nothing; a wrong type fails; a missing operand asserts nothing and a malformed one fails; what
//! cannot be decided is false and marked so.

use std::sync::Arc;

use jsonschema::{Keyword, ValidationError};
use serde_json::Value;

use super::operand::{Bound, Malformed, Operand, Resolved, SpanOperand, path_of};
use super::path::Step;
use super::scope::{Inventory, ResourceId, Scope, Subject};
use super::{Body, Description, TapeJson, describe, json};
use crate::date::{Duration, Moment};
use crate::finding::with_article;
use crate::yaml::{Kind, NodeRef};

/// What all keywords of one schema share.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Where every `must` begins.
    pub(super) at: Arc<[String]>,
}

/// Why a keyword fails.
pub(super) struct Fault {
    /// The sentence after the path.
    message: String,
    /// Another resource that it is about.
    related: Option<ResourceId>,
    /// Whether the question could not be decided.
    is_undecided: bool,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), related: None, is_undecided: false }
    }

    /// As the message of a validation error, which has room for a text only.
    fn encode(self) -> String {
        let mark = if self.is_undecided { 'u' } else { 'f' };
        let related = self.related.map_or_else(String::new, |id| id.0.to_string());
        format!("{mark}{related}\u{1}{}", self.message)
    }

    /// The sentence, the other resource, and whether the question was undecided.
    pub(super) fn decode(text: &str) -> (&str, Option<ResourceId>, bool) {
        match text.split_once('\u{1}') {
            Some((head, message)) => {
                let related = head.get(1..).and_then(|id| id.parse().ok()).map(ResourceId);
                (message, related, head.starts_with('u'))
            }
            None => (text, None, false),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::new(format!("cannot be compared: {}", malformed.0))
    }
}

/// One keyword, compiled.
trait Predicate: Send + Sync {
    /// Nothing if it holds.
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault>;

    /// The answer alone.
    fn holds(&self, subject: &Subject<'_>) -> bool {
        self.judge(subject).is_ok()
    }
}

struct Adapter<P>(P);

impl<'i, P: Predicate> Keyword<'i, TapeJson> for Adapter<P> {
    fn validate(&self, instance: Subject<'i>) -> Result<(), ValidationError<'i>> {
        self.0.judge(&instance).map_err(|fault| ValidationError::custom(fault.encode()))
    }

    fn is_valid(&self, instance: Subject<'i>) -> bool {
        self.0.holds(&instance)
    }
}

/// A keyword as the validator takes it.
pub(super) type Boxed = Box<dyn for<'i> Keyword<'i, TapeJson>>;

/// The names of the keywords.
pub(super) const NAMES: [&str; 8] =
    ["x-contains", "x-date", "x-duration", "x-text", "x-value", "x-ref", "x-referrers", "x-unique"];

/// Compiles a keyword; `pattern` compiles patterns.
///
/// # Errors
/// What is wrong with its value.
pub(super) fn compile(
    name: &str,
    value: &Value,
    frame: &Frame,
    pattern: impl FnOnce(&Value) -> Result<Boxed, String>,
) -> Result<Boxed, String> {
    Ok(match name {
        "x-contains" => Box::new(Adapter(Contains::parse(value)?)),
        "x-date" => Box::new(Adapter(DateBounds::parse(value)?)),
        "x-duration" => Box::new(Adapter(DurationBounds::parse(value)?)),
        "x-text" => Box::new(Adapter(Text::parse(value, pattern)?)),
        "x-value" => Box::new(Adapter(Comparison::parse(value)?)),
        "x-ref" => Box::new(Adapter(Reference::parse(value, frame)?)),
        "x-referrers" => Box::new(Adapter(Referrers::parse(value, frame)?)),
        "x-unique" => Box::new(Adapter(Unique::parse(value)?)),
        other => return Err(format!("unknown keyword `{other}`")),
    })
}

fn refuse_unknown(value: &Value, known: &[&str]) -> Result<(), String> {
    match value.as_object().and_then(|map| map.keys().find(|key| !known.contains(&key.as_str()))) {
        Some(key) => Err(format!("unknown key `{key}`; known: {}", known.join(", "))),
        None => Ok(()),
    }
}

/// A scalar, or a scalar by name, as kinds stand in `to`, `from` and `among`.
fn kinds(value: &Value) -> Result<Vec<String>, String> {
    let list: Option<Vec<String>> = match value {
        Value::String(kind) => Some(vec![kind.clone()]),
        Value::Array(list) if !list.is_empty() => {
            list.iter().map(|kind| kind.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    };
    let is_kind =
        |kind: &String| kind == "*" || kind.chars().all(|c| c.is_ascii_alphanumeric()) && !kind.is_empty();
    list.filter(|list| list.iter().all(is_kind))
        .ok_or_else(|| "should be a kind or a list of kinds".to_owned())
}

/// `x-contains`: the list holds all of them.
struct Contains(Vec<Value>);

impl Contains {
    fn parse(value: &Value) -> Result<Self, String> {
        let list = value.as_array().filter(|list| !list.is_empty()).ok_or("should be a list of values")?;
        if list.iter().any(|item| item.is_array() || item.is_object() || item.is_null()) {
            return Err("should be a list of texts, numbers, true or false".to_owned());
        }
        Ok(Self(list.clone()))
    }
}

impl Predicate for Contains {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        if subject.node.kind() != Kind::List {
            return Err(Fault::new(format!("is {}, should be a list", describe(subject.node))));
        }
        let lacks =
            self.0.iter().filter(|value| !subject.node.elements().any(|item| json::equals(item, value)));
        let lacks: Vec<String> =
            lacks.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
        if lacks.is_empty() { Ok(()) } else { Err(Fault::new(format!("lacks {}", lacks.join(", ")))) }
    }
}

/// `x-text`: one of the texts in it matches.
struct Text {
    written: String,
    pattern: Boxed,
}

impl Text {
    fn parse(value: &Value, compile: impl FnOnce(&Value) -> Result<Boxed, String>) -> Result<Self, String> {
        let written = value.as_str().ok_or("should be a pattern")?.to_owned();
        Ok(Self { written, pattern: compile(value)? })
    }

    /// Whether a text matches that stands in a value, at any depth; keys are none.
    fn is_in(&self, subject: Subject<'_>) -> bool {
        let node = subject.node;
        let within = |node| self.is_in(Subject { node, ..subject });
        match node.kind() {
            Kind::Text => self.pattern.is_valid(subject),
            Kind::Map => node.members().any(|(_, value)| within(value)),
            Kind::List => node.elements().any(within),
            _ => false,
        }
    }
}

impl Predicate for Text {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        if self.is_in(*subject) {
            return Ok(());
        }
        Err(Fault::new(format!("holds no text that matches {:?}", self.written)))
    }

    fn holds(&self, subject: &Subject<'_>) -> bool {
        self.is_in(*subject)
    }
}

/// `x-date`: neither before nor after its bounds.
struct DateBounds {
    not_before: Option<Bound>,
    not_after: Option<Bound>,
}

impl DateBounds {
    fn parse(value: &Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("should be a mapping with `notBefore` and `notAfter`".to_owned());
        }
        refuse_unknown(value, &["notBefore", "notAfter"])?;
        let bound = |key: &str| {
            let bound = value.get(key).map(Bound::parse).transpose();
            bound.map_err(|message| format!("`{key}` {message}"))
        };
        Ok(Self { not_before: bound("notBefore")?, not_after: bound("notAfter")? })
    }
}

impl Predicate for DateBounds {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        let Some(moment) = subject.node.as_str().and_then(Moment::parse) else {
            let is = describe(subject.node);
            return Err(Fault::new(format!(
                "is {is}, which is not a date, should be as 2026-11-20 or 2026-11-20T08:00:00Z"
            )));
        };
        let explain = |bound: &Moment, label: &str, should: &str| {
            let label = if label.is_empty() { String::new() } else { format!(" ({label})") };
            Fault::new(format!("is {}, should not be {should} {}{label}", moment.text(), bound.text()))
        };
        let resolve = |bound: Option<&Bound>| match bound {
            Some(bound) => bound.compared_with(&moment, subject),
            None => Ok(None),
        };
        if let Some((bound, label)) = resolve(self.not_before.as_ref())?
            && moment.is_certainly_before(&bound)
        {
            return Err(explain(&bound, &label, "before"));
        }
        if let Some((bound, label)) = resolve(self.not_after.as_ref())?
            && bound.is_certainly_before(&moment)
        {
            return Err(explain(&bound, &label, "after"));
        }
        Ok(())
    }
}

/// `x-duration`: neither shorter nor longer than its bounds.
struct DurationBounds {
    at_least: Option<SpanOperand>,
    at_most: Option<SpanOperand>,
}

impl DurationBounds {
    fn parse(value: &Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("should be a mapping with `atLeast` and `atMost`".to_owned());
        }
        refuse_unknown(value, &["atLeast", "atMost"])?;
        let bound = |key: &str| {
            let bound = value.get(key).map(SpanOperand::parse).transpose();
            bound.map_err(|message| format!("`{key}` {message}"))
        };
        Ok(Self { at_least: bound("atLeast")?, at_most: bound("atMost")? })
    }
}

impl Predicate for DurationBounds {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        let Some(duration) = subject.node.as_str().and_then(Duration::parse) else {
            let is = describe(subject.node);
            return Err(Fault::new(format!("is {is}, which is not a duration, should be as P90D or PT4H")));
        };
        let explain = |bound: &Duration, times: i64, operand: &SpanOperand, should: &str| {
            let factor = if times == 1 { String::new() } else { format!("{times} times ") };
            let label = operand.label().map_or_else(String::new, |label| format!(" ({label})"));
            Fault::new(format!(
                "is {}, should be at {should} {factor}{}{label}",
                duration.text(),
                bound.text()
            ))
        };
        if let Some(operand) = &self.at_least
            && let Some((bound, times)) = operand.resolve(subject)?
            && duration.is_certainly_shorter(&bound.times(times))
        {
            return Err(explain(&bound, times, operand, "least"));
        }
        if let Some(operand) = &self.at_most
            && let Some((bound, times)) = operand.resolve(subject)?
            && bound.times(times).is_certainly_shorter(&duration)
        {
            return Err(explain(&bound, times, operand, "most"));
        }
        Ok(())
    }
}

/// `x-value`: equal to, at least or at most another value.
struct Comparison {
    equals: Option<Operand>,
    at_least: Option<Operand>,
    at_most: Option<Operand>,
}

impl Comparison {
    fn parse(value: &Value) -> Result<Self, String> {
        if value.as_object().is_none_or(serde_json::Map::is_empty) {
            return Err("should be a mapping with `equals`, `atLeast` or `atMost`".to_owned());
        }
        refuse_unknown(value, &["equals", "atLeast", "atMost"])?;
        let operand = |key: &str| {
            let operand = value.get(key).map(Operand::parse).transpose();
            operand.map_err(|message| format!("`{key}` {message}"))
        };
        Ok(Self { equals: operand("equals")?, at_least: operand("atLeast")?, at_most: operand("atMost")? })
    }

    fn explain(subject: &Subject<'_>, should: &str, operand: &Operand, value: &Resolved<'_, '_>) -> Fault {
        let label = operand.label().map_or_else(String::new, |label| format!("{label} "));
        Fault::new(format!("is {}, should {should} {label}{}", describe(subject.node), value.describe()))
    }
}

impl Predicate for Comparison {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        if let Some(operand) = &self.equals {
            let value = operand.resolve(subject);
            if !matches!(value, Resolved::Missing) && !are_equal(subject, operand, &value) {
                return Err(Self::explain(subject, "equal", operand, &value));
            }
        }
        for (operand, is_least, should) in
            [(&self.at_least, true, "be at least"), (&self.at_most, false, "be at most")]
        {
            let Some(operand) = operand else { continue };
            let value = operand.resolve(subject);
            let bound = match &value {
                Resolved::Missing => continue,
                Resolved::Literal(value) => value.as_number().map(compare_form),
                Resolved::Node(node) => node.as_number().map(number_form),
            };
            let number = subject.node.as_number().map(number_form);
            let holds = number.zip(bound).is_some_and(|(number, bound)| match compare(number, bound) {
                std::cmp::Ordering::Equal => true,
                std::cmp::Ordering::Less => !is_least,
                std::cmp::Ordering::Greater => is_least,
            });
            if !holds {
                return Err(Self::explain(subject, should, operand, &value));
            }
        }
        Ok(())
    }
}

/// A number exactly: integers do not pass through floating point.
#[derive(Clone, Copy)]
enum Exact {
    Whole(i128),
    Float(f64),
}

fn number_form(number: crate::yaml::Number) -> Exact {
    match number {
        crate::yaml::Number::Unsigned(number) => Exact::Whole(number.into()),
        crate::yaml::Number::Signed(number) => Exact::Whole(number.into()),
        crate::yaml::Number::Float(number) => Exact::Float(number),
    }
}

fn compare_form(number: &serde_json::Number) -> Exact {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => Exact::Whole(number.into()),
        (_, Some(number)) => Exact::Whole(number.into()),
        _ => Exact::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an integer meets a fraction only in floating point")]
fn compare(one: Exact, other: Exact) -> std::cmp::Ordering {
    match (one, other) {
        (Exact::Whole(one), Exact::Whole(other)) => one.cmp(&other),
        (Exact::Whole(one), Exact::Float(other)) => (one as f64).total_cmp(&other),
        (Exact::Float(one), Exact::Whole(other)) => one.total_cmp(&(other as f64)),
        (Exact::Float(one), Exact::Float(other)) => one.total_cmp(&other),
    }
}

fn are_equal(subject: &Subject<'_>, operand: &Operand, value: &Resolved<'_, '_>) -> bool {
    let same = match value {
        Resolved::Missing => true,
        Resolved::Literal(value) => json::equals(subject.node, value),
        Resolved::Node(node) => json::equals(subject.node, &node.to_value()),
    };
    if same {
        return true;
    }
    // Two texts for one resource are equal where the field is a reference.
    let Some(one) = canonical(subject.scope, subject.node) else { return false };
    let other = match value {
        Resolved::Node(node) if operand.is_outer() => {
            subject.scope.outer.and_then(|outer| canonical(outer, *node))
        }
        Resolved::Node(node) => canonical(subject.scope, *node),
        Resolved::Literal(_) | Resolved::Missing => None,
    };
    // A literal, or a text that is no reference itself (metadata.name), is read as one in this field.
    let other = other.or_else(|| {
        let (inventory, resource) = subject.scope.run.inventory.zip(subject.scope.resource)?;
        inventory.canonical(resource, &field_of(subject.scope.root, subject.node), value.text()?)
    });
    other.is_some_and(|other| one == other)
}

fn canonical(scope: &Scope<'_>, node: NodeRef<'_>) -> Option<String> {
    let (inventory, resource) = scope.run.inventory.zip(scope.resource)?;
    inventory.canonical(resource, &field_of(scope.root, node), node.as_str()?)
}

/// A field as kinds write it: `spec.decisions[].grant`, none of a list's elements at the end. A key is a name, an
/// element none.
pub fn field_name<'s>(steps: impl Iterator<Item = Option<&'s str>>) -> String {
    let mut field = String::new();
    for step in steps {
        match step {
            Some(key) => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(key);
            }
            None => field.push_str("[]"),
        }
    }
    field.truncate(field.trim_end_matches("[]").len());
    field
}

/// The field that a node stands in.
fn field_of<'a>(root: NodeRef<'a>, node: NodeRef<'a>) -> String {
    let path = path_of(root, node);
    field_name(path.0.iter().map(|step| match step {
        Step::Key(key) => Some(&**key),
        Step::Position(_) => None,
    }))
}

/// A schema for another document.
struct Must {
    body: Option<Body>,
    at: Arc<[String]>,
}

impl Must {
    fn parse(value: Option<&Value>, frame: &Frame) -> Result<Self, String> {
        let body =
            value.map(|schema| Body::compile(schema.clone(), Description::Speaks, &frame.at)).transpose();
        let body = body.map_err(|error| format!("`must` {}", error.message))?;
        Ok(Self { body, at: Arc::clone(&frame.at) })
    }

    /// The scope of another document, seen from this one.
    fn scope<'a>(
        &self,
        outer: &'a Scope<'a>,
        inventory: &'a dyn Inventory,
        resource: ResourceId,
    ) -> Scope<'a> {
        let root = inventory.document(resource);
        Scope { outer: Some(outer), ..Scope::new(root, &self.at, Some(resource), outer.run) }
    }

    fn holds(&self, outer: &Scope<'_>, inventory: &dyn Inventory, resource: ResourceId) -> bool {
        self.body.as_ref().is_none_or(|body| body.holds(&self.scope(outer, inventory, resource)))
    }
}

/// The documents for which the `must` of an `x-ref` or `x-referrers` is asked.
pub(super) fn others(
    keyword: &str,
    value: &Value,
    at: &Arc<[String]>,
    subject: &Subject<'_>,
) -> Vec<ResourceId> {
    let Some((inventory, resource)) = subject.scope.run.inventory.zip(subject.scope.resource) else {
        return Vec::new();
    };
    let frame = Frame { at: Arc::clone(at) };
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        drop(members.remove("must"));
    }
    if keyword == "x-referrers" {
        let referrers = Referrers::parse(&value, &frame);
        return referrers.map_or_else(
            |_| Vec::new(),
            |parsed| inventory.referrers(resource, &parsed.from, &parsed.fields),
        );
    }
    let target =
        Reference::parse(&value, &frame).ok().zip(subject.node.as_str()).and_then(|(parsed, text)| {
            let target = parsed.target(subject, inventory, resource, text)?;
            parsed.takes(inventory.kind(target)).then_some(target)
        });
    target.into_iter().collect()
}

/// `x-ref`: names an existing resource of these kinds that satisfies a schema.
struct Reference {
    to: Vec<String>,
    must: Must,
}

impl Reference {
    fn parse(value: &Value, frame: &Frame) -> Result<Self, String> {
        if value.is_array() {
            return Ok(Self { to: kinds(value)?, must: Must::parse(None, frame)? });
        }
        if !value.is_object() {
            return Err("should be a list of kinds, or a mapping with `to` and `must`".to_owned());
        }
        refuse_unknown(value, &["to", "must"])?;
        let to = value.get("to").map(kinds).transpose()?.unwrap_or_default();
        Ok(Self { to, must: Must::parse(value.get("must"), frame)? })
    }

    /// What a text names.
    fn target(
        &self,
        subject: &Subject<'_>,
        inventory: &dyn Inventory,
        resource: ResourceId,
        text: &str,
    ) -> Option<ResourceId> {
        let field = field_of(subject.scope.root, subject.node);
        let first = self.to.first().map(String::as_str).filter(|kind| *kind != "*");
        inventory.resolve(resource, &field, text, first)
    }

    /// Whether a resource of this kind is meant.
    fn takes(&self, kind: &str) -> bool {
        self.to.is_empty() || self.to.iter().any(|taken| taken == "*" || taken == kind)
    }
}

impl Predicate for Reference {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        let Some(text) = subject.node.as_str() else {
            return Err(Fault::new(format!("is {}, should be a reference", describe(subject.node))));
        };
        let undecided = |message: String| Fault { is_undecided: true, ..Fault::new(message) };
        let Some((inventory, resource)) = subject.scope.run.inventory.zip(subject.scope.resource) else {
            return Err(undecided(format!("names {text}, and there is no inventory to look it up in")));
        };
        let Some(target) = self.target(subject, inventory, resource, text) else {
            return Err(undecided(format!("names {text}, which does not exist")));
        };
        let related = Some(target);
        if !self.takes(inventory.kind(target)) {
            let wanted = with_article(&self.to.join(" or "));
            let message = format!("names {}, should name {wanted}", inventory.describe(target));
            return Err(Fault { related, ..Fault::new(message) });
        }
        let Some(body) = &self.must.body else { return Ok(()) };
        let scope = self.must.scope(subject.scope, inventory, target);
        if body.holds(&scope) {
            return Ok(());
        }
        let judgement = body.failures(&scope, &self.must.at);
        let reasons: Vec<&str> = judgement.failures.iter().map(|failure| failure.message.as_str()).collect();
        let name = inventory.describe(target);
        if reasons.is_empty() {
            return Err(undecided(format!("names {name}, which names something that does not exist")));
        }
        Err(Fault { related, ..Fault::new(format!("names {name}, where {}", reasons.join("; "))) })
    }

    fn holds(&self, subject: &Subject<'_>) -> bool {
        let Some(text) = subject.node.as_str() else { return false };
        let Some((inventory, resource)) = subject.scope.run.inventory.zip(subject.scope.resource) else {
            return false;
        };
        let field = field_of(subject.scope.root, subject.node);
        let first = self.to.first().map(String::as_str).filter(|kind| *kind != "*");
        inventory.resolve(resource, &field, text, first).is_some_and(|target| {
            (self.to.is_empty() || self.to.iter().any(|kind| kind == "*" || kind == inventory.kind(target)))
                && self.must.holds(subject.scope, inventory, target)
        })
    }
}

/// `x-referrers`: so many resources name this one and satisfy a schema.
struct Referrers {
    from: Vec<String>,
    /// As the rule writes them, for messages.
    names: Vec<String>,
    /// From the root of the document.
    fields: Vec<String>,
    must: Must,
    at_least: Option<u64>,
    at_most: Option<u64>,
}

impl Referrers {
    fn parse(value: &Value, frame: &Frame) -> Result<Self, String> {
        refuse_unknown(value, &["from", "field", "must", "atLeast", "atMost"])?;
        let from = kinds(value.get("from").ok_or("`from` is missing")?)?;
        let names: Vec<String> = match value.get("field") {
            None => Vec::new(),
            Some(Value::String(field)) => vec![field.clone()],
            Some(Value::Array(list)) if !list.is_empty() => list
                .iter()
                .map(|field| {
                    field.as_str().map(str::to_owned).ok_or("`field` should be a path or a list of paths")
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("`field` should be a path or a list of paths".to_owned()),
        };
        let prefix = frame.at.join(".");
        let fields = names
            .iter()
            .map(|name| if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") });
        let number = |key: &str| match value.get(key) {
            None => Ok(None),
            Some(number) => number.as_u64().map(Some).ok_or(format!("`{key}` should be a whole number")),
        };
        let at_most = number("atMost")?;
        let at_least = number("atLeast")?.or(if at_most.is_some() { None } else { Some(1) });
        Ok(Self {
            from,
            fields: fields.collect(),
            names,
            must: Must::parse(value.get("must"), frame)?,
            at_least,
            at_most,
        })
    }
}

impl Predicate for Referrers {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        let Some((inventory, resource)) = subject.scope.run.inventory.zip(subject.scope.resource) else {
            return Err(Fault {
                is_undecided: true,
                ..Fault::new("is named by nobody that could be looked up")
            });
        };
        let all = inventory.referrers(resource, &self.from, &self.fields);
        let qualifying = all.iter().filter(|id| self.must.holds(subject.scope, inventory, **id));
        let qualifying: Vec<ResourceId> = qualifying.copied().collect();
        let count = qualifying.len() as u64;
        let should = match (self.at_least, self.at_most) {
            (Some(least), _) if count < least => format!("at least {least}"),
            (_, Some(most)) if count > most => format!("at most {most}"),
            _ => return Ok(()),
        };
        let through = if self.names.is_empty() {
            String::new()
        } else {
            format!(" through {}", self.names.join(" or "))
        };
        let verb = if count == 1 { "names" } else { "name" };
        let subject = format!("{count} {}{through} {verb} it", self.from.join(" or "));
        let qualify = if self.must.body.is_some() {
            let named = all.len();
            format!(
                " and {} ({named} {} it)",
                if count == 1 { "qualifies" } else { "qualify" },
                if named == 1 { "names" } else { "name" }
            )
        } else {
            String::new()
        };
        // With too many, one that is too much is shown; with too few, one that nearly counts.
        let related = qualifying.first().or(all.first()).copied();
        Err(Fault { related, ..Fault::new(format!("{subject}{qualify}, should be {should}")) })
    }
}

/// `x-unique`: no other resource has it.
struct Unique {
    among: Option<Vec<String>>,
    per: Vec<String>,
}

impl Unique {
    fn parse(value: &Value) -> Result<Self, String> {
        if *value == Value::Bool(true) {
            return Ok(Self { among: None, per: Vec::new() });
        }
        if !value.is_object() {
            return Err("should be true, or a mapping with `among` and `per`".to_owned());
        }
        refuse_unknown(value, &["among", "per"])?;
        let per = match value.get("per") {
            None => Vec::new(),
            Some(Value::Array(list)) => list
                .iter()
                .map(|place| place.as_str().map(str::to_owned).ok_or("`per` should be a list of paths"))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("`per` should be a list of paths".to_owned()),
        };
        Ok(Self { among: value.get("among").map(kinds).transpose()?, per })
    }
}

impl Predicate for Unique {
    fn judge(&self, subject: &Subject<'_>) -> Result<(), Fault> {
        if matches!(subject.node.kind(), Kind::Map | Kind::List) {
            return Err(Fault::new(format!("is {}, should be a single value", describe(subject.node))));
        }
        let Some((inventory, resource)) = subject.scope.run.inventory.zip(subject.scope.resource) else {
            return Err(Fault {
                is_undecided: true,
                ..Fault::new("cannot be compared with other resources")
            });
        };
        let own = [inventory.kind(resource).to_owned()];
        let among = self.among.as_deref().unwrap_or(&own);
        let field = field_of(subject.scope.root, subject.node);
        let value = subject.node.to_value().to_string();
        // `per` begins where the rule begins, here and there.
        let at = path_of(subject.scope.root, subject.scope.start).0;
        let per = |root: NodeRef<'_>| -> Vec<Option<Value>> {
            let start = super::Path(at.clone()).resolve(root);
            self.per.iter().map(|path| Some(start?.at(path.split('.'))?.to_value())).collect()
        };
        let here = per(subject.scope.root);
        let twin = inventory.holders(among, &field, &value).into_iter().find(|other| {
            *other != resource && (self.per.is_empty() || per(inventory.document(*other)) == here)
        });
        match twin {
            None => Ok(()),
            Some(twin) => {
                let message =
                    format!("is {}, which {} has as well", describe(subject.node), inventory.describe(twin));
                Err(Fault { related: Some(twin), ..Fault::new(message) })
            }
        }
    }
}
