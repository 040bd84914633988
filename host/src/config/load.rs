//! From files to a configuration. Everything wrong in every file is found in one pass.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::context::{Context, Gathered};
use super::depth::{dismantle, too_deep};
use super::field::Element;
use super::include;
use super::links;
use super::root::{CONFIG, INCLUDED};
use super::table::Table;
use super::text::Text;
use super::value::Value;
use super::{Config, ConfigErrors};

/// Far above any configuration that people write, far below what would hurt to read by mistake.
const MAX_FILE: u64 = 8 << 20;

/// Parts of keys, or of values, beside which a secret may stand.
const SECRET_WORDS: [&str; 10] =
    ["secret", "env", "credential", "bearer", "token", "password", "authorization", "key", "value", "://"];

/// Syntax errors told about one file; they tend to follow from each other.
const SYNTAX_ERRORS: usize = 20;

/// Reads a file and all that it includes.
pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
    let mut loading = Loading::default();
    loading.files.push(path.to_owned());
    match read_file(path) {
        Ok(text) => {
            let directory = path.parent().unwrap_or(Path::new(""));
            loading.main(&path.to_string_lossy(), text, directory);
        }
        Err(problem) => loading.gathered.file_error(path, problem.to_string()),
    }
    loading.finish()
}

/// Reads a text as if it stood in a file of that name, with paths and includes relative to `base_dir`. For
/// embedders; `files` then names the included files only.
pub fn parse(text: &str, file_name: &str, base_dir: &Path) -> Result<Config, ConfigErrors> {
    let mut loading = Loading::default();
    loading.main(file_name, text.to_owned(), base_dir);
    loading.finish()
}

#[derive(Default)]
struct Loading {
    gathered: Gathered,
    config: Config,
    texts: Vec<Arc<Text>>,
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    /// A file is no TOML: names that it declares are unknown, so references prove nothing.
    incomplete: bool,
}

impl Loading {
    fn main(&mut self, name: &str, text: String, directory: &Path) {
        let mut included = Vec::new();
        self.file(name, text, directory, &CONFIG, |config, gathered_directories, root| {
            config.read_settings(root);
            config.read_elements(root);
            let patterns = root.get("include").and_then(Value::items).unwrap_or_default();
            included = include::files(&patterns, gathered_directories);
        });
        let mut seen: HashSet<PathBuf> =
            self.files.iter().filter_map(|file| file.canonicalize().ok()).collect();
        for (path, spot) in included {
            if path.canonicalize().is_ok_and(|path| !seen.insert(path)) {
                continue;
            }
            self.files.push(path.clone());
            match read_file(&path) {
                Ok(text) => {
                    let directory = path.parent().unwrap_or(Path::new(""));
                    self.file(&path.to_string_lossy(), text, directory, &INCLUDED, |config, _, root| {
                        config.read_elements(root);
                    });
                }
                Err(problem) => {
                    self.incomplete = true;
                    let message = format!("cannot include {}: {problem}", path.display());
                    self.gathered.error(spot, message, |_| ());
                }
            }
        }
    }

    fn file(
        &mut self,
        name: &str,
        text: String,
        directory: &Path,
        element: &'static Element,
        read: impl FnOnce(&mut Config, &mut Vec<PathBuf>, &Table<'_>),
    ) {
        let text = Arc::new(Text::new(name, text));
        self.texts.push(text.clone());
        let context =
            Context { text: text.clone(), directory: directory.to_owned(), gathered: &self.gathered };
        let Some(document) = document(&context) else {
            self.incomplete = true;
            return;
        };
        let root = Table::new(&context, element, String::new(), &document, 0..0);
        read(&mut self.config, &mut self.directories, &root);
    }

    fn finish(mut self) -> Result<Config, ConfigErrors> {
        if !self.incomplete {
            links::check(&self.config, &self.gathered);
        }
        self.config.warnings = self.gathered.warnings.take();
        let file = |name: &Arc<str>| self.texts.iter().position(|text| text.name == *name);
        self.config.warnings.sort_by_key(|(at, _)| (file(&at.file), at.line, at.column));
        let errors = self.gathered.into_errors(&self.texts);
        if errors.is_empty() {
            self.config.files = self.files;
            self.config.directories = self.directories;
            Ok(self.config)
        } else {
            Err(ConfigErrors::new(errors, self.files, self.directories))
        }
    }
}

/// The parsed text, or None with every syntax error reported.
fn document<'a>(context: &'a Context<'_>) -> Option<DeTable<'a>> {
    let text: &'a Text = &context.text;
    let (table, errors) = DeTable::parse_recoverable(&text.text);
    let deep = too_deep(table.get_ref());
    if errors.is_empty() && deep.is_none() {
        return Some(table.into_inner());
    }
    dismantle(table.into_inner());
    if let Some(span) = deep {
        context.gathered.error(context.spot(span), "this nests too deeply", |_| ());
    }
    // What follows an error on the same line is usually its echo.
    let mut lines = HashSet::new();
    for error in errors.into_iter().take(SYNTAX_ERRORS) {
        let span = error.span().unwrap_or(0..0);
        if lines.insert(text.line_of(span.start)) {
            mask_value(context, span.start);
            context.gathered.error(context.spot(span), error.message(), |finding| {
                finding.label("the text is not TOML from here on");
            });
        }
    }
    None
}

/// Where the text is no TOML, only the nearest key before tells that a value may be a secret.
fn mask_value(context: &Context<'_>, offset: usize) {
    let text = &context.text;
    let last = text.line_of(offset);
    let line = |number: usize| text.text.get(text.line(number)).unwrap_or_default();
    let Some(first) = (0..=last).rev().find(|number| line(*number).contains('=')) else {
        return;
    };
    let shown = line(first).to_ascii_lowercase();
    if SECRET_WORDS.iter().any(|word| shown.contains(word)) {
        let value = text.line(first).start + shown.find('=').unwrap_or_default() + 1;
        context.gathered.mask(context.spot(value..text.line(last).end));
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other("larger than 8 MiB"));
    }
    String::from_utf8(bytes).map_err(|problem| {
        let at = problem.utf8_error().valid_up_to();
        io::Error::other(format!("not UTF-8 at byte {at}"))
    })
}
