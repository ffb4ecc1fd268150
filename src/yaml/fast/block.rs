//! Block mappings and lists, line by line.

use super::text::Quoted;
use super::{Bail, Form, Reader, Step, Wait, byte};
use crate::yaml::tape::Kind;

/// What a line or the rest of one is after the key of a mapping was looked for.
enum Found {
    /// The key, now on the tape, and the place of its colon.
    Key(usize),
    /// A scalar without quotes.
    Plain(super::text::Plain),
    Quoted(Quoted),
}

impl Reader<'_, '_> {
    /// Reads the lines of a document up to the next marker, and ends what is open.
    pub(super) fn block(&mut self) -> Step {
        while self.next_line()? && self.marker().is_none() {
            self.check_nodes()?;
            let column = self.at - self.line;
            match self.wait {
                Wait::Root => {
                    self.node()?;
                    continue;
                }
                Wait::Value(place) => {
                    let Some(frame) = self.stack.last().copied() else { return Err(Bail) };
                    if column > frame.column {
                        self.count_element(frame.form);
                        self.node()?;
                        continue;
                    }
                    if column == frame.column && frame.form == Form::Map && self.is_dash(self.at) {
                        self.indentless()?;
                        continue;
                    }
                    self.count_element(frame.form);
                    self.null(place);
                    self.wait = Wait::Entry;
                }
                Wait::Entry => {}
                Wait::End => return Err(Bail),
            }
            self.entry(column)?;
        }
        if let Wait::Value(place) = self.wait {
            let Some(frame) = self.stack.last().copied() else { return Err(Bail) };
            self.count_element(frame.form);
            self.null(place);
        }
        while !self.stack.is_empty() {
            self.close()?;
        }
        Ok(())
    }

    /// A key counts its entry; an element has none.
    #[inline]
    fn count_element(&mut self, form: Form) {
        if form != Form::Map {
            self.count();
        }
    }

    /// Whether a dash that introduces an element stands here.
    #[inline]
    fn is_dash(&self, at: usize) -> bool {
        self.byte(at) == b'-' && byte::is_space(self.byte(at + 1))
    }

    /// A line that goes on with a collection that is open.
    #[inline]
    fn entry(&mut self, column: usize) -> Step {
        let frame = loop {
            let Some(frame) = self.stack.last().copied() else { return Err(Bail) };
            if frame.column == column && (frame.form != Form::Indentless || self.is_dash(self.at)) {
                break frame;
            }
            if frame.column < column {
                return Err(Bail);
            }
            self.close()?;
        };
        match frame.form {
            Form::Map => match self.key_or_scalar(self.at, None)? {
                Found::Key(colon) => self.value(colon),
                Found::Plain(_) | Found::Quoted(_) => Err(Bail),
            },
            Form::List | Form::Indentless if self.is_dash(self.at) => match self.after_dash(self.at)? {
                Some(at) => {
                    self.count();
                    self.at = at;
                    self.node()
                }
                None => Ok(()),
            },
            _ => Err(Bail),
        }
    }

    /// The first element of a list in the column of its key.
    fn indentless(&mut self) -> Step {
        let column = self.at - self.line;
        let next = self.after_dash(self.at)?;
        // The general parser has the list begin behind its first dash.
        let ((Some(start), _) | (None, Wait::Value(start))) = (next, self.wait) else { return Err(Bail) };
        self.open(Form::Indentless, start, column)?;
        if let Some(at) = next {
            self.count();
            self.at = at;
            self.node()?;
        }
        Ok(())
    }

    /// Where the element behind a dash begins; none if that is on a later line, if at all.
    #[inline]
    fn after_dash(&mut self, dash: usize) -> Step<Option<usize>> {
        let at = self.after_spaces(dash + 1);
        match self.byte(at) {
            b'\n' | b'\r' | 0 => {
                self.wait = Wait::Value(at);
                self.end_line(at)?;
                Ok(None)
            }
            b'#' => {
                let end = self.after_comment(at);
                self.wait = Wait::Value(end);
                self.end_line(end)?;
                Ok(None)
            }
            b'\t' => Err(Bail),
            _ => Ok(Some(at)),
        }
    }

