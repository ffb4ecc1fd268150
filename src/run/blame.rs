//! `blame`: since when each finding holds without a gap, which commit brought it, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::check::{CheckRequest, in_pool};
use super::diff::{DiffRequest, DiffSources, JudgedBy, diff_in_pool};
use super::follow::{Cache, Known, Stopped, follow};
use super::history::{History, Instant, PoliciesOf, Step};
use super::ledger::{Closed, Delta, Key, Said};
use super::policies::PolicyError;
use crate::date::{Duration, Moment};
use crate::finding::{Finding, Fingerprint, Severity, Status};
use crate::load::{CommitInfo, LoadError, ObjectId};
use crate::outcome::Declared;
use crate::report::{Author, Birth, Blame, Cause, Mark, Report, Side, State, Unchecked};

/// What to look at.
#[derive(Clone, Debug)]
pub struct BlameRequest<'s> {
    /// As for a check.
    pub check: CheckRequest,
    /// The clock of the end.
    pub as_of: Moment,
    /// A rule, a resource or the beginning of a fingerprint; none: everything.
    pub of: Option<String>,
    /// What earlier runs know of the history.
    pub cache: Option<&'s Cache>,
}

/// A finding while it lasts.
struct Streak {
    since: usize,
    is_first: bool,
    /// What it was at the step before it began, if it was there: waived.
    former: Option<Status>,
    status: Status,
}

/// Works out the birth of each finding that holds at the end.
///
/// # Errors
/// What keeps it from beginning, and commits that cannot be read.
pub fn blame(
    history: &History,
    request: &BlameRequest<'_>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Blame, PolicyError> {
    let Some(begin) = history.days.first().cloned() else {
        return Err(failure(format!("no commit of the branch lies before {}", request.as_of.text())));
    };
    let mut check = CheckRequest { with_population: true, ..request.check.clone() };
    request.as_of.text().clone_into(&mut check.as_of);
    let instants = history.period(&begin, &request.as_of);
    in_pool(&check, |_| {
        let mut known = Known::of(request.cache, history, &check, PoliciesOf::Each);
        let (streaks, gone, end, said) = loop {
            let (mut streaks, mut gone) = (HashMap::new(), HashMap::new());
            let mut end: Option<End> = None;
            let mut said: BTreeSet<Said> = BTreeSet::new();
            let total = instants.len() as u64;
            let followed =
                follow(history, &instants, PoliciesOf::Each, &check, &mut known, &mut |at, delta, step| {
                    take_in(delta, at, &mut streaks, &mut gone);
                    said.retain(|said| !delta.solved.contains(said));
                    said.extend(delta.problems.iter().cloned());
                    if at + 1 == instants.len() {
                        end = step.map(End::of);
                    }
                    progress(at as u64 + 1, total);
                });
            match followed {
                Ok(()) => break (streaks, gone, end, said),
                Err(Stopped::Contradicted) => {}
                Err(Stopped::Failed(error)) => return Err(error),
            }
        };
        let here = mark(history, instants.last());
        let unchecked = |said: Said| {
            here.clone().map(|from| Unchecked {
                code: said.code.name(),
                message: said.message,
                from,
                to: None,
            })
        };
        let mut blame = Blame {
            version: 1,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            as_of: request.as_of.text().to_owned(),
            head: history.commits.last().map(|commit| commit.revision.commit.to_string()).unwrap_or_default(),
            commits: history.commits.len() as u64,
            notes: history.notes.clone(),
            findings: Vec::new(),
            problems: said.into_iter().filter_map(unchecked).collect(),
        };
        let Some(End { report, limits }) = end else { return Ok(blame) };
        let wanted = |rule: &str, finding: &Finding, print: &Fingerprint| {
            request.of.as_deref().is_none_or(|of| {
                let of = of.strip_prefix("v1:").unwrap_or(of);
                let print = print.to_string();
                let print = print.strip_prefix("v1:").unwrap_or(&print);
                rule == of
                    || finding.resource.identity.to_string() == of
                    || (of.len() >= 8 && print.starts_with(of))
            })
        };
        let mut causes = Causes { history, request: &check, instants: &instants, known: HashMap::new() };
        for (finding, print) in report.findings.iter().zip(&report.fingerprints) {
            let Some(rule) = report.rule(finding).filter(|rule| wanted(&rule.name, finding, print)) else {
                continue;
            };
            let key = (Arc::clone(&rule.name), *print);
            let Some(streak) = streaks.get(&key) else { continue };
            let Some(instant) = instants.get(streak.since) else { continue };
            let Some(since) = mark(history, Some(instant)) else { continue };
            let Some(by) = history.commits.get(instant.commit) else { continue };
            let (cause, subject, through) = causes.of(&key, streak, instant)?;
            let due = limits.get(&rule.severity).and_then(|limit| instant.day.moved(limit, 1));
            blame.findings.push(Birth {
                rule: rule.name.to_string(),
                severity: rule.severity.name(),
                resource: finding.resource.identity.to_string(),
                fingerprint: print.to_string(),
                message: finding.message.to_string(),
                place: format!("{}:{}", finding.location.file, finding.location.line),
                status: finding.status.name(),
                since_before: streak.is_first,
                by: author(by, history.days.get(instant.commit).map_or("", Moment::text)),
                through: through.map(|commit| {
                    let day = Moment::day_of(commit.committer.seconds);
                    author(&commit, day.as_ref().map_or("", Moment::text))
                }),
                cause,
                subject,
                reopened: gone.get(&key).copied().unwrap_or(0),
                age_days: instant.day.days_until(&request.as_of),
                is_overdue: due.as_ref().is_some_and(|due| due.is_certainly_before(&request.as_of)),
                due: due.map(|due| due.text().to_owned()),
                since,
            });
        }
        blame.findings.sort_by(|one, other| {
            (one.since.seconds, &one.rule, &one.resource, &one.fingerprint).cmp(&(
                other.since.seconds,
                &other.rule,
                &other.resource,
                &other.fingerprint,
            ))
        });
        if blame.findings.is_empty()
            && let Some(of) = &request.of
        {
            blame
                .notes
                .push(format!("no finding of today is called {of}: no rule, no resource, no fingerprint"));
        }
        Ok(blame)
    })
}

