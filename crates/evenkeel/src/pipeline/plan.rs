use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_error::Error as Failure;
use evenkeel_messages::{MessageRequest, Streaming};
use evenkeel_transport::Request;
use http::{HeaderMap, Method, Uri};

use crate::identity::Identity;
use crate::options::Options;
use crate::repeat::Repeat;
use crate::shared::{Keyless, Lane, Shared, no_credential};
use crate::{Credential, Fetch};

/// What is sent: the same for every attempt.
pub(crate) struct Plan {
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// Where they differ from the client's.
    headers: Option<HeaderMap>,
    pub(super) body: Bytes,
    pub(super) head_limit: Duration,
    pub(super) repeat: Repeat,
    pub(super) lane: Arc<Lane>,
    pub(super) identity: Arc<Identity>,
    /// The model whose breaker watches the call; other calls feed only the origin's.
    #[cfg(feature = "breaker")]
    pub(super) key: Option<crate::circuit::ModelKey>,
}

impl Plan {
    /// A message, as a stream or in one piece.
    pub(crate) fn message(
        shared: &Shared,
        request: MessageRequest,
        fetch: Fetch,
        options: &Options,
    ) -> Result<Self, Failure> {
        let request = options.request(request);
        let timers = &shared.tuning.timers;
        let (streaming, head_limit) = match fetch {
            // The server refuses to stream a reply of no tokens, which warms a cache.
            Fetch::Streamed if request.max_tokens() > 0 => (Streaming::On, timers.head),
            Fetch::Streamed | Fetch::Plain => (Streaming::Off, timers.plain_head),
        };
        Ok(Self {
            body: request.to_body(streaming)?,
            head_limit,
            repeat: Repeat::of_message(&request),
            #[cfg(feature = "breaker")]
            key: Some(crate::circuit::ModelKey::new(
                request.model(),
                request.speed(),
            )),
            ..Self::path(
                shared,
                Method::POST,
                "/v1/messages",
                request.model(),
                options,
            )?
        })
    }

    /// The number of tokens of a message. Counting has limits of its own, so a lane of its own.
    pub(crate) fn count(
        shared: &Shared,
        request: MessageRequest,
        options: &Options,
    ) -> Result<Self, Failure> {
        const PATH: &str = "/v1/messages/count_tokens";
        let request = options.request(request);
        let lane = format!("{PATH} {}", request.model());
        let plan = Self::path(shared, Method::POST, PATH, &lane, options)?;
        Ok(plan
            .with_body(request.to_count_body()?)
            .repeated_as(Repeat::Safe))
    }

    /// Any request. What is shared with other calls about limits and retries goes by `lane`.
    pub(crate) fn path(
        shared: &Shared,
        method: Method,
        path: &str,
        lane: &str,
        options: &Options,
    ) -> Result<Self, Failure> {
        options.check()?;
        let headers = match &options.extras {
            Some(_) => Some(options.headers(&shared.headers)?),
            None => None,
        };
        let identity = match (&headers, &options.extras) {
            (Some(headers), Some(extras)) => shared.identity(extras.credential.as_ref(), headers),
            _ => Arc::clone(&shared.identity),
        };
        if identity.credential.is_none() && shared.keyless == Keyless::Refused {
            return Err(no_credential());
        }
        Ok(Self {
            repeat: Repeat::of_method(&method),
            method,
            uri: shared.base_url.join(&options.path(path))?,
            headers,
            body: Bytes::new(),
            head_limit: shared.tuning.timers.head,
            lane: shared.lane(lane),
            identity,
            #[cfg(feature = "breaker")]
            key: None,
        })
    }

    /// The same with a body.
    pub(crate) fn with_body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// The same with another limit for the response head.
    pub(crate) fn with_head_limit(mut self, limit: Duration) -> Self {
        self.head_limit = limit;
        self
    }

    /// The same for a request that may be repeated as `repeat` says.
    pub(crate) fn repeated_as(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// The request of each attempt, the credential aside.
    pub(crate) fn request(&self, shared: &Shared) -> Request {
        let mut request = Request::new(self.method.clone(), self.uri.clone());
        request.headers = self.headers.as_ref().unwrap_or(&shared.headers).clone();
        request.body = self.body.clone();
        request
    }

    /// What its attempts are authenticated with.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.identity.credential.as_ref()
    }
}
