//! HTTP/2, down to the frames: what a peer says about a stream, and what that proves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::error::{Delivery, ErrorKind, Recovery};
use evenkeel::transport::{HttpVersions, Request, Transport as _};
use http::Method;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::world::{self, exchange, request};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// RFC 9113 §7.
pub(crate) const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// `:status 200` in HPACK's static table.
const STATUS_200: u8 = 0x88;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

pub(crate) fn go_away(last: u32, reason: u32) -> Vec<u8> {
    let mut payload = [last.to_be_bytes(), reason.to_be_bytes()].concat();
    // What a careless peer may say in it.
    payload.extend(world::KEY.as_bytes());
    frame(GOAWAY, 0, 0, &payload)
}

pub(crate) fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
}

pub(crate) fn answer(stream: u32) -> Vec<u8> {
    let mut both = frame(HEADERS, END_HEADERS, stream, &[STATUS_200]);
    both.extend(frame(DATA, END_STREAM, stream, b"planted reply"));
    both
}

/// The settings of a peer, a head, and the first piece of a body that goes on.
pub(crate) fn beginning(stream: u32, piece: &[u8]) -> Vec<u8> {
    let frames = [
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_HEADERS, stream, &[STATUS_200]),
        frame(DATA, 0, stream, piece),
    ];
    frames.concat()
}

/// What to do after what was said.
pub(crate) enum Then {
    GoOn,
    Close,
}

/// Speaks HTTP/2 by hand: for each request whose end has come it says what `react` says.
pub(crate) async fn speak(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    react: impl FnMut(u32) -> (Vec<u8>, Then),
) {
    speak_by(&[], socket, react).await;
}

/// The same under settings of the peer's.
pub(crate) async fn speak_by(
    settings: &[u8],
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    mut react: impl FnMut(u32) -> (Vec<u8>, Then),
) {
    let mut preface = [0; 24];
    if socket.read_exact(&mut preface).await.is_err() {
        return;
    }
    let settings = frame(SETTINGS, 0, 0, settings);
    socket.write_all(&settings).await.unwrap();
    let mut head = [0; 9];
    while socket.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        socket.read_exact(&mut payload).await.unwrap();
        if kind == SETTINGS && flags & 1 == 0 {
            socket.write_all(&frame(SETTINGS, 1, 0, &[])).await.unwrap();
        }
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            let (said, then) = react(stream);
            if socket.write_all(&said).await.is_err() {
                return;
            }
            if let Then::Close = then {
                return;
            }
        }
    }
}

type Verdict = (ErrorKind, Delivery, Recovery);

/// One attempt against a peer that reacts so, and how many requests it saw.
async fn verdict(
    react: impl Fn(u32) -> (Vec<u8>, Then) + Clone + Send + 'static,
) -> (Verdict, usize) {
    verdict_on(request, react).await
}

async fn verdict_on(
    request: impl Fn(&str) -> Request,
    react: impl Fn(u32) -> (Vec<u8>, Then) + Clone + Send + 'static,
) -> (Verdict, usize) {
    let (listener, address) = world::listen().await;
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let server = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (react, counted) = (react.clone(), Arc::clone(&counted));
            speak(socket, move |stream| {
                counted.fetch_add(1, Ordering::Relaxed);
                react(stream)
            })
            .await;
        }
    });
    let sent = exchange(&world::h2c(), request(&format!("http://{address}"))).await;
    let error = sent.unwrap_err();
    server.abort();
    let verdict = (error.kind(), error.delivery(), error.recovery());
    (verdict, seen.load(Ordering::Relaxed))
}

const HANDED_BACK: Verdict = (ErrorKind::Connection, Delivery::NotSent, Recovery::Now);
const LOST: Verdict = (ErrorKind::Connection, Delivery::Unknown, Recovery::BackOff);

/// Handed back, and not to be sent again at once.
const SENT_AWAY: Verdict = (ErrorKind::Connection, Delivery::NotSent, Recovery::BackOff);

#[tokio::test]
async fn a_goaway_below_the_stream_proves_that_it_was_not_processed() {
    for (reason, expected) in [(NO_ERROR, HANDED_BACK), (ENHANCE_YOUR_CALM, SENT_AWAY)] {
        let unprocessed = verdict(move |_| (go_away(0, reason), Then::Close)).await;
        assert_eq!(unprocessed, (expected, 1), "{reason}");
        let on_a_standing_connection = verdict(move |_| (go_away(0, reason), Then::GoOn)).await;
        assert_eq!(on_a_standing_connection, (expected, 1), "{reason}");
    }
}

