//! What stands at a plugin's path and is no plugin.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::wat::Wat;
use super::{Fate, File, HostileGuest, bytes};

/// A byte more than a plugin may have.
const TOO_LARGE: u64 = 128 * 1024 * 1024 + 1;

const NO_COMPONENT: Fate = Fate::Refused("not a WebAssembly component");

pub(super) fn guests() -> Vec<HostileGuest> {
    let content = |name: &str, does: &str, content: &'static [u8]| {
        bytes(name, does, NO_COMPONENT, move || content.to_vec())
    };
    let other = |name: &str, does: &str, part, put: fn(&Path)| HostileGuest {
        name: name.to_owned(),
        does: does.to_owned(),
        file: File::Other(put),
        fate: Fate::Refused(part),
        granted: false,
    };
    let mut guests = vec![
        content("empty", "is empty", b""),
        content("one-byte", "has one byte", b"\0"),
        content("header-cut", "ends amidst the first eight bytes", b"\0asm\x0d\0"),
        content("script", "is a shell script", b"#!/bin/sh\nrm -rf /\n"),
        content("text", "is WebAssembly in text", b"(component)\n"),
        content("elf", "is a program for Linux", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0"),
        content("gzip", "is compressed", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0"),
        content("version-unknown", "is of a version that there is not", b"\0asm\xff\xff\xff\xff"),
        content(
            "section-of-4-gib",
            "has a section that says that it has 4 GiB",
            b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f",
        ),
        content(
            "length-without-end",
            "has a length whose bytes do not end",
            b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        bytes("component-empty", "is a component with nothing in it", Fate::Refused("another world"), || {
            b"\0asm\x0d\0\x01\0".to_vec()
        }),
        bytes(
            "counts-that-overflow",
            "is a component with two sections that say that they hold 2³² − 1 instances each",
            Fate::Refused(""),
            || {
                let mut file = b"\0asm\x0d\0\x01\0".to_vec();
                (0..2).for_each(|_| file.extend(b"\x02\x06\xff\xff\xff\xff\x0f\x00"));
                file
            },
        ),
        other("directory", "is a directory", "not a file", |path| fs::create_dir(path).unwrap()),
        other("link-to-nothing", "is a link to what is not there", "cannot be read", |path| {
            symlink("nowhere.wasm", path).unwrap()
        }),
        other("link-to-itself", "is a link to itself", "cannot be read", |path| symlink(path, path).unwrap()),
        other("pipe", "is a pipe to which nobody writes", "not a file", |path| {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }),
        other("socket", "is a socket", "cannot be read", |path| drop(UnixListener::bind(path).unwrap())),
        other("device-without-end", "is a device that can be read for ever", "not a file", |path| {
            symlink("/dev/zero", path).unwrap()
        }),
        other("too-large", "has 128 MiB and a byte", "more than 134217728", large_file),
    ];
    guests.extend((1..=12).map(|part| cut(part, 12, false)));
    guests.extend((1..=12).map(|part| cut(part, 12, true)));
    guests
}

/// Puts a file there that is larger than any plugin, and takes no room.
fn large_file(path: &Path) {
    fs::File::create(path).unwrap().set_len(TOO_LARGE).unwrap();
}

/// A part of a good plugin, as a core module or as a component.
fn cut(part: usize, of: usize, component: bool) -> HostileGuest {
    let what = if component { "component" } else { "core module" };
    let name = format!("cut-{}-{part}", what.replace(' ', "-"));
    bytes(
        name,
        format!("is a good {what} that ends after {part} of {} parts", of + 1),
        Fate::Refused(""),
        move || {
            let module = Wat::new("(call $event.body (local.get $event) (i32.const 64))").build();
            let whole = if component { encoded(&module).expect("a component") } else { module };
            whole[..whole.len() * part / (of + 1)].to_vec()
        },
    )
}

/// The component that the loader makes of a core module; None for what is none.
pub(crate) fn encoded(module: &[u8]) -> Option<Vec<u8>> {
    let encoder = wit_component::ComponentEncoder::default().module(module);
    encoder.and_then(|mut encoder| encoder.encode()).ok()
}
