//! Rules in Rego, through the program: where their text may stand, what they see, what is refused, and what bounds them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::scene::Scene;

const GRANT: &str = "apiVersion: assize.dev/v1
kind: AccessGrant
metadata:
  name: g1
spec:
  subject: Person:anna
  role: payer
  status: active
";

const PEOPLE: &str = "apiVersion: assize.dev/v1
kind: Person
metadata: {name: anna}
spec: {type: employee, status: active, start: 2020-01-31}
---
apiVersion: assize.dev/v1
kind: Role
metadata: {name: payer}
spec: {type: access, privileged: false}
---
apiVersion: assize.dev/v1
kind: AccessGrant
metadata: {name: g2}
spec: {subject: Person:anna, role: payer, status: revoked}
";

fn rule(name: &str, text: &str) -> String {
    let text: String = text.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: assize.dev/v1
kind: Rule
metadata: {{name: {name}, title: A title}}
spec:
  severity: high
  rationale: It is tested.
  remediation: Repair it.
  params: {{most: 3}}
  match: {{kinds: [AccessGrant]}}
  rego: |
{text}"
    )
}

/// An estate of two grants, with one rule of this text.
fn scene(text: &str) -> Scene {
    Scene::new()
        .with("estate/grant.yaml", GRANT)
        .with("estate/people.yaml", PEOPLE)
        .with("policies/tested.yaml", &rule("tested", text))
}

fn report(scene: &Scene) -> Value {
    scene.report(&["--rule", "tested"])
}

fn messages(report: &Value, key: &str) -> Vec<String> {
    let list = report[key].as_array().unwrap().iter();
    list.map(|each| each["message"].as_str().unwrap().to_owned()).collect()
}

/// What a rule denies of `g1`, given the elements of `deny`.
fn denied(body: &str) -> Vec<String> {
    let text = format!("deny contains x if {{\n  input.metadata.name == \"g1\"\n{body}\n}}");
    let report = report(&scene(&text));
    assert_eq!(messages(&report, "problems"), Vec::<String>::new(), "{body}");
    messages(&report, "findings")
}

/// The one problem of a rule that is refused, with its line and column.
fn refused(text: &str) -> (String, u64, u64) {
    let report = report(&scene(text));
    let problems = report.get("problems").and_then(Value::as_array).unwrap();
    let problem =
        problems.iter().find(|problem| problem["code"] == "invalid-rule").expect("the rule is refused");
    let location = &problem["location"];
    let message = problem["message"].as_str().unwrap().trim_start_matches("rule tested: ").to_owned();
    (message, location["line"].as_u64().unwrap(), location["column"].as_u64().unwrap())
}

#[test]
fn a_text_may_stand_in_four_places() {
    let text = "deny contains {\"msg\": lib.say(input.spec.role), \"path\": [\"spec\", \"role\"]} if input.spec.role == \"payer\"\n";
    let text = format!("import data.own.lib\n\n{text}");
    let library = "package own.lib\n\nsay(role) := sprintf(\"the role is %s\", [role])\n";
    let head = rule("beside", "").replace("  rego: |\n", "");
    let header = "# METADATA\n# title: Plain\n# custom:\n#   severity: low\n#   rationale: It is tested.\n#   \
                  remediation: Repair it.\n#   match: {kinds: [AccessGrant]}\npackage plain.one\n\n";
    let scene = scene(&text)
        .with("policies/beside.yaml", &head)
        .with("policies/beside.rego", &format!("package beside\n\n{text}"))
        .with("policies/own_plain.rego", &format!("{header}{text}"))
        .with("policies/lib.rego", library)
        .with("policies/lib_test.rego", "package own.lib_test\n\ntest_x if false\n");
    let report = scene.report(&["--rule", "tested", "--rule", "beside", "--rule", "own-plain"]);
    assert_eq!(report["problems"], json!([]));
    let findings: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            assert_eq!(finding["message"], "the role is payer");
            let location = &finding["location"];
            let place = (location["file"].as_str().unwrap().to_owned(), location["line"].as_u64().unwrap());
            (
                finding["rule"].as_str().unwrap().to_owned(),
                place.0,
                place.1,
                location["column"].as_u64().unwrap(),
            )
        })
        .collect();
    for name in ["beside", "own-plain", "tested"] {
        assert!(findings.contains(&(name.to_owned(), "estate/grant.yaml".to_owned(), 7, 9)), "{findings:?}");
    }
    assert_eq!(findings.len(), 6);
}

#[test]
fn without_a_path_a_finding_stands_where_the_resource_is_named() {
    let text = "deny contains \"one\" if input.metadata.name == \"g1\"\ndeny contains {\"msg\": \"two\"} if input.metadata.name == \"g1\"\n\
                deny contains {\"key\": \"other\"} if input.metadata.name == \"g1\"";
    let report = report(&scene(text));
    assert_eq!(messages(&report, "findings"), ["one; two", "A title"]);
    for finding in report["findings"].as_array().unwrap() {
        assert_eq!(
            (finding["location"]["line"].as_u64(), finding["location"]["column"].as_u64()),
            (Some(4), Some(9))
        );
    }
    let prints: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|each| &each["fingerprint"]).collect();
    assert_ne!(prints.first(), prints.last());
}

