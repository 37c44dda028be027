//! One call, from the caller's request to a reply or the reason why there is none.
//!
//! The layers of a call, outermost first. Each is passed on the way in, in this order:
//!
//! 1. **Deadline and patience** bound everything below: [`Call::limit`]. The deadline is absolute
//!    and covers the body; patience counts time without progress, up to the first content.
//! 2. **The fallbacks** take over what brings nothing where it is: `hops.rs`. The layers below are
//!    then those of the fallback.
//! 3. **The latch** ends a call whose credential is known to be refused: `passage.rs`. Asked before
//!    every attempt, so that what waits for a retry does not send a request that cannot succeed.
//! 4. **Retry and budget** decide what follows a failure: `again.rs`. The only place that waits
//!    between attempts, and the only owner of retries.
//! 5. **The credential** of the attempt, renewed if it has to be: `passage.rs`.
//! 6. **The gate**, shared by the calls of one identity to one model: nobody leaves before a moment
//!    that the server named to any of them: `departure.rs`. After a wait the latch and the credential
//!    are asked again, and after a renewal the gate.
//! 7. **The breakers** admit the attempt, or say when to come back: `admission.rs`. After a wait for
//!    them the gate, the latch and the credential are asked again. Nobody renews a credential while
//!    holding a place with them.
//! 8. **The attempt's timers** bound the head, in `attempt.rs`, and the stream, in `live.rs`.
//! 9. **The propagators** add their headers to the head: `propagation.rs`. **The back end** writes the credential into the head, or a signature: [`Call::request`]. What a
//!    call asks for it has put into its own words before: `plan.rs`.
//! 10. **The transport** sends.
//!
//! What is refused on this side (3 to 7) never feeds the breakers.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::{Delivery, Error as Failure, ErrorKind, Hint, Moment, Recovery};
use evenkeel_event::{Stopped, What};
use evenkeel_messages::{Partial, Usage};
use evenkeel_transport::{Request, Secret};
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::options::{Options, Voice};
use crate::reply::Billing;
use crate::shared::Shared;
use crate::{Attempt, Credential, Error, Patience};

#[cfg(feature = "breaker")]
mod admission;
#[cfg(feature = "retry")]
mod again;
mod answer;
mod attempt;
mod collect;
mod departure;
mod hops;
mod opened;
mod passage;
mod plan;
#[cfg(feature = "retry")]
mod policies;
mod propagation;
mod reading;
#[cfg(feature = "retry")]
mod restart;
mod upload;
mod written;

pub(crate) use answer::Answer;
pub(crate) use attempt::{Received, Stopwatch};
pub(crate) use collect::Broken;
pub(crate) use hops::{Hop, Hops};
pub(crate) use opened::{Brought, Opened};
use passage::Passage;
pub(crate) use plan::Plan;
#[cfg(feature = "retry")]
pub(crate) use policies::Policies;
pub(crate) use written::KeptHead;

/// One call. Dropping it before its end is the caller's cancel.
pub(crate) struct Call {
    shared: Arc<Shared>,
    plan: Plan,
    voice: Voice,
    started: Moment,
    deadline: Option<Moment>,
    patience: Patience,
    attempts: Vec<Attempt>,
    /// Attempts that were sent, the one that is under way included.
    sent: u32,
    /// The last failure that the other side, or the way to it, is to blame for.
    last: Option<Failure>,
    partial: Option<Box<Partial>>,
    billing: Billing,
    /// Of all attempts that failed: what the caller of an operation that must not happen twice asks.
    delivery: Delivery,
    /// What the attempt that failed last had said that it used.
    usage: Option<Box<Usage>>,
    passage: Passage,
    hops: Hops,
    /// The time spent where the call was before.
    carried: Duration,
    spare: Spare,
    phase: CallPhase,
    #[cfg(feature = "retry")]
    retrying: again::Retrying,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallPhase {
    Running,
    Ended,
}

/// Whether the call has something to return if it fails where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spare {
    None,
    /// A model's refusal.
    Reply,
}

/// How far a reply had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// Nothing that counts.
    Nothing,
    /// This attempt had brought content that nobody has seen: it is dropped for a replay.
    Content(u32),
    /// So far that there is no other attempt, for this reason.
    Veto(Stopped),
    /// There was no request: the credential could not be renewed.
    Unrenewed,
}

