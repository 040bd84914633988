//! Load, kills, restarts, and the reckoning.

use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hookyard::store::{Ledger, Store, SyncMode};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::proof::Report;
use crate::random::Random;
use crate::wait::eventually;
use crate::yard::dist;

use super::account::{Account, Balance};
use super::process::Program;
use super::receiver::Receiver;
use super::sender::{Order, SECRET, sender};

/// Deliveries under way at once to each destination: so many may have been made and not settled when the gateway is
/// killed.
const CONCURRENCY: usize = 16;

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program under test.
    pub program: PathBuf,
    /// The engine that keeps events, as the configuration names it.
    pub store: &'static str,
    /// How often it is killed.
    pub kills: usize,
    /// How many events are to be acknowledged at least.
    pub events: usize,
    /// Connections that send.
    pub senders: usize,
    /// What was in flight at a kill has to arrive within this time after readiness.
    pub recovers_within: Option<Duration>,
    /// Makes the choices.
    pub seed: u64,
}

/// What was counted and measured besides the books.
#[derive(Default)]
struct Figures {
    kills: usize,
    kills_at_start: usize,
    /// From the start of the process until it was ready.
    starts: Vec<Duration>,
    problems: Vec<String>,
}

/// Runs the scenario.
pub async fn run(plan: &Plan) -> Report {
    let directory = TempDir::new().unwrap();
    let account = Arc::new(Account::default());
    let mut receiver = Receiver::start(account.clone()).await;
    let gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(plan.seed)));
    configure(plan.store, directory.path(), gateway, receiver.address);

    let (order, orders) = watch::channel(Order::Send);
    let mut random = Random::new(plan.seed);
    let mut senders = JoinSet::new();
    for at in 0..plan.senders {
        let random = Random::new(plan.seed ^ (at as u64 + 1) << 32);
        senders.spawn(sender(gateway, account.clone(), at, random, orders.clone()));
    }
    let mut figures = Figures::default();
    for kill in 0..plan.kills {
        let mut process = start(plan, directory.path(), gateway);
        let usual = figures.starts.last().copied();
        if let Some(usual) = usual
            && random.percent(20)
        {
            tokio::time::sleep(usual.mul_f64(random.below(1000) as f64 / 1000.0)).await;
            figures.kills_at_start += 1;
        } else {
            ready(&mut process, &account, &mut figures).await;
            serve_for_a_while(plan, kill, &account, &mut random, &process.0).await;
            figures.kills += 1;
        }
        process.0.kill();
        receiver.drain().await;
        account.killed();
    }
    let mut process = start(plan, directory.path(), gateway);
    ready(&mut process, &account, &mut figures).await;
    let enough = || async { (account.acknowledged_so_far() >= plan.events).then_some(()) };
    eventually(|| format!("{} events are acknowledged", account.acknowledged_so_far()), enough).await;
    order.send_replace(Order::Finish);
    while senders.join_next().await.is_some() {}
    at_rest(&process.0).await;
    figures.problems.extend(verified(&plan.program, directory.path()));
    let log = process.0.log();
    let status = process.0.stop().await;
    if !status.success() {
        figures.problems.push(format!("it stopped with {status}:\n{log}"));
    }
    reckon(plan, figures, &account, directory.path()).await
}

/// Waits until the gateway has nothing left to do: what has not arrived by then never will.
async fn at_rest(process: &Program) {
    let look = || async {
        let readiness = process.readiness().await;
        (readiness["store"]["pending"] == 0).then_some(())
    };
    eventually(|| format!("nothing pending; {}", process.log()), look).await;
}

/// A process and when it was started.
type Started = (Program, Instant);

fn start(plan: &Plan, directory: &Path, gateway: SocketAddr) -> Started {
    let now = Instant::now();
    (Program::start(&plan.program, directory, gateway), now)
}

async fn ready(process: &mut Started, account: &Account, figures: &mut Figures) {
    process.0.ready().await;
    account.ready();
    figures.starts.push(process.1.elapsed());
}

/// Until about as many events are acknowledged as make the whole at the end, and a moment longer.
async fn serve_for_a_while(
    plan: &Plan,
    kill: usize,
    account: &Account,
    random: &mut Random,
    process: &Program,
) {
    let share = (plan.events / plan.kills) as u64;
    let due = plan.events * (kill + 1) / plan.kills;
    let wanted = due.saturating_sub(share as usize) + random.below(2 * share + 1) as usize;
    let enough = || async { (account.acknowledged_so_far() >= wanted).then_some(()) };
    let what = || {
        format!("{} events of {wanted} are acknowledged; {}", account.acknowledged_so_far(), process.log())
    };
    eventually(what, enough).await;
    tokio::time::sleep(Duration::from_micros(random.below(5000))).await;
}

