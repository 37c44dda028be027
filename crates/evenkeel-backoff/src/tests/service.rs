use std::cell::RefCell;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use ::tower::{Layer as _, Service, service_fn};
use evenkeel_error::Recovery;

use super::{BUSY, SECOND, Says, limited, take, virtually};
use crate::tower::{RetryLayer, ServicePolicy};
use crate::{RetryPolicy, SharedDice, Sleeper as _, Tokio, Verdict};

/// The waits that a service which always fails is given, call by call.
fn waits(calls: usize, dice: Option<u64>) -> Vec<Duration> {
    let waits = RefCell::new(Vec::new());
    let policy = ServicePolicy::new(RetryPolicy::exponential(SECOND).max_attempts(4));
    let policy = policy.notify(|notice: crate::Notice<'_, Says>| {
        waits.borrow_mut().push((notice.attempt, notice.retry.wait));
    });
    let failing = service_fn(|()| ready(Err::<(), _>(BUSY)));
    virtually(async {
        for _ in 0..calls {
            let result = match dice {
                Some(_) => Ok(()),
                None => {
                    RetryLayer::new(policy.clone())
                        .layer(failing)
                        .call(())
                        .await
                }
            };
            assert!(dice.is_some() || result == Err(BUSY));
        }
        if let Some(seed) = dice {
            let layer = RetryLayer::new(policy.clone().chance(SharedDice::seeded(seed)));
            let mut service = layer.layer(failing);
            for _ in 0..calls {
                assert_eq!(service.call(()).await, Err(BUSY));
            }
        }
    });
    drop(policy);
    let waits = waits.into_inner();
    let numbers: Vec<u32> = waits.iter().map(|wait| wait.0).collect();
    assert_eq!(numbers, [1, 2, 3].repeat(calls));
    waits.into_iter().map(|wait| wait.1).collect()
}

#[test]
fn notify_sees_each_wait_of_a_service() {
    assert_eq!(waits(1, None).len(), 3);
}

#[test]
fn a_seed_replays_the_waits_of_a_service() {
    assert_eq!(waits(2, Some(7)), waits(2, Some(7)));
    assert_ne!(waits(2, Some(7)), waits(2, Some(8)));
}

#[test]
fn two_calls_through_one_service_do_not_draw_the_same_numbers() {
    for dice in [None, Some(7)] {
        let waits = waits(2, dice);
        assert_ne!(waits[..3], waits[3..], "{dice:?}");
    }
}

/// Ready once for each call: as tower demands, it panics when called without having been asked.
#[derive(Clone, Default)]
struct Strict {
    ready: bool,
    calls: u32,
}

impl Service<()> for Strict {
    type Response = u32;
    type Error = Says;
    type Future = Ready<Result<u32, Says>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Says>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without readiness");
        self.calls += 1;
        ready(if self.calls < 3 {
            Err(BUSY)
        } else {
            Ok(self.calls)
        })
    }
}

#[test]
fn no_service_is_retried_without_a_fresh_readiness_poll() {
    virtually(async {
        let layer = RetryLayer::new(ServicePolicy::new(RetryPolicy::THREE_ATTEMPTS));
        let mut service = layer.layer(Strict::default());
        std::future::poll_fn(|cx| service.poll_ready(cx))
            .await
            .unwrap();
        assert_eq!(service.call(()).await, Ok(3));
    });
}

#[test]
fn the_deadline_of_a_service_counts_slow_attempts_and_starts_anew_with_each_call() {
    virtually(async {
        let policy = ServicePolicy::new(RetryPolicy::exponential(SECOND)).deadline(10 * SECOND);
        let slow = service_fn(|()| async {
            take(4 * SECOND).await;
            Err::<(), _>(BUSY)
        });
        let mut service = RetryLayer::new(policy).layer(slow);
        for _ in 0..2 {
            let start = Tokio.now();
            assert_eq!(service.call(()).await, Err(BUSY));
            let took = Tokio.now().since(start);
            // The last attempt began before the deadline; a service's attempts are not ended.
            assert!(took > 4 * SECOND && took < 14 * SECOND, "{took:?}");
        }
    });
}

#[test]
fn a_services_hint_is_waited_out_and_one_that_does_not_fit_fails_at_once() {
    virtually(async {
        let policy = ServicePolicy::new(RetryPolicy::THREE_ATTEMPTS).deadline(300 * SECOND);
        for (hint, least, most) in [(20, 20, 60), (10_800, 0, 0)] {
            let start = Tokio.now();
            let failing = service_fn(|()| ready(Err::<(), _>(limited(SECOND * hint))));
            let attempts = policy.clone().deadline(SECOND * 55);
            let _ = RetryLayer::new(attempts).layer(failing).call(()).await;
            let took = Tokio.now().since(start);
            assert!(took >= SECOND * least && took <= SECOND * most, "{took:?}");
        }
    });
}

#[test]
fn a_failure_of_a_service_after_progress_starts_the_attempts_over() {
    virtually(async {
        let failures = RefCell::new(0);
        let policy = RetryPolicy::exponential(SECOND).max_attempts(2);
        let policy = ServicePolicy::new(policy).classify(|_: &Says| {
            *failures.borrow_mut() += 1;
            let verdict = Verdict::from(Recovery::BackOff);
            if *failures.borrow() < 5 {
                verdict.after_progress()
            } else {
                verdict
            }
        });
        let failing = service_fn(|()| ready(Err::<(), _>(BUSY)));
        assert!(
            RetryLayer::new(policy)
                .layer(failing)
                .call(())
                .await
                .is_err()
        );
        assert_eq!(*failures.borrow(), 5);
    });
}
