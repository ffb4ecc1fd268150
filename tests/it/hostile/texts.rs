//! YAML that is small and grows, and YAML that is large.

use super::{Estate, GOOD, MEMORY, application, check, check_named};

/// Levels of a bomb: ten times as many values on each.
const LEVELS: usize = 9;

/// A document in which each level names the one before, by `level` of number and name.
fn bomb(first: &str, level: impl Fn(&str) -> String) -> String {
    let mut text = format!("l0: &l0 {first}\n");
    for number in 1..=LEVELS {
        text.push_str(&format!("l{number}: &l{number} {}\n", level(&format!("*l{}", number - 1))));
    }
    text
}

fn ten(each: impl Fn(usize) -> String) -> String {
    (0..10).map(each).collect::<Vec<_>>().join(", ")
}

#[test]
fn alias_bombs() {
    let list = |alias: &str| format!("[{}]", ten(|_| alias.to_owned()));
    let map = |alias: &str| format!("{{{}}}", ten(|key| format!("k{key}: {alias}")));
    let merge = |alias: &str| format!("{{<<: {alias}, {}}}", ten(|key| format!("k{key}: {alias}")));
    let merge_list =
        |alias: &str| format!("{{<<: [{alias}, {alias}], {}}}", ten(|key| format!("k{key}: {alias}")));
    let inner_merge = |alias: &str| format!("{{<<: {{{}}}}}", ten(|key| format!("k{key}: {alias}")));
    let block = |alias: &str| format!("\n{}", ten(|_| format!("- {alias}")).replace(", ", "\n"));
    check(bomb("[x]", list), &["alias-budget"]);
    check(bomb("[x]", block), &["alias-budget"]);
    check(bomb("{k: x}", map), &["alias-budget"]);
    check(bomb("{k: x}", merge), &["alias-budget"]);
    check(bomb("{k: x}", merge_list), &["alias-budget"]);
    check(bomb("{k: x}", inner_merge), &["alias-budget"]);
    // Within a resource, and below one key of it only.
    let resource = application("hostile").replace("spec: {", "spec: {x: &l0 [x], ");
    check(format!("{resource}{}", bomb("[x]", list)), &["alias-budget"]);
    // Many documents have one budget.
    let document = format!("---\na: &a [{}]\nb: [{}]\n", ten(|_| "x".repeat(3)), ten(|_| "*a".to_owned()));
    check(document.repeat(20_000), &["alias-budget", "invalid-identity"]);
}

#[test]
fn aliases_as_keys() {
    let as_key = |alias: &str| format!("{{{}}}", ten(|_| format!("{alias} : 1")));
    // The keys are refused and what they expand to is dropped, so nothing grows.
    check(bomb("[x]", as_key), &["invalid-identity", "unsupported-key"]);
    let both = |alias: &str| format!("[{}, {{{alias} : {alias}}}]", ten(|_| alias.to_owned()));
    check(bomb("[x]", both), &["alias-budget"]);
    let keys = format!("a: &a x\nb: {{{}}}\n", "*a : 1, ".repeat(50_000));
    check(keys, &["duplicate-key", "invalid-identity"]);
    check("a: &a [*a]\n", &["recursive-alias"]);
    check("a: &a {<<: *a}\n", &["recursive-alias"]);
    check("&a {*a : 1}\n", &["recursive-alias"]);
    check("a: *a\n", &["invalid-yaml"]);
}

#[test]
fn one_large_value_named_often() {
    let items = format!("items: &items [{}]\n", "x, ".repeat(20_000));
    let uses = "- *items\n".repeat(20_000);
    check(format!("{items}uses:\n{uses}"), &["alias-budget"]);
    let text = format!("text: &text {}\nuses:\n{}", "x".repeat(1 << 20), "- *text\n".repeat(100_000));
    check(text, &["invalid-identity"]);
    let map: String = (0..20_000).map(|key| format!("k{key}: x, ")).collect();
    let merges = "- {<<: *map, k: y}\n".repeat(20_000);
    check(format!("map: &map {{{map}}}\nuses:\n{merges}"), &["alias-budget"]);
}

