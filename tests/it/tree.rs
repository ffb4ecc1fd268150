//! What the files of a work tree are, what documents they hold, and how findings are told apart.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::scene::{Scene, finish, problem_lines};

/// A rule that has something to say about every resource, so that findings tell which there are.
const SEEN: &str = "apiVersion: assize.dev/v1
kind: Rule
metadata: {name: seen, title: Nothing is seen}
spec:
  severity: info
  rationale: Tests want to know.
  remediation: None.
  match: {kinds: ['*']}
  schema: {required: [unheard-of]}
";

fn scene() -> Scene {
    Scene::new().with("assize.yaml", "version: 1\n").with("policies/seen.yaml", SEEN)
}

fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// "file kind/name" of every resource.
fn seen(report: &Value) -> Vec<String> {
    let text = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let findings = report.get("findings").unwrap().as_array().unwrap();
    let findings = findings.iter().filter(|finding| text(finding, "/rule") == "seen");
    findings
        .map(|finding| {
            format!(
                "{} {}/{}",
                text(finding, "/location/file"),
                text(finding, "/resource/kind"),
                text(finding, "/resource/name")
            )
        })
        .collect()
}

/// What is listed as not evaluated, as "file: reason".
fn skipped(report: &Value) -> Vec<String> {
    let text = |value: &Value, key: &str| value.get(key).unwrap().as_str().unwrap().to_owned();
    let list = report.get("notEvaluated").unwrap().as_array().unwrap();
    list.iter().map(|each| format!("{}: {}", text(each, "file"), text(each, "reason"))).collect()
}

#[track_caller]
fn check(scene: &Scene, resources: &[&str], not_evaluated: &[&str], problems: &[&str]) {
    let report = scene.report(&["--allow-empty"]);
    assert_eq!(seen(&report), resources);
    assert_eq!(skipped(&report), not_evaluated);
    assert_eq!(problem_lines(&report), problems);
}

fn track(scene: &Scene, paths: &[&str]) {
    let repository = scene.init();
    let mut index = repository.index().unwrap();
    for path in paths {
        index.add_path(Path::new(path)).unwrap();
    }
    index.write().unwrap();
}

#[test]
fn the_files_are_those_of_git() {
    let scene = scene()
        .with(".gitignore", "ignored*\n/secret/\n*.tmp.yaml\n!kept.tmp.yaml\n")
        .with("deep/.gitignore", "local.yaml\n")
        .with("deep/local.yaml", &config("local"))
        .with("deep/other.yaml", &config("other"))
        .with("ignored-tracked.yaml", &config("a"))
        .with("ignored-untracked.yaml", &config("b"))
        .with("secret/tracked.yaml", &config("c"))
        .with("secret/untracked.yaml", &config("d"))
        .with("x.tmp.yaml", &config("e"))
        .with("kept.tmp.yaml", &config("f"))
        .with(".hidden/g.yaml", &config("g"))
        .with("untracked.json", r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "h"}}"#)
        .with("gone.yaml", &config("gone"))
        .with("upper.YML", &config("i"))
        .with("not.txt", &config("j"));
    track(&scene, &["ignored-tracked.yaml", "secret/tracked.yaml", "gone.yaml"]);
    fs::remove_file(scene.folder.join("gone.yaml")).unwrap();
    check(
        &scene,
        &[
            ".hidden/g.yaml ConfigMap/g",
            "deep/other.yaml ConfigMap/other",
            "ignored-tracked.yaml ConfigMap/a",
            "kept.tmp.yaml ConfigMap/f",
            "secret/tracked.yaml ConfigMap/c",
            "untracked.json ConfigMap/h",
            "upper.YML ConfigMap/i",
        ],
        &[],
        &[],
    );
}

