use std::future::pending;
use std::time::Duration;

use super::{BUSY, SECOND, Says, dropped_after, take, virtually};
use crate::{
    Curve, Jitter, RetryBudget, RetryPolicy, Sleeper as _, Tokio, blocking, retry, retry_mut,
};

fn policy() -> RetryPolicy {
    let curve = Curve::constant(10 * SECOND).jitter(Jitter::None);
    RetryPolicy::tiered(curve, curve).max_attempts(5)
}

/// Drops the call after so long; the tokens that are left then.
fn tokens_left_after(seconds: u32) -> u32 {
    virtually(async {
        let budget = RetryBudget::new();
        // Five seconds each attempt, ten each wait.
        let call = retry(|_| async {
            take(5 * SECOND).await;
            Err::<(), _>(BUSY)
        });
        let call = call.policy(policy()).budget(&budget);
        let limit = SECOND * seconds;
        let ended = dropped_after(limit, call).await;
        assert!(ended.is_none());
        budget.tokens(Tokio.now())
    })
}

#[test]
fn dropped_during_the_first_attempt_a_call_has_cost_nothing() {
    assert_eq!(tokens_left_after(3), 10);
}

#[test]
fn dropped_during_a_wait_a_call_gives_the_token_back() {
    assert_eq!(tokens_left_after(9), 10);
}

#[test]
fn dropped_during_a_retry_a_call_has_spent_its_token() {
    assert_eq!(tokens_left_after(18), 9);
    // During the second wait: the first retry's token is spent, the second's is not.
    assert_eq!(tokens_left_after(23), 9);
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
    assert_eq!(budget.tokens(crate::Thread::now()), 10);
}

#[test]
fn a_lending_call_dropped_during_a_wait_gives_the_token_back() {
    virtually(async {
        let budget = RetryBudget::new();
        let mut attempts = 0;
        let call = retry_mut(async |_| {
            attempts += 1;
            Err::<(), _>(BUSY)
        });
        let call = call.policy(policy()).budget(&budget).run();
        let ended = dropped_after(5 * SECOND, call).await;
        assert!(ended.is_none());
        assert_eq!((budget.tokens(Tokio.now()), attempts), (10, 1));
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
