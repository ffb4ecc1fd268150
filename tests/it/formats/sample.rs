//! One report with something of everything that a format has to show.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize::evaluate::Tally;
use assize::finding::{ContentDigest, Finding, Fingerprint, Identity, Location, Resource, Severity, Status};
use assize::load::{SkipReason, Skipped};
use assize::policy::{Absence, Baseline, BaselineEntry, NotSelected, Roles};
use assize::problem::{Code, Problem};
use assize::report::{
    Cause, ChangeSort, Comparison, Counts, Event, FieldChange, FindingChange, Fixed, GateChange, GateEffect,
    GateSort, Ownership, PolicyOrigin, Report, ResourceChange, RuleInfo, RunInfo, Side, State,
};
use assize::waive::{BaselineOutcome, EntryState, Gone, Lapse, WaiverOutcome, WaiverState};

/// What stands in the files, as far as formats read them.
pub(super) const SOURCES: [(&str, &str); 2] = [
    (
        "estate/stores.yaml",
        "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata:\n  name: ledger\nspec:\n  type: relational\n  value: hunter2\n  classification: confidential\n",
    ),
    (
        "estate/people.yaml",
        "apiVersion: assize.dev/v1\nkind: Person\nmetadata: {name: jane}\nspec: {status: left}\n",
    ),
];

/// Makes the report; every text that an estate, a rule or a waiver can hold passes `text`.
pub(super) struct Sample<'t> {
    pub(super) text: &'t dyn Fn(&str) -> String,
}

