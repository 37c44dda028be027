use std::fmt;

use serde::Serialize;

use crate::RawJson;
use crate::extra::Fields;

/// An object of a type, or of a shape, that this version does not know: it goes back byte for
/// byte. `Debug` shows type and length.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownObject {
    /// Its `type`; empty if it has none.
    pub kind: String,
    /// The whole object.
    pub raw: RawJson,
}

impl UnknownObject {
    /// A field that is there and not `null`.
    pub(crate) fn field(&self, name: &str) -> Option<RawJson> {
        let value = Fields::split(self.raw.get()).ok()?.raw(name)?;
        Some(RawJson::copy(value)).filter(|raw| raw.get() != "null")
    }
}

impl From<RawJson> for UnknownObject {
    fn from(raw: RawJson) -> Self {
        let kind = Fields::split(raw.get())
            .ok()
            .and_then(|mut fields| fields.take("type"));
        Self {
            kind: kind.unwrap_or_default(),
            raw,
        }
    }
}

impl Serialize for UnknownObject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl fmt::Debug for UnknownObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownObject")
            .field("kind", &self.kind)
            .field("raw", &self.raw)
            .finish()
    }
}
