//! `pattern`, compiled once for all schemas: kinds and rules ask the same few things of names and references, and
//! compiling a regular expression is most of what compiling a schema costs.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jsonschema::{Keyword, ValidationError, ValidationOptions, Validator};
use serde_json::{Value, json};

use super::keyword::Boxed;
use super::{Subject, TapeJson};

/// A schema of one pattern and nothing else; whoever has the pattern shares it.
struct Pattern(Arc<Validator<TapeJson>>);

impl<'i> Keyword<'i, TapeJson> for Pattern {
    fn validate(&self, instance: Subject<'i>) -> Result<(), ValidationError<'i>> {
        self.0.validate(instance)
    }

    #[inline]
    fn is_valid(&self, instance: Subject<'i>) -> bool {
        self.0.is_valid(instance)
    }
}

/// What a run has met so far.
static KNOWN: LazyLock<RwLock<HashMap<String, Arc<Validator<TapeJson>>>>> = LazyLock::new(RwLock::default);

/// The keyword for a pattern; `options` are asked for if nobody has met it.
pub(super) fn compile(
    pattern: &Value,
    options: impl FnOnce() -> ValidationOptions<'static, Arc<dyn jsonschema::Retrieve>, TapeJson>,
) -> Result<Boxed, ValidationError<'static>> {
    // Anything but a text was refused before.
    let text = pattern.as_str().unwrap_or_default();
    if let Some(known) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(text) {
        return Ok(Box::new(Pattern(Arc::clone(known))));
    }
    let compiled = Arc::new(options().build(&json!({"pattern": pattern}))?);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    Ok(Box::new(Pattern(Arc::clone(known.entry(text.to_owned()).or_insert(compiled)))))
}
