//! What a rule of Rego sees around the resource that it judges, made when it is first asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use regorus::Value;

use super::uses::Names;
use super::value;
use crate::schema::{Inventory, ResourceId};

/// The inventory of a run as values of Rego.
#[derive(Debug)]
pub struct World {
    inventory: Option<Arc<dyn Inventory + Send>>,
    /// `data.estate` by kind, and how many resources it has.
    kinds: RwLock<HashMap<String, (Value, usize)>>,
    /// Tells this world from others in what a thread keeps.
    number: u64,
}

static WORLDS: AtomicU64 = AtomicU64::new(0);

/// So many documents a thread keeps as values; one is some kilobytes.
const DOCUMENTS: usize = 8192;

#[derive(Default)]
struct Documents {
    world: u64,
    values: HashMap<ResourceId, Value>,
}

thread_local! {
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
        Self { inventory, kinds: RwLock::default(), number }
    }

    /// Tells it from other worlds; never 0.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    fn inventory(&self) -> Option<&dyn Inventory> {
        self.inventory.as_deref().map(|inventory| inventory as &dyn Inventory)
    }

    /// A document as far as rules read it.
    pub(super) fn document(&self, id: ResourceId) -> Value {
        let Some(inventory) = self.inventory() else { return Value::Undefined };
        DOCUMENT_VALUES.with_borrow_mut(|documents| {
            if documents.world != self.number || documents.values.len() >= DOCUMENTS {
                documents.values.clear();
                documents.world = self.number;
            }
            documents.values.entry(id).or_insert_with(|| value::of_node(inventory.document(id))).clone()
        })
    }

    /// `data.estate` for these kinds, and how many resources are in it.
    pub(super) fn estate(&self, names: &Names) -> (Value, usize) {
        let Some(inventory) = self.inventory() else { return (Value::new_object(), 0) };
        let all = match names {
            Names::All => inventory.kinds(),
            Names::Some(names) => names.iter().cloned().collect(),
        };
        let mut count = 0;
        let members = all.into_iter().map(|kind| {
            let (documents, length) = self.kind(inventory, &kind);
            count += length;
            (value::name(&kind), documents)
        });
        let members: Vec<_> = members.collect();
        (value::object(members), count)
    }

    fn kind(&self, inventory: &dyn Inventory, kind: &str) -> (Value, usize) {
        if let Some(known) = self.kinds.read().unwrap_or_else(PoisonError::into_inner).get(kind) {
            return known.clone();
        }
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let ids = inventory.of_kind(kind);
            let member = |id: &ResourceId| {
                (Value::from(inventory.describe(*id)), value::of_node(inventory.document(*id)))
            };
            (value::object(ids.iter().map(member)), ids.len())
        };
        kinds.entry(kind.to_owned()).or_insert_with(make).clone()
    }

    /// The resource with an identity as reports write it.
    pub(super) fn find(&self, text: &str) -> Option<ResourceId> {
        self.inventory()?.find(text)
    }

    /// What a resource points at, by field; nothing for one that does not exist.
    pub(super) fn references(&self, from: Option<ResourceId>) -> Value {
        let Some((inventory, from)) = self.inventory().zip(from) else { return Value::new_object() };
        let mut fields: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (field, target) in inventory.outgoing(from) {
            let list = fields.entry(field).or_default();
            list.extend(target.map(|target| self.entry(inventory, target, field)));
        }
        lists(fields)
    }

    /// Who points at a resource, by kind.
    pub(super) fn referrers(&self, target: Option<ResourceId>) -> Value {
        let Some((inventory, target)) = self.inventory().zip(target) else { return Value::new_object() };
        let mut kinds: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (from, field) in inventory.incoming(target) {
            kinds.entry(inventory.kind(from)).or_default().push(self.entry(inventory, from, field));
        }
        lists(kinds)
    }

    /// Whether a reference of the resource, in one of these fields, names nothing.
    pub fn has_dangling(&self, from: ResourceId, fields: &Names) -> bool {
        let Some(inventory) = self.inventory().filter(|_| !fields.is_empty()) else { return false };
        inventory.outgoing(from).iter().any(|(field, target)| target.is_none() && fields.contains(field))
    }

    fn entry(&self, inventory: &dyn Inventory, other: ResourceId, field: &str) -> Value {
        let identity = inventory.identity(other);
        let part = |text: &str| value::name(text);
        let mut members = vec![
            (value::name("id"), Value::from(inventory.describe(other))),
            (value::name("field"), part(field)),
            (value::name("document"), self.document(other)),
        ];
        if let Some(identity) = identity {
            members.push((value::name("kind"), value::name(&identity.qualified_kind())));
            members.push((value::name("namespace"), part(&identity.namespace)));
            members.push((value::name("name"), Value::from(&*identity.name)));
        }
        value::object(members)
    }
}

fn lists(map: BTreeMap<&str, Vec<Value>>) -> Value {
    value::object(map.into_iter().map(|(key, list)| (value::name(key), Value::from(list))))
}
