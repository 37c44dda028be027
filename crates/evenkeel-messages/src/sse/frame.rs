use std::{fmt, str};

use bytes::Bytes;

use super::broken::Broken;

/// One event, borrowed from the decoder.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The `event` field; `None` if there was none.
    pub name: Option<&'a str>,
    /// The `data` lines, joined by LF.
    pub data: &'a str,
    /// Where in the stream the event began, in bytes from the start.
    pub offset: u64,
}

impl<'a> Frame<'a> {
    /// An event whose bytes are all there, if it is text.
    #[inline]
    pub(super) fn read(name: &'a [u8], data: &'a [u8], offset: u64) -> Result<Self, Broken> {
        let Ok(text) = str::from_utf8(name) else {
            return Err(Broken::name(data, offset));
        };
        match str::from_utf8(data) {
            Ok(data) => Ok(Self {
                name: (!text.is_empty()).then_some(text),
                data,
                offset,
            }),
            Err(error) => Err(Broken::data(text, data, offset, error.valid_up_to())),
        }
    }

    /// Of a reply that came in one piece.
    pub(crate) const EMPTY: Self = Self {
        name: None,
        data: "",
        offset: 0,
    };

    /// The event as it stands in a stream, empty line included; comments and fields that the
    /// standard ignores are gone.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        write(self.name, self.data)
    }
}

/// An event as it stands in a stream.
pub(crate) fn write(name: Option<&str>, data: &str) -> Bytes {
    let mut bytes = String::with_capacity(data.len() + 40);
    if let Some(name) = name {
        bytes.push_str("event: ");
        bytes.push_str(name);
        bytes.push('\n');
    }
    for line in data.split('\n') {
        bytes.push_str("data: ");
        bytes.push_str(line);
        bytes.push('\n');
    }
    bytes.push('\n');
    bytes.into()
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("name", &self.name)
            .field("data_bytes", &self.data.len())
            .field("offset", &self.offset)
            .finish()
    }
}
