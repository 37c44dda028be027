use std::num::NonZeroU32;
use std::time::Duration;

use super::proxy::ProxyChoice;
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
use super::trust::{Roots, TlsBackend, Trust};
use super::{HttpVersions, ReqwestTransport};

/// Makes a [`ReqwestTransport`]; nothing is read or checked before [`build`](Self::build).
///
/// Every default is a constant of [`ReqwestTransport`] that says why.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReqwestTransportBuilder {
    pub(super) connect_limit: Duration,
    pub(super) pool_idle: Duration,
    pub(super) pool_size: usize,
    pub(super) tcp_keep_alive: Option<Duration>,
    pub(super) http2_keep_alive: Option<Duration>,
    pub(super) http2_keep_alive_limit: Duration,
    pub(super) versions: HttpVersions,
    pub(super) user_agent: String,
    pub(super) proxy: ProxyChoice,
    #[cfg(feature = "gzip")]
    pub(super) replies: Replies,
    #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
    pub(super) trust: Trust,
}

/// Whether replies may come compressed.
#[cfg(feature = "gzip")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    Plain,
    Gzip,
}

impl Default for ReqwestTransportBuilder {
    fn default() -> Self {
        Self {
            connect_limit: ReqwestTransport::CONNECT_LIMIT,
            pool_idle: ReqwestTransport::POOL_IDLE,
            pool_size: ReqwestTransport::POOL_SIZE,
            tcp_keep_alive: Some(ReqwestTransport::KEEP_ALIVE),
            http2_keep_alive: Some(ReqwestTransport::KEEP_ALIVE),
            http2_keep_alive_limit: ReqwestTransport::KEEP_ALIVE_LIMIT,
            versions: HttpVersions::default(),
            user_agent: concat!("evenkeel/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: ProxyChoice::default(),
            #[cfg(feature = "gzip")]
            replies: Replies::Plain,
            #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
            trust: Trust::default(),
        }
    }
}

/// Connections.
impl ReqwestTransportBuilder {
    /// How long connecting may take, from the name to the TLS handshake, a proxy's tunnel included:
    /// above zero. Default [`ReqwestTransport::CONNECT_LIMIT`].
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect_limit = limit;
        self
    }

    /// How long an unused connection is kept. Zero keeps none. Default
    /// [`ReqwestTransport::POOL_IDLE`].
    ///
    /// A connection of HTTP/2 counts as unused since its last request *began*, however long the reply took:
    /// where one reply follows the other and each takes longer than this, each has a connection of its
    /// own.
    pub fn pool_idle(mut self, limit: Duration) -> Self {
        self.pool_idle = limit;
        self
    }

    /// How many unused connections are kept for a host. Default [`ReqwestTransport::POOL_SIZE`].
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections;
        self
    }

    /// How long a connection is silent before the operating system asks whether the other side is
    /// still there; `None` never asks. Default [`ReqwestTransport::KEEP_ALIVE`]. It asks up to three
    /// times, 15 s apart, where the operating system lets it be told.
    pub fn tcp_keep_alive(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.tcp_keep_alive = interval.into();
        self
    }

    /// How long an HTTP/2 connection with open streams is silent before it is pinged; `None` never
    /// does. Default [`ReqwestTransport::KEEP_ALIVE`].
    pub fn http2_keep_alive(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.http2_keep_alive = interval.into();
        self
    }

    /// How long a pinged HTTP/2 connection may take to answer before it is given up. Default
    /// [`ReqwestTransport::KEEP_ALIVE_LIMIT`].
    pub fn http2_keep_alive_limit(mut self, limit: Duration) -> Self {
        self.http2_keep_alive_limit = limit;
        self
    }

    /// Which versions of HTTP are spoken. Default [`HttpVersions::Negotiated`].
    pub fn http_versions(mut self, versions: HttpVersions) -> Self {
        self.versions = versions;
        self
    }

    /// The `user-agent`. Default `evenkeel/` and the version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Asks for replies in gzip and decompresses them. Default: they come as they are, because the
    /// last bytes of an event of a compressed stream may wait for the next.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    pub fn accept_gzip(mut self) -> Self {
        self.replies = Replies::Gzip;
        self
    }

    /// Divides the limits on connecting and on idle connections by `divisor`: for demonstrations and
    /// tests.
    #[doc(hidden)]
    pub fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        self.connect_limit /= divisor.get();
        self.pool_idle /= divisor.get();
        self
    }
}

/// Proxies, which are for https alone: through them goes what is encrypted.
impl ReqwestTransportBuilder {
    /// The proxy for https, as `http://host:port`, with `user:password@` before the host where it
    /// asks for them. Default: what `HTTPS_PROXY` or `ALL_PROXY` says, `NO_PROXY` excepted, else the
    /// operating system's setting.
    ///
    /// All https goes through it, this machine's included: `NO_PROXY` is an exception to what the
    /// environment says, and not to what is set here. SOCKS is not spoken.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxyChoice::This(url.into().into());
        self
    }

    /// No proxy, whatever the environment says.
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }
}

/// Trust.
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "rustls-no-provider", feature = "native-tls")))
)]
impl ReqwestTransportBuilder {
    /// Who does TLS. Default: rustls where it is built in; so set it where what is built in is for others to
    /// decide, and roots and verdicts must not change with it.
    pub fn tls(mut self, backend: TlsBackend) -> Self {
        self.trust.backend = backend;
        self
    }

    /// Where trust begins. Default [`Roots::System`].
    pub fn roots(mut self, roots: Roots) -> Self {
        self.trust.roots = roots;
        self
    }

    /// A file of certificates in PEM to trust besides the roots; may be given several times. For a
    /// firm's own authority, or that of a proxy that reads along.
    pub fn ca_file(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.trust.files.push(path.into());
        self
    }

    /// As [`ca_file`](Self::ca_file), for certificates that are in memory.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust.pems.push(pem.into());
        self
    }

    /// The certificate to answer with where a server asks for one: in PEM, followed by those that
    /// lead to its root, and its private key, in any order.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust.identity = Some(pem.into().into());
        self
    }
}
