//! What all typed documents of ours share: their envelope, and problems that know their place.

use std::cell::OnceCell;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{self, Visitor};

use crate::finding::Location;
use crate::problem::{Code, Problem};
use crate::schema::SchemaError;
use crate::yaml::{LineIndex, NodeRef, Span, Tape, TypedError};

/// Turns nodes of one file into locations.
#[derive(Debug)]
pub struct Locator<'t> {
    file: Arc<str>,
    tape: &'t Tape,
    lines: OnceCell<LineIndex<'t>>,
}

impl<'t> Locator<'t> {
    /// For the file with this name and tape.
    pub fn new(file: &Arc<str>, tape: &'t Tape) -> Self {
        Self { file: Arc::clone(file), tape, lines: OnceCell::new() }
    }

    /// Where a node is written.
    pub fn of(&self, node: u32) -> Location {
        let lines = self.lines.get_or_init(|| LineIndex::new(self.tape.source()));
        lines.location(&self.file, self.tape.node(node).span(), "")
    }

    /// The span of a node.
    pub(super) fn span(&self, node: u32) -> Span {
        self.tape.node(node).span()
    }

    /// The text of the file.
    pub(super) fn source(&self) -> &str {
        self.tape.source()
    }

    /// A problem at a node.
    pub fn problem(&self, code: Code, node: u32, message: impl Into<String>) -> Problem {
        Problem::new(code, message).at(self.of(node))
    }

    /// What a typed document lacks.
    pub fn typed(&self, code: Code, root: u32, error: TypedError) -> Problem {
        let problem = self.problem(code, error.node.unwrap_or(root), error.message);
        match error.help {
            Some(help) => problem.with_help(help),
            None => problem,
        }
    }

    /// What is wrong with a schema that stands at `node`: as near to its pointer as there is a node.
    pub fn schema(&self, code: Code, node: u32, error: SchemaError) -> Problem {
        let problem = self.problem(code, self.pointer(node, &error.pointer), error.message);
        match error.help {
            Some(help) => problem.with_help(help),
            None => problem,
        }
    }

    /// The node at a JSON Pointer below `node`, or the last one on the way that exists; keys win over values.
    pub fn pointer(&self, node: u32, pointer: &str) -> u32 {
        let mut value = self.tape.node(node);
        let mut best = node;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next: Option<(NodeRef<'_>, NodeRef<'_>)> = value.entry(&part).or_else(|| {
                let element = part.parse().ok().and_then(|position| value.element(position))?;
                Some((element, element))
            });
            let Some((key, next)) = next else { break };
            best = key.index();
            value = next;
        }
        best
    }
}

/// `metadata:` of our documents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) name: crate::yaml::Place<String>,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default, rename = "namespace")]
    _namespace: Option<String>,
    #[serde(default, rename = "labels")]
    _labels: std::collections::BTreeMap<String, String>,
    #[serde(default, rename = "annotations")]
    _annotations: std::collections::BTreeMap<String, String>,
}

/// A value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a mapping or a list of mappings")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = list.next_element()? {
                    many.push(one);
                }
                Ok(OneOrMany(many))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|one| OneOrMany(vec![one]))
            }
        }
        deserializer.deserialize_any(OneOrManyVisitor(std::marker::PhantomData))
    }
}

/// Whether a name is kebab-case: lower-case letters and digits in words joined by hyphens.
pub(super) fn is_kebab_case(name: &str) -> bool {
    !name.is_empty()
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}
