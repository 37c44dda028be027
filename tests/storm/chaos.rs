//! Two thousand calls in ten minutes against every fault that there is.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use evenkeel::error::Error as Failure;
use evenkeel::messages::StopReason;
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use evenkeel::{
    Client, Credential, Delivery, ErrorKind, Ledger, MessageRequest, Patience, Stopped,
};
use evenkeel_tests::{Ending, Recorder, Reply, Script, client, events, pause};
use futures_core::Stream;

use crate::SECOND;

/// What a server may do, and the outcomes that an attempt may have which meets it.
const FAULTS: &[(&str, &[&str])] = &[
    ("well", &["complete"]),
    ("slow", &["complete", "deadline_exceeded", "timed_out"]),
    ("unsent", &["connection"]),
    ("reset", &["connection"]),
    ("black_hole", &["timed_out", "deadline_exceeded"]),
    ("bad_request", &["invalid_request"]),
    ("forbidden", &["permission_denied"]),
    ("not_found", &["not_found"]),
    ("too_large", &["request_too_large"]),
    ("limited", &["rate_limited"]),
    ("limited_unsaid", &["rate_limited"]),
    ("broken", &["server_error"]),
    ("edge", &["bad_gateway"]),
    ("unavailable", &["server_error"]),
    ("gateway_timeout", &["server_timeout"]),
    ("overloaded", &["overloaded"]),
    ("overloaded_inside", &["overloaded"]),
    ("cut_before", &["interrupted"]),
    ("cut_after", &["interrupted"]),
    ("silent_after", &["timed_out", "deadline_exceeded"]),
    ("overloaded_after", &["overloaded"]),
    ("junk", &["protocol"]),
    ("page", &["protocol"]),
    ("redirect", &["protocol"]),
    (
        "stuck_error",
        &["overloaded", "deadline_exceeded", "timed_out"],
    ),
    ("late", &["server_timeout"]),
    ("conflict", &["conflict"]),
    ("told_to_retry", &["invalid_request"]),
    ("told_not_to", &["overloaded"]),
    ("refusal", &["complete"]),
    ("cut_at_its_end", &["complete"]),
    ("cut_in_a_tool", &["interrupted"]),
];

/// What it may say of an account, to the calls of one that is in arrears.
const ARREARS: &[(&str, &[&str])] = &[
    ("unauthorized", &["authentication"]),
    ("unpaid", &["billing"]),
    ("no_balance", &["billing"]),
    ("capped", &["quota_exhausted"]),
];

/// The key of that account.
const IN_ARREARS: &str = "sk-ant-api03-arrears";

/// What no request follows.
const FINAL: [&str; 15] = [
    "well",
    "bad_request",
    "forbidden",
    "not_found",
    "too_large",
    "redirect",
    "conflict",
    "told_not_to",
    "refusal",
    "cut_at_its_end",
    "cut_in_a_tool",
    "unauthorized",
    "unpaid",
    "no_balance",
    "capped",
];

