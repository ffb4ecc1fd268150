//! Lists the files of `policies/` and `schemas/` for embedding, so that no registry is kept by hand, and takes from the
//! pack (`src/policy/library.json`) what still holds of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest as _, Sha256};

/// The pack, as `src/policy/pack.rs` writes it: a line a rule or library of Rego.
const PACK: &str = "src/policy/library.json";

/// Where the frameworks are.
const FRAMEWORKS: &str = "policies/frameworks/";

/// A file as it is embedded.
struct Embedded {
    /// Where it stands.
    file: String,
    /// Its path in the project.
    path: String,
    /// Its text; a checkout may have other ends of lines.
    text: String,
    /// How much of it a run needs.
    head: usize,
}

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let policies = read(&root, "policies")?;
    let schemas = read(&root, "schemas")?;
    // Tells one library from another: its files by path and content.
    let mut library = Sha256::new();
    for Embedded { path, text, .. } in policies.iter().chain(&schemas) {
        library.update(format!("{path}\0{}\0", text.len()));
        library.update(text);
    }
    let library = hex(&library.finalize());
    println!("cargo::rustc-env=ASSIZE_LIBRARY_DIGEST={library}");
    println!("cargo::rustc-env=ASSIZE_BUILD_DIGEST={}", build_digest(&root, &library)?);
    let mut code = String::from("static POLICIES: &[BuiltinPolicy] = &[\n");
    let digests: BTreeMap<&str, String> =
        policies.iter().map(|each| (each.path.as_str(), digest([head_of(each)]))).collect();
    for each in &policies {
        let Embedded { file, path, head, .. } = each;
        let digest = digests.get(path.as_str()).map_or("", String::as_str);
        code += &format!(
            "    BuiltinPolicy {{ path: {path:?}, text: include_str!({file:?}), head: {head}, digest: {digest:?} }},\n"
        );
    }
    code += "];\nstatic SCHEMAS: &[(&str, &str)] = &[\n";
    for Embedded { file, path, .. } in &schemas {
        code += &format!("    ({path:?}, include_str!({file:?})),\n");
    }
    code += "];\n";
    let surroundings = surroundings(&policies, &schemas);
    writeln!(code, "const SURROUNDINGS: &str = {surroundings:?};").map_err(io::Error::other)?;
    pack(&root, &digests, &surroundings, &mut code)?;
    let target = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("embedded.rs");
    fs::write(target, code)
}

fn read(root: &Path, folder: &str) -> io::Result<Vec<Embedded>> {
    let mut files = Vec::new();
    collect(&root.join(folder), &mut files)?;
    files.sort();
    println!("cargo::rerun-if-changed={folder}");
    let read = |file: PathBuf| {
        let path = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        #[expect(clippy::disallowed_methods, reason = "a build script has no `load`")]
        let text = fs::read_to_string(&file)?;
        let head = without_examples(&text).len();
        let file = file.into_os_string().into_string();
        let file = file.map_err(|_| io::Error::other("the project should stand at a path in UTF-8"))?;
        Ok(Embedded { head, path, text: text.replace("\r\n", "\n"), file })
    };
    files.into_iter().map(read).collect()
}

/// The text of a rule up to its examples, which stand last and are most of it: what a run needs. A file that is
/// written otherwise is taken whole.
fn without_examples(text: &str) -> &str {
    const EXAMPLES: &str = "\n  examples:\n";
    let Some((before, after)) = text.split_once(EXAMPLES) else { return text };
    // Another key of `spec`, or another document, would be lost.
    let is_last =
        after.lines().all(|line| line.is_empty() || line.starts_with("  -") || line.starts_with("   "));
    if is_last { before } else { text }
}

fn head_of(file: &Embedded) -> &str {
    file.text.get(..file.head).unwrap_or(&file.text)
}

/// What the answers for one rule depend on besides its own file: all texts of Rego, what can be cited, and the schemas
/// of all kinds.
fn surroundings(policies: &[Embedded], schemas: &[Embedded]) -> String {
    let is_shared = |each: &&Embedded| is(Path::new(&each.path), "rego") || each.path.starts_with(FRAMEWORKS);
    let shared = policies.iter().filter(is_shared);
    let kinds = schemas.iter().filter(|each| each.path.starts_with("schemas/kinds/"));
    digest(shared.chain(kinds).flat_map(|each| [each.path.as_str(), each.text.as_str()]))
}

/// Writes down what of the pack was worked out from the files as they are now. The rest is left out: what is not in
/// the program's pack is worked out when it runs.
fn pack(
    root: &Path,
    digests: &BTreeMap<&str, String>,
    surroundings: &str,
    code: &mut String,
) -> io::Result<()> {
    println!("cargo::rerun-if-changed={PACK}");
    #[expect(clippy::disallowed_methods, reason = "a build script has no `load`")]
    let text = fs::read_to_string(root.join(PACK)).unwrap_or_default();
    let mut lines = text.lines();
    let is_current = lines.next() == Some(&format!("{{\"surroundings\": {surroundings:?}, \"entries\": ["));
    let mut entries = BTreeMap::new();
    for line in lines.filter(|_| is_current) {
        // ["policies/x.yaml", "digest", "name", {…}],
        let Some(line) =
            line.trim_end_matches(',').strip_prefix("[\"").and_then(|line| line.strip_suffix(']'))
        else {
            continue;
        };
        let mut parts = line.splitn(4, "\", ");
        let (Some(path), Some(digest), Some(name), Some(packed)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let known = digests.get(path).map(String::as_str);
        if known == digest.strip_prefix('"') {
            entries.insert(name.trim_start_matches('"'), packed);
        }
    }
    *code += "static PACK: &[(&str, &str)] = &[\n";
    for (name, packed) in entries {
        writeln!(code, "    ({name:?}, {packed:?}),").map_err(io::Error::other)?;
    }
    *code += "];\n";
    Ok(())
}

/// Of texts one after the other, each with its length.
fn digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hex(hasher.finalize().get(..16).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    Ok(hex(&hasher.finalize()))
}

fn is(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == wanted)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a build script has no `load`")]
    let entries = fs::read_dir(folder)?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if ["yaml", "json", "rego", "rs"].iter().any(|kept| is(&path, kept)) {
            files.push(path);
        }
    }
    Ok(())
}
