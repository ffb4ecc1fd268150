//! Who approved the commits of a period, as far as a Change of the estate or a file that was given says so.
//!
//! In doubt nothing counts: an approval must name the commit, come from somebody who can be told from everybody who wrote
//! it, and be no later than the commit. What it does not do: it asks no forge, and believes no signature.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::history::{History, Instant};
use super::period::seconds_of;
use crate::date::Moment;
use crate::finding::Identity;
use crate::load::{CommitInfo, ObjectId, Signature};
use crate::outcome::{ChangeRecord, Declared, PersonRecord, change_named};
use crate::policy::{Approvals, ImportedApproval};
use crate::report::{Approval, ApprovalFile, ApprovalState, CommitApproval, GivenApproval};

/// Notes of one sort that are told one by one.
const FEW: usize = 5;
/// Commits of a side branch whose authors are looked up.
const LONGEST_BRANCH: usize = 10_000;
/// The fewest digits that name a commit.
const SHORTEST: usize = 7;

/// What is known at the end of a period of who approved what.
#[derive(Default)]
pub(super) struct Records {
    changes: Vec<Arc<ChangeRecord>>,
    persons: Vec<Arc<PersonRecord>>,
}

impl Records {
    /// Those among the documents of the last commit.
    pub(super) fn of(declared: &[Declared]) -> Self {
        let mut records = Self::default();
        for each in declared {
            match each {
                Declared::Change(change) => records.changes.push(Arc::clone(change)),
                Declared::Person(person) => records.persons.push(Arc::clone(person)),
                Declared::Control(_) | Declared::Evidence(_) | Declared::Remediation(_) => {}
            }
        }
        // Files are read in any order.
        records
            .changes
            .sort_by(|one, other| (&one.identity, &one.location).cmp(&(&other.identity, &other.location)));
        records
            .persons
            .sort_by(|one, other| (&one.identity, &one.location).cmp(&(&other.identity, &other.location)));
        records
    }
}

/// The commits of a period with their approvals, and what must be known to read them.
pub(super) struct Approved {
    pub(super) commits: Vec<CommitApproval>,
    pub(super) files: Vec<ApprovalFile>,
    pub(super) notes: Vec<String>,
}

/// Who approved the commits of some steps. `records` are those of the estate at the end, none if they could not be read;
/// `touches` is what commits did to what judges, by their place.
pub(super) fn approvals(
    history: &History,
    instants: &[Instant],
    records: Option<&Records>,
    imported: &[Approvals],
    touches: &BTreeMap<usize, Vec<String>>,
) -> Approved {
    let nothing = Records::default();
    let mut register = Register::new(history, records.unwrap_or(&nothing));
    register.add_changes();
    register.add_imported(imported);
    if records.is_none() {
        let note = "the estate at the end could not be judged, so that no Change of it approves anything";
        register.notes.push(note.to_owned());
    }
    let mut commits = Vec::new();
    for instant in instants.iter().filter(|instant| !instant.is_tick) {
        let Some(commit) = history.commits.get(instant.commit) else { continue };
        commits.push(CommitApproval {
            commit: commit.revision.commit.to_string(),
            date: instant.day.text().to_owned(),
            author: commit.author.name.clone(),
            committer: commit.committer.name.clone(),
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            touches: touches.get(&instant.commit).cloned().unwrap_or_default(),
            approval: register.approval(instant.commit, commit),
        });
    }
    let file = |each: &Approvals| ApprovalFile {
        file: base_name(&each.file).to_owned(),
        digest: each.digest.to_string(),
        approvals: each.approvals.len() as u64,
    };
    Approved { commits, files: imported.iter().map(file).collect(), notes: register.notes }
}

/// Where a file lies on somebody's disk is nobody else's business.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A commit as a text names it.
enum Named {
    One(usize),
    Several,
    None,
}

/// A claim that a commit was approved.
struct Claim<'r> {
    by: Approver<'r>,
    /// None: nobody knows when.
    at: Option<Moment>,
}

/// Who is said to have approved.
struct Approver<'r> {
    name: String,
    person: Option<&'r PersonRecord>,
    /// Who the author is in the same words, where they are not those of persons.
    author: Option<&'r str>,
}

/// Whether an approver is somebody else than an author.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Apart {
    Yes,
    No,
    Unknown,
}

