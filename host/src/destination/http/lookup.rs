//! Names to addresses, by the operating system. That holds a thread for as long as the system takes, which may be long
//! after everybody has given up waiting. So a destination has one lookup under way at a time, and what it finds is for
//! all attempts that wait meanwhile; and all destinations together leave threads for other things that block.
//!
//! A literal address is not looked up, and never waits for a name.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, watch};

/// Lookups under way at once, of all destinations: half of the threads that tokio has for what blocks.
const MAX_LOOKUPS: usize = 256;

/// Finds the addresses of a name with a port. Blocks.
type Resolve = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// An error's kind and text: several attempts get the same one.
type Found = Result<Vec<SocketAddr>, (io::ErrorKind, String)>;

/// What all destinations share.
#[derive(Clone)]
pub(super) struct Resolver {
    resolve: Arc<Resolve>,
    threads: Arc<Semaphore>,
}

/// The lookups of one destination, which has one name.
pub(super) struct Lookups {
    resolver: Resolver,
    latest: Mutex<Option<watch::Receiver<Option<Found>>>>,
}

impl Resolver {
    /// Asks the operating system.
    pub(super) fn system() -> Self {
        Resolver::by(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }

    /// Asks in this way.
    pub(super) fn by(
        resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Resolver::new(resolve, MAX_LOOKUPS)
    }

    fn new(
        resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
        at_once: usize,
    ) -> Self {
        Resolver { resolve: Arc::new(resolve), threads: Arc::new(Semaphore::new(at_once)) }
    }

    /// Waits for a thread, and finds the addresses on it, whether or not somebody still waits.
    async fn find(self, host: String, port: u16, found: watch::Sender<Option<Found>>) {
        // Never closed.
        let Ok(thread) = self.threads.acquire_owned().await else { return };
        tokio::task::spawn_blocking(move || {
            let addresses = (self.resolve)(&host, port);
            found.send_replace(Some(addresses.map_err(|error| (error.kind(), error.to_string()))));
            drop(thread);
        });
    }
}

impl Lookups {
    pub(super) fn new(resolver: Resolver) -> Self {
        Lookups { resolver, latest: Mutex::new(None) }
    }

    /// The name's addresses, by the lookup that is under way or a new one. Dropping the future ends no lookup.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut found = self.join(host, port);
        let found = found.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        let found = found.ok_or_else(|| io::Error::other("the lookup was broken off"))?;
        found.map_err(|(kind, text)| io::Error::new(kind, text))
    }

    fn join(&self, host: &str, port: u16) -> watch::Receiver<Option<Found>> {
        // It is replaced as a whole, so that a panic elsewhere does not matter.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_under_way =
            |found: &&watch::Receiver<Option<Found>>| found.borrow().is_none() && found.has_changed().is_ok();
        if let Some(found) = latest.as_ref().filter(is_under_way) {
            return found.clone();
        }
        let (sender, found) = watch::channel(None);
        tokio::spawn(self.resolver.clone().find(host.to_owned(), port, sender));
        latest.insert(found).clone()
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn some_address(port: u16) -> Vec<SocketAddr> {
        vec![(Ipv4Addr::LOCALHOST, port).into()]
    }

    /// P5: a name server that does not answer has one thread for each destination, however many attempts there are.
    #[tokio::test]
    async fn a_destination_has_one_lookup_under_way() {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        static ANSWERS: AtomicBool = AtomicBool::new(false);
        let resolver = Resolver::new(
            |_, port| {
                BEGUN.fetch_add(1, Ordering::SeqCst);
                while !ANSWERS.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(some_address(port))
            },
            8,
        );
        let (hangs, other) = (Lookups::new(resolver.clone()), Lookups::new(resolver));
        for lookups in [&hangs, &hangs, &hangs, &other, &other] {
            // Given up by whoever waited, and still under way.
            assert!(timeout(Duration::from_millis(20), lookups.addresses("a", 1)).await.is_err());
        }
        let waiting =
            timeout(PATIENCE, async { tokio::join!(hangs.addresses("a", 1), hangs.addresses("a", 1)) });
        ANSWERS.store(true, Ordering::SeqCst);
        let (first, second) = waiting.await.unwrap();
        assert_eq!((first.unwrap(), second.unwrap()), (some_address(1), some_address(1)));
        other.addresses("a", 1).await.unwrap();
        // Two for those that hung, and one more, since what is known may be out of date.
        let before = BEGUN.load(Ordering::SeqCst);
        assert!((2..=3).contains(&before), "{before}");
        hangs.addresses("a", 1).await.unwrap();
        assert_eq!(BEGUN.load(Ordering::SeqCst), before + 1);
    }

    #[tokio::test]
    async fn all_together_are_bounded_and_an_error_is_for_all_that_wait() {
        static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
        let resolver = Resolver::new(
            |_, _| {
                assert!(UNDER_WAY.fetch_add(1, Ordering::SeqCst) < 2);
                std::thread::sleep(Duration::from_millis(2));
                UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
                Err(io::Error::new(io::ErrorKind::NotFound, "nobody knows"))
            },
            2,
        );
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let lookups = Lookups::new(resolver.clone());
                tokio::spawn(async move { lookups.addresses("a", 1).await })
            })
            .collect();
        for task in tasks {
            let error = timeout(PATIENCE, task).await.unwrap().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::NotFound, "nobody knows"));
        }
    }

    #[tokio::test]
    async fn a_lookup_that_panics_is_an_error_and_not_the_last() {
        static PANICS: Mutex<bool> = Mutex::new(true);
        let resolver = Resolver::new(
            |_, port| {
                let panics = std::mem::take(&mut *PANICS.lock().unwrap());
                if panics { panic!("as the test wants it") } else { Ok(some_address(port)) }
            },
            1,
        );
        let lookups = Lookups::new(resolver);
        timeout(PATIENCE, lookups.addresses("a", 1)).await.unwrap().unwrap_err();
        timeout(PATIENCE, lookups.addresses("a", 1)).await.unwrap().unwrap();
    }
}
