//! What a run has to say, and how each format says it: one file a format.
//!
//! Input: a [`Report`] of plain values, sorted. Output: text. What it does not do: it computes no verdict and
//! reads no files; the snippets of the human format come through a function that it is given.

mod audit;
mod baseline;
mod blame;
mod comparison;
mod coverage;
mod csv;
mod escape;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod line_hash;
mod markdown;
mod masked;
mod ownership;
mod period;
mod period_approval;
mod sarif;
mod summary;
mod word;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

pub use self::csv::write_csv;
pub use audit::{
    Audit, Births, OSCAL_FILES, limits_of, write_audit_csv, write_audit_html, write_audit_json,
    write_audit_markdown, write_audit_oscal, write_audit_xlsx,
};
pub use baseline::write_baseline;
pub use blame::{Author, Birth, Blame};
pub use comparison::{
    Cause, ChangeSort, Comparison, Event, FieldChange, FindingChange, Fixed, GateChange, GateEffect,
    GateSort, ResourceChange, Side, State,
};
pub use coverage::{Coverage, CoveredPlace, Hits, RuleCoverage};
pub use escape::for_terminal;
pub use github::{write_github, write_job_summary};
pub use gitlab::write_gitlab;
pub use human::{GroupBy, Human, render_problems};
pub use json::{write_json, write_jsonl};
pub use junit::write_junit;
pub use markdown::write_markdown;
pub use ownership::Ownership;
pub use period::{
    ChangeEvent, Deviation, GateEvent, GroupPeriod, Held, Mark, Period, Phase, PopulationChange, RulePeriod,
    Sample, Stretch, Unchecked, WaiverPeriod, WaiverStretch, Week,
};
pub use period_approval::{Approval, ApprovalFile, ApprovalState, CommitApproval, GivenApproval};
pub use sarif::write_sarif;
pub use summary::write_summary;

use crate::evaluate::Tally;
use crate::finding::{Finding, Fingerprint, Location, Severity, Status};
use crate::load::{Revision, Skipped};
use crate::policy::{Absence, NotSelected, PolicyDigest, Roles};
use crate::problem::Problem;
use crate::waive::{BaselineOutcome, WaiverOutcome};

/// Everything that a `check` says, in its final order.
#[derive(Debug)]
pub struct Report {
    /// The inputs of the run.
    pub run: RunInfo,
    /// The rules that took part, in the order of their names; findings name them by index.
    pub rules: Vec<RuleInfo>,
    /// Findings, ordered by place, rule and key; none where they wait on disk.
    pub findings: Vec<Finding>,
    /// Findings that are too many for memory.
    pub spooled: Option<Spooled>,
    /// The fingerprint of each finding.
    pub fingerprints: Vec<Fingerprint>,
    /// Problems, ordered by place, code and message.
    pub problems: Vec<Problem>,
    /// Rules that did not take part, or do not bind, in the order of their names.
    pub not_selected: Vec<NotSelected>,
    /// Files that are listed and not evaluated.
    pub skipped: Vec<Skipped>,
    /// What became of each waiver.
    pub waivers: Vec<WaiverOutcome>,
    /// What became of the baseline; none where there is none.
    pub baseline: Option<BaselineOutcome>,
    /// Whose findings these are.
    pub ownership: Ownership,
    /// What was seen.
    pub counts: Counts,
    /// Where values stand that no snippet may show, in the order of their places.
    pub masked: Vec<Location>,
    /// How it differs from another run; none for a run by itself.
    pub comparison: Option<Comparison>,
}

/// What becomes of one finding after another.
pub type Show<'s> = dyn FnMut(&Finding, &Fingerprint, Option<&FindingChange>) -> io::Result<()> + 's;

/// Findings that wait on disk.
pub trait Waiting: std::fmt::Debug + Send + Sync {
    /// Shows each finding, in order.
    ///
    /// # Errors
    /// Those of reading them again, and of `show`.
    fn each(&self, show: &mut Show<'_>) -> io::Result<()>;
}

/// The findings of a run that are not kept in memory: only formats that write one after the other can show them.
#[derive(Debug)]
pub struct Spooled {
    /// The findings.
    pub findings: Box<dyn Waiting>,
    /// How many there are, by rule and status.
    pub counts: Vec<StatusCounts>,
}

/// How many findings of each status there are, in the order of [`Status`].
pub type StatusCounts = [u64; 4];

fn of_status(counts: &StatusCounts, status: Status) -> u64 {
    counts.get(status as usize).copied().unwrap_or_default()
}

/// Counts findings by rule and status.
pub fn count_findings<'f>(findings: impl IntoIterator<Item = &'f Finding>, counts: &mut [StatusCounts]) {
    for finding in findings {
        let of_rule = counts.get_mut(finding.rule as usize);
        if let Some(count) = of_rule.and_then(|counts| counts.get_mut(finding.status as usize)) {
            *count += 1;
        }
    }
}

/// Gives the text of a file, read again for what formats quote of it; and its absolute path, for links.
pub type Sources<'s> = dyn FnMut(&str) -> Option<(String, String)> + 's;

