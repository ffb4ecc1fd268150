//! `period`: a history replayed over a stretch of time, and what of it held for how long.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};

use super::approvals::{Records, approvals};
use super::check::{CheckRequest, in_pool};
use super::course::{Waivers, gate_events};
use super::follow::{Cache, Known, Stopped, follow};
use super::history::{History, Instant, PoliciesOf, Step};
use super::ledger::{Closed, Controls, Delta, RuleFacts, RuleState, Said, Turned, digest, unknown};
use super::policies::{Beside, PolicyError, load};
use super::replay::Matches;
use super::touched::{known_touches, touches};
use crate::date::Moment;
use crate::finding::{Fingerprint, Identity, Status};
use crate::load::{LoadError, Source};
use crate::outcome::population_line;
use crate::policy::Approvals;
use crate::report::{
    ChangeEvent, Deviation, GroupPeriod, Held, Mark, Period, Phase, PopulationChange, RulePeriod, Sample,
    Stretch, Unchecked, Week,
};

/// Which policies judge a period.
#[derive(Clone, Copy)]
pub enum PeriodPolicies<'s> {
    /// Those of its last commit.
    End,
    /// For each commit its own.
    Each,
    /// Those of another place.
    Place(&'s dyn Source),
}

impl std::fmt::Debug for PeriodPolicies<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::End => "End",
            Self::Each => "Each",
            Self::Place(_) => "Place",
        })
    }
}

/// What to replay.
#[derive(Debug)]
pub struct PeriodRequest<'s> {
    /// As for a check.
    pub check: CheckRequest,
    /// The first day.
    pub from: Moment,
    /// The last day.
    pub to: Moment,
    /// Which policies judge.
    pub policies: PeriodPolicies<'s>,
    /// How many resources and commits to draw, and by which seed.
    pub sample: Option<(usize, String)>,
    /// What others say of who approved which commits.
    pub approvals: &'s [Approvals],
    /// What earlier runs know of it.
    pub cache: Option<&'s Cache>,
}

/// Replays a period.
///
/// # Errors
/// What keeps it from beginning, and commits that cannot be read.
pub fn period(
    history: &History,
    request: &PeriodRequest<'_>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Period, PolicyError> {
    let mut check = request.check.clone();
    check.selection.with_changes = true;
    check.with_population = true;
    request.to.text().clone_into(&mut check.as_of);
    let instants = history.period(&request.from, &request.to);
    let Some(last) = instants.last() else {
        return Err(PolicyError::Load(LoadError {
            message: format!("no commit of the branch lies before {} or in the period", request.to.text()),
            help: Some("name an earlier period, or another branch with --rev".to_owned()),
        }));
    };
    in_pool(&check, |_| {
        let place: Box<dyn Source>;
        let (fixed, told) = match request.policies {
            PeriodPolicies::Each => (None, "the policies of each commit".to_owned()),
            PeriodPolicies::End => {
                place = Box::new(history.source(last.commit).map_err(PolicyError::Load)?);
                (Some((&*place, Beside::Judged)), "the policies at the end".to_owned())
            }
            PeriodPolicies::Place(source) => {
                (Some((source, Beside::Unseen)), "policies from elsewhere".to_owned())
            }
        };
        let fixed = fixed
            .map(|(source, beside)| load(source, &check.selection, check.threads, beside))
            .transpose()?;
        let policies = fixed.as_ref().map_or(PoliciesOf::Each, PoliciesOf::These);
        let total = instants.len() as u64;
        let mut known = Known::of(request.cache, history, &check, policies);
        let mut watch = loop {
            let mut watch = Watch::new(history, &request.from, request.sample.as_ref());
            let followed =
                follow(history, &instants, policies, &check, &mut known, &mut |at, delta, step| {
                    let Some(instant) = instants.get(at) else { return };
                    watch.see(instant, delta);
                    if at as u64 + 1 == total {
                        watch.keep_population(step.as_ref());
                        watch.records = step.as_ref().map(|step| Records::of(step.replay.declared()));
                    }
                    progress(at as u64 + 1, total);
                });
            match followed {
                Ok(()) => break watch,
                Err(Stopped::Contradicted) => {}
                Err(Stopped::Failed(error)) => return Err(error),
            }
        };
        let (gate, touched) = match request.policies {
            // What stands beside the estate judges nothing.
            PeriodPolicies::Place(_) => (Vec::new(), BTreeSet::new()),
            PeriodPolicies::End | PeriodPolicies::Each => gate_events(history, &instants, &check)?,
        };
        let touched =
            touches(history, &instants, &touched, check.limits.file_size).map_err(PolicyError::Load)?;
        let records = watch.records.take();
        let mut period = Period { gate, ..watch.finish(request, told, &instants) };
        let waivers: BTreeSet<&String> = period.waivers.iter().map(|waiver| &waiver.waiver).collect();
        let touched = known_touches(touched, &waivers);
        let approved = approvals(history, &instants, records.as_ref(), request.approvals, &touched);
        period.notes.extend(approved.notes);
        for waiver in &mut period.waivers {
            let of_waiver = approved.commits.iter().filter(|each| each.touches.contains(&waiver.waiver));
            let unproven = of_waiver.filter(|each| each.is_unproven()).map(|each| each.commit.clone());
            waiver.unproven_commits = unproven.collect();
        }
        Ok(Period { commit_approvals: approved.commits, approval_files: approved.files, ..period })
    })
}

