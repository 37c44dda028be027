//! The hot path of retrying: one delay, a session of eight, a decision, the budget; beside the
//! floor of the arithmetic, measured in the same run.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use evenkeel_backoff::{Curve, Limits, RetryBudget, RetryPolicy, Roll, Session, Withdrawal};
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
    group.bench_function("withdraw_and_refund", |b| {
        b.iter(|| match budget.withdraw(black_box(now)) {
            Withdrawal::Granted(token) => token.sent().refund(),
            Withdrawal::Empty { .. } => {}
        });
    });
    group.finish();
}

criterion_group!(benches, delay, decide, budget);
criterion_main!(benches);
