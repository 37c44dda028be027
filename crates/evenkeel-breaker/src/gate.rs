use evenkeel_error::ErrorKind;

use crate::course::Entrance;

/// What every call finds, in one word: two bits for which [`Entrance`], six for the fault, the rest
/// for the generation. One load decides about a call, and equality says that nothing has changed.
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

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const BYPASSED: u64 = 2;
const GUARDED: u64 = 3;
const TAG_BITS: u32 = 2;
const FAULT_BITS: u32 = 6;

impl Gate {
    /// Whoever finds it must look under the lock.
    pub(crate) const GUARDED: Self = Self { word: GUARDED };

    pub(crate) fn of(entrance: Entrance) -> Self {
        let word = match entrance {
            Entrance::Closed(generation) => return Self::closed(generation),
            Entrance::Open {
                generation, fault, ..
            } => match bits(fault) {
                Some(fault) => generation << (TAG_BITS + FAULT_BITS) | fault << TAG_BITS | OPEN,
                None => GUARDED,
            },
            Entrance::Bypassed => BYPASSED,
            Entrance::Guarded => GUARDED,
        };
        Self { word }
    }

    #[inline]
    pub(crate) const fn closed(generation: u64) -> Self {
        Self {
            word: generation << (TAG_BITS + FAULT_BITS) | CLOSED,
        }
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

    #[cfg(test)]
    const fn generation(self) -> u64 {
        self.word >> (TAG_BITS + FAULT_BITS)
    }

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
            let gate = Gate::of(Entrance::Open {
                generation,
                until,
                fault,
            });
            assert_eq!(
                (gate.tag(), gate.generation(), gate.fault()),
                (Tag::Open, generation, Some(fault))
            );
        }
        let gate = Gate::of(Entrance::Closed(1));
        assert!(gate == Gate::closed(1) && gate != Gate::closed(2));
        assert_eq!(Gate::of(Entrance::Bypassed).tag(), Tag::Bypassed);
        assert_eq!(Gate::of(Entrance::Guarded).tag(), Tag::Guarded);
    }
}