#[test]
fn what_a_rule_sees() {
    assert_eq!(denied("x := data.self"), ["AccessGrant/g1"]);
    assert_eq!(denied("x := sprintf(\"%d\", [data.params.most])"), ["3"]);
    assert_eq!(denied("x := data.asOf"), ["2026-11-20"]);
    assert_eq!(
        denied("some r in data.references[\"spec.subject\"]\nx := r.document.spec.start"),
        ["2020-01-31"]
    );
    assert_eq!(denied("some f, r in data.references\nr[_].kind == \"Role\"\nx := f"), ["spec.role"]);
    assert_eq!(
        denied("some other, d in data.estate.AccessGrant\nd.spec.status == \"revoked\"\nx := other"),
        ["AccessGrant/g2"]
    );
    assert_eq!(
        denied(
            "some p in data.references[\"spec.subject\"]\nsome g in assize.referrers(p.id).AccessGrant\ng.id != data.self\nx := concat(\" \", [g.field, g.id])"
        ),
        ["spec.subject AccessGrant/g2"]
    );
    assert_eq!(denied("not data.estate.AccessGrant[\"AccessGrant/none\"]\nx := \"gone\""), ["gone"]);
}

/// The cases that `src/date.rs` tests, by way of Rego: one implementation, and it is reached.
#[test]
fn dates_and_durations_mean_what_they_mean_in_the_vocabulary() {
    for (call, expected) in [
        ("assize.date.add(\"2026-01-31\", \"P1M\")", "2026-02-28"),
        ("assize.date.subtract(\"2026-03-31\", \"P1M\")", "2026-02-28"),
        ("assize.date.is_before(\"2026-11-19\", data.asOf)", "true"),
        ("assize.date.is_before(data.asOf, data.asOf)", "false"),
        ("assize.date.is_before(\"2026-11-20T00:00:00+02:00\", data.asOf)", "false"),
        ("assize.duration.is_shorter(\"P88D\", \"P3M\")", "true"),
        ("assize.duration.is_shorter(\"P90D\", \"P3M\")", "false"),
        ("time.now_ns()", "1795132800000000000"),
    ] {
        assert_eq!(denied(&format!("x := sprintf(\"%v\", [{call}])")), [expected], "{call}");
    }
    for call in [
        "assize.date.add(\"soon\", \"P1M\")",
        "assize.duration.is_shorter(\"P1D\", \"long\")",
        "assize.date.is_before(1, \"2026-01-01\")",
    ] {
        let report = report(&scene(&format!("deny contains sprintf(\"%v\", [x]) if x := {call}")));
        assert_eq!(report["problems"][0]["code"], "rule-failed", "{call}");
        assert_eq!(report["rules"][0]["errors"], 2);
    }
}

#[test]
fn gaps_of_the_engine() {
    // It panics in regorus; Go counts the places between characters.
    assert_eq!(denied("x := sprintf(\"%d\", [strings.count(\"abc\", \"\")])"), ["4"]);
    assert_eq!(denied("x := sprintf(\"%d\", [strings.count(\"abcabc\", \"b\")])"), ["2"]);
    // What the machine cannot run, the interpreter does.
    assert_eq!(denied("walk(input.spec, [p, \"payer\"])\nx := p[0]"), ["role"]);
    let text = "role := input.spec.role\ndeny contains x if {\n  input.metadata.name == \"g1\"\n  x := role with input.spec.role as \"other\"\n}";
    assert_eq!(messages(&report(&scene(text)), "findings"), ["other"]);
    // A function of ours on the interpreter.
    assert_eq!(
        denied("walk(input.spec, [_, \"payer\"])\nx := assize.date.add(\"2026-01-31\", \"P1M\")"),
        ["2026-02-28"]
    );

    let (message, line, column) =
        refused("f(x, y) if x == y\n\ndeny contains \"x\" if not f(1, input.spec.gone)");
    assert!(message.contains("what `not f(…)` means"), "{message}");
    assert_eq!((line, column), (13, 45));
    let (message, ..) = refused("deny contains \"x\" if not startswith(input.spec.role, \"a\")");
    assert!(message.contains("what `not startswith(…)` means"), "{message}");
    let (message, line, _) =
        refused("f(x) := 1 if {\n  x == 1\n} {\n  x == 2\n}\ndeny contains \"x\" if f(1) == 1");
    assert_eq!((message.as_str(), line), ("a rule has two bodies in a row", 13));
    let (message, line, column) = refused("deny contains \"x\" if {\n  x := count\n  ([1])\n  x == 1\n}");
    assert_eq!((message.as_str(), line, column), ("the arguments of `count` begin on another line", 12, 12));
}

