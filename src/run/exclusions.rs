//! Files that look like resources and are none until another program has worked on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::load::{Entry, SkipReason, Source};
use crate::yaml::{Limits, NodeRef, parse};

/// Why files are not evaluated, by path: templates of Helm charts, patches of Kustomize. `entries` are the files
/// of `folders`; the charts and kustomizations of the folders above count as well.
pub(super) fn exclusions(
    source: &dyn Source,
    folders: &[String],
    entries: &[Entry],
) -> BTreeMap<Arc<str>, SkipReason> {
    let mut found = BTreeMap::new();
    let mut charts = BTreeSet::new();
    let mut kustomizations = BTreeSet::new();
    let above = folders.iter().flat_map(|folder| ancestors(folder)).flat_map(|folder| {
        ["Chart.yaml", "kustomization.yaml", "kustomization.yml"].map(|name| below(folder, name))
    });
    for path in entries.iter().map(|entry| entry.path.to_string()).chain(above) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        match name {
            "Chart.yaml" if matches!(source.find(&path), Ok(Some(_))) => {
                charts.insert(folder.to_owned());
            }
            "kustomization.yaml" | "kustomization.yml" => drop(kustomizations.insert(path)),
            _ => {}
        }
    }
    for entry in entries {
        let in_templates = entry.path.match_indices("templates/").any(|(at, _)| {
            let before = entry.path.get(..at).unwrap_or_default();
            (before.is_empty() || before.ends_with('/')) && charts.contains(before.trim_end_matches('/'))
        });
        if in_templates {
            found.insert(Arc::clone(&entry.path), SkipReason::HelmTemplate);
        }
    }
    let known: BTreeSet<&str> = entries.iter().map(|entry| &*entry.path).collect();
    for path in kustomizations {
        let Ok(bytes) = source.read_path(&path, 1 << 20) else { continue };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (tape, _) = parse(bytes, &path.as_str().into(), &Limits::default());
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

/// The folders above a folder, the top included.
fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    fn above(folder: &str) -> Option<&str> {
        let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        (!folder.is_empty()).then_some(parent)
    }
    std::iter::successors(above(folder), |folder| above(folder))
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
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