fn reply(fault: &str, text: &str) -> Reply {
    let begun = || Reply::stream().body(&events::start());
    let half = || begun().body(&events::text("half"));
    let error = |status, kind| Reply::error(status, kind, "x");
    match fault {
        "well" => Reply::message(text),
        "slow" => Reply::message(text).pause_before_head(8 * SECOND),
        "unsent" => Reply::lost(Delivery::NotSent),
        "reset" => Reply::lost(Delivery::Unknown),
        "black_hole" => Reply::never(),
        "bad_request" => error(400, "invalid_request_error"),
        "forbidden" => error(403, "permission_error"),
        "not_found" => error(404, "not_found_error"),
        "too_large" => error(413, "request_too_large"),
        "limited" => error(429, "rate_limit_error").header("retry-after", "2"),
        "limited_unsaid" => error(429, "rate_limit_error"),
        "broken" => error(500, "api_error"),
        "edge" => Reply::status(502)
            .header("content-type", "text/html")
            .body("<html>"),
        "unavailable" => error(503, "api_error"),
        "gateway_timeout" => error(504, "timeout_error"),
        "overloaded" => error(529, "overloaded_error"),
        "overloaded_inside" => begun().body(&events::error("overloaded_error", "x")),
        "cut_before" => begun().ending(Ending::Cut),
        "cut_after" => half().ending(Ending::Clean),
        "silent_after" => half().ending(Ending::Silence),
        "overloaded_after" => half().body(&events::error("overloaded_error", "x")),
        "junk" => Reply::stream().body("event: message_start\ndata: {\n\n"),
        "page" => Reply::status(200)
            .header("content-type", "text/html")
            .body("<html>"),
        "redirect" => Reply::status(302).header("location", "https://elsewhere.example/"),
        "stuck_error" => error(529, "overloaded_error").ending(Ending::Silence),
        "late" => error(408, "timeout_error"),
        "conflict" => error(409, "invalid_request_error"),
        "told_to_retry" => error(400, "invalid_request_error").header("x-should-retry", "true"),
        "told_not_to" => error(529, "overloaded_error").header("x-should-retry", "false"),
        "refusal" => begun().body(&(events::stop_for("refusal") + &events::stop())),
        "cut_at_its_end" => begun()
            .body(&(events::text(text) + &events::block_stop() + &events::stop_reason()))
            .ending(Ending::Cut),
        "cut_in_a_tool" => half()
            .body(&(events::block_stop() + &events::block(1, &search())))
            .ending(Ending::Cut),
        "unauthorized" => error(401, "authentication_error"),
        "unpaid" => error(402, "billing_error"),
        "no_balance" => Reply::error(
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
        ),
        "capped" => Reply::status(429)
            .header("content-type", "application/json")
            .header("retry-after", "2")
            .body(CAP),
        other => panic!("no such fault: {other}"),
    }
}

const CAP: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#;

/// A tool that the server runs.
fn search() -> serde_json::Value {
    serde_json::json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}})
}

/// Chance that a test can repeat.
struct Lot(u64);

impl Lot {
    fn draw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

/// A server that does anything, writes down what, and counts what is held open.
#[derive(Clone)]
struct Weather {
    lot: Arc<Mutex<Lot>>,
    done: Arc<Mutex<HashMap<String, Vec<&'static str>>>>,
    held: Arc<AtomicUsize>,
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

impl Transport for Weather {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Failure>> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let name = body
            .split("call-")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap()
            .to_owned();
        let mut lot = self.lot.lock().unwrap();
        // As often well as not, so that calls end in both ways.
        let is_in_arrears = request.headers["x-api-key"] == IN_ARREARS;
        let fault = match lot.draw(2) {
            0 => "well",
            _ if is_in_arrears => ARREARS[lot.draw(ARREARS.len())].0,
            _ => FAULTS[lot.draw(FAULTS.len())].0,
        };
        drop(lot);
        let mut done = self.done.lock().unwrap();
        let of_call = done.entry(name.clone()).or_default();
        of_call.push(fault);
        let script = Script::new([reply(fault, &format!("reply-{name}-{}", of_call.len()))]);
        drop(done);
        let held = Held::new(&self.held);
        Box::pin(async move {
            let response = script.send(request).await?;
            let body = Body::from_stream(HeldBody(response.body, held));
            Ok(Response::new(response.facts, response.headers, body))
        })
    }
}

fn expected(fault: &str) -> &'static [&'static str] {
    let mut all = FAULTS.iter().chain(ARREARS);
    all.find(|(name, _)| *name == fault).unwrap().1
}

/// The faults that come after content: what was generated is paid for, and thrown away.
const AFTER_CONTENT: [&str; 4] = [
    "cut_after",
    "silent_after",
    "overloaded_after",
    "cut_in_a_tool",
];

/// What a storm comes to.
#[derive(Default, Debug)]
struct Tally {
    complete: usize,
    failed: HashMap<&'static str, usize>,
    cancelled: usize,
    /// Of those that failed, the calls that the latch of their account answered.
    latched: usize,
    requests: usize,
    /// Of the replies.
    spent: Tokens,
    /// Of the attempts that brought none, whatever became of their calls.
    spent_again: Tokens,
    /// Attempts that may have been billed, and of which nothing is known.
    unreported: u32,
}

#[derive(Clone, Copy, Default, Debug)]
struct Tokens {
    input: u64,
    output: u64,
}

