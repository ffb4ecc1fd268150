//! Who approved the commits of a period, as far as a record says so.
//!
//! Plain values in their final order, and their words. What it does not do: it works out no approval.

use serde::Serialize;

use super::period::Period;

/// What is known of the approval of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalState {
    /// A Change of the estate says it.
    Recorded,
    /// A file that was given says it.
    Imported,
    /// Nothing that counts says it.
    Unproven,
}

impl ApprovalState {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Recorded, Self::Imported, Self::Unproven];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Imported => "imported",
            Self::Unproven => "unproven",
        }
    }
}

/// An approval that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GivenApproval {
    /// Who approved.
    pub by: String,
    /// When: a day or a time, as it is written.
    pub at: String,
    /// Where that is said.
    pub source: String,
}

/// What is known of who approved a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The word for it.
    pub state: ApprovalState,
    /// The approvals that count; none if it is unproven.
    pub approvals: Vec<GivenApproval>,
    /// Why what is said counts for nothing, or that nothing is said; empty unless it is unproven.
    pub reasons: Vec<String>,
}

/// A commit of the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitApproval {
    /// Its id.
    pub commit: String,
    /// The day on which it counts, in UTC.
    pub date: String,
    /// Who wrote it, as the commit says.
    pub author: String,
    /// Who made it a commit, as the commit says.
    pub committer: String,
    /// The first line of its message.
    pub subject: String,
    /// What it did to what judges: `policies`, and the waivers that it added, changed or removed.
    pub touches: Vec<String>,
    /// Who approved it.
    pub approval: Approval,
}

/// A file of approvals that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApprovalFile {
    /// Its name, without folders.
    pub file: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// How many approvals it holds.
    pub approvals: u64,
}

impl CommitApproval {
    /// Whether nothing that counts says who approved it.
    pub fn is_unproven(&self) -> bool {
        self.approval.state == ApprovalState::Unproven
    }

    /// Who approved it and where that is said, or why that is unproven.
    pub(super) fn words(&self) -> String {
        let said = self
            .approval
            .approvals
            .iter()
            .map(|each| format!("by {} on {} ({})", each.by, each.at, each.source));
        said.chain(self.approval.reasons.iter().cloned()).collect::<Vec<_>>().join("; ")
    }
}

impl Period {
    /// How many commits there are of each state.
    pub fn approval_counts(&self) -> [(ApprovalState, u64); 3] {
        ApprovalState::ALL.map(|state| {
            let of = self.commit_approvals.iter().filter(|each| each.approval.state == state);
            (state, of.count() as u64)
        })
    }

    /// The same in words: `3 recorded, 0 imported, 2 unproven`.
    pub(super) fn approval_words(&self) -> String {
        let words = self.approval_counts().map(|(state, count)| format!("{count} {}", state.name()));
        words.join(", ")
    }
}
