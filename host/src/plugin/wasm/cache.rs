//! Compiled code kept between starts.
//!
//! A cached file is native code that will run with the host's rights. So the directory belongs to us and is closed to
//! everybody else, a file is opened without following a link and must be ours alone, and what is not so is left
//! untouched and not used. The engine checks that code was made by the same version and settings, and nothing more: what
//! was half written when the power failed would run as it is. So each file ends in the SHA-256 of the code before it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use uuid::Uuid;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of the SHA-256 at the end of a file.
const SEAL: usize = digest::SHA256_OUTPUT_LEN;

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
        let mut content = Vec::new();
        file.read_to_end(&mut content).ok()?;
        let (code, found) = content.split_last_chunk::<SEAL>()?;
        (seal(code).as_ref() == found.as_slice()).then_some(())?;
        load(engine, code)
    }

    /// Keeps compiled code. A failure costs the next start some time and nothing else.
    pub(super) fn put(&self, engine: &Engine, digest: &str, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.directory)?;
        if !is_private(&fs::symlink_metadata(self.directory)?) {
            return Err(io::Error::other(format!("{} is open to others", self.directory.display())));
        }
        let path = self.path(engine, digest);
        // Never the name of a file that an earlier process has left behind: process ids come again.
        let temporary = path.with_extension(format!("{}.tmp", Uuid::now_v7()));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let written = file
            .write_all(&code)
            .and_then(|()| file.write_all(seal(&code).as_ref()))
            // Else the name could be on the disk before the content is.
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&temporary, &path));
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

fn seal(code: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, code)
}

#[expect(
    unsafe_code,
    reason = "the code comes from this process, or from a file that is ours alone: see the module's text"
)]
fn load(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: both callers have bytes that `Component::serialize` made; those of a file are all there, as its seal says.
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

    /// Writes a file that is ours alone.
    fn put(file: &Path, code: &[u8], seal: &[u8]) {
        fs::write(file, [code, seal].concat()).unwrap();
        mode(file, 0o600);
    }

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
        put(&file, b"not code", seal(b"not code").as_ref());
        assert!(!found(), "what is not code is compiled again");
    }

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_not_used() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("cache");
        let engine = Engine::default();
        let cache = Cache::new(&directory);
        let component = Component::new(&engine, EMPTY).unwrap();
        cache.put(&engine, "digest", &component).unwrap();
        let file = cache.path(&engine, "digest");
        let whole = fs::read(&file).unwrap();
        let check = |content: &[u8], expected: bool, what: &str| {
            put(&file, content, b"");
            assert_eq!(cache.get(&engine, "digest").is_some(), expected, "{what}");
        };
        check(&whole, true, "as it was");
        let code = whole.len() - SEAL;
        for at in [0, code / 2, code - 1, code, whole.len() - 1] {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            check(&altered, false, &format!("a bit of byte {at} is another"));
        }
        check(&whole[..code], false, "the end is missing");
        check(&whole[..code / 2], false, "half of it is missing");
        check(&whole[..SEAL - 1], false, "too short for any code");
        check(&vec![0; whole.len()], false, "nothing but zeros");
        check(b"", false, "empty");

        cache.put(&engine, "digest", &component).unwrap();
        assert!(cache.get(&engine, "digest").is_some(), "it is written anew");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
    }
}
