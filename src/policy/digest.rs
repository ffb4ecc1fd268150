//! What tells one set of policies from another: a digest of the files that they were read from.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

/// SHA-256 over the configuration, the rules, the frameworks and the schemas of kinds that a run has read, in the order
/// of their paths, the version of the program, and the library that is built into it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyDigest([u8; 32]);

impl std::fmt::Display for PolicyDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl std::fmt::Debug for PolicyDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

/// Collects files for a [`PolicyDigest`].
#[derive(Debug, Default)]
pub struct DigestBuilder {
    files: BTreeMap<String, [u8; 32]>,
}

impl DigestBuilder {
    /// Adds a file by its path from the folder of the configuration.
    pub fn add(&mut self, path: &str, content: &[u8]) {
        self.files.insert(path.to_owned(), Sha256::digest(content).into());
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The digest of all of them.
    pub fn finish(&self) -> PolicyDigest {
        let mut hasher = Sha256::new();
        let mut add = |text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        add("assize policies 1");
        add(env!("CARGO_PKG_VERSION"));
        add(env!("ASSIZE_LIBRARY_DIGEST"));
        for (path, content) in &self.files {
            add(path);
            let hex: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
            add(&hex);
        }
        PolicyDigest(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(files: &[(&str, &str)]) -> PolicyDigest {
        let mut builder = DigestBuilder::default();
        for (path, content) in files {
            builder.add(path, content.as_bytes());
        }
        builder.finish()
    }

    #[test]
    fn everything_counts_but_the_order() {
        let one = digest(&[("a", "1"), ("b", "2")]);
        assert_eq!(digest(&[("b", "2"), ("a", "1")]), one);
        for other in [
            &[("a", "1")][..],
            &[("a", "1"), ("b", "3")],
            &[("a", "1"), ("c", "2")],
            &[("a1", ""), ("b", "2")],
        ] {
            assert_ne!(digest(other), one, "{other:?}");
        }
        assert_eq!(one.to_string().len(), "sha256:".len() + 64);
    }
}
