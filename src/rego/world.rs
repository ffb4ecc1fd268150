//! What a rule of Rego sees around the resource that it judges, made when it is first asked for.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use regorus::Value;

use super::direct::{Kept, Members};
use super::uses::{Names, Uses};
use super::value;
use crate::finding::{Identity, OWN_GROUP};
use crate::schema::{Inventory, Overlap, PathSet, ResourceId};
use crate::yaml::{Kind, NodeRef};

/// The inventory of a run as values of Rego.
#[derive(Debug)]
pub struct World {
    inventory: Option<Arc<dyn Inventory + Send>>,
    /// The documents of a kind as far as a policy reads them, and how many there are.
    kinds: RwLock<HashMap<String, Vec<KindValue>>>,
    /// The resources of a kind by their identities.
    members: RwLock<HashMap<String, Arc<Members>>>,
    /// What texts say that is the same for all resources.
    once: Kept,
    /// Whether documents are given whole.
    is_whole: bool,
    /// Identities as reports write them, one a resource.
    ids: OnceLock<Box<[OnceLock<Arc<str>>]>>,
    /// Tells this world from others in what a thread keeps.
    number: u64,
}

/// What is read, what that makes of a kind, and how many resources are in it.
type KindValue = (PathSet, (Value, usize));

static WORLDS: AtomicU64 = AtomicU64::new(0);

/// So many documents a thread keeps as values; one is some hundred bytes, as a rule.
const DOCUMENTS: usize = 16_384;

#[derive(Default)]
struct Documents {
    world: u64,
    /// By who reads it.
    values: HashMap<(u64, ResourceId), Value>,
}

/// So many entries of references a thread keeps; one is nearly a kilobyte.
const ENTRIES: usize = 16_384;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Direction {
    In,
    Out,
}

/// What a thread has answered about references: a team is asked for by each of its members.
#[derive(Default)]
struct Links {
    world: u64,
    count: usize,
    /// By who asks as well, since each is told what it asks for.
    answers: HashMap<(u64, ResourceId, Direction), Value>,
    places: HashMap<(ResourceId, String), Vec<Value>>,
}

thread_local! {
    static LINKS: RefCell<Links> = RefCell::default();
    static DOCUMENT_VALUES: RefCell<Documents> = RefCell::default();
}

impl World {
    /// The world of a run.
    pub fn new(inventory: Arc<dyn Inventory + Send>) -> Self {
        Self::of(Some(inventory))
    }

    /// The world of rules that read one document alone.
    pub fn empty() -> Self {
        Self::of(None)
    }

    fn of(inventory: Option<Arc<dyn Inventory + Send>>) -> Self {
        let number = WORLDS.fetch_add(1, Ordering::Relaxed) + 1;
        Self {
            inventory,
            kinds: RwLock::default(),
            members: RwLock::default(),
            once: Kept::default(),
            is_whole: false,
            ids: OnceLock::new(),
            number,
        }
    }

    /// The same, and documents are given whole: to prove that what is read of them is enough.
    #[must_use]
    pub fn with_whole_documents(self, is_whole: bool) -> Self {
        Self { is_whole, ..self }
    }

    /// Tells it from other worlds; never 0.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// What texts say that is the same for all resources.
    pub(super) fn once(&self) -> &Kept {
        &self.once
    }

    /// The resources, if there are others at all.
    pub(super) fn inventory(&self) -> Option<&dyn Inventory> {
        self.inventory.as_deref().map(|inventory| inventory as &dyn Inventory)
    }

    /// Whether documents are given whole.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The resources of a kind by their identities.
    pub(super) fn members(&self, inventory: &dyn Inventory, kind: &str) -> Arc<Members> {
        if let Some(known) = self.members.read().unwrap_or_else(PoisonError::into_inner).get(kind) {
            return Arc::clone(known);
        }
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = members.get(kind) {
            return Arc::clone(known);
        }
        let member = |id: ResourceId| match self.id(inventory, id) {
            Value::String(text) => Some((text, id)),
            _ => None,
        };
        let made = Arc::new(Members::new(inventory.of_kind(kind).into_iter().filter_map(member)));
        members.insert(kind.to_owned(), Arc::clone(&made));
        made
    }

    /// The identity of a resource, which is asked for again and again.
    pub(super) fn id(&self, inventory: &dyn Inventory, id: ResourceId) -> Value {
        self.known_id(inventory, id)
            .map_or_else(|| Value::from(inventory.describe(id)), |known| Value::String(Arc::clone(known)))
    }

