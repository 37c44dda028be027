//! Parameters of a request that are objects of their own.

use crate::{CacheControl, Effort, RawJson, Speed, Thinking};

object! {
    /// What the reply is to look like: `output_config`.
    OutputConfig {} {
        /// How much work goes into it.
        effort: Effort,
        /// Its form.
        format: OutputFormat,
        /// How many tokens the whole task may take; needs a beta.
        task_budget: RawJson,
    } [] ()
}

tagged! {
    /// The form of a reply.
    OutputFormat {
        /// JSON that matches a schema.
        JsonSchema(JsonSchemaFormat),
    }
}

object! {
    /// JSON that matches a schema. Not every keyword of JSON Schema is taken.
    JsonSchemaFormat "json_schema" {
        /// The schema.
        schema: RawJson,
    } {} [] ()
}

object! {
    /// Who asks: `metadata`.
    Metadata {} {
        /// An opaque id of the end user; no name, no address.
        user_id: String,
    } [] ()
}

object! {
    /// The container in which code runs: of a request, or the one that a reply used.
    Container {} {
        /// Its id, to use it again.
        id: String,
        /// What is loaded into it.
        skills: Vec<ContainerSkill>,
        /// In a reply: until when it can be used again, RFC 3339.
        expires_at: String,
    } [] ()
}

object! {
    /// A skill in a container.
    ContainerSkill {
        /// `anthropic` or `custom`.
        kind as "type": String,
        /// The skill.
        skill_id: String,
    } {
        /// Its version, or `latest`.
        version: String,
    } [] ()
}

object! {
    /// What the server removes from a conversation that grows: `context_management`. Needs a beta.
    ContextManagement {
        /// Each in its turn.
        edits: Vec<ContextEdit>,
    } {} [] ()
}

tagged! {
    /// Something that the server removes.
    ContextEdit {
        /// Old tool results.
        ClearToolUses(ClearToolUses),
        /// Old thinking.
        ClearThinking(ClearThinking),
        /// Everything, for a summary.
        Compact(Compact),
    }
}

object! {
    /// Old tool results are removed.
    ClearToolUses "clear_tool_uses_20250919" {} {
        /// From when on.
        trigger: Amount,
        /// How many of the newest stay.
        keep: Amount,
        /// Removing less is not worth the lost cache.
        clear_at_least: Amount,
        /// Whether inputs go too: `true`, or the tools whose inputs do.
        clear_tool_inputs: RawJson,
        /// Tools whose results stay.
        exclude_tools: Vec<String>,
    } [] ()
}

object! {
    /// Old thinking is removed.
    ClearThinking "clear_thinking_20251015" {} {
        /// How many turns keep theirs: an amount of turns, or `"all"`.
        keep: RawJson,
    } [] ()
}

object! {
    /// The conversation is replaced by a summary.
    Compact "compact_20260112" {} {
        /// From when on; 50,000 input tokens or more, 150,000 if absent.
        trigger: Amount,
        /// How to summarise.
        instructions: String,
    } [] (
        /// The reply ends behind the summary.
        pause_after_compaction,
    )
}

object! {
    /// So many `input_tokens`, `tool_uses` or `thinking_turns`.
    Amount {
        /// Of what.
        kind as "type": String,
        /// How many.
        value: u64,
    } {} [] ()
}

object! {
    /// What the server removed from the conversation.
    ContextManagementReport {
        /// Each edit, with what it removed.
        applied_edits: Vec<AppliedEdit>,
    } {} [] ()
}

object! {
    /// One edit, and what it removed.
    AppliedEdit {
        /// The edit.
        kind as "type": String,
    } {} [
        /// Input tokens that are gone.
        cleared_input_tokens: u64,
        /// Tool results that are gone.
        cleared_tool_uses: u64,
        /// Turns whose thinking is gone.
        cleared_thinking_turns: u64,
    ] ()
}

