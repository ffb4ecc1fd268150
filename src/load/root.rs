//! Where a run stands: the top of the repository, and the folder of `assize.yaml` in it.

use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

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
    /// Behind a lock, since libgit2's handle is not for several threads at once.
    pub(super) repository: Option<Mutex<Repository>>,
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
        let repository = open_repository(&folder)?;
        let work_tree = match &repository {
            Some(repository) => {
                let work_tree = repository.workdir().ok_or_else(|| LoadError {
                    message: format!(
                        "{} is a bare repository, which has no work tree",
                        repository.path().display()
                    ),
                    help: Some("run it in a clone with a work tree".to_owned()),
                })?;
                let canonical = work_tree.canonicalize().map_err(|error| LoadError {
                    message: format!("cannot open {}: {error}", work_tree.display()),
                    help: None,
                })?;
                // `.git` itself lies within no work tree.
                folder.starts_with(&canonical).then_some(canonical)
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
        Ok(Self {
            top: top.to_owned(),
            base,
            config,
            repository: repository.filter(|_| work_tree.is_some()).map(Mutex::new),
        })
    }

    /// A path on disk as a path from the top, with `/`; none if it lies outside or is not UTF-8. Symbolic links
    /// in it are resolved, so none leads out.
    pub fn relative(&self, path: &Path) -> Option<String> {
        relative(&self.top, &path.canonicalize().ok()?)
    }

    /// A path from the top as a path from the folder of the configuration; none if it lies outside.
    pub fn from_base<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.base.is_empty() {
            return Some(path);
        }
        path.strip_prefix(&self.base)?.strip_prefix('/')
    }

    /// A path from the folder of the configuration as a path from the top.
    pub fn below_base(&self, path: &str) -> String {
        join(&self.base, path)
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

fn open_repository(folder: &Path) -> Result<Option<Repository>, LoadError> {
    match Repository::open_ext(folder, RepositoryOpenFlags::CROSS_FS, std::iter::empty::<&Path>()) {
        Ok(repository) => Ok(Some(repository)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) if error.code() == ErrorCode::Owner => Err(LoadError {
            message: format!("the repository around {} belongs to somebody else", folder.display()),
            help: Some(format!(
                "if you trust it: git config --global --add safe.directory {}",
                folder.display()
            )),
        }),
        Err(error) => Err(LoadError {
            message: format!("cannot open the repository around {}: {}", folder.display(), error.message()),
            help: None,
        }),
    }
}
