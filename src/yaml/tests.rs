use serde_json::{Value, json};

use super::*;
use crate::yaml::{Dialect, Fault, Kind, NodeRef, Place, typed};

fn read(text: &str) -> (Tape, Vec<Problem>) {
    parse(text.as_bytes().to_vec(), &Arc::from("t.yaml"), &Limits::default())
}

fn values(tape: &Tape) -> Vec<Value> {
    tape.documents.iter().map(|document| tape.root(document).to_value()).collect()
}

#[track_caller]
fn check(text: &str, expected: &[Value]) {
    let (tape, problems) = read(text);
    assert_eq!(problems, []);
    assert_eq!(tape.documents.iter().flat_map(|d| &d.faults).collect::<Vec<_>>(), Vec::<&Fault>::new());
    assert_eq!(values(&tape), expected);
}

#[track_caller]
fn faults(text: &str, expected: &[(Code, &str)]) {
    let (tape, problems) = read(text);
    let mut found: Vec<_> = problems.iter().map(|problem| (problem.code, String::new())).collect();
    for fault in tape.documents.iter().flat_map(|document| &document.faults) {
        let text = tape.source().get(fault.span.start as usize..fault.span.end as usize).unwrap();
        found.push((fault.code, text.to_owned()));
    }
    let expected: Vec<_> = expected.iter().map(|(code, text)| (*code, (*text).to_owned())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn scalars_collections_and_documents() {
    check(
        "a: 1\nb: [x, 'y', \"z\\n\"]\nc: |\n  hi\n  ho\n",
        &[json!({"a": 1, "b": ["x", "y", "z\n"], "c": "hi\nho\n"})],
    );
    check("a: |+\n\n\nb: >+\n\nc: |\n\nd:\n", &[json!({"a": "\n\n", "b": "\n", "c": "", "d": null})]);
    check("\u{feff}a: \"b\u{feff}c\"\n", &[json!({"a": "b\u{feff}c"})]);
    check("a: foo\n  bar\nb:\nc: ~\n", &[json!({"a": "foo bar", "b": null, "c": null})]);
    check("1: x\ntrue: y\n", &[json!({"1": "x", "true": "y"})]);
    check("---\na: 1\n---\n# nothing\n---\n- 2.5\n", &[json!({"a": 1}), json!([2.5])]);
    check(
        "a: !!str 1\nb: !!int \"2\"\nc: ! 3\nd: !!float 4\n",
        &[json!({"a": "1", "b": 2, "c": "3", "d": 4.0})],
    );
    check(
        "{\"a\":{\"b\":[1,-2,1e3]},\n\t\"c\":\"\\ud83d\\ude00\"}",
        &[json!({"a": {"b": [1, -2, 1000.0]}, "c": "😀"})],
    );
}

#[test]
fn aliases_and_merge_keys() {
    check("a: &x {k: [1]}\nb: *x\n", &[json!({"a": {"k": [1]}, "b": {"k": [1]}})]);
    check("a: &k key\n*k : 1\n", &[json!({"a": "key", "key": 1})]);
    check(
        "base: &b {x: 1, y: {z: 2}}\nd: {<<: *b, x: 3}\n",
        &[json!({"base": {"x": 1, "y": {"z": 2}}, "d": {"y": {"z": 2}, "x": 3}})],
    );
    check(
        "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n  z: 3\n",
        &[json!({"a": {"x": 1}, "b": {"x": 2, "y": 2}, "c": {"x": 1, "y": 2, "z": 3}})],
    );
    check("a: {\"<<\": 1}\n", &[json!({"a": {"<<": 1}})]);
    check(
        "a: &a {p: 1}\nb: &b {<<: *a, q: 2}\nc: {<<: *b, r: 3}\n",
        &[json!({
        "a": {"p": 1}, "b": {"p": 1, "q": 2}, "c": {"p": 1, "q": 2, "r": 3}})],
    );
}

#[test]
fn aliases_of_what_a_merge_has_moved() {
    check(
        "a: {<<: {x: 1}, k: &v foo}\nb: *v\nc: [*v]\n",
        &[json!({"a": {"x": 1, "k": "foo"}, "b": "foo", "c": ["foo"]})],
    );
    // The first of the two is overridden and so nowhere on the tape.
    check(
        "a: {<<: [{x: &u {p: [1]}, y: 2}], x: &w 3}\nb: [*u, *w]\n",
        &[json!({"a": {"x": 3, "y": 2}, "b": [{"p": [1]}, 3]})],
    );
    // Moved twice, once within a value that has an anchor itself.
    check(
        "a: {<<: {m: 0}, p: &o {<<: {n: 0}, q: &i [7]}}\nb: *i\nc: *o\nd: {<<: *o, r: *i}\n",
        &[json!({
            "a": {"m": 0, "p": {"n": 0, "q": [7]}}, "b": [7], "c": {"n": 0, "q": [7]},
            "d": {"n": 0, "q": [7], "r": [7]}})],
    );
    let (tape, _) = read("a: {? [&v x] : &w y}\nb: [*v, *w]\nc: {<<: *w}\n");
    assert_eq!(values(&tape), [json!({"a": {}, "b": ["x", "y"], "c": {}})]);
    let small = Limits { alias_nodes: 3, ..Limits::default() };
    let problems = parse("{<<: {}, a: &a [1, 2, 3]}".into(), &Arc::from("t"), &small).1;
    assert_eq!(problems[0].code, Code::AliasBudget);
}

#[test]
fn a_merged_value_is_written_there_and_used_here() {
    let (tape, _) = read("a: &a {p: {q: 1}}\nb: {<<: *a}\n");
    let root = tape.root(&tape.documents[0]);
    let merged = root.at(["b", "p", "q"]).unwrap();
    assert_eq!(merged.span(), Span { start: 14, end: 15 });
    let (used, label) = merged.used_at().unwrap();
    assert_eq!(
        (tape.source().get(used.start as usize..used.end as usize), label),
        (Some("<<"), "merged in here")
    );
    assert_eq!(root.at(["a", "p", "q"]).unwrap().used_at(), None);
    // Of uses within uses the outer one is told, whether merge keys or aliases.
    let (tape, _) = read("a: &a {p: 1}\nb: {x: 0, <<: {<<: *a, r: *a}, s: *a}\n");
    let used = |path: &[&str]| {
        let (span, _) = tape.root(&tape.documents[0]).at(path.iter().copied()).unwrap().used_at()?;
        Some(span.start)
    };
    assert_eq!((used(&["b", "x"]), used(&["b", "p"]), used(&["b", "r", "p"])), (None, Some(23), Some(23)));
    assert_eq!(used(&["b", "s", "p"]), Some(47));
    let (tape, _) = read("a: &a {p: 1}\nb: *a\n");
    let (used, label) = tape.root(&tape.documents[0]).at(["b", "p"]).unwrap().used_at().unwrap();
    assert_eq!((tape.source().get(used.start as usize..used.end as usize), label), (Some("*a"), "used here"));
}

#[test]
fn faults_stay_with_their_document() {
    faults("a: 1\na: 2\n", &[(Code::DuplicateKey, "a")]);
    faults("1: x\n\"1\": y\n", &[(Code::DuplicateKey, "\"1\"")]);
    faults("a: {<<: {x: 1}, <<: {y: 1}}\n", &[(Code::DuplicateKey, "<<")]);
    faults("? [a, b]\n: c\n", &[(Code::UnsupportedKey, "[")]);
    faults("a: !Ref b\n", &[(Code::UnsupportedTag, "b")]);
    faults("a: !!int x\n", &[(Code::UnsupportedTag, "x")]);
    faults(
        "a: 1e999\nb: .inf\nc: 99999999999999999999\n",
        &[
            (Code::NumberOutOfRange, "1e999"),
            (Code::NumberOutOfRange, ".inf"),
            (Code::NumberOutOfRange, "99999999999999999999"),
        ],
    );
    faults("a: {<<: 1}\n", &[(Code::InvalidMerge, "<<")]);
}

#[test]
fn many_keys_are_compared_as_well() {
    let mut text: String = (0..100).map(|i| format!("k{i}: {i}\n")).collect();
    check(&text, &[(0..100).map(|i| (format!("k{i}"), json!(i))).collect()]);
    text.push_str("k7: again\nk99: again\n");
    faults(&text, &[(Code::DuplicateKey, "k7"), (Code::DuplicateKey, "k99")]);
}

#[test]
fn faults_beyond_a_thousand_are_counted() {
    let (tape, _) = read(&format!("[{}]\n---\n[!x a, !y b]\n---\n[a]\n", "!x a, ".repeat(1_002)));
    let found: Vec<_> = tape.documents.iter().map(|document| document.faults.len()).collect();
    assert_eq!(found, [1_001, 2, 0]);
    let last = |at: usize| tape.documents[at].faults.last().unwrap();
    assert_eq!(last(0).message, "the document has 2 more faults, which are not listed");
    assert_eq!((last(1).code, last(1).span.start), (Code::UnsupportedTag, 6_023));
}

#[test]
fn problems_of_syntax_do_not_hide_other_documents() {
    let (tape, problems) = read("a: 1\n---\nb: [\n---\nc: 3\n");
    assert_eq!(values(&tape), [json!({"a": 1}), json!({"c": 3})]);
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].code, problems[0].location.as_ref().unwrap().line), (Code::InvalidYaml, 3));
    assert_eq!(tape.documents[1].index, 2);
    faults("a: &x [*x]\n", &[(Code::RecursiveAlias, "")]);
    faults("a: *nothing\n", &[(Code::InvalidYaml, "")]);
    faults("a: b\u{feff}c\n", &[(Code::ControlCharacter, "b\u{feff}c")]);
    faults("a: \u{1}\n", &[(Code::ControlCharacter, "")]);
    faults("a: \u{81}\n", &[(Code::ControlCharacter, "")]);
    faults("a: \0\n", &[(Code::ControlCharacter, "")]);
    faults("{\"a\": \"\\ud800\"}", &[(Code::InvalidYaml, "")]);
    faults("a: 1\n\u{feff}b: 2\n", &[(Code::InvalidYaml, "")]);
    let (_, problems) = parse(vec![b'a', b':', b' ', 0xff], &Arc::from("t"), &Limits::default());
    assert_eq!((problems[0].code, problems[0].location.as_ref().unwrap().column), (Code::InvalidEncoding, 4));
}

