//! Reports over a period: what they add to the state at its end, in every format.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use serde_json::Value;

use super::Repo;
use crate::scene::Scene;

/// 2026-11-01, midnight.
const BEGIN: i64 = 1_793_491_200;
const DAY: i64 = 86_400;

const CONFIG: &str = "version: 1\nframeworks: [house]\nestate: ['estate/**']\nwaivers: {approvers: [ben]}\n";

const HOUSE: &str = "apiVersion: assize.dev/v1
kind: Framework
metadata: {name: house, title: House rules}
spec:
  authority: Us
  version: '1'
  requirements:
    - {id: '1', title: Maps have a key}
    - {id: '2', title: Persons are known}
    - {id: '3', title: Maps stay}
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: map-key, title: Maps have a key}
spec:
  severity: high
  rationale: Tests.
  remediation: Name one.
  requirements: ['house:1']
  match: {kinds: [core/ConfigMap]}
  schema: {properties: {data: {required: [key]}}}
  examples: []
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: known-person, title: Persons are active}
spec:
  severity: low
  rationale: Tests.
  remediation: Tell.
  requirements: ['house:2']
  match: {kinds: [Person]}
  schema: {x-has: {spec.status: active}}
  examples: []
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: map-removed, title: Maps stay}
spec:
  severity: critical
  rationale: Tests.
  remediation: Put it back.
  requirements: ['house:3']
  match: {kinds: [core/ConfigMap]}
  rego: |
    deny contains {\"msg\": \"the map went\"} if {
      input.before
      not input.after
    }
  examples: []
";

const OLD_RULE: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: old-rule, title: Maps have labels}
spec:
  severity: medium
  rationale: Tests.
  remediation: Label it.
  requirements: ['house:1']
  match: {kinds: [core/ConfigMap]}
  schema: {properties: {metadata: {required: [labels]}}}
  examples: []
";

const WAIVER: &str = "apiVersion: assize.dev/v1
kind: Waiver
metadata: {name: for-b}
spec: {rules: [map-key], resources: ['core/ConfigMap:b'], type: risk-acceptance, reason: it goes soon, requestedBy: anna, approvedBy: ben,
  approvedOn: 2026-11-05, expires: 2026-11-06}
";

fn map(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n")
}

const PERSONS: &str = "apiVersion: assize.dev/v1
kind: Person
metadata: {name: anna}
spec: {type: employee, status: active, start: 2020-01-01}
---
apiVersion: assize.dev/v1
kind: Person
metadata: {name: ben}
spec: {type: employee, status: active, start: 2020-01-01}
";

/// Ten days: `a` breaks and is mended, `b` comes broken, is waived until its waiver ends, `c` goes; a person comes late, and
/// a rule goes.
fn story() -> Repo {
    let repo = Repo::of(Scene::new().with("assize.yaml", CONFIG).with("policies/house.yaml", HOUSE));
    repo.write("policies/old-rule.yaml", OLD_RULE);
    repo.write("estate/policy.yaml", "apiVersion: assize.dev/v1\nkind: RemediationPolicy\nmetadata: {name: times}\nspec: {critical: P1D, high: P3D}\n");
    repo.write("estate/control.yaml", "apiVersion: assize.dev/v1\nkind: Control\nmetadata: {name: keys}\nspec: {framework: house, requirement: '1', mandatory: true, status: operating}\n");
    repo.write("estate/a.yaml", &map("a", "key: x")).write("estate/c.yaml", &map("c", "key: x"));
    repo.commit_at(BEGIN + 3_600, "Anna", "Begin");
    repo.write("estate/a.yaml", &map("a", "other: x"));
    repo.commit_at(BEGIN + 2 * DAY, "Ben", "Break a");
    repo.write("estate/a.yaml", &map("a", "key: x")).write("estate/b.yaml", &map("b", "other: x"));
    repo.commit_at(BEGIN + 3 * DAY + 7_200, "=Cem&Co", "Mend a, and bring <i>b</i>");
    repo.write("estate/waiver.yaml", WAIVER).write("estate/person.yaml", PERSONS);
    repo.commit_at(BEGIN + 4 * DAY, "Ben", "Waive b");
    repo.remove("estate/c.yaml").remove("policies/old-rule.yaml");
    repo.commit_at(BEGIN + 7 * DAY, "Dora", "Tidy up");
    repo
}

