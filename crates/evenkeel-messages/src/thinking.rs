use serde::Serialize;

/// Whether and how the model thinks before it answers. Which models take which form is for the
/// server to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Thinking {
    /// The model decides how much.
    Adaptive {
        /// What is shown of it; the server's default if `None`.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<Display>,
    },
    /// A fixed budget; older models only.
    Enabled {
        /// Tokens, 1024 or more and less than `max_tokens`.
        budget_tokens: u32,
        /// What is shown of it; the server's default if `None`.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<Display>,
    },
    /// None.
    Disabled,
    /// Only between tool calls.
    BetweenTools,
}

/// What the reply shows of the model's thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Display {
    /// A summary.
    Summarized,
    /// Nothing; the stream may be silent for minutes.
    Omitted,
    /// Short notes on the progress.
    Updates,
}

impl Thinking {
    /// The model decides how much; the server decides what is shown.
    #[must_use]
    pub const fn adaptive() -> Self {
        Self::Adaptive { display: None }
    }
}
