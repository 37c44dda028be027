//! The breaker decides as the machine does: the same events, the same answers.

use proptest::prelude::*;

use super::*;
use crate::config::any::any_config;
use crate::{Admission, Machine, Outcome, Ratio, Ticket, Window};

#[derive(Clone, Debug)]
enum Event {
    Admit,
    FirstContent(usize),
    Success(usize),
    Failure(usize, Option<u64>),
    Drop(usize),
    Pass(u64),
    Back(u64),
    Switch(Mode),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let mode = prop::sample::select(vec![
        Mode::On,
        Mode::On,
        Mode::ObserveOnly,
        Mode::ForcedOpen,
        Mode::ForcedClosed,
    ]);
    let event = prop_oneof![
        30 => Just(Event::Admit),
        5 => (0..8_usize).prop_map(Event::FirstContent),
        12 => (0..8_usize).prop_map(Event::Success),
        18 => (0..8_usize, prop::option::weighted(0.1, 0..100_u64))
            .prop_map(|(index, hint)| Event::Failure(index, hint)),
        5 => (0..8_usize).prop_map(Event::Drop),
        15 => (0..3_000_u64).prop_map(Event::Pass),
        5 => (3_000..70_000_u64).prop_map(Event::Pass),
        5 => (0..80_000_u64).prop_map(Event::Back),
        1 => mode.prop_map(Event::Switch),
    ];
    prop::collection::vec(event, 0..200)
}

fn configs() -> impl Strategy<Value = BreakerConfig> {
    let window = prop_oneof![
        Just(Window::Time(Duration::from_secs(30))),
        Just(Window::Time(Duration::from_millis(100))),
        (1..200_u32).prop_map(Window::Calls),
    ];
    let ratio = || prop::option::of((1..=100_u32).prop_map(|it| Ratio::percent(it).unwrap()));
    let row = prop::option::of(1..6_u32);
    let usual = (window, 1..8_u32, ratio(), ratio(), row).prop_filter_map(
        "keeps the rules",
        |(window, samples, failed, slow, row)| {
            BreakerConfig::builder()
                .window(window)
                .minimum_samples(samples)
                .failure_ratio(failed)
                .slow_ratio(slow)
                .slow_call(Duration::from_secs(2))
                .consecutive_failures(row)
                .build()
                .ok()
        },
    );
    prop_oneof![usual, any_config()]
}

/// Both, with the calls in flight of each.
struct Pair {
    machine: Machine,
    breaker: Breaker,
    flight: Vec<(Ticket, Permit)>,
    now: Moment,
    dice: u64,
}

impl Pair {
    fn roll(&mut self) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(1);
        self.dice.rotate_left(32)
    }

    fn take(&mut self, index: usize) -> Option<(Ticket, Permit)> {
        (index < self.flight.len()).then(|| self.flight.swap_remove(index))
    }

    fn admit(&mut self) {
        let (now, roll) = (self.now, self.roll());
        let (admission, transition) = self.machine.admit(now, roll);
        let permit = self.breaker.admit_owned(now, roll);
        match (admission, permit) {
            (Admission::Admitted(ticket), Ok(permit)) => {
                assert_eq!(
                    (permit.transition(), permit.overruled()),
                    (transition, None)
                );
                self.flight.push((ticket, permit));
            }
            (Admission::Overruled(ticket, overruled), Ok(permit)) => {
                assert_eq!(permit.overruled(), Some(overruled));
                self.flight.push((ticket, permit));
            }
            (Admission::Rejected(rejection), Err(rejected)) => {
                assert_eq!(rejected, Rejected::new(rejection, now));
            }
            (admission, permit) => panic!("{admission:?} but {permit:?}"),
        }
    }

    fn play(&mut self, event: &Event) {
        let (now, roll) = (self.now, self.roll());
        match event {
            Event::Admit => self.admit(),
            Event::FirstContent(index) => {
                let Some((ticket, permit)) = self.flight.get_mut(*index) else {
                    return;
                };
                if permit.is_open() {
                    let (rest, transition) = self.machine.first_content(*ticket, now, roll);
                    assert_eq!(permit.first_content(now, roll), transition);
                    *ticket = rest;
                }
            }
            Event::Success(index) => {
                let Some((ticket, permit)) = self.take(*index) else {
                    return;
                };
                if permit.is_open() {
                    let transition = self.machine.record(ticket, Outcome::Success, now, roll);
                    assert_eq!(permit.success(now, roll), transition);
                }
            }
            Event::Failure(index, hint) => {
                let Some((ticket, permit)) = self.take(*index) else {
                    return;
                };
                let (kind, hint) = (ErrorKind::ServerError, hint.map(Duration::from_secs));
                let outcome = Outcome::Failure { kind, hint };
                let transition = self.machine.record(ticket, outcome, now, roll);
                assert_eq!(permit.failure(kind, hint, now, roll), transition);
            }
            Event::Drop(index) => {
                if let Some((ticket, _permit)) = self.take(*index) {
                    let _ = self.machine.record(ticket, Outcome::Neutral, now, roll);
                }
            }
            Event::Pass(millis) => self.now = now + Duration::from_millis(*millis),
            Event::Back(millis) => {
                let back = u64::try_from(Duration::from_millis(*millis).as_nanos()).unwrap();
                self.now = Moment::from_nanos(now.as_nanos() - back);
            }
            Event::Switch(mode) => {
                self.machine.switch(*mode);
                self.breaker.switch(*mode);
            }
        }
        assert_eq!(
            self.breaker.health(self.now),
            self.machine.health(self.now),
            "after {event:?}"
        );
        assert_eq!(self.breaker.state(self.now), self.machine.state(self.now));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_breaker_answers_every_sequence_of_events_as_its_machine_does(
        config in configs(),
        events in events(),
        seed: u64,
    ) {
        let mut pair = Pair {
            machine: Machine::new(config.clone()),
            breaker: Breaker::new(config),
            flight: Vec::new(),
            now: Moment::from_nanos(100_000_000_000_000),
            dice: seed,
        };
        for event in &events {
            pair.play(event);
        }
    }
}
