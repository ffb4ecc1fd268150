//! Two estates under the same policies and clock, of which most is the same: what they have in common is read,
//! parsed and judged once.
//!
//! A file with one path and one blob is common to both. Of the pairs of resource and joined rule, those are common
//! that no difference can reach: from the resources of files that differ, references are followed in both estates as
//! far as a rule can look. Rules that look at all resources of a kind are asked twice if such a kind is among what differs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use super::batches::{FIRST_BATCHES, MOST_BATCHES, Role, batches, blocks};
use super::check::{Check, Listed};
use super::first_pass::{BatchResult, Meter};
use super::second_pass::{Part, Seen};
use crate::estate::Inventory;
use crate::load::Entry;
use crate::policy::{Check as RuleCheck, Rule};
use crate::rego::Names;
use crate::report::Report;
use crate::schema::{Inventory as _, ResourceId};

/// A report with the resources that it is about.
pub(super) type Evaluated = (Report, Arc<Inventory>);

/// Who has a batch of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Both,
    Base,
    Head,
}

/// Distance of a resource that no difference is near to.
const FAR: u8 = u8::MAX - 1;
/// Reach of a rule that looks anywhere.
const ANYWHERE: u8 = u8::MAX;

/// Evaluates two estates, whose checks differ in nothing but their source.
pub(super) fn evaluate_both(
    base: &Check<'_>,
    head: &Check<'_>,
    (of_base, of_head): (Listed, Listed),
    progress: &(dyn Fn(u64, u64) + Sync),
) -> (Evaluated, Evaluated) {
    let units = units(base, head, &of_base.entries, &of_head.entries);
    let results = first_pass(base, head, &units, progress);
    let differing: BTreeSet<String> = results
        .iter()
        .filter(|(owner, _)| *owner != Owner::Both)
        .flat_map(|(_, result)| &result.gathered.resources)
        .map(|resource| resource.identity.qualified_kind())
        .collect();
    // Where each common resource stands in either inventory, and which resources are not common.
    let (mut twins, mut in_base, mut in_head) = (Vec::new(), Vec::new(), Vec::new());
    for (owner, result) in &results {
        for _ in &result.gathered.resources {
            let is_common = *owner == Owner::Both;
            if is_common {
                twins.push((in_base.len(), in_head.len()));
            }
            if *owner != Owner::Head {
                in_base.push(!is_common);
            }
            if *owner != Owner::Base {
                in_head.push(!is_common);
            }
        }
    }
    let theirs: Vec<BatchResult> =
        results.iter().filter(|(owner, _)| *owner != Owner::Head).map(|(_, result)| result.clone()).collect();
    let ours = results.into_iter().filter(|(owner, _)| *owner != Owner::Base).map(|(_, result)| result);
    let ours: Vec<BatchResult> = ours.collect();
    let ((base_seen, base_gleaned), (head_seen, head_gleaned)) =
        rayon::join(|| base.glean(theirs, of_base), || head.glean(ours, of_head));

    let reach: Arc<[u8]> =
        head.policies.rules.rules.iter().map(|rule| reach(rule, &differing)).collect::<Vec<_>>().into();
    let farthest = reach.iter().copied().filter(|reach| *reach < FAR).max().unwrap_or(0);
    let mut base_distances = distances(&base_seen, &in_base, farthest);
    let mut head_distances = distances(&head_seen, &in_head, farthest);
    for (one, other) in twins {
        if let (Some(one), Some(other)) = (base_distances.get_mut(one), head_distances.get_mut(other)) {
            let least = (*one).min(*other);
            (*one, *other) = (least, least);
        }
    }
    let own = |distances| Part { distances, is_common: false, reach: &reach };
    let common = head.second_pass(&head_seen, Some(Part { is_common: true, ..own(&head_distances) }));
    let mut of_base = base.second_pass(&base_seen, Some(own(&base_distances)));
    let mut of_head = head.second_pass(&head_seen, Some(own(&head_distances)));
    of_base.extend(common.iter().cloned());
    of_head.extend(common);
    let (base_report, head_report) = rayon::join(
        || base.conclude(&base_seen, base_gleaned, of_base),
        || head.conclude(&head_seen, head_gleaned, of_head),
    );
    ((base_report, base_seen.inventory), (head_report, head_seen.inventory))
}

type Unit = (Owner, Vec<(Entry, Role)>);

