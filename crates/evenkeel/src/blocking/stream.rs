use std::fmt;
use std::sync::Arc;

use evenkeel_messages::Partial;

use super::Runtime;
use crate::{Error, Reply, ReplyEvent};

/// A reply as it arrives, from its first content on: [`crate::MessageStream`] as an iterator, whose
/// `next` blocks until there is an event.
///
/// Dropping it closes its connection at once.
#[must_use = "a stream does nothing unless it is read"]
pub struct MessageStream {
    inner: crate::MessageStream,
    runtime: Arc<Runtime>,
    /// It was asked where it cannot wait.
    refused: bool,
}

impl MessageStream {
    pub(super) fn new(inner: crate::MessageStream, runtime: &Arc<Runtime>) -> Self {
        Self {
            inner,
            runtime: Arc::clone(runtime),
            refused: false,
        }
    }

    /// What has arrived so far; see [`crate::MessageStream::message_so_far`].
    #[must_use]
    pub fn message_so_far(&self) -> Option<&Partial> {
        self.inner.message_so_far()
    }

    /// Reads to the end and returns the whole reply.
    ///
    /// # Errors
    ///
    /// As [`crate::MessageStream::finish`].
    pub fn finish(self) -> Result<Reply, Error> {
        let Self { inner, runtime, .. } = self;
        runtime.block_on(inner.finish())
    }

    /// Reads to the end and returns the text of the whole reply.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub fn text(self) -> Result<String, Error> {
        Ok(self.finish()?.text())
    }
}

impl Iterator for MessageStream {
    type Item = Result<ReplyEvent, Error>;

    fn next(&mut self) -> Option<Result<ReplyEvent, Error>> {
        self.runtime.next(self.inner.next(), &mut self.refused)
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").finish_non_exhaustive()
    }
}
