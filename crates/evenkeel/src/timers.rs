use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel_messages::StallLimits;
use evenkeel_transport::Request;

use crate::renewal;

/// The limits of one attempt. Clocks run only while a read is pending, so a slow consumer never
/// meets one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timers {
    /// Response head of a streamed request.
    pub(crate) head: Duration,
    /// Response head of a plain request, which comes after the whole reply was generated.
    pub(crate) plain_head: Duration,
    /// First event of a stream: compiling a schema may take the server 180 s.
    pub(crate) first_event: Duration,
    /// Any byte, pings included.
    pub(crate) byte_silence: Duration,
    /// Events with content.
    pub(crate) progress: Duration,
    /// Events with content, while thinking is not displayed or a server tool runs.
    pub(crate) hidden_progress: Duration,
    /// The body of an error, whose head has said the most important.
    pub(crate) error_body: Duration,
    /// Renewing a token.
    pub(crate) renewal: Duration,
    /// Quiet for so long is worth a word.
    pub(crate) warning: Duration,
}

impl Timers {
    pub(crate) const DEFAULT: Self = Self {
        head: Request::HEAD_LIMIT,
        plain_head: Duration::from_secs(600),
        first_event: Duration::from_secs(200),
        byte_silence: Duration::from_secs(180),
        progress: Duration::from_secs(300),
        hidden_progress: Duration::from_secs(600),
        error_body: Duration::from_secs(10),
        renewal: renewal::LIMIT,
        warning: StallLimits::WARNING,
    };

    pub(crate) fn divided_by(self, divisor: NonZeroU32) -> Self {
        let by = divisor.get();
        Self {
            head: self.head / by,
            plain_head: self.plain_head / by,
            first_event: self.first_event / by,
            byte_silence: self.byte_silence / by,
            progress: self.progress / by,
            hidden_progress: self.hidden_progress / by,
            error_body: self.error_body / by,
            renewal: self.renewal / by,
            warning: self.warning / by,
        }
    }
}
