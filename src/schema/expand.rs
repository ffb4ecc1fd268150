//! From a rule's schema as written to plain JSON Schema: parameters put in, `x-has` unfolded, and the types
//! that assertions imply said aloud.

use serde_json::{Map, Value, json};

use super::SchemaError;
use super::operand::TABLE;
use super::vocabulary::{Holds, escape, holds};

/// Values of a rule's parameters by name.
pub type Parameters = Map<String, Value>;

/// Whether a keyword that applies to one type only also demands that type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// It does: where a rule asserts, a value of another type fails.
    Asserting,
    /// It does not: in conditions.
    Condition,
}

/// Replaces every `{$param: name}` by the value of the parameter.
///
/// # Errors
/// A parameter that the rule does not declare.
pub fn substitute(value: &Value, parameters: &Parameters) -> Result<Value, SchemaError> {
    replace(value, parameters, "")
}

fn replace(value: &Value, parameters: &Parameters, pointer: &str) -> Result<Value, SchemaError> {
    match value {
        Value::Object(object) => {
            if let Some(name) = object.get("$param") {
                return parameter(object, name, parameters, pointer);
            }
            let replaced: Result<Map<_, _>, _> = object
                .iter()
                .map(|(key, value)| {
                    let place = format!("{pointer}/{}", escape(key));
                    replace(value, parameters, &place).map(|value| (key.clone(), value))
                })
                .collect();
            replaced.map(Value::Object)
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(position, value)| replace(value, parameters, &format!("{pointer}/{position}")))
            .collect(),
        _ => Ok(value.clone()),
    }
}

/// `{$param: name}` is the value; `{$param: name, by: place}` becomes an operand that looks the value up.
fn parameter(
    object: &Map<String, Value>,
    name: &Value,
    parameters: &Parameters,
    pointer: &str,
) -> Result<Value, SchemaError> {
    let error =
        |message: String, help: Option<String>| SchemaError { pointer: pointer.to_owned(), message, help };
    let Some(value) = name.as_str().and_then(|name| parameters.get(name)) else {
        let known: Vec<_> = parameters.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(error(
            format!("the rule declares no parameter {name}"),
            Some(format!("declared: {known}")),
        ));
    };
    match (object.len(), object.get("by")) {
        (1, _) => Ok(value.clone()),
        (2, Some(by @ Value::String(_))) if value.is_object() => Ok(json!({TABLE: value, "by": by})),
        (2, Some(Value::String(_))) => {
            Err(error(format!("parameter {name} should be a mapping to be looked up in"), None))
        }
        _ => Err(error("`$param` should stand alone, or with `by: place`".to_owned(), None)),
    }
}

const STRICT: &str = "!strict";

/// Unfolds `x-has` and adds implied types. The schema has passed [`super::check_vocabulary`].
pub fn expand(schema: &Value, strictness: Strictness) -> Value {
    let mut expanded = unfold(schema, strictness);
    // A definition may be used where the schema asserts and where it only asks, so there are two of it.
    let strict: Map<String, Value> = match schema.get("$defs") {
        Some(Value::Object(definitions)) => definitions
            .iter()
            .map(|(name, definition)| (format!("{name}{STRICT}"), unfold(definition, Strictness::Asserting)))
            .collect(),
        _ => Map::new(),
    };
    if let Some(Value::Object(definitions)) = expanded.get_mut("$defs") {
        definitions.extend(strict);
    }
    if let Some(definitions) = expanded.get("$defs").cloned() {
        define_in_musts(&mut expanded, &definitions);
    }
    expanded
}