/// Why an attempt brought nothing.
enum Halt {
    /// It failed.
    Failed(Failure),
    /// A limit of the caller's ended the call.
    Ended(Stopped),
    /// It was refused on this side, and this caller does not wait.
    Refused(Failure, Stopped),
    /// The token from the cache was refused: with a new one the request goes out again at once.
    Renew,
    /// It was not made: its credential could not be renewed.
    Unrenewed(Failure),
}

impl Call {
    /// In a place of its own: the futures of the layers would hold it twice, and be moved with it.
    pub(crate) fn new(shared: Arc<Shared>, plan: Plan, options: &Options) -> Box<Self> {
        let started = shared.clock.now();
        let patience = options.patience.unwrap_or(shared.tuning.patience);
        Box::new(Self {
            voice: Voice::new(shared.next_call(), options),
            started,
            deadline: options.deadline.map(|deadline| started + deadline),
            patience,
            attempts: Vec::new(),
            sent: 0,
            last: None,
            partial: None,
            billing: Billing::Once,
            delivery: Delivery::NotSent,
            usage: None,
            passage: Passage::default(),
            hops: Hops::default(),
            carried: Duration::ZERO,
            spare: Spare::None,
            phase: CallPhase::Running,
            #[cfg(feature = "retry")]
            retrying: again::Retrying::start(
                &shared.tuning,
                patience,
                plan.repeat,
                options,
                started,
            ),
            shared,
            plan,
        })
    }

    /// Makes attempts until one brings its first content, or its answer.
    pub(crate) async fn open<R: Received>(&mut self) -> Result<R, Error> {
        self.open_after(Duration::ZERO).await
    }

    async fn open_after<R: Received>(&mut self, mut waited: Duration) -> Result<R, Error> {
        loop {
            // Apart, so that what was received takes no room in the waits below.
            let halt = match self.attempt(waited).await {
                Ok(received) => return Ok(received),
                Err(halt) => halt,
            };
            match halt {
                Halt::Renew => waited = Duration::ZERO,
                Halt::Unrenewed(failure) => {
                    waited = self.after(failure, After::Unrenewed).await?;
                }
                Halt::Failed(failure) => match self.escape(failure) {
                    Ok(()) => waited = Duration::ZERO,
                    Err(failure) => waited = self.after(failure, After::Nothing).await?,
                },
                Halt::Ended(stopped) => return Err(self.out_of_time(stopped)),
                Halt::Refused(failure, stopped) => match self.escape(failure) {
                    Ok(()) => waited = Duration::ZERO,
                    Err(failure) => return Err(self.give_up(failure, stopped)),
                },
            }
        }
    }

    /// Waits as the retry policy says, and returns how long; or gives up. Boxed, so that the calls
    /// that need no retry do not make room for one.
    #[cfg(feature = "retry")]
    async fn after(&mut self, failure: Failure, after: After) -> Result<Duration, Error> {
        Box::pin(self.again(failure, after)).await
    }

    /// Without the retry layer a call is one attempt.
    #[cfg(not(feature = "retry"))]
    #[expect(clippy::unused_async, reason = "the retry layer waits here")]
    async fn after(&mut self, failure: Failure, after: After) -> Result<Duration, Error> {
        let stopped = match after {
            _ if !failure.is_retryable() => Stopped::NotRecoverable,
            After::Veto(stopped) => stopped,
            _ if self.is_spent() => Stopped::NotReplayable,
            After::Nothing | After::Content(_) | After::Unrenewed => Stopped::Attempts,
        };
        Err(self.give_up(failure, stopped))
    }

    /// The request of an attempt, authenticated with `token` where a provider gave one.
    fn request(
        &self,
        head_limit: Duration,
        token: Option<&SecretString>,
    ) -> Result<Request, Failure> {
        let written = self.plan.written();
        let signed = match token {
            Some(_) => None,
            None => written.signed(),
        };
        let mut request = match signed {
            Some(mut request) => {
                self.inject(&mut request.headers)?;
                request
            }
            None => self.signed(written.bare(), token)?,
        };
        request.head_limit = head_limit;
        Ok(request)
    }

