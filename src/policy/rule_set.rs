//! The rule set of a run: the built-in library and the repository's own policies, selected and configured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use super::baseline::Baseline;
use super::config::Config;
use super::document::Locator;
use super::framework::{self, Frameworks, RequirementRef};
use super::pack;
use super::rego::{RegoFiles, file_beside};
use super::role::unknown_role;
use super::rule::{self, Check, EngineRule, Rule};
use crate::estate::{KindLibrary, KindName, Pattern};
use crate::finding::{OWN_GROUP, Severity};
use crate::problem::{Code, Problem};
use crate::yaml::Tape;

/// The rule that reports plain values which YAML 1.1 and 1.2 read differently.
pub const AMBIGUOUS_SCALAR: &str = "ambiguous-scalar";

/// The rule that reports references which name nothing, or something of a wrong kind.
pub const UNRESOLVED_REFERENCE: &str = "unresolved-reference";

/// The rule that reports paths of files which the repository does not hold.
pub const LINKED_FILE_MISSING: &str = "linked-file-missing";

/// A parsed file of policies.
#[derive(Debug)]
pub struct PolicySource {
    /// Its path.
    pub file: Arc<str>,
    /// Its tape.
    pub tape: Arc<Tape>,
    /// Whether it is part of the built-in library.
    pub is_builtin: bool,
    /// The text, if the file holds Rego; the tape is then that of its header.
    pub rego: Option<Arc<str>>,
    /// The framework that the file holds, if it is left until somebody looks; the tape is then empty.
    pub framework: Option<&'static str>,
}

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only rules that serve one of these frameworks.
    pub frameworks: Vec<String>,
    /// Only these rules.
    pub rules: Vec<String>,
    /// Only resources of these kinds, as patterns.
    pub kinds: Vec<String>,
    /// Whether the examples of the built-in rules are read as well; a run does not need them.
    pub with_examples: bool,
    /// Whether rules over changes take part.
    pub with_changes: bool,
    /// Which baseline counts.
    pub baseline: BaselineChoice,
}

/// Which baseline counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BaselineChoice {
    /// That of the configuration, if it names one.
    #[default]
    Configured,
    /// None.
    None,
    /// The file at this path, from the folder of the configuration, wherever the policies come from; none if it is not there.
    At(String),
    /// This one.
    Given(Arc<Baseline>),
}

impl Selection {
    /// The patterns of `kinds`; malformed ones are left out, the command line has refused them.
    pub fn kind_patterns(&self) -> Vec<Pattern> {
        self.kinds.iter().filter_map(|kind| Pattern::parse(kind)).collect()
    }
}

/// A rule that does not take part, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSelected {
    /// Its name.
    pub rule: Arc<str>,
    /// Why.
    pub reason: String,
    /// The requirements that it would serve.
    pub requirements: Vec<RequirementRef>,
    /// What sort of reason that is.
    pub absence: Absence,
}

/// Why a rule says nothing of an estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Command line or configuration leave it out.
    NotSelected,
    /// It is for roles that no Organization of the estate has.
    NotByRole,
}

impl Absence {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSelected => "not-selected",
            Self::NotByRole => "not-applicable",
        }
    }
}

/// Why a rule over changes takes no part where only a state is judged.
pub const LOOKS_AT_A_CHANGE: &str = "looks at a change, which only `assize diff` has";

/// The rules of a run, in the order of their names, and the frameworks that they cite.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// Rules that take part.
    pub rules: Vec<Rule>,
    /// All frameworks, by name.
    pub frameworks: Frameworks,
    /// Rules that do not take part.
    pub not_selected: Vec<NotSelected>,
    /// Kinds that the configuration assigns by path, which need no schema.
    pub assigned_kinds: Vec<KindName>,
}

impl RuleSet {
    /// Whether a reference of this kind and name means a framework of the library, which needs no document.
    pub fn is_framework(&self, kind: Option<&str>, name: &str) -> bool {
        kind == Some("Framework") && self.frameworks.contains(name)
    }

    /// A rule by its name.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules
            .binary_search_by(|rule| (*rule.name).cmp(name))
            .ok()
            .and_then(|index| self.rules.get(index))
    }
}

