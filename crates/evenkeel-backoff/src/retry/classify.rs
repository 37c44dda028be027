use evenkeel_error::{Recoverable, Recovery};

use crate::Verdict;

/// How a shell learns what a failure says of itself.
///
/// Implemented by [`ByError`] for errors that are [`Recoverable`], and by what `.when(…)` and
/// `.classify(…)` make of a closure.
#[diagnostic::on_unimplemented(
    message = "a retry cannot tell whether an error of type `{E}` may be retried",
    label = "needs `Recoverable`, `.when(…)` or `.classify(…)`",
    note = "implement `evenkeel_backoff::Recoverable` for `{E}`, or add `.when(|error| …)` with a \
            condition, or `.classify(|error| …)` with a `Recovery`"
)]
pub trait Classify<E> {
    /// What this error says.
    fn verdict(&mut self, error: &E) -> Verdict;
}

/// By what the error says itself: the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByError;

// So that an error without it is told of all three ways, not of this one.
#[diagnostic::do_not_recommend]
impl<E: Recoverable> Classify<E> for ByError {
    fn verdict(&mut self, error: &E) -> Verdict {
        Verdict::of(error)
    }
}

/// By a condition: what meets it is retried on the short tier, what does not is not.
#[derive(Clone, Copy, Debug)]
pub struct When<F>(pub(crate) F);

impl<E, F: FnMut(&E) -> bool> Classify<E> for When<F> {
    fn verdict(&mut self, error: &E) -> Verdict {
        Verdict::from(if (self.0)(error) {
            Recovery::BackOff
        } else {
            Recovery::Never
        })
    }
}

/// By a function of the error to its [`Verdict`] or its [`Recovery`].
#[derive(Clone, Copy, Debug)]
pub struct Classified<F>(pub(crate) F);

impl<E, V: Into<Verdict>, F: FnMut(&E) -> V> Classify<E> for Classified<F> {
    fn verdict(&mut self, error: &E) -> Verdict {
        (self.0)(error).into()
    }
}
