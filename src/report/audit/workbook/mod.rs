//! `xlsx`: the workbook of an auditor, with room for the names of who prepares and who reviews it.
//!
//! Every text is written as a text, so that nothing is a formula; its date of creation is the clock of the run, so that the
//! same inputs give the same bytes.

mod past;

use std::collections::BTreeSet;
use std::io::{self, Write};

use rust_xlsxwriter::{
    ConditionalFormatText, ConditionalFormatTextRule, DocProperties, ExcelDateTime, Format, FormatAlign,
    FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::past::{Oldest, Past, age, origin, urgency};
use super::{Audit, decision_word, identity_rows, limits_of, names};
use crate::finding::Location;
use crate::outcome::{FrameworkOutcome, RequirementOutcome, State};
use crate::report::escape::for_cell;
use crate::report::word::totals;

/// Characters of a cell; spreadsheets take 32,767.
const LONGEST_CELL: usize = 32_000;
/// Characters of the name of a sheet.
const LONGEST_NAME: usize = 31;

/// A cell.
enum Cell {
    Text(String),
    /// What nobody reads to its end, such as a digest: it stays on its line.
    Code(String),
    Number(u64),
    /// A number that is no count.
    Decimal(f64),
}

fn text(text: impl AsRef<str>) -> Cell {
    Cell::Text(for_cell(text.as_ref(), LONGEST_CELL))
}

fn code(text: impl AsRef<str>) -> Cell {
    Cell::Code(for_cell(text.as_ref(), LONGEST_CELL))
}

fn maybe(value: Option<&str>) -> Cell {
    text(value.unwrap_or_default())
}

fn place(location: &Location) -> [Cell; 2] {
    [text(&location.file), Cell::Number(u64::from(location.line))]
}

/// A sheet that is one table.
struct Table {
    name: String,
    /// Heading and width of each column.
    columns: Vec<(&'static str, f64)>,
    rows: Vec<Vec<Cell>>,
    /// The columns whose cells are coloured by their word.
    coloured: Vec<u16>,
}

/// Colours of words: of the text, and behind it.
const COLOURS: [(&str, u32, u32); 19] = [
    ("not met", 0x009C_1C14, 0x00FB_DDDA),
    ("not judged", 0x006D_1F72, 0x00F3_E1F5),
    ("nothing declared", 0x003D_4754, 0x00E4_E8ED),
    ("not covered", 0x005B_6675, 0x00EE_F0F3),
    ("risk accepted", 0x007A_4700, 0x00FD_EBCF),
    ("decided otherwise", 0x0057_4200, 0x00F9_F0CC),
    ("evidenced", 0x0000_565A, 0x00D8_F1F1),
    ("met by declaration", 0x0010_5426, 0x00DC_F2E2),
    ("not applicable", 0x0055_5B64, 0x00F2_F2F2),
    ("critical", 0x009C_1C14, 0x00FB_DDDA),
    ("high", 0x007A_4700, 0x00FD_EBCF),
    ("medium", 0x0057_4200, 0x00F9_F0CC),
    ("low", 0x0000_565A, 0x00D8_F1F1),
    ("fail", 0x009C_1C14, 0x00FB_DDDA),
    ("void", 0x009C_1C14, 0x00FB_DDDA),
    ("evidences nothing", 0x009C_1C14, 0x00FB_DDDA),
    ("waived", 0x007A_4700, 0x00FD_EBCF),
    ("overdue", 0x009C_1C14, 0x00FB_DDDA),
    ("valid", 0x0010_5426, 0x00DC_F2E2),
];

/// Writes the workbook.
///
/// # Errors
/// Those of the writer, and what a workbook cannot hold.
pub fn write_audit_xlsx(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let bytes = workbook(audit).map_err(|error| io::Error::other(format!("the workbook: {error}")))?;
    out.write_all(&bytes)
}

fn workbook(audit: &Audit) -> Result<Vec<u8>, XlsxError> {
    let report = &audit.report;
    let mut workbook = Workbook::new();
    let day = report.run.as_of.get(..10).unwrap_or_default();
    let created = ExcelDateTime::parse_from_str(day)?;
    let title = format!("assize: report as of {}", report.run.as_of);
    workbook.set_properties(&DocProperties::new().set_title(&title).set_creation_datetime(&created));
    summary(audit, workbook.add_worksheet())?;
    let mut taken = BTreeSet::from(["summary".to_owned()]);
    let past = Past::new(audit);
    // What a period adds comes first: it is what it was asked for.
    let mut tables = past::tables(&past);
    tables.extend(audit.outcomes.frameworks.iter().map(|each| framework(&past, each)));
    tables.extend([
        findings(&past),
        waivers(audit),
        evidence(audit),
        controls(audit),
        populations(audit),
        left_out(audit),
        problems(audit),
    ]);
    for table in tables {
        let name = sheet_name(&table.name, &mut taken);
        write_table(&table, workbook.add_worksheet().set_name(name)?)?;
    }
    identity(audit, workbook.add_worksheet().set_name("Run identity")?)?;
    workbook.save_to_buffer()
}

/// A name that a sheet may have and no other one has.
fn sheet_name(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let allowed = |c: char| if c.is_control() || "[]:*?/\\'".contains(c) { '-' } else { c };
    let clean: String = wanted.chars().map(allowed).take(LONGEST_NAME).collect();
    let clean = if clean.trim().is_empty() { "framework".to_owned() } else { clean };
    let mut name = clean.clone();
    let mut number = 2;
    // Programs tell them apart without case; `history` is a name that some keep for themselves.
    while name.to_lowercase() == "history"
        || name.to_lowercase() == "run identity"
        || !taken.insert(name.to_lowercase())
    {
        let ending = format!(" {number}");
        name = clean.chars().take(LONGEST_NAME - ending.len()).collect::<String>() + &ending;
        number += 1;
    }
    name
}

fn head() -> Format {
    Format::new()
        .set_bold()
        .set_background_color(0x001F_3A5F)
        .set_font_color(0x00FF_FFFF)
        .set_text_wrap()
        .set_align(FormatAlign::VerticalCenter)
}

fn body() -> Format {
    Format::new().set_text_wrap().set_align(FormatAlign::Top)
}

fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell,
    format: &Format,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Text(text) => sheet.write_string_with_format(row, column, text, format)?,
        Cell::Code(text) => {
            sheet.write_string_with_format(row, column, text, &format.clone().unset_text_wrap())?
        }
        // Counts are far below what a number of a workbook can hold.
        Cell::Number(number) => {
            let number = u32::try_from(*number).unwrap_or(u32::MAX);
            sheet.write_number_with_format(row, column, number, format)?
        }
        Cell::Decimal(number) => sheet.write_number_with_format(row, column, *number, format)?,
    };
    Ok(())
}

