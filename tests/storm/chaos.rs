//! Two thousand calls in ten minutes against every fault that there is.

use std::collections::HashMap;
use std::time::Duration;

use evenkeel::event::Trigger;
use evenkeel::messages::StopReason;
use evenkeel::{Error, ErrorKind, Ledger, Patience, Reply, Stopped};
use evenkeel_tests::{Seen, client};
use tokio::runtime::Handle;
use tokio::task::yield_now;

use crate::{MINUTE, SECOND};

mod aftermath;
mod callers;
mod faults;
mod history;
mod weather;

use callers::{Caller, Ended, Form, launch};
use faults::{AFTER_CONTENT, ARREARS, FINAL, HINT, OVERLOADED, REFUSES, SILENT, SPACING, expected};
use history::History;
use weather::{Served, Weather};

/// The model that every call asks, and the one that some fall back to.
const MODELS: [&str; 2] = ["claude-sonnet-5-5", "claude-haiku-5-5"];

/// The key of the account in arrears.
const IN_ARREARS: &str = "sk-ant-api03-arrears";

/// What a storm comes to.
#[derive(Default, Debug)]
struct Tally {
    complete: usize,
    failed: HashMap<&'static str, usize>,
    cancelled: usize,
    /// Of those that failed, the calls that the latch of their account answered.
    latched: usize,
    requests: usize,
    /// Of the calls of each form, those that ended in a reply.
    replies: HashMap<Form, usize>,
    /// Calls that ended elsewhere than where they began.
    fell_back: usize,
    /// How often a circuit opened.
    openings: usize,
    /// How the calls ended by what was seen of them.
    ends: [usize; 3],
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

/// What one call asked for and met, and all the others with it.
struct Case<'a> {
    caller: &'a Caller,
    /// The requests of the call.
    done: Vec<Served>,
    /// Those of all calls.
    served: &'a [Served],
    history: &'a History,
    /// From when to when each call ran that was not dropped.
    spans: &'a [(Duration, Duration)],
}

