use std::time::Duration;

use bytes::{Bytes, BytesMut};
use evenkeel_error::{Delivery, Error as Failure, ErrorKind, Facts, Moment, Phase};
use evenkeel_event::{Stopped, What};
use evenkeel_messages::{Message, StreamEvent};
use evenkeel_transport::{Body, Form, Response};

use super::{Call, Fetch, Halt};
use crate::clock::Clock;
use crate::live::{Live, Step};
use crate::reply::Billing;
use crate::{Attempt, Patience};

/// What one attempt has cost so far, for its record.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch {
    pub(crate) number: u32,
    pub(crate) waited: Duration,
    pub(crate) started: Moment,
}

/// How an exchange ended that brought no content.
enum Broken {
    Failed(Failure),
    Ended(Ended),
}

/// A limit of the caller's ended an exchange.
struct Ended {
    stopped: Stopped,
    /// What was being waited for.
    phase: Phase,
    /// The head, if it had come.
    facts: Option<Facts>,
}

impl Ended {
    fn into_failure(self, elapsed: Duration) -> Failure {
        let failure = match self.stopped {
            Stopped::Deadline if self.facts.is_some() => {
                Failure::deadline_exceeded(Delivery::Answered)
            }
            Stopped::Deadline => Failure::deadline_exceeded(Delivery::Unknown),
            _ => Failure::timed_out(self.phase, elapsed),
        };
        match self.facts {
            Some(facts) => failure.with_facts(facts),
            None => failure,
        }
    }
}

impl Call {
    /// Sends once, and reads until the first content.
    pub(super) async fn attempt(&mut self, waited: Duration) -> Result<Live, Halt> {
        #[cfg(feature = "breaker")]
        let (leave, parked) = self.depart().await?;
        #[cfg(not(feature = "breaker"))]
        let ((), parked) = self.depart().await?;
        let started = self.now();
        if let Some((limit, stopped)) = self.limit()
            && started >= limit
        {
            return Err(Halt::Ended(stopped));
        }
        self.sent = self.sent.saturating_add(1);
        let waited = waited.saturating_add(parked);
        let watch = Stopwatch {
            number: self.sent,
            waited,
            started,
        };
        #[cfg(feature = "retry")]
        self.retrying.sent();
        self.emit(What::attempt_started(watch.number, waited));
        match self.exchange(watch).await {
            Ok(live) => {
                self.emit(What::first_content(watch.number, self.now().since(started)));
                #[cfg(feature = "breaker")]
                let live = live.holding(self.first_content(leave));
                Ok(live)
            }
            Err(Broken::Failed(failure)) => {
                #[cfg(feature = "breaker")]
                self.record_failure(leave, &failure);
                self.book_failure(watch, &failure);
                Err(Halt::Failed(failure))
            }
            Err(Broken::Ended(ended)) => {
                let stopped = ended.stopped;
                #[cfg(feature = "breaker")]
                self.record_ended(leave, ended.phase, started);
                let failure = ended.into_failure(self.now().since(started));
                self.book_failure(watch, &failure);
                // A failure of the other side's tells more than our own clock.
                self.last.get_or_insert(failure);
                Err(Halt::Ended(stopped))
            }
        }
    }

    /// Keeps the record of an attempt that failed, and tells the observers.
    pub(super) fn book_failure(&mut self, watch: Stopwatch, failure: &Failure) {
        let elapsed = self.now().since(watch.started);
        if may_be_billed(failure) {
            self.billing = Billing::PossiblyBilled;
        }
        self.attempts.push(Attempt::failed(
            watch.number,
            failure,
            watch.waited,
            elapsed,
        ));
        self.emit(What::attempt_failed(watch.number, failure, elapsed));
        self.share_hint(failure);
    }

    async fn exchange(&mut self, watch: Stopwatch) -> Result<Live, Broken> {
        let request = self.request(self.head_limit()).map_err(Broken::Failed)?;
        let sending = self.shared.transport.send(request);
        let response = self
            .bounded(Phase::Head, None, sending)
            .await?
            .map_err(Broken::Failed)?;
        self.shared.mark_answered();
        let response = self.shared.backend.response(response);
        if !(200..300).contains(&response.facts.status()) {
            return Err(Broken::Failed(self.refusal(response).await));
        }
        match response.form() {
            Form::EventStream => {
                let first_event = self.at_most_half(self.shared.tuning.timers.first_event);
                let live = Live::stream(response, watch, &self.shared, self.id, first_event);
                self.first_content_of(live).await
            }
            Form::Json => self.whole(response, watch).await,
            _ => {
                let failure = Failure::protocol("the reply is neither an event stream nor JSON");
                Err(Broken::Failed(failure.with_facts(response.facts)))
            }
        }
    }

