//! What a work tree holds, without reading it.

use std::sync::Arc;

/// A file that may be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path from the top, with `/`.
    pub path: Arc<str>,
    /// Bytes, as the file system said when it was listed.
    pub size: u64,
}

/// Why something that looks like a file of the estate is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// Links are not followed; what they name is read where it stands, if it stands in the tree.
    SymbolicLink,
    /// Another repository within this one.
    Submodule,
    /// A file of a Helm chart that is no YAML until it is rendered.
    HelmTemplate,
    /// A part of a resource, which Kustomize lays over another.
    KustomizePatch,
}

impl SkipReason {
    /// The words for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SymbolicLink => "symbolic link",
            Self::Submodule => "submodule",
            Self::HelmTemplate => "Helm template",
            Self::KustomizePatch => "Kustomize patch",
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

/// The files of a work tree, in the order of their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files that may be read.
    pub entries: Vec<Entry>,
    /// What is passed over.
    pub skipped: Vec<Skipped>,
}
