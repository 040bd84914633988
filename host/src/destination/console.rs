//! Messages on standard output, for people: a line that says what it is, then the body, laid out if it is JSON, cut if
//! it is long. What a sender wrote cannot move the cursor or colour the terminal: control characters are escaped.
//! Headers are left out.

use std::fmt;
use std::future::Future;
use std::io::{IsTerminal, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::delivery::{Blame, Sent};

use super::{Destination, Parcel};

/// Whoever reads our output and stops reading must not stop us.
const LIMIT: Duration = Duration::from_secs(10);

/// How much of a body is shown.
const MAX_LINES: usize = 40;
const MAX_BYTES: usize = 4 * 1024;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Writes each message to standard output in one piece.
pub struct Console {
    output: Arc<Mutex<Box<dyn Write + Send>>>,
    colours: bool,
}

impl Console {
    /// On standard output, with colours if that is a terminal.
    pub fn new() -> Self {
        let output = std::io::stdout();
        let colours = output.is_terminal();
        Console::to(Box::new(output), colours)
    }

    /// On something else.
    pub fn to(output: Box<dyn Write + Send>, colours: bool) -> Self {
        Console { output: Arc::new(Mutex::new(output)), colours }
    }

    async fn write(&self, text: String) -> Result<(), String> {
        // The lock goes with the thread that writes: if it is stuck, nobody else gets stuck behind it.
        let output = Arc::clone(&self.output).lock_owned().await;
        let writing = tokio::task::spawn_blocking(move || write(output, &text));
        writing.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

fn write(mut output: OwnedMutexGuard<Box<dyn Write + Send>>, text: &str) -> std::io::Result<()> {
    output.write_all(text.as_bytes())?;
    output.flush()
}

impl Default for Console {
    fn default() -> Self {
        Console::new()
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("colours", &self.colours).finish_non_exhaustive()
    }
}

impl Destination for Console {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        Box::pin(async move {
            let text = shown(parcel, self.colours);
            let cause = match timeout(LIMIT, self.write(text)).await {
                Ok(Ok(())) => {
                    return Sent::Delivered { detail: "written".to_owned() };
                }
                Ok(Err(error)) => format!("writing to standard output failed: {error}"),
                Err(_) => format!("standard output was not read for {} s", LIMIT.as_secs()),
            };
            Sent::Retryable { cause, retry_after: None, blame: Blame::Receiver }
        })
    }
}

fn shown(parcel: &Parcel, colours: bool) -> String {
    let [bold, dim, plain] = if colours { [BOLD, DIM, PLAIN] } else { [""; 3] };
    let event = &parcel.event;
    let body = parcel.message.body(event);
    let title = printable(format!("{} {}", event.source, event.kind).trim_end());
    let (destination, route) = (printable(&parcel.destination), printable(&parcel.route));
    let size = size(body.len());
    let again = if parcel.attempt > 1 { format!(", attempt {}", parcel.attempt) } else { String::new() };
    let head = format!(
        "{dim}→ {destination}{plain}  {bold}{title}{plain}  {dim}evt {} · {size}  (route {route}{again}){plain}\n",
        event.id
    );
    head + &excerpt(body)
}

/// The beginning of a body, with a note of how much there is beyond it.
fn excerpt(body: &[u8]) -> String {
    let laid_out = match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) => lay_out(&String::from_utf8_lossy(body)),
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(MAX_BYTES + 4)]).into_owned(),
    };
    let mut shown = String::new();
    for line in laid_out.lines().take(MAX_LINES) {
        let room = MAX_BYTES.saturating_sub(shown.len());
        let line = printable(line);
        if line.len() > room {
            shown.push_str(&line[..line.floor_char_boundary(room)]);
            shown.push_str("…\n");
            return shown + &note(body);
        }
        shown.push_str(&line);
        shown.push('\n');
    }
    let complete = laid_out.lines().nth(MAX_LINES).is_none();
    if complete { shown } else { shown + &note(body) }
}

