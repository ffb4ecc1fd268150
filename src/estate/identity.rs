//! Who a document is: its envelope, the kind that the configuration gives it, `kind: List` expanded.

use std::sync::Arc;

use super::kind::KindName;
use crate::finding::{DEFAULT_NAMESPACE, Identity, Location, OWN_GROUP};
use crate::problem::{Code, Problem};
use crate::yaml::{Dialect, Document, Fault, Kind, LineIndex, NodeRef, Span, Tape};

/// What the configuration says about the documents of a file.
#[derive(Clone, Debug, Default)]
pub struct DocumentMapping {
    /// The kind of documents that have no envelope.
    pub kind: Option<KindName>,
    /// How scalars are read; none: by the group of the document.
    pub dialect: Option<Dialect>,
}

/// What a document without an envelope means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The file may hold anything: a document without an envelope is no resource, and no problem.
    Anything,
    /// The file belongs to the declared estate: a document without an envelope is a problem.
    Resources,
}

/// A resource, not yet checked against anything.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its root on the tape.
    pub node: u32,
    /// Who it is.
    pub identity: Identity,
    /// Whether the document says its name; otherwise only its path identifies it.
    pub is_named: bool,
    /// `metadata.annotations["assize.dev/uid"]`.
    pub uid: Option<Box<str>>,
    /// The node to point at for the resource as a whole.
    pub anchor: u32,
    /// Whether something in its document keeps it from being evaluated.
    pub is_broken: bool,
}

/// The documents of a file, sorted out.
#[derive(Debug, Default)]
pub struct Classified {
    /// Resources in the order of the text.
    pub candidates: Vec<Candidate>,
    /// Documents that are no resources.
    pub others: usize,
    /// What keeps documents from being resources, or from being evaluated.
    pub problems: Vec<Problem>,
}

/// Sorts the documents of a file. Sets the dialect of each on the tape before anything reads its scalars.
pub fn classify(
    tape: &mut Tape,
    file: &Arc<str>,
    mapping: Option<&DocumentMapping>,
    expectation: Expectation,
) -> Classified {
    let mut result = Classified::default();
    for position in 0..tape.documents.len() {
        let dialect = tape.documents.get(position).map(|document| dialect(tape, document, mapping));
        tape.set_dialect(position, dialect.unwrap_or_default());
    }
    let mut sorter = Sorter { tape, file, mapping, expectation, lines: None, result: &mut result };
    for document in &tape.documents {
        sorter.document(document);
    }
    result
}

/// The identity that the document of an example says. `assumed` is the kind of one without an envelope, `unnamed`
/// the name of one without a name; without `apiVersion` a kind is one of ours. None if the kind is missing.
pub fn identity_of(root: NodeRef<'_>, assumed: Option<&KindName>, unnamed: &str) -> Option<Identity> {
    fn text(node: Option<NodeRef<'_>>) -> Option<&str> {
        node.map(|node| node.text()).filter(|text| !text.is_empty())
    }
    let metadata = root.get("metadata");
    let name = text(metadata.and_then(|metadata| metadata.get("name"))).or_else(|| text(root.get("id")));
    let namespace = text(metadata.and_then(|metadata| metadata.get("namespace")));
    let kind = match (text(root.get("apiVersion")), text(root.get("kind"))) {
        (Some(version), Some(kind)) => KindName { group: group_of(version).into(), kind: kind.into() },
        (None, Some(kind)) => KindName { group: OWN_GROUP.into(), kind: kind.into() },
        (None, None) => assumed?.clone(),
        (Some(_), None) => return None,
    };
    Some(Identity {
        group: kind.group,
        kind: kind.kind,
        namespace: namespace.unwrap_or(DEFAULT_NAMESPACE).into(),
        name: name.unwrap_or(unnamed).into(),
    })
}

fn dialect(tape: &Tape, document: &Document, mapping: Option<&DocumentMapping>) -> Dialect {
    if let Some(dialect) = mapping.and_then(|mapping| mapping.dialect) {
        return dialect;
    }
    let version = tape.root(document).get("apiVersion").map_or("", |version| version.text());
    if is_kubernetes(group_of(version)) { Dialect::Yaml11 } else { Dialect::Core }
}

/// The group of an `apiVersion`; that of `v1` is `core`.
fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("core", |(group, _)| group)
}

