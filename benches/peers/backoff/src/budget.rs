//! Deposits and withdrawals, alone and by two threads.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evenkeel_backoff::{Ratio, RetryBudget, Withdrawal};
use evenkeel_error::Moment;
use peers_table::{Aim, Row, measure, on_two_threads};

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

pub(crate) fn budget() -> Vec<Row> {
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
