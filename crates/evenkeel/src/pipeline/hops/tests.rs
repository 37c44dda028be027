use std::time::SystemTime;

use evenkeel_error::{Delivery, Facts};
use http::HeaderMap;

use super::*;
use crate::pipeline::Plan;

fn status(status: u16) -> Failure {
    let facts = Facts::read(status, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    Failure::from_response(&facts, b"")
}

fn timed_out(phase: Phase) -> Failure {
    Failure::timed_out(phase, Duration::from_secs(1))
}

fn hops() -> Hops {
    let client = crate::Client::with_transport(crate::nowhere::Nowhere)
        .build()
        .unwrap();
    let shared = client.shared();
    let options = Options::default();
    let request = evenkeel_messages::MessageRequest::new("second", 1).user("x");
    let plan = Plan::message(&shared, &request, crate::Fetch::Streamed, &options).unwrap();
    let hop = Hop {
        shared,
        plan,
        model: "second".to_owned(),
        options,
    };
    Hops::new("first", VecDeque::from([hop]))
}

#[test]
fn every_kind_of_failure_sends_a_call_on_or_not_as_the_table_says() {
    let open = || Failure::circuit_open(Duration::from_secs(1), ErrorKind::Overloaded);
    let cases: [(Failure, Option<Trigger>); 16] = [
        (open(), Some(Trigger::CircuitOpen)),
        (timed_out(Phase::Head), Some(Trigger::Silence)),
        (timed_out(Phase::FirstEvent), Some(Trigger::Silence)),
        (timed_out(Phase::Connect), None),
        (timed_out(Phase::ByteSilence), None),
        (timed_out(Phase::Progress), None),
        // Once only: see below.
        (status(529), None),
        (status(500), None),
        (status(429), None),
        (status(400), None),
        (status(401), None),
        (status(402), None),
        (status(403), None),
        (status(404), None),
        (status(413), None),
        (Failure::connection(Delivery::NotSent), None),
    ];
    for (failure, expected) in cases {
        assert_eq!(hops().trigger(&failure), expected, "{failure}");
        assert_eq!(
            Hops::default().trigger(&failure),
            None,
            "nowhere to go: {failure}"
        );
    }
}

#[test]
fn the_second_overload_in_a_row_sends_a_call_on() {
    let mut twice = hops();
    assert_eq!(twice.trigger(&status(529)), None);
    assert_eq!(twice.trigger(&status(529)), Some(Trigger::Overloaded));
    let mut apart = hops();
    assert_eq!(apart.trigger(&status(529)), None);
    assert_eq!(apart.trigger(&status(500)), None);
    assert_eq!(apart.trigger(&status(529)), None);
}

#[test]
fn a_hop_that_refuses_the_request_ends_the_call_with_what_was_met_before() {
    for (own, expected) in [(400, 529), (401, 529), (404, 529), (529, 529), (500, 500)] {
        let mut hops = hops();
        hops.before = Some((status(529), Stopped::Attempts));
        let (failure, _) = hops.verdict(status(own), Stopped::NotRecoverable);
        assert_eq!(failure.status(), Some(expected), "after {own}");
    }
    let (failure, _) = hops().verdict(status(400), Stopped::NotRecoverable);
    assert_eq!(
        failure.status(),
        Some(400),
        "a call that went nowhere keeps its own"
    );
}

#[test]
fn once_content_has_come_there_is_nowhere_to_go() {
    let mut hops = hops();
    hops.close();
    assert!(!hops.is_open());
    assert_eq!(hops.trigger(&timed_out(Phase::FirstEvent)), None);
}
