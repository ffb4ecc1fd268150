//! `assize.yaml`: which frameworks, where the estate and the rules lie, parameters, threshold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::document::Locator;
use super::waiver::WaiverPolicy;
use crate::date::Duration;
use crate::estate::{KindName, Pattern};
use crate::finding::{Location, Severity};
use crate::problem::{Code, Problem};
use crate::yaml::{Dialect, Limits, Place, parse, typed};

/// The configuration of a repository. The default is that of a repository without one.
#[derive(Debug, Default)]
pub struct Config {
    /// Frameworks whose built-in rules run; none: all.
    pub frameworks: Option<Vec<(String, Location)>>,
    /// Globs of the files of the estate, with their places; none: every YAML and JSON file.
    pub estate: Option<Vec<(String, Location)>>,
    /// Globs of files that are left out.
    pub exclude: Vec<String>,
    /// Globs of the files that hold rules and frameworks.
    pub policies: Option<Vec<String>>,
    /// Folders that hold the schemas of kinds.
    pub schemas: Option<Vec<String>>,
    /// What files without an envelope hold.
    pub documents: Vec<DocumentsEntry>,
    /// Settings of rules by name.
    pub rules: BTreeMap<String, RuleSetting>,
    /// The threshold of exit code 1.
    pub fail_on: Option<Severity>,
    /// What waivers must keep to.
    pub waivers: WaiverPolicy,
    /// The most open findings of a severity with which the gate does not fail.
    pub max: BTreeMap<Severity, u64>,
    /// The file of the baseline, from the folder of the configuration, and where it is named.
    pub baseline: Option<(String, Location)>,
}

/// One entry of `documents:`.
#[derive(Clone, Debug)]
pub struct DocumentsEntry {
    /// Glob of the files.
    pub path: String,
    /// The kind of their documents.
    pub kind: Option<KindName>,
    /// How their scalars are read.
    pub dialect: Option<Dialect>,
    /// Where the entry stands.
    pub location: Location,
}

/// Files that are of a kind wherever they stand, though they do not say so: where they are looked for, and the kind.
const KNOWN_DOCUMENTS: [(&str, &str); 1] = [(".github/workflows/*.{yml,yaml}", "GithubWorkflow")];

impl Config {
    /// Adds what is known of files without an envelope; entries of the configuration come before. Where the configuration
    /// says which files the estate is, nothing is added to them.
    #[must_use]
    pub fn with_known_documents(mut self) -> Self {
        if self.estate.is_none() {
            self.documents.extend(KNOWN_DOCUMENTS.map(|(path, kind)| DocumentsEntry {
                path: path.to_owned(),
                kind: Some(KindName::parse(kind)),
                dialect: Some(Dialect::Core),
                location: Location::start_of(path),
            }));
        }
        self
    }
}

