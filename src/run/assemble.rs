//! What all passes of a check have left, put into its final order.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::check::{Check, DEFAULT_THRESHOLD, Gleaned, PATIENCE};
use super::first_pass::State;
use super::owners::OwnersOf;
use super::second_pass::Seen;
use crate::estate::{Inventory, KindName};
use crate::evaluate::{Outcome, Tally};
use crate::finding::{Finding, Fingerprint, Identity, Location, Resource, Severity, Status};
use crate::policy::{Absence, Check as RuleCheck, NotSelected, Rule};
use crate::problem::{Code, Problem};
use crate::report::{
    Ownership, PolicyOrigin, Report, RuleInfo, RunInfo, Spooled, StatusCounts, allowed, count_findings,
};
use crate::waive::{Exceptions, Outcomes};

/// A rule as reports show it.
pub(super) fn rule_info(rule: &Rule, tally: Tally) -> RuleInfo {
    RuleInfo {
        name: Arc::clone(&rule.name),
        title: rule.title.clone(),
        severity: rule.severity,
        rationale: rule.rationale.clone(),
        remediation: rule.remediation.clone(),
        requirements: rule.requirements.iter().map(ToString::to_string).collect(),
        related: rule.related.clone(),
        tally,
    }
}

impl Check<'_> {
    pub(super) fn assemble<'s>(
        &'s self,
        gleaned: Gleaned,
        seen: &Seen,
        mut exceptions: Exceptions<'s>,
    ) -> Report {
        let Gleaned { outcomes, roles, mut counts, mut problems, skipped, .. } = gleaned;
        let Seen { inventory, states, .. } = seen;
        let rules = &self.policies.rules.rules;
        let absent: Vec<Option<String>> =
            rules.iter().map(|rule| roles.reason_against(&rule.roles)).collect();
        let Judged { findings, mut tallies, undecided, exhausted, mut masked } =
            judged(outcomes, &absent, &mut problems);
        counts.pairs = tallies.iter().map(|tally| tally.matched).sum();
        for (rule, left) in exhausted.into_iter().filter(|(_, left)| *left > 0) {
            let name = rules.get(rule as usize).map_or("", |rule| &rule.name);
            let message = format!(
                "rule {name} was given up after {PATIENCE} resources, so that {left} were not checked"
            );
            problems.push(Problem::new(Code::RuleFailed, message));
        }
        // Rules of the library and schemas of kinds compile when they are first needed.
        for rule in rules
            .iter()
            .filter(|rule| rule.origin.is_builtin && !self.policies.config.rules.contains_key(&*rule.name))
        {
            problems.extend(rule.compile_problems().iter().cloned());
        }
        for kind in self.policies.kinds.iter() {
            let is_told = |problem: &Problem| {
                problem.code == Code::InvalidKindSchema
                    && problem.location.as_ref().is_some_and(|location| location.file == kind.file)
            };
            if let Some(error) = kind.error().filter(|_| !problems.iter().any(is_told)) {
                let message = format!("{}: {}", kind.name, error.message);
                problems
                    .push(Problem::new(Code::InvalidKindSchema, message).at(Location::start_of(&kind.file)));
            }
        }
        let shared = self.duplicates(inventory, states, &mut problems);
        let fingerprint = |finding: &Finding, rule: &str| {
            let is_shared = shared.contains(&finding.resource.identity);
            finding.fingerprint(rule, is_shared.then_some(&*finding.resource.location.file))
        };
        let (mut owners, mut ownership) = OwnersOf::new(self.root, &self.request.owners);
        problems.extend(ownership.problems());
        let resources: Vec<_> = inventory.resources().map(|(_, resource)| resource).collect();
        // Reports name no rule that does not bind; findings name the others by their new places.
        let binding: Vec<usize> =
            (0..rules.len()).filter(|at| matches!(absent.get(*at), Some(None))).collect();
        let mut standing = Standing::default();
        let finish = |findings: &mut [Finding]| -> Vec<Fingerprint> {
            let name = |finding: &Finding| rules.get(finding.rule as usize).map_or("", |rule| &rule.name);
            let prints = findings.iter().map(|finding| fingerprint(finding, name(finding))).collect();
            for finding in findings {
                let at = binding.binary_search(&(finding.rule as usize)).unwrap_or(usize::MAX);
                finding.rule = u32::try_from(at).unwrap_or(u32::MAX);
            }
            prints
        };
        let spool = self.spool.as_ref().filter(|spool| spool.is_used());
        let mut findings = findings;
        if spool.is_none() {
            put_in_order(&mut findings);
            exceptions.baseline = self.baseline_in_force(&findings, inventory, states, &fingerprint);
        }
        let mut application = exceptions.over(rules, &resources);
        let mut settle = |findings: &mut [Finding]| {
            owners.assign(findings);
            application.apply(findings, &mut tallies);
            standing.add(findings, rules, &ownership);
        };
        let mut fingerprints = Vec::new();
        let mut left_out = 0;
        let spooled = match spool {
            None => {
                settle(&mut findings);
                fingerprints = finish(&mut findings);
                None
            }
            Some(spool) => {
                let mut shelf = spool.shelf();
                let mut counts = vec![StatusCounts::default(); binding.len()];
                let read = spool.in_order(std::mem::take(&mut findings), &mut |mut findings| {
                    findings.retain(|finding| matches!(absent.get(finding.rule as usize), Some(None)));
                    settle(&mut findings);
                    let before = open_of(&findings);
                    findings.retain(|finding| ownership.shows(finding));
                    left_out += before - open_of(&findings);
                    let prints = finish(&mut findings);
                    count_findings(&findings, &mut counts);
                    shelf.add(findings, prints);
                });
                if let Err(error) = read {
                    let message = format!(
                        "findings that waited on disk cannot be read, so that some are missing: {error}"
                    );
                    problems.push(Problem::new(Code::InternalError, message));
                }
                Some(Spooled { findings: Box::new(shelf), counts })
            }
        };
        let outcomes = application.end();
        ownership.left_out = left_out;
        let Outcomes { waivers, baseline, problems: found } = outcomes;
        problems.extend(found);
        // `unresolved-reference` tells why something is undecided. Unless it fails the run itself (it may not be
        // selected, be waived, or lie below the threshold), what is undecided must not pass.
        let fail_on =
            self.request.fail_on.unwrap_or(Some(self.policies.config.fail_on.unwrap_or(DEFAULT_THRESHOLD)));
        let max = self.budgets();
        let fails = |severity: &Severity| {
            let open = standing.open.get(severity).copied().unwrap_or_default();
            open > allowed(fail_on, &max, *severity)
        };
        if undecided > 0 && !standing.dangling.is_told(fails) {
            let pairs = if undecided == 1 { "1 pair".to_owned() } else { format!("{undecided} pairs") };
            let message =
                format!("{pairs} of resource and rule could not be decided: a reference names nothing");
            problems.push(Problem::new(Code::Undecided, message));
        }
        if counts.pairs == 0 && !self.request.allow_empty {
            let message = format!(
                "{} in {} files were checked against {} rules, and no rule applied",
                match counts.resources() {
                    1 => "1 resource".to_owned(),
                    count => format!("{count} resources"),
                },
                counts.files,
                absent.iter().filter(|reason| reason.is_none()).count(),
            );
            problems.push(Problem::new(Code::NothingEvaluated, message));
        }
        problems.sort_by(|one, other| {
            (&one.location, one.code, &one.message).cmp(&(&other.location, other.code, &other.message))
        });
        problems.dedup();
        masked.sort_unstable();
        masked.dedup();
        let mut not_selected = self.policies.rules.not_selected.clone();
        not_selected.extend(rules.iter().zip(&absent).filter_map(|(rule, reason)| {
            let (name, reason) = (Arc::clone(&rule.name), reason.clone()?);
            let requirements = rule.requirements.clone();
            Some(NotSelected { rule: name, reason, requirements, absence: Absence::NotByRole })
        }));
        not_selected.sort_by(|one, other| one.rule.cmp(&other.rule));
        let rules: Vec<RuleInfo> = rules
            .iter()
            .zip(tallies)
            .zip(&absent)
            .filter(|(_, reason)| reason.is_none())
            .map(|((rule, tally), _)| rule_info(rule, tally))
            .collect();
        Report {
            run: RunInfo {
                version: env!("CARGO_PKG_VERSION"),
                as_of: self.request.as_of.clone(),
                config: self.policy_source().config().map(str::to_owned),
                fail_on,
                max,
                allow_empty: self.request.allow_empty,
                estate: self.root.revision(),
                roles,
                policies: PolicyOrigin {
                    is_elsewhere: self.elsewhere.is_some(),
                    revision: self.policy_source().revision(),
                    digest: self.policies.digest,
                },
            },
            rules,
            findings,
            spooled,
            fingerprints,
            problems,
            not_selected,
            skipped,
            waivers,
            baseline,
            ownership,
            counts,
            masked,
            comparison: None,
        }
    }

    /// Reports identities that stand twice. Those of foreign kinds are legal (overlays), and given back, since
    /// only their path tells them apart.
    fn duplicates(
        &self,
        inventory: &Inventory,
        states: &[State],
        problems: &mut Vec<Problem>,
    ) -> HashSet<Identity> {
        // Most estates have none, and to sort a million takes its time.
        let mut known: HashSet<&Identity> = HashSet::with_capacity(states.len());
        let twice: HashSet<&Identity> = inventory
            .resources()
            .map(|(_, resource)| &resource.identity)
            .filter(|identity| !known.insert(identity))
            .collect();
        drop(known);
        let resources = inventory.resources().zip(states);
        let mut seen: Vec<_> = resources
            .filter(|((_, resource), _)| !twice.is_empty() && twice.contains(&resource.identity))
            .map(|((_, resource), state)| (resource, state.is_evaluated))
            .collect();
        seen.sort_by(|(one, _), (other, _)| {
            (&one.identity, &one.location).cmp(&(&other.identity, &other.location))
        });
        let mut shared = HashSet::new();
        for group in seen.chunk_by(|(one, _), (other, _)| one.identity == other.identity) {
            let [(first, _), others @ ..] = group else { continue };
            let is_checked = group.iter().any(|(_, is_evaluated)| *is_evaluated);
            if others.is_empty() || !is_checked {
                continue;
            }
            let kind = KindName::of(&first.identity);
            if !kind.is_own() && self.policies.kinds.get(&kind).is_none() {
                shared.insert(first.identity.clone());
                // Not even their path tells apart what stands twice in one file.
                let twice = group.windows(2).filter_map(|pair| match pair {
                    [(one, _), (other, _)] if one.location.file == other.location.file => Some((one, other)),
                    _ => None,
                });
                problems.extend(twice.map(|(one, other)| declared_twice(one, other)));
                continue;
            }
            for (other, _) in others {
                problems.push(declared_twice(first, other));
            }
        }
        shared
    }
}

