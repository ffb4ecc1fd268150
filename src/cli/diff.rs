//! `assize diff`.

use std::path::Path;
use std::sync::Arc;

use super::args::{Common, DiffArguments, Gate};
use super::check::{Progress, as_of, bounds, distinct_outputs, finish, selection, watch_rules};
use super::place::{POLICIES, policies, repository};
use super::{Failure, baseline, output};
use crate::exit::Exit;
use crate::load::{Commit, CommitInfo, LoadError, Mounted, ObjectId, Repository, Root, Source};
use crate::report::Side;
use crate::run::{CheckRequest, DiffRequest, DiffSources, GateScope, JudgedBy, PolicyError, Relation, diff};

/// Commits between the sides that are looked through for rules over changes.
const MOST_COMMITS: usize = 10_000;

pub(super) fn run(arguments: &DiffArguments, common: &Common) -> Result<Exit, Failure> {
    distinct_outputs(&arguments.output)?;
    watch_rules();
    let start = Path::new(".");
    let repository = repository(start)?;
    let head_commit = repository.resolve(arguments.head.as_deref().unwrap_or("HEAD"))?.commit;
    let (name, commit) = base(&repository, arguments, head_commit)?;
    let id = commit.to_string();
    let open = |revision: &str| Commit::around(Arc::clone(&repository), revision, start);
    let base = open(&id)?;
    let base_policies = Mounted::new(Box::new(open(&id)?), POLICIES);
    let head = Head::open(&repository, arguments.head.as_deref(), start)?;
    let head_policies = Mounted::new(head.again(&repository, start)?, POLICIES);
    let (judged_by, elsewhere) = match arguments.policies.as_str() {
        "base" => (JudgedBy::Base, None),
        "head" => (JudgedBy::Head, None),
        "each" => (JudgedBy::Each, None),
        place => (JudgedBy::Base, Some(Mounted::new(policies(place, None)?, POLICIES))),
    };
    let clock = as_of(arguments.as_of.as_deref())?;
    let base_as_of = match &arguments.base_as_of {
        Some(text) => as_of(Some(text))?,
        None => clock.clone(),
    };
    let head_side = match &arguments.head {
        Some(revision) => Side { name: revision.clone(), commit: Some(head_commit.to_string()) },
        None => Side { name: "work tree".to_owned(), commit: None },
    };
    let sources = DiffSources {
        base: &base,
        head: head.source(),
        base_policies: &base_policies,
        head_policies: &head_policies,
        policies: elsewhere.as_ref().map(|source| (source as &dyn Source, Relation::Elsewhere)),
        names: (Side { name, commit: Some(id) }, head_side),
        commits: between(&repository, commit, head_commit)?,
    };
    let mut selection = selection(&arguments.selection);
    if let Some(file) = &arguments.findings.baseline {
        match baseline::of_base(file, &base, head.source(), elsewhere.is_some())? {
            Ok(choice) => selection.baseline = choice,
            Err(problems) => {
                output::problems_in(&mut |file| output::snippet(&base, None, file), &problems, common)?;
                return Ok(Exit::Problems);
            }
        }
    }
    let request = DiffRequest {
        check: CheckRequest {
            selection,
            limits: bounds(&arguments.limits),
            as_of: clock,
            fail_on: arguments.fail_on.map(super::args::FailOn::threshold),
            max: arguments.findings.max.iter().copied().collect(),
            owners: arguments.findings.owner.clone(),
            allow_empty: arguments.allow_empty,
            outputs: {
                let files = arguments.output.iter().filter_map(|output| output.file.clone());
                files.chain(output::job_summary_file()).collect()
            },
            threads: common.threads,
            ..CheckRequest::default()
        },
        base_as_of,
        judged_by,
        gate: match arguments.gate {
            Gate::New => GateScope::New,
            Gate::All => GateScope::All,
        },
        allow_gate_changes: arguments.allow_gate_changes,
    };
    let progress = Progress::new(common);
    let mut snippet = |file: &str| {
        if let Some(inner) = file.strip_prefix(POLICIES) {
            return output::snippet(&base, None, inner.trim_start_matches('/'));
        }
        output::snippet(head.source(), head.work_tree().map(|root| &*root.top), file)
    };
    let report = match diff(&sources, &request, &|done, total| progress.tell(done, total)) {
        Ok(report) => report,
        Err(PolicyError::Load(error)) => return Err(error.into()),
        Err(PolicyError::Configuration(problems)) => {
            progress.end();
            output::problems_in(&mut snippet, &problems, common)?;
            return Ok(Exit::Problems);
        }
    };
    progress.end();
    finish(&report, &arguments.output, arguments.findings.group_by, common, &mut snippet)
}

/// The version after.
enum Head {
    WorkTree(Root),
    Commit(Commit, String),
}

impl Head {
    fn open(repository: &Arc<Repository>, revision: Option<&str>, start: &Path) -> Result<Self, LoadError> {
        match revision {
            Some(revision) => {
                let commit = Commit::around(Arc::clone(repository), revision, start)?;
                Ok(Self::Commit(commit, revision.to_owned()))
            }
            None => Root::discover(start).map(Self::WorkTree),
        }
    }

    /// The same, to take policies from.
    fn again(&self, repository: &Arc<Repository>, start: &Path) -> Result<Box<dyn Source>, LoadError> {
        Ok(match self {
            Self::WorkTree(_) => Box::new(Root::discover(start)?),
            Self::Commit(_, revision) => Box::new(Commit::around(Arc::clone(repository), revision, start)?),
        })
    }

    fn source(&self) -> &dyn Source {
        match self {
            Self::WorkTree(root) => root,
            Self::Commit(commit, _) => commit,
        }
    }

    fn work_tree(&self) -> Option<&Root> {
        if let Self::WorkTree(root) = self { Some(root) } else { None }
    }
}

/// The version before: as it is named, what it and the head have in common after `...`, by default with the default
/// branch.
fn base(
    repository: &Repository,
    arguments: &DiffArguments,
    head: ObjectId,
) -> Result<(String, ObjectId), LoadError> {
    let (name, other) = if let Some(revision) = arguments.base.as_deref() {
        match revision.strip_suffix("...") {
            Some(branch) => (branch.to_owned(), repository.resolve(branch)?.commit),
            None => return Ok((revision.to_owned(), repository.resolve(revision)?.commit)),
        }
    } else {
        let branch = repository.default_branch()?;
        (branch.name, branch.revision.commit)
    };
    let common = repository.merge_base(other, head)?.ok_or_else(|| LoadError {
        message: format!("{name} and the version after have no commit in common"),
        help: Some("name the version before: assize diff BASE".to_owned()),
    })?;
    let name = if common == other { name } else { format!("{name}...") };
    Ok((name, common))
}

/// The commits after the base up to the head, oldest first, along first parents.
fn between(repository: &Repository, base: ObjectId, head: ObjectId) -> Result<Vec<CommitInfo>, LoadError> {
    let mut commits = Vec::new();
    if base == head {
        return Ok(commits);
    }
    // Where the base is not among them, they are those after what the two have in common.
    let end = repository.merge_base(base, head)?;
    for commit in repository.first_parents(head)?.take(MOST_COMMITS) {
        let commit = commit?;
        if Some(commit.revision.commit) == end {
            break;
        }
        commits.push(commit);
    }
    commits.reverse();
    Ok(commits)
}
