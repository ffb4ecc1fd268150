//! A parser of its own for the YAML that files mostly consist of, several times as fast as the general one.
//!
//! Input: text without rare characters (see [`is_ordinary`]). Output: nodes on the tape, exactly those that the parser
//! events would give, spans included. What it deliberately does not do: report. A document with anything unusual in it
//! (anchors, tags, directives, keys that are no text, a root that is a scalar, tabs for indentation), with any fault, or beyond any limit is left to the general parser, which begins where that
//! document does. So a doubt costs time and never a difference.
//!
//! Spans follow the general parser to the byte, where they are surprising as well: of an empty value it is the place of
//! the colon, of an empty element the end of its line, and a block scalar goes on to the first byte that is no longer
//! its own.

mod block;
mod byte;
mod flow;
mod text;

use super::build::offset;
use super::parse::Limits;
use super::scalar;
use super::tape::{AMBIGUOUS, DECODED, Document, KEY, Kind, Node, PLAIN, Span, hint};

/// The document is for the general parser.
struct Bail;

type Step<T = ()> = Result<T, Bail>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Map,
    List,
    /// A list whose dashes stand in the column of the key that it belongs to.
    Indentless,
    FlowMap,
    FlowList,
    /// The mapping of one entry that an element of a flow list is without braces.
    Pair,
}

impl Form {
    fn is_map(self) -> bool {
        matches!(self, Self::Map | Self::FlowMap | Self::Pair)
    }
}

/// A collection that has begun and not ended.
#[derive(Clone, Copy)]
struct Frame {
    form: Form,
    /// Position on the tape.
    index: usize,
    /// Column of a block collection.
    column: usize,
    /// Entries of a mapping count once.
    children: u32,
    /// Where its keys begin among the fingerprints.
    keys: usize,
}

/// What the next line of a block may be.
#[derive(Clone, Copy)]
enum Wait {
    /// The root of the document.
    Root,
    /// The value of the last key or dash, or if there is none, null at this place.
    Value(usize),
    /// An entry of an open collection.
    Entry,
    /// Nothing but the end of the document.
    End,
}

/// The text of a scalar.
#[derive(Clone, Copy)]
struct Text {
    start: usize,
    length: usize,
    /// Whether it stands in `decoded`.
    is_decoded: bool,
}

/// Where the parser writes; what is not finished is taken back.
pub(super) struct Target<'t> {
    pub(super) nodes: &'t mut Vec<Node>,
    pub(super) decoded: &'t mut String,
    pub(super) documents: &'t mut Vec<Document>,
    pub(super) empty_documents: &'t mut u32,
    /// Documents that have begun.
    pub(super) started: &'t mut u32,
}

/// The state within one part of a source.
struct Reader<'s, 't> {
    text: &'s str,
    bytes: &'s [u8],
    limits: &'s Limits,
    to: Target<'t>,
    stack: Vec<Frame>,
    /// Fingerprints of the keys of the mappings that are open, outermost first.
    keys: Vec<u64>,
    /// The next byte.
    at: usize,
    /// Where its line begins.
    line: usize,
    wait: Wait,
    /// Where the last value ends.
    reach: usize,
    ambiguous: u32,
}

/// Whether a source is free of what this parser does not look for: carriage returns that end a line alone, byte order
/// marks but one at the start, and the two code points that are no characters. Controls have been looked for already.
pub(super) fn is_ordinary(source: &str) -> bool {
    let bytes = source.as_bytes();
    memchr::memchr2_iter(b'\r', 0xef, bytes).all(|at| match bytes.get(at..) {
        Some([b'\r', next, ..]) => *next == b'\n',
        Some([0xef, 0xbb, 0xbf, ..]) => at == 0,
        Some([0xef, 0xbf, last, ..]) => *last < 0xbe,
        Some([0xef, ..]) => true,
        _ => false,
    })
}

/// Reads documents from a place where one may begin. Gives the place where the first one begins that is for the general
/// parser; none if all of the part is read. The source must be ordinary.
pub(super) fn documents(
    source: &str,
    part: std::ops::Range<usize>,
    limits: &Limits,
    to: Target<'_>,
) -> Option<usize> {
    let text = source.get(..part.end)?;
    let has_mark = part.start == 0 && text.starts_with('\u{feff}');
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        limits,
        to,
        stack: Vec::with_capacity(16),
        keys: Vec::with_capacity(64),
        at: if has_mark { 3 } else { part.start },
        line: 0,
        wait: Wait::Root,
        reach: 0,
        ambiguous: 0,
    };
    let mut begin = part.start;
    loop {
        let (nodes, decoded) = (reader.to.nodes.len(), reader.to.decoded.len());
        match reader.document() {
            Ok(true) => begin = reader.at,
            Ok(false) => return None,
            Err(Bail) => {
                reader.to.nodes.truncate(nodes);
                reader.to.decoded.truncate(decoded);
                return Some(begin);
            }
        }
    }
}

