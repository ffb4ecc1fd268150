//! For a person at a terminal: the offending line, what is wrong, how to repair it; a summary at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};

use super::comparison::{Cause, Comparison, State};
use super::escape::{cut, for_terminal, one_line};
use super::masked::MaskedLines;
use super::word::{self, capitalised, plural, plural_are};
use super::{Report, RuleInfo, Sources};
use crate::finding::{Finding, Location, MASK, Severity, Status};
use crate::load::Revision;
use crate::problem::{Code, Problem};
use crate::waive::{EntryState, WaiverState};

/// How the human format is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Human {
    /// Colours and other terminal sequences.
    pub color: bool,
    /// Hyperlinks on file names.
    pub links: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Nothing but findings and problems.
    pub quiet: bool,
    /// How findings are put together.
    pub group_by: GroupBy,
}

/// How the human format puts findings together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// By the file where they stand.
    #[default]
    File,
    /// By who answers for them, and then by file.
    Owner,
    /// By rule, and then by file.
    Rule,
}

/// Findings shown of one rule, and problems of one code; the rest is counted.
const SHOWN_OF_A_RULE: usize = 50;

impl Human {
    /// Writes the report.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, report: &Report, sources: &mut Sources<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut groups: BTreeMap<String, BTreeMap<&str, Vec<Note<'_>>>> = BTreeMap::new();
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        let mut shown: BTreeMap<u32, usize> = BTreeMap::new();
        let causes = report.all_findings().filter(|(finding, _, change)| {
            finding.status == Status::Fail && change.is_none_or(|change| change.state == State::New)
        });
        let causes =
            causes.map(|(finding, _, change)| (finding, change.and_then(|change| change.cause.as_ref())));
        let events = report.comparison.iter().flat_map(|comparison| &comparison.events);
        let events = events.map(|event| (&event.finding, None)).filter(|(one, _)| one.status == Status::Fail);
        for (finding, cause) in causes.chain(events) {
            let count = shown.entry(finding.rule).or_default();
            *count += 1;
            let Some(rule) = report.rule(finding) else { continue };
            let group = self.group(finding, rule);
            *sizes.entry(group.clone()).or_default() += 1;
            if *count <= SHOWN_OF_A_RULE {
                let pages = groups.entry(group).or_default();
                pages.entry(&finding.location.file).or_default().push(Note::Finding(finding, rule, cause));
            }
        }
        let mut problems: BTreeMap<Code, usize> = BTreeMap::new();
        for problem in &report.problems {
            let count = problems.entry(problem.code).or_default();
            *count += 1;
            if *count <= SHOWN_OF_A_RULE {
                let file = problem.location.as_ref().map_or("", |location| &location.file);
                let pages = groups.entry(String::new()).or_default();
                pages.entry(file).or_default().push(Note::Problem(problem));
            }
        }
        let masked = MaskedLines::new(&report.masked);
        for (group, pages) in groups {
            if !group.is_empty() {
                let size = sizes.get(&group).copied().unwrap_or_default();
                let heading = format!("{} ({})", one_line(&group, LONGEST_LINE), plural(size, "finding"));
                writeln!(out, "{}\n", self.bold(&format!("== {heading}")))?;
            }
            for (file, mut notes) in pages {
                notes.sort_by_key(Note::position);
                self.page(file, &notes, &masked, sources, out)?;
            }
        }
        for (rule, count) in shown.iter().filter(|(_, count)| **count > SHOWN_OF_A_RULE) {
            let name = report.rules.get(*rule as usize).map_or("", |rule| &rule.name);
            writeln!(out, "… and {} more of {name}; `-o json` has them all", count - SHOWN_OF_A_RULE)?;
        }
        for (code, count) in problems.iter().filter(|(_, count)| **count > SHOWN_OF_A_RULE) {
            writeln!(out, "… and {} more of {code}; `-o json` has them all", count - SHOWN_OF_A_RULE)?;
        }
        if let Some(comparison) = &report.comparison {
            self.comparison(report, comparison, out)?;
        }
        if self.quiet { Ok(()) } else { self.summary(report, out) }
    }

    /// The heading under which a finding stands; empty where there is none.
    fn group(&self, finding: &Finding, rule: &RuleInfo) -> String {
        match self.group_by {
            GroupBy::File => String::new(),
            GroupBy::Owner if finding.owners.is_empty() => "no owner".to_owned(),
            GroupBy::Owner => format!("owner {}", finding.owners.join(", ")),
            GroupBy::Rule => format!("rule {}", rule.name),
        }
    }

    /// The findings and problems of one file.
    fn page(
        &self,
        file: &str,
        notes: &[Note<'_>],
        masked: &MaskedLines<'_>,
        sources: &mut Sources<'_>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let source = if file.is_empty() { None } else { sources(file) };
        let (text, path) = source.unzip();
        if !file.is_empty() {
            let name = for_terminal(file);
            // A file of a commit stands nowhere on disk.
            match path.filter(|path| self.links && !path.is_empty()) {
                Some(path) => writeln!(
                    out,
                    "\u{1b}]8;;file://{}\u{1b}\\{}\u{1b}]8;;\u{1b}\\",
                    url(&path),
                    self.bold(&name)
                )?,
                None => writeln!(out, "{}", self.bold(&name))?,
            }
        }
        let places = notes.iter().filter_map(|note| note.location()).map(|location| location.line);
        let mut lines = text.as_deref().map(|text| lines_around(text, places));
        for (at, line) in lines.iter_mut().flatten() {
            let number = u32::try_from(*at + 1).unwrap_or(u32::MAX);
            if masked.meet(file, number, number) {
                *line = MASK;
            }
        }
        for note in notes {
            writeln!(out, "{}", self.draw(note, lines.as_ref()))?;
        }
        Ok(())
    }

    fn bold(&self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn draw(&self, note: &Note<'_>, lines: Option<&Lines<'_>>) -> String {
        let location = note.location();
        let excerpt = location.zip(lines).filter(|_| !note.is_sensitive());
        let excerpt = excerpt.and_then(|(location, lines)| Excerpt::new(lines, location));
        let mut diagnostic = MietteDiagnostic::new(for_terminal(&cut(&note.message(), LONGEST_TEXT)))
            .with_code(for_terminal(&cut(&note.heading(), LONGEST_TEXT)))
            .with_severity(note.severity())
            .with_help(for_terminal(&cut(&note.help(), LONGEST_TEXT)));
        if let Some(excerpt) = &excerpt {
            diagnostic = diagnostic.with_labels(std::iter::once(LabeledSpan::underline(excerpt.label)));
        }
        let theme = if self.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(self.width)
            .with_links(false)
            .with_context_lines(1)
            // Ids of requirements hold hyphens and would be torn apart.
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            .tab_width(2);
        let mut drawn = String::new();
        let place = location.filter(|_| excerpt.is_none());
        let result = match excerpt {
            Some(excerpt) => {
                let report = miette::Report::from(diagnostic).with_source_code(excerpt);
                handler.render_report(&mut drawn, report.as_ref())
            }
            None => handler.render_report(&mut drawn, &diagnostic),
        };
        if result.is_err() {
            drawn = format!("{}: {}", note.heading(), note.message());
        }
        match place {
            Some(place) => format!(
                "{}\n   at {}:{}:{}\n",
                drawn.trim_end(),
                for_terminal(&place.file),
                place.line,
                place.column
            ),
            None => drawn,
        }
    }

    /// What is gone, what changed, and what the change does to its gate.
    fn comparison(&self, report: &Report, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
        let place = |location: Option<&Location>| {
            location.map_or_else(String::new, |place| format!(" at {}:{}", place.file, place.line))
        };
        let gate = comparison.gate.iter().map(|change| {
            format!("{}: {}{}", change.sort.name(), change.sentence(), place(change.location.as_ref()))
        });
        self.list("Changes of the gate", gate, out)?;
        if self.quiet {
            return Ok(());
        }
        let fixed = comparison.fixed.iter().map(|fixed| {
            let rule = report.rule(&fixed.finding).map_or("", |rule| &rule.name);
            let cause =
                fixed.cause.as_ref().map_or_else(String::new, |cause| format!(" ({})", cause.sentence()));
            let finding = &fixed.finding;
            format!("{rule} {}: {}{cause}", finding.resource.identity, finding.message)
        });
        self.list("Fixed", fixed, out)?;
        let resources = comparison.resources.iter().map(|change| {
            let fields: Vec<String> = change.fields.iter().map(super::FieldChange::sentence).collect();
            let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join("; ")) };
            format!("{}{}{fields}", change.sentence(), place(change.location.as_ref()))
        });
        self.list("Changed resources", resources, out)?;
        writeln!(
            out,
            "Compared {} with {}.",
            for_terminal(&comparison.head.to_string()),
            for_terminal(&comparison.base.to_string())
        )
    }

    fn list(
        &self,
        heading: &str,
        items: impl ExactSizeIterator<Item = String>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let count = items.len();
        if count > 0 {
            writeln!(out, "{}", self.bold(&format!("{heading}:")))?;
        }
        for item in items.take(SHOWN_OF_A_RULE) {
            writeln!(out, "  {}", one_line(&item, LONGEST_LINE))?;
        }
        match count.saturating_sub(SHOWN_OF_A_RULE) {
            0 if count == 0 => Ok(()),
            0 => writeln!(out),
            more => writeln!(out, "  … and {more} more; `-o json` has them all\n"),
        }
    }

    fn summary(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let counts = &report.counts;
        let files = plural(counts.files, "file");
        let resources = plural(counts.resources(), "resource");
        let rules = plural(report.rules.len() as u64, "rule");
        writeln!(
            out,
            "Checked {resources} in {files} against {rules} ({}), as of {}.",
            plural(counts.pairs, "pair"),
            report.run.as_of
        )?;
        writeln!(out, "{}", origin(report))?;
        let idle = report.rules.iter().filter(|rule| rule.tally.matched == 0).count() as u64;
        let errors: u64 = report.rules.iter().map(|rule| rule.tally.errors).sum();
        let mut notes = Vec::new();
        if idle > 0 {
            notes.push(format!("{} matched nothing", plural(idle, "rule")));
        }
        let absent = report.not_by_role().count();
        if report.not_selected.len() > absent {
            notes.push(format!(
                "{} not selected",
                plural((report.not_selected.len() - absent) as u64, "rule")
            ));
        }
        if absent > 0 {
            notes.push(format!("{} not applicable by role", plural(absent as u64, "rule")));
        }
        if counts.other_documents > 0 {
            notes.push(format!("{} no resource", plural_are(counts.other_documents, "document")));
        }
        if counts.other_files > 0 {
            notes.push(format!(
                "{} not valid YAML, without a sign of a resource",
                plural_are(counts.other_files, "file")
            ));
        }
        if errors > 0 {
            notes.push(format!("{} could not be judged", plural(errors, "pair")));
        }
        if !notes.is_empty() {
            writeln!(out, "{}.", capitalised(&notes.join("; ")))?;
        }
        for (position, rule) in report.not_by_role().enumerate() {
            if position == 10 {
                writeln!(out, "Not applicable by role: {} more.", absent - 10)?;
                break;
            }
            writeln!(out, "Not applicable by role: {} ({}).", rule.rule, for_terminal(&rule.reason))?;
        }
        for (position, skipped) in report.skipped.iter().enumerate() {
            if position == 10 {
                writeln!(out, "Not evaluated: {} more.", report.skipped.len() - 10)?;
                break;
            }
            writeln!(out, "Not evaluated: {} ({}).", for_terminal(&skipped.path), skipped.reason.name())?;
        }
        if report.count(Status::Fail) > 0 {
            for (framework, summary) in report.by_framework() {
                if summary.findings > 0 {
                    writeln!(
                        out,
                        "  {}: {} on {} of {} checked",
                        for_terminal(&framework),
                        plural(summary.findings, "finding"),
                        summary.requirements_with_findings,
                        plural(summary.requirements, "requirement")
                    )?;
                }
            }
        }
        // A waiver for rules that take no part is neither used nor unused.
        let takes_part = |name: &String| report.rules.iter().any(|rule| *rule.name == **name);
        for waiver in report.waivers.iter().filter(|waiver| waiver.rules.iter().any(takes_part)) {
            let name = for_terminal(&waiver.identity.to_string());
            if waiver.state == WaiverState::Void {
                let defects = for_terminal(&waiver.defects.join("; "));
                writeln!(out, "{name} waives nothing: {defects}.")?;
            } else if waiver.findings == 0 {
                writeln!(out, "{name} is unused: none of its rules has a finding that it covers.")?;
            } else if waiver.state == WaiverState::Unverified {
                writeln!(out, "{name} is unverified: `waivers.approvers` names nobody who may approve.")?;
            }
        }
        Self::baseline(report, out)?;
        for fault in &report.ownership.faults {
            let place = fault
                .location
                .as_ref()
                .map_or_else(String::new, |place| format!("{}:{}", place.file, place.line));
            writeln!(out, "{place} counts for nothing: {}.", one_line(&fault.message, LONGEST_LINE))?;
        }
        let total = capitalised(&word::totals(report));
        writeln!(out, "{}", self.bold(&format!("{total}.")))
    }
}

