//! Frameworks: catalogues of requirements that rules cite.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::document::{Locator, Metadata};
use super::library::builtin_policies;
use super::role::{Roles, unknown_role};
use crate::date::Moment;
use crate::problem::{Code, Problem};
use crate::yaml::{Limits, NodeRef, Place, Tape, parse, typed};

/// A catalogue of requirements.
#[derive(Clone, Debug)]
pub struct Framework {
    /// Its name, as rules cite it: `pci-dss-4.0.1`.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Who publishes it.
    pub authority: String,
    /// Its version.
    pub version: String,
    /// What is said about rights to its text.
    pub notice: String,
    /// Its requirements in the order of the document.
    pub requirements: Vec<Requirement>,
    /// The file it was read from.
    pub file: Arc<str>,
}

/// One entry of a framework.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// Its number or name within the framework.
    pub id: String,
    /// What it asks, in our own words.
    pub title: String,
    /// The requirement that it is a part of.
    pub parent: Option<String>,
    /// What sort of entry it is in its framework (section, article, defined-approach …).
    pub level: Option<String>,
    /// The chapter it stands in.
    pub group: Option<String>,
    /// HIPAA: standard, required or addressable.
    pub implementation: Option<String>,
    /// The roles of an organization that it binds; empty: everybody.
    pub roles: Vec<String>,
    /// The day from which it binds; none: always.
    pub in_force: Option<Moment>,
    /// The requirement of the same framework that stands in its place.
    pub superseded_by: Option<String>,
    /// Where the official text stands.
    pub url: Option<String>,
    /// Whether declared YAML can hold the evidence: yes, partly or no.
    pub automatable: Option<String>,
    /// How it can be met.
    pub testable: Option<Testable>,
    /// Why it can be met only so; of a requirement that no declaration can meet, why none can.
    pub reason: Option<String>,
}

/// How a requirement can be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Testable {
    /// By rules over what the repository declares.
    Rule,
    /// By a document of kind Evidence that stands for it.
    Evidence,
    /// Not by declaration: it takes a look at the systems, at what people do, or at a judgement of law.
    None,
}

impl Testable {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Evidence => "evidence",
            Self::None => "none",
        }
    }
}

/// Whether a requirement binds the organizations of an estate on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// It does.
    Binds,
    /// It is for other roles: why.
    NotByRole(String),
    /// It comes into force on a later day.
    NotYet(Moment),
    /// This one stands in its place.
    Superseded(String),
}

impl Requirement {
    /// Whether it binds organizations of these roles; if they are not known, it does.
    pub fn binds(&self, roles: &Roles) -> bool {
        roles.bind(&self.roles)
    }

    /// Whether it binds organizations of these roles on a day, and if not, why.
    pub fn binding(&self, roles: &Roles, as_of: &Moment) -> Binding {
        if let Some(successor) = &self.superseded_by {
            return Binding::Superseded(successor.clone());
        }
        // A clock that stands within the day is past its beginning.
        if let Some(day) = self.in_force.as_ref().filter(|day| as_of.begins_before(day)) {
            return Binding::NotYet(day.clone());
        }
        roles.reason_against(&self.roles).map_or(Binding::Binds, Binding::NotByRole)
    }
}

impl Framework {
    /// A requirement by its id.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|entry| entry.id == id)
    }
}

/// The frameworks of a run, by name. Those of the library may be left until somebody looks: most runs only cite them.
#[derive(Debug, Default)]
pub struct Frameworks {
    read: BTreeMap<String, Framework>,
    /// Names and files of those that are left.
    left: Vec<(&'static str, Arc<str>)>,
    all: OnceLock<BTreeMap<String, Framework>>,
}

impl Frameworks {
    /// Whether there is one of this name; asking so reads none.
    pub fn contains(&self, name: &str) -> bool {
        self.read.contains_key(name) || self.left.iter().any(|(known, _)| *known == name)
    }

