use core::fmt;

/// Who has to act on a failure: the four categories of Claude API failures, and our own.
///
/// Exhaustive for ever, so that a `match` on it is checked by the compiler: a new
/// [`ErrorKind`](crate::ErrorKind) always falls into one of these.
///
/// ```
/// use evenkeel_error::{Category, ErrorKind};
///
/// assert_eq!(ErrorKind::Overloaded.category(), Category::Server);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// The account sends more than it may at this moment. Waiting helps.
    RateLimit,
    /// The account, its key or its money: a person must act, waiting alone does not help.
    Authentication,
    /// The request itself: it will be refused each time until it is changed.
    InvalidRequest,
    /// The service or the way to it. Waiting helps; a circuit breaker sheds the load meanwhile.
    Server,
    /// The caller's own configuration; nothing was sent.
    Local,
}

impl Category {
    /// Every category, in the order in which they are documented.
    pub const ALL: [Self; 5] = [
        Self::RateLimit,
        Self::Authentication,
        Self::InvalidRequest,
        Self::Server,
        Self::Local,
    ];

    /// The stable `snake_case` name, for metrics, logs and the command line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::Authentication => "authentication",
            Self::InvalidRequest => "invalid_request",
            Self::Server => "server",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
