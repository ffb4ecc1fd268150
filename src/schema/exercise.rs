//! How examples exercise a schema: for each keyword, on how many values it held and on how many it did not.
//!
//! Every keyword of the schema as written that demands something is a place. A value is brought to each keyword
//! that JSON Schema would apply to it, also where the answer is known before, so that the order of keywords means
//! nothing. What is no place of its own: words (`title`, `description`), `$defs`, and keywords that only lead to
//! others (`properties`, `items`, `allOf`, `not`, `if`, `then`, `else`), whose contents are places.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::expand::{Strictness, expand};
use super::keyword::others;
use super::scope::{Inventory, Scope, Subject};
use super::vocabulary::escape;
use super::{Body, Description};
use crate::yaml::Kind;

/// On how many values a keyword held, and on how many it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exercised {
    /// It held.
    pub held: u64,
    /// It did not, or could not be decided.
    pub failed: u64,
}

/// A schema, and what has been brought to it.
#[derive(Debug)]
pub struct Exercise {
    schema: Value,
    strictness: Strictness,
    at: Arc<[String]>,
    places: BTreeMap<String, Exercised>,
    /// Keywords compiled on their own, by place and strictness; none for one that cannot stand alone.
    bodies: HashMap<(String, Strictness), Option<Body>>,
}

/// Recursive definitions end where the document does; this is for those that do not descend.
const DEEPEST: usize = 256;

impl Exercise {
    /// A schema with its parameters put in, which compiles; `at` is where it and every `must` in it begin.
    pub fn new(schema: Value, strictness: Strictness, at: &Arc<[String]>) -> Self {
        let mut places = BTreeMap::new();
        list(&schema, "", &mut places);
        Self { schema, strictness, at: Arc::clone(at), places, bodies: HashMap::new() }
    }

    /// Brings the start of a document to the schema.
    pub fn meet(&mut self, scope: &Scope<'_>) {
        let schema = self.schema.clone();
        self.visit(&schema, "", self.strictness, &scope.subject(), 0);
    }

    /// Every place as a JSON Pointer into the schema, in order, with what it met.
    pub fn places(&self) -> impl Iterator<Item = (&str, Exercised)> {
        self.places.iter().map(|(pointer, exercised)| (pointer.as_str(), *exercised))
    }

