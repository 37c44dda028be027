use std::fmt;
use std::time::Duration;

/// How long a call goes on without progress: who is waiting for it?
///
/// Patience counts attempts, waits and refreshes up to the first content; it stands still while
/// content flows. A deadline is something else: it is absolute, covers the body too, and is unset
/// unless given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Patience {
    /// A person: 30 s and 4 attempts. Does not wait for an open circuit or an empty retry budget,
    /// and says so instead.
    Interactive,
    /// A program that others wait for: 10 minutes, no limit of attempts. The default, because an
    /// overload lasts minutes and a batch that gives up after seconds helps nobody.
    #[default]
    Background,
    /// Nobody: no limit, and up to 5 minutes between attempts.
    Unattended,
}

impl Patience {
    /// The time without progress that is allowed; `None`: no limit.
    #[must_use]
    pub const fn limit(self) -> Option<Duration> {
        match self {
            Self::Interactive => Some(Duration::from_secs(30)),
            Self::Background => Some(Duration::from_secs(600)),
            Self::Unattended => None,
        }
    }

    /// The attempts that are allowed, the first included; `None`: no limit.
    #[must_use]
    pub const fn attempts(self) -> Option<u32> {
        match self {
            Self::Interactive => Some(4),
            Self::Background | Self::Unattended => None,
        }
    }

    /// The longest wait between attempts while there is no capacity.
    #[must_use]
    pub const fn longest_wait(self) -> Duration {
        match self {
            Self::Interactive | Self::Background => Duration::from_secs(30),
            Self::Unattended => Duration::from_secs(300),
        }
    }

    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Background => "background",
            Self::Unattended => "unattended",
        }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
