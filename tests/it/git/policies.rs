//! `--policies` and `--policies-rev`: rules, kinds, the configuration and waivers from elsewhere.

use serde_json::{Value, json};

use super::{Repo, SEEN, config, seen, skipped, without_origin};
use crate::scene::{DAY, Scene, problem_lines};

fn waiver(name: &str) -> String {
    format!(
        "apiVersion: assize.dev/v1
kind: Waiver
metadata: {{name: {name}}}
spec:
  rules: [seen]
  resources: ['core/ConfigMap:a']
  reason: known
  requestedBy: bob
  approvedBy: eve
  approvedOn: 2026-11-01
  expires: 2026-12-01
"
    )
}

/// A repository of rules, and one of resources, side by side.
struct Company {
    central: Repo,
    estate: Repo,
}

impl Company {
    fn new() -> Self {
        let central = Repo::of(
            Scene::new()
                .with("gov/assize.yaml", "version: 1\nframeworks: []\nestate: ['estate/**']\nfail_on: info\n")
                .with("gov/policies/seen.yaml", SEEN),
        );
        let estate =
            Repo::of(Scene::new().with("estate/a.yaml", &config("a")).with("other.yaml", &config("b")));
        Self { central, estate }
    }

    fn place(&self, folder: &str, revision: &str) -> String {
        format!("{}{revision}", self.central.scene.folder.join(folder).display())
    }

    fn report(&self, arguments: &[&str]) -> Value {
        let place = self.place("gov", "");
        self.estate.report(&[&["--policies", &place], arguments].concat())
    }
}

