//! What came of every case in every language: printed, and kept in the documentation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use hookyard_tests::repository;

use super::language::{GAPS, LANGUAGES, Language};

/// A cell: what is wrong, or nothing.
pub(super) type Judgement = Result<(), String>;

/// What came of every case in one language.
pub(super) struct Column {
    /// What it was built with.
    pub(super) toolchain: String,
    /// In the order of the table.
    pub(super) cells: Vec<(String, Judgement)>,
}

/// The columns of those languages that are built, by name.
#[derive(Default)]
pub(super) struct Table(pub(super) BTreeMap<&'static str, Column>);

const NOT_BUILT: &str = "not built";

/// Where it is kept.
pub(super) fn document() -> PathBuf {
    repository().join("docs/conformance.md")
}

const HEAD: &str = "\
# What plugins do in each language

One suite asks the same of a plugin in every language: every function of the contract, every verdict, every limit, text and
bytes that a language could spoil, 10,000 calls in a row. The guest `conformance` does what its configuration tells it to
(`plugins/conformance`, `plugins/LANGUAGE/conformance`), `redact` and `expand` do what their readmes say. The calls go
through the real runtime, those of the group `gateway` over sockets, routes and the store as well.

    cargo xtask plugins --lang all              # builds what can be built here
    cargo test -p hookyard-tests conformance    # what is built runs; what is not is named
    HOOKYARD_LANGUAGES=go,c cargo test -p hookyard-tests conformance    # tries these only
    HOOKYARD_BLESS=1 cargo test -p hookyard-tests conformance    # writes this page

A run that comes to anything else than this page fails. With `HOOKYARD_REQUIRE_LANGUAGES=1` a language that is not built is a failure.
";

impl Table {
    /// Every failure, and every language that is not there.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for (language, column) in &self.0 {
            for (case, judgement) in &column.cells {
                match (judgement, gap(language, case)) {
                    (Err(problem), None) => failures.push(format!("{language}: {case}: {problem}")),
                    (Ok(()), Some(_)) => {
                        failures.push(format!("{language}: {case}: passes, so that it is no gap any more"));
                    }
                    (Ok(()), None) | (Err(_), Some(_)) => {}
                }
            }
        }
        failures
    }

    /// The page. Columns of what is not built here stay as they are on the page before.
    pub(super) fn page(&self, before: &str) -> String {
        let kept = Kept::read(before);
        let mut page = HEAD.to_owned();
        page.push_str("\n## Built with\n\n| language | toolchain |\n|---|---|\n");
        for language in LANGUAGES {
            let toolchain = match self.0.get(language.name) {
                Some(column) => &*column.toolchain,
                None => kept.toolchain(language),
            };
            let _ = writeln!(page, "| {} | {toolchain} |", language.title);
        }
        page.push_str("\n## Cases\n\n| case |");
        LANGUAGES.iter().for_each(|language| page.push_str(&format!(" {} |", language.title)));
        page.push_str("\n|---|");
        page.push_str(&"---|".repeat(LANGUAGES.len()));
        page.push('\n');
        for case in self.cases() {
            let _ = write!(page, "| {case} |");
            for language in LANGUAGES {
                let _ = write!(
                    page,
                    " {} |",
                    self.cell(language, case).unwrap_or_else(|| kept.cell(language, case))
                );
            }
            page.push('\n');
        }
        page.push_str("\n## What is not to be had\n\n");
        for (language, case, why) in GAPS {
            let _ = writeln!(page, "- {language}, {case}: {why}.");
        }
        page
    }

    /// Where the page says something else than this run.
    pub(super) fn disagreements(&self, page: &str) -> Vec<String> {
        let kept = Kept::read(page);
        let mut found = Vec::new();
        for language in LANGUAGES.iter().filter(|language| self.0.contains_key(language.name)) {
            for case in self.cases() {
                let (seen, kept) =
                    (self.cell(*language, case).unwrap_or(NOT_BUILT), kept.cell(*language, case));
                if seen != kept {
                    found.push(format!("{}: {case}: {seen}, and the page says {kept}", language.name));
                }
            }
        }
        let known: Vec<&str> = self.cases().collect();
        found.extend(
            kept.cases().filter(|case| !known.contains(case)).map(|case| format!("there is no case {case}")),
        );
        found
    }

    /// As text for a terminal: a letter for each case.
    pub(super) fn print(&self) {
        eprintln!("{:60} {}", "", LANGUAGES.map(|language| format!("{:11.10}", language.name)).concat());
        for case in self.cases() {
            let cells =
                LANGUAGES.map(|language| format!("{:11}", self.cell(language, case).unwrap_or(NOT_BUILT)));
            eprintln!("{case:60} {}", cells.concat());
        }
    }

    fn cell(&self, language: Language, case: &str) -> Option<&'static str> {
        let column = self.0.get(language.name)?;
        let (_, judgement) = column.cells.iter().find(|(name, _)| name == case)?;
        Some(match (judgement, gap(language.name, case)) {
            (Ok(()), _) => "ok",
            (Err(_), Some(_)) => "no",
            (Err(_), None) => "**fails**",
        })
    }

    fn cases(&self) -> impl Iterator<Item = &str> {
        let longest = self.0.values().max_by_key(|column| column.cells.len());
        longest.into_iter().flat_map(|column| column.cells.iter().map(|(name, _)| &**name))
    }
}

