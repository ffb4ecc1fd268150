//! `markdown`: a comment for a pull request. What is new comes first, then what is fixed; the rest is folded.
//!
//! The text is bounded by what GitHub takes for a comment, and says what it leaves out.

use std::io::{self, Write};

use super::comparison::{Cause, Comparison, State};
use super::escape::{code, for_markdown, one_line, prose};
use super::{Report, word};
use crate::finding::{Finding, Location, Status};

/// Bytes; GitHub takes 65,536 characters.
const LONGEST: usize = 60_000;

/// Characters of one text.
const LONGEST_TEXT: usize = 300;

/// Changed fields of a resource that are listed.
const MOST_FIELDS: usize = 20;

/// By this line whoever keeps one comment for each pull request finds it again.
const MARK: &str = "<!-- assize -->";

/// Writes the comment.
///
/// # Errors
/// Those of the writer.
pub fn write_markdown(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_within(report, LONGEST, out)
}

/// Writes at most so many bytes.
pub(super) fn write_within(report: &Report, longest: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { text: String::new(), longest };
    page.text.push_str(&format!("{MARK}\n### assize: {}\n\n", word::verdict(report)));
    page.text.push_str(&format!("{}.\n", word::capitalised(&word::totals(report))));
    if let Some(comparison) = &report.comparison {
        let side = |side: &super::Side| for_markdown(&side.to_string(), LONGEST_TEXT);
        page.text.push_str(&format!(
            "Compared: {} with {}.\n",
            side(&comparison.head),
            side(&comparison.base)
        ));
    }
    let problems = report.problems.iter().map(|problem| {
        let place = problem.location.as_ref().map(place).unwrap_or_default();
        let message = for_markdown(&problem.message, LONGEST_TEXT);
        format!("**{}**: {message}{place}{}", problem.code, remedy(problem.remedy()))
    });
    page.section("Could not be checked", Fold::Open, longest / 4, problems);
    let comparison = report.comparison.as_ref();
    let heading = if comparison.is_some() { "New" } else { "Findings" };
    let new =
        new_findings(report).into_iter().map(|(finding, cause)| item(report, finding, cause, Help::Shown));
    page.section(heading, Fold::Open, longest / 2, new);
    if let Some(comparison) = comparison {
        page.comparison(report, comparison);
    }
    let excepted: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.status != Status::Fail).collect();
    page.section(
        "Waived, suppressed and in the baseline",
        Fold::Closed,
        longest,
        excepted.into_iter().map(|finding| {
            let exception = finding.exception.as_deref().unwrap_or_default();
            format!(
                "{} ({}: {})",
                item(report, finding, None, Help::Hidden),
                finding.status.name(),
                for_markdown(exception, LONGEST_TEXT)
            )
        }),
    );
    let notes = word::baseline_notes(report);
    let notes = notes.iter().map(|note| for_markdown(note, LONGEST_TEXT));
    page.section("Entries of the baseline that no longer hold", Fold::Closed, longest, notes);
    let idle: Vec<&str> =
        report.rules.iter().filter(|rule| rule.tally.matched == 0).map(|rule| &*rule.name).collect();
    let idle: Vec<String> = idle.chunks(20).map(|names| code(&one_line(&names.join(" "), 2_000))).collect();
    page.section("Rules that matched nothing", Fold::Closed, longest, idle.into_iter());
    let absent: Vec<String> = report
        .not_by_role()
        .map(|rule| format!("{} {}", code(&rule.rule), for_markdown(&rule.reason, LONGEST_TEXT)))
        .collect();
    page.section("Rules not applicable by role", Fold::Closed, longest, absent.into_iter());
    page.text.push_str(&format!("\nChecked {}.\n", word::population(report)));
    out.write_all(page.text.as_bytes())
}