/// Each `must` is compiled on its own, and so needs the definitions for itself.
fn define_in_musts(schema: &mut Value, definitions: &Value) {
    match schema {
        Value::Object(object) => {
            // Definitions themselves are left alone: a `must` in one cannot use another.
            for (keyword, value) in object.iter_mut().filter(|(keyword, _)| *keyword != "$defs") {
                if matches!(keyword.as_str(), "x-ref" | "x-referrers")
                    && let Some(Value::Object(must)) = value.get_mut("must")
                {
                    must.entry("$defs").or_insert_with(|| definitions.clone());
                }
                define_in_musts(value, definitions);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| define_in_musts(value, definitions)),
        _ => {}
    }
}

fn unfold(schema: &Value, strictness: Strictness) -> Value {
    let Value::Object(object) = schema else { return schema.clone() };
    let mut result = Map::new();
    let mut all_of = Vec::new();
    for (keyword, value) in object {
        let inner = match keyword.as_str() {
            "if" | "not" | "contains" | "anyOf" | "oneOf" | "$defs" => Strictness::Condition,
            _ => strictness,
        };
        match (holds(keyword).unwrap_or(Holds::Nothing), value) {
            (Holds::Schema, _) => drop(result.insert(keyword.clone(), unfold(value, inner))),
            (Holds::List, Value::Array(list)) if keyword == "allOf" => {
                // Kept in front, so that pointers into `allOf` as written stay true.
                all_of.splice(0..0, list.iter().map(|value| unfold(value, inner)));
            }
            (Holds::List, Value::Array(list)) => {
                drop(result.insert(keyword.clone(), list.iter().map(|value| unfold(value, inner)).collect()));
            }
            (Holds::Map, Value::Object(map)) => {
                let map = map.iter().map(|(name, value)| (name.clone(), unfold(value, inner))).collect();
                drop(result.insert(keyword.clone(), Value::Object(map)));
            }
            (Holds::Paths, Value::Object(paths)) => {
                all_of.extend(paths.iter().map(|(path, value)| has(path, value, strictness)));
            }
            (Holds::Must, Value::Object(members)) => {
                let mut members = members.clone();
                if let Some(must) = members.get_mut("must") {
                    *must = unfold(must, strictness);
                }
                drop(result.insert(keyword.clone(), Value::Object(members)));
            }
            (_, Value::String(target)) if keyword == "$ref" && strictness == Strictness::Asserting => {
                drop(result.insert(keyword.clone(), Value::String(format!("{target}{STRICT}"))));
            }
            _ => drop(result.insert(keyword.clone(), value.clone())),
        }
    }
    if !all_of.is_empty() {
        drop(result.insert("allOf".to_owned(), Value::Array(all_of)));
    }
    if strictness == Strictness::Asserting
        && !["type", "const", "enum", "$ref"].iter().any(|keyword| result.contains_key(*keyword))
        && let Some(implied) = implied_type(&result)
    {
        drop(result.insert("type".to_owned(), implied));
    }
    Value::Object(result)
}

/// `a.b: S` as nested `required` and `properties`. Each level demands a mapping in any context, since the
/// keyword says that the path exists.
fn has(path: &str, value: &Value, strictness: Strictness) -> Value {
    let target = match value {
        Value::Object(_) => unfold(value, strictness),
        Value::Array(_) => json!({"enum": value}),
        _ => json!({"const": value}),
    };
    path.rsplit('.').fold(
        target,
        |inner, name| json!({"type": "object", "required": [name], "properties": {name: inner}}),
    )
}

fn implied_type(schema: &Map<String, Value>) -> Option<Value> {
    const IMPLIED: &[(&str, &[&str])] = &[
        (
            "array",
            &[
                "items",
                "prefixItems",
                "contains",
                "minItems",
                "maxItems",
                "uniqueItems",
                "minContains",
                "maxContains",
            ],
        ),
        ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
        (
            "object",
            &[
                "properties",
                "patternProperties",
                "additionalProperties",
                "propertyNames",
                "required",
                "dependentRequired",
                "dependentSchemas",
                "minProperties",
                "maxProperties",
            ],
        ),
        ("string", &["pattern", "minLength", "maxLength"]),
    ];
    let types: Vec<_> = IMPLIED
        .iter()
        .filter(|(_, keywords)| keywords.iter().any(|keyword| schema.contains_key(*keyword)))
        .map(|(name, _)| *name)
        .collect();
    match types.as_slice() {
        [] => None,
        [one] => Some(json!(one)),
        several => Some(json!(several)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x_has_becomes_required_and_properties() {
        let schema = json!({"x-has": {"a.b": true}});
        let b = json!({"type": "object", "required": ["b"], "properties": {"b": {"const": true}}});
        let a = json!({"type": "object", "required": ["a"], "properties": {"a": b}});
        assert_eq!(expand(&schema, Strictness::Condition), json!({"allOf": [a]}));
        assert_eq!(
            expand(&json!({"x-has": {"a": [1, 2]}, "allOf": [true]}), Strictness::Condition),
            json!({"allOf": [true, {"type": "object", "required": ["a"], "properties": {"a": {"enum": [1, 2]}}}]}),
        );
    }

    #[test]
    fn assertions_imply_types_and_conditions_do_not() {
        let schema = json!({"properties": {"a": {"pattern": "x"}}, "if": {"required": ["b"]}, "then": {"items": true}});
        assert_eq!(
            expand(&schema, Strictness::Asserting),
            json!({
                "type": "object",
                "properties": {"a": {"pattern": "x", "type": "string"}},
                "if": {"required": ["b"]},
                "then": {"items": true, "type": "array"},
            }),
        );
        let condition =
            json!({"not": {"minimum": 1}, "anyOf": [{"minItems": 1}], "contains": {"pattern": "x"}});
        assert_eq!(
            expand(&condition, Strictness::Asserting),
            json!({"not": {"minimum": 1}, "anyOf": [{"minItems": 1}], "contains": {"pattern": "x"}, "type": "array"}),
        );
    }

    #[test]
    fn definitions_exist_strict_and_not() {
        let schema = json!({
            "$defs": {"d": {"minimum": 1}},
            "properties": {"a": {"$ref": "#/$defs/d"}, "b": {"not": {"$ref": "#/$defs/d"}}},
        });
        let expanded = expand(&schema, Strictness::Asserting);
        assert_eq!(
            expanded["$defs"],
            json!({"d": {"minimum": 1}, "d!strict": {"minimum": 1, "type": "number"}})
        );
        assert_eq!(expanded["properties"]["a"], json!({"$ref": "#/$defs/d!strict"}));
        assert_eq!(expanded["properties"]["b"], json!({"not": {"$ref": "#/$defs/d"}}));
    }

    #[test]
    fn parameters() {
        let parameters = json!({"n": 3}).as_object().cloned().unwrap();
        assert_eq!(substitute(&json!({"a": [{"$param": "n"}]}), &parameters).unwrap(), json!({"a": [3]}));
        let error = substitute(&json!({"a": [{"$param": "m"}]}), &parameters).unwrap_err();
        assert_eq!((error.pointer.as_str(), error.help.as_deref()), ("/a/0", Some("declared: n")));
    }
}