    fn visit(
        &mut self,
        schema: &Value,
        pointer: &str,
        strictness: Strictness,
        subject: &Subject<'_>,
        depth: usize,
    ) {
        let Value::Object(object) = schema else { return };
        if depth > DEEPEST {
            return;
        }
        for (suffix, single) in parts(object) {
            let holds = self.holds(&format!("{pointer}{suffix}"), &single, strictness, subject);
            let place = self.places.entry(format!("{pointer}{suffix}")).or_default();
            if holds {
                place.held += 1;
            } else {
                place.failed += 1;
            }
        }
        for (keyword, value) in object {
            let here = format!("{pointer}/{}", escape(keyword));
            let mut go = |schema: &Value, suffix: &str, strictness, subject: &Subject<'_>| {
                self.visit(schema, &format!("{here}{suffix}"), strictness, subject, depth + 1);
            };
            let child = |node| Subject { node, scope: subject.scope };
            match (keyword.as_str(), value) {
                ("allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
                    let inner = if keyword == "allOf" { strictness } else { Strictness::Condition };
                    for (at, each) in list.iter().enumerate() {
                        go(each, &format!("/{at}"), inner, subject);
                    }
                }
                ("not", _) => go(value, "", Strictness::Condition, subject),
                ("if", _) => {
                    go(value, "", Strictness::Condition, subject);
                    let branch = if self.holds(&here, value, Strictness::Condition, subject) {
                        "then"
                    } else {
                        "else"
                    };
                    if let Some(value) = object.get(branch) {
                        self.visit(value, &format!("{pointer}/{branch}"), strictness, subject, depth + 1);
                    }
                }
                ("properties", Value::Object(map)) => {
                    for (name, each) in map {
                        if let Some(node) = subject.node.get(name) {
                            go(each, &format!("/{}", escape(name)), strictness, &child(node));
                        }
                    }
                }
                ("x-has", Value::Object(map)) => {
                    for (path, each) in map {
                        if let Some(node) = subject.node.at(path.split('.')) {
                            go(each, &format!("/{}", escape(path)), strictness, &child(node));
                        }
                    }
                }
                ("prefixItems", Value::Array(list)) if subject.node.kind() == Kind::List => {
                    for ((at, each), node) in list.iter().enumerate().zip(subject.node.elements()) {
                        go(each, &format!("/{at}"), strictness, &child(node));
                    }
                }
                ("items" | "contains", _) if subject.node.kind() == Kind::List => {
                    let first = object.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                    let (skip, inner) =
                        if keyword == "items" { (first, strictness) } else { (0, Strictness::Condition) };
                    for node in subject.node.elements().skip(skip) {
                        go(value, "", inner, &child(node));
                    }
                }
                ("x-ref" | "x-referrers", Value::Object(members)) => {
                    let Some((must, inventory)) = members.get("must").zip(subject.scope.run.inventory) else {
                        continue;
                    };
                    for id in others(keyword, value, &self.at, subject) {
                        let root = Inventory::document(inventory, id);
                        let scope = Scope::new(root, &self.at, Some(id), subject.scope.run);
                        let scope = Scope { outer: Some(subject.scope), ..scope };
                        let pointer = format!("{here}/must");
                        self.visit(must, &pointer, strictness, &scope.subject(), depth + 1);
                    }
                }
                ("$ref", Value::String(target)) => {
                    let Some(pointer) = target.strip_prefix('#') else { continue };
                    if let Some(definition) = self.schema.pointer(pointer).cloned() {
                        self.visit(&definition, pointer, strictness, subject, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a part of the schema holds by itself.
    fn holds(&mut self, place: &str, part: &Value, strictness: Strictness, subject: &Subject<'_>) -> bool {
        let definitions = self.schema.get("$defs");
        let at = &self.at;
        let body = self.bodies.entry((place.to_owned(), strictness)).or_insert_with(|| {
            let mut schema = part.clone();
            if let (Value::Object(object), Some(definitions)) = (&mut schema, definitions) {
                object.entry("$defs").or_insert_with(|| definitions.clone());
            }
            Body::compile(expand(&schema, strictness), Description::Speaks, at).ok()
        });
        body.as_ref().is_some_and(|body| body.holds_for(subject))
    }
}

/// The places of a schema that nothing has met.
fn list(schema: &Value, pointer: &str, places: &mut BTreeMap<String, Exercised>) {
    let Value::Object(object) = schema else { return };
    for (suffix, _) in parts(object) {
        places.entry(format!("{pointer}{suffix}")).or_default();
    }
    for (keyword, value) in object {
        let here = format!("{pointer}/{}", escape(keyword));
        match (keyword.as_str(), value) {
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(each)) => {
                for (at, value) in each.iter().enumerate() {
                    list(value, &format!("{here}/{at}"), places);
                }
            }
            ("properties" | "x-has" | "$defs", Value::Object(map)) => {
                for (name, value) in map {
                    list(value, &format!("{here}/{}", escape(name)), places);
                }
            }
            ("not" | "if" | "then" | "else" | "items" | "contains", _) => list(value, &here, places),
            ("x-ref" | "x-referrers", _) => {
                if let Some(must) = value.get("must") {
                    list(must, &format!("{here}/must"), places);
                }
            }
            _ => {}
        }
    }
}

/// What a schema demands itself, each as a pointer and as a schema of its own. Keywords that mean something only
/// together stay together.
fn parts(object: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut parts = Vec::new();
    let with = |keyword: &str, value: Value, siblings: &[&str]| {
        let mut single = Map::from_iter([(keyword.to_owned(), value)]);
        // A type that is given keeps one from being implied.
        for sibling in siblings.iter().chain(&["type"]).filter(|sibling| **sibling != keyword) {
            if let Some(value) = object.get(*sibling) {
                single.insert((*sibling).to_owned(), value.clone());
            }
        }
        Value::Object(single)
    };
    for (keyword, value) in object {
        let here = format!("/{}", escape(keyword));
        match (keyword.as_str(), value) {
            (
                "title" | "description" | "$comment" | "$defs" | "then" | "else" | "allOf" | "minContains"
                | "maxContains" | "$ref" | "prefixItems" | "if",
                _,
            ) => {}
            ("not" | "items", value) if value.is_object() => {}
            ("items", _) => parts.push((here, with(keyword, value.clone(), &["prefixItems"]))),
            // A field that may not be there at all has no keyword within.
            ("properties", Value::Object(map)) => {
                for (name, each) in map.iter().filter(|(_, each)| each.is_boolean()) {
                    let single = with(keyword, json!({name: each}), &[]);
                    parts.push((format!("{here}/{}", escape(name)), single));
                }
            }
            ("x-has", Value::Object(map)) => {
                for (path, each) in map {
                    parts.push((format!("{here}/{}", escape(path)), json!({"x-has": {path: each}})));
                }
            }
            ("required", Value::Array(names)) => {
                for (at, name) in names.iter().enumerate() {
                    parts.push((format!("{here}/{at}"), with(keyword, json!([name]), &[])));
                }
            }
            ("x-date" | "x-duration" | "x-value", Value::Object(map)) if !map.is_empty() => {
                for (bound, operand) in map {
                    let single = json!({keyword: {bound: operand}});
                    parts.push((format!("{here}/{}", escape(bound)), single));
                }
            }
            ("contains", _) => {
                parts.push((here, with(keyword, value.clone(), &["minContains", "maxContains"])));
            }
            ("additionalProperties", _) => {
                parts.push((here, with(keyword, value.clone(), &["properties", "patternProperties"])));
            }
            _ => parts.push((here, with(keyword, value.clone(), &[]))),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Limits, parse};

    /// Places with what they met, as `pointer held/failed`.
    fn check(schema: &Value, documents: &[&str], expected: &[&str]) {
        let mut exercise = Exercise::new(schema.clone(), Strictness::Asserting, &Arc::from([]));
        for text in documents {
            let (tape, problems) = parse((*text).into(), &Arc::from("a.yaml"), &Limits::default());
            assert_eq!(problems, []);
            exercise.meet(&Scope::alone(tape.root(&tape.documents[0])));
        }
        let found: Vec<String> = exercise
            .places()
            .map(|(pointer, met)| format!("{pointer} {}/{}", met.held, met.failed))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_demand_is_a_place() {
        let schema = json!({"required": ["a", "b"], "properties": {"c": {"minimum": 3, "maximum": 9}}});
        let expected =
            ["/properties/c/maximum 2/0", "/properties/c/minimum 1/1", "/required/0 3/0", "/required/1 1/2"];
        check(&schema, &["{a: 1, b: 2, c: 5}", "{a: 1, c: 2}", "{a: 1}"], &expected);
    }

    #[test]
    fn nothing_is_cut_short() {
        let schema = json!({"anyOf": [{"x-has": {"a": 1}}, {"x-has": {"b": [1, 2]}}]});
        let expected = ["/anyOf 2/1", "/anyOf/0/x-has/a 1/2", "/anyOf/1/x-has/b 2/1"];
        check(&schema, &["{a: 1, b: 1}", "{b: 2}", "{a: 3}"], &expected);
    }

    #[test]
    fn branches_are_met_where_they_apply() {
        let schema = json!({
            "if": {"x-has": {"kind": "x"}}, "then": {"required": ["y"]}, "else": {"required": ["z"]},
            "properties": {"list": {"items": {"enum": [1, 2]}, "contains": {"const": 2}}},
        });
        let expected = [
            "/else/required/0 0/1",
            "/if/x-has/kind 1/1",
            "/properties/list/contains 1/0",
            "/properties/list/contains/const 1/2",
            "/properties/list/items/enum 2/1",
            "/then/required/0 1/0",
        ];
        check(&schema, &["{kind: x, y: 1, list: [1, 2, 3]}", "{kind: y}"], &expected);
    }

    #[test]
    fn definitions_are_met_where_they_are_used() {
        let schema = json!({
            "$defs": {"tree": {"properties": {"size": {"maximum": 5}, "parts": {"items": {"$ref": "#/$defs/tree"}}}}},
            "$ref": "#/$defs/tree",
        });
        let document = "{size: 9, parts: [{size: 1}, {size: 2, parts: [{size: 3}]}]}";
        check(&schema, &[document], &["/$defs/tree/properties/size/maximum 3/1"]);
    }

    #[test]
    fn a_schema_that_nothing_meets() {
        let schema =
            json!({"x-has": {"a": {"x-date": {"notBefore": "2026-01-01", "notAfter": "2027-01-01"}}}});
        let expected = ["/x-has/a 0/1", "/x-has/a/x-date/notAfter 0/0", "/x-has/a/x-date/notBefore 0/0"];
        check(&schema, &["{}"], &expected);
        let expected = ["/x-has/a 0/1", "/x-has/a/x-date/notAfter 1/0", "/x-has/a/x-date/notBefore 0/1"];
        check(&schema, &["{a: 2025-01-01}"], &expected);
    }
}
