//! Any headers: facts, and an error that prints nothing of them but ids.
#![no_main]

use std::time::{Duration, SystemTime};

use evenkeel_error::{Error, Facts};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const READ: &[&str] = &[
    "date",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "request-id",
    "cf-ray",
    "x-amzn-requestid",
    "content-type",
    "server",
    "anthropic-organization-id",
    "anthropic-workspace-id",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-priority-output-tokens-limit",
    "anthropic-fast-output-tokens-remaining",
];

fuzz_target!(|input: (u16, u32, Vec<(u8, Vec<u8>)>)| {
    let (status, received, pairs) = input;
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().take(64) {
        let name = READ[usize::from(*name) % READ.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let received = SystemTime::UNIX_EPOCH + Duration::from_secs(received.into());
    let facts = Facts::read(status, &headers, received);
    let _ = format!("{facts:?}");
    let error = Error::from_response(&facts, b"");
    assert!(!error.to_string().contains(char::is_control));
    assert!(!format!("{error} {facts:?}").contains("sk-ant-"));
    let _ = error.retry_at();
});
