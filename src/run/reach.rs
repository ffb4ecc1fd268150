//! How far a difference between two estates can be seen: by which rules, and by which resources.

use std::collections::BTreeSet;

use serde_json::Value;

use super::second_pass::Seen;
use crate::policy::{Check as RuleCheck, Rule};
use crate::rego::Names;
use crate::schema::{Inventory as _, ResourceId};

/// Distance of a resource that no difference is near to.
pub(super) const FAR: u8 = u8::MAX - 1;
/// Reach of a rule that looks anywhere.
pub(super) const ANYWHERE: u8 = u8::MAX;

/// How many references each resource of two estates is away from one that differs, as far as any rule can see. `twins`
/// are the places of what is common to both: it is as near as in the estate where it is nearer.
pub(super) fn distances(
    (before, differs_before): (&Seen, &[bool]),
    (after, differs_after): (&Seen, &[bool]),
    twins: &[(usize, usize)],
    reach: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let farthest = reach.iter().copied().filter(|reach| *reach < FAR).max().unwrap_or(0);
    let mut old = in_one(before, differs_before, farthest);
    let mut new = in_one(after, differs_after, farthest);
    for (one, other) in twins {
        if let (Some(one), Some(other)) = (old.get_mut(*one), new.get_mut(*other)) {
            let least = (*one).min(*other);
            (*one, *other) = (least, least);
        }
    }
    (old, new)
}

fn in_one(seen: &Seen, differs: &[bool], farthest: u8) -> Vec<u8> {
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
pub(super) fn reach(rule: &Rule, differing: &BTreeSet<String>) -> u8 {
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