impl Human {
    /// What became of the baseline.
    fn baseline(report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let Some(outcome) = &report.baseline else { return Ok(()) };
        let (all, holding) = (outcome.states.len() as u64, outcome.count(|state| state == EntryState::Holds));
        let name = for_terminal(&outcome.baseline.file);
        let unseen = match outcome.count(|state| state == EntryState::NotJudged) {
            0 => String::new(),
            count => format!(", {count} took no part"),
        };
        writeln!(
            out,
            "{name}: {holding} of {} hold{unseen}.",
            if all == 1 { "1 entry".to_owned() } else { format!("{all} entries") }
        )?;
        let notes = word::baseline_notes(report);
        for note in notes.iter().take(MOST_NOTES) {
            writeln!(out, "  {}", one_line(note, LONGEST_LINE))?;
        }
        match notes.len().checked_sub(MOST_NOTES) {
            None | Some(0) => {}
            Some(more) => writeln!(out, "  … and {more} more; `-o json` has them all")?,
        }
        if !notes.is_empty() {
            writeln!(out, "  `assize baseline --update` takes out what no longer holds.")?;
        }
        Ok(())
    }
}

/// Entries of the baseline that are told.
const MOST_NOTES: usize = 10;

/// What was judged, by what, and by which program.
fn origin(report: &Report) -> String {
    let short = |text: String| text.chars().take(12).collect::<String>();
    let place = |revision: Option<Revision>, folder: &str| match revision {
        Some(Revision { commit, tree }) => {
            format!("commit {} (tree {})", short(commit.to_string()), short(tree.to_string()))
        }
        None => folder.to_owned(),
    };
    let policies = report.run.policies;
    let digest = policies.digest.to_string();
    let digest = short(digest.trim_start_matches("sha256:").to_owned());
    let source = if policies.is_elsewhere {
        place(policies.revision, "another folder")
    } else {
        "the same".to_owned()
    };
    let estate = place(report.run.estate, "work tree");
    format!("Estate: {estate}; policies: {source}, sha256 {digest}; assize {}.", report.run.version)
}

