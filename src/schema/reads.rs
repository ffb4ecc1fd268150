//! What a schema reads, inferred from its text and conservatively: what cannot be told reads everything.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::yaml::{Kind, NodeRef};

/// A set of paths in a document. Lists are transparent: what is read of a list is read of each element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSet {
    /// The whole value.
    All,
    /// Of a mapping, these keys; a scalar is always there.
    Keys(BTreeMap<String, PathSet>),
}

/// Longer paths are read whole from the root: no document is so deep, and sets of them would be.
const LONGEST: usize = 256;

impl Default for PathSet {
    fn default() -> Self {
        Self::Keys(BTreeMap::new())
    }
}

impl PathSet {
    /// Adds the value at a path, with everything in it.
    pub fn insert(&mut self, path: &[String]) {
        *self.reach(path) = Self::All;
    }

    /// Adds that something stands at a path.
    pub fn touch(&mut self, path: &[String]) {
        self.reach(path);
    }

    fn reach(&mut self, path: &[String]) -> &mut Self {
        if path.len() > LONGEST {
            *self = Self::All;
        }
        let mut set = self;
        for key in path {
            match set {
                Self::All => return set,
                Self::Keys(keys) => set = keys.entry(key.clone()).or_default(),
            }
        }
        set
    }

    /// Adds another set.
    pub fn add(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::All, _) => {}
            (_, Self::All) => *self = Self::All,
            (Self::Keys(keys), Self::Keys(others)) => {
                for (key, other) in others {
                    keys.entry(key.clone()).or_default().add(other);
                }
            }
        }
    }

    /// What is read of the value of a key of `node`: none if it is not read.
    pub fn of_key(&self, key: &str) -> Option<&Self> {
        match self {
            Self::All => Some(self),
            Self::Keys(keys) => keys.get(key),
        }
    }

    /// What is read of an element of a list: elements without a name are identified by their whole content, so
    /// that those are kept whole.
    pub fn of_element(&self, element: NodeRef<'_>) -> &Self {
        let is_named =
            element.kind() != Kind::Map || element.get("name").or_else(|| element.get("id")).is_some();
        if is_named { self } else { &Self::All }
    }
}

/// What a rule reads of the document it judges, and of other documents by kind (`*`: of any).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Of the document itself.
    pub own: PathSet,
    /// Of others.
    pub others: BTreeMap<String, PathSet>,
}

impl Reads {
    /// Adds other reads.
    pub fn add(&mut self, other: &Self) {
        self.own.add(&other.own);
        for (kind, set) in &other.others {
            self.others.entry(kind.clone()).or_default().add(set);
        }
    }
}

/// What an expanded schema reads; `at` is where it and every `must` begin.
pub fn reads(schema: &Value, at: &[String]) -> Reads {
    let mut walk = Walk { root: schema, at, others: BTreeMap::new(), depth: 0 };
    let mut own = PathSet::default();
    own.touch(at);
    walk.schema(schema, at, &mut own, None);
    Reads { own, others: walk.others }
}

struct Walk<'s> {
    root: &'s Value,
    at: &'s [String],
    others: BTreeMap<String, PathSet>,
    depth: usize,
}

/// Recursive definitions are cut here: what lies deeper is read whole.
const DEPTH: usize = 64;

impl<'s> Walk<'s> {
    fn schema(
        &mut self,
        schema: &'s Value,
        path: &[String],
        own: &mut PathSet,
        mut outer: Option<&mut PathSet>,
    ) {
        let Value::Object(object) = schema else { return };
        if self.depth > DEPTH {
            own.insert(path);
            return;
        }
        self.depth += 1;
        own.touch(path);
        for (keyword, value) in object {
            self.keyword(keyword, value, path, own, outer.as_deref_mut());
        }
        self.depth -= 1;
    }

