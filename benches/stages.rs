//! Measures the stages of a `check` and prints the tables of `benches/README.md`.
//!
//! Input: `cargo bench --bench stages [-- SIZE …]`. Output: Markdown on standard output. The estate comes from a
//! fixed seed and is written to a temporary folder. Whole runs are measured in processes of their own (this
//! program, started again), so that peak memory is that of one run. Times are the least of several runs.
#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people, measured on real files"
)]

mod estate;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use assize::date::Moment;
use assize::estate::{Candidate, Expectation, KindName, classify};
use assize::evaluate::{Around, FileContext, Outcome, Phase, admit, evaluate};
use assize::load::Root;
use assize::plan::Plan;
use assize::policy::{Check, Rule, RuleSet, Selection};
use assize::rego::World;
use assize::run::{CheckRequest, Policies, check, load_policies};
use assize::schema::RunContext;
use assize::yaml::{Limits, Tape, parse};

/// Seed of the estate.
const SEED: u64 = 20_261_120;
/// The clock of every run.
const CLOCK: &str = "2026-11-20";
/// Rules of the library that the runs are limited to: the first in alphabetical order that apply to the estate.
const RULES: usize = 30;
/// Repetitions, of which the fastest counts.
const REPETITIONS: usize = 5;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [mode, folder, threads, rules] if mode == "once" => once(Path::new(folder), threads, rules),
        sizes => {
            let sizes: Vec<usize> = sizes.iter().filter_map(|size| size.parse().ok()).collect();
            loading();
            let sizes = if sizes.is_empty() { vec![10_000, 100_000] } else { sizes };
            for size in sizes {
                measure(size);
            }
        }
    }
}

/// One whole run in this process: prints milliseconds, findings, pairs and peak memory in KiB.
fn once(folder: &Path, threads: &str, rules: &str) {
    let start = Instant::now();
    let root = Root::discover(folder).expect("the estate was written before");
    let request = CheckRequest {
        selection: selection(rules),
        as_of: CLOCK.to_owned(),
        threads: threads.parse().unwrap_or_default(),
        ..CheckRequest::default()
    };
    let report =
        check(&(&root).into(), &request, &|_, _| ()).expect("the estate has no configuration to be wrong");
    let elapsed = start.elapsed();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    let peak = peak.split_whitespace().next().unwrap_or("0");
    assert!(report.problems.is_empty(), "the estate is sound: {:?}", report.problems.first());
    println!("{} {} {} {peak}", elapsed.as_micros(), report.findings.len(), report.counts.pairs);
}

fn selection(rules: &str) -> Selection {
    let rules = rules.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
    Selection { rules, ..Selection::default() }
}

/// What every run begins with, in a folder that holds nothing.
fn loading() {
    let folder = env::temp_dir().join(format!("assize-bench-{}-nothing", std::process::id()));
    fs::create_dir_all(&folder).expect("the temporary folder can be written to");
    let root = Root::discover(&folder).expect("the folder was just made");
    let load = |kinds: bool| {
        let policies = load_policies(&root, &Selection::default(), 1).expect("there is no configuration");
        if kinds {
            let bodies = policies.kinds.iter().filter(|kind| kind.body().is_ok());
            black_box(bodies.count());
        }
        black_box(policies);
    };
    println!("\n| before any document is read, one thread | time |\n| --- | --- |");
    for (name, with_kinds) in [("load the library", false), ("and compile the schemas of all kinds", true)] {
        println!("| {name} | {:.1} ms |", fastest(|| load(with_kinds)).as_secs_f64() * 1e3);
    }
    drop(fs::remove_dir_all(&folder));
}