/// What stands after all exceptions, as far as it says how a run ends.
#[derive(Default)]
struct Standing {
    /// Findings that count, of those that are shown.
    open: BTreeMap<Severity, u64>,
    dangling: Dangling,
}

/// Findings of `unresolved-reference`.
#[derive(Default)]
struct Dangling {
    some: bool,
    /// One is not in the baseline.
    is_new: bool,
    open: BTreeSet<Severity>,
}

impl Dangling {
    /// Whether a reader is told why something is undecided. Where the baseline holds every reference that names nothing, what
    /// they leave open is as old as they are.
    fn is_told(&self, fails: impl Fn(&Severity) -> bool) -> bool {
        (self.some && !self.is_new) || self.open.iter().any(fails)
    }
}

impl Standing {
    fn add(&mut self, findings: &[Finding], rules: &[Rule], ownership: &Ownership) {
        for finding in findings {
            let Some(rule) = rules.get(finding.rule as usize) else { continue };
            let is_open = finding.status == Status::Fail && ownership.shows(finding);
            if is_open {
                *self.open.entry(rule.severity).or_default() += 1;
            }
            if matches!(rule.check, RuleCheck::UnresolvedReference) {
                self.dangling.some = true;
                self.dangling.is_new |= finding.status != Status::Baselined;
                self.dangling.open.extend(is_open.then_some(rule.severity));
            }
        }
    }
}

