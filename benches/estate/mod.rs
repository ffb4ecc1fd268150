//! An invented estate of any size, for benchmarks and large tests.
//!
//! Input: a number of resources and a seed. Output: the files of an estate as text; nothing is written to disk. The same input gives
//! the same bytes on every platform: integers only, no hash map, no clock.
//!
//! The estate consists of *units* of fifty resources, five files of ten each, over thirty kinds. A resource's kind and name follow
//! from its index, so that any resource can refer to any other: to its neighbours in the unit, and to other units (managers, parent
//! teams, shared services). In a partial last unit, references to resources that do not exist are left out.
//!
//! Every document is valid against its kind's schema. Judged on 2026-11-20, an estate of whole units breaks few rules of the library
//! but for one planted defect in each unit (2 % of the resources), which a comment `# planted: <rule>` names. Judged on a later day,
//! reviews and rotations are overdue and the findings grow.
//!
//! It does not try to be plausible as a whole: names repeat, and each unit looks like the others.

mod document;
mod kinds;

use document::write_document;

/// Resources in one unit.
const UNIT: usize = 50;

/// One file of the estate.
pub(crate) struct EstateFile {
    /// Path relative to the repository's root, with `/`.
    pub(crate) path: String,
    /// YAML, about ten documents of 1.0 to 1.5 KB each.
    pub(crate) text: String,
}

/// The files of an estate with this many resources, unit by unit.
pub(crate) fn generate(resources: usize, seed: u64) -> Vec<EstateFile> {
    let mut files = Vec::with_capacity(resources.div_ceil(UNIT) * FILES.len());
    generate_each(resources, seed, |file| files.push(file));
    files
}

/// The same files one by one, so that a large estate needs little memory.
pub(crate) fn generate_each(resources: usize, seed: u64, mut take: impl FnMut(EstateFile)) {
    let mut start = 0;
    for number in 0..resources.div_ceil(UNIT) {
        let unit = Unit { number, seed, resources };
        let defect = unit.planted();
        for (file, parts) in FILES {
            let mut text = String::new();
            let mut index = start;
            for &(kind, count) in parts {
                let kind = unit.kind_in_place_of(kind);
                for ordinal in 0..count {
                    if index < resources {
                        let planted = defect
                            .filter(|defect| defect.kind == kind && defect.ordinal == ordinal)
                            .map(|defect| defect.rule);
                        let mut random = Random::new(seed, index);
                        if !text.is_empty() {
                            text.push_str("---\n");
                        }
                        let spec = kinds::spec(kind, ordinal, &unit, planted, &mut random);
                        text.push_str(&write_document(
                            kind,
                            &unit.name(kind, ordinal),
                            &spec,
                            planted,
                            &mut random,
                        ));
                    }
                    index += 1;
                }
            }
            start = index;
            if !text.is_empty() {
                let path = format!("estate/{:03}/{}/{file}.yaml", number / 100, unit.label());
                take(EstateFile { path, text });
            }
        }
    }
}

/// The kinds that occur.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    AccessReview,
    Account,
    Application,
    Assessment,
    BackupPlan,
    Certificate,
    Change,
    Contract,
    Control,
    DataFlow,
    DataStore,
    EncryptionKey,
    Evidence,
    Facility,
    FirewallRule,
    Framework,
    Hardware,
    Incident,
    NetworkSegment,
    Organization,
    Person,
    ProcessingActivity,
    RecoveryTest,
    Risk,
    Role,
    Safeguard,
    Service,
    Team,
    Training,
    Vendor,
}

impl Kind {
    /// As written under `kind:`.
    fn name(self) -> &'static str {
        match self {
            Self::AccessReview => "AccessReview",
            Self::Account => "Account",
            Self::Application => "Application",
            Self::Assessment => "Assessment",
            Self::BackupPlan => "BackupPlan",
            Self::Certificate => "Certificate",
            Self::Change => "Change",
            Self::Contract => "Contract",
            Self::Control => "Control",
            Self::DataFlow => "DataFlow",
            Self::DataStore => "DataStore",
            Self::EncryptionKey => "EncryptionKey",
            Self::Evidence => "Evidence",
            Self::Facility => "Facility",
            Self::FirewallRule => "FirewallRule",
            Self::Framework => "Framework",
            Self::Hardware => "Hardware",
            Self::Incident => "Incident",
            Self::NetworkSegment => "NetworkSegment",
            Self::Organization => "Organization",
            Self::Person => "Person",
            Self::ProcessingActivity => "ProcessingActivity",
            Self::RecoveryTest => "RecoveryTest",
            Self::Risk => "Risk",
            Self::Role => "Role",
            Self::Safeguard => "Safeguard",
            Self::Service => "Service",
            Self::Team => "Team",
            Self::Training => "Training",
            Self::Vendor => "Vendor",
        }
    }

    /// The part of a resource's name that tells its kind.
    fn stem(self) -> &'static str {
        match self {
            Self::AccessReview => "access-review",
            Self::Account => "login",
            Self::Application => "app",
            Self::Assessment => "log-review",
            Self::BackupPlan => "backup",
            Self::Certificate => "cert",
            Self::Change => "change",
            Self::Contract => "contract",
            Self::Control => "control",
            Self::DataFlow => "flow",
            Self::DataStore => "store",
            Self::EncryptionKey => "key",
            Self::Evidence => "proof",
            Self::Facility => "site",
            Self::FirewallRule => "rule",
            Self::Framework => "framework",
            Self::Hardware => "device",
            Self::Incident => "incident",
            Self::NetworkSegment => "net",
            Self::Organization => "organization",
            Self::Person => "person",
            Self::ProcessingActivity => "processing",
            Self::RecoveryTest => "restore",
            Self::Risk => "risk",
            Self::Role => "role",
            Self::Safeguard => "safeguard",
            Self::Service => "service",
            Self::Team => "team",
            Self::Training => "course",
            Self::Vendor => "vendor",
        }
    }
}

