//! `markdown`: the report as a text, for a wiki or a ticket. Long registers are cut, and say so.

use std::io::{self, Write};

use super::past::{Past, age, origin, urgency};
use super::remark::{Sort, remarks};
use super::{Audit, identity_rows, limits_of};
use crate::finding::Status;
use crate::outcome::{FrameworkOutcome, State};
use crate::report::escape::{for_markdown, prose};
use crate::report::period::{percent, span};
use crate::report::word::{plural, totals};
use crate::report::{GroupPeriod, Period};

/// Characters of a text.
const LONGEST: usize = 600;
/// Findings, and lines of a register, that are listed.
const MOST: usize = 1_000;

fn m(text: &str) -> String {
    for_markdown(text, LONGEST)
}

/// In a cell of a table a bar would end it, within code spans as well, and parsers disagree on what a backslash before it
/// does: a broken bar stands for it.
fn cell(text: &str) -> String {
    m(text).replace('|', "¦")
}

/// Writes the report.
///
/// # Errors
/// Those of the writer.
pub fn write_audit_markdown(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    let report = &audit.report;
    text.push_str("# What the declared estate says of its requirements\n\n");
    text.push_str(&format!("As of {}: {}.\n\n", m(&report.run.as_of), totals(report)));
    if !report.problems.is_empty() {
        text.push_str(&format!(
            "**This report is incomplete**: {}, listed below, and what could not be checked may hold more than is told here.\n\n",
            plural(report.problems.len() as u64, "problem")
        ));
    }
    let past = Past::new(audit);
    if let Some(period) = &audit.period {
        self::period(audit, period, &mut text);
    } else {
        text.push_str(&format!("Since when findings hold: {}.\n\n", m(&audit.births.sentence())));
    }
    text.push_str("| framework |");
    text.extend(State::ALL.iter().map(|state| format!(" {} |", state.label())));
    text.push_str(&format!("\n| --- |{}\n", " ---: |".repeat(State::ALL.len())));
    for framework in &audit.outcomes.frameworks {
        text.push_str(&format!("| {} |", cell(&framework.title)));
        text.extend(framework.counts().iter().map(|(_, count)| format!(" {count} |")));
        text.push('\n');
    }
    text.push_str("\nA requirement that only has parts is counted by its parts.\n\n");
    for state in State::ALL {
        text.push_str(&format!("- **{}**: {}\n", state.label(), state.meaning()));
    }
    for framework in &audit.outcomes.frameworks {
        self::framework(&past, framework, &mut text);
    }
    if audit.period.is_some() {
        over_time(&past, &mut text);
    }
    findings(&past, &mut text);
    registers(audit, &mut text);
    text.push_str("\n## Run identity\n\n");
    for (name, value) in identity_rows(audit) {
        text.push_str(&format!("- {name}: {}\n", m(&value)));
    }
    out.write_all(text.as_bytes())
}

/// What a period is, and what its end does not show.
fn period(audit: &Audit, period: &Period, out: &mut String) {
    out.push_str(&format!(
        "Over the period from {} to {}: {} in {}, judged by {}. The state is that of its end. Since when findings hold: {}.\n\n",
        m(&period.from),
        m(&period.to),
        plural(period.commits, "commit"),
        plural(period.steps, "step"),
        m(&period.policies),
        m(&audit.births.sentence())
    ));
    out.extend(audit.births.notes_with(period).map(|note| format!("- {}\n", m(note))));
    out.push_str("\n## What the end does not show\n");
    let all = remarks(audit);
    for sort in Sort::ALL {
        let of_sort: Vec<_> = all.iter().filter(|remark| remark.sort == sort).collect();
        if of_sort.is_empty() {
            continue;
        }
        out.push_str(&format!("\n### {}\n\n{}\n\n", sort.title(), sort.meaning()));
        for remark in of_sort.iter().take(MOST) {
            let severity = remark.severity.map(|severity| format!("**{severity}** ")).unwrap_or_default();
            let resource =
                if remark.resource.is_empty() { String::new() } else { format!(" {}", m(&remark.resource)) };
            let to = remark.to.as_deref().map(|to| format!(" to {}", m(to))).unwrap_or_default();
            let days = remark
                .days
                .map(|days| format!(", {}", plural(days.unsigned_abs(), "day")))
                .unwrap_or_default();
            let who = remark.who.as_deref().map(|who| format!(", {}", m(who))).unwrap_or_default();
            let commit = remark
                .commit
                .as_deref()
                .map(|id| format!(", `{}`", id.get(..12).unwrap_or(id)))
                .unwrap_or_default();
            out.push_str(&format!(
                "- {severity}{}{resource} ({}{to}{days}{commit}{who}): {}\n",
                m(&remark.name),
                m(&remark.from),
                m(&remark.text)
            ));
        }
        if of_sort.len() > MOST {
            out.push_str(&format!(
                "\n{} more; the formats json, csv and xlsx have all.\n",
                of_sort.len() - MOST
            ));
        }
    }
    approvals(period, out);
    out.push_str("\n### Findings by week\n\n| week from | opened | closed | open at its end |\n| --- | ---: | ---: | ---: |\n");
    for week in &period.weeks {
        out.push_str(&format!("| {} | {} | {} | {} |\n", week.from, week.opened, week.closed, week.open));
    }
    out.push('\n');
}

