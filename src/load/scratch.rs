//! A file that nobody else sees, for what does not fit into memory.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes a file without a name in a folder, which is gone when the process ends.
///
/// # Errors
/// Those of the file system.
pub fn scratch_file(folder: &Path) -> io::Result<File> {
    tempfile::tempfile_in(folder)
}
