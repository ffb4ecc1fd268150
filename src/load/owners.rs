//! CODEOWNERS: who answers for which files, as GitHub and GitLab read it.
//!
//! Input: the text of the file. Output: the owners of a path, and the lines that cannot be read. The last pattern that
//! matches wins; of GitLab's sections each has a say of its own. What it does not do: it knows no accounts, and what
//! GitHub refuses (`!`) is refused.

use std::collections::HashMap;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::source::Source;
use crate::finding::Location;
use crate::problem::{Code, Problem};

/// Where the file is looked for; the first that is there counts.
pub const CODEOWNERS: [&str; 4] =
    [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// GitHub takes no larger file
/// (docs.github.com, "About code owners": it must be under 3 MB).
const LARGEST: u64 = 3 << 20;

/// Lines with faults that are told one by one.
const MOST_FAULTS: usize = 20;

/// Who answers for which files.
#[derive(Debug, Default)]
pub struct Codeowners {
    /// The file, from the top; none where there is none.
    pub file: Option<String>,
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    /// Those that match a file itself.
    files: Patterns,
    /// Those that match a folder, with everything in it.
    folders: Patterns,
    /// By position in the file.
    owners: Vec<Vec<Box<str>>>,
}

/// Patterns, each with the position of the last line that has it.
#[derive(Debug)]
struct Patterns {
    matcher: Gitignore,
    positions: HashMap<String, usize>,
}

impl Patterns {
    /// The last pattern that matches. What it does not match is matched by no folder around it either.
    fn last(&self, path: &Path, is_folder: bool) -> Option<usize> {
        match self.matcher.matched(path, is_folder) {
            Match::Ignore(glob) => self.positions.get(glob.original()).copied(),
            Match::None | Match::Whitelist(_) => None,
        }
    }
}

impl Codeowners {
    /// That of a tree, with problems for what cannot be read of it.
    pub fn of(source: &dyn Source) -> (Self, Vec<Problem>) {
        for file in CODEOWNERS {
            let found = match source.find(file) {
                Ok(Some(entry)) => source.read(&entry, LARGEST),
                Ok(None) => continue,
                Err(problem) => Err(problem),
            };
            let at = |line: u32, message: String| {
                let place = Location { line, end_line: line, ..Location::start_of(file) };
                Problem::new(Code::InvalidCodeowners, message).at(place)
            };
            let text = match found.map(String::from_utf8) {
                Ok(Ok(text)) => text,
                Ok(Err(_)) => return (Self::default(), vec![at(1, "the file is not UTF-8 text".to_owned())]),
                Err(problem) => return (Self::default(), vec![at(1, problem.message)]),
            };
            let (mut owners, faults) = Self::parse(&text);
            owners.file = Some(file.to_owned());
            let more = faults.len().saturating_sub(MOST_FAULTS);
            let mut problems: Vec<Problem> =
                faults.into_iter().take(MOST_FAULTS).map(|(line, message)| at(line, message)).collect();
            if more > 0 {
                problems.push(at(1, format!("{more} more lines cannot be read")));
            }
            return (owners, problems);
        }
        (Self::default(), Vec::new())
    }

    /// Reads a text. Gives lines that cannot be read, with what is wrong with them; they count for nothing.
    pub fn parse(text: &str) -> (Self, Vec<(u32, String)>) {
        let mut faults = Vec::new();
        let mut drafts = vec![Draft::default()];
        let (mut current, mut default) = (0, Vec::new());
        for (number, line) in (1_u32..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((name, rest)) = section(line) {
                match owners(rest) {
                    Ok(owners) => {
                        let known = drafts.iter().position(|draft| draft.name == name);
                        current = known.unwrap_or_else(|| {
                            drafts.push(Draft { name, lines: Vec::new() });
                            drafts.len() - 1
                        });
                        default = owners;
                    }
                    Err(message) => faults.push((number, message)),
                }
                continue;
            }
            let (pattern, rest) = split_pattern(line);
            if pattern.starts_with('!') {
                faults.push((number, "a pattern cannot begin with `!`".to_owned()));
                continue;
            }
            match owners(rest) {
                Ok(owners) => {
                    if let Err(error) = builder(pattern) {
                        faults.push((number, error));
                        continue;
                    }
                    // Without owners of its own, a line of a section has those of the section.
                    let owners = if owners.is_empty() { default.clone() } else { owners };
                    if let Some(draft) = drafts.get_mut(current) {
                        draft.lines.push((pattern.to_owned(), owners));
                    }
                }
                Err(message) => faults.push((number, message)),
            }
        }
        let sections = drafts.into_iter().filter(|draft| !draft.lines.is_empty()).map(Draft::finish);
        (Self { file: None, sections: sections.collect() }, faults)
    }

    /// The owners of a file, by its path from the top.
    pub fn owners(&self, path: &str) -> Vec<Box<str>> {
        let mut all: Vec<Box<str>> = Vec::new();
        for section in &self.sections {
            let path = Path::new(path);
            let around = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            let around = around.filter_map(|folder| section.folders.last(folder, true));
            let last = around.chain(section.files.last(path, false)).max();
            let found = last.and_then(|at| section.owners.get(at)).into_iter().flatten();
            for owner in found {
                if !all.contains(owner) {
                    all.push(owner.clone());
                }
            }
        }
        all
    }
}

#[derive(Default)]
struct Draft {
    name: String,
    lines: Vec<(String, Vec<Box<str>>)>,
}

impl Draft {
    fn finish(self) -> Section {
        let patterns = |is_meant: &dyn Fn(&str) -> bool| {
            let mut builder = GitignoreBuilder::new("");
            let mut positions = HashMap::new();
            for (at, (pattern, _)) in self.lines.iter().enumerate().filter(|(_, (one, _))| is_meant(one)) {
                // Each of them was tried by itself.
                if builder.add_line(None, pattern).is_ok() {
                    positions.insert(pattern.clone(), at);
                }
            }
            Patterns { matcher: builder.build().unwrap_or_else(|_| Gitignore::empty()), positions }
        };
        Section {
            files: patterns(&|_| true),
            // `docs/*` means the files of that very folder.
            folders: patterns(&|pattern| !pattern.ends_with("/*")),
            owners: self.lines.into_iter().map(|(_, owners)| owners).collect(),
        }
    }
}

/// Whether a pattern can be used by itself.
fn builder(pattern: &str) -> Result<(), String> {
    let mut builder = GitignoreBuilder::new("");
    let added = builder.add_line(None, pattern).map(drop);
    added.and_then(|()| builder.build().map(drop)).map_err(|error| format!("is no pattern: {error}"))
}

/// The name of a section in lower case, and its own owners: `[Docs]`, `^[Docs][2] @writers`.
fn section(line: &str) -> Option<(String, &str)> {
    let rest = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?;
    let (name, rest) = rest.split_once(']')?;
    let approvals = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let rest = match approvals {
        Some((number, rest)) if number.bytes().all(|digit| digit.is_ascii_digit()) => rest,
        _ => rest,
    };
    // A pattern may begin with a class: `[ab].yaml @x`.
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| (name.to_lowercase(), rest))
}

