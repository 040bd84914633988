//! What a component was built with, as it says itself.

use std::collections::BTreeSet;

use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};

use super::language::Language;

/// What the language's guest was built with.
pub(super) fn of(language: Language) -> String {
    let component =
        language.component("conformance").and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    let mut tools = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&component) {
        if let Ok(Payload::CustomSection(section)) = payload
            && let KnownCustom::Producers(producers) = section.as_known()
        {
            tools.extend(named(producers));
        }
    }
    tools.into_iter().collect::<Vec<_>>().join(", ")
}

fn named(producers: ProducersSectionReader<'_>) -> impl Iterator<Item = String> {
    let fields = producers.into_iter().flatten().filter(|field| field.name != "language");
    fields.flat_map(|field| field.values.into_iter().flatten()).map(|value| {
        // A compiler says when and from what it was built as well.
        let version = value.version.split(" (").next().unwrap_or_default();
        format!("{} {version}", value.name).trim_end().to_owned()
    })
}