/// Groups of Kubernetes itself (kubernetes.io/docs/reference/generated/kubernetes-api).
fn is_kubernetes(group: &str) -> bool {
    matches!(group, "core" | "apps" | "batch" | "autoscaling" | "policy" | "extensions")
        || group.ends_with(".k8s.io")
}

struct Sorter<'t> {
    tape: &'t Tape,
    file: &'t Arc<str>,
    mapping: Option<&'t DocumentMapping>,
    expectation: Expectation,
    lines: Option<LineIndex<'t>>,
    result: &'t mut Classified,
}

/// `List` within `List` is legal and pointless; deeper than this it is an attack.
const LIST_DEPTH: usize = 8;

impl<'t> Sorter<'t> {
    fn location(&mut self, span: Span, path: &str) -> Location {
        let lines = self.lines.get_or_insert_with(|| LineIndex::new(self.tape.source()));
        lines.location(self.file, span, path)
    }

    fn document(&mut self, document: &Document) {
        let root = self.tape.root(document);
        let before = (self.result.candidates.len(), self.result.problems.len());
        self.value(root, document, None, 0);
        let became_resource = (self.result.candidates.len(), self.result.problems.len()) != before;
        if became_resource || self.expectation == Expectation::Resources || self.mapping_kind().is_some() {
            for fault in &document.faults {
                let problem = self.fault(fault);
                self.result.problems.push(problem);
            }
        } else {
            self.result.others += 1;
        }
    }

    fn mapping_kind(&self) -> Option<&'t KindName> {
        self.mapping.and_then(|mapping| mapping.kind.as_ref())
    }

    fn fault(&mut self, fault: &Fault) -> Problem {
        let problem = Problem::new(fault.code, fault.message.clone()).at(self.location(fault.span, ""));
        match fault.related {
            Some((span, label)) => {
                let related = self.location(span, "");
                problem.with_related(related, label)
            }
            None => problem,
        }
    }

    /// Handles a document or an item of a list. `inherited` is the kind that a typed list gives its items.
    fn value(&mut self, node: NodeRef<'t>, document: &Document, inherited: Option<&KindName>, depth: usize) {
        let envelope = node.get("apiVersion").zip(node.get("kind"));
        let kind = match envelope {
            Some((version, kind)) => {
                let text = |node: NodeRef<'t>| node.as_str().filter(|text| !text.trim().is_empty());
                let Some((version, kind)) = text(version).zip(text(kind)) else {
                    let bad = if text(version).is_none() { version } else { kind };
                    let message = format!("apiVersion and kind should be text, found {}", noun(bad.kind()));
                    self.refuse(bad.span(), message);
                    return;
                };
                KindName { group: group_of(version).into(), kind: kind.into() }
            }
            None => match inherited.or_else(|| self.mapping_kind()) {
                Some(kind) => kind.clone(),
                None if self.expectation == Expectation::Resources && depth == 0 => {
                    let message = match (node.get("apiVersion"), node.get("kind")) {
                        (Some(_), None) => "the document has an apiVersion but no kind",
                        (None, Some(_)) => "the document has a kind but no apiVersion",
                        _ => "the document has no apiVersion and kind",
                    };
                    let first = node.members().next().map_or(node, |(key, _)| key);
                    self.refuse(first.span(), message.to_owned());
                    return;
                }
                None => return,
            },
        };
        let items = node.get("items").filter(|items| items.kind() == Kind::List);
        if let Some(items) = items.filter(|_| is_list(&kind)) {
            let item_kind = kind.kind.strip_suffix("List").filter(|kind| !kind.is_empty());
            let item_kind =
                item_kind.map(|name| KindName { group: Arc::clone(&kind.group), kind: name.into() });
            if depth < LIST_DEPTH {
                for item in items.elements() {
                    self.value(item, document, item_kind.as_ref(), depth + 1);
                }
            } else {
                self.refuse(items.span(), format!("lists within lists go beyond {LIST_DEPTH} levels"));
            }
            return;
        }
        let candidate = self.candidate(node, document, kind);
        self.result.candidates.push(candidate);
    }

    fn refuse(&mut self, span: Span, message: String) {
        let location = self.location(span, "");
        self.result.problems.push(Problem::new(Code::InvalidIdentity, message).at(location));
    }

    fn candidate(&mut self, node: NodeRef<'t>, document: &Document, kind: KindName) -> Candidate {
        let scalar = |node: Option<NodeRef<'t>>| {
            node.filter(|node| {
                !matches!(node.kind(), Kind::Map | Kind::List | Kind::Null) && !node.text().is_empty()
            })
        };
        let metadata = node.get("metadata");
        let field = |name: &str| scalar(metadata.and_then(|metadata| metadata.get(name)));
        let name = field("name").or_else(|| scalar(node.get("id")));
        let position = self.result.candidates.len();
        let text: Arc<str> = match name {
            Some(name) => name.text().into(),
            // Several documents of one file are told apart by their position.
            None if document.index == 0 && position == 0 => Arc::clone(self.file),
            None => format!("{}#{position}", self.file).into(),
        };
        let uid = metadata
            .and_then(|metadata| metadata.get("annotations"))
            .and_then(|annotations| scalar(annotations.get("assize.dev/uid")))
            .map(|uid| uid.text().into());
        let anchor = name
            .or_else(|| node.get("kind"))
            .or_else(|| node.members().next().map(|(key, _)| key))
            .map_or(node.index(), |node| node.index());
        Candidate {
            node: node.index(),
            identity: Identity {
                group: kind.group,
                kind: kind.kind,
                namespace: field("namespace").map_or(DEFAULT_NAMESPACE, |name| name.text()).into(),
                name: text,
            },
            is_named: name.is_some(),
            uid,
            anchor,
            is_broken: !document.faults.is_empty(),
        }
    }
}

