//! What a package of WIT comes to, item by item, without documentation: what a component's type is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Error};
use wit_parser::{
    Function, FunctionKind, Handle, Interface, PackageId, Resolve, Type, TypeDef, TypeDefKind, TypeId, World,
    WorldItem,
};

/// Every item of a package by its name, with what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Name and version.
    pub(super) package: String,
    /// `interface kv`, `type kv.kv-error`, `func kv.get`, `world sink`.
    pub(super) items: BTreeMap<String, String>,
}

impl Shape {
    pub(super) fn of(resolve: &Resolve, package: PackageId) -> Self {
        let found = &resolve.packages[package];
        let reader = Reader { resolve };
        let mut items = BTreeMap::new();
        let mut exported = Vec::new();
        for (name, id) in &found.worlds {
            let world = &resolve.worlds[*id];
            items.insert(format!("world {name}"), reader.world(world));
            exported.extend(world.exports.values().filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(*id),
                WorldItem::Function(_) | WorldItem::Type { .. } => None,
            }));
        }
        for (name, id) in &found.interfaces {
            let role = if exported.contains(id) { "exported" } else { "imported" };
            items.insert(format!("interface {name}"), role.to_owned());
            reader.interface(name, &resolve.interfaces[*id], &mut items);
        }
        Shape { package: found.name.to_string(), items }
    }
}

/// A line for each item.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "package: {}", self.package)?;
        self.items.iter().try_for_each(|(name, shape)| writeln!(f, "{name}: {shape}"))
    }
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let package =
            lines.next().and_then(|line| line.strip_prefix("package: ")).context("it names no package")?;
        let item = |line: &str| {
            let (name, shape) = line.split_once(": ").with_context(|| format!("not an item: {line}"))?;
            Ok((name.to_owned(), shape.to_owned()))
        };
        Ok(Shape { package: package.to_owned(), items: lines.map(item).collect::<Result<_, Error>>()? })
    }
}

struct Reader<'r> {
    resolve: &'r Resolve,
}

impl Reader<'_> {
    fn world(&self, world: &World) -> String {
        let named = |verb: &str, items: &wit_parser::IndexMap<wit_parser::WorldKey, WorldItem>| {
            let name = |(key, item): (&wit_parser::WorldKey, &WorldItem)| match item {
                WorldItem::Function(function) => format!("{verb} {}", self.function(function)),
                _ => format!("{verb} {}", self.resolve.name_world_key(key)),
            };
            items.iter().map(name).collect::<Vec<_>>()
        };
        let mut items = named("import", &world.imports);
        items.extend(named("export", &world.exports));
        items.sort();
        items.join(", ")
    }

    fn interface(&self, name: &str, interface: &Interface, items: &mut BTreeMap<String, String>) {
        for (kind, id) in &interface.types {
            items.insert(format!("type {name}.{kind}"), self.definition(&self.resolve.types[*id]));
        }
        for (function, found) in &interface.functions {
            items.insert(format!("func {name}.{function}"), self.function(found));
        }
    }

    fn function(&self, function: &Function) -> String {
        let parameters = function.params.iter().map(|one| format!("{}: {}", one.name, self.type_of(&one.ty)));
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        let result = function.result.as_ref().map(|kind| format!(" -> {}", self.type_of(kind)));
        let is_async = matches!(
            function.kind,
            FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) | FunctionKind::AsyncStatic(_)
        );
        format!("{}func({parameters}){}", if is_async { "async " } else { "" }, result.unwrap_or_default())
    }

    /// A type that has a name is called by it, and by where it was defined first.
    fn type_of(&self, kind: &Type) -> String {
        match kind {
            Type::Id(id) => self.reference(*id),
            plain => format!("{plain:?}").to_lowercase(),
        }
    }

    fn reference(&self, id: TypeId) -> String {
        let found = &self.resolve.types[id];
        match (&found.name, &found.kind) {
            (_, TypeDefKind::Type(Type::Id(origin))) => self.reference(*origin),
            (Some(name), _) => match found.owner {
                wit_parser::TypeOwner::Interface(owner) => {
                    let interface = &self.resolve.interfaces[owner];
                    format!("{}.{name}", interface.name.as_deref().unwrap_or_default())
                }
                wit_parser::TypeOwner::World(_) | wit_parser::TypeOwner::None => name.clone(),
            },
            (None, _) => self.definition(found),
        }
    }

    fn definition(&self, found: &TypeDef) -> String {
        let optional = |kind: &Option<Type>| kind.as_ref().map_or("_".to_owned(), |kind| self.type_of(kind));
        let case = |name: &str, kind: &Option<Type>| match kind {
            Some(kind) => format!("{name}({})", self.type_of(kind)),
            None => name.to_owned(),
        };
        match &found.kind {
            TypeDefKind::Record(record) => {
                let fields =
                    record.fields.iter().map(|field| format!("{}: {}", field.name, self.type_of(&field.ty)));
                format!("record {{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().map(|one| case(&one.name, &one.ty));
                format!("variant {{ {} }}", cases.collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Enum(cases) => {
                let cases: Vec<&str> = cases.cases.iter().map(|case| case.name.as_str()).collect();
                format!("enum {{ {} }}", cases.join(", "))
            }
            TypeDefKind::Flags(flags) => {
                let flags: Vec<&str> = flags.flags.iter().map(|flag| flag.name.as_str()).collect();
                format!("flags {{ {} }}", flags.join(", "))
            }
            TypeDefKind::Tuple(tuple) => {
                format!(
                    "tuple<{}>",
                    tuple.types.iter().map(|kind| self.type_of(kind)).collect::<Vec<_>>().join(", ")
                )
            }
            TypeDefKind::Result(result) => {
                format!("result<{}, {}>", optional(&result.ok), optional(&result.err))
            }
            TypeDefKind::Option(kind) => format!("option<{}>", self.type_of(kind)),
            TypeDefKind::List(kind) => format!("list<{}>", self.type_of(kind)),
            TypeDefKind::FixedLengthList(kind, length) => format!("list<{}, {length}>", self.type_of(kind)),
            TypeDefKind::Map(key, value) => format!("map<{}, {}>", self.type_of(key), self.type_of(value)),
            TypeDefKind::Future(kind) => format!("future<{}>", optional(kind)),
            TypeDefKind::Stream(kind) => format!("stream<{}>", optional(kind)),
            TypeDefKind::Handle(Handle::Own(id)) => self.reference(*id),
            TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", self.reference(*id)),
            TypeDefKind::Type(kind) => self.type_of(kind),
            TypeDefKind::Resource => "resource".to_owned(),
            TypeDefKind::Unknown => "unknown".to_owned(),
        }
    }
}
