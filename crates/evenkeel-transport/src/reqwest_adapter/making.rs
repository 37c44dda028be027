//! From settings to clients.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::Error;

#[cfg(feature = "gzip")]
use super::builder::Replies;
#[cfg(feature = "rustls-no-provider")]
use super::root_store::RootStore;
use super::team::{client, tamed};
use super::urls::Urls;
use super::{HttpVersions, Inner, ReqwestTransport, ReqwestTransportBuilder, Secure};
use crate::BaseUrl;

/// How long the operating system waits for a sign of life before it asks again, and how often it asks:
/// reqwest's own defaults. A peer that vanished is noticed 45 s after it was first asked.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_RETRIES: u32 = 3;

/// How long what was sent may stay unacknowledged, or wait for a peer that takes nothing: reqwest's own
/// default, and much longer than a line that works needs. It ends what a server that has answered, and
/// reads no more, would keep.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

impl ReqwestTransportBuilder {
    /// Checks every field, reads the files and makes a transport for http and https. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the setter and the rule: a limit of zero, a user agent that no header
    /// can hold, a proxy that is no URL, a CA file that cannot be read or is not PEM, a client
    /// certificate without its key; rustls without a crypto provider; an `SSL_CERT_FILE` that cannot be
    /// read, where rustls reads it; an `HTTPS_PROXY` or `ALL_PROXY` that is no proxy. Also when no TLS is built
    /// in, or with rustls there are no root certificates: https would not work. The operating system's own
    /// library finds that out at the first connection. [`build_for`](Self::build_for) an
    /// http address needs neither.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        self.make("https")
    }

    /// As [`build`](Self::build), for one address only: `https://` at an http transport is an error,
    /// and an http transport needs no root certificates.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), for an address that HTTP clients do not take, and where the environment
    /// names a proxy on the way to it that is not spoken to.
    pub fn build_for(self, base_url: &BaseUrl) -> Result<ReqwestTransport, Error> {
        if reqwest::Url::parse(&base_url.to_string()).is_err() {
            return Err(Error::invalid_config("base_url", "has a host that is none"));
        }
        let transport = self.make(base_url.scheme())?;
        let target = base_url.join("/")?;
        match transport.inner.proxies.on_the_way_to(&target) {
            Some(proxy) => proxy.is_spoken().map(|()| transport),
            None => Ok(transport),
        }
    }

    fn make(self, scheme: &str) -> Result<ReqwestTransport, Error> {
        self.check()?;
        if scheme != "http" {
            self.proxy.check_environment()?;
        }
        #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
        let trust = self.trust.read()?;
        let (settings, proxies) = self.proxy.apply(self.settings())?;
        let direct = client(without_tls(self.settings().no_proxy())?)?;
        let inner = Inner {
            secure: Secure::Without(
                "is https, but this transport was built for http only: build it for its address",
            ),
            direct,
            connect_limit: Some(self.connect_limit),
            versions: Some(self.versions),
            proxies,
            urls: Urls::default(),
            #[cfg(feature = "rustls-no-provider")]
            roots: Some(RootStore::of(&trust)),
            #[cfg(feature = "rustls-no-provider")]
            asked: None,
        };
        #[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
        let inner = if scheme == "http" {
            inner
        } else {
            let set_up = trust.apply(settings, self.versions.alpn())?;
            Inner {
                secure: Secure::Ready(client(set_up.settings)?),
                #[cfg(feature = "rustls-no-provider")]
                asked: set_up.asked,
                ..inner
            }
        };
        #[cfg(not(any(feature = "rustls-no-provider", feature = "native-tls")))]
        if scheme != "http" {
            drop(settings);
            return Err(Error::invalid_config(
                "base_url",
                "is https, but no TLS is built in: enable the feature `rustls`",
            ));
        }
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
        // The pool takes a limit of zero for none, and keeps what it has until somebody asks for it.
        let pool_size = if self.pool_idle.is_zero() {
            0
        } else {
            self.pool_size
        };
        let settings = tamed(reqwest::Client::builder())
            .user_agent(self.user_agent.as_str())
            .connect_timeout(self.connect_limit)
            .pool_idle_timeout(self.pool_idle)
            .pool_max_idle_per_host(pool_size)
            .tcp_keepalive(self.tcp_keep_alive)
            // Any of the three turns it on.
            .tcp_keepalive_interval(self.tcp_keep_alive.map(|_| KEEP_ALIVE_INTERVAL))
            .tcp_keepalive_retries(self.tcp_keep_alive.map(|_| KEEP_ALIVE_RETRIES))
            .http2_keep_alive_interval(self.http2_keep_alive)
            .http2_keep_alive_timeout(self.http2_keep_alive_limit)
            // Whoever shares reqwest with us may have turned these on for all.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let settings = settings.tcp_user_timeout(UNACKNOWLEDGED);
        #[cfg(feature = "gzip")]
        let settings = settings.gzip(self.replies == Replies::Gzip);
        match self.versions {
            HttpVersions::Negotiated => settings,
            HttpVersions::Http1 => settings.http1_only(),
            HttpVersions::Http2 => settings.http2_prior_knowledge(),
        }
    }
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
