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
    assert_eq!(gate.leave(at(1_000)), Departure::Prolonged);
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

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    // Closed until 1,000, with places at 1,000 and 1,250; open from then on.
    let closed = || {
        let mut gate = gate();
        gate.close_until(at(1_000));
        let places = [0, 1].map(|_| gate.reserve(at(0), None, Comer::New));
        assert_eq!(places, [Slot::At(at(1_000)), Slot::At(at(1_250))]);
        gate
    };
    let ask = |mut gate: Gate, now, comer| gate.reserve(at(now), None, comer);
    let with = |mut gate: Gate, act: fn(&mut Gate)| {
        act(&mut gate);
        gate
    };
    // A call asks.
    assert_eq!(ask(gate(), 0, Comer::New), Slot::AtOnce);
    assert_eq!(ask(gate(), 0, Comer::Back), Slot::AtOnce);
    assert_eq!(ask(gate(), 0, Comer::Again), Slot::AtOnce);
    for comer in [Comer::New, Comer::Back, Comer::Again] {
        assert_eq!(ask(closed(), 0, comer), Slot::At(at(1_500)));
    }
    assert_eq!(ask(closed(), 1_000, Comer::New), Slot::AtOnce);
    assert_eq!(ask(closed(), 1_000, Comer::Back), Slot::At(at(1_500)));
    assert_eq!(ask(closed(), 1_600, Comer::Back), Slot::AtOnce);
    assert_eq!(ask(closed(), 1_000, Comer::Again), Slot::At(at(1_500)));
    assert_eq!(ask(closed(), 1_600, Comer::Again), Slot::AtOnce);
    // A call asks that cannot wait for the place.
    let hasty = |now, comer| closed().reserve(at(now), Some(at(1_500)), comer);
    for comer in [Comer::New, Comer::Back, Comer::Again] {
        assert_eq!(hasty(999, comer), Slot::TooLate(at(1_000)));
    }
    assert_eq!(hasty(1_000, Comer::New), Slot::AtOnce);
    assert_eq!(hasty(1_000, Comer::Back), Slot::TooLate(at(1_000)));
    assert_eq!(hasty(1_000, Comer::Again), Slot::AtOnce);
    // The server names a moment.
    let earlier = with(closed(), |gate| gate.close_until(at(500)));
    assert_eq!(ask(earlier, 0, Comer::New), Slot::At(at(1_500)));
    let later = with(closed(), |gate| gate.close_until(at(1_100)));
    assert_eq!(ask(later, 0, Comer::New), Slot::At(at(1_500)));
    let latest = with(closed(), |gate| gate.close_until(at(1_300)));
    assert_eq!(ask(latest, 0, Comer::New), Slot::At(at(1_300)));
    // A place is left by, or was void.
    let mut left = closed();
    assert_eq!(left.leave(at(1_000)), Departure::Leaves);
    assert_eq!(ask(left, 1_000, Comer::Back), Slot::At(at(1_500)));
    let mut prolonged = with(closed(), |gate| gate.close_until(at(1_100)));
    assert_eq!(prolonged.leave(at(1_000)), Departure::Prolonged);
    assert_eq!(prolonged.leave(at(1_250)), Departure::Leaves);
    // A place is given up: before its moment, void, and after somebody left by it.
    let freed = with(closed(), |gate| gate.free(at(1_000)));
    assert_eq!(ask(freed, 0, Comer::New), Slot::At(at(1_000)));
    let void = with(closed(), |gate| {
        gate.close_until(at(1_250));
        gate.free(at(1_000));
    });
    assert_eq!(ask(void, 0, Comer::New), Slot::At(at(1_500)));
    let used = with(closed(), |gate| {
        let _ = gate.leave(at(1_250));
        gate.free(at(1_250));
    });
    assert_eq!(ask(used, 0, Comer::New), Slot::At(at(1_500)));
}

#[test]
fn a_longer_hint_gives_no_place_to_two() {
    let mut gate = gate();
    gate.close_until(at(20_000));
    let early = [(); 80].map(|()| gate.reserve(at(0), None, Comer::New));
    gate.close_until(at(31_000));
    let mut all = Vec::new();
    for slot in early {
        let Slot::At(place) = slot else {
            panic!("the gate is closed")
        };
        if gate.leave(place) == Departure::Leaves {
            all.push(place);
            continue;
        }
        match gate.reserve(place, None, Comer::New) {
            Slot::At(again) => all.push(again),
            other => panic!("{other:?}"),
        }
    }
    all.sort_unstable();
    assert!(all[0] >= at(31_000) && all.len() == 80);
    assert!(all.windows(2).all(|two| two[1] >= two[0] + SPACING));
}

#[test]
fn once_all_places_are_given_up_who_comes_waits_for_the_server_alone() {
    let mut gate = gate();
    gate.close_until(at(20_000));
    for _ in 0..1_000 {
        let _ = gate.reserve(at(0), None, Comer::New);
    }
    for place in gate.places.clone() {
        gate.free(place);
    }
    assert!(gate.places.is_empty(), "nothing is kept of what is over");
    let first = gate.reserve(at(2), Some(at(20_001)), Comer::New);
    assert_eq!(first, Slot::At(at(20_000)));
}