/// A set of rules whose state is followed: one rule, a requirement, or a control.
#[derive(Default)]
struct Group {
    held: Held,
    failing_since: Option<i64>,
    repair_seconds: i64,
    repaired: i64,
}

struct RuleWatch {
    /// Rules are numbered as they are first seen.
    number: usize,
    title: String,
    severity: &'static str,
    requirements: Vec<String>,
    state: RuleState,
    matches: Matches,
    population: Vec<PopulationChange>,
}

struct Watch<'h> {
    history: &'h History,
    /// Seconds at which the period begins.
    begin: i64,
    now: i64,
    steps: u64,
    rules: BTreeMap<String, RuleWatch>,
    /// Requirements and controls, with their rules, as they are at the end.
    titles: BTreeMap<String, String>,
    controls: Controls,
    open: HashMap<(String, Fingerprint), Deviation>,
    closed: Vec<Deviation>,
    problems: BTreeMap<Said, Mark>,
    gone_problems: Vec<Unchecked>,
    events: Vec<ChangeEvent>,
    /// Who was judged for each requirement and control.
    groups: BTreeMap<String, Vec<PopulationChange>>,
    waivers: Waivers,
    /// For each step, when it was and the state of each rule by number.
    timeline: Vec<(i64, Vec<RuleState>)>,
    sample: Option<&'h (usize, String)>,
    population: Vec<Identity>,
    /// Who approved what, as the last version says; none if it could not be judged.
    records: Option<Records>,
    digest: String,
    is_begun: bool,
}

impl<'h> Watch<'h> {
    fn new(history: &'h History, from: &Moment, sample: Option<&'h (usize, String)>) -> Self {
        let begin = seconds_of(from);
        Self {
            history,
            begin,
            now: begin,
            steps: 0,
            rules: BTreeMap::new(),
            titles: BTreeMap::new(),
            controls: BTreeMap::new(),
            open: HashMap::new(),
            closed: Vec::new(),
            problems: BTreeMap::new(),
            gone_problems: Vec::new(),
            events: Vec::new(),
            groups: BTreeMap::new(),
            waivers: Waivers::default(),
            timeline: Vec::new(),
            sample,
            population: Vec::new(),
            records: None,
            digest: String::new(),
            is_begun: false,
        }
    }

