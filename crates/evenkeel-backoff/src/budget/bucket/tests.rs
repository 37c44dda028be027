use core::time::Duration;

use evenkeel_error::Moment;
use proptest::prelude::*;

use super::super::{Floor, RetryBudget};
use super::Bucket;

/// Thousandths of a token in a token.
const TOKEN: u32 = 1_000;

/// How long the call rate is measured over, and how much of it the cap follows.
const RATE_SPAN: Duration = Duration::from_nanos(1 << 33);
const CAP_FOLLOWS: Duration = Duration::from_secs(2);

/// The law in its plainest form: one thread, a level in thousandths, no tricks.
#[derive(Clone, Debug)]
struct Ledger {
    /// Thousandths of a token.
    level: u32,
    /// How long the floor takes to bring one token.
    interval: Duration,
    floor: Floor,
    /// Up to when the floor has been paid out.
    paid: Moment,
    rate: Rate,
}

/// Calls seen in this span and in the one before.
#[derive(Clone, Debug, Default)]
struct Rate {
    span: u64,
    calls: u32,
    before: u32,
}

impl Ledger {
    fn new(interval: Duration) -> Self {
        Self {
            level: RetryBudget::CAP * TOKEN,
            interval,
            floor: Floor::Running,
            paid: Moment::ORIGIN,
            rate: Rate::default(),
        }
    }

    fn withdraw(&mut self, now: Moment) -> Result<(), Moment> {
        self.pay_floor(now);
        if let Some(rest) = self.level.checked_sub(TOKEN) {
            self.level = rest;
            return Ok(());
        }
        match self.floor {
            Floor::Paused => Err(Moment::MAX),
            Floor::Running => {
                let missing = u128::from(TOKEN.saturating_sub(self.level));
                let nanos = self
                    .interval_nanos()
                    .saturating_mul(missing)
                    .div_ceil(TOKEN.into());
                Err(self.paid + nanos_to_duration(nanos))
            }
        }
    }

    fn earn(&mut self, now: Moment) {
        self.pay_floor(now);
        self.rate.count(now);
        self.add(RetryBudget::EARNED);
    }

    fn put_back(&mut self) {
        self.add(TOKEN);
    }

    fn set_floor(&mut self, floor: Floor, now: Moment) {
        self.pay_floor(now);
        self.floor = floor;
        self.paid = self.paid.max(now);
    }

    fn tokens(&mut self, now: Moment) -> u32 {
        self.pay_floor(now);
        self.level / TOKEN
    }

    fn add(&mut self, amount: u32) {
        self.level = self.level.saturating_add(amount).min(self.cap());
    }

    fn cap(&self) -> u32 {
        let calls = self.rate.calls.max(self.rate.before);
        let follows = u128::from(calls) * CAP_FOLLOWS.as_nanos() / RATE_SPAN.as_nanos();
        let follows = u32::try_from(follows).unwrap_or(u32::MAX);
        follows.clamp(RetryBudget::CAP, RetryBudget::MAX_CAP) * TOKEN
    }

    /// Pays out what the floor has brought since it was last asked, in whole thousandths, so that
    /// asking often does not round it away.
    fn pay_floor(&mut self, now: Moment) {
        if self.floor == Floor::Paused {
            return;
        }
        if self.level >= self.cap() {
            // A full budget collects nothing for later.
            self.paid = self.paid.max(now);
            return;
        }
        let interval = self.interval_nanos();
        let due = now.since(self.paid).as_nanos().saturating_mul(TOKEN.into()) / interval;
        if due > 0 {
            self.paid =
                self.paid + nanos_to_duration(due.saturating_mul(interval) / u128::from(TOKEN));
            self.add(u32::try_from(due).unwrap_or(u32::MAX));
        }
    }

    fn interval_nanos(&self) -> u128 {
        self.interval.as_nanos().max(1)
    }
}

