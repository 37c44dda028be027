//! Every event in every state.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Setup {
    Closed,
    /// The next failure opens.
    Brink,
    Open,
    /// Open, and the delay is over; nobody has asked yet.
    OpenOver,
    ProbeOut,
    /// The lease is over; nobody has asked yet.
    ProbeLate,
    /// The lease is over, and another probe is out.
    ProbeReplaced,
    PlaceFree,
    /// Recovering, a place of this step is left.
    RampFree,
    RampFull,
    /// Recovering, the last step is over; nobody has asked yet.
    RampOver,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Admit,
    Success,
    Failure,
    Neutral,
    FirstContent,
    /// First content, and then the end of the stream before its time: what the second verdict does.
    Broken,
    /// The same, of a call let in before the circuit last opened.
    StaleSuccess,
    StaleFailure,
    StaleNeutral,
}

const SETUPS: [Setup; 11] = [
    Setup::Closed,
    Setup::Brink,
    Setup::Open,
    Setup::OpenOver,
    Setup::ProbeOut,
    Setup::ProbeLate,
    Setup::ProbeReplaced,
    Setup::PlaceFree,
    Setup::RampFree,
    Setup::RampFull,
    Setup::RampOver,
];

const EVENTS: [Event; 9] = [
    Event::Admit,
    Event::Success,
    Event::Failure,
    Event::Neutral,
    Event::FirstContent,
    Event::Broken,
    Event::StaleSuccess,
    Event::StaleFailure,
    Event::StaleNeutral,
];

