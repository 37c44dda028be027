use std::collections::VecDeque;

use bytes::Bytes;
use evenkeel_error::{Error, Facts};

use crate::event::{Malformed, find};
use crate::sse::{self, Frame, SseDecoder, Tail};
use crate::{EventRef, Message, StreamEvent};

mod whole;

use whole::Whole;

/// Bytes in, events out: framing and typing together.
///
/// Feed a chunk, then take events until there are none; at the end of the body, [`finish`]. Errors
/// end the stream: after one there are no more events. Cost is linear in bytes; memory is bounded
/// by [`event_limit`], what is collected of a stream by [`body_limit`].
///
/// A body that is one whole JSON message, as some gateways answer where a stream was asked for, is
/// read as the events of a stream that says the same; an error envelope as an error event.
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
    form: Form,
    state: State,
    /// The events of a reply that came in one piece.
    ready: VecDeque<StreamEvent>,
}

/// What the body is.
#[derive(Debug)]
enum Form {
    /// No telling: no byte yet but white space.
    Unknown,
    Stream,
    Whole(Whole),
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

const BYTE_ORDER_MARK: [u8; 3] = *b"\xEF\xBB\xBF";

impl Decoder {
    /// A decoder for the body of the response whose head is `facts`; its errors carry them.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self {
            sse: SseDecoder::new(),
            facts,
            allowance: DEFAULT_BODY_LIMIT,
            body_limit: DEFAULT_BODY_LIMIT,
            form: Form::Unknown,
            state: State::Reading,
            ready: VecDeque::new(),
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
        let Some(left) = self.allowance.checked_sub(chunk.len() as u64) else {
            self.state = State::OverLimit;
            return;
        };
        self.allowance = left;
        if let Form::Unknown = self.form {
            let blank = |byte: u8| byte.is_ascii_whitespace() || BYTE_ORDER_MARK.contains(&byte);
            match chunk.iter().find(|byte| !blank(**byte)) {
                Some(b'{') => self.form = Form::Whole(Whole::default()),
                Some(_) => self.form = Form::Stream,
                None => {}
            }
        }
        match &mut self.form {
            Form::Whole(whole) => whole.feed(&chunk),
            Form::Unknown | Form::Stream => self.sse.feed(chunk),
        }
    }

    /// The next event, if the bytes so far hold one.
    ///
    /// An `error` event is an event, [`StreamEvent::Error`]: the stream itself was well formed.
    ///
    /// # Errors
    /// `protocol`, once: event or body over its limit, an event that is not UTF-8, or a known one
    /// that is not in its shape. The message names the event and where it began, in bytes; the
    /// error's report shows the first 256 bytes of its data, scrubbed.
    pub fn next_event(&mut self) -> Option<Result<StreamEvent, Error>> {
        let event = self.next_ref().map(|event| event.map(EventRef::into_owned));
        self.sse.release();
        event
    }

    /// The next event, borrowed: for those who only forward, and for the fastest way into an
    /// accumulator.
    ///
    /// # Errors
    /// As for [`next_event`](Self::next_event).
    pub fn next_ref(&mut self) -> Option<Result<EventRef<'_>, Error>> {
        if self.state == State::Failed {
            return None;
        }
        if let Some(event) = self.next_ready() {
            let frame = Frame::EMPTY;
            return Some(Ok(EventRef::Other { event, frame }));
        }
        let error = match self.sse.next_offset() {
            Some(Ok(offset)) => match self.sse.current(offset) {
                Ok(frame) => match find(&frame, &self.facts) {
                    Ok(found) => return Some(Ok(found.into_ref(frame))),
                    Err(malformed) => malformed.into_error(&frame),
                },
                Err(broken) => broken.into_error(),
            },
            Some(Err(broken)) => broken.into_error(),
            None if self.state == State::OverLimit => {
                let limit = self.body_limit;
                Error::protocol(format!(
                    "the stream is larger than the limit of {limit} bytes"
                ))
            }
            None => return None,
        };
        self.state = State::Failed;
        Some(Err(error.with_facts(self.facts.clone())))
    }

    /// The next event of a reply that came in one piece.
    fn next_ready(&mut self) -> Option<StreamEvent> {
        if let Form::Whole(whole) = &mut self.form
            && let Some(body) = whole.complete()
        {
            match Message::from_json(&body, &self.facts) {
                Ok(message) => self.ready.extend(message.into_events()),
                Err(error) => self.ready.push_back(StreamEvent::Error(error)),
            }
        }
        self.ready.pop_front()
    }

    /// Says whether the body ended between events or within one, which is never dispatched. The
    /// verdict on the reply is the [`Accumulator`](crate::Accumulator)'s.
    pub fn finish(&self) -> Tail {
        match &self.form {
            Form::Whole(whole) => whole.finish(),
            Form::Unknown | Form::Stream => self.sse.finish(),
        }
    }
}

impl Malformed {
    fn into_error(self, frame: &Frame<'_>) -> Error {
        let name = match self.name.as_str() {
            "" => "unnamed",
            name => name,
        };
        let offset = frame.offset;
        let place = format!("malformed {name} event at byte {offset} of the stream");
        let message = match self.at {
            Some(at) => format!("{place}: its JSON breaks at byte {at} of its data"),
            None => place,
        };
        Error::protocol(message).with_body(sse::sample_of(frame.data.as_bytes()))
    }
}
