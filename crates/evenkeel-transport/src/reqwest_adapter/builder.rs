use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::Error;

use super::proxy::{Proxies, ProxyChoice};
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
use super::trust::{Roots, TlsBackend, Trust};
use super::urls::Urls;
use super::{Inner, ReqwestTransport, Secure};
use crate::BaseUrl;

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
    fn alpn(self) -> &'static [&'static str] {
        match self {
            Self::Negotiated => &["h2", "http/1.1"],
            Self::Http1 => &["http/1.1"],
            Self::Http2 => &["h2"],
        }
    }
}

/// Makes a [`ReqwestTransport`]; nothing is read or checked before [`build`](Self::build).
///
/// Every default is a constant of [`ReqwestTransport`] that says why.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReqwestTransportBuilder {
    connect_limit: Duration,
    pool_idle: Duration,
    pool_size: usize,
    tcp_keep_alive: Option<Duration>,
    http2_keep_alive: Option<Duration>,
    http2_keep_alive_limit: Duration,
    versions: HttpVersions,
    user_agent: String,
    proxy: ProxyChoice,
    #[cfg(feature = "gzip")]
    replies: Replies,
    #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
    trust: Trust,
}

/// Whether replies may come compressed.
#[cfg(feature = "gzip")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replies {
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
    /// still there; `None` never asks. Default [`ReqwestTransport::KEEP_ALIVE`].
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
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxyChoice::This(url.into());
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
    /// Who does TLS. Default: rustls where it is built in.
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
        self.trust.identity = Some(pem.into());
        self
    }
}

impl ReqwestTransportBuilder {
    /// Checks every field, reads the files and makes a transport for http and https. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the setter and the rule: a limit of zero, a user agent that no header
    /// can hold, a proxy that is no URL, a CA file that cannot be read or is not PEM, a client
    /// certificate without its key; rustls without a crypto provider. Also when there are no root
    /// certificates or no TLS is built in: https would not work. [`build_for`](Self::build_for) an
    /// http address needs neither.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        self.make("https")
    }

    /// As [`build`](Self::build), for one address only: `https://` at an http transport is an error,
    /// and an http transport needs no root certificates.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and for an address that HTTP clients do not take.
    pub fn build_for(self, base_url: &BaseUrl) -> Result<ReqwestTransport, Error> {
        if reqwest::Url::parse(&base_url.to_string()).is_err() {
            return Err(Error::invalid_config("base_url", "has a host that is none"));
        }
        self.make(base_url.scheme())
    }

    fn make(self, scheme: &str) -> Result<ReqwestTransport, Error> {
        self.check()?;
        #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
        let trust = self.trust.read()?;
        #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
        let roots = Some(trust.roots_name());
        #[cfg(not(any(feature = "rustls-no-provider", feature = "native-tls")))]
        let roots = None;
        let (settings, proxies) = self.proxy.apply(self.settings())?;
        let secure = if scheme == "http" {
            Secure::Without(
                "is https, but this transport was built for http only: build it for its address",
            )
        } else {
            #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
            let set_up = trust.apply(settings, self.versions.alpn())?;
            #[cfg(not(any(feature = "rustls-no-provider", feature = "native-tls")))]
            let set_up: Result<reqwest::ClientBuilder, _> = {
                drop(settings);
                Err("is https, but no TLS is built in: enable the feature `rustls`")
            };
            match set_up {
                Ok(settings) => Secure::Ready(client(settings)?),
                Err(rule) => return Err(Error::invalid_config("base_url", rule)),
            }
        };
        let inner = Inner {
            secure,
            direct: client(without_tls(self.settings().no_proxy())?)?,
            connect_limit: Some(self.connect_limit),
            proxies,
            urls: Urls::default(),
            roots,
        };
        Ok(ReqwestTransport {
            inner: Arc::new(inner),
        })
    }

    fn check(&self) -> Result<(), Error> {
        for (field, limit) in [
            ("connect_limit", Some(self.connect_limit)),
            ("tcp_keep_alive", self.tcp_keep_alive),
            ("http2_keep_alive", self.http2_keep_alive),
            ("http2_keep_alive_limit", Some(self.http2_keep_alive_limit)),
        ] {
            if limit.is_some_and(|limit| limit.is_zero()) {
                return Err(Error::invalid_config(field, "must be longer than zero"));
            }
        }
        if http::HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(Error::invalid_config(
                "user_agent",
                "must be one line of visible ASCII",
            ));
        }
        Ok(())
    }

    fn settings(&self) -> reqwest::ClientBuilder {
        let settings = tamed(reqwest::Client::builder())
            .user_agent(self.user_agent.as_str())
            .connect_timeout(self.connect_limit)
            .pool_idle_timeout(self.pool_idle)
            .pool_max_idle_per_host(self.pool_size)
            .tcp_keepalive(self.tcp_keep_alive)
            .http2_keep_alive_interval(self.http2_keep_alive)
            .http2_keep_alive_timeout(self.http2_keep_alive_limit)
            // Whoever shares reqwest with us may have turned these on for all.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        #[cfg(feature = "gzip")]
        let settings = settings.gzip(self.replies == Replies::Gzip);
        match self.versions {
            HttpVersions::Negotiated => settings,
            HttpVersions::Http1 => settings.http1_only(),
            HttpVersions::Http2 => settings.http2_prior_knowledge(),
        }
    }
}

