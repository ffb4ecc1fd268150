//! All resources of a run, who names whom, and the documents that joined rules read.
//!
//! Built once, after every file was seen, from what each batch of files left behind. Looking a reference up is a
//! few hashes; finding who names a resource is one.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher as _;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table};
use rayon::prelude::*;
use serde_json::Value;

use super::circle::circles;
use super::field::{self, FieldStep, marked_fields, values_at};
use super::gathered::{Gathered, RawEdge};
use super::kind::{KindLibrary, KindName};
use super::network::{Networks, Range};
use crate::finding::{DEFAULT_NAMESPACE, Identity, Location, OWN_GROUP, Resource};
use crate::schema;
use crate::schema::{Overlap, ResourceId};
use crate::yaml::{Kind, NodeRef, Tape};

/// A field of a kind that holds references: `spec.decisions[].grant`, and the kinds that it may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceField {
    /// The field, from the root of the document.
    pub field: String,
    /// The kinds, the first being that of a name without prefix; `*` is any, with a prefix.
    pub kinds: Vec<String>,
    pub(super) steps: Vec<FieldStep>,
}

/// The reference fields that the schema of a kind declares by `x-ref`.
pub fn reference_fields(schema: &Value) -> Vec<ReferenceField> {
    let mut fields = Vec::new();
    marked_fields(schema, "x-ref", &mut |steps, target| {
        let list = if target.is_array() { Some(target) } else { target.get("to") };
        let kinds = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let kinds: Vec<String> = kinds.map(str::to_owned).collect();
        let kinds = if kinds.is_empty() { vec!["*".to_owned()] } else { kinds };
        fields.push(ReferenceField { field: written(steps), kinds, steps: steps.to_vec() });
    });
    fields
}

/// The field as kinds write it: a list of references is written like a single one.
fn written(steps: &[FieldStep]) -> String {
    let steps = steps.iter().map(|step| match step {
        FieldStep::Key(key) => Some(key.as_str()),
        FieldStep::Items => None,
    });
    schema::field_name(steps)
}

impl ReferenceField {
    /// The keys on the way to it.
    pub fn keys(&self) -> Vec<String> {
        field::keys(&self.steps)
    }

    /// Whether it may name a resource of this kind.
    pub fn takes(&self, kind: &str) -> bool {
        self.kinds.iter().any(|taken| taken == "*" || taken == kind)
    }

    /// The values that stand in the field.
    pub fn values<'t>(&self, root: NodeRef<'t>) -> Vec<NodeRef<'t>> {
        values_at(root, &self.steps)
    }
}

/// A reference as it is written: `[kind:][namespace/]name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'t> {
    /// The kind, if it is said.
    pub kind: Option<&'t str>,
    /// The namespace, if it is said.
    pub namespace: Option<&'t str>,
    /// The name.
    pub name: &'t str,
}

impl<'t> Reference<'t> {
    /// Takes a reference apart.
    pub fn parse(text: &'t str) -> Self {
        let (kind, rest) = text.split_once(':').map_or((None, text), |(kind, rest)| (Some(kind), rest));
        let (namespace, name) =
            rest.split_once('/').map_or((None, rest), |(space, name)| (Some(space), name));
        Self { kind, namespace, name }
    }

