//! Values as a program sees them: what stands in documents stays there.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regorus::Value;

use super::{Sure, Unsure};
use crate::finding::Identity;
use crate::rego::value;
use crate::schema::{PathSet, ResourceId};
use crate::yaml::{Kind, NodeRef, Number};

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is no whole one of 64 bits.
    Odd(Value),
    Text(&'a str),
    Shared(Arc<str>),
    /// The identity of a resource: a text.
    Id(ResourceId, &'a str),
    /// A mapping or a list of a document, as far as it is read.
    Node(NodeRef<'a>, Option<&'a PathSet>),
    /// A reference from one resource to another.
    Entry(Entry<'a>, &'a Identity),
    /// Several of them: a list.
    Entries(Arc<[(Entry<'a>, &'a Identity)]>),
    /// `data.references` (true), or what `assize.references` gives for a resource.
    References(Option<ResourceId>, bool),
    /// `data.referrers`, or what `assize.referrers` gives for a resource.
    Referrers(Option<ResourceId>),
    /// `data.estate`.
    Estate,
    /// The resources of a kind.
    Members(&'a Members, Option<&'a PathSet>),
    List(Arc<[Val<'a>]>),
    /// In order.
    Set(Arc<[Val<'a>]>),
    /// A set of values whose order is not known.
    Bag(Arc<[Val<'a>]>),
    /// By texts, in order.
    Object(Arc<[(Val<'a>, Val<'a>)]>),
}

/// A reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Who is at the other end.
    pub(super) other: ResourceId,
    /// Who holds the reference.
    pub(super) holder: ResourceId,
    pub(super) field: &'a str,
    pub(super) position: u32,
    /// Whether the holder is the one that was asked about.
    pub(super) is_outgoing: bool,
}

impl Entry<'_> {
    /// Whether two are surely one value, or surely not; unsure where two resources may have one identity, or where it
    /// depends on who holds the reference.
    fn is(&self, other: &Self, is_same_identity: impl FnOnce() -> bool) -> Sure<bool> {
        if self.field != other.field {
            return Ok(false);
        }
        if self.other != other.other {
            return if is_same_identity() { Err(Unsure) } else { Ok(false) };
        }
        let key = |entry: &Self| (entry.holder, entry.position, entry.is_outgoing);
        if key(self) == key(other) { Ok(true) } else { Err(Unsure) }
    }
}

/// The resources of a kind by their identities, in order.
#[derive(Debug, Default)]
pub(in crate::rego) struct Members {
    pub(super) by_id: Vec<(Arc<str>, ResourceId)>,
    /// The same by their numbers.
    sorted: Vec<ResourceId>,
}

impl Members {
    /// Of two with one identity the last counts, as in an object.
    pub(in crate::rego) fn new(members: impl Iterator<Item = (Arc<str>, ResourceId)>) -> Self {
        let by_id: BTreeMap<Arc<str>, ResourceId> = members.collect();
        let mut sorted: Vec<ResourceId> = by_id.values().copied().collect();
        sorted.sort_unstable();
        Self { by_id: by_id.into_iter().collect(), sorted }
    }

    /// The resource with an identity.
    pub(super) fn find(&self, id: &str) -> Option<ResourceId> {
        let at = self.by_id.binary_search_by(|(known, _)| (**known).cmp(id)).ok()?;
        self.by_id.get(at).map(|(_, id)| *id)
    }

    /// Whether the resource is one of them.
    pub(super) fn has(&self, resource: ResourceId) -> bool {
        self.sorted.binary_search(&resource).is_ok()
    }
}

/// How much of a value may be gone through in one go: its parts can share theirs in many layers, so that it is far
/// larger than what it was made of.
#[derive(Debug)]
pub(super) struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    /// Of an element of `deny`.
    pub(super) const DENIAL: Self = Self { nodes: 10_000, bytes: 1 << 20 };
    /// Of all arguments of a call.
    pub(super) const CALL: Self = Self { nodes: 2_000, bytes: 4 << 10 };
    /// Of a comparison.
    const COMPARISON: Self = Self { nodes: 2_000, bytes: usize::MAX };

    fn take(&mut self, nodes: usize, bytes: usize) -> Sure<()> {
        self.nodes = self.nodes.checked_sub(nodes).ok_or(Unsure)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Unsure)?;
        Ok(())
    }
}

impl<'a> Val<'a> {
    /// The value of a node, as far as it is read.
    pub(super) fn of_node(node: NodeRef<'a>, reads: Option<&'a PathSet>) -> Self {
        match node.kind() {
            Kind::Null => Self::Null,
            Kind::Bool => Self::Bool(node.as_bool().unwrap_or_default()),
            Kind::Text => Self::Text(node.text()),
            Kind::Int | Kind::Float => match node.as_number() {
                Some(Number::Unsigned(number)) => match i64::try_from(number) {
                    Ok(number) => Self::Int(number),
                    Err(_) => Self::Odd(Value::from(number)),
                },
                Some(Number::Signed(number)) => Self::Int(number),
                Some(Number::Float(number)) if number.is_finite() => Self::Odd(Value::from(number)),
                _ => Self::Text(node.text()),
            },
            Kind::Map | Kind::List => {
                Self::Node(node, reads.filter(|reads| matches!(reads, PathSet::Keys(_))))
            }
        }
    }

    /// A value of regorus.
    pub(super) fn of_value(value: &Value) -> Sure<Val<'static>> {
        Ok(match value {
            Value::Null => Val::Null,
            Value::Bool(truth) => Val::Bool(*truth),
            // Written otherwise it would read otherwise in a message.
            Value::Number(number) => {
                match number.as_i64().filter(|whole| number.format_decimal() == whole.to_string()) {
                    Some(number) => Val::Int(number),
                    None => Val::Odd(value.clone()),
                }
            }
            Value::String(text) => Val::Shared(Arc::clone(text)),
            Value::Array(list) => Val::List(list.iter().map(Val::of_value).collect::<Sure<_>>()?),
            Value::Set(set) => set_of(set.iter_sorted().map(Val::of_value).collect::<Sure<_>>()?)?,
            Value::Object(object) => {
                let members = object.iter_sorted().map(|(key, value)| {
                    let key = Val::of_value(key)?;
                    key.text().ok_or(Unsure)?;
                    Ok((key, Val::of_value(value)?))
                });
                Val::Object(members.collect::<Sure<_>>()?)
            }
            Value::Undefined => return Err(Unsure),
        })
    }

    /// As a value of regorus.
    pub(super) fn to_value(&self, budget: &mut Budget) -> Sure<Value> {
        match self {
            Self::Text(text) | Self::Id(_, text) => budget.take(1, text.len())?,
            Self::Shared(text) => budget.take(1, text.len())?,
            Self::Node(node, _) => {
                let bytes: usize = node.descendants().map(|node| node.text().len()).sum();
                budget.take(node.size() as usize, bytes)?;
            }
            _ => budget.take(1, 0)?,
        }
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::from(*truth),
            Self::Int(number) => Value::from(*number),
            Self::Odd(number) => number.clone(),
            Self::Text(text) | Self::Id(_, text) => Value::from(*text),
            Self::Shared(text) => Value::String(Arc::clone(text)),
            Self::Node(node, Some(reads)) => value::of_reads(*node, reads),
            Self::Node(node, None) => value::of_node(*node),
            Self::List(list) => {
                Value::from(list.iter().map(|value| value.to_value(budget)).collect::<Sure<Vec<_>>>()?)
            }
            Self::Set(set) | Self::Bag(set) => {
                Value::from(set.iter().map(|value| value.to_value(budget)).collect::<Sure<BTreeSet<_>>>()?)
            }
            Self::Object(members) => {
                let members = members.iter().map(|(key, value)| {
                    let key = key.text().ok_or(Unsure)?;
                    Ok((value::name(key), value.to_value(budget)?))
                });
                value::object(members.collect::<Sure<Vec<_>>>()?)
            }
            Self::Entry(..)
            | Self::Entries(_)
            | Self::References(..)
            | Self::Referrers(_)
            | Self::Estate
            | Self::Members(..) => return Err(Unsure),
        })
    }

    /// The same on its own; none of what stands in documents.
    pub(super) fn kept(&self) -> Option<Val<'static>> {
        let all = |values: &[Val<'a>]| values.iter().map(Val::kept).collect::<Option<Arc<[_]>>>();
        Some(match self {
            Self::Null => Val::Null,
            Self::Bool(truth) => Val::Bool(*truth),
            Self::Int(number) => Val::Int(*number),
            Self::Odd(number) => Val::Odd(number.clone()),
            Self::Text(text) | Self::Id(_, text) => Val::Shared((*text).into()),
            Self::Shared(text) => Val::Shared(Arc::clone(text)),
            Self::List(list) => Val::List(all(list)?),
            Self::Set(set) => Val::Set(all(set)?),
            Self::Bag(bag) => Val::Bag(all(bag)?),
            Self::Object(members) => {
                let members = members.iter().map(|(key, value)| Some((key.kept()?, value.kept()?)));
                Val::Object(members.collect::<Option<_>>()?)
            }
            Self::Node(..)
            | Self::Entry(..)
            | Self::Entries(_)
            | Self::References(..)
            | Self::Referrers(_)
            | Self::Estate
            | Self::Members(..) => return None,
        })
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Id(_, text) => Some(text),
            Self::Shared(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a statement of this value holds.
    pub(super) fn holds(&self) -> bool {
        !matches!(self, Self::Bool(false))
    }

    /// Whether two values are one.
    pub(super) fn is(&self, other: &Self) -> Sure<bool> {
        let mut budget = Budget::COMPARISON;
        self.is_within(other, &mut budget)
    }

    fn is_within(&self, other: &Self, budget: &mut Budget) -> Sure<bool> {
        budget.take(1, 0)?;
        if let (Self::Id(one, _), Self::Id(other, _)) = (self, other)
            && one == other
        {
            return Ok(true);
        }
        if let (Some(one), Some(other)) = (self.text(), other.text()) {
            return Ok(one == other);
        }
        if let (Some(one), Some(other)) = (self.elements(), other.elements()) {
            let (mut one, mut other) = (one, other);
            loop {
                match (one.next(), other.next()) {
                    (None, None) => return Ok(true),
                    (Some(one), Some(other)) if one.is_within(&other, budget)? => {}
                    _ => return Ok(false),
                }
            }
        }
        match (self, other) {
            (Self::Null, Self::Null) => Ok(true),
            (Self::Bool(one), Self::Bool(other)) => Ok(one == other),
            (Self::Int(one), Self::Int(other)) => Ok(one == other),
            (Self::Odd(_), Self::Odd(_) | Self::Int(_)) | (Self::Int(_), Self::Odd(_)) => {
                Ok(self.to_value(budget)? == other.to_value(budget)?)
            }
            (Self::Set(one), Self::Set(other)) => {
                if one.len() != other.len() {
                    return Ok(false);
                }
                for (one, other) in one.iter().zip(other.iter()) {
                    if !one.is_within(other, budget)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Self::Object(one), Self::Object(other)) => {
                let is_alike = |((one, _), (other, _)): (&(Val<'a>, Val<'a>), &(Val<'a>, Val<'a>))| {
                    one.text() == other.text()
                };
                if one.len() != other.len() || !one.iter().zip(other.iter()).all(is_alike) {
                    return Ok(false);
                }
                let mut is_unsure = false;
                for ((_, one), (_, other)) in one.iter().zip(other.iter()) {
                    match one.is_within(other, budget) {
                        Ok(true) => {}
                        Ok(false) => return Ok(false),
                        Err(Unsure) => is_unsure = true,
                    }
                }
                if is_unsure { Err(Unsure) } else { Ok(true) }
            }
            (Self::Entry(one, first), Self::Entry(other, second)) => one.is(other, || first == second),
            (Self::Node(one, _), Self::Node(other, _))
                if std::ptr::eq(one.tape(), other.tape()) && one.index() == other.index() =>
            {
                Ok(true)
            }
            _ if self.is_plain() || other.is_plain() => Ok(false),
            _ => Err(Unsure),
        }
    }

    /// How they stand to each other in the order of Rego, where both are texts or both are numbers.
    pub(super) fn order(&self, other: &Self) -> Sure<Ordering> {
        if let (Some(one), Some(other)) = (self.text(), other.text()) {
            return Ok(one.cmp(other));
        }
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Ok(one.cmp(other)),
            (Self::Odd(_), Self::Odd(_) | Self::Int(_)) | (Self::Int(_), Self::Odd(_)) => {
                let mut budget = Budget::COMPARISON;
                Ok(self.to_value(&mut budget)?.cmp(&other.to_value(&mut budget)?))
            }
            _ => Err(Unsure),
        }
    }

    /// Whether it is neither a list, nor a set, nor a mapping.
    fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::Null
                | Self::Bool(_)
                | Self::Int(_)
                | Self::Odd(_)
                | Self::Text(_)
                | Self::Shared(_)
                | Self::Id(..)
        )
    }

    /// The elements of a list of plain form.
    pub(super) fn elements(&self) -> Option<Box<dyn Iterator<Item = Val<'a>> + '_>> {
        match self {
            Self::List(list) => Some(Box::new(list.iter().cloned())),
            Self::Node(node, reads) if node.kind() == Kind::List => {
                let (node, reads) = (*node, *reads);
                Some(Box::new(node.elements().map(move |element| element_of(element, reads))))
            }
            _ => None,
        }
    }

    /// The member of a mapping that has this key, where it is a mapping of plain form; none: it has no such member.
    pub(super) fn member(&self, key: &str) -> Sure<Option<Val<'a>>> {
        match self {
            Self::Node(node, reads) if node.kind() == Kind::Map => {
                let Some(value) = node.get(key) else { return Ok(None) };
                Ok(match reads {
                    Some(reads) => read_of(reads, key).map(|reads| Val::of_node(value, Some(reads))),
                    None => Some(Val::of_node(value, None)),
                })
            }
            Self::Object(members) => Ok(members
                .iter()
                .find(|(known, _)| known.text() == Some(key))
                .map(|(_, value)| value.clone())),
            // A list has no keys.
            Self::Node(..) | Self::List(_) | Self::Entries(_) => Ok(None),
            _ => Err(Unsure),
        }
    }
}