/// Why a language cannot pass a case, if it cannot.
fn gap(language: &str, case: &str) -> Option<&'static str> {
    GAPS.iter().find(|(of, named, _)| *of == language && *named == case).map(|(.., why)| *why)
}

/// The rows of a page.
struct Kept<'a>(Vec<Vec<&'a str>>);

impl<'a> Kept<'a> {
    fn read(page: &'a str) -> Self {
        let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
        Kept(rows.map(|row| row.split(" | ").collect()).collect())
    }

    fn toolchain(&self, language: Language) -> &'a str {
        let row = self.0.iter().find(|row| row.len() == 2 && row[0] == language.title);
        row.map_or(NOT_BUILT, |row| row[1])
    }

    fn cell(&self, language: Language, case: &str) -> &'a str {
        let titles = self.0.iter().find(|row| row.first() == Some(&"case"));
        let column = titles.and_then(|row| row.iter().position(|title| *title == language.title));
        let row = self.0.iter().find(|row| row.len() > 2 && row[0] == case);
        row.zip(column).and_then(|(row, column)| row.get(column)).copied().unwrap_or(NOT_BUILT)
    }

    fn cases(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(|row| row.len() > 2 && row[0] != "case").map(|row| row[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(language: &'static str, cells: &[(&str, bool)]) -> Table {
        let judgement = |right: &bool| if *right { Ok(()) } else { Err("wrong".to_owned()) };
        let cells = cells.iter().map(|(case, right)| ((*case).to_owned(), judgement(right))).collect();
        Table(BTreeMap::from([(language, Column { toolchain: "tool 1.2".to_owned(), cells })]))
    }

    #[test]
    fn a_page_is_held_against_what_is_built() {
        let both = [("kv: get", true), ("kv: set", true)];
        let page = table("rust", &both).page("");
        assert!(page.contains("| Rust | tool 1.2 |") && page.contains("| Go | not built |"));
        assert_eq!(table("rust", &both).disagreements(&page), [""; 0]);
        let fails = table("rust", &[("kv: get", true), ("kv: set", false)]);
        assert_eq!(fails.disagreements(&page), ["rust: kv: set: **fails**, and the page says ok"]);
        assert_eq!(fails.failures(), ["rust: kv: set: wrong"]);
        let new = table("rust", &[("kv: get", true), ("kv: set", true), ("kv: new", true)]);
        assert_eq!(new.disagreements(&page), ["rust: kv: new: ok, and the page says not built"]);
        assert_eq!(table("rust", &both[..1]).disagreements(&page), ["there is no case kv: set"]);
        assert_eq!(table("go", &both).disagreements(&page).len(), 2);
        // Where Go is built and Rust is not, what is known of Rust stays.
        let page = table("go", &both).page(&page);
        assert_eq!(table("rust", &both).disagreements(&page), [""; 0]);
        assert_eq!(table("go", &both).disagreements(&page), [""; 0]);
        assert!(page.contains("| Rust | tool 1.2 |"));
    }
}
