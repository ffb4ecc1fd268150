//! The tape as a JSON representation of `jsonschema`.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use jsonschema_value::LazyInstance;
use serde_json::Value;

use crate::yaml::{Elements, Kind, Members, NodeRef, Number, Tape};

/// Marks the representation: nodes are [`NodeRef`]s.
#[derive(Debug)]
pub struct TapeJson;

impl Json for TapeJson {
    type Node<'a> = NodeRef<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = Tape;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut Tape, string: &str, f: impl FnOnce(NodeRef<'_>) -> T) -> T {
        buffer.set_text(string);
        f(buffer.node(0))
    }
}

impl<'a> Node<'a, TapeJson> for NodeRef<'a> {
    type Object = Mapping<'a>;
    type Array = List<'a>;
    type Number = Number;

    #[inline]
    fn as_object(&self) -> Option<Mapping<'a>> {
        (self.kind() == Kind::Map).then_some(Mapping(*self))
    }

    #[inline]
    fn as_array(&self) -> Option<List<'a>> {
        (self.kind() == Kind::List).then_some(List(*self))
    }

    #[inline]
    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<Number> {
        NodeRef::as_number(self)
    }

    fn as_boolean(&self) -> Option<bool> {
        self.as_bool()
    }

    #[inline]
    fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    #[inline]
    fn is_number(&self) -> bool {
        matches!(self.kind(), Kind::Int | Kind::Float)
    }

    #[inline]
    fn is_string(&self) -> bool {
        self.kind() == Kind::Text
    }

    #[inline]
    fn json_type(&self) -> JsonType {
        match self.kind() {
            Kind::Null => JsonType::Null,
            Kind::Bool => JsonType::Boolean,
            Kind::Int | Kind::Float => JsonType::Number,
            Kind::Text => JsonType::String,
            Kind::List => JsonType::Array,
            Kind::Map => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        equals(*self, expected)
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(NodeRef::to_value(self))
    }

    /// Messages are written from the tape, so a failing collection need not be copied for one.
    fn lazy_value(&self) -> LazyInstance<'a> {
        LazyInstance::Ready(Cow::Owned(match self.kind() {
            Kind::List | Kind::Map => Value::Null,
            _ => NodeRef::to_value(self),
        }))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::tagged(std::ptr::from_ref(self.tape()) as usize, self.index()))
    }
}

/// JSON equality, numbers by value, without building a value.
fn equals(node: NodeRef<'_>, expected: &Value) -> bool {
    match (node.kind(), expected) {
        (Kind::Null, Value::Null) => true,
        (Kind::Bool, Value::Bool(expected)) => node.as_bool() == Some(*expected),
        (Kind::Text, Value::String(expected)) => node.text() == expected,
        (Kind::Int | Kind::Float, Value::Number(_)) => {
            jsonschema::json::cmp::equal(&NodeRef::to_value(&node), expected)
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

/// A mapping node.
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'a>(NodeRef<'a>);

impl<'a> Object<'a, TapeJson> for Mapping<'a> {
    type Node = NodeRef<'a>;
    type MemberName = &'a str;
    type MembersIter = Names<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn get(&self, key: &Box<str>) -> Option<NodeRef<'a>> {
        self.0.get(key)
    }

    fn members(&self) -> Names<'a> {
        Names(self.0.members())
    }
}

/// The entries of a mapping, keys as text.
#[derive(Debug)]
pub struct Names<'a>(Members<'a>);

impl<'a> Iterator for Names<'a> {
    type Item = (&'a str, NodeRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key.text(), value))
    }
}

/// A list node.
#[derive(Clone, Copy, Debug)]
pub struct List<'a>(NodeRef<'a>);

impl<'a> Array<'a, TapeJson> for List<'a> {
    type Node = NodeRef<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Elements<'a> {
        self.0.elements()
    }

    fn is_unique(&self) -> bool {
        if self.0.elements().all(|element| element.kind() == Kind::Text) {
            let mut seen = std::collections::HashSet::new();
            return self.0.elements().all(|element| seen.insert(element.text()));
        }
        let values: Vec<Value> = self.0.elements().map(|element| element.to_value()).collect();
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
        conformance::assert_conformance::<TapeJson>(&root);
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
