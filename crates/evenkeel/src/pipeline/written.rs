//! The request of a call as its plan keeps it, for each attempt to send a copy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_error::Error;
use evenkeel_transport::{Heads, Request, StreamBody};
use http::HeaderMap;

use crate::Credential;
use crate::clock::Clock;
use crate::shared::Shared;

/// A request in the back end's words.
pub(crate) enum Written {
    /// With a head of its own.
    Own(Box<Request>),
    /// With the head that the client keeps.
    Kept {
        head: Arc<KeptHead>,
        body: Bytes,
        head_limit: Duration,
    },
}

/// The head of the usual call, which a client writes once.
pub(crate) struct KeptHead {
    /// Without authentication.
    bare: Request,
    /// With that of the client's own credential, if it has one.
    signed: Request,
}

impl Written {
    pub(super) fn kept(head: Arc<KeptHead>, body: Bytes, head_limit: Duration) -> Self {
        Self::Kept {
            head,
            body,
            head_limit,
        }
    }

    /// The same as a usual call of the client's, with none but the client's headers and credential:
    /// its head is kept for the next, where they all have the same.
    pub(super) fn keeping_its_head(self, shared: &Shared) -> Result<Self, Error> {
        let Self::Own(mut bare) = self else {
            return Ok(self);
        };
        let credential = shared.identity.credential.as_ref();
        let is_renewed = credential.is_some_and(|credential| credential.renewable().is_some());
        if shared.backend.heads() != Heads::Same || is_renewed {
            return Ok(Self::Own(bare));
        }
        let (body, head_limit) = (std::mem::take(&mut bare.body), bare.head_limit);
        let mut signed = Request::clone(&bare);
        if let Some(secret) = credential.and_then(Credential::secret) {
            let wall = Clock::wall();
            shared.backend.authorize(&mut signed, secret, wall)?;
        }
        let head = KeptHead {
            bare: *bare,
            signed,
        };
        Ok(Self::kept(shared.memory.keep_head(head), body, head_limit))
    }

    /// The same with a body that is read as it is sent.
    pub(super) fn streaming(self, body: StreamBody) -> Self {
        let mut request = match self {
            Self::Own(request) => request,
            Self::Kept { .. } => Box::new(self.bare()),
        };
        request.stream = Some(body);
        Self::Own(request)
    }

    /// A copy without authentication.
    pub(crate) fn bare(&self) -> Request {
        match self {
            Self::Own(request) => Request::clone(request),
            Self::Kept {
                head,
                body,
                head_limit,
            } => with_body(&head.bare, body, *head_limit),
        }
    }

    /// A copy with the authentication of the client's own credential; `None` where each attempt
    /// writes that.
    pub(super) fn signed(&self) -> Option<Request> {
        match self {
            Self::Own(_) => None,
            Self::Kept {
                head,
                body,
                head_limit,
            } => Some(with_body(&head.signed, body, *head_limit)),
        }
    }

    pub(super) fn head_limit(&self) -> Duration {
        match self {
            Self::Own(request) => request.head_limit,
            Self::Kept { head_limit, .. } => *head_limit,
        }
    }

    /// The body, where it is read as it is sent.
    pub(super) fn stream(&self) -> Option<&StreamBody> {
        match self {
            Self::Own(request) => request.stream.as_ref(),
            Self::Kept { .. } => None,
        }
    }
}

/// Room in the headers for what the HTTP client adds to them (`accept`, `user-agent`, `host`,
/// `content-length`), so that they need not grow.
const ROOM: usize = 4;

fn with_body(head: &Request, body: &Bytes, head_limit: Duration) -> Request {
    let mut request = Request::new(head.method.clone(), head.uri.clone());
    request.headers = HeaderMap::with_capacity(head.headers.len() + ROOM);
    for (name, value) in &head.headers {
        request.headers.append(name, value.clone());
    }
    request.body = body.clone();
    request.head_limit = head_limit;
    request
}
