//! `junit`: the results as tests, in the form of Apache Ant's schema, which Jenkins, GitLab and others read.
//!
//! One suite a rule. Each resource with findings that count is a failed test; the resources without are one passed
//! test that says how many; a rule that matched nothing is a skipped test, and what could not be judged is an error.
//! A suite of its own holds what could not be checked at all, so that no report can be all green where something was
//! left out. In a comparison, what persists is skipped: only what is new fails.
//!
//! The form demands a time and a host: the clock of the run and `localhost` stand there, since the same inputs give
//! the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::comparison::{Cause, GateEffect, State};
use super::escape::{cut, for_xml, one_line};
use super::{Report, RuleInfo, word};
use crate::finding::{Finding, Identity, Status};
use crate::policy::NotSelected;

const LONGEST_NAME: usize = 300;
const LONGEST_TEXT: usize = 4_000;

struct Suite {
    name: String,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Skipped(String),
    Failure(Trouble),
    Error(Trouble),
}

struct Trouble {
    sort: String,
    message: String,
    text: String,
}

/// Writes the report.
///
/// # Errors
/// Those of the writer.
pub fn write_junit(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = vec![problems(report)];
    if let Some(comparison) = &report.comparison {
        suites.push(gate(comparison));
    }
    let mut by_rule: BTreeMap<u32, Vec<Found<'_>>> = BTreeMap::new();
    for (finding, _, change) in report.all_findings() {
        let state = change.map(|change| change.state);
        let cause = change.and_then(|change| change.cause.as_ref());
        by_rule.entry(finding.rule).or_default().push(Found { finding, state, cause });
    }
    let events = report.comparison.iter().flat_map(|comparison| &comparison.events);
    for event in events {
        let found = Found { finding: &event.finding, state: Some(State::New), cause: None };
        by_rule.entry(event.finding.rule).or_default().push(found);
    }
    let mut fixed: BTreeMap<u32, Vec<Case>> = BTreeMap::new();
    for each in report.comparison.iter().flat_map(|comparison| &comparison.fixed) {
        let name = format!("fixed: {}", each.finding.resource.identity);
        fixed.entry(each.finding.rule).or_default().push(Case { name, outcome: Outcome::Passed });
    }
    for (index, rule) in (0_u32..).zip(&report.rules) {
        let found = by_rule.remove(&index).unwrap_or_default();
        suites.push(suite(rule, &found, fixed.remove(&index).unwrap_or_default()));
    }
    let absent: Vec<Case> = report.not_by_role().map(absent).collect();
    if !absent.is_empty() {
        let properties = vec![("roles", report.run.roles.to_string())];
        suites.push(Suite { name: "assize: not applicable by role".to_owned(), properties, cases: absent });
    }
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n")?;
    for (id, suite) in suites.iter().enumerate() {
        suite.write(id, &timestamp(&report.run.as_of), out)?;
    }
    out.write_all(b"</testsuites>\n")
}

fn absent(rule: &NotSelected) -> Case {
    Case { name: rule.rule.to_string(), outcome: Outcome::Skipped(rule.reason.clone()) }
}

/// The clock of the run as the schema wants it: to the second, without an offset.
fn timestamp(as_of: &str) -> String {
    let date = as_of.get(..10).unwrap_or(as_of);
    let time = as_of.get(11..19).filter(|time| time.is_ascii()).unwrap_or("00:00:00");
    format!("{date}T{time}")
}

fn problems(report: &Report) -> Suite {
    let mut cases: Vec<Case> = report
        .problems
        .iter()
        .map(|problem| {
            let place = problem
                .location
                .as_ref()
                .map_or_else(String::new, |place| format!("{}:{}:{}", place.file, place.line, place.column));
            let at = if place.is_empty() { String::new() } else { format!(" {place}") };
            Case {
                name: format!("{}{at}", problem.code),
                outcome: Outcome::Error(Trouble {
                    sort: problem.code.to_string(),
                    message: problem.message.clone(),
                    text: format!("{place}\n{}", problem.remedy()),
                }),
            }
        })
        .collect();
    if cases.is_empty() {
        let name = format!("everything could be checked: {}", word::population(report));
        cases.push(Case { name, outcome: Outcome::Passed });
    }
    Suite { name: "assize: problems".to_owned(), properties: Vec::new(), cases }
}

fn gate(comparison: &super::Comparison) -> Suite {
    let mut cases: Vec<Case> = comparison
        .gate
        .iter()
        .map(|change| Case {
            name: format!("{} {}", change.sort.name(), change.name),
            outcome: match change.effect {
                GateEffect::Fails => Outcome::Failure(Trouble {
                    sort: change.sort.name().to_owned(),
                    message: change.sentence(),
                    text: change.location.as_ref().map_or_else(String::new, |place| {
                        format!("{}:{}:{}", place.file, place.line, place.column)
                    }),
                }),
                GateEffect::CountsOnceMerged | GateEffect::Noted => Outcome::Skipped(change.sentence()),
            },
        })
        .collect();
    if cases.is_empty() {
        cases.push(Case { name: "the gate is not weakened".to_owned(), outcome: Outcome::Passed });
    }
    let properties = vec![("base", comparison.base.to_string()), ("head", comparison.head.to_string())];
    Suite { name: "assize: gate".to_owned(), properties, cases }
}

struct Found<'r> {
    finding: &'r Finding,
    state: Option<State>,
    cause: Option<&'r Cause>,
}

