//! One resource against the rules that can apply to it.
//!
//! Input: a resource on its tape and the plan of its kind. Output: findings, problems and tallies. Pure and
//! isolated: a rule that panics is a problem of that pair, and no more. What it does not do: it knows nothing
//! of other resources or of files.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use crate::estate::{Candidate, KindSchema, Reference, SensitiveField};
use crate::finding::{Finding, Identity, Location, MASK, Owners, Rare, Resource, Status, with_article};
use crate::load::Held;
use crate::plan::{Applicable, KindPlan, Plan, Secrecy};
use crate::policy::{Check, Compiled, Rule};
use crate::problem::{Code, Problem};
use crate::rego::{Denial, Document, EvaluationError, Judged, World};
use crate::schema::{self, Failure, Judgement, Path, ResourceId, RunContext, Scope, Step};
use crate::yaml::{Kind, LineIndex, NodeRef, Span, Tape};

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
    /// With findings, none of which counts, and one at least is in the baseline.
    pub baselined: u64,
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
        self.baselined += other.baselined;
        self.errors += other.errors;
    }
}

/// What an evaluation yields.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Problems of files and documents.
    pub problems: Vec<Problem>,
    /// Problems of the evaluation of a rule, by its index.
    pub rule_problems: Vec<(u32, Problem)>,
    /// One tally a rule, by index.
    pub tallies: Vec<Tally>,
    /// By rule: pairs that a reference to nothing keeps undecided.
    pub undecided: BTreeMap<u32, u64>,
    /// By rule: evaluations that reached a bound, and pairs that were not evaluated since it was given up.
    pub exhausted: BTreeMap<u32, (u64, u64)>,
    /// Where values stand that no report may show.
    pub masked: Vec<Location>,
    /// Who was matched by which rule; none unless somebody asks.
    pub matched: Option<Matched>,
}

impl Outcome {
    /// An outcome for so many rules.
    pub fn new(rules: usize) -> Self {
        Self { tallies: vec![Tally::default(); rules], ..Self::default() }
    }

    /// One that also keeps who was matched by which rule.
    pub fn with_population(rules: usize) -> Self {
        Self { matched: Some(Matched::default()), ..Self::new(rules) }
    }
}

/// Adds up the tallies of outcomes in the first of them, so that the others need no room for theirs.
pub fn gather_tallies<'o>(mut outcomes: impl Iterator<Item = &'o mut Outcome>) {
    let Some(first) = outcomes.next() else { return };
    for outcome in outcomes {
        for (sum, more) in first.tallies.iter_mut().zip(std::mem::take(&mut outcome.tallies)) {
            sum.add(&more);
        }
    }
}

/// Who was matched by which rule: what populations are made of. Four bytes a pair, so that a run over many resources
/// can keep it; a check that shows counts alone does not.
#[derive(Clone, Debug, Default)]
pub struct Matched {
    /// Resources, each with the end of its pairs.
    resources: Vec<(Arc<Resource>, usize)>,
    /// The index of a rule, doubled, and one more if the resource could not be judged by it.
    pairs: Vec<u32>,
}

impl Matched {
    fn add(&mut self, rule: u32, is_error: bool) {
        self.pairs.push(rule << 1 | u32::from(is_error));
    }

    fn end(&self) -> usize {
        self.resources.last().map_or(0, |(_, end)| *end)
    }

    /// The pairs since the last resource are those of this one.
    fn close(&mut self, resource: &Arc<Resource>) {
        if self.pairs.len() > self.end() {
            self.resources.push((Arc::clone(resource), self.pairs.len()));
        }
    }

    /// Keeps the pairs of rules that have a new place, under it.
    pub fn renumber(&mut self, places: &[Option<u32>]) {
        let mut kept = Self::default();
        let mut start = 0;
        for (resource, end) in std::mem::take(&mut self.resources) {
            let pairs = self.pairs.get(start..end).unwrap_or_default();
            start = end;
            kept.pairs.extend(pairs.iter().filter_map(|pair| {
                let place = places.get((pair >> 1) as usize).copied().flatten()?;
                Some((place << 1) | (pair & 1))
            }));
            kept.close(&resource);
        }
        *self = kept;
    }

    /// Forgets pairs of a resource whose evaluation did not come to its end.
    pub fn forget_open(&mut self) {
        self.pairs.truncate(self.end());
    }

