//! Deposits and withdrawals, alone and by two threads.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evenkeel_backoff::{Ratio, RetryBudget, Withdrawal};
use evenkeel_error::Moment;
use peers_table::{Aim, Row, contended, contended_prepared, contender, prepared};

const NOW: Moment = Moment::ORIGIN;

/// So many calls of one moment tell a bucket that it need not count them: as in a client of fifty calls a second.
const ENOUGH_CALLS: usize = 500;

/// So many calls of each of two threads does a share count in one window; after twice as many it need not.
const COUNTED_CALLS: u32 = 30_000;

/// Longer than any law remembers a call.
const LATER: Duration = Duration::from_secs(60);

/// So many deposits of two threads are no more than fill an empty budget whose cap has followed that rate.
const UNFILLED: u32 = 450;

/// Other numbers than the default: a hundred thousand deposits do not fill it.
fn slow_budget() -> RetryBudget {
    let slow = RetryBudget::builder()
        .cap(100)
        .earned(Ratio::new(0.001).expect("a ratio"));
    slow.build().expect("a budget")
}

/// A budget, and a moment for the calls of a stretch.
struct At {
    budget: RetryBudget,
    nanos: AtomicU64,
}

impl At {
    fn start(budget: RetryBudget) -> Self {
        let nanos = AtomicU64::new(0);
        Self { budget, nanos }
    }

    /// An atomic, so that the compiler does not know it.
    fn now(&self) -> Moment {
        Moment::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    // As where a client inlines it: a call's own stores would be in the price of the locked operation.
    #[inline(always)]
    fn deposit(&self) {
        self.budget.earn(self.now());
    }

    fn deposits(&self, many: usize) {
        (0..many).for_each(|_| self.deposit());
    }

    fn empty(&self) {
        while let Withdrawal::Granted(token) = self.budget.withdraw(self.now()) {
            drop(token.sent());
        }
    }

    /// The next call begins a window.
    fn pass(&self) {
        self.nanos
            .fetch_add(LATER.as_nanos() as u64, Ordering::Relaxed);
    }
}

/// On a line of its own.
#[repr(align(128))]
struct Line(AtomicU64);

pub(crate) fn budget() -> Vec<Row> {
    use tower::retry::budget::{Budget as _, TpsBudget};

    let rival = TpsBudget::new(Duration::from_secs(10), 10, 0.1);
    let full = At::start(RetryBudget::new());
    full.deposits(ENOUGH_CALLS);
    // Emptied after so many calls of its window that no more need be counted.
    let (filling, slow) = (At::start(RetryBudget::new()), At::start(slow_budget()));
    filling.deposits(ENOUGH_CALLS);
    slow.deposits(ENOUGH_CALLS);
    let share = At::start(RetryBudget::share(Ratio::TENTH).build().expect("a budget"));
    let few = At::start(RetryBudget::new());
    let few_filling = At::start(slow_budget());
    let start_to_fill = || {
        few_filling.empty();
        few_filling.pass();
    };
    // What a deposit has to read before it writes, and what it writes.
    let (read, word) = (Line(AtomicU64::new(1)), Line(AtomicU64::new(0)));
    let (read, word) = (black_box(&read), black_box(&word));
    let load = || full.now().as_nanos() < read.0.load(Ordering::Relaxed);
    let add = || {
        if load() {
            word.0.fetch_add(1, Ordering::Relaxed);
        }
    };
    let pair = || drop(full.budget.withdraw(black_box(NOW)));
    let tower = || vec![("tower TpsBudget", contender(|| rival.deposit()))];
    let tower_on_two = || vec![("tower TpsBudget", contended(|| rival.deposit()))];
    let one_add = || Some(("load, atomic add", contender(add)));
    let two_add = || Some(("the same", contended(add)));
    vec![
        Row::side_by_side(
            "deposit into a full budget",
            contender(|| full.deposit()),
            tower(),
            Some(("load", contender(load))),
            vec![Aim::AtMost(1.0)],
        ),
        Row::on_two_threads(
            "the same, two threads",
            contended(|| full.deposit()),
            tower_on_two(),
            Some(("load", contended(|| _ = black_box(load())))),
            vec![Aim::AtMost(1.0)],
        ),
        Row::side_by_side(
            "deposit into a budget that is not full",
            prepared(|| filling.empty(), || filling.deposit()).at_most(UNFILLED),
            tower(),
            one_add(),
            vec![Aim::AtMost(8.0)],
        ),
        Row::on_two_threads(
            "the same, two threads",
            contended_prepared(|| filling.empty(), || filling.deposit()).at_most(UNFILLED),
            tower_on_two(),
            two_add(),
            vec![Aim::AtMost(30.0)],
        ),
        Row::side_by_side(
            "deposit into a share of calls",
            prepared(|| share.pass(), || share.deposit()).at_most(COUNTED_CALLS),
            tower(),
            one_add(),
            vec![Aim::AtMost(8.0)],
        ),
        Row::on_two_threads(
            "the same, two threads",
            contended_prepared(|| share.pass(), || share.deposit()).at_most(COUNTED_CALLS),
            tower_on_two(),
            two_add(),
            vec![Aim::AtMost(30.0)],
        ),
        Row::side_by_side(
            "extra: deposit into a budget of other numbers, not full",
            prepared(|| slow.empty(), || slow.deposit()).at_most(COUNTED_CALLS),
            tower(),
            one_add(),
            vec![],
        ),
        Row::side_by_side(
            "extra: one of the first 400 deposits of 8.6 s, full budget",
            prepared(|| few.pass(), || few.deposit()).at_most(400),
            tower(),
            None,
            vec![],
        ),
        Row::side_by_side(
            "extra: the same, not full",
            prepared(start_to_fill, || few_filling.deposit()).at_most(400),
            tower(),
            one_add(),
            vec![],
        ),
        Row::side_by_side(
            "extra: withdraw, and give back",
            contender(pair),
            vec![("tower TpsBudget", contender(|| rival.withdraw()))],
            one_add(),
            vec![],
        ),
        Row::on_two_threads(
            "extra: the same, two threads",
            contended(pair),
            vec![("tower TpsBudget", contended(|| _ = rival.withdraw()))],
            two_add(),
            vec![],
        ),
    ]
}
