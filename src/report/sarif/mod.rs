//! `sarif`: SARIF 2.1.0, within what GitHub's code scanning takes.
//!
//! Findings are results; so are problems that have a place to show (an upload without them would close the alerts of
//! a file that can no longer be read) and changes of the gate. Every problem is a notification as well, and the run
//! is marked as not successful. Findings that are fixed stand in the properties of the run: as results with the
//! baseline state `absent`, GitHub would open alerts for them.

mod form;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::value::RawValue;

use self::form::{
    ArtifactLocation, ComparisonProperties, Configuration, Descriptor, DescriptorReference, Driver,
    FixedProperties, Help, Invocation, Log, LogicalLocation, NotApplicable, Notification, PhysicalLocation,
    Place, Population, Region, RuleProperties, Run, RunProperties, SarifResult, Suppression, Text, Tool,
    UriBase,
};
use super::comparison::{Comparison, FindingChange, GateChange, GateEffect, GateSort, State};
use super::escape::{Layout, code, for_sarif, for_uri, one_line, prose, write_json_value};
use super::line_hash::{LINES, line_hashes};
use super::masked::MaskedLines;
use super::{Report, RuleInfo, Sources, word};
use crate::finding::{Finding, Fingerprint, Location, Severity, Status};
use crate::problem::{Code, Problem};
use crate::waive::WaiverState;

/// What GitHub takes of a file ("SARIF support for code scanning").
const MOST_RESULTS: usize = 25_000;
const MOST_COMPRESSED_BYTES: usize = 10_000_000;
const MOST_TAGS: usize = 20;

/// GitHub cuts descriptions here.
const LONGEST_DESCRIPTION: usize = 1_000;
const LONGEST_MESSAGE: usize = 1_000;
const LONGEST_HELP: usize = 4_000;

/// How many fixed findings and changed resources the properties of the run list.
const MOST_LISTED: usize = 1_000;

const SOURCE_ROOT: &str = "%SRCROOT%";

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// A result with what decides whether it stays.
struct Entry {
    /// Less is kept longer.
    rank: (u8, u8, u8),
    severity: Option<Severity>,
    json: Box<RawValue>,
}

/// Writes the report. `sources` gives the files for the hashes of lines.
///
/// # Errors
/// Those of the writer.
pub fn write_sarif(report: &Report, sources: &mut Sources<'_>, out: &mut dyn Write) -> io::Result<()> {
    let descriptors = Descriptors::of(report);
    let entries = entries(report, sources, &descriptors)?;
    let mut order: Vec<(usize, &Entry)> = entries.iter().enumerate().collect();
    order.sort_by_key(|(_, entry)| entry.rank);
    let mut kept = order.len().min(MOST_RESULTS);
    loop {
        let (chosen, left_out) = order.split_at(kept);
        let mut chosen = chosen.to_vec();
        chosen.sort_unstable_by_key(|(at, _)| *at);
        let results = chosen.into_iter().map(|(_, entry)| &*entry.json).collect();
        let log = log(report, &descriptors, results, left_out);
        let mut text = Vec::new();
        write_json_value(&log, &mut text, Layout::Compact)?;
        text.push(b'\n');
        let size = compressed(&text)?;
        if size <= MOST_COMPRESSED_BYTES || kept == 0 {
            return out.write_all(&text);
        }
        // In proportion, and a little more, since what is left compresses less well.
        kept = kept.saturating_mul(MOST_COMPRESSED_BYTES / 20 * 19) / size;
    }
}

