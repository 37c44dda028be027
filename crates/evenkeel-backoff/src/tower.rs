//! Retries for tower: a policy for `tower::retry::Retry`, and a layer that applies it.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use ::tower::Layer;
use ::tower::retry::{Policy as TowerPolicy, Retry as RetryService};
use evenkeel_error::Moment;
use pin_project_lite::pin_project;

use crate::clock::Tokio;
use crate::{
    ByError, Chance, Classified, Classify, Cost, Decision, Fault, Limits, Notice, Notify, Policy,
    Receipt, RetryBudget, RetryPolicy, Session, SharedDice, Silent, Sleeper as _, ThreadDice,
    Token, Verdict, When, Withdrawal,
};

/// A [`Policy`] as tower's: give it to `tower::retry::RetryLayer`, or to [`RetryLayer`].
///
/// Requests are cloned for each attempt. A service that is asked again is first polled for
/// readiness, by tower. An attempt under way is not ended, neither by a deadline nor by a per-try
/// limit: put a timeout layer below for that. A call dropped before its retry goes out, be it during the
/// wait or until the service is ready again, gives its token back.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
/// use evenkeel_backoff::{RetryPolicy, tower::{RetryLayer, ServicePolicy}};
/// use tower::{Service as _, ServiceBuilder, service_fn};
///
/// static CALLS: AtomicU32 = AtomicU32::new(0);
///
/// async fn flaky(name: &'static str) -> Result<usize, &'static str> {
///     if CALLS.fetch_add(1, Ordering::Relaxed) < 2 { Err("busy") } else { Ok(name.len()) }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let policy = RetryPolicy::exponential(Duration::from_millis(100)).max_attempts(3);
/// let retries = RetryLayer::new(ServicePolicy::new(policy).when(|error| *error == "busy"));
/// let mut service = ServiceBuilder::new().layer(retries).service(service_fn(flaky));
/// assert_eq!(service.call("Ada").await, Ok(3));
/// # });
/// ```
#[derive(Debug)]
#[must_use = "a policy does nothing without a service"]
pub struct ServicePolicy<P = RetryPolicy, C = ByError, N = Silent, G = ThreadDice> {
    policy: P,
    classify: C,
    notify: N,
    chance: G,
    budget: Option<RetryBudget>,
    deadline: Option<Duration>,
    call: Call,
}

/// What is remembered of one call; a clone starts without it.
#[derive(Debug, Default)]
struct Call {
    start: Option<Moment>,
    session: Option<Session>,
    /// Attempts that failed.
    failed: u32,
    paid: Paid,
}

/// What the attempt to come or the one under way has taken from the budget.
#[derive(Debug, Default)]
enum Paid {
    #[default]
    Nothing,
    /// Given back unless the attempt goes out.
    Taken(Token),
    Sent(Receipt),
}

/// The policy with one part in another type's place.
macro_rules! policy {
    ($policy:ident { $($kept:ident),* } $part:ident: $value:expr) => {
        ServicePolicy { $($kept: $policy.$kept,)* $part: $value, call: Call::default() }
    };
}

impl<P: Policy> ServicePolicy<P> {
    /// This policy; the error says itself whether it may be retried.
    pub fn new(policy: P) -> Self {
        Self {
            policy,
            classify: ByError,
            notify: Silent,
            chance: ThreadDice,
            budget: None,
            deadline: None,
            call: Call::default(),
        }
    }
}

impl<P, C, N, G> ServicePolicy<P, C, N, G> {
    /// Retries what meets this condition, on the policy's short tier, and nothing else.
    pub fn when<E, F: FnMut(&E) -> bool>(self, condition: F) -> ServicePolicy<P, When<F>, N, G> {
        policy!(self { policy, notify, chance, budget, deadline } classify: When(condition))
    }

    /// Asks this function what an error says.
    pub fn classify<E, V: Into<Verdict>, F: FnMut(&E) -> V>(
        self,
        verdict: F,
    ) -> ServicePolicy<P, Classified<F>, N, G> {
        policy!(self { policy, notify, chance, budget, deadline } classify: Classified(verdict))
    }

    /// Tells this function of each wait before it begins. Cloned with the service, as everything
    /// here is: let it share what it writes to.
    pub fn notify<E, F: FnMut(Notice<'_, E>)>(self, notify: F) -> ServicePolicy<P, C, F, G> {
        policy!(self { policy, classify, chance, budget, deadline } notify: notify)
    }

