use std::fmt;

use evenkeel_error::Error;

use crate::sse::Frame;
use crate::{ContentBlock, Delta, DeltaRef, Extra, ReplyDetails, Role, StopReason, Usage};

mod parse;
mod scan;
mod write;

#[cfg(test)]
pub(crate) use parse::parse;
pub(crate) use parse::{Malformed, find};

/// One event of a stream.
///
/// The order on the wire: `message_start`, then per block a start, deltas and a stop, then
/// `message_delta` with the stop reason, then `message_stop`. Pings come anywhere; an error may
/// come at any point and ends the stream. `Debug` shows lengths and names, never content.
///
/// `Serialize` writes the data of the event; [`to_frame`](Self::to_frame) the whole event.
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamEvent {
    /// The reply begins: everything about it but its content.
    MessageStart(Box<MessageHead>),
    /// A block begins; text and thinking are usually empty here, the input of a tool `{}`.
    ContentBlockStart {
        /// The block's place in the content.
        index: u32,
        /// Its first state.
        block: Box<ContentBlock>,
        /// Fields of the event that are not modelled.
        extra: Extra,
    },
    /// A block grows.
    ContentBlockDelta {
        /// The block's place in the content.
        index: u32,
        /// By what.
        delta: Delta,
        /// Fields of the event that are not modelled.
        extra: Extra,
    },
    /// A block is whole.
    ContentBlockStop {
        /// The block's place in the content.
        index: u32,
        /// Fields of the event that are not modelled.
        extra: Extra,
    },
    /// The stop reason and the final usage.
    MessageDelta(Box<MessageDelta>),
    /// The reply is whole.
    MessageStop {
        /// Fields of the event that are not modelled.
        extra: Extra,
    },
    /// The server is alive.
    Ping {
        /// Fields of the event that are not modelled.
        extra: Extra,
    },
    /// The server gave up; nothing follows.
    Error(Error),
    /// An event that this version does not know, verbatim.
    Unknown {
        /// Its name; empty if it has none.
        name: String,
        /// Its data.
        raw: RawEvent,
    },
}

/// The data of an event that this version does not know: the text as it came, JSON or not.
#[derive(Clone, PartialEq, Eq)]
pub struct RawEvent(pub(crate) Box<str>);

impl RawEvent {
    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }

    /// The end marker of servers that look alike.
    pub(crate) fn is_done(&self) -> bool {
        self.0.trim_ascii() == "[DONE]"
    }
}

/// What `message_start` says of a reply. No content yet, so it is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageHead {
    /// The id of the reply (`msg_…`).
    pub id: String,
    /// The model that answers.
    pub model: String,
    /// Whose message it is.
    pub role: Role,
    /// Input tokens, and the output tokens so far.
    pub usage: Usage,
    /// What else is said of the reply, with the fields that are not modelled.
    pub details: ReplyDetails,
    /// Fields of the event that are not modelled.
    pub extra: Extra,
}

/// What `message_delta` says at the end of a reply.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageDelta {
    /// Why the model stopped.
    pub stop_reason: Option<StopReason>,
    /// The stop sequence that was produced.
    pub stop_sequence: Option<String>,
    /// Tokens, cumulative; absent fields keep what was known.
    pub usage: Usage,
    /// What the delta says besides, with its fields that are not modelled.
    pub details: ReplyDetails,
    /// What the event says beside its delta, with the fields that are not modelled.
    pub outer: ReplyDetails,
}

impl StreamEvent {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::MessageStart(_) => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta(_) => "message_delta",
            Self::MessageStop { .. } => "message_stop",
            Self::Ping { .. } => "ping",
            Self::Error(_) => "error",
            Self::Unknown { name, .. } => name,
        }
    }

    /// Whether a caller who sees the event has seen a part of the reply, so that a silent replay
    /// is over: everything from the first block on, the end of a reply without content included.
    /// `message_start`, pings, errors and unknown events are none.
    #[must_use]
    pub fn carries_content(&self) -> bool {
        match self {
            Self::ContentBlockStart { .. }
            | Self::ContentBlockDelta { .. }
            | Self::ContentBlockStop { .. }
            | Self::MessageDelta(_)
            | Self::MessageStop { .. } => true,
            Self::MessageStart(_) | Self::Ping { .. } | Self::Error(_) | Self::Unknown { .. } => {
                false
            }
        }
    }

    /// The text that the event adds to the reply's text, if it does.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::ContentBlockStart { block, .. } => match block.as_ref() {
                ContentBlock::Text(block) if !block.text.is_empty() => Some(&block.text),
                _ => None,
            },
            Self::ContentBlockDelta {
                delta: Delta::Text(delta),
                ..
            } => Some(&delta.text),
            _ => None,
        }
    }
}

/// An event borrowed from the decoder: for those who only forward, and for the fastest way into an
/// [`Accumulator`](crate::Accumulator). The frequent event allocates nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum EventRef<'a> {
    /// A block grows by a delta of a frequent type that has no field which is not modelled.
    ContentBlockDelta {
        /// The block's place in the content.
        index: u32,
        /// By what.
        delta: DeltaRef<'a>,
        /// The event as it came.
        frame: Frame<'a>,
    },
    /// Every other event, owned.
    Other {
        /// The event.
        event: StreamEvent,
        /// The event as it came; its data is empty where the reply came in one piece.
        frame: Frame<'a>,
    },
}

impl<'a> EventRef<'a> {
    /// The event as it came.
    #[must_use]
    pub fn frame(&self) -> Frame<'a> {
        match self {
            Self::ContentBlockDelta { frame, .. } | Self::Other { frame, .. } => *frame,
        }
    }

    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::Other { event, .. } => event.name(),
        }
    }

    /// As [`StreamEvent::carries_content`].
    #[must_use]
    pub fn carries_content(&self) -> bool {
        match self {
            Self::ContentBlockDelta { .. } => true,
            Self::Other { event, .. } => event.carries_content(),
        }
    }

    /// As [`StreamEvent::text`].
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::ContentBlockDelta {
                delta: DeltaRef::Text(text),
                ..
            } => Some(text),
            Self::ContentBlockDelta { .. } => None,
            Self::Other { event, .. } => event.text(),
        }
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> StreamEvent {
        match self {
            Self::ContentBlockDelta { index, delta, .. } => StreamEvent::ContentBlockDelta {
                index,
                delta: delta.into_owned(),
                extra: Extra::default(),
            },
            Self::Other { event, .. } => event,
        }
    }
}

impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawEvent({} bytes)", self.0.len())
    }
}

impl fmt::Debug for MessageDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageDelta")
            .field("stop_reason", &self.stop_reason)
            .field("usage", &self.usage)
            .field("details", &self.details)
            .field("outer", &self.outer)
            .finish_non_exhaustive()
    }
}
