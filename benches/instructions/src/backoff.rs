//! Backoff, retry and budget.

use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel_backoff::{
    Chance as _, Curve, Dice, Jitter, Ratio, RetryBudget, RetryBudgetBuilder, RetryPolicy, Roll,
    Sleeper, Withdrawal, blocking, retry_with,
};
use evenkeel_error::{Moment, Recoverable, Recovery};

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    case("backoff/floor_of_a_jittered_delay", 2_000, floor_of_a_delay),
    case("backoff/jittered_delay", 2_000, jittered_delay),
    case("backoff/delay_without_jitter", 2_000, plain_delay),
    case("backoff/build_and_first_delay", 2_000, first_delay),
    case("backoff/session_of_eight", 500, session_of_eight),
    case("backoff/floor_of_the_wrapper", 2_000, bare_await),
    case(
        "backoff/wrapper_with_a_policy_in_place",
        2_000,
        wrapper_in_place,
    ),
    case(
        "backoff/wrapper_with_a_borrowed_policy",
        2_000,
        wrapper_borrowed,
    ),
    case(
        "backoff/wrapper_of_what_may_fail",
        2_000,
        wrapper_of_what_may_fail,
    ),
    case("backoff/blocking_wrapper", 2_000, blocking_wrapper),
    case("backoff/budget_deposit_when_full", 2_000, deposit_when_full),
    case(
        "backoff/budget_deposit_when_not_full",
        2_000,
        deposit_when_not_full,
    ),
    case(
        "backoff/budget_deposit_into_a_share",
        2_000,
        deposit_into_a_share,
    ),
    case("backoff/budget_withdrawal_given_back", 2_000, withdrawal),
];

const fn case(name: &'static str, runs: u32, run: fn(u32)) -> Case {
    Case { name, runs, run }
}

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(10);
const POLICY: RetryPolicy = RetryPolicy::exponential(BASE).max_attempts(3);

struct Busy;

impl Recoverable for Busy {
    fn recovery(&self) -> Recovery {
        Recovery::BackOff
    }
}

fn work() -> Ready<Result<u64, Busy>> {
    ready(Ok(black_box(7)))
}

fn polled<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Nothing here ever waits.
struct Still;

impl Sleeper for Still {
    type Sleep = Ready<()>;

    fn now(&self) -> Moment {
        black_box(Moment::ORIGIN)
    }

    fn sleep(&self, _: Duration) -> Ready<()> {
        ready(())
    }
}

fn floor_of_a_delay(runs: u32) {
    let limits = (100_000_000_u64, 10_000_000_000_u64);
    for _ in 0..runs {
        let (base, cap) = *black_box(&limits);
        let ceiling = (base << black_box(3)).min(cap);
        let wait = (u128::from(ceiling) * u128::from(black_box(u64::MAX))) >> u64::BITS;
        black_box(Duration::from_nanos(u64::try_from(wait).unwrap_or(cap)));
    }
}

fn jittered_delay(runs: u32) {
    let curve = Curve::exponential(BASE).cap(CAP);
    for _ in 0..runs {
        black_box(black_box(&curve).delay(black_box(4), black_box(Roll::HIGHEST)));
    }
}

fn plain_delay(runs: u32) {
    let curve = Curve::exponential(BASE).cap(CAP).jitter(Jitter::None);
    for _ in 0..runs {
        black_box(black_box(&curve).delay(black_box(4), Roll::LOWEST));
    }
}

fn first_delay(runs: u32) {
    let mut dice = Dice::seeded(7);
    for _ in 0..runs {
        let curve = Curve::exponential(black_box(BASE)).cap(black_box(CAP));
        black_box(curve.delay(1, dice.roll()));
    }
}

fn session_of_eight(runs: u32) {
    for seed in 0..runs {
        let curve = Curve::exponential(black_box(BASE)).cap(black_box(CAP));
        let waits = curve.delays(Dice::seeded(seed.into())).take(8);
        black_box(waits.sum::<Duration>());
    }
}

fn bare_await(runs: u32) {
    for _ in 0..runs {
        _ = black_box(polled(async { work().await }));
    }
}

fn wrapper_in_place(runs: u32) {
    for _ in 0..runs {
        _ = black_box(polled(async {
            retry_with(Still, |_| work()).policy(POLICY).await
        }));
    }
}

fn wrapper_borrowed(runs: u32) {
    for _ in 0..runs {
        let policy = black_box(&POLICY);
        _ = black_box(polled(async {
            retry_with(Still, |_| work()).policy(policy).await
        }));
    }
}

fn wrapper_of_what_may_fail(runs: u32) {
    for _ in 0..runs {
        let policy = black_box(&POLICY);
        let work = || ready(black_box(Ok::<u64, Busy>(7)));
        _ = black_box(polled(async {
            retry_with(Still, |_| work()).policy(policy).await
        }));
    }
}

fn blocking_wrapper(runs: u32) {
    for _ in 0..runs {
        let work = |_| Ok::<u64, Busy>(black_box(7));
        _ = black_box(blocking::retry(work).policy(black_box(&POLICY)).call());
    }
}

fn deposit_when_full(runs: u32) {
    let budget = RetryBudget::new();
    for _ in 0..runs {
        budget.earn(black_box(Moment::ORIGIN));
    }
}

fn deposit_when_not_full(runs: u32) {
    // What is earned is too little for one token: never full.
    let slow = Ratio::new(0.001).map(|earned| RetryBudget::builder().cap(100).earned(earned));
    let Ok(Ok(budget)) = slow.map(RetryBudgetBuilder::build) else {
        return;
    };
    while let Withdrawal::Granted(token) = budget.withdraw(Moment::ORIGIN) {
        drop(token.sent());
    }
    for _ in 0..runs {
        budget.earn(black_box(Moment::ORIGIN));
    }
}

fn deposit_into_a_share(runs: u32) {
    let Ok(budget) = RetryBudget::share(Ratio::TENTH).build() else {
        return;
    };
    for _ in 0..runs {
        budget.earn(black_box(Moment::ORIGIN));
    }
}

fn withdrawal(runs: u32) {
    let budget = RetryBudget::new();
    for _ in 0..runs {
        drop(black_box(budget.withdraw(black_box(Moment::ORIGIN))));
    }
}
