//! A peer of HTTP/2 that allows fewer streams than there are calls: the others wait in a queue that the peer
//! knows nothing of, and of what never left it nobody says that it may have been sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use evenkeel::error::{Delivery, Detail, ErrorKind, Phase, Recovery};
use evenkeel::transport::{Request, ReqwestTransport, StreamBody, Transport as _};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::certificates::{Authority, trusting};
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

/// Bodies that are handed over at once, piece by piece, and as they are read.
fn each_form(url: &str) -> [Request; 3] {
    let mut large = request(url);
    large.body = Bytes::from(vec![b' '; 1024 * 1024]);
    let mut read = request(url);
    read.body = Bytes::new();
    read.stream = Some(StreamBody::once(Never, None));
    [request(url), large, read]
}

/// Plays a call that holds the only stream, and three that wait for it until their limit ends; what the last
/// of all says is for the caller.
async fn those_who_wait(transport: ReqwestTransport, url: &str, seen: &AtomicUsize) -> [String; 3] {
    // Settings are read with the first answer.
    let sent = world::soon(exchange(&transport, request(url))).await;
    assert_eq!(sent.unwrap().0, 200);
    let mut holding = Box::pin(transport.send(request(url)));
    let is_held = async {
        while seen.load(Ordering::Relaxed) < 2 {
            evenkeel_tests::pause(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = &mut holding => panic!("it has no answer"),
        () = is_held => {}
    }
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
        let phase = match error.detail() {
            Detail::TimedOut { phase, .. } => *phase,
            other => panic!("{other:?}"),
        };
        assert_eq!(phase, Phase::Connect);
        words.push(error.message().unwrap_or_default().to_owned());
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

#[tokio::test]
async fn what_waits_for_a_stream_was_not_sent_and_is_told_what_it_waited_for() {
    // Connecting would have ended before.
    let limit = Duration::from_millis(400);
    let authority = Authority::new();
    let mut config = authority.vouches().config(None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (address, seen) = peer(Some(config)).await;
    let transport = trusting(&authority).connect_limit(limit).build().unwrap();
    let url = format!("https://localhost:{}", address.port());
    assert_eq!(those_who_wait(transport, &url, &seen).await, [ADVICE; 3]);

    let (address, seen) = peer(None).await;
    let transport = world::settings()
        .http_versions(evenkeel::transport::HttpVersions::Http2)
        .connect_limit(limit)
        .build()
        .unwrap();
    let url = format!("http://{address}");
    assert_eq!(those_who_wait(transport, &url, &seen).await, [ADVICE; 3]);
}

#[tokio::test]
async fn what_waits_for_a_stream_was_not_sent_where_connecting_may_take_as_long() {
    let (address, seen) = peer(None).await;
    let url = format!("http://{address}");
    assert_eq!(those_who_wait(world::h2c(), &url, &seen).await, [""; 3]);
    let (address, seen) = peer(None).await;
    let own = evenkeel::transport::reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge();
    let transport = ReqwestTransport::from_reqwest(own).unwrap();
    let url = format!("http://{address}");
    assert_eq!(those_who_wait(transport, &url, &seen).await, [""; 3]);
}