    /// The same as a text.
    pub(super) fn id_text(&self, inventory: &dyn Inventory, id: ResourceId) -> Option<&str> {
        self.known_id(inventory, id).map(|known| &**known)
    }

    fn known_id(&self, inventory: &dyn Inventory, id: ResourceId) -> Option<&Arc<str>> {
        let ids = self.ids.get_or_init(|| (0..inventory.count()).map(|_| OnceLock::new()).collect());
        Some(ids.get(id.0 as usize)?.get_or_init(|| inventory.describe(id).into()))
    }

    /// The identity of the resource that is judged.
    pub(super) fn own_id(&self, resource: Option<ResourceId>, identity: &Identity) -> Value {
        let known = self.inventory().zip(resource).map(|(inventory, id)| self.id(inventory, id));
        known.unwrap_or_else(|| Value::from(identity.to_string()))
    }

    /// A document as far as a policy reads those of other resources: less than all rules together, and soon made.
    fn document(
        &self,
        inventory: &dyn Inventory,
        id: ResourceId,
        is_expected: impl FnOnce() -> bool,
        (asked, policy): (&Uses, u64),
    ) -> Value {
        let identity = inventory.identity(id).filter(|_| !self.is_whole);
        let Some(reads) = identity.and_then(|identity| reads_of_others(asked, identity)) else {
            // What the rule reads is told by the kinds that a field takes: of other kinds, all that is kept.
            let is_unread = !self.is_whole && is_expected();
            return if is_unread { Value::new_object() } else { value::of_node(inventory.document(id)) };
        };
        DOCUMENT_VALUES.with_borrow_mut(|documents| {
            if documents.world != self.number || documents.values.len() >= DOCUMENTS {
                documents.values.clear();
                documents.world = self.number;
            }
            let make = || value::of_reads(inventory.document(id), &reads);
            documents.values.entry((policy, id)).or_insert_with(make).clone()
        })
    }

    /// `data.estate` as far as it is asked for, and how many resources are in it.
    pub(super) fn estate(&self, asked: &Uses) -> (Value, usize) {
        let Some(inventory) = self.inventory() else { return (Value::new_object(), 0) };
        let all = match &asked.estate {
            Names::All => inventory.kinds(),
            Names::Some(names) => names.iter().cloned().collect(),
        };
        let mut count = 0;
        let members = all.into_iter().map(|kind| {
            let (documents, length) = self.kind(inventory, &kind, asked);
            count += length;
            (value::name(&kind), documents)
        });
        let members: Vec<_> = members.collect();
        (value::object(members), count)
    }