    /// The kind that is said, else the first that a field takes.
    pub fn kind_or(&self, kinds: &'t [String]) -> Option<&'t str> {
        self.kind.or_else(|| kinds.first().map(String::as_str)).filter(|kind| *kind != "*")
    }
}

/// The references of a batch: the number of its first resource, the tape with their texts, and who names.
type BatchEdges = (u32, Arc<Tape>, Vec<RawEdge>);

/// The same, resolved.
struct BatchLinks {
    offset: u32,
    /// How many there are of each resource, up to the last that has any.
    counts: Vec<u32>,
    links: Vec<Outgoing>,
}

impl BatchLinks {
    /// Who names, of each link.
    fn from(&self) -> impl Iterator<Item = ResourceId> {
        let of_resource = |(from, count): (u32, &u32)| std::iter::repeat_n(ResourceId(from), *count as usize);
        (self.offset..).zip(&self.counts).flat_map(of_resource)
    }
}

#[derive(Debug)]
struct Entry {
    resource: Arc<Resource>,
    /// Batch and root.
    document: Option<(u32, u32)>,
    /// The number of the name of its kind.
    kind: u16,
    /// The number of the kind with its group.
    schema: u16,
}

type Holders = HashMap<String, Vec<ResourceId>>;

/// The kind, the field of the ranges, and the fields whose values set networks apart.
type NetworkKey = (String, String, Vec<String>);
/// By these values.
type NetworksApart = HashMap<Vec<Option<String>>, Networks>;

/// The resources of a run.
#[derive(Debug)]
pub struct Inventory {
    entries: Vec<Entry>,
    tapes: Vec<Arc<Tape>>,
    /// Resources of our own kinds by kind, namespace and name, which stand in `entries` and not here again.
    names: HashTable<u32>,
    /// Whether no two of these have one identity.
    is_unique: bool,
    hasher: DefaultHashBuilder,
    /// Names of kinds; the last number is that of all kinds beyond.
    kind_numbers: HashMap<Arc<str>, u16, DefaultHashBuilder>,
    /// The reference fields of each kind, by the number that it has with its group.
    fields: Vec<Vec<ReferenceField>>,
    /// By whom each is named, by kind, and through which of the fields of its kind.
    incoming: Vec<Link>,
    /// Where those of a resource begin.
    first_incoming: Vec<u32>,
    /// All references by who names; kept where rules ask for them.
    outgoing: Vec<Outgoing>,
    first_outgoing: Vec<u32>,
    has_overlong: bool,
    holders: RwLock<HashMap<(String, String), Arc<Holders>>>,
    networks: RwLock<HashMap<NetworkKey, Arc<NetworksApart>>>,
    /// By reference field, for each resource the first of its circle.
    circles: RwLock<HashMap<String, Arc<Vec<u32>>>>,
    nothing: Tape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    /// The number of the kind of who names it.
    kind: u16,
    from: ResourceId,
    field: u16,
    /// Among the references of its field; stays at its greatest where there are more.
    position: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outgoing {
    field: u16,
    /// Among the references of its field.
    position: u16,
    /// [`NOBODY`] where it names nothing.
    target: ResourceId,
}

const NOBODY: ResourceId = ResourceId(u32::MAX);

/// Whether references are kept by who names, besides by who is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// By who names as well.
    Both,
    /// By who is named alone.
    Incoming,
}

impl Inventory {
    /// The resources alone, for runs in which no rule looks at other documents.
    pub fn of_resources(batches: Vec<Gathered>) -> Self {
        Self::put_together(batches).0
    }

    /// The resources, their references resolved.
    pub fn new(batches: Vec<Gathered>, kinds: &KindLibrary, directions: Directions) -> Self {
        let (mut inventory, edges, schemas) = Self::put_together(batches);
        let fields = |kind| kinds.get(kind).map(|schema| schema.references().to_vec()).unwrap_or_default();
        inventory.fields = schemas.iter().map(fields).collect();
        inventory.index_names();
        // As they are resolved, the raw ones go.
        let of_batch = |(offset, tape, edges): BatchEdges| -> BatchLinks {
            let mut counts = Vec::new();
            let mut last: Option<(u32, u16, u16)> = None;
            let resolved = edges.into_iter().map(|edge| {
                let from = ResourceId(offset + edge.from);
                let first = inventory.reference_field(from, edge.field).and_then(|field| field.kinds.first());
                let text = tape.kept_text(edge.start, edge.length);
                let target = inventory.look_up(from, text, first.map(String::as_str)).unwrap_or(NOBODY);
                let before = last.filter(|(other, field, _)| (*other, *field) == (edge.from, edge.field));
                let position = before.map_or(0, |(_, _, position)| position.saturating_add(1));
                last = Some((edge.from, edge.field, position));
                counts.resize(counts.len().max(edge.from as usize + 1), 0);
                if let Some(count) = counts.last_mut() {
                    *count += 1;
                }
                Outgoing { field: edge.field, position, target }
            });
            let links = resolved.collect();
            BatchLinks { offset, counts, links }
        };
        let links: Vec<BatchLinks> = edges.into_par_iter().map(of_batch).collect();
        inventory.link_up(links);
        if directions == Directions::Incoming {
            inventory.outgoing = Vec::new();
            inventory.first_outgoing = Vec::new();
        }
        inventory
    }

