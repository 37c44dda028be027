use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use evenkeel_error::{Delivery, Error as Failure, ErrorKind, Facts, Moment, Phase, Recovery};
use evenkeel_event::{Stopped, What};
use evenkeel_messages::{Message, StreamEvent, Usage};
use evenkeel_transport::{Body, Form, Response};

use super::{Call, Halt};
use crate::clock::{Alarm, Clock, poll_alarm};
use crate::limits::Size;
use crate::live::{Live, Step};
use crate::reply::Billing;
use crate::{Attempt, Patience};

/// Events that are kept until the first content: more than come before any reply, and a bound on
/// what a server can have us hold.
const MOST_KEPT: usize = 64;

/// What one attempt has cost so far, for its record.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch {
    pub(crate) number: u32,
    pub(crate) waited: Duration,
    pub(crate) started: Moment,
}

/// What an attempt brings if it succeeds.
pub(crate) trait Received: Sized + Send {
    /// Reads it behind a head that is a success.
    fn receive(
        call: &mut Call,
        response: Response,
        watch: Stopwatch,
    ) -> impl Future<Output = Result<Self, Broken>> + Send;

    /// Keeps the places with the breakers until it is known how it ends.
    #[cfg(feature = "breaker")]
    fn holding(self, permits: crate::circuit::Permits) -> Self;
}

/// The events of a reply from its first content on.
impl Received for Live {
    async fn receive(
        call: &mut Call,
        response: Response,
        watch: Stopwatch,
    ) -> Result<Self, Broken> {
        match response.form() {
            Form::EventStream => {
                let first_event = call.at_most_half(call.shared.tuning.timers.first_event);
                let live = Self::stream(response, watch, &call.shared, &call.voice, first_event);
                call.first_content_of(live).await
            }
            Form::Json => call.whole(response, watch).await,
            _ => {
                let failure = Failure::protocol("the reply is neither an event stream nor JSON");
                Err(Broken::Failed(failure.with_facts(response.facts)))
            }
        }
    }

    #[cfg(feature = "breaker")]
    fn holding(self, permits: crate::circuit::Permits) -> Self {
        Self::holding(self, permits)
    }
}

/// How an exchange ended that brought no content.
pub(crate) enum Broken {
    Failed(Failure),
    Ended(Ended),
}

/// A limit of the caller's ended an exchange.
pub(crate) struct Ended {
    stopped: Stopped,
    /// What was being waited for.
    phase: Phase,
    /// The head, if it had come.
    facts: Option<Facts>,
}

impl Ended {
    pub(super) fn new(stopped: Stopped, phase: Phase, facts: Facts) -> Self {
        Self {
            stopped,
            phase,
            facts: Some(facts),
        }
    }

    pub(super) fn stopped(&self) -> Stopped {
        self.stopped
    }

