use std::time::Duration;

use bytes::BytesMut;
use evenkeel_error::{Error as Failure, Moment, Phase};
use evenkeel_event::{Stopped, What};
use evenkeel_messages::Message;
use evenkeel_transport::{Body, Response};

use super::{Call, Fetch, Halt};
use crate::clock::Clock;
use crate::live::{Live, Step};
use crate::reply::Billing;
use crate::{Attempt, Patience};

/// The most that is read of an error body. What a server has to say fits many times.
const ERROR_BODY: usize = 64 * 1024;

/// The most that is read of a reply that is not a stream.
const REPLY_BODY: usize = 64 * 1024 * 1024;

/// What one attempt has cost so far, for its record.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch {
    pub(crate) number: u32,
    pub(crate) waited: Duration,
    pub(crate) started: Moment,
}

impl Call {
    /// Sends once, and reads until the first content.
    pub(super) async fn attempt(&mut self, waited: Duration) -> Result<Live, Halt> {
        let waited = waited.saturating_add(self.pass_gate().await?);
        #[cfg(feature = "breaker")]
        let (permits, waited) = {
            let (permits, parked) = self.admission().await?;
            (permits, waited.saturating_add(parked))
        };
        let started = self.now();
        if let Some((limit, stopped)) = self.limit()
            && started >= limit
        {
            return Err(Halt::Ended(stopped));
        }
        self.sent = self.sent.saturating_add(1);
        let watch = Stopwatch {
            number: self.sent,
            waited,
            started,
        };
        #[cfg(feature = "retry")]
        self.retrying.sent();
        self.emit(What::AttemptStarted {
            attempt: watch.number,
            waited,
        });
        let outcome = self.exchange(watch).await;
        let now = self.now();
        match outcome {
            Ok(mut live) => {
                self.emit(What::FirstContent {
                    attempt: watch.number,
                    elapsed: now.since(started),
                });
                #[cfg(feature = "breaker")]
                live.hold(self.first_content(permits));
                #[cfg(not(feature = "breaker"))]
                let _ = &mut live;
                Ok(live)
            }
            Err(Halt::Failed(failure)) => {
                #[cfg(feature = "breaker")]
                self.record_failure(permits, &failure);
                self.book_failure(watch, &failure);
                Err(Halt::Failed(failure))
            }
            Err(Halt::Ended(stopped)) => {
                let failure = match stopped {
                    Stopped::Deadline => {
                        Failure::deadline_exceeded(evenkeel_error::Delivery::Unknown)
                    }
                    _ => Failure::timed_out(Phase::Head, now.since(started)),
                };
                #[cfg(feature = "breaker")]
                self.record_ended(permits, started);
                self.book_failure(watch, &failure);
                Err(Halt::Ended(stopped))
            }
            #[cfg(feature = "breaker")]
            Err(refused @ Halt::Refused(..)) => Err(refused),
        }
    }

    /// Keeps the record of an attempt that failed, and tells the observers.
    pub(super) fn book_failure(&mut self, watch: Stopwatch, failure: &Failure) {
        let elapsed = self.now().since(watch.started);
        if failure.delivery() != evenkeel_error::Delivery::NotSent && failure.status().is_none() {
            self.billing = Billing::PossiblyBilled;
        }
        self.attempts.push(Attempt::failed(
            watch.number,
            failure,
            watch.waited,
            elapsed,
        ));
        self.emit(What::AttemptFailed {
            attempt: watch.number,
            error: failure,
            elapsed,
        });
        self.share_hint(failure);
    }

    async fn exchange(&mut self, watch: Stopwatch) -> Result<Live, Halt> {
        let request = self
            .request(self.head_limit(watch.started))
            .map_err(Halt::Failed)?;
        let sending = self.shared.transport.send(request);
        let response = self.bounded(sending).await?.map_err(Halt::Failed)?;
        self.shared.mark_answered();
        let status = response.facts.status();
        if !(200..300).contains(&status) {
            return Err(Halt::Failed(self.refusal(response).await));
        }
        match Form::of(&response) {
            Form::Stream => {
                self.first_content_of(Live::stream(
                    response,
                    watch,
                    &self.shared,
                    self.id,
                    self.first_event_limit(watch.started),
                ))
                .await
            }
            Form::Json => self.whole(response, watch).await,
            Form::Other => {
                let failure = Failure::protocol("the reply is neither an event stream nor JSON");
                Err(Halt::Failed(failure.with_facts(response.facts)))
            }
        }
    }

