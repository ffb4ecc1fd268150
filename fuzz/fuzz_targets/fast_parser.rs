//! Any bytes to a tape by the fast parser and by the general one: tape and problems must be the same.
#![no_main]

use std::sync::Arc;

use assize::yaml::{Limits, parse};
use libfuzzer_sys::fuzz_target;

/// Small enough that aliases do not make the run slow.
const LIMITS: Limits = Limits { depth: 32, nodes: 20_000, alias_nodes: 5_000, documents: 100, strict: false };

/// Limits that texts of a few lines reach.
const TIGHT: Limits = Limits { depth: 3, nodes: 12, alias_nodes: 5, documents: 2, strict: false };

fuzz_target!(|bytes: &[u8]| {
    let mut file: Arc<str> = "fuzz.yaml".into();
    compare(bytes, &file, &LIMITS);
    compare(bytes, &file, &TIGHT);
    // JSON without separators is read value by value.
    if bytes.first() == Some(&b'{') {
        file = "fuzz.json".into();
        compare(bytes, &file, &LIMITS);
    }
});

fn compare(bytes: &[u8], file: &Arc<str>, limits: &Limits) {
    let (mut fast, problems) = parse(bytes.to_vec(), file, limits);
    assert!(fast.fast_bytes <= bytes.len());
    fast.fast_bytes = 0;
    let strict = parse(bytes.to_vec(), file, &Limits { strict: true, ..*limits });
    assert_eq!(strict.0.fast_bytes, 0);
    assert_eq!((fast, problems), strict);
}
