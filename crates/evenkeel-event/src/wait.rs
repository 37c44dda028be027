use std::fmt;

/// What a call is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The backoff curve: the failure may be gone by then.
    Backoff,
    /// The moment that the server named.
    Hint,
    /// A moment that the server named to another call with the same key and model.
    SharedLimit,
    /// The circuit breaker's next opening.
    Circuit,
    /// The next token of the retry budget.
    Budget,
}

impl WaitReason {
    /// The stable `snake_case` name, for metrics, logs and the command line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::Hint => "hint",
            Self::SharedLimit => "shared_limit",
            Self::Circuit => "circuit",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
