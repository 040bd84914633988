//! Runs that are parked: a plugin of theirs fails on most events and is left alone. To look at one of them is to lease it and
//! to put it back, so they are put off for long, one after the other. A few come when the plugin may be tried again; all of
//! them are made due as soon as it is seen that nothing holds them any more, whether the plugin works again, is another one,
//! or is not in the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::config::OnError;
use crate::delivery::later;
use crate::event::UnixMillis;
use crate::generation::Generation;
use crate::store::Waits;

use super::Shared;

/// Runs that come when a plugin may be tried again. One is enough; the others are there in case it comes to nothing.
const PROBES: usize = 4;

/// They do not come before this time, so that they do not go round in circles.
const SOON: Duration = Duration::from_millis(100);

/// The others come after this time at the earliest, one so long after the other.
const PAUSE: Duration = Duration::from_secs(30);
const APART: Duration = Duration::from_millis(100);

/// None is put off for longer than this; where there are so many, they are put between the others of the second half.
const FAR: Duration = Duration::from_secs(10 * 60);

/// How often it is looked whether something holds them still.
const LOOK: Duration = Duration::from_secs(1);

/// Runs that are looked at in one go when they are made due, and how long until the next: what comes in meanwhile takes its
/// turn between them.
const STEP: usize = 500;
const PACE: Duration = Duration::from_millis(100);

/// The plugins because of which runs are parked, by name.
#[derive(Debug, Default)]
pub(super) struct Parked {
    plugins: Mutex<BTreeMap<Arc<str>, Lot>>,
    /// Rung when there is a first one.
    some: Notify,
}

/// What is parked because of one plugin.
#[derive(Debug)]
struct Lot {
    /// On which routes.
    routes: BTreeSet<Arc<str>>,
    /// When those come that may be probes.
    probes: Vec<UnixMillis>,
    /// When the last of the others comes.
    last: UnixMillis,
    /// Whether the plugin was seen to hold them no more on one of the routes.
    is_free: bool,
}

/// Runs that are being made due.
struct Waking {
    /// Those that were parked because of this plugin; none: all of them.
    plugin: Option<Arc<str>>,
    /// The routes on which they were parked.
    routes: BTreeSet<Arc<str>>,
    /// How far they have been looked at.
    after: Option<Waits>,
}

impl Parked {
    /// Why a run is put off, and until when, because of a plugin that fails on most events and may be tried again after
    /// some time.
    pub(super) fn park(
        &self,
        route: &Arc<str>,
        plugin: &Arc<str>,
        failure: &str,
        time: Duration,
        now: UnixMillis,
    ) -> (UnixMillis, String) {
        let mut plugins = self.plugins();
        let is_first = plugins.is_empty();
        let lot = plugins.entry(plugin.clone()).or_insert_with(Lot::new);
        if !lot.routes.contains(route) {
            lot.routes.insert(route.clone());
        }
        let due = lot.comes_again(time, now);
        drop(plugins);
        if is_first {
            self.some.notify_one();
        }
        (due, format!("{}fails on most events: {failure}", beginning(Some(plugin))))
    }

    /// Takes the plugins that hold runs no more on one of the routes, except those that were taken before. They are taken
    /// when this is seen for the second time: what was parked just before it came to be has reached the store by then.
    fn take_free(&self, generation: &Generation, taken: &[Waking]) -> Vec<Waking> {
        let mut plugins = self.plugins();
        let free = plugins.extract_if(.., |plugin, lot| {
            let is_taken = taken.iter().any(|waking| waking.plugin.as_ref() == Some(plugin));
            let was_free = std::mem::replace(&mut lot.is_free, !holds_all(generation, plugin, &lot.routes));
            !is_taken && was_free && lot.is_free
        });
        let waking =
            free.map(|(plugin, lot)| Waking { plugin: Some(plugin), routes: lot.routes, after: None });
        waking.collect()
    }

    /// Gives back what is held again.
    fn give_back(&self, plugin: &Arc<str>, routes: BTreeSet<Arc<str>>) {
        self.plugins().entry(plugin.clone()).or_insert_with(Lot::new).routes.extend(routes);
    }

    fn is_empty(&self) -> bool {
        self.plugins().is_empty()
    }

