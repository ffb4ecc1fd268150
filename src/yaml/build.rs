//! From parser events to the tape: aliases and merge keys expanded under a budget, duplicate keys found.

mod merge;

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use super::kept::Kept;
use super::parse::Limits;
use super::tape::{AMBIGUOUS, DECODED, Document, Fault, KEY, Kind, Node, PLAIN, Span, Tape, Use, hint};
use super::{fast, scalar};
use crate::problem::Code;

pub(super) fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Broken documents after which a file is given up.
const MOST_BROKEN: usize = 100;

/// A collection that has begun and not ended.
#[expect(clippy::struct_excessive_bools, reason = "they are independent, and never leave this file")]
struct Frame {
    index: u32,
    /// Entries of a mapping count twice here, key and value.
    children: u32,
    /// Levels beneath it.
    height: u32,
    anchor: usize,
    flow: bool,
    merges: bool,
    /// Whether the last key is a merge key.
    at_merge: bool,
    complex_key: bool,
}

impl Frame {
    /// The levels that a value adds. What a merge key names is dissolved: a mapping is one level less, a list of
    /// mappings two.
    fn levels(&self, kind: Kind, height: u32) -> u32 {
        match kind {
            _ if !self.at_merge => height,
            Kind::List => height.saturating_sub(2),
            _ => height.saturating_sub(1),
        }
    }
}

#[derive(Clone, Copy)]
struct Anchor {
    /// Position on the tape, or on the shelf.
    index: u32,
    height: u32,
    ready: bool,
    is_shelved: bool,
}

pub(super) struct Builder<'s> {
    source: &'s str,
    limits: &'s Limits,
    nodes: Vec<Node>,
    decoded: String,
    documents: Vec<Document>,
    empty_documents: u32,
    uses: Vec<Use>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    /// The anchors whose values are on the tape, in the order of the tape.
    anchored: Vec<usize>,
    /// Values that anchors name and that are no longer where they were read: a merge has moved them, or they
    /// stood in a mapping that was refused.
    shelf: Vec<Node>,
    faults: Vec<Fault>,
    /// Faults of the file so far, and those of the document that are only counted.
    told: usize,
    untold: usize,
    ambiguous: u32,
    alias_nodes: usize,
    /// Values that merge keys have brought; those within others are brought again at each level.
    merged_nodes: usize,
    started: u32,
    document_first: u32,
    /// Where the part that is being parsed begins in the source.
    base: usize,
    /// Where the last value written ends.
    reach: u32,
    /// Whether the fast parser may read the source.
    is_fast: bool,
    /// Bytes that it has read.
    fast_bytes: usize,
    /// Whether a byte order mark stands anywhere but at the start.
    has_inner_mark: bool,
}

/// Faults of a file that are listed one by one. Nobody repairs more in one go, and each costs more memory than
/// the two bytes that bring it about.
const MOST_FAULTS: usize = 1_000;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Ends the parse of a file.
struct Stop(Fault);

fn fault(code: Code, message: impl Into<String>, span: Span) -> Fault {
    Fault { code, message: message.into(), span, related: None }
}

