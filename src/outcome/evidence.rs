//! Evidence: whether a document of that kind proves anything, and if not, why.
//!
//! What cannot be held against its artefact, is out of date or was examined by nobody else evidences nothing.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::Evaluated;
use super::control::{ControlOutcome, known_requirements};
use super::declared::{named, text, texts};
use crate::date::{Duration, Moment};
use crate::evaluate::Admitted;
use crate::finding::{Identity, Location};
use crate::policy::RequirementRef;

/// Evidence without a date of expiry counts for so long after its collection.
const LIFETIME: &str = "P1Y";

/// A document of kind Evidence.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Who it is.
    pub identity: Identity,
    /// Where it stands.
    pub location: Location,
    /// Whether it keeps the schema of its kind.
    pub is_sound: bool,
    /// What sort it is.
    pub sort: String,
    /// The controls that it supports.
    pub supports: Vec<String>,
    /// The requirements that it supports itself.
    pub requirements: Vec<String>,
    /// When it was collected.
    pub collected_on: Option<String>,
    /// By whom.
    pub collected_by: Option<String>,
    /// Who has examined it.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_on: Option<String>,
    /// The first and last day that it tells of.
    pub period: Option<(String, String)>,
    /// Path of the artefact, from the folder of the configuration.
    pub artefact: Option<String>,
    /// Its digest, as `sha256:` and 64 hexadecimal digits.
    pub digest: Option<String>,
    /// The last day on which it counts.
    pub expires: Option<String>,
}

/// What stands at the path of an artefact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Artefact {
    /// A file with this digest, as `sha256:` and 64 hexadecimal digits.
    File(String),
    /// Nothing that could be held against a digest, and why.
    Unreadable(String),
}

impl Evidence {
    pub(super) fn read(admitted: &Admitted<'_>) -> Self {
        let spec = admitted.root.get("spec").filter(|_| admitted.is_sound);
        let one = |key: &str| text(spec, &[key]);
        Self {
            identity: admitted.resource.identity.clone(),
            location: admitted.resource.location.clone(),
            is_sound: admitted.is_sound,
            sort: one("type").unwrap_or_default(),
            supports: texts(spec, "supports"),
            requirements: texts(spec, "requirements"),
            collected_on: one("collectedOn"),
            collected_by: one("collectedBy"),
            reviewed_by: one("reviewedBy"),
            reviewed_on: one("reviewedOn"),
            period: text(spec, &["period", "from"]).zip(text(spec, &["period", "to"])),
            artefact: one("artefact"),
            digest: one("digest"),
            expires: one("expires"),
        }
    }
}

/// What became of evidence.
#[derive(Clone, Debug)]
pub struct EvidenceOutcome {
    /// The document.
    pub evidence: Evidence,
    /// The requirements that it supports, itself or by a control in operation.
    pub requirements: Vec<RequirementRef>,
    /// The last day on which it counts; none if that cannot be told.
    pub until: Option<String>,
    /// Why it evidences nothing; empty if it counts.
    pub defects: Vec<String>,
}

impl EvidenceOutcome {
    /// Whether it counts.
    pub fn is_valid(&self) -> bool {
        self.defects.is_empty()
    }
}

pub(super) fn outcome(
    evidence: &Evidence,
    controls: &[ControlOutcome],
    evaluated: &Evaluated<'_>,
) -> EvidenceOutcome {
    let mut defects = Vec::new();
    if !evidence.is_sound {
        defects.push("its document is at fault, so that nothing in it counts".to_owned());
        return EvidenceOutcome {
            evidence: evidence.clone(),
            requirements: Vec::new(),
            until: None,
            defects,
        };
    }
    let mut requirements = known_requirements(&evidence.requirements, evaluated, &mut defects);
    let namespace = &*evidence.identity.namespace;
    let supported: BTreeSet<Identity> =
        evidence.supports.iter().map(|text| named(text, "Control", namespace)).collect();
    for control in controls {
        let space = &*control.control.identity.namespace;
        let names_it = || {
            control.control.evidence.iter().any(|text| named(text, "Evidence", space) == evidence.identity)
        };
        let is_named = supported.contains(&control.control.identity);
        // What is planned, replaced or has failed is not shown to work by a proof that it does.
        if control.control.status == "operating" && (is_named || names_it()) {
            let new = control.requirements.iter().filter(|each| !requirements.contains(each)).cloned();
            requirements.extend(new.collect::<Vec<_>>());
        }
    }
    if requirements.is_empty() {
        defects.push("it supports no requirement, neither itself nor by a control in operation".to_owned());
    }
    artefact_defects(evidence, evaluated, &mut defects);
    review_defects(evidence, evaluated, &mut defects);
    let until = time_defects(evidence, evaluated.as_of, &mut defects);
    EvidenceOutcome { evidence: evidence.clone(), requirements, until, defects }
}

