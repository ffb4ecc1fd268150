//! The functions that a program calls: ours, and those of Rego that depend on nothing but their arguments.

use std::sync::{Arc, LazyLock};

use regorus::Value;
use regorus::unstable::{BUILTINS, Expr, ExprRef, Span};

use super::value::{Budget, Val, set_of};
use super::{Sure, Unsure};
use crate::rego::function::OWN;
use crate::yaml::Kind;

/// A function of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    References,
    Referrers,
    Answered(&'static str),
}

impl Own {
    pub(super) fn named(name: &str, arguments: usize) -> Option<Self> {
        let (name, _) = OWN.iter().find(|(own, arity)| *own == name && *arity == arguments)?;
        Some(match *name {
            "assize.references" => Self::References,
            "assize.referrers" => Self::Referrers,
            name => Self::Answered(name),
        })
    }
}

/// A function of Rego.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuiltIn {
    Count,
    Concat,
    Contains,
    EndsWith,
    Get,
    Lower,
    Sort,
    Sprintf,
    StartsWith,
    TrimPrefix,
    TrimSuffix,
    /// As regorus has it.
    Other(&'static str),
}

/// Functions that depend on nothing but their arguments, and that no engine answers in a way of its own.
const PURE: [&str; 52] = [
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "indexof",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "lower",
    "max",
    "min",
    "net.cidr_contains",
    "net.cidr_is_valid",
    "object.get",
    "object.keys",
    "object.remove",
    "object.union",
    "product",
    "regex.find_n",
    "regex.match",
    "regex.replace",
    "replace",
    "round",
    "semver.compare",
    "semver.is_valid",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.reverse",
    "substring",
    "sum",
    "to_number",
    "trim",
    "trim_prefix",
    "trim_space",
    "trim_suffix",
    "union",
    "upper",
];

impl BuiltIn {
    pub(super) fn named(name: &str, arguments: usize) -> Option<Self> {
        let name = PURE.iter().find(|pure| **pure == name)?;
        let (_, arity) = BUILTINS.get(name)?;
        (usize::from(*arity) == arguments).then_some(match *name {
            "count" => Self::Count,
            "concat" => Self::Concat,
            "contains" => Self::Contains,
            "endswith" => Self::EndsWith,
            "lower" => Self::Lower,
            "object.get" => Self::Get,
            "sort" => Self::Sort,
            "sprintf" => Self::Sprintf,
            "startswith" => Self::StartsWith,
            "trim_prefix" => Self::TrimPrefix,
            "trim_suffix" => Self::TrimSuffix,
            name => Self::Other(name),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Concat => "concat",
            Self::Contains => "contains",
            Self::EndsWith => "endswith",
            Self::Get => "object.get",
            Self::Lower => "lower",
            Self::Sort => "sort",
            Self::Sprintf => "sprintf",
            Self::StartsWith => "startswith",
            Self::TrimPrefix => "trim_prefix",
            Self::TrimSuffix => "trim_suffix",
            Self::Other(name) => name,
        }
    }

    /// What it gives; nothing where it is undefined.
    pub(super) fn call<'a>(self, arguments: &[Val<'a>]) -> Sure<Option<Val<'a>>> {
        let texts = || match arguments {
            [one, other] => Some((one.text()?, other.text()?)),
            _ => None,
        };
        let quick = match (self, arguments) {
            (Self::Count, [of]) => return Ok(Some(Val::Int(count(of)?))),
            (Self::Get, [object, key, default]) => return get(object, key, default).map(Some),
            (Self::StartsWith, _) => texts().map(|(text, part)| Val::Bool(text.starts_with(part))),
            (Self::EndsWith, _) => texts().map(|(text, part)| Val::Bool(text.ends_with(part))),
            (Self::Contains, _) => texts().map(|(text, part)| Val::Bool(text.contains(part))),
            (Self::TrimPrefix, [whole, _]) => {
                texts().map(|(text, part)| cut(whole, text.strip_prefix(part).unwrap_or(text)))
            }
            (Self::TrimSuffix, [whole, _]) => {
                texts().map(|(text, part)| cut(whole, text.strip_suffix(part).unwrap_or(text)))
            }
            (Self::Lower, [whole]) => whole
                .text()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()))
                .map(|_| whole.clone()),
            (Self::Concat, [between, Val::Set(parts) | Val::List(parts)]) => {
                between.text().and_then(|between| {
                    let parts: Vec<&str> = parts.iter().map(Val::text).collect::<Option<_>>()?;
                    let length = parts.iter().map(|part| part.len() + between.len()).sum::<usize>();
                    (length <= TEXT).then_some(())?;
                    Some(Val::Shared(parts.join(between).into()))
                })
            }
            (Self::Sort, [Val::Set(values)]) if values.iter().all(|value| value.text().is_some()) => {
                Some(Val::List(Arc::clone(values)))
            }
            (Self::Sprintf, [format, Val::List(values)]) => {
                format.text().and_then(|format| formatted(format, values))
            }
            _ => None,
        };
        quick.map_or_else(|| as_regorus(self.name(), arguments), |value| Ok(Some(value)))
    }
}

