//! Rules over changes: what they deny of each resource that differs between two versions.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::assemble::rule_info;
use super::changed::Changed;
use super::owners::owners_of;
use super::policies::Policies;
use crate::compare::Difference;
use crate::date::Moment;
use crate::estate::Inventory;
use crate::evaluate::{FileContext, Tally, denied, owner};
use crate::finding::{Finding, Resource, Status};
use crate::load::{Codeowners, CommitInfo, Source};
use crate::policy::{Roles, Rule};
use crate::problem::{Code, Problem};
use crate::rego::{Document, Judged, World};
use crate::report::{Event, Report};
use crate::schema::{Inventory as _, RunContext, Scope};

/// Commits as rules over changes see them, oldest first.
fn commits(commits: &[CommitInfo]) -> Value {
    let person =
        |signature: &crate::load::Signature| json!({"name": signature.name, "email": signature.email});
    let one = |commit: &CommitInfo| {
        let mut trailers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in commit.trailers() {
            trailers.entry(key).or_default().push(value);
        }
        json!({
            "id": commit.revision.commit.to_string(),
            "author": person(&commit.author),
            "committer": person(&commit.committer),
            "seconds": commit.committer.seconds,
            "message": commit.message,
            "trailers": trailers,
            "signed": commit.has_signature,
            "parents": commit.parents.len(),
        })
    };
    Value::Array(commits.iter().map(one).collect())
}

/// Two versions, for rules over changes.
pub(super) struct Change<'c> {
    pub(super) base: &'c dyn Source,
    pub(super) head: &'c dyn Source,
    /// The commits between them, oldest first.
    pub(super) commits: &'c [CommitInfo],
    pub(super) changed: &'c Changed,
    pub(super) found: &'c [Difference],
    /// The resources before, and after.
    pub(super) former: &'c Arc<Inventory>,
    pub(super) inventory: &'c Arc<Inventory>,
    pub(super) as_of: &'c Moment,
}

/// The place of a rule in the report, put there if it binds before the change alone.
fn place_of_rule(report: &mut Report, rule: &Rule) -> u32 {
    let known = report.rules.iter().position(|known| known.name == rule.name);
    let at = known.unwrap_or_else(|| {
        report.rules.push(rule_info(rule, Tally::default()));
        report.not_selected.retain(|absent| absent.rule != rule.name);
        report.rules.len().saturating_sub(1)
    });
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What rules over changes deny; they are counted in the report on the version after. `former` are the roles before.
pub(super) fn events(
    change: &Change<'_>,
    policies: &Policies,
    former_roles: &Roles,
    report: &mut Report,
) -> (Vec<Event>, Vec<Problem>) {
    let Change { changed, found, as_of, inventory, .. } = change;
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    // A change of the roles themselves escapes no rule that binds on either side.
    let roles = report.run.roles.clone();
    let binds = |rule: &&Rule| former_roles.bind(&rule.roles) || roles.bind(&rule.roles);
    let rules = policies.rules.rules.iter().filter(|rule| rule.uses.change).filter(binds);
    let rules: Vec<(u32, &Rule)> = rules.map(|rule| (place_of_rule(report, rule), rule)).collect();
    if rules.is_empty() {
        return (events, problems);
    }
    let commits = commits(change.commits);
    let (codeowners, _) = Codeowners::of(change.head);
    let world = Arc::new(World::new(Arc::clone(inventory) as Arc<_>));
    let former = Arc::new(World::new(Arc::clone(change.former) as Arc<_>));
    let run = RunContext { as_of: (*as_of).clone(), inventory: Some(&***inventory) };
    for difference in *found {
        let before = difference.before.and_then(|at| changed.base.root(at));
        let after = difference.after.and_then(|at| changed.head.root(at));
        let Some(root) = after.or(before) else { continue };
        let identity = &difference.change.identity;
        let kind = crate::estate::KindName::of(identity);
        let document = OnceCell::from(Document::of_change(before, after, &commits));
        let Some(location) = difference.change.location.clone() else { continue };
        let resource = Resource::new(identity.clone(), location.clone());
        let resource = Arc::new(Resource { owner: owner(root).map(Arc::from), ..resource });
        let tape = root.tape();
        let text = || std::borrow::Cow::Borrowed(tape.source());
        let source = if after.is_some() { change.head } else { change.base };
        let path = source.from_base(&location.file).unwrap_or(&location.file).to_owned();
        let mut context = FileContext::new(&location.file, &path, &text);
        let id = inventory.find(&identity.to_string());
        for (index, rule) in &rules {
            let Ok(compiled) = rule.compiled(&policies.kinds, &policies.rules.assigned_kinds) else {
                continue;
            };
            let scope = Scope::new(root, &rule.at, id, &run);
            let applies = rule.matches.iter().zip(&compiled.conditions).any(|(each, condition)| {
                each.matches_kind(&kind)
                    && each.selects(root, &identity.namespace, &path)
                    && condition.as_ref().is_none_or(|condition| condition.holds(&scope))
            });
            let Some(policy) = compiled.rego.as_ref().filter(|_| applies) else { continue };
            let mut nothing = Tally::default();
            // What is counted are changes.
            let tally = report.rules.get_mut(*index as usize).map_or(&mut nothing, |rule| &mut rule.tally);
            tally.matched += 1;
            let judged = Judged {
                root,
                document: &document,
                identity,
                resource: id,
                world: &world,
                base: Some(&former),
                as_of,
            };
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| policy.evaluate(&judged)));
            let denials = match caught {
                Ok(Ok(denials)) => denials,
                Ok(Err(error)) => {
                    let message =
                        format!("rule {} on the change of {identity}: {}", rule.name, error.message);
                    problems.push(Problem::new(Code::RuleFailed, message).at(location.clone()));
                    continue;
                }
                Err(panic) => {
                    tally.errors += 1;
                    let reason = crate::evaluate::panic_text(&*panic);
                    let message = format!("rule {} on the change of {identity}: {reason}", rule.name);
                    problems.push(Problem::new(Code::RulePanicked, message).at(location.clone()));
                    continue;
                }
            };
            *(if denials.is_empty() { &mut tally.passed } else { &mut tally.failed }) += 1;
            for failure in denied(rule, denials, root) {
                let place = failure.path.to_string();
                let finding = Finding {
                    rule: *index,
                    status: Status::Fail,
                    owners: owners_of(&resource, &codeowners),
                    exception: None,
                    is_sensitive: rule.is_sensitive,
                    message: if rule.is_sensitive {
                        rule.title.as_str().into()
                    } else {
                        failure.message.into()
                    },
                    resource: Arc::clone(&resource),
                    location: match failure.anchor {
                        Some(anchor) => context.location(anchor, &place),
                        None => location.clone(),
                    },
                    related: None,
                    key: failure.key.unwrap_or_else(|| failure.path.stable_key(root)).into(),
                };
                let fingerprint = finding.fingerprint(&rule.name, None);
                events.push(Event { finding, fingerprint });
            }
        }
    }
    events.sort_by(|one, other| {
        let key =
            |event: &Event| (event.finding.location.clone(), event.finding.rule, event.finding.key.clone());
        key(one).cmp(&key(other))
    });
    (events, problems)
}
