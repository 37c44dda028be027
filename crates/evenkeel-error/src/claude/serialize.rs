use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Error, date};

/// For logs: stable names, absent facts as `null`, no secrets and no body.
///
/// `retry_at` is RFC 3339 in UTC, `after_ms` whole milliseconds, rounded up.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self, Body::LeftOut, serializer)
    }
}

/// An [`Error`] with its body, for [`Serialize`]. Made by [`Error::including_body`].
#[derive(Debug)]
pub struct WithBody<'a> {
    error: &'a Error,
}

impl Error {
    /// The same serialization with one more field, `body`: the beginning of the server's body,
    /// scrubbed, at most 2 KiB. It may quote the request, so it is left out unless asked for.
    #[must_use]
    pub fn including_body(&self) -> WithBody<'_> {
        WithBody { error: self }
    }
}

impl Serialize for WithBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.error, Body::Asked, serializer)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    LeftOut,
    Asked,
}

fn write<S: Serializer>(error: &Error, body: Body, serializer: S) -> Result<S::Ok, S::Error> {
    let count = if body == Body::Asked { 14 } else { 13 };
    let mut fields = serializer.serialize_struct("Error", count)?;
    fields.serialize_field("kind", error.label())?;
    fields.serialize_field("category", error.category().label())?;
    fields.serialize_field("recovery", error.recovery().label())?;
    fields.serialize_field("delivery", error.delivery().label())?;
    fields.serialize_field("status", &error.status())?;
    fields.serialize_field("type", &error.error_type())?;
    fields.serialize_field("code", &error.code())?;
    fields.serialize_field("message", &error.message())?;
    fields.serialize_field("request_id", &error.request_id())?;
    fields.serialize_field("cf_ray", &error.cf_ray())?;
    fields.serialize_field("retry_at", &error.retry_at().and_then(date::to_rfc3339))?;
    fields.serialize_field("after_ms", &error.retry_after().map(milliseconds))?;
    fields.serialize_field("advice", error.advice())?;
    if body == Body::Asked {
        fields.serialize_field("body", &error.body())?;
    }
    fields.end()
}

/// Rounded up: a wait that is cut short is known to fail.
fn milliseconds(wait: std::time::Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