    fn mark(&mut self, instant: &Instant) -> Mark {
        let commit = self.history.commits.get(instant.commit).filter(|_| !instant.is_tick);
        let midnight = seconds_of(&instant.day);
        // Commits count in their order, whatever their clocks say.
        let seconds = commit.map_or(midnight, |commit| commit.committer.seconds);
        self.now = self.now.max(seconds).max(midnight);
        Mark {
            date: instant.day.text().to_owned(),
            commit: commit.map(|commit| commit.revision.commit.to_string()),
            seconds: self.now,
        }
    }

    /// Whom a sample is drawn from: those that were judged at the end.
    fn keep_population(&mut self, step: Option<&Step<'_, '_>>) {
        if let Some(step) = step.filter(|_| self.sample.is_some()) {
            let all = (0_u32..).take(step.policies.rules.rules.len()).collect();
            self.population = step.replay.population(&all);
        }
    }

    /// Takes in what a step changes.
    fn see(&mut self, instant: &Instant, delta: &Delta) {
        let mark = self.mark(instant);
        self.steps += 1;
        let is_first = !self.is_begun && !delta.is_unjudged;
        self.is_begun |= !delta.is_unjudged;
        if let Some(digest) = &delta.policies {
            self.digest.clone_from(digest);
        }
        for (id, title) in &delta.titles {
            self.titles.entry(id.clone()).or_insert_with(|| title.clone());
        }
        for (name, facts) in &delta.rules {
            self.see_rule(name, facts, &mark);
        }
        for name in &delta.dropped {
            if let Some(rule) = self.rules.get_mut(name) {
                if rule.matches != Matches::default() {
                    let (count, digest) = (0, digest(&[]));
                    rule.population.push(PopulationChange { from: mark.clone(), count, digest });
                }
                (rule.state, rule.matches) = (RuleState::default(), Matches::default());
            }
        }
        for (name, group) in &delta.groups {
            let changes = self.groups.entry(name.clone()).or_default();
            let (count, digest) = (group.count, group.population.clone());
            if changes.last().is_none_or(|last| last.count != count || last.digest != digest) {
                changes.push(PopulationChange { from: mark.clone(), count, digest });
            }
        }
        if let Some(waivers) = &delta.waivers {
            self.waivers.see(waivers, &mark);
        }
        if delta.is_unjudged {
            // Nothing is known of any rule.
            for rule in self.rules.values_mut() {
                rule.state = unknown(rule.state);
            }
        }
        if let Some(controls) = &delta.controls {
            self.controls.clone_from(controls);
        }
        self.see_findings(delta, &mark, is_first);
        for said in &delta.solved {
            let Some(from) = self.problems.remove(said) else { continue };
            self.gone_problems.push(unchecked(said, from, Some(mark.clone())));
        }
        for said in &delta.problems {
            self.problems.entry(said.clone()).or_insert_with(|| mark.clone());
        }
        // Problems of one commit's change alone.
        let of_change = delta.event_problems.iter();
        self.gone_problems.extend(of_change.map(|said| unchecked(said, mark.clone(), Some(mark.clone()))));
        let committer = self.history.commits.get(instant.commit).map(|commit| commit.committer.name.clone());
        self.events.extend(delta.events.iter().map(|event| ChangeEvent {
            at: mark.clone(),
            committer: committer.clone().unwrap_or_default(),
            rule: event.rule.clone(),
            severity: event.severity.name(),
            resource: event.resource.clone(),
            message: event.message.clone(),
            place: event.place.clone(),
        }));
        self.keep_states(mark.seconds);
    }

    fn see_rule(&mut self, name: &str, facts: &RuleFacts, mark: &Mark) {
        let number = self.rules.len();
        let known = self.rules.entry(name.to_owned()).or_insert_with(|| RuleWatch {
            number,
            title: String::new(),
            severity: "",
            requirements: Vec::new(),
            state: RuleState::default(),
            matches: Matches::default(),
            population: Vec::new(),
        });
        known.title.clone_from(&facts.title);
        known.severity = facts.severity.name();
        known.requirements.clone_from(&facts.requirements);
        known.state = facts.state;
        if facts.matches != known.matches {
            known.matches = facts.matches;
            let (count, digest) = (facts.matches.count, facts.population.clone());
            known.population.push(PopulationChange { from: mark.clone(), count, digest });
        }
    }