struct Register<'r> {
    history: &'r History,
    records: &'r Records,
    /// The ids of all commits with their places, in order.
    ids: Vec<(String, usize)>,
    /// Changes that name a commit.
    changes: HashMap<usize, BTreeSet<usize>>,
    imported: HashMap<usize, Vec<(&'r str, &'r ImportedApproval)>>,
    notes: Vec<String>,
}

impl<'r> Register<'r> {
    fn new(history: &'r History, records: &'r Records) -> Self {
        let ids = history.commits.iter().enumerate();
        let mut ids: Vec<_> = ids.map(|(at, commit)| (commit.revision.commit.to_string(), at)).collect();
        ids.sort_unstable();
        Self { history, records, ids, changes: HashMap::new(), imported: HashMap::new(), notes: Vec::new() }
    }

    fn named(&self, text: &str) -> Named {
        let text = text.trim().to_ascii_lowercase();
        let is_id =
            (SHORTEST..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Named::None;
        }
        let from = self.ids.partition_point(|(id, _)| *id < text);
        let mut found = self.ids.iter().skip(from).take_while(|(id, _)| id.starts_with(&text));
        match (found.next(), found.next()) {
            (Some((_, at)), None) => Named::One(*at),
            (Some(_), Some(_)) => Named::Several,
            (None, _) => Named::None,
        }
    }

    fn add_changes(&mut self) {
        let records = self.records;
        for (place, change) in records.changes.iter().enumerate() {
            for text in &change.commits {
                match self.named(text) {
                    Named::One(at) => {
                        self.changes.entry(at).or_default().insert(place);
                    }
                    Named::Several => self.notes.push(format!(
                        "{} names the commit {text}, as which several begin, so that it approves none of them",
                        change.identity
                    )),
                    // Changes tell of side branches and of other repositories as well.
                    Named::None => {}
                }
            }
        }
    }

    fn add_imported(&mut self, files: &'r [Approvals]) {
        let mut unknown = Vec::new();
        for file in files {
            let name = base_name(&file.file);
            for approval in &file.approvals {
                let reason = match self.named(&approval.commit) {
                    Named::One(at) => {
                        self.imported.entry(at).or_default().push((name, approval));
                        continue;
                    }
                    Named::Several => "is the beginning of several commits",
                    Named::None => "is no commit of this history",
                };
                let (line, commit) = (approval.location.line, &approval.commit);
                unknown.push(format!(
                    "{name}:{line}: {commit} {reason}, so that its approval counts for nothing"
                ));
            }
        }
        let left = unknown.len().saturating_sub(FEW);
        self.notes.extend(unknown.into_iter().take(FEW));
        if left > 0 {
            self.notes.push(format!(
                "{left} more approvals of files that were given are of no commit of this history"
            ));
        }
    }

    fn approval(&self, at: usize, commit: &CommitInfo) -> Approval {
        let mut reasons = Vec::new();
        let recorded = self.recorded(at, commit, &mut reasons);
        let is_recorded = !recorded.is_empty();
        let mut given = recorded;
        given.extend(self.imported(at, commit, &mut reasons));
        if !given.is_empty() {
            let state = if is_recorded { ApprovalState::Recorded } else { ApprovalState::Imported };
            return Approval { state, approvals: given, reasons: Vec::new() };
        }
        if reasons.is_empty() {
            reasons.push("no record".to_owned());
        }
        Approval { state: ApprovalState::Unproven, approvals: Vec::new(), reasons }
    }

    /// What Changes of the estate say.
    fn recorded(&self, at: usize, commit: &CommitInfo, reasons: &mut Vec<String>) -> Vec<GivenApproval> {
        let by_record = self.changes.get(&at);
        let trailers: Vec<Identity> = commit
            .trailers()
            .into_iter()
            .filter(|(key, _)| key == "Change")
            .map(|(_, value)| change_named(&value))
            .collect();
        let mut given = Vec::new();
        for name in &trailers {
            if !self.records.changes.iter().any(|change| change.identity == *name) {
                reasons.push(format!("its trailer names {name}, which is not in the estate at the end"));
            }
        }
        for (place, change) in self.records.changes.iter().enumerate() {
            let is_named = by_record.is_some_and(|places| places.contains(&place));
            if !is_named && !trailers.contains(&change.identity) {
                continue;
            }
            let name = &change.identity;
            if !change.is_approved() {
                reasons.push(format!("{name} has the status {}", change.status));
                continue;
            }
            // Whoever makes a commit writes its trailers: they cannot put it under what was over.
            if !is_named && let Some(reason) = over_before(change, commit) {
                reasons.push(reason);
                continue;
            }
            if change.approvals.is_empty() {
                reasons.push(format!("{name} says of nobody who approved it"));
                continue;
            }
            let mut claims = Vec::new();
            for approval in &change.approvals {
                if change.own.contains(&approval.by) {
                    let by = &approval.by;
                    reasons.push(format!("approved by who asked for it or carried it out ({name}: {by})"));
                    continue;
                }
                let person = self.records.persons.iter().find(|person| person.identity == approval.by);
                let by = Approver {
                    name: approval.by.to_string(),
                    person: person.map(AsRef::as_ref),
                    author: None,
                };
                claims.push(Claim { by, at: approval.on.as_deref().and_then(Moment::parse) });
            }
            let by_trailer = if is_named { "" } else { ", named by the commit's trailer" };
            let source = format!("{name} (spec.approvals){by_trailer}");
            given.extend(self.weigh(commit, claims, &source, reasons));
        }
        given
    }

