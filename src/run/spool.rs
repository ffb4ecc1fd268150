//! Findings that are too many for memory: sorted runs of them in a file without a name, and their merge.
//!
//! A run of a check is `most` findings in memory and everything else on disk, twice: as threads find them, and with their
//! status in final order. What cannot be written stays in memory.

mod code;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use self::code::{Encoded, Tables, decode, encode};
use super::check::Buffer;
use crate::finding::{Finding, Fingerprint, Location};
use crate::load::scratch_file;
use crate::report::{Show, Waiting};

/// Findings that are handed on at once, and written at once.
const PIECE: usize = 1 << 16;

/// Bytes read at once of a stretch.
const BUFFER: usize = 64 << 10;

/// A file that grows and is read again.
#[derive(Debug)]
struct Store {
    folder: PathBuf,
    /// The file and its end, once there is one.
    file: Mutex<Option<(File, u64)>>,
}

/// A stretch of a store.
#[derive(Debug)]
struct Stretch {
    start: u64,
    end: u64,
    count: usize,
    tables: Tables,
}

impl Store {
    fn new(folder: PathBuf) -> Self {
        Self { folder, file: Mutex::default() }
    }

    /// Adds bytes, and says where they begin. What could only be written in part is taken back: others may want the room.
    fn add(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut store = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, end) = match &mut *store {
            Some(store) => store,
            none => none.insert((scratch_file(&self.folder)?, 0)),
        };
        let start = *end;
        file.seek(SeekFrom::Start(start))?;
        if let Err(error) = file.write_all(bytes) {
            // Where even that fails, the room is back when the process ends.
            drop(file.set_len(start));
            return Err(error);
        }
        *end = start + bytes.len() as u64;
        Ok(start)
    }

    fn keep(&self, encoded: Encoded, count: usize) -> io::Result<Stretch> {
        let start = self.add(&encoded.bytes)?;
        Ok(Stretch { start, end: start + encoded.bytes.len() as u64, count, tables: encoded.tables })
    }

    fn read<'s>(&'s self, stretch: &Stretch) -> BufReader<Section<'s>> {
        BufReader::with_capacity(BUFFER, Section { store: self, at: stretch.start, end: stretch.end })
    }
}

/// What is left to read of a stretch.
struct Section<'s> {
    store: &'s Store,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let mut store = self.store.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, _)) = &mut *store else { return Ok(0) };
        file.seek(SeekFrom::Start(self.at))?;
        let count = file.read(buffer.get_mut(..left).unwrap_or_default())?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Findings as they come, in the order of nothing.
#[derive(Debug)]
pub(super) struct Spool {
    most: usize,
    kept: AtomicUsize,
    store: Store,
    runs: Mutex<Vec<Run>>,
}

/// Sorted findings on disk.
#[derive(Debug)]
struct Run {
    first: Location,
    stretch: Stretch,
}

impl Spool {
    pub(super) fn new(Buffer { findings, folder }: Buffer) -> Self {
        Self { most: findings, kept: AtomicUsize::new(0), store: Store::new(folder), runs: Mutex::default() }
    }

    /// A shelf in the same folder.
    pub(super) fn shelf(&self) -> Shelf {
        Shelf { store: Store::new(self.store.folder.clone()), parts: Vec::new() }
    }

    /// Takes findings that are too many to be kept, all of some resources; the others stay.
    pub(super) fn relieve(&self, findings: &mut Vec<Finding>) {
        let count = findings.len();
        if count == 0 || self.kept.fetch_add(count, Ordering::Relaxed) + count <= self.most {
            return;
        }
        findings.sort_by(Finding::order);
        let pieces = findings.chunks(PIECE).map(|piece| {
            let first = piece.first().map_or_else(|| Location::start_of(""), |first| first.location.clone());
            Ok(Run { first, stretch: self.store.keep(encode(piece, &[]), piece.len())? })
        });
        let Ok(runs) = pieces.collect::<io::Result<Vec<Run>>>() else { return };
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).extend(runs);
        *findings = Vec::new();
        self.kept.fetch_sub(count, Ordering::Relaxed);
    }

    /// The same for what one thread has gathered of many files, as soon as it is worth it.
    pub(super) fn relieve_of_many(&self, findings: &mut Vec<Finding>) {
        if findings.len() >= PIECE && self.kept.load(Ordering::Relaxed) + findings.len() > self.most {
            self.relieve(findings);
        }
    }

    pub(super) fn is_used(&self) -> bool {
        !self.runs.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Hands on all findings in order, and those in memory among them: so many at a time that all of a file come together.
    ///
    /// # Errors
    /// Those of reading the disk.
    pub(super) fn in_order(
        &self,
        mut rest: Vec<Finding>,
        give: &mut dyn FnMut(Vec<Finding>),
    ) -> io::Result<()> {
        rest.sort_by(Finding::order);
        let mut runs = std::mem::take(&mut *self.runs.lock().unwrap_or_else(PoisonError::into_inner));
        // The last comes next.
        runs.sort_by(|one, other| other.first.cmp(&one.first));
        let mut open: BinaryHeap<Reverse<Open<'_>>> = BinaryHeap::new();
        open.extend(Open::begin(Box::new(rest.into_iter().map(Ok)))?.map(Reverse));
        let mut piece: Vec<Finding> = Vec::new();
        loop {
            while let Some(run) =
                runs.pop_if(|run| open.peek().is_none_or(|Reverse(open)| run.first <= open.next.location))
            {
                open.extend(Open::begin(Box::new(findings_of(&self.store, run.stretch)))?.map(Reverse));
            }
            let Some(mut least) = open.peek_mut() else { break };
            let following = least.0.findings.next().transpose()?;
            let next = match following {
                Some(following) => std::mem::replace(&mut least.0.next, following),
                None => PeekMut::pop(least).0.next,
            };
            let is_other = piece.last().is_some_and(|last| last.location.file != next.location.file);
            if piece.len() >= PIECE && is_other {
                give(std::mem::take(&mut piece));
            }
            piece.push(next);
        }
        give(piece);
        Ok(())
    }
}

