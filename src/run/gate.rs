//! What a change does to its own gate: rules, configuration, waivers and ignores, head against base.
//!
//! Whatever could let more pass is told. It fails the run unless it is known to have no effect before it is merged.

use std::collections::BTreeMap;

use serde_json::Value;

use super::policies::Policies;
use crate::date::Moment;
use crate::finding::{Location, Severity};
use crate::policy::{Baseline, BaselineEntry, Check, Config, InlineIgnore, Requirement, Roles, Rule, Waiver};
use crate::report::{GateChange, GateEffect, GateSort, allowed};

/// The threshold where a configuration says none.
const DEFAULT_THRESHOLD: Severity = Severity::Low;

/// One side of the gate.
pub(super) struct Gate<'g> {
    pub(super) policies: &'g Policies,
    /// The waivers that the estate holds.
    pub(super) waivers: &'g [Waiver],
    /// The ignores in comments of the files that differ.
    pub(super) ignores: &'g [InlineIgnore],
}

/// What the head changes, in a fixed order.
pub(super) fn gate_changes(base: &Gate<'_>, head: &Gate<'_>, as_of: &Moment) -> Vec<GateChange> {
    let mut changes = Vec::new();
    rules(base.policies, head.policies, &mut changes);
    kinds(base.policies, head.policies, &mut changes);
    frameworks(base.policies, head.policies, &mut changes);
    settings(&base.policies.config, &head.policies.config, &mut changes);
    waivers(base, head, as_of, &mut changes);
    ignores(base, head, &mut changes);
    budgets(&base.policies.config, &head.policies.config, &mut changes);
    baseline(base.policies.baseline.as_deref(), head.policies.baseline.as_deref(), &mut changes);
    sort(&mut changes);
    changes
}

/// What a change of the estate's Organizations does to the gate, whatever it is judged by: rules and requirements for
/// roles that no Organization has bind no more.
pub(super) fn roles_changes(base: &Roles, head: &Roles, place: Option<Location>) -> Option<GateChange> {
    head.is_narrower_than(base).then(|| GateChange {
        location: place,
        ..change(GateSort::ScopeNarrowed, "roles", Some(base.to_string()), Some(head.to_string()))
    })
}

/// Puts changes in their order.
pub(super) fn sort(changes: &mut [GateChange]) {
    changes.sort_by(|one, other| (one.sort, &one.name, &one.to).cmp(&(other.sort, &other.name, &other.to)));
}

fn change(sort: GateSort, name: impl Into<String>, from: Option<String>, to: Option<String>) -> GateChange {
    GateChange { sort, name: name.into(), from, to, location: None, effect: GateEffect::Fails }
}

fn place_of(rule: &Rule) -> Option<Location> {
    (!rule.origin.is_builtin).then(|| {
        let locator = crate::policy::Locator::new(&rule.origin.file, &rule.origin.tape);
        locator.of(locator.pointer(rule.origin.node, "/metadata/name"))
    })
}

fn rules(base: &Policies, head: &Policies, changes: &mut Vec<GateChange>) {
    for old in &base.rules.rules {
        let Some(new) = head.rules.rule(&old.name) else {
            let reason = head.rules.not_selected.iter().find(|rule| rule.rule == old.name);
            let to = reason.map_or_else(|| "removed".to_owned(), |rule| rule.reason.clone());
            let mut off = change(GateSort::RuleOff, &*old.name, Some(old.severity.to_string()), Some(to));
            off.location = place_of(old);
            changes.push(off);
            continue;
        };
        let location = place_of(new);
        let mut tell = |sort, from: String, to: String| {
            let mut told = change(sort, &*old.name, Some(from), Some(to));
            told.location.clone_from(&location);
            changes.push(told);
        };
        if new.severity < old.severity {
            tell(GateSort::SeverityLowered, old.severity.to_string(), new.severity.to_string());
        }
        for (name, from) in &old.params {
            let to = new.params.get(name);
            if to != Some(from) {
                let to = to.map_or_else(|| "nothing".to_owned(), Value::to_string);
                tell(GateSort::RuleChanged, format!("{name}: {from}"), to);
            }
        }
        if matched(old) != matched(new) {
            tell(GateSort::ScopeNarrowed, "its former `match`".to_owned(), "another one".to_owned());
        }
        if are_fewer(&old.roles, &new.roles) {
            tell(GateSort::ScopeNarrowed, roles(&old.roles), roles(&new.roles));
        }
        if body(old) != body(new) {
            tell(GateSort::RuleChanged, "its former text".to_owned(), "another one".to_owned());
        }
    }
}