#[tokio::test]
async fn a_goaway_proves_nothing_of_a_request_that_is_nothing_but_its_head() {
    let bare = |method: Method| {
        move |url: &str| {
            let mut request = request(url);
            request.method = method.clone();
            request.body = bytes::Bytes::new();
            request
        }
    };
    let below = |_| (go_away(0, NO_ERROR), Then::Close);
    for (method, expected) in [
        (Method::POST, LOST),
        (Method::DELETE, LOST),
        (Method::GET, HANDED_BACK),
    ] {
        let met = verdict_on(bare(method.clone()), below).await;
        assert_eq!(met, (expected, 1), "{method}");
    }
    // A refused stream was one that the peer looked at.
    let refused = |stream| (reset(stream, REFUSED_STREAM), Then::GoOn);
    let met = verdict_on(bare(Method::DELETE), refused).await;
    assert_eq!(met, (HANDED_BACK, 1));
}

#[tokio::test]
async fn a_goaway_answers_one_stream_and_hands_three_back() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut open = BTreeSet::new();
        let react = move |stream| {
            open.insert(stream);
            if open.len() < 4 {
                return (vec![], Then::GoOn);
            }
            let first = *open.first().unwrap();
            let mut said = go_away(first, NO_ERROR);
            said.extend(answer(first));
            (said, Then::GoOn)
        };
        speak(socket, react).await;
        // Who is handed back would come again on another connection, if it were for us to send it.
        let again = evenkeel_tests::within(Duration::from_millis(50), listener.accept()).await;
        assert!(again.is_none(), "something was sent again");
    });
    let transport = world::h2c();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let transport = transport.clone();
            let request = request(&format!("http://{address}"));
            tokio::spawn(async move {
                let sent = exchange(&transport, request).await;
                sent.map_err(|error| (error.kind(), error.delivery(), error.recovery()))
            })
        })
        .collect();
    let (mut answered, mut handed_back) = (0, 0);
    for call in calls {
        match world::soon(call).await.unwrap() {
            Ok((status, _)) => {
                assert_eq!(status, 200);
                answered += 1;
            }
            Err(verdict) => {
                assert_eq!(verdict, HANDED_BACK);
                handed_back += 1;
            }
        }
    }
    assert_eq!((answered, handed_back), (1, 3));
    drop(transport);
    world::soon(server).await.unwrap();
}

#[tokio::test]
async fn a_graceful_goaway_comes_in_two_parts_and_costs_nobody_anything() {
    let (listener, address) = world::listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let server = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            // RFC 9113 §6.8: first the largest id there is, then the last one that was taken.
            let react = |stream| {
                let parts = [
                    go_away(u32::MAX >> 1, NO_ERROR),
                    go_away(stream, NO_ERROR),
                    answer(stream),
                ];
                (parts.concat(), Then::GoOn)
            };
            tokio::spawn(speak(socket, react));
        }
    });
    let transport = world::h2c();
    for _ in 0..3 {
        let sent = exchange(&transport, request(&format!("http://{address}"))).await;
        assert_eq!(sent.unwrap().0, 200);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 3);
    server.abort();
}

#[tokio::test]
async fn a_goaway_on_a_connection_that_waits_in_the_pool_costs_no_attempt() {
    let (listener, address) = world::listen().await;
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (socket, _) = listener.accept().await.unwrap();
            let counted = Arc::clone(&counted);
            let react = move |stream| {
                counted.fetch_add(1, Ordering::Relaxed);
                // The answer ends the request; what follows it meets an idle connection.
                let both = [answer(stream), go_away(stream, NO_ERROR)].concat();
                (both, Then::Close)
            };
            speak(socket, react).await;
        }
    });
    let transport = world::h2c();
    for _ in 0..2 {
        let sent = exchange(&transport, request(&format!("http://{address}"))).await;
        assert_eq!(sent.unwrap().0, 200);
    }
    assert_eq!(requests.load(Ordering::Relaxed), 2);
    world::soon(server).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_is_silent_to_pings_is_given_up_before_the_head_and_after_it() {
    let settings = || {
        world::settings()
            .http_versions(HttpVersions::Http2)
            .http2_keep_alive(Duration::from_millis(50))
            .http2_keep_alive_limit(Duration::from_millis(50))
            .build()
            .unwrap()
    };
    // What it answers a request with, once; then it reads and says nothing more, to pings neither.
    for head in [false, true] {
        let (listener, address) = world::listen().await;
        let server = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let react = |stream| {
                let head_alone = frame(HEADERS, END_HEADERS, stream, &[STATUS_200]);
                (if head { head_alone } else { vec![] }, Then::GoOn)
            };
            speak(socket, react).await;
        });
        let transport = settings();
        let sent = exchange(&transport, request(&format!("http://{address}")));
        let error = world::soon(sent).await.unwrap_err();
        let expected = if head {
            (
                ErrorKind::Interrupted,
                Delivery::Answered,
                Recovery::BackOff,
            )
        } else {
            LOST
        };
        let met = (error.kind(), error.delivery(), error.recovery());
        assert_eq!(met, expected, "head: {head}");
        server.abort();
    }
}

