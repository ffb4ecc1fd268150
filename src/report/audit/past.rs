//! What a report knows of the time before: since when its findings hold, and what held for how long.
//!
//! Lookups over an [`Audit`] that every format shares; they work out nothing that the period and the births do not say.

use std::collections::{BTreeMap, HashMap};

use super::Audit;
use crate::finding::{Finding, Fingerprint, Status};
use crate::outcome::RequirementOutcome;
use crate::report::word::plural;
use crate::report::{Birth, Blame, Deviation, GroupPeriod, Period, RulePeriod};

/// Since when findings hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Births {
    /// Nobody asked.
    NotAsked,
    /// Policies from elsewhere judge, and births follow those of each commit.
    Elsewhere,
    /// By the history of the commit.
    Known(Blame),
}

impl Births {
    /// What is known, or why nothing is, in a fragment.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotAsked => "not worked out, since nobody asked for them (--births)".to_owned(),
            Self::Elsewhere => {
                "not worked out, since they follow the policies of each commit, and others judge here"
                    .to_owned()
            }
            Self::Known(blame) => {
                let commits = plural(blame.commits, "commit");
                let is_due = blame.findings.iter().any(|birth| birth.due.is_some());
                let due = if is_due || blame.findings.is_empty() {
                    ""
                } else {
                    "; nothing is due, since no RemediationPolicy names a time for any of them"
                };
                format!("from {commits}, each judged by its own policies as of its day{due}")
            }
        }
    }

    /// What must be known to read them.
    pub(super) fn notes(&self) -> &[String] {
        match self {
            Self::Known(blame) => &blame.notes,
            Self::NotAsked | Self::Elsewhere => &[],
        }
    }

    /// Those of a period, and then what births say besides.
    pub(super) fn notes_with<'n>(&'n self, period: &'n Period) -> impl Iterator<Item = &'n String> {
        let besides = self.notes().iter().filter(|note| !period.notes.contains(note));
        period.notes.iter().chain(besides)
    }

    pub(super) fn known(&self) -> Option<&Blame> {
        match self {
            Self::Known(blame) => Some(blame),
            Self::NotAsked | Self::Elsewhere => None,
        }
    }
}

/// Since when a finding holds without a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since<'a> {
    /// The day.
    pub(super) date: &'a str,
    /// Whether it was there when what is known begins, so that it may be older.
    pub(super) is_before: bool,
    /// Its birth, if these were worked out; else only the period is known.
    pub(super) birth: Option<&'a Birth>,
    /// Seconds since 1970.
    pub(super) seconds: i64,
}

impl Since<'_> {
    /// `2026-03-02`, `before 2026-01-01`.
    pub(super) fn text(&self) -> String {
        if self.is_before { format!("before {}", self.date) } else { self.date.to_owned() }
    }
}

/// The oldest finding that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Oldest<'a> {
    pub(super) rule: &'a str,
    pub(super) finding: &'a Finding,
    pub(super) print: &'a Fingerprint,
    pub(super) since: Since<'a>,
}

impl Oldest<'_> {
    /// `plain-store on DataStore/b, since 2026-03-02`.
    pub(super) fn text(&self) -> String {
        format!("{} on {}, since {}", self.rule, self.finding.resource.identity, self.since.text())
    }
}

/// What is known of the time before, by name.
pub(super) struct Past<'a> {
    pub(super) audit: &'a Audit,
    births: HashMap<(&'a str, &'a str), &'a Birth>,
    deviations: HashMap<(&'a str, &'a str), Vec<&'a Deviation>>,
    requirements: HashMap<&'a str, &'a GroupPeriod>,
    controls: HashMap<&'a str, &'a GroupPeriod>,
    rules: HashMap<&'a str, &'a RulePeriod>,
    oldest: BTreeMap<u32, Oldest<'a>>,
}

