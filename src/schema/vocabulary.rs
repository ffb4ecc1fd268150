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
    ("x-has", Holds::Paths),
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
            _ => {}
        }
    }
}

/// A name as a part of a JSON Pointer.
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Levels of a schema, each name of a path of `x-has` counted as one. To compile one level costs a little more
/// than the one before, so that a path of some ten thousand names never came to an end.
const DEEPEST: usize = 128;

/// Checks that a schema, parameters put in, uses nothing but the vocabulary, and uses `x-has` and `$ref` rightly.
///
/// # Errors
/// The first keyword that is unknown or misused.
pub fn check_vocabulary(schema: &Value) -> Result<(), SchemaError> {
    check(schema, "", 0)
}

fn check(schema: &Value, pointer: &str, depth: usize) -> Result<(), SchemaError> {
    if depth > DEEPEST {
        return Err(error(pointer, format!("the schema goes beyond {DEEPEST} levels")));
    }
    let object = match schema {
        Value::Object(object) => object,
        Value::Bool(_) => return Ok(()),
        _ => return Err(error(pointer, "a schema should be a mapping, true or false")),
    };
    for (keyword, value) in object {
        let place = format!("{pointer}/{}", escape(keyword));
        let Some(holds) = holds(keyword) else {
            return Err(SchemaError {
                help: Some(suggest(keyword)),
                ..error(&place, format!("unknown keyword `{keyword}`"))
            });
        };
        match (holds, value) {
            (Holds::List, Value::Array(list)) if !list.is_empty() => {}
            (Holds::List, _) => {
                return Err(error(&place, format!("`{keyword}` should be a list of schemas")));
            }
            (Holds::Map, Value::Object(_)) => {}
            (Holds::Map, _) => {
                return Err(error(&place, format!("`{keyword}` should be a mapping of schemas")));
            }
            (Holds::Paths, Value::Object(paths)) if !paths.is_empty() => check_paths(paths, &place, depth)?,
            (Holds::Paths, _) => {
                return Err(error(&place, "`x-has` should be a mapping from paths to what they must be"));
            }
            _ => {}
        }
        if keyword == "$ref" && !value.as_str().is_some_and(|target| target.starts_with("#/$defs/")) {
            return Err(error(&place, "`$ref` should be `#/$defs/<name>`"));
        }
    }
    let mut result = Ok(());
    subschemas(object, |keyword, suffix, subschema| {
        if result.is_ok() {
            let levels = if keyword == "x-has" { names(&suffix) } else { 1 };
            result = check(subschema, &format!("{pointer}{suffix}"), depth + levels);
        }
    });
    result
}

/// How many names a dotted path has.
fn names(path: &str) -> usize {
    path.split('.').count()
}

fn check_paths(paths: &Map<String, Value>, place: &str, depth: usize) -> Result<(), SchemaError> {
    for (path, value) in paths {
        let here = format!("{place}/{}", escape(path));
        if depth + names(path) > DEEPEST {
            return Err(error(&here, format!("the path makes the schema go beyond {DEEPEST} levels")));
        }
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
        _ => "rules use JSON Schema 2020-12 and `x-has`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_have_a_greatest_depth() {
        let path = |names: usize| vec!["a"; names].join(".");
        let has = |names: usize, value: Value| json!({"x-has": {path(names): value}});
        let message = |schema: &Value| check_vocabulary(schema).map_err(|error| error.message);
        assert_eq!(message(&has(128, json!(1))), Ok(()));
        let beyond = Err("the path makes the schema go beyond 128 levels".to_owned());
        assert_eq!(message(&has(129, json!(1))), beyond);
        assert_eq!(message(&has(100_000, json!({"type": "object"}))), beyond);
        assert_eq!(message(&json!({"not": has(100, has(27, json!(true)))})), Ok(()));
        assert_eq!(message(&json!({"not": has(100, has(28, json!(true)))})), beyond);
        assert_eq!(
            message(&json!({"not": has(100, has(27, json!({"not": true})))})),
            Err("the schema goes beyond 128 levels".to_owned())
        );
    }
}
