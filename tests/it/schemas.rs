//! The published schemas say what the program does: of rules, of assize.yaml, of the output.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use assize::estate::KindLibrary;
use assize::load::Root;
use assize::policy::{
    Config, PolicySource, Selection, build, builtin_policies, builtin_schema, parse_config,
};
use assize::run::load_policies;
use assize::yaml::{Limits, parse};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::scene::Scene;

fn schema(name: &str) -> Value {
    serde_json::from_str(builtin_schema(name).unwrap()).unwrap()
}

/// What a validator says about a document; nothing if it fits.
fn complaints(validator: &jsonschema::Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|error| format!("{} {error}", error.instance_path())).collect()
}

fn documents(text: &str) -> Vec<Value> {
    let (tape, problems) = parse(text.as_bytes().to_vec(), &"f.yaml".into(), &Limits::default());
    assert_eq!(problems, []);
    tape.documents.iter().map(|document| tape.root(document).to_value()).collect()
}

/// The document with something else at a pointer; without a value, nothing is left there.
fn edited(document: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut document = document.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    drop(match value {
        Some(value) => parent.insert(key.replace("~1", "/"), value),
        None => parent.remove(key),
    });
    document
}

#[test]
fn every_schema_is_one() {
    for name in ["Rule", "assize", "output", "report", "coverage", "baseline", "period", "blame", "approvals"]
    {
        let schema = schema(name);
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        described(&schema, name);
    }
}

/// Each property is described, for an editor's hover.
fn described(schema: &Value, place: &str) {
    let Value::Object(object) = schema else { return };
    for (key, value) in object {
        let place = format!("{place}/{key}");
        match value {
            Value::Object(members) if key == "properties" || key == "$defs" => {
                for (name, member) in members {
                    // A condition repeats a property that is described where it is declared.
                    let is_condition = ["/if/", "/then/", "/anyOf/"].iter().any(|part| place.contains(part));
                    let is_told = member.get("description").is_some() || member.get("$ref").is_some();
                    assert!(is_told || is_condition, "{place}/{name} has no description");
                    described(member, &format!("{place}/{name}"));
                }
            }
            Value::Object(_) => described(value, &place),
            Value::Array(list) => list.iter().for_each(|value| described(value, &place)),
            _ => {}
        }
    }
}

