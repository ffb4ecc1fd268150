//! The wiring of the program: arguments, variables, streams and exit codes.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::scene::{DAY, Outcome, Scene, finding_lines, finish, finish_with_input, problem_lines};

/// A repository with one rule of its own, which wants a colour.
fn house(severity: &str) -> Scene {
    Scene::new().with("assize.yaml", "version: 1\n").with(
        "policies/no-colour.yaml",
        &format!(
            "apiVersion: assize.dev/v1
kind: Rule
metadata: {{name: no-colour, title: Everything has a colour}}
spec:
  severity: {severity}
  rationale: It is dull.
  remediation: Set `data.colour`.
  match: {{kinds: [core/ConfigMap]}}
  schema: {{x-has: {{data.colour: {{}}}}}}
"
        ),
    )
}

const GOOD: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: good}, data: {colour: red}}\n";
const BAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {}\n";
const BROKEN: &str = "apiVersion: v1\nkind: [\n";

#[track_caller]
fn says(outcome: &Outcome, code: i32, stdout: &[&str], stderr: &[&str]) {
    assert_eq!(outcome.code, code, "{}{}", outcome.stdout, outcome.stderr);
    for part in stdout {
        assert!(outcome.stdout.contains(part), "{part:?} is not in {}", outcome.stdout);
    }
    for part in stderr {
        assert!(outcome.stderr.contains(part), "{part:?} is not in {}", outcome.stderr);
    }
    if stderr.is_empty() {
        assert_eq!(outcome.stderr, "");
    }
    if stdout.is_empty() {
        assert_eq!(outcome.stdout, "");
    }
}

const FORMATS: [&str; 10] =
    ["human", "json", "jsonl", "sarif", "junit", "github", "gitlab", "markdown", "csv", "summary"];

#[test]
fn exit_codes_in_every_format() {
    let cases: &[(&str, &[&str], &[&str], i32)] = &[
        ("medium", &[GOOD], &[], 0),
        ("medium", &[GOOD, BAD], &[], 1),
        ("medium", &[GOOD, BAD], &["--fail-on", "high"], 0),
        ("medium", &[GOOD, BAD], &["--fail-on", "medium"], 1),
        ("medium", &[GOOD, BAD], &["--fail-on", "low"], 1),
        ("medium", &[GOOD, BAD], &["--fail-on", "never"], 0),
        ("critical", &[BAD], &["--fail-on", "critical"], 1),
        ("info", &[BAD], &[], 0),
        ("info", &[BAD], &["--fail-on", "info"], 1),
        ("medium", &[GOOD, BROKEN], &[], 2),
        ("medium", &[GOOD, BROKEN], &["--fail-on", "never"], 2),
        ("medium", &[GOOD, BAD, BROKEN], &[], 2),
        ("medium", &[], &[], 2),
        ("medium", &[], &["--allow-empty"], 0),
        ("medium", &[BROKEN], &["--allow-empty"], 2),
    ];
    for (severity, files, arguments, code) in cases {
        let scene = house(severity);
        for (number, text) in files.iter().enumerate() {
            scene.write(&format!("estate/{number}.yaml"), text);
        }
        for format in FORMATS {
            let all = [&["check", "--rule", "no-colour", "--as-of", DAY, "-o", format], *arguments].concat();
            let outcome = scene.run(&all);
            assert_eq!(outcome.code, *code, "{files:?} {all:?}: {}{}", outcome.stdout, outcome.stderr);
            assert_eq!(outcome.stderr, "");
        }
    }
}

#[test]
fn the_threshold_of_the_configuration_yields_to_that_of_the_command_line() {
    let scene = house("medium").with("bad.yaml", BAD).with("assize.yaml", "version: 1\nfail_on: high\n");
    let check = |arguments: &[&str]| scene.run(&[&["check", "-q", "--as-of", DAY], arguments].concat()).code;
    assert_eq!(check(&[]), 0);
    assert_eq!(check(&["--fail-on", "medium"]), 1);
}

