//! Events back onto the wire.

use bytes::Bytes;
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{MessageDelta, MessageHead, StreamEvent};
use crate::reply::MODELLED;
use crate::sse;

impl StreamEvent {
    /// The whole event as it stands in a stream, its name, its data and the empty line: for
    /// gateways. Of an error event the type and the message are written, of which the server's own
    /// may have said more.
    #[must_use]
    pub fn to_frame(&self) -> Bytes {
        let data = match self {
            Self::Unknown { raw, .. } => raw.get().to_owned(),
            // Names are strings and values are JSON already: there is nothing that can fail.
            _ => serde_json::to_string(self).unwrap_or_default(),
        };
        sse::write(Some(self.name()).filter(|name| !name.is_empty()), &data)
    }
}

/// The data of the event. An unknown event whose data is no JSON has no JSON form.
impl Serialize for StreamEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Unknown { raw, .. } = self {
            let raw: &RawValue = serde_json::from_str(raw.get()).map_err(S::Error::custom)?;
            return raw.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.name())?;
        match self {
            Self::MessageStart(head) => {
                map.serialize_entry("message", &Head(head))?;
                head.extra.write(&mut map)?;
            }
            Self::ContentBlockStart {
                index,
                block,
                extra,
            } => {
                map.serialize_entry("index", index)?;
                map.serialize_entry("content_block", block)?;
                extra.write(&mut map)?;
            }
            Self::ContentBlockDelta {
                index,
                delta,
                extra,
            } => {
                map.serialize_entry("index", index)?;
                map.serialize_entry("delta", delta)?;
                extra.write(&mut map)?;
            }
            Self::ContentBlockStop { index, extra } => {
                map.serialize_entry("index", index)?;
                extra.write(&mut map)?;
            }
            Self::MessageDelta(delta) => {
                map.serialize_entry("delta", &Conclusion(delta))?;
                map.serialize_entry("usage", &delta.usage)?;
                delta.outer.write_beside(&mut map, &["usage"])?;
            }
            Self::MessageStop { extra } | Self::Ping { extra } => extra.write(&mut map)?,
            Self::Error(error) => map.serialize_entry("error", &Said(error))?,
            Self::Unknown { .. } => {}
        }
        map.end()
    }
}

struct Head<'a>(&'a MessageHead);

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let head = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &head.id)?;
        map.serialize_entry("type", "message")?;
        map.serialize_entry("role", &head.role)?;
        map.serialize_entry("model", &head.model)?;
        map.serialize_entry("content", &[(); 0])?;
        map.serialize_entry("stop_reason", &())?;
        map.serialize_entry("stop_sequence", &())?;
        map.serialize_entry("usage", &head.usage)?;
        head.details.write_beside(&mut map, &MODELLED)?;
        map.end()
    }
}

struct Conclusion<'a>(&'a MessageDelta);

impl Serialize for Conclusion<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let delta = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("stop_reason", &delta.stop_reason)?;
        map.serialize_entry("stop_sequence", &delta.stop_sequence)?;
        let modelled = ["stop_reason", "stop_sequence"];
        delta.details.write_beside(&mut map, &modelled)?;
        map.end()
    }
}

struct Said<'a>(&'a evenkeel_error::Error);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = self.0;
        let kind = error.error_type().unwrap_or("api_error");
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", kind)?;
        map.serialize_entry("message", error.message().unwrap_or(error.kind().label()))?;
        map.end()
    }
}
