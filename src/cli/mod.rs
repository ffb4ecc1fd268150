//! The command line: arguments, the environment, the clock, streams and the exit code.
//!
//! Input: what the user typed. Output: text on the streams and an exit code. What it does not do: it decides
//! nothing about findings.

mod args;
mod baseline;
mod check;
mod diff;
mod explain;
mod init;
mod list;
mod output;
mod period;
mod place;
mod report;
mod test;

use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use self::args::{Arguments, Command};
use crate::exit::Exit;
use crate::load::{LoadError, Root, Source, verify_objects};
use crate::policy::{BaselineChoice, Selection};
use crate::problem::Problem;
use crate::run::{Policies, PolicyError, load_policies};

/// Runs the program.
pub fn main() -> ExitCode {
    // Evaluations are isolated, and their panics become problems: what the hook would print belongs to no one.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("main") {
            default(info);
        }
    }));
    #[cfg(unix)]
    output::signals::survive_large_files();
    let arguments = Arguments::parse();
    let result = catch_unwind(AssertUnwindSafe(|| run(&arguments)));
    match result {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) => {
            complain(&error);
            Exit::Problems.into()
        }
        Err(_) => Exit::Problems.into(),
    }
}

/// Why the program ends early.
enum Failure {
    /// There is no place to run.
    Load(LoadError),
    /// Bad use, or a stream that cannot be written.
    Plain(String),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Plain(format!("cannot write: {error}"))
    }
}

fn complain(failure: &Failure) {
    let (message, help) = match failure {
        Failure::Load(error) => (&error.message, error.help.as_deref()),
        Failure::Plain(message) => (message, None),
    };
    let mut text = format!("error: {}\n", crate::report::for_terminal(message));
    if let Some(help) = help {
        text.push_str(&format!("help: {}\n", crate::report::for_terminal(help)));
    }
    // With no stream left to complain on, the exit code has to do.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    // Computing every object's hash once more costs as much as reading it; some commands have a flag for it.
    verify_objects(false);
    match &arguments.command {
        Command::Check(check) => check::run(check, &arguments.common),
        Command::Baseline(baseline) => baseline::run(baseline, &arguments.common),
        Command::Diff(diff) => diff::run(diff, &arguments.common),
        Command::Report(report) => report::run(report, &arguments.common),
        Command::Period(period) => period::run(period, &arguments.common),
        Command::Blame(blame) => period::run_blame(blame, &arguments.common),
        Command::Init(init) => init::run(init),
        Command::Test(test) => test::run(test, &arguments.common),
        Command::List(list) => list::run(list, &arguments.common),
        Command::Explain(explain) => explain::run(explain, &arguments.common),
        Command::Schema(schema) => explain::schema(schema, &arguments.common),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "assize", &mut text);
            output::to_stdout(&text)?;
            Ok(Exit::Clean)
        }
    }
}

/// The policies around the current folder, for commands that only look at them. Problems of the configuration
/// are shown and end the command.
fn policies(
    place: &PolicyPlace,
    selection: &Selection,
    common: &args::Common,
) -> Result<Option<Policies>, Failure> {
    // Rules over changes are looked at like all others; only a check leaves them out.
    let selection = Selection { with_changes: true, baseline: BaselineChoice::None, ..selection.clone() };
    match load_policies(place.source(), &selection, common.threads) {
        Ok(policies) => Ok(Some(policies)),
        Err(PolicyError::Load(error)) => Err(error.into()),
        Err(PolicyError::Configuration(problems)) => {
            place.problems(&problems, common)?;
            Ok(None)
        }
    }
}

/// Where the policies stand that a command looks at.
enum PolicyPlace {
    /// In the work tree around the current folder.
    Here(Box<Root>),
    /// Where `--policies` says.
    Elsewhere(Box<dyn Source>),
}

impl PolicyPlace {
    /// What `--policies` names, else what is around `start`.
    fn open(policies: Option<&str>, start: Option<&Path>) -> Result<Self, Failure> {
        match policies {
            Some(place) => place::policies(place, None).map(Self::Elsewhere),
            None => Ok(Self::Here(Box::new(Root::discover(start.unwrap_or_else(|| Path::new(".")))?))),
        }
    }

    fn source(&self) -> &dyn Source {
        match self {
            Self::Here(root) => &**root,
            Self::Elsewhere(source) => &**source,
        }
    }

    /// Shows problems on standard error.
    fn problems(&self, problems: &[Problem], common: &args::Common) -> io::Result<()> {
        let top = if let Self::Here(root) = self { Some(&*root.top) } else { None };
        output::problems_in(&mut |file| output::snippet(self.source(), top, file), problems, common)
    }
}