/// The size that an upload has. What is small enough as it is need not be compressed to know.
fn compressed(text: &[u8]) -> io::Result<usize> {
    if text.len() <= MOST_COMPRESSED_BYTES {
        return Ok(text.len());
    }
    let mut encoder = GzEncoder::new(Counter(0), Compression::default());
    encoder.write_all(text)?;
    Ok(encoder.finish()?.0)
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log<'a>(
    report: &'a Report,
    descriptors: &'a Descriptors,
    results: Vec<&'a RawValue>,
    left_out: &[(usize, &Entry)],
) -> Log<'a> {
    let mut notifications: Vec<Notification> =
        report.problems.iter().map(|problem| notification(problem, descriptors)).collect();
    if !left_out.is_empty() {
        let count =
            |severity| left_out.iter().filter(|(_, entry)| entry.severity == Some(severity)).count() as u64;
        let severities = word::by_severity(&Severity::ALL.map(|severity| (severity, count(severity))));
        let text = format!(
            "{} left out{severities}, to stay within {MOST_RESULTS} results and {} MB compressed, which is what GitHub takes; the formats json, jsonl and csv have them all",
            word::plural_are(left_out.len() as u64, "result"),
            MOST_COMPRESSED_BYTES / 1_000_000,
        );
        notifications.push(Notification {
            descriptor: None,
            level: "warning",
            message: Text { text },
            locations: Vec::new(),
        });
    }
    let root = "the top of the repository".to_owned();
    Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "assize",
                    version: report.run.version,
                    semantic_version: report.run.version,
                    rules: &descriptors.rules,
                    notifications: &descriptors.notifications,
                },
            },
            invocations: [Invocation {
                execution_successful: report.problems.is_empty(),
                tool_execution_notifications: notifications,
            }],
            original_uri_base_ids: BTreeMap::from([(
                SOURCE_ROOT,
                UriBase { description: Text { text: root } },
            )]),
            column_kind: "unicodeCodePoints",
            results,
            properties: RunProperties {
                as_of: &report.run.as_of,
                verdict: word::verdict(report),
                summary: one_line(&word::totals(report), LONGEST_MESSAGE),
                baseline: word::baseline_notes(report)
                    .iter()
                    .take(MOST_LISTED)
                    .map(|note| one_line(note, LONGEST_MESSAGE))
                    .collect(),
                resources: report.counts.resources(),
                files: report.counts.files,
                pairs: report.counts.pairs,
                not_applicable: report
                    .not_by_role()
                    .map(|rule| NotApplicable {
                        rule: rule.rule.to_string(),
                        reason: one_line(&rule.reason, LONGEST_MESSAGE),
                    })
                    .collect(),
                comparison: report
                    .comparison
                    .as_ref()
                    .map(|comparison| comparison_properties(report, comparison)),
            },
        }],
    }
}

fn comparison_properties(report: &Report, comparison: &Comparison) -> ComparisonProperties {
    let fixed = comparison.fixed.iter().take(MOST_LISTED).filter_map(|fixed| {
        Some(FixedProperties {
            rule: report.rule(&fixed.finding)?.name.to_string(),
            resource: one_line(&fixed.finding.resource.identity.to_string(), LONGEST_MESSAGE),
            message: one_line(&fixed.finding.message, LONGEST_MESSAGE),
            fingerprint: fixed.fingerprint.to_string(),
            cause: fixed.cause.as_ref().map(|cause| one_line(&cause.sentence(), LONGEST_MESSAGE)),
        })
    });
    let resources = comparison.resources.iter().take(MOST_LISTED).map(|change| {
        let fields: Vec<String> = change.fields.iter().map(super::FieldChange::sentence).collect();
        let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join("; ")) };
        one_line(&format!("{}{fields}", change.sentence()), LONGEST_MESSAGE)
    });
    ComparisonProperties {
        base: one_line(&comparison.base.to_string(), LONGEST_MESSAGE),
        head: one_line(&comparison.head.to_string(), LONGEST_MESSAGE),
        fixed: fixed.collect(),
        fixed_left_out: comparison.fixed.len().saturating_sub(MOST_LISTED),
        resources: resources.collect(),
        resources_left_out: comparison.resources.len().saturating_sub(MOST_LISTED),
    }
}

/// What results and notifications refer to by position.
struct Descriptors {
    /// The rules of the report in its order, then those of the gate and of problems.
    rules: Vec<Descriptor>,
    gate: BTreeMap<GateSort, usize>,
    problems: BTreeMap<Code, usize>,
    notifications: Vec<Descriptor>,
}

impl Descriptors {
    fn of(report: &Report) -> Self {
        let mut rules: Vec<Descriptor> = report.rules.iter().map(rule).collect();
        let mut gate = BTreeMap::new();
        for change in report.comparison.iter().flat_map(|comparison| &comparison.gate) {
            gate.entry(change.sort).or_insert_with(|| {
                rules.push(gate_rule(change.sort));
                rules.len() - 1
            });
        }
        let mut problems = BTreeMap::new();
        let mut notifications = Vec::new();
        for code in report.problems.iter().map(|problem| problem.code).collect::<BTreeSet<_>>() {
            problems.insert(code, rules.len());
            rules.push(problem_rule(code, format!("problem/{code}")));
            notifications.push(problem_rule(code, code.to_string()));
        }
        Self { rules, gate, problems, notifications }
    }
}