    fn keep_states(&mut self, seconds: i64) {
        let mut states = vec![RuleState::default(); self.rules.len()];
        for rule in self.rules.values() {
            if let Some(state) = states.get_mut(rule.number) {
                *state = rule.state;
            }
        }
        self.timeline.push((seconds, states));
    }

    fn see_findings(&mut self, delta: &Delta, mark: &Mark, is_first: bool) {
        let stretch = |status: Status, exception: &Option<String>| Stretch {
            status: status.name(),
            exception: exception.clone(),
            from: mark.clone(),
            to: None,
        };
        for Closed { rule, fingerprint } in &delta.closed {
            let Some(mut deviation) = self.open.remove(&(rule.clone(), *fingerprint)) else { continue };
            if let Some(last) = deviation.stretches.last_mut() {
                last.to = Some(mark.clone());
            }
            deviation.to = Some(mark.clone());
            self.closed.push(deviation);
        }
        for Turned { rule, fingerprint, status, exception } in &delta.turned {
            let Some(open) = self.open.get_mut(&(rule.clone(), *fingerprint)) else { continue };
            if let Some(last) = open.stretches.last_mut() {
                last.to = Some(mark.clone());
            }
            open.stretches.push(stretch(*status, exception));
        }
        for opened in &delta.opened {
            let deviation = Deviation {
                rule: opened.rule.clone(),
                severity: opened.severity.name(),
                resource: opened.resource.clone(),
                fingerprint: opened.fingerprint.to_string(),
                message: opened.message.clone(),
                place: opened.place.clone(),
                since_before: is_first,
                from: mark.clone(),
                to: None,
                seconds: 0,
                stretches: vec![stretch(opened.status, &opened.exception)],
            };
            self.open.insert((opened.rule.clone(), opened.fingerprint), deviation);
        }
    }

