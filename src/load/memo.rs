//! Records that earlier runs have left on disk, to save work: never needed, never trusted blindly.
//!
//! A memo is a folder with a folder for each *environment* (program and policies), and in it *segments*: files of records
//! with a digest at their end. A segment is written as a [`Draft`], so it is whole or not there,
//! whatever happens to the process; nobody changes one that is there, so that several processes can read and write at
//! once. What does not hold up to its digest is passed over. At worst, everything is worked out again.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Draft;

/// What tells a record from others.
pub type MemoKey = [u8; 16];

/// First line of a segment.
const HEADER: &[u8] = b"assize memo 1\n";
/// Beginning of its last line, after which the digest of all before it follows.
const TRAILER: &[u8] = b"sha256:";
/// More segments than this are put together into one.
const MOST_SEGMENTS: usize = 8;
/// What other programs should know of the folder.
const MARKERS: [(&str, &str); 2] = [
    (".gitignore", "*\n"),
    (
        "CACHEDIR.TAG",
        "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of assize. It can be removed at any time.\n",
    ),
];

/// Records of earlier runs, and new ones.
#[derive(Debug)]
pub struct Memo {
    /// The folder of the environment.
    folder: PathBuf,
    known: HashMap<MemoKey, Vec<u8>>,
    /// Records that no segment holds yet, in the order in which they came.
    fresh: Vec<MemoKey>,
    /// The segments that were read.
    segments: Vec<PathBuf>,
    /// How many of them did not hold up.
    broken: usize,
}

impl Memo {
    /// Reads what is there. `environment` tells apart what must never be mixed. What cannot be read counts as not there.
    pub fn open(folder: &Path, environment: &str) -> Self {
        let digest = hexadecimal(&Sha256::digest(environment.as_bytes()));
        let folder = folder.join(digest.get(..32).unwrap_or(&digest));
        let mut memo =
            Self { folder, known: HashMap::new(), fresh: Vec::new(), segments: Vec::new(), broken: 0 };
        #[expect(clippy::disallowed_methods, reason = "files are read in `load`")]
        let listed = fs::read_dir(&memo.folder);
        let mut paths: Vec<PathBuf> =
            listed.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "memo"));
        paths.sort();
        for path in paths {
            #[expect(clippy::disallowed_methods, reason = "files are read in `load`")]
            let bytes = fs::read(&path);
            match bytes.ok().and_then(|bytes| records(&bytes)) {
                Some(records) => {
                    memo.known.extend(records);
                    memo.segments.push(path);
                }
                None => memo.broken += 1,
            }
        }
        memo
    }

    /// A record.
    pub fn get(&self, key: &MemoKey) -> Option<&[u8]> {
        self.known.get(key).map(Vec::as_slice)
    }

    /// Adds a record, or puts it in the place of another one.
    pub fn put(&mut self, key: MemoKey, record: Vec<u8>) {
        if self.known.insert(key, record).is_none() || !self.fresh.contains(&key) {
            self.fresh.push(key);
        }
    }

    /// How many records no segment holds yet.
    pub fn unsaved(&self) -> usize {
        self.fresh.len()
    }

    /// Segments that did not hold up to their digest.
    pub fn broken(&self) -> usize {
        self.broken
    }

    /// Forgets everything, on disk as well.
    pub fn clear(&mut self) {
        self.known.clear();
        self.fresh.clear();
        for segment in self.segments.drain(..) {
            drop(fs::remove_file(segment));
        }
    }

    /// Writes new records.
    ///
    /// # Errors
    /// A folder that cannot be written, a full disk. Nothing half written stays.
    pub fn save(&mut self) -> io::Result<()> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let is_crowded = self.segments.len() >= MOST_SEGMENTS;
        let keys = if is_crowded {
            let mut keys: Vec<MemoKey> = self.known.keys().copied().collect();
            keys.sort_unstable();
            keys
        } else {
            self.fresh.clone()
        };
        let bytes = segment(keys.iter().filter_map(|key| Some((key, self.known.get(key)?.as_slice()))));
        fs::create_dir_all(&self.folder)?;
        if let Some(cache) = self.folder.parent() {
            for (name, text) in MARKERS {
                let path = cache.join(name);
                if !path.exists() {
                    write(&path, text.as_bytes())?;
                }
            }
        }
        let name = hexadecimal(&Sha256::digest(&bytes));
        let name = name.get(..32).unwrap_or(&name);
        let path = self.folder.join(format!("{name}.memo"));
        write(&path, &bytes)?;
        self.fresh.clear();
        if is_crowded {
            for old in self.segments.drain(..).filter(|old| *old != path) {
                drop(fs::remove_file(old));
            }
        }
        self.segments.push(path);
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = Draft::begin(path)?;
    draft.write_all(bytes)?;
    draft.finish()
}

fn segment<'r>(records: impl Iterator<Item = (&'r MemoKey, &'r [u8])>) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for (key, record) in records {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(&u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(record);
    }
    let digest = hexadecimal(&Sha256::digest(&bytes));
    bytes.extend_from_slice(TRAILER);
    bytes.extend_from_slice(digest.as_bytes());
    bytes
}

