//! What a reader of the state at the end alone would miss of a period: deviations that came and went, waivers that lapsed or
//! were prolonged, changes that a rule denies, a gate that became weaker, stretches in which nothing could be judged.
//!
//! Input: an audit over a period. Output: remarks in a fixed order, which every format shows. What it does not do: it says
//! of nothing how bad it is beyond the severity of its rule.

use std::collections::{BTreeMap, BTreeSet};

use super::Audit;
use crate::date::Moment;
use crate::report::period::{DAY, percent};
use crate::report::word::plural;
use crate::report::{Deviation, GroupPeriod, Period};

/// What a remark is about, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Overdue,
    OpenThroughout,
    CameAndWent,
    CameBack,
    OutOfWaiver,
    IntoWaiver,
    WaiverChanged,
    ChangeDenied,
    GateChanged,
    ApprovalUnproven,
    NothingDeclared,
    NotJudged,
}

impl Sort {
    pub(super) const ALL: [Self; 12] = [
        Self::Overdue,
        Self::OpenThroughout,
        Self::CameAndWent,
        Self::CameBack,
        Self::OutOfWaiver,
        Self::IntoWaiver,
        Self::WaiverChanged,
        Self::ChangeDenied,
        Self::GateChanged,
        Self::ApprovalUnproven,
        Self::NothingDeclared,
        Self::NotJudged,
    ];

    /// The word for programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::OpenThroughout => "open-throughout",
            Self::CameAndWent => "came-and-went",
            Self::CameBack => "came-back",
            Self::OutOfWaiver => "out-of-waiver",
            Self::IntoWaiver => "into-waiver",
            Self::WaiverChanged => "waiver-changed",
            Self::ChangeDenied => "change-denied",
            Self::GateChanged => "gate-changed",
            Self::ApprovalUnproven => "approval-unproven",
            Self::NothingDeclared => "nothing-declared",
            Self::NotJudged => "not-judged",
        }
    }

    /// The words for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overdue => "Open beyond their due date",
            Self::OpenThroughout => "Open from the beginning to the end",
            Self::CameAndWent => "Came and went",
            Self::CameBack => "Came back",
            Self::OutOfWaiver => "Waivers that ended while the finding stayed",
            Self::IntoWaiver => "Waived after it had counted",
            Self::WaiverChanged => "Waivers that changed",
            Self::ChangeDenied => "Changes that a rule denies",
            Self::GateChanged => "Changes of what judges",
            Self::ApprovalUnproven => {
                "Changes of what judges or waives that nobody is proven to have approved"
            }
            Self::NothingDeclared => "Nothing declared for a time",
            Self::NotJudged => "Not judged for a time",
        }
    }

    /// What it means.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Overdue => "A remediation policy of the estate names a day, and it has passed.",
            Self::OpenThroughout => {
                "The finding was there when the period, or its history, began, and it counted until the end."
            }
            Self::CameAndWent => {
                "The finding counted within the period and is gone at its end, so that no state at the end shows it."
            }
            Self::CameBack => "The same finding was gone, and counted again later.",
            Self::OutOfWaiver => {
                "The finding was waived, the waiver ended or lost its force, and the finding counted again."
            }
            Self::IntoWaiver => "The finding counted before anybody accepted its risk.",
            Self::WaiverChanged => "A waiver came, was prolonged, changed hands, lost its force or went.",
            Self::ChangeDenied => {
                "Only the step shows it: the states before and after may both keep every rule."
            }
            Self::GateChanged => {
                "A rule went, weighs less or says something else, or the configuration judges otherwise."
            }
            Self::ApprovalUnproven => {
                "The commit touched policies, configuration or a waiver, and no record that counts says who approved it."
            }
            Self::NothingDeclared => {
                "For a part of the period no resource was declared that its rules could judge; shares of the time count the rest alone."
            }
            Self::NotJudged => "Something could not be read or evaluated, so that nothing is known of it.",
        }
    }
}

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) sort: Sort,
    /// The severity of its rule, if it has one.
    pub(super) severity: Option<&'static str>,
    /// The rule, requirement, control, waiver, setting or problem.
    pub(super) name: String,
    /// The resource, if it is about one.
    pub(super) resource: String,
    /// The first day.
    pub(super) from: String,
    /// The last day, if it ended and is no point of time.
    pub(super) to: Option<String>,
    /// Whole days within the period, if it is no point of time.
    pub(super) days: Option<i64>,
    /// The commit with which it began or happened.
    pub(super) commit: Option<String>,
    /// Who committed that, where it is told.
    pub(super) who: Option<String>,
    /// What was, in words.
    pub(super) text: String,
}

