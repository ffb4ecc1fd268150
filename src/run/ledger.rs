//! What holds at a step of a replay, and what each step changes of it.
//!
//! A step is judged whole, and said in full by its report; what is kept of it is the difference from the step before.
//! Differences are what periods and births are made of, and what a memo on disk keeps, so that a later run over the
//! same history judges only what is new.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::course::changed_groups;
use super::history::{Instant, Step};
use super::replay::Matches;
use crate::finding::{Finding, Fingerprint, Identity, Location, Severity, Status};
use crate::outcome::{Declared, population_line};
use crate::problem::{Code, Problem};
use crate::report::{Report, RuleInfo};
use crate::waive::{WaiverOutcome, WaiverState};

/// A finding over time: its rule, and what tells it from others.
pub(super) type Key = (Arc<str>, Fingerprint);

/// What of a rule counts at a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "four answers that say nothing of each other")]
pub(super) struct RuleState {
    /// Whether it applied to any resource.
    pub(super) is_evaluated: bool,
    /// Whether a finding counts.
    pub(super) is_failing: bool,
    /// Whether a resource could not be judged.
    pub(super) has_errors: bool,
    /// Whether a finding is waived.
    pub(super) is_waived: bool,
}

/// A rule at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RuleFacts {
    pub(super) title: String,
    #[serde(with = "severity")]
    pub(super) severity: Severity,
    pub(super) requirements: Vec<String>,
    pub(super) state: RuleState,
    /// How many resources it applied to, and a number that tells their set from others.
    pub(super) matches: Matches,
    /// SHA-256 of their list.
    pub(super) population: String,
}

/// A control of the organisation: the requirements that it serves, and its rules.
pub(super) type Controls = BTreeMap<String, (String, Vec<String>)>;

/// Who is judged for a requirement or a control.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GroupFacts {
    /// Its rules.
    pub(super) rules: Vec<String>,
    /// How many resources any of them applied to.
    pub(super) count: u64,
    /// SHA-256 of their list.
    pub(super) population: String,
}

/// What a waiver says, and whether it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WaiverFacts {
    pub(super) waiver: String,
    pub(super) rules: Vec<String>,
    pub(super) reason: String,
    #[serde(with = "waiver_state")]
    pub(super) state: WaiverState,
    pub(super) expires: Option<String>,
    pub(super) approved_by: Option<String>,
    pub(super) defects: Vec<String>,
}

/// A finding that a step brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) rule: String,
    #[serde(with = "fingerprint")]
    pub(super) fingerprint: Fingerprint,
    #[serde(with = "severity")]
    pub(super) severity: Severity,
    pub(super) resource: String,
    pub(super) message: String,
    pub(super) place: String,
    #[serde(with = "status")]
    pub(super) status: Status,
    pub(super) exception: Option<String>,
}

/// A finding that has another status than before, or another exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turned {
    pub(super) rule: String,
    #[serde(with = "fingerprint")]
    pub(super) fingerprint: Fingerprint,
    #[serde(with = "status")]
    pub(super) status: Status,
    pub(super) exception: Option<String>,
}

/// A finding that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    pub(super) rule: String,
    #[serde(with = "fingerprint")]
    pub(super) fingerprint: Fingerprint,
}

/// What a rule over changes denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Denied {
    pub(super) rule: String,
    #[serde(with = "severity")]
    pub(super) severity: Severity,
    pub(super) resource: String,
    pub(super) message: String,
    pub(super) place: String,
}

/// A problem as a history tells of it: lines move, so it has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Said {
    #[serde(with = "code")]
    pub(super) code: Code,
    pub(super) message: String,
}

impl Said {
    pub(super) fn of(problem: &Problem) -> Self {
        let place = problem.location.as_ref().map(|location| format!("{}: ", location.file));
        let message = format!("{}{}", place.unwrap_or_default(), problem.message);
        Self { code: problem.code, message }
    }
}