#[test]
fn bad_use_ends_with_2() {
    let scene = house("low").with("good.yaml", GOOD);
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["chekc"], "check"),
        (&["check", "--no-such-flag"], "--no-such-flag"),
        (&["check", "--fail-on", "severe"], "severe"),
        (&["check", "--threads", "many"], "many"),
        (
            &["check", "-o", "xml"],
            "there is no format xml; known: human, json, jsonl, sarif, junit, github, gitlab, markdown, csv, summary",
        ),
        (&["check", "-o", "json="], "the file name is empty"),
        (&["check", "--kind", "Data*"], "write Kind, group/Kind, */Kind or *"),
        (&["check", "--max-file-size", "1T"], "write a number, with k, M or G"),
        (&["check", "--max-depth", "0"], "0 is not in 1..=1000"),
        (&["check", "--as-of", "yesterday"], "\"yesterday\" should be 2026-11-20 or 2026-11-20T08:00:00Z"),
        (&["check", "--as-of", "2026-02-30"], "should be 2026-11-20"),
        (&["check", "--as-of", "2026-11-20T08:00:00"], "should be 2026-11-20"),
        (&["check", "no-such.yaml"], "error: cannot open no-such.yaml"),
        (&["check", "-", "good.yaml"], "`-` stands for standard input and goes with no other path"),
        (&["explain"], "NAME"),
        (&["explain", "no-such-thing"], "no rule, requirement, kind or problem code is called no-such-thing"),
        (&["schema", "NoSuchKind"], "no schema is called NoSuchKind"),
        (&["list", "people"], "people"),
        (&["test", "no-such.yaml"], "no-such.yaml"),
        (&["completions", "tcsh"], "tcsh"),
    ];
    for (arguments, message) in cases {
        says(&scene.run(arguments), 2, &[], &[message]);
    }
    // Later paths that are not there are problems of the run.
    let outcome = scene.run(&["check", "good.yaml", "no-such.yaml", ".."]);
    says(&outcome, 2, &["no-such.yaml does not exist", "problem[outside-root]"], &[]);
}

#[test]
fn instants_and_dates_are_the_clock() {
    let scene = house("low").with("good.yaml", GOOD);
    for clock in ["2026-11-20", "2026-11-20T08:00:00Z", "2026-11-20T08:00:00.5+02:00"] {
        let outcome = scene.run(&["check", "-o", "json", "--as-of", clock]);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((outcome.code, report["run"]["asOf"].as_str()), (0, Some(clock)));
    }
}

#[test]
fn standard_output_holds_nothing_but_the_format() {
    let scene = house("medium").with("good.yaml", GOOD).with("bad.yaml", BAD).with("broken.yaml", BROKEN);
    let run = |format: &str| {
        let outcome = scene.run(&["check", "--rule", "no-colour", "--as-of", DAY, "-o", format]);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (2, ""), "{format}");
        outcome.stdout
    };
    for format in ["json", "sarif", "gitlab"] {
        let value: Value = serde_json::from_str(&run(format)).unwrap();
        assert!(value.to_string().contains("invalid-yaml"), "{format}");
    }
    let lines = run("jsonl");
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let junit = run("junit");
    let document = roxmltree::Document::parse(&junit).unwrap();
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("error"), count("failure")), (1, 1), "{junit}");
    let table = run("csv");
    let mut table = csv::ReaderBuilder::new().flexible(false).from_reader(table.as_bytes());
    let sorts: Vec<String> = table.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(sorts, ["run", "problem", "finding"]);
    assert!(run("github").lines().all(|line| line.starts_with("::")));
    assert!(run("markdown").starts_with("<!-- assize -->\n### assize: incomplete\n"));
    let summary = run("summary");
    assert_eq!(summary.lines().count(), 1);
    assert!(summary.starts_with("incomplete: 1 finding (1 medium), 1 problem; "), "{summary}");
}

