use std::fmt;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use serde_json::value::RawValue;

use crate::take::Take;
use crate::{ContentBlock, Extra, Role};

/// One message of a request: who speaks, and what.
///
/// `Debug` shows lengths, never content.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageParam {
    /// Who speaks.
    pub role: Role,
    /// What.
    pub content: Content,
    /// Fields that are not modelled.
    pub extra: Extra,
}

/// The content of a message: a text, or blocks. Both forms go back as they came.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// The short form.
    Text(String),
    /// Blocks in order.
    Blocks(Vec<ContentBlock>),
}

impl MessageParam {
    /// A message of `role`.
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self {
            role,
            content: content.into(),
            extra: Extra::default(),
        }
    }

    /// A message from the user.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User, content)
    }

    /// A message from the model, as it was given.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Instructions in the middle of a conversation. Not every model takes them, and not at every
    /// place.
    pub fn system(content: impl Into<Content>) -> Self {
        Self::new(Role::System, content)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<ContentBlock>> for Content {
    fn from(blocks: Vec<ContentBlock>) -> Self {
        Self::Blocks(blocks)
    }
}

impl<const N: usize> From<[ContentBlock; N]> for Content {
    fn from(blocks: [ContentBlock; N]) -> Self {
        Self::Blocks(blocks.into())
    }
}

impl From<ContentBlock> for Content {
    fn from(block: ContentBlock) -> Self {
        Self::Blocks(vec![block])
    }
}

impl Serialize for MessageParam {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", self.role.as_str())?;
        map.serialize_entry("content", &self.content)?;
        self.extra.write(&mut map)?;
        map.end()
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Blocks(blocks) => blocks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::take_from(&raw)
            .ok_or_else(|| D::Error::custom("expected a string or an array of blocks"))
    }
}

impl<'a> Take<'a> for Content {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        match Take::take_from(raw) {
            Some(blocks) => Some(Self::Blocks(blocks)),
            None => Take::take_from(raw).map(Self::Text),
        }
    }
}

sketch_as_debug!(Content);

impl fmt::Debug for MessageParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageParam")
            .field("role", &self.role)
            .field("content", &self.content)
            .field("extra", &self.extra)
            .finish()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Blocks(blocks) => f.debug_tuple("Blocks").field(blocks).finish(),
        }
    }
}
