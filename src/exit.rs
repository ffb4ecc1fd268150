//! Exit codes: the one place that says them.

use std::process::ExitCode;

/// How a run ends. The highest code wins; the output format never changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything was checked, and nothing at or above the threshold was found.
    Clean = 0,
    /// There are findings at or above the threshold, or examples that fail.
    Findings = 1,
    /// Something could not be checked, or the run could not go on.
    Problems = 2,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Clean, Self::Findings, Self::Problems];

    /// One sentence: what the code tells.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "Everything was checked, and no finding is at or above the threshold.",
            Self::Findings => "There are findings at or above the threshold, or examples that fail.",
            Self::Problems => "Something could not be checked, or the run could not go on.",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
