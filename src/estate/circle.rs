//! Which resources name one another in a circle.

/// For each of `count` nodes the first of those that reach it and that it reaches: itself, where it is part of no
/// circle. The edges are sorted by where they begin. Takes time in proportion to nodes and edges (Tarjan, 1972).
pub(super) fn circles(count: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let mut search = Search {
        edges,
        seen: vec![Seen::default(); count],
        first: (0_u32..).take(count).collect(),
        open: Vec::new(),
        next: 1,
    };
    for node in (0_u32..).take(count) {
        if search.seen(node).order == 0 {
            search.visit(node);
        }
    }
    search.first
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// When it was met, from 1; 0: not yet.
    order: u32,
    /// The earliest that it leads back to.
    low: u32,
    is_open: bool,
}

struct Search<'e> {
    edges: &'e [(u32, u32)],
    seen: Vec<Seen>,
    first: Vec<u32>,
    /// Met, and not yet known to which circle they belong.
    open: Vec<u32>,
    next: u32,
}

impl Search<'_> {
    fn seen(&self, node: u32) -> Seen {
        self.seen.get(node as usize).copied().unwrap_or_default()
    }

    fn meet(&mut self, node: u32) -> usize {
        if let Some(seen) = self.seen.get_mut(node as usize) {
            *seen = Seen { order: self.next, low: self.next, is_open: true };
        }
        self.next += 1;
        self.open.push(node);
        self.edges.partition_point(|(from, _)| *from < node)
    }

    fn lower(&mut self, node: u32, low: u32) {
        if let Some(seen) = self.seen.get_mut(node as usize) {
            seen.low = seen.low.min(low);
        }
    }

    /// Follows all edges from a node; a stack of its own, since a chain may be as long as the estate.
    fn visit(&mut self, start: u32) {
        let mut path = vec![(start, self.meet(start))];
        while let Some((node, edge)) = path.last_mut() {
            let node = *node;
            let target = self.edges.get(*edge).filter(|(from, _)| *from == node).map(|(_, target)| *target);
            *edge += 1;
            let Some(target) = target else {
                path.pop();
                self.leave(node);
                if let Some((before, _)) = path.last() {
                    self.lower(*before, self.seen(node).low);
                }
                continue;
            };
            let seen = self.seen(target);
            if seen.order == 0 {
                let edge = self.meet(target);
                path.push((target, edge));
            } else if seen.is_open {
                self.lower(node, seen.order);
            }
        }
    }

    /// All edges of a node were followed: if it leads back to none before it, what is open since then is one circle.
    fn leave(&mut self, node: u32) {
        let seen = self.seen(node);
        if seen.low < seen.order {
            return;
        }
        let start = self.open.iter().rposition(|open| *open == node).unwrap_or(self.open.len());
        let members = self.open.split_off(start);
        let first = members.iter().copied().min().unwrap_or(node);
        for member in members {
            if let Some(seen) = self.seen.get_mut(member as usize) {
                seen.is_open = false;
            }
            if let Some(known) = self.first.get_mut(member as usize) {
                *known = first;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn circles_are_what_reaches_and_is_reached() {
        let mut state = 0x00c1_2c1e_5eed_u64;
        let mut below = |end: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u32::try_from(state % end).unwrap()
        };
        let mut in_circles = 0;
        for round in 0..200 {
            let mut edges: Vec<(u32, u32)> = (0..8 + round % 40).map(|_| (below(24), below(24))).collect();
            edges.sort_unstable();
            let mut reaches: BTreeSet<(u32, u32)> = edges.iter().copied().collect();
            loop {
                let onwards = reaches.iter().flat_map(|(from, over)| {
                    let next = edges.iter().filter(move |(start, _)| start == over);
                    next.map(move |(_, to)| (*from, *to))
                });
                let more: Vec<_> = onwards.filter(|pair| !reaches.contains(pair)).collect();
                if more.is_empty() {
                    break;
                }
                reaches.extend(more);
            }
            let found = circles(24, &edges);
            for one in 0..24 {
                let is_together =
                    |other: &u32| reaches.contains(&(one, *other)) && reaches.contains(&(*other, one));
                let first = (0..24).filter(is_together).chain([one]).min().unwrap();
                in_circles += usize::from(first != one);
                assert_eq!(found[one as usize], first, "{edges:?}");
            }
        }
        assert!(in_circles > 500, "{in_circles}");
    }

    #[test]
    fn a_chain_as_long_as_the_estate_needs_no_deep_stack() {
        let count = 300_000_u32;
        let mut edges: Vec<(u32, u32)> = (1..count).map(|node| (node - 1, node)).collect();
        assert_eq!(circles(count as usize, &edges), (0..count).collect::<Vec<_>>());
        edges.push((count - 1, 1));
        let found = circles(count as usize, &edges);
        assert!(found[0] == 0 && found[1..].iter().all(|first| *first == 1));
    }
}
