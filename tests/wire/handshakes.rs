//! What a handshake proves, and what only looks like one: alerts on a standing connection, HTTP/2 by ALPN,
//! connections that end before they are used.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use evenkeel::error::{Delivery, ErrorKind, Recovery};
use evenkeel::transport::HttpVersions;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    AlertDescription, ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig, crypto,
};

use crate::certificates::{Authority, line, refusal, trusting};
use crate::http2;
use crate::world::{self, exchange, request};

/// A fatal alert as the server of this connection would send it now. rustls sends alerts of its own
/// choosing only, so it is sealed by hand with the connection's keys.
async fn alert(stream: tokio_rustls::server::TlsStream<TcpStream>, alert: AlertDescription) {
    let (mut socket, connection) = stream.into_inner();
    let secrets = connection.dangerous_extract_secrets().unwrap();
    let (number, ConnectionTrafficSecrets::Aes128Gcm { key, iv }) = secrets.tx else {
        panic!("another cipher than was offered");
    };
    let suite = crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let mut sealer = suite.tls13().unwrap().aead_alg.encrypter(key, iv);
    let message = OutboundPlainMessage {
        typ: ContentType::Alert,
        version: ProtocolVersion::TLSv1_3,
        payload: OutboundChunks::Single(&[2, u8::from(alert)]),
    };
    let record = sealer.encrypt(message, number).unwrap().encode();
    socket.write_all(&record).await.unwrap();
    world::closed(&mut socket).await;
}

/// TLS 1.3 with one cipher, whose keys can be had. It asks for a certificate, and takes none for an answer.
fn telling(authority: &Authority) -> ServerConfig {
    let usual = authority.vouches().config(None);
    let provider = crypto::CryptoProvider {
        cipher_suites: vec![crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
        ..(**usual.crypto_provider()).clone()
    };
    let provider = Arc::new(provider);
    // Whom it does not ask in vain it serves all the same.
    let verifier =
        WebPkiClientVerifier::builder_with_provider(authority.roots(), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(&usual.cert_resolver));
    config.enable_secret_extraction = true;
    config
}

#[tokio::test]
async fn an_alert_about_a_certificate_on_a_standing_connection_does_not_prove_that_nothing_was_sent()
 {
    let authority = Authority::new();
    for (description, delivery) in [
        (AlertDescription::AccessDenied, Delivery::Unknown),
        (AlertDescription::CertificateExpired, Delivery::Unknown),
        (AlertDescription::CertificateRevoked, Delivery::Unknown),
        // Of a handshake alone, whenever it comes.
        (AlertDescription::CertificateRequired, Delivery::NotSent),
    ] {
        let (listener, address) = world::listen().await;
        let acceptor = TlsAcceptor::from(Arc::new(telling(&authority)));
        let server = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(socket).await.unwrap();
            world::whole_request(&mut stream).await;
            stream.write_all(world::ANSWER.as_bytes()).await.unwrap();
            // The second request is there, and may have been acted on.
            let second = world::whole_request(&mut stream).await;
            assert!(second.starts_with(b"POST "));
            alert(stream, description).await;
        });
        let transport = trusting(&authority).build().unwrap();
        let url = format!("https://localhost:{}", address.port());
        let first = world::soon(exchange(&transport, request(&url))).await;
        assert_eq!(first.unwrap().0, 200);
        let error = world::soon(exchange(&transport, request(&url)))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery(), error.recovery()),
            (ErrorKind::Connection, delivery, Recovery::Never),
            "{description:?}"
        );
        assert!(error.message().unwrap().ends_with("set client_certificate"));
        drop(transport);
        world::soon(server).await.unwrap();
    }
}

/// A server may ask for a certificate out of courtesy: that none was shown does not make every fault of
/// its own one of certificates.
#[tokio::test]
async fn an_alert_about_something_else_can_be_retried_whatever_http_is_spoken() {
    let authority = Authority::new();
    for protocol in ["http/1.1", "h2"] {
        for (description, delivery, recovery) in [
            (
                AlertDescription::InternalError,
                Delivery::Unknown,
                Recovery::BackOff,
            ),
            (
                AlertDescription::UserCanceled,
                Delivery::Unknown,
                Recovery::BackOff,
            ),
            (
                AlertDescription::AccessDenied,
                Delivery::Unknown,
                Recovery::Never,
            ),
            (
                AlertDescription::CertificateRequired,
                Delivery::NotSent,
                Recovery::Never,
            ),
        ] {
            let (listener, address) = world::listen().await;
            let mut config = telling(&authority);
            config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let server = tokio::spawn(async move {
                let (socket, _) = listener.accept().await.unwrap();
                let mut stream = acceptor.accept(socket).await.unwrap();
                world::whole_request(&mut stream).await;
                alert(stream, description).await;
            });
            let transport = trusting(&authority).build().unwrap();
            let url = format!("https://localhost:{}", address.port());
            let sent = world::soon(exchange(&transport, request(&url))).await;
            let error = sent.unwrap_err();
            assert_eq!(
                (error.kind(), error.delivery(), error.recovery()),
                (ErrorKind::Connection, delivery, recovery),
                "{protocol} {description:?}"
            );
            // What may help is said in either case.
            let words = error.message().unwrap();
            assert!(words.ends_with("set client_certificate"), "{words}");
            drop(transport);
            world::soon(server).await.unwrap();
        }
    }
}

