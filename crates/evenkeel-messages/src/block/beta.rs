//! Blocks that need a beta: MCP, advice, compaction, fallback, changes of the tools.

use super::{ToolErrorCode, ToolReference};
use crate::{CacheControl, Content, JsonObject, RawJson, RefusalCategory};

object! {
    /// A whole call of a tool at an MCP server.
    McpToolUse "mcp_tool_use" {
        /// What the result block names.
        id: String,
        /// The tool.
        name: String,
        /// The MCP server, as the request called it.
        server_name: String,
        /// As the model wrote it.
        input: JsonObject,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

object! {
    /// What a call of a tool at an MCP server brought.
    McpToolResult "mcp_tool_result" {
        /// The id of the call.
        tool_use_id: String,
    } {
        /// A text, or blocks of text.
        content: Content,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] (
        /// The tool failed; the content says how.
        is_error,
    )
}

object! {
    /// The tools of an MCP server, as they were when the model saw them.
    McpToolListing "mcp_tool_listing" {
        /// The MCP server, as the request called it.
        mcp_server_name: String,
        /// Its tools.
        tools: Vec<McpTool>,
    } {} [] ()
}

object! {
    /// A tool at an MCP server.
    McpTool {
        /// The tool.
        name: String,
        /// The JSON Schema of its input.
        input_schema: RawJson,
    } {
        /// What it does.
        description: String,
    } [] ()
}

object! {
    /// What another model advised.
    AdvisorToolResult "advisor_tool_result" {
        /// The id of the call.
        tool_use_id: String,
        /// The advice, or a failure.
        content: AdvisorContent,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// Advice, or why there is none.
    AdvisorContent {
        /// The advice.
        Result(AdvisorResult),
        /// Advice that only the server can read.
        Redacted(AdvisorRedactedResult),
        /// The adviser failed.
        Error(AdvisorError),
    }
}

object! {
    /// Advice.
    AdvisorResult "advisor_result" {
        /// In words.
        text: String,
    } {
        /// Why the adviser stopped.
        stop_reason: crate::StopReason,
    } [] ()
}

object! {
    /// Advice that only the server can read.
    AdvisorRedactedResult "advisor_redacted_result" {
        /// Encrypted.
        encrypted_content: String,
    } {
        /// Why the adviser stopped.
        stop_reason: crate::StopReason,
    } [] ()
}

object! {
    /// The adviser failed.
    AdvisorError "advisor_tool_result_error" {
        /// Why.
        error_code: ToolErrorCode,
    } {} [] ()
}

object! {
    /// A summary that stands for everything before it. Sent back unchanged, it replaces what it
    /// summarises.
    CompactionBlock "compaction" {} {
        /// The summary; `null` on the wire where compacting failed.
        content: String,
        /// What only the server can read.
        encrypted_content: String,
        /// Binds the summary to what it replaces.
        signature: String,
        /// The tools that came and went in what it replaces.
        tool_changes: Vec<ToolChange>,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// A change of the tools in the middle of a conversation.
    ToolChange {
        /// A tool came.
        Addition(ToolAddition),
        /// A tool went.
        Removal(ToolRemoval),
        /// A tool, by name.
        Tool(ToolReference),
        /// A tool of an MCP server, by name.
        McpTool(McpToolReference),
        /// All tools of an MCP server.
        McpToolset(McpToolsetReference),
    }
}

object! {
    /// From here on there is one tool more.
    ToolAddition "tool_addition" {
        /// The tool, by name or as a definition.
        tool: Box<ToolChange>,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

object! {
    /// From here on there is one tool less.
    ToolRemoval "tool_removal" {
        /// The tool, by name.
        tool: Box<ToolChange>,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

object! {
    /// A tool of an MCP server, by name.
    McpToolReference "mcp_tool_reference" {
        /// The tool.
        name: String,
        /// The MCP server, as the request called it.
        server_name: String,
    } {} [] ()
}

object! {
    /// All tools of an MCP server.
    McpToolsetReference "mcp_toolset_reference" {
        /// The MCP server, as the request called it.
        server_name: String,
    } {} [] ()
}

object! {
    /// Where another model took over after a refusal. Goes back in its place.
    FallbackBlock "fallback" {
        /// The model that refused.
        from: FallbackModel,
        /// The model that went on.
        to: FallbackModel,
    } {
        /// Why.
        trigger: FallbackTrigger,
    } [] ()
}

object! {
    /// A model of a fallback.
    FallbackModel {
        /// Its id.
        model: String,
    } {} [] ()
}

object! {
    /// Why another model took over.
    FallbackTrigger {
        /// `refusal`.
        kind as "type": String,
    } {
        /// What the request was refused for.
        category: RefusalCategory,
    } [] ()
}
