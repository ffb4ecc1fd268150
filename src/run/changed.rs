//! The files that differ between two versions of an estate, parsed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::check::{Check, Listed};
use crate::compare::Version;
use crate::evaluate::FileContext;
use crate::load::{Entry, ObjectId, Source};
use crate::policy::{InlineIgnore, inline_ignores};
use crate::yaml::Tape;

/// The files of one side that differ, parsed.
#[derive(Default)]
pub(super) struct ChangedSide {
    tapes: Vec<Tape>,
    pub(super) versions: Vec<Version>,
    /// For each version, its tape and root.
    roots: Vec<(usize, u32)>,
    pub(super) ignores: Vec<InlineIgnore>,
}

pub(super) struct Changed {
    pub(super) base: ChangedSide,
    pub(super) head: ChangedSide,
}

pub(super) fn changed_files(
    before: &Check<'_>,
    after: &Check<'_>,
    of_base: &Listed,
    of_head: &Listed,
) -> Changed {
    let by_path = |listed: &Listed| -> BTreeMap<Arc<str>, Entry> {
        listed.entries.iter().map(|(entry, _)| (Arc::clone(&entry.path), entry.clone())).collect()
    };
    let (old, new) = (by_path(of_base), by_path(of_head));
    let paths: BTreeSet<&Arc<str>> = old.keys().chain(new.keys()).collect();
    let paths: Vec<&Arc<str>> = paths.into_iter().collect();
    let limits = &before.request.limits;
    let compared = paths.into_par_iter().filter_map(|path| {
        let (one, other) = (old.get(path), new.get(path));
        let same = one.zip(other).is_some_and(|(one, other)| one.blob.is_some() && one.blob == other.blob);
        if same {
            return None;
        }
        let read = |source: &dyn Source, entry: Option<&Entry>| source.read(entry?, limits.file_size).ok();
        let (one, other) = (read(before.root, one), read(after.root, other));
        // What could not be compared without reading may be the same after all.
        let same = one.as_deref().zip(other.as_deref()).is_some_and(|(one, other)| {
            one == other
                || ObjectId::of_blob(one)
                    .zip(ObjectId::of_blob(other))
                    .is_some_and(|(one, other)| one == other)
        });
        (!same).then(|| (Arc::clone(path), one, other))
    });
    let compared: Vec<_> = compared.collect();
    let mut changed = Changed { base: ChangedSide::default(), head: ChangedSide::default() };
    for (path, one, other) in compared {
        if let Some(bytes) = one {
            changed.base.add(before, &path, bytes);
        }
        if let Some(bytes) = other {
            changed.head.add(after, &path, bytes);
        }
    }
    changed
}

impl ChangedSide {
    fn add(&mut self, check: &Check<'_>, path: &Arc<str>, bytes: Vec<u8>) {
        let (tape, candidates) = check.candidates(path, bytes);
        self.ignores.extend(inline_ignores(tape.source(), path));
        let text = || std::borrow::Cow::Borrowed(tape.source());
        let mut context = FileContext::new(path, path, &text);
        for candidate in candidates {
            let kind = crate::estate::KindName::of(&candidate.identity);
            let schema = check.policies.kinds.get(&kind).map(|schema| schema.schema());
            let masked = crate::estate::sensitive_fields(&kind, schema);
            self.versions.push(Version {
                identity: candidate.identity.clone(),
                uid: candidate.uid.clone(),
                location: context.location(tape.node(candidate.anchor), ""),
                document: tape.node(candidate.node).to_value(),
                masked: masked.iter().map(crate::estate::SensitiveField::keys).collect(),
            });
            self.roots.push((self.tapes.len(), candidate.node));
        }
        self.tapes.push(tape);
    }

    pub(super) fn root(&self, at: usize) -> Option<crate::yaml::NodeRef<'_>> {
        let (tape, node) = self.roots.get(at)?;
        Some(self.tapes.get(*tape)?.node(*node))
    }
}
