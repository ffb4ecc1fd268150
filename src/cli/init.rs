//! `assize init`: a small estate to begin with, the one of `examples/start/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::InitArguments;
use super::{Failure, output};
use crate::exit::Exit;
use crate::policy::builtin_schema;

/// A file of the example: its path, its text, and the schema that an editor should know for it.
struct Template {
    path: &'static str,
    text: &'static str,
    schema: Option<&'static str>,
}

macro_rules! template {
    ($path:literal, $schema:expr) => {
        Template { path: $path, text: include_str!(concat!("../../examples/start/", $path)), schema: $schema }
    };
}

/// What is written, beside the schemas that it names. One rule of each form.
const TEMPLATES: &[Template] = &[
    template!("assize.yaml", Some("assize")),
    template!("estate/shop.yaml", Some("resource")),
    template!("estate/teams.yaml", Some("resource")),
    template!("policies/live-application-on-test-store.yaml", Some("Rule")),
    template!("policies/store-of-several-teams.yaml", Some("Rule")),
    template!("policies/team-without-contact.yaml", Some("Rule")),
];

pub(super) fn run(arguments: &InitArguments) -> Result<Exit, Failure> {
    let folder = &arguments.folder;
    let files = files();
    let existing: Vec<&str> = files
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| {
            let path = folder.join(path);
            let is_blocked = path.ancestors().skip(1).any(|above| above.exists() && !above.is_dir());
            is_blocked || path.symlink_metadata().is_ok()
        })
        .collect();
    if !existing.is_empty() {
        return Err(Failure::Plain(format!(
            "{} {} already, and nothing was written; name an empty folder: assize init <DIR>",
            existing.join(", "),
            if existing.len() == 1 { "exists" } else { "exist" },
        )));
    }
    let paths: Vec<PathBuf> = files.iter().map(|(path, _)| folder.join(path)).collect();
    for folder in paths.iter().filter_map(|path| path.parent()) {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::Plain(format!("cannot write: {}: {error}", folder.display())))?;
    }
    output::to_files(&paths, &mut |at, out| {
        files.get(at).map_or(Ok(()), |(_, text)| out.write_all(text.as_bytes()))
    })?;
    let mut text = String::new();
    for (path, _) in &files {
        text.push_str(&format!("wrote {}\n", folder.join(path).display()));
    }
    text.push_str(&next_steps(folder));
    output::to_stdout(crate::report::for_terminal(&text).as_bytes())?;
    Ok(Exit::Clean)
}

/// Paths and texts, schemas included.
fn files() -> Vec<(String, String)> {
    let mut schemas: Vec<&str> = TEMPLATES.iter().filter_map(|template| template.schema).collect();
    schemas.sort_unstable();
    schemas.dedup();
    let schema_file = |name: &str| format!("schemas/{name}.schema.json");
    let templates = TEMPLATES.iter().map(|template| {
        let line = template.schema.map_or_else(String::new, |name| {
            let up = "../".repeat(template.path.matches('/').count());
            format!("# yaml-language-server: $schema={up}{}\n", schema_file(name))
        });
        (template.path.to_owned(), format!("{line}{}", template.text))
    });
    let schemas = schemas
        .into_iter()
        .filter_map(|name| builtin_schema(name).map(|text| (schema_file(name), text.to_owned())));
    templates.chain(schemas).collect()
}

fn next_steps(folder: &Path) -> String {
    let enter = if folder == Path::new(".") { String::new() } else { format!("  cd {}\n", folder.display()) };
    format!(
        "
A small shop, described in estate/, and three rules of its own in policies/. One thing is wrong with it on purpose.

Next:
{enter}  assize check                finds it: exit code 1
  assize test policies        runs the examples of your rules
  assize explain DataStore    lists what a kind can say
  assize list frameworks      shows what the library knows; name yours in assize.yaml to run its rules

schemas/ is for editors; `assize schema resource > schemas/resource.schema.json` brings a newer one, with your own kinds.
"
    )
}
