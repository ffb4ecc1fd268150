//! Texts that want to be more than text, through every format.

use std::cell::Cell;

use assize::report::Report;
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

use super::{FORMATS, Sample, render, sample};

/// Characters that no format may write as they are.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0041}')
}

fn nasty() -> Vec<String> {
    let mut all: Vec<String> = [
        // Terminals.
        "\u{1b}[31mred\u{1b}[0m",
        "\u{9b}31m\u{7}\u{8}",
        "\u{1b}]8;;http://evil.example\u{1b}\\link",
        // HTML and XML.
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "</details></failure></testcase>]]>",
        "<!-- --> --> <!--",
        "&amp;&#x1b;&lt;b&gt;",
        "\" onmouseover=\"alert(1)",
        // Markdown.
        "](http://evil.example)",
        "[a](http://evil.example)",
        "![x](http://evil.example/x.png)",
        "# heading",
        "line\n\n## heading\n\n- item\n\n```\nfence",
        "`code",
        "``` ``",
        "`a` @everyone `b`",
        "**bold** _it_ ~~no~~",
        "| cell | cell |",
        "@everyone",
        "#1 GH-1 owner/repo#1",
        "see https://evil.example or www.evil.example",
        "\\",
        "ends with \\",
        "[x]: http://evil.example",
        // Spreadsheets.
        "=HYPERLINK(\"http://evil.example\")",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "a\",\"b\r\n=1",
        // Workflow commands.
        "::error file=x::injected",
        "\n::error::injected",
        "\r::error::injected",
        "%0A::error::injected%25",
        "##[error]injected",
        "\u{2028}::error::injected",
        "file=x,line=1::injected",
        // SARIF.
        "{0} {1} {a}",
        // Text that is not what it seems.
        "\u{202e}txt.exe\u{202c}",
        "\u{2066}x\u{2069}\u{200f}\u{200b}\u{feff}",
        "\u{e0041}\u{e0042}",
        // Characters that XML forbids.
        "\0",
        "\u{1}\u{b}\u{c}\u{e}\u{1f}\u{7f}\u{85}\u{fffe}\u{ffff}",
        // Hardly a text.
        "",
        " ",
        "  two  blanks  ",
        "\n",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push("`".repeat(5_000));
    all.push("[".repeat(5_000));
    all.push("\u{202e}".repeat(5_000));
    all
}

/// The reports of a text: alone, and after other words.
fn reports(nasty: &str) -> Vec<Report> {
    let alone = |_: &str| nasty.to_owned();
    let after = |plain: &str| format!("{plain} {nasty}");
    [&alone as &dyn Fn(&str) -> String, &after]
        .iter()
        .flat_map(|text| [Sample { text }.report(), Sample { text }.comparison()])
        .collect()
}

#[test]
fn nothing_hostile_is_written() {
    for nasty in nasty() {
        for report in reports(&nasty) {
            for format in FORMATS {
                let written = render(format, &report);
                let written = if format == "csv" { written.replace("\r\n", "\n") } else { written };
                let found: Vec<char> = written.chars().filter(|c| acts(*c)).collect();
                assert!(found.is_empty(), "{format} of {nasty:?} holds {found:?}");
            }
        }
    }
}

#[test]
fn json_keeps_the_texts() {
    for nasty in nasty() {
        let report = Sample { text: &|_| nasty.clone() }.comparison();
        let value: Value = serde_json::from_str(&render("json", &report)).unwrap();
        assert_eq!(value["findings"][0]["message"], nasty);
        assert_eq!(value["comparison"]["resources"][0]["fields"][0]["old"], nasty);
        for line in render("jsonl", &report).lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
    }
}

#[test]
fn the_forms_of_machines_hold() {
    let [check, diff] = [sample().report(), sample().comparison()];
    let count = |format: &str, report: &Report| -> usize {
        let text = render(format, report);
        match format {
            "sarif" => {
                let log: serde_sarif::sarif::Sarif = serde_json::from_str(&text).unwrap();
                log.runs[0].results.as_ref().unwrap().len()
            }
            "gitlab" => serde_json::from_str::<Vec<Value>>(&text).unwrap().len(),
            "junit" => {
                let document = roxmltree::Document::parse(&text).unwrap();
                let cases: Vec<_> =
                    document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
                for case in &cases {
                    assert!(!case.attribute("name").unwrap().trim().is_empty());
                }
                document.descendants().filter(roxmltree::Node::is_element).count()
            }
            "csv" => {
                let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
                let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
                for cell in rows.iter().flatten() {
                    let first = cell.trim_start_matches(' ').chars().next();
                    assert!(!first.is_some_and(|c| "=+-@\t\r\n＝＋－＠".contains(c)), "{cell:?}");
                }
                rows.len()
            }
            "github" => {
                for line in text.lines() {
                    let starts = ["::error ", "::warning ", "::notice "];
                    assert!(starts.iter().any(|start| line.starts_with(start)), "{line:?}");
                    // Between the command and its message there are only our own properties.
                    let properties = line.split("::").nth(1).unwrap();
                    let names = properties.split([' ', ',']).filter_map(|part| part.split_once('='));
                    let known = ["file", "line", "endLine", "col", "endColumn", "title"];
                    assert!(!properties.contains('\u{1b}') && names.clone().count() > 0);
                    assert!(known.contains(&names.clone().next().unwrap().0), "{line:?}");
                    assert!(!line.contains("##["), "{line:?}");
                }
                text.lines().count()
            }
            "summary" => text.lines().count(),
            other => panic!("{other}"),
        }
    };
    for format in ["sarif", "gitlab", "junit", "csv", "github", "summary"] {
        for nasty in nasty() {
            for (at, report) in reports(&nasty).iter().enumerate() {
                let expected = count(format, if at % 2 == 0 { &check } else { &diff });
                assert_eq!(count(format, report), expected, "{format} of {nasty:?}");
            }
        }
    }
}

/// What Markdown makes of a text: everything but words and code.
fn structure(text: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
    let mut found = Vec::new();
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Text(text) => {
                let lower = text.to_lowercase();
                for part in ["@", "#", "http", "www.", "gh-", "<"] {
                    assert!(!lower.contains(part) || lower.starts_with("assize"), "{text:?} is no code");
                }
            }
            Event::Code(_) | Event::SoftBreak | Event::End(_) => {}
            Event::Html(html) | Event::InlineHtml(html) => found.push(html.trim().to_owned()),
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("a link in {text}"),
            Event::Start(tag) => found.push(format!("{tag:?}")),
            other => found.push(format!("{other:?}")),
        }
    }
    found
}

