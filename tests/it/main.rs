//! Integration tests, as one binary.

mod cli;
mod clinic;
mod determinism;
mod scene;
mod schemas;
mod tidy;
mod tree;
mod vocabulary;
