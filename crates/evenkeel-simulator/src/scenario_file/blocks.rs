//! The blocks of an answer.

use serde::Deserialize;

use crate::answer::Answer;

/// One block of an answer, or two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum BlockTable {
    Text(String),
    Tokens(u32),
    Cited(CitedTable),
    Thinking(String),
    HiddenThinking(Yes),
    RedactedThinking(Yes),
    ToolUse(ToolTable),
    ToolCall(Yes),
    WebSearch(String),
    Compaction(String),
    Json(String),
    Lifelike(String),
}

/// `true`, where there is nothing else to say.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
pub(super) struct Yes;

impl TryFrom<bool> for Yes {
    type Error = &'static str;

    fn try_from(yes: bool) -> Result<Self, Self::Error> {
        if yes {
            Ok(Self)
        } else {
            Err("leave it out, or write true")
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CitedTable {
    text: String,
    quote: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolTable {
    name: String,
    input: String,
}

impl BlockTable {
    pub(super) fn add_to(self, answer: Answer) -> Answer {
        match self {
            Self::Text(text) => answer.text(text),
            Self::Tokens(count) => answer.tokens(count),
            Self::Cited(cited) => answer.cited_text(cited.text, cited.quote),
            Self::Thinking(text) => answer.thinking(text),
            Self::HiddenThinking(Yes) => answer.hidden_thinking(),
            Self::RedactedThinking(Yes) => answer.redacted_thinking(),
            Self::ToolUse(tool) => answer.tool_use(tool.name, tool.input),
            Self::ToolCall(Yes) => answer.tool_call(),
            Self::WebSearch(query) => answer.web_search(query),
            Self::Compaction(summary) => answer.compaction(summary),
            Self::Json(json) => answer.block(json),
            Self::Lifelike(text) => answer.lifelike_text(text),
        }
    }
}
