//! The file that `assize baseline` writes: `schemas/baseline.schema.json` describes it.

use std::io::{self, Write};

use super::escape::for_yaml;
use crate::policy::{BASELINE_VERSION, BaselineEntry};

/// Writes a baseline, its entries in the order of rule, resource and fingerprint: equal entries give equal bytes, and
/// those of one rule on one resource stand together.
///
/// # Errors
/// Those of the writer.
pub fn write_baseline(entries: &[BaselineEntry], out: &mut dyn Write) -> io::Result<()> {
    let mut entries: Vec<&BaselineEntry> = entries.iter().collect();
    entries.sort_by_key(|entry| (&entry.rule, &entry.resource, entry.fingerprint));
    writeln!(
        out,
        "# Findings that stood when `assize baseline` wrote this. Each counts again once its resource changes.\nversion: {BASELINE_VERSION}"
    )?;
    if entries.is_empty() {
        return writeln!(out, "findings: []");
    }
    writeln!(out, "findings:")?;
    for entry in entries {
        writeln!(out, "  - rule: {}", for_yaml(&entry.rule))?;
        writeln!(out, "    resource: {}", for_yaml(&entry.resource))?;
        writeln!(out, "    severity: {}", entry.severity)?;
        if entry.count != 1 {
            writeln!(out, "    count: {}", entry.count)?;
        }
        writeln!(out, "    fingerprint: {}", for_yaml(&entry.fingerprint.to_string()))?;
        writeln!(out, "    resourceDigest: {}", for_yaml(&entry.resource_digest.to_string()))?;
        writeln!(out, "    ruleDigest: {}", for_yaml(&entry.rule_digest.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::{ContentDigest, Fingerprint, Location, Severity};
    use crate::policy::parse_baseline;

    fn entry(rule: &str, resource: &str, count: u64) -> BaselineEntry {
        BaselineEntry {
            fingerprint: Fingerprint::of(&[rule, resource]),
            rule: rule.to_owned(),
            severity: Severity::High,
            resource: resource.to_owned(),
            count,
            resource_digest: ContentDigest::of_bytes(resource.as_bytes()),
            rule_digest: ContentDigest::of_bytes(rule.as_bytes()),
            location: Location::start_of(""),
        }
    }

    fn written(entries: &[BaselineEntry]) -> String {
        let mut out = Vec::new();
        write_baseline(entries, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let hostile = "a\"b\\c\n- rule: x\u{1b}[2J\u{202e}\u{85}\u{1f600} é: #\u{0}";
        let mut entries =
            vec![entry("b", "DataStore/x", 1), entry("a", hostile, 3), entry("a", "DataStore/y", 1)];
        let text = written(&entries);
        assert!(text.is_ascii() || !text.contains(['\u{1b}', '\u{202e}', '\u{85}']), "{text}");
        let found = parse_baseline(text.clone().into_bytes(), &Arc::from("b.yaml")).unwrap();
        let plain =
            |entry: &BaselineEntry| BaselineEntry { location: Location::start_of(""), ..entry.clone() };
        let found: Vec<_> = found.entries.iter().map(plain).collect();
        entries.sort_by_key(|entry| (entry.rule.clone(), entry.resource.clone()));
        assert_eq!(found, entries);
        entries.reverse();
        assert_eq!(written(&entries), text, "the order of what is given means nothing");
        assert_eq!(parse_baseline(written(&[]).into_bytes(), &Arc::from("b.yaml")).unwrap().entries, []);
    }
}
