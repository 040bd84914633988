//! What a file is and what it needs, read from its bytes before anything is compiled.

use wasmparser::{Encoding, Parser, Payload};

use super::packages::Packages;
use super::{LoadError, effort};

/// Memory of a small guest that stays resident between calls. Covers the whole of it: measured, keeping everything
/// resident gives 14 times the calls per second of the default, and 1.9 times the calls on two threads where the
/// default gives 0.54 times.
pub(super) const SMALL_RESIDENT: usize = 256 * 1024;

/// Which pool a component fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// All of its memory stays resident between calls.
    Small,
    /// A language runtime.
    Large,
}

impl Size {
    pub(super) fn memories(self) -> u32 {
        match self {
            Size::Small => 1,
            Size::Large => 8,
        }
    }

    pub(super) fn tables(self) -> u32 {
        match self {
            Size::Small => 4,
            Size::Large => 64,
        }
    }

    pub(super) fn core_instances(self) -> u32 {
        match self {
            Size::Small => 8,
            Size::Large => 128,
        }
    }

    /// Slots kept for the guests that were in them last. A small guest takes whatever slot another has left, so that all of
    /// them share the same cached lines: measured, each of ten different guests in a chain cost a fifth more with a
    /// slot of its own. That takes memories that are filled, not mapped, since mapping costs more than all the rest.
    pub(super) fn warm_slots(self) -> u32 {
        match self {
            Size::Small => 0,
            Size::Large => 100,
        }
    }

    pub(super) fn table_elements(self) -> usize {
        match self {
            Size::Small => 1_000,
            Size::Large => 100_000,
        }
    }

    pub(super) fn instance_bytes(self) -> usize {
        match self {
            Size::Small => 256 * 1024,
            Size::Large => 8 * 1024 * 1024,
        }
    }
}

/// What a component declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    memories: u32,
    initial_memory: u64,
    tables: u32,
    table_elements: u64,
    core_instances: u32,
}

impl Shape {
    /// The smallest pool it fits.
    pub(super) fn size(&self) -> Size {
        let small = Size::Small;
        let fits = self.memories <= small.memories()
            && self.initial_memory <= SMALL_RESIDENT as u64
            && self.tables <= small.tables()
            && self.table_elements <= small.table_elements() as u64
            && self.core_instances <= small.core_instances();
        if fits { Size::Small } else { Size::Large }
    }

    /// Whether all of it stays ready between calls.
    pub(super) fn is_small(&self) -> bool {
        self.size() == Size::Small
    }

    /// Bytes of memory that an instance starts with.
    pub(super) fn initial_memory(&self) -> u64 {
        self.initial_memory
    }
}

/// The component in a file: the file itself, or what is made of a core module that says which component it is.
pub(super) fn component(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let encoding = match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding, .. })) => encoding,
        Some(Err(_)) if !bytes.is_empty() && !bytes.starts_with(b"\0asm") => {
            return Err(LoadError::NotAComponent("it does not begin as WebAssembly does".to_owned()));
        }
        Some(Err(error)) => return Err(LoadError::NotAComponent(error.message().to_owned())),
        _ => return Err(LoadError::NotAComponent("the file is empty".to_owned())),
    };
    match encoding {
        Encoding::Component => Ok(bytes.to_vec()),
        Encoding::Module => encode(bytes),
    }
}

/// Bytes that say which component a core module is; those of the largest worlds are some ten thousand.
const MAX_DECLARATION: usize = 1024 * 1024;

fn encode(module: &[u8]) -> Result<Vec<u8>, LoadError> {
    let (mut is_declared, mut packages) = (false, Packages::default());
    for payload in Parser::new(0).parse_all(module) {
        let Ok(Payload::CustomSection(section)) = payload else { continue };
        if !section.name().starts_with("component-type") {
            continue;
        }
        is_declared = true;
        if section.data().len() > MAX_DECLARATION {
            return Err(LoadError::NotAComponent(
                "its component-type section has more than 1 MiB".to_owned(),
            ));
        }
        // It is a component of types itself, which is read whole.
        if section.data().starts_with(b"\0asm") {
            effort::check(section.data())?;
        }
        packages.add(section.data())?;
    }
    packages.check()?;
    if !is_declared {
        return Err(LoadError::NotAComponent(
            "it is a core module without a component-type section; build it with a Hookyard SDK or with wit-bindgen"
                .to_owned(),
        ));
    }
    let encoded = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| LoadError::NotAComponent(format!("{error:#}")))
}

/// Reads what a component declares. The component is not validated; compiling does that.
pub(super) fn shape(component: &[u8]) -> Result<Shape, LoadError> {
    let mut shape = Shape::default();
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| LoadError::Invalid(error.to_string()))? {
            Payload::MemorySection(section) => {
                for memory in section.into_iter().flatten() {
                    let page = 1_u64 << memory.page_size_log2.unwrap_or(16).min(16);
                    shape.memories = shape.memories.saturating_add(1);
                    shape.initial_memory = shape.initial_memory.max(memory.initial.saturating_mul(page));
                }
            }
            Payload::TableSection(section) => {
                for table in section.into_iter().flatten() {
                    shape.tables = shape.tables.saturating_add(1);
                    shape.table_elements = shape.table_elements.max(table.ty.initial);
                }
            }
            Payload::InstanceSection(section) => {
                shape.core_instances = shape.core_instances.saturating_add(section.count());
            }
            _ => {}
        }
    }
    Ok(shape)
}
