//! Integration tests, as one binary.

mod scene;
mod schemas;
