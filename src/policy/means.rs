//! By what each requirement of a framework can be shown to be met: rules, evidence, or nothing that is declared.
//!
//! Input: a framework and the rules of a run. Output: one word for each requirement, so that every count comes from one
//! place. What it does not do: it knows nothing of what became of the rules.

use std::collections::HashSet;

use super::framework::{Framework, Testable};
use super::rule::Rule;

/// By what a requirement can be shown to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Means {
    /// A rule cites it.
    Rules,
    /// It is a heading: what it asks, its parts ask.
    Parts,
    /// No rule cites it; a document of kind Evidence can stand for it.
    Evidence,
    /// Nothing that is declared can show it.
    NotDeclared,
    /// Rules could test it, and there is none.
    Open,
    /// Another requirement stands in its place.
    Superseded,
}

impl Means {
    /// All of them, in the order of counts.
    pub const ALL: [Self; 6] =
        [Self::Rules, Self::Evidence, Self::NotDeclared, Self::Open, Self::Parts, Self::Superseded];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rules => "rule",
            Self::Parts => "parts",
            Self::Evidence => "evidence",
            Self::NotDeclared => "none",
            Self::Open => "open",
            Self::Superseded => "superseded",
        }
    }

    /// What it says of a requirement.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Rules => "tested by rule",
            Self::Parts => "heading, met with its parts",
            Self::Evidence => "by evidence",
            Self::NotDeclared => "not by declaration",
            Self::Open => "could be tested, and no rule does yet",
            Self::Superseded => "superseded",
        }
    }
}

impl Framework {
    /// By what each of its requirements can be shown to be met, in their order.
    pub fn means(&self, rules: &[Rule]) -> Vec<Means> {
        let cited: HashSet<&str> = rules
            .iter()
            .flat_map(|rule| &rule.requirements)
            .filter(|cited| *cited.framework == *self.id)
            .map(|cited| &*cited.id)
            .collect();
        let parents: HashSet<&str> =
            self.requirements.iter().filter_map(|entry| entry.parent.as_deref()).collect();
        let means = |entry: &super::framework::Requirement| {
            let id = entry.id.as_str();
            match entry.testable {
                _ if entry.superseded_by.is_some() => Means::Superseded,
                _ if cited.contains(id) => Means::Rules,
                // What a heading itself asks for is another matter than its parts.
                _ if parents.contains(id) && entry.testable != Some(Testable::Evidence) => Means::Parts,
                Some(Testable::Evidence) => Means::Evidence,
                Some(Testable::None) => Means::NotDeclared,
                // What says nothing is not excused.
                Some(Testable::Rule) | None => Means::Open,
            }
        };
        self.requirements.iter().map(means).collect()
    }

    /// How many of its requirements each of [`Means::ALL`] is for.
    pub fn counts(&self, rules: &[Rule]) -> [(Means, usize); 6] {
        let all = self.means(rules);
        Means::ALL.map(|means| (means, all.iter().filter(|each| **each == means).count()))
    }
}