impl Reader<'_, '_> {
    /// Reads one document; false if there is none. Ends at the marker of the next one or behind the marker that ends
    /// this one.
    fn document(&mut self) -> Step<bool> {
        let is_explicit = loop {
            if !self.next_line()? {
                return Ok(false);
            }
            match self.marker() {
                Some(b'.') => self.end_line(self.at + 3)?,
                marker => break marker.is_some(),
            }
        };
        if *self.to.started as usize >= self.limits.documents {
            return Err(Bail);
        }
        if is_explicit {
            self.end_line(self.at + 3)?;
        } else {
            self.at = self.line;
        }
        let root = self.to.nodes.len();
        (self.wait, self.ambiguous) = (Wait::Root, 0);
        self.stack.clear();
        self.keys.clear();
        self.block()?;
        self.check_nodes()?;
        // A document that is empty has a value until it is over.
        if root >= self.limits.nodes {
            return Err(Bail);
        }
        if self.marker() == Some(b'.') {
            self.end_line(self.at + 3)?;
        }
        *self.to.started += 1;
        if self.to.nodes.len() == root {
            *self.to.empty_documents += 1;
        } else {
            self.to.documents.push(Document {
                root: offset(root),
                faults: Vec::new(),
                ambiguous: self.ambiguous,
                index: self.to.started.saturating_sub(1),
            });
        }
        Ok(true)
    }

    /// Stops not long after the limit, so that what is built is never much larger than what may be.
    #[inline]
    fn check_nodes(&self) -> Step {
        if self.to.nodes.len() > self.limits.nodes { Err(Bail) } else { Ok(()) }
    }

    /// The byte at a place; NUL behind the end, and nowhere else.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The first byte of the marker of a document that stands here, if one does.
    fn marker(&self) -> Option<u8> {
        if self.at == self.line { self.marker_at(self.at) } else { None }
    }

    /// The same at the beginning of any line.
    fn marker_at(&self, line: usize) -> Option<u8> {
        match self.bytes.get(line..) {
            Some([first @ (b'-' | b'.'), second, third, rest @ ..]) if first == second && first == third => {
                rest.first().is_none_or(|next| byte::is_space(*next)).then_some(*first)
            }
            _ => None,
        }
    }

    /// From the beginning of a line to the first byte that is no comment; false at the end.
    #[inline]
    fn next_line(&mut self) -> Step<bool> {
        let mut line = self.at;
        loop {
            let at = self.after_spaces(line);
            match self.byte(at) {
                b'\n' => line = at + 1,
                b'\r' => line = at + 2,
                b'#' => line = self.after_line(at),
                b'\t' => return Err(Bail),
                0 => {
                    (self.line, self.at) = (line, self.bytes.len());
                    return Ok(false);
                }
                _ => {
                    (self.line, self.at) = (line, at);
                    return Ok(true);
                }
            }
        }
    }

    #[inline]
    fn after_spaces(&self, mut at: usize) -> usize {
        while self.byte(at) == b' ' {
            at += 1;
        }
        at
    }

