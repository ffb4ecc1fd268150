//! The tables in which examples list their planted violations, and that these are found and nothing else.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use serde_json::Value;

/// Compares what a report found with the table of an example's README, which has at least `least` rows. Rules that the
/// report does not know are left out.
#[track_caller]
pub(crate) fn check_planted(readme: &str, least: usize, report: &Value) {
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let rules: BTreeSet<String> =
        report["rules"].as_array().unwrap().iter().map(|rule| text(rule, "/rule")).collect();
    let planted = planted(readme);
    assert!(planted.len() >= least, "the table of the README is not read");
    let expected: BTreeSet<String> = planted
        .into_iter()
        .filter(|line| line.rsplit(' ').next().is_some_and(|rule| rules.contains(rule)))
        .collect();
    let found: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| text(finding, "/status") == "fail")
        .map(|finding| {
            let resource = format!("{}/{}", text(finding, "/resource/kind"), text(finding, "/resource/name"));
            format!("{} {resource} {}", text(finding, "/location/file"), text(finding, "/rule"))
        })
        .collect();
    assert_eq!(found.len(), expected.len(), "one finding for each row: {found:#?}");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

/// The rows of the table, as "file resource rule".
fn planted(readme: &str) -> BTreeSet<String> {
    readme
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            match cells.as_slice() {
                ["", number, file, resource, rule, ..] if number.parse::<u32>().is_ok() => {
                    Some(format!("{file} {resource} {rule}"))
                }
                _ => None,
            }
        })
        .collect()
}
