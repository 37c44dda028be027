/// Which versions of HTTP are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 or HTTP/1.1, as the server chooses by ALPN; HTTP/1.1 without TLS. The default.
    #[default]
    Negotiated,
    /// HTTP/1.1 only: for a gateway whose HTTP/2 is broken.
    Http1,
    /// HTTP/2 only, without TLS by prior knowledge (h2c): for tests and for sidecars.
    Http2,
}

impl HttpVersions {
    #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
    pub(super) fn alpn(self) -> &'static [&'static str] {
        match self {
            Self::Negotiated => &["h2", "http/1.1"],
            Self::Http1 => &["http/1.1"],
            Self::Http2 => &["h2"],
        }
    }
}