#[test]
fn the_built_in_policies_fit_their_schemas() {
    let kinds = kinds();
    let rule = jsonschema::validator_for(&schema("Rule")).unwrap();
    let framework = kinds.get(&assize::estate::KindName::parse("Framework")).unwrap();
    let framework = jsonschema::validator_for(framework.schema()).unwrap();
    let mut seen = 0;
    let is_rego = |path: &str| Path::new(path).extension().is_some_and(|extension| extension == "rego");
    for file in builtin_policies().iter().filter(|file| !is_rego(file.path)) {
        let path = file.path;
        for document in documents(file.text) {
            let validator = if document["kind"] == "Rule" { &rule } else { &framework };
            assert_eq!(complaints(validator, &document), Vec::<String>::new(), "{path}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

fn kinds() -> KindLibrary {
    let scene = Scene::new();
    load_policies(&Root::discover(&scene.folder).unwrap(), &Selection::default(), 1).unwrap().kinds
}

/// What the loader says about a rule.
fn refusals(rule: &Value, kinds: &KindLibrary) -> Vec<String> {
    let framework = json!({"apiVersion": "assize.dev/v1", "kind": "Framework", "metadata": {"name": "house"},
        "spec": {"authority": "us", "version": "1", "requirements": [{"id": "1:a", "title": "t"}]}});
    let source = |document: &Value, file: &str| {
        let (tape, problems) = parse(document.to_string().into_bytes(), &file.into(), &Limits::default());
        assert_eq!(problems, []);
        PolicySource {
            file: file.into(),
            tape: Arc::new(tape),
            is_builtin: false,
            rego: None,
            framework: None,
        }
    };
    let sources = [source(&framework, "framework.yaml"), source(rule, "rule.yaml")];
    let (set, problems) = build(&sources, &Config::default(), &Selection::default(), kinds, &|_| true);
    let mut said: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
    // Beside the rules that are part of the engine there is the one of the case.
    if set.rules.len() < 4 {
        said.push("the document is taken for no rule".to_owned());
    }
    said
}

fn base() -> Value {
    json!({
        "apiVersion": "assize.dev/v1",
        "kind": "Rule",
        "metadata": {"name": "no-owner"},
        "spec": {
            "severity": "high",
            "rationale": "why",
            "remediation": "how",
            "params": {"n": 3, "words": ["a"], "part": {"minLength": 1}},
            "match": {"kinds": ["Application"]},
            "at": "spec",
            "schema": {"required": ["owner"]},
            "examples": [{
                "name": "one",
                "resource": {"apiVersion": "assize.dev/v1", "kind": "Application", "metadata": {"name": "a"}},
                "expect": [{"path": "spec.owner"}],
            }],
        },
    })
}

/// A schema that names no field, so that only its form can be wrong.
fn body(keyword: &str, value: &Value) -> Value {
    json!({"x-has": {"owner": {keyword: value}}})
}

#[test]
fn schema_and_loader_agree_on_rules() {
    let kinds = kinds();
    let validator = jsonschema::validator_for(&schema("Rule")).unwrap();
    let mut differences = Vec::new();
    let mut check = |pointer: &str, value: Option<Value>, fits: bool| {
        let rule = edited(&base(), pointer, value.clone());
        let (complaints, refusals) = (complaints(&validator, &rule), refusals(&rule, &kinds));
        if (complaints.is_empty(), refusals.is_empty()) != (fits, fits) {
            let shown = value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
            differences.push(format!("{shown} at {pointer}: schema {complaints:?}, loader {refusals:?}"));
        }
    };
    let word = || json!({"owner": "a"});
    let good = [
        ("/metadata/title", json!("t")),
        ("/metadata/description", json!("d")),
        ("/metadata/namespace", Value::Null),
        ("/metadata/labels", json!({"team": "x"})),
        ("/metadata/annotations", json!({"x": "y"})),
        ("/spec/severity", json!("info")),
        ("/spec/requirements", json!(["house:1:a"])),
        ("/spec/related", json!(["soc2:CC6.1"])),
        ("/spec/roles", json!([])),
        ("/spec/roles", json!(["merchant", "ai-provider"])),
        ("/spec/formerly", json!(["older"])),
        ("/spec/sensitive", json!(true)),
        ("/spec/params", json!({})),
        ("/spec/params", Value::Null),
        ("/spec/match", json!([{"kinds": ["Application"]}, {"kinds": ["Service"]}])),
        ("/spec/match/kinds", json!(["*"])),
        ("/spec/match/kinds", json!(["apps/Deployment", "*/Deployment", "core/*"])),
        ("/spec/match/namespaces", json!(["prod-*"])),
        ("/spec/match/paths", json!(["estate/**"])),
        ("/spec/match/labels", json!({"tier": "a", "zone": ["x", "y"]})),
        ("/spec/match/where", Value::Null),
        ("/spec/match/where", json!({"x-has": word()})),
        ("/spec/schema", json!(true)),
        ("/spec/schema", json!({"x-has": {"owner": ["a", 1, true]}})),
        ("/spec/schema", json!({"x-has": {"owner": {"$param": "words"}}})),
        ("/spec/schema", json!({"x-has": {"owner": {"$param": "part"}}})),
        ("/spec/schema", json!({"not": {"x-has": {"owner": {}}}})),
        ("/spec/schema", json!({"$defs": {"d": true}, "$ref": "#/$defs/d"})),
        ("/spec/examples", json!([])),
    ];
    for (pointer, value) in good {
        check(pointer, Some(value), true);
    }
    for pointer in ["/spec/params", "/spec/examples", "/spec/match/where"] {
        check(pointer, None, true);
    }
    for pointer in [
        "/apiVersion",
        "/kind",
        "/metadata",
        "/metadata/name",
        "/spec",
        "/spec/severity",
        "/spec/rationale",
        "/spec/remediation",
        "/spec/match",
        "/spec/match/kinds",
    ] {
        check(pointer, None, false);
    }
    let broken = [
        ("/apiVersion", json!("assize.dev/v2")),
        ("/apiVersion", json!("v1")),
        ("/kind", json!("rule")),
        ("/extra", json!(1)),
        ("/metadata/name", json!("NoOwner")),
        ("/metadata/name", json!("no--owner")),
        ("/metadata/name", json!("")),
        ("/metadata/name", json!(5)),
        ("/metadata/tilte", json!("t")),
        ("/metadata/title", Value::Null),
        ("/metadata/labels", json!({"n": 1})),
        ("/spec/severty", json!("low")),
        ("/spec/severity", json!("severe")),
        ("/spec/severity", json!("High")),
        ("/spec/severity", Value::Null),
        ("/spec/rationale", json!(["why"])),
        ("/spec/remediation", json!(1)),
        ("/spec/requirements", json!("house:1:a")),
        ("/spec/requirements", json!(["house"])),
        ("/spec/requirements", json!([":1"])),
        ("/spec/requirements", json!(["house:"])),
        ("/spec/related", json!(["other"])),
        ("/spec/roles", json!("merchant")),
        ("/spec/roles", json!([1])),
        ("/spec/formerly", json!("older")),
        ("/spec/sensitive", json!("yes")),
        ("/spec/params", json!([1])),
        ("/spec/at", json!("")),
        ("/spec/at", json!("spec..a")),
        ("/spec/at", json!("spec.")),
        ("/spec/at", json!("/spec")),
        ("/spec/at", json!("spec.ports[0]")),
        ("/spec/at", json!(["spec"])),
        ("/spec/match", json!([])),
        ("/spec/match", json!("Application")),
        ("/spec/match", json!({"kind": ["Application"]})),
        ("/spec/match/kinds", json!([])),
        ("/spec/match/kinds", json!("Application")),
        ("/spec/match/kinds", json!(["App*"])),
        ("/spec/match/kinds", json!(["a b"])),
        ("/spec/match/kinds", json!(["/x"])),
        ("/spec/match/kinds", json!(["a/b/C"])),
        ("/spec/match/kinds", json!([""])),
        ("/spec/match/namespaces", json!("prod")),
        ("/spec/match/labels", json!({"tier": 1})),
        ("/spec/match/labels", json!({"tier": ["a", 1]})),
        ("/spec/match/where", json!("x")),
        ("/spec/match/where", json!({"x-hass": word()})),
        ("/spec/schema", Value::Null),
        ("/spec/schema", json!([])),
        ("/spec/schema", json!({"reqiured": ["owner"]})),
        ("/spec/schema", json!({"x-has": {}})),
        ("/spec/schema", json!({"x-has": ["owner"]})),
        ("/spec/schema", json!({"x-has": {"owner": null}})),
        ("/spec/schema", json!({"x-has": {"owner": []}})),
        ("/spec/schema", json!({"x-has": {"owner": [null]}})),
        ("/spec/schema", json!({"x-has": {"owner": [[1]]}})),
        ("/spec/schema", json!({"x-has": {"owner.": {}}})),
        ("/spec/schema", json!({"x-has": {"a/b": {}}})),
        ("/spec/schema", json!({"x-has": {"a[0]": {}}})),
        ("/spec/schema", json!({"$ref": "https://example.org/schema"})),
        ("/spec/schema", json!({"allOf": []})),
        ("/spec/schema", json!({"anyOf": {"type": "object"}})),
        ("/spec/schema", json!({"oneOf": [1]})),
        ("/spec/schema", json!({"properties": ["owner"]})),
        ("/spec/schema", json!({"properties": {"owner": 1}})),
        ("/spec/schema", json!({"required": "owner"})),
        ("/spec/schema", json!({"required": ["owner", "owner"]})),
        ("/spec/schema", json!({"x-has": {"owner": {"$param": "words", "description": "d"}}})),
        ("/spec/schema", json!({"x-has": {"owner": {"$param": 1}}})),
        ("/spec/examples", json!({})),
        ("/spec/examples", Value::Null),
        ("/spec/examples", json!([{"name": "n", "expect": []}])),
        ("/spec/examples", json!([{"name": "n", "resource": {}}])),
        ("/spec/examples", json!([{"resource": {}, "expect": []}])),
        ("/spec/examples", json!([{"name": "n", "resource": {}, "expect": {}}])),
        ("/spec/examples", json!([{"name": "n", "resource": {}, "expect": ["spec"]}])),
        ("/spec/examples", json!([{"name": "n", "resource": {}, "expect": [{"message": "m"}]}])),
        ("/spec/examples", json!([{"name": "n", "resource": {}, "expect": [], "note": "x"}])),
        ("/spec/examples", json!([{"name": "n", "resource": "text", "expect": []}])),
    ];
    for (pointer, value) in broken {
        check(pointer, Some(value), false);
    }
    // For each keyword a value that it may have, and one that it may not.
    let part = || json!({"type": "string"});
    let keywords = [
        ("title", json!("t"), json!(1)),
        ("description", json!("t"), json!(1)),
        ("$comment", json!("t"), json!(1)),
        ("$defs", json!({"d": true}), json!([])),
        ("type", json!(["string", "null"]), json!("text")),
        ("type", json!("string"), json!([])),
        ("const", json!({"a": [1]}), json!({"$param": "absent"})),
        ("enum", json!([1, "a"]), json!("a")),
        ("allOf", json!([part()]), json!([])),
        ("anyOf", json!([part()]), json!({})),
        ("oneOf", json!([part()]), json!([null])),
        ("prefixItems", json!([part()]), json!(part())),
        ("not", part(), json!(["a"])),
        ("if", part(), json!("a")),
        ("then", part(), json!(1)),
        ("else", part(), Value::Null),
        ("items", part(), json!([part()])),
        ("contains", part(), json!([part()])),
        ("additionalProperties", json!(false), json!("no")),
        ("propertyNames", part(), json!(1)),
        ("patternProperties", json!({"^a": part()}), json!({"^a": 1})),
        ("dependentRequired", json!({}), json!([])),
        ("minProperties", json!(1), json!(-1)),
        ("maxProperties", json!(1), json!("1")),
        ("minItems", json!({"$param": "n"}), json!({"$param": "words"})),
        ("maxItems", json!(1), json!(1.5)),
        ("minContains", json!(0), json!(-1)),
        ("maxContains", json!(0), json!(true)),
        ("minLength", json!(1), json!(-1)),
        ("maxLength", json!(1), Value::Null),
        ("uniqueItems", json!(true), json!("yes")),
        ("minimum", json!(-1.5), json!("1")),
        ("maximum", json!(1), json!(true)),
        ("exclusiveMinimum", json!(1), json!([1])),
        ("exclusiveMaximum", json!(1), json!("x")),
        ("multipleOf", json!(0.5), json!(0)),
        ("pattern", json!("^a"), json!(1)),
    ];
    for (keyword, right, wrong) in keywords {
        check("/spec/schema", Some(body(keyword, &right)), true);
        let is_parameter = wrong.get("$param").is_some();
        if !is_parameter {
            check("/spec/schema", Some(body(keyword, &wrong)), false);
        }
    }
    assert_eq!(differences, Vec::<String>::new());
}

#[test]
fn some_things_only_the_loader_can_know() {
    let kinds = kinds();
    let validator = jsonschema::validator_for(&schema("Rule")).unwrap();
    let example = || base()["spec"]["examples"][0].clone();
    let cases = [
        (
            "/spec/match/kinds",
            json!(["Aplication"]),
            "rule no-owner: no schema describes the kind Aplication",
        ),
        (
            "/spec/schema",
            json!({"required": ["ownr"]}),
            "rule no-owner: no matched kind has the field spec.ownr",
        ),
        ("/spec/at", json!("spce"), "rule no-owner: no matched kind has the field spce"),
        (
            "/spec/schema",
            json!({"x-has": {"owner": {"$param": "m"}}}),
            "rule no-owner: the rule declares no parameter \"m\"",
        ),
        ("/spec/match/paths", json!(["["]), "is no glob: unclosed character class; missing ']'"),
        ("/spec/requirements", json!(["house:2"]), "rule no-owner: house has no requirement 2"),
        ("/spec/requirements", json!(["hipaa:2"]), "rule no-owner: no framework is called hipaa"),
        ("/spec/examples", json!([example(), example()]), "two examples are called \"one\""),
        (
            "/spec/schema",
            body("pattern", &json!("(?=a)")),
            "rule no-owner: is no regular expression of linear time (no look-around, no back-references)",
        ),
    ];
    for (pointer, value, expected) in cases {
        let rule = edited(&base(), pointer, Some(value));
        assert_eq!(complaints(&validator, &rule), Vec::<String>::new(), "{pointer}");
        assert_eq!(refusals(&rule, &kinds).first().map(String::as_str), Some(expected), "{pointer}");
    }
}

/// Each keyword that the schema of rules offers is one that the loader knows.
#[test]
fn the_schema_of_rules_offers_no_keyword_too_many() {
    let schema = schema("Rule");
    let keywords = schema.pointer("/$defs/schema/else/properties").unwrap().as_object().unwrap();
    assert!(keywords.len() > 30);
    for keyword in keywords.keys() {
        let said = assize::schema::check_vocabulary(&json!({keyword: true})).err().map(|error| error.message);
        assert!(!said.unwrap_or_default().contains("unknown keyword"), "{keyword}");
    }
}

#[test]
fn schema_and_loader_agree_on_configurations() {
    let validator = jsonschema::validator_for(&schema("assize")).unwrap();
    let mut differences = Vec::new();
    let mut check = |text: &str, fits: bool| {
        let document = documents(text).into_iter().next().unwrap_or_default();
        let complaints = complaints(&validator, &document);
        let refusals: Vec<String> = match parse_config(text.into(), &"assize.yaml".into()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|problem| problem.message).collect(),
        };
        if (complaints.is_empty(), refusals.is_empty()) != (fits, fits) {
            differences.push(format!("{text}: schema {complaints:?}, loader {refusals:?}"));
        }
    };
    check(include_str!("../../examples/clinic/assize.yaml"), true);
    for good in [
        "{}",
        "{frameworks: [], estate: ['estate/**'], exclude: ['**/old/*'], policies: ['rules/*.yaml'], schemas: [kinds]}",
        "{frameworks: , estate: , policies: , schemas: , fail_on: }",
        "{documents: [{path: '*.yml', kind: GithubWorkflow}, {path: a, kind: apps/Deployment, yaml: '1.1'}, {path: b, yaml: '1.2'}]}",
        "{rules: {a: {severity: low, enabled: true, params: {n: 1, m: [x]}}, b: {enabled: false, reason: no use}, c: {}}}",
        "{rules: {a: {severity: , enabled: , reason: }}}",
        "{fail_on: critical}",
        "{max: {high: 3, medium: 20, info: 0, low: }, baseline: ci/baseline.yaml}",
        "{max: , baseline: }",
    ] {
        check(&good.replacen('{', "{version: 1, ", 1), true);
    }
    for broken in [
        "{framework: [gdpr]}",
        "{frameworks: gdpr}",
        "{frameworks: [1]}",
        "{frameworks: {gdpr: true}}",
        "{estate: 'estate/**'}",
        "{estate: [{path: x}]}",
        "{exclude: }",
        "{exclude: x}",
        "{policies: x}",
        "{schemas: x}",
        "{documents: }",
        "{documents: {path: x, kind: K}}",
        "{documents: [{kind: K}]}",
        "{documents: [{path: x}]}",
        "{documents: [{path: x, kind: }]}",
        "{documents: [{path: x, kind: K, glob: y}]}",
        "{documents: [{path: x, kind: ''}]}",
        "{documents: [{path: x, kind: '*'}]}",
        "{documents: [{path: x, kind: 'apps/*'}]}",
        "{documents: [{path: x, kind: 'a b'}]}",
        "{documents: [{path: x, yaml: '1.3'}]}",
        "{documents: [{path: x, yaml: 1.3}]}",
        "{waivers: {approvers: anna}}",
        "{waivers: {max_age: a year}}",
        "{waivers: {max_resources: -1}}",
        "{waivers: {unknown: 1}}",
        "{rules: }",
        "{rules: [a]}",
        "{rules: {a: }}",
        "{rules: {a: off}}",
        "{rules: {a: {severity: none}}}",
        "{rules: {a: {enabled: 'no', reason: x}}}",
        "{rules: {a: {enabled: false}}}",
        "{rules: {a: {enabled: false, reason: }}}",
        "{rules: {a: {enabled: false, reason: ' '}}}",
        "{rules: {a: {parms: {}}}}",
        "{rules: {a: {params: }}}",
        "{fail_on: never}",
        "{max: 3}",
        "{max: {high: -1}}",
        "{max: {high: many}}",
        "{max: {hihg: 1}}",
        "{baseline: [a.yaml]}",
        "{baseline: ''}",
        "{baseline: /a.yaml}",
        "{baseline: a//b.yaml}",
        "{baseline: 'a\\b.yaml'}",
        "{fail_on: High}",
        "{fail_on: 1}",
        "{failOn: low}",
    ] {
        check(&broken.replacen('{', "{version: 1, ", 1), false);
    }
    for broken in ["{}", "{version: 2}", "{version: '1'}", "{version: }", "[version]", "version", ""] {
        check(broken, false);
    }
    assert_eq!(differences, Vec::<String>::new());
}

/// Runs of every sort: findings, problems of each shape, a selection, things not evaluated, nothing at all.
fn scenes() -> Vec<(Scene, Vec<&'static str>)> {
    let store = "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata: {name: a}\nspec: {type: database, classification: [confidential]}\n";
    let many = Scene::new()
        .with("assize.yaml", "version: 1\nrules: {weak-algorithm: {enabled: false, reason: no use}}\n")
        .with("a.yaml", store)
        .with("b.yaml", store)
        .with("broken.yaml", "a: [\n")
        .with("twice.yaml", "apiVersion: assize.dev/v1\nkind: Person\nkind: Person\n")
        .with("other.yaml", "just: data\n")
        .with("kind.yaml", "{apiVersion: assize.dev/v1, kind: Persn, metadata: {name: p}}")
        .with("merged.yaml", "x: &x {on: 010}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: &y 010, b: *y}\n")
        .with("chart/Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}")
        .with("chart/templates/t.yaml", "{{ x }}")
        .with("policies/house.yaml", "{apiVersion: assize.dev/v1, kind: Rule, metadata: {name: bad}, spec: {}}");
    let held = Scene::new().with_clinic();
    assert_eq!(held.run(&["baseline", "-o", "baseline.yaml", "--as-of", crate::scene::DAY]).code, 0);
    let stores = held.read("estate/data/stores.yaml");
    held.write("estate/data/stores.yaml", &stores.replacen("enabled: false", "enabled: true", 1));
    vec![
        (held, vec!["--baseline", "baseline.yaml", "--max", "high=3", "--owner", "web-shop"]),
        (Scene::new().with_clinic(), vec![]),
        (Scene::new().with_clinic(), vec!["--framework", "hipaa", "--fail-on", "never"]),
        (Scene::new().with_clinic(), vec!["--kind", "Person", "--rule", "no-such-rule"]),
        (many, vec![]),
        (Scene::new().with("data.txt", "x"), vec![]),
        (Scene::new(), vec!["--allow-empty"]),
    ]
}

#[test]
fn the_output_fits_its_schema_and_both_formats_say_the_same() {
    let schema = schema("output");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = String::new();
    for (scene, arguments) in scenes() {
        let report = scene.report(&arguments);
        assert_eq!(complaints(&validator, &report), Vec::<String>::new());
        let lines =
            scene.run(&[&["check", "-o", "jsonl", "--as-of", crate::scene::DAY], &*arguments].concat());
        assert_eq!(assembled(&lines.stdout, &schema), report);
        seen.push_str(&report.to_string());
    }
    // Whatever the schema leaves open has occurred, so that it was tested.
    for part in [
        r#""related":{"label""#,
        r#""config":null"#,
        r#""failOn":null"#,
        r#""location":null"#,
        r#""reason":"Helm template""#,
        r#""reason":"turned off in assize.yaml: no use""#,
        r#""errors":1"#,
        r#""status":"baselined""#,
        r#""reason":"finding-gone""#,
        r#""budgets":[{"max":3,"open":"#,
        r#""owners":["web-shop"]"#,
    ] {
        assert!(seen.contains(part), "{part}");
    }
}

/// Puts the lines of jsonl together as the json format does, and holds each to its definition.
fn assembled(lines: &str, schema: &Value) -> Value {
    let mut report = Map::new();
    for list in ["findings", "problems", "rules", "notSelected", "notEvaluated", "waivers"] {
        report.insert(list.to_owned(), json!([]));
    }
    let mut order = Vec::new();
    for line in lines.lines() {
        let mut line: Map<String, Value> = serde_json::from_str(line).unwrap();
        let sort = line.remove("type").unwrap().as_str().unwrap().to_owned();
        let list = match sort.as_str() {
            "run" | "summary" => {
                report.extend(line);
                order.push(sort);
                continue;
            }
            "baseline" => {
                let definition = json!({"$ref": "#/$defs/baseline", "$defs": schema["$defs"]});
                let validator = jsonschema::validator_for(&definition).unwrap();
                let line = Value::Object(line);
                assert_eq!(complaints(&validator, &line), Vec::<String>::new());
                report.insert(sort.clone(), line);
                order.push(sort);
                continue;
            }
            "finding" | "problem" | "rule" | "waiver" => format!("{sort}s"),
            other => other.to_owned(),
        };
        let line = Value::Object(line);
        let mut definition = schema.pointer(&format!("/$defs/{sort}")).unwrap().clone();
        let definitions = schema.get("$defs").unwrap().clone();
        definition.as_object_mut().unwrap().insert("$defs".to_owned(), definitions);
        let validator = jsonschema::validator_for(&definition).unwrap();
        assert_eq!(complaints(&validator, &line), Vec::<String>::new(), "{sort}");
        report.get_mut(&list).unwrap().as_array_mut().unwrap().push(line);
        order.push(sort);
    }
    order.dedup();
    assert_eq!(order.first().map(String::as_str), Some("run"));
    assert_eq!(order.last().map(String::as_str), Some("summary"));
    Value::Object(report)
}
