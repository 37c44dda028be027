use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel_error::Moment;

/// How far apart waiters leave once a limit has lifted: a queue that leaves at once meets the same
/// limit again.
pub(crate) const SPACING: Duration = Duration::from_millis(250);

/// When the calls of one origin and model may leave: a server's hint to one of them holds for all.
///
/// Pure: the present is an argument. Callers reserve a moment, wait for it, and leave; who does not
/// wait gives it back.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Nobody leaves before this.
    opens: Moment,
    /// No waiter has a moment after this one.
    last: Option<Moment>,
    /// Moments before that which were given back.
    freed: BTreeSet<Moment>,
    spacing: Duration,
}

/// What a gate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Leave.
    AtOnce,
    /// Wait until then, then see whether it still holds.
    At(Moment),
    /// The first moment that is free is later than the caller allows. Nothing was reserved; the
    /// gate opens at this moment.
    TooLate(Moment),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comer {
    /// A call that the limit has not met.
    New,
    /// A call that was told to wait, and has.
    Back,
}

impl Gate {
    pub(crate) fn new(spacing: Duration) -> Self {
        Self {
            opens: Moment::ORIGIN,
            last: None,
            freed: BTreeSet::new(),
            spacing,
        }
    }

    /// The server asked somebody to wait until `moment`.
    pub(crate) fn close_until(&mut self, moment: Moment) {
        // Whoever waits for an earlier moment asks again when it comes; who waits for a later one
        // keeps it.
        self.opens = self.opens.max(moment);
    }

    /// When a call may leave that wants to at `now`, and at the latest before `latest`.
    ///
    /// Those who waited leave apart. Newcomers to an open gate leave at once: if they queued as well,
    /// a queue of a busy client would never end.
    pub(crate) fn reserve(&mut self, now: Moment, latest: Option<Moment>, comer: Comer) -> Slot {
        let behind = self
            .last
            .map_or(self.opens, |last| (last + self.spacing).max(self.opens));
        let is_open = now >= self.opens;
        if is_open && (comer == Comer::New || now >= behind) {
            if comer == Comer::Back {
                self.last = Some(now);
            }
            return Slot::AtOnce;
        }
        // What has passed is nobody's any more.
        self.freed = self.freed.split_off(&now.max(self.opens));
        let free = self.freed.first().copied().unwrap_or(behind);
        if latest.is_some_and(|latest| free >= latest) {
            return Slot::TooLate(self.opens);
        }
        if !self.freed.remove(&free) {
            self.last = Some(free);
        }
        Slot::At(free)
    }

    /// The call that had reserved `slot` will not leave then: it is another's.
    pub(crate) fn give_back(&mut self, slot: Moment) {
        self.freed.insert(slot);
        while let Some(last) = self.last
            && self.freed.remove(&last)
        {
            let before = last.since(Moment::ORIGIN).saturating_sub(self.spacing);
            self.last = Some(Moment::ORIGIN + before);
        }
    }

    /// Whether a call that had waited for `slot` may leave now, or the limit was prolonged meanwhile.
    pub(crate) fn may_leave(&self, slot: Moment) -> bool {
        slot >= self.opens
    }

