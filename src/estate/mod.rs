//! From documents to resources: identity, kind, and whether the document keeps its kind's schema.
//!
//! Input: a parsed file and what the configuration says about its documents. Output: candidates for
//! evaluation and problems. What it does not do: it reads no files, and no rule is known here.

mod circle;
mod combined;
mod field;
mod gathered;
mod identity;
mod inventory;
mod kind;
mod network;
mod sensitive;

pub use combined::combined_schema;
pub use field::FileField;
pub use gathered::{Gathered, Keep};
pub use identity::{Candidate, Classified, DocumentMapping, Expectation, classify, identity_of};
pub use inventory::{Directions, Inventory, Reference, ReferenceField, reference_fields};
pub use kind::{KindLibrary, KindName, KindSchema, Pattern};
pub use sensitive::{SensitiveField, sensitive_fields};