#[test]
fn the_summary_of_a_job_is_added_to_the_file_that_github_names() {
    let scene = house("medium").with("estate/bad.yaml", BAD).with("summary.md", "before\n");
    let arguments = ["check", "estate", "--rule", "no-colour", "--as-of", DAY, "-o"];
    let run = |format: &str, file: &str| {
        let mut command = scene.command(&[&arguments[..], &[format]].concat());
        finish(command.env("GITHUB_STEP_SUMMARY", file))
    };
    assert_eq!(run("json", "summary.md").code, 1);
    assert_eq!(scene.read("summary.md"), "before\n");
    // A second one is added to the first.
    let plain = scene.run(&[&arguments[..], &["github"]].concat());
    for _ in 0..2 {
        let outcome = run("github", "summary.md");
        assert_eq!((outcome.code, &outcome.stdout, outcome.stderr.as_str()), (1, &plain.stdout, ""));
    }
    let written = scene.read("summary.md");
    assert!(written.starts_with("before\n<!-- assize -->\n### assize: failed\n"), "{written}");
    assert_eq!(written.matches("### assize: failed").count(), 2);
    // What cannot be written is told.
    let outcome = run("github", "no/such/folder.md");
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("no/such/folder.md, as GITHUB_STEP_SUMMARY says"), "{}", outcome.stderr);
}

#[test]
fn several_outputs() {
    let scene = house("medium").with("estate/bad.yaml", BAD);
    let run = |arguments: &[&str]| scene.run(&[&["check", "estate", "--as-of", DAY], arguments].concat());
    let [human, json, jsonl] = ["human", "json", "jsonl"].map(|format| run(&["-o", format]).stdout);
    let both = run(&["-o", "json=out.json", "-o", "human", "--output=jsonl=out.jsonl"]);
    assert_eq!((both.code, &both.stdout, both.stderr.as_str()), (1, &human, ""));
    assert_eq!((scene.read("out.json"), scene.read("out.jsonl")), (json.clone(), jsonl.clone()));
    // One flag takes a list as well, and a file that exists is replaced as a whole.
    scene.write("out.json", &"x".repeat(1_000_000));
    says(&run(&["-o", "json=out.json,jsonl=more.jsonl"]), 1, &[], &[]);
    assert_eq!((scene.read("out.json"), scene.read("more.jsonl")), (json, jsonl));

    let message = "error: two formats go to standard output; give one a file: -o json=report.json\n";
    assert_eq!(run(&["-o", "json", "-o", "human"]).stderr, message);
    says(&run(&["-o", "json", "-o", "human"]), 2, &[], &[message]);
    says(&run(&["-o", "json=a.json", "-o", "jsonl=a.json"]), 2, &[], &["two formats go to a.json"]);
    says(&run(&["-o", "json=no/such/folder.json"]), 2, &[], &["cannot write: no/such/folder.json: "]);
    says(&run(&["-o", "json=estate"]), 2, &[], &["cannot write: estate: "]);
}

#[test]
fn an_unknown_key_in_the_configuration_has_its_place() {
    let scene = house("low").with("assize.yaml", "version: 1\nframewroks: [gdpr]\n").with("good.yaml", GOOD);
    for arguments in [&["check", "-o", "json"][..], &["test"], &["list", "rules"], &["explain", "no-colour"]]
    {
        let outcome = scene.run(arguments);
        let told = ["problem[invalid-configuration]", "[assize.yaml:2:1]", "did you mean `frameworks`?"];
        says(&outcome, 2, &[], &told);
    }
}

