//! The certificate that senders see, with its key, read from where the configuration says.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{SecretRead, ServerTls};
use crate::event::UnixMillis;
use crate::server::{Pair, Unusable};

use super::http_destination::bounded;
use super::{Generation, Problem, Workshop};

/// How long before its end a certificate is warned about.
const SOON: UnixMillis = 14 * 24 * 3600 * 1000;

/// A pair that has been read, and what there is to say about it.
pub(super) struct Read {
    pub(super) pair: Arc<Pair>,
    pub(super) warnings: Vec<Problem>,
    /// Files that were read.
    pub(super) files: Vec<PathBuf>,
}

/// Reads the pair; that of the generation before is kept if it is the same, with the sessions that clients resume.
pub(super) fn read(
    tls: &ServerTls,
    before: Option<&Generation>,
    workshop: &Workshop,
) -> Result<Read, Problem> {
    let ServerTls { cert: (cert_at, cert), key: (key_at, key) } = tls;
    let of_cert = |problem: String| Problem {
        at: Some(cert_at.clone()),
        message: format!("[server] tls: {} {problem}", cert.display()),
    };
    let of_key =
        |problem: String| Problem { at: Some(key_at.clone()), message: format!("[server] tls: {problem}") };

    let certificates = bounded(cert).map_err(|error| of_cert(format!("cannot be read: {error}")))?;
    let read = key
        .read("server", &workshop.state_dir, workshop.create)
        .map_err(|error| of_key(error.to_string()))?;
    let key = read.secret().ok_or_else(|| of_key("this key cannot be made here".to_owned()))?;
    let pair = Pair::new(&certificates, key).map_err(|unusable| match unusable {
        Unusable::Certificate(problem) => of_cert(problem),
        Unusable::Key(problem) => of_key(format!("{} {problem}", source(&read))),
    })?;

    let mut warnings = Vec::new();
    if let SecretRead::Found { warning: Some(message), .. } = &read {
        warnings.push(of_key(message.clone()));
    }
    warnings.extend(about_time(&pair, workshop.clock.now()).map(of_cert));
    let kept = before.and_then(|before| before.pair.clone()).filter(|kept| kept.is_same(&pair));
    let files = [cert.clone()].into_iter().chain(read.path().map(PathBuf::from)).collect();
    Ok(Read { pair: kept.unwrap_or_else(|| Arc::new(pair)), warnings, files })
}

fn source(read: &SecretRead) -> String {
    read.path().map_or_else(|| "the variable".to_owned(), |path| path.display().to_string())
}

/// What an operator should know about when the certificate is valid.
fn about_time(pair: &Pair, now: UnixMillis) -> Option<String> {
    let day = |time| jiff::Timestamp::from_millisecond(time).map(|time| time.to_string()).unwrap_or_default();
    if now > pair.not_after {
        let since = day(pair.not_after);
        return Some(format!(
            "holds a certificate that expired at {since}: senders refuse to connect; renew it"
        ));
    }
    if now < pair.not_before {
        let from = day(pair.not_before);
        return Some(format!(
            "holds a certificate that is not valid before {from}: senders refuse to connect"
        ));
    }
    (pair.not_after - now < SOON)
        .then(|| format!("holds a certificate that expires soon, at {}; renew it", day(pair.not_after)))
}
