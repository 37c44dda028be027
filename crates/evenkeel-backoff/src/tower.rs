//! Retries for tower: a policy for `tower::retry::Retry`, and a layer that applies it.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use ::tower::Layer;
use ::tower::retry::{Policy as TowerPolicy, Retry as RetryService};
use evenkeel_error::Moment;
use pin_project_lite::pin_project;

use crate::clock::Tokio;
use crate::{
    ByError, Chance as _, Classified, Classify, Cost, Decision, Limits, Policy, RetryBudget,
    RetryPolicy, Session, Sleeper as _, ThreadDice, Token, Verdict, When, Withdrawal,
};

/// A [`Policy`] as tower's: give it to `tower::retry::RetryLayer`, or to
/// [`RetryLayer`].
///
/// Requests are cloned for each attempt. A service that is asked again is first polled for
/// readiness, by tower. An attempt under way is not ended: put a timeout layer below for that. A call
/// dropped during a wait gives its token back.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_backoff::{RetryPolicy, tower::{RetryLayer, ServicePolicy}};
/// use tower::{Layer as _, Service as _, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let policy = RetryPolicy::exponential(Duration::from_millis(100)).max_attempts(3);
/// let layer = RetryLayer::new(ServicePolicy::new(policy).when(|error| *error == "busy"));
///
/// let mut calls = 0;
/// let flaky = service_fn(move |name: &'static str| {
///     calls += 1;
///     std::future::ready(if calls < 3 { Err("busy") } else { Ok(name.len()) })
/// });
/// assert_eq!(Shared::service(layer, flaky).call("Ada").await, Ok(3));
/// # });
/// # struct Shared;
/// # impl Shared {
/// #     fn service<L, F, Fut>(layer: L, flaky: tower::util::ServiceFn<F>) -> L::Service
/// #     where L: tower::Layer<Lent<F>>, F: FnMut(&'static str) -> Fut {
/// #         layer.layer(Lent(std::sync::Arc::new(std::sync::Mutex::new(flaky))))
/// #     }
/// # }
/// # struct Lent<F>(std::sync::Arc<std::sync::Mutex<tower::util::ServiceFn<F>>>);
/// # impl<F> Clone for Lent<F> { fn clone(&self) -> Self { Self(self.0.clone()) } }
/// # impl<F, Fut, T, E> tower::Service<&'static str> for Lent<F>
/// # where F: FnMut(&'static str) -> Fut, Fut: Future<Output = Result<T, E>> {
/// #     type Response = T; type Error = E; type Future = Fut;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), E>> { std::task::Poll::Ready(Ok(())) }
/// #     fn call(&mut self, request: &'static str) -> Fut { self.0.lock().unwrap().call(request) }
/// # }
/// ```
#[derive(Debug)]
pub struct ServicePolicy<P = RetryPolicy, C = ByError> {
    policy: P,
    classify: C,
    budget: Option<RetryBudget>,
    deadline: Option<Duration>,
    call: Call,
}

/// What is remembered of one call; a clone starts without it.
#[derive(Debug, Default)]
struct Call {
    start: Option<Moment>,
    session: Option<Session>,
    /// Whether the attempt under way has taken a token.
    paid: Option<Cost>,
}

impl<P: Policy> ServicePolicy<P> {
    /// This policy; the error says itself whether it may be retried.
    pub fn new(policy: P) -> Self {
        Self {
            policy,
            classify: ByError,
            budget: None,
            deadline: None,
            call: Call::default(),
        }
    }
}

impl<P, C> ServicePolicy<P, C> {
    /// Retries what meets this condition, and nothing else.
    pub fn when<E, F: FnMut(&E) -> bool>(self, condition: F) -> ServicePolicy<P, When<F>> {
        self.classified_by(When(condition))
    }

    /// Asks this function what an error says.
    pub fn classify<E, V: Into<Verdict>, F: FnMut(&E) -> V>(
        self,
        verdict: F,
    ) -> ServicePolicy<P, Classified<F>> {
        self.classified_by(Classified(verdict))
    }

