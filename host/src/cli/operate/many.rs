//! Doing something to many items: a few at a time, as fast as the operator allows, with an account of what came of it.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::admin::{Batch, Outcome};

use super::super::{complain, say};
use super::failed::Failed;
use super::output::{self, Output};
use super::reach::Reach;
use super::selection::Item;
use super::text;

/// Items asked for at once: little enough that what the gateway does for senders is not held up.
const STEP: usize = 50;

/// Outcomes that are shown one by one.
const SHOWN: usize = 1000;

/// Between two lines of progress where they do not replace each other.
const PROGRESS: Duration = Duration::from_secs(10);

/// So many each second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct Rate(f64);

impl Rate {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no rate; write 50/s, 100/m or 10/h");
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = match unit {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number: u32 = number.parse().map_err(|_| wrong())?;
        if number == 0 {
            return Err(wrong());
        }
        Ok(Rate(f64::from(number) / seconds))
    }

    /// How many at once, and how long until the next.
    fn steps(self) -> (usize, Duration) {
        let step = ((self.0 / 10.0).ceil() as usize).clamp(1, STEP);
        (step, Duration::from_secs_f64(step as f64 / self.0))
    }
}

/// What is done.
pub(super) enum Action {
    /// Of the routes that fire for events, perhaps only one.
    Replay(Option<String>),
    /// What is a dead letter when its turn comes.
    ReplayDead,
    Discard,
    /// Look at refused requests again.
    Reverify,
    /// Forget refused requests.
    Forget,
}

impl Action {
    fn path(&self) -> &'static str {
        match self {
            Action::Replay(_) | Action::ReplayDead => "/v1/replay",
            Action::Discard => "/v1/dead-letters/discard",
            Action::Reverify => "/v1/quarantine/reverify",
            Action::Forget => "/v1/quarantine/discard",
        }
    }

    /// What was done, and what would be.
    pub(super) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Action::Replay(_) | Action::ReplayDead => ("replayed", "replay"),
            Action::Discard | Action::Forget => ("discarded", "discard"),
            Action::Reverify => ("taken in", "look at again"),
        }
    }
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Account {
    asked: u64,
    done: u64,
    missing: u64,
    unfit: u64,
    expired: u64,
    unrouted: u64,
    /// The store could not, and did nothing.
    failed: u64,
    /// It may be done.
    unknown: u64,
    /// The first thousand.
    results: Vec<Outcome>,
}

impl Account {
    fn add(&mut self, outcome: Outcome) {
        let counter = match &outcome.outcome[..] {
            "done" => &mut self.done,
            "missing" => &mut self.missing,
            "expired" => &mut self.expired,
            "unrouted" => &mut self.unrouted,
            "failed" => &mut self.failed,
            "unknown" => &mut self.unknown,
            _ => &mut self.unfit,
        };
        *counter += 1;
        if self.results.len() < SHOWN {
            self.results.push(outcome);
        }
    }

    fn tried(&self) -> u64 {
        self.done + self.missing + self.unfit + self.expired + self.unrouted + self.failed + self.unknown
    }

    fn show(&self, output: Output, action: &Action) {
        if output == Output::Json {
            return output::document(self);
        }
        for outcome in &self.results {
            if let (Action::Reverify, "done", Some(detail)) = (action, &*outcome.outcome, &outcome.detail) {
                say(&format!("{}  taken in: {}\n", outcome.id, text::line(detail)));
            }
            if outcome.outcome != "done" {
                let detail = outcome.detail.as_deref().unwrap_or("there is nothing of this id");
                say(&format!("{}  {}: {}\n", outcome.id, outcome.outcome, text::line(detail)));
            }
        }
        let others = [
            (self.missing, "missing"),
            (self.unfit, "unfit"),
            (self.expired, "expired"),
            (self.unrouted, "unrouted"),
            (self.failed, "failed"),
            (self.unknown, "of which it is not known"),
        ];
        let others = others.into_iter().filter(|(number, _)| *number > 0);
        let others: String = others.map(|(number, what)| format!(", {number} {what}")).collect();
        say(&format!("{} {} of {}{others}\n", action.words().0, self.done, self.asked));
    }
}

