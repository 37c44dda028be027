use core::fmt;

/// What a call meets. Exhaustive for ever: these four are the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Every call goes through and every verdict is counted.
    Closed,
    /// Every call is refused until the open delay is over.
    Open,
    /// One call at a time goes through, to see whether the server is back.
    HalfOpen,
    /// A probe succeeded: few calls go through, twice as many each second.
    Recovering,
}

impl State {
    /// The stable `snake_case` name, for metrics, logs and health pages.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
