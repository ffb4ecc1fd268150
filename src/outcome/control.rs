//! Controls: the organisation's own measures, and the decisions that they record.

use super::declared::{named, text, texts};
use super::{Evaluated, State};
use crate::evaluate::Admitted;
use crate::finding::{Identity, Location};
use crate::policy::RequirementRef;

/// A document of kind Control.
#[derive(Clone, Debug)]
pub struct Control {
    /// Who it is.
    pub identity: Identity,
    /// Where it stands.
    pub location: Location,
    /// Whether it keeps the schema of its kind.
    pub is_sound: bool,
    /// The requirements that it serves, as `<framework>:<id>`.
    pub requirements: Vec<String>,
    /// planned, operating, not-applicable, replaced or failed.
    pub status: String,
    /// Whether the organisation calls it mandatory.
    pub is_mandatory: bool,
    /// Whether it is an addressable specification.
    pub is_addressable: bool,
    /// Why it is decided otherwise.
    pub reason: Option<String>,
    /// What stands in its place.
    pub alternative: Option<String>,
    /// Who carries it out: the operator, else those responsible.
    pub operators: Vec<String>,
    /// Who answers for it: those accountable, else the owner.
    pub accountable: Vec<String>,
    /// How often.
    pub frequency: Option<String>,
    /// On what, in words.
    pub population: Option<String>,
    /// The rules that are said to check it.
    pub rules: Vec<String>,
    /// The evidence that is said to support it.
    pub evidence: Vec<String>,
}

impl Control {
    pub(super) fn read(admitted: &Admitted<'_>) -> Self {
        let spec = admitted.root.get("spec").filter(|_| admitted.is_sound);
        let is_true = |key: &str| spec.and_then(|spec| spec.get(key)).and_then(|node| node.as_bool());
        // Both may be written with their kind.
        let framework = text(spec, &["framework"]);
        let framework = framework.as_deref().map(|text| text.rsplit([':', '/']).next().unwrap_or(text));
        let own =
            framework.zip(text(spec, &["requirement"])).map(|(framework, id)| format!("{framework}:{id}"));
        let mut requirements: Vec<String> = own.into_iter().chain(texts(spec, "requirements")).collect();
        requirements.dedup();
        let list = |one: &str, many: &str| match text(spec, &[one]) {
            Some(one) => vec![one],
            None => texts(spec, many),
        };
        let accountable = texts(spec, "accountable");
        Self {
            identity: admitted.resource.identity.clone(),
            location: admitted.resource.location.clone(),
            is_sound: admitted.is_sound,
            requirements,
            status: text(spec, &["status"]).unwrap_or_default(),
            is_mandatory: is_true("mandatory").unwrap_or_default(),
            is_addressable: is_true("addressable").unwrap_or_default(),
            reason: text(spec, &["decisionReason"]),
            alternative: text(spec, &["alternative"]),
            operators: list("operator", "responsible"),
            accountable: if accountable.is_empty() { list("owner", "accountable") } else { accountable },
            frequency: text(spec, &["frequency"]),
            population: text(spec, &["population"]),
            rules: texts(spec, "rules"),
            evidence: texts(spec, "evidence"),
        }
    }
}

/// What became of a control.
#[derive(Clone, Debug)]
pub struct ControlOutcome {
    /// The document.
    pub control: Control,
    /// The requirements that it serves and that exist, in the order of the document.
    pub requirements: Vec<RequirementRef>,
    /// The worst outcome of these; none if the report holds none of them.
    pub state: Option<State>,
    /// What is wrong with it; a decision with a defect decides nothing.
    pub defects: Vec<String>,
}

impl ControlOutcome {
    /// Whether what it decides counts.
    pub(super) fn decides(&self) -> bool {
        self.defects.is_empty()
    }

    /// Whether it names a requirement.
    pub(super) fn serves(&self, framework: &str, id: &str) -> bool {
        self.requirements.iter().any(|each| *each.framework == *framework && *each.id == *id)
    }
}

/// Reads requirements as documents name them; tells those that are none.
pub(super) fn known_requirements(
    written: &[String],
    evaluated: &Evaluated<'_>,
    defects: &mut Vec<String>,
) -> Vec<RequirementRef> {
    let mut found = Vec::new();
    for text in written {
        let known = RequirementRef::parse(text).filter(|reference| {
            let framework = evaluated.known.get(&*reference.framework);
            framework.is_some_and(|each| each.requirements.iter().any(|entry| *entry.id == *reference.id))
        });
        match known {
            Some(reference) if found.contains(&reference) => {}
            Some(reference) => found.push(reference),
            None => defects.push(format!("it names {text}, and there is no such requirement")),
        }
    }
    found
}

pub(super) fn outcome(control: &Control, evaluated: &Evaluated<'_>) -> ControlOutcome {
    let mut defects = Vec::new();
    if !control.is_sound {
        defects.push("its document is at fault, so that nothing in it counts".to_owned());
        return ControlOutcome { control: control.clone(), requirements: Vec::new(), state: None, defects };
    }
    let requirements = known_requirements(&control.requirements, evaluated, &mut defects);
    for name in &control.rules {
        let is_rule = evaluated.rules.iter().any(|rule| *rule.name == **name)
            || evaluated.not_selected.iter().any(|each| *each.rule == **name);
        if !is_rule {
            defects.push(format!("it names the rule {name}, and there is none of that name"));
        }
    }
    decision_defects(control, &requirements, evaluated, &mut defects);
    ControlOutcome { control: control.clone(), requirements, state: None, defects }
}

/// Why the decision of a control does not count.
fn decision_defects(
    control: &Control,
    requirements: &[RequirementRef],
    evaluated: &Evaluated<'_>,
    defects: &mut Vec<String>,
) {
    let is_replaced = control.status == "replaced";
    if !is_replaced && control.status != "not-applicable" {
        return;
    }
    if control.reason.is_none() {
        defects.push("it gives no reason for its decision".to_owned());
    }
    if control.accountable.is_empty() {
        defects.push("nobody answers for its decision".to_owned());
    }
    if !is_replaced && control.is_mandatory && !control.is_addressable {
        defects.push("it is declared both mandatory and not applicable".to_owned());
    }
    match &control.alternative {
        None if is_replaced => defects.push("it is replaced, and names no alternative".to_owned()),
        Some(alternative) => {
            let target = named(alternative, "Control", &control.identity.namespace);
            let is_measure = matches!(&*target.qualified_kind(), "Control" | "Safeguard");
            if !is_measure || target == control.identity || !evaluated.identities.contains(&target) {
                defects.push(format!("its alternative {alternative} is no other control or safeguard"));
            }
        }
        None => {}
    }
    for requirement in requirements {
        let framework = evaluated.known.get(&*requirement.framework);
        let entry =
            framework.and_then(|each| each.requirements.iter().find(|entry| *entry.id == *requirement.id));
        let implementation = entry.and_then(|entry| entry.implementation.as_deref());
        let has_addressable = framework.is_some_and(|each| {
            each.requirements.iter().any(|entry| entry.implementation.as_deref() == Some("addressable"))
        });
        if !is_replaced && control.is_addressable && !has_addressable {
            defects.push(format!("nothing in the framework of {requirement} is addressable"));
        }
        let is_otherwise = is_replaced || control.is_addressable;
        if is_otherwise && implementation == Some("required") {
            defects.push(format!("{requirement} is required, so that it cannot be decided otherwise"));
        }
    }
}
