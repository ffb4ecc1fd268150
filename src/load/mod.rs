//! Files of a work tree or of a commit: which there are, and their bytes; and what git knows of history.
//!
//! Input: a folder, and the name of a revision. Output: a [`Source`] with a listing, the bytes of single files and what
//! stands at a path, with a problem for whatever cannot be listed or read; commits, and what differs between two. The
//! home of git2. What it does not do: it parses nothing, follows no symbolic link, checks nothing out, and writes nowhere but to the folder
//! of a [`Memo`], where a [`Draft`] is to become a file, and to a [`scratch_file`].

mod commit;
mod draft;
mod held;
mod history;
mod listing;
mod memo;
mod object;
mod owners;
mod repository;
mod root;
mod scratch;
mod source;
mod stat;
mod tree;
mod worktree;

pub use commit::Commit;
pub use draft::{Draft, remove_drafts};
pub use held::Held;
pub use history::{CommitInfo, DefaultBranch, FirstParents, Signature};
pub use listing::{Entry, Listing, SkipReason, Skipped};
pub use memo::{Memo, MemoKey};
pub use object::{ObjectId, Revision};
pub use owners::{CODEOWNERS, Codeowners};
pub use repository::{Repository, verify_objects};
pub use root::{CONFIG_FILE, LoadError, Root};
pub use scratch::scratch_file;
pub use source::{Located, Mounted, Source};
pub use tree::{ChangedPath, EntryKind};