    /// How much retrying in total. Default: no limit.
    #[must_use]
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// No attempt starts so long after the call's first. Default: no limit.
    #[must_use]
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    fn classified_by<D>(self, classify: D) -> ServicePolicy<P, D> {
        ServicePolicy {
            policy: self.policy,
            classify,
            budget: self.budget,
            deadline: self.deadline,
            call: Call::default(),
        }
    }
}

/// A clone for another call: the same rules, nothing remembered but when the call began.
impl<P: Clone, C: Clone> Clone for ServicePolicy<P, C> {
    fn clone(&self) -> Self {
        Self {
            policy: self.policy.clone(),
            classify: self.classify.clone(),
            budget: self.budget.clone(),
            deadline: self.deadline,
            call: Call {
                start: self.call.start,
                ..Call::default()
            },
        }
    }
}

impl<Request, Response, E, P, C> TowerPolicy<Request, Response, E> for ServicePolicy<P, C>
where
    Request: Clone,
    P: Policy,
    C: Classify<E>,
{
    type Future = Pause;

    fn retry(&mut self, _: &mut Request, result: &mut Result<Response, E>) -> Option<Self::Future> {
        let paid = self.call.paid.take();
        let verdict = match result {
            Ok(_) => {
                self.settle(paid);
                return None;
            }
            Err(error) => self.classify.verdict(error),
        };
        let now = Tokio.now();
        let start = self.call.start.unwrap_or(now);
        let mut session = self.call.session.unwrap_or(Session::start(start));
        let limits = Limits::NONE.deadline(self.deadline.map(|limit| start + limit));
        let roll = ThreadDice.roll();
        let decision = self.policy.decide(&mut session, verdict, now, limits, roll);
        self.call.session = Some(session);
        let Decision::Retry(retry) = decision else {
            return None;
        };
        let token = match (&self.budget, retry.cost) {
            (Some(budget), Cost::Token) => match budget.withdraw(now) {
                Withdrawal::Granted(token) => Some(token),
                Withdrawal::Empty { .. } => return None,
            },
            _ => None,
        };
        self.call.paid = token.is_some().then_some(Cost::Token);
        Some(Pause {
            token,
            sleep: Tokio.sleep(retry.wait),
        })
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        if self.call.session.is_none()
            && (self.deadline.is_some() || self.policy.patience_limit().is_some())
        {
            self.call.start = Some(Tokio.now());
        }
        Some(request.clone())
    }
}

impl<P, C> ServicePolicy<P, C> {
    /// The call succeeded.
    fn settle(&self, paid: Option<Cost>) {
        let Some(budget) = &self.budget else { return };
        if paid.is_some() {
            budget.put_back();
        } else if self.call.session.is_none() {
            budget.earn(Tokio.now());
        }
    }
}

pin_project! {
    /// The wait before a retry. Dropped before its end, it gives the retry's token back.
    #[derive(Debug)]
    pub struct Pause {
        token: Option<Token>,
        #[pin]
        sleep: tokio::time::Sleep,
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        ready!(this.sleep.poll(cx));
        // Spent from here on; the policy knows what to give back if the attempt succeeds.
        drop(this.token.take().map(Token::sent));
        Poll::Ready(())
    }
}

/// Wraps services in `tower::retry::Retry` with a [`ServicePolicy`].
#[derive(Clone, Debug)]
pub struct RetryLayer<P = RetryPolicy, C = ByError> {
    policy: ServicePolicy<P, C>,
}

impl<P, C> RetryLayer<P, C> {
    /// A layer of this policy.
    pub const fn new(policy: ServicePolicy<P, C>) -> Self {
        Self { policy }
    }
}

impl<S, P: Clone, C: Clone> Layer<S> for RetryLayer<P, C> {
    type Service = RetryService<ServicePolicy<P, C>, S>;

    fn layer(&self, service: S) -> Self::Service {
        RetryService::new(self.policy.clone(), service)
    }
}
