//! Blocks of content, in a request or in a reply. The shapes are those of the official SDKs of
//! November 2026.

use crate::{CacheControl, Content, JsonObject};

mod beta;
mod call;
mod citation;
mod execution;
mod server;
mod source;

pub use beta::{
    AdvisorContent, AdvisorError, AdvisorRedactedResult, AdvisorResult, AdvisorToolResult,
    CompactionBlock, FallbackBlock, FallbackModel, FallbackTrigger, McpTool, McpToolListing,
    McpToolReference, McpToolResult, McpToolUse, McpToolsetReference, ToolAddition, ToolChange,
    ToolRemoval,
};
pub use citation::{
    CharLocation, Citation, ContentBlockLocation, PageLocation, SearchResultLocation,
    WebSearchResultLocation,
};
pub use execution::{
    BashExecution, BashExecutionContent, BashExecutionError, BashExecutionResult, CodeExecution,
    CodeExecutionContent, CodeExecutionError, CodeExecutionResult, EncryptedCodeExecutionResult,
    ExecutionOutput, FileCreated, FileReplaced, FileViewed, TextEditorExecution,
    TextEditorExecutionContent, TextEditorExecutionError,
};
pub use server::{
    Caller, CodeCaller20250825, CodeCaller20260120, CodeCaller20260521, DirectCaller,
    ToolErrorCode, ToolReference, ToolSearchContent, ToolSearchError, ToolSearchResult,
    ToolSearchToolResult, WebFetchContent, WebFetchError, WebFetchResult, WebFetchToolResult,
    WebSearchContent, WebSearchError, WebSearchResult, WebSearchToolResult,
};
pub use source::{
    Base64Source, CitationsConfig, ContentSource, DocumentBlock, DocumentSource, FileSource,
    ImageBlock, ImageSource, SearchResultBlock, TextSource, UrlSource,
};

tagged! {
    /// One block of content, in a request or in a reply.
    ///
    /// A block whose type, or whose shape, this version does not know is
    /// [`Unknown`](Self::Unknown) and goes back byte for byte; unknown fields of known blocks are
    /// kept beside the known ones. `Debug` shows lengths and names, never content.
    ContentBlock {
        /// Text.
        Text(TextBlock),
        /// The model's thinking, or a summary of it, or nothing where it is not displayed.
        Thinking(ThinkingBlock),
        /// Thinking that only the server can read.
        RedactedThinking(RedactedThinkingBlock),
        /// A call of one of the caller's tools. Always whole: unfinished calls are never here.
        ToolUse(ToolUse),
        /// What a call of one of the caller's tools brought.
        ToolResult(ToolResult),
        /// An image.
        Image(ImageBlock),
        /// A document.
        Document(DocumentBlock),
        /// A passage to cite.
        SearchResult(SearchResultBlock),
        /// A call of a tool that runs at the server. Always whole.
        ServerToolUse(ServerToolUse),
        /// What a web search brought.
        WebSearchToolResult(WebSearchToolResult),
        /// What fetching a page brought.
        WebFetchToolResult(WebFetchToolResult),
        /// What running code brought.
        CodeExecutionToolResult(CodeExecution),
        /// What running a shell command brought.
        BashCodeExecutionToolResult(BashExecution),
        /// What viewing or editing a file in the container brought.
        TextEditorCodeExecutionToolResult(TextEditorExecution),
        /// Which tools a search for tools found.
        ToolSearchToolResult(ToolSearchToolResult),
        /// A tool that a search of the caller's found, in a tool result.
        ToolReference(ToolReference),
        /// A file for the container.
        ContainerUpload(ContainerUpload),
        /// A call of a tool at an MCP server. Always whole.
        McpToolUse(McpToolUse),
        /// What a call of a tool at an MCP server brought.
        McpToolResult(McpToolResult),
        /// The tools of an MCP server, as they were when the model saw them.
        McpToolListing(McpToolListing),
        /// What another model advised.
        AdvisorToolResult(AdvisorToolResult),
        /// A summary that stands for everything before it.
        Compaction(CompactionBlock),
        /// Where another model took over after a refusal.
        Fallback(FallbackBlock),
        /// Tools that are there from here on; in system messages.
        ToolAddition(ToolAddition),
        /// Tools that are gone from here on; in system messages.
        ToolRemoval(ToolRemoval),
    }
}

object! {
    /// Text, with the citations that support it.
    TextBlock "text" {
        /// The text.
        text: String,
    } {
        /// What supports the text.
        citations: Vec<Citation>,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

object! {
    /// Thinking. The signature binds it to the conversation: send both back unchanged or neither.
    ThinkingBlock "thinking" {
        /// What is displayed; may be empty.
        thinking: String,
    } {
        /// Without one the block cannot be sent back.
        signature: String,
    } [] ()
}

object! {
    /// Thinking that only the server can read.
    RedactedThinkingBlock "redacted_thinking" {
        /// The encrypted text.
        data: String,
    } {} [] ()
}

object! {
    /// A whole call of one of the caller's tools: its input is a complete JSON object.
    ToolUse "tool_use" {
        /// What the tool result must name.
        id: String,
        /// The tool.
        name: String,
        /// As the model wrote it. It need not match the tool's schema.
        input: JsonObject,
    } {
        /// Who called: the model itself, or code that it wrote.
        caller: Caller,
        /// The toolset that the tool belongs to; the result must name it too.
        toolset_name: String,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

object! {
    /// What a call of one of the caller's tools brought. Goes into the user message right behind
    /// the call, before any other content.
    ToolResult "tool_result" {
        /// The id of the call.
        tool_use_id: String,
    } {
        /// A text, or blocks of text, images, documents, search results and tool references.
        content: Content,
        /// The toolset that the call named.
        toolset_name: String,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] (
        /// The tool failed; the content says how.
        is_error,
    )
}

object! {
    /// A whole call of a tool that runs at the server.
    ServerToolUse "server_tool_use" {
        /// What the result block names.
        id: String,
        /// The tool.
        name: String,
        /// As the model wrote it.
        input: JsonObject,
    } {
        /// Who called: the model itself, or code that it wrote.
        caller: Caller,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

object! {
    /// A file for the container in which code runs.
    ContainerUpload "container_upload" {
        /// The file's id.
        file_id: String,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

impl ContentBlock {
    /// A text block.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        TextBlock::new(text).into()
    }

    /// An image.
    #[must_use]
    pub fn image(source: impl Into<ImageSource>) -> Self {
        ImageBlock::new(source).into()
    }

    /// A document.
    #[must_use]
    pub fn document(source: impl Into<DocumentSource>) -> Self {
        DocumentBlock::new(source).into()
    }

    /// What the call `tool_use_id` brought.
    #[must_use]
    pub fn tool_result(tool_use_id: impl Into<String>, content: impl Into<Content>) -> Self {
        ToolResult::new(tool_use_id).content(content).into()
    }
}

/// The text of a reply: its text blocks, with nothing between them.
pub(crate) fn join_text(content: &[ContentBlock]) -> String {
    let texts = content.iter().filter_map(|block| match block {
        ContentBlock::Text(block) => Some(block.text.as_str()),
        _ => None,
    });
    texts.collect()
}
