//! A stream that has ended and is kept: what it still holds.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use evenkeel::error::{Error, Facts};
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use evenkeel::{MessageStream, Restart};
use evenkeel_tests::{client, events, request};

const SECOND: Duration = Duration::from_secs(1);

/// How a body goes on behind its text.
#[derive(Clone, Copy, Debug)]
enum Then {
    Silence,
    Cut,
    Eof,
}

/// Answers with this text, and knows which of its connections are held.
#[derive(Clone)]
struct Wire {
    text: Arc<str>,
    then: Then,
    held: Arc<Mutex<Vec<Arc<()>>>>,
}

impl Wire {
    fn new(text: &str, then: Then) -> Self {
        Self {
            text: text.into(),
            then,
            held: Arc::default(),
        }
    }

    /// How many connections there were, and how many of them are held still.
    fn connections(&self) -> (usize, usize) {
        let all = self.held.lock().unwrap();
        let held = all.iter().filter(|one| Arc::strong_count(one) > 1);
        (all.len(), held.count())
    }
}

struct Chunks {
    first: Option<Arc<str>>,
    then: Then,
    _connection: Arc<()>,
}

impl futures_core::Stream for Chunks {
    type Item = Result<bytes::Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match (self.first.take(), self.then) {
            (Some(first), _) => Poll::Ready(Some(Ok(first.as_bytes().to_vec().into()))),
            (None, Then::Silence) => Poll::Pending,
            (None, Then::Cut) => Poll::Ready(Some(Err(Error::interrupted()))),
            (None, Then::Eof) => Poll::Ready(None),
        }
    }
}

impl Transport for Wire {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let connection = Arc::default();
        self.held.lock().unwrap().push(Arc::clone(&connection));
        let content_type = http::HeaderValue::from_static("text/event-stream");
        let headers = http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type)]);
        let facts = Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
        let body = Body::from_stream(Chunks {
            first: Some(Arc::clone(&self.text)),
            then: self.then,
            _connection: connection,
        });
        Box::pin(std::future::ready(Ok(Response::new(facts, headers, body))))
    }
}

/// Reads to the end; the error, if it had one.
async fn read(stream: &mut MessageStream) -> Option<evenkeel::Error> {
    let mut error = None;
    while let Some(event) = stream.next().await {
        error = error.or(event.err());
    }
    error
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_failed_holds_no_connection_while_it_is_kept() {
    let half = events::start() + &events::text("half");
    let refused = half.clone() + &events::error("overloaded_error", "x");
    for (text, then, restart, connections) in [
        (&half, Then::Silence, Restart::Never, 1),
        (&half, Then::Cut, Restart::Never, 1),
        (&half, Then::Eof, Restart::Never, 1),
        (&refused, Then::Silence, Restart::Never, 1),
        (&half, Then::Cut, Restart::AtMost(1), 2),
    ] {
        let what = format!("{then:?} {restart:?}");
        let wire = Wire::new(text, then);
        let (client, _) = client(&wire, |builder| builder);
        let calls = client.messages().deadline(5 * SECOND).restart(restart);
        let mut stream = calls.stream(request()).await.unwrap();
        assert_eq!(wire.connections(), (1, 1), "{what}");
        assert!(read(&mut stream).await.is_some(), "{what}");
        assert_eq!(wire.connections(), (connections, 0), "{what}");
        assert!(stream.next().await.is_none(), "{what}");
        assert!(stream.finish().await.is_err(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_whole_holds_no_connection_while_it_is_kept_and_has_its_reply() {
    let unstopped = events::start() + &events::text("hello");
    let unstopped = unstopped + &events::block_stop() + &events::stop_reason();
    for text in [&events::whole("hello"), &unstopped] {
        for then in [Then::Silence, Then::Cut, Then::Eof] {
            let wire = Wire::new(text, then);
            let (client, _) = client(&wire, |builder| builder);
            let mut stream = client.messages().stream(request()).await.unwrap();
            assert_eq!(wire.connections(), (1, 1), "{then:?}");
            assert!(read(&mut stream).await.is_none(), "{then:?}");
            assert_eq!(wire.connections(), (1, 0), "{then:?}");
            assert_eq!(stream.message_so_far().unwrap().text(), "", "{then:?}");
            assert!(stream.next().await.is_none(), "{then:?}");
            assert_eq!(stream.finish().await.unwrap().text(), "hello", "{then:?}");
        }
    }
}
