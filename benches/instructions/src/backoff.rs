//! Backoff, retry and budget.

use std::hint::black_box;
use std::time::Duration;

use evenkeel_backoff::{Curve, RetryBudget, RetryPolicy, Roll, Withdrawal, blocking};
use evenkeel_error::{Moment, Recoverable, Recovery};

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "backoff/jittered_delay",
        runs: 2_000,
        run: jittered_delay,
    },
    Case {
        name: "backoff/blocking_wrapper",
        runs: 2_000,
        run: blocking_wrapper,
    },
    Case {
        name: "backoff/budget_deposit_when_full",
        runs: 2_000,
        run: deposit_when_full,
    },
    Case {
        name: "backoff/budget_ten_deposits_and_a_withdrawal",
        runs: 500,
        run: deposits_and_withdrawal,
    },
];

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(10);

struct Busy;

impl Recoverable for Busy {
    fn recovery(&self) -> Recovery {
        Recovery::BackOff
    }
}

fn jittered_delay(runs: u32) {
    let curve = black_box(Curve::exponential(BASE).cap(CAP));
    for _ in 0..runs {
        black_box(curve.delay(black_box(4), black_box(Roll::HIGHEST)));
    }
}

fn blocking_wrapper(runs: u32) {
    let policy = RetryPolicy::exponential(BASE).max_attempts(3);
    for _ in 0..runs {
        let work = |_| Ok::<u64, Busy>(black_box(7));
        _ = black_box(blocking::retry(work).policy(&policy).call());
    }
}

fn deposit_when_full(runs: u32) {
    let budget = RetryBudget::new();
    for _ in 0..runs {
        budget.earn(black_box(Moment::ORIGIN));
    }
}

fn deposits_and_withdrawal(runs: u32) {
    let budget = RetryBudget::new();
    for _ in 0..runs {
        for _ in 0..10 {
            budget.earn(black_box(Moment::ORIGIN));
        }
        if let Withdrawal::Granted(token) = budget.withdraw(black_box(Moment::ORIGIN)) {
            drop(token.sent());
        }
    }
}
