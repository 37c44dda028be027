//! What a failure costs the allocator.
#![cfg(feature = "claude")]

use std::time::SystemTime;

use allocation_counter::measure;
use evenkeel_error::{Delivery, Error, Facts};
use http::HeaderMap;

#[test]
fn a_failure_without_a_body_allocates_its_own_box_and_nothing_else() {
    let facts = Facts::read(529, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let from_wire = measure(|| drop(Error::from_response(&facts, b"")));
    assert_eq!(from_wire.count_total, 1);
    let local = measure(|| drop(Error::connection(Delivery::NotSent)));
    assert_eq!(local.count_total, 1);
}

#[test]
fn a_failure_with_a_body_also_allocates_its_message_and_the_kept_body() {
    let facts = Facts::read(529, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let counted = measure(|| drop(Error::from_response(&facts, body)));
    assert_eq!(counted.count_total, 3);
}