    pub(super) fn into_failure(self, elapsed: Duration) -> Failure {
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
    /// Sends once, and reads until the first content, or the whole answer.
    pub(super) async fn attempt<R: Received>(&mut self, waited: Duration) -> Result<R, Halt> {
        // Read as often as something may have waited in between, and no oftener: a call that goes
        // well passes here in less than the clock shows.
        let mut now = self.now();
        let mut token = self.authenticate(now).await?;
        if token.is_some() {
            now = self.now();
        }
        let mut left = self.depart(now).await?;
        if !left.1.is_zero() {
            // Boxed, so that the calls that need not wait make no room for it.
            (left, token) = Box::pin(self.authenticate_again(left)).await?;
            now = self.now();
        }
        #[cfg(feature = "breaker")]
        let (leave, parked) = left;
        #[cfg(not(feature = "breaker"))]
        let ((), parked) = left;
        let started = now;
        if let Some((limit, stopped)) = self.limit()
            && started >= limit
        {
            return Err(Halt::Ended(stopped));
        }
        let request = self
            .request(self.head_limit(), token.as_ref())
            .map_err(Halt::Failed)?;
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
        self.passage.sent();
        let sent = if request.stream.is_some() {
            // Few calls upload anything: the others do not carry what that takes.
            Box::pin(self.upload(request)).await
        } else {
            let sending = pin!(self.shared.transport.send(request));
            self.bounded(Phase::Head, sending).await
        };
        match self.exchange::<R>(watch, sent).await {
            Ok(received) => {
                let now = self.now();
                self.emit(What::first_content(watch.number, now.since(started)));
                #[cfg(feature = "breaker")]
                let received = received.holding(self.first_content(leave, now));
                self.accepted(started, now);
                Ok(received)
            }
            Err(Broken::Failed(failure)) => {
                #[cfg(feature = "breaker")]
                self.record_failure(leave, &failure);
                if self.may_renew(&failure) {
                    let failure = failure.with_recovery(Recovery::Refresh);
                    self.book_failure(watch, &failure);
                    return Err(if self.is_spent() {
                        Halt::Failed(failure)
                    } else {
                        Halt::Renew
                    });
                }
                self.book_failure(watch, &failure);
                self.refused_credential(watch, &failure);
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
        self.book(watch, failure, may_be_billed(failure));
    }

    /// The same of an attempt that had brought content, whatever ended it.
    pub(super) fn book_cut(&mut self, watch: Stopwatch, failure: &Failure) {
        self.book(watch, failure, Billing::PossiblyBilled);
    }

    fn book(&mut self, watch: Stopwatch, failure: &Failure, billing: Billing) {
        let elapsed = self.now().since(watch.started);
        if billing == Billing::PossiblyBilled {
            self.billing = billing;
        }
        let usage = self
            .usage
            .take()
            .map_or_else(Usage::default, |usage| *usage);
        let attempt = Attempt::failed(watch.number, failure, watch.waited, elapsed);
        self.keep(attempt.with_usage(usage, billing));
        self.emit(What::attempt_failed(watch.number, failure, elapsed));
        self.share_hint(failure);
    }

    async fn exchange<R: Received>(
        &mut self,
        watch: Stopwatch,
        sent: Result<Result<Response, Failure>, Broken>,
    ) -> Result<R, Broken> {
        let response = sent?.map_err(Broken::Failed)?;
        self.shared.mark_answered();
        let response = self.shared.backend.response(response);
        if !(200..300).contains(&response.facts.status()) {
            // Boxed, so that replies make no room for it.
            return Err(Broken::Failed(Box::pin(self.refusal(response)).await));
        }
        R::receive(self, response, watch).await
    }

    /// Reads until the first content, so that whatever fails before it can be tried again unseen.
    async fn first_content_of(&mut self, mut live: Live) -> Result<Live, Broken> {
        let mut phase = Phase::FirstEvent;
        loop {
            match live.step(self.limit()).await {
                Step::Event(event) => {
                    phase = Phase::Progress;
                    let shows = event.carries_content();
                    // What else comes before the content says nothing that a reader needs; what nobody
                    // here knows, the reader may.
                    let is_needed = match event {
                        StreamEvent::MessageStart(_) => true,
                        StreamEvent::Unknown { .. } => live.kept() < MOST_KEPT,
                        _ => shows,
                    };
                    if is_needed {
                        live.keep(event);
                    }
                    if shows {
                        return Ok(live);
                    }
                }
                Step::Limit(stopped) => {
                    self.usage = Some(Box::new(live.usage()));
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
                        Err(incomplete) => {
                            self.usage = Some(Box::new(incomplete.partial.usage().clone()));
                            Err(Broken::Failed(incomplete.error))
                        }
                    };
                }
            }
        }
    }

    /// A whole message, whether that was asked for or a gateway gave one where a stream was asked.
    async fn whole(&mut self, response: Response, watch: Stopwatch) -> Result<Live, Broken> {
        let facts = response.facts;
        let bytes = self.read_body(response.body, &facts).await?;
        let message = Message::from_json(&bytes, &facts).map_err(Broken::Failed)?;
        Ok(Live::whole(
            facts,
            message,
            watch,
            &self.shared,
            &self.voice,
        ))
    }

    /// A body that is not a stream, whole.
    pub(super) async fn read_body(&self, mut body: Body, facts: &Facts) -> Result<Bytes, Broken> {
        let most = self.shared.tuning.sizes.reply_body;
        // Most replies are one chunk, which is read where it lies.
        let mut only = Bytes::new();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.chunk(&mut body, facts).await? {
            let so_far = bytes.len().max(only.len());
            if so_far.saturating_add(chunk.len()) > most {
                let failure = Failure::protocol(format!("the reply is larger than {}", Size(most)));
                return Err(Broken::Failed(failure.with_facts(facts.clone())));
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
        Ok(if bytes.is_empty() {
            only
        } else {
            bytes.freeze()
        })
    }

    /// The next chunk of a body that is read whole, under one timer for the silence and the limits
    /// of the call, which is set only where a chunk has to be waited for.
    async fn chunk(&self, body: &mut Body, facts: &Facts) -> Result<Option<Bytes>, Broken> {
        let silence = self.shared.tuning.timers.byte_silence;
        let mut alarm = pin!(Alarm::default());
        let mut rings = None;
        let chunk = poll_fn(|cx| {
            if let Poll::Ready(chunk) = body.poll_chunk(cx) {
                return Poll::Ready(Ok(chunk));
            }
            let (moment, ended) = *rings.get_or_insert_with(|| self.rings(silence));
            ready!(poll_alarm(alarm.as_mut(), &self.shared.clock, moment, cx));
            Poll::Ready(Err(ended))
        });
        match chunk.await {
            Ok(chunk) => chunk.transpose().map_err(Broken::Failed),
            Err(None) => {
                let failure = Failure::timed_out(Phase::ByteSilence, silence);
                Err(Broken::Failed(failure.with_facts(facts.clone())))
            }
            Err(Some(stopped)) => Err(Broken::Ended(Ended {
                stopped,
                phase: Phase::ByteSilence,
                facts: Some(facts.clone()),
            })),
        }
    }

    /// When silence from now on ends a read, and which of the caller's limits does so before.
    fn rings(&self, silence: Duration) -> (Moment, Option<Stopped>) {
        let silent = self.now() + silence;
        match self.limit() {
            Some((moment, stopped)) if moment <= silent => (moment, Some(stopped)),
            _ => (silent, None),
        }
    }

    /// `future`'s output, unless a limit of the caller's comes first.
    pub(super) async fn bounded<F: Future>(
        &self,
        phase: Phase,
        future: Pin<&mut F>,
    ) -> Result<F::Output, Broken> {
        let Some((limit, stopped)) = self.limit() else {
            return Ok(future.await);
        };
        let output = self.shared.clock.before(limit, future).await;
        output.ok_or_else(|| {
            Broken::Ended(Ended {
                stopped,
                phase,
                facts: None,
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
        let most = self.shared.tuning.sizes.error_body;
        let (mut bytes, mut body) = (BytesMut::new(), response.body);
        let reading = Clock::within(Some(limit), body.fill(&mut bytes, most));
        // Whatever ends it, the head and what was read are classified.
        let _ = self.bounded(Phase::ByteSilence, pin!(reading)).await;
        Failure::from_response(&response.facts, &bytes)
    }

    fn head_limit(&self) -> Duration {
        self.at_most_half(self.plan.request().head_limit)
    }

    /// While somebody waits, a black hole must leave room for a second try.
    pub(super) fn at_most_half(&self, limit: Duration) -> Duration {
        match (self.patience, self.patience_ends()) {
            (Patience::Interactive, Some(ends)) => limit.min(self.now().until(ends) / 2),
            _ => limit,
        }
    }
}

/// Whether the server may have produced, and charge for, what this attempt did not bring.
fn may_be_billed(failure: &Failure) -> Billing {
    let begun = failure
        .status()
        .is_some_and(|status| (200..300).contains(&status));
    let broke_off = matches!(
        failure.kind(),
        ErrorKind::Interrupted
            | ErrorKind::TimedOut
            | ErrorKind::DeadlineExceeded
            | ErrorKind::Protocol
    );
    if failure.delivery() == Delivery::Unknown || (begun && broke_off) {
        Billing::PossiblyBilled
    } else {
        Billing::Once
    }
}
