//! What was found: the assessment results, and the plan of action for what counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Documents, LONGEST, identifier, line, markup, property, status};
use crate::finding::{Finding, Fingerprint, Severity, Status};
use crate::outcome::RequirementOutcome;
use crate::report::audit::remark::Sort;
use crate::report::escape::{for_uri, prose};
use crate::report::period::percent;
use crate::report::{Birth, RuleInfo};

/// How much of it a document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Everything: what came of each rule, findings, evidence.
    Everything,
    /// Findings, and the risks that they are.
    Findings,
}

/// What a run found, with the identifiers by which its parts name each other.
struct Found<'d> {
    observations: Vec<Value>,
    risks: Vec<Value>,
    /// By rule: the identifier of what came of it as a whole; its findings hang on its risks.
    of_rule: BTreeMap<u32, Vec<String>>,
    /// By rule: the identifiers of its risks.
    risks_of_rule: BTreeMap<u32, Vec<String>>,
    /// By rule or requirement: the identifiers of what the end of a period does not show.
    of_name: BTreeMap<&'d str, Vec<String>>,
}

impl Documents<'_> {
    pub(super) fn assessment_results(&self) -> Value {
        let found = self.found(Scope::Everything);
        let findings: Vec<Value> = self
            .requirements()
            .filter_map(|(framework, each, control)| self.finding(&framework.id, each, control, &found))
            .collect();
        let report = &self.audit.report;
        let mut result = json!({
            "uuid": identifier(&["result"]),
            "title": "What the declared estate says of its requirements",
            "description": "The outcome of each requirement that a rule tests or evidence supports. A requirement is satisfied here if \
                every declared resource that its rules apply to keeps them, and no more is known.",
            "start": self.audit.period.as_ref().map_or_else(|| self.instant.clone(), |period| first(&period.from)),
            "end": self.audit.period.as_ref().map_or_else(|| self.instant.clone(), |period| last(&period.to)),
            "props": [
                property("complete", self.audit.is_complete()),
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
            let mut remarks = Vec::new();
            if !report.problems.is_empty() {
                let problems = report
                    .problems
                    .iter()
                    .map(|problem| format!("- {}: {}", problem.code, markup(&problem.message)));
                let problems: Vec<String> = problems.collect();
                remarks.push(format!("What could not be checked:\n\n{}", problems.join("\n")));
            }
            let period = self.audit.period.as_ref();
            let notes = period.into_iter().flat_map(|period| &period.notes);
            let notes: Vec<String> = notes.map(|note| format!("- {}", markup(note))).collect();
            if !notes.is_empty() {
                remarks.push(format!("What must be known of the period:\n\n{}", notes.join("\n")));
            }
            if !remarks.is_empty() {
                map.insert("remarks".to_owned(), json!(remarks.join("\n\n")));
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
            let mut props = vec![property("rule", &rule.name), property("severity", rule.severity)];
            props.extend(self.due(index, Status::Fail).map(|due| property("due", due)));
            let births = self.of_rule_with_birth(index, Status::Fail);
            let overdue = births.iter().filter(|birth| birth.is_overdue).count();
            if overdue > 0 {
                props.push(property("overdue-findings", overdue));
            }
            let oldest = births.iter().min_by_key(|birth| birth.since.seconds);
            props.extend(oldest.map(|birth| property("oldest-since", &birth.since.date)));
            items.push(json!({
                "uuid": identifier(&["item", &rule.name]),
                "title": markup(&rule.title),
                "description": format!("{} {}", findings(count), prose(&rule.remediation, LONGEST)),
                "props": props,
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

    /// The births of the findings of a rule, as far as they are known.
    fn of_rule_with_birth(&self, rule: u32, status: Status) -> Vec<&Birth> {
        let report = &self.audit.report;
        let places = self.by_rule.get(&rule).into_iter().flatten();
        let all = places.filter_map(|at| report.findings.get(*at).zip(report.fingerprints.get(*at)));
        let of_status = all.filter(|(finding, _)| finding.status == status);
        of_status
            .filter_map(|(finding, print)| self.past.since(&report.rule(finding)?.name, print)?.birth)
            .collect()
    }

    /// The first day by which a remediation policy wants a finding of a rule repaired.
    fn due(&self, rule: u32, status: Status) -> Option<&str> {
        self.of_rule_with_birth(rule, status).into_iter().filter_map(|birth| birth.due.as_deref()).min()
    }

    /// The findings of a rule with the identifiers of their observations. Findings that nothing tells apart are counted.
    fn observation_ids(&self, rule: u32) -> impl Iterator<Item = (usize, &Finding, String)> {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let report = &self.audit.report;
        let places = self.by_rule.get(&rule).into_iter().flatten();
        let all =
            places.filter_map(|at| Some((*at, report.findings.get(*at)?, report.fingerprints.get(*at)?)));
        all.map(move |(at, finding, print)| {
            let print = print.to_string();
            let count = seen.entry(print.clone()).or_default();
            *count += 1;
            (at, finding, identifier(&["observation", &print, &count.to_string()]))
        })
    }

    fn found(&self, scope: Scope) -> Found<'_> {
        let (report, outcomes) = (&self.audit.report, &self.audit.outcomes);
        let mut found = Found {
            observations: Vec::new(),
            risks: Vec::new(),
            of_rule: BTreeMap::new(),
            risks_of_rule: BTreeMap::new(),
            of_name: BTreeMap::new(),
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
            for (at, finding, id) in self.observation_ids(index) {
                let print = report.fingerprints.get(at);
                found.observations.push(self.observation(rule, finding, print, &id));
                by_status.entry(finding.status).or_default().push(json!({"observation-uuid": id}));
            }
            for (id, risk) in self.risks(rule, index, by_status) {
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
        let (historic, of_name) = self.historic();
        found.observations.extend(historic);
        found.of_name = of_name;
        found
    }

    /// What the end of a period does not show, as observations; and their identifiers by what they are about. What is open
    /// at the end is a finding.
    fn historic(&self) -> (Vec<Value>, BTreeMap<&str, Vec<String>>) {
        let (mut observations, mut of_name) = (Vec::new(), BTreeMap::<&str, Vec<String>>::new());
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for remark in &self.remarks {
            if matches!(remark.sort, Sort::Overdue | Sort::OpenThroughout) {
                continue;
            }
            let parts = [remark.sort.name(), &remark.name, &remark.resource, &remark.from, &remark.text];
            let name = parts.join("\n");
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            let id = identifier(&["historic", &name, &count.to_string()]);
            let mut props = vec![property("remark", remark.sort.name()), property("about", &remark.name)];
            props.extend(remark.severity.map(|severity| property("severity", severity)));
            if !remark.resource.is_empty() {
                props.push(property("resource", &remark.resource));
            }
            props.extend(remark.days.map(|days| property("days", days)));
            props.extend(remark.commit.iter().map(|commit| property("commit", commit)));
            props.extend(remark.who.iter().map(|who| property("committer", who)));
            let mut observation = json!({
                "uuid": id,
                "title": markup(&format!("{}: {} {}", remark.sort.title(), remark.name, remark.resource)),
                "description": markup(&remark.text),
                "props": props,
                "methods": ["TEST"],
                "types": ["historic"],
                "origins": Self::origins(),
                "collected": first(&remark.from),
                "remarks": remark.sort.meaning(),
            });
            if let (Some(map), Some(to)) = (observation.as_object_mut(), &remark.to) {
                map.insert("expires".to_owned(), json!(last(to)));
            }
            observations.push(observation);
            of_name.entry(&remark.name).or_default().push(id);
        }
        (observations, of_name)
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

    fn observation(
        &self,
        rule: &RuleInfo,
        finding: &Finding,
        print: Option<&Fingerprint>,
        id: &str,
    ) -> Value {
        let location = &finding.location;
        let mut props = vec![
            property("rule", &rule.name),
            property("status", finding.status.name()),
            property("resource", &finding.resource.identity),
            property("place", format!("{}:{}", location.file, location.line)),
        ];
        props.extend(finding.exception.iter().map(|exception| property("exception", exception)));
        if let Some(since) = print.and_then(|print| self.past.since(&rule.name, print)) {
            props.push(property("since", since.date));
            props.push(property("since-before", since.is_before));
            if let Some(birth) = since.birth {
                props.extend([
                    property("born-with", &birth.by.commit),
                    property("author", &birth.by.name),
                    property("cause", &birth.cause),
                    property("reopened", birth.reopened),
                    property("age-days", birth.age_days),
                ]);
                props.extend(birth.due.iter().map(|due| property("due", due)));
            }
        }
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
    fn risks(
        &self,
        rule: &RuleInfo,
        index: u32,
        mut by_status: BTreeMap<Status, Vec<Value>>,
    ) -> Vec<(String, Value)> {
        let kinds =
            [(Status::Fail, "open"), (Status::Waived, "deviation-approved"), (Status::Suppressed, "open")];
        let risk = |(status, word): (Status, &str)| {
            let observations = by_status.remove(&status)?;
            let id = identifier(&["risk", &rule.name, status.name()]);
            let mut risk = json!({
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
            let due = self.due(index, status).filter(|_| status == Status::Fail);
            if let (Some(map), Some(due)) = (risk.as_object_mut(), due) {
                map.insert("deadline".to_owned(), json!(last(due)));
            }
            Some((id, risk))
        };
        kinds.into_iter().filter_map(risk).collect()
    }

    /// What is known of a requirement.
    fn finding(
        &self,
        framework: &str,
        each: &RequirementOutcome,
        control: &str,
        found: &Found<'_>,
    ) -> Option<Value> {
        let own = each.own?;
        let (state, reason) = status(own)?;
        let mut props = vec![property("outcome", own.name()), property("population", each.population.count)];
        if !each.rules.is_empty() {
            props.push(property("population-digest", &each.population.digest));
        }
        let worst: Option<Severity> =
            self.audit.rules_of(each).filter(|rule| rule.tally.failed > 0).map(|rule| rule.severity).max();
        props.extend(worst.map(|severity| property("severity", severity)));
        let held = self.past.requirement(framework, &each.id).map(|group| &group.held);
        if let Some(held) = held {
            let days = |seconds: i64| seconds / crate::report::period::DAY;
            props.extend([
                property("held", percent(held.share)),
                property("failing-days", days(held.failing_seconds)),
                property("longest-gap-days", days(held.longest_gap_seconds)),
                property("opened", held.opened),
                property("closed", held.closed),
            ]);
            props.extend(held.mean_repair_seconds.map(|mean| property("mean-repair-days", days(mean))));
        }
        props.extend(self.past.oldest(each).map(|oldest| property("oldest-open-finding", oldest.text())));
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
        let full = format!("{framework}:{}", each.id);
        let rules = self.audit.rules_of(each).map(|rule| &*rule.name);
        let left_out = each.left_out.iter().map(|(rule, _)| rule.as_str());
        let historic =
            rules.chain(left_out).chain([full.as_str()]).filter_map(|name| found.of_name.get(name)).flatten();
        observations.extend(historic.map(|id| json!({"observation-uuid": id})));
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

/// The instant at which a day begins.
fn first(day: &str) -> String {
    format!("{day}T00:00:00Z")
}

/// The last second of a day.
fn last(day: &str) -> String {
    format!("{day}T23:59:59Z")
}

fn findings(count: usize) -> String {
    if count == 1 { "1 finding.".to_owned() } else { format!("{count} findings.") }
}
