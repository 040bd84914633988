//! One module for each language.

pub(crate) mod c;
pub(crate) mod go;
pub(crate) mod javascript;
pub(crate) mod python;
pub(crate) mod rust;

use std::path::Path;

use crate::error::{Error, Missing};
use crate::workbench::Workbench;

/// What is different from language to language.
pub(crate) trait Toolchain: Sync {
    /// The file that makes a folder one of a plugin in this language, for messages.
    fn mark(&self) -> &'static str;

    /// Whether the folder is one of a plugin in this language.
    fn recognises(&self, folder: &Path) -> bool {
        folder.join(self.mark()).is_file()
    }

    /// What is not installed of what `build` runs.
    fn missing(&self, bench: &Workbench) -> Vec<Missing>;

    /// The component of the plugin in the workbench's folder. Called when nothing is missing.
    fn build(&self, bench: &Workbench) -> Result<Vec<u8>, Error>;
}
