use std::time::Duration;

use evenkeel_error::Moment;

/// How far apart waiters leave once a limit has lifted: a queue that leaves at once meets the same
/// limit again.
pub(crate) const SPACING: Duration = Duration::from_millis(250);

/// When the calls of one origin and model may leave: a server's hint to one of them holds for all.
///
/// Pure: the present is an argument. Callers reserve a moment, wait for it, and leave.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Nobody leaves before this.
    opens: Moment,
    /// The last moment that was given to a waiter.
    last: Option<Moment>,
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
            spacing,
        }
    }

    /// The server asked somebody to wait until `moment`.
    pub(crate) fn close_until(&mut self, moment: Moment) {
        if moment > self.opens {
            self.opens = moment;
            // Whoever waits for an earlier moment asks again when it comes.
            self.last = None;
        }
    }

    /// When a call may leave that wants to at `now`, and at the latest before `latest`.
    ///
    /// Those who waited leave apart. Newcomers to an open gate leave at once: if they queued as well,
    /// a queue of a busy client would never end.
    pub(crate) fn reserve(&mut self, now: Moment, latest: Option<Moment>, comer: Comer) -> Slot {
        let free = self
            .last
            .map_or(self.opens, |last| (last + self.spacing).max(self.opens));
        let is_open = now >= self.opens;
        if is_open && (comer == Comer::New || now >= free) {
            if comer == Comer::Back {
                self.last = Some(now);
            }
            return Slot::AtOnce;
        }
        if latest.is_some_and(|latest| free >= latest) {
            return Slot::TooLate(self.opens);
        }
        self.last = Some(free);
        Slot::At(free)
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
        fn no_slot_is_before_the_moment_that_the_server_named(
            steps in proptest::collection::vec((0..3_u8, 0..5_000_u64), 0..100),
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
                        Slot::At(slot) => prop_assert!(slot >= at(named) && slot >= at(now)),
                        Slot::TooLate(_) => prop_assert!(false, "there was no limit"),
                    }
                }
            }
        }
    }
}
