//! What all typed documents of ours share: their envelope, and problems that know their place.

use std::cell::OnceCell;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Visitor};

use crate::finding::Location;
use crate::problem::{Code, Problem};
use crate::schema::SchemaError;
use crate::yaml::{Kind, Limits, LineIndex, NodeRef, Span, Tape, TypedError, parse, typed};

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

/// A file of ours that holds one document, without an envelope and with a version.
pub(super) struct Versioned {
    /// Of its problems.
    pub(super) code: Code,
    /// What it should be, without an article.
    pub(super) name: &'static str,
    /// The version that is known.
    pub(super) version: u32,
    /// What to do about another one.
    pub(super) help: Option<&'static str>,
}

impl Versioned {
    /// Reads it. With its form come the tape, for places, and what is wrong with the document besides.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        bytes: Vec<u8>,
        file: &Arc<str>,
    ) -> Result<(Tape, T, Vec<Problem>), Vec<Problem>> {
        let (tape, problems) = parse(bytes, file, &Limits::default());
        if !problems.is_empty() {
            return Err(problems);
        }
        let Self { code, name, version: known, help } = *self;
        let [document] = tape.documents.as_slice() else {
            let is = if tape.documents.is_empty() { "is empty" } else { "holds more than one document" };
            let message = format!("the file {is}, should be a {name}");
            return Err(vec![Problem::new(code, message).at(Location::start_of(file))]);
        };
        let locator = Locator::new(file, &tape);
        let faults = document.faults.iter().map(|fault| {
            let lines = LineIndex::new(tape.source());
            Problem::new(fault.code, fault.message.clone()).at(lines.location(file, fault.span, ""))
        });
        let mut problems: Vec<Problem> = faults.collect();
        let root = tape.root(document);
        // What a later version holds is not known, so its version is looked at first.
        match root.get("version") {
            Some(version) if version.text() == known.to_string() && version.kind() == Kind::Int => {}
            Some(version) => {
                let message = format!("version {} is not known, should be {known}", version.text());
                let problem = locator.problem(code, version.index(), message);
                return Err(vec![match help {
                    Some(help) => problem.with_help(help),
                    None => problem,
                }]);
            }
            None => {
                let message = format!("is no {name}: it has no `version`");
                return Err(vec![locator.problem(code, root.index(), message)]);
            }
        }
        match typed(root) {
            Ok(form) => {
                drop(locator);
                Ok((tape, form, problems))
            }
            Err(error) => {
                problems.push(locator.typed(code, root.index(), error));
                Err(problems)
            }
        }
    }
}

/// Whether a name is kebab-case: lower-case letters and digits in words joined by hyphens.
pub(super) fn is_kebab_case(name: &str) -> bool {
    !name.is_empty()
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}
