//! The same client without `async`: for programs without a runtime, scripts, threads.
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")] {
//! use evenkeel::{MessageRequest, blocking};
//!
//! let client = blocking::Client::from_env()?; // ANTHROPIC_API_KEY
//! let request = MessageRequest::new("claude-sonnet-5-5", 1024).user("Hello");
//! let reply = client.messages().create(request)?;
//! println!("{}", reply.text());
//! # }
//! # Ok::<(), evenkeel::Error>(())
//! ```
//!
//! The builder, the options, the events and the errors are those of [`crate::Client`]: the builder
//! ends with [`build_blocking`](crate::ClientBuilder::build_blocking). A stream is an [`Iterator`].
//!
//! **Threads.** Clones share one thread, which keeps connections and timers alive and ends soon after
//! the last of them, and of their streams, was dropped. A call runs on the thread that makes it;
//! observers, propagators and providers of tokens are asked there. Dropping blocks nowhere.
//!
//! On the shared thread run the sources of uploads, and what was spawned inside
//! [`block_on`](Client::block_on). A call that blocks there would wait for what that thread should be
//! doing; it is refused, with `invalid_config`. Such code uses the [async client](Client::as_async), or is
//! given what a thread of its own reads.
//!
//! **Inside a runtime.** A call from a thread of a tokio runtime works and holds that thread until it
//! is done, with all that would have run on it: prefer [`crate::Client`] there, or a thread of its own
//! (`tokio::task::spawn_blocking`). A transport that needs tasks of that same thread to go on waits for
//! ever.
//!
//! **Ending early.** A call ends by itself as its patience and its deadline say. Signals are left
//! alone: Ctrl-C ends the program as it does without this.

use std::fmt;
use std::sync::Arc;

use evenkeel_transport::Transport;

use crate::{ClientBuilder, Error};

mod batches;
mod files;
mod items;
mod messages;
mod models;
mod raw;
mod runtime;
mod stream;

pub use batches::Batches;
pub use files::Files;
pub use items::Items;
pub use messages::Messages;
pub use models::Models;
pub use raw::Raw;
pub(crate) use runtime::Runtime;
pub use stream::MessageStream;

/// A client of the Claude API whose calls block; [`crate::Client`] on a small runtime of its own.
///
/// Cheap to clone. Clones share everything that those of a [`crate::Client`] do, and the runtime.
#[derive(Clone)]
pub struct Client {
    inner: crate::Client,
    runtime: Arc<Runtime>,
}

impl Client {
    pub(crate) fn of(inner: crate::Client) -> Result<Self, Error> {
        Ok(Self {
            inner,
            runtime: Arc::new(Runtime::start()?),
        })
    }

    /// A client from the environment; see [`crate::Client::from_env`].
    ///
    /// # Errors
    ///
    /// As [`crate::Client::from_env`] and [`ClientBuilder::build_blocking`].
    #[cfg(feature = "reqwest")]
    #[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
    pub fn from_env() -> Result<Self, Error> {
        crate::environment::read(Self::builder())?.build_blocking()
    }

    /// A client on the default transport. Ends with [`ClientBuilder::build_blocking`].
    #[cfg(feature = "reqwest")]
    #[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
    pub fn builder() -> ClientBuilder {
        crate::Client::builder()
    }

    /// A client on a transport of the caller's. Ends with [`ClientBuilder::build_blocking`].
    pub fn with_transport(transport: impl Transport + 'static) -> ClientBuilder {
        crate::Client::with_transport(transport)
    }

    /// The Messages API.
    pub fn messages(&self) -> Messages {
        Messages::new(self.inner.messages(), &self.runtime)
    }

    /// The models that there are.
    pub fn models(&self) -> Models {
        Models::new(self.inner.models(), &self.runtime)
    }

    /// Many messages at once, within a day.
    pub fn batches(&self) -> Batches {
        Batches::new(self.inner.batches(), &self.runtime)
    }

    /// Files that requests refer to.
    pub fn files(&self) -> Files {
        Files::new(self.inner.files(), &self.runtime)
    }

    /// Any path of the API, with the same protection.
    pub fn raw(&self) -> Raw {
        Raw::new(self.inner.raw(), &self.runtime)
    }

    /// The client that this one blocks on, for what has no form here. Its futures go to
    /// [`block_on`](Self::block_on).
    #[must_use]
    pub fn as_async(&self) -> &crate::Client {
        &self.inner
    }

    /// Blocks on any future that ends in a result, with this client's runtime around it. It is dropped
    /// when done, or when it panics.
    ///
    /// ```no_run
    /// # fn example(client: evenkeel::blocking::Client) -> Result<(), evenkeel::Error> {
    /// let models = client.as_async().models();
    /// let model = client.block_on(async move { models.retrieve("claude-sonnet-5-5").await })?;
    /// println!("{:?}", model.display_name);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The future's own; and `invalid_config` on the thread that drives a blocking client, where it
    /// would wait for itself (see [`blocking`](crate::blocking), "Threads").
    pub fn block_on<T, E: From<Error>>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.runtime.block_on(future)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
