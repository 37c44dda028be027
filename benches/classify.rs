//! What it costs to make a typed error of an answer, against what `serde_json` needs to read the
//! bare struct in the same run.

use std::hint::black_box;
use std::time::SystemTime;

use criterion::{Criterion, criterion_group, criterion_main};
use evenkeel_error::{Error, Facts};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;

const OVERLOADED: &[u8] = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":null},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#;
const INVALID: &[u8] = br#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.3.content.1: Invalid `signature` in `thinking` block. The block is bound to a different conversation.","details":null},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#;

/// The least that a client could read, borrowed.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct Borrowed<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    error: BorrowedError<'a>,
    request_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct BorrowedError<'a> {
    r#type: &'a str,
    message: &'a str,
}

/// The same, as one keeps it.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct Owned {
    r#type: String,
    error: OwnedError,
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct OwnedError {
    r#type: String,
    message: String,
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("date", "Sun, 22 Nov 2026 10:00:00 GMT"),
        ("content-type", "application/json"),
        ("content-length", "137"),
        ("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
        ("cf-ray", "8f1e2d3c4b5a6978-FRA"),
        ("server", "cloudflare"),
        ("x-should-retry", "true"),
        (
            "anthropic-organization-id",
            "0f5e0c2e-9f3b-4f0e-8a53-3f6f0a1b2c3d",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

fn classify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("classify");
    let headers = headers();
    let facts = Facts::read(529, &headers, SystemTime::UNIX_EPOCH);
    group.bench_function("529_json/serde_json_borrowed", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Borrowed<'_>>(black_box(OVERLOADED)));
    });
    group.bench_function("529_json/serde_json_owned", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Owned>(black_box(OVERLOADED)));
    });
    group.bench_function("529_json/evenkeel", |bencher| {
        bencher.iter(|| Error::from_response(black_box(&facts), black_box(OVERLOADED)));
    });
    group.bench_function("529_empty/evenkeel", |bencher| {
        bencher.iter(|| Error::from_response(black_box(&facts), black_box(b"")));
    });
    let refused = Facts::read(400, &headers, SystemTime::UNIX_EPOCH);
    group.bench_function("400_json/evenkeel", |bencher| {
        bencher.iter(|| Error::from_response(black_box(&refused), black_box(INVALID)));
    });
    let page = format!(
        "<html><title>502</title>{}",
        "<p>203.0.113.7</p>".repeat(400)
    );
    group.bench_function("502_page/evenkeel", |bencher| {
        bencher.iter(|| Error::from_response(black_box(&facts), black_box(page.as_bytes())));
    });
    group.bench_function("head/evenkeel", |bencher| {
        bencher.iter(|| Facts::read(529, black_box(&headers), SystemTime::UNIX_EPOCH));
    });
    group.finish();
}

criterion_group!(benches, classify);
criterion_main!(benches);
