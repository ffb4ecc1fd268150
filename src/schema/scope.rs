//! What a keyword may look at besides the value it stands on: its document, the clock, other documents.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::date::Moment;
use crate::finding::{Identity, Location};
use crate::yaml::{NodeRef, Tape};

/// A resource of the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

/// All resources of a run, for keywords that look at other documents. Texts of references resolve by the schema
/// of the kind that holds them.
pub trait Inventory: Sync + std::fmt::Debug {
    /// The resource that `text` names where it stands in the field `field` (`spec.decisions[].grant`) of `from`.
    /// `first` is the kind of a name without prefix where the kind's schema says none.
    fn resolve(&self, from: ResourceId, field: &str, text: &str, first: Option<&str>) -> Option<ResourceId>;

    /// The identity that `text` names there, whether it exists or not; none if it is no reference field.
    fn canonical(&self, from: ResourceId, field: &str, text: &str) -> Option<String>;

    /// The document of a resource, as far as rules read it.
    fn document(&self, resource: ResourceId) -> NodeRef<'_>;

    /// The kind of a resource, as rules write it.
    fn kind(&self, resource: ResourceId) -> &str;

    /// The resource as reports name it.
    fn describe(&self, resource: ResourceId) -> String;

    /// Where a resource is written.
    fn location(&self, resource: ResourceId) -> Option<Location>;

    /// The distinct resources of these kinds that name `target` in one of these fields (none: in any).
    fn referrers(&self, target: ResourceId, kinds: &[String], fields: &[String]) -> Vec<ResourceId>;

    /// The resources of these kinds that have `value`, as JSON, in the field.
    fn holders(&self, kinds: &[String], field: &str, value: &str) -> Vec<ResourceId>;

    /// The ranges of addresses that overlap one, as they are written, with who has them: those that hold it, from the
    /// widest, then what lies in it, by address.
    fn overlapping(&self, asked: &Overlap<'_>) -> Vec<(ResourceId, String)>;

    /// The kinds of all resources, as rules write them, in order.
    fn kinds(&self) -> Vec<String>;

    /// The resources of a kind; `*` is any.
    fn of_kind(&self, kind: &str) -> Vec<ResourceId>;

    /// How many resources there are; their ids are the numbers below.
    fn count(&self) -> usize;

    /// Who a resource is.
    fn identity(&self, resource: ResourceId) -> Option<&Identity>;

    /// The resource whose identity reads so, if it has one of our own kinds.
    fn find(&self, identity: &str) -> Option<ResourceId>;

    /// Whether this is surely the resource that is found by its identity; where that is not known, no.
    fn is_found(&self, resource: ResourceId) -> bool;

    /// Whether the field of `from` takes resources of the kind of `target`.
    fn takes(&self, from: ResourceId, field: &str, target: ResourceId) -> bool;

    /// Whether all its references are known to name something of a kind that their field takes; where that is not known,
    /// no.
    fn is_resolved(&self, from: ResourceId) -> bool;

    /// Its references in order of field, with what they name, if that exists.
    fn outgoing(&self, from: ResourceId) -> Vec<(&str, Option<ResourceId>)>;

    /// What its references in one field name, in order, and the field; nothing if it has none there.
    fn outgoing_in(&self, from: ResourceId, field: &str) -> Option<(&str, Vec<Option<ResourceId>>)>;

    /// The first of the resources that reach this one and that it reaches along a reference field; itself, if there
    /// are no others.
    fn circle(&self, of: ResourceId, field: &str) -> ResourceId;

    /// Who names a resource, through which field, and as which of the references of that field; in order.
    fn incoming(&self, target: ResourceId) -> Vec<(ResourceId, &str, usize)>;

    /// The same for resources of one kind alone.
    fn incoming_of(&self, target: ResourceId, kind: &str) -> Vec<(ResourceId, &str, usize)>;
}

/// Which ranges of addresses are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Overlap<'a> {
    /// The range that they overlap.
    pub range: &'a str,
    /// The kind whose ranges are meant.
    pub kind: &'a str,
    /// The field that they stand in.
    pub field: &'a str,
    /// Fields that must hold these texts; none: no text.
    pub same: &'a BTreeMap<String, Option<String>>,
    /// Whose ranges are left out.
    pub but: Option<ResourceId>,
    /// No more than this.
    pub most: usize,
}

/// What is the same for all evaluations of a run.
#[derive(Clone, Debug)]
pub struct RunContext<'r> {
    /// The clock.
    pub as_of: Moment,
    /// The other resources; none while local rules are evaluated.
    pub inventory: Option<&'r dyn Inventory>,
}

/// The document that is being judged, and what is around it.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The root of the document.
    pub root: NodeRef<'a>,
    /// Where the rule begins in it.
    pub start: NodeRef<'a>,
    /// The resource, if it is in the inventory.
    pub resource: Option<ResourceId>,
    /// The run.
    pub run: &'a RunContext<'a>,
    /// Within `must`: the document one step out.
    pub outer: Option<&'a Scope<'a>>,
}

/// A value with its scope: the node that `jsonschema` walks.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The value.
    pub node: NodeRef<'a>,
    /// Its surroundings.
    pub scope: &'a Scope<'a>,
}

static EMPTY_MAP: LazyLock<Tape> = LazyLock::new(Tape::of_empty_map);

static NO_RUN: LazyLock<RunContext<'static>> = LazyLock::new(|| RunContext {
    as_of: Moment::parse("1970-01-01").expect("it is a date"),
    inventory: None,
});

/// The scope of values that stand in no document, such as names of properties.
pub(super) static NOWHERE: LazyLock<Scope<'static>> = LazyLock::new(|| Scope {
    root: EMPTY_MAP.node(0),
    start: EMPTY_MAP.node(0),
    resource: None,
    run: &NO_RUN,
    outer: None,
});

/// The start of a rule: the node at a path of keys, or an empty mapping where there is none.
pub fn start<'a>(root: NodeRef<'a>, at: &[String]) -> NodeRef<'a> {
    root.at(at.iter().map(String::as_str)).unwrap_or_else(|| EMPTY_MAP.node(0))
}

impl<'a> Scope<'a> {
    /// The scope of a document in a run.
    pub fn new(
        root: NodeRef<'a>,
        at: &[String],
        resource: Option<ResourceId>,
        run: &'a RunContext<'a>,
    ) -> Self {
        Self { root, start: start(root, at), resource, run, outer: None }
    }

    /// The scope of a document that no rule looks around in: schemas of kinds.
    pub fn alone(root: NodeRef<'a>) -> Self {
        Self { root, start: root, resource: None, run: &NO_RUN, outer: None }
    }

    /// The start as a subject.
    pub fn subject(&'a self) -> Subject<'a> {
        Subject { node: self.start, scope: self }
    }
}
