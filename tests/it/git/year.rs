//! A year of the clinic: the script makes the same repository everywhere, and its README tells what is true.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use super::files_below;
use crate::scene::{Outcome, Scene, finish};

const README: &str = include_str!("../../../examples/clinic-year/README.md");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

/// Runs the script into a scene of its own.
fn make(change: impl FnOnce(&mut Command)) -> (Scene, String) {
    let scene = Scene::new();
    let mut command = Command::new("bash");
    command.arg(format!("{EXAMPLES}/clinic-year/make")).arg("year").current_dir(&scene.folder);
    command.env_clear().env("PATH", std::env::var("PATH").unwrap());
    change(&mut command);
    let Outcome { code, stdout, stderr } = finish(&mut command);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    (scene, stdout.trim().to_owned())
}

#[test]
fn every_machine_makes_the_same_commits() {
    let (scene, head) = make(|_| {});
    let (_other, again) = make(|command| {
        let home = Scene::new().with(
            ".gitconfig",
            "[user]\n  name = Somebody\n  email = a@example.org\n[core]\n  autocrlf = true\n[commit]\n  gpgSign = true\n",
        );
        command.env("HOME", &home.folder).env("TZ", "Pacific/Auckland").env("LC_ALL", "C.UTF-8");
        command.env("GIT_COMMITTER_NAME", "Somebody").env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z");
    });
    assert_eq!(head, again);

    let git = git2::Repository::open(scene.folder.join("year")).unwrap();
    assert_eq!(git.head().unwrap().target().unwrap().to_string(), head);
    let commits = commits(&git, false);
    assert!((25..=45).contains(&commits.len()), "{}", commits.len());
    assert_eq!(commits[0].day, "2025-11-20");
    assert_eq!(commits[commits.len() - 1].day, "2026-11-20");
    assert!(commits.iter().filter(|commit| commit.parents == 2).count() >= 3);

    // A clone on the day of the last commit is the clinic, neither more nor less.
    let clinic = Path::new(EXAMPLES).join("clinic");
    let year = scene.folder.join("year");
    let of_year: Vec<_> =
        files_below(&year, "").into_iter().filter(|file| !file.starts_with("/.git/")).collect();
    assert_eq!(of_year, files_below(&clinic, ""));
    for file in of_year {
        let file = &file[1..];
        assert!(
            std::fs::read(year.join(file)).unwrap() == std::fs::read(clinic.join(file)).unwrap(),
            "{file}"
        );
    }
}

/// When the clinic changes so that a line of the table no longer fits, the script says which, and makes nothing.
#[test]
fn what_no_longer_fits_is_told() {
    for (file, from, to, told) in [
        (
            "estate/people/access.yaml",
            "name: anna-brandt-admin",
            "name: anna-brandt-root",
            "nothing is changed by: 2026-03-02 | 2026-03-14 | Account/anna-brandt-admin | was | mfa | false",
        ),
        (
            "estate/people/access.yaml",
            "  type: admin\n  person: eva-lindqvist\n",
            "  type: admin\n  person: eva-lindqvist\n  note:\n    mfa: true\n",
            "Account/eva-lindqvist-admin has 2 lines for mfa, should have one",
        ),
        (
            "estate/apps/software.yaml",
            "notAfter: 2027-03-10",
            "notAfter: 2026-08-20",
            "Certificate/shop-tls has notAfter: 2026-08-20 today, so that it cannot have changed",
        ),
    ] {
        let scene = Scene::new();
        let copied = ["clinic", "clinic-year"].map(|name| format!("{EXAMPLES}/{name}"));
        assert!(Command::new("cp").arg("-R").args(copied).arg(&scene.folder).status().unwrap().success());
        let path = format!("clinic/{file}");
        let text = scene.read(&path);
        assert!(text.contains(from), "{from}");
        scene.write(&path, &text.replace(from, to));
        let mut command = Command::new("bash");
        command.args(["clinic-year/make", "year"]).current_dir(&scene.folder);
        let Outcome { code, stdout, stderr } = finish(&mut command);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.contains(told), "{stderr}");
    }
}

/// One commit, oldest first.
#[derive(Clone, Debug)]
struct Made {
    id: String,
    day: String,
    who: String,
    title: String,
    parents: usize,
}