    fn finish(mut self, request: &PeriodRequest<'_>, policies: String, instants: &[Instant]) -> Period {
        let end = seconds_of(&request.to.next_day().unwrap_or_else(|| request.to.clone()));
        let mut deviations = std::mem::take(&mut self.closed);
        deviations.extend(std::mem::take(&mut self.open).into_values());
        deviations.retain(|each| each.to.as_ref().is_none_or(|to| to.seconds >= self.begin));
        for each in &mut deviations {
            each.seconds = each.to.as_ref().map_or(end, |to| to.seconds) - each.from.seconds;
        }
        deviations.sort_by(|one, other| {
            let key = |each: &Deviation| {
                (each.from.seconds, each.rule.clone(), each.resource.clone(), each.fingerprint.clone())
            };
            key(one).cmp(&key(other))
        });
        let mut problems = std::mem::take(&mut self.gone_problems);
        let open = std::mem::take(&mut self.problems).into_iter();
        problems.extend(open.map(|(said, from)| unchecked(&said, from, None)));
        problems.sort_by(|one, other| {
            (one.from.seconds, one.code, &one.message).cmp(&(other.from.seconds, other.code, &other.message))
        });
        let by_rule: HashMap<&str, Vec<&Deviation>> =
            deviations.iter().fold(HashMap::new(), |mut map: HashMap<&str, Vec<&Deviation>>, each| {
                map.entry(&each.rule).or_default().push(each);
                map
            });
        let held = |rules: &[String]| {
            let group = self.held(rules, end);
            count(group, rules.iter().filter_map(|rule| by_rule.get(rule.as_str())).flatten(), end)
        };
        let mut requirements: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, rule) in &self.rules {
            for requirement in &rule.requirements {
                requirements.entry(requirement).or_default().push(name.clone());
            }
        }
        let chosen = &request.check.selection.frameworks;
        let is_chosen = |id: &str| {
            chosen.is_empty()
                || id.split_once(':').is_some_and(|(framework, _)| chosen.iter().any(|one| one == framework))
        };
        let requirements = requirements
            .into_iter()
            .filter(|(id, _)| is_chosen(id))
            .map(|(id, rules)| GroupPeriod {
                id: id.to_owned(),
                title: self.titles.get(id).cloned().unwrap_or_default(),
                held: held(&rules),
                population: self.groups.get(id).cloned().unwrap_or_default(),
                rules,
            })
            .collect();
        let controls = self
            .controls
            .iter()
            .map(|(id, (title, rules))| GroupPeriod {
                id: id.clone(),
                title: title.clone(),
                held: held(rules),
                rules: rules.clone(),
                population: self.groups.get(id).cloned().unwrap_or_default(),
            })
            .collect();
        let rules = self
            .rules
            .iter()
            .map(|(name, rule)| RulePeriod {
                rule: name.clone(),
                title: rule.title.clone(),
                severity: rule.severity,
                requirements: rule.requirements.clone(),
                held: held(std::slice::from_ref(name)),
                population: rule.population.clone(),
            })
            .collect();
        let weeks = weeks(&request.from, &request.to, &deviations);
        let head = instants.last().and_then(|last| self.history.commits.get(last.commit));
        let commits: BTreeSet<usize> =
            instants.iter().filter(|instant| !instant.is_tick).map(|instant| instant.commit).collect();
        let mut notes = self.history.notes.clone();
        if instants.first().is_some_and(|first| !first.is_tick) {
            let day = instants.first().map_or("", |first| first.day.text());
            notes.push(format!("history starts here: nothing is known before {day}"));
        }
        notes.push(
            "git proves what stood in a commit, not who approved it: approvals are what Change records of the estate at the end \
             say, and files given with --approvals; everything else is unproven"
                .to_owned(),
        );
        Period {
            version: 1,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            from: request.from.text().to_owned(),
            to: request.to.text().to_owned(),
            policies,
            policy_digest: self.digest.clone(),
            head: head.map(|commit| commit.revision.commit.to_string()),
            tree: head.map(|commit| commit.revision.tree.to_string()),
            commits: commits.len() as u64,
            steps: self.steps,
            notes,
            requirements,
            controls,
            rules,
            weeks,
            sample: self.sample.map(|(size, seed)| self.draw(*size, seed, &commits)),
            events: self.events,
            gate: Vec::new(),
            commit_approvals: Vec::new(),
            approval_files: Vec::new(),
            waivers: self.waivers.finish(),
            problems,
            deviations,
        }
    }

    /// How long none of some rules failed.
    fn held(&self, rules: &[String], end: i64) -> Group {
        let wanted: Vec<usize> =
            rules.iter().filter_map(|rule| Some(self.rules.get(rule.as_str())?.number)).collect();
        let mut group = Group::default();
        for (at, (start, states)) in self.timeline.iter().enumerate() {
            let until = self.timeline.get(at + 1).map_or(end, |(next, _)| *next);
            let length = until - start;
            let of = || wanted.iter().filter_map(|number| states.get(*number));
            let is_failing = of().any(|state| state.is_failing);
            if is_failing {
                group.failing_since.get_or_insert(*start);
            }
            if let Some(since) = group.failing_since {
                let gap = if is_failing { until } else { *start } - since;
                group.held.longest_gap_seconds = group.held.longest_gap_seconds.max(gap);
                if !is_failing {
                    group.failing_since = None;
                }
            }
            let is_evaluated = of().any(|state| state.is_evaluated);
            let state = if is_failing {
                "failing"
            } else if !is_evaluated {
                "nothing"
            } else if of().any(|state| state.has_errors) {
                "error"
            } else if of().any(|state| state.is_waived) {
                "waived"
            } else {
                "held"
            };
            match group.held.phases.last_mut() {
                _ if length == 0 => {}
                Some(last) if last.state == state => last.to = until,
                _ => group.held.phases.push(Phase { state, from: *start, to: until }),
            }
            if is_evaluated {
                group.held.evaluated_seconds += length;
                if is_failing {
                    group.held.failing_seconds += length;
                } else if of().any(|state| state.has_errors) {
                    group.held.error_seconds += length;
                }
            }
        }
        let Held { evaluated_seconds, failing_seconds, error_seconds, .. } = group.held;
        // Rounded down: what failed for a minute did not hold all the time.
        group.held.share = (evaluated_seconds > 0)
            .then(|| (evaluated_seconds - failing_seconds - error_seconds) * 10_000 / evaluated_seconds);
        group
    }

    fn draw(&self, size: usize, seed: &str, commits: &BTreeSet<usize>) -> Sample {
        let ids: Vec<String> = commits
            .iter()
            .filter_map(|at| self.history.commits.get(*at))
            .map(|commit| commit.revision.commit.to_string())
            .collect();
        let names: Vec<String> = self.population.iter().map(population_line).collect();
        Sample {
            seed: seed.to_owned(),
            resources_of: names.len() as u64,
            resources: drawn(&names, size, seed),
            commits_of: ids.len() as u64,
            commits: drawn(&ids, size, seed),
        }
    }
}

