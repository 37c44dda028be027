use std::fmt;

use evenkeel_error::Error;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// Which proxy https goes through.
#[derive(Clone, Default)]
pub(super) enum ProxyChoice {
    /// What the environment says, and the settings of the operating system.
    #[default]
    System,
    /// None.
    None,
    /// This one, which may hold a user and a password.
    This(String),
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::None => "None",
            Self::This(_) => "This(…)",
        })
    }
}

/// The proxies of a transport, to name one when it fails: reqwest's errors do not.
pub(super) enum Proxies {
    Known(Box<Matcher>),
    /// There are none, or they are somebody else's settings.
    Unknown,
}

impl Proxies {
    /// Host and port of the proxy that `target` is reached through.
    pub(super) fn on_the_way_to(&self, target: &Uri) -> Option<String> {
        let Self::Known(matcher) = self else {
            return None;
        };
        let proxy = matcher.intercept(target)?;
        let uri = proxy.uri();
        let host = uri.host()?;
        Some(match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known(…)",
            Self::Unknown => "Unknown",
        })
    }
}

impl ProxyChoice {
    /// Sets it on `settings`, and gives what is needed to name it.
    pub(super) fn apply(
        &self,
        settings: reqwest::ClientBuilder,
    ) -> Result<(reqwest::ClientBuilder, Proxies), Error> {
        match self {
            // The same look at the environment that reqwest takes.
            Self::System => Ok((settings, known(Matcher::from_system()))),
            Self::None => Ok((settings.no_proxy(), Proxies::Unknown)),
            Self::This(url) => {
                let matcher = Matcher::builder().https(url.as_str()).build();
                let proxy = reqwest::Proxy::https(url.as_str())
                    .ok()
                    .filter(|_| is_http(url))
                    .ok_or_else(|| {
                        Error::invalid_config("proxy", "must be a URL such as http://host:3128")
                    })?;
                Ok((settings.proxy(proxy), known(matcher)))
            }
        }
    }
}

/// SOCKS has a feature of reqwest's that is not on.
fn is_http(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
}

fn known(matcher: Matcher) -> Proxies {
    Proxies::Known(Box::new(matcher))
}
