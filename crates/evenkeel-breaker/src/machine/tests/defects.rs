//! What other circuit breakers were seen to do wrong.

use super::*;

#[test]
fn of_a_thousand_callers_at_half_open_one_is_admitted() {
    let mut scene = Scene::new();
    scene.fail_until_open();
    scene.pass(s(60));
    assert_eq!((0..1_000).filter(|_| scene.is_admitted()).count(), 1);
}

#[test]
fn a_call_from_before_the_trip_cannot_close_the_circuit_while_the_probe_is_out() {
    let mut scene = Scene::new();
    let stale = scene.ticket();
    let _probe = scene.probe();
    assert_eq!(scene.record(stale, Outcome::Success), None);
    assert_eq!(scene.state(), State::HalfOpen);
    assert!(!scene.is_admitted());
}

#[test]
fn a_call_from_before_the_trip_cannot_reopen_a_circuit_that_recovers() {
    let mut scene = Scene::new();
    let stale = scene.ticket();
    scene.recover();
    assert_eq!(scene.record(stale, OVERLOADED), None);
    assert_eq!(scene.state(), State::Recovering);
}

#[test]
fn the_stream_of_a_call_from_before_the_trip_stays_without_a_say() {
    let mut scene = Scene::new();
    let stale = scene.ticket();
    scene.recover();
    let (rest, transition) = scene.machine.first_content(stale, scene.now, MIDDLE);
    assert_eq!(transition, None);
    assert_eq!(scene.record(rest, OVERLOADED), None);
    assert_eq!(scene.state(), State::Recovering);
}

#[test]
fn an_outage_after_a_hundred_thousand_successes_opens_within_seconds() {
    let mut scene = Scene::new();
    for _ in 0..100_000 {
        scene.call(Outcome::Success);
        scene.pass(ms(1));
    }
    let start = scene.now;
    scene.fail_until_open();
    assert!(scene.now.since(start) <= s(2));
}

#[test]
fn the_window_slides_instead_of_adding_up_since_the_last_transition() {
    let mut scene = Scene::new();
    for _ in 0..100_000 {
        scene.call(Outcome::Success);
    }
    scene.pass(s(31));
    // Alternating, so that only the ratio can tell.
    let opened = (0..10).find_map(|n| {
        scene.pass(ms(10)).call(if n % 2 == 0 {
            Outcome::Success
        } else {
            OVERLOADED
        })
    });
    assert_eq!(opened.map(|it| it.reason.label()), Some("failure_ratio"));
}

#[test]
fn the_first_window_is_not_blind() {
    let mut scene = Scene::new();
    for _ in 0..4 {
        assert_eq!(scene.call(OVERLOADED), None);
    }
    assert!(
        scene.call(OVERLOADED).is_some(),
        "in the first millisecond of its life"
    );
}

#[test]
fn a_window_far_below_a_second_is_more_than_the_last_result() {
    let config = BreakerConfig::builder()
        .window(ms(100))
        .build()
        .expect("valid");
    let mut scene = Scene::with(config);
    for _ in 0..1_000 {
        scene.pass(Duration::from_micros(50)).call(Outcome::Success);
    }
    assert_eq!(scene.call(OVERLOADED), None, "one of a thousand");
    assert_eq!(scene.state(), State::Closed);
}

#[test]
fn a_neutral_outcome_is_no_success() {
    let mut scene = Scene::new();
    // It does not interrupt a streak …
    for _ in 0..4 {
        scene.call(OVERLOADED);
        scene.pass(ms(500)).call(Outcome::Neutral);
    }
    let health = scene.machine.health(scene.now);
    assert_eq!((health.samples, health.consecutive_failures), (4, 4));
    // … nor does it close a half-open circuit.
    let probe = scene.probe();
    assert_eq!(scene.record(probe, Outcome::Neutral), None);
    assert_eq!(scene.state(), State::HalfOpen);
}

#[test]
fn ten_thousand_neutral_outcomes_open_nothing() {
    let mut scene = Scene::new();
    let fresh = scene.machine.health(scene.now);
    for _ in 0..10_000 {
        assert_eq!(scene.pass(ms(1)).call(Outcome::Neutral), None);
    }
    assert_eq!(scene.machine.health(scene.now), fresh);
}

#[test]
fn a_cancelled_probe_does_not_wedge_the_half_open_state() {
    let mut scene = Scene::new();
    let mut probe = scene.probe();
    for _ in 0..1_000 {
        scene.record(probe, Outcome::Neutral);
        probe = scene.ticket();
    }
    assert!(scene.record(probe, Outcome::Success).is_some());
}

#[test]
fn a_probe_that_is_never_heard_of_again_does_not_wedge_the_half_open_state() {
    let mut scene = Scene::new();
    let _lost = scene.probe();
    assert!(!scene.pass(ms(19_999)).is_admitted());
    assert!(scene.pass(ms(1)).is_admitted());
}

#[test]
fn a_late_return_does_not_take_the_place_of_the_next_probe() {
    let mut scene = Scene::new();
    let late = scene.probe();
    let _next = scene.pass(s(20)).ticket();
    scene.record(late, Outcome::Neutral);
    assert!(!scene.is_admitted());
    assert_eq!(scene.record(late, OVERLOADED), None, "a lease ago, not now");
    assert_eq!(scene.state(), State::HalfOpen);
}

#[test]
fn models_that_answer_more_slowly_than_the_lease_lasts_still_close_the_circuit() {
    let mut scene = Scene::new();
    let first = scene.probe();
    let _second = scene.pass(s(20)).ticket();
    let transition = scene.pass(s(10)).record(first, Outcome::Success);
    assert_eq!(transition.map(|it| it.to), Some(State::Recovering));
}