    /// What files say that were given.
    fn imported(&self, at: usize, commit: &CommitInfo, reasons: &mut Vec<String>) -> Vec<GivenApproval> {
        let mut given = Vec::new();
        for (_, approval) in self.imported.get(&at).into_iter().flatten() {
            let claim = |by: &String| Claim {
                by: Approver {
                    name: by.clone(),
                    person: self
                        .records
                        .persons
                        .iter()
                        .find(|person| is_person(by, person))
                        .map(AsRef::as_ref),
                    author: approval.author.as_deref(),
                },
                at: Some(approval.at.clone()),
            };
            given.extend(self.weigh(
                commit,
                approval.by.iter().map(claim).collect(),
                &approval.source,
                reasons,
            ));
        }
        given
    }

    /// The claims that count; of the others it says why not.
    fn weigh(
        &self,
        commit: &CommitInfo,
        claims: Vec<Claim<'_>>,
        source: &str,
        reasons: &mut Vec<String>,
    ) -> Vec<GivenApproval> {
        if claims.is_empty() {
            return Vec::new();
        }
        let authors = match self.authors(commit) {
            Ok(authors) => authors,
            Err(reason) => {
                reasons.push(format!("{reason} ({source})"));
                return Vec::new();
            }
        };
        let mut given = Vec::new();
        let mut own = Vec::new();
        let mut others = Vec::new();
        for Claim { by, at } in claims {
            let apart: Vec<Apart> = authors.iter().map(|author| self.apart(&by, author)).collect();
            let name = by.name;
            if apart.contains(&Apart::No) {
                own.push(name);
                continue;
            }
            let Some(at) = at else {
                others.push(format!("the approval by {name} has no day ({source})"));
                continue;
            };
            if seconds_of(&at) > commit.committer.seconds {
                others.push(format!("approved after the commit: by {name} on {} ({source})", at.text()));
                continue;
            }
            if let Some(place) = apart.iter().position(|apart| *apart == Apart::Unknown) {
                let author = authors.get(place).map_or("", |author| author.name.as_str());
                others.push(format!(
                    "nobody can tell whether {name}, who approved, is somebody else than the author {author} ({source})"
                ));
                continue;
            }
            given.push(GivenApproval { by: name, at: at.text().to_owned(), source: source.to_owned() });
        }
        if !own.is_empty() {
            let alone = if others.is_empty() { " alone" } else { "" };
            reasons.push(format!("approved by its author{alone}: {} ({source})", own.join(", ")));
        }
        reasons.extend(others);
        given
    }

    /// Everybody who wrote a commit: its author, co-authors, and of a merge those of what it brought.
    fn authors(&self, commit: &CommitInfo) -> Result<Vec<Signature>, String> {
        let mut authors = vec![commit.author.clone()];
        let add = |commit: &CommitInfo, authors: &mut Vec<Signature>| {
            authors.push(commit.author.clone());
            let trailers = commit.trailers();
            let co_authors = trailers.iter().filter(|(key, _)| key.eq_ignore_ascii_case("Co-authored-by"));
            authors.extend(co_authors.map(|(_, value)| {
                let (name, rest) = value.split_once('<').unwrap_or((value, ""));
                Signature {
                    name: name.trim().to_owned(),
                    email: rest.trim().trim_end_matches('>').to_owned(),
                    ..Signature::default()
                }
            }));
        };
        add(commit, &mut authors);
        let mut seen: HashSet<ObjectId> = HashSet::new();
        let mut open: Vec<ObjectId> = commit.parents.iter().skip(1).copied().collect();
        while let Some(id) = open.pop() {
            let is_of_branch =
                self.ids.binary_search_by(|(known, _)| known.as_str().cmp(&id.to_string())).is_ok();
            if is_of_branch || !seen.insert(id) {
                continue;
            }
            if seen.len() > LONGEST_BRANCH {
                return Err(format!(
                    "it merges more than {LONGEST_BRANCH} commits, whose authors are not looked up"
                ));
            }
            let merged = self.history.repository.commit(id);
            let merged = merged
                .map_err(|error| format!("who wrote what it merges is not known, since {}", error.message))?;
            add(&merged, &mut authors);
            open.extend(&merged.parents);
        }
        let mut known: HashSet<(String, String)> = HashSet::new();
        authors.retain(|author| known.insert((author.name.clone(), author.email.clone())));
        Ok(authors)
    }

