//! `POST /v1/messages/count_tokens`.

use bytes::Bytes;
use evenkeel_error::Error;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::MessageRequest;

/// Parameters that say how a reply is made, not what is asked: counting does not take them.
const NOT_COUNTED: [&str; 13] = [
    "stream",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "metadata",
    "service_tier",
    "inference_geo",
    "container",
    "diagnostics",
    "fallbacks",
    "fallback_credit_token",
    "thread",
];

struct Counted<'a>(&'a MessageRequest);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", &self.0.model)?;
        map.serialize_entry("messages", &self.0.messages)?;
        self.0
            .parameters
            .write_unless(&mut map, &|name| NOT_COUNTED.contains(&name))?;
        map.end()
    }
}

impl MessageRequest {
    /// The body that asks how many input tokens this request has, for
    /// `POST /v1/messages/count_tokens`: without `max_tokens` and what else has no part in that.
    ///
    /// # Errors
    /// As for [`to_body`](Self::to_body).
    pub fn to_count_body(&self) -> Result<Bytes, Error> {
        self.check()?;
        match serde_json::to_vec(&Counted(self)) {
            Ok(body) => Ok(body.into()),
            Err(_) => Err(Error::invalid_config("request", "must have a JSON form")),
        }
    }
}