impl Sample<'_> {
    fn text(&self, plain: &str) -> String {
        (self.text)(plain)
    }

    fn identity(&self, kind: &str, name: &str) -> Identity {
        Identity {
            group: "assize.dev".into(),
            kind: kind.into(),
            namespace: "default".into(),
            name: self.text(name).into(),
        }
    }

    /// Files are named by git, so that they hold what its paths can.
    fn place(&self, file: &str, line: u32, columns: (u32, u32), path: &str) -> Location {
        Location {
            file: file.into(),
            line,
            column: columns.0,
            end_line: line,
            end_column: columns.1,
            path: self.text(path).into(),
        }
    }

    fn rule(&self, name: &str, severity: Severity, requirements: &[&str], tally: Tally) -> RuleInfo {
        RuleInfo {
            name: name.into(),
            title: self.text(&format!("Title of {name}")),
            severity,
            rationale: self.text("Stolen disks disclose everything they hold."),
            remediation: self.text("Set `spec.encryption`, or stop."),
            requirements: requirements.iter().map(|id| self.text(id)).collect(),
            related: vec![self.text("nist-csf-2.0:PR.DS-01")],
            tally,
        }
    }

    fn finding(&self, rule: u32, message: &str, kind: &str, name: &str, location: Location) -> Finding {
        Finding {
            rule,
            status: Status::Fail,
            owners: Arc::new([self.text("web-shop").into()]),
            exception: None,
            message: self.text(message).into(),
            resource: Arc::new(Resource::new(
                self.identity(kind, name),
                Location { path: "".into(), ..location.clone() },
            )),
            key: (&*location.path).into(),
            location,
            related: None,
            is_sensitive: false,
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let store = |line, columns, path: &str| self.place("estate/stores.yaml", line, columns, path);
        let mut waived = self.finding(
            1,
            "spec.type is relational, should be object",
            "DataStore",
            "ledger",
            store(6, (9, 19), "spec.type"),
        );
        waived.status = Status::Waived;
        waived.exception = Some(self.text("Waiver/legacy").into());
        let mut secret = self.finding(
            1,
            "spec.value breaks the rule \"Title\"; the value is (not shown)",
            "DataStore",
            "ledger",
            store(7, (10, 17), "spec.value"),
        );
        secret.is_sensitive = true;
        let mut suppressed = self.finding(
            2,
            "spec.classification is confidential",
            "DataStore",
            "ledger",
            store(8, (19, 31), "spec.classification"),
        );
        suppressed.status = Status::Suppressed;
        suppressed.exception = Some(self.text("known since March").into());
        let mut reached = self.finding(
            0,
            "spec.owner names jane, who has left",
            "DataStore",
            "ledger",
            store(5, (1, 5), "spec.owner"),
        );
        let mut baselined = self.finding(
            2,
            "spec.classification is internal",
            "DataSet",
            "archive",
            store(8, (19, 31), "spec.classification"),
        );
        baselined.status = Status::Baselined;
        baselined.exception = Some("baseline.yaml".into());
        baselined.owners = Arc::new(["@org/data".into(), "ann@example.org".into()]);
        let other = self.place("estate/people.yaml", 3, (1, 9), "");
        reached.related = Some(Box::new((other, "the other resource".into())));
        vec![
            self.finding(
                3,
                "spec.status is left",
                "Person",
                "jane",
                self.place("estate/people.yaml", 4, (16, 20), "spec.status"),
            ),
            reached,
            waived,
            secret,
            suppressed,
            baselined,
        ]
    }

    /// Of a run by itself.
    pub(super) fn report(&self) -> Report {
        let tally = |matched, passed, failed| Tally { matched, passed, failed, ..Tally::default() };
        let many: Vec<String> = (1..=25).map(|number| format!("pci-dss-4.0.1:{number}.1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let rules = vec![
            self.rule(
                "owner-has-left",
                Severity::Critical,
                &["gdpr:32(1)(a)", "hipaa:164.312(a)(2)(iv)"],
                tally(2, 1, 1),
            ),
            self.rule(
                "plain-store",
                Severity::High,
                &many,
                Tally { matched: 3, passed: 1, failed: 1, errors: 1, ..Tally::default() },
            ),
            self.rule(
                "store-class",
                Severity::Medium,
                &[],
                Tally { matched: 2, suppressed: 1, baselined: 1, ..Tally::default() },
            ),
            self.rule("untidy-record", Severity::Info, &["itil-4:a"], tally(1, 0, 1)),
            self.rule("unused-rule", Severity::Low, &["gdpr:5"], tally(0, 0, 0)),
        ];
        let findings = self.findings();
        let fingerprints = findings.iter().map(Self::fingerprint).collect();
        let problems = vec![
            Problem::new(Code::Undecided, self.text("2 pairs could not be decided")),
            Problem::new(Code::InvalidYaml, self.text("did not find the expected key"))
                .at(self.place("estate/broken file.yaml", 2, (3, 3), ""))
                .with_related(self.place("estate/broken file.yaml", 1, (1, 4), ""), self.text("begins here"))
                .with_help(self.text("Repair it.")),
        ];
        Report {
            run: RunInfo {
                version: "0.0.0",
                as_of: "2026-11-20".to_owned(),
                config: Some("assize.yaml".to_owned()),
                fail_on: Some(Severity::Low),
                max: BTreeMap::from([(Severity::High, 3)]),
                allow_empty: false,
                estate: None,
                roles: Roles::of(["controller"]),
                policies: PolicyOrigin::default(),
            },
            rules,
            findings,
            spooled: None,
            fingerprints,
            problems,
            not_selected: vec![
                NotSelected {
                    rule: "other-rule".into(),
                    reason: self.text("turned off in assize.yaml"),
                    requirements: Vec::new(),
                    absence: Absence::NotSelected,
                },
                NotSelected {
                    rule: "merchant-rule".into(),
                    reason: self.text("binds a merchant; the estate states controller"),
                    requirements: Vec::new(),
                    absence: Absence::NotByRole,
                },
            ],
            skipped: vec![Skipped { path: "charts/a.yaml".into(), reason: SkipReason::HelmTemplate }],
            waivers: vec![WaiverOutcome {
                identity: self.identity("Waiver", "legacy"),
                location: self.place("waivers/legacy.yaml", 1, (1, 11), ""),
                rules: vec!["plain-store".to_owned()],
                sort: Some("risk-acceptance"),
                reason: self.text("It is replaced in spring"),
                approved_by: Some(self.text("ben")),
                expires: Some("2027-03-31".to_owned()),
                ticket: None,
                state: WaiverState::Unverified,
                defects: Vec::new(),
                findings: 1,
            }],
            baseline: Some(self.baseline()),
            ownership: Ownership {
                codeowners: Some("CODEOWNERS".to_owned()),
                faults: vec![
                    Problem::new(Code::InvalidCodeowners, self.text("\"bob\" is no owner")).at(self.place(
                        "CODEOWNERS",
                        3,
                        (1, 1),
                        "",
                    )),
                ],
                only: Vec::new(),
                left_out: 0,
            },
            counts: Counts {
                files: 3,
                bytes: 4096,
                kinds: BTreeMap::from([("DataStore".to_owned(), 3), ("Person".to_owned(), 1)]),
                other_documents: 1,
                other_files: 1,
                pairs: 7,
            },
            masked: vec![self.place("estate/stores.yaml", 7, (10, 17), "")],
            comparison: None,
        }
    }

    /// One entry of each sort.
    fn baseline(&self) -> BaselineOutcome {
        let entry = |name: &str, line| BaselineEntry {
            fingerprint: Fingerprint::of(&[name]),
            rule: "store-class".to_owned(),
            severity: Severity::Medium,
            resource: self.text(&format!("DataSet/{name}")),
            count: 1,
            resource_digest: ContentDigest::of_bytes(name.as_bytes()),
            rule_digest: ContentDigest::of_bytes(b"rule"),
            location: self.place("baseline.yaml", line, (5, 9), ""),
        };
        let baseline = Baseline {
            file: "baseline.yaml".into(),
            digest: ContentDigest::of_bytes(b"baseline"),
            entries: vec![
                entry("archive", 4),
                entry("ledger", 10),
                entry("old-ledger", 16),
                entry("other", 22),
            ],
        };
        let states = vec![
            EntryState::Holds,
            EntryState::Lapsed(Lapse::ResourceChanged),
            EntryState::Stale(Gone::Resource),
            EntryState::NotJudged,
        ];
        BaselineOutcome { baseline: Arc::new(baseline), states }
    }

    fn fingerprint(finding: &Finding) -> Fingerprint {
        finding.fingerprint(&finding.rule.to_string(), None)
    }

    /// Of a run beside another one.
    pub(super) fn comparison(&self) -> Report {
        let mut report = self.report();
        let reached = Cause::ReachedChanged {
            resource: self.identity("Person", "jane"),
            location: Some(self.place("estate/people.yaml", 4, (8, 14), "spec.status")),
        };
        let change = |state, cause| FindingChange { state, cause };
        let store = |line, path: &str| self.place("estate/stores.yaml", line, (1, 5), path);
        let fixed = self.finding(
            1,
            "spec.encryption is missing",
            "DataStore",
            "old-ledger",
            store(5, "spec.encryption"),
        );
        let fixed_too = self.finding(
            2,
            "spec.classification is odd",
            "DataStore",
            "ledger",
            store(8, "spec.classification"),
        );
        let event = self.finding(
            2,
            "the classification was lowered",
            "DataStore",
            "ledger",
            store(8, "spec.classification"),
        );
        let gate = |sort, name: &str, from: Option<&str>, to: Option<&str>, effect| GateChange {
            sort,
            name: self.text(name),
            from: from.map(|text| self.text(text)),
            to: to.map(|text| self.text(text)),
            location: Some(self.place("assize.yaml", 3, (3, 9), "")),
            effect,
        };
        report.comparison = Some(Comparison {
            base: Side {
                name: self.text("main"),
                commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            },
            head: Side { name: self.text("work tree"), commit: None },
            changes: vec![
                change(State::Persisting, None),
                change(State::New, Some(reached)),
                change(State::Persisting, None),
                change(State::New, Some(Cause::ResourceChanged)),
                change(State::Persisting, None),
                change(State::Persisting, None),
            ],
            fixed: vec![
                Fixed {
                    fingerprint: Self::fingerprint(&fixed),
                    finding: fixed,
                    cause: Some(Cause::ClockPassed),
                },
                Fixed {
                    fingerprint: Self::fingerprint(&fixed_too),
                    finding: fixed_too,
                    cause: Some(Cause::WaiverCame(self.text("Waiver/legacy"))),
                },
            ],
            events: vec![Event { fingerprint: Self::fingerprint(&event), finding: event }],
            resources: vec![
                ResourceChange {
                    identity: self.identity("DataStore", "ledger"),
                    sort: ChangeSort::Renamed { from: self.identity("DataStore", "old-ledger") },
                    location: Some(store(4, "")),
                    fields: vec![
                        FieldChange {
                            path: self.text("spec.classification"),
                            old: Some(self.text("restricted")),
                            new: Some(self.text("confidential")),
                        },
                        FieldChange { path: self.text("spec.note"), old: None, new: Some(self.text("new")) },
                    ],
                },
                ResourceChange {
                    identity: self.identity("Person", "john"),
                    sort: ChangeSort::Removed,
                    location: None,
                    fields: Vec::new(),
                },
            ],
            old_problems: Vec::new(),
            gate: vec![
                gate(
                    GateSort::SeverityLowered,
                    "plain-store",
                    Some("critical"),
                    Some("high"),
                    GateEffect::Fails,
                ),
                gate(GateSort::WaiverAdded, "Waiver/legacy", None, None, GateEffect::CountsOnceMerged),
            ],
        });
        report
    }
}
