//! Whether a directory will still be there tomorrow.

use std::path::Path;

/// Whether what is kept under a path is likely to vanish with the machine, the container, or a clean-up: then a
/// generated secret would change and senders would be refused.
pub fn is_ephemeral(path: &Path) -> bool {
    let existing = path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    let Some(existing) = existing.or_else(|| std::env::current_dir().ok()) else {
        return false;
    };
    let temporary = std::env::temp_dir().canonicalize();
    temporary.is_ok_and(|temporary| existing.starts_with(temporary)) || in_memory(&existing)
}

/// File systems that live in memory, or in a container's own layer.
#[cfg(target_os = "linux")]
fn in_memory(path: &Path) -> bool {
    // Numbers from linux/magic.h: tmpfs, ramfs, overlayfs.
    const MAGIC: [u64; 3] = [0x0102_1994, 0x8584_58f6, 0x794c_7630];
    rustix::fs::statfs(path).is_ok_and(|found| MAGIC.contains(&(found.f_type as u64 & 0xffff_ffff)))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_is_ephemeral_even_before_it_exists() {
        assert!(is_ephemeral(&std::env::temp_dir().join("hookyard/none/state")));
    }
}
