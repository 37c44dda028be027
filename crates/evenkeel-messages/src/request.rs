use std::fmt;

use bytes::Bytes;
use evenkeel_error::{Error, InvalidConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    ApiVersion, CacheControl, Compaction, Container, Content, ContentBlock, ContextManagement,
    DiagnosticsRequest, Effort, Extra, FallbackCreditToken, Fallbacks, JsonSchemaFormat, McpServer,
    Message, MessageParam, MessageThread, OutputFormat, RawJson, ServiceTier, Speed, SystemBlock,
    Thinking, Tool, ToolChoice, ToolResult,
};

mod count;
mod json;
mod retarget;
mod rules;
mod version;

/// A request to `POST /v1/messages`.
///
/// The three parameters that every request has are typed; every other one is kept as JSON, so that
/// a whole request read from a file goes out with the bytes that it came with. Setters never fail:
/// a value that has no JSON form is reported by [`to_body`](Self::to_body). Whether a model takes a
/// parameter is for the server to say.
///
/// `Debug` shows model, `max_tokens` and counts; never a prompt.
///
/// ```
/// use evenkeel_messages::{MessageRequest, Streaming};
///
/// let request = MessageRequest::new("claude-sonnet-5-5", 1024)
///     .system("Answer in one word.")
///     .user("Capital of France?");
/// assert!(request.to_body(Streaming::On)?.ends_with(br#""stream":true}"#));
/// # Ok::<(), evenkeel_error::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct MessageRequest {
    model: String,
    max_tokens: u32,
    messages: Vec<MessageParam>,
    parameters: Extra,
    broken: Option<InvalidConfig>,
}

/// How the reply is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Streaming {
    /// As server-sent events, while it is made.
    On,
    /// As one JSON message, when it is done.
    Off,
}

/// Building one.
impl MessageRequest {
    /// A request without messages. `max_tokens`: the most that the reply may cost, thinking
    /// included; 0 only warms the cache.
    pub fn new(model: impl Into<String>, max_tokens: u32) -> Self {
        Self {
            model: model.into(),
            max_tokens,
            messages: Vec::new(),
            parameters: Extra::default(),
            broken: None,
        }
    }

    /// Adds a message from the user.
    pub fn user(self, text: impl Into<String>) -> Self {
        self.message(MessageParam::user(text.into()))
    }

