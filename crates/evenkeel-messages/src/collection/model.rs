use crate::RawJson;

object! {
    /// A model: what `/v1/models` says of it. What it can do is the source of truth for what a
    /// request may ask of it.
    Model "model" {
        /// Its id.
        id: String,
    } {
        /// Its name for people.
        display_name: String,
        /// When it was released, RFC 3339.
        created_at: String,
        /// Whether it can still be used.
        lifecycle: Lifecycle,
        /// When it was deprecated, RFC 3339.
        deprecated_at: String,
        /// When requests to it begin to fail, RFC 3339.
        retires_at: String,
        /// The line that it belongs to.
        line: RawJson,
        /// What it can do.
        capabilities: Capabilities,
        /// Models that may take over from it. Needs a beta.
        allowed_fallback_models: Vec<String>,
    } [
        /// The most input tokens.
        max_input_tokens: u64,
        /// The most output tokens.
        max_tokens: u64,
    ] ()
}

word! {
    /// Whether a model can still be used.
    Lifecycle {
        /// It can.
        Active = "active",
        /// It can, and will be retired.
        Deprecated = "deprecated",
        /// It cannot.
        Retired = "retired",
    }
}

object! {
    /// What a model can do.
    Capabilities {} {
        /// Batches.
        batch: Support,
        /// Citing documents.
        citations: Support,
        /// Running code.
        code_execution: Support,
        /// Removing what is old from a conversation.
        context_management: ContextCapability,
        /// Levels of effort.
        effort: EffortCapability,
        /// Images.
        image_input: Support,
        /// PDFs.
        pdf_input: Support,
        /// Tools at the server.
        server_tools: ServerToolsCapability,
        /// Replies that match a schema.
        structured_outputs: Support,
        /// Thinking.
        thinking: ThinkingCapability,
    } [] ()
}

object! {
    /// Whether a model can do something.
    Support {} {} [] (
        /// It can.
        supported,
    )
}

object! {
    /// Which forms of context management a model takes.
    ContextCapability {} {
        /// Removing old thinking.
        clear_thinking_20251015: Support,
        /// Removing old tool results.
        clear_tool_uses_20250919: Support,
        /// Summarising.
        compact_20260112: Support,
    } [] (
        /// Any.
        supported,
    )
}

object! {
    /// Which levels of effort a model takes.
    EffortCapability {} {
        /// `low`.
        low: Support,
        /// `medium`.
        medium: Support,
        /// `high`.
        high: Support,
        /// `xhigh`.
        xhigh: Support,
        /// `max`.
        max: Support,
    } [] (
        /// Any.
        supported,
    )
}

object! {
    /// Which tools at the server a model takes.
    ServerToolsCapability {} {
        /// Running code.
        code_execution: Support,
        /// Searching the web.
        web_search: Support,
    } [] (
        /// Any.
        supported,
    )
}

object! {
    /// Whether and how a model thinks.
    ThinkingCapability {} {
        /// Which forms it takes.
        types: ThinkingForms,
    } [] (
        /// Any.
        supported,
    )
}

object! {
    /// Which forms of thinking a model takes.
    ThinkingForms {} {
        /// It decides how much.
        adaptive: Support,
        /// Between tool calls only.
        between_tools: Support,
        /// None.
        disabled: Support,
        /// A fixed budget.
        enabled: Support,
    } [] ()
}

impl Support {
    /// Whether it is there, and says so.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        self.supported == Some(true)
    }
}