    /// Draws chance from here instead of from the thread's dice. Shared dice and no others: tower
    /// clones the policy for every call, and clones of [`Dice`](crate::Dice) would all roll the same.
    pub fn chance(self, dice: SharedDice) -> ServicePolicy<P, C, N, SharedDice> {
        policy!(self { policy, classify, notify, budget, deadline } chance: dice)
    }

    /// How much retrying in total. Default: no limit.
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// No wait begins that would end so long after the call's start. An attempt whose service takes its
    /// time to be ready again may start later: tower does not ask the policy then. Default: no limit.
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// The call succeeded.
    fn settle(&mut self) {
        match (core::mem::take(&mut self.call.paid), &self.budget) {
            (Paid::Sent(receipt), _) => receipt.refund(),
            (_, Some(budget)) if self.call.session.is_none() => budget.earn(Tokio.now()),
            _ => {}
        }
    }
}

/// A clone for another call: the same rules, nothing remembered but when the call began.
impl<P: Clone, C: Clone, N: Clone, G: Clone> Clone for ServicePolicy<P, C, N, G> {
    fn clone(&self) -> Self {
        Self {
            policy: self.policy.clone(),
            classify: self.classify.clone(),
            notify: self.notify.clone(),
            chance: self.chance.clone(),
            budget: self.budget.clone(),
            deadline: self.deadline,
            call: Call {
                start: self.call.start,
                ..Call::default()
            },
        }
    }
}

impl<Request, Response, E, P, C, N, G> TowerPolicy<Request, Response, E>
    for ServicePolicy<P, C, N, G>
where
    Request: Clone,
    P: Policy,
    C: Classify<E>,
    N: Notify<E>,
    G: Chance,
{
    type Future = Pause;

    fn retry(&mut self, _: &mut Request, result: &mut Result<Response, E>) -> Option<Self::Future> {
        let Err(error) = result else {
            self.settle();
            return None;
        };
        self.call.paid = Paid::Nothing;
        let now = Tokio.now();
        self.call.failed = self.call.failed.saturating_add(1);
        let start = self.call.start.unwrap_or(now);
        let session = self.call.session.get_or_insert(Session::start(start));
        let verdict = self.classify.verdict(error);
        if verdict.has_progressed() {
            session.progressed(now);
        }
        let limits = Limits::NONE.deadline(self.deadline.map(|limit| start + limit));
        let roll = self.chance.roll();
        let Decision::Retry(retry) = self.policy.decide(session, verdict, now, limits, roll) else {
            return None;
        };
        if let (Some(budget), Cost::Token) = (&self.budget, retry.cost) {
            match budget.withdraw(now) {
                Withdrawal::Granted(token) => self.call.paid = Paid::Taken(token),
                Withdrawal::Empty { .. } => return None,
            }
        }
        self.notify.notify(Notice {
            fault: Fault::Failed(error),
            attempt: self.call.failed,
            retry,
        });
        Some(Pause {
            sleep: Tokio.sleep(retry.wait),
        })
    }

    /// tower asks when the service is ready and the request goes out.
    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        self.call.paid = match core::mem::take(&mut self.call.paid) {
            Paid::Taken(token) => Paid::Sent(token.sent()),
            paid => paid,
        };
        if self.call.session.is_none()
            && (self.deadline.is_some() || self.policy.patience_limit().is_some())
        {
            self.call.start = Some(Tokio.now());
        }
        Some(request.clone())
    }
}

pin_project! {
    /// The wait before a retry.
    #[derive(Debug)]
    pub struct Pause {
        #[pin]
        sleep: tokio::time::Sleep,
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

/// Wraps services in `tower::retry::Retry` with a [`ServicePolicy`].
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing without a service"]
pub struct RetryLayer<P = RetryPolicy, C = ByError, N = Silent, G = ThreadDice> {
    policy: ServicePolicy<P, C, N, G>,
}

impl<P, C, N, G> RetryLayer<P, C, N, G> {
    /// A layer of this policy.
    pub const fn new(policy: ServicePolicy<P, C, N, G>) -> Self {
        Self { policy }
    }
}

impl<S, P: Clone, C: Clone, N: Clone, G: Clone> Layer<S> for RetryLayer<P, C, N, G> {
    type Service = RetryService<ServicePolicy<P, C, N, G>, S>;

    fn layer(&self, service: S) -> Self::Service {
        RetryService::new(self.policy.clone(), service)
    }
}
