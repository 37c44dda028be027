use std::fmt;
use std::sync::Arc;

use evenkeel_messages::MessageRequest;

use crate::Client;

/// Another model, or another endpoint, to ask when the first brings no reply.
///
/// A call goes to its next fallback, before anything of a reply has come, when
///
/// - the circuit breaker refuses it,
/// - there was no capacity, at the first attempt and after a wait,
/// - the reply did not begin in time, if the request may be repeated,
/// - the model refused before it had said anything.
///
/// It never does after a refusal of the request or of the account. A fallback that refuses the
/// request itself ends the call with what the one before it had met. The next call asks the first
/// model again, as soon as its breaker lets it.
///
/// The request goes out without the thinking of the model before, which is bound to it, and without
/// `fallbacks`, `fallback_credit_token`, `speed` and `thread`; everything else is sent byte for
/// byte, but for the changes that [`with`](Self::with) makes.
///
/// ```
/// use evenkeel::Fallback;
/// use evenkeel::messages::Effort;
///
/// let fallback = Fallback::to("claude-haiku-5-5").with(|request| {
///     request.with_max_tokens(1024).without("thinking").effort(Effort::Low)
/// });
/// ```
#[derive(Clone)]
#[must_use]
pub struct Fallback {
    pub(crate) model: String,
    pub(crate) client: Option<Client>,
    change: Option<Change>,
}

/// Changes a request for another model.
type Change = Arc<dyn Fn(MessageRequest) -> MessageRequest + Send + Sync>;

impl Fallback {
    /// This model, at the same endpoint.
    pub fn to(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            client: None,
            change: None,
        }
    }

    /// At the endpoint of this client, with its credential, headers, limits and breakers. What the
    /// call sets itself holds there too, its credential apart.
    ///
    /// Observers of this client hear of what happens there, under a number and on the clock of this
    /// client. Those of the first client hear up to `fell_back`, and of the end only if the call comes
    /// back to it. Who is to hear of all of it listens to the call itself.
    pub fn via(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Changes the request: what the model cannot take, or what is to cost less.
    pub fn with(
        mut self,
        change: impl Fn(MessageRequest) -> MessageRequest + Send + Sync + 'static,
    ) -> Self {
        self.change = Some(Arc::new(change));
        self
    }

    /// The request that it is asked.
    pub(crate) fn request(&self, request: MessageRequest) -> MessageRequest {
        let request = request.for_model(self.model.as_str());
        match &self.change {
            None => request,
            Some(change) => change(request),
        }
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("model", &self.model)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
