//! `oscal`: five documents of OSCAL 1.2.1 in one folder, each naming the next by its file.
//!
//! The assessment results and the plan of action say what the run found, the assessment plan what it looked at, and the catalogue
//! and system security plan are as small as those need them. Identifiers are of version 5 and follow from names, so that two
//! runs can be compared; that of a document follows from its content. OSCAL knows two states of an objective: `satisfied`
//! stands for nothing but a requirement whose rules were evaluated and all hold.

mod plan;
mod results;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::{Value, json};
use uuid::Uuid;

use super::Audit;
use super::past::Past;
use super::remark::{Remark, remarks};
use crate::date::Moment;
use crate::outcome::{FrameworkOutcome, RequirementOutcome, State};
use crate::report::escape::{Layout, for_markdown, one_line, write_json_value};

/// The version of the standard.
const VERSION: &str = "1.2.1";
/// The namespace of properties of ours.
const NAMESPACE: &str = "https://assize.dev/v1/oscal";
/// Characters of one text.
const LONGEST: usize = 4_000;

/// The files, in the order in which they name each other.
pub const OSCAL_FILES: [&str; 5] = [
    "catalog.json",
    "system-security-plan.json",
    "assessment-plan.json",
    "assessment-results.json",
    "plan-of-action-and-milestones.json",
];

/// Writes one of [`OSCAL_FILES`]; nothing for any other name.
///
/// # Errors
/// Those of the writer.
pub fn write_audit_oscal(audit: &Audit, file: &str, out: &mut dyn Write) -> io::Result<()> {
    let documents = Documents::new(audit);
    let (name, content) = match file {
        "catalog.json" => ("catalog", documents.catalog()),
        "system-security-plan.json" => ("system-security-plan", documents.system_security_plan()),
        "assessment-plan.json" => ("assessment-plan", documents.assessment_plan()),
        "assessment-results.json" => ("assessment-results", documents.assessment_results()),
        "plan-of-action-and-milestones.json" => ("plan-of-action-and-milestones", documents.plan_of_action()),
        _ => return Ok(()),
    };
    let mut document = content;
    // Another content is another document; the same one stays the same.
    let id = identifier(&["document", name, &document.to_string()]);
    if let Some(map) = document.as_object_mut() {
        map.insert("uuid".to_owned(), json!(id));
    }
    write_json_value(&json!({ name: document }), out, Layout::Indented)?;
    out.write_all(b"\n")
}

/// The identifier of something with a name of so many parts, whose borders count.
fn identifier(parts: &[&str]) -> String {
    let root = Uuid::new_v5(&Uuid::NAMESPACE_URL, NAMESPACE.as_bytes());
    let name: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Uuid::new_v5(&root, name.as_bytes()).to_string()
}

/// A text on one line, as values of properties are.
fn line(text: &str) -> String {
    let line = one_line(text, LONGEST);
    let line = line.trim();
    if line.is_empty() { "none".to_owned() } else { line.to_owned() }
}

/// A text within Markdown, on one line; whatever could be markup is code.
fn markup(text: &str) -> String {
    for_markdown(&line(text), LONGEST)
}

#[expect(clippy::needless_pass_by_value, reason = "callers give texts and numbers alike")]
fn property(name: &str, value: impl ToString) -> Value {
    json!({"name": name, "ns": NAMESPACE, "value": line(&value.to_string())})
}

/// Everything that the documents share.
struct Documents<'a> {
    audit: &'a Audit,
    /// The clock, as an instant.
    instant: String,
    /// The identifier of each requirement within OSCAL, by framework and place.
    controls: BTreeMap<(usize, usize), String>,
    /// The places of the findings of each rule.
    by_rule: BTreeMap<u32, Vec<usize>>,
    /// What is known of the time before.
    past: Past<'a>,
    /// What the end of a period does not show.
    remarks: Vec<Remark>,
}

/// What became of a requirement, in the words of OSCAL: a state and a reason. None: it was not assessed.
fn status(state: State) -> Option<(&'static str, &'static str)> {
    match state {
        State::Satisfied => Some(("satisfied", "pass")),
        State::NotSatisfied => Some(("not-satisfied", "fail")),
        State::Error | State::NotEvaluated | State::Waived | State::Decided | State::Evidenced => {
            Some(("not-satisfied", "other"))
        }
        State::Uncovered | State::NotApplicable => None,
    }
}

