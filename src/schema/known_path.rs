//! Whether the fields that a rule names exist in the schemas of the kinds it matches.

use serde_json::Value;

use super::vocabulary::escape;

/// A field that no kind of the rule has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPath {
    /// JSON Pointer to where the rule's schema names it.
    pub pointer: String,
    /// The field, from the root of the document.
    pub path: String,
    /// The nearest field that does exist there.
    pub nearest: Option<String>,
}

/// Where a kind's schema stands: its root for `$ref`, and the subschema for the place.
#[derive(Clone, Copy)]
struct View<'s> {
    root: &'s Value,
    /// None: anything may stand here.
    schema: Option<&'s Value>,
}

impl<'s> View<'s> {
    fn open(root: &'s Value) -> Self {
        Self { root, schema: None }
    }

    fn resolved(self) -> Option<&'s serde_json::Map<String, Value>> {
        let mut schema = self.schema?;
        for _ in 0..32 {
            match schema.get("$ref").and_then(Value::as_str) {
                Some(target) => schema = self.root.pointer(target.strip_prefix('#')?)?,
                None => break,
            }
        }
        let object = schema.as_object()?;
        // Composed schemas are taken to allow anything: better a missed typing error than a rule refused.
        let composed = ["allOf", "anyOf", "oneOf", "if", "not", "dependentSchemas", "$ref", "$dynamicRef"];
        (!composed.iter().any(|keyword| object.contains_key(*keyword))).then_some(object)
    }

    /// What the schema says of a field: none if there is no such field.
    fn field(self, name: &str) -> Option<View<'s>> {
        let Some(object) = self.resolved() else { return Some(Self::open(self.root)) };
        let known = object.get("properties").and_then(|properties| properties.get(name));
        if let Some(schema) = known {
            return Some(View { schema: Some(schema), ..self });
        }
        if object.contains_key("patternProperties") {
            return Some(Self::open(self.root));
        }
        match object.get("additionalProperties") {
            Some(Value::Bool(false)) => None,
            Some(schema @ Value::Object(_)) => Some(View { schema: Some(schema), ..self }),
            _ if object.contains_key("properties") || object.get("type").is_none_or(|t| t == "object") => {
                Some(Self::open(self.root))
            }
            _ => None,
        }
    }

    fn item(self) -> View<'s> {
        let items = self.resolved().and_then(|object| object.get("items"));
        View { schema: items.filter(|items| items.is_object()), ..self }
    }

    /// What stands at a key or position that is not known: elements of a list, else anything.
    fn any(self) -> View<'s> {
        let is_list =
            self.resolved().is_some_and(|object| object.get("type").is_some_and(|kind| kind == "array"));
        if is_list { self.item() } else { Self::open(self.root) }
    }

    fn names(self) -> Vec<&'s str> {
        let properties =
            self.resolved().and_then(|object| object.get("properties")).and_then(Value::as_object);
        properties.map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

/// The fields that `schema` names and that none of `kinds` (their JSON Schemas) has. `at` is where the schema
/// begins. With no kinds nothing is known, and so nothing unknown.
///
/// `lookup` gives the schema of a kind that a `must` speaks about.
pub fn unknown_paths<'s>(
    schema: &Value,
    kinds: &[&'s Value],
    at: &[String],
    lookup: &dyn Fn(&str) -> Option<&'s Value>,
) -> Vec<UnknownPath> {
    let mut walk = Walk { unknown: Vec::new(), at, lookup };
    walk.document(schema, kinds, "");
    walk.unknown
}

/// The field that a way into documents leads to and that none of `kinds` (their JSON Schemas) has, with the nearest that
/// does exist there. A step without a name is an element, or a key that is not known. With no kinds nothing is known.
pub fn missing_field(kinds: &[&Value], steps: &[Option<&str>]) -> Option<(String, Option<String>)> {
    if kinds.is_empty() {
        return None;
    }
    let views = kinds.iter().map(|root| View { root, schema: Some(root) }).collect::<Vec<_>>();
    let mut walk = Walk { unknown: Vec::new(), at: &[], lookup: &|_| None };
    let mut views = views;
    let mut path = String::new();
    for step in steps {
        views = match step {
            Some(name) => walk.field(name, &views, "", &path),
            // A key that is not known may lead anywhere that the schema describes.
            None => views.iter().map(|view| view.any()).collect(),
        };
        path = step.map_or_else(|| format!("{path}[]"), |name| join(&path, name));
        if let Some(unknown) = walk.unknown.pop() {
            return Some((unknown.path, unknown.nearest));
        }
    }
    None
}

struct Walk<'w, 's> {
    unknown: Vec<UnknownPath>,
    at: &'w [String],
    lookup: &'w dyn Fn(&str) -> Option<&'s Value>,
}

