//! Sends as providers do: over connections that stay open, and once more where there was no answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::client::{Client, sign};
use crate::random::Random;

use super::account::{Account, Kind};

/// More messages than this may not wait: senders pause, so that a recovery is not measured by a backlog.
const BACKLOG: usize = 300;

/// How long a gateway that is not there is left alone.
const PAUSE: Duration = Duration::from_millis(3);

/// What senders sign with.
pub(super) const SECRET: &str = "a secret between these two";

/// What senders are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Send.
    Send,
    /// Send again what had no answer, and nothing new.
    Finish,
}

/// One sender with one connection, and a lane for its ordered events. Ends when it is told to finish and has nothing left.
pub(super) async fn sender(
    gateway: SocketAddr,
    account: Arc<Account>,
    lane: usize,
    mut random: Random,
    order: watch::Receiver<Order>,
) {
    let client = Client { address: gateway };
    let mut again = VecDeque::new();
    loop {
        let Some(mut connection) = connect(gateway).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        loop {
            let number = match again.pop_front() {
                Some(number) => {
                    account.resending();
                    number
                }
                None if *order.borrow() == Order::Finish => return,
                None => {
                    room(&account).await;
                    account.sending(lane)
                }
            };
            if send(&mut connection, request(&client, lane, number)).await {
                account.acknowledged(lane, number);
                continue;
            }
            // Without an id of its own it would be another event; and some senders never try again.
            if has_delivery_id(number) && random.percent(80) {
                again.push_back(number);
            }
            break;
        }
    }
}

/// Waits while too much is under way, a moment at most: what is under way may be lost.
async fn room(account: &Account) {
    if account.outstanding() > BACKLOG {
        let _ = tokio::time::timeout(PAUSE, account.arrived.notified()).await;
    }
}

/// Whether there was a 2xx.
async fn send(connection: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> bool {
    let Ok(response) = connection.send_request(request).await else { return false };
    let status = response.status();
    // To the end, so that the connection can be used again.
    response.into_body().collect().await.is_ok() && status.is_success()
}

async fn connect(gateway: SocketAddr) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(gateway).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

fn has_delivery_id(number: u64) -> bool {
    !number.is_multiple_of(4)
}

fn request(client: &Client, lane: usize, number: u64) -> Request<Full<Bytes>> {
    let filling = "x".repeat((number % 1500) as usize);
    let body =
        format!(r#"{{"number":{number},"lane":{lane},"sender":{{"login":"ada"}},"filling":"{filling}"}}"#);
    let signature = sign(SECRET, body.as_bytes());
    let delivery = format!("delivery-{number}");
    let mut headers = vec![
        ("content-type", "application/json"),
        ("x-github-event", Kind::of(number).name()),
        ("x-hub-signature-256", &signature),
    ];
    if has_delivery_id(number) {
        headers.push(("x-github-delivery", &delivery));
    }
    client.request("POST", "/in/github", &headers, body)
}
