//! Kinds: their names, the patterns by which rules select them, and their schemas.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::field::{FileField, file_fields};
use super::inventory::{ReferenceField, reference_fields};
use super::sensitive::{SensitiveField, sensitive_fields};
use crate::finding::{Identity, OWN_GROUP};
use crate::schema::{Body, Description, SchemaError};

/// Group and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName {
    /// API group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
}

impl KindName {
    /// Reads `DataStore`, `apps/Deployment` or `core/Service`.
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once('/') {
            Some((group, kind)) => Self { group: group.into(), kind: kind.into() },
            None => Self { group: OWN_GROUP.into(), kind: text.into() },
        }
    }

    /// The kind of a resource.
    pub fn of(identity: &Identity) -> Self {
        Self { group: Arc::clone(&identity.group), kind: Arc::clone(&identity.kind) }
    }

    /// Whether it is one of assize's own group.
    pub fn is_own(&self) -> bool {
        &*self.group == OWN_GROUP
    }
}

impl std::fmt::Display for KindName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.is_own() {
            write!(formatter, "{}/", self.group)?;
        }
        formatter.write_str(&self.kind)
    }
}

/// How a rule names kinds: `DataStore`, `apps/Deployment`, `*/Deployment` (any group), `apps/*`, `*` (all).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    group: Option<Arc<str>>,
    kind: Option<Arc<str>>,
}

impl Pattern {
    /// Reads a pattern; none if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = |text: &str| !text.is_empty() && !text.contains(['*', ' ', '/']);
        let part = |text: &str| match text {
            "*" => Some(None),
            text if is_word(text) => Some(Some(Arc::from(text))),
            _ => None,
        };
        match text.rsplit_once('/') {
            Some((group, kind)) => Some(Self { group: part(group)?, kind: part(kind)? }),
            None if text == "*" => Some(Self { group: None, kind: None }),
            None => Some(Self { group: Some(OWN_GROUP.into()), kind: part(text)? }),
        }
    }

    /// Whether a kind is meant.
    pub fn matches(&self, kind: &KindName) -> bool {
        self.group.as_ref().is_none_or(|group| *group == kind.group)
            && self.kind.as_ref().is_none_or(|name| *name == kind.kind)
    }

    /// The one kind that it means, if it means just one.
    pub fn exact(&self) -> Option<KindName> {
        let (group, kind) = self.group.as_ref().zip(self.kind.as_ref())?;
        Some(KindName { group: Arc::clone(group), kind: Arc::clone(kind) })
    }
}

/// The schema of a kind.
#[derive(Debug)]
pub struct KindSchema {
    /// Which kind.
    pub name: KindName,
    /// The file it was read from.
    pub file: Arc<str>,
    /// The JSON Schema, and its text where that is parsed when first asked for.
    schema: OnceLock<Arc<Value>>,
    text: Option<&'static str>,
    body: OnceLock<Result<Body, SchemaError>>,
    references: OnceLock<Vec<ReferenceField>>,
    files: OnceLock<Vec<FileField>>,
    sensitive: OnceLock<Vec<SensitiveField>>,
}

impl KindSchema {
    fn new(name: KindName, file: Arc<str>, schema: OnceLock<Arc<Value>>, text: Option<&'static str>) -> Self {
        let (body, references, files, sensitive) = Default::default();
        Self { name, file, schema, text, body, references, files, sensitive }
    }

    /// The JSON Schema. A text of the library that is none, which its tests would tell, becomes `null`, and that is no
    /// schema either.
    pub fn schema(&self) -> &Value {
        self.shared()
    }

    fn shared(&self) -> &Arc<Value> {
        let parse = || self.text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        self.schema.get_or_init(|| Arc::new(parse()))
    }

    /// The fields whose values no report may show.
    pub fn sensitive(&self) -> &[SensitiveField] {
        self.sensitive.get_or_init(|| {
            // Most schemas mark none: then there is no need to parse them.
            let is_marked = self.text.is_none_or(|text| text.contains("x-sensitive"));
            sensitive_fields(&self.name, is_marked.then(|| self.schema()))
        })
    }

    /// The fields that hold references.
    pub fn references(&self) -> &[ReferenceField] {
        self.references.get_or_init(|| reference_fields(self.schema()))
    }

    /// The fields that hold paths of files. A schema that marks them wrongly has no body either, so that its
    /// resources cannot pass.
    pub fn files(&self) -> &[FileField] {
        self.files.get_or_init(|| file_fields(self.schema()).unwrap_or_default())
    }

    /// The compiled schema; compiled when first asked for.
    ///
    /// # Errors
    /// What makes the schema unusable.
    pub fn body(&self) -> Result<&Body, &SchemaError> {
        self.body.get_or_init(|| self.compile()).as_ref()
    }

