//! `primaryLocationLineHash`: the fingerprint of a line by which GitHub follows an alert from commit to commit.
//!
//! The algorithm is that of `github/codeql-action` (src/fingerprints.ts), which computes the value where a SARIF file
//! has none, and warns where one differs: a rolling hash, base 37 modulo 2^64, of the hundred UTF-16 code units from
//! the beginning of the line that are neither space nor tab, where every end of a line counts as LF, a final 65535
//! stands for the end of the file and zeros for what is beyond; then how often the file has had that value so far.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Code units that a hash covers.
const WINDOW: usize = 100;

/// Lines that a hash can reach: each has one unit at least.
pub(super) const LINES: u32 = 100;

const BASE: u64 = 37;
const END: u16 = u16::MAX;

/// The hashes of these lines of a file, counted from 1.
pub(super) fn line_hashes(text: &str, wanted: &BTreeSet<u32>) -> BTreeMap<u32, String> {
    let mut roller = Roller {
        window: [0; WINDOW],
        lines: [0; WINDOW],
        at: 0,
        hash: 0,
        out_of_window: (0..WINDOW).fold(1, |power: u64, _| power.wrapping_mul(BASE)),
        seen: HashMap::new(),
        wanted,
        found: BTreeMap::new(),
    };
    let mut line = 0;
    let mut is_start = true;
    let mut was_return = false;
    for unit in text.encode_utf16().chain([END]) {
        let follows_return = std::mem::replace(&mut was_return, unit == u16::from(b'\r'));
        let unit = match unit {
            0x20 | 0x09 => continue,
            0x0a if follows_return => continue,
            0x0d => 0x0a,
            other => other,
        };
        let mut starts = 0;
        if is_start {
            line += 1;
            starts = line;
        }
        is_start = unit == 0x0a;
        roller.push(unit, starts);
    }
    for _ in 0..WINDOW {
        roller.push(0, 0);
    }
    roller.found
}

struct Roller<'w> {
    window: [u16; WINDOW],
    /// The line that begins with the unit at the same position; 0 for none.
    lines: [u32; WINDOW],
    at: usize,
    hash: u64,
    out_of_window: u64,
    seen: HashMap<u64, u32>,
    wanted: &'w BTreeSet<u32>,
    found: BTreeMap<u32, String>,
}

impl Roller<'_> {
    /// Takes the next unit in, and the one out that came a whole window before. A line whose first unit goes out now
    /// has been seen as far as its hash reaches.
    fn push(&mut self, unit: u16, starts: u32) {
        let Some((old, line)) = self.window.get_mut(self.at).zip(self.lines.get_mut(self.at)) else { return };
        let gone = std::mem::replace(old, unit);
        let done = std::mem::replace(line, starts);
        if done > 0 {
            let count = self.seen.entry(self.hash).or_default();
            *count += 1;
            if self.wanted.contains(&done) {
                drop(self.found.insert(done, format!("{:x}:{count}", self.hash)));
            }
        }
        self.hash = self
            .hash
            .wrapping_mul(BASE)
            .wrapping_add(u64::from(unit))
            .wrapping_sub(self.out_of_window.wrapping_mul(u64::from(gone)));
        self.at = (self.at + 1) % WINDOW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let all = (1..=100).collect();
        let found: Vec<String> = line_hashes(text, &all).into_values().collect();
        assert_eq!(found, expected, "{text:?}");
    }

    /// The values are those that the tests of `github/codeql-action` expect.
    #[test]
    fn the_published_values() {
        check("", &["c129715d7a2bc9a3:1"]);
        check(
            " a\nb\n  \t\tc\n d",
            &["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
        );
        let without_end = [
            "8b7cf3e952e7aeb2:1",
            "b1ae1287ec4718d9:1",
            "bff680108adb0fcc:1",
            "c6805c5e1288b612:1",
            "b86d3392aea1be30:1",
            "e6ceba753e1a442:1",
        ];
        check(" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End", &without_end);
        let with_end = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        check(" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", &with_end);
        check(" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r", &with_end);
        check(" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n", &with_end);
        check(" hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n", &with_end);
        let repeated = [
            "a7f2ff13bc495cf2:1",
            "a7f2ff13bc495cf2:2",
            "a7f2ff13bc495cf2:3",
            "a7f2ff13bc495cf2:4",
            "a7f2ff13bc495cf2:5",
            "a7f2ff13bc495cf2:6",
            "a7f2ff1481e87703:1",
            "a9cf91f7bbf1862b:1",
            "55ec222b86bcae53:1",
            "cc97dc7b1d7d8f7b:1",
            "c129715d7a2bc9a3:1",
        ];
        check(&"Lorem ipsum dolor sit amet.\n".repeat(10), &repeated);
    }

    #[test]
    fn only_the_lines_that_are_asked_for() {
        assert_eq!(line_hashes("a\nb\n", &BTreeSet::from([2])).into_keys().collect::<Vec<_>>(), [2]);
    }
}
