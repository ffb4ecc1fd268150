//! What an evaluation says of each requirement of a framework: its outcome, and everything that it rests on.
//!
//! Input: the frameworks, the rules with their tallies and findings, who was matched by which rule, the waivers, and the
//! documents of kinds Control and Evidence. Output: [`Outcomes`], in a fixed order. What it does not do: it reads no
//! files (the digests of artefacts are given), judges no resource, and never says that anything complies.

mod applies;
mod change;
mod control;
mod declared;
mod evidence;
mod population;
mod requirement;

use std::collections::{BTreeMap, BTreeSet};

pub use change::{ChangeApproval, ChangeRecord, PersonRecord, change_named};
pub use control::{Control, ControlOutcome};
pub use declared::{Declared, Remediation};
pub use evidence::{Artefact, Evidence, EvidenceOutcome, artefact};
pub use population::{Population, Resources, population_line};
pub use requirement::{Decision, Judged, RequirementOutcome};

use crate::date::Moment;
use crate::evaluate::{Matched, Tally};
use crate::finding::{Finding, Identity};
use crate::policy::{Framework, NotSelected, Roles, Rule};
use crate::waive::WaiverOutcome;

/// What is known of a requirement. The order is that of the roll-up, worst first: what is known to fail, what could not
/// be judged, what nobody has looked at, what somebody has accepted, decided, shown or declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A finding counts, or its control is declared as failed.
    NotSatisfied,
    /// A resource could not be judged, and none is known to fail.
    Error,
    /// There are rules, and nothing is declared that they could judge.
    NotEvaluated,
    /// There is neither a rule nor evidence.
    Uncovered,
    /// Every finding is waived.
    Waived,
    /// An addressable item, or one met in another way, with its recorded decision.
    Decided,
    /// No rule judged anything, and there is valid evidence.
    Evidenced,
    /// Everything that is declared keeps every rule.
    Satisfied,
    /// It does not concern the organisation, or is declared so with a reason.
    NotApplicable,
}

impl State {
    /// Every state, worst first.
    pub const ALL: [Self; 9] = [
        Self::NotSatisfied,
        Self::Error,
        Self::NotEvaluated,
        Self::Uncovered,
        Self::Waived,
        Self::Decided,
        Self::Evidenced,
        Self::Satisfied,
        Self::NotApplicable,
    ];

    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSatisfied => "not-satisfied",
            Self::Error => "error",
            Self::NotEvaluated => "not-evaluated",
            Self::Uncovered => "uncovered",
            Self::Waived => "waived",
            Self::Decided => "decided-otherwise",
            Self::Evidenced => "evidenced",
            Self::Satisfied => "satisfied",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// The words for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::NotSatisfied => "not met",
            Self::Error => "not judged (error)",
            Self::NotEvaluated => "nothing declared",
            Self::Uncovered => "not covered",
            Self::Waived => "risk accepted",
            Self::Decided => "decided otherwise",
            Self::Evidenced => "evidenced",
            Self::Satisfied => "met by declaration",
            Self::NotApplicable => "not applicable",
        }
    }

    /// What it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NotSatisfied => {
                "A finding that nobody has waived, or a control that is declared as failed."
            }
            Self::Error => "A resource could not be judged, so nothing is known of it; no finding counts.",
            Self::NotEvaluated => {
                "Rules exist, and nothing is declared that they could judge. This is not a pass."
            }
            Self::Uncovered => "No rule of this run tests it, and no valid evidence supports it.",
            Self::Waived => "Findings exist, and each is covered by a waiver in force.",
            Self::Decided => {
                "An addressable item, or one met in another way, with its recorded decision; no finding counts."
            }
            Self::Evidenced => "No rule judged anything; valid evidence supports it.",
            Self::Satisfied => {
                "Every declared resource that its rules apply to keeps them. It says nothing of what is not declared."
            }
            Self::NotApplicable => "It does not concern the organisation, or is declared so with a reason.",
        }
    }
}

/// What the outcomes are worked out from.
#[derive(Debug)]
pub struct Evaluated<'r> {
    /// The rules of the run.
    pub rules: &'r [&'r Rule],
    /// What became of the resources that each matched, in the same order.
    pub tallies: &'r [Tally],
    /// Rules that took no part.
    pub not_selected: &'r [NotSelected],
    /// The findings, with their final status.
    pub findings: &'r [Finding],
    /// Who was matched by which rule.
    pub matched: &'r [Matched],
    /// What became of the waivers.
    pub waivers: &'r [WaiverOutcome],
    /// The frameworks of the report.
    pub frameworks: &'r [&'r Framework],
    /// All frameworks: what requirements documents may name.
    pub known: &'r BTreeMap<String, Framework>,
    /// Documents of kinds Control and Evidence.
    pub declared: Vec<Declared>,
    /// The identities of all resources.
    pub identities: &'r BTreeSet<&'r Identity>,
    /// What stands at the artefact of a document of kind Evidence, by its path.
    pub artefacts: &'r BTreeMap<String, Artefact>,
    /// The roles of the estate's organizations.
    pub roles: &'r Roles,
    /// The clock.
    pub as_of: &'r Moment,
}

/// The outcomes of a run.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// One a framework, in the order of their names.
    pub frameworks: Vec<FrameworkOutcome>,
    /// The controls, in the order of their places.
    pub controls: Vec<ControlOutcome>,
    /// The evidence, in the order of its places.
    pub evidence: Vec<EvidenceOutcome>,
    /// One a rule of the run, by index.
    pub populations: Vec<Population>,
    /// Everything that the rules matched.
    pub resources: Resources,
}

/// What a run says of a framework.
#[derive(Debug)]
pub struct FrameworkOutcome {
    /// Its name.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Who publishes it.
    pub authority: String,
    /// Its version.
    pub version: String,
    /// What is said about rights to its text.
    pub notice: String,
    /// Its requirements, each after the one that it is a part of.
    pub requirements: Vec<RequirementOutcome>,
}

impl FrameworkOutcome {
    /// How many requirements have an outcome of their own in each state, worst first. One that only has parts is left
    /// out, since its parts are counted.
    pub fn counts(&self) -> [(State, u64); 9] {
        State::ALL.map(|state| {
            let of_state = self.requirements.iter().filter(|each| each.own == Some(state));
            (state, of_state.count() as u64)
        })
    }
}

/// Works out the outcomes.
pub fn outcomes(evaluated: &Evaluated<'_>) -> Outcomes {
    let resources = Resources::new(evaluated);
    let (mut controls, mut evidence) = (Vec::new(), Vec::new());
    for declared in &evaluated.declared {
        match declared {
            Declared::Control(control) => controls.push(control::outcome(control, evaluated)),
            Declared::Evidence(_) | Declared::Remediation(_) | Declared::Change(_) | Declared::Person(_) => {}
        }
    }
    for declared in &evaluated.declared {
        if let Declared::Evidence(document) = declared {
            evidence.push(evidence::outcome(document, &controls, evaluated));
        }
    }
    let frameworks: Vec<FrameworkOutcome> = evaluated
        .frameworks
        .iter()
        .map(|framework| requirement::of_framework(framework, evaluated, &resources, &controls, &evidence))
        .collect();
    for control in &mut controls {
        control.state = requirement::worst_of(&frameworks, &control.requirements);
    }
    Outcomes { frameworks, controls, evidence, populations: resources.of_rules(), resources }
}
