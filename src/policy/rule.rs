//! A rule: what it matches, what must hold, why, how to repair, which requirements it serves, and examples.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::document::{Locator, Metadata, OneOrMany, is_kebab_case};
use super::framework::RequirementRef;
use super::matching::{Match, MatchForm, read_match};
use super::packed::Packed;
use super::rego::{RegoFiles, RegoText, file_beside, name_of_file};
use crate::date::Moment;
use crate::estate::{KindLibrary, KindName, Pattern};
use crate::finding::Severity;
use crate::problem::{Code, Problem};
use crate::rego::{Policy, Uses};
use crate::schema::{
    Body, Description, Parameters, Reads, Strictness, check_vocabulary, expand, is_joined, reads, substitute,
    unknown_paths,
};
use crate::yaml::{Kind, NodeRef, Place, Tape, typed};

/// A rule, its parameters and severity as the configuration sets them.
#[derive(Debug)]
pub struct Rule {
    /// Its name in kebab-case; names the defect.
    pub name: Arc<str>,
    /// What should be so, in one line.
    pub title: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// Why the rule exists.
    pub rationale: String,
    /// What to do about a finding.
    pub remediation: String,
    /// The requirements that it serves.
    pub requirements: Vec<RequirementRef>,
    /// Where each of `requirements` is written.
    pub requirement_nodes: Vec<u32>,
    /// Requirements of frameworks that have no catalogue here, as `<framework>:<requirement>`: shown, and not checked.
    pub related: Vec<String>,
    /// The roles of an organization that it is for; empty: everybody.
    pub roles: Vec<String>,
    /// Where each of `roles` is written.
    pub role_nodes: Vec<u32>,
    /// Names that it had before.
    pub formerly: Vec<String>,
    /// Any of these may apply.
    pub matches: Vec<Match>,
    /// Where `where` and `schema` begin; empty: at the root.
    pub at: Arc<[String]>,
    /// Values of its parameters.
    pub params: Parameters,
    /// What must hold.
    pub check: Check,
    /// Examples that test it.
    pub examples: Vec<Example>,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it looks at other documents.
    pub is_joined: bool,
    /// What it reads of the document it judges and of others; only joined rules need to say.
    pub reads: Reads,
    /// What else its text of Rego asks for.
    pub uses: Uses,
    /// Whether what it looks at may not be shown: its messages quote no value, and no format shows its lines.
    pub is_sensitive: bool,
    /// What the pack of the library says of it; none: it was worked out, and the rule is looked at when it is compiled.
    known: Option<Packed>,
    compiled: OnceLock<Result<Compiled, Vec<Problem>>>,
}

/// What must hold.
#[derive(Clone, Debug)]
pub enum Check {
    /// A JSON Schema, as written, and its node.
    Schema {
        /// The schema.
        schema: Value,
        /// Where it stands.
        node: u32,
    },
    /// A text of Rego.
    Rego(RegoText),
    /// No plain value is read differently by YAML 1.1 and 1.2.
    AmbiguousScalar,
    /// Every reference names a resource that exists, of a kind that its field takes.
    UnresolvedReference,
    /// Every path of a file names one that the repository holds.
    LinkedFileMissing,
}

/// Where a rule comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub file: Arc<str>,
    /// Whether it is part of the built-in library.
    pub is_builtin: bool,
    /// The tape of the file.
    pub tape: Arc<Tape>,
    /// The root of the document.
    pub node: u32,
}

/// One example of a rule.
#[derive(Debug)]
pub struct Example {
    /// Its name, unique within the rule.
    pub name: String,
    /// Where it stands.
    pub node: u32,
    /// The resource to check, on the rule's own tape; of a change, what is left of it.
    pub resource: u32,
    /// Of a change: the resource before and after, where there is one.
    pub change: Option<[Option<u32>; 2]>,
    /// Of a change: the commits, as the rule sees them.
    pub commits: Vec<Value>,
    /// Other documents around it, on the rule's own tape.
    pub others: Vec<u32>,
    /// The clock; none: [`EXAMPLE_CLOCK`].
    pub as_of: Option<Moment>,
    /// The findings that must come, and no others.
    pub expect: Vec<Place<Expected>>,
}