/// Does it to each item, and says what came of it.
pub(super) async fn each(
    reach: &Reach,
    output: Output,
    items: Vec<Item>,
    action: &Action,
    rate: Option<Rate>,
) -> Result<(), Failed> {
    let mut account = Account { asked: items.len() as u64, ..Account::default() };
    let done = work_through(reach, items, action, rate, &mut account).await;
    account.show(output, action);
    let left = account.asked - account.tried();
    let untried = match left {
        0 => String::new(),
        left => format!("; {left} of {} were not tried", account.asked),
    };
    done.map_err(|failed| Failed { message: format!("{}{untried}", failed.message), ..failed })?;
    if account.done < account.asked {
        let (past, _) = action.words();
        return Err(Failed::not_all(format!(
            "{} of {} could not be {past}",
            account.asked - account.done,
            account.asked
        )));
    }
    Ok(())
}

async fn work_through(
    reach: &Reach,
    items: Vec<Item>,
    action: &Action,
    rate: Option<Rate>,
    account: &mut Account,
) -> Result<(), Failed> {
    let (step, pause) = rate.map_or((STEP, None), |rate| {
        let (step, pause) = rate.steps();
        (step, Some(pause))
    });
    let mut beat = pause.map(tokio::time::interval);
    if let Some(beat) = &mut beat {
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let mut progress = Progress::new(items.len());
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        if let Some(beat) = &mut beat {
            beat.tick().await;
        }
        let mut batch = Batch::default();
        let some: Vec<Item> = items.by_ref().take(step).collect();
        let ids: Vec<Uuid> = some.iter().map(Item::id).collect();
        some.into_iter().for_each(|item| item.put(&mut batch));
        match action {
            Action::Replay(route) => batch.route.clone_from(route),
            Action::ReplayDead => batch.dead = true,
            Action::Discard | Action::Reverify | Action::Forget => {}
        }
        let answered = reach.post_batch(action.path(), &batch).await.inspect_err(|failed| {
            if failed.perhaps_done {
                ids.iter().for_each(|id| account.add(Outcome::unknown(*id, &failed.message)));
            }
        });
        let (outcomes, done) = answered?;
        outcomes.into_iter().for_each(|outcome| account.add(outcome));
        done?;
        progress.show(account.tried());
    }
    progress.end();
    Ok(())
}

/// On standard error: a line that replaces itself on a terminal, a line now and then elsewhere, none for a few items.
struct Progress {
    total: usize,
    terminal: bool,
    shown: Instant,
}

impl Progress {
    fn new(total: usize) -> Self {
        Progress { total, terminal: std::io::stderr().is_terminal(), shown: Instant::now() }
    }

    fn show(&mut self, tried: u64) {
        if self.total <= STEP {
            return;
        }
        if self.terminal {
            complain(&format!("\r{tried} of {}", self.total));
        } else if self.shown.elapsed() >= PROGRESS {
            self.shown = Instant::now();
            complain(&format!("{tried} of {}\n", self.total));
        }
    }

