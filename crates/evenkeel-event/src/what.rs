use std::time::Duration;

use evenkeel_error::Error;

use crate::{Stopped, WaitReason};

/// What was decided or seen.
///
/// Durations are measured on the client's monotonic clock. Attempts are counted from 1, the first
/// included.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum What<'a> {
    /// A request goes out.
    #[non_exhaustive]
    AttemptStarted {
        /// Its number.
        attempt: u32,
        /// The wait before it; zero for the first.
        waited: Duration,
    },
    /// An attempt ended in a failure.
    #[non_exhaustive]
    AttemptFailed {
        /// Its number.
        attempt: u32,
        /// The failure.
        error: &'a Error,
        /// From its start to the failure.
        elapsed: Duration,
    },
    /// Content that an attempt had brought is dropped, and the reply asked for again. Who was shown
    /// some of it has been told.
    #[non_exhaustive]
    AttemptDiscarded {
        /// Its number.
        attempt: u32,
    },
    /// An attempt ended in a reply in which the model refuses before it has said anything, and a
    /// fallback is asked. The reply is kept: it is the call's if no fallback brings a better one.
    #[non_exhaustive]
    AttemptRefused {
        /// Its number.
        attempt: u32,
        /// From its start to the refusal.
        elapsed: Duration,
    },
    /// The call waits before it goes on.
    #[non_exhaustive]
    Waiting {
        /// The attempt it waits to make.
        attempt: u32,
        /// What it waits for.
        reason: WaitReason,
        /// How long.
        wait: Duration,
        /// How much of the deadline will be left then; `None` without a deadline.
        left: Option<Duration>,
    },
    /// The first content of the reply arrived.
    #[non_exhaustive]
    FirstContent {
        /// The attempt that brought it.
        attempt: u32,
        /// From the start of that attempt.
        elapsed: Duration,
    },
    /// A stream has been quiet for longer than is usual; nothing is done about it yet.
    #[non_exhaustive]
    Quiet {
        /// The attempt that is being read.
        attempt: u32,
        /// Since when nothing has come.
        quiet: Duration,
    },
    /// The call is complete.
    #[non_exhaustive]
    Succeeded {
        /// The attempt that brought the reply: the last, or the last that was refused, if no fallback
        /// brought a better one.
        attempt: u32,
        /// From the start of the call.
        elapsed: Duration,
    },
    /// The call is given up.
    #[non_exhaustive]
    GivenUp {
        /// Requests that were sent.
        attempts: u32,
        /// The last failure.
        error: &'a Error,
        /// Why there is no other attempt.
        stopped: Stopped,
        /// From the start of the call.
        elapsed: Duration,
    },
    /// The caller dropped the call.
    #[non_exhaustive]
    Cancelled {
        /// Requests that were sent.
        attempts: u32,
        /// From the start of the call.
        elapsed: Duration,
    },
    /// A circuit breaker changed its state.
    #[non_exhaustive]
    CircuitChanged {
        /// Whose breaker.
        scope: Scope,
        /// Its new state.
        to: Circuit,
    },
    /// The retry budget is empty.
    #[non_exhaustive]
    BudgetEmpty {},
    /// The server refuses the credential: until that changes, calls with it fail without a request,
    /// single probes aside. A person has to act.
    #[non_exhaustive]
    LatchSet {
        /// The refusal.
        error: &'a Error,
    },
    /// The credential is accepted again.
    #[non_exhaustive]
    LatchCleared {
        /// For how long it was refused.
        held: Duration,
    },
    /// The credential was renewed.
    #[non_exhaustive]
    CredentialRefreshed {
        /// How long that took.
        elapsed: Duration,
    },
    /// The credential could not be renewed; the call goes on as the failure allows.
    #[non_exhaustive]
    CredentialRefreshFailed {
        /// The failure.
        error: &'a Error,
        /// How long it took.
        elapsed: Duration,
    },
    /// The call goes to the next of its fallbacks.
    #[non_exhaustive]
    FellBack {
        /// The model that brought no reply.
        from: &'a str,
        /// The model that is asked now.
        to: &'a str,
        /// Why.
        trigger: Trigger,
    },
}

/// What makes a call go to a fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// The circuit is open.
    CircuitOpen,
    /// There was no capacity, twice.
    Overloaded,
    /// The reply did not begin in time.
    Silence,
    /// The model refused before it had said anything.
    Refusal,
}

/// What a circuit breaker watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// The way to the endpoint and its edge.
    Origin,
    /// One model at one speed behind it.
    Model,
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Circuit {
    /// Everything is admitted.
    Closed,
    /// Nothing is admitted.
    Open,
    /// One probe is out.
    HalfOpen,
    /// Admitting more from second to second.
    Recovering,
}

