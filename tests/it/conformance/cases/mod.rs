//! What the guest `conformance` must do in every language.

mod bodies;
mod events;
mod http;
mod json;
mod kv;
mod limits;
mod output;
mod powers;
mod text;
mod verdicts;

use super::case::Case;

/// What the guest is granted to know.
pub(super) const SECRET: &str = "s3cret-größe";

/// All of them, in the order of the table.
pub(super) fn all() -> Vec<Case> {
    let mut cases = verdicts::cases();
    cases.extend(events::cases());
    cases.extend(json::cases());
    cases.extend(text::cases());
    cases.extend(bodies::cases());
    cases.extend(output::cases());
    cases.extend(powers::cases());
    cases.extend(kv::cases());
    cases.extend(http::cases());
    cases.extend(limits::cases());
    cases
}
