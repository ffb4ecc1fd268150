//! Who was judged: the resources of a rule or a requirement, their number and a digest of their list.
//!
//! The digest is the SHA-256 of the list itself, one line a resource in the order of its bytes, so that whoever has the
//! list can compute it with `sha256sum`.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::Evaluated;
use crate::finding::{Identity, Resource, Status};

/// The resources that a rule or a requirement was judged on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// How many there are.
    pub count: u64,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
}

/// A resource as lists of populations have it: `group/kind/namespace/name`. Characters that would make two lists look
/// alike are written as `%` and their code in hexadecimal.
pub fn population_line(identity: &Identity) -> String {
    let Identity { group, kind, namespace, name } = identity;
    let mut line = String::with_capacity(group.len() + kind.len() + namespace.len() + name.len() + 3);
    for part in [group, kind, namespace] {
        escape(part, true, &mut line);
        line.push('/');
    }
    escape(name, false, &mut line);
    line
}

fn escape(text: &str, is_part: bool, line: &mut String) {
    for character in text.chars() {
        if character == '%' || character.is_control() || (is_part && character == '/') {
            line.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
}

/// What became of a resource under a rule, or under all rules of a requirement; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Passed,
    Waived,
    Suppressed,
    Error,
    Failed,
}

/// Everything that any rule of the run matched.
#[derive(Debug, Default)]
pub struct Resources {
    /// Their lines, in order.
    lines: Vec<String>,
    /// By rule, its resources in order, with what became of each.
    rules: Vec<Vec<(u32, Verdict)>>,
}

impl Resources {
    /// Sorts out who was matched by which rule.
    pub(super) fn new(evaluated: &Evaluated<'_>) -> Self {
        let mut all: Vec<&Arc<Resource>> = evaluated
            .matched
            .iter()
            .flat_map(|matched| matched.iter().map(|(resource, _)| resource))
            .collect();
        all.sort_unstable_by_key(|resource| Arc::as_ptr(resource));
        all.dedup_by_key(|resource| Arc::as_ptr(resource));
        let mut named: Vec<(String, &Arc<Resource>)> =
            all.into_iter().map(|resource| (population_line(&resource.identity), resource)).collect();
        // Two overlays may have one identity: each counts, and has a line of its own.
        named.sort_unstable_by(|(one, first), (other, second)| {
            (one, &first.location).cmp(&(other, &second.location))
        });
        let ranks: HashMap<*const Resource, u32> =
            (0_u32..).zip(&named).map(|(rank, (_, resource))| (Arc::as_ptr(resource), rank)).collect();
        let mut rules: Vec<Vec<(u32, Verdict)>> = vec![Vec::new(); evaluated.rules.len()];
        for matched in evaluated.matched {
            for (resource, pairs) in matched.iter() {
                let Some(rank) = ranks.get(&Arc::as_ptr(resource)) else { continue };
                for (rule, is_error) in pairs {
                    if let Some(list) = rules.get_mut(rule as usize) {
                        list.push((*rank, if is_error { Verdict::Error } else { Verdict::Passed }));
                    }
                }
            }
        }
        for list in &mut rules {
            list.sort_unstable_by_key(|(rank, _)| *rank);
        }
        for finding in evaluated.findings {
            let verdict = match finding.status {
                Status::Fail | Status::Baselined => Verdict::Failed,
                Status::Waived => Verdict::Waived,
                Status::Suppressed => Verdict::Suppressed,
            };
            let list = rules.get_mut(finding.rule as usize);
            let Some((list, rank)) = list.zip(ranks.get(&Arc::as_ptr(&finding.resource))) else { continue };
            let entry =
                list.binary_search_by_key(rank, |(rank, _)| *rank).ok().and_then(|at| list.get_mut(at));
            if let Some((_, worst)) = entry {
                *worst = (*worst).max(verdict);
            }
        }
        Self { lines: named.into_iter().map(|(line, _)| line).collect(), rules }
    }

    /// The population of each rule.
    pub(super) fn of_rules(&self) -> Vec<Population> {
        let ranks = |list: &Vec<(u32, Verdict)>| self.digest(list.iter().map(|(rank, _)| *rank));
        self.rules.iter().map(ranks).collect()
    }

    /// The population of several rules together, and what became of how many, by verdict.
    pub(super) fn of_all(&self, rules: &[u32]) -> (Population, [u64; 5]) {
        let mut worst: Vec<Option<Verdict>> = vec![None; self.lines.len()];
        for list in rules.iter().filter_map(|rule| self.rules.get(*rule as usize)) {
            for (rank, verdict) in list {
                if let Some(entry) = worst.get_mut(*rank as usize) {
                    *entry = (*entry).max(Some(*verdict));
                }
            }
        }
        let mut counts = [0; 5];
        for verdict in worst.iter().flatten() {
            if let Some(count) = counts.get_mut(*verdict as usize) {
                *count += 1;
            }
        }
        let ranks = (0_u32..).zip(&worst).filter(|(_, verdict)| verdict.is_some()).map(|(rank, _)| rank);
        (self.digest(ranks), counts)
    }

    /// The lines of a list of rules, in order.
    pub fn lines_of(&self, rules: &[u32]) -> Vec<&str> {
        let lists = rules.iter().filter_map(|rule| self.rules.get(*rule as usize));
        let mut ranks: Vec<u32> = lists.flatten().map(|(rank, _)| *rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks.into_iter().filter_map(|rank| self.lines.get(rank as usize)).map(String::as_str).collect()
    }

    fn digest(&self, ranks: impl Iterator<Item = u32>) -> Population {
        let mut hasher = Sha256::new();
        let mut count = 0;
        for line in ranks.filter_map(|rank| self.lines.get(rank as usize)) {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
            count += 1;
        }
        let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Population { count, digest: format!("sha256:{digest}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_identities_apart() {
        let identity = |parts: [&str; 4]| Identity {
            group: parts[0].into(),
            kind: parts[1].into(),
            namespace: parts[2].into(),
            name: parts[3].into(),
        };
        let cases = [
            (["assize.dev", "DataStore", "default", "a"], "assize.dev/DataStore/default/a"),
            (["apps", "Deployment", "a/b", "c"], "apps/Deployment/a%2Fb/c"),
            (["apps", "Deployment", "a", "b/c"], "apps/Deployment/a/b/c"),
            (["", "K%2F", "x\ny", "z\n"], "/K%252F/x%0Ay/z%0A"),
        ];
        for (parts, expected) in cases {
            assert_eq!(population_line(&identity(parts)), expected);
        }
    }
}
