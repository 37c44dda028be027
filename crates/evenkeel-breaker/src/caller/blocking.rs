//! Calls that block the thread.

use super::Caller;
use crate::{CallError, Clock, Judge};

impl<C: Clock, J> Caller<C, J> {
    /// Makes a call that blocks. A refused one is not begun; one that panics is a dropped one.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] if the breaker refuses the call, [`CallError::Inner`] if it fails.
    ///
    /// ```
    /// use evenkeel_breaker::{Breaker, CallError, Outcome};
    /// use evenkeel_error::ErrorKind;
    ///
    /// let breaker = Breaker::default();
    /// let caller = breaker.caller().judge(|result: &Result<String, std::io::Error>| match result {
    ///     Ok(_) => Outcome::Success,
    ///     Err(_) => Outcome::Failure { kind: ErrorKind::Connection, hint: None },
    /// });
    /// for _ in 0..5 {
    ///     let failed = caller.call_blocking(|| std::fs::read_to_string("/no/such/file"));
    ///     assert!(matches!(failed, Err(CallError::Inner(_))));
    /// }
    /// let refused = caller.call_blocking(|| unreachable!("the circuit is open"));
    /// assert!(matches!(refused, Err(CallError::Rejected(_))));
    /// ```
    pub fn call_blocking<T, E>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CallError<E>>
    where
        J: Judge<T, E>,
    {
        let mut flight = self.flight(self.admit()?);
        let result = operation();
        flight.settle(self.judge.outcome(&result));
        result.map_err(CallError::Inner)
    }
}