    /// Reads until the first content, so that whatever fails before it can be tried again unseen.
    async fn first_content_of(&mut self, mut live: Live) -> Result<Live, Halt> {
        loop {
            match live.step(self.limit()).await {
                Step::Event(event) => {
                    let shows = event.carries_content();
                    live.keep(event);
                    if shows {
                        return Ok(live);
                    }
                }
                Step::Limit(stopped) => return Err(Halt::Ended(stopped)),
                Step::End(end) => {
                    return match live.conclude(end) {
                        Ok(()) => Ok(live),
                        Err(failure) => Err(Halt::Failed(failure)),
                    };
                }
            }
        }
    }

    /// A whole message, whether that was asked for or a gateway gave one where a stream was asked.
    async fn whole(&mut self, response: Response, watch: Stopwatch) -> Result<Live, Halt> {
        let facts = response.facts;
        let limit = self.shared.tuning.timers.byte_silence;
        let mut body = response.body;
        let mut bytes = BytesMut::new();
        loop {
            let reading = Clock::within(Some(limit), body.chunk());
            let Some(chunk) = self.bounded(reading).await? else {
                let failure = Failure::timed_out(Phase::ByteSilence, limit);
                return Err(Halt::Failed(failure.with_facts(facts)));
            };
            match chunk {
                None => break,
                Some(Ok(chunk)) if bytes.len().saturating_add(chunk.len()) > REPLY_BODY => {
                    drop(chunk);
                    let failure = Failure::protocol("the reply is larger than 64 MiB");
                    return Err(Halt::Failed(failure.with_facts(facts)));
                }
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
                Some(Err(failure)) => return Err(Halt::Failed(failure)),
            }
        }
        let message = Message::from_json(&bytes, &facts).map_err(Halt::Failed)?;
        Ok(Live::whole(facts, message, watch, &self.shared, self.id))
    }

    /// `future`'s output, unless a limit of the caller's comes first.
    async fn bounded<F: Future>(&self, future: F) -> Result<F::Output, Halt> {
        match self.limit() {
            None => Ok(future.await),
            Some((limit, stopped)) => Clock::within(Some(self.now().until(limit)), future)
                .await
                .ok_or(Halt::Ended(stopped)),
        }
    }

    /// Classifies a response that is not a success. Its head is known already, so a body that is
    /// cut, drips or never comes costs a few seconds and none of what the head said.
    async fn refusal(&self, response: Response) -> Failure {
        let limit = self.shared.tuning.timers.error_body;
        let mut bytes = BytesMut::new();
        let _ = self
            .bounded(Clock::within(Some(limit), fill(response.body, &mut bytes)))
            .await;
        Failure::from_response(&response.facts, &bytes)
    }

    fn head_limit(&self, now: Moment) -> Duration {
        let timers = &self.shared.tuning.timers;
        let limit = match self.plan.fetch {
            Fetch::Streamed => timers.head,
            Fetch::Plain => timers.plain_head,
        };
        self.at_most_half(limit, now)
    }

    fn first_event_limit(&self, now: Moment) -> Duration {
        self.at_most_half(self.shared.tuning.timers.first_event, now)
    }

    /// While somebody waits, a black hole must leave room for a second try.
    fn at_most_half(&self, limit: Duration, now: Moment) -> Duration {
        match (self.patience, self.patience_ends()) {
            (Patience::Interactive, Some(ends)) => limit.min(now.until(ends) / 2),
            _ => limit,
        }
    }
}

/// Reads a body into `bytes` until its end, its limit or its fault.
async fn fill(mut body: Body, bytes: &mut BytesMut) {
    while let Some(Ok(chunk)) = body.chunk().await {
        let room = ERROR_BODY.saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk.slice(..room.min(chunk.len())));
        if bytes.len() >= ERROR_BODY {
            return;
        }
    }
}

/// What a successful response says that its body is.
enum Form {
    Stream,
    Json,
    Other,
}

impl Form {
    fn of(response: &Response) -> Self {
        let declared = response.headers.get(http::header::CONTENT_TYPE);
        let Some(text) = declared.and_then(|value| value.to_str().ok()) else {
            return Self::Other;
        };
        let essence = text.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("text/event-stream") {
            Self::Stream
        } else if essence.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else {
            Self::Other
        }
    }
}
