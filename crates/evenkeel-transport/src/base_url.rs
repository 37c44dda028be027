use std::fmt;

use evenkeel_error::Error;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Where the API is: scheme, host, port, and for gateways a path that goes before every path.
///
/// ```
/// use evenkeel_transport::{BaseUrl, Cleartext};
///
/// let url = BaseUrl::parse("https://gateway.example/claude/", Cleartext::LoopbackOnly)?;
/// assert_eq!(url.join("/v1/messages")?.to_string(), "https://gateway.example/claude/v1/messages");
/// # Ok::<(), evenkeel_error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Without the trailing slash; empty for none.
    prefix: String,
}

/// Where a key and a prompt may travel without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cleartext {
    /// To this machine only. The default.
    #[default]
    LoopbackOnly,
    /// Anywhere: somebody else encrypts the way, a sidecar or a VPN.
    Anywhere,
}

impl BaseUrl {
    /// Reads a URL and checks it.
    ///
    /// # Errors
    ///
    /// `invalid_config` when there is no scheme of `http` or `https`, no host, a user or password, a
    /// query, or when the way is in clear text and `cleartext` does not allow that.
    pub fn parse(url: &str, cleartext: Cleartext) -> Result<Self, Error> {
        let url = url.trim();
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| {
            invalid("is not a URL; it must look like https://host or https://host/prefix")
                .with_source(error)
        })?;
        let parts = uri.into_parts();
        let Some(scheme) = parts
            .scheme
            .filter(|s| *s == Scheme::HTTPS || *s == Scheme::HTTP)
        else {
            return Err(invalid(
                "must begin with https:// (or http:// for this machine)",
            ));
        };
        let Some(authority) = parts
            .authority
            .filter(|authority| !authority.host().is_empty())
        else {
            return Err(invalid("must name a host after its scheme"));
        };
        if authority.as_str().contains('@') {
            return Err(invalid(
                "must not hold a user or password; give the key as a credential",
            ));
        }
        if scheme == Scheme::HTTP
            && cleartext == Cleartext::LoopbackOnly
            && !is_loopback(&authority)
        {
            return Err(invalid(
                "must be https:// unless the host is this machine: key and prompt would travel in \
                 clear text",
            ));
        }
        let path = parts
            .path_and_query
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() || url.contains('#') {
            return Err(invalid("must not hold a query or a fragment"));
        }
        let prefix = path.path().trim_end_matches('/').to_owned();
        Ok(Self {
            scheme,
            authority,
            prefix,
        })
    }

    /// The URL of `path`, which begins with a slash and is already encoded.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the path does not begin with a single slash or is not a legal path.
    pub fn join(&self, path: &str) -> Result<Uri, Error> {
        if !path.starts_with('/') || path.starts_with("//") {
            return Err(Error::invalid_config("path", "must begin with one slash"));
        }
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path}", self.prefix))
            .build()
            .map_err(|error: http::Error| {
                Error::invalid_config("path", "holds characters that must be percent-encoded")
                    .with_source(error)
            })
    }

    /// Scheme, host and port, which is what breakers and budgets are kept for.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Scheme, without the `://`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.scheme.as_str()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

fn invalid(rule: &str) -> Error {
    Error::invalid_config("base_url", rule)
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<BaseUrl, Error> {
        BaseUrl::parse(url, Cleartext::LoopbackOnly)
    }

    #[test]
    fn a_prefix_goes_before_every_path() {
        for url in ["https://host/a/b", "https://host/a/b/"] {
            let joined = parse(url).unwrap().join("/v1/messages").unwrap();
            assert_eq!(joined, "https://host/a/b/v1/messages");
        }
        assert_eq!(
            parse("https://host").unwrap().join("/v1").unwrap(),
            "https://host/v1"
        );
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_the_url() {
        let cases = [
            ("host/v1", "https://"),
            ("ftp://host", "https://"),
            ("", "is not a URL"),
            ("https://", "is not a URL"),
            ("https://user:secret@host", "user or password"),
            ("https://host/?key=secret", "query"),
            ("https://host/#secret", "fragment"),
            ("http://host", "clear text"),
            ("http://10.0.0.1", "clear text"),
            ("http://localhost.evil.example", "clear text"),
        ];
        for (url, rule) in cases {
            let error = parse(url).unwrap_err();
            let text = error.message().unwrap_or_default().to_owned();
            assert!(
                text.starts_with("base_url ") && text.contains(rule),
                "{url}: {text}"
            );
            assert!(!text.contains("secret"), "{url}: {text}");
        }
    }

    #[test]
    fn this_machine_may_be_reached_in_clear_text() {
        for url in [
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.9.9.9",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        assert!(BaseUrl::parse("http://sidecar:80", Cleartext::Anywhere).is_ok());
    }

    #[test]
    fn a_path_cannot_name_another_host() {
        let base = parse("https://host").unwrap();
        for path in ["//evil.example/v1", "v1", "", "https://evil.example/"] {
            assert!(base.join(path).is_err(), "{path}");
        }
        assert!(base.join("/v1/mess ages").is_err());
    }
}
