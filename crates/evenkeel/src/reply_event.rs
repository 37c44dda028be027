use evenkeel_error::ErrorKind;
use evenkeel_messages::StreamEvent;

/// What a [`MessageStream`](crate::MessageStream) yields.
///
/// Exhaustive on purpose: whoever matches has to say what becomes of what was shown when an attempt
/// is discarded. That never happens unless [`Restart`](crate::Restart) permits it.
#[derive(Debug)]
pub enum ReplyEvent {
    /// An event of the reply.
    Event(StreamEvent),
    /// The attempt broke off, and another is made: all that the stream has yielded so far is void, to
    /// be taken back from whoever was shown it. What follows begins with a `message_start` again.
    #[non_exhaustive]
    AttemptDiscarded {
        /// The attempt that broke off, counted from 1.
        attempt: u32,
        /// By what.
        kind: ErrorKind,
    },
}

impl ReplyEvent {
    /// The event of the reply, if it is one.
    #[must_use]
    pub fn event(&self) -> Option<&StreamEvent> {
        match self {
            Self::Event(event) => Some(event),
            Self::AttemptDiscarded { .. } => None,
        }
    }

    /// As [`event`](Self::event), owned.
    #[must_use]
    pub fn into_event(self) -> Option<StreamEvent> {
        match self {
            Self::Event(event) => Some(event),
            Self::AttemptDiscarded { .. } => None,
        }
    }

    /// The text that it adds to the reply's text, if it does.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.event().and_then(StreamEvent::text)
    }

    /// The event's name on the wire; `attempt_discarded` for what does not come from there.
    #[must_use]
    pub fn name(&self) -> &str {
        self.event().map_or("attempt_discarded", StreamEvent::name)
    }
}
