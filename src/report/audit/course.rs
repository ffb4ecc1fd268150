//! The sections of the page about a period: what happened when, what the end does not show, timelines, deviations.

use std::collections::BTreeMap;

use super::chart::{self, Scale};
use super::html::h;
use super::past::Past;
use super::register::{MOST_ROWS, heading, table};
use super::remark::{Remark, Sort};
use crate::outcome::RequirementOutcome;
use crate::report::period::{DAY, percent, span};
use crate::report::word::plural;
use crate::report::{CommitApproval, Deviation, Held, Period, PopulationChange};

/// The sections: anchor and title.
pub(super) const SECTIONS: [(&str, &str); 5] = [
    ("period", "The period"),
    ("remarks", "What the end does not show"),
    ("timelines", "Timelines"),
    ("deviations", "Deviations"),
    ("approvals", "Who approved"),
];

/// A badge with the words and the colour of a severity.
fn severity(name: &str) -> String {
    format!("<span class=\"s {name}\">{name}</span>")
}

/// A commit in short, on one line.
fn commit(id: &str) -> String {
    format!("<span class=\"k\"><code>{}</code></span>", h(id.get(..12).unwrap_or(id)))
}

/// A date or a number, on one line.
fn whole(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<span class=\"k\">{}</span>", h(text)) }
}

/// What the period is, and its weeks.
pub(super) fn overview(past: &Past<'_>, period: &Period, out: &mut String) {
    heading("period", "The period", out);
    out.push_str(&format!(
        "<p>From <b>{}</b> to <b>{}</b>: {} in {}, judged by {}. All days and times are in UTC. The other sections tell the state at its end.</p>\n<ul>\n",
        h(&period.from),
        h(&period.to),
        plural(period.commits, "commit"),
        plural(period.steps, "step"),
        h(&period.policies),
    ));
    let notes = past.audit.births.notes_with(period);
    out.extend(notes.map(|note| format!("<li>{}</li>\n", h(&sentence(note)))));
    out.push_str("</ul>\n");
    if !period.problems.is_empty() {
        let count = plural(period.problems.len() as u64, "stretch");
        let count = count.replace("stretchs", "stretches");
        out.push_str(&format!(
            "<div class=\"note bad\" role=\"note\"><p><b>Not everything could be judged all the time.</b> {count} \
             <a href=\"#n-not-judged\">are listed</a>; more may have happened in them than is told here.</p></div>\n"
        ));
    }
    out.push_str("<h3>Findings by week</h3>\n");
    out.push_str(&chart::weeks(&period.weeks));
    out.push_str(
        "\n<ul class=\"legend\"><li><span class=\"s open\">open at the end of the week</span></li>\
         <li><span class=\"s fail\">opened</span></li><li><span class=\"s satisfied\">closed</span></li></ul>\n\
         <details class=\"g\"><summary><span class=\"t\">The weeks in numbers</span></summary><div class=\"body\">\
         <div class=\"wide\"><table><thead><tr><th scope=\"col\">Week from</th><th scope=\"col\" class=\"n\">Opened</th>\
         <th scope=\"col\" class=\"n\">Closed</th><th scope=\"col\" class=\"n\">Open at its end</th></tr></thead><tbody>\n",
    );
    for week in &period.weeks {
        out.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            h(&week.from),
            week.opened,
            week.closed,
            week.open
        ));
    }
    out.push_str("</tbody></table></div></div></details>\n</section>\n");
}

fn sentence(text: &str) -> String {
    format!("{}.", crate::report::word::capitalised(text))
}