    /// Takes in who names whom, in the order of who names, and then of the fields.
    fn link_up(&mut self, batches: Vec<BatchLinks>) {
        let count = self.entries.len();
        self.first_outgoing = starts(count, batches.iter().flat_map(BatchLinks::from));
        let targets = batches.iter().flat_map(|batch| batch.links.iter().map(|link| link.target));
        self.first_incoming = starts(count, targets.filter(|target| *target != NOBODY));
        self.outgoing = Vec::with_capacity(batches.iter().map(|batch| batch.links.len()).sum());
        let named = self.first_incoming.last().map_or(0, |end| *end as usize);
        let nobody = Link { kind: 0, from: NOBODY, field: 0, position: 0 };
        self.incoming = vec![nobody; named];
        let mut next = self.first_incoming.clone();
        for batch in batches {
            for (from, link) in batch.from().zip(&batch.links) {
                let Some(place) = next.get_mut(link.target.0 as usize) else { continue };
                let kind = self.entries.get(from.0 as usize).map_or(u16::MAX, |entry| entry.kind);
                if let Some(slot) = self.incoming.get_mut(*place as usize) {
                    *slot = Link { kind, from, field: link.field, position: link.position };
                }
                *place += 1;
            }
            self.outgoing.extend(batch.links);
        }
        for ends in self.first_incoming.windows(2) {
            if let [start, end] = ends
                && let Some(links) = self.incoming.get_mut(*start as usize..*end as usize)
            {
                links.sort_by_key(|link| link.kind);
            }
        }
    }

    /// The resources, their references, and their kinds by number.
    fn put_together(batches: Vec<Gathered>) -> (Self, Vec<BatchEdges>, Vec<KindName>) {
        let mut entries = Vec::with_capacity(batches.iter().map(|batch| batch.resources.len()).sum());
        let mut tapes = Vec::new();
        let mut edges = Vec::new();
        let mut kind_numbers: HashMap<Arc<str>, u16, DefaultHashBuilder> = HashMap::default();
        let mut number_of = |resource: &Resource| {
            let kind = &resource.identity.kind;
            if let Some(known) = kind_numbers.get(kind) {
                return *known;
            }
            let number = u16::try_from(kind_numbers.len()).unwrap_or(u16::MAX);
            kind_numbers.insert(Arc::clone(kind), number);
            number
        };
        let mut schemas: Vec<KindName> = Vec::new();
        let mut schema_numbers: HashMap<KindName, u16> = HashMap::new();
        // By the number of the name: nearly all kinds are ours.
        let mut own_numbers: Vec<Option<u16>> = Vec::new();
        let mut schema_of = |resource: &Resource, kind: u16| {
            let is_own = *resource.identity.group == *OWN_GROUP;
            let own = usize::from(kind);
            if let Some(Some(known)) = own_numbers.get(own).filter(|_| is_own && kind < u16::MAX) {
                return *known;
            }
            let name = KindName::of(&resource.identity);
            let number = *schema_numbers.entry(name).or_insert_with_key(|name| {
                let number = u16::try_from(schemas.len()).unwrap_or(u16::MAX);
                if number < u16::MAX {
                    schemas.push(name.clone());
                }
                number
            });
            if is_own && kind < u16::MAX {
                own_numbers.resize(own_numbers.len().max(own + 1), None);
                if let Some(place) = own_numbers.get_mut(own) {
                    *place = Some(number);
                }
            }
            number
        };
        let mut has_overlong = false;
        for (batch, gathered) in (0_u32..).zip(batches) {
            has_overlong |= gathered.has_overlong;
            let offset = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            let pairs = gathered.resources.into_iter().zip(gathered.documents);
            for (resource, root) in pairs {
                let kind = number_of(&resource);
                let schema = schema_of(&resource, kind);
                entries.push(Entry { resource, document: root.map(|root| (batch, root)), kind, schema });
            }
            tapes.push(Arc::clone(&gathered.tape));
            edges.push((offset, gathered.tape, gathered.edges));
        }
        let inventory = Self {
            entries,
            tapes,
            names: HashTable::new(),
            is_unique: false,
            hasher: DefaultHashBuilder::default(),
            kind_numbers,
            fields: Vec::new(),
            incoming: Vec::new(),
            first_incoming: Vec::new(),
            outgoing: Vec::new(),
            first_outgoing: Vec::new(),
            has_overlong,
            holders: RwLock::default(),
            networks: RwLock::default(),
            circles: RwLock::default(),
            nothing: Tape::of_empty_map(),
        };
        (inventory, edges, schemas)
    }

