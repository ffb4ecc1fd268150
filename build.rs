//! Lists the files of `policies/` and `schemas/` for embedding, so that no registry is kept by hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let mut code = String::new();
    for (name, folder) in [("POLICIES", "policies"), ("SCHEMAS", "schemas")] {
        let mut files = Vec::new();
        collect(&root.join(folder), &mut files)?;
        files.sort();
        let entries = files.iter().filter_map(|file| {
            let path = file.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
            Some(format!("    ({path:?}, include_str!({:?})),\n", file.to_str()?))
        });
        let entries: String = entries.collect();
        writeln!(code, "static {name}: &[(&str, &str)] = &[\n{entries}];").map_err(io::Error::other)?;
        println!("cargo::rerun-if-changed={folder}");
    }
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
