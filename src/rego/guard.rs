//! What the machine of regorus gets wrong, and how its text is written so that it does not matter.
//!
//! It takes for defined what OPA does not: an undefined value that is assigned with `:=`, and one that an array or
//! object comprehension yields. The text for the machine gets a statement more after each of them, `x == x`, which fails
//! where `x` is undefined. Lines stay where they are. What cannot be mended so is left to the interpreter.

use regorus::unstable::{AssignOp, Expr, ExprRef, Literal, LiteralStmt, Query, Rule, RuleHead, Span};

use super::module::{Parsed, Visited, walk, walk_module};

/// What is put in, and where: what comes later of two at one place has the greater rank.
struct Guard {
    place: usize,
    rank: u8,
    text: String,
    /// How many statements it brings.
    statements: usize,
}

/// The text with guards; none where they cannot be put in, so that only the interpreter can be trusted with it.
pub(super) fn guarded(parsed: &Parsed) -> Option<String> {
    put_in(parsed.module.package.span.source.get_contents(), &guards(parsed)?)
}

/// Puts guards into a text.
pub(super) fn put_in(source: &str, guards: &[(u32, String)]) -> Option<String> {
    let mut text = String::with_capacity(source.len() + guards.len() * 16);
    let mut end = 0;
    for (place, guard) in guards {
        let place = *place as usize;
        text.push_str(source.get(end..place)?);
        text.push_str(guard);
        end = place;
    }
    text.push_str(source.get(end..)?);
    Some(text)
}

/// What is to be put into a text, and where; none where it cannot be.
pub(super) fn guards(parsed: &Parsed) -> Option<Vec<(u32, String)>> {
    let source = parsed.module.package.span.source.get_contents();
    let mut guards = Vec::new();
    // `a[k] contains v` comes out empty.
    let mut is_complete = !parsed.module.policy.iter().any(|rule| is_set_of_sets(rule));
    let mut count = 0;
    walk_module(&parsed.module, &mut |visited| match visited {
        Visited::Statement(statement) => guards.extend(assigned(source, statement)),
        Visited::Expression(expr) => {
            let (yielded, parts) = match expr.as_ref() {
                Expr::ArrayCompr { span, query, term, .. } => {
                    (yielded(source, span, query, ("", "")), vec![term])
                }
                Expr::ObjectCompr { span, query, key, value, .. } => {
                    (yielded(source, span, query, ("{", "}")), vec![key, value])
                }
                _ => return,
            };
            let Some((place, term)) = yielded else {
                is_complete = false;
                return;
            };
            count += 1;
            let text = format!("; yielded__{count} := {term}; yielded__{count} == yielded__{count}");
            guards.push(Guard { place, rank: 2, text, statements: 2 + statements_in(&parts) });
        }
    });
    guards.sort_by_key(|guard| (guard.place, guard.rank));
    if !is_complete {
        return None;
    }
    let due = statements(parsed) + guards.iter().map(|guard| guard.statements).sum::<usize>();
    let guards = guards.into_iter().map(|guard| Some((u32::try_from(guard.place).ok()?, guard.text)));
    let guards: Vec<_> = guards.collect::<Option<_>>()?;
    // What comes out must be what was meant, or else the machine would run another rule.
    let parsed_again = super::module::parse("rule", &put_in(source, &guards)?).ok()?;
    (statements(&parsed_again) == due).then_some(guards)
}

/// How many statements a text has, with those in comprehensions.
fn statements(parsed: &Parsed) -> usize {
    let mut count = 0;
    walk_module(&parsed.module, &mut |visited| {
        count += usize::from(matches!(visited, Visited::Statement(_)));
    });
    count
}

fn statements_in(parts: &[&ExprRef]) -> usize {
    let mut count = 0;
    for part in parts {
        walk(part, &mut |visited| count += usize::from(matches!(visited, Visited::Statement(_))));
    }
    count
}

/// The end of a statement: where it ends in a text, the span ends before the quote.
fn end_of(source: &str, span: &Span) -> usize {
    let end = span.end as usize;
    let is_quote = source.get(end..).is_some_and(|rest| rest.starts_with(['"', '`']));
    end + usize::from(is_quote)
}

fn is_set_of_sets(rule: &Rule) -> bool {
    match rule {
        Rule::Spec { head: RuleHead::Set { refr, .. }, .. } => !matches!(refr.as_ref(), Expr::Var { .. }),
        _ => false,
    }
}

/// The guards of an assignment.
fn assigned(source: &str, statement: &LiteralStmt) -> Vec<Guard> {
    let Literal::Expr { expr, .. } = &statement.literal else { return Vec::new() };
    let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() else { return Vec::new() };
    let (start, end) = (statement.span.start as usize, end_of(source, &statement.span));
    let mut guards: Vec<Guard> = names(lhs)
        .into_iter()
        .map(|name| Guard { place: end, rank: 0, text: format!("; {name} == {name}"), statements: 1 })
        .collect();
    // A body of one statement may stand without braces.
    let before = source.get(..start).unwrap_or_default().trim_end();
    if before.ends_with(" if") {
        guards.push(Guard { place: start, rank: 0, text: "{ ".to_owned(), statements: 0 });
        guards.push(Guard { place: end, rank: 1, text: " }".to_owned(), statements: 0 });
    }
    guards
}

/// The names that a pattern binds.
fn names(pattern: &ExprRef) -> Vec<&str> {
    match pattern.as_ref() {
        Expr::Var { span, .. } if span.text() != "_" => vec![span.text()],
        Expr::Array { items, .. } => items.iter().flat_map(names).collect(),
        Expr::Object { fields, .. } => fields.iter().flat_map(|(_, _, value)| names(value)).collect(),
        _ => Vec::new(),
    }
}

/// Where the query of a comprehension ends, and what the comprehension yields, on one line.
fn yielded(source: &str, span: &Span, query: &Query, around: (&str, &str)) -> Option<(usize, String)> {
    let text = source.get(span.start as usize + 1..query.span.start as usize)?;
    let is_bar = source.get(query.span.start as usize..)?.starts_with('|');
    // A comment would end at the end of the line that is no more.
    let is_plain = is_bar && !(text.contains('#') && text.contains('\n'));
    let text = format!("{}{}{}", around.0, text.replace(['\n', '\r'], " ").trim(), around.1);
    is_plain.then_some((end_of(source, &query.stmts.last()?.span), text))
}