/// The remarks on a period, by sort, severity and time; none without a period.
pub(super) fn remarks(audit: &Audit) -> Vec<Remark> {
    let Some(period) = &audit.period else { return Vec::new() };
    let mut found = Vec::new();
    overdue(audit, &mut found);
    deviations(period, &mut found);
    waivers(period, &mut found);
    for event in &period.events {
        found.push(Remark {
            severity: Some(event.severity),
            resource: event.resource.clone(),
            commit: event.at.commit.clone(),
            who: Some(event.committer.clone()),
            ..point(Sort::ChangeDenied, &event.rule, &event.at.date, event.message.clone())
        });
    }
    for event in &period.gate {
        let place = event.place.as_deref().map(|place| format!(", {place}")).unwrap_or_default();
        // What is gone at the end judges nothing before either, unless each commit's own policies do.
        let is_gone = event.sort == "rule-off" && !period.rules.iter().any(|rule| rule.rule == event.name);
        let gone = if is_gone {
            "; it is no rule of this report, so that nothing here tells what it found"
        } else {
            ""
        };
        found.push(Remark {
            commit: event.at.commit.clone(),
            who: Some(event.committer.clone()),
            ..point(
                Sort::GateChanged,
                &event.name,
                &event.at.date,
                format!("{}{place}{gone}", event.change()),
            )
        });
    }
    for each in period.commit_approvals.iter().filter(|each| each.is_unproven() && !each.touches.is_empty()) {
        found.push(Remark {
            commit: Some(each.commit.clone()),
            who: Some(each.committer.clone()),
            ..point(
                Sort::ApprovalUnproven,
                &each.touches.join(", "),
                &each.date,
                format!("{}: {}", each.words(), each.subject),
            )
        });
    }
    let of_report: BTreeSet<String> = audit
        .outcomes
        .frameworks
        .iter()
        .flat_map(|framework| {
            framework.requirements.iter().map(|each| format!("{}:{}", framework.id, each.id))
        })
        .collect();
    let requirements = period.requirements.iter().filter(|each| of_report.contains(&each.id));
    for group in requirements.chain(&period.controls) {
        nothing_declared(group, &mut found);
    }
    for each in &period.problems {
        found.push(Remark {
            to: each.to.as_ref().map(|to| to.date.clone()),
            commit: each.from.commit.clone(),
            ..point(Sort::NotJudged, each.code, &each.from.date, each.message.clone())
        });
    }
    // Within a sort the worst first; what is of one time stays as it is.
    found.sort_by_key(|remark| (remark.sort, rank(remark.severity)));
    found
}

fn rank(severity: Option<&str>) -> usize {
    let all = crate::finding::Severity::ALL;
    let place = |name: &str| all.iter().position(|each| each.name() == name);
    severity.and_then(place).unwrap_or(all.len())
}

fn point(sort: Sort, name: &str, from: &str, text: String) -> Remark {
    Remark {
        sort,
        severity: None,
        name: name.to_owned(),
        resource: String::new(),
        from: from.to_owned(),
        to: None,
        days: None,
        commit: None,
        who: None,
        text,
    }
}

fn overdue(audit: &Audit, found: &mut Vec<Remark>) {
    let births = audit.births.known().into_iter().flat_map(|blame| &blame.findings);
    for birth in births.filter(|birth| birth.is_overdue && birth.status == "fail") {
        let due = birth.due.as_deref().unwrap_or_default();
        found.push(Remark {
            severity: Some(birth.severity),
            resource: birth.resource.clone(),
            days: Some(birth.age_days),
            commit: birth.since.commit.clone(),
            who: Some(birth.by.name.clone()),
            ..point(
                Sort::Overdue,
                &birth.rule,
                &birth.since.date,
                format!("was due {due}: {}", birth.message),
            )
        });
    }
}

fn of_deviation(sort: Sort, each: &Deviation, text: String) -> Remark {
    Remark {
        severity: Some(each.severity),
        resource: each.resource.clone(),
        to: each.to.as_ref().map(|to| to.date.clone()),
        days: Some(each.seconds / DAY),
        commit: each.from.commit.clone(),
        ..point(sort, &each.rule, &each.from.date, text)
    }
}