/// Builds the rule set. `is_estate` tells whether a file of policies is part of the estate as well. Problems leave
/// out what they concern, and nothing else.
pub fn build(
    sources: &[PolicySource],
    config: &Config,
    selection: &Selection,
    kinds: &KindLibrary,
    is_estate: &dyn Fn(&str) -> bool,
) -> (RuleSet, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut rules = Vec::new();
    let mut frameworks = Frameworks::default();
    let known_roles = known_roles(kinds);
    let beside = files_beside(sources);
    let (texts, headed) =
        RegoFiles::sort(sources, &|file| beside.contains(file), selection.with_examples, &mut problems);
    for source in sources.iter().filter(|source| source.rego.is_none()) {
        let known_roles = known_roles.as_deref();
        read_source(source, &mut rules, &mut frameworks, is_estate, &texts, known_roles, &mut problems);
    }
    for source in headed {
        read_headed(source, &mut rules, &texts, &mut problems);
    }
    rules.extend(engine_rules());
    rules.sort_by(|one: &Rule, other| {
        (&one.name, !one.origin.is_builtin, &one.origin.file).cmp(&(
            &other.name,
            !other.origin.is_builtin,
            &other.origin.file,
        ))
    });
    drop_duplicates(&mut rules, &mut problems);
    rules.par_iter_mut().for_each(|rule| {
        if !config.rules.contains_key(&*rule.name) {
            rule.know(pack::known(rule, kinds));
        }
    });
    check_roles(&mut rules, known_roles.as_deref(), &mut problems);
    check_requirements(&rules, &frameworks, &mut problems);
    check_names(&rules, &frameworks, config, selection, &mut problems);
    let assigned_kinds: Vec<_> = config.documents.iter().filter_map(|entry| entry.kind.clone()).collect();
    check_kinds(kinds, &assigned_kinds, selection, &mut problems);
    let mut set = RuleSet { frameworks, assigned_kinds, ..RuleSet::default() };
    for rule in &mut rules {
        configure(rule, config, &mut problems);
    }
    // Texts of Rego are followed through from end to end: that takes long, and for the library it was done before.
    rules.par_iter_mut().filter(|rule| !rule.is_known()).for_each(|rule| rule.find_reads(kinds));
    for rule in rules {
        match reason_against(&rule, config, selection) {
            Some(reason) => set.not_selected.push(NotSelected {
                rule: Arc::clone(&rule.name),
                reason,
                requirements: rule.requirements.clone(),
                absence: Absence::NotSelected,
            }),
            None => set.rules.push(rule),
        }
    }
    // The library's own rules are compiled when a resource first needs them; they are tested with the program.
    for rule in
        set.rules.iter().filter(|rule| !rule.origin.is_builtin || config.rules.contains_key(&*rule.name))
    {
        if let Err(found) = rule.compiled(kinds, &set.assigned_kinds) {
            problems.extend(found.iter().cloned());
        }
    }
    (set, problems)
}

/// The `.rego` files that belong to rules which say neither `schema` nor `rego`.
fn files_beside(sources: &[PolicySource]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for source in sources.iter().filter(|source| source.rego.is_none()) {
        for root in source.tape.documents.iter().map(|document| source.tape.root(document)) {
            let is_rule = root.get("kind").is_some_and(|kind| kind.text() == "Rule");
            let has_body = ["schema", "rego"].iter().any(|key| root.at(["spec", key]).is_some());
            if let Some(name) = root.at(["metadata", "name"]).filter(|_| is_rule && !has_body) {
                files.insert(file_beside(&source.file, name.text()));
            }
        }
    }
    files
}

/// A rule in a plain `.rego` file.
fn read_headed(source: &PolicySource, rules: &mut Vec<Rule>, texts: &RegoFiles, problems: &mut Vec<Problem>) {
    let Some((document, text)) = source.tape.documents.first().zip(texts.file(&source.file)) else { return };
    if !document.faults.is_empty() {
        let lines = crate::yaml::LineIndex::new(source.tape.source());
        problems.extend(document.faults.iter().map(|fault| {
            let location = lines.location(&source.file, fault.span, "");
            Problem::new(fault.code, fault.message.clone()).at(location)
        }));
        return;
    }
    match rule::read_header(source.tape.root(document), &source.tape, &source.file, source.is_builtin, text) {
        Ok(rule) => rules.push(rule),
        Err(found) => problems.extend(found),
    }
}

