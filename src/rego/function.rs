//! The functions that the program adds to Rego, those that it takes over to bound them, and those that it refuses.

use std::collections::BTreeMap;

use regorus::Value;
use regorus::unstable::{BUILTINS, Expr, ExprRef, Module, Span};

use super::module::{Visited, dotted, walk_module};
use super::uses::Uses;
use super::world::World;
use crate::date::{Duration, Moment};
use crate::schema::{Overlap, ResourceId};

/// What a function is asked with.
pub(super) struct Call<'c> {
    pub(super) world: &'c World,
    pub(super) as_of: &'c Moment,
    /// Who is judged.
    pub(super) resource: Option<ResourceId>,
    /// What the policy asks of entries.
    pub(super) asked: &'c Uses,
    /// The number of the policy.
    pub(super) policy: u64,
}

/// Our own functions, with the number of their arguments.
pub(super) const OWN: [(&str, usize); 10] = [
    ("assize.circle", 2),
    ("assize.date.add", 2),
    ("assize.date.is_before", 2),
    ("assize.date.subtract", 2),
    ("assize.duration.is_shorter", 2),
    ("assize.duration.times", 2),
    ("assize.networks.overlapping", 4),
    ("assize.reached", 3),
    ("assize.references", 1),
    ("assize.referrers", 1),
];

/// Built-in functions that a call with hostile arguments could make slow, huge or different from one run to the next,
/// with the number of their arguments. They are replaced where [`needs_guard`] says so.
const GUARDED: [(&str, usize); 12] = [
    ("bits.lsh", 2),
    ("concat", 2),
    ("format_int", 2),
    ("json.marshal_with_options", 2),
    ("net.cidr_expand", 1),
    ("numbers.range", 2),
    ("numbers.range_step", 3),
    ("replace", 3),
    ("sprintf", 2),
    ("strings.count", 2),
    ("strings.replace_n", 2),
    ("time.now_ns", 0),
];

/// Why a function is not there, if it is refused.
pub(super) fn refused(name: &str) -> Option<&'static str> {
    match name {
        "rand.intn" | "uuid.rfc4122" => Some("a run must give the same result twice"),
        "http.send" | "net.lookup_ip_addr" => Some("a run uses no network"),
        "opa.runtime" => Some("a run does not depend on its environment"),
        "graph.reachable_paths" => Some("there can be exponentially many paths; use `graph.reachable`"),
        "__builtin_host_await" => Some("it is not part of Rego"),
        _ => None,
    }
}

/// The most elements that a range or a network may be expanded to.
const ELEMENTS: i64 = 100_000;
/// The most bytes that one call may put together.
const BYTES: usize = 16 << 20;
/// The most binary digits that a number may be shifted by.
const SHIFT: i64 = 4096;
/// The most ranges that overlap one: a rule is to find that there are some, not to list them all.
const OVERLAPS: usize = 100;
/// The most references that are followed one after the other.
const STEPS: u64 = 64;
/// The widest field in a format.
const WIDTH: usize = 1000;

/// The functions that a module calls and that the program answers, with the number of their arguments.
pub(super) fn answered(modules: &[&Module]) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    for module in modules {
        walk_module(module, &mut |visited| {
            let Visited::Expression(expr) = visited else { return };
            let Expr::Call { fcn, params, .. } = expr.as_ref() else { return };
            let Some(name) = dotted(fcn) else { return };
            if let Some((own, arity)) = OWN.iter().find(|(own, _)| *own == name) {
                found.insert(*own, *arity);
            }
            if let Some((guarded, arity)) = GUARDED.iter().find(|(guarded, _)| *guarded == name)
                && needs_guard(guarded, params)
            {
                found.insert(*guarded, *arity);
            }
        });
    }
    found
}

/// A function that the program answers, by its name, with the number of its arguments.
pub(super) fn answering(name: &str) -> Option<(&'static str, usize)> {
    OWN.iter().chain(&GUARDED).find(|(known, _)| *known == name).copied()
}

/// Whether the arguments, as far as they stand in the text, could make a call unbounded.
fn needs_guard(name: &str, params: &[ExprRef]) -> bool {
    let text = |at: usize| {
        params.get(at).and_then(|param: &ExprRef| match param.as_ref() {
            Expr::String { value, .. } | Expr::RawString { value, .. } => {
                value.as_string().ok().map(ToString::to_string)
            }
            _ => None,
        })
    };
    match name {
        // A short text between others adds little to them.
        "concat" => text(0).is_none_or(|delimiter| delimiter.len() > 16),
        "sprintf" => text(0).is_none_or(|format| widest(&format) > WIDTH),
        "replace" => match (text(1), text(2)) {
            (Some(old), Some(new)) => old.is_empty() || new.len() > 4 * old.len(),
            _ => true,
        },
        "strings.count" => text(1).is_none_or(|part| part.is_empty()),
        _ => true,
    }
}

