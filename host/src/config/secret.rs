//! References to secrets. A configuration never holds a secret itself, so that it can be kept under version control.

use std::path::PathBuf;

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// `{ env = "NAME" }`: an environment variable.
    Env(String),
    /// `{ file = "path" }`: a file's content without a trailing line break; relative to the configuration file.
    File(PathBuf),
    /// `{ credential = "name" }`: a file of that name in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `{ generated = true }`: made at first start and kept in the state directory.
    Generated,
}
