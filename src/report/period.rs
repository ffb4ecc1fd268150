//! What a period has to say: for each rule, requirement and control how long it held, and every deviation as an interval.
//!
//! Plain values in their final order, and their formats: text, JSON, Markdown and CSV.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::{Layout, for_csv, for_markdown, for_terminal, write_json_value};
use super::period_approval::{ApprovalFile, CommitApproval};
use super::word::plural;

/// A point of time: a commit, or the beginning of a day on which only the clock went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// The day, in UTC.
    pub date: String,
    /// The commit that made the difference; none if the date alone did.
    pub commit: Option<String>,
    /// Seconds since 1970.
    pub seconds: i64,
}

/// A stretch of a deviation with one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stretch {
    /// `fail`, `waived` …
    pub status: &'static str,
    /// The waiver that covers it, or the reason of an ignore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// From here.
    pub from: Mark,
    /// To here; none: it lasts beyond the end.
    pub to: Option<Mark>,
}

/// A finding that held without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deviation {
    /// The rule.
    pub rule: String,
    /// How bad it is.
    pub severity: &'static str,
    /// The resource.
    pub resource: String,
    /// Tells it from others of the same rule and resource.
    pub fingerprint: String,
    /// What was found, as it was first said.
    pub message: String,
    /// Where, as it was first found: file and line.
    pub place: String,
    /// Whether it was there when the period, or the history, began.
    pub since_before: bool,
    /// From here.
    pub from: Mark,
    /// To here; none: it is open at the end.
    pub to: Option<Mark>,
    /// How long it lasted within the period.
    pub seconds: i64,
    /// Its statuses.
    pub stretches: Vec<Stretch>,
}

/// Who was judged, from a point of time on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PopulationChange {
    /// From here.
    pub from: Mark,
    /// How many resources.
    pub count: u64,
    /// SHA-256 of their list, as in a report: one line a resource.
    pub digest: String,
}

/// A stretch of the period in which the same could be said of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// `failing`, `error`, `waived`, `held`, or `nothing`: no resource was matched.
    pub state: &'static str,
    /// Seconds since 1970 at which it begins.
    pub from: i64,
    /// Seconds since 1970 at which it ends.
    pub to: i64,
}

/// How long something held. All times lie within the period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Seconds in which at least one resource was matched.
    pub evaluated_seconds: i64,
    /// Of these, seconds in which a finding counted.
    pub failing_seconds: i64,
    /// Of these, seconds without one in which something could not be judged.
    pub error_seconds: i64,
    /// Share of the evaluated time in which nothing failed and all could be judged, in hundredths of a percent; none if
    /// nothing was evaluated.
    pub share: Option<i64>,
    /// The longest time in which a finding counted without a break.
    pub longest_gap_seconds: i64,
    /// Deviations that began within the period.
    pub opened: u64,
    /// Deviations that ended within the period.
    pub closed: u64,
    /// Deviations that count at the end.
    pub open_at_end: u64,
    /// Deviations that are waived at the end.
    pub waived_at_end: u64,
    /// The mean time of those that began and ended within the period; none if there are none.
    pub mean_repair_seconds: Option<i64>,
    /// What could be said of it when, from the first step to the end.
    pub phases: Vec<Phase>,
}

/// A rule over the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RulePeriod {
    /// Its name.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// How bad a finding is, at the end.
    pub severity: &'static str,
    /// Requirements that it serves.
    pub requirements: Vec<String>,
    /// How long it held.
    #[serde(flatten)]
    pub held: Held,
    /// Who was judged.
    pub population: Vec<PopulationChange>,
}

/// Several rules over the period: a requirement, or a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupPeriod {
    /// `framework:requirement`, or the name of the control.
    pub id: String,
    /// What it asks.
    pub title: String,
    /// Its rules.
    pub rules: Vec<String>,
    /// How long all of them held.
    #[serde(flatten)]
    pub held: Held,
    /// Who was judged by any of them.
    pub population: Vec<PopulationChange>,
}

