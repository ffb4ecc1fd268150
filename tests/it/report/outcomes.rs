//! Which outcome a requirement has, and why.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use sha2::{Digest as _, Sha256};

use super::{house, report, requirement, store};
use crate::scene::{DAY, Scene};

/// The own states of requirements, as `id state`, of an estate with these documents.
#[track_caller]
fn check(documents: &str, expected: &[(&str, &str)]) {
    check_scene(&house(documents), expected);
}

#[track_caller]
fn check_scene(scene: &Scene, expected: &[(&str, &str)]) {
    let report = report(scene, &[]);
    for (id, state) in expected {
        let entry = requirement(&report, id);
        assert_eq!(entry["ownState"], *state, "{id}: {}", entry["reasons"]);
    }
}

fn control(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: assize.dev/v1\nkind: Control\nmetadata: {{name: {name}}}\nspec: {{framework: house, {spec}}}\n"
    )
}

const WAIVER: &str = "---
apiVersion: assize.dev/v1
kind: Waiver
metadata: {name: old-store}
spec: {rules: [plain-store], resources: ['DataStore:b'], type: risk-acceptance, reason: it goes in spring, requestedBy: anna, approvedBy: ben,
  approvedOn: 2026-11-01, expires: 2026-12-31}
";

#[test]
fn what_rules_say() {
    let good = store("a", true);
    let bad = store("b", false);
    check(
        &good,
        &[
            ("1.1", "satisfied"),
            ("1.2", "satisfied"),
            ("1.3", "not-evaluated"),
            ("1.4.1", "uncovered"),
            ("4", "uncovered"),
        ],
    );
    check(&format!("{good}{bad}"), &[("1.1", "not-satisfied"), ("1.2", "satisfied")]);
    check(&format!("{good}{bad}{WAIVER}"), &[("1.1", "waived")]);
    check(&format!("{good}{bad}{}", WAIVER.replace("2026-12-31", "2026-11-19")), &[("1.1", "not-satisfied")]);
    // What breaks the schema of its kind could be anything: an error, never a pass, and no cover for what is known to fail.
    let broken = good.replace("type: object", "type: [");
    check(
        &store("c", true).replace("type: object", "type: sculpture"),
        &[("1.1", "error"), ("1.2", "satisfied")],
    );
    check(&format!("{}{bad}", store("c", true).replace("object", "sculpture")), &[("1.1", "not-satisfied")]);
    let report = report(&house(&broken), &[]);
    assert_eq!(report["isComplete"], false);
}

#[test]
fn a_comment_is_no_approval() {
    let bad = "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata: {name: b}\nspec:\n  type: object\n  classification: internal\n  \
               encryptionAtRest:\n    enabled: false # assize:ignore plain-store: we know\n";
    let scene = house(bad);
    scene.write("assize.yaml", &super::CONFIG.replace("[ben]", "[ben], inline: true"));
    let report = report(&scene, &[]);
    let entry = requirement(&report, "1.1");
    assert_eq!((&entry["ownState"], &entry["findings"]), (&"not-satisfied".into(), &0.into()), "{entry}");
}

#[test]
fn parts_roll_up_and_hide_nothing() {
    let good = report(&house(&store("a", true)), &[]);
    let whole = requirement(&good, "1");
    assert_eq!((&whole["state"], &whole["ownState"]), (&"not-evaluated".into(), &serde_json::Value::Null));
    assert_eq!(whole["parts"], serde_json::json!({"not-evaluated": 1, "satisfied": 2, "uncovered": 1}));
    let bad = report(&house(&format!("{}{}", store("a", true), store("b", false))), &[]);
    assert_eq!(requirement(&bad, "1")["state"], "not-satisfied");
    assert_eq!(requirement(&bad, "1")["parts"]["not-satisfied"], 1);
    let house = &bad["frameworks"][0]["outcomes"];
    assert_eq!(
        *house,
        serde_json::json!({"not-evaluated": 1, "not-satisfied": 1, "satisfied": 1, "uncovered": 4})
    );
}

#[test]
fn a_rule_that_is_off_is_told() {
    let report = report(&house(&store("a", true)), &[]);
    let left_out = &requirement(&report, "4")["leftOut"][0];
    assert_eq!(
        (&left_out["rule"], &left_out["reason"]),
        (&"turned-off".into(), &"turned off in assize.yaml: not ours".into())
    );
}

