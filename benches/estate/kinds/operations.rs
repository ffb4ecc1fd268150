//! Changes, incidents and risks.

use super::super::document::{Fields, Node};
use super::super::{Kind, Random, Unit};
use super::{TODAY, ago, ahead, date};

pub(super) fn change(unit: &Unit, random: &mut Random) -> Fields {
    let day = TODAY - random.between(20, 300);
    let approval = unit
        .bare(Kind::Person, 0)
        .map(|person| Node::Map(Fields::new().plain("by", person).plain("'on'", date(day - 3))));
    Fields::new()
        .plain("type", random.pick(&["normal", "standard"]))
        .plain("status", "closed")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .references("affects", [unit.full(Kind::Application, 1), unit.full(Kind::Hardware, 0)])
        .text("reason", random.pick(&REASONS))
        .text("impact", "Two minutes during which nobody can sign in, announced the day before")
        .plain("risk", random.pick(&["low", "medium"]))
        .text("backout", "Put back the former version and the former settings from the copy")
        .references("testEvidence", [unit.bare(Kind::Evidence, 0)])
        .maybe("requestedBy", unit.bare(Kind::Person, 1))
        .maybe("implementedBy", unit.bare(Kind::Person, 2))
        .list("approvals", approval.into_iter().collect())
        .plain("approvedOn", date(day - 3))
        .plain("plannedStart", format!("{}T04:00:00Z", date(day)))
        .plain("plannedEnd", format!("{}T05:00:00Z", date(day)))
        .plain("implementedOn", date(day))
        .plain("outcome", "successful")
        .flag("significant", false)
}

pub(super) fn incident(unit: &Unit, random: &mut Random) -> Fields {
    let day = date(TODAY - random.between(10, 300));
    let minute = random.between(10, 49);
    Fields::new()
        .plain("type", "availability")
        .plain("status", "closed")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("impact", "low")
        .plain("urgency", "medium")
        .plain("priority", "p4")
        .references("affects", [unit.bare(Kind::Service, 1)])
        .maybe("service", unit.bare(Kind::Service, 1))
        .plain("detectedAt", format!("{day}T06:{minute}:00Z"))
        .plain("acknowledgedAt", format!("{day}T06:{}:00Z", minute + 8))
        .plain("resolvedAt", format!("{day}T07:{minute}:00Z"))
        .maybe("confirmedBy", unit.full(Kind::Person, 1))
}

pub(super) fn risk(unit: &Unit, random: &mut Random) -> Fields {
    let (likelihood, impact) = (random.between(1, 3), random.between(2, 4));
    let score = likelihood * impact;
    Fields::new()
        .plain("status", "treating")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .text("cause", random.pick(&CAUSES))
        .references(
            "affects",
            [unit.full(Kind::Service, 0), unit.full(Kind::DataStore, 0), unit.full(Kind::Vendor, 0)],
        )
        .plain("likelihood", likelihood.to_string())
        .plain("impact", impact.to_string())
        .plain("score", score.to_string())
        .plain("residual", score.min(random.between(1, 4)).to_string())
        .plain("treatment", "mitigate")
        .plain("treatmentDue", ahead(random, 30, 400))
        .plain("reviewedOn", ago(random, 10, 150))
}

const REASONS: [&str; 3] = [
    "The former version was slow with long lists",
    "A fault in the export, reported by the branch offices",
    "Support of the library that it used ended",
];

const CAUSES: [&str; 3] = [
    "Mail with malware that nobody notices in time",
    "The only line to the second site is cut during roadworks",
    "The one who knows the import leaves before it is written down",
];