/// What came and went in a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Week {
    /// Its first day within the period.
    pub from: String,
    /// Deviations that began.
    pub opened: u64,
    /// Deviations that ended.
    pub closed: u64,
    /// Deviations that count when it ends.
    pub open: u64,
}

/// What a rule over changes denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEvent {
    /// When.
    pub at: Mark,
    /// Who committed it, as the commit says; git proves nothing of it.
    pub committer: String,
    /// The rule.
    pub rule: String,
    /// How bad it is.
    pub severity: &'static str,
    /// The resource.
    pub resource: String,
    /// What was denied.
    pub message: String,
    /// Where: file and line.
    pub place: String,
}

/// What a commit did to what judges: to rules, their severity and reach, or to the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateEvent {
    /// When.
    pub at: Mark,
    /// Who committed it, as the commit says; git proves nothing of it.
    pub committer: String,
    /// `rule-off`, `severity-lowered` …: what weakens it, or could.
    pub sort: &'static str,
    /// The rule or setting.
    pub name: String,
    /// What it was.
    pub was: Option<String>,
    /// What it became.
    pub became: Option<String>,
    /// Where that is written: file and line.
    pub place: Option<String>,
}

/// A waiver as long as it said the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaiverStretch {
    /// `in-force`, `unverified` or `void`.
    pub state: &'static str,
    /// The last day on which it is to count, if it says.
    pub expires: Option<String>,
    /// Who approved, if it says.
    pub approved_by: Option<String>,
    /// Why it waives nothing; empty if it counts.
    pub defects: Vec<String>,
    /// From here.
    pub from: Mark,
    /// To here; none: it is there at the end.
    pub to: Option<Mark>,
}

/// A waiver over the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaiverPeriod {
    /// Who it is.
    pub waiver: String,
    /// The rules that it is about, as it last said.
    pub rules: Vec<String>,
    /// Its reason, as it last said.
    pub reason: String,
    /// What became of it, in order.
    pub stretches: Vec<WaiverStretch>,
    /// Commits of the period that did something to it and of which nothing proves who approved them.
    pub unproven_commits: Vec<String>,
}

/// What could not be checked, for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unchecked {
    /// The code of the problem.
    pub code: &'static str,
    /// What it says.
    pub message: String,
    /// From here.
    pub from: Mark,
    /// To here; none: it is there at the end.
    pub to: Option<Mark>,
}

/// A draw from what there was, for somebody to look at by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The seed.
    pub seed: String,
    /// How many there were to draw from.
    pub resources_of: u64,
    /// Resources that were judged at the end.
    pub resources: Vec<String>,
    /// How many there were to draw from.
    pub commits_of: u64,
    /// Commits of the period.
    pub commits: Vec<String>,
}

/// A period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Version of this form.
    pub version: u32,
    /// Version of the program.
    pub program: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Which policies judged.
    pub policies: String,
    /// SHA-256 of the policies at the end.
    pub policy_digest: String,
    /// The last commit, and its tree.
    pub head: Option<String>,
    /// The tree of the last commit.
    pub tree: Option<String>,
    /// Commits of the branch within the period.
    pub commits: u64,
    /// Versions and days that were judged.
    pub steps: u64,
    /// What must be known to read the rest.
    pub notes: Vec<String>,
    /// By requirement.
    pub requirements: Vec<GroupPeriod>,
    /// By control of the organisation.
    pub controls: Vec<GroupPeriod>,
    /// By rule.
    pub rules: Vec<RulePeriod>,
    /// Deviations, in the order in which they began.
    pub deviations: Vec<Deviation>,
    /// By week.
    pub weeks: Vec<Week>,
    /// Events of rules over changes, in their order.
    pub events: Vec<ChangeEvent>,
    /// What commits did to what judges, in their order.
    pub gate: Vec<GateEvent>,
    /// Waivers, in the order of their names.
    pub waivers: Vec<WaiverPeriod>,
    /// The commits of the period, in their order, and who approved them.
    pub commit_approvals: Vec<CommitApproval>,
    /// Files that say who approved what, in the order in which they were given.
    pub approval_files: Vec<ApprovalFile>,
    /// What could not be checked.
    pub problems: Vec<Unchecked>,
    /// A draw, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