/// What a step changes of what holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Delta {
    /// Whether nothing of the commit could be judged.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) is_unjudged: bool,
    /// The digest of the policies, if it is another one.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) policies: Option<String>,
    /// Titles of requirements that no policies before had.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) titles: Vec<(String, String)>,
    /// Rules that are new, or of which something is.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) rules: Vec<(String, RuleFacts)>,
    /// Rules that take part no more.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) dropped: Vec<String>,
    /// All controls, if they are others.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) controls: Option<Controls>,
    /// Requirements and controls for which others are judged; none, where no rule serves one any more.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) groups: Vec<(String, GroupFacts)>,
    /// All waivers, if they are others.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) waivers: Option<Vec<WaiverFacts>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) opened: Vec<Opened>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) turned: Vec<Turned>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) closed: Vec<Closed>,
    /// Problems that are new.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) problems: Vec<Said>,
    /// Problems that are gone.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) solved: Vec<Said>,
    /// Of the commit's own change.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) events: Vec<Denied>,
    /// What kept rules over changes from it.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) event_problems: Vec<Said>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Delta {
    /// The same without what is said of the change alone.
    pub(super) fn without_events(&self) -> Self {
        Self { events: Vec::new(), event_problems: Vec::new(), ..self.clone() }
    }
}

/// What holds at a step.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    policies: String,
    titles: BTreeSet<String>,
    rules: BTreeMap<String, RuleFacts>,
    controls: Controls,
    groups: BTreeMap<String, GroupFacts>,
    waivers: Vec<WaiverFacts>,
    open: HashMap<Key, (Status, Option<String>)>,
    problems: BTreeSet<Said>,
}

impl Ledger {
    /// Whether all that holds follows from what stands in the commit, on any machine.
    pub(super) fn is_of_content(&self) -> bool {
        self.problems.iter().all(|said| is_of_content(said.code))
    }

    /// What a step changes.
    pub(super) fn delta(&self, step: &Step<'_, '_>) -> Delta {
        let report = &step.report;
        let digest = step.policies.digest.to_string();
        let is_new_policy = self.policies != digest;
        let mut delta = Delta { policies: is_new_policy.then_some(digest), ..Delta::default() };
        if is_new_policy {
            let frameworks = step.policies.rules.frameworks.values();
            let titles = frameworks.flat_map(|framework| {
                let id = |requirement: &str| format!("{}:{requirement}", framework.id);
                framework.requirements.iter().map(move |each| (id(&each.id), each.title.clone()))
            });
            delta.titles = titles.filter(|(id, _)| !self.titles.contains(id)).collect();
        }
        self.see_rules(step, &mut delta);
        let controls = controls(step);
        delta.groups = changed_groups(step, &self.rules, &delta, &controls, &self.groups);
        if controls != self.controls {
            delta.controls = Some(controls);
        }
        let waivers: Vec<WaiverFacts> = report.waivers.iter().map(waiver).collect();
        if waivers != self.waivers {
            delta.waivers = Some(waivers);
        }
        self.see_findings(report, &mut delta);
        self.see_problems(&report.problems, &mut delta);
        let (events, problems) = &step.events;
        delta.event_problems = problems.iter().map(Said::of).collect();
        for event in events {
            let Some(rule) = report.rule(&event.finding) else { continue };
            delta.events.push(Denied {
                rule: rule.name.to_string(),
                severity: rule.severity,
                resource: event.finding.resource.identity.to_string(),
                message: event.finding.message.to_string(),
                place: place(&event.finding.location),
            });
        }
        delta
    }

    /// What a commit changes of which nothing could be judged: what held may hold as well as not.
    pub(super) fn unjudged(&self, problems: &[Problem]) -> Delta {
        let mut delta = Delta { is_unjudged: true, ..Delta::default() };
        self.see_problems(problems, &mut delta);
        delta
    }

    fn see_rules(&self, step: &Step<'_, '_>, delta: &mut Delta) {
        let matches = step.replay.matches();
        // Those that do not bind are in the rule set and not in the report.
        let rules = step.policies.rules.rules.iter().zip(matches).enumerate();
        let mut told = step.report.rules.iter().peekable();
        let mut present = 0;
        for (at, (rule, now)) in rules {
            let Some(info) = told.next_if(|info| info.name == rule.name) else { continue };
            if rule.uses.change {
                continue;
            }
            let known = self.rules.get(&*rule.name);
            present += usize::from(known.is_some());
            let state = state(info);
            let is_same = |known: &&RuleFacts| {
                known.state == state
                    && known.matches == now
                    && known.severity == info.severity
                    && known.title == info.title
                    && known.requirements == info.requirements
            };
            if known.as_ref().is_some_and(is_same) {
                continue;
            }
            let population = if let Some(known) = known.filter(|known| known.matches == now) {
                known.population.clone()
            } else {
                let index = u32::try_from(at).unwrap_or(u32::MAX);
                digest(&step.replay.population(&BTreeSet::from([index])))
            };
            let facts = RuleFacts {
                title: info.title.clone(),
                severity: info.severity,
                requirements: info.requirements.clone(),
                state,
                matches: now,
                population,
            };
            delta.rules.push((rule.name.to_string(), facts));
        }
        if present < self.rules.len() {
            let present: BTreeSet<&str> = step.report.rules.iter().map(|info| &*info.name).collect();
            let dropped = self.rules.keys().filter(|name| !present.contains(name.as_str()));
            delta.dropped = dropped.cloned().collect();
        }
    }