fn read_source(
    source: &PolicySource,
    rules: &mut Vec<Rule>,
    frameworks: &mut Frameworks,
    is_estate: &dyn Fn(&str) -> bool,
    texts: &RegoFiles,
    known_roles: Option<&[String]>,
    problems: &mut Vec<Problem>,
) {
    if let Some(name) = source.framework {
        frameworks.leave(name, &source.file);
    }
    for document in &source.tape.documents {
        let root = source.tape.root(document);
        let text = |key: &str| root.get(key).map_or("", |node| node.text());
        let is_own = text("apiVersion").split_once('/').is_some_and(|(group, _)| group == OWN_GROUP);
        let locator = || Locator::new(&source.file, &source.tape);
        if !is_own || !matches!(text("kind"), "Rule" | "Framework") {
            // What the estate takes in is judged there; otherwise nobody would look at a misspelt kind.
            if !is_estate(&source.file) && !source.is_builtin {
                let first = root.members().next().map_or(root, |(key, _)| key);
                let node = root.get("kind").unwrap_or(first).index();
                let message = "the document is neither a Rule nor a Framework of assize.dev/v1";
                problems.push(locator().problem(Code::InvalidRule, node, message));
            }
            continue;
        }
        if !document.faults.is_empty() {
            let lines = crate::yaml::LineIndex::new(source.tape.source());
            problems.extend(document.faults.iter().map(|fault| {
                Problem::new(fault.code, fault.message.clone()).at(lines.location(
                    &source.file,
                    fault.span,
                    "",
                ))
            }));
            continue;
        }
        if text("apiVersion") != "assize.dev/v1" {
            let node = root.get("apiVersion").map_or(root.index(), |node| node.index());
            let message = format!("apiVersion is {}, should be assize.dev/v1", text("apiVersion"));
            problems.push(locator().problem(Code::InvalidRule, node, message));
            continue;
        }
        if text("kind") == "Rule" {
            match rule::read(root, &source.tape, &source.file, source.is_builtin, texts) {
                Ok(rule) => rules.push(rule),
                Err(found) => problems.extend(found),
            }
        } else if root.at(["spec", "requirements"]).is_some() {
            // Without requirements it is a resource that says which framework the organisation adopts.
            let Some(framework) = framework::read(root, &source.tape, &source.file, known_roles, problems)
            else {
                continue;
            };
            if frameworks.contains(&framework.id) {
                let message = format!("two frameworks are called {}", framework.id);
                let node = root.at(["metadata", "name"]).map_or(root.index(), |node| node.index());
                problems.push(locator().problem(Code::InvalidFramework, node, message));
            } else {
                frameworks.insert(framework);
            }
        }
    }
}

fn engine_rules() -> [Rule; 3] {
    let ambiguous = EngineRule {
        name: AMBIGUOUS_SCALAR,
        title: "Plain values mean the same to every YAML reader",
        severity: Severity::Low,
        rationale: "YAML 1.1 and 1.2 read this value differently: tools that share the file disagree on what it says.",
        remediation: "Quote it if it is text; otherwise write `true` or `false`, or the number in plain decimal digits.",
        requirements: &[],
    };
    let unresolved = EngineRule {
        name: UNRESOLVED_REFERENCE,
        title: "Every reference names a resource that exists, of a kind that its field takes",
        severity: Severity::High,
        rationale: "A reference into nothing hides a missing record, or a deleted thing that is still relied upon.",
        remediation: "Create the missing resource, or correct the reference.",
        requirements: &[
            "cobit-2019:BAI10.02",
            "cobit-2019:BAI10.04",
            "cobit-2019:BAI10.05",
            "itil-4:service-configuration-management",
        ],
    };
    let missing = EngineRule {
        name: LINKED_FILE_MISSING,
        title: "Linked files exist",
        severity: Severity::Low,
        rationale: "A link to nothing is no document: whoever needs it finds out when it is too late.",
        remediation: "Add the file to the repository, or correct the path.",
        requirements: &[
            "cobit-2019:BAI08.01",
            "cobit-2019:BAI10.05",
            "itil-4:knowledge-management",
            "hipaa:164.316(b)(2)(ii)",
        ],
    };
    [
        Rule::engine(&ambiguous, Check::AmbiguousScalar),
        Rule::engine(&unresolved, Check::UnresolvedReference),
        Rule::engine(&missing, Check::LinkedFileMissing),
    ]
}

