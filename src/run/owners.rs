//! Who answers for each finding: the resource says so itself, else CODEOWNERS says so of its file.

use std::collections::HashMap;
use std::sync::Arc;

use crate::finding::{Finding, Owners, Resource};
use crate::load::{Codeowners, Source};
use crate::report::Ownership;

/// Names the owners of findings.
pub(super) struct OwnersOf {
    codeowners: Codeowners,
    by_file: HashMap<Arc<str>, Owners>,
    /// There are few owners, and there can be millions of findings.
    by_name: HashMap<Arc<str>, Owners>,
}

impl OwnersOf {
    /// Reads CODEOWNERS. `only` are the owners whose findings are asked for.
    pub(super) fn new(source: &dyn Source, only: &[String]) -> (Self, Ownership) {
        let (codeowners, faults) = Codeowners::of(source);
        let ownership = Ownership {
            only: only.to_vec(),
            codeowners: codeowners.file.clone(),
            faults,
            ..Ownership::default()
        };
        (Self { codeowners, by_file: HashMap::new(), by_name: HashMap::new() }, ownership)
    }

    pub(super) fn assign(&mut self, findings: &mut [Finding]) {
        let Self { codeowners, by_file, by_name } = self;
        for finding in findings {
            finding.owners = if let Some(owner) = &finding.resource.owner {
                let known = by_name.entry(Arc::clone(owner));
                Arc::clone(known.or_insert_with(|| Arc::new([Box::from(&**owner)])))
            } else {
                let file = &finding.resource.location.file;
                let known = by_file.entry(Arc::clone(file));
                Arc::clone(known.or_insert_with(|| codeowners.owners(file).into()))
            };
        }
    }
}

/// The owners of one resource.
pub(super) fn owners_of(resource: &Resource, codeowners: &Codeowners) -> Owners {
    match &resource.owner {
        Some(owner) => Arc::new([Box::from(&**owner)]),
        None => codeowners.owners(&resource.location.file).into(),
    }
}
