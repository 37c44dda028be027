//! What is printed of every kind, and what never is.
#![cfg(feature = "claude")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use evenkeel_error::{Delivery, Error, ErrorKind, Facts, Phase, Recovery};
use http::{HeaderMap, HeaderValue};

const KEY: &str = "sk-ant-api03-PLANTED";
const TOKEN: &str = "planted.token";
const IP: &str = "203.0.113.7";
const URL: &str = "https://planted.example/v1/messages?key=1";
const PROMPT: &str = "tell me about the planted garden";

/// What each of these answers is, on one line.
const WIRE: &[(u16, &str, &str)] = &[
    (
        429,
        "rate_limit_error",
        "rate_limited: status 429, type rate_limit_error, request id req_1",
    ),
    (
        402,
        "billing_error",
        "billing: status 402, type billing_error, request id req_1",
    ),
    (
        401,
        "authentication_error",
        "authentication: status 401, type authentication_error, request id req_1",
    ),
    (
        403,
        "permission_error",
        "permission_denied: status 403, type permission_error, request id req_1",
    ),
    (
        400,
        "invalid_request_error",
        "invalid_request: status 400, type invalid_request_error, request id req_1",
    ),
    (
        413,
        "request_too_large",
        "request_too_large: status 413, type request_too_large, request id req_1",
    ),
    (
        404,
        "not_found_error",
        "not_found: status 404, type not_found_error, request id req_1",
    ),
    (
        409,
        "conflict_error",
        "conflict: status 409, type conflict_error, request id req_1",
    ),
    (
        529,
        "overloaded_error",
        "overloaded: status 529, type overloaded_error, request id req_1",
    ),
    (
        500,
        "api_error",
        "server_error: status 500, type api_error, request id req_1",
    ),
    (
        502,
        "api_error",
        "bad_gateway: status 502, type api_error, request id req_1",
    ),
    (
        504,
        "timeout_error",
        "server_timeout: status 504, type timeout_error, request id req_1",
    ),
    (
        200,
        "api_error",
        "server_error: status 200, type api_error, request id req_1",
    ),
    (
        302,
        "novel_error",
        "protocol: status 302, type novel_error, request id req_1",
    ),
];

fn planted() -> String {
    format!("{PROMPT} {KEY} Bearer {TOKEN} {IP} {URL}")
}

fn wire(status: u16, error_type: &str, message: &str) -> Error {
    let mut headers = HeaderMap::new();
    headers.insert("request-id", HeaderValue::from_static("req_1"));
    headers.insert("server", HeaderValue::from_str(&planted()).unwrap());
    headers.insert("cf-ray", HeaderValue::from_static(KEY));
    headers.insert("authorization", HeaderValue::from_static(KEY));
    let facts = Facts::read(status, &headers, SystemTime::UNIX_EPOCH);
    let body = format!(
        r#"{{"type":"error","error":{{"type":"{error_type}","message":"{message}"}},"echo":"{}"}}"#,
        planted(),
    );
    Error::from_response(&facts, body.as_bytes()).with_source(planted())
}

fn every_kind() -> Vec<(Error, String)> {
    let planted = planted();
    let limit = Duration::from_millis(1500);
    let mut all: Vec<_> = WIRE
        .iter()
        .map(|&(status, name, line)| (wire(status, name, &planted), line.to_owned()))
        .collect();
    let quota = format!("You have reached your API usage limits. {planted}");
    let prompt = format!("prompt is too long: 2 tokens > 1 maximum {planted}");
    let local = [
        (
            wire(429, "rate_limit_error", &quota),
            "quota_exhausted: status 429, type rate_limit_error, request id req_1",
        ),
        (
            wire(400, "invalid_request_error", &prompt),
            "prompt_too_long: status 400, type invalid_request_error, request id req_1",
        ),
        (Error::connection(Delivery::Unknown), "connection"),
        (
            Error::timed_out(Phase::FirstEvent, limit),
            "timed_out: first_event after 1.5s",
        ),
        (Error::interrupted(), "interrupted"),
        (
            Error::protocol(format!("a page\n{KEY}")),
            "protocol: a page [key]",
        ),
        (
            Error::circuit_open(limit, ErrorKind::Overloaded),
            "circuit_open: opened by overloaded",
        ),
        (
            Error::deadline_exceeded(Delivery::NotSent),
            "deadline_exceeded",
        ),
        (
            Error::invalid_config("max_attempts", "must be 1 or more"),
            "invalid_config: max_attempts must be 1 or more",
        ),
    ];
    let local = local.map(|(error, line)| (error.with_source(planted.clone()), line.to_owned()));
    all.extend(local);
    all
}

#[test]
fn every_kind_prints_one_line_with_its_few_facts() {
    let mut kinds = BTreeSet::new();
    for (error, line) in every_kind() {
        assert_eq!(error.to_string(), line);
        kinds.insert(error.kind());
    }
    assert_eq!(
        kinds,
        ErrorKind::ALL.iter().copied().collect(),
        "a kind is not shown"
    );
}

