//! A file that is written whole or not at all.
//!
//! A draft is written beside its place, under a name that nobody takes for what it becomes, and moved there when it is
//! whole. An error, a full disk or a signal leaves what was there before. A device, a pipe and what `/dev` and `/proc`
//! name are written in place; so is a file in a folder that takes no other one.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A chain of links is followed so far, as the system does.
const MOST_LINKS: usize = 40;
/// So many names are tried, since other runs may have taken some: in containers all have the same process id.
const MOST_NAMES: u32 = 10_000;

/// The drafts of this process. Whoever moves or removes one holds the lock, so that each ends once.
static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn open_drafts() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // The set is sound between any two statements.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file in the making. Dropped before [`finish`](Self::finish), it was never there. Nothing is buffered.
#[derive(Debug)]
pub struct Draft {
    file: File,
    /// What it becomes, behind links.
    place: PathBuf,
    /// Where it is until then; none if it is written in place.
    beside: Option<PathBuf>,
    /// Whether it is a file of which nothing should stay if it does not get whole.
    is_plain: bool,
}

impl Draft {
    /// Begins to write a file.
    ///
    /// # Errors
    /// The place cannot be written.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let Some(place) = behind_links(path)? else { return Self::in_place(path.to_owned()) };
        let former = match OpenOptions::new().write(true).open(&place) {
            Ok(file) => {
                let metadata = file.metadata()?;
                if !metadata.is_file() {
                    return Ok(Self::of(file, place, None, false));
                }
                Some(metadata)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match new_file_beside(&place) {
            Ok((file, beside)) => {
                let draft = Self::of(file, place, Some(beside), true);
                if let Some(former) = former {
                    draft.take_over(&former)?;
                }
                Ok(draft)
            }
            // A folder that takes no new file may still hold one that can be written.
            Err(_) if former.is_some() => Self::in_place(place),
            Err(error) => Err(error),
        }
    }

    fn in_place(place: PathBuf) -> io::Result<Self> {
        let file = File::create(&place)?;
        let is_plain = file.metadata()?.is_file();
        Ok(Self::of(file, place, None, is_plain))
    }

    fn of(file: File, place: PathBuf, beside: Option<PathBuf>, is_plain: bool) -> Self {
        Self { file, place, beside, is_plain }
    }

    /// Gives it the owner, as far as that is allowed, and the permissions of the file whose place it takes.
    fn take_over(&self, former: &fs::Metadata) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, fchown};
            let own = self.file.metadata()?;
            if (own.uid(), own.gid()) != (former.uid(), former.gid()) {
                // Only the superuser gives files away.
                drop(fchown(&self.file, Some(former.uid()), Some(former.gid())));
            }
        }
        self.file.set_permissions(former.permissions())
    }

    /// Makes it the file.
    ///
    /// # Errors
    /// Not all of it could be written. What was there before is there still, unless the file is mounted on its own: then it is
    /// empty.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(beside) = self.beside.clone() else {
            self.is_plain = false;
            return Ok(());
        };
        // Some file systems tell only now that they are full.
        self.file.sync_all()?;
        let mut drafts = open_drafts();
        let moved = fs::rename(&beside, &self.place);
        if moved.is_ok() {
            drafts.remove(&beside);
            self.beside = None;
            self.is_plain = false;
            return Ok(());
        }
        drop(drafts);
        // A file that is mounted on its own can be written, and nothing can take its place.
        let Ok(place) = OpenOptions::new().write(true).truncate(true).open(&self.place) else { return moved };
        self.file.rewind()?;
        let copied = io::copy(&mut self.file, &mut &place);
        if copied.is_err() {
            drop(place.set_len(0));
        }
        copied.map(|_| ())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(beside) = self.beside.take() {
            let mut drafts = open_drafts();
            drop(fs::remove_file(&beside));
            drafts.remove(&beside);
        } else if self.is_plain {
            // Half a report looks like a whole one; an empty file looks like none.
            drop(self.file.set_len(0));
        }
    }
}

