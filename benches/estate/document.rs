//! Writes one resource as YAML, in the styles that people use: block and flow collections, plain, quoted and block scalars, comments,
//! anchors and aliases. What it means does not depend on the style.

use super::{Kind, Random};

/// A value of a document.
pub(super) enum Node {
    /// A scalar that needs no quotes.
    Plain(String),
    /// A string that another reader could take for a number or the like, so it is quoted.
    Quoted(String),
    /// Prose.
    Text(String),
    List(Vec<Node>),
    Map(Fields),
}

/// The entries of a map, in order.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Node)>);

impl Fields {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn plain(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.push((key, Node::Plain(value.into())));
        self
    }

    /// Leaves the entry out if there is no value.
    pub(super) fn maybe(self, key: &'static str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.plain(key, value),
            None => self,
        }
    }

    pub(super) fn flag(self, key: &'static str, value: bool) -> Self {
        self.plain(key, value.to_string())
    }

    pub(super) fn quoted(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.push((key, Node::Quoted(value.into())));
        self
    }

    pub(super) fn text(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.push((key, Node::Text(value.into())));
        self
    }

    /// A list of scalars that need no quotes.
    pub(super) fn words(mut self, key: &'static str, values: &[&str]) -> Self {
        let nodes = values.iter().map(|value| Node::Plain((*value).to_owned()));
        self.0.push((key, Node::List(nodes.collect())));
        self
    }

    /// A list of references; those that do not exist are left out, and so is an empty list.
    pub(super) fn references(
        mut self,
        key: &'static str,
        values: impl IntoIterator<Item = Option<String>>,
    ) -> Self {
        let nodes: Vec<Node> = values.into_iter().flatten().map(Node::Plain).collect();
        if !nodes.is_empty() {
            self.0.push((key, Node::List(nodes)));
        }
        self
    }

    pub(super) fn list(mut self, key: &'static str, values: Vec<Node>) -> Self {
        self.0.push((key, Node::List(values)));
        self
    }

    pub(super) fn map(mut self, key: &'static str, value: Self) -> Self {
        self.0.push((key, Node::Map(value)));
        self
    }

    /// Takes an entry out, for a defect.
    pub(super) fn without(mut self, key: &str) -> Self {
        self.0.retain(|(other, _)| *other != key);
        self
    }
}

/// One document without its `---`: 1024 to 1536 bytes, a description filling what the fields leave.
pub(super) fn write_document(
    kind: Kind,
    name: &str,
    spec: &Fields,
    planted: Option<&str>,
    random: &mut Random,
) -> String {
    let mut writer = Writer {
        text: String::new(),
        anchor: repeated(spec).filter(|_| random.once_in(4)),
        anchored: false,
        random,
    };
    writer.text.push_str("spec:\n");
    writer.fields(spec, 2);
    let body = std::mem::take(&mut writer.text);

    let mut head = String::new();
    if writer.random.once_in(3) {
        head.push_str("# ");
        head.push_str(&sentence(writer.random));
        head.push('\n');
    }
    if let Some(rule) = planted {
        head.push_str("# planted: ");
        head.push_str(rule);
        head.push('\n');
    }
    head.push_str("apiVersion: assize.dev/v1\nkind: ");
    head.push_str(kind.name());
    head.push_str("\nmetadata:\n  name: ");
    head.push_str(name);
    head.push('\n');
    writer.text = head;
    let title = title(name);
    match writer.random.below(3) {
        0 => writer.line(2, &format!("title: {title}")),
        1 => writer.line(2, &format!("title: '{title}'")),
        _ => writer.line(2, &format!("title: \"{title} \\u00b7 {}\"", kind.name())),
    }
    writer.labels();

    let target = writer.random.between(1060, 1380);
    let have = writer.text.len() + body.len() + "  description: |\n".len();
    let mut wanted = target.saturating_sub(have);
    let style = writer.random.pick(&["|", ">-", "|-", ">"]);
    writer.line(2, &format!("description: {style}"));
    loop {
        let prose = sentence(writer.random);
        writer.line(4, &prose);
        wanted = wanted.saturating_sub(prose.len() + 5);
        if wanted == 0 {
            break;
        }
        if writer.random.once_in(6) {
            writer.text.push('\n');
        }
    }
    writer.text.push_str(&body);
    writer.text
}