#[tokio::test]
async fn a_head_that_comes_before_the_upload_ends_is_the_answer() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        let mut some = vec![0; 64 * 1024];
        let mut read = 0;
        // The windows of a stream and of a connection are 64 KiB, and nobody makes them larger.
        while read < 60_000 {
            read += socket.read(&mut some).await.unwrap();
        }
        // `:status 413` as a literal without indexing, its name from the static table.
        let status = [0x08, 3, b'4', b'1', b'3'];
        let both = [
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &status),
            reset(1, NO_ERROR),
        ];
        socket.write_all(&both.concat()).await.unwrap();
        while socket.read(&mut some).await.is_ok_and(|read| read > 0) {}
    });
    let mut request = request(&format!("http://{address}"));
    request.body = bytes::Bytes::from(vec![b' '; 8 * 1024 * 1024]);
    let transport = world::h2c();
    let sent = world::soon(exchange(&transport, request)).await;
    assert_eq!(sent.unwrap().0, 413);
    drop(transport);
    world::soon(server).await.unwrap();
}

#[tokio::test]
async fn a_goaway_at_the_stream_or_above_proves_nothing() {
    for reason in [NO_ERROR, INTERNAL_ERROR, ENHANCE_YOUR_CALM] {
        for last in [0, 2, u32::MAX >> 1] {
            let processed = verdict(move |stream| {
                let last = if last == 0 { stream } else { last.max(stream) };
                (go_away(last, reason), Then::Close)
            });
            assert_eq!(processed.await, (LOST, 1), "{reason} {last}");
        }
    }
}

#[tokio::test]
async fn a_goaway_after_which_the_answer_comes_is_no_failure() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let react = |stream| {
            let both = [go_away(stream, NO_ERROR), answer(stream)].concat();
            (both, Then::GoOn)
        };
        speak(socket, react).await;
    });
    let sent = exchange(&world::h2c(), request(&format!("http://{address}"))).await;
    assert_eq!(sent.unwrap().0, 200);
    server.abort();
}

#[tokio::test]
async fn a_refused_stream_was_not_processed_and_any_other_reset_proves_nothing() {
    let refused = verdict(|stream| (reset(stream, REFUSED_STREAM), Then::GoOn)).await;
    assert_eq!(refused, (HANDED_BACK, 1));
    for reason in [NO_ERROR, INTERNAL_ERROR, 8, ENHANCE_YOUR_CALM] {
        let other = verdict(move |stream| (reset(stream, reason), Then::GoOn)).await;
        assert_eq!(other, (LOST, 1), "{reason}");
    }
    assert_eq!(verdict(|_| (vec![], Then::Close)).await, (LOST, 1));
}

#[tokio::test]
async fn a_hundred_streams_share_one_connection() {
    let (listener, address) = world::listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let server = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut open = BTreeSet::new();
                // Nobody is answered before all are there: so they are open at the same time.
                let react = move |stream| {
                    open.insert(stream);
                    if open.len() < 100 {
                        return (vec![], Then::GoOn);
                    }
                    (open.iter().copied().flat_map(answer).collect(), Then::GoOn)
                };
                speak(socket, react).await;
            });
        }
    });
    let transport = world::h2c();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let transport = transport.clone();
            let request = request(&format!("http://{address}"));
            tokio::spawn(async move {
                let mut response = transport.send(request).await.unwrap();
                response.body.chunk().await.unwrap().unwrap().len()
            })
        })
        .collect();
    let all = async {
        for call in calls {
            assert_eq!(call.await.unwrap(), "planted reply".len());
        }
    };
    world::soon(all).await;
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    server.abort();
}