/// Problems alone, for runs that end before there is a report.
///
/// # Errors
/// Those of the writer.
pub fn render_problems(
    human: &Human,
    problems: &[Problem],
    sources: &mut Sources<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut pages: BTreeMap<&str, Vec<Note<'_>>> = BTreeMap::new();
    for problem in problems {
        let file = problem.location.as_ref().map_or("", |location| &location.file);
        pages.entry(file).or_default().push(Note::Problem(problem));
    }
    let masked = MaskedLines::new(&[]);
    pages.iter().try_for_each(|(file, notes)| human.page(file, notes, &masked, sources, out))
}

enum Note<'r> {
    Finding(&'r Finding, &'r RuleInfo, Option<&'r Cause>),
    Problem(&'r Problem),
}

impl Note<'_> {
    fn location(&self) -> Option<&Location> {
        match self {
            Self::Finding(finding, ..) => Some(&finding.location),
            Self::Problem(problem) => problem.location.as_ref(),
        }
    }

    fn position(&self) -> (u32, u32) {
        self.location().map_or((0, 0), |location| (location.line, location.column))
    }

    fn message(&self) -> String {
        match self {
            Self::Finding(finding, ..) => finding.message.to_string(),
            Self::Problem(problem) => problem.message.clone(),
        }
    }

    fn heading(&self) -> String {
        match self {
            Self::Finding(finding, rule, _) => {
                format!("{}[{}] {}", rule.severity, rule.name, finding.resource.identity)
            }
            Self::Problem(problem) => format!("problem[{}]", problem.code),
        }
    }

    fn is_sensitive(&self) -> bool {
        matches!(self, Self::Finding(finding, ..) if finding.is_sensitive)
    }

    fn severity(&self) -> miette::Severity {
        match self {
            Self::Finding(_, rule, _) => match rule.severity {
                Severity::Critical | Severity::High => miette::Severity::Error,
                Severity::Medium => miette::Severity::Warning,
                Severity::Low | Severity::Info => miette::Severity::Advice,
            },
            Self::Problem(_) => miette::Severity::Error,
        }
    }

    fn help(&self) -> String {
        let second = |related: Option<(&Location, &str)>| {
            related.map_or_else(String::new, |(place, label)| {
                format!("\n{label}: {}:{}:{}", place.file, place.line, place.column)
            })
        };
        match self {
            Self::Finding(finding, rule, cause) => {
                let mut help = rule.remediation.clone();
                if let Some(cause) = cause {
                    help.push_str(&format!("\nnew, since {}", cause.sentence()));
                    if let Some(place) = cause.location() {
                        help.push_str(&format!(" at {}:{}:{}", place.file, place.line, place.column));
                    }
                }
                if !rule.requirements.is_empty() {
                    help.push_str(&format!("\nrequired by {}", rule.requirements.join(", ")));
                }
                help + &second(finding.related.as_deref().map(|(place, label)| (place, &**label)))
            }
            Self::Problem(problem) => {
                let related = problem.related.as_ref().map(|(place, label)| (place, label.as_str()));
                problem.remedy().to_owned() + &second(related)
            }
        }
    }
}

