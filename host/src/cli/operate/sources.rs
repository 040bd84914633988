//! `hookyard sources`

use std::path::{Path, PathBuf};

use clap::Args;

use crate::admin::{List, RequestsView, SecretView, SourceView, Today, sources};
use crate::clock::{Clock as _, SystemClock};
use crate::event::UnixMillis;

use super::super::say;
use super::failed::Failed;
use super::output::{self, Output};
use super::reach::{Found, Reach};
use super::table::Table;
use super::text;

/// There is nothing to choose.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {}

pub(super) async fn run(config: &Path, socket: Option<PathBuf>, output: Output) -> Result<(), Failed> {
    let list: List<SourceView> = match Reach::gateway(config, socket).await? {
        Found::Gateway(gateway) => gateway.get("/v1/sources").await?,
        Found::Nobody(config) => {
            output::note("no gateway is running: this is what the configuration says");
            sources(&Today::written(*config))
        }
    };
    match output {
        Output::Json => list.items.iter().for_each(output::item),
        Output::Table => say(&table(&list.items, SystemClock.now()).text()),
    }
    Ok(())
}

fn table(sources: &[SourceView], now: UnixMillis) -> Table {
    let head =
        ["SOURCE", "PROVIDER", "SCHEME", "SECRET", "USES", "LAST USED", "EXPIRES", "ACCEPTED", "REFUSED"];
    let mut table = Table::new(&head);
    for source in sources {
        let provider = source.provider.clone().unwrap_or_default();
        let (accepted, refused) = source.requests.as_ref().map(counts).unwrap_or_default();
        let verify = source.verify.clone().unwrap_or_default();
        let mut first = [source.name.clone(), provider, verify, accepted, refused];
        // What is said of the source stands in its first line.
        let mut line = |secret: Option<&SecretView>| {
            let [name, provider, verify, accepted, refused] = std::mem::take(&mut first);
            let [scheme, secret, uses, last, expires] = match secret {
                Some(secret) => cells(secret, now),
                None => [verify, String::new(), String::new(), String::new(), String::new()],
            };
            table.row([name, provider, scheme, secret, uses, last, expires, accepted, refused]);
        };
        match source.secrets.as_slice() {
            [] => line(None),
            secrets => secrets.iter().for_each(|secret| line(Some(secret))),
        }
    }
    table
}

fn cells(secret: &SecretView, now: UnixMillis) -> [String; 5] {
    let last = secret.last_used.map(|last| format!("{} ago", text::span(now - last.0)));
    let expires = secret.expires.map(|expires| match expires.0 - now {
        ..=0 => format!("{} (expired)", text::time(expires.0)),
        _ => text::time(expires.0),
    });
    [
        secret.scheme.clone(),
        secret.secret.clone(),
        secret.uses.map(|uses| uses.to_string()).unwrap_or_default(),
        last.unwrap_or_default(),
        expires.unwrap_or_default(),
    ]
}

/// Accepted requests, and refused ones with the reasons.
fn counts(requests: &RequestsView) -> (String, String) {
    let mut reasons: Vec<String> =
        requests.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    if requests.unverified > 0 {
        reasons.push(format!("unverified {}", requests.unverified));
    }
    let refused = requests.refused.values().sum::<u64>() + requests.unverified;
    let refused = match reasons.is_empty() {
        true => "0".to_owned(),
        false => format!("{refused}: {}", reasons.join(", ")),
    };
    (requests.accepted.to_string(), refused)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::admin::Moment;

    use super::*;

    fn secret(number: usize, reference: &str, uses: u64, expires: Option<UnixMillis>) -> SecretView {
        SecretView {
            number,
            scheme: "hmac-sha256".to_owned(),
            secret: reference.to_owned(),
            uses: Some(uses),
            last_used: (uses > 0).then_some(Moment(1_767_268_800_000)),
            expires: expires.map(Moment),
        }
    }

    #[test]
    fn a_source_has_a_line_for_each_secret() {
        let github = SourceView {
            name: "github".to_owned(),
            provider: Some("github".to_owned()),
            verify: None,
            secrets: vec![
                secret(1, "env NEW", 7, None),
                secret(2, "file /run/old", 0, Some(1_767_268_800_000)),
            ],
            requests: Some(RequestsView {
                accepted: 6,
                duplicate: 1,
                refused: BTreeMap::from([("bad_signature".to_owned(), 2), ("stale_timestamp".to_owned(), 1)]),
                ..RequestsView::default()
            }),
        };
        let open = SourceView {
            name: "open".to_owned(),
            provider: None,
            verify: Some("none".to_owned()),
            secrets: Vec::new(),
            requests: None,
        };
        let shown = table(&[github, open], 1_767_268_860_000).text();
        let lines: Vec<Vec<&str>> = shown
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(
            lines[1..],
            [
                vec![
                    "github",
                    "github",
                    "hmac-sha256",
                    "env NEW",
                    "7",
                    "1 min 0 s ago",
                    "-",
                    "6",
                    "3: bad_signature 2, stale_timestamp 1"
                ],
                vec![
                    "-",
                    "-",
                    "hmac-sha256",
                    "file /run/old",
                    "0",
                    "-",
                    "2026-01-01 12:00:00 (expired)",
                    "-",
                    "-"
                ],
                vec!["open", "-", "none", "-", "-", "-", "-", "-", "-"],
            ]
        );
    }
}