#[test]
fn unknown_names_are_problems() {
    let scene = house("low").with("good.yaml", GOOD);
    let cases: &[(&[&str], &str)] = &[
        (&["--rule", "no-color"], "- unknown-rule: no rule is called no-color did you mean `no-colour`?"),
        (
            &["--framework", "hippa"],
            "- unknown-framework: no framework is called hippa did you mean `hipaa`?",
        ),
        (
            &["--kind", "Persn", "--kind", "core/ConfigMap"],
            "- unknown-kind: no schema describes the kind Persn did you mean `Person`?",
        ),
    ];
    for (arguments, expected) in cases {
        let report = scene.report(&[arguments, &["--allow-empty"][..]].concat());
        let help = report["problems"][0]["help"].as_str().unwrap();
        assert_eq!(format!("{} {help}", problem_lines(&report).join(" ")), *expected);
    }
    says(&scene.run(&["list", "rules", "--framework", "hippa"]), 2, &["NAME"], &["did you mean `hipaa`?"]);
    says(&scene.run(&["test", "--rule", "no-color"]), 2, &["0 rules"], &["did you mean `no-colour`?"]);
    // Foreign kinds need no schema.
    says(&scene.run(&["check", "--kind", "apps/Deployment", "--allow-empty"]), 0, &["0 resources"], &[]);
    let names =
        "version: 1\nframeworks: [gdrp]\nrules: {no-color: {severity: high}, no-colour: {params: {n: 1}}}\n";
    scene.write("assize.yaml", names);
    assert_eq!(
        problem_lines(&scene.report(&[])),
        [
            "assize.yaml:2:14 unknown-framework: no framework is called gdrp",
            "assize.yaml:3:19 unknown-rule: no rule is called no-color",
            "assize.yaml:3:61 invalid-configuration: rule no-colour has no parameter n",
        ],
    );
}

#[test]
fn standard_input() {
    let scene = house("medium").with("estate/other.yaml", GOOD);
    let arguments = ["check", "-", "--stdin-filename", "estate/a.yaml", "--as-of", DAY, "-o", "json"];
    let outcome = scene.run_with_input(&arguments, BAD);
    let report = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (outcome.code, finding_lines(&report)),
        (1, vec!["estate/a.yaml:4:1 no-colour ConfigMap/bad data.colour: data.colour is missing".to_owned()]),
    );
    // The snippet is of what was given, not of a file; without a name there is one.
    says(&scene.run_with_input(&["check", "-"], BAD), 1, &["[standard-input.yaml:4:1]", "data: {}"], &[]);
    says(&scene.run_with_input(&["check", "-"], GOOD), 0, &["No findings"], &[]);
    says(&scene.run_with_input(&["check", "-"], "a: ["), 2, &["problem[invalid-yaml]"], &[]);
    says(&scene.run_with_input(&["check", "-"], ""), 2, &["problem[nothing-evaluated]"], &[]);
    // Its path is meant from the current folder, and shown from the top, whether the file exists or not.
    scene.write("estate/deep/here.yaml", GOOD);
    let absolute = scene.folder.join("estate/deep/new/a.yaml");
    for name in ["new/a.yaml", "./new/a.yaml", "../deep/new/a.yaml", absolute.to_str().unwrap()] {
        let mut command = scene.command(&["check", "-", "-q", "--stdin-filename", name]);
        let outcome = finish_with_input(command.current_dir(scene.folder.join("estate/deep")), BAD);
        says(&outcome, 1, &["estate/deep/new/a.yaml\n", "[estate/deep/new/a.yaml:4:1]"], &[]);
    }
    for name in ["new/../../a.yaml", "/", ""] {
        let outcome = scene.run_with_input(&["check", "-", "--stdin-filename", name], BAD);
        says(&outcome, 2, &[], &["should name a file within the repository"]);
    }
    let limited = ["check", "-", "--max-file-size", "10"];
    says(&scene.run_with_input(&limited, BAD), 2, &[], &["more than 10 bytes"]);
}

