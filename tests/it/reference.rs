//! The reference pages in schemas/, generated from what the program itself says. A page that is stale fails; to write
//! them anew: `ASSIZE_WRITE_REFERENCE=1 cargo test --test it reference`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test reads files and the environment, and may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use assize::exit::Exit;
use assize::policy::{Packed, Selection, builtin_schema, pack};
use assize::problem::Code;
use assize::run::load_policies;
use assize::schema::substitute;
use assize::yaml::{Limits, NodeRef, Tape, parse};
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::vocabulary::{builtin_kinds, outcome};

const WORDS: &str = include_str!("../fixtures/vocabulary.reference.yaml");

/// Compares a page with what it should be, or writes it.
#[track_caller]
pub(crate) fn check_page(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var("ASSIZE_WRITE_REFERENCE").is_ok() {
        fs::write(&file, expected).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is stale: run `ASSIZE_WRITE_REFERENCE=1 cargo test --test it reference` and read the difference"
    );
}

fn read(text: &str) -> Tape {
    let (tape, problems) = parse(text.into(), &"words.yaml".into(), &Limits::default());
    assert_eq!(problems, []);
    tape
}

/// A value as it is written, without the indentation of its place.
fn written(node: NodeRef<'_>) -> String {
    let source = node.tape().source();
    let span = node.span();
    let (start, end) = (span.start as usize, span.end as usize);
    let line = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent = start - line;
    let text: Vec<String> = format!("{}{}", " ".repeat(indent), source[start..end].trim_end())
        .lines()
        .map(|line| line.get(indent..).unwrap_or(line.trim_start()).to_owned())
        .collect();
    text.join("\n")
}

/// Text within a cell of a table.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The schema of rules: its definitions.
fn definitions() -> Value {
    let schema: Value = serde_json::from_str(builtin_schema("Rule").unwrap()).unwrap();
    schema["$defs"].clone()
}

/// What an operand takes, in a few words.
fn sort(schema: &Value, definitions: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/")) {
        return match name {
            "moment" | "span" | "operand" | "place" => format!("[{name}](#{name}s)"),
            "schema" => "a schema".to_owned(),
            "kinds" => "a list of kinds".to_owned(),
            "kindName" => "a kind".to_owned(),
            "fieldPath" => "a field as in `decisions[].grant`".to_owned(),
            _ => definitions[name]["description"].as_str().unwrap().to_owned(),
        };
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        let forms = forms.iter().filter(|form| form["$ref"] != "#/$defs/parameter");
        return forms.map(|form| sort(form, definitions)).collect::<Vec<_>>().join(" or ");
    }
    match schema["type"].as_str() {
        Some("integer") => "a whole number".to_owned(),
        Some("array") => {
            format!("a list of such: {}", sort(&schema["items"], definitions))
        }
        Some("string") => "a path".to_owned(),
        other => panic!("{other:?} has no words: {schema}"),
    }
}

/// The members of a keyword that is a mapping.
fn operands(keyword: &Value) -> Option<&serde_json::Map<String, Value>> {
    let form = keyword["anyOf"]
        .as_array()
        .and_then(|forms| forms.iter().find(|form| form["properties"].is_object()));
    form.unwrap_or(keyword)["properties"].as_object()
}