    fn kind(&self, inventory: &dyn Inventory, kind: &str, asked: &Uses) -> (Value, usize) {
        let mut reads = if self.is_whole { PathSet::All } else { PathSet::default() };
        for read in [kind, "*"].iter().filter_map(|kind| asked.reads.others.get(*kind)) {
            reads.add(read);
        }
        let find = |known: &HashMap<String, Vec<KindValue>>| {
            let known = known.get(kind)?.iter().find(|(known, _)| *known == reads);
            known.map(|(_, value)| value.clone())
        };
        if let Some(known) = find(&self.kinds.read().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        // Whoever else needs it waits, rather than make it a second time.
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = find(&kinds) {
            return known;
        }
        let ids = inventory.of_kind(kind);
        let member =
            |id: &ResourceId| (self.id(inventory, *id), value::of_reads(inventory.document(*id), &reads));
        let made = (value::object(ids.iter().map(member)), ids.len());
        kinds.entry(kind.to_owned()).or_default().push((reads, made.clone()));
        made
    }

    /// The resource with an identity as reports write it.
    pub(super) fn find(&self, text: &str) -> Option<ResourceId> {
        self.inventory()?.find(text)
    }

    /// The first of the circle that a resource is part of along a field; nothing for one that does not exist.
    pub(super) fn circle(&self, of: Option<ResourceId>, field: &str) -> Value {
        let first =
            self.inventory().zip(of).map(|(inventory, of)| self.id(inventory, inventory.circle(of, field)));
        first.unwrap_or(Value::Undefined)
    }

    /// What a resource reaches along a field in so many steps, itself included.
    pub(super) fn reached(&self, from: Option<ResourceId>, field: &str, steps: u64) -> Value {
        let Some((inventory, from)) = self.inventory().zip(from) else { return Value::new_set() };
        let mut found = BTreeSet::from([from]);
        let mut last = vec![from];
        for _ in 0..steps {
            let targets = last.iter().flat_map(|from| inventory.outgoing(*from));
            let targets = targets.filter(|(known, _)| *known == field).filter_map(|(_, target)| target);
            last = targets.filter(|target| found.insert(*target)).collect();
        }
        let ids: BTreeSet<Value> = found.into_iter().map(|id| self.id(inventory, id)).collect();
        Value::from(ids)
    }

    /// Ranges of addresses that overlap one, and who has them.
    pub(super) fn overlapping(&self, asked: &Overlap<'_>) -> Value {
        let Some(inventory) = self.inventory() else { return Value::new_array() };
        let found = inventory.overlapping(asked).into_iter().map(|(id, range)| {
            value::object([
                (value::name("id"), self.id(inventory, id)),
                (value::name("range"), Value::from(range)),
            ])
        });
        Value::from(found.collect::<Vec<_>>())
    }

    /// What a resource points at, by field; nothing for one that does not exist.
    pub(super) fn references(
        &self,
        from: Option<ResourceId>,
        fields: &Names,
        asked: &Uses,
        policy: u64,
    ) -> Result<Value, String> {
        let Some((inventory, from)) = self.inventory().zip(from) else { return Ok(Value::new_object()) };
        let mut lists: BTreeMap<&str, (Vec<Value>, usize)> = BTreeMap::new();
        for (field, target) in inventory.outgoing(from) {
            if !fields.contains(field) {
                continue;
            }
            let (list, position) = lists.entry(field).or_default();
            if let Some(target) = target {
                let place =
                    asked.places.then(|| self.place(inventory, from, field, *position)).transpose()?;
                let is_expected = || inventory.takes(from, field, target);
                list.push(self.entry(
                    inventory,
                    target,
                    (field, place.flatten()),
                    is_expected,
                    (asked, policy),
                ));
            }
            // Those that name nothing have a place too.
            *position += 1;
        }
        let lists = lists.into_iter().map(|(field, (list, _))| (value::name(field), Value::from(list)));
        Ok(value::object(lists))
    }

    /// Who points at a resource, by kind.
    pub(super) fn referrers(
        &self,
        target: Option<ResourceId>,
        asked: &Uses,
        policy: u64,
    ) -> Result<Value, String> {
        let Some((inventory, target)) = self.inventory().zip(target) else { return Ok(Value::new_object()) };
        let mut kinds: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (from, field, position) in inventory.incoming(target) {
            let kind = inventory.kind(from);
            if !asked.referrers.contains(kind) {
                continue;
            }
            let place = asked.places.then(|| self.place(inventory, from, field, position)).transpose()?;
            let entry = self.entry(inventory, from, (field, place.flatten()), || true, (asked, policy));
            kinds.entry(kind).or_default().push(entry);
        }
        Ok(value::object(kinds.into_iter().map(|(kind, list)| (value::name(kind), Value::from(list)))))
    }

    /// What any resource points at, for a policy that walks: it may come by again.
    pub(super) fn walked_references(
        &self,
        from: Option<ResourceId>,
        asked: &Uses,
        policy: u64,
    ) -> Result<Value, String> {
        self.kept(from, Direction::Out, policy, || self.references(from, &asked.walked, asked, policy))
    }

    /// Who points at any resource, likewise.
    pub(super) fn walked_referrers(
        &self,
        target: Option<ResourceId>,
        asked: &Uses,
        policy: u64,
    ) -> Result<Value, String> {
        self.kept(target, Direction::In, policy, || self.referrers(target, asked, policy))
    }

    /// An answer that this thread gave before, or a new one.
    fn kept(
        &self,
        of: Option<ResourceId>,
        direction: Direction,
        policy: u64,
        make: impl FnOnce() -> Result<Value, String>,
    ) -> Result<Value, String> {
        let Some(of) = of else { return Ok(Value::new_object()) };
        let key = (policy, of, direction);
        let known = LINKS
            .with_borrow(|links| links.answers.get(&key).filter(|_| links.world == self.number).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let answer = make()?;
        let lists = answer.as_object().map(|lists| {
            lists.values().map(|list| list.as_array().map_or(0, regorus::value::Array::len)).sum::<usize>()
        });
        let count = lists.unwrap_or_default() + 1;
        LINKS.with_borrow_mut(|links| {
            if links.world != self.number || links.count + count > ENTRIES {
                *links = Links { world: self.number, ..Links::default() };
            }
            links.count += count;
            links.answers.insert(key, answer.clone());
        });
        Ok(answer)
    }

    /// Where the reference at a position among those of its field stands; none for fields that no rule reads the
    /// place of, which are not kept.
    pub(super) fn place(
        &self,
        inventory: &dyn Inventory,
        from: ResourceId,
        field: &str,
        position: usize,
    ) -> Result<Option<Value>, String> {
        let known = LINKS.with_borrow(|links| {
            let places = links.places.get(&(from, field.to_owned())).filter(|_| links.world == self.number);
            places.map(|places| places.get(position).cloned())
        });
        let found = known.unwrap_or_else(|| {
            let places = places(inventory.document(from), field);
            let found = places.get(position).cloned();
            LINKS.with_borrow_mut(|links| {
                if links.world != self.number || links.count + places.len() > ENTRIES {
                    *links = Links { world: self.number, ..Links::default() };
                }
                links.count += places.len() + 1;
                links.places.insert((from, field.to_owned()), places);
            });
            found
        });
        // A position that is too large to be kept is that of many.
        if position >= usize::from(u16::MAX) {
            let from = inventory.describe(from);
            return Err(format!("{from} has more references in {field} than can be told apart"));
        }
        Ok(found)
    }

    /// Whether a reference of the resource, in one of these fields, names nothing.
    pub fn has_dangling(&self, from: ResourceId, fields: &Names) -> bool {
        let Some(inventory) = self.inventory().filter(|_| !fields.is_empty()) else { return false };
        inventory.outgoing(from).iter().any(|(field, target)| target.is_none() && fields.contains(field))
    }

    fn entry(
        &self,
        inventory: &dyn Inventory,
        other: ResourceId,
        (field, place): (&str, Option<Value>),
        is_expected: impl FnOnce() -> bool,
        (asked, policy): (&Uses, u64),
    ) -> Value {
        let identity = inventory.identity(other).filter(|_| asked.entries.names);
        let part = |text: &str| value::name(text);
        let mut members =
            vec![(value::name("id"), self.id(inventory, other)), (value::name("field"), part(field))];
        if asked.entries.documents {
            let document = self.document(inventory, other, is_expected, (asked, policy));
            members.push((value::name("document"), document));
        }
        members.extend(place.map(|place| (part("path"), place)));
        if let Some(identity) = identity {
            members.push((value::name("kind"), value::name(&identity.qualified_kind())));
            members.push((value::name("namespace"), part(&identity.namespace)));
            members.push((value::name("name"), Value::from(&*identity.name)));
        }
        value::object(members)
    }
}

/// What is read of a document that is not the one that is judged; none if nothing is known to be read of its kind.
fn reads_of_others<'u>(asked: &'u Uses, identity: &Identity) -> Option<Cow<'u, PathSet>> {
    let is_meant = |written: &str| written == "*" || is_kind(identity, written);
    let mut meant = asked.reads.others.iter().filter(|(kind, _)| is_meant(kind)).map(|(_, set)| set);
    let first = Cow::Borrowed(meant.next()?);
    Some(meant.fold(first, |mut all, set| {
        all.to_mut().add(set);
        all
    }))
}

