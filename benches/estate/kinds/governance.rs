//! The organization, the framework that it follows, and its controls.

use super::super::document::Fields;
use super::super::{Kind, Random, Unit};
use super::ago;

pub(super) fn organization(unit: &Unit, random: &mut Random) -> Fields {
    Fields::new()
        .quoted("legalName", "Example & Sons AG")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("country", "AT")
        .words("roles", &ROLES)
        .plain("contact", "office@example.org")
        .maybe("dataProtectionOfficer", unit.bare(Kind::Person, 1))
        .plain("dataProtectionOfficerContact", "privacy@example.org")
        .plain("officerDuty", "large-scale-monitoring")
        .maybe("securityLead", unit.bare(Kind::Person, 2))
        .maybe("privacyOfficial", unit.bare(Kind::Person, 1))
        .flag("establishedInEu", true)
        .plain("riskAppetite", "9")
        .plain("reviewedOn", ago(random, 10, 150))
}

pub(super) fn framework(unit: &Unit, random: &mut Random) -> Fields {
    Fields::new()
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("authority", "Example Institute for Audits")
        .quoted("version", "2026")
        .flag("active", true)
        .plain("reviewedOn", ago(random, 10, 150))
}

pub(super) fn control(unit: &Unit, random: &mut Random) -> Fields {
    let framework = unit.other(1);
    Fields::new()
        .maybe("framework", framework.bare(Kind::Framework, 0))
        .quoted("requirement", format!("{}.{}", random.between(1, 12), random.between(1, 9)))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .flag("mandatory", true)
        .plain("status", "operating")
        .words("rules", &["privileged-account-without-mfa", "unowned-asset"])
        .references("accountable", [unit.full(Kind::Person, 0)])
        .references("responsible", [unit.full(Kind::Team, 0)])
        .maybe("operator", unit.full(Kind::Team, 0))
        .references("evidence", [unit.bare(Kind::Evidence, 0)])
        .plain("frequency", random.pick(&["P1M", "P3M"]))
        .text("population", "Every account of the unit, those of machines included")
        .plain("reviewedOn", ago(random, 10, 150))
}

const ROLES: [&str; 10] = [
    "controller",
    "processor",
    "covered-entity",
    "business-associate",
    "merchant",
    "service-provider",
    "issuer",
    "designated-entity",
    "ai-provider",
    "ai-deployer",
];