/// Whether what is for the one set of roles binds fewer than what is for the other; no role means everybody.
fn are_fewer(old: &[String], new: &[String]) -> bool {
    !new.is_empty() && (old.is_empty() || old.iter().any(|role| !new.contains(role)))
}

fn roles(roles: &[String]) -> String {
    if roles.is_empty() { "every role".to_owned() } else { roles.join(", ") }
}

/// Requirements of the repository's own frameworks that are gone, or bind fewer or later.
fn frameworks(base: &Policies, head: &Policies, changes: &mut Vec<GateChange>) {
    for (name, old) in base.rules.frameworks.iter() {
        let Some(new) = head.rules.frameworks.get(name) else {
            changes.push(change(GateSort::ScopeNarrowed, name, None, Some("removed".to_owned())));
            continue;
        };
        for entry in &old.requirements {
            let Some((from, to)) = less(entry, new.requirement(&entry.id)) else { continue };
            let name = format!("{name}:{}", entry.id);
            let mut told = change(GateSort::ScopeNarrowed, name, from, Some(to));
            told.location = Some(Location::start_of(&new.file));
            changes.push(told);
        }
    }
}

/// What a requirement was and is, where that binds less.
fn less(old: &Requirement, new: Option<&Requirement>) -> Option<(Option<String>, String)> {
    let Some(new) = new else { return Some((None, "removed".to_owned())) };
    if are_fewer(&old.roles, &new.roles) {
        return Some((Some(roles(&old.roles)), roles(&new.roles)));
    }
    if let Some(next) = new.superseded_by.as_ref().filter(|_| old.superseded_by.is_none()) {
        return Some((None, format!("superseded by {next}")));
    }
    let (from, to) = (old.in_force.as_ref(), new.in_force.as_ref()?);
    let is_later = from.is_none_or(|from| from.begins_before(to));
    is_later.then(|| (from.map(|from| from.text().to_owned()), format!("in force from {}", to.text())))
}

fn spec(rule: &Rule) -> Value {
    let root = rule.origin.tape.node(rule.origin.node);
    let spec = root.get("spec").or_else(|| root.get("custom")).map(|spec| spec.to_value());
    // What is not written as a document is part of the program.
    spec.filter(|_| !rule.origin.is_builtin).unwrap_or_default()
}

fn matched(rule: &Rule) -> Value {
    spec(rule).get("match").cloned().unwrap_or_default()
}

/// What a rule demands: its schema with the place where it begins, or its text with its libraries.
fn body(rule: &Rule) -> (Value, Option<String>) {
    let text = match &rule.check {
        Check::Rego(text) => {
            let libraries: Vec<&str> = text.libraries.iter().map(|library| &*library.text).collect();
            Some(format!("{}\n{}", text.text, libraries.join("\n")))
        }
        _ => None,
    };
    let spec = spec(rule);
    (serde_json::json!([spec.get("schema"), spec.get("at")]), text.filter(|_| !rule.origin.is_builtin))
}

fn kinds(base: &Policies, head: &Policies, changes: &mut Vec<GateChange>) {
    for old in base.kinds.iter() {
        let name = format!("schema of {}", old.name);
        match head.kinds.get(&old.name) {
            None => changes.push(change(GateSort::SettingChanged, name, None, Some("removed".to_owned()))),
            Some(new) if new.schema() != old.schema() => {
                let mut told = change(GateSort::SettingChanged, name, None, Some("another one".to_owned()));
                told.location = Some(Location::start_of(&new.file));
                changes.push(told);
            }
            Some(_) => {}
        }
    }
}