/// New findings that count, the worst first, each with its cause.
fn new_findings(report: &Report) -> Vec<(&Finding, Option<&Cause>)> {
    let mut new: Vec<(&Finding, Option<&Cause>)> = report
        .all_findings()
        .filter(|(finding, _, change)| {
            finding.status == Status::Fail && change.is_none_or(|change| change.state == State::New)
        })
        .map(|(finding, _, change)| (finding, change.and_then(|change| change.cause.as_ref())))
        .collect();
    new.sort_by_key(|(finding, _)| report.rule(finding).map(|rule| std::cmp::Reverse(rule.severity)));
    new
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Open,
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Help {
    Shown,
    Hidden,
}

struct Page {
    text: String,
    longest: usize,
}

/// Kept free for what must still be said at the end.
const RESERVE: usize = 2_000;

impl Page {
    /// A list under a heading, in at most so many bytes and as far as there is room; nothing if the list is empty.
    fn section(
        &mut self,
        heading: &str,
        fold: Fold,
        most: usize,
        items: impl ExactSizeIterator<Item = String>,
    ) {
        let count = items.len();
        if count == 0 {
            return;
        }
        self.text.push_str(&match fold {
            Fold::Open => format!("\n#### {heading}\n\n"),
            Fold::Closed => format!("\n<details>\n<summary>{heading} ({count})</summary>\n\n"),
        });
        let end = (self.text.len() + most).min(self.longest.saturating_sub(RESERVE));
        let mut written = 0;
        for item in items {
            if self.text.len() + item.len() + 3 > end {
                break;
            }
            self.text.push_str(&format!("- {item}\n"));
            written += 1;
        }
        if written < count {
            let left_out = count - written;
            self.text
                .push_str(&format!("\n{left_out} of {count} left out: there is no room for more here.\n"));
        }
        if fold == Fold::Closed {
            self.text.push_str("\n</details>\n");
        }
    }

    fn comparison(&mut self, report: &Report, comparison: &Comparison) {
        let (some, all) = (self.longest / 8, self.longest);
        let events = comparison.events.iter().map(|event| item(report, &event.finding, None, Help::Shown));
        self.section("Events", Fold::Open, some, events);
        let gate = comparison.gate.iter().map(|change| {
            let place = change.location.as_ref().map(place).unwrap_or_default();
            format!("**{}**: {}{place}", change.sort.name(), for_markdown(&change.sentence(), LONGEST_TEXT))
        });
        self.section("Changes of the gate", Fold::Open, some, gate);
        let fixed = comparison.fixed.iter();
        let fixed = fixed.map(|fixed| item(report, &fixed.finding, fixed.cause.as_ref(), Help::Hidden));
        self.section("Fixed", Fold::Open, all, fixed);
        let persisting: Vec<&Finding> = report.persisting_findings().collect();
        let persisting = persisting.into_iter().map(|finding| item(report, finding, None, Help::Hidden));
        self.section("Persisting", Fold::Closed, all, persisting);
        let resources = comparison.resources.iter().map(|change| {
            let mut item = for_markdown(&change.sentence(), LONGEST_TEXT);
            for field in change.fields.iter().take(MOST_FIELDS) {
                item.push_str(&format!("\n  - {}", for_markdown(&field.sentence(), LONGEST_TEXT)));
            }
            if change.fields.len() > MOST_FIELDS {
                item.push_str(&format!("\n  - {} more fields", change.fields.len() - MOST_FIELDS));
            }
            item
        });
        self.section("Changed resources", Fold::Closed, all, resources);
    }
}

fn item(report: &Report, finding: &Finding, cause: Option<&Cause>, help: Help) -> String {
    let Some(rule) = report.rule(finding) else { return String::new() };
    let mut item = format!(
        "**{}** {} {}: {}{}",
        rule.severity,
        code(&one_line(&rule.name, LONGEST_TEXT)),
        for_markdown(&finding.resource.identity.to_string(), LONGEST_TEXT),
        for_markdown(&finding.message, LONGEST_TEXT),
        place(&finding.location)
    );
    if !finding.owners.is_empty() {
        item.push_str(&format!(", owned by {}", for_markdown(&finding.owners.join(", "), LONGEST_TEXT)));
    }
    if let Some(cause) = cause {
        item.push_str(&format!(" ({})", for_markdown(&cause.sentence(), LONGEST_TEXT)));
    }
    if help == Help::Shown {
        item.push_str(&remedy(&rule.remediation));
    }
    item
}

/// What to do, on a line of its own below an item.
fn remedy(text: &str) -> String {
    let prose = prose(text, LONGEST_TEXT);
    if prose.trim().is_empty() { String::new() } else { format!("\n  {}", prose.trim()) }
}

fn place(location: &Location) -> String {
    format!(" — {}", code(&one_line(&format!("{}:{}", location.file, location.line), LONGEST_TEXT)))
}
