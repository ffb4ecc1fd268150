//! One resource against the rules that can apply to it.
//!
//! Input: a resource on its tape and the plan of its kind. Output: findings, problems and tallies. Pure and
//! isolated: a rule that panics is a problem of that pair, and no more. What it does not do: it knows nothing
//! of other resources or of files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::estate::Candidate;
use crate::finding::{Finding, Location, Resource, Status};
use crate::plan::{Applicable, KindPlan, Plan};
use crate::policy::{Check, Compiled, Rule};
use crate::problem::{Code, Problem};
use crate::schema::{Failure, Path, Step, start};
use crate::yaml::{Kind, LineIndex, NodeRef, Tape};

/// What became of the resources that a rule matched; every matched resource counts in exactly one of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Resources that the rule applies to.
    pub matched: u64,
    /// Without a finding.
    pub passed: u64,
    /// With a finding that counts.
    pub failed: u64,
    /// With findings, all of them waived.
    pub waived: u64,
    /// With findings, all of them suppressed in the text.
    pub suppressed: u64,
    /// That could not be judged.
    pub errors: u64,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        self.matched += other.matched;
        self.passed += other.passed;
        self.failed += other.failed;
        self.waived += other.waived;
        self.suppressed += other.suppressed;
        self.errors += other.errors;
    }
}

/// What an evaluation yields.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Problems.
    pub problems: Vec<Problem>,
    /// One tally a rule, by index.
    pub tallies: Vec<Tally>,
    /// Pairs of resource and rule that were evaluated.
    pub pairs: u64,
}

impl Outcome {
    /// An outcome for so many rules.
    pub fn new(rules: usize) -> Self {
        Self { tallies: vec![Tally::default(); rules], ..Self::default() }
    }

    fn tally(&mut self, rule: u32) -> Option<&mut Tally> {
        self.tallies.get_mut(rule as usize)
    }
}

/// The file that a resource stands in, with what is computed of it only when something is found.
#[derive(Debug)]
pub struct FileContext<'t> {
    /// Its path.
    pub file: Arc<str>,
    /// Its path from the folder of the configuration, which rules' `paths` mean.
    pub path: Arc<str>,
    /// Its tape.
    pub tape: &'t Tape,
    lines: Option<LineIndex<'t>>,
}

impl<'t> FileContext<'t> {
    /// A file and its tape.
    pub fn new(file: &Arc<str>, path: &str, tape: &'t Tape) -> Self {
        Self { file: Arc::clone(file), path: path.into(), tape, lines: None }
    }

    /// Where a node is written.
    pub fn location(&mut self, node: NodeRef<'_>, path: &str) -> Location {
        self.span(node.span(), path)
    }

    fn span(&mut self, span: crate::yaml::Span, path: &str) -> Location {
        let lines = self.lines.get_or_insert_with(|| LineIndex::new(self.tape.source()));
        lines.location(&self.file, span, path)
    }
}

/// Evaluates one resource. Gives the resource as reports name it.
pub fn evaluate(
    plan: &Plan<'_>,
    kind: &KindPlan,
    candidate: &Candidate,
    context: &mut FileContext<'_>,
    outcome: &mut Outcome,
) -> Arc<Resource> {
    let root = context.tape.node(candidate.node);
    let anchor = context.tape.node(candidate.anchor);
    let resource = Arc::new(Resource {
        identity: plan.shared(kind, &candidate.identity),
        uid: candidate.uid.clone(),
        location: context.location(anchor, ""),
    });
    let mut is_sound = !candidate.is_broken;
    if !kind.is_known {
        is_sound = false;
        let name = &candidate.identity.kind;
        let node = root.get("kind").unwrap_or(anchor);
        let problem = Problem::new(Code::UnknownKind, format!("no schema describes the kind {name}"));
        let problem = problem.at(context.location(node, "kind"));
        outcome.problems.push(match plan.kinds.nearest(name) {
            Some(nearest) => problem.with_help(format!("did you mean {nearest}?")),
            None => problem,
        });
    }
    if let Some(schema) = kind.schema.as_ref().filter(|_| is_sound) {
        is_sound = check_kind(schema, root, anchor, &resource, context, outcome);
    }
    for applicable in &kind.rules {
        let Some(rule) = plan.rules.rules.get(applicable.rule as usize) else { continue };
        let pair = Pair { plan, rule, applicable, root, resource: &resource, is_sound };
        pair.evaluate(context, outcome);
    }
    resource
}

/// Whether a resource keeps the schema of its kind; if not, says where not.
fn check_kind(
    schema: &crate::estate::KindSchema,
    root: NodeRef<'_>,
    anchor: NodeRef<'_>,
    resource: &Resource,
    context: &mut FileContext<'_>,
    outcome: &mut Outcome,
) -> bool {
    // A schema that does not compile is one problem, reported when the kinds are loaded.
    let Ok(body) = schema.body() else { return false };
    if body.holds(root) {
        return true;
    }
    for failure in body.failures(root, &[]) {
        let message = format!("{}: {}", resource.identity, failure.message);
        let location = context.location(failure.anchor.unwrap_or(anchor), &failure.path.to_string());
        let help = format!("`assize explain {}` lists the fields of the kind", schema.name);
        outcome.problems.push(Problem::new(Code::InvalidResource, message).at(location).with_help(help));
    }
    false
}

