//! Fields whose values no report may show: those that a kind's schema marks by `x-sensitive`, and the contents of
//! Kubernetes Secrets.
//!
//! Input: a kind and its schema. Output: the fields, and whether a path or a set of paths meets one. What it does
//! not do: it masks nothing itself.

use serde_json::Value;

use super::kind::KindName;
use crate::schema::{Path, PathSet, Step};
use crate::yaml::NodeRef;

/// A field that holds secrets, with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensitiveField(Vec<FieldStep>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum FieldStep {
    Key(String),
    AnyKey,
    Items,
}

/// Keywords whose schemas speak of the same value.
const SAME_PLACE: [&str; 6] = ["allOf", "anyOf", "oneOf", "if", "then", "else"];

/// Deeper definitions are not followed: the field that is reached counts as a whole.
const DEPTH: usize = 32;

/// What holds secrets in kinds that come without a schema.
const FOREIGN: [(&str, &str, &[&str]); 3] = [
    ("core", "Secret", &["data"]),
    ("core", "Secret", &["stringData"]),
    // A copy of the whole document, its secrets included.
    ("core", "Secret", &["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]),
];

impl SensitiveField {
    /// The keys that lead to it, as far as they are known; lists are transparent.
    pub fn keys(&self) -> Vec<String> {
        let known = self.0.iter().take_while(|step| !matches!(step, FieldStep::AnyKey));
        let keys =
            known.filter_map(|step| if let FieldStep::Key(key) = step { Some(key.clone()) } else { None });
        keys.collect()
    }
}

impl SensitiveField {
    /// Whether it could hold who answers for the resource.
    pub fn could_be_owner(&self) -> bool {
        let keys = self.keys();
        let holds = |place: &[&str]| keys.iter().zip(place).all(|(key, name)| key == name);
        holds(&["spec", "owner"]) || holds(&["metadata", "annotations", "assize.dev/owner"])
    }
}

/// The sensitive fields of a kind.
pub fn sensitive_fields(kind: &KindName, schema: Option<&Value>) -> Vec<SensitiveField> {
    let mut fields = Vec::new();
    for (group, name, keys) in FOREIGN {
        if (&*kind.group, &*kind.kind) == (group, name) {
            fields.push(SensitiveField(keys.iter().map(|key| FieldStep::Key((*key).to_owned())).collect()));
        }
    }
    if let Some(schema) = schema.filter(|schema| mentions(schema)) {
        Walk { root: schema, fields: &mut fields }.schema(schema, &mut Vec::new(), 0);
    }
    fields
}

/// Whether `x-sensitive` stands anywhere: in most schemas it does not.
fn mentions(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => object.contains_key("x-sensitive") || object.values().any(mentions),
        Value::Array(list) => list.iter().any(mentions),
        _ => false,
    }
}

struct Walk<'s, 'f> {
    root: &'s Value,
    fields: &'f mut Vec<SensitiveField>,
}

impl<'s> Walk<'s, '_> {
    fn schema(&mut self, schema: &'s Value, steps: &mut Vec<FieldStep>, depth: usize) {
        // A mark that is neither true nor false is meant as one.
        if depth > DEPTH || schema.get("x-sensitive").is_some_and(|mark| *mark != Value::Bool(false)) {
            let field = SensitiveField(steps.clone());
            if !self.fields.contains(&field) {
                self.fields.push(field);
            }
            return;
        }
        for key in SAME_PLACE {
            match schema.get(key) {
                Some(Value::Array(list)) => list.iter().for_each(|each| self.schema(each, steps, depth + 1)),
                Some(each) => self.schema(each, steps, depth + 1),
                None => {}
            }
        }
        if let Some(pointer) =
            schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'))
            && let Some(target) = self.root.pointer(pointer)
        {
            self.schema(target, steps, depth + 1);
        }
        for (name, value) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.step(FieldStep::Key(name.clone()), value, steps, depth);
        }
        for (_, value) in schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
            self.step(FieldStep::AnyKey, value, steps, depth);
        }
        if let Some(value) = schema.get("additionalProperties") {
            self.step(FieldStep::AnyKey, value, steps, depth);
        }
        for value in schema.get("prefixItems").and_then(Value::as_array).into_iter().flatten() {
            self.step(FieldStep::Items, value, steps, depth);
        }
        if let Some(value) = schema.get("items") {
            self.step(FieldStep::Items, value, steps, depth);
        }
    }

    fn step(&mut self, step: FieldStep, schema: &'s Value, steps: &mut Vec<FieldStep>, depth: usize) {
        steps.push(step);
        self.schema(schema, steps, depth + 1);
        steps.pop();
    }
}