#[test]
fn a_place_that_is_freed_is_the_next_that_is_given() {
    let mut gate = gate();
    gate.close_until(at(20_000));
    for place in 0..1_000 {
        let slot = gate.reserve(at(0), None, Comer::New);
        assert_eq!(slot, Slot::At(at(20_000 + place * 250)));
    }
    for freed in [700, 3, 300] {
        gate.free(at(20_000 + freed * 250));
    }
    for given in [3, 300, 700, 1_000] {
        let slot = gate.reserve(at(0), None, Comer::New);
        assert_eq!(slot, Slot::At(at(20_000 + given * 250)));
    }
}

#[test]
fn a_client_that_counts_faster_than_the_clock_shows_still_gives_a_place_to_one() {
    let mut gate = Gate::new(Duration::ZERO);
    gate.close_until(at(1_000));
    let first = gate.reserve(at(0), None, Comer::New);
    assert_ne!(gate.reserve(at(0), None, Comer::New), first);
}

/// What a gate has to keep to, the slow way.
#[derive(Default)]
struct Model {
    named: Moment,
    /// Who waits, and for what; what is before `named` is void.
    waiting: Vec<Moment>,
    left: Vec<Moment>,
}

impl Model {
    fn is_free(&self, moment: Moment) -> bool {
        let apart = |other: &Moment| moment.since(*other).max(other.since(moment)) >= SPACING;
        let valid = self.waiting.iter().filter(|place| **place >= self.named);
        let after = |left: &Moment| *left + SPACING <= moment;
        self.left.iter().all(after) && valid.clone().all(apart)
    }

    /// The first moment from `now` on that is free.
    fn first_free(&self, now: Moment) -> Moment {
        let start = now.max(self.named);
        let taken = self.waiting.iter().chain(&self.left);
        let behind = taken.map(|place| (*place + SPACING).max(start));
        let free = behind.chain([start]).filter(|moment| self.is_free(*moment));
        free.min().unwrap()
    }
}

proptest! {
    /// Steps of a time, of 250 ms and of a few more, so that what is given up leaves gaps of all
    /// widths.
    #[test]
    fn whoever_drops_no_place_is_early_or_near_another_and_each_is_the_first_that_is_free(
        steps in proptest::collection::vec((0..9_u8, 0..5_000_u64, any::<usize>()), 0..200),
    ) {
        let (mut gate, mut model) = (gate(), Model::default());
        let mut now = at(0);
        for (action, millis, pick) in steps {
            let picked = (!model.waiting.is_empty()).then(|| pick % model.waiting.len());
            match (action, picked) {
                (0, _) => {
                    gate.close_until(now + Duration::from_millis(millis));
                    model.named = model.named.max(now + Duration::from_millis(millis));
                }
                (1, _) => now = now + Duration::from_millis(millis / 10),
                (2 | 3, Some(picked)) => gate.free(model.waiting.swap_remove(picked)),
                (4, Some(picked)) => {
                    let place = model.waiting.swap_remove(picked);
                    now = now.max(place);
                    match gate.leave(place) {
                        Departure::Leaves => {
                            prop_assert!(place >= model.named);
                            model.left.push(place);
                        }
                        Departure::Prolonged => prop_assert!(place < model.named),
                    }
                }
                (5, _) => {
                    let is_open = now >= model.named;
                    let slot = gate.reserve(now, None, Comer::Back);
                    let first = model.first_free(now);
                    if is_open && first == now {
                        prop_assert_eq!(slot, Slot::AtOnce);
                        model.left.push(now);
                    } else {
                        prop_assert_eq!(slot, Slot::At(first));
                        model.waiting.push(first);
                    }
                }
                (6, _) => {
                    let latest = now + Duration::from_millis(millis);
                    let slot = gate.reserve(now, Some(latest), Comer::New);
                    let first = model.first_free(now);
                    if now >= model.named {
                        prop_assert_eq!(slot, Slot::AtOnce);
                    } else if first >= latest {
                        prop_assert_eq!(slot, Slot::TooLate(model.named));
                    } else {
                        prop_assert_eq!(slot, Slot::At(first));
                        model.waiting.push(first);
                    }
                }
                (7, _) => {
                    let latest = now + Duration::from_millis(millis);
                    let slot = gate.reserve(now, Some(latest), Comer::Again);
                    let (is_open, first) = (now >= model.named, model.first_free(now));
                    if is_open && first == now {
                        prop_assert_eq!(slot, Slot::AtOnce);
                        model.left.push(now);
                    } else if first < latest {
                        prop_assert_eq!(slot, Slot::At(first));
                        model.waiting.push(first);
                    } else if is_open {
                        prop_assert_eq!(slot, Slot::AtOnce);
                    } else {
                        prop_assert_eq!(slot, Slot::TooLate(model.named));
                    }
                }
                _ => {
                    let slot = gate.reserve(now, None, Comer::New);
                    if now >= model.named {
                        prop_assert_eq!(slot, Slot::AtOnce);
                    } else {
                        let first = model.first_free(now);
                        prop_assert_eq!(slot, Slot::At(first));
                        model.waiting.push(first);
                    }
                }
            }
            let mut valid: Vec<_> = model.waiting.clone();
            valid.retain(|place| *place >= model.named);
            valid.sort_unstable();
            for pair in valid.windows(2) {
                prop_assert!(pair[0] + SPACING <= pair[1]);
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
                let comer = [Comer::New, Comer::Back, Comer::Again][usize::from(action) - 1];
                match gate.reserve(at(now), None, comer) {
                    Slot::AtOnce => prop_assert!(now >= named),
                    Slot::At(slot) => prop_assert!(slot >= at(named) && slot >= at(now)),
                    Slot::TooLate(_) => prop_assert!(false, "there was no limit"),
                }
            }
        }
    }
}
