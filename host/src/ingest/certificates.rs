//! The certificates that senders sign with and that requests name: fetched once, kept for hours.
//!
//! Anybody can send a request that names a certificate at a sender's own place, so what cannot be had is not asked for
//! again at once, and there is a bound on how many are being asked for. None of this stands in the way of a certificate
//! that has once been good: it is fetched anew whoever else asks for what, and serves until that has worked.

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
const FRESH: UnixMillis = 6 * 3600 * 1000;

/// How long it may be used while no newer one can be had. Whether it is still vouched for is then looked at each time.
const KEPT: UnixMillis = 12 * 3600 * 1000;

/// How long what could not be fetched is not tried again.
const AVOIDED: UnixMillis = 60 * 1000;

/// Addresses that are known for a good certificate. The known senders have a few.
const MAX_KEPT: usize = 64;

/// Other addresses, where something is being fetched or could not be.
const MAX_UNKNOWN: usize = 32;

/// Several requests get the same one.
type Found = Result<Arc<SigningCertificate>, Arc<str>>;

/// Becomes what was found.
type Fetching = watch::Receiver<Option<Found>>;

/// Certificates by their addresses.
pub(crate) struct Certificates {
    fetcher: Fetcher,
    known: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    /// The last good one that a fetching before the latest found, and since when it is known.
    before: Option<(UnixMillis, Arc<SigningCertificate>)>,
    /// When the latest fetching began.
    since: UnixMillis,
    latest: Fetching,
}

/// How a fetching stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    UnderWay,
    Good,
    Failed,
}

impl Entry {
    fn stands(&self) -> Stands {
        match &*self.latest.borrow() {
            Some(Ok(_)) => Stands::Good,
            Some(Err(_)) => Stands::Failed,
            None if self.latest.has_changed().is_ok() => Stands::UnderWay,
            // Gone without a result if it panicked.
            None => Stands::Failed,
        }
    }

    /// The last good one, and since when it is known.
    fn good(&self) -> Option<(UnixMillis, Arc<SigningCertificate>)> {
        match &*self.latest.borrow() {
            Some(Ok(found)) => Some((self.since, found.clone())),
            _ => self.before.clone(),
        }
    }

    /// Whether there is nothing newer to be had for now.
    fn is_current(&self, due_now: UnixMillis) -> bool {
        let age = due_now.saturating_sub(self.since);
        match self.stands() {
            Stands::UnderWay => true,
            Stands::Good => age < FRESH,
            Stands::Failed => age < AVOIDED,
        }
    }

    /// An address that was good once stays known as such.
    fn is_of_use(&self, due_now: UnixMillis) -> bool {
        self.good().is_some() || self.is_current(due_now)
    }

    fn renew(&mut self, since: UnixMillis, latest: Fetching) {
        *self = Entry { before: self.good(), since, latest };
    }

    /// The one that serves while there is none fresher, if it is not too old.
    fn old(&self, due_now: UnixMillis) -> Option<Arc<SigningCertificate>> {
        let (since, good) = self.good().filter(|_| self.stands() != Stands::Good)?;
        (due_now.saturating_sub(since) < KEPT).then_some(good)
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
        let (old, mut latest) = self.join(wanted, now, due_now)?;
        let vouched = |old: &Arc<SigningCertificate>| {
            old.vouched(&[], self.fetcher.authorities(), &wanted.names, now).is_ok()
        };
        if let Some(old) = old.filter(vouched) {
            return Ok(old);
        }
        let found = latest.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        found.unwrap_or_else(|| Err("fetching it was broken off".into()))
    }

    /// The fetching that is under way or has ended, or a new one, with what may serve in its place.
    fn join(
        &self,
        wanted: &CertificateUrl,
        now: UnixMillis,
        due_now: UnixMillis,
    ) -> Result<(Option<Arc<SigningCertificate>>, Fetching), Arc<str>> {
        // Every change to it is whole, so that a panic elsewhere does not matter.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, entry| entry.is_of_use(due_now));
        if let Some(entry) = known.get_mut(&wanted.url) {
            if !entry.is_current(due_now) {
                entry.renew(due_now, self.begin(wanted, now));
            }
            return Ok((entry.old(due_now), entry.latest.clone()));
        }
        make_room(&mut known)?;
        let latest = self.begin(wanted, now);
        known.insert(wanted.url.clone(), Entry { before: None, since: due_now, latest: latest.clone() });
        Ok((None, latest))
    }

    fn begin(&self, wanted: &CertificateUrl, now: UnixMillis) -> Fetching {
        let (sender, fetching) = watch::channel(None);
        let (fetcher, wanted) = (self.fetcher.clone(), wanted.clone());
        tokio::spawn(async move {
            let found = fetch(&fetcher, &wanted, now).await;
            sender.send_replace(Some(found.map(Arc::new).map_err(Arc::from)));
        });
        fetching
    }
}

/// Makes room for one more. What could not be had gives way, so that made-up addresses are in nobody's way; what is being
/// fetched does not.
fn make_room(known: &mut HashMap<String, Entry>) -> Result<(), Arc<str>> {
    let (good, unknown): (Vec<_>, Vec<_>) = known.iter().partition(|(_, entry)| entry.good().is_some());
    let oldest = |entries: &[(&String, &Entry)], of: &dyn Fn(&Entry) -> bool| {
        let entries = entries.iter().filter(|(_, entry)| of(entry));
        entries.min_by_key(|(_, entry)| entry.since).map(|(url, _)| (*url).clone())
    };
    let mut gone = Vec::new();
    if unknown.len() >= MAX_UNKNOWN {
        let failed = oldest(&unknown, &|entry| entry.stands() == Stands::Failed);
        gone.push(failed.ok_or("too many others are being fetched")?);
    }
    if good.len() >= MAX_KEPT {
        gone.extend(oldest(&good, &|_| true));
    }
    gone.iter().for_each(|url| drop(known.remove(url)));
    Ok(())
}

async fn fetch(
    fetcher: &Fetcher,
    wanted: &CertificateUrl,
    now: UnixMillis,
) -> Result<SigningCertificate, String> {
    let document = fetcher.get(&wanted.url).await?;
    let mut certificate = SigningCertificate::from_pem(&document)?;
    let vouched = |certificate: &SigningCertificate| {
        certificate.vouched(&[], fetcher.authorities(), &wanted.names, now)
    };
    let mut outcome = vouched(&certificate);
    // Amazon publishes the certificate alone, without that of its issuer.
    if let (Err(Unvouched::Issuer), Some(url)) = (&outcome, certificate.issuer_url()) {
        let issuer = fetcher.get(url).await?;
        let issuer =
            CertificateDer::from_pem_slice(&issuer).unwrap_or_else(|_| CertificateDer::from(issuer.to_vec()));
        certificate = certificate.issued_by(issuer);
        outcome = vouched(&certificate);
    }
    outcome.map_err(|problem| format!("{}: {problem}", wanted.url))?;
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
