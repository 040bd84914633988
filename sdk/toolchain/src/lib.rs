//! From a plugin's folder to a component.
//!
//! Knows, for every language plugins are written in, how a folder of it looks, which tools building it takes and how each of them
//! is installed, which commands build it, and how a new plugin starts. It installs nothing itself and reaches no network; the
//! tools it runs may (`cargo` fetches crates, for one).

mod component;
mod contract;
mod error;
mod folder;
mod language;
mod languages;
mod name;
mod sources;
mod template;
mod wasi;
mod workbench;
mod world;

use std::path::Path;

pub use error::{Error, Missing};
pub use folder::write;
pub use language::Language;
pub use name::Name;
pub use sources::newer_source;
pub use workbench::Workbench;
pub use world::World;

/// What is not installed of what building a plugin of this language takes; `bench` says where the plugin lies.
pub fn missing(language: Language, bench: &Workbench) -> Vec<Missing> {
    language.toolchain().missing(bench)
}

/// Builds the plugin in the workbench's folder and returns its component.
///
/// # Errors
/// Says what is not installed, and how it would be; or which command failed, after that command has said why.
pub fn build(bench: &Workbench) -> Result<Vec<u8>, Error> {
    let language = Language::of(bench.project())?;
    let tools = missing(language, bench);
    if !tools.is_empty() {
        return Err(Error::Missing { language, tools });
    }
    language.toolchain().build(bench)
}

/// Writes a new plugin, which builds and passes its own test as it is, into the folder `parent/name`.
///
/// # Errors
/// Where that folder exists, or a file cannot be written.
pub fn create(parent: &Path, name: &Name, language: Language, world: World) -> Result<(), Error> {
    template::write(&parent.join(name.as_str()), name, language, world)
}
