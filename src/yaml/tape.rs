//! The tape itself: nodes, documents, spans.

use std::cell::RefCell;

use super::kept::{Kept, Recent};
use super::scalar::{self, Dialect};
use crate::problem::Code;
use crate::yaml::NodeRef;

/// A range of bytes in the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// What a node is, by the YAML 1.2 core schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number with a fraction or an exponent.
    Float,
    /// Text.
    Text,
    /// A list.
    List,
    /// A mapping; its children are keys and values in turn.
    Map,
}

/// The scalar is the key of a mapping.
pub(super) const KEY: u8 = 1;
/// The text stands in `decoded`, since it differs from the source (escapes, folding).
pub(super) const DECODED: u8 = 2;
/// The scalar is written without quotes and without a tag.
pub(super) const PLAIN: u8 = 4;
/// YAML 1.1 and 1.2 read the plain scalar differently.
pub(super) const AMBIGUOUS: u8 = 8;
/// The document is read with YAML 1.1 integers (a leading zero means octal).
pub(super) const OCTAL: u8 = 16;

/// One value or key. A subtree is the node and the `size - 1` nodes after it, so that copying one (for an
/// alias) is copying a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    /// Of a scalar, what [`hint`] makes of its text.
    pub(super) hint: u8,
    /// Nodes of the subtree, itself included.
    pub(super) size: u32,
    pub(super) span: Span,
    /// Scalars: where the text begins, in the source or in `decoded`. Containers: number of children
    /// (a mapping's entries count once).
    pub(super) text: u32,
    /// Scalars: bytes of text.
    pub(super) text_len: u32,
}

/// Tells most texts apart without a look at them.
#[inline]
pub(super) fn hint(text: &[u8]) -> u8 {
    match text {
        [] => 0,
        [first, .., last] => first.wrapping_mul(31) ^ last,
        [only] => only.wrapping_mul(31) ^ only,
    }
}

/// The same of a text, for keys that are looked for again and again.
pub fn hint_of(text: &str) -> u8 {
    hint(text.as_bytes())
}

/// Something wrong within a document that parsed: the estate stage decides whether it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code of the problem that it would be.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A second place, with its label.
    pub related: Option<(Span, &'static str)>,
}

/// One document of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub(super) root: u32,
    /// What is wrong in it, in the order of the text.
    pub faults: Vec<Fault>,
    /// How many plain values YAML 1.1 and 1.2 read differently.
    pub ambiguous: u32,
    /// Position in the file, counting broken and empty documents, from 0.
    pub index: u32,
}

/// The nodes that an alias or a merge key brought, and where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) first: u32,
    pub(super) end: u32,
    pub(super) span: Span,
    pub(super) label: &'static str,
}

thread_local! {
    static RECENT: RefCell<Recent> = RefCell::default();
}

/// The values of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    pub(super) source: String,
    pub(super) decoded: String,
    pub(super) nodes: Vec<Node>,
    /// The nodes of a tape of copies, which has no others.
    pub(super) kept: Kept,
    /// Documents that parsed and are not empty.
    pub documents: Vec<Document>,
    /// Documents that are empty: nothing but comments and white space.
    pub empty_documents: u32,
    pub(super) uses: Vec<Use>,
    /// Bytes of the source that the fast parser has read; the others were for the general one.
    pub fast_bytes: usize,
}

