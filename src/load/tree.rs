//! Git's trees, read from their bytes: entries, and what differs between two trees.
//!
//! Two trees are walked in lockstep, and only what differs is opened: on real histories that is a hundred times
//! cheaper than a diff that expands both.

use std::cmp::Ordering;

use super::object::ObjectId;

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Tree,
    /// A file, executable or not.
    File,
    /// A symbolic link.
    Link,
    /// Another repository.
    Submodule,
}

/// An entry of a tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeEntry<'t> {
    pub(super) kind: EntryKind,
    pub(super) name: &'t [u8],
    pub(super) id: ObjectId,
}

/// A tree whose bytes make no sense, or that holds a name which no work tree could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MalformedTree;

/// The entries of a tree, in git's order: as if the name of a folder ended in `/`.
#[derive(Clone, Debug)]
pub(super) struct TreeEntries<'t> {
    rest: &'t [u8],
}

impl<'t> TreeEntries<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The entry of this name, if there is one.
    pub(super) fn named(mut self, name: &[u8]) -> Result<Option<TreeEntry<'t>>, MalformedTree> {
        self.find(|entry| entry.as_ref().map_or(true, |entry| entry.name == name)).transpose()
    }

    /// `<mode> <name> NUL <id>`
    fn parse(&mut self) -> Result<TreeEntry<'t>, MalformedTree> {
        let space = memchr(b' ', self.rest)?;
        let (mode, rest) = split(self.rest, space)?;
        let end = memchr(0, rest)?;
        let (name, rest) = split(rest, end)?;
        let (id, rest) = rest.split_at_checked(20).ok_or(MalformedTree)?;
        let kind = match mode {
            b"40000" | b"040000" => EntryKind::Tree,
            b"120000" => EntryKind::Link,
            b"160000" => EntryKind::Submodule,
            [b'1', b'0', b'0', ..] if mode.len() == 6 => EntryKind::File,
            _ => return Err(MalformedTree),
        };
        if name.is_empty() || name.contains(&b'/') || matches!(name, b"." | b"..") || is_dot_git(name) {
            return Err(MalformedTree);
        }
        self.rest = rest;
        Ok(TreeEntry { kind, name, id: ObjectId::from_bytes(id).ok_or(MalformedTree)? })
    }
}

impl<'t> Iterator for TreeEntries<'t> {
    type Item = Result<TreeEntry<'t>, MalformedTree>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.parse();
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }
}

fn memchr(byte: u8, bytes: &[u8]) -> Result<usize, MalformedTree> {
    bytes.iter().position(|other| *other == byte).ok_or(MalformedTree)
}

/// What stands before and after the byte at `at`.
fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), MalformedTree> {
    let before = bytes.get(..at).ok_or(MalformedTree)?;
    Ok((before, bytes.get(at + 1..).ok_or(MalformedTree)?))
}

fn is_dot_git(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b".git")
}

/// A file, link or submodule that differs between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPath {
    /// Path from the top, with `/`; git keeps bytes, and reports name only what is UTF-8.
    pub path: Vec<u8>,
    /// What was there; none: it was added.
    pub old: Option<(EntryKind, ObjectId)>,
    /// What is there now; none: it was removed.
    pub new: Option<(EntryKind, ObjectId)>,
}

/// Why two trees cannot be compared.
#[derive(Debug)]
pub(super) enum TreeError {
    Object(git2::Error, ObjectId),
    Malformed(ObjectId),
    TooDeep,
}

/// Deeper trees are a trick. Git itself stops at 2048.
pub(super) const MAX_DEPTH: usize = 512;