/// What must come of it: the transition, the state after it, and whether one more call would then
/// be let in.
#[derive(Debug, PartialEq)]
struct Row {
    transition: Option<(State, State, &'static str)>,
    state: State,
    next_is_admitted: bool,
}

#[rustfmt::skip]
#[expect(clippy::match_same_arms, reason = "a table has a row for each case")]
fn expected(setup: Setup, event: Event) -> Row {
    use Event::{Admit, Broken, Failure, FirstContent, Neutral, StaleFailure, StaleNeutral, StaleSuccess, Success};
    use State::{Closed, HalfOpen, Open, Recovering};

    let stays = |state, next_is_admitted| Row { transition: None, state, next_is_admitted };
    let goes = |from, to, reason, next_is_admitted| {
        Row { transition: Some((from, to, reason)), state: to, next_is_admitted }
    };
    match (setup, event) {
        (Setup::Closed, _) => stays(Closed, true),

        // Nothing has opened since the older call was let in: it is as good as the other.
        (Setup::Brink, Failure | StaleFailure) => goes(Closed, Open, "consecutive_failures", false),
        (Setup::Brink, Admit | Success | Neutral | FirstContent | Broken) => stays(Closed, true),
        (Setup::Brink, StaleSuccess | StaleNeutral) => stays(Closed, true),

        (Setup::Open, _) => stays(Open, false),

        (Setup::OpenOver, Admit) => goes(Open, HalfOpen, "delay_over", false),
        // No call was let in since it opened, so every verdict is stale.
        (Setup::OpenOver, _) => stays(HalfOpen, true),

        (Setup::ProbeOut, Success | FirstContent) => goes(HalfOpen, Recovering, "probe_succeeded", true),
        // The first verdict ended the half-open state; the second is a failure of the slow start.
        (Setup::ProbeOut | Setup::ProbeLate | Setup::ProbeReplaced, Broken) => {
            goes(Recovering, Open, "failed_while_recovering", false)
        }
        (Setup::ProbeOut, Failure) => goes(HalfOpen, Open, "probe_failed", false),
        (Setup::ProbeOut, Neutral) => stays(HalfOpen, true),
        (Setup::ProbeOut, Admit | StaleSuccess | StaleFailure | StaleNeutral) => stays(HalfOpen, false),

        (Setup::ProbeLate, Success | FirstContent) => goes(HalfOpen, Recovering, "probe_succeeded", true),
        (Setup::ProbeLate, Failure) => goes(HalfOpen, Open, "probe_failed", false),
        (Setup::ProbeLate, Admit) => stays(HalfOpen, false),
        (Setup::ProbeLate, Neutral | StaleSuccess | StaleFailure | StaleNeutral) => stays(HalfOpen, true),

        (Setup::ProbeReplaced, Success | FirstContent) => goes(HalfOpen, Recovering, "probe_succeeded", true),
        (Setup::ProbeReplaced, _) => stays(HalfOpen, false),

        (Setup::PlaceFree, Admit) => stays(HalfOpen, false),
        // The probe that gave its place back is the only call of this state, and is done.
        (Setup::PlaceFree, Success | Failure | Neutral | FirstContent | Broken) => stays(HalfOpen, true),
        (Setup::PlaceFree, StaleSuccess | StaleFailure | StaleNeutral) => stays(HalfOpen, true),

        (Setup::RampFree | Setup::RampFull, Failure | Broken) => {
            goes(Recovering, Open, "failed_while_recovering", false)
        }
        (Setup::RampFree, Admit) => stays(Recovering, false),
        (Setup::RampFree, Success | Neutral | FirstContent) => stays(Recovering, true),
        (Setup::RampFree, StaleSuccess | StaleFailure | StaleNeutral) => stays(Recovering, true),

        (Setup::RampFull, Neutral) => stays(Recovering, true),
        (Setup::RampFull, Admit | Success | FirstContent) => stays(Recovering, false),
        (Setup::RampFull, StaleSuccess | StaleFailure | StaleNeutral) => stays(Recovering, false),

        // One failure beside a success is no reason to open a closed circuit.
        (Setup::RampOver, Admit | Success | Failure | FirstContent) => goes(Recovering, Closed, "ramp_over", true),
        (Setup::RampOver, Broken) => stays(Closed, true),
        (Setup::RampOver, Neutral | StaleSuccess | StaleFailure | StaleNeutral) => stays(Closed, true),
    }
}

/// The scene, a call that belongs to it (if one can) and a call of long ago.
fn build(setup: Setup) -> (Scene, Ticket, Ticket) {
    let mut scene = Scene::new();
    let stale = scene.ticket();
    let own = match setup {
        Setup::Closed => scene.ticket(),
        Setup::Brink => {
            // Beside so many successes the ratio has nothing to say.
            for _ in 0..100 {
                scene.call(Outcome::Success);
            }
            for _ in 0..4 {
                scene.call(OVERLOADED);
                scene.pass(ms(500));
            }
            scene.ticket()
        }
        Setup::Open => {
            scene.fail_until_open();
            stale
        }
        Setup::OpenOver => {
            scene.fail_until_open();
            scene.pass(s(1));
            stale
        }
        Setup::ProbeOut => scene.probe(),
        Setup::ProbeLate => {
            let probe = scene.probe();
            scene.pass(s(20));
            probe
        }
        Setup::ProbeReplaced => {
            let probe = scene.probe();
            let _ = scene.pass(s(20)).ticket();
            probe
        }
        Setup::PlaceFree => {
            let probe = scene.probe();
            scene.record(probe, Outcome::Neutral);
            stale
        }
        Setup::RampFree => {
            scene.recover();
            scene.pass(s(1)).ticket()
        }
        Setup::RampFull => {
            scene.recover();
            scene.ticket()
        }
        Setup::RampOver => {
            scene.recover();
            let own = scene.ticket();
            scene.pass(s(5));
            own
        }
    };
    (scene, own, stale)
}

impl Row {
    fn of(scene: &mut Scene, transition: Option<Transition>) -> Self {
        Self {
            transition: transition.map(|it| (it.from, it.to, it.reason.label())),
            state: scene.state(),
            next_is_admitted: scene.is_admitted(),
        }
    }
}

/// What comes of an event, beside a call that belongs to the scene and one of long ago.
fn play(scene: &mut Scene, own: Ticket, stale: Ticket, event: Event) -> Option<Transition> {
    match event {
        Event::Admit => scene.ask().1,
        Event::Success => scene.record(own, Outcome::Success),
        Event::Failure => scene.record(own, OVERLOADED),
        Event::Neutral => scene.record(own, Outcome::Neutral),
        Event::FirstContent => scene.machine.first_content(own, scene.now, MIDDLE).1,
        Event::Broken => {
            let (rest, _) = scene.machine.first_content(own, scene.now, MIDDLE);
            scene.record(rest, OVERLOADED)
        }
        Event::StaleSuccess => scene.record(stale, Outcome::Success),
        Event::StaleFailure => scene.record(stale, OVERLOADED),
        Event::StaleNeutral => scene.record(stale, Outcome::Neutral),
    }
}

const MODES: [Mode; 4] = [
    Mode::On,
    Mode::ObserveOnly,
    Mode::ForcedOpen,
    Mode::ForcedClosed,
];

/// The table for each order that may stand when the event comes.
fn expected_under(mode: Mode, setup: Setup, event: Event) -> Row {
    let forced = |state, next_is_admitted| Row {
        transition: None,
        state,
        next_is_admitted,
    };
    match mode {
        // Who only observes decides the same, and then lets in whom it would refuse.
        Mode::On | Mode::ObserveOnly => expected(setup, event),
        Mode::ForcedOpen => forced(State::Open, false),
        Mode::ForcedClosed => forced(State::Closed, true),
    }
}

/// What an event comes to while an order stands that forces the circuit, once the order is taken back:
/// a place is given back, and nothing else.
fn of_forced(event: Event) -> Event {
    use Event::{Broken, Failure, FirstContent, Neutral, StaleNeutral, Success};

    match event {
        Success | Failure | Neutral | FirstContent | Broken => Neutral,
        // Of an admission nothing at all, as of a neutral verdict without a place.
        _ => StaleNeutral,
    }
}

/// Every event in every state under every order, with the scene after the order.
fn all() -> impl Iterator<Item = (Mode, Setup, Event, Scene, Ticket, Ticket)> {
    let scenes = SETUPS
        .into_iter()
        .flat_map(|setup| EVENTS.map(|event| (setup, event)));
    scenes.flat_map(|(setup, event)| {
        MODES.map(|mode| {
            let (mut scene, own, stale) = build(setup);
            scene.machine.switch(mode);
            (mode, setup, event, scene, own, stale)
        })
    })
}

#[test]
fn every_event_in_every_state_under_every_order_does_what_the_table_says() {
    for (mode, setup, event, mut scene, own, stale) in all() {
        let transition = play(&mut scene, own, stale, event);
        let what = format!("{event:?} in {setup:?}, {mode}");
        let turned_away = matches!(scene.clone().ask().0, Admission::Rejected(_));
        let row = Row::of(&mut scene, transition);
        assert_eq!(row, expected_under(mode, setup, event), "{what}");
        let refuses = match mode {
            Mode::On | Mode::ForcedOpen => !row.next_is_admitted,
            Mode::ObserveOnly | Mode::ForcedClosed => false,
        };
        assert_eq!(turned_away, refuses, "{what}");
    }
}

#[test]
fn an_order_that_is_taken_back_leaves_the_circuit_where_it_stood() {
    for (mode, setup, event, mut scene, own, stale) in all() {
        let decides = matches!(mode, Mode::On | Mode::ObserveOnly);
        let played = if decides { event } else { of_forced(event) };
        let transition = play(&mut scene, own, stale, event);
        scene.machine.switch(Mode::On);
        let row = Row::of(&mut scene, transition);
        assert_eq!(
            row,
            expected(setup, played),
            "{event:?} in {setup:?}, {mode}"
        );
    }
}

#[test]
fn no_order_changes_what_the_circuit_knows() {
    for (mode, setup, _, mut scene, ..) in all() {
        scene.machine.switch(Mode::On);
        let (before, ..) = build(setup);
        let (health, known) = (
            before.machine.health(before.now),
            scene.machine.health(scene.now),
        );
        assert_eq!(known, health, "{mode} in {setup:?}");
    }
}

#[test]
fn a_refused_call_and_a_stale_verdict_change_nothing_that_can_be_seen() {
    for setup in SETUPS {
        let (before, _, stale) = build(setup);
        let health = before.machine.health(before.now);
        if health.state == State::Closed {
            continue; // refuses nothing, and nothing in it is stale
        }
        for outcome in [Outcome::Success, OVERLOADED, Outcome::Neutral] {
            let mut after = before.clone();
            after.record(stale, outcome);
            assert_eq!(
                after.machine.health(after.now),
                health,
                "{outcome:?} in {setup:?}"
            );
        }
        let mut after = before.clone();
        if let (Admission::Rejected(_), transition) = after.ask() {
            assert_eq!(transition, None);
            assert_eq!(
                after.machine.health(after.now),
                health,
                "refusal in {setup:?}"
            );
        }
    }
}
