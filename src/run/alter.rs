//! What rules can see of a resource that stands in both of two versions and is not the same.

use crate::estate::KindName;
use crate::finding::Identity;
use crate::policy::Rule;
use crate::schema::{Inventory as _, PathSet, ResourceId};
use crate::yaml::{Kind, NodeRef};

use super::second_pass::Seen;

/// How much two versions of a resource differ, for rules that look at it from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alteration {
    /// Not at all: what rules read of it is the same, and so is whom it names.
    Quiet,
    /// In what rules read, and not in whom it names.
    Content,
    /// In whom it names, or in whether it can be judged.
    Whole,
}

/// How much a resource differs between two versions.
pub(super) fn alteration(
    (before, old): (&Seen, ResourceId),
    (after, new): (&Seen, ResourceId),
) -> Alteration {
    let state = |seen: &Seen, id: ResourceId| {
        seen.states.get(id.0 as usize).map(|state| (state.is_sound, state.is_evaluated))
    };
    let (one, other) = (before.inventory.resource(old), after.inventory.resource(new));
    let is_same_thing = one.zip(other).is_some_and(|(one, other)| {
        one.identity == other.identity
            && one.uid == other.uid
            && one.owner == other.owner
            && one.location.file == other.location.file
    });
    if !is_same_thing
        || state(before, old) != state(after, new)
        || !has_same_references(before, old, after, new)
    {
        return Alteration::Whole;
    }
    let (one, other) = (before.inventory.document(old), after.inventory.document(new));
    if is_same(one, other, &PathSet::All) { Alteration::Quiet } else { Alteration::Content }
}

/// Whether a resource names the same others. What names nothing is told apart by its text alone, which is not at hand.
fn has_same_references(before: &Seen, old: ResourceId, after: &Seen, new: ResourceId) -> bool {
    let (one, other) = (before.inventory.outgoing(old), after.inventory.outgoing(new));
    one.len() == other.len()
        && one.iter().zip(&other).all(|((field, target), (other_field, other_target))| {
            let named = |seen: &Seen, target: &Option<ResourceId>| -> Option<Identity> {
                Some(seen.inventory.resource((*target)?)?.identity.clone())
            };
            let target = named(before, target);
            field == other_field && target.is_some() && target == named(after, other_target)
        })
}

/// Whether a rule that looks at other resources could see that the content of this one has changed.
pub(super) fn can_see(
    rule: &Rule,
    (before, old): (&Seen, ResourceId),
    (after, new): (&Seen, ResourceId),
) -> bool {
    let Some(resource) = after.inventory.resource(new) else { return true };
    let kind = KindName::of(&resource.identity);
    let (one, other) = (before.inventory.document(old), after.inventory.document(new));
    let mut reads =
        rule.reads.others.iter().filter(|(read, _)| *read == "*" || kind.is_written(read)).peekable();
    if reads.peek().is_none() {
        // Of kinds that a text of Rego does not expect, it is given all that is kept.
        return rule.check.rego().is_some();
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
