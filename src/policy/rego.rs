//! Rules written in Rego: where their text stands, what it may name, and plain `.rego` files as rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::document::Locator;
use super::matching::Match;
use super::pack;
use super::packed::Packed;
use super::rule::{Changed, Check, Rule};
use super::rule_set::PolicySource;
use crate::estate::{KindLibrary, KindName, KindSchema, Pattern};
use crate::finding::Location;
use crate::problem::{Code, Problem};
use crate::rego::{self, Asked, Library, Policy, RegoError, Step, Surroundings, Uses};
use crate::schema::{Parameters, missing_field};
use crate::yaml::{LineIndex, Span};

/// A text of Rego, and where it stands.
#[derive(Clone, Debug)]
pub struct RegoText {
    /// The text.
    pub text: Arc<str>,
    /// Where it stands.
    pub place: RegoPlace,
    /// The libraries that it may import.
    pub libraries: Arc<[Library]>,
}

/// Where a text of Rego stands.
#[derive(Clone, Debug)]
pub enum RegoPlace {
    /// At a node of the rule's file.
    Node(u32),
    /// In a file of its own.
    File(Arc<str>),
}

impl RegoText {
    /// The place of a line and column of the text.
    pub fn locate(&self, locator: &Locator<'_>, line: u32, column: u32) -> Location {
        match &self.place {
            RegoPlace::Node(node) => locator.within_block(*node, line, column),
            RegoPlace::File(file) => {
                Location { line, column, end_line: line, end_column: column + 1, ..Location::start_of(file) }
            }
        }
    }

    /// The line of the file for a line of the text.
    pub fn line_in_file(&self, locator: &Locator<'_>, line: u32) -> u32 {
        self.locate(locator, line, 1).line
    }

    /// The text as a mutation changes it.
    pub(super) fn changed(&self, changed: Option<Changed<'_>>) -> std::borrow::Cow<'_, Self> {
        match changed {
            Some(Changed::Rego(text)) => std::borrow::Cow::Owned(Self { text: text.into(), ..self.clone() }),
            _ => std::borrow::Cow::Borrowed(self),
        }
    }

    /// What following the text through finds that it reads.
    pub(super) fn follow(&self, rule: &Rule, kinds: &KindLibrary) -> Uses {
        surrounded(&rule.matches, &rule.params, kinds, |surroundings| {
            Policy::uses(&self.text, &self.libraries, surroundings)
        })
    }

    /// Compiles the text. What the library's rules name was looked up when they were tested, and not again.
    pub(super) fn compile(
        &self,
        rule: &Rule,
        kinds: &KindLibrary,
        is_changed: bool,
        known: Option<&Packed>,
    ) -> Result<Policy, Vec<Problem>> {
        let params: BTreeMap<String, Value> =
            rule.params.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let compile =
            |asked: &Asked<'_, '_>| Policy::compile(&rule.name, &self.text, &self.libraries, &params, asked);
        if let Some(prepared) = known.and_then(|known| known.prepared.as_ref())
            && let Some(policy) = Policy::compile_prepared(
                &rule.name,
                &self.text,
                &self.libraries,
                &params,
                &rule.uses,
                prepared,
            )
        {
            return Ok(policy);
        }
        // Who reads the examples wants to know what is wrong.
        let compiled = if rule.origin.is_builtin && rule.examples.is_empty() && !is_changed {
            compile(&Asked::Known(&rule.uses))
        } else {
            surrounded(&rule.matches, &rule.params, kinds, |surroundings| {
                compile(&Asked::Unknown(surroundings))
            })
        };
        let locator = Locator::new(&rule.origin.file, &rule.origin.tape);
        compiled.map_err(|errors| {
            let problem = |error: RegoError| {
                let message = format!("rule {}: {}", rule.name, error.message);
                let location = self.locate(&locator, error.line, error.column);
                with_help(Problem::new(Code::InvalidRule, message).at(location), error.help)
            };
            errors.into_iter().map(problem).collect()
        })
    }
}

fn with_help(problem: Problem, help: Option<String>) -> Problem {
    match help {
        Some(help) => problem.with_help(help),
        None => problem,
    }
}

/// Hands on what a rule's text may name.
fn surrounded<T>(
    matches: &[Match],
    params: &Parameters,
    kinds: &KindLibrary,
    then: impl FnOnce(&Surroundings<'_>) -> T,
) -> T {
    let exact: Option<Vec<KindName>> = matches.iter().flat_map(Match::patterns).map(Pattern::exact).collect();
    // One kind without a schema, and anything may stand in the document.
    let matched: Option<Vec<&KindSchema>> = exact
        .as_ref()
        .and_then(|names| names.iter().map(|name| kinds.get(name).map(|schema| &**schema)).collect());
    let any: Vec<&KindSchema> = kinds.iter().map(|schema| &**schema).collect();
    let field_kinds = |is_own: bool, field: &str| {
        let candidates = matched.as_ref().filter(|_| is_own).unwrap_or(&any);
        let fields = candidates.iter().flat_map(|schema| schema.references());
        let mut found: Vec<String> =
            fields.filter(|known| known.field == field).flat_map(|known| known.kinds.clone()).collect();
        found.sort_unstable();
        found.dedup();
        (!found.is_empty()).then_some(found)
    };
    let reference_fields = |kind: &str| {
        let schema = kinds.get(&KindName::parse(kind))?;
        Some(schema.references().iter().map(|known| known.field.clone()).collect())
    };
    let unknown_field = |kinds_of: Option<&[String]>, steps: &[Step]| {
        let schemas: Vec<&Value> = match kinds_of {
            None => matched.as_ref().map(|schemas| schemas.iter().map(|schema| schema.schema()).collect())?,
            // A kind without a schema may have any field.
            Some(names) => names
                .iter()
                .map(|name| kinds.get(&KindName::parse(name)).map(|schema| schema.schema()))
                .collect::<Option<_>>()?,
        };
        let steps: Vec<Option<&str>> = steps
            .iter()
            .map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None })
            .collect();
        missing_field(&schemas, &steps)
    };
    let unknown_kind = |kind: &str| {
        let name = KindName::parse(kind);
        let is_known = kind == "*" || !name.is_own() || kinds.get(&name).is_some();
        (!is_known).then(|| kinds.nearest(&name.kind).map(ToString::to_string))
    };
    let unknown_parameter = |name: &str| {
        (!params.contains_key(name)).then(|| {
            let distances = params.keys().map(|known| (strsim::damerau_levenshtein(name, known), known));
            distances.min().filter(|(distance, _)| *distance <= 3).map(|(_, known)| known.clone())
        })
    };
    then(&Surroundings {
        field_kinds: &field_kinds,
        reference_fields: &reference_fields,
        unknown_field: &unknown_field,
        unknown_kind: &unknown_kind,
        unknown_parameter: &unknown_parameter,
    })
}

