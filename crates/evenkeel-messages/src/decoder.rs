use bytes::Bytes;
use evenkeel_error::{Error, Facts};

use crate::StreamEvent;
use crate::event::{Malformed, parse};
use crate::sse::{SseDecoder, Tail};

/// Bytes in, events out: framing and typing together.
///
/// Feed a chunk, then take events until there are none; at the end of the body, [`finish`]. Errors
/// end the stream: after one there are no more events. Cost is linear in bytes; memory is bounded
/// by [`event_limit`], what is collected of a stream by [`body_limit`].
///
/// [`finish`]: Self::finish
/// [`event_limit`]: Self::event_limit
/// [`body_limit`]: Self::body_limit
#[derive(Debug)]
pub struct Decoder {
    sse: SseDecoder,
    facts: Facts,
    /// Bytes that may still come.
    allowance: u64,
    body_limit: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// A chunk went over the body limit; said once the events before it are read.
    OverLimit,
    Failed,
}

/// The largest body accepted unless set otherwise: 64 MiB. The longest reply that a model gives,
/// one token an event, is about half of it.
pub const DEFAULT_BODY_LIMIT: u64 = 64 * 1024 * 1024;

impl Decoder {
    /// A decoder for the body of the response whose head is `facts`; its errors carry them.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self {
            sse: SseDecoder::new(),
            facts,
            allowance: DEFAULT_BODY_LIMIT,
            body_limit: DEFAULT_BODY_LIMIT,
            state: State::Reading,
        }
    }

    /// The most bytes that one event may have. Default 32 MiB.
    #[must_use]
    pub fn event_limit(mut self, bytes: usize) -> Self {
        self.sse = self.sse.event_limit(bytes);
        self
    }

    /// The most bytes, decompressed, that the whole body may have. Default [`DEFAULT_BODY_LIMIT`].
    /// Set it before the first chunk.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        (self.body_limit, self.allowance) = (bytes, bytes);
        self
    }

    /// Takes the next chunk of the body, of any size and split anywhere.
    pub fn feed(&mut self, chunk: Bytes) {
        if self.state != State::Reading {
            return;
        }
        match self.allowance.checked_sub(chunk.len() as u64) {
            Some(left) => {
                self.allowance = left;
                self.sse.feed(chunk);
            }
            None => self.state = State::OverLimit,
        }
    }

    /// The next event, if the bytes so far hold one.
    ///
    /// An `error` event is an event, [`StreamEvent::Error`]: the stream itself was well formed.
    ///
    /// # Errors
    /// `protocol`, once: event or body over its limit, an event that is not UTF-8, or a known one
    /// that is not in its shape. The message names the event and where it began, in bytes; it quotes nothing.
    pub fn next_event(&mut self) -> Option<Result<StreamEvent, Error>> {
        if self.state == State::Failed {
            return None;
        }
        let result = match self.sse.next_frame() {
            Some(Ok(frame)) => parse(&frame, &self.facts).map_err(|Malformed(name)| {
                let name = if name.is_empty() { "unnamed" } else { &name };
                let offset = frame.offset;
                Error::protocol(format!(
                    "malformed {name} event at byte {offset} of the stream"
                ))
            }),
            Some(Err(error)) => Err(error),
            None if self.state == State::OverLimit => {
                let limit = self.body_limit;
                Err(Error::protocol(format!(
                    "the stream is larger than the limit of {limit} bytes"
                )))
            }
            None => return None,
        };
        Some(result.map_err(|error| {
            self.state = State::Failed;
            error.with_facts(self.facts.clone())
        }))
    }

    /// Says whether the body ended between events or within one, which is never dispatched. The
    /// verdict on the reply is the [`Accumulator`](crate::Accumulator)'s.
    pub fn finish(&self) -> Tail {
        self.sse.finish()
    }
}
