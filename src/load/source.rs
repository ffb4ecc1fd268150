//! Where the files of a run come from: a work tree, or a commit.

use std::path::Path;
use std::sync::Arc;

use super::held::Held;
use super::listing::{Entry, Listing};
use super::object::Revision;
use super::root::join;
use crate::finding::Location;
use crate::problem::{Code, Problem};

/// A path of the command line, found in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// A folder, from the top.
    Folder(String),
    /// A file.
    File(Entry),
}

/// A tree of files that threads may list and read.
pub trait Source: Sync + std::fmt::Debug {
    /// The folder of the configuration, from the top, with `/`; empty if it is the top. Globs start here.
    fn base(&self) -> &str;

    /// The configuration, from the top, if there is one.
    fn config(&self) -> Option<&str>;

    /// The commit and its tree; none of a work tree, which stands as it stands.
    fn revision(&self) -> Option<Revision>;

    /// Lists the files below `folders` (from the top; `""` for all) whose path is `wanted`, in the order of their
    /// paths.
    fn list(
        &self,
        folders: &[String],
        wanted: &(dyn Fn(&str) -> bool + Sync),
        threads: usize,
    ) -> (Listing, Vec<Problem>);

    /// The plain file at a path from the top, if there is one.
    ///
    /// # Errors
    /// A problem: a folder on the way cannot be read.
    fn find(&self, path: &str) -> Result<Option<Entry>, Box<Problem>>;

    /// What stands at `path`, from the folder of the configuration, with `/`.
    fn holds(&self, path: &str) -> Held;

    /// Reads a file whole.
    ///
    /// # Errors
    /// A problem: it is gone, larger than `limit` bytes, no plain file, a pointer of Git LFS, or changes while it
    /// is read.
    fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>, Box<Problem>>;

    /// What a path of the command line names.
    ///
    /// # Errors
    /// A problem: there is nothing, or it lies outside.
    fn locate(&self, path: &Path) -> Result<Located, Box<Problem>>;

    /// Gives entries their blob where that costs no reading and is certain.
    fn identify(&self, _entries: &mut [Entry]) {}

    /// Reads the file at a path.
    ///
    /// # Errors
    /// As [`Source::read`], and where there is no file.
    fn read_path(&self, path: &str, limit: u64) -> Result<Vec<u8>, Box<Problem>> {
        match self.find(path)? {
            Some(entry) => self.read(&entry, limit),
            None => Err(unreadable(path, "it does not exist, or is no plain file")),
        }
    }

    /// A path from the top as a path from the folder of the configuration; none if it lies outside.
    #[expect(clippy::wrong_self_convention, reason = "it is the path that comes from the base")]
    fn from_base<'p>(&self, path: &'p str) -> Option<&'p str> {
        below(self.base(), path)
    }

    /// A path from the folder of the configuration as a path from the top.
    fn below_base(&self, path: &str) -> String {
        join(self.base(), path)
    }
}

/// A path within a folder, from that folder.
pub(super) fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

pub(super) fn unreadable(path: &str, reason: &str) -> Box<Problem> {
    let message = format!("cannot read it: {reason}");
    Box::new(Problem::new(Code::UnreadableFile, message).at(Location::start_of(path)))
}

pub(super) fn too_large(path: &str, size: u64, limit: u64) -> Box<Problem> {
    let message = format!("has {size} bytes, the limit is {limit}");
    Box::new(Problem::new(Code::FileTooLarge, message).at(Location::start_of(path)))
}

/// Pointers of Git LFS are shorter (github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
const POINTER_SIZE: usize = 1024;

