//! Whether a requirement concerns the organisation at all.

use super::Evaluated;
use crate::policy::{Binding, Requirement};

/// Why a requirement does not concern the organisation: its role in law, a requirement that is not in force on the day of
/// the clock or has given way to another. None: it does. A role and a day hold for the parts of a requirement as well.
pub(super) fn not_applicable(requirement: &Requirement, evaluated: &Evaluated<'_>) -> Option<String> {
    match requirement.binding(evaluated.roles, evaluated.as_of) {
        Binding::Binds => None,
        Binding::NotByRole(reason) => Some(reason),
        Binding::NotYet(day) => Some(format!("binds from {}", day.text())),
        Binding::Superseded(next) => Some(format!("superseded by {next}")),
    }
}
