use core::fmt;

/// Who decides: the machine, nobody, or an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The machine decides.
    #[default]
    On,
    /// The machine runs and reports its transitions, but every call is let through. What it would
    /// have refused is said on the permit, and the verdict of such a call counts for nothing: the
    /// machine sees only what it would have seen when on.
    ObserveOnly,
    /// Every call is refused. The machine stands still.
    ForcedOpen,
    /// Every call is let through. The machine stands still.
    ForcedClosed,
}

impl Mode {
    /// The stable `snake_case` name, for metrics, logs and health pages.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::ObserveOnly => "observe_only",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
