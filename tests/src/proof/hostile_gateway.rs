//! Plugins that mean harm, one after the other in a gateway that reloads for each, beside a neighbour that serves.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use hookyard::delivery::State;
use hookyard::event::EventId;
use hookyard::store::{Ledger, Page, Queue, WorkFilter, WorkRecord};

use crate::corpus::payload;
use crate::hostile_guests::{Fate, HostileGuest, families};
use crate::sink::Sink;
use crate::wait::eventually;
use crate::yard::{Plan, Yard};

use super::{Hostility, Report};

/// How long the neighbour may take, from its request to its delivery, on a busy machine. Far less than all the calls and
/// compilations of the others together.
const NEIGHBOUR: Duration = Duration::from_secs(10);

const TABLES: &str = r#"
[server]
listen = "127.0.0.1:0"
guest_threads = 2
[reload]
poll = "0s"
debounce = "2ms"
[secrets]
token = { file = "secret" }
[plugins.good]
path = "{dist}/redact.wasm"
[destinations.good]
url = "{good}"
network = "private"
[routes.good]
source = "github"
events = ["push.*"]
plugins = ["good"]
to = ["good"]
"#;

const HOSTILE: &str = r#"
[plugins.hostile]
path = "{file}"
on_error = "dead-letter"
{limits}
[routes.hostile]
source = "github"
events = ["ping.*"]
plugins = ["hostile"]
to = ["sink"]
"#;

/// Puts each into the same gateway, sends it an event, and looks at what becomes of that, of the neighbour's events, and
/// of the gateway.
pub async fn hostile_gateway(plan: &Hostility) -> Report {
    let mut report = Report::new("hostile plugins in one gateway");
    let neighbour = Sink::start().await;
    let tables = TABLES.replace("{good}", &neighbour.url());
    let yard = Plan::new().await.start(&tables).await;
    let mut scene = Scene { yard, neighbour, tables, parked: HashSet::new(), served: Vec::new(), sent: 0 };
    let mut seen = 0;
    for (_, guests) in families() {
        for guest in guests.iter().filter(|guest| guest.name.contains(&plan.only)) {
            let found = scene.meet(guest).await;
            report.problems.extend(found.map(|problem| format!("{}: {problem}", guest.name)));
            seen += 1;
        }
    }
    report.row("plugins, each by a reload", seen);
    scene.end(&mut report).await;
    report
}

struct Scene {
    yard: Yard,
    neighbour: Sink,
    tables: String,
    /// Events that have become dead letters.
    parked: HashSet<EventId>,
    /// How long the neighbour took.
    served: Vec<Duration>,
    sent: u64,
}

impl Scene {
    /// Loads one, calls it, and says what is not as it has to be.
    async fn meet(&mut self, guest: &HostileGuest) -> Option<String> {
        let file = format!("{}.wasm", guest.name);
        guest.write(&self.yard.path(&file));
        let generation = self.yard.gateway.generation().number;
        let hostile = HOSTILE.replace("{file}", &file).replace("{limits}", &guest.terms().lines());
        self.yard.configure(&format!("{}{hostile}", self.tables));
        // While it is read and compiled.
        self.serve().await;
        match guest.fate {
            Fate::Refused(part) => self.refused(&file, part).await,
            fate => {
                let loaded = || async { self.loaded(generation, &file) };
                if let Some(problem) = eventually(guest.name.as_str(), loaded).await.0 {
                    return Some(problem);
                }
                self.called(fate).await
            }
        }
    }

    /// Whether it has come into use; or why it has not.
    fn loaded(&self, before: u64, file: &str) -> Option<Option<String>> {
        if self.yard.gateway.generation().number > before {
            return Some(None);
        }
        let failure = self.yard.gateway.reload_failure()?.problems.join("; ");
        failure.contains(file).then_some(Some(format!("it is not loaded: {failure}")))
    }