/// How many findings count.
fn open_of(findings: &[Finding]) -> u64 {
    findings.iter().filter(|finding| finding.status == Status::Fail).count() as u64
}

/// Sorts findings by place, rule and key, with eight bytes a finding beside them: there can be millions. Equal ones stay
/// in their order.
fn put_in_order(findings: &mut [Finding]) {
    // Files come in their order, so that most of an estate's findings do.
    if findings.is_sorted_by(|one, other| one.order(other).is_le()) {
        return;
    }
    let mut places: Vec<usize> = (0..findings.len()).collect();
    places.sort_by(|one, other| match (findings.get(*one), findings.get(*other)) {
        (Some(one), Some(other)) => one.order(other),
        _ => one.cmp(other),
    });
    // Each comes from `places`; what has been moved away from there is where its own place says.
    for at in 0..places.len() {
        let mut from = places.get(at).copied().unwrap_or(at);
        while from < at {
            from = places.get(from).copied().unwrap_or(at);
        }
        findings.swap(at, from);
        if let Some(place) = places.get_mut(at) {
            *place = from;
        }
    }
}

/// What outcomes say together of the rules that bind.
struct Judged {
    findings: Vec<Finding>,
    tallies: Vec<Tally>,
    undecided: u64,
    exhausted: BTreeMap<u32, u64>,
    masked: Vec<Location>,
}

