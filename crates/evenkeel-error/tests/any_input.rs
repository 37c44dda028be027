//! Whatever arrives is a classified error and nothing panics.
#![cfg(feature = "claude")]

use std::time::{Duration, SystemTime};

use evenkeel_error::{Error, Facts, FieldPath};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

const READ: &[&str] = &[
    "date",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "request-id",
    "cf-ray",
    "content-type",
    "anthropic-organization-id",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-fast-output-tokens-remaining",
];
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Bytes that a header may hold, and bytes that look like what is parsed.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let dates = "(Sun|Mon|Sunday),? ?[0-9]{1,2}[ -](Nov|Feb)[ -][0-9]{2,4} [0-9:]{5,8} ?(GMT|UTC)?";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[-+0-9.eEinfNa]{0,24}".prop_map(String::into_bytes),
        dates.prop_map(String::into_bytes),
        "[0-9]{1,5}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,12}Z".prop_map(String::into_bytes),
    ]
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let pair = (proptest::sample::select(READ), value());
    proptest::collection::vec(pair, 0..12).prop_map(|pairs| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers
    })
}

/// Any bytes, and pieces of what the API, its edge and its messages look like.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::sample::select(vec![
        r#"{"type":"error","error":{"#,
        r#""type":"rate_limit_error","#,
        r#""message":"You have reached your API usage limits. 2026-12-"#,
        r#"01 at 00:00 UTC","#,
        r#""details":{"error_code":"image_dimensions_too_large","paths":["a.0"#,
        r#""],"max_side_length_pixels":1e99}"#,
        r#""prompt is too long: 99999999999999999999 tokens > "#,
        r#""retry_after":-1e309,"cloudflare_error":true,"#,
        "}}",
        "[[[[",
        "\\u00",
        "\\",
        "\"",
        "<title>",
        "</title",
        "sk-ant-api03-x",
        "Bearer ",
        "203.0.113.7:",
        "::1",
        "é",
    ]);
    let built = proptest::collection::vec(pieces, 0..12).prop_map(|parts| parts.concat().into());
    let cut = (built, 0usize..400).prop_map(|(mut bytes, length): (Vec<u8>, _)| {
        bytes.truncate(length);
        bytes
    });
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), cut]
}

/// Everything that can be asked of an error.
fn ask(error: &Error) {
    let line = error.to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.starts_with(error.label()));
    let _ = format!("{error:?} {}", error.report());
    let _ = (error.retry_at(), error.path().map(FieldPath::pointer));
    assert!(error.message().is_none_or(|message| message.len() <= 1024));
    assert!(error.body().is_none_or(|body| body.len() <= 2048));
    assert!(
        error
            .body()
            .is_none_or(|body| !body.contains("sk-ant-api03-x"))
    );
    assert!(error.retry_after().is_none_or(|wait| wait <= YEAR));
    assert!(!error.advice().is_empty());
}

proptest! {
    #[test]
    fn any_answer_is_a_classified_error(
        status in 0u16..1100, headers in headers(), body in body(), seconds in any::<u32>(),
    ) {
        let received = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
        let facts = Facts::read(status, &headers, received);
        ask(&Error::from_response(&facts, &body));
        ask(&Error::from_event(&facts, &body));
    }

    #[test]
    fn a_whole_envelope_is_read_as_any_json_reader_reads_it(
        error_type in "[a-z_]{1,40}", code in "[a-z_]{1,40}", id in "req_[A-Za-z0-9]{1,30}",
        message in r#"[a-zé日 "\\/\n\t{}\[\],]{1,80}"#,
    ) {
        let body = serde_json::json!({
            "type": "error",
            "error": { "type": error_type, "message": message, "details": { "error_code": code } },
            "request_id": id,
        });
        let facts = Facts::read(418, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
        let error = Error::from_response(&facts, body.to_string().as_bytes());
        prop_assert_eq!(error.error_type(), Some(error_type.as_str()).filter(|&it| it != "error"));
        prop_assert_eq!(error.code(), Some(code.as_str()));
        prop_assert_eq!(error.request_id(), Some(id.as_str()));
        prop_assert_eq!(error.message().unwrap_or_default(), message.trim());
    }

    #[test]
    fn any_wait_is_a_plausible_one_or_none(header in 1usize..3, value in value(), date in value()) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(READ[header], &value), (READ[0], &date)] {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let facts = Facts::read(429, &headers, SystemTime::UNIX_EPOCH);
        prop_assert!(facts.retry_after().is_none_or(|wait| wait <= YEAR));
    }

    #[test]
    fn any_text_is_a_path_or_none(text in "[a-z0-9_.\\[\\]: ]{0,40}|.{0,40}") {
        if let Some(path) = FieldPath::parse(&text) {
            prop_assert_eq!(FieldPath::parse(&path.to_string()), Some(path.clone()));
            prop_assert_eq!(path.pointer().matches('/').count(), path.segments().len());
        }
        let _ = FieldPath::named_by(&text);
    }
}
