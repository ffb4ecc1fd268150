//! Measures the stages of a `check` and prints the tables of `benches/README.md`.
//!
//! Input: `cargo bench --bench stages [-- SIZE …]`, by default 1,000, 10,000 and 100,000 resources. Output: Markdown on standard output.
//! The estate comes from a fixed seed and is written to a temporary folder; `-- write FOLDER SIZE` writes it where one likes and does no
//! more. Whole runs are measured in processes of their own (this program, started again), so that peak memory is that of one run. Times
//! are the least of several runs. The stages are measured at 10,000 resources, or at the largest size where all are smaller.
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
        [mode, folder, size] if mode == "write" => {
            let size = size.parse().expect("the size is a number of resources");
            let (bytes, paths) = write(Path::new(folder), size);
            println!("{bytes} bytes in {} files", paths.len());
        }
        sizes => {
            let number =
                |size: &String| size.parse().expect("write FOLDER SIZE, or sizes: numbers of resources");
            let sizes: Vec<usize> = sizes.iter().map(number).collect();
            let sizes = if sizes.is_empty() { vec![1_000, 10_000, 100_000] } else { sizes };
            heading();
            loading();
            measure_stages(sizes.iter().max().copied().unwrap_or_default().min(10_000));
            measure_growth(&sizes);
        }
    }
}

/// One whole run in this process: prints microseconds, milliseconds of CPU (user and system, to ten), findings, pairs and peak memory in
/// KiB.
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
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    println!(
        "{} {} {} {} {peak}",
        elapsed.as_micros(),
        ticks * 10,
        report.findings.len(),
        report.counts.pairs
    );
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
    println!("\n### Start\n\n| before any document is read, one thread | time |\n| --- | --- |");
    for (name, with_kinds) in [("load the library", false), ("and compile the schemas of all kinds", true)] {
        println!("| {name} | {:.1} ms |", fastest(|| load(with_kinds)).as_secs_f64() * 1e3);
    }
    drop(fs::remove_dir_all(&folder));
}

/// What the tables begin with: the machine, the day, and whether other work went on.
fn heading() {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": a processor");
    let cpu = cpu.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let rustc =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let rustc = String::from_utf8_lossy(&rustc).split(" (").next().unwrap_or_default().to_owned();
    let now = jiff::Timestamp::now().to_string();
    let (day, minute) = now.split_once('T').unwrap_or_default();
    let minute = minute.get(..5).unwrap_or_default();
    println!(
        "Begun on {day} at {minute} UTC: {cores} cores ({cpu}), {rustc}, release profile; load of the machine before it {load}."
    );
}

/// An estate on disk.
struct Scene {
    size: usize,
    bytes: u64,
    paths: Vec<PathBuf>,
    folder: PathBuf,
    root: Root,
}

