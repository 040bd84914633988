//! What is gathered while files are read: findings, warnings, names, and references between elements.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Location;
use super::diagnostic::{Diagnostic, Finding};
use super::text::{Spot, Text};

/// Findings kept; a file that is no configuration at all must not fill the memory.
const MAX_FINDINGS: usize = 500;

/// What an operator names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Source,
    Plugin,
    Route,
    Destination,
    Secret,
}

impl Kind {
    /// The word for one, and the table that holds them.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Kind::Source => ("source", "sources"),
            Kind::Plugin => ("plugin", "plugins"),
            Kind::Route => ("route", "routes"),
            Kind::Destination => ("destination", "destinations"),
            Kind::Secret => ("secret", "secrets"),
        }
    }
}

/// A name that must exist.
pub(super) struct Reference {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) spot: Spot,
}

/// Everything gathered over all files of one load. Behind cells, so that readers can report through a shared
/// reference while they hold parts of the document.
#[derive(Default)]
pub(super) struct Gathered {
    findings: RefCell<Vec<Finding>>,
    file_errors: RefCell<Vec<Diagnostic>>,
    secrets: RefCell<Vec<Spot>>,
    pub(super) warnings: RefCell<Vec<(Location, String)>>,
    pub(super) references: RefCell<Vec<Reference>>,
    pub(super) declared: RefCell<BTreeMap<(Kind, String), Spot>>,
}

impl Gathered {
    /// Records what is wrong; the caller may say more about it through `more`.
    pub(super) fn error(&self, spot: Spot, message: impl Into<String>, more: impl FnOnce(&mut Finding)) {
        let mut findings = self.findings.borrow_mut();
        if findings.len() < MAX_FINDINGS {
            let mut finding = Finding { spot, message: message.into(), label: None, help: None };
            more(&mut finding);
            findings.push(finding);
        }
    }

    pub(super) fn file_error(&self, file: &Path, message: String) {
        self.file_errors.borrow_mut().push(Diagnostic::of_file(file, message));
    }

    pub(super) fn warn(&self, spot: &Spot, message: impl Into<String>) {
        self.warnings.borrow_mut().push((spot.location(), message.into()));
    }

    /// Keeps a stretch of text out of every picture.
    pub(super) fn mask(&self, spot: Spot) {
        self.secrets.borrow_mut().push(spot);
    }

    /// Records a name; false where it was taken.
    pub(super) fn declare(&self, kind: Kind, name: &str, spot: Spot) -> bool {
        let first = self.declared.borrow().get(&(kind, name.to_owned())).map(Spot::location);
        let Some(first) = first else {
            self.declared.borrow_mut().insert((kind, name.to_owned()), spot);
            return true;
        };
        let (word, _) = kind.words();
        self.error(spot, format!("{word} `{name}` is declared twice"), |error| {
            error.label(format!("first declared at {first}"));
        });
        false
    }

    /// The errors in the order of files and lines.
    pub(super) fn into_errors(self, order: &[Arc<Text>]) -> Vec<Diagnostic> {
        let secrets = self.secrets.into_inner();
        let of_same_text = |text: &Arc<Text>| -> Vec<Range<usize>> {
            let same = secrets.iter().filter(|spot| Arc::ptr_eq(&spot.text, text));
            same.map(|spot| spot.span.clone()).collect()
        };
        let place = |finding: &Finding| {
            let file = order.iter().position(|text| Arc::ptr_eq(text, &finding.spot.text));
            (file, finding.spot.span.start)
        };
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(place);
        let found = findings.into_iter().map(|finding| {
            let secrets = of_same_text(&finding.spot.text);
            Diagnostic::new(finding, &secrets)
        });
        self.file_errors.into_inner().into_iter().chain(found).collect()
    }
}

/// One file being read.
pub(super) struct Context<'a> {
    pub(super) text: Arc<Text>,
    /// What paths in this file are relative to.
    pub(super) directory: PathBuf,
    pub(super) gathered: &'a Gathered,
}

impl Context<'_> {
    pub(super) fn spot(&self, span: Range<usize>) -> Spot {
        Spot { text: self.text.clone(), span }
    }
}
