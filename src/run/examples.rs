//! `test`: the examples that rules carry.

use std::cell::OnceCell;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use super::policies::Policies;
use crate::date::Moment;
use crate::estate::{Directions, Gathered, Inventory, Keep, KindName, identity_of};
use crate::evaluate::{denied, judge};
use crate::finding::{Location, Resource};
use crate::policy::{Changed, Check, Compiled, EXAMPLE_CLOCK, Example, Expected, Locator, Rule};
use crate::problem::Problem;
use crate::rego::{Document, Judged, World, text_mutants};
use crate::schema::{self, PathSet, ResourceId, RunContext, Scope};
use crate::yaml::{LineIndex, Place, Span};

/// What came of the examples.
#[derive(Debug, Default)]
pub struct ExampleReport {
    /// Rules looked at.
    pub rules: usize,
    /// Examples that came out as they should.
    pub passed: usize,
    /// Those that did not.
    pub failures: Vec<ExampleFailure>,
    /// Rules without an example, which nothing tests.
    pub untested: Vec<Arc<str>>,
    /// Rules that do not compile.
    pub problems: Vec<Problem>,
}

/// An example that came out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule.
    pub rule: Arc<str>,
    /// The example.
    pub example: String,
    /// Where it stands.
    pub location: Location,
    /// One line each, in the order of the paths: `- path` was expected and did not come, `+ path: message` came and
    /// was not expected, `  path` came as expected, each with its line in the file of the rule; `! …` is wrong with
    /// the example itself.
    pub differences: Vec<String>,
}

/// Runs the examples of all rules.
pub fn run_examples(policies: &Policies) -> ExampleReport {
    let rules: Vec<&Rule> = policies.rules.rules.iter().filter(|rule| !rule.is_engine()).collect();
    let results: Vec<_> = rules.par_iter().map(|rule| run_rule(rule, policies)).collect();
    let mut report = ExampleReport { rules: rules.len(), ..ExampleReport::default() };
    for (rule, result) in rules.into_iter().zip(results) {
        match result {
            Ok((passed, failures)) => {
                if passed + failures.len() == 0 {
                    report.untested.push(Arc::clone(&rule.name));
                }
                report.passed += passed;
                report.failures.extend(failures);
            }
            Err(problems) => report.problems.extend(problems),
        }
    }
    report
}

/// A rule broken on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// The rule.
    pub rule: Arc<str>,
    /// What was changed.
    pub change: String,
}

/// What came of breaking rules.
#[derive(Debug, Default)]
pub struct MutationReport {
    /// Changes that an example noticed.
    pub killed: usize,
    /// Changes that none did.
    pub survivors: Vec<Survivor>,
}

/// Breaks each rule in many small ways and runs its examples: what they do not notice, nothing tests.
pub fn run_mutants(policies: &Policies) -> MutationReport {
    let rules: Vec<&Rule> = policies.rules.rules.iter().filter(|rule| !rule.is_engine()).collect();
    let results: Vec<_> = rules.par_iter().map(|rule| mutate_rule(rule, policies)).collect();
    let mut report = MutationReport::default();
    for (killed, survivors) in results {
        report.killed += killed;
        report.survivors.extend(survivors);
    }
    report
}

fn mutate_rule(rule: &Rule, policies: &Policies) -> (usize, Vec<Survivor>) {
    let (mut of_schema, mut of_text) = (Vec::new(), Vec::new());
    match &rule.check {
        Check::Schema { schema, .. } => of_schema = schema::mutants(schema),
        Check::Rego(text) => of_text = text_mutants(&text.text),
        _ => return (0, Vec::new()),
    }
    let of_schema = of_schema.into_iter().map(|mutant| ("schema".to_owned(), None, mutant));
    let conditions =
        rule.matches.iter().enumerate().filter_map(|(at, each)| each.condition().map(|one| (at, one)));
    let of_conditions = conditions.flat_map(|(at, condition)| {
        schema::mutants(condition)
            .into_iter()
            .map(move |mutant| (format!("match {at} where"), Some(at), mutant))
    });
    let mut killed = 0;
    let mut survivors = Vec::new();
    let mut try_out = |changed: Changed<'_>, change: String| {
        let compiled = rule.compile_changed(&policies.kinds, &policies.rules.assigned_kinds, changed);
        // A change that cannot be compiled is noticed by everybody.
        let Ok(compiled) = compiled else { return };
        let is_noticed =
            rule.examples.iter().any(|example| !differences(rule, &compiled, example, policies).is_empty());
        if is_noticed {
            killed += 1;
        } else {
            survivors.push(Survivor { rule: Arc::clone(&rule.name), change });
        }
    };
    for (place, condition, mutant) in of_schema.chain(of_conditions) {
        let changed = match condition {
            Some(at) => Changed::Condition(at, &mutant.schema),
            None => Changed::Schema(&mutant.schema),
        };
        try_out(changed, format!("{place}{}", mutant.change));
    }
    for mutant in of_text {
        try_out(Changed::Rego(&mutant.text), format!("rego {}", mutant.change));
    }
    (killed, survivors)
}

