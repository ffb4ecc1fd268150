//! What a run says about resources: findings, where they stand, whose they are, and how they are told apart.
//!
//! Plain values only; deliberately no serialisation (each format has its own types) and no drawing.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// How bad a finding is; the order is from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Repair when convenient.
    Low,
    /// Repair soon.
    Medium,
    /// Repair before release.
    High,
    /// Repair now.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Severity; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It counts.
    Fail,
    /// The baseline holds it: it was there before, and its resource is as it was.
    Baselined,
    /// A waiver in force covers it.
    Waived,
    /// An ignore in a comment covers it, where the configuration allows that.
    Suppressed,
}

impl Status {
    /// The word used in every format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Baselined => "baselined",
            Self::Waived => "waived",
            Self::Suppressed => "suppressed",
        }
    }
}

/// A place in a file. Lines and columns count from 1, columns in Unicode scalar values; the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Path from the root of the repository, with `/`.
    pub file: Arc<str>,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the end, exclusive.
    pub end_column: u32,
    /// The place within the document, as `spec.ports[0]`; empty for the document itself.
    pub path: Arc<str>,
}

impl Location {
    /// The very start of a file, for what concerns the file as a whole.
    pub fn start_of(file: &str) -> Self {
        Self { file: file.into(), line: 1, column: 1, end_line: 1, end_column: 1, path: "".into() }
    }
}

/// A name after `a` or `an`.
pub fn with_article(name: &str) -> String {
    let is_vowel = name.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']);
    format!("{} {name}", if is_vowel { "an" } else { "a" })
}

/// Who a resource is: the version of its API is no part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// API group; `assize.dev` for our own kinds, `core` for Kubernetes' oldest ones, empty for kinds that
    /// `documents:` assigns.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// Namespace; `default` where the document names none.
    pub namespace: Arc<str>,
    /// Name within the namespace.
    pub name: Arc<str>,
}

/// The API group whose kinds are written without a group.
pub const OWN_GROUP: &str = "assize.dev";

/// The namespace of a document that names none.
pub const DEFAULT_NAMESPACE: &str = "default";

impl Identity {
    /// The kind as rules write it: bare for our own group, `apps/Deployment` for others.
    pub fn qualified_kind(&self) -> String {
        if &*self.group == OWN_GROUP || self.group.is_empty() {
            self.kind.to_string()
        } else {
            format!("{}/{}", self.group, self.kind)
        }
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/", self.qualified_kind())?;
        if &*self.namespace != DEFAULT_NAMESPACE {
            write!(formatter, "{}/", self.namespace)?;
        }
        formatter.write_str(&self.name)
    }
}

/// What tells one finding or problem from another: `v1:` and 32 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a list of texts; their borders count.
    pub fn of(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut first = [0; 16];
        for (target, source) in first.iter_mut().zip(hasher.finalize()) {
            *target = source;
        }
        Self(first)
    }
}

impl Fingerprint {
    /// Reads what [`Display`](std::fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        from_hexadecimal(text.strip_prefix("v1:")?).map(Self)
    }

    /// The one with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> [u8; 16] {
        self.0
    }
}

/// Bytes from lower-case hexadecimal digits, two a byte.
fn from_hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_plain = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !is_plain || text.len() != 2 * N {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("v1:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

/// The SHA-256 of a value or a file, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// Of bytes as they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a value: the order of keys means nothing.
    pub fn of_value(value: &Value) -> Self {
        let mut hasher = Sha256::new();
        feed(value, &mut hasher);
        Self(hasher.finalize().into())
    }

    /// Reads what [`Display`](std::fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        from_hexadecimal(text.strip_prefix("sha256:")?).map(Self)
    }
}

/// Each value begins with a letter for its type, and says its length before its content, so that no two values give
/// the same bytes.
fn feed(value: &Value, hasher: &mut Sha256) {
    let text = |letter: u8, text: &str, hasher: &mut Sha256| {
        hasher.update([letter]);
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(true) => hasher.update(b"t"),
        Value::Bool(false) => hasher.update(b"f"),
        Value::Number(number) => text(b'd', &number.to_string(), hasher),
        Value::String(string) => text(b's', string, hasher),
        Value::Array(list) => {
            hasher.update(b"a");
            hasher.update((list.len() as u64).to_le_bytes());
            for element in list {
                feed(element, hasher);
            }
        }
        Value::Object(object) => {
            hasher.update(b"o");
            hasher.update((object.len() as u64).to_le_bytes());
            let members: BTreeMap<&String, &Value> = object.iter().collect();
            for (key, value) in members {
                text(b'k', key, hasher);
                feed(value, hasher);
            }
        }
    }
}

impl std::fmt::Display for ContentDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ContentDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

/// Who answers for a finding: as the resource says, else as CODEOWNERS says; empty if nobody does.
pub type Owners = Arc<[Box<str>]>;

