//! What an expression sees: `event`, `headers`, `query` and `body`. Each is made when the expression names it, and holds
//! references only.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Iterable, Iterator as Items, Sizer};
use cel::common::types::{CelInt, CelString, MAP_TYPE, Type as CelType};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use crate::event::{Event, NotJson};

use super::super::subject;
use super::functions::Pattern;
use super::node::{self, Items as Listed, absent, key};
use super::steps::Steps;
use super::types::Type;

pub(super) const EVENT: &str = "event";
pub(super) const HEADERS: &str = "headers";
pub(super) const QUERY: &str = "query";
pub(super) const BODY: &str = "body";

/// What an operator may name.
pub(super) const ROOTS: [&str; 4] = [EVENT, HEADERS, QUERY, BODY];

/// What [`EACH`](super::functions::EACH) takes its steps from; no operator can write such a name.
pub(super) const STEPS: &str = "@steps";

const PATTERN: &str = "@pattern";

/// The name of a compiled regular expression.
pub(super) fn pattern_name(number: usize) -> String {
    format!("{PATTERN}{number}")
}

/// Members of `event`, named like the plugins' functions and the configuration's keys.
pub(super) static MEMBERS: [(&str, Type); 7] = [
    ("id", Type::Text),
    ("source", Type::Text),
    ("kind", Type::Text),
    ("delivery_id", Type::Text),
    ("received_at", Type::Int),
    ("method", Type::Text),
    ("path", Type::Text),
];

/// One evaluation's variables.
pub(super) struct Variables<'e> {
    event: &'e Event,
    patterns: &'e [Pattern],
    pub(super) steps: Steps,
    /// Whether the body was asked for and has no JSON view.
    not_json: AtomicBool,
}

impl<'e> Variables<'e> {
    pub(super) fn new(event: &'e Event, patterns: &'e [Pattern]) -> Self {
        Variables { event, patterns, steps: Steps::new(), not_json: AtomicBool::new(false) }
    }

    /// Why the body could not be looked at, if the expression wanted to.
    pub(super) fn not_json(&self) -> Option<&'e NotJson> {
        if self.not_json.load(Ordering::Relaxed) { self.event.body.json().err() } else { None }
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let texts =
            |of| CowVal::owned(Texts { of, event: self.event, steps: &self.steps, names: OnceLock::new() });
        match variable {
            BODY => match self.event.body.json() {
                Ok(document) => node::value(document, document.root(), &self.steps).ok().map(CowVal::Owned),
                Err(_) => {
                    self.not_json.store(true, Ordering::Relaxed);
                    None
                }
            },
            EVENT => Some(CowVal::owned(EventMembers(self.event))),
            HEADERS => Some(texts(Of::Headers)),
            QUERY => Some(texts(Of::Query)),
            STEPS => Some(CowVal::Borrowed(&self.steps)),
            name => {
                let number: usize = name.strip_prefix(PATTERN)?.parse().ok()?;
                self.patterns.get(number).map(|pattern| CowVal::Borrowed(pattern as &dyn Val))
            }
        }
    }
}

#[derive(Clone, Debug)]
struct EventMembers<'e>(&'e Event);

impl Indexer for EventMembers<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let event = self.0;
        let name = key(index)?;
        let text = match name {
            "id" => return Ok(CowVal::owned(CelString::from(event.id.to_string()))),
            "received_at" => return Ok(CowVal::owned(CelInt::from(event.received_at))),
            "source" => Some(&*event.source),
            "kind" => Some(&*event.kind),
            "delivery_id" => event.delivery_id.as_deref(),
            "method" => Some(&*event.method),
            "path" => Some(&*event.path),
            _ => None,
        };
        text.map(|text| CowVal::owned(CelString::from(text))).ok_or_else(|| absent(name))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

impl Val for EventMembers<'_> {
    fn get_type(&self) -> &CelType {
        &MAP_TYPE
    }

    fn cel_type() -> &'static CelType {
        static TYPE: CelType = MAP_TYPE;
        &TYPE
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Headers,
    Query,
}

/// Headers or query parameters: the first value of each.
struct Texts<'e> {
    of: Of,
    event: &'e Event,
    steps: &'e Steps,
    names: OnceLock<Vec<Box<dyn Val + 'e>>>,
}

impl<'e> Texts<'e> {
    fn find(&self, name: &str) -> Option<CelString<'e>> {
        match self.of {
            Of::Headers => self.event.headers.text(name).map(CelString::from),
            Of::Query => subject::query(&self.event.query, name).map(CelString::from),
        }
    }

    fn names(&self) -> &[Box<dyn Val + 'e>] {
        self.names.get_or_init(|| {
            let mut names: Vec<String> = match self.of {
                Of::Headers => self.event.headers.iter().map(|(name, _)| name.to_owned()).collect(),
                Of::Query => subject::query_names(&self.event.query),
            };
            names.sort_unstable();
            names.dedup();
            names.into_iter().map(|name| Box::new(CelString::from(name)) as Box<dyn Val>).collect()
        })
    }
}

/// For an operator who looks at what was found: names only, since some values are credentials.
impl std::fmt::Debug for Texts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.names().iter().filter_map(|name| name.downcast_ref::<CelString<'_>>());
        f.debug_list().entries(names.map(CelString::inner)).finish()
    }
}

impl Indexer for Texts<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = key(index)?;
        self.find(name).map(CowVal::owned).ok_or_else(|| absent(name))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

impl Container for Texts<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        key(value).map(|name| self.find(name).is_some())
    }
}

impl Sizer for Texts<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.names().len()).unwrap_or(i64::MAX))
    }
}

impl Iterable for Texts<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Items<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        let paid = self.steps.take(self.names().len());
        Box::new(Listed::of(if paid.is_ok() { self.names() } else { &[] }))
    }
}

impl Val for Texts<'_> {
    fn get_type(&self) -> &CelType {
        &MAP_TYPE
    }

    fn cel_type() -> &'static CelType {
        static TYPE: CelType = MAP_TYPE;
        &TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Texts { of: self.of, event: self.event, steps: self.steps, names: OnceLock::new() })
    }
}