/// Speaks HTTP/2 over TLS, and nothing else, with whoever gets that far.
pub(crate) async fn serve_http2(mut config: ServerConfig) -> SocketAddr {
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (listener, address) = world::listen().await;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    let react = |stream| (http2::answer(stream), http2::Then::GoOn);
                    http2::speak(stream, react).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn http_2_is_spoken_over_tls_where_the_server_chooses_it_by_alpn() {
    let authority = Authority::new();
    let address = serve_http2(authority.vouches().config(None)).await;
    let url = format!("https://localhost:{}", address.port());
    for settings in [
        trusting(&authority),
        trusting(&authority).http_versions(HttpVersions::Http2),
    ] {
        let transport = settings.build().unwrap();
        for _ in 0..2 {
            let sent = world::soon(exchange(&transport, request(&url))).await;
            assert_eq!(sent.unwrap(), (200, b"planted reply".to_vec()));
        }
    }
    // Who offers HTTP/1.1 alone is refused in the handshake.
    let old = trusting(&authority).http_versions(HttpVersions::Http1);
    let error = refusal(&old.build().unwrap(), address).await;
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Connection, Delivery::NotSent)
    );
}

#[tokio::test]
async fn the_want_of_a_client_certificate_is_said_over_http_2_too() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let address = serve_http2(servers.vouches().config(Some(&clients))).await;
    for _ in 0..5 {
        let transport = trusting(&servers).build().unwrap();
        let error = world::soon(refusal(&transport, address)).await;
        assert_eq!(
            (error.kind(), error.recovery()),
            (ErrorKind::Connection, Recovery::Never),
            "{error}"
        );
        // How it ends is for the scheduler to say; that nothing was processed is not proven in all.
        let words = error.message().unwrap();
        assert!(words.ends_with("set client_certificate"), "{words}");
    }
}

#[tokio::test]
async fn the_want_of_a_client_certificate_is_said_while_a_large_body_is_written() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let (listener, address) = world::listen().await;
    let acceptor = TlsAcceptor::from(Arc::new(servers.vouches().config(Some(&clients))));
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(socket).await;
        }
    });
    let transport = trusting(&servers).build().unwrap();
    let mut request = request(&format!("https://localhost:{}", address.port()));
    request.body = Bytes::from(vec![b' '; 32 * 1024 * 1024]);
    let error = world::soon(exchange(&transport, request))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let words = error.message().unwrap();
    assert!(words.ends_with("set client_certificate"), "{words}");
}

#[tokio::test]
async fn a_certificate_of_the_proxy_and_one_of_the_server_are_told_apart() {
    let (ours, others) = (Authority::new(), Authority::new());
    let transport = |proxy: SocketAddr| {
        let proxy = format!("https://user:planted-password@localhost:{}", proxy.port());
        trusting(&ours).proxy(proxy).build().unwrap()
    };
    let good = crate::certificates::serve(&ours.vouches()).await;
    let bad = crate::certificates::serve(&others.vouches()).await;

    let stranger = crate::proxies::over_tls(&others.vouches()).await;
    let port = stranger.port();
    assert_eq!(
        line(&refusal(&transport(stranger), good).await),
        format!(
            "the certificate of the proxy localhost:{port} is signed by an authority that is not in the \
             given CA certificates; if you trust it, add it with ca_file"
        )
    );
    let trusted = crate::proxies::over_tls(&ours.vouches()).await;
    assert_eq!(
        line(&refusal(&transport(trusted), bad).await),
        "the certificate of localhost is signed by an authority that is not in the given CA \
         certificates; if you trust it, add it with ca_file"
    );
    let url = format!("https://localhost:{}", good.port());
    let sent = exchange(&transport(trusted), request(&url)).await;
    assert_eq!(sent.unwrap().0, 200);
}

#[tokio::test]
async fn a_fresh_connection_that_ends_before_it_is_used_took_nothing_with_it() {
    for transport in [world::transport(), world::h2c()] {
        let (listener, address) = world::listen().await;
        tokio::spawn(async move {
            loop {
                drop(listener.accept().await.unwrap());
            }
        });
        // Whether the close is seen before the request is written is for the scheduler to say, and mostly
        // it is.
        let mut seen = 0;
        for _ in 0..20 {
            let sent = exchange(&transport, request(&format!("http://{address}"))).await;
            let error = sent.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection);
            assert_ne!(error.delivery(), Delivery::Answered);
            seen += usize::from(error.delivery() == Delivery::NotSent);
        }
        assert!(seen > 0, "none was seen in time");
    }
}