impl Case<'_> {
    fn faults(&self) -> Vec<&'static str> {
        self.done.iter().map(|served| served.fault).collect()
    }

    /// Generated, and thrown away: a plain request that breaks off has brought nothing.
    fn is_after_content(&self, fault: &str) -> bool {
        self.caller.form != Form::Plain && AFTER_CONTENT.contains(&fault)
    }

    /// Whether the same model is not asked again after this.
    fn is_final(&self, fault: &str) -> bool {
        let is_last = match self.caller.form {
            Form::Collected | Form::FallingBack | Form::Plain => false,
            Form::Streamed => AFTER_CONTENT.contains(&fault),
            Form::Unsafe => !REFUSES.contains(&fault),
        };
        is_last || FINAL.contains(&fault)
    }

    /// Nothing follows what is final, nothing unsafe is done twice, what is told to be tried again is
    /// tried twice more at most, and what was generated is paid for once more at most.
    fn check_order(&self) {
        let (name, faults) = (&self.caller.name, self.faults());
        for pair in self.done.windows(2) {
            let (before, next) = (&pair[0], &pair[1]);
            if before.model == next.model {
                assert!(!self.is_final(before.fault), "{name} went on: {faults:?}");
            }
        }
        let told = faults.iter().filter(|fault| **fault == "told_to_retry");
        assert!(told.count() <= 3, "{name} tried on and on: {faults:?}");
        let after_content = faults.iter().filter(|fault| self.is_after_content(fault));
        assert!(
            after_content.count() <= 2,
            "{name} replayed twice: {faults:?}"
        );
        self.check_hop();
    }

    /// A call goes to its fallback for one of four reasons, and does not come back.
    fn check_hop(&self) {
        let (name, faults) = (&self.caller.name, self.faults());
        let first = self.done.iter().take_while(|s| s.model == MODELS[0]);
        let (here, there) = self.done.split_at(first.count());
        assert!(
            there.iter().all(|s| s.model == MODELS[1]),
            "{name} came back"
        );
        let Some((at, _)) = self.history.hop(name) else {
            assert!(there.is_empty(), "{name} went elsewhere: {faults:?}");
            return;
        };
        assert_eq!(self.caller.form, Form::FallingBack);
        let here: Vec<_> = here.iter().map(|served| served.fault).collect();
        let shown = here.iter().any(|fault| AFTER_CONTENT.contains(fault));
        assert!(!shown, "{name} went elsewhere after content: {faults:?}");
        let is_overloaded = |fault: &&str| OVERLOADED.contains(fault);
        let overloads = here.iter().rev().take_while(|fault| is_overloaded(fault));
        let has_reason = match here.last() {
            Some(&"refusal") => true,
            Some(last) if SILENT.contains(last) => true,
            Some(_) if overloads.count() >= 2 => true,
            Some(last) if self.is_final(last) => false,
            _ => self.history.may_refuse(&MODELS[..1], at),
        };
        assert!(has_reason, "{name} went elsewhere: {faults:?}");
    }

    fn check_reply(&self, reply: &Reply) {
        let (name, faults) = (&self.caller.name, self.faults());
        let after_content = faults.iter().filter(|fault| self.is_after_content(fault));
        assert!(
            after_content.count() <= 1,
            "{name} replayed twice: {faults:?}"
        );
        if reply.stop_reason == Some(StopReason::Refusal) {
            // Of a model that had a fallback, if that brought nothing better.
            let is_last = faults.last() == Some(&"refusal");
            let is_spare = self.history.hop(name).is_some() && faults.contains(&"refusal");
            assert!(is_last || is_spare, "{name} refused: {faults:?}");
            assert_eq!(reply.text(), "");
        } else {
            assert_eq!(reply.text(), format!("reply-{name}-{}", faults.len()));
        }
        let hops = reply.meta.fallbacks.iter();
        let triggers: Vec<_> = hops.map(|hop| hop.trigger).collect();
        let hop = self.history.hop(name).map(|(_, trigger)| trigger);
        assert_eq!(triggers, hop.into_iter().collect::<Vec<_>>(), "{name}");
    }

    fn check_error(&self, error: &Error, ended: &Ended) {
        let (name, faults) = (&self.caller.name, self.faults());
        let story = || format!("{name}: {error} ({}) after {faults:?}", error.stopped());
        let complete = error.attempts().iter().zip(&faults);
        let mut complete = complete.filter(|(attempt, _)| attempt.outcome.label() == "complete");
        // The refusal of a model that had a fallback was left for what then broke off.
        let is_left = |fault| fault == "refusal" && self.history.hop(name).is_some();
        assert!(
            complete.all(|(_, fault)| is_left(*fault)),
            "a failure that had a reply: {}",
            story()
        );
        self.check_time(error, ended, &story);
        if error.stopped() == Stopped::Latched {
            // Said to another call of the account.
            assert!(self.caller.is_in_arrears, "{}", story());
            let met = self.served.iter().filter(|served| {
                served.is_in_arrears
                    && served.at <= ended.at
                    && ARREARS.iter().any(|(fault, _)| *fault == served.fault)
            });
            let mut says = met.flat_map(|served| expected(served.fault));
            assert!(says.any(|said| *said == error.label()), "{}", story());
            return;
        }
        let mut said = faults.iter().flat_map(|fault| expected(fault));
        if error.kind() != ErrorKind::DeadlineExceeded && said.any(|said| *said == error.label()) {
            return;
        }
        let is_justified = match error.kind() {
            // Where the call is, or where it went away from.
            ErrorKind::CircuitOpen => {
                let left = self
                    .history
                    .hop(name)
                    .filter(|hop| hop.1 == Trigger::CircuitOpen);
                self.history.may_refuse(self.models(), ended.at)
                    || left.is_some_and(|(at, _)| self.history.may_refuse(&MODELS[..1], at))
            }
            // The hint of another call that did not fit.
            ErrorKind::RateLimited => self.is_told_to_wait(ended.at),
            ErrorKind::DeadlineExceeded => {
                let deadline = self.caller.deadline;
                deadline.is_some_and(|deadline| ended.took() >= deadline)
            }
            _ => false,
        };
        assert!(is_justified, "{}", story());
    }

    /// The models that the call may have asked.
    fn models(&self) -> &'static [&'static str] {
        match self.history.hop(&self.caller.name) {
            Some(_) => &MODELS,
            None => &MODELS[..1],
        }
    }

    /// Whether the server had asked a call of this account to one of its models to wait until after
    /// `at`.
    fn is_told_to_wait(&self, at: Duration) -> bool {
        self.served.iter().any(|served| {
            served.fault == "limited"
                && served.is_in_arrears == self.caller.is_in_arrears
                && self.models().contains(&served.model)
                && served.at <= at
                && at <= served.at + HINT
        })
    }

    /// A call ends by its own clock when its time is over, or when the wait to come would not fit: then
    /// no more is left than such a wait can take.
    fn check_time(&self, error: &Error, ended: &Ended, story: &dyn Fn() -> String) {
        let patience = match self.caller.patience {
            Patience::Interactive => Some(30 * SECOND),
            Patience::Background => Some(600 * SECOND),
            _ => None,
        };
        let limit = match error.stopped() {
            Stopped::Deadline => self.caller.deadline,
            Stopped::Patience => patience,
            _ => return,
        };
        let Some(limit) = limit else {
            assert_eq!(error.kind(), ErrorKind::CircuitOpen, "{}", story());
            return;
        };
        let left = limit.saturating_sub(ended.took());
        let at = ended.at;
        let spans = self.spans.iter();
        let alive = spans.filter(|(began, ended)| *began <= at && at <= *ended);
        // Those who were told to wait leave one after the other.
        let queue = HINT * 5 / 4 + SPACING * u32::try_from(alive.count()).unwrap();
        let is_limited = self
            .faults()
            .last()
            .is_some_and(|last| last.starts_with("limited"));
        // No wait comes before anything has failed.
        let failed = u32::try_from(error.attempts().len()).unwrap();
        let cap = match self.caller.patience {
            Patience::Unattended => 300,
            _ => 30,
        };
        let mut longest = match failed {
            0 => Duration::ZERO,
            _ => 2_u32.saturating_pow(failed).min(cap) * SECOND,
        };
        if self.history.may_refuse(self.models(), at) {
            longest = longest.max(MINUTE);
        }
        if is_limited || self.is_told_to_wait(at) {
            longest = longest.max(queue);
        }
        let is_refused = error.kind() == ErrorKind::CircuitOpen;
        assert!(left <= longest || is_refused, "{left:?} left, {}", story());
    }

    /// Every request is an attempt, and every attempt met what the server did.
    fn check_attempts(&self, attempts: &[evenkeel::Attempt]) {
        let (name, faults) = (&self.caller.name, self.faults());
        let outcomes: Vec<_> = attempts
            .iter()
            .map(|attempt| attempt.outcome.label())
            .collect();
        assert_eq!(
            outcomes.len(),
            faults.len(),
            "{name}: {outcomes:?} after {faults:?}"
        );
        for (outcome, fault) in outcomes.iter().zip(&faults) {
            assert!(
                expected(fault).contains(outcome),
                "{name}: {outcome} after {fault}"
            );
        }
    }
}