    /// Whether an approver is somebody else than an author. Likeness is enough to be the same; to be another, both must be
    /// known in the same words.
    fn apart(&self, approver: &Approver<'_>, author: &Signature) -> Apart {
        let is_same = is_like(&approver.name, author)
            || approver.author.is_some_and(|author| folded(author) == folded(&approver.name))
            || approver.person.is_some_and(|person| is_author(person, author));
        if is_same {
            return Apart::No;
        }
        let is_known = |person: &PersonRecord| person.git.iter().any(|git| is_identity(git, author));
        // The author is a person of the estate, and another one. That git does not know the approver so is not enough:
        // anybody can write any name.
        let is_another = approver.person.is_some() && self.records.persons.iter().any(|each| is_known(each));
        let is_written_apart = approver.name.split_once('<').is_some_and(|(name, email)| {
            let email = email.trim_end_matches('>');
            let all = [name, email, &author.name, &author.email];
            all.iter().all(|text| !text.trim().is_empty())
        });
        if is_another || is_written_apart || approver.author.is_some() { Apart::Yes } else { Apart::Unknown }
    }
}

/// Why a commit cannot be under a change that its trailer names: it was over before; none if it was not.
fn over_before(change: &ChangeRecord, commit: &CommitInfo) -> Option<String> {
    if !change.is_over() {
        return None;
    }
    let name = &change.identity;
    let Some(day) = change.over_on.as_deref().and_then(Moment::parse) else {
        return Some(format!("its trailer names {name}, which is over and does not say since when"));
    };
    let of_commit = Moment::day_of(commit.committer.seconds)?;
    day.is_certainly_before(&of_commit)
        .then(|| format!("its trailer names {name}, which was over on {}", day.text()))
}

/// A name as it is compared: without case, spaces and signs.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether git would write the author so: by name, by address, or by both.
fn is_identity(text: &str, author: &Signature) -> bool {
    let is = |one: &str, other: &str| {
        let (one, other) = (one.trim(), other.trim());
        !one.is_empty() && one.to_lowercase() == other.to_lowercase()
    };
    match text.split_once('<') {
        Some((name, email)) => is(name, &author.name) || is(email.trim_end_matches('>'), &author.email),
        None => is(text, &author.name) || is(text, &author.email),
    }
}

/// Whether a name could be the author's.
fn is_like(text: &str, author: &Signature) -> bool {
    let text = text.rsplit('/').next().unwrap_or(text);
    let local = author.email.split('@').next().unwrap_or_default();
    let folded_text = folded(text);
    let is_name = |name: &str| !folded_text.is_empty() && folded(name) == folded_text;
    is_identity(text, author) || is_name(&author.name) || is_name(local)
}

/// Whether a person is the author, or could be.
fn is_author(person: &PersonRecord, author: &Signature) -> bool {
    person.git.iter().chain(&person.email).any(|git| is_identity(git, author))
        || is_like(&person.identity.name, author)
        || person.title.as_deref().is_some_and(|title| is_like(title, author))
}

/// Whether a register calls a person so.
fn is_person(text: &str, person: &PersonRecord) -> bool {
    let (name, email) = text.split_once('<').unwrap_or((text, ""));
    let written = Signature {
        name: name.trim().to_owned(),
        email: email.trim().trim_end_matches('>').to_owned(),
        ..Signature::default()
    };
    let is_email = |email: &String| email.eq_ignore_ascii_case(text.trim());
    person.git.iter().any(|git| is_identity(git, &written))
        || person.email.as_ref().is_some_and(is_email)
        || *person.identity.name == *text
        || person.identity.to_string() == text
}
