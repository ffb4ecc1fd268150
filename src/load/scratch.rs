//! A file that nobody else sees, for what does not fit into memory.

use std::env;
use std::fs::File;
use std::io;
use std::path::Path;

/// Where files may be larger than memory, while `/tmp` often is memory (Filesystem Hierarchy Standard 3.0, 5.15).
const LARGE: &str = "/var/tmp";

/// Makes a file without a name, which is gone when the process ends: in the folder that `TMPDIR` names, else in one for large
/// files.
///
/// # Errors
/// Those of the file system.
pub fn scratch_file() -> io::Result<File> {
    let folder = env::temp_dir();
    if folder == Path::new("/tmp")
        && let Ok(file) = tempfile::tempfile_in(LARGE)
    {
        return Ok(file);
    }
    tempfile::tempfile_in(folder)
}
