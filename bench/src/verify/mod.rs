//! What it costs to prove one request genuine, for every scheme, beside the bare primitive over the same bytes.

mod bare;
mod report;

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hookyard::event::Body;
use hookyard::signature::{Draft, SignedRequest, Trace, Verifier, sign};
use hookyard_tests::Sender;

use self::bare::Bare;
use self::report::{Measured, Report};
use crate::{Options, machine};

/// When everything is signed and checked.
const NOW: i64 = 1_780_000_000_000;

/// Processor time of what one number is the mean of.
const SLICE: Duration = Duration::from_millis(4);

/// Sizes of bodies, in bytes: the first for every scheme, all for those that most people meet.
const SIZES: [usize; 3] = [1 << 10, 16 << 10, 256 << 10];

/// Schemes of the providers that most people meet.
const FIRST: [&str; 5] = ["stripe", "github", "twilio", "pagerduty", "shopify"];

/// A signed request, and what checks it.
struct Case {
    sender: Sender,
    size: usize,
    verifier: Verifier,
    draft: Draft,
    bare: Option<Bare>,
}

/// Measures all cases in turn, `rounds` times, each directly before its bare primitive.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut cases = Vec::new();
    for size in SIZES {
        for sender in Sender::all() {
            let is_first = FIRST.contains(&&*sender.name);
            if options.wants(&sender.name) && (size == SIZES[0] || is_first) {
                cases.push(Case::new(sender, size)?);
            }
        }
    }
    if cases.is_empty() {
        bail!("no scheme is called so");
    }
    let mut measured: Vec<Measured> =
        cases.iter().map(|case| Measured::new(&case.sender.name, case.size)).collect();
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for (case, measured) in cases.iter().zip(&mut measured) {
            measured.whole.push(micros(|| case.verify()));
            if let Some(bare) = &case.bare {
                measured.bare.push(micros(bare));
            }
        }
    }
    let report = Report(measured);
    report.print().context("failed to print")?;
    if let Some(path) = &options.json {
        let text = report.json()?;
        std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

impl Case {
    fn new(sender: Sender, size: usize) -> Result<Self> {
        let mut draft = sender.draft(size, "a line of some text, ");
        sign(&sender.scheme, &sender.signing, &mut draft, "id-1", NOW)
            .with_context(|| format!("failed to sign for {}", sender.name))?;
        let verifier = sender.verifier();
        let mut covered = Covered::default();
        if let Err(refusal) = verifier.verify_watched(draft.request(), NOW, &mut covered) {
            bail!("{} refuses its own request: {refusal}", sender.name);
        }
        let bare = bare::of(&sender.scheme, &covered.0, draft.body.bytes())?;
        Ok(Case { sender, size, verifier, draft, bare })
    }

    /// As if the request had just come: where the scheme looks into the body, that is parsed.
    fn verify(&self) -> bool {
        let body = Body::new(self.draft.body.bytes().clone(), &self.draft.headers);
        let request = SignedRequest { body: &body, ..self.draft.request() };
        self.verifier.verify(black_box(request), NOW).is_ok()
    }
}

/// The mean processor time of a call, over about [`SLICE`].
fn micros(call: impl Fn() -> bool) -> f64 {
    let started = machine::thread_time();
    let mut calls = 0_u32;
    loop {
        // Several between two looks at the clock, which costs as much as a small HMAC.
        for _ in 0..16 {
            assert!(black_box(call()), "what was genuine is refused");
        }
        calls += 16;
        let used = machine::thread_time() - started;
        if used >= SLICE {
            return used.as_secs_f64() * 1e6 / f64::from(calls);
        }
    }
}

/// The pieces that a signature covers.
#[derive(Default)]
struct Covered(Vec<Vec<u8>>);

impl Trace for Covered {
    fn covered<'p>(&mut self, pieces: impl Iterator<Item = Option<&'p [u8]>>) {
        // A piece that is not shown is the secret.
        self.0.extend(pieces.map(|piece| piece.unwrap_or(&[b's'; 32]).to_vec()));
    }
}