struct Pair<'p, 't> {
    plan: &'p Plan<'p>,
    rule: &'p Rule,
    applicable: &'p Applicable,
    root: NodeRef<'t>,
    resource: &'p Arc<Resource>,
    is_sound: bool,
}

enum Verdict<'t> {
    NotApplicable,
    Error,
    Pass,
    Fail(Vec<Failure<'t>>),
}

impl<'t> Pair<'_, 't> {
    fn evaluate(&self, context: &mut FileContext<'_>, outcome: &mut Outcome) {
        let path = Arc::clone(&context.path);
        let verdict = catch_unwind(AssertUnwindSafe(|| self.verdict(&path)));
        let verdict = verdict.unwrap_or_else(|panic| {
            let message =
                format!("rule {} on {}: {}", self.rule.name, self.resource.identity, panic_text(&*panic));
            let problem = Problem::new(Code::RulePanicked, message).at(self.resource.location.clone());
            outcome.problems.push(problem);
            Verdict::Error
        });
        if matches!(verdict, Verdict::NotApplicable) {
            return;
        }
        outcome.pairs += 1;
        let Some(tally) = outcome.tally(self.applicable.rule) else { return };
        tally.matched += 1;
        match verdict {
            Verdict::NotApplicable => {}
            Verdict::Error => tally.errors += 1,
            Verdict::Pass => tally.passed += 1,
            Verdict::Fail(failures) => {
                tally.failed += 1;
                for failure in failures {
                    let finding = self.finding(failure, context);
                    outcome.findings.push(finding);
                }
            }
        }
    }

    fn verdict(&self, path: &str) -> Verdict<'t> {
        let identity = &self.resource.identity;
        // What is written wrongly cannot be known to lie outside a condition either: it counts as an error.
        let candidates = self.applicable.matches.iter().filter_map(|at| {
            let each = self.rule.matches.get(*at as usize)?;
            each.selects(self.root, &identity.namespace, path).then_some(*at as usize)
        });
        if !self.is_sound {
            return if candidates.count() > 0 { Verdict::Error } else { Verdict::NotApplicable };
        }
        let Ok(compiled) = self.rule.compiled(self.plan.kinds, &self.plan.rules.assigned_kinds) else {
            return if candidates.count() > 0 { Verdict::Error } else { Verdict::NotApplicable };
        };
        let start = start(self.root, &self.rule.at);
        let applies = candidates.map(|at| compiled.conditions.get(at)).any(|condition| match condition {
            Some(Some(condition)) => condition.holds(start),
            Some(None) => true,
            None => false,
        });
        if !applies {
            return Verdict::NotApplicable;
        }
        let failures = judge(self.rule, compiled, self.root);
        if failures.is_empty() { Verdict::Pass } else { Verdict::Fail(failures) }
    }

    fn finding(&self, failure: Failure<'_>, context: &mut FileContext<'_>) -> Finding {
        let path = failure.path.to_string();
        let location = match failure.anchor {
            Some(anchor) => context.location(anchor, &path),
            None => Location { path: path.into(), ..self.resource.location.clone() },
        };
        let used = failure.anchor.and_then(|anchor| anchor.used_at());
        Finding {
            rule: self.applicable.rule,
            status: Status::Fail,
            message: failure.message.into(),
            resource: Arc::clone(self.resource),
            location,
            related: used.map(|(span, label)| (context.span(span, ""), label)),
            key: failure.path.stable_key(self.root).into(),
        }
    }
}

/// What a rule that applies has to say about a document; nothing if it holds.
pub fn judge<'t>(rule: &Rule, compiled: &Compiled, root: NodeRef<'t>) -> Vec<Failure<'t>> {
    match (&rule.check, &compiled.schema) {
        (Check::AmbiguousScalar, _) => ambiguous_scalars(root),
        (Check::Schema { .. }, Some(body)) => {
            if body.holds(start(root, &rule.at)) {
                return Vec::new();
            }
            let failures = body.failures(root, &rule.at);
            if !failures.is_empty() {
                return failures;
            }
            // The quick answer and the long one disagree: never a pass.
            let message = "the rule does not hold, without a reason that could be told".to_owned();
            vec![Failure { path: Path::of_keys(&rule.at), message, anchor: None }]
        }
        (Check::Schema { .. }, None) => Vec::new(),
    }
}

fn ambiguous_scalars(root: NodeRef<'_>) -> Vec<Failure<'_>> {
    // Most documents have none, and then walking the tape flat is all that it costs.
    if !root.descendants().any(|node| node.is_ambiguous()) {
        return Vec::new();
    }
    let mut failures = Vec::new();
    collect_ambiguous(root, &Path::default(), &mut failures);
    failures
}

fn collect_ambiguous<'t>(node: NodeRef<'t>, path: &Path, failures: &mut Vec<Failure<'t>>) {
    for (key, value) in node.members() {
        collect_ambiguous(value, &path.with(Step::Key(key.text().into())), failures);
    }
    for (position, value) in node.elements().enumerate() {
        collect_ambiguous(value, &path.with(Step::Position(position)), failures);
    }
    if node.is_ambiguous() {
        let is = match node.kind() {
            Kind::Bool => "true or false".to_owned(),
            Kind::Text => "text".to_owned(),
            _ => "a number".to_owned(),
        };
        let message = format!(
            "{path} is {}, read here as {is} and otherwise by other YAML versions, should be unmistakable",
            node.text()
        );
        failures.push(Failure { path: path.clone(), message, anchor: Some(node) });
    }
}

/// The message of a panic.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}