/// The lines around a place, with their true numbers: miette sees these alone, so that a finding at the end of
/// a large file costs no more than one at its beginning.
#[derive(Debug)]
struct Excerpt {
    file: String,
    text: String,
    /// Lines of the file before the excerpt.
    before: usize,
    label: SourceSpan,
}

/// Longer texts are cut to what a person reads.
const LONGEST_TEXT: usize = 2_000;

/// Longer lines are cut, since nobody reads them in a terminal.
const LONGEST_LINE: usize = 400;

impl Excerpt {
    /// `lines` are those around the place, without their ends.
    fn new(lines: &Lines<'_>, location: &Location) -> Option<Self> {
        let at = (location.line as usize).checked_sub(1)?;
        // With its line hidden there is nothing to point at.
        let line = *lines.get(&at).filter(|line| **line != MASK)?;
        let column = location.column as usize;
        // Of a long line the part around the place is shown; its neighbours show their beginnings.
        let skipped =
            if line.len() > LONGEST_LINE { column.saturating_sub(LONGEST_LINE / 4).max(1) - 1 } else { 0 };
        let shown: String = line.chars().skip(skipped).take(LONGEST_LINE).collect();
        let byte_of = |column: usize| byte_of(&shown, column.saturating_sub(skipped));
        let start = byte_of(column);
        let end = if location.end_line == location.line {
            byte_of(location.end_column as usize)
        } else {
            shown.len()
        };
        let neighbour = |at: Option<usize>| {
            let line = lines.get(&at?)?;
            Some(line.chars().take(LONGEST_LINE).collect::<String>())
        };
        let mut text = String::new();
        let above = neighbour(at.checked_sub(1));
        if let Some(above) = &above {
            text.push_str(above);
            text.push('\n');
        }
        let offset = text.len();
        text.push_str(&shown);
        if let Some(below) = neighbour(at.checked_add(1)) {
            text.push('\n');
            text.push_str(&below);
        }
        text.push('\n');
        let length = end.saturating_sub(start).max(usize::from(start < shown.len()));
        Some(Self {
            file: for_terminal(&location.file),
            text: harmless(&text),
            before: at - usize::from(above.is_some()),
            label: SourceSpan::new((offset + start).into(), length),
        })
    }
}

