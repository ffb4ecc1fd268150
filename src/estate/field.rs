//! Fields that the schemas of kinds mark by a keyword, and the values that stand in them.
//!
//! `x-ref` marks references (see `inventory`). `x-file` marks paths of files: `true` where a file must stand,
//! `{folder: true}` where a folder will do as well. They begin at the folder of `assize.yaml`, else at the top of
//! the repository; what holds `://` is a URL and no path.

use serde_json::{Value, json};

use crate::yaml::NodeRef;

/// One step towards a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldStep {
    Key(String),
    Items,
}

/// A field of a kind that holds the path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileField {
    /// Whether it may name a folder as well.
    pub takes_folder: bool,
    steps: Vec<FieldStep>,
}

impl FileField {
    /// The keys on the way to it.
    pub fn keys(&self) -> Vec<String> {
        keys(&self.steps)
    }

    /// The values that stand in the field.
    pub fn values<'t>(&self, root: NodeRef<'t>) -> Vec<NodeRef<'t>> {
        values_at(root, &self.steps)
    }
}

/// The keys among steps: lists are transparent.
pub(super) fn keys(steps: &[FieldStep]) -> Vec<String> {
    let keys = steps.iter().filter_map(|step| match step {
        FieldStep::Key(key) => Some(key.clone()),
        FieldStep::Items => None,
    });
    keys.collect()
}

/// The fields that the schema of a kind declares by `x-file`.
///
/// # Errors
/// A value of `x-file` that says nothing known.
pub(super) fn file_fields(schema: &Value) -> Result<Vec<FileField>, String> {
    let mut fields = Vec::new();
    let mut wrong = None;
    marked_fields(schema, "x-file", &mut |steps, value| {
        let takes_folder = *value == json!({"folder": true});
        if takes_folder || *value == Value::Bool(true) {
            fields.push(FileField { takes_folder, steps: steps.to_vec() });
        } else {
            wrong = Some(format!("`x-file` is {value}, should be true or {{\"folder\": true}}"));
        }
    });
    match wrong {
        Some(message) => Err(message),
        None => Ok(fields),
    }
}

/// Visits the fields of a kind's schema that carry a keyword, with its value.
pub(super) fn marked_fields(schema: &Value, keyword: &str, visit: &mut dyn FnMut(&[FieldStep], &Value)) {
    collect(schema, keyword, &mut Vec::new(), visit);
}

fn collect(
    schema: &Value,
    keyword: &str,
    steps: &mut Vec<FieldStep>,
    visit: &mut dyn FnMut(&[FieldStep], &Value),
) {
    if let Some(value) = schema.get(keyword) {
        visit(steps, value);
    }
    for (name, value) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        steps.push(FieldStep::Key(name.clone()));
        collect(value, keyword, steps, visit);
        steps.pop();
    }
    if let Some(items) = schema.get("items") {
        steps.push(FieldStep::Items);
        collect(items, keyword, steps, visit);
        steps.pop();
    }
}

/// The values at the end of the steps.
pub(super) fn values_at<'t>(root: NodeRef<'t>, steps: &[FieldStep]) -> Vec<NodeRef<'t>> {
    let mut values = Vec::new();
    visit_values(root, steps, &mut |value| values.push(value));
    values
}

/// Visits them in order.
pub(super) fn visit_values<'t>(node: NodeRef<'t>, steps: &[FieldStep], visit: &mut dyn FnMut(NodeRef<'t>)) {
    match steps.split_first() {
        None => visit(node),
        Some((FieldStep::Key(key), rest)) => {
            if let Some(value) = node.get(key) {
                visit_values(value, rest, visit);
            }
        }
        Some((FieldStep::Items, rest)) => {
            node.elements().for_each(|element| visit_values(element, rest, visit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_fields_say_what_they_take() {
        let schema = json!({"properties": {
            "path": {"x-file": true},
            "folders": {"items": {"x-file": {"folder": true}}},
            "other": {"type": "string"},
        }});
        let fields = file_fields(&schema).unwrap();
        let folders: Vec<bool> = fields.iter().map(|field| field.takes_folder).collect();
        assert_eq!(folders, [true, false], "in the order of the names");
        let broken = json!({"properties": {"path": {"x-file": "yes"}}});
        assert_eq!(
            file_fields(&broken),
            Err("`x-file` is \"yes\", should be true or {\"folder\": true}".to_owned())
        );
    }
}
