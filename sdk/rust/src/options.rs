//! Reads the plugin's table so that every mistake in it is named at once: at load through `validate`, and where that was not
//! asked, in a call.
//!
//! ```
//! use hookyard_plugin::options::Table;
//! use hookyard_plugin::{Event, Failure, Verdict, config, output, plugin};
//!
//! struct Options {
//!     header: String,
//!     level: u64,
//! }
//!
//! impl Options {
//!     fn read(table: &mut Table<'_>) -> Self {
//!         Options {
//!             header: table.required_text("header", "the header to set"),
//!             level: table.integer("level", 1..=9).unwrap_or(5),
//!         }
//!     }
//! }
//!
//! fn process(_: Event) -> Result<Verdict, Failure> {
//!     let options = Table::parse(&config::text(), Options::read)?;
//!     output::set_header(options.header, options.level.to_string());
//!     Ok(Verdict::Forward)
//! }
//!
//! fn validate(config: &str) -> Vec<String> {
//!     Table::problems(config, Options::read)
//! }
//!
//! plugin!(process, validate = validate);
//! ```

use core::ops::RangeInclusive;

use crate::Failure;
use crate::conditions::Conditions;
use crate::json::{Json, is_pointer};
use crate::template;

/// A table that is being read. Each option that is asked for is known; what is left in the end is a mistake.
#[derive(Debug)]
pub struct Table<'a> {
    table: Json<'a>,
    /// Where it stands in the plugin's table, with a dot behind; empty for that itself.
    place: String,
    known: Vec<&'static str>,
    problems: Vec<String>,
}

