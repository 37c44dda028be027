tagged! {
    /// Whether and how the model thinks before it answers. Which models take which form is for the
    /// server to say.
    Thinking {
        /// The model decides how much.
        Adaptive(AdaptiveThinking),
        /// A fixed budget; older models only.
        Enabled(EnabledThinking),
        /// None.
        Disabled(DisabledThinking),
        /// Only between tool calls.
        BetweenTools(ThinkingBetweenTools),
    }
}

object! {
    /// The model decides how much it thinks.
    AdaptiveThinking "adaptive" {} {
        /// What is done about thinking that is bound to another conversation; needs a beta.
        block_binding: BlockBinding,
    } [
        /// What is shown of it; the server's default if absent.
        display: Display,
    ] ()
}

object! {
    /// Thinking with a fixed budget.
    EnabledThinking "enabled" {
        /// Tokens, 1024 or more and less than `max_tokens`.
        budget_tokens: u32,
    } {
        /// What is done about thinking that is bound to another conversation; needs a beta.
        block_binding: BlockBinding,
    } [
        /// What is shown of it; the server's default if absent.
        display: Display,
    ] ()
}

object! {
    /// No thinking.
    DisabledThinking "disabled" {} {} [] ()
}

object! {
    /// Thinking between tool calls only.
    ThinkingBetweenTools "between_tools" {} {} [] ()
}

object! {
    /// What the server does about thinking blocks that are bound to another conversation.
    BlockBinding {} {
        /// `error` or `drop_block`.
        prefix_mismatch_behavior: PrefixMismatch,
    } [] ()
}

word! {
    /// What happens to a thinking block whose conversation has changed.
    PrefixMismatch {
        /// The request is refused.
        Error = "error",
        /// The block is left out.
        DropBlock = "drop_block",
    }
}

word! {
    /// What the reply shows of the model's thinking.
    Display {
        /// A summary.
        Summarized = "summarized",
        /// Nothing; the stream may be silent for minutes.
        Omitted = "omitted",
        /// Short notes on the progress.
        Updates = "updates",
    }
}

impl Thinking {
    /// The model decides how much; the server decides what is shown.
    #[must_use]
    pub fn adaptive() -> Self {
        AdaptiveThinking::new().into()
    }

    /// A fixed budget in tokens: 1024 or more, less than `max_tokens`. Models up to 4.6.
    #[must_use]
    pub fn enabled(budget_tokens: u32) -> Self {
        EnabledThinking::new(budget_tokens).into()
    }

    /// None.
    #[must_use]
    pub fn disabled() -> Self {
        DisabledThinking::new().into()
    }

    /// Only between tool calls.
    #[must_use]
    pub fn between_tools() -> Self {
        ThinkingBetweenTools::new().into()
    }

    /// Whether the model was asked to think at the start of its turn.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self, Self::Disabled(_))
    }
}
