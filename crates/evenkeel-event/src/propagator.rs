use std::fmt;
use std::sync::Arc;

use crate::CallId;

/// Adds headers to each attempt: the context of a trace, for one.
///
/// Asked right before an attempt is sent and before its `attempt_started`, in line with the call, so
/// it must be quick and must not block. A panic in it unwinds through the call, which is then over as
/// if it had been dropped.
///
/// What is injected goes over the client's and the call's header of the same name. Headers that have
/// an owner (host, framing, version, authentication, betas, the workspace) are refused: the call ends
/// as `invalid_config`, which names the header, and the attempt is not sent. So does a name or a value
/// that no header can have. A propagator that has nothing to say injects nothing.
///
/// Any `Fn(&mut AttemptHead)` is one:
///
/// ```
/// use evenkeel_event::{AttemptHead, CallId, Propagator};
///
/// let propagator = |head: &mut AttemptHead| {
///     let (call, attempt) = (head.call().number(), head.attempt());
///     head.header("traceparent", format!("00-{call:032x}-{attempt:016x}-01"));
/// };
/// let mut head = AttemptHead::new(CallId::new(7), 2);
/// propagator.inject(&mut head);
/// let (name, value) = head.headers().next().unwrap();
/// assert_eq!(name, "traceparent");
/// assert_eq!(value, "00-00000000000000000000000000000007-0000000000000002-01");
/// ```
pub trait Propagator: Send + Sync {
    /// Adds to the head of an attempt.
    fn inject(&self, head: &mut AttemptHead);
}

impl<F: Fn(&mut AttemptHead) + Send + Sync> Propagator for F {
    fn inject(&self, head: &mut AttemptHead) {
        self(head);
    }
}

impl<T: Propagator + ?Sized> Propagator for Arc<T> {
    fn inject(&self, head: &mut AttemptHead) {
        (**self).inject(head);
    }
}

/// The head of an attempt that is about to be sent, as far as a [`Propagator`] sees it. `Debug` shows
/// names and no values.
pub struct AttemptHead {
    call: CallId,
    attempt: u32,
    headers: Vec<(String, String)>,
}

impl AttemptHead {
    /// Of this attempt of this call, without headers.
    #[must_use]
    pub const fn new(call: CallId, attempt: u32) -> Self {
        Self {
            call,
            attempt,
            headers: Vec::new(),
        }
    }

    /// The same head, for a propagator that knows the call by another number.
    #[must_use]
    pub fn of_call(mut self, call: CallId) -> Self {
        self.call = call;
        self
    }

    /// The call, as its events name it.
    #[must_use]
    pub const fn call(&self) -> CallId {
        self.call
    }

    /// The number of the attempt, from 1, as the events name it.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Adds a header; the same name may be given several times.
    pub fn header(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    /// What was added, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for AttemptHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("AttemptHead")
            .field("call", &self.call)
            .field("attempt", &self.attempt)
            .field("headers", &names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_prints_the_names_of_its_headers_and_no_values() {
        let mut head = AttemptHead::new(CallId::new(1), 1);
        head.header("traceparent", "planted");
        let text = format!("{head:?}");
        assert!(
            text.contains("traceparent") && !text.contains("planted"),
            "{text}"
        );
    }
}
