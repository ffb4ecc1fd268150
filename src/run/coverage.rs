//! What the examples of rules exercise: the keywords of their schemas and conditions.
//!
//! Of a rule in Rego they are the lines that an example executes.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::examples::{change_of, clock, is_removed, stage, world_of};
use super::policies::Policies;
use crate::estate::KindName;
use crate::policy::{Check, Compiled, Locator, Rule};
use crate::rego::{Coverage as Lines, Document, Judged};
use crate::report::{Coverage, CoveredPlace, Hits, RuleCoverage};
use crate::schema::{self, Exercise, ResourceId, RunContext, Scope, Strictness, substitute};

/// Brings the examples of all rules to their keywords. Rules that do not compile are left out; running the examples
/// reports them.
pub fn cover_examples(policies: &Policies) -> Coverage {
    let rules: Vec<&Rule> = policies.rules.rules.iter().filter(|rule| !rule.is_engine()).collect();
    let rules = rules.par_iter().filter_map(|rule| {
        let compiled = rule.compiled(&policies.kinds, &policies.rules.assigned_kinds).ok()?;
        let places = places(rule, compiled, policies);
        Some(RuleCoverage { rule: Arc::clone(&rule.name), examples: rule.examples.len(), places })
    });
    Coverage { rules: rules.collect() }
}

/// The places of a rule, with what its examples bring to them.
fn places(rule: &Rule, compiled: &Compiled, policies: &Policies) -> Vec<CoveredPlace> {
    let exercise = |schema, strictness| {
        substitute(schema, &rule.params).ok().map(|schema| Exercise::new(schema, strictness, &rule.at))
    };
    let mut conditions: Vec<Option<Exercise>> =
        rule.matches.iter().map(|each| exercise(each.condition()?, Strictness::Condition)).collect();
    let mut body = match &rule.check {
        Check::Schema { schema, node } => exercise(schema, Strictness::Asserting).map(|body| (body, *node)),
        _ => None,
    };
    let mut covered = Lines::new();
    for example in &rule.examples {
        let Ok((resource, inventory)) = stage(rule, example, policies) else { continue };
        let inventory = Arc::new(inventory);
        let run = RunContext { as_of: clock(example), inventory: Some(&*inventory) };
        let id = ResourceId(0);
        let root = schema::Inventory::document(&*inventory, id);
        let scope = Scope::new(root, &rule.at, Some(id), &run);
        let kind = KindName::of(&resource.identity);
        let mut applies = false;
        for ((each, condition), exercise) in
            rule.matches.iter().zip(&compiled.conditions).zip(&mut conditions)
        {
            if !each.matches_kind(&kind) || !each.selects(root, &resource.identity.namespace, "") {
                continue;
            }
            applies |= condition.as_ref().is_none_or(|condition| condition.holds(&scope));
            if let Some(exercise) = exercise {
                exercise.meet(&scope);
            }
        }
        if let Some((body, _)) = body.as_mut().filter(|_| applies) {
            body.meet(&scope);
        }
        if let Some(policy) = compiled.rego.as_ref().filter(|_| applies) {
            let staged = example.change.map(|change| change_of(rule, example, change, policies));
            let (document, base) = match staged {
                Some(Ok((document, base))) => (OnceCell::from(document), Some(base)),
                Some(Err(_)) => continue,
                None => (OnceCell::from(Document::of(root)), None),
            };
            let Ok(world) = world_of(rule, example, &inventory, policies) else { continue };
            let judged = Judged {
                root,
                document: &document,
                identity: &resource.identity,
                resource: Some(id).filter(|_| !is_removed(example)),
                world: &world,
                base: base.as_ref(),
                as_of: &run.as_of,
            };
            // What fails is told where the examples are run.
            drop(policy.cover(&judged, &mut covered));
        }
    }
    let locator = Locator::new(&rule.origin.file, &rule.origin.tape);
    let mut places = Vec::new();
    let mut lines: HashMap<u32, u32> = HashMap::new();
    let mut add = |exercise: &Exercise, node: u32, prefix: &str| {
        for (pointer, met) in exercise.places() {
            let node = locator.pointer(node, pointer);
            let line = *lines.entry(node).or_insert_with(|| locator.of(node).line);
            places.push(CoveredPlace {
                file: Arc::clone(&rule.origin.file),
                line,
                keyword: Some(format!("{prefix}{pointer}")),
                hits: Hits::Keyword { held: met.held, failed: met.failed },
            });
        }
    };
    for (at, (each, exercise)) in rule.matches.iter().zip(&conditions).enumerate() {
        if let Some((node, exercise)) = each.condition_node().zip(exercise.as_ref()) {
            // As it is written: one match needs no list.
            let prefix = if rule.matches.len() == 1 {
                "/match/where".to_owned()
            } else {
                format!("/match/{at}/where")
            };
            add(exercise, node, &prefix);
        }
    }
    if let Some((body, node)) = &body {
        add(body, *node, "/schema");
    }
    if let Some(text) = rule.check.rego() {
        places.extend(covered.into_iter().map(|(line, hits)| CoveredPlace {
            file: text.locate(&locator, line, 1).file,
            line: text.line_in_file(&locator, line),
            keyword: None,
            hits: Hits::Line(hits),
        }));
    }
    places.sort_by_key(|place| place.line);
    places
}
