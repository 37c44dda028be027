use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_messages::MessageRequest;

use crate::pipeline::{Call, Fetch, Options};
use crate::shared::Shared;
use crate::{Error, MessageStream, Patience, Reply};

/// The Messages API, with the options of the calls made through it. Made by
/// [`Client::messages`](crate::Client::messages).
#[derive(Clone)]
#[must_use]
pub struct Messages {
    shared: Arc<Shared>,
    options: Options,
}

impl Messages {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            options: Options::default(),
        }
    }

    /// The call ends after so long whatever happens: attempts, waits and the body included. Above
    /// zero. Default: no deadline.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// How long the call goes on without progress. Default: the client's.
    pub fn patience(mut self, patience: Patience) -> Self {
        self.options.patience = Some(patience);
        self
    }

    /// How [`create`](Self::create) asks for the reply. Default [`Fetch::Streamed`].
    pub fn fetch(mut self, fetch: Fetch) -> Self {
        self.options.fetch = fetch;
        self
    }

    /// Sends a request and returns the whole reply.
    ///
    /// # Errors
    ///
    /// The last failure, with every attempt and why there was no other. Nothing incomplete is ever
    /// returned as a reply; what had arrived is in [`Error::partial`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once and releases its connection, its place with the
    /// breakers and its budget token.
    pub async fn create(&self, request: MessageRequest) -> Result<Reply, Error> {
        let call = Call::new(Arc::clone(&self.shared), &request, self.options)?;
        drop(request);
        call.collect().await
    }

    /// Sends a request and returns the reply as it arrives, from its first content on.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), for everything that happens before the first content.
    ///
    /// # Cancellation
    ///
    /// As [`create`](Self::create); dropping the stream does the same later.
    pub async fn stream(&self, request: MessageRequest) -> Result<MessageStream, Error> {
        let options = Options {
            fetch: Fetch::Streamed,
            ..self.options
        };
        let mut call = Call::new(Arc::clone(&self.shared), &request, options)?;
        drop(request);
        let live = call.open().await?;
        Ok(MessageStream::new(call, live))
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
