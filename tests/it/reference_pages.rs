//! Generated pages about kinds and frameworks, and the schema for all kinds: held and written like those of `reference`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use assize::estate::{KindSchema, combined_schema};
use assize::policy::{Framework, Means, Requirement, Rule, Selection, Testable};
use assize::run::{Policies, load_policies};
use serde_json::{Value, json};

use crate::reference::{cell, check_page};
use crate::scene::Scene;

const HEAD: &str =
    "<!-- Generated; do not edit. ASSIZE_WRITE_REFERENCE=1 cargo test --test it reference -->\n\n";

/// The kinds by what they are about.
const THEMES: &[(&str, &[&str])] = &[
    ("Governance", &["Organization", "Framework", "Control", "Waiver"]),
    ("Strategy", &["Goal", "Project"]),
    ("Finance", &["Budget"]),
    ("Analytics", &["Metric"]),
    ("Service management", &["Service", "ServiceLevelAgreement", "Incident", "Problem", "Request", "Change"]),
    ("Application management", &["Application", "API"]),
    ("Hardware assets", &["Hardware"]),
    ("Software assets", &["Software", "License"]),
    ("Infrastructure", &["CloudAccount"]),
    ("Physical security", &["Facility"]),
    ("Network management", &["NetworkSegment"]),
    ("Network security", &["FirewallRule"]),
    ("Data management", &["DataFlow", "DataStore", "DataSet"]),
    ("GDPR", &["ProcessingActivity"]),
    ("AI governance", &["AISystem"]),
    ("People", &["Person", "Team", "Training"]),
    ("Access control", &["Role", "Account", "AccessGrant", "AccessReview"]),
    ("Security management", &["Safeguard"]),
    ("Vendor management", &["Vendor", "Contract"]),
    ("Patching", &["Vulnerability"]),
    ("Disaster recovery", &["BackupPlan", "RecoveryPlan", "RecoveryTest"]),
    ("Risk management", &["Assessment", "RemediationPolicy", "Risk"]),
    ("Audit", &["Action", "Evidence"]),
    ("Encryption", &["Certificate", "EncryptionKey", "Secret"]),
    ("Documentation", &["Document"]),
];

/// The library alone, with rules over changes.
fn library() -> Policies {
    let scene = Scene::new();
    let root = assize::load::Root::discover(&scene.folder).unwrap();
    let selection = Selection { with_changes: true, ..Selection::default() };
    load_policies(&root, &selection, 1).unwrap()
}

/// Where a file of the library stands, from a folder one below the top.
fn link(rule: &Rule) -> String {
    if rule.is_engine() {
        format!("`{}`", rule.name)
    } else {
        format!("[{}](../{})", rule.name, rule.origin.file)
    }
}

#[test]
fn the_page_of_the_kinds() {
    let policies = library();
    let mut text = HEAD.to_owned();
    text.push_str("# Kinds\n\nWhat an estate can declare: one JSON Schema a kind in [kinds/](kinds/). `assize explain <Kind>` lists its fields with what they mean, `assize schema <Kind>` prints the schema,\nand [resource.schema.json](resource.schema.json) holds all of them, for editors that choose by `kind`:\n`# yaml-language-server: $schema=…/resource.schema.json`. A repository adds kinds and fields by schemas of its own.\n\nOther pages: [REFERENCE.md](REFERENCE.md) (commands, problems), [VOCABULARY.md](VOCABULARY.md) and [REGO.md](REGO.md) (rules),\n[coverage](../policies/coverage/README.md) (frameworks).\n");
    let mut told = BTreeSet::new();
    for (theme, kinds) in THEMES {
        writeln!(
            text,
            "\n## {theme}\n\n| kind | what it is | refers by | rules |\n| --- | --- | --- | --- |"
        )
        .unwrap();
        for name in *kinds {
            let schema = policies.kinds.iter().find(|kind| *kind.name.kind == **name).unwrap();
            told.insert(*name);
            let rules = rules_of(&policies, schema).len();
            let description = cell(schema.description());
            writeln!(
                text,
                "| [{name}](kinds/{name}.schema.json) | {description} | {} | [{rules}](#{}) |",
                references(schema),
                name.to_lowercase()
            )
            .unwrap();
        }
    }
    text.push_str(
        "\n## Rules by kind\n\nRules that name the kind; those of the engine look at every kind.\n",
    );
    for name in &told {
        let schema = policies.kinds.iter().find(|kind| *kind.name.kind == **name).unwrap();
        let rules: Vec<String> = rules_of(&policies, schema).into_iter().map(link).collect();
        let rules = if rules.is_empty() { "None.".to_owned() } else { rules.join(", ") };
        writeln!(text, "\n### {name}\n\n{rules}").unwrap();
    }
    let all: BTreeSet<&str> = policies.kinds.iter().map(|kind| &*kind.name.kind).collect();
    assert_eq!(told, all);
    check_page("schemas/README.md", &text);
}

