//! The formats of a report: the same bytes each time, in the form that each promises, and no text that acts.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::io::Read as _;

use flate2::read::DeflateDecoder;
use serde_json::Value;

use super::{CONFIG, HOUSE, PERSON, house, store};
use crate::scene::{DAY, Scene};

const FILES: [&str; 10] = [
    "out/r.md",
    "out/r.json",
    "out/r.csv",
    "out/r.html",
    "out/r.xlsx",
    "out/oscal/catalog.json",
    "out/oscal/system-security-plan.json",
    "out/oscal/assessment-plan.json",
    "out/oscal/assessment-results.json",
    "out/oscal/plan-of-action-and-milestones.json",
];

const OUTPUTS: [&str; 12] = [
    "-o",
    "markdown=out/r.md",
    "-o",
    "json=out/r.json",
    "-o",
    "csv=out/r.csv",
    "-o",
    "html=out/r.html",
    "-o",
    "xlsx=out/r.xlsx",
    "-o",
    "oscal=out/oscal",
];

/// Writes every format and reads them back, in the order of `FILES`.
fn write(scene: &Scene, arguments: &[&str]) -> Vec<Vec<u8>> {
    std::fs::create_dir_all(scene.folder.join("out")).unwrap();
    let all = [&["report", "--as-of", DAY], &OUTPUTS[..], arguments].concat();
    let outcome = scene.run(&all);
    assert!(outcome.code < 2, "{}", outcome.stderr);
    let files: Vec<Vec<u8>> = FILES.iter().map(|file| read(scene, file)).collect();
    std::fs::remove_dir_all(scene.folder.join("out")).unwrap();
    files
}

#[expect(clippy::disallowed_methods, reason = "a test reads files itself")]
fn read(scene: &Scene, file: &str) -> Vec<u8> {
    std::fs::read(scene.folder.join(file)).unwrap()
}

fn texts(files: &[Vec<u8>]) -> Vec<(&'static str, String)> {
    let of_file = |(name, bytes): (&&'static str, &Vec<u8>)| match *name {
        "out/r.xlsx" => ("out/r.xlsx", parts(bytes).into_iter().map(|(_, text)| text).collect::<String>()),
        name => (name, String::from_utf8(bytes.clone()).unwrap()),
    };
    FILES.iter().zip(files).map(of_file).collect()
}