#[test]
fn colours() {
    let scene = house("medium").with("bad.yaml", BAD);
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let all = [&["check", "--as-of", DAY], arguments].concat();
        finish(scene.command(&all).envs(variables.iter().copied())).stdout.contains('\u{1b}')
    };
    assert!(!run(&[], &[]), "a pipe gets no colours");
    assert!(run(&["--color", "always"], &[]));
    assert!(run(&["--color", "always"], &[("NO_COLOR", "1")]), "what is typed wins");
    assert!(!run(&["--color", "auto"], &[("NO_COLOR", "1")]));
    assert!(!run(&["--color", "never"], &[("ASSIZE_COLOR", "always")]));
    assert!(run(&[], &[("ASSIZE_COLOR", "always")]));
    assert!(!run(&["--color", "always", "-o", "json"], &[]), "programs get none");
}

#[test]
fn every_flag_has_its_variable() {
    let scene = house("medium").with("bad.yaml", BAD).with("good.yaml", GOOD);
    let check = |variables: &[(&str, &str)]| {
        let mut command = scene.command(&["check"]);
        finish(command.env("ASSIZE_AS_OF", DAY).envs(variables.iter().copied()))
    };
    says(&check(&[("ASSIZE_OUTPUT", "json=from-variable.json,jsonl")]), 1, &[r#""asOf":"2026-11-20""#], &[]);
    assert!(scene.read("from-variable.json").starts_with("{\n"));
    says(&check(&[("ASSIZE_FAIL_ON", "high")]), 0, &["1 finding"], &[]);
    says(&check(&[("ASSIZE_RULE", "ambiguous-scalar,unowned-asset")]), 0, &["2 rules"], &[]);
    says(&check(&[("ASSIZE_FRAMEWORK", "gdpr")]), 0, &["No findings"], &[]);
    says(&check(&[("ASSIZE_KIND", "core/ConfigMap")]), 1, &["2 resources"], &[]);
    says(&check(&[("ASSIZE_KIND", "core/Secret")]), 2, &["problem[nothing-evaluated]"], &[]);
    let empty = [("ASSIZE_KIND", "core/Secret"), ("ASSIZE_ALLOW_EMPTY", "true")];
    says(&check(&empty), 0, &["0 resources"], &[]);
    says(&check(&[("ASSIZE_MAX_DEPTH", "1")]), 2, &["problem[too-deep]"], &[]);
    says(&check(&[("ASSIZE_MAX_NODES", "3")]), 2, &["problem[too-many-nodes]"], &[]);
    says(&check(&[("ASSIZE_MAX_DOCUMENTS", "0")]), 2, &["problem[too-many-documents]"], &[]);
    says(&check(&[("ASSIZE_MAX_FILE_SIZE", "10")]), 2, &["problem[file-too-large]"], &[]);
    scene.write("alias.yaml", "a: &a [1, 2, 3]\napiVersion: x/v1\nkind: Z\nb: *a\n");
    says(&check(&[("ASSIZE_MAX_ALIAS_NODES", "1")]), 2, &["problem[alias-budget]"], &[]);
    says(&check(&[("ASSIZE_THREADS", "1")]), 1, &["1 finding"], &[]);
    says(&check(&[("ASSIZE_THREADS", "x")]), 2, &[], &["--threads"]);
    for truth in ["true", "1", "yes"] {
        let outcome = check(&[("ASSIZE_QUIET", truth), ("ASSIZE_RULE", "ambiguous-scalar")]);
        says(&outcome, 0, &[], &[]);
    }
    for falsehood in ["false", "0", "no"] {
        says(
            &check(&[("ASSIZE_ALLOW_EMPTY", falsehood), ("ASSIZE_KIND", "core/Secret")]),
            2,
            &["nothing-evaluated"],
            &[],
        );
    }
    // What is typed wins.
    let command = &mut scene.command(&["check", "--fail-on", "low"]);
    says(&finish(command.env("ASSIZE_FAIL_ON", "high")), 1, &["1 finding"], &[]);
}

#[test]
fn quiet_prints_findings_and_problems_only() {
    let scene = house("medium").with("bad.yaml", BAD).with("good.yaml", GOOD);
    let check = |paths: &[&str]| scene.run(&[&["check", "--quiet", "--as-of", DAY], paths].concat());
    says(&check(&["good.yaml"]), 0, &[], &[]);
    let outcome = check(&["."]);
    says(&outcome, 1, &["data.colour is missing"], &[]);
    assert!(!outcome.stdout.contains("Checked"), "{}", outcome.stdout);
    let outcome = scene.run(&["test", "-q"]);
    says(&outcome, 0, &[], &[]);
}

#[test]
fn help_has_examples_and_exit_codes() {
    let scene = Scene::new();
    says(&scene.run(&["--help"]), 0, &["Usage: assize", "Exit codes: 0 clean, 1 findings"], &[]);
    for command in ["check", "init", "test", "list", "explain", "schema", "completions"] {
        let example = format!("assize {command} ");
        for flag in ["-h", "--help"] {
            let outcome = scene.run(&[command, flag]);
            says(&outcome, 0, &["Usage: assize", "Example", &example], &[]);
            let after = outcome.stdout.split("Example").nth(1).unwrap();
            assert!(after.contains(&example), "{command}: {after}");
        }
    }
    let version = concat!("assize ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(scene.run(&["--version"]).stdout, version);
    assert_eq!(scene.run(&["-V"]).stdout, version);
}

#[test]
fn lists() {
    let scene = house("medium");
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "rules",
            &["NAME", "no-colour", "medium", "Everything has a colour"],
            &["name", "severity", "title", "requirements", "related", "roles"],
        ),
        (
            "frameworks",
            &["gdpr", "RULES", "MET", "evidence ", "TITLE"],
            &["name", "requirements", "rules", "met", "title", "authority"],
        ),
        ("requirements", &["pci-dss-4.0.1:3.5.1", "RULES", "MET"], &["name", "rules", "met", "title"]),
        ("kinds", &["DataStore", "DESCRIPTION"], &["name", "description"]),
    ];
    for (what, parts, fields) in cases {
        let text = scene.run(&["list", what]);
        says(&text, 0, parts, &[]);
        let outcome = scene.run(&["list", what, "-o", "json"]);
        let rows: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((outcome.code, rows.len() + 1), (0, text.stdout.lines().count()), "{what}");
        for row in &rows {
            let mut keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            let mut expected = fields.to_vec();
            keys.sort_unstable();
            expected.sort_unstable();
            assert_eq!(keys, expected);
        }
    }
    // Each requirement counts once, in its framework.
    let rows = |arguments: &[&str]| -> Vec<Value> {
        let outcome = scene.run(&[&["list", "-o", "json"], arguments].concat());
        serde_json::from_str(&outcome.stdout).unwrap()
    };
    for framework in rows(&["frameworks"]) {
        let requirements = rows(&["requirements", "--framework", framework["name"].as_str().unwrap()]);
        for (means, count) in framework["met"].as_object().unwrap() {
            let same = requirements.iter().filter(|row| row["met"] == **means).count();
            assert_eq!(json!(same), *count, "{means}: {framework}");
        }
        assert_eq!(json!(requirements.len()), framework["requirements"]);
    }
    let count = |arguments: &[&str]| scene.run(&[&["list"], arguments].concat()).stdout.lines().count();
    assert!(count(&["rules", "--framework", "gdpr"]) < count(&["rules"]));
    let requirements = scene.run(&["list", "requirements", "--framework", "gdpr"]);
    assert!(requirements.stdout.lines().skip(1).all(|line| line.starts_with("gdpr:")));
}

#[test]
fn explanations() {
    let scene = house("medium");
    let cases: &[(&str, &[&str])] = &[
        (
            "no-colour",
            &[
                "no-colour (rule, medium)",
                "It is dull.",
                "Matches:\n  core/ConfigMap",
                "policies/no-colour.yaml",
            ],
        ),
        (
            "unowned-asset",
            &["(rule, high)", "Requirements:\n", "cobit-2019:BAI09.01", "Must hold (of spec):", "Examples: "],
        ),
        ("pci-dss-4.0.1:3.5.1", &["(requirement of ", "part of 3.5", "Rules:\n", "readable-card-numbers"]),
        ("164.312(a)(2)(iv)", &["hipaa:164.312(a)(2)(iv)", "implementation: addressable"]),
        ("DataStore", &["DataStore (kind)", "classification", "File: schemas/kinds/DataStore.schema.json"]),
        ("gdpr", &["gdpr (framework)", "requirements"]),
        ("duplicate-key", &["duplicate-key (problem code)", "Remedy: Keep one of the two."]),
        ("ambiguous-scalar", &["ambiguous-scalar (rule, low)", "part of the engine"]),
    ];
    for (name, parts) in cases {
        says(&scene.run(&["explain", name]), 0, parts, &[]);
    }
    for (name, nearest) in [
        ("unowned-aset", "unowned-asset"),
        ("DataStoer", "DataStore"),
        ("duplicate-keys", "duplicate-key"),
        ("pci-dss-4.0.1:3.5.11", "pci-dss-4.0.1:3.5.1"),
        ("gdrp", "gdpr"),
    ] {
        says(&scene.run(&["explain", name]), 2, &[], &[&format!("did you mean {nearest}?")]);
    }
    scene.write("assize.yaml", "version: 1\nrules: {no-colour: {enabled: false, reason: grey is fine}}\n");
    says(&scene.run(&["explain", "no-colour"]), 0, &["turned off in assize.yaml: grey is fine"], &[]);
}

#[test]
fn schemas() {
    let scene = Scene::new().with("schemas/kinds/Ship.schema.json", r#"{"title": "Ship", "type": "object"}"#);
    for (name, title) in [
        ("Rule", "Rule"),
        ("Framework", "Framework"),
        ("assize.yaml", "assize.yaml"),
        ("output", "Output of assize check, format json, version 1"),
        ("vocabulary", "Vocabulary of schema rules"),
        ("DataStore", "DataStore"),
        ("Ship", "Ship"),
    ] {
        let outcome = scene.run(&["schema", name]);
        let schema: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((outcome.code, schema["title"].as_str()), (0, Some(title)));
    }
}

#[test]
fn completions() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        says(&scene.run(&["completions", shell]), 0, &["assize", "stdin-filename"], &[]);
    }
}

