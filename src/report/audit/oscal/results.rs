//! What was found: the assessment results, and the plan of action for what counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Documents, LONGEST, identifier, line, markup, property, status};
use crate::finding::{Finding, Severity, Status};
use crate::outcome::RequirementOutcome;
use crate::report::RuleInfo;
use crate::report::escape::{for_uri, prose};

/// How much of it a document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Everything: what came of each rule, findings, evidence.
    Everything,
    /// Findings, and the risks that they are.
    Findings,
}

/// What a run found, with the identifiers by which its parts name each other.
struct Found {
    observations: Vec<Value>,
    risks: Vec<Value>,
    /// By rule: the identifier of what came of it as a whole; its findings hang on its risks.
    of_rule: BTreeMap<u32, Vec<String>>,
    /// By rule: the identifiers of its risks.
    risks_of_rule: BTreeMap<u32, Vec<String>>,
}

impl Documents<'_> {
    pub(super) fn assessment_results(&self) -> Value {
        let found = self.found(Scope::Everything);
        let findings: Vec<Value> = self
            .requirements()
            .filter_map(|(_, each, control)| self.finding(each, control, &found))
            .collect();
        let report = &self.audit.report;
        let mut result = json!({
            "uuid": identifier(&["result"]),
            "title": "What the declared estate says of its requirements",
            "description": "The outcome of each requirement that a rule tests or evidence supports. A requirement is satisfied here if \
                every declared resource that its rules apply to keeps them, and no more is known.",
            "start": self.instant,
            "end": self.instant,
            "props": [
                property("complete", report.problems.is_empty()),
                property("problems", report.problems.len()),
            ],
            "reviewed-controls": self.reviewed_controls(),
        });
        if let Some(map) = result.as_object_mut() {
            for (name, list) in
                [("observations", found.observations), ("risks", found.risks), ("findings", findings)]
            {
                // A list of OSCAL has at least one element.
                if !list.is_empty() {
                    map.insert(name.to_owned(), Value::Array(list));
                }
            }
            if !report.problems.is_empty() {
                let problems: Vec<String> = report
                    .problems
                    .iter()
                    .map(|problem| format!("- {}: {}", problem.code, markup(&problem.message)))
                    .collect();
                let remarks = format!("What could not be checked:\n\n{}", problems.join("\n"));
                map.insert("remarks".to_owned(), json!(remarks));
            }
        }
        json!({
            "metadata": self.metadata("What was found"),
            "import-ap": {"href": "assessment-plan.json"},
            "results": [result],
        })
    }

    /// One item a rule with findings that count.
    pub(super) fn plan_of_action(&self) -> Value {
        let found = self.found(Scope::Findings);
        let mut items: Vec<Value> = Vec::new();
        for (index, rule) in (0_u32..).zip(&self.audit.report.rules) {
            let count = self.of_rule(index, Status::Fail).count();
            if count == 0 {
                continue;
            }
            let risk = identifier(&["risk", &rule.name, Status::Fail.name()]);
            items.push(json!({
                "uuid": identifier(&["item", &rule.name]),
                "title": markup(&rule.title),
                "description": format!("{} {}", findings(count), prose(&rule.remediation, LONGEST)),
                "props": [property("rule", &rule.name), property("severity", rule.severity)],
                "related-risks": [{"risk-uuid": risk}],
            }));
        }
        if items.is_empty() {
            items.push(json!({
                "uuid": identifier(&["item"]),
                "title": "Nothing to plan",
                "description": "No finding counts.",
            }));
        }
        let mut plan = Map::new();
        plan.insert("metadata".to_owned(), self.metadata("What is to be done"));
        plan.insert("import-ssp".to_owned(), json!({"href": "system-security-plan.json"}));
        for (name, list) in [("observations", found.observations), ("risks", found.risks)] {
            if !list.is_empty() {
                plan.insert(name.to_owned(), Value::Array(list));
            }
        }
        plan.insert("poam-items".to_owned(), Value::Array(items));
        Value::Object(plan)
    }

    fn of_rule(&self, rule: u32, status: Status) -> impl Iterator<Item = &Finding> {
        let places = self.by_rule.get(&rule).into_iter().flatten();
        let all = places.filter_map(|at| self.audit.report.findings.get(*at));
        all.filter(move |finding| finding.status == status)
    }

    /// The findings of a rule with the identifiers of their observations. Findings that nothing tells apart are counted.
    fn observation_ids(&self, rule: u32) -> impl Iterator<Item = (&Finding, String)> {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let report = &self.audit.report;
        let places = self.by_rule.get(&rule).into_iter().flatten();
        let all = places.filter_map(|at| report.findings.get(*at).zip(report.fingerprints.get(*at)));
        all.map(move |(finding, print)| {
            let print = print.to_string();
            let count = seen.entry(print.clone()).or_default();
            *count += 1;
            (finding, identifier(&["observation", &print, &count.to_string()]))
        })
    }

    fn found(&self, scope: Scope) -> Found {
        let (report, outcomes) = (&self.audit.report, &self.audit.outcomes);
        let mut found = Found {
            observations: Vec::new(),
            risks: Vec::new(),
            of_rule: BTreeMap::new(),
            risks_of_rule: BTreeMap::new(),
        };
        for (index, rule) in (0_u32..).zip(&report.rules) {
            if rule.tally.matched == 0 {
                continue;
            }
            if scope == Scope::Everything {
                let id = identifier(&["observation of rule", &rule.name]);
                found.observations.push(self.rule_observation(rule, index, &id));
                found.of_rule.insert(index, vec![id]);
            }
            let mut by_status: BTreeMap<Status, Vec<Value>> = BTreeMap::new();
            for (finding, id) in self.observation_ids(index) {
                found.observations.push(self.observation(rule, finding, &id));
                by_status.entry(finding.status).or_default().push(json!({"observation-uuid": id}));
            }
            for (id, risk) in Self::risks(rule, by_status) {
                found.risks_of_rule.entry(index).or_default().push(id);
                found.risks.push(risk);
            }
        }
        if scope == Scope::Findings {
            return found;
        }
        found.observations.extend(outcomes.evidence.iter().filter(|each| each.is_valid()).map(|outcome| {
            let evidence = &outcome.evidence;
            let name = evidence.identity.to_string();
            let requirements = outcome.requirements.iter().map(|each| property("supports", each));
            let mut props: Vec<Value> = requirements.collect();
            props.extend(outcome.until.iter().map(|until| property("until", until)));
            props.extend(evidence.digest.iter().map(|digest| property("digest", digest)));
            props.push(property("evidence", &name));
            json!({
                "uuid": identifier(&["evidence", &name]),
                "title": markup(&name),
                "description": "A document of the estate whose artefact has the digest that it gives.",
                "props": props,
                "methods": ["EXAMINE"],
                "origins": Self::origins(),
                "relevant-evidence": [{
                    "href": for_uri(evidence.artefact.as_deref().unwrap_or_default()),
                    "description": markup(&evidence.sort),
                }],
                "collected": self.instant,
            })
        }));
        found
    }

    /// What came of a rule as a whole.
    fn rule_observation(&self, rule: &RuleInfo, index: u32, id: &str) -> Value {
        let tally = rule.tally;
        let mut props = vec![property("rule", &rule.name), property("severity", rule.severity)];
        let counts = [
            ("judged", tally.matched),
            ("passed", tally.passed),
            ("failed", tally.failed),
            ("waived", tally.waived),
            ("suppressed", tally.suppressed),
            ("errors", tally.errors),
        ];
        props.extend(counts.map(|(name, count)| property(name, count)));
        let population = self.audit.outcomes.populations.get(index as usize);
        props.extend(population.map(|population| property("population", &population.digest)));
        json!({
            "uuid": id,
            "title": markup(&rule.title),
            "description": prose(&rule.rationale, LONGEST),
            "props": props,
            "methods": ["TEST"],
            "types": ["control-objective"],
            "origins": Self::origins(),
            "subjects": [{"subject-uuid": Self::system(), "type": "component"}],
            "collected": self.instant,
        })
    }

    fn observation(&self, rule: &RuleInfo, finding: &Finding, id: &str) -> Value {
        let location = &finding.location;
        let mut props = vec![
            property("rule", &rule.name),
            property("status", finding.status.name()),
            property("resource", &finding.resource.identity),
            property("place", format!("{}:{}", location.file, location.line)),
        ];
        props.extend(finding.exception.iter().map(|exception| property("exception", exception)));
        json!({
            "uuid": id,
            "title": markup(&format!("{}: {}", rule.title, finding.resource.identity)),
            "description": markup(&finding.message),
            "props": props,
            "methods": ["TEST"],
            "types": ["finding"],
            "origins": Self::origins(),
            "collected": self.instant,
        })
    }

    /// The risks of a rule: one for the findings that count, one for those that are waived.
    fn risks(rule: &RuleInfo, mut by_status: BTreeMap<Status, Vec<Value>>) -> Vec<(String, Value)> {
        let kinds =
            [(Status::Fail, "open"), (Status::Waived, "deviation-approved"), (Status::Suppressed, "open")];
        let risk = |(status, word): (Status, &str)| {
            let observations = by_status.remove(&status)?;
            let id = identifier(&["risk", &rule.name, status.name()]);
            let risk = json!({
                "uuid": id,
                "title": markup(&rule.title),
                "description": prose(&rule.rationale, LONGEST),
                "statement": findings(observations.len()),
                "props": [property("rule", &rule.name), property("severity", rule.severity), property("status", status.name())],
                "status": word,
                "related-observations": observations,
                "origins": Self::origins(),
                "characterizations": [{
                    "origin": {"actors": [{"type": "tool", "actor-uuid": Self::component()}]},
                    "facets": [{"name": "severity", "system": super::NAMESPACE, "value": rule.severity.name()}],
                }],
                "remediations": [{
                    "uuid": identifier(&["remediation", &rule.name, status.name()]),
                    "lifecycle": "recommendation",
                    "title": "Remedy",
                    "description": prose(&rule.remediation, LONGEST),
                }],
            });
            Some((id, risk))
        };
        kinds.into_iter().filter_map(risk).collect()
    }

    /// What is known of a requirement.
    fn finding(&self, each: &RequirementOutcome, control: &str, found: &Found) -> Option<Value> {
        let own = each.own?;
        let (state, reason) = status(own)?;
        let mut props = vec![property("outcome", own.name()), property("population", each.population.count)];
        if !each.rules.is_empty() {
            props.push(property("population-digest", &each.population.digest));
        }
        let worst: Option<Severity> =
            self.audit.rules_of(each).filter(|rule| rule.tally.failed > 0).map(|rule| rule.severity).max();
        props.extend(worst.map(|severity| property("severity", severity)));
        let mut finding = json!({
            "uuid": identifier(&["finding", control]),
            "title": markup(&format!("{} {}", each.id, each.title)),
            "description": format!("{}: {}", own.label(), markup(&each.reasons.join("; "))),
            "props": props,
            "origins": Self::origins(),
            "target": {
                "type": "objective-id",
                "target-id": format!("{control}_obj"),
                "status": {"state": state, "reason": reason, "remarks": line(own.meaning())},
            },
        });
        let list = |name: &str, of_rule: &BTreeMap<u32, Vec<String>>| -> Vec<Value> {
            let ids = each.rules.iter().filter_map(|rule| of_rule.get(rule)).flatten();
            ids.map(|id| json!({ name: id })).collect()
        };
        let mut observations = list("observation-uuid", &found.of_rule);
        let evidence = each.evidence.iter().filter_map(|at| self.audit.outcomes.evidence.get(*at));
        observations.extend(evidence.filter(|evidence| evidence.is_valid()).map(|evidence| {
            json!({"observation-uuid": identifier(&["evidence", &evidence.evidence.identity.to_string()])})
        }));
        let risks = list("risk-uuid", &found.risks_of_rule);
        if let Some(map) = finding.as_object_mut() {
            for (name, list) in [("related-observations", observations), ("related-risks", risks)] {
                if !list.is_empty() {
                    map.insert(name.to_owned(), Value::Array(list));
                }
            }
        }
        Some(finding)
    }
}

fn findings(count: usize) -> String {
    if count == 1 { "1 finding.".to_owned() } else { format!("{count} findings.") }
}