impl<'a> Table<'a> {
    /// What `read` makes of the plugin's table.
    ///
    /// # Errors
    ///
    /// A permanent failure that names every problem.
    pub fn parse<T>(text: &'a str, read: impl FnOnce(&mut Table<'a>) -> T) -> Result<T, Failure> {
        let mut table = Table::new(Json::new(text), String::new());
        let options = read(&mut table);
        let problems = table.finish();
        if problems.is_empty() { Ok(options) } else { Err(failure(&problems)) }
    }

    /// What is wrong with a table, for [`lifecycle`](crate::lifecycle).
    pub fn problems<T>(text: &'a str, read: impl FnOnce(&mut Table<'a>) -> T) -> Vec<String> {
        let mut table = Table::new(Json::new(text), String::new());
        read(&mut table);
        table.finish()
    }

    fn new(table: Json<'a>, place: String) -> Self {
        Table { table, place, known: Vec::new(), problems: Vec::new() }
    }

    /// A value of any kind.
    pub fn any(&mut self, name: &'static str) -> Option<Json<'a>> {
        self.known.push(name);
        self.table.member(name)
    }

    /// A string.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.any(name)?;
        self.good(name, value.string(), "must be a string")
    }

    /// A string without which nothing works; `what` says what it is for.
    pub fn required_text(&mut self, name: &'static str, what: &str) -> String {
        self.require(name, what);
        self.text(name).unwrap_or_default()
    }

    /// A string with holes, as [`template`](crate::template) fills them; `names` are those that the plugin knows besides.
    pub fn template(&mut self, name: &'static str, names: &[&str]) -> Option<String> {
        let text = self.text(name)?;
        let checked = template::check(&text, names);
        self.checked(name, checked);
        Some(text)
    }

    /// A document with holes in its strings; an object.
    pub fn document(&mut self, name: &'static str, names: &[&str]) -> Option<Json<'a>> {
        let value = self.object(name)?;
        let checked = template::check_document(value, names);
        self.checked(name, checked);
        Some(value)
    }

    /// An object.
    pub fn object(&mut self, name: &'static str) -> Option<Json<'a>> {
        let value = self.any(name)?;
        self.good(name, Some(value).filter(|value| value.sigil() == b'{'), "must be a table")
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let value = self.any(name)?;
        self.good(name, value.text().parse().ok(), "must be true or false")
    }

    /// A whole number in this range.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.any(name)?;
        let number = value.text().parse().ok().filter(|number| range.contains(number));
        let (low, high) = (range.start().to_string(), range.end().to_string());
        self.good(name, number, &["must be a number from ", &low, " to ", &high].concat())
    }

    /// One of these words, as what it stands for.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let value = self.any(name)?;
        let text = value.string().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        let mut problem = "must be ".to_owned();
        for (at, (word, _)) in words.iter().enumerate() {
            let separator = if at == 0 {
                ""
            } else if at + 1 == words.len() {
                " or "
            } else {
                ", "
            };
            problem.extend([separator, "\"", word, "\""]);
        }
        self.good(name, found, &problem)
    }

    /// A JSON pointer; the empty one is the whole document.
    pub fn pointer(&mut self, name: &'static str) -> Option<String> {
        let value = self.any(name)?;
        let pointer = value.string().filter(|text| is_pointer(text));
        self.good(name, pointer, "must be a JSON pointer such as \"/customer\"")
    }

    /// One string, or a list of them.
    pub fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.any(name)?;
        let texts = match value.sigil() {
            b'[' => value.items().map(Json::string).collect(),
            _ => value.string().map(|text| vec![text]),
        };
        self.good(name, texts, "must be a string or a list of strings")
    }

    /// Conditions on the event, as in a route's `match`.
    pub fn conditions(&mut self, name: &'static str) -> Option<Conditions> {
        let value = self.any(name)?;
        let read = Conditions::read(value);
        self.worked(name, read)
    }

    /// [`conditions`](Self::conditions), or a list of such tables.
    pub fn alternatives(&mut self, name: &'static str) -> Option<Vec<Conditions>> {
        let value = self.any(name)?;
        let read = match value.sigil() {
            b'[' => value.items().map(Conditions::read).collect(),
            _ => Conditions::read(value).map(|conditions| vec![conditions]),
        };
        self.worked(name, read)
    }

    /// Each object of a list, or the one that stands in place of it.
    pub fn tables<T>(&mut self, name: &'static str, read: impl Fn(&mut Table<'a>) -> T) -> Option<Vec<T>> {
        let value = self.any(name)?;
        let tables: Vec<_> = if value.sigil() == b'{' { vec![value] } else { value.items().collect() };
        if (value.sigil() != b'[' && tables.is_empty()) || tables.iter().any(|table| table.sigil() != b'{') {
            return self.good(name, None, "must be a list of tables");
        }
        let mut all = Vec::new();
        for (at, table) in tables.into_iter().enumerate() {
            let place = [&self.place, name, "[", &at.to_string(), "]."].concat();
            let mut inner = Table::new(table, place);
            all.push(read(&mut inner));
            self.problems.extend(inner.finish());
        }
        Some(all)
    }

    /// Each member of an object by its name, such as headers, as templates.
    pub fn templates(&mut self, name: &'static str, names: &[&str]) -> Vec<(String, String)> {
        let Some(table) = self.object(name) else { return Vec::new() };
        let mut templates = Vec::new();
        for (member, value) in table.members() {
            match value.string() {
                None => self.problem(name, &["has a \"", &member, "\" that is not a string"].concat()),
                Some(text) => {
                    let checked = template::check(&text, names);
                    self.checked(name, checked);
                    templates.push((member, text));
                }
            }
        }
        templates
    }

    /// Says that an option must be there; `what` says what it is for.
    pub fn require(&mut self, name: &'static str, what: &str) {
        if self.table.member(name).is_none() {
            self.problem(name, &[what, ", is missing"].concat());
        }
    }

    /// A problem of an option, which the plugin has found.
    pub fn problem(&mut self, name: &str, problem: &str) {
        let separator = if problem.ends_with(", is missing") { ", " } else { " " };
        self.problems.push(["`", &self.place, name, "`", separator, problem].concat());
    }

    fn good<T>(&mut self, name: &str, value: Option<T>, problem: &str) -> Option<T> {
        if value.is_none() {
            self.problem(name, problem);
        }
        value
    }

    fn worked<T>(&mut self, name: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|problem| self.problem(name, &problem)).ok()
    }

    fn checked(&mut self, name: &str, checked: Result<(), String>) {
        if let Err(problem) = checked {
            self.problem(name, &["is a text of which ", &problem].concat());
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.table.sigil() != b'{' {
            self.problems = vec![["`", self.place.trim_end_matches('.'), "` must be a table"].concat()];
            return self.problems;
        }
        let options = self.known.join(", ");
        for (name, _) in self.table.members() {
            if !self.known.contains(&&*name) {
                self.problem(&name, &["is not an option; the options are ", &options].concat());
            }
        }
        self.problems
    }
}

