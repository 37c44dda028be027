use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use evenkeel::transport::Request;
use http::{HeaderMap, Method};
use tokio::time::Instant;

use crate::time::now;

/// The requests that reached the other side, in order.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    sent: Arc<Mutex<Vec<Sent>>>,
    started: Instant,
}

/// A request that reached the other side.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When, since the other side was made.
    pub at: Duration,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            sent: Arc::default(),
            started: now(),
        }
    }

    /// Takes a request in: its place among all, from 0.
    pub(crate) fn take(&self, request: &Request) -> (usize, Sent) {
        let taken = Sent::of(request, now() - self.started);
        let mut sent = self.lock();
        sent.push(taken.clone());
        (sent.len() - 1, taken)
    }

    /// The body of the request at this place, where it is read as it comes.
    pub(crate) fn read(&self, place: usize, body: String) {
        self.lock()[place].body = body;
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.lock().clone()
    }

    pub(crate) fn times(&self) -> Vec<Duration> {
        self.lock().iter().map(|sent| sent.at).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().expect("no test panics while it sends")
    }
}

impl Sent {
    fn of(request: &Request, at: Duration) -> Self {
        Self {
            at,
            method: request.method.clone(),
            path: request
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            headers: request.headers.clone(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        }
    }

    /// A header as text; empty without one.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("visible text"))
    }
}
