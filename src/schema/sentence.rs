//! From a validator's errors to failures that a person understands: what is, and what should be.

use std::collections::BTreeMap;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::keyword::Fault;
use super::path::{Path, Step};
use super::scope::{ResourceId, Scope};
use super::{Body, Description};
use crate::yaml::{Kind, NodeRef};

/// Something in a document that is not as a schema wants it.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// The place, from the root of the document; a missing field has a place, too.
    pub path: Path,
    /// What is, then what should be.
    pub message: String,
    /// The node to point at; none means the document as a whole.
    pub anchor: Option<NodeRef<'a>>,
    /// Another resource that it is about.
    pub related: Option<ResourceId>,
    /// What tells it from others, where that is not the place.
    pub key: Option<String>,
}

/// What a schema that does not hold has to say.
#[derive(Clone, Debug, Default)]
pub struct Judgement<'a> {
    /// What fails, one entry a path.
    pub failures: Vec<Failure<'a>>,
    /// Whether something could not be decided: without failures, the document was not evaluated.
    pub is_undecided: bool,
}

/// A sentence about a path.
struct Sentence {
    path: Path,
    message: String,
    related: Option<ResourceId>,
    is_undecided: bool,
    /// Whether it is about the key and not about what stands there.
    is_about_key: bool,
}

/// What is gathered about a path.
#[derive(Default)]
struct Gathered {
    messages: Vec<String>,
    related: Option<ResourceId>,
    is_about_key: bool,
}

/// One failure a path, in the order of the paths; several messages on one path are joined.
pub(super) fn judge<'a, 'e>(
    errors: impl Iterator<Item = ValidationError<'e>>,
    body: &Body,
    scope: &Scope<'a>,
    at: &[String],
) -> Judgement<'a> {
    let prefix = Path::of_keys(at);
    let speaker = Speaker { body, start: scope.start, prefix: &prefix };
    let mut judgement = Judgement::default();
    let mut by_path: BTreeMap<Path, Gathered> = BTreeMap::new();
    for sentence in errors.flat_map(|error| speaker.sentences(&error)) {
        if sentence.is_undecided {
            judgement.is_undecided = true;
            continue;
        }
        let gathered = by_path.entry(sentence.path).or_default();
        gathered.related = gathered.related.or(sentence.related);
        gathered.is_about_key |= sentence.is_about_key;
        if !gathered.messages.contains(&sentence.message) {
            gathered.messages.push(sentence.message);
        }
    }
    judgement.failures = by_path
        .into_iter()
        .map(|(path, gathered)| Failure {
            anchor: path
                .key(scope.root)
                .filter(|_| gathered.is_about_key)
                .or_else(|| path.anchor(scope.root)),
            message: gathered.messages.join("; "),
            path,
            related: gathered.related,
            key: None,
        })
        .collect();
    judgement
}

/// What the compiler of schemas says, without quoting the whole schema.
pub(super) fn schema_error(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => {
            "is no regular expression of linear time (no look-around, no back-references)".to_owned()
        }
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            "is not a valid JSON Schema here".to_owned()
        }
        _ => {
            let text = error.to_string();
            if text.chars().count() > 200 { "is not a valid JSON Schema here".to_owned() } else { text }
        }
    }
}

struct Speaker<'s, 'a> {
    body: &'s Body,
    start: NodeRef<'a>,
    prefix: &'s Path,
}

