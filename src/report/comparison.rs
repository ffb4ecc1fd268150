//! What a run says beside another one: which findings are new, which are gone, why, and what the change does to
//! the resources and to the gate itself.
//!
//! Plain values that every format shows; they are worked out elsewhere.

use crate::finding::{Finding, Fingerprint, Identity, Location};
use crate::problem::Problem;

/// How the run of a report differs from that of a base.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// What is compared with.
    pub base: Side,
    /// What the report is about.
    pub head: Side,
    /// What became of each finding of the report, in the same order; as long as `Report::findings`.
    pub changes: Vec<FindingChange>,
    /// Findings of the base that are no more, in the order of their places there.
    pub fixed: Vec<Fixed>,
    /// What rules over changes found: neither fixed nor persisting.
    pub events: Vec<Event>,
    /// Resources that differ, in the order of their identities.
    pub resources: Vec<ResourceChange>,
    /// What the change does to the rules, waivers and configuration that judge it.
    pub gate: Vec<GateChange>,
    /// Problems that the base has as well; the report's own are those that came.
    pub old_problems: Vec<Problem>,
}

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// As the user or the program calls it: `main`, `HEAD~2`, `work tree`.
    pub name: String,
    /// The commit, in full; none for a work tree.
    pub commit: Option<String>,
}

/// Whether a finding was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It was not.
    New,
    /// It was.
    Persisting,
}

impl State {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Persisting => "persisting",
        }
    }
}

/// What became of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingChange {
    /// Whether it was there before.
    pub state: State,
    /// Why it is new; none for one that persists.
    pub cause: Option<Cause>,
}

/// A finding of the base that is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// As it was in the base; its rule is an index into the rules of the report.
    pub finding: Finding,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Why it is gone.
    pub cause: Option<Cause>,
}

/// A finding of a rule over changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The finding; its rule is an index into the rules of the report.
    pub finding: Finding,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// Why a finding came or went.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The resource changed.
    ResourceChanged,
    /// A resource that it reaches changed.
    ReachedChanged {
        /// Which one.
        resource: Identity,
        /// The line that changed, where there is one.
        location: Option<Location>,
    },
    /// The rule changed.
    RuleChanged,
    /// A waiver, by its name, came into force.
    WaiverCame(String),
    /// A waiver, by its name, lapsed.
    WaiverLapsed(String),
    /// A waiver, by its name, is no more.
    WaiverWent(String),
    /// The roles of the estate's organizations changed, and with them whether the rule binds.
    RolesChanged(Option<Location>),
    /// Nothing changed but the date.
    ClockPassed,
    /// Something else in the estate changed: a file that it names, or a resource that no reference leads to.
    EstateChanged,
}

impl Cause {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ResourceChanged => "resource-changed",
            Self::ReachedChanged { .. } => "reached-changed",
            Self::RuleChanged => "rule-changed",
            Self::WaiverCame(_) => "waiver-came",
            Self::WaiverLapsed(_) => "waiver-lapsed",
            Self::WaiverWent(_) => "waiver-went",
            Self::RolesChanged(_) => "roles-changed",
            Self::ClockPassed => "clock-passed",
            Self::EstateChanged => "estate-changed",
        }
    }

    /// Who or what it is about, beside the finding's own resource.
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::ReachedChanged { resource, .. } => Some(resource.to_string()),
            Self::WaiverCame(name) | Self::WaiverLapsed(name) | Self::WaiverWent(name) => Some(name.clone()),
            Self::ResourceChanged
            | Self::RuleChanged
            | Self::RolesChanged(_)
            | Self::ClockPassed
            | Self::EstateChanged => None,
        }
    }

    /// A lower-case sentence without its stop.
    pub fn sentence(&self) -> String {
        match self {
            Self::ResourceChanged => "the resource changed".to_owned(),
            Self::ReachedChanged { resource, .. } => format!("{resource} changed, which it reaches"),
            Self::RuleChanged => "the rule changed".to_owned(),
            Self::WaiverCame(name) => format!("{name} came into force"),
            Self::WaiverLapsed(name) => format!("{name} lapsed"),
            Self::WaiverWent(name) => format!("{name} is no more"),
            Self::RolesChanged(_) => "the roles of the organizations changed".to_owned(),
            Self::ClockPassed => "a date passed".to_owned(),
            Self::EstateChanged => "something around it changed".to_owned(),
        }
    }

    /// The line that changed in another resource.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::ReachedChanged { location, .. } | Self::RolesChanged(location) => location.as_ref(),
            _ => None,
        }
    }
}

/// A resource that differs between the sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    /// Who it is: in the head, or in the base if it was removed.
    pub identity: Identity,
    /// What happened to it.
    pub sort: ChangeSort,
    /// Where its identity is written, in the head or in the base likewise.
    pub location: Option<Location>,
    /// Fields that differ; none for what was added or removed.
    pub fields: Vec<FieldChange>,
}

/// What happened to a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeSort {
    /// It is new.
    Added,
    /// It is no more.
    Removed,
    /// It had another identity; its fields may differ as well.
    Renamed {
        /// The identity that it had.
        from: Identity,
    },
    /// Its fields differ.
    Changed,
}

