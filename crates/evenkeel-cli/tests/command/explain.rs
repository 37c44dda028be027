//! `evenkeel explain`: what a response means.

use std::path::Path;

use serde_json::{Value, json};

use super::json::{ERROR, keys};
use super::process::{Invocation, evenkeel};

/// An error body of the API.
fn body(error_type: &str, message: &str) -> String {
    json!({"type": "error", "error": {"type": error_type, "message": message}}).to_string()
}

fn page(title: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n</body>\n</html>\n"
    )
}

/// `explain` for this response, its body on standard input.
fn response(status: u16, headers: &[&str], body: impl Into<Vec<u8>>) -> Invocation {
    let mut command = evenkeel(["explain", "--body", "-", "--status", &status.to_string()]);
    for header in headers {
        command = command.arg("--header").arg(header);
    }
    command.input(body)
}

/// The `error` object.
fn classified(command: Invocation) -> Value {
    let run = command.arg("--json").finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.err, "");
    let error = run.json();
    assert_eq!(keys(&error), ERROR.into(), "{error}");
    assert_eq!(error["stopped"], Value::Null);
    error
}

#[test]
fn the_situations_that_people_bring_are_told_apart() {
    let html = "content-type: text/html";
    let cases = [
        (
            response(
                529,
                &["request-id: req_7"],
                body("overloaded_error", "Overloaded"),
            ),
            json!({"kind": "overloaded", "category": "server", "recovery": "back_off_long",
                "delivery": "answered", "status": 529, "type": "overloaded_error",
                "request_id": "req_7", "after_ms": null, "retry_at": null}),
        ),
        (
            response(
                429,
                &[],
                body(
                    "rate_limit_error",
                    "You have reached your API usage limits. You will regain access on 2027-01-01 at 00:00 UTC.",
                ),
            ),
            json!({"kind": "quota_exhausted", "category": "authentication", "recovery": "never",
                "retry_at": "2027-01-01T00:00:00Z", "after_ms": null}),
        ),
        (
            response(
                400,
                &[],
                body(
                    "invalid_request_error",
                    "Your credit balance is too low to access the Anthropic API.",
                ),
            ),
            json!({"kind": "billing", "category": "authentication", "recovery": "never"}),
        ),
        (
            response(
                520,
                &[html, "cf-ray: 8f0e1-FRA"],
                page("520: Web server is returning an unknown error"),
            ),
            json!({"kind": "bad_gateway", "category": "server", "recovery": "back_off",
                "delivery": "unknown", "cf_ray": "8f0e1-FRA", "request_id": null,
                "message": "520: Web server is returning an unknown error"}),
        ),
        (
            response(413, &[html], page("413 Request Entity Too Large")),
            json!({"kind": "request_too_large", "category": "invalid_request", "recovery": "never"}),
        ),
        (
            response(
                403,
                &[html, "cf-mitigated: challenge"],
                page("Just a moment..."),
            ),
            json!({"kind": "permission_denied", "category": "authentication", "recovery": "never"}),
        ),
        (
            response(500, &[], body("api_error", "Overloaded")),
            json!({"kind": "overloaded", "category": "server", "recovery": "back_off_long"}),
        ),
        (
            response(200, &[html], page("Sign in")),
            json!({"kind": "protocol", "category": "server", "status": 200}),
        ),
        (
            evenkeel([
                "explain",
                "--event",
                "--body",
                "-",
                "--header",
                "request-id: req_8",
            ])
            .input(body("overloaded_error", "Overloaded")),
            json!({"kind": "overloaded", "status": 200, "type": "overloaded_error",
                "recovery": "back_off_long", "request_id": "req_8"}),
        ),
    ];
    for (command, expected) in cases {
        let error = classified(command);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(error[key], *value, "{key}: {error}");
        }
        assert!(!error["advice"].as_str().unwrap().is_empty(), "{error}");
    }
}

#[test]
fn a_wait_is_read_in_every_form_and_nonsense_is_none() {
    let date = "date: Tue, 10 Nov 2026 10:00:00 GMT";
    let later = "retry-after: Tue, 10 Nov 2026 10:00:20 GMT";
    for (headers, wait) in [
        (&["retry-after: 20"][..], json!(20_000)),
        (&["retry-after: 0.5"], json!(500)),
        (&["retry-after: 0"], json!(0)),
        // The server's own clock counts: this is 20 s, whatever the time is here.
        (&[date, later], json!(20_000)),
        (&["retry-after: 60", "retry-after-ms: 1500"], json!(1_500)),
        (&["Retry-After:20"], json!(20_000)),
        (&["retry-after: -1"], Value::Null),
        (&["retry-after: inf"], Value::Null),
        (&["retry-after: 1e300"], Value::Null),
        (&["retry-after: soon"], Value::Null),
    ] {
        let error = classified(response(429, headers, ""));
        assert_eq!(error["kind"], "rate_limited");
        assert_eq!(error["after_ms"], wait, "{headers:?}: {error}");
        let recovery = if wait.is_null() {
            "back_off_long"
        } else {
            "after"
        };
        assert_eq!(error["recovery"], recovery, "{headers:?}: {error}");
        assert_eq!(
            error["retry_at"].is_null(),
            wait.is_null(),
            "{headers:?}: {error}"
        );
    }
}

