//! One call, from the caller's request to a reply or the reason why there is none.
//!
//! The layers of a call, outermost first. Each is passed on the way in, in this order:
//!
//! 1. **Deadline and patience** bound everything below: [`Call::limit`]. The deadline is absolute
//!    and covers the body; patience counts time without progress, up to the first content.
//! 2. **Retry and budget** decide what follows a failure: `again.rs`. The only place that waits
//!    between attempts, and the only owner of retries.
//! 3. **The gate**, shared by the calls to one model: nobody leaves before a moment that the server
//!    named to any of them: `departure.rs`.
//! 4. **The breakers** admit the attempt, or say when to come back: `admission.rs`. After a wait for
//!    them the gate is asked again.
//! 5. **The credential** is written into the head of each attempt: [`Call::request`].
//! 6. **The attempt's timers** bound the head, in `attempt.rs`, and the stream, in `live.rs`.
//! 7. **The transport** sends.
//!
//! What is refused on this side (2, 3, 4) never feeds the breakers.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::{Delivery, Error as Failure, ErrorKind, Hint, Moment, Recovery};
use evenkeel_event::{CallId, Stopped, What};
use evenkeel_messages::{MessageRequest, Partial, Streaming};
use evenkeel_transport::{Operation, ReplyForm, Request};
use http::Method;

use crate::clock::Clock;
use crate::live::Live;
use crate::reply::Billing;
use crate::shared::{Lane, Shared};
use crate::{Attempt, Error, Patience};

#[cfg(feature = "breaker")]
mod admission;
#[cfg(feature = "retry")]
mod again;
mod attempt;
mod collect;
mod departure;

pub(crate) use attempt::Stopwatch;
pub(crate) use collect::Broken;

/// How a reply is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fetch {
    /// As a stream, collected here: no limit on how long generation takes, and silence is noticed.
    /// The default.
    #[default]
    Streamed,
    /// As one JSON message, whose head comes after the whole reply was generated.
    Plain,
}

/// What is sent: the same for every attempt.
pub(crate) struct Plan {
    /// Without authentication, which is each attempt's own.
    request: Request,
    fetch: Fetch,
    lane: Arc<Lane>,
    #[cfg(feature = "breaker")]
    key: crate::circuit::ModelKey,
}

/// What a caller sets for one call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) deadline: Option<Duration>,
    pub(crate) patience: Option<Patience>,
    pub(crate) fetch: Fetch,
}

/// One call. Dropping it before its end is the caller's cancel.
pub(crate) struct Call {
    shared: Arc<Shared>,
    plan: Plan,
    id: CallId,
    started: Moment,
    deadline: Option<Moment>,
    patience: Patience,
    attempts: Vec<Attempt>,
    /// Attempts that were sent, the one that is under way included.
    sent: u32,
    /// The last failure that the other side, or the way to it, is to blame for.
    last: Option<Failure>,
    partial: Option<Partial>,
    billing: Billing,
    phase: CallPhase,
    #[cfg(feature = "retry")]
    retrying: again::Retrying,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallPhase {
    Running,
    Ended,
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
}

/// Why an attempt brought nothing.
enum Halt {
    /// It failed.
    Failed(Failure),
    /// A limit of the caller's ended the call.
    Ended(Stopped),
    /// It was refused on this side, and this caller does not wait.
    Refused(Failure, Stopped),
}

impl Call {
    pub(crate) fn new(
        shared: Arc<Shared>,
        request: &MessageRequest,
        options: Options,
    ) -> Result<Self, Error> {
        let streaming = match options.fetch {
            // The server refuses to stream a reply of no tokens, which warms a cache.
            Fetch::Streamed if request.max_tokens() > 0 => Streaming::On,
            Fetch::Streamed | Fetch::Plain => Streaming::Off,
        };
        let plan = Plan {
            request: shared
                .backend
                .request(operation(&shared, request, streaming)?)?,
            fetch: match streaming {
                Streaming::On => Fetch::Streamed,
                Streaming::Off => Fetch::Plain,
            },
            lane: shared.lane(request.model()),
            #[cfg(feature = "breaker")]
            key: crate::circuit::ModelKey::new(request.model(), request.speed()),
        };
        if options.deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(Failure::invalid_config("deadline", "must be longer than zero").into());
        }
        let started = shared.clock.now();
        let patience = options.patience.unwrap_or(shared.tuning.patience);
        Ok(Self {
            id: shared.next_call(),
            started,
            deadline: options.deadline.map(|deadline| started + deadline),
            patience,
            attempts: Vec::new(),
            sent: 0,
            last: None,
            partial: None,
            billing: Billing::Once,
            phase: CallPhase::Running,
            #[cfg(feature = "retry")]
            retrying: again::Retrying::start(&shared.tuning, patience, request, started),
            shared,
            plan,
        })
    }

