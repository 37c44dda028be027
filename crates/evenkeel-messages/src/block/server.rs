//! Tools that run at the server, and what they bring. A failure of such a tool is content, not a
//! failure of the call.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use serde_json::value::RawValue;

use super::DocumentBlock;
use crate::take::Take;
use crate::{CacheControl, RawJson};

tagged! {
    /// Who called a tool.
    Caller {
        /// The model itself.
        Direct(DirectCaller),
        /// Code that the model wrote, running in `code_execution_20250825`.
        Code20250825(CodeCaller20250825),
        /// Code that the model wrote, running in `code_execution_20260120`.
        Code20260120(CodeCaller20260120),
        /// Code that the model wrote, running in `code_execution_20260521`.
        Code20260521(CodeCaller20260521),
    }
}

object! {
    /// The model called the tool itself.
    DirectCaller "direct" {} {} [] ()
}

object! {
    /// Code called the tool.
    CodeCaller20250825 "code_execution_20250825" {
        /// The id of the call that runs the code.
        tool_id: String,
    } {} [] ()
}

object! {
    /// Code called the tool.
    CodeCaller20260120 "code_execution_20260120" {
        /// The id of the call that runs the code.
        tool_id: String,
    } {} [] ()
}

object! {
    /// Code called the tool.
    CodeCaller20260521 "code_execution_20260521" {
        /// The id of the call that runs the code.
        tool_id: String,
    } {} [] ()
}

word! {
    /// Why a tool at the server failed.
    ToolErrorCode {
        /// It has a rate limit of its own.
        TooManyRequests = "too_many_requests",
        /// It is down.
        Unavailable = "unavailable",
        /// The request's `max_uses` is spent.
        MaxUsesExceeded = "max_uses_exceeded",
        /// The query is too long.
        QueryTooLong = "query_too_long",
        /// The whole request has grown too large.
        RequestTooLarge = "request_too_large",
        /// The model called it in a wrong way.
        InvalidToolInput = "invalid_tool_input",
        /// The address is too long.
        UrlTooLong = "url_too_long",
        /// The address may not be fetched.
        UrlNotAllowed = "url_not_allowed",
        /// The address does not answer.
        UrlNotAccessible = "url_not_accessible",
        /// What it found cannot be read.
        UnsupportedContentType = "unsupported_content_type",
        /// What it found is too large.
        ContentTooLarge = "content_too_large",
        /// It took too long.
        ExecutionTimeExceeded = "execution_time_exceeded",
        /// Its output is too large.
        OutputFileTooLarge = "output_file_too_large",
        /// There is no such file.
        FileNotFound = "file_not_found",
    }
}

object! {
    /// What a web search brought.
    WebSearchToolResult "web_search_tool_result" {
        /// The id of the call.
        tool_use_id: String,
        /// Pages, or a failure.
        content: WebSearchContent,
    } {
        /// Who called.
        caller: Caller,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

/// Pages, or why there are none.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSearchContent {
    /// What was found.
    Results(Vec<WebSearchResult>),
    /// The search failed.
    Error(WebSearchError),
    /// Of a shape that this version does not know; byte for byte.
    Unknown(RawJson),
}

object! {
    /// A page that a web search found.
    WebSearchResult "web_search_result" {
        /// The page.
        url: String,
        /// Its title.
        title: String,
        /// Its content, for the server: it must go back unchanged.
        encrypted_content: String,
    } {
        /// How old the page is, in words.
        page_age: String,
    } [] ()
}

object! {
    /// A web search failed.
    WebSearchError "web_search_tool_result_error" {
        /// Why.
        error_code: ToolErrorCode,
    } {} [] ()
}

impl Serialize for WebSearchContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Results(results) => results.serialize(serializer),
            Self::Error(error) => error.serialize(serializer),
            Self::Unknown(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WebSearchContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::read(&raw))
    }
}

impl<'a> Take<'a> for WebSearchContent {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        Some(Self::read(raw))
    }
}

impl WebSearchContent {
    fn read(raw: &RawValue) -> Self {
        if let Some(results) = Take::take_from(raw) {
            return Self::Results(results);
        }
        match Take::take_from(raw) {
            Some(error) => Self::Error(error),
            None => Self::Unknown(RawJson::copy(raw)),
        }
    }
}

impl fmt::Debug for WebSearchContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Results(results) => write!(f, "{} results", results.len()),
            Self::Error(error) => error.fmt(f),
            Self::Unknown(raw) => raw.fmt(f),
        }
    }
}

sketch_as_debug!(WebSearchContent);

object! {
    /// What fetching a page brought.
    WebFetchToolResult "web_fetch_tool_result" {
        /// The id of the call.
        tool_use_id: String,
        /// The page, or a failure.
        content: WebFetchContent,
    } {
        /// Who called.
        caller: Caller,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// A page, or why there is none.
    WebFetchContent {
        /// The page.
        Result(WebFetchResult),
        /// Fetching failed.
        Error(WebFetchError),
    }
}

object! {
    /// A page.
    WebFetchResult "web_fetch_result" {
        /// Where it is.
        url: String,
        /// The page.
        content: DocumentBlock,
    } {
        /// When it was fetched, RFC 3339.
        retrieved_at: String,
    } [] ()
}

object! {
    /// Fetching a page failed.
    WebFetchError "web_fetch_tool_result_error" {
        /// Why.
        error_code: ToolErrorCode,
    } {} [] ()
}

object! {
    /// Which tools a search for tools found.
    ToolSearchToolResult "tool_search_tool_result" {
        /// The id of the call.
        tool_use_id: String,
        /// Tools, or a failure.
        content: ToolSearchContent,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// Tools, or why there are none.
    ToolSearchContent {
        /// What was found.
        Result(ToolSearchResult),
        /// The search failed.
        Error(ToolSearchError),
    }
}

object! {
    /// The tools that were found.
    ToolSearchResult "tool_search_tool_search_result" {
        /// Each by name.
        tool_references: Vec<ToolReference>,
    } {} [] ()
}

object! {
    /// A search for tools failed.
    ToolSearchError "tool_search_tool_result_error" {
        /// Why.
        error_code: ToolErrorCode,
    } {
        /// In words.
        error_message: String,
    } [] ()
}

object! {
    /// A tool, by name.
    ToolReference "tool_reference" {
        /// The tool.
        tool_name: String,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}