#[test]
fn what_is_refused_has_its_place() {
    for (text, expected, line, column) in [
        (
            "deny contains \"x\" if {\n  input.spec.statuss == 1\n}",
            "no matched kind has the field spec.statuss",
            12,
            18,
        ),
        ("deny contains \"x\" if count(data.estate.Persn) > 1", "no schema describes the kind Persn", 11, 44),
        (
            "deny contains \"x\" if some r in data.references[\"spec.subjct\"]",
            "no matched kind has the reference field spec.subjct",
            11,
            53,
        ),
        ("deny contains \"x\" if data.params.mst == 1", "the rule has no parameter mst", 11, 38),
        ("deny contains \"x\" if data.other == 1", "nothing is called data.other", 11, 31),
        (
            "deny contains \"x\" if rand.intn(\"a\", 3) == 1",
            "`rand.intn` is not available: a run must give the same result twice",
            11,
            30,
        ),
        (
            "deny contains \"x\" if http.send({}).status == 1",
            "`http.send` is not available: a run uses no network",
            11,
            30,
        ),
        (
            "deny contains \"x\" if opa.runtime().env.HOME",
            "`opa.runtime` is not available: a run does not depend on its environment",
            11,
            29,
        ),
        (
            "deny contains \"x\" if uuid.rfc4122(\"a\") == \"\"",
            "`uuid.rfc4122` is not available: a run must give the same result twice",
            11,
            30,
        ),
        ("deny contains \"x\" if nothing_of_the_kind(1)", "Unknown function: 'nothing_of_the_kind'", 11, 26),
        ("deny contains \"x\" if {", "", 11, 5),
        ("deny := true", "`deny` should be a set", 11, 5),
        ("allow if true", "the text has no rule `deny`, so it could never find anything", 11, 5),
        (
            "deny contains r.id if {\n  some r in data.referrers.Role\n  r.field == \"role\"\n}",
            "no kind has the reference field role",
            13,
            19,
        ),
        (
            "deny contains r.documnt if some r in data.referrers.Role",
            "`documnt` is no part of a reference",
            11,
            21,
        ),
    ] {
        let (message, is_line, is_column) = refused(text);
        if !expected.is_empty() {
            assert_eq!((message.as_str(), is_line, is_column), (expected, line, column), "{text}");
        }
    }
}

#[test]
fn a_reference_to_nothing_is_undecided() {
    let text = "deny contains \"x\" if {\n  some r in data.references[\"spec.role\"]\n  r.document.spec.privileged\n}";
    let scene = scene(text);
    scene.write("estate/grant.yaml", &GRANT.replace("payer", "gone"));
    let report = report(&scene);
    assert_eq!(report["rules"][0]["errors"], 1);
    assert_eq!(report["problems"][0]["code"], "undecided");
}

/// A rule that cannot be run to its end is a problem on each resource, takes bounded time and memory, and the run
/// goes on: the other rule finds what it finds.
#[test]
fn hostile_texts_are_bounded() {
    let huge = "base := concat(\"\", [\"a\" | some i in numbers.range(1, 30000)])\n";
    let twice = "d(s) := concat(\"\", [s, s])\n";
    let nested = format!("{}base{}", "d(".repeat(20), ")".repeat(20));
    for (text, expected) in [
        (
            "deny contains \"x\" if {\n  r := numbers.range(1, 3000)\n  some a in r\n  some b in r\n  a + b < 0\n}".to_owned(),
            "was stopped after",
        ),
        (
            "deny contains \"x\" if {\n  r := numbers.range(1, 3000)\n  count({[a, b, c] | some a in r; some b in r; some c in r}) < 0\n}".to_owned(),
            "was stopped",
        ),
        ("deny contains \"x\" if count(numbers.range(1, 1000000000)) == 1".to_owned(), "`numbers.range` is bounded"),
        ("deny contains sprintf(f, [1]) if f := concat(\"\", [\"%9999\", \"99999d\"])".to_owned(), "`sprintf` is bounded"),
        ("deny contains sprintf(\"%999999999d\", [1])".to_owned(), "`sprintf` is bounded"),
        ("deny contains format_int(bits.lsh(1, 1000000000), 10)".to_owned(), "`bits.lsh` is bounded"),
        ("deny contains \"x\" if count(net.cidr_expand(\"10.0.0.0/4\")) == 1".to_owned(), "`net.cidr_expand` is bounded"),
        (format!("{huge}deny contains \"x\" if count(replace(base, \"a\", base)) == 1"), "`replace` is bounded"),
        (format!("{huge}deny contains \"x\" if count(concat(base, numbers.range(1, 30000))) == 1"), "`concat` is bounded"),
        (format!("{huge}{twice}deny contains \"x\" if count({nested}) == 1"), "was stopped at 256 MB of memory"),
        ("deny contains \"x\" if regex.match(\"((a{1000}){1000}){1000}\", \"a\")".to_owned(), "regex"),
        ("deny contains {\"msg\": 5}".to_owned(), "`deny` holds"),
        ("deny contains {\"path\": [true]}".to_owned(), "`path` is"),
    ] {
        let scene = scene(&text).with("policies/other.yaml", &rule("other", "deny contains \"found\""));
        let outcome = scene.run(&["check", "-o", "json", "--rule", "tested", "--rule", "other"]);
        assert_eq!(outcome.code, 2, "{text}\n{}", outcome.stdout);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(messages(&report, "findings"), ["found", "found"], "{text}");
        let problems = messages(&report, "problems");
        assert!(problems.iter().all(|problem| problem.contains(expected)), "{text}: {problems:?}");
        assert!(problems.iter().all(|problem| problem.contains("tested")), "{text}: {problems:?}");
    }
}

