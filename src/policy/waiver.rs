//! Waivers: bounded, approved, expiring exceptions for rules on named resources.
//!
//! A waiver that lacks anything it must have waives nothing, and says why.

use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use crate::date::{Duration, Moment};
use crate::estate::{KindName, Pattern, Reference};
use crate::finding::{DEFAULT_NAMESPACE, Identity, Location};
use crate::yaml::{NodeRef, TypedError, typed};

/// What the configuration demands of waivers.
#[derive(Clone, Debug)]
pub struct WaiverPolicy {
    /// Who may approve; none: anyone, and then a waiver is unverified.
    pub approvers: Option<Vec<String>>,
    /// The longest time from approval to expiry.
    pub max_age: Duration,
    /// The most resources that one waiver may cover; none: any number.
    pub max_resources: Option<u64>,
    /// Whether `# assize:ignore <rule>: <reason>` counts.
    pub inline: bool,
}

/// The longest waiver where the configuration says nothing.
const MAX_AGE: &str = "P1Y";

impl Default for WaiverPolicy {
    fn default() -> Self {
        let max_age = Duration::parse(MAX_AGE).expect("it is a duration");
        Self { approvers: None, max_age, max_resources: None, inline: false }
    }
}

/// What kind of exception it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverType {
    /// The risk is known and borne.
    RiskAcceptance,
    /// The finding is none.
    FalsePositive,
    /// Something else protects.
    CompensatingControl,
}

impl WaiverType {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RiskAcceptance => "risk-acceptance",
            Self::FalsePositive => "false-positive",
            Self::CompensatingControl => "compensating-control",
        }
    }
}

/// A document of kind Waiver.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// Who it is.
    pub identity: Identity,
    /// Where it stands.
    pub location: Location,
    /// The rules that it is about.
    pub rules: Vec<String>,
    /// What kind of exception it is.
    pub sort: Option<WaiverType>,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested_by: Option<String>,
    /// Who approved.
    pub approved_by: Option<String>,
    /// When it was approved.
    pub approved_on: Option<String>,
    /// The last day on which it counts.
    pub expires: Option<String>,
    /// Where it is tracked.
    pub ticket: Option<String>,
    resources: Vec<(KindName, String, String)>,
    selector: Option<Selector>,
    paths: Option<GlobSet>,
}

#[derive(Clone, Debug)]
struct Selector {
    kinds: Vec<Pattern>,
    namespaces: Option<GlobSet>,
    names: Option<GlobSet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WaiverDocument {
    spec: WaiverSpec,
}

/// The schema of the kind has refused unknown fields; common ones such as `owner` are of no interest here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WaiverSpec {
    rules: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    selector: Option<SelectorForm>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default, rename = "type")]
    sort: Option<WaiverType>,
    reason: String,
    #[serde(default)]
    requested_by: Option<String>,
    #[serde(default)]
    approved_by: Option<String>,
    #[serde(default)]
    approved_on: Option<String>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default)]
    ticket: Option<String>,
}

#[derive(Deserialize)]
struct SelectorForm {
    kinds: Vec<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
}

/// Globs in which `*` stops at `/`; malformed ones match nothing, so that the waiver waives less.
fn globs(list: &[String]) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for glob in list.iter().filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok()) {
        builder.add(glob);
    }
    (!list.is_empty()).then(|| builder.build().unwrap_or_default())
}

/// Reads a waiver that keeps the schema of its kind.
///
/// # Errors
/// What the schema lets pass and the form does not.
pub fn read_waiver(
    root: NodeRef<'_>,
    identity: &Identity,
    location: &Location,
) -> Result<Waiver, TypedError> {
    let WaiverDocument { spec } = typed(root)?;
    let resource = |text: &String| {
        let reference = Reference::parse(text);
        let kind = reference.kind.map(KindName::parse)?;
        Some((kind, reference.namespace.unwrap_or(&identity.namespace).to_owned(), reference.name.to_owned()))
    };
    let selector = spec.selector.map(|form| Selector {
        kinds: form.kinds.iter().filter_map(|kind| Pattern::parse(kind)).collect(),
        namespaces: globs(&form.namespaces),
        names: globs(&form.names),
    });
    Ok(Waiver {
        identity: identity.clone(),
        location: location.clone(),
        rules: spec.rules,
        sort: spec.sort,
        reason: spec.reason,
        requested_by: spec.requested_by,
        approved_by: spec.approved_by,
        approved_on: spec.approved_on,
        expires: spec.expires,
        ticket: spec.ticket,
        resources: spec.resources.iter().filter_map(resource).collect(),
        selector,
        paths: globs(&spec.paths),
    })
}