#[test]
fn json_values_need_no_separator() {
    let file = Arc::from("t.json");
    let read = |text: &str| parse(text.into(), &file, &Limits::default());
    let (tape, problems) = read("{\"a\": 1}\n{\"a\": [2]}");
    assert_eq!((problems.len(), values(&tape)), (0, vec![json!({"a": 1}), json!({"a": [2]})]));
    let second = tape.root(&tape.documents[1]).get("a").unwrap();
    assert_eq!(LineIndex::new(tape.source()).position(second.span().start), (2, 7));
    assert_eq!(read("{\"a\": 1}\n{\"a\": ").1.len(), 1);
    faults("{a: 1}\n{a: 2}", &[(Code::InvalidYaml, "")]);
}

#[test]
fn limits() {
    let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    check(&deep(128), &[(0..128).fold(json!(1), |inner, _| json!([inner]))]);
    faults(&deep(129), &[(Code::TooDeep, "")]);
    let small =
        |text: &str, limits: Limits| parse(text.into(), &Arc::from("t"), &limits).1.first().map(|p| p.code);
    let base = Limits::default();
    assert_eq!(small("[1, 2, 3]", Limits { nodes: 3, ..base }), Some(Code::TooManyNodes));
    assert_eq!(small("[1, 2, 3]", Limits { nodes: 4, ..base }), None);
    assert_eq!(small("[&a [1], *a, *a]", Limits { alias_nodes: 3, ..base }), Some(Code::AliasBudget));
    assert_eq!(small("[&a [1], *a, *a]", Limits { alias_nodes: 4, ..base }), None);
    assert_eq!(small("--- 1\n--- 2\n", Limits { documents: 1, ..base }), Some(Code::TooManyDocuments));
    assert_eq!(small("a: &a [[1]]\nb: [[[*a]]]\n", Limits { depth: 5, ..base }), Some(Code::TooDeep));
    assert_eq!(small("a: &a [[1]]\nb: [[[*a]]]\n", Limits { depth: 6, ..base }), None);
    // A merge key adds no level, however many stand in a chain.
    let merges = "a: &a {x: [1]}\nb: &b {<<: *a}\nc: &c {<<: [*b], y: 1}\nd: &d {<<: *c}\ne: [*d]\n";
    assert_eq!(small(merges, Limits { depth: 5, ..base }), None);
    assert_eq!(small(merges, Limits { depth: 4, ..base }), Some(Code::TooDeep));
}

