//! Periods and births: what a replay says is what checks of each commit and day say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Random, Repo, edit_at_random};
use crate::scene::Scene;

/// 2026-11-01, midnight.
const BEGIN: i64 = 1_793_491_200;
const DAY: i64 = 86_400;

fn date(day: i64) -> String {
    format!("2026-11-{:02}", day + 1)
}

fn json(repo: &Repo, arguments: &[&str]) -> (u8, Value) {
    let outcome = repo.scene.run(&[arguments, &["-o", "json"]].concat());
    assert_eq!(outcome.stderr, "", "{arguments:?}");
    let code = u8::try_from(outcome.code).unwrap();
    (code, serde_json::from_str(&outcome.stdout).unwrap())
}

/// Findings by fingerprint with their status, and resources matched by rule.
type Seen = (BTreeMap<String, String>, BTreeMap<String, u64>);

fn seen(report: &Value) -> Seen {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let rules = report["rules"].as_array().unwrap().iter();
    (
        findings.map(|each| (text(&each["fingerprint"]), text(&each["status"]))).collect(),
        rules.map(|each| (text(&each["rule"]), each["matched"].as_u64().unwrap())).collect(),
    )
}

/// What the period says of a point of time.
fn told(period: &Value, seconds: i64) -> Seen {
    let is_in = |each: &Value| {
        let from = each["from"]["seconds"].as_i64().unwrap();
        from <= seconds && each["to"]["seconds"].as_i64().is_none_or(|to| seconds < to)
    };
    let mut findings = BTreeMap::new();
    for each in period["deviations"].as_array().unwrap().iter().filter(|each| is_in(each)) {
        let stretch = each["stretches"].as_array().unwrap().iter().find(|each| is_in(each)).unwrap();
        let status = stretch["status"].as_str().unwrap().to_owned();
        assert_eq!(findings.insert(each["fingerprint"].as_str().unwrap().to_owned(), status), None);
    }
    let mut matched = BTreeMap::new();
    for rule in period["rules"].as_array().unwrap() {
        let changes = rule["population"].as_array().unwrap();
        let last = changes.iter().rfind(|change| change["from"]["seconds"].as_i64().unwrap() <= seconds);
        let count = last.map_or(0, |change| change["count"].as_u64().unwrap());
        matched.insert(rule["rule"].as_str().unwrap().to_owned(), count);
    }
    (findings, matched)
}

#[test]
fn a_period_is_what_each_commit_and_day_says() {
    let repo = Repo::of(Scene::new().with_clinic());
    let mut random = Random(20_261_121);
    let files: Vec<String> = super::files_below(&repo.scene.folder.join("estate"), "estate");
    let mut commits: Vec<(i64, String)> = Vec::new();
    for (round, day) in [0, 2, 2, 5, 6].into_iter().enumerate() {
        if round > 0 {
            edit_at_random(&repo, &mut random, &files, round);
        }
        let seconds = BEGIN + day * DAY + 3_600 * (i64::try_from(round).unwrap() + 1);
        commits.push((seconds, repo.commit_at(seconds, "Anna", "Change").to_string()));
    }
    let (_, period) = json(&repo, &["period", "--from", &date(0), "--to", &date(8)]);
    let mut statuses: BTreeSet<String> = BTreeSet::new();
    let mut checked = 0;
    for day in 0..=8 {
        let midnight = BEGIN + day * DAY;
        let mut points: Vec<(i64, &str)> = Vec::new();
        let before = commits.iter().rev().find(|(seconds, _)| *seconds < midnight);
        points.extend(before.map(|(_, commit)| (midnight, commit.as_str())));
        let of_day = commits.iter().filter(|(seconds, _)| (midnight..midnight + DAY).contains(seconds));
        points.extend(of_day.map(|(seconds, commit)| (*seconds, commit.as_str())));
        for (seconds, commit) in points {
            let (_, report) =
                json(&repo, &["check", "--rev", commit, "--as-of", &date(day), "--allow-empty"]);
            let (findings, mut matched) = seen(&report);
            let (told_findings, told_matched) = told(&period, seconds);
            assert_eq!(told_findings, findings, "day {day}, {commit}");
            // Rules that no resource ever met say nothing.
            matched.retain(|rule, count| *count > 0 || told_matched.contains_key(rule));
            let told_matched: BTreeMap<_, _> = told_matched
                .into_iter()
                .filter(|(rule, count)| *count > 0 || matched.contains_key(rule))
                .collect();
            assert_eq!(told_matched, matched, "day {day}, {commit}");
            statuses.extend(findings.into_values());
            checked += 1;
        }
    }
    assert!(checked >= 12, "{checked} points");
    assert!(statuses.contains("fail") && statuses.contains("waived"), "{statuses:?}");
}