/// The clock of examples that say none.
pub const EXAMPLE_CLOCK: &str = "2026-11-20";

/// A finding that an example expects.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The place, from the root of the resource.
    pub path: String,
    /// A part of the message, where that matters.
    #[serde(default)]
    pub message: Option<String>,
}

/// A rule ready to be evaluated.
#[derive(Debug)]
pub struct Compiled {
    /// One entry a match: its condition.
    pub conditions: Vec<Option<Body>>,
    /// The schema; none for other rules.
    pub schema: Option<Body>,
    /// The text of Rego; none for other rules.
    pub rego: Option<Policy>,
}

/// The words of a rule that is part of the engine.
pub(super) struct EngineRule {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) severity: Severity,
    pub(super) rationale: &'static str,
    pub(super) remediation: &'static str,
    pub(super) requirements: &'static [&'static str],
}

/// A part of a rule that is replaced, to see whether its examples notice.
#[derive(Clone, Copy, Debug)]
pub enum Changed<'v> {
    /// The schema.
    Schema(&'v Value),
    /// The condition of the match with this position.
    Condition(usize, &'v Value),
    /// The text of Rego.
    Rego(&'v str),
}

/// What keeps a rule from being used.
pub type RuleProblems = Vec<Problem>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleDocument {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: Metadata,
    spec: RuleSpec,
}

/// The header of a plain `.rego` file, as OPA defines it; what is ours stands under `custom`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(default, rename = "scope")]
    _scope: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default, rename = "related_resources")]
    _related_resources: Option<IgnoredAny>,
    #[serde(default, rename = "authors")]
    _authors: Option<IgnoredAny>,
    #[serde(default, rename = "organizations")]
    _organizations: Option<IgnoredAny>,
    #[serde(default, rename = "schemas")]
    _schemas: Option<IgnoredAny>,
    #[serde(default, rename = "entrypoint")]
    _entrypoint: Option<bool>,
    custom: RuleSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleSpec {
    severity: Severity,
    rationale: String,
    remediation: String,
    #[serde(default)]
    requirements: Vec<Place<String>>,
    #[serde(default)]
    related: Vec<Place<String>>,
    #[serde(default)]
    roles: Vec<Place<String>>,
    #[serde(default)]
    formerly: Vec<String>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    params: Parameters,
    #[serde(rename = "match")]
    matches: Place<OneOrMany<MatchForm>>,
    #[serde(default)]
    at: Option<Place<String>>,
    #[serde(default)]
    schema: Option<Place<Value>>,
    #[serde(default)]
    rego: Option<Place<String>>,
    #[serde(default)]
    examples: Vec<Place<ExampleForm>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExampleForm {
    name: String,
    #[serde(default)]
    resource: Option<Place<IgnoredAny>>,
    #[serde(default)]
    before: Option<Place<IgnoredAny>>,
    #[serde(default)]
    after: Option<Place<IgnoredAny>>,
    #[serde(default)]
    commits: Vec<Value>,
    #[serde(default)]
    others: Vec<Place<IgnoredAny>>,
    #[serde(default)]
    as_of: Option<Place<String>>,
    expect: Vec<Place<Expected>>,
}

/// Reads a rule document. Its form is checked at once, its schema when it is compiled.
pub(super) fn read(
    node: NodeRef<'_>,
    tape: &Arc<Tape>,
    file: &Arc<str>,
    is_builtin: bool,
    texts: &RegoFiles,
) -> Result<Rule, Vec<Problem>> {
    let locator = Locator::new(file, tape);
    let document: RuleDocument =
        typed(node).map_err(|error| vec![locator.typed(Code::InvalidRule, node.index(), error)])?;
    let RuleDocument { metadata, mut spec, .. } = document;
    let Metadata { name, title, description, .. } = metadata;
    let title = if title.is_empty() { description } else { title };
    let check = match (spec.schema.take(), spec.rego.take()) {
        (Some(schema), None) => Check::Schema { schema: schema.value, node: schema.node },
        (None, Some(text)) => Check::Rego(texts.inline(&text.value, text.node)),
        (Some(_), Some(text)) => {
            let message = "the rule has `schema` and `rego`, should have one of them";
            return Err(vec![locator.problem(Code::InvalidRule, text.node, message)]);
        }
        (None, None) => {
            if let Some(text) = texts.file(&file_beside(file, &name.value)) {
                Check::Rego(text)
            } else {
                let node = locator.pointer(node.index(), "/spec");
                let problem = locator.problem(
                    Code::InvalidRule,
                    node,
                    format!("rule {} has neither `schema` nor `rego`, so it checks nothing", name.value),
                );
                let help = format!("write one of them, or put {}.rego beside it", name.value);
                return Err(vec![problem.with_help(help)]);
            }
        }
    };
    let origin = Origin { file: Arc::clone(file), is_builtin, tape: Arc::clone(tape), node: node.index() };
    finish(name, title, spec, check, origin)
}

/// Reads the header of a plain `.rego` file as a rule.
pub(super) fn read_header(
    node: NodeRef<'_>,
    tape: &Arc<Tape>,
    file: &Arc<str>,
    is_builtin: bool,
    text: RegoText,
) -> Result<Rule, Vec<Problem>> {
    let locator = Locator::new(file, tape);
    let header: Header =
        typed(node).map_err(|error| vec![locator.typed(Code::InvalidRule, node.index(), error)])?;
    let Header { title, description, custom, .. } = header;
    if let Some(node) =
        [custom.schema.as_ref().map(|place| place.node), custom.rego.as_ref().map(|place| place.node)]
            .into_iter()
            .flatten()
            .next()
    {
        return Err(vec![locator.problem(
            Code::InvalidRule,
            node,
            "the file itself is what the rule checks",
        )]);
    }
    let name = Place { value: name_of_file(file), node: node.index() };
    let title = if title.is_empty() { description } else { title };
    let origin = Origin { file: Arc::clone(file), is_builtin, tape: Arc::clone(tape), node: node.index() };
    finish(name, title, custom, Check::Rego(text), origin)
}

fn finish(
    name: Place<String>,
    title: String,
    spec: RuleSpec,
    check: Check,
    origin: Origin,
) -> Result<Rule, Vec<Problem>> {
    let tape = Arc::clone(&origin.tape);
    let locator = Locator::new(&origin.file, &tape);
    let mut problems = Vec::new();
    let mut refuse =
        |node: u32, message: String| problems.push(locator.problem(Code::InvalidRule, node, message));
    if !is_kebab_case(&name.value) {
        refuse(name.node, format!("name {:?} should be kebab-case", name.value));
    }
    if let (Check::Rego(_), Some(at)) = (&check, &spec.at)
        && !spec.matches.value.0.iter().any(|each| each.condition.is_some())
    {
        refuse(at.node, "`at` is where `where` and `schema` begin, and the rule has neither".to_owned());
    }
    if spec.matches.value.0.is_empty() {
        refuse(spec.matches.node, "`match` is empty, so the rule could never apply".to_owned());
    }
    let matches = spec.matches.value.0.into_iter().map(|form| read_match(form, &mut refuse)).collect();
    let mut requirements = Vec::new();
    let mut requirement_nodes = Vec::new();
    for place in &spec.requirements {
        match RequirementRef::parse(&place.value) {
            Some(requirement) => {
                requirements.push(requirement);
                requirement_nodes.push(place.node);
            }
            None => refuse(place.node, format!("{:?} should be `<framework>:<requirement>`", place.value)),
        }
    }
    for place in spec.related.iter().filter(|place| RequirementRef::parse(&place.value).is_none()) {
        refuse(place.node, format!("{:?} should be `<framework>:<requirement>`", place.value));
    }
    let at = spec.at.map(|at| {
        if at.value.is_empty() || at.value.split('.').any(str::is_empty) || at.value.contains(['[', '/']) {
            refuse(at.node, format!("{:?} should be names joined by dots", at.value));
        }
        at.value.split('.').map(str::to_owned).collect::<Vec<_>>()
    });
    let mut names = std::collections::HashSet::new();
    let mut examples = Vec::new();
    for place in spec.examples {
        if !names.insert(place.value.name.clone()) {
            refuse(place.node, format!("two examples are called {:?}", place.value.name));
        }
        let ExampleForm { name, resource, before, after, commits, others, as_of, expect } = place.value;
        let clock = as_of.as_ref().and_then(|as_of| Moment::parse(&as_of.value));
        if let Some(as_of) = as_of.filter(|_| clock.is_none()) {
            refuse(as_of.node, format!("{:?} is no date", as_of.value));
        }
        let change = (before.is_some() || after.is_some())
            .then(|| [&before, &after].map(|side| side.as_ref().map(|side| side.node)));
        let subject = match (&resource, &after, &before) {
            (Some(resource), None, None) => resource.node,
            (None, Some(side), _) | (None, None, Some(side)) => side.node,
            (Some(_), ..) => {
                refuse(place.node, "an example has a `resource`, or `before` and `after`".to_owned());
                continue;
            }
            (None, None, None) => {
                refuse(place.node, "the example has no `resource`".to_owned());
                continue;
            }
        };
        for side in [&resource, &before, &after].into_iter().flatten() {
            if tape.node(side.node).kind() != Kind::Map {
                refuse(side.node, "a resource should be a mapping".to_owned());
            }
        }
        examples.push(Example {
            name,
            node: place.node,
            resource: subject,
            change,
            commits,
            others: others.iter().map(|other| other.node).collect(),
            as_of: clock,
            expect,
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Rule {
        name: name.value.into(),
        title,
        severity: spec.severity,
        rationale: spec.rationale,
        remediation: spec.remediation,
        requirements,
        requirement_nodes,
        related: spec.related.into_iter().map(|place| place.value).collect(),
        role_nodes: spec.roles.iter().map(|role| role.node).collect(),
        roles: spec.roles.into_iter().map(|role| role.value).collect(),
        formerly: spec.formerly,
        matches,
        at: at.unwrap_or_default().into(),
        params: spec.params,
        check,
        examples,
        is_joined: false,
        reads: Reads::default(),
        uses: Uses::default(),
        is_sensitive: spec.sensitive,
        origin,
        known: None,
        compiled: OnceLock::new(),
    })
}

impl Rule {
    /// A rule that is part of the engine.
    pub(super) fn engine(words: &EngineRule, check: Check) -> Self {
        let requirements: Vec<_> =
            words.requirements.iter().filter_map(|text| RequirementRef::parse(text)).collect();
        Self {
            name: words.name.into(),
            title: words.title.to_owned(),
            severity: words.severity,
            rationale: words.rationale.to_owned(),
            remediation: words.remediation.to_owned(),
            requirement_nodes: vec![0; requirements.len()],
            requirements,
            related: Vec::new(),
            roles: Vec::new(),
            role_nodes: Vec::new(),
            formerly: Vec::new(),
            matches: vec![Match::everything()],
            at: Arc::from([]),
            params: Parameters::new(),
            // Both look beyond the document: at other resources, at the files of the repository.
            is_joined: matches!(check, Check::UnresolvedReference | Check::LinkedFileMissing),
            check,
            examples: Vec::new(),
            reads: Reads::default(),
            uses: Uses::default(),
            is_sensitive: false,
            origin: Origin {
                file: "(part of the engine)".into(),
                is_builtin: true,
                tape: Arc::new(Tape::default()),
                node: 0,
            },
            known: None,
            compiled: OnceLock::new(),
        }
    }

    /// Whether it serves a requirement.
    pub fn cites(&self, framework: &str, id: &str) -> bool {
        self.requirements.iter().any(|each| *each.framework == *framework && *each.id == *id)
    }

    /// Whether it is part of the engine, and not written as a document.
    pub fn is_engine(&self) -> bool {
        !matches!(self.check, Check::Schema { .. } | Check::Rego(_))
    }

    /// Whether its answer can change with the date alone.
    pub fn reads_clock(&self) -> bool {
        let schema = if let Check::Schema { schema, .. } = &self.check { Some(schema) } else { None };
        let conditions = self.matches.iter().filter_map(|each| each.condition());
        self.uses.clock || conditions.chain(schema).any(may_read_clock)
    }

    /// Takes what is known of the rule as it is written, if anything is.
    pub(super) fn know(&mut self, known: Option<Packed>) {
        let Some(Packed { is_joined, reads, uses, prepared }) = known else { return };
        (self.is_joined, self.reads, self.uses) = (is_joined, reads, uses);
        self.known = Some(Packed { prepared, ..Packed::default() });
    }

    /// Works out whether the rule looks at other documents, with its parameters as they now are.
    pub(super) fn find_reads(&mut self, kinds: &KindLibrary) {
        if !self.is_engine() {
            let Packed { is_joined, reads, uses, .. } = self.follow(kinds);
            (self.is_joined, self.reads, self.uses) = (is_joined, reads, uses);
        }
    }

    /// Whether what it reads was taken from the library's pack, and not worked out.
    pub fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Works out what the rule reads.
    pub(super) fn follow(&self, kinds: &KindLibrary) -> Packed {
        let uses =
            if let Check::Rego(text) = &self.check { text.follow(self, kinds) } else { Uses::default() };
        let conditions = self.matches.iter().filter_map(|each| each.condition());
        let schema = if let Check::Schema { schema, .. } = &self.check { Some(schema) } else { None };
        let (mut joined, mut all) = (uses.is_joined(), uses.reads.clone());
        // A parameter that does not exist is told when the rule is compiled.
        for schema in conditions.chain(schema).filter_map(|schema| substitute(schema, &self.params).ok()) {
            joined |= is_joined(&schema);
            if check_vocabulary(&schema).is_ok() {
                all.add(&reads(&expand(&schema, Strictness::Condition), &self.at));
            }
        }
        if self.matches.iter().any(|each| !each.labels.is_empty()) {
            all.own.insert(&["metadata".to_owned(), "labels".to_owned()]);
        }
        Packed { is_joined: joined, reads: all, uses, prepared: None }
    }

    /// The compiled rule; compiled when first asked for.
    ///
    /// # Errors
    /// What keeps it from being used, with the place in the rule's file.
    pub fn compiled(&self, kinds: &KindLibrary, assigned: &[KindName]) -> Result<&Compiled, &RuleProblems> {
        self.compiled.get_or_init(|| self.compile(kinds, assigned)).as_ref()
    }

    /// What keeps the rule from being used, if it has been compiled.
    pub fn compile_problems(&self) -> &[Problem] {
        match self.compiled.get() {
            Some(Err(problems)) => problems,
            _ => &[],
        }
    }

    /// The rule compiled with another schema, or with another condition of one of its matches.
    ///
    /// # Errors
    /// What keeps the changed rule from being used.
    pub fn compile_changed(
        &self,
        kinds: &KindLibrary,
        assigned: &[KindName],
        changed: Changed<'_>,
    ) -> Result<Compiled, Vec<Problem>> {
        self.compile_with(kinds, assigned, Some(changed))
    }

    fn compile(&self, kinds: &KindLibrary, assigned: &[KindName]) -> Result<Compiled, Vec<Problem>> {
        self.compile_with(kinds, assigned, None)
    }

    fn compile_with(
        &self,
        kinds: &KindLibrary,
        assigned: &[KindName],
        changed: Option<Changed<'_>>,
    ) -> Result<Compiled, Vec<Problem>> {
        if self.is_engine() {
            return Ok(Compiled { conditions: vec![None], schema: None, rego: None });
        }
        let mut compiler = Compiler {
            rule: self,
            kinds,
            assigned,
            locator: Locator::new(&self.origin.file, &self.origin.tape),
            // Who reads the examples wants to know what is wrong.
            known: self.known.as_ref().filter(|_| self.examples.is_empty() && changed.is_none()),
            problems: Vec::new(),
        };
        compiler.check_kinds();
        let conditions = (0..)
            .zip(&self.matches)
            .map(|(at, each)| {
                let (condition, node) = each.condition.as_ref()?;
                let condition = match changed {
                    Some(Changed::Condition(changed, other)) if changed == at => other,
                    _ => condition,
                };
                compiler.body(condition, *node, std::slice::from_ref(each), Strictness::Condition)
            })
            .collect();
        let (mut schema, mut rego) = (None, None);
        match &self.check {
            Check::Schema { schema: written, node } => {
                let written = if let Some(Changed::Schema(other)) = changed { other } else { written };
                schema = compiler.body(written, *node, &self.matches, Strictness::Asserting);
            }
            Check::Rego(text) => {
                match text.changed(changed).compile(self, kinds, changed.is_some(), compiler.known) {
                    Ok(policy) => rego = Some(policy),
                    Err(problems) => compiler.problems.extend(problems),
                }
            }
            _ => {}
        }
        if compiler.problems.is_empty() {
            Ok(Compiled { conditions, schema, rego })
        } else {
            Err(compiler.problems)
        }
    }
}

struct Compiler<'r> {
    rule: &'r Rule,
    kinds: &'r KindLibrary,
    assigned: &'r [KindName],
    locator: Locator<'r>,
    /// What is known of the rule, if it was looked at before.
    known: Option<&'r Packed>,
    problems: Vec<Problem>,
}

impl Compiler<'_> {
    fn refuse(&mut self, problem: Problem) {
        let message = format!("rule {}: {}", self.rule.name, problem.message);
        self.problems.push(Problem { message, ..problem });
    }

    /// Own kinds must exist; foreign ones need no schema.
    fn check_kinds(&mut self) {
        for each in &self.rule.matches {
            for kind in each.patterns.iter().filter_map(Pattern::exact) {
                if kind.is_own() && self.kinds.get(&kind).is_none() && !self.assigned.contains(&kind) {
                    let node = self.locator.pointer(self.rule.origin.node, "/spec/match");
                    let problem = self.locator.problem(
                        Code::InvalidRule,
                        node,
                        format!("no schema describes the kind {kind}"),
                    );
                    let nearest = self.kinds.nearest(&kind.kind);
                    self.refuse(match nearest {
                        Some(nearest) => problem.with_help(format!("did you mean `{nearest}`?")),
                        None => problem.with_help(format!(
                            "add schemas/kinds/{kind}.schema.json, or write `group/{kind}`"
                        )),
                    });
                }
            }
        }
    }

    fn body(&mut self, schema: &Value, node: u32, matches: &[Match], strictness: Strictness) -> Option<Body> {
        let is_known = self.known.is_some();
        let written = schema;
        let substituted;
        let schema = if is_known && self.rule.params.is_empty() {
            written
        } else {
            let checked = |schema: &Value| if is_known { Ok(()) } else { check_vocabulary(schema) };
            let result = substitute(written, &self.rule.params);
            match result.and_then(|schema| checked(&schema).map(|()| schema)) {
                Ok(schema) => {
                    substituted = schema;
                    &substituted
                }
                Err(error) => {
                    let problem = self.locator.schema(Code::InvalidRule, node, error);
                    self.refuse(problem);
                    return None;
                }
            }
        };
        if !is_known {
            self.check_paths(schema, node, matches);
        }
        match Body::compile(expand(schema, strictness), Description::Speaks, &self.rule.at) {
            Ok(body) => Some(body),
            Err(error) => {
                let problem = self.locator.schema(Code::InvalidRule, node, error);
                self.refuse(problem);
                None
            }
        }
    }

    fn check_paths(&mut self, schema: &Value, node: u32, matches: &[Match]) {
        let mut schemas = Vec::new();
        for kind in matches.iter().flat_map(|each| &each.patterns) {
            let known = kind.exact().and_then(|kind| self.kinds.get(&kind));
            let Some(known) = known else {
                // One kind without a schema, and anything may exist in the document; in a `must` it may not.
                schemas.clear();
                break;
            };
            schemas.push(known.schema());
        }
        let lookup = |kind: &str| self.kinds.get(&KindName::parse(kind)).map(|known| known.schema());
        for unknown in unknown_paths(schema, &schemas, &self.rule.at, &lookup) {
            let message = format!("no matched kind has the field {}", unknown.path);
            let node = self.locator.pointer(node, &unknown.pointer);
            let problem = self.locator.problem(Code::InvalidRule, node, message);
            self.refuse(match unknown.nearest {
                Some(nearest) => problem.with_help(format!("did you mean `{nearest}`?")),
                None => problem,
            });
        }
    }
}
/// Only comparisons of dates know the clock; a parameter may say that they do.
fn may_read_clock(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => object
            .iter()
            .any(|(key, value)| matches!(key.as_str(), "x-date" | "now") || may_read_clock(value)),
        Value::Array(list) => list.iter().any(may_read_clock),
        Value::String(text) => text == "now",
        _ => false,
    }
}
