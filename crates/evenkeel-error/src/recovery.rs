use core::fmt;
use core::time::Duration;

/// What may help: the only thing, beside [`Delivery`](crate::Delivery), that a retry policy reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recovery {
    /// Nothing a machine can do.
    Never,
    /// A fresh credential, where the credential can be refreshed; otherwise as [`Never`](Self::Never).
    Refresh,
    /// The same request at once: it was handed back unsent. Only once in a row.
    Now,
    /// A wait of the short tier, then the same request.
    BackOff,
    /// A wait of the long tier, then the same request: capacity comes back slowly.
    BackOffLong,
    /// The other side said how long to wait. Sending earlier is known to fail.
    After {
        /// How long from the moment at which the answer arrived.
        wait: Duration,
        /// What the hint is about, which decides what obeying it costs.
        hint: Hint,
    },
}

/// What a server's wait hint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// A limit that lifts at a known time. Waiting it out uses no attempt and no retry budget.
    Limit,
    /// Trouble of the server's. Costs an attempt and a token; the hint is a floor under this tier.
    Trouble(Pace),
}

/// How fast the waits of a kind of failure grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pace {
    /// Blips: connection faults, 5xx.
    Short,
    /// Capacity and limits without a hint.
    Long,
}

impl Recovery {
    /// The stable `snake_case` name: `never`, `refresh`, `now`, `back_off`, `back_off_long` or `after`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Refresh => "refresh",
            Self::Now => "now",
            Self::BackOff => "back_off",
            Self::BackOffLong => "back_off_long",
            Self::After { .. } => "after",
        }
    }

    /// Whether sending the same request again can help.
    ///
    /// [`Refresh`](Self::Refresh) is not retryable by itself: it needs another credential.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Never | Self::Refresh => false,
            Self::Now | Self::BackOff | Self::BackOffLong | Self::After { .. } => true,
        }
    }

    /// The tier whose curve governs the wait; `None` where there is none to wait.
    ///
    /// A [`Hint::Limit`] is on the long tier: repeated hints of zero must not spin.
    #[must_use]
    pub const fn pace(self) -> Option<Pace> {
        match self {
            Self::Never | Self::Refresh | Self::Now => None,
            Self::BackOff => Some(Pace::Short),
            Self::BackOffLong
            | Self::After {
                hint: Hint::Limit, ..
            } => Some(Pace::Long),
            Self::After {
                hint: Hint::Trouble(pace),
                ..
            } => Some(pace),
        }
    }

    /// The server's wait, if it gave one.
    #[must_use]
    pub const fn wait(self) -> Option<Duration> {
        match self {
            Self::After { wait, .. } => Some(wait),
            _ => None,
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
