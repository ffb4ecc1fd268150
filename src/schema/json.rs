//! The tape as a JSON representation of `jsonschema`.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use jsonschema_value::LazyInstance;
use serde_json::Value;

use super::scope::{NOWHERE, Scope, Subject};
use crate::yaml::{Elements, Kind, Members, NodeRef, Number, Tape};

/// Marks the representation: nodes are [`Subject`]s, values on a tape that know their document and their run.
#[derive(Debug)]
pub struct TapeJson;

impl Json for TapeJson {
    type Node<'a> = Subject<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = Tape;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut Tape, string: &str, f: impl FnOnce(Subject<'_>) -> T) -> T {
        buffer.set_text(string);
        f(Subject { node: buffer.node(0), scope: &NOWHERE })
    }
}

impl<'a> Node<'a, TapeJson> for Subject<'a> {
    type Object = Mapping<'a>;
    type Array = List<'a>;
    type Number = Number;

    #[inline]
    fn as_object(&self) -> Option<Mapping<'a>> {
        (self.node.kind() == Kind::Map).then_some(Mapping(*self))
    }

    #[inline]
    fn as_array(&self) -> Option<List<'a>> {
        (self.node.kind() == Kind::List).then_some(List(*self))
    }

    #[inline]
    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.node.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<Number> {
        self.node.as_number()
    }

    fn as_boolean(&self) -> Option<bool> {
        self.node.as_bool()
    }

    #[inline]
    fn is_null(&self) -> bool {
        self.node.kind() == Kind::Null
    }

    #[inline]
    fn is_number(&self) -> bool {
        matches!(self.node.kind(), Kind::Int | Kind::Float)
    }

    #[inline]
    fn is_string(&self) -> bool {
        self.node.kind() == Kind::Text
    }

    #[inline]
    fn json_type(&self) -> JsonType {
        match self.node.kind() {
            Kind::Null => JsonType::Null,
            Kind::Bool => JsonType::Boolean,
            Kind::Int | Kind::Float => JsonType::Number,
            Kind::Text => JsonType::String,
            Kind::List => JsonType::Array,
            Kind::Map => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        equals(self.node, expected)
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(self.node.to_value())
    }

    /// Messages are written from the tape, so a failing collection need not be copied for one.
    fn lazy_value(&self) -> LazyInstance<'a> {
        LazyInstance::Ready(Cow::Owned(match self.node.kind() {
            Kind::List | Kind::Map => Value::Null,
            _ => self.node.to_value(),
        }))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::tagged(std::ptr::from_ref(self.node.tape()) as usize, self.node.index()))
    }
}

/// JSON equality, numbers by value, without building a value.
pub(super) fn equals(node: NodeRef<'_>, expected: &Value) -> bool {
    match (node.kind(), expected) {
        (Kind::Null, Value::Null) => true,
        (Kind::Bool, Value::Bool(expected)) => node.as_bool() == Some(*expected),
        (Kind::Text, Value::String(expected)) => node.text() == expected,
        (Kind::Int | Kind::Float, Value::Number(_)) => {
            jsonschema::json::cmp::equal(&node.to_value(), expected)
        }
        (Kind::List, Value::Array(expected)) => {
            node.len() == expected.len()
                && node.elements().zip(expected).all(|(node, value)| equals(node, value))
        }
        (Kind::Map, Value::Object(expected)) => {
            node.len() == expected.len()
                && node.members().all(|(key, value)| {
                    expected.get(key.text()).is_some_and(|expected| equals(value, expected))
                })
        }
        _ => false,
    }
}

/// A mapping.
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'a>(Subject<'a>);

impl<'a> Object<'a, TapeJson> for Mapping<'a> {
    type Node = Subject<'a>;
    type MemberName = &'a str;
    type MembersIter = Entries<'a>;

    fn len(&self) -> usize {
        self.0.node.len()
    }

    #[inline]
    fn get(&self, key: &Box<str>) -> Option<Subject<'a>> {
        self.0.node.get(key).map(|node| Subject { node, scope: self.0.scope })
    }

    fn members(&self) -> Entries<'a> {
        Entries { members: self.0.node.members(), scope: self.0.scope }
    }
}

