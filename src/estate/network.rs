//! Ranges of addresses, and which of many overlap one.
//!
//! Of two ranges of a power of two that share an address, one holds the other. So what overlaps a range is what begins
//! in it, which stands together once all are sorted, and the shorter prefixes of its own, of which there are at most 128.

use std::net::IpAddr;

use crate::schema::ResourceId;

/// A range of addresses, as `10.0.4.0/22` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Range {
    is_long: bool,
    first: u128,
    prefix: u8,
}

impl Range {
    /// Reads a range. An address alone is the range of itself; bits behind the prefix do not count.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let (is_long, first) = match address.parse().ok()? {
            IpAddr::V4(address) => (false, u128::from(address.to_bits())),
            IpAddr::V6(address) => (true, address.to_bits()),
        };
        let whole = Self { is_long, first, prefix: if is_long { 128 } else { 32 } };
        let Some(prefix) = prefix else { return Some(whole) };
        // As `net.cidr_is_valid` reads it, so that nothing counts as valid there and as no range here.
        let prefix = u8::try_from(prefix.parse::<i16>().ok()?).ok()?;
        (prefix <= whole.prefix).then(|| whole.shortened(prefix))
    }

    /// The range around it with a shorter prefix.
    fn shortened(self, prefix: u8) -> Self {
        Self { first: self.first & !self.behind(prefix), prefix, ..self }
    }

    /// The bits behind a prefix.
    fn behind(self, prefix: u8) -> u128 {
        let width: u32 = if self.is_long { 128 } else { 32 };
        let free = width.saturating_sub(u32::from(prefix));
        1_u128.checked_shl(free).map_or(u128::MAX, |bit| bit - 1)
    }

    fn last(self) -> u128 {
        self.first | self.behind(self.prefix)
    }
}

/// The ranges that resources have in a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    /// Sorted, each range of a resource once; a range stands before those that it holds.
    entries: Vec<(Range, ResourceId, Box<str>)>,
    /// Which prefixes there are, by their length.
    /// The longest is left out: nothing is wider than a range because of it.
    prefixes: u128,
}

impl Networks {
    /// Sorts the ranges of resources, each with the text that it was written as.
    pub(super) fn new(mut entries: Vec<(Range, ResourceId, Box<str>)>) -> Self {
        let key = |(range, id, text): &(Range, ResourceId, Box<str>)| {
            (range.is_long, range.first, range.prefix, *id, text.clone())
        };
        entries.sort_by_cached_key(key);
        entries.dedup_by_key(|(range, id, _)| (*range, *id));
        entries.shrink_to_fit();
        let bits = entries.iter().map(|(range, ..)| 1_u128.checked_shl(u32::from(range.prefix)).unwrap_or(0));
        let prefixes = bits.fold(0, |all, bit| all | bit);
        Self { entries, prefixes }
    }

    /// The ranges that share an address with one, and who has them: those that hold it, from the widest, then what lies in
    /// it, by address. Those of `but` are left out.
    pub(super) fn overlapping(
        &self,
        range: Range,
        but: Option<ResourceId>,
    ) -> impl Iterator<Item = (ResourceId, &str)> {
        let around = (0..range.prefix).filter(|prefix| self.prefixes & (1 << *prefix) != 0);
        let around = around.flat_map(move |prefix| {
            let wider = range.shortened(prefix);
            self.from(wider).take_while(move |(known, ..)| *known == wider)
        });
        let last = range.last();
        let within = self
            .from(range)
            .take_while(move |(known, ..)| known.is_long == range.is_long && known.first <= last);
        around.chain(within).filter(move |(_, id, _)| Some(*id) != but).map(|(_, id, text)| (*id, &**text))
    }

    /// The entries from a range on.
    fn from(&self, range: Range) -> impl Iterator<Item = &(Range, ResourceId, Box<str>)> {
        let start = self.entries.partition_point(|(known, ..)| {
            (known.is_long, known.first, known.prefix) < (range.is_long, range.first, range.prefix)
        });
        self.entries.iter().skip(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        Range::parse(text).unwrap_or_else(|| panic!("{text} is a range"))
    }

    #[test]
    fn ranges_are_read_as_they_are_written() {
        assert_eq!(range("10.0.5.7/22"), range("10.0.4.0/22"));
        assert_eq!(range("10.0.4.0"), range("10.0.4.0/32"));
        assert_eq!(range("::1"), range("::1/128"));
        assert_eq!(range("0.0.0.0/0").last(), u128::from(u32::MAX));
        assert_eq!(range("::/0").last(), u128::MAX);
        // Not the same addresses: the families are kept apart.
        assert_ne!(range("::/0"), range("0.0.0.0/0"));
        for text in
            ["", "10.0.0.0/33", "10.0.0/24", "::/129", "10.0.0.0/-1", "10.0.0.0/", "fe80::1%eth0", "/8"]
        {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }

    /// Numbers that look random and are the same each time.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, end: u64) -> u64 {
            self.next() % end
        }

        /// Few addresses and all prefixes, so that many overlap.
        fn range(&mut self) -> String {
            if self.below(2) == 0 {
                let address = std::net::Ipv4Addr::from_bits(
                    0x0a00_0000 | u32::try_from(self.next() & 0x0003_0f3f).unwrap(),
                );
                let prefix = if self.below(20) == 0 { self.below(33) } else { 14 + self.below(19) };
                format!("{address}/{prefix}")
            } else {
                let bits =
                    (0xfd12_u128 << 112) | (u128::from(self.below(8)) << 64) | u128::from(self.below(40));
                let address = std::net::Ipv6Addr::from_bits(bits);
                let prefix = if self.below(20) == 0 { self.below(129) } else { 60 + self.below(69) };
                format!("{address}/{prefix}")
            }
        }
    }

    #[test]
    fn the_index_finds_what_a_comparison_of_all_with_all_finds() {
        let mut numbers = Numbers(0x5eed_1234_5678_9abc);
        let mut found_any = 0;
        for _ in 0..40 {
            let all: Vec<(ResourceId, String)> =
                (0..120).map(|at| (ResourceId(at / 3), numbers.range())).collect();
            let entries = all.iter().map(|(id, text)| (range(text), *id, text.as_str().into()));
            let networks = Networks::new(entries.collect());
            for _ in 0..60 {
                let asked = range(&numbers.range());
                let but = ResourceId(u32::try_from(numbers.below(40)).unwrap());
                let mut found: Vec<_> =
                    networks.overlapping(asked, Some(but)).map(|(id, text)| (range(text), id)).collect();
                found_any += found.len();
                let is_sorted = found
                    .windows(2)
                    .all(|pair| pair[0].0.prefix <= pair[1].0.prefix || pair[0].0.first < pair[1].0.first);
                assert!(is_sorted, "{found:?}");
                found.sort_unstable();
                let shares = |other: Range| {
                    other.is_long == asked.is_long
                        && other.first.max(asked.first) <= other.last().min(asked.last())
                };
                let mut expected: Vec<_> = all
                    .iter()
                    .map(|(id, text)| (range(text), *id))
                    .filter(|(other, id)| *id != but && shares(*other))
                    .collect();
                expected.sort_unstable();
                expected.dedup();
                assert_eq!(found, expected, "{asked:?}");
            }
        }
        assert!(found_any > 10_000, "{found_any}");
    }
}
