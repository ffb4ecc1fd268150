//! From the tape to values of Rego.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use regorus::Value;
use regorus::value::Object;

use crate::schema::PathSet;
use crate::yaml::{Kind, NodeRef, Number};

/// Keys recur in every document: each thread makes a value of one once.
const KEYS: usize = 4096;

thread_local! {
    static NAMES: RefCell<HashMap<Box<str>, Value>> = RefCell::default();
}

/// A text that comes again and again.
pub(super) fn name(text: &str) -> Value {
    NAMES.with_borrow_mut(|names| {
        if let Some(known) = names.get(text) {
            return known.clone();
        }
        let value = Value::from(text);
        // Hostile documents have other keys each time.
        if names.len() < KEYS {
            names.insert(text.into(), value.clone());
        }
        value
    })
}

/// An object.
pub(super) fn object(members: impl IntoIterator<Item = (Value, Value)>) -> Value {
    // From a whole map it becomes a sorted list, which is a fraction of the size of a tree of its own.
    let members: BTreeMap<Value, Value> = members.into_iter().collect();
    Value::from(Object::from(members))
}

/// What is read of a node, as a value; scalars are always there, and the names of list elements stay with them.
pub(super) fn of_reads(node: NodeRef<'_>, reads: &PathSet) -> Value {
    match (node.kind(), reads) {
        (Kind::Map, PathSet::Keys(_)) => {
            let read = node.members().filter_map(|(key, value)| {
                let is_name = || matches!(key.text(), "name" | "id").then_some(reads);
                let reads = reads.of_key(key.text()).or_else(is_name)?;
                Some((name(key.text()), of_reads(value, reads)))
            });
            object(read)
        }
        (Kind::List, PathSet::Keys(_)) => Value::from(
            node.elements().map(|element| of_reads(element, reads.of_element(element))).collect::<Vec<_>>(),
        ),
        _ => of_node(node),
    }
}

/// The value of a node. Depth is bounded by the limits of the tape. Numbers that are none (`.nan`, `.inf`) stay text.
pub(super) fn of_node(node: NodeRef<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::from(node.as_bool().unwrap_or_default()),
        Kind::Text => Value::from(node.text()),
        Kind::Int | Kind::Float => match node.as_number() {
            Some(Number::Unsigned(number)) => Value::from(number),
            Some(Number::Signed(number)) => Value::from(number),
            Some(Number::Float(number)) if number.is_finite() => Value::from(number),
            _ => Value::from(node.text()),
        },
        Kind::List => Value::from(node.elements().map(of_node).collect::<Vec<_>>()),
        Kind::Map => object(node.members().map(|(key, value)| (name(key.text()), of_node(value)))),
    }
}