/// The inputs of a run. No wall time, host or absolute path.
#[derive(Clone, Debug, Default)]
pub struct RunInfo {
    /// Version of the program.
    pub version: &'static str,
    /// The clock of the run: a date, or a date and time with offset.
    pub as_of: String,
    /// The configuration, from the top of the repository.
    pub config: Option<String>,
    /// Threshold of exit code 1; none: findings never fail the run.
    pub fail_on: Option<Severity>,
    /// The most open findings of a severity with which the run does not fail.
    pub max: BTreeMap<Severity, u64>,
    /// Whether a run that evaluates nothing is all right.
    pub allow_empty: bool,
    /// The commit that was judged; none: a work tree, as it stood.
    pub estate: Option<Revision>,
    /// The roles of the estate's organizations.
    pub roles: Roles,
    /// What it was judged by.
    pub policies: PolicyOrigin,
}

/// How many open findings of a severity a run may have without failing: what its budget says, whatever the threshold;
/// without a budget none from the threshold upwards, and any number below. Without a threshold findings never fail a run.
pub fn allowed(fail_on: Option<Severity>, max: &BTreeMap<Severity, u64>, severity: Severity) -> u64 {
    match (fail_on, max.get(&severity)) {
        (Some(_), Some(most)) => *most,
        (Some(threshold), None) if severity >= threshold => 0,
        (Some(_), None) | (None, _) => u64::MAX,
    }
}

/// Where rules, kinds, frameworks, waivers and the configuration came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyOrigin {
    /// Whether that is another place than the estate.
    pub is_elsewhere: bool,
    /// The commit; none: a folder, as it stood.
    pub revision: Option<Revision>,
    /// What was read of them, the waivers left out.
    pub digest: PolicyDigest,
}

/// A rule as reports show it.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// Its name.
    pub name: Arc<str>,
    /// What should be so.
    pub title: String,
    /// How bad a finding is, as configured.
    pub severity: Severity,
    /// Why the rule exists.
    pub rationale: String,
    /// What to do.
    pub remediation: String,
    /// `<framework>:<requirement>`.
    pub requirements: Vec<String>,
    /// Likewise, of frameworks that have no catalogue here: nobody has checked that they exist.
    pub related: Vec<String>,
    /// What became of the resources that it matched.
    pub tally: Tally,
}

/// What a run has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Resources, by kind as rules write it.
    pub kinds: BTreeMap<String, u64>,
    /// Documents that are no resources.
    pub other_documents: u64,
    /// Files that do not parse and show no sign of a resource.
    pub other_files: u64,
    /// Pairs of resource and rule that were evaluated.
    pub pairs: u64,
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.other_documents += other.other_documents;
        self.other_files += other.other_files;
        self.pairs += other.pairs;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }

    /// Resources of all kinds.
    pub fn resources(&self) -> u64 {
        self.kinds.values().sum()
    }
}

/// What a framework has to do with a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameworkSummary {
    /// Rules that took part and cite it.
    pub rules: u64,
    /// Findings of those rules.
    pub findings: u64,
    /// Requirements that a rule which took part cites.
    pub requirements: u64,
    /// Of these, the ones with a finding.
    pub requirements_with_findings: u64,
}