fn suite(rule: &RuleInfo, found: &[Found<'_>], mut fixed: Vec<Case>) -> Suite {
    let mut by_resource: BTreeMap<(&Identity, &str), Vec<&Found<'_>>> = BTreeMap::new();
    for each in found {
        // Two foreign resources may have one identity; only their files tell them apart.
        let resource = &each.finding.resource;
        by_resource.entry((&resource.identity, &resource.location.file)).or_default().push(each);
    }
    let mut cases: Vec<Case> = by_resource
        .into_iter()
        .map(|((identity, _), found)| Case { name: identity.to_string(), outcome: outcome(rule, &found) })
        .collect();
    cases.append(&mut fixed);
    let tally = &rule.tally;
    if tally.errors > 0 {
        let message = format!("{} could not be judged", word::plural(tally.errors, "resource"));
        let text = "They break the schema of their kind, stand in a broken document, or refer to what does not exist.";
        cases.push(Case {
            name: message.clone(),
            outcome: Outcome::Error(Trouble {
                sort: "not-judged".to_owned(),
                message,
                text: text.to_owned(),
            }),
        });
    }
    if tally.passed > 0 {
        let name = format!("{} of {} pass", tally.passed, word::plural(tally.matched, "resource"));
        cases.push(Case { name, outcome: Outcome::Passed });
    }
    if cases.is_empty() {
        cases.push(Case {
            name: "no resource".to_owned(),
            outcome: Outcome::Skipped("the rule matched nothing, so that it says nothing".to_owned()),
        });
    }
    Suite {
        name: rule.name.to_string(),
        properties: vec![
            ("title", rule.title.clone()),
            ("severity", rule.severity.to_string()),
            ("requirements", rule.requirements.join(" ")),
            ("matched", tally.matched.to_string()),
        ],
        cases,
    }
}

/// What becomes of a resource with findings of a rule: the worst of them decides.
fn outcome(rule: &RuleInfo, found: &[&Found<'_>]) -> Outcome {
    let line = |each: &&Found<'_>| {
        let place = &each.finding.location;
        let cause = each.cause.map_or_else(String::new, |cause| format!(" ({})", cause.sentence()));
        format!("{}:{}:{}: {}{cause}", place.file, place.line, place.column, each.finding.message)
    };
    let counts =
        |each: &&&Found<'_>| each.finding.status == Status::Fail && each.state != Some(State::Persisting);
    let failing: Vec<&Found<'_>> = found.iter().filter(counts).copied().collect();
    if let Some(first) = failing.first() {
        let mut message = first.finding.message.to_string();
        if failing.len() > 1 {
            message.push_str(&format!(" (and {} more)", failing.len() - 1));
        }
        let mut text: Vec<String> = failing.iter().take(50).map(line).collect();
        text.push(format!("{}\n{}", rule.rationale, rule.remediation));
        let required = rule.requirements.join(", ");
        if !required.is_empty() {
            text.push(format!("required by {required}"));
        }
        return Outcome::Failure(Trouble { sort: rule.severity.to_string(), message, text: text.join("\n") });
    }
    let reasons = found.iter().take(50).map(|each| match each.finding.status {
        Status::Fail => format!("not new: {}", each.finding.message),
        status => format!(
            "{}: {} ({})",
            status.name(),
            each.finding.message,
            each.finding.exception.as_deref().unwrap_or_default()
        ),
    });
    Outcome::Skipped(reasons.collect::<Vec<_>>().join("; "))
}

impl Suite {
    fn count(&self, is_meant: impl Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|case| is_meant(&case.outcome)).count()
    }

    fn write(&self, id: usize, timestamp: &str, out: &mut dyn Write) -> io::Result<()> {
        let name = token(&self.name);
        writeln!(
            out,
            "  <testsuite id=\"{id}\" package=\"assize\" name=\"{name}\" timestamp=\"{}\" hostname=\"localhost\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\">",
            for_xml(timestamp),
            self.cases.len(),
            self.count(|outcome| matches!(outcome, Outcome::Failure(_))),
            self.count(|outcome| matches!(outcome, Outcome::Error(_))),
            self.count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        )?;
        writeln!(out, "    <properties>")?;
        for (key, value) in &self.properties {
            writeln!(
                out,
                "      <property name=\"{key}\" value=\"{}\"/>",
                for_xml(&one_line(value, LONGEST_TEXT))
            )?;
        }
        writeln!(out, "    </properties>")?;
        for case in &self.cases {
            write!(out, "    <testcase name=\"{}\" classname=\"{name}\" time=\"0\"", token(&case.name))?;
            match &case.outcome {
                Outcome::Passed => writeln!(out, "/>")?,
                Outcome::Skipped(why) => {
                    let why = for_xml(&one_line(why, LONGEST_TEXT));
                    writeln!(out, ">\n      <skipped message=\"{why}\"/>\n    </testcase>")?;
                }
                Outcome::Failure(trouble) => trouble.write("failure", out)?,
                Outcome::Error(trouble) => trouble.write("error", out)?,
            }
        }
        writeln!(out, "    <system-out/>\n    <system-err/>\n  </testsuite>")
    }
}

impl Trouble {
    fn write(&self, element: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            ">\n      <{element} type=\"{}\" message=\"{}\">{}</{element}>\n    </testcase>",
            for_xml(&self.sort),
            for_xml(&one_line(&self.message, LONGEST_TEXT)),
            for_xml(&cut(self.text.trim(), LONGEST_TEXT))
        )
    }
}

/// A name as the schema wants it: one line, no blanks at its ends nor two together, and never empty.
fn token(text: &str) -> String {
    let line = one_line(text, LONGEST_NAME);
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.is_empty() { "(no name)".to_owned() } else { for_xml(&words.join(" ")) }
}