/// The largest number in a format, which may be a width.
fn widest(format: &str) -> usize {
    let digits = format.split(|character: char| !character.is_ascii_digit());
    digits
        .map(|digits| digits.parse().unwrap_or(if digits.is_empty() { 0 } else { usize::MAX }))
        .max()
        .unwrap_or(0)
}

/// Answers a call. An error ends the evaluation.
pub(super) fn answer(name: &str, arguments: &[Value], call: &Call<'_>) -> Result<Value, String> {
    let text = |at: usize| match arguments.get(at) {
        Some(Value::String(text)) => Ok(&**text),
        Some(other) => Err(format!("`{name}` takes text, not {}", brief(other))),
        None => Err(format!("`{name}` lacks an argument")),
    };
    let moment = |at: usize| {
        let text = text(at)?;
        Moment::parse(text).ok_or_else(|| format!("`{name}`: {text:?} is no date"))
    };
    let duration = |at: usize| {
        let text = text(at)?;
        Duration::parse(text).ok_or_else(|| format!("`{name}`: {text:?} is no ISO 8601 duration"))
    };
    let number = |at: usize| match arguments.get(at) {
        Some(Value::Number(number)) => {
            number.as_i64().ok_or_else(|| format!("`{name}` takes a whole number of at most 64 bits"))
        }
        Some(other) => Err(format!("`{name}` takes a number, not {}", brief(other))),
        None => Err(format!("`{name}` lacks an argument")),
    };
    let moved = |times: i64| {
        let (from, by) = (moment(0)?, duration(1)?);
        let moved = from
            .moved(&by, times)
            .ok_or_else(|| format!("`{name}`: {} and {} lead out of the calendar", from.text(), by.text()))?;
        Ok(Value::from(moved.text()))
    };
    match name {
        "assize.date.is_before" => Ok(Value::from(moment(0)?.is_certainly_before(&moment(1)?))),
        "assize.date.add" => moved(1),
        "assize.date.subtract" => moved(-1),
        "assize.duration.is_shorter" => Ok(Value::from(duration(0)?.is_certainly_shorter(&duration(1)?))),
        "assize.duration.times" => {
            let times = number(1)?;
            if times < 0 {
                return Err(format!("`{name}`: {times} is less than nothing"));
            }
            Ok(Value::from(duration(0)?.times(times).text()))
        }
        "assize.networks.overlapping" => {
            let same = same(name, arguments.get(3))?;
            let (kind, field, range) = (text(0)?, text(1)?, text(2)?);
            let asked = Overlap { range, kind, field, same: &same, but: call.resource, most: OVERLAPS };
            Ok(call.world.overlapping(&asked))
        }
        "assize.circle" => Ok(call.world.circle(call.world.find(text(0)?), text(1)?)),
        "assize.reached" => {
            let steps = u64::try_from(number(2)?).map_err(|_| format!("`{name}` takes no steps back"))?;
            bound(name, steps, STEPS, "steps")?;
            Ok(call.world.reached(call.world.find(text(0)?), text(1)?, steps))
        }
        "assize.references" => {
            call.world.walked_references(call.world.find(text(0)?), call.asked, call.policy)
        }
        "assize.referrers" => call.world.walked_referrers(call.world.find(text(0)?), call.asked, call.policy),
        "time.now_ns" => call
            .as_of
            .nanoseconds()
            .map(Value::from)
            .ok_or_else(|| "the clock of the run lies beyond the calendar".to_owned()),
        "strings.count" => {
            let (whole, part) = (text(0)?, text(1)?);
            // As Go counts: an empty text stands before, between and after all characters.
            let count = if part.is_empty() { whole.chars().count() + 1 } else { whole.matches(part).count() };
            Ok(Value::from(count as u64))
        }
        "numbers.range" | "numbers.range_step" => {
            let (from, to) = (number(0)?, number(1)?);
            let step = if name == "numbers.range" { 1 } else { number(2)?.max(1) };
            bound(name, from.abs_diff(to) / step.unsigned_abs(), ELEMENTS.unsigned_abs(), "elements")?;
            built_in(name, arguments)
        }
        "net.cidr_expand" => {
            let network = text(0)?;
            let bits = if network.contains(':') { 128 } else { 32_u32 };
            let prefix = network.rsplit_once('/').and_then(|(_, prefix)| prefix.parse::<u32>().ok());
            let free = bits.saturating_sub(prefix.unwrap_or(bits));
            bound(
                name,
                1_u64.checked_shl(free.min(63)).unwrap_or(u64::MAX),
                ELEMENTS.unsigned_abs(),
                "addresses",
            )?;
            built_in(name, arguments)
        }
        "bits.lsh" => {
            bound(name, number(1)?.unsigned_abs(), SHIFT.unsigned_abs(), "places")?;
            built_in(name, arguments)
        }
        "sprintf" => {
            bound(name, widest(text(0)?) as u64, WIDTH as u64, "characters in a field")?;
            built_in(name, arguments)
        }
        "concat" => {
            let count = match arguments.get(1) {
                Some(Value::Array(list)) => list.len(),
                Some(Value::Set(set)) => set.len(),
                _ => 0,
            };
            bound(name, text(0)?.len().saturating_mul(count) as u64, BYTES as u64, "bytes")?;
            built_in(name, arguments)
        }
        "replace" => {
            let (whole, old, new) = (text(0)?, text(1)?, text(2)?);
            let places = if old.is_empty() { whole.len() + 1 } else { whole.len() / old.len() };
            bound(
                name,
                places.saturating_mul(new.len()).saturating_add(whole.len()) as u64,
                BYTES as u64,
                "bytes",
            )?;
            built_in(name, arguments)
        }
        "strings.replace_n" => {
            let Some(Value::Object(pairs)) = arguments.first() else {
                return Err(format!("`{name}` takes an object of texts"));
            };
            let longest = pairs
                .values()
                .map(|value| value.as_string().map_or(0, |text| text.len()))
                .max()
                .unwrap_or_default();
            let whole = text(1)?.len() + 1;
            // One replacement may come into what another has left.
            let rounds = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
            let size = (longest.max(1) as u64).saturating_pow(rounds).saturating_mul(whole as u64);
            bound(name, size, BYTES as u64, "bytes")?;
            built_in(name, arguments)
        }
        "json.marshal_with_options" => {
            let Some(Value::Object(options)) = arguments.get(1) else {
                return Err(format!("`{name}` takes an object of options"));
            };
            let longest = options.values().map(|value| value.as_string().map_or(0, |text| text.len())).max();
            bound(name, longest.unwrap_or_default() as u64, 16, "bytes in an option")?;
            built_in(name, arguments)
        }
        "format_int" => {
            number(0)?;
            built_in(name, arguments)
        }
        _ => Err(format!("`{name}` is not known")),
    }
}