/// The commits of a period, and who approved them.
fn approvals(period: &Period, out: &mut String) {
    let all = &period.commit_approvals;
    out.push_str(&format!(
        "\n## Who approved\n\n{}: {}.\n",
        plural(all.len() as u64, "commit"),
        period.approval_words()
    ));
    if !all.is_empty() {
        out.push_str("\n| commit | author | subject | touched | approval | by whom, or why not |\n");
        out.push_str("| --- | --- | --- | --- | --- | --- |\n");
    }
    for each in all.iter().take(MOST) {
        out.push_str(&format!(
            "| {} `{}` | {} | {} | {} | {} | {} |\n",
            each.date,
            each.commit.get(..12).unwrap_or(&each.commit),
            cell(&each.author),
            cell(&each.subject),
            cell(&each.touches.join(", ")),
            each.approval.state.name(),
            cell(&each.words())
        ));
    }
    if all.len() > MOST {
        out.push_str(&format!("\n{} more; the formats json, csv and xlsx have all.\n", all.len() - MOST));
    }
}

/// Requirements and controls over the period; those that held all the time are counted.
fn over_time(past: &Past<'_>, out: &mut String) {
    let Some(period) = &past.audit.period else { return };
    out.push_str("\n## Over the period\n\n");
    let mut table = |title: &str, groups: Vec<&GroupPeriod>| {
        if groups.is_empty() {
            return;
        }
        let count = groups.len();
        let is_eventful = |group: &&GroupPeriod| {
            group.held.phases.len() > 1
                || group.held.phases.iter().any(|phase| phase.state != "held" && phase.state != "nothing")
        };
        let eventful: Vec<&GroupPeriod> = groups.into_iter().filter(is_eventful).collect();
        out.push_str(&format!(
            "### {title}\n\n{} of {count} held all the time, or had nothing declared all the time.\n\n",
            count - eventful.len()
        ));
        if eventful.is_empty() {
            return;
        }
        out.push_str(
            "| | held | failing | longest gap | mean repair | opened | closed | open | waived | judged |\n",
        );
        out.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n");
        for GroupPeriod { id, title, held, population, .. } in eventful {
            let counts: Vec<String> = population
                .iter()
                .take(12)
                .map(|change| format!("{} from {}", change.count, change.from.date))
                .collect();
            let more = if population.len() > 12 { " …" } else { "" };
            out.push_str(&format!(
                "| {} {} | {} | {} | {} | {} | {} | {} | {} | {} | {}{more} |\n",
                cell(id),
                cell(title),
                percent(held.share),
                span(held.failing_seconds),
                span(held.longest_gap_seconds),
                held.mean_repair_seconds.map(span).unwrap_or_default(),
                held.opened,
                held.closed,
                held.open_at_end,
                held.waived_at_end,
                counts.join("; ")
            ));
        }
        out.push('\n');
    };
    for framework in &past.audit.outcomes.frameworks {
        let all = framework.requirements.iter().filter_map(|each| past.requirement(&framework.id, &each.id));
        table(&m(&framework.title), all.collect());
    }
    table("Controls", period.controls.iter().collect());
}

fn framework(past: &Past<'_>, framework: &FrameworkOutcome, out: &mut String) {
    let audit = past.audit;
    let limits = limits_of(&framework.id);
    out.push_str(&format!("\n## {} ({})\n\n", m(&framework.title), m(&framework.version)));
    out.push_str(&format!("It proves: {}\n\nIt does not prove: {}\n\n", limits.proves, limits.does_not));
    out.push_str(
        "| requirement | | outcome | why | judged | findings |\n| --- | --- | --- | --- | ---: | ---: |\n",
    );
    for each in &framework.requirements {
        let parts: Vec<String> =
            each.parts.iter().map(|(state, count)| format!("{count} {}", state.label())).collect();
        let mut why: Vec<String> = each.reasons.iter().map(|reason| cell(reason)).collect();
        if !parts.is_empty() {
            why.push(format!("parts: {}", parts.join(", ")));
        }
        for (rule, reason) in &each.left_out {
            why.push(cell(&format!("{rule} took no part: {reason}")));
        }
        for waiver in each.waivers.iter().filter_map(|at| audit.report.waivers.get(*at)) {
            why.push(cell(&format!(
                "{} until {}",
                waiver.identity,
                waiver.expires.as_deref().unwrap_or("no date")
            )));
        }
        for evidence in each.evidence.iter().filter_map(|at| audit.outcomes.evidence.get(*at)) {
            let name = &evidence.evidence.identity;
            why.push(match &evidence.until {
                Some(until) if evidence.is_valid() => cell(&format!("{name} until {until}")),
                _ => cell(&format!("{name} evidences nothing")),
            });
        }
        if let Some(oldest) = past.oldest(each) {
            why.push(cell(&format!("oldest open finding: {}", oldest.text())));
        }
        let count = if each.rules.is_empty() { String::new() } else { each.population.count.to_string() };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {count} | {} |\n",
            cell(&each.id),
            cell(&each.title),
            each.state.label(),
            why.join("; "),
            each.findings
        ));
    }
}

