use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

use crate::StreamBody;

/// One attempt: what to send, and how long to wait for the response head.
///
/// The body is in memory and never consumed by sending: whoever owns retries clones the request and
/// sends it again, which copies none of the body. The exception is [`stream`](Self::stream).
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
    /// In place of `body`: one that is read as it is sent, and says whether it can be
    /// [sent again](StreamBody::state). Only for a transport that
    /// [says](crate::Transport::stream_bodies) that it sends those.
    pub stream: Option<StreamBody>,
    /// How long to wait for the response head: from the start of the attempt, and for a body of more
    /// than 64 KiB from the last moment at which the connection took some of it. So a slow upload is
    /// not a time-out, and one that has stopped is.
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
            stream: None,
            head_limit: Self::HEAD_LIMIT,
        }
    }

    /// Compresses the body, and says so in `content-encoding`. Once a call is enough: a clone stays
    /// compressed. A body that compression does not make shorter stays as it is, and so does one that
    /// has an encoding already.
    ///
    /// A server that does not take it answers 400 with the code `request_body_encoding_unsupported`;
    /// send the request without then. Costs about 10 ms of this thread for each megabyte.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    #[must_use]
    pub fn gzip(mut self) -> Self {
        let is_plain = !self.headers.contains_key(http::header::CONTENT_ENCODING);
        if let Some(smaller) = is_plain.then(|| crate::gzip::smaller(&self.body)).flatten() {
            let gzip = http::HeaderValue::from_static("gzip");
            self.headers.insert(http::header::CONTENT_ENCODING, gzip);
            self.body = smaller;
        }
        self
    }
}

/// Leaves room in the headers for what an attempt adds to its clone (authentication) and the HTTP
/// client to that (`accept`, `user-agent`, `host`), so that neither makes them grow.
impl Clone for Request {
    fn clone(&self) -> Self {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 4);
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        Self {
            method: self.method.clone(),
            uri: self.uri.clone(),
            headers,
            body: self.body.clone(),
            stream: self.stream.clone(),
            head_limit: self.head_limit,
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
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