async fn reckon(plan: &Plan, mut figures: Figures, account: &Account, directory: &Path) -> Report {
    let ledger = ledger(&directory.join("state"), &mut figures.problems).await;
    let balance: Balance = account.balance(&ledger);
    let most_repeated = balance.repeated.values().copied().max().unwrap_or_default();
    let mut report = Report::new(format!("kill -9 (seed {})", plan.seed));
    report.row("kills while it served", figures.kills);
    report.row("kills while it started", figures.kills_at_start);
    report.row("events acknowledged with a 2xx", balance.acknowledged);
    report.row("of these lost", balance.lost);
    report.row("requests never answered, events that came of them", {
        format!("{}, {}", balance.unanswered, balance.unanswered_arrived)
    });
    report.row("requests sent once more, recognised as duplicates", {
        format!("{}, {}", balance.resent, ledger.duplicates)
    });
    report.row("messages that arrived", balance.arrived);
    report.row("messages that arrived once more", balance.repeated.values().sum::<usize>());
    report.row(
        "  most of them after one kill at one destination",
        format!("{most_repeated}, of {CONCURRENCY} that may be in flight"),
    );
    report.times("from the start of the process to readiness", &figures.starts);
    report.times("from readiness until all in flight had arrived", &balance.recoveries);
    report.row("  that had not all arrived at the next kill", balance.unfinished.len());
    report.problems = figures.problems;
    report.problems.extend(balance.problems);
    for ((life, destination), repeated) in balance.repeated {
        if repeated > CONCURRENCY {
            let (kill, at) = (life + 1, char::from(destination));
            report.problems.push(format!("{repeated} messages came to `{at}` once more after kill {kill}"));
        }
    }
    let slow = |recovery: &&Duration| plan.recovers_within.is_some_and(|limit| **recovery > limit);
    let slow = |recoveries: &[Duration], what: &str| {
        recoveries.iter().find(slow).map(|slow| format!("a recovery {what} {slow:?}"))
    };
    report.problems.extend(slow(&balance.recoveries, "took"));
    report.problems.extend(slow(&balance.unfinished, "had not ended after"));
    report
}

/// What `hookyard store verify` complains of while the gateway runs.
fn verified(program: &Path, directory: &Path) -> Option<String> {
    let ended = Command::new(program).args(["store", "verify"]).current_dir(directory).output().unwrap();
    let said = || [ended.stdout.as_slice(), &ended.stderr].map(String::from_utf8_lossy).concat();
    (!ended.status.success())
        .then(|| format!("`hookyard store verify` ended with {}: {}", ended.status, said()))
}

/// The ledger that the gateway has left behind.
async fn ledger(state: &Path, problems: &mut Vec<String>) -> Ledger {
    let store = crate::proof::open(state, SyncMode::Accepted, None).unwrap();
    problems.extend(store.verify().await.unwrap());
    store.ledger().await.unwrap()
}

/// A port below those that the system gives to outgoing connections, so that none of them takes it between two starts.
fn free_port(seed: u64) -> u16 {
    let mut random = Random::new(seed ^ u64::from(std::process::id()));
    loop {
        let port = 10_000 + random.below(20_000) as u16;
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn configure(store: &str, directory: &Path, gateway: SocketAddr, receiver: SocketAddr) {
    let destinations: String = ["a", "b", "c", "d"]
        .map(|name| {
            format!(
                "[destinations.{name}]\nurl = \"http://{receiver}/{name}\"\nnetwork = \"private\"\n\
                 concurrency = {CONCURRENCY}\nretry = {{ schedule = [\"50ms\"], max_attempts = 100 }}\n"
            )
        })
        .concat();
    let plugin = dist().join("redact.wasm");
    let config = format!(
        "[server]\nlisten = \"{gateway}\"\n\
         [store]\ntype = \"{store}\"\n\
         [telemetry]\nlog = \"warn\"\n\
         [sources.github]\nsecret = {{ file = \"secret\" }}\n\
         [plugins.redact]\npath = {plugin:?}\n\
         [plugins.redact.config]\nmask = [\"/sender/login\"]\n\
         [routes.plain]\nsource = \"github\"\nevents = [\"plain\", \"both\"]\nto = [\"a\"]\n\
         [routes.redacted]\nsource = \"github\"\nevents = [\"redacted\", \"both\"]\nplugins = [\"redact\"]\nto = [\"b\"]\n\
         [routes.fan]\nsource = \"github\"\nevents = [\"fan\"]\nto = [\"a\", \"c\", \"d\"]\n\
         [routes.ordered]\nsource = \"github\"\nevents = [\"ordered\"]\nordering = \"body:/lane\"\nto = [\"d\"]\n\
         {destinations}"
    );
    let secret = directory.join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    std::fs::write(directory.join("config.toml"), config).unwrap();
}
