//! Reports for auditors: what is known of each requirement, with everything that it rests on. One file a format.
//!
//! Input: an [`Audit`] of plain values. Output: text or bytes that follow from it alone. What it does not do: it works out
//! no outcome, and never says that anything complies.

mod chart;
mod course;
mod csv;
mod html;
mod json;
mod markdown;
mod oscal;
mod past;
mod proves;
mod register;
mod remark;
mod snippet;
mod workbook;

pub use self::csv::write_audit_csv;
pub use html::write_audit_html;
pub use json::write_audit_json;
pub use markdown::write_audit_markdown;
pub use oscal::{OSCAL_FILES, write_audit_oscal};
pub use past::Births;
pub use proves::limits_of;
pub use workbook::write_audit_xlsx;

use super::{Period, Report, RuleInfo};
use crate::outcome::{Decision, Outcomes, RequirementOutcome};
use crate::policy::LOOKS_AT_A_CHANGE;

/// A check over a whole estate, and what it says of each requirement.
#[derive(Debug)]
pub struct Audit {
    /// The check.
    pub report: Report,
    /// What it says.
    pub outcomes: Outcomes,
    /// What held for how long before, if the report is over a period, whose end the check is of.
    pub period: Option<Period>,
    /// Since when findings hold.
    pub births: Births,
}

impl Audit {
    /// The rules that test a requirement.
    fn rules_of<'a>(&'a self, requirement: &'a RequirementOutcome) -> impl Iterator<Item = &'a RuleInfo> {
        requirement.rules.iter().filter_map(|rule| self.report.rules.get(*rule as usize))
    }

    /// Whether everything could be checked, at the end and before.
    pub fn is_complete(&self) -> bool {
        self.report.problems.is_empty() && self.period.as_ref().is_none_or(Period::is_checked)
    }

    /// Makes the report one over a period, at whose end it is: rules over changes looked at those of the period.
    pub fn set_period(&mut self, mut period: Period) {
        if self.report.run.policies.is_elsewhere {
            period.notes.push(
                "policies from elsewhere judge: in the state at the end waivers from there count, in the period those of each commit"
                    .to_owned(),
            );
        }
        let reason = |rule: &str, reason: &mut String| {
            if reason == LOOKS_AT_A_CHANGE {
                let denied = period.events.iter().filter(|event| event.rule == rule).count();
                *reason = match denied {
                    0 => "in the state, since it looks at changes; of those in the period it denied none"
                        .to_owned(),
                    count => format!(
                        "in the state, since it looks at changes; of those in the period it denied {count}"
                    ),
                };
            }
        };
        for each in &mut self.report.not_selected {
            reason(&each.rule, &mut each.reason);
        }
        let frameworks = self.outcomes.frameworks.iter_mut();
        for each in frameworks.flat_map(|framework| &mut framework.requirements) {
            each.left_out.iter_mut().for_each(|(rule, why)| reason(rule, why));
        }
        self.period = Some(period);
    }

    /// The list behind the population of a rule, or of a requirement as `<framework>:<id>`: one line a resource, in order.
    /// None if there is no such rule or requirement.
    pub fn population(&self, name: &str) -> Option<Vec<&str>> {
        let rule = self.report.rules.iter().position(|rule| *rule.name == *name);
        if let Some(rule) = rule.and_then(|rule| u32::try_from(rule).ok()) {
            return Some(self.outcomes.resources.lines_of(&[rule]));
        }
        let (framework, id) = name.split_once(':')?;
        let framework = self.outcomes.frameworks.iter().find(|each| each.id == framework)?;
        let requirement = framework.requirements.iter().find(|each| each.id == id)?;
        Some(self.outcomes.resources.lines_of(&requirement.rules))
    }
}

/// The inputs of a run, as a list of names and values: whoever has them gets the same report.
fn identity_rows(audit: &Audit) -> Vec<(&'static str, String)> {
    let report = &audit.report;
    let run = &report.run;
    let policies = &run.policies;
    let commit = |revision: Option<crate::load::Revision>, otherwise: &str| match revision {
        Some(revision) => (revision.commit.to_string(), revision.tree.to_string()),
        None => (otherwise.to_owned(), otherwise.to_owned()),
    };
    let tree = "a work tree, which no commit fixes";
    let (estate, estate_tree) = commit(run.estate, tree);
    let (source, source_tree) = if policies.is_elsewhere {
        commit(policies.revision, tree)
    } else {
        (estate.clone(), estate_tree.clone())
    };
    let mut rows = vec![
        ("program", format!("assize {}", run.version)),
        ("as of", run.as_of.clone()),
        ("estate: commit", estate),
        ("estate: tree", estate_tree),
        ("policies: commit", source),
        ("policies: tree", source_tree),
        ("policies: digest", policies.digest.to_string()),
        ("configuration", run.config.clone().unwrap_or_else(|| "none".to_owned())),
        ("threshold", run.fail_on.map_or("never".to_owned(), |severity| severity.name().to_owned())),
        ("files read", report.counts.files.to_string()),
        ("resources", report.counts.resources().to_string()),
        ("pairs of resource and rule", report.counts.pairs.to_string()),
    ];
    if let Some(period) = &audit.period {
        let source = if policies.is_elsewhere { "policies from elsewhere" } else { &period.policies };
        rows.extend([
            ("period", format!("{} to {}", period.from, period.to)),
            ("period: judged by", source.to_owned()),
            ("period: commits", period.commits.to_string()),
            ("period: steps", period.steps.to_string()),
        ]);
    }
    for file in audit.period.iter().flat_map(|period| &period.approval_files) {
        rows.push((
            "approvals",
            format!("{}, {}, {}", file.file, super::word::plural(file.approvals, "approval"), file.digest),
        ));
    }
    rows.push(("births", audit.births.sentence()));
    rows
}

/// What a decision says, in a few words.
fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Otherwise => "decided otherwise:",
        Decision::NotApplicable => "not applicable:",
    }
}

/// What stands at some places of a list, by name.
fn names<T>(places: &[usize], list: &[T], name: impl Fn(&T) -> String) -> Vec<String> {
    places.iter().filter_map(|place| list.get(*place)).map(name).collect()
}
