//! The quick way of a text of Rego: its statements followed straight on the documents that were kept.
//!
//! Most pairs of a rule and a resource end at the first statement or two: the resource refers to nothing of the kind, or
//! it has what is asked of it. The machine needs values of everything that the rule could read before it can say so. Here
//! the text becomes a [`Program`], and what its statements name is looked up when they come to it.
//!
//! What the program does not know exactly as the engines do, it leaves to them: an evaluation then gives nothing at all
//! ([`Unsure`]), never half of an answer. So it may be as small as it likes. It goes in the order of the text and ends
//! where a statement does not hold; the engines may come to a later statement first, so that they fail on what that one
//! cannot compute. `assize test` holds what it says of every example against both engines.

mod call;
mod compile;
mod once;
mod run;
mod value;

use regorus::Value;

use self::once::Places;
use super::Policy;
use super::machine::Judged;
use super::module::Parsed;
use crate::schema::PathSet;

pub(super) use compile::Program;
pub(super) use once::Kept;

pub(super) use value::Members;

/// The program cannot say what the engines would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unsure;

type Sure<T> = Result<T, Unsure>;

/// What `deny` is for what is judged; none if only the engines can tell.
pub(super) fn deny(program: &Program, policy: &Policy, judged: &Judged<'_>) -> Option<Value> {
    if judged.base.is_some() {
        return None;
    }
    let own = &policy.uses.reads.own;
    // As a value of it would be made.
    let reads = (judged.document.get().is_none() && *own != PathSet::All).then_some(own);
    let places = match program.once.places {
        0 => Places::default(),
        count => judged.world.once().places(policy.number, count, judged.as_of),
    };
    run::deny(program, judged, reads, judged.call(policy), &places).ok()
}

/// The program of a text; its parts that have no way of their own are left out, and whatever comes to them is unsure.
pub(super) fn compile(modules: &[Parsed], policy: &Policy) -> Option<Program> {
    if policy.uses.change {
        return None;
    }
    compile::program(
        modules,
        &policy.params,
        &policy.answered,
        &policy.uses.reads.others,
        &policy.uses.estate,
    )
}