fn failure(message: String) -> PolicyError {
    PolicyError::Load(LoadError { message, help: None })
}

/// What was found at the end.
struct End {
    report: Report,
    limits: BTreeMap<Severity, Duration>,
}

impl End {
    fn of(step: Step<'_, '_>) -> Self {
        Self { limits: remediation(step.replay.declared()), report: step.report }
    }
}

/// Takes in what a step changes. A finding that is waived and one that counts are two things: what comes out of a
/// waiver begins anew.
fn take_in(delta: &Delta, at: usize, streaks: &mut HashMap<Key, Streak>, gone: &mut HashMap<Key, u64>) {
    for Closed { rule, fingerprint } in &delta.closed {
        let key: Key = (rule.as_str().into(), *fingerprint);
        streaks.remove(&key);
        *gone.entry(key).or_default() += 1;
    }
    for turned in &delta.turned {
        let key: Key = (turned.rule.as_str().into(), turned.fingerprint);
        if let Some(streak) = streaks.get_mut(&key).filter(|streak| streak.status != turned.status) {
            *streak =
                Streak { since: at, is_first: false, former: Some(streak.status), status: turned.status };
        }
    }
    for opened in &delta.opened {
        let key: Key = (opened.rule.as_str().into(), opened.fingerprint);
        streaks.insert(key, Streak { since: at, is_first: at == 0, former: None, status: opened.status });
    }
}

fn mark(history: &History, instant: Option<&Instant>) -> Option<Mark> {
    let instant = instant?;
    let commit = history.commits.get(instant.commit).filter(|_| !instant.is_tick);
    let midnight = instant.day.nanoseconds()?.div_euclid(1_000_000_000);
    Some(Mark {
        date: instant.day.text().to_owned(),
        commit: commit.map(|commit| commit.revision.commit.to_string()),
        seconds: commit.map_or(midnight, |commit| commit.committer.seconds.max(midnight)),
    })
}

fn author(commit: &CommitInfo, date: &str) -> Author {
    Author {
        commit: commit.revision.commit.to_string(),
        name: commit.author.name.clone(),
        email: commit.author.email.clone(),
        date: date.to_owned(),
        subject: commit.message.lines().next().unwrap_or_default().to_owned(),
    }
}

/// Works out why findings came, once for each step at which any did.
struct Causes<'c> {
    history: &'c History,
    request: &'c CheckRequest,
    instants: &'c [Instant],
    /// By commit and day: the causes of what came with it, and for a merge the commits of its side branch that
    /// brought it.
    known: HashMap<usize, Arc<Came>>,
}

#[derive(Default)]
struct Came {
    causes: HashMap<Key, Cause>,
    through: HashMap<Key, CommitInfo>,
}

type Why = (String, Option<String>, Option<CommitInfo>);