fn settings(old: &Config, new: &Config, changes: &mut Vec<GateChange>) {
    let (from, to) = (old.fail_on.unwrap_or(DEFAULT_THRESHOLD), new.fail_on.unwrap_or(DEFAULT_THRESHOLD));
    if to > from {
        changes.push(change(
            GateSort::ThresholdRaised,
            "fail_on",
            Some(from.to_string()),
            Some(to.to_string()),
        ));
    }
    let globs = |config: &Config| -> Option<Vec<String>> {
        config.estate.as_ref().map(|globs| globs.iter().map(|(glob, _)| glob.clone()).collect())
    };
    let list = |globs: &Option<Vec<String>>| {
        globs.as_ref().map_or_else(|| "everything".to_owned(), |globs| globs.join(", "))
    };
    let (before, after) = (globs(old), globs(new));
    let is_narrower = match (&before, &after) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(after)) => before.iter().any(|glob| !after.contains(glob)),
    };
    if is_narrower {
        changes.push(change(GateSort::ScopeNarrowed, "estate", Some(list(&before)), Some(list(&after))));
    }
    for glob in new.exclude.iter().filter(|glob| !old.exclude.contains(glob)) {
        changes.push(change(GateSort::ScopeNarrowed, "exclude", None, Some(glob.clone())));
    }
    let entry = |entry: &crate::policy::DocumentsEntry| (entry.path.clone(), entry.kind.clone());
    for document in &old.documents {
        if !new
            .documents
            .iter()
            .any(|other| entry(other) == entry(document) && other.dialect == document.dialect)
        {
            changes.push(change(GateSort::ScopeNarrowed, "documents", Some(document.path.clone()), None));
        }
    }
    approvers(old, new, changes);
    let (from, to) = (&old.waivers.max_age, &new.waivers.max_age);
    if from != to && !to.is_certainly_shorter(from) {
        let (from, to) = (from.text().to_owned(), to.text().to_owned());
        changes.push(change(GateSort::SettingChanged, "waivers.max_age", Some(from), Some(to)));
    }
    let wide = |most: Option<u64>| most.unwrap_or(u64::MAX);
    let shown = |most: Option<u64>| most.map_or_else(|| "any number".to_owned(), |most| most.to_string());
    let (from, to) = (old.waivers.max_resources, new.waivers.max_resources);
    if wide(to) > wide(from) {
        changes.push(change(
            GateSort::SettingChanged,
            "waivers.max_resources",
            Some(shown(from)),
            Some(shown(to)),
        ));
    }
    if new.waivers.inline && !old.waivers.inline {
        let (from, to) = ("false".to_owned(), "true".to_owned());
        changes.push(change(GateSort::SettingChanged, "waivers.inline", Some(from), Some(to)));
    }
}

/// A severity with a budget in one of the two: how many findings of it may be open.
fn budgets(old: &Config, new: &Config, changes: &mut Vec<GateChange>) {
    let of = |config: &Config, severity| {
        allowed(Some(config.fail_on.unwrap_or(DEFAULT_THRESHOLD)), &config.max, severity)
    };
    let shown = |most: u64| if most == u64::MAX { "any number".to_owned() } else { most.to_string() };
    for severity in Severity::ALL {
        let (from, to) = (of(old, severity), of(new, severity));
        let is_budget = old.max.contains_key(&severity) || new.max.contains_key(&severity);
        if is_budget && to > from {
            let name = format!("max.{severity}");
            changes.push(change(GateSort::ThresholdRaised, name, Some(shown(from)), Some(shown(to))));
        }
    }
}

/// Entries of the baseline that are named one by one.
const MOST_NAMED: usize = 5;

