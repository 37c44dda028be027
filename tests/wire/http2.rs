//! HTTP/2, down to the frames: what a peer says about a stream, and what that proves.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use evenkeel::error::{Delivery, ErrorKind, Recovery};
use evenkeel::transport::Transport as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{self, exchange, request};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// RFC 9113 §7.
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// `:status 200` in HPACK's static table.
const STATUS_200: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn go_away(last: u32, reason: u32) -> Vec<u8> {
    let payload = [last.to_be_bytes(), reason.to_be_bytes()].concat();
    frame(GOAWAY, 0, 0, &payload)
}

fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
}

fn answer(stream: u32) -> Vec<u8> {
    let mut both = frame(HEADERS, END_HEADERS, stream, &[STATUS_200]);
    both.extend(frame(DATA, END_STREAM, stream, b"planted reply"));
    both
}

/// What to do after what was said.
enum Then {
    GoOn,
    Close,
}

/// Speaks HTTP/2 by hand: for each request whose end has come it says what `react` says.
async fn speak(mut socket: TcpStream, mut react: impl FnMut(u32) -> (Vec<u8>, Then)) {
    let mut preface = [0; 24];
    if socket.read_exact(&mut preface).await.is_err() {
        return;
    }
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
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

/// One attempt against a peer that reacts so, and how many requests it saw.
async fn verdict(
    react: impl Fn(u32) -> (Vec<u8>, Then) + Clone + Send + 'static,
) -> ((ErrorKind, Delivery, Recovery), usize) {
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

const HANDED_BACK: (ErrorKind, Delivery, Recovery) =
    (ErrorKind::Connection, Delivery::NotSent, Recovery::Now);
const LOST: (ErrorKind, Delivery, Recovery) =
    (ErrorKind::Connection, Delivery::Unknown, Recovery::BackOff);

#[tokio::test]
async fn a_goaway_below_the_stream_proves_that_it_was_not_processed() {
    for reason in [NO_ERROR, ENHANCE_YOUR_CALM] {
        let unprocessed = verdict(move |_| (go_away(0, reason), Then::Close)).await;
        assert_eq!(unprocessed, (HANDED_BACK, 1), "{reason}");
        let on_a_standing_connection = verdict(move |_| (go_away(0, reason), Then::GoOn)).await;
        assert_eq!(on_a_standing_connection, (HANDED_BACK, 1), "{reason}");
    }
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
    soon(all).await;
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    server.abort();
}

async fn soon<F: Future>(future: F) -> F::Output {
    let limit = std::time::Duration::from_secs(5);
    evenkeel_tests::within(limit, future)
        .await
        .expect("in time")
}
