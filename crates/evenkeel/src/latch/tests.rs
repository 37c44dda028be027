use proptest::prelude::*;

use super::*;

const FROM: u64 = 0;

fn at(secs: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(secs)
}

fn open() -> Latch<&'static str> {
    Latch::new(NonZeroU32::MIN)
}

/// Refused at 100 s by "first"; the lowest roll puts the next probe at 130 s.
fn set() -> Latch<&'static str> {
    let mut latch = open();
    let refusal = latch.refused(at(99), None, at(100), FROM, || "first");
    assert_eq!(refusal, Refusal::Sets);
    latch
}

/// As [`set`], with a probe out since 130 s.
fn probing() -> (Latch<&'static str>, Probe) {
    let mut latch = set();
    let Passage::Probe(probe) = latch.pass(at(130), FROM) else {
        panic!("a probe is due");
    };
    (latch, probe)
}

/// As [`set`], lifted at 200 s.
fn lifted() -> Latch<&'static str> {
    let mut latch = set();
    assert_eq!(
        latch.accepted(at(200), at(200)),
        Some(Duration::from_secs(100))
    );
    latch
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    // A call asks.
    assert_eq!(open().pass(at(1), FROM), Passage::Free);
    assert_eq!(set().pass(at(129), FROM), Passage::Refused(&"first"));
    assert!(matches!(set().pass(at(130), FROM), Passage::Probe(_)));
    assert_eq!(probing().0.pass(at(131), FROM), Passage::Refused(&"first"));
    assert!(matches!(probing().0.pass(at(160), FROM), Passage::Probe(_)));
    assert_eq!(lifted().pass(at(200), FROM), Passage::Free);
    // A request is refused.
    let refuse = |mut latch: Latch<_>, sent, probe| {
        latch.refused(at(sent), probe, at(300), FROM, || "second")
    };
    assert_eq!(refuse(open(), 299, None), Refusal::Sets);
    assert_eq!(refuse(set(), 299, None), Refusal::Confirms);
    let (latch, probe) = probing();
    assert_eq!(refuse(latch, 130, Some(probe)), Refusal::Confirms);
    assert_eq!(refuse(lifted(), 199, None), Refusal::Stale);
    assert_eq!(refuse(lifted(), 200, None), Refusal::Sets);
    // A request succeeds.
    let lasted = Some(Duration::from_secs(200));
    assert_eq!(open().accepted(at(300), at(300)), None);
    assert_eq!(set().accepted(at(300), at(300)), lasted);
    assert_eq!(set().accepted(at(99), at(300)), lasted, "sent no earlier");
    assert_eq!(probing().0.accepted(at(300), at(300)), lasted);
    assert_eq!(lifted().accepted(at(300), at(300)), None);
    // A probe is given up unsent.
    let (mut latch, probe) = probing();
    latch.returned(probe, at(131));
    assert!(matches!(latch.pass(at(131), FROM), Passage::Probe(_)));
    let (_, probe) = probing();
    for mut latch in [open(), lifted()] {
        latch.returned(probe, at(300));
        assert_eq!(latch.pass(at(300), FROM), Passage::Free);
    }
}

#[test]
fn the_latest_refusal_is_the_one_that_is_told() {
    let mut latch = set();
    let _ = latch.refused(at(100), None, at(101), FROM, || "second");
    assert_eq!(latch.pass(at(102), FROM), Passage::Refused(&"second"));
}

#[test]
fn a_probe_of_an_earlier_refusal_neither_returns_nor_slows_a_later_one() {
    let (mut latch, old) = probing();
    latch.accepted(at(140), at(140));
    let _ = latch.refused(at(141), None, at(150), FROM, || "again");
    latch.returned(old, at(151));
    assert_eq!(latch.pass(at(151), FROM), Passage::Refused(&"again"));
    let _ = latch.refused(at(141), Some(old), at(152), FROM, || "again");
    assert!(matches!(latch.pass(at(180), FROM), Passage::Probe(_)));
}

#[test]
fn the_success_of_what_was_sent_before_the_refusal_lifts_nothing() {
    for mut latch in [set(), probing().0] {
        // A long stream, begun before the credit ended.
        assert_eq!(latch.accepted(at(98), at(131)), None);
        assert_eq!(latch.pass(at(129), FROM), Passage::Refused(&"first"));
    }
    // What is refused later counts from when it was sent.
    let (mut latch, probe) = probing();
    let _ = latch.refused(at(130), Some(probe), at(135), FROM, || "again");
    assert_eq!(latch.accepted(at(129), at(140)), None);
    let lasted = Some(Duration::from_secs(40));
    assert_eq!(latch.accepted(at(130), at(140)), lasted);
}

#[test]
fn the_intervals_grow_from_half_a_minute_to_five() {
    let bounds = |refused| {
        let of = |roll| interval(refused, roll, NonZeroU32::MIN).as_secs();
        // 60,000 ms and so on: the largest remainder is the middle itself.
        let middle = (of(0) * 2) * 1_000;
        (of(0), of(middle))
    };
    assert_eq!(bounds(0), (30, 90));
    assert_eq!(bounds(1), (60, 180));
    assert_eq!(bounds(2), (100, 300));
    for refused in [3, 31, 32, u32::MAX] {
        assert_eq!(bounds(refused), (100, 300));
    }
}

proptest! {
    #[test]
    fn at_most_one_call_each_half_minute_passes_while_it_is_set(
        asks in proptest::collection::vec((0_u64..40, any::<u64>()), 1..200),
    ) {
        let mut latch = set();
        let mut now = at(100);
        let mut last = at(100);
        for (step, roll) in asks {
            now = now + Duration::from_secs(step);
            if let Passage::Probe(probe) = latch.pass(now, roll) {
                prop_assert!(now.since(last) >= Duration::from_secs(30));
                last = now;
                let refusal = latch.refused(now, Some(probe), now, roll, || "again");
                prop_assert_eq!(refusal, Refusal::Confirms);
            } else {
                prop_assert!(now.since(last) <= Duration::from_secs(300));
            }
        }
    }
}
