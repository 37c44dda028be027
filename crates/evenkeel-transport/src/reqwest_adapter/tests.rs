use evenkeel_error::ErrorKind;

use super::*;
use crate::{BaseUrl, Cleartext};

/// The rule that is broken, after making sure that the text holds nothing of what was planted.
fn broken_rule(result: Result<ReqwestTransport, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    let all = format!("{error} {error:?} {}", error.report());
    assert!(!all.contains("planted"), "{all}");
    error.message().unwrap().to_owned()
}

fn http() -> BaseUrl {
    BaseUrl::parse("http://127.0.0.1:9", Cleartext::LoopbackOnly).unwrap()
}

#[cfg(any(
    not(feature = "rustls-no-provider"),
    feature = "rustls",
    feature = "ring"
))]
mod sound {
    use std::time::Duration;

    use evenkeel_error::Delivery;
    use http::{Method, Uri};

    use super::*;

    #[test]
    fn a_bad_setting_is_named_when_it_is_built() {
        let builder = ReqwestTransport::builder;
        let zero = Duration::ZERO;
        for (field, builder) in [
            ("connect_limit ", builder().connect_limit(zero)),
            ("tcp_keep_alive ", builder().tcp_keep_alive(zero)),
            ("http2_keep_alive ", builder().http2_keep_alive(zero)),
            (
                "http2_keep_alive_limit ",
                builder().http2_keep_alive_limit(zero),
            ),
            ("user_agent ", builder().user_agent("planted\r\nx: y")),
            ("proxy ", builder().proxy("socks5://planted:planted@host")),
            ("proxy ", builder().proxy("")),
            ("proxy ", builder().proxy("http://planted planted")),
        ] {
            // A setting is wrong whether https is spoken or not.
            let rule = broken_rule(builder.build_for(&http()));
            assert!(rule.starts_with(field), "{rule}");
        }
        for settings in [
            builder().tcp_keep_alive(None).http2_keep_alive(None),
            builder().pool_idle(zero).pool_size(0),
            builder().http_versions(HttpVersions::Http1),
            builder().http_versions(HttpVersions::Http2),
            builder().proxy("http://user:planted@proxy.example:3128"),
            builder().without_proxy(),
        ] {
            assert!(!format!("{settings:?}").contains("planted"));
            let transport = settings.build_for(&http()).unwrap();
            assert!(!format!("{transport:?}").contains("planted"));
        }
    }

    #[test]
    fn socks_is_refused_by_name() {
        let rule = broken_rule(ReqwestTransport::builder().proxy("socks5://host").build());
        assert!(rule.contains("SOCKS is not spoken"), "{rule}");
    }

    #[tokio::test]
    async fn an_http_transport_does_not_send_to_https() {
        let transport = ReqwestTransport::builder().build_for(&http()).unwrap();
        let request = Request::new(Method::GET, Uri::from_static("https://localhost:9/"));
        let error = transport.send(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(error.delivery(), Delivery::NotSent);
    }

    #[tokio::test]
    async fn a_team_s_own_time_out_is_told_from_a_lost_connection() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: Uri = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let settings = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_millis(50));
        let transport = ReqwestTransport::from_reqwest(settings).unwrap();
        let silent = transport.send(Request::new(Method::GET, uri.clone()));
        let error = silent.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.delivery(), Delivery::Unknown);
        drop(listener);
        let refused = transport.send(Request::new(Method::GET, uri));
        let error = refused.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
}

#[cfg(all(feature = "ring", not(feature = "rustls")))]
#[test]
fn where_ring_alone_is_built_in_it_is_what_https_is_made_of() {
    let provider = super::rustls_set_up::provider().unwrap();
    assert!(format!("{provider:?}").contains("ring"), "{provider:?}");
    let settings = ReqwestTransport::builder().without_proxy();
    #[cfg(feature = "bundled-roots")]
    let settings = settings.roots(Roots::Bundled);
    assert!(settings.build().is_ok());
}

#[cfg(not(any(feature = "rustls-no-provider", feature = "native-tls")))]
#[test]
fn https_without_tls_says_which_feature_is_missing() {
    let rule = broken_rule(ReqwestTransport::builder().build());
    assert!(rule.contains("enable the feature `rustls`"), "{rule}");
    assert!(ReqwestTransport::builder().build_for(&http()).is_ok());
}

#[cfg(all(
    feature = "rustls-no-provider",
    not(any(feature = "rustls", feature = "ring"))
))]
#[test]
fn rustls_without_a_provider_is_an_error_and_no_panic() {
    let own = ReqwestTransport::from_reqwest(reqwest::Client::builder());
    for built in [
        own,
        ReqwestTransport::builder().build(),
        ReqwestTransport::builder().build_for(&http()),
    ] {
        assert!(broken_rule(built).starts_with("tls has no crypto provider"));
    }
}

#[cfg(any(feature = "rustls", feature = "ring", feature = "native-tls"))]
mod tls {
    use super::*;

    const NOT_PEM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

    #[test]
    fn what_is_wrong_with_certificates_is_named_when_it_is_built() {
        let builder = ReqwestTransport::builder;
        let not_der = "-----BEGIN CERTIFICATE-----\ncGxhbnRlZA==\n-----END CERTIFICATE-----\n";
        let name = format!("evenkeel-{}-not-der.pem", std::process::id());
        let not_der_file = std::env::temp_dir().join(name);
        std::fs::write(&not_der_file, not_der).unwrap();
        for (rule, builder) in [
            (
                "ca_file /nowhere/ca.pem cannot be read: no such file",
                builder().ca_file("/nowhere/ca.pem"),
            ),
            (
                concat!(
                    "ca_file ",
                    env!("CARGO_MANIFEST_DIR"),
                    "/Cargo.toml is not PEM"
                ),
                builder().ca_file(NOT_PEM),
            ),
            ("ca_pem is not PEM", builder().ca_pem("planted")),
            ("ca_pem is not PEM", builder().ca_pem("")),
            (
                &*format!(
                    "ca_file {} holds a certificate that cannot be read",
                    not_der_file.display()
                ),
                builder().ca_file(&not_der_file),
            ),
            (
                "ca_pem holds a certificate that cannot be read",
                builder().ca_pem(not_der),
            ),
            ("roots are to be those given", builder().roots(Roots::Given)),
            (
                "client_certificate is not PEM",
                builder().client_certificate("planted"),
            ),
            (
                "client_certificate has no private key",
                builder().client_certificate(not_der),
            ),
        ] {
            // Whether https is spoken or not.
            for built in [builder.clone().build_for(&http()), builder.clone().build()] {
                let found = broken_rule(built);
                assert!(found.starts_with(rule), "{found}");
            }
            assert!(!format!("{builder:?}").contains("planted"));
        }
        std::fs::remove_file(not_der_file).unwrap();
    }
}
