//! `assize test`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::args::{Common, CoverageFormat, TestArguments};
use super::{Failure, PolicyPlace, output, policies};
use crate::exit::Exit;
use crate::load::{Root, Source as _};
use crate::policy::{Rule, Selection};
use crate::report::{Coverage, for_terminal};
use crate::run::{ExampleReport, Policies, cover_examples, run_examples, run_mutants};

pub(super) fn run(arguments: &TestArguments, common: &Common) -> Result<Exit, Failure> {
    // What is there is a path, whatever rules are called.
    let is_path = |target: &&PathBuf| target.exists();
    let (paths, names): (Vec<&PathBuf>, Vec<&PathBuf>) = arguments.targets.iter().partition(is_path);
    // A path that is not there is told by the place where the search begins, as everywhere.
    let looks_like_path = |name: &&&PathBuf| name.components().count() > 1 || name.extension().is_some();
    let start = names.iter().find(looks_like_path).or(paths.first());
    let place = PolicyPlace::open(arguments.policies.as_deref(), start.map(|path| path.as_path()))?;
    let selection = Selection {
        rules: arguments.rule.clone(),
        with_examples: true,
        with_changes: true,
        ..Selection::default()
    };
    let Some(mut policies) = policies(&place, &selection, common)? else { return Ok(Exit::Problems) };
    if !arguments.targets.is_empty() {
        let root = if let PolicyPlace::Here(root) = &place { Some(&**root) } else { None };
        select(&mut policies, root, &paths, &names)?;
    }
    let report = run_examples(&policies);
    let mut text = results(&report, common);
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
    write(&text, arguments, &policies)?;
    let problems: Vec<_> = policies.problems.iter().chain(&report.problems).cloned().collect();
    if !problems.is_empty() {
        place.problems(&problems, common)?;
        return Ok(Exit::Problems);
    }
    if report.rules == 0 {
        return Err(Failure::Plain("no rule is selected, so nothing was tested".to_owned()));
    }
    Ok(if report.failures.is_empty() && !has_survivors { Exit::Clean } else { Exit::Findings })
}

/// Keeps the rules that are named, and those whose file is, or lies in, one of the paths.
fn select(
    policies: &mut Policies,
    root: Option<&Root>,
    paths: &[&PathBuf],
    names: &[&PathBuf],
) -> Result<(), Failure> {
    let mut wanted_paths = Vec::new();
    for path in paths {
        let Some(root) = root else {
            return Err(Failure::Plain(format!(
                "with --policies, name rules, not paths: {}",
                path.display()
            )));
        };
        wanted_paths.push(root.relative(path).ok_or_else(|| {
            Failure::Plain(format!("{} does not exist, or leads out of the repository", path.display()))
        })?);
    }
    let mut wanted_names = Vec::new();
    for name in names {
        let name = name.to_string_lossy();
        if policies.rules.rule(&name).is_none() {
            let known = policies.rules.rules.iter().map(|rule| &*rule.name);
            let best = known.map(|known| (strsim::damerau_levenshtein(known, &name), known)).min();
            let nearest = best.filter(|(distance, known)| *distance <= 1 + known.len() / 4);
            let hint = nearest.map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"));
            return Err(Failure::Plain(format!("{name} is neither a rule nor a path{hint}")));
        }
        wanted_names.push(name.into_owned());
    }
    let is_wanted = |rule: &Rule| {
        // The paths of the built-in library mean files here only where it is at home.
        let Some(root) = root else { return wanted_names.iter().any(|name| **name == *rule.name) };
        let own = rule.origin.file.to_string();
        let file = if rule.origin.is_builtin { root.below_base(&own) } else { own };
        let is_here = !rule.origin.is_builtin || root.top.join(&file).is_file();
        wanted_names.iter().any(|name| **name == *rule.name)
            || (is_here && wanted_paths.iter().any(|wanted| Path::new(&file).starts_with(wanted)))
    };
    policies.rules.rules.retain(is_wanted);
    Ok(())
}

/// What came of the examples: what failed, in full, and a line for the sum.
fn results(report: &ExampleReport, common: &Common) -> String {
    let mut text = String::new();
    for failure in &report.failures {
        let place =
            format!("{}:{}:{}", failure.location.file, failure.location.line, failure.location.column);
        line(&mut text, &format!("{}: example {:?} fails ({place})", failure.rule, failure.example));
        for difference in &failure.differences {
            line(&mut text, &format!("  {difference}"));
        }
    }
    if report.failures.iter().any(|failure| failure.differences.iter().any(|line| !line.starts_with('!'))) {
        line(
            &mut text,
            "(- expected, did not come; + came, not expected; as expected where there is no sign)",
        );
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
    text
}

/// The results to standard output, or to standard error where that is taken by a format for programs; then coverage.
fn write(text: &str, arguments: &TestArguments, policies: &Policies) -> Result<(), Failure> {
    let mut to_stdout = arguments.coverage.iter().filter(|each| each.file.is_none());
    let first = to_stdout.next();
    if to_stdout.next().is_some() {
        return Err(Failure::Plain(
            "two formats go to standard output; give one a file: --coverage=json=coverage.json".to_owned(),
        ));
    }
    if first.is_some_and(|each| each.format != CoverageFormat::Text) {
        io::stderr().lock().write_all(text.as_bytes())?;
    } else {
        output::to_stdout(text.as_bytes())?;
    }
    if arguments.coverage.is_empty() {
        return Ok(());
    }
    let coverage = cover_examples(policies);
    output::each(&arguments.coverage, |output| {
        let write = match output.format {
            CoverageFormat::Text => Coverage::write_text,
            CoverageFormat::Json => Coverage::write_json,
            CoverageFormat::Lcov => Coverage::write_lcov,
        };
        if let Some(path) = &output.file {
            output::to_file(path, &mut |out| write(&coverage, out))?;
        } else {
            let mut text = Vec::new();
            write(&coverage, &mut text)?;
            output::to_stdout(&text)?;
        }
        Ok(())
    })
}

fn line(text: &mut String, content: &str) {
    text.push_str(&for_terminal(content));
    text.push('\n');
}
