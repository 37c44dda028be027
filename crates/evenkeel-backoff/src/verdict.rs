use evenkeel_error::{Hint, Recoverable, Recovery};

use crate::Cost;

/// What a failure says of itself, read once: all that a policy looks at.
///
/// ```
/// use evenkeel_backoff::Verdict;
/// use evenkeel_error::Recovery;
///
/// let verdict = Verdict::from(Recovery::BackOff).after_progress();
/// assert_eq!(verdict.recovery(), Recovery::BackOff);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    recovery: Recovery,
    repeats: Option<u32>,
    progress: Progress,
}

/// Whether an attempt got somewhere before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    None,
    Made,
}

impl Verdict {
    /// What this failure says.
    pub fn of(failure: &(impl Recoverable + ?Sized)) -> Self {
        Self {
            recovery: failure.recovery(),
            repeats: failure.repeats(),
            progress: Progress::None,
        }
    }

    /// At most so many retries in one call on account of failures that are limited like this one.
    pub const fn repeats(mut self, repeats: Option<u32>) -> Self {
        self.repeats = repeats;
        self
    }

    /// The attempt got somewhere before it failed: attempts, curve and patience start over.
    pub const fn after_progress(mut self) -> Self {
        self.progress = Progress::Made;
        self
    }

    /// What may help.
    #[must_use]
    pub const fn recovery(self) -> Recovery {
        self.recovery
    }

    /// How many retries such failures allow in one call; `None`: as many as the policy.
    #[must_use]
    pub const fn allowed_repeats(self) -> Option<u32> {
        self.repeats
    }

    /// What a retry takes from the budget and from the attempts: nothing where the other side
    /// refused the request before any work and said when to come back.
    #[must_use]
    pub const fn cost(self) -> Cost {
        match self.recovery {
            Recovery::Now
            | Recovery::After {
                hint: Hint::Limit, ..
            } => Cost::Free,
            _ => Cost::Token,
        }
    }

    #[cfg(any(feature = "async", feature = "blocking"))]
    pub(crate) const fn has_progressed(self) -> bool {
        matches!(self.progress, Progress::Made)
    }

    pub(crate) const fn recovering_by(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }
}

impl From<Recovery> for Verdict {
    fn from(recovery: Recovery) -> Self {
        Self {
            recovery,
            repeats: None,
            progress: Progress::None,
        }
    }
}
