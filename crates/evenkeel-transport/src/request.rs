use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

/// One attempt: what to send, and how long to wait for the response head.
///
/// The body is in memory, so it can be sent again.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute URI.
    pub uri: Uri,
    /// The headers, those of authentication included and marked as sensitive.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long to wait for the response head, from the start of the attempt.
    pub head_limit: Duration,
}

impl Request {
    /// How long a transport waits for the response head unless told otherwise: a stream that has
    /// not begun after two minutes is not going to.
    pub const HEAD_LIMIT: Duration = Duration::from_secs(120);

    /// A request without headers and body.
    #[must_use]
    pub fn new(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            head_limit: Self::HEAD_LIMIT,
        }
    }
}

/// Neither header values nor the body: they hold the key and the prompt.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
