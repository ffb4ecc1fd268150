//! `assize explain` and `assize schema`.

use serde_json::Value;

use super::args::{Common, ExplainArguments, SchemaArguments};
use super::{Failure, PolicyPlace, output, policies};
use crate::estate::{KindName, KindSchema, combined_schema};
use crate::exit::Exit;
use crate::policy::{Check, Framework, Requirement, Rule, Selection, builtin_schema, builtin_schema_names};
use crate::problem::Code;
use crate::report::for_terminal;
use crate::run::Policies;

pub(super) fn run(arguments: &ExplainArguments, common: &Common) -> Result<Exit, Failure> {
    let name = arguments.name.as_str();
    if let Some(code) = Code::ALL.iter().find(|code| code.name() == name) {
        output::to_stdout(
            format!("{} (problem code)\n\n{}\n\nRemedy: {}\n", code, code.summary(), code.remedy())
                .as_bytes(),
        )?;
        return Ok(Exit::Clean);
    }
    let place = PolicyPlace::open(arguments.policies.as_deref(), None)?;
    let Some(policies) = policies(
        &place,
        &Selection { with_examples: true, with_changes: true, ..Selection::default() },
        common,
    )?
    else {
        return Ok(Exit::Problems);
    };
    let text = find(name, &policies).ok_or_else(|| Failure::Plain(unknown(name, &policies)))?;
    output::to_stdout(for_terminal(&text).as_bytes())?;
    Ok(Exit::Clean)
}

fn find(name: &str, policies: &Policies) -> Option<String> {
    if let Some(rule) = policies.rules.rule(name) {
        return Some(explain_rule(rule, policies));
    }
    if let Some(reason) = policies.rules.not_selected.iter().find(|each| &*each.rule == name) {
        return Some(format!("{name} (rule) takes no part here: {}\n", reason.reason));
    }
    if let Some(schema) = policies.kinds.get(&KindName::parse(name)) {
        return Some(explain_kind(schema));
    }
    if let Some(framework) = policies.rules.frameworks.get(name) {
        return Some(explain_framework(framework, policies));
    }
    let found: Vec<String> = policies
        .rules
        .frameworks
        .values()
        .flat_map(|framework| framework.requirements.iter().map(move |entry| (framework, entry)))
        .filter(|(framework, entry)| entry.id == name || format!("{}:{}", framework.id, entry.id) == name)
        .map(|(framework, entry)| explain_requirement(framework, entry, policies))
        .collect();
    (!found.is_empty()).then(|| found.join("\n"))
}

fn unknown(name: &str, policies: &Policies) -> String {
    let kinds: Vec<String> = policies.kinds.iter().map(|kind| kind.name.to_string()).collect();
    let rules = policies.rules.rules.iter().map(|rule| &*rule.name);
    let frameworks = policies.rules.frameworks.values();
    let requirements: Vec<String> = frameworks
        .flat_map(|framework| {
            let requirements = framework.requirements.iter();
            requirements.map(|entry| format!("{}:{}", framework.id, entry.id)).chain([framework.id.clone()])
        })
        .collect();
    let known = rules
        .chain(kinds.iter().chain(&requirements).map(String::as_str))
        .chain(Code::ALL.iter().map(|code| code.name()));
    let best = known.map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    match best.filter(|(distance, known)| *distance <= 1 + known.len() / 4) {
        Some((_, known)) => {
            format!("no rule, requirement, kind or problem code is called {name}; did you mean {known}?")
        }
        None => format!("no rule, requirement, kind or problem code is called {name}"),
    }
}

fn explain_rule(rule: &Rule, policies: &Policies) -> String {
    let mut text = format!("{} (rule, {})\n{}\n\n{}\n", rule.name, rule.severity, rule.title, rule.rationale);
    text.push_str(&format!("\nRemediation: {}\n", rule.remediation));
    if !rule.requirements.is_empty() {
        text.push_str("\nRequirements:\n");
        for requirement in &rule.requirements {
            let framework = policies.rules.frameworks.get(&*requirement.framework);
            let entry = framework
                .and_then(|each| each.requirements.iter().find(|entry| *entry.id == *requirement.id));
            text.push_str(&format!("  {requirement}  {}\n", entry.map_or("", |entry| &entry.title)));
        }
    }
    if !rule.related.is_empty() {
        text.push_str(&format!("\nRelated, not checked: {}\n", rule.related.join(", ")));
    }
    if !rule.roles.is_empty() {
        text.push_str(&format!("\nFor roles: {}\n", rule.roles.join(", ")));
    }
    text.push_str("\nMatches:\n");
    for each in &rule.matches {
        text.push_str(&format!("  {}", each.kinds.join(", ")));
        match each.condition() {
            Some(condition) => text.push_str(&format!(" where\n{}", yaml(condition, 4))),
            None => text.push('\n'),
        }
    }
    if let Check::Schema { schema, .. } = &rule.check {
        let place = if rule.at.is_empty() { String::new() } else { format!(" (of {})", rule.at.join(".")) };
        text.push_str(&format!("\nMust hold{place}:\n{}", yaml(schema, 2)));
    }
    if !rule.params.is_empty() {
        text.push_str(&format!("\nParameters:\n{}", yaml(&Value::Object(rule.params.clone()), 2)));
    }
    text.push_str(&format!("\nExamples: {}\nFile: {}\n", rule.examples.len(), rule.origin.file));
    text
}

/// YAML, indented.
fn yaml(value: &Value, indent: usize) -> String {
    let text = serde_yaml::to_string(value).unwrap_or_else(|_| value.to_string());
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(indent))).collect()
}

