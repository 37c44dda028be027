use std::fmt;
use std::sync::Arc;

use evenkeel_messages::{MessageRequest, TokenCount};
use serde::Serialize;

use super::{MessageStream, Runtime};
use crate::options::option_setters;
use crate::{Answered, DryRun, Error, Fallback, Fetch, Reply};

/// The Messages API, with the options of the calls made through it: [`crate::Messages`], blocking.
/// Made by [`Client::messages`](super::Client::messages).
#[derive(Clone)]
#[must_use]
pub struct Messages {
    inner: crate::Messages,
    runtime: Arc<Runtime>,
}

impl Messages {
    pub(super) fn new(inner: crate::Messages, runtime: &Arc<Runtime>) -> Self {
        Self {
            inner,
            runtime: Arc::clone(runtime),
        }
    }

    option_setters!(inner.options);

    /// See [`crate::Messages::field`].
    pub fn field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.inner = self.inner.field(name, value);
        self
    }

    /// See [`crate::Messages::fetch`].
    pub fn fetch(mut self, fetch: Fetch) -> Self {
        self.inner = self.inner.fetch(fetch);
        self
    }

    /// See [`crate::Messages::restart`].
    #[cfg(feature = "retry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
    pub fn restart(mut self, restart: crate::Restart) -> Self {
        self.inner = self.inner.restart(restart);
        self
    }

    /// See [`crate::Messages::fallback`].
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.inner = self.inner.fallback(fallback);
        self
    }

    /// Sends a request and returns the whole reply.
    ///
    /// # Errors
    ///
    /// As [`crate::Messages::create`].
    pub fn create(&self, request: MessageRequest) -> Result<Reply, Error> {
        self.runtime.block_on(self.inner.create(request))
    }

    /// Sends a request and returns the reply as it arrives, once its first content has.
    ///
    /// ```no_run
    /// # fn example(client: evenkeel::blocking::Client, request: evenkeel::MessageRequest)
    /// # -> Result<(), evenkeel::Error> {
    /// let mut stream = client.messages().stream(request)?;
    /// for event in &mut stream {
    ///     if let Some(text) = event?.text() {
    ///         print!("{text}");
    ///     }
    /// }
    /// let reply = stream.finish()?;
    /// # let _ = reply;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`crate::Messages::stream`].
    pub fn stream(&self, request: MessageRequest) -> Result<MessageStream, Error> {
        let stream = self.runtime.block_on(self.inner.stream(request))?;
        Ok(MessageStream::new(stream, &self.runtime))
    }

    /// Sends a request whose reply is JSON that matches the schema of `T`, and returns the reply read
    /// as a `T`.
    ///
    /// # Errors
    ///
    /// As [`crate::Messages::create_as`].
    #[cfg(feature = "schema")]
    #[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
    pub fn create_as<T>(
        &self,
        request: MessageRequest,
    ) -> Result<crate::Typed<T>, crate::TypedError>
    where
        T: serde::de::DeserializeOwned + schemars::JsonSchema,
    {
        self.runtime.block_on(self.inner.create_as(request))
    }

    /// Lets the model call tools until it has an answer: the runner of
    /// [`crate::Messages::tool_runner`], whose `run` goes to
    /// [`Client::block_on`](super::Client::block_on).
    ///
    /// ```no_run
    /// # fn example(client: evenkeel::blocking::Client, request: evenkeel::MessageRequest)
    /// # -> Result<(), evenkeel::Error> {
    /// let mut runner = client.messages().tool_runner(request); // .tool(…)
    /// let run = client.block_on(runner.run())?;
    /// println!("{}", run.reply.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn tool_runner(&self, request: MessageRequest) -> crate::ToolRunner {
        self.inner.tool_runner(request)
    }

    /// How many input tokens a request has.
    ///
    /// # Errors
    ///
    /// As [`crate::Messages::count_tokens`].
    pub fn count_tokens(&self, request: MessageRequest) -> Result<Answered<TokenCount>, Error> {
        self.runtime.block_on(self.inner.count_tokens(request))
    }

    /// See [`crate::Messages::dry_run`].
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, request: MessageRequest) -> Result<DryRun, Error> {
        self.inner.dry_run(request)
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
