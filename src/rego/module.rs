//! A text of Rego: parsed, and refused where what it says could not be trusted.

use regorus::unstable::{
    Expr, ExprRef, Literal, LiteralStmt, Module, Parser, Query, Rule, RuleBody, RuleHead, Span,
};

use super::RegoError;
use super::function;

/// A parsed text.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) module: Module,
    /// Its package, without `data`.
    pub(super) package: String,
}

/// The package of a text that names none.
const DEFAULT_PACKAGE: &str = "assize.rule";

/// The text with a package. Comments may come before it; the line that is added stands before all others, and
/// `added_lines` says how many there are.
pub(super) fn with_package(text: &str) -> (String, u32) {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    if first.is_some_and(|line| line == "package" || line.starts_with("package ")) {
        (text.to_owned(), 0)
    } else {
        (format!("package {DEFAULT_PACKAGE}\n{text}"), 1)
    }
}

/// Brackets in brackets: the parser tries several readings of each, so that its time doubles with every level.
const NESTED: usize = 12;

/// Refuses a text that would take too long to parse.
fn check_nesting(text: &str) -> Result<(), RegoError> {
    let (mut depth, mut line, mut column) = (0_usize, 1, 0);
    // Within a text or a comment, what ends it.
    let mut within: Option<char> = None;
    let mut is_escaped = false;
    for character in text.chars() {
        column += 1;
        let is_end = within == Some(character) && !is_escaped;
        is_escaped = within == Some('"') && character == '\\' && !is_escaped;
        match (within, character) {
            (Some(_), _) if is_end => within = None,
            (None, '"' | '`') => within = Some(character),
            (None, '#') => within = Some('\n'),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTED {
            let message = format!("more than {NESTED} brackets stand in each other");
            return Err(RegoError { line, column, message, help: Some("name the inner parts".to_owned()) });
        }
        if character == '\n' {
            (line, column) = (line + 1, 0);
        }
    }
    Ok(())
}

/// Parses a text.
pub(super) fn parse(file: &str, text: &str) -> Result<Parsed, RegoError> {
    check_nesting(text)?;
    let source = regorus::Source::from_contents(file.to_owned(), text.to_owned())
        .map_err(|error| RegoError::at_start(error.to_string()))?;
    let parse = || {
        let mut parser = Parser::new(&source)?;
        parser.enable_rego_v1()?;
        parser.parse()
    };
    let module = parse().map_err(|error| RegoError::from_text(&error.to_string()))?;
    let package = dotted(&module.package.refr)
        .ok_or_else(|| RegoError::at(&module.package.span, "the package should be names joined by dots"))?;
    Ok(Parsed { module, package })
}

/// `a.b.c` or `a["b"].c` as text; none if a part of it is not constant.
pub(super) fn dotted(expr: &ExprRef) -> Option<String> {
    match expr.as_ref() {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        Expr::RefDot { refr, field, .. } => Some(format!("{}.{}", dotted(refr)?, field.0.text())),
        Expr::RefBrack { refr, index, .. } => match index.as_ref() {
            Expr::String { value, .. } => Some(format!("{}.{}", dotted(refr)?, value.as_string().ok()?)),
            _ => None,
        },
        _ => None,
    }
}

/// What a text says that is refused.
pub(super) fn refusals(module: &Module) -> Vec<RegoError> {
    let mut refusals = Vec::new();
    for rule in &module.policy {
        if let Rule::Spec { bodies, .. } = rule.as_ref() {
            chained(bodies, &mut refusals);
        }
    }
    walk_module(module, &mut |visited| match visited {
        Visited::Expression(expr) => {
            if let Expr::Call { fcn, .. } = expr.as_ref() {
                call(fcn, &mut refusals);
            }
        }
        Visited::Statement(statement) => {
            if let Literal::NotExpr { expr, .. } = &statement.literal {
                negation(expr, &mut refusals);
            }
        }
    });
    refusals
}

/// `f(x) := 1 if {…} {…}`: OPA reads the second body as another rule; whether this engine does depends on the rule.
fn chained(bodies: &[RuleBody], refusals: &mut Vec<RegoError>) {
    if let Some(body) = bodies.iter().skip(1).find(|body| !body.is_else) {
        let error = RegoError::at(&body.span, "a rule has two bodies in a row");
        refusals.push(error.with_help("write the head again before the second one"));
    }
}

fn call(fcn: &ExprRef, refusals: &mut Vec<RegoError>) {
    let Some(name) = dotted(fcn) else { return };
    let span = fcn.span();
    if let Some(reason) = function::refused(&name) {
        refusals.push(RegoError::at(span, format!("`{name}` is not available: {reason}")));
        return;
    }
    // OPA ends a statement at a line break before the bracket; regorus goes on.
    let rest = span.source.get_contents().get(span.end as usize..).unwrap_or_default();
    let gap = rest.split('(').next().unwrap_or_default();
    if gap.contains('\n') {
        let error = RegoError::at(span, format!("the arguments of `{name}` begin on another line"));
        refusals.push(error.with_help("write the opening bracket on the line of the name"));
    }
}

/// `not f(x, input.gone)`: OPA looks the argument up before it negates, so that nothing follows from a missing one;
/// regorus finds the negation true.
fn negation(expr: &ExprRef, refusals: &mut Vec<RegoError>) {
    let Expr::Call { fcn, params, .. } = expr.as_ref() else { return };
    let is_reference = |param: &&ExprRef| {
        matches!(&***param, Expr::RefDot { .. } | Expr::RefBrack { .. } | Expr::Call { .. })
    };
    if let Some(param) = params.iter().find(is_reference) {
        let name = dotted(fcn).unwrap_or_else(|| "a function".to_owned());
        let text = param.span().text();
        let message = format!("what `not {name}(…)` means where `{text}` is missing depends on the engine");
        refusals.push(RegoError::at(param.span(), message).with_help(format!(
            "name the argument first: `value := {text}`, then `not {name}(… value …)`; add a rule for the missing one"
        )));
    }
}

/// What a walk over a module meets.
pub(super) enum Visited<'m> {
    Expression(&'m ExprRef),
    Statement(&'m LiteralStmt),
}

/// Visits every expression and statement of a module.
pub(super) fn walk_module<'m>(module: &'m Module, visit: &mut dyn FnMut(Visited<'m>)) {
    for rule in &module.policy {
        walk_rule(rule, visit);
    }
}

/// Visits every expression and statement of a rule, but for its own name.
pub(super) fn walk_rule<'m>(rule: &'m Rule, visit: &mut dyn FnMut(Visited<'m>)) {
    match rule {
        Rule::Spec { head, bodies, .. } => {
            let (expressions, assign) = head_parts(head);
            for expr in expressions {
                walk(expr, visit);
            }
            if let Some(assign) = assign {
                walk(&assign.value, visit);
            }
            for body in bodies {
                if let Some(assign) = &body.assign {
                    walk(&assign.value, visit);
                }
                walk_query(&body.query, visit);
            }
        }
        Rule::Default { value, .. } => walk(value, visit),
    }
}

/// The expressions of a head besides its name, and what it assigns.
pub(super) fn head_parts(head: &RuleHead) -> (Vec<&ExprRef>, Option<&regorus::unstable::RuleAssign>) {
    match head {
        RuleHead::Compr { refr, assign, .. } => (indices(refr), assign.as_ref()),
        RuleHead::Set { refr, key, .. } => (indices(refr).into_iter().chain(key).collect(), None),
        RuleHead::Func { args, assign, .. } => (args.iter().collect(), assign.as_ref()),
    }
}

/// What stands in brackets behind the name of a rule.
fn indices(refr: &ExprRef) -> Vec<&ExprRef> {
    match refr.as_ref() {
        Expr::RefBrack { refr, index, .. } => indices(refr).into_iter().chain([index]).collect(),
        Expr::RefDot { refr, .. } => indices(refr),
        _ => Vec::new(),
    }
}

fn walk_query<'m>(query: &'m Query, visit: &mut dyn FnMut(Visited<'m>)) {
    for statement in &query.stmts {
        visit(Visited::Statement(statement));
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                if let Some(key) = key {
                    walk(key, visit);
                }
                walk(value, visit);
                walk(collection, visit);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => walk(expr, visit),
            Literal::Every { domain, query, .. } => {
                walk(domain, visit);
                walk_query(query, visit);
            }
        }
        for modifier in &statement.with_mods {
            walk(&modifier.refr, visit);
            walk(&modifier.r#as, visit);
        }
    }
}

/// Visits an expression and all in it.
pub(super) fn walk<'m>(expr: &'m ExprRef, visit: &mut dyn FnMut(Visited<'m>)) {
    visit(Visited::Expression(expr));
    match expr.as_ref() {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            for item in items {
                walk(item, visit);
            }
        }
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                walk(key, visit);
                walk(value, visit);
            }
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            walk(term, visit);
            walk_query(query, visit);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            walk(key, visit);
            walk(value, visit);
            walk_query(query, visit);
        }
        Expr::Call { fcn, params, .. } => {
            walk(fcn, visit);
            for param in params {
                walk(param, visit);
            }
        }
        Expr::UnaryExpr { expr, .. } => walk(expr, visit),
        Expr::RefDot { refr, .. } => walk(refr, visit),
        Expr::RefBrack { refr, index, .. } => {
            walk(refr, visit);
            walk(index, visit);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            walk(lhs, visit);
            walk(rhs, visit);
        }
        Expr::Membership { key, value, collection, .. } => {
            if let Some(key) = key {
                walk(key, visit);
            }
            walk(value, visit);
            walk(collection, visit);
        }
    }
}