pub(super) const DAY: i64 = 86_400;
/// Longer texts are cut in tables.
const LONGEST: usize = 2000;
/// Unproven commits that a person at a terminal is shown.
const FEW: usize = 5;

/// A time in words that say enough: `12 days`, `5 hours`.
pub(super) fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        seconds if seconds >= DAY => (seconds / DAY, "day"),
        seconds if seconds >= 3600 => (seconds / 3600, "hour"),
        seconds => (seconds / 60, "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn percent(share: Option<i64>) -> String {
    share.map_or_else(
        || "nothing declared".to_owned(),
        |share| format!("{}.{:02} %", share / 100, share % 100),
    )
}

impl GateEvent {
    /// What was done, in a few words: `store-without-evidence: severity-lowered from high to low`.
    pub(super) fn text(&self) -> String {
        format!("{}: {}", self.name, self.change())
    }

    /// The same without its name.
    pub(super) fn change(&self) -> String {
        let was = self.was.as_deref().map(|was| format!(" from {was}")).unwrap_or_default();
        let became = self.became.as_deref().map(|became| format!(" to {became}")).unwrap_or_default();
        format!("{}{was}{became}", self.sort)
    }
}

impl Mark {
    pub(super) fn text(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{} ({})", self.date, commit.get(..12).unwrap_or(commit)),
            None => self.date.clone(),
        }
    }
}

impl Period {
    /// Whether everything could be checked all the time.
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