/// The requests of each call.
fn by_call(served: &[Served]) -> HashMap<&str, Vec<Served>> {
    let mut calls: HashMap<&str, Vec<Served>> = HashMap::new();
    for served in served {
        calls.entry(&served.call).or_default().push(served.clone());
    }
    calls
}

async fn storm(seed: u64, calls: usize) -> (Tally, Vec<Seen>) {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let (weather, history) = (Weather::new(seed), History::default());
    let (client, recorder) = client(&weather, |builder| builder.seed(seed));
    let mut callers = launch((&client, &weather, &history), seed, calls).await;
    let mut ends = Vec::new();
    for caller in &mut callers {
        ends.push(caller.ended().await);
    }
    assert_eq!(weather.held(), 0, "an exchange is held open");
    // What sends a body hears of its end when it is polled next.
    for _ in 0..1_000 {
        yield_now().await;
    }
    let left = Handle::current().metrics().num_alive_tasks();
    assert_eq!(left, tasks, "a task outlives the calls");
    let served = weather.served();
    let mut by_call = by_call(&served);
    let mut tally = Tally {
        requests: served.len(),
        openings: history.openings(),
        ends: ["succeeded", "given_up", "cancelled"].map(|label| recorder.count(label)),
        ..Tally::default()
    };
    let ran = ends.iter().flatten();
    let spans: Vec<_> = ran.map(|ended| (ended.began, ended.at)).collect();
    for (caller, ended) in callers.iter().zip(ends) {
        let done = by_call.remove(caller.name.as_str()).unwrap_or_default();
        let (served, history) = (&served[..], &history);
        let case = Case {
            caller,
            done,
            served,
            history,
            spans: &spans,
        };
        case.check_order();
        let Ok(ended) = ended else {
            tally.cancelled += 1;
            continue;
        };
        if let Some(deadline) = caller.deadline {
            let took = ended.took();
            assert!(took <= deadline + SECOND / 20, "{}: {took:?}", caller.name);
        }
        match &ended.outcome {
            Ok(reply) => {
                case.check_reply(reply);
                case.check_attempts(&reply.meta.attempts);
                tally.complete += 1;
                *tally.replies.entry(caller.form).or_default() += 1;
                tally.fell_back += reply.meta.fallbacks.len();
                let own = Tokens {
                    input: reply.usage.input_tokens.unwrap_or(0),
                    output: reply.usage.output_tokens.unwrap_or(0),
                };
                tally.pay(reply.meta.ledger(), own);
            }
            Err(error) => {
                case.check_error(error, &ended);
                case.check_attempts(error.attempts());
                *tally.failed.entry(error.label()).or_default() += 1;
                tally.latched += usize::from(error.stopped() == Stopped::Latched);
                tally.pay(error.ledger(), Tokens::default());
            }
        }
    }
    let told = recorder.seen();
    aftermath::check(&client, &weather).await;
    (tally, told)
}

