//! What a place that is given away, or asked for, adds to what a text reads.

use super::{Analysis, Naming, Place, Places, RegoError, Span, Step, WHOLE_ENTRIES, keys, keys_of};

impl Analysis<'_> {
    pub(super) fn refuse(&mut self, span: &Span, message: String, nearest: Option<String>) {
        let error = RegoError::at(span, message);
        self.errors.push(match nearest {
            Some(nearest) => error.with_help(format!("did you mean `{nearest}`?")),
            None => error,
        });
    }

    /// What cannot be followed is read.
    pub(super) fn whole(&mut self, place: &Place) -> Places {
        self.consume(place);
        Places::new()
    }

    pub(super) fn consume_all(&mut self, places: &Places) {
        for place in places {
            self.consume(place);
        }
    }

    /// Where a reference stands is told by the document that names.
    pub(super) fn read_place(&mut self, naming: &Naming) {
        self.uses.places = true;
        let reads = &mut self.uses.reads;
        match naming {
            Naming::Own(field) => reads.own.insert(&keys_of(field)),
            Naming::Other(field) => reads.others.entry("*".to_owned()).or_default().insert(&keys_of(field)),
            Naming::Referrer(kind) => {
                let reads = reads.others.entry(kind.clone()).or_default();
                match (self.surroundings.reference_fields)(kind) {
                    Some(fields) => fields.iter().for_each(|field| reads.insert(&keys_of(field))),
                    None => reads.insert(&[]),
                }
            }
        }
    }

    pub(super) fn consume(&mut self, place: &Place) {
        let reads = &mut self.uses.reads;
        match place {
            Place::Input(path) => reads.own.insert(&keys(path)),
            Place::Document(kinds, path) => {
                for kind in kinds {
                    reads.others.entry(kind.clone()).or_default().insert(&keys(path));
                }
            }
            Place::Kind(kind) => reads.others.entry(kind.clone()).or_default().insert(&[]),
            Place::ReferrerList(kind) => {
                self.uses.entries = WHOLE_ENTRIES;
                self.read_place(&Naming::Referrer(kind.clone()));
            }
            Place::ReferenceList(kinds, naming)
            | Place::Entry(kinds, naming)
            | Place::Held(kinds, naming) => {
                self.uses.entries = WHOLE_ENTRIES;
                for kind in kinds {
                    reads.others.entry(kind.clone()).or_default().insert(&[]);
                }
                self.read_place(naming);
            }
            Place::Data(_) => {
                self.uses.estate.insert(None);
                self.uses.references.insert(None);
                self.uses.referrers.insert(None);
                self.uses.entries = WHOLE_ENTRIES;
                self.uses.clock = true;
                self.uses.identity = true;
                self.uses.library_values = true;
                reads.others.entry("*".to_owned()).or_default().insert(&[]);
                self.read_place(&Naming::Own("*".to_owned()));
            }
            Place::Estate => {
                self.uses.estate.insert(None);
                reads.others.entry("*".to_owned()).or_default().insert(&[]);
            }
            Place::References(is_own) => {
                reads.others.entry("*".to_owned()).or_default().insert(&[]);
                self.uses.places = true;
                self.uses.entries = WHOLE_ENTRIES;
                if *is_own {
                    self.uses.references.insert(None);
                    self.read_place(&Naming::Own("*".to_owned()));
                } else {
                    self.uses.walked.insert(None);
                }
            }
            Place::Referrers => {
                self.uses.referrers.insert(None);
                self.uses.entries = WHOLE_ENTRIES;
                self.uses.places = true;
                reads.others.entry("*".to_owned()).or_default().insert(&[]);
            }
            // A change has both documents whole.
            Place::Version(_) | Place::Params | Place::Commits | Place::Field | Place::Text(_) => {}
        }
    }

    /// That a place is asked for, and whether it can be there.
    pub(super) fn note(&mut self, places: &Places, span: &Span) {
        for place in places {
            let (kinds, path) = match place {
                Place::Input(path) => {
                    self.plain.get_or_insert_with(|| span.clone());
                    self.uses.reads.own.touch(&keys(path));
                    (None, path)
                }
                Place::Version(path) => (None, path),
                Place::Document(kinds, path) => {
                    for kind in kinds {
                        self.uses.reads.others.entry(kind.clone()).or_default().touch(&keys(path));
                    }
                    (Some(kinds.as_slice()), path)
                }
                _ => continue,
            };
            // What is looked up by a key that is not known may be any of several: all of it is read.
            if path.contains(&Step::Any) {
                self.consume(place);
            }
            // What lies in a field that does not exist is not told again.
            let parent = path.split_last().map_or(&[][..], |(_, parent)| parent);
            if self.is_last
                && let Some((field, nearest)) = (self.surroundings.unknown_field)(kinds, path)
                && (self.surroundings.unknown_field)(kinds, parent).is_none()
            {
                let message = match kinds {
                    Some([kind]) => format!("{kind} never has the field {field}"),
                    Some(kinds) => format!("none of {} has the field {field}", kinds.join(", ")),
                    None => format!("no matched kind has the field {field}"),
                };
                self.refuse(span, message, nearest);
            }
        }
    }
}