fn run_rule(rule: &Rule, policies: &Policies) -> Result<(usize, Vec<ExampleFailure>), Vec<Problem>> {
    let compiled = rule.compiled(&policies.kinds, &policies.rules.assigned_kinds).map_err(Clone::clone)?;
    let locator = Locator::new(&rule.origin.file, &rule.origin.tape);
    let mut passed = 0;
    let mut failures = Vec::new();
    for example in &rule.examples {
        let differences = differences(rule, compiled, example, policies);
        if differences.is_empty() {
            passed += 1;
        } else {
            failures.push(ExampleFailure {
                rule: Arc::clone(&rule.name),
                example: example.name.clone(),
                location: locator.of(example.node),
                differences,
            });
        }
    }
    Ok((passed, failures))
}

/// The documents of an example, ready to be judged.
///
/// # Errors
/// One line for each reason why the example could not exist.
pub(super) fn stage(
    rule: &Rule,
    example: &Example,
    policies: &Policies,
) -> Result<(Arc<Resource>, Inventory), Vec<String>> {
    let (resource, inventory) = stage_with(rule, example, Some(example.resource), policies)?;
    resource.map(|resource| (resource, inventory)).ok_or_else(Vec::new)
}

/// The same with another version of the resource, or without it.
fn stage_with(
    rule: &Rule,
    example: &Example,
    subject: Option<u32>,
    policies: &Policies,
) -> Result<(Option<Arc<Resource>>, Inventory), Vec<String>> {
    let tape = &rule.origin.tape;
    let mut lines = Vec::new();
    let mut gathered = Gathered::default();
    for node in subject.into_iter().chain(example.others.iter().copied()) {
        let root = tape.node(node);
        // A rule for documents without an envelope has examples without one.
        let assumed =
            rule.matches.iter().flat_map(|each| &each.kinds).next().map(|kind| KindName::parse(kind));
        let Some(identity) = identity_of(root, assumed.as_ref(), &rule.origin.file) else {
            lines.push("! a resource has no apiVersion and kind".to_owned());
            continue;
        };
        let kind = KindName::of(&identity);
        let schema = policies.kinds.get(&kind);
        // An example that could not exist proves nothing.
        if Some(node) == subject {
            if schema.is_none() && kind.is_own() && !policies.rules.assigned_kinds.contains(&kind) {
                lines.push(format!("! no schema describes the kind {kind}"));
            }
            if let Some(Ok(body)) = schema.map(|schema| schema.body()) {
                let failures = body.failures(&Scope::alone(root), &[]).failures.into_iter();
                lines.extend(
                    failures.map(|failure| format!("! the resource breaks its kind: {}", failure.message)),
                );
            }
        }
        let location = Location::start_of(&rule.origin.file);
        let references = schema.map(|schema| schema.references()).unwrap_or_default();
        let resource = Resource::new(identity, location);
        gathered.add(Arc::new(resource), root, references, Some(&Keep::of(&PathSet::All)));
    }
    if !lines.is_empty() {
        return Err(lines);
    }
    let resource = subject.and_then(|_| gathered.resources.first().cloned());
    Ok((resource, Inventory::new(vec![gathered], &policies.kinds, Directions::Both)))
}

/// What an example tells of a change, and the world before it.
pub(super) fn change_of(
    rule: &Rule,
    example: &Example,
    [before, after]: [Option<u32>; 2],
    policies: &Policies,
) -> Result<(Document, Arc<World>), Vec<String>> {
    let node = |at: Option<u32>| at.map(|at| rule.origin.tape.node(at));
    let document = Document::of_change(node(before), node(after), &Value::Array(example.commits.clone()));
    // Where there was nothing before, the others were there all the same.
    let base = stage_with(rule, example, before, policies)?.1;
    Ok((document, Arc::new(World::new(Arc::new(base)))))
}

/// Whether the resource of an example is gone after the change.
pub(super) fn is_removed(example: &Example) -> bool {
    matches!(example.change, Some([_, None]))
}

