//! What a report for auditors needs beside a check: who was judged, and what stands at the artefacts of evidence.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Check, CheckRequest, in_pool, policies_of};
use super::policies::PolicyError;
use super::sources::Sources;
use crate::evaluate::Matched;
use crate::finding::Identity;
use crate::load::{Held, LoadError, Source};
use crate::outcome::{Artefact, Declared, Evaluated, artefact, outcomes};
use crate::policy::{BaselineChoice, Framework, Rule};
use crate::problem::{Code, Problem};
use crate::report::{Audit, Births};

/// Runs a check over the whole estate, and works out the outcome of each requirement. The frameworks are those that the
/// request selects, else those of the configuration, else all.
///
/// # Errors
/// As [`super::check`], and where a framework is named that does not exist.
pub fn audit(
    sources: &Sources<'_>,
    request: &CheckRequest,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Audit, PolicyError> {
    let mut request = CheckRequest { with_population: true, ..request.clone() };
    // Nobody has approved what merely stood: to an auditor it is a finding.
    request.selection.baseline = BaselineChoice::None;
    in_pool(&request, |as_of| {
        let policies = policies_of(sources, &request)?;
        let known = &policies.rules.frameworks;
        let named: BTreeSet<&str> = if request.selection.frameworks.is_empty() {
            let configured = policies.config.frameworks.iter().flatten();
            configured.map(|(name, _)| name.as_str()).collect()
        } else {
            request.selection.frameworks.iter().map(String::as_str).collect()
        };
        if let Some(name) = named.iter().find(|name| !known.contains_key(**name)) {
            return Err(unknown(name, known));
        }
        let is_wanted = |framework: &&Framework| named.is_empty() || named.contains(framework.id.as_str());
        let frameworks: Vec<&Framework> = known.values().filter(is_wanted).collect();
        let check = Check::new(sources, &request, &policies, as_of.clone());
        let listed = check.list();
        let results = check.first_pass(&listed.entries, progress);
        let (seen, mut gleaned) = check.glean(results, listed);
        let mut joined = check.second_pass(&seen, None);
        let outcomes_of_both = gleaned.outcomes.iter_mut().chain(&mut joined);
        let mut matched: Vec<Matched> =
            outcomes_of_both.filter_map(|outcome| outcome.matched.take()).collect();
        let mut declared = std::mem::take(&mut gleaned.declared);
        let mut report = check.conclude(&seen, gleaned, joined);
        declared.sort_by(|one, other| one.location().cmp(other.location()));
        let identities: BTreeSet<&Identity> =
            seen.inventory.resources().map(|(_, resource)| &resource.identity).collect();
        let (artefacts, problems) = artefacts(sources.estate, &declared, request.limits.file_size);
        report.problems.extend(problems);
        let tallies: Vec<_> = report.rules.iter().map(|rule| rule.tally).collect();
        // The report names no rule that is for other roles, and numbers the others anew.
        let all = &policies.rules.rules;
        let binds = |rule: &Rule| report.run.roles.bind(&rule.roles);
        let rules: Vec<&Rule> = all.iter().filter(|rule| binds(rule)).collect();
        let mut next = 0_u32..;
        let places: Vec<Option<u32>> =
            all.iter().map(|rule| if binds(rule) { next.next() } else { None }).collect();
        for matched in &mut matched {
            matched.renumber(&places);
        }
        let outcomes = outcomes(&Evaluated {
            rules: &rules,
            roles: &report.run.roles,
            tallies: &tallies,
            not_selected: &report.not_selected,
            findings: &report.findings,
            matched: &matched,
            waivers: &report.waivers,
            frameworks: &frameworks,
            known,
            declared,
            identities: &identities,
            artefacts: &artefacts,
            as_of: &as_of,
        });
        Ok(Audit { report, outcomes, period: None, births: Births::NotAsked })
    })
}

fn unknown(name: &str, known: &BTreeMap<String, Framework>) -> PolicyError {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    PolicyError::Load(LoadError {
        message: format!("no framework is called {name}"),
        help: Some(format!("there are {}", names.join(", "))),
    })
}

/// What stands at the artefacts that evidence names. One that cannot be read as it should be is a defect of the evidence,
/// and no problem of the run.
fn artefacts(
    source: &dyn Source,
    declared: &[Declared],
    limit: u64,
) -> (BTreeMap<String, Artefact>, Vec<Problem>) {
    let mut found = BTreeMap::new();
    let mut problems = Vec::new();
    for declared in declared {
        let Declared::Evidence(evidence) = declared else { continue };
        let Some(path) = evidence.artefact.as_ref().filter(|path| !found.contains_key(*path)) else {
            continue;
        };
        let unreadable = |reason: &str| Artefact::Unreadable(reason.to_owned());
        let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let there = if path.contains("://") {
            unreadable("is not in the repository, so that its digest cannot be computed")
        } else if !is_plain || path.contains('\\') {
            unreadable("should be named by a plain path from the folder of assize.yaml")
        } else {
            match source.holds(path) {
                Held::File => match source.read_path(&source.below_base(path), limit) {
                    Ok(bytes) => artefact(&bytes),
                    Err(problem) => {
                        // Whatever git lacks must not look like a finding alone.
                        let is_missing = problem.code == Code::MissingObject;
                        let message = problem.message.clone();
                        problems.extend(is_missing.then_some(*problem));
                        Artefact::Unreadable(format!("cannot be read: {message}"))
                    }
                },
                Held::Folder => unreadable("is a folder, should be a file"),
                Held::Link => unreadable("is a symbolic link, should be the file itself"),
                Held::Ignored => unreadable("is ignored by git, so that nobody else has it"),
                Held::Nothing => unreadable("is not in the repository"),
                Held::Outside => unreadable("leads out of the repository"),
                Held::Unknown => unreadable("cannot be looked up: a folder on the way cannot be read"),
            }
        };
        found.insert(path.clone(), there);
    }
    (found, problems)
}
