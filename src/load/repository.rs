//! A git repository, open for reading: objects by their id, revisions by their name. Nothing is ever written.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use git2::{ErrorCode, RepositoryOpenFlags};

use super::object::{ObjectId, Revision};
use super::root::LoadError;

/// A repository that any number of threads may read.
pub struct Repository {
    /// Where it is opened.
    folder: PathBuf,
    /// The folder of its data: `.git`, that of a linked work tree, or the bare repository.
    data: PathBuf,
    /// The top of its work tree, absolute and without links; none if it is bare.
    top: Option<PathBuf>,
    /// libgit2's handle is not for several threads at once, so each takes one and puts it back.
    handles: Mutex<Vec<git2::Repository>>,
    /// Objects that are not there: each look for one lists the packs again.
    missing: Mutex<HashSet<ObjectId>>,
}

/// Why an object cannot be read.
#[derive(Debug)]
pub(super) enum ObjectError {
    /// It is not there: the clone is partial, or damaged.
    Missing,
    /// It is there and cannot be read.
    Broken(String),
    /// It has more bytes than the limit.
    TooLarge(u64),
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Repository")
            .field("data", &self.data)
            .field("top", &self.top)
            .finish_non_exhaustive()
    }
}

/// Whether the content of every object that is read must have the id by which it was asked for. It doubles the cost
/// of reading, and holds for the whole process.
pub fn verify_objects(is_wanted: bool) {
    git2::opts::strict_hash_verification(is_wanted);
}

impl Repository {
    /// Finds the repository around a folder, bare or not.
    ///
    /// # Errors
    /// A repository that git would not open, or that is of a form which cannot be read here.
    pub fn discover(folder: &Path) -> Result<Option<Self>, LoadError> {
        let Some(handle) = open(folder)? else { return Ok(None) };
        let top = match handle.workdir() {
            Some(work_tree) => Some(work_tree.canonicalize().map_err(|error| LoadError {
                message: format!("cannot open {}: {error}", work_tree.display()),
                help: None,
            })?),
            None => None,
        };
        Ok(Some(Self {
            folder: folder.to_owned(),
            data: handle.path().to_owned(),
            top,
            handles: Mutex::new(vec![handle]),
            missing: Mutex::default(),
        }))
    }

    /// The top of its work tree; none if it is bare.
    pub fn top(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// The folder of its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Whether its history is cut.
    ///
    /// # Errors
    /// A repository that cannot be opened again.
    pub fn is_shallow(&self) -> Result<bool, LoadError> {
        self.with(git2::Repository::is_shallow)
    }

    /// Finds the commit that a revision names, in any form that git knows.
    ///
    /// # Errors
    /// A name that means nothing, or no commit; history that was cut before it.
    pub fn resolve(&self, revision: &str) -> Result<Revision, LoadError> {
        self.with(|handle| match commit_named(handle, revision) {
            Ok(commit) => Ok(commit),
            Err(error) => Err(unresolved(handle, revision, &error)),
        })?
    }

    /// Lets `act` use a handle that no other thread has.
    pub(super) fn with<T>(&self, act: impl FnOnce(&git2::Repository) -> T) -> Result<T, LoadError> {
        let free = self.handles.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let handle = match free {
            Some(handle) => handle,
            None => open(&self.folder)?.ok_or_else(|| LoadError {
                message: format!("the repository around {} is gone", self.folder.display()),
                help: None,
            })?,
        };
        let result = act(&handle);
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        Ok(result)
    }

    /// The bytes of a blob of at most `limit` bytes.
    pub(super) fn blob(&self, id: ObjectId, limit: u64) -> Result<Vec<u8>, ObjectError> {
        let is_missing = || self.missing.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
        if is_missing() {
            return Err(ObjectError::Missing);
        }
        let read = |handle: &git2::Repository| {
            let objects = handle.odb().map_err(|error| object_error(&error))?;
            read_blob(&objects, id, limit)
        };
        let result = self.with(read).unwrap_or_else(|error| Err(ObjectError::Broken(error.message)));
        if matches!(result, Err(ObjectError::Missing)) {
            self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        }
        result
    }
}

fn read_blob(objects: &git2::Odb<'_>, id: ObjectId, limit: u64) -> Result<Vec<u8>, ObjectError> {
    let raw = id.raw().map_err(|error| object_error(&error))?;
    // The header alone tells the size, before memory is taken for the content.
    let (size, _) = objects.read_header(raw).map_err(|error| object_error(&error))?;
    if size as u64 > limit {
        return Err(ObjectError::TooLarge(size as u64));
    }
    let object = objects.read(raw).map_err(|error| object_error(&error))?;
    if object.kind() == git2::ObjectType::Blob {
        Ok(object.data().to_vec())
    } else {
        Err(ObjectError::Broken("it is no file".to_owned()))
    }
}

/// What an error of libgit2 says about an object.
pub(super) fn object_error(error: &git2::Error) -> ObjectError {
    if error.code() == ErrorCode::NotFound {
        return ObjectError::Missing;
    }
    ObjectError::Broken(error.message().to_lowercase())
}

fn commit_named(handle: &git2::Repository, revision: &str) -> Result<Revision, git2::Error> {
    let commit = handle.revparse_single(revision)?.peel_to_commit()?;
    Ok(Revision { commit: commit.id().try_into()?, tree: commit.tree_id().try_into()? })
}

/// Why a revision names no commit, and what to do.
fn unresolved(handle: &git2::Repository, revision: &str, error: &git2::Error) -> LoadError {
    let problem = |message: String, help: &str| LoadError {
        message,
        help: (!help.is_empty()).then(|| help.to_owned()),
    };
    if revision.contains("..") {
        let message = format!("{revision:?} is a range, should be one revision");
        return problem(message, "name the commit at its end");
    }
    if error.code() == ErrorCode::Ambiguous {
        return problem(format!("{revision:?} could be several objects"), "write more of its digits");
    }
    if handle.head().is_err_and(|error| error.code() == ErrorCode::UnbornBranch) {
        return problem(
            format!("{revision:?} names nothing: no commit is checked out yet"),
            "commit something, or name a branch",
        );
    }
    if handle.is_shallow() {
        let message = format!("{revision:?} is not in this clone, whose history is cut (it is shallow)");
        let help = match depth_for(revision) {
            Some(depth) => format!(
                "fetch more of it: fetch-depth: {depth} (git fetch --depth={depth}), or all: fetch-depth: 0 (git fetch --unshallow)"
            ),
            None => "fetch the whole history: fetch-depth: 0 (git fetch --unshallow --tags)".to_owned(),
        };
        return problem(message, &help);
    }
    if error.code() == ErrorCode::Peel || error.code() == ErrorCode::InvalidSpec {
        return problem(format!("{revision:?} names no commit: {}", error.message()), "");
    }
    let shown = match error.code() {
        ErrorCode::NotFound => format!("there is no revision {revision:?}"),
        _ => format!("there is no revision {revision:?}: {}", error.message()),
    };
    problem(shown, "`git log` and `git branch -a` show what there is; a clone may lack branches and tags")
}

/// The depth of a clone that `HEAD~3^` needs; none if the name does not tell.
fn depth_for(revision: &str) -> Option<u64> {
    let mut rest = revision.strip_prefix("HEAD").or_else(|| revision.strip_prefix('@'))?;
    let mut depth = 1_u64;
    while !rest.is_empty() {
        let after = rest.strip_prefix(['~', '^'])?;
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, next) = after.split_at(digits);
        let number = if number.is_empty() { 1 } else { number.parse().ok()? };
        // `^2` is the second parent, one step away.
        depth = depth.checked_add(if rest.starts_with('~') { number } else { number.min(1) })?;
        rest = next;
    }
    Some(depth)
}