/// A part of a text, without a copy where that is possible.
fn cut<'a>(whole: &Val<'a>, part: &str) -> Val<'a> {
    if let Val::Text(whole) = whole {
        // The part is a prefix or a suffix of the whole.
        let start = if whole.starts_with(part) { 0 } else { whole.len() - part.len() };
        if let Some(part) = whole.get(start..start + part.len()) {
            return Val::Text(part);
        }
    }
    Val::Shared(part.into())
}

/// Bytes of a text that is put together here.
const TEXT: usize = 64 << 10;

/// A format of nothing but `%s` for texts and `%d` for whole numbers.
fn formatted(format: &str, values: &[Val<'_>]) -> Option<Val<'static>> {
    let mut parts = format.split('%');
    let mut text = parts.next()?.to_owned();
    let mut values = values.iter();
    for part in parts {
        let value = values.next()?;
        match (part.as_bytes().first()?, value) {
            (b's', value) => text.push_str(value.text()?),
            (b'd', Val::Int(number)) if *number >= 0 => text.push_str(&number.to_string()),
            _ => return None,
        }
        text.push_str(part.get(1..)?);
        (text.len() <= TEXT).then_some(())?;
    }
    values.next().is_none().then(|| Val::Shared(text.into()))
}

/// How many elements or members it has, or units of UTF-16, which is what regorus counts.
fn count(of: &Val<'_>) -> Sure<i64> {
    let count = match of {
        Val::Text(text) | Val::Id(_, text) => text.encode_utf16().count(),
        Val::Shared(text) => text.encode_utf16().count(),
        Val::Node(node, None) => node.len(),
        Val::Node(node, Some(_)) if node.kind() == Kind::List => node.len(),
        Val::Node(node, Some(reads)) => {
            node.members().filter(|(key, _)| super::value::read_of(reads, key.text()).is_some()).count()
        }
        Val::Entries(entries) => entries.len(),
        Val::Members(members, _) => members.by_id.len(),
        Val::List(list) | Val::Set(list) | Val::Bag(list) => list.len(),
        Val::Object(members) => members.len(),
        _ => return Err(Unsure),
    };
    i64::try_from(count).map_err(|_| Unsure)
}

/// `object.get`, by one key or by several.
fn get<'a>(object: &Val<'a>, key: &Val<'a>, default: &Val<'a>) -> Sure<Val<'a>> {
    let is_mapping = |value: &Val<'_>| match value {
        Val::Node(node, _) => node.kind() == Kind::Map,
        Val::Object(_) => true,
        _ => false,
    };
    if !is_mapping(object) {
        return Err(Unsure);
    }
    if let Some(key) = key.text() {
        return Ok(object.member(key)?.unwrap_or_else(|| default.clone()));
    }
    let Val::List(keys) = key else { return Err(Unsure) };
    let mut value = object.clone();
    for key in keys.iter() {
        if !is_mapping(&value) {
            return Err(Unsure);
        }
        match value.member(key.text().ok_or(Unsure)?)? {
            Some(member) => value = member,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}

/// Where a function of regorus is told that it stands: errors name it, and they are not shown.
static NOWHERE: LazyLock<Option<(Span, Vec<ExprRef>)>> = LazyLock::new(|| {
    let source = regorus::Source::from_contents("call".to_owned(), "call".to_owned()).ok()?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let nothing = || ExprRef::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
    let arguments = (0..8).map(|_| nothing()).collect();
    Some((span, arguments))
});

/// Arguments as values of regorus.
pub(super) fn to_values(arguments: &[Val<'_>]) -> Sure<Vec<Value>> {
    let mut budget = Budget::CALL;
    arguments.iter().map(|argument| argument.to_value(&mut budget)).collect()
}

/// The function as regorus has it. What it cannot compute is for the engines to judge.
fn as_regorus<'a>(name: &str, arguments: &[Val<'a>]) -> Sure<Option<Val<'a>>> {
    let (function, _) = BUILTINS.get(name).ok_or(Unsure)?;
    let (span, nothing) = NOWHERE.as_ref().ok_or(Unsure)?;
    let values = to_values(arguments)?;
    let nothing = nothing.get(..values.len()).ok_or(Unsure)?;
    match function(span, nothing, &values, true).map_err(|_| Unsure)? {
        Value::Undefined => Ok(None),
        value => Ok(Some(Val::of_value(&value)?)),
    }
}

