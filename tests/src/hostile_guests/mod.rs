//! Plugins that mean harm, made on the spot: a file for each family. Each has a name, a sentence and what has to become
//! of it, so that the list is the specification, and `docs/hostile-plugins.md` is made of it.
//!
//! They are written as text, core modules mostly, which the loader makes components of as it does with what compilers
//! leave.

mod abi;
mod allocator;
mod bombs;
mod calls;
mod contract;
mod files;
mod handles;
mod headers;
mod loops;
mod memory;
mod output;
mod page;
mod powers;
mod proposals;
mod start;
mod traps;
mod wasi;
mod wat;

use std::path::Path;
use std::time::Duration;

use hookyard::plugin::FaultKind;

use crate::workbench::Terms;

pub(crate) use files::encoded;
pub use page::page;

/// One of them.
pub struct HostileGuest {
    /// What it is called; unique, and fit for a file's name.
    pub name: String,
    /// What it does.
    pub does: String,
    /// What stands at its path.
    pub file: File,
    /// What has to become of it.
    pub fate: Fate,
    /// Whether it is granted everything there is to grant, and not only a secret.
    pub granted: bool,
}

/// What stands at the path of a plugin.
pub enum File {
    /// A file with these bytes.
    Bytes(Box<dyn Fn() -> Vec<u8> + Send + Sync>),
    /// Something else, which this puts there.
    Other(fn(&Path)),
}

/// What has to become of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is not loaded; the error contains this.
    Refused(&'static str),
    /// It is loaded, and every call fails in this way; the account contains this.
    Fails(FaultKind, &'static str),
    /// It does no harm within its limits, and its event goes on.
    Harmless,
}

/// The families, in the order of the documentation.
pub fn families() -> Vec<(&'static str, Vec<HostileGuest>)> {
    vec![
        ("Traps", traps::guests()),
        ("Loops", loops::guests()),
        ("Memory and tables", memory::guests()),
        ("Compile-time and structure bombs", bombs::guests()),
        ("Handles", handles::guests()),
        ("Floods of host calls", calls::guests()),
        ("What is granted", powers::guests()),
        ("Pointers, lengths and tags", abi::guests()),
        ("Allocators and clean-up", allocator::guests()),
        ("Before the call", start::guests()),
        ("Headers", headers::guests()),
        ("Output", output::guests()),
        ("WASI", wasi::guests()),
        ("Imports, exports and worlds", contract::guests()),
        ("Proposals", proposals::guests()),
        ("Files", files::guests()),
    ]
}

impl HostileGuest {
    /// What it may use and reach: little processor time for those that use it up, and for the others enough that their
    /// fate does not depend on the machine.
    pub fn terms(&self) -> Terms {
        let cpu = match self.fate {
            Fate::Fails(FaultKind::Deadline, _) => Duration::from_millis(100),
            _ => Duration::from_secs(10),
        };
        Terms { cpu, granted: self.granted }
    }

    /// Puts it where the gateway will look for it.
    pub fn write(&self, path: &Path) {
        match &self.file {
            File::Bytes(bytes) => std::fs::write(path, bytes()).unwrap(),
            File::Other(put) => put(path),
        }
    }
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fate::Refused("") => f.write_str("not loaded"),
            Fate::Refused(part) => write!(f, "not loaded: “{part}”"),
            Fate::Fails(kind, "") => write!(f, "`{}`", kind.as_str()),
            Fate::Fails(kind, part) => write!(f, "`{}`: “{part}”", kind.as_str()),
            Fate::Harmless => f.write_str("served"),
        }
    }
}

/// For the tables of the families.
fn bytes(
    name: impl Into<String>,
    does: impl Into<String>,
    fate: Fate,
    make: impl Fn() -> Vec<u8> + Send + Sync + 'static,
) -> HostileGuest {
    HostileGuest {
        name: name.into(),
        does: does.into(),
        file: File::Bytes(Box::new(make)),
        fate,
        granted: false,
    }
}

/// A module in text, see [`wat::Wat`].
fn text(name: impl Into<String>, does: impl Into<String>, fate: Fate, wat: wat::Wat) -> HostileGuest {
    bytes(name, does, fate, move || wat.build())
}

fn trap(part: &'static str) -> Fate {
    Fate::Fails(FaultKind::Trap, part)
}

fn deadline() -> Fate {
    Fate::Fails(FaultKind::Deadline, "100ms of processor time")
}

fn out_of_memory() -> Fate {
    Fate::Fails(FaultKind::Memory, "more memory than it may have")
}

fn invalid(part: &'static str) -> Fate {
    Fate::Fails(FaultKind::InvalidOutput, part)
}
