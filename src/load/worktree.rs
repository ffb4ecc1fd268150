//! Listing and reading a work tree. Its files are git's: the index, and what the repository's own `.gitignore`
//! files do not exclude; nothing that only this machine knows (global excludes, `.git/info/exclude`).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{WalkBuilder, WalkState};

use super::commit::resolve;
use super::held::{Held, plain};
use super::listing::{Entry, Listing, SkipReason, Skipped};
use super::object::Revision;
use super::root::{Root, join, relative};
use super::source::{Located, Source, no_pointer, too_large, unreadable};
use crate::finding::Location;
use crate::problem::{Code, Problem};

/// What the walkers find, in whatever order they find it.
#[derive(Default)]
struct Found {
    entries: BTreeMap<Arc<str>, u64>,
    skipped: BTreeSet<Skipped>,
    problems: Vec<Problem>,
}

impl Source for Root {
    fn base(&self) -> &str {
        &self.base
    }

    fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    fn revision(&self) -> Option<Revision> {
        None
    }

    fn list(
        &self,
        folders: &[String],
        wanted: &(dyn Fn(&str) -> bool + Sync),
        threads: usize,
    ) -> (Listing, Vec<Problem>) {
        let found = Mutex::new(Found::default());
        for folder in folders {
            let path = self.top.join(folder);
            if let Some(link) = self.link_on_the_way(folder) {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.skipped.insert(Skipped { path: link.into(), reason: SkipReason::SymbolicLink });
            } else if path.is_dir() {
                self.walk(&path, wanted, threads, &found);
            }
        }
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.add_index(folders, wanted, &mut found);
        let entries =
            found.entries.into_iter().map(|(path, size)| Entry { path, size, blob: None }).collect();
        (Listing { entries, skipped: found.skipped.into_iter().collect() }, found.problems)
    }

    fn find(&self, path: &str) -> Result<Option<Entry>, Box<Problem>> {
        let metadata = fs::symlink_metadata(self.top.join(path)).ok().filter(fs::Metadata::is_file);
        Ok(metadata.map(|metadata| Entry { path: path.into(), size: metadata.len(), blob: None }))
    }

    fn holds(&self, path: &str) -> Held {
        plain(&join(&self.base, path)).map_or(Held::Outside, |path| self.held(&path))
    }

    fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>, Box<Problem>> {
        no_pointer(&entry.path, self.read_file(&entry.path, limit)?)
    }

    fn read_path(&self, path: &str, limit: u64) -> Result<Vec<u8>, Box<Problem>> {
        no_pointer(path, self.read_file(path, limit)?)
    }

    fn locate(&self, path: &Path) -> Result<Located, Box<Problem>> {
        let problem = |code, message: String| Err(Box::new(Problem::new(code, message)));
        let Some(inner) = self.relative(path) else {
            let shown = path.to_string_lossy();
            return match path.symlink_metadata() {
                Ok(_) => problem(Code::OutsideRoot, format!("{shown} leads out of the repository")),
                Err(_) => problem(Code::UnreadableFile, format!("{shown} does not exist")),
            };
        };
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(Located::Folder(inner)),
            Ok(metadata) => Ok(Located::File(Entry { path: inner.into(), size: metadata.len(), blob: None })),
            Err(_) => problem(Code::UnreadableFile, format!("{inner} cannot be read")),
        }
    }

    fn identify(&self, entries: &mut [Entry]) {
        if let Some(repository) = &self.repository {
            super::stat::identify(repository, &self.top, entries);
        }
    }
}

impl Root {
    /// The first folder on the way to `folder`, itself included, that is a symbolic link.
    fn link_on_the_way(&self, folder: &str) -> Option<String> {
        let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
        let mut above = ends.filter_map(|end| folder.get(..end)).filter(|above| !above.is_empty());
        above.find(|above| self.top.join(above).is_symlink()).map(str::to_owned)
    }