#[test]
fn the_text_says_what_happened_what_helps_and_what_the_server_said() {
    let headers = ["request-id: req_7", "retry-after: 20"];
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}"#;
    let run = response(429, &headers, body).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(run.out.trim_end(), @r#"
    rate_limited: status 429, type rate_limit_error, request id req_7
      concerns: rate limit
      worth a retry: yes, 20s after the answer
      reached the API: yes
      message: Slow down.
      what to do: A rate limit of the account is used up. Waiting helps; retrying
        earlier than the server says does not. If it recurs, spread the load, cache
        the prompt's prefix, or ask for higher limits in the Console under Limits.
      body: {"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}
    "#);
}

#[test]
fn an_event_may_be_brought_with_its_frame() {
    let data = body("overloaded_error", "Overloaded");
    for frame in [
        format!("event: error\ndata: {data}\n\n"),
        format!("event: error\r\ndata:{data}\r\n\r\n"),
    ] {
        let brought = evenkeel(["explain", "--event", "--body", "-"]).input(frame.clone());
        let error = classified(brought);
        assert_eq!(
            error,
            classified(evenkeel(["explain", "--event"]).input(frame))
        );
        assert_eq!(error["kind"], "overloaded");
        assert_eq!(error["message"], "Overloaded");
    }
}

#[test]
fn the_status_needs_no_name() {
    let by_name = evenkeel(["explain", "--status", "529"]).finish();
    let bare = evenkeel(["explain", "529"]).finish();
    assert_eq!(bare.code, Some(0), "{bare:?}");
    assert_eq!(bare.out, by_name.out);
}

#[test]
fn the_text_speaks_in_words_and_not_in_labels() {
    for (status, words) in [
        (429, "yes, after a long wait that grows"),
        (503, "yes, after a short wait that grows"),
        (200, "yes, once, after a short wait that grows"),
        (400, "worth a retry: no\n"),
        (502, "reached the API: perhaps"),
    ] {
        let run = response(status, &[], "").finish();
        assert!(run.out.contains(words), "{words}: {run:?}");
        let (_, rest) = run.out.split_once('\n').unwrap();
        assert!(!rest.contains('_'), "{run:?}");
    }
}

#[test]
fn a_page_is_one_line_of_text_and_the_number_to_quote() {
    let run = response(
        520,
        &["content-type: text/html", "cf-ray: 8f0e1-FRA"],
        page("Bad luck"),
    )
    .finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    let mut lines = run.out.lines();
    assert_eq!(
        lines.next(),
        Some("bad_gateway: status 520, cf-ray 8f0e1-FRA")
    );
    assert!(lines.any(|line| line == "  message: Bad luck"), "{run:?}");
}

#[test]
fn the_text_names_the_moment_that_a_cap_lifts() {
    let message = "You have reached your specified API usage limits. You will regain access on 2027-01-01 at 00:00 UTC.";
    let run = response(400, &[], body("invalid_request_error", message)).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.out
            .contains("worth a retry: no use before 2027-01-01 00:00:00 UTC"),
        "{run:?}"
    );
}

#[test]
fn it_agrees_with_the_conformance_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evenkeel-error/conformance");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the workspace") {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            if is_taken_for_a_slip(case) {
                assert_eq!(brought(case).finish().code, Some(2), "{}", case["name"]);
            } else if !waits_for_a_date(case) {
                agrees(case);
                count += 1;
            }
        }
    }
    assert!(count >= 150, "only {count} cases");
}

/// Whether the case has a date to wait for and no date to count from: its wait then depends on the
/// time at which it is classified, and the case was written for another time than now.
fn waits_for_a_date(case: &Value) -> bool {
    // Of all their values only a date has a time of day in it.
    let has_date = |name: &str| {
        let mut headers = case["headers"].as_array().into_iter().flatten();
        headers.any(|header| header[0] == name && header[1].to_string().contains(':'))
    };
    has_date("retry-after") && !has_date("date")
}

/// Whether a client must make something of it, and who asks what it means has mistyped it: a status that
/// servers do not send, an event that is none.
fn is_taken_for_a_slip(case: &Value) -> bool {
    let is_event = case["event"] == true;
    case["status"].as_u64().unwrap() > 599 || (is_event && !case_body(case).starts_with(b"{"))
}

fn agrees(case: &Value) {
    let error = classified(brought(case));
    for (key, expected) in case["expect"].as_object().unwrap() {
        // The end of a wait is counted from its beginning, which is now.
        let is_end_of_wait = key == "retry_at" && !error["after_ms"].is_null();
        if ERROR.contains(&key.as_str()) && !is_end_of_wait {
            assert_eq!(error[key], *expected, "{key} of {}: {error}", case["name"]);
        }
    }
}

fn brought(case: &Value) -> Invocation {
    let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
    let headers: Vec<_> = case["headers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|header| {
            format!(
                "{}: {}",
                header[0].as_str().unwrap(),
                header[1].as_str().unwrap()
            )
        })
        .collect();
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    let mut command = response(status, &headers, case_body(case));
    if case["event"] == true {
        command = command.arg("--event");
    }
    command
}

/// As the suite's README has it.
fn case_body(case: &Value) -> Vec<u8> {
    if let Some(hex) = case["body_hex"].as_str() {
        let pairs = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| str::from_utf8(pair).unwrap());
        return pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect();
    }
    if let Some(parts) = case["body_parts"].as_array() {
        let parts = parts.iter().map(|part| {
            let times = usize::try_from(part[1].as_u64().unwrap()).unwrap();
            part[0].as_str().unwrap().repeat(times)
        });
        return parts.collect::<String>().into_bytes();
    }
    match &case["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    }
}