fn deviations(period: &Period, found: &mut Vec<Remark>) {
    let mut former: BTreeMap<(&str, &str), &Deviation> = BTreeMap::new();
    for each in &period.deviations {
        let counted = each.stretches.iter().any(|stretch| stretch.status == "fail");
        let always = each.stretches.iter().all(|stretch| stretch.status == "fail");
        let before = if each.since_before { "was there before; " } else { "" };
        if each.to.is_none() && each.since_before && always {
            found.push(of_deviation(Sort::OpenThroughout, each, each.message.clone()));
        }
        if each.to.is_some() && counted {
            found.push(of_deviation(Sort::CameAndWent, each, format!("{before}{}", each.message)));
        }
        if let Some(gone) =
            former.insert((&each.rule, &each.fingerprint), each).and_then(|former| former.to.as_ref())
        {
            let text = format!("it had gone on {}: {}", gone.date, each.message);
            found.push(of_deviation(Sort::CameBack, each, text));
        }
        for pair in each.stretches.windows(2) {
            let [one, other] = pair else { continue };
            let (sort, name) = match (one.status, other.status) {
                ("fail", "fail") | ("waived", "waived") => continue,
                (_, "fail") => (Sort::OutOfWaiver, one.exception.as_deref()),
                ("fail", _) => (Sort::IntoWaiver, other.exception.as_deref()),
                _ => continue,
            };
            let name = name.unwrap_or("a comment");
            let text = match sort {
                Sort::OutOfWaiver => format!("{} by {name} until then: {}", one.status, each.message),
                _ => format!(
                    "counted since {}, then {} by {name}: {}",
                    one.from.date, other.status, each.message
                ),
            };
            let remark = of_deviation(sort, each, text);
            found.push(Remark {
                from: other.from.date.clone(),
                commit: other.from.commit.clone(),
                days: None,
                ..remark
            });
        }
    }
}

fn waivers(period: &Period, found: &mut Vec<Remark>) {
    for waiver in &period.waivers {
        let mut former: Option<&crate::report::WaiverStretch> = None;
        for stretch in &waiver.stretches {
            let expires = stretch.expires.as_deref().unwrap_or("no day");
            let text = match former {
                None if stretch.from.seconds <= begin(period) => None,
                None => {
                    let by = stretch.approved_by.as_deref().unwrap_or("nobody");
                    Some(format!("came, until {expires}, approved by {by}"))
                }
                Some(former) if former.state != stretch.state && stretch.state == "void" => {
                    Some(format!("counts for nothing: {}", stretch.defects.join("; ")))
                }
                Some(former) if former.expires != stretch.expires => {
                    let was = former.expires.as_deref().unwrap_or("no day");
                    Some(format!("its last day was {was}, became {expires}"))
                }
                Some(former) if former.approved_by != stretch.approved_by => {
                    let by = |stretch: &crate::report::WaiverStretch| {
                        stretch.approved_by.clone().unwrap_or_else(|| "nobody".to_owned())
                    };
                    Some(format!("was approved by {}, then by {}", by(former), by(stretch)))
                }
                Some(former) if former.state != stretch.state => {
                    Some(format!("was {}, became {}", former.state, stretch.state))
                }
                Some(_) => None,
            };
            if let Some(text) = text {
                let is_unproven =
                    stretch.from.commit.as_ref().is_some_and(|id| waiver.unproven_commits.contains(id));
                let beside = if is_unproven { "; nobody is proven to have approved its commit" } else { "" };
                let text = format!("{text}{beside}");
                found.push(Remark {
                    commit: stretch.from.commit.clone(),
                    ..point(Sort::WaiverChanged, &waiver.waiver, &stretch.from.date, text)
                });
            }
            former = Some(stretch);
        }
        if let Some(to) = former.and_then(|last| last.to.as_ref()) {
            found.push(Remark {
                commit: to.commit.clone(),
                ..point(Sort::WaiverChanged, &waiver.waiver, &to.date, "went".to_owned())
            });
        }
    }
}

/// Seconds at which what is known of the period begins.
fn begin(period: &Period) -> i64 {
    let all = period.rules.iter().filter_map(|rule| rule.held.phases.first());
    all.map(|phase| phase.from).min().unwrap_or(i64::MIN)
}

fn nothing_declared(group: &GroupPeriod, found: &mut Vec<Remark>) {
    if group.held.share.is_none() {
        // Of what was never judged the state at the end says so.
        return;
    }
    for phase in
        group.held.phases.iter().filter(|phase| phase.state == "nothing" && phase.to - phase.from >= DAY)
    {
        let rules = plural(group.rules.len() as u64, "rule");
        let text = format!(
            "nothing that its {rules} could judge; it held {} of the time that is left",
            percent(group.held.share)
        );
        found.push(Remark {
            to: Some(day(phase.to - 1)),
            days: Some((phase.to - phase.from) / DAY),
            ..point(Sort::NothingDeclared, &group.id, &day(phase.from), text)
        });
    }
}

/// The day of an instant.
pub(super) fn day(seconds: i64) -> String {
    Moment::day_of(seconds).map_or_else(String::new, |day| day.text().to_owned())
}
