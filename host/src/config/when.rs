//! `when = "…"` of a route: a condition in the Common Expression Language.

use std::thread::Builder;

use crate::routing::{When, WhenFault};

use super::field::{Format, Shape};
use super::inside::inside;
use super::suggest::did_you_mean;
use super::text::Spot;
use super::value::Value;

/// Stack for reading an expression: the parser goes down for each parenthesis and each operator in a row.
const STACK: usize = 32 << 20;

pub(super) const WHEN: Shape = Shape::Text(Format::free("an expression such as 'body.amount > 1000'"));

pub(super) fn read(value: Value<'_>) -> Option<When> {
    let text = value.text()?;
    // On a thread of its own, so that no text exhausts the stack of this one, whatever the parser does with it.
    let compiled = std::thread::scope(|scope| {
        let thread = Builder::new().stack_size(STACK).spawn_scoped(scope, || When::compile(text));
        thread.ok().and_then(|thread| thread.join().ok())
    });
    match compiled {
        Some(Ok(when)) => Some(when),
        Some(Err(fault)) => report(value, text, fault),
        None => value.fail("this expression cannot be read"),
    }
}

fn report<T>(value: Value<'_>, text: &str, fault: WhenFault) -> Option<T> {
    let near = fault.near.as_ref().and_then(|near| did_you_mean(&near.written, near.known.iter().copied()));
    value.context.gathered.error(spot(value, text, &fault), fault.message, |error| {
        if let Some(near) = near {
            error.label(format!("did you mean `{near}`?"));
        } else if let Some(label) = fault.label {
            error.label(label);
        }
        if let Some(help) = fault.help {
            error.help(help);
        }
    });
    None
}

/// The place in the file; the whole value where it cannot be told.
fn spot(value: Value<'_>, text: &str, fault: &WhenFault) -> Spot {
    let whole = value.spot();
    let source = whole.text.text.get(whole.span.clone()).unwrap_or_default();
    match inside(source, text, fault.at.clone()) {
        Some(part) => Spot { span: whole.span.start + part.start..whole.span.start + part.end, ..whole },
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;

    fn route(when: &str) -> String {
        format!(
            "[sources.a]\nverify = \"none\"\n[destinations.c]\ntype = \"console\"\n[routes.r]\nsource = \"a\"\nto = \"c\"\nwhen = {when}\n"
        )
    }

    #[test]
    fn an_expression_is_read() {
        let config = check::read(&route("'body.amount > 1000 && event.kind == \"paid\"'")).unwrap();
        let when = config.routes[0].rule.when.as_ref().unwrap();
        assert_eq!(when.text(), "body.amount > 1000 && event.kind == \"paid\"");
    }

    #[test]
    fn what_is_wrong_is_told_at_its_place() {
        for (when, expected) in [
            ("'bdy.amount > 1'", "config.toml:8:9: there is no variable `bdy`: did you mean `body`?"),
            ("'event.kynd == \"x\"'", "config.toml:8:15: `event` has no `kynd`: did you mean `kind`?"),
            (
                "\"event.kind == \\\"x\\\" && boddy.x\"",
                "config.toml:8:32: there is no variable `boddy`: did you mean",
            ),
            (
                "'''\nbody.a\n  && body.b.startswith('x')'''",
                "config.toml:10:13: there is no function `startswith`: did you mean `startsWith`?",
            ),
            ("'1 + 1'", "config.toml:8:9: `when` is true or false, and this is an integer"),
            ("'body.a >'", "config.toml:8:17: the expression ends too early"),
            ("'body.a = 1'", "config.toml:8:16: `=` sets nothing here: `==` compares"),
            ("''", "config.toml:8:9: the expression is empty"),
            ("7", "config.toml:8:8: expected an expression such as 'body.amount > 1000', found an integer"),
        ] {
            check::fails(&route(when), expected);
        }
    }
}
