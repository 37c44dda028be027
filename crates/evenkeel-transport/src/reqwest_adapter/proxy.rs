use std::env::VarError;
use std::fmt;

use evenkeel_error::Error;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret as _, SecretString};

/// Which proxy https goes through.
#[derive(Clone, Default)]
pub(super) enum ProxyChoice {
    /// What the environment says, and the settings of the operating system.
    #[default]
    System,
    /// None.
    None,
    /// This one, which may hold a user and a password.
    This(SecretString),
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

/// A proxy that was to be gone through.
#[derive(Debug)]
pub(super) struct Via {
    /// Host and port, and nothing of its user.
    name: String,
    scheme: Scheme,
}

#[derive(Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    /// SOCKS has a feature of reqwest's that is not on.
    Other,
}

impl Scheme {
    fn of(uri: &Uri) -> Self {
        match uri.scheme_str() {
            Some("http") => Self::Http,
            Some("https") => Self::Https,
            _ => Self::Other,
        }
    }
}

impl Via {
    /// Whether the way to the proxy itself is encrypted.
    #[cfg(feature = "rustls-no-provider")]
    pub(super) fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Whether it is a proxy that we can speak to.
    pub(super) fn is_spoken(&self) -> Result<(), Error> {
        if self.scheme != Scheme::Other {
            return Ok(());
        }
        Err(Error::invalid_config(
            "proxy",
            "must be http:// or https://, and the environment names another: correct HTTPS_PROXY or \
             ALL_PROXY, except the host by NO_PROXY, set proxy, or choose without_proxy",
        ))
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Proxies {
    /// The proxy that `target` is reached through.
    pub(super) fn on_the_way_to(&self, target: &Uri) -> Option<Via> {
        let Self::Known(matcher) = self else {
            return None;
        };
        let proxy = matcher.intercept(target)?;
        let uri = proxy.uri();
        let host = uri.host()?;
        let name = match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let scheme = Scheme::of(uri);
        Some(Via { name, scheme })
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
                let url = url.expose_secret();
                let matcher = Matcher::builder().https(url).build();
                let proxy = reqwest::Proxy::https(url)
                    .ok()
                    .filter(|_| is_http(url))
                    .ok_or_else(|| {
                        let rule = "must be a URL such as http://host:3128; SOCKS is not spoken";
                        Error::invalid_config("proxy", rule)
                    })?;
                Ok((settings.proxy(proxy), known(matcher)))
            }
        }
    }
}

/// What says which proxy https goes through: the first pair that names one, and of a pair the first that
/// is set, if only to nothing.
const VARIABLES: [[&str; 2]; 2] = [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];

impl ProxyChoice {
    /// Whether what the environment says is understood. Nobody else says so: what is not is no proxy to
    /// whoever reads it, and key and prompt would go past the one that was meant.
    pub(super) fn check_environment(&self) -> Result<(), Error> {
        match self {
            Self::System => understood(|name| std::env::var(name)),
            Self::None | Self::This(_) => Ok(()),
        }
    }
}

fn understood(read: impl Fn(&str) -> Result<String, VarError>) -> Result<(), Error> {
    for pair in VARIABLES {
        let mut set = pair.into_iter().filter_map(|name| match read(name) {
            Ok(value) => Some((name, Some(value))),
            Err(VarError::NotUnicode(_)) => Some((name, None)),
            Err(VarError::NotPresent) => None,
        });
        match set.next() {
            None => {}
            // Nothing is what the whole pair says to whoever reads it.
            Some((_, Some(value))) if value.is_empty() => {
                let masked =
                    set.find(|(_, value)| value.as_ref().is_none_or(|value| !value.is_empty()));
                if let Some((name, _)) = masked {
                    return Err(Error::invalid_config(
                        name,
                        "is set and not read, as the same name in capitals is set to nothing: unset one of \
                         them, set proxy, or choose without_proxy",
                    ));
                }
            }
            Some((_, Some(value))) if is_proxy(&value) => return Ok(()),
            Some((name, _)) => {
                return Err(Error::invalid_config(
                    name,
                    "is set and is no URL of a proxy, such as http://host:3128: correct or unset it, set \
                     proxy, or choose without_proxy",
                ));
            }
        }
    }
    Ok(())
}

/// Whether this is a proxy to whoever reads the environment.
fn is_proxy(url: &str) -> bool {
    let anywhere = Uri::from_static("https://localhost");
    let matcher = Matcher::builder().https(url).build();
    matcher.intercept(&anywhere).is_some()
}

fn is_http(url: &str) -> bool {
    url.parse::<Uri>()
        .is_ok_and(|uri| Scheme::of(&uri) != Scheme::Other && uri.host().is_some())
}

fn known(matcher: Matcher) -> Proxies {
    Proxies::Known(Box::new(matcher))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_environment_may_say_is_told_from_a_slip() {
        for url in [
            "http://host:3128",
            "https://u:p@host",
            "host:3128",
            "socks5://host",
        ] {
            assert!(is_proxy(url), "{url}");
        }
        for slip in ["htps://host:3128", "http:// host", "http://", "://host"] {
            assert!(!is_proxy(slip), "{slip}");
        }
    }

    /// The name that is refused, where the environment says this.
    fn refused(said: &[(&str, &str)]) -> Option<String> {
        let read = |name: &str| {
            let found = said.iter().find(|(said, _)| *said == name);
            found
                .map(|(_, value)| (*value).to_owned())
                .ok_or(VarError::NotPresent)
        };
        let refused = understood(read).err()?;
        let rule = refused.message().unwrap();
        assert!(!rule.contains("planted"), "{rule}");
        rule.split(' ').next().map(str::to_owned)
    }

    #[test]
    fn the_environment_is_read_name_by_name_as_by_whoever_goes_through_the_proxy() {
        const GOOD: &str = "http://host:3128";
        const SLIP: &str = "htps://user:planted@host";
        let [upper, lower] = VARIABLES[0];
        let [all, quiet] = VARIABLES[1];
        for (said, expected) in [
            (&[][..], None),
            (&[(upper, GOOD)], None),
            (&[(lower, SLIP)], Some(lower)),
            (&[(all, SLIP)], Some(all)),
            (&[(quiet, SLIP)], Some(quiet)),
            // What is not come to says nothing.
            (&[(upper, GOOD), (lower, SLIP), (all, SLIP)], None),
            (&[(lower, GOOD), (all, SLIP)], None),
            (&[(upper, ""), (all, GOOD)], None),
            (&[(upper, ""), (lower, ""), (all, SLIP)], Some(all)),
            // Set to nothing it hides the other, and all would go direct.
            (&[(upper, ""), (lower, GOOD)], Some(lower)),
            (&[(upper, ""), (lower, SLIP), (all, GOOD)], Some(lower)),
            (&[(all, ""), (quiet, GOOD)], Some(quiet)),
        ] {
            assert_eq!(refused(said).as_deref(), expected, "{said:?}");
        }
        let unreadable = |_: &str| Err(VarError::NotUnicode("x".into()));
        assert!(understood(unreadable).is_err());
    }
}