    /// Each resource with the indices of the rules that matched it, and whether it could not be judged by them. A
    /// resource that both local and joined rules matched comes twice.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Resource>, impl Iterator<Item = (u32, bool)>)> {
        let mut start = 0;
        self.resources.iter().map(move |(resource, end)| {
            let pairs = self.pairs.get(start..*end).unwrap_or_default();
            start = *end;
            (resource, pairs.iter().map(|pair| (pair >> 1, pair & 1 == 1)))
        })
    }
}

/// The file that a resource stands in, with what is computed of it only when something is found.
pub struct FileContext<'t> {
    /// Its path.
    pub file: Arc<str>,
    /// Its path from the folder of the configuration, which rules' `paths` mean.
    pub path: Arc<str>,
    text: &'t (dyn Fn() -> Cow<'t, str> + 't),
    lines: Option<LineIndex<'t>>,
    /// Texts that resources share.
    texts: Vec<Arc<str>>,
}

/// So many texts of a file are looked through for one that is shared.
const SHARED_TEXTS: usize = 8;

impl<'t> FileContext<'t> {
    /// A file; `text` gives its text, and is asked when there is a place to report.
    pub fn new(file: &Arc<str>, path: &str, text: &'t (dyn Fn() -> Cow<'t, str> + 't)) -> Self {
        Self { file: Arc::clone(file), path: path.into(), text, lines: None, texts: Vec::new() }
    }

    /// The text, kept once for all resources of a file, as far as these have few.
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.iter().find(|known| ***known == *text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        if self.texts.len() < SHARED_TEXTS {
            self.texts.push(Arc::clone(&new));
        }
        new
    }

    /// Where a node is written.
    pub fn location(&mut self, node: NodeRef<'_>, path: &str) -> Location {
        self.span(node.span(), path)
    }

    fn span(&mut self, span: Span, path: &str) -> Location {
        let lines = self.lines.get_or_insert_with(|| LineIndex::new((self.text)()));
        lines.location(&self.file, span, path)
    }
}

/// A resource with its document, ready for the rules.
#[derive(Clone, Debug)]
pub struct Admitted<'t> {
    /// The resource as reports name it.
    pub resource: Arc<Resource>,
    /// The root of its document.
    pub root: NodeRef<'t>,
    /// Whether it can be judged: it keeps the schema of its kind, and nothing in its document is at fault.
    pub is_sound: bool,
    /// Its place in the inventory, once there is one.
    pub id: Option<ResourceId>,
    /// How many references away the next resource is that differs, where two estates are compared.
    pub distance: u8,
}

impl Admitted<'_> {
    /// Where its sensitive values stand.
    pub fn secrets(&self, kind: &KindPlan, context: &mut FileContext<'_>) -> Vec<Location> {
        let values = kind.sensitive.iter().flat_map(|field| field.values(self.root));
        values.map(|value| context.location(value, "")).collect()
    }
}

/// Makes a resource of a candidate: names it, and checks it against the schema of its kind.
pub fn admit<'t>(
    plan: &Plan<'_>,
    kind: &KindPlan,
    candidate: &Candidate,
    tape: &'t Tape,
    context: &mut FileContext<'_>,
    problems: &mut Vec<Problem>,
) -> Admitted<'t> {
    let root = tape.node(candidate.node);
    let anchor = tape.node(candidate.anchor);
    let owner = owner(root).filter(|_| !kind.sensitive.iter().any(SensitiveField::could_be_owner));
    let rare = || Rare { uid: candidate.uid.clone(), digest: OnceLock::new() };
    let resource = Arc::new(Resource {
        identity: plan.shared(kind, &candidate.identity),
        owner: owner.map(|owner| context.shared(owner)),
        location: context.location(anchor, ""),
        rare: (candidate.uid.is_some() || plan.with_digests).then(|| Box::new(rare())),
    });
    let mut is_sound = !candidate.is_broken;
    if !kind.is_known {
        is_sound = false;
        let name = &candidate.identity.kind;
        let node = root.get("kind").unwrap_or(anchor);
        let problem = Problem::new(Code::UnknownKind, format!("no schema describes the kind {name}"));
        let problem = problem.at(context.location(node, "kind"));
        problems.push(match plan.kinds.nearest(name) {
            Some(nearest) => problem.with_help(format!("did you mean {nearest}?")),
            None => problem,
        });
    }
    if let Some(schema) = kind.schema.as_ref().filter(|_| is_sound) {
        is_sound = check_kind(schema, kind, root, anchor, &resource, context, problems);
    }
    Admitted { resource, root, is_sound, id: None, distance: 0 }
}