    /// The reference fields of the kind of a resource.
    fn fields_of(&self, of: ResourceId) -> &[ReferenceField] {
        let schema = self.entries.get(of.0 as usize).map_or(u16::MAX, |entry| entry.schema);
        self.fields.get(usize::from(schema)).map_or(&[], Vec::as_slice)
    }

    /// The links to a resource, by kind.
    fn links_to(&self, target: ResourceId) -> &[Link] {
        slice_of(&self.incoming, &self.first_incoming, target)
    }

    /// The references of a resource.
    fn links_from(&self, from: ResourceId) -> &[Outgoing] {
        slice_of(&self.outgoing, &self.first_outgoing, from)
    }

    fn hash(&self, kind: &str, namespace: &str, name: &str) -> u64 {
        self.hasher.hash_one((kind, namespace, name))
    }

    fn index_names(&mut self) {
        let mut names = HashTable::with_capacity(self.entries.len());
        let mut is_unique = true;
        let hash_of = |index: &u32| {
            let resource = self.resource(ResourceId(*index));
            resource.map_or(0, |resource| {
                let Identity { kind, namespace, name, .. } = &resource.identity;
                self.hash(kind, namespace, name)
            })
        };
        for (index, entry) in (0_u32..).zip(&self.entries) {
            let identity = &entry.resource.identity;
            if &*identity.group != OWN_GROUP {
                continue;
            }
            let is_same = |other: &u32| {
                self.resource(ResourceId(*other)).is_some_and(|other| other.identity == *identity)
            };
            // Of two with one name, which is a problem of its own, the first counts.
            match names.entry(hash_of(&index), is_same, hash_of) {
                hash_table::Entry::Vacant(vacant) => drop(vacant.insert(index)),
                hash_table::Entry::Occupied(_) => is_unique = false,
            }
        }
        (self.names, self.is_unique) = (names, is_unique);
    }

    fn reference_field(&self, from: ResourceId, position: u16) -> Option<&ReferenceField> {
        self.fields_of(from).get(usize::from(position))
    }

    /// All resources in the order in which they were seen.
    pub fn resources(&self) -> impl Iterator<Item = (ResourceId, &Arc<Resource>)> {
        (0_u32..).map(ResourceId).zip(self.entries.iter().map(|entry| &entry.resource))
    }

    /// A resource.
    pub fn resource(&self, id: ResourceId) -> Option<&Arc<Resource>> {
        self.entries.get(id.0 as usize).map(|entry| &entry.resource)
    }

    fn kind_of(&self, id: ResourceId) -> &str {
        self.resource(id).map_or("", |resource| &resource.identity.kind)
    }

    /// What a text names where it stands in `from`; `kind` is that of a name without prefix.
    fn look_up(&self, from: ResourceId, text: &str, kind: Option<&str>) -> Option<ResourceId> {
        let reference = Reference::parse(text);
        let kind = reference.kind.or(kind.filter(|kind| *kind != "*"))?;
        let own = || self.resource(from).map(|resource| &*resource.identity.namespace);
        let namespace = reference.namespace.or_else(own).unwrap_or(DEFAULT_NAMESPACE);
        let is_meant = |index: &u32| {
            self.resource(ResourceId(*index)).is_some_and(|resource| {
                let identity = &resource.identity;
                &*identity.name == reference.name
                    && &*identity.kind == kind
                    && &*identity.namespace == namespace
            })
        };
        let hash = self.hash(kind, namespace, reference.name);
        self.names.find(hash, is_meant).copied().map(ResourceId)
    }

