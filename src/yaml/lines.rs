//! From byte offsets to lines and columns.

use std::borrow::Cow;
use std::sync::Arc;

use super::tape::Span;
use crate::finding::Location;

/// Bytes between two counts of lines, and of characters.
const STRIDE: usize = 256;

/// Where the lines of a text begin. Built once a file, and only for files that have something to report.
#[derive(Debug)]
pub struct LineIndex<'a> {
    text: Cow<'a, str>,
    /// The line in which every `STRIDE`th byte stands. A table of all lines would have the size of a text of empty ones, and
    /// more.
    lines: Vec<Line>,
    /// Characters before every `STRIDE`th byte, so that a column in a line of megabytes costs no walk along it.
    /// Empty for ASCII, where bytes are characters.
    counts: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    /// From 1.
    number: u32,
    /// Where it begins.
    start: u32,
}

impl<'a> LineIndex<'a> {
    /// Indexes a text; a line ends with LF, CRLF or CR.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        // A byte order mark is no column.
        let first = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let mut line = Line { number: 1, start: first };
        let mut lines = Vec::with_capacity(bytes.len() / STRIDE + 1);
        let mut breaks = breaks(bytes, 0, bytes.len()).peekable();
        for border in (0..=bytes.len()).step_by(STRIDE) {
            while let Some(end) = breaks.next_if(|end| *end <= border) {
                line = line.next(end);
            }
            lines.push(line);
        }
        drop(breaks);
        let mut counts = Vec::new();
        if !text.is_ascii() {
            let mut count = 0;
            for part in bytes.chunks(STRIDE) {
                counts.push(count);
                count += characters(part);
            }
            counts.push(count);
        }
        Self { text, lines, counts }
    }

    /// Line and column of an offset, both from 1; columns count Unicode scalar values.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let bytes = self.text.as_bytes();
        let end = bytes.len().min(offset as usize);
        let block = end / STRIDE;
        let line = self.lines.get(block).copied().unwrap_or(Line { number: 1, start: 0 });
        let line = breaks(bytes, block * STRIDE, end).fold(line, Line::next);
        (line.number, self.count(offset).saturating_sub(self.count(line.start)) + 1)
    }

    /// Characters that begin before an offset.
    fn count(&self, offset: u32) -> u32 {
        let offset = self.text.len().min(offset as usize);
        let block = offset / STRIDE;
        match self.counts.get(block) {
            None => u32::try_from(offset).unwrap_or(u32::MAX),
            Some(before) => {
                let part = self.text.as_bytes().get(block * STRIDE..offset).unwrap_or_default();
                before + characters(part)
            }
        }
    }

    /// The location of a span; white space at its end is left off.
    pub fn location(&self, file: &Arc<str>, span: Span, path: &str) -> Location {
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let end = span.start + u32::try_from(text.trim_end().len()).unwrap_or_default();
        let (line, column) = self.position(span.start);
        let (end_line, end_column) = self.position(end);
        // The empty text of `default` takes no memory.
        let path = if path.is_empty() { Arc::default() } else { path.into() };
        Location { file: Arc::clone(file), line, column, end_line, end_column, path }
    }
}

impl Line {
    /// The line after one that ends there.
    fn next(self, end: usize) -> Self {
        Self { number: self.number.saturating_add(1), start: u32::try_from(end).unwrap_or(u32::MAX) }
    }
}

/// Where the lines end, each with its break, that have their last byte between two places.
fn breaks(bytes: &[u8], from: usize, to: usize) -> impl Iterator<Item = usize> {
    let part = bytes.get(from..to).unwrap_or_default();
    let ends = memchr::memchr2_iter(b'\n', b'\r', part).map(move |at| from + at + 1);
    ends.filter(|end| bytes.get(end - 1) != Some(&b'\r') || bytes.get(*end) != Some(&b'\n'))
}

/// Characters that begin in a part of a UTF-8 text: all bytes but those that go on with one.
fn characters(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(byte & 0xc0 != 0x80)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines() {
        for text in ["a".repeat(2_000), "é".repeat(2_000), "a€".repeat(1_000), "x\ny€".repeat(500)] {
            let index = LineIndex::new(&text);
            let (mut line, mut column) = (1, 1);
            for (at, character) in text.char_indices() {
                assert_eq!(index.position(u32::try_from(at).unwrap()), (line, column));
                (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            assert_eq!(index.position(u32::try_from(text.len()).unwrap()), (line, column));
        }
    }

    #[test]
    fn line_breaks_at_every_border() {
        for end in ["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"] {
            for length in STRIDE - 3..STRIDE + 3 {
                let text = format!("{}{end}b", "a".repeat(length)).repeat(4);
                let index = LineIndex::new(&text);
                let mut place = (1, 1);
                for at in 0..=text.len() {
                    assert_eq!(index.position(u32::try_from(at).unwrap()), place, "{end:?} {length} {at}");
                    let is_break = match text.as_bytes().get(at) {
                        Some(b'\n') => true,
                        Some(b'\r') => text.as_bytes().get(at + 1) != Some(&b'\n'),
                        _ => false,
                    };
                    place = if is_break { (place.0 + 1, 1) } else { (place.0, place.1 + 1) };
                }
            }
        }
    }

    #[test]
    fn columns_count_scalar_values_and_lines_every_line_break() {
        let index = LineIndex::new("é: x\r\nb: 1\rc\n");
        assert_eq!(index.position(0), (1, 1));
        assert_eq!(index.position(4), (1, 4));
        assert_eq!(index.position(7), (2, 1));
        assert_eq!(index.position(12), (3, 1));
        assert_eq!(index.position(14), (4, 1));
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        assert_eq!(LineIndex::new("\u{feff}a: 1").position(3), (1, 1));
    }
}
