//! Rules times kinds: for each kind the rules that can apply, so that only pairs that can apply cost anything.
//!
//! Input: the rule set and the kind library. Output: a [`KindPlan`] a kind, made when the kind is first met.
//! What it does not do: it looks at no document.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::estate::{
    FileField, Keep, KindLibrary, KindName, KindSchema, Pattern, ReferenceField, SensitiveField,
    sensitive_fields,
};
use crate::finding::{DEFAULT_NAMESPACE, Identity};
use crate::load::Source;
use crate::policy::{Check, Rule, RuleSet};
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
    pub keep: Option<Keep>,
    /// Fields whose values no report may show.
    pub sensitive: Vec<SensitiveField>,
}

/// A rule that can apply to a kind.
#[derive(Debug)]
pub struct Applicable {
    /// Index in the rule set.
    pub rule: u32,
    /// Which of its matches mean the kind.
    pub matches: Vec<u32>,
    /// Whether its messages could quote what no report may show.
    pub secrecy: Secrecy,
}

/// When the messages of a rule on a kind could quote what no report may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Never: it reads no such field.
    None,
    /// Where the document itself has a sensitive value.
    Own,
    /// Always: the rule says so, or it reads such a field of other documents.
    Always,
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
    /// The files that documents may name; without them, rules about files cannot be judged.
    pub files: Option<&'r dyn Source>,
    /// Whether resources get digests of what their documents say.
    pub with_digests: bool,
    selected: Vec<Pattern>,
    default_namespace: Arc<str>,
    projection: Projection,
    /// Whether rules that read the clock are set apart from local ones, to be asked again when it goes on.
    clock_apart: bool,
    /// Shared by the plans over the same rules for other files.
    plans: Arc<RwLock<HashMap<KindName, Arc<KindPlan>>>>,
}

impl<'r> Plan<'r> {
    /// A plan over a rule set; `selected` limits the kinds, empty means all.
    pub fn new(rules: &'r RuleSet, kinds: &'r KindLibrary, selected: Vec<Pattern>) -> Self {
        Self {
            rules,
            kinds,
            files: None,
            with_digests: false,
            selected,
            default_namespace: DEFAULT_NAMESPACE.into(),
            projection: Projection::Reads,
            clock_apart: false,
            plans: Arc::default(),
        }
    }

    /// The same plan for documents that may name these files.
    #[must_use]
    pub fn with_files(self, files: &'r dyn Source) -> Self {
        Self { files: Some(files), ..self }
    }

    /// The same plan, and whether resources get digests.
    #[must_use]
    pub fn with_digests(self, with_digests: bool) -> Self {
        Self { with_digests, ..self }
    }

    /// The same plan with another projection.
    #[must_use]
    pub fn with_projection(self, projection: Projection) -> Self {
        Self { projection, plans: Arc::default(), ..self }
    }

    /// The same plan with the rules that read the clock among the joined ones, which are asked from what is kept.
    #[must_use]
    pub fn with_clock_apart(self) -> Self {
        Self { clock_apart: true, plans: Arc::default(), ..self }
    }

    /// What was planned, for documents that may name other files.
    #[must_use]
    pub fn over<'s>(&'s self, files: &'s dyn Source) -> Plan<'s> {
        Plan {
            rules: self.rules,
            kinds: self.kinds,
            files: Some(files),
            with_digests: self.with_digests,
            selected: self.selected.clone(),
            default_namespace: Arc::clone(&self.default_namespace),
            projection: self.projection,
            clock_apart: self.clock_apart,
            plans: Arc::clone(&self.plans),
        }
    }

    /// Whether rules are given whole documents.
    pub fn is_whole(&self) -> bool {
        self.projection == Projection::Everything
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
        let schema = self.kinds.get(kind).cloned();
        let sensitive = schema
            .as_ref()
            .map_or_else(|| sensitive_fields(kind, None), |schema| schema.sensitive().to_vec());
        let applicable = |(index, rule): (usize, &Rule)| {
            let matches: Vec<u32> = (0_u32..)
                .zip(&rule.matches)
                .filter(|(_, each)| each.matches_kind(kind))
                .map(|(at, _)| at)
                .collect();
            // A rule over changes judges no resource as it stands.
            let is_change = rule.uses.change;
            let rule = u32::try_from(index).unwrap_or(u32::MAX);
            if matches.is_empty() || is_change {
                return None;
            }
            let secrecy = self.secrecy(self.rules.rules.get(index)?, &sensitive);
            Some(Applicable { rule, matches, secrecy })
        };
        let all = self.rules.rules.iter().enumerate().filter_map(applicable);
        let is_joined = |each: &Applicable| {
            let rule = self.rules.rules.get(each.rule as usize);
            rule.is_some_and(|rule| rule.is_joined || (self.clock_apart && rule.reads_clock()))
        };
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
            sensitive,
        }
    }

    /// Whether the messages of a rule could quote sensitive fields: its kind's, or those of documents around.
    fn secrecy(&self, rule: &Rule, own: &[SensitiveField]) -> Secrecy {
        let reads_others = |(read, set): (&String, &PathSet)| {
            let is_meant = |name: &KindName| read == "*" || name.is_written(read);
            let is_seen = |fields: &[SensitiveField]| fields.iter().any(|field| field.is_read_by(set));
            // Secrets of Kubernetes have no schema here.
            let secret = KindName::parse("core/Secret");
            (is_meant(&secret) && is_seen(&sensitive_fields(&secret, None)))
                || self.kinds.iter().any(|schema| is_meant(&schema.name) && is_seen(schema.sensitive()))
        };
        if rule.is_sensitive || rule.reads.others.iter().any(reads_others) {
            Secrecy::Always
        } else if own.iter().any(|field| field.is_read_by(&rule.reads.own)) {
            Secrecy::Own
        } else {
            Secrecy::None
        }
    }

    /// What joined rules read of the documents of a kind.
    fn keep(&self, kind: &KindName, joined: &[Applicable], schema: Option<&KindSchema>) -> Option<Keep> {
        let mut keep = PathSet::default();
        let mut is_read = false;
        for rule in joined.iter().filter_map(|each| self.rules.rules.get(each.rule as usize)) {
            keep.add(&rule.reads.own);
            let fields: Vec<Vec<String>> = match (&rule.check, schema) {
                (Check::UnresolvedReference, Some(schema)) => {
                    schema.references().iter().map(ReferenceField::keys).collect()
                }
                (Check::LinkedFileMissing, Some(schema)) => {
                    schema.files().iter().map(FileField::keys).collect()
                }
                _ => Vec::new(),
            };
            for keys in &fields {
                keep.insert(keys);
            }
            let is_engine = matches!(rule.check, Check::UnresolvedReference | Check::LinkedFileMissing);
            is_read |= !is_engine || !fields.is_empty();
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
        is_read.then(|| Keep::of(&keep))
    }
}
