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
    /// [`MESSAGES`] joined once: nearly every request goes there.
    messages: Uri,
}

const MESSAGES: &str = "/v1/messages";

/// Where a key and a prompt may travel without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cleartext {
    /// To this machine only. The default.
    #[default]
    LoopbackOnly,
    /// Anywhere: somebody else encrypts the way, a sidecar or a VPN.
    Anywhere,
}

impl BaseUrl {
    /// Reads a URL and checks it. The host is written in lower case, and the port of the scheme (80, 443)
    /// is left out: however it is spelled, an address is the same one.
    ///
    /// # Errors
    ///
    /// `invalid_config` when there is no scheme of `http` or `https`, no host, a port that is none, a
    /// user or password, a query, a fragment, a path that climbs or that ends in `/v1/messages` (that is
    /// what goes after it), or when the way is in clear text and `cleartext` does not allow that. The text never repeats the URL.
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
        check_authority(&authority)?;
        let authority = normal(&scheme, &authority)?;
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
        if !prefix.is_empty() && !stays_below(&prefix) {
            return Err(invalid(
                "must not hold empty segments, dots or backslashes in its path",
            ));
        }
        if prefix.ends_with(MESSAGES) {
            return Err(invalid(
                "must end before /v1/messages, which is added for each request",
            ));
        }
        Ok(Self {
            messages: put_together(&scheme, &authority, &prefix, MESSAGES)?,
            scheme,
            authority,
            prefix,
        })
    }

    /// The URL of `path`, which begins with one slash, is already encoded and may have a query.
    /// [`Path`](crate::Path) encodes what comes from outside.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the path does not begin with a single slash, climbs (`..`, encoded or
    /// not), holds a backslash or a fragment, or is not a legal path.
    pub fn join(&self, path: &str) -> Result<Uri, Error> {
        if path == MESSAGES {
            return Ok(self.messages.clone());
        }
        let (before_query, _) = path.split_once('?').unwrap_or((path, ""));
        if !stays_below(before_query) || path.contains('#') {
            return Err(Error::invalid_config(
                "path",
                "must begin with one slash and hold no empty segment, no .., no backslash and no #",
            ));
        }
        put_together(&self.scheme, &self.authority, &self.prefix, path)
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

    /// The host, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

fn put_together(
    scheme: &Scheme,
    authority: &Authority,
    prefix: &str,
    path: &str,
) -> Result<Uri, Error> {
    Uri::builder()
        .scheme(scheme.clone())
        .authority(authority.clone())
        .path_and_query(format!("{prefix}{path}"))
        .build()
        .map_err(|error: http::Error| {
            Error::invalid_config("path", "holds characters that must be percent-encoded")
                .with_source(error)
        })
}

fn invalid(rule: &str) -> Error {
    Error::invalid_config("base_url", rule)
}

fn check_authority(authority: &Authority) -> Result<(), Error> {
    if authority.as_str().contains('@') {
        return Err(invalid(
            "must not hold a user or password; give the key as a credential",
        ));
    }
    let after_host = authority.as_str().get(authority.host().len()..);
    if after_host.is_some_and(|port| !port.is_empty())
        && authority.port_u16().is_none_or(|port| port == 0)
    {
        return Err(invalid("must have a port from 1 to 65535, or none"));
    }
    Ok(())
}

/// One spelling for each address: breakers and budgets are kept by it.
fn normal(scheme: &Scheme, authority: &Authority) -> Result<Authority, Error> {
    let usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let host = authority.host().to_ascii_lowercase();
    let text = match authority.port_u16().filter(|&port| port != usual) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    };
    text.parse().map_err(|error: http::uri::InvalidUri| {
        invalid("has a host that is none").with_source(error)
    })
}

/// Whether a segment as it is sent holds a dot segment: in itself, to URL parsers, or between slashes
/// that are encoded, to gateways that decode a path before they go by it.
pub(crate) fn climbs(segment: &str) -> bool {
    if !segment.contains('%') {
        return matches!(segment, "." | "..");
    }
    let segment = segment.to_ascii_lowercase().replace("%2e", ".");
    segment
        .replace("%2f", "/")
        .replace("%5c", "/")
        .split('/')
        .any(|part| matches!(part, "." | ".."))
}

/// Whether a path is what it seems: URL parsers drop dot segments, encoded ones too, take a
/// backslash for a slash, and a path with two slashes in front for an authority.
fn stays_below(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let empty_inside = segment.is_empty() && segments.peek().is_some();
        if empty_inside || climbs(segment) {
            return false;
        }
    }
    !path.contains('\\')
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(authority: &Authority) -> bool {
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
    fn a_prefix_may_end_in_a_version_that_a_back_end_goes_on_from() {
        let base = parse("https://host/v1/").unwrap();
        assert_eq!(base.join("/models").unwrap(), "https://host/v1/models");
    }

    #[test]
    fn an_address_is_one_however_it_is_spelled() {
        for url in [
            "https://host",
            "https://HOST/",
            "https://host:443",
            "HTTPS://Host:443/",
        ] {
            assert_eq!(parse(url).unwrap(), parse("https://host").unwrap(), "{url}");
            assert_eq!(parse(url).unwrap().origin(), "https://host");
        }
        assert_eq!(parse("http://[::1]:80").unwrap().origin(), "http://[::1]");
        assert_eq!(
            parse("https://host:80").unwrap().origin(),
            "https://host:80"
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
            ("https://secret@host", "user or password"),
            ("https://host/?key=secret", "query"),
            ("https://host/#secret", "fragment"),
            ("https://host:99999", "port"),
            ("https://host:0", "port"),
            ("https://host:", "port"),
            ("https://host/a/../secret", "dots"),
            ("https://host/a/%2E%2e/secret", "dots"),
            ("https://host//secret", "empty segments"),
            ("https://host/a\\secret", "backslashes"),
            ("https://host/v1/messages", "must end before /v1/messages"),
            (
                "https://host/secret/v1/messages/",
                "must end before /v1/messages",
            ),
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
            let all = format!("{error} {error:?} {}", error.report());
            assert!(!all.contains("secret"), "{url}: {all}");
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
    fn a_path_cannot_name_another_host_nor_leave_the_prefix() {
        let base = parse("https://host/prefix").unwrap();
        for path in [
            "//evil.example/v1",
            "/\\evil.example/v1",
            "v1",
            "",
            "https://evil.example/",
            "/v1/../..",
            "/v1/%2e%2E/x",
            "/v1/./x",
            "/v1/x%2F..%2F..%2Fadmin",
            "/v1/x%5c%2e%2E",
            "/v1//x",
            "/v1#x",
            "/v1/mess ages",
        ] {
            assert!(base.join(path).is_err(), "{path}");
        }
        for path in [
            "/",
            "/v1/",
            "/v1/a..b",
            "/v1/a%2Fb",
            "/v1?q=../x",
            "/v1/...?a=b//c",
        ] {
            assert!(base.join(path).is_ok(), "{path}");
        }
    }
}
