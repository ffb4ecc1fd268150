//! The same inputs give the same bytes: whatever the threads, the order of files on disk, and the folder.

use std::collections::BTreeSet;

use crate::scene::{DAY, Scene};

#[path = "../../benches/estate/mod.rs"]
pub(crate) mod estate;

use estate::{EstateFile, generate};

const RESOURCES: usize = 2_000;

/// What the formats say, and the exit codes.
fn outputs(scene: &Scene, folder: &str, threads: &str) -> Vec<(i32, String)> {
    let run = |format: &str| {
        let mut command = scene.command(&["check", "-o", format, "--as-of", DAY, "--threads", threads]);
        let outcome = crate::scene::finish(command.current_dir(scene.folder.join(folder)));
        assert_eq!(outcome.stderr, "");
        (outcome.code, outcome.stdout)
    };
    ["json", "jsonl", "human"].map(run).into()
}

fn write(scene: &Scene, files: &[EstateFile]) {
    for file in files {
        scene.write(&file.path, &file.text);
    }
}

/// Any order, but always the same one.
fn shuffled(mut files: Vec<EstateFile>) -> Vec<EstateFile> {
    let mut state = 7_usize;
    for position in (1..files.len()).rev() {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
        files.swap(position, state % (position + 1));
    }
    files
}

#[test]
fn the_clinic_with_one_thread_and_with_eight() {
    let scene = Scene::new().with_clinic();
    let one = outputs(&scene, "", "1");
    assert_eq!(outputs(&scene, "", "8"), one);
    assert_eq!(outputs(&scene, "", "8"), one);
}

#[test]
fn an_estate_with_one_thread_and_with_eight_in_any_order_of_files() {
    let scene = Scene::new();
    write(&scene, &generate(RESOURCES, 1));
    let one = outputs(&scene, "", "1");
    assert_eq!(outputs(&scene, "", "8"), one);
    let other = Scene::new();
    write(&other, &shuffled(generate(RESOURCES, 1)));
    assert_eq!(outputs(&other, "", "8"), one);
}

#[test]
fn two_checkouts_in_different_folders() {
    let scene = Scene::new().with_clinic();
    let plain = outputs(&scene, "", "0");
    scene.commit();
    assert_eq!(outputs(&scene, "", "0"), plain, "a repository changes nothing");
    // The paths of a report start at the top, whatever the current folder is.
    assert_eq!(outputs(&scene, "estate/people", "0"), plain);
    let other = Scene::new();
    let clone = other.folder.join("a folder/with another name");
    git2::Repository::clone(scene.folder.to_str().unwrap(), &clone).unwrap();
    assert_eq!(outputs(&other, "a folder/with another name", "0"), plain);
}

