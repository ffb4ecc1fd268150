//! Bytes and characters that are no YAML, or that editors hide.

use super::{MEMORY, application, check, check_named};

#[test]
fn forbidden_characters() {
    let with = |character: char| format!("{}# {character}\n", application("hostile"));
    for character in
        ['\0', '\u{1}', '\u{8}', '\u{b}', '\u{1b}', '\u{7f}', '\u{80}', '\u{90}', '\u{9b}', '\u{9f}']
    {
        check(with(character), &["control-character"]);
    }
    // The rest of the file is not read: half a file is worse than none.
    for character in ['\u{85}', '\u{a0}', '\u{200b}', '\u{202e}', '\u{2028}', '\u{10ffff}'] {
        let outcome = check(with(character), &[]);
        assert!(outcome.findings.contains("estate/hostile.yaml"), "{character:?}");
    }
    check(with('\u{fffe}'), &["invalid-yaml"]);
    check(application("hostile").replace("cots", "\"co\0ts\""), &["control-character"]);
}

#[test]
fn other_encodings() {
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let text = application("hostile");
        let units = text.encode_utf16();
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(units).flat_map(bytes).collect()
    };
    check(utf16(u16::to_le_bytes, true), &["invalid-encoding"]);
    check(utf16(u16::to_be_bytes, true), &["invalid-encoding"]);
    check(utf16(u16::to_le_bytes, false), &["control-character"]);
    check(utf16(u16::to_be_bytes, false), &["control-character"]);
    let with = |bytes: &[u8]| [application("hostile").as_bytes(), b"# ", bytes, b"\n"].concat();
    check(with(b"caf\xe9"), &["invalid-encoding"]);
    check(with(b"\xed\xa0\x80"), &["invalid-encoding"]);
    check(with(b"\xc0\x80"), &["invalid-encoding"]);
    check(with(b"\xf4\x90\x80\x80"), &["invalid-encoding"]);
    check(with(b"\xe2\x82"), &["invalid-encoding"]);
}

#[test]
fn surrogates_in_json() {
    let json = |name: &str| {
        format!(
            "{{\"apiVersion\": \"assize.dev/v1\", \"kind\": \"Application\", \"metadata\": {{\"name\": \"hostile\", \"title\": \"{name}\"}}, \"spec\": {{\"type\": \"cots\", \"custom\": false, \"exposure\": \"internal\"}}}}"
        )
    };
    for text in ["\\ud800", "\\udc00", "\\udc00\\ud800", "\\ud83d x", "\\ud83d\\ud83d", "\\u00", "\\u{41}"] {
        check_named("hostile.json", json(text), MEMORY, &["invalid-yaml"]);
    }
    let outcome = check_named("hostile.json", json("\\ud83d\\ude00"), MEMORY, &[]);
    assert!(outcome.findings.contains("estate/hostile.json"));
}

#[test]
fn byte_order_marks() {
    let text = application("hostile");
    let outcome = check(format!("\u{feff}{text}"), &[]);
    assert!(outcome.findings.contains("estate/hostile.yaml"));
    // Each document may begin with one, and there may be documents of nothing (section 9.2).
    check(format!("\u{feff}\u{feff}{text}"), &[]);
    check(text.replace("metadata", "\u{feff}metadata"), &["invalid-yaml"]);
    check(text.replace("cots", "co\u{feff}ts"), &["control-character"]);
    check(text.replace("type:", "ty\u{feff}pe:"), &["control-character"]);
    check(text.replace("type:", "\u{feff}type:"), &["invalid-yaml"]);
}

#[test]
fn line_breaks_and_tabs() {
    let text = application("hostile");
    for with in ["\r\n", "\r"] {
        let outcome = check(text.replace('\n', with), &[]);
        let finding = outcome.report["findings"].as_array().unwrap().last().unwrap();
        assert_eq!(finding["location"]["file"], "estate/hostile.yaml");
        assert_eq!((&finding["location"]["line"], &finding["location"]["column"]), (&4.into(), &1.into()));
    }
    let nested = "apiVersion: assize.dev/v1\nkind: Application\nmetadata:\n\tname: hostile\nspec: {}\n";
    check(nested, &["invalid-yaml"]);
    check(nested.replace('\t', "  ").replace("spec:", "\tspec:"), &["invalid-yaml"]);
}

#[test]
fn nothing_at_all() {
    for text in
        ["", "\n", " \n\t\n", "# comment\n", "---\n", "--- # comment\n...\n", "\u{feff}", "\u{feff}# x\n"]
    {
        check(text, &[]);
    }
    // A text or null says less than a resource should.
    check("~\n", &["invalid-identity"]);
    check("x\n", &["invalid-identity"]);
    check("%YAML 1.2\n", &["invalid-yaml"]);
}