fn failure(problems: &[String]) -> Failure {
    Failure::Permanent(["config: ", &problems.join("; ")].concat())
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn problems(text: &str) -> Vec<String> {
        Table::problems(text, |table| {
            table.required_text("key", "what to look up");
            table.integer("count", 1..=10);
            table.word("mode", &[("a", 1), ("b", 2), ("c", 3)]);
            table.pointer("at");
            table.texts("to");
            table.template("text", &["count"]);
            table.document("fields", &[]);
            table.templates("headers", &[]);
            table.boolean("loud");
            table.conditions("match");
            table.tables("rules", |rule| rule.required_text("to", "where to send"));
        })
    }

    #[test]
    fn a_good_table_has_no_problems() {
        for text in [
            r#"{"key": "k"}"#,
            r#"{"key": "", "count": 10, "mode": "c", "at": "", "to": "x", "text": "{count}{/a}", "fields": {"a": ["{/b}", 1]},
                "headers": {"a": "{event.id}"}, "loud": false, "match": {"/a": 1}, "rules": [{"to": "a"}, {"to": "b"}]}"#,
            r#"{"key": "k", "to": ["x", "y"], "rules": {"to": "a"}}"#,
        ] {
            assert_eq!(problems(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn every_problem_is_named() {
        let check = |text: &str, expected: &[&str]| assert_eq!(problems(text), expected, "{text}");
        check("{}", &["`key`, what to look up, is missing"]);
        check("[]", &["`` must be a table"]);
        check(
            r#"{"key": 1, "count": 11, "mode": "d", "at": "a", "to": [1]}"#,
            &[
                "`key` must be a string",
                "`count` must be a number from 1 to 10",
                "`mode` must be \"a\", \"b\" or \"c\"",
                "`at` must be a JSON pointer such as \"/customer\"",
                "`to` must be a string or a list of strings",
            ],
        );
        let hole = "has a placeholder that is none of {/json/pointer}, {header:Name}, {event.id}, {event.kind}, {event.source}";
        check(
            r#"{"key": "k", "text": "{x}", "fields": {"a": "{count}"}, "headers": {"a": 1, "b": "{"}, "loud": 1}"#,
            &[
                &["`text` is a text of which \"{x}\" ", hole, ", {count}"].concat(),
                &["`fields` is a text of which \"{count}\" ", hole].concat(),
                "`headers` has a \"a\" that is not a string",
                "`headers` is a text of which \"{\" has a brace without its partner; a brace itself is written twice",
                "`loud` must be true or false",
            ],
        );
        check(
            r#"{"key": "k", "rules": [{}, {"to": "a", "top": 1}], "match": 1, "kye": 2}"#,
            &[
                "`match` must be a table of conditions",
                "`rules[0].to`, where to send, is missing",
                "`rules[1].top` is not an option; the options are to",
                "`kye` is not an option; the options are key, count, mode, at, to, text, fields, headers, loud, match, rules",
            ],
        );
    }
}
