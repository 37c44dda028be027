use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::error::Error;
use evenkeel::transport::{BoxFuture, Request, Response, StreamBodies, Transport};
use tokio::time::Instant;

use crate::reply::Reply;
use crate::script::{Script, Sent};
use crate::time::now;

/// A transport that makes its answer from the request and the time.
#[derive(Clone)]
pub struct Server {
    answer: Arc<dyn Fn(&Sent) -> Reply + Send + Sync>,
    sent: Arc<Mutex<Vec<Sent>>>,
    started: Instant,
}

impl Server {
    /// A server that answers so.
    pub fn new(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
            sent: Arc::default(),
            started: now(),
        }
    }

    /// The requests so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.sent
            .lock()
            .expect("no test panics while it sends")
            .clone()
    }

    /// When the requests came.
    #[must_use]
    pub fn times(&self) -> Vec<Duration> {
        self.sent().iter().map(|sent| sent.at).collect()
    }
}

impl Transport for Server {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let sent = Sent::of(&request, now() - self.started);
        let script = Script::new([(self.answer)(&sent)]);
        self.sent
            .lock()
            .expect("no test panics while it sends")
            .push(sent);
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
