//! What a text of Rego reads: of the document it judges, of other documents, of references; found by following
//! values through the text. Conservative: what cannot be followed is taken to be read whole.

mod consume;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, ExprRef, Literal, Query, Rule, RuleBody, RuleHead, Span};

use super::RegoError;
use super::definition::{imported, root_name, rule_name};
use super::module::{Parsed, dotted};
use super::uses::{Entries, Step, Surroundings, Uses};
use crate::schema::PathSet;

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Of the document that is judged.
    Input(Vec<Step>),
    /// Of the document before or after a change.
    Version(Vec<Step>),
    /// Of a document of one of these kinds; `*`: of any.
    Document(Vec<String>, Vec<Step>),
    /// `data`, and packages in it.
    Data(String),
    Estate,
    Kind(String),
    /// By field; whether they are those of the judged resource.
    References(bool),
    /// Of which kinds, and whose.
    ReferenceList(Vec<String>, Naming),
    Referrers,
    ReferrerList(String),
    Entry(Vec<String>, Naming),
    /// A list or a set of entries that the text makes.
    Held(Vec<String>, Naming),
    Params,
    Commits,
    /// The name of a reference field.
    Field,
    Text(String),
}

/// What names, and through which field (`*`: any).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Naming {
    /// The document that is judged.
    Own(String),
    /// Another.
    Other(String),
    /// One of a kind, through whichever field.
    Referrer(String),
}

type Places = BTreeSet<Place>;

/// Entries that are given away whole.
const WHOLE_ENTRIES: Entries = Entries { documents: true, names: true };

/// Longer ways are not followed.
const LONGEST: usize = 32;

/// More rounds than this, and everything counts as read. Each round carries what is known one call further.
const ROUNDS: usize = 64;

/// What the text of a rule and its libraries read, and what they name that is not there.
pub(super) fn analyse(modules: &[Parsed], surroundings: &Surroundings<'_>) -> (Uses, Vec<RegoError>) {
    let mut analysis = Analysis {
        modules,
        surroundings,
        packages: modules.iter().map(|parsed| parsed.package.as_str()).collect(),
        uses: Uses::default(),
        variables: BTreeMap::new(),
        results: BTreeMap::new(),
        errors: Vec::new(),
        plain: None,
        at: (0, 0),
        is_last: false,
    };
    let mut is_settled = false;
    for _ in 0..ROUNDS {
        let before = (analysis.variables.clone(), analysis.results.clone(), analysis.uses.clone());
        analysis.round();
        if before == (analysis.variables.clone(), analysis.results.clone(), analysis.uses.clone()) {
            is_settled = true;
            break;
        }
    }
    if !is_settled {
        analysis.uses.reads.own = PathSet::All;
        analysis.consume(&Place::Data(String::new()));
    }
    analysis.is_last = true;
    analysis.round();
    if let Some(span) = analysis.plain.take().filter(|_| analysis.uses.change) {
        let message = "the rule reads `input` as a document, and as a change with `before` and `after`";
        analysis.errors.push(RegoError::at(&span, message));
    }
    let mut errors = analysis.errors;
    errors.sort();
    errors.dedup();
    (analysis.uses, errors)
}

struct Analysis<'m> {
    modules: &'m [Parsed],
    surroundings: &'m Surroundings<'m>,
    packages: BTreeSet<&'m str>,
    uses: Uses,
    /// By module, rule and name. Scopes within a rule are taken as one.
    variables: BTreeMap<(usize, usize, String), Places>,
    /// What a rule or function may yield, by its full name.
    results: BTreeMap<String, Places>,
    errors: Vec<RegoError>,
    /// Where `input` is read as a document.
    plain: Option<Span>,
    at: (usize, usize),
    is_last: bool,
}

impl<'m> Analysis<'m> {
    fn round(&mut self) {
        for (module, parsed) in self.modules.iter().enumerate() {
            for (rule, node) in parsed.module.policy.iter().enumerate() {
                self.at = (module, rule);
                match node.as_ref() {
                    Rule::Spec { head, bodies, .. } => self.rule(parsed, head, bodies),
                    Rule::Default { value, .. } => self.read(value),
                }
            }
        }
    }