/// Entries that the head's baseline has more, or that hold something else than before.
fn baseline(old: Option<&Baseline>, new: Option<&Baseline>, changes: &mut Vec<GateChange>) {
    let Some(new) = new else { return };
    let known: BTreeMap<_, &BaselineEntry> =
        old.iter().flat_map(|old| &old.entries).map(|entry| (entry.fingerprint, entry)).collect();
    let holds_more = |entry: &&BaselineEntry| {
        known.get(&entry.fingerprint).is_none_or(|old| {
            (old.resource_digest, old.rule_digest) != (entry.resource_digest, entry.rule_digest)
                || entry.severity > old.severity
                || entry.count > old.count
        })
    };
    let added: Vec<&BaselineEntry> = new.entries.iter().filter(holds_more).collect();
    let Some(first) = added.first() else { return };
    let named = added.iter().take(MOST_NAMED).map(|entry| format!("{} on {}", entry.rule, entry.resource));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if added.len() > MOST_NAMED {
        named.push_str(&format!(" and {} more", added.len() - MOST_NAMED));
    }
    changes.push(GateChange {
        location: Some(first.location.clone()),
        ..change(GateSort::BaselineAdded, &*new.file, None, Some(named))
    });
}

fn approvers(old: &Config, new: &Config, changes: &mut Vec<GateChange>) {
    match (&old.waivers.approvers, &new.waivers.approvers) {
        (Some(_), None) => changes.push(change(GateSort::ApproverAdded, "anyone", None, None)),
        (Some(old), Some(new)) => {
            let added = new.iter().filter(|approver| !old.contains(approver));
            changes
                .extend(added.map(|approver| change(GateSort::ApproverAdded, approver.as_str(), None, None)));
        }
        // Where nobody was named, to name somebody lets less pass.
        (None, _) => {}
    }
}

/// What a waiver says, as far as it can cover more.
fn says(waiver: &Waiver) -> String {
    format!("{waiver:?}").replace(&format!("{:?}", waiver.location), "")
}

fn waivers(base: &Gate<'_>, head: &Gate<'_>, as_of: &Moment, changes: &mut Vec<GateChange>) {
    let old: BTreeMap<_, _> = base.waivers.iter().map(|waiver| (&waiver.identity, waiver)).collect();
    for waiver in head.waivers {
        let former = old.get(&waiver.identity);
        if former.is_some_and(|former| says(former) == says(waiver)) {
            continue;
        }
        // One that the base's own rules for waivers would let count is the ordinary way; any other one is not.
        let policy = &base.policies.config.waivers;
        let is_approved = policy.approvers.is_some() && waiver.defects(policy, as_of, 0).is_empty();
        let rules = waiver.rules.join(", ");
        let to = waiver
            .expires
            .as_ref()
            .map_or_else(|| rules.clone(), |expires| format!("{rules} until {expires}"));
        changes.push(GateChange {
            location: Some(waiver.location.clone()),
            effect: if is_approved { GateEffect::CountsOnceMerged } else { GateEffect::Fails },
            ..change(
                GateSort::WaiverAdded,
                waiver.identity.to_string(),
                former.map(|former| former.rules.join(", ")),
                Some(to),
            )
        });
    }
}

fn ignores(base: &Gate<'_>, head: &Gate<'_>, changes: &mut Vec<GateChange>) {
    let key = |ignore: &InlineIgnore| (ignore.file.clone(), ignore.rule.clone(), ignore.reason.clone());
    let mut old: Vec<_> = base.ignores.iter().map(key).collect();
    for ignore in head.ignores {
        if let Some(at) = old.iter().position(|known| *known == key(ignore)) {
            old.remove(at);
            continue;
        }
        let is_on = base.policies.config.waivers.inline || head.policies.config.waivers.inline;
        changes.push(GateChange {
            location: Some(Location {
                line: ignore.line,
                end_line: ignore.line,
                ..Location::start_of(&ignore.file)
            }),
            effect: if is_on { GateEffect::Fails } else { GateEffect::Noted },
            ..change(GateSort::IgnoreAdded, ignore.rule.clone(), None, Some(ignore.reason.clone()))
        });
    }
}
