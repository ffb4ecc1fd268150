//! What rules can see of a resource that stands in both of two versions and is not the same.

use std::collections::{BTreeMap, BTreeSet};

use super::second_pass::Seen;
use crate::estate::KindName;
use crate::finding::Identity;
use crate::policy::Rule;
use crate::schema::{Inventory as _, PathSet, ResourceId};
use crate::yaml::{Kind, NodeRef};

/// How two versions of a resource differ, for rules that look at it from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Alteration {
    /// Not at all: what rules read of it is the same, and so is whom it names.
    Quiet,
    /// In what rules read, or in whom it names through these fields.
    Content(Vec<String>),
    /// In whether it can be judged, or in what it is.
    Whole,
}

/// A resource of one of the versions.
pub(super) type Place<'v> = (&'v Seen, ResourceId);

/// How a resource differs between two versions.
pub(super) fn alteration((before, old): Place<'_>, (after, new): Place<'_>) -> Alteration {
    let state = |(seen, id): Place<'_>| {
        seen.states.get(id.0 as usize).map(|state| (state.is_sound, state.is_evaluated))
    };
    let (one, other) = (before.inventory.resource(old), after.inventory.resource(new));
    let is_same_thing = one.zip(other).is_some_and(|(one, other)| {
        one.identity == other.identity && one.uid() == other.uid() && one.location.file == other.location.file
    });
    if !is_same_thing || state((before, old)) != state((after, new)) {
        return Alteration::Whole;
    }
    let fields = other_references((before, old), (after, new));
    let (one, other) = (before.inventory.document(old), after.inventory.document(new));
    // Findings name the owner, so that it is asked again itself.
    let has_same_owner = before.inventory.resource(old).map(|one| &one.owner)
        == after.inventory.resource(new).map(|other| &other.owner);
    if has_same_owner && fields.is_empty() && is_same(one, other, &PathSet::All) {
        Alteration::Quiet
    } else {
        Alteration::Content(fields)
    }
}

/// The fields through which a resource names others than before. What names nothing is told apart by its text alone, which
/// is not at hand, so that it counts as another.
fn other_references((before, old): Place<'_>, (after, new): Place<'_>) -> Vec<String> {
    let list = |(seen, id): Place<'_>| -> BTreeMap<String, Vec<Option<Identity>>> {
        let mut fields: BTreeMap<String, Vec<Option<Identity>>> = BTreeMap::new();
        for (field, target) in seen.inventory.outgoing(id) {
            let target = target.and_then(|target| seen.inventory.resource(target));
            fields.entry(field.to_owned()).or_default().push(target.map(|target| target.identity.clone()));
        }
        fields
    };
    let (one, other) = (list((before, old)), list((after, new)));
    let fields: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = |field: &&&String| {
        let (one, other) = (one.get(**field), other.get(**field));
        one != other || one.is_some_and(|targets| targets.contains(&None))
    };
    fields.iter().filter(differs).map(|field| (*field).clone()).collect()
}

/// Whether a rule could see of a resource, from elsewhere, that its content has changed, or whom it names through some
/// fields.
pub(super) fn can_see(rule: &Rule, fields: &[String], old: Place<'_>, new: Place<'_>) -> bool {
    sees_references(rule, fields, new) || sees_content(rule, old, new)
}

fn sees_references(rule: &Rule, fields: &[String], (seen, id): Place<'_>) -> bool {
    if fields.is_empty() {
        return false;
    }
    let Some(resource) = seen.inventory.resource(id).filter(|_| rule.check.rego().is_some()) else {
        return true;
    };
    // Its own references a rule sees where it judges the resource itself.
    let is_named = |kind: &str| rule.uses.referrers.contains(kind);
    is_named(&resource.identity.kind)
        || is_named(&resource.identity.qualified_kind())
        || fields.iter().any(|field| rule.uses.walked.contains(field))
        || rule.matches.iter().any(|each| each.condition().is_some())
}

fn sees_content(rule: &Rule, (before, old): Place<'_>, (after, new): Place<'_>) -> bool {
    let Some(resource) = after.inventory.resource(new) else { return true };
    let kind = KindName::of(&resource.identity);
    let (one, other) = (before.inventory.document(old), after.inventory.document(new));
    let mut reads =
        rule.reads.others.iter().filter(|(read, _)| *read == "*" || kind.is_written(read)).peekable();
    if reads.peek().is_none() {
        // Of kinds that a text of Rego does not expect, it is given all that is kept.
        return rule.check.rego().is_some() && !is_same(one, other, &PathSet::All);
    }
    reads.any(|(_, set)| !is_same(one, other, set))
}

/// Whether two values are the same, as far as they are read.
fn is_same(one: NodeRef<'_>, other: NodeRef<'_>, set: &PathSet) -> bool {
    if one.kind() != other.kind() {
        return false;
    }
    match one.kind() {
        Kind::Map => {
            // Names tell elements of lists apart, whether or not a rule reads them.
            let read = |(key, _): &(NodeRef<'_>, NodeRef<'_>)| {
                set.of_key(key.text()).is_some() || matches!(key.text(), "name" | "id")
            };
            let (mut members, mut others) = (one.members().filter(read), other.members().filter(read));
            loop {
                match (members.next(), others.next()) {
                    (None, None) => return true,
                    (Some((key, value)), Some((other_key, other_value))) => {
                        let below = set.of_key(key.text()).unwrap_or(&PathSet::All);
                        if key.text() != other_key.text() || !is_same(value, other_value, below) {
                            return false;
                        }
                    }
                    _ => return false,
                }
            }
        }
        Kind::List => {
            one.len() == other.len()
                && one
                    .elements()
                    .zip(other.elements())
                    .all(|(element, twin)| is_same(element, twin, set.of_element(element)))
        }
        _ => one.text() == other.text() && one.is_ambiguous() == other.is_ambiguous(),
    }
}
