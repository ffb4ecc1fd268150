//! The built-in library: `policies/` and `schemas/` as they stood when the program was built.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Every file of `policies/`: its path in the project, and its text.
pub fn builtin_policies() -> &'static [(&'static str, &'static str)] {
    POLICIES
}

/// The text of a rule up to its examples, which stand last and are most of it: what a run needs. A file that is
/// written otherwise is given whole.
pub fn without_examples(text: &str) -> &str {
    const EXAMPLES: &str = "\n  examples:\n";
    let Some((before, after)) = text.split_once(EXAMPLES) else { return text };
    // Another key of `spec`, or another document, would be lost.
    let is_last =
        after.lines().all(|line| line.is_empty() || line.starts_with("  -") || line.starts_with("   "));
    if is_last { before } else { text }
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