fn keyword_section(words: NodeRef<'_>, definitions: &Value, kinds: &assize::estate::KindLibrary) -> String {
    let word =
        |key: &str| words.get(key).unwrap_or_else(|| panic!("{key} is missing")).text().trim().to_owned();
    let name = word("keyword");
    let schema = &definitions["schema"]["else"]["properties"][&name];
    let mut text = format!(
        "### {name}\n\nStands on {}. True if {}.\n\n{}\n",
        word("stands"),
        word("holds"),
        word("operands")
    );
    if let Some(members) = operands(schema) {
        text.push_str("\n| operand | takes | |\n| --- | --- | --- |\n");
        for (member, takes) in members {
            let about = takes["description"].as_str().unwrap_or_default();
            writeln!(text, "| `{member}` | {} | {} |", cell(&sort(takes, definitions)), cell(about)).unwrap();
        }
    }
    write!(
        text,
        "\n- **Missing:** {}\n- **Another type:** {}\n- **Points to** {}.\n\n```yaml\n{}\n```\n",
        word("missing"),
        word("wrong"),
        word("points"),
        written(words.get("schema").unwrap()),
    )
    .unwrap();
    if let Some(others) = words.get("others") {
        write!(text, "\nwith\n\n```yaml\n{}\n```\n", written(others)).unwrap();
    }
    text.push_str("\n| document | comes to |\n| --- | --- |\n");
    let mut seen = BTreeSet::new();
    for document in words.get("documents").unwrap().elements() {
        let mut case = json!({"schema": words.get("schema").unwrap().to_value()});
        match document.get("metadata") {
            Some(metadata) => case["metadata"] = metadata.to_value(),
            None => case["spec"] = document.to_value(),
        }
        if let Some(others) = words.get("others") {
            case["others"] = others.to_value();
        }
        let tape = read(&case.to_string());
        let (verdict, messages) = outcome(tape.root(&tape.documents[0]), kinds);
        seen.insert(verdict);
        let comes_to = if messages.is_empty() {
            format!("{verdict}{}", if verdict == "pass" { "es" } else { "" })
        } else {
            messages.join("; ")
        };
        writeln!(text, "| `{}` | {} |", cell(&written(document)), cell(&comes_to)).unwrap();
    }
    assert!(seen.contains("pass") && seen.contains("fail"), "{name}: an example of each");
    text
}

#[test]
fn the_page_of_the_vocabulary() {
    let kinds = builtin_kinds();
    let definitions = definitions();
    let tape = read(WORDS);
    let words: Vec<_> = tape.root(&tape.documents[0]).elements().collect();
    let keywords = definitions["schema"]["else"]["properties"].as_object().unwrap();
    let told: BTreeSet<&str> = words.iter().map(|word| word.get("keyword").unwrap().text()).collect();
    let own: BTreeSet<&str> =
        keywords.keys().map(String::as_str).filter(|name| name.starts_with("x-")).collect();
    assert_eq!(told, own, "each keyword of ours has its words");

    let mut text =
        "<!-- Generated; do not edit. ASSIZE_WRITE_REFERENCE=1 cargo test --test it reference -->\n\n"
            .to_owned();
    text.push_str(
        "# The vocabulary of rules

`schema`, `where` and `must` of a rule are JSON Schema 2020-12 with eight keywords of ours. Each keyword is a predicate on the
value where it stands: true or false, so that `if`, `not`, `anyOf`, `items` and `contains` combine it like any other. The
vocabulary is closed: a keyword that this page does not list keeps the rule from loading. `vocabulary.schema.json` is the
meta-schema, `Rule.schema.json` the schema of the whole document.

What holds for all of them:

- **Absent asserts nothing.** A keyword applies to a value that is there; `required` and `x-has` demand it.
- **A wrong type fails.** Where a rule asserts, standard keywords demand their type as well (`pattern` a text, `minimum` a
  number, `items` a list, `properties` a mapping); in conditions (`where`, `if`, `not`, `contains`, `anyOf`, `oneOf`) they
  ignore other types, as JSON Schema says.
- **A missing operand asserts nothing, a malformed one fails.**
- **The benefit of the doubt.** Dates and durations of different grain fail only when they are certainly apart.
- **Undecided is not passed.** A reference that names nothing keeps the answer open.

A rule reads one document unless it uses `x-ref`, `x-referrers`, `x-unique` or `x-value: {equals: {field: …}}`.

`at:` says where `where`, `schema` and every `must` begin; without it they begin at the root. `{$param: name}` is replaced by
the value of a parameter when the rule is loaded, wherever it stands.

## Keywords of ours

Each example was run to write this page, as of 2026-11-20, with `at: spec`; a document is the `spec` of a resource `Thing/t`.
",
    );
    for word in words {
        text.push('\n');
        text.push_str(&keyword_section(word, &definitions, &kinds));
    }
    text.push_str(
        "
## Operands

### Places

`a.b` begins where the rule begins, `./b` beside the value, `/metadata/labels/a~1b` is a JSON Pointer from the root. A place
names one value and does not go through lists. `{field: place}` looks in this document, `{outer: place}` in the document
around a `must`.

### Moments

`now` (the as-of clock), a date or a datetime, or a mapping with one of `now: true`, `field` and `outer`, and `plus` or
`minus` a span.

### Spans

An ISO 8601 duration of whole numbers (`P90D`, `PT4H`), `{field: place}` or `{outer: place}`, either with `times: n`, or an
entry of a parameter.

### Operands of x-value

A text, a number, `true` or `false`, `{field: place}`, `{outer: place}`, or an entry of a parameter.

### Entries of parameters

`{$param: name, by: place}`: the parameter is a mapping; its key is the value at the place, else `default`. A key without an
entry is a missing operand.

## Keywords of JSON Schema

| keyword | |
| --- | --- |
",
    );
    for (name, schema) in keywords.iter().filter(|(name, _)| !name.starts_with("x-")) {
        writeln!(text, "| `{name}` | {} |", cell(schema["description"].as_str().unwrap())).unwrap();
    }
    text.push_str("\n`format`, `$dynamicRef`, `unevaluatedItems`, `unevaluatedProperties` and any `$ref` but `#/$defs/<name>` are left out.\n");
    let text = text.replace("(#operands)", "(#operands-of-x-value)");
    check_page("schemas/VOCABULARY.md", &text);
}

