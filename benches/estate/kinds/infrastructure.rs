//! Sites, networks and devices.

use super::super::document::{Fields, Node};
use super::super::{Kind, Random, Unit};
use super::{ago, ahead};

pub(super) fn facility(unit: &Unit, random: &mut Random, breaks: impl Fn(&str) -> bool) -> Fields {
    let listed =
        if breaks("physical-access-list-stale") { ago(random, 220, 700) } else { ago(random, 10, 150) };
    Fields::new()
        .plain("type", random.pick(&["data-centre", "server-room"]))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("country", random.pick(&["AT", "CH", "DE", "FR"]))
        .plain("hazardRegion", random.pick(&["rhine valley", "alps", "north sea coast"]))
        .plain("entryControl", random.pick(&["key", "badge", "biometric"]))
        .flag("surveillance", true)
        .flag("fireProtection", true)
        .flag("powerBackup", true)
        .flag("cooling", true)
        .words("inScopeOf", &[])
        .plain("visitorRecords", "P6M")
        .plain("cameraRecords", random.pick(&["P90D", "P120D"]))
        .references("accessList", (0..4).map(|ordinal| unit.bare(Kind::Person, ordinal)))
        .plain("accessListReviewedOn", listed)
}

pub(super) fn network_segment(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let net = unit.number * 2 + ordinal;
    let reviewed =
        if breaks("firewall-review-overdue") { ago(random, 220, 700) } else { ago(random, 10, 150) };
    Fields::new()
        .list("cidrs", vec![Node::Plain(format!("10.{}.{}.0/24", net / 256 % 256, net % 256))])
        .plain("routingDomain", format!("region-{}", net / 65_536 + 1))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("environment", if ordinal == 0 { "production" } else { "test" })
        .plain("zone", if ordinal == 0 { "internal" } else { "test" })
        .plain("trust", "trusted")
        .plain("defaultInbound", if breaks("no-default-deny") { "allow" } else { "deny" })
        .plain("defaultOutbound", "deny")
        .flag("segmented", false)
        .words("inScopeOf", &[])
        .maybe("intrusionDetection", unit.bare(Kind::Safeguard, 3))
        .plain("ruleSetReviewedOn", reviewed)
        .maybe("location", unit.bare(Kind::Facility, 0))
}

pub(super) fn hardware(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let index = unit.number * 3 + ordinal;
    let kind = match ordinal {
        0 => "virtual-machine",
        1 => "laptop",
        _ => "switch",
    };
    let supported =
        if breaks("hardware-support-ended") { ago(random, 20, 500) } else { ahead(random, 250, 1500) };
    let safeguards = if breaks("no-patch-policy") { [0, 2, 3].as_slice() } else { &[0, 1, 2, 3] };
    let mut fields = Fields::new()
        .plain("type", kind)
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("environment", "production")
        .quoted("assetTag", format!("{:07}", 1_000_000 + index))
        .quoted("serialNumber", format!("{:04X}-{index:06X}", 0x4a00 + index % 7))
        .plain("manufacturer", random.pick(&MANUFACTURERS))
        .plain("model", format!("{} {}", random.pick(&MODELS), random.between(2, 9) * 100))
        .plain("status", "in-use")
        .maybe("segment", unit.bare(Kind::NetworkSegment, 0))
        .words("inScopeOf", &[])
        .words("dataCategories", if ordinal == 0 { &["personal", "financial"] } else { &["none"] })
        .plain("operatingSystem", random.pick(&["Debian 13", "RHEL 10", "Windows 11"]))
        .plain("supportEnds", supported)
        .plain("purchasedOn", ago(random, 50, 700))
        .plain("expectedLife", random.pick(&["P4Y", "P5Y", "P6Y"]))
        .plain("lastPatchedOn", ago(random, 1, 25))
        .plain("timeSource", "ntp.example.org")
        .plain("defaultAccounts", "removed")
        .references("safeguards", safeguards.iter().map(|ordinal| unit.bare(Kind::Safeguard, *ordinal)))
        .maybe("location", unit.bare(Kind::Facility, 0));
    if kind == "virtual-machine" {
        fields = fields.words("functions", &[random.pick(&["web", "application", "database"])]);
    }
    if kind == "laptop" {
        fields = fields
            .maybe("assignedTo", unit.bare(Kind::Person, 3))
            .flag("reassigned", false)
            .plain("diskEncryption", if breaks("unencrypted-portable-device") { "none" } else { "software" });
    }
    fields
}

pub(super) fn data_flow(unit: &Unit, random: &mut Random) -> Fields {
    Fields::new()
        .maybe("from", unit.full(Kind::NetworkSegment, 0))
        .maybe("to", unit.full(Kind::NetworkSegment, 1))
        .maybe("fromSegment", unit.bare(Kind::NetworkSegment, 0))
        .maybe("toSegment", unit.bare(Kind::NetworkSegment, 1))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .list("ports", ports(&["443", "8443"]))
        .words("dataCategories", &["none"])
        .plain("classification", "internal")
        .plain("encryption", random.pick(&["tls1.2", "tls1.3", "mtls"]))
        .plain("destinationCountry", random.pick(&["AT", "CH", "DE", "FR"]))
        .flag("outsideEea", false)
        .plain("reviewedOn", ago(random, 10, 300))
}

pub(super) fn firewall_rule(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let open = ordinal == 0 || breaks("cleartext-protocol-allowed");
    let ports =
        if breaks("cleartext-protocol-allowed") { ports(&["443", "23"]) } else { ports(&["443", "8443"]) };
    let fields = Fields::new()
        .maybe("enforcedBy", unit.bare(Kind::Hardware, 2))
        .maybe("owner", unit.bare(Kind::Team, 0))
        .plain("action", if open { "allow" } else { "deny" })
        .maybe("source", unit.bare(Kind::NetworkSegment, 0))
        .maybe("destination", unit.bare(Kind::NetworkSegment, 1))
        .plain("protocol", "tcp")
        .list("ports", ports)
        .text("justification", "The nightly comparison of the two systems needs this path and nothing else")
        .maybe("approvedBy", unit.bare(Kind::Person, 0))
        .flag("temporary", false)
        .maybe("flow", unit.bare(Kind::DataFlow, 0))
        .plain("reviewedOn", ago(random, 10, 150));
    if breaks("unjustified-firewall-rule") {
        return fields.without("justification");
    }
    fields
}

fn ports(ports: &[&str]) -> Vec<Node> {
    ports.iter().map(|port| Node::Quoted((*port).to_owned())).collect()
}

const MANUFACTURERS: [&str; 4] = ["Northwind", "Falkenberg", "Oriel Systems", "Takumi"];

const MODELS: [&str; 4] = ["Compact", "Edge", "Meridian", "Tower"];
