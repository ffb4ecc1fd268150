//! Text from the estate is hostile: one escaping function a format, and no format without one.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// Characters that do something instead of being seen: controls, marks that reorder or hide text, other ends of a
/// line, and tags.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Text for a terminal: control characters and those that reorder text become visible escapes, so that a
/// document cannot move the cursor, colour its neighbours or hide what it says.
pub fn for_terminal(text: &str) -> String {
    if !text.contains(is_hostile) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hostile(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// A text that a document has made long, cut to so many characters. It says so.
pub(super) fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

/// The same as [`for_terminal`] on one line, no longer than so many characters.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    // What is cut away need not be made harmless first: it may be millions of characters. Escapes are longer than
    // what they stand for, so that the line is cut once more.
    let line = for_terminal(&cut(text, longest)).replace(['\n', '\t'], " ");
    cut(&line, longest + 1).into_owned()
}

/// A field of CSV (RFC 4180), quoted where it must be. What a spreadsheet would take for a formula gets an
/// apostrophe in front, as OWASP advises; what is longer than so many characters is cut.
pub(super) fn for_csv(text: &str, longest: usize) -> String {
    let text = for_terminal(&cut(text, longest));
    let starts_formula =
        |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\n' | '＝' | '＋' | '－' | '＠');
    let is_formula = text.trim_start_matches(' ').starts_with(starts_formula);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n']) || text.starts_with(' ') || text.ends_with(' ') || is_formula {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// A text as a plain or double-quoted scalar of YAML, on one line.
pub(super) fn for_yaml(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | ':');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_safe)
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' ' => quoted.push(' '),
            c if c.is_ascii_graphic() || c.is_alphanumeric() => quoted.push(c),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Text for content and attributes of XML 1.0, on one line or many. Characters that XML forbids become visible
/// escapes.
pub(super) fn for_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_unicode()),
            other if is_hostile(other) => escaped.extend(other.escape_unicode()),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text for content and quoted attributes of HTML, no longer than so many characters. What XML forbids HTML cannot use
/// either, and what acts in one is text in both.
pub(super) fn for_html(text: &str, longest: usize) -> String {
    for_xml(&cut(text, longest))
}

/// Text of a cell of a workbook, on one line or many, no longer than so many characters. It is written as a text, so
/// that no program takes it for a formula, whatever it begins with.
pub(super) fn for_cell(text: &str, longest: usize) -> String {
    // Escapes are longer than what they stand for, so that the text is cut once more.
    cut(&for_terminal(&cut(text, longest)), longest + 1).into_owned()
}

/// The message of a workflow command of GitHub: it stays on its line, and nothing in it is a command.
pub(super) fn for_command(text: &str) -> String {
    let text = for_terminal(text).replace('%', "%25").replace('\n', "%0A");
    // An older form of command is found anywhere in a line, and nothing can escape it.
    text.replace("##[", "## [").replace("##vso[", "## vso[")
}

/// A property of a workflow command of GitHub.
pub(super) fn for_command_property(text: &str) -> String {
    for_command(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text within Markdown as GitHub and GitLab read it, on one line. Plain words stay as they are; whatever could be
/// markup, HTML, a link, a mention or a reference stands in a code span, in which nothing is.
pub(super) fn for_markdown(text: &str, longest: usize) -> String {
    let line = one_line(text, longest);
    if is_plain(&line) { line } else { code(&line) }
}

/// Whether Markdown leaves a text alone in the middle of a line.
fn is_plain(text: &str) -> bool {
    let is_harmless = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                ' ' | '.' | ',' | ';' | '(' | ')' | '"' | '\'' | '-' | '/' | '%' | '?' | '=' | '…' | ':'
            )
    };
    let lower = text.to_lowercase();
    text.chars().all(is_harmless)
        && !text.is_empty()
        && text.trim() == text
        // `:smile:`, `https://`, `www.`, `GH-1`, a commit.
        && text.split(' ').all(|word| !word.trim_end_matches(':').contains(':'))
        && !["www.", "gh-"].iter().any(|word| lower.contains(word))
        && !lower.split(|c: char| !c.is_ascii_hexdigit()).any(|word| word.len() >= 7)
}

/// Prose of a rule: what stands between its backticks is code, the rest as [`for_markdown`] takes it.
pub(super) fn prose(text: &str, longest: usize) -> String {
    let line = one_line(text, longest);
    let parts: Vec<&str> = line.split('`').collect();
    if parts.len().is_multiple_of(2)
        || parts.iter().any(|part| part.is_empty()) && parts.len() > 1 && line.contains("``")
    {
        return for_markdown(&line, longest);
    }
    let parts = parts.iter().enumerate().map(|(at, part)| match (at % 2, part.trim()) {
        (1, _) => code(part),
        (_, "") => (*part).to_owned(),
        (_, inner) if is_plain(inner) => (*part).to_owned(),
        (_, inner) => part.replace(inner, &code(inner)),
    });
    parts.collect()
}