fn findings(past: &Past<'_>, out: &mut String) {
    let report = &past.audit.report;
    out.push_str("\n## Findings\n\n");
    if report.findings.is_empty() {
        out.push_str("None.\n");
    }
    for (finding, print, _) in report.all_findings().take(MOST) {
        let Some(rule) = report.rule(finding) else { continue };
        let status = if finding.status == Status::Fail {
            String::new()
        } else {
            format!(" ({}, {})", finding.status.name(), m(finding.exception.as_deref().unwrap_or_default()))
        };
        let since = past.since(&rule.name, print).map(|since| {
            let mut said = vec![format!("since {}", since.text())];
            if let Some(birth) = since.birth {
                said.push(age(birth));
                said.push(origin(birth));
                said.extend(urgency(birth));
            }
            format!("; {}", m(&said.join(", ")))
        });
        let since = since.unwrap_or_default();
        let place = format!("{}:{}", finding.location.file, finding.location.line);
        out.push_str(&format!(
            "- **{}** {} {}: {} — {}{status}{since}\n",
            rule.severity,
            m(&rule.name),
            m(&finding.resource.identity.to_string()),
            m(&finding.message),
            m(&place)
        ));
    }
    if report.findings.len() > MOST {
        let left = (report.findings.len() - MOST) as u64;
        out.push_str(&format!(
            "\n{} more; the formats json, csv and xlsx have all.\n",
            plural(left, "finding")
        ));
    }
}

fn registers(audit: &Audit, out: &mut String) {
    let Audit { report, outcomes, .. } = audit;
    let mut section = |title: &str, lines: Vec<String>| {
        out.push_str(&format!("\n## {title}\n\n"));
        if lines.is_empty() {
            out.push_str("None.\n");
        }
        out.extend(lines.iter().take(MOST).map(|line| format!("- {line}\n")));
        if lines.len() > MOST {
            out.push_str(&format!(
                "\n{} more; the formats json, csv and xlsx have all.\n",
                lines.len() - MOST
            ));
        }
    };
    let defects = |defects: &[String]| defects.iter().map(|defect| m(defect)).collect::<Vec<_>>().join("; ");
    let waivers = report.waivers.iter().map(|waiver| {
        let expires = waiver.expires.as_deref().unwrap_or("no date");
        let findings = plural(waiver.findings, "finding");
        let base = format!(
            "{}: {}, until {}, {findings}",
            m(&waiver.identity.to_string()),
            waiver.state.name(),
            m(expires)
        );
        if waiver.defects.is_empty() { base } else { format!("{base}; {}", defects(&waiver.defects)) }
    });
    section("Waivers", waivers.collect());
    let evidence = outcomes.evidence.iter().map(|outcome| {
        let name = m(&outcome.evidence.identity.to_string());
        match &outcome.until {
            Some(until) if outcome.is_valid() => format!("{name}: valid until {}", m(until)),
            _ => format!("{name} evidences nothing: {}", defects(&outcome.defects)),
        }
    });
    section("Evidence", evidence.collect());
    let controls = outcomes.controls.iter().map(|outcome| {
        let control = &outcome.control;
        let state = outcome.state.map_or("of no framework here", State::label);
        let operators =
            if control.operators.is_empty() { "nobody".to_owned() } else { control.operators.join(", ") };
        let frequency = control.frequency.as_deref().unwrap_or("no frequency");
        let base = format!(
            "{}: {state}; declared {}, carried out by {}, {}",
            m(&control.identity.to_string()),
            m(&control.status),
            m(&operators),
            m(frequency)
        );
        if outcome.defects.is_empty() { base } else { format!("{base}; {}", defects(&outcome.defects)) }
    });
    section("Controls", controls.collect());
    let populations = report.rules.iter().zip(&outcomes.populations);
    let populations = populations.filter(|(_, population)| population.count > 0).map(|(rule, population)| {
        format!("{}: {}, `{}`", m(&rule.name), plural(population.count, "resource"), population.digest)
    });
    section("Populations", populations.collect());
    let rules = report.not_selected.iter().map(|each| format!("{}: {}", m(&each.rule), m(&each.reason)));
    let files = report.skipped.iter().map(|each| format!("{}: {}", m(&each.path), each.reason.name()));
    section("Left out", rules.chain(files).collect());
    let problems = report.problems.iter().map(|problem| {
        let place = problem
            .location
            .as_ref()
            .map(|place| format!(" — {}", m(&format!("{}:{}", place.file, place.line))));
        format!(
            "{}: {}{}. {}",
            problem.code,
            m(&problem.message),
            place.unwrap_or_default(),
            prose(problem.remedy(), LONGEST)
        )
    });
    section("Problems", problems.collect());
}
