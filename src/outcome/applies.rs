//! Whether a requirement concerns the organisation at all.

use super::Evaluated;
use crate::policy::{Framework, Requirement};

/// Why a requirement does not concern the organisation: its role in law, a requirement that is not in force on the day of
/// the clock or has given way to another. None: it does. Frameworks say nothing of this yet, so that every requirement
/// concerns everyone; it holds for the parts of a requirement as well.
pub(super) fn not_applicable(
    _framework: &Framework,
    _requirement: &Requirement,
    _evaluated: &Evaluated<'_>,
) -> Option<String> {
    None
}
