//! From the bytes of a file to its tape: text, limits, and the problems of the file as a whole.

use std::sync::Arc;

use super::build::{Builder, offset};
use super::lines::LineIndex;
use super::tape::{Span, Tape};
use crate::problem::{Code, Problem};

/// How much a file may hold. Beyond a limit the file is a problem; what came before it stays.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Levels of nesting, aliases expanded.
    pub depth: usize,
    /// Values and keys of a file, aliases expanded.
    pub nodes: usize,
    /// Values and keys of a file that come from aliases and merge keys.
    pub alias_nodes: usize,
    /// Documents of a file.
    pub documents: usize,
    /// Whether the general parser reads everything. It changes no tape, only how long it takes.
    pub strict: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 128, nodes: 8_000_000, alias_nodes: 1_000_000, documents: 200_000, strict: false }
    }
}

/// Parses a file. `file` names it in problems; they concern syntax and limits only, other faults stay with
/// their document. A broken document does not hide those before and after it.
pub fn parse(bytes: Vec<u8>, file: &Arc<str>, limits: &Limits) -> (Tape, Vec<Problem>) {
    let source = match decode(bytes, file) {
        Ok(source) => source,
        Err(problem) => return (Tape::default(), vec![*problem]),
    };
    if let Some(problem) = forbidden_character(&source, file) {
        return (Tape { source, ..Tape::default() }, vec![problem]);
    }
    let mut builder = Builder::new(&source, limits);
    let mut broken = builder.run(0..source.len());
    if !broken.is_empty()
        && let Some(values) = json_values(&source, file)
    {
        builder = Builder::new(&source, limits);
        broken = values.into_iter().flat_map(|range| builder.run(range)).collect();
    }
    let problems = if broken.is_empty() {
        Vec::new()
    } else {
        let lines = LineIndex::new(&source);
        broken
            .into_iter()
            .map(|fault| {
                let problem =
                    Problem::new(fault.code, fault.message).at(lines.location(file, fault.span, ""));
                match fault.related {
                    Some((span, label)) => problem.with_related(lines.location(file, span, ""), label),
                    None => problem,
                }
            })
            .collect()
    };
    let tape = builder.finish();
    (Tape { source, ..tape }, problems)
}

/// The values of a JSON file that holds several without a separator, as many programs write them. None if it
/// is no such file: then what the YAML parser says stands.
fn json_values(source: &str, file: &str) -> Option<Vec<std::ops::Range<usize>>> {
    let is_json = file.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"));
    if !is_json {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(source).into_iter::<serde::de::IgnoredAny>();
    let mut ranges = Vec::new();
    loop {
        let start = values.byte_offset();
        match values.next() {
            Some(Ok(_)) => ranges.push(start..values.byte_offset()),
            Some(Err(_)) => return None,
            None => return (ranges.len() > 1).then_some(ranges),
        }
    }
}

fn decode(bytes: Vec<u8>, file: &Arc<str>) -> Result<String, Box<Problem>> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let problem = Problem::new(Code::InvalidEncoding, format!("byte {valid} is not UTF-8"));
        let problem = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            problem.with_help("the file looks like UTF-16; save it as UTF-8")
        } else {
            problem
        };
        let before = bytes.get(..valid).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        let end = u32::try_from(valid).unwrap_or(u32::MAX);
        Box::new(problem.at(LineIndex::new(before).location(file, Span { start: end, end }, "")))
    })
}

/// C0 controls except tab and line breaks, DEL and C1 controls except NEL (YAML 1.2.2, section 5.1).
fn forbidden_character(source: &str, file: &Arc<str>) -> Option<Problem> {
    let bytes = source.as_bytes();
    let is_control = |b: u8| (b < 0x20 && b != b'\t' && b != b'\n' && b != b'\r') || b == 0x7f;
    // A fold without an early end runs at the speed of memory; the search runs only when there is something.
    let ascii = bytes.iter().fold(false, |found, b| found | is_control(*b));
    let at = if ascii {
        bytes.iter().position(|b| is_control(*b))
    } else {
        memchr::memchr_iter(0xc2, bytes)
            .find(|at| bytes.get(at + 1).is_some_and(|next| (0x80..0xa0).contains(next) && *next != 0x85))
    }?;
    let character = source.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
    let span = Span { start: offset(at), end: offset(at + character.len_utf8()) };
    Some(
        Problem::new(
            Code::ControlCharacter,
            format!("character U+{:04X} is not allowed in YAML", u32::from(character)),
        )
        .at(LineIndex::new(source).location(file, span, "")),
    )
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
