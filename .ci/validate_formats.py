"""Holds the output of every format to its schema, and all formats to each other.

Usage: validate_formats.py FOLDER OUTPUT_SCHEMA. The folder holds one file a format, named after it. Exits with 1 at the first
thing that is wrong; says what it skipped for want of a schema or a package.
"""

import csv
import gzip
import json
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

folder = pathlib.Path(sys.argv[1])
schemas = pathlib.Path(os.environ["ASSIZE_SCHEMAS"]) if os.environ.get("ASSIZE_SCHEMAS") else None
skipped = []


def text(name):
    return (folder / name).read_bytes().decode("utf-8")


def fail(message):
    sys.exit(f"{folder.name}: {message}")


def ensure(condition, message):
    if not condition:
        fail(message)


def schema_file(name):
    """The schema of this name in the folder of schemas, if there is one."""
    path = schemas / name if schemas else None
    return path if path and path.is_file() else None


def validate_json(name, value, path):
    try:
        import jsonschema
    except ImportError:
        skipped.append(f"{name}: the package jsonschema is not installed")
        return
    schema = json.loads(path.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for error in validator.iter_errors(value):
        fail(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    print(f"{name}: valid against {path.name}")


def validate_xml(name, path):
    document = folder / name
    try:
        import xmlschema

        xmlschema.XMLSchema(str(path)).validate(str(document))
    except ImportError:
        try:
            from lxml import etree
        except ImportError:
            skipped.append(f"{name}: neither xmlschema nor lxml is installed")
            return
        etree.XMLSchema(etree.parse(str(path))).assertValid(etree.parse(str(document)))
    print(f"{name}: valid against {path.name}")


# json and jsonl, against our own schema.
report = json.loads(text("json"))
validate_json("json", report, pathlib.Path(sys.argv[2]))
lines = [json.loads(line) for line in text("jsonl").splitlines()]
ensure(lines[0]["type"] == "run" and lines[-1]["type"] == "summary", "jsonl: it begins with run and ends with summary")
failing = [finding for finding in report["findings"] if finding["status"] == "fail"]
problems = report["problems"]
# A comparison has events and changes of the gate as well, and fails for what is new.
comparison = report.get("comparison") or {"events": [], "gate": [], "fixed": [], "resources": []}
events, gate = comparison["events"], comparison["gate"]
new = [finding for finding in failing if finding.get("state", "new") == "new"] + events
ensure([line["fingerprint"] for line in lines if line["type"] == "finding"] == [f["fingerprint"] for f in report["findings"]],
       "jsonl has the findings of json")

# sarif
sarif = json.loads(text("sarif"))
packaged = os.environ.get("ASSIZE_SARIF_SCHEMA")
path = schema_file("sarif-schema-2.1.0.json") or (pathlib.Path(packaged) if packaged else None)
if path:
    validate_json("sarif", sarif, path)
else:
    skipped.append("sarif: there is no schema")
run = sarif["runs"][0]
ensure(len(run["results"]) == len(report["findings"]) + len(problems) + len(events) + len(gate), "sarif has everything as a result")
ensure(run["invocations"][0]["executionSuccessful"] == (not problems), "sarif tells whether everything was checked")
ensure(len(gzip.compress(text("sarif").encode())) <= 10_000_000 and len(run["results"]) <= 25_000, "sarif is within GitHub's limits")
ensure(all(len(rule["properties"]["tags"]) <= 20 for rule in run["tool"]["driver"]["rules"]), "sarif: 20 tags a rule at most")
hashes = sum("primaryLocationLineHash" in result["partialFingerprints"] for result in run["results"])
ensure(hashes > 0 or problems, "sarif has hashes of lines")
if report.get("comparison"):
    states = [result["baselineState"] for result in run["results"]]
    ensure(states.count("new") == len(new) + len(gate) + len(problems), "sarif tells what is new")

# junit
path = schema_file("JUnit.xsd")
if path:
    validate_xml("junit", path)
else:
    skipped.append("junit: ASSIZE_SCHEMAS names no folder with JUnit.xsd; only its counts are checked")
suites = ElementTree.fromstring(text("junit"))
for suite in suites:
    for attribute, element in [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
        ensure(int(suite.get(attribute)) == len(list(suite.iter(element))), f"junit: {attribute} of {suite.get('name')}")
failures = {(case.get("classname"), case.get("name")) for case in suites.iter("testcase") if case.find("failure") is not None}
failing_rules = {finding["rule"] for finding in new} | {"assize: gate" for change in gate if change["effect"] == "fails"}
ensure({rule for rule, _ in failures} == failing_rules, "junit fails for the rules of json")
ensure(len(list(suites[0].iter("error"))) == len(problems), "junit has every problem as an error")

# gitlab: GitLab publishes the form as documentation only
# (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format). The schema called codeclimate.json is that of
# the configuration of another program.
form = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/)"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
issues = json.loads(text("gitlab"))
form_file = folder / "gitlab.schema.json"
form_file.write_text(json.dumps(form), encoding="utf-8")
validate_json("gitlab", issues, form_file)
skipped.append("gitlab: there is no published schema; the form of its documentation is checked")
ensure(len(issues) == len(failing) + len(problems) + len(events) + len(gate), "gitlab has every finding that counts, and every problem")
ensure(len({issue["fingerprint"] for issue in issues}) == len(issues), "gitlab: fingerprints are unique")
ensure(sum(issue["severity"] == "blocker" for issue in issues) == len(problems), "gitlab has problems as blockers")

# csv
# A row for each field of a resource that changed, or one for the resource.
changes = sum(len(resource.get("fields") or [0]) for resource in comparison["resources"])
rows = list(csv.reader(text("csv").splitlines(keepends=True), strict=True))
ensure(all(len(row) == len(rows[0]) for row in rows), "csv: every row has every column")
things = sum(map(len, [problems, report["findings"], events, gate, comparison["fixed"]])) + changes
ensure(len(rows) == 2 + things, "csv has a row for everything")
ensure(not any(cell.lstrip(" ")[:1] in set("=+-@\t\r\n") - {""} for row in rows for cell in row if cell), "csv holds no formula")

# github
commands = text("github").splitlines()
pattern = re.compile(r"::(error|warning|notice) (?:[a-zA-Z]+=[^,:\r\n]*,)*title=[^,:\r\n]*::[^\r\n]*")
ensure(all(pattern.fullmatch(line) for line in commands), "github: every line is a command")
ensure(len(commands) == 1 + len(new) + len(gate) + len(problems), "github has an annotation for everything")

# markdown and summary
ensure(len(text("markdown")) <= 65_536, "markdown fits a comment")
word = "incomplete" if problems else "failed"
ensure(f"### assize: {word}\n" in text("markdown"), "markdown says how the run ends")
ensure(text("summary").startswith(f"{word}: ") and text("summary").count("\n") == 1, "summary is one line")
print("jsonl, csv, github, markdown, summary: well formed, and all formats agree")
for reason in skipped:
    print(f"skipped: {reason}")
