//! Any bytes to a tape, which is then walked, sorted into resources, and copied.
#![no_main]

use std::sync::Arc;

use assize::estate::{Expectation, classify};
use assize::problem::Code;
use assize::yaml::{Kind, Limits, LineIndex, NodeRef, Tape, parse};
use libfuzzer_sys::fuzz_target;

/// Small enough that aliases do not make the run slow, large enough that they do something.
const LIMITS: Limits = Limits { depth: 32, nodes: 20_000, alias_nodes: 5_000, documents: 100, strict: false };

fuzz_target!(|bytes: &[u8]| {
    let file: Arc<str> = "fuzz.yaml".into();
    let (mut tape, problems) = parse(bytes.to_vec(), &file, &LIMITS);
    if std::str::from_utf8(bytes).is_err() {
        assert!(!problems.is_empty());
    }
    for problem in &problems {
        let location = problem.location.as_ref().expect("a problem of a file has a place");
        assert!(location.line > 0 && location.column > 0);
        assert_ne!(problem.code, Code::InternalError, "{}", problem.message);
    }
    check_tape(&tape);
    for expectation in [Expectation::Anything, Expectation::Resources] {
        let classified = classify(&mut tape, &file, None, expectation);
        for candidate in &classified.candidates {
            assert!(!candidate.identity.kind.is_empty());
            let _ = tape.node(candidate.anchor).span();
            let _ = tape.node(candidate.node).to_value();
        }
    }
    // Sorting has set the dialect, which changes kinds and never the shape.
    check_tape(&tape);
});

fn check_tape(tape: &Tape) {
    let lines = LineIndex::new(tape.source());
    let mut next = 0;
    let mut indices = Vec::new();
    for document in &tape.documents {
        let root = tape.root(document);
        assert_eq!(root.index(), next, "documents lie one after the other");
        indices.push(document.index);
        next += check_node(tape, root, 0);
        for fault in &document.faults {
            check_span(tape, fault.span.start, fault.span.end);
        }
        assert!(!root.is_key());
        let _ = root.to_value();
    }
    assert!(indices.is_sorted_by(|one, other| one < other));
    let end = u32::try_from(tape.source().len()).expect("inputs are small");
    for offset in [0, end / 2, end] {
        let (line, column) = lines.position(offset);
        assert!(line > 0 && column > 0);
    }
}

fn check_span(tape: &Tape, start: u32, end: u32) {
    assert!(start <= end);
    assert!(tape.source().get(start as usize..end as usize).is_some(), "{start}..{end} cuts the source");
}

/// Checks a subtree; gives the number of its nodes.
fn check_node(tape: &Tape, node: NodeRef<'_>, depth: usize) -> u32 {
    // A merge key may stand one level above what it brings.
    assert!(depth <= LIMITS.depth, "deeper than the limit");
    let span = node.span();
    check_span(tape, span.start, span.end);
    if let Some((span, label)) = node.used_at() {
        check_span(tape, span.start, span.end);
        assert!(!label.is_empty());
    }
    let mut size = 1;
    let mut children = 0;
    for element in node.elements() {
        assert_eq!(element.index(), node.index() + size);
        assert!(!element.is_key());
        size += check_node(tape, element, depth + 1);
        children += 1;
    }
    for (key, value) in node.members() {
        assert_eq!(key.index(), node.index() + size);
        assert_eq!(value.index(), key.index() + 1);
        assert!(key.is_key() && !value.is_key() && !key.is_ambiguous());
        assert!(!matches!(key.kind(), Kind::Map | Kind::List));
        assert!(node.get(key.text()).is_some());
        size += 1 + check_node(tape, value, depth + 1);
        children += 1;
    }
    assert_eq!(children, node.len());
    assert_eq!(node.descendants().count(), size as usize, "the size of a subtree is that of its parts");
    assert_eq!(node.as_number().is_some(), matches!(node.kind(), Kind::Int | Kind::Float));
    size
}
