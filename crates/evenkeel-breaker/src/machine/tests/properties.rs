//! Laws that hold after any sequence of events.

use proptest::prelude::*;

use super::*;
use crate::config::any::any_config;
use crate::{Breaker, Permit};

/// The default every other time, and else any.
fn configs() -> impl Strategy<Value = BreakerConfig> {
    prop_oneof![Just(BreakerConfig::default()), any_config()]
}

#[derive(Clone, Debug)]
enum Event {
    Admit,
    FirstContent(usize),
    Success(usize),
    Failure(usize, Option<u64>),
    Drop(usize),
    Pass(u64),
    Back(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => Just(Event::Admit),
        1 => (0..8_usize).prop_map(Event::FirstContent),
        2 => (0..8_usize).prop_map(Event::Success),
        4 => (0..8_usize, prop::option::weighted(0.1, 0..100_u64))
            .prop_map(|(index, hint)| Event::Failure(index, hint)),
        1 => (0..8_usize).prop_map(Event::Drop),
        3 => (0..3_000_u64).prop_map(Event::Pass),
        1 => (3_000..70_000_u64).prop_map(Event::Pass),
        1 => (0..5_000_u64).prop_map(Event::Back),
    ];
    prop::collection::vec(event, 0..200)
}

/// A breaker with the calls in flight and all that it announced.
struct World {
    config: BreakerConfig,
    breaker: Breaker,
    now: Moment,
    /// The latest present that there was: time may run backwards.
    furthest: Moment,
    dice: u64,
    /// Each with its number.
    flight: Vec<(u64, Permit)>,
    admissions: u64,
    announced: Vec<Transition>,
    /// The number of the latest probe and when its lease ends, unless it was settled.
    probe: Option<(u64, Moment)>,
}

impl World {
    fn new(config: BreakerConfig, seed: u64) -> Self {
        Self {
            breaker: Breaker::new(config.clone()),
            config,
            now: Moment::ORIGIN + s(1_000),
            furthest: Moment::ORIGIN + s(1_000),
            dice: seed | 1,
            flight: Vec::new(),
            admissions: 0,
            announced: Vec::new(),
            probe: None,
        }
    }

    fn roll(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }

    fn lease(&self) -> Duration {
        self.config.settings.probe_lease
    }

    /// The longest that anybody is told to wait: for the end of an open delay or, in the slow start,
    /// for a step after this one. With the defaults the first, 60 s.
    fn longest_wait(&self) -> Duration {
        let settings = &self.config.settings;
        let ramp = settings.ramp_interval * (settings.ramp_steps + 1);
        settings.open_delay_limit.max(ramp)
    }

    fn announce(&mut self, transition: Option<Transition>) {
        if let Some(transition) = transition {
            let last = self.announced.last().map_or(State::Closed, |it| it.to);
            assert_eq!(
                transition.from, last,
                "each begins where the last one ended"
            );
            assert_ne!(transition.from, transition.to);
            self.announced.push(transition);
        }
    }

    fn admit(&mut self) -> Result<(), Moment> {
        let (now, roll) = (self.now, self.roll());
        let before = self.breaker.health(now);
        match self.breaker.admit_owned(now, roll) {
            Ok(permit) => {
                self.announce(permit.transition());
                if self.breaker.state(now) == State::HalfOpen {
                    let live = self.probe.filter(|(_, until)| now < *until);
                    assert_eq!(live, None, "two live probes");
                    self.probe = Some((self.admissions, now + self.lease()));
                }
                self.flight.push((self.admissions, permit));
                self.admissions += 1;
                Ok(())
            }
            Err(rejected) => {
                assert_eq!(
                    self.breaker.health(now),
                    before,
                    "a refusal changes nothing"
                );
                assert!(rejected.retry_at() > now, "a wait of zero would spin");
                assert!(
                    rejected.wait() <= self.longest_wait() || now < self.latest(),
                    "{rejected:?}"
                );
                Err(rejected.retry_at())
            }
        }
    }

    fn latest(&self) -> Moment {
        self.announced.last().map_or(Moment::ORIGIN, |it| it.at)
    }

    fn take(&mut self, index: usize) -> Option<Permit> {
        let (number, permit) =
            (index < self.flight.len()).then(|| self.flight.swap_remove(index))?;
        self.probe = self.probe.filter(|(probe, _)| *probe != number);
        Some(permit)
    }

    fn drop_all(&mut self) {
        let before = self.breaker.health(self.now);
        self.flight.clear();
        self.probe = None;
        let after = self.breaker.health(self.now);
        // Only the lease may be gone.
        assert_eq!(
            Health {
                retry_at: after.retry_at,
                ..before
            },
            after
        );
    }