fn commits(git: &git2::Repository, first_parents: bool) -> Vec<Made> {
    let mut walk = git.revwalk().unwrap();
    walk.push_head().unwrap();
    walk.set_sorting(git2::Sort::TIME | git2::Sort::REVERSE).unwrap();
    if first_parents {
        walk.simplify_first_parent().unwrap();
    }
    walk.map(|id| {
        let commit = git.find_commit(id.unwrap()).unwrap();
        let day = jiff::Timestamp::from_second(commit.time().seconds()).unwrap().to_string();
        Made {
            id: commit.id().to_string(),
            day: day[..10].to_owned(),
            who: commit.author().name().unwrap().to_owned(),
            title: commit.summary().unwrap().unwrap().to_owned(),
            parents: commit.parent_count(),
        }
    })
    .collect()
}

/// A row of the table: what it says that a commit does, or the clock alone.
#[derive(Debug)]
struct Row {
    day: String,
    who: String,
    what: String,
    /// "opens rule Kind/name", likewise for what closes, for events and for changes of the gate.
    told: BTreeSet<String>,
}

fn rows() -> Vec<Row> {
    let rows = README.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", day, who, what, told, _, ""] = cells.as_slice() else { return None };
        if !day.starts_with("202") {
            return None;
        }
        let mut all = BTreeSet::new();
        for part in told.split("<br>").filter(|part| !part.is_empty()) {
            let (verb, rest) = part.split_once(' ').unwrap();
            let (rule, resources) = rest.split_once(' ').unwrap();
            for resource in resources.split(", ") {
                assert!(
                    all.insert(format!("{verb} {} {resource}", rule.trim_matches('`'))),
                    "{day}: {resource} stands twice"
                );
            }
        }
        Some(Row { day: (*day).to_owned(), who: (*who).to_owned(), what: what.replace('`', ""), told: all })
    });
    rows.collect()
}

const CLOCK: &str = "the clock";