#[test]
fn what_controls_decide() {
    let alternative = "---\napiVersion: assize.dev/v1\nkind: Safeguard\nmetadata: {name: locks}\nspec: {type: hardening, enabled: true}\n";
    let owned = "mandatory: false, owner: ben";
    let cases: [(&str, &str, &str); 11] = [
        (
            "requirement: '1.4.1', status: not-applicable, decisionReason: we have none",
            "1.4.1",
            "not-applicable",
        ),
        ("requirement: '1.3', status: not-applicable, decisionReason: we have none", "1.3", "not-applicable"),
        ("requirement: '1.4.1', status: not-applicable", "1.4.1", "uncovered"),
        ("requirement: '1.4.1', status: operating", "1.4.1", "uncovered"),
        (
            "requirement: '3', addressable: true, status: not-applicable, decisionReason: locked rooms",
            "3",
            "decided-otherwise",
        ),
        (
            "requirement: '3', status: replaced, decisionReason: locked rooms, alternative: 'Safeguard:locks'",
            "3",
            "decided-otherwise",
        ),
        (
            "requirement: '3', status: replaced, decisionReason: locked rooms, alternative: 'Safeguard:none'",
            "3",
            "uncovered",
        ),
        (
            "requirement: '3', status: replaced, decisionReason: locked rooms, alternative: 'Control:decision'",
            "3",
            "uncovered",
        ),
        (
            "requirement: '2', status: replaced, decisionReason: locked rooms, alternative: 'Safeguard:locks'",
            "2",
            "uncovered",
        ),
        ("requirement: '1.1', status: failed", "1.1", "not-satisfied"),
        // A pass is a pass, and a decision does not make it less.
        ("requirement: '1.1', status: not-applicable, decisionReason: we have none", "1.1", "satisfied"),
    ];
    for (spec, id, state) in cases {
        let document = control("decision", &format!("{owned}, {spec}"));
        check(&format!("{}{alternative}{document}", store("a", true)), &[(id, state)]);
    }
    // Nobody answers for it; and what is mandatory applies.
    let declined = "requirement: '1.4.1', status: not-applicable, decisionReason: we have none";
    check(&control("c", &format!("mandatory: false, {declined}")), &[("1.4.1", "uncovered")]);
    check(&control("c", &format!("mandatory: true, owner: ben, {declined}")), &[("1.4.1", "uncovered")]);
}

#[test]
fn what_one_law_leaves_to_a_decision_excuses_from_no_other() {
    let decision = "mandatory: false, owner: ben, requirement: '1.4.1', addressable: true, status: not-applicable, \
                    decisionReason: locked rooms";
    check(&control("c", decision), &[("1.4.1", "decided-otherwise")]);
    let both = format!("{decision}, requirements: ['gdpr:32(1)(a)']");
    let report = report(&house(&control("c", &both)), &[]);
    assert_eq!(
        report["controls"][0]["defects"],
        serde_json::json!(["nothing in the framework of gdpr:32(1)(a) is addressable"])
    );
    assert_eq!(requirement(&report, "1.4.1")["ownState"], "uncovered");
}

#[test]
fn a_decision_does_not_hide_a_finding() {
    let decision = control(
        "c",
        "mandatory: false, owner: ben, requirement: '1.1', addressable: true, status: not-applicable, decisionReason: no",
    );
    let bad = store("b", false);
    check(&format!("{bad}{decision}"), &[("1.1", "not-satisfied")]);
    check(&format!("{bad}{WAIVER}{decision}"), &[("1.1", "decided-otherwise")]);
    let not_applicable = decision.replace("addressable: true, ", "");
    check(&format!("{bad}{WAIVER}{not_applicable}"), &[("1.1", "waived")]);
}

