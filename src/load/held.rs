//! Whether the repository holds a path that a document names: what git has or will take, as `check` on a clean
//! clone would see it.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::fs;
use std::path::Path;

use super::root::Root;
use super::source::Source as _;
use super::worktree::is_skipped;

/// What stands at a path of a source of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A plain file.
    File,
    /// A folder with at least one file that the source holds.
    Folder,
    /// A symbolic link, or something behind one; links are not followed.
    Link,
    /// It is there, but git neither tracks it nor will: nobody else has it.
    Ignored,
    /// Nothing.
    Nothing,
    /// The path leads out of the repository.
    Outside,
    /// It cannot be told: a folder on the way cannot be read.
    Unknown,
}

/// A path without `.` and `..`; none if it climbs beyond its beginning.
pub(super) fn plain(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Root {
    /// What stands at a path from the top.
    pub(super) fn held(&self, path: &str) -> Held {
        let full = self.top.join(path);
        let Ok(metadata) = fs::symlink_metadata(&full) else {
            // A sparse checkout leaves out what the repository holds; what is merely deleted is gone.
            let is_left_out = |entry: git2::IndexEntry| is_skipped(&entry);
            let left_out =
                self.with_index(|index| index.get_path(Path::new(path), 0).is_some_and(is_left_out));
            return if left_out { Held::File } else { Held::Nothing };
        };
        if metadata.is_symlink() || !full.canonicalize().is_ok_and(|canonical| canonical == full) {
            // On file systems without case, another spelling ends here as well: elsewhere it names nothing.
            return if leads_elsewhere(&self.top, path) { Held::Link } else { Held::Nothing };
        }
        if metadata.is_file() {
            if self.is_tracked(path) {
                Held::File
            } else if self.is_of_another_repository(path) {
                Held::Nothing
            } else if self.is_ignored(path, false) {
                Held::Ignored
            } else {
                Held::File
            }
        } else if metadata.is_dir() {
            self.held_folder(path)
        } else {
            Held::Nothing
        }
    }

    /// Git has no folders: one is held if a file in it is.
    fn held_folder(&self, path: &str) -> Held {
        if self.has_tracked_files(path) {
            return Held::Folder;
        }
        if self.is_of_another_repository(path) || self.top.join(path).join(".git").exists() {
            return Held::Nothing;
        }
        if self.is_ignored(path, true) {
            return Held::Ignored;
        }
        let (listing, _) = self.list(&[path.to_owned()], &|_| true, 1);
        if listing.entries.is_empty() { Held::Nothing } else { Held::Folder }
    }

    fn is_tracked(&self, path: &str) -> bool {
        self.with_index(|index| index.get_path(Path::new(path), 0).is_some())
    }

    fn has_tracked_files(&self, folder: &str) -> bool {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.with_index(|index| {
            index.iter().any(|entry| {
                let path = std::str::from_utf8(&entry.path).ok().filter(|path| path.starts_with(&prefix));
                path.is_some_and(|path| self.top.join(path).is_file())
            })
        })
    }

    /// Asks the index; an index that cannot be read is a problem of the listing, and holds nothing here.
    fn with_index(&self, ask: impl FnOnce(&git2::Index) -> bool) -> bool {
        let Some(repository) = &self.repository else { return false };
        repository.with(|handle| handle.index().is_ok_and(|index| ask(&index))).unwrap_or_default()
    }

    /// Whether a folder on the way is the top of another repository.
    fn is_of_another_repository(&self, path: &str) -> bool {
        folders(path).any(|folder| {
            folder == ".git"
                || folder.ends_with("/.git")
                || (!folder.is_empty() && self.top.join(folder).join(".git").exists())
        })
    }

    /// Whether the repository's own `.gitignore` files exclude a path, or a folder on the way to it.
    fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        let steps = folders(path).skip(1).map(|folder| (folder, true));
        let mut known: Vec<Gitignore> = Vec::new();
        let mut holder = "";
        for (step, is_folder) in steps.chain([(path, is_folder)]) {
            // Of the files on the way the innermost that says something counts.
            let file = self.top.join(holder).join(".gitignore");
            let mut builder = GitignoreBuilder::new(self.top.join(holder));
            if file.is_file() {
                // A line that is no glob excludes nothing, here as in the listing.
                drop(builder.add(file));
            }
            known.extend(builder.build());
            let full = self.top.join(step);
            let said = known.iter().rev().map(|ignore| ignore.matched(&full, is_folder));
            match said.into_iter().find(|said| !said.is_none()) {
                Some(Match::Ignore(_)) => return true,
                Some(Match::Whitelist(_) | Match::None) | None => {}
            }
            holder = step;
        }
        false
    }
}

/// The folders around a path, from the top (the empty path) inwards.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(path.match_indices('/').filter_map(move |(at, _)| path.get(..at)))
}

/// Whether the path, or a folder on the way, is a symbolic link.
fn leads_elsewhere(top: &Path, path: &str) -> bool {
    folders(path).skip(1).chain([path]).any(|step| top.join(step).is_symlink())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_without_detours() {
        let cases = [
            ("docs/a.md", Some("docs/a.md")),
            ("./docs//a.md", Some("docs/a.md")),
            ("docs/../b.md", Some("b.md")),
            ("..", None),
            ("docs/../../a.md", None),
            ("", Some("")),
        ];
        for (path, expected) in cases {
            assert_eq!(plain(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn folders_on_the_way() {
        assert_eq!(folders("a/b/c").collect::<Vec<_>>(), ["", "a", "a/b"]);
        assert_eq!(folders("a").collect::<Vec<_>>(), [""]);
    }
}
