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
    println!("cargo::rustc-env=ASSIZE_BUILD_DIGEST={}", build_digest(&root, &digest)?);
    let target = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("embedded.rs");
    fs::write(target, code)
}

/// Tells one build of the program from another, whatever version it says it has: what it is made of.
fn build_digest(root: &Path, library: &str) -> io::Result<String> {
    let mut files = vec![root.join("Cargo.lock"), root.join("Cargo.toml")];
    collect(&root.join("src"), &mut files)?;
    files.sort();
    let mut hasher = Sha256::new();
    hasher.update(library);
    for file in &files {
        let path = file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        #[expect(clippy::disallowed_methods, reason = "a build script has no `load`")]
        let text = fs::read(file)?;
        hasher.update(format!("{path}\0{}\0", text.len()));
        hasher.update(text);
    }
    for path in ["src", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={path}");
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a build script has no `load`")]
    let entries = fs::read_dir(folder)?;
    for entry in entries {
        let path = entry?.path();
        let kept = path
            .extension()
            .is_some_and(|extension| ["yaml", "json", "rego", "rs"].iter().any(|known| extension == *known));
        if path.is_dir() {
            collect(&path, files)?;
        } else if kept {
            files.push(path);
        }
    }
    Ok(())
}
