//! `summary`: one line.

use std::io::{self, Write};

use super::escape::one_line;
use super::{Report, word};

/// Writes the line: how the run ends, what was found, what was checked.
///
/// # Errors
/// Those of the writer.
pub fn write_summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", summary_line(report))
}

/// `failed: 1 finding (1 critical), no problems; 273 resources in 31 files against 1 rule (3 pairs), as of 2026-11-20`.
pub(super) fn summary_line(report: &Report) -> String {
    let mut line = format!("{}: {}", word::verdict(report), word::totals(report));
    if let Some(comparison) = &report.comparison {
        line.push_str(&format!("; {} against {}", comparison.head, comparison.base));
    }
    line.push_str(&format!("; {}", word::population(report)));
    one_line(&line, 1_000)
}
