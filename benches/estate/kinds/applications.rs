//! Applications, services, and who may use them.

use super::super::document::{Fields, Node};
use super::super::{Kind, Random, Unit};
use super::{ago, criticality, host};

pub(super) fn application(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let own = matches!(ordinal, 1 | 2);
    let kind = match ordinal {
        0 => "identity-provider",
        1 => "service",
        2 => "batch",
        _ => "cots",
    };
    let patched = if breaks("patching-stale") { ago(random, 60, 400) } else { ago(random, 1, 25) };
    let earlier = unit.earlier(random);
    let mut fields = Fields::new()
        .plain("type", kind)
        .maybe("owner", unit.bare(Kind::Team, 0))
        .flag("custom", own)
        .plain("exposure", random.pick(&["internal", "partner", "isolated"]))
        .flag("paymentPage", false)
        .plain("lifecycle", "production")
        .plain("environment", "production")
        .plain("criticality", criticality(ordinal))
        .words("inScopeOf", &[])
        .words("dataCategories", if own { &["personal", "financial"] } else { &["none"] })
        .maybe("segment", unit.bare(Kind::NetworkSegment, 0))
        .references("runsOn", [unit.bare(Kind::Hardware, 0)])
        .references(
            "uses",
            [unit.bare(Kind::DataStore, if own { ordinal - 1 } else { 2 }), earlier.bare(Kind::DataStore, 2)],
        )
        .map("tls", Fields::new().quoted("minVersion", random.pick(&["1.2", "1.3"])))
        .references("safeguards", [0, 1, 2, 4].map(|ordinal| unit.bare(Kind::Safeguard, ordinal)))
        .flag("uniqueUserIds", true)
        .flag("integrityControls", own)
        .plain("idleTimeout", random.pick(&["PT5M", "PT10M", "PT15M"]))
        .plain("defaultAccounts", if breaks("default-account-open") { "unchanged" } else { "removed" })
        .plain("lastPatchedOn", patched);
    if ordinal > 0 {
        fields = fields.maybe("identityProvider", unit.bare(Kind::Application, 0));
    }
    if own {
        let component = |name: &str, license: &str| {
            Node::Map(Fields::new().plain("name", name).plain("license", license))
        };
        fields = fields.list(
            "components",
            vec![
                component(random.pick(&COMPONENTS), "MIT"),
                component("zlib-port", random.pick(&["Apache-2.0", "BSD-3-Clause"])),
            ],
        );
    }
    if breaks("missing-criticality") {
        return fields.without("criticality");
    }
    fields
}

pub(super) fn service(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let (rto, rpo, downtime) = match ordinal {
        0 => ("PT4H", "PT4H", "PT8H"),
        1 => ("PT12H", "PT8H", "P1D"),
        _ => ("P2D", "P1D", "P3D"),
    };
    let earlier = unit.earlier(random);
    let fields = Fields::new()
        .plain("type", random.pick(&["business", "technical", "shared"]))
        .flag("customerFacing", false)
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("lifecycle", "production")
        .plain("criticality", if ordinal == 0 { "high" } else { criticality(ordinal + 1) })
        .text("description", random.pick(&SERVICE_TEXTS))
        .plain("audience", random.pick(&["all staff", "the branch offices", "customers"]))
        .plain("supportRoute", "https://help.example.org/new")
        .quoted("supportHours", random.pick(&["08:00-18:00", "24/7", "7-19"]))
        .maybe("onCall", unit.bare(Kind::Team, 0))
        .plain("rto", rto)
        .plain("rpo", rpo)
        .plain("maximumDowntime", downtime)
        .references(
            "dependsOn",
            [
                unit.full(Kind::Application, 1),
                unit.full(Kind::Application, 0),
                earlier.full(Kind::Application, 1),
            ],
        )
        .map("capacity", Fields::new().plain("utilisation", random.between(20, 75).to_string()))
        .quoted("costCentre", format!("{:05}", random.between(100, 9999)))
        .list("endpoints", vec![Node::Plain(host(unit, ordinal))])
        .plain("reviewedOn", ago(random, 10, 300));
    if breaks("missing-recovery-targets") {
        return fields.without("maximumDowntime");
    }
    if breaks("incomplete-service-catalogue-entry") {
        return fields.without("supportRoute");
    }
    fields
}

pub(super) fn role(unit: &Unit, random: &mut Random) -> Fields {
    Fields::new()
        .plain("type", "access")
        .maybe("owner", unit.bare(Kind::Team, 0))
        .flag("privileged", false)
        .text("purpose", "Reads the records of the unit and works on the requests that come in by mail")
        .words("permissions", random.pick_some(&PERMISSIONS))
        .references(
            "appliesTo",
            [unit.bare(Kind::Application, 1), unit.bare(Kind::Application, 2), unit.full(Kind::DataStore, 0)],
        )
        .words("needToKnow", &["personal", "financial"])
        .words("requiredSkills", &["first-aid"])
        .plain("reviewedOn", ago(random, 10, 300))
}

pub(super) fn access_review(unit: &Unit, random: &mut Random) -> Fields {
    let applications = (0..4).map(|ordinal| unit.bare(Kind::Application, ordinal));
    let others = [unit.full(Kind::Role, 0), unit.full(Kind::Account, 2)];
    Fields::new()
        .references("scope", applications.chain(others))
        .maybe("reviewer", unit.bare(Kind::Person, 0))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("completedOn", ago(random, 5, 150))
        .plain("status", "closed")
        .plain("environment", "production")
}

const COMPONENTS: [&str; 4] = ["date-tools", "json-reader", "small-http", "table-writer"];

const SERVICE_TEXTS: [&str; 3] = [
    "Takes orders from the branch offices and hands them to the warehouse within the hour",
    "Keeps the calendar of rooms, cars and people, and reminds those who forget",
    "Prints, folds and posts what leaves the house on paper",
];

const PERMISSIONS: [&str; 6] =
    ["records.read", "records.export", "requests.answer", "requests.close", "reports.read", "mail.send"];
