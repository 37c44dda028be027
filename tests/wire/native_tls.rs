//! TLS by the operating system's own library.

use evenkeel::error::{Delivery, ErrorKind, Recovery};
use evenkeel::transport::{ReqwestTransportBuilder, Roots, TlsBackend};

use crate::certificates::{self, Authority, refusal, trusting};
use crate::world::{self, exchange, request};

fn native(settings: ReqwestTransportBuilder) -> ReqwestTransportBuilder {
    settings.tls(TlsBackend::Native)
}

#[tokio::test]
async fn an_unknown_root_is_a_failed_connection_before_anything_was_sent() {
    let stranger = certificates::serve(&Authority::new().vouches()).await;
    let transport = native(trusting(&Authority::new())).build().unwrap();
    let error = world::soon(refusal(&transport, stranger)).await;
    assert_eq!(
        (error.kind(), error.delivery(), error.recovery()),
        (ErrorKind::Connection, Delivery::NotSent, Recovery::BackOff)
    );
    assert_eq!(
        error.to_string(),
        format!(
            "connection: cannot connect to localhost:{}",
            stranger.port()
        )
    );
    // What the library says of it is in the chain.
    let report = error.report().to_string();
    assert!(report.contains("certificate verify failed"), "{report}");
}

#[tokio::test]
async fn an_extra_authority_makes_it_work_beside_the_system_s_roots_and_alone() {
    let authority = Authority::new();
    let address = certificates::serve(&authority.vouches()).await;
    let url = format!("https://localhost:{}", address.port());
    for settings in [
        trusting(&authority),
        world::settings().ca_pem(authority.pem()),
        world::settings()
            .roots(Roots::Bundled)
            .ca_pem(authority.pem()),
    ] {
        let transport = native(settings).build().unwrap();
        let sent = world::soon(exchange(&transport, request(&url))).await;
        assert_eq!(sent.unwrap().0, 200);
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_the_server_chooses_it_by_alpn() {
    let authority = Authority::new();
    let address = crate::handshakes::serve_http2(authority.vouches().config(None)).await;
    let url = format!("https://localhost:{}", address.port());
    let transport = native(trusting(&authority)).build().unwrap();
    let sent = world::soon(exchange(&transport, request(&url))).await;
    assert_eq!(sent.unwrap(), (200, b"planted reply".to_vec()));
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let address = certificates::serve_to(&servers.vouches(), Some(&clients)).await;
    let url = format!("https://localhost:{}", address.port());
    let identity = clients.vouches().pem();
    let settings = native(trusting(&servers)).client_certificate(identity);
    let sent = world::soon(exchange(&settings.build().unwrap(), request(&url))).await;
    assert_eq!(sent.unwrap().0, 200);
}
