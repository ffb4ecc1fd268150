//! What a batch of files leaves behind: resources, who they name, and of their documents what rules read.

use std::cell::Cell;
use std::sync::Arc;

use super::field::{FieldStep, visit_values};
use super::inventory::ReferenceField;
use crate::finding::Resource;
use crate::schema::PathSet;
use crate::yaml::{Kind, NodeRef, Tape, hint_of};

/// What one batch of files leaves for the inventory.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// Resources in the order of the text.
    pub resources: Vec<Arc<Resource>>,
    /// The documents that rules read; index of the root by resource.
    pub(super) documents: Vec<Option<u32>>,
    /// Shared by the inventories that it becomes a part of.
    pub(super) tape: Arc<Tape>,
    pub(super) edges: Vec<RawEdge>,
    /// Whether a text stands where a reference should that is too long for one.
    pub(super) has_overlong: bool,
}

#[derive(Clone, Debug)]
pub(super) struct RawEdge {
    /// Index in the batch.
    pub(super) from: u32,
    pub(super) field: u16,
    /// Among the texts of its tape.
    pub(super) start: u32,
    pub(super) length: u16,
}

impl Gathered {
    /// Takes in a resource: its references, and its document if rules will read it.
    pub fn add(
        &mut self,
        resource: Arc<Resource>,
        root: NodeRef<'_>,
        fields: &[ReferenceField],
        keep: Option<&Keep>,
    ) {
        if self.resources.is_empty() {
            self.tape = Arc::new(SCRATCH.take());
        }
        let tape = Arc::make_mut(&mut self.tape);
        let from = u32::try_from(self.resources.len()).unwrap_or(u32::MAX);
        // Nearly all fields stand in `spec`, which is looked up once.
        let spec = root.get(SPEC);
        for (index, field) in (0_u16..).zip(fields) {
            let mut add = |node: NodeRef<'_>| {
                let Some(text) = node.as_str() else { return };
                // Longer texts name nothing: a name has at most 253 characters.
                let Ok(length) = u16::try_from(text.len()) else {
                    self.has_overlong = true;
                    return;
                };
                let start = tape.keep_text(text);
                self.edges.push(RawEdge { from, field: index, start, length });
            };
            match (field.steps.split_first(), spec) {
                (Some((FieldStep::Key(first), _)), None) if first == SPEC => {}
                (Some((FieldStep::Key(first), rest)), Some(spec)) if first == SPEC => {
                    visit_values(spec, rest, &mut add);
                }
                _ => visit_values(root, &field.steps, &mut add),
            }
        }
        self.documents.push(keep.map(|keep| {
            tape.begin_document(root);
            copy(root, &keep.0, tape)
        }));
        self.resources.push(resource);
    }

    /// Nothing more comes: takes no more memory than it needs.
    pub fn settle(&mut self) {
        if let Some(tape) = Arc::get_mut(&mut self.tape) {
            let exact = tape.clone();
            let mut scratch = std::mem::replace(tape, exact);
            if scratch.clear_copies() <= SCRATCH_NODES {
                SCRATCH.set(scratch);
            }
        }
        self.resources.shrink_to_fit();
        self.documents.shrink_to_fit();
        self.edges.shrink_to_fit();
    }
}

thread_local! {
    /// Memory for copies, which grows to the size of a batch and is used again: growing anew each time would cost
    /// more than the copying.
    static SCRATCH: Cell<Tape> = Cell::default();
}

/// More nodes than this are those of one huge file.
const SCRATCH_NODES: usize = 1 << 18;

/// Where nearly all fields of a resource stand.
const SPEC: &str = "spec";

/// What is kept of documents of a kind: a set of paths, in the form in which keys are looked up soonest.
#[derive(Clone, Debug)]
pub struct Keep(Kept);

#[derive(Clone, Debug)]
enum Kept {
    All,
    /// By the hints of their texts.
    Keys(Vec<(u8, Box<str>, Kept)>),
}

impl Keep {
    /// What stands at these paths.
    pub fn of(paths: &PathSet) -> Self {
        Self(Kept::of(paths))
    }
}

impl Kept {
    fn of(paths: &PathSet) -> Self {
        match paths {
            PathSet::All => Self::All,
            PathSet::Keys(keys) => {
                let keys = keys.iter();
                Self::Keys(
                    keys.map(|(key, paths)| (hint_of(key), key.as_str().into(), Self::of(paths))).collect(),
                )
            }
        }
    }

    /// What is kept of a member; the keys by which elements of lists are told apart stay with them.
    fn of_key(&self, key: NodeRef<'_>) -> Option<&Self> {
        match self {
            Self::All => Some(self),
            Self::Keys(keys) => {
                let (hint, text) = (key.hint(), key.text());
                let known = keys.iter().find(|(known, name, _)| *known == hint && **name == *text);
                known.map(|(_, _, kept)| kept).or_else(|| matches!(text, "name" | "id").then_some(self))
            }
        }
    }
}

/// Copies what is read of a value. Depth is bounded by the limits of the tape that it comes from.
fn copy(node: NodeRef<'_>, keep: &Kept, tape: &mut Tape) -> u32 {
    let index = tape.begin_copy(node);
    let mut children = 0;
    for (key, value) in node.members() {
        if let Some(keep) = keep.of_key(key) {
            tape.begin_copy(key);
            copy(value, keep, tape);
            children += 1;
        }
    }
    for element in node.elements() {
        // As `PathSet::of_element`: what has no name is identified by its whole content.
        let is_named =
            element.kind() != Kind::Map || element.get("name").or_else(|| element.get("id")).is_some();
        copy(element, if is_named { keep } else { &Kept::All }, tape);
        children += 1;
    }
    if matches!(node.kind(), Kind::Map | Kind::List) {
        tape.end_copy(index, children);
    }
    index
}
