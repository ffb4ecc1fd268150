//! Lines that no format may quote, since a value stands there that nobody should read.

use std::collections::BTreeMap;

use crate::finding::Location;

/// The lines of each file, as ranges that neither touch nor overlap, in order.
#[derive(Debug)]
pub(super) struct MaskedLines<'r>(BTreeMap<&'r str, Vec<(u32, u32)>>);

impl<'r> MaskedLines<'r> {
    /// The lines of these places, which are sorted.
    pub(super) fn new(places: &'r [Location]) -> Self {
        let mut files: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
        for place in places {
            let ranges = files.entry(&place.file).or_default();
            match ranges.last_mut() {
                Some((_, last)) if place.line <= last.saturating_add(1) => {
                    *last = (*last).max(place.end_line);
                }
                _ => ranges.push((place.line, place.end_line)),
            }
        }
        Self(files)
    }

    /// Whether one of the lines from `first` to `last` is among them.
    pub(super) fn meet(&self, file: &str, first: u32, last: u32) -> bool {
        let Some(ranges) = self.0.get(file) else { return false };
        let next = ranges.partition_point(|(_, end)| *end < first);
        ranges.get(next).is_some_and(|(start, _)| *start <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let place = |line, end_line| Location { line, end_line, ..Location::start_of("a") };
        let places = [place(3, 5), place(4, 4), place(6, 6), place(9, 9)];
        let masked = MaskedLines::new(&places);
        let hidden: Vec<u32> = (1..12).filter(|line| masked.meet("a", *line, *line)).collect();
        assert_eq!(hidden, [3, 4, 5, 6, 9]);
        assert!(masked.meet("a", 1, 3) && !masked.meet("a", 7, 8) && !masked.meet("b", 1, 99));
    }
}
