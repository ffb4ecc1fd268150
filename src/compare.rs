//! What changed between two versions of an estate: resources, and their fields, of meaning and not of lines.
//!
//! Input: the resources of the files that differ, as values. Output: who came, went, was renamed or changed, and in which
//! fields. What it does not do: it judges nothing and reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::finding::{ContentDigest, Identity, Location, MASK};
use crate::report::{ChangeSort, FieldChange, ResourceChange};

/// A resource of one side.
#[derive(Clone, Debug)]
pub struct Version {
    /// Who it is.
    pub identity: Identity,
    /// An identity that survives renaming.
    pub uid: Option<Box<str>>,
    /// Where its identity is written.
    pub location: Location,
    /// Its document.
    pub document: Value,
    /// Fields whose values no report shows, as keys from the root; lists are transparent.
    pub masked: Vec<Vec<String>>,
}

/// Values longer than this are cut in reports.
const LONGEST: usize = 200;
/// More fields than this of one resource are not listed one by one.
const MOST_FIELDS: usize = 100;

/// A resource that differs, with its place in the list of each side.
#[derive(Clone, Debug)]
pub struct Difference {
    /// As reports tell it.
    pub change: ResourceChange,
    /// Its place in the list of the base.
    pub before: Option<usize>,
    /// Its place in the list of the head.
    pub after: Option<usize>,
}

/// What tells one version of a document from another, of meaning. What stands in a masked field is no part of it, only
/// that something stands there: a digest of a short secret gives it away to whoever tries them all.
pub fn digest_of_meaning(document: &Value, masked: &[Vec<String>]) -> ContentDigest {
    let mut document = document.clone();
    for keys in masked {
        mask(&mut document, keys);
    }
    ContentDigest::of_value(&meaning(&document))
}

/// Puts the mask where `keys` lead; lists are transparent.
fn mask(value: &mut Value, keys: &[String]) {
    match (value, keys) {
        (value, []) => *value = Value::String(MASK.to_owned()),
        (Value::Array(list), keys) => list.iter_mut().for_each(|element| mask(element, keys)),
        (Value::Object(object), [first, rest @ ..]) => {
            if let Some(value) = object.get_mut(first) {
                mask(value, rest);
            }
        }
        (_, _) => {}
    }
}

/// The resources that differ, in the order of their identities. Of several with one identity those of the same file
/// are compared, in order.
pub fn differences(base: &[Version], head: &[Version]) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let of = |versions: &[Version]| {
        let mut map: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
        for (at, version) in versions.iter().enumerate() {
            map.entry(version.identity.clone()).or_default().push(at);
        }
        map
    };
    let (old, new) = (of(base), of(head));
    let identities: BTreeSet<&Identity> = old.keys().chain(new.keys()).collect();
    for identity in identities {
        let mut before = old.get(identity).cloned().unwrap_or_default();
        let mut after = new.get(identity).cloned().unwrap_or_default();
        // What stands in the same file first, then in the order of the text.
        let mut pairs = Vec::new();
        before.retain(|one| {
            let file = base.get(*one).map(|version| &version.location.file);
            let same =
                after.iter().position(|other| head.get(*other).map(|version| &version.location.file) == file);
            same.map(|at| pairs.push((*one, after.remove(at)))).is_none()
        });
        let rest = before.len().min(after.len());
        pairs.extend(before.drain(..rest).zip(after.drain(..rest)));
        for (one, other) in pairs {
            found.extend(changed(base, head, one, other, ChangeSort::Changed));
        }
        gone.extend(before);
        come.extend(after);
    }
    for at in come {
        let Some(version) = head.get(at) else { continue };
        let origin = gone.iter().position(|one| base.get(*one).is_some_and(|one| is_renamed(one, version)));
        match origin.map(|position| gone.remove(position)) {
            Some(one) => {
                let from = base.get(one).map(|one| one.identity.clone());
                let sort = from.map_or(ChangeSort::Changed, |from| ChangeSort::Renamed { from });
                found.extend(changed(base, head, one, at, sort));
            }
            None => found.push(Difference {
                change: ResourceChange {
                    identity: version.identity.clone(),
                    sort: ChangeSort::Added,
                    location: Some(version.location.clone()),
                    fields: Vec::new(),
                },
                before: None,
                after: Some(at),
            }),
        }
    }
    for at in gone {
        let Some(version) = base.get(at) else { continue };
        found.push(Difference {
            change: ResourceChange {
                identity: version.identity.clone(),
                sort: ChangeSort::Removed,
                location: Some(version.location.clone()),
                fields: Vec::new(),
            },
            before: Some(at),
            after: None,
        });
    }
    found.sort_by(|one, other| {
        let key = |each: &Difference| (each.change.identity.clone(), each.change.location.clone());
        key(one).cmp(&key(other))
    });
    found
}