#[test]
fn a_verdict_counts_when_it_comes_however_long_the_call_took() {
    let mut scene = Scene::new();
    let tickets: Vec<_> = (0..5).map(|_| scene.ticket()).collect();
    scene.pass(s(600));
    let opened = tickets
        .into_iter()
        .find_map(|ticket| scene.record(ticket, OVERLOADED));
    assert!(opened.is_some(), "ten minutes is twenty windows");
}

#[test]
fn extreme_durations_neither_panic_nor_wedge_what_they_do_not_concern() {
    let config = BreakerConfig::builder()
        .window(Duration::MAX)
        .open_delay(Duration::MAX)
        .open_delay_cap(Duration::MAX)
        .open_delay_limit(Duration::MAX)
        .probe_lease(Duration::MAX)
        .ramp_interval(Duration::MAX)
        .ramp_steps(31)
        .clean_time(Duration::MAX)
        .build()
        .expect("valid");
    let mut scene = Scene::with(config);
    scene.roll = u64::MAX;
    scene.fail_until_open();
    let _ = scene.rejection();
    scene.now = Moment::MAX;
    let probe = scene.ticket();
    scene.record(probe, Outcome::Success);
    let _ = scene.ask();
}

#[test]
fn time_that_runs_backwards_changes_no_state() {
    let states: [fn(&mut Scene); 4] = [
        |scene| assert_eq!(scene.call(OVERLOADED), None),
        |scene| assert_eq!(scene.fail_until_open().to, State::Open),
        |scene| assert_ne!(scene.probe(), Ticket::UNCOUNTED),
        Scene::recover,
    ];
    for prepare in states {
        let mut scene = Scene::new();
        prepare(&mut scene);
        let (now, state) = (scene.now, scene.state());
        scene.now = Moment::ORIGIN;
        assert_eq!(scene.ask().1, None);
        assert_eq!(scene.state(), state);
        scene.now = now;
        assert_eq!(scene.state(), state);
    }
}

#[test]
fn time_that_runs_backwards_opens_no_used_up_step_of_the_slow_start_again() {
    let mut scene = Scene::new();
    scene.recover();
    let start = scene.now;
    scene.pass(s(1));
    assert!(scene.is_admitted() && scene.is_admitted());
    scene.now = start;
    assert!(
        scene.rejection().retry_at() >= start + s(2),
        "not before the next step"
    );
}

#[test]
fn time_that_runs_backwards_makes_no_streak_shorter() {
    let mut scene = Scene::new();
    for _ in 0..100 {
        scene.call(Outcome::Success);
    }
    for _ in 0..4 {
        assert_eq!(scene.call(OVERLOADED), None);
        scene.pass(ms(700));
    }
    scene.now = Moment::ORIGIN;
    assert!(
        scene.call(OVERLOADED).is_some(),
        "the fourth was 2.1 s after the first"
    );
}

#[test]
fn a_place_of_an_earlier_second_that_is_given_back_late_opens_none_in_this_one() {
    let mut scene = Scene::new();
    scene.recover();
    let early = scene.ticket();
    scene.pass(s(1));
    let second = [scene.ticket(), scene.ticket()];
    scene.record(early, Outcome::Neutral);
    assert!(!scene.is_admitted());
    scene.pass(s(1));
    while scene.is_admitted() {}
    for ticket in second {
        scene.record(ticket, Outcome::Neutral);
    }
    assert!(!scene.is_admitted());
}

#[test]
fn the_rest_of_a_stream_holds_no_place_that_could_be_given_back_twice() {
    let mut scene = Scene::new();
    scene.recover();
    let ticket = scene.ticket();
    let (rest, _) = scene.machine.first_content(ticket, scene.now, MIDDLE);
    scene.record(rest, Outcome::Neutral);
    assert!(!scene.is_admitted());
}

#[test]
fn what_breaks_after_a_beginning_that_was_not_counted_is_a_call_of_its_own() {
    for mode in [Mode::ForcedClosed, Mode::ForcedOpen] {
        let mut scene = Scene::new();
        let streams = [scene.ticket(), scene.ticket(), scene.ticket()];
        for _ in 0..4 {
            scene.call(Outcome::Success);
        }
        for ticket in streams {
            scene.machine.switch(mode);
            let (rest, transition) = scene.machine.first_content(ticket, scene.now, MIDDLE);
            assert_eq!(transition, None);
            scene.machine.switch(Mode::On);
            assert_eq!(scene.record(rest, OVERLOADED), None, "three of seven");
        }
        let health = scene.machine.health(scene.now);
        assert_eq!((health.samples, health.failures), (7, 3));
    }
}

#[test]
fn the_failures_that_opened_the_circuit_do_not_open_it_again_once_it_is_closed() {
    let mut scene = Scene::new();
    let opened = scene.fail_until_open();
    scene.now = opened.open_until.expect("open");
    scene.call(Outcome::Success);
    scene.pass(s(5));
    for outcome in [
        Outcome::Success,
        Outcome::Success,
        Outcome::Success,
        OVERLOADED,
    ] {
        scene.call(outcome);
    }
    assert_eq!(scene.state(), State::Closed);
    assert_eq!(scene.machine.health(scene.now).failures, 1);
}

#[test]
fn a_machine_is_small() {
    assert!(size_of::<Machine>() <= 768, "{}", size_of::<Machine>());
}