/// Who answers for a resource, as it says: `spec.owner`, else the annotation `assize.dev/owner`.
pub fn owner(root: NodeRef<'_>) -> Option<&str> {
    let places: [&[&str]; 2] = [&["spec", "owner"], &["metadata", "annotations", "assize.dev/owner"]];
    let text = places.iter().find_map(|keys| root.at(keys.iter().copied())?.as_str())?;
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// Whether a resource keeps the schema of its kind; if not, says where not.
fn check_kind(
    schema: &KindSchema,
    kind: &KindPlan,
    root: NodeRef<'_>,
    anchor: NodeRef<'_>,
    resource: &Resource,
    context: &mut FileContext<'_>,
    problems: &mut Vec<Problem>,
) -> bool {
    // A schema that does not compile is one problem, reported when the kinds are loaded.
    let Ok(body) = schema.body() else { return false };
    let scope = Scope::alone(root);
    if body.holds(&scope) {
        return true;
    }
    for failure in body.failures(&scope, &[]).failures {
        let said = if kind.sensitive.iter().any(|field| field.meets(&failure.path)) {
            format!("{} breaks the schema of its kind; the value is {MASK}", failure.path)
        } else {
            failure.message
        };
        let message = format!("{}: {said}", resource.identity);
        let location = context.location(failure.anchor.unwrap_or(anchor), &failure.path.to_string());
        let help = format!("`assize explain {}` lists the fields of the kind", schema.name);
        problems.push(Problem::new(Code::InvalidResource, message).at(location).with_help(help));
    }
    false
}

/// What is around a resource.
#[derive(Clone, Debug)]
pub struct Around<'a> {
    /// For rules in JSON Schema, and for all.
    pub run: RunContext<'a>,
    /// For rules in Rego.
    pub world: Arc<World>,
    /// Whether rules in Rego are given whole documents, and not what they are known to read.
    pub is_whole: bool,
    /// Rules, by index, that were given up: their evaluations reached a bound too often.
    pub given_up: BTreeSet<u32>,
    /// Of two estates that have most in common: whether those pairs are evaluated that no difference can reach, or
    /// the others; and for each rule how many references away it can see a difference. None: all pairs.
    pub part: Option<(bool, Arc<[u8]>)>,
}

impl Around<'_> {
    /// Whether a rule is asked about a resource that is so many references away from the next difference.
    fn asks(&self, rule: u32, distance: u8) -> bool {
        self.part.as_ref().is_none_or(|(is_common, reach)| {
            let reach = reach.get(rule as usize).copied().unwrap_or(u8::MAX);
            *is_common == (distance > reach)
        })
    }
}

/// Which rules are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Those that read one document: in the first pass, while it is in memory.
    Local,
    /// Those that read others: in the second pass, when all are known.
    Joined,
}

/// Evaluates the rules of one phase that can apply to a resource.
pub fn evaluate(
    plan: &Plan<'_>,
    kind: &KindPlan,
    phase: Phase,
    admitted: &Admitted<'_>,
    around: &Around<'_>,
    context: &mut FileContext<'_>,
    outcome: &mut Outcome,
) {
    let document = OnceCell::new();
    if around.is_whole {
        document.get_or_init(|| Document::of(admitted.root));
    }
    let path = Arc::clone(&context.path);
    let rules = match phase {
        Phase::Local => &kind.local,
        Phase::Joined => &kind.joined,
    };
    for applicable in rules.iter().filter(|each| around.asks(each.rule, admitted.distance)) {
        let Some(rule) = plan.rules.rules.get(applicable.rule as usize) else { continue };
        Pair { plan, rule, kind, applicable, admitted, path: &path, around, document: &document }
            .evaluate(context, outcome);
    }
    if let Some(matched) = &mut outcome.matched {
        matched.close(&admitted.resource);
    }
}

struct Pair<'p, 't> {
    plan: &'p Plan<'p>,
    rule: &'p Rule,
    kind: &'p KindPlan,
    applicable: &'p Applicable,
    admitted: &'p Admitted<'t>,
    /// Of the file, as rules' `paths` mean it.
    path: &'p str,
    around: &'p Around<'p>,
    /// The document as Rego sees it, made once for all rules.
    document: &'p OnceCell<Document>,
}

enum Verdict<'t> {
    NotApplicable,
    Error,
    Pass,
    Fail(Vec<Failure<'t>>),
    /// A reference that names nothing keeps the answer open.
    Undecided,
    /// The evaluation has no result.
    Failed(EvaluationError),
    /// The rule is not evaluated any more.
    GivenUp,
}

