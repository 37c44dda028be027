use core::time::Duration;

use evenkeel_error::Moment;

use super::account::{Account, ORIGIN, State, cap, deposit_of, has_room, moment, tick, ticks};
use super::calls::{Calls, Passed};
use super::{Floor, RetryBudget};
use crate::nanos;
use crate::sync::{AtomicU64, Ordering};

/// Ticks up to here are far too many tokens of even the slowest floor. What is left before the beginning
/// of time are five hundred, for threads that all saw a later tick.
const EARLY: u64 = ORIGIN / 2;

/// A bucket of tokens that successes and time fill and retries empty.
///
/// Levels are counted in the time that the floor takes to bring them.
///
/// What a deposit only reads lies apart from what it writes, so that two threads that deposit pass one
/// line to and fro and no more.
///
/// The account is one word: what threads have to agree on is the order of its changes alone, which an
/// atomic has at any ordering. What stands beside it may lag behind: it only moves the cap, or sends a
/// deposit the long way. One thing must not be lost: that a bucket which was called full is so no
/// longer. Whoever fills it says so before, whoever empties it takes that back afterwards, and the
/// compare-and-swaps of both release and acquire, so that the one comes after the other. All else is
/// relaxed.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Bucket {
    /// Nanoseconds of the moment up to which the bucket is full and nothing need be counted; zero: it is
    /// not.
    full_until: AtomicU64,
    /// Nanoseconds of the moment up to which no call need be counted; the cap is then at its largest.
    settled_until: AtomicU64,
    /// The same where the numbers are the default ones, else zero.
    known_until: AtomicU64,
    /// The least cap, in tokens.
    cap: u64,
    /// Ticks' worth of one token.
    token: u64,
    /// Ticks' worth of a call that succeeded at once; never more than a token's.
    earned: u64,
    numbers: Numbers,
    written: Written,
}

/// What `token` and `earned` are. An operand that is loaded has a locked operation wait for it, two
/// nanoseconds of eight; one that stands in the code has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    /// [`TOKEN`] and [`EARNED`].
    Default,
    Other,
}

/// Ticks' worth of one token, where the floor takes as long as by default.
const TOKEN: u64 = token(RetryBudget::FLOOR);

/// Ticks' worth of what is earned by default.
const EARNED: u64 = earned(TOKEN, RetryBudget::EARNED);

/// A multiple of ten, so that ten tenths are a whole; at most 52 days, so that a hundred tokens are a
/// tenth of what lies before the origin.
const fn token(floor: Duration) -> u64 {
    let tenth = ticks(nanos::of(floor)) / 10;
    10 * match tenth {
        0 => 1,
        tenth if tenth > ORIGIN / 10_000 => ORIGIN / 10_000,
        tenth => tenth,
    }
}

const fn earned(token: u64, thousandths: u32) -> u64 {
    token / 10 * thousandths as u64 / 100
}

/// Ticks' worth up to which a deposit does not meet the cap.
const fn room(cap: u64, token: u64, earned: u64) -> u64 {
    cap * token - earned
}

const MAX_CAP: u64 = RetryBudget::MAX_CAP as u64;

#[derive(Debug)]
#[repr(align(128))]
struct Written {
    account: AtomicU64,
    calls: Calls,
}

impl Bucket {
    /// Full. `cap` is 1 to a hundred, `earned` in thousandths.
    pub(super) fn new(cap: u32, earned: u32, floor: Duration) -> Self {
        let (cap, token) = (u64::from(cap), token(floor));
        let earned = self::earned(token, earned);
        let numbers = match (token, earned) {
            (TOKEN, EARNED) => Numbers::Default,
            _ => Numbers::Other,
        };
        let start = Account {
            cap,
            state: State::Running,
            tick: 0,
        };
        Self {
            full_until: AtomicU64::new(0),
            settled_until: AtomicU64::new(0),
            known_until: AtomicU64::new(0),
            cap,
            token,
            earned,
            numbers,
            written: Written {
                account: AtomicU64::new(start.pack()),
                calls: Calls::default(),
            },
        }
    }

