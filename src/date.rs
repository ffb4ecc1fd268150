//! Dates, durations and the clock: calendar arithmetic in one place, by `jiff`.
//!
//! Input: text of a document, or the as-of clock. Output: moments that can be moved and compared with the
//! benefit of the doubt. What it does not do: it never reads the wall clock.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{Span, Timestamp, ToSpan as _};

/// A day, or an instant with its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The first moment, in its own offset.
    start: DateTime,
    /// None: a whole day, in whatever offset it is compared.
    offset: Option<Offset>,
    /// As it was written, or as arithmetic would write it.
    text: String,
}

impl Moment {
    /// Reads `2026-11-20`, or an RFC 3339 date and time with its offset. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_date = bytes.len() >= 10
            && bytes.iter().take(10).enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_date {
            return None;
        }
        let date: Date = text.get(..10)?.parse().ok()?;
        let text = text.to_owned();
        if bytes.len() == 10 {
            return Some(Self { start: date.at(0, 0, 0, 0), offset: None, text });
        }
        let (time, offset) = split_offset(text.get(10..)?)?;
        let time = time.strip_prefix(['T', 't'])?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let is_clock = clock.len() == 8
            && clock
                .bytes()
                .enumerate()
                .all(|(at, byte)| if matches!(at, 2 | 5) { byte == b':' } else { byte.is_ascii_digit() });
        let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !is_clock || !is_fraction {
            return None;
        }
        let number = |from: usize| clock.get(from..from + 2).and_then(|digits| digits.parse::<i8>().ok());
        let nanoseconds: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let time = jiff::civil::Time::new(number(0)?, number(3)?, number(6)?, nanoseconds).ok()?;
        Some(Self { start: date.to_datetime(time), offset: Some(offset), text })
    }

    /// The day, in UTC, of so many seconds after the beginning of 1970; none beyond the calendar.
    pub fn day_of(seconds: i64) -> Option<Self> {
        let date = Offset::UTC.to_datetime(Timestamp::from_second(seconds).ok()?).date();
        Some(Self::on(date))
    }

    /// The day of its first moment.
    #[must_use]
    pub fn day(&self) -> Self {
        Self::on(self.start.date())
    }

    /// The day after.
    pub fn next_day(&self) -> Option<Self> {
        Some(Self::on(self.start.date().tomorrow().ok()?))
    }

    /// Days from the day of this moment to that of another; less than none if that lies before.
    pub fn days_until(&self, other: &Self) -> i64 {
        let span = self.start.date().until(other.start.date());
        span.map_or(0, |span| i64::from(span.get_days()))
    }

    fn on(date: Date) -> Self {
        Self { start: date.at(0, 0, 0, 0), offset: None, text: date.to_string() }
    }

    /// As it was written; a moment that was moved is written afresh.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The moment `times` durations later; earlier if `times` is negative. Years and months first, the day
    /// clamped to the end of the month, then weeks and days, then hours, minutes and seconds. None beyond the
    /// calendar.
    pub fn moved(&self, duration: &Duration, times: i64) -> Option<Self> {
        let start = duration.add_to(self.start, times)?;
        let text = match self.offset {
            None if start.time() == jiff::civil::Time::midnight() => start.date().to_string(),
            None => format!("{start}"),
            Some(Offset::UTC) => format!("{start}Z"),
            Some(offset) => format!("{start}{}", rfc3339_offset(offset)),
        };
        Some(Self { start, offset: self.offset, text })
    }

    /// Nanoseconds since 1970 of its first moment, in UTC where it has no offset; none beyond the calendar.
    pub fn nanoseconds(&self) -> Option<i64> {
        let offset = self.offset.unwrap_or(Offset::UTC);
        i64::try_from(offset.to_timestamp(self.start).ok()?.as_nanosecond()).ok()
    }

    /// Its first moment in UTC, to the second: `2026-11-20T00:00:00Z`; none beyond the calendar.
    pub fn utc(&self) -> Option<String> {
        let timestamp = self.offset.unwrap_or(Offset::UTC).to_timestamp(self.start).ok()?;
        let seconds = Timestamp::from_second(timestamp.as_second()).ok()?;
        Some(seconds.to_string())
    }

    fn instant(&self) -> Option<Timestamp> {
        self.offset.and_then(|offset| offset.to_timestamp(self.start).ok())
    }

    /// The moment after the last one; an instant is its own.
    fn end(&self) -> DateTime {
        match self.offset {
            Some(_) => self.start,
            None => self.start.checked_add(1.day()).unwrap_or(DateTime::MAX),
        }
    }

    /// Whether it begins before the other does. A day and an instant compare in the offset of the instant.
    pub fn begins_before(&self, other: &Self) -> bool {
        match (self.instant(), other.instant()) {
            (Some(one), Some(other)) => one < other,
            _ => self.start < other.start,
        }
    }

    /// Whether every moment of this one lies before every moment of the other. A day and an instant compare in
    /// the offset of the instant.
    pub fn is_certainly_before(&self, other: &Self) -> bool {
        match (self.instant(), other.instant()) {
            (Some(one), Some(other)) => one < other,
            (Some(_), None) => self.start < other.start,
            (None, _) => self.end() <= other.start,
        }
    }
}

