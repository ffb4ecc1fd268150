//! Integration tests, as one binary.

mod clinic;
mod scene;
mod schemas;
