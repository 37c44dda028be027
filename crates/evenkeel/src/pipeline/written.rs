//! The request of a call as its plan keeps it, for each attempt to send a copy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_error::Error;
use evenkeel_transport::{Heads, Request, StreamBody};

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

fn with_body(head: &Request, body: &Bytes, head_limit: Duration) -> Request {
    let mut request = head.clone();
    request.body = body.clone();
    request.head_limit = head_limit;
    request
}

#[cfg(test)]
mod tests {
    use evenkeel_messages::MessageRequest;

    use crate::options::Options;
    use crate::pipeline::Plan;
    use crate::{Client, Fetch, Token};

    fn client() -> crate::ClientBuilder {
        Client::with_transport(crate::nowhere::Nowhere)
    }

    fn plan(client: &Client, options: &Options) -> Plan {
        let request = MessageRequest::new("m", 1).user("x");
        Plan::message(&client.shared(), &request, Fetch::Plain, options).unwrap()
    }

    #[test]
    fn the_key_is_in_one_place_however_many_calls_carry_it() {
        let client = client().api_key("sk-ant-1").build().unwrap();
        let [first, second] = [(); 2].map(|()| {
            let plan = plan(&client, &Options::default());
            plan.written().signed().unwrap().headers["x-api-key"].clone()
        });
        assert_eq!(first, "sk-ant-1");
        assert!(first.is_sensitive() && second.is_sensitive());
        assert_eq!(first.as_bytes().as_ptr(), second.as_bytes().as_ptr());
    }

    #[test]
    fn a_kept_head_says_what_a_head_of_its_own_says() {
        let client = client().api_key("sk-ant-1").header("x-team", "keel");
        let client = client.build().unwrap();
        let mut with_extras = Options::default();
        with_extras.extras_mut();
        let own = plan(&client, &with_extras).written().bare();
        for _ in 0..2 {
            let kept = plan(&client, &Options::default());
            let (bare, signed) = (kept.written().bare(), kept.written().signed().unwrap());
            assert_eq!((&bare.method, &bare.uri), (&own.method, &own.uri));
            assert_eq!((&bare.headers, &bare.body), (&own.headers, &own.body));
            assert_eq!(bare.head_limit, own.head_limit);
            assert_eq!((&signed.uri, &signed.body), (&own.uri, &own.body));
        }
    }

    #[test]
    fn what_differs_from_call_to_call_is_not_kept() {
        let own_key = client().api_key("sk-ant-1").build().unwrap();
        let mut options = Options::default();
        options.extras_mut().beta("a-beta-2026-01-01".into());
        plan(&own_key, &Options::default());
        let plan_with_beta = plan(&own_key, &options);
        assert!(plan_with_beta.written().signed().is_none());
        assert_eq!(
            plan_with_beta.written().bare().headers["anthropic-beta"],
            "a-beta-2026-01-01"
        );

        let provider = crate::Credential::provider(|| async { Ok(Token::bearer("one")) });
        let renewed = client().credential(provider).build().unwrap();
        for _ in 0..2 {
            assert!(
                plan(&renewed, &Options::default())
                    .written()
                    .signed()
                    .is_none()
            );
        }
    }
}