/// What somebody who reads the state at the end alone would miss.
pub(super) fn remarks(remarks: &[Remark], anchors: &BTreeMap<String, String>, out: &mut String) {
    heading("remarks", "What the end does not show", out);
    out.push_str("<p>What somebody who reads the state at the end alone would miss. What opened within the period and is open at its end stands with the findings.</p>\n");
    for sort in Sort::ALL {
        let of_sort: Vec<&Remark> = remarks.iter().filter(|remark| remark.sort == sort).collect();
        let count = if of_sort.is_empty() { "none".to_owned() } else { of_sort.len().to_string() };
        out.push_str(&format!(
            "<details class=\"g\" id=\"n-{}\"><summary><span class=\"t\">{}</span><span class=\"c\">{count}</span></summary>\
             <div class=\"body\"><p>{}</p>\n",
            sort.name(),
            sort.title(),
            sort.meaning()
        ));
        let rows: Vec<(String, Option<&str>, Vec<String>)> = of_sort
            .iter()
            .map(|remark| (String::new(), remark.severity, remark_cells(remark, anchors)))
            .collect();
        if !rows.is_empty() {
            let columns = ["Severity", "What", "Resource", "When", "Days", "Commit", "In words"];
            table(&columns, &rows, out);
        }
        out.push_str("</div></details>\n");
    }
    out.push_str("</section>\n");
}

fn remark_cells(remark: &Remark, anchors: &BTreeMap<String, String>) -> Vec<String> {
    let name = match anchors.get(&remark.name) {
        Some(anchor) => format!("<a href=\"#{anchor}\">{}</a>", h(&remark.name)),
        None => format!("<code>{}</code>", h(&remark.name)),
    };
    let when = match &remark.to {
        Some(to) => format!("{} to {}", whole(&remark.from), whole(to)),
        None => whole(&remark.from),
    };
    let who = remark.who.as_deref().map(|who| format!(" {}", h(who))).unwrap_or_default();
    vec![
        remark.severity.map(severity).unwrap_or_default(),
        name,
        h(&remark.resource),
        when,
        remark.days.map(|days| days.to_string()).unwrap_or_default(),
        format!("{}{who}", remark.commit.as_deref().map(commit).unwrap_or_default()),
        h(&remark.text),
    ]
}

/// A timeline with its stretches in words.
fn line(held: &Held, scale: Scale, name: &str) -> String {
    let words = chart::words(&held.phases);
    let label = format!("{name}: {}", plural(words.len() as u64, "stretch").replace("stretchs", "stretches"));
    let list: String = words.iter().map(|words| format!("<li>{words}</li>")).collect();
    format!(
        "{}<details class=\"w\"><summary>in words</summary><ul>{list}</ul></details>",
        chart::timeline(&held.phases, scale, &label)
    )
}

/// The numbers of a timeline, in words; what is nothing is empty.
fn numbers(held: &Held) -> [String; 9] {
    let nothing = held.phases.iter().filter(|phase| phase.state == "nothing");
    let nothing: i64 = nothing.map(|phase| phase.to - phase.from).sum();
    let or_none = |seconds: i64| if seconds == 0 { String::new() } else { span(seconds) };
    [
        percent(held.share),
        or_none(held.failing_seconds),
        or_none(held.longest_gap_seconds),
        held.mean_repair_seconds.map(span).unwrap_or_default(),
        held.opened.to_string(),
        held.closed.to_string(),
        held.open_at_end.to_string(),
        held.waived_at_end.to_string(),
        or_none(nothing),
    ]
}

const HELD: [&str; 9] = [
    "Held",
    "Failing",
    "Longest gap",
    "Mean repair",
    "Opened",
    "Closed",
    "Open",
    "Waived",
    "Nothing declared",
];

/// Whether a timeline shows more than one even stretch.
fn is_eventful(held: &Held) -> bool {
    held.phases.iter().any(|phase| matches!(phase.state, "failing" | "error" | "waived"))
        || held.phases.len() > 1
}

