//! What a call costs that succeeds at once.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use backon::{BlockingRetryable as _, Retryable as _};
use evenkeel_backoff::{RetryPolicy, retry};
use peers_table::{Aim, Row, measure};

use crate::{BASE, Busy, CAP, backoff_policy, backon_policy, gax, polled, tokio_policy, work};

/// What tower's `Retry` needs to be told.
#[derive(Clone)]
struct Thrice(u32);

impl tower::retry::Policy<(), u64, Busy> for Thrice {
    type Future = Ready<()>;

    fn retry(&mut self, (): &mut (), result: &mut Result<u64, Busy>) -> Option<Ready<()>> {
        self.0 = self.0.checked_sub(usize::from(result.is_err()) as u32)?;
        result.is_err().then(|| ready(()))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

fn wrapper_rivals() -> Vec<(&'static str, f64)> {
    use google_cloud_gax::retry_loop_internal::retry_loop;
    use google_cloud_gax::retry_policy::{AlwaysRetry, RetryPolicyExt as _};
    use tower::Service as _;

    let mut service = tower::retry::Retry::new(Thrice(2), tower::service_fn(|()| work()));
    let throttler: Arc<Mutex<dyn google_cloud_gax::retry_throttler::RetryThrottler>> = Arc::new(
        Mutex::new(google_cloud_gax::retry_throttler::CircuitBreaker::default()),
    );
    let policy: Arc<dyn google_cloud_gax::retry_policy::RetryPolicy> =
        Arc::new(AlwaysRetry.with_attempt_limit(3));
    let backoff: Arc<dyn google_cloud_gax::backoff_policy::BackoffPolicy> = Arc::new(gax());
    vec![
        ("tower Retry", measure(|| polled(service.call(())).ok())),
        ("again", measure(|| polled(again::retry(work)).ok())),
        (
            "tokio-retry",
            measure(|| polled(tokio_retry::Retry::start(tokio_policy().take(3), work)).ok()),
        ),
        (
            "backon",
            measure(|| polled(work.retry(backon_policy()).into_future()).ok()),
        ),
        (
            "backoff",
            measure(|| {
                let op = || async { work().await.map_err(backoff::Error::transient) };
                polled(backoff::future::retry(backoff_policy(), op)).ok()
            }),
        ),
        (
            "google-cloud-gax",
            measure(|| {
                let op = async |_| Ok(black_box(7_u64));
                let (throttler, policy, backoff) =
                    (throttler.clone(), policy.clone(), backoff.clone());
                polled(retry_loop(
                    op,
                    async |_| {},
                    true,
                    throttler,
                    policy,
                    backoff,
                ))
                .ok()
            }),
        ),
    ]
}

pub(crate) fn wrappers() -> Vec<Row> {
    let policy = RetryPolicy::exponential(BASE).max_attempts(3);
    let bare = measure(|| polled(async { work().await }).ok());
    let clock = measure(tokio::time::Instant::now);
    let wrapper = |what, ours, floor, rivals| Row {
        what,
        ours,
        rivals,
        floor: Some(floor),
        aims: vec![Aim::OverFloor(1.0)],
    };
    let value = measure(|| {
        polled(async {
            retry(|_| work())
                .policy(RetryPolicy::exponential(BASE).max_attempts(3))
                .await
        })
    });
    let borrowed = measure(|| polled(async { retry(|_| work()).policy(black_box(&policy)).await }));
    let may_fail = || ready(black_box(Ok::<u64, Busy>(7)));
    let bare_of_it = measure(|| polled(async { may_fail().await }).ok());
    let of_it =
        measure(|| polled(async { retry(|_| may_fail()).policy(black_box(&policy)).await }));
    let deadline = measure(|| {
        polled(async {
            retry(|_| work())
                .policy(&policy)
                .deadline(black_box(CAP))
                .await
        })
    });
    vec![
        wrapper(
            "a ready future, a policy made in place",
            value,
            ("bare await", bare),
            wrapper_rivals(),
        ),
        wrapper(
            "a ready future, a borrowed policy that the compiler cannot see",
            borrowed,
            ("bare await", bare),
            vec![],
        ),
        wrapper(
            "a ready future, whose outcome the compiler cannot see either",
            of_it,
            ("bare await", bare_of_it),
            vec![],
        ),
        wrapper(
            "a ready future, with a deadline",
            deadline,
            ("bare await and the clock", bare + clock),
            vec![],
        ),
    ]
}

pub(crate) fn blocking() -> Row {
    let policy = RetryPolicy::exponential(BASE).max_attempts(3);
    let work = || Ok::<u64, Busy>(black_box(7));
    Row {
        what: "blocking wrapper, a borrowed policy",
        ours: measure(|| {
            evenkeel_backoff::blocking::retry(|_| work())
                .policy(black_box(&policy))
                .call()
        }),
        rivals: vec![
            (
                "backon",
                measure(|| work.retry(backon_policy()).call().ok()),
            ),
            (
                "backoff",
                measure(|| {
                    let op = || work().map_err(backoff::Error::transient);
                    backoff::retry(backoff_policy(), op).ok()
                }),
            ),
        ],
        floor: Some(("bare call", measure(|| work().ok()))),
        aims: vec![],
    }
}
