//! Integration tests, as one binary.

mod cli;
mod clinic;
mod scene;
mod schemas;