impl<'s> Builder<'s> {
    pub(super) fn new(source: &'s str, limits: &'s Limits) -> Self {
        let is_ordinary = fast::is_ordinary(source);
        Self {
            source,
            limits,
            nodes: Vec::with_capacity(source.len() / 16),
            decoded: String::new(),
            documents: Vec::new(),
            empty_documents: 0,
            uses: Vec::new(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            anchored: Vec::new(),
            shelf: Vec::new(),
            faults: Vec::new(),
            told: 0,
            untold: 0,
            ambiguous: 0,
            alias_nodes: 0,
            merged_nodes: 0,
            started: 0,
            document_first: 0,
            base: 0,
            reach: 0,
            is_fast: !limits.strict && is_ordinary,
            fast_bytes: 0,
            has_inner_mark: !is_ordinary && source.rfind(BYTE_ORDER_MARK).is_some_and(|at| at > 0),
        }
    }

    /// What was built; its source is put in by whoever holds it.
    pub(super) fn finish(self) -> Tape {
        let Self { nodes, decoded, documents, empty_documents, uses, fast_bytes, .. } = self;
        Tape {
            source: String::new(),
            decoded,
            nodes,
            kept: Kept::default(),
            documents,
            empty_documents,
            uses,
            fast_bytes,
        }
    }

    /// Reads a part of the source; what comes back ended a document or the part.
    pub(super) fn run(&mut self, part: std::ops::Range<usize>) -> Vec<Fault> {
        let mut broken = Vec::new();
        if self.source.len() > u32::MAX as usize / 2 {
            broken.push(fault(Code::FileTooLarge, "the file is larger than 2 GiB", Span::default()));
            return broken;
        }
        let mut next = self.read_fast(part.start, part.end);
        while let Some(start) = next {
            next = self.read_events(start, part.end, &mut broken);
        }
        broken
    }

    /// Reads documents by the fast parser; gives the place from which the general one must go on, if any.
    fn read_fast(&mut self, start: usize, end: usize) -> Option<usize> {
        if !self.is_fast {
            return Some(start);
        }
        let target = fast::Target {
            nodes: &mut self.nodes,
            decoded: &mut self.decoded,
            documents: &mut self.documents,
            empty_documents: &mut self.empty_documents,
            started: &mut self.started,
        };
        let next = fast::documents(self.source, start..end, self.limits, target);
        self.fast_bytes += next.unwrap_or(end) - start;
        self.document_first = offset(self.nodes.len());
        next
    }

    /// Reads events to the end of the part, or to a document from which the fast parser has gone on; then it gives the
    /// place at which that one has stopped again.
    fn read_events(&mut self, start: usize, end: usize, broken: &mut Vec<Fault>) -> Option<usize> {
        // The parser counts a level where we do, so that its own limit never speaks first.
        let nesting = self.limits.depth + 1;
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: nesting,
            block_nesting_limit: nesting,
        };
        self.base = start;
        let part = self.source.get(start..end).unwrap_or_default();
        let mut parser = Parser::new_from_str_with_options(part, options);
        while let Some(next) = parser.next_event() {
            let result = match next {
                Ok((Event::DocumentStart(true, _), span))
                    // What follows a broken document is left to the one that has seen it.
                    if broken.is_empty() && self.is_fast && self.document_at(&span) > start =>
                {
                    let place = self.document_at(&span);
                    let next = self.read_fast(place, end);
                    if next != Some(place) {
                        return next;
                    }
                    self.event(Event::DocumentStart(true, None), &span)
                }
                Ok((event, span)) => self.event(event, &span),
                Err(error) => {
                    broken.push(self.syntax(&error));
                    self.abandon();
                    if broken.len() >= MOST_BROKEN {
                        let message = format!("after {MOST_BROKEN} broken documents the rest is not read");
                        let place = broken.last().map(|fault| fault.span).unwrap_or_default();
                        broken.push(fault(Code::InvalidYaml, message, place));
                        break;
                    }
                    if matches!(parser.proceed_next_document(), Ok(true)) {
                        continue;
                    }
                    break;
                }
            };
            if let Err(Stop(fault)) = result {
                broken.push(fault);
                self.abandon();
                break;
            }
        }
        None
    }

    /// Where the marker of a document stands.
    fn document_at(&self, span: &granit_parser::Span) -> usize {
        span.byte_range().unwrap_or_default().start + self.base
    }

