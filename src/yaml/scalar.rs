//! What a plain scalar means: the core schema of YAML 1.2.2 (section 10.3.2), and where YAML 1.1
//! (yaml.org/type: bool, int, float) would read it differently.

use super::node::Number;
use super::tape::Kind;

/// Which YAML a document is read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// YAML 1.2, core schema.
    #[default]
    Core,
    /// YAML 1.2 with the booleans and octal integers of YAML 1.1, as Kubernetes reads its manifests.
    Yaml11,
}

/// What a plain scalar is, and whether YAML 1.1 reads it differently.
pub(super) fn classify(text: &str) -> (Kind, bool) {
    let bytes = text.as_bytes();
    let Some(&first) = bytes.first() else { return (Kind::Null, false) };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(bytes),
        b'~' if bytes.len() == 1 => (Kind::Null, false),
        b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => match text {
            "null" | "Null" | "NULL" => (Kind::Null, false),
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => (Kind::Bool, false),
            _ => (Kind::Text, is_yaml11_boolean(text)),
        },
        _ => (Kind::Text, false),
    }
}

/// Whether the text is a boolean in YAML 1.1 only.
pub(super) fn is_yaml11_boolean(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// The truth value of a boolean of either dialect.
pub(super) fn truth(text: &str) -> bool {
    matches!(text.as_bytes(), [b't' | b'T' | b'y' | b'Y', ..] | [b'o' | b'O', b'n' | b'N'])
}

fn number(bytes: &[u8]) -> (Kind, bool) {
    let (signed, digits) = match bytes {
        [b'+' | b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    match digits {
        [b'.', b'i' | b'I', b'n', b'f'] | [b'.', b'I', b'N', b'F'] => {
            return (Kind::Float, false);
        }
        [b'.', rest @ ..] if !signed && matches!(rest, b"nan" | b"NaN" | b"NAN") => {
            return (Kind::Float, false);
        }
        [b'0', b'o', octal @ ..]
            if !signed && !octal.is_empty() && octal.iter().all(|b| matches!(b, b'0'..=b'7')) =>
        {
            return (Kind::Int, true);
        }
        [b'0', b'x', hex @ ..] if !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit) => {
            // A sign before 0x makes it an integer in YAML 1.1 only.
            return if signed { (Kind::Text, true) } else { (Kind::Int, false) };
        }
        [b'0', b'b', binary @ ..]
            if !binary.is_empty() && binary.iter().all(|b| matches!(b, b'0' | b'1' | b'_')) =>
        {
            return (Kind::Text, true);
        }
        _ => {}
    }
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = digits.get(whole..).unwrap_or_default();
    if rest.is_empty() {
        if whole == 0 {
            return (Kind::Text, false);
        }
        // A leading zero means octal in YAML 1.1: 010 is 8 there and 10 here, 08 is text there; 07 is 7 in both.
        let zeros = digits.iter().take_while(|b| **b == b'0').count();
        let differs = zeros > 0
            && whole - zeros > usize::from(zeros == whole || digits.get(zeros).is_some_and(|b| *b < b'8'));
        return (Kind::Int, differs);
    }
    let (fraction, after) = match rest {
        [b'.', rest @ ..] => {
            let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            (Some(count), rest.get(count..).unwrap_or_default())
        }
        _ => (None, rest),
    };
    if whole == 0 && fraction.unwrap_or(0) == 0 {
        return (Kind::Text, false);
    }
    match after {
        [] => (Kind::Float, false),
        [b'e' | b'E', exponent @ ..] => {
            let (sign, power) = match exponent {
                [b'+' | b'-', power @ ..] => (true, power),
                _ => (false, exponent),
            };
            if power.is_empty() || !power.iter().all(u8::is_ascii_digit) {
                (Kind::Text, false)
            } else {
                // YAML 1.1 asks for a point and for a sign: 12e5 is text there.
                (Kind::Float, fraction.is_none() || !sign)
            }
        }
        _ => (Kind::Text, is_yaml11_number(digits)),
    }
}

/// Digits with underscores (`1_000`) or in base 60 (`12:30`), which are numbers in YAML 1.1 only.
fn is_yaml11_number(digits: &[u8]) -> bool {
    let Some(first) = digits.first() else { return false };
    if !first.is_ascii_digit() {
        return false;
    }
    if digits.contains(&b':') {
        let mut parts = digits.split(|b| *b == b':');
        let head = parts.next().unwrap_or_default();
        return *first != b'0'
            && head.iter().all(|b| b.is_ascii_digit() || *b == b'_')
            && parts.all(|part| matches!(part, [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']));
    }
    digits.contains(&b'_')
        && digits.iter().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'.'))
        && digits.split(|b| *b == b'.').count() <= 2
}

/// Whether a number fits into 64 bits and is finite; `text` is of kind `Int` or `Float`.
pub(super) fn in_range(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Int => text.len() < 19 || parse_integer(text, false).is_some(),
        Kind::Float => parse_float(text).is_finite(),
        _ => true,
    }
}

/// The value of an integer that is in range.
pub(super) fn integer(text: &str, octal: bool) -> Number {
    parse_integer(text, octal).unwrap_or_else(|| Number::Float(parse_float(text)))
}

/// The value of a float that is in range.
pub(super) fn float(text: &str) -> Number {
    Number::Float(parse_float(text))
}

fn parse_integer(text: &str, octal: bool) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Number::Unsigned);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Number::Unsigned);
    }
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    let base = if octal && digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b < b'8') {
        8
    } else {
        10
    };
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    if !negative || magnitude == 0 {
        return Some(Number::Unsigned(magnitude));
    }
    0_i64.checked_sub_unsigned(magnitude).map(Number::Signed)
}