impl Pair<'_, '_> {
    fn evaluate(&self, context: &mut FileContext<'_>, outcome: &mut Outcome) {
        let verdict = catch_unwind(AssertUnwindSafe(|| self.verdict(self.path)));
        let verdict = verdict.unwrap_or_else(|panic| {
            let resource = &self.admitted.resource;
            // The message of a panic may quote what was looked at.
            let text = if self.is_secret(&Path::default()) { MASK.to_owned() } else { panic_text(&*panic) };
            let message = format!("rule {} on {}: {text}", self.rule.name, resource.identity);
            let problem = Problem::new(Code::RulePanicked, message).at(resource.location.clone());
            outcome.rule_problems.push((self.applicable.rule, problem));
            Verdict::Error
        });
        if matches!(verdict, Verdict::NotApplicable) {
            return;
        }
        if let Verdict::Failed(error) = &verdict {
            if error.is_exhausted {
                outcome.exhausted.entry(self.applicable.rule).or_default().0 += 1;
            }
            let resource = &self.admitted.resource;
            let text = if self.is_secret(&Path::default()) { MASK } else { error.message.as_str() };
            let message = format!("rule {} on {}: {text}", self.rule.name, resource.identity);
            let problem = Problem::new(Code::RuleFailed, message).at(resource.location.clone());
            outcome.rule_problems.push((self.applicable.rule, problem));
        }
        if matches!(verdict, Verdict::GivenUp) {
            outcome.exhausted.entry(self.applicable.rule).or_default().1 += 1;
        }
        if let Some(matched) = &mut outcome.matched {
            let is_error = !matches!(verdict, Verdict::Pass | Verdict::Fail(_));
            matched.add(self.applicable.rule, is_error);
        }
        let Some(tally) = outcome.tallies.get_mut(self.applicable.rule as usize) else { return };
        tally.matched += 1;
        match verdict {
            Verdict::NotApplicable => {}
            Verdict::Error | Verdict::GivenUp | Verdict::Failed(_) => tally.errors += 1,
            Verdict::Undecided => {
                tally.errors += 1;
                *outcome.undecided.entry(self.applicable.rule).or_default() += 1;
            }
            Verdict::Pass => tally.passed += 1,
            Verdict::Fail(failures) => {
                tally.failed += 1;
                for failure in failures {
                    outcome.masked.extend(self.masked(&failure, context));
                    let finding = self.finding(failure, context);
                    outcome.findings.push(finding);
                }
            }
        }
    }

