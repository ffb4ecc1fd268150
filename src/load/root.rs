//! Where a run stands: the top of the repository, and the folder of `assize.yaml` in it.

use std::path::{Component, Path, PathBuf};

use super::repository::Repository;

/// The name of the configuration.
pub const CONFIG_FILE: &str = "assize.yaml";

/// Why a run cannot begin.
#[derive(Debug, PartialEq, Eq)]
pub struct LoadError {
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// How to repair it.
    pub help: Option<String>,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

/// The place of a run.
pub struct Root {
    /// The top of the repository, or the folder itself outside of one; absolute. Paths in reports start here.
    pub top: PathBuf,
    /// The folder of the configuration, from `top`, with `/`; empty if it is `top`. Globs start here.
    pub base: String,
    /// The configuration, from `top`, if there is one.
    pub config: Option<String>,
    pub(super) repository: Option<Repository>,
}

impl std::fmt::Debug for Root {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let has_repository = self.repository.is_some();
        formatter
            .debug_struct("Root")
            .field("top", &self.top)
            .field("base", &self.base)
            .field("config", &self.config)
            .field("repository", &has_repository)
            .finish()
    }
}

impl Root {
    /// Finds the root for a file or folder: git's work tree around it, and `assize.yaml` by walking up, no
    /// further than the work tree. Without either it is the current folder if that holds what is meant, else the
    /// folder itself.
    ///
    /// # Errors
    /// A path that does not exist, a repository that git would not open, a bare one.
    pub fn discover(start: &Path) -> Result<Self, LoadError> {
        let absolute = start.canonicalize().map_err(|error| LoadError {
            message: format!("cannot open {}: {error}", start.display()),
            help: None,
        })?;
        let folder =
            if absolute.is_dir() { absolute } else { absolute.parent().unwrap_or(&absolute).to_owned() };
        let repository = Repository::discover(&folder)?;
        let work_tree = match &repository {
            Some(repository) => {
                let top = repository.top().ok_or_else(|| LoadError {
                    message: format!(
                        "{} is a bare repository, which has no work tree",
                        repository.data().display()
                    ),
                    help: Some("name a commit: --rev HEAD".to_owned()),
                })?;
                // `.git` itself lies within no work tree.
                folder.starts_with(top).then(|| top.to_owned())
            }
            None => None,
        };
        let config_folder = folder
            .ancestors()
            .take_while(|ancestor| work_tree.as_deref().is_none_or(|top| ancestor.starts_with(top)))
            .find(|ancestor| ancestor.join(CONFIG_FILE).is_file());
        // Where nothing marks a root, it is the folder that one stands in, if what is meant lies below.
        let home = Path::new(".").canonicalize().ok().filter(|home| folder.starts_with(home));
        let unmarked = home.as_deref().unwrap_or(&folder);
        let base_folder = config_folder.or(work_tree.as_deref()).unwrap_or(unmarked);
        let top = work_tree.as_deref().unwrap_or(base_folder);
        let base = relative(top, base_folder).ok_or_else(|| LoadError {
            message: format!("{} is not a UTF-8 path", base_folder.display()),
            help: Some("rename the folder".to_owned()),
        })?;
        let config = config_folder.map(|_| join(&base, CONFIG_FILE));
        Ok(Self { top: top.to_owned(), base, config, repository: repository.filter(|_| work_tree.is_some()) })
    }

    /// This very folder, whether or not anything marks it as a root: for policies that come from elsewhere. Paths
    /// start at the top of the repository around it, if there is one.
    ///
    /// # Errors
    /// A path that is no folder, a repository around it that git would not open.
    pub fn at(folder: &Path) -> Result<Self, LoadError> {
        let failure = |reason: String| LoadError {
            message: format!("cannot open {}: {reason}", folder.display()),
            help: None,
        };
        let base = folder.canonicalize().map_err(|error| failure(error.to_string()))?;
        if !base.is_dir() {
            return Err(failure("it is no folder".to_owned()));
        }
        let repository = Repository::discover(&base)?;
        let top = repository.as_ref().and_then(Repository::top).filter(|top| base.starts_with(top));
        let top = top.unwrap_or(&base).to_owned();
        let inner = relative(&top, &base).ok_or_else(|| failure("it is not a UTF-8 path".to_owned()))?;
        let config = base.join(CONFIG_FILE).is_file().then(|| join(&inner, CONFIG_FILE));
        let repository = repository.filter(|repository| repository.top() == Some(&top));
        Ok(Self { top, base: inner, config, repository })
    }

    /// A path on disk as a path from the top, with `/`; none if it lies outside or is not UTF-8. Symbolic links
    /// in it are resolved, so none leads out.
    pub fn relative(&self, path: &Path) -> Option<String> {
        relative(&self.top, &path.canonicalize().ok()?)
    }
}

/// Joins two paths with `/`; either may be empty.
pub(super) fn join(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

pub(super) fn relative(top: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(top).ok()?.components().map(|component| match component {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}
