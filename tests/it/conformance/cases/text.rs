//! Text that some language could spoil: what is beyond ASCII, invisible, unpaired, empty.

use serde_json::{Value, json};

use crate::conformance::case::Case;

/// Texts that must come and go unchanged.
const TEXTS: [(&str, &str); 9] = [
    ("umlauts", "Größenwahn"),
    ("composed and combining", "é is not e\u{301}"),
    ("astral", "🌊 𝄞 \u{10ffff}"),
    ("joined", "👩‍👩‍👧‍👦 🏳️‍🌈"),
    ("right to left", "\u{202e}שלום مرحبا"),
    ("byte order mark", "\u{feff}first"),
    ("NUL inside", "a\0b\0"),
    ("controls", "\u{1}\u{7f}\u{85}\u{2028}"),
    ("noncharacters", "\u{fffe}\u{ffff}\u{fdd0}"),
];

pub(super) fn cases() -> Vec<Case> {
    vec![from_the_body(), from_the_configuration(), to_the_host(), pointers(), surrogates(), long()]
}

fn at(pointer: &str) -> Value {
    json!({ "pointer": pointer })
}

fn from_the_body() -> Case {
    let texts: Vec<&str> = TEXTS.iter().map(|(_, text)| *text).collect();
    let mut case = Case::new("text: out of the body").body(serde_json::to_vec(&texts).unwrap());
    for (number, text) in texts.iter().enumerate() {
        case = case.gives("json-string", at(&format!("/{number}")), format!("some {text}"));
    }
    case
}

fn from_the_configuration() -> Case {
    let mut case = Case::new("text: out of the configuration");
    for (number, (_, text)) in TEXTS.iter().enumerate() {
        // A step finds its own argument, which is nothing that it knows.
        let pointer = format!("/text-out-of-the-configuration/{number}/text");
        case = case.gives("config-get", json!({ "pointer": pointer, "text": text }), format!("some {text}"));
    }
    case
}

fn to_the_host() -> Case {
    let mut case = Case::new("text: to the host").body("{}");
    for (name, text) in TEXTS {
        let quoted = serde_json::to_string(text).unwrap();
        case = case.does("set-attribute", json!({ "name": name, "value": text }));
        let pointer = format!("/{}", name.replace(' ', "_"));
        case = case.does("json-set", json!({ "pointer": pointer, "value": quoted }));
    }
    case.judged(|outcome| {
        let [message] = outcome.messages() else { return Err(outcome.to_string()) };
        for (name, text) in TEXTS {
            if message.attribute(name) != Some(text) {
                return Err(format!("the attribute is {:?} instead of {text:?}", message.attribute(name)));
            }
            let document: Value =
                serde_json::from_slice(message.body.bytes()).map_err(|error| error.to_string())?;
            let member = &document[name.replace(' ', "_")];
            if *member != json!(text) {
                return Err(format!("the member is {member} instead of {text:?}"));
            }
        }
        Ok(())
    })
}

fn pointers() -> Case {
    Case::new("text: in names and pointers")
        .body("{\"größe\":{\"🌊\":1,\"a\\u0000b\":2},\"\\ud83c\\udf0a\":3}")
        .gives("json-integer", at("/größe/🌊"), "some 1")
        .gives("json-integer", at("/größe/a\0b"), "some 2")
        .gives("json-integer", at("/🌊"), "some 3")
}

fn surrogates() -> Case {
    Case::new("text: unpaired surrogates")
        .body(r#"["\ud83c", "a\udf0ab", "\ud83c\udf0a"]"#)
        .gives("json-kind", at("/0"), "string")
        .gives("json-string", at("/0"), "none")
        .gives("json-string", at("/1"), "none")
        .gives("json-string", at("/2"), "some 🌊")
        .gives("json-source", at("/0"), r#"some "\ud83c""#)
        .gives("json-source", at("/1"), r#"some "a\udf0ab""#)
}

fn long() -> Case {
    Case::new("text: 1 MiB of it")
        .body(format!("[\"{}\"]", "größer🌊 ".repeat((1 << 20) / 13)))
        .does("set-attribute", json!({ "name": "long", "value": "größer🌊 ", "repeat": (1 << 20) / 13 }))
        .gives("json-string", at("/0"), "")
        .judged(|outcome| {
            let text = "größer🌊 ".repeat((1 << 20) / 13);
            let [message] = outcome.messages() else { return Err(outcome.to_string()) };
            match message.attribute("long") {
                Some(long) if long == text => Ok(()),
                long => Err(format!("{} bytes instead of {}", long.map_or(0, str::len), text.len())),
            }
        })
}