/// What the configuration changes about a rule.
#[derive(Clone, Debug)]
pub struct RuleSetting {
    /// Another severity.
    pub severity: Option<Severity>,
    /// Whether it runs.
    pub enabled: bool,
    /// Why it does not run.
    pub reason: String,
    /// Values of parameters, with their places.
    pub params: BTreeMap<String, (Value, Location)>,
    /// Where the rule is named.
    pub location: Location,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigDocument {
    version: Place<u32>,
    #[serde(default)]
    frameworks: Option<Vec<Place<String>>>,
    #[serde(default)]
    estate: Option<Vec<Place<String>>>,
    #[serde(default)]
    exclude: Vec<Place<String>>,
    #[serde(default)]
    policies: Option<Vec<Place<String>>>,
    #[serde(default)]
    schemas: Option<Vec<Place<String>>>,
    #[serde(default)]
    documents: Vec<Place<DocumentsForm>>,
    #[serde(default)]
    rules: BTreeMap<String, Place<RuleForm>>,
    #[serde(default)]
    fail_on: Option<Severity>,
    #[serde(default)]
    waivers: Option<WaiversForm>,
    #[serde(default)]
    max: Option<MaxForm>,
    #[serde(default)]
    baseline: Option<Place<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaxForm {
    #[serde(default)]
    critical: Option<u64>,
    #[serde(default)]
    high: Option<u64>,
    #[serde(default)]
    medium: Option<u64>,
    #[serde(default)]
    low: Option<u64>,
    #[serde(default)]
    info: Option<u64>,
}

impl MaxForm {
    fn budgets(&self) -> BTreeMap<Severity, u64> {
        let of = |severity| match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        };
        Severity::ALL.into_iter().filter_map(|severity| Some((severity, of(severity)?))).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiversForm {
    #[serde(default)]
    approvers: Option<Vec<String>>,
    #[serde(default)]
    max_age: Option<Place<String>>,
    #[serde(default)]
    max_resources: Option<u64>,
    #[serde(default)]
    inline: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentsForm {
    path: Place<String>,
    #[serde(default)]
    kind: Option<Place<String>>,
    #[serde(default)]
    yaml: Option<Place<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleForm {
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    params: BTreeMap<String, Place<Value>>,
}

/// Reads `assize.yaml`. With problems there is no configuration: a gate does not run on half of one.
///
/// # Errors
/// Every problem found; the first form error ends the reading.
pub fn parse_config(bytes: Vec<u8>, file: &Arc<str>) -> Result<Config, Vec<Problem>> {
    let (tape, problems) = parse(bytes, file, &Limits::default());
    if !problems.is_empty() {
        return Err(problems);
    }
    let locator = Locator::new(file, &tape);
    let mut problems = Vec::new();
    let Some(document) = tape.documents.first() else {
        let problem =
            Problem::new(Code::InvalidConfiguration, "the file is empty").at(Location::start_of(file));
        return Err(vec![problem.with_help("write `version: 1`")]);
    };
    if let Some(second) = tape.documents.get(1) {
        problems.push(locator.problem(
            Code::InvalidConfiguration,
            tape.root(second).index(),
            "the file holds more than one document",
        ));
    }
    let faults = document.faults.iter().map(|fault| {
        let lines = crate::yaml::LineIndex::new(tape.source());
        Problem::new(fault.code, fault.message.clone()).at(lines.location(file, fault.span, ""))
    });
    problems.extend(faults);
    if !problems.is_empty() {
        return Err(problems);
    }
    let root = tape.root(document);
    let form: ConfigDocument = match typed(root) {
        Ok(form) => form,
        Err(error) => {
            problems.push(locator.typed(Code::InvalidConfiguration, root.index(), error));
            return Err(problems);
        }
    };
    let config = convert(form, &locator, &mut problems);
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

fn convert(form: ConfigDocument, locator: &Locator<'_>, problems: &mut Vec<Problem>) -> Config {
    let problems = std::cell::RefCell::new(problems);
    let refuse = |node: u32, message: String| {
        problems.borrow_mut().push(locator.problem(Code::InvalidConfiguration, node, message));
    };
    if form.version.value != 1 {
        refuse(form.version.node, format!("version {} is not known, should be 1", form.version.value));
    }
    let globs = |list: Vec<Place<String>>| -> Vec<String> {
        for glob in &list {
            if let Err(error) = globset::Glob::new(&glob.value) {
                refuse(glob.node, format!("is no glob: {}", error.kind()));
            }
        }
        list.into_iter().map(|glob| glob.value).collect()
    };
    let estate = form.estate.map(|list| {
        let places: Vec<Location> = list.iter().map(|glob| locator.of(glob.node)).collect();
        globs(list).into_iter().zip(places).collect()
    });
    let exclude = globs(form.exclude);
    let policies = form.policies.map(globs);
    let schemas = form.schemas.map(|list| list.into_iter().map(|folder| folder.value).collect());
    let mut documents = Vec::new();
    for entry in form.documents {
        let path = globs(vec![entry.value.path]).pop().unwrap_or_default();
        // The number 1.1 and the text "1.1" mean the same.
        let version = entry.value.yaml.map(|yaml| (yaml.value.to_string().replace('"', ""), yaml.node));
        let dialect = match version.as_ref().map(|(version, node)| (version.as_str(), *node)) {
            None => None,
            Some(("1.1", _)) => Some(Dialect::Yaml11),
            Some(("1.2", _)) => Some(Dialect::Core),
            Some((other, node)) => {
                refuse(node, format!("{other} should be 1.1 or 1.2"));
                None
            }
        };
        if entry.value.kind.is_none() && dialect.is_none() {
            refuse(entry.node, "should give `kind` or `yaml`".to_owned());
        }
        let kind = entry.value.kind.and_then(|kind| {
            let exact = Pattern::parse(&kind.value).and_then(|pattern| pattern.exact());
            if exact.is_none() {
                refuse(kind.node, format!("{:?} is no kind; write `Kind` or `group/Kind`", kind.value));
            }
            exact
        });
        documents.push(DocumentsEntry { path, kind, dialect, location: locator.of(entry.node) });
    }
    let mut rules = BTreeMap::new();
    for (name, form) in form.rules {
        let enabled = form.value.enabled.unwrap_or(true);
        let reason = form.value.reason.unwrap_or_default();
        if !enabled && reason.trim().is_empty() {
            refuse(form.node, format!("{name} is turned off without a `reason`"));
        }
        let params = form.value.params.into_iter();
        let params = params.map(|(name, value)| (name, (value.value, locator.of(value.node)))).collect();
        let location = locator.of(form.node);
        let setting = RuleSetting { severity: form.value.severity, enabled, reason, params, location };
        drop(rules.insert(name, setting));
    }
    let mut waivers = WaiverPolicy::default();
    if let Some(form) = form.waivers {
        waivers.approvers = form.approvers;
        waivers.max_resources = form.max_resources;
        waivers.inline = form.inline.unwrap_or_default();
        if let Some(max_age) = form.max_age {
            match Duration::parse(&max_age.value) {
                Some(duration) => waivers.max_age = duration,
                None => {
                    refuse(max_age.node, format!("{:?} should be a duration such as P90D", max_age.value));
                }
            }
        }
    }
    let baseline = form.baseline.map(|baseline| {
        let is_inside = !baseline.value.is_empty()
            && !baseline.value.contains('\\')
            && baseline.value.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_inside {
            let message = format!("{:?} should be a path below the folder of assize.yaml", baseline.value);
            refuse(baseline.node, message);
        }
        let location = locator.of(baseline.node);
        (baseline.value, location)
    });
    Config {
        waivers,
        max: form.max.map(|max| max.budgets()).unwrap_or_default(),
        baseline,
        frameworks: form
            .frameworks
            .map(|list| list.into_iter().map(|name| (name.value, locator.of(name.node))).collect()),
        estate,
        exclude,
        policies,
        schemas,
        documents,
        rules,
        fail_on: form.fail_on,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u32, u32, &str, &str)]) {
        let problems = parse_config(text.into(), &Arc::from("assize.yaml")).err().unwrap_or_default();
        let found: Vec<_> = problems
            .iter()
            .map(|problem| {
                let location = problem.location.as_ref().unwrap();
                (
                    location.line,
                    location.column,
                    problem.message.as_str(),
                    problem.help.as_deref().unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn mistakes_have_their_place() {
        check("version: 1\nfail_on: high\nrules:\n  a: {severity: low, params: {n: 1}}\n", &[]);
        check(
            "version: 1\nframewroks: [x]\n",
            &[(2, 1, "unknown key `framewroks`", "did you mean `frameworks`?")],
        );
        check("version: 2\n", &[(1, 10, "version 2 is not known, should be 1", "")]);
        check("fail_on: high\n", &[(1, 1, "key `version` is missing", "")]);
        check("version: 1\nfail_on: hihg\n", &[(2, 10, "unknown value `hihg`", "did you mean `high`?")]);
        check(
            "version: 1\nestate: ['[']\n",
            &[(2, 10, "is no glob: unclosed character class; missing ']'", "")],
        );
        check(
            "version: 1\nrules: {a: {enabled: false}}\n",
            &[(2, 12, "a is turned off without a `reason`", "")],
        );
        check(
            "version: 1\ndocuments: [{path: x, kind: 'apps/*'}]\n",
            &[(2, 29, "\"apps/*\" is no kind; write `Kind` or `group/Kind`", "")],
        );
        check("version: 1\nmax: {high: 3, info: 0}\nbaseline: ci/baseline.yaml\n", &[]);
        check("version: 1\nmax: {hihg: 3}\n", &[(2, 7, "unknown key `hihg`", "did you mean `high`?")]);
        check(
            "version: 1\nbaseline: ../b.yaml\n",
            &[(2, 11, "\"../b.yaml\" should be a path below the folder of assize.yaml", "")],
        );
        check("version: 1\nversion: 1\n", &[(2, 1, "key \"version\" stands twice in one mapping", "")]);
        check("", &[(1, 1, "the file is empty", "write `version: 1`")]);
    }
}
