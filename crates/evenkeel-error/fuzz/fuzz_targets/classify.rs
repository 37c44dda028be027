//! Any status and any body, as a response and as an event: one classified error, on one line,
//! within its bounds, without the key.
#![no_main]

use std::time::SystemTime;

use evenkeel_error::{Error, Facts};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "sk-ant-api03-PLANTED";

fuzz_target!(|input: (u16, bool, Vec<u8>)| {
    let (status, page, mut body) = input;
    let mut headers = HeaderMap::new();
    let media = if page { "text/html" } else { "application/json" };
    headers.insert("content-type", HeaderValue::from_static(media));
    let facts = Facts::read(status, &headers, SystemTime::UNIX_EPOCH);
    check(&Error::from_event(&facts, &body));
    body.extend_from_slice(KEY.as_bytes());
    check(&Error::from_response(&facts, &body));
});

fn check(error: &Error) {
    let line = error.to_string();
    assert!(line.starts_with(error.label()) && !line.contains(char::is_control));
    let shown = format!("{error:?} {} {line}", error.report());
    assert!(!shown.contains(KEY));
    assert!(error.message().is_none_or(|message| message.len() <= 1024));
    assert!(error.body().is_none_or(|body| body.len() <= 2048));
    let log = serde_json::to_string(&error.including_body()).expect("plain data");
    assert!(!log.contains(KEY));
}
