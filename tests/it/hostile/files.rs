//! Files, folders and links that are not what they seem. Unix only, since the others make no such things.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use assize::load::{Entry, Root, SkipReason, Source as _};
use assize::problem::Code;

use super::{Estate, GOOD, MEMORY, application, bounded};

fn pair(reason: &str, path: &str) -> (String, String) {
    (reason.to_owned(), path.to_owned())
}

#[test]
fn links_in_circles_and_out_of_the_root() {
    let estate = Estate::new();
    let outside = estate.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.yaml"), application("secret")).unwrap();
    let link = |to: &Path, name: &str| symlink(to, estate.root().join("estate").join(name)).unwrap();
    link(Path::new("two.yaml"), "one.yaml");
    link(Path::new("one.yaml"), "two.yaml");
    link(Path::new("self.yaml"), "self.yaml");
    link(Path::new("."), "here");
    link(Path::new(".."), "up.yaml");
    link(Path::new("/"), "top.yaml");
    link(Path::new("good.yaml"), "again.yaml");
    link(Path::new("nowhere"), "dangling.yaml");
    link(&outside.join("secret.yaml"), "file.yaml");
    link(&outside, "folder.yaml");
    link(&outside, "folder");
    link(Path::new("/dev/zero"), "zero.yaml");
    let outcome = estate.check(MEMORY, &[]);
    outcome.expect(&[]);
    let names = ["again", "dangling", "file", "folder", "one", "self", "top", "two", "up", "zero"];
    let skipped = outcome.skipped();
    for name in names {
        assert!(
            skipped.contains(&pair("symbolic link", &format!("estate/{name}.yaml"))),
            "{name}: {skipped:?}"
        );
    }
    assert_eq!(outcome.findings.len(), 1);

    // Named on the command line they are problems.
    for path in ["estate/file.yaml", "estate/folder", "estate/folder/secret.yaml", "estate/top.yaml"] {
        let outcome = estate.check(MEMORY, &[GOOD, path]);
        outcome.expect(&[("outside-root", "")]);
        assert_eq!(outcome.findings.len(), 1);
    }
    for path in ["estate/dangling.yaml", "estate/one.yaml", "estate/missing.yaml"] {
        let outcome = estate.check(MEMORY, &[GOOD, path]);
        assert_eq!(outcome.exit, Some(2), "{path}");
        assert!(!outcome.problems.is_empty(), "{path}");
    }
    estate.check(MEMORY, &[GOOD, "estate/again.yaml"]).expect(&[]);
}

