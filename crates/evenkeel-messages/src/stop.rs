word! {
    /// Why the model stopped. Having one is what makes a reply complete.
    ///
    /// Source: "Handling stop reasons" of the API documentation.
    StopReason {
        /// The turn is over.
        EndTurn = "end_turn",
        /// One of the request's stop sequences was produced.
        StopSequence = "stop_sequence",
        /// `max_tokens` was reached; the text is cut and the last tool call may be unfinished.
        MaxTokens = "max_tokens",
        /// The model waits for the results of its tool calls.
        ToolUse = "tool_use",
        /// The server's own tool loop paused: send the content back to go on.
        PauseTurn = "pause_turn",
        /// The request or the reply was refused; output so far is to be discarded.
        Refusal = "refusal",
        /// The model's context is full.
        ModelContextWindowExceeded = "model_context_window_exceeded",
        /// The server paused after compacting the conversation.
        Compaction = "compaction",
    }
}

impl StopReason {
    /// Whether the model ended its tool calls itself, rather than being cut off inside one.
    pub(crate) fn closes_tool_calls(&self) -> bool {
        matches!(
            self,
            Self::EndTurn | Self::StopSequence | Self::ToolUse | Self::PauseTurn
        )
    }
}

object! {
    /// What is said of a stop: of a refusal, so far.
    ///
    /// Source: "Refusals and fallback" of the API documentation.
    StopDetails {
        /// `refusal`.
        kind as "type": String,
    } {
        /// What the request was refused for; absent or `null` where that is not said.
        category: RefusalCategory,
        /// In words.
        explanation: String,
        /// The model that may answer instead.
        recommended_model: String,
        /// Pays for the cache of a retry on another model; good for five minutes.
        fallback_credit_token: String,
    } [] (
        /// The token also allows one reply to be continued from its text where the model otherwise
        /// does not take that.
        fallback_has_prefill_claim,
    )
}

word! {
    /// What a request was refused for.
    RefusalCategory {
        /// Attacks on computers.
        Cyber = "cyber",
        /// Biological harm.
        Bio = "bio",
        /// Building a rival model.
        FrontierLlm = "frontier_llm",
        /// Getting at hidden reasoning.
        ReasoningExtraction = "reasoning_extraction",
        /// Any other harm.
        GeneralHarms = "general_harms",
    }
}
