//! Operands of the keywords: places in this document or the one around it, literals, tables of parameters,
//! moments and spans. Read when a rule is compiled, resolved when it is evaluated.

use serde_json::Value;

use super::horizon;
use super::path::{Path, Step};
use super::scope::{Scope, Subject};
use crate::date::{Duration, Moment};
use crate::yaml::{Kind, NodeRef};

/// A place that names one value.
#[derive(Clone, Debug)]
pub(super) struct Place {
    base: Base,
    keys: Vec<String>,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Start,
    Beside,
    Root,
}

impl Place {
    /// `a.b` from the start, `./b` beside the value, `/a/b` a JSON Pointer from the root.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (base, keys): (_, Vec<String>) = if let Some(pointer) = text.strip_prefix('/') {
            (Base::Root, pointer.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
        } else {
            let (base, path) = match text.strip_prefix("./") {
                Some(path) => (Base::Beside, path),
                None => (Base::Start, text),
            };
            (base, path.split('.').map(str::to_owned).collect())
        };
        let is_usable =
            base == Base::Root || keys.iter().all(|key| !key.is_empty() && !key.contains(['/', '[', ']']));
        is_usable.then(|| Self { base, keys, text: text.to_owned() })
    }

    fn find<'a>(&self, scope: &Scope<'a>, value: Option<NodeRef<'a>>) -> Option<NodeRef<'a>> {
        let from = match self.base {
            Base::Start => scope.start,
            Base::Root => scope.root,
            Base::Beside => parent(scope.root, value?)?,
        };
        self.keys.iter().try_fold(from, |node, key| {
            node.get(key).or_else(|| key.parse().ok().and_then(|position| node.element(position)))
        })
    }
}

/// The collection that directly holds a node. The tape has no way up, so it is looked for from the root.
pub(super) fn parent<'a>(root: NodeRef<'a>, node: NodeRef<'a>) -> Option<NodeRef<'a>> {
    way(root, node).and_then(|way| way.into_iter().rev().nth(1)).map(|(node, _)| node)
}

/// The path from the root of a document to a node in it.
pub fn path_of<'a>(root: NodeRef<'a>, node: NodeRef<'a>) -> Path {
    let steps = way(root, node).unwrap_or_default().into_iter().filter_map(|(_, step)| step);
    Path(steps.collect())
}

/// The nodes on the way from the root to a node, each with the step that leads to it.
fn way<'a>(root: NodeRef<'a>, target: NodeRef<'a>) -> Option<Vec<(NodeRef<'a>, Option<Step>)>> {
    let holds =
        |node: &NodeRef<'a>| node.index() <= target.index() && target.index() < node.index() + node.size();
    if !std::ptr::eq(root.tape(), target.tape()) || !holds(&root) {
        return None;
    }
    let mut way = vec![(root, None)];
    let mut node = root;
    while node.index() != target.index() {
        let next = match node.kind() {
            Kind::Map => node
                .members()
                .find(|(_, value)| holds(value))
                .map(|(key, value)| (value, Step::Key(key.text().into()))),
            _ => node
                .elements()
                .enumerate()
                .find(|(_, value)| holds(value))
                .map(|(at, value)| (value, Step::Position(at))),
        };
        let (value, step) = next?;
        way.push((value, Some(step)));
        node = value;
    }
    Some(way)
}

/// What an operand comes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resolved<'o, 'a> {
    /// There is none: nothing is asserted.
    Missing,
    /// Given in the rule.
    Literal(&'o Value),
    /// Found in a document.
    Node(NodeRef<'a>),
}

impl Resolved<'_, '_> {
    /// The text, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Missing => None,
            Self::Literal(value) => value.as_str(),
            Self::Node(node) => node.as_str(),
        }
    }

    /// In a few words.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Missing => "missing".to_owned(),
            Self::Literal(Value::String(text)) => text.clone(),
            Self::Literal(value) => value.to_string(),
            Self::Node(node) => super::describe(*node),
        }
    }
}

