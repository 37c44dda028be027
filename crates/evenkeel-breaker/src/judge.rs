use evenkeel_error::{Category, ErrorKind, Hint, Pace, Recoverable, Recovery};

use crate::Outcome;

/// How a shell learns what the result of a call says of the other side's health.
///
/// Implemented by [`ByError`] for errors that are [`Recoverable`], and for closures from the result
/// to an [`Outcome`].
#[diagnostic::on_unimplemented(
    message = "a breaker cannot tell what a result with this error says of the other side's health",
    label = "needs an error that is `Recoverable`, or `.judge(…)`",
    note = "implement `evenkeel_error::Recoverable` for the error, or add `.judge(|result| …)` with \
            an `Outcome`"
)]
pub trait Judge<T, E> {
    /// What this result says.
    fn outcome(&self, result: &Result<T, E>) -> Outcome;
}

/// By what the error says itself: the default.
///
/// The server's trouble is a failure. Everything else is neutral: what the caller did wrong (4xx),
/// rate limits (429), a request handed back unsent or [never arrived in time](Recoverable::blames_caller), a passed deadline, and what was refused on this
/// side, by another breaker for example. If the error names its [kind](Recoverable::kind), that
/// decides; if not, its [recovery](Recoverable::recovery) does: a failure is what a back-off or a
/// hint of trouble helps against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByError;

// So that an error without it is told of both ways, not of this one.
#[diagnostic::do_not_recommend]
impl<T, E: Recoverable> Judge<T, E> for ByError {
    fn outcome(&self, result: &Result<T, E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => Outcome::of(error),
        }
    }
}

impl<T, E, F: Fn(&Result<T, E>) -> Outcome> Judge<T, E> for F {
    fn outcome(&self, result: &Result<T, E>) -> Outcome {
        self(result)
    }
}

impl Outcome {
    /// What a failed call says, by [what its error says](ByError).
    ///
    /// ```
    /// use evenkeel_breaker::Outcome;
    /// use evenkeel_error::{Recoverable, Recovery};
    ///
    /// struct NoSuchUser;
    /// impl Recoverable for NoSuchUser {
    ///     fn recovery(&self) -> Recovery { Recovery::Never }
    /// }
    /// assert_eq!(Outcome::of(&NoSuchUser), Outcome::Neutral);
    /// ```
    #[must_use]
    pub fn of(error: &(impl Recoverable + ?Sized)) -> Self {
        let recovery = error.recovery();
        let kind = match (recovery, error.kind()) {
            // Handed back unsent: it met no server.
            (Recovery::Now, _) => return Self::Neutral,
            _ if error.blames_caller() => return Self::Neutral,
            (_, Some(kind)) if is_trouble(kind) => kind,
            (_, Some(_)) => return Self::Neutral,
            (_, None) => match implied(recovery) {
                Some(kind) => kind,
                None => return Self::Neutral,
            },
        };
        let hint = match recovery {
            Recovery::After {
                wait,
                hint: Hint::Trouble(_),
            } => Some(wait),
            _ => None,
        };
        Self::Failure { kind, hint }
    }
}

/// Whether this kind is trouble of the other side.
fn is_trouble(kind: ErrorKind) -> bool {
    kind.category() == Category::Server
        && !matches!(kind, ErrorKind::CircuitOpen | ErrorKind::DeadlineExceeded)
}

/// The trouble that an error without a kind is in, as far as its recovery tells.
fn implied(recovery: Recovery) -> Option<ErrorKind> {
    match recovery {
        Recovery::BackOff
        | Recovery::After {
            hint: Hint::Trouble(Pace::Short),
            ..
        } => Some(ErrorKind::ServerError),
        Recovery::BackOffLong
        | Recovery::After {
            hint: Hint::Trouble(Pace::Long),
            ..
        } => Some(ErrorKind::Overloaded),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Fault(Recovery, Option<ErrorKind>);

    impl Recoverable for Fault {
        fn recovery(&self) -> Recovery {
            self.0
        }

        fn kind(&self) -> Option<ErrorKind> {
            self.1
        }
    }

    const WAIT: Duration = Duration::from_secs(7);

    fn after(hint: Hint) -> Recovery {
        Recovery::After { wait: WAIT, hint }
    }

    fn failure(kind: ErrorKind, hint: Option<Duration>) -> Outcome {
        Outcome::Failure { kind, hint }
    }

    #[test]
    fn rate_limits_requests_of_the_caller_and_our_own_refusals_are_neutral() {
        for kind in [
            ErrorKind::RateLimited,
            ErrorKind::QuotaExhausted,
            ErrorKind::Authentication,
            ErrorKind::InvalidRequest,
            ErrorKind::NotFound,
            ErrorKind::Conflict,
            ErrorKind::CircuitOpen,
            ErrorKind::DeadlineExceeded,
            ErrorKind::InvalidConfig,
        ] {
            for recovery in [Recovery::Never, Recovery::BackOffLong, after(Hint::Limit)] {
                let outcome = Outcome::of(&Fault(recovery, Some(kind)));
                assert_eq!(outcome, Outcome::Neutral, "{kind} {recovery}");
            }
        }
    }

    #[test]
    fn a_request_that_never_arrived_in_time_is_no_trouble_of_the_server() {
        struct SlowUpload;
        impl Recoverable for SlowUpload {
            fn recovery(&self) -> Recovery {
                Recovery::BackOff
            }
            fn kind(&self) -> Option<ErrorKind> {
                Some(ErrorKind::ServerTimeout)
            }
            fn blames_caller(&self) -> bool {
                true
            }
        }
        assert_eq!(Outcome::of(&SlowUpload), Outcome::Neutral);
    }

    #[test]
    fn trouble_of_the_server_is_a_failure_whatever_it_says_of_retries() {
        for kind in [
            ErrorKind::Overloaded,
            ErrorKind::ServerError,
            ErrorKind::BadGateway,
            ErrorKind::Connection,
            ErrorKind::TimedOut,
            ErrorKind::Interrupted,
            ErrorKind::Protocol,
        ] {
            for recovery in [Recovery::Never, Recovery::BackOff] {
                let outcome = Outcome::of(&Fault(recovery, Some(kind)));
                assert_eq!(outcome, failure(kind, None), "{kind} {recovery}");
            }
            let handed_back = Fault(Recovery::Now, Some(kind));
            assert_eq!(Outcome::of(&handed_back), Outcome::Neutral);
        }
    }

    #[test]
    fn an_error_without_a_kind_is_judged_by_its_recovery() {
        for (recovery, expected) in [
            (Recovery::Never, Outcome::Neutral),
            (Recovery::Refresh, Outcome::Neutral),
            (Recovery::Now, Outcome::Neutral),
            (after(Hint::Limit), Outcome::Neutral),
            (Recovery::BackOff, failure(ErrorKind::ServerError, None)),
            (Recovery::BackOffLong, failure(ErrorKind::Overloaded, None)),
            (
                after(Hint::Trouble(Pace::Short)),
                failure(ErrorKind::ServerError, Some(WAIT)),
            ),
            (
                after(Hint::Trouble(Pace::Long)),
                failure(ErrorKind::Overloaded, Some(WAIT)),
            ),
        ] {
            assert_eq!(Outcome::of(&Fault(recovery, None)), expected, "{recovery}");
        }
    }
}
