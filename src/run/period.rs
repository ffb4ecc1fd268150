//! `period`: a history replayed over a stretch of time, and what of it held for how long.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::check::{CheckRequest, in_pool};
use super::history::{History, Instant, PoliciesOf, Step, Unjudged, walk};
use super::policies::{Beside, PolicyError, load};
use super::replay::Matches;
use crate::date::Moment;
use crate::finding::{Fingerprint, Identity, Status};
use crate::load::{LoadError, Source};
use crate::outcome::{Declared, population_line};
use crate::problem::Problem;
use crate::report::{
    ChangeEvent, Deviation, GroupPeriod, Held, Mark, Period, PopulationChange, Report, RulePeriod, Sample,
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
        let mut watch = Watch::new(history, &request.from, request.sample.as_ref());
        let total = instants.len() as u64;
        let mut done = 0;
        walk(history, &instants, policies, &check, &mut |step| {
            match step {
                Ok(step) => watch.see(&step),
                Err(unjudged) => watch.miss(&unjudged),
            }
            done += 1;
            progress(done, total);
        })?;
        Ok(watch.finish(request, told, &instants))
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

/// What of a rule counts at a step.
#[derive(Clone, Copy, Default)]
struct State {
    is_evaluated: bool,
    is_failing: bool,
    has_errors: bool,
}

struct RuleWatch {
    /// Rules are numbered as they are first seen.
    number: usize,
    title: String,
    severity: &'static str,
    requirements: Vec<String>,
    state: State,
    matches: Matches,
    population: Vec<PopulationChange>,
}

struct OpenDeviation {
    deviation: Deviation,
    status: Status,
    exception: Option<Arc<str>>,
}

struct Watch<'h> {
    history: &'h History,
    /// Seconds at which the period begins.
    begin: i64,
    now: i64,
    steps: u64,
    rules: BTreeMap<Arc<str>, RuleWatch>,
    /// Requirements and controls, with their rules, as they are at the end.
    titles: BTreeMap<String, String>,
    controls: BTreeMap<String, (String, Vec<String>)>,
    open: HashMap<(Arc<str>, Fingerprint), OpenDeviation>,
    closed: Vec<Deviation>,
    problems: BTreeMap<(&'static str, String), Mark>,
    gone_problems: Vec<Unchecked>,
    events: Vec<ChangeEvent>,
    /// For each step, when it was and the state of each rule by number.
    timeline: Vec<(i64, Vec<State>)>,
    sample: Option<&'h (usize, String)>,
    population: Vec<Identity>,
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
            timeline: Vec::new(),
            sample,
            population: Vec::new(),
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

    fn miss(&mut self, unjudged: &Unjudged<'_>) {
        let mark = self.mark(unjudged.instant);
        self.steps += 1;
        self.see_problems(&unjudged.problems, &mark);
        // Nothing is known of any rule.
        let unknown = State { is_evaluated: true, has_errors: true, is_failing: false };
        for rule in self.rules.values_mut() {
            rule.state = State { is_failing: rule.state.is_failing, ..unknown };
        }
        self.keep_states(mark.seconds);
    }

    fn see(&mut self, step: &Step<'_, '_>) {
        let mark = self.mark(step.instant);
        let is_first = !self.is_begun;
        self.is_begun = true;
        self.steps += 1;
        self.digest = step.policies.digest.to_string();
        let matches = step.replay.matches();
        let report = &step.report;
        let mut present: BTreeSet<Arc<str>> = BTreeSet::new();
        // Those that do not bind are in the rule set and not in the report.
        let places: HashMap<&str, usize> =
            step.policies.rules.rules.iter().enumerate().map(|(at, rule)| (&*rule.name, at)).collect();
        for rule in &report.rules {
            let Some(at) = places.get(&*rule.name).copied() else { continue };
            if step.policies.rules.rules.get(at).is_some_and(|rule| rule.uses.change) {
                continue;
            }
            present.insert(Arc::clone(&rule.name));
            let now = matches.get(at).copied().unwrap_or_default();
            let number = self.rules.len();
            let known = self.rules.entry(Arc::clone(&rule.name)).or_insert_with(|| RuleWatch {
                number,
                title: String::new(),
                severity: "",
                requirements: Vec::new(),
                state: State::default(),
                matches: Matches::default(),
                population: Vec::new(),
            });
            known.title.clone_from(&rule.title);
            known.severity = rule.severity.name();
            known.requirements.clone_from(&rule.requirements);
            known.state = State {
                is_evaluated: rule.tally.matched > 0,
                is_failing: rule.tally.failed > 0,
                has_errors: rule.tally.errors > 0,
            };
            if now != known.matches {
                known.matches = now;
                let index = u32::try_from(at).unwrap_or(u32::MAX);
                let population = step.replay.population(&BTreeSet::from([index]));
                let change =
                    PopulationChange { from: mark.clone(), count: now.count, digest: digest(&population) };
                known.population.push(change);
            }
        }
        for (name, rule) in &mut self.rules {
            if !present.contains(name) {
                (rule.state, rule.matches) = (State::default(), Matches::default());
            }
        }
        for framework in step.policies.rules.frameworks.values() {
            for requirement in &framework.requirements {
                let id = format!("{}:{}", framework.id, requirement.id);
                self.titles.entry(id).or_insert_with(|| requirement.title.clone());
            }
        }
        self.controls = controls(step);
        self.see_findings(report, &mark, is_first);
        self.see_problems(&report.problems, &mark);
        self.see_problems_more(&step.events.1, &mark);
        let committer =
            self.history.commits.get(step.instant.commit).map(|commit| commit.committer.name.clone());
        for event in &step.events.0 {
            let Some(rule) = report.rule(&event.finding) else { continue };
            self.events.push(ChangeEvent {
                at: mark.clone(),
                committer: committer.clone().unwrap_or_default(),
                rule: rule.name.to_string(),
                severity: rule.severity.name(),
                resource: event.finding.resource.identity.to_string(),
                message: event.finding.message.to_string(),
                place: place(&event.finding.location),
            });
        }
        self.keep_states(mark.seconds);
        if self.sample.is_some() {
            let all = (0_u32..).take(step.policies.rules.rules.len()).collect();
            self.population = step.replay.population(&all);
        }
    }

    fn keep_states(&mut self, seconds: i64) {
        let mut states = vec![State::default(); self.rules.len()];
        for rule in self.rules.values() {
            if let Some(state) = states.get_mut(rule.number) {
                *state = rule.state;
            }
        }
        self.timeline.push((seconds, states));
    }

    fn see_findings(&mut self, report: &Report, mark: &Mark, is_first: bool) {
        let mut still: BTreeSet<(Arc<str>, Fingerprint)> = BTreeSet::new();
        for (finding, print) in report.findings.iter().zip(&report.fingerprints) {
            let Some(rule) = report.rule(finding) else { continue };
            let key = (Arc::clone(&rule.name), *print);
            still.insert(key.clone());
            let stretch = || Stretch {
                status: finding.status.name(),
                exception: finding.exception.as_deref().map(str::to_owned),
                from: mark.clone(),
                to: None,
            };
            if let Some(open) = self.open.get_mut(&key) {
                if open.status != finding.status || open.exception != finding.exception {
                    if let Some(last) = open.deviation.stretches.last_mut() {
                        last.to = Some(mark.clone());
                    }
                    open.deviation.stretches.push(stretch());
                    (open.status, open.exception) = (finding.status, finding.exception.clone());
                }
                continue;
            }
            let deviation = Deviation {
                rule: rule.name.to_string(),
                severity: rule.severity.name(),
                resource: finding.resource.identity.to_string(),
                fingerprint: print.to_string(),
                message: finding.message.to_string(),
                place: place(&finding.location),
                since_before: is_first,
                from: mark.clone(),
                to: None,
                seconds: 0,
                stretches: vec![stretch()],
            };
            let (status, exception) = (finding.status, finding.exception.clone());
            self.open.insert(key, OpenDeviation { deviation, status, exception });
        }
        let mut gone: Vec<_> = self.open.keys().filter(|key| !still.contains(*key)).cloned().collect();
        gone.sort_unstable();
        for key in gone {
            let Some(OpenDeviation { mut deviation, .. }) = self.open.remove(&key) else { continue };
            if let Some(last) = deviation.stretches.last_mut() {
                last.to = Some(mark.clone());
            }
            deviation.to = Some(mark.clone());
            self.closed.push(deviation);
        }
    }

    fn see_problems(&mut self, problems: &[Problem], mark: &Mark) {
        let now: BTreeSet<(&'static str, String)> = problems.iter().map(said).collect();
        let gone: Vec<_> = self.problems.keys().filter(|known| !now.contains(*known)).cloned().collect();
        for key in gone {
            let Some(from) = self.problems.remove(&key) else { continue };
            let (code, message) = key;
            self.gone_problems.push(Unchecked { code, message, from, to: Some(mark.clone()) });
        }
        for key in now {
            self.problems.entry(key).or_insert_with(|| mark.clone());
        }
    }

    /// Problems of one commit's change alone.
    fn see_problems_more(&mut self, problems: &[Problem], mark: &Mark) {
        for (code, message) in problems.iter().map(said) {
            let to = Some(mark.clone());
            self.gone_problems.push(Unchecked { code, message, from: mark.clone(), to });
        }
    }

    fn finish(mut self, request: &PeriodRequest<'_>, policies: String, instants: &[Instant]) -> Period {
        let end = seconds_of(&request.to.next_day().unwrap_or_else(|| request.to.clone()));
        let mut deviations = std::mem::take(&mut self.closed);
        deviations.extend(std::mem::take(&mut self.open).into_values().map(|open| open.deviation));
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
        problems.extend(open.map(|((code, message), from)| Unchecked { code, message, from, to: None }));
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
                requirements.entry(requirement).or_default().push(name.to_string());
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
            })
            .collect();
        let rules = self
            .rules
            .iter()
            .map(|(name, rule)| RulePeriod {
                rule: name.to_string(),
                title: rule.title.clone(),
                severity: rule.severity,
                requirements: rule.requirements.clone(),
                held: held(&[name.to_string()]),
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
            "git proves what stood in a commit, not who approved it: approvals are what documents of the estate say".to_owned(),
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
            if of().any(|state| state.is_evaluated) {
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

/// Controls of the organisation, with the rules that they name or that serve their requirements.
fn controls(step: &Step<'_, '_>) -> BTreeMap<String, (String, Vec<String>)> {
    let mut found = BTreeMap::new();
    for declared in step.replay.declared() {
        let Declared::Control(control) = declared else { continue };
        let serves = |rule: &crate::report::RuleInfo| {
            control.rules.iter().any(|name| **name == *rule.name)
                || (control.rules.is_empty()
                    && rule.requirements.iter().any(|one| control.requirements.contains(one)))
        };
        let rules: Vec<String> =
            step.report.rules.iter().filter(|rule| serves(rule)).map(|rule| rule.name.to_string()).collect();
        if !rules.is_empty() {
            found.insert(control.identity.to_string(), (control.requirements.join(", "), rules));
        }
    }
    found
}

fn said(problem: &Problem) -> (&'static str, String) {
    let place = problem.location.as_ref().map(|location| format!("{}: ", location.file));
    (problem.code.name(), format!("{}{}", place.unwrap_or_default(), problem.message))
}

fn place(location: &crate::finding::Location) -> String {
    format!("{}:{}", location.file, location.line)
}

/// SHA-256 of the list, one line a resource, as in reports.
fn digest(population: &[Identity]) -> String {
    let mut lines: Vec<String> = population.iter().map(population_line).collect();
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    for line in lines {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digest}")
}

fn seconds_of(moment: &Moment) -> i64 {
    moment.nanoseconds().map_or(0, |nanoseconds| nanoseconds.div_euclid(1_000_000_000))
}
