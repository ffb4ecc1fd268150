//! What the examples of rules exercise, as text, JSON or lcov.
//!
//! A rule has places: keywords of its schemas, or lines of its code. A keyword is exercised in two directions: on a
//! value for which it holds, and on one for which it does not. A line is exercised when it runs. What an example
//! never reaches, nothing tests; `assize test --mutate` tells more, and costs more.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use super::escape::for_terminal;

/// What all examples exercise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// One entry a rule, by name.
    pub rules: Vec<RuleCoverage>,
}

/// What the examples of one rule exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCoverage {
    /// The rule.
    pub rule: Arc<str>,
    /// How many examples it has.
    pub examples: usize,
    /// Its places in the order of the text.
    pub places: Vec<CoveredPlace>,
}

/// A place of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveredPlace {
    /// The file: that of the rule, or one that holds its code.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// Which keyword, as a JSON Pointer into the rule's `spec`; none for a line of code.
    pub keyword: Option<String>,
    /// How often.
    pub hits: Hits,
}

/// How often a place was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hits {
    /// A keyword: values for which it held, and values for which it did not.
    Keyword {
        /// It held.
        held: u64,
        /// It did not.
        failed: u64,
    },
    /// A line of code: how often it ran.
    Line(u64),
}

impl Hits {
    /// How often in all.
    fn total(self) -> u64 {
        match self {
            Self::Keyword { held, failed } => held + failed,
            Self::Line(hits) => hits,
        }
    }

    /// What there is to exercise, and how much of it was.
    fn directions(self) -> (usize, usize) {
        match self {
            Self::Keyword { held, failed } => (2, usize::from(held > 0) + usize::from(failed > 0)),
            Self::Line(hits) => (1, usize::from(hits > 0)),
        }
    }

    /// What is missing, if something is.
    fn lack(self) -> Option<&'static str> {
        match self {
            Self::Keyword { held: 0, failed: 0 } => Some("meets no value"),
            Self::Keyword { held: 0, .. } => Some("never holds"),
            Self::Keyword { failed: 0, .. } => Some("never fails"),
            Self::Line(0) => Some("never runs"),
            _ => None,
        }
    }
}

impl Coverage {
    /// What there is to exercise in all rules, and how much of it was.
    fn directions(&self) -> (usize, usize) {
        let places = self.rules.iter().flat_map(|rule| &rule.places);
        places.map(|place| place.hits.directions()).fold((0, 0), |sum, (all, reached)| {
            let (sum_all, sum_reached) = sum;
            (sum_all + all, sum_reached + reached)
        })
    }

    fn untested(&self) -> impl Iterator<Item = &RuleCoverage> {
        self.rules.iter().filter(|rule| rule.examples == 0)
    }