impl Report {
    /// Number of findings of each rule and status.
    fn counts(&self) -> Cow<'_, [StatusCounts]> {
        if let Some(spooled) = &self.spooled {
            return Cow::Borrowed(&spooled.counts);
        }
        let mut counts = vec![StatusCounts::default(); self.rules.len()];
        count_findings(&self.findings, &mut counts);
        Cow::Owned(counts)
    }

    /// Number of findings of a status.
    pub fn count(&self, status: Status) -> u64 {
        self.counts().iter().map(|counts| of_status(counts, status)).sum()
    }

    /// Number of findings that count, of each severity, worst first; severities without findings have 0.
    pub fn by_severity(&self) -> Vec<(Severity, u64)> {
        self.weigh(&self.counts())
    }

    /// The same of findings that are not known to have been there before.
    pub fn new_by_severity(&self) -> Vec<(Severity, u64)> {
        if self.comparison.is_none() {
            return self.by_severity();
        }
        let mut counts = vec![StatusCounts::default(); self.rules.len()];
        count_findings(self.new_findings().map(|(finding, _)| finding), &mut counts);
        self.weigh(&counts)
    }

    /// How many of them count, of each severity, worst first.
    fn weigh(&self, counts: &[StatusCounts]) -> Vec<(Severity, u64)> {
        let count = |severity| {
            let rules = self.rules.iter().zip(counts).filter(|(rule, _)| rule.severity == severity);
            rules.map(|(_, counts)| of_status(counts, Status::Fail)).sum()
        };
        Severity::ALL.into_iter().map(|severity| (severity, count(severity))).collect()
    }

    /// The rule of a finding.
    pub fn rule(&self, finding: &Finding) -> Option<&RuleInfo> {
        self.rules.get(finding.rule as usize)
    }

    /// The rules that are for roles which the estate does not have, in the order of their names.
    pub fn not_by_role(&self) -> impl Iterator<Item = &NotSelected> {
        self.not_selected.iter().filter(|rule| rule.absence == Absence::NotByRole)
    }

    /// A summary for each framework that a rule of the run cites.
    pub fn by_framework(&self) -> BTreeMap<String, FrameworkSummary> {
        let counts = self.counts();
        let findings = counts.iter().map(|counts| of_status(counts, Status::Fail));
        let mut summaries: BTreeMap<String, FrameworkSummary> = BTreeMap::new();
        let mut requirements: BTreeMap<&str, bool> = BTreeMap::new();
        for (rule, count) in self.rules.iter().zip(findings) {
            let mut cited: Vec<&str> = Vec::new();
            for requirement in &rule.requirements {
                *requirements.entry(requirement).or_default() |= count > 0;
                cited.extend(requirement.split_once(':').map(|(framework, _)| framework));
            }
            cited.sort_unstable();
            cited.dedup();
            for framework in cited {
                let summary = summaries.entry(framework.to_owned()).or_default();
                summary.rules += 1;
                summary.findings += count;
            }
        }
        for (requirement, has_finding) in requirements {
            let framework = requirement.split_once(':').map_or("", |(framework, _)| framework);
            if let Some(summary) = summaries.get_mut(framework) {
                summary.requirements += 1;
                summary.requirements_with_findings += u64::from(has_finding);
            }
        }
        summaries
    }

    /// Whether the run fails: there are more open findings of a severity than [`allowed`]. In a comparison only a severity
    /// of which there are new ones fails the run; events do by the threshold alone, since they stand nowhere, and so do
    /// the gate's own changes.
    pub fn fails(&self) -> bool {
        if self
            .comparison
            .as_ref()
            .is_some_and(|comparison| comparison.gate.iter().any(|change| change.effect == GateEffect::Fails))
        {
            return true;
        }
        let Some(threshold) = self.run.fail_on else { return false };
        let weight = |finding: &Finding| self.rule(finding).map(|rule| rule.severity);
        let events = self.comparison.iter().flat_map(|comparison| &comparison.events);
        let mut events = events.map(|event| &event.finding).filter(|finding| finding.status == Status::Fail);
        if events.any(|finding| weight(finding).is_some_and(|severity| severity >= threshold)) {
            return true;
        }
        self.by_severity().into_iter().zip(self.new_by_severity()).any(|((severity, open), (_, new))| {
            new > 0 && open > allowed(self.run.fail_on, &self.run.max, severity)
        })
    }

    /// The severities with a budget, worst first: how many findings are open, and how many may be.
    pub fn budgets(&self) -> impl Iterator<Item = (Severity, u64, u64)> {
        let open = self.by_severity().into_iter();
        open.filter_map(|(severity, open)| Some((severity, open, *self.run.max.get(&severity)?)))
    }

    /// Shows each finding with its fingerprint and what became of it, in order, also those that wait on disk.
    ///
    /// # Errors
    /// Those of `show`, and of reading findings again.
    pub fn each_finding(&self, show: &mut Show<'_>) -> io::Result<()> {
        match &self.spooled {
            Some(spooled) => spooled.findings.each(show),
            None => self.all_findings().try_for_each(|(finding, print, change)| show(finding, print, change)),
        }
    }

    /// Findings in memory with their fingerprints and, in a comparison, what became of them since.
    pub fn all_findings(&self) -> impl Iterator<Item = (&Finding, &Fingerprint, Option<&FindingChange>)> {
        let changes = self.comparison.as_ref().map(|comparison| &comparison.changes);
        self.findings
            .iter()
            .zip(&self.fingerprints)
            .enumerate()
            .map(move |(at, (finding, print))| (finding, print, changes.and_then(|changes| changes.get(at))))
    }

    /// Findings that count and are not known to have been there before: without a comparison, all that count.
    pub fn new_findings(&self) -> impl Iterator<Item = (&Finding, &Fingerprint)> {
        let is_new = |change: Option<&FindingChange>| change.is_none_or(|change| change.state == State::New);
        self.all_findings()
            .filter(move |(finding, _, change)| finding.status == Status::Fail && is_new(*change))
            .map(|(finding, print, _)| (finding, print))
    }

    /// Findings that count and were there before; none without a comparison.
    pub fn persisting_findings(&self) -> impl Iterator<Item = &Finding> {
        self.all_findings()
            .filter(|(finding, _, change)| {
                finding.status == Status::Fail
                    && change.is_some_and(|change| change.state == State::Persisting)
            })
            .map(|(finding, _, _)| finding)
    }

    /// Where a problem is shown in formats that demand a file: its own place, else the configuration.
    fn place_of(&self, problem: &Problem) -> Location {
        let config = || self.run.config.as_deref().unwrap_or("assize.yaml");
        problem.location.clone().unwrap_or_else(|| Location::start_of(config()))
    }

    /// Where a change of the gate is shown in formats that demand a file, likewise.
    fn place_of_gate(&self, change: &GateChange) -> Location {
        let config = || self.run.config.as_deref().unwrap_or("assize.yaml");
        change.location.clone().unwrap_or_else(|| Location::start_of(config()))
    }
}