/// Those whose SHA-256 with the seed is least: whoever has the list and the seed can draw again.
fn drawn(names: &[String], size: usize, seed: &str) -> Vec<String> {
    let mut all: Vec<([u8; 32], &String)> = names
        .iter()
        .map(|name| {
            let mut hasher = Sha256::new();
            hasher.update(seed.as_bytes());
            hasher.update([0]);
            hasher.update(name.as_bytes());
            (hasher.finalize().into(), name)
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all.truncate(size);
    let mut chosen: Vec<String> = all.into_iter().map(|(_, name)| name.clone()).collect();
    chosen.sort_unstable();
    chosen
}

/// Counts deviations within the period.
fn count<'d>(mut group: Group, deviations: impl Iterator<Item = &'d &'d Deviation>, end: i64) -> Held {
    for each in deviations {
        let last = each.stretches.last();
        group.held.opened += u64::from(!each.since_before);
        match &each.to {
            Some(to) if to.seconds <= end => {
                group.held.closed += 1;
                if !each.since_before {
                    group.repaired += 1;
                    group.repair_seconds += to.seconds - each.from.seconds;
                }
            }
            _ => match last.map(|stretch| stretch.status) {
                Some("fail") => group.held.open_at_end += 1,
                Some("waived") => group.held.waived_at_end += 1,
                _ => {}
            },
        }
    }
    group.held.mean_repair_seconds = (group.repaired > 0).then(|| group.repair_seconds / group.repaired);
    group.held
}

/// What came and went in each seven days of the period.
fn weeks(from: &Moment, to: &Moment, deviations: &[Deviation]) -> Vec<Week> {
    let mut weeks = Vec::new();
    let mut first = from.day();
    loop {
        let mut next = first.clone();
        for _ in 0..7 {
            next = next.next_day().unwrap_or(next);
        }
        let (begin, end) = (seconds_of(&first), seconds_of(&next));
        let is_in = |mark: &Mark| (begin..end).contains(&mark.seconds);
        let count = |wanted: &dyn Fn(&Deviation) -> bool| {
            deviations.iter().filter(|each| wanted(each)).count() as u64
        };
        weeks.push(Week {
            from: first.text().to_owned(),
            opened: count(&|each| !each.since_before && is_in(&each.from)),
            closed: count(&|each| each.to.as_ref().is_some_and(is_in)),
            open: count(&|each| {
                each.from.seconds < end && each.to.as_ref().is_none_or(|to| to.seconds >= end)
            }),
        });
        if next == first || to.is_certainly_before(&next) {
            return weeks;
        }
        first = next;
    }
}

fn unchecked(said: &Said, from: Mark, to: Option<Mark>) -> Unchecked {
    Unchecked { code: said.code.name(), message: said.message.clone(), from, to }
}

pub(super) fn seconds_of(moment: &Moment) -> i64 {
    moment.nanoseconds().map_or(0, |nanoseconds| nanoseconds.div_euclid(1_000_000_000))
}
