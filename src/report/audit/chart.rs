//! Drawings of a period as SVG: timelines, weeks, populations. Attributes alone, since the page allows no inline styles; what
//! they show differs in height as well as in colour, and stands beside them in words.

use super::remark::day;
use crate::date::Moment;
use crate::report::{Deviation, Period, Phase, PopulationChange, Week};

/// Units from the beginning of a period to its end.
const WIDTH: i64 = 2_000;
/// Units from the bottom of a timeline to its top.
const HEIGHT: i64 = 10;

/// What stretch of time the drawings of a report show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    begin: i64,
    end: i64,
}

impl Scale {
    /// From the first day of a period to the end of its last.
    pub(super) fn new(period: &Period) -> Self {
        let seconds = |day: Option<Moment>| {
            day.and_then(|day| day.nanoseconds())
                .map_or(0, |nanoseconds| nanoseconds.div_euclid(1_000_000_000))
        };
        let begin = seconds(Moment::parse(&period.from));
        let last = Moment::parse(&period.to);
        let end = seconds(last.as_ref().and_then(Moment::next_day).or(last));
        Self { begin, end: end.max(begin + 1) }
    }

    /// The place of an instant, in units from the left.
    fn x(self, seconds: i64) -> i64 {
        let seconds = seconds.clamp(self.begin, self.end) - self.begin;
        seconds * WIDTH / (self.end - self.begin)
    }

    fn bar(self, class: &str, from: i64, to: i64, height: i64, of: i64) -> String {
        let x = self.x(from);
        // What lasted for an hour can be seen as well.
        let width = (self.x(to) - x).max(3);
        let (x, y) = (x.min(WIDTH - width), of - height);
        format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>")
    }
}

/// How high a state stands, the worst highest, and its colour.
fn look(state: &str) -> Option<(&'static str, i64)> {
    match state {
        "failing" => Some(("fail", HEIGHT)),
        "error" => Some(("error", 8)),
        "waived" => Some(("waived", 6)),
        "held" => Some(("satisfied", 3)),
        _ => None,
    }
}

/// The words for a state of a timeline.
pub(super) fn word(state: &str) -> &'static str {
    match state {
        "failing" => "a finding counted",
        "error" => "not judged",
        "waived" => "waived",
        "held" => "held",
        _ => "nothing declared",
    }
}

/// `a finding counted from 2026-03-02 to 2026-03-13`, one a stretch. The last day of each is one on which it was so.
pub(super) fn words(phases: &[Phase]) -> Vec<String> {
    let text =
        |phase: &Phase| format!("{} from {} to {}", word(phase.state), day(phase.from), day(phase.to - 1));
    phases.iter().map(text).collect()
}

/// A timeline. Its name says the same in short; the stretches in words stand beside it.
pub(super) fn timeline(phases: &[Phase], scale: Scale, name: &str) -> String {
    let bars: String = phases
        .iter()
        .filter_map(|phase| {
            let (class, height) = look(phase.state)?;
            Some(scale.bar(class, phase.from, phase.to, height, HEIGHT))
        })
        .collect();
    svg("time", WIDTH, HEIGHT, name, &bars)
}

/// The stretches of a deviation as a timeline shows them.
pub(super) fn stretches(deviation: &Deviation, scale: Scale) -> Vec<Phase> {
    let phase = |stretch: &crate::report::Stretch| Phase {
        state: if stretch.status == "fail" { "failing" } else { "waived" },
        from: stretch.from.seconds,
        to: stretch.to.as_ref().map_or(scale.end, |to| to.seconds),
    };
    deviation.stretches.iter().map(phase).collect()
}

/// Who was judged, as steps whose height is the share of the most there ever were.
pub(super) fn steps(population: &[PopulationChange], scale: Scale, name: &str) -> String {
    let most = population.iter().map(|change| change.count).max().unwrap_or_default().max(1);
    let mut bars = String::new();
    for (at, change) in population.iter().enumerate().filter(|(_, change)| change.count > 0) {
        let to = population.get(at + 1).map_or(scale.end, |next| next.from.seconds);
        let height = i64::try_from(change.count * 100 / most).unwrap_or(100).max(1);
        bars.push_str(&scale.bar("info", change.from.seconds, to, height, 100));
    }
    svg("time", WIDTH, 100, name, &bars)
}

/// Findings opened, closed and open by week, beside each other.
pub(super) fn weeks(weeks: &[Week]) -> String {
    let most =
        weeks.iter().map(|week| week.open.max(week.opened).max(week.closed)).max().unwrap_or_default().max(1);
    let mut bars = String::new();
    let mut x = 0;
    for week in weeks {
        let columns =
            [("open", week.open, 1, 8), ("fail", week.opened, 2, 3), ("satisfied", week.closed, 5, 3)];
        for (class, count, from, width) in columns.into_iter().filter(|(_, count, ..)| *count > 0) {
            let height = (count * 100).div_ceil(most);
            bars.push_str(&format!(
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\"/>",
                x + from,
                100 - height.min(100)
            ));
        }
        x += 10;
    }
    svg(
        "weeks",
        x.max(1),
        100,
        "Findings by week: open, opened and closed; the table below has the numbers",
        &bars,
    )
}

/// The months of a period, as bands of which every other one is drawn.
pub(super) fn months(period: &Period, scale: Scale) -> String {
    let mut bars = String::new();
    let Some(mut day) = Moment::parse(&period.from) else { return bars };
    let month = |day: &Moment| day.text().get(..7).unwrap_or_default().to_owned();
    let (mut current, mut begin, mut is_drawn) = (month(&day), scale.begin, false);
    let mut seconds = scale.begin;
    while seconds < scale.end {
        let Some(next) = day.next_day() else { break };
        seconds += crate::report::period::DAY;
        if month(&next) != current || seconds >= scale.end {
            if is_drawn {
                bars.push_str(&scale.bar("uncovered", begin, seconds, HEIGHT, HEIGHT));
            }
            (current, begin, is_drawn) = (month(&next), seconds, !is_drawn);
        }
        day = next;
    }
    svg("time months", WIDTH, HEIGHT, "The months of the period, by turns light and dark", &bars)
}

fn svg(class: &str, width: i64, height: i64, name: &str, bars: &str) -> String {
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{bars}</svg>",
        super::html::h(name)
    )
}