/// The files of both in the order of their paths, cut where the owner changes and into batches.
fn units(
    base: &Check<'_>,
    head: &Check<'_>,
    of_base: &[(Entry, Role)],
    of_head: &[(Entry, Role)],
) -> Vec<Unit> {
    // Globs and mappings begin at the folder of the configuration: elsewhere the same file may be another thing.
    let is_comparable = base.root.base() == head.root.base();
    let known: HashMap<&Arc<str>, &(Entry, Role)> = of_base.iter().map(|each| (&each.0.path, each)).collect();
    let is_common = |(entry, role): &(Entry, Role)| {
        is_comparable
            && known
                .get(&entry.path)
                .is_some_and(|(other, its)| its == role && entry.blob.is_some() && entry.blob == other.blob)
    };
    let common: BTreeSet<&Arc<str>> =
        of_head.iter().filter(|each| is_common(each)).map(|(entry, _)| &entry.path).collect();
    let mut all: Vec<(&(Entry, Role), Owner)> = Vec::with_capacity(of_head.len());
    all.extend(of_head.iter().map(|each| {
        let is_common = common.contains(&each.0.path);
        (each, if is_common { Owner::Both } else { Owner::Head })
    }));
    let gone = of_base.iter().filter(|(entry, _)| !common.contains(&entry.path));
    all.extend(gone.map(|each| (each, Owner::Base)));
    all.sort_by(|(one, _), (other, _)| one.0.path.cmp(&other.0.path));
    let mut units = Vec::new();
    for run in all.chunk_by(|(_, one), (_, other)| one == other) {
        let Some((_, owner)) = run.first() else { continue };
        let files: Vec<(Entry, Role)> = run.iter().map(|(each, _)| (*each).clone()).collect();
        units.extend(batches(&files).into_iter().map(|batch| (*owner, batch.to_vec())));
    }
    units
}

fn first_pass(
    base: &Check<'_>,
    head: &Check<'_>,
    units: &[Unit],
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Vec<(Owner, BatchResult)> {
    let total = units.iter().flat_map(|(_, files)| files).map(|(entry, _)| entry.size).sum();
    let meter = Meter::new(progress, total);
    let mut around = head.around();
    let mut results: Vec<(Owner, BatchResult)> = Vec::with_capacity(units.len());
    for block in blocks(units, FIRST_BATCHES, MOST_BATCHES) {
        let of_block = block.par_iter().map(|(owner, files)| {
            let check = if *owner == Owner::Base { base } else { head };
            (*owner, check.batch(files, &around, &meter))
        });
        let of_block: Vec<_> = of_block.collect();
        results.extend(of_block);
        // A rule that neither estate can afford on its own is given up for both.
        around.given_up = head.given_up(results.iter().map(|(_, result)| &result.outcome));
    }
    results
}

/// How many references each resource is away from one that differs, counted up to `farthest`.
fn distances(seen: &Seen, differs: &[bool], farthest: u8) -> Vec<u8> {
    let mut distances: Vec<u8> = differs.iter().map(|differs| if *differs { 0 } else { FAR }).collect();
    let mut next: Vec<ResourceId> =
        (0_u32..).zip(differs).filter(|(_, differs)| **differs).map(|(at, _)| ResourceId(at)).collect();
    for distance in 1..=farthest {
        let mut found = Vec::new();
        for id in next {
            let outgoing = seen.inventory.outgoing(id).into_iter().filter_map(|(_, target)| target);
            let incoming = seen.inventory.incoming(id).into_iter().map(|(from, ..)| from);
            for near in outgoing.chain(incoming) {
                if let Some(known) = distances.get_mut(near.0 as usize).filter(|known| **known == FAR) {
                    *known = distance;
                    found.push(near);
                }
            }
        }
        next = found;
    }
    distances
}

/// From how many references away a rule can see a difference among resources of these kinds.
fn reach(rule: &Rule, differing: &BTreeSet<String>) -> u8 {
    let is_differing = |kind: &String| kind == "*" || differing.contains(kind);
    let of_rego = if rule.uses.walks {
        // It may walk any way.
        if differing.is_empty() { 0 } else { ANYWHERE }
    } else if [&rule.uses.estate, &rule.uses.networks].into_iter().any(|names| match names {
        Names::All => !differing.is_empty(),
        Names::Some(kinds) => kinds.iter().any(is_differing),
    }) {
        ANYWHERE
    } else {
        u8::from(!rule.uses.references.is_empty() || !rule.uses.referrers.is_empty())
    };
    let of_check = match &rule.check {
        // Not resources alone: it looks for files.
        RuleCheck::LinkedFileMissing => ANYWHERE,
        RuleCheck::UnresolvedReference => 1,
        RuleCheck::Schema { schema, .. } => depth(schema),
        RuleCheck::Rego(_) | RuleCheck::AmbiguousScalar => 0,
    };
    let conditions = rule.matches.iter().filter_map(|each| each.condition()).map(depth);
    of_rego.max(of_check).max(conditions.max().unwrap_or(0))
}

/// How many references a schema follows one after the other.
fn depth(schema: &Value) -> u8 {
    match schema {
        Value::Object(object) => {
            let below = |(keyword, value): (&String, &Value)| match keyword.as_str() {
                "x-ref" | "x-referrers" => depth(value).saturating_add(1),
                // It compares with all resources of a kind; a definition may hold itself.
                "x-unique" | "$ref" | "$dynamicRef" => ANYWHERE,
                _ => depth(value),
            };
            let depth = object.iter().map(below).max().unwrap_or(0);
            // As far as one counts.
            if depth >= FARTHEST { ANYWHERE } else { depth }
        }
        Value::Array(list) => list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Rules that look farther look anywhere.
const FARTHEST: u8 = 16;
