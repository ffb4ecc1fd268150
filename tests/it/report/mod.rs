//! `assize report`: the outcome of each requirement, evidence and controls, populations, and every format of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod formats;
mod outcomes;

use serde_json::Value;

use crate::scene::{DAY, Scene};

/// A framework of our own, and a rule for most of its requirements.
const HOUSE: &str = "
apiVersion: assize.dev/v1
kind: Framework
metadata: {name: house, title: House rules}
spec:
  authority: Us
  version: '1'
  requirements:
    - {id: '1', title: All of it}
    - {id: '1.1', title: Stores are encrypted, parent: '1'}
    - {id: '1.2', title: Persons are known, parent: '1'}
    - {id: '1.3', title: Vendors are listed, parent: '1'}
    - {id: '1.4', title: Nobody tests this, parent: '1'}
    - {id: '1.4.1', title: Nor this, parent: '1.4'}
    - {id: '2', title: Required, implementation: required}
    - {id: '3', title: Addressable, implementation: addressable}
    - {id: '4', title: Turned off}
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: plain-store, title: Stores are encrypted}
spec:
  severity: high
  rationale: Stolen disks tell everything.
  remediation: Encrypt it.
  requirements: ['house:1.1']
  match: {kinds: [DataStore]}
  schema: {x-has: {spec.encryptionAtRest.enabled: true}}
  examples: []
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: unknown-person, title: Persons have a status}
spec:
  severity: low
  rationale: Who they are.
  remediation: Tell.
  requirements: ['house:1.2', 'house:1.1']
  match: {kinds: [Person]}
  schema: {x-has: {spec.status: active}}
  examples: []
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: unlisted-vendor, title: Vendors are listed}
spec:
  severity: low
  rationale: Who they are.
  remediation: Tell.
  requirements: ['house:1.3']
  match: {kinds: [Vendor]}
  schema: {x-has: {spec.owner: true}}
  examples: []
---
apiVersion: assize.dev/v1
kind: Rule
metadata: {name: turned-off, title: Turned off}
spec:
  severity: low
  rationale: Why not.
  remediation: Tell.
  requirements: ['house:4']
  match: {kinds: [Person]}
  schema: {x-has: {spec.status: active}}
  examples: []
";

const CONFIG: &str = "version: 1\nframeworks: [house]\nestate: ['estate/**']\nrules: {turned-off: {enabled: false, reason: not ours}}\nwaivers: {approvers: [ben]}\n";

const PERSON: &str = "
apiVersion: assize.dev/v1
kind: Person
metadata: {name: ben}
spec: {type: employee, status: active, start: 2020-01-01}
---
apiVersion: assize.dev/v1
kind: Person
metadata: {name: anna}
spec: {type: employee, status: active, start: 2020-01-01}
";

/// An estate under the house rules, with these documents beside two persons.
fn house(documents: &str) -> Scene {
    let scene = Scene::new().with("assize.yaml", CONFIG).with("policies/house.yaml", HOUSE);
    scene.with("estate/persons.yaml", PERSON).with("estate/others.yaml", documents)
}

/// The report in the format json.
fn report(scene: &Scene, arguments: &[&str]) -> Value {
    let all = [&["report", "-o", "json", "--as-of", DAY], arguments].concat();
    let outcome = scene.run(&all);
    serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}): {}{}", outcome.stdout, outcome.stderr))
}

/// A requirement of the house rules.
fn requirement<'r>(report: &'r Value, id: &str) -> &'r Value {
    let house =
        report["frameworks"].as_array().unwrap().iter().find(|each| each["framework"] == "house").unwrap();
    house["requirements"].as_array().unwrap().iter().find(|each| each["requirement"] == id).unwrap()
}

fn store(name: &str, is_encrypted: bool) -> String {
    format!(
        "---\napiVersion: assize.dev/v1\nkind: DataStore\nmetadata: {{name: {name}}}\nspec: {{type: object, classification: internal, \
         encryptionAtRest: {{enabled: {is_encrypted}}}}}\n"
    )
}
