//! Rego: the home of the `regorus` crate.
//!
//! Input: the text of a rule, its libraries, and what they may name; then documents and a [`World`]. Output: a
//! [`Policy`], what it reads, and what it denies. What it does not do: it fetches nothing, and it knows neither rules
//! nor kinds, only the names that it is given.
//!
//! Each evaluation is bounded in steps and in memory, and each thread has its own compiled copy of a policy.

mod definition;
mod direct;
mod function;
mod guard;
mod machine;
mod module;
mod prepared;
mod reads;
mod uses;
mod value;
mod watch;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use regorus::rvm::program::Program;
use serde_json::Value as Json;

pub use machine::{Denial, Document, EvaluationError, Judged};
pub use module::TextMutant;
pub use prepared::Prepared;
pub use uses::{Entries, FindMissing, MissingField, Names, Step, Surroundings, Uses};
pub use watch::Watch;
pub use world::World;

use self::module::Parsed;

/// What is wrong with a text of Rego.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegoError {
    /// Line in the text, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// How to repair it, where that is known.
    pub help: Option<String>,
}

impl RegoError {
    fn at_start(message: String) -> Self {
        Self { line: 1, column: 1, message, help: None }
    }

    fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// From an error of regorus: a place, a snippet, and the words after `error: `.
    fn from_text(text: &str) -> Self {
        let place = text.lines().find_map(|line| {
            let mut parts = line.trim_start().strip_prefix("-->")?.rsplitn(3, ':');
            let column = parts.next()?.trim().parse().ok()?;
            let line = parts.next()?.trim().parse().ok()?;
            Some((line, column))
        });
        let message = text.rsplit_once("error: ").map_or(text, |(_, message)| message);
        let (line, column) = place.unwrap_or((1, 1));
        Self { line, column, message: message.trim().to_owned(), help: None }
    }

    /// The same error in the text as it was before lines were added to it.
    fn without(self, added: u32) -> Self {
        Self { line: self.line.saturating_sub(added).max(1), ..self }
    }
}

/// A text that rules may import.
#[derive(Clone, Debug)]
pub struct Library {
    /// Its file.
    pub file: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
    /// Its package, without `data`.
    pub package: String,
    /// Whether it is part of the built-in library.
    pub is_builtin: bool,
    has_deny: bool,
}

impl Library {
    /// Reads a library.
    ///
    /// # Errors
    /// What keeps it from being parsed, and what is refused in it.
    pub fn read(file: &Arc<str>, text: &Arc<str>, is_builtin: bool) -> Result<Self, Vec<RegoError>> {
        let parsed = module::parse(file, text).map_err(|error| vec![error])?;
        let refusals = module::refusals(&parsed.module);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let has_deny = definition::defines(&parsed.module, DENY);
        let (file, text) = (Arc::clone(file), Arc::clone(text));
        Ok(Self { file, text, package: parsed.package, is_builtin, has_deny })
    }

    /// One of the built-in library, whose package is known and in which nothing is wrong.
    pub fn known(file: &Arc<str>, text: &Arc<str>, package: &str) -> Self {
        let (file, text) = (Arc::clone(file), Arc::clone(text));
        Self { file, text, package: package.to_owned(), is_builtin: true, has_deny: false }
    }

    /// Whether it defines what only rules should.
    pub fn has_deny(&self) -> bool {
        self.has_deny
    }
}

/// The set that a rule defines.
const DENY: &str = "deny";

/// What a policy runs on.
#[derive(Debug)]
enum Engine {
    /// The virtual machine, with a program for all threads.
    Machine(Arc<Program>),
    /// The interpreter, for what the machine has not learnt: `with` and `walk`.
    Interpreter,
}

/// A rule's text, checked and ready to be evaluated in any thread.
#[derive(Debug)]
pub struct Policy {
    /// What it asks of its surroundings.
    pub uses: Uses,
    text: String,
    /// The texts for the machine, of the rule and its libraries; none if it cannot be trusted with them.
    guarded: Option<Vec<String>>,
    added_lines: u32,
    libraries: Vec<Library>,
    entry: String,
    params: BTreeMap<String, Json>,
    answered: BTreeMap<&'static str, usize>,
    /// Compiled at once where nothing is known of the text, else when the program cannot tell something.
    engine: OnceLock<Engine>,
    /// The text as a program of its own, for what that can tell without an engine.
    program: Option<direct::Program>,
    number: u64,
}

static POLICIES: AtomicU64 = AtomicU64::new(0);

/// For each line of a text that can be executed, how many evaluations have.
pub type Coverage = BTreeMap<u32, u64>;

impl Policy {
    /// What a text reads, without a look at whether it could be used; nothing if it cannot be parsed, and then it is
    /// not used.
    pub fn uses(text: &str, libraries: &[Library], surroundings: &Surroundings<'_>) -> Uses {
        match parse_all(text, libraries) {
            Ok((modules, _)) => reads::analyse(&modules, surroundings).0,
            Err(_) => Uses::default(),
        }
    }

    /// What it runs on where its own program cannot tell.
    fn engine(&self) -> &Engine {
        self.engine.get_or_init(|| match self.guarded {
            // A text of which this is known could be compiled when the library was packed.
            Some(_) => machine::engine_for(self).unwrap_or(Engine::Interpreter),
            None => Engine::Interpreter,
        })
    }