#[test]
fn spans_of_block_collections_end_with_their_last_value() {
    let (tape, _) = read("a:\n  b: 1\n  c: [1,\n    2]\n\n# comment\nd: x\n");
    let root = tape.root(&tape.documents[0]);
    let a = root.get("a").unwrap().span();
    assert_eq!(tape.source().get(a.start as usize..a.end as usize), Some("b: 1\n  c: [1,\n    2]"));
}

#[test]
fn yaml_1_1_booleans_and_octal() {
    let (mut tape, _) = read("a: yes\nb: 'yes'\nc: off\nmode: 0644\nn: y\non: 1\n");
    tape.set_dialect(0, Dialect::Yaml11);
    assert_eq!(values(&tape), [json!({"a": true, "b": "yes", "c": false, "mode": 420, "n": true, "on": 1})]);
    // What was a key, and so text, is a value where an alias repeats it; and the other way round.
    let (mut tape, _) = read("&k yes: 1\nb: *k\nc: &v no\n*v : 2\n");
    assert_eq!(tape.documents[0].ambiguous, 2);
    let root = tape.root(&tape.documents[0]);
    let ambiguous: Vec<bool> = root.descendants().map(|node| node.is_ambiguous()).collect();
    assert_eq!(ambiguous, [false, false, false, false, true, false, true, false, false]);
    tape.set_dialect(0, Dialect::Yaml11);
    assert_eq!(values(&tape), [json!({"yes": 1, "b": true, "c": false, "no": 2})]);
}