    fn see_findings(&self, report: &Report, delta: &mut Delta) {
        let mut present: HashSet<Key> = HashSet::with_capacity(report.findings.len());
        for (finding, print) in report.findings.iter().zip(&report.fingerprints) {
            let Some(rule) = report.rule(finding) else { continue };
            let key = (Arc::clone(&rule.name), *print);
            let known = self.open.get(&key);
            if !present.insert(key) {
                continue;
            }
            let exception = finding.exception.as_deref();
            match known {
                Some((status, known)) if *status == finding.status && known.as_deref() == exception => {}
                Some(_) => delta.turned.push(Turned {
                    rule: rule.name.to_string(),
                    fingerprint: *print,
                    status: finding.status,
                    exception: exception.map(str::to_owned),
                }),
                None => delta.opened.push(opened(rule, finding, *print)),
            }
        }
        if present.len() < self.open.len() + delta.opened.len() {
            let mut gone: Vec<&Key> = self.open.keys().filter(|key| !present.contains(*key)).collect();
            gone.sort_unstable();
            let closed =
                |(rule, fingerprint): &Key| Closed { rule: rule.to_string(), fingerprint: *fingerprint };
            delta.closed = gone.into_iter().map(closed).collect();
        }
    }

    fn see_problems(&self, problems: &[Problem], delta: &mut Delta) {
        let now: BTreeSet<Said> = problems.iter().map(Said::of).collect();
        delta.solved = self.problems.difference(&now).cloned().collect();
        delta.problems = now.difference(&self.problems).cloned().collect();
    }

    /// Takes in what a step changes.
    pub(super) fn apply(&mut self, delta: &Delta) {
        if let Some(policies) = &delta.policies {
            self.policies.clone_from(policies);
        }
        self.titles.extend(delta.titles.iter().map(|(id, _)| id.clone()));
        for (name, facts) in &delta.rules {
            self.rules.insert(name.clone(), facts.clone());
        }
        for name in &delta.dropped {
            self.rules.remove(name);
        }
        if delta.is_unjudged {
            for rule in self.rules.values_mut() {
                rule.state = unknown(rule.state);
            }
        }
        if let Some(controls) = &delta.controls {
            self.controls.clone_from(controls);
        }
        for (name, facts) in &delta.groups {
            self.groups.insert(name.clone(), facts.clone());
        }
        if let Some(waivers) = &delta.waivers {
            self.waivers.clone_from(waivers);
        }
        for Closed { rule, fingerprint } in &delta.closed {
            self.open.remove(&(rule.as_str().into(), *fingerprint));
        }
        for opened in &delta.opened {
            let key = (opened.rule.as_str().into(), opened.fingerprint);
            self.open.insert(key, (opened.status, opened.exception.clone()));
        }
        for turned in &delta.turned {
            let key = (turned.rule.as_str().into(), turned.fingerprint);
            self.open.insert(key, (turned.status, turned.exception.clone()));
        }
        for said in &delta.solved {
            self.problems.remove(said);
        }
        self.problems.extend(delta.problems.iter().cloned());
    }
}

/// The state of a rule at a commit that could not be judged.
pub(super) fn unknown(state: RuleState) -> RuleState {
    RuleState { is_evaluated: true, has_errors: true, is_failing: state.is_failing, is_waived: false }
}

fn state(rule: &RuleInfo) -> RuleState {
    RuleState {
        is_evaluated: rule.tally.matched > 0,
        is_failing: rule.tally.failed > 0,
        has_errors: rule.tally.errors > 0,
        is_waived: rule.tally.waived > 0,
    }
}