impl<'a> Past<'a> {
    pub(super) fn new(audit: &'a Audit) -> Self {
        let births = audit.births.known().into_iter().flat_map(|blame| &blame.findings);
        let period = audit.period.as_ref();
        let mut deviations: HashMap<(&str, &str), Vec<&Deviation>> = HashMap::new();
        for each in period.into_iter().flat_map(|period| &period.deviations) {
            deviations.entry((&each.rule, &each.fingerprint)).or_default().push(each);
        }
        let groups = |list: &'a [GroupPeriod]| list.iter().map(|each| (each.id.as_str(), each)).collect();
        let mut past = Self {
            audit,
            births: births.map(|birth| ((birth.rule.as_str(), birth.fingerprint.as_str()), birth)).collect(),
            deviations,
            requirements: groups(period.map_or(&[], |period| &period.requirements)),
            controls: groups(period.map_or(&[], |period| &period.controls)),
            rules: period
                .into_iter()
                .flat_map(|period| &period.rules)
                .map(|each| (each.rule.as_str(), each))
                .collect(),
            oldest: BTreeMap::new(),
        };
        for (finding, print, _) in audit.report.all_findings() {
            let Some(rule) = audit.report.rule(finding).filter(|_| finding.status == Status::Fail) else {
                continue;
            };
            let Some(since) = past.since(&rule.name, print) else { continue };
            let is_older =
                past.oldest.get(&finding.rule).is_none_or(|known| since.seconds < known.since.seconds);
            if is_older {
                past.oldest.insert(finding.rule, Oldest { rule: &rule.name, finding, print, since });
            }
        }
        past
    }

    /// Since when a finding holds; none if that is not known.
    pub(super) fn since(&self, rule: &str, print: &Fingerprint) -> Option<Since<'a>> {
        let print = print.to_string();
        let key = (rule, print.as_str());
        if let Some(birth) = self.births.get(&key) {
            let (date, is_before) = (birth.since.date.as_str(), birth.since_before);
            return Some(Since { date, is_before, birth: Some(birth), seconds: birth.since.seconds });
        }
        let open = self.deviations.get(&key)?.iter().find(|each| each.to.is_none())?;
        Some(Since {
            date: &open.from.date,
            is_before: open.since_before,
            birth: None,
            seconds: open.from.seconds,
        })
    }

    /// The oldest finding of a requirement that counts; none if there is none, or nothing is known of the time before.
    pub(super) fn oldest(&self, requirement: &RequirementOutcome) -> Option<&Oldest<'a>> {
        let all = requirement.rules.iter().filter_map(|rule| self.oldest.get(rule));
        all.min_by_key(|oldest| (oldest.since.seconds, oldest.rule))
    }

    /// A requirement over the period.
    pub(super) fn requirement(&self, framework: &str, id: &str) -> Option<&'a GroupPeriod> {
        self.requirements.get(format!("{framework}:{id}").as_str()).copied()
    }

    /// A control over the period.
    pub(super) fn control(&self, name: &str) -> Option<&'a GroupPeriod> {
        self.controls.get(name).copied()
    }

    /// A rule over the period.
    pub(super) fn rule(&self, name: &str) -> Option<&'a RulePeriod> {
        self.rules.get(name).copied()
    }
}

/// `12 days`, of a birth; since the beginning of history at least so many.
pub(super) fn age(birth: &Birth) -> String {
    let days = plural(birth.age_days.unsigned_abs(), "day");
    if birth.since_before { format!("at least {days}") } else { days }
}

/// Who brought it and why, in a line: `resource-changed by 1660c308b243, David Murphy: Turn off …`.
pub(super) fn origin(birth: &Birth) -> String {
    let id = |commit: &str| commit.get(..12).unwrap_or(commit).to_owned();
    let subject = birth.subject.as_deref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    let word = if birth.since.commit.is_some() { "with" } else { "while in force:" };
    let by = format!("{word} {}, {}: {}", id(&birth.by.commit), birth.by.name, birth.by.subject);
    let through = birth.through.as_ref().map(|through| {
        format!("; merged from {}, {}: {}", id(&through.commit), through.name, through.subject)
    });
    format!("{}{subject} {by}{}", birth.cause, through.unwrap_or_default())
}

/// What a birth says beside its day: how often it came back, when it is due.
pub(super) fn urgency(birth: &Birth) -> Vec<String> {
    let mut said = Vec::new();
    match birth.reopened {
        0 => {}
        1 => said.push("had come and gone once before".to_owned()),
        times => said.push(format!("had come and gone {times} times before")),
    }
    if let Some(due) = &birth.due {
        said.push(if birth.is_overdue { format!("was due {due}") } else { format!("due {due}") });
    }
    said
}