#[test]
fn examples_of_rules() {
    let scene = house("medium");
    says(&scene.run(&["test"]), 0, &["no-colour: has no examples", " 0 failed"], &[]);
    let rule = scene.read("policies/no-colour.yaml");
    let example = |expect: &str, colour: &str| {
        let resource =
            format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {{{colour}}}}}");
        format!("{rule}  examples:\n    - {{name: one, resource: {resource}, expect: [{expect}]}}\n")
    };
    let run = |text: &str| {
        scene.write("policies/no-colour.yaml", text);
        scene.run(&["test", "policies"])
    };
    says(&run(&example("", "colour: red")), 0, &["1 rule, 1 examples passed, 0 failed"], &[]);
    says(&run(&example("{path: data.colour}", "")), 0, &["1 examples passed"], &[]);
    let outcome = run(&example("", ""));
    says(
        &outcome,
        1,
        &["no-colour: example \"one\" fails (policies/no-colour.yaml:11:7)", "+ data.colour"],
        &[],
    );
    says(&run(&example("{path: data.colour}", "colour: red")), 1, &["- data.colour"], &[]);
    let unknown = rule.clone() + "  examples: [{name: one, resource: {kind: Persn}, expect: []}]\n";
    says(&run(&unknown), 1, &["! no schema describes the kind Persn"], &[]);
    says(&run(&rule.replace("x-has", "x-hass")), 2, &["0 examples passed"], &["did you mean `x-has`?"]);
}

