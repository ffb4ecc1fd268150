//! The integration tests: one binary, so that they link once.

mod differential;
mod hostile;
mod yaml_suite;
