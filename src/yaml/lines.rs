//! From byte offsets to lines and columns.

use std::borrow::Cow;
use std::sync::Arc;

use super::tape::Span;
use crate::finding::Location;

/// Bytes between two counts of characters.
const STRIDE: usize = 256;

/// Where the lines of a text begin. Built once a file, and only for files that have something to report.
#[derive(Debug)]
pub struct LineIndex<'a> {
    text: Cow<'a, str>,
    starts: Vec<u32>,
    /// Characters before every `STRIDE`th byte, so that a column in a line of megabytes costs no walk along it.
    /// Empty for ASCII, where bytes are characters.
    counts: Vec<u32>,
}

impl<'a> LineIndex<'a> {
    /// Indexes a text; a line ends with LF, CRLF or CR.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        // A byte order mark is no column.
        let first = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let mut starts = vec![first];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let crlf = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            if !crlf {
                starts.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
            }
        }
        let mut counts = Vec::new();
        if !text.is_ascii() {
            let mut count = 0;
            for part in bytes.chunks(STRIDE) {
                counts.push(count);
                count += characters(part);
            }
            counts.push(count);
        }
        Self { text, starts, counts }
    }

    /// Line and column of an offset, both from 1; columns count Unicode scalar values.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.count(offset).saturating_sub(self.count(start)) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), column)
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
        Location { file: Arc::clone(file), line, column, end_line, end_column, path: path.into() }
    }
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
