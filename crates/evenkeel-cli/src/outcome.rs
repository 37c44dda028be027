//! The report of a call: what `--json` prints, and the exit code that goes with it.

use std::fmt::Write as _;

use evenkeel::messages::Partial;
use evenkeel::{Attempt, Error, ErrorKind, Reply};
use serde::Serialize;

use crate::exit::Exit;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct CallReport<'a> {
    outcome: &'static str,
    text: String,
    stop_reason: Option<&'a str>,
    model: Option<&'a str>,
    request_id: Option<&'a str>,
    usage: Option<&'a evenkeel::messages::Usage>,
    simulated: bool,
    error: Option<Failure<'a>>,
    attempts: Vec<Sent<'a>>,
    elapsed_ms: u128,
}

/// A failure: the classified error, and why the call stopped.
#[derive(Debug, Serialize)]
pub(crate) struct Failure<'a> {
    #[serde(flatten)]
    error: &'a evenkeel::error::Error,
    stopped: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Sent<'a> {
    number: u32,
    outcome: &'static str,
    status: Option<u16>,
    request_id: Option<&'a str>,
    waited_ms: u128,
    elapsed_ms: u128,
}

/// Where the reply came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Api,
    Simulator,
}

impl<'a> CallReport<'a> {
    pub(crate) fn complete(reply: &'a Reply, origin: Origin) -> Self {
        let meta = &reply.meta;
        Self {
            outcome: "complete",
            text: reply.text(),
            stop_reason: reply
                .stop_reason
                .as_ref()
                .map(evenkeel::messages::StopReason::as_str),
            model: Some(&reply.model),
            request_id: meta.facts.request_id(),
            usage: Some(&reply.usage),
            simulated: origin == Origin::Simulator,
            error: None,
            attempts: sent(&meta.attempts),
            elapsed_ms: meta.elapsed.as_millis(),
        }
    }

    pub(crate) fn failed(error: &'a Error, origin: Origin) -> Self {
        let partial = error.partial();
        Self {
            outcome: if is_truncated(error) {
                "truncated"
            } else {
                "failed"
            },
            text: partial.map(Partial::text).unwrap_or_default(),
            stop_reason: None,
            model: partial.and_then(Partial::model),
            request_id: error.request_id(),
            usage: partial.map(Partial::usage),
            simulated: origin == Origin::Simulator,
            error: Some(Failure::of_call(error)),
            attempts: sent(error.attempts()),
            elapsed_ms: error.elapsed().as_millis(),
        }
    }
}

impl<'a> Failure<'a> {
    pub(crate) fn of_call(error: &'a Error) -> Self {
        Self {
            error: error.failure(),
            stopped: Some(error.stopped().label()),
        }
    }

    /// A failure that nothing was done about: it was only classified.
    pub(crate) fn classified(error: &'a evenkeel::error::Error) -> Self {
        Self {
            error,
            stopped: None,
        }
    }
}

/// JSON that steers no terminal: a serializer leaves DEL and the controls above it as they are, and
/// they stand in texts only, where an escape is the same.
pub(crate) fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}') {
            // Writing to a string does not fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The exit code of a failed call.
pub(crate) fn exit(error: &Error) -> Exit {
    if is_truncated(error) {
        Exit::Truncated
    } else {
        Exit::of(error.kind())
    }
}

/// Whether the call ended with a cut after something had arrived.
pub(crate) fn is_truncated(error: &Error) -> bool {
    error.kind() == ErrorKind::Interrupted
        && error.partial().is_some_and(|partial| !partial.is_empty())
}

fn sent(attempts: &[Attempt]) -> Vec<Sent<'_>> {
    attempts
        .iter()
        .map(|attempt| Sent {
            number: attempt.number,
            outcome: attempt.outcome.label(),
            status: attempt.status,
            request_id: attempt.request_id.as_deref(),
            waited_ms: attempt.waited.as_millis(),
            elapsed_ms: attempt.elapsed.as_millis(),
        })
        .collect()
}