/// A code span.
pub(super) fn code(line: &str) -> String {
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') || line.trim().is_empty() { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// The text of a message of SARIF: brackets that would be a link and braces that would be a placeholder are escaped
/// (SARIF 2.1.0, 3.11.5 and 3.11.6).
pub(super) fn for_sarif(text: &str, longest: usize) -> String {
    let mut line = for_terminal(&cut(text, longest));
    if line.contains("](") {
        line = line.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    }
    let is_placeholder = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    if line.split('{').skip(1).any(is_placeholder) {
        line = line.replace('{', "{{").replace('}', "}}");
    }
    line
}

/// A relative reference by the letter of RFC 3986, as SARIF wants files.
pub(super) fn for_uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~');
    let encoded: String = path
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    encoded
}

/// Writes JSON whose texts hold no character that a terminal or a reader would act on: those are written as
/// escapes, which mean the same.
pub(super) fn write_json_value(
    value: &impl Serialize,
    out: &mut dyn Write,
    layout: Layout,
) -> io::Result<()> {
    let done = match layout {
        Layout::Compact => value.serialize(&mut Serializer::with_formatter(out, Escaping(CompactFormatter))),
        Layout::Indented => {
            value.serialize(&mut Serializer::with_formatter(out, Escaping(PrettyFormatter::new())))
        }
    };
    done.map_err(io::Error::from)
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
}

struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nothing between space and tilde is hostile, and most texts have nothing else.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|(_, character)| is_hostile(*character)) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after.get(character.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_sees_no_controls() {
        assert_eq!(for_terminal("a\u{1b}[31mb\r\u{7}"), "a\\u{1b}[31mb\\u{d}\\u{7}");
        assert_eq!(for_terminal("x\u{202e}y\u{200b}"), "x\\u{202e}y\\u{200b}");
        assert_eq!(for_terminal("über\n\t<b>"), "über\n\t<b>");
        assert_eq!(one_line("a\nb\u{0}c", 3), "a b…");
    }

    #[test]
    fn csv_is_quoted_and_no_formula() {
        let cases = [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("=1+1", "\"'=1+1\""),
            (" @SUM(A1)", "\"' @SUM(A1)\""),
            ("＝cmd", "\"'＝cmd\""),
            ("-5", "\"'-5\""),
            ("\r=1", "\\u{d}=1"),
        ];
        for (text, expected) in cases {
            assert_eq!(for_csv(text, 100), expected);
        }
    }

    #[test]
    fn xml_holds_no_markup_and_no_forbidden_character() {
        assert_eq!(
            for_xml("<a b=\"c\">&'\u{0}\u{ffff}\n"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\\u{0}\\u{ffff}&#10;"
        );
    }

    #[test]
    fn a_command_ends_with_its_line() {
        assert_eq!(for_command("a\n::error::b%0A\r##[error]"), "a%0A::error::b%250A\\u{d}## [error]");
        assert_eq!(for_command_property("a,b:c"), "a%2Cb%3Ac");
    }

    #[test]
    fn markdown_is_plain_or_code() {
        for plain in ["spec.owner is missing", "is 3 (of 5), should be at least 7: see above"] {
            assert_eq!(for_markdown(plain, 100), plain);
        }
        let cases = [
            ("@team", "`@team`"),
            ("a|b", "`a|b`"),
            ("``x`", "``` ``x` ```"),
            ("<b>", "`<b>`"),
            ("see https://x.example", "`see https://x.example`"),
            ("www.x.example", "`www.x.example`"),
            (":tada:", "`:tada:`"),
            ("deadbeef", "`deadbeef`"),
            ("a\n# b", "`a # b`"),
            ("", "`  `"),
        ];
        for (text, expected) in cases {
            assert_eq!(for_markdown(text, 100), expected);
        }
        assert_eq!(prose("Set `spec.a_b`, or stop.", 100), "Set `spec.a_b`, or stop.");
        assert_eq!(prose("Ask @team `a` now", 100), "`Ask @team` `a` now");
        assert_eq!(prose("an odd ` one", 100), "``an odd ` one``");
    }

    #[test]
    fn sarif_has_no_links_and_no_placeholders() {
        assert_eq!(for_sarif("spec.ports[0] is {x}", 100), "spec.ports[0] is {x}");
        assert_eq!(for_sarif("[a](http://b)", 100), "\\[a\\](http://b)");
        assert_eq!(for_sarif("{0} is", 100), "{{0}} is");
        assert_eq!(for_uri("a b/ü#?.yaml"), "a%20b/%C3%BC%23%3F.yaml");
    }

    #[test]
    fn json_says_the_same_with_escapes() {
        let text = "a\u{9b}\u{202e}\u{7f}\u{e0041}\"\n";
        let mut out = Vec::new();
        write_json_value(&text, &mut out, Layout::Compact).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert_eq!(written, "\"a\\u009b\\u202e\\u007f\\udb40\\udc41\\\"\\n\"");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
