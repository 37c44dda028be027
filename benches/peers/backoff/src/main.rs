//! One run, one table: what evenkeel-backoff costs, beside its rivals and beside the floor.

use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use backoff::backoff::Backoff as _;
use backon::{BackoffBuilder as _, BlockingRetryable as _, Retryable as _};
use evenkeel_backoff::{
    Chance as _, Curve, Dice, RetryBudget, RetryPolicy, ThreadDice, Withdrawal,
};
use evenkeel_error::{Moment, Recoverable, Recovery};
use google_cloud_gax::backoff_policy::BackoffPolicy as _;
use peers_table::{Aim, Row, Table, measure, on_two_threads};

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Busy;

impl Recoverable for Busy {
    fn recovery(&self) -> Recovery {
        Recovery::BackOff
    }
}

fn work() -> Ready<Result<u64, Busy>> {
    ready(Ok(black_box(7)))
}

fn polled<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a ready future"),
    }
}

fn gax() -> google_cloud_gax::exponential_backoff::ExponentialBackoff {
    google_cloud_gax::exponential_backoff::ExponentialBackoffBuilder::new()
        .with_initial_delay(BASE)
        .with_maximum_delay(CAP)
        .clamp()
}

fn gax_state(attempt: u32) -> google_cloud_gax::retry_state::RetryState {
    google_cloud_gax::retry_state::RetryState::new(true).set_attempt_count(attempt)
}

fn backon_policy() -> backon::ExponentialBuilder {
    backon::ExponentialBuilder::default()
        .with_min_delay(BASE)
        .with_max_delay(CAP)
        .with_jitter()
}

fn backoff_policy() -> backoff::ExponentialBackoff {
    backoff::ExponentialBackoffBuilder::new()
        .with_initial_interval(BASE)
        .with_max_interval(CAP)
        .with_multiplier(2.0)
        .build()
}

/// `2^n * 50 ms`: its nearest to doubling from 100 ms.
fn tokio_policy() -> impl Iterator<Item = Duration> {
    tokio_retry::strategy::ExponentialBackoff::from_millis(2)
        .factor(50)
        .max_delay(CAP)
        .map(tokio_retry::strategy::jitter)
}

fn floor_delay(random: u64, shift: u32) -> Duration {
    let ceiling = (100_000_000_u64 << shift).min(10_000_000_000);
    Duration::from_nanos(((u128::from(ceiling) * u128::from(random)) >> 64) as u64)
}

fn delay() -> Row {
    let curve = Curve::exponential(BASE).cap(CAP);
    let (mut dice, mut floor_dice) = (Dice::seeded(7), fastrand::Rng::with_seed(7));
    let gax = gax();
    Row {
        what: "jittered delay",
        ours: measure(|| curve.delay(black_box(4), dice.roll())),
        rivals: vec![
            (
                "google-cloud-gax",
                measure(|| gax.on_failure(&gax_state(black_box(4)))),
            ),
            ("exponential-backoff", {
                measure(|| {
                    exponential_backoff::Backoff::new(8, BASE, CAP)
                        .into_iter()
                        .next()
                })
            }),
        ],
        floor: Some((
            "shift, min, multiply",
            measure(|| floor_delay(floor_dice.u64(..), black_box(3))),
        )),
        aims: vec![Aim::TimesFloor(2.0), Aim::TimesRival(0.4)],
    }
}

fn session() -> Row {
    let mut floor_dice = fastrand::Rng::with_seed(7);
    let mut seed = 0;
    Row {
        what: "build, then eight jittered delays",
        ours: measure(|| {
            seed += 1;
            let curve = Curve::exponential(BASE).cap(CAP);
            curve.delays(Dice::seeded(seed)).take(8).sum::<Duration>()
        }),
        rivals: vec![
            (
                "google-cloud-gax",
                measure(|| {
                    let policy = gax();
                    (1..=8)
                        .map(|n| policy.on_failure(&gax_state(n)))
                        .sum::<Duration>()
                }),
            ),
            (
                "tokio-retry",
                measure(|| tokio_policy().take(8).sum::<Duration>()),
            ),
            (
                "backon",
                measure(|| backon_policy().with_max_times(8).build().sum::<Duration>()),
            ),
            (
                "exponential-backoff",
                measure(|| {
                    let policy = exponential_backoff::Backoff::new(9, BASE, CAP);
                    policy.into_iter().flatten().take(8).sum::<Duration>()
                }),
            ),
            (
                "backoff",
                measure(|| {
                    let mut policy = backoff_policy();
                    (0..8)
                        .filter_map(|_| policy.next_backoff())
                        .sum::<Duration>()
                }),
            ),
        ],
        floor: Some((
            "the same by hand",
            measure(|| {
                (0..8)
                    .map(|n| floor_delay(floor_dice.u64(..), n))
                    .sum::<Duration>()
            }),
        )),
        aims: vec![Aim::TimesRival(0.25)],
    }
}

