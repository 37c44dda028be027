use evenkeel_messages::{NoResume, Partial, Released, StreamEvent, may_restart};

/// Whether a stream that breaks off after its first content is asked for again from its start.
///
/// A restart says the reply over: other words, and another bill. So the stream first yields
/// [`ReplyEvent::AttemptDiscarded`](crate::ReplyEvent::AttemptDiscarded), and what it had yielded
/// before is void. It is no way out once a whole tool call was handed out, which may have run, nor
/// once a tool at the server was called, which would run again. Patience and the count of attempts
/// begin anew with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Never: a fault after the first content ends the stream with an error that holds what had
    /// arrived. The default, because not every consumer can take back what it has shown.
    #[default]
    Never,
    /// So many times a call; 0 is never.
    AtMost(u32),
}

/// The restarts of one stream that are left, and what they depend on.
pub(crate) struct Restarts {
    left: u32,
    released: Released,
}

/// What stands in the way of a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// As many were made as the caller allows.
    Spent,
    /// A tool call was handed out whole.
    ToolCall,
    /// A tool at the server was called.
    ServerTool,
}

impl Restarts {
    /// None where nothing has to be watched.
    pub(crate) fn of(restart: Restart) -> Option<Self> {
        match restart {
            Restart::Never | Restart::AtMost(0) => None,
            Restart::AtMost(left) => Some(Self {
                left,
                released: Released::nothing(),
            }),
        }
    }

    /// The consumer is handed this event.
    pub(crate) fn release(&mut self, event: &StreamEvent) {
        self.released.release(event);
    }

    /// Uses one up, unless something stands in its way.
    pub(crate) fn take(&mut self, partial: Option<&Partial>) -> Result<(), Obstacle> {
        if let Some(partial) = partial {
            may_restart(partial, &self.released).map_err(|why| match why {
                NoResume::ToolCall => Obstacle::ToolCall,
                _ => Obstacle::ServerTool,
            })?;
        }
        self.left = self.left.checked_sub(1).ok_or(Obstacle::Spent)?;
        self.released = Released::nothing();
        Ok(())
    }
}
