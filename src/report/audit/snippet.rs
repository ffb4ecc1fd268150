//! The lines around findings, for formats that quote them: as many as there is room for, and no line that holds a secret.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::report::Report;
use crate::report::escape::cut;
use crate::report::masked::MaskedLines;

/// Findings of one rule that are shown with their lines.
const MOST_OF_RULE: usize = 20;
/// Findings of a report that are.
const MOST: usize = 2_000;
/// Characters of a line.
const LONGEST_LINE: usize = 160;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u32,
    /// Its text, cut where it is long.
    pub(super) text: String,
    /// Whether the finding begins on it.
    pub(super) is_marked: bool,
}

/// Lines by the place of their finding in the report.
pub(super) type Snippets = BTreeMap<usize, Vec<Line>>;

/// Reads the lines of the first findings of each rule. Files are read once each, in the order of the findings.
pub(super) fn snippets(report: &Report, sources: &mut crate::report::Sources<'_>) -> Snippets {
    let masked = MaskedLines::new(&report.masked);
    let mut of_rule = vec![0_usize; report.rules.len()];
    let mut chosen: Vec<(usize, &Finding)> = Vec::new();
    for (at, finding) in report.findings.iter().enumerate().filter(|(_, finding)| !finding.is_sensitive) {
        let Some(count) = of_rule.get_mut(finding.rule as usize) else { continue };
        if *count < MOST_OF_RULE && chosen.len() < MOST {
            *count += 1;
            chosen.push((at, finding));
        }
    }
    let mut found = Snippets::new();
    for group in chosen.chunk_by(|(_, one), (_, other)| one.location.file == other.location.file) {
        let Some((_, first)) = group.first() else { continue };
        let Some((text, _)) = sources(&first.location.file) else { continue };
        let lines: Vec<&str> = text.lines().collect();
        for (at, finding) in group {
            let line = finding.location.line;
            let numbers = line.saturating_sub(1).max(1)..=line.saturating_add(1);
            let of_number = |number: u32| {
                let text = lines.get(number.checked_sub(1)? as usize)?;
                let is_hidden = masked.meet(&finding.location.file, number, number);
                let text = if is_hidden {
                    crate::finding::MASK.to_owned()
                } else {
                    cut(text, LONGEST_LINE).into_owned()
                };
                Some(Line { number, text, is_marked: number == line })
            };
            let lines: Vec<Line> = numbers.filter_map(of_number).collect();
            if !lines.is_empty() {
                found.insert(*at, lines);
            }
        }
    }
    found
}
