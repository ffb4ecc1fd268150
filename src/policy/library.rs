//! The built-in library: `policies/` and `schemas/` as they stood when the program was built.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A file of `policies/`.
#[derive(Debug)]
pub struct BuiltinPolicy {
    /// Its path in the project.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
    head: usize,
    /// The digest of what a run needs of it.
    pub(super) digest: &'static str,
}

impl BuiltinPolicy {
    /// The text of a rule up to its examples, which stand last and are most of it: what a run needs.
    pub fn without_examples(&self) -> &'static str {
        self.text.get(..self.head).unwrap_or(self.text)
    }
}

/// Every file of `policies/`, in the order of their paths.
pub fn builtin_policies() -> &'static [BuiltinPolicy] {
    POLICIES
}

/// The digest of what the pack depends on besides the file of a rule.
pub(super) fn surroundings() -> &'static str {
    SURROUNDINGS
}

/// What the pack holds for a rule, or for a file of Rego, if it was worked out from the library as it is.
pub(super) fn packed(name: &str) -> Option<&'static str> {
    let at = PACK.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    PACK.get(at).map(|(_, packed)| *packed)
}

/// The schema of every built-in kind: the kind's name, the path in the project, and the text.
pub fn builtin_kind_schemas() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    SCHEMAS.iter().filter_map(|(path, text)| {
        let kind = path.strip_prefix("schemas/kinds/")?.strip_suffix(".schema.json")?;
        Some((kind, *path, *text))
    })
}

/// The schemas of our own documents and of the output, by their short name (`Rule`, `output`).
pub fn builtin_schema(name: &str) -> Option<&'static str> {
    let path = format!("schemas/{name}.schema.json");
    SCHEMAS.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

/// The short names for [`builtin_schema`].
pub fn builtin_schema_names() -> impl Iterator<Item = &'static str> {
    SCHEMAS.iter().filter_map(|(path, _)| {
        let name = path.strip_prefix("schemas/")?.strip_suffix(".schema.json")?;
        (!name.contains('/')).then_some(name)
    })
}
