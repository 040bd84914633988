//! Runs that are parked: a plugin of theirs fails on most events and is left alone. To look at one of them is to lease it and
//! to put it back, so they are put off for long, one after the other. A few come when the plugin may be tried again; all of
//! them are made due as soon as it is seen that nothing holds them any more, whether the plugin works again, is another one,
//! or is not in the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// How often it is looked whether something holds them still. What is parked has reached the store in that time, too.
const LOOK: Duration = Duration::from_secs(1);

/// Runs that are looked at in one go when they are made due, and how long until the next, at least: what comes in meanwhile
/// takes its turn between them.
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
    /// Since when the plugin has been seen to hold them no more on one of the routes.
    free_since: Option<Instant>,
}

/// Runs that are being made due.
struct Waking {
    /// Those that were parked because of this plugin; none: all of them.
    plugin: Option<Arc<str>>,
    /// The routes on which they were parked.
    routes: BTreeSet<Arc<str>>,
    /// How far they have been looked at.
    after: Option<Waits>,
    /// None that was parked when this began comes later. What is parked again meanwhile does: without an end it would be
    /// made due for ever.
    end: UnixMillis,
}

impl Waking {
    /// From the first one on.
    fn begin(plugin: Option<Arc<str>>, routes: BTreeSet<Arc<str>>, now: UnixMillis) -> Self {
        Waking { plugin, routes, after: None, end: later(now, FAR) }
    }
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

    /// Takes the plugins that have held runs no more on one of the routes for a while, except those that were taken before:
    /// what was parked just before it came to be has reached the store by then.
    fn take_free(&self, generation: &Generation, taken: &[Waking], now: UnixMillis) -> Vec<Waking> {
        let mut plugins = self.plugins();
        let free = plugins.extract_if(.., |plugin, lot| {
            if holds_all(generation, plugin, &lot.routes) {
                lot.free_since = None;
                return false;
            }
            let since = lot.free_since.get_or_insert_with(Instant::now);
            let is_taken = taken.iter().any(|waking| waking.plugin.as_ref() == Some(plugin));
            !is_taken && since.elapsed() >= LOOK
        });
        free.map(|(plugin, lot)| Waking::begin(Some(plugin), lot.routes, now)).collect()
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
        Lot { routes: BTreeSet::new(), probes: Vec::new(), last: UnixMillis::MIN, free_since: None }
    }

    /// When a run comes again, where the plugin may be tried again after some time.
    fn comes_again(&mut self, time: Duration, now: UnixMillis) -> UnixMillis {
        self.probes.retain(|due| *due > now);
        if self.probes.len() < PROBES {
            // One after the other, so that the first has begun when the second comes.
            let turn = SOON * self.probes.len() as u32;
            let due = later(now, (time.max(SOON) + turn).min(FAR));
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
    let mut waking = vec![Waking::begin(None, BTreeSet::new(), shared.clock.due_now())];
    loop {
        // A store in memory is not left while there is more to come.
        let under_way = (!waking.is_empty()).then(|| shared.count());
        let began = Instant::now();
        let mut unfinished = Vec::new();
        for one in waking {
            unfinished.extend(wake(&shared, one).await);
        }
        waking = unfinished;
        let under_way = under_way.filter(|_| !waking.is_empty());
        let more = async {
            match waking.is_empty() {
                // The store has four times as much time for others.
                false => tokio::time::sleep(PACE.max(began.elapsed() * 4)).await,
                true if shared.parked.is_empty() => shared.parked.some.notified().await,
                true => tokio::time::sleep(LOOK).await,
            }
        };
        tokio::select! {
            () = more => {}
            _ = stopped.changed() => return,
        }
        drop(under_way);
        let free = shared.parked.take_free(&shared.current.load(), &waking, shared.clock.due_now());
        waking.extend(free);
    }
}

/// Makes some of them due, each step for itself so that no plugin's runs wait for another's; what is left, if anything is.
async fn wake(shared: &Shared, waking: Waking) -> Option<Waking> {
    // More is due than can be taken: what comes in would wait behind what is made due.
    if shared.starved.load(Ordering::Acquire) {
        return Some(waking);
    }
    let Waking { plugin, routes, after, end } = waking;
    if let Some(plugin) = &plugin
        && holds_all(&shared.current.load(), plugin, &routes)
    {
        shared.parked.give_back(plugin, routes);
        return None;
    }
    match shared.store.hasten_runs(beginning(plugin.as_deref()), after, STEP, shared.clock.due_now()).await {
        Ok(hastened) => {
            let next = hastened.next.filter(|next| next.due <= end);
            next.map(|next| Waking { plugin, routes, after: Some(next), end })
        }
        // They come by themselves, later.
        Err(error) if error.is_final() => None,
        Err(error) => {
            tracing::error!(%error, "failed to let parked runs go on; trying again");
            shared.pause().await.then_some(Waking { plugin, routes, after, end })
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
        let check = |runs: usize, most_each_second: usize, in_the_hour: usize| {
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
            let (most, sum) = (looks[10..].iter().max().unwrap(), looks[10..].iter().sum::<usize>());
            assert!(
                *most <= most_each_second && sum <= in_the_hour,
                "{runs}: {most} in a second, {sum} in all"
            );
        };
        check(3, 4, 50);
        check(1_000, 20, 36_000);
        check(10_000, 40, 80_000);
        check(80_000, 300, 610_000);
    }

    #[test]
    fn few_of_them_come_when_the_plugin_may_be_tried() {
        let mut lot = Lot::new();
        let minute = Duration::from_secs(60);
        let due: Vec<_> = (0..10).map(|_| lot.comes_again(minute, 1000)).collect();
        assert_eq!(due[..4], [61_000, 61_100, 61_200, 61_300]);
        assert_eq!(due[4..], [31_000, 31_100, 31_200, 31_300, 31_400, 31_500]);
        // Those that came find the next probe under way, or the next time; their places are free again.
        let due: Vec<_> = (0..5).map(|_| lot.comes_again(Duration::ZERO, 61_300)).collect();
        assert_eq!(due, [61_400, 61_500, 61_600, 61_700, 91_300]);
    }
}