    fn rule(&mut self, parsed: &'m Parsed, head: &'m RuleHead, bodies: &'m [RuleBody]) {
        let mut yields = Places::new();
        let name = match head {
            RuleHead::Compr { refr, assign, .. } => {
                // `a[k] := v` is part of an object: what is put in is read.
                let is_plain = matches!(refr.as_ref(), Expr::Var { .. } | Expr::RefDot { .. });
                if !is_plain {
                    self.read_indices(refr);
                }
                for value in assign.iter().map(|assign| &assign.value) {
                    let places = self.value(value);
                    if is_plain { yields.extend(places) } else { self.consume_all(&places) }
                }
                root_name(refr)
            }
            RuleHead::Set { refr, key, .. } => {
                if let Some(key) = key {
                    yields.extend(self.held(key));
                }
                root_name(refr)
            }
            RuleHead::Func { refr, assign, .. } => {
                for value in assign.iter().map(|assign| &assign.value) {
                    yields.extend(self.value(value));
                }
                root_name(refr)
            }
        };
        for body in bodies {
            for value in body.assign.iter().map(|assign| &assign.value) {
                yields.extend(self.value(value));
            }
            self.query(&body.query);
        }
        if let Some(name) = name {
            self.results.entry(format!("{}.{name}", parsed.package)).or_default().extend(yields);
        }
    }

    fn query(&mut self, query: &'m Query) {
        for statement in &query.stmts {
            for modifier in &statement.with_mods {
                self.read(&modifier.r#as);
            }
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { key, value, collection, .. } => {
                    let elements = self.elements(collection);
                    self.bind(value, &elements);
                    if let Some(key) = key {
                        self.bind(key, &Places::new());
                    }
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.statement(expr),
                Literal::Every { key, value, domain, query, .. } => {
                    let elements = self.elements(domain);
                    self.set_variable(value.text(), &elements);
                    if let Some(key) = key {
                        self.set_variable(key.text(), &Places::new());
                    }
                    self.query(query);
                }
            }
        }
    }

    fn statement(&mut self, expr: &'m ExprRef) {
        match expr.as_ref() {
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                let places = self.value(rhs);
                let is_unification = matches!(op, regorus::unstable::AssignOp::Eq);
                if is_unification || !matches!(lhs.as_ref(), Expr::Var { .. }) {
                    self.consume_all(&places);
                }
                self.bind(lhs, &places);
                if is_unification {
                    let places = self.value(lhs);
                    self.consume_all(&places);
                    self.bind(rhs, &places);
                }
            }
            // Whether something is there was noted on the way to it; nothing in it is looked at.
            _ => {
                for place in self.value(expr) {
                    let is_noted = matches!(
                        place,
                        Place::Input(_)
                            | Place::Document(..)
                            | Place::Kind(_)
                            | Place::ReferenceList(..)
                            | Place::ReferrerList(_)
                            | Place::Entry(..)
                    );
                    if !is_noted {
                        self.consume(&place);
                    }
                }
            }
        }
    }

    /// Gives what a pattern binds; a pattern that takes a value apart reads it.
    fn bind(&mut self, pattern: &'m ExprRef, places: &Places) {
        if let Expr::Var { span, .. } = pattern.as_ref() {
            self.set_variable(span.text(), places);
        } else {
            self.consume_all(places);
            self.read(pattern);
        }
    }

    fn set_variable(&mut self, name: &str, places: &Places) {
        let key = (self.at.0, self.at.1, name.to_owned());
        self.variables.entry(key).or_default().extend(places.iter().cloned());
    }

    /// Reads an expression whole.
    fn read(&mut self, expr: &'m ExprRef) {
        let places = self.value(expr);
        self.consume_all(&places);
    }

    fn read_indices(&mut self, expr: &'m ExprRef) {
        match expr.as_ref() {
            Expr::RefBrack { refr, index, .. } => {
                self.read(index);
                self.read_indices(refr);
            }
            Expr::RefDot { refr, .. } => self.read_indices(refr),
            _ => {}
        }
    }

