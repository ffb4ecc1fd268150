//! Every format renders one shared report, and none lets a hostile text do anything.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

mod nasty;
mod sample;
mod secret;

use std::collections::BTreeMap;
use std::io::{self, Write};

use assize::finding::{Severity, Status};
use assize::policy::builtin_schema;
use assize::report::{
    GroupBy, Human, Report, Sources, write_csv, write_github, write_gitlab, write_job_summary, write_json,
    write_jsonl, write_junit, write_markdown, write_sarif, write_summary,
};
use serde_json::{Value, json};

use self::sample::{SOURCES, Sample};

/// The formats by name, each as its bytes, which are text.
const FORMATS: [&str; 11] = [
    "human",
    "json",
    "jsonl",
    "sarif",
    "junit",
    "github",
    "job-summary",
    "gitlab",
    "markdown",
    "csv",
    "summary",
];

fn render(format: &str, report: &Report) -> String {
    let human = Human { color: false, links: false, width: 120, quiet: false, group_by: GroupBy::File };
    let mut read = |file: &str| {
        let (_, text) = SOURCES.iter().find(|(name, _)| *name == file)?;
        Some(((*text).to_owned(), format!("/{file}")))
    };
    let sources: &mut Sources<'_> = &mut read;
    let mut out = Vec::new();
    let write: &mut dyn Write = &mut out;
    let done: io::Result<()> = match format {
        "human" => human.write(report, sources, write),
        "json" => write_json(report, write),
        "jsonl" => write_jsonl(report, write),
        "sarif" => write_sarif(report, sources, write),
        "junit" => write_junit(report, write),
        "github" => write_github(report, write),
        "job-summary" => write_job_summary(report, write),
        "gitlab" => write_gitlab(report, write),
        "markdown" => write_markdown(report, write),
        "csv" => write_csv(report, write),
        "summary" => write_summary(report, write),
        other => panic!("{other}"),
    };
    done.unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(text: &str) -> String {
    text.to_owned()
}

fn sample() -> Sample<'static> {
    Sample { text: &plain }
}

/// A report in which nothing was found and nothing went wrong.
fn clean() -> Report {
    let mut report = sample().report();
    report.findings.clear();
    report.fingerprints.clear();
    report.problems.clear();
    report.masked.clear();
    for rule in &mut report.rules {
        let tally = &mut rule.tally;
        (tally.passed, tally.failed, tally.suppressed, tally.errors) = (tally.matched, 0, 0, 0);
        tally.baselined = 0;
    }
    report.baseline = None;
    report.run.max.clear();
    report.ownership.faults.clear();
    report
}

fn shown(format: &str, text: &str) -> String {
    if format == "sarif" {
        // It is written without blanks; a person reviews it with them.
        let value: Value = serde_json::from_str(text).unwrap();
        return serde_json::to_string_pretty(&value).unwrap();
    }
    text.replace('\r', "␍")
}

#[test]
fn a_run_in_every_format() {
    for format in FORMATS {
        insta::assert_snapshot!(
            format!("check-{format}"),
            shown(format, &render(format, &sample().report()))
        );
    }
}

#[test]
fn a_comparison_in_every_format() {
    for format in FORMATS {
        insta::assert_snapshot!(
            format!("diff-{format}"),
            shown(format, &render(format, &sample().comparison()))
        );
    }
}