impl Tally {
    /// What a call's ledger says, split in the attempt that brought the reply and those that did not.
    fn pay(&mut self, ledger: Ledger, reply: Tokens) {
        let (input, output) = (ledger.input_tokens, ledger.output_tokens);
        self.spent.input += reply.input;
        self.spent.output += reply.output;
        self.spent_again.input += input.unwrap_or(0) - reply.input;
        self.spent_again.output += output.unwrap_or(0) - reply.output;
        self.unreported += ledger.unreported;
    }

    /// What one success cost beyond its own tokens, as a line.
    fn spent_again_per_success(&self) -> String {
        let each = |tokens: u64| {
            let hundredths = tokens * 100 / self.complete as u64;
            format!("{}.{:02}", hundredths / 100, hundredths % 100)
        };
        let (again, own) = (self.spent_again, self.spent);
        format!(
            "tokens spent again per success: {} (input {}, output {}) beside its own {}; attempts of unknown cost: {}",
            each(again.input + again.output),
            each(again.input),
            each(again.output),
            each(own.input + own.output),
            each(self.unreported.into()),
        )
    }
}

/// A collected call is replayed once after content, and never again: what a storm can waste is bounded by that.
fn after_content(done: &[&str]) -> usize {
    let faults = done.iter().filter(|fault| AFTER_CONTENT.contains(fault));
    faults.count()
}

/// One call in ten.
fn is_in_arrears(number: usize) -> bool {
    number % 10 == 9
}

type Task = tokio::task::JoinHandle<Result<evenkeel::Reply, evenkeel::Error>>;

/// Calls of every patience, some with a deadline, some dropped on the way.
async fn launch(client: &Client, seed: u64, calls: usize) -> Vec<(String, Task)> {
    let mut lot = Lot(seed * 2 + 77);
    let mut tasks = Vec::new();
    for number in 0..calls {
        let name = format!("{number:05}");
        let request = MessageRequest::new("claude-sonnet-5-5", 64).user(format!("call-{name}"));
        let mut messages = client.messages().patience(match lot.draw(3) {
            0 => Patience::Interactive,
            1 => Patience::Background,
            _ => Patience::Unattended,
        });
        if is_in_arrears(number) {
            messages = messages.credential(Credential::api_key(IN_ARREARS));
        }
        if lot.draw(4) == 0 {
            messages = messages.deadline(Duration::from_secs(1 + lot.draw(120) as u64));
        }
        let cancel = (lot.draw(20) == 0).then(|| Duration::from_millis(lot.draw(20_000) as u64));
        let call = tokio::spawn(messages.create(request));
        if let Some(after) = cancel {
            let handle = call.abort_handle();
            tokio::spawn(async move {
                pause(after).await;
                handle.abort();
            });
        }
        tasks.push((name, call));
        pause(SECOND * 3 / 10).await;
    }
    tasks
}

/// Nothing follows what is final, and what is told to be tried again is tried twice more at most.
fn check_order(name: &str, done: &[&str]) {
    let before = done.split_last().map_or(done, |(_, before)| before);
    let goes_on = before.iter().find(|fault| FINAL.contains(fault));
    assert_eq!(goes_on, None, "{name} went on: {done:?}");
    let told = done.iter().filter(|fault| **fault == "told_to_retry");
    assert!(told.count() <= 3, "{name} tried on and on: {done:?}");
}

