//! JSON Schema on the tape: the home of the `jsonschema` crate.
//!
//! Input: schemas as JSON, values as tape nodes. Output: a compiled [`Body`], whether a node satisfies it,
//! and if not, failures in plain words with the node to point at. What it does not do: it fetches nothing
//! (no network, no files), and knows neither rules nor kinds.

mod exercise;
mod expand;
mod horizon;
mod json;
mod keyword;
mod known_path;
mod mutate;
mod operand;
mod path;
mod pattern;
mod reads;
mod scope;
mod sentence;
mod vocabulary;

use std::sync::Arc;

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

pub use exercise::{Exercise, Exercised};
pub use expand::{Parameters, Strictness, expand, substitute};
pub use horizon::watch;
pub use json::TapeJson;
pub use keyword::field_name;
pub use known_path::{UnknownPath, missing_field, unknown_paths};
pub use mutate::{Mutant, mutants};
pub use operand::path_of;
pub use path::{Path, Step};
pub use reads::{PathSet, Reads, reads};
pub use scope::{Inventory, Overlap, ResourceId, RunContext, Scope, Subject, start};
pub use sentence::{Failure, Judgement, describe};
pub use vocabulary::{check_vocabulary, is_joined};

use crate::date::Duration;

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
    schema: Arc<Value>,
    description: Description,
}

impl Body {
    /// Compiles a schema of draft 2020-12 that has been expanded; `at` is where every `must` in it begins.
    /// Formats assert; an unknown one is an error, and patterns are matched in linear time, so that a hostile one
    /// cannot stall a run.
    ///
    /// # Errors
    /// What the meta-schema, a keyword, a pattern or a reference refuses.
    pub fn compile(
        schema: impl Into<Arc<Value>>,
        description: Description,
        at: &Arc<[String]>,
    ) -> Result<Self, SchemaError> {
        let schema = schema.into();
        let plain = || {
            jsonschema::options_for::<TapeJson>()
                .with_draft(jsonschema::Draft::Draft202012)
                .with_pattern_options(PatternOptions::regex())
                .offline()
        };
        let mut options = plain()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_format("duration", |text: &str| Duration::parse(text).is_some())
            .with_keyword("pattern", move |_, value, _| pattern::compile(value, plain));
        // In kinds the same words declare what `estate` reads: references.
        if description == Description::Speaks {
            for name in keyword::NAMES {
                let frame = keyword::Frame { at: Arc::clone(at) };
                options = options.with_keyword(name, move |_, value, _| {
                    let pattern = |value: &Value| {
                        pattern::compile(value, plain).map_err(|error| sentence::schema_error(&error))
                    };
                    let compiled = keyword::compile(name, value, &frame, pattern);
                    compiled.map_err(|message| ValidationError::custom(format!("`{name}` {message}")))
                });
            }
        }
        let validator = options.build(&schema).map_err(|error| SchemaError {
            pointer: error.schema_path().as_str().to_owned(),
            message: sentence::schema_error(&error),
            help: None,
        })?;
        Ok(Self { validator, schema, description })
    }

    /// Whether the start of the scope satisfies the schema.
    #[inline]
    pub fn holds(&self, scope: &Scope<'_>) -> bool {
        self.validator.is_valid(scope.subject())
    }

    /// Whether a value satisfies the schema, wherever it stands in its document.
    fn holds_for(&self, subject: &Subject<'_>) -> bool {
        self.validator.is_valid(*subject)
    }

    /// What fails, one entry a path, in the order of the paths. `at` is where the schema begins in the document.
    pub fn failures<'a>(&self, scope: &Scope<'a>, at: &[String]) -> Judgement<'a> {
        sentence::judge(self.validator.iter_errors(scope.subject()), self, scope, at)
    }
}