    fn verdict(&self, path: &str) -> Verdict<'_> {
        let Admitted { root, is_sound, id, ref resource, distance: _ } = *self.admitted;
        // What is written wrongly cannot be known to lie outside a condition either: it counts as an error.
        let candidates = self.applicable.matches.iter().filter_map(|at| {
            let each = self.rule.matches.get(*at as usize)?;
            each.selects(root, &resource.identity.namespace, path).then_some(*at as usize)
        });
        let compiled = if is_sound {
            self.rule.compiled(self.plan.kinds, &self.plan.rules.assigned_kinds).ok()
        } else {
            None
        };
        let Some(compiled) = compiled else {
            return if candidates.count() > 0 { Verdict::Error } else { Verdict::NotApplicable };
        };
        match self.rule.check {
            Check::UnresolvedReference => return self.references(),
            Check::LinkedFileMissing => return self.files(),
            _ => {}
        }
        let scope = Scope::new(root, &self.rule.at, id, &self.around.run);
        let applies = candidates.map(|at| compiled.conditions.get(at)).any(|condition| match condition {
            Some(Some(condition)) => condition.holds(&scope),
            Some(None) => true,
            None => false,
        });
        if !applies {
            return Verdict::NotApplicable;
        }
        if self.around.given_up.contains(&self.applicable.rule) {
            return Verdict::GivenUp;
        }
        let judgement =
            match judge(self.rule, compiled, &scope, &resource.identity, &self.around.world, self.document) {
                Ok(judgement) => judgement,
                Err(error) => return Verdict::Failed(error),
            };
        match (judgement.failures.is_empty(), judgement.is_undecided) {
            (false, _) => Verdict::Fail(judgement.failures),
            (true, true) => Verdict::Undecided,
            (true, false) => Verdict::Pass,
        }
    }

    /// `unresolved-reference`: every reference of the document names something of a kind that its field takes.
    fn references(&self) -> Verdict<'_> {
        let Some(schema) = self.kind.schema.as_ref().filter(|schema| !schema.references().is_empty()) else {
            return Verdict::NotApplicable;
        };
        let Some((inventory, id)) = self.around.run.inventory.zip(self.admitted.id) else {
            return Verdict::Error;
        };
        if inventory.is_resolved(id) {
            return Verdict::Pass;
        }
        let root = self.admitted.root;
        let mut failures = Vec::new();
        for field in schema.references() {
            for node in field.values(root) {
                let Some(text) = node.as_str() else { continue };
                let reference = Reference::parse(text);
                let message = match inventory.resolve(id, &field.field, text, None) {
                    Some(target) if field.takes(inventory.kind(target)) => continue,
                    Some(target) => {
                        let wanted = with_article(&field.kinds.join(" or "));
                        format!("names {}, should name {wanted}", inventory.describe(target))
                    }
                    None if self.plan.rules.is_framework(reference.kind_or(&field.kinds), reference.name) => {
                        continue;
                    }
                    None => {
                        let kind = reference.kind_or(&field.kinds).unwrap_or("any kind");
                        format!("names {}, but no {kind} is called so", reference.name)
                    }
                };
                let path = schema::path_of(root, node);
                failures.push(Failure {
                    message: format!("{path} {message}"),
                    path,
                    anchor: Some(node),
                    related: None,
                    key: None,
                });
            }
        }
        if failures.is_empty() { Verdict::Pass } else { Verdict::Fail(failures) }
    }

    /// `linked-file-missing`: every path of a file names one that the repository holds.
    fn files(&self) -> Verdict<'_> {
        let fields = self.kind.schema.as_ref().map(|schema| schema.files()).unwrap_or_default();
        let root = self.admitted.root;
        let linked: Vec<_> = fields
            .iter()
            .flat_map(|field| field.values(root).into_iter().map(|node| (node, field.takes_folder)))
            .filter_map(|(node, takes_folder)| Some((node, node.as_str()?, takes_folder)))
            // A URL names nothing that the repository could hold.
            .filter(|(_, text, _)| !text.contains("://"))
            .collect();
        if linked.is_empty() {
            return Verdict::NotApplicable;
        }
        let Some(files) = self.plan.files else { return Verdict::Error };
        let mut failures = Vec::new();
        for (node, text, takes_folder) in linked {
            let held = if is_absolute(text) { None } else { Some(files.holds(text)) };
            let message = match held {
                Some(Held::File) => continue,
                Some(Held::Folder) if takes_folder => continue,
                Some(Held::Folder) => format!("names the folder {text:?}, should name a file"),
                Some(Held::Link) => format!("names {text}, a symbolic link, should name the file itself"),
                Some(Held::Ignored) => {
                    format!("names {text}, which git ignores, should name a file that the repository holds")
                }
                Some(Held::Nothing) => {
                    format!("names {text}, but the repository holds no such file")
                }
                Some(Held::Outside) => {
                    format!("names {text}, which leads out of the repository, should name a file in it")
                }
                Some(Held::Unknown) => {
                    format!("names {text}, which cannot be looked up: a folder on the way cannot be read")
                }
                None => format!("names {text}, an absolute path, should begin at the folder of assize.yaml"),
            };
            let path = schema::path_of(root, node);
            let message = format!("{path} {message}");
            failures.push(Failure { message, path, anchor: Some(node), related: None, key: None });
        }
        if failures.is_empty() { Verdict::Pass } else { Verdict::Fail(failures) }
    }

    fn finding(&self, failure: Failure<'_>, context: &mut FileContext<'_>) -> Finding {
        let path = failure.path.to_string();
        let resource = &self.admitted.resource;
        let is_sensitive = self.is_secret(&failure.path);
        let is_within = self.kind.sensitive.iter().any(|field| field.holds(&failure.path));
        let key = match failure.key {
            Some(key) => key,
            // A digest of a short secret gives it away to whoever tries them all.
            None if self.rule.is_sensitive || is_within => failure.path.counted_key(),
            None => failure.path.stable_key(self.admitted.root),
        };
        let location = match failure.anchor {
            Some(anchor) => context.location(anchor, ""),
            None => resource.location.clone(),
        };
        let used = failure.anchor.and_then(|anchor| anchor.used_at());
        let used = used.map(|(span, label)| (context.span(span, ""), Cow::Borrowed(label)));
        let other = || {
            let id = failure.related?;
            let location = self.around.run.inventory?.location(id)?;
            Some((location, Cow::Borrowed("the other resource")))
        };
        Finding {
            rule: self.applicable.rule,
            status: Status::Fail,
            owners: Owners::default(),
            exception: None,
            message: if is_sensitive {
                // Whatever the message says, the rule's own words say nothing of the value.
                let subject = if path.is_empty() { "the document" } else { &path };
                format!("{subject} breaks the rule \"{}\"; the value is {MASK}", self.rule.title).into()
            } else {
                failure.message.into()
            },
            resource: Arc::clone(resource),
            location: Location { path: path.into(), ..location },
            related: used.or_else(other).map(Box::new),
            key: key.into(),
            is_sensitive,
        }
    }

    /// Whether what is said about a path could quote a value that no report may show.
    fn is_secret(&self, path: &Path) -> bool {
        let fields = &self.kind.sensitive;
        let root = self.admitted.root;
        match self.applicable.secrecy {
            Secrecy::Always => true,
            Secrecy::Own if fields.iter().any(|field| !field.values(root).is_empty()) => true,
            // What is part of the engine says which fields it reads by the paths of its findings alone.
            Secrecy::Own | Secrecy::None => fields.iter().any(|field| field.holds(path)),
        }
    }

    /// What a rule that is sensitive points at: no snippet of another finding may show it either.
    fn masked(&self, failure: &Failure<'_>, context: &mut FileContext<'_>) -> Option<Location> {
        let value = if self.rule.is_sensitive { failure.path.resolve(self.admitted.root) } else { None };
        value.map(|value| context.location(value, ""))
    }
}

