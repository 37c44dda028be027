//! What holds of the events of any call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use evenkeel::error::Moment;
use evenkeel::event::{CallId, Observer, What};

use super::*;

/// Holds every call to the grammar of events.
#[derive(Clone, Default)]
struct Grammar {
    calls: Arc<Mutex<HashMap<CallId, Told>>>,
    /// How often a call went to a fallback, by what made it go.
    hops: Arc<Mutex<HashMap<Trigger, usize>>>,
    /// How often the reply was a refusal that had been left for one.
    returned: Arc<AtomicU64>,
}

/// What a call has told so far.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    at: Moment,
    attempt: u32,
    under_way: bool,
    content: bool,
    /// The attempt whose refusal is the reply if nothing better comes.
    refused: Option<u32>,
    /// A refusal was told, and the fallback not yet.
    leaving: bool,
    ends: u32,
}

impl Observer for Grammar {
    fn observe(&self, event: &Event<'_>) {
        let mut calls = self
            .calls
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let told = calls.entry(event.call).or_default();
        let what = format!("{event} ({told:?})");
        assert_eq!(told.ends, 0, "after its end: {what}");
        assert!(event.at >= told.at, "back in time: {what}");
        told.at = event.at;
        let leaves =
            matches!(event.what, What::FellBack { trigger, .. } if trigger == Trigger::Refusal);
        assert_eq!(told.leaving, leaves, "{what}");
        let (under_way, content) = (told.under_way, told.content);
        match event.what {
            What::AttemptStarted { attempt, .. } => {
                assert!(!under_way && attempt == told.attempt + 1, "{what}");
                (told.attempt, told.under_way, told.content) = (attempt, true, false);
            }
            What::FirstContent { attempt, .. } => {
                assert!(under_way && !content && attempt == told.attempt, "{what}");
                (told.content, told.refused) = (true, None);
            }
            What::Quiet { attempt, .. } => {
                assert!(under_way && attempt == told.attempt, "{what}");
            }
            What::AttemptFailed { attempt, .. } => {
                assert!(under_way && attempt == told.attempt, "{what}");
                told.under_way = false;
            }
            What::AttemptDiscarded { attempt, .. } => {
                assert!(!under_way && content && attempt == told.attempt, "{what}");
                told.content = false;
            }
            What::AttemptRefused { attempt, .. } => {
                assert!(under_way && content && attempt == told.attempt, "{what}");
                (told.under_way, told.content) = (false, false);
                (told.refused, told.leaving) = (Some(attempt), true);
            }
            What::FellBack { trigger, .. } => {
                assert!(!under_way && !content, "{what}");
                told.leaving = false;
                let mut hops = self.hops.lock().unwrap();
                *hops.entry(trigger).or_default() += 1;
            }
            What::Waiting { attempt, .. } => {
                assert!(!under_way && attempt == told.attempt + 1, "{what}");
            }
            What::BudgetEmpty { .. } => assert!(!under_way, "{what}"),
            What::Succeeded { attempt, .. } => {
                if told.refused == Some(attempt) {
                    assert!(!under_way, "{what}");
                    self.returned.fetch_add(1, Ordering::SeqCst);
                } else {
                    assert!(under_way && content && attempt == told.attempt, "{what}");
                }
                told.ends += 1;
            }
            What::GivenUp { attempts, .. } => {
                assert!(!under_way && attempts == told.attempt, "{what}");
                assert_eq!(told.refused, None, "a refusal is a reply: {what}");
                told.ends += 1;
            }
            What::Cancelled { attempts, .. } => {
                assert!(attempts == told.attempt, "{what}");
                told.ends += 1;
            }
            // By whichever call turns it.
            What::CircuitChanged { .. } => {}
            other => assert_eq!(other.label(), "", "not in this weather: {what}"),
        }
    }
}

/// Chance that a test can repeat.
fn draw(state: &AtomicU64, below: u64) -> u64 {
    let mut bits = state.load(Ordering::SeqCst);
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    state.store(bits, Ordering::SeqCst);
    bits % below
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_to_a_call_its_events_follow_one_grammar() {
    let (mut hops, mut returned) = (HashMap::new(), 0);
    for seed in [11, 22, 33] {
        let lot = Arc::new(AtomicU64::new(seed));
        let of_server = Arc::clone(&lot);
        let server = Server::new(move |_| match draw(&of_server, 17) {
            0 => busy(),
            1 => busy().header("retry-after", "3"),
            2 => Reply::error(429, "rate_limit_error", "x").header("retry-after", "2"),
            3 => Reply::error(400, "invalid_request_error", "x"),
            4 => Reply::lost(evenkeel::Delivery::NotSent),
            5 => half().ending(Ending::Cut),
            6 => half().ending(Ending::Silence),
            7 => Reply::stream().body(&events::start()).ending(Ending::Cut),
            8 => Reply::never(),
            9 => half()
                .pause(30 * SECOND)
                .body(&(events::block_stop() + &events::stop_reason() + &events::stop())),
            10 | 11 => refusal(),
            12 => Reply::error(404, "not_found_error", "x"),
            _ => Reply::message("hello"),
        });
        let grammar = Grammar::default();
        let of_client = grammar.clone();
        let (client, _) = client(&server, |builder| builder.observer(of_client));
        let mut tasks = Vec::new();
        for number in 0..300_u64 {
            let calls = client
                .messages()
                .patience([Patience::Interactive, Patience::Background][(number % 2) as usize])
                .deadline(Duration::from_secs(5 + draw(&lot, 300)))
                .restart([Restart::Never, Restart::AtMost(2)][(number % 3 / 2) as usize]);
            // None, one or two.
            let calls = ["d", "e"]
                .into_iter()
                .take((number % 5 / 2) as usize)
                .fold(calls, |calls, model| calls.fallback(Fallback::to(model)));
            let request = request_to(["a", "b", "c"][(number % 3) as usize]);
            let collects = draw(&lot, 2) == 0;
            let task = tokio::spawn(async move {
                if collects {
                    let _ = calls.create(request).await;
                } else if let Ok(stream) = calls.stream(request).await {
                    let _ = stream.finish().await;
                }
            });
            if draw(&lot, 5) == 0 {
                let after = Duration::from_millis(draw(&lot, 20_000));
                let abort = task.abort_handle();
                tokio::spawn(async move {
                    pause(after).await;
                    abort.abort();
                });
            }
            tasks.push(task);
            pause(Duration::from_millis(draw(&lot, 400))).await;
        }
        for task in tasks {
            if let Err(error) = task.await {
                assert!(error.is_cancelled(), "seed {seed}: {error}");
            }
        }
        let calls = grammar.calls.lock().unwrap();
        assert!(calls.len() >= 250, "{}", calls.len());
        for (call, told) in calls.iter() {
            assert_eq!(told.ends, 1, "call {call} of seed {seed}: {told:?}");
        }
        returned += grammar.returned.load(Ordering::SeqCst);
        for (trigger, times) in grammar.hops.lock().unwrap().iter() {
            *hops.entry(*trigger).or_insert(0) += times;
        }
    }
    for trigger in [
        Trigger::CircuitOpen,
        Trigger::Overloaded,
        Trigger::Silence,
        Trigger::Refusal,
    ] {
        assert!(hops.contains_key(&trigger), "{trigger:?} of {hops:?}");
    }
    assert!(returned > 0, "no refusal was left and returned to");
}