    /// What an expression may be; nothing is read of that yet.
    fn value(&mut self, expr: &'m ExprRef) -> Places {
        match expr.as_ref() {
            Expr::String { value, .. } | Expr::RawString { value, .. } => {
                value.as_string().map(|text| Place::Text(text.to_string())).into_iter().collect()
            }
            Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => Places::new(),
            Expr::Var { span, .. } => self.variable(span.text()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                for item in items {
                    self.read(item);
                }
                Places::new()
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.read(key);
                    self.read(value);
                }
                Places::new()
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.query(query);
                self.held(term)
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.query(query);
                self.read(key);
                self.read(value);
                Places::new()
            }
            Expr::Call { fcn, params, .. } => self.call(fcn, params),
            Expr::UnaryExpr { expr, .. } => {
                self.read(expr);
                Places::new()
            }
            Expr::RefDot { refr, field, .. } => {
                let base = self.value(refr);
                let key = field.0.text().to_owned();
                let found = base.iter().flat_map(|place| self.step(place, Some(&key), &field.0)).collect();
                self.note(&found, &field.0);
                found
            }
            Expr::RefBrack { refr, index, .. } => {
                let base = self.value(refr);
                let keys = self.value(index);
                let texts: Vec<String> = keys
                    .iter()
                    .filter_map(|key| if let Place::Text(text) = key { Some(text.clone()) } else { None })
                    .collect();
                // A key of which more than constants is known, or nothing, may be anything.
                let is_constant = !texts.is_empty() && texts.len() == keys.len();
                let mut found = Places::new();
                for place in &base {
                    if is_constant {
                        for text in &texts {
                            found.extend(self.step(place, Some(text), index.span()));
                        }
                    } else {
                        found.extend(self.step(place, None, index.span()));
                    }
                }
                self.consume_all(&keys);
                self.note(&found, index.span());
                found
            }
            Expr::BoolExpr { lhs, rhs, .. } => {
                let (one, other) = (self.value(lhs), self.value(rhs));
                self.compare_field(&one, &other, rhs.span());
                self.compare_field(&other, &one, lhs.span());
                self.consume_all(&one);
                self.consume_all(&other);
                Places::new()
            }
            // Of sets of entries, what is made of two is one as well.
            Expr::BinExpr { lhs, rhs, .. } | Expr::ArithExpr { lhs, rhs, .. } => {
                let (held, others): (Places, Places) = self
                    .value(lhs)
                    .into_iter()
                    .chain(self.value(rhs))
                    .partition(|place| matches!(place, Place::Held(..)));
                self.consume_all(&others);
                held
            }
            Expr::AssignExpr { .. } => {
                self.statement(expr);
                Places::new()
            }
            Expr::Membership { key, value, collection, .. } => {
                if let Some(key) = key {
                    self.read(key);
                }
                self.read(value);
                self.read(collection);
                Places::new()
            }
        }
    }

    /// What a collection holds of which this is an element. Two entries are one if they name the same by the same place:
    /// nothing in the documents behind them is looked at.
    fn held(&mut self, element: &'m ExprRef) -> Places {
        let mut held = Places::new();
        for place in self.value(element) {
            match place {
                Place::Entry(kinds, naming) => {
                    self.uses.entries.names = true;
                    self.read_place(&naming);
                    held.insert(Place::Held(kinds, naming));
                }
                place => self.consume(&place),
            }
        }
        held
    }

    fn variable(&mut self, name: &str) -> Places {
        let (module, rule) = self.at;
        let mut places = self.variables.get(&(module, rule, name.to_owned())).cloned().unwrap_or_default();
        match name {
            "input" => drop(places.insert(Place::Input(Vec::new()))),
            "data" => drop(places.insert(Place::Data(String::new()))),
            _ => {}
        }
        let Some(parsed) = self.modules.get(module) else { return places };
        if let Some(found) = self.results.get(&format!("{}.{name}", parsed.package)) {
            places.extend(found.iter().cloned());
        }
        if let Some(target) = imported(&parsed.module, name) {
            places.extend(self.value(target));
        }
        places
    }

    /// The elements of a collection. Of constants that stand in the text it is known what they are.
    fn elements(&mut self, collection: &'m ExprRef) -> Places {
        if let Expr::Array { items, .. } | Expr::Set { items, .. } = collection.as_ref() {
            return items.iter().flat_map(|item| self.value(item)).collect();
        }
        let places = self.value(collection);
        let found = places.iter().flat_map(|place| self.step(place, None, collection.span())).collect();
        self.note(&found, collection.span());
        found
    }

    fn call(&mut self, fcn: &'m ExprRef, params: &'m [ExprRef]) -> Places {
        let name = dotted(fcn).unwrap_or_default();
        match (name.as_str(), params) {
            ("assize.references", [id]) => {
                self.uses.walks = true;
                self.read(id);
                return [Place::References(false)].into();
            }
            ("assize.referrers", [id]) => {
                self.uses.walks = true;
                self.read(id);
                return [Place::Referrers].into();
            }
            ("assize.circle" | "assize.reached", [id, field, rest @ ..]) => {
                self.uses.walks = true;
                self.read(id);
                for steps in rest {
                    self.read(steps);
                }
                let fields = self.value(field);
                if fields.is_empty() {
                    self.uses.walked.insert(None);
                }
                self.consume_all(&fields);
                for place in &fields {
                    // It goes along the field as far as it leads.
                    self.uses.walked.insert(if let Place::Text(field) = place { Some(field) } else { None });
                    if let Place::Text(field) = place
                        && self.is_last
                        && (self.surroundings.field_kinds)(false, field).is_none()
                    {
                        self.refuse(fcn.span(), format!("no kind has the reference field {field}"), None);
                    }
                }
                return Places::new();
            }
            ("assize.networks.overlapping", [kind, field, range, same]) => {
                self.read(range);
                self.networks([kind, field, same], fcn.span());
                return Places::new();
            }
            ("time.now_ns", _) => self.uses.clock = true,
            ("count", [collection]) => {
                let places = self.value(collection);
                let is_list = |place: &&Place| {
                    matches!(
                        place,
                        Place::Kind(_) | Place::ReferenceList(..) | Place::ReferrerList(_) | Place::Held(..)
                    )
                };
                places.iter().filter(|place| !is_list(place)).for_each(|place| self.consume(place));
                return Places::new();
            }
            ("object.get", [object, key, default]) => {
                let path: Option<Vec<String>> = match key.as_ref() {
                    Expr::String { value, .. } => value.as_string().ok().map(|text| vec![text.to_string()]),
                    Expr::Array { items, .. } => items
                        .iter()
                        .map(|item| match item.as_ref() {
                            Expr::String { value, .. } => value.as_string().ok().map(ToString::to_string),
                            _ => None,
                        })
                        .collect(),
                    _ => None,
                };
                if let Some(path) = path {
                    let mut places = self.value(object);
                    for key in &path {
                        places =
                            places.iter().flat_map(|place| self.step(place, Some(key), fcn.span())).collect();
                    }
                    self.note(&places, fcn.span());
                    places.extend(self.value(default));
                    return places;
                }
            }
            _ => {}
        }
        if let Some(full) = self.definition(&name) {
            self.arguments(&full, params);
            self.results.get(&full).cloned().unwrap_or_default()
        } else {
            for param in params {
                self.read(param);
            }
            Places::new()
        }
    }

    /// The kind and the fields that an index of ranges is made of stand in the text, so that they are known.
    fn networks(&mut self, [kind, field, same]: [&'m ExprRef; 3], span: &Span) {
        let text = |expr: &ExprRef| match expr.as_ref() {
            Expr::String { value, .. } | Expr::RawString { value, .. } => {
                value.as_string().ok().map(ToString::to_string)
            }
            _ => None,
        };
        let mut fields: Vec<(Option<String>, &Span)> = vec![(text(field), field.span())];
        let mut is_object = false;
        if let Expr::Object { fields: same, .. } = same.as_ref() {
            is_object = true;
            for (_, key, value) in same {
                self.read(value);
                fields.push((text(key), key.span()));
            }
        }
        let Some(kind) = text(kind).filter(|_| is_object && fields.iter().all(|(field, _)| field.is_some()))
        else {
            // Refused, and what it would read is not known.
            self.consume(&Place::Estate);
            let message = "the kind and the fields of `assize.networks.overlapping` should stand in the text";
            self.errors.push(RegoError::at(span, message));
            return;
        };
        let is_unknown = self.is_last.then(|| (self.surroundings.unknown_kind)(&kind)).flatten();
        if let Some(nearest) = is_unknown {
            self.refuse(span, format!("no schema describes the kind {kind}"), nearest);
        }
        self.uses.networks.insert(Some(kind.as_str()).filter(|kind| *kind != "*"));
        for (field, span) in fields {
            let field = field.unwrap_or_default();
            self.uses.reads.others.entry(kind.clone()).or_default().insert(&keys_of(&field));
            let steps: Vec<Step> = field
                .split('.')
                .flat_map(|part| {
                    let key = part.trim_end_matches("[]");
                    let lists = (part.len() - key.len()) / 2;
                    std::iter::once(Step::Key(key.to_owned())).chain((0..lists).map(|_| Step::Any))
                })
                .collect();
            let kinds = std::slice::from_ref(&kind);
            if self.is_last
                && let Some((field, nearest)) = (self.surroundings.unknown_field)(Some(kinds), &steps)
            {
                self.refuse(span, format!("{kind} never has the field {field}"), nearest);
            }
        }
    }

    /// The full name of a function of these texts.
    fn definition(&self, name: &str) -> Option<String> {
        let parsed = self.modules.get(self.at.0)?;
        let own = format!("{}.{name}", parsed.package);
        if self.is_defined(&own) {
            return Some(own);
        }
        if let Some(full) = name.strip_prefix("data.").filter(|full| self.is_defined(full)) {
            return Some(full.to_owned());
        }
        let (alias, rest) = name.split_once('.')?;
        let target = imported(&parsed.module, alias).and_then(dotted)?;
        let full = format!("{}.{rest}", target.strip_prefix("data.")?);
        self.is_defined(&full).then_some(full)
    }

    fn is_defined(&self, full: &str) -> bool {
        self.modules.iter().any(|parsed| {
            full.strip_prefix(parsed.package.as_str()).and_then(|rest| rest.strip_prefix('.')).is_some_and(
                |name| parsed.module.policy.iter().any(|rule| rule_name(rule).as_deref() == Some(name)),
            )
        })
    }

    /// Hands the arguments of a call to every definition of the function.
    fn arguments(&mut self, full: &str, params: &'m [ExprRef]) {
        let given: Vec<Places> = params.iter().map(|param| self.value(param)).collect();
        let caller = self.at;
        for (module, parsed) in self.modules.iter().enumerate() {
            let Some(name) =
                full.strip_prefix(parsed.package.as_str()).and_then(|rest| rest.strip_prefix('.'))
            else {
                continue;
            };
            for (rule, node) in parsed.module.policy.iter().enumerate() {
                let Rule::Spec { head: RuleHead::Func { args, .. }, .. } = node.as_ref() else { continue };
                if rule_name(node).as_deref() != Some(name) {
                    continue;
                }
                self.at = (module, rule);
                for (pattern, places) in args.iter().zip(&given) {
                    self.bind(pattern, places);
                }
            }
        }
        self.at = caller;
    }

    /// One step into a place; `key` is none for an element, or a key that is not known.
    fn step(&mut self, place: &Place, key: Option<&str>, span: &Span) -> Places {
        let one = |place: Place| Places::from([place]);
        match (place, key) {
            (Place::Input(path), Some("before" | "after")) if path.is_empty() => {
                self.uses.change = true;
                one(Place::Version(Vec::new()))
            }
            (Place::Input(path), Some("commits")) if path.is_empty() => {
                self.uses.change = true;
                one(Place::Commits)
            }
            (Place::Version(path), key) => match longer(path, key) {
                Some(path) => one(Place::Version(path)),
                None => self.whole(place),
            },
            (Place::Input(path), key) => match longer(path, key) {
                Some(path) => one(Place::Input(path)),
                None => self.whole(place),
            },
            (Place::Document(kinds, path), key) => match longer(path, key) {
                Some(path) => one(Place::Document(kinds.clone(), path)),
                None => self.whole(place),
            },
            (Place::Data(package), Some(key)) => self.data(package, key, span),
            (Place::Estate, key) => {
                if let Some(kind) = key.filter(|_| self.is_last)
                    && let Some(nearest) = (self.surroundings.unknown_kind)(kind)
                {
                    self.refuse(span, format!("no schema describes the kind {kind}"), nearest);
                }
                self.uses.estate.insert(key);
                let kind = key.unwrap_or("*").to_owned();
                self.uses.reads.others.entry(kind.clone()).or_default();
                one(Place::Kind(kind))
            }
            (Place::Kind(kind), _) => one(Place::Document(vec![kind.clone()], Vec::new())),
            (Place::References(is_own), key) => {
                let kinds = match key {
                    Some(field) => {
                        let kinds = (self.surroundings.field_kinds)(*is_own, field);
                        if kinds.is_none() && self.is_last {
                            self.refuse(
                                span,
                                format!("no matched kind has the reference field {field}"),
                                None,
                            );
                        }
                        kinds.unwrap_or_default()
                    }
                    None => vec!["*".to_owned()],
                };
                if *is_own {
                    self.uses.references.insert(key);
                } else {
                    self.uses.walked.insert(key);
                }
                let field = key.unwrap_or("*").to_owned();
                let naming = if *is_own { Naming::Own(field) } else { Naming::Other(field) };
                one(Place::ReferenceList(kinds, naming))
            }
            (Place::ReferenceList(kinds, naming) | Place::Held(kinds, naming), _) => {
                one(Place::Entry(kinds.clone(), naming.clone()))
            }
            (Place::Referrers, key) => {
                if let Some(kind) = key.filter(|_| self.is_last)
                    && let Some(nearest) = (self.surroundings.unknown_kind)(kind)
                {
                    self.refuse(span, format!("no schema describes the kind {kind}"), nearest);
                }
                self.uses.referrers.insert(key);
                one(Place::ReferrerList(key.unwrap_or("*").to_owned()))
            }
            (Place::ReferrerList(kind), _) => {
                one(Place::Entry(vec![kind.clone()], Naming::Referrer(kind.clone())))
            }
            (Place::Entry(kinds, _), Some("document")) => {
                self.uses.entries.documents = true;
                one(Place::Document(kinds.clone(), Vec::new()))
            }
            (Place::Entry(..), Some("field")) => one(Place::Field),
            (Place::Entry(..), Some("id")) => Places::new(),
            (Place::Entry(..), Some("kind" | "namespace" | "name")) => {
                self.uses.entries.names = true;
                Places::new()
            }
            (Place::Entry(_, naming), Some("path")) => {
                self.read_place(naming);
                Places::new()
            }
            (Place::Entry(..), Some(key)) => {
                if self.is_last {
                    let message = format!("`{key}` is no part of a reference");
                    let help = "it has `id`, `kind`, `namespace`, `name`, `field`, `path` and `document`";
                    self.errors.push(RegoError::at(span, message).with_help(help));
                }
                Places::new()
            }
            (Place::Data(_) | Place::Entry(..), None) => self.whole(place),
            (Place::Params, Some(name)) => {
                if self.is_last
                    && let Some(nearest) = (self.surroundings.unknown_parameter)(name)
                {
                    self.refuse(span, format!("the rule has no parameter {name}"), nearest);
                }
                Places::new()
            }
            (Place::Params | Place::Commits | Place::Field | Place::Text(_), _) => Places::new(),
        }
    }

    /// Whether the name of a reference field is compared with one that no kind has: it would never be equal.
    fn compare_field(&mut self, fields: &Places, with: &Places, span: &Span) {
        if !self.is_last || !fields.contains(&Place::Field) {
            return;
        }
        for place in with {
            if let Place::Text(field) = place
                && (self.surroundings.field_kinds)(false, field).is_none()
            {
                self.refuse(span, format!("no kind has the reference field {field}"), None);
            }
        }
    }

    fn data(&mut self, package: &str, key: &str, span: &Span) -> Places {
        let path = if package.is_empty() { key.to_owned() } else { format!("{package}.{key}") };
        let found = match path.as_str() {
            "estate" | "base.estate" => Place::Estate,
            "base" => {
                self.uses.change = true;
                Place::Data("base".to_owned())
            }
            "references" => Place::References(true),
            "referrers" => Place::Referrers,
            "params" => Place::Params,
            "self" => {
                self.uses.identity = true;
                return Places::new();
            }
            "asOf" => {
                self.uses.clock = true;
                return Places::new();
            }
            path if self.packages.iter().any(|known| *known == path || is_below(known, path)) => {
                Place::Data(path.to_owned())
            }
            path => {
                if let Some(found) = self.results.get(path) {
                    self.uses.library_values = true;
                    return found.clone();
                }
                if !self.is_defined(path) && self.is_last {
                    let message = format!("nothing is called data.{path}");
                    let help = "there are data.estate, data.references, data.referrers, data.params, data.asOf, \
                                data.self, and the packages of libraries";
                    self.errors.push(RegoError::at(span, message).with_help(help));
                }
                return Places::new();
            }
        };
        Places::from([found])
    }
}

fn is_below(package: &str, path: &str) -> bool {
    package.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
}

fn longer(path: &[Step], key: Option<&str>) -> Option<Vec<Step>> {
    let step = key.map_or(Step::Any, |key| Step::Key(key.to_owned()));
    (path.len() < LONGEST).then(|| path.iter().cloned().chain([step]).collect())
}

/// The keys to a field as kinds write it, or to the first list on the way; none for `*`.
fn keys_of(field: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for part in field.split('.').take_while(|part| *part != "*") {
        keys.push(part.trim_end_matches("[]").to_owned());
        if part.ends_with("[]") {
            break;
        }
    }
    keys
}

/// The keys before the first step that is not known.
fn keys(path: &[Step]) -> Vec<String> {
    path.iter().map_while(|step| if let Step::Key(key) = step { Some(key.clone()) } else { None }).collect()
}
