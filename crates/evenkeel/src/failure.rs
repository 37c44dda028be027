use std::error::Error as StdError;
use std::fmt;
use std::time::{Duration, SystemTime};

use evenkeel_error::{Category, Delivery, ErrorKind, Recoverable, Recovery};
use evenkeel_event::Stopped;
use evenkeel_messages::Partial;

use crate::{Attempt, Ledger};

/// How one call failed: the last failure, every attempt with its wait, what had arrived, and why
/// there was no other attempt. One word wide.
///
/// Match on [`category`](Self::category): four categories, four responses.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    failure: evenkeel_error::Error,
    stopped: Stopped,
    attempts: Vec<Attempt>,
    elapsed: Duration,
    partial: Option<Partial>,
    delivery: Delivery,
}

impl Error {
    pub(crate) fn new(failure: evenkeel_error::Error, stopped: Stopped) -> Self {
        Self {
            inner: Box::new(Inner {
                delivery: failure.delivery(),
                failure,
                stopped,
                attempts: Vec::new(),
                elapsed: Duration::ZERO,
                partial: None,
            }),
        }
    }

    pub(crate) fn with_history(mut self, attempts: Vec<Attempt>, elapsed: Duration) -> Self {
        self.inner.attempts = attempts;
        self.inner.elapsed = elapsed;
        self
    }

    pub(crate) fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.inner.delivery = delivery;
        self
    }

    pub(crate) fn with_partial(mut self, partial: Option<Partial>) -> Self {
        self.inner.partial = partial;
        self
    }

    /// The last failure, with everything the server said about it.
    #[must_use]
    pub fn failure(&self) -> &evenkeel_error::Error {
        &self.inner.failure
    }

    /// Why there was no other attempt.
    #[must_use]
    pub fn stopped(&self) -> Stopped {
        self.inner.stopped
    }

    /// Every request that was sent, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.inner.attempts
    }

    /// What all attempts together are known to have used.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.inner.attempts)
    }

    /// The waits before the attempts, added up.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.inner
            .attempts
            .iter()
            .map(|attempt| attempt.waited)
            .sum()
    }

    /// From the start of the call to its failure.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.inner.elapsed
    }

    /// What the last attempt with content had brought. Never holds a tool call that could be run.
    #[must_use]
    pub fn partial(&self) -> Option<&Partial> {
        self.inner.partial.as_ref()
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.failure.kind()
    }

    /// Who has to act.
    #[must_use]
    pub fn category(&self) -> Category {
        self.inner.failure.category()
    }

    /// The stable `snake_case` name of the kind.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.inner.failure.label()
    }

    /// What may help.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.inner.failure.recovery()
    }

    /// Whether the request left, in any attempt of the call: `Unknown` if one of them may have been
    /// carried out, whatever became of the others; `NotSent` only if none left. What the last one
    /// alone says is in [`failure`](Self::failure).
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.inner.delivery
    }

    /// The HTTP status; 200 for an error inside a stream.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.inner.failure.status()
    }

    /// The server's request id, which its support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.inner.failure.request_id()
    }

    /// The wall time before which sending again is known to fail.
    #[must_use]
    pub fn retry_at(&self) -> Option<SystemTime> {
        self.inner.failure.retry_at()
    }

    /// What a person should check, and where.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.inner.failure.advice()
    }

    /// The whole story on several lines: the chain of causes, the advice, the scrubbed body.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        Report { error: self }
    }
}

impl Recoverable for Error {
    fn recovery(&self) -> Recovery {
        self.inner.failure.recovery()
    }

    fn delivery(&self) -> Delivery {
        self.inner.delivery
    }

    fn repeats(&self) -> Option<u32> {
        self.inner.failure.repeats()
    }

    fn kind(&self) -> Option<ErrorKind> {
        Some(self.inner.failure.kind())
    }

    fn blames_caller(&self) -> bool {
        self.inner.failure.blames_caller()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner.failure)?;
        match self.inner.attempts.len() {
            0 => Ok(()),
            1 => f.write_str(", after 1 attempt"),
            attempts => write!(f, ", after {attempts} attempts"),
        }?;
        match self.waited() {
            Duration::ZERO => Ok(()),
            waited => write!(f, ", waited {waited:.1?}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("failure", &self.inner.failure)
            .field("stopped", &self.inner.stopped)
            .field("attempts", &self.inner.attempts)
            .field("elapsed", &self.inner.elapsed)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The failure itself is what `Display` says, so the chain goes on below it.
        self.inner.failure.source()
    }
}

/// A failure outside any call; mostly a configuration that cannot be used.
impl From<evenkeel_error::Error> for Error {
    fn from(failure: evenkeel_error::Error) -> Self {
        Self::new(failure, Stopped::NotRecoverable)
    }
}

impl From<evenkeel_error::InvalidConfig> for Error {
    fn from(invalid: evenkeel_error::InvalidConfig) -> Self {
        evenkeel_error::Error::from(invalid).into()
    }
}

/// Prints a failed call for a person. Made by [`Error::report`].
pub struct Report<'a> {
    error: &'a Error,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.error;
        write!(f, "{}", error.failure().report())?;
        for attempt in error.attempts() {
            write!(
                f,
                "\n  attempt {}: {}",
                attempt.number,
                attempt.outcome.label()
            )?;
            if let Some(status) = attempt.status {
                write!(f, " ({status})")?;
            }
            write!(f, ", {:.1?}", attempt.elapsed)?;
            if !attempt.waited.is_zero() {
                write!(f, " after waiting {:.1?}", attempt.waited)?;
            }
        }
        write!(f, "\n  gave up: {}", error.stopped())
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_and_a_result_are_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn an_error_can_cross_threads_and_be_boxed() {
        fn takes<T: StdError + Send + Sync + 'static>() {}
        takes::<Error>();
    }
}
