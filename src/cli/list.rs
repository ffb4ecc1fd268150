//! `assize list`.

use serde_json::{Map, Value, json};

use super::args::{Common, ListArguments, ListFormat, Listed};
use super::{Failure, PolicyPlace, output, policies};
use crate::exit::Exit;
use crate::policy::{Means, Selection};
use crate::report::for_terminal;
use crate::run::Policies;

pub(super) fn run(arguments: &ListArguments, common: &Common) -> Result<Exit, Failure> {
    let place = PolicyPlace::open(arguments.policies.as_deref(), None)?;
    let selection =
        Selection { frameworks: arguments.framework.clone(), with_changes: true, ..Selection::default() };
    let Some(policies) = policies(&place, &selection, common)? else { return Ok(Exit::Problems) };
    let rows = match arguments.what {
        Listed::Rules => rules(&policies),
        Listed::Frameworks => frameworks(&policies),
        Listed::Requirements => requirements(&policies, &arguments.framework),
        Listed::Kinds => kinds(&policies),
    };
    let text = match arguments.output {
        ListFormat::Json => format!("{:#}\n", Value::Array(rows)),
        ListFormat::Text => table(&rows),
    };
    output::to_stdout(text.as_bytes())?;
    if policies.problems.is_empty() {
        return Ok(Exit::Clean);
    }
    place.problems(&policies.problems, common)?;
    Ok(Exit::Problems)
}

fn rules(policies: &Policies) -> Vec<Value> {
    let row = |rule: &crate::policy::Rule| {
        let requirements: Vec<_> = rule.requirements.iter().map(ToString::to_string).collect();
        json!({"name": &*rule.name, "severity": rule.severity.name(), "title": rule.title, "requirements": requirements, "related": rule.related, "roles": rule.roles})
    };
    policies.rules.rules.iter().map(row).collect()
}

fn frameworks(policies: &Policies) -> Vec<Value> {
    let row = |framework: &crate::policy::Framework| {
        let serves = |rule: &&crate::policy::Rule| {
            rule.requirements.iter().any(|each| *each.framework == framework.id)
        };
        let counts = framework.counts(&policies.rules.rules);
        let met: Map<String, Value> =
            counts.into_iter().map(|(means, count)| (means.name().to_owned(), json!(count))).collect();
        json!({
            "name": framework.id,
            "requirements": framework.requirements.len(),
            "rules": policies.rules.rules.iter().filter(serves).count(),
            "met": met,
            "title": framework.title,
            "authority": framework.authority,
        })
    };
    policies.rules.frameworks.values().map(row).collect()
}

fn requirements(policies: &Policies, wanted: &[String]) -> Vec<Value> {
    let chosen =
        policies.rules.frameworks.values().filter(|each| wanted.is_empty() || wanted.contains(&each.id));
    chosen
        .flat_map(|framework| {
            let means = framework.means(&policies.rules.rules);
            framework.requirements.iter().zip(means).map(move |(entry, means)| (framework, entry, means))
        })
        .map(|(framework, entry, means)| {
            let cites = |rule: &&crate::policy::Rule| {
                rule.requirements.iter().any(|each| *each.framework == framework.id && *each.id == entry.id)
            };
            let rules: Vec<_> =
                policies.rules.rules.iter().filter(cites).map(|rule| rule.name.to_string()).collect();
            json!({"name": format!("{}:{}", framework.id, entry.id), "rules": rules, "met": means.name(), "title": entry.title})
        })
        .collect()
}

fn kinds(policies: &Policies) -> Vec<Value> {
    let row = |kind: &std::sync::Arc<crate::estate::KindSchema>| json!({"name": kind.name.to_string(), "description": kind.description()});
    policies.kinds.iter().map(row).collect()
}

/// Rows as columns, as wide as their widest cell; lists show their length, and what is long comes last.
fn table(rows: &[Value]) -> String {
    const COLUMNS: [&str; 7] = ["name", "severity", "requirements", "rules", "met", "title", "description"];
    let cell = |row: &Value, column: &str| {
        row.get(column).map(|value| match value {
            Value::String(text) => text.clone(),
            Value::Array(list) => list.len().to_string(),
            // Counts, as `rule 174, evidence 90`.
            Value::Object(counts) => {
                let counts = Means::ALL.iter().filter_map(|means| Some((means, counts.get(means.name())?)));
                let counts = counts.filter(|(_, count)| **count != json!(0));
                counts
                    .map(|(means, count)| format!("{} {count}", means.name()))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
            other => other.to_string(),
        })
    };
    let columns: Vec<&str> =
        COLUMNS.into_iter().filter(|column| rows.iter().any(|row| row.get(column).is_some())).collect();
    let width = |column: &str| {
        let cells = rows.iter().filter_map(|row| cell(row, column)).map(|cell| cell.chars().count());
        cells.chain([column.len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = columns.iter().map(|column| width(column)).collect();
    let line = |cells: Vec<String>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))))
            .collect();
        format!("{}\n", for_terminal(padded.join("  ").trim_end()))
    };
    let mut text = line(columns.iter().map(|column| column.to_uppercase()).collect());
    for row in rows {
        text.push_str(&line(columns.iter().map(|column| cell(row, column).unwrap_or_default()).collect()));
    }
    text
}