impl ChangeSort {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed { .. } => "renamed",
            Self::Changed => "changed",
        }
    }
}

/// A field that differs. Whoever makes one of a sensitive field puts [`crate::finding::MASK`] for its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The place, as `spec.ports[0]`.
    pub path: String,
    /// The value in the base, as text; none if there was none.
    pub old: Option<String>,
    /// The value in the head, as text; none if there is none.
    pub new: Option<String>,
}

/// Something that the change does to its own gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateChange {
    /// What is done.
    pub sort: GateSort,
    /// The rule, waiver, setting or person that it is done to.
    pub name: String,
    /// What it was.
    pub from: Option<String>,
    /// What it becomes.
    pub to: Option<String>,
    /// Where that is written in the head, or was in the base.
    pub location: Option<Location>,
    /// What comes of it.
    pub effect: GateEffect,
}

/// How a change can weaken the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateSort {
    /// A rule no longer takes part.
    RuleOff,
    /// A rule says something else.
    RuleChanged,
    /// A finding of a rule weighs less.
    SeverityLowered,
    /// Less of the estate is checked, or a rule matches less.
    ScopeNarrowed,
    /// It takes more for a run to fail.
    ThresholdRaised,
    /// There is another waiver, or one covers more.
    WaiverAdded,
    /// There is another ignore in a comment.
    IgnoreAdded,
    /// The baseline holds another finding.
    BaselineAdded,
    /// Somebody else may approve.
    ApproverAdded,
    /// Another setting that judges the change.
    SettingChanged,
}

impl GateSort {
    /// Every sort.
    pub const ALL: [Self; 10] = [
        Self::RuleOff,
        Self::RuleChanged,
        Self::SeverityLowered,
        Self::ScopeNarrowed,
        Self::ThresholdRaised,
        Self::WaiverAdded,
        Self::IgnoreAdded,
        Self::BaselineAdded,
        Self::ApproverAdded,
        Self::SettingChanged,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RuleOff => "rule-off",
            Self::RuleChanged => "rule-changed",
            Self::SeverityLowered => "severity-lowered",
            Self::ScopeNarrowed => "scope-narrowed",
            Self::ThresholdRaised => "threshold-raised",
            Self::WaiverAdded => "waiver-added",
            Self::IgnoreAdded => "ignore-added",
            Self::BaselineAdded => "baseline-added",
            Self::ApproverAdded => "approver-added",
            Self::SettingChanged => "setting-changed",
        }
    }

    /// What happens to the thing named.
    fn verb(self) -> &'static str {
        match self {
            Self::RuleOff => "is turned off",
            Self::RuleChanged | Self::SettingChanged => "is changed",
            Self::SeverityLowered => "weighs less",
            Self::ScopeNarrowed => "covers less",
            Self::ThresholdRaised => "takes more to fail",
            Self::WaiverAdded | Self::IgnoreAdded => "is added",
            Self::BaselineAdded => "holds more",
            Self::ApproverAdded => "may now approve",
        }
    }
}

/// What comes of a change to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateEffect {
    /// The run fails.
    Fails,
    /// It has no effect on this run, which is judged by the base; it counts once it is merged.
    CountsOnceMerged,
    /// It is told, and no more.
    Noted,
}

impl GateEffect {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::CountsOnceMerged => "counts-once-merged",
            Self::Noted => "noted",
        }
    }

    /// How a person reads it.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Fails => "fails the run",
            Self::CountsOnceMerged => "counts once merged",
            Self::Noted => "told only",
        }
    }
}

impl GateChange {
    /// What tells it from every other one.
    pub fn fingerprint(&self) -> Fingerprint {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        Fingerprint::of(&["gate", self.sort.name(), &self.name, &part(&self.from), &part(&self.to)])
    }

    /// A lower-case sentence without its stop: `weak-key is turned off, was high (fails the run)`.
    pub fn sentence(&self) -> String {
        let values = match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!(", from {from} to {to}"),
            (Some(from), None) => format!(", was {from}"),
            (None, Some(to)) => format!(", now {to}"),
            (None, None) => String::new(),
        };
        format!("{} {}{values} ({})", self.name, self.sort.verb(), self.effect.sentence())
    }
}

impl ResourceChange {
    /// `DataStore/a changed`, `DataStore/b renamed, was DataStore/a`.
    pub fn sentence(&self) -> String {
        match &self.sort {
            ChangeSort::Renamed { from } => format!("{} renamed, was {from}", self.identity),
            sort => format!("{} {}", self.identity, sort.name()),
        }
    }
}

impl FieldChange {
    /// `spec.classification: restricted -> internal`.
    pub fn sentence(&self) -> String {
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        format!("{}: {} -> {}", self.path, word(&self.old), word(&self.new))
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.commit {
            Some(commit) if *commit != self.name => {
                write!(formatter, "{} ({})", self.name, commit.get(..12).unwrap_or(commit))
            }
            _ => formatter.write_str(&self.name),
        }
    }
}