    fn syntax(&self, error: &ScanError) -> Fault {
        let at = error
            .marker()
            .byte_offset()
            .map_or(self.source.len(), |at| at + self.base)
            .min(self.source.len());
        let end =
            self.source.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
        let span = Span { start: offset(at), end: offset(end) };
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return self.too_deep(span);
        }
        // The parser appends its own position in parentheses or words; ours stands beside the message.
        fault(Code::InvalidYaml, error.info(), span)
    }

    fn too_deep(&self, span: Span) -> Fault {
        fault(Code::TooDeep, format!("nesting goes beyond {} levels", self.limits.depth), span)
    }

    /// Forgets the document that is being read.
    fn abandon(&mut self) {
        self.truncate(self.document_first as usize);
        self.forget_anchors();
        self.stack.clear();
        self.faults.clear();
        self.untold = 0;
        self.ambiguous = 0;
    }

    /// Records a fault. A document keeps at least one, which says that it is broken.
    fn blame(&mut self, fault: Fault) {
        if self.faults.is_empty() || self.told < MOST_FAULTS {
            self.told += 1;
            self.faults.push(fault);
        } else {
            self.untold += 1;
        }
    }

    /// The faults of the document that ends.
    fn take_faults(&mut self) -> Vec<Fault> {
        let untold = std::mem::take(&mut self.untold);
        let mut faults = std::mem::take(&mut self.faults);
        if let Some(last) = faults.last().filter(|_| untold > 0) {
            let message = format!("the document has {untold} more faults, which are not listed");
            faults.push(fault(last.code, message, last.span));
        }
        faults
    }

    fn forget_anchors(&mut self) {
        self.anchors.clear();
        self.anchored.clear();
        self.shelf.clear();
    }

    fn truncate(&mut self, length: usize) {
        self.nodes.truncate(length);
        let uses = self.uses.partition_point(|each| (each.first as usize) < length);
        self.uses.truncate(uses);
    }

    fn event(&mut self, event: Event<'s>, at: &granit_parser::Span) -> Result<(), Stop> {
        let range = at.byte_range().unwrap_or_default();
        let span = Span { start: offset(range.start + self.base), end: offset(range.end + self.base) };
        match event {
            Event::DocumentStart(..) => {
                if self.started as usize >= self.limits.documents {
                    let message = format!("the file holds more than {} documents", self.limits.documents);
                    return Err(Stop(fault(Code::TooManyDocuments, message, span)));
                }
                self.started += 1;
                self.document_first = offset(self.nodes.len());
            }
            Event::DocumentEnd => self.end_document(),
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), span)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.open(Kind::List, style, anchor, tag.as_deref(), span)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.open(Kind::Map, style, anchor, tag.as_deref(), span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::StreamStart | Event::StreamEnd | Event::Anchor(..) => {}
            // Off in the options; an error all the same, since dropping it would shift keys and values.
            other => {
                let message = format!("unexpected parser event {other:?}");
                return Err(Stop(fault(Code::InternalError, message, span)));
            }
        }
        Ok(())
    }

    fn end_document(&mut self) {
        let root = self.document_first;
        let faults = self.take_faults();
        let ambiguous = std::mem::take(&mut self.ambiguous);
        let is_empty =
            self.nodes.get(root as usize).is_none_or(|node| node.kind == Kind::Null && node.text_len == 0);
        if is_empty && faults.is_empty() {
            self.nodes.truncate(root as usize);
            self.empty_documents += 1;
        } else {
            self.documents.push(Document { root, faults, ambiguous, index: self.started.saturating_sub(1) });
        }
        self.forget_anchors();
        self.stack.clear();
        self.document_first = offset(self.nodes.len());
    }

    /// Whether the next value is the key of a mapping.
    fn at_key(&self) -> bool {
        self.stack.last().is_some_and(|frame| {
            frame.children.is_multiple_of(2)
                && self.nodes.get(frame.index as usize).is_some_and(|n| n.kind == Kind::Map)
        })
    }

    fn push(&mut self, node: Node) -> Result<u32, Stop> {
        if self.nodes.len() >= self.limits.nodes {
            let message = format!("the file holds more than {} values", self.limits.nodes);
            return Err(Stop(fault(Code::TooManyNodes, message, node.span)));
        }
        let index = offset(self.nodes.len());
        self.nodes.push(node);
        if let Some(frame) = self.stack.last_mut() {
            frame.children += 1;
        }
        Ok(index)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        let is_key = self.at_key();
        let plain = style == ScalarStyle::Plain;
        // What is not written at all is null; of a block scalar of nothing but line breaks the span is empty too.
        let own = if plain && span.start == span.end { "" } else { text };
        let (start, length, mut flags) = self.store(own, span);
        let (mut kind, mut ambiguous) = if plain { scalar::classify(own) } else { (Kind::Text, false) };
        if let Some(tag) = tag {
            ambiguous = false;
            kind = self.tagged(tag, kind, own, span);
        } else if plain {
            flags |= PLAIN;
        }
        if !scalar::in_range(kind, own) {
            // Without the value: nobody knows here whether it may be shown.
            self.blame(fault(Code::NumberOutOfRange, "the number does not fit into 64 bits", span));
        }
        let is_quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        if self.has_inner_mark && !is_quoted && text.contains(BYTE_ORDER_MARK) {
            // YAML 1.2.2, section 5.2; nobody would see it, and readers disagree on it.
            let message = "a byte order mark stands in a text without quotes";
            self.blame(fault(Code::ControlCharacter, message, span));
        }
        if is_key {
            flags |= KEY;
            if let Some(frame) = self.stack.last_mut() {
                frame.at_merge = flags & PLAIN != 0 && own == "<<";
                frame.merges |= frame.at_merge;
            }
        } else if ambiguous {
            flags |= AMBIGUOUS;
            self.ambiguous += 1;
        }
        let hint = hint(own.as_bytes());
        let node = Node { kind, flags, hint, size: 1, span, text: start, text_len: length };
        self.reach = span.end;
        let index = self.push(node)?;
        self.anchor(anchor, index, 0, true);
        Ok(())
    }

    /// Where the text of a scalar stands: in the source if it is written there letter by letter.
    fn store(&mut self, text: &str, span: Span) -> (u32, u32, u8) {
        let length = offset(text.len());
        if text.is_empty() {
            return (span.start, 0, 0);
        }
        // Borrowed text is a slice of the source; the difference of the addresses is its offset. A decoded
        // text lies elsewhere, and then the bytes at that offset, if any, are not its own.
        let at = (text.as_ptr() as usize).wrapping_sub(self.source.as_ptr() as usize);
        if at.checked_add(text.len()).is_some_and(|end| end <= self.source.len())
            && self.source.as_bytes().get(at..at + text.len()) == Some(text.as_bytes())
        {
            return (offset(at), length, 0);
        }
        let start = offset(self.decoded.len());
        self.decoded.push_str(text);
        (start, length, DECODED)
    }

    /// The kind of a tagged scalar (YAML 1.2.2, sections 6.8.2 and 10.3).
    fn tagged(&mut self, tag: &Tag, kind: Kind, text: &str, span: Span) -> Kind {
        let wanted = match tag.core_suffix() {
            Some("str") => return Kind::Text,
            Some("int") => Kind::Int,
            Some("float") => Kind::Float,
            Some("bool") => Kind::Bool,
            Some("null") => Kind::Null,
            _ if tag.parts() == ("", "!") || tag.parts() == ("!", "") => return Kind::Text,
            _ => {
                self.unsupported(tag, span);
                return kind;
            }
        };
        let found = scalar::classify(text).0;
        if found == wanted {
            return wanted;
        }
        if wanted == Kind::Float && found == Kind::Int {
            return Kind::Float;
        }
        let message = format!("the value is not what its tag {} says", tag.original());
        self.blame(fault(Code::UnsupportedTag, message, span));
        kind
    }

    fn unsupported(&mut self, tag: &Tag, span: Span) {
        let message = format!("tag {} has no meaning here", tag.original());
        self.blame(fault(Code::UnsupportedTag, message, span));
    }

    fn open(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        if self.stack.len() >= self.limits.depth {
            return Err(Stop(self.too_deep(span)));
        }
        if let Some(tag) = tag {
            let expected = if kind == Kind::Map { "map" } else { "seq" };
            if tag.core_suffix() != Some(expected) && tag.parts() != ("", "!") && tag.parts() != ("!", "") {
                self.unsupported(tag, span);
            }
        }
        self.refuse_key(span);
        let flow = style == StructureStyle::Flow;
        let index = self.push(Node { kind, flags: 0, hint: 0, size: 0, span, text: 0, text_len: 0 })?;
        self.anchor(anchor, index, 0, false);
        self.stack.push(Frame {
            index,
            children: 0,
            height: 0,
            anchor,
            flow,
            merges: false,
            at_merge: false,
            complex_key: false,
        });
        Ok(())
    }

    fn refuse_key(&mut self, span: Span) {
        if self.at_key() {
            self.blame(fault(Code::UnsupportedKey, "the key of a mapping is a list or a mapping", span));
            if let Some(frame) = self.stack.last_mut() {
                frame.complex_key = true;
            }
        }
    }

    fn anchor(&mut self, id: usize, index: u32, height: u32, ready: bool) {
        if id == 0 {
            return;
        }
        let anchor = Anchor { index, height, ready, is_shelved: false };
        if self.anchors.insert(id, anchor).is_none() {
            self.anchored.push(id);
        }
    }

    /// Keeps the values that anchors name from `first` to the end of the tape, before they move or go.
    fn shelve(&mut self, first: usize, span: Span) -> Result<(), Stop> {
        let from = self
            .anchored
            .partition_point(|id| self.anchors.get(id).is_some_and(|anchor| (anchor.index as usize) < first));
        // The tape from `start` to `end` stands on the shelf; an anchor within it needs no copy of its own.
        let (mut start, mut end, mut shelved) = (0, 0, 0);
        for id in self.anchored.drain(from..) {
            let Some(anchor) = self.anchors.get_mut(&id) else { continue };
            let index = anchor.index as usize;
            if index >= end {
                let size = self.nodes.get(index).map_or(0, |node| node.size as usize);
                let Some(nodes) = self.nodes.get(index..index + size) else { continue };
                (start, end, shelved) = (index, index + size, self.shelf.len());
                self.alias_nodes += size;
                self.shelf.extend_from_slice(nodes);
            }
            anchor.index = offset(index - start + shelved);
            anchor.is_shelved = true;
        }
        self.check_aliases(span)
    }

    fn check_aliases(&self, span: Span) -> Result<(), Stop> {
        if self.alias_nodes > self.limits.alias_nodes {
            let message = format!("aliases expand to more than {} values", self.limits.alias_nodes);
            return Err(Stop(fault(Code::AliasBudget, message, span)));
        }
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let first = frame.index as usize + 1;
        // A block collection ends with its last child; its end event stands at whatever comes after it.
        if frame.flow {
            self.reach = span.end;
        }
        let end = self.reach;
        let is_map = self.nodes.get(frame.index as usize).is_some_and(|node| node.kind == Kind::Map);
        let mut children = frame.children;
        let mut height = frame.height;
        if is_map {
            if frame.complex_key {
                // Reported already; what it maps cannot be said in JSON.
                self.shelve(first, span)?;
                self.truncate(first);
                children = 0;
            } else {
                self.find_duplicates(first);
                if frame.merges {
                    self.shelve(first, span)?;
                    (children, height) = self.merge(first, height)?;
                }
            }
        }
        let size = offset(self.nodes.len()) - frame.index;
        if let Some(node) = self.nodes.get_mut(frame.index as usize) {
            node.size = size;
            node.span.end = end.max(node.span.start);
            node.text = if is_map { children / 2 } else { children };
        }
        let height = height + 1;
        self.anchor(frame.anchor, frame.index, height, true);
        if let Some(parent) = self.stack.last_mut() {
            let levels = parent.levels(if is_map { Kind::Map } else { Kind::List }, height);
            parent.height = parent.height.max(levels);
        }
        Ok(())
    }

    /// Positions of the keys and values of a mapping whose entries begin at `first` and end with the tape.
    fn entries(&self, first: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let mut at = first;
        std::iter::from_fn(move || {
            let (key, value) = (at, at + 1);
            at = value + self.nodes.get(value)?.size as usize;
            Some((key, value))
        })
    }

    fn text(&self, index: usize) -> &str {
        let Some(node) = self.nodes.get(index) else { return "" };
        let from = if node.flags & DECODED == 0 { self.source } else { &self.decoded };
        from.get(node.text as usize..(node.text + node.text_len) as usize).unwrap_or_default()
    }

    fn find_duplicates(&mut self, first: usize) {
        let mut twice = Vec::new();
        let mut few = [0_usize; 16];
        let mut count = 0;
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (key, _) in self.entries(first) {
            let text = self.text(key);
            // Most mappings are small, and then comparing beats hashing.
            let earlier = if count < few.len() {
                few.iter().take(count).copied().find(|other| self.text(*other) == text)
            } else {
                if seen.is_empty() {
                    seen.extend(few.iter().map(|other| (self.text(*other), *other)));
                }
                seen.insert(text, key)
            };
            if let Some(earlier) = earlier {
                twice.push((earlier, key));
            } else {
                if let Some(slot) = few.get_mut(count) {
                    *slot = key;
                }
                count += 1;
            }
        }
        for (earlier, later) in twice {
            let span = |index| self.nodes.get(index).map(|node: &Node| node.span).unwrap_or_default();
            let message = format!("key {:?} stands twice in one mapping", shorten(self.text(later)));
            let related = Some((span(earlier), "first here"));
            self.blame(Fault { code: Code::DuplicateKey, message, span: span(later), related });
        }
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Stop> {
        let Some(anchor) = self.anchors.get(&id).copied() else {
            return Err(Stop(fault(Code::InvalidYaml, "the alias names no anchor of this document", span)));
        };
        if !anchor.ready {
            return Err(Stop(fault(
                Code::RecursiveAlias,
                "the alias stands inside the value that it names",
                span,
            )));
        }
        let from = anchor.index as usize;
        let place = if anchor.is_shelved { &self.shelf } else { &self.nodes };
        let Some(head) = place.get(from).copied() else {
            return Err(Stop(fault(Code::InternalError, "the value of an anchor is lost", span)));
        };
        let size = head.size as usize;
        self.alias_nodes += size;
        self.check_aliases(span)?;
        let is_key = self.at_key();
        let levels = self.stack.last_mut().map_or(anchor.height, |frame| {
            frame.at_merge &= !is_key;
            frame.levels(head.kind, anchor.height)
        });
        if self.stack.len() + levels as usize > self.limits.depth {
            return Err(Stop(self.too_deep(span)));
        }
        if self.nodes.len() + size > self.limits.nodes {
            let message = format!("the file holds more than {} values", self.limits.nodes);
            return Err(Stop(fault(Code::TooManyNodes, message, span)));
        }
        self.reach = span.end;
        if is_key && matches!(head.kind, Kind::Map | Kind::List) {
            self.refuse_key(span);
        }
        let target = self.nodes.len();
        if anchor.is_shelved {
            self.nodes.extend_from_slice(self.shelf.get(from..from + size).unwrap_or_default());
        } else {
            self.nodes.extend_from_within(from..from + size);
        }
        // Keys are text in every YAML version; a key that is used as a value becomes ambiguous only here.
        let is_new_value = !is_key && head.flags & (KEY | PLAIN) == KEY | PLAIN;
        let is_ambiguous = is_new_value && scalar::classify(self.text(target)).1;
        self.ambiguous += u32::from(is_ambiguous);
        if let Some(node) = self.nodes.get_mut(target) {
            if is_key {
                node.flags = (node.flags | KEY) & !AMBIGUOUS;
            } else {
                node.flags &= !KEY;
            }
            if is_ambiguous {
                node.flags |= AMBIGUOUS;
            }
        }
        self.uses.push(Use { first: offset(target), end: offset(target + size), span, label: "used here" });
        if let Some(frame) = self.stack.last_mut() {
            frame.children += 1;
            frame.height = frame.height.max(levels);
        }
        Ok(())
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 {
        text.to_owned()
    } else {
        text.chars().take(60).chain("…".chars()).collect()
    }
}
