//! The closed vocabulary of rule schemas: every keyword is known, or the rule does not load.

use serde_json::{Map, Value};

use super::SchemaError;

/// Where the subschemas of a keyword stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// None: its value is data.
    Nothing,
    /// The value is one.
    Schema,
    /// The value is a list of them.
    List,
    /// The value maps names to them.
    Map,
    /// The value maps dotted paths to a schema, a scalar or a list (`x-has`).
    Paths,
    /// The value may have a member `must`, a schema for another document (`x-ref`, `x-referrers`).
    Must,
}

/// JSON Schema 2020-12 without `format`, `$dynamicRef` and `unevaluated*`, and the keywords of assize.
pub(super) const KEYWORDS: &[(&str, Holds)] = &[
    ("$comment", Holds::Nothing),
    ("$defs", Holds::Map),
    ("$ref", Holds::Nothing),
    ("additionalProperties", Holds::Schema),
    ("allOf", Holds::List),
    ("anyOf", Holds::List),
    ("const", Holds::Nothing),
    ("contains", Holds::Schema),
    ("dependentRequired", Holds::Nothing),
    ("dependentSchemas", Holds::Map),
    ("description", Holds::Nothing),
    ("else", Holds::Schema),
    ("enum", Holds::Nothing),
    ("exclusiveMaximum", Holds::Nothing),
    ("exclusiveMinimum", Holds::Nothing),
    ("if", Holds::Schema),
    ("items", Holds::Schema),
    ("maxContains", Holds::Nothing),
    ("maxItems", Holds::Nothing),
    ("maxLength", Holds::Nothing),
    ("maxProperties", Holds::Nothing),
    ("maximum", Holds::Nothing),
    ("minContains", Holds::Nothing),
    ("minItems", Holds::Nothing),
    ("minLength", Holds::Nothing),
    ("minProperties", Holds::Nothing),
    ("minimum", Holds::Nothing),
    ("multipleOf", Holds::Nothing),
    ("not", Holds::Schema),
    ("oneOf", Holds::List),
    ("pattern", Holds::Nothing),
    ("patternProperties", Holds::Map),
    ("prefixItems", Holds::List),
    ("properties", Holds::Map),
    ("propertyNames", Holds::Schema),
    ("required", Holds::Nothing),
    ("then", Holds::Schema),
    ("title", Holds::Nothing),
    ("type", Holds::Nothing),
    ("uniqueItems", Holds::Nothing),
    ("x-contains", Holds::Nothing),
    ("x-date", Holds::Nothing),
    ("x-duration", Holds::Nothing),
    ("x-has", Holds::Paths),
    ("x-ref", Holds::Must),
    ("x-referrers", Holds::Must),
    ("x-unique", Holds::Nothing),
    ("x-value", Holds::Nothing),
];

/// Where the subschemas of `keyword` stand; none if there is no such keyword.
pub(super) fn holds(keyword: &str) -> Option<Holds> {
    KEYWORDS.iter().find(|(name, _)| *name == keyword).map(|(_, holds)| *holds)
}

/// Visits the subschemas directly beneath an object schema, with their keyword and JSON Pointer suffix.
pub(super) fn subschemas<'s>(
    schema: &'s Map<String, Value>,
    mut visit: impl FnMut(&'s str, String, &'s Value),
) {
    for (keyword, value) in schema {
        match (holds(keyword), value) {
            (Some(Holds::Schema), value) => visit(keyword, format!("/{keyword}"), value),
            (Some(Holds::List), Value::Array(list)) => {
                for (position, value) in list.iter().enumerate() {
                    visit(keyword, format!("/{keyword}/{position}"), value);
                }
            }
            (Some(Holds::Map), Value::Object(map)) => {
                for (name, value) in map {
                    visit(keyword, format!("/{keyword}/{}", escape(name)), value);
                }
            }
            (Some(Holds::Paths), Value::Object(map)) => {
                for (name, value) in map.iter().filter(|(_, value)| value.is_object()) {
                    visit(keyword, format!("/{keyword}/{}", escape(name)), value);
                }
            }
            (Some(Holds::Must), Value::Object(members)) => {
                if let Some(must) = members.get("must") {
                    visit(keyword, format!("/{keyword}/must"), must);
                }
            }
            _ => {}
        }
    }
}

/// A name as a part of a JSON Pointer.
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where a subschema stands.
#[derive(Clone, Copy)]
struct Standing {
    /// At the start of a document: the top of a schema, or of a `must`, through combinations alone.
    at_start: bool,
    /// Inside a `must`, where there is an outer document.
    in_must: bool,
}