const PERIOD: [&str; 5] = ["report", "--from", "2026-11-01", "--to", "2026-11-10"];

const FILES: [&str; 10] = [
    "r.md",
    "r.json",
    "r.csv",
    "r.html",
    "r.xlsx",
    "oscal/catalog.json",
    "oscal/system-security-plan.json",
    "oscal/assessment-plan.json",
    "oscal/assessment-results.json",
    "oscal/plan-of-action-and-milestones.json",
];

/// Every format of a report, by file.
fn written(repo: &Repo, folder: &str, more: &[&str]) -> BTreeMap<&'static str, Vec<u8>> {
    let outputs: Vec<String> = [
        ("markdown", "r.md"),
        ("json", "r.json"),
        ("csv", "r.csv"),
        ("html", "r.html"),
        ("xlsx", "r.xlsx"),
        ("oscal", "oscal"),
    ]
    .iter()
    .map(|(format, file)| format!("-o={format}={folder}/{file}"))
    .collect();
    std::fs::create_dir_all(repo.scene.folder.join(folder)).unwrap();
    let arguments: Vec<&str> =
        PERIOD.iter().chain(more).copied().chain(outputs.iter().map(String::as_str)).collect();
    let outcome = repo.scene.run(&arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    let read =
        |file: &&'static str| (*file, std::fs::read(repo.scene.folder.join(folder).join(file)).unwrap());
    FILES.iter().map(read).collect()
}

/// The text without digests and the version, which the library and a release change.
fn stable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(at);
        let length = from.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(from.len());
        let (word, after) = from.split_at(length);
        shown.push_str(before);
        shown.push_str(if length == 64 { "(64 digits)" } else { word });
        rest = after;
    }
    shown.push_str(rest);
    shown.replace(env!("CARGO_PKG_VERSION"), "(version)")
}

/// The text without what stands between two marks: rules of the library that took no part, which change with it.
fn without(text: &str, from: &str, to: &str) -> String {
    let (before, rest) = text.split_once(from).unwrap();
    let (_, after) = rest.split_once(to).unwrap();
    format!("{before}{from} …\n{to}{after}")
}