fn rule(rule: &RuleInfo) -> Descriptor {
    let required = if rule.requirements.is_empty() {
        (String::new(), String::new())
    } else {
        let list: Vec<String> =
            rule.requirements.iter().map(|id| one_line(id, LONGEST_DESCRIPTION)).collect();
        let coded: Vec<String> = list.iter().map(|id| code(id)).collect();
        (
            format!("\n\nRequired by {}.", list.join(", ")),
            format!("\n\n**Required by** {}.", coded.join(", ")),
        )
    };
    let security_severity = match rule.severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    };
    // GitHub reads `security-severity` of rules with this tag only.
    let mut tags = vec!["security".to_owned()];
    for requirement in &rule.requirements {
        let requirement = one_line(requirement, LONGEST_DESCRIPTION);
        if tags.len() < MOST_TAGS && !tags.contains(&requirement) {
            tags.push(requirement);
        }
    }
    let tally = &rule.tally;
    Descriptor {
        id: rule.name.to_string(),
        short_description: text(&rule.title, LONGEST_DESCRIPTION),
        full_description: Some(text(&rule.rationale, LONGEST_DESCRIPTION)),
        help: Help {
            text: format!(
                "{}\n\nTo repair it: {}{}",
                for_sarif(&rule.rationale, LONGEST_HELP),
                for_sarif(&rule.remediation, LONGEST_HELP),
                required.0
            ),
            markdown: format!(
                "{}\n\n**To repair it:** {}{}",
                prose(&rule.rationale, LONGEST_HELP),
                prose(&rule.remediation, LONGEST_HELP),
                required.1
            ),
        },
        default_configuration: Configuration { level: level(rule.severity) },
        properties: Some(RuleProperties {
            tags,
            security_severity,
            requirements: rule.requirements.iter().map(|id| one_line(id, LONGEST_DESCRIPTION)).collect(),
            population: Some(Population {
                matched: tally.matched,
                passed: tally.passed,
                failed: tally.failed,
                waived: tally.waived,
                suppressed: tally.suppressed,
                baselined: tally.baselined,
                errors: tally.errors,
            }),
        }),
    }
}

fn gate_rule(sort: GateSort) -> Descriptor {
    let summary = "The change weakens what judges it".to_owned();
    let help = "Make the change of rules, waivers or configuration by itself, with the consent of whoever answers for them.";
    Descriptor {
        id: format!("gate/{}", sort.name()),
        short_description: Text { text: summary },
        full_description: None,
        help: Help { text: help.to_owned(), markdown: help.to_owned() },
        default_configuration: Configuration { level: "error" },
        properties: Some(RuleProperties {
            tags: vec!["security".to_owned(), "gate".to_owned()],
            security_severity: Some("9.5"),
            requirements: Vec::new(),
            population: None,
        }),
    }
}

fn problem_rule(code: Code, id: String) -> Descriptor {
    Descriptor {
        id,
        short_description: Text { text: code.summary().to_owned() },
        full_description: None,
        help: Help { text: code.remedy().to_owned(), markdown: prose(code.remedy(), LONGEST_HELP) },
        default_configuration: Configuration { level: "error" },
        properties: Some(RuleProperties {
            tags: vec!["problem".to_owned()],
            security_severity: None,
            requirements: Vec::new(),
            population: None,
        }),
    }
}

fn text(text: &str, longest: usize) -> Text {
    Text { text: for_sarif(text, longest) }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn notification(problem: &Problem, descriptors: &Descriptors) -> Notification {
    let at = |descriptor: &Descriptor| descriptor.id == problem.code.name();
    Notification {
        descriptor: descriptors
            .notifications
            .iter()
            .position(at)
            .map(|index| DescriptorReference { id: problem.code.name(), index }),
        level: "error",
        message: text(&format!("{} ({})", problem.message, problem.remedy()), LONGEST_MESSAGE),
        locations: problem.location.iter().map(|location| place(location, None)).collect(),
    }
}

fn place(location: &Location, label: Option<(usize, &str)>) -> Place {
    let Location { file, line, column, end_line, end_column, path: _ } = location;
    Place {
        id: label.map(|(id, _)| id),
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: for_uri(file), uri_base_id: SOURCE_ROOT },
            region: Region {
                start_line: *line,
                start_column: *column,
                end_line: *end_line,
                end_column: *end_column,
            },
        },
        logical_locations: Vec::new(),
        message: label.map(|(_, label)| text(label, LONGEST_MESSAGE)),
    }
}