/// The waivers of a report, as "file state: defects (findings)".
fn waivers(report: &Value) -> Vec<String> {
    let list = report["waivers"].as_array().unwrap().iter();
    list.map(|waiver| {
        let defects: Vec<&str> =
            waiver["defects"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let file = waiver["location"]["file"].as_str().unwrap();
        format!(
            "{file} {}: {} ({})",
            waiver["state"].as_str().unwrap(),
            defects.join("; "),
            waiver["findings"]
        )
    })
    .collect()
}

#[test]
fn a_central_repository() {
    let company = Company::new();
    company
        .central
        .write("gov/schemas/kinds/Ship.schema.json", r#"{"type": "object", "required": ["masts"]}"#);
    company.estate.write("estate/ship.yaml", "apiVersion: assize.dev/v1\nkind: Ship\nmetadata: {name: s}\n");
    // What the estate says of itself does not count.
    company.estate.write(
        "assize.yaml",
        "version: 1\nestate: ['**']\nfail_on: critical\nrules: {seen: {enabled: false, reason: no}}\n",
    );
    company.estate.write("estate/rule.yaml", &SEEN.replace("name: seen", "name: own"));
    let report = company.report(&["--allow-empty"]);
    assert_eq!(seen(&report), ["estate/a.yaml a"]);
    let elsewhere =
        ["assize.yaml: policies come from elsewhere", "estate/rule.yaml: policies come from elsewhere"];
    assert_eq!(skipped(&report), elsewhere);
    let problem = "estate/ship.yaml:3:18 invalid-resource: Ship/s: masts is missing";
    assert_eq!(problem_lines(&report), [problem]);
    assert_eq!(
        (&report["run"]["failOn"], &report["run"]["config"]),
        (&json!("info"), &json!("policies:/gov/assize.yaml"))
    );
    let origin = report["run"]["policies"].as_object().unwrap();
    assert_eq!(
        (&origin["from"], &origin["commit"], &origin["tree"]),
        (&json!("elsewhere"), &json!(null), &json!(null))
    );
}

#[test]
fn a_commit_of_a_central_repository() {
    let company = Company::new();
    let first = company.central.commit("First");
    let tree = company.central.git.find_commit(first).unwrap().tree_id().to_string();
    company.estate.commit("Estate");
    company.central.write("gov/policies/seen.yaml", &SEEN.replace("name: seen", "name: renamed"));
    let second = company.central.commit("Second");
    company.central.remove("gov/policies/seen.yaml");
    let run = |arguments: &[&str]| company.estate.report(arguments);
    let at = |revision: &str| {
        let report = run(&["--policies", &company.place("gov", revision)]);
        (seen(&report), report["run"]["policies"].clone())
    };
    let (found, origin) = at(&format!("@{first}"));
    assert_eq!(found, ["estate/a.yaml a"]);
    assert_eq!((&origin["commit"], &origin["tree"]), (&json!(first.to_string()), &json!(tree)));
    assert_eq!(at("@HEAD~1"), (found.clone(), origin.clone()));
    assert_eq!(at("@HEAD").1["commit"], second.to_string());
    assert_eq!(at("@HEAD").0, Vec::<String>::new());
    let place = company.place("gov", "");
    let separately = run(&["--policies", &place, "--policies-rev", "HEAD~1", "--rev", "HEAD"]);
    assert_eq!((seen(&separately), &separately["run"]["policies"]), (found, &origin));
    assert_eq!(
        separately["run"]["estate"]["commit"],
        company.estate.git.head().unwrap().target().unwrap().to_string()
    );
    let human = company.estate.scene.run(&[
        "check",
        "--policies",
        &place,
        "--policies-rev",
        "HEAD~1",
        "--as-of",
        DAY,
    ]);
    let said =
        format!("Estate: work tree; policies: commit {:.12} (tree {tree:.12}), sha256 ", first.to_string());
    assert!(human.stdout.contains(&said), "{}", human.stdout);

    // A bare clone has its commits, and nothing else.
    let other = Scene::new();
    let bare = other.folder.join("c@l.git");
    git2::build::RepoBuilder::new()
        .bare(true)
        .clone(company.central.scene.folder.to_str().unwrap(), &bare)
        .unwrap();
    let (code, stderr) = company.estate.refusal(&["--policies", bare.to_str().unwrap()]);
    assert!(code == 2 && stderr.contains("help: name a commit: --policies "), "{stderr}");
    let report = run(&["--policies", &format!("{}/gov@main^", bare.display())]);
    assert_eq!((seen(&report), &report["run"]["policies"]), (vec!["estate/a.yaml a".to_owned()], &origin));
}

#[test]
fn another_commit_of_the_same_repository() {
    let repo = Repo::seeing();
    repo.write("a.yaml", &config("a")).write("w.yaml", &waiver("w")).write("x/old.yaml", &waiver("old"));
    repo.write("assize.yaml", "version: 1\nexclude: ['x/**']\n");
    repo.commit("First");
    let own = repo.report(&[]);
    let same = repo.report(&["--policies-rev", "HEAD"]);
    assert_eq!(same["run"]["policies"]["digest"], own["run"]["policies"]["digest"]);
    assert_eq!(same["run"]["policies"]["from"], "elsewhere");
    let findings = |report: &Value| report["findings"].clone();
    assert_eq!(findings(&same), findings(&own));
    assert_eq!(same["problems"], own["problems"]);
    assert_eq!(waivers(&same), ["policies:/w.yaml unverified:  (1)"], "excluded ones do not count");

    // A change cannot wave itself through: not by its rules, not by its configuration, not by a waiver.
    repo.remove("w.yaml").remove("policies/seen.yaml");
    repo.write("assize.yaml", "version: 1\nrules: {seen: {enabled: false, reason: no}}\n").commit("Second");
    repo.write("mine.yaml", &waiver("mine"));
    let statuses = |arguments: &[&str]| {
        let report = repo.report(arguments);
        let all = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "seen");
        all.map(|each| {
            format!("{} {}", each["location"]["file"].as_str().unwrap(), each["status"].as_str().unwrap())
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(statuses(&[]), Vec::<String>::new());
    assert_eq!(statuses(&["--policies-rev", "HEAD~1"]), ["a.yaml waived", "mine.yaml fail"]);
    let told = waivers(&repo.report(&["--policies-rev", "HEAD"]));
    let void =
        "mine.yaml void: it stands in the estate, and waivers come from where the policies come from (0)";
    assert_eq!(told, [void, "policies:/x/old.yaml unverified:  (0)"], "it is excluded no more");
}

#[test]
fn approvals_stand_where_the_policies_stand() {
    let company = Company::new();
    company.estate.write("estate/w.yaml", &waiver("own"));
    let report = company.report(&[]);
    let own =
        "estate/w.yaml void: it stands in the estate, and waivers come from where the policies come from (1)";
    assert_eq!(waivers(&report), [own]);
    assert_eq!(report["summary"]["waived"], 0);
    company.central.write("gov/waivers/w.yaml", &waiver("central"));
    let report = company.report(&[]);
    assert_eq!(waivers(&report), [own, "policies:/gov/waivers/w.yaml unverified:  (1)"]);
    assert_eq!(report["summary"]["waived"], 1);
    let place = company.place("gov", "");
    let human = company.estate.scene.run(&["check", "--policies", &place, "--as-of", DAY]).stdout;
    assert!(
        human.contains("Waiver/own waives nothing: it stands in the estate, and waivers come"),
        "{human}"
    );
    // Those that cannot be read are told; what stands beside the folder counts for nothing.
    company.central.write("gov/waivers/bad.yaml", &waiver("bad").replace("reason: known", "raeson: known"));
    company.central.write("gov/waivers/cut.yaml", &waiver("cut").replace("spec:", "spec: ["));
    company.central.write("beside.yaml", &waiver("beside"));
    let lines = problem_lines(&company.report(&[]));
    assert!(lines.len() >= 3, "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("policies:/gov/waivers/")), "{lines:?}");
    let codes = ["invalid-resource", "invalid-yaml"];
    assert!(codes.iter().all(|code| lines.iter().any(|line| line.contains(code))), "{lines:?}");
    // A waiver of the same name: that of the policies counts.
    company.central.remove("gov/waivers/bad.yaml").remove("gov/waivers/cut.yaml");
    company
        .estate
        .write("estate/w.yaml", &waiver("central").replace("expires: 2026-12-01", "expires: 2026-11-02"));
    assert_eq!(waivers(&company.report(&[])), ["policies:/gov/waivers/w.yaml unverified:  (1)"]);
}

#[test]
fn what_is_wrong_with_policies_from_elsewhere_is_told() {
    let company = Company::new();
    company.central.write("gov/policies/ruel.yaml", &SEEN.replace("kind: Rule", "kind: Ruel"));
    company.central.write("gov/policies/nothing.yaml", "a: 1\n");
    company.central.write("gov/policies/store.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    let neither = "invalid-rule: the document is neither a Rule nor a Framework of assize.dev/v1";
    let expected = [
        format!("policies:/gov/policies/nothing.yaml:1:1 {neither}"),
        format!("policies:/gov/policies/ruel.yaml:2:7 {neither}"),
    ];
    assert_eq!(problem_lines(&company.report(&[])), expected);
    let place = company.place("gov", "");
    let shown = company.estate.scene.run(&["check", "--policies", &place, "--as-of", DAY]).stdout;
    assert!(shown.contains("2 │ kind: Ruel"), "its text is that of the policies: {shown}");
    company.central.write("gov/assize.yaml", "version: 1\nfail_at: low\n");
    let (code, stderr) = company.estate.refusal(&["--policies", &place]);
    assert!(
        code == 2 && stderr.contains("policies:/gov/assize.yaml") && stderr.contains("2 │ fail_at: low"),
        "{stderr}"
    );
}

#[test]
fn places_that_hold_no_policies() {
    let company = Company::new();
    company.central.commit("First");
    let empty = Scene::new();
    let said = |arguments: &[&str]| {
        let (code, stderr) = company.estate.refusal(arguments);
        assert_eq!(code, 2);
        stderr.lines().next().unwrap().to_owned()
    };
    let folder = empty.folder.to_str().unwrap();
    assert_eq!(
        said(&["--policies", folder]),
        "error: the policies' source holds neither assize.yaml nor rules"
    );
    let nowhere = empty.folder.join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    assert_eq!(
        said(&["--policies", nowhere]),
        format!("error: --policies {nowhere}: there is no such folder")
    );
    let url = "https://example.org/central.git@main";
    assert_eq!(said(&["--policies", url]), format!("error: --policies {url}: there is no such folder"));
    let at = company.place("gov", "@");
    assert_eq!(said(&["--policies", &at]), format!("error: --policies {at}: no revision stands after the @"));
    let both = company.place("gov", "@HEAD");
    let given = "error: --policies names a revision with @, and --policies-rev another; give one";
    assert_eq!(said(&["--policies", &both, "--policies-rev", "HEAD"]), given);
    assert_eq!(
        said(&["--policies", &company.place("gov", "@nope")]),
        r#"error: there is no revision "nope""#
    );
    company.central.write("later/assize.yaml", "version: 1\n");
    let later = said(&["--policies", &company.place("later", "@HEAD")]);
    assert!(later.starts_with("error: ") && later.contains("/later is no folder of the commit "), "{later}");
    assert!(
        said(&["--policies", &format!("{folder}@HEAD")]).starts_with("error: there is no repository around ")
    );
}

#[test]
fn equal_policies_have_one_digest() {
    let company = Company::new();
    company.central.commit("First");
    let digest = |arguments: &[&str]| company.estate.report(arguments)["run"]["policies"]["digest"].clone();
    let folder = digest(&["--policies", &company.place("gov", "")]);
    assert_eq!(digest(&["--policies", &company.place("gov", "@HEAD")]), folder);
    company.central.write("gov/waivers/w.yaml", &waiver("w")).write("gov/README.md", "x");
    assert_eq!(digest(&["--policies", &company.place("gov", "")]), folder);
    company.central.write("gov/policies/seen.yaml", &SEEN.replace("None.", "Nothing."));
    assert_ne!(digest(&["--policies", &company.place("gov", "")]), folder);
    let inside = Repo::of(
        Scene::new()
            .with("assize.yaml", "version: 1\nframeworks: []\nestate: ['estate/**']\nfail_on: info\n")
            .with("policies/seen.yaml", SEEN)
            .with("estate/a.yaml", &config("a")),
    );
    assert_eq!(inside.report(&[])["run"]["policies"]["digest"], folder);
    // By the same rules the same is found, wherever they stand.
    company.central.write("gov/policies/seen.yaml", SEEN).remove("gov/waivers/w.yaml");
    let mut one = without_origin(inside.report(&[]));
    let mut other = without_origin(company.report(&[]));
    for report in [&mut one, &mut other] {
        report["run"]["config"].take();
    }
    assert_eq!(one, other);
}

/// What there is to look at can be elsewhere as well.
#[test]
fn looking_at_policies_from_elsewhere() {
    let company = Company::new();
    company.central.commit("First");
    let run = |arguments: &[&str]| company.estate.scene.run(arguments);
    for place in [company.place("gov", ""), company.place("gov", "@HEAD")] {
        let listed = run(&["list", "rules", "--policies", &place]);
        assert!(listed.code == 0 && listed.stdout.contains("\nseen "), "{}{}", listed.stdout, listed.stderr);
        let explained = run(&["explain", "seen", "--policies", &place]);
        assert!(explained.stdout.starts_with("seen (rule, info)\n"), "{}", explained.stderr);
        let tested = run(&["test", "seen", "--policies", &place]);
        assert!(tested.code == 0 && tested.stdout.contains("1 rule, 0 examples passed"), "{}", tested.stderr);
        let path = run(&["test", "estate", "--policies", &place]);
        assert!(path.code == 2 && path.stderr.contains("name rules, not paths: estate"), "{}", path.stderr);
    }
    assert!(run(&["explain", "seen"]).code == 2);
}