    fn end(&self) {
        if self.terminal && self.total > STEP {
            complain("\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use crate::admin::{Control, MAX_LIMIT, Today};
    use crate::clock::{SystemClock, Time};
    use crate::config::Config;
    use crate::delivery::{RunEnd, RunId};
    use crate::event::{UnixMillis, sample};
    use crate::store::{Limits, MemoryStore, NewEvent, NewRun, SettledRun, Store as _};

    use super::super::listing::Target;
    use super::super::selection::Selection;
    use super::*;

    #[test]
    fn rates_are_read() {
        let steps = |text: &str| Rate::parse(text).map(Rate::steps);
        assert_eq!(steps("50/s"), Ok((5, Duration::from_millis(100))));
        assert_eq!(steps("1/s"), Ok((1, Duration::from_secs(1))));
        assert_eq!(steps("60/m"), Ok((1, Duration::from_secs(1))));
        assert_eq!(steps("10/h"), Ok((1, Duration::from_secs(360))));
        assert_eq!(steps("1000/s"), Ok((50, Duration::from_millis(50))));
        for wrong in ["", "50", "0/s", "-1/s", "50/d", "1.5/s", "x/s"] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
    }

    const NOW: UnixMillis = 1_767_268_800_000;

    /// A store with so many dead runs, of which the oldest has the number 1.
    async fn with_dead_runs(many: u128) -> (Arc<MemoryStore>, Reach) {
        let store = Arc::new(MemoryStore::new(Limits { events: 100_000, bytes: 100_000_000 }));
        for number in 1..=many {
            let event = sample::event(number);
            let id = RunId(Uuid::from_u128(number));
            let run = NewRun { id, route: "route".into(), order: None, leased_until: None };
            let new = NewEvent { event: Arc::new(event), dedupe: None, runs: vec![run], unrouted: None };
            store.append(vec![new], NOW).await.unwrap();
            let leased = store.lease_runs(1, NOW, NOW + 1000).await.unwrap().work.remove(0);
            let end = RunEnd::Dead { cause: "trap".to_owned() };
            let settled = SettledRun { id, lease: leased.lease, attempt: None, end };
            store.settle_runs(vec![settled], NOW).await.unwrap();
        }
        let today = Today::written(Config::default());
        let control = Control::new(store.clone(), today, Arc::new(Time::new(Arc::new(SystemClock))));
        (store, Reach::Store(Box::new(control)))
    }

    async fn all_dead_letters(reach: &Reach) -> Vec<Item> {
        let target = Target::new("/v1/dead-letters");
        Selection::dead_letters(reach, &target).await.unwrap().items
    }

    #[tokio::test]
    async fn many_are_gathered_in_parts_and_done_in_steps() {
        let many = 2 * MAX_LIMIT as u128 + 30;
        let (store, reach) = with_dead_runs(many).await;
        let all = all_dead_letters(&reach).await;
        let number = |item: &Item| match item {
            Item::Run(run) => run.id.as_u128(),
            other => panic!("{other:?} is no run"),
        };
        let oldest_first: Vec<u128> = (1..=many).collect();
        assert_eq!(all.iter().map(number).collect::<Vec<_>>(), oldest_first);
        let mut account = Account::default();
        work_through(&reach, all, &Action::Discard, None, &mut account).await.unwrap();
        assert_eq!((account.done, account.tried(), account.results.len()), (2030, 2030, SHOWN));
        assert_eq!(store.ledger().await.unwrap().dead_letters_discarded, 2030);
    }

    #[tokio::test]
    async fn a_rate_is_kept() {
        let (_, reach) = with_dead_runs(40).await;
        let all = all_dead_letters(&reach).await;
        let start = Instant::now();
        let mut account = Account::default();
        work_through(&reach, all, &Action::Discard, Rate::parse("100/s").ok(), &mut account).await.unwrap();
        assert_eq!(account.done, 40);
        // Four steps of ten, of which the first is taken at once.
        assert!(start.elapsed() >= Duration::from_millis(300), "it took {:?}", start.elapsed());
    }

    #[tokio::test]
    async fn what_got_no_answer_may_be_done() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        // A gateway that dies while it does what it was asked, and one that is not there.
        let dies = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
        let reach = Reach::Socket(path);
        let items = || (1..=60).map(|number| Item::Event(Uuid::from_u128(number))).collect::<Vec<_>>();
        let mut account = Account { asked: 60, ..Account::default() };
        let failed = work_through(&reach, items(), &Action::Replay(None), None, &mut account).await;
        assert!(failed.is_err_and(|failed| failed.perhaps_done));
        assert_eq!((account.unknown, account.tried(), account.results.len()), (STEP as u64, 50, 50));
        dies.await.unwrap();
        let mut account = Account { asked: 60, ..Account::default() };
        let failed = work_through(&reach, items(), &Action::Replay(None), None, &mut account).await;
        assert!(failed.is_err_and(|failed| !failed.perhaps_done));
        assert_eq!(account.tried(), 0);
    }
}