    fn keyword(
        &mut self,
        keyword: &str,
        value: &'s Value,
        path: &[String],
        own: &mut PathSet,
        mut outer: Option<&mut PathSet>,
    ) {
        match (keyword, value) {
            ("properties" | "dependentSchemas", Value::Object(map)) => {
                for (name, value) in map {
                    let below = longer(path, name);
                    own.touch(&below);
                    let place = if keyword == "properties" { below.as_slice() } else { path };
                    self.schema(value, place, own, outer.as_deref_mut());
                }
            }
            ("required", Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).for_each(|name| own.touch(&longer(path, name)));
            }
            ("dependentRequired", Value::Object(map)) => {
                for (name, names) in map {
                    own.touch(&longer(path, name));
                    let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
                    names.for_each(|name| own.touch(&longer(path, name)));
                }
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(list)) => {
                for value in list {
                    self.schema(value, path, own, outer.as_deref_mut());
                }
            }
            ("if" | "then" | "else" | "not" | "items" | "contains", _) => {
                self.schema(value, path, own, outer);
            }
            ("$ref", Value::String(target)) => {
                let definition = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
                match definition {
                    Some(definition) => self.schema(definition, path, own, outer),
                    None => own.insert(path),
                }
            }
            ("const", value) if value.is_object() || value.is_array() => own.insert(path),
            ("enum", Value::Array(list))
                if list.iter().any(|value| value.is_object() || value.is_array()) =>
            {
                own.insert(path);
            }
            (
                "patternProperties"
                | "additionalProperties"
                | "propertyNames"
                | "minProperties"
                | "maxProperties"
                | "uniqueItems"
                | "x-text",
                _,
            ) => own.insert(path),
            ("x-date" | "x-duration" | "x-value", _) => self.places(value, path, own, outer),
            ("x-ref", Value::Object(members)) => self.must(members, "to", own),
            ("x-referrers", Value::Object(members)) => self.must(members, "from", own),
            ("x-unique", _) => self.unique(value, path, own),
            // `type`, `const` and the like look at a scalar or at what sort of value stands there.
            _ => {}
        }
    }

    /// `{field: place}`, `{outer: place}` and `{…, by: place}` anywhere in the value of a keyword.
    fn places(&mut self, value: &Value, path: &[String], own: &mut PathSet, mut outer: Option<&mut PathSet>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    match (key.as_str(), value.as_str()) {
                        ("field" | "by", Some(place)) => own.insert(&resolve(place, self.at, path)),
                        ("outer", Some(place)) => {
                            if let Some(outer) = outer.as_deref_mut() {
                                outer.insert(&resolve(place, self.at, path));
                            }
                        }
                        _ => self.places(value, path, own, outer.as_deref_mut()),
                    }
                }
            }
            Value::Array(list) => {
                for value in list {
                    self.places(value, path, own, outer.as_deref_mut());
                }
            }
            _ => {}
        }
    }

    fn must(&mut self, members: &'s Map<String, Value>, key: &str, own: &mut PathSet) {
        let mut set = PathSet::default();
        set.touch(self.at);
        if let Some(must) = members.get("must") {
            // A `must` may define for itself; its definitions are those of the whole schema.
            self.schema(must, self.at, &mut set, Some(own));
        }
        for kind in kinds_of(members.get(key)) {
            self.others.entry(kind).or_default().add(&set);
        }
    }

    fn unique(&mut self, value: &Value, path: &[String], own: &mut PathSet) {
        let mut set = PathSet::default();
        set.insert(path);
        let per = value.get("per").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        per.for_each(|place| set.insert(&resolve(place, self.at, path)));
        own.add(&set);
        // Without `among` it is the kinds that the rule matches, whose documents are kept by `own`.
        if let Some(among) = value.get("among") {
            for kind in kinds_of(Some(among)) {
                self.others.entry(kind).or_default().add(&set);
            }
        }
    }
}

fn longer(path: &[String], name: &str) -> Vec<String> {
    path.iter().cloned().chain([name.to_owned()]).collect()
}

/// A place as a path from the root.
fn resolve(place: &str, at: &[String], path: &[String]) -> Vec<String> {
    let keys = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    if let Some(pointer) = place.strip_prefix('/') {
        let parts = pointer.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
        // A position in a list is no key: what is read of one element is read of all.
        return parts.filter(|part| part.parse::<usize>().is_err()).collect();
    }
    match place.strip_prefix("./") {
        Some(beside) => {
            let parent = path.split_last().map_or(&[][..], |(_, parent)| parent);
            parent.iter().cloned().chain(keys(beside)).collect()
        }
        None => at.iter().cloned().chain(keys(place)).collect(),
    }
}

fn kinds_of(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => vec!["*".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(paths: &[&str], touched: &[&str]) -> PathSet {
        let keys = |text: &&str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let mut set = PathSet::default();
        for path in touched {
            set.touch(&keys(path));
        }
        for path in paths {
            set.insert(&keys(path));
        }
        set
    }

    #[test]
    fn reads_of_a_joined_rule() {
        let schema = json!({
            "required": ["a"],
            "properties": {"list": {"items": {"properties": {"end": {"x-date": {"notBefore": {"field": "./start"}}}}}}},
            "x-referrers": {"from": "Risk", "must": {"properties": {"s": {"x-value": {"equals": {"outer": "b"}}}}}},
        });
        let reads = reads(&schema, &["spec".to_owned()]);
        assert_eq!(reads.own, set(&["spec.list.start", "spec.b"], &["spec.a", "spec.list.end"]));
        assert_eq!(reads.others, [("Risk".to_owned(), set(&[], &["spec.s"]))].into());
    }

    #[test]
    fn what_cannot_be_told_reads_everything() {
        let at: [String; 0] = [];
        assert_eq!(reads(&json!({"properties": {"m": {"minProperties": 1}}}), &at).own, set(&["m"], &[]));
        assert_eq!(reads(&json!({"additionalProperties": false}), &at).own, PathSet::All);
        let recursive =
            json!({"$defs": {"d": {"properties": {"x": {"$ref": "#/$defs/d"}}}}, "$ref": "#/$defs/d"});
        let mut own = &reads(&recursive, &at).own;
        for _ in 0..DEPTH {
            match own {
                PathSet::Keys(keys) => own = keys.get("x").unwrap(),
                PathSet::All => break,
            }
        }
        assert_eq!(*own, PathSet::All);
    }
}
