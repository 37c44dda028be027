//! On, observe-only, forced open, forced closed.

use super::*;

#[test]
fn observing_refuses_nobody_and_says_whom_it_would_have_refused() {
    let mut on = Scene::new();
    let mut observing = Scene::new();
    observing.machine.switch(Mode::ObserveOnly);
    let opened = on.fail_until_open();
    assert_eq!(observing.fail_until_open(), opened);

    let refused = on.rejection();
    let (Admission::Overruled(ticket, overruled), None) = observing.ask() else {
        panic!("it observes");
    };
    assert_eq!(overruled, refused);
    // What it would not have let in does not count: neither as a probe's success …
    assert_eq!(observing.record(ticket, Outcome::Success), None);
    assert_eq!(observing.state(), State::Open);
    // … nor later, when the circuit is closed again.
    let _probe = observing.pass(s(1)).ticket();
    assert_eq!(observing.state(), State::HalfOpen);
    let before = observing.machine.health(observing.now);
    assert_eq!(observing.record(ticket, OVERLOADED), None);
    assert_eq!(observing.machine.health(observing.now), before);
}

#[test]
fn forced_open_refuses_everybody_until_an_operator_relents() {
    let mut scene = Scene::new();
    scene.machine.switch(Mode::ForcedOpen);
    let rejection = scene.pass(s(10_000)).rejection();
    assert_eq!(rejection.fault(), None, "nothing failed");
    assert_eq!(rejection.retry_at(), scene.now + s(15));
    assert_eq!(scene.state(), State::Open);
    scene.machine.switch(Mode::On);
    assert!(scene.is_admitted());
}

#[test]
fn forced_closed_admits_everybody_and_learns_nothing() {
    let mut scene = Scene::new();
    scene.fail_until_open();
    scene.machine.switch(Mode::ForcedClosed);
    assert_eq!(scene.state(), State::Closed);
    for _ in 0..100 {
        assert_eq!(scene.ask(), (Admission::Admitted(Ticket::UNCOUNTED), None));
        assert_eq!(scene.call(OVERLOADED), None);
        scene.pass(s(1));
    }
    scene.machine.switch(Mode::On);
    assert_eq!(
        scene.state(),
        State::HalfOpen,
        "it goes on from where it stood"
    );
}

#[test]
fn a_verdict_under_a_forced_mode_gives_the_place_back_and_no_more() {
    for outcome in [Outcome::Success, OVERLOADED, Outcome::Neutral] {
        let mut scene = Scene::new();
        let probe = scene.probe();
        scene.machine.switch(Mode::ForcedOpen);
        assert_eq!(scene.record(probe, outcome), None);
        scene.machine.switch(Mode::On);
        assert_eq!(scene.state(), State::HalfOpen);
        assert!(scene.is_admitted(), "the place is free");
    }
}

#[test]
fn the_configured_mode_is_the_first_mode() {
    let config = BreakerConfig::builder()
        .mode(Mode::ForcedOpen)
        .build()
        .expect("valid");
    assert_eq!(Machine::new(config).mode(), Mode::ForcedOpen);
}