impl<'a> Speaker<'_, 'a> {
    fn sentences(&self, error: &ValidationError<'_>) -> Vec<Sentence> {
        let mut path = self.prefix.clone();
        path.extend_by_pointer(self.start, error.instance_path().as_str());
        let node = self.node(error);
        let plain = |path, message| Sentence {
            path,
            message,
            related: None,
            is_undecided: false,
            is_about_key: false,
        };
        let mut result = match error.kind() {
            ValidationErrorKind::Required { property } => {
                let missing = path.with(Step::Key(property.as_str().unwrap_or_default().into()));
                let message = format!("{missing} is missing");
                vec![plain(missing, message)]
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
                .iter()
                .map(|name| {
                    let extra = path.with(Step::Key(name.as_str().into()));
                    let message = format!("{extra} is not expected here{}", self.near(error, name));
                    Sentence { is_about_key: true, ..plain(extra, message) }
                })
                .collect(),
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let message = self
                    .closest(context)
                    .unwrap_or_else(|| format!("{} fits none of the forms", said(&path)));
                vec![plain(path, message)]
            }
            ValidationErrorKind::PropertyNames { error } => {
                let name = error.instance().as_str().unwrap_or_default().to_owned();
                let extra = path.with(Step::Key(name.as_str().into()));
                let message = format!("{extra} has a name that {}", demand_on_text(error.kind()));
                vec![Sentence { is_about_key: true, ..plain(extra, message) }]
            }
            ValidationErrorKind::Custom { message, .. } => {
                let (message, related, is_undecided) = Fault::decode(message);
                // What refers to a document is about all of it, wherever the rule begins.
                let is_about_all = error.schema_path().as_str().ends_with("/x-referrers");
                let (path, message) = if is_about_all {
                    (Path::default(), message.to_owned())
                } else {
                    let message = format!("{} {message}", said(&path));
                    (path, message)
                };
                vec![Sentence { related, is_undecided, ..plain(path, message) }]
            }
            kind => {
                let message = format!("{} {}", said(&path), sentence(kind, node));
                vec![plain(path, message)]
            }
        };
        if let Some(custom) = self.description(error.schema_path().as_str()) {
            for sentence in &mut result {
                sentence.message.clone_from(&custom);
            }
        }
        result
    }

    fn node(&self, error: &ValidationError<'_>) -> Option<NodeRef<'a>> {
        let mut path = Path::default();
        path.extend_by_pointer(self.start, error.instance_path().as_str());
        path.resolve(self.start)
    }

    /// The nearest `description` around the keyword that failed: the author's own words.
    fn description(&self, schema_path: &str) -> Option<String> {
        if self.body.description == Description::Documents {
            return None;
        }
        let mut schema = &*self.body.schema;
        let mut found = None;
        for part in schema_path.split('/').skip(1) {
            // The last part is the keyword itself, whose value is no subschema of its own error.
            if let Some(text) = schema.get("description").and_then(Value::as_str) {
                found = Some(text);
            }
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match schema {
                Value::Array(list) => part.parse().ok().and_then(|position: usize| list.get(position)),
                other => other.get(&part),
            };
            let Some(next) = next else { break };
            schema = next;
        }
        found.map(str::to_owned)
    }

    fn near(&self, error: &ValidationError<'_>, name: &str) -> String {
        let pointer = error.schema_path().as_str();
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let known = self
            .body
            .schema
            .pointer(parent)
            .and_then(|schema| schema.get("properties"))
            .and_then(Value::as_object);
        known
            .and_then(|known| {
                let lower = name.to_lowercase();
                known.keys().map(|key| (strsim::damerau_levenshtein(&lower, &key.to_lowercase()), key)).min()
            })
            .filter(|(distance, key)| *distance <= 1 + key.len() / 4)
            .map_or_else(String::new, |(_, key)| format!("; did you mean {key}?"))
    }

    /// The branch that came closest: the one whose errors lie deepest, then the one with the fewest.
    fn closest(&self, branches: &[Vec<ValidationError<'static>>]) -> Option<String> {
        let depth = |errors: &[ValidationError<'_>]| {
            errors
                .iter()
                .map(|error| error.instance_path().as_str().matches('/').count())
                .max()
                .unwrap_or_default()
        };
        let best = branches
            .iter()
            .filter(|errors| !errors.is_empty())
            .min_by_key(|errors| (std::cmp::Reverse(depth(errors)), errors.len()))?;
        let mut messages: Vec<String> =
            best.iter().flat_map(|error| self.sentences(error)).map(|sentence| sentence.message).collect();
        messages.dedup();
        let mut message = messages.join("; ");
        let others = branches.len().saturating_sub(1);
        if others > 0 {
            message.push_str(&format!(
                " (or one of {others} other {})",
                if others == 1 { "form" } else { "forms" }
            ));
        }
        Some(message)
    }
}

/// The path as the subject of a sentence.
fn said(path: &Path) -> String {
    if path.0.is_empty() { "the document".to_owned() } else { path.to_string() }
}

/// A value in a few words.
pub fn describe(node: NodeRef<'_>) -> String {
    match node.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Map => "a mapping".to_owned(),
        Kind::List if node.is_empty() => "an empty list".to_owned(),
        Kind::List => "a list".to_owned(),
        // Whoever writes a plain `no` means false, and does not see why it should not be.
        Kind::Text if node.is_ambiguous() => format!("the text {:?}", node.text()),
        Kind::Text => text(node.text()),
        // As it is read: `yes` may be true.
        Kind::Bool => node.as_bool().unwrap_or_default().to_string(),
        Kind::Int | Kind::Float => node.text().to_owned(),
    }
}

fn text(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let short = if short.len() < text.len() { format!("{short}…") } else { short };
    let is_word = !short.is_empty()
        && !short.contains(char::is_whitespace)
        && !short.contains(['"', ',', ';'])
        && short.parse::<f64>().is_err()
        && !matches!(short.as_str(), "null" | "true" | "false");
    if is_word { short } else { format!("{short:?}") }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Array(_) | Value::Object(_) => {
            let json = value.to_string();
            if json.chars().count() > 60 {
                json.chars().take(60).chain("…".chars()).collect()
            } else {
                json
            }
        }
        other => other.to_string(),
    }
}

