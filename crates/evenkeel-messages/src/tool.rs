use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::extra::{Fields, Key};
use crate::object::Object;
use crate::{CacheControl, CitationsConfig, RawJson, UnknownObject};

/// A tool that the model may call.
///
/// ```
/// use evenkeel_messages::{CustomTool, RawJson, Tool};
///
/// let schema = RawJson::from_text(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#)?;
/// let tools: [Tool; 2] = [
///     CustomTool::new("weather", schema).description("The weather in a city, now.").into(),
///     Tool::web_search(),
/// ];
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tool {
    /// A tool of the caller's.
    Custom(CustomTool),
    /// A tool that the API defines; it runs at the server or at the caller.
    BuiltIn(BuiltInTool),
    /// The tools of an MCP server. Needs a beta.
    McpToolset(McpToolset),
    /// Of a type, or of a shape, that this version does not know; byte for byte.
    Unknown(UnknownObject),
}

object! {
    /// A tool of the caller's. `name`: 1 to 64 of `a–z A–Z 0–9 _ -`; `input_schema`: a JSON Schema
    /// of type object. The server checks both.
    CustomTool {
        /// What a call names.
        name: String,
        /// The JSON Schema of its input.
        input_schema: RawJson,
    } {
        /// What it does and when to use it.
        description: String,
        /// Inputs as they should be, each matching the schema.
        input_examples: Vec<RawJson>,
        /// Who may call it: `direct`, or a version of code execution.
        allowed_callers: Vec<String>,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] (
        /// The input always matches the schema.
        strict,
        /// It is not shown until a search for tools finds it.
        defer_loading,
        /// Its input is streamed unchecked, so it may be invalid JSON.
        eager_input_streaming,
    )
}

