use core::time::Duration;

use evenkeel_error::ErrorKind;

/// What a call says about the health of the other side.
///
/// Which failure says what is the caller's knowledge. As a rule: the server's trouble is a
/// [`Failure`](Self::Failure); what the caller did wrong, a rate limit, a cancelled call and
/// everything refused on this side are [`Neutral`](Self::Neutral).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It answered as it should.
    Success,
    /// It is in trouble.
    Failure {
        /// What went wrong; [`Rejection::fault`](crate::Rejection::fault) repeats it if this
        /// failure opens the circuit.
        kind: ErrorKind,
        /// How long the server asked to be left alone, if it did.
        hint: Option<Duration>,
    },
    /// Nothing was learnt. The place is given back and no count changes.
    Neutral,
}