/// The engine reads each of these as nothing, and in no time.
#[test]
fn what_a_built_in_function_cannot_compute_is_undefined() {
    for call in ["lower(input.spec)", "to_number(\"many\")", "graph.reachable(\"a\", \"b\")"] {
        assert_eq!(
            denied(&format!("y := {call}\nx := sprintf(\"%v\", [y])")),
            Vec::<String>::new(),
            "{call}"
        );
    }
}

#[test]
fn hostile_texts_are_refused() {
    for text in [
        format!("deny contains \"x\" if {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("deny contains \"x\" if {}1{} == 1", "[".repeat(100_000), "]".repeat(100_000)),
        format!("deny contains \"x\" if input{}", ".a".repeat(100_000)),
        format!("deny contains \"x\" if {}", "a ".repeat(100_000)),
        "deny contains \"x\" if f(1)\nf(x) := f(x)".to_owned(),
        "package a.b\npackage c".to_owned(),
        "deny contains \"\\u0000\" if import".to_owned(),
    ] {
        let (message, ..) = refused(&text);
        assert!(message.len() < 2_000, "{}", message.len());
    }
}

/// A rule that reaches its bounds again and again is given up, at the same resource whatever the threads.
#[test]
fn a_rule_that_never_ends_is_given_up() {
    let text = "deny contains \"x\" if {\n  r := numbers.range(1, 2000)\n  some a in r\n  some b in r\n  a + b < 0\n}";
    let scene = Scene::new().with("policies/tested.yaml", &rule("tested", text));
    for file in 0..40 {
        let grants: String = (0..10)
            .map(|number| format!("---\n{}", GRANT.replace("g1", &format!("g{file}-{number}"))))
            .collect();
        scene.write(&format!("estate/{file}.yaml"), &grants);
    }
    let runs: Vec<_> = ["1", "2", "8"]
        .iter()
        .map(|threads| {
            scene.run(&[
                "check",
                "-o",
                "json",
                "--rule",
                "tested",
                "--as-of",
                "2026-11-20",
                "--threads",
                threads,
            ])
        })
        .collect();
    assert!(runs.iter().all(|run| run == runs.first().unwrap() && run.code == 2));
    let report: Value = serde_json::from_str(&runs.first().unwrap().stdout).unwrap();
    assert_eq!(report["rules"][0]["errors"], 400);
    let problems = messages(&report, "problems");
    assert!(
        problems.iter().any(|problem| problem.starts_with("rule tested was given up after 10 resources")),
        "{problems:?}"
    );
    assert!(problems.len() < 400);
}

const REVIEW: &str = "apiVersion: assize.dev/v1
kind: AccessReview
metadata: {name: review}
spec:
  scope: [Role:payer]
  status: closed
  decisions:
    - {decision: keep}
    - {grant: gone, decision: keep}
    - {grant: g1, decision: revoke}
    - {grant: g2, decision: keep}
";