#[tokio::test(start_paused = true)]
async fn every_call_ends_in_a_whole_message_or_in_an_error_that_matches_what_the_server_did() {
    let (tally, seen) = storm(1, 2_000).await;
    println!("{tally:?}");
    let ends = tally.ends;
    assert_eq!(
        ends.iter().sum::<usize>(),
        2_000,
        "each call has one end: {ends:?}"
    );
    assert_eq!(ends[0], tally.complete);
    assert!(tally.complete > 1_000, "{tally:?}");
    assert!(tally.requests > 2_000, "{tally:?}");
    assert!(
        !tally.failed.is_empty() && tally.cancelled > 20,
        "{tally:?}"
    );
    assert!(tally.latched > 20, "{tally:?}");
    assert!(tally.openings > 2, "{tally:?}");
    assert!(tally.failed.contains_key("circuit_open"), "{tally:?}");
    assert!(tally.fell_back > 5, "{tally:?}");
    assert_eq!(tally.replies.len(), 5, "each form: {tally:?}");
    let cleared = seen.iter().filter(|seen| seen.label == "latch_cleared");
    assert!(cleared.count() > 0, "{tally:?}");
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
    let line = |seen: &[Seen]| -> Vec<String> {
        let seen = seen.iter();
        seen.map(|seen| without_dates(&seen.line)).collect()
    };
    let (_, first) = storm(5, 300).await;
    let (_, second) = storm(5, 300).await;
    let (_, other) = storm(6, 300).await;
    assert_eq!(line(&first), line(&second));
    assert_ne!(line(&first), line(&other));
}
