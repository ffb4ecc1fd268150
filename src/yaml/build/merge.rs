//! Merge keys: `<<` gives way to the entries that it brings.

use std::collections::HashSet;

use super::{Builder, Stop, fault, offset};
use crate::problem::Code;
use crate::yaml::tape::{DECODED, Kind, Node, PLAIN, Use};

/// Merge keys may bring so many values for each one that aliases may: a mapping of its own within merge keys is brought
/// once a level.
const MERGES_AN_ALIAS: usize = 8;

impl Builder<'_> {
    /// Puts in place of each `<<` the entries that it brings: own keys win, then the earlier of a list
    /// (yaml.org/type/merge). Gives the number of children and the height.
    pub(super) fn merge(&mut self, first: usize, height: u32) -> Result<(u32, u32), Stop> {
        let old = self.nodes.split_off(first);
        let inner_uses: Vec<Use> = {
            let from = self.uses.partition_point(|each| (each.first as usize) < first);
            self.uses.split_off(from)
        };
        let mut entries = Vec::new();
        let mut at = 0;
        while let Some(value) = old.get(at + 1) {
            entries.push((at, at + 1, value.size as usize));
            at += 1 + value.size as usize;
        }
        let text = |builder: &Self, node: &Node| -> Box<str> {
            let from = if node.flags & DECODED == 0 { builder.source } else { builder.decoded.as_str() };
            from.get(node.text as usize..(node.text + node.text_len) as usize).unwrap_or_default().into()
        };
        let is_merge = |builder: &Self, node: &Node| node.flags & PLAIN != 0 && &*text(builder, node) == "<<";
        let mut names: HashSet<Box<str>> = HashSet::new();
        for (key, ..) in &entries {
            if let Some(node) = old.get(*key).filter(|node| !is_merge(self, node)) {
                names.insert(text(self, node));
            }
        }
        let mut children = 0;
        for (key, value, size) in entries {
            let Some((key_node, subtree)) = old.get(key).zip(old.get(value..value + size)) else { continue };
            if !is_merge(self, key_node) {
                self.nodes.push(*key_node);
                self.append(subtree, first + value, &inner_uses)?;
                children += 2;
                continue;
            }
            for (start, length) in mappings_of(subtree) {
                let Some(start) = start else {
                    let message = "`<<` names something that is no mapping";
                    self.blame(fault(Code::InvalidMerge, message, key_node.span));
                    continue;
                };
                let mut at = start + 1;
                while at < start + length {
                    let Some((name, brought)) = subtree.get(at).zip(subtree.get(at + 1)) else { break };
                    let size = brought.size as usize;
                    self.merged_nodes += 1 + size;
                    let most = self.limits.alias_nodes.saturating_mul(MERGES_AN_ALIAS);
                    if self.merged_nodes > most {
                        let message = format!("merge keys bring more than {most} values");
                        return Err(Stop(fault(Code::AliasBudget, message, key_node.span)));
                    }
                    if names.insert(text(self, name)) {
                        let target = offset(self.nodes.len());
                        let end = target + 1 + brought.size;
                        self.uses.push(Use {
                            first: target,
                            end,
                            span: key_node.span,
                            label: "merged in here",
                        });
                        self.nodes.push(*name);
                        if let Some(nodes) = subtree.get(at + 1..at + 1 + size) {
                            // The reader of the document sees the outer use, so those within are left out.
                            self.append(nodes, first + value + at + 1, &[])?;
                        }
                        children += 2;
                    }
                    at += 1 + size;
                }
            }
        }
        Ok((children, height))
    }

    /// Appends a copied subtree and the uses within it; `origin` is where it stood.
    fn append(&mut self, nodes: &[Node], origin: usize, uses: &[Use]) -> Result<(), Stop> {
        if self.nodes.len() + nodes.len() > self.limits.nodes {
            let span = nodes.first().map(|node| node.span).unwrap_or_default();
            let message = format!("the file holds more than {} values", self.limits.nodes);
            return Err(Stop(fault(Code::TooManyNodes, message, span)));
        }
        let target = self.nodes.len();
        self.nodes.extend_from_slice(nodes);
        let end = origin + nodes.len();
        let from = uses.partition_point(|each| (each.first as usize) < origin);
        for each in uses.iter().skip(from).take_while(|each| (each.first as usize) < end) {
            let moved = |index: u32| offset(index as usize - origin + target);
            self.uses.push(Use { first: moved(each.first), end: moved(each.end), ..*each });
        }
        Ok(())
    }
}

/// The mappings that a merge key names: itself, or the elements of a list. None stands for what is no mapping.
fn mappings_of(subtree: &[Node]) -> Vec<(Option<usize>, usize)> {
    match subtree.first() {
        Some(node) if node.kind == Kind::Map => vec![(Some(0), subtree.len())],
        Some(node) if node.kind == Kind::List => {
            let mut found = Vec::new();
            let mut at = 1;
            while let Some(element) = subtree.get(at) {
                found.push(((element.kind == Kind::Map).then_some(at), element.size as usize));
                at += element.size as usize;
            }
            found
        }
        _ => vec![(None, 0)],
    }
}