/// A file of a unit: its name, and how many of which kinds stand in it.
type File = (&'static str, &'static [(Kind, usize)]);

/// The files of a unit in the order of their resources' indices.
const FILES: [File; 5] = [
    (
        "applications",
        &[
            (Kind::Application, 4),
            (Kind::Service, 2),
            (Kind::Role, 1),
            (Kind::AccessReview, 1),
            (Kind::Change, 1),
            (Kind::Incident, 1),
        ],
    ),
    (
        "data",
        &[
            (Kind::DataStore, 4),
            (Kind::EncryptionKey, 2),
            (Kind::BackupPlan, 1),
            (Kind::RecoveryTest, 1),
            (Kind::ProcessingActivity, 1),
            (Kind::Evidence, 1),
        ],
    ),
    (
        "infrastructure",
        &[
            (Kind::Facility, 1),
            (Kind::NetworkSegment, 2),
            (Kind::Hardware, 3),
            (Kind::DataFlow, 1),
            (Kind::FirewallRule, 2),
            (Kind::Vendor, 1),
        ],
    ),
    ("people", &[(Kind::Team, 1), (Kind::Person, 5), (Kind::Account, 3), (Kind::Training, 1)]),
    (
        "safeguards",
        &[
            (Kind::Safeguard, 5),
            (Kind::Certificate, 2),
            (Kind::Assessment, 1),
            (Kind::Contract, 1),
            (Kind::Risk, 1),
        ],
    ),
];

/// A defect that may be planted, and the rule that catches it.
#[derive(Clone, Copy)]
struct Defect {
    kind: Kind,
    ordinal: usize,
    rule: &'static str,
}

const fn defect(kind: Kind, ordinal: usize, rule: &'static str) -> Defect {
    Defect { kind, ordinal, rule }
}

const DEFECTS: [Defect; 36] = [
    defect(Kind::Account, 0, "account-without-subject"),
    defect(Kind::Account, 0, "dormant-account"),
    defect(Kind::Account, 1, "privileged-account-without-mfa"),
    defect(Kind::Account, 2, "interactive-service-account"),
    defect(Kind::Application, 1, "unowned-asset"),
    defect(Kind::Application, 2, "missing-criticality"),
    defect(Kind::Application, 3, "default-account-open"),
    defect(Kind::Application, 3, "patching-stale"),
    defect(Kind::BackupPlan, 0, "backup-failing"),
    defect(Kind::BackupPlan, 0, "no-offsite-copy"),
    defect(Kind::BackupPlan, 0, "unencrypted-backup-copy"),
    defect(Kind::Certificate, 0, "certificate-expired"),
    defect(Kind::Certificate, 1, "weak-certificate"),
    defect(Kind::DataStore, 0, "unencrypted-data-store"),
    defect(Kind::DataStore, 1, "unencrypted-data-store"),
    defect(Kind::DataStore, 1, "public-data-store"),
    defect(Kind::DataStore, 2, "unclassified-data"),
    defect(Kind::DataStore, 2, "unowned-asset"),
    defect(Kind::DataStore, 3, "live-data-in-test"),
    defect(Kind::EncryptionKey, 0, "key-rotation-overdue"),
    defect(Kind::EncryptionKey, 1, "key-kept-outside-vault"),
    defect(Kind::Facility, 0, "physical-access-list-stale"),
    defect(Kind::FirewallRule, 0, "unjustified-firewall-rule"),
    defect(Kind::FirewallRule, 1, "cleartext-protocol-allowed"),
    defect(Kind::Hardware, 0, "no-patch-policy"),
    defect(Kind::Hardware, 0, "hardware-support-ended"),
    defect(Kind::Hardware, 1, "unencrypted-portable-device"),
    defect(Kind::NetworkSegment, 0, "no-default-deny"),
    defect(Kind::NetworkSegment, 1, "firewall-review-overdue"),
    defect(Kind::Person, 1, "confidentiality-unsigned"),
    defect(Kind::Person, 4, "contractor-overdue"),
    defect(Kind::ProcessingActivity, 0, "incomplete-processor-record"),
    defect(Kind::Safeguard, 0, "log-retention-too-short"),
    defect(Kind::Safeguard, 1, "lax-patch-limits"),
    defect(Kind::Service, 0, "missing-recovery-targets"),
    defect(Kind::Service, 1, "incomplete-service-catalogue-entry"),
];

