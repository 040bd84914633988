//! A node of a JSON body as a value. A container stays where it is and is looked into when the expression does.

use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Iterable, Iterator as IteratorOfValues, Sizer};
use cel::common::types::Kind as TypeKind;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelNull, CelString, CelUInt, LIST_TYPE, MAP_TYPE, Type,
};
use cel::common::value::{CowVal, Val};

use crate::event::{Document, Kind, Node};

use super::steps::Steps;

/// Bytes of a container that are shown to an operator.
const SHOWN: usize = 200;

/// A node's value. An integer as written is an integer, every other number a double.
pub(super) fn value<'e>(
    document: &'e Document,
    node: &'e Node,
    steps: &'e Steps,
) -> Result<Box<dyn Val + 'e>, ExecutionError> {
    Ok(match document.kind(node) {
        Kind::Null => Box::new(CelNull),
        Kind::Boolean => Box::new(CelBool::from(document.boolean(node).unwrap_or_default())),
        Kind::Number => number(document, node),
        Kind::Text => {
            let written = document.text(node);
            steps.take_text(written.len())?;
            // A text with half a surrogate has no value; it is taken as it is written.
            Box::new(document.string(node).map_or_else(|| CelString::from(written), CelString::from))
        }
        Kind::Array | Kind::Object => Box::new(Opened { document, node, steps, items: OnceLock::new() }),
    })
}

fn number<'e>(document: &Document, node: &Node) -> Box<dyn Val + 'e> {
    if let Some(integer) = document.integer(node) {
        return Box::new(CelInt::from(integer));
    }
    match document.text(node).parse::<u64>() {
        Ok(large) => Box::new(CelUInt::from(large)),
        Err(_) => Box::new(CelDouble::from(document.number(node).unwrap_or(f64::NAN))),
    }
}

/// Why there is nothing of that name.
pub(super) fn absent(name: &str) -> ExecutionError {
    ExecutionError::no_such_key(name)
}

/// A name by which a map is asked.
pub(super) fn key(index: &dyn Val) -> Result<&str, ExecutionError> {
    index.downcast_ref::<CelString<'_>>().map(CelString::inner).ok_or_else(|| {
        ExecutionError::UnexpectedType { got: index.get_type().name().to_owned(), want: "string".to_owned() }
    })
}

/// An array or an object.
struct Opened<'e> {
    document: &'e Document,
    node: &'e Node,
    steps: &'e Steps,
    /// What a loop goes through: items, or the keys of an object.
    items: OnceLock<Vec<Box<dyn Val + 'e>>>,
}

impl<'e> Opened<'e> {
    fn is_list(&self) -> bool {
        self.document.kind(self.node) == Kind::Array
    }

    fn len(&self) -> usize {
        self.document.len(self.node).unwrap_or_default()
    }

    fn of(&self, node: &'e Node) -> Result<Box<dyn Val + 'e>, ExecutionError> {
        value(self.document, node, self.steps)
    }

    fn member(&self, name: &str) -> Result<Option<&'e Node>, ExecutionError> {
        self.steps.take_members(self.len())?;
        Ok(self.document.member(self.node, name))
    }

    fn find(&self, index: &dyn Val) -> Result<Box<dyn Val + 'e>, ExecutionError> {
        if !self.is_list() {
            let name = key(index)?;
            return self.of(self.member(name)?.ok_or_else(|| absent(name))?);
        }
        let wanted = position(index)?;
        let node = usize::try_from(wanted).ok().and_then(|at| self.document.items(self.node)?.get(at));
        self.of(node.ok_or_else(|| ExecutionError::IndexOutOfBounds(wanted.into()))?)
    }

    /// Paid for each time. Nothing where there are no steps left; the evaluation has failed then, whatever comes of it.
    fn items(&self) -> &[Box<dyn Val + 'e>] {
        if self.steps.take(self.len()).is_err() {
            return &[];
        }
        self.items.get_or_init(|| {
            if self.is_list() {
                return self
                    .document
                    .items(self.node)
                    .unwrap_or_default()
                    .iter()
                    .map_while(|item| self.of(item).ok())
                    .collect();
            }
            let keys = self.document.member_names(self.node);
            keys.map(|key| Box::new(CelString::from(key)) as Box<dyn Val + 'e>).collect()
        })
    }

    fn equals_list(&self, other: &dyn Val) -> bool {
        let Some(others) = other.as_iterable() else { return false };
        let mut others = others.iter();
        self.items().iter().all(|item| others.next().is_some_and(|other| item.equals(other)))
            && others.next().is_none()
    }

    fn equals_map(&self, other: &dyn Val) -> bool {
        let (Some(others), Some(sizer)) = (other.as_indexer(), other.as_sizer()) else { return false };
        let same = |key: &dyn Val| {
            let (own, other) = (self.find(key), others.get(key));
            own.is_ok_and(|own| other.is_ok_and(|other| own.equals(&*other)))
        };
        i64::try_from(self.len()) == Ok(sizer.size().into()) && self.items().iter().all(|key| same(&**key))
    }
}

fn position(index: &dyn Val) -> Result<i64, ExecutionError> {
    let int = index.downcast_ref::<CelInt>().map(|int| *int.inner());
    let uint = || index.downcast_ref::<CelUInt>().and_then(|uint| i64::try_from(*uint.inner()).ok());
    let whole = |double: &CelDouble| Some(*double.inner()).filter(|double| double.fract() == 0.0);
    let double = || index.downcast_ref::<CelDouble>().and_then(whole).map(|double| double as i64);
    int.or_else(uint).or_else(double).ok_or_else(|| ExecutionError::UnexpectedType {
        got: index.get_type().name().to_owned(),
        want: "int".to_owned(),
    })
}

/// Its beginning as it was received, for an operator who looks at what was found.
impl std::fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.document.text(self.node);
        let end = (0..=SHOWN.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        f.write_str(&text[..end])
    }
}

impl Indexer for Opened<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.find(index).map(CowVal::Owned)
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

impl Container for Opened<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        if self.is_list() {
            return Ok(self.items().iter().any(|item| item.equals(value)));
        }
        Ok(self.member(key(value)?)?.is_some())
    }
}

impl Sizer for Opened<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.len()).unwrap_or(i64::MAX))
    }
}

impl Iterable for Opened<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn IteratorOfValues<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Items::of(self.items()))
    }
}

impl Val for Opened<'_> {
    fn get_type(&self) -> &Type {
        if self.is_list() { &LIST_TYPE } else { &MAP_TYPE }
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
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

    fn equals(&self, other: &dyn Val) -> bool {
        let kind = other.get_type().kind();
        self.steps.deeper(|| match self.is_list() {
            true => kind == TypeKind::List && self.equals_list(other),
            false => kind == TypeKind::Map && self.equals_map(other),
        })
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Opened {
            document: self.document,
            node: self.node,
            steps: self.steps,
            items: OnceLock::new(),
        })
    }
}

/// Values one after the other.
pub(super) struct Items<'b, 'e> {
    left: std::slice::Iter<'b, Box<dyn Val + 'e>>,
}

impl<'b, 'e> Items<'b, 'e> {
    pub(super) fn of(values: &'b [Box<dyn Val + 'e>]) -> Self {
        Items { left: values.iter() }
    }
}

impl<'b, 'v, 'e: 'v> IteratorOfValues<'b, 'v> for Items<'b, 'e> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.left.next().map(|value| &**value as &'b (dyn Val + 'v))
    }
}
