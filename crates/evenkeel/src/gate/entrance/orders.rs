//! Every order in which threads can meet at a gate: `cargo xtask loom`.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::Moment;
use loom::thread;

use super::Entrance;
use crate::gate::{Comer, SPACING, Slot};

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

fn entrance() -> Arc<Entrance> {
    Arc::new(Entrance::new(SPACING))
}

fn closed() -> Arc<Entrance> {
    let entrance = entrance();
    entrance.close_until(at(10));
    entrance
}

/// What another thread does meanwhile.
fn beside<T: 'static>(
    entrance: &Arc<Entrance>,
    action: impl FnOnce(&Arc<Entrance>) -> T + 'static,
) -> thread::JoinHandle<T> {
    let entrance = Arc::clone(entrance);
    thread::spawn(move || action(&entrance))
}

/// Who asks at `seconds`: the moment to wait for, or `None` to leave at once.
fn ask(entrance: &Arc<Entrance>, seconds: u64) -> Option<super::Place> {
    match entrance.reserve(at(seconds), None, Comer::New) {
        Slot::AtOnce => None,
        Slot::At(place) => Some(place),
        Slot::TooLate(_) => panic!("there was no limit"),
    }
}

#[test]
fn two_who_ask_are_given_places_apart() {
    loom::model(|| {
        let entrance = closed();
        let other = beside(&entrance, |entrance| ask(entrance, 0).unwrap());
        let (here, other) = (ask(&entrance, 0).unwrap(), other.join().unwrap());
        let mut moments = [here.moment(), other.moment()];
        moments.sort_unstable();
        assert_eq!(moments, [at(10), at(10) + SPACING]);
    });
}

#[test]
fn a_place_that_is_dropped_is_given_to_who_asks_then() {
    loom::model(|| {
        let entrance = closed();
        let place = ask(&entrance, 0).unwrap();
        let other = beside(&entrance, move |_| drop(place));
        let here = ask(&entrance, 0).unwrap().moment();
        other.join().unwrap();
        assert!([at(10), at(10) + SPACING].contains(&here));
        assert_eq!(ask(&entrance, 0).unwrap().moment(), at(10));
    });
}

#[test]
fn whoever_asks_after_a_hint_waits_whatever_opened_the_gate_meanwhile() {
    loom::model(|| {
        let entrance = closed();
        // The first limit has passed: who asks at 10 s marks the gate as open.
        let other = beside(&entrance, |entrance| drop(ask(entrance, 10)));
        entrance.close_until(at(20));
        assert!(ask(&entrance, 11).is_some());
        other.join().unwrap();
        assert!(ask(&entrance, 12).is_some());
        assert!(!entrance.is_open(at(12)) && entrance.is_open(at(20)));
    });
}