#[test]
fn a_reference_says_where_it_stands() {
    // What names nothing, and what says nothing, keeps its place in the list.
    let own = "deny contains {\"msg\": decision, \"path\": grant.path} if {
  some grant in data.references[\"spec.decisions[].grant\"]
  decision := input.spec.decisions[grant.path[2]].decision
}";
    let scene = scene("deny contains \"x\" if false")
        .with("estate/review.yaml", REVIEW)
        .with("policies/own.yaml", &rule("own", own).replace("[AccessGrant]", "[AccessReview]"));
    let report = scene.report(&["--rule", "own"]);
    assert_eq!(messages(&report, "problems"), Vec::<String>::new());
    let found: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| (each["message"].as_str().unwrap(), each["location"]["line"].as_u64().unwrap()))
        .collect();
    assert_eq!(found, [("revoke", 10), ("keep", 11)]);

    // From the other side, and from that of a third; the text reads nothing else of the review.
    let text = "deny contains x if {
  input.metadata.name == \"g1\"
  some review in data.referrers.AccessReview
  some other in assize.references(review.id)[\"spec.decisions[].grant\"]
  x := sprintf(\"%v %v\", [review.path, other.path])
}";
    let scene = scene_of(text);
    let found = messages(&self::report(&scene), "findings");
    let third =
        |position| format!(r#"["spec", "decisions", 2, "grant"] ["spec", "decisions", {position}, "grant"]"#);
    assert_eq!(found, [format!("{}; {}", third(2), third(3))]);
}

fn scene_of(text: &str) -> Scene {
    scene(text).with("estate/review.yaml", REVIEW)
}

#[test]
fn a_value_of_a_library_may_ask_for_references() {
    let library = "package own.lib

held := {role.id | some grant in assize.referrers(\"Person/anna\").AccessGrant; some role in assize.references(grant.id)[\"spec.role\"]}

names(id) := {grant.name | some grant in assize.referrers(id).AccessGrant}
";
    for text in [
        "import data.own.lib\ndeny contains x if some x in lib.held",
        "import data.own.lib.held\ndeny contains x if some x in held",
        "deny contains x if some x in data.own.lib.held",
        "roles := data.own.lib.held\ndeny contains x if some x in roles",
        "import data.own.lib\ndeny contains \"Role/payer\" if lib.names(\"Person/anna\") == {\"g1\", \"g2\"}",
    ] {
        let report = report(&scene(text).with("policies/lib.rego", library));
        assert_eq!(messages(&report, "problems"), Vec::<String>::new(), "{text}");
        assert_eq!(messages(&report, "findings"), ["Role/payer", "Role/payer"], "{text}");
    }
}

/// Where a value is missing, nothing follows from it, however a text is read: unification is for the machine, and `walk`
/// for the interpreter.
#[test]
fn nothing_follows_from_what_is_missing() {
    let missing = "gone := {}.x\n\nsees if {\n  y := input.spec.expires\n}\n\npart contains 1 if {\n  y := input.spec.expires\n}\n\n\
                   default word := \"none\"\n\nword := \"some\" if {\n  y := input.spec.expires\n}\n\n\
                   id(x) := x.expires\n\nlist := [{\"expires\": 1}, {}]\n";
    for (engine, extra) in [
        ("none", ""),
        ("machine", "deny contains \"u\" if input.metadata.name = \"nobody\"\n"),
        ("interpreter", "deny contains \"w\" if walk(input.spec, [[\"w\"], _])\n"),
    ] {
        for statement in [
            "not sees",
            "count(part) == 0",
            "word == \"none\"",
            "count([y | some x in list; y := x.expires]) == 1",
            "count([1 | some x in list; y := x.expires; z := 2]) == 1",
            "count([x.expires | some x in list]) == 1",
            "count([[x.expires] | some x in list]) == 1",
            "count([id(x) | some x in list]) == 1",
            "count({i: x.expires | some i, x in list}) == 1",
            "count({x.expires: i | some i, x in list}) == 1",
            "count([{\n  \"at\": x.expires\n} | some x in list]) == 1",
            "count([x.expires | # a comment\n  some x in list]) == 1",
            "count([z | some z in [n | some x in list; n := x.expires]]) == 1",
            "not every_has",
            "[1, 2] == [y | some x in [[1, 2]]; [a, b] := x; some y in [a, b]]",
            "[[1], [2]] == [[y | y := x] | some x in [1, 2]]",
            "some x in [1, 2]\n  count([1 | x == 3]) == 0",
            "some x in [1, 2]\n  not [1 | x == 3] == [1]",
            "every x in [1, 2] { [1 | x == 3] == [] }",
            "[y | some x in [1, 2]; y := [1 | x == 2]] == [[], [1]]",
            "not misses",
            "count([x.expires | some x in list; x.expires != \"l\"]) == 1",
            "[[y | some y in [x.expires]; y != `l`] | some x in list] == [[1], []]",
            "pairs == {\"a\": {1}}",
            "not pairs.b",
        ] {
            let every = "every_has if {\n  every x in list { y := x.expires }\n}\n\nmisses if count([1 | 1 == 2]) == 1\n\npairs[x] contains 1 if some x in [\"a\"]\n\n";
            let text = format!("{missing}{every}{extra}deny contains \"so\" if {{\n  {statement}\n}}");
            let report = report(&scene(&text));
            assert_eq!(messages(&report, "problems"), Vec::<String>::new(), "{engine}: {statement}");
            assert_eq!(messages(&report, "findings"), ["so", "so"], "{engine}: {statement}");
        }
    }
}

/// What the program follows by itself, and what it must leave to the machine: the answer is that of the engines.
#[test]
fn a_text_means_the_same_without_an_engine() {
    let common = "own := \"a rule\"\n\nnames := [name | some name in [\"b\", \"a\", \"b\"]]\n\nset := {name | some name in names}\n\n\
                  kind_of(n) := \"small\" if n < 3\nkind_of(n) := \"big\" if n >= 3\n\nword(\"x\") := \"text\"\n\nword(\"y\") := \"other\"\n\n\
                  first(x) := 1 if x == \"a\"\nelse := 2 if x == \"b\"\nelse := 3\n\n\
                  pairs contains {\"n\": n, \"is\": kind_of(n)} if some n in [1, 2, 3, 2]\n\n\
                  holders contains entry if some entry in data.references[\"spec.subject\"]\n\n\
                  default chosen := \"none\"\n\nchosen := input.spec.role if input.spec.status == \"gone\"\n\n";
    for statement in [
        "own == \"a rule\"",
        "names == [\"b\", \"a\", \"b\"]",
        "set == {\"a\", \"b\"}",
        "concat(\",\", set) == \"a,b\"",
        "concat(\",\", sort(names)) == \"a,b,b\"",
        "[x | some x in set] == [\"a\", \"b\"]",
        "[first(x) | some x in [\"a\", \"b\", \"c\"]] == [1, 2, 3]",
        "kind_of(2) == \"small\"",
        "word(\"x\") == \"text\"",
        "count(pairs) == 3",
        "count({n | some {\"n\": n} in pairs}) == 3",
        "[pair.is | some pair in pairs] == [\"big\", \"small\", \"small\"]",
        "count(holders) == 1",
        "some holder in holders\n  holder.id == \"Person/anna\"\n  holder.document.spec.start == \"2020-01-31\"",
        "some holder in holders\n  holder.path == [\"spec\", \"subject\"]\n  holder.field == \"spec.subject\"",
        "chosen == \"none\"",
        "not input.spec.expires",
        "not input.spec.status == \"gone\"",
        "not input.spec.expires in {\"a\"}",
        "input.spec[\"status\"] in {\"active\", \"revoked\"}",
        "key := \"role\"\n  input.spec[key] == \"payer\"",
        "object.get(input.spec, \"expires\", \"never\") == \"never\"",
        "object.get(input, [\"spec\", \"role\"], \"never\") == \"payer\"",
        "object.get(input, [\"spec\", \"gone\", \"role\"], \"never\") == \"never\"",
        "sprintf(\"%s %d %v %%\", [\"a\", 3, [1]]) == \"a 3 [1] %\"",
        "sprintf(\"%s\", [3]) == \"3\"",
        "count(\"a😀\") == 3",
        "1 + 2 * 3 == 7",
        "7 / 2 == 3.5",
        "1 == 1.0",
        "3.5 > 3",
        "1 != \"1\"",
        "1 < \"1\"",
        "{\"a\": 1} == {\"a\": 1}",
        "[1, [2]] == [1, [2]]",
        "{1, 2} - {2} == {1}",
        "{1, 2} & {2, 3} == {2}",
        "{1} | {\"a\"} == {\"a\", 1}",
        "every x in names { x in set }",
        "not names[3]",
        "names[1] == \"a\"",
        "some i, x in names\n  i == 1\n  x == \"a\"",
        "some key, value in {\"b\": 1, \"a\": 2}\n  key == \"a\"\n  value == 2",
        "[key | some key, _ in {\"b\": 1, \"a\": 2}] == [\"a\", \"b\"]",
        "regex.match(`^p[a-z]+$`, input.spec.role)",
        "lower(\"ÄB\") == \"äb\"",
        "trim_prefix(\"aab\", \"a\") == \"ab\"",
        "trim_suffix(\"abb\", \"b\") == \"ab\"",
        "startswith(input.spec.role, \"pay\")",
        "data.self == sprintf(\"AccessGrant/%s\", [input.metadata.name])",
        "data.params.most == 3",
        "count(assize.referrers(\"Person/anna\").AccessGrant) == 2",
        "some one, two in {\"spec.role\": \"payer\"}\n  some entry in data.references[one]\n  entry.name == two",
        "data.estate.Person[\"Person/anna\"].spec.status == \"active\"",
        "not data.estate.Person[\"Person/nobody\"]",
        "[id | some id, _ in data.estate.AccessGrant] == [\"AccessGrant/g1\", \"AccessGrant/g2\"]",
    ] {
        for (engine, extra) in
            [("none", ""), ("machine", "deny contains \"u\" if input.metadata.name = \"nobody\"\n")]
        {
            let text = format!("{common}{extra}deny contains \"so\" if {{\n  {statement}\n}}");
            let report = report(&scene(&text));
            assert_eq!(messages(&report, "problems"), Vec::<String>::new(), "{engine}: {statement}");
            assert_eq!(messages(&report, "findings"), ["so", "so"], "{engine}: {statement}");
        }
    }
}

/// What is the same for every resource is worked out once, and elements are looked up by a text: both say what the
/// engines say by going through all.
#[test]
fn what_a_text_says_of_the_estate_is_the_same_kept_and_looked_up() {
    let person = |n: usize| {
        let manager = match n % 4 {
            // A fault of its kind, and still a value.
            1 => format!(", manager: {}", n % 5),
            2 => String::new(),
            _ => format!(", manager: p{}", n % 7),
        };
        let status = if n.is_multiple_of(3) { "active" } else { "left" };
        format!(
            "---\napiVersion: assize.dev/v1\nkind: Person\nmetadata: {{name: p{n}}}\nspec: {{type: employee, status: {status}{manager}}}\n"
        )
    };
    let people: String = (0..60).map(person).collect();
    let text = "active contains id if {
  some id, person in data.estate.Person
  person.spec.status == \"active\"
}

sought := \"p3\" if input.metadata.name == \"g1\"

sought := 4 if input.metadata.name == \"g2\"

managed(by) := [id |
  some id, person in data.estate.Person
  person.spec.manager == by
]

reversed := {id |
  some id, person in data.estate.Person
  sought == person.spec.manager
  id in active
}

deny contains sprintf(\"%d, %s; %s; %v; %v; %d\", [count(active), concat(\" \", sort(managed(\"p3\"))), concat(\" \", reversed), managed(sought), names, missing]) if {
  names := [id | some id, person in data.estate.Person; person.metadata.name == input.spec.role]
  missing := count({id | some id, person in data.estate.Person; person.spec.manager == input.spec.expires})
}";
    let mut said = Vec::new();
    for extra in ["", "\n\ndeny contains \"u\" if input.metadata.name = \"nobody\""] {
        let report = report(&scene(&format!("{text}{extra}")).with("estate/many.yaml", &people));
        said.push(messages(&report, "findings"));
    }
    let managed = |n: usize| n % 7 == 3 && matches!(n % 4, 0 | 3);
    let of = |is: &dyn Fn(usize) -> bool, between: &str, quote: &str| {
        let mut ids: Vec<String> =
            (0..60).filter(|n| is(*n)).map(|n| format!("{quote}Person/p{n}{quote}")).collect();
        ids.sort();
        ids.join(between)
    };
    // Anna is the twenty-first.
    let by_three = of(&managed, " ", "");
    let expected = [
        format!(
            "21, {by_three}; {}; [{}]; []; 0",
            of(&|n| managed(n) && n % 3 == 0, " ", ""),
            of(&managed, ", ", "\"")
        ),
        format!(
            "21, {by_three}; {}; [{}]; []; 0",
            of(&|n| n % 4 == 1 && n % 5 == 4 && n % 3 == 0, " ", ""),
            of(&|n| n % 4 == 1 && n % 5 == 4, ", ", "\"")
        ),
    ];
    assert_eq!(said, [expected.clone(), expected]);
}

/// What is no set has no union, not even with nothing.
#[test]
fn a_list_and_an_empty_set_have_no_union() {
    let said = ["", "deny contains \"u\" if input.metadata.name = \"nobody\"\n"].map(|extra| {
        let text =
            format!("{extra}deny contains \"so\" if {{\n  both := [\"a\"] | set()\n  count(both) == 1\n}}");
        messages(&report(&scene(&text)), "findings")
    });
    assert_eq!(said, [Vec::<String>::new(), Vec::new()]);
}

fn segment(name: &str, ranges: &str, domain: &str) -> String {
    let domain = if domain.is_empty() { String::new() } else { format!(", routingDomain: {domain}") };
    format!(
        "apiVersion: assize.dev/v1
kind: NetworkSegment
metadata: {{name: {name}}}
spec: {{zone: internal, trust: trusted, cidrs: [{ranges}]{domain}}}
"
    )
}

#[test]
fn ranges_of_addresses_that_overlap_are_looked_up() {
    let text = "deny contains {\"msg\": msg, \"path\": [\"spec\", \"cidrs\", position]} if {
  some position, mine in input.spec.cidrs
  domain := object.get(input.spec, \"routingDomain\", null)
  found := assize.networks.overlapping(\"NetworkSegment\", \"spec.cidrs\", mine, {\"spec.routingDomain\": domain})
  count(found) > 0
  msg := concat(\", \", [sprintf(\"%s of %s\", [other.range, other.id]) | some other in found])
}";
    let all = [
        segment("a", "10.0.4.0/22, \"fd00::/8\", 10.0.4.0/23", ""),
        segment("b", "10.0.6.7/24, \"fd12::1\", 10.0.6.0/24", ""),
        segment("c", "10.0.0.0/8, nonsense, 10.0.4.0/40", ""),
        segment("d", "10.0.0.0/8", "apart"),
    ];
    let scene = Scene::new()
        .with("estate/segments.yaml", &all.join("---\n"))
        .with("policies/tested.yaml", &rule("tested", text).replace("[AccessGrant]", "[NetworkSegment]"));
    let report = report(&scene);
    assert_eq!(messages(&report, "problems"), Vec::<String>::new());
    // Those around it from the widest; a range that a resource has twice is told once, its own are not, and what is none overlaps none.
    assert_eq!(
        messages(&report, "findings"),
        [
            "10.0.0.0/8 of NetworkSegment/c, 10.0.6.0/24 of NetworkSegment/b",
            "fd12::1 of NetworkSegment/b",
            "10.0.0.0/8 of NetworkSegment/c",
            "10.0.0.0/8 of NetworkSegment/c, 10.0.4.0/22 of NetworkSegment/a",
            "fd00::/8 of NetworkSegment/a",
            "10.0.0.0/8 of NetworkSegment/c, 10.0.4.0/22 of NetworkSegment/a",
            "10.0.4.0/22 of NetworkSegment/a, 10.0.4.0/23 of NetworkSegment/a, 10.0.6.0/24 of NetworkSegment/b",
        ]
    );

    // However many overlap, a hundred are told.
    let many: Vec<String> = (0..150).map(|at| segment(&format!("s{at:03}"), "10.0.0.0/8", "")).collect();
    let scene = Scene::new()
        .with("estate/segments.yaml", &many.join("---\n"))
        .with("policies/tested.yaml", &rule("tested", text).replace("[AccessGrant]", "[NetworkSegment]"));
    let report = self::report(&scene);
    let found = messages(&report, "findings");
    assert_eq!(found.len(), 150);
    assert!(found.iter().all(|message| message.split(", ").count() == 100));
}

#[test]
fn what_ranges_are_looked_up_by_stands_in_the_text() {
    let call = |arguments: &str| {
        refused(&format!("deny contains x if {{\n  some x in assize.networks.overlapping({arguments})\n}}")).0
    };
    assert_eq!(
        call("input.kind, \"spec.cidrs\", \"::/0\", {}"),
        "the kind and the fields of `assize.networks.overlapping` should stand in the text"
    );
    assert_eq!(
        call("\"NetworkSegment\", \"spec.cidrs\", \"::/0\", {input.kind: null}"),
        "the kind and the fields of `assize.networks.overlapping` should stand in the text"
    );
    assert_eq!(call("\"Netwrk\", \"spec.cidrs\", \"::/0\", {}"), "no schema describes the kind Netwrk");
    assert_eq!(
        call("\"NetworkSegment\", \"spec.cidr\", \"::/0\", {}"),
        "NetworkSegment never has the field spec.cidr"
    );
    assert_eq!(
        call("\"NetworkSegment\", \"spec.cidrs\", \"::/0\", {\"spec.domain\": null}"),
        "NetworkSegment never has the field spec.domain"
    );
    let (message, ..) =
        refused("deny contains \"x\" if assize.circle(data.self, \"spec.nobody\") == data.self");
    assert_eq!(message, "no kind has the reference field spec.nobody");
}

#[test]
fn circles_and_what_is_reached_along_a_field() {
    let team = |name: &str, parent: &str| {
        format!(
            "apiVersion: assize.dev/v1\nkind: Team\nmetadata: {{name: {name}}}\nspec: {{type: team, parent: {parent}}}\n"
        )
    };
    let teams = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "d"), ("e", "a"), ("f", "nobody")];
    let teams: Vec<String> = teams.iter().map(|(name, parent)| team(name, parent)).collect();
    let scene = |text: &str| {
        Scene::new()
            .with("estate/teams.yaml", &teams.join("---\n"))
            .with("policies/tested.yaml", &rule("tested", text).replace("[AccessGrant]", "[Team]"))
    };
    let text = "deny contains sprintf(\"%s: %s, %v, %v\", [data.self, first, near, far]) if {
  first := assize.circle(data.self, \"spec.parent\")
  near := [id | some id in assize.reached(data.self, \"spec.parent\", 1)]
  far := count(assize.reached(data.self, \"spec.parent\", 64))
}";
    let report = report(&scene(text));
    assert_eq!(
        messages(&report, "findings"),
        [
            r#"Team/a: Team/a, ["Team/a", "Team/b"], 3"#,
            r#"Team/b: Team/b, ["Team/b", "Team/c"], 2"#,
            r#"Team/c: Team/b, ["Team/b", "Team/c"], 2"#,
            r#"Team/d: Team/d, ["Team/d"], 1"#,
            r#"Team/e: Team/e, ["Team/a", "Team/e"], 4"#,
            r#"Team/f: Team/f, ["Team/f"], 1"#,
        ]
    );
    // Of nothing, nothing; more steps than are followed end the evaluation.
    let text = "deny contains \"found\" if assize.circle(\"Team/gone\", \"spec.parent\")
deny contains \"reached\" if count(assize.reached(\"Team/gone\", \"spec.parent\", 2)) > 0";
    assert_eq!(messages(&self::report(&scene(text)), "findings"), Vec::<String>::new());
    let text = "deny contains \"far\" if count(assize.reached(data.self, \"spec.parent\", 65)) > 0";
    let problems = messages(&self::report(&scene(text)), "problems");
    assert!(
        !problems.is_empty() && problems.iter().all(|it| it.contains("bounded to 64 steps")),
        "{problems:?}"
    );
}
