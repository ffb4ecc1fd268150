//! Which policy each thread is evaluating, so that somebody else can see that one does not come back.
//!
//! Steps and memory bound an evaluation, but one step can be endless all the same: a comparison of values that share
//! their parts in many layers. Nothing can stop that thread; whoever watches can end the run.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Default)]
struct Slot {
    /// Odd while an evaluation runs; each begins and ends with another number.
    turn: AtomicU64,
    policy: AtomicU64,
}

static SLOTS: Mutex<Vec<Arc<Slot>>> = Mutex::new(Vec::new());
static NAMES: Mutex<BTreeMap<u64, String>> = Mutex::new(BTreeMap::new());

thread_local! {
    static OWN: OnceCell<Arc<Slot>> = const { OnceCell::new() };
}

/// Names a policy.
pub(super) fn register(policy: u64, name: &str) {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner).insert(policy, name.to_owned());
}

/// Marks that a policy is evaluated for as long as the value lives.
pub(super) struct Watched(Arc<Slot>);

impl Watched {
    pub(super) fn begin(policy: u64) -> Self {
        let slot = OWN.with(|own| {
            let slot = own.get_or_init(|| {
                let slot = Arc::new(Slot::default());
                SLOTS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&slot));
                slot
            });
            Arc::clone(slot)
        });
        slot.policy.store(policy, Ordering::Relaxed);
        slot.turn.fetch_add(1, Ordering::Release);
        Self(slot)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.turn.fetch_add(1, Ordering::Release);
    }
}

/// Somebody who looks again and again.
#[derive(Debug, Default)]
pub struct Watch {
    /// For each thread: the turn that was seen, and how often.
    seen: Vec<(u64, u32)>,
}

impl Watch {
    /// Looks once; gives the name of a rule whose evaluation was under way at the last `looks` looks.
    pub fn look(&mut self, looks: u32) -> Option<String> {
        let slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.seen.resize(slots.len(), (0, 0));
        for (slot, (turn, count)) in slots.iter().zip(&mut self.seen) {
            let now = slot.turn.load(Ordering::Acquire);
            *count = if now % 2 == 1 && now == *turn { *count + 1 } else { 0 };
            *turn = now;
            if *count >= looks {
                let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
                let name = names.get(&slot.policy.load(Ordering::Relaxed));
                return Some(name.cloned().unwrap_or_default());
            }
        }
        None
    }
}
