//! The sheets of a period: what the end does not show, shares of the time, deviations, populations over time, weeks,
//! changes, who approved commits, waivers over time.

use super::{Cell, Table, code, maybe, text};
use crate::report::audit::Audit;
use crate::report::audit::chart;
use crate::report::audit::past::Past;
use crate::report::audit::remark::remarks;
use crate::report::period::{DAY, percent};
use crate::report::{CommitApproval, Held, Mark, Period, PopulationChange};

/// The sheets, in their order; none without a period.
pub(super) fn tables(past: &Past<'_>) -> Vec<Table> {
    let Some(period) = &past.audit.period else { return Vec::new() };
    vec![
        to_look_into(past.audit),
        over_time(past, period),
        deviations(period),
        populations(past, period),
        weeks(period),
        changes(period),
        approvals(period),
        waivers(period),
        unchecked(period),
    ]
}

/// Days, to a tenth, as a text would sort wrongly.
fn days(seconds: i64) -> Cell {
    let tenths = i32::try_from(seconds * 10 / DAY).unwrap_or(i32::MAX);
    Cell::Decimal(f64::from(tenths) / 10.0)
}

fn count(number: u64) -> Cell {
    Cell::Number(number)
}

fn mark(mark: Option<&Mark>, otherwise: &str) -> [Cell; 2] {
    match mark {
        Some(mark) => [text(&mark.date), code(mark.commit.as_deref().unwrap_or_default())],
        None => [text(otherwise), code("")],
    }
}

fn to_look_into(audit: &Audit) -> Table {
    let rows = remarks(audit).into_iter().map(|remark| {
        vec![
            text(remark.sort.title()),
            maybe(remark.severity),
            text(&remark.name),
            text(&remark.resource),
            text(&remark.from),
            maybe(remark.to.as_deref()),
            remark.days.map_or_else(|| text(""), |days| count(days.unsigned_abs())),
            maybe(remark.who.as_deref()),
            text(&remark.text),
            text(remark.sort.meaning()),
            code(remark.commit.as_deref().unwrap_or_default()),
            text(""),
        ]
    });
    Table {
        name: "Not shown by the end".to_owned(),
        columns: vec![
            ("Sort", 30.0),
            ("Severity", 10.0),
            ("Rule, requirement, waiver", 32.0),
            ("Resource", 30.0),
            ("From", 12.0),
            ("To", 12.0),
            ("Days", 8.0),
            ("Who", 18.0),
            ("In words", 60.0),
            ("What the sort means", 50.0),
            ("Commit", 20.0),
            ("Reviewer's remarks", 36.0),
        ],
        rows: rows.collect(),
        coloured: vec![1],
    }
}

fn over_time(past: &Past<'_>, period: &Period) -> Table {
    let row = |sort: &str, name: &str, title: &str, held: &Held| {
        let nothing = held.phases.iter().filter(|phase| phase.state == "nothing");
        let nothing: i64 = nothing.map(|phase| phase.to - phase.from).sum();
        vec![
            text(sort),
            text(name),
            text(title),
            text(percent(held.share)),
            days(held.evaluated_seconds),
            days(held.failing_seconds),
            days(held.error_seconds),
            days(nothing),
            days(held.longest_gap_seconds),
            held.mean_repair_seconds.map_or_else(|| text(""), days),
            count(held.opened),
            count(held.closed),
            count(held.open_at_end),
            count(held.waived_at_end),
            text(chart::words(&held.phases).join("\n")),
        ]
    };
    let mut rows = Vec::new();
    for framework in &past.audit.outcomes.frameworks {
        let of = |id: &str| past.requirement(&framework.id, id);
        let all = framework.requirements.iter().filter_map(|each| of(&each.id));
        rows.extend(all.map(|group| row("requirement", &group.id, &group.title, &group.held)));
    }
    rows.extend(period.controls.iter().map(|group| row("control", &group.id, &group.title, &group.held)));
    rows.extend(period.rules.iter().map(|rule| row("rule", &rule.rule, &rule.title, &rule.held)));
    Table {
        name: "Over time".to_owned(),
        columns: vec![
            ("Sort", 12.0),
            ("Name", 34.0),
            ("Title", 40.0),
            ("Share of the time held", 14.0),
            ("Days evaluated", 10.0),
            ("Days failing", 10.0),
            ("Days not judged", 10.0),
            ("Days nothing declared", 10.0),
            ("Longest gap, days", 10.0),
            ("Mean repair, days", 10.0),
            ("Opened", 8.0),
            ("Closed", 8.0),
            ("Open at the end", 9.0),
            ("Waived at the end", 9.0),
            ("Stretches", 52.0),
        ],
        rows,
        coloured: Vec::new(),
    }
}

