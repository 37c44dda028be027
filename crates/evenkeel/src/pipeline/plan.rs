use std::sync::Arc;

use evenkeel_error::Error as Failure;
use evenkeel_messages::{MessageRequest, Streaming};
use evenkeel_transport::{Operation, ReplyForm, Request, StreamBody};
use http::Method;

use crate::identity::Identity;
use crate::options::Options;
use crate::repeat::Repeat;
use crate::shared::{Keyless, Lane, Shared, no_credential};
use crate::{Credential, Fetch};

/// What is sent: the same for every attempt.
pub(crate) struct Plan {
    /// In the back end's words, and without authentication, which is each attempt's own.
    request: Request,
    pub(super) repeat: Repeat,
    pub(super) lane: Arc<Lane>,
    pub(super) identity: Arc<Identity>,
    /// The model whose breaker watches the call; other calls feed only the origin's.
    #[cfg(feature = "breaker")]
    pub(super) key: Option<crate::circuit::ModelKey>,
}

impl Plan {
    /// A message, as a stream or in one piece. The fields of the options are in it already: a fallback
    /// changes them too.
    pub(crate) fn message(
        shared: &Shared,
        request: &MessageRequest,
        fetch: Fetch,
        options: &Options,
    ) -> Result<Self, Failure> {
        let timers = &shared.tuning.timers;
        let (streaming, reply, head_limit) = match fetch {
            // The server refuses to stream a reply of no tokens, which warms a cache.
            Fetch::Streamed if request.max_tokens() > 0 => {
                (Streaming::On, ReplyForm::Stream, timers.head)
            }
            Fetch::Streamed | Fetch::Plain => (Streaming::Off, ReplyForm::Whole, timers.plain_head),
        };
        let mut operation = Operation::new(Method::POST, "/v1/messages");
        operation.body = request.to_body(streaming)?;
        operation.model = Some(request.model());
        operation.reply = reply;
        operation.head_limit = head_limit;
        let plan = Self::of(shared, operation, request.model(), options)?;
        Ok(Self {
            repeat: Repeat::of_message(request),
            #[cfg(feature = "breaker")]
            key: Some(crate::circuit::ModelKey::new(
                Arc::clone(&plan.lane.name),
                request.speed(),
            )),
            ..plan
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
        let mut operation = Operation::new(Method::POST, PATH);
        operation.body = request.to_count_body()?;
        operation.model = Some(request.model());
        operation.head_limit = shared.tuning.timers.head;
        Ok(Self {
            repeat: Repeat::Safe,
            ..Self::of(shared, operation, &lane, options)?
        })
    }

    /// Any operation, to which come headers and parameters of client and call. What is shared with
    /// other calls about limits and retries goes by `lane`.
    pub(crate) fn of(
        shared: &Shared,
        mut operation: Operation<'_>,
        lane: &str,
        options: &Options,
    ) -> Result<Self, Failure> {
        options.check()?;
        let identity = match &options.extras {
            None => {
                shared.headers.write(&mut operation.headers);
                Arc::clone(&shared.identity)
            }
            Some(extras) => {
                let headers = extras.headers_over(&shared.headers)?;
                headers.write(&mut operation.headers);
                operation.path = extras.path(operation.path)?;
                shared.identity(extras.credential.as_ref(), &headers)
            }
        };
        if identity.credential.is_none() && shared.keyless == Keyless::Refused {
            return Err(no_credential());
        }
        Ok(Self {
            repeat: Repeat::of_method(&operation.method),
            request: shared.backend.request(operation)?,
            lane: shared.lane(lane),
            identity,
            #[cfg(feature = "breaker")]
            key: None,
        })
    }

    /// The same, of which repeating does something else than its method says.
    pub(crate) fn repeating(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// The same with a body that is read as it is sent.
    pub(crate) fn streaming(mut self, body: StreamBody) -> Self {
        self.request.stream = Some(body);
        self
    }

    /// What each attempt sends a copy of.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// What its attempts are authenticated with.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.identity.credential.as_ref()
    }
}