    /// The kind of a name without prefix in a field: what the kind's schema lists first.
    fn first_kind(&self, from: ResourceId, field: &str) -> Option<&str> {
        let fields = self.fields_of(from);
        fields.iter().find(|known| known.field == field)?.kinds.first().map(String::as_str)
    }
}

impl schema::Inventory for Inventory {
    fn resolve(&self, from: ResourceId, field: &str, text: &str, first: Option<&str>) -> Option<ResourceId> {
        self.look_up(from, text, self.first_kind(from, field).or(first))
    }

    fn canonical(&self, from: ResourceId, field: &str, text: &str) -> Option<String> {
        let first = self.first_kind(from, field)?;
        let reference = Reference::parse(text);
        let kind = reference.kind.unwrap_or(first);
        let own = self.resource(from).map_or(DEFAULT_NAMESPACE, |resource| &resource.identity.namespace);
        Some(format!("{kind}:{}/{}", reference.namespace.unwrap_or(own), reference.name))
    }

    fn document(&self, resource: ResourceId) -> NodeRef<'_> {
        let place = self.entries.get(resource.0 as usize).and_then(|entry| entry.document);
        let found = place.and_then(|(batch, root)| Some(self.tapes.get(batch as usize)?.node(root)));
        found.unwrap_or_else(|| self.nothing.node(0))
    }

    fn kind(&self, resource: ResourceId) -> &str {
        self.kind_of(resource)
    }

    fn describe(&self, resource: ResourceId) -> String {
        self.resource(resource).map_or_else(String::new, |resource| resource.identity.to_string())
    }

    fn location(&self, resource: ResourceId) -> Option<Location> {
        self.resource(resource).map(|resource| resource.location.clone())
    }