/// What the units are about; part of their resources' names.
const THEMES: [&str; 16] = [
    "archive",
    "billing",
    "booking",
    "catering",
    "claims",
    "dispatch",
    "fleet",
    "laboratory",
    "ledger",
    "library",
    "payroll",
    "pharmacy",
    "portal",
    "research",
    "storefront",
    "survey",
];

/// One unit of the estate: it knows the names in it, and which of them exist.
struct Unit {
    number: usize,
    seed: u64,
    resources: usize,
}

impl Unit {
    /// Its name, which is unique.
    fn label(&self) -> String {
        let theme = THEMES.get(self.number % THEMES.len()).unwrap_or(&"unit");
        format!("{theme}-{:05}", self.number)
    }

    /// Another unit of the same estate.
    fn other(&self, number: usize) -> Self {
        Self { number, ..*self }
    }

    /// Any whole unit before this one, or this one if it is the first.
    fn earlier(&self, random: &mut Random) -> Self {
        self.other(random.below(self.number.max(1)))
    }

    /// The unit above this one; none above the first.
    fn parent(&self) -> Option<Self> {
        (self.number > 0).then(|| self.other(self.number / 8))
    }

    /// The name of a resource of this unit, whether it exists or not.
    fn name(&self, kind: Kind, ordinal: usize) -> String {
        format!("{}-{}-{}", self.label(), kind.stem(), ordinal + 1)
    }

    /// What stands where others have a risk: the first unit has the organization, the second its framework, and one in ten a control.
    fn kind_in_place_of(&self, kind: Kind) -> Kind {
        match (kind, self.number) {
            (Kind::Risk, 0) => Kind::Organization,
            (Kind::Risk, 1) => Kind::Framework,
            (Kind::Risk, number) if number % 10 == 2 => Kind::Control,
            _ => kind,
        }
    }

    /// The unit that has the control which this unit's evidence supports.
    fn controlled(&self) -> Self {
        self.other(self.number.saturating_sub(2) / 10 * 10 + 2)
    }

    fn exists(&self, kind: Kind, ordinal: usize) -> bool {
        let kind = match kind {
            Kind::Organization | Kind::Framework | Kind::Control => Kind::Risk,
            _ => kind,
        };
        let before = FILES
            .iter()
            .flat_map(|(_, parts)| parts.iter())
            .take_while(|(other, _)| *other != kind)
            .map(|(_, count)| count)
            .sum::<usize>();
        self.number * UNIT + before + ordinal < self.resources
    }

    /// A reference with its kind, `Person:name`, if there is such a resource.
    fn full(&self, kind: Kind, ordinal: usize) -> Option<String> {
        self.exists(kind, ordinal).then(|| format!("{}:{}", kind.name(), self.name(kind, ordinal)))
    }

    /// A reference for a field whose first kind is this one, so that the kind may be left out; sometimes it is not.
    fn bare(&self, kind: Kind, ordinal: usize) -> Option<String> {
        if (self.number + ordinal).is_multiple_of(4) {
            return self.full(kind, ordinal);
        }
        self.exists(kind, ordinal).then(|| self.name(kind, ordinal))
    }

    /// The defect of this unit.
    fn planted(&self) -> Option<Defect> {
        let mut random = Random::new(!self.seed, self.number);
        DEFECTS.get(random.below(DEFECTS.len())).copied()
    }
}

/// A small generator of pseudo-random numbers (splitmix64), one for each resource, so that a resource's text does not depend on those
/// before it.
struct Random(u64);

impl Random {
    fn new(seed: u64, index: usize) -> Self {
        let mut random = Self(seed ^ (index as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `bound - 1`; the bound is not zero.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("less than a usize")
    }

    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words.get(self.below(words.len())).copied().unwrap_or("")
    }

    /// A run of these words, one at least.
    fn pick_some<'a>(&mut self, words: &'a [&'static str]) -> &'a [&'static str] {
        let end = self.between(1, words.len());
        let start = self.below(end);
        words.get(start..end).unwrap_or(words)
    }
}
