//! Who answers for each finding: the resource says so itself, else CODEOWNERS says so of its file.

use std::collections::HashMap;
use std::sync::Arc;

use crate::finding::{Finding, Owners, Resource};
use crate::load::{Codeowners, Source};
use crate::report::Ownership;

/// Names the owners of findings. `only` are those whose findings are asked for.
pub(super) fn assign_owners(findings: &mut [Finding], source: &dyn Source, only: &[String]) -> Ownership {
    let mut ownership = Ownership { only: only.to_vec(), ..Ownership::default() };
    let (codeowners, faults) = Codeowners::of(source);
    let mut by_file: HashMap<Arc<str>, Owners> = HashMap::new();
    // There are few owners, and there can be millions of findings.
    let mut by_name: HashMap<Box<str>, Owners> = HashMap::new();
    for finding in findings {
        finding.owners = if let Some(owner) = &finding.resource.owner {
            match by_name.get(owner) {
                Some(known) => Arc::clone(known),
                None => Arc::clone(by_name.entry(owner.clone()).or_insert(Arc::new([owner.clone()]))),
            }
        } else {
            let file = &finding.resource.location.file;
            let known = by_file.entry(Arc::clone(file));
            Arc::clone(known.or_insert_with(|| codeowners.owners(file).into()))
        };
    }
    ownership.codeowners = codeowners.file;
    ownership.faults = faults;
    ownership
}

/// The owners of one resource.
pub(super) fn owners_of(resource: &Resource, codeowners: &Codeowners) -> Owners {
    match &resource.owner {
        Some(owner) => Arc::new([owner.clone()]),
        None => codeowners.owners(&resource.location.file).into(),
    }
}
