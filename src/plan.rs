//! Rules times kinds: for each kind the rules that can apply, so that only pairs that can apply cost anything.
//!
//! Input: the rule set and the kind library. Output: a [`KindPlan`] a kind, made when the kind is first met.
//! What it does not do: it looks at no document.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::estate::{KindLibrary, KindName, KindSchema, Pattern};
use crate::finding::{DEFAULT_NAMESPACE, Identity};
use crate::policy::{Check, RuleSet};
use crate::schema::PathSet;

/// What applies to the resources of one kind.
#[derive(Debug)]
pub struct KindPlan {
    /// The kind. Resources share its texts.
    pub name: KindName,
    /// The schema of the kind, if it has one.
    pub schema: Option<Arc<KindSchema>>,
    /// Whether the kind may go without a schema: it is foreign, or the configuration assigns it.
    pub is_known: bool,
    /// Whether the command line asks for this kind.
    pub is_selected: bool,
    /// The rules that can apply and read this document alone.
    pub local: Vec<Applicable>,
    /// Those that read other documents as well.
    pub joined: Vec<Applicable>,
    /// What joined rules read of documents of this kind, which is kept; none if they read nothing.
    pub keep: Option<PathSet>,
}

/// A rule that can apply to a kind.
#[derive(Debug)]
pub struct Applicable {
    /// Index in the rule set.
    pub rule: u32,
    /// Which of its matches mean the kind.
    pub matches: Vec<u32>,
}

/// How much of the documents that joined rules read is kept for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    /// What their text says that they read.
    Reads,
    /// Everything: to prove that the former is enough.
    Everything,
}

/// The plans of a run.
#[derive(Debug)]
pub struct Plan<'r> {
    /// The rules.
    pub rules: &'r RuleSet,
    /// The kinds.
    pub kinds: &'r KindLibrary,
    selected: Vec<Pattern>,
    default_namespace: Arc<str>,
    projection: Projection,
    plans: RwLock<HashMap<KindName, Arc<KindPlan>>>,
}

impl<'r> Plan<'r> {
    /// A plan over a rule set; `selected` limits the kinds, empty means all.
    pub fn new(rules: &'r RuleSet, kinds: &'r KindLibrary, selected: Vec<Pattern>) -> Self {
        Self {
            rules,
            kinds,
            selected,
            default_namespace: DEFAULT_NAMESPACE.into(),
            projection: Projection::Reads,
            plans: RwLock::default(),
        }
    }

    /// The same plan with another projection.
    #[must_use]
    pub fn with_projection(self, projection: Projection) -> Self {
        Self { projection, ..self }
    }

    /// The identity with the texts that all resources of its kind share, since a run keeps one a resource.
    pub fn shared(&self, kind: &KindPlan, identity: &Identity) -> Identity {
        let is_default = *identity.namespace == *self.default_namespace;
        Identity {
            group: Arc::clone(&kind.name.group),
            kind: Arc::clone(&kind.name.kind),
            namespace: Arc::clone(if is_default { &self.default_namespace } else { &identity.namespace }),
            name: Arc::clone(&identity.name),
        }
    }

    /// What applies to a kind.
    pub fn for_kind(&self, kind: &KindName) -> Arc<KindPlan> {
        if let Some(plan) = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(kind) {
            return Arc::clone(plan);
        }
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(plans.entry(kind.clone()).or_insert_with(|| Arc::new(self.make(kind))))
    }

    fn make(&self, kind: &KindName) -> KindPlan {
        let applicable = |(index, rule): (usize, &crate::policy::Rule)| {
            let matches: Vec<u32> = (0_u32..)
                .zip(&rule.matches)
                .filter(|(_, each)| each.matches_kind(kind))
                .map(|(at, _)| at)
                .collect();
            let rule = u32::try_from(index).unwrap_or(u32::MAX);
            (!matches.is_empty()).then_some(Applicable { rule, matches })
        };
        let schema = self.kinds.get(kind).cloned();
        let all = self.rules.rules.iter().enumerate().filter_map(applicable);
        let is_joined =
            |each: &Applicable| self.rules.rules.get(each.rule as usize).is_some_and(|rule| rule.is_joined);
        let (joined, local): (Vec<_>, Vec<_>) = all.partition(is_joined);
        let keep = self.keep(kind, &joined, schema.as_deref());
        KindPlan {
            name: kind.clone(),
            is_known: schema.is_some() || !kind.is_own() || self.rules.assigned_kinds.contains(kind),
            is_selected: self.selected.is_empty()
                || self.selected.iter().any(|pattern| pattern.matches(kind)),
            keep,
            local,
            joined,
            schema,
        }
    }

    /// What joined rules read of the documents of a kind.
    fn keep(&self, kind: &KindName, joined: &[Applicable], schema: Option<&KindSchema>) -> Option<PathSet> {
        let mut keep = PathSet::default();
        let mut is_read = false;
        for rule in joined.iter().filter_map(|each| self.rules.rules.get(each.rule as usize)) {
            keep.add(&rule.reads.own);
            let is_engine = matches!(rule.check, Check::UnresolvedReference);
            let references = schema.filter(|_| is_engine).map(KindSchema::references).unwrap_or_default();
            for field in references {
                keep.insert(&field.keys());
            }
            is_read |= !is_engine || !references.is_empty();
        }
        for (read, set) in self.rules.rules.iter().flat_map(|rule| &rule.reads.others) {
            if read == "*" || kind.is_written(read) {
                keep.add(set);
                is_read = true;
            }
        }
        if self.projection == Projection::Everything {
            keep = PathSet::All;
        }
        is_read.then_some(keep)
    }
}
