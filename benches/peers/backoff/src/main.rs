//! One run, one table: what evenkeel-backoff costs, beside its rivals and beside the floor.

use std::cell::Cell;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use backoff::backoff::Backoff as _;
use backon::{BackoffBuilder as _, BlockingRetryable as _, Retryable as _};
use evenkeel_backoff::{
    Chance as _, Curve, Dice, Jitter, Ratio, RetryBudget, RetryPolicy, Roll, ThreadDice,
    Withdrawal, retry,
};
use evenkeel_error::{Moment, Recoverable, Recovery};
use google_cloud_gax::backoff_policy::BackoffPolicy as _;
use peers_table::{Aim, Row, Table, heap, measure, on_two_threads};

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
    Row {
        what: "a jittered delay, the random number given",
        ours: measure(|| black_box(&curve).delay(black_box(4), Roll::from_bits(black_box(random)))),
        rivals: vec![],
        floor: Some((
            "shift, min, multiply",
            measure(|| floor_delay(black_box(&LIMITS), black_box(random), black_box(3))),
        )),
        aims: vec![Aim::TimesFloor(2.0)],
    }
}

fn jittered() -> Row {
    let curve = Curve::exponential(BASE).cap(CAP);
    let (mut dice, mut floor_dice) = (Dice::seeded(7), fastrand::Rng::with_seed(7));
    let gax = gax();
    let mut tokio = tokio_policy();
    let mut backon = backon_policy().with_max_times(usize::MAX).build();
    let mut backoff = backoff_policy();
    Row {
        what: "the next jittered delay, random number and all",
        ours: measure(|| black_box(&curve).delay(black_box(4), dice.roll())),
        rivals: vec![
            (
                "google-cloud-gax",
                measure(|| gax.on_failure(&gax_state(black_box(4)))),
            ),
            ("tokio-retry", measure(|| tokio.next())),
            ("backon", measure(|| backon.next())),
            ("backoff", measure(|| backoff.next_backoff())),
        ],
        floor: Some((
            "the same by hand",
            measure(|| floor_delay(black_box(&LIMITS), floor_dice.u64(..), black_box(3))),
        )),
        aims: vec![Aim::TimesRival(0.4)],
    }
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
    Row {
        what: "the next delay, no jitter",
        ours: measure(|| black_box(&curve).delay(black_box(4), Roll::LOWEST)),
        rivals: vec![
            ("tokio-retry", measure(|| tokio.next())),
            ("backon", measure(|| backon.next())),
        ],
        floor: Some((
            "shift and min",
            measure(|| {
                let (base, cap) = *black_box(&LIMITS);
                Duration::from_nanos((base << black_box(3)).min(cap))
            }),
        )),
        aims: vec![],
    }
}

/// Build, then so many jittered delays.
fn session(what: &'static str, delays: usize, aims: Vec<Aim>) -> Row {
    let mut floor_dice = fastrand::Rng::with_seed(7);
    let mut seed = 0;
    let many = u32::try_from(delays).unwrap_or(0);
    Row {
        what,
        ours: measure(|| {
            seed += 1;
            let curve = Curve::exponential(black_box(BASE)).cap(black_box(CAP));
            curve
                .delays(Dice::seeded(seed))
                .take(delays)
                .sum::<Duration>()
        }),
        rivals: vec![
            (
                "google-cloud-gax",
                measure(|| {
                    let policy = gax();
                    let delay = |n| policy.on_failure(&gax_state(n));
                    (1..=many).map(delay).sum::<Duration>()
                }),
            ),
            (
                "tokio-retry",
                measure(|| tokio_policy().take(delays).sum::<Duration>()),
            ),
            (
                "backon",
                measure(|| {
                    backon_policy()
                        .with_max_times(delays)
                        .build()
                        .sum::<Duration>()
                }),
            ),
            (
                "exponential-backoff",
                measure(|| {
                    let policy = exponential_backoff::Backoff::new(many + 1, BASE, CAP);
                    policy.into_iter().flatten().take(delays).sum::<Duration>()
                }),
            ),
            (
                "backoff",
                measure(|| {
                    let mut policy = backoff_policy();
                    let delays = (0..delays).filter_map(|_| policy.next_backoff());
                    delays.sum::<Duration>()
                }),
            ),
        ],
        floor: Some((
            "the same by hand",
            measure(|| {
                let delay = |n| floor_delay(black_box(&LIMITS), floor_dice.u64(..), n);
                (0..many).map(delay).sum::<Duration>()
            }),
        )),
        aims,
    }
}

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