/// The timelines of requirements, controls and rules.
pub(super) fn timelines(
    past: &Past<'_>,
    period: &Period,
    anchors: &BTreeMap<String, String>,
    out: &mut String,
) {
    heading("timelines", "Timelines", out);
    let scale = Scale::new(period);
    out.push_str(&format!(
        "<p>From {} on the left to the end of {} on the right. Where nothing is drawn, nothing was declared or nothing is known yet. The bands below are the months, by turns.</p>\n\
         <ul class=\"legend\"><li><span class=\"s fail\">a finding counted: full height</span></li>\
         <li><span class=\"s error\">not judged: four fifths</span></li><li><span class=\"s waived\">waived: three fifths</span></li>\
         <li><span class=\"s satisfied\">held: a low line</span></li></ul>\n{}\n",
        h(&period.from),
        h(&period.to),
        chart::months(period, scale)
    ));
    let mut columns = vec!["What", "Over the period"];
    columns.extend(HELD);
    let mut group = |title: &str, all: Vec<(String, String, &Held)>| {
        if all.is_empty() {
            return;
        }
        let count = all.len();
        let quiet = all.iter().filter(|(.., held)| !is_eventful(held)).count();
        let rows: Vec<(String, Option<&str>, Vec<String>)> = all
            .into_iter()
            .filter(|(.., held)| is_eventful(held))
            .map(|(name, cell, held)| {
                let mut cells = vec![cell, line(held, scale, &name)];
                cells.extend(numbers(held).iter().map(|number| whole(number)));
                (String::new(), None, cells)
            })
            .collect();
        out.push_str(&format!(
            "<details class=\"g\"><summary><span class=\"t\">{title}</span><span class=\"c\">{} of {count} with a change or a finding</span></summary>\
             <div class=\"body\"><p>{quiet} of {count} held all the time, or had nothing declared all the time.</p>\n",
            rows.len()
        ));
        if !rows.is_empty() {
            table(&columns, &rows, out);
        }
        out.push_str("</div></details>\n");
    };
    for framework in &past.audit.outcomes.frameworks {
        let of_requirement = |each: &RequirementOutcome| {
            let full = format!("{}:{}", framework.id, each.id);
            let held = past.requirement(&framework.id, &each.id)?;
            let link = anchors
                .get(&full)
                .map_or_else(|| h(&full), |anchor| format!("<a href=\"#{anchor}\">{}</a>", h(&each.id)));
            Some((full, format!("{link} {}", h(&each.title)), &held.held))
        };
        let title = if framework.title.is_empty() { &framework.id } else { &framework.title };
        group(&h(title), framework.requirements.iter().filter_map(of_requirement).collect());
    }
    let control =
        |each: &'_ crate::report::GroupPeriod| format!("<code>{}</code> {}", h(&each.id), h(&each.title));
    group(
        "Controls",
        period.controls.iter().map(|each| (each.id.clone(), control(each), &each.held)).collect(),
    );
    let rules = period.rules.iter().map(|each| {
        let cell = format!("{} <code>{}</code> {}", severity(each.severity), h(&each.rule), h(&each.title));
        (each.rule.clone(), cell, &each.held)
    });
    group("Rules", rules.collect());
    out.push_str("</section>\n");
}

/// Every deviation as an interval.
pub(super) fn deviations(period: &Period, out: &mut String) {
    heading("deviations", "Deviations", out);
    let scale = Scale::new(period);
    let row = |each: &Deviation| {
        let phases = chart::stretches(each, scale);
        let by_commit = |id: Option<&str>| id.map(|id| format!("<br>{}", commit(id))).unwrap_or_default();
        let before = if each.since_before { "before " } else { "" };
        let from = format!("{before}{}{}", whole(&each.from.date), by_commit(each.from.commit.as_deref()));
        let to = each.to.as_ref().map_or_else(
            || "open".to_owned(),
            |to| format!("{}{}", whole(&to.date), by_commit(to.commit.as_deref())),
        );
        let status = |stretch: &crate::report::Stretch| {
            let by = stretch.exception.as_deref().map(|name| format!(" by {}", h(name))).unwrap_or_default();
            let (name, since) = (stretch.status, whole(&stretch.from.date));
            format!("<span class=\"s {name}\">{name}</span>{by} from {since}")
        };
        let statuses: Vec<String> = each.stretches.iter().map(status).collect();
        let name = format!("{} on {}", each.rule, each.resource);
        let cells = vec![
            format!("{} <code>{}</code><br>{}", severity(each.severity), h(&each.rule), h(&each.resource)),
            from,
            to,
            (each.seconds / DAY).to_string(),
            format!("{}{}", chart::timeline(&phases, scale, &name), statuses.join("<br>")),
            format!("{}<br>{}", h(&each.message), h(&each.place)),
        ];
        (String::new(), Some(each.severity), cells)
    };
    let rows: Vec<_> = period.deviations.iter().map(row).collect();
    if rows.is_empty() {
        out.push_str("<p>None.</p>\n</section>\n");
        return;
    }
    let open = period.deviations.iter().filter(|each| each.to.is_none()).count();
    out.push_str(&format!(
        "<p>{}, {open} of them open at the end.</p>\n",
        plural(rows.len() as u64, "deviation")
    ));
    let columns = ["Rule and resource", "From", "To", "Days", "Over the period", "Finding"];
    table(&columns, &rows, out);
    out.push_str("</section>\n");
}