/// The records of a segment; none if anything of it is not as it was written.
fn records(bytes: &[u8]) -> Option<Vec<(MemoKey, Vec<u8>)>> {
    let end = bytes.len().checked_sub(TRAILER.len() + 64)?;
    let (content, trailer) = bytes.split_at(end);
    let digest = trailer.strip_prefix(TRAILER)?;
    if hexadecimal(&Sha256::digest(content)).as_bytes() != digest {
        return None;
    }
    let mut rest = content.strip_prefix(HEADER)?;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<16>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let (record, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        records.push((*key, record.to_vec()));
        rest = after;
    }
    Some(records)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("assize-memo-{name}-{}", std::process::id()));
            drop(fs::remove_dir_all(&path));
            Self(path)
        }

        fn open(&self) -> Memo {
            Memo::open(&self.0, "here")
        }

        fn files(&self) -> Vec<PathBuf> {
            let folder = self.open().folder;
            #[expect(clippy::disallowed_methods, reason = "a test looks at what was written")]
            let entries = fs::read_dir(folder).expect("it was written");
            let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn key(number: u8) -> MemoKey {
        [number; 16]
    }

    fn filled(folder: &Folder, numbers: std::ops::Range<u8>) {
        let mut memo = folder.open();
        for number in numbers {
            memo.put(key(number), vec![number; usize::from(number)]);
        }
        memo.save().unwrap();
    }

    #[test]
    fn what_is_saved_is_there_again() {
        let folder = Folder::new("again");
        filled(&folder, 0..5);
        filled(&folder, 5..9);
        let memo = folder.open();
        assert_eq!((memo.segments.len(), memo.broken()), (2, 0));
        for number in 0..9 {
            assert_eq!(memo.get(&key(number)), Some(&*vec![number; usize::from(number)]));
        }
        assert_eq!(memo.get(&key(9)), None);
        assert!(folder.0.join(".gitignore").exists() && folder.0.join("CACHEDIR.TAG").exists());
    }

    #[test]
    fn another_environment_sees_nothing() {
        let folder = Folder::new("environment");
        filled(&folder, 0..5);
        assert_eq!(Memo::open(&folder.0, "there").get(&key(1)), None);
    }

    #[test]
    fn whatever_byte_is_lost_or_changed_the_segment_is_passed_over() {
        let folder = Folder::new("broken");
        filled(&folder, 1..4);
        let path = folder.files().remove(0);
        #[expect(clippy::disallowed_methods, reason = "a test breaks what was written")]
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(records(&changed).is_none(), "byte {at} changed");
            assert!(records(&whole[..at]).is_none(), "cut at {at}");
        }
        assert!(records(&[&whole[..], b"x"].concat()).is_none());
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut memo = folder.open();
        assert_eq!((memo.get(&key(2)), memo.broken()), (None, 1));
        // It can be written again.
        memo.put(key(2), b"two".to_vec());
        memo.save().unwrap();
        assert_eq!(folder.open().get(&key(2)), Some(&b"two"[..]));
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_no_segment() {
        let folder = Folder::new("killed");
        filled(&folder, 1..4);
        let path = folder.files().remove(0);
        fs::write(path.with_file_name(".assize-999-0.tmp"), b"assize memo 1\nhalf").unwrap();
        let memo = folder.open();
        assert_eq!((memo.segments.len(), memo.broken()), (1, 0));
        assert_eq!(memo.get(&key(3)), Some(&[3; 3][..]));
    }

    #[test]
    fn many_segments_become_one() {
        let folder = Folder::new("many");
        for number in 0..20 {
            filled(&folder, number..number + 1);
        }
        assert!(folder.files().len() <= MOST_SEGMENTS + 1);
        let memo = folder.open();
        assert!((0..20).all(|number| memo.get(&key(number)).is_some()));
    }

    #[test]
    fn processes_at_once_lose_nothing() {
        let folder = Folder::new("at-once");
        // All of them have looked before any of them writes.
        let memos: Vec<Memo> = (0..8).map(|_| folder.open()).collect();
        std::thread::scope(|scope| {
            for (number, mut memo) in (0_u8..).zip(memos) {
                scope.spawn(move || {
                    memo.put(key(number), vec![number]);
                    memo.put(key(100), b"the same".to_vec());
                    memo.save().unwrap();
                });
            }
        });
        let memo = folder.open();
        assert_eq!(memo.broken(), 0);
        assert!((0..8).all(|number| memo.get(&key(number)) == Some(&[number][..])));
        assert_eq!(memo.get(&key(100)), Some(&b"the same"[..]));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let folder = Folder::new("unwritable");
        // A file stands where the folder should.
        fs::write(&folder.0, b"").unwrap();
        let mut memo = folder.open();
        memo.put(key(1), vec![1]);
        assert!(memo.save().is_err());
        assert_eq!(memo.unsaved(), 1);
        drop(fs::remove_file(&folder.0));
    }
}
