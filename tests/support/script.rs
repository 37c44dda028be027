use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use evenkeel::Delivery;
use evenkeel::error::{Error, Facts, Phase};
use evenkeel::transport::{
    Body, BoxFuture, Request, Response, StreamBodies, StreamBody, Transport,
};
use futures_core::Stream;
use http::{HeaderMap, HeaderValue, Method};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::reply::{Ending, Head, Part, Reply};
use crate::time::{now, pause, within};

/// A transport that answers from a list, one reply a request; the last one repeats.
///
/// Runs under tokio's paused time, so that hours of it take milliseconds.
#[derive(Clone, Debug)]
pub struct Script {
    replies: Arc<Vec<Reply>>,
    sent: Arc<Mutex<Vec<Sent>>>,
    started: Instant,
}

/// A request that reached the script.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When, since the script was made.
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

impl Script {
    /// A script of these replies, at least one.
    #[must_use]
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<_> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "a script answers something");
        Self {
            replies: Arc::new(replies),
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

    fn next(&self, request: &Request) -> Reply {
        let mut sent = self.sent.lock().expect("no test panics while it sends");
        let index = sent.len().min(self.replies.len() - 1);
        sent.push(Sent::of(request, now() - self.started));
        self.replies[index].clone()
    }
}

impl Sent {
    pub(crate) fn of(request: &Request, at: Duration) -> Self {
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

impl Transport for Script {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let reply = self.next(&request);
        let sent = Arc::clone(&self.sent);
        let place = sent.lock().expect("no test panics while it sends").len() - 1;
        Box::pin(async move {
            let unsent = matches!(reply.head, Head::Lost(Delivery::NotSent));
            if let Some(stream) = &request.stream
                && !unsent
            {
                let text = upload(stream).await?;
                sent.lock().expect("no test panics while it sends")[place].body = text;
            }
            let head = async {
                pause(reply.pause).await;
                match reply.head {
                    Head::Never => std::future::pending().await,
                    Head::Lost(delivery) => Err(Error::connection(delivery)),
                    Head::Status { status, headers } => Ok((status, headers)),
                }
            };
            let limit = request.head_limit;
            let (status, headers) = match within(limit, head).await {
                Some(head) => head?,
                None => return Err(Error::timed_out(Phase::Head, limit)),
            };
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(name, HeaderValue::from_str(&value).expect("a legal header"));
            }
            let facts = Facts::read(status, &map, SystemTime::UNIX_EPOCH);
            let body = Body::from_stream(play(reply.parts, reply.ending, facts.clone()));
            Ok(Response::new(facts, map, body))
        })
    }

    fn stream_bodies(&self) -> StreamBodies {
        StreamBodies::Supported
    }
}

/// Reads a body to its end, as a connection does that takes whatever comes.
async fn upload(stream: &StreamBody) -> Result<String, Error> {
    let mut reader = stream.reader()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = poll_fn(|cx| Pin::new(&mut reader).poll_next(cx)).await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => return Err(reader.fault().take().unwrap_or(error)),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Plays a body from a task that ends when nobody listens any more.
fn play(parts: Vec<Part>, ending: Ending, facts: Facts) -> Chunks {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for part in parts {
            match part {
                Part::Pause(time) => pause(time).await,
                Part::Bytes(bytes) => {
                    if sender.send(Ok(Bytes::from(bytes))).await.is_err() {
                        return;
                    }
                }
            }
        }
        match ending {
            Ending::Clean => {}
            Ending::Cut => {
                let cut = Error::interrupted().with_facts(facts);
                let _ = sender.send(Err(cut)).await;
            }
            Ending::Silence => sender.closed().await,
        }
    });
    Chunks(receiver)
}

struct Chunks(mpsc::Receiver<Result<Bytes, Error>>);

impl Stream for Chunks {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}