impl Scene {
    fn new(size: usize) -> Self {
        let folder = env::temp_dir().join(format!("assize-bench-{size}-{}", std::process::id()));
        let (bytes, paths) = write(&folder, size);
        let policies = folder.join("policies");
        fs::create_dir_all(&policies).expect("a temporary folder can be written");
        fs::write(policies.join("simple.yaml"), simple_rules()).expect("a temporary folder can be written");
        let root = Root::discover(&folder).expect("the folder was just written");
        Self { size, bytes, paths, folder, root }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Names of rules, apart by commas, of one sort each.
struct Sorts {
    plain: String,
    dated: String,
    references: String,
    simple: String,
    in_rego: String,
    mixed: String,
    without_rego: String,
}

impl Sorts {
    fn of(root: &Root) -> Self {
        let matched = matched(root);
        let plain = applicable(root, &matched, is_plain);
        let references =
            first(&applicable(root, &matched, |rule| rule.is_joined && rule.check.rego().is_none()), 15);
        let simple = first(&applicable(root, &matched, |rule| !rule.origin.is_builtin), 15);
        let in_rego =
            applicable(root, &matched, |rule| rule.check.rego().is_some() && rule.origin.is_builtin);
        let mixed = [plain.as_str(), &references, &simple].join(",");
        let without_rego = all_applicable(root, &matched, |rule| rule.check.rego().is_none());
        let dated = applicable(root, &matched, uses_dates);
        Self { plain, dated, references, simple, in_rego, mixed, without_rego }
    }
}

/// The stages alone, and whole runs by sort of rules.
fn measure_stages(size: usize) {
    let scene = Scene::new(size);
    let sorts = Sorts::of(&scene.root);
    let files = estate::generate(size, SEED);
    let load =
        |rules: &str| load_policies(&scene.root, &selection(rules), 0).expect("there is no configuration");
    println!("\n### Stages: {size} resources, {} files, {:.1} MB\n", files.len(), megabytes(scene.bytes));
    let sets =
        [("of plain JSON Schema", &load(&sorts.plain)), ("on dates and durations", &load(&sorts.dated))];
    stages(&scene.root, &files, scene.bytes, sets);
    println!("\n### Whole runs by sort of rules: {size} resources, one thread\n\n{WHOLE_HEAD}");
    for (name, rules) in [
        ("one rule", "unowned-asset"),
        ("of plain JSON Schema", sorts.plain.as_str()),
        ("on references", &sorts.references),
        ("simple ones in Rego", &sorts.simple),
        ("of the library in Rego", &sorts.in_rego),
        ("plain, on references, simple ones in Rego", &sorts.mixed),
        ("whole library", ""),
    ] {
        let count = rules.split(',').count();
        let name = if rules.is_empty() || count == 1 { name.to_owned() } else { format!("{count} {name}") };
        row(&name, "1", &scene, &whole(&scene, rules, "1"));
    }
}

/// Whole runs of growing size, with one thread and two, and what is left to gain in the largest.
fn measure_growth(sizes: &[usize]) {
    println!("\n### Growth\n\n{}", WHOLE_HEAD.replacen("rules", "resources, rules", 1));
    let mut limits = String::new();
    for &size in sizes {
        let scene = Scene::new(size);
        let sorts = Sorts::of(&scene.root);
        let mut seconds = Vec::new();
        for (name, rules) in [
            ("one rule", "unowned-asset"),
            ("30 plain", &sorts.plain),
            ("all without Rego", &sorts.without_rego),
            ("whole library", ""),
        ] {
            for threads in ["1", "2"] {
                let figures = whole(&scene, rules, threads);
                row(&format!("{size}, {name}"), threads, &scene, &figures);
                if threads == "1" {
                    seconds.push(figures.cpu);
                }
            }
        }
        // In a small estate the start is most of a run.
        if size < 10_000 {
            continue;
        }
        let (read, parsed) = read_and_parse(&scene);
        let floor = read + parsed;
        limits.push_str(&format!(
            "| {size} | {:.0} MB | {read:.2} s | {parsed:.2} s |",
            megabytes(scene.bytes)
        ));
        for run in seconds {
            limits.push_str(&format!(" {run:.2} s, {:.1} times |", run / floor));
        }
        limits.push('\n');
    }
    if limits.is_empty() {
        return;
    }
    println!(
        "\n### Distance to the limit\n\nOne thread. A run can be no faster than reading the bytes and parsing them; behind each run stands how \
         many times that it takes.\n\n\
         | resources | bytes | read the files | parse them | one rule | 30 plain | all without Rego | whole library |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n{limits}"
    );
}

/// Seconds that reading the files takes, and parsing what was read.
fn read_and_parse(scene: &Scene) -> (f64, f64) {
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..repetitions(scene.size) {
        let (mut read, mut parsed) = (Duration::ZERO, Duration::ZERO);
        // Some files at a time: asking for the time costs as much as reading a small one.
        for paths in scene.paths.chunks(100) {
            let start = Instant::now();
            let texts: Vec<Vec<u8>> =
                paths.iter().map(|path| fs::read(path).expect("the file was written")).collect();
            let middle = Instant::now();
            for text in texts {
                black_box(parse(text, &"file".into(), &Limits::default()));
            }
            read += middle - start;
            parsed += middle.elapsed();
        }
        best = (best.0.min(read.as_secs_f64()), best.1.min(parsed.as_secs_f64()));
    }
    best
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

/// Writes an estate of so many resources into a folder, and says how many bytes in which files.
fn write(folder: &Path, size: usize) -> (u64, Vec<PathBuf>) {
    let (mut bytes, mut paths) = (0, Vec::new());
    estate::generate_each(size, SEED, |file| {
        bytes += file.text.len() as u64;
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(folder)).expect("the folder can be written");
        fs::write(&path, &file.text).expect("the folder can be written");
        paths.push(path);
    });
    (bytes, paths)
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
    first(&all_applicable(root, matched, is_meant), RULES)
}

fn first(names: &str, most: usize) -> String {
    names.split(',').take(most).collect::<Vec<_>>().join(",")
}

/// Names of all of them.
fn all_applicable(root: &Root, matched: &BTreeSet<Arc<str>>, is_meant: fn(&Rule) -> bool) -> String {
    let policies = load_policies(root, &Selection::default(), 0).expect("there is no configuration");
    let rules = policies.rules.rules.iter().filter(|rule| matched.contains(&rule.name) && !rule.is_engine());
    let names: Vec<&str> = rules.filter(|rule| is_meant(rule)).map(|rule| &*rule.name).collect();
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

/// The fastest of several runs, by the clock.
fn fastest(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        // By the clock: what the system says of a thread is too coarse for so short a time.
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
fn stages(root: &Root, files: &[estate::EstateFile], bytes: u64, sets: [(&str, &Policies); 2]) {
    println!("| stage, one thread | time | MB/s | a resource | a pair |");
    println!("| --- | --- | --- | --- | --- |");
    let size: usize = files.iter().map(|file| file.text.matches("\nkind: ").count()).sum();
    let row = |name: &str, time: Duration, pairs: u64| {
        let per = |count: f64| {
            if count > 0.0 { format!("{:.0} ns", time.as_nanos() as f64 / count) } else { String::new() }
        };
        let speed = megabytes(bytes) / time.as_secs_f64();
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

const WHOLE_HEAD: &str =
    "| rules | threads | time | CPU | MB/s | CPU a resource | findings | pairs | peak memory |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// What a whole run took: the least of several runs, each for itself.
struct Figures {
    seconds: f64,
    cpu: f64,
    findings: u64,
    pairs: u64,
    peak: u64,
}

fn whole(scene: &Scene, rules: &str, threads: &str) -> Figures {
    let program = env::current_exe().expect("this program runs");
    let run = |_| -> Vec<u64> {
        let output =
            Command::new(&program).args(["once", &scene.folder.to_string_lossy(), threads, rules]).output();
        let output = output.expect("this program can be started again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    let runs: Vec<Vec<u64>> = (0..repetitions(scene.size)).map(run).collect();
    let least = |at: usize| runs.iter().filter_map(|run| run.get(at)).min().copied().unwrap_or_default();
    Figures {
        seconds: least(0) as f64 / 1e6,
        cpu: least(1) as f64 / 1e3,
        findings: least(2),
        pairs: least(3),
        peak: least(4),
    }
}

fn row(name: &str, threads: &str, scene: &Scene, figures: &Figures) {
    let Figures { seconds, cpu, findings, pairs, peak } = figures;
    println!(
        "| {name} | {threads} | {seconds:.2} s | {cpu:.2} s | {:.0} | {:.1} µs | {findings} | {pairs} | {:.0} MB |",
        megabytes(scene.bytes) / seconds,
        cpu * 1e6 / scene.size as f64,
        *peak as f64 * 1024.0 / 1e6
    );
}

/// Of how many runs the least counts: fewer where one takes long.
fn repetitions(size: usize) -> usize {
    (400_000 / size.max(1)).clamp(2, REPETITIONS)
}