fn colours(sheet: &mut Worksheet, first: (u32, u16), last: (u32, u16)) -> Result<(), XlsxError> {
    for (word, ink, ground) in COLOURS {
        let format = Format::new().set_font_color(ink).set_background_color(ground);
        let rule = ConditionalFormatTextRule::BeginsWith(word.to_owned());
        let condition = ConditionalFormatText::new().set_rule(rule).set_format(format);
        sheet.add_conditional_format(first.0, first.1, last.0, last.1, &condition)?;
    }
    Ok(())
}

fn write_table(table: &Table, sheet: &mut Worksheet) -> Result<(), XlsxError> {
    let (head, body) = (head(), body());
    let last_column = u16::try_from(table.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
    let last_row = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
    for (column, (heading, width)) in (0_u16..).zip(&table.columns) {
        sheet.write_string_with_format(0, column, *heading, &head)?;
        sheet.set_column_width(column, *width)?;
    }
    for (row, cells) in (1_u32..).zip(&table.rows) {
        // Not every program works out how high a row must be for what is wrapped in it.
        let lines = cells.iter().zip(&table.columns).map(|(cell, (_, width))| lines(cell, *width)).max();
        sheet.set_row_height(row, LINE * f64::from(lines.unwrap_or(1)))?;
        for (column, cell) in (0_u16..).zip(cells) {
            write_cell(sheet, row, column, cell, &body)?;
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    sheet.autofilter(0, 0, last_row.max(1), last_column)?;
    for column in &table.coloured {
        colours(sheet, (1, *column), (last_row.max(1), *column))?;
    }
    page(sheet)
}

/// The height of a line, in points.
const LINE: f64 = 15.0;
/// Lines of a row; what is beyond is there and not seen at once.
const MOST_LINES: u32 = 12;

/// How many lines a cell takes in a column of this width, as far as that can be told without a font.
fn lines(cell: &Cell, width: f64) -> u32 {
    let Cell::Text(text) = cell else { return 1 };
    let mut lines = 0;
    for line in text.lines() {
        let characters = u32::try_from(line.chars().count()).unwrap_or(u32::MAX);
        let mut room = 0.0;
        // Words do not break, so that a line is seldom full.
        while room < f64::from(characters) * 1.1 && lines < MOST_LINES {
            room += width;
            lines += 1;
        }
    }
    lines.clamp(1, MOST_LINES)
}

/// How a sheet is printed: on its side, as wide as the page, with its headings on every page.
fn page(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_repeat_rows(0, 0)?;
    Ok(())
}

fn summary(audit: &Audit, sheet: &mut Worksheet) -> Result<(), XlsxError> {
    let report = &audit.report;
    let (head, body) = (head(), body());
    let title = Format::new().set_bold().set_font_size(16);
    let label = Format::new().set_bold();
    let blank = Format::new().set_border_bottom(FormatBorder::Thin);
    sheet.set_name("Summary")?.set_column_width(0, 80)?;
    for column in 1..10 {
        sheet.set_column_width(column, 12)?;
    }
    sheet.write_string_with_format(0, 0, "What the declared estate says of its requirements", &title)?;
    let estate = report
        .run
        .estate
        .map_or("a work tree, which no commit fixes".to_owned(), |revision| revision.commit.to_string());
    let mut rows = vec![
        ("As of", report.run.as_of.clone()),
        ("Commit of the estate", estate),
        ("Findings", totals(report)),
        ("Since when findings hold", audit.births.sentence()),
    ];
    if let Some(period) = &audit.period {
        rows.push(("Period", format!("{} to {}; the state is that of its end", period.from, period.to)));
        rows.extend(period.notes.iter().map(|note| ("Note", note.clone())));
    }
    let mut row = 2;
    for (name, value) in rows {
        sheet.write_string_with_format(row, 0, name, &label)?;
        sheet.write_string(row, 1, for_cell(&value, LONGEST_CELL))?;
        row += 1;
    }
    if !report.problems.is_empty() {
        let warning = Format::new().set_bold().set_font_color(0x009C_1C14);
        let message = "This report is incomplete: see the sheet Problems for what could not be checked.";
        sheet.write_string_with_format(row, 0, message, &warning)?;
        row += 1;
    }
    if audit.report.problems.is_empty() && !audit.is_complete() {
        let warning = Format::new().set_bold().set_font_color(0x009C_1C14);
        let message = "Not everything could be judged all the time: see the sheet Not judged.";
        sheet.write_string_with_format(row, 0, message, &warning)?;
        row += 1;
    }
    row += 1;
    for name in ["Prepared by", "Prepared on", "Reviewed by", "Reviewed on"] {
        sheet.write_string_with_format(row, 0, name, &label)?;
        for column in 1..4 {
            sheet.write_blank(row, column, &blank)?;
        }
        row += 1;
    }
    row += 1;
    sheet.write_string_with_format(row, 0, "Requirements by outcome", &head)?;
    for (column, state) in (1_u16..).zip(State::ALL) {
        sheet.write_string_with_format(row, column, state.label(), &head)?;
    }
    sheet.set_row_height(row, 32)?;
    for framework in &audit.outcomes.frameworks {
        row += 1;
        let name = format!("{} ({})", framework.title, framework.version);
        write_cell(sheet, row, 0, &code(name), &body)?;
        for (column, (_, count)) in (1_u16..).zip(framework.counts()) {
            write_cell(sheet, row, column, &Cell::Number(count), &Format::new())?;
        }
    }
    row += 2;
    sheet.write_string_with_format(row, 0, "Findings that count", &head)?;
    sheet.write_string_with_format(row, 1, "", &head)?;
    let first = row + 1;
    for (severity, count) in report.by_severity() {
        row += 1;
        sheet.write_string(row, 0, severity.name())?;
        write_cell(sheet, row, 1, &Cell::Number(count), &Format::new())?;
    }
    colours(sheet, (first, 0), (row, 0))?;
    row += 2;
    sheet.write_string_with_format(row, 0, "The words", &head)?;
    sheet.merge_range(row, 1, row, 9, "What they mean", &head)?;
    let first = row + 1;
    for state in State::ALL {
        row += 1;
        sheet.write_string(row, 0, state.label())?;
        sheet.write_string(row, 1, state.meaning())?;
    }
    colours(sheet, (first, 0), (row, 0))?;
    row += 2;
    sheet.write_string_with_format(row, 0, "What this proves, and what it does not", &head)?;
    for framework in &audit.outcomes.frameworks {
        let limits = limits_of(&framework.id);
        for (name, said) in [("proves", limits.proves), ("does not prove", limits.does_not)] {
            row += 1;
            write_cell(sheet, row, 0, &text(format!("{}: {name}", framework.title)), &body)?;
            sheet.merge_range(row, 1, row, 9, &for_cell(&said, LONGEST_CELL), &body)?;
            sheet.set_row_height(row, 34)?;
        }
    }
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}

fn framework(past: &Past<'_>, framework: &FrameworkOutcome) -> Table {
    let audit = past.audit;
    let row = |each: &RequirementOutcome| {
        let parent = each.parent.and_then(|parent| framework.requirements.get(parent));
        let parts: Vec<String> =
            each.parts.iter().map(|(state, count)| format!("{count} {}", state.label())).collect();
        let left_out = each.left_out.iter().map(|(rule, reason)| format!("{rule} took no part: {reason}"));
        let reasons: Vec<String> = each.reasons.iter().cloned().chain(left_out).collect();
        let rules: Vec<&str> = audit.rules_of(each).map(|rule| &*rule.name).collect();
        let mut cells = vec![
            text(&each.id),
            text(&each.title),
            maybe(parent.map(|parent| parent.id.as_str())),
            text(each.state.label()),
            text(each.own.map_or("", State::label)),
            text(parts.join(", ")),
            text(reasons.join("; ")),
            text(rules.join(", ")),
        ];
        let judged = each.judged;
        let counts = [
            each.population.count,
            judged.passed,
            judged.failed,
            judged.waived,
            judged.suppressed,
            judged.errors,
            each.findings,
        ];
        cells.extend(counts.map(Cell::Number));
        let (report, outcomes) = (&audit.report, &audit.outcomes);
        cells.push(text(names(&each.waivers, &report.waivers, |one| one.identity.to_string()).join(", ")));
        cells.push(text(
            names(&each.evidence, &outcomes.evidence, |one| one.evidence.identity.to_string()).join(", "),
        ));
        cells.push(maybe(each.evidence_until.as_deref()));
        cells.push(text(
            names(&each.controls, &outcomes.controls, |one| one.control.identity.to_string()).join(", "),
        ));
        cells.push(code(if each.rules.is_empty() { "" } else { &each.population.digest }));
        cells.push(text(past.oldest(each).map(Oldest::text).unwrap_or_default()));
        cells.push(text(""));
        cells
    };
    Table {
        name: framework.id.clone(),
        columns: vec![
            ("Requirement", 18.0),
            ("Title", 40.0),
            ("Part of", 14.0),
            ("Outcome", 18.0),
            ("Its own", 18.0),
            ("Parts", 26.0),
            ("Why", 44.0),
            ("Rules", 36.0),
            ("Judged", 8.0),
            ("Pass", 7.0),
            ("Fail", 7.0),
            ("Waived", 8.0),
            ("Suppressed", 11.0),
            ("Errors", 7.0),
            ("Findings", 9.0),
            ("Waivers", 20.0),
            ("Evidence", 20.0),
            ("Evidence until", 14.0),
            ("Controls", 20.0),
            ("Digest of the population", 30.0),
            ("Oldest open finding", 40.0),
            ("Reviewer's remarks", 36.0),
        ],
        rows: framework.requirements.iter().map(row).collect(),
        coloured: vec![3, 4],
    }
}

fn findings(past: &Past<'_>) -> Table {
    let report = &past.audit.report;
    let rows = report.all_findings().filter_map(|(finding, print, _)| {
        let rule = report.rule(finding)?;
        let [file, line] = place(&finding.location);
        let since = past.since(&rule.name, print);
        let birth = since.and_then(|since| since.birth);
        let is_overdue = birth.is_some_and(|birth| birth.is_overdue);
        Some(vec![
            text(rule.severity.name()),
            text(&rule.name),
            text(&rule.title),
            text(finding.resource.identity.to_string()),
            text(&finding.message),
            text(finding.status.name()),
            maybe(finding.exception.as_deref()),
            file,
            line,
            text(rule.requirements.join(", ")),
            text(&rule.remediation),
            code(print.to_string()),
            text(since.map(|since| since.text()).unwrap_or_default()),
            text(birth.map(age).unwrap_or_default()),
            text(birth.map(|birth| birth.by.name.clone()).unwrap_or_default()),
            text(birth.map(origin).unwrap_or_default()),
            text(birth.map(|birth| urgency(birth).join("; ")).unwrap_or_default()),
            maybe(birth.and_then(|birth| birth.due.as_deref())),
            text(if is_overdue { "overdue" } else { "" }),
            text(""),
        ])
    });
    Table {
        name: "Findings".to_owned(),
        columns: vec![
            ("Severity", 10.0),
            ("Rule", 28.0),
            ("Title", 32.0),
            ("Resource", 30.0),
            ("Finding", 50.0),
            ("Status", 11.0),
            ("Exception", 24.0),
            ("File", 36.0),
            ("Line", 7.0),
            ("Requirements", 30.0),
            ("Remedy", 44.0),
            ("Fingerprint", 36.0),
            ("Since", 18.0),
            ("Age", 16.0),
            ("Author", 18.0),
            ("How it came", 44.0),
            ("Besides", 26.0),
            ("Due", 12.0),
            ("Overdue", 10.0),
            ("Reviewer's remarks", 36.0),
        ],
        rows: rows.collect(),
        coloured: vec![0, 5, 18],
    }
}

fn waivers(audit: &Audit) -> Table {
    let rows = audit.report.waivers.iter().map(|waiver| {
        let [file, line] = place(&waiver.location);
        vec![
            text(waiver.identity.to_string()),
            text(waiver.state.name()),
            text(waiver.rules.join(", ")),
            maybe(waiver.sort),
            text(&waiver.reason),
            maybe(waiver.approved_by.as_deref()),
            maybe(waiver.expires.as_deref()),
            maybe(waiver.ticket.as_deref()),
            Cell::Number(waiver.findings),
            text(waiver.defects.join("; ")),
            file,
            line,
        ]
    });
    Table {
        name: "Waivers".to_owned(),
        columns: vec![
            ("Waiver", 28.0),
            ("State", 12.0),
            ("Rules", 30.0),
            ("Type", 18.0),
            ("Reason", 44.0),
            ("Approved by", 18.0),
            ("Expires", 12.0),
            ("Ticket", 14.0),
            ("Findings", 9.0),
            ("Defects", 44.0),
            ("File", 36.0),
            ("Line", 7.0),
        ],
        rows: rows.collect(),
        coloured: vec![1],
    }
}

fn evidence(audit: &Audit) -> Table {
    let rows = audit.outcomes.evidence.iter().map(|outcome| {
        let each = &outcome.evidence;
        let [file, line] = place(&each.location);
        let supports: Vec<String> = outcome.requirements.iter().map(ToString::to_string).collect();
        let period = each.period.as_ref().map_or(String::new(), |(from, to)| format!("{from} to {to}"));
        vec![
            text(each.identity.to_string()),
            text(if outcome.is_valid() { "valid" } else { "evidences nothing" }),
            text(outcome.defects.join("; ")),
            text(supports.join(", ")),
            text(&each.sort),
            maybe(each.artefact.as_deref()),
            code(each.digest.as_deref().unwrap_or_default()),
            maybe(each.collected_on.as_deref()),
            maybe(each.collected_by.as_deref()),
            maybe(each.reviewed_on.as_deref()),
            maybe(each.reviewed_by.as_deref()),
            text(period),
            maybe(outcome.until.as_deref()),
            file,
            line,
        ]
    });
    Table {
        name: "Evidence".to_owned(),
        columns: vec![
            ("Evidence", 28.0),
            ("State", 18.0),
            ("Defects", 44.0),
            ("Supports", 30.0),
            ("Type", 14.0),
            ("Artefact", 36.0),
            ("Digest", 30.0),
            ("Collected on", 13.0),
            ("Collected by", 18.0),
            ("Examined on", 13.0),
            ("Examined by", 18.0),
            ("Period", 24.0),
            ("Counts until", 13.0),
            ("File", 36.0),
            ("Line", 7.0),
        ],
        rows: rows.collect(),
        coloured: vec![1],
    }
}

fn controls(audit: &Audit) -> Table {
    let rows = audit.outcomes.controls.iter().map(|outcome| {
        let each = &outcome.control;
        let [file, line] = place(&each.location);
        let serves: Vec<String> = outcome.requirements.iter().map(ToString::to_string).collect();
        let decision = outcome.decision().map_or("", decision_word);
        vec![
            text(each.identity.to_string()),
            text(serves.join(", ")),
            text(outcome.state.map_or("", State::label)),
            text(&each.status),
            text([decision, each.reason.as_deref().unwrap_or_default()].join(" ").trim()),
            text(each.operators.join(", ")),
            text(each.accountable.join(", ")),
            maybe(each.frequency.as_deref()),
            maybe(each.population.as_deref()),
            text(each.rules.join(", ")),
            text(outcome.defects.join("; ")),
            file,
            line,
        ]
    });
    Table {
        name: "Controls".to_owned(),
        columns: vec![
            ("Control", 28.0),
            ("Requirements", 30.0),
            ("Outcome", 18.0),
            ("Declared", 14.0),
            ("Decision", 36.0),
            ("Operator", 22.0),
            ("Accountable", 22.0),
            ("Frequency", 11.0),
            ("Population", 30.0),
            ("Rules", 36.0),
            ("Defects", 44.0),
            ("File", 36.0),
            ("Line", 7.0),
        ],
        rows: rows.collect(),
        coloured: vec![2],
    }
}

fn populations(audit: &Audit) -> Table {
    let rules = audit.report.rules.iter().zip(&audit.outcomes.populations);
    let rows = rules.map(|(rule, population)| {
        let tally = rule.tally;
        let mut cells = vec![text(&rule.name), text(&rule.title), text(rule.severity.name())];
        let counts =
            [tally.matched, tally.passed, tally.failed, tally.waived, tally.suppressed, tally.errors];
        cells.extend(counts.map(Cell::Number));
        cells.push(code(&population.digest));
        cells
    });
    Table {
        name: "Populations".to_owned(),
        columns: vec![
            ("Rule", 34.0),
            ("Title", 44.0),
            ("Severity", 10.0),
            ("Judged", 9.0),
            ("Pass", 9.0),
            ("Fail", 9.0),
            ("Waived", 9.0),
            ("Suppressed", 11.0),
            ("Errors", 9.0),
            ("Digest of the list", 74.0),
        ],
        rows: rows.collect(),
        coloured: vec![2],
    }
}

fn left_out(audit: &Audit) -> Table {
    let report = &audit.report;
    let rules =
        report.not_selected.iter().map(|each| [text("rule"), text(&each.rule), text(&each.reason)].into());
    let files =
        report.skipped.iter().map(|each| [text("file"), text(&each.path), text(each.reason.name())].into());
    Table {
        name: "Left out".to_owned(),
        columns: vec![("What", 8.0), ("Name", 48.0), ("Why", 60.0)],
        rows: rules.chain(files).collect(),
        coloured: Vec::new(),
    }
}

fn problems(audit: &Audit) -> Table {
    let rows = audit.report.problems.iter().map(|problem| {
        let [file, line] = problem.location.as_ref().map_or([text(""), text("")], place);
        vec![text(problem.code.name()), text(&problem.message), text(problem.remedy()), file, line]
    });
    Table {
        name: "Problems".to_owned(),
        columns: vec![("Code", 24.0), ("Problem", 60.0), ("Remedy", 50.0), ("File", 36.0), ("Line", 7.0)],
        rows: rows.collect(),
        coloured: Vec::new(),
    }
}

fn identity(audit: &Audit, sheet: &mut Worksheet) -> Result<(), XlsxError> {
    let (head, body) = (head(), body());
    sheet.set_column_width(0, 30)?.set_column_width(1, 90)?;
    sheet.write_string_with_format(0, 0, "Input", &head)?;
    sheet.write_string_with_format(0, 1, "Value", &head)?;
    for (row, (name, value)) in (1_u32..).zip(identity_rows(audit)) {
        write_cell(sheet, row, 0, &text(name), &body)?;
        write_cell(sheet, row, 1, &text(value), &body)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    page(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_high_as_their_texts() {
        let of = |written: &str| lines(&text(written), 10.0);
        assert_eq!([of(""), of("short"), of("ten and some more"), of("a\nb\nc")], [1, 1, 2, 3]);
        assert_eq!(of(&"x".repeat(5_000)), MOST_LINES);
        assert_eq!(lines(&code("x".repeat(100)), 10.0), 1);
    }

    #[test]
    fn names_of_sheets() {
        let mut taken = BTreeSet::new();
        let mut name = |text: &str| sheet_name(text, &mut taken);
        assert_eq!(name("pci-dss-4.0.1"), "pci-dss-4.0.1");
        assert_eq!(name("PCI-DSS-4.0.1"), "PCI-DSS-4.0.1 2");
        assert_eq!(name("a[b]:c*?/\\d'"), "a-b--c----d-");
        assert_eq!(name(""), "framework");
        assert_eq!(name("History"), "History 2");
        let long = "x".repeat(40);
        assert_eq!(name(&long), "x".repeat(31));
        assert_eq!(name(&long), format!("{} 2", "x".repeat(29)));
    }
}
