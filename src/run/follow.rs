//! A history followed step by step: what each step changes, worked out anew or known from an earlier run.
//!
//! A step that is known is not judged again, but for the last one: it is always judged, and if the memo says anything
//! else of it, the memo is forgotten and everything is judged.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::check::CheckRequest;
use super::history::{History, Instant, PoliciesOf, Step, walk};
use super::ledger::{Delta, Ledger, step_key};
use super::policies::PolicyError;
use crate::load::{Memo, MemoKey};

/// Records to keep in hand before they are written, so that a run that is killed leaves most of its work.
const SAVE_EACH: usize = 2_000;

/// A folder for what runs over histories learn, and what there is to say of it.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    notes: Mutex<Vec<String>>,
}

impl Cache {
    /// A cache in a folder, which need not exist.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder, notes: Mutex::default() }
    }

    /// What went wrong with it. The results are none the worse for it.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, note: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}

/// What earlier runs know.
pub(super) struct Known<'c> {
    cache: Option<(&'c Cache, Memo)>,
}

/// Why following a history ended early.
pub(super) enum Stopped {
    /// What was known turned out not to be so. Begin again; it is forgotten.
    Contradicted,
    /// It cannot be read.
    Failed(PolicyError),
}

impl From<PolicyError> for Stopped {
    fn from(error: PolicyError) -> Self {
        Self::Failed(error)
    }
}

/// What tells runs apart whose steps must not be mixed: the build of the program, the policies and the request.
fn environment(history: &History, request: &CheckRequest, policies: PoliciesOf<'_>) -> String {
    // These have no say in what is found.
    let request = CheckRequest { as_of: String::new(), threads: 0, outputs: Vec::new(), ..request.clone() };
    let policies = match policies {
        PoliciesOf::Each => "each".to_owned(),
        PoliciesOf::These(policies) => format!("{} {:?}", policies.digest, policies.baseline),
    };
    let build = env!("ASSIZE_BUILD_DIGEST");
    format!("{build}\n{policies}\n{request:?}\n{}", history.folder.display())
}

impl<'c> Known<'c> {
    /// What a cache holds for such a run.
    pub(super) fn of(
        cache: Option<&'c Cache>,
        history: &History,
        request: &CheckRequest,
        policies: PoliciesOf<'_>,
    ) -> Self {
        let open = |cache: &'c Cache| {
            let memo = Memo::open(&cache.folder, &environment(history, request, policies));
            match memo.broken() {
                0 => {}
                1 => cache.tell("a file of the cache is damaged; what it held was judged anew".to_owned()),
                broken => cache
                    .tell(format!("{broken} files of the cache are damaged; what they held was judged anew")),
            }
            (cache, memo)
        };
        Self { cache: cache.map(open) }
    }

    /// Nothing is known.
    pub(super) fn nothing() -> Self {
        Self { cache: None }
    }

    fn get(&self, key: &MemoKey) -> Option<Delta> {
        let (_, memo) = self.cache.as_ref()?;
        serde_json::from_slice(memo.get(key)?).ok()
    }

    fn put(&mut self, key: MemoKey, delta: &Delta) {
        let Some((_, memo)) = &mut self.cache else { return };
        if let Ok(record) = serde_json::to_vec(delta) {
            memo.put(key, record);
        }
        if memo.unsaved() >= SAVE_EACH {
            self.save();
        }
    }

    fn save(&mut self) {
        let Some((cache, memo)) = &mut self.cache else { return };
        if let Err(error) = memo.save() {
            cache.tell(format!("cannot write the cache: {error}"));
            self.cache = None;
        }
    }

    fn forget(&mut self) {
        let Some((cache, memo)) = &mut self.cache else { return };
        memo.clear();
        cache.tell(
            "of the last step the cache says something else than judging it anew, so it was emptied and everything judged"
                .to_owned(),
        );
    }
}

/// Follows a history. `visit` is told of each step, by its place, what it changes; where it was judged in this run,
/// and so is the last one, also what was found.
pub(super) fn follow(
    history: &History,
    instants: &[Instant],
    policies: PoliciesOf<'_>,
    request: &CheckRequest,
    known: &mut Known<'_>,
    visit: &mut dyn FnMut(usize, &Delta, Option<Step<'_, '_>>),
) -> Result<(), Stopped> {
    let commit = |instant: &Instant| {
        let commit = history.commits.get(instant.commit);
        commit.map(|commit| commit.revision.commit.to_string()).unwrap_or_default()
    };
    let mut before: Option<(String, &Instant)> = None;
    let mut keys = Vec::with_capacity(instants.len());
    for instant in instants {
        let id = commit(instant);
        keys.push(step_key(&id, instant, before.as_ref().map(|(id, instant)| (id.as_str(), *instant))));
        before = Some((id, instant));
    }
    let last = instants.len().saturating_sub(1);
    let mut ledger = Ledger::default();
    let mut at = 0;
    while let Some(key) = keys.get(at) {
        let told = known.get(key);
        if at < last
            && let Some(delta) = told
        {
            ledger.apply(&delta);
            visit(at, &delta, None);
            at += 1;
            continue;
        }
        // As far as nothing is known. The step before is judged too, since rules over changes compare with it; what is
        // known of the last step spares that.
        let is_check = at == last && told.is_some();
        let begin = if is_check { at } else { at.saturating_sub(1) };
        let next =
            keys.iter().enumerate().skip(at + 1).find(|(at, key)| *at < last && known.get(key).is_some());
        let end = next.map_or(keys.len(), |(next, _)| next);
        let mut here = begin;
        let mut is_contradicted = false;
        let part = instants.get(begin..end).unwrap_or_default();
        walk(history, (part, end == instants.len()), policies, request, &mut |step| {
            let place = here;
            here += 1;
            if place < at || is_contradicted {
                return;
            }
            let mut delta = match &step {
                Ok(step) => ledger.delta(step),
                Err(unjudged) => ledger.unjudged(&unjudged.problems),
            };
            let was_of_content = ledger.is_of_content();
            ledger.apply(&delta);
            match told.as_ref().filter(|_| is_check) {
                Some(told) if told.without_events() != delta => {
                    is_contradicted = true;
                    return;
                }
                Some(told) => delta.clone_from(told),
                None if was_of_content && ledger.is_of_content() => {
                    if let Some(key) = keys.get(place) {
                        known.put(*key, &delta);
                    }
                }
                None => {}
            }
            visit(place, &delta, step.ok());
        })
        .inspect_err(|_| known.save())?;
        if is_contradicted {
            known.forget();
            return Err(Stopped::Contradicted);
        }
        at = end;
    }
    known.save();
    Ok(())
}
