//! Calls that are futures.

use super::{Caller, Live, Streaming};
use crate::{Breaker, ByError, CallError, Clock, Judge, Permit};

impl Breaker {
    /// Makes a call, on the clock of the operating system, judged by what its error says itself;
    /// [`caller`](Self::caller) has the choices. A refused call is not begun: its future is dropped
    /// unpolled.
    ///
    /// Under a rule of consecutive failures alone, a call through a closed circuit reads no clock.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops the call, gives its place back and is neutral.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] if the breaker refuses the call, [`CallError::Inner`] if it fails.
    ///
    /// ```
    /// use evenkeel_breaker::{Breaker, CallError};
    /// use evenkeel_error::{Recoverable, Recovery};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct Busy;
    /// impl Recoverable for Busy {
    ///     fn recovery(&self) -> Recovery { Recovery::BackOff }
    /// }
    /// async fn fetch(n: u32) -> Result<u32, Busy> {
    ///     if n == 0 { Err(Busy) } else { Ok(n) }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let breaker = Breaker::default();
    /// assert_eq!(breaker.call(fetch(7)).await, Ok(7));
    /// for _ in 0..4 {
    ///     assert_eq!(breaker.call(fetch(0)).await, Err(CallError::Inner(Busy)));
    /// }
    /// match breaker.call(fetch(7)).await {
    ///     Err(CallError::Rejected(rejected)) => assert!(!rejected.wait().is_zero()),
    ///     other => panic!("four of five failed: {other:?}"),
    /// }
    /// # });
    /// ```
    pub async fn call<T, E, F>(&self, operation: F) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>>,
        ByError: Judge<T, E>,
    {
        self.caller().call(operation).await
    }
}

impl<C: Clock, J> Caller<C, J> {
    /// Makes a call. See [`Breaker::call`].
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] if the breaker refuses the call, [`CallError::Inner`] if it fails.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_breaker::{Breaker, Dropped, Outcome};
    /// use evenkeel_error::ErrorKind;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let breaker = Breaker::default();
    /// let caller = breaker
    ///     .caller()
    ///     .judge(|result: &Result<u32, std::io::Error>| match result {
    ///         Ok(_) => Outcome::Success,
    ///         Err(error) if error.kind() == std::io::ErrorKind::NotFound => Outcome::Neutral,
    ///         Err(_) => Outcome::Failure { kind: ErrorKind::Connection, hint: None },
    ///     })
    ///     .drop_is(Dropped::Failure(ErrorKind::TimedOut));
    /// assert_eq!(caller.call(async { Ok(7) }).await.ok(), Some(7));
    /// # });
    /// ```
    pub async fn call<T, E, F>(&self, operation: F) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>>,
        J: Judge<T, E>,
    {
        let mut flight = self.flight(self.admit()?);
        let result = operation.await;
        flight.settle(self.judge.outcome(&result));
        result.map_err(CallError::Inner)
    }

    /// Makes a call whose result is only the beginning, such as a stream whose first content has
    /// come: that is the first verdict. The second comes with what is handed out beside it: tell that of a
    /// [`failure`](Streaming::failure) if the stream breaks, and drop it if it ends well or nobody wants the
    /// rest.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] if the breaker refuses the call, [`CallError::Inner`] if it does not
    /// begin.
    ///
    /// ```
    /// use evenkeel_breaker::{Breaker, Clock, Monotonic};
    /// use evenkeel_error::{ErrorKind, Recoverable, Recovery};
    ///
    /// # #[derive(Debug)] struct Busy;
    /// # impl Recoverable for Busy { fn recovery(&self) -> Recovery { Recovery::BackOff } }
    /// # async fn open_stream() -> Result<Vec<Option<&'static str>>, Busy> { Ok(vec![Some("Hel"), None]) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let breaker = Breaker::default();
    /// let (stream, rest) = breaker.caller().call_streaming(open_stream()).await?;
    /// assert_eq!(breaker.health(Monotonic.now()).samples, 1, "it has begun: a success");
    ///
    /// for chunk in stream {
    ///     if chunk.is_none() {
    ///         // It broke: one call, and it failed.
    ///         rest.failure(ErrorKind::Interrupted, None);
    ///         break;
    ///     }
    /// }
    /// let health = breaker.health(Monotonic.now());
    /// assert_eq!((health.samples, health.failures), (1, 1));
    /// # Ok::<(), evenkeel_breaker::CallError<Busy>>(())
    /// # }).unwrap();
    /// ```
    pub async fn call_streaming<T, E, F>(
        &self,
        operation: F,
    ) -> Result<(T, Streaming<C>), CallError<E>>
    where
        F: Future<Output = Result<T, E>>,
        J: Judge<T, E>,
        C: Clone,
    {
        let mut permit = Permit::admit(self.breaker.clone(), Live::of(&self.clock))?;
        let mut flight = self.flight(&mut permit);
        let result = operation.await;
        flight.settle(self.judge.outcome(&result));
        drop(flight);
        match result {
            Ok(begun) => Ok((begun, Streaming::new(permit, self.clock.clone()))),
            Err(error) => Err(CallError::Inner(error)),
        }
    }
}