/// The line to show: of a finding that another resource caused, the line that changed there.
fn primary<'f>(finding: &'f Finding, change: Option<&'f FindingChange>) -> &'f Location {
    let cause = change.and_then(|change| change.cause.as_ref());
    cause.and_then(|cause| cause.location()).unwrap_or(&finding.location)
}

fn entries(report: &Report, sources: &mut Sources<'_>, descriptors: &Descriptors) -> io::Result<Vec<Entry>> {
    let hashes = Hashes::of(report, sources);
    let mut entries = Vec::new();
    for problem in &report.problems {
        let Some(index) = descriptors.problems.get(&problem.code) else { continue };
        entries.push(entry((0, 0, 0), None, &problem_result(report, problem, *index))?);
    }
    for change in report.comparison.iter().flat_map(|comparison| &comparison.gate) {
        let Some(index) = descriptors.gate.get(&change.sort) else { continue };
        entries.push(entry((1, 0, 0), None, &gate_result(report, change, *index))?);
    }
    let event = FindingChange { state: State::New, cause: None };
    let events = report.comparison.iter().flat_map(|comparison| &comparison.events);
    let events = events.map(|each| (&each.finding, &each.fingerprint, Some(&event)));
    for (finding, print, change) in events.chain(report.all_findings()) {
        let Some(rule) = report.rule(finding) else { continue };
        let result = finding_result(report, rule, finding, print, change, &hashes);
        let is_excepted = u8::from(finding.status != Status::Fail);
        let is_old = u8::from(change.is_some_and(|change| change.state == State::Persisting));
        let rank = (2 + is_excepted, Severity::Critical as u8 - rule.severity as u8, is_old);
        entries.push(entry(rank, Some(rule.severity), &result)?);
    }
    Ok(entries)
}

fn entry(rank: (u8, u8, u8), severity: Option<Severity>, result: &SarifResult) -> io::Result<Entry> {
    let mut text = Vec::new();
    write_json_value(result, &mut text, Layout::Compact)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(Entry { rank, severity, json: RawValue::from_string(text)? })
}

fn finding_result(
    report: &Report,
    rule: &RuleInfo,
    finding: &Finding,
    print: &Fingerprint,
    change: Option<&FindingChange>,
    hashes: &Hashes<'_>,
) -> SarifResult {
    let identity = finding.resource.identity.to_string();
    let cause = change.and_then(|change| change.cause.as_ref()).map(super::Cause::sentence);
    let message = match &cause {
        Some(cause) => format!("{identity}: {} ({cause})", finding.message),
        None => format!("{identity}: {}", finding.message),
    };
    let shown = primary(finding, change);
    let mut location = place(shown, None);
    location.logical_locations = vec![LogicalLocation {
        fully_qualified_name: one_line(
            &if finding.location.path.is_empty() {
                identity
            } else {
                format!("{identity}#{}", finding.location.path)
            },
            LONGEST_MESSAGE,
        ),
        kind: "resource",
    }];
    let mut related = Vec::new();
    if shown != &finding.location {
        related.push(place(&finding.location, Some((0, "the finding"))));
    }
    if let Some((other, label)) = finding.related.as_deref() {
        related.push(place(other, Some((related.len(), label))));
    }
    let mut fingerprints = BTreeMap::from([("assize/v1", print.to_string())]);
    if let Some(hash) = hashes.of_place(finding, shown) {
        fingerprints.insert("primaryLocationLineHash", hash);
    }
    let mut properties = BTreeMap::from([("severity", rule.severity.to_string())]);
    if let Some(cause) = change.and_then(|change| change.cause.as_ref()) {
        properties.insert("cause", cause.name().to_owned());
    }
    if !finding.owners.is_empty() {
        properties.insert("owners", one_line(&finding.owners.join(" "), LONGEST_MESSAGE));
    }
    SarifResult {
        rule_id: rule.name.to_string(),
        rule_index: finding.rule as usize,
        level: level(rule.severity),
        message: text(&message, LONGEST_MESSAGE),
        locations: [location],
        related_locations: related,
        partial_fingerprints: fingerprints,
        suppressions: suppression(report, finding).into_iter().collect(),
        baseline_state: change.map(|change| match change.state {
            State::New => "new",
            State::Persisting => "unchanged",
        }),
        properties,
    }
}

