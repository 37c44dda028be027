use crate::{Delivery, ErrorKind, Recovery};

/// An error that says for itself whether trying again can help.
///
/// The seam by which any crate's error type takes part: retry policies and breakers ask nothing
/// else of a failure.
///
/// ```
/// use evenkeel_error::{Delivery, Recoverable, Recovery};
///
/// enum FetchError { Busy, NoSuchUser }
///
/// impl Recoverable for FetchError {
///     fn recovery(&self) -> Recovery {
///         match self {
///             Self::Busy => Recovery::BackOff,
///             Self::NoSuchUser => Recovery::Never,
///         }
///     }
/// }
///
/// assert!(FetchError::Busy.recovery().is_retryable());
/// assert_eq!(FetchError::NoSuchUser.delivery(), Delivery::Unknown);
/// ```
pub trait Recoverable {
    /// What may help.
    fn recovery(&self) -> Recovery;

    /// Whether the request left. [`Delivery::Unknown`] unless the implementor knows better, which
    /// is the careful answer.
    fn delivery(&self) -> Delivery {
        Delivery::Unknown
    }

    /// How many times in one call failures like this one may be answered with another attempt;
    /// `None` (the default) leaves that to the policy.
    ///
    /// A reply of the wrong shape deserves one more try, not ten.
    fn repeats(&self) -> Option<u32> {
        None
    }

    /// What went wrong, in the words of this taxonomy; `None` (the default) for an error that does
    /// not speak it.
    ///
    /// No retry depends on it. A breaker names by it what it opened on, and knows by it that a rate
    /// limit without a hint is no trouble of the server's, which its recovery alone does not say.
    fn kind(&self) -> Option<ErrorKind> {
        None
    }

    /// Whether the caller brought about what its [`kind`](Self::kind) lays on the server, `false` by
    /// default: a request whose body did not arrive in time, say, is a time-out of the server's.
    ///
    /// No retry depends on it. A breaker learns nothing of the server's health from such a failure.
    fn blames_caller(&self) -> bool {
        false
    }
}

impl<T: Recoverable + ?Sized> Recoverable for &T {
    fn recovery(&self) -> Recovery {
        (**self).recovery()
    }

    fn delivery(&self) -> Delivery {
        (**self).delivery()
    }

    fn repeats(&self) -> Option<u32> {
        (**self).repeats()
    }

    fn kind(&self) -> Option<ErrorKind> {
        (**self).kind()
    }

    fn blames_caller(&self) -> bool {
        (**self).blames_caller()
    }
}