#[test]
fn pipes_devices_and_folders_with_the_name_of_a_file() {
    let estate = Estate::new();
    let pipe = estate.root().join("estate/pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::net::UnixListener::bind(estate.root().join("estate/socket.yaml")).unwrap();
    estate.put("estate/folder.yaml/inner.yaml", application("inner"));
    let expected = [("not-a-file", "estate/pipe.yaml"), ("not-a-file", "estate/socket.yaml")];
    let outcome = estate.check(MEMORY, &[]);
    outcome.expect(&expected);
    assert!(outcome.findings.contains("estate/folder.yaml/inner.yaml"));
    // Nobody writes into the pipe, so waiting for a writer would never end.
    estate.check(MEMORY, &[GOOD, "estate/pipe.yaml"]).expect(&expected[..1]);
}

/// As another user than root, who may read everything. The files of the estate are made the user's, and the
/// program is copied, since its own folder may be closed to others.
fn unprivileged(estate: &Estate) -> Command {
    const NOBODY: u32 = 65_534;
    let program = Path::new(env!("CARGO_BIN_EXE_assize"));
    if fs::metadata(estate.folder.path()).unwrap().uid() != 0 {
        return bounded(program, MEMORY);
    }
    let copy = estate.folder.path().join("assize");
    fs::copy(program, &copy).unwrap();
    fs::set_permissions(estate.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    for path in ["", "estate"] {
        chown(estate.root().join(path), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut command = bounded(&copy, MEMORY);
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn what_may_not_be_read() {
    let estate = Estate::without_git();
    estate.put("estate/closed.yaml", application("closed"));
    estate.put("estate/closed/inner.yaml", application("inner"));
    let close = |path: &str, mode| {
        fs::set_permissions(estate.root().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    close("estate/closed.yaml", 0o000);
    close("estate/closed", 0o000);
    let outcome = estate.run(unprivileged(&estate), &[]);
    let paths = estate.run(unprivileged(&estate), &[GOOD, "estate/closed.yaml"]);
    // May be listed and not entered: the names are there, the files are not.
    close("estate/closed", 0o444);
    let listed = estate.run(unprivileged(&estate), &[]);
    // Else the folder could not be removed.
    close("estate/closed", 0o755);
    outcome.expect(&[("unreadable-file", "estate/closed.yaml"), ("unreadable-folder", "estate/closed")]);
    paths.expect(&[("unreadable-file", "estate/closed.yaml")]);
    listed.expect(&[
        ("unreadable-file", "estate/closed.yaml"),
        ("unreadable-file", "estate/closed/inner.yaml"),
    ]);
}

#[test]
fn long_paths() {
    let estate = Estate::new();
    // The longest path that the system takes has 4,095 bytes (1,023 on macOS), the folder of the test included.
    let most = if cfg!(target_os = "linux") { 4_095 } else { 1_023 };
    let left = most - estate.root().as_os_str().len() - "/estate//x.yaml".len();
    let mut folder = "estate".to_owned();
    for _ in 0..left / 201 {
        folder.push('/');
        folder.push_str(&"d".repeat(200));
    }
    let file = format!("{folder}/x.yaml");
    estate.put(&file, application("far"));
    let outcome = estate.check(MEMORY, &[]);
    outcome.expect(&[]);
    assert!(outcome.findings.contains(&file));

    // A tree moved below it has paths that are longer than any that can be opened.
    let other = format!("other{}", &folder["estate".len()..]);
    estate.put(&format!("{other}/y.yaml"), application("farther"));
    fs::rename(estate.root().join("other"), estate.root().join(&folder).join("o")).unwrap();
    let outcome = estate.check(MEMORY, &[]);
    assert_eq!(outcome.exit, Some(2));
    let codes: Vec<&str> = outcome.problems.keys().map(|(code, _)| code.as_str()).collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| code.starts_with("unreadable-")), "{codes:?}");
    assert!(outcome.findings.contains(GOOD) && outcome.findings.contains(&file));
}

#[test]
fn names_that_are_no_text_or_look_like_something_else() {
    let estate = Estate::new();
    let names =
        ["a\nb.yaml", "\u{1b}[31mred.yaml", "\u{202e}lmay.yaml", "-o.yaml", "a b.yaml", "'\"$(x).yaml"];
    for (number, name) in names.iter().enumerate() {
        estate.put(&format!("estate/{name}"), application(&format!("n{number}")));
    }
    // macOS takes no such name.
    let mut expected = Vec::new();
    if cfg!(target_os = "linux") {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"estate/caf\xe9.yaml");
        fs::write(estate.root().join(name), application("latin")).unwrap();
        expected.push(("path-not-utf8", "estate/caf\u{fffd}.yaml"));
    }
    let outcome = estate.check(MEMORY, &[]);
    outcome.expect(&expected);
    assert_eq!(outcome.findings.len(), 1 + names.len());
}

#[test]
fn many_files_in_a_folder() {
    let estate = Estate::new();
    let folder = estate.root().join("estate/many");
    fs::create_dir(&folder).unwrap();
    for number in 0..100_000 {
        let text = match number {
            70_000 => "a: [\n".to_owned(),
            80_000 => application("late"),
            _ => "# nothing\n".to_owned(),
        };
        fs::write(folder.join(format!("f{number}.yaml")), text).unwrap();
    }
    let outcome = estate.check(MEMORY, &[]);
    outcome.expect(&[("invalid-yaml", "estate/many/f70000.yaml")]);
    assert!(outcome.findings.contains("estate/many/f80000.yaml"));
    assert_eq!(outcome.report["summary"]["files"], 100_001);
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let estate = Estate::new();
    // A hole of 64 GiB, which costs no disk.
    File::create(estate.root().join("estate/huge.yaml")).unwrap().set_len(64 << 30).unwrap();
    estate.check(MEMORY, &[]).expect(&[("file-too-large", "estate/huge.yaml")]);
}

fn all(_: &str) -> bool {
    true
}

#[test]
fn files_that_change_between_listing_and_reading() {
    let estate = Estate::new();
    for name in ["deleted", "grown", "link", "folder", "pipe"] {
        estate.put(&format!("estate/{name}.yaml"), application(name));
    }
    let root = Root::discover(&estate.root()).unwrap();
    let (listing, problems) = root.list(&[String::new()], &all, 1);
    assert_eq!(problems, []);
    assert_eq!(listing.entries.len(), 7);
    let path = |name: &str| estate.root().join(format!("estate/{name}.yaml"));
    for name in ["deleted", "link", "folder", "pipe"] {
        fs::remove_file(path(name)).unwrap();
    }
    let longer = application("grown").repeat(100);
    fs::write(path("grown"), &longer).unwrap();
    fs::write(estate.folder.path().join("secret.yaml"), application("secret")).unwrap();
    symlink(estate.folder.path().join("secret.yaml"), path("link")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let read = |name: &str| {
        let path = format!("estate/{name}.yaml");
        assert!(listing.entries.iter().any(|Entry { path: listed, .. }| **listed == path));
        root.read_path(&path, 1 << 20)
            .map_err(|problem| (problem.code, problem.location.unwrap().file.to_string()))
    };
    let refused = |code: Code, name: &str| Err((code, format!("estate/{name}.yaml")));
    assert_eq!(read("deleted"), refused(Code::UnreadableFile, "deleted"));
    assert_eq!(read("link"), refused(Code::UnreadableFile, "link"));
    assert_eq!(read("folder"), refused(Code::NotAFile, "folder"));
    assert_eq!(read("pipe"), refused(Code::NotAFile, "pipe"));
    // What is there when it is opened counts, and the limit as well.
    assert_eq!(read("grown"), Ok(longer.clone().into_bytes()));
    let problem = root.read_path("estate/grown.yaml", longer.len() as u64 - 1).unwrap_err();
    assert_eq!(problem.code, Code::FileTooLarge);
    let (listing, _) = root.list(&[String::new()], &all, 1);
    assert!(listing.skipped.iter().any(|skipped| skipped.reason == SkipReason::SymbolicLink));
}

/// Files of the kernel say that they are empty and are not, like a file that grows after it was opened.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_longer_than_it_says() {
    let root = Root::discover(Path::new("/proc/self")).unwrap();
    assert_eq!(root.read_path("status", 1 << 20).unwrap_err().code, Code::FileChanged);
}

#[test]
fn a_file_that_is_written_while_it_is_read() {
    let estate = Estate::new();
    let root = Root::discover(&estate.root()).unwrap();
    let path = estate.root().join("estate/busy.yaml");
    fs::write(&path, "").unwrap();
    let is_done = AtomicBool::new(false);
    let block = vec![b'#'; 1 << 20];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                let mut file = File::create(&path).unwrap();
                for _ in 0..8 {
                    file.write_all(&block).unwrap();
                }
            }
        });
        for _ in 0..200 {
            match root.read_path("estate/busy.yaml", 1 << 30) {
                // Whole blocks, as the file stood at some moment: never less than was there.
                Ok(bytes) => assert!(bytes.len() <= 8 << 20 && bytes.iter().all(|byte| *byte == b'#')),
                Err(problem) => assert_eq!(problem.code, Code::FileChanged),
            }
        }
        is_done.store(true, Ordering::Relaxed);
    });
}
