//! `assize.yaml` from any bytes: a configuration or problems, never both and never neither.
#![no_main]

use std::sync::Arc;

use assize::policy::parse_config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(problems) = parse_config(bytes.to_vec(), &Arc::from("assize.yaml")) {
        assert!(!problems.is_empty());
        for problem in problems {
            let location = problem.location.expect("a problem of a file has a place");
            assert!(location.line > 0 && location.column > 0);
            assert!((location.line, location.column) <= (location.end_line, location.end_column));
        }
    }
});
