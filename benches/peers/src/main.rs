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

/// Median of 31 samples, in nanoseconds for one run.
fn measure<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut times = 64_u32;
    loop {
        let start = Instant::now();
        (0..times).for_each(|_| drop(black_box(run())));
        if start.elapsed() > Duration::from_millis(2) {
            break;
        }
        times *= 2;
    }
    let mut samples: Vec<f64> = (0..31)
        .map(|_| {
            let start = Instant::now();
            (0..times).for_each(|_| drop(black_box(run())));
            start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[15]
}

fn polled<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a ready future"),
    }
}

/// Each of two threads does this; nanoseconds for one run on one of them.
fn on_two_threads(run: impl Fn() + Sync) -> f64 {
    const TIMES: u32 = 2_000_000;
    let mut samples: Vec<f64> = (0..9)
        .map(|_| {
            let barrier = std::sync::Barrier::new(2);
            let time = || {
                barrier.wait();
                let start = Instant::now();
                (0..TIMES).for_each(|_| run());
                start.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
            };
            std::thread::scope(|scope| {
                let other = scope.spawn(time);
                (time() + other.join().expect("the other thread")) / 2.0
            })
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[4]
}

struct Row {
    what: &'static str,
    ours: f64,
    peers: Vec<(&'static str, f64)>,
    floor: (&'static str, f64),
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
        peers: vec![
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
        floor: (
            "shift, min, multiply",
            measure(|| floor_delay(floor_dice.u64(..), black_box(3))),
        ),
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
        peers: vec![
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
        floor: (
            "the same by hand",
            measure(|| {
                (0..8)
                    .map(|n| floor_delay(floor_dice.u64(..), n))
                    .sum::<Duration>()
            }),
        ),
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
        peers: vec![
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
        floor: (
            "bare await",
            measure(|| polled(async { work().await }).ok()),
        ),
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
        peers: vec![(
            "backon",
            measure(|| work.retry(backon_policy()).call().ok()),
        )],
        floor: ("bare call", measure(|| work().ok())),
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
            peers: vec![("tower TpsBudget", measure(|| alone.deposit()))],
            floor: atomic,
        },
        Row {
            what: "the same, two threads",
            ours: on_two_threads(|| shared.earn(black_box(now))),
            peers: vec![("tower TpsBudget", on_two_threads(|| contended.deposit()))],
            floor: atomic_shared,
        },
        Row {
            what: "budget: a deposit of ten and a withdrawal",
            ours: measure(|| cycle(&moving)) / 11.0,
            peers: vec![("tower TpsBudget, withdrawal", measure(|| alone.withdraw()))],
            floor: atomic,
        },
        Row {
            what: "the same, two threads",
            ours: on_two_threads(|| cycle(&moving_shared)) / 11.0,
            peers: vec![],
            floor: atomic_shared,
        },
    ]
}

fn main() {
    let mut rows = vec![delay(), session(), wrapper(), blocking()];
    rows.extend(budget());
    println!("| what | ours, ns | floor, ns | rivals, ns | ours / best rival |");
    println!("| --- | ---: | --- | --- | ---: |");
    for Row {
        what,
        ours,
        peers,
        floor,
    } in rows
    {
        let best = peers.iter().map(|peer| peer.1).min_by(f64::total_cmp);
        let ratio = best.map_or("–".into(), |best| format!("{:.2}", ours / best));
        let peers: Vec<String> = peers
            .iter()
            .map(|(name, ns)| format!("{name} {ns:.1}"))
            .collect();
        let (name, ns) = floor;
        println!(
            "| {what} | {ours:.2} | {ns:.2} {name} | {} | {ratio} |",
            peers.join(", ")
        );
    }
    let clock = measure(Instant::now);
    let dice = measure(|| ThreadDice.roll());
    println!("\nThe clock, for comparison: {clock:.1} ns. The thread's dice: {dice:.2} ns.");
}