    /// A node that may begin a block collection in its column: the root, an element, or a value on its own line. It is
    /// counted already.
    fn node(&mut self) -> Step {
        self.wait = Wait::Entry;
        while self.is_dash(self.at) {
            self.open(Form::List, self.at, self.at - self.line)?;
            match self.after_dash(self.at)? {
                Some(at) => self.at = at,
                None => return Ok(()),
            }
            self.count();
        }
        let start = self.at;
        match self.byte(start) {
            b'[' | b'{' => {
                self.flow(start)?;
                self.end_value()
            }
            b'|' | b'>' => {
                // A document that is one scalar is left out.
                let Some(frame) = self.stack.last().copied() else { return Err(Bail) };
                self.block_scalar(start, frame.column)
            }
            _ => {
                let column = start - self.line;
                let floor = self.stack.last().map_or(0, |frame| frame.column + 1);
                match self.key_or_scalar(start, Some((column, floor)))? {
                    Found::Key(colon) => self.value(colon),
                    // A document that is one scalar.
                    _ if self.stack.is_empty() => Err(Bail),
                    Found::Plain(plain) => self.plain_lines(start, plain, floor),
                    Found::Quoted(quoted) => {
                        self.push(Kind::Text, 0, start, quoted.end, quoted.text);
                        self.at = quoted.end;
                        self.end_value()
                    }
                }
            }
        }
    }

    /// Goes to the next line behind a value that ends at `self.at`.
    fn end_value(&mut self) -> Step {
        self.wait = if self.stack.is_empty() { Wait::End } else { Wait::Entry };
        self.end_line(self.at)
    }

    /// A key, of the innermost mapping or of a new one in a column; or a scalar, which only a new one allows: then with
    /// the least column of its further lines.
    #[inline]
    fn key_or_scalar(&mut self, start: usize, new: Option<(usize, usize)>) -> Step<Found> {
        let first = self.byte(start);
        if let b'"' | b'\'' = first {
            let quoted = self.quoted(start, Some(new.map_or(0, |(_, floor)| floor)))?;
            let colon = self.after_blanks(quoted.end);
            if self.byte(colon) != b':' {
                return Ok(Found::Quoted(quoted));
            }
            if quoted.has_lines || colon - start > byte::LONGEST_KEY || !byte::is_space(self.byte(colon + 1))
            {
                return Err(Bail);
            }
            if let Some((column, _)) = new {
                self.open(Form::Map, start, column)?;
            }
            self.quoted_key(start, quoted.end, quoted.text);
            return Ok(Found::Key(colon));
        }
        if !self.may_be_plain(start) {
            return Err(Bail);
        }
        let plain = self.plain(start);
        if self.byte(plain.stop) != b':' {
            return Ok(Found::Plain(plain));
        }
        if plain.stop - start > byte::LONGEST_KEY {
            return Err(Bail);
        }
        if let Some((column, _)) = new {
            self.open(Form::Map, start, column)?;
        }
        self.plain_key(start, plain.end)?;
        Ok(Found::Key(plain.stop))
    }

    /// What follows the colon of a key.
    #[inline]
    fn value(&mut self, colon: usize) -> Step {
        let start = self.after_blanks(colon + 1);
        let Some(frame) = self.stack.last().copied() else { return Err(Bail) };
        let first = self.byte(start);
        if self.may_be_plain(start) {
            self.wait = Wait::Entry;
            let plain = self.plain(start);
            return self.plain_lines(start, plain, frame.column + 1);
        }
        match first {
            b'\n' | b'\r' | b'#' | 0 => {
                self.wait = Wait::Value(colon);
                self.end_line(colon + 1)
            }
            b'"' | b'\'' => {
                let quoted = self.quoted(start, Some(frame.column + 1))?;
                self.push(Kind::Text, 0, start, quoted.end, quoted.text);
                self.wait = Wait::Entry;
                self.end_line(quoted.end)
            }
            b'[' | b'{' => {
                self.flow(start)?;
                self.end_value()
            }
            b'|' | b'>' => {
                self.wait = Wait::Entry;
                self.block_scalar(start, frame.column)
            }
            _ => Err(Bail),
        }
    }

    /// Whether a scalar without quotes begins here.
    #[inline]
    fn may_be_plain(&self, at: usize) -> bool {
        let first = self.byte(at);
        byte::is(first, byte::PLAIN_START)
            || (matches!(first, b'-' | b':' | b'?') && !byte::is_space(self.byte(at + 1)))
    }
}