/// The commits of the period, and who approved them.
pub(super) fn approvals(period: &Period, out: &mut String) {
    heading("approvals", "Who approved", out);
    let commits = plural(period.commit_approvals.len() as u64, "commit");
    out.push_str(&format!(
        "<p>{commits}: {}. Git proves what stood in a commit, not who approved it: <b>recorded</b> is what a Change of the \
         estate says, <b>imported</b> what a file says that was given, <b>unproven</b> everything else.</p>\n",
        period.approval_words()
    ));
    let row = |each: &CommitApproval| {
        let state = each.approval.state.name();
        let class = if each.is_unproven() { "invalid" } else { "valid" };
        let cells = vec![
            format!("{} {}", whole(&each.date), commit(&each.commit)),
            h(&each.author),
            h(&each.committer),
            h(&each.subject),
            h(&each.touches.join(", ")),
            format!("<span class=\"s {class}\">{state}</span>"),
            h(&each.words()),
        ];
        (String::new(), None, cells)
    };
    let rows: Vec<_> = period.commit_approvals.iter().map(row).collect();
    if !rows.is_empty() {
        let columns = [
            "Commit",
            "Author",
            "Committer",
            "Subject",
            "Policies and waivers it touched",
            "Approval",
            "By whom, or why not",
        ];
        table(&columns, &rows, out);
    }
    out.push_str("</section>\n");
}

/// What a requirement's own page tells of the time before: its oldest finding, and its timeline.
pub(super) fn of_requirement(past: &Past<'_>, framework: &str, each: &RequirementOutcome, out: &mut String) {
    if let Some(oldest) = past.oldest(each) {
        out.push_str(&format!("<p>Oldest open finding: {}</p>\n", h(&oldest.text())));
    }
    let (Some(period), Some(group)) = (&past.audit.period, past.requirement(framework, &each.id)) else {
        return;
    };
    let held = &group.held;
    let told: Vec<String> = HELD
        .iter()
        .zip(numbers(held))
        .filter(|(_, value)| !value.is_empty() && value != "0")
        .map(|(name, value)| format!("{} {}", name.to_lowercase(), h(&value)))
        .collect();
    let name = format!("{framework}:{}", each.id);
    out.push_str(&format!(
        "<p>Over the period: {}</p>\n{}\n",
        told.join("; "),
        line(held, Scale::new(period), &name)
    ));
}

/// Who was judged over the period, as a cell: a drawing, and the changes in words.
pub(super) fn population(period: &Period, changes: &[PopulationChange], name: &str) -> String {
    if changes.iter().all(|change| change.count == 0) {
        return "nothing declared".to_owned();
    }
    let list: String = changes
        .iter()
        .take(MOST_ROWS)
        .map(|change| {
            format!(
                "<li>{} from {}, <code>{}</code></li>",
                change.count,
                h(&change.from.text()),
                h(&change.digest)
            )
        })
        .collect();
    format!(
        "{}<details class=\"w\"><summary>in words</summary><ul>{list}</ul></details>",
        chart::steps(
            changes,
            Scale::new(period),
            &format!("{name}: {}", plural(changes.len() as u64, "change"))
        )
    )
}
