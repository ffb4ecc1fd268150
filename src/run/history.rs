//! A history to replay: the commits of a branch along first parents, the days between them, and the policies in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::changed::changed_files;
use super::check::CheckRequest;
use super::events::{Change, events};
use super::policies::{Beside, Policies, PolicyError, load};
use super::replay::{Instruction, Replay};
use crate::compare::differences;
use crate::date::Moment;
use crate::estate::Inventory;
use crate::load::{CONFIG_FILE, Commit, CommitInfo, EntryKind, LoadError, ObjectId, Repository, Source as _};
use crate::policy::Roles;
use crate::problem::Problem;
use crate::report::{Event, Report};

/// The commits of a branch, oldest first.
#[derive(Debug)]
pub struct History {
    /// Where they are.
    pub repository: Arc<Repository>,
    /// From where `assize.yaml` is looked for, a path on disk.
    pub folder: PathBuf,
    /// The commits along first parents.
    pub commits: Vec<CommitInfo>,
    /// The day, in UTC, on which each counts.
    pub days: Vec<Moment>,
    /// What must be known of it to read results.
    pub notes: Vec<String>,
}

impl History {
    /// Reads the first parents of a commit, back to the beginning.
    ///
    /// # Errors
    /// A commit that is not there, where the clone is not cut.
    pub fn read(repository: &Arc<Repository>, folder: &Path, newest: ObjectId) -> Result<Self, LoadError> {
        let commits = repository.first_parents(newest)?.collect::<Result<Vec<_>, _>>()?;
        Self::of(repository, folder, commits)
    }

    /// The history of some commits, newest first.
    pub(super) fn of(
        repository: &Arc<Repository>,
        folder: &Path,
        mut commits: Vec<CommitInfo>,
    ) -> Result<Self, LoadError> {
        commits.reverse();
        let mut notes = Vec::new();
        if let Some(first) = commits.first().filter(|first| first.is_boundary) {
            let id = short(first);
            notes.push(format!("history starts here: the clone is shallow and cut behind {id}"));
        }
        let mut days: Vec<Moment> = Vec::with_capacity(commits.len());
        let mut latest: Option<i64> = None;
        let mut backwards: Vec<String> = Vec::new();
        for commit in &commits {
            let seconds = commit.committer.seconds;
            if latest.is_some_and(|latest| seconds < latest) {
                backwards.push(short(commit));
            }
            // Whoever comes later along the branch counts later.
            let counts = latest.map_or(seconds, |latest| latest.max(seconds));
            latest = Some(counts);
            days.push(Moment::day_of(counts).ok_or_else(|| LoadError {
                message: format!("the date of the commit {} lies beyond the calendar", short(commit)),
                help: None,
            })?);
        }
        if let Some(first) = backwards.first() {
            let count = backwards.len();
            let commits = if count == 1 { "1 commit is".to_owned() } else { format!("{count} commits are") };
            notes.push(format!(
                "dates run backwards: {commits} dated before an earlier one of the branch, the first being {first}; the order \
                 is that of the branch, and such a commit counts from the latest date before it"
            ));
        }
        Ok(Self { repository: Arc::clone(repository), folder: folder.to_owned(), commits, days, notes })
    }

    /// Leaves out what comes after a day.
    pub fn end_with(&mut self, day: &Moment) {
        let length = self.days.partition_point(|known| !day.is_certainly_before(known));
        self.days.truncate(length);
        self.commits.truncate(length);
    }

    /// A commit as the source of an estate.
    ///
    /// # Errors
    /// One that cannot be read.
    pub fn source(&self, at: usize) -> Result<Commit, LoadError> {
        let commit = self.commits.get(at).map(|commit| commit.revision.commit.to_string());
        Commit::around(Arc::clone(&self.repository), &commit.unwrap_or_default(), &self.folder)
    }

    /// The steps of a period: each day of it by the commit in force when it begins, then each commit of that day.
    pub fn period(&self, from: &Moment, to: &Moment) -> Vec<Instant> {
        let mut instants = Vec::new();
        let mut next = self.days.partition_point(|day| day.is_certainly_before(from));
        let mut day = from.day();
        loop {
            if let Some(commit) = next.checked_sub(1) {
                instants.push(Instant { commit, day: day.clone(), is_tick: true });
            }
            while self.days.get(next).is_some_and(|known| *known == day) {
                instants.push(Instant { commit: next, day: day.clone(), is_tick: false });
                next += 1;
            }
            match day.next_day().filter(|_| day.is_certainly_before(to)) {
                Some(tomorrow) => day = tomorrow,
                None => return instants,
            }
        }
    }
}

/// The first digits of a commit's id.
pub(super) fn short(commit: &CommitInfo) -> String {
    commit.revision.commit.to_string().chars().take(12).collect()
}

/// A step of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The commit in force, by its place in the history.
    pub commit: usize,
    /// The clock.
    pub day: Moment,
    /// Whether only the day is new.
    pub is_tick: bool,
}

/// Which policies judge a history.
#[derive(Clone, Copy, Debug)]
pub(super) enum PoliciesOf<'p> {
    /// For each commit those that stand in it.
    Each,
    /// These for all.
    These(&'p Policies),
}

/// What is known at a step.
pub(super) struct Step<'s, 'r> {
    pub(super) policies: &'s Policies,
    pub(super) report: Report,
    pub(super) replay: &'s Replay<'r>,
    /// What rules over changes deny of this commit, and what kept them from it.
    pub(super) events: (Vec<Event>, Vec<Problem>),
}

/// A commit whose configuration cannot be used, so that nothing of it is known.
pub(super) struct Unjudged {
    pub(super) problems: Vec<Problem>,
}