#[test]
fn nothing_that_only_this_machine_knows_hides_a_file() {
    let scene = scene()
        .with("a.yaml", &config("a"))
        .with("b.yaml", &config("b"))
        .with("c.yaml", &config("c"))
        .with("d.yaml", &config("d"))
        .with(".ignore", "c.yaml\n")
        .with(".rgignore", "c.yaml\n");
    scene.init();
    scene.write(".git/info/exclude", "a.yaml\n");
    let home = Scene::new()
        .with(".gitconfig", "[core]\n\texcludesFile = ~/excludes\n")
        .with("excludes", "b.yaml\n")
        .with(".config/git/ignore", "d.yaml\n");
    let mut command = scene.command(&["check", "-o", "json", "--as-of", crate::scene::DAY]);
    let outcome = finish(command.env("HOME", &home.folder));
    let report = serde_json::from_str(&outcome.stdout).unwrap();
    let all = ["a.yaml ConfigMap/a", "b.yaml ConfigMap/b", "c.yaml ConfigMap/c", "d.yaml ConfigMap/d"];
    assert_eq!(seen(&report), all);
}

#[test]
fn outside_of_a_repository_its_ignore_files_count_as_well() {
    let scene =
        scene().with(".gitignore", "a.yaml\n").with("a.yaml", &config("a")).with("b.yaml", &config("b"));
    check(&scene, &["b.yaml ConfigMap/b"], &[], &[]);
}

#[test]
fn a_folder_of_the_estate_is_checked_as_it_is_within_the_whole() {
    let scene = scene()
        .with("x/a.yaml", &config("a"))
        .with("x/.gitignore", "b.yaml\n")
        .with("x/b.yaml", &config("b"))
        .with("y/c.yaml", &config("c"));
    scene.init();
    assert_eq!(seen(&scene.report(&["x"])), ["x/a.yaml ConfigMap/a"]);
    // What is named is meant, whatever git says, and once even if it is named twice.
    assert_eq!(
        seen(&scene.report(&["x/b.yaml", "x", "./x", "y/../x/a.yaml"])),
        ["x/a.yaml ConfigMap/a", "x/b.yaml ConfigMap/b"],
    );
}

