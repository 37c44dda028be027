//! The breaker as a layer for tower.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use ::tower::{Layer, Service};
use pin_project_lite::pin_project;

use crate::caller::Flight;
use crate::clock::Monotonic;
use crate::{ByError, CallError, Caller, Clock, Judge, Permit, Rejected};

/// Sends the calls of a service through a breaker.
///
/// All services that one layer makes share its breaker: a layer a model, where models fail apart. A
/// service is as ready as the one inside: a call is refused when it is made, by an error, and does not
/// wait. An answer whose body streams is a success when its head is there; where that is too early, make
/// the call with [`Caller::call_streaming`].
///
/// Put it inside of limits, buffers and load balancers, nearest to the service that may fail. What stands
/// inside of it reserves a place when it is ready, and a refused call leaves that reserved: with a
/// concurrency limit inside, clones that were refused could keep the probe out.
///
/// An answer is a success, whatever its status says: over a service of HTTP, judge by the status, too. And
/// where the error inside is boxed, box this one as well, so that layers outside can have it:
///
/// ```
/// use evenkeel_breaker::{Breaker, CallError, Outcome, tower::BreakerLayer};
/// use evenkeel_error::ErrorKind;
/// use tower::{BoxError, ServiceBuilder, ServiceExt as _, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let by_status = |result: &Result<u16, BoxError>| match result {
///     Ok(529) => Outcome::Failure { kind: ErrorKind::Overloaded, hint: None },
///     Ok(500..) => Outcome::Failure { kind: ErrorKind::ServerError, hint: None },
///     Ok(_) => Outcome::Success,
///     Err(_) => Outcome::Failure { kind: ErrorKind::Connection, hint: None },
/// };
/// let service = ServiceBuilder::new()
///     .concurrency_limit(64)
///     .map_err(|error: CallError<BoxError>| match error {
///         CallError::Rejected(rejected) => rejected.into(),
///         CallError::Inner(error) => error,
///     })
///     .layer(BreakerLayer::new(Breaker::default().caller().judge(by_status)))
///     .service(service_fn(|status: u16| async move { Ok::<_, BoxError>(status) }));
/// assert_eq!(service.oneshot(200).await.unwrap(), 200);
/// # });
/// ```
///
/// By what errors say:
///
/// ```
/// use evenkeel_breaker::{Breaker, CallError, tower::BreakerLayer};
/// use evenkeel_error::{Recoverable, Recovery};
/// use tower::{Layer as _, Service as _, service_fn};
///
/// #[derive(Debug)]
/// struct Busy;
/// impl Recoverable for Busy {
///     fn recovery(&self) -> Recovery { Recovery::BackOff }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let breaker = Breaker::default();
/// let down = service_fn(|_: &str| async { Err::<(), _>(Busy) });
/// let mut service = BreakerLayer::new(breaker.caller()).layer(down);
/// for _ in 0..5 {
///     assert!(matches!(service.call("Ada").await, Err(CallError::Inner(Busy))));
/// }
/// assert!(matches!(service.call("Ada").await, Err(CallError::Rejected(_))));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct BreakerLayer<C = Monotonic, J = ByError> {
    caller: Caller<C, J>,
}

/// A service behind a breaker; see [`BreakerLayer`].
#[derive(Clone, Debug)]
pub struct BreakerService<S, C = Monotonic, J = ByError> {
    inner: S,
    caller: Caller<C, J>,
}

impl<C, J> BreakerLayer<C, J> {
    /// A layer that calls so.
    pub const fn new(caller: Caller<C, J>) -> Self {
        Self { caller }
    }
}

impl<S, C: Clone, J: Clone> Layer<S> for BreakerLayer<C, J> {
    type Service = BreakerService<S, C, J>;

    fn layer(&self, inner: S) -> Self::Service {
        let caller = self.caller.clone();
        BreakerService { inner, caller }
    }
}

impl<S, Request, C, J> Service<Request> for BreakerService<S, C, J>
where
    S: Service<Request>,
    C: Clock + Clone,
    J: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = ResponseFuture<S::Future, C, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let state = match self.caller.admit_owned() {
            Ok(flight) => State::Called {
                response: self.inner.call(request),
                flight,
                judge: self.caller.judging().clone(),
            },
            Err(rejected) => State::Rejected { rejected },
        };
        ResponseFuture { state }
    }
}

pin_project! {
    /// The response to a call, or its refusal. Dropping it drops the call and gives its place back.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct ResponseFuture<F, C: Clock, J> {
        #[pin]
        state: State<F, C, J>,
    }
}

pin_project! {
    #[project = Stage]
    #[derive(Debug)]
    enum State<F, C: Clock, J> {
        Rejected { rejected: Rejected },
        Called {
            #[pin]
            response: F,
            flight: Flight<Permit, C>,
            judge: J,
        },
    }
}

impl<F, T, E, C, J> Future for ResponseFuture<F, C, J>
where
    F: Future<Output = Result<T, E>>,
    C: Clock,
    J: Judge<T, E>,
{
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Stage::Rejected { rejected } => Poll::Ready(Err(CallError::Rejected(*rejected))),
            Stage::Called {
                response,
                flight,
                judge,
            } => {
                let result = ready!(response.poll(cx));
                flight.settle(judge.outcome(&result));
                Poll::Ready(result.map_err(CallError::Inner))
            }
        }
    }
}
