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
    ("x-text", Holds::Nothing),
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

/// Levels of a schema, each name of a path of `x-has` counted as one. To compile one level costs a little more
/// than the one before, so that a path of some ten thousand names never came to an end.
const DEEPEST: usize = 128;

/// Where a subschema stands.
#[derive(Clone, Copy)]
struct Standing {
    /// Levels around it.
    depth: usize,
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
    check_definitions(schema)?;
    check(schema, "", Standing { depth: 0, at_start: true, in_must: false })
}

/// Places that a schema has when every `$ref` is written out. Definitions that use each other twice double with
/// each level, and so would the work on every resource.
const MOST_PLACES: u64 = 10_000;

fn check_definitions(schema: &Value) -> Result<(), SchemaError> {
    let Some(Value::Object(definitions)) = schema.get("$defs") else { return Ok(()) };
    let mut sizes = std::collections::HashMap::new();
    for name in definitions.keys() {
        if size_of_definition(name, definitions, &mut sizes, 0) > MOST_PLACES {
            let place = format!("/$defs/{}", escape(name));
            return Err(error(&place, format!("the definition unfolds into more than {MOST_PLACES} places")));
        }
    }
    Ok(())
}

fn size_of_definition<'s>(
    name: &'s str,
    definitions: &'s Map<String, Value>,
    sizes: &mut std::collections::HashMap<&'s str, u64>,
    depth: usize,
) -> u64 {
    if let Some(size) = sizes.get(name) {
        return *size;
    }
    if depth > DEEPEST {
        return MOST_PLACES + 1;
    }
    // A definition within itself is bounded by the document, and counts once.
    sizes.insert(name, 1);
    let mut size = 0_u64;
    let mut places = vec![definitions.get(name)];
    while let Some(place) = places.pop() {
        let Some(Value::Object(object)) = place else { continue };
        size = size.saturating_add(1);
        if let Some(target) =
            object.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix("#/$defs/"))
        {
            size = size.saturating_add(size_of_definition(target, definitions, sizes, depth + 1));
        }
        subschemas(object, |_, _, subschema| places.push(Some(subschema)));
    }
    sizes.insert(name, size);
    size
}

fn check(schema: &Value, pointer: &str, standing: Standing) -> Result<(), SchemaError> {
    if standing.depth > DEEPEST {
        return Err(error(pointer, format!("the schema goes beyond {DEEPEST} levels")));
    }
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
        let levels = if keyword == "x-has" { names(&suffix) } else { 1 };
        let standing = Standing {
            depth: standing.depth + levels,
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
        (Holds::Paths, Value::Object(paths)) if !paths.is_empty() => {
            check_paths(paths, place, standing.depth)?;
        }
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
        _ => "rules use JSON Schema 2020-12 and the keywords of assize".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn definitions_that_double_are_refused() {
        let level = |next: usize| {
            let part = json!({"$ref": format!("#/$defs/d{next}")});
            json!({"anyOf": [part.clone(), part]})
        };
        let mut definitions: Map<String, Value> =
            (0..30).map(|at| (format!("d{at}"), level(at + 1))).collect();
        drop(definitions.insert("d30".to_owned(), json!({"type": "string"})));
        let schema = json!({"$defs": definitions, "$ref": "#/$defs/d0"});
        assert!(check_vocabulary(&schema).is_err());
        let recursive =
            json!({"$defs": {"d": {"properties": {"x": {"$ref": "#/$defs/d"}}}}, "$ref": "#/$defs/d"});
        assert_eq!(check_vocabulary(&recursive), Ok(()));
    }

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
