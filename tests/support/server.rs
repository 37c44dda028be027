use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel::error::Error;
use evenkeel::transport::{BoxFuture, Request, Response, StreamBodies, Transport};

use crate::inbox::{Inbox, Sent};
use crate::reply::Reply;
use crate::script::Script;

/// A transport that makes its answer from the request and the time.
#[derive(Clone)]
pub struct Server {
    answer: Arc<dyn Fn(&Sent) -> Reply + Send + Sync>,
    inbox: Inbox,
}

impl Server {
    /// A server that answers so.
    pub fn new(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
            inbox: Inbox::new(),
        }
    }

    /// The requests so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.inbox.sent()
    }

    /// When the requests came.
    #[must_use]
    pub fn times(&self) -> Vec<Duration> {
        self.inbox.times()
    }
}

impl Transport for Server {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let (_, sent) = self.inbox.take(&request);
        let script = Script::new([(self.answer)(&sent)]);
        Box::pin(async move { script.send(request).await })
    }

    fn stream_bodies(&self) -> StreamBodies {
        StreamBodies::Supported
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}
