//! Vendors and the contracts with them.

use super::super::document::{Fields, Node};
use super::super::{Kind, Random, Unit};
use super::{ago, ahead};

pub(super) fn vendor(unit: &Unit, random: &mut Random) -> Fields {
    Fields::new()
        .plain("status", "active")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .list(
            "services",
            vec![Node::Quoted("Hosting & operation".to_owned()), Node::Quoted("Support, 8 to 18".to_owned())],
        )
        .plain("tier", if unit.number % 2 == 1 { random.pick(&["important", "standard"]) } else { "low" })
        .plain("country", random.pick(&["AT", "DE", "FR", "NL"]))
        .words("dataRegions", &[random.pick(&["eu-central", "eu-north", "eu-west"])])
        .flag("outsideEea", false)
        .plain("role", "processor")
        .words("dataCategories", &["personal"])
        .plain("performanceReviewedOn", ago(random, 10, 300))
        .flag("affectsCardData", false)
        .plain("reviewedOn", ago(random, 10, 300))
}

pub(super) fn contract(unit: &Unit, random: &mut Random) -> Fields {
    let value = Fields::new()
        .plain("amount", (random.between(8, 900) * 100).to_string())
        .plain("currency", random.pick(&["EUR", "CHF"]));
    let start = ago(random, 200, 1200);
    Fields::new()
        .maybe("vendor", unit.bare(Kind::Vendor, 0))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("type", "data-processing")
        .plain("status", "signed")
        .plain("signedOn", start.clone())
        .plain("start", start)
        .plain("end", ahead(random, 300, 900))
        .plain("noticePeriod", random.pick(&["P1M", "P3M"]))
        .map("value", value)
        .plain("breachNoticeWithin", random.pick(&["PT12H", "PT24H"]))
        .words("clauses", &CLAUSES)
}

const CLAUSES: [&str; 8] = [
    "instructions",
    "confidentiality",
    "security",
    "sub-processing",
    "rights-assistance",
    "breach-assistance",
    "return-or-delete",
    "audit",
];