impl<'s> Walk<'_, 's> {
    /// A schema for a whole document of one of these kinds; none: anything may stand there.
    fn document(&mut self, schema: &Value, kinds: &[&'s Value], pointer: &str) {
        let mut views: Vec<View<'s>> = kinds.iter().map(|root| View { root, schema: Some(root) }).collect();
        if views.is_empty() {
            views.push(View::open(&Value::Null));
        }
        for name in self.at {
            views = views.into_iter().filter_map(|view| view.field(name)).collect();
            if views.is_empty() {
                let path = self.at.join(".");
                self.unknown.push(UnknownPath { pointer: pointer.to_owned(), path, nearest: None });
                return;
            }
        }
        self.schema(schema, &views, pointer, &self.at.join("."));
    }

    /// The kinds of a keyword that speaks about other documents; none if it could be any.
    fn kinds_of(&self, value: Option<&Value>) -> Vec<&'s Value> {
        let names: Vec<&str> = match value {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        names.iter().map(|name| (self.lookup)(name)).collect::<Option<_>>().unwrap_or_default()
    }

    fn field(&mut self, name: &str, views: &[View<'s>], pointer: &str, path: &str) -> Vec<View<'s>> {
        let next: Vec<_> = views.iter().filter_map(|view| view.field(name)).collect();
        if next.is_empty() {
            let nearest = views
                .iter()
                .flat_map(|view| view.names())
                .map(|known| {
                    (strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase()), known)
                })
                .min()
                .filter(|(distance, known)| *distance <= 1 + known.len() / 3)
                .map(|(_, known)| known.to_owned());
            let path = join(path, name);
            self.unknown.push(UnknownPath { pointer: pointer.to_owned(), path, nearest });
        }
        next
    }

    fn schema(&mut self, schema: &Value, views: &[View<'s>], pointer: &str, path: &str) {
        let Value::Object(object) = schema else { return };
        for (keyword, value) in object {
            let here = format!("{pointer}/{}", escape(keyword));
            match (keyword.as_str(), value) {
                ("properties" | "dependentSchemas", Value::Object(map)) => {
                    for (name, value) in map {
                        let place = format!("{here}/{}", escape(name));
                        let next = self.field(name, views, &place, path);
                        if keyword == "dependentSchemas" {
                            self.schema(value, views, &place, path);
                        } else if !next.is_empty() {
                            self.schema(value, &next, &place, &join(path, name));
                        }
                    }
                }
                ("x-has", Value::Object(map)) => {
                    for (dotted, value) in map {
                        let place = format!("{here}/{}", escape(dotted));
                        let mut views = views.to_vec();
                        let mut path = path.to_owned();
                        for name in dotted.split('.') {
                            views = self.field(name, &views, &place, &path);
                            path = join(&path, name);
                            if views.is_empty() {
                                break;
                            }
                        }
                        if !views.is_empty() {
                            self.schema(value, &views, &place, &path);
                        }
                    }
                }
                ("required", Value::Array(names)) => {
                    for name in names.iter().filter_map(Value::as_str) {
                        self.field(name, views, &here, path);
                    }
                }
                ("items" | "contains", _) => {
                    let next: Vec<_> = views.iter().map(|view| view.item()).collect();
                    self.schema(value, &next, &here, &format!("{path}[]"));
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
                    for (position, value) in list.iter().enumerate() {
                        self.schema(value, views, &format!("{here}/{position}"), path);
                    }
                }
                ("x-ref" | "x-referrers", Value::Object(members)) => {
                    let kinds = self.kinds_of(members.get(if keyword == "x-ref" { "to" } else { "from" }));
                    if let Some(must) = members.get("must") {
                        self.document(must, &kinds, &format!("{here}/must"));
                    }
                }
                ("if" | "then" | "else" | "not", _) => self.schema(value, views, &here, path),
                // `$defs`, `patternProperties` and the like are used from places that are not known here.
                _ => debug_assert!(
                    super::vocabulary::holds(keyword).is_some(),
                    "the vocabulary was checked before"
                ),
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_must_exist_in_one_of_the_kinds() {
        let kind = json!({"properties": {"spec": {"$ref": "#/$defs/spec"}}, "$defs": {"spec": {
            "additionalProperties": false,
            "properties": {
                "owner": {"type": "string"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "ports": {"type": "array", "items": {"additionalProperties": false, "properties": {"number": true}}},
            },
        }}});
        let other =
            json!({"properties": {"spec": {"additionalProperties": false, "properties": {"manager": true}}}});
        let unknown = |schema: Value, kinds: &[&Value]| {
            let at = ["spec".to_owned()];
            let found = unknown_paths(&schema, kinds, &at, &|_| None).into_iter();
            found.map(|unknown| (unknown.pointer, unknown.path, unknown.nearest)).collect::<Vec<_>>()
        };
        assert_eq!(unknown(json!({"required": ["owner"], "x-has": {"labels.any": {}}}), &[&kind]), []);
        assert_eq!(unknown(json!({"required": ["manager"]}), &[&kind, &other]), []);
        assert_eq!(unknown(json!({"x-has": {"anything": {}}}), &[]), []);
        assert_eq!(
            unknown(json!({"properties": {"ports": {"items": {"x-has": {"numbr": 1}}}}}), &[&kind]),
            [(
                "/properties/ports/items/x-has/numbr".into(),
                "spec.ports[].numbr".into(),
                Some("number".into())
            )],
        );
        assert_eq!(
            unknown(json!({"if": {"required": ["ownr"]}}), &[&kind]),
            [("/if/required".into(), "spec.ownr".into(), Some("owner".into()))],
        );
    }
}