/// Puts outcomes together and drops what they say of rules for other roles, which `absent` gives a reason for: which
/// rules bind is known only when all Organizations are.
fn judged(outcomes: Vec<Outcome>, absent: &[Option<String>], problems: &mut Vec<Problem>) -> Judged {
    let binds = |rule: u32| matches!(absent.get(rule as usize), Some(None));
    let mut judged = Judged {
        findings: Vec::new(),
        tallies: vec![Tally::default(); absent.len()],
        undecided: 0,
        exhausted: BTreeMap::new(),
        masked: Vec::new(),
    };
    judged.findings.reserve_exact(outcomes.iter().map(|outcome| outcome.findings.len()).sum());
    for outcome in outcomes {
        for (rule, (_, left)) in outcome.exhausted.into_iter().filter(|(rule, _)| binds(*rule)) {
            *judged.exhausted.entry(rule).or_default() += left;
        }
        judged.masked.extend(outcome.masked);
        let undecided = outcome.undecided.iter().filter(|(rule, _)| binds(**rule));
        judged.undecided += undecided.map(|(_, count)| count).sum::<u64>();
        judged.findings.extend(outcome.findings.into_iter().filter(|finding| binds(finding.rule)));
        problems.extend(outcome.problems);
        let of_rules = outcome.rule_problems.into_iter().filter(|(rule, _)| binds(*rule));
        problems.extend(of_rules.map(|(_, problem)| problem));
        let tallies = judged.tallies.iter_mut().zip(&outcome.tallies).zip(absent);
        for ((tally, more), _) in tallies.filter(|(_, reason)| reason.is_none()) {
            tally.add(more);
        }
    }
    judged
}

fn declared_twice(first: &Resource, other: &Resource) -> Problem {
    let message = format!("{} is declared twice", other.identity);
    let problem = Problem::new(Code::DuplicateResource, message).at(other.location.clone());
    problem.with_related(first.location.clone(), "first here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_put_in_order() {
        let identity =
            Identity { group: "".into(), kind: "K".into(), namespace: "n".into(), name: "x".into() };
        let location = Location::start_of("a.yaml");
        let resource = Arc::new(Resource::new(identity, location));
        // A walk through all numbers below 101 in disorder, twice as many findings as places.
        let all = (1..101_u32).map(|power| (0..power).fold(1, |number, _| number * 7 % 101));
        let mut findings: Vec<Finding> = all
            .map(|number| Finding {
                rule: number % 3,
                status: Status::Fail,
                owners: Arc::default(),
                exception: None,
                message: number.to_string().into(),
                resource: Arc::clone(&resource),
                location: Location {
                    line: number / 20,
                    ..Location::start_of(if number % 2 == 0 { "b" } else { "a" })
                },
                related: None,
                key: "".into(),
                is_sensitive: false,
            })
            .collect();
        let mut expected = findings.clone();
        expected.sort_by_cached_key(|each| (each.location.clone(), each.rule, each.message.clone()));
        assert_ne!(findings, expected);
        put_in_order(&mut findings);
        assert_eq!(findings, expected);
        put_in_order(&mut findings);
        assert_eq!(findings, expected);
    }
}
