//! A peer of HTTP/2 that allows fewer streams than there are calls: the others wait in a queue that the peer
//! knows nothing of, and of what never left it nobody says that it may have been sent.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use evenkeel::error::{Delivery, Detail, Error, ErrorKind, Phase, Recovery};
use evenkeel::transport::{
    BoxFuture, HttpVersions, Request, ReqwestTransport, Response, StreamBody, Transport as _,
};
use evenkeel::{Client, MessageRequest, Patience, Stopped};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::certificates::{Authority, trusting};
use crate::head_clock::Full;
use crate::http2::{self, Then};
use crate::world::{self, exchange, request};

/// `SETTINGS_MAX_CONCURRENT_STREAMS` of one, RFC 9113 §6.5.2.
const ONE_STREAM: [u8; 6] = [0, 3, 0, 0, 0, 1];

/// The second request is left without an answer.
async fn serve(socket: impl AsyncRead + AsyncWrite + Unpin, seen: Arc<AtomicUsize>) {
    let react = move |stream| match seen.fetch_add(1, Ordering::Relaxed) {
        1 => (vec![], Then::GoOn),
        _ => (http2::answer(stream), Then::GoOn),
    };
    http2::speak_by(&ONE_STREAM, socket, react).await;
}

/// A peer of that kind, with or without TLS, and how many requests came to it whole.
async fn peer(tls: Option<ServerConfig>) -> (SocketAddr, Arc<AtomicUsize>) {
    let (listener, address) = world::listen().await;
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move {
        // One connection is all there is.
        let (socket, _) = listener.accept().await.unwrap();
        match acceptor {
            None => serve(socket, counted).await,
            Some(acceptor) => serve(acceptor.accept(socket).await.unwrap(), counted).await,
        }
    });
    (address, seen)
}

struct Never;

impl Stream for Never {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        panic!("a source is not asked before there is a stream to send it on")
    }
}

fn phase(error: &Error) -> Phase {
    match error.detail() {
        Detail::TimedOut { phase, .. } => *phase,
        other => panic!("{other:?}"),
    }
}

/// Bodies that are handed over at once, piece by piece, and as they are read.
fn each_form(url: &str) -> [Request; 3] {
    let mut large = request(url);
    large.body = Bytes::from(vec![b' '; 1024 * 1024]);
    let mut read = request(url);
    read.body = Bytes::new();
    read.stream = Some(StreamBody::once(Never, None));
    [request(url), large, read]
}

/// A call that has the only stream, and no answer.
async fn holding<'a>(
    transport: &'a ReqwestTransport,
    url: &str,
    seen: &AtomicUsize,
) -> BoxFuture<'a, Result<Response, Error>> {
    // Settings are read with the first answer.
    let sent = world::soon(exchange(transport, request(url))).await;
    assert_eq!(sent.unwrap().0, 200);
    let mut holding = transport.send(request(url));
    let is_held = async {
        while seen.load(Ordering::Relaxed) < 2 {
            evenkeel_tests::pause(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = &mut holding => panic!("it has no answer"),
        () = is_held => {}
    }
    holding
}

/// Plays a call that holds the only stream, and three that wait for it until their limit ends; of which
/// phase, and what the last of all says for the caller.
async fn those_who_wait(
    transport: ReqwestTransport,
    url: &str,
    seen: &AtomicUsize,
) -> [(Phase, String); 3] {
    let holding = holding(&transport, url, seen).await;
    let waiting = each_form(url).map(|mut request| {
        request.head_limit = Duration::from_millis(500);
        let transport = transport.clone();
        tokio::spawn(async move { exchange(&transport, request).await })
    });
    let mut words = Vec::new();
    for call in waiting {
        let error = world::soon(call).await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery(), error.recovery()),
            (ErrorKind::TimedOut, Delivery::NotSent, Recovery::BackOff)
        );
        words.push((
            phase(&error),
            error.message().unwrap_or_default().to_owned(),
        ));
    }
    // Its place is free again, and nobody who gave up comes to it.
    drop(holding);
    let sent = world::soon(exchange(&transport, request(url))).await;
    assert_eq!(sent.unwrap().0, 200);
    assert_eq!(seen.load(Ordering::Relaxed), 3);
    words.try_into().unwrap()
}

const ADVICE: &str = "the server allows fewer requests at once on an HTTP/2 connection than there are; send \
    fewer at once, or set http_versions to Http1";