fn wrappers() -> Vec<Row> {
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

fn blocking() -> Row {
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

fn full_budget() -> RetryBudget {
    let budget = RetryBudget::new();
    (0..2_000).for_each(|_| budget.earn(Moment::ORIGIN));
    budget
}

/// A budget that a hundred thousand deposits do not fill, emptied before they could.
struct Filling {
    budget: RetryBudget,
}

impl Filling {
    fn new() -> Self {
        let slow = RetryBudget::builder()
            .cap(100)
            .earned(Ratio::new(0.001).expect("a ratio"));
        let budget = slow.build().expect("a budget");
        let filling = Self { budget };
        filling.empty();
        filling
    }

    fn empty(&self) {
        while let Withdrawal::Granted(token) = self.budget.withdraw(Moment::ORIGIN) {
            drop(token.sent());
        }
    }

    /// One deposit, and a count of the thread's own, which is in the price.
    fn deposit(&self) {
        thread_local! {
            static COUNT: Cell<u32> = const { Cell::new(0) };
        }
        let count = COUNT.get();
        COUNT.set(count.wrapping_add(1));
        if count % 0x8000 == 0 {
            self.empty();
        }
        self.budget.earn(black_box(Moment::ORIGIN));
    }
}

fn budget() -> Vec<Row> {
    use tower::retry::budget::{Budget as _, TpsBudget};

    let rival = TpsBudget::new(Duration::from_secs(10), 10, 0.1);
    let (full, filling, now) = (full_budget(), Filling::new(), Moment::ORIGIN);
    let share = RetryBudget::share(Ratio::TENTH).build().expect("a budget");
    let word = AtomicU64::new(0);
    let add = || _ = word.fetch_add(1, Ordering::Relaxed);
    let deposit = || full.earn(black_box(now));
    let pair = || drop(full.withdraw(black_box(now)));
    let atomic = Some(("atomic add", measure(add)));
    let shared = Some(("atomic add, shared", on_two_threads(add)));
    let row = |what, ours, rivals, floor, aims| Row {
        what,
        ours,
        rivals,
        floor,
        aims,
    };
    let tower = |cost| vec![("tower TpsBudget", cost)];
    vec![
        row(
            "deposit into a full budget",
            measure(deposit),
            tower(measure(|| rival.deposit())),
            atomic,
            vec![Aim::AtMost(1.0)],
        ),
        row(
            "the same, two threads",
            on_two_threads(deposit),
            tower(on_two_threads(|| rival.deposit())),
            shared,
            vec![Aim::AtMost(1.0)],
        ),
        row(
            "deposit into a budget that is not full",
            measure(|| filling.deposit()),
            tower(measure(|| rival.deposit())),
            atomic,
            vec![Aim::AtMost(8.0)],
        ),
        row(
            "the same, two threads",
            on_two_threads(|| filling.deposit()),
            tower(on_two_threads(|| rival.deposit())),
            shared,
            vec![Aim::AtMost(30.0)],
        ),
        row(
            "deposit into a share of calls",
            measure(|| share.earn(black_box(now))),
            tower(measure(|| rival.deposit())),
            atomic,
            vec![Aim::AtMost(8.0)],
        ),
        row(
            "withdraw, and give back",
            measure(pair),
            tower(measure(|| rival.withdraw())),
            atomic,
            vec![],
        ),
        row(
            "the same, two threads",
            on_two_threads(pair),
            tower(on_two_threads(|| _ = rival.withdraw())),
            shared,
            vec![],
        ),
    ]
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

fn main() {
    let mut table = Table::new("ns")
        .row(plain())
        .row(delay())
        .row(jittered())
        .row(session("build, then the first jittered delay", 1, vec![]))
        .row(session(
            "build, then eight jittered delays",
            8,
            vec![Aim::TimesRival(0.25)],
        ));
    for row in wrappers() {
        table = table.row(row);
    }
    table = table.row(blocking());
    for row in budget() {
        table = table.row(row);
    }
    table.print();
    let (sizes, allocations) = sizes();
    sizes.print();
    println!("Allocations of a call that succeeds at once: {allocations}.");
    let clock = measure(Instant::now);
    let dice = measure(|| ThreadDice.roll());
    println!("The clock, for comparison: {clock:.1} ns. The thread's dice: {dice:.2} ns.");
}
