use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel_error::{Recoverable, Recovery};

use super::*;
use crate::{BreakerConfig, CallError, State};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Fault(Recovery);

impl Recoverable for Fault {
    fn recovery(&self) -> Recovery {
        self.0
    }
}

const BUSY: Fault = Fault(Recovery::BackOff);
const WRONG: Fault = Fault(Recovery::Never);

/// A clock that the test moves, and a breaker that opens at the third failure.
struct Stage {
    breaker: Breaker,
    now: Cell<u64>,
}

impl Stage {
    fn new() -> Self {
        let config = BreakerConfig::builder()
            .minimum_samples(3)
            .build()
            .expect("valid");
        Self {
            breaker: Breaker::new(config),
            now: Cell::new(1_000_000_000_000),
        }
    }

    fn now(&self) -> Moment {
        Moment::from_nanos(self.now.get())
    }

    fn pass(&self, time: Duration) {
        self.now.set((self.now() + time).as_nanos());
    }

    fn caller(&self) -> Caller<impl Clock + Clone + use<'_>> {
        self.breaker.caller().clock(|| self.now())
    }

    /// Opens the circuit, and waits until a probe is due.
    fn half_open(&self) {
        for _ in 0..3 {
            let _ = self.caller().call_blocking(|| Err::<(), _>(BUSY));
        }
        assert_eq!(self.breaker.state(self.now()), State::Open);
        self.pass(Duration::from_secs(60));
        assert_eq!(self.breaker.state(self.now()), State::HalfOpen);
    }

    fn samples(&self) -> (u64, u64) {
        let health = self.breaker.health(self.now());
        (health.samples, health.failures)
    }
}