    fn referrers(&self, target: ResourceId, kinds: &[String], fields: &[String]) -> Vec<ResourceId> {
        let is_meant = |link: &&Link| {
            let field = self.reference_field(link.from, link.field).map(|field| field.field.as_str());
            (fields.is_empty() || field.is_some_and(|field| fields.iter().any(|wanted| wanted == field)))
                && kinds.iter().any(|kind| kind == "*" || kind == self.kind_of(link.from))
        };
        let mut found: Vec<ResourceId> =
            self.links_to(target).iter().filter(is_meant).map(|link| link.from).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn holders(&self, kinds: &[String], field: &str, value: &str) -> Vec<ResourceId> {
        let mut found: Vec<ResourceId> = Vec::new();
        for kind in kinds {
            let index = self.index(kind, field);
            found.extend(index.get(value).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn overlapping(&self, asked: &Overlap<'_>) -> Vec<(ResourceId, String)> {
        let Some(range) = Range::parse(asked.range) else { return Vec::new() };
        let fields = asked.same.keys().cloned().collect();
        let networks = self.networks(asked.kind, asked.field, fields);
        let values: Vec<Option<String>> = asked.same.values().cloned().collect();
        let found =
            networks.get(&values).into_iter().flat_map(|networks| networks.overlapping(range, asked.but));
        found.take(asked.most).map(|(id, text)| (id, text.to_owned())).collect()
    }

    fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> =
            self.resources().map(|(_, resource)| resource.identity.qualified_kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn of_kind(&self, kind: &str) -> Vec<ResourceId> {
        let is_meant = |resource: &Resource| KindName::of(&resource.identity).is_written(kind);
        let found = self.resources().filter(|(_, resource)| kind == "*" || is_meant(resource));
        found.map(|(id, _)| id).collect()
    }

    fn count(&self) -> usize {
        self.entries.len()
    }

    fn identity(&self, resource: ResourceId) -> Option<&Identity> {
        self.resource(resource).map(|resource| &resource.identity)
    }

    fn find(&self, identity: &str) -> Option<ResourceId> {
        let (kind, rest) = identity.split_once('/')?;
        let (namespace, name) = rest.split_once('/').unwrap_or((DEFAULT_NAMESPACE, rest));
        let is_meant = |index: &u32| {
            self.resource(ResourceId(*index)).is_some_and(|resource| {
                let identity = &resource.identity;
                (&*identity.kind, &*identity.namespace, &*identity.name) == (kind, namespace, name)
            })
        };
        self.names.find(self.hash(kind, namespace, name), is_meant).copied().map(ResourceId)
    }

    fn is_found(&self, resource: ResourceId) -> bool {
        let is_own = |known: &Arc<Resource>| *known.identity.group == *OWN_GROUP;
        self.is_unique && self.resource(resource).is_some_and(is_own)
    }

    fn takes(&self, from: ResourceId, field: &str, target: ResourceId) -> bool {
        let known = self.fields_of(from).iter();
        known.filter(|known| known.field == field).any(|known| known.takes(self.kind_of(target)))
    }

    fn is_resolved(&self, from: ResourceId) -> bool {
        let fields = self.fields_of(from);
        let takes = |link: &Outgoing| {
            let field = fields.get(usize::from(link.field));
            link.target != NOBODY && field.is_some_and(|field| field.takes(self.kind_of(link.target)))
        };
        !self.has_overlong && !self.first_outgoing.is_empty() && self.links_from(from).iter().all(takes)
    }

    fn outgoing(&self, from: ResourceId) -> Vec<(&str, Option<ResourceId>)> {
        let named = self.links_from(from).iter().filter_map(|link| {
            let field = self.reference_field(from, link.field)?;
            Some((field.field.as_str(), named(link.target)))
        });
        named.collect()
    }

    fn outgoing_in(&self, from: ResourceId, field: &str) -> Option<(&str, Vec<Option<ResourceId>>)> {
        let fields = self.fields_of(from);
        let links = self.links_from(from);
        if links.is_empty() {
            return None;
        }
        let number = fields.iter().position(|known| known.field == field)?;
        let links = links.iter().filter(|link| usize::from(link.field) == number);
        let targets: Vec<_> = links.map(|link| named(link.target)).collect();
        (!targets.is_empty()).then_some((fields.get(number)?.field.as_str(), targets))
    }

    fn circle(&self, of: ResourceId, field: &str) -> ResourceId {
        let known = self.circles.read().unwrap_or_else(PoisonError::into_inner).get(field).cloned();
        let circles = known.unwrap_or_else(|| {
            let of = |from: ResourceId| {
                let is_meant = move |link: &&Outgoing| {
                    let known = self.reference_field(from, link.field);
                    link.target != NOBODY && known.is_some_and(|known| known.field == field)
                };
                self.links_from(from).iter().filter(is_meant).map(move |link| (from.0, link.target.0))
            };
            let links = self.resources().flat_map(|(from, _)| of(from));
            let found = Arc::new(circles(self.entries.len(), &links.collect::<Vec<_>>()));
            let mut all = self.circles.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(field.to_owned()).or_insert(found))
        });
        circles.get(of.0 as usize).map_or(of, |first| ResourceId(*first))
    }

    fn incoming(&self, target: ResourceId) -> Vec<(ResourceId, &str, usize)> {
        let mut links: Vec<&Link> = self.links_to(target).iter().collect();
        links.sort_unstable_by_key(|link| (link.from, link.field, link.position));
        links.into_iter().filter_map(|link| self.link(link)).collect()
    }

    fn incoming_of(&self, target: ResourceId, kind: &str) -> Vec<(ResourceId, &str, usize)> {
        let number = self.kind_numbers.get(kind).copied().unwrap_or(u16::MAX);
        let links = self.links_to(target);
        let first = links.partition_point(|link| link.kind < number);
        let links = links.iter().skip(first).take_while(|link| link.kind == number);
        // Kinds beyond those that are numbered share the last number.
        let is_meant = |link: &&Link| number < u16::MAX || self.kind_of(link.from) == kind;
        links.filter(is_meant).filter_map(|link| self.link(link)).collect()
    }
}

impl Inventory {
    fn link(&self, link: &Link) -> Option<(ResourceId, &str, usize)> {
        let field = self.reference_field(link.from, link.field)?;
        Some((link.from, field.field.as_str(), usize::from(link.position)))
    }

    /// Who has which value in a field; made when first asked for.
    fn index(&self, kind: &str, field: &str) -> Arc<Holders> {
        let key = (kind.to_owned(), field.to_owned());
        if let Some(index) = self.holders.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(index);
        }
        let steps = steps(field);
        let mut index = Holders::new();
        for (id, resource) in self.resources() {
            if kind != "*" && *resource.identity.kind != *kind {
                continue;
            }
            for node in values_in(schema::Inventory::document(self, id), &steps) {
                let holders = index.entry(node.to_value().to_string()).or_default();
                if holders.last() != Some(&id) {
                    holders.push(id);
                }
            }
        }
        let index = Arc::new(index);
        let mut all = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key).or_insert(index))
    }

    /// The ranges that a kind has in a field, set apart by the texts in other fields; made when first asked for.
    fn networks(&self, kind: &str, field: &str, apart: Vec<String>) -> Arc<NetworksApart> {
        let key = (kind.to_owned(), field.to_owned(), apart);
        if let Some(networks) = self.networks.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(networks);
        }
        let ranges = steps(field);
        let apart: Vec<_> = key.2.iter().map(|field| steps(field)).collect();
        let mut found: BTreeMap<Vec<Option<String>>, Vec<_>> = BTreeMap::new();
        for id in schema::Inventory::of_kind(self, kind) {
            let root = schema::Inventory::document(self, id);
            let value = |steps: &Vec<FieldStep>| {
                let text = values_at(root, steps).first().and_then(NodeRef::as_str);
                text.map(str::to_owned)
            };
            let values = || apart.iter().map(value).collect();
            let texts = values_in(root, &ranges).filter_map(|node| node.as_str());
            let ranges: Vec<_> =
                texts.filter_map(|text| Some((Range::parse(text)?, id, text.into()))).collect();
            if !ranges.is_empty() {
                found.entry(values()).or_default().extend(ranges);
            }
        }
        let networks = found.into_iter().map(|(values, ranges)| (values, Networks::new(ranges))).collect();
        let mut all = self.networks.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key).or_insert(Arc::new(networks)))
    }
}