impl SensitiveField {
    /// The values that stand in the field.
    pub fn values<'t>(&self, root: NodeRef<'t>) -> Vec<NodeRef<'t>> {
        let mut nodes = vec![root];
        for step in &self.0 {
            nodes = match step {
                FieldStep::Key(key) => nodes.iter().filter_map(|node| node.get(key)).collect(),
                FieldStep::AnyKey => {
                    nodes.iter().flat_map(|node| node.members().map(|(_, value)| value)).collect()
                }
                FieldStep::Items => nodes.iter().flat_map(NodeRef::elements).collect(),
            };
        }
        nodes
    }

    /// Whether a path leads into the field, or to something that holds it.
    pub fn meets(&self, path: &Path) -> bool {
        self.0.iter().zip(&path.0).all(|pair| match pair {
            (FieldStep::Key(one), Step::Key(other)) => **one == **other,
            (FieldStep::AnyKey, Step::Key(_)) | (FieldStep::Items, Step::Position(_)) => true,
            _ => false,
        })
    }

    /// Whether a path leads to the field itself, or into it.
    pub fn holds(&self, path: &Path) -> bool {
        path.0.len() >= self.0.len() && self.meets(path)
    }

    /// Whether whoever reads these paths can see a value of the field.
    pub fn is_read_by(&self, reads: &PathSet) -> bool {
        fn reaches(steps: &[FieldStep], reads: &PathSet) -> bool {
            let (PathSet::Keys(keys), Some((first, rest))) = (reads, steps.split_first()) else {
                return true;
            };
            match first {
                FieldStep::Key(key) => keys.get(key).is_some_and(|reads| reaches(rest, reads)),
                FieldStep::AnyKey => keys.values().any(|reads| reaches(rest, reads)),
                // Lists are transparent to sets of paths.
                FieldStep::Items => reaches(rest, reads),
            }
        }
        reaches(&self.0, reads)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(schema: &Value) -> Vec<String> {
        let word = |step: &FieldStep| match step {
            FieldStep::Key(key) => key.clone(),
            FieldStep::AnyKey => "*".to_owned(),
            FieldStep::Items => "[]".to_owned(),
        };
        let fields = sensitive_fields(&KindName::parse("Thing"), Some(schema));
        fields.iter().map(|field| field.0.iter().map(word).collect::<Vec<_>>().join(".")).collect()
    }

    #[test]
    fn marks_are_found_wherever_a_schema_can_put_them() {
        let secret = json!({"x-sensitive": true});
        let schema = json!({
            "properties": {
                "plain": {"x-sensitive": false},
                "a": secret,
                "list": {"items": {"properties": {"b": {"type": "string", "x-sensitive": "yes"}}}},
                "map": {"additionalProperties": secret},
                "either": {"anyOf": [{"type": "null"}, {"properties": {"c": secret}}]},
                "named": {"$ref": "#/$defs/d"},
            },
            "$defs": {"d": {"properties": {"e": secret}}},
        });
        assert_eq!(fields(&schema), ["a", "either.c", "list.[].b", "map.*", "named.e"]);
        assert_eq!(fields(&json!({"properties": {"a": {"type": "string"}}})), Vec::<String>::new());
    }

    #[test]
    fn definitions_without_an_end_hide_more_rather_than_less() {
        let schema = json!({"$ref": "#/$defs/n", "$defs": {"n": {"properties": {
            "next": {"$ref": "#/$defs/n"}, "token": {"x-sensitive": true}}}}});
        let fields = fields(&schema);
        assert!(fields.contains(&"token".to_owned()) && fields.contains(&"next.token".to_owned()));
        assert!(fields.iter().any(|field| field.ends_with("next.next")), "{fields:?}");
    }

    #[test]
    fn paths_meet_fields_above_and_below() {
        let [field] = &*sensitive_fields(
            &KindName::parse("Thing"),
            Some(
                &json!({"properties": {"spec": {"properties": {"keys": {"items": {"x-sensitive": true}}}}}}),
            ),
        ) else {
            panic!("one field is marked")
        };
        let path =
            |keys: &[&str]| Path::of_keys(&keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
        assert!(field.meets(&path(&["spec"])) && field.meets(&path(&[])) && !field.meets(&path(&["status"])));
        let element = path(&["spec", "keys"]).with(Step::Position(1));
        assert!(field.holds(&element) && !field.holds(&path(&["spec", "keys"])));
        let reads = |keys: &[&str]| {
            let mut set = PathSet::default();
            set.insert(&keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
            set
        };
        assert!(field.is_read_by(&reads(&["spec", "keys"])) && field.is_read_by(&reads(&["spec"])));
        assert!(field.is_read_by(&PathSet::All) && !field.is_read_by(&reads(&["spec", "owner"])));
    }

    #[test]
    fn kubernetes_secrets_need_no_mark() {
        assert_eq!(sensitive_fields(&KindName::parse("core/Secret"), None).len(), 3);
        assert!(sensitive_fields(&KindName::parse("core/ConfigMap"), None).is_empty());
    }
}
