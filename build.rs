//! Lists the files of `policies/` and `schemas/` for embedding, so that no registry is kept by hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest as _, Sha256};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let mut code = String::new();
    // Tells one library from another: its files by path and content.
    let mut library = Sha256::new();
    for (name, folder) in [("POLICIES", "policies"), ("SCHEMAS", "schemas")] {
        let mut files = Vec::new();
        collect(&root.join(folder), &mut files)?;
        files.sort();
        for file in &files {
            let path = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().replace('\\', "/");
            // A checkout may have other ends of lines.
            #[expect(clippy::disallowed_methods, reason = "a build script has no `load`")]
            let text = fs::read_to_string(file)?.replace("\r\n", "\n");
            library.update(format!("{path}\0{}\0", text.len()));
            library.update(text);
        }
        let entries = files.iter().filter_map(|file| {
            let path = file.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
            Some(format!("    ({path:?}, include_str!({:?})),\n", file.to_str()?))
        });
        let entries: String = entries.collect();
        writeln!(code, "static {name}: &[(&str, &str)] = &[\n{entries}];").map_err(io::Error::other)?;
        println!("cargo::rerun-if-changed={folder}");
    }
    let digest: String = library.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=ASSIZE_LIBRARY_DIGEST={digest}");
    let target = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("embedded.rs");
    fs::write(target, code)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a build script has no `load`")]
    let entries = fs::read_dir(folder)?;
    for entry in entries {
        let path = entry?.path();
        let kept = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "json" || extension == "rego");
        if path.is_dir() {
            collect(&path, files)?;
        } else if kept {
            files.push(path);
        }
    }
    Ok(())
}