    /// One line for each gap, and one for the sum.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for rule in &self.rules {
            if rule.examples == 0 {
                writeln!(out, "{}: has no examples", for_terminal(&rule.rule))?;
                continue;
            }
            for place in &rule.places {
                let Some(lack) = place.hits.lack() else { continue };
                let what = place.keyword.as_deref().unwrap_or("the line");
                let text = format!("{}:{}: {}: {what} {lack}", place.file, place.line, rule.rule);
                writeln!(out, "{}", for_terminal(&text))?;
            }
        }
        let (all, reached) = self.directions();
        let untested = self.untested().count();
        let rules = if self.rules.len() == 1 { "rule" } else { "rules" };
        writeln!(
            out,
            "coverage: {reached} of {all} directions exercised{}; {} {rules}, {untested} without examples",
            percent(reached, all),
            self.rules.len(),
        )
    }

    /// As JSON, which `assize schema coverage` describes.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let place = |place: &CoveredPlace| match place.hits {
            Hits::Keyword { held, failed } => {
                json!({"file": &*place.file, "line": place.line, "keyword": place.keyword, "held": held, "failed": failed})
            }
            Hits::Line(hits) => json!({"file": &*place.file, "line": place.line, "hits": hits}),
        };
        let rule = |rule: &RuleCoverage| {
            let places: Vec<Value> = rule.places.iter().map(place).collect();
            json!({"rule": &*rule.rule, "examples": rule.examples, "places": places})
        };
        let (all, reached) = self.directions();
        let document = json!({
            "version": 1,
            "summary": {
                "rules": self.rules.len(),
                "rulesWithoutExamples": self.untested().count(),
                "directions": all,
                "exercised": reached,
            },
            "rules": self.rules.iter().map(rule).collect::<Vec<_>>(),
        });
        writeln!(out, "{document:#}")
    }

    /// As lcov tracefile: a line counts as often as the keyword on it that was met least; the two directions of a
    /// keyword are branches.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn write_lcov(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut files: BTreeMap<&str, Vec<&CoveredPlace>> = BTreeMap::new();
        for place in self.rules.iter().flat_map(|rule| &rule.places) {
            files.entry(&place.file).or_default().push(place);
        }
        for (file, mut places) in files {
            places.sort_by_key(|place| place.line);
            // One record a line: a name must not begin another.
            writeln!(out, "TN:\nSF:{}", file.replace(['\n', '\r'], " "))?;
            let (mut found, mut hit) = (0, 0);
            for line in places.chunk_by(|one, other| one.line == other.line) {
                for (block, place) in line.iter().enumerate() {
                    let Hits::Keyword { held, failed } = place.hits else { continue };
                    for (branch, taken) in [held, failed].into_iter().enumerate() {
                        let taken = if place.hits.total() == 0 { "-".to_owned() } else { taken.to_string() };
                        writeln!(out, "BRDA:{},{block},{branch},{taken}", place.line)?;
                    }
                }
                let (all, reached) = line
                    .iter()
                    .map(|place| place.hits)
                    .filter_map(branches)
                    .fold((0, 0), |(all, reached), (more, reached_more)| {
                        (all + more, reached + reached_more)
                    });
                (found, hit) = (found + all, hit + reached);
            }
            writeln!(out, "BRF:{found}\nBRH:{hit}")?;
            let (mut found, mut hit) = (0, 0);
            for line in places.chunk_by(|one, other| one.line == other.line) {
                let least = line.iter().map(|place| place.hits.total()).min().unwrap_or_default();
                let number = line.first().map_or(0, |place| place.line);
                writeln!(out, "DA:{number},{least}")?;
                (found, hit) = (found + 1, hit + usize::from(least > 0));
            }
            writeln!(out, "LF:{found}\nLH:{hit}\nend_of_record")?;
        }
        Ok(())
    }
}

fn branches(hits: Hits) -> Option<(usize, usize)> {
    matches!(hits, Hits::Keyword { .. }).then(|| hits.directions())
}

/// Rounded down, so that only all is all.
fn percent(part: usize, all: usize) -> String {
    match (part * 1000).checked_div(all) {
        Some(tenths) => format!(" ({}.{}%)", tenths / 10, tenths % 10),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Coverage {
        let place = |line, keyword: &str, held, failed| CoveredPlace {
            file: "policies/a.yaml".into(),
            line,
            keyword: Some(keyword.to_owned()),
            hits: Hits::Keyword { held, failed },
        };
        let code = |line, hits| CoveredPlace {
            file: "policies/b.rego".into(),
            line,
            keyword: None,
            hits: Hits::Line(hits),
        };
        let places = vec![
            place(4, "/schema/minimum", 2, 1),
            place(4, "/schema/maximum", 3, 0),
            place(5, "/schema/enum", 0, 0),
        ];
        let rule = |rule: &str, examples, places| RuleCoverage { rule: rule.into(), examples, places };
        Coverage {
            rules: vec![
                rule("a", 3, places),
                rule("b", 1, vec![code(1, 7), code(2, 0)]),
                rule("c", 0, vec![]),
            ],
        }
    }

    #[track_caller]
    fn check(write: fn(&Coverage, &mut dyn Write) -> io::Result<()>, expected: &str) {
        let mut text = Vec::new();
        write(&sample(), &mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn text_lists_the_gaps() {
        check(
            Coverage::write_text,
            "policies/a.yaml:4: a: /schema/maximum never fails
policies/a.yaml:5: a: /schema/enum meets no value
policies/b.rego:2: b: the line never runs
c: has no examples
coverage: 4 of 8 directions exercised (50.0%); 3 rules, 1 without examples
",
        );
    }

    #[test]
    fn lcov_has_lines_and_branches() {
        check(
            Coverage::write_lcov,
            "TN:
SF:policies/a.yaml
BRDA:4,0,0,2
BRDA:4,0,1,1
BRDA:4,1,0,3
BRDA:4,1,1,0
BRDA:5,0,0,-
BRDA:5,0,1,-
BRF:6
BRH:3
DA:4,3
DA:5,0
LF:2
LH:1
end_of_record
TN:
SF:policies/b.rego
BRF:0
BRH:0
DA:1,7
DA:2,0
LF:2
LH:1
end_of_record
",
        );
    }
}
