//! The hot path of retrying: one delay, a session of eight, a decision, the wrappers, the budget;
//! beside the floor of the arithmetic, measured in the same run.

use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use evenkeel_backoff::{
    Curve, Limits, Ratio, RetryBudget, RetryPolicy, Roll, Session, Withdrawal, blocking, retry,
};
use evenkeel_error::{Moment, Recoverable, Recovery};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

struct Busy;

impl Recoverable for Busy {
    fn recovery(&self) -> Recovery {
        Recovery::BackOff
    }
}

fn curve() -> Curve {
    Curve::exponential(Duration::from_millis(100)).cap(Duration::from_secs(10))
}

fn delay(c: &mut Criterion) {
    let mut group = c.benchmark_group("backoff/delay");
    group.bench_function("floor", |b| {
        let mut generator = SmallRng::seed_from_u64(7);
        b.iter(|| {
            let ceiling = (100_000_000_u64 << black_box(3)).min(10_000_000_000);
            let nanos = (u128::from(ceiling) * u128::from(generator.next_u64())) >> u64::BITS;
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(ceiling))
        });
    });
    group.bench_function("jittered", |b| {
        let mut generator = SmallRng::seed_from_u64(7);
        let curve = curve();
        b.iter(|| curve.delay(black_box(4), Roll::draw(&mut generator)));
    });
    group.bench_function("session_of_eight", |b| {
        let mut generator = SmallRng::seed_from_u64(7);
        b.iter(|| {
            let curve = curve();
            (1..=8)
                .map(|retry| curve.delay(retry, Roll::draw(&mut generator)))
                .sum::<Duration>()
        });
    });
    group.finish();
}

fn decide(c: &mut Criterion) {
    let policy = RetryPolicy::exponential(Duration::from_millis(100));
    c.bench_function("backoff/decide/short_tier", |b| {
        let mut generator = SmallRng::seed_from_u64(7);
        b.iter(|| {
            let mut session = Session::start(Moment::ORIGIN);
            let roll = Roll::draw(&mut generator);
            policy.decide(&mut session, &Busy, Moment::ORIGIN, Limits::NONE, roll)
        });
    });
}

fn budget(c: &mut Criterion) {
    let mut group = c.benchmark_group("backoff/budget");
    let budget = RetryBudget::new();
    let now = Moment::ORIGIN;
    group.bench_function("earn_when_full", |b| b.iter(|| budget.earn(black_box(now))));
    let not_full = RetryBudget::builder()
        .cap(100)
        .earned(Ratio::new(0.0).unwrap_or(Ratio::TENTH));
    if let Ok(budget) = not_full.build() {
        while let Withdrawal::Granted(token) = budget.withdraw(now) {
            drop(token.sent());
        }
        group.bench_function("earn_when_not_full", |b| {
            b.iter(|| budget.earn(black_box(now)));
        });
    }
    group.bench_function("withdraw_and_refund", |b| {
        b.iter(|| match budget.withdraw(black_box(now)) {
            Withdrawal::Granted(token) => token.sent().refund(),
            Withdrawal::Empty { .. } => {}
        });
    });
    group.finish();
}

fn wrapper(c: &mut Criterion) {
    let mut group = c.benchmark_group("backoff/wrapper");
    let policy = RetryPolicy::exponential(Duration::from_millis(100)).max_attempts(3);
    let work = || ready(black_box(Ok::<u64, Busy>(7)));
    group.bench_function("floor", |b| b.iter(|| polled(async { work().await })));
    group.bench_function("async", |b| {
        b.iter(|| polled(async { retry(|_| work()).policy(black_box(&policy)).await }));
    });
    group.bench_function("blocking", |b| {
        b.iter(|| {
            let work = |_| black_box(Ok::<u64, Busy>(7));
            blocking::retry(work).policy(black_box(&policy)).call()
        });
    });
    group.finish();
}

fn polled<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

criterion_group!(benches, delay, decide, wrapper, budget);
criterion_main!(benches);
