//! Whose findings a report shows, and where that is written.

use crate::finding::Finding;
use crate::problem::Problem;

use super::Report;

/// Who answers for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The file CODEOWNERS that was read, from the top; none where there is none.
    pub codeowners: Option<String>,
    /// What cannot be read of it.
    pub faults: Vec<Problem>,
    /// Only findings of these owners are shown and counted; empty: all are.
    pub only: Vec<String>,
    /// Findings that count and are not shown, since others answer for them.
    pub left_out: u64,
}

impl Ownership {
    /// Whether a finding is shown.
    pub fn shows(&self, finding: &Finding) -> bool {
        let is_meant = |owner: &str| self.only.iter().any(|only| only == owner);
        self.only.is_empty() || finding.owners.iter().any(|owner| is_meant(owner))
    }

    /// Faults that could hide a finding: those of a run that shows the findings of some owners alone.
    pub fn problems(&self) -> impl Iterator<Item = Problem> {
        self.faults.iter().filter(|_| !self.only.is_empty()).cloned()
    }
}

impl Report {
    /// Leaves out findings of other owners than those that are asked for. What was checked, and what could not be, stays.
    pub fn keep_owners(&mut self) {
        // Those on disk were chosen when they were put there.
        if self.ownership.only.is_empty() || self.spooled.is_some() {
            return;
        }
        let is_shown: Vec<bool> = self.findings.iter().map(|finding| self.ownership.shows(finding)).collect();
        let counting = self.new_findings().count();
        retain(&mut self.findings, &is_shown);
        retain(&mut self.fingerprints, &is_shown);
        if let Some(comparison) = &mut self.comparison {
            retain(&mut comparison.changes, &is_shown);
            let ownership = &self.ownership;
            comparison.fixed.retain(|fixed| ownership.shows(&fixed.finding));
            comparison.events.retain(|event| ownership.shows(&event.finding));
        }
        self.ownership.left_out = (counting - self.new_findings().count()) as u64;
    }
}

fn retain<T>(list: &mut Vec<T>, is_kept: &[bool]) {
    let mut kept = is_kept.iter();
    list.retain(|_| kept.next().copied().unwrap_or(true));
}