/// Refuses what stands for a file that Git LFS keeps elsewhere: whoever evaluated that would find nothing.
pub(super) fn no_pointer(path: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Box<Problem>> {
    let is_pointer = bytes.len() < POINTER_SIZE
        && (bytes.starts_with(b"version https://git-lfs.github.com/spec/")
            || bytes.starts_with(b"version https://hawser.github.com/spec/"));
    if !is_pointer {
        return Ok(bytes);
    }
    let message = "the content is with Git LFS, and only a pointer to it stands here";
    Err(Box::new(Problem::new(Code::LfsPointer, message).at(Location::start_of(path))))
}

/// A source under a folder that it does not have, so that its paths differ from those of another source.
pub struct Mounted {
    source: Box<dyn Source>,
    folder: &'static str,
    base: String,
    config: Option<String>,
}

impl std::fmt::Debug for Mounted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Mounted")
            .field("folder", &self.folder)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Mounted {
    /// Mounts a source.
    pub fn new(source: Box<dyn Source>, folder: &'static str) -> Self {
        let base = join(folder, source.base());
        let config = source.config().map(|config| join(folder, config));
        Self { source, folder, base, config }
    }

    /// The path as the source has it; none if it is not one of its paths.
    fn inner<'p>(&self, path: &'p str) -> Option<&'p str> {
        if path == self.folder { Some("") } else { below(self.folder, path) }
    }

    fn entry(&self, mut entry: Entry) -> Entry {
        entry.path = join(self.folder, &entry.path).into();
        entry
    }

    fn problem(&self, mut problem: Problem) -> Problem {
        let places = problem.location.iter_mut().chain(problem.related.iter_mut().map(|(place, _)| place));
        for place in places {
            place.file = join(self.folder, &place.file).into();
        }
        problem
    }
}

impl Source for Mounted {
    fn base(&self) -> &str {
        &self.base
    }

    fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    fn revision(&self) -> Option<Revision> {
        self.source.revision()
    }

    fn list(
        &self,
        folders: &[String],
        wanted: &(dyn Fn(&str) -> bool + Sync),
        threads: usize,
    ) -> (Listing, Vec<Problem>) {
        let folders: Vec<String> =
            folders.iter().filter_map(|folder| self.inner(folder)).map(str::to_owned).collect();
        let wanted = |path: &str| wanted(&join(self.folder, path));
        let (mut listing, problems) = self.source.list(&folders, &wanted, threads);
        listing.entries = listing.entries.into_iter().map(|entry| self.entry(entry)).collect();
        for skipped in &mut listing.skipped {
            skipped.path = Arc::from(join(self.folder, &skipped.path));
        }
        (listing, problems.into_iter().map(|problem| self.problem(problem)).collect())
    }

    fn find(&self, path: &str) -> Result<Option<Entry>, Box<Problem>> {
        let Some(inner) = self.inner(path) else { return Ok(None) };
        match self.source.find(inner) {
            Ok(entry) => Ok(entry.map(|entry| self.entry(entry))),
            Err(problem) => Err(Box::new(self.problem(*problem))),
        }
    }

    fn holds(&self, path: &str) -> Held {
        // Both begin at the same folder of the configuration.
        self.source.holds(path)
    }

    fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>, Box<Problem>> {
        let inner = self.inner(&entry.path).unwrap_or(&entry.path);
        let inner = Entry { path: inner.into(), ..entry.clone() };
        self.source.read(&inner, limit).map_err(|problem| Box::new(self.problem(*problem)))
    }

    fn identify(&self, entries: &mut [Entry]) {
        let inner = |entry: &Entry| {
            let path = self.inner(&entry.path).unwrap_or(&entry.path);
            Entry { path: path.into(), ..entry.clone() }
        };
        let mut known: Vec<Entry> = entries.iter().map(inner).collect();
        self.source.identify(&mut known);
        for (entry, known) in entries.iter_mut().zip(known) {
            entry.blob = known.blob;
        }
    }

    fn locate(&self, path: &Path) -> Result<Located, Box<Problem>> {
        match self.source.locate(path) {
            Ok(Located::Folder(folder)) => Ok(Located::Folder(join(self.folder, &folder))),
            Ok(Located::File(entry)) => Ok(Located::File(self.entry(entry))),
            Err(problem) => Err(Box::new(self.problem(*problem))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_of_lfs() {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        let problem = no_pointer("a.yaml", pointer.into()).unwrap_err();
        assert_eq!(problem.code, Code::LfsPointer);
        for text in ["version: 1\n", "# version https://git-lfs.github.com/spec/v1\na: 1\n", ""] {
            assert_eq!(no_pointer("a.yaml", text.into()), Ok(text.into()));
        }
        let long = format!("{pointer}# {}", "x".repeat(POINTER_SIZE));
        assert!(no_pointer("a.yaml", long.into()).is_ok(), "a text that quotes one is a text");
    }

    #[test]
    fn paths_within_a_folder() {
        assert_eq!(below("", "a/b"), Some("a/b"));
        assert_eq!(below("a", "a/b"), Some("b"));
        assert_eq!(below("a", "ab/c"), None);
        assert_eq!(below("a", "a"), None);
    }
}
