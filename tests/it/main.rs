//! The integration tests: one binary, so that they link once.

mod baseline;
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
mod reads;
mod reference;
mod reference_pages;
mod rego;
mod report;
mod roles;
mod scene;
mod schemas;
mod tidy;
mod tree;
mod vocabulary;
mod waivers;
mod yaml_suite;