/// Removes the drafts of this process, for good: while the value that is given back lives, none is moved to its place.
/// For the end of the process by a signal.
#[must_use = "drafts that are finished later would take their places"]
pub fn remove_drafts() -> impl Drop {
    let drafts = open_drafts();
    for draft in &*drafts {
        drop(fs::remove_file(draft));
    }
    drafts
}

/// The file that a path means; none if it is in a folder of the system, whose links name what is open.
fn behind_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // A folder that is not there is told when the file is created.
        let folder = folder.unwrap_or(Path::new(".")).canonicalize();
        let is_system = |folder: &PathBuf| {
            folder.starts_with("/proc") || (folder.starts_with("/dev") && !folder.starts_with("/dev/shm"))
        };
        if folder.as_ref().is_ok_and(is_system) {
            return Ok(None);
        }
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(Some(path)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// A new file in the same folder, and its path.
fn new_file_beside(place: &Path) -> io::Result<(File, PathBuf)> {
    let folder = place.parent().unwrap_or(Path::new(""));
    let process = std::process::id();
    let mut drafts = open_drafts();
    for number in 0..MOST_NAMES {
        let path = folder.join(format!(".assize-{process}-{number}.tmp"));
        match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => {
                drafts.insert(path.clone());
                return Ok((file, path));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!(
        "{MOST_NAMES} files called .assize-{process}-*.tmp are in the folder; remove them"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        #[expect(clippy::disallowed_methods, reason = "a test looks at what was written")]
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[expect(clippy::disallowed_methods, reason = "a test looks at what was written")]
    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut draft = Draft::begin(path)?;
        draft.write_all(text.as_bytes())?;
        draft.finish()
    }

    #[test]
    fn it_is_there_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        let mut draft = Draft::begin(&path).unwrap();
        draft.write_all(b"new").unwrap();
        draft.flush().unwrap();
        assert!(!path.exists());
        draft.finish().unwrap();
        assert_eq!((text(&path).as_str(), names(folder.path())), ("new", vec!["report".to_owned()]));
        write(&path, "newer").unwrap();
        assert_eq!((text(&path).as_str(), names(folder.path()).len()), ("newer", 1));
    }

    #[test]
    fn one_that_is_given_up_was_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        let mut draft = Draft::begin(&path).unwrap();
        draft.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(names(folder.path()), Vec::<String>::new());
        write(&path, "old").unwrap();
        let mut draft = Draft::begin(&path).unwrap();
        draft.write_all(&vec![b'x'; 1 << 20]).unwrap();
        drop(draft);
        assert_eq!((text(&path).as_str(), names(folder.path()).len()), ("old", 1));
    }

    #[test]
    fn names_that_others_have_taken_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join(format!(".assize-{}-0.tmp", std::process::id()));
        fs::write(&taken, "of another").unwrap();
        write(&folder.path().join("report"), "new").unwrap();
        assert_eq!(text(&taken), "of another");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn no_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(&folder.path().join("none/report"), "new").is_err());
        assert!(write(folder.path(), "new").is_err());
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_what_they_name_is_written() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("below")).unwrap();
        symlink("below/second", path("first")).unwrap();
        symlink("third", path("below/second")).unwrap();
        // What they name need not be there.
        write(&path("first"), "new").unwrap();
        assert_eq!(text(&path("below/third")), "new");
        write(&path("first"), "newer").unwrap();
        assert_eq!(text(&path("below/third")), "newer");
        assert_eq!(names(&path("below")), ["second", "third"]);
        assert!(path("first").is_symlink() && path("below/second").is_symlink());
        symlink("circle", path("circle")).unwrap();
        assert!(write(&path("circle"), "new").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, "new").unwrap();
        assert_eq!(
            (text(&path).as_str(), path.metadata().unwrap().permissions().mode() & 0o777),
            ("new", 0o640)
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_are_written_in_place() {
        write(Path::new("/dev/null"), "gone").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        assert!(write(&path, "gone").is_err());
        assert!(path.is_symlink() && Path::new("/dev/full").exists());
        assert_eq!(names(folder.path()).len(), 1);
    }
}
