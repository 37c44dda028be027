use std::fmt;

use evenkeel_error::InvalidConfig;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One JSON value as its text, byte for byte as it came.
///
/// What this crate does not model is kept in this form and sent back unchanged. `Debug` shows the
/// length only: the text may be a prompt or a reply.
///
/// ```
/// use evenkeel_messages::RawJson;
///
/// let raw = RawJson::from_text(r#"{ "b":1,"a" : 2 }"#)?;
/// assert_eq!(raw.get(), r#"{ "b":1,"a" : 2 }"#);
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// The JSON text of `value`.
    ///
    /// # Errors
    /// When `value` has no JSON form, such as a map whose keys are not strings.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidConfig> {
        match serde_json::value::to_raw_value(value) {
            Ok(raw) => Ok(Self(raw)),
            Err(_) => Err(InvalidConfig::new("value", "must have a JSON form")),
        }
    }

    /// Takes over a text that is one JSON value; white space around it is dropped.
    ///
    /// # Errors
    /// When `text` is not exactly one JSON value.
    pub fn from_text(text: impl Into<String>) -> Result<Self, InvalidConfig> {
        match RawValue::from_string(text.into()) {
            Ok(raw) => Ok(Self(raw)),
            Err(_) => Err(InvalidConfig::new("text", "must be one JSON value")),
        }
    }

    pub(crate) fn copy(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    pub(crate) fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// The text. Parse it with any JSON library, into any type.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// The content of a JSON string that needs no unescaping; `None` for everything else.
    pub(crate) fn as_plain_str(&self) -> Option<&str> {
        serde_json::from_str(self.get()).ok()
    }

    /// The elements, if it is an array of `T`.
    pub(crate) fn as_array<T: serde::de::DeserializeOwned>(&self) -> Option<Vec<T>> {
        serde_json::from_str(self.get()).ok()
    }

    pub(crate) fn is_object(&self) -> bool {
        self.get().starts_with('{')
    }
}

/// A [`RawJson`] that is an object: what the input of a whole tool call is.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct JsonObject(RawJson);

impl JsonObject {
    /// The JSON text of `value`.
    ///
    /// # Errors
    /// When `value` has no JSON form, or one that is no object.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidConfig> {
        RawJson::new(value)?.try_into()
    }

    /// The object as a `T`.
    ///
    /// # Errors
    /// When it is not one; the error may quote the object.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.get())
    }
}

impl TryFrom<RawJson> for JsonObject {
    type Error = InvalidConfig;

    fn try_from(raw: RawJson) -> Result<Self, InvalidConfig> {
        if raw.is_object() {
            Ok(Self(raw))
        } else {
            Err(InvalidConfig::new("value", "must be a JSON object"))
        }
    }
}

impl std::ops::Deref for JsonObject {
    type Target = RawJson;

    fn deref(&self) -> &RawJson {
        &self.0
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawJson::deserialize(deserializer)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonObject({} bytes)", self.get().len())
    }
}

sketch_as_debug!(JsonObject);

/// Equal text; white space inside counts.
impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.get().len())
    }
}