struct Writer<'a> {
    text: String,
    /// A scalar that occurs more than once and is written with an anchor.
    anchor: Option<String>,
    /// Whether the anchor stands in the text already.
    anchored: bool,
    random: &'a mut Random,
}

impl Writer<'_> {
    fn line(&mut self, indent: usize, content: &str) {
        self.indent(indent);
        self.text.push_str(content);
        self.text.push('\n');
    }

    fn indent(&mut self, indent: usize) {
        self.text.extend(std::iter::repeat_n(' ', indent));
    }

    fn labels(&mut self) {
        let region = self.random.pick(&["eu-central", "eu-north", "eu-west"]);
        let tier = self.random.pick(&["gold", "silver", "bronze"]);
        let centre = self.random.between(100, 9999);
        if self.random.once_in(2) {
            self.line(
                2,
                &format!("labels: {{region: {region}, tier: {tier}, cost-centre: \"{centre:05}\"}}"),
            );
        } else {
            self.line(2, "labels:");
            self.line(4, &format!("region: {region}"));
            self.line(4, &format!("tier: {tier}"));
            self.line(4, &format!("cost-centre: '{centre:05}'"));
        }
    }

    fn fields(&mut self, fields: &Fields, indent: usize) {
        for (key, node) in &fields.0 {
            if indent == 2 && self.random.once_in(40) {
                let comment = format!("# {}", sentence(self.random));
                self.line(indent, &comment);
            }
            self.indent(indent);
            self.text.push_str(key);
            self.text.push(':');
            self.value(node, indent);
        }
    }

    /// What follows `key:` or `-`, to the end of the line or beyond.
    fn value(&mut self, node: &Node, indent: usize) {
        match node {
            Node::Plain(_) | Node::Quoted(_) => {
                self.text.push(' ');
                self.scalar(node);
                if self.random.once_in(40) {
                    let remark = self.random.pick(&REMARKS);
                    self.text.push_str(" # ");
                    self.text.push_str(remark);
                }
                self.text.push('\n');
            }
            Node::Text(prose) => self.prose(prose, indent),
            Node::List(items) => {
                if items.is_empty() || (scalars(items) && self.random.below(5) < 3) {
                    self.text.push(' ');
                    self.flow(node);
                    self.text.push('\n');
                } else {
                    self.text.push('\n');
                    let inner = if self.random.once_in(2) { indent } else { indent + 2 };
                    for item in items {
                        self.indent(inner);
                        self.text.push('-');
                        self.item(item, inner);
                    }
                }
            }
            Node::Map(fields) => {
                let short = fields.0.len() <= 3 && fields.0.iter().all(|(_, node)| scalar(node));
                if short && self.random.once_in(2) {
                    self.text.push(' ');
                    self.flow(node);
                    self.text.push('\n');
                } else {
                    self.text.push('\n');
                    self.fields(fields, indent + 2);
                }
            }
        }
    }

    /// What follows `-`: a map begins on the same line.
    fn item(&mut self, node: &Node, indent: usize) {
        let Node::Map(fields) = node else {
            return self.value(node, indent);
        };
        if self.random.once_in(3) {
            self.text.push(' ');
            self.flow(node);
            self.text.push('\n');
            return;
        }
        for (place, (key, node)) in fields.0.iter().enumerate() {
            if place == 0 {
                self.text.push(' ');
            } else {
                self.indent(indent + 2);
            }
            self.text.push_str(key);
            self.text.push(':');
            self.value(node, indent + 2);
        }
    }

    fn scalar(&mut self, node: &Node) {
        match node {
            Node::Plain(value) => {
                if self.anchor.as_deref() == Some(value) {
                    if self.anchored {
                        self.text.push_str("*same");
                        return;
                    }
                    self.anchored = true;
                    self.text.push_str("&same ");
                }
                self.text.push_str(value);
            }
            Node::Quoted(value) | Node::Text(value) => {
                let quote = if self.random.once_in(3) { '"' } else { '\'' };
                self.text.push(quote);
                self.text.push_str(value);
                self.text.push(quote);
            }
            Node::List(_) | Node::Map(_) => self.flow(node),
        }
    }

    fn flow(&mut self, node: &Node) {
        match node {
            Node::List(items) => {
                self.text.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.text.push_str(", ");
                    }
                    self.flow(item);
                }
                self.text.push(']');
            }
            Node::Map(fields) => {
                self.text.push('{');
                for (place, (key, value)) in fields.0.iter().enumerate() {
                    if place > 0 {
                        self.text.push_str(", ");
                    }
                    self.text.push_str(key);
                    self.text.push_str(": ");
                    self.flow(value);
                }
                self.text.push('}');
            }
            scalar => self.scalar(scalar),
        }
    }

    fn prose(&mut self, prose: &str, indent: usize) {
        match self.random.below(4) {
            0 => {
                self.text.push_str(" |\n");
                self.line(indent + 2, prose);
            }
            1 => {
                self.text.push_str(" >-\n");
                let middle = prose.len() / 2;
                let at = prose.find(' ').map_or(prose.len(), |first| {
                    prose.get(..middle).and_then(|half| half.rfind(' ')).unwrap_or(first)
                });
                let (first, second) = prose.split_at(at);
                self.line(indent + 2, first);
                self.line(indent + 2, second.trim_start());
            }
            2 => {
                self.text.push_str(" \"");
                self.text.push_str(prose);
                self.text.push_str("\"\n");
            }
            _ => {
                self.text.push(' ');
                self.text.push_str(prose);
                self.text.push('\n');
            }
        }
    }
}

