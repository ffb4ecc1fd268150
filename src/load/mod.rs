//! Files of a work tree: which there are, and their bytes.
//!
//! Input: a folder. Output: its root, a listing, and the bytes of single files, with a problem for whatever
//! cannot be listed or read. The home of git2. What it does not do: it parses nothing, follows no symbolic
//! link, and writes nowhere.

mod listing;
mod root;
mod worktree;

pub use listing::{Entry, Listing, SkipReason, Skipped};
pub use root::{CONFIG_FILE, LoadError, Root};
