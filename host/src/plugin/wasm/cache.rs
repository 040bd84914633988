//! Compiled code kept between starts.
//!
//! A cached file is native code that will run with the host's rights. So the directory belongs to us and is closed to
//! everybody else, a file is opened without following a link and must be ours alone, and what is not so is left
//! untouched and not used. The engine checks that code was made by the same version and settings.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

/// A private directory of compiled components.
pub(super) struct Cache<'a> {
    directory: &'a Path,
}

impl<'a> Cache<'a> {
    pub(super) fn new(directory: &'a Path) -> Self {
        Cache { directory }
    }

    /// The compiled code of the component with that digest, if it is there and safe to use.
    pub(super) fn get(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let mut file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.path(engine, digest))
            .ok()?;
        is_private(&fs::symlink_metadata(self.directory).ok()?).then_some(())?;
        is_private(&file.metadata().ok()?).then_some(())?;
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        load(engine, &code)
    }

    /// Keeps compiled code. A failure costs the next start some time and nothing else.
    pub(super) fn put(&self, engine: &Engine, digest: &str, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.directory)?;
        if !is_private(&fs::symlink_metadata(self.directory)?) {
            return Err(io::Error::other(format!("{} is open to others", self.directory.display())));
        }
        let path = self.path(engine, digest);
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let written = file.write_all(&code).and_then(|()| fs::rename(&temporary, &path));
        written.inspect_err(|_| drop(fs::remove_file(&temporary)))
    }

    fn path(&self, engine: &Engine, digest: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.directory.join(format!("{digest}-{:016x}.cwasm", hasher.finish()))
    }
}

/// The same code for another engine of the same settings.
pub(super) fn copy(engine: &Engine, component: &Component) -> Option<Component> {
    load(engine, &component.serialize().ok()?)
}

#[expect(
    unsafe_code,
    reason = "the code comes from this process, or from a file that is ours alone: see the module's text"
)]
fn load(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: both callers have bytes that `Component::serialize` made.
    unsafe { Component::deserialize(engine, code) }.ok()
}

fn is_private(metadata: &fs::Metadata) -> bool {
    let kind = metadata.file_type();
    (kind.is_file() || kind.is_dir())
        && metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.mode() & 0o077 == 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// A component with nothing in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn code_that_others_could_have_written_is_not_used() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("cache");
        let engine = Engine::default();
        let cache = Cache::new(&directory);
        let found = || cache.get(&engine, "digest").is_some();
        assert!(!found());
        cache.put(&engine, "digest", &Component::new(&engine, EMPTY).unwrap()).unwrap();
        assert!(found());

        let file = cache.path(&engine, "digest");
        mode(&file, 0o640);
        assert!(!found(), "a file that others can read may have been somebody else's");
        mode(&file, 0o600);
        mode(&directory, 0o750);
        assert!(!found(), "others may put files into an open directory");
        mode(&directory, 0o700);
        assert!(found());

        let elsewhere = base.path().join("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        assert!(!found(), "links are not followed");
        fs::remove_file(&file).unwrap();
        fs::write(&file, b"not code").unwrap();
        mode(&file, 0o600);
        assert!(!found(), "what is not code is compiled again");
    }
}