/// The entries of a mapping, keys as text.
#[derive(Debug)]
pub struct Entries<'a> {
    members: Members<'a>,
    scope: &'a Scope<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, Subject<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let scope = self.scope;
        self.members.next().map(|(key, node)| (key.text(), Subject { node, scope }))
    }
}

/// A list.
#[derive(Clone, Copy, Debug)]
pub struct List<'a>(Subject<'a>);

/// The elements of a list.
#[derive(Debug)]
pub struct Items<'a> {
    elements: Elements<'a>,
    scope: &'a Scope<'a>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Subject<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let scope = self.scope;
        self.elements.next().map(|node| Subject { node, scope })
    }
}

impl<'a> Array<'a, TapeJson> for List<'a> {
    type Node = Subject<'a>;
    type ElementsIter = Items<'a>;

    fn len(&self) -> usize {
        self.0.node.len()
    }

    fn elements(&self) -> Items<'a> {
        Items { elements: self.0.node.elements(), scope: self.0.scope }
    }

    fn is_unique(&self) -> bool {
        let list = self.0.node;
        if list.elements().all(|element| element.kind() == Kind::Text) {
            let mut seen = std::collections::HashSet::new();
            return list.elements().all(|element| seen.insert(element.text()));
        }
        let values: Vec<Value> = list.elements().map(|element| element.to_value()).collect();
        jsonschema::json::unique::is_unique(&values)
    }
}

impl JsonNumber for Number {
    fn as_u64(&self) -> Option<u64> {
        match *self {
            Number::Unsigned(number) => Some(number),
            _ => None,
        }
    }

    fn as_i64(&self) -> Option<i64> {
        match *self {
            Number::Unsigned(number) => i64::try_from(number).ok(),
            Number::Signed(number) => Some(number),
            Number::Float(_) => None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "JSON Schema compares numbers as f64 where they are not integers"
    )]
    fn as_f64(&self) -> Option<f64> {
        Some(match *self {
            Number::Unsigned(number) => number as f64,
            Number::Signed(number) => number as f64,
            Number::Float(number) => number,
        })
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_number().to_string())
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(match *self {
            Number::Unsigned(number) => number.into(),
            Number::Signed(number) => number.into(),
            // Not finite only in a document that has been refused for it.
            Number::Float(number) => serde_json::Number::from_f64(number).unwrap_or_else(|| 0.into()),
        })
    }

    fn is_integer(&self) -> bool {
        match *self {
            Number::Float(number) => number.fract() == 0.0,
            _ => true,
        }
    }

    fn is_written_as_integer(&self) -> bool {
        !matches!(self, Number::Float(_))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jsonschema::json::conformance;

    use super::*;
    use crate::yaml::{Limits, parse};

    #[test]
    fn the_tape_keeps_the_contract_of_the_validator() {
        let text = conformance::document().to_string();
        let (tape, problems) = parse(text.into_bytes(), &Arc::from("t.json"), &Limits::default());
        assert_eq!(problems, []);
        let root = tape.root(tape.documents.first().unwrap());
        let scope = Scope::alone(root);
        conformance::assert_conformance::<TapeJson>(&scope.subject());
    }

    #[test]
    fn equality_is_that_of_json() {
        let (tape, _) =
            parse(b"{a: 1.0, b: [x, {c: null}], d: -3}".to_vec(), &Arc::from("t.yaml"), &Limits::default());
        let root = tape.root(tape.documents.first().unwrap());
        assert!(equals(root, &serde_json::json!({"b": ["x", {"c": null}], "a": 1, "d": -3.0})));
        assert!(!equals(root, &serde_json::json!({"b": ["x", {"c": 0}], "a": 1, "d": -3})));
        assert!(!equals(root, &serde_json::json!({"a": 1})));
    }
}