#[test]
fn merges_within_merges() {
    // Each level merges the one before it and adds a key: the nodes grow with the square.
    let chain = |length: usize| {
        let mut text = "m0: &m0 {k: 0}\n".to_owned();
        for number in 1..length {
            text.push_str(&format!("m{number}: &m{number} {{<<: *m{}, k{number}: {number}}}\n", number - 1));
        }
        text
    };
    check(chain(400), &["invalid-identity"]);
    check(chain(20_000), &["alias-budget"]);
    // Many keys below many merges: each merge copies them all, none may add to what is kept, and the work is bounded.
    let keys: String = (0..100_000).map(|key| format!("k{key}: 0, ")).collect();
    let nested = format!("{}{{{keys}}}{}\n", "{<<: ".repeat(120), "}".repeat(120));
    check(nested, &["alias-budget"]);
    let fewer: String = (0..30_000).map(|key| format!("k{key}: 0, ")).collect();
    let nested = format!("{}{{{fewer}}}{}\n", "{<<: ".repeat(120), "}".repeat(120));
    check(nested, &["invalid-identity"]);
    let anchored = format!("{}{{{keys}}}{}\n", "{<<: {}, k: &a ".repeat(60), "}".repeat(60));
    check(anchored, &["alias-budget"]);
    // Many small merges beside many anchors.
    let small = format!("a: &a {{k: 0}}\nuses:\n{}", "- {<<: *a, k: &x 1, l: *x}\n".repeat(50_000));
    check(small, &["invalid-identity"]);
    check("a: {<<: [1, {x: 1}, [2]]}\nb: {<<: ~}\n", &["invalid-identity", "invalid-merge"]);
}

#[test]
fn findings_in_what_aliases_bring() {
    let mut text =
        "apiVersion: v1\nkind: List\nspec: &spec {type: cots, custom: false, exposure: internal}\nitems:\n"
            .to_owned();
    for number in 0..20_000 {
        text.push_str(&format!(
            "- {{apiVersion: assize.dev/v1, kind: Application, metadata: {{name: a{number}}}, spec: *spec}}\n"
        ));
    }
    let outcome = check(text, &[]);
    assert_eq!(outcome.report["findings"].as_array().unwrap().len(), 20_001);
}

#[test]
fn deep_nesting() {
    for opening in ["[", "{a: ", "- ", "? ", "[{", "[? ", "&a [", "!!seq [", "{? ", "{[", "- ? ", ": "] {
        check(opening.repeat(100_000), &["too-deep"]);
    }
    check(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), &["too-deep"]);
    check(format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)), &["too-deep"]);
    let lines: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check(lines, &["too-deep"]);
    // Aliases make depth as well.
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    check(text, &["too-deep"]);
    check(format!("{}{}", "[".repeat(128), "]".repeat(128)), &["invalid-identity"]);
    // What is closed before it was opened.
    check("]".repeat(100_000), &["invalid-yaml"]);
    check("}".repeat(100_000), &["invalid-yaml"]);
}

/// Bytes of a long scalar.
const LONG: usize = 50 << 20;

#[test]
fn long_scalars() {
    let resource = |note: &str| {
        application("hostile").replace("{name: hostile}", &format!("\n  name: hostile\n  title: {note}"))
    };
    let plain = "x".repeat(LONG);
    check_named("hostile.yaml", resource(&plain), 1_000, &[]);
    check_named("hostile.yaml", resource(&format!("'{plain}'")), 1_000, &[]);
    check_named("hostile.yaml", resource(&format!("\"{plain}\"")), 1_000, &[]);
    check_named("hostile.yaml", resource(&format!("|\n    {plain}")), 1_000, &[]);
    let lines = "xxxxxxxxx \n    ".repeat(LONG / 15);
    check_named("hostile.yaml", resource(&format!("|\n    {lines}")), 1_000, &[]);
    check_named("hostile.yaml", resource(&format!(">\n    {lines}")), 1_000, &[]);
    check_named("hostile.yaml", resource(&lines), 1_000, &[]);
    check_named("hostile.yaml", resource(&format!("\"{}\"", "\\n".repeat(LONG / 2))), 1_000, &[]);
    check_named("hostile.yaml", format!("{}# {plain}", application("hostile")), 1_000, &[]);
    check_named("hostile.yaml", format!("{}{}", application("hostile"), "\n".repeat(LONG)), 1_000, &[]);
    // Lines that are empty cost no more than others: a table of them would have four times their size.
    check_named("hostile.yaml", format!("{}{}", "\n".repeat(3 * LONG), application("hostile")), 1_000, &[]);
    check_named("hostile.yaml", format!("{}{}", application("hostile"), "#\n".repeat(LONG / 2)), 1_000, &[]);
    // Not closed.
    check_named("hostile.yaml", resource(&format!("\"{plain}")), 1_000, &["invalid-yaml"]);
}

