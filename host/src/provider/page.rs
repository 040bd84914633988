//! `docs/providers/senders.md`: what the table says, for people.

use std::fmt::Write as _;

use super::preset::Repetition;
use super::{Answer, Preset, SecretPlace, Split, presets};

const HEAD: &str = "# All known senders

Written from the table that the gateway works with. `provider = \"…\"` names one; a source that is called like it needs not
even that. *Type* and *id* are the places where a sender says what happened and what it calls the delivery: parts of an
event type are joined with `.`, parts of an id with `:`, and alternatives are tried one after the other.

";

fn places(rows: &[&[&str]], separator: &str) -> String {
    let row =
        |row: &&[&str]| row.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>().join(separator);
    rows.iter().map(row).collect::<Vec<_>>().join(" or ")
}

fn secret(place: SecretPlace) -> String {
    let who = match place {
        SecretPlace::Chosen(_) => "of your choice, entered at: ",
        SecretPlace::Issued(_) => "made by the sender, copied from: ",
        SecretPlace::PublicKey(_) => "the sender's public key, copied from: ",
        SecretPlace::Agreed(_) | SecretPlace::Brought(_) | SecretPlace::Needless(_) => "",
    };
    format!("{who}{}", place.text())
}

fn entry(preset: &Preset) -> String {
    let mut text = format!("## {}\n\n`{}`", preset.title, preset.provider);
    let schemes: Vec<String> = preset
        .schemes
        .iter()
        .map(|named| format!("`{}` ({})", named.name, (named.scheme)().name()))
        .collect();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = write!(text, "\n- {name}: {value}");
        }
    };
    line("proof", schemes.join(", or by `scheme` "));
    line("secret", secret(preset.secret));
    line("type", places(preset.kind, " + "));
    line("id", places(preset.delivery_id, " + "));
    line(
        "repetitions by",
        match preset.repetition {
            Repetition::Id => String::new(),
            Repetition::Fields(rows) => places(rows, " + "),
            Repetition::Body => "the whole body".to_owned(),
        },
    );
    let handshakes: Vec<String> = preset.handshakes.iter().map(|kind| format!("`{}`", kind.name())).collect();
    line("handshakes", handshakes.join(", "));
    line(
        "several events in a body",
        preset.split.map_or(String::new(), |split| match split {
            Split::List("") => "a list".to_owned(),
            Split::List(pointer) => format!("the list at `{pointer}`"),
            Split::CloudEventsBatch => "a CloudEvents batch".to_owned(),
        }),
    );
    line(
        "answer",
        match preset.answer {
            Answer::Accepted => "202".to_owned(),
            Answer::Ok => "200".to_owned(),
            Answer::NoContent => "204".to_owned(),
            Answer::EmptyTwiml => "200 with an empty TwiML document".to_owned(),
            Answer::BracketedAccepted => "200 with `[accepted]`".to_owned(),
        },
    );
    line("waits", preset.deadline.map_or(String::new(), |deadline| format!("{} s", deadline.as_secs())));
    line("refused or late", preset.failure.to_owned());
    // A line break between the name and the list.
    text.replacen("\n-", "\n\n-", 1) + "\n"
}

/// The whole page.
pub(crate) fn page() -> String {
    let mut all: Vec<&Preset> = presets().collect();
    all.sort_unstable_by_key(|preset| preset.title.to_lowercase());
    let entries: Vec<String> = all.into_iter().map(entry).collect();
    format!("{HEAD}{}", entries.join("\n"))
}
