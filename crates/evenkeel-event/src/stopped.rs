use std::fmt;

/// Why a call was given up: the last failure says what happened, this says why there was no other
/// attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stopped {
    /// The failure says that another attempt cannot help.
    NotRecoverable,
    /// Every attempt that the caller allows was made.
    Attempts,
    /// The time without progress that the caller allows is over, or the next wait does not fit in it.
    Patience,
    /// The caller's deadline has come, or comes before the next wait is over.
    Deadline,
    /// The retry budget is empty, and this caller does not wait for it.
    Budget,
    /// Content had been handed out, so a replay would have said it twice.
    Released,
    /// The credential is known to be refused; nothing was sent.
    Latched,
    /// The request may have been carried out, and carrying it out twice would do harm.
    UnsafeToRepeat,
    /// The body was read as it was sent, and what has been read cannot be sent again.
    NotReplayable,
}

impl Stopped {
    /// Every reason, in the order in which they are documented.
    pub const ALL: &'static [Self] = &[
        Self::NotRecoverable,
        Self::Attempts,
        Self::Patience,
        Self::Deadline,
        Self::Budget,
        Self::Released,
        Self::Latched,
        Self::UnsafeToRepeat,
        Self::NotReplayable,
    ];

    /// The stable `snake_case` name, for metrics, logs and the command line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotRecoverable => "not_recoverable",
            Self::Attempts => "attempts",
            Self::Patience => "patience",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
            Self::Released => "released",
            Self::Latched => "latched",
            Self::UnsafeToRepeat => "unsafe_to_repeat",
            Self::NotReplayable => "not_replayable",
        }
    }

    /// The reason in words, for a person: the end of a sentence that begins with "gave up".
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::NotRecoverable => "another attempt cannot help",
            Self::Attempts => "it was tried as often as it may be",
            Self::Patience => "the patience leaves no time for another attempt",
            Self::Deadline => "the deadline leaves no time for another attempt",
            Self::Budget => "the retry budget is empty",
            Self::Released => "a part was handed out already, and is not said twice",
            Self::Latched => "the key is known to be refused",
            Self::UnsafeToRepeat => "the request may have been carried out, and must not be twice",
            Self::NotReplayable => "its body was read as it was sent, and is gone",
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let words: std::collections::HashSet<_> = Stopped::ALL
            .iter()
            .map(|reason| reason.description())
            .collect();
        assert_eq!(words.len(), Stopped::ALL.len());
        assert!(words.iter().all(|words| words.contains(' ')));
    }
}