    /// Their names in order; asking so reads none.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.read.keys().map(String::as_str).collect();
        names.extend(self.left.iter().map(|(name, _)| *name));
        names.sort_unstable();
        names
    }

    pub(super) fn insert(&mut self, framework: Framework) {
        drop(self.read.insert(framework.id.clone(), framework));
    }

    /// Leaves one of the library until somebody looks.
    pub(super) fn leave(&mut self, name: &'static str, file: &Arc<str>) {
        self.left.push((name, Arc::clone(file)));
    }

    fn read_all(&self) -> BTreeMap<String, Framework> {
        let mut all = self.read.clone();
        for (name, file) in &self.left {
            let Some(text) = builtin_policies().iter().find(|policy| *policy.path == **file) else {
                continue;
            };
            let (tape, _) = parse(text.text.as_bytes().to_vec(), file, &Limits::default());
            // It was read without a problem when the pack was written; what roles there are only matters to problems.
            let read = |document| read(tape.root(document), &tape, file, None, &mut Vec::new());
            let found = tape.documents.iter().filter_map(read).find(|framework| framework.id == *name);
            all.extend(found.map(|framework| (framework.id.clone(), framework)));
        }
        all
    }
}

impl Deref for Frameworks {
    type Target = BTreeMap<String, Framework>;

    fn deref(&self) -> &Self::Target {
        if self.left.is_empty() { &self.read } else { self.all.get_or_init(|| self.read_all()) }
    }
}

/// `<framework>:<requirement>`, as rules cite it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequirementRef {
    /// Name of the framework.
    pub framework: Arc<str>,
    /// Id of the requirement.
    pub id: Arc<str>,
}

impl RequirementRef {
    /// Splits at the first colon; none if there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (framework, id) = text.split_once(':')?;
        let filled = !framework.is_empty() && !id.is_empty();
        filled.then(|| Self { framework: framework.into(), id: id.into() })
    }
}