    /// Adds a message from the model.
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.message(MessageParam::assistant(text.into()))
    }

    /// Adds a message. A reply goes back with [`Message::into_param`](crate::Message::into_param).
    pub fn message(mut self, message: MessageParam) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds the model's reply, every block as it came.
    pub fn reply(self, reply: impl Into<Message>) -> Self {
        self.message(reply.into().into_param())
    }

    /// Adds the results of tool calls, as one message from the user.
    pub fn tool_results(self, results: impl IntoIterator<Item = ToolResult>) -> Self {
        let blocks: Vec<_> = results.into_iter().map(ContentBlock::from).collect();
        self.message(MessageParam::user(blocks))
    }

    /// The system prompt; replaces an earlier one.
    pub fn system(self, text: impl AsRef<str>) -> Self {
        self.set("system", text.as_ref())
    }

    /// The system prompt in blocks, to mark what is cached; replaces an earlier one.
    pub fn system_blocks(self, blocks: impl IntoIterator<Item = SystemBlock>) -> Self {
        let blocks: Vec<_> = blocks.into_iter().collect();
        self.set("system", &blocks)
    }

    /// Adds a tool.
    pub fn tool(self, tool: impl Into<Tool>) -> Self {
        let mut tools: Vec<RawJson> = self.parameters.parse("tools").unwrap_or_default();
        match RawJson::new(&tool.into()) {
            Ok(tool) => {
                tools.push(tool);
                self.set("tools", &tools)
            }
            Err(invalid) => self.refuse(invalid),
        }
    }

    /// Which tools the model may or must call.
    pub fn tool_choice(self, choice: impl Into<ToolChoice>) -> Self {
        self.set("tool_choice", &choice.into())
    }

    /// Whether and how the model thinks first.
    pub fn thinking(self, thinking: impl Into<Thinking>) -> Self {
        self.set("thinking", &thinking.into())
    }

    /// How much work goes into the reply. Leaves the rest of `output_config` as it is.
    pub fn effort(self, effort: impl Into<Effort>) -> Self {
        self.set_inside("output_config", "effort", &effort.into())
    }

    /// The reply is JSON that matches `schema`. Leaves the rest of `output_config` as it is.
    pub fn json_schema(self, schema: RawJson) -> Self {
        let format = OutputFormat::from(JsonSchemaFormat::new(schema));
        self.set_inside("output_config", "format", &format)
    }

    /// An opaque id of the end user, no name and no address: `metadata.user_id`.
    pub fn user_id(self, id: impl AsRef<str>) -> Self {
        self.set_inside("metadata", "user_id", id.as_ref())
    }

    /// Texts that end the reply when the model produces one; replaces earlier ones.
    pub fn stop_sequences<S: AsRef<str>>(self, texts: impl IntoIterator<Item = S>) -> Self {
        let texts: Vec<String> = texts
            .into_iter()
            .map(|text| text.as_ref().to_owned())
            .collect();
        self.set("stop_sequences", &texts)
    }

    /// Caches the longest prefix that can be: `cache_control` of the whole request.
    pub fn cache_control(self, cache: impl Into<CacheControl>) -> Self {
        self.set("cache_control", &cache.into())
    }

    /// The capacity to use.
    pub fn service_tier(self, tier: impl Into<ServiceTier>) -> Self {
        self.set("service_tier", &tier.into())
    }

    /// How fast, at what price.
    pub fn with_speed(self, speed: impl Into<Speed>) -> Self {
        self.set("speed", &speed.into())
    }

    /// Where the reply is made, such as `us`.
    pub fn inference_geo(self, geo: impl AsRef<str>) -> Self {
        self.set("inference_geo", geo.as_ref())
    }

    /// The container in which code runs.
    pub fn container(self, container: impl Into<Container>) -> Self {
        self.set("container", &container.into())
    }

    /// What the server removes from a conversation that grows. Needs a beta.
    pub fn context_management(self, management: impl Into<ContextManagement>) -> Self {
        self.set("context_management", &management.into())
    }

    /// MCP servers whose tools the model may call; replaces earlier ones. Needs a beta.
    pub fn with_mcp_servers(self, servers: impl IntoIterator<Item = McpServer>) -> Self {
        let servers: Vec<_> = servers.into_iter().collect();
        self.set("mcp_servers", &servers)
    }

    /// Who takes over after a refusal. Needs a beta.
    pub fn fallbacks(self, fallbacks: &Fallbacks) -> Self {
        self.set("fallbacks", fallbacks)
    }

    /// Pays for the cache of a retry after a refusal. Needs a beta.
    pub fn fallback_credit_token(self, token: impl Into<FallbackCreditToken>) -> Self {
        self.set("fallback_credit_token", &token.into())
    }

    /// A conversation that the server remembers. Needs a beta.
    pub fn thread(self, thread: impl Into<MessageThread>) -> Self {
        self.set("thread", &thread.into())
    }

    /// The conversation is to be summarised, not answered. Needs a beta.
    pub fn compaction(self, compaction: impl Into<Compaction>) -> Self {
        self.set("compaction", &compaction.into())
    }

    /// Asks why the cache was missed.
    pub fn diagnostics(self, diagnostics: impl Into<DiagnosticsRequest>) -> Self {
        self.set("diagnostics", &diagnostics.into())
    }

    /// Randomness, 0 to 1. Only models up to 4.6 take it, and only API version 2023-06-01.
    pub fn temperature(self, temperature: f64) -> Self {
        self.set_finite("temperature", temperature)
    }

    /// Nucleus sampling, 0 to 1. Only models up to 4.6 take it, and only API version 2023-06-01.
    pub fn top_p(self, top_p: f64) -> Self {
        self.set_finite("top_p", top_p)
    }

    /// Only the so many likeliest tokens. Only models up to 4.6 take it, and only API version
    /// 2023-06-01.
    pub fn top_k(self, top_k: u32) -> Self {
        self.set("top_k", &top_k)
    }

    /// Any other top-level parameter; replaces an earlier value, also one that a setter here made.
    pub fn extra(self, name: &str, value: impl Serialize) -> Self {
        match Self::check_extra("extra", name) {
            Ok(()) => self.set(name, &value),
            Err(invalid) => self.refuse(invalid),
        }
    }

    fn set<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        match RawJson::new(value) {
            Ok(raw) => {
                self.parameters.set(name, raw);
                self
            }
            Err(invalid) => self.refuse(invalid),
        }
    }

    fn set_finite(self, name: &'static str, number: f64) -> Self {
        if number.is_finite() {
            self.set(name, &number)
        } else {
            self.refuse(InvalidConfig::new(name, "must be a finite number"))
        }
    }

    fn set_inside<T: Serialize + ?Sized>(self, name: &str, field: &str, value: &T) -> Self {
        let mut object: Extra = self.parameters.parse(name).unwrap_or_default();
        match RawJson::new(value) {
            Ok(raw) => {
                object.set(field, raw);
                self.set(name, &object)
            }
            Err(invalid) => self.refuse(invalid),
        }
    }

    /// The first fault is the one reported.
    fn refuse(mut self, invalid: InvalidConfig) -> Self {
        self.broken.get_or_insert(invalid);
        self
    }
}

