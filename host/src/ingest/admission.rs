//! Who may knock, and how often: what is asked of a request before its body is looked at.

use std::time::{Duration, Instant};

use http::{Request, StatusCode};

use crate::config::{Limited, Server};
use crate::generation::{SourceEntry, Turn};
use crate::peer::{Peer, client};

use super::Refused;

/// Why an address does not pass, in logs and metrics.
const ADDRESS_NOT_ALLOWED: &str = "address_not_allowed";

/// The address first, so that whoever may not knock does not use up the rate of those who may.
pub(super) fn admit<B>(source: &SourceEntry, server: &Server, request: &Request<B>) -> Result<(), Refused> {
    if source.admission.networks().is_some() {
        address(source, server, request)?;
    }
    match source.admission.turn(Instant::now()) {
        Turn::Now => Ok(()),
        Turn::Later(wait, answer) => {
            source.counters.limited.inc();
            Err(later(wait, answer))
        }
    }
}

fn address<B>(source: &SourceEntry, server: &Server, request: &Request<B>) -> Result<(), Refused> {
    let peer = request.extensions().get::<Peer>();
    let problem =
        match peer.map(|Peer(peer)| (peer, client(*peer, request.headers(), &server.trusted_proxies))) {
            Some((_, client)) if source.admission.allows(client) => return Ok(()),
            None => {
                "the client's address is not known; a program that embeds the gateway says it by the request \
                 extension `hookyard::Peer`"
                    .to_owned()
            }
            Some((peer, client)) if peer.to_canonical() == client => {
                format!("{client} is in none of the networks in `ip_allow`")
            }
            Some((peer, client)) => {
                format!("{client}, behind the proxy {peer}, is in none of the networks in `ip_allow`")
            }
        };
    source.count_refused(ADDRESS_NOT_ALLOWED);
    let operator = format!("{ADDRESS_NOT_ALLOWED}: {problem}");
    Err(Refused::new(StatusCode::FORBIDDEN, "address not allowed", operator))
}

fn later(wait: Duration, answer: Limited) -> Refused {
    let status = match answer {
        Limited::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Limited::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let seconds = whole_seconds(wait);
    let operator = "more requests than `rate` takes";
    Refused { retry_after: Some(seconds), ..Refused::new(status, "too many requests, try again", operator) }
}

/// Rounded up, as coming back too early is no use; at least one.
fn whole_seconds(wait: Duration) -> u32 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        for (millis, expected) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60), (3_600_000, 3600)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), expected, "{millis} ms");
        }
    }
}