/// Making one, for those who emit events. Each takes the fields in the order of the variant.
impl<'a> What<'a> {
    /// A request goes out.
    #[must_use]
    pub const fn attempt_started(attempt: u32, waited: Duration) -> Self {
        Self::AttemptStarted { attempt, waited }
    }

    /// An attempt ended in a failure.
    #[must_use]
    pub const fn attempt_failed(attempt: u32, error: &'a Error, elapsed: Duration) -> Self {
        Self::AttemptFailed {
            attempt,
            error,
            elapsed,
        }
    }

    /// What an attempt had brought is dropped, and the reply asked for again.
    #[must_use]
    pub const fn attempt_discarded(attempt: u32) -> Self {
        Self::AttemptDiscarded { attempt }
    }

    /// The model refused before it had said anything, and a fallback is asked.
    #[must_use]
    pub const fn attempt_refused(attempt: u32, elapsed: Duration) -> Self {
        Self::AttemptRefused { attempt, elapsed }
    }

    /// The call waits before it goes on.
    #[must_use]
    pub const fn waiting(
        attempt: u32,
        reason: WaitReason,
        wait: Duration,
        left: Option<Duration>,
    ) -> Self {
        Self::Waiting {
            attempt,
            reason,
            wait,
            left,
        }
    }

    /// The first content of the reply arrived.
    #[must_use]
    pub const fn first_content(attempt: u32, elapsed: Duration) -> Self {
        Self::FirstContent { attempt, elapsed }
    }

    /// A stream has been quiet for longer than is usual.
    #[must_use]
    pub const fn quiet(attempt: u32, quiet: Duration) -> Self {
        Self::Quiet { attempt, quiet }
    }

    /// The call is complete.
    #[must_use]
    pub const fn succeeded(attempt: u32, elapsed: Duration) -> Self {
        Self::Succeeded { attempt, elapsed }
    }

    /// The call is given up.
    #[must_use]
    pub const fn given_up(
        attempts: u32,
        error: &'a Error,
        stopped: Stopped,
        elapsed: Duration,
    ) -> Self {
        Self::GivenUp {
            attempts,
            error,
            stopped,
            elapsed,
        }
    }

    /// The caller dropped the call.
    #[must_use]
    pub const fn cancelled(attempts: u32, elapsed: Duration) -> Self {
        Self::Cancelled { attempts, elapsed }
    }

    /// A circuit breaker changed its state.
    #[must_use]
    pub const fn circuit_changed(scope: Scope, to: Circuit) -> Self {
        Self::CircuitChanged { scope, to }
    }

    /// The retry budget is empty.
    #[must_use]
    pub const fn budget_empty() -> Self {
        Self::BudgetEmpty {}
    }

    /// The server refuses the credential.
    #[must_use]
    pub const fn latch_set(error: &'a Error) -> Self {
        Self::LatchSet { error }
    }

    /// The credential is accepted again.
    #[must_use]
    pub const fn latch_cleared(held: Duration) -> Self {
        Self::LatchCleared { held }
    }

    /// The credential was renewed.
    #[must_use]
    pub const fn credential_refreshed(elapsed: Duration) -> Self {
        Self::CredentialRefreshed { elapsed }
    }

    /// The credential could not be renewed.
    #[must_use]
    pub const fn credential_refresh_failed(error: &'a Error, elapsed: Duration) -> Self {
        Self::CredentialRefreshFailed { error, elapsed }
    }

    /// The call goes to the next of its fallbacks.
    #[must_use]
    pub const fn fell_back(from: &'a str, to: &'a str, trigger: Trigger) -> Self {
        Self::FellBack { from, to, trigger }
    }
}

impl What<'_> {
    /// The stable `snake_case` name, for metrics and logs.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::AttemptStarted { .. } => "attempt_started",
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::AttemptDiscarded { .. } => "attempt_discarded",
            Self::AttemptRefused { .. } => "attempt_refused",
            Self::Waiting { .. } => "waiting",
            Self::FirstContent { .. } => "first_content",
            Self::Quiet { .. } => "quiet",
            Self::Succeeded { .. } => "succeeded",
            Self::GivenUp { .. } => "given_up",
            Self::Cancelled { .. } => "cancelled",
            Self::CircuitChanged { .. } => "circuit_changed",
            Self::BudgetEmpty {} => "budget_empty",
            Self::LatchSet { .. } => "latch_set",
            Self::LatchCleared { .. } => "latch_cleared",
            Self::CredentialRefreshed { .. } => "credential_refreshed",
            Self::CredentialRefreshFailed { .. } => "credential_refresh_failed",
            Self::FellBack { .. } => "fell_back",
        }
    }
}

impl Trigger {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::CircuitOpen => "circuit_open",
            Self::Overloaded => "overloaded",
            Self::Silence => "silence",
            Self::Refusal => "refusal",
        }
    }
}

impl Scope {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Model => "model",
        }
    }
}

impl Circuit {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Recovering => "recovering",
        }
    }
}
