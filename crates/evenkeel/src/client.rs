use std::fmt;
use std::sync::Arc;

use evenkeel_transport::Transport;

use crate::shared::Shared;
use crate::{Batches, ClientBuilder, Files, Messages, Models, Raw};

/// A client of the Claude API.
///
/// Cheap to clone. Clones share connections, breakers, retry budgets and what the server said about
/// rate limits to each credential, so make one and clone it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

impl Client {
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A client from the environment: the key in `ANTHROPIC_API_KEY` or the token in
    /// `ANTHROPIC_AUTH_TOKEN`; the address in `ANTHROPIC_BASE_URL` and headers in
    /// `ANTHROPIC_CUSTOM_HEADERS`, one `Name: value` a line, if those are set.
    ///
    /// # Errors
    ///
    /// `invalid_config` when there is neither key, token nor address, when one of them is unusable,
    /// or when there is no key or token and `ANTHROPIC_PROFILE` or an identity token is set: those
    /// have to be exchanged, by a [`Credential::provider`](crate::Credential::provider).
    #[cfg(feature = "reqwest")]
    #[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
    pub fn from_env() -> Result<Self, crate::Error> {
        crate::environment::read(Self::builder())?.build()
    }

    /// A client on the default transport.
    #[cfg(feature = "reqwest")]
    #[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::reqwest()
    }

    /// A client on a transport of the caller's.
    pub fn with_transport(transport: impl Transport + 'static) -> ClientBuilder {
        ClientBuilder::given(Box::new(transport))
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// The Messages API.
    pub fn messages(&self) -> Messages {
        Messages::new(Arc::clone(&self.shared))
    }

    /// The models that there are.
    pub fn models(&self) -> Models {
        Models::new(Arc::clone(&self.shared))
    }

    /// Batches of messages: half the price, done within a day.
    pub fn batches(&self) -> Batches {
        Batches::new(Arc::clone(&self.shared))
    }

    /// Files, which messages can refer to and tools make.
    pub fn files(&self) -> Files {
        Files::new(Arc::clone(&self.shared))
    }

    /// Any path of the API, with the same protection.
    pub fn raw(&self) -> Raw {
        Raw::new(Arc::clone(&self.shared))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.shared.backend.base_url().origin())
            .finish_non_exhaustive()
    }
}
