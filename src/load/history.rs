//! What git knows of history: commits, who made them, what lies between them.

use std::collections::HashSet;
use std::fs;

use git2::ErrorCode;

use super::object::{ObjectId, Revision};
use super::repository::{ObjectError, Repository, object_error};
use super::root::LoadError;
use super::tree::{ChangedPath, TreeError, compare};

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id and that of its tree.
    pub revision: Revision,
    /// The commits before it, the first being that of the branch it was made on.
    pub parents: Vec<ObjectId>,
    /// Who wrote it.
    pub author: Signature,
    /// Who made it a commit.
    pub committer: Signature,
    /// What was written about it.
    pub message: String,
    /// Whether it carries a signature. Nobody has verified it.
    pub has_signature: bool,
    /// Whether the clone is cut behind it: it has parents, and they are not here.
    pub is_boundary: bool,
}

/// Who did something to a commit, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// A name.
    pub name: String,
    /// An address.
    pub email: String,
    /// Seconds since 1970, in UTC.
    pub seconds: i64,
    /// Minutes by which the clock was ahead of UTC.
    pub offset: i32,
}

/// The branch that others are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultBranch {
    /// Its name, as `origin/main`.
    pub name: String,
    /// Its last commit.
    pub revision: Revision,
}

/// The commits of a branch, newest first: each one's first parent is the next.
#[derive(Debug)]
pub struct FirstParents<'r> {
    repository: &'r Repository,
    boundaries: HashSet<ObjectId>,
    next: Option<ObjectId>,
}

impl CommitInfo {
    /// Lines of the form `Key: value` in the last paragraph of the message.
    pub fn trailers(&self) -> Vec<(String, String)> {
        let Ok(found) = git2::message_trailers_strs(&self.message) else { return Vec::new() };
        found.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn parse(id: ObjectId, bytes: &[u8], boundaries: &HashSet<ObjectId>) -> Option<Self> {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n");
        let (head, message) = match end {
            Some(end) => (bytes.get(..end)?, bytes.get(end + 2..)?),
            None => (bytes, &[][..]),
        };
        let mut tree = None;
        let mut parents = Vec::new();
        let (mut author, mut committer) = (None, None);
        let mut has_signature = false;
        // A line that begins with a space goes on with the one before: no key looks like that.
        for line in head.split(|byte| *byte == b'\n') {
            let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
            let (key, value) = (line.get(..at)?, line.get(at + 1..).unwrap_or_default());
            match key {
                b"tree" => tree = parse_id(value),
                b"parent" => parents.push(parse_id(value)?),
                b"author" => author = Some(Signature::parse(value)),
                b"committer" => committer = Some(Signature::parse(value)),
                b"gpgsig" | b"gpgsig-sha256" => has_signature = true,
                _ => {}
            }
        }
        Some(Self {
            revision: Revision { commit: id, tree: tree? },
            is_boundary: boundaries.contains(&id),
            parents,
            author: author?,
            committer: committer?,
            message: String::from_utf8_lossy(message).into_owned(),
            has_signature,
        })
    }
}

impl Signature {
    /// `<name> <<email>> <seconds> <offset>`; what cannot be told is empty.
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (who, when) = text.rsplit_once('>').unwrap_or((&text, ""));
        let (name, email) = who.split_once('<').unwrap_or((who, ""));
        let mut when = when.split_whitespace();
        let seconds = when.next().and_then(|text| text.parse().ok()).unwrap_or_default();
        let offset = when.next().and_then(parse_offset).unwrap_or_default();
        Self { name: name.trim().to_owned(), email: email.trim().to_owned(), seconds, offset }
    }
}

/// `+0530` in minutes.
fn parse_offset(text: &str) -> Option<i32> {
    let number: i32 = text.parse().ok()?;
    Some(number / 100 * 60 + number % 100)
}

fn parse_id(hex: &[u8]) -> Option<ObjectId> {
    let text = std::str::from_utf8(hex).ok().filter(|text| text.len() == 40)?;
    git2::Oid::from_str(text).ok()?.try_into().ok()
}