/// The `.rego` files of a run: texts that stand beside a rule, rules with a header, and libraries.
#[derive(Debug, Default)]
pub(super) struct RegoFiles {
    texts: BTreeMap<Arc<str>, (Arc<str>, bool)>,
    libraries: Arc<[Library]>,
}

impl RegoFiles {
    /// Sorts the files out. A text stands beside a rule if the rule's file says neither `schema` nor `rego`; rules with
    /// a header are given back with their tapes. Where it is thorough, the built-in libraries are looked through as well.
    pub(super) fn sort<'s>(
        sources: &'s [PolicySource],
        is_beside: &dyn Fn(&str) -> bool,
        is_thorough: bool,
        problems: &mut Vec<Problem>,
    ) -> (Self, Vec<&'s PolicySource>) {
        let mut texts = BTreeMap::new();
        let mut libraries = Vec::new();
        let mut rules = Vec::new();
        for source in sources {
            let Some(text) = &source.rego else { continue };
            // The files of `opa test` are for `opa test`.
            if source.file.ends_with("_test.rego") {
                continue;
            }
            if is_beside(&source.file) {
                texts.insert(Arc::clone(&source.file), (Arc::clone(text), source.is_builtin));
                continue;
            }
            if source
                .tape
                .documents
                .first()
                .is_some_and(|document| source.tape.root(document).get("custom").is_some())
            {
                texts.insert(Arc::clone(&source.file), (Arc::clone(text), source.is_builtin));
                rules.push(source);
                continue;
            }
            let known =
                (source.is_builtin && !is_thorough).then(|| pack::library(&source.file, text)).flatten();
            if let Some(library) = known {
                libraries.push(library);
                continue;
            }
            match Library::read(&source.file, text, source.is_builtin) {
                Ok(library) => {
                    if library.has_deny() {
                        let message = "the file has a rule `deny`, and no rule of assize takes it";
                        let help = "add a METADATA header with `custom: {severity: …, match: …}`, or put it beside a rule of its name";
                        problems.push(
                            Problem::new(Code::MisplacedRule, message)
                                .at(Location::start_of(&source.file))
                                .with_help(help),
                        );
                    }
                    libraries.push(library);
                }
                Err(errors) => problems.extend(errors.into_iter().map(|error| {
                    let RegoError { line, column, message, help } = error;
                    let location = Location {
                        line,
                        column,
                        end_line: line,
                        end_column: column + 1,
                        ..Location::start_of(&source.file)
                    };
                    with_help(Problem::new(Code::InvalidRule, message).at(location), help)
                })),
            }
        }
        (Self { texts, libraries: libraries.into() }, rules)
    }

    /// The text of a file.
    pub(super) fn file(&self, path: &str) -> Option<RegoText> {
        let (file, (text, _)) = self.texts.get_key_value(path)?;
        Some(RegoText {
            text: Arc::clone(text),
            place: RegoPlace::File(Arc::clone(file)),
            libraries: Arc::clone(&self.libraries),
        })
    }

    /// A text that stands in a rule's own file.
    pub(super) fn inline(&self, text: &str, node: u32) -> RegoText {
        RegoText { text: text.into(), place: RegoPlace::Node(node), libraries: Arc::clone(&self.libraries) }
    }
}

