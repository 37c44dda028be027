use std::fmt;
use std::sync::Arc;

use evenkeel_messages::{MessageRequest, RawJson, TokenCount};
use serde::Serialize;

use crate::options::{Options, option_setters};
use crate::pipeline::{Call, Hop, Hops, Plan};
use crate::shared::Shared;
use crate::{Answered, DryRun, Error, Fallback, Fetch, MessageStream, Reply, answered};

/// The Messages API, with the options of the calls made through it. Made by
/// [`Client::messages`](crate::Client::messages).
#[derive(Clone)]
#[must_use]
pub struct Messages {
    shared: Arc<Shared>,
    pub(crate) options: Options,
    fetch: Fetch,
    fallbacks: Vec<Fallback>,
}

impl Messages {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            options: Options::default(),
            fetch: Fetch::default(),
            fallbacks: Vec::new(),
        }
    }

    option_setters!();

    /// A top-level field of the body; replaces the request's own. A value without a JSON form, and
    /// the names that the request sets elsewhere, are `invalid_config` when the call is made.
    pub fn field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let value = RawJson::new(&value);
        self.options.extras_mut().field(name.into(), value);
        self
    }

    /// How [`create`](Self::create) asks for the reply. Default [`Fetch::Streamed`].
    pub fn fetch(mut self, fetch: Fetch) -> Self {
        self.fetch = fetch;
        self
    }

    /// Whether a [`stream`](Self::stream) that breaks off after its first content is asked for again.
    /// Default: the client's, [`Restart::Never`](crate::Restart::Never).
    #[cfg(feature = "retry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
    pub fn restart(mut self, restart: crate::Restart) -> Self {
        self.options.restart = Some(restart);
        self
    }

    /// Whom to ask when no reply comes; may be given several times, in the order in which they are
    /// tried.
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallbacks.push(fallback);
        self
    }

    /// Sends a request and returns the whole reply.
    ///
    /// # Errors
    ///
    /// The last failure, with every attempt and why there was no other. Nothing incomplete is ever
    /// returned as a reply; what had arrived is in [`Error::partial`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime whose timers are enabled: that is tokio's rule for its timers.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once and releases its connection, its place with the
    /// breakers and its budget token.
    pub fn create(
        &self,
        request: MessageRequest,
    ) -> impl Future<Output = Result<Reply, Error>> + Send + use<> {
        let calls = self.clone();
        async move {
            let call = calls.call(request, calls.fetch)?;
            // What a caller moves about, into a task or a box of its own, stays small.
            Box::pin(call.collect()).await
        }
    }

    /// Sends a request and returns the reply as it arrives, from its first content on.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), for everything that happens before the first content.
    ///
    /// # Cancellation
    ///
    /// As [`create`](Self::create); dropping the stream does the same later.
    pub fn stream(
        &self,
        request: MessageRequest,
    ) -> impl Future<Output = Result<MessageStream, Error>> + Send + use<> {
        let calls = self.clone();
        async move {
            let mut call = calls.call(request, Fetch::Streamed)?;
            let live = call.open_message().await?;
            let stream = MessageStream::new(call, live);
            #[cfg(feature = "retry")]
            let restart = calls.options.restart;
            #[cfg(feature = "retry")]
            let stream = stream.restarting(restart.unwrap_or(calls.shared.tuning.restart));
            Ok(stream)
        }
    }

    /// Sends a request whose reply is JSON that matches the schema of `T`, and returns the reply read
    /// as a `T`. The schema is [`json_schema`](crate::json_schema()), in `output_config.format`; one
    /// that the request has is replaced. The first reply for a schema may take longer, up to 180 s:
    /// the server compiles it then.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), in [`TypedError::Call`](crate::TypedError::Call), and
    /// `invalid_config` for a type that has no such schema. A whole reply that is no `T` is an error
    /// that has it: refused, cut off, not an answer yet, or of another form.
    ///
    /// # Cancellation
    ///
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # struct Script(std::sync::Mutex<std::vec::IntoIter<&'static str>>);
    /// # impl evenkeel::transport::Transport for Script {
    /// #     fn send(
    /// #         &self,
    /// #         _: evenkeel::transport::Request,
    /// #     ) -> evenkeel::transport::BoxFuture<'_, Result<evenkeel::transport::Response, evenkeel::error::Error>> {
    /// #         let body = self.0.lock().unwrap().next().unwrap();
    /// #         let json = http::HeaderValue::from_static("application/json");
    /// #         let headers = http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, json)]);
    /// #         let facts = evenkeel::error::Facts::read(200, &headers, std::time::SystemTime::UNIX_EPOCH);
    /// #         let body = evenkeel::transport::Body::from_bytes(body.into());
    /// #         Box::pin(std::future::ready(Ok(evenkeel::transport::Response::new(facts, headers, body))))
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let replies = vec![
    /// #     r#"{"type":"message","id":"msg_1","role":"assistant","model":"m","content":[{"type":"text","text":"{\"number\":\"A-17\",\"total\":12.5}"}],"stop_reason":"end_turn","usage":{}}"#,
    /// # ];
    /// # let script = Script(std::sync::Mutex::new(replies.into_iter()));
    /// # let client = evenkeel::Client::with_transport(script).api_key("key").build()?;
    /// use evenkeel::MessageRequest;
    /// use evenkeel::schemars::{self, JsonSchema};
    ///
    /// #[derive(serde::Deserialize, JsonSchema)]
    /// struct Invoice {
    ///     /// As printed, with its dashes.
    ///     number: String,
    ///     total: f64,
    /// }
    ///
    /// let request = MessageRequest::new("claude-sonnet-5-5", 1024).user("Invoice A-17, 12.50 in all.");
    /// let invoice = client.messages().create_as::<Invoice>(request).await?;
    /// assert_eq!((invoice.number.as_str(), invoice.total), ("A-17", 12.5));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "schema")]
    #[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
    pub fn create_as<T>(
        &self,
        request: MessageRequest,
    ) -> impl Future<Output = Result<crate::Typed<T>, crate::TypedError>> + Send + use<T>
    where
        T: serde::de::DeserializeOwned + schemars::JsonSchema,
    {
        let calls = self.clone();
        async move {
            let schema = crate::json_schema::<T>().map_err(Error::from)?;
            let reply = calls.create(request.json_schema(schema)).await?;
            crate::Typed::read(reply)
        }
    }

    /// Lets the model call tools that run here until it has an answer. Each request is one call with
    /// these options and the whole protection: a deadline is that of one request, not of the run.
    ///
    /// ```
    /// # #[cfg(feature = "schema")] {
    /// # struct Script(std::sync::Mutex<std::vec::IntoIter<&'static str>>);
    /// # impl evenkeel::transport::Transport for Script {
    /// #     fn send(
    /// #         &self,
    /// #         _: evenkeel::transport::Request,
    /// #     ) -> evenkeel::transport::BoxFuture<'_, Result<evenkeel::transport::Response, evenkeel::error::Error>> {
    /// #         let body = self.0.lock().unwrap().next().unwrap();
    /// #         let json = http::HeaderValue::from_static("application/json");
    /// #         let headers = http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, json)]);
    /// #         let facts = evenkeel::error::Facts::read(200, &headers, std::time::SystemTime::UNIX_EPOCH);
    /// #         let body = evenkeel::transport::Body::from_bytes(body.into());
    /// #         Box::pin(std::future::ready(Ok(evenkeel::transport::Response::new(facts, headers, body))))
    /// #     }
    /// # }
    /// # async fn look_up(city: &str) -> Result<String, std::io::Error> { Ok(format!("Rain in {city}")) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), evenkeel::Error> {
    /// # let replies = vec![
    /// #     r#"{"type":"message","id":"msg_1","role":"assistant","model":"m","content":[{"type":"tool_use","id":"toolu_1","name":"weather","input":{"name":"Oslo"}}],"stop_reason":"tool_use","usage":{}}"#,
    /// #     r#"{"type":"message","id":"msg_1","role":"assistant","model":"m","content":[{"type":"text","text":"Yes, you do."}],"stop_reason":"end_turn","usage":{}}"#,
    /// # ];
    /// # let script = Script(std::sync::Mutex::new(replies.into_iter()));
    /// # let client = evenkeel::Client::with_transport(script).api_key("key").build()?;
    /// use evenkeel::schemars::{self, JsonSchema};
    /// use evenkeel::{FunctionTool, MessageRequest, RunEnding};
    ///
    /// #[derive(serde::Deserialize, JsonSchema)]
    /// struct City {
    ///     name: String,
    /// }
    ///
    /// let request = MessageRequest::new("claude-sonnet-5-5", 1024).user("Do I need an umbrella in Oslo?");
    /// let weather = FunctionTool::new("weather", "The weather in a city, now.", |city: City| async move {
    ///     look_up(&city.name).await
    /// });
    /// let run = client.messages().tool_runner(request).tool(weather).run().await?;
    /// assert_eq!(run.ending, RunEnding::Answered);
    /// assert_eq!(run.reply.text(), "Yes, you do.");
    /// # Ok(())
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn tool_runner(&self, request: MessageRequest) -> crate::ToolRunner {
        crate::ToolRunner::new(self.clone(), request)
    }

    /// How many input tokens a request has. Costs nothing but a place in a rate limit of its own, so
    /// it is sent again freely.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once.
    pub fn count_tokens(
        &self,
        request: MessageRequest,
    ) -> impl Future<Output = Result<Answered<TokenCount>, Error>> + Send + use<> {
        let calls = self.clone();
        async move {
            let (shared, options) = (&calls.shared, &calls.options);
            let plan = Plan::count(shared, request, options)?;
            let call = Call::new(Arc::clone(shared), plan, options);
            call.fetch(answered::json).await.map(Answered::new)
        }
    }

    /// What [`create`](Self::create) would send, as a command for a shell. Nothing is.
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, request: MessageRequest) -> Result<DryRun, Error> {
        let request = self.options.request(request);
        let plan = Plan::message(&self.shared, &request, self.fetch, &self.options)?;
        Ok(DryRun::of(&plan, &self.shared)?)
    }

    fn call(&self, request: MessageRequest, fetch: Fetch) -> Result<Box<Call>, Error> {
        let (shared, options) = (&self.shared, &self.options);
        let request = options.request(request);
        if self.fallbacks.is_empty() {
            let plan = Plan::message(shared, &request, fetch, options)?;
            return Ok(Call::new(Arc::clone(shared), plan, options));
        }
        let hops = self
            .fallbacks
            .iter()
            .map(|fallback| self.hop(fallback, &request, fetch));
        let hops = Hops::new(request.model(), hops.collect::<Result<_, _>>()?);
        let plan = Plan::message(shared, &request, fetch, options)?;
        Ok(Call::new(Arc::clone(shared), plan, options).falling_back(hops))
    }

    /// A fallback with everything that it takes to ask it: what is wrong with it is said before
    /// anything is sent.
    fn hop(&self, to: &Fallback, request: &MessageRequest, fetch: Fetch) -> Result<Hop, Error> {
        let request = to.request(request.clone());
        let (shared, options) = match &to.client {
            None => (Arc::clone(&self.shared), self.options.clone()),
            Some(client) => (client.shared(), self.options.clone().elsewhere()),
        };
        let model = request.model().to_owned();
        Ok(Hop {
            plan: Plan::message(&shared, &request, fetch, &options)?,
            shared,
            model,
            options,
        })
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send + 'static>(_: &T) {}

    fn is_stream<T: futures_core::Stream + Send + Unpin + 'static>() {}

    /// Whoever spawns, boxes or joins calls moves and stores their futures.
    #[test]
    fn the_futures_of_calls_are_small() {
        let transport = crate::nowhere::Nowhere;
        let client = crate::Client::with_transport(transport).build().unwrap();
        let request = || MessageRequest::new("m", 1).user("x");
        let create = size_of_val(&client.messages().create(request()));
        assert!(create <= 320, "{create} bytes");
        let (shared, options) = (client.shared(), Options::default());
        let plan = Plan::message(&shared, &request(), Fetch::Plain, &options).unwrap();
        let collect = size_of_val(&Call::new(shared, plan, &options).collect());
        assert!(collect <= 3_072, "{collect} bytes");
    }

    #[test]
    fn a_call_can_be_spawned_and_a_stream_can_be_kept_anywhere() {
        let transport = crate::nowhere::Nowhere;
        let client = crate::Client::with_transport(transport).build().unwrap();
        let request = || MessageRequest::new("m", 1).user("x");
        is_send(&client.messages().create(request()));
        is_send(&client.messages().stream(request()));
        is_stream::<MessageStream>();
        is_send(&client.files().upload(crate::Upload::bytes("a", "x")));
        is_send(&client.files().download("a"));
        is_stream::<crate::Download>();
        is_stream::<crate::ResultStream>();
        is_stream::<crate::BatchPoller>();
    }
}