/// What a rule that applies has to say about a document; nothing if it holds.
///
/// # Errors
/// An evaluation of Rego that has no result.
pub fn judge<'t>(
    rule: &Rule,
    compiled: &Compiled,
    scope: &Scope<'t>,
    identity: &Identity,
    world: &Arc<World>,
    document: &OnceCell<Document>,
) -> Result<Judgement<'t>, EvaluationError> {
    let body = match (&rule.check, &compiled.schema, &compiled.rego) {
        (Check::AmbiguousScalar, ..) => {
            return Ok(Judgement { failures: ambiguous_scalars(scope.root), is_undecided: false });
        }
        (.., Some(policy)) => {
            let judged = Judged {
                root: scope.root,
                document,
                identity,
                resource: scope.resource,
                world,
                base: None,
                as_of: &scope.run.as_of,
            };
            let failures = denied(rule, policy.evaluate(&judged)?, scope.root);
            let is_undecided =
                scope.resource.is_some_and(|resource| world.has_dangling(resource, &policy.uses.references));
            return Ok(Judgement { failures, is_undecided });
        }
        (_, Some(body), None) => body,
        (_, None, None) => return Ok(Judgement::default()),
    };
    if body.holds(scope) {
        return Ok(Judgement::default());
    }
    let mut judgement = body.failures(scope, &rule.at);
    if judgement.failures.is_empty() && !judgement.is_undecided {
        // The quick answer and the long one disagree: never a pass.
        let message = "the rule does not hold, without a reason that could be told".to_owned();
        let path = Path::of_keys(&rule.at);
        judgement.failures.push(Failure { path, message, anchor: None, related: None, key: None });
    }
    Ok(judgement)
}

/// What a policy denies, one failure a key; several messages on one key are one.
pub fn denied<'t>(rule: &Rule, denials: Vec<Denial>, root: NodeRef<'t>) -> Vec<Failure<'t>> {
    let mut failures: BTreeMap<(Path, Option<String>), Vec<String>> = BTreeMap::new();
    for Denial { message, path, key } in denials {
        let message = message.unwrap_or_else(|| rule.title.clone());
        failures.entry((path.unwrap_or_default(), key)).or_default().push(message);
    }
    let failure = |((path, key), messages): ((Path, Option<String>), Vec<String>)| Failure {
        anchor: path.anchor(root),
        message: messages.join("; "),
        path,
        related: None,
        key,
    };
    failures.into_iter().map(failure).collect()
}

/// Whether a path begins at the top of a machine: `/a`, `C:/a`, `\\host\a`, `~/a`.
fn is_absolute(path: &str) -> bool {
    let has_drive =
        path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    has_drive || path.starts_with(['/', '\\', '~'])
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
        failures.push(Failure { path: path.clone(), message, anchor: Some(node), related: None, key: None });
    }
}

/// The message of a panic.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}