#[test]
fn markdown_keeps_its_structure() {
    for format in ["markdown", "job-summary"] {
        let expected =
            [&sample().report(), &sample().comparison()].map(|report| structure(&render(format, report)));
        for nasty in nasty() {
            for (at, report) in reports(&nasty).iter().enumerate() {
                assert_eq!(structure(&render(format, report)), expected[at % 2], "{format} of {nasty:?}");
            }
        }
    }
}

#[test]
fn sarif_has_no_links() {
    for nasty in nasty() {
        for report in reports(&nasty) {
            let value: Value = serde_json::from_str(&render("sarif", &report)).unwrap();
            let run = &value["runs"][0];
            for result in run["results"].as_array().unwrap() {
                let message = result["message"]["text"].as_str().unwrap();
                let message = message.replace("\\]", "");
                assert!(!message.contains("](") && !message.replace("{{", "").contains("{0}"), "{message:?}");
            }
            for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
                drop(structure(rule["help"]["markdown"].as_str().unwrap()));
            }
        }
    }
}

#[test]
fn four_megabytes_are_cut_where_a_person_reads() {
    let long = "long words and \u{1b} `more` ".repeat(4 << 20 >> 4);
    // Not in every place, or the tests would do nothing else.
    let left = Cell::new(12);
    let text = |plain: &str| {
        let is_meant =
            plain.contains("spec.owner names") || plain.contains("Stolen") || plain.contains("Set `spec");
        let is_meant =
            is_meant || plain == "ledger" || plain.starts_with("It is") || plain.starts_with("did not");
        if is_meant && left.get() > 0 {
            left.set(left.get() - 1);
            long.clone()
        } else {
            plain.to_owned()
        }
    };
    let report = Sample { text: &text }.comparison();
    assert!(left.get() < 6, "the long text is in no place");
    let longest = [
        ("human", 200_000),
        ("sarif", 200_000),
        ("junit", 200_000),
        ("github", 60_000),
        ("job-summary", 200_000),
        ("gitlab", 60_000),
        ("markdown", 60_000),
        ("csv", 2_000_000),
        ("summary", 1_100),
    ];
    for (format, most) in longest {
        let written = render(format, &report);
        assert!(written.len() < most, "{format}: {}", written.len());
        assert!(written.contains('…') || format == "summary", "{format} does not say that it cuts");
    }
    let json: Value = serde_json::from_str(&render("json", &report)).unwrap();
    assert!(json.to_string().len() > long.len());
}
