//! The loops over files and threads: hands the pure stages their sources and puts their results in order.
//!
//! Input: a request. Output: a [`Report`](crate::report::Report), or the results of examples. What it does not do: it reads no
//! arguments, no environment and no clock, and it prints nothing.

mod alter;
mod approvals;
mod assemble;
mod audit;
mod baseline;
mod batches;
mod blame;
mod both;
mod changed;
mod check;
mod course;
mod coverage;
mod diff;
mod events;
mod examples;
mod exclusions;
mod first_pass;
mod follow;
mod gate;
mod history;
mod ledger;
mod owners;
mod period;
mod policies;
mod reach;
mod replay;
mod second_pass;
mod sources;
mod spool;
mod touched;

pub use audit::audit;
pub use baseline::{BaselineMode, NewBaseline, baseline};
pub use blame::{BlameRequest, blame};
pub use check::{Buffer, CheckRequest, Limits, StandardInput, check};
pub use coverage::cover_examples;
pub use diff::{DiffRequest, DiffSources, GateScope, JudgedBy, diff};
pub use examples::{ExampleFailure, ExampleReport, MutationReport, Survivor, run_examples, run_mutants};
pub use follow::Cache;
pub use history::{History, Instant};
pub use period::{PeriodPolicies, PeriodRequest, period};
pub use policies::{Policies, PolicyError, configured_baseline, load_policies};
pub use sources::{Relation, Sources};
