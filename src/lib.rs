//! assize checks an IT estate that is declared in YAML in a git repository against rules that cite the
//! requirements of PCI-DSS, HIPAA, GDPR, COBIT and ITIL.
//!
//! Data moves one way: `load -> yaml -> estate, policy -> plan -> evaluate -> finding -> report`; `run` owns
//! the loops and `cli` the outside world. ARCHITECTURE.md in the repository is the map.

pub mod cli;
pub mod compare;
pub mod date;
pub mod estate;
pub mod evaluate;
pub mod exit;
pub mod finding;
pub mod load;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod rego;
pub mod report;
pub mod run;
pub mod schema;
pub mod waive;
pub mod yaml;
