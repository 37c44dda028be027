//! CONNECT proxies: with and without a password, and one that refuses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use evenkeel::error::{Delivery, ErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::certificates::{self, Authority, Leaf, trusting};
use crate::world::{self, exchange, request};

/// `user:planted-password` in Base64.
pub(crate) const CREDENTIALS: &str = "dXNlcjpwbGFudGVkLXBhc3N3b3Jk";

#[derive(Clone, Copy)]
enum Manner {
    Tunnels,
    AsksWho,
    Refuses,
    HangsUp,
}

/// A proxy, and the heads that it was sent.
async fn proxy(manner: Manner) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (listener, address) = world::listen().await;
    let heads = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let head = String::from_utf8(world::head(&mut client).await).unwrap();
            noted.lock().unwrap().push(head.clone());
            let authorized = head.contains(CREDENTIALS);
            let refusal = match manner {
                Manner::HangsUp => continue,
                Manner::Refuses => "HTTP/1.1 403 Forbidden\r\n\r\n",
                Manner::AsksWho if !authorized => {
                    "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n"
                }
                Manner::AsksWho | Manner::Tunnels => {
                    tokio::spawn(tunnel(client, head));
                    continue;
                }
            };
            client.write_all(refusal.as_bytes()).await.unwrap();
        }
    });
    (address, heads)
}

/// A proxy that tunnels, and to which the way is encrypted as well.
pub(crate) async fn over_tls(leaf: &Leaf) -> SocketAddr {
    let (listener, address) = world::listen().await;
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(leaf.config(None)));
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            if let Ok(mut client) = acceptor.accept(socket).await {
                let head = String::from_utf8(world::head(&mut client).await).unwrap();
                tokio::spawn(tunnel(client, head));
            }
        }
    });
    address
}

async fn tunnel(mut client: impl AsyncRead + AsyncWrite + Unpin, head: String) {
    let target = head.split(' ').nth(1).unwrap();
    let mut server = TcpStream::connect(target).await.unwrap();
    client
        .write_all(b"HTTP/1.1 200 Established\r\n\r\n")
        .await
        .unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_proxy_tunnels_what_it_cannot_read_with_a_password_or_without() {
    let authority = Authority::new();
    let server = certificates::serve(&authority.vouches()).await;
    let url = format!("https://localhost:{}", server.port());
    for (manner, user) in [
        (Manner::Tunnels, ""),
        (Manner::AsksWho, "user:planted-password@"),
    ] {
        let (proxy, heads) = proxy(manner).await;
        let settings = trusting(&authority).proxy(format!("http://{user}{proxy}"));
        eprintln!("{settings:?}");
        let sent = exchange(&settings.build().unwrap(), request(&url)).await;
        assert_eq!(sent.unwrap().0, 200);
        let heads = heads.lock().unwrap();
        assert_eq!(heads.len(), 1);
        assert!(heads[0].starts_with(&format!("CONNECT localhost:{} ", server.port())));
        assert!(!heads[0].contains(world::KEY) && !heads[0].contains(world::PROMPT));
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_nothing_was_sent() {
    let authority = Authority::new();
    let server = certificates::serve(&authority.vouches()).await;
    let url = format!("https://localhost:{}", server.port());
    for (manner, why) in [
        (Manner::AsksWho, "proxy authorization required"),
        (Manner::Refuses, "unsuccessful"),
        (Manner::HangsUp, "unexpected end of file"),
    ] {
        let (proxy, heads) = proxy(manner).await;
        // By its name, and by its address.
        let names = [format!("localhost:{}", proxy.port()), proxy.to_string()];
        for (tries, name) in (1..).zip(&names) {
            let settings = trusting(&authority).proxy(format!("http://planted@{name}"));
            let sent = exchange(&settings.build().unwrap(), request(&url)).await;
            let error = sent.unwrap_err();
            assert_eq!(
                (error.kind(), error.delivery()),
                (ErrorKind::Connection, Delivery::NotSent)
            );
            let expected = format!(
                "cannot reach localhost:{} through the proxy {name}",
                server.port()
            );
            assert_eq!(error.message(), Some(&*expected));
            let report = error.report().to_string();
            assert!(report.contains(why), "{report}");
            assert_eq!(heads.lock().unwrap().len(), tries);
        }
    }
}

#[tokio::test]
async fn what_is_not_encrypted_goes_through_no_proxy() {
    let (proxy, heads) = proxy(Manner::Refuses).await;
    let (listener, address) = world::listen().await;
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
    });
    let transport = world::settings()
        .proxy(format!("http://{proxy}"))
        .build()
        .unwrap();
    let sent = exchange(&transport, request(&format!("http://{address}"))).await;
    assert_eq!(sent.unwrap().0, 200);
    assert!(heads.lock().unwrap().is_empty());
}
