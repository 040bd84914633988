//! Query strings of the admin API. A parameter that nobody knows is an error: a misspelt filter would otherwise select
//! everything.

use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::delivery::{State, later};
use crate::event::UnixMillis;
use crate::routing::Glob;
use crate::store::{EventFilter, EventState, WorkFilter};

use super::refusal::Refusal;

/// Items in a part of a list, where nobody says how many.
const DEFAULT_LIMIT: usize = 100;

/// Items in a part of a list, at most.
pub(crate) const MAX_LIMIT: usize = 1000;

/// The parameters that have not been looked at yet.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    now: UnixMillis,
}

impl Query {
    pub(super) fn parse(text: &str, now: UnixMillis) -> Result<Self, Refusal> {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8().map(String::from).map_err(|_| {
                Refusal::bad(format!("the query has a part that is not UTF-8: {}", text.escape_debug()))
            })
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(Query { pairs: pairs.collect::<Result<_, Refusal>>()?, now })
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(at) = self.pairs.iter().position(|(found, _)| found == name) else { return Ok(None) };
        let (_, value) = self.pairs.remove(at);
        if self.pairs.iter().any(|(found, _)| found == name) {
            return Err(Refusal::bad(format!("`{name}` is given twice")));
        }
        Ok(Some(value))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.text(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::bad(format!("`{name}` is `true` or `false`"))),
        }
    }

    pub(super) fn time(&mut self, name: &str) -> Result<Option<UnixMillis>, Refusal> {
        let now = self.now;
        let read =
            |text: String| time(&text, now).map_err(|problem| Refusal::bad(format!("`{name}`: {problem}")));
        self.text(name)?.map(read).transpose()
    }

    pub(super) fn id(&mut self, name: &str) -> Result<Option<Uuid>, Refusal> {
        self.text(name)?.map(|text| id(&text)).transpose()
    }

    pub(super) fn limit(&mut self) -> Result<usize, Refusal> {
        let Some(text) = self.text("limit")? else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| Refusal::bad(format!("`limit` is a number from 1 to {MAX_LIMIT}, not {text:?}")))
    }

    pub(super) fn events(&mut self) -> Result<EventFilter, Refusal> {
        const STATES: [EventState; 3] = [EventState::Pending, EventState::Settled, EventState::Unrouted];
        Ok(EventFilter {
            source: self.text("source")?,
            kind: self.text("type")?.map(Glob::new),
            state: self.one_of("state", &STATES, EventState::name)?,
            since: self.time("since")?,
            until: self.time("until")?,
        })
    }

    pub(super) fn work(&mut self) -> Result<WorkFilter, Refusal> {
        Ok(WorkFilter {
            ids: None,
            source: self.text("source")?,
            route: self.text("route")?,
            destination: self.text("destination")?,
            state: self.one_of("state", &State::ALL, State::name)?,
            since: self.time("since")?,
            until: self.time("until")?,
        })
    }

    fn one_of<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        called: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let names = || all.iter().map(|one| called(*one)).collect::<Vec<_>>().join(", ");
        let found = all.iter().copied().find(|one| called(*one) == text);
        let found = found
            .ok_or_else(|| Refusal::bad(format!("`{name}` cannot be {text:?}; it is one of: {}", names())));
        found.map(Some)
    }

    /// Refuses what was not looked at.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(Refusal::bad(format!("there is no parameter {name:?} here"))),
        }
    }
}

/// An id as it is shown.
pub(super) fn id(text: &str) -> Result<Uuid, Refusal> {
    Uuid::try_parse(text).map_err(|_| {
        Refusal::bad(format!("{text:?} is no id; ids look like 01934c1e-5b7a-7c3d-9e2f-0123456789ab"))
    })
}

/// A time of day in RFC 3339, or how long ago it was.
pub(crate) fn time(text: &str, now: UnixMillis) -> Result<UnixMillis, String> {
    if let Some(ago) = crate::config::duration(text) {
        return Ok(now.saturating_sub(later(0, ago)));
    }
    let time = text.parse::<jiff::Timestamp>().map(|time| time.as_millisecond());
    time.map_err(|_| {
        format!("{text:?} is no time; write how long ago it was, such as 2h, or a time such as 2026-01-31T12:00:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, Refusal> {
        Query::parse(text, 10_000_000)
    }

    #[test]
    fn filters_are_read() {
        let mut read = query("source=a%20b&type=pull_request.*&state=unrouted&since=1h&limit=7").unwrap();
        let filter = read.events().unwrap();
        assert_eq!(filter.source.as_deref(), Some("a b"));
        assert!(filter.kind.is_some_and(|kind| kind.matches("pull_request.opened")));
        assert_eq!((filter.state, filter.since), (Some(EventState::Unrouted), Some(6_400_000)));
        assert_eq!(read.limit().unwrap(), 7);
        assert!(read.end().is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let check = |text: &str, expected: &str| {
            let read = |text: &str| {
                let mut query = query(text)?;
                query.events()?;
                query.limit()?;
                query.flag("full")?;
                query.end()
            };
            let message = read(text).unwrap_err().message;
            assert!(message.contains(expected), "{text}: {message}");
        };
        check("state=ended", "`state` cannot be \"ended\"; it is one of: pending, settled, unrouted");
        check("since=yesterday", "`since`: \"yesterday\" is no time");
        check("limit=0", "from 1 to 1000");
        check("limit=1001", "from 1 to 1000");
        check("limit=many", "not \"many\"");
        check("sources=github", "there is no parameter \"sources\" here");
        check("source=a&source=b", "`source` is given twice");
        check("source=%ff", "not UTF-8");
        check("full=yes", "`full` is `true` or `false`");
    }

    #[test]
    fn times_are_absolute_or_ago() {
        let check = |text: &str, expected: Option<UnixMillis>| {
            assert_eq!(time(text, 10_000_000).ok(), expected, "{text}");
        };
        check("2h", Some(10_000_000 - 7_200_000));
        check("1h 30m", Some(10_000_000 - 5_400_000));
        check("1970-01-01T00:00:05Z", Some(5_000));
        check("1970-01-01T02:00:05+02:00", Some(5_000));
        check("-2h", None);
        check("1970-01-01", None);
        check("", None);
    }
}