fn rules_of<'p>(policies: &'p Policies, schema: &KindSchema) -> Vec<&'p Rule> {
    let is_meant = |rule: &&Rule| rule.matches.iter().any(|each| each.matches_kind(&schema.name));
    policies.rules.rules.iter().filter(|rule| !rule.is_engine()).filter(is_meant).collect()
}

/// Fields that every kind has are told once, on the page of the fields.
fn references(schema: &KindSchema) -> String {
    const COMMON: [&str; 6] =
        ["spec.owner", "spec.dependsOn", "spec.inScopeOf", "spec.safeguards", "spec.change", "spec.location"];
    let fields = schema.references().iter().filter(|field| !COMMON.contains(&field.field.as_str()));
    let fields: Vec<String> = fields
        .map(|field| {
            let kinds = if field.kinds == ["*"] { "any kind".to_owned() } else { field.kinds.join(" or ") };
            format!("`{}` to {kinds}", field.field.trim_start_matches("spec."))
        })
        .collect();
    cell(&fields.join(", "))
}

#[test]
fn the_schema_of_all_kinds() {
    let combined = combined_schema(&library().kinds);
    // One line a kind, so that a difference can be read.
    let mut text = "{\n".to_owned();
    let members = combined.as_object().unwrap();
    for (at, (key, value)) in members.iter().enumerate() {
        let comma = if at + 1 < members.len() { "," } else { "" };
        let lines = |open: char, close: char, lines: Vec<String>| {
            format!("{open}\n    {}\n  {close}", lines.join(",\n    "))
        };
        let value = match value {
            Value::Object(inner) if key == "$defs" => lines(
                '{',
                '}',
                inner.iter().map(|(name, schema)| format!("{}: {schema}", json!(name))).collect(),
            ),
            Value::Array(inner) => lines('[', ']', inner.iter().map(ToString::to_string).collect()),
            other => other.to_string(),
        };
        writeln!(text, "  {}: {value}{comma}", json!(key)).unwrap();
    }
    text.push_str("}\n");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), combined);
    check_page("schemas/resource.schema.json", &text);
    let validator = jsonschema::validator_for(&combined).unwrap();
    let team = json!({"apiVersion": "assize.dev/v1", "kind": "Team", "metadata": {"name": "a"}, "spec": {"type": "team"}});
    let with = |pointer: &str, value: Value| {
        let mut team = team.clone();
        *team.pointer_mut(pointer).unwrap() = value;
        team
    };
    for (document, fits) in [
        (team.clone(), true),
        (with("/spec/type", json!("gang")), false),
        (with("/kind", json!("Taem")), false),
        (with("/apiVersion", json!("v1")), true),
        (with("/kind", json!("Rule")), true),
        (json!({"apiVersion": "apps/v1", "kind": "Team"}), true),
        (json!({"apiVersion": "assize.dev/v1"}), false),
    ] {
        assert_eq!(validator.is_valid(&document), fits, "{document}");
    }
}

/// An editor shows the description of a field; one without would show nothing.
#[test]
fn every_field_of_every_kind_has_a_description() {
    let mut bare = Vec::new();
    for kind in library().kinds.iter() {
        undescribed(kind.schema(), &kind.name.to_string(), &mut bare);
    }
    assert_eq!(bare, Vec::<String>::new());
}

fn undescribed(schema: &Value, path: &str, bare: &mut Vec<String>) {
    if schema["description"].as_str().is_none_or(|text| text.trim().len() < 5) && !path.ends_with("[]") {
        bare.push(path.to_owned());
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        undescribed(field, &format!("{path}.{name}"), bare);
    }
    if schema["items"].is_object() {
        undescribed(&schema["items"], &format!("{path}[]"), bare);
    }
}