fn measure(size: usize) {
    let files = estate::generate(size, SEED);
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let folder = write(&files, size);
    let root = Root::discover(&folder).expect("the folder was just written");
    let matched = matched(&root);
    let rules = applicable(&root, &matched, is_plain);
    let dated = applicable(&root, &matched, uses_dates);
    let joined =
        applicable(&root, &matched, |rule| rule.is_joined && rule.check.rego().is_none() || uses_dates(rule));
    let references = applicable(&root, &matched, |rule| rule.is_joined && rule.check.rego().is_none());
    let simple = applicable(&root, &matched, |rule| !rule.origin.is_builtin);
    let in_rego = applicable(&root, &matched, |rule| rule.check.rego().is_some() && rule.origin.is_builtin);
    let first = |names: &str, most: usize| names.split(',').take(most).collect::<Vec<_>>().join(",");
    let mixed = [rules.clone(), first(&joined, 15), first(&simple, 15)].join(",");
    let count = |names: &str| names.split(',').count();
    println!(
        "\nThe mixed run has {} rules of plain JSON Schema, {} on references or dates, {} in Rego.",
        count(&rules),
        count(&first(&joined, 15)),
        count(&simple)
    );
    let load = |rules: &str| load_policies(&root, &selection(rules), 0).expect("there is no configuration");
    println!(
        "\n### {size} resources, {} files, {:.1} MB, {RULES} rules\n",
        files.len(),
        megabytes(bytes as u64)
    );
    stages(
        &root,
        &files,
        bytes,
        [("of plain JSON Schema", &load(&rules)), ("on dates and durations", &load(&dated))],
    );
    println!("\n| whole `check` | threads | time | MB/s | findings | pairs | peak memory |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, rules) in [
        ("30 rules of plain JSON Schema", rules.as_str()),
        ("30 plain, 15 on references or dates, 15 simple ones in Rego", mixed.as_str()),
        ("15 simple ones in Rego alone", simple.as_str()),
        ("those of the library in Rego that match, alone", &first(&in_rego, 30)),
        ("15 on references alone", &first(&references, 15)),
        ("whole library", ""),
        ("one rule", "unowned-asset"),
    ] {
        for threads in ["1", "2"] {
            whole(&folder, name, rules, threads, bytes);
        }
    }
    drop(fs::remove_dir_all(&folder));
}

/// Kinds of the estate that the simple rules are about.
const KINDS: [&str; 15] = [
    "AccessReview",
    "Account",
    "Application",
    "Assessment",
    "BackupPlan",
    "Certificate",
    "DataFlow",
    "DataStore",
    "EncryptionKey",
    "FirewallRule",
    "Hardware",
    "NetworkSegment",
    "Person",
    "Service",
    "Team",
];

/// Fifteen rules in Rego that ask little: the first eight of the document alone, the others of who refers to it.
fn simple_rules() -> String {
    let rule = |(position, kind): (usize, &&str)| {
        let condition = if position < 8 {
            "name := input.metadata.name\n      endswith(name, \"-that-is-not-there\")"
        } else {
            "some user in data.referrers.Application\n      user.document.spec.lifecycle == \"never\""
        };
        let name = kind.to_lowercase();
        format!(
            "apiVersion: assize.dev/v1\nkind: Rule\nmetadata: {{name: simple-{name}, title: A title}}\nspec:\n  severity: low\n  \
             rationale: It is measured.\n  remediation: None.\n  match: {{kinds: [{kind}]}}\n  rego: |\n    deny contains {{\"msg\": \
             \"found\", \"path\": [\"spec\"]}} if {{\n      {condition}\n    }}\n"
        )
    };
    KINDS.iter().enumerate().map(rule).collect::<Vec<_>>().join("---\n")
}

fn write(files: &[estate::EstateFile], size: usize) -> PathBuf {
    let folder = env::temp_dir().join(format!("assize-bench-{size}-{}", std::process::id()));
    for file in files {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(&folder)).expect("a temporary folder can be written");
        fs::write(path, &file.text).expect("a temporary folder can be written");
    }
    let policies = folder.join("policies");
    fs::create_dir_all(&policies).expect("a temporary folder can be written");
    fs::write(policies.join("simple.yaml"), simple_rules()).expect("a temporary folder can be written");
    folder
}

