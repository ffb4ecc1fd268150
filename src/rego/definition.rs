//! What the texts define: names of rules and functions, imports, and definitions that go in a circle.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, ExprRef, Module, Rule, RuleHead, Span};

use super::RegoError;
use super::module::{Parsed, Visited, dotted, walk_rule};

/// The rules and functions of the texts that are defined by way of themselves, which Rego forbids.
pub(super) fn recursions(modules: &[Parsed]) -> Vec<RegoError> {
    let Some(main) = modules.first() else { return Vec::new() };
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut places: BTreeMap<String, Span> = BTreeMap::new();
    for parsed in modules {
        for rule in &parsed.module.policy {
            let Some(name) = rule_name(rule) else { continue };
            let full = format!("{}.{name}", parsed.package);
            places.entry(full.clone()).or_insert_with(|| rule.span().clone());
            let named = calls.entry(full).or_default();
            walk_rule(rule, &mut |visited| {
                let Visited::Expression(expr) = visited else { return };
                let Some(path) = dotted(expr) else { return };
                let (first, rest) =
                    path.split_once('.').map_or((path.as_str(), None), |(one, rest)| (one, Some(rest)));
                let target = imported(&parsed.module, first).and_then(dotted);
                let path = match (target, rest) {
                    (Some(target), Some(rest)) => format!("{target}.{rest}"),
                    (Some(target), None) => target,
                    (None, _) => path,
                };
                let full = path.strip_prefix("data.").map(str::to_owned);
                named.insert(full.unwrap_or_else(|| format!("{}.{path}", parsed.package)));
            });
        }
    }
    let reaches = |start: &String| {
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut next: Vec<&String> = calls.get(start).into_iter().flatten().collect();
        while let Some(name) = next.pop() {
            if name == start {
                return true;
            }
            if seen.insert(name) {
                next.extend(calls.get(name).into_iter().flatten());
            }
        }
        false
    };
    let own = format!("{}.", main.package);
    let circles = places.iter().filter(|(name, _)| reaches(name));
    circles
        .map(|(name, span)| {
            let message =
                format!("`{}` is defined by way of itself", name.strip_prefix(&own).unwrap_or(name));
            RegoError::at(span, message)
        })
        .collect()
}

/// The name of a rule in its head.
pub(super) fn root_name(refr: &ExprRef) -> Option<String> {
    match refr.as_ref() {
        Expr::RefBrack { refr, .. } => root_name(refr),
        _ => dotted(refr),
    }
}

/// The name of a rule.
pub(super) fn rule_name(rule: &Rule) -> Option<String> {
    match rule {
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. } => {
                root_name(refr)
            }
        },
        Rule::Default { refr, .. } => root_name(refr),
    }
}

/// Whether a module defines a rule of this name.
pub(super) fn defines(module: &Module, name: &str) -> bool {
    module.policy.iter().any(|rule| rule_name(rule).as_deref() == Some(name))
}

/// What a name is imported as.
pub(super) fn imported<'m>(module: &'m Module, name: &str) -> Option<&'m ExprRef> {
    let import = module.imports.iter().find(|import| match &import.r#as {
        Some(alias) => alias.text() == name,
        None => dotted(&import.refr).is_some_and(|path| path.rsplit('.').next() == Some(name)),
    })?;
    dotted(&import.refr)
        .filter(|path| path.starts_with("data.") || path.starts_with("input"))
        .map(|_| &import.refr)
}