/// Whether a resource is of a kind as rules write kinds: with the group of a foreign one, if it has one.
pub(super) fn is_kind(identity: &Identity, written: &str) -> bool {
    // Most are of another.
    if !written.ends_with(&*identity.kind) {
        return false;
    }
    match written.rsplit_once('/') {
        Some((group, kind)) => *identity.group == *group && *identity.kind == *kind,
        None => *identity.kind == *written && (*identity.group == *OWN_GROUP || identity.group.is_empty()),
    }
}

/// The places of the texts that stand in a field, as kinds write it, in the order of the document.
fn places(root: NodeRef<'_>, field: &str) -> Vec<Value> {
    let mut found: Vec<(Vec<Value>, NodeRef<'_>)> = vec![(Vec::new(), root)];
    for key in field.split('.').map(|part| part.trim_end_matches("[]")) {
        let members = found.into_iter().filter_map(|(mut path, node)| {
            let member = node.get(key)?;
            path.push(value::name(key));
            Some((path, member))
        });
        found = members.flat_map(|(path, node)| elements(path, node)).collect();
    }
    let is_reference =
        |node: &NodeRef<'_>| node.as_str().is_some_and(|text| u16::try_from(text.len()).is_ok());
    found.into_iter().filter(|(_, node)| is_reference(node)).map(|(path, _)| Value::from(path)).collect()
}

/// A node, or the elements of a list.
fn elements<'n>(path: Vec<Value>, node: NodeRef<'n>) -> Vec<(Vec<Value>, NodeRef<'n>)> {
    if node.kind() != Kind::List {
        return vec![(path, node)];
    }
    let element = |(position, element): (u64, NodeRef<'n>)| {
        (path.iter().cloned().chain([Value::from(position)]).collect(), element)
    };
    (0..).zip(node.elements()).map(element).collect()
}
