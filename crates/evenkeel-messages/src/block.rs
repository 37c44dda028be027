use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::extra::Fields;
use crate::{Extra, RawJson};

mod call;
mod debug;

/// One block of content, in a request or in a reply.
///
/// A block whose type, or whose shape, this version does not know is [`Unknown`](Self::Unknown)
/// and goes back byte for byte; unknown fields of known blocks are kept beside the known ones.
/// `Debug` shows lengths and names, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentBlock {
    /// Text.
    Text(TextBlock),
    /// The model's thinking, or a summary of it, or nothing where it is not displayed.
    Thinking(ThinkingBlock),
    /// Thinking that only the server can read.
    RedactedThinking(RedactedThinkingBlock),
    /// A call of one of the caller's tools. Always whole: unfinished calls are never here.
    ToolUse(ToolUse),
    /// A call of a tool that runs at the server.
    ServerToolUse(ServerToolUse),
    /// Everything else, verbatim.
    Unknown(UnknownBlock),
}

/// Text, with the citations that support it.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextBlock {
    /// The text.
    pub text: String,
    /// Citations, each verbatim; `None` when the field was absent.
    pub citations: Option<Vec<RawJson>>,
    /// Fields that are not modelled.
    pub extra: Extra,
}

/// Thinking. The signature binds it to the conversation: send both back unchanged or neither.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThinkingBlock {
    /// What is displayed; may be empty.
    pub thinking: String,
    /// Without one the block cannot be sent back.
    pub signature: Option<String>,
    /// Fields that are not modelled.
    pub extra: Extra,
}

/// Thinking that only the server can read.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactedThinkingBlock {
    /// The encrypted text.
    pub data: String,
    /// Fields that are not modelled.
    pub extra: Extra,
}

/// A whole call of one of the caller's tools: its input is a complete JSON object.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolUse {
    /// What the tool result must name.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object, as the model wrote it. It need not match the tool's schema.
    pub input: RawJson,
    /// Fields that are not modelled.
    pub extra: Extra,
}

/// A whole call of a tool that runs at the server.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerToolUse {
    /// What the result block names.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object.
    pub input: RawJson,
    /// Fields that are not modelled.
    pub extra: Extra,
}

/// A block of a type, or of a shape, that this version does not know.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownBlock {
    /// Its `type`; empty if it has none.
    pub kind: String,
    /// The whole block.
    pub raw: RawJson,
}

impl ContentBlock {
    /// A text block.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextBlock {
            text: text.into(),
            ..TextBlock::default()
        })
    }

    /// Any block, from its JSON: an image, a document, a tool result.
    #[must_use]
    pub fn from_raw(raw: RawJson) -> Self {
        match Self::known(raw.as_raw()) {
            Ok(block) => block,
            Err(kind) => Self::Unknown(UnknownBlock { kind, raw }),
        }
    }

    /// The block's `type` on the wire.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Thinking(_) => "thinking",
            Self::RedactedThinking(_) => "redacted_thinking",
            Self::ToolUse(_) => "tool_use",
            Self::ServerToolUse(_) => "server_tool_use",
            Self::Unknown(block) => &block.kind,
        }
    }

    pub(crate) fn read(raw: &RawValue) -> Self {
        Self::known(raw).unwrap_or_else(|kind| {
            Self::Unknown(UnknownBlock {
                kind,
                raw: RawJson::copy(raw),
            })
        })
    }

    /// The typed form, or else the block's type.
    fn known(raw: &RawValue) -> Result<Self, String> {
        let mut fields = Fields::split(raw.get()).unwrap_or_default();
        let kind: String = fields.take("type").unwrap_or_default();
        let block = match kind.as_str() {
            "text" => fields.take("text").map(|text| {
                let citations = fields.take("citations");
                Self::Text(TextBlock {
                    text,
                    citations,
                    extra: fields.into_extra(),
                })
            }),
            "thinking" => fields.take("thinking").map(|thinking| {
                let signature = fields.take("signature");
                Self::Thinking(ThinkingBlock {
                    thinking,
                    signature,
                    extra: fields.into_extra(),
                })
            }),
            "redacted_thinking" => fields.take("data").map(|data| {
                Self::RedactedThinking(RedactedThinkingBlock {
                    data,
                    extra: fields.into_extra(),
                })
            }),
            "tool_use" => call(fields).map(|(id, name, input, extra)| {
                Self::ToolUse(ToolUse {
                    id,
                    name,
                    input,
                    extra,
                })
            }),
            "server_tool_use" => call(fields).map(|(id, name, input, extra)| {
                Self::ServerToolUse(ServerToolUse {
                    id,
                    name,
                    input,
                    extra,
                })
            }),
            _ => None,
        };
        block.ok_or(kind)
    }
}

fn call(mut fields: Fields<'_>) -> Option<(String, String, RawJson, Extra)> {
    let id = fields.take("id")?;
    let name = fields.take("name")?;
    let input = fields.take("input").filter(RawJson::is_object)?;
    Some((id, name, input, fields.into_extra()))
}

impl From<RawJson> for ContentBlock {
    fn from(raw: RawJson) -> Self {
        Self::from_raw(raw)
    }
}

impl<'de> Deserialize<'de> for ContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawJson::deserialize(deserializer).map(Self::from_raw)
    }
}

impl Serialize for ContentBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Unknown(block) = self {
            return block.raw.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.kind())?;
        let extra = match self {
            Self::Text(block) => {
                map.serialize_entry("text", &block.text)?;
                if let Some(citations) = &block.citations {
                    map.serialize_entry("citations", citations)?;
                }
                &block.extra
            }
            Self::Thinking(block) => {
                map.serialize_entry("thinking", &block.thinking)?;
                if let Some(signature) = &block.signature {
                    map.serialize_entry("signature", signature)?;
                }
                &block.extra
            }
            Self::RedactedThinking(block) => {
                map.serialize_entry("data", &block.data)?;
                &block.extra
            }
            Self::ToolUse(ToolUse {
                id,
                name,
                input,
                extra,
            })
            | Self::ServerToolUse(ServerToolUse {
                id,
                name,
                input,
                extra,
            }) => {
                map.serialize_entry("id", id)?;
                map.serialize_entry("name", name)?;
                map.serialize_entry("input", input)?;
                extra
            }
            Self::Unknown(_) => return Err(S::Error::custom("written above")),
        };
        extra.write(&mut map)?;
        map.end()
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
