//! Who approved the commits of a period: what a Change says, what a file says, and what nothing says.

use serde_json::{Value, json};

use super::Repo;
use crate::scene::Scene;

/// 2026-11-01, midnight.
const BEGIN: i64 = 1_793_491_200;
const DAY: i64 = 86_400;

const PERSONS: &str = "apiVersion: assize.dev/v1
kind: Person
metadata: {name: anna}
spec: {type: employee, status: active, start: 2020-01-01, gitIdentities: [Anna]}
---
apiVersion: assize.dev/v1
kind: Person
metadata: {name: ben}
spec: {type: employee, status: active, start: 2020-01-01, gitIdentities: [Ben, ben@example.org]}
";

const WAIVER: &str = "apiVersion: assize.dev/v1
kind: Waiver
metadata: {name: for-b}
spec: {rules: [missing-bill-of-materials], resources: ['Application:b'], type: risk-acceptance, reason: it goes soon, requestedBy: anna,
  approvedBy: ben, approvedOn: 2026-11-05, expires: 2026-12-06}
";

const PERIOD: [&str; 5] = ["period", "--from", "2026-11-01", "--to", "2026-11-20"];

fn date(day: i64) -> String {
    format!("2026-11-{:02}", day + 1)
}

fn change(name: &str, status: &str, rest: &str) -> String {
    format!(
        "---\napiVersion: assize.dev/v1\nkind: Change\nmetadata: {{name: {name}}}\nspec: {{type: normal, status: {status}, {rest}}}\n"
    )
}

fn by(person: &str, day: i64) -> String {
    format!("approvals: [{{by: {person}, 'on': {}}}]", date(day))
}

