use core::time::Duration;

use evenkeel_error::Moment;

use super::Floor;
use super::account::{Account, ORIGIN, State, deposit_of, is_quiet, moment, tick, ticks};
use super::calls::Calls;
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
    /// Full. `cap` is 1 to a hundred, `earned` in thousandths.
    pub(super) fn new(cap: u32, earned: u32, floor: Duration) -> Self {
        // A multiple of ten, so that ten tenths are a whole; at most 52 days, so that a hundred
        // tokens are a tenth of what lies before the origin.
        let tenth = (ticks(nanos::of(floor)) / 10).clamp(1, ORIGIN / 10_000);
        let (cap, token) = (u64::from(cap), tenth * 10);
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
            earned: tenth * u64::from(earned) / 100,
        }
    }

    pub(super) fn withdraw(&self, now: Moment) -> Result<(), Moment> {
        let now = tick(now);
        self.update(|account| {
            let level = self.level(account, now);
            match (level.checked_sub(self.token), account.state) {
                (Some(left), _) => Ok(account.at(left, now)),
                (None, State::Held) => Err(Moment::MAX),
                (None, _) => Err(moment(now + (self.token - level))),
            }
        })
    }

    #[inline]
    pub(super) fn earn(&self, now: Moment) {
        let word = self.account.load(Ordering::Relaxed);
        if !is_quiet(word, now) {
            self.deposit(word, now);
        }
    }

    fn deposit(&self, word: u64, now: Moment) {
        let counted = self.calls.count(now);
        let cap = counted.cap().max(self.cap);
        let account = Account::unpack(word);
        let level = tick(now).saturating_sub(account.tick) + self.earned;
        if account.state == State::Running && account.cap == cap && level <= cap * self.token {
            // One operation, which no other thread can fail. What several add past the cap at one
            // time is cut when the level is next looked at.
            self.account
                .fetch_sub(deposit_of(self.earned), Ordering::AcqRel);
        } else {
            self.deposit_at_the_cap(cap, counted.quiet_until(), tick(now));
        }
    }

    #[inline(never)]
    fn deposit_at_the_cap(&self, cap: u64, quiet_until: Option<Moment>, now: u64) {
        let most = cap * self.token;
        let done: Result<(), ()> = self.update(|account| {
            // Under the cap so far: a full budget collects nothing for later.
            let level = self.level(account, now).saturating_add(self.earned);
            let full = level >= most && account.state != State::Held;
            let overfull = now.saturating_sub(account.tick) >= most;
            let account = Account { cap, ..account };
            Ok(match quiet_until {
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
        let _ = done;
    }

    pub(super) fn put_back(&self) {
        let account = Account::unpack(self.account.load(Ordering::Acquire));
        // Without knowing the time: a level above the cap is cut when it is next looked at.
        if account.state != State::Full {
            self.account
                .fetch_sub(deposit_of(self.token), Ordering::AcqRel);
        }
    }

    pub(super) fn set_floor(&self, floor: Floor, now: Moment) {
        let now = tick(now);
        let done: Result<(), ()> = self.update(|account| {
            let state = match (floor, account.state) {
                (Floor::Paused, State::Running | State::Full) => State::Held,
                (Floor::Running, State::Held) => State::Running,
                _ => return Ok(account),
            };
            let level = self.level(account, now);
            Ok(Account { state, ..account }.at(level, now))
        });
        let _ = done;
    }

    pub(super) fn tokens(&self, now: Moment) -> u32 {
        let account = Account::unpack(self.account.load(Ordering::Acquire));
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
