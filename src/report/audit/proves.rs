//! What a report proves of a framework, and what it does not: `proves.md` beside this file, in every report.

/// The text, as it stands in the project.
const TEXT: &str = include_str!("proves.md");

/// What a report proves, and what it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What it proves.
    pub proves: String,
    /// What it does not.
    pub does_not: String,
}

/// The limits for a framework; those of every framework if it has none of its own.
pub fn limits_of(framework: &str) -> Limits {
    section(framework)
        .or_else(|| section("*"))
        .unwrap_or(Limits { proves: String::new(), does_not: String::new() })
}

fn section(name: &str) -> Option<Limits> {
    let mut sections = TEXT.split("\n## ").skip(1);
    let body = sections.find_map(|text| text.split_once('\n').filter(|(heading, _)| *heading == name))?.1;
    let (proves, does_not) = body.split_once("\nNot:")?;
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Limits { proves: line(proves), does_not: capitalised(&line(does_not)) })
}

fn capitalised(text: &str) -> String {
    crate::report::word::capitalised(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_says_both() {
        let names = TEXT.split("\n## ").skip(1).map(|text| text.lines().next().unwrap());
        let mut count = 0;
        for name in names {
            let limits = section(name).unwrap();
            assert!(limits.proves.len() > 50 && limits.does_not.len() > 50, "{name}: {limits:?}");
            count += 1;
        }
        assert_eq!(count, 6);
        assert_eq!(limits_of("our-own"), section("*").unwrap());
        assert!(limits_of("gdpr").does_not.starts_with("That a basis is valid"));
    }

    #[test]
    fn nobody_is_called_compliant() {
        assert!(!TEXT.to_lowercase().contains("complian"));
    }
}