fn deviations(period: &Period) -> Table {
    let rows = period.deviations.iter().map(|each| {
        let statuses: Vec<String> = each
            .stretches
            .iter()
            .map(|stretch| {
                let by = stretch.exception.as_deref().map(|name| format!(" by {name}")).unwrap_or_default();
                format!("{}{by} from {}", stretch.status, stretch.from.date)
            })
            .collect();
        let mut cells = vec![text(each.severity), text(&each.rule), text(&each.resource)];
        cells.extend(mark(Some(&each.from), ""));
        cells.push(text(if each.since_before { "yes" } else { "" }));
        cells.extend(mark(each.to.as_ref(), "open"));
        cells.extend([
            days(each.seconds),
            text(statuses.join("\n")),
            text(&each.message),
            text(&each.place),
            code(&each.fingerprint),
        ]);
        cells
    });
    Table {
        name: "Deviations".to_owned(),
        columns: vec![
            ("Severity", 10.0),
            ("Rule", 28.0),
            ("Resource", 30.0),
            ("From", 12.0),
            ("Commit from", 16.0),
            ("There before", 8.0),
            ("To", 12.0),
            ("Commit to", 16.0),
            ("Days", 8.0),
            ("Statuses", 36.0),
            ("Finding", 50.0),
            ("Place", 36.0),
            ("Fingerprint", 36.0),
        ],
        rows: rows.collect(),
        coloured: vec![0],
    }
}

fn populations(past: &Past<'_>, period: &Period) -> Table {
    let mut rows = Vec::new();
    let mut of = |sort: &str, name: &str, changes: &[PopulationChange]| {
        for change in changes {
            let mut cells = vec![text(sort), text(name)];
            cells.extend(mark(Some(&change.from), ""));
            cells.extend([count(change.count), code(&change.digest)]);
            rows.push(cells);
        }
    };
    for framework in &past.audit.outcomes.frameworks {
        for each in framework.requirements.iter().filter_map(|each| past.requirement(&framework.id, &each.id))
        {
            of("requirement", &each.id, &each.population);
        }
    }
    period.controls.iter().for_each(|each| of("control", &each.id, &each.population));
    period.rules.iter().for_each(|each| of("rule", &each.rule, &each.population));
    Table {
        name: "Populations over time".to_owned(),
        columns: vec![
            ("Sort", 12.0),
            ("Name", 40.0),
            ("From", 12.0),
            ("Commit", 16.0),
            ("Judged", 9.0),
            ("Digest of the list", 74.0),
        ],
        rows,
        coloured: Vec::new(),
    }
}

fn weeks(period: &Period) -> Table {
    let row = |week: &crate::report::Week| {
        vec![text(&week.from), count(week.opened), count(week.closed), count(week.open)]
    };
    Table {
        name: "Weeks".to_owned(),
        columns: vec![("Week from", 12.0), ("Opened", 10.0), ("Closed", 10.0), ("Open at its end", 16.0)],
        rows: period.weeks.iter().map(row).collect(),
        coloured: Vec::new(),
    }
}

