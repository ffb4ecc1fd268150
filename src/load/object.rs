//! The names of git's objects, and where a commit stands.

/// The id of a git object: a SHA-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 20]);

/// A commit and its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub commit: ObjectId,
    /// Its tree: two commits of the same content have the same one.
    pub tree: ObjectId,
}

impl ObjectId {
    /// From its twenty bytes; none if there are more or fewer.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// The id that git gives to a file of this content; none if it cannot be computed.
    pub fn of_blob(content: &[u8]) -> Option<Self> {
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, content).ok()?;
        Self::from_bytes(id.as_bytes())
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// As libgit2 has it.
    pub(super) fn raw(self) -> Result<git2::Oid, git2::Error> {
        git2::Oid::from_bytes(&self.0)
    }
}

impl TryFrom<git2::Oid> for ObjectId {
    type Error = git2::Error;

    fn try_from(id: git2::Oid) -> Result<Self, git2::Error> {
        Self::from_bytes(id.as_bytes()).ok_or_else(|| git2::Error::from_str("the id is no SHA-1"))
    }
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ObjectId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_file() {
        let id = ObjectId::of_blob(b"hello\n").unwrap();
        assert_eq!(id.to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(ObjectId::from_bytes(id.bytes()), Some(id));
        assert_eq!(ObjectId::from_bytes(b"short"), None);
    }
}