fn alternatives(values: &Value) -> String {
    let Value::Array(values) = values else { return literal(values) };
    match values.as_slice() {
        [one] => literal(one),
        [head @ .., last] if values.len() <= 12 => {
            format!("{} or {}", head.iter().map(literal).collect::<Vec<_>>().join(", "), literal(last))
        }
        _ => {
            let head: Vec<_> = values.iter().take(10).map(literal).collect();
            format!("one of {} and {} more", head.join(", "), values.len() - head.len())
        }
    }
}

/// "; did you mean …?" where a text is nearly one of the options.
fn near_option(node: Option<NodeRef<'_>>, options: &Value) -> String {
    let Some(text) = node.and_then(|node| node.as_str()) else { return String::new() };
    let options = options.as_array().into_iter().flatten().filter_map(Value::as_str);
    options
        .map(|option| (strsim::damerau_levenshtein(&text.to_lowercase(), &option.to_lowercase()), option))
        .min()
        .filter(|(distance, option)| *distance <= 1 + option.len() / 5)
        .map_or_else(String::new, |(_, option)| format!("; did you mean {option}?"))
}

fn type_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "a mapping",
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => type_name(*kind).to_owned(),
        TypeKind::Multiple(set) => set.iter().map(type_name).collect::<Vec<_>>().join(" or "),
    }
}

fn format_name(format: &str) -> &str {
    match format {
        "date" => "a date (2026-11-20)",
        "date-time" => "a date and time with offset (2026-11-20T08:00:00Z)",
        "duration" => "an ISO 8601 duration (P90D)",
        "email" => "an e-mail address",
        "uri" => "a URI with its scheme",
        "ipv4" => "an IPv4 address",
        "ipv6" => "an IPv6 address",
        other => other,
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

fn demand_on_text(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Pattern { pattern } => format!("should match {pattern}"),
        ValidationErrorKind::Enum { options } => format!("should be {}", alternatives(options)),
        ValidationErrorKind::MaxLength { limit } => {
            format!("should be no longer than {}", plural(*limit, "character"))
        }
        ValidationErrorKind::MinLength { limit } => {
            format!("should have at least {}", plural(*limit, "character"))
        }
        _ => "is not allowed".to_owned(),
    }
}

/// "is X, should be Y", after the path.
fn sentence(kind: &ValidationErrorKind, node: Option<NodeRef<'_>>) -> String {
    use ValidationErrorKind as Kind;
    let is = node.map_or_else(|| "missing".to_owned(), describe);
    let items = node.map_or(0, |node| node.len());
    match kind {
        Kind::Type { kind } => format!("is {is}, should be {}", types(kind)),
        Kind::Constant { expected_value } => format!("is {is}, should be {}", literal(expected_value)),
        Kind::Enum { options } => {
            format!("is {is}, should be {}{}", alternatives(options), near_option(node, options))
        }
        Kind::Minimum { limit } => format!("is {is}, should be at least {limit}"),
        Kind::Maximum { limit } => format!("is {is}, should be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("is {is}, should be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("is {is}, should be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("is {is}, should be a multiple of {multiple_of}"),
        Kind::Pattern { pattern } => format!("is {is}, should match {pattern}"),
        Kind::Format { format } => format!("is {is}, should be {}", format_name(format)),
        Kind::MinLength { limit } => format!("is {is}, should have at least {}", plural(*limit, "character")),
        Kind::MaxLength { limit } => format!("is {is}, should have at most {}", plural(*limit, "character")),
        Kind::MinItems { limit } => {
            format!("has {}, should have at least {limit}", plural(items as u64, "item"))
        }
        Kind::MaxItems { limit } => {
            format!("has {}, should have at most {limit}", plural(items as u64, "item"))
        }
        Kind::AdditionalItems { limit } => {
            format!("has {}, should have at most {limit}", plural(items as u64, "item"))
        }
        Kind::MinProperties { limit } => format!("has {items} keys, should have at least {limit}"),
        Kind::MaxProperties { limit } => format!("has {items} keys, should have at most {limit}"),
        Kind::UniqueItems => "holds an item twice, should hold each once".to_owned(),
        Kind::Contains => "holds no item that qualifies, should hold one".to_owned(),
        Kind::FalseSchema => "should not be there".to_owned(),
        Kind::OneOfMultipleValid { .. } => "fits several forms, should fit exactly one".to_owned(),
        Kind::Not { schema } => match schema {
            Value::Object(object) if object.len() == 1 => match (object.get("const"), object.get("enum")) {
                (Some(value), _) => format!("is {is}, should not be {}", literal(value)),
                (_, Some(values)) => format!("is {is}, should not be {}", alternatives(values)),
                _ => match (object.get("pattern"), object.get("x-text")) {
                    (Some(pattern), _) => format!("is {is}, should not match {}", literal(pattern)),
                    (_, Some(pattern)) => {
                        format!("holds a text that matches {}, should hold none", literal(pattern))
                    }
                    _ => format!("is {is}, which is not allowed"),
                },
            },
            _ => format!("is {is}, which is not allowed"),
        },
        other => format!("is {is}, which breaks `{}`", other.keyword()),
    }
}
