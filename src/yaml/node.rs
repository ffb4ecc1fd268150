//! Reading the tape: a node and its children, without copying.

use super::scalar;
use super::tape::{AMBIGUOUS, DECODED, Kind, Node, OCTAL, Span, Tape, hint};

/// A number that fits into 64 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Not negative.
    Unsigned(u64),
    /// Negative.
    Signed(i64),
    /// With a fraction or an exponent.
    Float(f64),
}

/// A value on a tape: two words, cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef<'a> {
    tape: &'a Tape,
    index: u32,
}

const MISSING: Node = Node {
    kind: Kind::Null,
    flags: 0,
    hint: 0,
    size: 1,
    span: Span { start: 0, end: 0 },
    text: 0,
    text_len: 0,
};

impl<'a> NodeRef<'a> {
    #[inline]
    pub(super) fn new(tape: &'a Tape, index: u32) -> Self {
        Self { tape, index }
    }

    /// Something of the node; the node is not copied where it stands on its own tape.
    #[inline]
    fn of<T>(&self, read: impl FnOnce(&Node) -> T) -> T {
        match self.tape.nodes.get(self.index as usize) {
            Some(node) => read(node),
            None => read(&self.copy()),
        }
    }

    /// The node on a tape of copies.
    #[inline]
    fn copy(&self) -> Node {
        self.tape.kept.node(self.index).unwrap_or(MISSING)
    }

    pub(super) fn raw(&self) -> Node {
        Node { span: self.span(), ..self.of(|node| *node) }
    }

