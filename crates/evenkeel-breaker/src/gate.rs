use evenkeel_error::ErrorKind;

use crate::Window;
use crate::config::Settings;
use crate::course::Entrance;

/// What every call finds, in one word: two bits for which [`Entrance`], six for what belongs to it, the
/// rest for the generation. One load decides about a call, and equality says that nothing has changed.
///
/// Of an open circuit the six bits are the fault; of a closed one, what a success has to count, and
/// whether there was a failure since the last success.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gate {
    word: u64,
}

/// What the two bits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Closed,
    Open,
    Bypassed,
    Guarded,
}

/// What a success has to do while the circuit is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Nothing: failures in a row are the only rule.
    Nothing,
    /// To be counted in a window of calls.
    Calls,
    /// To be counted in a window of time.
    Time,
    /// To be found in time first: slow calls are a rule.
    Watched,
}

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const BYPASSED: u64 = 2;
const GUARDED: u64 = 3;
const TAG_BITS: u32 = 2;

const TROUBLED: u64 = 1 << 2;
const CALLS: u64 = 1 << 3;
const TIME: u64 = 1 << 4;
const WATCHED: u64 = 1 << 5;

const FAULT_BITS: u32 = 6;
/// The generation begins above these.
const LOW_BITS: u32 = TAG_BITS + FAULT_BITS;

impl Duty {
    pub(crate) const fn of(settings: &Settings) -> Self {
        match settings.window {
            _ if !settings.counts_in_window() => Self::Nothing,
            _ if settings.slow_ratio.is_some() => Self::Watched,
            Window::Calls(_) => Self::Calls,
            Window::Time(_) => Self::Time,
        }
    }

    const fn bits(self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Calls => CALLS,
            Self::Time => TIME,
            Self::Watched => WATCHED,
        }
    }
}

impl Gate {
    /// Whoever finds it must look under the lock.
    pub(crate) const GUARDED: Self = Self { word: GUARDED };

    /// Without trouble, if it is closed.
    pub(crate) fn of(entrance: Entrance, duty: Duty) -> Self {
        let word = match entrance {
            Entrance::Closed(generation) => generation << LOW_BITS | duty.bits() | CLOSED,
            Entrance::Open {
                generation, fault, ..
            } => match bits(fault) {
                Some(fault) => generation << LOW_BITS | fault << TAG_BITS | OPEN,
                None => GUARDED,
            },
            Entrance::Bypassed => BYPASSED,
            Entrance::Guarded => GUARDED,
        };
        Self { word }
    }

    #[inline]
    pub(crate) const fn from_word(word: u64) -> Self {
        Self { word }
    }

    #[inline]
    pub(crate) const fn word(self) -> u64 {
        self.word
    }

    #[inline]
    pub(crate) const fn tag(self) -> Tag {
        match self.word & GUARDED {
            CLOSED => Tag::Closed,
            OPEN => Tag::Open,
            BYPASSED => Tag::Bypassed,
            _ => Tag::Guarded,
        }
    }

    /// Whether a call may go in at once, and its success be counted at once: it is closed, nothing has
    /// failed since the last success, and no call has to be timed.
    #[inline]
    pub(crate) const fn is_clear(self) -> bool {
        self.word & (GUARDED | TROUBLED | WATCHED) == CLOSED
    }

    /// Of a closed one.
    #[inline]
    pub(crate) const fn duty(self) -> Duty {
        match self.word {
            word if word & (TIME | CALLS | WATCHED) == 0 => Duty::Nothing,
            word if word & TIME != 0 => Duty::Time,
            word if word & CALLS != 0 => Duty::Calls,
            _ => Duty::Watched,
        }
    }

    /// Whether there was a failure since the last success, of a closed one.
    pub(crate) const fn is_troubled(self) -> bool {
        self.word & TROUBLED != 0
    }

    /// A closed one after a failure.
    pub(crate) const fn troubled(self) -> Self {
        let word = self.word | TROUBLED;
        Self { word }
    }

    /// A closed one after a success.
    pub(crate) const fn calmed(self) -> Self {
        let word = self.word & !TROUBLED;
        Self { word }
    }

    pub(crate) const fn generation(self) -> u64 {
        self.word >> LOW_BITS
    }

    /// Of an open one.
    #[inline]
    pub(crate) fn fault(self) -> Option<ErrorKind> {
        let place = self.word >> TAG_BITS & ((1 << FAULT_BITS) - 1);
        ErrorKind::ALL.get(usize::try_from(place).ok()?).copied()
    }
}

/// The place of a kind among all; `None` for one that has none or does not fit, which only costs
/// speed.
fn bits(fault: ErrorKind) -> Option<u64> {
    let place = ErrorKind::ALL.iter().position(|kind| *kind == fault)?;
    u64::try_from(place)
        .ok()
        .filter(|place| *place < 1 << FAULT_BITS)
}

#[cfg(test)]
mod tests {
    use evenkeel_error::Moment;

    use super::*;

    #[test]
    fn every_fault_and_generation_comes_out_as_it_went_in() {
        for &fault in ErrorKind::ALL {
            let until = Moment::MAX;
            let generation = (1 << 40) + 7;
            let open = Entrance::Open {
                generation,
                until,
                fault,
            };
            let gate = Gate::of(open, Duty::Time);
            assert_eq!(
                (gate.tag(), gate.generation(), gate.fault()),
                (Tag::Open, generation, Some(fault))
            );
            assert!(!gate.is_clear());
        }
        for entrance in [Entrance::Bypassed, Entrance::Guarded] {
            assert!(!Gate::of(entrance, Duty::Nothing).is_clear());
        }
        assert_eq!(
            Gate::of(Entrance::Bypassed, Duty::Time).tag(),
            Tag::Bypassed
        );
        assert_eq!(Gate::of(Entrance::Guarded, Duty::Time).tag(), Tag::Guarded);
    }

    #[test]
    fn a_closed_gate_says_what_a_success_has_to_do_and_whether_one_is_due() {
        for duty in [Duty::Nothing, Duty::Calls, Duty::Time, Duty::Watched] {
            let gate = Gate::of(Entrance::Closed(7), duty);
            assert_eq!((gate.tag(), gate.duty()), (Tag::Closed, duty));
            assert_eq!(gate.generation(), 7);
            assert_eq!(gate.is_clear(), duty != Duty::Watched);
            let troubled = gate.troubled();
            assert_eq!((troubled.tag(), troubled.duty()), (Tag::Closed, duty));
            assert_eq!(troubled.generation(), 7);
            assert!(troubled.is_troubled() && !troubled.is_clear() && !gate.is_troubled());
            assert!(troubled.calmed() == gate && gate.calmed() == gate);
            assert!(gate != Gate::of(Entrance::Closed(8), duty));
        }
    }
}