impl ReqwestTransport {
    /// Everything at its default.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }

    /// A transport with a team's own settings: its proxies, its resolver, its TLS.
    ///
    /// Redirects, reqwest's own retries and the `referer` are turned off whatever the settings say:
    /// the first would take key and prompt to another origin, the second send them twice unseen.
    /// All else stays, a total time-out and a proxy for http included. One client serves http and https.
    ///
    /// # Errors
    ///
    /// `invalid_config` when reqwest cannot make a client of them.
    pub fn from_reqwest(settings: reqwest::ClientBuilder) -> Result<Self, Error> {
        // Where rustls has neither a provider of the process's nor reqwest's own, reqwest panics.
        #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let provider = super::rustls_set_up::provider()?;
            // Another thread may have been first, which is as good.
            let _ = provider.as_ref().clone().install_default();
        }
        let client = client(tamed(settings))?;
        Ok(Self::from_reqwest_unchecked(client))
    }

    /// A transport on a client that is built already, and so cannot be checked.
    ///
    /// **A client at reqwest's defaults leaks.** It follows redirects, and on a redirect to another
    /// origin it takes along every header that it does not know to be a credential, `x-api-key` among
    /// them, and on a 307 or 308 the body, which is the prompt. It also sends a request again that a
    /// connection refused, unseen by whoever counts attempts. Use this only for a client that was
    /// built with `redirect(Policy::none())` and `retry(never())`; [`from_reqwest`](Self::from_reqwest)
    /// sees to both.
    #[must_use]
    pub fn from_reqwest_unchecked(client: reqwest::Client) -> Self {
        let inner = Inner {
            secure: Secure::Ready(client.clone()),
            direct: client,
            connect_limit: None,
            proxies: Proxies::Unknown,
            urls: Urls::default(),
            roots: None,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

/// What may never be on.
fn tamed(settings: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    settings
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
}

fn client(settings: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    settings.build().map_err(|error| {
        Error::invalid_config("reqwest", "could not be set up").with_source(error.without_url())
    })
}

/// For a client that never speaks TLS: no root certificates are loaded, and none need be there.
#[cfg(feature = "rustls-no-provider")]
fn without_tls(settings: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
    let config = super::rustls_set_up::trusting_nobody()?;
    Ok(settings.tls_backend_preconfigured(config))
}

#[cfg(not(feature = "rustls-no-provider"))]
#[expect(clippy::unnecessary_wraps, reason = "with rustls it may fail")]
fn without_tls(settings: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
    #[cfg(feature = "native-tls")]
    let settings = settings.tls_backend_native().tls_certs_only([]);
    Ok(settings)
}
