//! The files of a commit, straight from git's objects: no checkout, no index, nothing written.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::held::{Held, plain};
use super::listing::{Entry, Listing, SkipReason, Skipped};
use super::object::{ObjectId, Revision};
use super::repository::{ObjectError, Repository, object_error};
use super::root::{CONFIG_FILE, LoadError, join};
use super::source::{Located, Source, no_pointer, too_large, unreadable};
use super::tree::{EntryKind, MAX_DEPTH, MalformedTree, TreeEntries};
use crate::finding::Location;
use crate::problem::{Code, Problem};

/// The tree of a commit.
#[derive(Debug)]
pub struct Commit {
    repository: Arc<Repository>,
    revision: Revision,
    base: String,
    config: Option<String>,
    /// What was listed, so that reading it again by its path opens no folder.
    known: RwLock<HashMap<Arc<str>, ObjectId>>,
}

/// What a size is taken to be: asking for each one would cost as much as reading.
const ASSUMED_SIZE: u64 = 8 << 10;

/// Nobody has more files; a tree of trees that names itself over and over does.
const MAX_ENTRIES: usize = 4_000_000;

/// Links that lead to links; Linux follows as many.
const MAX_LINKS: u32 = 40;

/// Why a folder of a commit cannot be looked into.
#[derive(Debug)]
enum FolderError {
    Object(ObjectError, ObjectId),
    Malformed(ObjectId),
}

/// What stands at a path.
#[derive(Clone, Copy, Debug)]
enum Found {
    Nothing,
    Entry(EntryKind, ObjectId),
    /// A link stands on the way, at the path of this many bytes.
    LinkOnTheWay(usize),
}

impl Commit {
    /// The commit that a revision names. Its base is the folder of `assize.yaml` in that very commit: found by walking
    /// up from `folder` (a path on disk, which need not exist), else its top.
    ///
    /// # Errors
    /// A revision that names no commit; a folder on the way that is not in the repository.
    pub fn around(repository: Arc<Repository>, revision: &str, folder: &Path) -> Result<Self, LoadError> {
        let mut commit = Self::bare(repository, revision)?;
        let folder = commit.inside(folder).unwrap_or_default();
        for above in std::iter::successors(Some(folder.as_str()), |folder| parent(folder)) {
            if commit.has_config(above)? {
                commit.config = Some(join(above, CONFIG_FILE));
                above.clone_into(&mut commit.base);
                break;
            }
        }
        Ok(commit)
    }

    /// The commit that a revision names, with this folder as its base, whether or not an `assize.yaml` stands in it.
    ///
    /// # Errors
    /// As [`Commit::around`], and a folder that the commit does not have.
    pub fn at(repository: Arc<Repository>, revision: &str, folder: &Path) -> Result<Self, LoadError> {
        let mut commit = Self::bare(repository, revision)?;
        let message = format!("{} is no folder of the commit {}", folder.display(), commit.short());
        let outside = || LoadError { message: message.clone(), help: None };
        commit.base = commit.inside(folder).ok_or_else(outside)?;
        match commit.lookup(&commit.base)? {
            Found::Entry(EntryKind::Tree, _) => {}
            _ => return Err(outside()),
        }
        commit.config = commit.has_config(&commit.base)?.then(|| join(&commit.base, CONFIG_FILE));
        Ok(commit)
    }

    fn bare(repository: Arc<Repository>, revision: &str) -> Result<Self, LoadError> {
        let revision = repository.resolve(revision)?;
        let (base, config) = (String::new(), None);
        Ok(Self { repository, revision, base, config, known: RwLock::default() })
    }

    /// The first digits of its id.
    fn short(&self) -> String {
        self.revision.commit.to_string().chars().take(12).collect()
    }

    fn has_config(&self, folder: &str) -> Result<bool, LoadError> {
        // Whatever has the name counts: a link is refused when it is read, not passed over.
        let found = self.lookup(&join(folder, CONFIG_FILE))?;
        Ok(matches!(found, Found::Entry(EntryKind::File | EntryKind::Link, _)))
    }

    fn lookup(&self, path: &str) -> Result<Found, LoadError> {
        let found = self.repository.with(|handle| {
            let objects = handle.odb().map_err(|error| self.object(&error))?;
            lookup(&objects, self.revision.tree, path)
        })?;
        found.map_err(|error| {
            let problem = error.problem("");
            LoadError { message: format!("commit {}: {}", self.short(), problem.message), help: problem.help }
        })
    }