fn period(repo: &Repo, more: &[&str]) -> Value {
    let outcome = repo.scene.run(&[PERIOD.as_slice(), more, &["-o", "json"]].concat());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{more:?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// What is said of each commit, in their order.
fn said(period: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |each: &Value| {
        let approval = &each["approval"];
        let given = approval["approvals"].as_array().unwrap().iter();
        let given = given
            .map(|one| format!("{} on {}, {}", text(&one["by"]), text(&one["at"]), text(&one["source"])));
        let words: Vec<String> =
            given.chain(approval["reasons"].as_array().unwrap().iter().map(text)).collect();
        format!("{} {}: {}", text(&each["subject"]), text(&approval["state"]), words.join("; "))
    };
    period["commitApprovals"].as_array().unwrap().iter().map(line).collect()
}

fn complaints(schema: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(assize::policy::builtin_schema(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{} {error}", error.instance_path())).collect()
}

/// An estate of some persons.
fn begun() -> Repo {
    let repo = Repo::of(Scene::new().with("assize.yaml", "version: 1\nestate: [\"estate/**\"]\n"));
    repo.write("estate/persons.yaml", PERSONS);
    repo.commit_at(BEGIN, "Anna", "Begin");
    repo
}

fn edit(repo: &Repo, day: i64, who: &str, message: &str) -> String {
    let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: note}}\ndata: {{day: '{day}'}}\n");
    repo.write("estate/note.yaml", &map);
    repo.commit_at(BEGIN + day * DAY + 3_600, who, message).to_string()
}

#[test]
fn changes_files_and_nothing() {
    let repo = begun();
    let recorded = edit(&repo, 1, "Anna", "Recorded");
    let own = edit(&repo, 2, "Anna", "Own");
    let late = edit(&repo, 3, "Anna", "Late");
    let imported = edit(&repo, 4, "Anna", "Imported");
    let alone = edit(&repo, 5, "Ben", "Alone");
    edit(&repo, 6, "Anna", "Trailer\n\nChange: trailer");
    let draft = edit(&repo, 7, "Anna", "Draft");
    let unknown = edit(&repo, 8, "Dora", "Unknown");
    edit(&repo, 9, "Anna", "Over\n\nChange: over");
    let undated = edit(&repo, 10, "Anna", "Undated");
    let asked = edit(&repo, 11, "Anna", "Asked");
    let commits = |id: &str| format!("commits: ['{id}']");
    let records = [
        change("recorded", "closed", &format!("{}, {}", commits(&recorded), by("ben", 1))),
        change("own", "approved", &format!("{}, {}", commits(&own[..10]), by("anna", 1))),
        change("late", "approved", &format!("{}, {}", commits(&late), by("ben", 4))),
        change("trailer", "approved", &by("ben", 5)),
        change("draft", "draft", &format!("{}, {}", commits(&draft), by("ben", 1))),
        change("unknown", "approved", &format!("{}, {}", commits(&unknown), by("ben", 1))),
        change("over", "closed", &format!("closedOn: {}, {}", date(8), by("ben", 1))),
        change("undated", "approved", &format!("{}, approvals: [{{by: ben}}]", commits(&undated))),
        change("asked", "approved", &format!("{}, requestedBy: ben, {}", commits(&asked), by("ben", 1))),
        // Too few digits name nothing.
        change("short", "approved", &format!("{}, {}", commits(&unknown[..6]), by("ben", 1))),
    ];
    repo.write("estate/changes.yaml", &records.concat()).write("estate/waiver.yaml", WAIVER);
    repo.commit_at(BEGIN + 12 * DAY, "Ben", "Waive");
    let document = json!({"version": 1, "approvals": [
        {"commit": imported[..12], "by": ["ben-o"], "author": "anna-b", "at": "2026-11-05T00:30:00Z", "source": "https://forge.example/4"},
        {"commit": alone, "by": ["ben-o"], "author": "ben-o", "at": "2026-11-06", "source": "https://forge.example/5"},
        {"commit": "0123456789", "by": ["ben-o"], "at": "2026-11-06", "source": "elsewhere"},
    ]});
    assert_eq!(complaints("approvals", &document), Vec::<String>::new());
    repo.scene.write("out/approvals.json", &document.to_string());
    let with_file = ["--approvals", "out/approvals.json"];
    let period = period(&repo, &with_file);
    assert_eq!(complaints("period", &period), Vec::<String>::new());
    assert_eq!(
        said(&period),
        [
            "Begin unproven: no record",
            "Recorded recorded: Person/ben on 2026-11-02, Change/recorded (spec.approvals)",
            "Own unproven: approved by its author alone: Person/anna (Change/own (spec.approvals))",
            "Late unproven: approved after the commit: by Person/ben on 2026-11-05 (Change/late (spec.approvals))",
            "Imported imported: ben-o on 2026-11-05T00:30:00Z, https://forge.example/4",
            "Alone unproven: approved by its author alone: ben-o (https://forge.example/5)",
            "Trailer recorded: Person/ben on 2026-11-06, Change/trailer (spec.approvals), named by the commit's trailer",
            "Draft unproven: Change/draft has the status draft",
            "Unknown unproven: nobody can tell whether Person/ben, who approved, is somebody else than the author Dora \
             (Change/unknown (spec.approvals))",
            "Over unproven: its trailer names Change/over, which was over on 2026-11-09",
            "Undated unproven: the approval by Person/ben has no day (Change/undated (spec.approvals))",
            "Asked unproven: approved by who asked for it or carried it out (Change/asked: Person/ben)",
            "Waive unproven: no record",
        ]
    );
    let notes: Vec<&str> =
        period["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    let note =
        "approvals.json:1: 0123456789 is no commit of this history, so that its approval counts for nothing";
    assert!(notes.contains(&note), "{notes:?}");
    assert_eq!(period["approvalFiles"][0]["file"], "approvals.json");
    let all = period["commitApprovals"].as_array().unwrap();
    let touches: Vec<&Value> = all.iter().map(|each| &each["touches"]).collect();
    assert_eq!(
        (touches[0], touches[1], touches[12]),
        (&json!(["policies"]), &json!([]), &json!(["Waiver/for-b"]))
    );
    assert_eq!(period["waivers"][0]["unprovenCommits"], json!([all[12]["commit"]]));
    let human = repo.scene.run(&[PERIOD.as_slice(), &with_file].concat()).stdout;
    assert!(human.contains("Approvals of 13 commits: 2 recorded, 1 imported, 10 unproven\n"), "{human}");
    assert!(human.contains("… and 5 more"), "{human}");
    let markdown = repo.scene.run(&[PERIOD.as_slice(), &["-o", "markdown"]].concat()).stdout;
    assert!(markdown.contains("13 commits: 2 recorded, 0 imported, 11 unproven."), "{markdown}");
    let mut report = vec!["report", "--from", "2026-11-01", "--to", "2026-11-20", "-o", "json"];
    report.extend(with_file);
    let one = repo.scene.run(&[report.as_slice(), &["--threads", "1"]].concat()).stdout;
    let two = repo.scene.run(&[report.as_slice(), &["--threads", "2"]].concat()).stdout;
    assert!(one == two, "the bytes differ");
    let report: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(complaints("report", &report), Vec::<String>::new());
    assert_eq!(report["period"]["commitApprovals"], period["commitApprovals"]);
    let remarks = report["remarks"].as_array().unwrap().iter();
    let unproven: Vec<&str> = remarks
        .filter(|remark| remark["sort"] == "approval-unproven")
        .map(|remark| remark["name"].as_str().unwrap())
        .collect();
    assert_eq!(unproven, ["policies", "Waiver/for-b"]);
    let page = repo.scene.run(&["report", "--from", "2026-11-01", "--to", "2026-11-20", "-o", "html"]).stdout;
    assert!(
        page.contains("ben<br>as it says; nobody is proven to have approved <code>"),
        "beside the waiver"
    );
}

#[test]
fn whoever_wrote_a_part_of_a_merge_cannot_approve_it() {
    let repo = begun();
    let head = repo.git.head().unwrap().peel_to_commit().unwrap();
    let tree = head.tree().unwrap();
    let who = |name: &str, hours: i64| {
        git2::Signature::new(name, "who@example.org", &git2::Time::new(BEGIN + hours * 3_600, 0)).unwrap()
    };
    let (anna, ben) = (who("Anna", 30), who("Ben", 20));
    let side = repo.git.commit(None, &ben, &ben, "Side", &tree, &[&head]).unwrap();
    let side = repo.git.find_commit(side).unwrap();
    let merge = repo.git.commit(Some("HEAD"), &anna, &anna, "Merge", &tree, &[&head, &side]).unwrap();
    let paired = edit(&repo, 3, "Anna", "Paired\n\nCo-authored-by: Ben <ben@example.org>");
    let record = format!("commits: ['{merge}', '{paired}'], {}", by("ben", 0));
    repo.write("estate/changes.yaml", &change("merged", "closed", &record));
    repo.commit_at(BEGIN + 5 * DAY, "Anna", "Record");
    let reason = "unproven: approved by its author alone: Person/ben (Change/merged (spec.approvals))";
    assert_eq!(
        said(&period(&repo, &[])),
        [
            "Begin unproven: no record".to_owned(),
            format!("Merge {reason}"),
            format!("Paired {reason}"),
            "Record unproven: no record".to_owned()
        ]
    );
}

#[test]
fn names_of_a_register_are_held_against_people() {
    let repo = begun();
    let ids: Vec<String> = (1..=4).map(|day| edit(&repo, day, "Anna", &format!("Edit {day}"))).collect();
    let entry = |at: usize, by: &str| json!({"commit": ids[at], "by": [by], "at": "2026-11-01", "source": "register"});
    // A login that nobody knows; a person's address; git's own words; the author in other letters.
    let all =
        [entry(0, "ben-o"), entry(1, "ben@example.org"), entry(2, "Cem <cem@example.org>"), entry(3, "anna")];
    repo.scene.write("out/a.json", &json!({"version": 1, "approvals": all}).to_string());
    let period = period(&repo, &["--approvals", "out/a.json"]);
    assert_eq!(
        said(&period)[1..],
        [
            "Edit 1 unproven: nobody can tell whether ben-o, who approved, is somebody else than the author Anna (register)",
            "Edit 2 imported: ben@example.org on 2026-11-01, register",
            "Edit 3 imported: Cem <cem@example.org> on 2026-11-01, register",
            "Edit 4 unproven: approved by its author alone: anna (register)",
        ]
    );
}

#[test]
fn a_file_that_cannot_be_used_ends_the_run() {
    let repo = begun();
    repo.scene.write("out/a.json", "{\"version\": 1, \"approvals\": [\n  {\"commit\": \"HEAD\", \"by\": [\"ben\"], \"at\": \"2026-11-01\", \"source\": \"x\"}]}");
    repo.scene.write("out/b.json", "{\"version\": 1, \"approvals\": [");
    for command in ["period", "report"] {
        for (file, words) in [
            ("out/a.json", "out/a.json:2:14"),
            ("out/b.json", "out/b.json"),
            ("out/c.json", "cannot be read"),
        ] {
            let outcome =
                repo.scene.run(&[command, "--from", "2026-11-01", "--to", "2026-11-20", "--approvals", file]);
            assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{command} {file}");
            assert!(outcome.stderr.contains(words), "{command} {file}: {}", outcome.stderr);
        }
    }
    let outcome = repo.scene.run(&["report", "--approvals", "out/a.json"]);
    assert!(outcome.code == 2 && outcome.stderr.contains("--from"), "{}", outcome.stderr);
}
