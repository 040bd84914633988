//! Handles that are not what they seem.

use super::wat::Wat;
use super::{Fate, HostileGuest, text, trap};

pub(super) fn guests() -> Vec<HostileGuest> {
    let length = |handle: &str| format!("(drop (call $event.body-length {handle}))");
    let mut guests: Vec<HostileGuest> = [
        ("handle-zero", "0", 0_u32),
        ("handle-guessed", "a small number", 7),
        ("handle-large", "2³² − 1", u32::MAX),
        ("handle-at-the-limit", "2²⁸", 1 << 28),
    ]
    .map(|(name, number, handle)| {
        let does = format!("reads from a handle that it made up: {number}");
        text(name, does, trap("unknown handle index"), Wat::new(length(&format!("(i32.const {handle})"))))
    })
    .into();
    let drop = "(call $event.drop (local.get $event))";
    guests.extend([
        text("handle-kept", "never drops the event", Fate::Harmless, Wat::new("")),
        text(
            "handle-dropped-twice",
            "drops the event twice",
            trap("unknown handle index"),
            Wat::new(drop.repeat(2)),
        ),
        text(
            "handle-used-after-drop",
            "reads from the event that it has dropped",
            trap("unknown handle index"),
            Wat::new(format!("{drop}{}", length("(local.get $event)"))),
        ),
        text(
            "handles-without-end",
            "makes a resource of its own and a handle to it, for ever",
            trap("handle limit exceeded"),
            Wat::forever("(drop (call $thing.new (i32.const 1)))").world("owner"),
        ),
    ]);
    guests
}