    fn object(&self, error: &git2::Error) -> FolderError {
        FolderError::Object(object_error(error), self.revision.tree)
    }

    /// A path on disk as a path from the top. It need not exist there; what exists of it is freed of links.
    fn inside(&self, path: &Path) -> Option<String> {
        let anchor = match self.repository.top() {
            Some(top) => top.to_owned(),
            None => self.repository.data().canonicalize().ok()?,
        };
        let is_there = |path: &&Path| !path.as_os_str().is_empty() && path.exists();
        let there = path.ancestors().find(is_there);
        let rest = there.map_or(path, |there| path.strip_prefix(there).unwrap_or(path));
        let full = there.unwrap_or(Path::new(".")).canonicalize().ok()?.join(rest);
        let inner = PathBuf::from(full.strip_prefix(&anchor).ok()?);
        let names = inner.components().filter(|part| *part != Component::CurDir).map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        names.collect::<Option<Vec<_>>>().map(|names| names.join("/"))
    }
}

impl FolderError {
    /// The problem of a folder, by its path from the top.
    fn problem(&self, path: &str) -> Problem {
        let (code, message) = match self {
            Self::Object(ObjectError::Missing, id) => {
                (Code::MissingObject, format!("the folder (tree {id}) is not in this clone"))
            }
            Self::Object(ObjectError::Broken(reason), id) => {
                (Code::UnreadableFolder, format!("cannot read the folder (tree {id}): {reason}"))
            }
            Self::Object(ObjectError::TooLarge(size), id) => {
                (Code::UnreadableFolder, format!("the folder (tree {id}) has {size} bytes"))
            }
            Self::Malformed(id) => {
                (Code::UnreadableFolder, format!("the folder (tree {id}) holds an entry that makes no sense"))
            }
        };
        let problem = Problem::new(code, message);
        if path.is_empty() { problem } else { problem.at(Location::start_of(path)) }
    }
}

fn read_tree<'o>(objects: &'o git2::Odb<'_>, id: ObjectId) -> Result<git2::OdbObject<'o>, FolderError> {
    let failure = |error: git2::Error| FolderError::Object(object_error(&error), id);
    let object = id.raw().and_then(|raw| objects.read(raw)).map_err(failure)?;
    if object.kind() == git2::ObjectType::Tree { Ok(object) } else { Err(FolderError::Malformed(id)) }
}

/// What stands at a path below a tree.
fn lookup(objects: &git2::Odb<'_>, root: ObjectId, path: &str) -> Result<Found, FolderError> {
    let mut at = (EntryKind::Tree, root);
    let mut length = 0;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        match at.0 {
            EntryKind::Tree => {}
            EntryKind::Link => return Ok(Found::LinkOnTheWay(length)),
            EntryKind::File | EntryKind::Submodule => return Ok(Found::Nothing),
        }
        let tree = read_tree(objects, at.1)?;
        let entry = TreeEntries::new(tree.data()).named(name.as_bytes());
        match entry.map_err(|MalformedTree| FolderError::Malformed(at.1))? {
            Some(entry) => at = (entry.kind, entry.id),
            None => return Ok(Found::Nothing),
        }
        length += name.len() + usize::from(length > 0);
    }
    Ok(Found::Entry(at.0, at.1))
}

/// Whether a link hides a folder, whose name tells nothing about what is in it, or leads out of the repository.
fn leads_to_folder(objects: &git2::Odb<'_>, root: ObjectId, link: &str, id: ObjectId) -> bool {
    let mut target = (link.to_owned(), id);
    for _ in 0..MAX_LINKS {
        let (link, id) = &target;
        let Ok(content) = id.raw().and_then(|raw| objects.read(raw)) else { return true };
        let Some(path) = std::str::from_utf8(content.data()).ok().and_then(|text| resolve(link, text)) else {
            return true;
        };
        match lookup(objects, root, &path) {
            Ok(Found::Nothing | Found::Entry(EntryKind::File, _)) => return false,
            Ok(Found::Entry(EntryKind::Link, id)) => target = (path, id),
            // Whatever else it is, the path names more than one file, or cannot be told.
            Ok(Found::Entry(EntryKind::Tree | EntryKind::Submodule, _) | Found::LinkOnTheWay(_)) | Err(_) => {
                return true;
            }
        }
    }
    true
}

/// The target of a link as a path from the top; none if it leads out.
pub(super) fn resolve(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let folder = parent(link).unwrap_or_default();
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder around a path; none around the top.
fn parent(path: &str) -> Option<&str> {
    (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(parent, _)| parent))
}

