//! A rule from any bytes, with the built-in kinds: read, compiled, and its examples judged.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};

use assize::estate::{KindLibrary, KindName};
use assize::finding::OWN_GROUP;
use assize::policy::{PolicySource, Selection, build, builtin_kind_schemas};
use assize::run::{Policies, run_examples};
use assize::yaml::{Limits, parse};
use libfuzzer_sys::fuzz_target;
use rayon::ThreadPool;

/// The kinds compile once and serve all inputs.
static POLICIES: LazyLock<Mutex<Policies>> = LazyLock::new(|| {
    let mut kinds = KindLibrary::default();
    for (kind, path, text) in builtin_kind_schemas() {
        let schema = serde_json::from_str(text).expect("the schemas of the library are JSON");
        kinds.add(KindName { group: OWN_GROUP.into(), kind: kind.into() }, schema, path.into());
    }
    Mutex::new(Policies::of_kinds(kinds))
});

/// Stacks as large as those of the program.
static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(64 << 20).build();
    pool.expect("there is a thread to start")
});

fuzz_target!(|bytes: &[u8]| {
    let file: Arc<str> = "policies/fuzz.yaml".into();
    POOL.install(|| {
        let (tape, _) = parse(bytes.to_vec(), &file, &Limits { alias_nodes: 5_000, ..Limits::default() });
        let source = PolicySource { file, tape: Arc::new(tape), is_builtin: false, rego: None, framework: None };
        let mut policies = POLICIES.lock().expect("a panic ends the run");
        let (rules, problems) = build(&[source], &policies.config, &Selection::default(), &policies.kinds, &|_| false);
        for problem in &problems {
            assert!(!problem.message.is_empty());
        }
        policies.rules = rules;
        let report = run_examples(&policies);
        for failure in &report.failures {
            assert!(!failure.differences.is_empty());
        }
        policies.rules = assize::policy::RuleSet::default();
    });
});