#[test]
fn the_page_of_the_command_line() {
    let mut text = "<!-- Generated; do not edit. ASSIZE_WRITE_REFERENCE=1 cargo test --test it reference -->\n\n# Reference\n\n## Exit codes\n\nThe highest wins, whatever the output format.\n\n| code | means |\n| --- | --- |\n".to_owned();
    for exit in Exit::ALL {
        writeln!(text, "| {} | {} |", exit as u8, exit.meaning()).unwrap();
    }
    text.push_str("\n## Problem codes\n\nA problem is something that could not be checked; with one, the exit code is 2.\n\n| code | what happened | remedy |\n| --- | --- | --- |\n");
    for code in Code::ALL {
        writeln!(text, "| `{code}` | {} | {} |", cell(code.summary()), cell(code.remedy())).unwrap();
    }
    text.push_str("\n## Commands and flags\n\nA flag with `[env: NAME=]` can be given as that variable.\n");
    let scene = Scene::new();
    let help = |arguments: &[&str]| {
        let outcome = scene.run(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}");
        let lines = outcome.stdout.lines().map(|line| format!("{}\n", line.trim_end()));
        lines.collect::<String>().trim_end().to_owned()
    };
    let main = help(&["--help"]);
    let commands =
        main.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A description that goes over several lines is indented further than the names.
    let commands = commands.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let commands: Vec<&str> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(commands.contains(&"check") && commands.len() > 6, "{commands:?}");
    write!(text, "\n```text\n{main}\n```\n").unwrap();
    for command in commands {
        write!(text, "\n### assize {command}\n\n```text\n{}\n```\n", help(&[command, "--help"])).unwrap();
    }
    check_page("schemas/REFERENCE.md", &text);
}

/// A schema with its parameters put in, but for tables.
fn all_schemas() -> Vec<(String, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let root = assize::load::Root::discover(folder.path()).unwrap();
    let policies = load_policies(&root, &Selection::default(), 1).unwrap();
    let mut schemas = Vec::new();
    for rule in &policies.rules.rules {
        let conditions = rule.matches.iter().filter_map(|each| each.condition());
        let own = match &rule.check {
            assize::policy::Check::Schema { schema, .. } => Some(schema),
            _ => None,
        };
        for schema in conditions.chain(own) {
            schemas.push((rule.name.to_string(), with_parameters(schema, &rule.params)));
        }
    }
    schemas
}