/// What a link names, if anything.
fn named(target: ResourceId) -> Option<ResourceId> {
    (target != NOBODY).then_some(target)
}

/// For each resource, and for the end, where it comes first in a sorted list.
fn starts(count: usize, sorted: impl Iterator<Item = ResourceId>) -> Vec<u32> {
    let mut starts = vec![0_u32; count + 1];
    for id in sorted {
        if let Some(after) = starts.get_mut(id.0 as usize + 1) {
            *after += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    starts
}

/// The part of a sorted list that is of a resource.
fn slice_of<'l, T>(list: &'l [T], starts: &[u32], of: ResourceId) -> &'l [T] {
    let start = |at: usize| starts.get(at).map_or(list.len(), |start| *start as usize);
    list.get(start(of.0 as usize)..start(of.0 as usize + 1)).unwrap_or_default()
}

/// The way to a field as rules write it.
fn steps(field: &str) -> Vec<FieldStep> {
    let mut steps = Vec::new();
    for part in field.split('.') {
        let name = part.trim_end_matches("[]");
        steps.push(FieldStep::Key(name.to_owned()));
        steps.extend((name.len()..part.len()).step_by(2).map(|_| FieldStep::Items));
    }
    steps
}

/// The values in a field; the elements of a list stand in the field of the list.
fn values_in<'t>(root: NodeRef<'t>, steps: &[FieldStep]) -> impl Iterator<Item = NodeRef<'t>> {
    values_at(root, steps).into_iter().flat_map(|node| {
        let own = (node.kind() != Kind::List).then_some(node);
        own.into_iter().chain(node.elements())
    })
}

impl KindName {
    /// Whether rules write it so.
    pub fn is_written(&self, text: &str) -> bool {
        // Most are not.
        if !text.ends_with(&*self.kind) {
            return false;
        }
        match text.rsplit_once('/') {
            Some((group, kind)) => *self.group == *group && *self.kind == *kind,
            None => (self.is_own() || self.group.is_empty()) && *self.kind == *text,
        }
    }

    /// Whether it has the name, in our own group.
    pub fn is(&self, name: &str) -> bool {
        self.is_own() && *self.kind == *name
    }
}