    /// The beginning of the next line.
    fn after_line(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.bytes.len(), |length| at + length + 1)
    }

    /// Where a comment ends, its line break left off.
    fn after_comment(&self, at: usize) -> usize {
        self.before_break(at, self.after_line(at))
    }

    /// The end of a line that goes from here to the next one, its line break left off.
    #[inline]
    fn before_break(&self, at: usize, next: usize) -> usize {
        match self.bytes.get(at..next) {
            Some([.., b'\r', b'\n']) => next - 2,
            Some([.., b'\n']) => next - 1,
            _ => next,
        }
    }

    /// Goes to the next line over what may follow a value: white space and a comment.
    #[inline]
    fn end_line(&mut self, from: usize) -> Step {
        let mut at = from;
        loop {
            match self.byte(at) {
                b' ' | b'\t' => at += 1,
                b'\n' => break self.at = at + 1,
                b'\r' => break self.at = at + 2,
                b'#' if at > from => break self.at = self.after_line(at),
                0 => break self.at = at,
                _ => return Err(Bail),
            }
        }
        Ok(())
    }

    #[inline]
    fn open(&mut self, form: Form, start: usize, column: usize) -> Step {
        if self.stack.len() >= self.limits.depth {
            return Err(Bail);
        }
        let kind = if form.is_map() { Kind::Map } else { Kind::List };
        let span = Span { start: offset(start), end: 0 };
        self.stack.push(Frame {
            form,
            index: self.to.nodes.len(),
            column,
            children: 0,
            keys: self.keys.len(),
        });
        self.to.nodes.push(Node { kind, flags: 0, hint: 0, size: 0, span, text: 0, text_len: 0 });
        Ok(())
    }

    /// Ends the innermost collection.
    #[inline]
    fn close(&mut self) -> Step {
        let Some(frame) = self.stack.pop() else { return Err(Bail) };
        if frame.form.is_map() {
            let keys = self.keys.get_mut(frame.keys..).unwrap_or_default();
            if has_twice(keys) {
                return Err(Bail);
            }
            self.keys.truncate(frame.keys);
        }
        let size = offset(self.to.nodes.len() - frame.index);
        let reach = offset(self.reach);
        if let Some(node) = self.to.nodes.get_mut(frame.index) {
            node.size = size;
            node.text = frame.children;
            node.span.end = reach.max(node.span.start);
        }
        Ok(())
    }

    /// Counts an entry of the innermost collection.
    #[inline]
    fn count(&mut self) {
        if let Some(frame) = self.stack.last_mut() {
            frame.children += 1;
        }
    }

    #[inline]
    fn push(&mut self, kind: Kind, flags: u8, start: usize, end: usize, text: Text) {
        self.reach = end;
        let from = if text.is_decoded { self.to.decoded.as_str() } else { self.text };
        let bytes = from.as_bytes().get(text.start..text.start + text.length).unwrap_or_default();
        self.to.nodes.push(Node {
            kind,
            flags: if text.is_decoded { flags | DECODED } else { flags },
            hint: hint(bytes),
            size: 1,
            span: Span { start: offset(start), end: offset(end) },
            text: offset(text.start),
            text_len: offset(text.length),
        });
    }

    /// A value that is not written.
    fn null(&mut self, at: usize) {
        self.push(Kind::Null, PLAIN, at, at, Text { start: at, length: 0, is_decoded: false });
    }

    /// A scalar without quotes that is a value.
    #[inline]
    fn plain_value(&mut self, start: usize, end: usize, text: Text) -> Step {
        let (kind, is_ambiguous) = self.classify(text)?;
        self.ambiguous += u32::from(is_ambiguous);
        let flags = if is_ambiguous { PLAIN | AMBIGUOUS } else { PLAIN };
        self.push(kind, flags, start, end, text);
        Ok(())
    }

    /// A scalar without quotes that is the key of the innermost mapping.
    #[inline]
    fn plain_key(&mut self, start: usize, end: usize) -> Step {
        let text = Text { start, length: end - start, is_decoded: false };
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        if bytes == b"<<" {
            return Err(Bail);
        }
        self.keys.push(fingerprint(bytes));
        let (kind, _) = self.classify(text)?;
        self.push(kind, KEY | PLAIN, start, end, text);
        self.count();
        Ok(())
    }

    /// A scalar in quotes that is the key of the innermost mapping.
    fn quoted_key(&mut self, start: usize, end: usize, text: Text) {
        let bytes = self.written(text).as_bytes();
        let print = fingerprint(bytes);
        self.keys.push(print);
        self.push(Kind::Text, KEY, start, end, text);
        self.count();
    }

    #[inline]
    fn written(&self, text: Text) -> &str {
        let from = if text.is_decoded { self.to.decoded.as_str() } else { self.text };
        from.get(text.start..text.start + text.length).unwrap_or_default()
    }

    #[inline]
    fn classify(&self, text: Text) -> Step<(Kind, bool)> {
        let text = self.written(text);
        let (kind, is_ambiguous) = scalar::classify(text);
        if scalar::in_range(kind, text) { Ok((kind, is_ambiguous)) } else { Err(Bail) }
    }
}

/// Mappings up to this size have their keys compared each with each.
const FEW: usize = 24;

/// Whether a fingerprint stands twice; the order may change.
fn has_twice(mut keys: &mut [u64]) -> bool {
    if keys.len() > FEW {
        keys.sort_unstable();
        return keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    }
    while let [first, rest @ ..] = keys {
        if rest.contains(first) {
            return true;
        }
        keys = rest;
    }
    false
}

/// A hash of a key. Equal keys have equal ones; if others have as well, the document goes to the general parser.
fn fingerprint(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(29) ^ word).wrapping_mul(FACTOR);
    let length = bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(length, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(hash, last)
}

#[cfg(test)]
mod tests;