fn suppression(report: &Report, finding: &Finding) -> Option<Suppression> {
    let exception = finding.exception.as_deref().unwrap_or_default();
    let (kind, justification) = match finding.status {
        Status::Fail => return None,
        Status::Suppressed => ("inSource", exception.to_owned()),
        Status::Baselined => (
            "external",
            format!("{exception} holds it: it stood before, and its resource has not changed since"),
        ),
        Status::Waived => {
            let waiver = report.waivers.iter().find(|waiver| waiver.identity.to_string() == exception);
            let mut words = exception.to_owned();
            if let Some(waiver) = waiver {
                words.push_str(&format!(": {}", waiver.reason));
                if let Some(approver) = &waiver.approved_by {
                    words.push_str(&format!("; approved by {approver}"));
                }
                if let Some(expires) = &waiver.expires {
                    words.push_str(&format!("; expires {expires}"));
                }
                if waiver.state == WaiverState::Unverified {
                    words.push_str("; unverified, since no list says who may approve");
                }
            }
            ("external", words)
        }
    };
    Some(Suppression { kind, status: "accepted", justification: one_line(&justification, LONGEST_MESSAGE) })
}

fn problem_result(report: &Report, problem: &Problem, index: usize) -> SarifResult {
    let related = problem.related.iter().map(|(other, label)| place(other, Some((0, label))));
    SarifResult {
        rule_id: format!("problem/{}", problem.code),
        rule_index: index,
        level: "error",
        message: text(&format!("could not be checked: {}", problem.message), LONGEST_MESSAGE),
        locations: [place(&report.place_of(problem), None)],
        related_locations: related.collect(),
        partial_fingerprints: BTreeMap::from([("assize/v1", problem.fingerprint().to_string())]),
        suppressions: Vec::new(),
        baseline_state: None,
        properties: BTreeMap::new(),
    }
}

fn gate_result(report: &Report, change: &GateChange, index: usize) -> SarifResult {
    SarifResult {
        rule_id: format!("gate/{}", change.sort.name()),
        rule_index: index,
        level: if change.effect == GateEffect::Fails { "error" } else { "note" },
        message: text(&change.sentence(), LONGEST_MESSAGE),
        locations: [place(&report.place_of_gate(change), None)],
        related_locations: Vec::new(),
        partial_fingerprints: BTreeMap::from([("assize/v1", change.fingerprint().to_string())]),
        suppressions: Vec::new(),
        baseline_state: Some("new"),
        properties: BTreeMap::new(),
    }
}

/// The hashes of the lines where findings are shown, by file and line.
struct Hashes<'r> {
    files: BTreeMap<String, BTreeMap<u32, String>>,
    masked: MaskedLines<'r>,
}

impl<'r> Hashes<'r> {
    fn of(report: &'r Report, sources: &mut Sources<'_>) -> Self {
        let mut wanted: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for (finding, _, change) in report.all_findings().filter(|(finding, ..)| !finding.is_sensitive) {
            let shown = primary(finding, change);
            wanted.entry(&shown.file).or_default().insert(shown.line);
        }
        let hashes = wanted.into_iter().filter_map(|(file, lines)| {
            let (text, _) = sources(file)?;
            Some((file.to_owned(), line_hashes(&text, &lines)))
        });
        Self { files: hashes.collect(), masked: MaskedLines::new(&report.masked) }
    }

    /// The hash for a finding; none where it would cover what nobody should read, since it could be guessed from it.
    fn of_place(&self, finding: &Finding, shown: &Location) -> Option<String> {
        let last = shown.line.saturating_add(LINES);
        let is_hidden = finding.is_sensitive || self.masked.meet(&shown.file, shown.line, last);
        if is_hidden { None } else { self.files.get(&*shown.file)?.get(&shown.line).cloned() }
    }
}
