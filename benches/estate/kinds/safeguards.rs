//! Technical settings, certificates and reviews.

use super::super::document::{Fields, Node};
use super::super::{Kind, Random, Unit};
use super::{ago, ahead, host};

pub(super) fn safeguard(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let kind = match ordinal {
        0 => "logging",
        1 => "patching",
        2 => "hardening",
        3 => "malware-protection",
        _ => "authentication",
    };
    let fields = Fields::new()
        .plain("type", kind)
        .flag("enabled", true)
        .maybe("owner", unit.bare(Kind::Team, 0))
        .references("evidence", [unit.bare(Kind::Evidence, 0)])
        .plain("reviewedOn", ago(random, 10, 300));
    match ordinal {
        0 => fields
            .words("events", &EVENTS)
            .words("recordFields", &RECORD_FIELDS)
            .plain("retention", if breaks("log-retention-too-short") { "P90D" } else { "P400D" })
            .plain("hotRetention", random.pick(&["P3M", "P6M"]))
            .flag("immutable", true)
            .maybe("centralStore", unit.bare(Kind::DataStore, 2))
            .references("accessRoles", [unit.bare(Kind::Role, 0)])
            .flag("integrityMonitoring", true)
            .plain("reviewEvery", "P7D")
            .plain("timeSource", "ntp.example.org"),
        1 => fields.flag("automaticUpdates", true).map(
            "patchWithin",
            Fields::new()
                .plain("critical", if breaks("lax-patch-limits") { "P60D" } else { "P7D" })
                .plain("high", random.pick(&["P14D", "P30D"]))
                .plain("medium", "P90D")
                .plain("low", "P180D"),
        ),
        2 => fields.plain("runsEvery", "P1D").flag("encrypted", true),
        3 => fields
            .flag("automaticUpdates", true)
            .flag("realTimeScan", true)
            .plain("runsEvery", random.pick(&["P1D", "P7D"])),
        _ => fields
            .flag("mfa", true)
            .flag("namedUsers", true)
            .plain("minimumLength", random.between(12, 16).to_string())
            .flag("complexity", true)
            .plain("history", random.between(4, 10).to_string())
            .plain("lockoutAttempts", random.between(4, 10).to_string())
            .plain("lockoutDuration", "PT30M")
            .plain("idleTimeout", random.pick(&["PT10M", "PT15M"])),
    }
}

pub(super) fn certificate(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let name = host(unit, ordinal);
    let ends = if breaks("certificate-expired") { ago(random, 3, 60) } else { ahead(random, 40, 90) };
    let bits = if breaks("weak-certificate") { "1024" } else { random.pick(&["2048", "3072", "4096"]) };
    Fields::new()
        .quoted("subject", format!("CN={name}, O=Example AG"))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("environment", "production")
        .list("dnsNames", vec![Node::Plain(name)])
        .quoted("issuer", "CN=Example Internal CA 2, O=Example AG")
        .flag("selfSigned", false)
        .flag("public", false)
        .plain("keyAlgorithm", "rsa")
        .plain("keyBits", bits)
        .plain("signature", random.pick(&["sha256WithRSAEncryption", "sha384WithRSAEncryption"]))
        .plain("notBefore", ago(random, 80, 200))
        .plain("notAfter", ends)
        .flag("autoRenew", true)
        .references("usedBy", [unit.full(Kind::Service, ordinal)])
}

pub(super) fn assessment(unit: &Unit, random: &mut Random) -> Fields {
    // The reviews of two units alternate: one of the logs of both, one of the vendor of the other.
    if unit.number % 2 == 1 {
        return vendor_assessment(unit, random);
    }
    Fields::new()
        .plain("type", "log-review")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("performedOn", ago(random, 1, 6))
        .references(
            "scope",
            [
                unit.full(Kind::Safeguard, 0),
                unit.other(unit.number + 1).full(Kind::Safeguard, 0),
                unit.full(Kind::Application, 1),
            ],
        )
        .plain("result", "passed")
        .flag("external", false)
        .maybe("performedBy", unit.bare(Kind::Person, 4))
        .flag("independent", true)
        .text("method", "A look at every alert of the week, and at a sample of the other entries")
        .plain("residualRisk", "low")
        .maybe("approvedBy", unit.bare(Kind::Person, 0))
}

fn vendor_assessment(unit: &Unit, random: &mut Random) -> Fields {
    Fields::new()
        .plain("type", "vendor-assessment")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("performedOn", ago(random, 20, 300))
        .references("scope", [unit.full(Kind::Vendor, 0)])
        .plain("result", random.pick(&["passed", "passed-with-findings"]))
        .flag("external", false)
        .maybe("performedBy", unit.bare(Kind::Person, 4))
        .flag("independent", true)
        .text("method", "A list of questions to the vendor, and a visit to one of its sites")
        .plain("residualRisk", "low")
        .maybe("approvedBy", unit.bare(Kind::Person, 0))
}

pub(super) fn evidence(unit: &Unit, random: &mut Random) -> Fields {
    let digest: String = (0..4).map(|_| format!("{:016x}", random.next())).collect();
    Fields::new()
        .plain("type", random.pick(&["configuration", "report"]))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("collectedOn", ago(random, 20, 200))
        .maybe("collectedBy", unit.full(Kind::Application, 1))
        .maybe("reviewedBy", unit.bare(Kind::Person, 1))
        .references("supports", [unit.controlled().bare(Kind::Control, 0)])
        .plain("artefact", format!("https://files.example.org/{}/settings.json", unit.label()))
        .plain("digest", format!("sha256:{digest}"))
        .plain("expires", ahead(random, 30, 300))
        .plain("reviewedOn", ago(random, 1, 15))
}

const EVENTS: [&str; 7] = [
    "data-access",
    "admin-actions",
    "log-access",
    "failed-access",
    "credential-change",
    "log-start-stop",
    "object-create-delete",
];

const RECORD_FIELDS: [&str; 6] = ["user", "event", "time", "outcome", "origin", "object"];