#[test]
fn typed_documents_say_where_and_how() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors matter here")]
    struct Form {
        name: String,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        level: Option<crate::finding::Severity>,
        #[serde(default)]
        inner: Vec<Form>,
    }
    let error = |text: &str| {
        let (tape, _) = read(text);
        let error = typed::<Form>(tape.root(&tape.documents[0])).unwrap_err();
        let span = tape.node(error.node.unwrap()).span();
        let place = LineIndex::new(tape.source()).position(span.start);
        (error.message, place, error.help.unwrap_or_default())
    };
    assert_eq!(
        error("name: x\ncuont: 1\n"),
        ("unknown key `cuont`".into(), (2, 1), "did you mean `count`?".into())
    );
    assert_eq!(error("name: x\ncount: -1\n").1, (2, 8));
    assert_eq!(error("name: [x]\n").0, "a list should be a string");
    assert_eq!(
        error("name: x\ninner:\n  - count: 1\n"),
        ("key `name` is missing".into(), (3, 5), String::new())
    );
    assert_eq!(
        error("name: x\nlevel: hgih\n"),
        ("unknown value `hgih`".into(), (2, 8), "did you mean `high`?".into())
    );
    let (tape, _) = read("a: [1, 2]\n");
    let placed: std::collections::BTreeMap<String, Place<Vec<u32>>> =
        typed(tape.root(&tape.documents[0])).unwrap();
    assert_eq!(placed["a"], Place { node: 2, value: vec![1, 2] });
}

fn copied(node: NodeRef<'_>, tape: &mut Tape) {
    let index = tape.begin_copy(node);
    let mut children = 0;
    for (key, value) in node.members() {
        tape.begin_copy(key);
        copied(value, tape);
        children += 1;
    }
    for element in node.elements() {
        copied(element, tape);
        children += 1;
    }
    if matches!(node.kind(), Kind::Map | Kind::List) {
        tape.end_copy(index, children);
    }
}

#[test]
fn what_is_kept_is_the_same() {
    let long = "x".repeat(70_000);
    let many = "- 1\n".repeat(70_000);
    let text = format!(
        "lead: &lead {{a: one, b: [2, 3.5, ~, yes]}}\n---\nkey: &it {{a: one}}\nuse: *it\nmore: {{<<: *it, c: 'quo''ted'}}\nempty: {{}}\nnone: ''\n\
         long: {long}\nsame: one\nlist:\n{many}late: one\n---\nkey: one\n'': true\n"
    );
    let (tape, _) = read(&text);
    let mut copy = Tape::default();
    let mut roots = Vec::new();
    for document in &tape.documents {
        let root = tape.root(document);
        copy.begin_document(root);
        roots.push((root, copy.copies()));
        copied(root, &mut copy);
    }
    assert_eq!(roots.len(), 3);
    for (root, index) in roots {
        let kept = copy.node(index);
        assert_eq!(kept.to_value(), root.to_value());
        assert_eq!(kept.size(), root.size());
        for (one, other) in kept.descendants().zip(root.descendants()) {
            let facts = |node: NodeRef<'_>| {
                (
                    node.kind(),
                    node.text().len(),
                    node.span(),
                    node.size(),
                    node.len(),
                    node.is_key(),
                    node.is_ambiguous(),
                )
            };
            assert_eq!(facts(one), facts(other), "{}", other.text());
            assert_eq!((one.text(), one.used_at()), (other.text(), other.used_at()));
        }
        for (key, value) in root.members() {
            assert_eq!(kept.get(key.text()).map(|found| found.span()), Some(value.span()));
        }
        assert!(kept.get("nothing").is_none());
    }
}
