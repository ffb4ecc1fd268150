//! What a text asks of its surroundings, as JSON: the library's is worked out once and kept with the program.

use serde_json::{Map, Value as Json};

use super::uses::{Entries, Names, Uses};
use crate::schema::{PathSet, Reads};

impl Uses {
    /// As JSON; what is not asked for is left out.
    pub fn to_json(&self) -> Json {
        let Self {
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
        } = self;
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
        object.insert("own".to_owned(), of_set(&reads.own));
        let others = reads.others.iter().map(|(kind, set)| (kind.clone(), of_set(set)));
        object.insert("others".to_owned(), Json::Object(others.collect()));
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        object.extend(lists.map(|(key, names)| (key.to_owned(), of_names(names))));
        let flags = flags.into_iter().filter(|(_, flag)| **flag);
        object.extend(flags.map(|(key, _)| (key.to_owned(), Json::Bool(true))));
        Json::Object(object)
    }

    /// What [`Uses::to_json`] wrote; none if it is anything else.
    pub fn from_json(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        let names = |key: &str| object.get(key).map_or(Some(Names::default()), to_names);
        let flag = |key: &str| object.contains_key(key);
        let others = object.get("others")?.as_object()?.iter();
        let others = others.map(|(kind, set)| Some((kind.clone(), to_set(set)?))).collect::<Option<_>>()?;
        Some(Self {
            reads: Reads { own: to_set(object.get("own")?)?, others },
            estate: names("estate")?,
            references: names("references")?,
            referrers: names("referrers")?,
            walked: names("walked")?,
            entries: Entries { documents: flag("documents"), names: flag("names") },
            walks: flag("walks"),
            places: flag("places"),
            networks: names("networks")?,
            library_values: flag("libraryValues"),
            clock: flag("clock"),
            identity: flag("identity"),
            change: flag("change"),
        })
    }
}

fn of_names(names: &Names) -> Json {
    match names {
        Names::All => Json::Bool(true),
        Names::Some(names) => names.iter().cloned().collect(),
    }
}

fn to_names(json: &Json) -> Option<Names> {
    match json {
        Json::Bool(true) => Some(Names::All),
        Json::Array(names) => {
            let names = names.iter().map(|name| name.as_str().map(str::to_owned));
            Some(Names::Some(names.collect::<Option<_>>()?))
        }
        _ => None,
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

fn to_set(json: &Json) -> Option<PathSet> {
    match json {
        Json::Bool(true) => Some(PathSet::All),
        Json::Object(keys) => {
            let keys = keys.iter().map(|(key, set)| Some((key.clone(), to_set(set)?)));
            Some(PathSet::Keys(keys.collect::<Option<_>>()?))
        }
        _ => None,
    }
}