    /// The same with what the propagators say, and then signed: a signature may hold every header.
    fn signed(
        &self,
        mut request: Request,
        token: Option<&SecretString>,
    ) -> Result<Request, Failure> {
        self.inject(&mut request.headers)?;
        let secret = match token {
            Some(token) => Some(Secret::Bearer(token.expose_secret())),
            None => self.plan.credential().and_then(Credential::secret),
        };
        if let Some(secret) = secret {
            let (backend, wall) = (&self.shared.backend, Clock::wall());
            backend.authorize(&mut request, secret, wall)?;
        }
        Ok(request)
    }

    /// The moment at which an attempt ends without progress, and what ends it.
    fn limit(&self) -> Option<(Moment, Stopped)> {
        self.earlier(self.patience_ends())
    }

    /// The moment by which a wait must be over.
    fn wait_limit(&self) -> Option<(Moment, Stopped)> {
        #[cfg(feature = "retry")]
        let ends = self
            .patience_ends()
            .into_iter()
            .chain(self.unreached_ends())
            .min();
        #[cfg(not(feature = "retry"))]
        let ends = self.patience_ends();
        self.earlier(ends)
    }

    /// The end of the patience or the deadline, whichever comes first.
    fn earlier(&self, patience_ends: Option<Moment>) -> Option<(Moment, Stopped)> {
        let patience = patience_ends.map(|moment| (moment, Stopped::Patience));
        let deadline = self.deadline.map(|moment| (moment, Stopped::Deadline));
        match (patience, deadline) {
            (Some(patience), Some(deadline)) if deadline.0 < patience.0 => Some(deadline),
            (patience, deadline) => patience.or(deadline),
        }
    }

    #[cfg(feature = "retry")]
    fn patience_ends(&self) -> Option<Moment> {
        self.retrying.patience_ends()
    }

    #[cfg(not(feature = "retry"))]
    fn patience_ends(&self) -> Option<Moment> {
        self.patience
            .limit()
            .map(|limit| self.shared.tuning.divided(limit))
            .map(|limit| self.started + limit.saturating_sub(self.carried))
    }

    fn elapsed(&self, now: Moment) -> Duration {
        self.carried.saturating_add(now.since(self.started))
    }

    fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    fn emit(&self, what: What<'_>) {
        self.voice.emit(&self.shared, what);
    }

    /// The end of a call whose time is over: with the failure that it had met by then, if any.
    #[cold]
    fn out_of_time(&mut self, stopped: Stopped) -> Error {
        let failure = self.last.take();
        let failure = failure.unwrap_or_else(|| Failure::deadline_exceeded(Delivery::NotSent));
        self.give_up(failure, stopped)
    }

    #[cold]
    fn give_up(&mut self, failure: Failure, stopped: Stopped) -> Error {
        if self.spare == Spare::Reply {
            return Error::new(failure, stopped);
        }
        let (failure, stopped) = self.hops.verdict(failure, stopped);
        self.phase = CallPhase::Ended;
        let elapsed = self.elapsed(self.now());
        let attempts = self.sent;
        self.emit(What::given_up(attempts, &failure, stopped, elapsed));
        let delivery = most_in_doubt(self.delivery, failure.delivery());
        Error::new(failure, stopped)
            .with_history(std::mem::take(&mut self.attempts), elapsed)
            .with_delivery(delivery)
            .with_partial(self.partial.take().map(|partial| *partial))
    }

    /// Tells the other calls of a moment that the server named.
    fn share_hint(&self, failure: &Failure) {
        if failure.kind() == ErrorKind::RateLimited
            && let Recovery::After {
                wait,
                hint: Hint::Limit,
            } = failure.recovery()
        {
            self.plan.gate().close_until(self.now() + wait);
        }
    }
}

/// Of two attempts of one call: what may have been carried out outweighs an answer, and an answer that
/// nothing was sent.
fn most_in_doubt(one: Delivery, other: Delivery) -> Delivery {
    match (one, other) {
        (Delivery::Unknown, _) | (_, Delivery::Unknown) => Delivery::Unknown,
        (Delivery::Answered, _) | (_, Delivery::Answered) => Delivery::Answered,
        (Delivery::NotSent, Delivery::NotSent) => Delivery::NotSent,
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.return_probe();
        #[cfg(feature = "retry")]
        self.give_back_token();
        if self.phase == CallPhase::Running {
            let elapsed = self.elapsed(self.now());
            let tell = || self.emit(What::cancelled(self.sent, elapsed));
            // An observer whose panic ends the call would end the process by a second one here.
            if std::thread::panicking() {
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(tell));
            } else {
                tell();
            }
        }
    }
}
