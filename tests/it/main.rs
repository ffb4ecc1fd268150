//! The integration tests: one binary, so that they link once.

mod cli;
mod clinic;
mod determinism;
mod differential;
mod examples;
mod formats;
mod git;
mod hostile;
mod init;
mod linked_files;
mod places;
mod planted;
mod reads;
mod reference;
mod rego;
mod report;
mod scene;
mod schemas;
mod tidy;
mod tree;
mod vocabulary;
mod waivers;
mod webshop;
mod yaml_suite;
