use super::{ContentBlock, ServerToolUse, ToolUse, UnknownBlock};
use crate::extra::Fields;
use crate::{Extra, RawJson};

/// Tool calls of every kind, those that are not modelled included.
impl ContentBlock {
    /// Whether the block is a call of a tool, so that it must be whole before anybody sees it.
    pub(crate) fn is_call(&self) -> bool {
        match self {
            Self::ToolUse(_) | Self::ServerToolUse(_) => true,
            Self::Unknown(block) => {
                block.kind.ends_with("tool_use") || block.field("input").is_some()
            }
            Self::Text(_) | Self::Thinking(_) | Self::RedactedThinking(_) => false,
        }
    }

    /// Whether the block shows that a tool runs, or ran, at the server. Of an unknown block its
    /// name decides, and in doubt the answer is yes.
    pub(crate) fn runs_at_server(&self) -> bool {
        match self {
            Self::ServerToolUse(_) => true,
            Self::Unknown(UnknownBlock { kind, .. }) => {
                kind != "tool_use" && (kind.contains("tool") || kind.starts_with("mcp"))
            }
            Self::Text(_) | Self::Thinking(_) | Self::RedactedThinking(_) | Self::ToolUse(_) => {
                false
            }
        }
    }

    /// Id and name of a call; empty where it has none.
    pub(crate) fn call_identity(&self) -> (String, String) {
        match self {
            Self::ToolUse(ToolUse { id, name, .. })
            | Self::ServerToolUse(ServerToolUse { id, name, .. }) => (id.clone(), name.clone()),
            Self::Unknown(block) => {
                let text = |name| {
                    let value = block.field(name)?;
                    serde_json::from_str(value.get()).ok()
                };
                (
                    text("id").unwrap_or_default(),
                    text("name").unwrap_or_default(),
                )
            }
            Self::Text(_) | Self::Thinking(_) | Self::RedactedThinking(_) => Default::default(),
        }
    }

    /// The input that a call began with.
    pub(crate) fn call_input(&self) -> Option<RawJson> {
        match self {
            Self::ToolUse(ToolUse { input, .. })
            | Self::ServerToolUse(ServerToolUse { input, .. }) => Some(input.clone()),
            Self::Unknown(block) => block.field("input"),
            Self::Text(_) | Self::Thinking(_) | Self::RedactedThinking(_) => None,
        }
    }

    /// The same call with another input.
    pub(crate) fn with_call_input(&self, whole: RawJson) -> Option<Self> {
        let mut block = self.clone();
        match &mut block {
            Self::ToolUse(ToolUse { input, .. })
            | Self::ServerToolUse(ServerToolUse { input, .. }) => *input = whole,
            Self::Unknown(UnknownBlock { raw, .. }) => {
                let mut object: Extra = serde_json::from_str(raw.get()).ok()?;
                object.set("input", whole);
                return Some(Self::from_raw(RawJson::new(&object).ok()?));
            }
            Self::Text(_) | Self::Thinking(_) | Self::RedactedThinking(_) => return None,
        }
        Some(block)
    }
}

impl UnknownBlock {
    /// A field that is there and not `null`.
    fn field(&self, name: &str) -> Option<RawJson> {
        let value = Fields::split(self.raw.get()).ok()?.raw(name)?;
        Some(RawJson::copy(value)).filter(|raw| raw.get() != "null")
    }
}
