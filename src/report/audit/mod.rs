//! Reports for auditors: what is known of each requirement, with everything that it rests on. One file a format.
//!
//! Input: an [`Audit`] of plain values. Output: text or bytes that follow from it alone. What it does not do: it works out
//! no outcome, and never says that anything complies.

mod csv;
mod html;
mod json;
mod markdown;
mod oscal;
mod proves;
mod register;
mod snippet;
mod workbook;

pub use self::csv::write_audit_csv;
pub use html::write_audit_html;
pub use json::write_audit_json;
pub use markdown::write_audit_markdown;
pub use oscal::{OSCAL_FILES, write_audit_oscal};
pub use proves::limits_of;
pub use workbook::write_audit_xlsx;

use super::{Report, RuleInfo};
use crate::outcome::{Decision, Outcomes, RequirementOutcome};

/// A check over a whole estate, and what it says of each requirement.
#[derive(Debug)]
pub struct Audit {
    /// The check.
    pub report: Report,
    /// What it says.
    pub outcomes: Outcomes,
}

impl Audit {
    /// The rules that test a requirement.
    fn rules_of<'a>(&'a self, requirement: &'a RequirementOutcome) -> impl Iterator<Item = &'a RuleInfo> {
        requirement.rules.iter().filter_map(|rule| self.report.rules.get(*rule as usize))
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
fn identity_rows(report: &Report) -> Vec<(&'static str, String)> {
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
    vec![
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
    ]
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
