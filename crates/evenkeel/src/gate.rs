use std::time::Duration;

use evenkeel_error::Moment;

/// When the calls of one origin and model may leave: a server's hint to one of them holds for all.
///
/// Pure: the present is an argument. Callers reserve a moment, wait for it, and leave.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Nobody leaves before this.
    opens: Moment,
    /// The last moment that was given to a waiter.
    last: Option<Moment>,
}

/// How far apart waiters leave once a limit has lifted: a queue that leaves at once meets the same
/// limit again.
pub(crate) const SPACING: Duration = Duration::from_millis(250);

impl Gate {
    /// The server asked somebody to wait until `moment`.
    pub(crate) fn close_until(&mut self, moment: Moment) {
        if moment > self.opens {
            self.opens = moment;
            // Whoever waits for an earlier moment asks again when it comes.
            self.last = None;
        }
    }

    /// When a call that wants to leave at `now` may: `None` is at once. A reservation that is not
    /// used costs the others [`SPACING`] and nothing more.
    pub(crate) fn reserve(&mut self, now: Moment) -> Option<Moment> {
        let open = now >= self.opens;
        let free = match self.last {
            Some(last) => last + SPACING,
            None if open => return None,
            None => self.opens,
        };
        if open && now >= free {
            // The queue is gone: no spacing for calls that come by themselves.
            self.last = None;
            return None;
        }
        let slot = free.max(self.opens);
        self.last = Some(slot);
        Some(slot)
    }

    /// Whether a call that had waited for `slot` may leave now, or the limit was prolonged meanwhile.
    pub(crate) fn may_leave(&self, slot: Moment) -> bool {
        slot >= self.opens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u32) -> Moment {
        Moment::ORIGIN + Duration::from_millis(1) * millis
    }

    #[test]
    fn an_open_gate_costs_nothing() {
        let mut gate = Gate::default();
        assert_eq!(
            [
                gate.reserve(at(0)),
                gate.reserve(at(0)),
                gate.reserve(at(1))
            ],
            [None; 3]
        );
    }

    #[test]
    fn nobody_leaves_before_the_hint_and_then_they_leave_apart() {
        let mut gate = Gate::default();
        gate.close_until(at(1_000));
        let slots: Vec<_> = (0..3).map(|_| gate.reserve(at(10)).unwrap()).collect();
        assert_eq!(slots, [at(1_000), at(1_250), at(1_500)]);
        assert_eq!(
            gate.reserve(at(1_100)),
            Some(at(1_750)),
            "later callers queue behind"
        );
        assert_eq!(gate.reserve(at(2_100)), None, "and the queue ends");
        assert_eq!(gate.reserve(at(2_100)), None);
    }

    #[test]
    fn a_longer_hint_holds_back_those_who_wait_already() {
        let mut gate = Gate::default();
        gate.close_until(at(1_000));
        let slot = gate.reserve(at(0)).unwrap();
        gate.close_until(at(5_000));
        assert!(!gate.may_leave(slot));
        assert_eq!(gate.reserve(at(1_000)), Some(at(5_000)));
    }

    #[test]
    fn a_shorter_hint_does_not_open_the_gate() {
        let mut gate = Gate::default();
        gate.close_until(at(5_000));
        gate.close_until(at(1_000));
        assert_eq!(gate.reserve(at(2_000)), Some(at(5_000)));
    }
}
