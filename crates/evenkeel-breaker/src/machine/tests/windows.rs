//! The rules beyond the default ones: windows of calls, slow calls, rules alone, given delays.

use super::*;

fn with(build: impl FnOnce(crate::BreakerConfigBuilder) -> crate::BreakerConfigBuilder) -> Scene {
    Scene::with(build(BreakerConfig::builder()).build().expect("valid"))
}

fn label(transition: Option<Transition>) -> &'static str {
    transition.map_or("none", |it| it.reason.label())
}

#[test]
fn a_window_of_calls_holds_the_last_calls_however_long_ago_they_were() {
    let mut scene = with(|it| it.window(Window::Calls(10)).consecutive_failures(None));
    for _ in 0..100_000 {
        scene.call(Outcome::Success);
    }
    for failures in 1..=4 {
        assert_eq!(
            scene.pass(s(3_600)).call(OVERLOADED),
            None,
            "{failures} of 10"
        );
    }
    let opened = scene.pass(s(3_600)).call(OVERLOADED).expect("5 of 10");
    let reason = Reason::FailureRatio {
        failures: 5,
        samples: 10,
    };
    assert_eq!(opened.reason, reason);
}

#[test]
fn a_window_of_calls_counts_from_its_minimum_on() {
    let mut scene = with(|it| it.window(Window::Calls(100)).minimum_samples(10));
    for _ in 0..5 {
        scene.call(Outcome::Success);
        assert_eq!(scene.state(), State::Closed);
    }
    for _ in 0..4 {
        assert_eq!(scene.call(OVERLOADED), None);
    }
    assert_eq!(label(scene.call(OVERLOADED)), "failure_ratio");
}

#[test]
fn slow_answers_open_where_that_is_a_rule_and_only_there() {
    for (ratio, expected) in [(None, "none"), (Ratio::percent(50).ok(), "slow_ratio")] {
        let mut scene = with(|it| it.slow_ratio(ratio).slow_call(s(10)));
        let opened = (0..5).find_map(|_| {
            let ticket = scene.ticket();
            scene.pass(s(10)).record(ticket, Outcome::Success)
        });
        // Five slow calls of ten seconds each: three of them lie in the window of thirty.
        assert_eq!(opened, None);
        let tickets: Vec<_> = (0..5).map(|_| scene.ticket()).collect();
        scene.pass(s(10));
        let opened = tickets
            .into_iter()
            .find_map(|ticket| scene.record(ticket, Outcome::Success));
        assert_eq!(label(opened), expected);
        if let Some(opened) = opened {
            assert_eq!(opened.fault, ErrorKind::TimedOut);
        }
    }
}

#[test]
fn a_slow_call_is_measured_at_first_content_and_not_at_its_end() {
    let mut scene = with(|it| it.slow_ratio(Ratio::HALF).slow_call(s(10)));
    let ticket = scene.ticket();
    let (rest, _) = {
        scene.pass(s(9));
        scene.machine.first_content(ticket, scene.now, MIDDLE)
    };
    scene.pass(s(20)).record(rest, OVERLOADED);
    let health = scene.machine.health(scene.now);
    assert_eq!((health.samples, health.failures, health.slow), (1, 1, 0));
    let ticket = scene.ticket();
    scene.pass(s(10)).record(ticket, OVERLOADED);
    assert_eq!(
        scene.machine.health(scene.now).slow,
        1,
        "no content for 10 s"
    );
}

#[test]
fn a_slow_probe_does_not_close_a_circuit_for_which_slowness_is_a_fault() {
    let mut scene = with(|it| it.slow_ratio(Ratio::HALF).slow_call(s(10)));
    let probe = scene.probe();
    let reopened = scene.pass(s(10)).record(probe, Outcome::Success);
    assert_eq!(label(reopened), "probe_failed");
    assert_eq!(scene.state(), State::Open);
    let probe = scene.pass(s(60)).ticket();
    assert_eq!(
        label(scene.pass(s(9)).record(probe, Outcome::Success)),
        "probe_succeeded"
    );
}

#[test]
fn each_rule_can_stand_alone() {
    let mut ratio = with(|it| it.consecutive_failures(None).minimum_samples(8));
    let opened: Vec<_> = (0..8)
        .map(|_| label(ratio.pass(s(1)).call(OVERLOADED)))
        .collect();
    assert_eq!(opened.last(), Some(&"failure_ratio"));
    assert!(opened[..7].iter().all(|it| *it == "none"));

    let mut row = with(|it| it.failure_ratio(None).consecutive_failures(3));
    let opened: Vec<_> = (0..3)
        .map(|_| label(row.pass(s(1)).call(OVERLOADED)))
        .collect();
    assert_eq!(opened, ["none", "none", "consecutive_failures"]);
    assert_eq!(
        row.machine.health(row.now).samples,
        0,
        "no rule asks for a window"
    );
}

#[test]
fn given_delays_are_drawn_once_and_no_code_of_the_sequence_runs_when_a_circuit_opens() {
    let drawn = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = std::rc::Rc::clone(&drawn);
    let mut scene = with(|it| {
        it.open_delays((0..3).map(move |n| {
            seen.set(seen.get() + 1);
            s(n + 1)
        }))
    });
    assert_eq!(drawn.get(), 3);
    scene.fail_until_open();
    scene.machine.switch(Mode::ForcedOpen);
    assert_eq!(scene.rejection().retry_at(), scene.now + s(3));
    assert_eq!(drawn.get(), 3);
}

#[test]
fn given_delays_are_used_in_turn_spread_and_started_anew_after_the_clean_time() {
    let delays = [s(3), s(5)];
    let mut scene = with(|it| it.open_delays(delays));
    let mut opened = scene.fail_until_open();
    for seconds in [3, 5, 5, 5] {
        assert_eq!(scene.open_delay(opened), s(seconds));
        scene.now = opened.open_until.expect("open");
        opened = scene.call(OVERLOADED).expect("the probe failed");
    }
    scene.now = opened.open_until.expect("open");
    scene.call(Outcome::Success);
    scene.pass(s(25));
    scene.roll = u64::MAX;
    let opened = scene.fail_until_open();
    assert_eq!(
        scene.open_delay(opened).as_millis(),
        4_499,
        "spread by half"
    );
}

#[test]
fn an_endless_or_extreme_sequence_of_delays_does_no_harm() {
    let growing = (0..).map(|n| Duration::from_secs(1_u64 << n));
    let mut scene = with(|it| it.open_delays(growing));
    scene.roll = u64::MAX;
    let mut opened = scene.fail_until_open();
    for _ in 0..70 {
        assert!(scene.open_delay(opened) <= s(60));
        scene.now = opened.open_until.expect("open");
        opened = scene.call(OVERLOADED).expect("the probe failed");
    }
    let mut scene = with(|it| it.open_delays(core::iter::repeat(Duration::ZERO)));
    let opened = scene.fail_until_open();
    assert!(
        scene.open_delay(opened) > Duration::ZERO,
        "callers would spin"
    );
}