type Findings<'s> = Box<dyn Iterator<Item = io::Result<Finding>> + 's>;

/// The findings of a stretch, one after the other.
fn findings_of(store: &Store, stretch: Stretch) -> impl Iterator<Item = io::Result<Finding>> {
    let mut source = store.read(&stretch);
    (0..stretch.count).map(move |_| Ok(decode(&mut source, &stretch.tables, false)?.0))
}

/// A run that is being read.
struct Open<'s> {
    next: Finding,
    findings: Findings<'s>,
}

impl<'s> Open<'s> {
    fn begin(mut findings: Findings<'s>) -> io::Result<Option<Self>> {
        let next = findings.next().transpose()?;
        Ok(next.map(|next| Self { next, findings }))
    }
}

impl Ord for Open<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.next.order(&other.next)
    }
}

impl PartialOrd for Open<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open<'_> {}

/// Findings in their final order, with all that is said of them.
#[derive(Debug)]
pub(super) struct Shelf {
    store: Store,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// The disk would not take them.
    Kept(Vec<(Finding, Fingerprint)>),
    Written(Stretch),
}

impl Shelf {
    /// Adds what comes next.
    pub(super) fn add(&mut self, findings: Vec<Finding>, prints: Vec<Fingerprint>) {
        let part = match self.store.keep(encode(&findings, &prints), findings.len()) {
            Ok(stretch) => Part::Written(stretch),
            Err(_) => Part::Kept(findings.into_iter().zip(prints).collect()),
        };
        self.parts.push(part);
    }
}

impl Waiting for Shelf {
    fn each(&self, show: &mut Show<'_>) -> io::Result<()> {
        for part in &self.parts {
            match part {
                Part::Kept(findings) => {
                    findings.iter().try_for_each(|(finding, print)| show(finding, print, None))?;
                }
                Part::Written(stretch) => {
                    let mut source = self.store.read(stretch);
                    for _ in 0..stretch.count {
                        let (finding, print) = decode(&mut source, &stretch.tables, true)?;
                        show(&finding, &print, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::{Identity, Owners, Resource, Status};

    fn finding(file: usize, line: u32) -> Finding {
        let name = format!("{file:04}");
        let location = Location { line, ..Location::start_of(&name) };
        let identity = Identity {
            group: "".into(),
            kind: "K".into(),
            namespace: "n".into(),
            name: name.as_str().into(),
        };
        let resource = Resource::new(identity, location.clone());
        Finding {
            rule: line % 3,
            status: Status::Fail,
            owners: Owners::default(),
            exception: None,
            message: format!("{line}").into(),
            resource: Arc::new(resource),
            location,
            related: None,
            key: "".into(),
            is_sensitive: false,
        }
    }

    #[test]
    fn runs_are_merged_and_no_file_is_torn() {
        // More than two pieces; 300 files, in an order of their own, each by two phases.
        let files = || (1..=300).map(|power| (0..power).fold(1_usize, |number, _| number * 5 % 307));
        let spool = Spool::new(Buffer { findings: 1_000, folder: std::env::temp_dir() });
        let mut rest = Vec::new();
        let mut expected = Vec::new();
        for phase in 0..2_u32 {
            for file in files() {
                let mut found: Vec<Finding> =
                    (0..300_u32).map(|at| finding(file, at * 7 % 300 * 2 + phase)).collect();
                expected.extend(found.iter().cloned());
                spool.relieve(&mut found);
                rest.extend(found);
            }
        }
        assert!(spool.is_used());
        assert!(!rest.is_empty() && rest.len() <= 1_000, "{}", rest.len());
        expected.sort_by(Finding::order);
        let mut shelf = spool.shelf();
        let mut pieces = Vec::new();
        let mut given = |findings: Vec<Finding>| {
            let ends = [findings.first(), findings.last()].map(|each| each.unwrap().location.file.clone());
            pieces.push(ends);
            let prints = findings.iter().map(|each| Fingerprint::of(&[&each.message])).collect();
            shelf.add(findings, prints);
        };
        spool.in_order(rest, &mut given).unwrap();
        assert!(pieces.len() > 2, "{pieces:?}");
        assert!(pieces.windows(2).all(|pair| pair[0][1] < pair[1][0]), "{pieces:?}");
        let mut expected = expected.iter();
        shelf
            .each(&mut |finding, print, change| {
                assert_eq!(Some(finding), expected.next());
                assert_eq!((*print, change), (Fingerprint::of(&[&finding.message]), None));
                Ok(())
            })
            .unwrap();
        assert!(expected.next().is_none());
    }
}