    async fn refused(&mut self, file: &str, part: &str) -> Option<String> {
        let before = self.yard.gateway.generation().number;
        let look = || async {
            let failure = self.yard.gateway.reload_failure().map(|failure| failure.problems.join("; "));
            let failure = failure.filter(|failure| failure.contains(file));
            let loaded = self.yard.gateway.generation().number > before;
            (failure.is_some() || loaded).then_some(failure)
        };
        let failure = eventually(file, look).await.0;
        self.serve().await;
        match failure {
            None => Some("it is loaded".to_owned()),
            Some(failure) if !failure.contains(part) => Some(format!("it is refused otherwise: {failure}")),
            Some(_) => None,
        }
    }

    /// Sends it an event, and the neighbour another one meanwhile.
    async fn called(&mut self, fate: Fate) -> Option<String> {
        let before = self.yard.ledger().await;
        self.send("ping").await;
        self.serve().await;
        let ended = || async {
            let ledger = self.yard.ledger().await;
            (ledger.pending == 0).then_some(ledger)
        };
        let after = eventually("the end of its run", ended).await.0;
        match fate {
            Fate::Fails(kind, part) => {
                let Some(letter) = self.new_letter().await else {
                    return Some("its event is no dead letter".to_owned());
                };
                self.parked.insert(letter.event);
                let kept = self.yard.event_of(&letter).await;
                let cause = letter.detail.unwrap_or_default();
                if **kept.bytes() != *payload().as_bytes() {
                    return Some("its event is parked with another body".to_owned());
                }
                let expected = format!("plugin hostile: {}: ", kind.as_str());
                let fits = cause.contains(&expected) && cause.contains(part);
                (!fits).then(|| format!("its event is parked for another cause: {cause}"))
            }
            Fate::Harmless | Fate::Refused(_) => went_on(&before, &after),
        }
    }

    /// The dead letter that was none before.
    async fn new_letter(&self) -> Option<WorkRecord> {
        let filter = WorkFilter { state: Some(State::Dead), ..WorkFilter::default() };
        let page = Page { after: None, limit: 1000 };
        let letters = self.yard.gateway.store().work(Queue::Runs, filter, page).await.unwrap();
        letters.into_iter().find(|letter| !self.parked.contains(&letter.event))
    }

    /// Has the neighbour serve an event.
    async fn serve(&mut self) {
        let begun = Instant::now();
        self.send("push").await;
        self.neighbour.next().await;
        self.served.push(begun.elapsed());
    }

    async fn send(&mut self, event: &str) {
        assert_eq!(self.yard.send_github(event, payload()).await.status, 202);
        self.sent += 1;
    }

    /// Nothing is lost, and the gateway is as well as before.
    async fn end(self, report: &mut Report) {
        let ledger = self.yard.settled().await;
        report.row("events accepted", ledger.accepted);
        report.row("of these parked as dead letters", ledger.runs_dead);
        report.times("the neighbour, from request to delivery", &self.served);
        if ledger.accepted != self.sent
            || ledger.runs_dead != self.parked.len() as u64
            || ledger.deliveries_dead > 0
        {
            let (sent, parked) = (self.sent, self.parked.len());
            report
                .problems
                .push(format!("{sent} events were sent, {parked} seen parked, and the ledger is {ledger:?}"));
        }
        if let Some(slowest) = self.served.iter().max().filter(|slowest| **slowest > NEIGHBOUR) {
            report.problems.push(format!("the neighbour took {slowest:?}"));
        }
        if self.yard.get("/healthz").await.status != 200 {
            report.problems.push("the gateway is not well".to_owned());
        }
    }
}

/// What is wrong if the event of a harmless one did not go on.
fn went_on(before: &Ledger, after: &Ledger) -> Option<String> {
    // The neighbour's is one.
    let more = after.delivered - before.delivered;
    (more < 2 || after.runs_dead > before.runs_dead).then(|| format!("its event did not go on: {after:?}"))
}