fn parse_float(text: &str) -> f64 {
    text.parse().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: Kind, ambiguous: bool) {
        assert_eq!(classify(text), (kind, ambiguous), "{text}");
    }

    #[test]
    fn the_core_schema() {
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, Kind::Null, false);
        }
        for text in ["true", "True", "TRUE", "false", "False", "FALSE"] {
            check(text, Kind::Bool, false);
        }
        for text in ["0", "1", "-1", "+12", "0x1F", "9007199254740993", "00", "07", "-07", "007"] {
            check(text, Kind::Int, false);
        }
        for text in ["1.0", ".5", "-.5", "1.", "1.5e+3", ".inf", "-.INF", ".nan"] {
            check(text, Kind::Float, false);
        }
        for text in [
            "nUll",
            "tRUE",
            "+",
            "-",
            ".",
            "..",
            "1.2.3",
            "2026-11-20",
            "1a",
            "0x",
            "0o8",
            "-.nan",
            ".e5",
            "1e",
            "a_b",
        ] {
            check(text, Kind::Text, false);
        }
    }

    #[test]
    fn what_the_two_versions_read_differently() {
        for text in ["yes", "No", "ON", "off", "y", "N", "1_000", "12:30", "22:22:22", "0b101", "+0x1F"] {
            check(text, Kind::Text, true);
        }
        for text in ["010", "0777", "08", "0o17", "-010", "0010"] {
            check(text, Kind::Int, true);
        }
        for text in ["12e5", "1.5e3"] {
            check(text, Kind::Float, true);
        }
        for text in ["yEs", "12:70", "09:30", "1:a"] {
            check(text, Kind::Text, false);
        }
    }

    #[test]
    fn values() {
        assert_eq!(integer("-9223372036854775808", false), Number::Signed(i64::MIN));
        assert_eq!(integer("18446744073709551615", false), Number::Unsigned(u64::MAX));
        assert_eq!(integer("0777", true), Number::Unsigned(511));
        assert_eq!(integer("0777", false), Number::Unsigned(777));
        assert_eq!(integer("0o17", false), Number::Unsigned(15));
        assert_eq!(integer("-0", false), Number::Unsigned(0));
        assert_eq!(float("1e3"), Number::Float(1000.0));
        assert!(!in_range(Kind::Int, "18446744073709551616"));
        assert!(!in_range(Kind::Float, "1e999"));
        assert!(!in_range(Kind::Float, ".inf"));
        assert!(truth("Yes") && truth("on") && truth("TRUE") && !truth("off") && !truth("no"));
    }
}