#[test]
fn other_repositories_are_listed() {
    let scene = scene()
        .with("a.yaml", &config("a"))
        .with("vendor/library/.git/HEAD", "ref: refs/heads/main\n")
        .with("vendor/library/b.yaml", &config("b"))
        .with("module/.git", "gitdir: ../.git/modules/module\n")
        .with("module/c.yaml", &config("c"));
    scene.init();
    let skipped = ["module: submodule", "vendor/library: submodule"];
    check(&scene, &["a.yaml ConfigMap/a"], &skipped, &[]);
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_listed() {
    let outside = Scene::new().with("o.yaml", &config("o"));
    let scene = scene().with("real/a.yaml", &config("a"));
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, scene.folder.join(name)).unwrap();
    };
    link(Path::new("real/a.yaml"), "inside.yaml");
    link(&outside.folder.join("o.yaml"), "outside.yaml");
    link(Path::new("nowhere.yaml"), "broken.yaml");
    link(Path::new("real"), "folder");
    link(&outside.folder, "outer-folder");
    link(Path::new("note.txt"), "note.md");
    let skipped = [
        "broken.yaml: symbolic link",
        "folder: symbolic link",
        "inside.yaml: symbolic link",
        "outer-folder: symbolic link",
        "outside.yaml: symbolic link",
    ];
    check(&scene, &["real/a.yaml ConfigMap/a"], &skipped, &[]);
    scene.commit();
    check(&scene, &["real/a.yaml ConfigMap/a"], &skipped, &[]);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_a_problem() {
    use std::os::unix::ffi::OsStrExt as _;
    let scene = scene().with("a.yaml", &config("a")).with("latin.yaml", "").with("large.yaml", "");
    fs::write(scene.folder.join("latin.yaml"), b"a: \xe9\napiVersion: v1\nkind: ConfigMap\n").unwrap();
    fs::write(scene.folder.join(std::ffi::OsStr::from_bytes(b"\xff.yaml")), config("b")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(scene.folder.join("socket.yaml")).unwrap());
    let report = scene.report(&[]);
    assert_eq!(seen(&report), ["a.yaml ConfigMap/a"]);
    let codes: Vec<&str> =
        report["problems"].as_array().unwrap().iter().map(|each| each["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["invalid-encoding", "not-a-file", "path-not-utf8"]);
}

#[test]
fn templates_and_patches_are_listed() {
    let scene = scene()
        .with("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n")
        .with("chart/values.yaml", "a: 1\n")
        .with("chart/templates/a.yaml", "{{ if .Values.a }}\napiVersion: v1\nkind: ConfigMap\n{{ end }}\n")
        .with("chart/templates/deep/b.yaml", &config("b"))
        .with("chart/crds/c.yaml", &config("c"))
        .with("templates/d.yaml", &config("d"))
        .with("base/e.yaml", &config("e"))
        .with("base/patch.yaml", &config("f"))
        .with(
            "prod/kustomization.yaml",
            "resources: [../base]
patchesStrategicMerge: [merge.yaml]
patchesJson6902: [{path: ./json.yaml, target: {kind: ConfigMap}}]
patches:
- path: ../base/patch.yaml
- patch: |-
    - {op: remove, path: /data}
",
        )
        .with("prod/merge.yaml", &config("g"))
        .with("prod/json.yaml", "- {op: remove, path: /data}\n")
        .with("prod/h.yaml", &config("h"));
    check(
        &scene,
        &[
            "base/e.yaml ConfigMap/e",
            "chart/crds/c.yaml ConfigMap/c",
            "prod/h.yaml ConfigMap/h",
            "templates/d.yaml ConfigMap/d",
        ],
        &[
            "base/patch.yaml: Kustomize patch",
            "chart/templates/a.yaml: Helm template",
            "chart/templates/deep/b.yaml: Helm template",
            "prod/json.yaml: Kustomize patch",
            "prod/merge.yaml: Kustomize patch",
        ],
        &[],
    );
    // They stay what they are when only their folder is checked.
    scene.write("prod/deep/patch.yaml", &config("i"));
    scene.write("prod/kustomization.yaml", "patches: [{path: deep/patch.yaml}]\n");
    let report = scene.report(&["chart/templates/deep", "prod/deep", "--allow-empty"]);
    assert_eq!(
        skipped(&report),
        ["chart/templates/deep/b.yaml: Helm template", "prod/deep/patch.yaml: Kustomize patch"],
    );
    assert_eq!((seen(&report), problem_lines(&report)), (Vec::new(), Vec::new()));
}

#[test]
fn workflows_are_known_by_their_place_unless_the_estate_is_narrowed() {
    let workflow = "on: push\njobs:\n  build:\n    steps:\n    - uses: someone/action@v1\n";
    let places = |scene: &Scene| {
        let report = scene.report(&["--rule", "unpinned-action", "--allow-empty"]);
        assert_eq!(problem_lines(&report), Vec::<String>::new());
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|each| each["location"]["file"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let scene = Scene::new()
        .with(".github/workflows/build.yml", workflow)
        .with(".github/workflows/check.yaml", workflow)
        .with(".github/build.yml", workflow)
        .with("estate/a.yaml", &config("a"));
    let both = [".github/workflows/build.yml", ".github/workflows/check.yaml"];
    assert_eq!(places(&scene), both);
    let scene = scene.with("assize.yaml", "version: 1\nestate: ['estate/**']\n");
    assert!(places(&scene).is_empty());
    let scene =
        scene.with("assize.yaml", "version: 1\ndocuments: [{path: '.github/*.yml', kind: GithubWorkflow}]\n");
    assert_eq!(places(&scene), [&[".github/build.yml"], &both[..]].concat());
}

#[test]
fn documents_without_an_envelope_have_the_kind_that_the_configuration_gives_them() {
    let scene = scene()
        .with(
            "assize.yaml",
            "version: 1
documents:
- {path: '.github/workflows/*.yml', kind: GithubWorkflow}
- {path: '.github/**', kind: GithubFile, yaml: '1.1'}
- {path: Taskfile, kind: Task}
- {path: 'k8s/*.conf', yaml: '1.2'}
",
        )
        .with(".github/workflows/build.yml", "jobs: {}\n---\njobs: {}\n")
        .with(".github/dependabot.yml", "answer: yes\n")
        .with("Taskfile", "steps: []\n")
        .with("k8s/a.conf", &config("a"))
        .with("k8s/b.conf", "just: data\n")
        .with("other.yaml", "just: data\n")
        .with(
            "policies/answer.yaml",
            &SEEN
                .replace("seen", "answer")
                .replace("'*'", "GithubFile")
                .replace("required: [unheard-of]", "properties: {answer: {const: 'yes'}}"),
        );
    check(
        &scene,
        &[
            ".github/dependabot.yml GithubFile/.github/dependabot.yml",
            ".github/workflows/build.yml GithubWorkflow/.github/workflows/build.yml",
            ".github/workflows/build.yml GithubWorkflow/.github/workflows/build.yml#1",
            "Taskfile Task/Taskfile",
            "k8s/a.conf ConfigMap/a",
        ],
        &[],
        &[],
    );
    let lines = crate::scene::finding_lines(&scene.report(&["--rule", "answer"]));
    assert_eq!(
        lines,
        [
            ".github/dependabot.yml:1:9 answer GithubFile/.github/dependabot.yml answer: answer is true, should be yes"
        ]
    );
}

#[test]
fn the_globs_of_the_configuration() {
    let scene = scene()
        .with(
            "assize.yaml",
            "version: 1\nestate: ['estate/*.yaml', '{k8s,ops}/**']\nexclude: ['**/old/**', 'k8s/x.yaml']\n",
        )
        .with("estate/a.yaml", &config("a"))
        .with("estate/deep/b.yaml", &config("b"))
        .with("estate/c.yml", &config("c"))
        .with("k8s/d.yaml", &config("d"))
        .with("k8s/x.yaml", &config("x"))
        .with("k8s/old/e.yaml", &config("e"))
        .with("ops/deep/f.json", r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "f"}}"#)
        .with("g.yaml", &config("g"));
    let resources = ["estate/a.yaml ConfigMap/a", "k8s/d.yaml ConfigMap/d", "ops/deep/f.json ConfigMap/f"];
    check(&scene, &resources, &[], &[]);
    // In a declared estate everything is a resource, or a problem.
    scene.write("estate/other.yaml", "just: data\n");
    scene.write("estate/text.yaml", "a: [\n");
    scene.write("other.yaml", "just: data\n");
    scene.write("text.yaml", "a: [\n");
    let found = problem_lines(&scene.report(&[]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "estate/other.yaml:1:1 invalid-identity: the document has no apiVersion and kind");
    assert!(found[1].starts_with("estate/text.yaml:"), "{found:?}");
}

#[test]
fn globs_start_at_the_folder_of_the_configuration() {
    let scene = Scene::new()
        .with("infra/assize.yaml", "version: 1\nestate: ['estate/**']\n")
        .with("infra/policies/seen.yaml", SEEN)
        .with("infra/estate/a.yaml", &config("a"))
        .with("estate/b.yaml", &config("b"));
    scene.init();
    let run = |folder: &str| {
        let mut command = scene.command(&["check", "-o", "json", "--as-of", crate::scene::DAY]);
        let outcome = finish(command.current_dir(scene.folder.join(folder)));
        serde_json::from_str::<Value>(&outcome.stdout).unwrap()
    };
    for folder in ["infra", "infra/estate"] {
        let report = run(folder);
        assert_eq!(seen(&report), ["infra/estate/a.yaml ConfigMap/a"]);
        assert_eq!(report["run"]["config"], "infra/assize.yaml");
    }
}

const SHIP: &str = r#"{
    "type": "object", "required": ["spec"], "description": "A ship.",
    "properties": {
        "apiVersion": true, "kind": true, "metadata": true,
        "spec": {"type": "object", "additionalProperties": false, "properties": {"masts": {"type": "integer"}}}
    },
    "additionalProperties": false
}"#;

fn ship(spec: &str) -> String {
    format!("{{apiVersion: assize.dev/v1, kind: Ship, metadata: {{name: a}}, spec: {{{spec}}}}}")
}

#[test]
fn a_repository_has_kinds_of_its_own() {
    let scene = scene().with("a.yaml", &ship("masts: 3"));
    let unknown = "a.yaml:1:35 unknown-kind: no schema describes the kind Ship";
    check(&scene, &[], &[], &[unknown]);
    scene.write("schemas/kinds/Ship.schema.json", SHIP);
    check(&scene, &["a.yaml Ship/a"], &[], &[]);
    scene.write("a.yaml", &ship("masts: three"));
    let invalid = "a.yaml:1:76 invalid-resource: Ship/a: spec.masts is three, should be a whole number";
    check(&scene, &[], &[], &[invalid]);
    // Rules see its fields.
    let rule = SEEN.replace("seen", "mast").replace("'*'", "Ship");
    scene.write("policies/mast.yaml", &rule.replace("required: [unheard-of]", "x-has: {spec.mats: 1}"));
    let rule = "policies/mast.yaml:9:20 invalid-rule: rule mast: no matched kind has the field spec.mats";
    check(&scene, &[], &[], &[invalid, rule]);
    fs::remove_file(scene.folder.join("policies/mast.yaml")).unwrap();
    // A schema that is none says so, and nothing of the kind passes.
    scene.write("schemas/kinds/Ship.schema.json", r#"{"type": "ship"}"#);
    let report = scene.report(&[]);
    assert_eq!(seen(&report), Vec::<String>::new());
    assert!(problem_lines(&report)[0].starts_with("schemas/kinds/Ship.schema.json:1:"), "{report}");
    assert_eq!(report["problems"][0]["code"], "invalid-kind-schema");
}

#[test]
fn schemas_may_be_yaml_and_lie_elsewhere() {
    let scene = scene()
        .with("assize.yaml", "version: 1\nschemas: [model]\n")
        .with("model/Ship.schema.yaml", "type: object\nrequired: [owner]\n")
        .with("schemas/kinds/Boat.schema.json", "{}")
        .with("a.yaml", &ship(""))
        .with("b.yaml", "{apiVersion: assize.dev/v1, kind: Boat, metadata: {name: b}}");
    let problems = [
        "a.yaml:1:58 invalid-resource: Ship/a: owner is missing",
        "b.yaml:1:35 unknown-kind: no schema describes the kind Boat",
    ];
    check(&scene, &[], &[], &problems);
}

#[test]
fn a_repository_adds_fields_to_kinds() {
    let person = "{apiVersion: assize.dev/v1, kind: Person, metadata: {name: a}, spec: {badge: 7, type: employee, status: active}}";
    let scene = scene().with("a.yaml", person);
    let problems = problem_lines(&scene.report(&[]));
    assert!(problems.iter().any(|line| line.contains("spec.badge is not expected here")), "{problems:?}");
    let addition = r#"{"properties": {"spec": {"properties": {"badge": {"type": "integer"}}}}}"#;
    scene.write("schemas/kinds/Person.schema.json", addition);
    assert_eq!(
        problem_lines(&scene.report(&[])),
        problems.iter().filter(|line| !line.contains("badge")).cloned().collect::<Vec<_>>(),
    );
}

#[test]
fn a_schema_of_a_foreign_kind() {
    let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: many}}";
    let scene = scene().with("a.yaml", deployment);
    check(&scene, &["a.yaml Deployment/a"], &[], &[]);
    let schema = r#"{"properties": {"spec": {"properties": {"replicas": {"type": "integer"}}}}}"#;
    scene.write("schemas/kinds/apps/Deployment.schema.json", schema);
    let problem =
        "a.yaml:1:79 invalid-resource: apps/Deployment/a: spec.replicas is many, should be a whole number";
    check(&scene, &[], &[], &[problem]);
}

#[test]
fn own_rules_and_frameworks() {
    let framework = "{apiVersion: assize.dev/v1, kind: Framework, metadata: {name: house}, spec: {authority: us, version: '1', requirements: [{id: '1', title: t}]}}";
    let rule = SEEN.replace("  severity: info\n", "  severity: info\n  requirements: ['house:1']\n");
    let scene = scene().with("policies/house/framework.yaml", framework).with("policies/seen.yaml", &rule);
    scene.write("assize.yaml", "version: 1\nframeworks: [house]\nestate: [estate/**]\n");
    scene.write("estate/a.yaml", &config("a"));
    check(&scene, &["estate/a.yaml ConfigMap/a"], &[], &[]);
    let report = scene.report(&["--framework", "house"]);
    let frameworks = report["summary"]["frameworks"].as_array().unwrap();
    let house = frameworks.iter().find(|each| each["framework"] == "house").unwrap();
    assert_eq!(house["requirementsWithFindings"], 1);
    assert_eq!(report["findings"][0]["requirements"][0], "house:1");
    // Elsewhere they are not looked for, and that is said.
    scene.write("estate/rule.yaml", &SEEN.replace("name: seen", "name: other"));
    scene.write("estate/framework.yaml", &framework.replace("house", "garden"));
    let misplaced = [
        "estate/framework.yaml:1:63 misplaced-rule: framework garden is not loaded from here",
        "estate/rule.yaml:3:18 misplaced-rule: rule other is not loaded from here",
    ];
    let report = scene.report(&[]);
    assert_eq!(problem_lines(&report), misplaced);
    scene.write("assize.yaml", "version: 1\nestate: [estate/**]\npolicies: ['{policies,estate}/**']\n");
    assert_eq!(problem_lines(&scene.report(&[])), Vec::<String>::new());
    // Two rules of one name.
    scene.write("policies/again.yaml", SEEN);
    scene.write("policies/built-in.yaml", &SEEN.replace("name: seen", "name: unowned-asset"));
    assert_eq!(
        problem_lines(&scene.report(&[])),
        [
            "policies/built-in.yaml:3:12 duplicate-rule: rule unowned-asset exists already",
            "policies/seen.yaml:3:12 duplicate-rule: rule seen exists already",
        ],
    );
}

fn fingerprints(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let mut all: Vec<String> =
        findings.iter().map(|finding| finding["fingerprint"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

#[test]
fn two_resources_of_one_identity() {
    let person = "{apiVersion: assize.dev/v1, kind: Ship, metadata: {name: a}}";
    let scene = scene()
        .with("schemas/kinds/Ship.schema.json", "{}")
        .with("a.yaml", person)
        .with("b.yaml", &format!("{person}\n---\n{}", person.replace("name: a", "name: b")))
        .with("c.yaml", &person.replace("name: a", "name: a, namespace: other"));
    let report = scene.report(&[]);
    assert_eq!(problem_lines(&report), ["b.yaml:1:58 duplicate-resource: Ship/a is declared twice"]);
    assert_eq!(report["problems"][0]["related"]["location"]["file"], "a.yaml");

    // Overlays declare foreign ones again; their path tells them apart.
    let scene = self::scene().with("base/a.yaml", &config("a")).with("prod/a.yaml", &config("a"));
    let report = scene.report(&[]);
    assert_eq!(problem_lines(&report), Vec::<String>::new());
    let mut all = fingerprints(&report);
    assert_eq!(all.len(), 2);
    all.dedup();
    assert_eq!(all.len(), 2, "they are two findings");
}

const PODS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  containers:
  - name: app
    image: a
  - name: proxy
    image: b
    ports: [{containerPort: 80}]
  volumes:
  - secret: x
    size: 1
  - secret: z
    size: 2
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  containers: []
";

/// The same, in another order and another style.
const PODS_AGAIN: &str = r#"# databases first
{"kind": "Deployment", "apiVersion": "apps/v1", "spec": {"containers": []}, "metadata": {"name": "db"}}
---
kind: Deployment
spec:

  volumes: [{size: 0x2, "secret": 'z'}, {secret: x, size: 1}]
  containers:
    # in front of the other
    - {image: b, name: proxy, ports: [ {containerPort: 80} ]}
    - image: >-
        a
      name: &app app
apiVersion: "apps/v1"
metadata:
  name: 'web'
  labels: {tier: front}
"#;

#[test]
fn fingerprints_survive_moves() {
    let rule = |name: &str, schema: &str| {
        let rule = SEEN.replace("seen", name).replace("'*'", "apps/Deployment");
        rule.replace("  schema: {required: [unheard-of]}", &format!("  at: spec\n  schema: {schema}"))
    };
    let scene = Scene::new()
        .with("assize.yaml", "version: 1\n")
        .with("policies/owner.yaml", &rule("no-owner", "{required: [owner]}"))
        .with("policies/image.yaml", &rule("no-digest", "{properties: {containers: {items: {properties: {image: {pattern: '@sha256:'}}}}}}"))
        .with("policies/port.yaml", &rule("low-port", "{properties: {containers: {items: {properties: {ports: {items: {properties: {containerPort: {minimum: 1024}}}}}}}}}"))
        .with("policies/size.yaml", &rule("small", "{properties: {volumes: {items: {properties: {size: {minimum: 10}}}}}}"))
        .with("a.yaml", PODS);
    let arguments = ["--rule", "no-owner,no-digest,low-port,small"];
    let before = scene.report(&arguments);
    let expected = fingerprints(&before);
    assert_eq!(expected.len(), 7, "{:?}", crate::scene::finding_lines(&before));
    let mut distinct = expected.clone();
    distinct.dedup();
    assert_eq!(distinct, expected);
    scene.write("a.yaml", PODS_AGAIN);
    assert_eq!(fingerprints(&scene.report(&arguments)), expected);
    fs::remove_file(scene.folder.join("a.yaml")).unwrap();
    scene.write("deep/folder/b.yml", PODS_AGAIN);
    assert_eq!(fingerprints(&scene.report(&arguments)), expected);
    // Another version of the API is the same resource; another name is another one.
    scene.write("deep/folder/b.yml", &PODS_AGAIN.replace("apps/v1", "apps/v2"));
    assert_eq!(fingerprints(&scene.report(&arguments)), expected);
    scene.write("deep/folder/b.yml", &PODS_AGAIN.replace("'web'", "'site'"));
    let renamed = fingerprints(&scene.report(&arguments));
    assert_eq!(renamed.iter().filter(|each| expected.contains(each)).count(), 1, "only that of db is left");
    // A uid survives that as well.
    let uid = |name: &str| {
        PODS.replace("{name: web}", &format!("{{name: {name}, annotations: {{assize.dev/uid: u-1}}}}"))
    };
    scene.write("deep/folder/b.yml", &uid("web"));
    let before = fingerprints(&scene.report(&arguments));
    scene.write("deep/folder/b.yml", &uid("site"));
    assert_eq!(fingerprints(&scene.report(&arguments)), before);
}

#[test]
fn what_stands_twice_in_one_file_is_told_even_of_foreign_kinds() {
    let scene = scene().with("a.yaml", &format!("{}---\n{}", config("a"), config("a")));
    let problem = "a.yaml:7:18 duplicate-resource: core/ConfigMap/a is declared twice";
    let report = scene.report(&["--allow-empty"]);
    assert_eq!(problem_lines(&report), [problem]);
}

#[test]
fn a_rule_that_is_not_loaded_is_told() {
    let scene = Scene::new().with("assize.yaml", "version: 1\nestate: [estate/**]\n");
    scene.write("estate/a.yaml", &config("a"));
    scene.write("policies/x.yaml", &SEEN.replace("kind: Rule", "kind: Ruel"));
    let told =
        "policies/x.yaml:2:7 invalid-rule: the document is neither a Rule nor a Framework of assize.dev/v1";
    assert_eq!(problem_lines(&scene.report(&["--allow-empty"])), [told]);
}

#[cfg(unix)]
#[test]
fn a_rule_behind_a_link_is_told() {
    let scene = Scene::new().with("assize.yaml", "version: 1\nestate: [estate/**]\n");
    scene.write("estate/a.yaml", &config("a"));
    scene.write("elsewhere/x.yaml", SEEN);
    fs::create_dir_all(scene.folder.join("policies")).unwrap();
    std::os::unix::fs::symlink("../elsewhere/x.yaml", scene.folder.join("policies/x.yaml")).unwrap();
    let told = "policies/x.yaml:1:1 misplaced-rule: what stands behind a symbolic link is not loaded";
    assert_eq!(problem_lines(&scene.report(&["--allow-empty"])), [told]);
}

#[test]
fn a_report_is_no_input_of_its_own_run() {
    let scene = scene().with("assize.yaml", "version: 1\nestate: ['**']\n").with("a.yaml", &config("a"));
    scene.write("report.json", "{}");
    let output = format!("json={}", scene.folder.join("report.json").display());
    let outcome = scene.run(&["check", "-o", &output, "--allow-empty", "--fail-on", "never"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}
