//! Places within a document: how they are read from JSON Pointers, printed, and made into stable keys.

use sha2::{Digest as _, Sha256};

use crate::yaml::{Kind, NodeRef};

/// One step from a value to a value in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a mapping.
    Key(Box<str>),
    /// Into a list, from 0.
    Position(usize),
}

/// A way from the root of a document to a value in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The path of `keys`.
    pub fn of_keys(keys: &[String]) -> Self {
        Self(keys.iter().map(|key| Step::Key(key.as_str().into())).collect())
    }

    /// Appends a JSON Pointer (RFC 6901) that starts at `node`. Whether a number is a position or a key is
    /// seen from the value that it steps into.
    pub fn extend_by_pointer(&mut self, node: NodeRef<'_>, pointer: &str) {
        let mut node = Some(node);
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let position = part.parse().ok().filter(|_| node.is_some_and(|node| node.kind() == Kind::List));
            let step = match position {
                Some(position) => Step::Position(position),
                None => Step::Key(part.into()),
            };
            node = node.and_then(|node| child(node, &step));
            self.0.push(step);
        }
    }

    /// The path one step further.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        let mut longer = self.clone();
        longer.0.push(step);
        longer
    }

    /// The value at this path, if there is one.
    pub fn resolve<'a>(&self, root: NodeRef<'a>) -> Option<NodeRef<'a>> {
        self.0.iter().try_fold(root, child)
    }

    /// The node to point at: a scalar itself; a collection by its key; where there is nothing, the nearest
    /// that exists around it. None for the document itself.
    pub fn anchor<'a>(&self, root: NodeRef<'a>) -> Option<NodeRef<'a>> {
        let mut node = root;
        let mut anchor = None;
        for step in &self.0 {
            let (key, value) = match step {
                Step::Key(key) => match node.entry(key) {
                    Some((key, value)) => (Some(key), value),
                    None => break,
                },
                Step::Position(position) => match node.element(*position) {
                    Some(value) => (None, value),
                    None => break,
                },
            };
            let is_collection = matches!(value.kind(), Kind::Map | Kind::List);
            // A value left empty has no text to point at; its key has.
            let is_blank = value.span().start == value.span().end;
            anchor = if is_collection || is_blank {
                key.or_else(|| first_key(value)).or(Some(value))
            } else {
                Some(value)
            };
            node = value;
        }
        anchor
    }

    /// The key where even a digest of the content would say too much: list elements are counted.
    pub fn counted_key(&self) -> String {
        let mut key = String::new();
        for step in &self.0 {
            key.push('/');
            match step {
                Step::Key(name) => key.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::Position(position) => key.push_str(&position.to_string()),
            }
        }
        key
    }

    /// The key that the last step goes by, if it goes into a mapping that has it.
    pub fn key<'a>(&self, root: NodeRef<'a>) -> Option<NodeRef<'a>> {
        let (last, before) = self.0.split_last()?;
        let Step::Key(name) = last else { return None };
        let (key, _) = before.iter().try_fold(root, child)?.entry(name)?;
        Some(key)
    }

    /// The key for fingerprints: a JSON Pointer whose list elements are named by their `name` or `id`, else by
    /// a digest of their content, so that reordering a list changes nothing.
    pub fn stable_key(&self, root: NodeRef<'_>) -> String {
        let mut key = String::new();
        let mut node = Some(root);
        for step in &self.0 {
            let next = node.and_then(|node| child(node, step));
            key.push('/');
            match step {
                Step::Key(name) => key.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::Position(position) => match next {
                    Some(element) => key.push_str(&element_name(element)),
                    None => key.push_str(&position.to_string()),
                },
            }
            node = next;
        }
        key
    }
}

fn child<'a>(node: NodeRef<'a>, step: &Step) -> Option<NodeRef<'a>> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Position(position) => node.element(*position),
    }
}

fn first_key(node: NodeRef<'_>) -> Option<NodeRef<'_>> {
    node.members().next().map(|(key, _)| key)
}

fn element_name(element: NodeRef<'_>) -> String {
    let named = ["name", "id"].iter().find_map(|key| {
        let text = element.get(key).filter(|value| !matches!(value.kind(), Kind::Map | Kind::List))?.text();
        Some(format!("{key}={text}"))
    });
    named.unwrap_or_else(|| {
        let digest = Sha256::digest(element.to_value().to_string().as_bytes());
        let mut name = "#".to_owned();
        for byte in digest.iter().take(8) {
            name.push_str(&format!("{byte:02x}"));
        }
        name
    })
}

impl std::fmt::Display for Path {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if key.is_empty() || key.contains(['.', '[', ']', ' ', '"']) => {
                    write!(formatter, "[{key:?}]")?;
                }
                Step::Key(key) if position == 0 => formatter.write_str(key)?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Position(position) => write!(formatter, "[{position}]")?,
            }
        }
        Ok(())
    }
}
