//! The server of the storm: it does anything, writes down what, and counts what is held open.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use evenkeel::error::Error as Failure;
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use evenkeel_tests::{Script, now};
use futures_core::Stream;
use tokio::time::Instant;

use super::faults::{ARREARS, FAULTS, in_one_piece, plain_reply, reply};
use super::{IN_ARREARS, MODELS};

/// The seconds of a squall, in which circuits open; of the lull behind it, in
/// which they close; and how often both come.
const SQUALL: Range<u64> = 40..52;
const LULL: Range<u64> = 52..80;
const SQUALLS: u64 = 150;

/// Chance that a test can repeat.
pub(super) struct Lot(pub(super) u64);

impl Lot {
    pub(super) fn draw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

#[derive(Clone)]
pub(super) struct Weather {
    lot: Arc<Mutex<Lot>>,
    served: Arc<Mutex<Vec<Served>>>,
    /// What it does once the storm is over, in this order; the last repeats.
    after: Arc<Mutex<VecDeque<&'static str>>>,
    held: Arc<AtomicUsize>,
    started: Instant,
}

/// One request, and what it met.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) at: Duration,
    pub(super) call: String,
    pub(super) model: &'static str,
    pub(super) is_in_arrears: bool,
    pub(super) fault: &'static str,
}

/// Counts one exchange for as long as it lives.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(held: &Arc<AtomicUsize>) -> Self {
        held.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(held))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct HeldBody(Body, #[expect(dead_code, reason = "held")] Held);

impl Stream for HeldBody {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_chunk(cx)
    }
}

impl Weather {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            lot: Arc::new(Mutex::new(Lot(seed * 2 + 1))),
            served: Arc::default(),
            after: Arc::default(),
            held: Arc::default(),
            started: now(),
        }
    }

    /// Since the storm began.
    pub(super) fn now(&self) -> Duration {
        now() - self.started
    }

    /// Every request so far, in order.
    pub(super) fn served(&self) -> Vec<Served> {
        self.served.lock().unwrap().clone()
    }

    /// How many exchanges are held open.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Ends the storm: from now on it does this, and repeats the last.
    pub(super) fn settle(&self, after: impl IntoIterator<Item = &'static str>) {
        *self.after.lock().unwrap() = after.into_iter().collect();
    }

    fn fault(&self, is_in_arrears: bool, is_plain: bool) -> &'static str {
        let mut after = self.after.lock().unwrap();
        if after.len() > 1 {
            return after.pop_front().unwrap();
        }
        if let Some(&last) = after.front() {
            return last;
        }
        let mut lot = self.lot.lock().unwrap();
        let second = self.now().as_secs() % SQUALLS;
        let is_squall = SQUALL.contains(&second);
        if LULL.contains(&second) {
            return "well";
        }
        // Else as often well as not, so that calls end in both ways.
        let fault = match lot.draw(2) {
            0 if is_squall => "overloaded",
            0 => "well",
            _ if is_in_arrears => ARREARS[lot.draw(ARREARS.len())].0,
            _ => FAULTS[lot.draw(FAULTS.len())].0,
        };
        if is_plain { in_one_piece(fault) } else { fault }
    }
}

impl Transport for Weather {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Failure>> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let call = body
            .split("call-")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap()
            .to_owned();
        let mut models = MODELS.into_iter();
        let model = models.find(|model| body.contains(model)).unwrap();
        let is_in_arrears = request.headers["x-api-key"] == IN_ARREARS;
        let is_plain = !body.contains(r#""stream":true"#);
        let fault = self.fault(is_in_arrears, is_plain);
        let mut served = self.served.lock().unwrap();
        let number = 1 + served.iter().filter(|served| served.call == call).count();
        let text = format!("reply-{call}-{number}");
        served.push(Served {
            at: self.now(),
            call,
            model,
            is_in_arrears,
            fault,
        });
        drop(served);
        let script = Script::new([if is_plain {
            plain_reply(fault, &text)
        } else {
            reply(fault, &text)
        }]);
        let held = Held::new(&self.held);
        Box::pin(async move {
            let response = script.send(request).await?;
            let body = Body::from_stream(HeldBody(response.body, held));
            Ok(Response::new(response.facts, response.headers, body))
        })
    }
}