impl Tape {
    /// The text that the tape was built from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The root value of a document.
    pub fn root(&self, document: &Document) -> NodeRef<'_> {
        NodeRef::new(self, document.root)
    }

    /// The node with this index.
    pub fn node(&self, index: u32) -> NodeRef<'_> {
        NodeRef::new(self, index)
    }

    /// A tape of one text scalar, for callers that need a node for a string.
    pub fn of_text(text: &str) -> Self {
        let mut tape = Self::default();
        tape.set_text(text);
        tape
    }

    /// Makes this a tape of one text scalar, keeping its memory.
    pub fn set_text(&mut self, text: &str) {
        self.decoded.clear();
        self.decoded.push_str(text);
        self.nodes.clear();
        self.nodes.push(Node {
            kind: Kind::Text,
            flags: DECODED,
            hint: hint(text.as_bytes()),
            size: 1,
            span: Span::default(),
            text: 0,
            text_len: u32::try_from(text.len()).unwrap_or(u32::MAX),
        });
    }

    /// How many nodes were copied: the index of the next one.
    pub fn copies(&self) -> u32 {
        u32::try_from(self.kept.len()).unwrap_or(u32::MAX)
    }

    /// What is copied next is of a document with this root.
    pub fn begin_document(&mut self, root: NodeRef<'_>) {
        self.kept.begin_document(root.span().start);
    }

    /// Begins a copy of a value of another tape, and gives its index. Spans stay those of the file that it came
    /// from. Scalars are complete; the children of a collection follow, and then [`Tape::end_copy`].
    pub fn begin_copy(&mut self, node: NodeRef<'_>) -> u32 {
        let index = self.copies();
        let mut copy = node.raw();
        if matches!(copy.kind, Kind::Map | Kind::List) {
            (copy.size, copy.text) = (1, 0);
        } else {
            copy.text = self.keep_text(node.text());
            copy.flags |= DECODED;
        }
        self.kept.push(&copy);
        if let Some((span, label)) = node.used_at() {
            // The nodes of one use are copied one after the other.
            match self.uses.last_mut() {
                Some(last) if last.end == index && (last.span, last.label) == (span, label) => last.end += 1,
                _ => self.uses.push(Use { first: index, end: index + 1, span, label }),
            }
        }
        index
    }

    /// Keeps a text among those of copies, and gives where it stands.
    pub fn keep_text(&mut self, text: &str) -> u32 {
        RECENT.with_borrow_mut(|recent| recent.place(&mut self.decoded, text))
    }

    /// A text that was kept.
    pub fn kept_text(&self, start: u32, length: u16) -> &str {
        self.decoded.get(start as usize..start as usize + usize::from(length)).unwrap_or_default()
    }

    /// Ends the copy of a collection that got so many elements or entries.
    pub fn end_copy(&mut self, index: u32, children: u32) {
        self.kept.close(index, self.copies() - index, children);
    }

    /// Drops all copies and keeps their memory, which is that of so many nodes.
    pub fn clear_copies(&mut self) -> usize {
        self.kept.clear();
        self.decoded.clear();
        self.uses.clear();
        self.kept.capacity()
    }

    /// A tape of one empty mapping.
    pub fn of_empty_map() -> Self {
        Self {
            nodes: vec![Node {
                kind: Kind::Map,
                flags: 0,
                hint: 0,
                size: 1,
                span: Span::default(),
                text: 0,
                text_len: 0,
            }],
            ..Self::default()
        }
    }
}

impl Tape {
    /// Reads the plain scalars of one document as another dialect does. Keys stay text.
    pub fn set_dialect(&mut self, document: usize, dialect: Dialect) {
        let Some(document) = self.documents.get(document) else { return };
        if dialect == Dialect::Core {
            return;
        }
        let first = document.root as usize;
        let size = self.nodes.get(first).map_or(0, |node| node.size as usize);
        for index in first..first + size {
            let Some(node) = self.nodes.get(index).copied() else { break };
            if node.flags & PLAIN == 0 || node.flags & AMBIGUOUS == 0 {
                continue;
            }
            let from = if node.flags & DECODED == 0 { &self.source } else { &self.decoded };
            let text = from.get(node.text as usize..(node.text + node.text_len) as usize).unwrap_or_default();
            let boolean = node.kind == Kind::Text && scalar::is_yaml11_boolean(text);
            if let Some(node) = self.nodes.get_mut(index) {
                if boolean {
                    node.kind = Kind::Bool;
                } else if node.kind == Kind::Int {
                    node.flags |= OCTAL;
                }
            }
        }
    }
}
