//! The whole of a bucket in one word, so that one compare-and-swap books it.
//!
//! ```text
//! 63  62 61                                      7 6       0
//! [state][ ticks of 512 ns                        ][ cap    ]
//! ```
//!
//! While the floor runs the word holds no level but the moment at which the level would have been
//! zero: time itself brings the tokens, and nothing has to be written when it does. A deposit
//! moves that moment back, a withdrawal moves it on.

use evenkeel_error::Moment;

const CAP_BITS: u32 = 7;
const TICK_BITS: u32 = 55;
/// 512 ns: a second is a whole number of ticks, and 2^55 of them are the whole range of `Moment`.
const NANOS_SHIFT: u32 = 9;

/// The last tick.
pub(super) const LAST: u64 = (1 << TICK_BITS) - 1;

const CAP_MASK: u64 = (1 << CAP_BITS) - 1;
const FULL: u64 = 3 << (CAP_BITS + TICK_BITS);
const PAUSED: u64 = 1 << (CAP_BITS + TICK_BITS);
const STATE_MASK: u64 = FULL;

/// A bucket's word, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// Whole tokens, at most 127.
    pub(super) cap: u64,
    pub(super) level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Growing with time, from zero at this tick of the shifted clock.
    ZeroAt(u64),
    /// Standing still, at so many ticks' worth.
    Held(u64),
    /// At the cap, and the call rate needs no counting before this tick: deposits change nothing.
    FullUntil(u64),
}

impl Account {
    pub(super) const fn pack(self) -> u64 {
        let (state, ticks) = match self.level {
            Level::ZeroAt(tick) => (0, tick),
            Level::Held(ticks) => (PAUSED, ticks),
            Level::FullUntil(tick) => (FULL, tick),
        };
        let ticks = if ticks > LAST { LAST } else { ticks };
        state | (ticks << CAP_BITS) | self.cap
    }

    pub(super) const fn unpack(word: u64) -> Self {
        let ticks = (word & !STATE_MASK) >> CAP_BITS;
        let level = match word & STATE_MASK {
            FULL => Level::FullUntil(ticks),
            PAUSED => Level::Held(ticks),
            _ => Level::ZeroAt(ticks),
        };
        let cap = word & CAP_MASK;
        Self { cap, level }
    }
}

/// Whether a deposit at `now` changes nothing, by one comparison.
#[inline]
pub(super) const fn is_quiet(word: u64, now: Moment) -> bool {
    word > FULL | (tick(now) << CAP_BITS) | CAP_MASK
}

#[inline]
pub(super) const fn tick(now: Moment) -> u64 {
    now.as_nanos() >> NANOS_SHIFT
}

/// The first moment at or after this tick.
pub(super) const fn moment(tick: u64) -> Moment {
    if tick >= LAST {
        return Moment::MAX;
    }
    Moment::from_nanos(tick << NANOS_SHIFT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(state in 0..3_u8, ticks in 0..=LAST, cap in 0..128_u64) {
            let level = match state {
                0 => Level::ZeroAt(ticks),
                1 => Level::Held(ticks),
                _ => Level::FullUntil(ticks),
            };
            let account = Account { cap, level };
            prop_assert_eq!(Account::unpack(account.pack()), account);
        }

        #[test]
        fn only_a_full_bucket_is_quiet_and_only_until_its_tick(word: u64, now: u64) {
            let now = Moment::from_nanos(now);
            let quiet = match Account::unpack(word).level {
                Level::FullUntil(until) => word & STATE_MASK == FULL && tick(now) < until,
                _ => false,
            };
            prop_assert_eq!(is_quiet(word, now), quiet);
        }
    }
}
