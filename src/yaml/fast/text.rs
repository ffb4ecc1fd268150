//! Scalars: without quotes, in quotes, and block scalars.

use super::{Bail, Reader, Step, Text, byte};
use crate::yaml::tape::Kind;

/// A line of a scalar without quotes.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    /// Where its text ends.
    pub(super) end: usize,
    /// What ended it: a line break, the end, a colon or a comment; in flow collections an indicator too.
    pub(super) stop: usize,
}

/// A scalar in quotes.
#[derive(Clone, Copy)]
pub(super) struct Quoted {
    pub(super) text: Text,
    /// Behind the closing quote.
    pub(super) end: usize,
    /// Whether it goes over several lines.
    pub(super) has_lines: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Clip,
    Strip,
    Keep,
}

impl Reader<'_, '_> {
    pub(super) fn after_blanks(&self, mut at: usize) -> usize {
        while let b' ' | b'\t' = self.byte(at) {
            at += 1;
        }
        at
    }

    /// The place of the next byte of a class, or the end.
    #[inline]
    fn find(&self, from: usize, class: u8) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| byte::is(*byte, class)).unwrap_or(rest.len())
    }

    /// The end of a run without white space at its own end.
    #[inline]
    fn trimmed(&self, start: usize, mut end: usize) -> usize {
        while end > start && matches!(self.byte(end - 1), b' ' | b'\t' | b'\r') {
            end -= 1;
        }
        end
    }

    /// The first line of a scalar without quotes in a block.
    #[inline]
    pub(super) fn plain(&self, start: usize) -> Plain {
        let mut stop = start;
        loop {
            stop = self.find(stop, byte::BLOCK_STOP);
            match self.byte(stop) {
                b':' if !byte::is_space(self.byte(stop + 1)) => {}
                b'#' if !matches!(self.byte(stop.wrapping_sub(1)), b' ' | b'\t') => {}
                _ => return Plain { end: self.trimmed(start, stop), stop },
            }
            stop += 1;
        }
    }

    /// The same in a flow collection.
    #[inline]
    pub(super) fn flow_plain(&self, start: usize) -> Plain {
        let mut stop = start;
        loop {
            stop = self.find(stop, byte::FLOW_STOP);
            match self.byte(stop) {
                b':' => {
                    let next = self.byte(stop + 1);
                    if byte::is_space(next) || byte::is_flow(next) {
                        break;
                    }
                }
                b'#' if !matches!(self.byte(stop.wrapping_sub(1)), b' ' | b'\t') => {}
                _ => break,
            }
            stop += 1;
        }
        Plain { end: self.trimmed(start, stop), stop }
    }

    /// A value without quotes whose first line is read; `floor` is the least column of further lines. Goes to the
    /// beginning of the next line.
    #[inline]
    pub(super) fn plain_lines(&mut self, start: usize, first: Plain, floor: usize) -> Step {
        let mut last = first;
        let begin = self.to.decoded.len();
        let mut has_lines = false;
        loop {
            match self.byte(last.stop) {
                b':' => return Err(Bail),
                b'#' => {
                    self.at = self.after_line(last.stop);
                    break;
                }
                0 => {
                    self.at = last.stop;
                    break;
                }
                _ => {}
            }
            let Some((at, breaks)) = self.next_plain_line(last.stop + 1, floor)? else { break };
            if !has_lines {
                has_lines = true;
                self.copy(start, first.end);
            }
            self.fold(breaks);
            last = self.plain(at);
            self.copy(at, last.end);
        }
        let text = if has_lines {
            Text { start: begin, length: self.to.decoded.len() - begin, is_decoded: true }
        } else {
            Text { start, length: first.end - start, is_decoded: false }
        };
        self.plain_value(start, last.end, text)
    }

    /// Where a scalar without quotes goes on, and the empty lines before. If it does not, `self.at` is the beginning of
    /// the line that ends it.
    #[inline]
    fn next_plain_line(&mut self, from: usize, floor: usize) -> Step<Option<(usize, usize)>> {
        let (mut line, mut breaks) = (from, 0);
        loop {
            let at = self.after_spaces(line);
            match self.byte(at) {
                b'\n' => line = at + 1,
                b'\r' => line = at + 2,
                b'\t' => return Err(Bail),
                0 | b'#' => break,
                _ if at - line >= floor => return Ok(Some((at, breaks))),
                _ => break,
            }
            breaks += 1;
        }
        self.at = line;
        Ok(None)
    }

    fn copy(&mut self, start: usize, end: usize) {
        self.to.decoded.push_str(self.text.get(start..end).unwrap_or_default());
    }

    /// One line break is a space; further ones stay.
    fn fold(&mut self, breaks: usize) {
        if breaks == 0 {
            self.to.decoded.push(' ');
        }
        self.breaks(breaks);
    }

    fn breaks(&mut self, count: usize) {
        for _ in 0..count {
            self.to.decoded.push('\n');
        }
    }

    /// A scalar in quotes. In a block its further lines stand at `floor` or further right.
    #[inline]
    pub(super) fn quoted(&mut self, start: usize, floor: Option<usize>) -> Step<Quoted> {
        let quote = self.byte(start);
        let from = start + 1;
        let stop = self.find(from, if quote == b'"' { byte::DOUBLE_STOP } else { byte::SINGLE_STOP });
        if self.byte(stop) == quote && (quote == b'"' || self.byte(stop + 1) != quote) {
            // Empty text has the place of the scalar.
            let text = if stop == from { start } else { from };
            let text = Text { start: text, length: stop - from, is_decoded: false };
            return Ok(Quoted { text, end: stop + 1, has_lines: false });
        }
        self.quoted_rest(start, stop, floor)
    }

    /// The same if something in it must be decoded; it is read up to `at`.
    fn quoted_rest(&mut self, start: usize, mut at: usize, floor: Option<usize>) -> Step<Quoted> {
        let quote = self.byte(start);
        let class = if quote == b'"' { byte::DOUBLE_STOP } else { byte::SINGLE_STOP };
        let begin = self.to.decoded.len();
        let mut from = start + 1;
        let mut has_lines = false;
        loop {
            let here = self.byte(at);
            if here == quote {
                self.copy(from, at);
                if quote == b'"' || self.byte(at + 1) != quote {
                    break;
                }
                self.to.decoded.push('\'');
                from = at + 2;
            } else if here == b'\n' {
                self.copy(from, self.trimmed(from, at));
                let (next, breaks) = self.quoted_lines(at + 1)?;
                if floor.is_some_and(|floor| next - self.line < floor) && self.byte(next) != quote {
                    return Err(Bail);
                }
                self.fold(breaks);
                (from, has_lines) = (next, true);
            } else if here == b'\\' {
                self.copy(from, at);
                let line = match self.bytes.get(at + 1..) {
                    Some([b'\n', ..]) => Some(at + 2),
                    Some([b'\r', ..]) => Some(at + 3),
                    _ => None,
                };
                if let Some(line) = line {
                    let (next, breaks) = self.quoted_lines(line)?;
                    self.breaks(breaks);
                    (from, has_lines) = (next, true);
                } else {
                    from = self.escape(at)?;
                }
            } else {
                return Err(Bail);
            }
            at = self.find(from, class);
        }
        let length = self.to.decoded.len() - begin;
        let text = if length == 0 {
            Text { start, length, is_decoded: false }
        } else {
            Text { start: begin, length, is_decoded: true }
        };
        Ok(Quoted { text, end: at + 1, has_lines })
    }

    /// Enters the next line of a scalar in quotes: where it goes on, and the empty lines before.
    fn quoted_lines(&mut self, line: usize) -> Step<(usize, usize)> {
        let (mut line, mut breaks) = (line, 0);
        loop {
            let at = self.flow_line(line, false)?;
            match self.byte(at) {
                b'\n' => line = at + 1,
                b'\r' => line = at + 2,
                _ => return Ok((at, breaks)),
            }
            breaks += 1;
        }
    }

    /// Decodes an escape; gives the place behind it.
    fn escape(&mut self, at: usize) -> Step<usize> {
        let (character, length) = match self.byte(at + 1) {
            b'0' => ('\0', 0),
            b'a' => ('\x07', 0),
            b'b' => ('\x08', 0),
            b't' | b'\t' => ('\t', 0),
            b'n' => ('\n', 0),
            b'v' => ('\x0b', 0),
            b'f' => ('\x0c', 0),
            b'r' => ('\r', 0),
            b'e' => ('\x1b', 0),
            b' ' => (' ', 0),
            b'"' => ('"', 0),
            b'/' => ('/', 0),
            b'\\' => ('\\', 0),
            b'N' => ('\u{85}', 0),
            b'_' => ('\u{a0}', 0),
            b'L' => ('\u{2028}', 0),
            b'P' => ('\u{2029}', 0),
            b'x' => self.code_point(at + 2, 2)?,
            b'u' => self.code_point(at + 2, 4)?,
            b'U' => self.code_point(at + 2, 8)?,
            _ => return Err(Bail),
        };
        self.to.decoded.push(character);
        Ok(at + 2 + length)
    }

    /// A character given by its number, and the bytes that this takes: more with the second half of a pair.
    fn code_point(&self, at: usize, length: usize) -> Step<(char, usize)> {
        let value = self.hexadecimal(at, length)?;
        if length == 4 && (0xd800..0xdc00).contains(&value) {
            let low = match self.bytes.get(at + 4..) {
                Some([b'\\', b'u', ..]) => self.hexadecimal(at + 6, 4)?,
                _ => return Err(Bail),
            };
            if !(0xdc00..0xe000).contains(&low) {
                return Err(Bail);
            }
            let whole = 0x1_0000 + (((value - 0xd800) << 10) | (low - 0xdc00));
            return char::from_u32(whole).map(|character| (character, 10)).ok_or(Bail);
        }
        char::from_u32(value).map(|character| (character, length)).ok_or(Bail)
    }

    fn hexadecimal(&self, at: usize, length: usize) -> Step<u32> {
        let digits = self.bytes.get(at..at + length).ok_or(Bail)?;
        digits.iter().try_fold(0_u32, |value, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(Bail)?;
            Ok(value << 4 | digit)
        })
    }

    /// A literal or folded block scalar within a collection in column `outer`. Goes to the beginning of the line that
    /// ends it.
    pub(super) fn block_scalar(&mut self, start: usize, outer: usize) -> Step {
        let is_literal = self.byte(start) == b'|';
        let (chomp, increment) = self.block_header(start)?;
        let header = self.at;
        if self.byte(header) == b'\t' {
            return Err(Bail);
        }
        let (line, mut at, indent, mut breaks) = if increment == 0 {
            self.block_indent(header, outer)
        } else {
            let indent = outer + increment;
            let (line, at, breaks) = self.block_line(header, indent);
            (line, at, indent, breaks)
        };
        self.line = line;
        let column = at - line;
        if at == self.bytes.len() || (column < indent && column > outer) {
            return Err(Bail);
        }
        let (first, begin) = (at, self.to.decoded.len());
        let (mut after_break, mut after_blank) = (false, false);
        let mut is_whole = true;
        while at - self.line == indent && at < self.bytes.len() {
            let is_blank = matches!(self.byte(at), b' ' | b'\t');
            if is_literal || !after_break || after_blank || is_blank {
                self.breaks(breaks + usize::from(after_break));
            } else {
                self.fold(breaks);
            }
            after_blank = is_blank;
            let next = self.after_line(at);
            let end = self.before_break(at, next);
            self.copy(at, end);
            if end == next {
                // The end of the text takes the place of the last line break.
                (is_whole, after_break, breaks) = (false, false, 0);
                (at, self.line) = (next, next);
                break;
            }
            after_break = true;
            (self.line, at, breaks) = self.block_line(next, indent);
        }
        if chomp != Chomp::Strip && (after_break || !is_whole) {
            self.to.decoded.push('\n');
        }
        if chomp == Chomp::Keep {
            self.breaks(breaks);
        }
        let length = self.to.decoded.len() - begin;
        let text = if length == 0 {
            Text { start: first, length, is_decoded: false }
        } else {
            Text { start: begin, length, is_decoded: true }
        };
        self.push(Kind::Text, 0, first, at, text);
        self.at = self.line;
        Ok(())
    }

    /// What stands behind the indicator of a block scalar; goes to the next line.
    fn block_header(&mut self, start: usize) -> Step<(Chomp, usize)> {
        let (mut chomp, mut increment) = (Chomp::Clip, 0);
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                b'+' if chomp == Chomp::Clip => chomp = Chomp::Keep,
                b'-' if chomp == Chomp::Clip => chomp = Chomp::Strip,
                digit @ b'1'..=b'9' if increment == 0 => increment = usize::from(digit - b'0'),
                _ => break,
            }
            at += 1;
        }
        self.end_line(at)?;
        // At the very end there is no line for its text.
        if self.at == self.bytes.len() { Err(Bail) } else { Ok((chomp, increment)) }
    }

    /// The first line of a block scalar that is not empty: where it begins, its first byte behind the indentation, the
    /// indentation, and the empty lines before. An empty line that is longer counts for the indentation.
    fn block_indent(&self, from: usize, outer: usize) -> (usize, usize, usize, usize) {
        let (mut line, mut breaks, mut widest) = (from, 0, outer + 1);
        loop {
            let at = self.after_spaces(line);
            widest = widest.max(at - line);
            match self.byte(at) {
                b'\n' => line = at + 1,
                b'\r' => line = at + 2,
                _ => return (line, at, widest, breaks),
            }
            breaks += 1;
        }
    }

    /// The next line that is not empty: where it begins, its first byte behind the indentation, and the empty lines
    /// before.
    #[inline]
    fn block_line(&self, from: usize, indent: usize) -> (usize, usize, usize) {
        let (mut line, mut breaks) = (from, 0);
        loop {
            let mut at = line;
            while at - line < indent && self.byte(at) == b' ' {
                at += 1;
            }
            match self.byte(at) {
                b'\n' => line = at + 1,
                b'\r' => line = at + 2,
                _ => return (line, at, breaks),
            }
            breaks += 1;
        }
    }
}