/// The texts that fields should hold: an object of texts, with null for none.
fn same(name: &str, argument: Option<&Value>) -> Result<BTreeMap<String, Option<String>>, String> {
    let wrong = || format!("`{name}` takes an object of texts by field, with null for none");
    let Some(Value::Object(pairs)) = argument else { return Err(wrong()) };
    let pair = |(field, value): (&Value, &Value)| match (field, value) {
        (Value::String(field), Value::String(text)) => Ok((field.to_string(), Some(text.to_string()))),
        (Value::String(field), Value::Null) => Ok((field.to_string(), None)),
        _ => Err(wrong()),
    };
    pairs.iter().map(pair).collect()
}

fn bound(name: &str, is: u64, most: u64, what: &str) -> Result<(), String> {
    if is > most {
        return Err(format!("`{name}` is bounded to {most} {what}"));
    }
    Ok(())
}

/// The function as regorus has it.
fn built_in(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let (function, _) = BUILTINS.get(name).ok_or_else(|| format!("`{name}` is not known"))?;
    let source = regorus::Source::from_contents(name.to_owned(), name.to_owned())
        .map_err(|error| error.to_string())?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let nothing = || ExprRef::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
    let params: Vec<ExprRef> = arguments.iter().map(|_| nothing()).collect();
    function(&span, &params, arguments, true)
        .map_err(|error| super::RegoError::from_text(&error.to_string()).message)
}

/// A value in a word or two.
pub(super) fn brief(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Value::Array(_) => "a list".to_owned(),
        Value::Set(_) => "a set".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::Undefined => "nothing".to_owned(),
    }
}