impl RegoError {
    pub(super) fn at(span: &Span, message: impl Into<String>) -> Self {
        // Columns of regorus count characters from 1.
        Self { line: span.line, column: span.col, message: message.into(), help: None }
    }
}

/// A text broken on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMutant {
    /// The text.
    pub text: String,
    /// What was changed, with its line in the text as it was.
    pub change: String,
}

/// The text broken in many small ways: each condition dropped, each comparison turned round.
pub(super) fn mutants(text: &str) -> Vec<TextMutant> {
    let (full, added) = with_package(text);
    let Ok(parsed) = parse("rule", &full) else { return Vec::new() };
    let mut edits: Vec<(usize, usize, &str, String)> = Vec::new();
    walk_module(&parsed.module, &mut |visited| match visited {
        Visited::Statement(statement) => {
            let (Literal::Expr { span, expr } | Literal::NotExpr { span, expr }) = &statement.literal else {
                return;
            };
            // Without an assignment what follows would not be compiled.
            if !matches!(expr.as_ref(), Expr::AssignExpr { .. }) {
                let line = span.line.saturating_sub(added);
                let change = format!("line {line} loses `{}`", one_line(span.text()));
                edits.push((span.start as usize, span.end as usize, "true", change));
            }
        }
        Visited::Expression(expr) => {
            let Expr::BoolExpr { lhs, rhs, .. } = expr.as_ref() else { return };
            let (start, end) = (lhs.span().end as usize, rhs.span().start as usize);
            let written = full.get(start..end).unwrap_or_default();
            let other = match written.trim() {
                "==" => "!=",
                "!=" => "==",
                "<" => ">=",
                "<=" => ">",
                ">" => "<=",
                ">=" => "<",
                _ => return,
            };
            let Some(at) = written.find(written.trim()).map(|at| start + at) else { return };
            let line = lhs.span().line.saturating_sub(added);
            let change = format!("line {line}: `{}` becomes `{other}`", written.trim());
            edits.push((at, at + written.trim().len(), other, change));
        }
    });
    edits.sort();
    edits.dedup();
    edits
        .into_iter()
        .filter_map(|(start, end, with, change)| {
            let text = format!("{}{with}{}", full.get(..start)?, full.get(end..)?);
            Some(TextMutant { text, change })
        })
        .collect()
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() > 60 { text.chars().take(60).chain(['…']).collect() } else { text }
}
