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

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