/// Checks that a schema, parameters put in, uses nothing but the vocabulary: every keyword known, `$ref` to a
/// definition, `x-referrers` at a start, `outer` inside a `must`. What the values of the other keywords of assize
/// must be is checked when they are compiled.
///
/// # Errors
/// The first keyword that is unknown or misused.
pub fn check_vocabulary(schema: &Value) -> Result<(), SchemaError> {
    check(schema, "", Standing { at_start: true, in_must: false })
}

fn check(schema: &Value, pointer: &str, standing: Standing) -> Result<(), SchemaError> {
    let object = match schema {
        Value::Object(object) => object,
        Value::Bool(_) => return Ok(()),
        _ => return Err(error(pointer, "a schema should be a mapping, true or false")),
    };
    for (keyword, value) in object {
        check_keyword(keyword, value, &format!("{pointer}/{}", escape(keyword)), standing)?;
    }
    let mut result = Ok(());
    subschemas(object, |keyword, suffix, subschema| {
        let combines = matches!(keyword, "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else");
        let is_must = matches!(keyword, "x-ref" | "x-referrers");
        let standing = Standing {
            at_start: is_must || (combines && standing.at_start),
            in_must: is_must || standing.in_must,
        };
        if result.is_ok() {
            result = check(subschema, &format!("{pointer}{suffix}"), standing);
        }
    });
    result
}

fn check_keyword(keyword: &str, value: &Value, place: &str, standing: Standing) -> Result<(), SchemaError> {
    let Some(holds) = holds(keyword) else {
        let unknown = error(place, format!("unknown keyword `{keyword}`"));
        return Err(SchemaError { help: Some(suggest(keyword)), ..unknown });
    };
    match (holds, value) {
        (Holds::List, Value::Array(list)) if !list.is_empty() => {}
        (Holds::List, _) => return Err(error(place, format!("`{keyword}` should be a list of schemas"))),
        (Holds::Map, Value::Object(_)) => {}
        (Holds::Map, _) => return Err(error(place, format!("`{keyword}` should be a mapping of schemas"))),
        (Holds::Paths, Value::Object(paths)) if !paths.is_empty() => check_paths(paths, place)?,
        (Holds::Paths, _) => {
            return Err(error(place, "`x-has` should be a mapping from paths to what they must be"));
        }
        _ => {}
    }
    if keyword == "$ref" && !value.as_str().is_some_and(|target| target.starts_with("#/$defs/")) {
        return Err(error(place, "`$ref` should be `#/$defs/<name>`"));
    }
    if keyword == "x-referrers" && !standing.at_start {
        return Err(error(
            place,
            "`x-referrers` should stand at the start: it is about the document, not a field",
        ));
    }
    if matches!(keyword, "x-date" | "x-duration" | "x-value") && !standing.in_must && mentions(value, "outer")
    {
        return Err(error(place, "`outer` should stand inside a `must`: here is no document around"));
    }
    Ok(())
}

/// Whether a key occurs anywhere in a value.
fn mentions(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(name, value)| name == key || mentions(value, key)),
        Value::Array(list) => list.iter().any(|value| mentions(value, key)),
        _ => false,
    }
}

/// Whether a schema looks at other documents.
pub fn is_joined(schema: &Value) -> bool {
    let Value::Object(object) = schema else { return false };
    let own = object.iter().any(|(keyword, value)| match keyword.as_str() {
        "x-ref" | "x-referrers" | "x-unique" => true,
        // References are equal if they name one resource, and that takes looking up.
        "x-value" => value.get("equals").is_some_and(Value::is_object),
        _ => false,
    });
    let mut below = false;
    subschemas(object, |_, _, subschema| below = below || is_joined(subschema));
    own || below
}

fn check_paths(paths: &Map<String, Value>, place: &str) -> Result<(), SchemaError> {
    for (path, value) in paths {
        let here = format!("{place}/{}", escape(path));
        if path.split('.').any(|name| name.is_empty() || name.contains(['/', '[', ']'])) {
            return Err(error(&here, "a path should be names joined by dots"));
        }
        let usable = match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Object(_) => true,
            Value::Array(list) => {
                !list.is_empty()
                    && list.iter().all(|item| !item.is_array() && !item.is_object() && !item.is_null())
            }
            Value::Null => false,
        };
        if !usable {
            return Err(error(&here, "should be a value, a list of values, or a schema"));
        }
    }
    Ok(())
}

fn error(pointer: &str, message: impl Into<String>) -> SchemaError {
    SchemaError { pointer: pointer.to_owned(), message: message.into(), help: None }
}

fn suggest(keyword: &str) -> String {
    let best = KEYWORDS.iter().map(|(name, _)| (strsim::damerau_levenshtein(keyword, name), *name)).min();
    match best {
        Some((distance, name)) if distance <= 3 => format!("did you mean `{name}`?"),
        _ => "rules use JSON Schema 2020-12 and the keywords of assize".to_owned(),
    }
}