/// The files within a zip archive, by its central directory.
fn parts(bytes: &[u8]) -> Vec<(String, String)> {
    let number = |at: usize, size: usize| {
        bytes[at..at + size].iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let end = (0..bytes.len() - 21).rev().find(|at| bytes[*at..].starts_with(b"PK\x05\x06")).unwrap();
    let mut at = number(end + 16, 4);
    let mut found = Vec::new();
    for _ in 0..number(end + 10, 2) {
        assert!(bytes[at..].starts_with(b"PK\x01\x02"));
        let (method, size, start) = (number(at + 10, 2), number(at + 20, 4), number(at + 42, 4));
        let name = String::from_utf8(bytes[at + 46..at + 46 + number(at + 28, 2)].to_vec()).unwrap();
        let content = start + 30 + number(start + 26, 2) + number(start + 28, 2);
        let content = &bytes[content..content + size];
        let mut text = String::new();
        match method {
            0 => text = String::from_utf8(content.to_vec()).unwrap(),
            _ => drop(DeflateDecoder::new(content).read_to_string(&mut text).unwrap()),
        }
        found.push((name, text));
        at += 46 + number(at + 28, 2) + number(at + 30, 2) + number(at + 32, 2);
    }
    found
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let scene = Scene::new().with_clinic();
    let one = write(&scene, &["--threads", "1"]);
    // Time passes between the two.
    let other = write(&scene, &["--threads", "8"]);
    for ((file, one), other) in FILES.iter().zip(&one).zip(&other) {
        assert!(one == other, "{file} differs");
        assert!(one.len() > 1_000, "{file}");
    }
}

#[test]
fn a_commit_and_its_work_tree_differ_in_their_names_alone() {
    let scene = Scene::new().with_clinic();
    scene.commit();
    let run = |arguments: &[&str]| {
        let report = super::report(&scene, arguments);
        let commit = report["run"]["estate"]["commit"].clone();
        (commit, report["frameworks"].clone(), report["evidence"].clone())
    };
    let (tree, commit) = (run(&[]), run(&["--rev", "HEAD"]));
    assert_eq!(tree.0, Value::Null);
    assert_eq!(commit.0.as_str().map(str::len), Some(40));
    assert_eq!((tree.1, tree.2), (commit.1, commit.2));
}

#[test]
fn nobody_is_called_compliant() {
    for (file, text) in texts(&write(&Scene::new().with_clinic(), &[])) {
        assert!(!text.to_lowercase().contains("compliant"), "{file}");
    }
}

#[test]
fn json_fits_its_schema() {
    let schema: Value = serde_json::from_str(assize::policy::builtin_schema("report").unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let scenes = [
        Scene::new().with_clinic(),
        house(&store("b", false)),
        Scene::new().with("estate/a.yaml", "kind: ["),
    ];
    for scene in scenes {
        let report = super::report(&scene, &[]);
        let errors: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let printed = house("").run(&["schema", "report"]);
    assert_eq!(serde_json::from_str::<Value>(&printed.stdout).unwrap(), schema);
}

/// The validator of one kind of document, out of the complete schema, whose branches would all complain at once.
fn oscal(name: &str) -> jsonschema::Validator {
    let complete: Value =
        serde_json::from_str(include_str!("../../fixtures/oscal/oscal_complete_schema-1.2.1.json")).unwrap();
    let branches = complete["oneOf"].as_array().unwrap();
    let mut schema = branches.iter().find(|branch| branch["required"][0] == name).unwrap().clone();
    schema["$schema"] = complete["$schema"].clone();
    schema["definitions"] = complete["definitions"].clone();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn oscal_fits_the_published_schema() {
    let full = write(&Scene::new().with_clinic(), &[]);
    // Nothing fails here, so that lists that must not be empty are left out.
    let clean = write(&house(&store("a", true)), &[]);
    for files in [full, clean] {
        let mut satisfied = 0;
        for bytes in files.iter().skip(5) {
            let document: Value = serde_json::from_slice(bytes).unwrap();
            let name = document.as_object().unwrap().keys().next().unwrap().clone();
            let errors: Vec<String> = oscal(&name)
                .iter_errors(&document)
                .take(5)
                .map(|error| format!("{name}{} {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new());
            identifiers_are_unique(&document);
            for finding in document
                .pointer("/assessment-results/results/0/findings")
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
            {
                let outcome = finding["props"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|prop| prop["name"] == "outcome")
                    .unwrap();
                let is_satisfied = finding["target"]["status"]["state"] == "satisfied";
                assert_eq!(is_satisfied, outcome["value"] == "satisfied", "{finding}");
                satisfied += usize::from(is_satisfied);
            }
        }
        assert!(satisfied > 0);
    }
}

/// No two things have one identifier, and whatever is named by one is there.
fn identifiers_are_unique(document: &Value) {
    fn collect(value: &Value, ids: &mut Vec<String>, named: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match (key.as_str(), value.as_str()) {
                        ("uuid", Some(id)) => ids.push(id.to_owned()),
                        ("observation-uuid" | "risk-uuid", Some(id)) => named.push(id.to_owned()),
                        _ => collect(value, ids, named),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| collect(value, ids, named)),
            _ => {}
        }
    }
    let (mut ids, mut named) = (Vec::new(), Vec::new());
    collect(document, &mut ids, &mut named);
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "an identifier stands twice");
    named.retain(|name| ids.binary_search(name).is_err());
    assert_eq!(named, Vec::<String>::new());
}

#[test]
fn identifiers_of_oscal_stay_from_run_to_run() {
    let results = |scene: &Scene, day: &str| {
        let outcome = scene.run(&["report", "--as-of", day, "-o", "oscal=oscal"]);
        assert!(outcome.code < 2, "{}", outcome.stderr);
        let document: Value = serde_json::from_slice(&read(scene, "oscal/assessment-results.json")).unwrap();
        let document = document["assessment-results"].clone();
        let ids: Vec<Value> = document["results"][0]["observations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| each["uuid"].clone())
            .collect();
        (document["uuid"].clone(), ids)
    };
    let scene = house(&store("b", false));
    let (first, second) = (results(&scene, DAY), results(&scene, DAY));
    assert_eq!(first, second);
    let later = results(&scene, "2026-11-21");
    assert_ne!(first.0, later.0, "another content is another document");
    assert_eq!(first.1, later.1, "the same findings are the same");
}

/// Texts that want to be more than text, where an estate and its policies can put them. Names are bounded by schemas.
const NASTY: [&str; 14] = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror=window.ran=1>",
    "</details></table></main><script>window.ran=1</script>",
    "\\\" onmouseover=\\\"window.ran=1",
    "' onfocus='window.ran=1' autofocus='",
    "javascript:window.ran=1",
    "<!-- --> --> <!--",
    "=HYPERLINK(\\\"http://evil.example\\\")",
    "@SUM(A1)",
    "+1",
    "| cell | cell |",
    "[a](http://evil.example) ![x](http://evil.example/x.png) # h",
    "\\u202etxt.exe \\u001b[31m \\u200b \\u2028 \\u0000",
    "```\\n# heading\\n",
];

/// An estate whose every text is nasty.
fn hostile(text: &str) -> Scene {
    let documents = format!(
        "---\napiVersion: assize.dev/v1\nkind: Waiver\nmetadata: {{name: w}}\nspec: {{rules: [plain-store], resources: ['DataStore:b'], \
         type: risk-acceptance, reason: \"{text}\", requestedBy: anna, approvedBy: ben, approvedOn: 2026-11-01, expires: 2026-12-31, ticket: \"{text}\"}}\n\
         ---\napiVersion: assize.dev/v1\nkind: Evidence\nmetadata: {{name: e}}\nspec: {{type: report, artefact: \"{text}\", collectedOn: 2026-01-01, \
         requirements: ['house:1.4.1'], digest: 'sha256:0000000000000000000000000000000000000000000000000000000000000000'}}\n\
         ---\napiVersion: assize.dev/v1\nkind: Control\nmetadata: {{name: c}}\nspec: {{framework: house, requirement: '1.4.1', mandatory: false, \
         status: not-applicable, decisionReason: \"{text}\", owner: ben, population: \"{text}\", rules: [\"{text}\"]}}\n\
         ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: \"{text}\", namespace: \"{text}\"}}\nspec: {{replicas: \"{text}\"}}\n{}",
        store("b", false)
    );
    let policies = HOUSE
        .replace("Nobody tests this", "NASTY")
        .replace("title: House rules", "title: NASTY")
        .replace("authority: Us", "authority: NASTY")
        .replace("rationale: Stolen disks tell everything.", "rationale: NASTY")
        .replace("remediation: Encrypt it.", "remediation: NASTY")
        .replace("title: Stores are encrypted}", "title: NASTY}")
        .replace("NASTY", &format!("\"{text}\""));
    let replicas = format!(
        "---\napiVersion: assize.dev/v1\nkind: Rule\nmetadata: {{name: replicas, title: \"{text}\"}}\nspec: {{severity: high, rationale: \"{text}\", \
         remediation: \"{text}\", requirements: ['house:1.4'], match: {{kinds: [apps/Deployment]}}, schema: {{x-has: {{spec.replicas: 3}}}}, examples: []}}\n"
    );
    let config = CONFIG.replace("reason: not ours", &format!("reason: \"{text}\""));
    Scene::new()
        .with("assize.yaml", &config)
        .with("policies/house.yaml", &format!("{policies}{replicas}"))
        .with("estate/persons.yaml", PERSON)
        .with("estate/others.yaml", &documents)
}

/// Characters that no format may write as they are.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[test]
fn nasty_texts_stay_texts() {
    for nasty in NASTY {
        let scene = hostile(nasty);
        std::fs::create_dir_all(scene.folder.join("out")).unwrap();
        let all = [&["report", "--as-of", DAY], &OUTPUTS[..]].concat();
        let outcome = scene.run(&all);
        let files: Vec<Vec<u8>> = FILES.iter().map(|file| read(&scene, file)).collect();
        let found: Value = serde_json::from_slice(&files[1]).unwrap();
        let count = found["findings"].as_array().map(Vec::len);
        assert!(count >= Some(2), "{nasty}: {}", outcome.stderr);
        for (file, text) in texts(&files) {
            let text = if file.ends_with("csv") { text.replace("\r\n", "\n") } else { text };
            let hostile: Vec<char> = text.chars().filter(|c| acts(*c)).collect();
            // The parts of a workbook end their first line as XML does elsewhere.
            let hostile: Vec<char> =
                hostile.into_iter().filter(|c| !(file.ends_with("xlsx") && *c == '\r')).collect();
            assert!(hostile.is_empty(), "{file} of {nasty:?} holds {hostile:?}");
        }
        page_holds(&String::from_utf8(files[3].clone()).unwrap(), nasty);
        workbook_holds(&files[4], nasty);
        csv_holds(&files[2], nasty);
        for bytes in files.iter().skip(5) {
            let document: Value = serde_json::from_slice(bytes).unwrap();
            let name = document.as_object().unwrap().keys().next().unwrap().clone();
            let errors: Vec<String> = oscal(&name)
                .iter_errors(&document)
                .take(3)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new(), "{name} of {nasty}");
        }
    }
}

/// The page has the tags that the program writes, and no other one; in quotes nothing ends an attribute.
fn page_holds(page: &str, nasty: &str) {
    let (head, body) = page.split_once("<body>").unwrap();
    assert_eq!(page.matches("<script").count(), 1, "{nasty}");
    assert!(head.contains("default-src 'none'; style-src 'sha256-"), "{head}");
    let body = body.split("<script>").next().unwrap();
    let known = [
        "a", "header", "h1", "h2", "h3", "p", "b", "br", "code", "nav", "ul", "li", "div", "form", "label",
        "input", "select", "option", "button", "span", "main", "section", "table", "caption", "thead",
        "tbody", "tr", "th", "td", "dl", "dt", "dd", "details", "summary", "svg", "rect", "pre", "i",
        "footer",
    ];
    let attributes = [
        "class",
        "href",
        "id",
        "tabindex",
        "aria-labelledby",
        "aria-label",
        "aria-live",
        "role",
        "type",
        "autocomplete",
        "placeholder",
        "value",
        "scope",
        "data-own",
        "data-severities",
        "data-severity",
        "data-row",
        "viewBox",
        "preserveAspectRatio",
        "x",
        "y",
        "width",
        "height",
    ];
    let mut seen = 0;
    for piece in body.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("{nasty}: {piece:?} does not end"));
        let tag = tag.trim_start_matches('/').trim_end_matches('/');
        let name = tag.split(' ').next().unwrap();
        assert!(known.contains(&name), "{nasty}: {tag:?}");
        // Outside of quotes there are names of attributes alone.
        for (at, part) in tag.strip_prefix(name).unwrap().split('"').enumerate() {
            for word in part.split_whitespace().filter(|_| at % 2 == 0) {
                assert!(attributes.contains(&word.trim_end_matches('=')), "{nasty}: {word:?} in {tag:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 100);
}

/// No cell of the workbook is a formula, and every part is XML.
fn workbook_holds(bytes: &[u8], nasty: &str) {
    let mut sheets = 0;
    for (name, text) in parts(bytes) {
        let document =
            roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{nasty}: {name}: {error}"));
        if name.starts_with("xl/worksheets/sheet") {
            assert!(
                !document.descendants().any(|node| node.has_tag_name("f") || node.tag_name().name() == "f"),
                "{nasty}: {name}"
            );
            assert!(
                !document.descendants().any(|node| node.tag_name().name() == "hyperlink"),
                "{nasty}: {name}"
            );
            sheets += 1;
        }
        assert!(!name.contains("externalLink"), "{nasty}: {name}");
    }
    assert!(sheets > 8, "{sheets}");
}

fn csv_holds(bytes: &[u8], nasty: &str) {
    let mut reader = csv::Reader::from_reader(bytes);
    let columns = reader.headers().unwrap().len();
    for record in reader.records() {
        let record = record.unwrap();
        assert_eq!(record.len(), columns, "{nasty}");
        for cell in &record {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']), "{nasty}: {cell:?}");
        }
    }
}

#[test]
fn what_no_report_may_show_is_in_none() {
    let secret = "---\napiVersion: assize.dev/v1\nkind: Secret\nmetadata: {name: api}\nspec:\n  # assize\n  value: hunter2\n";
    let scene = house(&format!("{secret}{}", store("b", false)));
    std::fs::create_dir_all(scene.folder.join("out")).unwrap();
    scene.run(&[&["report", "--as-of", DAY], &OUTPUTS[..]].concat());
    for (file, text) in texts(&FILES.iter().map(|file| read(&scene, file)).collect::<Vec<_>>()) {
        assert!(!text.contains("hunter2"), "{file}");
    }
}

#[test]
fn what_a_run_writes_is_no_part_of_the_estate() {
    let scene = house(&store("a", true)).with("estate/out/.keep", "");
    let outputs = ["report", "--as-of", DAY, "-o", "json=estate/out/r.json", "-o", "oscal=estate/out/oscal"];
    let first = scene.run(&outputs);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    let before = scene.read("estate/out/r.json");
    assert_eq!(scene.run(&outputs).code, 0);
    assert_eq!(scene.read("estate/out/r.json"), before);
}
