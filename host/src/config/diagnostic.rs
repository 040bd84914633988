//! What is wrong with a configuration, with a picture of the line.
//!
//! A picture shows the operator's own text, so stretches that may hold a secret are masked before it is kept.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::Location;
use super::text::Spot;

/// Errors shown in full; the rest is counted. A binary file read by mistake has thousands.
const SHOWN: usize = 50;
/// Bytes of the longest line that is drawn.
const LONGEST_LINE: usize = 1000;

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Where.
    pub at: Location,
    /// What is wrong, in one line.
    pub message: String,
    /// A few words at the place itself: what was expected, or a suggestion.
    pub label: Option<String>,
    /// How to put it right.
    pub help: Option<String>,
    excerpt: Option<Excerpt>,
}

/// The first line of a stretch of text.
#[derive(Clone, Debug)]
struct Excerpt {
    line: String,
    span: Range<usize>,
}

impl Diagnostic {
    /// About a place in a text; `secrets` are stretches of the same text that must not be shown.
    pub(super) fn new(found: Finding, secrets: &[Range<usize>]) -> Self {
        Diagnostic {
            at: found.spot.location(),
            message: printable(&found.message),
            label: found.label.as_deref().map(printable),
            help: found.help.as_deref().map(printable),
            excerpt: excerpt(&found.spot, secrets),
        }
    }

    /// About a file as a whole.
    pub(super) fn of_file(file: &Path, message: String) -> Self {
        Diagnostic {
            at: Location { file: file.to_string_lossy().into(), line: 1, column: 1 },
            message: printable(&message),
            label: None,
            help: None,
            excerpt: None,
        }
    }

    /// Place, message, and suggestion in one line, for a log or a status page.
    pub fn summary(&self) -> String {
        match &self.label {
            Some(label) => format!("{}: {}: {label}", self.at, self.message),
            None => format!("{}: {}", self.at, self.message),
        }
    }

    fn render(&self, renderer: &Renderer) -> String {
        let title = Level::ERROR.primary_title(&self.message);
        let file = &*self.at.file;
        let mut group: Group<'_> = match &self.excerpt {
            Some(excerpt) => {
                let mark = AnnotationKind::Primary.span(excerpt.span.clone());
                let snippet = Snippet::source(&excerpt.line).path(file).line_start(self.at.line);
                title.element(snippet.annotation(mark.label(self.label.as_deref())))
            }
            None => {
                let origin =
                    annotate_snippets::Origin::path(file).line(self.at.line).char_column(self.at.column);
                let group = title.element(origin);
                match &self.label {
                    Some(label) => group.element(Level::NOTE.message(label)),
                    None => group,
                }
            }
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

/// Something found wrong while a text is read.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) spot: Spot,
    pub(super) message: String,
    pub(super) label: Option<String>,
    pub(super) help: Option<String>,
}

impl Finding {
    /// Adds a few words under the marked text.
    pub(super) fn label(&mut self, text: impl Into<String>) -> &mut Self {
        self.label = Some(text.into());
        self
    }

    /// Adds how to put it right.
    pub(super) fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }
}

/// A terminal or a log must not obey control characters that a file smuggles into a message.
fn printable(text: &str) -> String {
    let escape = |character: char| match character {
        '\n' => "\n".to_owned(),
        control if control.is_control() => control.escape_default().to_string(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

fn excerpt(spot: &Spot, secrets: &[Range<usize>]) -> Option<Excerpt> {
    let text = &spot.text;
    let start = floor(&text.text, spot.span.start);
    let line = text.line(text.line_of(start));
    if line.len() > LONGEST_LINE || start > line.end {
        return None;
    }
    let end = floor(&text.text, spot.span.end).clamp(start, line.end);
    let mut shown = Vec::with_capacity(line.len());
    for (at, byte) in line.clone().zip(text.text.get(line.clone())?.bytes()) {
        let secret = secrets.iter().any(|range| range.contains(&at));
        // One `*` for each byte keeps the marks in place.
        shown.push(if secret { b'*' } else { byte });
    }
    Some(Excerpt {
        line: String::from_utf8_lossy(&shown).into_owned(),
        span: start - line.start..end - line.start,
    })
}

fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Everything that is wrong with a configuration. `Display` draws each error in plain text.
#[derive(Clone, Debug)]
pub struct ConfigErrors {
    errors: Vec<Diagnostic>,
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl ConfigErrors {
    pub(super) fn new(errors: Vec<Diagnostic>, files: Vec<PathBuf>, directories: Vec<PathBuf>) -> Self {
        ConfigErrors { errors, files, directories }
    }

    /// Each error; at least one.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// The files that were read, so that a watcher notices their repair.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The directories that an include pattern looks into.
    pub fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// One line for each error, without pictures.
    pub fn summaries(&self) -> impl Iterator<Item = String> {
        self.errors.iter().map(Diagnostic::summary)
    }

    /// The first error in one line, and how many more there are.
    pub fn summary(&self) -> String {
        let first = self.errors.first().map(Diagnostic::summary).unwrap_or_default();
        match self.errors.len() {
            0 | 1 => first,
            count => format!("{first} (and {} more)", count - 1),
        }
    }

    /// Each error drawn in colour, for a terminal.
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let shown = self.errors.iter().take(SHOWN);
        let mut pictures: Vec<String> = shown.map(|error| error.render(renderer)).collect();
        if self.errors.len() > SHOWN {
            pictures.push(format!("… and {} more errors", self.errors.len() - SHOWN));
        }
        pictures.join("\n\n")
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for ConfigErrors {}
