//! Answers that were seen in the wild, each with what a client must make of it.
#![cfg(feature = "claude")]

use std::time::{Duration, SystemTime};

use evenkeel_error::{
    Category, Delivery, Detail, Error, ErrorKind, Facts, Hint, Pace, Recoverable, Recovery,
};
use http::{HeaderMap, HeaderName, HeaderValue};

const OVERLOADED: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#;
const PAGE_520: &str = "<!DOCTYPE html>\n<html>\n<head>\n<title>api.anthropic.com | 520: Web server \
    is returning an unknown error</title>\n</head>\n<body>Your IP: 203.0.113.7</body>\n</html>";

fn facts(status: u16, headers: &[(&'static str, &'static str)]) -> Facts {
    let pairs = headers.iter().map(|&(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    Facts::read(
        status,
        &pairs.collect::<HeaderMap>(),
        SystemTime::UNIX_EPOCH,
    )
}

fn respond(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Error {
    Error::from_response(&facts(status, headers), body.as_bytes())
}

#[test]
fn who_meets_the_wrong_server_is_sent_to_the_base_url_first_and_to_an_id_if_there_is_one() {
    let error = respond(501, &[("server", "SimpleHTTP/0.6")], "<title>Error</title>");
    assert_eq!(error.to_string(), "bad_gateway: status 501");
    assert_eq!(
        error.advice(),
        "The network edge answered for the API, which may or may not have processed the request. A \
         retry usually helps; if it persists, check the base URL and any proxy; quote the cf-ray id \
         if there is one."
    );
}

#[test]
fn a_request_that_did_not_arrive_in_time_blames_the_caller_and_a_late_reply_the_server() {
    let code = r#"{"type":"error","error":{"type":"invalid_request_error","message":"x","details":{"error_code":"request_body_timeout"}}}"#;
    for (error, blames_caller) in [
        (respond(408, &[], ""), true),
        (respond(400, &[], code), true),
        (respond(504, &[], ""), false),
        (respond(529, &[], OVERLOADED), false),
    ] {
        assert_eq!(error.blames_caller(), blames_caller, "{error}");
    }
    let late = respond(408, &[], "");
    assert_eq!(late.kind(), ErrorKind::ServerTimeout);
}

#[test]
fn a_529_is_overload_and_waits_long() {
    let error = respond(529, &[], OVERLOADED);
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.category(), Category::Server);
    assert_eq!(error.recovery(), Recovery::BackOffLong);
    assert_eq!(error.delivery(), Delivery::Answered);
    assert_eq!(error.request_id(), Some("req_011CSHoEeqs5C35K2UUqR7Fy"));
}

#[test]
fn a_429_spend_cap_is_never_retried_and_is_for_a_person() {
    let error = respond(
        429,
        &[],
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"You have reached your API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
    );
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
    assert_eq!(error.category(), Category::Authentication);
    assert_eq!(error.recovery(), Recovery::Never);
    let first_of_december = SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_083_200);
    assert_eq!(error.retry_at(), Some(first_of_december));
    assert_eq!(error.retry_after(), None);
}

#[test]
fn a_400_about_the_credit_balance_is_billing() {
    let error = respond(
        400,
        &[],
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#,
    );
    assert_eq!(error.kind(), ErrorKind::Billing);
    assert_eq!(error.category(), Category::Authentication);
    assert!(error.advice().contains("Billing"));
}

#[test]
fn a_520_page_is_a_bad_gateway_on_one_line_with_its_ray() {
    let headers = [
        ("content-type", "text/html"),
        ("cf-ray", "8f1e2d3c4b5a6978-FRA"),
    ];
    let error = respond(520, &headers, PAGE_520);
    assert_eq!(error.kind(), ErrorKind::BadGateway);
    assert_eq!(error.delivery(), Delivery::Unknown);
    assert_eq!(
        error.to_string(),
        "bad_gateway: status 520, cf-ray 8f1e2d3c4b5a6978-FRA"
    );
    assert!(!error.report().to_string().contains("203.0.113.7"));
}

#[test]
fn a_413_page_is_a_request_too_large() {
    let page = "<html><head><title>413 Request Entity Too Large</title></head></html>";
    let error = respond(413, &[("content-type", "text/html")], page);
    assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
    assert_eq!(error.recovery(), Recovery::Never);
}

#[test]
fn a_403_challenge_page_is_permission_denied_with_advice_about_the_network() {
    let page = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>";
    let error = respond(403, &[("content-type", "text/html; charset=UTF-8")], page);
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.advice().contains("proxy"));
}