/// The trailing `Z` or `+hh:mm` of a time.
fn split_offset(text: &str) -> Option<(&str, Offset)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, Offset::UTC));
    }
    let at = text.len().checked_sub(6)?;
    let (time, offset) = (text.get(..at)?, text.get(at..)?);
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = offset.as_bytes() else { return None };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    let (hours, minutes) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    let offset = Offset::from_seconds(if *sign == b'-' { -seconds } else { seconds }).ok()?;
    Some((time, offset))
}

fn rfc3339_offset(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// An ISO 8601 duration with whole, unsigned numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duration {
    months: i64,
    days: i64,
    seconds: i64,
    text: String,
}

/// Before these instants a duration is judged, as XML Schema Part 2 (3.2.6.2) says: they make months of every
/// length, and leap years, come in every order.
const REFERENCES: [(i16, i8); 4] = [(1696, 9), (1697, 2), (1903, 3), (1903, 7)];

impl Duration {
    /// Reads `P1Y`, `P90D`, `PT4H` and the like: years to seconds in order, weeks among them, at least one part.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('P')?;
        let (date, time) = match rest.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (rest, None),
        };
        if time.map_or(date.is_empty(), str::is_empty) {
            return None;
        }
        let mut duration = Self { months: 0, days: 0, seconds: 0, text: text.to_owned() };
        duration.parts(date, [('Y', 12, 0, 0), ('M', 1, 0, 0), ('W', 0, 7, 0), ('D', 0, 1, 0)])?;
        duration.parts(
            time.unwrap_or_default(),
            [('H', 0, 0, 3600), ('M', 0, 0, 60), ('S', 0, 0, 1), ('\0', 0, 0, 0)],
        )?;
        Some(duration)
    }

    fn parts(&mut self, mut text: &str, units: [(char, i64, i64, i64); 4]) -> Option<()> {
        let mut units = units.into_iter();
        while !text.is_empty() {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let number: i64 = text.get(..digits)?.parse().ok()?;
            let unit = text.get(digits..)?.chars().next()?;
            let (_, months, days, seconds) = units.find(|(known, ..)| *known == unit)?;
            self.months = self.months.checked_add(number.checked_mul(months)?)?;
            self.days = self.days.checked_add(number.checked_mul(days)?)?;
            self.seconds = self.seconds.checked_add(number.checked_mul(seconds)?)?;
            text = text.get(digits + unit.len_utf8()..)?;
        }
        Some(())
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The duration so many times over; what no calendar holds stays as long as can be said.
    #[must_use]
    pub fn times(&self, times: i64) -> Self {
        let text = self.text.clone();
        let many = |part: i64| part.saturating_mul(times);
        Self { months: many(self.months), days: many(self.days), seconds: many(self.seconds), text }
    }

    /// Years and months, then days, then seconds; none beyond the calendar.
    fn add_to(&self, start: DateTime, times: i64) -> Option<DateTime> {
        let count = |count: i64| count.checked_mul(times);
        let steps = [
            Span::new().try_months(count(self.months)?),
            Span::new().try_days(count(self.days)?),
            Span::new().try_seconds(count(self.seconds)?),
        ];
        steps.into_iter().try_fold(start, |moved, step| moved.checked_add(step.ok()?).ok())
    }

    /// Whether it is shorter than another, whichever months they fall on.
    pub fn is_certainly_shorter(&self, other: &Self) -> bool {
        REFERENCES.iter().all(|(year, month)| {
            let start = Date::constant(*year, *month, 1).at(0, 0, 0, 0);
            let end = |duration: &Self| duration.add_to(start, 1).unwrap_or(DateTime::MAX);
            end(self) < end(other)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn duration(text: &str) -> Duration {
        Duration::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_moment_in_utc() {
        let utc = |text: &str| Moment::parse(text).unwrap().utc().unwrap();
        assert_eq!(utc("2026-11-20"), "2026-11-20T00:00:00Z");
        assert_eq!(utc("2026-11-20T01:30:00.25+05:45"), "2026-11-19T19:45:00Z");
    }

    #[test]
    fn moments() {
        for text in ["2026-11-20", "2024-02-29", "2026-11-20T08:00:00Z", "2026-11-20t08:00:00.5+05:30"] {
            assert_eq!(moment(text).text(), text);
        }
        for text in [
            "",
            "soon",
            "20261120",
            "2026-02-30",
            "2026-11-20T08:00:00",
            "2026-11-20 08:00:00Z",
            "2026-11-20T08:00Z",
            "2026-11-20T25:00:00Z",
            "2026-11-20T08:00:00+5:30",
            "2026-11-20T08:00:00.Z",
            "2026-1-2",
            "+2026-11-20",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic() {
        let plus = |start: &str, by: &str| moment(start).moved(&duration(by), 1).unwrap().text().to_owned();
        assert_eq!(plus("2026-01-31", "P1M"), "2026-02-28");
        assert_eq!(plus("2024-02-29", "P1Y"), "2025-02-28");
        assert_eq!(plus("2026-07-06", "PT72H"), "2026-07-09");
        assert_eq!(plus("2026-07-06T09:00:00+02:00", "P1DT1H"), "2026-07-07T10:00:00+02:00");
        assert_eq!(moment("2026-03-31").moved(&duration("P1M"), -1).unwrap().text(), "2026-02-28");
        assert_eq!(moment("2026-03-31").moved(&duration("P99999Y"), 1), None);
    }

    #[test]
    fn certainly_before() {
        let before = |one: &str, other: &str| moment(one).is_certainly_before(&moment(other));
        assert!(before("2026-11-19", "2026-11-20") && !before("2026-11-20", "2026-11-20"));
        assert!(
            before("2026-11-19T23:30:00-05:00", "2026-11-20")
                && !before("2026-11-20T00:00:00+02:00", "2026-11-20")
        );
        assert!(
            !before("2026-11-20", "2026-11-20T12:00:00Z") && before("2026-11-19", "2026-11-20T00:00:00Z")
        );
        assert!(before("2026-11-20T11:59:59Z", "2026-11-20T12:00:00Z"));
        assert!(!before("2026-11-20T12:00:00+02:00", "2026-11-20T10:00:00Z"));
    }

    #[test]
    fn durations_compare_with_a_margin() {
        let shorter = |one: &str, other: &str| duration(one).is_certainly_shorter(&duration(other));
        for (one, other) in
            [("P364D", "P1Y"), ("P88D", "P3M"), ("P27D", "P1M"), ("PT1H", "P1D"), ("P1Y", "P367D")]
        {
            assert!(shorter(one, other), "{one} < {other}");
        }
        for (one, other) in [
            ("P365D", "P1Y"),
            ("P1Y", "P365D"),
            ("P90D", "P3M"),
            ("P28D", "P1M"),
            ("PT48H", "P2D"),
            ("P1W", "P7D"),
        ] {
            assert!(!shorter(one, other), "{one} < {other}");
        }
        for text in
            ["", "P", "PT", "P1DT", "P1D1Y", "P0.5D", "-P1D", "P1H", "PD", "p1d", "P99999999999999999999D"]
        {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}
