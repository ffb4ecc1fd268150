//! Approvals from elsewhere: what a forge or another register says of who approved which commit.
//!
//! Input: a file that somebody made from such a register. Output: its approvals with their places, or why it cannot be
//! used. What it does not do: it says of no commit that it was approved, and asks no forge.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::{Locator, Versioned};
use crate::date::Moment;
use crate::finding::{ContentDigest, Location};
use crate::problem::{Code, Problem};
use crate::yaml::Place;

/// The version of the format.
pub const APPROVALS_VERSION: u32 = 1;

/// A file of approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// The file, as messages name it.
    pub file: Arc<str>,
    /// Of its bytes.
    pub digest: ContentDigest,
    /// What it holds, in the order of the file.
    pub approvals: Vec<ImportedApproval>,
}

/// An approval of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedApproval {
    /// The commit: its id, or seven or more of its first digits, in lower case.
    pub commit: String,
    /// Who approved, in the words of the register.
    pub by: Vec<String>,
    /// Who made the change, in the same words; none if the file does not say.
    pub author: Option<String>,
    /// When.
    pub at: Moment,
    /// Where that can be looked up.
    pub source: String,
    /// Where the entry stands.
    pub location: Location,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: IgnoredAny,
    approvals: Vec<Place<Form>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    commit: Place<String>,
    by: Place<Vec<Place<String>>>,
    #[serde(default)]
    author: Option<Place<String>>,
    at: Place<String>,
    source: Place<String>,
}

/// Reads a file of approvals. With problems there are none: half of a register would look like a whole one.
///
/// # Errors
/// Every problem found; the first form error ends the reading.
pub fn parse_approvals(bytes: Vec<u8>, file: &Arc<str>) -> Result<Approvals, Vec<Problem>> {
    let digest = ContentDigest::of_bytes(&bytes);
    let kind = Versioned {
        code: Code::InvalidApprovals,
        name: "file of approvals",
        version: APPROVALS_VERSION,
        help: None,
    };
    let (tape, form, mut problems): (_, Document, _) = kind.read(bytes, file)?;
    let locator = Locator::new(file, &tape);
    let refuse = |node: u32, message: String| locator.problem(Code::InvalidApprovals, node, message);
    let mut approvals = Vec::new();
    for Place { node, value: form } in form.approvals {
        let mut wrong = |node: u32, value: &str, form: &str| {
            problems.push(refuse(node, format!("{value:?} should be {form}")));
        };
        let is_id = (7..=40).contains(&form.commit.value.len())
            && form.commit.value.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            wrong(form.commit.node, &form.commit.value, "the id of a commit, or its first 7 digits or more");
        }
        let at = Moment::parse(&form.at.value);
        if at.is_none() {
            wrong(form.at.node, &form.at.value, "a day or a time: 2026-11-20, 2026-11-20T08:00:00Z");
        }
        let texts = form.by.value.iter().chain(&form.author).chain([&form.source]);
        for text in texts.filter(|text| text.value.trim().is_empty()) {
            wrong(text.node, &text.value, "a text");
        }
        if form.by.value.is_empty() {
            problems.push(refuse(form.by.node, "an empty list should name who approved".to_owned()));
        }
        let Some(at) = at else { continue };
        let trimmed = |text: &Place<String>| text.value.trim().to_owned();
        approvals.push(ImportedApproval {
            commit: form.commit.value.to_ascii_lowercase(),
            by: form.by.value.iter().map(trimmed).collect(),
            author: form.author.as_ref().map(trimmed),
            at,
            source: trimmed(&form.source),
            location: locator.of(node),
        });
    }
    if problems.is_empty() {
        Ok(Approvals { file: Arc::clone(file), digest, approvals })
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Problems of a file, as `line:column message`.
    fn check(text: &str, expected: &[&str]) {
        let file = Arc::from("approvals.json");
        let said: Vec<String> = match parse_approvals(text.as_bytes().to_vec(), &file) {
            Ok(_) => Vec::new(),
            Err(problems) => {
                let line = |problem: &Problem| {
                    let at = problem.location.as_ref().unwrap();
                    format!("{}:{} {}", at.line, at.column, problem.message)
                };
                problems.iter().map(line).collect()
            }
        };
        assert_eq!(said, expected, "{text}");
    }

    const SOUND: &str = r#"{"version": 1, "approvals": [
  {"commit": "0123ABCdef", "by": ["ben"], "author": "anna", "at": "2026-11-20T08:00:00+01:00", "source": "https://forge.example/1"}]}"#;

    #[test]
    fn what_is_wrong_has_a_place() {
        check(SOUND, &[]);
        check("", &["1:1 the file is empty, should be a file of approvals"]);
        check("[]", &["1:1 is no file of approvals: it has no `version`"]);
        check(&SOUND.replace("1,", "2,"), &["1:13 version 2 is not known, should be 1"]);
        check(
            &SOUND.replace("0123ABCdef", "HEAD"),
            &["2:14 \"HEAD\" should be the id of a commit, or its first 7 digits or more"],
        );
        check(
            &SOUND.replace("0123ABCdef", "012345"),
            &["2:14 \"012345\" should be the id of a commit, or its first 7 digits or more"],
        );
        check(&SOUND.replace("[\"ben\"]", "[]"), &["2:34 an empty list should name who approved"]);
        check(&SOUND.replace("\"ben\"", "\" \""), &["2:35 \" \" should be a text"]);
        check(
            &SOUND.replace("T08:00:00+01:00", " 08:00"),
            &["2:67 \"2026-11-20 08:00\" should be a day or a time: 2026-11-20, 2026-11-20T08:00:00Z"],
        );
        check(&SOUND.replace("\"source\"", "\"url\""), &["2:96 unknown key `url`"]);
    }

    #[test]
    fn what_stands_in_it() {
        let approvals = parse_approvals(SOUND.as_bytes().to_vec(), &Arc::from("f.json")).unwrap().approvals;
        let [one] = approvals.as_slice() else { panic!("{approvals:?}") };
        assert_eq!((one.commit.as_str(), one.author.as_deref()), ("0123abcdef", Some("anna")));
        assert_eq!((one.by.as_slice(), one.location.line), (["ben".to_owned()].as_slice(), 2));
    }
}
