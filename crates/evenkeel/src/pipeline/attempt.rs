use std::pin::pin;
use std::time::Duration;

use evenkeel_error::{Delivery, Error as Failure, ErrorKind, Moment, Phase, Recovery};
use evenkeel_event::What;
use evenkeel_messages::{Message, Usage};
use evenkeel_transport::{Form, Request, Response};

use super::departure::{Cleared, Leave};
use super::reading::Broken;
use super::{Call, Halt};
use crate::gate::Comer;
use crate::live::Live;
use crate::reply::Billing;
use crate::{Attempt, Patience};

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
    // A block, which keeps its captures in their one place; a function keeps its arguments twice.
    fn receive(
        call: &mut Call,
        response: Response,
        watch: Stopwatch,
    ) -> impl Future<Output = Result<Self, Broken>> + Send {
        let form = response.form();
        let Response {
            facts, mut body, ..
        } = response;
        async move {
            match form {
                Form::EventStream => {
                    let first_event = call.at_most_half(call.shared.tuning.timers.first_event);
                    let (shared, voice) = (&call.shared, &call.voice);
                    let mut live = Self::stream(facts, body, watch, shared, voice, first_event);
                    call.read_first_content(&mut live).await?;
                    Ok(live)
                }
                // That was asked for, or a gateway gave it where a stream was asked.
                Form::Json => {
                    let bytes = call.read_body(&mut body, &facts).await?;
                    let message = match Message::from_json(&bytes, &facts) {
                        Ok(message) => Box::new(message),
                        Err(failure) => return Err(Broken::Failed(failure)),
                    };
                    let (shared, voice) = (&call.shared, &call.voice);
                    Ok(Self::whole(facts, message, watch, shared, voice))
                }
                _ => {
                    let failure =
                        Failure::protocol("the reply is neither an event stream nor JSON");
                    Err(Broken::Failed(failure.with_facts(facts)))
                }
            }
        }
    }

    #[cfg(feature = "breaker")]
    fn holding(self, permits: crate::circuit::Permits) -> Self {
        Self::holding(self, permits)
    }
}

/// A response, by its status.
enum Head {
    Success(Response),
    Refusal(Response),
}

impl Call {
    /// Sends once, and reads until the first content, or the whole answer.
    pub(super) async fn attempt<R: Received>(&mut self, waited: Duration) -> Result<R, Halt> {
        // Read as often as something may have waited in between, and no oftener: a call that goes
        // well passes here in less than the clock shows.
        let now = self.now();
        let cleared = self.clear(now).await?;
        #[cfg(feature = "breaker")]
        let (leave, request, watch) = self.begin(cleared, waited)?;
        #[cfg(not(feature = "breaker"))]
        let ((), request, watch) = self.begin(cleared, waited)?;
        let started = watch.started;
        // Asked of the plan: what is borrowed once is kept for the rest of the attempt.
        let sent = if self.plan.written().stream().is_some() {
            // Few calls upload anything: the others do not carry what that takes.
            Box::pin(self.upload(request)).await
        } else {
            let sending = pin!(self.shared.transport.send(request));
            self.bounded(Phase::Head, sending).await
        };
        let received = match self.answered(sent) {
            Ok(Head::Success(response)) => R::receive(self, response, watch).await,
            // Boxed, so that replies make no room for it.
            Ok(Head::Refusal(response)) => {
                Err(Broken::Failed(Box::pin(self.refusal(response)).await))
            }
            Err(broken) => Err(broken),
        };
        match received {
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
                    return Err(if self.is_spent() || self.may_have_acted(&failure) {
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

    /// The request of the attempt, which is on its way from here on.
    fn begin(
        &mut self,
        cleared: Cleared,
        waited: Duration,
    ) -> Result<(Leave, Request, Stopwatch), Halt> {
        let Cleared {
            leave,
            token,
            parked,
            at: started,
        } = cleared;
        if let Some((limit, stopped)) = self.limit()
            && started >= limit
        {
            return Err(Halt::Ended(stopped));
        }
        let request = self
            .request(self.head_limit(), token.as_ref())
            .map_err(Halt::Failed)?;
        self.sent = self.sent.saturating_add(1);
        let watch = Stopwatch {
            number: self.sent,
            waited: waited.saturating_add(parked),
            started,
        };
        #[cfg(feature = "retry")]
        self.retrying.sent();
        self.emit(What::attempt_started(watch.number, watch.waited));
        self.passage.sent();
        Ok((leave, request, watch))
    }

    /// Keeps the record of an attempt that failed, and tells the observers.
    pub(super) fn book_failure(&mut self, watch: Stopwatch, failure: &Failure) {
        self.book(watch, failure, may_be_billed(failure));
    }

    /// The same of an attempt that had brought content, whatever ended it.
    pub(super) fn book_cut(&mut self, watch: Stopwatch, failure: &Failure) {
        self.book(watch, failure, Billing::PossiblyBilled);
    }

    #[cold]
    fn book(&mut self, watch: Stopwatch, failure: &Failure, billing: Billing) {
        let elapsed = self.now().since(watch.started);
        self.delivery = super::most_in_doubt(self.delivery, failure.delivery());
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
        // A resend with a new token is the same attempt to the gate.
        if failure.recovery() != Recovery::Refresh {
            self.passage.comer = match failure.kind() {
                ErrorKind::RateLimited => Comer::Back,
                _ => Comer::New,
            };
        }
        self.share_hint(failure);
    }

    /// The response in the Claude API's framing, if there is one.
    fn answered(&self, sent: Result<Result<Response, Failure>, Broken>) -> Result<Head, Broken> {
        let response = sent?.map_err(Broken::Failed)?;
        self.shared.mark_answered();
        let response = self.shared.backend.response(response);
        if (200..300).contains(&response.facts.status()) {
            Ok(Head::Success(response))
        } else {
            Ok(Head::Refusal(response))
        }
    }

    /// Inside of a reply that has begun the server may have done what must not be done twice.
    #[cold]
    fn may_have_acted(&self, failure: &Failure) -> bool {
        #[cfg(feature = "retry")]
        let may_repeat = self.may_repeat(failure);
        #[cfg(not(feature = "retry"))]
        let may_repeat = self.plan.repeat != crate::repeat::Repeat::Unsafe;
        !may_repeat && failure.status() != Some(401)
    }

    fn head_limit(&self) -> Duration {
        self.at_most_half(self.plan.written().head_limit())
    }

    /// While somebody waits, or where there is a fallback to go to, a black hole must leave room for a
    /// second try.
    pub(super) fn at_most_half(&self, limit: Duration) -> Duration {
        let halved = self.patience == Patience::Interactive || self.hops.is_open();
        match self.patience_ends() {
            Some(ends) if halved => limit.min(self.now().until(ends) / 2),
            _ => limit,
        }
    }
}

/// Whether the server may have produced, and charge for, what this attempt did not bring.
#[cold]
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