    /// Makes attempts until one brings its first content.
    pub(crate) async fn open(&mut self) -> Result<Live, Error> {
        self.open_after(Duration::ZERO).await
    }

    async fn open_after(&mut self, mut waited: Duration) -> Result<Live, Error> {
        loop {
            match self.attempt(waited).await {
                Ok(live) => return Ok(live),
                Err(Halt::Failed(failure)) => waited = self.after(failure, After::Nothing).await?,
                Err(Halt::Ended(stopped)) => return Err(self.out_of_time(stopped)),
                Err(Halt::Refused(failure, stopped)) => return Err(self.give_up(failure, stopped)),
            }
        }
    }

    /// Waits as the retry policy says, and returns how long; or gives up.
    #[cfg(feature = "retry")]
    async fn after(&mut self, failure: Failure, after: After) -> Result<Duration, Error> {
        self.again(failure, after).await
    }

    /// Without the retry layer a call is one attempt.
    #[cfg(not(feature = "retry"))]
    #[expect(clippy::unused_async, reason = "the retry layer waits here")]
    async fn after(&mut self, failure: Failure, after: After) -> Result<Duration, Error> {
        let stopped = match after {
            _ if !failure.is_retryable() => Stopped::NotRecoverable,
            After::Veto(stopped) => stopped,
            After::Nothing | After::Content(_) => Stopped::Attempts,
        };
        Err(self.give_up(failure, stopped))
    }

    /// The head of an attempt, with the credential as it is now.
    fn request(&self, head_limit: Duration) -> Result<Request, Failure> {
        let mut request = self.plan.request.clone();
        if let Some(credential) = &self.shared.credential {
            let (secret, wall) = (credential.secret(), Clock::wall());
            self.shared.backend.authorize(&mut request, secret, wall)?;
        }
        request.head_limit = head_limit;
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
            .map(|limit| self.started + self.shared.tuning.divided(limit))
    }

    fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    fn emit(&self, what: What<'_>) {
        self.shared.emit(self.id, what);
    }

    /// The end of a call whose time is over: with the failure that it had met by then, if any.
    fn out_of_time(&mut self, stopped: Stopped) -> Error {
        let failure = self.last.take();
        let failure = failure.unwrap_or_else(|| Failure::deadline_exceeded(Delivery::NotSent));
        self.give_up(failure, stopped)
    }

    fn give_up(&mut self, failure: Failure, stopped: Stopped) -> Error {
        self.phase = CallPhase::Ended;
        let elapsed = self.now().since(self.started);
        let attempts = self.sent;
        self.emit(What::given_up(attempts, &failure, stopped, elapsed));
        Error::new(failure, stopped)
            .with_history(std::mem::take(&mut self.attempts), elapsed)
            .with_partial(self.partial.take())
    }

    /// Tells the other calls of a moment that the server named.
    fn share_hint(&self, failure: &Failure) {
        if failure.kind() == ErrorKind::RateLimited
            && let Recovery::After {
                wait,
                hint: Hint::Limit,
            } = failure.recovery()
        {
            self.plan.lane.close_until(self.now() + wait);
        }
    }
}

fn operation<'a>(
    shared: &Shared,
    request: &'a MessageRequest,
    streaming: Streaming,
) -> Result<Operation<'a>, Failure> {
    let mut operation = Operation::new(Method::POST, "/v1/messages");
    operation.body = request.to_body(streaming)?;
    operation.model = Some(request.model());
    operation.reply = match streaming {
        Streaming::On => ReplyForm::Stream,
        Streaming::Off => ReplyForm::Whole,
    };
    shared.headers.write(&mut operation.headers);
    Ok(operation)
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.phase == CallPhase::Running {
            let elapsed = self.now().since(self.started);
            self.emit(What::cancelled(self.sent, elapsed));
        }
    }
}