#[test]
fn a_problem_alone_never_looks_like_a_pass() {
    let mut report = clean();
    let before: BTreeMap<&str, String> =
        FORMATS.iter().map(|format| (*format, render(format, &report))).collect();
    let problem = sample().report().problems.remove(0);
    report.problems.push(problem);
    let after: BTreeMap<&str, String> =
        FORMATS.iter().map(|format| (*format, render(format, &report))).collect();
    let marks = [
        ("human", "problem[undecided]"),
        ("json", "\"code\": \"undecided\""),
        ("jsonl", "{\"type\":\"problem\",\"code\":\"undecided\""),
        ("sarif", "\"executionSuccessful\":false"),
        ("sarif", "\"ruleId\":\"problem/undecided\""),
        ("junit", "<error type=\"undecided\""),
        ("github", "::error title=could not be checked%3A undecided::"),
        ("job-summary", "### assize: incomplete"),
        ("gitlab", "\"severity\": \"blocker\""),
        ("markdown", "### assize: incomplete"),
        ("csv", "\nproblem,,,,undecided,"),
        ("summary", "incomplete: no findings, 1 problem"),
    ];
    for (format, mark) in marks {
        assert!(after[format].contains(mark), "{format}: {}", after[format]);
        assert!(!before[format].contains(mark), "{format}: {}", before[format]);
    }
    let covered: std::collections::BTreeSet<&str> = marks.iter().map(|(format, _)| *format).collect();
    assert_eq!(covered.len(), FORMATS.len());
}

#[test]
fn a_run_that_matched_nothing_is_not_all_green() {
    let mut report = clean();
    for rule in &mut report.rules {
        (rule.tally.matched, rule.tally.passed) = (0, 0);
    }
    let text = render("junit", &report);
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.descendants().filter(|node| node.has_tag_name("testsuite"));
    let skipped = suites.filter(|suite| suite.attribute("skipped") == Some("1")).count();
    // One suite more holds the rules that are for other roles.
    assert_eq!(skipped, report.rules.len() + 1);
}

#[test]
fn json_fits_the_published_schema() {
    let schema: Value = serde_json::from_str(builtin_schema("output").unwrap()).unwrap();
    let check = |schema: &Value, value: &Value| {
        let validator = jsonschema::validator_for(schema).unwrap();
        let complaints: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert_eq!(complaints, Vec::<String>::new());
    };
    for report in [sample().report(), sample().comparison(), clean()] {
        check(&schema, &serde_json::from_str(&render("json", &report)).unwrap());
        for line in render("jsonl", &report).lines() {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let fields = line.as_object_mut().unwrap();
            let sort = fields.remove("type").unwrap();
            let sort = sort.as_str().unwrap();
            let content = match sort {
                "run" | "summary" => fields.remove(sort).unwrap(),
                _ => line,
            };
            let definition = json!({"$ref": format!("#/$defs/{sort}"), "$defs": schema["$defs"]});
            check(&definition, &content);
        }
    }
}

#[test]
fn sarif_is_what_the_standard_says() {
    use serde_sarif::sarif::Sarif;
    for report in [sample().report(), sample().comparison(), clean()] {
        let text = render("sarif", &report);
        let log: Sarif = serde_json::from_str(&text).unwrap();
        let [run] = log.runs.as_slice() else { panic!("{text}") };
        let results = run.results.as_ref().unwrap();
        let rules = run.tool.driver.rules.as_ref().unwrap();
        let extra = report
            .comparison
            .as_ref()
            .map_or(0, |comparison| comparison.events.len() + comparison.gate.len());
        assert_eq!(results.len(), report.findings.len() + report.problems.len() + extra);
        for rule in rules {
            let tags = rule.properties.as_ref().unwrap().tags.as_ref().unwrap();
            assert!(tags.len() <= 20, "{tags:?}");
            assert!(rule.help_uri.is_none());
        }
        for result in results {
            // Each result and its rule agree on who they are.
            let index = usize::try_from(result.rule_index.unwrap()).unwrap();
            assert_eq!(Some(&rules[index].id), result.rule_id.as_ref());
            let [place] = result.locations.as_ref().unwrap().as_slice() else { panic!("{result:?}") };
            let region = place.physical_location.as_ref().unwrap().region.as_ref().unwrap();
            let all = [region.start_line, region.start_column, region.end_line, region.end_column];
            assert!(all.iter().all(Option::is_some), "{region:?}");
            assert!(result.partial_fingerprints.as_ref().unwrap().contains_key("assize/v1"));
        }
        let invocation = &run.invocations.as_ref().unwrap()[0];
        assert_eq!(invocation.execution_successful, report.problems.is_empty());
        assert_eq!(invocation.tool_execution_notifications.as_ref().unwrap().len(), report.problems.len());
    }
}