    pub(super) fn withdraw(&self, now: Moment) -> Result<(), Moment> {
        let now = tick(now);
        let before = self.update(|account| {
            let level = self.level(account, now);
            match (level.checked_sub(self.token), account.state) {
                (Some(left), _) => Ok(account.at(left, now)),
                (None, State::Held) => Err(Moment::MAX),
                (None, _) => Err(moment(now + (self.token - level))),
            }
        })?;
        self.no_longer(before.state);
        Ok(())
    }

    #[inline]
    pub(super) fn earn(&self, now: Moment) {
        if now.as_nanos() < self.full_until.load(Ordering::Relaxed) {
            return;
        }
        if now.as_nanos() >= self.known_until.load(Ordering::Relaxed) {
            return self.earn_otherwise(now);
        }
        if !has_room(self.deposit(EARNED), room(MAX_CAP, TOKEN, EARNED), now) {
            self.deposit_by_the_book(now, Passed::Counted);
        }
    }

    /// One subtraction, which no other thread can fail; what the account was before. It is not read before
    /// it is written: a load of what others write costs as much as the write. What the write finds says
    /// whether the level must be cut.
    #[inline]
    fn deposit(&self, earned: u64) -> u64 {
        let account = &self.written.account;
        account.fetch_sub(deposit_of(earned), Ordering::Relaxed)
    }

    #[inline(never)]
    fn earn_otherwise(&self, now: Moment) {
        let settled = now.as_nanos() < self.settled_until.load(Ordering::Relaxed);
        let passed = if settled {
            Passed::Counted
        } else {
            self.written.calls.pass(now)
        };
        if passed == Passed::Counted {
            let word = self.deposit(self.earned);
            // The cap is 1 or more, and what is earned a token or less.
            if has_room(word, room(cap(word), self.token, self.earned), now) {
                return;
            }
        }
        self.deposit_by_the_book(now, passed);
    }

    /// A deposit that meets the cap, a change of the cap, a new span or a paused floor. One that was
    /// counted in passing is booked; what is left to do is to cut the level.
    #[inline(never)]
    fn deposit_by_the_book(&self, now: Moment, passed: Passed) {
        let counted = self.written.calls.count(now, passed);
        let (cap, settled_until) = (counted.cap().max(self.cap), counted.settled_until());
        let (most, now) = (cap * self.token, tick(now));
        let earned = match passed {
            Passed::Counted => 0,
            Passed::Stopped => self.earned,
        };
        let mut said = false;
        let full = loop {
            let word = self.written.account.load(Ordering::Relaxed);
            let before = Account::unpack(word);
            // Under the cap so far: a full budget collects nothing for later.
            let level = self.level(before, now).saturating_add(earned);
            let full = level >= most && before.state != State::Held;
            let next = match settled_until.filter(|_| full) {
                Some(until) => {
                    // Before it is so: whoever empties the bucket takes this back afterwards.
                    self.full_until.store(until.as_nanos(), Ordering::Relaxed);
                    said = true;
                    Account {
                        cap,
                        state: State::Full,
                        tick: tick(until),
                    }
                }
                // Nothing to write for a bucket that was full and stays so.
                None if full && before.is_over(most, now) => Account { cap, ..before },
                None => Account {
                    cap,
                    state: before.state.not_full(),
                    tick: (self.tick_of_zero(before, now) - earned).max(before.from(now) - most),
                },
            };
            // What was said is ordered by a write, even of what stands there.
            let done = !said && next == before;
            if done || self.swap(word, next.pack()).is_ok() {
                if next.state != State::Full && (said || before.state == State::Full) {
                    self.full_until.store(0, Ordering::Relaxed);
                }
                break full;
            }
        };
        if full {
            self.written.calls.fill(counted);
        } else {
            self.written.calls.arm(counted, self.cap);
        }
        if let Some(until) = settled_until {
            let until = until.as_nanos();
            self.settled_until.store(until, Ordering::Relaxed);
            if self.numbers == Numbers::Default {
                self.known_until.store(until, Ordering::Relaxed);
            }
        }
    }

