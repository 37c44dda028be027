//! One run, one table: what evenkeel-backoff costs, beside its rivals and beside the floor.

mod budget;
mod wrappers;

use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use backoff::backoff::Backoff as _;
use backon::{BackoffBuilder as _, Retryable as _};
use evenkeel_backoff::{
    Chance as _, Curve, Dice, Jitter, RetryBudget, RetryPolicy, Roll, ThreadDice, retry,
};
use evenkeel_error::{Recoverable, Recovery};
use google_cloud_gax::backoff_policy::BackoffPolicy as _;
use peers_table::{Aim, Row, Table, contender, heap, side_by_side};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

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

/// Exponential, capped, full jitter, of a random number that is given: shift, min, multiply.
fn floor_delay(limits: &(u64, u64), random: u64, shift: u32) -> Duration {
    let ceiling = (limits.0 << shift).min(limits.1);
    Duration::from_nanos(((u128::from(ceiling) * u128::from(random)) >> 64) as u64)
}

const LIMITS: (u64, u64) = (100_000_000, 10_000_000_000);

/// The arithmetic alone: both are given the same random number, by the same generator's last state.
fn delay() -> Row {
    let curve = Curve::exponential(BASE).cap(CAP);
    let random = fastrand::u64(..);
    Row::side_by_side(
        "a jittered delay, the random number given",
        contender(|| black_box(&curve).delay(black_box(4), Roll::from_bits(black_box(random)))),
        vec![],
        Some((
            "shift, min, multiply",
            contender(|| floor_delay(black_box(&LIMITS), black_box(random), black_box(3))),
        )),
        vec![Aim::TimesFloor(2.0)],
    )
}

fn jittered() -> Row {
    let curve = Curve::exponential(BASE).cap(CAP);
    let (mut dice, mut floor_dice) = (Dice::seeded(7), fastrand::Rng::with_seed(7));
    let gax = gax();
    let mut tokio = tokio_policy();
    let mut backon = backon_policy().with_max_times(usize::MAX).build();
    let mut backoff = backoff_policy();
    Row::side_by_side(
        "the next jittered delay, random number and all",
        contender(|| black_box(&curve).delay(black_box(4), dice.roll())),
        vec![
            (
                "google-cloud-gax",
                contender(|| gax.on_failure(&gax_state(black_box(4)))),
            ),
            ("tokio-retry", contender(|| tokio.next())),
            ("backon", contender(|| backon.next())),
            ("backoff", contender(|| backoff.next_backoff())),
        ],
        Some((
            "the same by hand",
            contender(|| floor_delay(black_box(&LIMITS), floor_dice.u64(..), black_box(3))),
        )),
        vec![Aim::TimesRival(0.4)],
    )
}

fn plain() -> Row {
    let curve = Curve::exponential(BASE).cap(CAP).jitter(Jitter::None);
    let mut tokio = tokio_retry::strategy::ExponentialBackoff::from_millis(2)
        .factor(50)
        .max_delay(CAP);
    let backon = || {
        backon::ExponentialBuilder::default()
            .with_min_delay(BASE)
            .with_max_delay(CAP)
    };
    let mut backon = backon().with_max_times(usize::MAX).build();
    Row::side_by_side(
        "extra: the next delay, no jitter",
        contender(|| black_box(&curve).delay(black_box(4), Roll::LOWEST)),
        vec![
            ("tokio-retry", contender(|| tokio.next())),
            ("backon", contender(|| backon.next())),
        ],
        Some((
            "shift and min",
            contender(|| {
                let (base, cap) = *black_box(&LIMITS);
                Duration::from_nanos((base << black_box(3)).min(cap))
            }),
        )),
        vec![],
    )
}

/// Build, then so many jittered delays.
fn session(what: &'static str, delays: usize, aims: Vec<Aim>) -> Row {
    let mut floor_dice = fastrand::Rng::with_seed(7);
    let mut seed = 0;
    let many = u32::try_from(delays).unwrap_or(0);
    Row::side_by_side(
        what,
        contender(|| {
            seed += 1;
            let curve = Curve::exponential(black_box(BASE)).cap(black_box(CAP));
            curve
                .delays(Dice::seeded(seed))
                .take(delays)
                .sum::<Duration>()
        }),
        vec![
            (
                "google-cloud-gax",
                contender(|| {
                    let policy = gax();
                    let delay = |n| policy.on_failure(&gax_state(n));
                    (1..=many).map(delay).sum::<Duration>()
                }),
            ),
            (
                "tokio-retry",
                contender(|| tokio_policy().take(delays).sum::<Duration>()),
            ),
            (
                "backon",
                contender(|| {
                    backon_policy()
                        .with_max_times(delays)
                        .build()
                        .sum::<Duration>()
                }),
            ),
            (
                "exponential-backoff",
                contender(|| {
                    let policy = exponential_backoff::Backoff::new(many + 1, BASE, CAP);
                    policy.into_iter().flatten().take(delays).sum::<Duration>()
                }),
            ),
            (
                "backoff",
                contender(|| {
                    let mut policy = backoff_policy();
                    let delays = (0..delays).filter_map(|_| policy.next_backoff());
                    delays.sum::<Duration>()
                }),
            ),
        ],
        Some((
            "the same by hand",
            contender(|| {
                let delay = |n| floor_delay(black_box(&LIMITS), floor_dice.u64(..), n);
                (0..many).map(delay).sum::<Duration>()
            }),
        )),
        aims,
    )
}

/// Bytes of the futures, and what one successful call asks of the heap.
fn sizes() -> (Table, usize) {
    let (policy, budget) = (
        RetryPolicy::exponential(BASE).max_attempts(3),
        RetryBudget::new(),
    );
    let call = || retry(|_| work()).policy(&policy).budget(&budget);
    let bytes = |size: usize| f64::from(u32::try_from(size).unwrap_or(u32::MAX));
    let held = size_of_val(&work()) + size_of::<tokio::time::Sleep>();
    let (_, used) = heap::counted(|| polled(call()).is_ok());
    let row = Row {
        what: "the future, policy and budget borrowed",
        ours: bytes(size_of_val(&call())),
        rivals: vec![
            ("again", bytes(size_of_val(&again::retry(work)))),
            (
                "tokio-retry",
                bytes(size_of_val(&tokio_retry::Retry::start(
                    tokio_policy().take(3),
                    work,
                ))),
            ),
            ("backon", bytes(size_of_val(&work.retry(backon_policy())))),
        ],
        floor: Some(("bare future and `Sleep`", bytes(held))),
        aims: vec![Aim::OverFloor(96.0)],
    };
    (Table::new("bytes").row(row), used.calls)
}

/// How often the whole table is measured.
const TIMES: usize = 5;

fn rows() -> Vec<Row> {
    let mut rows = vec![
        plain(),
        delay(),
        jittered(),
        session("extra: build, then the first jittered delay", 1, vec![]),
        session(
            "build, then eight jittered delays",
            8,
            vec![Aim::TimesRival(0.25)],
        ),
    ];
    rows.extend(wrappers::wrappers());
    rows.push(wrappers::blocking());
    rows.extend(budget::budget());
    rows
}

fn main() {
    let table = Table::new("ns").calmest(TIMES, rows);
    table.print();
    let (sizes, allocations) = sizes();
    sizes.print();
    println!("Allocations of a call that succeeds at once: {allocations}.");
    let costs = side_by_side(vec![
        contender(Instant::now),
        contender(|| ThreadDice.roll()),
    ]);
    let (clock, dice) = (costs[0], costs[1]);
    println!("The clock, for comparison: {clock:.1} ns. The thread's dice: {dice:.2} ns.");
}
