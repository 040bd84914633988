//! The list as a page of the documentation.

use super::families;

const HEAD: &str = "\
# Hostile plugins

What plugins that mean harm get. This page is written by a test (`tests/it/hostile_plugins.rs`), which makes each of
them, loads it, calls it again and again, and puts it into a gateway where a good plugin serves meanwhile.

Of those that are loaded, each has 8 MiB of memory, 1 MiB of output and 1,000 messages for a call, and 10 s of processor
time; those that are to use that up have 100 ms. What one is granted, where it is: values of 100 keys and 1 MiB, metrics,
and requests to a port of this machine, but not to private addresses. What has to hold for every one of them:

- it ends as the table says, at each call, in a fresh instance and in one that is reused;
- the gateway lives, and the good plugin's events are delivered;
- the event is parked as a dead letter with the body that came, or has gone on; the ledger adds up;
- no file, mapping or memory is left behind; loading takes at most 400 MiB for a while, calling at most 64 MiB.

In quotation marks is a part of what the operator is told.
";

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for (family, guests) in families() {
        page.push_str(&format!("\n## {family}\n\n| | what it does | what it gets |\n|---|---|---|\n"));
        for guest in guests {
            let (name, does) = (&guest.name, guest.does.replace('|', "\\|"));
            page.push_str(&format!("| `{name}` | {does} | {} |\n", guest.fate));
        }
    }
    page
}