#[test]
fn the_planted_defects_of_an_estate_are_found() {
    let files = generate(RESOURCES, 1);
    let scene = Scene::new();
    write(&scene, &files);
    let report = scene.report(&[]);
    let text = |value: &serde_json::Value, pointer: &str| {
        value.pointer(pointer).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    assert_eq!(crate::scene::problem_lines(&report), Vec::<String>::new());
    assert_eq!(report["summary"]["resources"], RESOURCES);
    let rules: BTreeSet<String> =
        report["rules"].as_array().unwrap().iter().map(|rule| text(rule, "/rule")).collect();
    let found: BTreeSet<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| format!("{} {}", text(finding, "/resource/name"), text(finding, "/rule")))
        .collect();
    let planted: BTreeSet<String> = files.iter().flat_map(|file| planted(&file.text)).collect();
    assert_eq!(planted.len(), RESOURCES / 50, "one for each unit");
    let expected: BTreeSet<String> = planted
        .into_iter()
        .filter(|line| line.rsplit(' ').next().is_some_and(|rule| rules.contains(rule)))
        .collect();
    assert!(expected.len() > 10, "{expected:?}");
    let missing: Vec<_> = expected.difference(&found).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

/// "resource rule" for each comment that says what is planted.
fn planted(text: &str) -> Vec<String> {
    let documents = text.split("---\n").filter_map(|document| {
        let rule = document.lines().find_map(|line| line.split("# planted: ").nth(1))?;
        let name = document.lines().find_map(|line| line.trim().strip_prefix("name: "))?;
        Some(format!("{name} {}", rule.trim()))
    });
    documents.collect()
}

/// A large file is judged in parts, in the second pass.
#[test]
fn one_large_file_says_what_many_small_ones_say() {
    let resource = |number: usize| {
        format!(
            "---\napiVersion: assize.dev/v1\nkind: Application\nmetadata: {{name: app-{number}}}\nspec: {{type: cots, custom: false, exposure: internal, owner: team-{}}}\n",
            number % 7
        )
    };
    let scene = Scene::new().with("assize.yaml", "version: 1\nestate: ['estate/**']\n");
    let text = |numbers: std::ops::Range<usize>| numbers.map(resource).collect::<String>();
    let run = |threads: &str| {
        let rules = ["--rule", "access-review-overdue", "--rule", "unresolved-reference"];
        let arguments = ["check", "-o", "jsonl", "--as-of", DAY, "--threads", threads];
        let outcome = scene.run(&[&arguments[..], &rules].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
        outcome.stdout
    };
    scene.write("estate/all.yaml", &text(0..5_000));
    let one = run("1");
    assert_eq!(run("8"), one);
    let prints = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let prints = lines.filter_map(|line| Some(line["fingerprint"].as_str()?.to_owned()));
        prints.collect()
    };
    assert_eq!(prints(&one).len(), 10_000);
    // In their order of lines, whichever part they come from.
    let lines = one.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert!(lines.filter_map(|line| line["location"]["line"].as_u64()).is_sorted());
    scene.write("estate/all.yaml", &text(0..1));
    for part in 0..50 {
        scene.write(&format!("estate/{part}.yaml"), &text((part * 100).max(1)..(part + 1) * 100));
    }
    assert_eq!(prints(&run("8")), prints(&one));
}

/// An estate with waivers, ignores in comments, owners and references that name nothing.
fn with_exceptions() -> Scene {
    let scene = Scene::new().with("assize.yaml", "version: 1\nwaivers: {inline: true}\n");
    write(&scene, &generate(300, 1));
    for at in 0..40 {
        let ignored = if at % 3 == 0 { " # assize:ignore unencrypted-data-store: a test" } else { "" };
        let text = format!(
            "apiVersion: assize.dev/v1\nkind: DataStore\nmetadata: {{name: store-{at}}}\nspec:\n  owner: team-{}\n  \
             type: relational\n  classification: restricted\n  dataCategories: [personal]\n  \
             encryptionAtRest: {{enabled: false}}{ignored}\n  holds: [nothing-{at}]\n",
            at % 2
        );
        scene.write(&format!("stores/{at}.yaml"), &text);
    }
    let waiver = "apiVersion: assize.dev/v1\nkind: Waiver\nmetadata: {name: w}\nspec:\n  rules: [unresolved-reference]\n  \
                  resources: ['DataStore:store-1', 'DataStore:store-3']\n  reason: A test of waivers\n  \
                  compensatingMeasures: None\n  requestedBy: anna\n  approvedBy: ben\n  approvedOn: 2026-11-01\n  \
                  expires: 2026-12-01\n";
    scene.with("waiver.yaml", waiver)
}

#[test]
fn findings_that_wait_on_disk_are_the_same() {
    let all = with_exceptions().run(&["check", "-o", "csv", "--as-of", DAY]);
    assert!(
        ["fail", "waived", "suppressed"].iter().all(|status| all.stdout.contains(&format!(",{status},")))
    );
    for scene in [Scene::new().with_clinic(), with_exceptions()] {
        for arguments in [&[][..], &["--owner", "team-1"], &["--threads", "1", "--max", "high=3"]] {
            for format in ["jsonl", "csv", "summary"] {
                let run = |buffer: &str| {
                    let mut line = vec!["check", "-o", format, "--as-of", DAY, "--buffer-findings", buffer];
                    line.extend(arguments);
                    scene.run(&line)
                };
                let (kept, waiting) = (run("1000000"), run("0"));
                assert_eq!(kept, waiting, "{format} {arguments:?}");
                assert_eq!(kept, run("10"), "{format} {arguments:?}");
            }
        }
    }
}

#[test]
fn findings_stay_in_memory_where_the_disk_takes_none() {
    let scene = Scene::new().with_clinic();
    let run = |folder: &str| {
        let mut command = scene.command(&["check", "-o", "jsonl", "--as-of", DAY, "--buffer-findings", "0"]);
        crate::scene::finish(command.env("TMPDIR", folder))
    };
    assert_eq!(run("/no/such/folder"), run("/tmp"));
}
