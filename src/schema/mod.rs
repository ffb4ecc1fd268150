//! JSON Schema on the tape: the home of the `jsonschema` crate.
//!
//! Input: schemas as JSON, values as tape nodes. Output: a compiled [`Body`], whether a node satisfies it,
//! and if not, failures in plain words with the node to point at. What it does not do: it fetches nothing
//! (no network, no files), and knows neither rules nor kinds.

mod expand;
mod json;
mod known_path;
mod path;
mod sentence;
mod vocabulary;

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

pub use expand::{Parameters, Strictness, expand, substitute};
pub use json::TapeJson;
pub use known_path::{UnknownPath, unknown_paths};
pub use path::{Path, Step};
pub use sentence::{Failure, describe};
pub use vocabulary::check_vocabulary;

use crate::date::Duration;
use crate::yaml::{NodeRef, Tape};

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// JSON Pointer into the schema as written.
    pub pointer: String,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// How to repair it, where that is known.
    pub help: Option<String>,
}

/// What `description` in a schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Description {
    /// It documents the schema: kinds.
    Documents,
    /// It is the message where the subschema fails: rules.
    Speaks,
}

/// A compiled schema.
#[derive(Debug)]
pub struct Body {
    validator: Validator<TapeJson>,
    schema: Value,
    description: Description,
}

static EMPTY_MAP: LazyLock<Tape> = LazyLock::new(Tape::of_empty_map);

/// The start of a rule: the node at a path of keys, or an empty mapping where there is none.
pub fn start<'a>(root: NodeRef<'a>, at: &[String]) -> NodeRef<'a> {
    root.at(at.iter().map(String::as_str)).unwrap_or_else(|| EMPTY_MAP.node(0))
}

impl Body {
    /// Compiles a schema of draft 2020-12 that has been expanded. Formats assert; an unknown one is an error,
    /// and patterns are matched in linear time, so that a hostile one cannot stall a run.
    ///
    /// # Errors
    /// What the meta-schema, a pattern or a reference refuses.
    pub fn compile(schema: Value, description: Description) -> Result<Self, SchemaError> {
        let validator = jsonschema::options_for::<TapeJson>()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_format("duration", |text: &str| Duration::parse(text).is_some())
            .with_pattern_options(PatternOptions::regex())
            .offline()
            .build(&schema)
            .map_err(|error| SchemaError {
                pointer: error.instance_path().as_str().to_owned(),
                message: sentence::schema_error(&error),
                help: None,
            })?;
        Ok(Self { validator, schema, description })
    }

    /// Whether the node satisfies the schema.
    #[inline]
    pub fn holds(&self, node: NodeRef<'_>) -> bool {
        self.validator.is_valid(node)
    }

    /// What fails, one entry a path, in the order of the paths. `root` is the document, `at` where the
    /// schema begins in it.
    pub fn failures<'a>(&self, root: NodeRef<'a>, at: &[String]) -> Vec<Failure<'a>> {
        let node = start(root, at);
        sentence::failures(self.validator.iter_errors(node), self, root, at)
    }
}
