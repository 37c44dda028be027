use core::time::Duration;

use evenkeel_error::Moment;

use super::account::{Account, LAST, Level, is_quiet, moment, tick};
use super::calls::Calls;
use super::{Floor, RetryBudget};
use crate::nanos;
use crate::sync::{AtomicU64, Ordering};

/// A bucket of tokens that successes and time fill and retries empty.
///
/// Levels are counted in the time that the floor takes to bring them.
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
    /// Ticks' worth of a call that succeeded at once.
    earned: u64,
}

impl Bucket {
    /// Full. `cap` is 1 to [`RetryBudget::MAX_CAP`], `earned` in thousandths.
    pub(super) fn new(cap: u32, earned: u32, floor: Duration) -> Self {
        // A multiple of ten, so that ten tenths are a whole; not more than the clock's shift can take.
        let tenth = (tick(Moment::from_nanos(nanos::of(floor))) / 10).clamp(1, LAST / 10_000);
        let (cap, token) = (u64::from(cap), tenth * 10);
        let start = Account {
            cap,
            level: Level::ZeroAt(0),
        };
        Self {
            account: AtomicU64::new(start.pack()),
            calls: Calls::default(),
            cap,
            token,
            earned: tenth * u64::from(earned) / 100,
        }
    }

    pub(super) fn withdraw(&self, now: Moment) -> Result<(), Moment> {
        let now = self.shifted(now);
        self.update(|account| {
            let left = match (account.level, self.level(account, now)) {
                (_, level) if level >= self.token => level - self.token,
                (Level::Held(_), _) => return Err(Moment::MAX),
                (_, level) => return Err(self.unshifted(now + (self.token - level))),
            };
            Ok(account.at(left, now))
        })
    }

    #[inline]
    pub(super) fn earn(&self, now: Moment) {
        if !is_quiet(self.account.load(Ordering::Relaxed), now) {
            self.deposit(now);
        }
    }

    fn deposit(&self, now: Moment) {
        let counted = self.calls.count(now);
        let cap = counted.cap.clamp(self.cap, u64::from(RetryBudget::MAX_CAP));
        let now = self.shifted(now);
        let done: Result<(), ()> = self.update(|account| {
            // Under the cap so far: a full budget collects nothing for later.
            let level = self.level(account, now).saturating_add(self.earned);
            let full = level >= cap * self.token;
            let level = level.min(cap * self.token);
            let account = Account { cap, ..account };
            Ok(match (counted.quiet_until, account.level) {
                (Some(until), Level::ZeroAt(_) | Level::FullUntil(_)) if full => Account {
                    cap,
                    level: Level::FullUntil(tick(until)),
                },
                // Nothing to write for a bucket that was full and stays so.
                (_, Level::ZeroAt(zero)) if full && now.saturating_sub(zero) >= level => account,
                _ => account.at(level, now),
            })
        });
        let _ = done;
    }

    pub(super) fn put_back(&self) {
        let done: Result<(), ()> = self.update(|account| {
            // Without knowing the time: a level above the cap is cut when it is next looked at.
            let level = match account.level {
                Level::ZeroAt(zero) => Level::ZeroAt(zero.saturating_sub(self.token)),
                Level::Held(level) => {
                    Level::Held((level + self.token).min(account.cap * self.token))
                }
                full @ Level::FullUntil(_) => full,
            };
            Ok(Account { level, ..account })
        });
        let _ = done;
    }

    pub(super) fn set_floor(&self, floor: Floor, now: Moment) {
        let now = self.shifted(now);
        let done: Result<(), ()> = self.update(|account| {
            let level = match (floor, account.level) {
                (Floor::Paused, Level::ZeroAt(_) | Level::FullUntil(_)) => {
                    Level::Held(self.level(account, now))
                }
                (Floor::Running, Level::Held(level)) => Level::ZeroAt(now.saturating_sub(level)),
                (_, unchanged) => unchanged,
            };
            Ok(Account { level, ..account })
        });
        let _ = done;
    }

    pub(super) fn tokens(&self, now: Moment) -> u32 {
        let account = Account::unpack(self.account.load(Ordering::Acquire));
        let tokens = self.level(account, self.shifted(now)) / self.token;
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    /// The level in ticks' worth.
    fn level(&self, account: Account, now: u64) -> u64 {
        let most = account.cap * self.token;
        match account.level {
            Level::ZeroAt(zero) => now.saturating_sub(zero).min(most),
            Level::Held(level) => level.min(most),
            Level::FullUntil(_) => most,
        }
    }

    /// The present on a clock that starts so late that a full bucket's zero is on it.
    fn shifted(&self, now: Moment) -> u64 {
        tick(now) + self.shift()
    }

    fn unshifted(&self, at: u64) -> Moment {
        moment(at.saturating_sub(self.shift()))
    }

    fn shift(&self) -> u64 {
        self.token * u64::from(RetryBudget::MAX_CAP)
    }

    /// Books one change, again if another thread came between.
    fn update<E>(&self, change: impl Fn(Account) -> Result<Account, E>) -> Result<(), E> {
        let mut word = self.account.load(Ordering::Acquire);
        loop {
            let next = change(Account::unpack(word))?.pack();
            if next == word {
                return Ok(());
            }
            let swapped =
                self.account
                    .compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire);
            match swapped {
                Ok(_) => return Ok(()),
                Err(actual) => word = actual,
            }
        }
    }
}

impl Account {
    /// The same account at this level.
    fn at(self, level: u64, now: u64) -> Self {
        let level = match self.level {
            Level::Held(_) => Level::Held(level),
            _ => Level::ZeroAt(now.saturating_sub(level)),
        };
        Self { level, ..self }
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, loom))]
mod orders;