/// The pattern up to the first blank that no backslash protects, and the rest.
fn split_pattern(line: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, character) in line.char_indices() {
        if character.is_whitespace() && !is_escaped {
            return line.split_at(at);
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    (line, "")
}

/// Owners up to a comment.
fn owners(text: &str) -> Result<Vec<Box<str>>, String> {
    let words = text.split_whitespace().take_while(|word| !word.starts_with('#'));
    words
        .map(|word| {
            let is_owner = word.strip_prefix('@').is_some_and(|name| !name.is_empty())
                || word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
            if is_owner {
                return Ok(word.into());
            }
            Err(format!("{word:?} is no owner, should be `@user`, `@org/team` or an e-mail address"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let (codeowners, faults) = Codeowners::parse(text);
        assert_eq!(faults, []);
        for (path, owners) in expected {
            assert_eq!(codeowners.owners(path).join(" "), *owners, "{path}");
        }
    }

    #[test]
    fn the_last_match_wins() {
        check(
            "# all\n* @all\n*.yaml @yaml # why\n/docs/ @docs d@example.org\n/docs/open/\n",
            &[
                ("a.txt", "@all"),
                ("x/a.yaml", "@yaml"),
                ("docs/a.yaml", "@docs d@example.org"),
                ("docs/deep/a.yaml", "@docs d@example.org"),
                ("docs/open/a.yaml", ""),
                ("x/docs/a.yaml", "@yaml"),
            ],
        );
        check("/docs/ @docs\n*.yaml @yaml\n", &[("docs/a.yaml", "@yaml"), ("docs/a.md", "@docs")]);
        check("/a @one\n/b @two\n/a @three\n", &[("a", "@three"), ("a/b/c", "@three"), ("b", "@two")]);
    }

    #[test]
    fn patterns() {
        check(
            "docs/* @near\napps/ @apps\n**/logs @logs\n/a\\ b/ @blank\n",
            &[
                ("docs/a.md", "@near"),
                ("docs/deep/a.md", ""),
                ("apps/a", "@apps"),
                ("x/apps/y/a", "@apps"),
                ("x/logs/y", "@logs"),
                ("a b/c", "@blank"),
                ("apps", ""),
            ],
        );
        check("[ab].yaml @class\n", &[("x/a.yaml", "@class"), ("c.yaml", "")]);
        check("", &[("a", "")]);
    }

    #[test]
    fn sections_each_have_a_say() {
        check(
            "* @all\n[Data][2] @dba\n/data/\n/data/hr/ @hr\n^[Docs]\n*.md @writers\n[data]\n/data/x @x\n",
            &[
                ("a", "@all"),
                ("data/a", "@all @dba"),
                ("data/hr/a", "@all @hr"),
                ("data/a.md", "@all @dba @writers"),
                ("data/x/y", "@all @x"),
            ],
        );
    }

    #[test]
    fn lines_that_cannot_be_read() {
        let (codeowners, faults) =
            Codeowners::parse("* @all\n!a @x\n/b bob\n/c{ @x\n[S] bob\n/d @ \n/e @e\n");
        let told: Vec<String> = faults.iter().map(|(line, message)| format!("{line}: {message}")).collect();
        assert_eq!(
            told,
            [
                "2: a pattern cannot begin with `!`",
                "3: \"bob\" is no owner, should be `@user`, `@org/team` or an e-mail address",
                "4: is no pattern: error parsing glob '/c{': unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)",
                "5: \"bob\" is no owner, should be `@user`, `@org/team` or an e-mail address",
                "6: \"@\" is no owner, should be `@user`, `@org/team` or an e-mail address",
            ]
        );
        assert_eq!(codeowners.owners("b").join(" "), "@all");
        assert_eq!(codeowners.owners("e").join(" "), "@e");
    }
}
