//! Rules broken on purpose: small changes to a schema, each of which an example should notice.

use serde_json::{Map, Value, json};

use super::vocabulary::subschemas;

/// A schema with one change.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutant {
    /// What was changed, with the place as a JSON Pointer: `/x-has/owner dropped`.
    pub change: String,
    /// The changed schema.
    pub schema: Value,
}

/// All mutants of a schema as written: a keyword or a condition dropped, a comparison moved by the least step, one
/// of several alternatives dropped, a negation undone, a demand on another document dropped.
pub fn mutants(schema: &Value) -> Vec<Mutant> {
    let mut changes = Vec::new();
    collect(schema, "", &mut changes);
    changes
        .into_iter()
        .filter_map(|(pointer, change, part)| {
            let mut mutant = schema.clone();
            *mutant.pointer_mut(&pointer)? = part;
            let place = if pointer.is_empty() { "/".to_owned() } else { pointer };
            Some(Mutant { change: format!("{place} {change}"), schema: mutant })
        })
        .collect()
}

/// Changes as the pointer of a subschema, what is changed in it, and what it becomes.
fn collect(schema: &Value, pointer: &str, changes: &mut Vec<(String, String, Value)>) {
    let Value::Object(object) = schema else { return };
    for (keyword, value) in object {
        let mut change = |what: String, part: Value| changes.push((pointer.to_owned(), what, part));
        let without =
            || Value::Object(object.iter().filter(|(name, _)| *name != keyword).map(pair).collect());
        let with = |value: Value| {
            let mut changed = object.clone();
            drop(changed.insert(keyword.clone(), value));
            Value::Object(changed)
        };
        match (keyword.as_str(), value) {
            // Words and definitions assert nothing; branches are nothing without their condition.
            ("title" | "description" | "$comment" | "$defs" | "$param" | "by" | "then" | "else", _) => {}
            ("x-has" | "properties", Value::Object(map)) => {
                for name in map.keys() {
                    let rest: Map<String, Value> =
                        map.iter().filter(|(other, _)| *other != name).map(pair).collect();
                    let part = if rest.is_empty() { without() } else { with(Value::Object(rest)) };
                    change(format!("{keyword} {name} dropped"), part);
                    if keyword == "x-has" && map.get(name).is_some_and(|value| *value != json!({})) {
                        let mut looser = map.clone();
                        drop(looser.insert(name.clone(), json!({})));
                        change(
                            format!("x-has {name} asks only for its presence"),
                            with(Value::Object(looser)),
                        );
                    }
                }
            }
            ("required" | "enum" | "allOf" | "anyOf" | "oneOf" | "x-contains", Value::Array(list)) => {
                for at in 0..list.len() {
                    let rest: Vec<Value> = list
                        .iter()
                        .enumerate()
                        .filter(|(other, _)| *other != at)
                        .map(|(_, item)| item.clone())
                        .collect();
                    let part = if rest.is_empty() { without() } else { with(Value::Array(rest)) };
                    change(format!("{keyword} loses {}", short(list.get(at))), part);
                }
            }
            ("if", _) => {
                let then = object.get("then").cloned();
                change(
                    "the condition dropped, so that `then` always holds".to_owned(),
                    then.unwrap_or(json!(true)),
                );
                change("`if` with its branches dropped".to_owned(), {
                    let kept =
                        object.iter().filter(|(name, _)| !matches!(name.as_str(), "if" | "then" | "else"));
                    Value::Object(kept.map(pair).collect())
                });
            }
            (_, Value::Number(number)) => {
                change(format!("{keyword} dropped"), without());
                for step in [-1, 1] {
                    if let Some(moved) = number.as_i64().and_then(|number| number.checked_add(step)) {
                        change(format!("{keyword} {number} becomes {moved}"), with(json!(moved)));
                    }
                }
            }
            ("x-date" | "x-duration" | "x-value" | "x-referrers" | "x-ref", Value::Object(map)) => {
                if keyword != "x-ref" || !map.contains_key("must") {
                    change(format!("{keyword} dropped"), without());
                }
                for name in map.keys().filter(|name| *name != "from") {
                    let rest: Map<String, Value> =
                        map.iter().filter(|(other, _)| *other != name).map(pair).collect();
                    change(format!("{keyword} loses {name}"), with(Value::Object(rest)));
                }
            }
            _ => change(format!("{keyword} dropped"), without()),
        }
    }
    subschemas(object, |_, suffix, subschema| collect(subschema, &format!("{pointer}{suffix}"), changes));
}

fn pair((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn short(value: Option<&Value>) -> String {
    let text = value.map_or_else(String::new, Value::to_string);
    if text.chars().count() <= 40 { text } else { text.chars().take(40).chain("…".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_demand_is_broken_once() {
        let schema = json!({"required": ["a"], "x-has": {"b": [1, 2]}, "properties": {"c": {"minimum": 3}}});
        let changes: Vec<String> = mutants(&schema).into_iter().map(|mutant| mutant.change).collect();
        let expected = [
            "/ properties c dropped",
            "/ required loses \"a\"",
            "/ x-has b dropped",
            "/ x-has b asks only for its presence",
            "/properties/c minimum dropped",
            "/properties/c minimum 3 becomes 2",
            "/properties/c minimum 3 becomes 4",
        ];
        assert_eq!(changes, expected);
    }
}