    fn compile(&self) -> Result<Body, SchemaError> {
        file_fields(self.schema()).map_err(|message| SchemaError {
            pointer: String::new(),
            message,
            help: None,
        })?;
        Body::compile(Arc::clone(self.shared()), Description::Documents, &Arc::from([]))
    }

    /// What makes the schema unusable, if it has been compiled.
    pub fn error(&self) -> Option<&SchemaError> {
        self.body.get().and_then(|body| body.as_ref().err())
    }

    /// The first sentence about the kind.
    pub fn description(&self) -> &str {
        self.schema().get("description").and_then(Value::as_str).unwrap_or_default()
    }
}

/// All schemas of a run by kind.
#[derive(Debug, Default)]
pub struct KindLibrary {
    schemas: BTreeMap<KindName, Arc<KindSchema>>,
    is_builtin: bool,
    keeps_library: bool,
}

impl KindLibrary {
    /// The kinds of the library: each with its file and the text of its schema. One more, and these are no longer the
    /// library's.
    pub fn of_library(kinds: impl Iterator<Item = (KindName, Arc<str>, &'static str)>) -> Self {
        let entry = |(name, file, text): (KindName, _, _)| {
            (name.clone(), Arc::new(KindSchema::new(name, file, OnceLock::new(), Some(text))))
        };
        Self { schemas: kinds.map(entry).collect(), is_builtin: true, keeps_library: true }
    }

    /// Whether these are the library's kinds and no others.
    pub fn is_builtin(&self) -> bool {
        self.is_builtin
    }

    /// Whether the library's kinds are among these, and none of them is changed.
    pub fn keeps_library(&self) -> bool {
        self.keeps_library
    }

    /// Adds a schema. One for a kind that has one already adds to it: mappings are merged, the lists `required`
    /// and `enum` united, anything else is replaced.
    pub fn add(&mut self, name: KindName, schema: Value, file: Arc<str>) {
        self.is_builtin = false;
        let (schema, file) = match self.schemas.remove(&name) {
            Some(old) => {
                self.keeps_library = false;
                let mut merged = old.schema().clone();
                merge(&mut merged, schema);
                (merged, file)
            }
            None => (schema, file),
        };
        let entry = KindSchema::new(name.clone(), file, OnceLock::from(Arc::new(schema)), None);
        drop(self.schemas.insert(name, Arc::new(entry)));
    }

    /// The schema of a kind.
    pub fn get(&self, name: &KindName) -> Option<&Arc<KindSchema>> {
        self.schemas.get(name)
    }

    /// All schemas in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KindSchema>> {
        self.schemas.values()
    }

    /// The kind of our own group whose name is nearest to `name`, if one is near.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let lower = name.to_lowercase();
        self.schemas
            .keys()
            .filter(|known| known.is_own())
            .map(|known| (strsim::damerau_levenshtein(&lower, &known.kind.to_lowercase()), &*known.kind))
            .min()
            .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
            .map(|(_, known)| known)
    }

    /// The schemas of the kinds that a pattern means.
    pub fn matching<'a>(&'a self, pattern: &'a Pattern) -> impl Iterator<Item = &'a Arc<KindSchema>> {
        self.schemas.values().filter(|schema| pattern.matches(&schema.name))
    }
}

fn merge(target: &mut Value, addition: Value) {
    match (target, addition) {
        (Value::Object(target), Value::Object(addition)) => merge_maps(target, addition),
        (target, addition) => *target = addition,
    }
}

fn merge_maps(target: &mut Map<String, Value>, addition: Map<String, Value>) {
    for (key, value) in addition {
        match (target.get_mut(&key), value) {
            (Some(Value::Array(old)), Value::Array(new)) if key == "required" || key == "enum" => {
                let fresh: Vec<_> = new.into_iter().filter(|item| !old.contains(item)).collect();
                old.extend(fresh);
            }
            (Some(old), value) => merge(old, value),
            (None, value) => drop(target.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns() {
        let matches =
            |pattern: &str, kind: &str| Pattern::parse(pattern).unwrap().matches(&KindName::parse(kind));
        assert!(matches("DataStore", "DataStore") && !matches("DataStore", "apps/DataStore"));
        assert!(matches("*/Deployment", "apps/Deployment") && matches("apps/*", "apps/Deployment"));
        assert!(matches("*", "core/Service") && matches("*", "Person"));
        for bad in ["", "a b", "Data*", "/x", "x/"] {
            assert_eq!(Pattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_repository_adds_fields_to_a_kind() {
        let mut library = KindLibrary::default();
        let name = KindName::parse("Person");
        let base = json!({"additionalProperties": false, "required": ["a"], "properties": {"a": {"type": "string"}}});
        library.add(name.clone(), base, "x".into());
        library.add(name.clone(), json!({"required": ["b"], "properties": {"b": true}}), "y".into());
        let merged = json!({
            "additionalProperties": false, "required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": true}});
        assert_eq!(*library.get(&name).unwrap().schema(), merged);
    }
}
