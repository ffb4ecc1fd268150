//! The baseline: findings that stood when it was written, and that do not count while nothing about them changes.
//!
//! Input: a file that `assize baseline` wrote. Output: its entries with their places, or why it cannot be used. What it
//! does not do: it sets the status of no finding.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::document::{Locator, Versioned};
use super::rule::{Check, Rule};
use crate::finding::{ContentDigest, Fingerprint, Location, Severity};
use crate::problem::{Code, Problem};
use crate::yaml::Place;

/// The version of the format.
pub const BASELINE_VERSION: u32 = 1;

/// A baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The file, as reports name it.
    pub file: Arc<str>,
    /// Of its bytes.
    pub digest: ContentDigest,
    /// What it holds, in the order of the file; no fingerprint stands twice.
    pub entries: Vec<BaselineEntry>,
}

/// A finding that stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineEntry {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// The rule.
    pub rule: String,
    /// How bad it was.
    pub severity: Severity,
    /// The resource, as reports name it.
    pub resource: String,
    /// How many findings have this fingerprint.
    pub count: u64,
    /// Of what the resource said.
    pub resource_digest: ContentDigest,
    /// Of what the rule demanded.
    pub rule_digest: ContentDigest,
    /// Where the entry stands; that of a new one is the start of no file.
    pub location: Location,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineDocument {
    #[serde(rename = "version")]
    _version: IgnoredAny,
    findings: Vec<Place<EntryForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct EntryForm {
    fingerprint: Place<String>,
    rule: Place<String>,
    severity: Severity,
    resource: Place<String>,
    #[serde(default)]
    count: Option<Place<u64>>,
    resource_digest: Place<String>,
    rule_digest: Place<String>,
}

/// Reads a baseline. With problems there is none: what is covered must be known exactly.
///
/// # Errors
/// Every problem found; the first form error ends the reading.
pub fn parse_baseline(bytes: Vec<u8>, file: &Arc<str>) -> Result<Baseline, Vec<Problem>> {
    let digest = ContentDigest::of_bytes(&bytes);
    let kind = Versioned {
        code: Code::InvalidBaseline,
        name: "baseline",
        version: BASELINE_VERSION,
        help: Some(
            "it was written by another program, or by a later assize; use that, or write it anew: `assize baseline -o FILE`",
        ),
    };
    let (tape, form, mut problems): (_, BaselineDocument, _) = kind.read(bytes, file)?;
    let locator = Locator::new(file, &tape);
    let refuse = |node: u32, message: String| locator.problem(Code::InvalidBaseline, node, message);
    let mut entries = Vec::new();
    let mut seen: BTreeMap<Fingerprint, u32> = BTreeMap::new();
    for Place { node, value: form } in form.findings {
        let mut wrong = |place: &Place<String>, form: &str| {
            problems.push(refuse(place.node, format!("{:?} should be {form}", place.value)));
        };
        let fingerprint = Fingerprint::parse(&form.fingerprint.value);
        if fingerprint.is_none() {
            wrong(&form.fingerprint, "`v1:` and 32 hexadecimal digits");
        }
        let digests = [&form.resource_digest, &form.rule_digest].map(|place| {
            let digest = ContentDigest::parse(&place.value);
            if digest.is_none() {
                wrong(place, "`sha256:` and 64 hexadecimal digits");
            }
            digest
        });
        for place in [&form.rule, &form.resource].into_iter().filter(|place| place.value.trim().is_empty()) {
            wrong(place, "a name");
        }
        if let Some(count) = form.count.as_ref().filter(|count| count.value == 0) {
            problems.push(refuse(count.node, "0 should be 1 or more".to_owned()));
        }
        let (Some(fingerprint), [Some(resource_digest), Some(rule_digest)]) = (fingerprint, digests) else {
            continue;
        };
        if let Some(first) = seen.insert(fingerprint, node) {
            let problem = refuse(form.fingerprint.node, format!("{fingerprint} stands twice"));
            problems.push(problem.with_related(locator.of(first), "first here"));
        }
        entries.push(BaselineEntry {
            fingerprint,
            rule: form.rule.value,
            severity: form.severity,
            resource: form.resource.value,
            count: form.count.map_or(1, |count| count.value),
            resource_digest,
            rule_digest,
            location: locator.of(node),
        });
    }
    if problems.is_empty() { Ok(Baseline { file: Arc::clone(file), digest, entries }) } else { Err(problems) }
}

/// What tells what a rule demands from what it demanded before: what it matches, where it begins, its schema or its
/// text of Rego with its libraries, and its parameters as they are set; not its name, its severity or its words.
pub fn rule_digest(rule: &Rule) -> ContentDigest {
    let root = rule.origin.tape.node(rule.origin.node);
    let spec = root.get("spec").or_else(|| root.get("custom"));
    let part = |key: &str| spec.and_then(|spec| spec.get(key)).map(|part| part.to_value());
    let demand = match &rule.check {
        Check::Schema { schema, .. } => schema.clone(),
        Check::Rego(text) => {
            let libraries: Vec<&str> = text.libraries.iter().map(|library| &*library.text).collect();
            json!([&*text.text, libraries])
        }
        Check::AmbiguousScalar | Check::UnresolvedReference | Check::LinkedFileMissing => json!(&*rule.name),
    };
    ContentDigest::of_value(&json!([part("match"), part("at"), demand, rule.params]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u32, u32, &str)]) {
        let problems = parse_baseline(text.into(), &Arc::from("b.yaml")).err().unwrap_or_default();
        let found: Vec<_> = problems
            .iter()
            .map(|problem| {
                let location = problem.location.as_ref().unwrap();
                (location.line, location.column, problem.message.as_str())
            })
            .collect();
        assert_eq!(found, expected);
    }

    fn entry(print: &str) -> String {
        format!(
            "  - {{fingerprint: \"v1:{print}\", rule: r, severity: high, resource: A/b, resourceDigest: \"sha256:{0}\", ruleDigest: \"sha256:{0}\"}}\n",
            "0".repeat(64)
        )
    }

    #[test]
    fn what_cannot_be_used_has_its_place() {
        let (one, two) = ("1".repeat(32), "2".repeat(32));
        check("version: 1\nfindings: []\n", &[]);
        check(&format!("version: 1\nfindings:\n{}{}", entry(&one), entry(&two)), &[]);
        check(
            &format!("version: 1\nfindings:\n{}{}", entry(&one), entry(&one)),
            &[(4, 19, &format!("v1:{one} stands twice"))],
        );
        check(
            &format!("version: 1\nfindings:\n{}", entry("11")),
            &[(3, 19, "\"v1:11\" should be `v1:` and 32 hexadecimal digits")],
        );
        let none = entry(&one).replace("severity: high", "severity: high, count: 0");
        check(&format!("version: 1\nfindings:\n{none}"), &[(3, 90, "0 should be 1 or more")]);
        check("", &[(1, 1, "the file is empty, should be a baseline")]);
        check("a: 1\n", &[(1, 1, "is no baseline: it has no `version`")]);
        check("version: 2\nentries: []\n", &[(1, 10, "version 2 is not known, should be 1")]);
        check("version: \"1\"\nfindings: []\n", &[(1, 10, "version 1 is not known, should be 1")]);
        check("version: 1\nestate: []\n", &[(2, 1, "unknown key `estate`")]);
        check("version: 1\n", &[(1, 1, "key `findings` is missing")]);
        check("version: 1\nfindings: [{rule: r}]\n", &[(2, 12, "key `fingerprint` is missing")]);
        check(
            "version: 1\nfindings: []\n---\na: 1\n",
            &[(1, 1, "the file holds more than one document, should be a baseline")],
        );
        assert!(parse_baseline("version: [\n".into(), &Arc::from("b.yaml")).is_err());
    }
}
