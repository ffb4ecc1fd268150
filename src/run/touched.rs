//! What the commits of a period did to what judges: to policies and configuration, and to waivers.
//!
//! What it does not do: it tells of no change how it weighs; that is for `gate` and for the waivers of each step.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::history::{History, Instant};
use super::policies::has_known_extension;
use super::sources::could_hold;
use crate::estate::{KindName, identity_of};
use crate::finding::ContentDigest;
use crate::load::{ChangedPath, Commit, Entry, EntryKind, LoadError, ObjectId, Source as _};
use crate::yaml::{Limits, NodeRef, parse};

/// What a commit did to rules and configuration, in one word.
const POLICIES: &str = "policies";

/// What commits of some steps did to what judges: to the policies, as given, and to waivers. Waivers are compared by what they
/// say, wherever they stand.
///
/// # Errors
/// A commit that cannot be read.
pub(super) fn touches(
    history: &History,
    instants: &[Instant],
    gate: &BTreeSet<usize>,
    limit: u64,
) -> Result<BTreeMap<usize, Vec<String>>, LoadError> {
    let mut found = BTreeMap::new();
    let Some(last) = instants.last() else { return Ok(found) };
    let mut stock = Stock { source: history.source(last.commit)?, limit, known: HashMap::new() };
    for instant in instants.iter().filter(|instant| !instant.is_tick) {
        let mut touched: BTreeSet<String> = BTreeSet::new();
        if gate.contains(&instant.commit) {
            touched.insert(POLICIES.to_owned());
        }
        let changed = changed_paths(history, instant.commit)?;
        let mut before: BTreeMap<String, Vec<ContentDigest>> = BTreeMap::new();
        let mut after: BTreeMap<String, Vec<ContentDigest>> = BTreeMap::new();
        for each in &changed {
            let Ok(path) = std::str::from_utf8(&each.path) else { continue };
            if has_known_extension(path) {
                stock.add(path, each.old.as_ref(), &mut before);
                stock.add(path, each.new.as_ref(), &mut after);
            }
        }
        for waivers in [&mut before, &mut after] {
            for digests in waivers.values_mut() {
                digests.sort_unstable();
            }
        }
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        touched.extend(names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned());
        if !touched.is_empty() {
            found.insert(instant.commit, touched.into_iter().collect());
        }
    }
    Ok(found)
}

/// The same without what looks like a waiver and never was one, such as an example of a rule.
pub(super) fn known_touches(
    mut touches: BTreeMap<usize, Vec<String>>,
    waivers: &BTreeSet<&String>,
) -> BTreeMap<usize, Vec<String>> {
    for names in touches.values_mut() {
        names.retain(|name| name == POLICIES || waivers.contains(name));
    }
    touches
}

/// What differs between a commit and the one before it; everything, of the first one. Of a clone that is cut behind it
/// nothing is known.
///
/// # Errors
/// A tree that cannot be read.
pub(super) fn changed_paths(history: &History, at: usize) -> Result<Vec<ChangedPath>, LoadError> {
    let Some(commit) = history.commits.get(at).filter(|commit| !(at == 0 && commit.is_boundary)) else {
        return Ok(Vec::new());
    };
    let former = at.checked_sub(1).and_then(|before| history.commits.get(before));
    history.repository.changed_paths(former.map(|former| former.revision.tree), Some(commit.revision.tree))
}

/// The waivers of blobs, each read once.
struct Stock {
    source: Commit,
    limit: u64,
    known: HashMap<ObjectId, Vec<(String, ContentDigest)>>,
}

impl Stock {
    fn add(
        &mut self,
        path: &str,
        side: Option<&(EntryKind, ObjectId)>,
        found: &mut BTreeMap<String, Vec<ContentDigest>>,
    ) {
        let Some((EntryKind::File, blob)) = side else { return };
        if !self.known.contains_key(blob) {
            let waivers = self.read(path, *blob);
            self.known.insert(*blob, waivers);
        }
        for (name, digest) in self.known.get(blob).into_iter().flatten() {
            found.entry(name.clone()).or_default().push(*digest);
        }
    }

    fn read(&self, path: &str, blob: ObjectId) -> Vec<(String, ContentDigest)> {
        let file: Arc<str> = path.into();
        let entry = Entry { path: Arc::clone(&file), size: 0, blob: Some(blob) };
        // What cannot be read is a problem of the replay.
        let Ok(bytes) = self.source.read(&entry, self.limit) else { return Vec::new() };
        if !could_hold("Waiver", &bytes) {
            return Vec::new();
        }
        let (tape, _) = parse(bytes, &file, &Limits::default());
        let waiver = |node: NodeRef<'_>| {
            let identity = node.get("kind").and_then(|_| identity_of(node, None, ""))?;
            let is_waiver = KindName::of(&identity).is("Waiver");
            is_waiver.then(|| (identity.to_string(), ContentDigest::of_value(&node.to_value())))
        };
        tape.documents
            .iter()
            .flat_map(|document| {
                let root = tape.root(document);
                std::iter::once(root).chain(root.descendants())
            })
            .filter_map(waiver)
            .collect()
    }
}