/// The parts of a zip archive, by its central directory.
fn parts(bytes: &[u8]) -> BTreeMap<String, String> {
    let number = |at: usize, size: usize| {
        bytes[at..at + size].iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let end = (0..bytes.len() - 21).rev().find(|at| bytes[*at..].starts_with(b"PK\x05\x06")).unwrap();
    let mut at = number(end + 16, 4);
    let mut found = BTreeMap::new();
    for _ in 0..number(end + 10, 2) {
        let (size, start) = (number(at + 20, 4), number(at + 42, 4));
        let name = String::from_utf8(bytes[at + 46..at + 46 + number(at + 28, 2)].to_vec()).unwrap();
        let content = start + 30 + number(start + 26, 2) + number(start + 28, 2);
        let mut text = String::new();
        DeflateDecoder::new(&bytes[content..content + size]).read_to_string(&mut text).unwrap();
        found.insert(name, text);
        at += 46 + number(at + 28, 2) + number(at + 30, 2) + number(at + 32, 2);
    }
    found
}

/// A workbook as text: its sheets, and a line a row.
fn sheets(bytes: &[u8]) -> String {
    let parts = parts(bytes);
    let shared = roxmltree::Document::parse(&parts["xl/sharedStrings.xml"]).unwrap();
    let text_of = |node: roxmltree::Node<'_, '_>| {
        node.descendants()
            .filter(|node| node.tag_name().name() == "t")
            .filter_map(|node| node.text())
            .collect::<String>()
    };
    let strings: Vec<String> =
        shared.root_element().children().filter(|node| node.tag_name().name() == "si").map(text_of).collect();
    let book = roxmltree::Document::parse(&parts["xl/workbook.xml"]).unwrap();
    let names: Vec<&str> = book
        .descendants()
        .filter(|node| node.tag_name().name() == "sheet")
        .map(|node| node.attribute("name").unwrap())
        .collect();
    let mut shown = String::new();
    for (at, name) in names.iter().enumerate() {
        shown.push_str(&format!("\n[{name}]\n"));
        let part = &parts[&format!("xl/worksheets/sheet{}.xml", at + 1)];
        let sheet = roxmltree::Document::parse(part).unwrap();
        for row in sheet.descendants().filter(|node| node.tag_name().name() == "row") {
            let cells = row.children().filter(|node| node.tag_name().name() == "c").map(|cell| {
                assert!(!cell.children().any(|node| node.tag_name().name() == "f"), "a formula in {name}");
                let value =
                    cell.children().find(|node| node.tag_name().name() == "v").and_then(|node| node.text());
                match (cell.attribute("t"), value) {
                    (Some("s"), Some(place)) => strings[place.parse::<usize>().unwrap()].replace('\n', "; "),
                    (_, value) => value.unwrap_or_default().to_owned(),
                }
            });
            shown.push_str(cells.collect::<Vec<_>>().join(" | ").trim_end_matches([' ', '|']));
            shown.push('\n');
        }
    }
    shown
}

#[test]
fn a_period_in_every_format() {
    let repo = story();
    let files = written(&repo, "out", &[]);
    let again = written(&repo, "again", &["--threads", "1"]);
    for file in FILES {
        assert!(files[file] == again[file], "{file} differs");
    }
    let text = |file: &str| String::from_utf8(files[file].clone()).unwrap();
    insta::assert_snapshot!("period-markdown", stable(&without(&text("r.md"), "## Left out", "## Problems")));
    let table = text("r.csv").replace('\r', "");
    let rows: Vec<&str> = table.lines().filter(|row| !row.starts_with("left-out,")).collect();
    insta::assert_snapshot!("period-csv", stable(&rows.join("\n")));
    insta::assert_snapshot!(
        "period-xlsx",
        stable(&without(&sheets(&files["r.xlsx"]), "[Left out]", "[Problems]"))
    );
    let page = text("r.html");
    let section = |from: &str, to: &str| {
        let (_, after) = page.split_once(&format!("<section id=\"{from}\"")).unwrap();
        after.split_once(&format!("<section id=\"{to}\"")).unwrap().0.to_owned()
    };
    let html = format!("{}\n{}", section("period", "f-0"), section("findings", "waivers"));
    insta::assert_snapshot!("period-html", stable(&html));
    let report: Value = serde_json::from_str(&text("r.json")).unwrap();
    let of_period = serde_json::json!({
        "births": report["births"],
        "remarks": report["remarks"],
        "oldest": report.pointer("/frameworks/0/requirements/0/oldest"),
        "period": report["period"],
    });
    insta::assert_snapshot!("period-json", stable(&serde_json::to_string_pretty(&of_period).unwrap()));
    for (name, file) in [
        ("assessment-results", "oscal/assessment-results.json"),
        ("plan-of-action-and-milestones", "oscal/plan-of-action-and-milestones.json"),
    ] {
        let mut document: Value = serde_json::from_str(&text(file)).unwrap();
        // It follows from the content, and so from the digest of the library.
        document[name]["uuid"] = "(of the document)".into();
        insta::assert_snapshot!(
            format!("period-oscal-{name}"),
            stable(&serde_json::to_string_pretty(&document).unwrap())
        );
    }
}

#[test]
fn a_period_fits_the_schemas() {
    let files = written(&story(), "out", &[]);
    let report: Value = serde_json::from_slice(&files["r.json"]).unwrap();
    let schema: Value = serde_json::from_str(assize::policy::builtin_schema("report").unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|error| format!("{} {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    let complete: Value =
        serde_json::from_str(include_str!("../../fixtures/oscal/oscal_complete_schema-1.2.1.json")).unwrap();
    for file in FILES.iter().filter(|file| file.starts_with("oscal/")) {
        let document: Value = serde_json::from_slice(&files[file]).unwrap();
        let name = document.as_object().unwrap().keys().next().unwrap();
        let branches = complete["oneOf"].as_array().unwrap();
        let mut schema =
            branches.iter().find(|branch| branch["required"][0] == name.as_str()).unwrap().clone();
        schema["$schema"] = complete["$schema"].clone();
        schema["definitions"] = complete["definitions"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{file}{} {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let results: Value = serde_json::from_slice(&files["oscal/assessment-results.json"]).unwrap();
    let result = &results["assessment-results"]["results"][0];
    assert_eq!(
        (&result["start"], &result["end"]),
        (&"2026-11-01T00:00:00Z".into(), &"2026-11-10T23:59:59Z".into())
    );
    assert_eq!(result["risks"][0]["deadline"], "2026-11-10T23:59:59Z");
}

fn json(repo: &Repo, arguments: &[&str]) -> (i32, Value) {
    let outcome = repo.scene.run(&[arguments, &["-o", "json"]].concat());
    assert_ne!(outcome.stdout, "", "{}", outcome.stderr);
    (outcome.code, serde_json::from_str(&outcome.stdout).unwrap())
}

/// The remarks of a report, as `sort name`.
fn remarks(report: &Value) -> Vec<String> {
    let text = |remark: &Value, key: &str| remark[key].as_str().unwrap().to_owned();
    let all = report["remarks"].as_array().unwrap().iter();
    all.map(|remark| format!("{} {}", text(remark, "sort"), text(remark, "name"))).collect()
}

#[test]
fn the_report_is_the_period_and_the_state_at_its_end() {
    let repo = story();
    // What comes later is no part of it.
    repo.write("estate/z.yaml", &map("z", "other: x"));
    repo.commit_at(BEGIN + 12 * DAY, "Eve", "Later");
    let (code, report) = json(&repo, &PERIOD);
    assert_eq!(code, 1);
    let (_, period) =
        json(&repo, &["period", "--from", "2026-11-01", "--to", "2026-11-10", "--framework", "house"]);
    assert_eq!(report["period"]["deviations"], period["deviations"]);
    let end = period["head"].as_str().unwrap();
    assert_eq!(report["run"]["estate"]["commit"], end);
    let (_, state) = json(&repo, &["report", "--rev", end, "--as-of", "2026-11-10"]);
    assert_eq!((&report["findings"], &report["summary"]), (&state["findings"], &state["summary"]));
    assert_eq!(
        (&state["period"], &state["remarks"], &state["births"]["isKnown"]),
        (&Value::Null, &serde_json::json!([]), &false.into())
    );
    // The birth of what came out of its waiver is the day on which that ended.
    let (_, blame) = json(&repo, &["blame", "--rev", end, "--as-of", "2026-11-10"]);
    assert_eq!(report["births"]["findings"], blame["findings"]);
    let oldest = &report["frameworks"][0]["requirements"][0]["oldest"];
    assert_eq!((&oldest["rule"], &oldest["since"]), (&"map-key".into(), &"2026-11-07".into()));
    assert_eq!(
        remarks(&report),
        [
            "came-and-went map-key",
            "out-of-waiver map-key",
            "into-waiver map-key",
            "waiver-changed Waiver/for-b",
            "waiver-changed Waiver/for-b",
            "change-denied map-removed",
            "gate-changed old-rule",
            "approval-unproven policies",
            "approval-unproven Waiver/for-b",
            "approval-unproven policies",
            "nothing-declared house:2",
        ]
    );
    // Each commit by its own policies: what the rule found that went is there.
    let (_, each) = json(&repo, &[PERIOD.as_slice(), &["--policies", "each"]].concat());
    let came = remarks(&each).iter().filter(|remark| *remark == "came-and-went old-rule").count();
    assert_eq!(came, 3, "{:?}", remarks(&each));
    // Beyond its due date.
    let (_, late) = json(&repo, &["report", "--from", "2026-11-01", "--to", "2026-11-11"]);
    assert_eq!(remarks(&late)[0], "overdue map-key");
}

#[test]
fn births_are_asked_for() {
    let repo = story();
    let (_, known) = json(&repo, &["report", "--rev", "HEAD", "--births", "--as-of", "2026-11-10"]);
    assert_eq!((&known["births"]["isKnown"], &known["period"]), (&true.into(), &Value::Null));
    assert_eq!(known["births"]["findings"][0]["cause"], "waiver-lapsed");
    let (_, none) = json(&repo, &[PERIOD.as_slice(), &["--births=no"]].concat());
    assert_eq!(none["births"]["isKnown"], false);
    // The period alone knows since when, too.
    assert_eq!(none["frameworks"][0]["requirements"][0]["oldest"]["since"], "2026-11-04");
    let refused = [
        (vec!["report", "--births"], "births are of the findings of a commit"),
        (vec!["report", "--to", "2026-11-10"], "--from"),
        (vec!["report", "--from", "2026-11-10", "--to", "2026-11-01"], "lies before"),
        (vec!["report", "--from", "2026-11-01", "--to", "2026-11-10", "--as-of", "2026-11-09"], "give one"),
        (vec!["report", "--from", "November"], "should be a day"),
        (vec!["report", "--from", "2026-10-01", "--to", "2026-10-31"], "no commit of HEAD lies before"),
        (vec!["report", "--rev", "HEAD", "--births", "--as-of", "2026-11-05"], "births cannot be told"),
    ];
    for (arguments, message) in refused {
        let outcome = repo.scene.run(&arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}");
        assert!(outcome.stderr.contains(message), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn policies_from_elsewhere_judge_the_period() {
    let repo = story();
    let other = Scene::new()
        .with("assize.yaml", CONFIG)
        .with("policies/house.yaml", &HOUSE.replace("required: [key]", "required: [other]"));
    let place = other.folder.to_str().unwrap();
    let (_, report) = json(&repo, &[PERIOD.as_slice(), &["--policies", place]].concat());
    assert_eq!(report["births"]["isKnown"], false);
    assert_eq!(report["period"]["gate"], serde_json::json!([]));
    let open: Vec<&Value> = report["period"]["deviations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|each| each["to"].is_null())
        .collect();
    assert_eq!(open.len(), report["findings"].as_array().unwrap().len());
    assert_eq!(open[0]["resource"], "core/ConfigMap/a");
}

#[test]
fn a_stretch_that_could_not_be_judged_is_no_pass() {
    let repo = Repo::of(Scene::new().with("assize.yaml", CONFIG).with("policies/house.yaml", HOUSE));
    repo.write("estate/a.yaml", &map("a", "key: x"));
    repo.commit_at(BEGIN, "Anna", "Begin");
    repo.write("estate/b.yaml", "apiVersion: v1\nkind: [\n");
    repo.commit_at(BEGIN + DAY, "Ben", "Break the file");
    repo.remove("estate/b.yaml");
    repo.commit_at(BEGIN + 2 * DAY, "Cem", "Mend");
    let (code, report) = json(&repo, &PERIOD);
    assert_eq!(
        (code, &report["isComplete"], &report["problems"]),
        (2, &false.into(), &serde_json::json!([]))
    );
    assert!(remarks(&report).contains(&"not-judged invalid-yaml".to_owned()), "{:?}", remarks(&report));
    for (format, words) in [
        ("markdown", "Not judged for a time"),
        ("csv", "incomplete"),
        ("html", "Not everything could be judged all the time"),
    ] {
        let outcome = repo.scene.run(&[PERIOD.as_slice(), &["-o", format]].concat());
        assert_eq!(outcome.code, 2, "{format}");
        assert!(outcome.stdout.contains(words), "{format}");
    }
}