/// A person as all writings of a reference to one agree: `anna` is `Person:default/anna`.
fn person(text: &str, namespace: &str) -> (String, String, String) {
    let reference = Reference::parse(text);
    let part = |part: Option<&str>, default: &str| part.unwrap_or(default).to_owned();
    (part(reference.kind, "Person"), part(reference.namespace, namespace), reference.name.to_owned())
}

impl Waiver {
    /// Whether the waiver is about a resource.
    pub fn covers(&self, resource: &Identity) -> bool {
        let kind = KindName::of(resource);
        let is_named = self.resources.iter().any(|(named, namespace, name)| {
            *named == kind && **namespace == *resource.namespace && **name == *resource.name
        });
        is_named
            || self.selector.as_ref().is_some_and(|selector| {
                selector.kinds.iter().any(|pattern| pattern.matches(&kind))
                    && selector.namespaces.as_ref().is_none_or(|globs| globs.is_match(&*resource.namespace))
                    && selector.names.as_ref().is_none_or(|globs| globs.is_match(&*resource.name))
            })
    }

    /// Whether the waiver is about a finding of a rule on a resource that it covers.
    pub fn concerns(&self, rule: &str, formerly: &[String], path: &str) -> bool {
        self.rules.iter().any(|name| name == rule || formerly.contains(name))
            && self.paths.as_ref().is_none_or(|globs| globs.is_match(path))
    }

    /// Why the waiver waives nothing at a clock; `covered` is the number of resources that it is about.
    pub fn defects(&self, policy: &WaiverPolicy, as_of: &Moment, covered: u64) -> Vec<String> {
        let mut defects = Vec::new();
        let namespace = &self.identity.namespace;
        match &self.approved_by {
            None => defects.push("nobody has approved it".to_owned()),
            Some(approver) => {
                let approver_is =
                    |other: &String, space: &str| person(approver, namespace) == person(other, space);
                match &self.requested_by {
                    None => defects.push("it does not say who asked for it".to_owned()),
                    Some(requester) if approver_is(requester, namespace) => {
                        defects.push(format!("{approver} has approved what {approver} asked for"));
                    }
                    Some(_) => {}
                }
                let is_listed =
                    |list: &Vec<String>| list.iter().any(|other| approver_is(other, DEFAULT_NAMESPACE));
                if policy.approvers.as_ref().is_some_and(|list| !is_listed(list)) {
                    defects.push(format!("{approver} is not among `waivers.approvers`"));
                }
            }
        }
        if self.reason.trim().is_empty() {
            defects.push("it gives no reason".to_owned());
        }
        if self.resources.is_empty() && self.selector.is_none() {
            defects.push("it names no resources".to_owned());
        }
        self.find_time_defects(policy, as_of, &mut defects);
        if let Some(most) = policy.max_resources.filter(|most| covered > *most) {
            defects.push(format!("it covers {covered} resources, `waivers.max_resources` is {most}"));
        }
        defects
    }

    fn find_time_defects(&self, policy: &WaiverPolicy, as_of: &Moment, defects: &mut Vec<String>) {
        let moment =
            |text: &Option<String>| text.as_deref().map(|text| Moment::parse(text).ok_or(text.to_owned()));
        let begins = moment(&self.approved_on);
        let ends = moment(&self.expires);
        for malformed in [&begins, &ends].into_iter().flatten().filter_map(|moment| moment.as_ref().err()) {
            defects.push(format!("{malformed:?} is no date"));
        }
        match &begins {
            None => defects.push("it does not say when it was approved".to_owned()),
            Some(Ok(begins)) if as_of.is_certainly_before(begins) => {
                defects.push(format!("it begins on {}", begins.text()));
            }
            Some(_) => {}
        }
        match &ends {
            None => defects.push("it never expires".to_owned()),
            Some(Ok(ends)) if ends.is_certainly_before(as_of) => {
                defects.push(format!("it expired on {}", ends.text()));
            }
            Some(_) => {}
        }
        if let (Some(Ok(begins)), Some(Ok(ends))) = (&begins, &ends) {
            let latest = begins.moved(&policy.max_age, 1);
            if latest.is_none_or(|latest| latest.is_certainly_before(ends)) {
                let age = policy.max_age.text();
                defects.push(format!("it lasts longer than {age} from its approval (`waivers.max_age`)"));
            }
        }
    }

    /// Whether its approval could not be held against a list of approvers.
    pub fn is_unverified(policy: &WaiverPolicy) -> bool {
        policy.approvers.is_none()
    }
}

/// An exception in a comment: `# assize:ignore <rule>: <reason>`, for the findings of its line or of the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineIgnore {
    /// The file.
    pub file: Arc<str>,
    /// The line of the comment, from 1.
    pub line: u32,
    /// Whether the comment stands alone on its line, and so means the next one.
    pub is_alone: bool,
    /// The rule.
    pub rule: String,
    /// Why; empty if none is given.
    pub reason: String,
}