/// Whether a rule looks at one document by plain JSON Schema (`x-has` is that).
fn is_plain(rule: &Rule) -> bool {
    !rule.is_joined && !uses_dates(rule) && !text_of(rule).contains("\"x-contains\"")
}

/// Whether a rule looks at one document with the keywords for dates, durations and other values.
fn uses_dates(rule: &Rule) -> bool {
    let text = text_of(rule);
    !rule.is_joined
        && ["x-date", "x-duration", "x-value"].iter().any(|keyword| text.contains(&format!("\"{keyword}\"")))
}

fn text_of(rule: &Rule) -> String {
    let Check::Schema { schema, .. } = &rule.check else { return String::new() };
    let conditions = rule.matches.iter().filter_map(|each| each.condition());
    conditions.chain([schema]).map(ToString::to_string).collect()
}

/// The rules of the library that match a resource of the estate.
fn matched(root: &Root) -> BTreeSet<Arc<str>> {
    let request = CheckRequest { as_of: CLOCK.to_owned(), ..CheckRequest::default() };
    let report = check(&root.into(), &request, &|_, _| ()).expect("there is no configuration");
    let rules = report.rules.iter().filter(|rule| rule.tally.matched > 0);
    rules.map(|rule| Arc::clone(&rule.name)).collect()
}

/// Names of the first rules of a sort that match a resource.
fn applicable(root: &Root, matched: &BTreeSet<Arc<str>>, is_meant: fn(&Rule) -> bool) -> String {
    let policies = load_policies(root, &Selection::default(), 0).expect("there is no configuration");
    let rules = policies.rules.rules.iter().filter(|rule| matched.contains(&rule.name) && !rule.is_engine());
    let names: Vec<&str> = rules.filter(|rule| is_meant(rule)).map(|rule| &*rule.name).take(RULES).collect();
    assert!(!names.is_empty(), "the estate is made for more rules than none");
    names.join(",")
}

fn judge_all(plan: &Plan<'_>, name: &Arc<str>, tape: &Tape, candidates: &[Candidate], outcome: &mut Outcome) {
    let around = Around {
        run: RunContext { as_of: Moment::parse(CLOCK).expect("it is a date"), inventory: None },
        world: Arc::new(World::empty()),
        is_whole: false,
        given_up: BTreeSet::new(),
        part: None,
    };
    let text = || Cow::Borrowed(tape.source());
    let mut context = FileContext::new(name, name, &text);
    for candidate in candidates {
        let kind = plan.for_kind(&KindName::of(&candidate.identity));
        let admitted = admit(plan, &kind, candidate, tape, &mut context, &mut outcome.problems);
        evaluate(plan, &kind, Phase::Local, &admitted, &around, &mut context, outcome);
    }
}

