use std::fmt;

use crate::block::join_text;
use crate::{
    ContentBlock, JsonObject, RawJson, ReplyDetails, Role, StopReason, UnknownObject, Usage,
};

/// What has arrived of a reply. Not a [`Message`](crate::Message), and nothing turns it into one:
/// what is truncated must not be taken for an answer.
///
/// Its content has whole tool calls only; those that were cut are in
/// [`unfinished_tools`](Self::unfinished_tools), as text. The last text or thinking may be cut
/// anywhere. `Debug` shows lengths and names, never content.
#[derive(Clone, PartialEq, Eq)]
pub struct Partial {
    pub(crate) request_id: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) role: Role,
    pub(crate) content: Vec<ContentBlock>,
    /// For each block of the content, whether its end was seen.
    pub(crate) whole: Vec<bool>,
    pub(crate) unfinished: Vec<UnfinishedTool>,
    pub(crate) stop_reason: Option<StopReason>,
    pub(crate) stop_sequence: Option<String>,
    pub(crate) usage: Usage,
    pub(crate) details: ReplyDetails,
    pub(crate) unmerged: Vec<UnmergedDelta>,
}

/// A delta of a type that this version does not know: it belongs to the content, but nobody knows
/// how. A block with one may be incomplete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnmergedDelta {
    /// The block's index in the stream.
    pub index: u32,
    /// The delta, byte for byte.
    pub delta: UnknownObject,
}

/// A tool call whose input is not whole, or not JSON. It cannot be run, and cannot be sent back.
///
/// `Debug` shows the length of the input, never the input.
#[derive(Clone, PartialEq, Eq)]
pub struct UnfinishedTool {
    pub(crate) index: u32,
    /// As it began; its own input stands for the whole when no text follows.
    pub(crate) start: ContentBlock,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) input: String,
    pub(crate) closed: bool,
    /// A delta came that this version does not know: it may be what the input is made of.
    pub(crate) unmerged: bool,
}

impl Partial {
    pub(crate) fn new(request_id: Option<String>) -> Self {
        Self {
            request_id,
            id: None,
            model: None,
            role: Role::Assistant,
            content: Vec::new(),
            whole: Vec::new(),
            unfinished: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: Usage::default(),
            details: ReplyDetails::default(),
            unmerged: Vec::new(),
        }
    }

    /// The request id of the response head, which Anthropic's support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The id of the reply; `None` before it began.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The model that answers; `None` before the reply began.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The blocks so far, in order.
    #[must_use]
    pub fn content(&self) -> &[ContentBlock] {
        &self.content
    }

    /// Whether the end of the block at `place` in the content was seen; false where there is none.
    #[must_use]
    pub fn is_whole(&self, place: usize) -> bool {
        self.whole.get(place).copied().unwrap_or(false)
    }

    /// Every text block so far, joined.
    #[must_use]
    pub fn text(&self) -> String {
        join_text(&self.content)
    }

    /// Tool calls that are not whole.
    #[must_use]
    pub fn unfinished_tools(&self) -> &[UnfinishedTool] {
        &self.unfinished
    }

    /// Deltas that could not be merged into their blocks.
    #[must_use]
    pub fn unmerged_deltas(&self) -> &[UnmergedDelta] {
        &self.unmerged
    }

    /// What else was said of the reply.
    #[must_use]
    pub fn details(&self) -> &ReplyDetails {
        &self.details
    }

    /// Whether nothing of the reply's content has arrived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.unfinished.is_empty()
    }

    /// Why the model stopped, if that was said: then the reply is complete but for its end marker.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.stop_reason.as_ref()
    }

    /// Tokens as last counted by the server. A cut reply was billed for what it produced, which
    /// may be more.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.usage
    }
}

impl UnfinishedTool {
    pub(crate) fn open(index: u32, start: ContentBlock) -> Self {
        let (id, name) = start.call_identity();
        Self {
            index,
            start,
            id,
            name,
            input: String::new(),
            closed: false,
            unmerged: false,
        }
    }

    /// The call as a block, if its input is whole: a JSON object, closed by the model itself.
    ///
    /// A call without any input may be one that takes none, or one that was cut before its first
    /// byte; that depends on what follows it.
    pub(crate) fn whole(&self) -> Option<ContentBlock> {
        if self.input.trim().is_empty() {
            let began = self.start.call_input()?;
            return (began.is_object() && began.get() != "{}").then(|| self.start.clone());
        }
        let input = RawJson::from_text(self.input.as_str()).ok()?;
        self.start
            .with_call_input(JsonObject::try_from(input).ok()?)
    }

    pub(crate) fn is_closed_without_input(&self) -> bool {
        self.closed && !self.unmerged && self.input.trim().is_empty()
    }

    /// The call's id; empty if it has none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tool; empty if it was not said.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the block: `tool_use`, `server_tool_use` or another kind of call.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.start.kind()
    }

    /// What has arrived of the input: text to show, never to run.
    #[must_use]
    pub fn input_so_far(&self) -> &str {
        &self.input
    }
}

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial")
            .field("request_id", &self.request_id)
            .field("id", &self.id)
            .field("model", &self.model)
            .field("content", &self.content)
            .field("unfinished", &self.unfinished)
            .field("stop_reason", &self.stop_reason)
            .field("usage", &self.usage)
            .field("details", &self.details)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UnfinishedTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnfinishedTool")
            .field("kind", &self.kind())
            .field("id", &self.id)
            .field("name", &self.name)
            .field("input_bytes", &self.input.len())
            .finish_non_exhaustive()
    }
}
