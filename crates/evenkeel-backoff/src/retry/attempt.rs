use core::time::Duration;

/// What an operation may know of the attempt that it makes. Plain data: it can be moved, sent and
/// kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) elapsed: Duration,
    pub(crate) remaining: Option<Duration>,
}

impl Attempt {
    pub(crate) const FIRST: Self = Self {
        number: 1,
        elapsed: Duration::ZERO,
        remaining: None,
    };

    /// Counted from 1, the first included.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How long the call had lasted when this attempt began. Without a deadline or a patience the
    /// clock is first read at the first failure, and time is counted from there.
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        self.elapsed
    }

    /// How long this attempt has until the call's deadline, as of its beginning; `None`: no
    /// deadline.
    #[must_use]
    pub const fn remaining(self) -> Option<Duration> {
        self.remaining
    }
}