impl std::fmt::Display for RequirementRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.framework, self.id)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FrameworkDocument {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: Metadata,
    spec: FrameworkSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FrameworkSpec {
    authority: String,
    version: String,
    #[serde(default)]
    notice: String,
    #[serde(default)]
    url_template: Option<Place<String>>,
    #[serde(default)]
    roles: Vec<Place<String>>,
    #[serde(default)]
    in_force: Option<Place<String>>,
    #[serde(default, rename = "active")]
    _active: Option<bool>,
    #[serde(default, rename = "owner")]
    _owner: Option<String>,
    requirements: Vec<Place<RequirementForm>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequirementForm {
    id: String,
    title: String,
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    implementation: Option<String>,
    #[serde(default)]
    roles: Vec<Place<String>>,
    #[serde(default)]
    in_force: Option<Place<String>>,
    #[serde(default)]
    superseded_by: Option<Place<String>>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    automatable: Option<String>,
    #[serde(default)]
    testable: Option<Testable>,
    #[serde(default)]
    reason: Option<String>,
}

/// Where the id of a requirement stands in a `urlTemplate`; and what of it comes before its first bracket, which is
/// what laws have addresses for: `28` of `28(3)(a)`.
const ID: &str = "{id}";
const SECTION: &str = "{section}";

/// Reads a framework document; an entry whose id stands twice, or that names one which is not there, is a problem.
/// `known_roles` are those that an Organization may have, if its kind says.
pub(super) fn read(
    node: NodeRef<'_>,
    tape: &Tape,
    file: &Arc<str>,
    known_roles: Option<&[String]>,
    problems: &mut Vec<Problem>,
) -> Option<Framework> {
    let locator = Locator::new(file, tape);
    let document: FrameworkDocument = match typed(node) {
        Ok(document) => document,
        Err(error) => {
            problems.push(locator.typed(Code::InvalidFramework, node.index(), error));
            return None;
        }
    };
    let FrameworkDocument { metadata, spec, .. } = document;
    let mut refuse =
        |node: u32, message: String| problems.push(locator.problem(Code::InvalidFramework, node, message));
    let mut seen = std::collections::HashSet::new();
    for entry in &spec.requirements {
        if !seen.insert(entry.value.id.as_str()) {
            refuse(entry.node, format!("requirement {} stands twice", entry.value.id));
        }
    }
    let is_fixed =
        |template: &&Place<String>| ![ID, SECTION].iter().any(|part| template.value.contains(part));
    if let Some(template) = spec.url_template.as_ref().filter(is_fixed) {
        let message = format!("{:?} should hold {ID} or {SECTION}, where the id goes", template.value);
        refuse(template.node, message);
    }
    for Place { value: entry, node } in &spec.requirements {
        if let Some(parent) = entry.parent.as_deref().filter(|parent| !seen.contains(parent)) {
            refuse(*node, format!("requirement {} names a parent {parent} that is not there", entry.id));
        }
        if let Some(next) = &entry.superseded_by
            && (!seen.contains(next.value.as_str()) || next.value == entry.id)
        {
            let message = format!("requirement {} is superseded by {}, which ", entry.id, next.value);
            let why = if next.value == entry.id { "is itself" } else { "is not there" };
            refuse(next.node, message + why);
        }
        if entry.testable == Some(Testable::None) && entry.reason.as_deref().is_none_or(str::is_empty) {
            let message = format!("requirement {} can be met by nothing, and no `reason` says why", entry.id);
            refuse(*node, message);
        }
    }
    let general = General {
        template: spec.url_template.map(|template| template.value),
        roles: roles(spec.roles, known_roles, &mut refuse),
        in_force: spec.in_force.and_then(|day| date(&day, &mut refuse)),
    };
    let requirements = spec
        .requirements
        .into_iter()
        .map(|place| requirement(place.value, &general, known_roles, &mut refuse))
        .collect();
    Some(Framework {
        id: metadata.name.value,
        title: if metadata.title.is_empty() { metadata.description } else { metadata.title },
        authority: spec.authority,
        version: spec.version,
        notice: spec.notice,
        requirements,
        file: Arc::clone(file),
    })
}

/// What a framework says of all its requirements that say nothing else.
struct General {
    template: Option<String>,
    roles: Vec<String>,
    in_force: Option<Moment>,
}

fn date(day: &Place<String>, refuse: &mut impl FnMut(u32, String)) -> Option<Moment> {
    let moment = Moment::parse(&day.value);
    if moment.is_none() {
        refuse(day.node, format!("{:?} is no date", day.value));
    }
    moment
}

/// The roles that an Organization may have; any other one is a mistake, and left out.
fn roles(
    list: Vec<Place<String>>,
    known: Option<&[String]>,
    refuse: &mut impl FnMut(u32, String),
) -> Vec<String> {
    let mut roles = Vec::new();
    for role in list {
        match unknown_role(&role.value, known) {
            None => roles.push(role.value),
            Some(message) => refuse(role.node, message),
        }
    }
    roles
}

fn requirement(
    form: RequirementForm,
    general: &General,
    known_roles: Option<&[String]>,
    refuse: &mut impl FnMut(u32, String),
) -> Requirement {
    let own_roles = roles(form.roles, known_roles, refuse);
    let section = form.id.split_once('(').map_or(form.id.as_str(), |(section, _)| section);
    let url =
        general.template.as_ref().map(|template| template.replace(ID, &form.id).replace(SECTION, section));
    Requirement {
        url: form.url.or(url),
        id: form.id,
        title: form.title,
        parent: form.parent,
        level: form.level,
        group: form.group,
        implementation: form.implementation,
        roles: if own_roles.is_empty() { general.roles.clone() } else { own_roles },
        in_force: form.in_force.and_then(|day| date(&day, refuse)).or_else(|| general.in_force.clone()),
        superseded_by: form.superseded_by.map(|next| next.value),
        automatable: form.automatable,
        testable: form.testable,
        reason: form.reason,
    }
}
