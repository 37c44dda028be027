use core::error::Error;
use core::fmt;

/// A configuration that breaks a rule: which field, which rule.
///
/// The only error that a builder's `build()` returns. Nothing was sent and nothing was changed.
///
/// ```
/// use evenkeel_error::InvalidConfig;
///
/// let error = InvalidConfig::new("max_attempts", "must be 1 or more");
/// assert_eq!(error.to_string(), "max_attempts must be 1 or more");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct InvalidConfig {
    field: &'static str,
    rule: &'static str,
}

impl InvalidConfig {
    /// `field` as the caller spells it; `rule` as the rest of a sentence that begins with it.
    pub const fn new(field: &'static str, rule: &'static str) -> Self {
        Self { field, rule }
    }

    /// The setter, variable or option that was wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What it must be.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, rule } = self;
        write!(formatter, "{field} {rule}")
    }
}

impl Error for InvalidConfig {}