    fn play(&mut self, event: &Event) {
        let (now, roll) = (self.now, self.roll());
        match event {
            Event::Admit => drop(self.admit()),
            Event::FirstContent(index) => {
                let transition = self
                    .flight
                    .get_mut(*index)
                    .and_then(|(_, permit)| permit.first_content(now, roll));
                self.announce(transition);
            }
            Event::Success(index) => {
                let transition = self
                    .take(*index)
                    .and_then(|permit| permit.success(now, roll));
                self.announce(transition);
            }
            Event::Failure(index, hint) => {
                let (kind, hint) = (ErrorKind::ServerError, hint.map(s));
                let transition = self
                    .take(*index)
                    .and_then(|permit| permit.failure(kind, hint, now, roll));
                self.announce(transition);
            }
            Event::Drop(index) => {
                let before = self.breaker.health(now);
                drop(self.take(*index));
                let after = self.breaker.health(now);
                assert_eq!(
                    Health {
                        retry_at: after.retry_at,
                        ..before
                    },
                    after
                );
            }
            Event::Pass(millis) => {
                self.now = now + ms(*millis);
                self.furthest = self.furthest.max(self.now);
            }
            Event::Back(millis) => {
                let back = u64::try_from(ms(*millis).as_nanos()).expect("small");
                self.now = Moment::from_nanos(now.as_nanos() - back);
            }
        }
        if self.breaker.state(self.now) != State::HalfOpen {
            self.probe = None;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_leaves_a_place_unreleased(
        config in configs(),
        events in events(),
        seed: u64,
    ) {
        let mut world = World::new(config, seed);
        for event in &events {
            world.play(event);
        }
        world.drop_all();
        let now = world.now.max(world.latest());
        world.now = now;
        match world.breaker.state(now) {
            State::Closed | State::HalfOpen => prop_assert!(world.admit().is_ok()),
            State::Open | State::Recovering => {
                let retry_at = world.admit().err().unwrap_or(now);
                world.now = retry_at;
                world.drop_all();
                prop_assert!(world.admit().is_ok());
            }
        }
    }

    #[test]
    fn traffic_resumes_within_lease_and_open_delay_once_the_server_is_well(
        config in configs(),
        events in events(),
        seed: u64,
    ) {
        let mut world = World::new(config, seed);
        for event in &events {
            world.play(event);
        }
        // The calls in flight hang for good; whoever comes now is answered at once, and whoever is
        // refused comes back when told to.
        let start = world.now.max(world.latest());
        world.now = start;
        // A lease that was given before time ran backwards lasts for so much longer; the defaults bear that.
        let behind = if world.config == BreakerConfig::default() {
            Duration::ZERO
        } else {
            start.until(world.furthest)
        };
        let most = world.lease() + world.config.settings.open_delay_limit + behind;
        // Who is told to come back a million times within that span is spared most of them here, but not
        // the last. The defaults have nobody come sooner.
        let (soonest, last) = (most / 10_000, start + most);
        let mut turns = 0_u32;
        while !matches!(world.breaker.state(world.now), State::Closed | State::Recovering) {
            match world.admit() {
                Ok(()) => {
                    let last = world.flight.len() - 1;
                    world.play(&Event::Success(last));
                }
                Err(retry_at) => world.now = retry_at.max(last.min(world.now + soonest)),
            }
            prop_assert!(world.now.since(start) <= most);
            // One that lets everybody through, and gets nowhere, must fail this test and not hang it.
            turns += 1;
            prop_assert!(turns <= 100_000);
        }
    }

    #[test]
    fn a_neutral_call_changes_no_health(config in configs(), events in events(), seed: u64) {
        let mut world = World::new(config, seed);
        for event in &events {
            world.play(event);
            let roll = world.roll();
            let before = world.breaker.health(world.now);
            if let Ok(permit) = world.breaker.admit_owned(world.now, roll) {
                world.announce(permit.transition());
                permit.neutral();
                // It took the place of a probe whose lease was over, if there was one.
                world.probe = None;
            }
            prop_assert_eq!(world.breaker.health(world.now), before);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_a_server_that_comes_and_goes_the_transitions_are_bounded(
        seed: u64,
        up in 500..8_000_u64,
        down in 500..8_000_u64,
    ) {
        let mut world = World::new(BreakerConfig::default(), seed);
        let start = world.now;
        while world.now.since(start) < s(300) {
            // 50 calls a second; each is answered at once, and the refused do not wait.
            let phase = u64::try_from(world.now.since(start).as_millis()).expect("small");
            let well = phase % (up + down) < up;
            if world.admit().is_ok() {
                world.play(&if well { Event::Success(0) } else { Event::Failure(0, None) });
            }
            world.now = world.now + ms(20);
        }
        // The first four delays are short; from the fifth on, each is 7.5 s at least, since the
        // circuit is never closed for long enough to forget.
        let rounds = world.announced.iter().filter(|it| it.to == State::Open).count();
        prop_assert!(rounds <= 4 + 300 * 10 / 75, "{rounds} openings in five minutes");
        prop_assert!(world.announced.len() <= 4 * rounds);
    }
}