fn scalar(node: &Node) -> bool {
    matches!(node, Node::Plain(_) | Node::Quoted(_))
}

fn scalars(nodes: &[Node]) -> bool {
    nodes.iter().all(scalar)
}

/// The first reference that occurs twice, in some of the documents.
fn repeated(spec: &Fields) -> Option<String> {
    let mut seen = Vec::new();
    gather(spec, &mut seen);
    let twice = seen
        .iter()
        .enumerate()
        .find(|(place, value)| value.len() > 12 && seen.iter().skip(place + 1).any(|x| x == *value));
    twice.map(|(_, value)| (*value).to_owned())
}

fn gather<'a>(fields: &'a Fields, seen: &mut Vec<&'a str>) {
    for (_, node) in &fields.0 {
        gather_node(node, seen);
    }
}

fn gather_node<'a>(node: &'a Node, seen: &mut Vec<&'a str>) {
    match node {
        Node::Plain(value) => seen.push(value),
        Node::Quoted(_) | Node::Text(_) => {}
        Node::List(items) => items.iter().for_each(|item| gather_node(item, seen)),
        Node::Map(fields) => gather(fields, seen),
    }
}

/// `billing-00001-app-2` as a title: `Billing 00001 app 2`.
fn title(name: &str) -> String {
    let mut title = name.replace('-', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

/// A sentence that says nothing, without anything that YAML would read as more than text.
fn sentence(random: &mut Random) -> String {
    let subject = random.pick(&SUBJECTS);
    let verb = random.pick(&VERBS);
    let object = random.pick(&OBJECTS);
    let end = random.pick(&ENDS);
    format!("{subject} {verb} {object}{end}.")
}

const REMARKS: [&str; 8] = [
    "agreed with the team",
    "see the ticket",
    "checked in spring",
    "as measured",
    "taken over from the old record",
    "do not change without asking",
    "für alle Standorte gleich",
    "provisional",
];

const SUBJECTS: [&str; 14] = [
    "The night shift",
    "The owner",
    "Our supplier in Zürich",
    "The platform group",
    "The last audit",
    "A second person",
    "The monthly report",
    "This record",
    "The contract",
    "Every branch office",
    "The on-call engineer",
    "The migration plan",
    "A short script",
    "The data protection officer",
];

const VERBS: [&str; 12] = [
    "describes",
    "confirms",
    "replaces",
    "depends on",
    "keeps a copy of",
    "has measured",
    "asked for",
    "documents",
    "looks after",
    "still needs",
    "was written for",
    "reviews",
];

const OBJECTS: [&str; 14] = [
    "the weekly schedule",
    "the settings of the test network",
    "the list of approved contacts",
    "the naming scheme",
    "the older of the two machines",
    "the café terminals",
    "what was agreed in the workshop",
    "the numbers of the previous quarter",
    "the import from the mainframe",
    "the emergency procedure",
    "the spare parts",
    "all open questions",
    "the route to the second data centre",
    "the handover notes",
];

const ENDS: [&str; 10] = [
    "",
    " until further notice",
    " since the move",
    ", although rarely",
    " in both languages",
    " (see the wiki)",
    " at the end of each month",
    " before anything else happens",
    ", as the law requires",
    " and tells the team",
];
