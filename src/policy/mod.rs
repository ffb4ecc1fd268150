//! Rules, frameworks and the configuration, from documents to a compiled rule set.
//!
//! Input: the documents of `assize.yaml`, of `policies/`, and of the built-in library. Output: a [`RuleSet`]
//! and problems. What it does not do: it reads no files and evaluates nothing.

mod approvals;
mod baseline;
mod config;
mod digest;
mod document;
mod framework;
mod library;
mod matching;
mod means;
mod pack;
mod packed;
mod rego;
mod role;
mod rule;
mod rule_set;
mod waiver;

pub use approvals::{APPROVALS_VERSION, Approvals, ImportedApproval, parse_approvals};
pub use baseline::{BASELINE_VERSION, Baseline, BaselineEntry, parse_baseline, rule_digest};
pub use config::{Config, DocumentsEntry, RuleSetting, parse_config};
pub use digest::{DigestBuilder, PolicyDigest};
pub use document::{Locator, OneOrMany};
pub use framework::{Binding, Framework, Frameworks, Requirement, RequirementRef, Testable};
pub use library::{
    BuiltinPolicy, builtin_kind_schemas, builtin_policies, builtin_schema, builtin_schema_names,
};
pub use matching::Match;
pub use means::Means;
pub use pack::{left_framework, pack};
pub use packed::Packed;
pub use rego::{RegoPlace, RegoText, rego_header};
pub use role::Roles;
pub use rule::{Changed, Check, Compiled, EXAMPLE_CLOCK, Example, Expected, Origin, Rule, RuleProblems};
pub use rule_set::{
    AMBIGUOUS_SCALAR, Absence, BaselineChoice, LINKED_FILE_MISSING, LOOKS_AT_A_CHANGE, NotSelected,
    PolicySource, RuleSet, Selection, UNRESOLVED_REFERENCE, build,
};
pub use waiver::{InlineIgnore, Waiver, WaiverPolicy, WaiverType, inline_ignores, read_waiver};
