use std::fmt::Write as _;

use evenkeel_error::Error;

use crate::base_url::climbs;

/// A path under a [`BaseUrl`](crate::BaseUrl), in which what comes from outside is encoded.
///
/// An id that a server or a caller made up is one segment, whatever it holds: it cannot climb out of
/// its place, name another host or begin a query.
///
/// ```
/// use evenkeel_transport::Path;
///
/// let path = Path::new("/v1/files").segment("a/b?c").query("limit", "20 & more");
/// assert_eq!(path.encode()?, "/v1/files/a%2Fb%3Fc?limit=20%20%26%20more");
/// assert!(Path::new("/v1/files").segment("..").encode().is_err());
/// assert!(Path::new("/v1/files").segment("../../admin").encode().is_err());
/// # Ok::<(), evenkeel_error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Path {
    encoded: String,
    query: String,
    fault: Option<&'static str>,
}

impl Path {
    /// A path of the API's own, which is written as it is sent: it begins with a slash. If it has a
    /// query, [parameters](Self::query) follow those that are there.
    pub fn new(path: impl Into<String>) -> Self {
        let mut encoded = path.into();
        let query = encoded.find('?').map(|at| encoded.split_off(at));
        Self {
            encoded,
            query: query.unwrap_or_default(),
            fault: None,
        }
    }

    /// One segment more. Everything but letters, digits and `-._~` is percent-encoded (RFC 3986 §2.3).
    pub fn segment(mut self, segment: &str) -> Self {
        self.encoded.push('/');
        let start = self.encoded.len();
        encode(&mut self.encoded, segment);
        // Encoding does not help: dots are dots to every URL parser there is, and there are gateways that
        // decode a slash before they look for them.
        if segment.is_empty() || self.encoded.get(start..).is_some_and(climbs) {
            self.fault = Some("has an id that is empty, or holds . or .. between slashes");
        }
        self
    }

    /// One parameter more; names may repeat.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query
            .push(if self.query.is_empty() { '?' } else { '&' });
        encode(&mut self.query, name);
        self.query.push('=');
        encode(&mut self.query, value);
        self
    }

    /// The path and query, as [`BaseUrl::join`](crate::BaseUrl::join) takes them.
    ///
    /// # Errors
    ///
    /// `invalid_config` when a segment was empty, `.` or `..`, or holds one of these between slashes.
    pub fn encode(self) -> Result<String, Error> {
        match self.fault {
            Some(fault) => Err(Error::invalid_config("path", fault)),
            None => Ok(self.encoded + &self.query),
        }
    }
}

fn encode(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BaseUrl, Cleartext};
    use proptest::prelude::*;

    #[test]
    fn parameters_follow_those_that_are_there() {
        let path = |path: &str| Path::new(path);
        for (path, expected) in [
            (path("/v1"), "/v1"),
            (path("/v1?x=1"), "/v1?x=1"),
            (path("/v1").query("a b", "c&d"), "/v1?a%20b=c%26d"),
            (
                path("/v1?x=1").query("y", "ü").query("z", ""),
                "/v1?x=1&y=%C3%BC&z=",
            ),
            (path("/v1?x=1").segment("id"), "/v1/id?x=1"),
        ] {
            assert_eq!(path.encode().unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn an_id_is_one_segment_whatever_it_holds(id in ".*", value in ".*") {
            let base = BaseUrl::parse("https://host/prefix", Cleartext::LoopbackOnly).unwrap();
            let path = Path::new("/v1/files").segment(&id).query("after", &value).encode();
            let climbs = id.split(['/', '\\']).any(|part| matches!(part, "." | ".."));
            if id.is_empty() || climbs {
                prop_assert!(path.is_err());
                return Ok(());
            }
            let uri = base.join(&path.unwrap()).unwrap();
            prop_assert_eq!(uri.authority().unwrap().as_str(), "host");
            prop_assert!(uri.path().starts_with("/prefix/v1/files/"));
            prop_assert_eq!(uri.path().matches('/').count(), 4);
            prop_assert!(uri.query().unwrap().starts_with("after="));
            prop_assert!(!uri.query().unwrap().contains('&'));
        }
    }
}