/// A literal, a place here, a place in the document around, or an entry of a table that a place selects.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Literal(Value),
    Field(Place),
    Outer(Place),
    Table { table: Value, by: Place },
}

/// The form in which [`super::expand`] leaves `{$param: name, by: place}`.
pub(super) const TABLE: &str = "$table";

impl Operand {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let Value::Object(object) = value else { return Ok(Self::Literal(value.clone())) };
        let place = |key: &str| object.get(key).and_then(Value::as_str);
        if let Some(text) = place("field") {
            return Place::parse(text).map(Self::Field).ok_or_else(|| format!("{text:?} is no place"));
        }
        if let Some(text) = place("outer") {
            let place = Place::parse(text).filter(|place| place.base != Base::Beside);
            return place
                .map(Self::Outer)
                .ok_or_else(|| format!("{text:?} is no place of the outer document"));
        }
        if let Some((table, by)) = object.get(TABLE).zip(place("by")) {
            let place = Place::parse(by).ok_or_else(|| format!("{by:?} is no place"))?;
            return Ok(Self::Table { table: table.clone(), by: place });
        }
        Err("should be a value, `{field: place}`, `{outer: place}` or `{$param: name, by: place}`".to_owned())
    }

    pub(super) fn resolve<'o, 'a>(&'o self, subject: &Subject<'a>) -> Resolved<'o, 'a> {
        let found = |node: Option<NodeRef<'a>>| node.map_or(Resolved::Missing, Resolved::Node);
        match self {
            Self::Literal(value) => Resolved::Literal(value),
            Self::Field(place) => found(place.find(subject.scope, Some(subject.node))),
            Self::Outer(place) => found(subject.scope.outer.and_then(|outer| place.find(outer, None))),
            Self::Table { table, by } => {
                let key = by.find(subject.scope, Some(subject.node));
                let entry = key.and_then(|key| table.get(key.text())).or_else(|| table.get("default"));
                entry.map_or(Resolved::Missing, Resolved::Literal)
            }
        }
    }

    /// How messages name it.
    pub(super) fn label(&self) -> Option<String> {
        match self {
            Self::Literal(_) => None,
            Self::Field(place) => Some(place.text.clone()),
            Self::Outer(place) => Some(format!("the resource's own {}", place.text)),
            Self::Table { by, .. } => Some(format!("by {}", by.text)),
        }
    }

    /// Whether it looks at the document around.
    pub(super) fn is_outer(&self) -> bool {
        matches!(self, Self::Outer(_))
    }
}

/// A moment as a bound: the clock, a date or a place, with spans added and taken away.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    base: BoundBase,
    plus: Option<SpanOperand>,
    minus: Option<SpanOperand>,
}

#[derive(Clone, Debug)]
enum BoundBase {
    Now,
    Literal(Moment),
    Place(Operand),
}

/// A duration as a literal or from a place, some times over.
#[derive(Clone, Debug)]
pub(super) struct SpanOperand {
    operand: Operand,
    times: i64,
}

/// An operand that is there and is not what it should be.
pub(super) struct Malformed(pub(super) String);

impl SpanOperand {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let times = value.get("times").map_or(Some(1), Value::as_i64).filter(|times| *times >= 1);
        let times = times.ok_or("`times` should be a whole number from 1")?;
        if let Some(key) = value.as_object().and_then(|map| {
            map.keys().find(|key| !matches!(key.as_str(), "field" | "outer" | "times" | "by" | TABLE))
        }) {
            return Err(format!("unknown key `{key}`"));
        }
        let operand = Operand::parse(value)?;
        if let Operand::Literal(value) = &operand {
            value.as_str().and_then(Duration::parse).ok_or_else(|| format!("{value} is no duration"))?;
        }
        Ok(Self { operand, times })
    }

    pub(super) fn resolve(&self, subject: &Subject<'_>) -> Result<Option<(Duration, i64)>, Malformed> {
        let resolved = self.operand.resolve(subject);
        if matches!(resolved, Resolved::Missing) {
            return Ok(None);
        }
        let duration = resolved.text().and_then(Duration::parse);
        let label = self.operand.label().unwrap_or_default();
        let malformed = || Malformed(format!("{label} is {}, should be a duration", resolved.describe()));
        duration.map(|duration| Some((duration, self.times))).ok_or_else(malformed)
    }

    pub(super) fn label(&self) -> Option<String> {
        self.operand.label()
    }
}