fn artefact_defects(evidence: &Evidence, evaluated: &Evaluated<'_>, defects: &mut Vec<String>) {
    let Some(path) = &evidence.artefact else {
        defects.push("it names no artefact".to_owned());
        return;
    };
    let Some(digest) = &evidence.digest else {
        defects.push("it gives no digest of its artefact".to_owned());
        return;
    };
    match evaluated.artefacts.get(path) {
        Some(Artefact::File(found)) if found == digest => {}
        Some(Artefact::File(found)) => {
            defects.push(format!("the artefact {path} has the digest {found}, should have {digest}"));
        }
        Some(Artefact::Unreadable(reason)) => defects.push(format!("the artefact {path} {reason}")),
        None => defects.push(format!("the artefact {path} was not looked up")),
    }
}

fn review_defects(evidence: &Evidence, evaluated: &Evaluated<'_>, defects: &mut Vec<String>) {
    let namespace = &*evidence.identity.namespace;
    if evidence.collected_by.is_none() {
        defects.push("it does not say who collected it".to_owned());
    }
    let Some(reviewer) = &evidence.reviewed_by else {
        defects.push("nobody has examined it (`spec.reviewedBy`)".to_owned());
        return;
    };
    let person = |text: &str| named(text, "Person", namespace);
    if evidence.collected_by.as_deref().map(person) == Some(person(reviewer)) {
        defects.push(format!("{reviewer} has examined what {reviewer} collected"));
    }
    if !evaluated.identities.contains(&person(reviewer)) {
        defects.push(format!("its reviewer {reviewer} is no person of the estate"));
    }
    if evidence.reviewed_on.is_none() {
        defects.push("it does not say when it was examined (`spec.reviewedOn`)".to_owned());
    }
}

/// Whether its dates fit each other and the clock. Gives the last day on which it counts.
fn time_defects(evidence: &Evidence, as_of: &Moment, defects: &mut Vec<String>) -> Option<String> {
    let mut date = |text: Option<&String>| {
        let moment = Moment::parse(text?);
        if moment.is_none() {
            defects.push(format!("{:?} is no date", text.map(String::as_str).unwrap_or_default()));
        }
        moment
    };
    let collected = date(evidence.collected_on.as_ref());
    let reviewed = date(evidence.reviewed_on.as_ref());
    let expires = date(evidence.expires.as_ref());
    let from = date(evidence.period.as_ref().map(|(from, _)| from));
    let to = date(evidence.period.as_ref().map(|(_, to)| to));
    let is_before = |one: &Option<Moment>, other: &Option<Moment>| {
        one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one.is_certainly_before(other))
    };
    let clock = Some(as_of.clone());
    if collected.is_none() && evidence.collected_on.is_none() {
        defects.push("it does not say when it was collected".to_owned());
    }
    let mut tell = |is_wrong: bool, message: String| {
        if is_wrong {
            defects.push(message);
        }
    };
    let text =
        |moment: &Option<Moment>| moment.as_ref().map(|moment| moment.text().to_owned()).unwrap_or_default();
    tell(
        is_before(&clock, &collected),
        format!("it was collected on {}, after the clock of the run", text(&collected)),
    );
    tell(
        is_before(&clock, &reviewed),
        format!("it was examined on {}, after the clock of the run", text(&reviewed)),
    );
    tell(
        is_before(&reviewed, &collected),
        format!("it was examined on {}, before it was collected", text(&reviewed)),
    );
    tell(is_before(&to, &from), format!("its period ends on {}, before it begins", text(&to)));
    tell(
        is_before(&collected, &to),
        format!("it was collected on {}, before its period ended on {}", text(&collected), text(&to)),
    );
    let lifetime = Duration::parse(LIFETIME);
    let until = expires
        .or_else(|| collected.zip(lifetime).and_then(|(collected, lifetime)| collected.moved(&lifetime, 1)));
    let is_default = evidence.expires.is_none();
    tell(
        is_before(&until, &clock),
        if is_default {
            format!(
                "it names no expiry, and without one it counted until {} ({LIFETIME} after its collection)",
                text(&until)
            )
        } else {
            format!("it expired on {}", text(&until))
        },
    );
    until.map(|moment| moment.text().to_owned())
}

/// The artefact that a file of this content is.
pub fn artefact(content: &[u8]) -> Artefact {
    let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    Artefact::File(format!("sha256:{digest}"))
}