#[test]
fn the_pages_of_the_frameworks() {
    let policies = library();
    let mut overview = HEAD.to_owned();
    overview.push_str("# Coverage\n\nBy what each requirement of a framework can be shown to be met. A rule that cites a requirement tests what the estate declares of it, and often\nnot all of it; `assize list frameworks` counts the same.\n\n");
    overview.push_str("| framework | requirements |");
    for means in Means::ALL {
        write!(overview, " {} |", means.meaning()).unwrap();
    }
    writeln!(overview, "\n| --- |{}", " --- |".repeat(Means::ALL.len() + 1)).unwrap();
    for framework in policies.rules.frameworks.values() {
        let counts = framework.counts(&policies.rules.rules);
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), framework.requirements.len());
        let cells: Vec<String> = counts.iter().map(|(_, count)| format!(" {count} |")).collect();
        let title = cell(&framework.title);
        let count = framework.requirements.len();
        writeln!(overview, "| [{title}]({}.md) | {count} |{}", framework.id, cells.concat()).unwrap();
        check_page(&format!("policies/coverage/{}.md", framework.id), &coverage(framework, &policies));
    }
    check_page("policies/coverage/README.md", &overview);
}

fn coverage(framework: &Framework, policies: &Policies) -> String {
    let rules = &policies.rules.rules;
    let mut text = format!(
        "{HEAD}# {}: what tests each requirement\n\n{}, version {}. {}\n\n| | requirements |\n| --- | --- |\n",
        framework.title, framework.authority, framework.version, framework.notice
    );
    for (means, count) in framework.counts(rules).into_iter().filter(|(_, count)| *count > 0) {
        writeln!(text, "| {} | {count} |", means.meaning()).unwrap();
    }
    writeln!(text, "| **together** | **{}** |", framework.requirements.len()).unwrap();
    text.push_str("\n| requirement | in our words | met | by |\n| --- | --- | --- | --- |\n");
    for (entry, means) in framework.requirements.iter().zip(framework.means(rules)) {
        let id =
            entry.url.as_ref().map_or_else(|| entry.id.clone(), |url| format!("[{}](<{url}>)", entry.id));
        let by = match means {
            Means::Rules => {
                let cites = rules.iter().filter(|rule| rule.cites(&framework.id, &entry.id));
                cites.map(|rule| link(rule).replace("](../policies/", "](../")).collect::<Vec<_>>().join(", ")
            }
            Means::Superseded => {
                format!("superseded by {}", entry.superseded_by.as_deref().unwrap_or_default())
            }
            _ => entry.reason.clone().unwrap_or_default(),
        };
        let by = format!("{by}{}", conditions(framework, entry));
        writeln!(text, "| {id} | {} | {} | {} |", cell(&entry.title), means.meaning(), cell(&by)).unwrap();
    }
    text
}

/// For whom and from when, where that is not what most of the framework says.
fn conditions(framework: &Framework, entry: &Requirement) -> String {
    let usual = |of: &dyn Fn(&Requirement) -> String| {
        let all: Vec<String> = framework.requirements.iter().map(of).collect();
        let count = |text: &String| all.iter().filter(|each| *each == text).count();
        all.iter().max_by_key(|text| count(text)).cloned().unwrap_or_default()
    };
    let roles = |entry: &Requirement| entry.roles.join(" or ");
    let day =
        |entry: &Requirement| entry.in_force.as_ref().map(|day| day.text().to_owned()).unwrap_or_default();
    let mut text = String::new();
    if roles(entry) != usual(&roles) {
        write!(text, " (for {})", roles(entry)).unwrap();
    }
    if day(entry) != usual(&day) {
        write!(text, " (from {})", day(entry)).unwrap();
    }
    text
}

/// What says that no declaration can meet it is contradicted by a rule that tests it.
#[test]
fn frameworks_and_rules_agree() {
    let policies = library();
    for framework in policies.rules.frameworks.values() {
        for (entry, means) in framework.requirements.iter().zip(framework.means(&policies.rules.rules)) {
            let is_cited = means == Means::Rules;
            assert!(!(is_cited && entry.testable == Some(Testable::None)), "{}:{}", framework.id, entry.id);
            // Only headings say nothing.
            let is_said = entry.testable.is_some() || means == Means::Parts || is_cited;
            assert!(is_said, "{}:{} does not say how it can be met", framework.id, entry.id);
        }
    }
}
