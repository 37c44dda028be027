//! What a call costs that succeeds at once.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use backon::{BlockingRetryable as _, Retryable as _};
use evenkeel_backoff::{RetryPolicy, retry};
use peers_table::{Aim, Contender, Row, contender};

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

fn wrapper_rivals() -> Vec<(&'static str, Contender<'static>)> {
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
        (
            "tower Retry",
            contender(move || polled(service.call(())).ok()),
        ),
        ("again", contender(|| polled(again::retry(work)).ok())),
        (
            "tokio-retry",
            contender(|| polled(tokio_retry::Retry::start(tokio_policy().take(3), work)).ok()),
        ),
        (
            "backon",
            contender(|| polled(work.retry(backon_policy()).into_future()).ok()),
        ),
        (
            "backoff",
            contender(|| {
                let op = || async { work().await.map_err(backoff::Error::transient) };
                polled(backoff::future::retry(backoff_policy(), op)).ok()
            }),
        ),
        (
            "google-cloud-gax",
            contender(move || {
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
    let may_fail = || ready(black_box(Ok::<u64, Busy>(7)));
    let bare = || contender(|| polled(async { work().await }).ok());
    let made_in_place = contender(|| {
        polled(async {
            retry(|_| work())
                .policy(RetryPolicy::exponential(BASE).max_attempts(3))
                .await
        })
    });
    let deadline =
        contender(|| polled(async { retry(|_| work()).policy(&policy).deadline(CAP).await }));
    let unseen_deadline = contender(|| {
        polled(async {
            retry(|_| work())
                .policy(&policy)
                .deadline(black_box(CAP))
                .await
        })
    });
    let bare_and_clock = || {
        contender(|| {
            polled(async {
                black_box(tokio::time::Instant::now());
                work().await
            })
            .ok()
        })
    };
    let borrowed =
        contender(|| polled(async { retry(|_| work()).policy(black_box(&policy)).await }));
    let of_what_may_fail =
        contender(|| polled(async { retry(|_| may_fail()).policy(black_box(&policy)).await }));
    vec![
        Row::side_by_side(
            "a ready future, a policy made in place",
            made_in_place,
            wrapper_rivals(),
            Some(("bare await", bare())),
            vec![Aim::OverFloor(1.0)],
        ),
        Row::side_by_side(
            "a ready future, with a deadline",
            deadline,
            vec![],
            Some(("bare await and the clock", bare_and_clock())),
            vec![Aim::OverFloor(1.0)],
        ),
        Row::side_by_side(
            "extra: a deadline that the compiler cannot see",
            unseen_deadline,
            vec![],
            Some(("bare await and the clock", bare_and_clock())),
            vec![],
        ),
        Row::side_by_side(
            "extra: a borrowed policy that the compiler cannot see",
            borrowed,
            vec![],
            Some(("bare await", bare())),
            vec![],
        ),
        Row::side_by_side(
            "extra: the same, nor whether the future fails",
            of_what_may_fail,
            vec![],
            Some((
                "bare await",
                contender(|| polled(async { may_fail().await }).ok()),
            )),
            vec![],
        ),
    ]
}

pub(crate) fn blocking() -> Row {
    let policy = RetryPolicy::exponential(BASE).max_attempts(3);
    let work = || Ok::<u64, Busy>(black_box(7));
    Row::side_by_side(
        "extra: blocking wrapper, a borrowed policy",
        contender(|| {
            evenkeel_backoff::blocking::retry(|_| work())
                .policy(black_box(&policy))
                .call()
        }),
        vec![
            (
                "backon",
                contender(|| work.retry(backon_policy()).call().ok()),
            ),
            (
                "backoff",
                contender(|| {
                    let op = || work().map_err(backoff::Error::transient);
                    backoff::retry(backoff_policy(), op).ok()
                }),
            ),
        ],
        Some(("bare call", contender(|| work().ok()))),
        vec![],
    )
}
