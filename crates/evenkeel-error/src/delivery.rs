use core::fmt;

/// Whether the request reached the other side: what decides if sending it again is safe.
///
/// Exhaustive for ever: there is nothing between proven, unknown and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Delivery {
    /// Proven: no byte of the request was processed. Resending cannot do anything twice.
    NotSent,
    /// It may have been processed: the answer was lost, or never came.
    Unknown,
    /// The other side answered, with an error or with the beginning of a reply.
    Answered,
}

impl Delivery {
    /// Every value, in the order in which they are documented.
    pub const ALL: [Self; 3] = [Self::NotSent, Self::Unknown, Self::Answered];

    /// The stable `snake_case` name, for metrics, logs and the command line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
            Self::Answered => "answered",
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
