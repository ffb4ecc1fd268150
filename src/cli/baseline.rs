//! `assize baseline`, and the file that `--baseline` names.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::args::{BaselineArguments, Common};
use super::check::{Progress, as_of, bounds, selection, watch_rules};
use super::place::Place;
use super::{Failure, output};
use crate::exit::Exit;
use crate::load::{LoadError, Root, Source, verify_objects};
use crate::policy::{Baseline, BaselineChoice, parse_baseline};
use crate::problem::Problem;
use crate::report::write_baseline;
use crate::run::{BaselineMode, CheckRequest, NewBaseline, PolicyError, baseline, configured_baseline};

/// Bytes of a baseline.
const LARGEST: u64 = 256 << 20;

pub(super) fn run(arguments: &BaselineArguments, common: &Common) -> Result<Exit, Failure> {
    watch_rules();
    verify_objects(arguments.origin.verify_objects);
    let start = arguments.paths.first().map_or(Path::new("."), AsRef::as_ref);
    let place = Place::open(&arguments.origin, start)?;
    let sources = place.sources();
    let mut snippet = |file: &str| place.snippet(file);
    let mut told = |problems: &[Problem]| -> Result<Exit, Failure> {
        output::problems_in(&mut snippet, problems, common)?;
        Ok(Exit::Problems)
    };
    let named = arguments.output.as_deref().filter(|file| *file != Path::new("-"));
    let file = match (&arguments.output, place.work_tree()) {
        (Some(_), _) => named.map(Path::to_owned),
        (None, Some(root)) => match configured_baseline(&sources) {
            Ok(path) => path.map(|path| root.top.join(root.below_base(&path))),
            Err(PolicyError::Load(error)) => return Err(error.into()),
            Err(PolicyError::Configuration(problems)) => return told(&problems),
        },
        (None, None) => None,
    };
    let mode = if arguments.update { BaselineMode::Update } else { BaselineMode::Write };
    let former = match file.as_deref().filter(|file| file.exists()) {
        None if mode == BaselineMode::Update => {
            return Err(Failure::Load(LoadError {
                message: "there is no baseline to bring up to date".to_owned(),
                help: Some("name it: assize baseline --update -o FILE".to_owned()),
            }));
        }
        None => None,
        Some(file) => match read(file, place.work_tree())? {
            Ok(baseline) => Some(Arc::new(baseline)),
            Err(problems) => return told(&problems),
        },
    };
    let request = CheckRequest {
        paths: arguments.paths.clone(),
        selection: selection(&arguments.selection),
        limits: bounds(&arguments.limits),
        as_of: as_of(arguments.as_of.as_deref())?,
        allow_empty: arguments.allow_empty,
        // What is written is no file of a commit, whatever it is called.
        outputs: file.iter().filter(|_| place.work_tree().is_some()).cloned().collect(),
        threads: common.threads,
        ..CheckRequest::default()
    };
    let progress = Progress::new(common);
    let new = match baseline(&sources, &request, former, mode, &|done, total| progress.tell(done, total)) {
        Ok(new) => new,
        Err(PolicyError::Load(error)) => return Err(error.into()),
        Err(PolicyError::Configuration(problems)) => {
            progress.end();
            return told(&problems);
        }
    };
    progress.end();
    if !new.report.problems.is_empty() {
        told(&new.report.problems)?;
        return Err(Failure::Load(LoadError {
            message: "nothing is written, since not everything could be checked".to_owned(),
            help: Some("a baseline holds findings, never problems; repair these first".to_owned()),
        }));
    }
    let write = |out: &mut dyn std::io::Write| write_baseline(&new.entries, out);
    if let Some(file) = &file {
        output::to_file(file, &mut |out| write(out))?;
    } else {
        let mut text = Vec::new();
        write(&mut text)?;
        output::to_stdout(&text)?;
    }
    if !common.quiet {
        output::to_stderr(&summary(&new, file.as_deref()))?;
    }
    Ok(Exit::Clean)
}

fn summary(new: &NewBaseline, file: Option<&Path>) -> String {
    let name = file.map_or_else(|| "standard output".to_owned(), |file| file.display().to_string());
    let count = new.entries.len() as u64;
    let entries = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
    let mut text = format!("{name}: {entries}; {} new, {} removed", count - new.kept, new.removed);
    if new.left_out > 0 {
        text.push_str(&format!(
            "; {} left out, since a sensitive rule looks at the whole of their resource",
            new.left_out
        ));
    }
    text + "\n"
}

/// Reads a baseline from disk. Reports call it as they would call it in the work tree.
pub(super) fn read(file: &Path, root: Option<&Root>) -> Result<Result<Baseline, Vec<Problem>>, Failure> {
    let refuse = |reason: String| Failure::Plain(format!("{}: {reason}", file.display()));
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    opened.map_err(|error| refuse(format!("the baseline cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(refuse(format!("the baseline has more than {LARGEST} bytes")));
    }
    let name = root.and_then(|root| root.relative(file));
    let name = name.unwrap_or_else(|| file.to_string_lossy().replace('\\', "/"));
    Ok(parse_baseline(bytes, &Arc::from(name)))
}

/// The baseline that counts in a comparison: the file as it is in the base, if it lies in the repository. One that only
/// the head has counts for nothing yet.
pub(super) fn of_base(
    file: &Path,
    base: &dyn Source,
    head: &dyn Source,
    is_elsewhere: bool,
) -> Result<Result<BaselineChoice, Vec<Problem>>, Failure> {
    let root = Root::discover(Path::new(".")).ok();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let inner = match (&root, file.file_name().and_then(|name| name.to_str())) {
        (Some(root), Some(name)) if folder.is_dir() => root
            .relative(folder)
            .map(|folder| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }),
        // A bare repository, or a folder that only commits have.
        _ => file.to_str().map(|path| base.below_base(path.trim_start_matches("./"))),
    };
    let Some(path) = inner else {
        return Ok(read(file, None)?.map(|baseline| BaselineChoice::Given(Arc::new(baseline))));
    };
    let Some(below) = base.from_base(&path) else {
        return Err(Failure::Plain(format!(
            "--baseline {} should lie below the folder of assize.yaml, or outside of the repository",
            file.display()
        )));
    };
    let found = match base.find(&path) {
        Ok(found) => found,
        Err(problem) => return Ok(Err(vec![*problem])),
    };
    if found.is_none() && !matches!(head.find(&path), Ok(Some(_))) {
        return Err(Failure::Plain(format!("--baseline {}: neither version has it", file.display())));
    }
    Ok(match found {
        _ if !is_elsewhere => Ok(BaselineChoice::At(below.to_owned())),
        None => Ok(BaselineChoice::None),
        Some(entry) => match base.read(&entry, LARGEST) {
            Ok(bytes) => {
                parse_baseline(bytes, &entry.path).map(|baseline| BaselineChoice::Given(Arc::new(baseline)))
            }
            Err(problem) => Err(vec![*problem]),
        },
    })
}