object! {
    /// What the server did to the thinking in the request. Needs a beta.
    InputTransformation {
        /// `thinking_dropped` or `thinking_mismatch_allowed`.
        kind as "type": String,
        /// Which block, such as `messages.1.content.0`.
        path: String,
    } {
        /// Why.
        reason: String,
    } [] ()
}

object! {
    /// An MCP server whose tools the model may call. Needs a beta.
    McpServer "url" {
        /// What the request calls it.
        name: String,
        /// Where it is.
        url: String,
    } {
        /// A secret; `Debug` shows its length only.
        authorization_token: String,
        /// Which of its tools are there.
        tool_configuration: RawJson,
    } [] ()
}

object! {
    /// A model that takes over after a refusal, and what changes for it. Needs a beta.
    Fallback {
        /// Its id.
        model: String,
    } {
        /// How it thinks.
        thinking: Thinking,
        /// What its reply looks like.
        output_config: OutputConfig,
    } [
        /// The most that its reply may cost.
        max_tokens: u32,
        /// How fast.
        speed: Speed,
    ] ()
}

/// Who takes over after a refusal: at most three models, or whom the server chooses. Needs a beta.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallbacks {
    /// The server chooses.
    Default,
    /// These, in their order.
    Models(Vec<Fallback>),
}

impl serde::Serialize for Fallbacks {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Default => serializer.serialize_str("default"),
            Self::Models(models) => models.serialize(serializer),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Fallbacks {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        match (raw.as_array(), raw.get()) {
            (Some(models), _) => Ok(Self::Models(models)),
            (None, "\"default\"") => Ok(Self::Default),
            (None, _) => Err(serde::de::Error::custom(
                "expected \"default\" or an array of models",
            )),
        }
    }
}

object! {
    /// Pays for the cache of a retry after a refusal. Needs a beta.
    FallbackCreditToken {
        /// From the refusal's stop details.
        token: String,
    } {} [
        /// What happens if the token does not fit the request.
        mode: CreditMode,
    ] ()
}

word! {
    /// What happens if a fallback credit token does not fit the request.
    CreditMode {
        /// The request is refused.
        Strict = "strict",
        /// The request is served without it.
        BestEffort = "best_effort",
    }
}

tagged! {
    /// A conversation that the server remembers for minutes. Needs a beta.
    MessageThread {
        /// Begins one.
        Create(CreateThread),
        /// Continues one.
        Continue(ContinueThread),
    }
}

object! {
    /// The server is to remember the conversation.
    CreateThread "create" {} {} [] ()
}

object! {
    /// The request has only what is new. A reply can be continued once.
    ContinueThread "continue" {
        /// The reply that is continued.
        previous_message_id: String,
    } {} [] ()
}

object! {
    /// The conversation is to be summarised, not answered. Needs a beta.
    Compaction "summarize" {} {
        /// How.
        instructions: String,
    } [] ()
}

object! {
    /// Asks why the cache was missed.
    DiagnosticsRequest {} {
        /// The reply whose prefix should have been in the cache.
        previous_message_id: String,
    } [] ()
}

object! {
    /// What the server says about the cache.
    Diagnostics {} {
        /// Why it was missed.
        cache_miss_reason: CacheMissReason,
    } [] ()
}

object! {
    /// Why the cache was missed.
    CacheMissReason {
        /// Such as `model_changed`, `system_changed`, `tools_changed`, `messages_changed`.
        kind as "type": String,
    } {} [
        /// Input tokens that might have come from the cache.
        cache_missed_input_tokens: u64,
    ] ()
}

object! {
    /// A block of the system prompt.
    SystemBlock "text" {
        /// The text.
        text: String,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

impl Amount {
    /// So many input tokens.
    #[must_use]
    pub fn input_tokens(value: u64) -> Self {
        Self::new("input_tokens", value)
    }

    /// So many tool calls.
    #[must_use]
    pub fn tool_uses(value: u64) -> Self {
        Self::new("tool_uses", value)
    }
}
