//! The integration tests: one binary, so that they link once.

mod baseline;
mod cli;
mod clinic;
mod determinism;
mod differential;
mod examples;
mod fast_parser;
mod formats;
mod git;
mod hostile;
mod init;
mod linked_files;
mod pack;
mod places;
mod planted;
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
mod webshop;
#[cfg(unix)]
mod whole_files;
mod yaml_suite;