fn nanos_to_duration(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl Rate {
    fn count(&mut self, now: Moment) {
        let span =
            u64::try_from(u128::from(now.as_nanos()) / RATE_SPAN.as_nanos()).unwrap_or(u64::MAX);
        if span == self.span.saturating_add(1) {
            self.before = self.calls;
            self.calls = 0;
        } else if span > self.span {
            self.before = 0;
            self.calls = 0;
        }
        self.span = self.span.max(span);
        self.calls = self.calls.saturating_add(1);
    }
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

fn full() -> Bucket {
    Bucket::new(RetryBudget::CAP, RetryBudget::EARNED, RetryBudget::FLOOR)
}

fn drained() -> Bucket {
    let bucket = full();
    while bucket.withdraw(at(0)).is_ok() {}
    bucket
}

#[test]
fn ten_first_time_successes_earn_one_retry() {
    let bucket = drained();
    for _ in 0..9 {
        bucket.earn(at(0));
    }
    assert_eq!(bucket.tokens(at(0)), 0);
    bucket.earn(at(0));
    assert_eq!(bucket.tokens(at(0)), 1);
}

#[test]
fn the_floor_brings_one_token_in_twenty_seconds() {
    let bucket = drained();
    assert_eq!(bucket.tokens(at(19)), 0);
    assert_eq!(bucket.tokens(at(20)), 1);
    assert_eq!(bucket.tokens(at(10_000)), RetryBudget::CAP);
}

#[test]
fn asking_often_does_not_round_the_floor_away() {
    let bucket = drained();
    for second in 0..=40 {
        let _ = bucket.tokens(at(second));
    }
    assert_eq!(bucket.tokens(at(40)), 2);
}

#[test]
fn the_cap_follows_the_call_rate_up_to_a_hundred() {
    let bucket = full();
    for _ in 0..100_000 {
        bucket.earn(at(5));
    }
    assert_eq!(bucket.tokens(at(5)), RetryBudget::MAX_CAP);
    bucket.earn(at(100));
    assert_eq!(bucket.tokens(at(100)), RetryBudget::CAP);
}

#[test]
fn a_hundred_thousand_calls_of_one_span_all_earn_while_the_bucket_is_not_full() {
    let bucket = Bucket::new(100, 1, RetryBudget::FLOOR);
    while bucket.withdraw(at(0)).is_ok() {}
    for _ in 0..99_500 {
        bucket.earn(at(0));
    }
    assert_eq!(bucket.tokens(at(0)), 99);
}

#[test]
fn an_empty_bucket_says_when_the_next_token_comes() {
    let bucket = drained();
    bucket.earn(at(0));
    assert_eq!(bucket.withdraw(at(0)), Err(at(18)));
    assert_eq!(bucket.withdraw(at(17)), Err(at(18)));
    assert_eq!(bucket.withdraw(at(18)), Ok(()));
}

#[test]
fn the_end_of_time_neither_overflows_nor_grants_for_ever() {
    let bucket = full();
    for _ in 0..1_000 {
        bucket.earn(Moment::MAX);
        let _ = bucket.withdraw(Moment::MAX);
        bucket.put_back();
    }
    assert!(bucket.tokens(Moment::MAX) <= RetryBudget::MAX_CAP);
}

#[test]
fn thousands_of_tokens_of_the_slowest_floor_may_come_back_at_once() {
    // A whole token for each success, and a month for each of the floor's.
    let bucket = Bucket::new(100, 1_000, Duration::from_secs(30 * 86_400));
    let mut outstanding = 0;
    while outstanding < 5_000 {
        match bucket.withdraw(at(0)) {
            Ok(()) => outstanding += 1,
            Err(_) => bucket.earn(at(0)),
        }
    }
    for floor in [Floor::Running, Floor::Paused] {
        bucket.set_floor(floor, at(0));
        (0..outstanding).for_each(|_| bucket.put_back());
        assert_eq!(bucket.tokens(at(0)), 100);
        let granted = (0..1_000).filter(|_| bucket.withdraw(at(0)).is_ok());
        assert_eq!(granted.count(), 100, "{floor:?}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Earn(u8),
    Withdraw,
    PutBack,
    Pause,
    Run,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..200_u8).prop_map(Step::Earn),
        4 => Just(Step::Withdraw),
        1 => Just(Step::PutBack),
        1 => Just(Step::Pause),
        1 => Just(Step::Run),
    ]
}

/// Whether a full bucket that is asked for a token or given a deposit at these seconds grants no more than it
/// had, was given, and was brought by the time that has passed.
fn obeys_the_law(steps: impl IntoIterator<Item = (u8, u64)>) -> bool {
    let bucket = full();
    let (mut latest, mut earned, mut retries) = (0, 0_u64, 0_u64);
    for (action, now) in steps {
        latest = now.max(latest);
        match action {
            0 => {
                bucket.earn(at(now));
                earned += 1;
            }
            _ => retries += u64::from(bucket.withdraw(at(now)).is_ok()),
        }
    }
    retries * 1_000 <= 10_000 + earned * 100 + (latest / 20 + 1) * 1_000
}

proptest! {
    #[test]
    fn the_bucket_follows_the_law_to_the_token(
        steps in proptest::collection::vec((any_step(), 0..30_u64), 0..200),
    ) {
        let (bucket, mut ledger) = (full(), Ledger::new(RetryBudget::FLOOR));
        let mut now = 0;
        for (step, seconds) in steps {
            now += seconds;
            match step {
                Step::Earn(times) => for _ in 0..times {
                    bucket.earn(at(now));
                    ledger.earn(at(now));
                },
                Step::Withdraw => {
                    prop_assert_eq!(bucket.withdraw(at(now)), ledger.withdraw(at(now)));
                }
                Step::PutBack => {
                    // As a token does: given back to a bucket it was taken from.
                    if bucket.withdraw(at(now)).is_ok() {
                        bucket.put_back();
                        ledger.withdraw(at(now)).unwrap();
                        ledger.put_back();
                    }
                }
                Step::Pause => {
                    bucket.set_floor(Floor::Paused, at(now));
                    ledger.set_floor(Floor::Paused, at(now));
                }
                Step::Run => {
                    bucket.set_floor(Floor::Running, at(now));
                    ledger.set_floor(Floor::Running, at(now));
                }
            }
            prop_assert_eq!(bucket.tokens(at(now)), ledger.tokens(at(now)));
        }
    }

    #[test]
    fn retries_never_exceed_what_the_law_allows(
        steps in proptest::collection::vec((0..4_u8, 0..30_u64), 0..200),
    ) {
        let mut now = 0;
        let steps = steps.into_iter().map(|(action, seconds)| {
            now += seconds;
            (action, now)
        });
        prop_assert!(obeys_the_law(steps));
    }

    #[test]
    fn retries_never_exceed_what_the_law_allows_by_a_clock_that_runs_to_and_fro(
        steps in proptest::collection::vec((0..4_u8, 0..300_u64), 0..400),
    ) {
        prop_assert!(obeys_the_law(steps));
    }
}
