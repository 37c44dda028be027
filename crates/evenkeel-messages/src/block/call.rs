use super::{ContentBlock, McpToolUse, ServerToolUse, ToolUse};
use crate::{Extra, JsonObject, RawJson, UnknownObject};

/// Tool calls of every kind, those that are not modelled included.
impl ContentBlock {
    /// Whether the block is a call of a tool, so that it must be whole before anybody sees it.
    pub(crate) fn is_call(&self) -> bool {
        match self {
            Self::ToolUse(_) | Self::ServerToolUse(_) | Self::McpToolUse(_) => true,
            Self::Unknown(block) => {
                block.kind.ends_with("tool_use") || block.field("input").is_some()
            }
            _ => false,
        }
    }

    /// Whether the block is a call that the caller must answer with a result.
    pub(crate) fn is_client_call(&self) -> bool {
        match self {
            Self::ToolUse(_) => true,
            Self::Unknown(block) => block.kind == "tool_use",
            _ => false,
        }
    }

    /// Whether the block shows that a tool runs, or ran, at the server. Of an unknown block its
    /// name decides, and in doubt the answer is yes.
    pub(crate) fn runs_at_server(&self) -> bool {
        match self {
            Self::ServerToolUse(_)
            | Self::McpToolUse(_)
            | Self::WebSearchToolResult(_)
            | Self::WebFetchToolResult(_)
            | Self::CodeExecutionToolResult(_)
            | Self::BashCodeExecutionToolResult(_)
            | Self::TextEditorCodeExecutionToolResult(_)
            | Self::ToolSearchToolResult(_)
            | Self::McpToolResult(_)
            | Self::McpToolListing(_)
            | Self::AdvisorToolResult(_) => true,
            Self::Unknown(UnknownObject { kind, .. }) => {
                kind != "tool_use" && (kind.contains("tool") || kind.starts_with("mcp"))
            }
            _ => false,
        }
    }

    /// The id of the call whose result the block is, if it is the result of a tool at the server.
    pub(crate) fn answers(&self) -> Option<&str> {
        Some(match self {
            Self::WebSearchToolResult(result) => &result.tool_use_id,
            Self::WebFetchToolResult(result) => &result.tool_use_id,
            Self::CodeExecutionToolResult(result) => &result.tool_use_id,
            Self::BashCodeExecutionToolResult(result) => &result.tool_use_id,
            Self::TextEditorCodeExecutionToolResult(result) => &result.tool_use_id,
            Self::ToolSearchToolResult(result) => &result.tool_use_id,
            Self::McpToolResult(result) => &result.tool_use_id,
            Self::AdvisorToolResult(result) => &result.tool_use_id,
            _ => return None,
        })
    }

    /// Id and name of a call; empty where it has none.
    pub(crate) fn call_identity(&self) -> (String, String) {
        match self {
            Self::ToolUse(ToolUse { id, name, .. })
            | Self::ServerToolUse(ServerToolUse { id, name, .. })
            | Self::McpToolUse(McpToolUse { id, name, .. }) => (id.clone(), name.clone()),
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
            _ => Default::default(),
        }
    }

    /// The input that a call began with.
    pub(crate) fn call_input(&self) -> Option<RawJson> {
        match self {
            Self::ToolUse(ToolUse { input, .. })
            | Self::ServerToolUse(ServerToolUse { input, .. })
            | Self::McpToolUse(McpToolUse { input, .. }) => Some(RawJson::clone(input)),
            Self::Unknown(block) => block.field("input"),
            _ => None,
        }
    }

    /// The same call with another input.
    pub(crate) fn with_call_input(&self, whole: JsonObject) -> Option<Self> {
        let mut block = self.clone();
        match &mut block {
            Self::ToolUse(ToolUse { input, .. })
            | Self::ServerToolUse(ServerToolUse { input, .. })
            | Self::McpToolUse(McpToolUse { input, .. }) => *input = whole,
            Self::Unknown(UnknownObject { raw, .. }) => {
                let mut object: Extra = serde_json::from_str(raw.get()).ok()?;
                object.set("input", RawJson::clone(&whole));
                return Some(Self::from_raw(RawJson::new(&object).ok()?));
            }
            _ => return None,
        }
        Some(block)
    }
}