/// Is pending so many times before its result.
async fn after<T>(pendings: u32, result: T) -> T {
    let mut left = pendings;
    poll_fn(|_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
    result
}

fn poll_times<F: Future>(future: F, times: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    (0..times).find_map(|_| {
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    })
}

#[test]
fn a_call_dropped_at_any_await_gives_its_place_back_and_says_nothing() {
    for polls in 0..4 {
        for result in [Ok(()), Err(BUSY), Err(WRONG)] {
            let stage = Stage::new();
            stage.half_open();
            let dropped = poll_times(stage.caller().call(after(4, result)), polls);
            assert!(dropped.is_none());
            assert_eq!(stage.breaker.state(stage.now()), State::HalfOpen);
            let probe = stage
                .breaker
                .admit(stage.now(), 7)
                .expect("the place is free");
            probe.neutral();
            let caller = stage.caller();
            let streaming = poll_times(caller.call_streaming(after(4, result)), polls);
            assert!(streaming.is_none());
            assert!(stage.breaker.admit(stage.now(), 7).is_ok());
        }
    }
}

#[test]
fn a_call_that_is_never_polled_asks_for_nothing() {
    let stage = Stage::new();
    stage.half_open();
    drop(stage.caller().call(pending::<Result<(), Fault>>()));
    assert!(stage.breaker.admit(stage.now(), 7).is_ok());
}

#[test]
fn dropped_calls_are_failures_where_the_caller_says_so() {
    let stage = Stage::new();
    let caller = stage
        .caller()
        .drop_is(Dropped::Failure(ErrorKind::TimedOut));
    for _ in 0..3 {
        assert!(poll_times(caller.call(pending::<Result<(), Fault>>()), 1).is_none());
        stage.pass(Duration::from_millis(1));
    }
    let rejected = stage
        .breaker
        .admit(stage.now(), 7)
        .expect_err("three of three");
    assert_eq!(rejected.fault(), Some(ErrorKind::TimedOut));
}

#[test]
fn a_result_is_never_also_a_drop() {
    let stage = Stage::new();
    let caller = stage
        .caller()
        .drop_is(Dropped::Failure(ErrorKind::TimedOut));
    assert_eq!(
        poll_times(caller.call(after(2, Ok::<_, Fault>(7))), 3),
        Some(Ok(7))
    );
    assert_eq!(stage.samples(), (1, 0));
    let wrong = poll_times(caller.call(after(0, Err::<(), _>(WRONG))), 1);
    assert_eq!(wrong, Some(Err(CallError::Inner(WRONG))));
    assert_eq!(stage.samples(), (1, 0), "neutral, and not dropped");
}

#[test]
fn a_panicking_call_gives_its_place_back() {
    let stage = Stage::new();
    stage.half_open();
    let caller = stage.caller();
    let call =
        AssertUnwindSafe(|| caller.call_blocking(|| -> Result<(), Fault> { panic!("call") }));
    assert!(catch_unwind(call).is_err());
    let call = caller.call(poll_fn(|_| -> Poll<Result<(), Fault>> { panic!("call") }));
    assert!(catch_unwind(AssertUnwindSafe(|| poll_times(call, 1))).is_err());
    assert!(stage.breaker.admit(stage.now(), 7).is_ok());
}

#[test]
fn a_clock_or_a_judge_that_panics_gives_the_place_back() {
    for failing in [1, 2] {
        let stage = Stage::new();
        stage.half_open();
        let asked = Cell::new(0);
        let clock = || {
            asked.set(asked.get() + 1);
            assert_ne!(asked.get(), failing, "the clock");
            stage.now()
        };
        let caller = stage.breaker.caller().clock(clock);
        let call = AssertUnwindSafe(|| caller.call_blocking(|| Ok::<_, Fault>(7)));
        assert!(catch_unwind(call).is_err());
        assert!(stage.breaker.admit(stage.now(), 7).is_ok(), "{failing}");
    }
    let stage = Stage::new();
    stage.half_open();
    let caller = stage.caller();
    let caller = caller.judge(|_: &Result<(), Fault>| -> Outcome { panic!("the judge") });
    let call = AssertUnwindSafe(|| caller.call_blocking(|| Ok(())));
    assert!(catch_unwind(call).is_err());
    assert!(stage.breaker.admit(stage.now(), 7).is_ok());
}

#[test]
fn a_panicking_call_is_a_dropped_one() {
    let stage = Stage::new();
    let caller = stage
        .caller()
        .drop_is(Dropped::Failure(ErrorKind::Protocol));
    let call =
        AssertUnwindSafe(|| caller.call_blocking(|| -> Result<(), Fault> { panic!("call") }));
    assert!(catch_unwind(call).is_err());
    assert_eq!(stage.samples(), (1, 1));
}

#[test]
fn a_refused_call_is_not_begun() {
    let stage = Stage::new();
    stage.half_open();
    let _probe = stage.breaker.admit(stage.now(), 7).expect("the probe");
    let begun = Cell::new(false);
    let caller = stage.caller();
    let call = caller.call(async {
        begun.set(true);
        Ok::<_, Fault>(())
    });
    let refused = poll_times(call, 1).expect("at once").expect_err("refused");
    assert!(matches!(refused, CallError::Rejected(_)), "{refused:?}");
    assert!(!begun.get());
}

#[test]
fn a_stream_has_two_verdicts() {
    let stage = Stage::new();
    let caller = stage.caller();
    let call = caller.call_streaming(after(1, Ok::<_, Fault>("stream")));
    let (stream, rest) = poll_times(call, 2).expect("ready").expect("begun");
    assert_eq!((stream, stage.samples()), ("stream", (1, 0)));
    assert_eq!(rest.failure(ErrorKind::Interrupted, None), None);
    assert_eq!(stage.samples(), (1, 1), "one call, and it failed");
    let call = caller.call_streaming(after(0, Ok::<_, Fault>("stream")));
    drop(poll_times(call, 1));
    assert_eq!(stage.samples(), (2, 1), "a clean end adds nothing");
    for (error, opens) in [(WRONG, false), (BUSY, true)] {
        let call = caller.call_streaming(after(0, Ok::<_, Fault>("stream")));
        let (_, rest) = poll_times(call, 1).expect("ready").expect("begun");
        assert_eq!(rest.failed(&error).is_some(), opens, "two of four");
    }
}

#[test]
fn a_closed_circuit_of_consecutive_failures_alone_reads_no_clock() {
    let config = BreakerConfig::builder()
        .failure_ratio(None)
        .build()
        .expect("valid");
    let breaker = Breaker::new(config);
    let clock = || -> Moment { panic!("the clock was read") };
    let caller = breaker.caller().clock(clock);
    for _ in 0..10 {
        assert_eq!(caller.call_blocking(|| Ok::<_, Fault>(7)), Ok(7));
    }
}

#[tokio::test(start_paused = true)]
async fn on_tokios_clock_a_paused_second_opens_for_a_probe() {
    let breaker = Breaker::default();
    let caller = breaker.caller().clock(crate::Tokio);
    for _ in 0..5 {
        let _ = caller.call(async { Err::<(), _>(BUSY) }).await;
    }
    let refused = caller.call(async { Ok::<_, Fault>(()) }).await;
    let wait = refused.expect_err("open").wait().expect("refused");
    assert!(wait <= Duration::from_millis(1_500));
    tokio::time::advance(wait).await;
    assert_eq!(caller.call(async { Ok::<_, Fault>(()) }).await, Ok(()));
    assert_eq!(breaker.state(caller.clock.now()), State::Recovering);
}

#[cfg(feature = "tower")]
mod layered {
    use ::tower::{Layer as _, Service as _, service_fn};

    use super::*;
    use crate::tower::BreakerLayer;

    #[test]
    fn a_response_dropped_at_any_poll_gives_its_place_back() {
        for polls in 0..3 {
            let stage = Stage::new();
            stage.half_open();
            let now = stage.now();
            let layer = BreakerLayer::new(stage.breaker.caller().clock(move || now));
            let mut service = layer.layer(service_fn(|()| after(3, Ok::<_, Fault>(7))));
            let call = service.call(());
            assert!(stage.breaker.admit(now, 7).is_err(), "the probe is out");
            assert!(poll_times(call, polls).is_none());
            let call = service.call(());
            assert_eq!(poll_times(call, 4), Some(Ok(7)));
            assert_eq!(stage.breaker.state(now), State::Recovering);
        }
    }

    #[test]
    fn a_refusal_calls_nothing_and_leaves_readiness_alone() {
        let stage = Stage::new();
        stage.half_open();
        let now = stage.now();
        let _probe = stage.breaker.admit(now, 7).expect("the probe");
        let layer = BreakerLayer::new(stage.breaker.caller().clock(move || now));
        let never =
            service_fn(|()| -> std::future::Ready<Result<(), Fault>> { panic!("it was called") });
        let mut service = layer.layer(never);
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(service.poll_ready(&mut cx), Poll::Ready(Ok(())));
        let refused = poll_times(service.call(()), 1).expect("at once");
        assert!(matches!(refused, Err(CallError::Rejected(_))));
    }

    #[test]
    fn inside_of_a_limit_refused_clones_keep_no_probe_out() {
        let stage = Stage::new();
        stage.half_open();
        let now = stage.now();
        let probe = stage.breaker.admit(now, 7).expect("the probe");
        let layer = BreakerLayer::new(stage.breaker.caller().clock(move || now));
        let inner = layer.layer(service_fn(|()| after(0, Ok::<_, Fault>(7))));
        let mut refused = ::tower::limit::ConcurrencyLimit::new(inner, 1);
        let mut other = refused.clone();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(refused.poll_ready(&mut cx), Poll::Ready(Ok(())));
        let refusal = poll_times(refused.call(()), 1).expect("at once");
        assert!(matches!(refusal, Err(CallError::Rejected(_))));
        drop(probe);
        assert_eq!(other.poll_ready(&mut cx), Poll::Ready(Ok(())));
        assert_eq!(poll_times(other.call(()), 1), Some(Ok(7)));
        assert_eq!(stage.breaker.state(now), State::Recovering);
    }

    #[test]
    fn a_service_that_panics_in_its_call_gives_the_place_back() {
        let stage = Stage::new();
        stage.half_open();
        let now = stage.now();
        let layer = BreakerLayer::new(stage.breaker.caller().clock(move || now));
        let panics = service_fn(|()| -> std::future::Ready<Result<(), Fault>> { panic!("call") });
        let mut service = layer.layer(panics);
        let call = AssertUnwindSafe(|| drop(service.call(())));
        assert!(catch_unwind(call).is_err());
        assert!(stage.breaker.admit(now, 7).is_ok());
    }

    #[test]
    fn readiness_without_a_call_takes_no_place_and_clones_share_the_breaker() {
        let stage = Stage::new();
        stage.half_open();
        let now = stage.now();
        let layer = BreakerLayer::new(stage.breaker.caller().clock(move || now));
        let mut ready = layer.layer(service_fn(|()| after(0, Ok::<_, Fault>(7))));
        let mut other = ready.clone();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(ready.poll_ready(&mut cx), Poll::Ready(Ok(())));
        drop(ready);
        let call = other.call(());
        let refused = poll_times(other.clone().call(()), 1).expect("at once");
        assert!(matches!(refused, Err(CallError::Rejected(_))));
        assert_eq!(poll_times(call, 1), Some(Ok(7)));
    }
}
