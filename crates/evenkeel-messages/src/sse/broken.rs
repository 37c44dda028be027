use bytes::Bytes;
use evenkeel_error::Error;

/// Bytes that are no event stream.
pub(crate) struct Broken {
    pub(crate) message: String,
    pub(crate) sample: Bytes,
}

impl Broken {
    /// An event that grew past the limit.
    #[cold]
    pub(super) fn large(limit: usize) -> Self {
        Self {
            message: format!("an event is larger than the limit of {limit} bytes"),
            sample: Bytes::new(),
        }
    }

    /// An event whose name is not text.
    #[cold]
    pub(super) fn name(data: &[u8], offset: u64) -> Self {
        Self {
            message: format!(
                "malformed event at byte {offset} of the stream: its name is not UTF-8"
            ),
            sample: Bytes::copy_from_slice(sample_of(data)),
        }
    }

    /// An event whose data is text up to `at`.
    #[cold]
    pub(super) fn data(name: &str, data: &[u8], offset: u64, at: usize) -> Self {
        let name = if name.is_empty() { "unnamed" } else { name };
        Self {
            message: format!(
                "malformed {name} event at byte {offset} of the stream: byte {at} of its data is not UTF-8"
            ),
            sample: Bytes::copy_from_slice(sample_of(data)),
        }
    }

    pub(crate) fn into_error(self) -> Error {
        let error = Error::protocol(self.message);
        if self.sample.is_empty() {
            error
        } else {
            error.with_body(&self.sample)
        }
    }
}

/// So much of an event that cannot be read is kept, to find out why.
const SAMPLE: usize = 256;

pub(crate) fn sample_of(data: &[u8]) -> &[u8] {
    data.get(..SAMPLE).unwrap_or(data)
}