/// What two sets have together.
pub(super) fn union<'a>(one: &Val<'a>, other: &Val<'a>) -> Sure<Val<'a>> {
    // Most add little or nothing.
    for (most, few) in [(one, other), (other, one)] {
        of_set(most)?;
        if of_set(few)?.iter().all(|value| has_text(most, value) == Some(true)) {
            return Ok(most.clone());
        }
    }
    set_of(of_set(one)?.iter().chain(of_set(other)?).cloned().collect())
}

/// Whether a set of texts has a text; none if that is to be found out otherwise.
pub(super) fn has_text(set: &Val<'_>, value: &Val<'_>) -> Option<bool> {
    let (Val::Set(set), Some(text)) = (set, value.text()) else { return None };
    // Of a set in order the first tells what all are.
    set.first()?.text()?;
    Some(set.binary_search_by(|known| known.text().cmp(&Some(text))).is_ok())
}

/// So many pairs of elements are held against each other in one go.
const COMPARISONS: usize = 1 << 16;

/// The elements of a set that stand in another, or that do not.
pub(super) fn filtered<'a>(one: &Val<'a>, other: &Val<'a>, is_wanted: bool) -> Sure<Val<'a>> {
    let (first, second) = (one, other);
    let (one, other) = (of_set(one)?, of_set(other)?);
    if matches!(first, Val::Set(_)) && one.iter().all(|value| has_text(second, value).is_some()) {
        let is_kept = |value: &&Val<'a>| has_text(second, value) == Some(is_wanted);
        // What is left of a set in order is in order.
        return Ok(Val::Set(one.iter().filter(is_kept).cloned().collect()));
    }
    if one.len().saturating_mul(other.len()) > COMPARISONS {
        return Err(Unsure);
    }
    let mut kept = Vec::new();
    for value in one {
        let mut is_there = false;
        for known in other {
            is_there |= known.is(value)?;
        }
        if is_there == is_wanted {
            kept.push(value.clone());
        }
    }
    set_of(kept)
}

fn of_set<'s, 'a>(set: &'s Val<'a>) -> Sure<&'s [Val<'a>]> {
    match set {
        Val::Set(set) | Val::Bag(set) => Ok(set),
        _ => Err(Unsure),
    }
}
