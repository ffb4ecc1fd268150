//! What a work tree or a commit holds, without reading it.

use std::sync::Arc;

use super::object::ObjectId;

/// A file that may be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path from the top, with `/`.
    pub path: Arc<str>,
    /// Bytes, as the file system said when it was listed; of a commit a guess.
    pub size: u64,
    /// The blob that has its content, if that is known without reading it.
    pub blob: Option<ObjectId>,
}

/// Why something that looks like a file of the estate is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// Links are not followed; what they name is read where it stands, if it stands in the tree.
    SymbolicLink,
    /// Another repository within this one.
    Submodule,
    /// A file of the index that a sparse checkout leaves out.
    NotCheckedOut,
    /// A file of a Helm chart that is no YAML until it is rendered.
    HelmTemplate,
    /// A part of a resource, which Kustomize lays over another.
    KustomizePatch,
    /// A file of rules, of an estate that is judged by rules from elsewhere.
    OtherPolicies,
}

impl SkipReason {
    /// The words for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SymbolicLink => "symbolic link",
            Self::Submodule => "submodule",
            Self::NotCheckedOut => "not checked out",
            Self::HelmTemplate => "Helm template",
            Self::KustomizePatch => "Kustomize patch",
            Self::OtherPolicies => "policies come from elsewhere",
        }
    }
}

/// Something that is listed and not evaluated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Path from the top, with `/`.
    pub path: Arc<str>,
    /// Why.
    pub reason: SkipReason,
}

/// Files, in the order of their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files that may be read.
    pub entries: Vec<Entry>,
    /// What is passed over.
    pub skipped: Vec<Skipped>,
}
