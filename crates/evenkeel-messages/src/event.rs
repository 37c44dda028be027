use std::fmt;

use evenkeel_error::Error;

use crate::{ContentBlock, Extra, RawJson, Role, StopReason, Usage};

mod parse;

pub(crate) use parse::{Malformed, parse};

/// One event of a stream.
///
/// The order on the wire: `message_start`, then per block a start, deltas and a stop, then
/// `message_delta` with the stop reason, then `message_stop`. Pings come anywhere; an error may
/// come at any point and ends the stream. `Debug` shows lengths and names, never content.
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
        block: ContentBlock,
    },
    /// A block grows.
    ContentBlockDelta {
        /// The block's place in the content.
        index: u32,
        /// By what.
        delta: Delta,
    },
    /// A block is whole.
    ContentBlockStop {
        /// The block's place in the content.
        index: u32,
    },
    /// The stop reason and the final usage.
    MessageDelta(Box<MessageDelta>),
    /// The reply is whole.
    MessageStop,
    /// The server is alive.
    Ping,
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
}

/// What a block grows by.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delta {
    /// More text.
    Text(String),
    /// More of a tool's input; JSON only when all of it is there.
    InputJson(String),
    /// More thinking.
    Thinking(String),
    /// The signature of the thinking, whole.
    Signature(String),
    /// One more citation.
    Citations(RawJson),
    /// A delta of a type that this version does not know, verbatim.
    Unknown {
        /// Its `type`; empty if it has none.
        kind: String,
        /// The whole delta.
        raw: RawJson,
    },
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
    /// Fields that are not modelled.
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
    /// Fields that are not modelled: of the delta, then of the event.
    pub extra: Extra,
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
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
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
            | Self::MessageStop => true,
            Self::MessageStart(_) | Self::Ping | Self::Error(_) | Self::Unknown { .. } => false,
        }
    }

    /// The text that the event adds to the reply's text, if it does.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::ContentBlockStart {
                block: ContentBlock::Text(block),
                ..
            } => Some(&block.text),
            Self::ContentBlockDelta {
                delta: Delta::Text(text),
                ..
            } => Some(text),
            _ => None,
        }
    }
}

impl Delta {
    /// The delta's `type` on the wire.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text_delta",
            Self::InputJson(_) => "input_json_delta",
            Self::Thinking(_) => "thinking_delta",
            Self::Signature(_) => "signature_delta",
            Self::Citations(_) => "citations_delta",
            Self::Unknown { kind, .. } => kind,
        }
    }

    /// How many bytes of content it brings, for estimates.
    pub(crate) fn content_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Text(text) | Self::InputJson(text) | Self::Thinking(text) => text.len(),
            Self::Signature(_) | Self::Citations(_) | Self::Unknown { .. } => 0,
        };
        bytes as u64
    }
}

impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawEvent({} bytes)", self.0.len())
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match self {
            Self::Text(text)
            | Self::InputJson(text)
            | Self::Thinking(text)
            | Self::Signature(text) => text.len(),
            Self::Citations(raw) | Self::Unknown { raw, .. } => raw.get().len(),
        };
        write!(f, "{}({bytes} bytes)", self.kind())
    }
}

impl fmt::Debug for MessageDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageDelta")
            .field("stop_reason", &self.stop_reason)
            .field("usage", &self.usage)
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}
