use std::fmt;

use evenkeel_transport::Body;

/// The sizes that are accepted, in bytes after decompression, and in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// One event of a stream: the largest that the API sends hold a file's worth of Base64.
    pub(crate) event: usize,
    /// A reply, in one piece or as a stream: the longest that a model gives, one token an event, is
    /// about half of it.
    pub(crate) reply_body: usize,
    /// What is read of an error. What a server has to say fits many times.
    pub(crate) error_body: usize,
    /// A collected call is replayed after content only while that costs little: up to so many output
    /// tokens seen, as much as the official SDKs give their shortest answers.
    pub(crate) replay_tokens: u64,
}

impl Sizes {
    pub(crate) const DEFAULT: Self = Self {
        event: 32 * MIB,
        reply_body: Body::REPLY_LIMIT,
        error_body: Body::ERROR_LIMIT,
        replay_tokens: 8_192,
    };
}

/// The most results of one batch: ten times the requests that the API allows in one. What was handed
/// out is remembered, so that a cut brings nothing twice, and that must end somewhere.
pub(crate) const MOST_RESULTS: u64 = 1_000_000;

const MIB: usize = 1024 * 1024;

/// A number of bytes as people write it.
pub(crate) struct Size(pub(crate) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= MIB && bytes % MIB == 0 => write!(f, "{} MiB", bytes / MIB),
            bytes if bytes >= 1024 && bytes % 1024 == 0 => write!(f, "{} KiB", bytes / 1024),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_printed_as_people_write_it() {
        let sizes = [64 * MIB, 64 * 1024, 1_000].map(|size| Size(size).to_string());
        assert_eq!(sizes, ["64 MiB", "64 KiB", "1000 bytes"]);
    }
}