impl Repository {
    /// Reads a commit.
    ///
    /// # Errors
    /// One that is not there, or makes no sense.
    pub fn commit(&self, id: ObjectId) -> Result<CommitInfo, LoadError> {
        self.read_commit(id, &self.boundaries()?)
    }

    fn read_commit(&self, id: ObjectId, boundaries: &HashSet<ObjectId>) -> Result<CommitInfo, LoadError> {
        self.with(|handle| {
            let objects = handle.odb().map_err(|error| failed(&format!("commit {id}"), &error))?;
            let object = id.raw().and_then(|raw| objects.read(raw));
            let object = object.map_err(|error| failed(&format!("commit {id}"), &error))?;
            let is_commit = object.kind() == git2::ObjectType::Commit;
            let parsed = is_commit.then(|| CommitInfo::parse(id, object.data(), boundaries)).flatten();
            parsed.ok_or_else(|| LoadError {
                message: format!("the commit {id} makes no sense"),
                help: Some("`git fsck` tells more".to_owned()),
            })
        })?
    }

    /// The commits at which a shallow clone is cut.
    fn boundaries(&self) -> Result<HashSet<ObjectId>, LoadError> {
        let file = self.with(|handle| handle.commondir().join("shallow"))?;
        #[expect(clippy::disallowed_methods, reason = "files are read in `load`")]
        match fs::read_to_string(&file) {
            Ok(text) => Ok(text.lines().filter_map(|line| parse_id(line.trim().as_bytes())).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
            Err(error) => Err(LoadError {
                message: format!("cannot tell where the history of the clone is cut: {error}"),
                help: None,
            }),
        }
    }

    /// The commits of a branch from `newest` backwards, along the first parents. In a shallow clone the last one is a
    /// boundary: history does not begin there.
    ///
    /// # Errors
    /// A repository that cannot be opened.
    pub fn first_parents(&self, newest: ObjectId) -> Result<FirstParents<'_>, LoadError> {
        Ok(FirstParents { repository: self, boundaries: self.boundaries()?, next: Some(newest) })
    }

    /// The last commit that two have in common; none if they have nothing in common.
    ///
    /// # Errors
    /// A commit that is not there; a shallow clone that is cut before the answer.
    pub fn merge_base(&self, one: ObjectId, other: ObjectId) -> Result<Option<ObjectId>, LoadError> {
        let (found, is_shallow) = self.with(|handle| {
            let ids = one.raw().and_then(|one| Ok((one, other.raw()?)));
            let base = ids.and_then(|(one, other)| handle.merge_base(one, other));
            (base.and_then(ObjectId::try_from), handle.is_shallow())
        })?;
        match found {
            Ok(base) => Ok(Some(base)),
            Err(error) if error.code() == ErrorCode::NotFound && is_shallow => Err(LoadError {
                message: format!(
                    "this clone is shallow: what {one} and {other} have in common lies before the cut"
                ),
                help: Some("fetch the whole history: fetch-depth: 0 (git fetch --unshallow)".to_owned()),
            }),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed(&format!("the merge base of {one} and {other}"), &error)),
        }
    }

    /// The branch that changes go to: what `origin/HEAD` names, else `init.defaultBranch`, `main` or `master`, of
    /// origin before that of this clone.
    ///
    /// # Errors
    /// There is none.
    pub fn default_branch(&self) -> Result<DefaultBranch, LoadError> {
        let names = self.with(|handle| {
            let head = handle.find_reference("refs/remotes/origin/HEAD").ok();
            let target = head.and_then(|head| head.symbolic_target().ok().flatten().map(str::to_owned));
            let configured = handle.config().and_then(|config| config.get_string("init.defaultBranch"));
            let branches = configured.into_iter().chain(["main".to_owned(), "master".to_owned()]);
            let branches = branches
                .flat_map(|name| [format!("refs/remotes/origin/{name}"), format!("refs/heads/{name}")]);
            target.into_iter().chain(branches).collect::<Vec<String>>()
        })?;
        for name in &names {
            let is_there = self.with(|handle| handle.find_reference(name).is_ok())?;
            if is_there {
                let short = name.strip_prefix("refs/remotes/").or_else(|| name.strip_prefix("refs/heads/"));
                let name = short.unwrap_or(name).to_owned();
                return Ok(DefaultBranch { revision: self.resolve(&name)?, name });
            }
        }
        Err(LoadError {
            message: "cannot tell which branch is the default one: origin/HEAD, main and master name nothing"
                .to_owned(),
            help: Some("name the base, or say it once: git remote set-head origin --auto".to_owned()),
        })
    }

    /// What differs between two trees; none is an empty one. Only folders that differ are opened. The order is that of
    /// git's trees.
    ///
    /// # Errors
    /// A tree that is not there, or makes no sense.
    pub fn changed_paths(
        &self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) -> Result<Vec<ChangedPath>, LoadError> {
        self.with(|handle| {
            let objects = handle.odb().map_err(|error| failed("the objects", &error))?;
            let mut changes = Vec::new();
            match compare(&objects, old, new, &mut Vec::new(), 0, &mut changes) {
                Ok(()) => Ok(changes),
                Err(TreeError::Object(error, id)) => Err(failed(&format!("tree {id}"), &error)),
                Err(TreeError::Malformed(id)) => {
                    Err(LoadError { message: format!("tree {id} makes no sense"), help: None })
                }
                Err(TreeError::TooDeep) => {
                    Err(LoadError { message: "the folders are nested too deeply".to_owned(), help: None })
                }
            }
        })?
    }
}