fn note(body: &[u8]) -> String {
    format!("… cut, {} in all\n", size(body.len()))
}

/// JSON text over several lines. Every value stays as it is written; serde would sort keys and rewrite numbers. Stops
/// once there is more than is shown.
fn lay_out(json: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut chars = json.chars().filter(|c| !c.is_control()).peekable();
    while let Some(c) = chars.next() {
        if out.len() > 2 * MAX_BYTES {
            break;
        }
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            ' ' => {}
            '{' | '[' => {
                out.push(c);
                while chars.next_if_eq(&' ').is_some() {}
                match chars.next_if(|&c| c == '}' || c == ']') {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    // A body that is all brackets must not become all spaces.
    out.extend(std::iter::repeat_n("  ", depth.min(20)));
}

/// Without characters that a terminal obeys, or that reorder or hide text; tabs stay.
fn printable(text: &str) -> String {
    let obeyed = |c: char| {
        let hidden = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}');
        hidden || c.is_control() && c != '\t'
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if obeyed(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex as StdMutex;

    use crate::destination::sample::parcel;

    use super::*;

    #[test]
    fn a_message_reads_well() {
        let parcel = parcel(&[], r#"{"b": [1.50,{}, [ ]], "a":"x\"{y"}"#);
        assert_eq!(
            shown(&parcel, false),
            "→ ci  github pull_request.opened  evt 01970000-0000-7000-8000-000000000001 · 34 B  \
             (route prs, attempt 2)\n\
             {\n  \"b\": [\n    1.50,\n    {},\n    []\n  ],\n  \"a\": \"x\\\"{y\"\n}\n"
        );
        assert!(shown(&parcel, true).starts_with(DIM));
    }

    #[test]
    fn a_body_cannot_talk_to_the_terminal() {
        for body in ["\x1b[2Jx\u{9b}31m\r\u{202e}y", "\"\u{9b}31m\u{202e}y\""] {
            let text = shown(&parcel(&[], body), false);
            assert!(!text.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
            assert!(text.contains("\\u{202e}"), "{text}");
        }
    }

    #[test]
    fn long_bodies_are_cut() {
        for body in [
            "x".repeat(100_000),
            "x\n".repeat(41),
            format!("[{}1]", "1,".repeat(50)),
            "[".repeat(100) + &"]".repeat(100),
            "\x1b".repeat(4000),
            "é".repeat(5000),
        ] {
            let shown = excerpt(body.as_bytes());
            assert!(shown.len() <= MAX_BYTES + 100 && shown.lines().count() <= MAX_LINES + 1);
            assert!(shown.contains("… cut, "), "{shown}");
        }
        assert_eq!(excerpt(b""), "");
        assert_eq!(excerpt("x\n".repeat(40).as_bytes()), "x\n".repeat(40));
    }

    /// Takes every call as one piece, or none at all.
    struct Pieces(Arc<StdMutex<Vec<String>>>, bool);

    impl Write for Pieces {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            if self.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.lock().unwrap().push(String::from_utf8(data.to_vec()).unwrap());
            Ok(data.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn each_message_is_written_in_one_piece() {
        let pieces: Arc<StdMutex<Vec<String>>> = Arc::default();
        let console = Console::to(Box::new(Pieces(Arc::clone(&pieces), false)), false);
        let (a, b) = (parcel(&[], "a"), parcel(&[], "b"));
        let (first, second) = tokio::join!(console.send(&a), console.send(&b));
        assert!(matches!((first, second), (Sent::Delivered { .. }, Sent::Delivered { .. })));
        let mut pieces = pieces.lock().unwrap().clone();
        pieces.sort();
        assert_eq!(pieces, [shown(&a, false), shown(&b, false)]);
    }

    #[tokio::test]
    async fn a_closed_pipe_is_tried_again() {
        let console = Console::to(Box::new(Pieces(Arc::default(), true)), false);
        let sent = console.send(&parcel(&[], "a")).await;
        assert!(matches!(sent, Sent::Retryable { cause, .. } if cause.contains("broken pipe")));
    }
}