/// An estate with a document of evidence, and the report of it.
fn evidence(spec: &str) -> (String, Vec<String>) {
    let artefact = "nobody was harmed\n";
    let digest: String = Sha256::digest(artefact).iter().map(|byte| format!("{byte:02x}")).collect();
    let spec = spec.replace("DIGEST", &format!("sha256:{digest}"));
    let document = format!(
        "---\napiVersion: assize.dev/v1\nkind: Evidence\nmetadata: {{name: proof}}\nspec: {{type: report, {spec}}}\n"
    );
    let control = control("c", "mandatory: true, requirement: '1.4.1', status: planned");
    let scene =
        house(&format!("{document}{control}")).with("proofs/a.txt", artefact).with("proofs/deep/b.txt", "b");
    let report = report(&scene, &[]);
    let outcome = &report["evidence"][0];
    let defects =
        outcome["defects"].as_array().unwrap().iter().map(|each| each.as_str().unwrap().to_owned()).collect();
    assert_eq!(outcome["isValid"], outcome["defects"] == serde_json::json!([]));
    (requirement(&report, "1.4.1")["ownState"].as_str().unwrap().to_owned(), defects)
}

#[test]
fn evidence_must_hold() {
    let sound = "requirements: ['house:1.4.1'], artefact: proofs/a.txt, digest: 'DIGEST', collectedOn: 2026-10-01, collectedBy: ben, \
                 reviewedBy: anna, reviewedOn: 2026-10-02, expires: 2026-11-20, period: {from: 2026-07-01, to: 2026-09-30}";
    assert_eq!(evidence(sound), ("evidenced".to_owned(), Vec::new()));
    let cases = [
        ("artefact: proofs/a.txt, ", "", "it names no artefact"),
        ("digest: 'DIGEST', ", "", "it gives no digest of its artefact"),
        ("proofs/a.txt", "proofs/none.txt", "the artefact proofs/none.txt is not in the repository"),
        ("proofs/a.txt", "proofs/deep", "the artefact proofs/deep is a folder, should be a file"),
        (
            "proofs/a.txt",
            "../a.txt",
            "the artefact ../a.txt should be named by a plain path from the folder of assize.yaml",
        ),
        (
            "proofs/a.txt",
            "'https://x.example/a'",
            "the artefact https://x.example/a is not in the repository, so that its digest cannot be computed",
        ),
        ("house:1.4.1", "house:9", "it names house:9, and there is no such requirement"),
        (
            "requirements: ['house:1.4.1'], ",
            "",
            "it supports no requirement, neither itself nor by a control in operation",
        ),
        (
            "requirements: ['house:1.4.1'], ",
            "supports: [c], ",
            "it supports no requirement, neither itself nor by a control in operation",
        ),
        ("collectedBy: ben, ", "", "it does not say who collected it"),
        ("reviewedBy: anna, ", "", "nobody has examined it (`spec.reviewedBy`)"),
        ("reviewedBy: anna", "reviewedBy: 'Person:ben'", "Person:ben has examined what Person:ben collected"),
        ("reviewedBy: anna", "reviewedBy: zoe", "its reviewer zoe is no person of the estate"),
        ("reviewedOn: 2026-10-02, ", "", "it does not say when it was examined (`spec.reviewedOn`)"),
        (
            "reviewedOn: 2026-10-02",
            "reviewedOn: 2026-09-30",
            "it was examined on 2026-09-30, before it was collected",
        ),
        (
            "reviewedOn: 2026-10-02",
            "reviewedOn: 2026-11-21",
            "it was examined on 2026-11-21, after the clock of the run",
        ),
        ("expires: 2026-11-20", "expires: 2026-11-19", "it expired on 2026-11-19"),
        ("from: 2026-07-01", "from: 2026-10-01", "its period ends on 2026-09-30, before it begins"),
        (
            "to: 2026-09-30",
            "to: 2026-12-31",
            "it was collected on 2026-10-01, before its period ended on 2026-12-31",
        ),
    ];
    for (from, to, defect) in cases {
        assert!(sound.contains(from), "{from}");
        let (state, defects) = evidence(&sound.replace(from, to));
        assert!(defects.iter().any(|each| each == defect), "{defect}: {defects:?}");
        assert_eq!(state, "uncovered", "{defect}");
    }
    // Another content than was examined.
    let (state, defects) = evidence(&sound.replace("proofs/a.txt", "proofs/deep/b.txt"));
    assert!(defects.iter().any(|each| each.contains(", should have sha256:")), "{defects:?}");
    assert_eq!(state, "uncovered");
    // Without a date of expiry it counts for a year.
    let old =
        sound.replace(", expires: 2026-11-20", "").replace("2026-1", "2025-1").replace("2026-0", "2025-0");
    let (_, defects) = evidence(&old.replace("2025-10-02", "2026-10-02"));
    assert_eq!(
        defects,
        ["it names no expiry, and without one it counted until 2026-10-01 (P1Y after its collection)"]
    );
}

