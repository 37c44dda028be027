use std::fmt;

use evenkeel_error::{Error, Facts};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::block::join_text;
use crate::extra::Fields;
use crate::{
    ContentBlock, MessageParam, Partial, Role, StopDetails, StopReason, StreamEvent, ToolUse,
    UnfinishedTool, UnmergedDelta, Usage,
};

mod details;
mod events;
mod plain;
mod usual;

pub use details::ReplyDetails;

/// A complete reply: it has a stop reason, and whole tool calls only.
///
/// Complete is not good: look at the stop reason. A reply that was cut by `max_tokens` is a
/// message, and so is a refusal. `Debug` shows lengths and names, never content.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// `msg_…`.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// [`Role::Assistant`].
    pub role: Role,
    /// Blocks in order.
    pub content: Vec<ContentBlock>,
    /// Why the model stopped. `None` only where a server that looks alike did not say; see
    /// [`Strictness::Relaxed`](crate::Strictness::Relaxed).
    pub stop_reason: Option<StopReason>,
    /// The stop sequence that was produced.
    pub stop_sequence: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// What else was said of the reply, with the fields that are not modelled.
    pub details: ReplyDetails,
    unfinished: Vec<UnfinishedTool>,
    unmerged: Vec<UnmergedDelta>,
}

impl Message {
    /// Reads a reply that is one whole JSON message: of a request that was not streamed, or of a
    /// gateway that does not stream. A stream where a message was expected is read as what it is.
    ///
    /// The last block is taken for an unfinished tool call if it is a tool call and the model was
    /// cut off: nothing in such a reply tells a whole input from a part.
    ///
    /// # Errors
    /// `protocol` for anything that is no complete message, such as HTML or a message without a
    /// stop reason; `interrupted` where the JSON breaks off; and what an error envelope says. The
    /// error's text quotes nothing of the body; its report shows the beginning, scrubbed.
    pub fn from_json(body: &[u8], facts: &Facts) -> Result<Self, Error> {
        plain::read(body, facts)
    }

    /// What is whole of `partial`, once its stop reason is known.
    pub(crate) fn complete(partial: Partial) -> Self {
        Self {
            id: partial.id.unwrap_or_default(),
            model: partial.model.unwrap_or_default(),
            role: partial.role,
            content: partial.content,
            stop_reason: partial.stop_reason,
            stop_sequence: partial.stop_sequence,
            usage: partial.usage,
            details: partial.details,
            unfinished: partial.unfinished,
            unmerged: partial.unmerged,
        }
    }

    /// Every text block, joined.
    #[must_use]
    pub fn text(&self) -> String {
        join_text(&self.content)
    }

    /// Tool calls that the model did not finish, because it was cut off or wrote no valid JSON.
    /// They are not part of the content, and cannot be run.
    #[must_use]
    pub fn unfinished_tools(&self) -> &[UnfinishedTool] {
        &self.unfinished
    }

    /// The calls of the caller's tools, each whole.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolUse> {
        self.content.iter().filter_map(|block| match block {
            ContentBlock::ToolUse(call) => Some(call),
            _ => None,
        })
    }

    /// About the stop: of a refusal, what was refused and which model may answer instead.
    #[must_use]
    pub fn stop_details(&self) -> Option<&StopDetails> {
        self.details.stop_details.as_deref()
    }

    /// Deltas of types that this version does not know. Blocks that they belong to may be
    /// incomplete.
    #[must_use]
    pub fn unmerged_deltas(&self) -> &[UnmergedDelta] {
        &self.unmerged
    }

    /// The reply as the events of a stream that brings it, each block whole at its start: for a
    /// gateway that answers with one message where a stream was asked for. Unfinished tool calls
    /// are left out.
    #[must_use]
    pub fn into_events(self) -> Vec<StreamEvent> {
        events::of(self)
    }

    /// The reply as a message of the next request, every block as it came.
    #[must_use]
    pub fn into_param(self) -> MessageParam {
        MessageParam::new(self.role, self.content)
    }
}

/// The shape of the API. Unfinished tool calls and unmerged deltas are left out.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("type", "message")?;
        map.serialize_entry("role", &self.role)?;
        map.serialize_entry("model", &self.model)?;
        map.serialize_entry("content", &self.content)?;
        map.serialize_entry("stop_reason", &self.stop_reason)?;
        map.serialize_entry("stop_sequence", &self.stop_sequence)?;
        map.serialize_entry("usage", &self.usage)?;
        self.details.write_beside(&mut map, &MODELLED)?;
        map.end()
    }
}

/// What the object of a reply has besides its details.
pub(crate) const MODELLED: [&str; 8] = [
    "id",
    "type",
    "role",
    "model",
    "content",
    "stop_reason",
    "stop_sequence",
    "usage",
];

/// A stored reply. As [`from_json`](Message::from_json), but without the head of a response.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        plain::message(&raw).map_err(|found| {
            serde::de::Error::custom(format_args!("expected a message, found {found}"))
        })
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("role", &self.role)
            .field("content", &self.content)
            .field("stop_reason", &self.stop_reason)
            .field("usage", &self.usage)
            .field("details", &self.details)
            .field("unfinished", &self.unfinished)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
