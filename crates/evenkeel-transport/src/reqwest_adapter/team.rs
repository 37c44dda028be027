//! Transports on what a team has set up for itself.

use std::sync::Arc;

use evenkeel_error::Error;

use super::proxy::Proxies;
use super::urls::Urls;
use super::{Inner, ReqwestTransport, Secure};

impl ReqwestTransport {
    /// A transport with a team's own settings: its proxies, its resolver, its TLS.
    ///
    /// Redirects, reqwest's own retries, the `referer` and the verbose log of connections are turned off
    /// whatever the settings say: the first would take key and prompt to another origin, the second send
    /// them twice unseen, the last write them into the log. All else stays, a total time-out and a proxy
    /// for http included. One client serves http and https.
    ///
    /// What is not known of the settings cannot be said: errors name no proxy and no root store, and a
    /// proxy that refuses looks like a host that does. Where rustls is built in without aws-lc-rs and the
    /// process has no default crypto provider, this **installs** ring as such, because reqwest would
    /// panic without one; a program that installs its own does so before.
    ///
    /// # Errors
    ///
    /// `invalid_config` when reqwest cannot make a client of them, or rustls is built in without a crypto
    /// provider.
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
    /// them. It also sends a request again that a
    /// connection refused, unseen by whoever counts attempts. With `connection_verbose(true)` it logs all
    /// that it writes and reads, key and prompt and reply. Use this only for a client that was built with
    /// `redirect(Policy::none())`, `retry(never())` and neither; [`from_reqwest`](Self::from_reqwest) sees
    /// to all of them.
    #[must_use]
    pub fn from_reqwest_unchecked(client: reqwest::Client) -> Self {
        let inner = Inner {
            secure: Secure::Ready(client.clone()),
            direct: client,
            connect_limit: None,
            versions: None,
            proxies: Proxies::Unknown,
            urls: Urls::default(),
            #[cfg(feature = "rustls-no-provider")]
            roots: None,
            #[cfg(feature = "rustls-no-provider")]
            asked: None,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

/// What may never be on.
pub(super) fn tamed(settings: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    settings
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connection_verbose(false)
}

pub(super) fn client(settings: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    settings.build().map_err(|error| {
        Error::invalid_config("reqwest", "could not be set up").with_source(error.without_url())
    })
}