const RULE: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: data-key, title: Maps have a key}
spec:
  severity: SEVERITY
  rationale: Tests.
  remediation: None.
  match: {kinds: [core/ConfigMap]}
  schema: {properties: {data: {required: [key]}}}
";

fn map(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n")
}

#[test]
fn intervals_shares_and_repairs() {
    let repo = Repo::of(Scene::new().with("assize.yaml", "version: 1\nestate: [\"estate/**\"]\n"));
    repo.write("policies/data-key.yaml", &RULE.replace("SEVERITY", "high"));
    repo.write("estate/a.yaml", &map("a", "key: x"));
    repo.commit_at(BEGIN, "Anna", "Begin");
    repo.write("estate/a.yaml", &map("a", "other: x"));
    let broken = repo.commit_at(BEGIN + 2 * DAY, "Ben", "Break").to_string();
    repo.write("estate/a.yaml", &map("a", "key: x")).write("estate/b.yaml", &map("b", ""));
    let mended = repo.commit_at(BEGIN + 4 * DAY, "Cem", "Mend").to_string();
    let arguments = ["period", "--from", "2026-11-01", "--to", "2026-11-10", "--rule", "data-key"];
    let (code, period) = json(&repo, &arguments);
    assert_eq!(code, 0);
    let rule = &period["rules"][0];
    assert_eq!(rule["evaluatedSeconds"], 10 * DAY);
    assert_eq!(rule["failingSeconds"], 8 * DAY);
    assert_eq!(rule["share"], 2000);
    assert_eq!((&rule["opened"], &rule["closed"], &rule["openAtEnd"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(rule["meanRepairSeconds"], 2 * DAY);
    assert_eq!(rule["longestGapSeconds"], 8 * DAY);
    let counts: Vec<u64> =
        rule["population"].as_array().unwrap().iter().map(|each| each["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2]);
    let [first, second] = period["deviations"].as_array().unwrap().as_slice() else { panic!("{period:#}") };
    assert_eq!((&first["from"]["commit"], &first["to"]["commit"]), (&broken.into(), &mended.as_str().into()));
    assert_eq!((&second["from"]["commit"], &second["to"]), (&mended.into(), &Value::Null));
    let again = repo.scene.run(&[arguments.as_slice(), &["-o", "json", "--threads", "1"]].concat());
    let once = repo.scene.run(&[arguments.as_slice(), &["-o", "json"]].concat());
    assert_eq!(again.stdout, once.stdout, "the same bytes");
}

#[test]
fn births_have_a_commit_and_a_cause() {
    let repo = Repo::of(Scene::new().with("assize.yaml", "version: 1\nestate: [\"estate/**\"]\n"));
    repo.write("policies/data-key.yaml", &RULE.replace("SEVERITY", "high"));
    repo.write("estate/a.yaml", &map("a", "key: x")).write("estate/c.yaml", &map("c", ""));
    repo.commit_at(BEGIN, "Anna", "Begin");
    repo.write("estate/a.yaml", &map("a", "other: x"));
    repo.commit_at(BEGIN + DAY, "Ben", "Break");
    repo.write("estate/a.yaml", &map("a", "key: x"));
    repo.commit_at(BEGIN + 2 * DAY, "Cem", "Mend");
    repo.write("estate/a.yaml", &map("a", "other: y"));
    let again = repo.commit_at(BEGIN + 3 * DAY, "Ben", "Break again\n\nAnd more.").to_string();
    let (code, blame) = json(&repo, &["blame", "data-key", "--as-of", "2026-11-14"]);
    assert_eq!(code, 0, "{blame:#}");
    let [old, new] = blame["findings"].as_array().unwrap().as_slice() else { panic!("{blame:#}") };
    assert_eq!((&old["sinceBefore"], &old["cause"]), (&true.into(), &"before-history".into()));
    assert_eq!(new["by"]["commit"], again);
    assert_eq!((&new["by"]["name"], &new["by"]["subject"]), (&"Ben".into(), &"Break again".into()));
    assert_eq!(
        (&new["cause"], &new["reopened"], &new["ageDays"]),
        (&"resource-changed".into(), &1.into(), &10.into())
    );
    // A rule that comes later is the cause of what it finds.
    repo.remove("policies/data-key.yaml");
    repo.write("policies/other.yaml", &RULE.replace("data-key", "other-key").replace("SEVERITY", "low"));
    repo.commit_at(BEGIN + 4 * DAY, "Dora", "Another rule");
    let (_, blame) = json(&repo, &["blame", "other-key", "--as-of", "2026-11-14"]);
    let causes: Vec<&str> =
        blame["findings"].as_array().unwrap().iter().map(|each| each["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["rule-changed", "rule-changed"]);
}

#[test]
fn a_merge_names_the_commit_of_its_side_branch() {
    let repo = Repo::of(Scene::new().with("assize.yaml", "version: 1\nestate: [\"estate/**\"]\n"));
    repo.write("policies/data-key.yaml", &RULE.replace("SEVERITY", "high"));
    repo.write("estate/a.yaml", &map("a", "key: x"));
    let main = repo.commit_at(BEGIN, "Anna", "Begin");
    repo.write("estate/b.yaml", &map("b", "key: x"));
    repo.commit_at(BEGIN + DAY, "Ben", "Side work");
    repo.write("estate/b.yaml", &map("b", "other: x"));
    let culprit = repo.commit_at(BEGIN + 2 * DAY, "Ben", "Break on the side");
    repo.write("estate/d.yaml", &map("d", "key: x"));
    let side = repo.commit_at(BEGIN + 3 * DAY, "Ben", "More");
    let tree = repo.git.find_commit(side).unwrap().tree().unwrap();
    let who = git2::Signature::new("Cem", "cem@example.org", &git2::Time::new(BEGIN + 4 * DAY, 0)).unwrap();
    let parents = [repo.git.find_commit(main).unwrap(), repo.git.find_commit(side).unwrap()];
    let merge = repo.git.commit(None, &who, &who, "Merge", &tree, &[&parents[0], &parents[1]]).unwrap();
    let (code, blame) =
        json(&repo, &["blame", "data-key", "--as-of", "2026-11-14", "--rev", &merge.to_string()]);
    assert_eq!(code, 0, "{blame:#}");
    let birth = &blame["findings"][0];
    assert_eq!(birth["by"]["commit"], merge.to_string());
    assert_eq!(birth["through"]["commit"], culprit.to_string());
}

#[test]
fn what_cannot_be_judged_is_told() {
    let repo = Repo::of(Scene::new().with("assize.yaml", "version: 1\nestate: [\"estate/**\"]\n"));
    repo.write("policies/data-key.yaml", &RULE.replace("SEVERITY", "high"));
    repo.write("estate/a.yaml", &map("a", "key: x"));
    repo.commit_at(BEGIN, "Anna", "Begin");
    repo.write("estate/b.yaml", "apiVersion: v1\nkind: [\n");
    repo.commit_at(BEGIN + DAY, "Ben", "Break the file");
    repo.remove("estate/b.yaml");
    // Dated before the one that it follows.
    repo.commit_at(BEGIN + 3_600, "Cem", "Mend");
    let arguments = ["period", "--from", "2026-11-01", "--to", "2026-11-04", "--policies", "each"];
    let (code, period) = json(&repo, &arguments);
    assert_eq!(code, 2);
    let problem = &period["problems"][0];
    assert_eq!(problem["code"], "invalid-yaml");
    assert_eq!(problem["from"]["date"], "2026-11-02");
    let notes: Vec<&str> =
        period["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    assert!(notes.iter().any(|note| note.starts_with("dates run backwards: 1 commit")), "{notes:?}");
}

#[test]
fn nothing_evaluated_is_no_pass() {
    let repo = Repo::of(Scene::new().with("a.yaml", "hello: 1\n"));
    repo.commit_at(BEGIN, "Anna", "Begin");
    let period = ["period", "--from", "2026-11-01", "--to", "2026-11-04"];
    let blame = ["blame", "--as-of", "2026-11-04"];
    for arguments in [period.as_slice(), &blame] {
        let (code, value) = json(&repo, arguments);
        assert_eq!(code, 2, "{value:#}");
        assert_eq!(value["problems"][0]["code"], "nothing-evaluated");
        let (code, value) = json(&repo, &[arguments, &["--allow-empty"]].concat());
        assert_eq!((code, &value["problems"]), (0, &serde_json::json!([])));
    }
}
