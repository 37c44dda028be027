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
    /// # Panics
    ///
    /// Outside a tokio runtime whose timers are enabled: that is tokio's rule for its timers.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once and releases its connection, its place with the
    /// breakers and its budget token.
    pub fn create(
        &self,
        request: MessageRequest,
    ) -> impl Future<Output = Result<Reply, Error>> + Send + use<> {
        let (shared, options) = (Arc::clone(&self.shared), self.options);
        async move {
            let call = Call::new(shared, &request, options)?;
            drop(request);
            call.collect().await
        }
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
    pub fn stream(
        &self,
        request: MessageRequest,
    ) -> impl Future<Output = Result<MessageStream, Error>> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        let options = Options {
            fetch: Fetch::Streamed,
            ..self.options
        };
        async move {
            let mut call = Call::new(shared, &request, options)?;
            drop(request);
            let live = call.open().await?;
            Ok(MessageStream::new(call, live))
        }
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send + 'static>(_: &T) {}

    fn is_stream<T: futures_core::Stream + Send + Unpin + 'static>() {}

    #[test]
    fn a_call_can_be_spawned_and_a_stream_can_be_kept_anywhere() {
        let transport = Arc::new(Nowhere);
        let client = crate::Client::with_transport(transport).build().unwrap();
        let request = || MessageRequest::new("m", 1).user("x");
        is_send(&client.messages().create(request()));
        is_send(&client.messages().stream(request()));
        is_stream::<MessageStream>();
    }

    struct Nowhere;

    impl evenkeel_transport::Transport for Nowhere {
        fn send(
            &self,
            _: evenkeel_transport::Request,
        ) -> evenkeel_transport::BoxFuture<
            '_,
            Result<evenkeel_transport::Response, evenkeel_error::Error>,
        > {
            let nowhere = evenkeel_error::Error::connection(evenkeel_error::Delivery::NotSent);
            Box::pin(std::future::ready(Err(nowhere)))
        }
    }
}