object! {
    /// A tool that the API defines. Which fields a tool takes is for the server to say.
    BuiltInTool {
        /// Which one, in which version.
        kind as "type": BuiltIn,
        /// The name that its version has.
        name: String,
    } {
        /// The only domains to look at; not together with `blocked_domains`.
        allowed_domains: Vec<String>,
        /// Domains to keep away from.
        blocked_domains: Vec<String>,
        /// Where the user is: type, city, region, country, time zone.
        user_location: RawJson,
        /// Whether what it finds may be cited.
        citations: CitationsConfig,
        /// Who may call it: `direct`, or a version of code execution.
        allowed_callers: Vec<String>,
        /// The adviser's model.
        model: String,
        /// The tools of a toolset, each with its settings.
        configs: RawJson,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [
        /// How often one request may use it.
        max_uses: u32,
        /// The most tokens that one result may have.
        max_content_tokens: u32,
        /// The most characters that one result may have.
        max_characters: u32,
        /// The most tokens that the adviser may take.
        max_tokens: u32,
        /// The width of the screen, in pixels.
        display_width_px: u32,
        /// The height of the screen, in pixels.
        display_height_px: u32,
        /// Which screen.
        display_number: u32,
    ] (
        /// The input always matches the schema.
        strict,
        /// It is not shown until a search for tools finds it.
        defer_loading,
    )
}

word! {
    /// Which tool that the API defines, in which version.
    BuiltIn {
        /// Searches the web.
        WebSearch20250305 = "web_search_20250305",
        /// Searches the web.
        WebSearch20260209 = "web_search_20260209",
        /// Searches the web.
        WebSearch20260318 = "web_search_20260318",
        /// Fetches a page.
        WebFetch20250910 = "web_fetch_20250910",
        /// Fetches a page.
        WebFetch20260209 = "web_fetch_20260209",
        /// Fetches a page.
        WebFetch20260309 = "web_fetch_20260309",
        /// Fetches a page.
        WebFetch20260318 = "web_fetch_20260318",
        /// Runs code in a container.
        CodeExecution20250522 = "code_execution_20250522",
        /// Runs code in a container.
        CodeExecution20250825 = "code_execution_20250825",
        /// Runs code in a container.
        CodeExecution20260120 = "code_execution_20260120",
        /// Runs code in a container.
        CodeExecution20260521 = "code_execution_20260521",
        /// Searches the tools by words.
        ToolSearchBm25 = "tool_search_tool_bm25_20251119",
        /// Searches the tools by regular expression.
        ToolSearchRegex = "tool_search_tool_regex_20251119",
        /// A shell at the caller.
        Bash20250124 = "bash_20250124",
        /// An editor at the caller.
        TextEditor20250124 = "text_editor_20250124",
        /// An editor at the caller.
        TextEditor20250429 = "text_editor_20250429",
        /// An editor at the caller.
        TextEditor20250728 = "text_editor_20250728",
        /// Files at the caller that outlive the conversation.
        Memory20250818 = "memory_20250818",
        /// A screen, a mouse and a keyboard at the caller.
        ComputerToolset20260801 = "computer_toolset_20260801",
        /// A browser at the caller.
        BrowserToolset20260801 = "browser_toolset_20260801",
        /// Another model that advises; needs a beta.
        Advisor20260301 = "advisor_20260301",
    }
}

object! {
    /// The tools of an MCP server. Needs a beta.
    McpToolset "mcp_toolset" {
        /// The MCP server, as `mcp_servers` calls it.
        mcp_server_name: String,
    } {
        /// Settings of single tools, by name.
        configs: RawJson,
        /// Settings of all the others.
        default_config: RawJson,
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

impl Tool {
    /// Any tool from its JSON.
    #[must_use]
    pub fn from_raw(raw: RawJson) -> Self {
        match Self::known(&raw) {
            Some(tool) => tool,
            None => Self::Unknown(raw.into()),
        }
    }

    fn known(raw: &RawJson) -> Option<Self> {
        let mut fields = Fields::split(raw.get()).ok()?;
        let kind: Option<Key<'_>> = match fields.raw("type") {
            Some(kind) => Some(serde_json::from_str(kind.get()).ok()?),
            None => None,
        };
        match kind.as_ref().map(|Key(kind)| kind.as_ref()) {
            // A `type` that says `custom` stays among the extra fields.
            None | Some("custom") => CustomTool::from_fields(fields).map(Self::Custom),
            Some("mcp_toolset") => {
                fields.remove("type");
                McpToolset::from_fields(fields).map(Self::McpToolset)
            }
            Some(kind) => match BuiltIn::from(kind) {
                BuiltIn::Unknown(_) => None,
                _ => BuiltInTool::from_fields(fields).map(Self::BuiltIn),
            },
        }
    }

    /// Searches the web: `web_search_20260318`.
    #[must_use]
    pub fn web_search() -> Self {
        BuiltInTool::new(BuiltIn::WebSearch20260318, "web_search").into()
    }

    /// Fetches pages: `web_fetch_20260318`.
    #[must_use]
    pub fn web_fetch() -> Self {
        BuiltInTool::new(BuiltIn::WebFetch20260318, "web_fetch").into()
    }

    /// Runs code in a container: `code_execution_20260521`.
    #[must_use]
    pub fn code_execution() -> Self {
        BuiltInTool::new(BuiltIn::CodeExecution20260521, "code_execution").into()
    }

    /// A shell at the caller: `bash_20250124`.
    #[must_use]
    pub fn bash() -> Self {
        BuiltInTool::new(BuiltIn::Bash20250124, "bash").into()
    }

    /// An editor at the caller: `text_editor_20250728`.
    #[must_use]
    pub fn text_editor() -> Self {
        BuiltInTool::new(BuiltIn::TextEditor20250728, "str_replace_based_edit_tool").into()
    }

    /// Files at the caller that outlive the conversation: `memory_20250818`.
    #[must_use]
    pub fn memory() -> Self {
        BuiltInTool::new(BuiltIn::Memory20250818, "memory").into()
    }
}

impl From<CustomTool> for Tool {
    fn from(tool: CustomTool) -> Self {
        Self::Custom(tool)
    }
}

impl From<BuiltInTool> for Tool {
    fn from(tool: BuiltInTool) -> Self {
        Self::BuiltIn(tool)
    }
}

impl From<McpToolset> for Tool {
    fn from(tools: McpToolset) -> Self {
        Self::McpToolset(tools)
    }
}

impl Serialize for Tool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Custom(tool) => tool.serialize(serializer),
            Self::BuiltIn(tool) => tool.serialize(serializer),
            Self::McpToolset(tools) => tools.serialize(serializer),
            Self::Unknown(object) => object.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawJson::deserialize(deserializer).map(Self::from_raw)
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(tool) => tool.fmt(f),
            Self::BuiltIn(tool) => tool.fmt(f),
            Self::McpToolset(tools) => tools.fmt(f),
            Self::Unknown(object) => object.fmt(f),
        }
    }
}

tagged! {
    /// Which tools the model may or must call.
    ToolChoice {
        /// The model decides.
        Auto(ToolChoiceAuto),
        /// One at least; not every model can be forced.
        Any(ToolChoiceAny),
        /// This one; not every model can be forced.
        Tool(ToolChoiceTool),
        /// None.
        None(ToolChoiceNone),
    }
}

object! {
    /// The model decides.
    ToolChoiceAuto "auto" {} {} [] (
        /// At most one call a turn.
        disable_parallel_tool_use,
    )
}

object! {
    /// One tool at least.
    ToolChoiceAny "any" {} {} [] (
        /// Exactly one call.
        disable_parallel_tool_use,
    )
}

object! {
    /// This tool.
    ToolChoiceTool "tool" {
        /// The tool.
        name: String,
    } {} [] (
        /// Exactly one call.
        disable_parallel_tool_use,
    )
}

object! {
    /// No tool.
    ToolChoiceNone "none" {} {} [] ()
}

impl ToolChoice {
    /// The model decides.
    #[must_use]
    pub fn auto() -> Self {
        ToolChoiceAuto::new().into()
    }

    /// One at least; not every model can be forced.
    #[must_use]
    pub fn any() -> Self {
        ToolChoiceAny::new().into()
    }

    /// This one; not every model can be forced.
    #[must_use]
    pub fn tool(name: impl Into<String>) -> Self {
        ToolChoiceTool::new(name).into()
    }

    /// None.
    #[must_use]
    pub fn none() -> Self {
        ToolChoiceNone::new().into()
    }
}
