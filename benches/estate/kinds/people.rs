//! Teams, people and their accounts.

use super::super::document::{Fields, Node};
use super::super::{Kind, Random, Unit};
use super::{TODAY, ago, ahead, date};

pub(super) fn team(unit: &Unit, random: &mut Random) -> Fields {
    let parent = unit.parent().and_then(|parent| parent.bare(Kind::Team, 0));
    Fields::new()
        .plain("type", random.pick(&["team", "department"]))
        .maybe("lead", unit.bare(Kind::Person, 0))
        .maybe("parent", parent)
        .plain("email", format!("{}@example.org", unit.label()))
        .plain("onCallSchedule", format!("https://duty.example.org/{}", unit.label()))
        .plain("reviewedOn", ago(random, 20, 150))
}

pub(super) fn training(unit: &Unit, random: &mut Random) -> Fields {
    let completions = (0..5)
        .filter_map(|ordinal| unit.bare(Kind::Person, ordinal))
        .map(|person| Node::Map(Fields::new().plain("person", person).plain("'on'", ago(random, 5, 330))));
    let completions = completions.collect();
    Fields::new()
        .maybe("owner", unit.bare(Kind::Team, 0))
        .words("topics", &TOPICS)
        .flag("mandatory", true)
        .plain("validFor", "P1Y")
        .references("audience", [unit.bare(Kind::Role, 0)])
        .list("completions", completions)
        .plain("reviewedOn", ago(random, 10, 300))
}

pub(super) fn person(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let manager = if ordinal == 0 {
        unit.parent().and_then(|parent| parent.bare(Kind::Person, 0))
    } else {
        unit.bare(Kind::Person, 0)
    };
    let first = random.pick(&FIRST_NAMES);
    let last = random.pick(&LAST_NAMES);
    let address = format!("{first}.{last}.{}{ordinal}@example.org", unit.number);
    let start = TODAY - random.between(500, 4000);
    let fields = Fields::new()
        .plain("email", address.clone())
        .plain("type", if ordinal == 4 { "contractor" } else { "employee" })
        .plain("status", "active")
        .references("memberOf", [unit.bare(Kind::Team, 0)])
        .maybe("manager", manager)
        .references("jobRoles", [unit.bare(Kind::Role, 0)])
        .plain("start", date(start))
        .map(
            "screening",
            Fields::new()
                .plain("on", date(start - random.between(5, 60)))
                .plain("level", random.pick(&["basic", "standard", "enhanced"])),
        )
        .plain("confidentialitySignedOn", ago(random, 100, 450))
        .plain("policyAcknowledgedOn", ago(random, 5, 300))
        .words("skills", random.pick_some(&SKILLS))
        .flag("sensitiveAccess", ordinal != 3)
        .list("gitIdentities", vec![Node::Quoted(address)]);
    if breaks("confidentiality-unsigned") {
        return fields.without("confidentialitySignedOn");
    }
    if ordinal == 4 {
        let end = if breaks("contractor-overdue") { ago(random, 5, 90) } else { ahead(random, 60, 400) };
        return fields.maybe("sponsor", unit.bare(Kind::Person, 0)).plain("end", end);
    }
    fields
}

pub(super) fn account(
    ordinal: usize,
    unit: &Unit,
    random: &mut Random,
    breaks: impl Fn(&str) -> bool,
) -> Fields {
    let service = ordinal == 2;
    let (kind, person) = match ordinal {
        0 => ("user", 1),
        1 => ("admin", 1),
        _ => ("service", 0),
    };
    let used = if breaks("dormant-account") { ago(random, 120, 600) } else { ago(random, 1, 60) };
    let fields = Fields::new()
        .plain("type", kind)
        .maybe("owner", unit.bare(Kind::Team, 0))
        .maybe("system", unit.bare(Kind::Application, ordinal))
        .plain("status", "enabled")
        .flag("privileged", ordinal == 1)
        .flag("interactive", !service || breaks("interactive-service-account"))
        .plain("lastUsedOn", used)
        .plain("environment", "production")
        .plain("reviewedOn", ago(random, 10, 160))
        .maybe("approvedBy", unit.bare(Kind::Person, 0));
    if service {
        return fields.maybe("application", unit.bare(Kind::Application, 1)).flag("secretChanged", true);
    }
    let fields = fields.flag("mfa", !breaks("privileged-account-without-mfa"));
    if breaks("account-without-subject") {
        return fields;
    }
    fields.maybe("person", unit.bare(Kind::Person, person))
}

const FIRST_NAMES: [&str; 12] =
    ["anna", "bruno", "chiara", "david", "elif", "felix", "greta", "hamid", "ines", "jonas", "katja", "luca"];

const LAST_NAMES: [&str; 12] = [
    "amsler", "brandt", "conti", "dubois", "egli", "fischer", "graf", "huber", "imhof", "jansen", "keller",
    "lang",
];

const TOPICS: [&str; 5] =
    ["phishing", "social-engineering", "acceptable-use", "incident-reporting", "first-aid"];

const SKILLS: [&str; 6] = ["first-aid", "networking", "python", "rust", "sql", "writing"];
