use core::time::Duration;

use evenkeel_error::Moment;

use super::Floor;
use super::account::{
    Account, ORIGIN, State, cap, deposit_of, level_if_running, moment, tick, ticks,
};
use super::calls::{Calls, Passed};
use crate::nanos;
use crate::sync::{AtomicU64, Ordering};

/// Ticks up to here are far too many tokens of even the slowest floor. What is left before the beginning
/// of time are five hundred, for threads that all saw a later tick.
const EARLY: u64 = ORIGIN / 2;

/// A bucket of tokens that successes and time fill and retries empty.
///
/// Levels are counted in the time that the floor takes to bring them.
///
/// The account is one word: what threads have to agree on is the order of its changes alone, which an
/// atomic has at any ordering. The count of the calls beside it may lag behind; it only moves the cap.
/// One thing must not be lost: that a bucket which was called full is so no longer. Whoever fills it says
/// so in the calls' word first, and whoever empties it takes that back afterwards; a compare-and-swap
/// releases and acquires, so that the one comes after the other. All else is relaxed.
#[derive(Debug)]
// On a line of its own: a neighbour that is written to would slow down every deposit.
#[repr(align(64))]
pub(super) struct Bucket {
    account: AtomicU64,
    calls: Calls,
    /// The least cap, in tokens.
    cap: u64,
    /// Ticks' worth of one token.
    token: u64,
    /// Ticks' worth of a call that succeeded at once; never more than a token's.
    earned: u64,
    /// The same, as it is subtracted from the account.
    deposit: u64,
}

impl Bucket {
    /// Full. `cap` is 1 to a hundred, `earned` in thousandths.
    pub(super) fn new(cap: u32, earned: u32, floor: Duration) -> Self {
        // A multiple of ten, so that ten tenths are a whole; at most 52 days, so that a hundred
        // tokens are a tenth of what lies before the origin.
        let tenth = (ticks(nanos::of(floor)) / 10).clamp(1, ORIGIN / 10_000);
        let (cap, token) = (u64::from(cap), tenth * 10);
        let earned = tenth * u64::from(earned) / 100;
        let start = Account {
            cap,
            state: State::Running,
            tick: 0,
        };
        Self {
            account: AtomicU64::new(start.pack()),
            calls: Calls::default(),
            cap,
            token,
            earned,
            deposit: deposit_of(earned),
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

    /// The account is not read before it is written: a load between two locked operations costs as much
    /// as one of them. What the write finds says whether the level must be cut.
    #[inline]
    pub(super) fn earn(&self, now: Moment) {
        let passed = self.calls.pass(now);
        if passed == Passed::Counted {
            // One operation, which no other thread can fail.
            let word = self.account.fetch_sub(self.deposit, Ordering::Relaxed);
            let most = cap(word) * self.token;
            // The cap is 1 or more, and what is earned a token or less.
            if level_if_running(word, now) <= most.wrapping_sub(self.earned) {
                return;
            }
        }
        if passed != Passed::Quiet {
            self.deposit_by_the_book(now, passed);
        }
    }

    /// A deposit that meets the cap, a change of the cap, a new span or a paused floor. One that was
    /// counted in passing is booked; what is left to do is to cut the level.
    #[inline(never)]
    fn deposit_by_the_book(&self, now: Moment, passed: Passed) {
        let counted = self.calls.count(now, passed);
        let (cap, quiet_until) = (counted.cap().max(self.cap), counted.quiet_until());
        let (most, now) = (cap * self.token, tick(now));
        let earned = if passed == Passed::Counted {
            0
        } else {
            self.earned
        };
        // Under the cap so far: a full budget collects nothing for later.
        let level = |account| self.level(account, now).saturating_add(earned);
        let is_full = |account: Account| level(account) >= most && account.state != State::Held;
        // Said before the account is full, so that whoever empties it takes it back afterwards.
        self.calls.fill(counted);
        let before = self.update(|account| {
            let (level, full) = (level(account), is_full(account));
            let overfull = now.saturating_sub(account.tick) >= most;
            let account = Account { cap, ..account };
            Ok::<_, ()>(match quiet_until {
                Some(until) if full => Account {
                    state: State::Full,
                    tick: tick(until),
                    ..account
                },
                // Nothing to write for a bucket that was full and stays so.
                _ if full && overfull && account.state == State::Running => account,
                _ => account.at(level.min(most), now),
            })
        });
        if !before.is_ok_and(is_full) {
            self.calls.arm(counted, self.cap);
        }
    }

    /// Without knowing the time: a level above the cap is cut when it is next looked at.
    pub(super) fn put_back(&self) {
        let account = Account::unpack(self.account.load(Ordering::Relaxed));
        if account.state == State::Full {
            return;
        }
        if account.tick > EARLY {
            self.account
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
            let level = self.level(account, now);
            Ok(Account { state, ..account }.at(level, now))
        });
        if let (Ok(before), Floor::Paused) = (done, floor) {
            self.no_longer(before.state);
        }
    }

    pub(super) fn tokens(&self, now: Moment) -> u32 {
        let account = Account::unpack(self.account.load(Ordering::Relaxed));
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

    /// The account was in this state and has been changed.
    fn no_longer(&self, state: State) {
        if state == State::Full {
            self.calls.wake(self.cap);
        }
    }

    /// Books one change, again if another thread came between; what the account was before.
    fn update<E>(&self, change: impl Fn(Account) -> Result<Account, E>) -> Result<Account, E> {
        let mut word = self.account.load(Ordering::Relaxed);
        loop {
            let before = Account::unpack(word);
            let next = change(before)?.pack();
            if next == word {
                return Ok(before);
            }
            let swapped = self.account.compare_exchange_weak(
                word,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return Ok(before),
                Err(actual) => word = actual,
            }
        }
    }
}

impl Account {
    /// The same account at this level.
    const fn at(self, level: u64, now: u64) -> Self {
        let (state, from) = match self.state {
            State::Held => (State::Held, ORIGIN),
            State::Running | State::Full => (State::Running, now),
        };
        let tick = from.saturating_sub(level);
        Self {
            state,
            tick,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, loom))]
mod orders;