/// Lines of a file by their number from 0.
type Lines<'t> = BTreeMap<usize, &'t str>;

/// The lines around places, ended by LF, CRLF or CR as elsewhere in the program. Only those are kept: a file may
/// have millions.
fn lines_around(text: &str, places: impl Iterator<Item = u32>) -> Lines<'_> {
    let around = |place: u32| (place as usize).saturating_sub(2)..=(place as usize);
    let wanted: BTreeSet<usize> = places.flat_map(around).collect();
    let Some(last) = wanted.last().copied() else { return Lines::new() };
    let mut lines = Lines::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    for number in 0..=last {
        let end = rest.find(['\n', '\r']);
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        if wanted.contains(&number) {
            lines.insert(number, line);
        }
        if end.is_none() {
            break;
        }
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    lines
}

fn byte_of(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.trim_end().len(), |(at, _)| at)
}

/// Hostile characters replaced by harmless ones of the same length, so that offsets stay true.
fn harmless(text: &str) -> String {
    if for_terminal(text).len() == text.len() && !text.contains('\r') {
        return text.to_owned();
    }
    text.chars()
        .map(|c| match (for_terminal(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8(), c.len_utf8()) {
            (true, _) => c,
            (false, 1) if c == '\r' => ' ',
            (false, 1) => '?',
            (false, 2) => '¿',
            (false, 4) => '\u{1f6c7}',
            (false, _) => '\u{fffd}',
        })
        .collect()
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, lines_before, lines_after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + self.before,
            inner.column(),
            inner.line_count(),
        )))
    }
}

fn url(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