impl Causes<'_> {
    fn of(&mut self, key: &Key, streak: &Streak, instant: &Instant) -> Result<Why, PolicyError> {
        if streak.is_first {
            return Ok(("before-history".to_owned(), None, None));
        }
        if instant.is_tick {
            // Only the date was new: a waiver that ended, or the clock.
            let lapsed = streak.former == Some(Status::Waived);
            let cause = if lapsed { "waiver-lapsed" } else { "clock-passed" };
            return Ok((cause.to_owned(), None, None));
        }
        let came = self.came(streak.since, instant)?;
        let cause = came.causes.get(key);
        let word = cause.map_or_else(|| "estate-changed".to_owned(), |cause| cause.name().to_owned());
        let through = came.through.get(key).cloned();
        Ok((word, cause.and_then(Cause::subject), through))
    }

    fn came(&mut self, at: usize, instant: &Instant) -> Result<Arc<Came>, PolicyError> {
        if let Some(known) = self.known.get(&at) {
            return Ok(Arc::clone(known));
        }
        let mut came = Came::default();
        let before = at.checked_sub(1).and_then(|before| self.instants.get(before));
        if let (Some(before), Some(commit)) = (before, self.history.commits.get(instant.commit)) {
            let parent = self.history.commits.get(before.commit);
            if let Some(parent) = parent {
                came.causes = self.compare(parent, commit, &before.day, &instant.day)?;
            }
            let [_, side, ..] = commit.parents.as_slice() else {
                let came = Arc::new(came);
                self.known.insert(at, Arc::clone(&came));
                return Ok(came);
            };
            if let Some(parent) = parent {
                let wanted: BTreeSet<Key> = came.causes.keys().cloned().collect();
                came.through = self.side_branch(parent.revision.commit, *side, &wanted)?;
            }
        }
        let came = Arc::new(came);
        self.known.insert(at, Arc::clone(&came));
        Ok(came)
    }

    /// The causes of what a commit brought, each side by its own policies.
    fn compare(
        &self,
        parent: &CommitInfo,
        commit: &CommitInfo,
        before: &Moment,
        after: &Moment,
    ) -> Result<HashMap<Key, Cause>, PolicyError> {
        let open = |commit: &CommitInfo| {
            let id = commit.revision.commit.to_string();
            crate::load::Commit::around(Arc::clone(&self.history.repository), &id, &self.history.folder)
                .map_err(PolicyError::Load)
        };
        let (base, head) = (open(parent)?, open(commit)?);
        let side = |commit: &CommitInfo| Side {
            name: super::history::short(commit),
            commit: Some(commit.revision.commit.to_string()),
        };
        let sources = DiffSources {
            base: &base,
            head: &head,
            base_policies: &base,
            head_policies: &head,
            policies: None,
            names: (side(parent), side(commit)),
            commits: Vec::new(),
        };
        let mut check = self.request.clone();
        after.text().clone_into(&mut check.as_of);
        let request = DiffRequest {
            check,
            base_as_of: before.text().to_owned(),
            judged_by: JudgedBy::Each,
            allow_gate_changes: true,
            ..DiffRequest::default()
        };
        let report = match diff_in_pool(&sources, &request, after, &|_, _| ()) {
            Ok(report) => report,
            // A version that cannot be judged gives no cause.
            Err(PolicyError::Configuration(_)) => return Ok(HashMap::new()),
            Err(error) => return Err(error),
        };
        let changes = report.comparison.iter().flat_map(|comparison| &comparison.changes);
        let found = report.findings.iter().zip(&report.fingerprints).zip(changes);
        let new = found.filter(|(_, change)| change.state == State::New);
        let cause =
            |((finding, print), change): ((&Finding, &Fingerprint), &crate::report::FindingChange)| {
                let rule = report.rule(finding)?;
                Some(((Arc::clone(&rule.name), *print), change.cause.clone()?))
            };
        Ok(new.filter_map(cause).collect())
    }

    /// For findings that a merge brought: the first commit of the side branch since which each holds on it.
    fn side_branch(
        &self,
        main: ObjectId,
        side: ObjectId,
        wanted: &BTreeSet<Key>,
    ) -> Result<HashMap<Key, CommitInfo>, PolicyError> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let repository = &self.history.repository;
        let fork = repository.merge_base(main, side).map_err(PolicyError::Load)?;
        let mut commits = Vec::new();
        for commit in repository.first_parents(side).map_err(PolicyError::Load)? {
            let commit = commit.map_err(PolicyError::Load)?;
            if Some(commit.revision.commit) == fork {
                break;
            }
            commits.push(commit);
        }
        let branch = History::of(repository, &self.history.folder, commits).map_err(PolicyError::Load)?;
        let steps = branch.days.iter().enumerate();
        let instants: Vec<Instant> =
            steps.map(|(commit, day)| Instant { commit, day: day.clone(), is_tick: false }).collect();
        let (mut streaks, mut gone) = (HashMap::new(), HashMap::new());
        let mut nothing = Known::nothing();
        let followed =
            follow(&branch, &instants, PoliciesOf::Each, self.request, &mut nothing, &mut |at, delta, _| {
                take_in(delta, at, &mut streaks, &mut gone);
            });
        match followed {
            Ok(()) | Err(Stopped::Contradicted) => {}
            Err(Stopped::Failed(error)) => return Err(error),
        }
        let born = wanted.iter().filter_map(|key| {
            let streak = streaks.get(key)?;
            Some((key.clone(), branch.commits.get(streak.since)?.clone()))
        });
        Ok(born.collect())
    }
}

/// The times that documents of kind `RemediationPolicy` give; the shortest where several do.
fn remediation(declared: &[Declared]) -> BTreeMap<Severity, Duration> {
    let mut limits: BTreeMap<Severity, Duration> = BTreeMap::new();
    for each in declared {
        let Declared::Remediation(policy) = each else { continue };
        for (severity, limit) in &policy.limits {
            let is_shorter = limits.get(severity).is_none_or(|known| limit.is_certainly_shorter(known));
            if is_shorter {
                limits.insert(*severity, limit.clone());
            }
        }
    }
    limits
}
