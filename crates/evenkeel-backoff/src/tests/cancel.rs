use std::cell::RefCell;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::tower::{Layer as _, Service as _, service_fn};

use super::{BUSY, SECOND, Says, dropped_after, take, virtually};
use crate::tower::{RetryLayer, ServicePolicy};
use crate::{
    Curve, Jitter, RetryBudget, RetryPolicy, Sleeper as _, Tokio, blocking, retry, retry_mut,
    retry_mut_with, retry_with,
};

type Call<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
type Shell = (&'static str, fn(&RetryBudget) -> Call<'_>);

/// Ten seconds each wait.
fn policy() -> RetryPolicy {
    let curve = Curve::constant(10 * SECOND).jitter(Jitter::None);
    RetryPolicy::tiered(curve, curve).max_attempts(5)
}

/// Five seconds each attempt.
async fn attempt() -> Result<(), Says> {
    take(5 * SECOND).await;
    Err(BUSY)
}

fn by_retry(budget: &RetryBudget) -> Call<'_> {
    Box::pin(async move {
        let _ = retry(|_| attempt()).policy(policy()).budget(budget).await;
    })
}

fn by_retry_with(budget: &RetryBudget) -> Call<'_> {
    Box::pin(async move {
        let call = retry_with(Tokio, |_| attempt()).policy(policy());
        let _ = call.budget(budget.clone()).await;
    })
}

fn by_retry_mut(budget: &RetryBudget) -> Call<'_> {
    Box::pin(async move {
        let mut count = 0;
        let call = retry_mut(async |_| {
            count += 1;
            attempt().await
        });
        let _ = call.policy(policy()).budget(budget).run().await;
    })
}

fn by_retry_mut_with(budget: &RetryBudget) -> Call<'_> {
    Box::pin(async move {
        let call = retry_mut_with(Tokio, async |_| attempt().await);
        let _ = call.policy(policy()).budget(budget).run().await;
    })
}

fn by_tower(budget: &RetryBudget) -> Call<'_> {
    Box::pin(async move {
        let layer = RetryLayer::new(ServicePolicy::new(policy()).budget(budget.clone()));
        let _ = layer.layer(service_fn(|()| attempt())).call(()).await;
    })
}

const SHELLS: [Shell; 5] = [
    ("retry", by_retry),
    ("retry_with", by_retry_with),
    ("retry_mut", by_retry_mut),
    ("retry_mut_with", by_retry_mut_with),
    ("tower", by_tower),
];

/// The tokens that are left when the call is dropped after so long, by each shell.
fn tokens_left_after(seconds: u32) -> Vec<(&'static str, u32)> {
    let left = |(name, call): Shell| {
        virtually(async {
            let budget = RetryBudget::new();
            let ended = dropped_after(SECOND * seconds, call(&budget)).await;
            assert!(ended.is_none(), "{name}");
            (name, budget.tokens(Tokio.now()))
        })
    };
    SHELLS.map(left).to_vec()
}

fn each(tokens: u32) -> Vec<(&'static str, u32)> {
    SHELLS.map(|(name, _)| (name, tokens)).to_vec()
}

#[test]
fn dropped_during_the_first_attempt_a_call_has_cost_nothing() {
    assert_eq!(tokens_left_after(3), each(10));
}

#[test]
fn dropped_during_a_wait_a_call_gives_the_token_back() {
    assert_eq!(tokens_left_after(9), each(10));
}

#[test]
fn dropped_during_a_retry_a_call_has_spent_its_token() {
    assert_eq!(tokens_left_after(18), each(9));
}

#[test]
fn dropped_during_the_second_wait_a_call_has_spent_the_first_retrys_token_alone() {
    assert_eq!(tokens_left_after(23), each(9));
}

#[test]
fn dropped_before_its_first_poll_a_call_has_done_nothing() {
    let budget = RetryBudget::new();
    drop(retry(|_| -> std::future::Ready<Result<(), Says>> { panic!("called") }).budget(&budget));
    assert_eq!(budget.tokens(crate::Thread.now()), 10);
}

#[test]
fn a_call_that_is_given_up_has_spent_the_tokens_of_its_retries() {
    virtually(async {
        for (name, call) in SHELLS {
            let budget = RetryBudget::builder()
                .floor(3_600 * SECOND)
                .build()
                .unwrap();
            call(&budget).await;
            assert_eq!(budget.tokens(Tokio.now()), 6, "{name}");
        }
    });
}

#[test]
fn a_retry_that_succeeds_gets_its_token_back() {
    let budget = RetryBudget::new();
    for _ in 0..50 {
        let result = blocking::retry(|attempt| match attempt.number() {
            1 => Err(BUSY),
            _ => Ok(()),
        })
        .policy(RetryPolicy::exponential(Duration::ZERO))
        .budget(&budget)
        .call();
        assert!(result.is_ok());
    }
    assert_eq!(budget.tokens(crate::Thread.now()), 10);
}

#[test]
fn a_retry_through_a_service_that_succeeds_gets_its_token_back() {
    virtually(async {
        let budget = RetryBudget::builder().cap(1).build().unwrap();
        let layer = RetryLayer::new(ServicePolicy::new(policy()).budget(budget.clone()));
        let calls = RefCell::new(0);
        let mut service = layer.layer(service_fn(|()| {
            *calls.borrow_mut() += 1;
            let first = *calls.borrow() % 2 == 1;
            std::future::ready(if first { Err(BUSY) } else { Ok(()) })
        }));
        // Each call needs the only token.
        for _ in 0..5 {
            assert_eq!(service.call(()).await, Ok(()));
        }
    });
}

/// Fails at once, and is not ready again after its first call.
#[derive(Clone, Default)]
struct Exhausted(bool);

impl tower::Service<()> for Exhausted {
    type Response = ();
    type Error = Says;
    type Future = std::future::Ready<Result<(), Says>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Says>> {
        if self.0 {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.0 = true;
        std::future::ready(Err(BUSY))
    }
}

#[test]
fn dropped_while_its_service_is_not_ready_a_call_gives_the_token_back() {
    virtually(async {
        let floor = RetryBudget::builder().floor(3_600 * SECOND);
        let budget = floor.build().unwrap();
        let layer = RetryLayer::new(ServicePolicy::new(policy()).budget(budget.clone()));
        let mut service = layer.layer(Exhausted::default());
        let call = service.call(());
        let ended = dropped_after(SECOND * 60, call).await;
        assert!(ended.is_none());
        assert_eq!(budget.tokens(Tokio.now()), 10);
    });
}

#[test]
fn dropping_a_call_drops_its_attempt_at_once() {
    virtually(async {
        let alive = std::sync::Arc::new(());
        let call = retry(|_| {
            let held = std::sync::Arc::clone(&alive);
            async move {
                pending::<()>().await;
                drop(held);
                Ok::<(), Says>(())
            }
        });
        let _ = dropped_after(SECOND, call).await;
        assert_eq!(std::sync::Arc::strong_count(&alive), 1);
    });
}