/// What marks a comment as an exception.
const MARK: &str = "assize:ignore";

/// The exceptions in the comments of a text. A mark counts only after `#` at the beginning of the line or after
/// white space, as YAML has its comments; within a quoted or block text it may be found where there is none, and
/// then it suppresses nothing unless a finding of that very rule stands on that line.
pub fn inline_ignores(text: &str, file: &Arc<str>) -> Vec<InlineIgnore> {
    if !text.contains(MARK) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, content) in (1_u32..).zip(text.lines()) {
        let Some((before, after)) = content.split_once(MARK) else { continue };
        let Some(before) = before.trim_end().strip_suffix('#') else { continue };
        if !before.is_empty() && !before.ends_with(char::is_whitespace) {
            continue;
        }
        let (rule, reason) = after.split_once(':').unwrap_or((after, ""));
        found.push(InlineIgnore {
            file: Arc::clone(file),
            line,
            is_alone: before.trim().is_empty(),
            rule: rule.trim().to_owned(),
            reason: reason.trim().to_owned(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Limits, parse};

    fn waiver(spec: &str) -> Waiver {
        let text = format!("spec: {{rules: [r], resources: ['DataStore:a'], reason: why, {spec}}}");
        let file = Arc::from("w.yaml");
        let (tape, problems) = parse(text.into(), &file, &Limits::default());
        assert_eq!(problems, []);
        let part = |text: &str| Arc::from(text);
        let identity = Identity {
            group: part("assize.dev"),
            kind: part("Waiver"),
            namespace: part("default"),
            name: part("w"),
        };
        let root = tape.root(tape.documents.first().unwrap());
        read_waiver(root, &identity, &Location::start_of("w.yaml")).unwrap()
    }

    #[track_caller]
    fn check(spec: &str, expected: &[&str]) {
        let policy = WaiverPolicy {
            approvers: Some(vec!["ciso".to_owned(), "Person:default/anna".to_owned()]),
            max_resources: Some(2),
            ..WaiverPolicy::default()
        };
        let as_of = Moment::parse("2026-11-20").unwrap();
        assert_eq!(waiver(spec).defects(&policy, &as_of, 1), expected, "{spec}");
    }

    #[test]
    fn what_a_waiver_must_have() {
        let sound = "requestedBy: bob, approvedBy: anna, approvedOn: 2026-11-20, expires: 2026-11-20";
        check(sound, &[]);
        check(&sound.replace("approvedBy: anna, ", ""), &["nobody has approved it"]);
        check(&sound.replace("requestedBy: bob, ", ""), &["it does not say who asked for it"]);
        check(&sound.replace("bob", "Person:anna"), &["anna has approved what anna asked for"]);
        check(
            &sound.replace("approvedBy: anna", "approvedBy: eve"),
            &["eve is not among `waivers.approvers`"],
        );
        check(&sound.replace(", expires: 2026-11-20", ""), &["it never expires"]);
        check(&sound.replace("approvedOn: 2026-11-20, ", ""), &["it does not say when it was approved"]);
        check(&sound.replace("expires: 2026-11-20", "expires: 2027-11-20"), &[]);
        check(
            &sound.replace("expires: 2026-11-20", "expires: 2027-11-21"),
            &["it lasts longer than P1Y from its approval (`waivers.max_age`)"],
        );
        check(
            &sound
                .replace("approvedOn: 2026-11-20", "approvedOn: 2026-01-01")
                .replace("expires: 2026-11-20", "expires: 2026-11-19"),
            &["it expired on 2026-11-19"],
        );
        check(&sound.replace("2026-11-20", "2026-11-21"), &["it begins on 2026-11-21"]);
        check(&sound.replace("expires: 2026-11-20", "expires: soon"), &["\"soon\" is no date"]);
        let wide = waiver(sound).defects(
            &WaiverPolicy { max_resources: Some(2), ..WaiverPolicy::default() },
            &Moment::parse("2026-11-20").unwrap(),
            3,
        );
        assert_eq!(wide, ["it covers 3 resources, `waivers.max_resources` is 2"]);
    }

    #[test]
    fn comments() {
        let file: Arc<str> = Arc::from("f");
        let found = inline_ignores(
            "a: 1 # assize:ignore r-1: known\n# assize:ignore r-2\nb: x#assize:ignore r: no\n",
            &file,
        );
        let lines: Vec<_> =
            found.iter().map(|each| (each.line, each.is_alone, &*each.rule, &*each.reason)).collect();
        assert_eq!(lines, [(1, false, "r-1", "known"), (2, true, "r-2", "")]);
    }
}
