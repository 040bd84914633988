//! Expressions of `when`: whatever somebody writes is compiled or refused, and what is compiled can be asked.
#![no_main]

use std::sync::OnceLock;

use bytes::Bytes;
use hookyard::event::{Body, Event, EventId, Headers};
use hookyard::routing::{Router, Rule, When};
use hookyard_fuzz::{expression_seeds, write_seeds};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

/// What the longest expression may take, as it is when a configuration is read.
const STACK: usize = 32 << 20;

fuzz_target!(init: write_seeds(expression_seeds), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let ended = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, || ask(text)).map(|thread| thread.join().is_ok())
    });
    assert!(ended.unwrap_or(true), "{text}");
});

fn ask(text: &str) {
    let when = match When::compile(text) {
        Ok(when) => when,
        Err(fault) => {
            assert!(text.get(fault.at.clone()).is_some(), "{fault:?} is not a place in {text:?}");
            return;
        }
    };
    let rule = Rule {
        route: "r".into(),
        sources: vec!["shop".to_owned()],
        events: Vec::new(),
        conditions: Vec::new(),
        when: Some(when),
        fallback: false,
    };
    let router = Router::new(vec![rule]);
    let routed = router.route(event());
    assert!(routed.routes.len() + routed.undecided.len() <= 1);
}

fn event() -> &'static Event {
    static EVENT: OnceLock<Event> = OnceLock::new();
    EVENT.get_or_init(|| {
        let mut headers = Headers::new();
        let _ = headers.set("x-tenant", "acme");
        let body =
            br#"{"amount":1250,"rate":1.5,"big":18446744073709551615,"text":"a\u00e9","none":null,"is":true,
            "items":[{"price":20},{"price":60}],"customer":{"country":"DE"}}"#;
        Event {
            id: EventId(Uuid::nil()),
            source: "shop".into(),
            kind: "order.paid".to_owned(),
            delivery_id: Some("d-1".to_owned()),
            proof: None,
            hops: 0,
            received_at: 1_700_000_000_000,
            method: "POST".to_owned(),
            path: "/in/shop".to_owned(),
            query: "a=1".to_owned(),
            body: Body::new(Bytes::from_static(body), &headers),
            headers,
        }
    })
}
