"""Holds a report to its schemas: json to our own, the documents of OSCAL to the published one, the workbook to what it must not have.

Usage: validate_report.py FOLDER REPORT_SCHEMA. The schema of OSCAL comes from the folder that ASSIZE_SCHEMAS names, else from the
fixtures of the tests. Exits with 1 at the first thing that is wrong; says what it skipped for want of a package.
"""

import json
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

folder = pathlib.Path(sys.argv[1])
report = json.loads((folder / "report.json").read_text(encoding="utf-8"))


def fail(message):
    sys.exit(f"{folder.name}: {message}")


def validate(name, value, schema):
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)
    for pattern in ("\\p{L}", "\\p{N}"):
        # Python's own expressions do not know these classes.
        schema = json.loads(json.dumps(schema).replace(json.dumps(pattern)[1:-1], "A-Za-z" if pattern == "\\p{L}" else "0-9")
                            .replace("(A-Za-z|", "([A-Za-z]|").replace("|0-9|", "|[0-9]|"))
    for error in validator(schema).iter_errors(value):
        fail(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    print(f"{name}: valid")


try:
    import jsonschema  # noqa: F401
except ImportError:
    print("skipped: json and oscal, since the package jsonschema is not installed")
else:
    validate("json", report, json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")))
    published = pathlib.Path(os.environ.get("ASSIZE_SCHEMAS") or "none") / "oscal_complete_schema.json"
    if not published.is_file():
        published = pathlib.Path("tests/fixtures/oscal/oscal_complete_schema-1.2.1.json")
    complete = json.loads(published.read_text(encoding="utf-8"))
    for path in sorted((folder / "oscal").iterdir()):
        document = json.loads(path.read_text(encoding="utf-8"))
        (name,) = document
        branch = next(branch for branch in complete["oneOf"] if branch["required"] == [name])
        validate(name, document, {"$schema": complete["$schema"], "definitions": complete["definitions"], **branch})

# Documents of OSCAL name each other by file.
for path in (folder / "oscal").iterdir():
    for href in re.findall(r'"import-[a-z]+": \{\s*"href": "([^"]+)"', path.read_text(encoding="utf-8")):
        if not (folder / "oscal" / href).is_file():
            fail(f"{path.name} imports {href}, which is not there")

with zipfile.ZipFile(folder / "report.xlsx") as workbook:
    names = workbook.namelist()
    for name in names:
        tree = ElementTree.fromstring(workbook.read(name))
        local = {element.tag.rsplit("}", 1)[-1] for element in tree.iter()}
        if name.startswith("xl/worksheets/") and local & {"f", "hyperlink"}:
            fail(f"{name} has a formula or a link")
    sheets = [name for name in names if re.match(r"xl/worksheets/sheet\d+\.xml$", name)]
    if len(sheets) != 9 + len(report["frameworks"]) + (9 if report["period"] else 0):
        fail(f"{len(sheets)} sheets")
    print(f"xlsx: {len(sheets)} sheets, no formula, no link")
