//! What a rule matches: kinds, namespaces, labels, paths and a condition.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use serde_json::Value;

use crate::estate::{KindName, Pattern};
use crate::yaml::{NodeRef, Place};

/// One way to match.
#[derive(Debug)]
pub struct Match {
    /// Kinds as written.
    pub kinds: Vec<String>,
    pub(super) patterns: Vec<Pattern>,
    namespaces: Option<GlobSet>,
    pub(super) labels: Vec<(String, Vec<String>)>,
    paths: Option<GlobSet>,
    pub(super) condition: Option<(Value, u32)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MatchForm {
    kinds: Vec<Place<String>>,
    #[serde(default)]
    namespaces: Vec<Place<String>>,
    #[serde(default)]
    labels: BTreeMap<String, Place<Value>>,
    #[serde(default)]
    paths: Vec<Place<String>>,
    #[serde(default, rename = "where")]
    pub(super) condition: Option<Place<Value>>,
}

pub(super) fn read_match(form: MatchForm, refuse: &mut impl FnMut(u32, String)) -> Match {
    let mut patterns = Vec::new();
    for kind in &form.kinds {
        match Pattern::parse(&kind.value) {
            Some(pattern) => patterns.push(pattern),
            None => refuse(
                kind.node,
                format!("{:?} is no kind; write `Kind`, `group/Kind`, `*/Kind` or `*`", kind.value),
            ),
        }
    }
    if form.kinds.is_empty() {
        let node = form.condition.as_ref().map_or(0, |condition| condition.node);
        refuse(node, "`kinds` is empty, so the rule could never apply".to_owned());
    }
    let mut labels = Vec::new();
    for (name, value) in form.labels {
        let values: Option<Vec<String>> = match &value.value {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(many) => many.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        match values {
            Some(values) => labels.push((name, values)),
            None => refuse(value.node, format!("label {name} should be text or a list of texts")),
        }
    }
    Match {
        namespaces: globs(&form.namespaces, refuse),
        paths: globs(&form.paths, refuse),
        kinds: form.kinds.into_iter().map(|kind| kind.value).collect(),
        patterns,
        labels,
        condition: form.condition.map(|condition| (condition.value, condition.node)),
    }
}

fn globs(list: &[Place<String>], refuse: &mut impl FnMut(u32, String)) -> Option<GlobSet> {
    if list.is_empty() {
        return None;
    }
    let mut builder = GlobSetBuilder::new();
    for glob in list {
        match GlobBuilder::new(&glob.value).literal_separator(true).build() {
            Ok(compiled) => drop(builder.add(compiled)),
            Err(error) => refuse(glob.node, format!("is no glob: {}", error.kind())),
        }
    }
    builder.build().ok()
}

impl Match {
    /// Whether it means a kind.
    pub fn matches_kind(&self, kind: &KindName) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(kind))
    }

    /// Whether namespace, labels and path of a resource are meant; `where` is for the caller.
    pub fn selects(&self, root: NodeRef<'_>, namespace: &str, path: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|globs| globs.is_match(namespace))
            && self.paths.as_ref().is_none_or(|globs| globs.is_match(path))
            && self.labels.iter().all(|(name, values)| {
                let label = root.at(["metadata", "labels", name.as_str()]);
                label.is_some_and(|label| values.iter().any(|value| value == label.text()))
            })
    }

    /// The kinds, as patterns.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The condition, as written.
    pub fn condition(&self) -> Option<&Value> {
        self.condition.as_ref().map(|(condition, _)| condition)
    }

    /// Where the condition stands.
    pub fn condition_node(&self) -> Option<u32> {
        self.condition.as_ref().map(|(_, node)| *node)
    }

    pub(super) fn everything() -> Self {
        Self {
            kinds: vec!["*".to_owned()],
            patterns: Pattern::parse("*").into_iter().collect(),
            namespaces: None,
            labels: Vec::new(),
            paths: None,
            condition: None,
        }
    }
}
