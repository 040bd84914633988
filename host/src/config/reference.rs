//! The reference of every key, in Markdown.

use std::fmt::Write as _;

use super::field::{Element, Field, NAME, Presence, Shape, alternatives};
use super::root::CONFIG;

/// The reference, as committed in `docs/configuration.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         <!-- Generated from the declarations in host/src/config; \
         HOOKYARD_BLESS=1 cargo test -p hookyard --lib config:: writes it anew. -->\n\n",
    );
    let mut sections = vec![(&CONFIG, String::new())];
    let mut at = 0;
    while let Some((element, path)) = sections.get(at).map(|(element, path)| (*element, path.clone())) {
        section(&mut text, element, &path);
        // Elements inside an element follow it directly.
        let mut inside = Vec::new();
        for field in element.fields {
            elements(&field.shape, &join(&path, field.key), &mut inside);
        }
        inside.retain(|(inner, _)| sections.iter().all(|(known, _)| !std::ptr::eq(*known, *inner)));
        at += 1;
        sections.splice(at..at, inside);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

fn elements(shape: &'static Shape, path: &str, found: &mut Vec<(&'static Element, String)>) {
    match shape {
        Shape::Table(element) if found.iter().any(|(known, _)| std::ptr::eq(*known, *element)) => {}
        Shape::Table(element) => found.push((*element, path.to_owned())),
        Shape::Named(element) => found.push((*element, join(path, "NAME"))),
        Shape::List(item) | Shape::OneOrMore(item) => elements(item, path, found),
        Shape::Map { keys, values } if keys.pattern == NAME.pattern => {
            elements(values, &join(path, "NAME"), found)
        }
        Shape::Map { values, .. } => elements(values, &join(path, "KEY"), found),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| elements(shape, path, found)),
        _ => {}
    }
}

fn section(text: &mut String, element: &Element, path: &str) {
    if !path.is_empty() {
        let level = if path.trim_end_matches(".NAME").contains('.') { "###" } else { "##" };
        let _ = write!(text, "{level} {}\n\n`[{path}]` · ", capital(element.name));
    }
    let _ =
        write!(text, "{}\n\n| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n", element.doc);
    for field in element.fields {
        let cells = [format!("`{}`", field.key), kind(&field.shape), default(field), meaning(field)];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text.push('\n');
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

fn kind(shape: &Shape) -> String {
    let bounded = |word: &str| match shape.bounds() {
        Some(bounds) => format!("{word}, {bounds}"),
        None => word.to_owned(),
    };
    match shape {
        Shape::Boolean => "boolean".to_owned(),
        Shape::Integer { .. } => bounded("integer"),
        Shape::Number { .. } => bounded("number"),
        Shape::Duration { .. } => bounded("duration"),
        Shape::Size { .. } => bounded("size"),
        Shape::Moment => "date and time".to_owned(),
        Shape::Text(format) => format.what.split(" such as ").next().unwrap_or_default().to_owned(),
        Shape::Choice(choices) => alternatives(choices.iter().map(|choice| format!("`\"{}\"`", choice.word))),
        Shape::List(item) => format!("list of: {}", kind(item)),
        Shape::OneOrMore(item) => format!("{}; or a list", kind(item)),
        Shape::Either(shapes) => alternatives(shapes.iter().map(kind)),
        Shape::Table(element) => link(element),
        Shape::Named(element) => format!("tables by name: {}", link(element)),
        Shape::Map { values, .. } => format!("table of: {}", kind(values)),
        Shape::Free => "any table".to_owned(),
    }
}

fn link(element: &Element) -> String {
    format!("[{}](#{})", element.name, element.name.replace(' ', "-"))
}

fn default(field: &Field) -> String {
    match field.presence {
        Presence::Required => "**required**".to_owned(),
        Presence::Optional => String::new(),
        Presence::Default(toml) => format!("`{toml}`"),
        Presence::Otherwise(sentence) => sentence.to_owned(),
    }
}

fn meaning(field: &Field) -> String {
    let mut text = field.doc.to_owned();
    field.shape.choices(&mut |choice| {
        if !choice.doc.is_empty() {
            let _ = write!(text, " `\"{}\"`: {}.", choice.word, choice.doc);
        }
    });
    if !field.example.is_empty() {
        let _ = write!(text, " Example: `{}`", field.example);
    }
    text
}
