use std::time::Duration;

/// The limits of a [`StallClock`](crate::StallClock). Any duration is legal; [`Duration::MAX`]
/// switches a limit off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct StallLimits {
    pub(super) first_event: Duration,
    pub(super) byte_silence: Duration,
    pub(super) progress: Duration,
    pub(super) hidden_progress: Duration,
    pub(super) warning: Duration,
}

impl StallLimits {
    /// Until the first event: compiling a schema may take the server 180 s.
    pub const FIRST_EVENT: Duration = Duration::from_secs(200);
    /// Without a byte: the server pings far more often.
    pub const BYTE_SILENCE: Duration = Duration::from_secs(180);
    /// Without content, pings or not: models write slowly, but not that slowly.
    pub const PROGRESS: Duration = Duration::from_secs(300);
    /// The same while thinking is not displayed or a server tool runs, where silence is normal.
    pub const HIDDEN_PROGRESS: Duration = Duration::from_secs(600);
    /// Until the early warning: when a person begins to wonder.
    pub const WARNING: Duration = Duration::from_secs(20);

    /// The defaults: the constants above.
    pub const fn new() -> Self {
        Self {
            first_event: Self::FIRST_EVENT,
            byte_silence: Self::BYTE_SILENCE,
            progress: Self::PROGRESS,
            hidden_progress: Self::HIDDEN_PROGRESS,
            warning: Self::WARNING,
        }
    }

    /// How long the first event may take.
    pub const fn first_event(mut self, limit: Duration) -> Self {
        self.first_event = limit;
        self
    }

    /// How long there may be no byte, once the first event has come.
    pub const fn byte_silence(mut self, limit: Duration) -> Self {
        self.byte_silence = limit;
        self
    }

    /// How long there may be no content.
    pub const fn progress(mut self, limit: Duration) -> Self {
        self.progress = limit;
        self
    }

    /// How long there may be no content while thinking is not displayed, a server tool runs, or a
    /// block that this version does not know is open.
    pub const fn hidden_progress(mut self, limit: Duration) -> Self {
        self.hidden_progress = limit;
        self
    }

    /// After how long without content to warn.
    pub const fn warning(mut self, after: Duration) -> Self {
        self.warning = after;
        self
    }
}

impl Default for StallLimits {
    fn default() -> Self {
        Self::new()
    }
}
