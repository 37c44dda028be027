use std::fmt;

use evenkeel_error::Error;

use crate::{Message, Partial, Usage};

/// How the bytes of a stream ended, as its reader saw it.
#[derive(Debug)]
#[must_use]
pub enum End {
    /// The body ended as a body should.
    Eof,
    /// The transport failed, or a limit of ours passed.
    Cut(Error),
    /// The stream itself failed: an `error` event, or bytes that are no event stream.
    Failed(Error),
}

/// How a reply ended. Only the first two hold a message: what is truncated is never one.
///
/// What decides is the stop reason. Once it was seen the reply is complete, and a fault after it
/// changes nothing; before it, even a clean end of the body is a truncation.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    /// Stop reason and end marker were seen.
    Complete(Message),
    /// The stop reason was seen, the end marker was not. The message is whole.
    CompleteWithoutStop(Message),
    /// The reply began and was cut: the body ended, or the transport failed.
    Truncated(Box<Incomplete>),
    /// The server gave up, or sent what is no valid stream.
    Failed(Box<Incomplete>),
    /// The body ended, or was cut, before the reply began.
    Empty(Box<Incomplete>),
}

/// A reply that is not complete: why, and what there is of it.
///
/// `Debug` and `Display` show no content.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incomplete {
    /// Why.
    pub error: Error,
    /// What had arrived.
    pub partial: Partial,
    /// How far the reply had come.
    pub at: Position,
}

/// How far a reply had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Position {
    /// Events that were taken, pings included.
    pub events: u64,
    /// The block that was open last, by its index in the stream; `None` between blocks.
    pub open_block: Option<u32>,
}

/// How much a server may leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strictness {
    /// The official API's grammar. A reply is complete once its stop reason was seen, and only
    /// then.
    #[default]
    Strict,
    /// For servers that look alike and leave things out: `message_start`, the start of a text or
    /// thinking block, the end of a block, the stop reason. A reply that has content is complete,
    /// with no stop reason, at `message_stop` or at `data: [DONE]` too. The end of the body proves
    /// nothing here either, and a tool call is whole only if its input is; one without input only
    /// if its own end or a stop reason says so.
    Relaxed,
}

impl Incomplete {
    /// Tokens as last counted by the server.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        self.partial.usage()
    }
}

impl Verdict {
    /// The message, or why there is none.
    ///
    /// # Errors
    /// Every verdict but the two complete ones.
    pub fn into_result(self) -> Result<Message, Box<Incomplete>> {
        match self {
            Self::Complete(message) | Self::CompleteWithoutStop(message) => Ok(message),
            Self::Truncated(incomplete) | Self::Failed(incomplete) | Self::Empty(incomplete) => {
                Err(incomplete)
            }
        }
    }

    /// The stable `snake_case` name, for metrics and logs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Complete(_) => "complete",
            Self::CompleteWithoutStop(_) => "complete_without_stop",
            Self::Truncated(_) => "truncated",
            Self::Failed(_) => "failed",
            Self::Empty(_) => "empty",
        }
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "incomplete reply: {}", self.error)
    }
}

impl std::error::Error for Incomplete {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
