//! What the resources of each kind say under `spec`: sound values, and the one defect that is planted.
//!
//! Days are counted back from 2026-11-20 (`ago`) or onward (`ahead`).

mod applications;
mod data;
mod governance;
mod infrastructure;
mod operations;
mod people;
mod safeguards;
mod vendors;

use super::document::Fields;
use super::{Kind, Random, Unit};

/// The fields of one resource. `planted` is the rule that it is to break.
pub(super) fn spec(
    kind: Kind,
    ordinal: usize,
    unit: &Unit,
    planted: Option<&str>,
    random: &mut Random,
) -> Fields {
    let breaks = |rule: &str| planted == Some(rule);
    let fields = match kind {
        Kind::AccessReview => applications::access_review(unit, random),
        Kind::Account => people::account(ordinal, unit, random, breaks),
        Kind::Application => applications::application(ordinal, unit, random, breaks),
        Kind::Assessment => safeguards::assessment(unit, random),
        Kind::BackupPlan => data::backup_plan(unit, random, breaks),
        Kind::Certificate => safeguards::certificate(ordinal, unit, random, breaks),
        Kind::Change => operations::change(unit, random),
        Kind::Contract => vendors::contract(unit, random),
        Kind::Control => governance::control(unit, random),
        Kind::DataFlow => infrastructure::data_flow(unit, random),
        Kind::DataStore => data::data_store(ordinal, unit, random, breaks),
        Kind::EncryptionKey => data::encryption_key(ordinal, unit, random, breaks),
        Kind::Evidence => safeguards::evidence(unit, random),
        Kind::Facility => infrastructure::facility(unit, random, breaks),
        Kind::FirewallRule => infrastructure::firewall_rule(ordinal, unit, random, breaks),
        Kind::Framework => governance::framework(unit, random),
        Kind::Hardware => infrastructure::hardware(ordinal, unit, random, breaks),
        Kind::Incident => operations::incident(unit, random),
        Kind::NetworkSegment => infrastructure::network_segment(ordinal, unit, random, breaks),
        Kind::Organization => governance::organization(unit, random),
        Kind::Person => people::person(ordinal, unit, random, breaks),
        Kind::ProcessingActivity => data::processing_activity(unit, random, breaks),
        Kind::RecoveryTest => data::recovery_test(unit, random),
        Kind::Risk => operations::risk(unit, random),
        Kind::Role => applications::role(unit, random),
        Kind::Safeguard => safeguards::safeguard(ordinal, unit, random, breaks),
        Kind::Service => applications::service(ordinal, unit, random, breaks),
        Kind::Team => people::team(unit, random),
        Kind::Training => people::training(unit, random),
        Kind::Vendor => vendors::vendor(unit, random),
    };
    if breaks("unowned-asset") { fields.without("owner") } else { fields }
}

/// The first two are high, so that what rests on them may be high.
fn criticality(ordinal: usize) -> &'static str {
    match ordinal {
        0 | 1 => "high",
        2 | 3 => "medium",
        _ => "low",
    }
}

fn host(unit: &Unit, ordinal: usize) -> String {
    format!("s{}.{}.example.org", ordinal + 1, unit.label())
}

/// A day before 2026-11-20.
fn ago(random: &mut Random, least: usize, most: usize) -> String {
    date(TODAY - random.between(least, most))
}

/// A day after 2026-11-20.
fn ahead(random: &mut Random, least: usize, most: usize) -> String {
    date(TODAY + random.between(least, most))
}

/// 2026-11-20 as a number of days since 2000-03-01.
const TODAY: usize = 9760;

/// The calendar date of a number of days since 2000-03-01, good until 2100-02-28.
fn date(days: usize) -> String {
    // Of four years that begin in March, the last ends with the leap day.
    let (cycle, rest) = (days / 1461, days % 1461);
    let year = (rest / 365).min(3);
    let day = rest - year * 365;
    // From March on, the months have 31, 30, 31, 30, 31 days, twice and a little more.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        if month < 10 { (2000 + cycle * 4 + year, month + 3) } else { (2001 + cycle * 4 + year, month - 9) };
    format!("{year:04}-{month:02}-{day:02}")
}
