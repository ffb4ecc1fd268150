//! What compiling a text finds out about it, kept so that the same text need not be looked through again.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use serde_json::Value as Json;

use super::{DENY, Engine, Library, POLICIES, Policy, Uses, direct, function, guard, module, watch};

/// What is known of a text that was compiled before: it is allowed, and whatever it names is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Its package, without `data`.
    pub package: String,
    /// The functions that the program answers.
    pub answered: Vec<String>,
    /// The files of the libraries that it needs.
    pub libraries: Vec<String>,
    /// What is put into the text, and into those of its libraries, for the machine: where, and what. None: it runs on
    /// the interpreter.
    pub guards: Option<Vec<Vec<(u32, String)>>>,
}

impl Policy {
    /// What is known now that the text is compiled.
    pub fn prepared(&self) -> Option<Prepared> {
        let guards = match self.engine() {
            Engine::Interpreter => None,
            Engine::Machine(_) => {
                let texts = std::iter::once(("rule", self.text.as_str()));
                let texts =
                    texts.chain(self.libraries.iter().map(|library| (&*library.file, &*library.text)));
                let guards = texts.map(|(file, text)| guard::guards(&module::parse(file, text).ok()?));
                Some(guards.collect::<Option<_>>()?)
            }
        };
        Some(Prepared {
            package: self.entry.strip_prefix("data.")?.strip_suffix(DENY)?.strip_suffix('.')?.to_owned(),
            answered: self.answered.keys().map(|name| (*name).to_owned()).collect(),
            libraries: self.libraries.iter().map(|library| library.file.to_string()).collect(),
            guards,
        })
    }

    /// Compiles the text of the rule `name` once more, of which all this is known. None if anything is not as it was;
    /// [`Policy::compile`] then says what.
    pub fn compile_prepared(
        name: &str,
        text: &str,
        libraries: &[Library],
        params: &BTreeMap<String, Json>,
        uses: &Uses,
        prepared: &Prepared,
    ) -> Option<Self> {
        let (text, added_lines) = module::with_package(text);
        let find =
            |file: &String| libraries.iter().find(|library| library.is_builtin && *library.file == **file);
        let libraries: Vec<Library> =
            prepared.libraries.iter().map(|file| find(file).cloned()).collect::<Option<_>>()?;
        let guarded = match &prepared.guards {
            None => None,
            Some(guards) if guards.len() == libraries.len() + 1 => {
                let texts =
                    std::iter::once(text.as_str()).chain(libraries.iter().map(|library| &*library.text));
                Some(
                    texts
                        .zip(guards)
                        .map(|(text, guards)| guard::put_in(text, guards))
                        .collect::<Option<_>>()?,
                )
            }
            Some(_) => return None,
        };
        let parsed = libraries.iter().map(|library| module::parse(&library.file, &library.text).ok());
        let modules: Vec<_> =
            std::iter::once(module::parse(name, &text).ok()).chain(parsed).collect::<Option<_>>()?;
        let mut policy = Self {
            uses: uses.clone(),
            text,
            guarded,
            added_lines,
            libraries,
            entry: format!("data.{}.{DENY}", prepared.package),
            params: params.clone(),
            answered: prepared
                .answered
                .iter()
                .map(|name| function::answering(name))
                .collect::<Option<_>>()?,
            engine: OnceLock::new(),
            program: None,
            number: POLICIES.fetch_add(1, Ordering::Relaxed) + 1,
        };
        policy.program = direct::compile(&modules, &policy);
        watch::register(policy.number, name);
        Some(policy)
    }
}