    /// Without knowing the time: a level above the cap is cut when it is next looked at.
    pub(super) fn put_back(&self) {
        let account = Account::unpack(self.written.account.load(Ordering::Relaxed));
        if account.state == State::Full {
            return;
        }
        if account.tick > EARLY {
            self.written
                .account
                .fetch_sub(deposit_of(self.token), Ordering::Relaxed);
        } else {
            self.put_back_what_fits();
        }
    }

    /// No further than to where the bucket would have been full at the origin, and thereby at any
    /// time: however many tokens come back unseen by any deposit or withdrawal, the tick stays clear
    /// of the beginning of time, where it would borrow from the state.
    #[cold]
    fn put_back_what_fits(&self) {
        let done: Result<_, ()> = self.update(|account| {
            let full = ORIGIN - account.cap * self.token;
            let tick = account.tick.saturating_sub(self.token).max(full);
            Ok(match account.state {
                State::Running | State::Held if tick < account.tick => Account { tick, ..account },
                _ => account,
            })
        });
        let _ = done;
    }

    pub(super) fn set_floor(&self, floor: Floor, now: Moment) {
        let now = tick(now);
        let done: Result<_, ()> = self.update(|account| {
            let state = match (floor, account.state) {
                (Floor::Paused, State::Running | State::Full) => State::Held,
                (Floor::Running, State::Held) => State::Running,
                _ => return Ok(account),
            };
            let after = Account { state, ..account };
            let tick_of_zero = self.tick_of_zero(account, now);
            let tick = tick_of_zero + after.from(now) - account.from(now);
            Ok(Account { tick, ..after })
        });
        if let (Ok(before), Floor::Paused) = (done, floor) {
            self.no_longer(before.state);
        }
    }

    pub(super) fn tokens(&self, now: Moment) -> u32 {
        let account = Account::unpack(self.written.account.load(Ordering::Relaxed));
        let tokens = self.level(account, tick(now)) / self.token;
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    /// The level in ticks' worth.
    fn level(&self, account: Account, now: u64) -> u64 {
        let most = account.cap * self.token;
        match account.state {
            State::Running => now.saturating_sub(account.tick).min(most),
            State::Held => ORIGIN.saturating_sub(account.tick).min(most),
            State::Full => most,
        }
    }

    /// The tick at which the level would have been zero; to come where a moment has been overtaken.
    fn tick_of_zero(&self, account: Account, now: u64) -> u64 {
        let full = account.from(now) - account.cap * self.token;
        match account.state {
            State::Running | State::Held => account.tick.max(full),
            State::Full => full,
        }
    }

    /// The account was in this state and has been changed.
    fn no_longer(&self, state: State) {
        if state == State::Full {
            self.full_until.store(0, Ordering::Relaxed);
        }
    }

    /// Books one change, again if another thread came between; what the account was before.
    fn update<E>(&self, change: impl Fn(Account) -> Result<Account, E>) -> Result<Account, E> {
        let mut word = self.written.account.load(Ordering::Relaxed);
        loop {
            let before = Account::unpack(word);
            let next = change(before)?.pack();
            if next == word {
                return Ok(before);
            }
            match self.swap(word, next) {
                Ok(_) => return Ok(before),
                Err(actual) => word = actual,
            }
        }
    }

    fn swap(&self, word: u64, next: u64) -> Result<u64, u64> {
        let account = &self.written.account;
        account.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed)
    }
}

impl Account {
    /// What the tick is compared with.
    const fn from(self, now: u64) -> u64 {
        match self.state {
            State::Held => ORIGIN,
            State::Running | State::Full => now,
        }
    }

    /// Whether it grows by itself and is at this level or above it.
    const fn is_over(self, most: u64, now: u64) -> bool {
        matches!(self.state, State::Running) && now.saturating_sub(self.tick) >= most
    }

    /// The same account at this level.
    const fn at(self, level: u64, now: u64) -> Self {
        Self {
            state: self.state.not_full(),
            tick: self.from(now).saturating_sub(level),
            ..self
        }
    }
}

impl State {
    const fn not_full(self) -> Self {
        match self {
            Self::Held => Self::Held,
            Self::Running | Self::Full => Self::Running,
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, loom))]
mod orders;