/// Reading and sending it.
impl MessageRequest {
    /// Reads a whole request in JSON, with whatever parameters it has.
    ///
    /// # Errors
    /// `invalid_config` in one line: what is wrong, at which path, line and column, and the cure;
    /// never a part of the prompt.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        // Editors on Windows begin files with a byte order mark.
        let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
        serde_json::from_slice(json).map_err(|error| {
            Error::invalid_config("request", &format!("is not a Messages request: {error}"))
        })
    }

    /// The body to send. A `stream` parameter that the request was read with is replaced.
    ///
    /// # Errors
    /// `invalid_config`, for the first setter that was given a value without a JSON form, or a name
    /// that it may not set; and for a model without a name.
    pub fn to_body(&self, streaming: Streaming) -> Result<Bytes, Error> {
        self.check()?;
        let mut body = Vec::with_capacity(self.size_hint());
        let whole = json::Body {
            request: self,
            streaming,
        };
        match serde_json::to_writer(&mut body, &whole) {
            Ok(()) => Ok(body.into()),
            Err(_) => Err(Error::invalid_config("request", "must have a JSON form")),
        }
    }

    /// About how long the body is, so that writing it seldom moves it.
    fn size_hint(&self) -> usize {
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, value)| name.len() + value.get().len() + 4);
        let messages = self.messages.iter().map(|message| match &message.content {
            Content::Text(text) => text.len() + text.len() / 16 + 40,
            Content::Blocks(_) => 256,
        });
        96 + self.model.len() + messages.sum::<usize>() + parameters.sum::<usize>()
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The most output tokens that the reply may cost.
    #[must_use]
    pub fn max_tokens(&self) -> u32 {
        self.max_tokens
    }

    /// The conversation so far.
    #[must_use]
    pub fn messages(&self) -> &[MessageParam] {
        &self.messages
    }

    /// Any other top-level parameter, as its JSON.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&RawJson> {
        self.parameters.get(name)
    }

    /// A top-level parameter as a `T`, such as [`Thinking`] or `Vec<Tool>`; `None` if it is absent
    /// or is none.
    #[must_use]
    pub fn parameter_as<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.parameters.parse(name)
    }

    /// Whether API version `version` takes the request, as far as that can be said without the
    /// model. Version 2026-10-21 refuses sampling parameters, documents in messages of the model,
    /// and citations in texts of the user (its migration page).
    ///
    /// # Errors
    /// The first parameter that it does not take.
    pub fn fits(&self, version: &ApiVersion) -> Result<(), InvalidConfig> {
        version::check(self, version)
    }

    /// `mcp_servers`, if there are any: their calls act on the outside world, so a request with
    /// them must not be repeated blindly.
    #[must_use]
    pub fn mcp_servers(&self) -> Option<&RawJson> {
        self.parameter("mcp_servers")
            .filter(|raw| !matches!(raw.get(), "null" | "[]"))
    }

    /// `speed`, such as `fast`; it has a capacity of its own.
    #[must_use]
    pub fn speed(&self) -> Option<&str> {
        self.parameter("speed").and_then(RawJson::as_plain_str)
    }
}

impl fmt::Debug for MessageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageRequest")
            .field("model", &self.model)
            .field("max_tokens", &self.max_tokens)
            .field("messages", &self.messages.len())
            .field("parameters", &self.parameters.len())
            .finish_non_exhaustive()
    }
}

sketch_as_debug!(MessageRequest);
take_by_serde!(MessageRequest);

#[cfg(test)]
mod tests;