/// As the meta-schema wants it: parameters put in, entries of parameters left.
fn with_parameters(schema: &Value, parameters: &serde_json::Map<String, Value>) -> Value {
    match schema {
        Value::Object(object) if object.contains_key("$param") && object.len() > 1 => schema.clone(),
        Value::Object(object) if object.contains_key("$param") => substitute(schema, parameters).unwrap(),
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), with_parameters(value, parameters))).collect()
        }
        Value::Array(list) => list.iter().map(|value| with_parameters(value, parameters)).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_meta_schema_takes_what_the_loader_takes() {
    let meta: Value = serde_json::from_str(builtin_schema("vocabulary").unwrap()).unwrap();
    let definitions = definitions();
    let known: BTreeSet<&str> =
        meta["propertyNames"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let of_rules = definitions["schema"]["else"]["properties"].as_object().unwrap();
    assert_eq!(known, of_rules.keys().map(String::as_str).collect::<BTreeSet<_>>());
    let validator = jsonschema::validator_for(&meta).unwrap();
    let schemas = all_schemas();
    assert!(schemas.len() > 300, "{}", schemas.len());
    for (name, schema) in schemas {
        let complaints: Vec<String> = validator.iter_errors(&schema).map(|error| error.to_string()).collect();
        assert_eq!(complaints, Vec::<String>::new(), "{name}");
    }
    let cases = read(include_str!("../fixtures/vocabulary.cases.yaml"));
    for case in cases.root(&cases.documents[0]).elements() {
        let schema = case.get("schema").unwrap().to_value();
        assert!(validator.is_valid(&schema), "{schema}");
    }
    for broken in [
        json!({"x-hass": {"a": 1}}),
        json!({"properties": {"a": {"format": "date"}}}),
        json!({"x-has": {}}),
        json!({"x-has": {"a..b": 1}}),
        json!({"not": {"x-date": {"notBefor": "now"}}}),
        json!({"x-date": {"notBefore": "soon"}}),
        json!({"x-date": {"notBefore": {"now": true, "field": "a"}}}),
        json!({"x-duration": {"atLeast": "P0.5D"}}),
        json!({"x-value": {}}),
        json!({"x-ref": {"to": []}}),
        json!({"x-ref": {"must": {"x-hass": {}}}}),
        json!({"x-referrers": {"field": "a"}}),
        json!({"x-unique": false}),
        json!({"x-text": 1}),
        json!({"$ref": "https://example.org/schema"}),
    ] {
        assert!(!validator.is_valid(&broken), "{broken}");
    }
}

#[test]
fn the_pack_of_the_library_holds_what_its_rules_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = assize::load::Root::discover(folder.path()).unwrap();
    let selection = Selection { with_changes: true, with_examples: true, ..Selection::default() };
    let policies = load_policies(&root, &selection, 1).unwrap();
    // Whoever takes from the pack is told of none.
    assert_eq!(policies.problems, []);
    let expected = pack(&policies.rules, &policies.kinds);
    let written: Value = serde_json::from_str(&expected).unwrap();
    let entries: BTreeMap<&str, &Value> = written["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry[2].as_str().unwrap(), &entry[3]))
        .collect();
    let run = load_policies(&root, &Selection { with_changes: true, ..Selection::default() }, 1).unwrap();
    let (mut schemas, mut texts, mut machines) = (0, 0, 0);
    for rule in run.rules.rules.iter().filter(|rule| !rule.is_engine()) {
        // What a run takes from the pack, or finds itself where the pack is stale, is what was found when it was written.
        let entry = entries.get(&*rule.name).unwrap_or_else(|| panic!("{} cannot be packed", rule.name));
        let packed = Packed::from_json(&entry.to_string()).unwrap();
        assert_eq!(
            (packed.is_joined, &packed.reads, &packed.uses),
            (rule.is_joined, &rule.reads, &rule.uses),
            "{}",
            rule.name
        );
        let compiled =
            rule.compiled(&run.kinds, &[]).unwrap_or_else(|problems| panic!("{}: {problems:?}", rule.name));
        match (&compiled.rego, &packed.prepared) {
            // What is compiled by what is known is what is compiled without.
            (Some(policy), Some(prepared)) => {
                assert_eq!(policy.prepared().as_ref(), Some(prepared), "{}", rule.name);
                texts += 1;
                machines += usize::from(prepared.guards.is_some());
            }
            (None, None) => schemas += 1,
            _ => panic!("{} is written in Rego, or is not", rule.name),
        }
    }
    assert!(
        schemas > 200 && texts > 80 && machines > 50,
        "{schemas} schemas, {texts} texts, {machines} for the machine"
    );
    check_page("src/policy/library.json", &expected);
}
