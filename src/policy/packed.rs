//! The form of the pack: what a rule reads and asks for, and what compiling its text found out, as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, json};

use crate::rego::{Entries, Names, Prepared, Uses};
use crate::schema::{PathSet, Reads};

/// What is known of a rule before it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Whether it looks at other documents.
    pub is_joined: bool,
    /// What it reads.
    pub reads: Reads,
    /// What else its text of Rego asks for.
    pub uses: Uses,
    /// What compiling its text of Rego found out.
    pub prepared: Option<Prepared>,
}

impl Packed {
    /// As JSON; what is not asked for is left out.
    pub fn to_json(&self) -> Json {
        let Self { is_joined, reads, uses, prepared } = self;
        let mut object = Map::new();
        if *is_joined {
            object.insert("joined".to_owned(), Json::Bool(true));
        }
        if *reads != uses.reads || prepared.is_none() {
            object.insert("reads".to_owned(), of_reads(reads));
        }
        if let Some(prepared) = prepared {
            object.insert("uses".to_owned(), of_uses(uses));
            let Prepared { package, answered, libraries, guards } = prepared;
            let mut rego = json!({"package": package, "answered": answered, "libraries": libraries});
            if let (Some(guards), Some(rego)) = (guards, rego.as_object_mut()) {
                rego.insert("guards".to_owned(), json!(guards));
            }
            object.insert("rego".to_owned(), rego);
        }
        Json::Object(object)
    }

    /// What [`Packed::to_json`] wrote; none if it is anything else.
    pub fn from_json(text: &str) -> Option<Self> {
        // serde would take a list of members for a structure as well.
        let text = text.strip_prefix('{').map(|_| text)?;
        let Form { joined, reads, uses, rego } = serde_json::from_str(text).ok()?;
        let uses = uses.map(to_uses).unwrap_or_default();
        let reads = reads.map_or_else(|| uses.reads.clone(), to_reads);
        let prepared = rego.map(|rego| {
            let PreparedForm { package, answered, libraries, guards } = rego;
            Prepared { package, answered, libraries, guards }
        });
        Some(Self { is_joined: joined, reads, uses, prepared })
    }
}

fn of_reads(reads: &Reads) -> Json {
    let Reads { own, others } = reads;
    let mut object = Map::new();
    object.insert("own".to_owned(), of_set(own));
    if !others.is_empty() {
        let others = others.iter().map(|(kind, set)| (kind.clone(), of_set(set)));
        object.insert("others".to_owned(), Json::Object(others.collect()));
    }
    Json::Object(object)
}

fn of_uses(uses: &Uses) -> Json {
    let Uses {
        reads,
        estate,
        references,
        referrers,
        walked,
        entries,
        walks,
        places,
        networks,
        library_values,
        clock,
        identity,
        change,
    } = uses;
    let Entries { documents, names } = entries;
    let lists = [
        ("estate", estate),
        ("references", references),
        ("referrers", referrers),
        ("walked", walked),
        ("networks", networks),
    ];
    let flags = [
        ("documents", documents),
        ("names", names),
        ("walks", walks),
        ("places", places),
        ("libraryValues", library_values),
        ("clock", clock),
        ("identity", identity),
        ("change", change),
    ];
    let mut object = Map::new();
    object.insert("reads".to_owned(), of_reads(reads));
    let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
    object.extend(lists.map(|(key, names)| (key.to_owned(), of_names(names))));
    let flags = flags.into_iter().filter(|(_, flag)| **flag);
    object.extend(flags.map(|(key, _)| (key.to_owned(), Json::Bool(true))));
    Json::Object(object)
}

fn of_names(names: &Names) -> Json {
    match names {
        Names::All => Json::Bool(true),
        Names::Some(names) => names.iter().cloned().collect(),
    }
}

