//! Since when each finding holds, and who brought it: plain values, and their formats.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::{Layout, for_csv, for_terminal, write_json_value};
use super::period::{Mark, Unchecked};
use super::word::plural;

/// A commit, as it says of itself. Nobody has verified it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// The commit, in full.
    pub commit: String,
    /// Who wrote it.
    pub name: String,
    /// Their address.
    pub email: String,
    /// The day on which it counts.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
}

/// The birth of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Birth {
    /// The rule.
    pub rule: String,
    /// How bad it is.
    pub severity: &'static str,
    /// The resource.
    pub resource: String,
    /// Tells it from others of the same rule and resource.
    pub fingerprint: String,
    /// What is found today.
    pub message: String,
    /// Where: file and line.
    pub place: String,
    /// `fail`, `waived` …
    pub status: &'static str,
    /// Since when it holds without a gap.
    pub since: Mark,
    /// Whether it was there when the history begins, so that it may be older.
    pub since_before: bool,
    /// The commit in force since then: the one that brought it, or the last one before the day that did.
    pub by: Author,
    /// The commit of the side branch that brought it, if a merge did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<Author>,
    /// Why it came, in a word: `resource-changed`, `clock-passed` …
    pub cause: String,
    /// Who or what that is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How often it had come and gone before.
    pub reopened: u64,
    /// Days since then.
    pub age_days: i64,
    /// The day by which a remediation policy wants it repaired; none if there is no such policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Whether that day has passed.
    pub is_overdue: bool,
}

/// Since when findings hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blame {
    /// Version of this form.
    pub version: u32,
    /// Version of the program.
    pub program: String,
    /// The clock.
    pub as_of: String,
    /// The commit at the end of the history.
    pub head: String,
    /// Commits that were judged.
    pub commits: u64,
    /// What must be known to read the rest.
    pub notes: Vec<String>,
    /// By age, the oldest first.
    pub findings: Vec<Birth>,
    /// What could not be checked at the end.
    pub problems: Vec<Unchecked>,
}

impl Blame {
    /// Whether everything could be checked at the end.
    pub fn is_checked(&self) -> bool {
        self.problems.is_empty()
    }

    /// As JSON.
    ///
    /// # Errors
    /// What keeps it from being written.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        write_json_value(self, out, Layout::Indented)?;
        writeln!(out)
    }

    /// As a table.
    ///
    /// # Errors
    /// What keeps it from being written.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "rule,severity,resource,status,since,commit,author,cause,subject,through,reopened,age_days,due,overdue,message,\
             place,fingerprint\r"
        )?;
        for each in &self.findings {
            let cells = [
                each.rule.clone(),
                each.severity.to_owned(),
                each.resource.clone(),
                each.status.to_owned(),
                each.since.date.clone(),
                each.by.commit.clone(),
                each.by.name.clone(),
                each.cause.clone(),
                each.subject.clone().unwrap_or_default(),
                each.through.as_ref().map(|author| author.commit.clone()).unwrap_or_default(),
                each.reopened.to_string(),
                each.age_days.to_string(),
                each.due.clone().unwrap_or_default(),
                each.is_overdue.to_string(),
                each.message.clone(),
                each.place.clone(),
                each.fingerprint.clone(),
            ];
            let cells: Vec<String> = cells.iter().map(|text| for_csv(text, LONGEST)).collect();
            writeln!(out, "{}\r", cells.join(","))?;
        }
        Ok(())
    }

    /// For a person at a terminal.
    ///
    /// # Errors
    /// What keeps it from being written.
    pub fn write_human(&self, out: &mut dyn Write) -> io::Result<()> {
        let clean = |text: &str| for_terminal(text);
        for note in &self.notes {
            writeln!(out, "Note: {}.", clean(note))?;
        }
        for each in &self.findings {
            let waived = if each.status == "fail" { String::new() } else { format!(", {}", each.status) };
            writeln!(out, "{}[{}] {}{waived}", each.severity, clean(&each.rule), clean(&each.resource))?;
            writeln!(out, "  {}", clean(&each.message))?;
            let before = if each.since_before { "before " } else { "" };
            let subject = each.subject.as_deref().map(|subject| format!(", {}", clean(subject)));
            let subject = subject.unwrap_or_default();
            let days =
                if each.age_days == 1 { "1 day".to_owned() } else { format!("{} days", each.age_days) };
            writeln!(out, "  since {before}{} ({days}): {}{subject}", each.since.date, each.cause)?;
            writeln!(
                out,
                "  {}",
                line(if each.since.commit.is_some() { "by" } else { "while in force" }, &each.by)
            )?;
            if let Some(through) = &each.through {
                writeln!(out, "  {}", line("merged from", through))?;
            }
            if each.reopened > 0 {
                let times =
                    if each.reopened == 1 { "once".to_owned() } else { format!("{} times", each.reopened) };
                writeln!(out, "  it had come and gone {times} before")?;
            }
            if let Some(due) = &each.due {
                writeln!(out, "  due {due}{}", if each.is_overdue { ", overdue" } else { "" })?;
            }
            writeln!(out)?;
        }
        for each in &self.problems {
            writeln!(out, "not checked: [{}] {}", each.code, clean(&each.message))?;
        }
        let overdue = self.findings.iter().filter(|each| each.is_overdue).count();
        let (findings, commits) =
            (plural(self.findings.len() as u64, "finding"), plural(self.commits, "commit"));
        writeln!(out, "{findings} over {commits}, as of {}; {overdue} overdue.", self.as_of)
    }
}

/// Longer texts are cut in tables.
const LONGEST: usize = 2000;

fn line(word: &str, author: &Author) -> String {
    let Author { commit, name, date, subject, .. } = author;
    let id = commit.get(..12).unwrap_or(commit);
    format!("{word} {id} of {date}, {}: {}", for_terminal(name), for_terminal(subject))
}