fn changes(period: &Period) -> Table {
    let denied = period.events.iter().map(|event| {
        let mut cells = vec![text("denied"), text(event.severity), text(&event.rule), text(&event.resource)];
        cells.extend(mark(Some(&event.at), ""));
        cells.extend([text(&event.committer), text(&event.message), text(&event.place)]);
        cells
    });
    let gate = period.gate.iter().map(|event| {
        let mut cells = vec![text(event.sort), text(""), text(&event.name), text("")];
        cells.extend(mark(Some(&event.at), ""));
        cells.extend([text(&event.committer), text(event.text()), maybe(event.place.as_deref())]);
        cells
    });
    Table {
        name: "Changes".to_owned(),
        columns: vec![
            ("Sort", 18.0),
            ("Severity", 10.0),
            ("Rule or setting", 30.0),
            ("Resource", 30.0),
            ("On", 12.0),
            ("Commit", 16.0),
            ("Who committed", 18.0),
            ("What", 60.0),
            ("Place", 36.0),
        ],
        rows: denied.chain(gate).collect(),
        coloured: vec![1],
    }
}

fn approvals(period: &Period) -> Table {
    let row = |each: &CommitApproval| {
        vec![
            text(&each.date),
            text(&each.author),
            text(&each.committer),
            text(&each.subject),
            text(each.touches.join(", ")),
            text(each.approval.state.name()),
            text(each.words()),
            code(&each.commit),
            text(""),
        ]
    };
    Table {
        name: "Who approved".to_owned(),
        columns: vec![
            ("Date", 12.0),
            ("Author", 18.0),
            ("Committer", 18.0),
            ("Subject", 44.0),
            ("Policies and waivers it touched", 30.0),
            ("Approval", 12.0),
            ("By whom, or why not", 60.0),
            ("Commit", 20.0),
            ("Reviewer's remarks", 36.0),
        ],
        rows: period.commit_approvals.iter().map(row).collect(),
        coloured: vec![5],
    }
}

fn waivers(period: &Period) -> Table {
    let mut rows = Vec::new();
    for waiver in &period.waivers {
        for stretch in &waiver.stretches {
            let mut cells = vec![text(&waiver.waiver), text(stretch.state)];
            cells.extend(mark(Some(&stretch.from), ""));
            cells.extend(mark(stretch.to.as_ref(), ""));
            cells.extend([
                maybe(stretch.expires.as_deref()),
                maybe(stretch.approved_by.as_deref()),
                text(stretch.defects.join("; ")),
                text(waiver.rules.join(", ")),
                text(&waiver.reason),
                code(waiver.unproven_commits.join(", ")),
            ]);
            rows.push(cells);
        }
    }
    Table {
        name: "Waivers over time".to_owned(),
        columns: vec![
            ("Waiver", 28.0),
            ("State", 12.0),
            ("From", 12.0),
            ("Commit from", 16.0),
            ("To", 12.0),
            ("Commit to", 16.0),
            ("Expires", 12.0),
            ("Approved by", 18.0),
            ("Defects", 44.0),
            ("Rules", 30.0),
            ("Reason", 44.0),
            ("Unproven commits", 20.0),
        ],
        rows,
        coloured: vec![1],
    }
}

fn unchecked(period: &Period) -> Table {
    let rows = period.problems.iter().map(|each| {
        let mut cells = vec![text(each.code), text(&each.message)];
        cells.extend(mark(Some(&each.from), ""));
        cells.extend(mark(each.to.as_ref(), "the end"));
        cells
    });
    Table {
        name: "Not judged".to_owned(),
        columns: vec![
            ("Code", 24.0),
            ("What it says", 70.0),
            ("From", 12.0),
            ("Commit from", 16.0),
            ("To", 12.0),
            ("Commit to", 16.0),
        ],
        rows: rows.collect(),
        coloured: Vec::new(),
    }
}
