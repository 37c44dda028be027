use std::fmt;

use bytes::Bytes;
use evenkeel_error::{Error, InvalidConfig};
use serde::Serialize;

use crate::{Effort, Extra, MessageParam, RawJson, Thinking, Tool, ToolChoice};

mod json;

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

    /// The system prompt; replaces an earlier one. For blocks use [`extra`](Self::extra).
    pub fn system(self, text: impl AsRef<str>) -> Self {
        self.set("system", text.as_ref())
    }

    /// Adds a tool.
    pub fn tool(self, tool: &Tool) -> Self {
        let mut tools: Vec<RawJson> = self.parameters.parse("tools").unwrap_or_default();
        match RawJson::new(tool) {
            Ok(tool) => {
                tools.push(tool);
                self.set("tools", &tools)
            }
            Err(invalid) => self.refuse(invalid),
        }
    }

    /// Which tools the model may or must call.
    pub fn tool_choice(self, choice: &ToolChoice) -> Self {
        self.set("tool_choice", choice)
    }

    /// Whether and how the model thinks first.
    pub fn thinking(self, thinking: &Thinking) -> Self {
        self.set("thinking", thinking)
    }

    /// How much work goes into the reply. Leaves the rest of `output_config` as it is.
    pub fn effort(self, effort: &Effort) -> Self {
        self.set_inside("output_config", "effort", effort)
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

    /// Randomness, 0 to 1. Only older models take it, and only API version 2023-06-01.
    pub fn temperature(self, temperature: f64) -> Self {
        if temperature.is_finite() {
            self.set("temperature", &temperature)
        } else {
            self.refuse(InvalidConfig::new("temperature", "must be a finite number"))
        }
    }

    /// Any other top-level parameter; replaces an earlier value, also one that a setter here made.
    pub fn extra(self, name: &str, value: impl Serialize) -> Self {
        if matches!(name, "model" | "max_tokens" | "messages" | "stream") {
            let rule =
                "must not name model, max_tokens, messages or stream, which are set elsewhere";
            return self.refuse(InvalidConfig::new("extra", rule));
        }
        self.set(name, &value)
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
    /// that it may not set.
    pub fn to_body(&self, streaming: Streaming) -> Result<Bytes, Error> {
        if let Some(invalid) = self.broken {
            return Err(invalid.into());
        }
        match serde_json::to_vec(&json::Body {
            request: self,
            streaming,
        }) {
            Ok(body) => Ok(body.into()),
            Err(_) => Err(Error::invalid_config("request", "must have a JSON form")),
        }
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

#[cfg(test)]
mod tests;
