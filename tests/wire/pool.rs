//! How many connections are kept, and whether they are asked for a sign of life.

use std::time::Duration;

use evenkeel::transport::HttpVersions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cancel::SOON;
use crate::http2::{self, PING};
use crate::world::{self, exchange, request};

/// Serves requests one after the other, and says when the other side has closed.
async fn serve(mut socket: TcpStream) {
    while !world::whole_request(&mut socket).await.is_empty() {
        socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn no_more_unused_connections_are_kept_than_the_pool_may_hold() {
    for kept in [0, 1, 2] {
        let (listener, address) = world::listen().await;
        let url = format!("http://{address}");
        let transport = world::settings().pool_size(kept).build().unwrap();
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let (transport, request) = (transport.clone(), request(&url));
                tokio::spawn(async move { exchange(&transport, request).await })
            })
            .collect();
        // Nobody is answered before all are there.
        let mut sockets = Vec::new();
        for _ in 0..3 {
            let (mut socket, _) = world::soon(listener.accept()).await.unwrap();
            world::whole_request(&mut socket).await;
            sockets.push(socket);
        }
        let mut served = tokio::task::JoinSet::new();
        for mut socket in sockets {
            socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
            served.spawn(serve(socket));
        }
        for call in calls {
            assert_eq!(world::soon(call).await.unwrap().unwrap().0, 200);
        }
        for _ in kept..3 {
            let closed = evenkeel_tests::within(SOON, served.join_next()).await;
            assert!(closed.is_some(), "more than {kept} are kept");
        }
        let more = evenkeel_tests::within(Duration::from_millis(50), served.join_next()).await;
        assert!(
            matches!(more, None | Some(None)),
            "fewer than {kept} are kept"
        );
        // What is kept is used.
        for _ in 0..kept {
            let sent = world::soon(exchange(&transport, request(&url))).await;
            assert_eq!(sent.unwrap().0, 200);
        }
        let another = evenkeel_tests::within(Duration::from_millis(20), listener.accept()).await;
        assert!(another.is_none(), "a kept connection was not used");
    }
}

/// Reads frames until one is a ping of the other side's.
async fn pinged(socket: &mut TcpStream) {
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await.unwrap();
    let settings = http2::frame(http2::SETTINGS, 0, 0, &[]);
    socket.write_all(&settings).await.unwrap();
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        socket.read_exact(&mut payload).await.unwrap();
        if head[3] == PING && head[4] == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn a_silent_connection_of_http_2_is_pinged_unless_that_is_off() {
    let often = Some(Duration::from_millis(50));
    for expected in [true, false] {
        let (listener, address) = world::listen().await;
        let pinging = world::settings()
            .http_versions(HttpVersions::Http2)
            .http2_keep_alive(often);
        let settings = if expected {
            pinging
        } else {
            pinging.http2_keep_alive(None)
        };
        let transport = settings.build().unwrap();
        let sending = exchange(&transport, request(&format!("http://{address}")));
        let listening = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let limit = if expected { 5_000 } else { 200 };
            let limit = Duration::from_millis(limit);
            evenkeel_tests::within(limit, pinged(&mut socket)).await
        };
        tokio::select! {
            _ = sending => panic!("it must not end by itself"),
            pinged = listening => assert_eq!(pinged.is_some(), expected),
        }
    }
}