#[test]
fn an_overloaded_event_in_a_200_keeps_the_status_and_its_own_type() {
    let facts = facts(200, &[("request-id", "req_head")]);
    let error = Error::from_event(&facts, OVERLOADED.as_bytes());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.status(), Some(200));
    assert_eq!(error.error_type(), Some("overloaded_error"));
    assert_eq!(error.request_id(), Some("req_head"));
    assert_eq!(error.recovery(), Recovery::BackOffLong);
}

#[test]
fn a_500_saying_overloaded_is_overload() {
    let body = r#"{"type":"error","error":{"type":"api_error","message":"Overloaded"}}"#;
    assert_eq!(respond(500, &[], body).kind(), ErrorKind::Overloaded);
}

#[test]
fn retry_after_is_read_in_every_form_and_nonsense_is_no_hint() {
    let wait = |value: &'static str| respond(429, &[("retry-after", value)], "").retry_after();
    assert_eq!(wait("20"), Some(Duration::from_secs(20)));
    assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
    assert_eq!(wait("0"), Some(Duration::ZERO));
    for nonsense in ["-1", "inf", "1e300", "NaN", "soon", ""] {
        assert_eq!(wait(nonsense), None, "{nonsense:?}");
    }
}

#[test]
fn a_date_is_read_against_the_servers_own_clock() {
    let headers = [
        ("date", "Sun, 22 Nov 2026 11:00:00 GMT"),
        ("retry-after", "Sun, 22 Nov 2026 11:00:30 GMT"),
    ];
    let error = respond(429, &headers, "");
    let wait = Duration::from_secs(30);
    assert_eq!(
        error.recovery(),
        Recovery::After {
            wait,
            hint: Hint::Limit
        }
    );
    assert_eq!(error.retry_at(), Some(SystemTime::UNIX_EPOCH + wait));
}

#[test]
fn milliseconds_win_over_seconds() {
    let headers = [("retry-after", "60"), ("retry-after-ms", "1500")];
    let error = respond(429, &headers, "");
    assert_eq!(error.retry_after(), Some(Duration::from_millis(1500)));
}

#[test]
fn a_hint_on_trouble_is_a_floor_and_not_free() {
    let error = respond(529, &[("retry-after", "5")], OVERLOADED);
    let wait = Duration::from_secs(5);
    assert_eq!(
        error.recovery(),
        Recovery::After {
            wait,
            hint: Hint::Trouble(Pace::Long)
        }
    );
}

#[test]
fn the_server_may_ask_for_two_more_tries_of_a_refusal_but_not_of_a_bill() {
    let yes = [("x-should-retry", "true")];
    let refusal = respond(400, &yes, "");
    assert_eq!(refusal.recovery(), Recovery::BackOff);
    assert_eq!(refusal.repeats(), Some(2));
    assert_eq!(respond(402, &yes, "").recovery(), Recovery::Never);
    assert_eq!(
        respond(529, &[("x-should-retry", "false")], "").recovery(),
        Recovery::Never
    );
}

#[test]
fn successes_state_their_limits_too() {
    let headers = [("anthropic-ratelimit-input-tokens-remaining", "1999000")];
    let facts = facts(200, &headers);
    let limit = facts.rate_limits().and_then(|limits| limits.input_tokens);
    assert_eq!(limit.and_then(|limit| limit.remaining), Some(1_999_000));
}

#[test]
fn the_date_of_a_failure_without_a_response_is_the_callers() {
    let error = Error::circuit_open(Duration::from_secs(4), ErrorKind::Overloaded);
    assert_eq!(error.retry_at(), None);
    let error = error.with_seen_at(SystemTime::UNIX_EPOCH);
    assert_eq!(
        error.retry_at(),
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(4))
    );
}