fn explain_requirement(framework: &Framework, entry: &Requirement, policies: &Policies) -> String {
    let mut text =
        format!("{}:{} (requirement of {})\n{}\n", framework.id, entry.id, framework.title, entry.title);
    let mut parent = entry.parent.as_deref();
    let mut steps = 0;
    while let Some(above) = parent.and_then(|id| framework.requirements.iter().find(|entry| entry.id == id)) {
        text.push_str(&format!("  part of {}  {}\n", above.id, above.title));
        parent = above.parent.as_deref();
        steps += 1;
        if steps > 20 {
            break;
        }
    }
    let roles = (!entry.roles.is_empty()).then(|| entry.roles.join(", "));
    let details = [
        ("level", entry.level.as_deref()),
        ("group", entry.group.as_deref()),
        ("implementation", entry.implementation.as_deref()),
        ("for roles", roles.as_deref()),
        ("in force from", entry.in_force.as_ref().map(crate::date::Moment::text)),
        ("superseded by", entry.superseded_by.as_deref()),
        ("official text", entry.url.as_deref()),
        ("can be met by", entry.testable.map(crate::policy::Testable::name)),
        ("reason", entry.reason.as_deref()),
    ];
    for (name, value) in details.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        text.push_str(&format!("{name}: {value}\n"));
    }
    let cites = |rule: &&Rule| {
        rule.requirements.iter().any(|each| *each.framework == framework.id && *each.id == entry.id)
    };
    let rules: Vec<_> = policies.rules.rules.iter().filter(cites).collect();
    if rules.is_empty() {
        text.push_str("No rule tests it.\n");
    } else {
        text.push_str("Rules:\n");
        for rule in rules {
            text.push_str(&format!("  {}  {} ({})\n", rule.name, rule.title, rule.severity));
        }
    }
    text
}

fn explain_framework(framework: &Framework, policies: &Policies) -> String {
    let cites = |rule: &&Rule| rule.requirements.iter().any(|each| *each.framework == framework.id);
    format!(
        "{} (framework)\n{} {}, {}\n\n{}\n\n{} requirements, {} rules; `assize list requirements --framework {}` shows them.\n",
        framework.id,
        framework.title,
        framework.version,
        framework.authority,
        framework.notice,
        framework.requirements.len(),
        policies.rules.rules.iter().filter(cites).count(),
        framework.id,
    )
}

fn explain_kind(schema: &KindSchema) -> String {
    let mut text = format!("{} (kind)\n{}\n\nFields of spec:\n", schema.name, schema.description());
    let spec = schema.schema().pointer("/properties/spec").unwrap_or(&Value::Null);
    let mut rows = Vec::new();
    fields(spec, "", &mut rows);
    let width = |column: fn(&(String, String, String)) -> &str| {
        rows.iter().map(|row| column(row).chars().count()).max()
    };
    let (first, second) = (width(|row| &row.0).unwrap_or(0), width(|row| &row.1).unwrap_or(0).min(40));
    for (name, sort, about) in &rows {
        let line = format!("  {name:first$}  {sort:second$}  {about}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&format!("\n* required\nFile: {}\n", schema.file));
    text
}

fn fields(schema: &Value, prefix: &str, rows: &mut Vec<(String, String, String)>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in properties {
        let path = format!("{prefix}{name}");
        let star = if required.contains(&name.as_str()) { "*" } else { "" };
        let about = field.get("description").and_then(Value::as_str).unwrap_or_default();
        rows.push((format!("{path}{star}"), sort(field), about.to_owned()));
        fields(field, &format!("{path}."), rows);
        if let Some(items) = field.get("items") {
            fields(items, &format!("{path}[]."), rows);
        }
    }
}

/// The type of a field in a few words.
fn sort(field: &Value) -> String {
    let words = |value: &Value| {
        let list: Vec<String> = value
            .as_array()
            .into_iter()
            .flatten()
            .map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect();
        list
    };
    if let Some(kinds) = field.get("x-ref") {
        return format!("reference to {}", words(kinds).join(" or "));
    }
    if field.get("x-file").is_some() {
        return "path of a file".to_owned();
    }
    if let Some(values) = field.get("enum") {
        return words(values).join(" | ");
    }
    let named = field.get("format").or_else(|| field.get("type")).and_then(Value::as_str).unwrap_or("any");
    match field.get("items") {
        Some(items) => format!("list of {}", sort(items)),
        None => named.to_owned(),
    }
}

pub(super) fn schema(arguments: &SchemaArguments, common: &Common) -> Result<Exit, Failure> {
    let name = arguments.name.as_str();
    // With the kinds of the repository itself, if there is one.
    if name != "resource"
        && let Some(text) = builtin_schema(if name == "assize.yaml" { "assize" } else { name })
    {
        output::to_stdout(text.as_bytes())?;
        return Ok(Exit::Clean);
    }
    let place = PolicyPlace::open(None, None)?;
    let Some(policies) = policies(&place, &Selection::default(), common)? else { return Ok(Exit::Problems) };
    if name == "resource" {
        output::to_stdout(format!("{:#}\n", combined_schema(&policies.kinds)).as_bytes())?;
        return Ok(Exit::Clean);
    }
    let Some(schema) = policies.kinds.get(&KindName::parse(name)) else {
        let names: Vec<_> = builtin_schema_names().collect();
        return Err(Failure::Plain(format!(
            "no schema is called {name}; there are {}, and one for each of `assize list kinds`",
            names.join(", ")
        )));
    };
    output::to_stdout(format!("{:#}\n", schema.schema()).as_bytes())?;
    Ok(Exit::Clean)
}
