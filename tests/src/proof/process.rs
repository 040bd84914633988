//! What this process takes up.

use std::fs;

/// Bytes of memory in use.
pub(super) fn memory() -> u64 {
    status("VmRSS:")
}

/// The most that has been in use since [`reset_peak`].
pub(super) fn peak() -> u64 {
    status("VmHWM:")
}

/// Forgets the most that has been in use. See proc(5), `clear_refs`.
pub(super) fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("the kernel takes this");
}

/// Open files and sockets.
pub(super) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("the kernel's list").count()
}

/// Areas of memory that are mapped.
pub(super) fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").expect("the kernel's list").lines().count()
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel's account");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}