/// What a rule sees around the resource of an example: what is gone is not among those that are left.
pub(super) fn world_of(
    rule: &Rule,
    example: &Example,
    inventory: &Arc<Inventory>,
    policies: &Policies,
) -> Result<Arc<World>, Vec<String>> {
    if is_removed(example) {
        let (_, left) = stage_with(rule, example, None, policies)?;
        return Ok(Arc::new(World::new(Arc::new(left))));
    }
    Ok(Arc::new(World::new(Arc::clone(inventory) as Arc<_>)))
}

/// The clock of an example.
pub(super) fn clock(example: &Example) -> Moment {
    example.as_of.clone().unwrap_or_else(|| Moment::parse(EXAMPLE_CLOCK).expect("it is a date"))
}

fn differences(rule: &Rule, compiled: &Compiled, example: &Example, policies: &Policies) -> Vec<String> {
    let (resource, inventory) = match stage(rule, example, policies) {
        Ok(staged) => staged,
        Err(lines) => return lines,
    };
    let mut lines = Vec::new();
    let inventory = Arc::new(inventory);
    let world = match world_of(rule, example, &inventory, policies) {
        Ok(world) => world,
        Err(lines) => return lines,
    };
    let run = RunContext { as_of: clock(example), inventory: Some(&*inventory) };
    let id = ResourceId(0);
    let root = schema::Inventory::document(&*inventory, id);
    let scope = Scope::new(root, &rule.at, Some(id), &run);
    let kind = KindName::of(&resource.identity);
    let applies = rule.matches.iter().zip(&compiled.conditions).any(|(each, condition)| {
        each.matches_kind(&kind)
            && each.selects(root, &resource.identity.namespace, "")
            && condition.as_ref().is_none_or(|condition| condition.holds(&scope))
    });
    let change = match example.change.map(|change| change_of(rule, example, change, policies)).transpose() {
        Ok(change) => change,
        Err(more) => return more,
    };
    let document = match &change {
        Some((document, _)) => OnceCell::from(document.clone()),
        None => OnceCell::new(),
    };
    let found = match &compiled.rego {
        _ if !applies => Ok(Vec::new()),
        Some(policy) => {
            let judged = Judged {
                root,
                document: &document,
                identity: &resource.identity,
                resource: Some(id).filter(|_| !is_removed(example)),
                world: &world,
                base: change.as_ref().map(|(_, base)| base),
                as_of: &run.as_of,
            };
            let denials = policy.evaluate(&judged);
            // Two engines read the text, and most often neither is needed; where they disagree, nobody knows what it
            // says.
            let by_machine = policy.evaluate_by_machine(&judged);
            if by_machine != policy.evaluate_slowly(&judged) {
                lines.push("! the machine and the interpreter of Rego disagree on this example".to_owned());
            }
            if denials != by_machine {
                lines.push("! what the text says without an engine is not what the engines say".to_owned());
            }
            denials.map(|denials| denied(rule, denials, root))
        }
        None => judge(rule, compiled, &scope, &resource.identity, &world, &document)
            .map(|judgement| judgement.failures),
    };
    if rule.uses.change != example.change.is_some() {
        let line = if rule.uses.change {
            "! the rule looks at a change: give `before` and `after`"
        } else {
            "! the rule looks at no change: give a `resource`"
        };
        lines.push(line.to_owned());
        return lines;
    }
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            lines.push(format!("! {}", error.message));
            return lines;
        }
    };
    let mut missing: Vec<&Place<Expected>> = example.expect.iter().collect();
    let mut compared = Vec::new();
    let source = LineIndex::new(rule.origin.tape.source());
    let line_of = |span: Span| format!("line {}", source.position(span.start).0);
    for failure in found {
        let path = failure.path.to_string();
        let meant = missing.iter().position(|expected| {
            expected.value.path == path
                && expected.value.message.as_ref().is_none_or(|part| failure.message.contains(part))
        });
        let place = line_of(failure.anchor.map_or(root.span(), |anchor| anchor.span()));
        let mark = match meant {
            Some(at) => {
                missing.remove(at);
                ' '
            }
            None => '+',
        };
        compared.push((path.clone(), mark, format!("{mark} {path}: {} ({place})", failure.message)));
    }
    if !applies && !missing.is_empty() {
        lines.push("! the rule does not match the resource".to_owned());
    }
    compared.extend(missing.into_iter().map(|expected| {
        let Expected { path, message } = &expected.value;
        let message = message.as_ref().map_or_else(String::new, |message| format!(": …{message}…"));
        let place = line_of(rule.origin.tape.node(expected.node).span());
        (path.clone(), '-', format!("- {path}{message} ({place})"))
    }));
    // What came as expected is shown beside what did not, and alone is no difference.
    if compared.iter().any(|(_, mark, _)| *mark != ' ') {
        compared.sort();
        lines.extend(compared.into_iter().map(|(_, _, line)| line));
    }
    lines
}
