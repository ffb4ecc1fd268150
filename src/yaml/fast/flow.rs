//! Flow collections, JSON among them.

use super::text::{Plain, Quoted};
use super::{Bail, Form, Reader, Step, Text, byte};
use crate::yaml::tape::Kind;

/// A scalar that is read and not yet on the tape: it may be a key.
enum Scalar {
    Plain(Plain),
    Quoted(Quoted),
}

impl Scalar {
    fn end(&self) -> usize {
        match self {
            Self::Plain(plain) => plain.end,
            Self::Quoted(quoted) => quoted.end,
        }
    }
}

impl Reader<'_, '_> {
    /// Reads a flow collection and leaves `self.at` behind it. It is counted already.
    pub(super) fn flow(&mut self, start: usize) -> Step {
        let outer = self.stack.len();
        let allows_tabs = outer == 0;
        let mut at = self.open_flow(start)?;
        loop {
            self.check_nodes()?;
            at = self.flow_space(at, allows_tabs)?;
            let Some(form) = self.stack.last().map(|frame| frame.form) else { return Err(Bail) };
            if !matches!((self.byte(at), form), (b']', Form::FlowList) | (b'}', Form::FlowMap)) {
                // An entry. What opens a collection goes on with the first one of its own.
                let next = match form {
                    Form::FlowMap => self.flow_entry(at, allows_tabs)?,
                    _ => self.flow_element(at, allows_tabs)?,
                };
                at = match next {
                    Next::Inside(at) => at,
                    Next::Behind(at) => self.flow_space(at, allows_tabs)?,
                };
                if let Next::Inside(_) = next {
                    continue;
                }
            }
            // What separates it from the next entry, or the ends of collections.
            loop {
                if let Some(Form::Pair) = self.stack.last().map(|frame| frame.form) {
                    self.reach = at;
                    self.close()?;
                }
                if self.byte(at) == b',' {
                    at += 1;
                    break;
                }
                let form = self.stack.last().map(|frame| frame.form);
                match (self.byte(at), form) {
                    (b']', Some(Form::FlowList)) | (b'}', Some(Form::FlowMap)) => at += 1,
                    _ => return Err(Bail),
                }
                self.reach = at;
                self.close()?;
                if self.stack.len() == outer {
                    self.at = at;
                    return Ok(());
                }
                at = self.flow_space(at, allows_tabs)?;
            }
        }
    }

    /// Opens the collection whose bracket stands here; gives the place behind it.
    fn open_flow(&mut self, at: usize) -> Step<usize> {
        let form = if self.byte(at) == b'{' { Form::FlowMap } else { Form::FlowList };
        self.open(form, at, 0)?;
        Ok(at + 1)
    }

    /// Goes over white space, line breaks and comments.
    #[inline]
    fn flow_space(&mut self, from: usize, allows_tabs: bool) -> Step<usize> {
        let mut at = from;
        loop {
            match self.byte(at) {
                b' ' | b'\t' | b'\r' => at += 1,
                b'\n' => at = self.flow_line(at + 1, allows_tabs)?,
                // A comment is separated from what stands before it.
                b'#' if at > from => at = self.after_comment(at),
                b'#' | 0 => return Err(Bail),
                _ => return Ok(at),
            }
        }
    }

    /// Enters a line within a flow collection or a scalar in quotes; gives the place of its first byte that is no white
    /// space.
    #[inline]
    pub(super) fn flow_line(&mut self, line: usize, allows_tabs: bool) -> Step<usize> {
        self.line = line;
        let mut at = self.after_spaces(line);
        if self.byte(at) == b'\t' {
            if !allows_tabs {
                return Err(Bail);
            }
            at = self.after_blanks(at);
        }
        if at == line && self.marker_at(line).is_some() { Err(Bail) } else { Ok(at) }
    }

    /// An entry of a mapping.
    fn flow_entry(&mut self, start: usize, allows_tabs: bool) -> Step<Next> {
        let key = self.flow_scalar(start)?;
        let colon = self.flow_colon(start, &key).ok_or(Bail)?;
        if let Scalar::Plain(_) = key
            && !byte::is_space(self.byte(colon + 1))
        {
            return Err(Bail);
        }
        self.flow_key(start, &key)?;
        self.flow_value(colon, allows_tabs)
    }

    /// An element of a list.
    fn flow_element(&mut self, start: usize, allows_tabs: bool) -> Step<Next> {
        self.count();
        if let b'[' | b'{' = self.byte(start) {
            return self.open_flow(start).map(Next::Inside);
        }
        let scalar = self.flow_scalar(start)?;
        let Some(colon) = self.flow_colon(start, &scalar) else {
            return self.flow_text(start, &scalar).map(Next::Behind);
        };
        if !byte::is_space(self.byte(colon + 1)) {
            return Err(Bail);
        }
        self.open(Form::Pair, start, 0)?;
        self.flow_key(start, &scalar)?;
        self.flow_value(colon, allows_tabs)
    }

    /// Where the colon of a key stands, on the line on which the key begins.
    #[inline]
    fn flow_colon(&self, start: usize, key: &Scalar) -> Option<usize> {
        let colon = match key {
            Scalar::Plain(plain) => plain.stop,
            Scalar::Quoted(quoted) if quoted.has_lines => return None,
            Scalar::Quoted(quoted) => self.after_blanks(quoted.end),
        };
        (self.byte(colon) == b':' && colon - start <= byte::LONGEST_KEY).then_some(colon)
    }

    fn flow_key(&mut self, start: usize, key: &Scalar) -> Step {
        match key {
            Scalar::Plain(plain) => self.plain_key(start, plain.end),
            Scalar::Quoted(quoted) => {
                self.quoted_key(start, quoted.end, quoted.text);
                Ok(())
            }
        }
    }

    /// What follows the colon of a key.
    fn flow_value(&mut self, colon: usize, allows_tabs: bool) -> Step<Next> {
        let at = self.flow_space(colon + 1, allows_tabs)?;
        match self.byte(at) {
            b',' | b'}' | b']' => {
                self.null(colon);
                Ok(Next::Behind(at))
            }
            b'[' | b'{' => self.open_flow(at).map(Next::Inside),
            _ => {
                let scalar = self.flow_scalar(at)?;
                self.flow_text(at, &scalar).map(Next::Behind)
            }
        }
    }

    #[inline]
    fn flow_scalar(&mut self, start: usize) -> Step<Scalar> {
        let first = self.byte(start);
        if let b'"' | b'\'' = first {
            return self.quoted(start, None).map(Scalar::Quoted);
        }
        let next = self.byte(start + 1);
        let is_dash = first == b'-' && !byte::is_space(next) && !byte::is_flow(next);
        if is_dash || byte::is(first, byte::PLAIN_START) {
            Ok(Scalar::Plain(self.flow_plain(start)))
        } else {
            Err(Bail)
        }
    }

    /// Writes a scalar that is a value; gives the place behind it.
    #[inline]
    fn flow_text(&mut self, start: usize, scalar: &Scalar) -> Step<usize> {
        match scalar {
            Scalar::Plain(plain) => {
                let text = Text { start, length: plain.end - start, is_decoded: false };
                self.plain_value(start, plain.end, text)?;
            }
            Scalar::Quoted(quoted) => self.push(Kind::Text, 0, start, quoted.end, quoted.text),
        }
        Ok(scalar.end())
    }
}

/// Where a flow collection goes on.
#[derive(Clone, Copy)]
enum Next {
    /// In a collection that has just begun.
    Inside(usize),
    /// Behind a value.
    Behind(usize),
}
