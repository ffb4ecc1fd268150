//! Problems: whatever could not be checked, each with a code, a place and a remedy.
//!
//! Input: the stages that read something report here. Output: plain values that every format shows.
//! A problem is never a finding and never silently a pass; this module deliberately knows nothing of
//! how problems are collected or drawn.

use crate::finding::{Fingerprint, Location};

macro_rules! codes {
    ($($variant:ident $name:literal $summary:literal $remedy:literal;)*) => {
        /// The closed list of problem codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the reference page.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The stable kebab-case name, as printed and as taken by `assize explain`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// One sentence: what happened.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$variant => $summary,)* }
            }

            /// What to do about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)* }
            }
        }
    };
}

codes! {
    InvalidYaml "invalid-yaml" "The file is not valid YAML or JSON." "Repair the syntax at the place shown.";
    InvalidEncoding "invalid-encoding" "The file is not UTF-8 text." "Save the file as UTF-8.";
    ControlCharacter "control-character" "The file holds a character that YAML forbids." "Remove the character, or write it as an escape in a double-quoted string.";
    DuplicateKey "duplicate-key" "A mapping has the same key twice; readers disagree on which one counts." "Keep one of the two.";
    UnsupportedTag "unsupported-tag" "A value carries a YAML tag that has no meaning here." "Remove the tag, or write the value plainly.";
    UnsupportedKey "unsupported-key" "A mapping key is a list or a mapping, which JSON cannot express." "Use a text key.";
    NumberOutOfRange "number-out-of-range" "A number does not fit into 64 bits, or is not finite." "Quote it if it is text; otherwise write a smaller number.";
    InvalidMerge "invalid-merge" "A merge key `<<` names something that is no mapping." "Let `<<` name a mapping or a list of mappings.";
    RecursiveAlias "recursive-alias" "An alias stands inside the very value that it names." "Break the circle.";
    AliasBudget "alias-budget" "The aliases of the file expand beyond the limit." "Write the values out, or raise --max-alias-nodes.";
    TooDeep "too-deep" "The document is nested more deeply than the limit." "Flatten it, or raise --max-depth.";
    TooManyNodes "too-many-nodes" "The file holds more values than the limit." "Split the file, or raise --max-nodes.";
    TooManyDocuments "too-many-documents" "The file holds more documents than the limit." "Split the file, or raise --max-documents.";
    FileTooLarge "file-too-large" "The file is larger than the limit." "Split the file, or raise --max-file-size.";
    FileChanged "file-changed" "The file changed during the run." "Run again when nothing writes to it.";
    UnreadableFile "unreadable-file" "The file cannot be read." "Check that it exists and that you may read it.";
    UnreadableFolder "unreadable-folder" "The folder cannot be listed." "Check that you may read it, or exclude it.";
    LfsPointer "lfs-pointer" "The file is a pointer of Git LFS, and what it stands for is not here, so nothing in it was checked." "Fetch the content (git lfs pull) and check the work tree, or keep the file in git itself.";
    MissingObject "missing-object" "An object of the commit is not in the repository, so what it holds was not checked." "Fetch it: `git fetch --refetch --no-filter`, or clone without --filter.";
    NotAFile "not-a-file" "The path is a pipe, a device or a socket, not a file." "Remove it, or exclude it.";
    OutsideRoot "outside-root" "The path leads out of the repository." "Name a path inside it.";
    PathNotUtf8 "path-not-utf8" "The path is not UTF-8 text, so reports could not name it." "Rename the file.";
    Undecided "undecided" "A rule could not be decided, since a reference names nothing." "Create the missing resource or correct the reference; the rule `unresolved-reference` shows where.";
    InvalidResource "invalid-resource" "The document breaks the schema of its kind." "Repair the field; `assize explain <Kind>` lists what there is.";
    InvalidIdentity "invalid-identity" "The document has no usable identity." "Give it apiVersion, kind and metadata.name, each as text.";
    UnknownKind "unknown-kind" "No schema describes this kind, so no rule can match it." "Correct the name, or add schemas/kinds/<Kind>.schema.json.";
    DuplicateResource "duplicate-resource" "Two documents have the same identity." "Rename one, or remove it.";
    InvalidRule "invalid-rule" "The rule cannot be used." "Repair it; `assize schema Rule` shows the form.";
    DuplicateRule "duplicate-rule" "Two rules have the same name." "Rename one of them.";
    MisplacedRule "misplaced-rule" "A rule or framework stands outside the folders where they are looked for." "Move it under `policies/`, or name its folder in `policies:` of assize.yaml.";
    UnknownRequirement "unknown-requirement" "The requirement is in no framework." "Correct the id; `assize list requirements` shows all.";
    SupersededRequirement "superseded-requirement" "The requirement has been superseded by another one." "Cite its successor; `assize explain <framework>:<requirement>` names it.";
    UnknownFramework "unknown-framework" "No framework has this name." "Correct the name; `assize list frameworks` shows all.";
    UnknownRule "unknown-rule" "No rule has this name." "Correct the name; `assize list rules` shows all.";
    InvalidFramework "invalid-framework" "The framework cannot be used." "Repair it; `assize schema Framework` shows the form.";
    InvalidKindSchema "invalid-kind-schema" "The schema of a kind cannot be used." "Repair the schema.";
    InvalidConfiguration "invalid-configuration" "assize.yaml cannot be used." "Repair it; `assize schema assize.yaml` shows the form.";
    UnmatchedGlob "unmatched-glob" "A glob of `estate:` in assize.yaml matches no file, so what it should name is not checked." "Correct the glob, or remove it; --allow-empty permits it.";
    InvalidWaiver "invalid-waiver" "A waiver cannot be read, so it waives nothing." "Repair it; `assize explain Waiver` lists its fields.";
    InvalidBaseline "invalid-baseline" "The baseline cannot be used." "Repair it, or write it anew: `assize baseline -o FILE`; `assize schema baseline` shows the form.";
    InvalidApprovals "invalid-approvals" "A file of approvals cannot be used." "Repair it; `assize schema approvals` shows the form.";
    InvalidCodeowners "invalid-codeowners" "A line of CODEOWNERS cannot be read, so that it is not known whose findings --owner should show." "Repair the line: a pattern, then `@user`, `@org/team` or e-mail addresses.";
    InvalidIgnore "invalid-ignore" "An ignore in a comment cannot count." "Write `# assize:ignore <rule>: <reason>`, or remove it.";
    RulePanicked "rule-panicked" "The evaluation of a rule on a resource came to a sudden end." "Report it with the rule and the document.";
    RuleFailed "rule-failed" "A rule of Rego could not be evaluated on a resource." "Repair the rule, or the value that it stumbles over.";
    InternalError "internal-error" "The program met a state that it should not reach." "Report it with the file.";
    NothingEvaluated "nothing-evaluated" "No resource was checked against any rule." "Check the paths and the selection, or pass --allow-empty.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Something that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What sort of problem it is.
    pub code: Code,
    /// What happened here: a lower-case fragment.
    pub message: String,
    /// Where; none for problems of the run as a whole.
    pub location: Option<Location>,
    /// A second place that belongs to it, with what it shows.
    pub related: Option<(Location, String)>,
    /// A remedy more specific than that of the code.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without a place.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), location: None, related: None, help: None }
    }

    /// The same problem at `location`.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// The same problem with a second place.
    #[must_use]
    pub fn with_related(mut self, location: Location, label: impl Into<String>) -> Self {
        self.related = Some((location, label.into()));
        self
    }

    /// The same problem with a remedy of its own.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The remedy to show: its own, else that of its code.
    pub fn remedy(&self) -> &str {
        self.help.as_deref().unwrap_or_else(|| self.code.remedy())
    }

    /// An identity that survives edits elsewhere in the file: code, file, path within it, and message.
    pub fn fingerprint(&self) -> Fingerprint {
        let file = self.location.as_ref().map_or("", |location| &location.file);
        let path = self.location.as_ref().map_or("", |location| &location.path);
        Fingerprint::of(&["problem", self.code.name(), file, path, &self.message])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(
            names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '8'))
        );
    }

    #[test]
    fn a_fingerprint_does_not_depend_on_the_line() {
        let at = |line| Location { line, ..Location::start_of("a.yaml") };
        let problem = |line| Problem::new(Code::InvalidYaml, "x").at(at(line)).fingerprint();
        assert_eq!(problem(1), problem(9));
    }
}