fn wrapper() -> Row {
    let policy = RetryPolicy::exponential(BASE).max_attempts(3);
    Row {
        what: "wrapper over a ready future",
        ours: measure(|| {
            polled(
                evenkeel_backoff::retry(|_| work())
                    .policy(&policy)
                    .into_future(),
            )
        }),
        rivals: vec![
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
        ],
        floor: Some((
            "bare await",
            measure(|| polled(async { work().await }).ok()),
        )),
        aims: vec![Aim::OverFloor(1.0)],
    }
}

fn blocking() -> Row {
    let policy = RetryPolicy::exponential(BASE).max_attempts(3);
    let work = || Ok::<u64, Busy>(black_box(7));
    Row {
        what: "blocking wrapper",
        ours: measure(|| {
            evenkeel_backoff::blocking::retry(|_| work())
                .policy(&policy)
                .call()
        }),
        rivals: vec![(
            "backon",
            measure(|| work.retry(backon_policy()).call().ok()),
        )],
        floor: Some(("bare call", measure(|| work().ok()))),
        aims: vec![],
    }
}

fn full_budget() -> RetryBudget {
    let budget = RetryBudget::new();
    (0..2_000).for_each(|_| budget.earn(Moment::ORIGIN));
    budget
}

fn budget() -> Vec<Row> {
    use tower::retry::budget::{Budget as _, TpsBudget};

    let rival = || TpsBudget::new(Duration::from_secs(10), 10, 0.1);
    let (full, shared) = (full_budget(), full_budget());
    let add = std::sync::atomic::AtomicU64::new(0);
    let add = || _ = add.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let (alone, contended, now) = (rival(), rival(), Moment::ORIGIN);
    // Ten deposits and what they earned taken out again: never full.
    let cycle = |budget: &RetryBudget| {
        (0..10).for_each(|_| budget.earn(black_box(now)));
        if let Withdrawal::Granted(token) = budget.withdraw(black_box(now)) {
            drop(token.sent());
        }
    };
    let (moving, moving_shared) = (full_budget(), full_budget());
    for budget in [&moving, &moving_shared] {
        (0..50).for_each(|_| {
            if let Withdrawal::Granted(t) = budget.withdraw(now) {
                drop(t.sent())
            }
        });
    }
    let atomic = ("atomic add", measure(add));
    let atomic_shared = ("atomic add, shared", on_two_threads(add));
    vec![
        Row {
            what: "budget: deposit into a full bucket",
            ours: measure(|| full.earn(black_box(now))),
            rivals: vec![("tower TpsBudget", measure(|| alone.deposit()))],
            floor: Some(atomic),
            aims: vec![],
        },
        Row {
            what: "the same, two threads",
            ours: on_two_threads(|| shared.earn(black_box(now))),
            rivals: vec![("tower TpsBudget", on_two_threads(|| contended.deposit()))],
            floor: Some(atomic_shared),
            aims: vec![],
        },
        Row {
            what: "budget: a deposit of ten and a withdrawal",
            ours: measure(|| cycle(&moving)) / 11.0,
            rivals: vec![("tower TpsBudget, withdrawal", measure(|| alone.withdraw()))],
            floor: Some(atomic),
            aims: vec![],
        },
        Row {
            what: "the same, two threads",
            ours: on_two_threads(|| cycle(&moving_shared)) / 11.0,
            rivals: vec![],
            floor: Some(atomic_shared),
            aims: vec![],
        },
    ]
}

fn main() {
    let mut table = Table::new("ns")
        .row(delay())
        .row(session())
        .row(wrapper())
        .row(blocking());
    for row in budget() {
        table = table.row(row);
    }
    table.print();
    let clock = measure(Instant::now);
    let dice = measure(|| ThreadDice.roll());
    println!("The clock, for comparison: {clock:.1} ns. The thread's dice: {dice:.2} ns.");
}