    /// Compiles the text of the rule `name`.
    ///
    /// # Errors
    /// All that is wrong with it, by line; what is wrong in a library is told where that is read.
    pub fn compile(
        name: &str,
        text: &str,
        libraries: &[Library],
        params: &BTreeMap<String, Json>,
        asked: &Asked<'_, '_>,
    ) -> Result<Self, Vec<RegoError>> {
        let (modules, added) = parse_all(text, libraries).map_err(|error| vec![error])?;
        let Some(main) = modules.first() else { return Err(Vec::new()) };
        let mut errors = module::refusals(&main.module);
        errors.extend(denies(main));
        errors.extend(definition::recursions(&modules));
        let uses = match asked {
            Asked::Known(uses) => (*uses).clone(),
            Asked::Unknown(surroundings) => {
                let (uses, unknown) = reads::analyse(&modules, surroundings);
                errors.extend(unknown);
                uses
            }
        };
        let parsed: Vec<_> = modules.iter().map(|parsed| &parsed.module).collect();
        let answered = function::answered(&parsed);
        let entry = format!("data.{}.{DENY}", main.package);
        let (text, added_lines) = module::with_package(text);
        let libraries: Vec<Library> =
            libraries.iter().filter(|library| is_needed(library, &modules)).cloned().collect();
        let parsed = libraries.iter().map(|library| module::parse(&library.file, &library.text).ok());
        let guarded = std::iter::once(guard::guarded(main))
            .chain(parsed.map(|parsed| parsed.and_then(|parsed| guard::guarded(&parsed))))
            .collect();
        let mut policy = Self {
            uses,
            text,
            guarded,
            added_lines,
            libraries,
            entry,
            params: params.clone(),
            answered,
            engine: OnceLock::new(),
            program: None,
            number: POLICIES.fetch_add(1, Ordering::Relaxed) + 1,
        };
        if errors.is_empty() {
            match machine::engine_for(&policy) {
                Ok(engine) => drop(policy.engine.set(engine)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            policy.program = direct::compile(&modules, &policy);
            watch::register(policy.number, name);
            return Ok(policy);
        }
        errors.sort();
        errors.dedup();
        Err(errors.into_iter().map(|error| error.without(added)).collect())
    }
}

/// The libraries that a text names, those that they name, and so on: all that it can depend on.
pub fn texts_behind<'l>(text: &str, libraries: &'l [Library]) -> Vec<&'l Library> {
    let mut behind: Vec<&Library> = Vec::new();
    loop {
        let more = libraries.iter().find(|library| {
            let path = format!("data.{}", library.package);
            !behind.iter().any(|known| known.file == library.file)
                && (text.contains(&path) || behind.iter().any(|known| known.text.contains(&path)))
        });
        let Some(library) = more else { return behind };
        behind.push(library);
    }
}

/// What is known of a text before it is compiled.
#[derive(Debug)]
pub enum Asked<'a, 'k> {
    /// What it asks of its surroundings: it was followed through, and nothing was wrong.
    Known(&'a Uses),
    /// Nothing but what it may name.
    Unknown(&'a Surroundings<'k>),
}

/// The text of a rule and those of all libraries, parsed; the first is the rule's own.
fn parse_all(text: &str, libraries: &[Library]) -> Result<(Vec<Parsed>, u32), RegoError> {
    let (text, added) = module::with_package(text);
    let main = module::parse("rule", &text).map_err(|error| error.without(added))?;
    let mut modules = vec![main];
    // Libraries were parsed when they were read; what a rule does not import cannot change what it reads.
    let mut wanted: Vec<&Library> = Vec::new();
    loop {
        let more = libraries.iter().find(|library| {
            !wanted.iter().any(|known| known.file == library.file) && is_needed(library, &modules)
        });
        let Some(library) = more else { break };
        wanted.push(library);
        modules.extend(module::parse(&library.file, &library.text));
    }
    Ok((modules, added))
}

/// Whether a text names the package of a library.
fn is_needed(library: &Library, modules: &[Parsed]) -> bool {
    let path = format!("data.{}", library.package);
    modules.iter().any(|parsed| {
        let source = parsed.module.package.span.source.get_contents();
        source.contains(&path) && parsed.package != library.package
    })
}

/// A rule must say what it denies, as a set.
fn denies(parsed: &Parsed) -> Option<RegoError> {
    use regorus::unstable::{Rule, RuleHead};
    let heads = parsed.module.policy.iter().filter_map(|rule| match rule.as_ref() {
        Rule::Spec { head, span, .. } => {
            let (refr, is_set) = match head {
                RuleHead::Set { refr, .. } => (refr, true),
                RuleHead::Compr { refr, .. } | RuleHead::Func { refr, .. } => (refr, false),
            };
            (module::dotted(refr)? == DENY).then_some((span, is_set))
        }
        Rule::Default { refr, span, .. } => (module::dotted(refr)? == DENY).then_some((span, false)),
    });
    let heads: Vec<_> = heads.collect();
    if let Some((span, _)) = heads.iter().find(|(_, is_set)| !is_set) {
        let error = RegoError::at(span, "`deny` should be a set");
        return Some(error.with_help("write `deny contains {\"msg\": …, \"path\": […]} if { … }`"));
    }
    let error =
        || RegoError::at_start("the text has no rule `deny`, so it could never find anything".to_owned());
    heads.is_empty().then(|| error().with_help("write `deny contains {\"msg\": …, \"path\": […]} if { … }`"))
}

/// What the header of a plain `.rego` file says: the YAML below `# METADATA`, with the line on which it begins.
pub fn metadata(text: &str) -> Option<(String, u32)> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != "# METADATA");
    let (start, _) = lines.next()?;
    let body: Vec<&str> = lines
        .map_while(|(_, line)| line.strip_prefix('#'))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    Some((body.join("\n") + "\n", u32::try_from(start).unwrap_or(u32::MAX) + 2))
}

/// A text broken in many small ways, to see whether a rule's examples notice.
pub fn text_mutants(text: &str) -> Vec<TextMutant> {
    module::mutants(text)
}
