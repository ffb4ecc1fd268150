//! How long answers hold while the clock goes on.
//!
//! A comparison with a bound that moves with the clock can turn only when the bound has passed the moment that it is
//! compared with, and never turns back. So an evaluation holds until the first of its comparisons can turn.

use std::cell::Cell;

use crate::date::Moment;

thread_local! {
    static DAYS: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// A month later is 28 to 31 days later, so that bounds do not move quite as the clock does, and a day is not the same
/// day everywhere.
const MARGIN: i64 = 5;

/// Evaluates, and says for how many days the answer holds, counted from the day of the clock; at least one.
pub fn watch<T>(evaluate: impl FnOnce() -> T) -> (T, u32) {
    let before = DAYS.replace(u32::MAX);
    let answer = evaluate();
    let days = DAYS.replace(before);
    (answer, days)
}

/// A moment was compared with a bound that moves with the clock.
pub(super) fn compared(moment: &Moment, bound: &Moment) {
    let ahead = bound.days_until(moment);
    if ahead >= -MARGIN {
        let days = u32::try_from((ahead - MARGIN).max(1)).unwrap_or(u32::MAX);
        DAYS.set(DAYS.get().min(days));
    }
}

/// Something about the clock could not be told.
pub(super) fn unknown() {
    DAYS.set(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::Duration;

    fn moment(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    /// Whether `moment` lies before, and after, the clock less a duration.
    fn answers(moment: &Moment, clock: &Moment, span: &Duration, sign: i64) -> (bool, bool) {
        let bound = clock.moved(span, sign).unwrap();
        compared(moment, &bound);
        (moment.is_certainly_before(&bound), bound.is_certainly_before(moment))
    }

    #[test]
    fn an_answer_holds_as_long_as_is_said() {
        for text in [
            "2026-03-31",
            "2026-02-28T23:30:00-11:00",
            "2027-08-01",
            "2020-01-01",
            "2026-03-02T00:00:00+13:00",
        ] {
            let moment = moment(text);
            for (span, sign) in [("P0D", 1), ("P1M", -1), ("P1M", 1), ("P1Y", -1), ("P90D", -1), ("PT36H", 1)]
            {
                let span = Duration::parse(span).unwrap();
                let mut clock = self::moment("2025-11-01");
                let mut known: Option<((bool, bool), i64)> = None;
                for _ in 0..900 {
                    let (now, days) = watch(|| answers(&moment, &clock, &span, sign));
                    let today = self::moment("2025-11-01").days_until(&clock);
                    if let Some((answer, until)) = known.filter(|(_, until)| today < *until) {
                        assert_eq!(now, answer, "{text}, {sign} {}, {}: {until}", span.text(), clock.text());
                    } else {
                        known = Some((now, today + i64::from(days)));
                    }
                    clock = clock.next_day().unwrap();
                }
                // Some day nothing can change any more.
                assert!(known.unwrap().1 > 10_000 || text == "2027-08-01", "{text} {}", span.text());
            }
        }
    }
}