/// The `.rego` file that belongs to a rule of this name in this file.
pub(super) fn file_beside(file: &str, rule: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    if folder.is_empty() { format!("{rule}.rego") } else { format!("{folder}/{rule}.rego") }
}

/// What the header of a plain `.rego` file says, as YAML at its own lines and columns; empty without one.
pub fn rego_header(text: &str) -> String {
    let Some((_, start)) = rego::metadata(text) else { return String::new() };
    let mut header = String::new();
    for (line, text) in (1_u32..).zip(text.lines()) {
        if line >= start {
            let Some(rest) = text.strip_prefix('#') else { break };
            header.push(' ');
            header.push_str(rest);
        }
        header.push('\n');
    }
    header
}

/// The name of the rule in a plain `.rego` file.
pub(super) fn name_of_file(file: &str) -> String {
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    name.trim_end_matches(".rego").replace('_', "-")
}

impl Locator<'_> {
    /// The place of a line and column of a text that stands as a literal block; the text as a whole where its lines
    /// are folded or escaped.
    pub(super) fn within_block(&self, node: u32, line: u32, column: u32) -> Location {
        let whole = self.of(node);
        let Some((offset, length)) = block_position(self.source(), self.span(node), line, column) else {
            return whole;
        };
        let lines = LineIndex::new(self.source());
        let start = lines.position(offset);
        let end = lines.position(offset + length);
        Location { line: start.0, column: start.1, end_line: end.0, end_column: end.1, ..whole }
    }
}

/// Where a character of a literal block stands, and how many bytes it has.
fn block_position(source: &str, span: Span, line: u32, column: u32) -> Option<(u32, u32)> {
    let rest = source.get(span.start as usize..)?;
    let mut offset = span.start as usize;
    let mut lines = rest.split_inclusive('\n');
    if rest.starts_with('|') {
        offset += lines.next()?.len();
    }
    let body = source.get(offset..)?;
    let first = body.lines().find(|line| !line.trim().is_empty())?;
    let indent = first.len() - first.trim_start_matches(' ').len();
    // Where the block's own indicator is not part of the span, its first line begins behind the indentation.
    let has_indicator = rest.starts_with('|');
    if !has_indicator && !is_block(source, span.start as usize) {
        return None;
    }
    let indent = if has_indicator { indent } else { column_of(source, span.start as usize) };
    let text = body.split_inclusive('\n').nth(line as usize - 1)?;
    let before: usize = body.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    let skip = if line == 1 && !has_indicator { 0 } else { indent };
    let mut characters = text.get(skip..)?.char_indices();
    let (at, character) =
        characters.nth(column as usize - 1).unwrap_or((text.trim_end().len().saturating_sub(skip), ' '));
    let position = u32::try_from(offset + before + skip + at).ok()?;
    Some((position, u32::try_from(character.len_utf8()).unwrap_or(1)))
}

/// Whether the line before a text ends with the indicator of a literal block.
fn is_block(source: &str, start: usize) -> bool {
    let before = source.get(..start).unwrap_or_default().trim_end();
    let last = before.rsplit('\n').next().unwrap_or_default();
    last.rsplit(' ').next().is_some_and(|word| word.starts_with('|'))
}

fn column_of(source: &str, start: usize) -> usize {
    let before = source.get(..start).unwrap_or_default();
    start - before.rfind('\n').map_or(0, |newline| newline + 1)
}

impl Check {
    /// The text, if the rule is written in Rego.
    pub fn rego(&self) -> Option<&RegoText> {
        if let Self::Rego(text) = self { Some(text) } else { None }
    }
}