fn waiver(outcome: &WaiverOutcome) -> WaiverFacts {
    WaiverFacts {
        waiver: outcome.identity.to_string(),
        rules: outcome.rules.clone(),
        reason: outcome.reason.clone(),
        state: outcome.state,
        expires: outcome.expires.clone(),
        approved_by: outcome.approved_by.clone(),
        defects: outcome.defects.clone(),
    }
}

fn opened(rule: &RuleInfo, finding: &Finding, fingerprint: Fingerprint) -> Opened {
    Opened {
        rule: rule.name.to_string(),
        fingerprint,
        severity: rule.severity,
        resource: finding.resource.identity.to_string(),
        message: finding.message.to_string(),
        place: place(&finding.location),
        status: finding.status,
        exception: finding.exception.as_deref().map(str::to_owned),
    }
}

/// Controls of the organisation, with the rules that they name or that serve their requirements.
fn controls(step: &Step<'_, '_>) -> Controls {
    let mut found = BTreeMap::new();
    for declared in step.replay.declared() {
        let Declared::Control(control) = declared else { continue };
        let serves = |rule: &RuleInfo| {
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

pub(super) fn place(location: &Location) -> String {
    format!("{}:{}", location.file, location.line)
}

/// SHA-256 of the list, one line a resource, as in reports.
pub(super) fn digest(population: &[Identity]) -> String {
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

/// What tells one step from all others: the step before, and itself. What lies between two commits follows from their
/// contents alone, whatever came before.
pub(super) fn step_key(commit: &str, instant: &Instant, before: Option<(&str, &Instant)>) -> [u8; 16] {
    let (former, former_day) = before.map_or(("", ""), |(commit, instant)| (commit, instant.day.text()));
    Fingerprint::of(&["step", former, former_day, commit, instant.day.text()]).bytes()
}

/// Whether a problem follows from what stands in a commit, and not from the machine or the clone.
fn is_of_content(code: Code) -> bool {
    match code {
        Code::FileChanged
        | Code::UnreadableFile
        | Code::UnreadableFolder
        | Code::MissingObject
        | Code::NotAFile
        | Code::OutsideRoot
        | Code::RulePanicked
        | Code::RuleFailed
        | Code::InternalError => false,
        Code::InvalidYaml
        | Code::InvalidEncoding
        | Code::ControlCharacter
        | Code::DuplicateKey
        | Code::UnsupportedTag
        | Code::UnsupportedKey
        | Code::NumberOutOfRange
        | Code::InvalidMerge
        | Code::RecursiveAlias
        | Code::AliasBudget
        | Code::TooDeep
        | Code::TooManyNodes
        | Code::TooManyDocuments
        | Code::FileTooLarge
        | Code::LfsPointer
        | Code::PathNotUtf8
        | Code::Undecided
        | Code::InvalidResource
        | Code::InvalidIdentity
        | Code::UnknownKind
        | Code::DuplicateResource
        | Code::InvalidRule
        | Code::DuplicateRule
        | Code::MisplacedRule
        | Code::UnknownRequirement
        | Code::SupersededRequirement
        | Code::UnknownFramework
        | Code::UnknownRule
        | Code::InvalidFramework
        | Code::InvalidKindSchema
        | Code::InvalidConfiguration
        | Code::UnmatchedGlob
        | Code::InvalidWaiver
        | Code::InvalidBaseline
        | Code::InvalidApprovals
        | Code::InvalidCodeowners
        | Code::InvalidIgnore
        | Code::NothingEvaluated => true,
    }
}

/// Words of ours, written by name.
macro_rules! by_name {
    ($($module:ident $type:ty: $all:expr;)*) => {$(
        mod $module {
            use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
            use super::*;

            pub(super) fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(value.name())
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                let all: &[$type] = $all;
                let found = all.iter().copied().find(|each| each.name() == text);
                found.ok_or_else(|| D::Error::custom(format_args!("{text:?} is no word of its list")))
            }
        }
    )*};
}

by_name! {
    severity Severity: &Severity::ALL;
    status Status: &[Status::Fail, Status::Baselined, Status::Waived, Status::Suppressed];
    code Code: Code::ALL;
    waiver_state WaiverState: &[WaiverState::InForce, WaiverState::Unverified, WaiverState::Void];
}

mod fingerprint {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::finding::Fingerprint;

    pub(super) fn serialize<S: Serializer>(value: &Fingerprint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Fingerprint::parse(&text).ok_or_else(|| D::Error::custom(format_args!("{text:?} is no fingerprint")))
    }
}
