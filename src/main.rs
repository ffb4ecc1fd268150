//! The `assize` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    assize::cli::main()
}
