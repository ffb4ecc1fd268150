//! The documents that tell of requirements, as they are read in a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{ChangeRecord, PersonRecord};
use super::control::Control;
use super::evidence::Evidence;
use crate::date::Duration;
use crate::estate::{KindName, Reference};
use crate::evaluate::Admitted;
use crate::finding::{Identity, Location, Severity};
use crate::yaml::NodeRef;

/// A document that tells of requirements, or of who approved what.
#[derive(Clone, Debug)]
pub enum Declared {
    /// A measure of the organisation.
    Control(Box<Control>),
    /// Proof that one works.
    Evidence(Box<Evidence>),
    /// How soon findings must be repaired.
    Remediation(Remediation),
    /// A change, with its approvals.
    Change(Arc<ChangeRecord>),
    /// Somebody who may have approved one.
    Person(Arc<PersonRecord>),
}

/// A document of kind `RemediationPolicy`.
#[derive(Clone, Debug)]
pub struct Remediation {
    /// Where it stands.
    pub location: Location,
    /// The time for findings of a severity.
    pub limits: BTreeMap<Severity, Duration>,
}

impl Remediation {
    fn read(admitted: &Admitted<'_>) -> Self {
        let spec = admitted.root.get("spec").filter(|_| admitted.is_sound);
        let limit = |severity: Severity| {
            let limit = Duration::parse(&text(spec, &[severity.name()])?)?;
            Some((severity, limit))
        };
        let limits = Severity::ALL.into_iter().filter_map(limit).collect();
        Self { location: admitted.resource.location.clone(), limits }
    }
}

impl Declared {
    /// Reads a resource of one of these kinds; none of any other. One that breaks the schema of its kind is kept with
    /// its name alone: what it says cannot be relied on, and that it is there must be told.
    pub fn read(admitted: &Admitted<'_>) -> Option<Self> {
        let kind = KindName::of(&admitted.resource.identity);
        if kind.is("Control") {
            return Some(Self::Control(Box::new(Control::read(admitted))));
        }
        if kind.is("RemediationPolicy") {
            return Some(Self::Remediation(Remediation::read(admitted)));
        }
        // What breaks its schema approves nothing.
        if kind.is("Change") && admitted.is_sound {
            return Some(Self::Change(Arc::new(ChangeRecord::read(admitted))));
        }
        if kind.is("Person") && admitted.is_sound {
            return Some(Self::Person(Arc::new(PersonRecord::read(admitted))));
        }
        kind.is("Evidence").then(|| Self::Evidence(Box::new(Evidence::read(admitted))))
    }

    /// Where it stands.
    pub fn location(&self) -> &Location {
        match self {
            Self::Control(control) => &control.location,
            Self::Evidence(evidence) => &evidence.location,
            Self::Remediation(remediation) => &remediation.location,
            Self::Change(change) => &change.location,
            Self::Person(person) => &person.location,
        }
    }
}

/// A text of `spec`; numbers and the like are none.
pub(super) fn text(spec: Option<NodeRef<'_>>, path: &[&str]) -> Option<String> {
    let node = spec?.at(path.iter().copied())?;
    node.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A list of texts of `spec`.
pub(super) fn texts(spec: Option<NodeRef<'_>>, key: &str) -> Vec<String> {
    let list = spec.and_then(|spec| spec.get(key));
    list.into_iter()
        .flat_map(|list| list.elements())
        .filter_map(|node| node.as_str())
        .map(str::to_owned)
        .collect()
}

/// What a reference in a document of this namespace names; without a kind, one of this kind.
pub(super) fn named(text: &str, kind: &str, namespace: &str) -> Identity {
    let reference = Reference::parse(text);
    let KindName { group, kind } = KindName::parse(reference.kind.unwrap_or(kind));
    let namespace = reference.namespace.unwrap_or(namespace).into();
    Identity { group, kind, namespace, name: reference.name.into() }
}