impl<'a> Documents<'a> {
    fn new(audit: &'a Audit) -> Self {
        let as_of = &audit.report.run.as_of;
        let instant = Moment::parse(as_of).and_then(|moment| moment.utc()).unwrap_or_else(|| as_of.clone());
        let mut controls = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (at, framework) in audit.outcomes.frameworks.iter().enumerate() {
            for (place, requirement) in framework.requirements.iter().enumerate() {
                let wanted = token(&format!("{}_{}", framework.id, requirement.id));
                let mut name = wanted.clone();
                let mut number = 2;
                while !taken.insert(name.clone()) {
                    name = format!("{wanted}_{number}");
                    number += 1;
                }
                controls.insert((at, place), name);
            }
        }
        let mut by_rule: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, finding) in audit.report.findings.iter().enumerate() {
            by_rule.entry(finding.rule).or_default().push(at);
        }
        let (past, remarks) = (Past::new(audit), remarks(audit));
        Self { audit, instant, controls, by_rule, past, remarks }
    }

    fn metadata(&self, title: &str) -> Value {
        let report = &self.audit.report;
        let mut props: Vec<Value> = super::identity_rows(self.audit)
            .into_iter()
            .map(|(name, value)| property(&token(&name.replace([' ', ':'], "-")), value))
            .collect();
        props.push(property("complete", self.audit.is_complete()));
        json!({
            "title": title,
            "last-modified": self.instant,
            "version": line(&report.run.as_of),
            "oscal-version": VERSION,
            "props": props,
        })
    }

    /// Every requirement with the name that it has in these documents.
    fn requirements(&self) -> impl Iterator<Item = (&'a FrameworkOutcome, &'a RequirementOutcome, &str)> {
        let frameworks = self.audit.outcomes.frameworks.iter().enumerate();
        frameworks.flat_map(move |(at, framework)| {
            let requirements = framework.requirements.iter().enumerate();
            requirements.filter_map(move |(place, each)| {
                Some((framework, each, self.controls.get(&(at, place))?.as_str()))
            })
        })
    }

    /// The requirements that were assessed, and the others.
    fn reviewed_controls(&self) -> Value {
        let (mut included, mut excluded) = (Vec::new(), Vec::new());
        for (_, each, control) in self.requirements() {
            let Some(own) = each.own else { continue };
            let list = if status(own).is_some() { &mut included } else { &mut excluded };
            list.push(json!({"control-id": control}));
        }
        let mut selection = json!({
            "description": "Included: the requirements that a rule tests or evidence supports. Excluded: those that nothing covers, \
                and those that do not concern the organisation. Those that only have parts are covered by these.",
        });
        if let Some(map) = selection.as_object_mut() {
            // A list of OSCAL has at least one element.
            if !included.is_empty() {
                map.insert("include-controls".to_owned(), json!(included));
            }
            if !excluded.is_empty() {
                map.insert("exclude-controls".to_owned(), json!(excluded));
            }
        }
        json!({"control-selections": [selection]})
    }

    /// What judges: the program.
    fn component() -> String {
        identifier(&["component", "assize"])
    }

    /// What is judged: all that the repository declares.
    fn system() -> String {
        identifier(&["component", "declared estate"])
    }

    fn origins() -> Value {
        json!([{"actors": [{"type": "tool", "actor-uuid": Self::component()}]}])
    }
}

/// A name without colon as XML has it: what may not stand in one becomes a dot, and no two dots stand together.
fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || matches!(character, '-' | '_') {
            token.push(character);
        } else if !token.ends_with('.') {
            token.push('.');
        }
    }
    let token = token.trim_end_matches('.');
    if token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        token.to_owned()
    } else {
        format!("_{token}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        let cases = [
            ("hipaa_164.312(a)(2)(iv)", "hipaa_164.312.a.2.iv"),
            ("pci-dss-4.0.1_3.5.1", "pci-dss-4.0.1_3.5.1"),
            ("4x", "_4x"),
            ("..", "_"),
            ("", "_"),
            ("a b/ü", "a.b"),
        ];
        for (text, expected) in cases {
            assert_eq!(token(text), expected, "{text}");
        }
    }

    #[test]
    fn identifiers_follow_from_names() {
        let one = identifier(&["a", "bc"]);
        assert_eq!(one, identifier(&["a", "bc"]));
        assert_ne!(one, identifier(&["ab", "c"]));
        assert_eq!(one.as_bytes().get(14), Some(&b'5'), "{one}");
    }

    #[test]
    fn satisfied_is_what_was_evaluated_and_holds() {
        for state in State::ALL {
            let is_satisfied = status(state).is_some_and(|(state, _)| state == "satisfied");
            assert_eq!(is_satisfied, state == State::Satisfied, "{state:?}");
        }
    }
}
