//! Opens what a run reads from: the estate, and the policies if they come from elsewhere.

use std::path::Path;
use std::sync::Arc;

use super::args::OriginArguments;
use super::{Failure, output};
use crate::load::{Commit, LoadError, Mounted, Repository, Root, Source};
use crate::run::{Relation, Sources};

/// The folder under which reports name the files of policies that come from elsewhere. No path of an estate begins so.
pub(super) const POLICIES: &str = "policies:";

/// The places of a run.
pub(super) struct Place {
    estate: Estate,
    policies: Option<(Mounted, Relation)>,
}

enum Estate {
    WorkTree(Root),
    Commit(Commit),
}

impl Estate {
    fn source(&self) -> &dyn Source {
        match self {
            Self::WorkTree(root) => root,
            Self::Commit(commit) => commit,
        }
    }
}

impl Place {
    /// Opens them. `start` is what the command line names first, or the current folder.
    pub(super) fn open(origin: &OriginArguments, start: &Path) -> Result<Self, Failure> {
        let estate = match &origin.rev {
            Some(revision) => Estate::Commit(Commit::around(repository(start)?, revision, start)?),
            None => Estate::WorkTree(Root::discover(start)?),
        };
        let policies = match (&origin.policies, &origin.policies_rev) {
            (Some(place), revision) => {
                let source = policies(place, revision.as_deref())?;
                Some((Mounted::new(source, POLICIES), Relation::Elsewhere))
            }
            (None, Some(revision)) => {
                let commit = Commit::around(repository(start)?, revision, start)?;
                Some((Mounted::new(Box::new(commit), POLICIES), Relation::SameRepository))
            }
            (None, None) => None,
        };
        Ok(Self { estate, policies })
    }

    /// The work tree, if that is what is judged.
    pub(super) fn work_tree(&self) -> Option<&Root> {
        match &self.estate {
            Estate::WorkTree(root) => Some(root),
            Estate::Commit(_) => None,
        }
    }

    /// For the run.
    pub(super) fn sources(&self) -> Sources<'_> {
        let policies = self.policies.as_ref();
        let policies = policies.map(|(source, relation)| (source as &dyn Source, *relation));
        Sources { estate: self.estate.source(), policies }
    }

    /// The text of a file, and its absolute path if it has one.
    pub(super) fn snippet(&self, file: &str) -> Option<(String, String)> {
        let policies = self.policies.as_ref().filter(|_| file.starts_with(POLICIES));
        match policies {
            Some((source, _)) => output::snippet(source, None, file),
            None => output::snippet(self.estate.source(), self.work_tree().map(|root| &*root.top), file),
        }
    }
}

pub(super) fn repository(start: &Path) -> Result<Arc<Repository>, Failure> {
    let folder = super::check::existing_folder(start);
    let repository = Repository::discover(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned()))?;
    let repository = repository.ok_or_else(|| LoadError {
        message: format!("there is no repository around {}", folder.display()),
        help: Some("a revision is read from git; without one, a folder is enough".to_owned()),
    });
    Ok(Arc::new(repository?))
}

/// `FOLDER`, or `REPOSITORY@REV`; a path that exists is meant as it stands, also with an `@` in it.
pub(super) fn policies(place: &str, revision: Option<&str>) -> Result<Box<dyn Source>, Failure> {
    let mut path = Path::new(place);
    let mut revision = revision;
    if !path.exists() {
        let split = || place.match_indices('@').map(|(at, _)| place.split_at(at));
        let is_folder = |(folder, _): &(&str, &str)| Path::new(folder).is_dir();
        // A folder of a commit need not be in the work tree, and in a bare repository it never is.
        let could_be = |(folder, _): &(&str, &str)| {
            let there = super::check::existing_folder(Path::new(folder));
            there != Path::new(".") && there != Path::new("/") && repository(there).is_ok()
        };
        let Some((folder, rest)) = split().find(is_folder).or_else(|| split().find(could_be)) else {
            return Err(Failure::Load(LoadError {
                message: format!("--policies {place}: there is no such folder"),
                help: Some(
                    "name a folder or a clone on this machine; FOLDER@REV names a commit of it".to_owned(),
                ),
            }));
        };
        let named = rest.strip_prefix('@').unwrap_or(rest);
        if named.is_empty() {
            return Err(Failure::Plain(format!("--policies {place}: no revision stands after the @")));
        }
        if revision.is_some() {
            return Err(Failure::Plain(
                "--policies names a revision with @, and --policies-rev another; give one".to_owned(),
            ));
        }
        path = Path::new(folder);
        revision = Some(named);
    }
    match revision {
        Some(revision) => Ok(Box::new(Commit::at(repository(path)?, revision, path)?)),
        None => match Repository::discover(path)? {
            Some(repository) if repository.top().is_none() => Err(Failure::Load(LoadError {
                message: format!("--policies {place} is a bare repository, which has no work tree"),
                help: Some(format!("name a commit: --policies {place}@HEAD")),
            })),
            _ => Ok(Box::new(Root::at(path)?)),
        },
    }
}
