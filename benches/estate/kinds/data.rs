//! Stores, their keys and copies, and the record of processing.

use super::super::document::{Fields, Node};
use super::super::{Kind, Random, Unit};
use super::{ago, ahead};

pub(super) fn data_store(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let test = ordinal == 3;
    let personal = matches!(ordinal, 0 | 1 | 3);
    let kind = match ordinal {
        0 => "relational",
        1 => "document",
        2 => "search",
        _ => "file",
    };
    let encryption = if breaks("unencrypted-data-store") {
        Fields::new().flag("enabled", false)
    } else {
        Fields::new()
            .flag("enabled", true)
            .plain("algorithm", random.pick(&["aes-256-gcm", "aes-256-xts"]))
            .plain("level", random.pick(&["disk", "volume", "file"]))
            .maybe("key", unit.bare(Kind::EncryptionKey, usize::from(test)))
    };
    let fields = Fields::new()
        .plain("type", kind)
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("lifecycle", "production")
        .plain("criticality", if test { "low" } else { "medium" })
        .words("inScopeOf", &[])
        .words("holds", &[])
        .plain("environment", if test { "test" } else { "production" })
        .maybe("hostedOn", unit.bare(Kind::Hardware, 0))
        .plain("country", random.pick(&["AT", "DE", "FR", "NL"]))
        .flag("outsideEea", false)
        .plain("classification", if personal { "confidential" } else { "internal" })
        .words("dataCategories", if personal { &["personal"] } else { &["none"] })
        .maybe("segment", unit.bare(Kind::NetworkSegment, usize::from(test)))
        .flag("publicAccess", breaks("public-data-store"))
        .map("encryptionAtRest", encryption)
        .references("evidence", [unit.bare(Kind::Evidence, 0)])
        .flag("removable", false)
        .plain("retention", random.pick(&["P90D", "P1Y", "P3Y"]))
        .flag("accessControlled", true)
        .flag("integrityControls", true)
        .references("safeguards", [unit.bare(Kind::Safeguard, 0), unit.bare(Kind::Safeguard, 4)])
        .maybe("location", unit.bare(Kind::Facility, 0))
        .plain("reviewedOn", ago(random, 10, 300));
    if breaks("unclassified-data") {
        return fields.without("classification");
    }
    if test {
        return fields.flag("masked", !breaks("live-data-in-test"));
    }
    fields
}

pub(super) fn encryption_key(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let rotated = if breaks("key-rotation-overdue") { ago(random, 400, 900) } else { ago(random, 10, 330) };
    let storage =
        if breaks("key-kept-outside-vault") { "file" } else { random.pick(&["hsm", "kms", "vault"]) };
    Fields::new()
        .plain("purpose", "data-encryption")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("environment", if ordinal == 0 { "production" } else { "test" })
        .plain("algorithm", "aes-256-gcm")
        .plain("bits", "256")
        .words("inScopeOf", &[])
        .plain("storage", storage)
        .references("custodians", [unit.bare(Kind::Person, 2), unit.bare(Kind::Person, 3)])
        .flag("custodiansAcknowledged", true)
        .plain("rotatedOn", rotated)
        .plain("rotationDue", ahead(random, 5, 200))
        .plain("state", "active")
        .plain("reviewedOn", ago(random, 10, 300))
}

pub(super) fn backup_plan(unit: &Unit, random: &mut Random, breaks: impl Fn(&str) -> bool) -> Fields {
    let copy = |location: Option<String>, offsite: bool, immutable: bool| {
        let fields = Fields::new()
            .maybe("location", location)
            .flag("offsite", offsite)
            .flag("immutable", immutable)
            .flag("encrypted", offsite || !breaks("unencrypted-backup-copy"));
        Node::Map(fields)
    };
    let elsewhere = unit.earlier(random);
    let mut copies = vec![copy(unit.bare(Kind::Facility, 0), false, true)];
    if !breaks("no-offsite-copy") {
        copies.push(copy(elsewhere.bare(Kind::Facility, 0), true, false));
    }
    let day = if breaks("backup-failing") { ago(random, 9, 90) } else { "2026-11-19".to_owned() };
    let success = format!("{day}T{}:{}:00Z", random.between(20, 23), random.between(10, 59));
    Fields::new()
        .references("protects", (0..4).map(|ordinal| unit.bare(Kind::DataStore, ordinal)))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("criticality", "medium")
        .plain("interval", "PT4H")
        .plain("retention", random.pick(&["P30D", "P60D", "P90D"]))
        .list("copies", copies)
        .plain("lastSuccessOn", success)
        .words("dataCategories", &["personal"])
        .references("evidence", [unit.bare(Kind::Evidence, 0)])
        .plain("reviewedOn", ago(random, 10, 300))
}

pub(super) fn recovery_test(unit: &Unit, random: &mut Random) -> Fields {
    Fields::new()
        .maybe("tests", unit.full(Kind::BackupPlan, 0))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("type", "restore")
        .plain("performedOn", ago(random, 10, 330))
        .plain("duration", random.pick(&["PT45M", "PT90M", "PT2H30M"]))
        .plain("result", "passed")
        .references("services", (0..2).map(|ordinal| unit.bare(Kind::Service, ordinal)))
        .plain("environment", "recovery")
        .references("evidence", [unit.bare(Kind::Evidence, 0)])
}

pub(super) fn processing_activity(unit: &Unit, random: &mut Random, breaks: impl Fn(&str) -> bool) -> Fields {
    let applications = [1, 2].map(|ordinal| unit.bare(Kind::Application, ordinal));
    let stores = [0, 1, 3].map(|ordinal| unit.full(Kind::DataStore, ordinal));
    let fields = Fields::new()
        .plain("role", "processor")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .list(
            "controllers",
            vec![
                Node::Quoted("Beispiel AG".to_owned()),
                Node::Quoted(format!("Example & Sons no. {}", random.between(1, 99))),
            ],
        )
        .words("purposes", &["billing", "support"])
        .words("dataCategories", &["personal"])
        .words("subjectCategories", &["customers", "employees"])
        .references("recipients", [unit.full(Kind::Team, 0)])
        .references("systems", applications.into_iter().chain(stores))
        .words("transfers", &[])
        .plain("retention", random.pick(&["P3Y", "P10Y"]))
        .references("securityMeasures", [unit.full(Kind::Safeguard, 0), unit.full(Kind::Safeguard, 4)])
        .flag("highRisk", false)
        .flag("largeScale", false)
        .flag("monitoring", false)
        .flag("profiling", false)
        .flag("automatedDecision", false)
        .plain("changedOn", ago(random, 30, 900))
        .plain("reviewedOn", ago(random, 10, 300));
    if breaks("incomplete-processor-record") {
        return fields.without("controllers");
    }
    fields
}
