use std::fmt;

use serde::{Deserialize, Serialize};

/// Why the model stopped. Having one is what makes a reply complete.
///
/// Source: "Handling stop reasons" of the API documentation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum StopReason {
    /// The turn is over.
    EndTurn,
    /// One of the request's stop sequences was produced.
    StopSequence,
    /// `max_tokens` was reached; the text is cut and the last tool call may be unfinished.
    MaxTokens,
    /// The model waits for the results of its tool calls.
    ToolUse,
    /// The server's own tool loop paused: send the content back to go on.
    PauseTurn,
    /// The request or the reply was refused; output so far is to be discarded.
    Refusal,
    /// The model's context is full.
    ModelContextWindowExceeded,
    /// The server paused after compacting the conversation.
    Compaction,
    /// A reason that this version does not know, verbatim.
    Unknown(String),
}

impl StopReason {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::EndTurn => "end_turn",
            Self::StopSequence => "stop_sequence",
            Self::MaxTokens => "max_tokens",
            Self::ToolUse => "tool_use",
            Self::PauseTurn => "pause_turn",
            Self::Refusal => "refusal",
            Self::ModelContextWindowExceeded => "model_context_window_exceeded",
            Self::Compaction => "compaction",
            Self::Unknown(name) => name,
        }
    }

    /// Whether the model ended its tool calls itself, rather than being cut off inside one.
    pub(crate) fn closes_tool_calls(&self) -> bool {
        matches!(
            self,
            Self::EndTurn | Self::StopSequence | Self::ToolUse | Self::PauseTurn
        )
    }
}

impl From<String> for StopReason {
    fn from(name: String) -> Self {
        match name.as_str() {
            "end_turn" => Self::EndTurn,
            "stop_sequence" => Self::StopSequence,
            "max_tokens" => Self::MaxTokens,
            "tool_use" => Self::ToolUse,
            "pause_turn" => Self::PauseTurn,
            "refusal" => Self::Refusal,
            "model_context_window_exceeded" => Self::ModelContextWindowExceeded,
            "compaction" => Self::Compaction,
            _ => Self::Unknown(name),
        }
    }
}

impl From<StopReason> for String {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Unknown(name) => name,
            known => known.as_str().to_owned(),
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