#[test]
fn evidence_that_breaks_its_schema_is_listed() {
    let document =
        "---\napiVersion: assize.dev/v1\nkind: Evidence\nmetadata: {name: proof}\nspec: {type: rumour}\n";
    let report = report(&house(document), &[]);
    assert_eq!(report["evidence"][0]["defects"][0], "its document is at fault, so that nothing in it counts");
    assert_eq!(report["isComplete"], false);
}

#[test]
fn controls_group_requirements() {
    let document = control(
        "c",
        "mandatory: true, requirement: '1.1', requirements: ['house:1.2', 'house:9'], status: operating, operator: 'Person:ben', frequency: P1M, \
         population: everything, rules: [plain-store, no-such-rule]",
    );
    let report = report(&house(&format!("{}{document}", store("b", false))), &[]);
    let control = &report["controls"][0];
    assert_eq!(control["state"], "not-satisfied");
    assert_eq!(control["requirements"], serde_json::json!(["house:1.1", "house:1.2"]));
    assert_eq!((&control["operators"][0], &control["frequency"]), (&"Person:ben".into(), &"P1M".into()));
    let defects = [
        "it names house:9, and there is no such requirement",
        "it names the rule no-such-rule, and there is none of that name",
    ];
    assert_eq!(control["defects"], serde_json::json!(defects));
    assert_eq!(requirement(&report, "1.2")["controls"], serde_json::json!(["Control/c"]));
}

#[test]
fn a_population_is_a_list_that_can_be_computed_again() {
    let scene = house(&format!("{}{}", store("b", false), store("a", true)));
    let report = report(&scene, &[]);
    let list = scene.run(&["report", "--as-of", DAY, "--population", "house:1.1"]);
    let expected = "assize.dev/DataStore/default/a\nassize.dev/DataStore/default/b\nassize.dev/Person/default/anna\nassize.dev/Person/default/ben\n";
    assert_eq!(list.stdout, expected);
    let digest: String = Sha256::digest(expected).iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = requirement(&report, "1.1");
    assert_eq!(entry["population"], serde_json::json!({"count": 4, "digest": format!("sha256:{digest}")}));
    assert_eq!(
        entry["resources"],
        serde_json::json!({"passed": 3, "failed": 1, "waived": 0, "suppressed": 0, "errors": 0})
    );
    let rule = report["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "plain-store").unwrap();
    assert_eq!((&rule["matched"], &rule["population"]["count"]), (&2.into(), &2.into()));
    assert_eq!(scene.run(&["report", "--population", "house:1.9"]).code, 2);
}

/// The tallies of `check` and the populations of the report are counted apart, and agree for every rule of the library.
#[test]
fn populations_agree_with_tallies() {
    let report = report(&Scene::new().with_clinic(), &[]);
    let rules = report["rules"].as_array().unwrap();
    assert!(rules.iter().filter(|rule| rule["matched"].as_u64() > Some(0)).count() > 150);
    for rule in rules {
        assert_eq!(rule["matched"], rule["population"]["count"], "{}", rule["rule"]);
    }
}

#[test]
fn what_the_clinic_has_to_show() {
    let report = report(&Scene::new().with_clinic(), &[]);
    let pci = report["frameworks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|each| each["framework"] == "pci-dss-4.0.1")
        .unwrap();
    let find = |id: &str| {
        pci["requirements"].as_array().unwrap().iter().find(|each| each["requirement"] == id).unwrap().clone()
    };
    assert_eq!(
        (&find("9.4.6")["ownState"], &find("9.4.6")["evidenceUntil"]),
        (&"evidenced".into(), &"2027-01-31".into())
    );
    assert_eq!(find("3.5.1")["ownState"], "not-satisfied");
    let valid: Vec<_> =
        report["evidence"].as_array().unwrap().iter().filter(|each| each["isValid"] == true).collect();
    assert_eq!(valid.len(), 1);
}

#[test]
fn names_that_do_not_exist_end_the_run() {
    let scene = house("");
    for arguments in
        [&["report", "--framework", "huose"][..], &["report", "-o", "pdf"], &["report", "-o", "oscal"]]
    {
        let outcome = scene.run(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}: {}", outcome.stderr);
    }
}
