//! What a retried call costs the allocator: nothing.
#![cfg(all(feature = "blocking", feature = "tokio"))]

use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use evenkeel_backoff::{RetryBudget, RetryPolicy, Sleeper, blocking, retry, retry_mut, retry_with};
use evenkeel_error::Moment;

const POLICY: RetryPolicy = RetryPolicy::exponential(Duration::from_nanos(1)).max_attempts(3);

/// What a future that is ready at once says; `None` for one that is not.
fn polled<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn a_call_that_succeeds_at_once_allocates_nothing() {
    let budget = RetryBudget::new();
    let counted = measure(|| {
        let call = retry(|_| ready(Ok::<_, ()>(7)))
            .policy(&POLICY)
            .when(|()| true);
        assert_eq!(polled(call.budget(&budget)), Some(Ok(7)));
        let call = retry(|_| ready(Ok::<_, ()>(7))).when(|()| true);
        assert_eq!(polled(call.deadline(Duration::from_secs(1))), Some(Ok(7)));
        let lending = retry_mut(async |_| Ok::<_, ()>(7)).when(|()| true);
        assert_eq!(polled(lending.run()), Some(Ok(7)));
        let blocked = blocking::retry(|_| Ok::<_, ()>(7)).when(|()| true);
        assert_eq!(blocked.call(), Ok(7));
    });
    assert_eq!(counted.count_total, 0);
}

/// Waits for nothing, on a clock that stands still.
struct Impatient;

impl Sleeper for Impatient {
    type Sleep = Ready<()>;

    fn now(&self) -> Moment {
        Moment::ORIGIN
    }

    fn sleep(&self, _: Duration) -> Ready<()> {
        ready(())
    }
}

#[test]
fn a_call_that_is_retried_and_given_up_allocates_nothing() {
    let budget = RetryBudget::new();
    let counted = measure(|| {
        let call = retry_with(Impatient, |_| ready(Err::<(), _>(()))).policy(POLICY);
        assert_eq!(
            polled(call.when(|()| true).budget(&budget))
                .unwrap()
                .unwrap_err()
                .attempts(),
            3
        );
        let call = blocking::retry(|_| Err::<(), _>(())).policy(POLICY);
        assert_eq!(call.when(|()| true).call().unwrap_err().attempts(), 3);
    });
    assert_eq!(counted.count_total, 0);
}
