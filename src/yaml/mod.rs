//! YAML and JSON text into a tape: a flat pre-order array of small nodes with byte spans.
//!
//! Input: the bytes of one file. Output: a [`Tape`] with its documents, their faults, and problems of
//! syntax. What this module does not do: it builds no tree of boxed values, knows nothing of resources, and
//! never decides whether a fault matters; that is for the stage that knows what the document is.

mod build;
mod de;
mod fast;
mod kept;
mod lines;
mod node;
mod parse;
mod scalar;
mod tape;

pub use de::{Place, TypedError, typed};
pub use lines::LineIndex;
pub use node::{Elements, Members, NodeRef, Number};
pub use parse::{Limits, parse};
pub use scalar::Dialect;
pub use tape::{Document, Fault, Kind, Span, Tape, hint_of};