/// All three.
fn each(phase: Phase, words: &str) -> [(Phase, String); 3] {
    std::array::from_fn(|_| (phase, words.to_owned()))
}

/// Connecting has ended before the heads of those who wait are due.
const CONNECT_LIMIT: Duration = Duration::from_millis(400);

fn http2_and_1(authority: &Authority) -> ServerConfig {
    let mut config = authority.vouches().config(None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

#[tokio::test]
async fn what_waits_for_a_stream_was_not_sent_and_is_told_what_it_waited_for() {
    let authority = Authority::new();
    let (address, seen) = peer(Some(http2_and_1(&authority))).await;
    let settings = trusting(&authority).connect_limit(CONNECT_LIMIT);
    let url = format!("https://localhost:{}", address.port());
    let met = those_who_wait(settings.build().unwrap(), &url, &seen).await;
    assert_eq!(met, each(Phase::Head, ADVICE));

    let (address, seen) = peer(None).await;
    let settings = world::settings()
        .http_versions(HttpVersions::Http2)
        .connect_limit(CONNECT_LIMIT);
    let url = format!("http://{address}");
    let met = those_who_wait(settings.build().unwrap(), &url, &seen).await;
    assert_eq!(met, each(Phase::Head, ADVICE));
}

#[tokio::test]
async fn what_waits_for_a_stream_was_not_sent_where_connecting_may_take_as_long() {
    let (address, seen) = peer(None).await;
    let url = format!("http://{address}");
    let met = those_who_wait(world::h2c(), &url, &seen).await;
    assert_eq!(met, each(Phase::Connect, ""));
    let (address, seen) = peer(None).await;
    let own = evenkeel::transport::reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge();
    let transport = ReqwestTransport::from_reqwest(own).unwrap();
    let url = format!("http://{address}");
    let met = those_who_wait(transport, &url, &seen).await;
    assert_eq!(met, each(Phase::Connect, ""));
}

#[tokio::test]
async fn a_call_that_waited_for_a_stream_is_not_given_up_as_one_to_a_host_that_nobody_reaches() {
    // So the head's 120 s are 500 ms, and the 15 s for a host that nobody reaches long over by then.
    let divisor = NonZeroU32::new(240).unwrap();
    let authority = Authority::new();
    let (address, seen) = peer(Some(http2_and_1(&authority))).await;
    let settings = trusting(&authority).connect_limit(CONNECT_LIMIT);
    let transport = settings.build().unwrap();
    let url = format!("https://localhost:{}", address.port());
    let holding = holding(&transport, &url, &seen).await;
    let client = Client::with_transport(transport.clone())
        .base_url(&url)
        .api_key(world::KEY)
        .patience(Patience::Background)
        .time_divided_by(divisor)
        .seed(7)
        .build()
        .unwrap();
    let asked = MessageRequest::new("claude-sonnet-5-5", 64).user(world::PROMPT);
    let failed = world::soon(client.messages().attempts(2).create(asked)).await;
    let failed = failed.unwrap_err();
    let failure = failed.failure();
    assert_eq!(
        (failed.stopped(), failed.attempts().len(), phase(failure)),
        (Stopped::Attempts, 2, Phase::Head)
    );
    assert_eq!(
        (failure.delivery(), failure.message()),
        (Delivery::NotSent, Some(ADVICE))
    );
    assert_eq!(
        seen.load(Ordering::Relaxed),
        2,
        "neither came to the server"
    );
    drop(holding);
}

#[tokio::test]
async fn who_waits_for_another_to_connect_over_http_2_fails_with_it_and_does_not_begin_anew() {
    let full = Full::new().await;
    let transport = world::settings()
        .http_versions(HttpVersions::Http2)
        .connect_limit(Duration::from_millis(200))
        .build()
        .unwrap();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let mut request = request(&full.url());
            request.head_limit = Duration::from_millis(500);
            let transport = transport.clone();
            tokio::spawn(async move { exchange(&transport, request).await })
        })
        .collect();
    // Else the last would wait until their heads are due, and be told of a server that nobody has met.
    for call in calls {
        let error = world::soon(call).await.unwrap().unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
        let line = error.to_string();
        let theirs = line.starts_with("connection: cannot connect to 127.0.0.1:");
        assert!(theirs || line == "timed_out: connect after 200ms", "{line}");
    }
}