/// The fastest of several runs.
fn fastest(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..REPETITIONS).map(time).min().unwrap_or_default()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Each stage alone, in one thread, on text in memory.
fn stages(root: &Root, files: &[estate::EstateFile], bytes: usize, sets: [(&str, &Policies); 2]) {
    println!("| stage, one thread | time | MB/s | a resource | a pair |");
    println!("| --- | --- | --- | --- | --- |");
    let size: usize = files.iter().map(|file| file.text.matches("\nkind: ").count()).sum();
    let row = |name: &str, time: Duration, pairs: u64| {
        let per = |count: f64| {
            if count > 0.0 { format!("{:.0} ns", time.as_nanos() as f64 / count) } else { String::new() }
        };
        let speed = megabytes(bytes as u64) / time.as_secs_f64();
        println!(
            "| {name} | {:.0} ms | {speed:.0} | {} | {} |",
            time.as_secs_f64() * 1e3,
            per(size as f64),
            per(pairs as f64)
        );
    };
    let names: Vec<Arc<str>> = files.iter().map(|file| file.path.as_str().into()).collect();
    let top = root.top.clone();
    let read = fastest(|| {
        for file in files {
            black_box(fs::read(top.join(&file.path)).expect("the file was written"));
        }
    });
    let parse_all = |limits: Limits| {
        fastest(|| {
            for (file, name) in files.iter().zip(&names) {
                black_box(parse(file.text.clone().into_bytes(), name, &limits));
            }
        })
    };
    let parsed = parse_all(Limits::default());
    let parsed_strictly = parse_all(Limits { strict: true, ..Limits::default() });
    let fast: usize = files
        .iter()
        .zip(&names)
        .map(|(file, name)| parse(file.text.clone().into_bytes(), name, &Limits::default()).0.fast_bytes)
        .sum();
    let share = 100.0 * fast as f64 / bytes as f64;
    // Only the first files are kept, so that memory stays in the cache as it does in a run.
    let mut tapes: Vec<(Arc<str>, Tape, Vec<Candidate>)> = Vec::new();
    for (file, name) in files.iter().zip(&names).take(500) {
        let (mut tape, _) = parse(file.text.clone().into_bytes(), name, &Limits::default());
        let found = classify(&mut tape, name, None, Expectation::Anything);
        tapes.push((Arc::clone(name), tape, found.candidates));
    }
    let kept: usize = tapes.iter().map(|(_, _, candidates)| candidates.len()).sum();
    let scale = |time: Duration| time.mul_f64(size as f64 / kept as f64);
    let classified = fastest(|| {
        for (name, tape, _) in &mut tapes {
            black_box(classify(tape, name, None, Expectation::Anything));
        }
    });
    let run = |plan: &Plan<'_>, rules: usize| {
        let mut pairs = 0;
        let time = fastest(|| {
            let mut outcome = Outcome::new(rules);
            for (name, tape, candidates) in &tapes {
                judge_all(plan, name, tape, candidates, &mut outcome);
            }
            pairs = outcome.tallies.iter().map(|tally| tally.matched).sum();
        });
        (time, pairs)
    };
    let no_rules = RuleSet::default();
    row("read the files", read, 0);
    row(&format!("parse to the tape, {share:.1} % of the bytes by the fast parser"), parsed, 0);
    row("the same by the general parser alone (`--strict-parser`)", parsed_strictly, 0);
    row("find the resources", scale(classified), 0);
    for (name, policies) in sets {
        let (alone, _) = run(&Plan::new(&no_rules, &policies.kinds, Vec::new()), 0);
        let plan = Plan::new(&policies.rules, &policies.kinds, Vec::new());
        let (all, pairs) = run(&plan, policies.rules.rules.len());
        if name.contains("plain") {
            row("name them, and check them against the schema of their kind", scale(alone), 0);
        }
        let pairs = (pairs as f64 * size as f64 / kept as f64) as u64;
        row(
            &format!("evaluate {RULES} rules {name} where they apply"),
            scale(all.saturating_sub(alone)),
            pairs,
        );
    }
}

fn whole(folder: &Path, name: &str, rules: &str, threads: &str, bytes: usize) {
    let program = env::current_exe().expect("this program runs");
    let run = || -> Vec<u64> {
        let output =
            Command::new(&program).args(["once", &folder.to_string_lossy(), threads, rules]).output();
        let output = output.expect("this program can be started again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    let best = (0..REPETITIONS).map(|_| run()).min().unwrap_or_default();
    let [micros, findings, pairs, peak] = best.as_slice() else { return };
    let seconds = *micros as f64 / 1e6;
    println!(
        "| {name} | {threads} | {seconds:.2} s | {:.0} | {findings} | {pairs} | {:.0} MB |",
        megabytes(bytes as u64) / seconds,
        *peak as f64 * 1024.0 / 1e6
    );
}