/// What the table says is all that comes and goes of the rules that it names.
#[test]
fn the_table_is_true() {
    let (scene, _) = make(|_| {});
    let git = git2::Repository::open(scene.folder.join("year")).unwrap();
    let rows = rows();
    let all = commits(&git, false);
    let told: Vec<_> =
        rows.iter().filter(|row| row.who != CLOCK).map(|row| (&row.day, &row.who, &row.what)).collect();
    let made: Vec<_> = all.iter().map(|commit| (&commit.day, &commit.who, &commit.title)).collect();
    assert_eq!(told, made);
    let rules: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| &row.told)
        .filter(|line| !line.starts_with("gate "))
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    assert!(rules.len() > 30, "the table is not read");

    let line = commits(&git, true);
    let work = Mutex::new(line.windows(2));
    let wrong = Mutex::new(Vec::new());
    let worker = || {
        while let Some([before, after]) = { work.lock().unwrap().next() } {
            let (by_commit, by_clock) = happened(&scene, before, after, &rules);
            let by_rows = |is_clock: bool| -> BTreeSet<String> {
                rows.iter()
                    .filter(|row| {
                        row.day > before.day && row.day <= after.day && (row.who == CLOCK) == is_clock
                    })
                    .flat_map(|row| row.told.clone())
                    .collect()
            };
            for (found, told) in [(by_commit, by_rows(false)), (by_clock, by_rows(true))] {
                for each in found.symmetric_difference(&told) {
                    let where_found = if found.contains(each) { "not in the table" } else { "not found" };
                    wrong
                        .lock()
                        .unwrap()
                        .push(format!("{} to {}: {each} is {where_found}", before.day, after.day));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(worker);
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert_eq!(wrong, Vec::<String>::new());
}

/// What comes and goes from a commit, on its day, to the next one on its day: by what the commit does, and by the clock.
fn happened(
    scene: &Scene,
    before: &Made,
    after: &Made,
    rules: &BTreeSet<&str>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let clocks = ["--base-as-of", &before.day, "--as-of", &after.day, "--policies", "each"];
    let report = diff(scene, &[&[before.id.as_str(), &after.id], clocks.as_slice()].concat(), rules);
    let text = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let mut sets = (BTreeSet::new(), BTreeSet::new());
    let mut add = |verb: &str, finding: &Value, cause: &str| {
        let resource = format!("{}/{}", text(finding, "/resource/kind"), text(finding, "/resource/name"));
        let line = format!("{verb} {} {resource}", text(finding, "/rule"));
        let set = if matches!(cause, "clock-passed" | "waiver-lapsed") { &mut sets.1 } else { &mut sets.0 };
        set.insert(line);
    };
    let list = |pointer: &str| report.pointer(pointer).unwrap().as_array().unwrap().iter();
    for finding in list("/findings").filter(|each| each["state"] == "new" && each["status"] == "fail") {
        add("opens", finding, &text(finding, "/cause/cause"));
    }
    for finding in list("/comparison/fixed") {
        add("closes", finding, &text(finding, "/cause/cause"));
    }
    for event in list("/comparison/events") {
        add("event", event, "");
    }
    for change in list("/comparison/gate") {
        sets.0.insert(format!("gate {} {}", text(change, "/change"), text(change, "/name")));
    }
    // The clinic's own rule is unknown to the side that does not have it.
    let problem = list("/problems").find(|problem| problem["code"] != "unknown-rule");
    assert_eq!(problem, None, "{}", after.day);
    sets
}

fn diff(scene: &Scene, arguments: &[&str], rules: &BTreeSet<&str>) -> Value {
    let mut command = scene.command(&["diff", "-o", "json", "--threads", "1"]);
    command.current_dir(scene.folder.join("year")).args(arguments);
    for rule in rules {
        command.args(["--rule", rule]);
    }
    let Outcome { stdout, stderr, .. } = finish(&mut command);
    assert!(!stdout.is_empty(), "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// What the clock alone does is seen on the day that the table names, and not on the day before: one row in three, for each is two more
/// evaluations. That no row is off by more than to the next commit says the test above.
#[test]
fn the_days_are_those_of_the_clock() {
    let (scene, _) = make(|_| {});
    let git = git2::Repository::open(scene.folder.join("year")).unwrap();
    let line = commits(&git, true);
    let rows = rows();
    let rows: Vec<&Row> = rows.iter().filter(|row| row.who == CLOCK).collect();
    assert!(rows.len() >= 10, "the table is not read");
    let work = Mutex::new(rows.iter().step_by(3));
    let worker = || {
        while let Some(row) = { work.lock().unwrap().next() } {
            let before = line.iter().rfind(|commit| commit.day < row.day).unwrap();
            let eve = row.day.parse::<jiff::civil::Date>().unwrap().yesterday().unwrap().to_string();
            let rules = row.told.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
            let same = Made { day: eve, ..before.clone() };
            let (_, found) =
                happened(&scene, &same, &Made { day: row.day.clone(), ..before.clone() }, &rules);
            assert_eq!(found, row.told, "{}", row.day);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(worker);
        }
    });
}

/// Every finding that an auditor would write up, as the README tells, is in the report, under the word that it gives.
#[test]
fn the_report_says_what_an_auditor_would_write_up() {
    let (scene, _) = make(|_| {});
    let remarks = |more: &[&str]| -> BTreeSet<String> {
        let mut command = scene.command(&[
            "report",
            "--from",
            "2025-11-20",
            "--to",
            "2026-11-20",
            "-o",
            "json",
            "--births=no",
        ]);
        command.current_dir(scene.folder.join("year")).args(more);
        let Outcome { stdout, stderr, .. } = finish(&mut command);
        let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        assert_eq!(report["isComplete"], true);
        let text = |remark: &Value, key: &str| remark[key].as_str().unwrap().to_owned();
        let all = report["remarks"].as_array().unwrap().iter();
        let line = |remark: &Value| {
            format!("{} {} {}", text(remark, "sort"), text(remark, "name"), text(remark, "resource"))
                .trim()
                .to_owned()
        };
        all.map(line).collect()
    };
    let (end, each) = (remarks(&[]), remarks(&["--policies", "each"]));
    let (_, section) = README.split_once("## What an auditor would write up").unwrap();
    let rows: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_suffix(" |")?.rsplit(" | ").next().filter(|cell| cell.starts_with('`')))
        .collect();
    assert_eq!(rows.len(), 13, "the table is not read");
    for (at, cell) in rows.iter().enumerate() {
        for told in cell.split("<br>") {
            let line = told.replace('`', "");
            let by = if at + 1 == rows.len() { &each } else { &end };
            assert!(by.contains(&line), "{line} is not in the report");
            // The last row is what the policies at the end do not know.
            assert!(at + 1 < rows.len() || !end.contains(&line), "{line}");
        }
    }
}