    /// Reads until the first content, so that whatever fails before it can be tried again unseen.
    async fn first_content_of(&mut self, mut live: Live) -> Result<Live, Broken> {
        let mut phase = Phase::FirstEvent;
        loop {
            match live.step(self.limit()).await {
                Step::Event(event) => {
                    phase = Phase::Progress;
                    let shows = event.carries_content();
                    // What else comes before the content says nothing that a reader needs.
                    if shows || matches!(event, StreamEvent::MessageStart(_)) {
                        live.keep(event);
                    }
                    if shows {
                        return Ok(live);
                    }
                }
                Step::Limit(stopped) => {
                    let facts = Some(live.facts().clone());
                    return Err(Broken::Ended(Ended {
                        stopped,
                        phase,
                        facts,
                    }));
                }
                Step::End(end) => {
                    return match live.verdict(end) {
                        Ok(message) => Ok(live.into_whole(message)),
                        Err(incomplete) => Err(Broken::Failed(incomplete.error)),
                    };
                }
            }
        }
    }

    /// A whole message, whether that was asked for or a gateway gave one where a stream was asked.
    async fn whole(&mut self, response: Response, watch: Stopwatch) -> Result<Live, Broken> {
        let facts = response.facts;
        let limit = self.shared.tuning.timers.byte_silence;
        let mut body = response.body;
        // Most replies are one chunk, which is read where it lies.
        let mut only = Bytes::new();
        let mut bytes = BytesMut::new();
        let broken = |failure: Failure| Broken::Failed(failure.with_facts(facts.clone()));
        loop {
            let reading = Clock::within(Some(limit), body.chunk());
            match self
                .bounded(Phase::ByteSilence, Some(&facts), reading)
                .await?
            {
                None => return Err(broken(Failure::timed_out(Phase::ByteSilence, limit))),
                Some(None) => break,
                Some(Some(Err(failure))) => return Err(Broken::Failed(failure)),
                Some(Some(Ok(chunk))) => {
                    let so_far = bytes.len().max(only.len());
                    if so_far.saturating_add(chunk.len()) > Body::REPLY_LIMIT {
                        return Err(broken(Failure::protocol("the reply is larger than 64 MiB")));
                    }
                    if so_far == 0 {
                        only = chunk;
                    } else {
                        if bytes.is_empty() {
                            bytes.extend_from_slice(&only);
                        }
                        bytes.extend_from_slice(&chunk);
                    }
                }
            }
        }
        let whole: &[u8] = if bytes.is_empty() { &only } else { &bytes };
        let message = Message::from_json(whole, &facts).map_err(Broken::Failed)?;
        Ok(Live::whole(facts, message, watch, &self.shared, self.id))
    }

    /// `future`'s output, unless a limit of the caller's comes first.
    async fn bounded<F: Future>(
        &self,
        phase: Phase,
        facts: Option<&Facts>,
        future: F,
    ) -> Result<F::Output, Broken> {
        let Some((limit, stopped)) = self.limit() else {
            return Ok(future.await);
        };
        let output = Clock::within(Some(self.now().until(limit)), future).await;
        output.ok_or_else(|| {
            Broken::Ended(Ended {
                stopped,
                phase,
                facts: facts.cloned(),
            })
        })
    }

    /// Classifies a response that is not a success. Its head is known already, so a body that is
    /// cut, drips or never comes costs a few seconds and none of what the head said.
    async fn refusal(&self, response: Response) -> Failure {
        if let Some(redirect) = response.redirect() {
            return redirect;
        }
        let limit = self.shared.tuning.timers.error_body;
        let (mut bytes, mut body) = (BytesMut::new(), response.body);
        let reading = Clock::within(Some(limit), body.fill(&mut bytes, Body::ERROR_LIMIT));
        // Whatever ends it, the head and what was read are classified.
        let _ = self.bounded(Phase::ByteSilence, None, reading).await;
        Failure::from_response(&response.facts, &bytes)
    }

    fn head_limit(&self) -> Duration {
        let timers = &self.shared.tuning.timers;
        self.at_most_half(match self.plan.fetch {
            Fetch::Streamed => timers.head,
            Fetch::Plain => timers.plain_head,
        })
    }

    /// While somebody waits, a black hole must leave room for a second try.
    fn at_most_half(&self, limit: Duration) -> Duration {
        match (self.patience, self.patience_ends()) {
            (Patience::Interactive, Some(ends)) => limit.min(self.now().until(ends) / 2),
            _ => limit,
        }
    }
}

/// Whether the server may have produced, and charge for, what this attempt did not bring.
fn may_be_billed(failure: &Failure) -> bool {
    let begun = failure
        .status()
        .is_some_and(|status| (200..300).contains(&status));
    let broke_off = matches!(
        failure.kind(),
        ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::DeadlineExceeded
    );
    failure.delivery() == Delivery::Unknown || (begun && broke_off)
}