    /// Whether anything would be lost with this gate.
    pub(crate) fn is_open(&self, now: Moment) -> bool {
        now >= self.opens
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn gate() -> Gate {
        Gate::new(SPACING)
    }

    #[test]
    fn an_open_gate_costs_nothing() {
        let mut gate = gate();
        for _ in 0..3 {
            assert_eq!(gate.reserve(at(0), None, Comer::New), Slot::AtOnce);
        }
    }

    #[test]
    fn nobody_leaves_before_the_hint_and_the_waiters_leave_apart() {
        let mut gate = gate();
        gate.close_until(at(1_000));
        let slots = [0, 1, 2].map(|_| gate.reserve(at(10), None, Comer::New));
        assert_eq!(
            slots,
            [1_000, 1_250, 1_500].map(|millis| Slot::At(at(millis)))
        );
        let back = gate.reserve(at(1_100), None, Comer::Back);
        assert_eq!(
            back,
            Slot::At(at(1_750)),
            "who was told to wait is a waiter too"
        );
    }

    #[test]
    fn newcomers_to_an_open_gate_do_not_queue_behind_the_waiters() {
        let mut gate = gate();
        gate.close_until(at(1_000));
        let _ = gate.reserve(at(10), None, Comer::New);
        for millis in 1_000..10_000 {
            assert_eq!(gate.reserve(at(millis), None, Comer::New), Slot::AtOnce);
        }
    }

    #[test]
    fn a_call_that_cannot_wait_takes_nobodys_place() {
        let mut gate = gate();
        gate.close_until(at(1_000));
        for _ in 0..100 {
            let slot = gate.reserve(at(0), Some(at(900)), Comer::New);
            assert_eq!(slot, Slot::TooLate(at(1_000)));
        }
        assert_eq!(
            gate.reserve(at(0), Some(at(1_001)), Comer::New),
            Slot::At(at(1_000))
        );
    }

    #[test]
    fn a_longer_hint_holds_back_those_who_wait_already() {
        let mut gate = gate();
        gate.close_until(at(1_000));
        assert_eq!(gate.reserve(at(0), None, Comer::New), Slot::At(at(1_000)));
        gate.close_until(at(5_000));
        assert!(!gate.may_leave(at(1_000)));
        assert_eq!(
            gate.reserve(at(1_000), None, Comer::New),
            Slot::At(at(5_000))
        );
    }

    #[test]
    fn a_longer_hint_gives_no_moment_to_two() {
        let mut gate = gate();
        gate.close_until(at(20_000));
        let early: Vec<_> = (0..80)
            .map(|_| gate.reserve(at(0), None, Comer::New))
            .collect();
        gate.close_until(at(31_000));
        let mut all = Vec::new();
        for slot in early {
            let Slot::At(slot) = slot else {
                panic!("the gate is closed")
            };
            if gate.may_leave(slot) {
                all.push(slot);
                continue;
            }
            gate.give_back(slot);
            match gate.reserve(slot, None, Comer::New) {
                Slot::At(again) => all.push(again),
                other => panic!("{other:?}"),
            }
        }
        all.sort_unstable();
        assert!(all[0] >= at(31_000) && all.len() == 80);
        assert!(all.windows(2).all(|two| two[1] >= two[0] + SPACING));
    }

    #[test]
    fn a_moment_that_was_given_back_is_the_next_callers_and_an_empty_queue_is_none() {
        let mut gate = gate();
        gate.close_until(at(20_000));
        let given = |slot| match slot {
            Slot::At(slot) => slot,
            other => panic!("{other:?}"),
        };
        let slots: Vec<_> = (0..1_000)
            .map(|_| given(gate.reserve(at(0), None, Comer::New)))
            .collect();
        // One in the middle, and nobody else's.
        gate.give_back(slots[500]);
        assert_eq!(given(gate.reserve(at(1), None, Comer::New)), slots[500]);
        let behind = *slots.last().unwrap() + SPACING;
        assert_eq!(given(gate.reserve(at(1), None, Comer::New)), behind);
        // All of them: who comes then waits for the server alone.
        gate.give_back(behind);
        for slot in slots {
            gate.give_back(slot);
        }
        let first = gate.reserve(at(2), Some(at(20_001)), Comer::New);
        assert_eq!(first, Slot::At(at(20_000)));
        assert!(gate.freed.is_empty(), "nothing is kept of what is over");
    }

    #[test]
    fn a_shorter_hint_does_not_open_the_gate() {
        let mut gate = gate();
        gate.close_until(at(5_000));
        gate.close_until(at(1_000));
        assert_eq!(
            gate.reserve(at(2_000), None, Comer::New),
            Slot::At(at(5_000))
        );
    }

    proptest! {
        #[test]
        fn of_the_moments_that_are_held_no_two_are_nearer_than_the_spacing(
            steps in proptest::collection::vec((0..4_u8, 0..2_000_u64), 0..200),
        ) {
            let mut gate = gate();
            let mut now = 0;
            let mut held = Vec::new();
            for (action, millis) in steps {
                now += millis / 20;
                // Who was held back by a longer hint, or whose moment has come, has gone.
                held.retain(|slot| *slot > at(now) && gate.may_leave(*slot));
                match action {
                    0 => gate.close_until(at(now + millis)),
                    1 if !held.is_empty() => {
                        let place = usize::try_from(millis).unwrap() % held.len();
                        gate.give_back(held.swap_remove(place));
                    }
                    _ => {
                        if let Slot::At(slot) = gate.reserve(at(now), None, Comer::New) {
                            let apart = |other: &Moment| {
                                slot.since(*other).max(other.since(slot)) >= SPACING
                            };
                            prop_assert!(held.iter().all(apart), "{slot:?} in {held:?}");
                            held.push(slot);
                        }
                    }
                }
            }
        }

        #[test]
        fn no_slot_is_before_the_moment_that_the_server_named(
            steps in proptest::collection::vec((0..4_u8, 0..5_000_u64), 0..100),
        ) {
            let mut gate = gate();
            let (mut now, mut named) = (0, 0);
            for (action, millis) in steps {
                if action == 0 {
                    named = named.max(now + millis);
                    gate.close_until(at(now + millis));
                } else {
                    now += millis / 10;
                    let comer = if action == 1 { Comer::New } else { Comer::Back };
                    match gate.reserve(at(now), None, comer) {
                        Slot::AtOnce => prop_assert!(now >= named),
                        Slot::At(slot) if action == 3 => gate.give_back(slot),
                        Slot::At(slot) => prop_assert!(slot >= at(named) && slot >= at(now)),
                        Slot::TooLate(_) => prop_assert!(false, "there was no limit"),
                    }
                }
            }
        }
    }
}