    /// No operation leaves it half changed, so that a panic elsewhere does not matter.
    fn plugins(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Lot>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lot {
    fn new() -> Self {
        Lot { routes: BTreeSet::new(), probes: Vec::new(), last: UnixMillis::MIN, is_free: false }
    }

    /// When a run comes again, where the plugin may be tried again after some time.
    fn comes_again(&mut self, time: Duration, now: UnixMillis) -> UnixMillis {
        self.probes.retain(|due| *due > now);
        if self.probes.len() < PROBES {
            let due = later(now, time.clamp(SOON, FAR));
            self.probes.push(due);
            return due;
        }
        self.last = later(self.last, APART).max(later(now, PAUSE));
        if self.last > later(now, FAR) {
            self.last = later(now, FAR / 2);
        }
        self.last
    }
}

/// With what the causes of runs begin that are parked because of a plugin; none: because of any.
fn beginning(plugin: Option<&str>) -> String {
    let name = plugin.map(|plugin| format!("{plugin} ")).unwrap_or_default();
    format!("parked, since plugin {name}")
}

/// Whether runs on all of the routes are still parked because of a plugin.
fn holds_all(generation: &Generation, plugin: &str, routes: &BTreeSet<Arc<str>>) -> bool {
    routes.iter().all(|route| {
        let plugins = generation.route(route).map_or(&[][..], |route| &route.plugins);
        plugins.iter().any(|entry| {
            *entry.name == *plugin && entry.on_error != OnError::Skip && entry.guard.open_because().is_some()
        })
    })
}

/// Makes parked runs due once nothing holds them; those that an earlier process has parked at once.
pub(super) async fn wake_loop(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut waking = vec![Waking { plugin: None, routes: BTreeSet::new(), after: None }];
    loop {
        let mut unfinished = Vec::new();
        for one in waking {
            unfinished.extend(wake(&shared, one).await);
        }
        waking = unfinished;
        let more = async {
            match waking.is_empty() {
                false => tokio::time::sleep(PACE).await,
                true if shared.parked.is_empty() => shared.parked.some.notified().await,
                true => tokio::time::sleep(LOOK).await,
            }
        };
        tokio::select! {
            () = more => {}
            _ = stopped.changed() => return,
        }
        let free = shared.parked.take_free(&shared.current.load(), &waking);
        waking.extend(free);
    }
}

/// Makes some of them due, each step for itself so that no plugin's runs wait for another's; what is left, if anything is.
async fn wake(shared: &Shared, waking: Waking) -> Option<Waking> {
    let Waking { plugin, routes, after } = waking;
    if let Some(plugin) = &plugin
        && holds_all(&shared.current.load(), plugin, &routes)
    {
        shared.parked.give_back(plugin, routes);
        return None;
    }
    match shared.store.hasten_runs(beginning(plugin.as_deref()), after, STEP, shared.clock.due_now()).await {
        Ok(hastened) => hastened.next.map(|next| Waking { plugin, routes, after: Some(next) }),
        // They come by themselves, later.
        Err(error) if error.is_final() => None,
        Err(error) => {
            tracing::error!(%error, "failed to let parked runs go on; trying again");
            shared.pause().await.then_some(Waking { plugin, routes, after })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: UnixMillis = 1000;

    /// P10: how often parked runs are looked at, while their plugin is tried again every five minutes and fails. They were
    /// looked at every 15 s before: 10,000 of them 667 times a second.
    #[test]
    fn parked_runs_are_looked_at_seldom() {
        let check = |runs: usize, most_each_second: usize| {
            let mut lot = Lot::new();
            // They come in within ten seconds, each with when it is looked at next.
            let mut agenda: BTreeSet<(UnixMillis, usize)> =
                (0..runs).map(|run| ((run * 10_000 / runs) as UnixMillis, run)).collect();
            let mut looks = vec![0; 3600];
            while let Some((now, run)) = agenda.pop_first()
                && now < 3600 * SECOND
            {
                looks[(now / SECOND) as usize] += 1;
                let time = Duration::from_millis((300 * SECOND - now % (300 * SECOND)) as u64);
                let due = lot.comes_again(time, now);
                assert!(due > now && due <= later(now, FAR), "{due} at {now}");
                agenda.insert((due, run));
            }
            let most = looks[10..].iter().max().unwrap();
            let sum: usize = looks[10..].iter().sum();
            println!("{runs} parked: {} looks in the hour, at most {most} in a second", sum);
            assert!(*most <= most_each_second, "{runs} parked: {most} looks in a second");
        };
        check(3, 4);
        check(1_000, 20);
        check(10_000, 40);
        check(80_000, 320);
    }

    #[test]
    fn few_of_them_come_when_the_plugin_may_be_tried() {
        let mut lot = Lot::new();
        let minute = Duration::from_secs(60);
        let due: Vec<_> = (0..10).map(|_| lot.comes_again(minute, 1000)).collect();
        assert_eq!(due[..4], [61_000; 4]);
        assert_eq!(due[4..], [31_000, 31_100, 31_200, 31_300, 31_400, 31_500]);
        // Those that came find the next probe under way, or the next time; their places are free again.
        let due: Vec<_> = (0..5).map(|_| lot.comes_again(Duration::ZERO, 61_000)).collect();
        assert_eq!(due, [61_100, 61_100, 61_100, 61_100, 91_000]);
    }
}
