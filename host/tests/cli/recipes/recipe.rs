//! A recipe as it is written: a configuration, and in its first comment how to try it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

/// What may stand in the comment after `Try it:`.
const FORM: &str = "expected `hookyard send …   -> NAME, NAME`, or, further in, `NAME has …`, `NAME lacks …` or \
                    `the sender is told …` with a text between backticks";

/// A recipe.
pub(super) struct Recipe {
    text: String,
    /// What is to be tried, in this order.
    pub(super) trials: Vec<Trial>,
}

/// One command, and what comes of it.
#[derive(Debug)]
pub(super) struct Trial {
    /// The words after `hookyard`.
    pub(super) command: Vec<String>,
    /// The destinations that get something, in alphabetical order.
    pub(super) to: Vec<String>,
    /// What else is said of it.
    pub(super) claims: Vec<Claim>,
}

/// What somebody is sent or told.
#[derive(Debug)]
pub(super) struct Claim {
    /// A destination, or `the sender`.
    pub(super) who: String,
    /// Whether it contains the text, or does not.
    pub(super) has: bool,
    pub(super) text: String,
}

impl Recipe {
    /// Reads one.
    pub(super) fn new(text: &str) -> Self {
        let comment = text.lines().skip_while(|line| *line != "# Try it:").skip(1);
        let mut trials: Vec<Trial> = Vec::new();
        for line in comment.take_while(|line| line.starts_with('#')) {
            if let Some(command) = line.strip_prefix("#   hookyard ") {
                trials.push(trial(command).unwrap_or_else(|| panic!("{line}\n{FORM}")));
            } else {
                let claim = line.strip_prefix("#     ").and_then(claim);
                let (claim, trial) = claim.zip(trials.last_mut()).unwrap_or_else(|| panic!("{line}\n{FORM}"));
                assert!(claim.who == "the sender" || trial.to.contains(&claim.who), "{line}: gets nothing");
                trial.claims.push(claim);
            }
        }
        assert!(!trials.is_empty(), "nothing is to be tried");
        Recipe { text: text.to_owned(), trials }
    }

    /// The environment variables that it names.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let named = self.settings().flat_map(|line| line.split("env = \"").skip(1));
        named.filter_map(|rest| rest.split('"').next())
    }

    /// Destinations that keep something: their files, and None for those at an address.
    pub(super) fn destinations(&self) -> BTreeMap<&str, Option<&str>> {
        let mut destinations = BTreeMap::new();
        for (table, line) in self.lines() {
            let Some(name) = table.strip_prefix("destinations.") else { continue };
            if line.starts_with("url = \"https://") {
                destinations.insert(name, None);
            } else if let Some(path) = line.strip_prefix("path = \"") {
                destinations.insert(name, path.split('"').next());
            }
        }
        destinations
    }

    /// The same with all its destinations at this receiver, on an address of its own, and its plugins where they are.
    pub(super) fn here(&self, listen: SocketAddr, receiver: SocketAddr, dist: &Path) -> String {
        let listen = format!("listen = \"{listen}\"");
        let mut text = String::new();
        for (table, line) in self.lines() {
            match table.strip_prefix("destinations.") {
                Some(name) if line.starts_with("url = \"https://") => {
                    text.push_str(&format!("url = \"http://{receiver}/{name}\"\nnetwork = \"private\"\n"));
                }
                _ => text.push_str(&format!("{line}\n")),
            }
            if line == "[server]" {
                text.push_str(&format!("{listen}\n"));
            }
        }
        if !text.contains(&listen) {
            text.push_str(&format!("[server]\n{listen}\n"));
        }
        text.replace("\"plugins/dist/", &format!("\"{}/", dist.display()))
    }

    fn settings(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.starts_with('#'))
    }

    /// Each line with the name of the table that it is in.
    fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.lines().scan("", |table, line| {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                *table = name;
            }
            Some((*table, line))
        })
    }
}

fn trial(line: &str) -> Option<Trial> {
    let (command, to) = line.split_once(" -> ")?;
    let mut to: Vec<String> = to.split(", ").map(|name| name.trim().to_owned()).collect();
    to.retain(|name| name != "nobody");
    to.sort();
    Some(Trial { command: words(command), to, claims: Vec::new() })
}

/// Words as a shell reads them, of which single quotes are all that is used here.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (at, part) in command.split('\'').enumerate() {
        let quoted = at % 2 == 1;
        let pieces: Vec<&str> = if quoted { vec![part] } else { part.split(' ').collect() };
        for (number, piece) in pieces.into_iter().enumerate() {
            if number > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(piece);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn claim(line: &str) -> Option<Claim> {
    let (said, text) = line.strip_suffix('`')?.split_once(" `")?;
    let text = text.to_owned();
    if said == "the sender is told" {
        return Some(Claim { who: "the sender".to_owned(), has: true, text });
    }
    let (who, verb) = said.split_once(' ')?;
    let has = ["has", "lacks"].iter().position(|known| *known == verb)? == 0;
    Some(Claim { who: who.to_owned(), has, text })
}