/// Adds what differs between two trees, in the order of git's trees. A file that becomes a folder, or the other way
/// round, is removed and added.
pub(super) fn compare(
    objects: &git2::Odb<'_>,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    path: &mut Vec<u8>,
    depth: usize,
    changes: &mut Vec<ChangedPath>,
) -> Result<(), TreeError> {
    if old == new {
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Err(TreeError::TooDeep);
    }
    let read = |id: Option<ObjectId>| match id {
        None => Ok(None),
        Some(id) => {
            let object = id.raw().and_then(|raw| objects.read(raw));
            object.map(Some).map_err(|error| TreeError::Object(error, id))
        }
    };
    let (old_tree, new_tree) = (read(old)?, read(new)?);
    let mut left = TreeEntries::new(old_tree.as_ref().map_or(&[], |tree| tree.data()));
    let mut right = TreeEntries::new(new_tree.as_ref().map_or(&[], |tree| tree.data()));
    let malformed = |id: Option<ObjectId>| move |_| id.map_or(TreeError::TooDeep, TreeError::Malformed);
    let mut one = left.next().transpose().map_err(malformed(old))?;
    let mut other = right.next().transpose().map_err(malformed(new))?;
    loop {
        let order = match (&one, &other) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => in_order(one, other),
        };
        let before = one.filter(|_| order != Ordering::Greater);
        let after = other.filter(|_| order != Ordering::Less);
        let is_same = before
            .zip(after)
            .is_some_and(|(before, after)| before.id == after.id && before.kind == after.kind);
        if !is_same {
            let length = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(before.or(after).map_or(&[], |entry| entry.name));
            let tree = |entry: Option<TreeEntry<'_>>| {
                entry.filter(|entry| entry.kind == EntryKind::Tree).map(|entry| entry.id)
            };
            let leaf = |entry: Option<TreeEntry<'_>>| {
                entry.filter(|entry| entry.kind != EntryKind::Tree).map(|entry| (entry.kind, entry.id))
            };
            if leaf(before).is_some() || leaf(after).is_some() {
                changes.push(ChangedPath { path: path.clone(), old: leaf(before), new: leaf(after) });
            }
            compare(objects, tree(before), tree(after), path, depth + 1, changes)?;
            path.truncate(length);
        }
        if order != Ordering::Greater {
            one = left.next().transpose().map_err(malformed(old))?;
        }
        if order != Ordering::Less {
            other = right.next().transpose().map_err(malformed(new))?;
        }
    }
}

/// Git's order: the name of a folder counts as if it ended in `/`. A file and a folder of one name are not equal.
fn in_order(one: &TreeEntry<'_>, other: &TreeEntry<'_>) -> Ordering {
    let shared = one.name.len().min(other.name.len());
    let (first, second) = (one.name.get(..shared), other.name.get(..shared));
    let after = |entry: &TreeEntry<'_>| {
        let end = if entry.kind == EntryKind::Tree { b'/' } else { 0 };
        entry.name.get(shared).copied().unwrap_or(end)
    };
    first.cmp(&second).then_with(|| after(one).cmp(&after(other))).then(one.name.len().cmp(&other.name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str)]) -> Vec<u8> {
        let entry = |(mode, name): &(&str, &str)| {
            let mut bytes = format!("{mode} {name}\0").into_bytes();
            bytes.extend([7; 20]);
            bytes
        };
        entries.iter().flat_map(entry).collect()
    }

    #[test]
    fn entries() {
        let bytes =
            tree(&[("100755", "a b"), ("40000", "c"), ("120000", "d"), ("160000", "e"), ("100664", "f")]);
        let found: Vec<_> = TreeEntries::new(&bytes).map(|entry| entry.map(|entry| entry.kind)).collect();
        let kinds =
            [EntryKind::File, EntryKind::Tree, EntryKind::Link, EntryKind::Submodule, EntryKind::File];
        assert_eq!(found, kinds.map(Ok));
        assert_eq!(TreeEntries::new(&bytes).named(b"c").unwrap().unwrap().kind, EntryKind::Tree);
        assert!(TreeEntries::new(&bytes).named(b"x").unwrap().is_none());
    }

    #[test]
    fn what_makes_no_sense() {
        for name in ["", ".", "..", ".git", ".GIT", "a/b"] {
            let bytes = tree(&[("100644", name)]);
            assert_eq!(TreeEntries::new(&bytes).next().unwrap().unwrap_err(), MalformedTree, "{name:?}");
        }
        let bytes = tree(&[("644", "a")]);
        assert!(TreeEntries::new(&bytes).next().unwrap().is_err());
        let bytes = tree(&[("100644", "a"), ("100644", "b")]);
        let cut = &bytes[..bytes.len() - 1];
        let found: Vec<_> = TreeEntries::new(cut).map(|entry| entry.is_ok()).collect();
        assert_eq!(found, [true, false], "it ends there, and says so");
        assert!(TreeEntries::new(cut).named(b"z").is_err(), "what cannot be read may hold the name");
    }

    #[test]
    fn the_order_of_git() {
        let entry = |kind, name| TreeEntry { kind, name, id: ObjectId::from_bytes(&[7; 20]).unwrap() };
        let file = |name| entry(EntryKind::File, name);
        let folder = |name| entry(EntryKind::Tree, name);
        assert_eq!(in_order(&file(b"a"), &file(b"a")), Ordering::Equal);
        assert_eq!(in_order(&folder(b"a"), &folder(b"a")), Ordering::Equal);
        assert_eq!(in_order(&file(b"a"), &folder(b"a")), Ordering::Less);
        assert_eq!(in_order(&file(b"a.b"), &folder(b"a")), Ordering::Less);
        assert_eq!(in_order(&folder(b"a"), &file(b"a0")), Ordering::Less);
        assert_eq!(in_order(&file(b"ab"), &file(b"a")), Ordering::Greater);
    }
}
