//! What is kept of documents after their files are dropped: nodes of half the size, and each short text once.
//!
//! A run keeps these for every resource, so that their size is what an estate takes in memory. What does not fit into
//! the small form is kept beside it in the usual one.

use std::collections::HashMap;

use super::tape::{Kind, Node, Span};

/// Copies of values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    nodes: Vec<Packed>,
    /// Nodes that do not fit.
    large: HashMap<u32, Node>,
    /// The first node of each document, and where it begins in its file.
    documents: Vec<(u32, u32)>,
}

/// A node; its span is counted from the beginning of its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Packed {
    text: u32,
    start: u16,
    /// Of the span.
    length: u16,
    /// The size of a collection, the bytes of the text of a scalar.
    extent: u16,
    /// Three bits, and the flags above them. [`LARGE`] as a kind: it is kept beside.
    kind_and_flags: u8,
    hint: u8,
}

const KINDS: [Kind; 7] = [Kind::Null, Kind::Bool, Kind::Int, Kind::Float, Kind::Text, Kind::List, Kind::Map];
const LARGE: u8 = 7;

impl Packed {
    fn of(node: &Node, document: u32) -> Option<Self> {
        let is_scalar = !matches!(node.kind, Kind::Map | Kind::List);
        let kind = KINDS.iter().position(|kind| *kind == node.kind)?;
        Some(Self {
            text: node.text,
            start: u16::try_from(node.span.start.checked_sub(document)?).ok()?,
            length: u16::try_from(node.span.end.checked_sub(node.span.start)?).ok()?,
            extent: u16::try_from(if is_scalar { node.text_len } else { node.size }).ok()?,
            kind_and_flags: u8::try_from(kind).ok()? | node.flags.checked_mul(8)?,
            hint: node.hint,
        })
    }

    #[inline]
    fn kind(self) -> Option<Kind> {
        KINDS.get(usize::from(self.kind_and_flags & 7)).copied()
    }
}

impl Kept {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.nodes.capacity()
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.large.clear();
        self.documents.clear();
    }

    /// What follows is of a document that begins here in its file.
    pub(super) fn begin_document(&mut self, start: u32) {
        self.documents.push((u32::try_from(self.nodes.len()).unwrap_or(u32::MAX), start));
    }

    pub(super) fn push(&mut self, node: &Node) {
        let document = self.documents.last().map_or(0, |(_, start)| *start);
        let packed = Packed::of(node, document).unwrap_or_else(|| {
            self.large.insert(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX), *node);
            Packed { text: 0, start: 0, length: 0, extent: 0, kind_and_flags: LARGE, hint: node.hint }
        });
        self.nodes.push(packed);
    }

    /// Sets the size of a collection and how many children it has.
    pub(super) fn close(&mut self, index: u32, size: u32, children: u32) {
        let span = self.span(index);
        let Some(mut node) = self.node(index) else { return };
        let Some(packed) = self.nodes.get_mut(index as usize) else { return };
        (node.size, node.text) = (size, children);
        match u16::try_from(size) {
            Ok(size) if packed.kind().is_some() => (packed.extent, packed.text) = (size, children),
            _ => {
                packed.kind_and_flags = LARGE;
                self.large.insert(index, Node { span, ..node });
            }
        }
    }

    /// A node without its span.
    #[inline]
    pub(super) fn node(&self, index: u32) -> Option<Node> {
        let packed = *self.nodes.get(index as usize)?;
        let Some(kind) = packed.kind() else { return self.large.get(&index).copied() };
        let extent = u32::from(packed.extent);
        let (size, text_len) = match kind {
            Kind::Map | Kind::List => (extent, 0),
            _ => (1, extent),
        };
        let flags = packed.kind_and_flags >> 3;
        Some(Node {
            kind,
            flags,
            hint: packed.hint,
            size,
            span: Span::default(),
            text: packed.text,
            text_len,
        })
    }

    /// The key of a mapping that is this text, of which this is the hint, from the first of so many entries on.
    #[inline]
    pub(super) fn find(&self, first: u32, entries: u32, key: (&str, u8), texts: &str) -> Option<u32> {
        let (text, hint) = key;
        let mut at = first;
        for _ in 0..entries {
            let [name, value] = self.nodes.get(at as usize..at as usize + 2)? else { return None };
            if name.hint == hint && self.is_text(at, name, text, texts) {
                return Some(at);
            }
            at += 1 + match value.kind() {
                Some(Kind::Map | Kind::List) => u32::from(value.extent),
                Some(_) => 1,
                None => self.large.get(&(at + 1))?.size,
            };
        }
        None
    }

    /// Whether a node is this text.
    fn is_text(&self, index: u32, packed: &Packed, text: &str, texts: &str) -> bool {
        let (start, length) = if packed.kind().is_some() {
            (packed.text as usize, usize::from(packed.extent))
        } else {
            let Some(node) = self.large.get(&index) else { return false };
            (node.text as usize, node.text_len as usize)
        };
        length == text.len() && texts.as_bytes().get(start..start + length) == Some(text.as_bytes())
    }

    /// Where a node is written.
    pub(super) fn span(&self, index: u32) -> Span {
        let Some(packed) = self.nodes.get(index as usize) else { return Span::default() };
        if packed.kind().is_none() {
            return self.large.get(&index).map_or_else(Span::default, |node| node.span);
        }
        let after = self.documents.partition_point(|(first, _)| *first <= index);
        let document =
            after.checked_sub(1).and_then(|last| self.documents.get(last)).map_or(0, |(_, at)| *at);
        let start = document + u32::from(packed.start);
        Span { start, end: start + u32::from(packed.length) }
    }
}

/// Where short texts stand that were kept before. An entry that is out of date is no harm: the text is looked at.
#[derive(Debug)]
pub(super) struct Recent(Vec<(u32, u8)>);

/// Longer texts are seldom met again.
const SHORT: usize = 40;
/// So many are remembered.
const REMEMBERED: usize = 1024;

impl Default for Recent {
    fn default() -> Self {
        Self(vec![(0, 0); REMEMBERED])
    }
}

impl Recent {
    /// Where the text stands among the texts that are kept; it is added where it is not known.
    pub(super) fn place(&mut self, texts: &mut String, text: &str) -> u32 {
        let end = u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let place = u8::try_from(text.len()).ok().filter(|length| usize::from(*length) <= SHORT);
        let Some(length) = place else {
            texts.push_str(text);
            return end;
        };
        let slot = text
            .bytes()
            .fold(usize::from(length), |hash, byte| (hash ^ usize::from(byte)).wrapping_mul(0x0100_0193));
        let Some(known) = self.0.get_mut((slot ^ (slot >> 15)) % REMEMBERED) else { return end };
        let at = known.0 as usize;
        if known.1 == length && texts.as_bytes().get(at..at + text.len()) == Some(text.as_bytes()) {
            return known.0;
        }
        *known = (end, length);
        texts.push_str(text);
        end
    }
}
