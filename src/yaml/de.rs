//! Typed documents straight from the tape: a serde `Deserializer` whose errors know their place.

use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer as _, Visitor};

use super::node::{Elements, Members, NodeRef, Number};
use super::tape::Kind;

/// Why a document does not have the expected form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedError {
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// The node to point at, by its index on the tape; none only if the document is empty.
    pub node: Option<u32>,
    /// How to repair it, where that is known.
    pub help: Option<String>,
}

impl fmt::Display for TypedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for TypedError {}

impl de::Error for TypedError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), node: None, help: None }
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{} should be {expected}", describe(&found)))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{} should be {expected}", describe(&found)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { message: format!("unknown key `{field}`"), node: None, help: Some(nearest(field, expected)) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            message: format!("unknown value `{variant}`"),
            node: None,
            help: Some(nearest(variant, expected)),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { message: format!("key `{field}` is missing"), node: None, help: None }
    }
}

fn describe(found: &de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Str(text) => format!("the text {text:?}"),
        de::Unexpected::Unit => "null".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string().replace(['`'], ""),
    }
}

/// "did you mean …", or the list of what there is.
fn nearest(word: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate)
        })
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 2);
    match best {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Reads a value of type `T` from a node.
///
/// # Errors
/// The first thing that is not as `T` wants it, with the node to point at.
pub fn typed<'a, T: Deserialize<'a>>(node: NodeRef<'a>) -> Result<T, TypedError> {
    T::deserialize(Source(node))
}

/// The index of the node that a value was read from, beside the value: for errors found later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<T> {
    /// Index of the node on its tape.
    pub node: u32,
    /// The value.
    pub value: T,
}

const PLACE: &str = "$assize::Place";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Place<T> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlaceVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for PlaceVisitor<T> {
            type Value = Place<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value on the tape")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let node = parts.next_element()?.ok_or_else(|| de::Error::custom("no place"))?;
                let value = parts.next_element()?.ok_or_else(|| de::Error::custom("no value"))?;
                Ok(Place { node, value })
            }
        }
        deserializer.deserialize_newtype_struct(PLACE, PlaceVisitor(std::marker::PhantomData))
    }
}

struct Source<'a>(NodeRef<'a>);

impl Source<'_> {
    fn placed<T>(&self, result: Result<T, TypedError>) -> Result<T, TypedError> {
        place(result, self.0.index())
    }
}

fn place<T>(result: Result<T, TypedError>, node: u32) -> Result<T, TypedError> {
    result.map_err(|error| TypedError { node: error.node.or(Some(node)), ..error })
}

macro_rules! as_any {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
            self.deserialize_any(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Source<'de> {
    type Error = TypedError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        let node = self.0;
        let result = match node.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool => visitor.visit_bool(node.as_bool().unwrap_or_default()),
            Kind::Int | Kind::Float => match node.as_number() {
                Some(Number::Unsigned(number)) => visitor.visit_u64(number),
                Some(Number::Signed(number)) => visitor.visit_i64(number),
                Some(Number::Float(number)) => visitor.visit_f64(number),
                None => visitor.visit_unit(),
            },
            Kind::Text => visitor.visit_borrowed_str(node.text()),
            Kind::List => visitor.visit_seq(Items(node.elements())),
            Kind::Map => visitor.visit_map(Entries { members: node.members(), value: None }),
        };
        self.placed(result)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        if self.0.kind() == Kind::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        if name == PLACE {
            let node = self.0.index();
            return place(visitor.visit_seq(Placed { source: Some(self), step: 0 }), node);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        let Some(text) = self.0.as_str() else {
            let message = "should be a word".to_owned();
            return Err(TypedError { message, node: Some(self.0.index()), help: None });
        };
        let word: StrDeserializer<'_, TypedError> = text.into_deserializer();
        self.placed(visitor.visit_enum(word))
    }

    as_any! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_seq
        deserialize_map deserialize_identifier
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, TypedError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        if self.0.kind() == Kind::List {
            // serde would read a list as a struct, field by field; nobody who writes one means that.
            let message = "a list should be a mapping".to_owned();
            return Err(TypedError { message, node: Some(self.0.index()), help: None });
        }
        self.deserialize_any(visitor)
    }
}

struct Items<'a>(Elements<'a>);

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = TypedError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TypedError> {
        self.0.next().map(|element| place(seed.deserialize(Source(element)), element.index())).transpose()
    }
}

struct Entries<'a> {
    members: Members<'a>,
    value: Option<NodeRef<'a>>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = TypedError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, TypedError> {
        let Some((key, value)) = self.members.next() else { return Ok(None) };
        self.value = Some(value);
        let text: de::value::BorrowedStrDeserializer<'de, TypedError> =
            de::value::BorrowedStrDeserializer::new(key.text());
        place(seed.deserialize(text), key.index()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, TypedError> {
        let value =
            self.value.take().ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        place(seed.deserialize(Source(value)), value.index())
    }
}

struct Placed<'a> {
    source: Option<Source<'a>>,
    step: u8,
}

impl<'de> de::SeqAccess<'de> for Placed<'de> {
    type Error = TypedError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TypedError> {
        self.step += 1;
        match (self.step, &self.source) {
            (1, Some(source)) => seed.deserialize(source.0.index().into_deserializer()).map(Some),
            (2, Some(_)) => self.source.take().map(|source| seed.deserialize(source)).transpose(),
            _ => Ok(None),
        }
    }
}