#[test]
fn neither_display_nor_debug_shows_what_was_planted() {
    for (error, _) in every_kind() {
        for shown in [
            error.to_string(),
            format!("{error:?}"),
            format!("{error:#?}"),
        ] {
            for secret in [KEY, TOKEN, IP, URL, PROMPT] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}

#[test]
fn the_report_shows_the_servers_words_without_keys_tokens_and_addresses() {
    for (error, line) in every_kind() {
        let report = error.report().to_string();
        assert!(report.starts_with(&line), "{report}");
        assert!(report.contains(error.advice()), "{report}");
        for secret in [KEY, TOKEN, IP] {
            assert!(!report.contains(secret), "{report}");
        }
        assert!(!format!("{:?}", error.facts()).contains(KEY));
    }
}

#[test]
fn a_report_reads_like_this() {
    let mut headers = HeaderMap::new();
    headers.insert("request-id", HeaderValue::from_static("req_1"));
    let facts = Facts::read(429, &headers, SystemTime::UNIX_EPOCH);
    let body = r#"{"error":{"type":"rate_limit_error","message":"Too fast.\nSlow down.","details":{"error_code":"ramp_limit_exceeded"}}}"#;
    let error = Error::from_response(&facts, body.as_bytes()).with_source("the cause");
    assert_eq!(
        error.report().to_string(),
        "rate_limited: status 429, type rate_limit_error, request id req_1
  code: ramp_limit_exceeded
  message: Too fast.
    Slow down.
  caused by: the cause
  what to do: The load grew faster than the account may grow. Wait as long as the server says, then \
raise the load slowly.
  body: {\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Too fast.\\nSlow down.\",\"details\":{\"error_code\":\"ramp_limit_exceeded\"}}}",
    );
}

#[test]
fn a_failure_that_main_returns_says_in_debug_what_display_says_of_our_side() {
    let shown = |error: Error| {
        let all = format!("{error:?}");
        all.split_once(", status: None").unwrap().0.to_owned()
    };
    let limit = Duration::from_millis(1500);
    assert_eq!(
        shown(Error::invalid_config(
            "credential",
            "must be given:\nset ANTHROPIC_API_KEY"
        )),
        "Error { kind: InvalidConfig, message: \"credential must be given: set ANTHROPIC_API_KEY\", \
         recovery: Never, delivery: NotSent",
    );
    assert_eq!(
        shown(Error::connection(Delivery::NotSent).with_message("cannot connect to localhost:1")),
        "Error { kind: Connection, message: \"cannot connect to localhost:1\", recovery: BackOff, \
         delivery: NotSent",
    );
    assert_eq!(
        shown(Error::timed_out(Phase::Connect, limit).with_message("not said in Display")),
        "Error { kind: TimedOut, phase: Connect, limit: 1.5s, recovery: BackOff, delivery: NotSent",
    );
    assert_eq!(
        shown(Error::circuit_open(limit, ErrorKind::Overloaded).with_recovery(Recovery::Never)),
        "Error { kind: CircuitOpen, opened_by: Overloaded, recovery: Never, delivery: NotSent",
    );
    let server = wire(302, "novel_error", "the server's words");
    assert!(!format!("{server:?}").contains("the server's words"));
}

#[test]
fn a_report_does_not_say_our_own_words_twice() {
    let error = Error::invalid_config("max_attempts", "must be 1 or more");
    let report = error.report().to_string();
    let (line, rest) = report.split_once('\n').unwrap();
    assert_eq!(line, "invalid_config: max_attempts must be 1 or more");
    assert!(rest.starts_with("  what to do: "), "{report}");
    // Of other kinds the line has no words.
    let error = Error::timed_out(Phase::Connect, Duration::from_secs(1)).with_message("by a proxy");
    assert!(
        error
            .report()
            .to_string()
            .contains("\n  message: by a proxy\n")
    );
}

#[test]
fn what_is_kept_is_bounded_and_cut_between_characters() {
    let facts = Facts::read(500, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let error = Error::from_response(&facts, "é".repeat(100_000).as_bytes());
    assert_eq!(error.body().map(str::len), Some(2048));
    assert_eq!(error.message().map(str::len), Some(256));
    let odd = Error::from_response(&facts, format!("x{}", "é".repeat(100_000)).as_bytes());
    assert_eq!(odd.body().map(str::len), Some(2047));
}

#[cfg(feature = "serde")]
#[test]
fn a_log_has_stable_names_nulls_for_what_is_absent_and_no_body_unless_asked() {
    let facts = Facts::read(529, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let error = Error::from_response(&facts, br#"{"error":{"type":"overloaded_error"}}"#);
    let advice = error.advice();
    let expected = format!(
        r#"{{"kind":"overloaded","category":"server","recovery":"back_off_long","delivery":"answered","status":529,"type":"overloaded_error","code":null,"message":null,"request_id":null,"cf_ray":null,"retry_at":null,"after_ms":null,"advice":"{advice}"}}"#,
    );
    assert_eq!(serde_json::to_string(&error).unwrap(), expected);
    let whole = serde_json::to_value(error.including_body()).unwrap();
    assert_eq!(whole["body"], r#"{"error":{"type":"overloaded_error"}}"#);
}

#[cfg(feature = "serde")]
#[test]
fn a_log_says_when_in_utc_and_how_long_in_milliseconds() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after-ms", HeaderValue::from_static("1500"));
    let received = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_341_600);
    let error = Error::from_response(&Facts::read(429, &headers, received), b"");
    let log = serde_json::to_value(&error).unwrap();
    assert_eq!(log["retry_at"], "2026-11-22T10:00:01.500Z");
    assert_eq!(log["after_ms"], 1500);
}

#[cfg(feature = "serde")]
#[test]
fn no_log_shows_a_key_a_token_or_an_address() {
    for (error, _) in every_kind() {
        let log = serde_json::to_string(&error.including_body()).unwrap();
        for secret in [KEY, TOKEN, IP] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}
