//! Files that look like resources and are none until another program has worked on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::load::{Entry, Root, SkipReason};
use crate::yaml::{Limits, NodeRef, parse};

/// Why files are not evaluated, by path: templates of Helm charts, patches of Kustomize.
pub(super) fn exclusions(root: &Root, entries: &[Entry]) -> BTreeMap<Arc<str>, SkipReason> {
    let mut found = BTreeMap::new();
    let charts: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| match entry.path.rsplit_once('/') {
            Some((folder, "Chart.yaml")) => Some(folder),
            None if &*entry.path == "Chart.yaml" => Some(""),
            _ => None,
        })
        .collect();
    for entry in entries {
        let in_templates = entry.path.match_indices("templates/").any(|(at, _)| {
            let before = entry.path.get(..at).unwrap_or_default();
            (before.is_empty() || before.ends_with('/')) && charts.contains(before.trim_end_matches('/'))
        });
        if in_templates && !charts.is_empty() {
            found.insert(Arc::clone(&entry.path), SkipReason::HelmTemplate);
        }
    }
    let known: BTreeSet<&str> = entries.iter().map(|entry| &*entry.path).collect();
    for entry in entries {
        let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        if !matches!(name, "kustomization.yaml" | "kustomization.yml") {
            continue;
        }
        let Ok(bytes) = root.read(&entry.path, 1 << 20) else { continue };
        let (tape, _) = parse(bytes, &entry.path, &Limits::default());
        for document in &tape.documents {
            for patch in patches(tape.root(document)) {
                let path = resolve(folder, patch);
                if let Some(path) = known.get(path.as_str()) {
                    found.insert(Arc::from(*path), SkipReason::KustomizePatch);
                }
            }
        }
    }
    found
}

/// The files that a kustomization names as patches (kubectl.docs.kubernetes.io/references/kustomize).
fn patches(root: NodeRef<'_>) -> Vec<&str> {
    let list = |key: &str| root.get(key).into_iter().flat_map(|node| node.elements());
    let files = list("patchesStrategicMerge").filter_map(|node| node.as_str());
    let paths = list("patches").chain(list("patchesJson6902"));
    files.chain(paths.filter_map(|patch| patch.get("path").and_then(|path| path.as_str()))).collect()
}

fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_patches() {
        assert_eq!(resolve("k8s/prod", "../base/patch.yaml"), "k8s/base/patch.yaml");
        assert_eq!(resolve("", "./p.yaml"), "p.yaml");
    }
}