#[test]
fn long_names() {
    let long = "x".repeat(2 << 20);
    check_named("hostile.yaml", application(&long), MEMORY, &["invalid-resource"]);
    let spec = |more: &str| application("hostile").replace("spec: {", &format!("spec: {{{more}, "));
    check_named("hostile.yaml", spec(&format!("? {long} : 1")), MEMORY, &["invalid-resource"]);
    check_named(
        "hostile.yaml",
        spec(&format!("? \"{long}\" : 1, ? \"{long}\" : 1")),
        MEMORY,
        &["duplicate-key"],
    );
    check_named("hostile.yaml", spec(&format!("a: !{long} 1")), MEMORY, &["unsupported-tag"]);
    check_named("hostile.yaml", spec(&format!("a: !!int {long}")), MEMORY, &["unsupported-tag"]);
    check_named(
        "hostile.yaml",
        spec(&format!("a: {}", "9".repeat(2 << 20))),
        MEMORY,
        &["number-out-of-range"],
    );
    check_named("hostile.yaml", spec(&format!("a: *{long}")), MEMORY, &["invalid-yaml"]);
    check_named("hostile.yaml", spec(&format!("&{long} a: 1")), MEMORY, &["invalid-yaml"]);
    let kind = application("hostile").replace("Application", &long);
    check_named("hostile.yaml", kind, MEMORY, &["unknown-kind"]);
    let version = application("hostile").replace("assize.dev/v1", &format!("{long}/v1"));
    check_named("hostile.yaml", version, MEMORY, &[]);
}

#[test]
fn many_anchors_and_keys() {
    let anchors: String = (0..200_000).map(|number| format!("- &a{number} x\n")).collect();
    check(anchors, &["invalid-identity"]);
    let used: String = (0..200_000).map(|number| format!("- &a{number} x\n- *a{number}\n")).collect();
    check(used, &["invalid-identity"]);
    check("- &a x\n- *a\n".repeat(200_000), &["invalid-identity"]);
    let keys: String = (0..100_000).map(|number| format!("k{number}: x\n")).collect();
    check(keys.repeat(2), &["duplicate-key", "invalid-identity"]);
    let tags: String = (0..100_000).map(|number| format!("%TAG !t{number}! !x\n")).collect();
    check(format!("{tags}--- x\n"), &["invalid-identity"]);
    check(format!("%TAG !a! !b\n{}--- x\n", "%FOO\n".repeat(200_000)), &["invalid-identity"]);
}

#[test]
fn many_faults() {
    check(format!("{{{}}}", "a,".repeat(1_000_000)), &["duplicate-key", "invalid-identity"]);
    check(format!("[{}]", "!x a,".repeat(1_000_000)), &["unsupported-tag", "invalid-identity"]);
    check(format!("[{}]", "1e999,".repeat(1_000_000)), &["number-out-of-range", "invalid-identity"]);
    check(format!("[{}]", "{[]: a},".repeat(1_000_000)), &["unsupported-key", "invalid-identity"]);
    check(format!("{{{}}}", "[]: a,".repeat(1_000_000)), &["unsupported-key", "invalid-identity"]);
    check(format!("a: {{<<: [{}]}}", "1,".repeat(1_000_000)), &["invalid-merge", "invalid-identity"]);
    check("--- x\n".repeat(20_000), &["invalid-identity"]);
}

#[test]
fn many_values() {
    check_named("hostile.yaml", format!("[{}]", "a,".repeat(9_000_000)), 1_000, &["too-many-nodes"]);
    check_named("hostile.yaml", format!("[{}]", ",".repeat(1_000_000)), MEMORY, &["invalid-yaml"]);
}

#[test]
fn many_documents() {
    check("---\n".repeat(1_000_000), &["too-many-documents"]);
    check("...\n".repeat(1_000_000), &[]);
    // Before the limit everything counts, and the last document too.
    let outcome = check(format!("{}---\n{}", "---\n".repeat(199_998), application("hostile")), &[]);
    assert!(outcome.findings.contains("estate/hostile.yaml"));
    // A broken document hides neither those before nor those after it.
    let outcome = check(
        format!("{}---\nbroken: [\n---\n{}", application("one"), application("two")),
        &["invalid-yaml"],
    );
    assert_eq!(outcome.report["findings"].as_array().unwrap().len(), 3);
    check("--- [\n".repeat(100_000), &["invalid-yaml"]);
    let resources: String = (0..5_000).map(|_| format!("---\n{}", application("same"))).collect();
    check(resources, &["duplicate-resource"]);
}

#[test]
fn several_hostile_files_in_one_run() {
    let estate = Estate::new();
    estate.put("estate/a.yaml", "[".repeat(100_000));
    estate.put("estate/b.yaml", "\0");
    estate.put("estate/c.yaml", "---\n".repeat(300_000));
    estate.put("estate/d.yaml", b"\xff\xfe");
    let outcome = estate.check(MEMORY, &[]);
    outcome.expect(&[
        ("too-deep", "estate/a.yaml"),
        ("control-character", "estate/b.yaml"),
        ("too-many-documents", "estate/c.yaml"),
        ("invalid-encoding", "estate/d.yaml"),
    ]);
    // Those that nobody names leave no trace.
    estate.check(MEMORY, &[GOOD]).expect(&[]);
}
