//! Any wait, read against any date: a plausible one or none.
#![no_main]

use std::time::{Duration, SystemTime};

use evenkeel_error::Facts;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let mut headers = HeaderMap::new();
    for (name, value) in [("retry-after", input.0), ("retry-after-ms", input.1), ("date", input.2)]
    {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let facts = Facts::read(429, &headers, SystemTime::UNIX_EPOCH);
    assert!(facts.retry_after().is_none_or(|wait| wait <= YEAR));
});