fn of_set(set: &PathSet) -> Json {
    match set {
        PathSet::All => Json::Bool(true),
        PathSet::Keys(keys) => {
            Json::Object(keys.iter().map(|(key, set)| (key.clone(), of_set(set))).collect())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    joined: bool,
    #[serde(default)]
    reads: Option<ReadsForm>,
    #[serde(default)]
    uses: Option<UsesForm>,
    #[serde(default)]
    rego: Option<PreparedForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreparedForm {
    package: String,
    answered: Vec<String>,
    libraries: Vec<String>,
    #[serde(default)]
    guards: Option<Vec<Vec<(u32, String)>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadsForm {
    own: SetForm,
    #[serde(default)]
    others: SetsForm,
}

#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a text asks for")]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UsesForm {
    reads: ReadsForm,
    #[serde(default)]
    estate: NamesForm,
    #[serde(default)]
    references: NamesForm,
    #[serde(default)]
    referrers: NamesForm,
    #[serde(default)]
    walked: NamesForm,
    #[serde(default)]
    documents: bool,
    #[serde(default)]
    names: bool,
    #[serde(default)]
    walks: bool,
    #[serde(default)]
    places: bool,
    #[serde(default)]
    networks: NamesForm,
    #[serde(default)]
    library_values: bool,
    #[serde(default)]
    clock: bool,
    #[serde(default)]
    identity: bool,
    #[serde(default)]
    change: bool,
}

fn to_reads(form: ReadsForm) -> Reads {
    Reads { own: form.own.0, others: form.others.0 }
}

fn to_uses(form: UsesForm) -> Uses {
    Uses {
        reads: to_reads(form.reads),
        estate: form.estate.0,
        references: form.references.0,
        referrers: form.referrers.0,
        walked: form.walked.0,
        entries: Entries { documents: form.documents, names: form.names },
        walks: form.walks,
        places: form.places,
        networks: form.networks.0,
        library_values: form.library_values,
        clock: form.clock,
        identity: form.identity,
        change: form.change,
    }
}

/// `true`, or a mapping of sets.
struct SetForm(PathSet);

impl<'de> Deserialize<'de> for SetForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SetVisitor;
        impl<'de> Visitor<'de> for SetVisitor {
            type Value = SetForm;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("true or a mapping")
            }

            fn visit_bool<E: de::Error>(self, is_all: bool) -> Result<SetForm, E> {
                if is_all { Ok(SetForm(PathSet::All)) } else { Err(E::custom("should be true or a mapping")) }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SetForm, A::Error> {
                read_sets(map).map(|sets| SetForm(PathSet::Keys(sets)))
            }
        }
        deserializer.deserialize_any(SetVisitor)
    }
}

fn read_sets<'de, A: MapAccess<'de>>(mut map: A) -> Result<BTreeMap<String, PathSet>, A::Error> {
    let mut sets = BTreeMap::new();
    while let Some((key, SetForm(set))) = map.next_entry()? {
        sets.insert(key, set);
    }
    Ok(sets)
}

#[derive(Default)]
struct SetsForm(BTreeMap<String, PathSet>);

impl<'de> Deserialize<'de> for SetsForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match SetForm::deserialize(deserializer)?.0 {
            PathSet::Keys(sets) => Ok(Self(sets)),
            PathSet::All => Err(de::Error::custom("should be a mapping")),
        }
    }
}

/// `true`, or a list of names.
#[derive(Default)]
struct NamesForm(Names);

impl<'de> Deserialize<'de> for NamesForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;
        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = NamesForm;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("true or a list of names")
            }

            fn visit_bool<E: de::Error>(self, is_all: bool) -> Result<NamesForm, E> {
                if is_all { Ok(NamesForm(Names::All)) } else { Err(E::custom("should be true or a list")) }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NamesForm, A::Error> {
                let mut names = std::collections::BTreeSet::new();
                while let Some(name) = list.next_element()? {
                    names.insert(name);
                }
                Ok(NamesForm(Names::Some(names)))
            }
        }
        deserializer.deserialize_any(NamesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(packed: &Packed) {
        let text = packed.to_json().to_string();
        assert_eq!(Packed::from_json(&text).as_ref(), Some(packed), "{text}");
    }

    #[test]
    fn what_is_written_is_read() {
        let mut packed = Packed::default();
        check(&packed);
        packed.is_joined = true;
        packed.reads.own.insert(&["spec".to_owned(), "owner".to_owned()]);
        packed.reads.others.insert("Person".to_owned(), PathSet::All);
        check(&packed);
        packed.uses = Uses {
            estate: Names::All,
            references: Names::Some(["owner".to_owned()].into()),
            entries: Entries { documents: true, names: false },
            library_values: true,
            change: true,
            ..Uses::default()
        };
        packed.uses.reads.own = PathSet::All;
        packed.prepared = Some(Prepared { package: "a.b".to_owned(), ..Prepared::default() });
        check(&packed);
        packed.prepared = Some(Prepared {
            package: "a.b".to_owned(),
            answered: vec!["sprintf".to_owned()],
            libraries: vec!["policies/lib/x.rego".to_owned()],
            guards: Some(vec![vec![(7, "; x == x".to_owned())], Vec::new()]),
        });
        packed.reads = packed.uses.reads.clone();
        check(&packed);
    }

    #[test]
    fn anything_else_is_not() {
        for text in ["", "null", "[]", "{\"joined\": 1}", "{\"reads\": {\"own\": false}}", "{\"other\": 1}"] {
            assert_eq!(Packed::from_json(text), None, "{text}");
        }
    }
}