/// Whether one became the other: by its uid, or because everything but its name is the same.
fn is_renamed(old: &Version, new: &Version) -> bool {
    if old.identity.group != new.identity.group || old.identity.kind != new.identity.kind {
        return false;
    }
    if old.uid.is_some() || new.uid.is_some() {
        return old.uid == new.uid;
    }
    let nameless = |version: &Version| {
        let mut document = meaning(&version.document);
        if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("name");
            metadata.remove("namespace");
        }
        document
    };
    // Documents that say nothing but their name are not the same one.
    let is_substantial =
        new.document.get("spec").is_some_and(|spec| spec.as_object().is_some_and(|spec| !spec.is_empty()));
    is_substantial && nameless(old) == nameless(new)
}

fn changed(
    base: &[Version],
    head: &[Version],
    one: usize,
    other: usize,
    sort: ChangeSort,
) -> Option<Difference> {
    let (old, new) = (base.get(one)?, head.get(other)?);
    let masked: Vec<&[String]> = old.masked.iter().chain(&new.masked).map(Vec::as_slice).collect();
    let fields = field_changes(&old.document, &new.document, &masked);
    if fields.is_empty() && sort == ChangeSort::Changed {
        return None;
    }
    let change =
        ResourceChange { identity: new.identity.clone(), sort, location: Some(new.location.clone()), fields };
    Some(Difference { change, before: Some(one), after: Some(other) })
}

/// The fields that differ. The order of keys means nothing, nor that of list elements with a name or an id.
pub fn field_changes(old: &Value, new: &Value, masked: &[&[String]]) -> Vec<FieldChange> {
    let mut walk = Walk { masked, changes: Vec::new() };
    walk.value("", &mut Vec::new(), Some(&meaning(old)), Some(&meaning(new)));
    let more = walk.changes.len().saturating_sub(MOST_FIELDS);
    walk.changes.truncate(MOST_FIELDS);
    if more > 0 {
        walk.changes.push(FieldChange { path: format!("({more} more fields)"), old: None, new: None });
    }
    walk.changes
}

struct Walk<'m> {
    masked: &'m [&'m [String]],
    changes: Vec<FieldChange>,
}

impl Walk<'_> {
    fn value(&mut self, path: &str, keys: &mut Vec<String>, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        if let (Some(Value::Object(one)), Some(Value::Object(other))) = (old, new) {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let element = name.strip_prefix(ELEMENT);
                let path = match (element, path) {
                    (Some(element), _) => format!("{path}[{element}]"),
                    (None, "") => name.clone(),
                    (None, _) => format!("{path}.{name}"),
                };
                if element.is_none() {
                    keys.push(name.clone());
                }
                self.value(&path, keys, one.get(name), other.get(name));
                if element.is_none() {
                    keys.pop();
                }
            }
            return;
        }
        let is_masked = self.masked.iter().any(|masked| {
            let shared = masked.len().min(keys.len());
            masked.get(..shared) == keys.get(..shared)
        });
        let text = |value: &Value| if is_masked { MASK.to_owned() } else { shown(value) };
        self.changes.push(FieldChange { path: path.to_owned(), old: old.map(text), new: new.map(text) });
    }
}

/// Marks the key of a list element among those of a mapping. No key of YAML that prints begins so.
const ELEMENT: char = '\u{0}';

/// A value without what means nothing: a list whose elements all have a name of their own becomes a mapping by name.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), meaning(value))).collect(),
        Value::Array(list) => {
            let names: Option<BTreeMap<String, &Value>> =
                list.iter().map(|element| Some((name_of(element)?, element))).collect();
            match names.filter(|names| !list.is_empty() && names.len() == list.len()) {
                Some(names) => {
                    let named = names
                        .into_iter()
                        .map(|(name, element)| (format!("{ELEMENT}{name}"), meaning(element)));
                    Value::Object(named.collect::<Map<_, _>>())
                }
                None => Value::Array(list.iter().map(meaning).collect()),
            }
        }
        scalar => scalar.clone(),
    }
}