/// Goes through the trees of a commit.
struct Walk<'w> {
    objects: &'w git2::Odb<'w>,
    root: ObjectId,
    wanted: &'w (dyn Fn(&str) -> bool + Sync),
    path: Vec<u8>,
    visited: usize,
    is_cut: bool,
    listing: Listing,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn start(&mut self, folder: &str) {
        match lookup(self.objects, self.root, folder) {
            Ok(Found::Entry(EntryKind::Tree, id)) => {
                self.path = folder.as_bytes().to_vec();
                self.tree(id, 0);
            }
            Ok(Found::Entry(EntryKind::Link, _)) => self.skip(folder, SkipReason::SymbolicLink),
            Ok(Found::LinkOnTheWay(length)) => {
                self.skip(folder.get(..length).unwrap_or(folder), SkipReason::SymbolicLink);
            }
            Ok(Found::Entry(EntryKind::Submodule, _)) => self.skip(folder, SkipReason::Submodule),
            Ok(Found::Nothing | Found::Entry(EntryKind::File, _)) => {}
            Err(error) => self.problems.push(error.problem(folder)),
        }
    }

    fn skip(&mut self, path: &str, reason: SkipReason) {
        self.listing.skipped.push(Skipped { path: path.into(), reason });
    }

    /// Something is not listed. One problem tells of all of it.
    fn cut(&mut self, message: String) {
        if !self.is_cut {
            self.is_cut = true;
            self.problems.push(Problem::new(Code::UnreadableFolder, message));
        }
    }

    fn tree(&mut self, id: ObjectId, depth: usize) {
        let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        if depth > MAX_DEPTH {
            return self.cut(format!("the commit nests folders more deeply than {MAX_DEPTH}"));
        }
        let tree = match read_tree(self.objects, id) {
            Ok(tree) => tree,
            Err(error) => return self.problems.push(error.problem(&shown(&self.path))),
        };
        let length = self.path.len();
        for entry in TreeEntries::new(tree.data()) {
            self.path.truncate(length);
            let Ok(entry) = entry else {
                self.problems.push(FolderError::Malformed(id).problem(&shown(&self.path)));
                continue;
            };
            self.visited += 1;
            if self.visited > MAX_ENTRIES {
                return self.cut(format!("the commit holds more than {MAX_ENTRIES} files and folders"));
            }
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(entry.name);
            if entry.kind == EntryKind::Tree {
                self.tree(entry.id, depth + 1);
            } else {
                self.leaf(entry.kind, entry.id);
            }
        }
        self.path.truncate(length);
    }

    fn leaf(&mut self, kind: EntryKind, id: ObjectId) {
        let Ok(path) = std::str::from_utf8(&self.path) else {
            let lossy = String::from_utf8_lossy(&self.path).into_owned();
            if (self.wanted)(&lossy) {
                let problem = Problem::new(Code::PathNotUtf8, format!("{lossy:?} is not UTF-8"));
                self.problems.push(problem.at(Location::start_of(&lossy)));
            }
            return;
        };
        let reason = match kind {
            EntryKind::File if (self.wanted)(path) => {
                let entry = Entry { path: path.into(), size: ASSUMED_SIZE, blob: Some(id) };
                self.listing.entries.push(entry);
                return;
            }
            EntryKind::Submodule => SkipReason::Submodule,
            EntryKind::Link if (self.wanted)(path) || leads_to_folder(self.objects, self.root, path, id) => {
                SkipReason::SymbolicLink
            }
            EntryKind::File | EntryKind::Link | EntryKind::Tree => return,
        };
        let path: Arc<str> = path.into();
        self.listing.skipped.push(Skipped { path, reason });
    }
}

impl Source for Commit {
    fn base(&self) -> &str {
        &self.base
    }

    fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn list(
        &self,
        folders: &[String],
        wanted: &(dyn Fn(&str) -> bool + Sync),
        _threads: usize,
    ) -> (Listing, Vec<Problem>) {
        let walked = self.repository.with(|handle| {
            let objects = handle.odb().map_err(|error| Box::new(self.object(&error).problem("")))?;
            let mut walk = Walk {
                objects: &objects,
                root: self.revision.tree,
                wanted,
                path: Vec::new(),
                visited: 0,
                is_cut: false,
                listing: Listing::default(),
                problems: Vec::new(),
            };
            for folder in folders {
                walk.start(folder);
            }
            Ok((walk.listing, walk.problems))
        });
        let walked = walked.unwrap_or_else(|error| Err(unreadable("", &error.message)));
        let (mut listing, mut problems) = match walked {
            Ok(walked) => walked,
            Err(problem) => (Listing::default(), vec![*problem]),
        };
        listing.entries.sort_unstable();
        listing.skipped.sort_unstable();
        // Folders of the call may lie in one another; a tree that holds a name twice has two contents for it.
        listing.entries.dedup();
        listing.skipped.dedup();
        for pair in listing.entries.windows(2) {
            let [one, other] = pair else { continue };
            if one.path == other.path {
                let problem = Problem::new(Code::UnreadableFolder, "the folder holds this name twice");
                problems.push(problem.at(Location::start_of(&one.path)));
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let blobs = listing.entries.iter().filter_map(|entry| Some((Arc::clone(&entry.path), entry.blob?)));
        known.extend(blobs);
        (listing, problems)
    }

    fn holds(&self, path: &str) -> Held {
        let Some(path) = plain(&join(&self.base, path)) else { return Held::Outside };
        match self.lookup(&path) {
            Ok(Found::Entry(EntryKind::File, _)) => Held::File,
            Ok(Found::Entry(EntryKind::Tree, _)) => Held::Folder,
            Ok(Found::Entry(EntryKind::Link, _) | Found::LinkOnTheWay(_)) => Held::Link,
            Ok(Found::Entry(EntryKind::Submodule, _) | Found::Nothing) => Held::Nothing,
            Err(_) => Held::Unknown,
        }
    }

    fn find(&self, path: &str) -> Result<Option<Entry>, Box<Problem>> {
        let entry = |id| Entry { path: path.into(), size: ASSUMED_SIZE, blob: Some(id) };
        if let Some(id) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(Some(entry(*id)));
        }
        let found = self.repository.with(|handle| {
            let objects = handle.odb().map_err(|error| self.object(&error))?;
            lookup(&objects, self.revision.tree, path)
        });
        match found {
            Ok(Ok(Found::Entry(EntryKind::File, id))) => Ok(Some(entry(id))),
            Ok(Ok(_)) => Ok(None),
            Ok(Err(error)) => Err(Box::new(error.problem(path))),
            Err(error) => Err(unreadable(path, &error.message)),
        }
    }

    fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>, Box<Problem>> {
        let path = &*entry.path;
        let Some(id) = entry.blob else { return self.read_path(path, limit) };
        match self.repository.blob(id, limit) {
            Ok(bytes) => no_pointer(path, bytes),
            Err(ObjectError::Missing) => {
                let message = format!("its content (blob {id}) is not in this clone");
                Err(Box::new(Problem::new(Code::MissingObject, message).at(Location::start_of(path))))
            }
            Err(ObjectError::TooLarge(size)) => Err(too_large(path, size, limit)),
            Err(ObjectError::Broken(reason)) => Err(unreadable(path, &reason)),
        }
    }

    fn locate(&self, path: &Path) -> Result<Located, Box<Problem>> {
        let shown = path.to_string_lossy();
        let problem = |code, message: String| Err(Box::new(Problem::new(code, message)));
        let Some(inner) = self.inside(path) else {
            return problem(Code::OutsideRoot, format!("{shown} leads out of the repository"));
        };
        match self.lookup(&inner) {
            Ok(Found::Entry(EntryKind::Tree, _)) => Ok(Located::Folder(inner)),
            Ok(Found::Entry(EntryKind::File, id)) => {
                Ok(Located::File(Entry { path: inner.into(), size: ASSUMED_SIZE, blob: Some(id) }))
            }
            Ok(Found::Nothing) => {
                let message = format!("{shown} does not exist in the commit {}", self.short());
                problem(Code::UnreadableFile, message)
            }
            Ok(Found::Entry(EntryKind::Link, _) | Found::LinkOnTheWay(_)) => problem(
                Code::UnreadableFile,
                format!("{shown} stands behind a symbolic link, which is not followed in a commit"),
            ),
            Ok(Found::Entry(EntryKind::Submodule, _)) => {
                problem(Code::UnreadableFile, format!("{shown} is a submodule, another repository"))
            }
            Err(error) => problem(Code::UnreadableFile, error.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_links() {
        assert_eq!(resolve("a/b", "../c/./d").as_deref(), Some("c/d"));
        assert_eq!(resolve("a/b", "..").as_deref(), Some(""));
        assert_eq!(resolve("a/b", "../.."), None);
        assert_eq!(resolve("b", "/etc"), None);
    }
}