/// A resource breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Index of the rule in the rule set of the run.
    pub rule: u32,
    /// What became of it.
    pub status: Status,
    /// Who answers for it.
    pub owners: Owners,
    /// The waiver that covers it, the reason of the ignore, or the file of the baseline.
    pub exception: Option<Arc<str>>,
    /// What is, and what should be.
    pub message: Arc<str>,
    /// Whose finding it is.
    pub resource: Arc<Resource>,
    /// Where.
    pub location: Location,
    /// Where an alias or a merge key puts the value to use, if it is written elsewhere.
    pub related: Option<Box<(Location, Cow<'static, str>)>>,
    /// What within the resource: a JSON Pointer whose list elements are named, not counted.
    pub key: Arc<str>,
    /// Whether it is about a value that nobody should read: its message holds none, and nothing may quote its lines.
    pub is_sensitive: bool,
}

/// Keeps equal messages, places and keys of findings once: where one rule finds something in many resources, most are equal.
pub fn share_texts(findings: &mut [Finding]) {
    if findings.len() < 2 {
        return;
    }
    let mut known: HashSet<Arc<str>> = HashSet::new();
    for text in findings
        .iter_mut()
        .flat_map(|finding| [&mut finding.message, &mut finding.location.path, &mut finding.key])
    {
        if let Some(same) = known.get(text) {
            *text = Arc::clone(same);
        } else {
            known.insert(Arc::clone(text));
        }
    }
}

/// What stands where a value is not shown.
pub const MASK: &str = "(not shown)";

/// A resource as reports name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Who it is.
    pub identity: Identity,
    /// Who answers for it, as it says itself.
    pub owner: Option<Arc<str>>,
    /// Where its identity is written.
    pub location: Location,
    /// What few resources have.
    pub rare: Option<Box<Rare>>,
}

/// What is said of few resources, apart from the others: a run keeps all of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rare {
    /// `metadata.annotations["assize.dev/uid"]`, an identity that survives renaming.
    pub uid: Option<Box<str>>,
    /// Of what the document says; set only in runs that compare it with a baseline, or write one.
    pub digest: OnceLock<ContentDigest>,
}

impl Resource {
    /// One of which no more is known.
    pub fn new(identity: Identity, location: Location) -> Self {
        Self { identity, owner: None, location, rare: None }
    }

    /// The identity that survives renaming, if it has one.
    pub fn uid(&self) -> Option<&str> {
        self.rare.as_ref()?.uid.as_deref()
    }

    /// The digest of what its document says, if somebody asked.
    pub fn digest(&self) -> Option<&ContentDigest> {
        self.rare.as_ref()?.digest.get()
    }
}

impl Finding {
    /// The order of findings in a report: by place, rule and key; what stands in one place twice, by what it says.
    pub fn order(&self, other: &Self) -> Ordering {
        (&self.location, self.rule, &self.key, &self.message).cmp(&(
            &other.location,
            other.rule,
            &other.key,
            &other.message,
        ))
    }

    /// The fingerprint. `rule` is the rule's name; `path` the file where only it tells two resources apart.
    pub fn fingerprint(&self, rule: &str, path: Option<&str>) -> Fingerprint {
        let Identity { group, kind, namespace, name } = &self.resource.identity;
        match self.resource.uid() {
            Some(uid) => Fingerprint::of(&["finding", rule, "uid", uid, &self.key]),
            None => Fingerprint::of(&[
                "finding",
                rule,
                group,
                kind,
                namespace,
                name,
                path.unwrap_or_default(),
                &self.key,
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digests_of_values() {
        let digest = |value: &Value| ContentDigest::of_value(value);
        let one = digest(&json!({"a": [1, "x"], "b": {"c": null, "d": true}}));
        assert_eq!(digest(&json!({"b": {"d": true, "c": null}, "a": [1, "x"]})), one);
        for other in [
            json!({"a": ["x", 1], "b": {"c": null, "d": true}}),
            json!({"a": ["1", "x"], "b": {"c": null, "d": true}}),
            json!({"a": [1, "x", {}], "b": {"c": null, "d": true}}),
            json!({"a": [1, "x"], "b": {"c": null}, "d": true}),
            json!([["a", [1, "x"]], ["b", {"c": null, "d": true}]]),
        ] {
            assert_ne!(digest(&other), one, "{other}");
        }
        assert_ne!(digest(&json!(["ab", "c"])), digest(&json!(["a", "bc"])));
        assert_ne!(digest(&json!([])), digest(&json!({})));
    }

    #[test]
    fn what_is_written_is_read() {
        let print = Fingerprint::of(&["a", "b"]);
        assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        let digest = ContentDigest::of_bytes(b"a");
        assert_eq!(ContentDigest::parse(&digest.to_string()), Some(digest));
        let text = print.to_string();
        for wrong in
            ["", "v1:", "v2:00", &text.to_uppercase(), &format!("{text}0"), &text.replace("v1:", "v1:+")]
        {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }
}
