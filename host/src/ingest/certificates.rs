//! The certificates that senders sign with and that requests name: fetched once, kept for hours.
//!
//! Anybody can send a request that names a certificate at a sender's own place, so what cannot be had is not asked for
//! again at once, and there is a bound on how many are asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::watch;

use crate::destination::Fetcher;
use crate::event::{Event, UnixMillis};
use crate::generation::SourceEntry;
use crate::signature::{CertificateUrl, SigningCertificate, Unvouched};

use super::Ingest;
use super::refused::Refused;

/// How long a certificate is used before it is fetched again.
const KEPT: UnixMillis = 6 * 3600 * 1000;

/// How long what could not be fetched is not tried again.
const AVOIDED: UnixMillis = 60 * 1000;

/// Certificates that are kept. The known senders have a few.
const MAX_KEPT: usize = 64;

/// Certificates that are being fetched or are avoided.
const MAX_UNKNOWN: usize = 32;

/// Several requests get the same one.
type Found = Result<Arc<SigningCertificate>, Arc<str>>;

/// Certificates by their addresses.
pub(crate) struct Certificates {
    fetcher: Fetcher,
    known: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    since: UnixMillis,
    found: watch::Receiver<Option<Found>>,
}

impl Entry {
    fn is_good(&self) -> bool {
        matches!(*self.found.borrow(), Some(Ok(_)))
    }

    fn is_of_use(&self, due_now: UnixMillis) -> bool {
        let age = due_now.saturating_sub(self.since);
        match &*self.found.borrow() {
            Some(Ok(_)) => age < KEPT,
            Some(Err(_)) => age < AVOIDED,
            // Gone without a result if it panicked.
            None => self.found.has_changed().is_ok(),
        }
    }
}

impl Certificates {
    pub(crate) fn new(fetcher: Fetcher) -> Self {
        Certificates { fetcher, known: Mutex::default() }
    }

    /// What else is fetched goes the same way.
    pub(super) fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// A certificate that an authority vouches for at the wall clock `now`; `due_now` tells ages. Dropping the future ends
    /// no fetching.
    async fn get(&self, wanted: &CertificateUrl, now: UnixMillis, due_now: UnixMillis) -> Found {
        let mut found = self.join(wanted, now, due_now)?;
        let found = found.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        found.unwrap_or_else(|| Err("fetching it was broken off".into()))
    }

    /// The fetching that is under way or has ended, or a new one.
    fn join(
        &self,
        wanted: &CertificateUrl,
        now: UnixMillis,
        due_now: UnixMillis,
    ) -> Result<watch::Receiver<Option<Found>>, Arc<str>> {
        // Every change to it is whole, so that a panic elsewhere does not matter.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, entry| entry.is_of_use(due_now));
        if let Some(entry) = known.get(&wanted.url) {
            return Ok(entry.found.clone());
        }
        let good = known.values().filter(|entry| entry.is_good()).count();
        if known.len() - good >= MAX_UNKNOWN {
            return Err("too many others could not be fetched in the last minute".into());
        }
        if good >= MAX_KEPT {
            let good = known.iter().filter(|(_, entry)| entry.is_good());
            let oldest = good.min_by_key(|(_, entry)| entry.since).map(|(url, _)| url.clone());
            oldest.map(|url| known.remove(&url));
        }
        let (sender, found) = watch::channel(None);
        known.insert(wanted.url.clone(), Entry { since: due_now, found: found.clone() });
        let (fetcher, wanted) = (self.fetcher.clone(), wanted.clone());
        tokio::spawn(async move {
            let found = fetch(&fetcher, &wanted, now).await;
            sender.send_replace(Some(found.map(Arc::new).map_err(Arc::from)));
        });
        Ok(found)
    }
}

async fn fetch(
    fetcher: &Fetcher,
    wanted: &CertificateUrl,
    now: UnixMillis,
) -> Result<SigningCertificate, String> {
    let document = fetcher.get(&wanted.url).await?;
    let certificate = SigningCertificate::from_pem(&document)?;
    let vouched = |issuers: &[_]| certificate.vouched(issuers, fetcher.authorities(), &wanted.names, now);
    match (vouched(&[]), certificate.issuer_url()) {
        // Amazon publishes the certificate alone, without that of its issuer.
        (Err(Unvouched::Issuer), Some(url)) => {
            let issuer = fetcher.get(url).await?;
            let issuer = CertificateDer::from_pem_slice(&issuer)
                .unwrap_or_else(|_| CertificateDer::from(issuer.to_vec()));
            vouched(&[issuer])
        }
        (vouched, _) => vouched,
    }
    .map_err(|problem| format!("{}: {problem}", wanted.url))?;
    Ok(certificate)
}

impl Ingest {
    /// The certificate that a request has to come with, where it names one. It is not the sender's fault where it cannot be
    /// had, so he is asked to come again.
    pub(super) async fn certificate(
        &self,
        source: &SourceEntry,
        event: &Event,
        now: UnixMillis,
    ) -> Result<Option<Arc<SigningCertificate>>, Refused> {
        let wanted = source.certificate_url(event).map_err(|refusal| Refused::forged(&refusal))?;
        let Some(wanted) = wanted else { return Ok(None) };
        let found = self.certificates.get(&wanted, now, self.clock.due_now()).await;
        found.map(Some).map_err(|problem| {
            source.count_refused("certificate_not_fetched");
            let sender = "the certificate cannot be fetched, try again";
            let operator = format!("the certificate that it names cannot be had: {problem}");
            let retry_after = Some(60);
            Refused { retry_after, ..Refused::new(StatusCode::SERVICE_UNAVAILABLE, sender, operator) }
        })
    }
}
