//! The clocks of one attempt over real sockets, with limits of tenths of seconds.

use std::time::Duration;

use bytes::Bytes;
use evenkeel::error::{Delivery, Detail, ErrorKind, Phase};
use evenkeel::transport::ReqwestTransport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::world::{self, exchange, request};

/// As large as the API takes.
const LARGE: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn an_upload_that_is_slow_is_not_a_time_out() {
    // Little waits on the server's side; on the client's the kernel holds some megabytes at most, which are a
    // small part of it all.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut chunk = vec![0; 1024 * 1024];
        let (mut read, mut pauses) = (0, 0);
        while read < LARGE {
            read += socket.read(&mut chunk).await.unwrap();
            // One pause a megabyte: all of them together are more than the limit.
            if read / chunk.len() > pauses {
                pauses += 1;
                evenkeel_tests::pause(Duration::from_millis(20)).await;
            }
        }
        socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
        world::closed(&mut socket).await;
    });
    let mut request = request(&format!("http://{address}"));
    request.body = Bytes::from(vec![b' '; LARGE]);
    request.head_limit = Duration::from_millis(400);
    let started = evenkeel_tests::now();
    let sent = exchange(&world::transport(), request.clone()).await;
    let took = evenkeel_tests::now() - started;
    assert_eq!(sent.unwrap().0, 200);
    assert!(
        took > request.head_limit,
        "the upload was too quick to show anything: {took:?}"
    );
    server.abort();
}

#[tokio::test]
async fn an_upload_that_stops_is_one_and_so_is_a_head_that_does_not_come() {
    for body in [LARGE, 10] {
        let (listener, address) = world::listen().await;
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            if body < LARGE {
                world::head(&mut socket).await;
            }
            std::future::pending::<()>().await;
        });
        let mut request = request(&format!("http://{address}"));
        request.body = Bytes::from(vec![b' '; body]);
        request.head_limit = Duration::from_millis(150);
        let error = exchange(&world::transport(), request).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::TimedOut, Delivery::Unknown)
        );
        assert!(matches!(
            error.detail(),
            Detail::TimedOut {
                phase: Phase::Head,
                ..
            }
        ));
        server.abort();
    }
}

#[tokio::test]
async fn connecting_has_a_limit_of_its_own_and_nothing_was_sent() {
    let full = Full::new().await;
    let limit = Duration::from_millis(100);
    let transport = world::settings().connect_limit(limit).build().unwrap();
    let error = exchange(&transport, request(&full.url()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::TimedOut, Delivery::NotSent)
    );
    let expected = Detail::TimedOut {
        phase: Phase::Connect,
        limit,
    };
    assert_eq!(format!("{:?}", error.detail()), format!("{expected:?}"));
}

#[tokio::test]
async fn a_head_limit_below_that_of_connecting_ends_while_connecting_and_nothing_was_sent() {
    let full = Full::new().await;
    let limit = Duration::from_millis(100);
    for transport in [world::transport(), world::h2c(), teams_own()] {
        // What hyper is handed at once, or in pieces.
        for body in [10, LARGE] {
            let mut request = request(&full.url());
            request.body = Bytes::from(vec![b' '; body]);
            request.head_limit = limit;
            let error = exchange(&transport, request).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.delivery()),
                (ErrorKind::TimedOut, Delivery::NotSent),
                "{body}"
            );
            let expected = Detail::TimedOut {
                phase: Phase::Connect,
                limit,
            };
            assert_eq!(format!("{:?}", error.detail()), format!("{expected:?}"));
        }
    }
}

/// Without a limit on connecting.
fn teams_own() -> ReqwestTransport {
    let settings = evenkeel::transport::reqwest::Client::builder().no_proxy();
    ReqwestTransport::from_reqwest(settings).unwrap()
}

#[tokio::test]
async fn a_head_limit_below_that_of_connecting_proves_nothing_once_there_is_a_connection() {
    for transport in [world::transport(), world::h2c(), teams_own()] {
        for body in [10, LARGE, 0] {
            // Connections are accepted by the kernel, and nobody reads them.
            let (listener, address) = world::listen().await;
            let mut request = request(&format!("http://{address}"));
            request.body = Bytes::from(vec![b' '; body]);
            request.head_limit = Duration::from_millis(150);
            let error = exchange(&transport, request).await.unwrap_err();
            let met = (error.kind(), error.delivery());
            assert_eq!(met, (ErrorKind::TimedOut, Delivery::Unknown), "{body}");
            drop(listener);
        }
    }
}

/// A port whose queue of connections is full: who comes now waits in its handshake.
pub(crate) struct Full {
    listener: tokio::net::TcpListener,
    _queued: Vec<tokio::net::TcpStream>,
}

impl Full {
    pub(crate) async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        let soon = Duration::from_millis(50);
        while let Some(Ok(stream)) =
            evenkeel_tests::within(soon, tokio::net::TcpStream::connect(address)).await
        {
            queued.push(stream);
            assert!(queued.len() < 64, "the queue does not fill");
        }
        Self {
            listener,
            _queued: queued,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// How many sockets have asked for a connection and got no answer: the kernel's list.
    #[cfg(target_os = "linux")]
    pub(crate) fn connecting(&self) -> usize {
        let port = format!(":{:04X} 02", self.port());
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        table.lines().filter(|line| line.contains(&port)).count()
    }
}

/// hyper writes such a request without asking for a body, so nobody can know whether it left.
#[tokio::test]
async fn of_a_request_without_a_body_that_was_given_up_nothing_is_claimed() {
    let full = Full::new().await;
    let mut request = request(&full.url());
    request.body = Bytes::new();
    request.head_limit = Duration::from_millis(100);
    let error = exchange(&world::transport(), request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::TimedOut, Delivery::Unknown)
    );
}