    /// The tape that it is on.
    pub fn tape(&self) -> &'a Tape {
        self.tape
    }

    /// Its position on the tape.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Nodes of its subtree, itself included.
    #[inline]
    pub fn size(&self) -> u32 {
        self.of(|node| node.size)
    }

    /// What it is.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.of(|node| node.kind)
    }

    /// Where it is written; for values that an alias or a merge key brought, where they were written first.
    pub fn span(&self) -> Span {
        let node = self.tape.nodes.get(self.index as usize);
        node.map_or_else(|| self.tape.kept.span(self.index), |node| node.span)
    }

    /// Whether YAML 1.1 and 1.2 read this plain value differently.
    pub fn is_ambiguous(&self) -> bool {
        self.of(|node| node.flags) & AMBIGUOUS != 0
    }

    /// The text of a scalar, whatever its kind; empty for containers.
    #[inline]
    pub fn text(&self) -> &'a str {
        let (kind, flags, start, length) = self.of(|node| (node.kind, node.flags, node.text, node.text_len));
        if matches!(kind, Kind::Map | Kind::List) {
            return "";
        }
        let from = if flags & DECODED == 0 { &self.tape.source } else { &self.tape.decoded };
        from.get(start as usize..(start + length) as usize).unwrap_or_default()
    }

    /// The text, if it is text.
    #[inline]
    pub fn as_str(&self) -> Option<&'a str> {
        (self.kind() == Kind::Text).then(|| self.text())
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| scalar::truth(self.text()))
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<Number> {
        let (kind, flags) = self.of(|node| (node.kind, node.flags));
        match kind {
            Kind::Int => Some(scalar::integer(self.text(), flags & OCTAL != 0)),
            Kind::Float => Some(scalar::float(self.text())),
            _ => None,
        }
    }

    /// Of a scalar what tells most texts apart, as [`hint_of`](super::hint_of) has it.
    #[inline]
    pub fn hint(&self) -> u8 {
        self.of(|node| node.hint)
    }

    /// Number of elements or entries; 0 for scalars.
    #[inline]
    pub fn len(&self) -> usize {
        let (kind, children) = self.of(|node| (node.kind, node.text));
        if matches!(kind, Kind::Map | Kind::List) { children as usize } else { 0 }
    }

    /// Whether it has no elements or entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements of a list; nothing for anything else.
    pub fn elements(&self) -> Elements<'a> {
        let (kind, children) = self.of(|node| (node.kind, node.text));
        let remaining = if kind == Kind::List { children as usize } else { 0 };
        Elements { tape: self.tape, next: self.index + 1, remaining }
    }

    /// The entries of a mapping, key and value; nothing for anything else.
    #[inline]
    pub fn members(&self) -> Members<'a> {
        let (kind, children) = self.of(|node| (node.kind, node.text));
        let remaining = if kind == Kind::Map { children as usize } else { 0 };
        Members { tape: self.tape, next: self.index + 1, remaining }
    }

    /// The value of `key`, if it is a mapping that has it.
    #[inline]
    pub fn get(&self, key: &str) -> Option<NodeRef<'a>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value of `key`, if it is a mapping that has it.
    #[inline]
    pub fn entry(&self, key: &str) -> Option<(NodeRef<'a>, NodeRef<'a>)> {
        // The loop of the program: most of an evaluation is spent looking keys up. So lengths and hints are compared
        // before texts, and a text is only cut out of the source when these agree.
        let (kind, children) = self.of(|node| (node.kind, node.text));
        if kind != Kind::Map {
            return None;
        }
        let hint = hint(key.as_bytes());
        let mut at = self.index + 1;
        if self.tape.nodes.is_empty() {
            let at = self.tape.kept.find(at, children, (key, hint), &self.tape.decoded)?;
            return Some((Self::new(self.tape, at), Self::new(self.tape, at + 1)));
        }
        for _ in 0..children {
            let name = self.tape.nodes.get(at as usize)?;
            let value = at + 1;
            if name.hint == hint && name.text_len as usize == key.len() {
                let from = if name.flags & DECODED == 0 { &self.tape.source } else { &self.tape.decoded };
                let text = from.as_bytes().get(name.text as usize..name.text as usize + key.len());
                if text == Some(key.as_bytes()) {
                    return Some((Self::new(self.tape, at), Self::new(self.tape, value)));
                }
            }
            at = value + self.tape.nodes.get(value as usize)?.size;
        }
        None
    }

    /// The value at a path of keys.
    pub fn at<'k>(&self, path: impl IntoIterator<Item = &'k str>) -> Option<NodeRef<'a>> {
        path.into_iter().try_fold(*self, |node, key| node.get(key))
    }

    /// The element at a position of a list.
    pub fn element(&self, position: usize) -> Option<NodeRef<'a>> {
        self.elements().nth(position)
    }

    /// Where an alias or a merge key puts this value to use, and which of the two; none for a value that
    /// stands where it is written.
    pub fn used_at(&self) -> Option<(Span, &'static str)> {
        // Uses are recorded in the order of the tape and do not nest, so only the last before the node can hold it.
        let after = self.tape.uses.partition_point(|each| each.first <= self.index);
        let last = self.tape.uses.get(after.checked_sub(1)?)?;
        (self.index < last.end).then_some((last.span, last.label))
    }

    /// Every node of the subtree with a key for those in mappings, in the order of the tape.
    pub fn descendants(&self) -> impl Iterator<Item = NodeRef<'a>> + use<'a> {
        let tape = self.tape;
        (self.index..self.index + self.size()).map(move |index| Self::new(tape, index))
    }

    /// Whether the node is the key of a mapping.
    pub fn is_key(&self) -> bool {
        self.of(|node| node.flags) & super::tape::KEY != 0
    }

    /// A copy as JSON. Depth is bounded by the limits of the tape.
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self.kind() {
            Kind::Null => Value::Null,
            Kind::Bool => Value::Bool(scalar::truth(self.text())),
            Kind::Int | Kind::Float => match self.as_number() {
                Some(Number::Unsigned(number)) => Value::from(number),
                Some(Number::Signed(number)) => Value::from(number),
                Some(Number::Float(number)) => Value::from(number),
                None => Value::Null,
            },
            Kind::Text => Value::from(self.text()),
            Kind::List => self.elements().map(|element| element.to_value()).collect(),
            Kind::Map => Value::Object(
                self.members().map(|(key, value)| (key.text().to_owned(), value.to_value())).collect(),
            ),
        }
    }
}

/// The elements of a list.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    tape: &'a Tape,
    next: u32,
    remaining: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = NodeRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.remaining = self.remaining.checked_sub(1)?;
        let node = NodeRef::new(self.tape, self.next);
        self.next += node.size();
        Some(node)
    }
}

/// The entries of a mapping.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    tape: &'a Tape,
    next: u32,
    remaining: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (NodeRef<'a>, NodeRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.remaining = self.remaining.checked_sub(1)?;
        let key = NodeRef::new(self.tape, self.next);
        let value = NodeRef::new(self.tape, self.next + 1);
        self.next += 1 + value.size();
        Some((key, value))
    }
}
