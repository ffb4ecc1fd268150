//! `diff`: what became of findings between two versions, why, and what a change does to its own gate.

use serde_json::{Value, json};

use super::{Random, Repo, edit_at_random};
use crate::scene::{DAY, Outcome, Scene};

const PERSON: &str = "apiVersion: assize.dev/v1
kind: Person
metadata: {name: anna}
spec: {type: employee, status: active, start: \"2020-01-01\"}
";

/// A rule on a field of stores, one that follows a reference, one on dates, and one on changes.
fn rules() -> String {
    let rule = |name: &str, body: &str| {
        format!(
            "apiVersion: assize.dev/v1
kind: Rule
metadata: {{name: {name}, title: A title}}
spec:
  severity: high
  rationale: It is tested.
  remediation: Repair it.
  params: {{classes: [restricted]}}
  match: {{kinds: [DataStore]}}
{body}
"
        )
    };
    [
        rule("own-class", "  schema: {x-has: {spec.classification: {enum: {$param: classes}}}}"),
        rule("own-owner", "  schema: {x-has: {spec.owner: {x-ref: {to: Person, must: {x-has: {spec.status: active}}}}}}"),
        rule("own-review", "  schema: {properties: {metadata: {properties: {annotations: {properties: {review: {x-date: {notBefore: now}}}}}}}}"),
        rule(
            "own-lowered",
            "  rego: |
    order := {\"public\": 0, \"internal\": 1, \"restricted\": 3}

    deny contains {\"msg\": sprintf(\"from %s to %s by %s\", [a, b, who]), \"path\": [\"spec\", \"classification\"]} if {
      a := input.before.spec.classification
      b := input.after.spec.classification
      order[b] < order[a]
      who := concat(\", \", [c.author.name | some c in input.commits])
    }

    deny contains {\"msg\": \"gone\"} if {
      input.before
      not input.after
      count(data.base.estate.DataStore) > count(data.estate.DataStore)
    }",
        ),
    ]
    .join("---\n")
}

fn store(name: &str, classification: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: DataStore
metadata:
  name: {name}
  annotations: {{review: \"2026-12-31\"}}
spec:
  type: relational
  classification: {classification}
  owner: Person:anna
"
    )
}

const CONFIG: &str = "version: 1\nframeworks: []\nwaivers: {approvers: [ben]}\n";

fn repo() -> Repo {
    let repo = Repo::of(Scene::new());
    repo.write("assize.yaml", CONFIG).write("policies/own.yaml", &rules());
    repo.write("estate/people.yaml", PERSON).write("estate/ben.yaml", &PERSON.replace("anna", "ben"));
    repo.write("estate/a.yaml", &store("a", "restricted"));
    repo.write("estate/b.yaml", &store("b", "internal"));
    repo.commit("Begin");
    repo
}

pub(super) fn diff(repo: &Repo, arguments: &[&str]) -> (i32, Value) {
    let clock: &[&str] = if arguments.contains(&"--as-of") { &[] } else { &["--as-of", DAY] };
    let all = [&["diff", "-o", "json"], clock, arguments].concat();
    let Outcome { code, stdout, stderr } = repo.scene.run(&all);
    assert!(!stdout.is_empty(), "{stderr}");
    (code, serde_json::from_str(&stdout).unwrap())
}

/// `state rule resource cause` of the findings that are new or fixed.
pub(super) fn told(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |state: &str, finding: &Value, cause: &Value| {
        let subject = text(&cause["subject"]);
        let (rule, name, cause) =
            (text(&finding["rule"]), text(&finding["resource"]["name"]), text(&cause["cause"]));
        format!("{state} {rule} {name} {cause} {subject}").trim().to_owned()
    };
    let new = report["findings"].as_array().unwrap().iter();
    let new = new.filter(|each| each["state"] == "new" && each["status"] == "fail");
    let fixed = report["comparison"]["fixed"].as_array().unwrap().iter();
    let mut lines: Vec<_> = new.map(|each| line("new", each, &each["cause"])).collect();
    lines.extend(fixed.map(|each| line("fixed", each, &each["cause"])));
    lines.sort();
    lines
}

pub(super) fn gate(report: &Value) -> Vec<String> {
    let list = report["comparison"]["gate"].as_array().unwrap().iter();
    list.map(|each| {
        let text = |key: &str| each[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("change"), text("name"), text("effect"))
    })
    .collect()
}

#[test]
fn nothing_changed() {
    let repo = repo();
    let (code, report) = diff(&repo, &[]);
    assert_eq!((code, told(&report), gate(&report)), (0, Vec::new(), Vec::new()));
    assert_eq!(report["comparison"]["counts"]["persisting"], 1);
    assert_eq!(report["comparison"]["resources"], json!([]));
    assert_eq!(diff(&repo, &["--gate", "all"]).0, 1);
}

/// Formatting, order, and the place of a file mean nothing.
#[test]
fn what_means_nothing_makes_nothing_new() {
    let repo = repo();
    let moved =
        store("b", "internal").replace("spec:", "\n\nspec: # here").replace("relational", "\"relational\"");
    repo.remove("estate/b.yaml").remove("estate/a.yaml").remove("estate/people.yaml");
    let a = "kind: DataStore\nspec: {owner: 'Person:anna', classification: restricted, type: relational}\nmetadata: {annotations: {review: '2026-12-31'}, name: a}\napiVersion: assize.dev/v1\n";
    repo.write("estate/deep/all.yaml", &format!("{moved}---\n{PERSON}---\n{a}"));
    let (code, report) = diff(&repo, &[]);
    assert_eq!((code, told(&report)), (0, Vec::new()));
    assert_eq!(report["comparison"]["resources"], json!([]));
}

#[test]
fn every_cause() {
    let repo = repo();
    // The resource itself.
    repo.write("estate/a.yaml", &store("a", "internal")).write("estate/b.yaml", &store("b", "restricted"));
    let (code, report) = diff(&repo, &[]);
    assert_eq!(code, 1);
    assert_eq!(told(&report), ["fixed own-class b resource-changed", "new own-class a resource-changed"]);
    let event = &report["comparison"]["events"][0];
    assert_eq!(
        (&event["rule"], &event["message"]),
        (&json!("own-lowered"), &json!("from restricted to internal by "))
    );
    assert_eq!(
        (&event["location"]["file"], &event["location"]["line"]),
        (&json!("estate/a.yaml"), &json!(8))
    );

    // One that it reaches.
    repo.write("estate/a.yaml", &store("a", "restricted")).write("estate/b.yaml", &store("b", "internal"));
    repo.write("estate/people.yaml", &PERSON.replace("active", "left"));
    let (code, report) = diff(&repo, &[]);
    assert_eq!(code, 1);
    assert_eq!(
        told(&report),
        ["new own-owner a reached-changed Person/anna", "new own-owner b reached-changed Person/anna"]
    );
    repo.write("estate/people.yaml", PERSON);

    // The rule, where each side is judged by its own.
    repo.write(
        "policies/own.yaml",
        &rules().replace("classes: [restricted]", "classes: [restricted, internal]"),
    );
    let (_, report) = diff(&repo, &["--policies", "each"]);
    assert_eq!(told(&report), ["fixed own-class b rule-changed"]);
    repo.write("policies/own.yaml", &rules());

    // The clock.
    let (code, report) = diff(&repo, &["--as-of", "2027-02-01", "--base-as-of", DAY]);
    assert_eq!(code, 1);
    assert_eq!(told(&report), ["new own-review a clock-passed", "new own-review b clock-passed"]);
}

fn waiver(approver: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: Waiver
metadata: {{name: w}}
spec:
  rules: [own-class]
  resources: [\"DataStore:b\"]
  type: risk-acceptance
  reason: It is replaced.
  requestedBy: anna
  approvedBy: {approver}
  approvedOn: \"2026-11-01\"
  expires: \"2026-12-01\"
"
    )
}

#[test]
fn waivers_come_lapse_and_go() {
    let repo = repo();
    // What stands in the head alone does not count yet.
    repo.write("estate/w.yaml", &waiver("ben"));
    let (code, report) = diff(&repo, &[]);
    assert_eq!((code, told(&report)), (0, Vec::new()));
    assert_eq!(gate(&report), ["waiver-added Waiver/w counts-once-merged"]);
    let (_, report) = diff(&repo, &["--policies", "each"]);
    assert_eq!(told(&report), ["fixed own-class b waiver-came Waiver/w"]);
    // One that nobody may approve fails.
    repo.write("estate/w.yaml", &waiver("anna"));
    let (code, report) = diff(&repo, &[]);
    assert_eq!((code, gate(&report)), (1, vec!["waiver-added Waiver/w fails".to_owned()]));
    repo.write("estate/w.yaml", &waiver("ben"));
    repo.commit("Waive");
    let (_, report) = diff(&repo, &["HEAD", "--as-of", "2026-12-02", "--base-as-of", DAY]);
    assert_eq!(told(&report), ["new own-class b waiver-lapsed Waiver/w"]);
    repo.remove("estate/w.yaml");
    let (code, report) = diff(&repo, &["HEAD", "--policies", "each"]);
    assert_eq!((code, told(&report)), (1, vec!["new own-class b waiver-went Waiver/w".to_owned()]));
}

#[test]
fn a_change_cannot_switch_off_its_own_gate() {
    for (config, policies, expected) in [
        (
            CONFIG.replace("version: 1", "version: 1\nfail_on: critical"),
            rules(),
            "threshold-raised fail_on fails",
        ),
        (
            CONFIG.replace("version: 1", "version: 1\nestate: [elsewhere/**]"),
            rules(),
            "scope-narrowed estate fails",
        ),
        (
            CONFIG.replace("version: 1", "version: 1\nexclude: [estate/a.yaml]"),
            rules(),
            "scope-narrowed exclude fails",
        ),
        (CONFIG.replace("[ben]", "[ben, anna]"), rules(), "approver-added anna fails"),
        ("version: 1\nframeworks: []\n".to_owned(), rules(), "approver-added anyone fails"),
        (CONFIG.replace("[ben]", "[ben], inline: true"), rules(), "setting-changed waivers.inline fails"),
        (CONFIG.replace("[ben]", "[ben], max_age: P3Y"), rules(), "setting-changed waivers.max_age fails"),
        (
            CONFIG.replace(
                "version: 1",
                "version: 1\nrules: {own-class: {enabled: false, reason: it is in the way}}",
            ),
            rules(),
            "rule-off own-class fails",
        ),
        (
            CONFIG.replace("version: 1", "version: 1\nrules: {own-class: {severity: low}}"),
            rules(),
            "severity-lowered own-class fails",
        ),
        (
            CONFIG.replace(
                "version: 1",
                "version: 1\nrules: {own-class: {params: {classes: [restricted, internal, public]}}}",
            ),
            rules(),
            "rule-changed own-class fails",
        ),
        (
            CONFIG.to_owned(),
            rules().replacen("kinds: [DataStore]", "kinds: [DataStore], namespaces: [other]", 1),
            "scope-narrowed own-class fails",
        ),
        (
            CONFIG.to_owned(),
            rules().replace("x-has: {spec.status: active}", "required: [spec]"),
            "rule-changed own-owner fails",
        ),
        (
            CONFIG.to_owned(),
            rules().replace("order[b] < order[a]", "order[b] > order[a]"),
            "rule-changed own-lowered fails",
        ),
    ] {
        let repo = repo();
        repo.write("assize.yaml", &config).write("policies/own.yaml", &policies);
        // It worsens something as well, which the base's rules find.
        repo.write("estate/a.yaml", &store("a", "public"));
        let (code, report) = diff(&repo, &[]);
        assert_eq!(code, 1, "{expected}");
        assert!(gate(&report).contains(&expected.to_owned()), "{expected}: {:?}", gate(&report));
        assert!(
            told(&report).contains(&"new own-class a resource-changed".to_owned()),
            "{:?}",
            told(&report)
        );
        let repaired = store("a", "restricted");
        repo.write("estate/a.yaml", &repaired);
        assert_eq!(diff(&repo, &[]).0, 1, "{expected}");
        assert_eq!(diff(&repo, &["--allow-gate-changes"]).0, 0, "{expected}");
    }
}

#[test]
fn ignores_in_comments_are_told() {
    let repo = repo();
    let ignored =
        store("b", "internal").replace("internal", "internal # assize:ignore own-class: it is fine");
    repo.write("estate/b.yaml", &ignored);
    assert_eq!(gate(&diff(&repo, &[]).1), ["ignore-added own-class noted"]);
    repo.write("estate/b.yaml", &store("b", "internal"));
    repo.write("assize.yaml", &CONFIG.replace("[ben]", "[ben], inline: true"));
    repo.commit("Allow ignores");
    repo.write("estate/b.yaml", &ignored);
    let (code, report) = diff(&repo, &["HEAD"]);
    assert_eq!((code, gate(&report)), (1, vec!["ignore-added own-class fails".to_owned()]));
}

/// What was broken before is no news; what breaks now is.
#[test]
fn problems_fail_when_they_are_new() {
    let repo = repo();
    repo.write("estate/broken.yaml", "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata: [\n");
    repo.commit("Break");
    let (code, report) = diff(&repo, &["HEAD"]);
    assert_eq!((code, report["problems"].as_array().unwrap().len()), (0, 0));
    assert_eq!(report["comparison"]["persistingProblems"].as_array().unwrap().len(), 1);
    repo.write("estate/other.yaml", "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata: [\n");
    let (code, report) = diff(&repo, &["HEAD"]);
    assert_eq!((code, report["problems"].as_array().unwrap().len()), (2, 1));
    // Rules of the head that could not be used once they are merged.
    repo.remove("estate/other.yaml").write(
        "policies/bad.yaml",
        "apiVersion: assize.dev/v1\nkind: Rule\nmetadata: {name: bad}\nspec: {}\n",
    );
    assert_eq!(diff(&repo, &["HEAD"]).0, 2);
}

#[test]
fn resources_and_commits() {
    let repo = repo();
    repo.remove("estate/b.yaml").write("estate/c.yaml", &store("c", "restricted"));
    repo.write("estate/a.yaml", &store("a", "public").replace("Person:anna", "anna"));
    repo.commit("Change it\n\nApproved-by: ben");
    let (code, report) = diff(&repo, &["HEAD~1", "HEAD"]);
    assert_eq!(code, 1);
    let resources: Vec<_> = report["comparison"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            (
                each["change"].as_str().unwrap(),
                each["resource"]["name"].as_str().unwrap(),
                each["fields"].as_array().map_or(0, Vec::len),
            )
        })
        .collect();
    assert_eq!(resources, [("changed", "a", 2), ("removed", "b", 0), ("added", "c", 0)]);
    let events = report["comparison"]["events"].as_array().unwrap();
    let said: Vec<_> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said.iter().all(|said| said.starts_with("from restricted to public by ")), "{said:?}");
    // A resource that is gone has no `input.after`, and the base's estate is larger.
    repo.remove("estate/c.yaml");
    repo.commit("Remove it");
    let (_, report) = diff(&repo, &["HEAD~1", "HEAD"]);
    assert_eq!(report["comparison"]["events"][0]["message"], "gone");
    assert_eq!(report["comparison"]["events"][0]["location"]["file"], "estate/c.yaml");
    // Only a comparison has changes.
    let check = repo.scene.report(&[]);
    let left =
        check["notSelected"].as_array().unwrap().iter().find(|rule| rule["rule"] == "own-lowered").unwrap();
    assert!(left["reason"].as_str().unwrap().contains("assize diff"));
}

/// Whatever is done to an estate, the findings that a diff calls new or fixed are those by which two checks differ.
#[test]
fn a_diff_is_the_difference_of_two_checks() {
    let repo = Repo::of(Scene::new().with_clinic());
    let mut random = Random(20_261_120);
    repo.commit("Begin");
    let files: Vec<String> = super::files_below(&repo.scene.folder.join("estate"), "estate");
    let counting = |report: &Value| -> std::collections::BTreeSet<String> {
        let found = report["findings"].as_array().unwrap().iter().filter(|each| each["status"] == "fail");
        found.map(|each| each["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    for round in 0..8 {
        edit_at_random(&repo, &mut random, &files, round);
        repo.commit("Change");
        let (_, report) = diff(&repo, &["HEAD~1", "HEAD"]);
        let (base, head) = (repo.scene.report(&["--rev", "HEAD~1"]), repo.scene.report(&["--rev", "HEAD"]));
        let (old, new) = (counting(&base), counting(&head));
        let come: std::collections::BTreeSet<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|each| each["status"] == "fail" && each["state"] == "new")
            .map(|each| each["fingerprint"].as_str().unwrap().to_owned())
            .collect();
        let gone: std::collections::BTreeSet<String> = report["comparison"]["fixed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| each["fingerprint"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(come, new.difference(&old).cloned().collect(), "round {round}");
        assert_eq!(gone, old.difference(&new).cloned().collect(), "round {round}");
    }
}

/// What a rule looks up among all resources is looked up again, however far what differs lies.
#[test]
fn an_overlap_is_new_where_nothing_was_touched() {
    let segment = |name: &str, range: &str| {
        format!(
            "apiVersion: assize.dev/v1\nkind: NetworkSegment\nmetadata: {{name: {name}}}\nspec: {{zone: internal, trust: trusted, cidrs: [{range}]}}\n"
        )
    };
    let repo = Repo::of(Scene::new());
    repo.write("assize.yaml", "version: 1\n");
    repo.write("estate/a.yaml", &segment("a", "10.0.0.0/16"))
        .write("estate/b.yaml", &segment("b", "10.1.0.0/16"));
    repo.commit("Begin");
    repo.write("estate/b.yaml", &segment("b", "10.0.1.0/24"));
    repo.commit("Move it");
    let (_, report) = diff(&repo, &["HEAD~1", "HEAD", "--rule", "overlapping-address-ranges"]);
    let new = report["findings"].as_array().unwrap().iter().filter(|each| each["state"] == "new");
    let new: Vec<_> = new.map(|each| each["resource"]["name"].as_str().unwrap()).collect();
    assert_eq!(new, ["a", "b"]);
}
