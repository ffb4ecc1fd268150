//! Records of changes, and of the people who approve them: what documents of kinds Change and Person say of commits.
//!
//! What it does not do: it says of no commit that it was approved.

use super::declared::{named, text, texts};
use crate::evaluate::Admitted;
use crate::finding::{Identity, Location};
use crate::yaml::NodeRef;

/// A document of kind Change.
#[derive(Clone, Debug)]
pub struct ChangeRecord {
    /// Who it is.
    pub identity: Identity,
    /// Where it stands.
    pub location: Location,
    /// How far it has come.
    pub status: String,
    /// The commits that carried it out, as it names them.
    pub commits: Vec<String>,
    /// Who approved it.
    pub approvals: Vec<ChangeApproval>,
    /// Those who asked for it, made it or carried it out: none of them can approve it.
    pub own: Vec<Identity>,
    /// The day on which it took effect, else that on which it was closed.
    pub over_on: Option<String>,
}

/// An approval of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeApproval {
    /// The person.
    pub by: Identity,
    /// The day; none if the record does not say.
    pub on: Option<String>,
}

/// A document of kind Person, as far as git may know the person.
#[derive(Clone, Debug)]
pub struct PersonRecord {
    /// Who it is.
    pub identity: Identity,
    /// Where it stands.
    pub location: Location,
    /// The name for people.
    pub title: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// Names and addresses with which the person makes commits.
    pub git: Vec<String>,
}

impl ChangeRecord {
    pub(super) fn read(admitted: &Admitted<'_>) -> Self {
        let spec = admitted.root.get("spec");
        let identity = admitted.resource.identity.clone();
        let person = |name: &str| named(name, "Person", &identity.namespace);
        let day = text(spec, &["approvedOn"]);
        let approval = |node: NodeRef<'_>| {
            let by = text(Some(node), &["by"])?;
            Some(ChangeApproval { by: person(&by), on: text(Some(node), &["on"]).or_else(|| day.clone()) })
        };
        let approvals = spec.and_then(|spec| spec.get("approvals"));
        let own = ["requestedBy", "author", "implementedBy"].into_iter();
        Self {
            location: admitted.resource.location.clone(),
            status: text(spec, &["status"]).unwrap_or_default(),
            commits: texts(spec, "commits"),
            approvals: approvals.into_iter().flat_map(|list| list.elements()).filter_map(approval).collect(),
            own: own.filter_map(|key| text(spec, &[key])).map(|name| person(&name)).collect(),
            over_on: text(spec, &["implementedOn"]).or_else(|| text(spec, &["closedOn"])),
            identity,
        }
    }

    /// Whether it has been approved, by its status.
    pub fn is_approved(&self) -> bool {
        matches!(self.status.as_str(), "approved" | "implementing" | "implemented" | "closed")
    }

    /// Whether it was carried out or given up.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "implemented" | "closed" | "rejected")
    }
}

impl PersonRecord {
    pub(super) fn read(admitted: &Admitted<'_>) -> Self {
        let spec = admitted.root.get("spec");
        Self {
            identity: admitted.resource.identity.clone(),
            location: admitted.resource.location.clone(),
            title: text(admitted.root.get("metadata"), &["title"]),
            email: text(spec, &["email"]),
            git: texts(spec, "gitIdentities"),
        }
    }
}

/// The change that a trailer `Change: …` of a commit names.
pub fn change_named(text: &str) -> Identity {
    named(text.trim(), "Change", crate::finding::DEFAULT_NAMESPACE)
}