impl Bound {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let plain = |base| Ok(Self { base, plus: None, minus: None });
        let object = match value {
            Value::String(text) if text == "now" => return plain(BoundBase::Now),
            Value::String(text) => {
                let moment = Moment::parse(text).ok_or_else(|| format!("{text:?} is no date"))?;
                return plain(BoundBase::Literal(moment));
            }
            Value::Object(object) => object,
            _ => return Err("should be `now`, a date, or a mapping".to_owned()),
        };
        if let Some(key) =
            object.keys().find(|key| !matches!(key.as_str(), "now" | "field" | "outer" | "plus" | "minus"))
        {
            return Err(format!("unknown key `{key}`"));
        }
        let bases = ["now", "field", "outer"].iter().filter(|key| object.contains_key(**key)).count();
        if bases != 1 {
            return Err("should have one of `now`, `field`, `outer`".to_owned());
        }
        let base = match object.get("now") {
            Some(Value::Bool(true)) => BoundBase::Now,
            Some(_) => return Err("`now` should be true".to_owned()),
            None => BoundBase::Place(Operand::parse(value)?),
        };
        let span = |key: &str| object.get(key).map(SpanOperand::parse).transpose();
        Ok(Self { base, plus: span("plus")?, minus: span("minus")? })
    }

    /// The moment that another one is compared with, and how messages explain it.
    pub(super) fn compared_with(
        &self,
        moment: &Moment,
        subject: &Subject<'_>,
    ) -> Result<Option<(Moment, String)>, Malformed> {
        let resolved = self.resolve(subject);
        if matches!(self.base, BoundBase::Now) {
            match &resolved {
                Ok(Some((bound, _))) => horizon::compared(moment, bound),
                Ok(None) => {}
                Err(_) => horizon::unknown(),
            }
        }
        resolved
    }

    /// The moment and how messages explain it.
    fn resolve(&self, subject: &Subject<'_>) -> Result<Option<(Moment, String)>, Malformed> {
        let (mut moment, mut label) = match &self.base {
            BoundBase::Now => (subject.scope.run.as_of.clone(), "as-of".to_owned()),
            BoundBase::Literal(moment) => (moment.clone(), String::new()),
            BoundBase::Place(operand) => {
                let resolved = operand.resolve(subject);
                if matches!(resolved, Resolved::Missing) {
                    return Ok(None);
                }
                let label = operand.label().unwrap_or_default();
                let malformed = || Malformed(format!("{label} is {}, should be a date", resolved.describe()));
                (resolved.text().and_then(Moment::parse).ok_or_else(malformed)?, label)
            }
        };
        for (span, sign, word) in [(&self.plus, 1, "plus"), (&self.minus, -1, "minus")] {
            let Some(span) = span else { continue };
            let Some((duration, times)) = span.resolve(subject)? else { return Ok(None) };
            let beyond =
                || Malformed(format!("{} {word} {} is beyond the calendar", moment.text(), duration.text()));
            let moved = moment.moved(&duration, sign * times).ok_or_else(beyond)?;
            moment = moved;
            let factor = if times == 1 { String::new() } else { format!("{times} times ") };
            label.push_str(&format!(" {word} {factor}{}", duration.text()));
        }
        Ok(Some((moment, label)))
    }
}
