use core::fmt;

use evenkeel_error::{ErrorKind, Moment};

use crate::State;
use crate::gate::Gate;

/// The answer to "may this call begin?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// It may. Its verdict is recorded with this ticket, once.
    Admitted(Ticket),
    /// It may not; nothing was taken.
    Rejected(Rejection),
    /// It may, only because the breaker merely observes: switched on, it would have refused.
    Overruled(Ticket, Rejection),
}

/// Connects a verdict with the moment at which its call was let in.
///
/// A ticket carries a generation number. Every opening, every probe and every step of the slow
/// start begins a new generation, so the verdict of a call from before cannot decide about now.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct Ticket {
    /// The generation; in the two lowest of the eight bits below it, whether the call holds a place and
    /// whether its answer began. That of a call which found the gate clear looks exactly like the gate.
    stamp: u64,
    /// When the call was let in. [`Moment::MAX`] where it does not matter any more: no time has
    /// passed since.
    pub(crate) begun: Moment,
}

const GENERATION: u32 = 8;
const HELD: u64 = 1;
const ANSWERING: u64 = 2;

impl Ticket {
    /// Of no generation: its verdict counts for nothing.
    pub(crate) const UNCOUNTED: Self = Self::placeless(0, Moment::MAX);

    /// For a call among any number of others.
    #[inline]
    pub(crate) const fn placeless(generation: u64, begun: Moment) -> Self {
        Self {
            stamp: generation << GENERATION,
            begun,
        }
    }

    /// For a call that takes one of few places.
    pub(crate) const fn placed(generation: u64, begun: Moment) -> Self {
        Self {
            stamp: generation << GENERATION | HELD,
            begun,
        }
    }

    /// For a call that found a closed gate which does not ask how long it takes.
    #[inline]
    pub(crate) const fn of_gate(gate: Gate) -> Self {
        Self {
            stamp: gate.word(),
            begun: Moment::MAX,
        }
    }

    /// For the rest of a call whose answer began: however long it takes, it is not slow.
    #[inline]
    pub(crate) const fn of_answering(generation: u64) -> Self {
        Self {
            stamp: generation << GENERATION | ANSWERING,
            begun: Moment::MAX,
        }
    }

    /// The same call without the place that it gave back.
    pub(crate) const fn without_place(self) -> Self {
        Self {
            stamp: self.stamp & !HELD,
            begun: self.begun,
        }
    }

    /// The same call, from its first content on. It holds no place any more.
    #[inline]
    pub(crate) const fn answering(self) -> Self {
        Self::of_answering(self.generation())
    }

    #[inline]
    pub(crate) const fn generation(self) -> u64 {
        self.stamp >> GENERATION
    }

    /// Whether no breaker counts its verdict.
    #[inline]
    pub(crate) const fn is_uncounted(self) -> bool {
        self.generation() == 0
    }

    /// Whether its answer began, which was its first verdict.
    pub(crate) const fn is_answering(self) -> bool {
        self.stamp & ANSWERING != 0
    }

    /// Whether a neutral verdict must give a place back.
    #[inline]
    pub(crate) const fn holds_place(self) -> bool {
        self.stamp & HELD != 0
    }

    /// Whether this is the very gate that let the call in.
    #[inline]
    pub(crate) fn is_of(self, gate: Gate) -> bool {
        self.stamp == gate.word()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("generation", &self.generation())
            .field("holds_place", &self.holds_place())
            .field("is_answering", &self.is_answering())
            .finish_non_exhaustive()
    }
}

/// Why a call was refused, and when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Rejection {
    pub(crate) retry_at: Moment,
    pub(crate) fault: Option<ErrorKind>,
    pub(crate) state: State,
}

impl Rejection {
    /// When to ask again. While open, earlier is known to be useless; while a probe is out it is the
    /// latest moment that makes sense, since most probes are heard of before. At that time it is no
    /// promise: one of many may be let in.
    ///
    /// While open or half-open, all who ask in one moment are told the same one: whoever lets
    /// calls wait for it adds jitter, as retry policies do. The slow start spreads them itself.
    #[must_use]
    pub const fn retry_at(&self) -> Moment {
        self.retry_at
    }

    /// The failure that opened the circuit; `None` only in
    /// [`Mode::ForcedOpen`](crate::Mode::ForcedOpen), where none did.
    #[must_use]
    pub const fn fault(&self) -> Option<ErrorKind> {
        self.fault
    }

    /// What the call met: any state but [`State::Closed`].
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }
}