#[test]
fn a_title_of_several_lines_is_one_line() {
    let page = b"<html><head><title>\n  502: Bad gateway\n  host.example</title></head></html>";
    let facts = Facts::read(502, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
    let error = Error::from_response(&facts, page);
    assert_eq!(error.message(), Some("502: Bad gateway"));
}

#[test]
fn a_redirect_is_not_retried_whatever_its_body_says() {
    for (error_type, headers) in [
        ("api_error", &[][..]),
        ("overloaded_error", &[("retry-after", "1")][..]),
        ("invalid_request_error", &[("x-should-retry", "true")][..]),
    ] {
        let body = format!(r#"{{"type":"error","error":{{"type":"{error_type}","message":"x"}}}}"#);
        let error = respond(307, headers, &body);
        assert_eq!(
            (error.kind(), error.recovery()),
            (ErrorKind::Protocol, Recovery::Never)
        );
    }
}

#[test]
fn an_entry_of_a_list_that_is_no_text_hides_nothing_behind_it() {
    for list in [r#""paths":[null,"a"]"#, r#""unsupported":[{"name":"x"}]"#] {
        let body = format!(
            r#"{{"error":{{"details":{{{list},"error_code":"enforced_spend_limit_reached"}},"message":"You have reached your API usage limits","type":"rate_limit_error"}}}}"#
        );
        let error = respond(429, &[], &body);
        assert_eq!(
            (error.kind(), error.recovery()),
            (ErrorKind::QuotaExhausted, Recovery::Never)
        );
    }
}

#[test]
fn half_a_surrogate_hides_nothing() {
    let body = r#"{"type":"error","error":{"message":"Your credit balance is too low \ud83d","type":"invalid_request_error"}}"#;
    let error = respond(400, &[], body);
    assert_eq!(error.kind(), ErrorKind::Billing);
    assert_eq!(error.error_type(), Some("invalid_request_error"));
    let whole =
        r#"{"type":"error","error":{"message":"\\ud83d \ud83d\ude00 \ud83d","type":"api_error"}}"#;
    assert_eq!(
        respond(500, &[], whole).message(),
        Some("\\ud83d 😀 \u{fffd}")
    );
}

#[test]
fn credentials_of_every_scheme_are_scrubbed() {
    for header in [
        "AWS4-HMAC-SHA256 Credential=PLANTED, SignedHeaders=host, Signature=PLANTED",
        "Token PLANTED",
        "Negotiate PLANTED",
        "bearer\tPLANTED",
    ] {
        let body = format!("proxy saw Authorization: {header}\nand gave up");
        let error = respond(502, &[("content-type", "text/plain")], &body);
        let printed = format!(
            "{error} {} {:?} {:?}",
            error.report(),
            error.message(),
            error.body()
        );
        assert!(!printed.contains("PLANTED"), "{printed}");
        assert!(printed.contains("gave up"), "{printed}");
    }
}

#[test]
fn tokens_by_other_names_are_scrubbed_and_counts_of_tokens_are_not() {
    for body in [
        r#"{"accessToken":"PLANTED"}"#,
        r#"{"token":"PLANTED"}"#,
        "refreshToken=PLANTED",
    ] {
        let error = respond(502, &[], body);
        assert!(
            !format!("{} {:?}", error.report(), error.body()).contains("PLANTED"),
            "{body}"
        );
    }
    let counted = respond(502, &[], r#"{"token": 12, "tokens": 34}"#);
    assert_eq!(counted.body(), Some(r#"{"token": 12, "tokens": 34}"#));
}

#[test]
fn numbers_in_a_message_are_read_in_their_places_or_not_at_all() {
    for (said, actual, maximum) in [
        (
            "209,752 tokens > 200,000 maximum",
            Some(209_752),
            Some(200_000),
        ),
        (
            "99999999999999999999 tokens > 200000 maximum",
            None,
            Some(200_000),
        ),
    ] {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"prompt is too long: {said}"}}}}"#
        );
        let error = respond(400, &[], &body);
        assert_eq!(error.kind(), ErrorKind::PromptTooLong);
        assert_eq!(*error.detail(), Detail::PromptTooLong { actual, maximum });
    }
}

#[test]
fn a_moment_that_a_cap_states_in_full_is_not_taken_for_its_day() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"You have reached your API usage limits. You will regain access on 2026-12-01T15:00:00Z."}}"#;
    let at = respond(429, &[], body).retry_at().unwrap();
    assert_eq!(
        at,
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_137_200)
    );
}

#[test]
fn secrets_and_addresses_in_odd_dress_are_scrubbed() {
    let utf16: Vec<u8> =
        r#"{"note":"x-api-key: sk-ant-api03-PLANTED"}"#.bytes().flat_map(|b| [b, 0]).collect();
    for body in [
        utf16.as_slice(),
        b"aws_secret_access_key=PLANTED",
        br#"{"x-api-key": ["PLANTED"]}"#,
        br#"saw Bearer "PLANTED""#,
    ] {
        let error = respond_bytes(502, body);
        let printed = format!(
            "{} {:?} {:?}",
            error.report(),
            error.message(),
            error.body()
        );
        assert!(!printed.contains("PLANTED"), "{printed}");
    }
    for address in ["ip203.0.113.7", "203.0.113.7.nip.io", "203.0.113.007"] {
        let error = respond_bytes(502, format!("client {address} refused").as_bytes());
        let printed = format!("{:?}", error.body());
        assert!(!printed.contains("203.0"), "{printed}");
    }
}

#[test]
fn an_error_object_beside_a_title_and_a_status_is_the_apis() {
    let body = r#"{"title":"Bad Request","status":400,"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
    assert_eq!(respond(400, &[], body).kind(), ErrorKind::Billing);
}

fn respond_bytes(status: u16, body: &[u8]) -> Error {
    Error::from_response(&facts(status, &[]), body)
}