fn name_of(element: &Value) -> Option<String> {
    let object = element.as_object()?;
    ["name", "id"].iter().find_map(|key| Some(format!("{key}={}", object.get(*key)?.as_str()?)))
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => plain(other).to_string(),
    };
    if text.chars().count() > LONGEST { text.chars().take(LONGEST).chain(['…']).collect() } else { text }
}

/// The value as it was written, its named lists being lists again.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) if object.keys().next().is_some_and(|key| key.starts_with(ELEMENT)) => {
            object.values().map(plain).collect()
        }
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        Value::Array(list) => list.iter().map(plain).collect(),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(name: &str, spec: &Value) -> Version {
        Version {
            identity: Identity {
                group: "assize.dev".into(),
                kind: "DataStore".into(),
                namespace: "default".into(),
                name: name.into(),
            },
            uid: None,
            location: Location::start_of("a.yaml"),
            document: json!({"metadata": {"name": name}, "spec": spec}),
            masked: vec![vec!["spec".to_owned(), "secret".to_owned()]],
        }
    }

    fn told(base: &[Version], head: &[Version]) -> Vec<String> {
        let sentence = |difference: &Difference| {
            let fields: Vec<_> = difference.change.fields.iter().map(FieldChange::sentence).collect();
            format!("{} {}", difference.change.sentence(), fields.join(", ")).trim().to_owned()
        };
        differences(base, head).iter().map(sentence).collect()
    }

    #[test]
    fn digests_follow_the_meaning() {
        let masked =
            [vec!["spec".to_owned(), "secret".to_owned()], vec!["spec".to_owned(), "all".to_owned()]];
        let digest = |spec: Value| digest_of_meaning(&json!({"kind": "A", "spec": spec}), &masked);
        let one = digest(json!({"x": 1, "list": [{"name": "p", "v": 1}, {"name": "q"}], "secret": "s1"}));
        let same = digest(json!({"secret": "s2", "list": [{"name": "q"}, {"v": 1, "name": "p"}], "x": 1}));
        assert_eq!(same, one, "order, and what is secret");
        for other in [
            json!({"x": 2, "list": [{"name": "p", "v": 1}, {"name": "q"}], "secret": "s1"}),
            json!({"x": 1, "list": [{"name": "p", "v": 1}, {"name": "r"}], "secret": "s1"}),
            json!({"x": 1, "list": [{"name": "p", "v": 1}, {"name": "q"}]}),
        ] {
            assert_ne!(digest(other.clone()), one, "{other}");
        }
        assert_ne!(digest(json!([1, 2])), digest(json!([2, 1])), "plain lists have an order");
        let hidden = |value: &str| digest(json!([{"all": [{"a": value}]}]));
        assert_eq!(hidden("a"), hidden("b"));
    }

    #[test]
    fn resources_and_fields() {
        let base = [
            version(
                "a",
                &json!({"x": 1, "list": [{"name": "p", "v": 1}, {"name": "q", "v": 2}], "secret": "s1"}),
            ),
            version("b", &json!({"y": 1})),
            version("c", &json!({"z": [1, 2]})),
        ];
        let head = [
            version(
                "a",
                &json!({"secret": "s2", "list": [{"v": 3, "name": "q"}, {"v": 1, "name": "p"}], "x": 1}),
            ),
            version("d", &json!({"y": 1})),
            version("e", &json!({"w": 1})),
        ];
        assert_eq!(
            told(&base, &head),
            [
                "DataStore/a changed spec.list[name=q].v: 2 -> 3, spec.secret: (hidden) -> (hidden)"
                    .replace("(hidden)", MASK),
                "DataStore/c removed".to_owned(),
                "DataStore/d renamed, was DataStore/b metadata.name: b -> d".to_owned(),
                "DataStore/e added".to_owned(),
            ]
        );
        assert_eq!(told(&base, &base), Vec::<String>::new());
    }
}