/// `v1` `List`, and the typed lists of Kubernetes (`PodList`).
fn is_list(kind: &KindName) -> bool {
    &*kind.kind == "List"
        || (kind.kind.ends_with("List") && &*kind.group != OWN_GROUP && is_kubernetes(&kind.group))
}

fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "true or false",
        Kind::Int | Kind::Float => "a number",
        Kind::Text => "an empty text",
        Kind::List => "a list",
        Kind::Map => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Limits, parse};

    #[track_caller]
    fn check(text: &str, expectation: Expectation, expected: &[&str]) {
        let file = Arc::from("f.yaml");
        let (mut tape, problems) = parse(text.into(), &file, &Limits::default());
        assert_eq!(problems, []);
        let found = classify(&mut tape, &file, None, expectation);
        let lines: Vec<String> = found
            .candidates
            .iter()
            .map(|candidate| {
                format!("{}{}", candidate.identity, if candidate.is_broken { " broken" } else { "" })
            })
            .chain(found.problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)))
            .chain((found.others > 0).then(|| format!("{} others", found.others)))
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn identities() {
        use Expectation::Anything;
        check(
            "{apiVersion: assize.dev/v1, kind: Person, metadata: {name: anna}}",
            Anything,
            &["Person/anna"],
        );
        check("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n}}", Anything, &["core/Pod/n/p"]);
        check("{apiVersion: openslo/v1, kind: SLO, id: 7}", Anything, &["openslo/SLO/7"]);
        check(
            "{apiVersion: apps/v1, kind: Deployment}\n---\n{apiVersion: apps/v1, kind: Deployment}",
            Anything,
            &["apps/Deployment/f.yaml", "apps/Deployment/f.yaml#1"],
        );
        check("a: 1\n---\n- 2\n", Anything, &["2 others"]);
        check("a: 1\na: 2\n", Anything, &["1 others"]);
        check(
            "{apiVersion: v1, kind: Pod, metadata: {name: p}, kind: Pod}",
            Anything,
            &["core/Pod/p broken", "duplicate-key: key \"kind\" stands twice in one mapping"],
        );
    }

    #[test]
    fn lists_are_expanded() {
        check(
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]}\n",
            Expectation::Anything,
            &["core/Pod/a", "core/Pod/b"],
        );
        check(
            "{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}]}",
            Expectation::Anything,
            &["core/Pod/a"],
        );
    }

    #[test]
    fn a_declared_estate_holds_resources_only() {
        check("a: 1", Expectation::Resources, &["invalid-identity: the document has no apiVersion and kind"]);
        check(
            "kind: Person",
            Expectation::Resources,
            &["invalid-identity: the document has a kind but no apiVersion"],
        );
        check(
            "{apiVersion: v1, kind: 5}",
            Expectation::Anything,
            &["invalid-identity: apiVersion and kind should be text, found a number"],
        );
    }
}
