//! What a text of Rego asks of its surroundings, and what these tell about names.

use std::collections::BTreeSet;

use crate::schema::Reads;

/// Which of some names are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Whatever there is.
    All,
    /// These.
    Some(BTreeSet<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Names {
    pub(super) fn insert(&mut self, name: Option<&str>) {
        match (&mut *self, name) {
            (Self::All, _) => {}
            (_, None) => *self = Self::All,
            (Self::Some(names), Some(name)) => {
                names.insert(name.to_owned());
            }
        }
    }

    /// Whether nothing is meant.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Some(names) if names.is_empty())
    }

    /// Whether a name is meant.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(names) => names.contains(name),
        }
    }
}

/// What a text asks of entries of references, besides what tells them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Documents.
    pub documents: bool,
    /// Kind, namespace and name.
    pub names: bool,
}

/// What a text asks of its surroundings.
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a text asks for")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Of documents.
    pub reads: Reads,
    /// Kinds of `data.estate`.
    pub estate: Names,
    /// Fields of `data.references`.
    pub references: Names,
    /// Kinds of `data.referrers`, and of `assize.referrers`.
    pub referrers: Names,
    /// Fields of `assize.references`.
    pub walked: Names,
    /// What it asks of the entries of these.
    pub entries: Entries,
    /// Whether it asks for the references of other resources by a function.
    pub walks: bool,
    /// Whether it asks where references stand.
    pub places: bool,
    /// Kinds whose ranges of addresses it looks through.
    pub networks: Names,
    /// Whether it looks up what a library defines, other than by calling it.
    pub library_values: bool,
    /// Whether it reads the clock.
    pub clock: bool,
    /// Whether it asks who the resource is.
    pub identity: bool,
    /// Whether it looks at a change: `input.before`, `input.after`, `input.commits`.
    pub change: bool,
}

impl Uses {
    /// Whether it reads anything but its own document and the clock.
    pub fn is_joined(&self) -> bool {
        self.walks
            || self.change
            || !self.reads.others.is_empty()
            || !self.estate.is_empty()
            || !self.references.is_empty()
            || !self.referrers.is_empty()
    }
}

/// A field that is not there, and the nearest that is.
pub type MissingField = (String, Option<String>);

/// Looks for a path in the documents of some kinds; none: of the kinds that the rule matches.
pub type FindMissing<'k> = dyn Fn(Option<&[String]>, &[Step]) -> Option<MissingField> + 'k;

/// What the text may name.
pub struct Surroundings<'k> {
    /// The kinds that a reference field takes: of the matched kinds for `true`, else of any kind; none if there is
    /// no such field.
    pub field_kinds: &'k dyn Fn(bool, &str) -> Option<Vec<String>>,
    /// The reference fields of a kind; none if not all are known.
    pub reference_fields: &'k dyn Fn(&str) -> Option<Vec<String>>,
    /// The field of a path that no document of these kinds has (none: of the matched ones), and the nearest that exists.
    pub unknown_field: &'k FindMissing<'k>,
    /// Whether there is such a kind; if not, the nearest.
    pub unknown_kind: &'k dyn Fn(&str) -> Option<Option<String>>,
    /// Whether the rule has such a parameter; if not, the nearest.
    pub unknown_parameter: &'k dyn Fn(&str) -> Option<Option<String>>,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A key that stands in the text.
    Key(String),
    /// An element, or a key that is only known when the rule runs.
    Any,
}