#[test]
fn sarif_keeps_within_what_github_takes_and_says_so() {
    let mut report = sample().report();
    report.problems.clear();
    let print = report.fingerprints[0];
    // Of the worst severity there are as many as of the least; texts that do not compress.
    let mut state = 1_u64;
    let mut noise = |length: usize| -> String {
        let mut text = String::new();
        while text.len() < length {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:016x}", state ^ (state >> 29)));
        }
        text
    };
    let base = report.findings[0].clone();
    report.findings.clear();
    for number in 0..30_000_u32 {
        let message = if number < 100 { "short".to_owned() } else { noise(40) };
        report.findings.push(assize::finding::Finding {
            rule: if number % 2 == 0 { 0 } else { 3 },
            message: message.into(),
            ..base.clone()
        });
    }
    report.fingerprints = vec![print; report.findings.len()];
    let count = |text: &str, rule: &str| text.matches(&format!("\"ruleId\":\"{rule}\"")).count();
    let text = render("sarif", &report);
    assert_eq!((count(&text, "owner-has-left"), count(&text, "untidy-record")), (15_000, 10_000));
    assert!(
        text.contains("5000 results are left out (5000 info), to stay within 25000 results"),
        "{}",
        &text[..2000]
    );

    for finding in &mut report.findings {
        finding.message = noise(900).into();
    }
    let text = render("sarif", &report);
    let size = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap().len()
    };
    assert!(size <= 10_000_000 && size > 8_000_000, "{size}");
    assert!(count(&text, "owner-has-left") > 10_000 && text.contains("left out ("));
    let critical = count(&text, "owner-has-left");
    assert!(critical == 15_000 || count(&text, "untidy-record") == 0, "{critical}");
}

#[test]
fn a_comment_is_bounded_and_says_what_it_leaves_out() {
    let mut report = sample().report();
    let base = report.findings[1].clone();
    report.findings = vec![base; 5_000];
    report.fingerprints = vec![report.fingerprints[1]; 5_000];
    let text = render("markdown", &report);
    assert!(text.len() <= 60_000, "{}", text.len());
    assert!(text.contains(" of 5000 left out: there is no room for more here."));
    assert!(render("job-summary", &report).len() > 60_000);
    assert!(render("job-summary", &report).len() <= 1 << 20);
    let lines = render("github", &report).lines().count();
    assert!(lines <= 1_002, "{lines}");
}

#[test]
fn github_shows_the_worst_first() {
    let text = render("github", &sample().report());
    let titles: Vec<&str> =
        text.lines().filter_map(|line| line.split("title=").nth(1)?.split("::").next()).collect();
    assert_eq!(
        titles,
        [
            "could not be checked%3A undecided",
            "could not be checked%3A invalid-yaml",
            "critical%3A owner-has-left",
            "high%3A plain-store",
            "info%3A untidy-record",
            "entries of the baseline that no longer hold",
            "assize",
        ]
    );
}

#[test]
fn a_comparison_fails_only_for_what_is_new() {
    let mut report = sample().comparison();
    assert!(report.fails());
    let comparison = report.comparison.as_mut().unwrap();
    comparison.gate.clear();
    comparison.events.clear();
    for change in &mut comparison.changes {
        change.state = assize::report::State::Persisting;
    }
    assert!(!report.fails());
    report.run.fail_on = Some(Severity::Info);
    assert!(!report.fails());
    report.comparison.as_mut().unwrap().changes[0].state = assize::report::State::New;
    assert!(report.fails());
    report.findings[0].status = Status::Waived;
    assert!(!report.fails());
}
