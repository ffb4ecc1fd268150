//! How the work of a run is cut, so that results do not depend on threads.

use crate::load::Entry;

/// Files are handed to threads in batches of about so many bytes.
const BATCH: u64 = 512 << 10;
/// The first batch is small, as is the first block of work.
const FIRST_BATCH: u64 = 16 << 10;

/// Work is done in blocks, small ones first, so that a rule that is to be given up has not been asked too often
/// by then. Their borders do not depend on threads, so neither do results.
pub(super) const FIRST_BATCHES: usize = 2;
pub(super) const MOST_BATCHES: usize = 256;
pub(super) const FIRST_FILES: usize = 4;
pub(super) const MOST_FILES: usize = 4096;

/// A file with many resources is work for several threads. Each part reads it again for the places of its findings, so
/// that there are few of them.
pub(super) const MOST_PARTS: usize = 8;
/// Resources of a part.
pub(super) const SMALLEST_PART: usize = 2048;

/// Why a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The command line names it.
    Named,
    /// It belongs to what is checked.
    Listed,
    /// It is not checked, and what is checked may refer to it.
    Context,
}

/// Cuts work into blocks, each twice as large as the one before.
pub(super) fn blocks<T>(work: &[T], first: usize, most: usize) -> Vec<&[T]> {
    let mut blocks = Vec::new();
    let (mut rest, mut size) = (work, first);
    while !rest.is_empty() {
        let (block, after) = rest.split_at(size.min(rest.len()));
        blocks.push(block);
        rest = after;
        size = (size * 2).min(most);
    }
    blocks
}

/// Cuts the files into batches of about equal bytes, in order, so that their results are in order as well.
pub(super) fn batches(entries: &[(Entry, Role)]) -> Vec<&[(Entry, Role)]> {
    let mut batches = Vec::new();
    let mut rest = entries;
    let mut most = FIRST_BATCH;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|(entry, _)| {
            let before = bytes;
            // An empty file still costs a system call or two.
            bytes += entry.size + 256;
            before < most
        });
        let (batch, after) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = after;
        most = (most * 2).min(BATCH);
    }
    batches
}
