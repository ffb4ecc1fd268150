//! Frameworks: catalogues of requirements that rules cite.

use std::sync::Arc;

use serde::Deserialize;

use super::document::{Locator, Metadata};
use crate::problem::{Code, Problem};
use crate::yaml::{NodeRef, Place, Tape, typed};

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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its number or name within the framework.
    pub id: String,
    /// What it asks, in our own words.
    pub title: String,
    /// The requirement that it is a part of.
    #[serde(default)]
    pub parent: Option<String>,
    /// What sort of entry it is in its framework (section, article, defined-approach …).
    #[serde(default)]
    pub level: Option<String>,
    /// The chapter it stands in.
    #[serde(default)]
    pub group: Option<String>,
    /// HIPAA: standard, required or addressable.
    #[serde(default)]
    pub implementation: Option<String>,
    /// Whether declared YAML can hold the evidence: yes, partly or no.
    #[serde(default)]
    pub automatable: Option<String>,
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
    #[serde(default, rename = "active")]
    _active: Option<bool>,
    #[serde(default, rename = "owner")]
    _owner: Option<String>,
    requirements: Vec<Place<Requirement>>,
}

/// Reads a framework document; an entry whose id stands twice or whose parent is missing is a problem.
pub(super) fn read(
    node: NodeRef<'_>,
    tape: &Tape,
    file: &Arc<str>,
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
    let mut seen = std::collections::HashSet::new();
    for entry in &document.spec.requirements {
        if !seen.insert(entry.value.id.as_str()) {
            let message = format!("requirement {} stands twice", entry.value.id);
            problems.push(locator.problem(Code::InvalidFramework, entry.node, message));
        }
    }
    for entry in &document.spec.requirements {
        if let Some(parent) = entry.value.parent.as_deref().filter(|parent| !seen.contains(parent)) {
            let message = format!("requirement {} names a parent {parent} that is not there", entry.value.id);
            problems.push(locator.problem(Code::InvalidFramework, entry.node, message));
        }
    }
    let FrameworkDocument { metadata, spec, .. } = document;
    Some(Framework {
        id: metadata.name.value,
        title: if metadata.title.is_empty() { metadata.description } else { metadata.title },
        authority: spec.authority,
        version: spec.version,
        notice: spec.notice,
        requirements: spec.requirements.into_iter().map(|entry| entry.value).collect(),
        file: Arc::clone(file),
    })
}
