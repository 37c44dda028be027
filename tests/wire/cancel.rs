//! Dropping an attempt in each of its states: the server sees the close within a fifth of a second,
//! and no task of ours is left. A task holds its socket and its timer, so counting tasks counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use evenkeel::transport::reqwest::dns::{Name, Resolve, Resolving};
use evenkeel::transport::{Request, ReqwestTransport, Transport as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::head_clock::Full;
use crate::http2;
use crate::world::{self, request};

pub(crate) const SOON: Duration = Duration::from_millis(200);

/// Tasks of this runtime; each test has one of its own, whose servers are not tasks.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

pub(crate) async fn no_task_is_left() {
    let gone = async {
        while tasks() > 0 {
            evenkeel_tests::pause(Duration::from_millis(1)).await;
        }
    };
    let gone = evenkeel_tests::within(SOON, gone).await;
    assert!(gone.is_some(), "{} tasks are left", tasks());
}

/// Sends until `reached`, drops the attempt, and waits for what shows that it is gone.
async fn drop_when<R>(
    transport: &ReqwestTransport,
    request: Request,
    reached: impl Future<Output = R>,
) -> R {
    let mut sending = Box::pin(transport.send(request));
    tokio::select! {
        _ = &mut sending => panic!("it must not end by itself"),
        reached = reached => reached,
    }
}

pub(crate) async fn sees_the_close(mut socket: tokio::net::TcpStream) {
    let closed = evenkeel_tests::within(SOON, world::closed(&mut socket)).await;
    assert!(closed.is_some(), "the server does not see the close");
}

/// A resolver that is asked and never answers, and how many questions it still has before it.
#[derive(Clone, Default)]
struct Mute(Arc<AtomicUsize>);

impl Mute {
    fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Resolve for Mute {
    fn resolve(&self, _: Name) -> Resolving {
        struct Question(Mute);

        impl Drop for Question {
            fn drop(&mut self) {
                self.0.0.fetch_sub(1, Ordering::SeqCst);
            }
        }

        self.0.fetch_add(1, Ordering::SeqCst);
        let question = Question(self.clone());
        Box::pin(async move {
            let _question = question;
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn dropped_while_the_name_is_looked_up() {
    crate::overheard::listen();
    let resolver = Mute::default();
    let own = evenkeel::transport::reqwest::Client::builder()
        .no_proxy()
        .dns_resolver(Arc::new(resolver.clone()));
    let transport = ReqwestTransport::from_reqwest(own).unwrap();
    for url in ["http://nowhere.test", "https://nowhere.test"] {
        let is_asked = async {
            while resolver.asked() == 0 {
                evenkeel_tests::pause(Duration::from_millis(1)).await;
            }
        };
        drop_when(&transport, request(url), is_asked).await;
        let gone = async {
            while resolver.asked() > 0 {
                evenkeel_tests::pause(Duration::from_millis(1)).await;
            }
        };
        let gone = evenkeel_tests::within(SOON, gone).await;
        assert!(gone.is_some(), "{url} is still looked up");
        no_task_is_left().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropped_while_connecting() {
    let full = Full::new().await;
    let before = full.connecting();
    let transport = world::transport();
    let is_asking = async {
        while full.connecting() == before {
            evenkeel_tests::pause(Duration::from_millis(1)).await;
        }
    };
    drop_when(&transport, request(&full.url()), is_asking).await;
    let gone = async {
        while full.connecting() > before {
            evenkeel_tests::pause(Duration::from_millis(1)).await;
        }
    };
    assert!(
        evenkeel_tests::within(SOON, gone).await.is_some(),
        "still connecting"
    );
    no_task_is_left().await;
}

#[tokio::test]
async fn dropped_in_the_handshake_of_tls() {
    let (listener, address) = world::listen().await;
    let transport = world::transport();
    let greeted = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut some = vec![0; 4096];
        assert!(socket.read(&mut some).await.unwrap() > 0);
        // A record of type handshake, and no answer.
        assert_eq!(some[0], 22);
        socket
    };
    let url = format!("https://localhost:{}", address.port());
    let socket = drop_when(&transport, request(&url), greeted).await;
    sees_the_close(socket).await;
    no_task_is_left().await;
}

#[tokio::test]
async fn dropped_while_a_proxy_is_asked_for_a_tunnel() {
    let (listener, address) = world::listen().await;
    let settings = world::settings().proxy(format!("http://{address}"));
    let transport = settings.build().unwrap();
    let asked = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let head = world::head(&mut socket).await;
        assert!(head.starts_with(b"CONNECT "));
        socket
    };
    let socket = drop_when(&transport, request("https://localhost:9"), asked).await;
    sees_the_close(socket).await;
    no_task_is_left().await;
}

#[tokio::test]
async fn dropped_while_uploading() {
    for transport in [world::transport(), world::h2c()] {
        let (listener, address) = world::listen().await;
        let mut request = request(&format!("http://{address}"));
        request.body = Bytes::from(vec![b' '; 32 * 1024 * 1024]);
        let begun = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut some = vec![0; 4096];
            assert!(socket.read(&mut some).await.unwrap() > 0);
            socket
        };
        let mut socket = drop_when(&transport, request, begun).await;
        // An HTTP/2 connection outlives a stream of its; its owner's end ends it.
        drop(transport);
        let closed = evenkeel_tests::within(SOON, world::closed(&mut socket)).await;
        assert!(closed.is_some(), "the server does not see the close");
        no_task_is_left().await;
    }
}

#[tokio::test]
async fn dropped_while_awaiting_the_head() {
    let (listener, address) = world::listen().await;
    let transport = world::transport();
    let sent = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        socket
    };
    let socket = drop_when(&transport, request(&format!("http://{address}")), sent).await;
    sees_the_close(socket).await;
    no_task_is_left().await;
}

#[tokio::test]
async fn dropped_while_reading() {
    let (listener, address) = world::listen().await;
    let transport = world::transport();
    let sending = transport.send(request(&format!("http://{address}")));
    let serving = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        let beginning = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n";
        socket.write_all(beginning.as_bytes()).await.unwrap();
        socket
    };
    let (response, socket) = tokio::join!(sending, serving);
    let mut response = response.unwrap();
    assert_eq!(response.body.chunk().await.unwrap().unwrap(), "hi");
    drop(response);
    sees_the_close(socket).await;
    no_task_is_left().await;
}

#[tokio::test]
async fn dropped_while_reading_a_stream_of_http_2() {
    let (listener, address) = world::listen().await;
    let transport = world::h2c();
    let sending = transport.send(request(&format!("http://{address}")));
    let serving = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"]}") {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0);
        }
        socket.write_all(&http2::beginning(1, b"hi")).await.unwrap();
        socket
    };
    let (response, mut socket) = tokio::join!(sending, serving);
    let mut response = response.unwrap();
    assert_eq!(response.body.chunk().await.unwrap().unwrap(), "hi");
    drop(response);
    told_of_the_cancel(&mut socket).await;
    drop(transport);
    sees_the_close(socket).await;
    no_task_is_left().await;
}

#[tokio::test]
async fn a_stream_of_http_2_that_is_dropped_is_reset_and_its_connection_stays() {
    let (listener, address) = world::listen().await;
    let transport = world::h2c();
    let sent = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        // The prompt is the end of the request.
        while !read.ends_with(b"]}") {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0);
        }
        socket
    };
    let mut socket = drop_when(&transport, request(&format!("http://{address}")), sent).await;
    told_of_the_cancel(&mut socket).await;
    drop(transport);
    sees_the_close(socket).await;
    no_task_is_left().await;
}

pub(crate) async fn told_of_the_cancel(socket: &mut tokio::net::TcpStream) {
    // RST_STREAM of stream 1 with CANCEL, RFC 9113 §6.4.
    let reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];
    let told = async {
        let mut read = Vec::new();
        while !read.windows(reset.len()).any(|bytes| bytes == reset) {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0, "closed");
        }
    };
    let told = evenkeel_tests::within(SOON, told).await;
    assert!(told.is_some(), "no reset");
}