/// A reader that goes away is no failure: `assize check | head -1`.
#[test]
fn a_closed_pipe() {
    let scene = Scene::new().with_clinic();
    for (arguments, code) in [
        (&["check", "-o", "json", "--as-of", DAY][..], 1),
        (&["check", "-o", "jsonl", "--as-of", DAY], 1),
        (&["check", "--as-of", DAY], 1),
        (&["list", "requirements"], 0),
        (&["explain", "DataStore"], 0),
    ] {
        let mut command = scene.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}

/// A report that cannot be written is never taken for a clean one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_device() {
    let scene = house("info").with("good.yaml", GOOD);
    for arguments in [
        &["check"][..],
        &["check", "-o", "json"],
        &["check", "-o", "jsonl"],
        &["list", "rules"],
        &["explain", "gdpr"],
        &["schema", "Rule"],
        &["test"],
        &["completions", "bash"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let outcome = finish(scene.command(arguments).stdout(full));
        says(&outcome, 2, &[], &["error: cannot write: "]);
    }
    says(&scene.run(&["check", "-o", "json=/dev/full"]), 2, &[], &["error: cannot write: /dev/full: "]);
    assert!(std::path::Path::new("/dev/full").exists(), "a device stays where it is");
}

#[test]
fn threads() {
    let scene = house("medium").with("bad.yaml", BAD).with("good.yaml", GOOD);
    let run = |threads: &str| scene.run(&["check", "--as-of", DAY, "--threads", threads]);
    let one = run("1");
    assert_eq!(one.code, 1);
    for threads in ["0", "2", "8"] {
        assert_eq!(run(threads), one);
    }
}

#[test]
fn rules_broken_on_purpose() {
    let rule = |examples: &str| {
        format!(
            "apiVersion: assize.dev/v1\nkind: Rule\nmetadata: {{name: few, title: There are few}}\nspec:\n  severity: low\n  rationale: r\n  remediation: r\n  match: {{kinds: [core/ConfigMap]}}\n  schema: {{properties: {{data: {{maxProperties: 2}}}}}}\n  examples:\n{examples}"
        )
    };
    let example = |name: &str, data: &str, expect: &str| {
        format!(
            "    - {{name: {name}, resource: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {data}}}, expect: {expect}}}\n"
        )
    };
    let loose =
        example("one", "{a: 1}", "[]") + &example("five", "{a: 1, b: 2, c: 3, d: 4, e: 5}", "[{path: data}]");
    let scene = Scene::new().with("policies/few.yaml", &rule(&loose));
    let told = [
        "few: no example notices: schema/properties/data maxProperties 2 becomes 1",
        "few: no example notices: schema/properties/data maxProperties 2 becomes 3",
        "4 changes, 2 noticed, 2 not",
    ];
    says(&scene.run(&["test", "--mutate", "policies"]), 1, &told, &[]);
    let tight =
        example("two", "{a: 1, b: 2}", "[]") + &example("three", "{a: 1, b: 2, c: 3}", "[{path: data}]");
    scene.write("policies/few.yaml", &rule(&tight));
    says(&scene.run(&["test", "--mutate", "policies"]), 0, &["4 changes, 4 noticed, 0 not"], &[]);
}

#[test]
fn what_is_undecided_does_not_pass() {
    let scene = Scene::new().with_clinic();
    let file = "estate/data/stores.yaml";
    let text = scene.read(file).replacen("  segment: office", "  segment: offfice", 1);
    scene.write(file, &text);
    // Without the rule that reports the reference, nothing else would say that the pair is open.
    let alone = ["check", "--as-of", "2026-11-20", "--rule", "card-data-outside-cde"];
    says(
        &scene.run(&alone),
        2,
        &["problem[undecided]", "1 pair of resource and rule could not be decided"],
        &[],
    );
    let both = [&alone[..], &["--rule", "unresolved-reference"]].concat();
    says(&scene.run(&both), 1, &["high[unresolved-reference]"], &[]);
    // A finding that does not fail the run excuses nothing.
    let critical = [&both[..], &["--fail-on", "critical"]].concat();
    says(&scene.run(&critical), 2, &["problem[undecided]"], &[]);
}