fn open(folder: &Path) -> Result<Option<git2::Repository>, LoadError> {
    let error = match git2::Repository::open_ext(
        folder,
        RepositoryOpenFlags::CROSS_FS,
        std::iter::empty::<&Path>(),
    ) {
        Ok(repository) => return Ok(Some(repository)),
        Err(error) => error,
    };
    let shown = folder.display();
    match error.code() {
        ErrorCode::NotFound => Ok(None),
        ErrorCode::Owner => Err(foreign(&owned_folder(folder))),
        _ => Err(refused(&shown.to_string(), error.message())),
    }
}

/// The folder that `safe.directory` must name: the top of the work tree, or the bare repository.
fn owned_folder(folder: &Path) -> PathBuf {
    let marked = folder.ancestors().find(|ancestor| ancestor.join(".git").exists());
    let bare = || folder.ancestors().find(|ancestor| ancestor.join("HEAD").is_file());
    marked.or_else(bare).unwrap_or(folder).to_owned()
}

fn foreign(folder: &Path) -> LoadError {
    LoadError {
        message: format!("the repository {} belongs to somebody else", folder.display()),
        help: Some(format!(
            "if you trust it: git config --global --add safe.directory '{}'",
            folder.display()
        )),
    }
}

/// A repository of a form that libgit2 does not read.
fn refused(folder: &str, reason: &str) -> LoadError {
    let (message, help) = if reason.contains("sha256") {
        (
            format!("the repository around {folder} names its objects by SHA-256, which cannot be read here"),
            Some("use a clone with SHA-1 objects (git init --object-format=sha1)"),
        )
    } else if reason.contains("extensions.refstorage") {
        (
            format!(
                "the repository around {folder} keeps its references in reftables, which cannot be read here"
            ),
            Some("git refs migrate --ref-format=files"),
        )
    } else if reason.contains("extensions.partialclone") {
        (
            format!(
                "the repository around {folder} is a partial clone of an old form, which cannot be read here"
            ),
            Some("git config --unset extensions.partialClone, or clone it again"),
        )
    } else {
        (format!("cannot open the repository around {folder}: {reason}"), None)
    };
    LoadError { message, help: help.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_deep_a_clone_must_be() {
        for (revision, depth) in [
            ("HEAD", Some(1)),
            ("HEAD~5", Some(6)),
            ("@^^~2", Some(5)),
            ("HEAD^2", Some(2)),
            ("HEAD^0", Some(1)),
        ] {
            assert_eq!(depth_for(revision), depth, "{revision}");
        }
        for revision in ["main~2", "v1.0", "HEAD@{1}", "HEAD^{tree}", "HEAD~99999999999999999999"] {
            assert_eq!(depth_for(revision), None, "{revision}");
        }
    }

    #[test]
    fn what_to_do_about_a_foreign_owner() {
        let error = foreign(Path::new("/srv/estate of others"));
        assert_eq!(error.message, "the repository /srv/estate of others belongs to somebody else");
        let help = "if you trust it: git config --global --add safe.directory '/srv/estate of others'";
        assert_eq!(error.help.as_deref(), Some(help));
    }
}