    fn walk(
        &self,
        folder: &Path,
        wanted: &(dyn Fn(&str) -> bool + Sync),
        threads: usize,
        found: &Mutex<Found>,
    ) {
        let is_repository = self.repository.is_some();
        let nested: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
        let nested_found = Arc::clone(&nested);
        let top = self.top.clone();
        let walker = WalkBuilder::new(folder)
            .hidden(false)
            .ignore(false)
            .git_global(false)
            .git_exclude(false)
            .git_ignore(true)
            .parents(is_repository)
            .require_git(is_repository)
            .follow_links(false)
            .threads(threads)
            .filter_entry(move |entry| {
                if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
                    return true;
                }
                if entry.file_name() == ".git" {
                    return false;
                }
                let is_nested = entry.path() != top && entry.path().join(".git").exists();
                if is_nested && entry.depth() > 0 {
                    nested_found.lock().unwrap_or_else(PoisonError::into_inner).push(entry.path().to_owned());
                    return false;
                }
                true
            })
            .build_parallel();
        walker.run(|| {
            Box::new(|entry| {
                match entry {
                    Ok(entry) => self.visit(&entry, wanted, found),
                    Err(error) => {
                        let problem = self.walk_problem(&error);
                        found.lock().unwrap_or_else(PoisonError::into_inner).problems.push(problem);
                    }
                }
                WalkState::Continue
            })
        });
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        for path in nested.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(path) = relative(&self.top, path) {
                found.skipped.insert(Skipped { path: path.into(), reason: SkipReason::Submodule });
            }
        }
    }

    fn visit(&self, entry: &ignore::DirEntry, wanted: &(dyn Fn(&str) -> bool + Sync), found: &Mutex<Found>) {
        let Some(kind) = entry.file_type() else { return };
        if kind.is_dir() {
            return;
        }
        let lossy =
            entry.path().strip_prefix(&self.top).unwrap_or(entry.path()).to_string_lossy().replace('\\', "/");
        if !wanted(&lossy) && !self.leads_to_folder(kind.is_symlink(), entry.path()) {
            return;
        }
        let push =
            |action: &dyn Fn(&mut Found)| action(&mut found.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(path) = relative(&self.top, entry.path()) else {
            let problem = Problem::new(Code::PathNotUtf8, format!("{lossy:?} is not UTF-8"))
                .at(Location::start_of(&lossy));
            push(&|found| found.problems.push(problem.clone()));
            return;
        };
        let path: Arc<str> = path.into();
        if kind.is_symlink() {
            push(&|found| {
                found.skipped.insert(Skipped { path: Arc::clone(&path), reason: SkipReason::SymbolicLink });
            });
        } else if kind.is_file() {
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            push(&|found| {
                found.entries.insert(Arc::clone(&path), size);
            });
        } else {
            let problem =
                Problem::new(Code::NotAFile, "is a pipe, a device or a socket").at(Location::start_of(&path));
            push(&|found| found.problems.push(problem.clone()));
        }
    }

    fn walk_problem(&self, error: &ignore::Error) -> Problem {
        let mut inner = error;
        let mut path = None;
        loop {
            match inner {
                ignore::Error::WithPath { path: at, err } => {
                    path = Some(at.clone());
                    inner = err;
                }
                ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
                    inner = err;
                }
                _ => break,
            }
        }
        let shown = path
            .map(|path| path.strip_prefix(&self.top).unwrap_or(&path).to_string_lossy().replace('\\', "/"));
        let reason = inner.io_error().map_or_else(|| inner.to_string(), plain_reason);
        let problem = Problem::new(Code::UnreadableFolder, format!("cannot list the folder: {reason}"));
        match shown {
            Some(path) => problem.at(Location::start_of(&path)),
            None => problem,
        }
    }

    /// Files of the index that the walk has passed over, since a `.gitignore` names them.
    fn add_index(&self, folders: &[String], wanted: &(dyn Fn(&str) -> bool + Sync), found: &mut Found) {
        let Some(repository) = &self.repository else { return };
        let index = repository
            .with(|handle| {
                let index = handle.index().map_err(|error| error.message().to_owned())?;
                Ok(index.iter().collect::<Vec<_>>())
            })
            .unwrap_or_else(|error| Err(error.message));
        let index = match index {
            Ok(index) => index,
            Err(reason) => {
                let message = format!("cannot read the index of the repository: {reason}");
                found.problems.push(Problem::new(Code::UnreadableFolder, message));
                return;
            }
        };
        let mut safe_folders: HashSet<PathBuf> = HashSet::new();
        for entry in index {
            let Ok(path) = std::str::from_utf8(&entry.path) else {
                self.add_unnamed(&entry.path, wanted, found);
                continue;
            };
            let is_below = folders.iter().any(|folder| {
                folder.is_empty()
                    || path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
            });
            if !is_below || found.entries.contains_key(path) {
                continue;
            }
            let kind = entry.mode & 0o170_000;
            if kind == 0o160_000 {
                found.skipped.insert(Skipped { path: path.into(), reason: SkipReason::Submodule });
                continue;
            }
            let full = self.top.join(path);
            if !wanted(path) && !self.leads_to_folder(kind == 0o120_000, &full) {
                continue;
            }
            let Ok(metadata) = fs::symlink_metadata(&full) else {
                // Deleted from the work tree: that is a change, not a problem. A sparse checkout is neither.
                if is_skipped(&entry) {
                    found.skipped.insert(Skipped { path: path.into(), reason: SkipReason::NotCheckedOut });
                }
                continue;
            };
            if metadata.is_symlink() {
                found.skipped.insert(Skipped { path: path.into(), reason: SkipReason::SymbolicLink });
            } else if metadata.is_file() && is_inside(&full, &mut safe_folders) {
                found.entries.insert(path.into(), metadata.len());
            }
        }
    }

    /// A file of the index whose path no report could name; the walk has told of those that it has seen.
    fn add_unnamed(&self, path: &[u8], wanted: &(dyn Fn(&str) -> bool + Sync), found: &mut Found) {
        let lossy = String::from_utf8_lossy(path).into_owned();
        let problem = Problem::new(Code::PathNotUtf8, format!("{lossy:?} is not UTF-8"));
        let problem = problem.at(Location::start_of(&lossy));
        if wanted(&lossy) && is_there(&self.top, path) && !found.problems.contains(&problem) {
            found.problems.push(problem);
        }
    }

    /// Whether a link hides a whole folder, whose name tells nothing about what is in it, or leads out.
    fn leads_to_folder(&self, is_link: bool, path: &Path) -> bool {
        let target = || {
            let link = relative(&self.top, path)?;
            let target = fs::read_link(path).ok()?;
            resolve(&link, &target.to_str()?.replace('\\', "/"))
        };
        is_link && (path.is_dir() || target().is_none())
    }

    fn read_file(&self, path: &str, limit: u64) -> Result<Vec<u8>, Box<Problem>> {
        let problem =
            |code, message: String| Box::new(Problem::new(code, message).at(Location::start_of(path)));
        let unreadable = |error: &std::io::Error| unreadable(path, &plain_reason(error));
        let mut file = open(&self.top, path).map_err(|error| unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(problem(Code::NotAFile, "is not a plain file".to_owned()));
        }
        let size = metadata.len();
        if size > limit {
            return Err(too_large(path, size, limit));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        let read =
            file.by_ref().take(size + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        if read as u64 != size {
            return Err(problem(
                Code::FileChanged,
                format!(
                    "had {size} bytes when it was opened and now has {}",
                    if read as u64 > size { "more" } else { "fewer" }
                ),
            ));
        }
        Ok(bytes)
    }
}

/// Whether no folder on the way is a link: git takes nothing for its own that stands behind one.
fn is_inside(file: &Path, safe_folders: &mut HashSet<PathBuf>) -> bool {
    let Some(folder) = file.parent() else { return false };
    if safe_folders.contains(folder) {
        return true;
    }
    let inside = folder.canonicalize().is_ok_and(|canonical| canonical == folder);
    if inside {
        safe_folders.insert(folder.to_owned());
    }
    inside
}

/// Whether a sparse checkout leaves an entry of the index out.
pub(super) fn is_skipped(entry: &git2::IndexEntry) -> bool {
    entry.flags_extended & git2::IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0
}

#[cfg(unix)]
fn is_there(top: &Path, path: &[u8]) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    top.join(std::ffi::OsStr::from_bytes(path)).symlink_metadata().is_ok()
}

#[cfg(not(unix))]
fn is_there(_top: &Path, _path: &[u8]) -> bool {
    true
}

/// Opens a file folder by folder from the top: no link is followed, not even one that has taken the place of a
/// folder since the listing. The writer of a pipe is not waited for.
#[cfg(unix)]
fn open(top: &Path, path: &str) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags, open, openat};
    let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let (folders, name) = path.rsplit_once('/').map_or(("", path), |(folders, name)| (folders, name));
    let mut at = open(top, folder, Mode::empty())?;
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        at = openat(&at, part, folder | OFlags::NOFOLLOW, Mode::empty())?;
    }
    let plain = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(&at, name, plain, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(top: &Path, path: &str) -> std::io::Result<File> {
    File::open(top.join(path))
}

/// The reason without the number of the operating system, which differs between systems.
fn plain_reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "it does not exist any more".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::InvalidFilename => "the path is too long".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}
