//! `assize test`.

use std::path::Path;

use super::args::{Common, TestArguments};
use super::{Failure, discover, output, policies};
use crate::exit::Exit;
use crate::load::Source as _;
use crate::policy::Selection;
use crate::report::for_terminal;
use crate::run::{run_examples, run_mutants};

pub(super) fn run(arguments: &TestArguments, common: &Common) -> Result<Exit, Failure> {
    let root = discover(arguments.paths.first().map(AsRef::as_ref))?;
    let selection = Selection { rules: arguments.rule.clone(), with_examples: true, ..Selection::default() };
    let Some(mut policies) = policies(&root, &selection, common)? else { return Ok(Exit::Problems) };
    if !arguments.paths.is_empty() {
        let mut wanted = Vec::new();
        for path in &arguments.paths {
            let relative = root.relative(path).ok_or_else(|| {
                Failure::Plain(format!("{} does not exist, or leads out of the repository", path.display()))
            })?;
            wanted.push(relative);
        }
        policies.rules.rules.retain(|rule| {
            // The paths of the built-in library mean files here only where it is at home.
            let own = rule.origin.file.to_string();
            let file = if rule.origin.is_builtin { root.below_base(&own) } else { own };
            (!rule.origin.is_builtin || root.top.join(&file).is_file())
                && wanted.iter().any(|wanted| Path::new(&file).starts_with(wanted))
        });
    }
    let report = run_examples(&policies);
    let mut text = String::new();
    for failure in &report.failures {
        let place =
            format!("{}:{}:{}", failure.location.file, failure.location.line, failure.location.column);
        line(&mut text, &format!("{}: example {:?} fails ({place})", failure.rule, failure.example));
        for difference in &failure.differences {
            line(&mut text, &format!("  {difference}"));
        }
    }
    if !common.quiet {
        for rule in &report.untested {
            line(&mut text, &format!("{rule}: has no examples"));
        }
        line(
            &mut text,
            &format!(
                "{} {}, {} examples passed, {} failed",
                report.rules,
                if report.rules == 1 { "rule" } else { "rules" },
                report.passed,
                report.failures.len(),
            ),
        );
    }
    let mut has_survivors = false;
    if arguments.mutate && report.failures.is_empty() {
        let mutation = run_mutants(&policies);
        for survivor in &mutation.survivors {
            line(&mut text, &format!("{}: no example notices: {}", survivor.rule, survivor.change));
        }
        let (killed, survivors) = (mutation.killed, mutation.survivors.len());
        line(&mut text, &format!("{} changes, {killed} noticed, {survivors} not", killed + survivors));
        has_survivors = survivors > 0;
    }
    output::to_stdout(text.as_bytes())?;
    let problems: Vec<_> = policies.problems.iter().chain(&report.problems).cloned().collect();
    if !problems.is_empty() {
        output::problems(&root, &problems, common)?;
        return Ok(Exit::Problems);
    }
    if report.rules == 0 {
        return Err(Failure::Plain("no rule is selected, so nothing was tested".to_owned()));
    }
    Ok(if report.failures.is_empty() && !has_survivors { Exit::Clean } else { Exit::Findings })
}

fn line(text: &mut String, content: &str) {
    text.push_str(&for_terminal(content));
    text.push('\n');
}