/// What is read of a member; the names of list elements stay with them, as `of_reads` has it.
pub(super) fn read_of<'r>(reads: &'r PathSet, key: &str) -> Option<&'r PathSet> {
    let is_name = matches!(reads, PathSet::Keys(_)) && matches!(key, "name" | "id");
    reads.of_key(key).or_else(|| is_name.then_some(reads))
}

/// An element of a list of which this is read.
pub(super) fn element_of<'a>(element: NodeRef<'a>, reads: Option<&'a PathSet>) -> Val<'a> {
    Val::of_node(element, reads.map(|reads| reads.of_element(element)))
}

/// A set is small where its elements have no order: each is held against each.
const BAG: usize = 128;

/// The set of some values.
pub(super) fn set_of(mut values: Vec<Val<'_>>) -> Sure<Val<'_>> {
    if values.is_empty() {
        // It takes no memory.
        return Ok(Val::Set(Arc::default()));
    }
    let is_text = values.iter().all(|value| value.text().is_some());
    if is_text || values.iter().all(|value| matches!(value, Val::Int(_))) {
        values.sort_by(|one, other| one.order(other).unwrap_or(Ordering::Equal));
        values.dedup_by(|one, other| one.order(other) == Ok(Ordering::Equal));
        return Ok(Val::Set(values.into()));
    }
    if values.len() <= 1 {
        return Ok(Val::Set(values.into()));
    }
    if values.len() > BAG {
        return Err(Unsure);
    }
    let mut kept: Vec<Val<'_>> = Vec::with_capacity(values.len());
    for value in values {
        let mut is_known = false;
        for known in &kept {
            is_known |= known.is(&value)?;
        }
        if !is_known {
            kept.push(value);
        }
    }
    Ok(if kept.len() == 1 { Val::Set(kept.into()) } else { Val::Bag(kept.into()) })
}