impl Iterator for FirstParents<'_> {
    type Item = Result<CommitInfo, LoadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let id = self.next.take()?;
        let commit = self.repository.read_commit(id, &self.boundaries);
        if let Ok(commit) = commit.as_ref().map_err(drop) {
            self.next = commit.parents.first().copied().filter(|_| !commit.is_boundary);
        }
        Some(commit)
    }
}

fn failed(what: &str, error: &git2::Error) -> LoadError {
    let (message, help) = match object_error(error) {
        ObjectError::Missing => (
            format!("{what} is not in this clone"),
            Some("fetch it: fetch-depth: 0 (git fetch --unshallow), or git fetch --refetch --no-filter"),
        ),
        ObjectError::Broken(reason) => (format!("cannot read {what}: {reason}"), None),
        ObjectError::TooLarge(size) => (format!("cannot read {what}: it has {size} bytes"), None),
    };
    LoadError { message, help: help.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        parse_id(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    #[test]
    fn a_commit() {
        let text = format!(
            "tree {}\nparent {}\nparent {}\nauthor Anna <b> <anna@example.org> 1700000000 +0530\n\
             committer  <> -5 -0030\nencoding x\ngpgsig -----BEGIN\n author no <no> 1 +0000\n -----END\n\nTitle\n\n\
             text\n\nFixes: 7\nSigned-off-by: Ben <ben@example.org>\n",
            id('a'),
            id('b'),
            id('c'),
        );
        let commit = CommitInfo::parse(id('d'), text.as_bytes(), &HashSet::from([id('d')])).unwrap();
        assert_eq!(commit.revision, Revision { commit: id('d'), tree: id('a') });
        assert_eq!(commit.parents, [id('b'), id('c')]);
        let person = |name: &str, email: &str, seconds, offset| Signature {
            name: name.to_owned(),
            email: email.to_owned(),
            seconds,
            offset,
        };
        assert_eq!(commit.author, person("Anna", "b> <anna@example.org", 1_700_000_000, 330));
        assert_eq!(commit.committer, person("", "", -5, -30));
        assert!(commit.has_signature && commit.is_boundary);
        let trailers = commit.trailers();
        let expected = [("Fixes", "7"), ("Signed-off-by", "Ben <ben@example.org>")];
        assert_eq!(trailers, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let unsigned = text.replace("gpgsig ", "mergetag ");
        assert!(!CommitInfo::parse(id('d'), unsigned.as_bytes(), &HashSet::new()).unwrap().has_signature);
        for lacking in ["tree ", "author Anna", "committer "] {
            let text = text.replace(lacking, "x ");
            assert_eq!(CommitInfo::parse(id('d'), text.as_bytes(), &HashSet::new()), None, "{lacking}");
        }
    }
}
