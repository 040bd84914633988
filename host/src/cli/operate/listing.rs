//! Lists: their filters, and reading them part by part.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::admin::{List, MAX_LIMIT, Moment, time};
use crate::clock::{Clock as _, SystemClock};

use super::failed::Failed;
use super::output::{self, Output};
use super::reach::Reach;
use super::table::Table;

/// How much of a list.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Part {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) limit: u32,
    /// Go on where the last list ended, as it said
    #[arg(long, value_name = "PLACE")]
    pub(super) after: Option<String>,
}

/// From when to when.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Span {
    /// Not before: how long ago, such as 2h, or a time such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<String>,
    /// Before this time, written likewise
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<String>,
}

/// A path with a query that grows.
#[derive(Clone, Debug)]
pub(super) struct Target {
    path: String,
    query: String,
}

impl Target {
    pub(super) fn new(path: impl Into<String>) -> Self {
        Target { path: path.into(), query: String::new() }
    }

    pub(super) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let separator = if self.query.is_empty() { '?' } else { '&' };
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            let _ = write!(self.query, "{separator}{name}={value}");
        }
        self
    }

    /// What is relative to now is made absolute: a list is read in several parts.
    pub(super) fn within(self, span: &Span) -> Result<Self, Failed> {
        let absolute = |name: &str, text: &Option<String>| {
            let read = |text: &String| time(text, SystemClock.now()).map(|time| Moment(time).text());
            text.as_ref()
                .map(read)
                .transpose()
                .map_err(|problem| Failed::usage(format!("--{name}: {problem}")))
        };
        let (since, until) = (absolute("since", &span.since)?, absolute("until", &span.until)?);
        Ok(self.with("since", since.as_deref()).with("until", until.as_deref()))
    }

    pub(super) fn text(&self) -> String {
        format!("{}{}", self.path, self.query)
    }

    /// One part of the list.
    async fn part<T: DeserializeOwned>(
        &self,
        reach: &Reach,
        after: Option<&str>,
        limit: usize,
    ) -> Result<List<T>, Failed> {
        let target = self.clone().with("after", after).with("limit", Some(&limit.to_string()));
        reach.get(&target.text()).await
    }

    /// Up to `limit` items, and where to go on if there may be more.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        reach: &Reach,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<T>, Option<String>), Failed> {
        let (mut items, mut next) = (Vec::new(), after);
        loop {
            let part = self.part(reach, next.as_deref(), (limit - items.len()).min(MAX_LIMIT)).await?;
            items.extend(part.items);
            next = part.next;
            if next.is_none() || items.len() >= limit {
                return Ok((items, next));
            }
        }
    }

    /// Every item, in parts of bounded size; what is added meanwhile comes before the first and is not seen.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        reach: &Reach,
        mut take: impl FnMut(T),
    ) -> Result<(), Failed> {
        let mut next: Option<String> = None;
        loop {
            let part = self.part(reach, next.as_deref(), MAX_LIMIT).await?;
            part.items.into_iter().for_each(&mut take);
            next = part.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Reads and shows a part.
    pub(super) async fn show<T: DeserializeOwned + Serialize>(
        &self,
        reach: &Reach,
        part: &Part,
        output: Output,
        noun: &str,
        table: impl FnOnce(&[T]) -> Table,
    ) -> Result<(), Failed> {
        let (items, next) = self.read::<T>(reach, part.after.clone(), part.limit as usize).await?;
        match output {
            Output::Json => items.iter().for_each(output::item),
            Output::Table if items.is_empty() => output::note(&format!("no {noun}")),
            Output::Table => super::super::say(&table(&items).text()),
        }
        if let Some(next) = next {
            output::note(&format!("there may be more: --after {next}"));
        }
        Ok(())
    }
}