/// Replays a history, step by step. Where only the last step is to be shown, lines and messages of the others may be those
/// of an earlier step that they have not changed since.
///
/// # Errors
/// A commit that cannot be read.
pub(super) fn walk(
    history: &History,
    (instants, is_exact): (&[Instant], bool),
    policies: PoliciesOf<'_>,
    request: &CheckRequest,
    visit: &mut dyn FnMut(Result<Step<'_, '_>, Unjudged>),
) -> Result<(), PolicyError> {
    let load_error = |error: LoadError| PolicyError::Load(error);
    let mut rest = instants;
    // The version before, for rules over changes.
    let mut before_this: Option<(usize, Commit, Arc<Inventory>, Roles)> = None;
    while let Some(first) = rest.first() {
        let any = history.source(first.commit).map_err(load_error)?;
        let own;
        let in_force = match policies {
            PoliciesOf::These(policies) => Ok(policies),
            PoliciesOf::Each => match load(&any, &request.selection, request.threads, Beside::Judged) {
                Ok(policies) => {
                    own = policies;
                    Ok(&own)
                }
                Err(PolicyError::Configuration(problems)) => Err(problems),
                Err(error) => return Err(error),
            },
        };
        // As far as the same policies judge.
        let length = match (policies, &in_force) {
            (PoliciesOf::These(_), _) => rest.len(),
            (PoliciesOf::Each, Ok(policies)) => {
                let is_policy = |path: &str| {
                    path.rsplit('/').next() == Some(CONFIG_FILE)
                        || any.from_base(path).is_some_and(|path| policies.are_in(path))
                };
                same_policies(history, rest, &is_policy).map_err(load_error)?
            }
            // Only the configuration can mend what is wrong with it.
            (PoliciesOf::Each, Err(_)) => {
                let is_config = |path: &str| path.rsplit('/').next() == Some(CONFIG_FILE);
                same_policies(history, rest, &is_config).map_err(load_error)?
            }
        };
        let (epoch, later) = rest.split_at(length.max(1));
        rest = later;
        let in_force = match in_force {
            Ok(policies) => policies,
            Err(problems) => {
                for _ in epoch {
                    visit(Err(Unjudged { problems: problems.clone() }));
                }
                continue;
            }
        };
        let mut replay = Replay::new(&any, request, in_force);
        let has_change_rules = in_force.rules.rules.iter().any(|rule| rule.uses.change);
        let mut source: Option<(usize, Commit)> = None;
        let mut judged: Option<ObjectId> = None;
        let Some(last_of_epoch) = epoch.last() else { continue };
        for instant in epoch {
            let known = source.take().filter(|(at, _)| *at == instant.commit);
            let (at, commit) = match known {
                Some(known) => known,
                None => (instant.commit, history.source(instant.commit).map_err(load_error)?),
            };
            let tree = commit.revision().map(|revision| revision.tree);
            let Some(tree) = tree else { continue };
            let before_tree = judged.replace(tree);
            let instruction = Instruction {
                tree,
                as_of: &instant.day,
                has_same_paths: before_tree.is_some_and(|before| has_same_paths(history, before, tree)),
                is_exact: is_exact && later.is_empty() && std::ptr::eq(instant, last_of_epoch),
            };
            let (mut report, inventory) = replay.step(&commit, &instruction);
            // A day on which nothing was committed changes nothing.
            let is_new = before_this.as_ref().is_none_or(|(earlier, ..)| *earlier != instant.commit);
            let before = if is_new { before_this.take() } else { None };
            let own = history.commits.get(instant.commit);
            let events = match (before, own) {
                (Some((_, former_source, former, roles)), Some(own)) if has_change_rules => {
                    let (before, after) =
                        (replay.check(&former_source, &instant.day), replay.check(&commit, &instant.day));
                    let changed = changed_files(&before, &after, &before.list(), &after.list());
                    let change = Change {
                        base: &former_source,
                        head: &commit,
                        commits: std::slice::from_ref(own),
                        found: &differences(&changed.base.versions, &changed.head.versions),
                        changed: &changed,
                        former: &former,
                        inventory: &inventory,
                        as_of: &instant.day,
                    };
                    events(&change, in_force, &roles, &mut report)
                }
                _ => (Vec::new(), Vec::new()),
            };
            if is_new {
                before_this = Some((
                    instant.commit,
                    history.source(instant.commit).map_err(load_error)?,
                    Arc::clone(&inventory),
                    report.run.roles.clone(),
                ));
            }
            visit(Ok(Step { policies: in_force, report, replay: &replay, events }));
            source = Some((at, commit));
        }
    }
    Ok(())
}

/// Whether two trees hold the same files, whatever is in them. In doubt they do not.
fn has_same_paths(history: &History, before: ObjectId, after: ObjectId) -> bool {
    let is_file = |side: Option<(EntryKind, ObjectId)>| matches!(side, Some((EntryKind::File, _)));
    let changed = history.repository.changed_paths(Some(before), Some(after));
    changed.is_ok_and(|changed| changed.iter().all(|each| is_file(each.old) && is_file(each.new)))
}

/// How many of the first instants have the policies of the first one.
fn same_policies(
    history: &History,
    instants: &[Instant],
    is_policy: &dyn Fn(&str) -> bool,
) -> Result<usize, LoadError> {
    for (at, pair) in instants.windows(2).enumerate() {
        let [one, other] = pair else { continue };
        if one.commit == other.commit {
            continue;
        }
        let tree = |at: usize| history.commits.get(at).map(|commit| commit.revision.tree);
        let changed = history.repository.changed_paths(tree(one.commit), tree(other.commit))?;
        if changed.iter().any(|changed| is_policy(&String::from_utf8_lossy(&changed.path))) {
            return Ok(at + 1);
        }
    }
    Ok(instants.len())
}