    /// As a table of deviations.
    ///
    /// # Errors
    /// What keeps it from being written.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let names = [
            "rule",
            "severity",
            "resource",
            "from",
            "from_commit",
            "since_before",
            "to",
            "to_commit",
            "days",
            "statuses",
            "message",
            "place",
            "fingerprint",
        ];
        writeln!(out, "{}\r", names.join(","))?;
        for each in &self.deviations {
            let statuses: Vec<String> = each
                .stretches
                .iter()
                .map(|stretch| match &stretch.exception {
                    Some(name) => format!("{} by {name} from {}", stretch.status, stretch.from.date),
                    None => format!("{} from {}", stretch.status, stretch.from.date),
                })
                .collect();
            let to = each.to.as_ref();
            let cells = [
                each.rule.clone(),
                each.severity.to_owned(),
                each.resource.clone(),
                each.from.date.clone(),
                each.from.commit.clone().unwrap_or_default(),
                each.since_before.to_string(),
                to.map(|mark| mark.date.clone()).unwrap_or_default(),
                to.and_then(|mark| mark.commit.clone()).unwrap_or_default(),
                (each.seconds / DAY).to_string(),
                statuses.join("; "),
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
        let (commits, steps) = (plural(self.commits, "commit"), plural(self.steps, "step"));
        writeln!(out, "Period {} to {}: {commits}, {steps}.", self.from, self.to)?;
        writeln!(out, "Judged by {}.", clean(&self.policies))?;
        for note in &self.notes {
            writeln!(out, "Note: {}.", clean(note))?;
        }
        for (title, groups) in [("Requirements", &self.requirements), ("Controls", &self.controls)] {
            let touched: Vec<&GroupPeriod> =
                groups.iter().filter(|group| group.held.failing_seconds > 0).collect();
            if groups.is_empty() {
                continue;
            }
            let evaluated = groups.iter().filter(|group| group.held.share.is_some()).count();
            let held = evaluated - touched.len();
            writeln!(
                out,
                "\n{title}: {held} of {evaluated} without a finding that counts; {} with nothing declared.",
                groups.len() - evaluated
            )?;
            for group in touched {
                writeln!(out, "  {}  {}", clean(&group.id), clean(&group.title))?;
                writeln!(out, "    {}", line(&group.held))?;
            }
        }
        writeln!(out, "\nDeviations: {}", self.deviations.len())?;
        for each in &self.deviations {
            let begin = if each.since_before { "before ".to_owned() } else { String::new() };
            let end = each.to.as_ref().map_or_else(|| "open".to_owned(), Mark::text);
            writeln!(out, "  {}[{}] {}", each.severity, clean(&each.rule), clean(&each.resource))?;
            writeln!(
                out,
                "    {begin}{} to {end}, {}: {}",
                each.from.text(),
                span(each.seconds),
                clean(&each.message)
            )?;
            for stretch in each.stretches.iter().filter(|stretch| stretch.status != "fail") {
                let end = stretch.to.as_ref().map_or_else(|| "the end".to_owned(), Mark::text);
                let by = stretch.exception.as_deref().map(|name| format!(" by {}", clean(name)));
                let by = by.unwrap_or_default();
                writeln!(out, "    {}{by} from {} to {end}", stretch.status, stretch.from.text())?;
            }
        }
        if !self.events.is_empty() {
            writeln!(out, "\nChanges that a rule denies: {}", self.events.len())?;
            for event in &self.events {
                writeln!(out, "  {}[{}] {}", event.severity, clean(&event.rule), clean(&event.resource))?;
                let who = clean(&event.committer);
                writeln!(out, "    {} by {who}: {}", event.at.text(), clean(&event.message))?;
            }
        }
        if !self.gate.is_empty() {
            writeln!(out, "\nChanges of what judges: {}", self.gate.len())?;
            for event in &self.gate {
                let (when, who) = (event.at.text(), clean(&event.committer));
                writeln!(out, "  {}\n    {when} by {who}", clean(&event.text()))?;
            }
        }
        if !self.commit_approvals.is_empty() {
            let commits = plural(self.commit_approvals.len() as u64, "commit");
            writeln!(out, "\nApprovals of {commits}: {}", self.approval_words())?;
            let unproven = self.commit_approvals.iter().filter(|each| each.is_unproven());
            for each in unproven.clone().take(FEW) {
                let id = each.commit.get(..12).unwrap_or(&each.commit);
                let (who, subject) = (clean(&each.author), clean(&each.subject));
                writeln!(out, "  {} ({id}) by {who}: {subject}", each.date)?;
                writeln!(out, "    unproven: {}", clean(&each.words()))?;
            }
            let left = unproven.count().saturating_sub(FEW);
            if left > 0 {
                writeln!(out, "  … and {left} more; the formats json and markdown have all")?;
            }
        }
        if !self.problems.is_empty() {
            writeln!(out, "\nNot checked: {}", self.problems.len())?;
            for each in &self.problems {
                let end = each.to.as_ref().map_or_else(|| "the end".to_owned(), Mark::text);
                writeln!(out, "  [{}] {} ({} to {end})", each.code, clean(&each.message), each.from.text())?;
            }
        }
        if let Some(sample) = &self.sample {
            let (drawn, of) = (sample.resources.len(), sample.resources_of);
            writeln!(out, "\nSample with seed {}: {drawn} of {of} resources", clean(&sample.seed))?;
            sample.resources.iter().try_for_each(|name| writeln!(out, "  {}", clean(name)))?;
            writeln!(out, "and {} of {} commits", sample.commits.len(), sample.commits_of)?;
            sample.commits.iter().try_for_each(|name| writeln!(out, "  {}", clean(name)))?;
        }
        let open = self.deviations.iter().filter(|each| each.to.is_none()).count();
        let waived: u64 = self.rules.iter().map(|rule| rule.held.waived_at_end).sum();
        writeln!(
            out,
            "\n{}, {open} at the end ({waived} waived); {} denied; {}.",
            plural(self.deviations.len() as u64, "deviation"),
            plural(self.events.len() as u64, "change"),
            plural(self.problems.len() as u64, "problem")
        )
    }

    /// For a page.
    ///
    /// # Errors
    /// What keeps it from being written.
    pub fn write_markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        let clean = |text: &str| for_markdown(text, LONGEST);
        writeln!(out, "## Period {} to {}\n", self.from, self.to)?;
        writeln!(
            out,
            "{}, {}; judged by {} ({}).\n",
            plural(self.commits, "commit"),
            plural(self.steps, "step"),
            clean(&self.policies),
            self.policy_digest
        )?;
        self.notes.iter().try_for_each(|note| writeln!(out, "- {}", clean(note)))?;
        for (title, groups) in [("Requirements", &self.requirements), ("Controls", &self.controls)] {
            if groups.is_empty() {
                continue;
            }
            writeln!(out, "\n### {title}\n")?;
            writeln!(out, "| | held | failing | longest | opened | closed | open | mean repair |")?;
            writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
            for GroupPeriod { id, title, held, .. } in groups {
                let repair = held.mean_repair_seconds.map(span).unwrap_or_default();
                writeln!(
                    out,
                    "| {} {} | {} | {} | {} | {} | {} | {} | {repair} |",
                    clean(id),
                    clean(title),
                    percent(held.share),
                    span(held.failing_seconds),
                    span(held.longest_gap_seconds),
                    held.opened,
                    held.closed,
                    held.open_at_end
                )?;
            }
        }
        writeln!(out, "\n### Deviations\n\n| rule | resource | from | to | days | message |")?;
        writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
        for each in &self.deviations {
            let begin = if each.since_before { "before " } else { "" };
            let end = each.to.as_ref().map_or_else(|| "open".to_owned(), Mark::text);
            writeln!(
                out,
                "| {} | {} | {begin}{} | {end} | {} | {} |",
                clean(&each.rule),
                clean(&each.resource),
                each.from.text(),
                each.seconds / DAY,
                clean(&each.message)
            )?;
        }
        if !self.events.is_empty() {
            writeln!(out, "\n### Changes that a rule denies\n\n| when | who | rule | resource | message |")?;
            writeln!(out, "| --- | --- | --- | --- | --- |")?;
            for event in &self.events {
                let (who, rule, resource) =
                    (clean(&event.committer), clean(&event.rule), clean(&event.resource));
                let when = event.at.text();
                writeln!(out, "| {when} | {who} | {rule} | {resource} | {} |", clean(&event.message))?;
            }
        }
        if !self.gate.is_empty() {
            writeln!(out, "\n### Changes of what judges\n\n| when | who | what |\n| --- | --- | --- |")?;
            for event in &self.gate {
                let (when, who) = (event.at.text(), clean(&event.committer));
                writeln!(out, "| {when} | {who} | {} |", clean(&event.text()))?;
            }
        }
        if !self.commit_approvals.is_empty() {
            writeln!(
                out,
                "\n### Who approved\n\n{}: {}.\n",
                plural(self.commit_approvals.len() as u64, "commit"),
                self.approval_words()
            )?;
            writeln!(out, "| when | author | subject | approval | |\n| --- | --- | --- | --- | --- |")?;
            for each in &self.commit_approvals {
                let id = each.commit.get(..12).unwrap_or(&each.commit);
                let (state, words) = (each.approval.state.name(), clean(&each.words()));
                let (who, subject) = (clean(&each.author), clean(&each.subject));
                writeln!(out, "| {} ({id}) | {who} | {subject} | {state} | {words} |", each.date)?;
            }
        }
        writeln!(out, "\n### By week\n\n| week from | opened | closed | open |\n| --- | --- | --- | --- |")?;
        for week in &self.weeks {
            writeln!(out, "| {} | {} | {} | {} |", week.from, week.opened, week.closed, week.open)?;
        }
        for each in &self.problems {
            let end = each.to.as_ref().map_or_else(|| "the end".to_owned(), Mark::text);
            let message = clean(&each.message);
            writeln!(out, "\n- not checked from {} to {end}: `{}` {message}", each.from.text(), each.code)?;
        }
        Ok(())
    }
}

fn line(held: &Held) -> String {
    let mut parts = vec![
        format!("held {} of the time", percent(held.share)),
        format!("longest gap {}", span(held.longest_gap_seconds)),
        format!("{} opened, {} closed, {} open at the end", held.opened, held.closed, held.open_at_end),
    ];
    parts.extend(held.mean_repair_seconds.map(|mean| format!("mean repair {}", span(mean))));
    parts.join("; ")
}
