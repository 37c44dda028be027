//! The whole of a bucket in one word, so that one atomic operation books a change.
//!
//! ```text
//! 63  62 61                                      7 6       0
//! [state][ tick of 512 ns                         ][ cap    ]
//! ```
//!
//! The word holds no level but the tick at which the level would have been zero: time itself brings
//! the tokens, and nothing has to be written when it does. A withdrawal moves that tick on; a deposit
//! moves it back, in every state alike, so that one subtraction books it whatever another thread has
//! made of the word meanwhile.

use evenkeel_error::Moment;

const CAP_BITS: u32 = 7;
const TICK_BITS: u32 = 55;
/// 512 ns: a second is a whole number of ticks, and 2^55 of them are the whole range of `Moment`.
const NANOS_SHIFT: u32 = 9;

/// The last tick.
const LAST: u64 = (1 << TICK_BITS) - 1;

/// The tick of the origin. A bucket that is full then was empty long before, and threads that all add
/// to a bucket before one of them cuts it back must not meet the beginning of time: there is room for
/// nine hundred tokens of the slowest floor. What is left are 438 years.
pub(super) const ORIGIN: u64 = 1 << (TICK_BITS - 2);

const CAP_MASK: u64 = (1 << CAP_BITS) - 1;
const STATE_MASK: u64 = 3 << (CAP_BITS + TICK_BITS);
/// Above the others, so that one comparison tells a running account with room from all else.
const RUNNING: u64 = STATE_MASK;
const HELD: u64 = 1 << (CAP_BITS + TICK_BITS);
const FULL: u64 = 0;

/// A bucket's word, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// Whole tokens, at most 127.
    pub(super) cap: u64,
    pub(super) state: State,
    pub(super) tick: u64,
}

/// What the tick says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The level was zero then, and grows with time.
    Running,
    /// The level was zero so long before the origin, and stands still.
    Held,
    /// The level is at the cap, and until then neither deposits nor calls need counting.
    Full,
}

impl Account {
    pub(super) const fn pack(self) -> u64 {
        let state = match self.state {
            State::Running => RUNNING,
            State::Held => HELD,
            State::Full => FULL,
        };
        let tick = if self.tick > LAST { LAST } else { self.tick };
        state | (tick << CAP_BITS) | self.cap
    }

    #[inline]
    pub(super) const fn unpack(word: u64) -> Self {
        Self {
            cap: word & CAP_MASK,
            state: match word & STATE_MASK {
                RUNNING => State::Running,
                FULL => State::Full,
                _ => State::Held,
            },
            tick: (word & !STATE_MASK) >> CAP_BITS,
        }
    }
}

/// What to subtract from a word so that so many ticks' worth are added to its level.
#[inline]
pub(super) const fn deposit_of(ticks: u64) -> u64 {
    ticks << CAP_BITS
}

/// The cap of a word in whole tokens.
#[inline]
pub(super) const fn cap(word: u64) -> u64 {
    word & CAP_MASK
}

/// Whether this is the word of a running account whose level at `now` is so many ticks' worth or less.
/// What is done with the word is short: the next locked operation waits for it.
#[inline]
pub(super) const fn has_room(word: u64, ticks_worth: u64, now: Moment) -> bool {
    // One sum, so that what is known of it is added up when it is compiled.
    let least = RUNNING + ((ORIGIN - ticks_worth) << CAP_BITS);
    word >= least.saturating_add(ticks(now.as_nanos()) << CAP_BITS)
}

#[inline]
pub(super) const fn tick(now: Moment) -> u64 {
    let tick = ticks(now.as_nanos()) + ORIGIN;
    if tick > LAST { LAST } else { tick }
}

/// So many nanoseconds in ticks.
#[inline]
pub(super) const fn ticks(nanos: u64) -> u64 {
    nanos >> NANOS_SHIFT
}

/// The first moment at or after this tick.
pub(super) const fn moment(tick: u64) -> Moment {
    if tick >= LAST {
        return Moment::MAX;
    }
    Moment::from_nanos(tick.saturating_sub(ORIGIN) << NANOS_SHIFT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(state in 0..3_u8, ticks in 0..=LAST, cap in 0..128_u64) {
            let state = match state {
                0 => State::Running,
                1 => State::Held,
                _ => State::Full,
            };
            let account = Account { cap, state, tick: ticks };
            prop_assert_eq!(Account::unpack(account.pack()), account);
        }
    }
}
