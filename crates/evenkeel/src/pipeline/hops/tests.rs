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

/// A refusal with a body of its own.
fn said(status: u16, kind: &str, message: &str, code: &str) -> Failure {
    let body = format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}","details":{{"error_code":"{code}"}}}}}}"#
    );
    let facts = Facts::read(status, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    Failure::from_response(&facts, body.as_bytes())
}

/// An error inside a stream whose head was a success.
fn inside(kind: &str) -> Failure {
    let facts = Facts::read(200, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let data = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"x"}}}}"#);
    Failure::from_event(&facts, data.as_bytes())
}

fn page(status: u16) -> Failure {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "text/html".parse().unwrap());
    let facts = Facts::read(status, &headers, SystemTime::UNIX_EPOCH);
    Failure::from_response(&facts, b"<html>")
}

#[test]
fn every_kind_of_failure_sends_a_call_on_or_not_as_the_table_says() {
    let open = || Failure::circuit_open(Duration::from_secs(1), ErrorKind::Overloaded);
    let cap = "enforced_spend_limit_reached";
    let long = "prompt is too long: 200001 tokens > 200000 maximum";
    let of_request = "invalid_request_error";
    let cases = [
        (open(), Some(Trigger::CircuitOpen)),
        (timed_out(Phase::Head), Some(Trigger::Silence)),
        (timed_out(Phase::FirstEvent), Some(Trigger::Silence)),
        (timed_out(Phase::Connect), None),
        (timed_out(Phase::Refresh), None),
        (timed_out(Phase::ByteSilence), None),
        (timed_out(Phase::Progress), None),
        // Once only: see below.
        (status(529), None),
        (inside("overloaded_error"), None),
        (said(500, "api_error", "Overloaded", ""), None),
        (status(500), None),
        (status(503), None),
        (inside("api_error"), None),
        (page(502), None),
        (page(520), None),
        (status(504), None),
        (status(408), None),
        (inside("timeout_error"), None),
        (status(429), None),
        (inside("rate_limit_error"), None),
        (Failure::rate_limited(Duration::from_secs(1)), None),
        (said(429, "rate_limit_error", "x", cap), None),
        (said(400, of_request, "x", cap), None),
        (status(400), None),
        (said(400, of_request, long, ""), None),
        (status(401), None),
        (status(402), None),
        (status(403), None),
        (status(404), None),
        (status(409), None),
        (status(413), None),
        (Failure::connection(Delivery::NotSent), None),
        (Failure::connection(Delivery::Unknown), None),
        (Failure::returned_unsent(), None),
        (Failure::untrusted(Delivery::NotSent), None),
        (Failure::interrupted(), None),
        (Failure::protocol("x"), None),
        (Failure::deadline_exceeded(Delivery::Unknown), None),
        (Failure::invalid_config("x", "must not be"), None),
    ];
    for kind in ErrorKind::ALL {
        let is_here = cases.iter().any(|(failure, _)| failure.kind() == *kind);
        assert!(is_here, "no case of {}", kind.label());
    }
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
    let overloads = [
        status(529),
        inside("overloaded_error"),
        said(500, "api_error", "Overloaded", ""),
    ];
    for (first, second) in overloads.iter().zip(overloads.iter().cycle().skip(1)) {
        let mut mixed = hops();
        assert_eq!(mixed.trigger(first), None, "{first}");
        let on = mixed.trigger(second);
        assert_eq!(on, Some(Trigger::Overloaded), "{first}, then {second}");
    }
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