async fn storm(seed: u64, calls: usize) -> (Tally, Recorder) {
    let weather = Weather {
        lot: Arc::new(Mutex::new(Lot(seed * 2 + 1))),
        done: Arc::default(),
        held: Arc::default(),
    };
    let (client, recorder) = client(&weather, |builder| builder.seed(seed));
    let tasks = launch(&client, seed, calls).await;
    let mut tally = Tally::default();
    for (number, (name, call)) in tasks.into_iter().enumerate() {
        let outcome = call.await;
        let done = weather
            .done
            .lock()
            .unwrap()
            .get(&name)
            .cloned()
            .unwrap_or_default();
        tally.requests += done.len();
        check_order(&name, &done);
        let attempts = match &outcome {
            Err(_) => {
                tally.cancelled += 1;
                continue;
            }
            Ok(Ok(reply)) => {
                if done.last() == Some(&"refusal") {
                    assert_eq!(reply.stop_reason, Some(StopReason::Refusal));
                    assert_eq!(reply.text(), "");
                } else {
                    assert_eq!(reply.text(), format!("reply-{name}-{}", done.len()));
                }
                tally.complete += 1;
                let usage = &reply.usage;
                let own = Tokens {
                    input: usage.input_tokens.unwrap_or(0),
                    output: usage.output_tokens.unwrap_or(0),
                };
                tally.pay(reply.meta.ledger(), own);
                assert!(after_content(&done) <= 1, "{name} replayed twice: {done:?}");
                &reply.meta.attempts[..]
            }
            Ok(Err(error)) => {
                *tally.failed.entry(error.label()).or_default() += 1;
                let own = [
                    ErrorKind::CircuitOpen,
                    ErrorKind::DeadlineExceeded,
                    // The hint of another call that did not fit.
                    ErrorKind::RateLimited,
                ];
                // Said to another call of the account.
                let is_latched = error.stopped() == Stopped::Latched;
                tally.latched += usize::from(is_latched);
                let met = done
                    .iter()
                    .any(|fault| expected(fault).contains(&error.label()));
                assert!(
                    met || is_latched || own.contains(&error.kind()),
                    "{name}: {error} after {done:?}"
                );
                let complete = error
                    .attempts()
                    .iter()
                    .any(|a| a.outcome.label() == "complete");
                assert!(!complete, "a failure that had a reply");
                if is_latched {
                    assert!(is_in_arrears(number), "{name}: {error} after {done:?}");
                    let mut says = ARREARS.iter().flat_map(|(_, outcomes)| *outcomes);
                    assert!(says.any(|said| *said == error.label()), "{name}: {error}");
                }
                tally.pay(error.ledger(), Tokens::default());
                assert!(after_content(&done) <= 2, "{name} replayed twice: {done:?}");
                error.attempts()
            }
        };
        let outcomes: Vec<_> = attempts
            .iter()
            .map(|attempt| attempt.outcome.label())
            .collect();
        assert_eq!(
            outcomes.len(),
            done.len(),
            "{name}: {outcomes:?} after {done:?}"
        );
        for (outcome, fault) in outcomes.iter().zip(&done) {
            assert!(
                expected(fault).contains(outcome),
                "{name}: {outcome} after {fault}"
            );
        }
    }
    assert_eq!(
        weather.held.load(Ordering::SeqCst),
        0,
        "an exchange is held open"
    );
    (tally, recorder)
}

#[tokio::test(start_paused = true)]
async fn every_call_ends_in_a_whole_message_or_in_an_error_that_matches_what_the_server_did() {
    let (tally, recorder) = storm(1, 2_000).await;
    println!("{tally:?}");
    let ends = ["succeeded", "given_up", "cancelled"].map(|label| recorder.count(label));
    assert_eq!(
        ends.iter().sum::<usize>(),
        2_000,
        "each call has one end: {ends:?}"
    );
    assert_eq!(ends[0], tally.complete);
    assert!(tally.complete > 1_000, "{tally:?}");
    assert!(
        !tally.failed.is_empty() && tally.cancelled > 20,
        "{tally:?}"
    );
    assert!(tally.latched > 20, "{tally:?}");
    assert!(recorder.count("latch_cleared") > 0, "{tally:?}");
    println!("{}", tally.spent_again_per_success());
}

/// A line without the date that a latch gives to people: wall time is no one's to repeat.
fn without_dates(line: &str) -> String {
    let since = "refused since ";
    let cut = line.split_once(since).map(|(before, rest)| {
        let rest = rest.split_once(',').map_or("", |(_, rest)| rest);
        format!("{before}{since}…,{rest}")
    });
    cut.unwrap_or_else(|| line.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_storm() {
    let line = |recorder: &Recorder| -> Vec<String> {
        let seen = recorder.seen().into_iter();
        seen.map(|seen| without_dates(&seen.line)).collect()
    };
    let (_, first) = storm(5, 300).await;
    let (_, second) = storm(5, 300).await;
    let (_, other) = storm(6, 300).await;
    assert_eq!(line(&first), line(&second));
    assert_ne!(line(&first), line(&other));
}
