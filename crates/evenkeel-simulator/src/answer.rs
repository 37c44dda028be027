//! What a generated answer consists of, before a request shapes it.

/// The longest text that can be asked for: as much as the largest context holds. A slip of the finger
/// should not take all memory.
const MOST_TOKENS: u32 = 1_000_000;

/// A generated answer: its blocks in order, and why it stops.
///
/// A request gets it as one JSON message or as server-sent events, whichever it asks for. Ids,
/// signatures and the sizes of pieces come from the seed. When `max_tokens` is reached the answer
/// is cut there, in the middle of a tool call too, and its stop reason is `max_tokens`.
///
/// ```
/// use evenkeel_simulator::{Answer, Reply};
///
/// let answer = Answer::new()
///     .thinking("The user wants the weather.")
///     .text("Let me look.")
///     .tool_use("get_weather", r#"{"city":"Paris"}"#);
/// let reply = Reply::answer(answer);
/// # let _ = reply;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Answer {
    pub(crate) parts: Vec<Part>,
    pub(crate) stop: Option<Stop>,
}

/// One or two blocks of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Tokens(u32),
    Cited {
        text: String,
        quote: String,
    },
    Thinking(String),
    HiddenThinking,
    RedactedThinking,
    ToolUse {
        name: String,
        input: String,
    },
    ToolCall,
    WebSearch {
        query: String,
    },
    Compaction(String),
    Verbatim(String),
    /// Thinking and a tool call if the request asks for them, else this text.
    Lifelike(String),
}

/// Why an answer stops, where it is not the answer itself that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    Reason(String),
    Sequence(String),
    Refusal {
        category: String,
        explanation: String,
    },
}

impl Answer {
    /// An answer without content.
    pub fn new() -> Self {
        Self::default()
    }

    /// An answer as the request would have it: thinking if that is on, a tool call if it offers
    /// tools and does not bring a tool's result, else this text.
    pub fn lifelike(text: impl Into<String>) -> Self {
        Self::new().lifelike_text(text)
    }

    pub(crate) fn lifelike_text(self, text: impl Into<String>) -> Self {
        self.part(Part::Lifelike(text.into()))
    }

    /// A refusal: `stop_reason` `refusal` with these details, after whatever content there is.
    pub fn refusal(category: impl Into<String>, explanation: impl Into<String>) -> Self {
        let (category, explanation) = (category.into(), explanation.into());
        Self {
            stop: Some(Stop::Refusal {
                category,
                explanation,
            }),
            ..Self::new()
        }
    }

    /// Adds a text block.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.part(Part::Text(text.into()))
    }

    /// Adds a text block of this many tokens, at most 1,000,000, the same for the same seed.
    pub fn tokens(self, count: u32) -> Self {
        self.part(Part::Tokens(count))
    }

    /// Adds a text block with a citation of the first document of the request.
    pub fn cited_text(self, text: impl Into<String>, quote: impl Into<String>) -> Self {
        let (text, quote) = (text.into(), quote.into());
        self.part(Part::Cited { text, quote })
    }

    /// Adds a thinking block with its signature.
    pub fn thinking(self, text: impl Into<String>) -> Self {
        self.part(Part::Thinking(text.into()))
    }

    /// Adds a thinking block whose text is left out: a signature only.
    pub fn hidden_thinking(self) -> Self {
        self.part(Part::HiddenThinking)
    }

    /// Adds a `redacted_thinking` block.
    pub fn redacted_thinking(self) -> Self {
        self.part(Part::RedactedThinking)
    }

    /// Adds a call of this tool. `input` is a JSON object.
    pub fn tool_use(self, name: impl Into<String>, input: impl Into<String>) -> Self {
        let (name, input) = (name.into(), input.into());
        self.part(Part::ToolUse { name, input })
    }

    /// Adds a call of the tool that the request forces, or of the first that it offers, with an
    /// input that fits its schema. Nothing if it offers none.
    pub fn tool_call(self) -> Self {
        self.part(Part::ToolCall)
    }

    /// Adds a web search on the server with its result.
    pub fn web_search(self, query: impl Into<String>) -> Self {
        let query = query.into();
        self.part(Part::WebSearch { query })
    }

    /// Adds a compaction block.
    pub fn compaction(self, summary: impl Into<String>) -> Self {
        self.part(Part::Compaction(summary.into()))
    }

    /// Adds a block that is exactly this JSON object, known to the API or not.
    pub fn block(self, json: impl Into<String>) -> Self {
        self.part(Part::Verbatim(json.into()))
    }

    /// Stops for this reason, known to the API or not. Default: `tool_use` after a tool call,
    /// `end_turn` otherwise.
    pub fn stop_reason(mut self, reason: impl Into<String>) -> Self {
        self.stop = Some(Stop::Reason(reason.into()));
        self
    }

    /// Stops at this stop sequence.
    pub fn stop_sequence(mut self, sequence: impl Into<String>) -> Self {
        self.stop = Some(Stop::Sequence(sequence.into()));
        self
    }

    /// What makes it impossible to send.
    pub(crate) fn check(&self) -> Result<(), String> {
        let object = |json: &str| {
            serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(json).is_ok()
        };
        for part in &self.parts {
            match part {
                Part::ToolUse { name, input } if !object(input) => {
                    return Err(format!("the input of tool `{name}` is not a JSON object"));
                }
                Part::Tokens(count) if *count > MOST_TOKENS => {
                    return Err(format!("a text has at most {MOST_TOKENS} tokens"));
                }
                Part::Verbatim(json) if !object(json) => {
                    return Err("a block given verbatim is a JSON object".into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }
}
