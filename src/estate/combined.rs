//! One schema for all kinds, from which an editor chooses by `apiVersion` and `kind`.

use serde_json::{Map, Value, json};

use super::kind::KindLibrary;
use crate::finding::OWN_GROUP;

/// A schema that holds a document to that of its kind, and takes documents of groups that have none here as they are.
/// Rules have a schema of their own, and are not looked into.
pub fn combined_schema(kinds: &KindLibrary) -> Value {
    let own_group = json!({"pattern": format!("^{}/", OWN_GROUP.replace('.', "\\."))});
    let mut definitions = Map::new();
    let mut choices = Vec::new();
    let mut names = vec!["Rule"];
    for kind in kinds.iter() {
        let name = kind.name.to_string();
        let group = if kind.name.is_own() {
            names.push(&kind.name.kind);
            own_group.clone()
        } else {
            // `core` is how kinds write the group that has no name: `apiVersion: v1`.
            match &*kind.name.group {
                "core" | "" => json!({"pattern": "^[^/]+$"}),
                group => json!({"pattern": format!("^{}/", group.replace('.', "\\."))}),
            }
        };
        let mut schema = kind.schema().clone();
        if let Some(members) = schema.as_object_mut() {
            // Within another schema these would begin one of its own.
            members.remove("$id");
            members.remove("$schema");
        }
        choices.push(json!({
            "if": {
                "required": ["apiVersion", "kind"],
                "properties": {"apiVersion": group, "kind": {"const": &*kind.name.kind}},
            },
            "then": {"$ref": format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1"))},
        }));
        definitions.insert(name, schema);
    }
    names.sort_unstable();
    choices.push(json!({
        "if": {"required": ["apiVersion"], "properties": {"apiVersion": own_group}},
        "then": {"required": ["kind"], "properties": {"kind": {"enum": names}}},
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://assize.dev/v1/resource.schema.json",
        "title": "Resource",
        "description": "A document of the estate, of any kind. `apiVersion` and `kind` choose the schema that it has to keep.",
        "type": "object",
        "properties": {
            "apiVersion": {"description": "The group and version of the kind; `assize.dev/v1` for those of assize.", "type": "string", "examples": ["assize.dev/v1"]},
            "kind": {"description": "What the document describes; `assize list kinds` shows all.", "type": "string", "examples": ["DataStore"]},
        },
        "allOf": choices,
        "$defs": definitions,
    })
}
