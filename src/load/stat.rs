//! Which files of a work tree still have the content that the index says, told from their stat data alone.
//!
//! What git would look at again is left unknown, so that somebody reads it: entries as young as the index itself,
//! assume-unchanged and skip-worktree, and files that a filter or a conversion of line ends has written.

use std::path::Path;

use super::listing::Entry;
use super::repository::Repository;

/// Gives entries, which are sorted by their paths, their blob.
#[cfg(not(unix))]
pub(super) fn identify(_repository: &Repository, _top: &Path, _entries: &mut [Entry]) {}

#[cfg(unix)]
pub(super) use unix::identify;

#[cfg(unix)]
mod unix {
    use std::fs::{self, Metadata};
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::MetadataExt as _;

    use git2::{IndexEntry, IndexEntryExtendedFlag, IndexEntryFlag};

    use super::{Entry, Path, Repository};
    use crate::load::object::ObjectId;

    /// Pointers of Git LFS are shorter than this.
    const POINTER_SIZE: u64 = 1024;

    /// Seconds and nanoseconds.
    type Time = (i64, i64);

    /// Which files may be trusted.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Filters {
        None,
        Lfs,
        Others,
    }

    pub(in crate::load) fn identify(repository: &Repository, top: &Path, entries: &mut [Entry]) {
        // Without an answer nothing is known, and everything is read.
        drop(repository.with(|handle| identify_with(handle, top, entries)));
    }

    fn identify_with(
        handle: &git2::Repository,
        top: &Path,
        entries: &mut [Entry],
    ) -> Result<(), git2::Error> {
        // First the time, then the content: were the index written in between, its files would only look younger.
        let Ok(metadata) = fs::metadata(handle.path().join("index")) else { return Ok(()) };
        let written: Time = (metadata.mtime(), metadata.mtime_nsec());
        let mut index = handle.index()?;
        index.read(false)?;
        let objects = handle.odb()?;
        let filters = filters(handle, &index, top)?;
        if filters == Filters::Others {
            return Ok(());
        }
        let mut listed = entries.iter_mut().peekable();
        for known in index.iter() {
            while listed.next_if(|entry| entry.path.as_bytes() < known.path.as_slice()).is_some() {}
            let Some(entry) = listed.peek_mut().filter(|entry| entry.path.as_bytes() == known.path) else {
                continue;
            };
            if !can_be_trusted(&known, written) {
                continue;
            }
            let Ok(metadata) = fs::symlink_metadata(top.join(std::ffi::OsStr::from_bytes(&known.path)))
            else {
                continue;
            };
            let is_small = filters == Filters::Lfs && metadata.len() < POINTER_SIZE;
            if is_small || !is_unchanged(&known, &metadata) {
                continue;
            }
            // A conversion of line ends changes the size, and so the file is not the blob.
            if objects.read_header(known.id).is_ok_and(|(size, _)| size as u64 == metadata.len()) {
                entry.blob = ObjectId::from_bytes(known.id.as_bytes());
            }
        }
        Ok(())
    }

    fn can_be_trusted(known: &IndexEntry, written: Time) -> bool {
        let stage = (known.flags >> 12) & 0b11;
        let assumed = IndexEntryFlag::VALID.bits();
        let skipped = IndexEntryExtendedFlag::SKIP_WORKTREE | IndexEntryExtendedFlag::INTENT_TO_ADD;
        let modified = (i64::from(known.mtime.seconds()), i64::from(known.mtime.nanoseconds()));
        stage == 0
            && known.flags & assumed == 0
            && known.flags_extended & skipped.bits() == 0
            && known.mode & 0o170_000 == 0o100_000
            && modified < written
    }

    #[expect(clippy::cast_possible_truncation, reason = "the index keeps the lower 32 bits of each")]
    fn is_unchanged(known: &IndexEntry, now: &Metadata) -> bool {
        let is_same = |kept: git2::IndexTime, seconds: i64, nanoseconds: i64| {
            kept.seconds() == seconds as i32 && i64::from(kept.nanoseconds()) == nanoseconds
        };
        now.is_file()
            && known.file_size == now.len() as u32
            && is_same(known.mtime, now.mtime(), now.mtime_nsec())
            && is_same(known.ctime, now.ctime(), now.ctime_nsec())
            && known.ino == now.ino() as u32
            && known.uid == now.uid()
            && known.gid == now.gid()
    }

    /// Filters that could write a file which differs from its blob and is as long.
    fn filters(handle: &git2::Repository, index: &git2::Index, top: &Path) -> Result<Filters, git2::Error> {
        let config = handle.config()?;
        let mut filters = Filters::None;
        let mut entries = config.entries(Some(r"^filter\..*"))?;
        while let Some(entry) = entries.next() {
            match entry?.name() {
                Ok(name) if name.starts_with("filter.lfs.") => filters = Filters::Lfs,
                _ => return Ok(Filters::Others),
            }
        }
        let tracked = index.iter().map(|entry| entry.path).filter(|path| path.ends_with(b".gitattributes"));
        let tracked = tracked.map(|path| top.join(std::ffi::OsStr::from_bytes(&path)));
        for file in tracked.chain([top.join(".gitattributes"), handle.commondir().join("info/attributes")]) {
            // A code page of one byte a character gives a file of the same size.
            #[expect(clippy::disallowed_methods, reason = "files are read in `load`")]
            let text = fs::read(&file).unwrap_or_default();
            if text.windows(21).any(|part| part == b"working-tree-encoding") {
                return Ok(Filters::Others);
            }
        }
        Ok(filters)
    }
}