/// The rule that comes first keeps the name: the built-in one, else that of the first file.
fn drop_duplicates(rules: &mut Vec<Rule>, problems: &mut Vec<Problem>) {
    let mut kept: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules.drain(..) {
        match kept.last().filter(|last| last.name == rule.name) {
            Some(first) => {
                let locator = Locator::new(&rule.origin.file, &rule.origin.tape);
                let node = locator.pointer(rule.origin.node, "/metadata/name");
                let problem =
                    locator.problem(Code::DuplicateRule, node, format!("rule {} exists already", rule.name));
                problems.push(if first.origin.is_builtin {
                    problem.with_help(
                        "a built-in rule has this name; rename yours, and turn the other off in assize.yaml",
                    )
                } else {
                    let first_locator = Locator::new(&first.origin.file, &first.origin.tape);
                    problem.with_related(
                        first_locator.of(first_locator.pointer(first.origin.node, "/metadata/name")),
                        "first here",
                    )
                });
            }
            None => kept.push(rule),
        }
    }
    *rules = kept;
}

/// The roles that an Organization may have, if its kind says.
fn known_roles(kinds: &KindLibrary) -> Option<Vec<String>> {
    let schema = kinds.get(&KindName::parse("Organization"))?.schema();
    let roles = schema.pointer("/properties/spec/properties/roles/items/enum")?.as_array()?;
    Some(roles.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// A role that no Organization may have is a mistake, and a rule with one is for everybody until it is repaired.
fn check_roles(rules: &mut [Rule], known: Option<&[String]>, problems: &mut Vec<Problem>) {
    for rule in rules {
        let locator = Locator::new(&rule.origin.file, &rule.origin.tape);
        let before = problems.len();
        for (role, node) in rule.roles.iter().zip(&rule.role_nodes) {
            let message = unknown_role(role, known).map(|message| format!("rule {}: {message}", rule.name));
            problems.extend(message.map(|message| locator.problem(Code::InvalidRule, *node, message)));
        }
        if problems.len() > before {
            rule.roles.clear();
        }
    }
}

fn check_requirements(rules: &[Rule], frameworks: &Frameworks, problems: &mut Vec<Problem>) {
    // Rules of the engine cite the library's frameworks, which are there but in tests without the library. What rules of
    // the library cite was looked up before.
    let rules: Vec<&Rule> = rules.iter().filter(|rule| !rule.is_engine() && !rule.is_known()).collect();
    if rules.is_empty() {
        return;
    }
    let known: BTreeMap<&str, BTreeMap<&str, Option<&str>>> = frameworks
        .iter()
        .map(|(id, framework)| {
            let entries = framework.requirements.iter();
            (id.as_str(), entries.map(|entry| (entry.id.as_str(), entry.superseded_by.as_deref())).collect())
        })
        .collect();
    for rule in rules {
        for (requirement, node) in rule.requirements.iter().zip(&rule.requirement_nodes) {
            let RequirementRef { framework, id } = requirement;
            let (code, message) = match known.get(&**framework).map(|ids| ids.get(&**id)) {
                None => (Code::UnknownRequirement, format!("no framework is called {framework}")),
                Some(None) => (Code::UnknownRequirement, format!("{framework} has no requirement {id}")),
                // Who cites its successor as well serves both, whatever the clock.
                Some(Some(Some(next))) if !rule.cites(framework, next) => {
                    let message = format!("cites {requirement}, which {framework}:{next} supersedes");
                    (Code::SupersededRequirement, message)
                }
                Some(Some(_)) => continue,
            };
            let locator = Locator::new(&rule.origin.file, &rule.origin.tape);
            problems.push(locator.problem(code, *node, format!("rule {}: {message}", rule.name)));
        }
    }
}

fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// Names of rules and frameworks in the configuration and on the command line must exist: a gate that looks
/// for what is not there passes everything.
fn check_names(
    rules: &[Rule],
    frameworks: &Frameworks,
    config: &Config,
    selection: &Selection,
    problems: &mut Vec<Problem>,
) {
    let mut unknown =
        |code, what: &str, name: &str, known: Vec<&str>, location: Option<&crate::finding::Location>| {
            if known.contains(&name) {
                return;
            }
            let mut problem = Problem::new(code, format!("no {what} is called {name}"));
            problem.location = location.cloned();
            problem.help = nearest(name, known.into_iter());
            problems.push(problem);
        };
    let rule_names = || rules.iter().map(|rule| &*rule.name).collect::<Vec<_>>();
    let framework_names = || frameworks.names();
    for (name, location) in config.frameworks.iter().flatten() {
        unknown(Code::UnknownFramework, "framework", name, framework_names(), Some(location));
    }
    for (name, setting) in &config.rules {
        unknown(Code::UnknownRule, "rule", name, rule_names(), Some(&setting.location));
    }
    for name in &selection.frameworks {
        unknown(Code::UnknownFramework, "framework", name, framework_names(), None);
    }
    for name in &selection.rules {
        unknown(Code::UnknownRule, "rule", name, rule_names(), None);
    }
}

/// The same for our own kinds on the command line; foreign ones need no schema, so nobody knows them all.
fn check_kinds(
    kinds: &KindLibrary,
    assigned: &[KindName],
    selection: &Selection,
    problems: &mut Vec<Problem>,
) {
    for kind in selection.kind_patterns().iter().filter_map(Pattern::exact).filter(KindName::is_own) {
        if kinds.get(&kind).is_none() && !assigned.contains(&kind) {
            let problem = Problem::new(Code::UnknownKind, format!("no schema describes the kind {kind}"));
            problems.push(match kinds.nearest(&kind.kind) {
                Some(nearest) => problem.with_help(format!("did you mean `{nearest}`?")),
                None => problem,
            });
        }
    }
}

fn configure(rule: &mut Rule, config: &Config, problems: &mut Vec<Problem>) {
    let Some(setting) = config.rules.get(&*rule.name) else { return };
    if let Some(severity) = setting.severity {
        rule.severity = severity;
    }
    for (name, (value, location)) in &setting.params {
        let problem = match rule.params.get_mut(name) {
            None => {
                let problem = Problem::new(
                    Code::InvalidConfiguration,
                    format!("rule {} has no parameter {name}", rule.name),
                );
                match nearest(name, rule.params.keys().map(String::as_str)) {
                    Some(help) => problem.with_help(help),
                    None => problem,
                }
            }
            Some(old) if std::mem::discriminant(old) != std::mem::discriminant(value) => Problem::new(
                Code::InvalidConfiguration,
                format!("parameter {name} of rule {} should be {}, like {old}", rule.name, noun(old)),
            ),
            Some(old) => {
                *old = value.clone();
                continue;
            }
        };
        problems.push(problem.at(location.clone()));
    }
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn reason_against(rule: &Rule, config: &Config, selection: &Selection) -> Option<String> {
    let serves =
        |framework: &str| rule.requirements.iter().any(|requirement| &*requirement.framework == framework);
    if rule.uses.change && !selection.with_changes {
        return Some(LOOKS_AT_A_CHANGE.to_owned());
    }
    if !selection.rules.is_empty() && !selection.rules.iter().any(|name| **name == *rule.name) {
        return Some("not named on the command line".to_owned());
    }
    if let Some(setting) = config.rules.get(&*rule.name).filter(|setting| !setting.enabled) {
        return Some(format!("turned off in assize.yaml: {}", setting.reason));
    }
    let is_engine = rule.is_engine();
    if !selection.frameworks.is_empty() && !is_engine && !selection.frameworks.iter().any(|name| serves(name))
    {
        return Some("serves no framework named on the command line".to_owned());
    }
    if let Some(frameworks) = &config.frameworks
        && rule.origin.is_builtin
        && !is_engine
        && !frameworks.iter().any(|(name, _)| serves(name))
    {
        return Some("serves no framework selected in assize.yaml".to_owned());
    }
    None
}
